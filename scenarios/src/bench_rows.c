/* SPDX-License-Identifier: ISC */
/*
 * What `simblk bench` measures: the chosen rows of rates, or every one, and the options whose
 * memory is told.
 */
#include "bench.h"

#include <stdio.h>

enum { KIB = 1 << 10, MIB = 1 << 20 };

enum { DEFAULTS, PERSISTENT, SEGMENTS_16, SEGMENTS_256, QUEUES_4, LARGE_QUEUES_4 };

const struct bench_setup bench_setups[] = {
    [DEFAULTS] = {"defaults", .segments = 11, .queues = 1},
    [PERSISTENT] = {"persistent", .persistent = true, .segments = 11, .queues = 1},
    [SEGMENTS_16] = {"16 segments", .segments = 16, .queues = 1},
    [SEGMENTS_256] = {"256 segments", .segments = 256, .queues = 1},
    [QUEUES_4] = {"4 queues", .segments = 11, .queues = 4},
    [LARGE_QUEUES_4] = {"4 queues, 16 pages, 256 segments", .segments = 256, .queues = 4,
                        .ring_order = 4},
};
const size_t bench_setup_count = sizeof(bench_setups) / sizeof(bench_setups[0]);

#define SETUP(name) (&bench_setups[name])

/* What is not to slow anybody down: devices that do nothing, and a disk of 512 TiB. */
#define SECTORS_2_40 (UINT64_C(1) << 40)
static const struct bench_setup devices_10 = {"10 devices", .segments = 11, .queues = 1,
                                              .devices = 10, .active = 10};
static const struct bench_setup devices_1000 = {"1,000 devices", .segments = 11, .queues = 1,
                                                .devices = 1000, .active = 10};
static const struct bench_setup large_disk = {"2^40 sectors", .segments = 11, .queues = 1,
                                              .sectors = SECTORS_2_40};

/* Pages for copies are granted anew for each request, or stay granted: the same two copies. */
static const struct bench_case stepped[] = {
    {"read 512 B direct", SETUP(DEFAULTS), false, BENCH_DIRECT, 512, 32, 1},
    {"read 4 KiB direct", SETUP(DEFAULTS), false, BENCH_DIRECT, 4 * KIB, 32, 1},
    {"read 4 KiB bounced", SETUP(DEFAULTS), false, BENCH_BOUNCED, 4 * KIB, 32, 2},
    {"read 4 KiB persistent", SETUP(PERSISTENT), false, BENCH_BOUNCED, 4 * KIB, 32, 2},
    {"write 4 KiB direct", SETUP(DEFAULTS), true, BENCH_DIRECT, 4 * KIB, 32, 1},
    {"write 4 KiB bounced", SETUP(DEFAULTS), true, BENCH_BOUNCED, 4 * KIB, 32, 2},
    {"write 4 KiB persistent", SETUP(PERSISTENT), true, BENCH_BOUNCED, 4 * KIB, 32, 2},
    {"read 4 KiB direct, depth 1", SETUP(DEFAULTS), false, BENCH_DIRECT, 4 * KIB, 1, 1},
    {"read 4 KiB direct, 4 queues", SETUP(QUEUES_4), false, BENCH_DIRECT, 4 * KIB, 32, 1},
    {"write 4 KiB direct, 4 queues", SETUP(QUEUES_4), true, BENCH_DIRECT, 4 * KIB, 32, 1},
    {"read 64 KiB direct", SETUP(DEFAULTS), false, BENCH_DIRECT, 64 * KIB, 32, 1},
    {"read 64 KiB indirect", SETUP(SEGMENTS_16), false, BENCH_DIRECT, 64 * KIB, 32, 1},
    {"write 64 KiB indirect", SETUP(SEGMENTS_16), true, BENCH_DIRECT, 64 * KIB, 32, 1},
    {"read 1 MiB indirect", SETUP(SEGMENTS_256), false, BENCH_DIRECT, MIB, 8, 1},
    {"write 1 MiB indirect", SETUP(SEGMENTS_256), true, BENCH_DIRECT, MIB, 8, 1},
    {"read 4 KiB, 10 of 10 devices", &devices_10, false, BENCH_DIRECT, 4 * KIB, 16, 1},
    {"read 4 KiB, 10 of 1,000 devices", &devices_1000, false, BENCH_DIRECT, 4 * KIB, 16, 1},
    {"read 4 KiB of 2^40 sectors", &large_disk, false, BENCH_DIRECT, 4 * KIB, 32, 1},
};

/* What only the threaded world's rows ask for. */
static const struct bench_setup queues_2 = {"2 queues", .segments = 11, .queues = 2};
static const struct bench_setup pages_8 = {"ring of 8 pages", .segments = 11, .queues = 1,
                                           .ring_order = 3};
static const struct bench_setup large = {"256 segments, ring of 8 pages", .segments = 256,
                                         .queues = 1, .ring_order = 3};

/* Block size by depth; then ways of data, and queues. */
static const struct bench_case threaded[] = {
    {"read 512 B, depth 1", SETUP(DEFAULTS), false, BENCH_DIRECT, 512, 1, 1},
    {"read 512 B, depth 32", SETUP(DEFAULTS), false, BENCH_DIRECT, 512, 32, 1},
    {"read 512 B, depth 256", &pages_8, false, BENCH_DIRECT, 512, 256, 1},
    {"read 4 KiB, depth 1", SETUP(DEFAULTS), false, BENCH_DIRECT, 4 * KIB, 1, 1},
    {"read 4 KiB, depth 32", SETUP(DEFAULTS), false, BENCH_DIRECT, 4 * KIB, 32, 1},
    {"read 4 KiB, depth 256", &pages_8, false, BENCH_DIRECT, 4 * KIB, 256, 1},
    {"read 64 KiB, depth 1", SETUP(SEGMENTS_16), false, BENCH_DIRECT, 64 * KIB, 1, 1},
    {"read 64 KiB, depth 32", SETUP(SEGMENTS_16), false, BENCH_DIRECT, 64 * KIB, 32, 1},
    {"read 64 KiB, depth 256", &large, false, BENCH_DIRECT, 64 * KIB, 256, 1},
    {"read 1 MiB, depth 1", SETUP(SEGMENTS_256), false, BENCH_DIRECT, MIB, 1, 1},
    {"read 1 MiB, depth 32", SETUP(SEGMENTS_256), false, BENCH_DIRECT, MIB, 32, 1},
    {"write 4 KiB, depth 32", SETUP(DEFAULTS), true, BENCH_DIRECT, 4 * KIB, 32, 1},
    {"write 1 MiB, depth 32", SETUP(SEGMENTS_256), true, BENCH_DIRECT, MIB, 32, 1},
    {"read 4 KiB bounced", SETUP(DEFAULTS), false, BENCH_BOUNCED, 4 * KIB, 32, 2},
    {"read 4 KiB persistent", SETUP(PERSISTENT), false, BENCH_BOUNCED, 4 * KIB, 32, 2},
    {"write 4 KiB bounced", SETUP(DEFAULTS), true, BENCH_BOUNCED, 4 * KIB, 32, 2},
    {"write 4 KiB persistent", SETUP(PERSISTENT), true, BENCH_BOUNCED, 4 * KIB, 32, 2},
    {"read 4 KiB, 2 queues", &queues_2, false, BENCH_DIRECT, 4 * KIB, 32, 1},
    {"read 4 KiB, 4 queues", SETUP(QUEUES_4), false, BENCH_DIRECT, 4 * KIB, 32, 1},
};

/* ---- every combination ---- */

enum { SIZES = 4, DEPTHS = 3, WAYS = 3, QUEUES = 3, EVERY = 2 * SIZES * DEPTHS * WAYS * QUEUES };

static const struct {
    const char *name;
    uint32_t bytes;
} sizes[SIZES] = {{"512 B", 512}, {"4 KiB", 4 * KIB}, {"64 KiB", 64 * KIB}, {"1 MiB", MIB}};

static const struct {
    const char *name;
    enum bench_data data;
    bool persistent;
} ways[WAYS] = {{"direct", BENCH_DIRECT, false},
                {"bounced", BENCH_BOUNCED, false},
                {"persistent", BENCH_BOUNCED, true}};

static const uint32_t depths[DEPTHS] = {1, 32, 256};
static const uint16_t queues[QUEUES] = {1, 2, 4};

/* The room of a table of all of them, which is made once. */
static struct combination {
    char name[48];
    struct bench_setup setup;
} combinations[EVERY];
static struct bench_case combined[EVERY];

/* Names and setups of one operation and size; none has more in flight than the disk has bytes. */
static size_t combine(bool write, size_t size, size_t made)
{
    const uint32_t bytes = sizes[size].bytes;
    const size_t of_a_way = (size_t)DEPTHS * QUEUES;

    for (size_t i = 0; i < WAYS * of_a_way; i++) {
        const size_t way = i / of_a_way;
        const uint32_t depth = depths[i / QUEUES % DEPTHS];
        const uint16_t count = queues[i % QUEUES];
        struct combination *one = &combinations[made];

        if ((uint64_t)bytes * depth * count > BENCH_DISK_BYTES)
            continue;
        snprintf(one->name, sizeof(one->name), "%s %s %s, depth %u, %u queue%s",
                 write ? "write" : "read", sizes[size].name, ways[way].name, (unsigned)depth,
                 (unsigned)count, count == 1 ? "" : "s");
        one->setup = (struct bench_setup){
            .name = one->name,
            .persistent = ways[way].persistent,
            .segments = bytes > 11 * 4 * KIB ? bytes / (4 * KIB) : 11,
            .queues = count,
            .ring_order = depth > 32 ? 3 : 0,
        };
        combined[made++] = (struct bench_case){one->name,
                                               &one->setup,
                                               write,
                                               ways[way].data,
                                               bytes,
                                               depth,
                                               ways[way].data == BENCH_BOUNCED ? 2 : 1};
    }
    return made;
}

const struct bench_case *bench_list(bool threads, bool every, size_t *count)
{
    if (every) {
        *count = 0;
        for (size_t i = 0; i < 2 * (size_t)SIZES; i++)
            *count = combine(i / SIZES == 1, i % SIZES, *count);
        return combined;
    }
    *count =
        threads ? sizeof(threaded) / sizeof(threaded[0]) : sizeof(stepped) / sizeof(stepped[0]);
    return threads ? threaded : stepped;
}

/* ---- what memory grows with ---- */

#define DEVICES(count)                                             \
    {                                                              \
        "devices", .segments = 11, .queues = 1, .devices = (count) \
    }
#define DISK(size)                                             \
    {                                                          \
        "disk", .segments = 11, .queues = 1, .sectors = (size) \
    }

const struct bench_growth bench_growths[] = {
    {DEVICES(1), 0},
    {DEVICES(10), 0},
    {DEVICES(100), 0},
    {DEVICES(1000), 0},
    {DISK(1 << 17), 1000},
    {DISK(1 << 17), 4000},
    {DISK(1 << 17), 16000},
    {DISK(SECTORS_2_40), 1000},
    {DISK(SECTORS_2_40), 4000},
    {DISK(SECTORS_2_40), 16000},
};
const size_t bench_growth_count = sizeof(bench_growths) / sizeof(bench_growths[0]);
