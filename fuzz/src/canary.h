/* SPDX-License-Identifier: ISC */
/*
 * libblkfront with a bug planted on top of it, to show that a fuzzer finds one.
 */
#ifndef FUZZ_CANARY_H
#define FUZZ_CANARY_H

#include "scenario/subject.h"

/* libblkfront's table, but for two of its calls. */
const struct scenario_subject *canary_subject(void);

#endif
