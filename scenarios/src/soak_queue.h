/* SPDX-License-Identifier: ISC */
/*
 * One queue of a soak and its thread (soak_queue.c), for the one who looks after the device
 * (soak.c).
 */
#ifndef SCENARIO_SOAK_QUEUE_H
#define SCENARIO_SOAK_QUEUE_H

#include "soak.h"

#include <simback/threads.h>

#include <blkfront/blkfront.h>

#include <pthread.h>

enum {
    SOAK_UNIT = 512,
    SOAK_UNITS = 4096,   /* of a queue's part of the disk */
    SOAK_SPAN = 96,      /* units of one request, at most */
    SOAK_CALL_PAGES = 12 /* that hold so much */
};

/* Nobody waits so long unless a wake-up is lost. */
#define SOAK_LONG_NS UINT64_C(30000000000)

enum soak_phase { SOAK_LOAD, SOAK_DRAIN, SOAK_SWEEP, SOAK_OVER };

/* What the threads share. The pointers stay while they run. */
struct soak {
    struct simback_threads *threads;
    struct blkfront_device *device;
    bool errors;      /* are expected: there are fault rules */
    uint32_t phase;   /* atomic: enum soak_phase */
    uint32_t at_work; /* atomic: queues that have something to do in this phase */
    uint32_t bad;     /* atomic: something is wrong, it is of no use to go on */
};

struct soak_queue;

struct soak_call {
    struct blkfront_request request;
    struct blkfront_buffer buffer;
    struct soak_queue *queue;
    unsigned char *heap; /* its own, behind an odd place; NULL: library memory */
    unsigned char *bytes;
    uint32_t unit, units;
    bool busy;
};

/* All is its thread's from soak_queue_begin to soak_queue_end, but what is atomic. */
struct soak_queue {
    struct soak *soak;
    struct blkfront_queue *queue;
    struct blkfront_memory *memory;
    pthread_t thread;
    uint32_t index, depth;
    uint64_t random;
    uint64_t left; /* to succeed */
    uint32_t in_flight;
    uint32_t swept;     /* units, in SOAK_SWEEP */
    bool watched;       /* it polls without rest, and asks for no events */
    bool idle;          /* it has told that it has nothing to do */
    uint64_t succeeded; /* atomic: as far as others may know */
    struct soak_counts counts;
    char trouble[SOAK_TROUBLE];
    struct soak_call calls[SOAK_DEPTH_MAX];
    /* What a unit may hold: what was written last with success, or of later writes, whose end is
     * not known. 0: nothing. */
    uint32_t least[SOAK_UNITS], most[SOAK_UNITS];
    bool used[SOAK_UNITS]; /* by a request in flight: others keep away */
};

uint64_t soak_now(const struct soak *soak);

/* Memory; false: there is none. fini may follow in every case. */
bool soak_queue_init(struct soak_queue *queue, struct soak *soak, uint32_t index,
                     const struct soak_options *options);
void soak_queue_fini(struct soak_queue *queue);
/* Its thread begins, on a device that is connected; false: no memory or no thread. */
bool soak_queue_begin(struct soak_queue *queue);
/* In SOAK_OVER: its thread ends. */
void soak_queue_end(struct soak_queue *queue);

#endif
