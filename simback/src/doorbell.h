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
    uint32_t tries; /* how many there have been */
    char apart[48]; /* bells of different threads lie in different cache lines */
};

/* Something that may be seen some time before the ring, or done at once. While it is all that is
 * looked at, whoever rings need not take the bell's cache line away. */
struct doorbell_sign {
    bool (*is_there)(void *context);
    void *context;
};

/* What is stored before a ring is seen by whoever has read the count that the ring made. */
void doorbell_ring(struct doorbell *bell);
uint32_t doorbell_rings(const struct doorbell *bell);
/* Looks for so long as has been of use lately, or `most` looks: true if the count is no longer
 * `seen` or the sign, if there is one, is there. */
bool doorbell_spin(struct doorbell *bell, uint32_t seen, const struct doorbell_sign *sign);
bool doorbell_glance(const struct doorbell *bell, uint32_t seen, const struct doorbell_sign *sign,
                     uint32_t most);
/* Sleeps until the count is no longer `seen` (true), or to the deadline (false); sometimes returns
 * without a reason (true). */
bool doorbell_sleep(struct doorbell *bell, uint32_t seen, uint64_t deadline_ns);
/* A spin, and if that has been in vain a sleep. */
bool doorbell_wait(struct doorbell *bell, uint32_t seen, const struct doorbell_sign *sign,
                   uint64_t deadline_ns);
/* Nanoseconds of the host's monotonic clock, in which deadlines are. */
uint64_t doorbell_now(void);

#endif
