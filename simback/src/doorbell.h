/* SPDX-License-Identifier: ISC */
/*
 * How a thread of the threaded world sleeps until another one has something for it. A bell is a
 * count of rings, so a ring that comes between a look and the sleep is never lost: who wants to
 * sleep reads the count first, looks for something to do, and sleeps only while the count is still
 * the same.
 */
#ifndef SIMBACK_SRC_DOORBELL_H
#define SIMBACK_SRC_DOORBELL_H

#include <stdbool.h>
#include <stdint.h>

/* Zeroed memory is a bell that nobody has rung. Touched through the calls below alone. */
struct doorbell {
    uint32_t rings;
    uint32_t sleepers;
    uint32_t spins; /* how long the next sleeper spins: longer where that has been of use */
    uint32_t tries; /* how many have been in vain */
    char apart[48]; /* bells of different threads lie in different cache lines */
};

/* What is stored before a ring is seen by whoever has read the count that the ring made. */
void doorbell_ring(struct doorbell *bell);
uint32_t doorbell_rings(const struct doorbell *bell);
/* Returns when the count is no longer `seen` (true), or at the deadline (false); sometimes without
 * a reason (true). `sign`, if there is one, may become other than 0 some time before the ring: then
 * it returns too, if it does not sleep yet. */
bool doorbell_sleep(struct doorbell *bell, uint32_t seen, const uint32_t *sign,
                    uint64_t deadline_ns);
/* Nanoseconds of the host's monotonic clock, in which deadlines are. */
uint64_t doorbell_now(void);

#endif
