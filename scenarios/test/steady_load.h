/* SPDX-License-Identifier: ISC */
/*
 * A device under a mix of requests that goes on for ever the same way: reads and writes, direct and
 * bounced, of one sector up to more than one ring request, and flushes. After the warm-up every
 * sector has been written and made durable, and as many requests have been in flight as ever will.
 */
#ifndef SCENARIO_TEST_STEADY_LOAD_H
#define SCENARIO_TEST_STEADY_LOAD_H

#include "device_world.h"

struct steady_load;

/* What the library and the world are asked to do: tests go through all of them. */
enum { STEADY_KINDS = 7 };

/* Warmed up. Ends the process with a message if that is not possible. */
struct steady_load *steady_load_begin(int kind);
/* So many requests from submit to completion; false: one of them failed or a rule was broken. */
bool steady_load_play(struct steady_load *load, uint64_t requests);
struct simback_world *steady_load_world(const struct steady_load *load);
void steady_load_end(struct steady_load *load);

#endif
