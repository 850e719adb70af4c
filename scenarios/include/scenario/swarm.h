/* SPDX-License-Identifier: ISC */
/*
 * Programs by seed: an application at work, a backend that can something by chance, and some kinds
 * of trouble, each with a weight by chance; most seeds have few kinds, so that each gets its turn
 * without the others. At the end the trouble stops: the device has to come back, and all data has
 * to be right.
 */
#ifndef SCENARIO_SWARM_H
#define SCENARIO_SWARM_H

#include "scenario/program.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { SCENARIO_SWARM_CALLS = 100 }; /* before the end, where nothing else is asked for */

/* `program` becomes the one of this seed, valid, with so many calls of the application before it
 * comes to the end: each reaches the frontend. The same everywhere and always. 0 or
 * SCENARIO_NO_MEMORY. */
int scenario_swarm_program(struct scenario_program *program, uint64_t seed, unsigned calls);

/* Leaves off what a frontend with these capabilities (subject.h) cannot be asked for. */
void scenario_swarm_fit(struct scenario_program *program, uint64_t capabilities);

#ifdef __cplusplus
}
#endif

#endif
