/* SPDX-License-Identifier: ISC */
/*
 * The fields of a step as options, for the runner and for whoever else plays steps.
 */
#ifndef SCENARIO_STEP_VALUES_H
#define SCENARIO_STEP_VALUES_H

#include "scenario/check.h"
#include "scenario/program.h"

#include <simback/backend.h>

#include <blkfront/blkfront.h>

/* All but dialect, front_domid, params and disk, which are as simback_backend_options_init has
 * them. */
void step_backend(const struct scenario_step *step, struct simback_backend_options *options);
/* Changes what `backend restart` says; the dialect is left as it is. */
void step_restart(const struct scenario_step *step, struct simback_backend_options *options);
/* All but ring_start, disconnect_deadline_ns and who hears of changes. */
void step_connect(const struct scenario_step *step, struct blkfront_options *options);
/* A response made by hand: all but what `like` means. */
void step_response(const struct scenario_step *step, struct simback_bad_response *response);
/* Which word of the ring's header, as simback_backend_move_index counts them, and what comes there;
 * true: it is added. */
bool step_index(const struct scenario_step *step, unsigned *word, uint32_t *value);
/* All but the name. `units`: of 512 bytes in a sector. */
void step_fault(const struct scenario_step *step, uint64_t units, struct simback_fault *fault);

#endif
