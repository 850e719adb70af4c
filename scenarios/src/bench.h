/* SPDX-License-Identifier: ISC */
/*
 * The benchmark's engine: requests through frontend, ring and backend in the stepped world, beside
 * the yardstick: the same bytes, in pieces of at most 4 KiB, at random places of a disk of the same
 * size, copied by one core in the same run.
 */
#ifndef SCENARIO_BENCH_H
#define SCENARIO_BENCH_H

#include "scenario/subject.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum bench_data { BENCH_DIRECT, BENCH_BOUNCED };

struct bench_case {
    const char *name; /* "read 4 KiB direct" */
    bool write;
    enum bench_data data;
    uint32_t bytes; /* of a request */
    uint32_t depth;
    uint32_t copies; /* of the yardstick that the row is set against */
};

struct bench_result {
    double requests_per_second; /* median over the repeats */
    double copies_per_second;   /* the yardstick, beside it: whole requests' bytes a second */
    double notifications;       /* per request */
    double allocations;         /* per request */
    double copied;              /* bytes copied by the frontend, per byte of data */
    size_t world_bytes;         /* peak of the world without the disk's 64 MiB */
};

struct bench_options {
    const struct scenario_subject *subject;
    bool rules; /* rules and trace hash */
    uint32_t repeats;
    uint32_t milliseconds; /* of each repeat, about */
};

enum { BENCH_DISK_BYTES = 64 << 20, BENCH_DEPTH_MAX = 256, BENCH_REPEATS_MAX = 31 };

extern const struct bench_case bench_cases[];
extern const size_t bench_case_count;

/* 0, or -1 with a sentence in `error`. */
int bench_run(const struct bench_options *options, const struct bench_case *bench,
              struct bench_result *result, char *error, size_t error_size);
/* Memory of a world with one connected, idle device. */
int bench_idle_world(const struct bench_options *options, size_t *bytes);

#endif
