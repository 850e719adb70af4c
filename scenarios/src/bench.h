/* SPDX-License-Identifier: ISC */
/*
 * The benchmark's engine: requests through frontend, ring and backend, stepped or in threads,
 * beside the yardstick: the same bytes, in pieces of at most 4 KiB, at random places, drawn alike,
 * of a disk of the same size, copied by one core in the same run.
 */
#ifndef SCENARIO_BENCH_H
#define SCENARIO_BENCH_H

#include "scenario/subject.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a device is asked for beyond the defaults of blkfront.h. */
struct bench_setup {
    const char *name;
    bool persistent;
    uint32_t segments;
    uint16_t queues;
    uint32_t ring_order;
    /* Of the stepped world: */
    uint16_t devices; /* that are connected; 0: one */
    uint16_t active;  /* of these; 0: one */
    uint64_t sectors; /* of a disk, over which the places that are used are scattered; 0: 64 MiB */
};

enum bench_data { BENCH_DIRECT, BENCH_BOUNCED };

struct bench_case {
    const char *name; /* "read 4 KiB direct" */
    const struct bench_setup *setup;
    bool write;
    enum bench_data data;
    uint32_t bytes;  /* of a request */
    uint32_t depth;  /* of each queue */
    uint32_t copies; /* of the yardstick that the row is set against */
};

struct bench_result {
    double requests_per_second; /* of the turn in the middle, as the next four */
    double copies_per_second;   /* the yardstick, beside it: whole requests' bytes a second */
    double empty_per_second;    /* requests that do nothing, over as many slots */
    double ratio;               /* of requests to copies */
    double times;               /* as long as an empty one and the copy, in that order */
    double notifications;       /* per request */
    double allocations;         /* per request */
    double copied;              /* bytes copied by the frontend, per byte of data */
};

/* bench_stay.c: how many processors this process may use, which is asked first; then the calling
 * thread, and those that it begins from then on, stay on the one of this place among them, or go
 * where they like again. */
uint32_t bench_processors(void);
void bench_stay(uint32_t place);
void bench_roam(void);

/* Of a connected, idle device: the world's own is what there is before it. */
struct bench_memory {
    size_t world_bytes;
    size_t device_bytes; /* of frontend, backend and rules, at most so far */
    size_t ring_bytes;   /* of these: the rings' pages… */
    size_t pool_bytes;   /* …and the pools', as the options ask for them */
};

struct bench_options {
    const struct scenario_subject *subject;
    bool rules; /* rules and trace hash */
    uint32_t repeats;
    uint32_t milliseconds; /* of each repeat, about */
    const char *rows;      /* those alone whose name has this in it; NULL: all */
};

enum {
    BENCH_DISK_BYTES = 64 << 20,
    BENCH_REPEATS_MAX = 31,
    BENCH_JUDGED_DEVICES = 64 /* so many of a world the rules look at */
};

/* The rows of the stepped world or of the threaded one: those that were chosen, or every
 * combination of operation, size, way of data, depth and queues that fits. */
const struct bench_case *bench_list(bool threads, bool every, size_t *count);
extern const struct bench_setup bench_setups[];
extern const size_t bench_setup_count;

/* Is this row of the list wanted? */
bool bench_wanted(const struct bench_options *options, const struct bench_case *list, size_t count,
                  size_t index);
/* Of a clock that only goes forward. */
double bench_seconds(void);
/* The time that so many requests take which do nothing, `depth` of them in flight on a ring that
 * has room for them, the backend's side in a thread of its own or by turns. 0, or -1. */
int bench_empty_ring(uint64_t requests, uint32_t depth, bool threads, double *seconds);

/* 0, or -1 with a sentence in `error`. */
int bench_run(const struct bench_options *options, const struct bench_case *bench,
              struct bench_result *result, char *error, size_t error_size);
/* The same in a threaded world, where there are no rules and allocations are not counted. */
int bench_run_threads(const struct bench_options *options, const struct bench_case *bench,
                      struct bench_result *result, char *error, size_t error_size);
int bench_measure_memory(const struct bench_options *options, const struct bench_setup *setup,
                         struct bench_memory *memory, char *error, size_t error_size);

/* What memory grows with. */
struct bench_growth {
    struct bench_setup setup;
    uint32_t blocks; /* of 4 KiB that are touched of the disk */
};
extern const struct bench_growth bench_growths[];
extern const size_t bench_growth_count;

/* Bytes of a world with all of that, beyond an empty one. */
int bench_measure_growth(const struct bench_options *options, const struct bench_growth *growth,
                         size_t *bytes, char *error, size_t error_size);

#endif
