/* SPDX-License-Identifier: ISC */
/*
 * The data path as the life cycle sees it, without one: queues that only have a state, and what the
 * tests want them to do.
 */
#ifndef BLKFRONT_TEST_FAKE_QUEUE_H
#define BLKFRONT_TEST_FAKE_QUEUE_H

#include "internal.h"

enum { FAKE_QUEUES = 8, FAKE_REFS = 16 };

struct fake_queues {
    unsigned opens;      /* calls of queue_open */
    unsigned open_fails; /* so many of them fail, the first ones */
    unsigned open_limit; /* from this queue on they fail; 0: none */
    int open_error;
    unsigned open; /* queues that share something with the backend */
    unsigned busy; /* so many calls of queue_close find the backend still there; ~0u: all */
    unsigned quarantined;
    unsigned started;
    unsigned shared;
    bool deaf;       /* no poll of a queue says STOPPED */
    bool unanswered; /* requests are not completed before the queue stops */
    unsigned more;   /* so many polls say that there is more */
    uint64_t due_ns; /* what poll_at says; 0: nothing is due */
    int stop_result; /* of the last queue_stop */
    unsigned memories_polled;
    unsigned memories_closed;
    unsigned memories_voided;
    unsigned forgotten;
    bool others_keep_grants; /* other devices of the context, which may end them */
    unsigned told_devices;   /* how often they were asked to */
    const char *violation;
};

extern struct fake_queues fake_queues;

void fake_queues_init(void);
/* Frees them in whatever state they are. */
void fake_queues_drop(struct blkfront_device *device);

#endif
