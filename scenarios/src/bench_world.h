/* SPDX-License-Identifier: ISC */
/*
 * Devices of a stepped world under load: as many requests as the depth says are in flight on each
 * queue of those that are active, and each that completes is submitted again at another random
 * place.
 */
#ifndef SCENARIO_BENCH_WORLD_H
#define SCENARIO_BENCH_WORLD_H

#include "bench.h"

#include <simback/world.h>

enum { BENCH_PAGE = 4096, BENCH_QUEUES_MAX = 4, BENCH_DEPTH_MAX = 256 };

/* Where requests go: by chance, one after the other, or all to the first place. */
enum bench_places { BENCH_BY_CHANCE, BENCH_IN_ORDER, BENCH_THE_SAME };

struct bench_world;
struct bench_device;

struct bench_request {
    struct blkfront_request request; /* first: a completion finds its bench_request */
    struct bench_device *device;
    struct blkfront_buffer buffer;
    uint16_t queue;
    uint64_t number;
};

struct bench_queue {
    struct bench_device *device;
    uint16_t index;
};

struct bench_device {
    struct bench_world *bench;
    uint16_t number;
    void *device; /* the subject's */
    void *memory;
    void *pages;
    struct bench_queue queues[BENCH_QUEUES_MAX];
};

struct bench_world {
    const struct bench_options *options;
    const struct bench_setup *setup;
    const struct bench_case *bench; /* NULL: all devices are idle */
    const struct scenario_subject *subject;
    struct simback_world *world;
    size_t world_bytes; /* before there was a device */
    void *context;
    struct bench_device *devices; /* the active ones first */
    uint16_t device_count;
    struct blkfront_options asked;
    struct blkfront_info info;
    uint64_t chance;
    enum bench_places places;
    uint64_t completed;
    uint64_t wanted; /* no more are submitted once so many are completed or under way */
    uint64_t submitted;
    uint64_t next_number;
    int failure;
    struct bench_request *requests; /* all that is in flight at once */
};

/* The next of the places of pieces of this size, the same for requests and yardstick. */
uint64_t bench_place(uint64_t *chance, uint32_t bytes);
static inline uint32_t bench_active(const struct bench_setup *setup)
{
    return setup->active == 0 ? 1 : setup->active;
}
static inline uint32_t bench_in_flight(const struct bench_case *bench)
{
    return bench->depth * bench->setup->queues * bench_active(bench->setup);
}

/* A world with connected devices that have agreed to what the setup asks for; NULL, and nothing
 * is left. */
struct bench_world *bench_open(const struct bench_options *options,
                               const struct bench_setup *setup);
/* Buffers and a filled disk for the requests of this case. */
int bench_prepare(struct bench_world *bench, const struct bench_case *bench_case);
/* So many requests from submit to completion; -1: one failed or a rule is broken. */
int bench_play(struct bench_world *bench, uint64_t requests);
/* Writes so many blocks of each active device's disk, as they lie scattered there. */
int bench_touch(struct bench_world *bench, uint32_t blocks);
/* Of all active devices. */
void bench_statistics(struct bench_world *bench, struct blkfront_statistics *sum);
void bench_close(struct bench_world *bench);

#endif
