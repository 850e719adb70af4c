/* SPDX-License-Identifier: ISC */
/*
 * The soak: verified requests in the threaded world, as many as somebody has patience for. Each
 * queue is used by a thread of its own, with a part of the disk to itself; every unit of 512 bytes
 * bears who wrote it, where and when, so what is lost, doubled, old or elsewhere shows. Meanwhile
 * connections end and begin anew: disconnected by the application, closed by the backend, crashed.
 */
#ifndef SCENARIO_SOAK_H
#define SCENARIO_SOAK_H

#include <simback/backend.h>

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SOAK_QUEUES_MAX = 16, SOAK_DEPTH_MAX = 256, SOAK_TROUBLE = 300 };

struct soak_counts {
    uint64_t reads, writes, flushes; /* that succeeded, and were what they had to be */
    uint64_t errors;                 /* that failed as fault rules wanted */
    uint64_t cut;                    /* ended by a disconnect before they were answered */
    uint64_t wrong;                  /* reads of what was not written there last */
    uint64_t doubled;                /* completed though they were not submitted */
    uint64_t failed;                 /* that had no reason to */
    uint64_t lost;                   /* waited for in vain */
};

/* How a connection ends, in turn. */
enum soak_end {
    SOAK_DISCONNECTS, /* at rest, and the next one agrees to other things */
    SOAK_CLOSES,      /* the backend, with requests in flight */
    SOAK_CRASHES,     /* the same, and another one comes when the frontend has noticed */
    SOAK_CUTS,        /* disconnect with requests in flight, which end unanswered */
    SOAK_ENDS
};

struct soak_options {
    uint64_t requests; /* that succeed, in all queues together */
    uint32_t queues, depth;
    uint64_t seed;
    uint64_t reconnect_ns; /* how long a connection lasts; 0: to the end */
    unsigned ends;         /* bits of 1 << enum soak_end: the ways that are taken; default all */
    const struct simback_fault *faults;
    size_t fault_count;
    const volatile sig_atomic_t *interrupted; /* may be NULL */
    /* Called now and then with how many have succeeded so far; may be NULL. */
    void (*told)(void *context, uint64_t requests);
    void *context;
};

struct soak_result {
    struct soak_counts counts;
    uint64_t ends[SOAK_ENDS];
    double seconds;
    char trouble[SOAK_TROUBLE]; /* what was wrong first; "": nothing was */
};

void soak_options_init(struct soak_options *options);
/* 0: all was right, also where it was interrupted; else -1, and `trouble` says why. */
int soak_run(const struct soak_options *options, struct soak_result *result);

#endif
