/* SPDX-License-Identifier: ISC */
/*
 * One step of a scenario, played on the backend of a served disk.
 */
#ifndef SCENARIO_NBDKIT_PLAY_H
#define SCENARIO_NBDKIT_PLAY_H

#include "served.h"

#include "scenario/dialects.h"
#include "scenario/program.h"

/* Whether it is a step of the backend: a fault rule, or its life. */
bool play_knows(const struct scenario_step *step);
/* Plays it. `backend` is how the backend was made, and is brought up to date. NULL, or what is
 * wrong. */
const char *play_step(struct served *served, const struct scenario_program *program,
                      const struct scenario_dialects *dialects, const struct scenario_step *step,
                      struct simback_backend_options *backend);

#endif
