/* SPDX-License-Identifier: ISC */
/*
 * A step that need not make sense, made to make sense after the steps before it: what decoder and
 * mutator do before they ask the checker.
 */
#ifndef SCENARIO_MEND_H
#define SCENARIO_MEND_H

#include "scenario/check.h"

/* A step for a device without backend or handle is taken for xvda, a name not yet given means the
 * last one given, a name given twice is left off, and so is a vdev that another device has; a
 * dialect whose name is none gets one. It may still have to be refused. `program` is the
 * admission's; an error of memory or size. */
int mend_step(struct scenario_program *program, const struct scenario_admission *admission,
              struct scenario_step *step);

#endif
