/* SPDX-License-Identifier: ISC */
/*
 * The backend's steps for whoever has a backend and no runner: a served disk.
 */
#ifndef SCENARIO_STEP_PLAY_H
#define SCENARIO_STEP_PLAY_H

#include "scenario/program.h"

#include <simback/backend.h>

#include <stdbool.h>

/* Whether step_play can play it. */
bool step_play_knows(const struct scenario_step *step);
/* Plays a step of the backend, all but its restart. `options` is how the backend was made, and is
 * brought up to date. NULL, or what is wrong. */
const char *step_play(const struct scenario_step *step, struct simback_backend_options *options,
                      struct simback_backend *backend);
/* The same for steps that break the protocol on the ring: respond, index, poke. */
const char *step_play_hostile(const struct scenario_program *program,
                              const struct scenario_step *step, struct simback_backend *backend);

#endif
