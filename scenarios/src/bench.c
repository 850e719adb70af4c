/* SPDX-License-Identifier: ISC */
/*
 * Measuring: the load of bench_world.c and the yardstick in turns, and the memory of an idle
 * device.
 */
#include "bench.h"

#include "bench_threads.h"
#include "bench_world.h"

#include <simback/oracle.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

double bench_seconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* What is measured: a load of one world or of the other. */
struct load {
    const struct bench_case *bench;
    const struct bench_options *options;
    void *world;
    int (*play)(void *world, uint64_t requests);
    void (*statistics)(void *world, struct blkfront_statistics *statistics);
    uint64_t (*allocations)(void *world); /* NULL: not counted */
    bool threads;
    uint32_t quiet; /* plays without an allocation that make it warm */
};

static int stepped_play(void *world, uint64_t requests)
{
    return bench_play(world, requests);
}

static void stepped_statistics(void *world, struct blkfront_statistics *statistics)
{
    bench_statistics(world, statistics);
}

static uint64_t stepped_allocations(void *world)
{
    return simback_allocations(((struct bench_world *)world)->world);
}

static uint64_t allocations_of(const struct load *load)
{
    return load->allocations == NULL ? 0 : load->allocations(load->world);
}

bool bench_wanted(const struct bench_options *options, const struct bench_case *list, size_t count,
                  size_t index)
{
    const char *rows = options->rows;

    if (rows == NULL)
        return true;
    for (size_t i = 0; i < count; i++) {
        if (strcmp(list[i].name, rows) == 0)
            return i == index;
    }
    return strstr(list[index].name, rows) != NULL;
}

/* ---- rates ---- */

/* Seconds for so many copies of the case's bytes at the places that come next in `chance`. */
static double yardstick(const struct bench_case *bench, unsigned char *disk, unsigned char *buffer,
                        uint64_t requests, uint64_t chance)
{
    const uint32_t piece = bench->bytes < BENCH_PAGE ? bench->bytes : (uint32_t)BENCH_PAGE;
    const uint32_t in_flight = bench_in_flight(bench);
    double began = bench_seconds();

    for (uint64_t i = 0; i < requests; i++) {
        unsigned char *place = disk + bench_place(&chance, bench->bytes);
        unsigned char *mine = buffer + (size_t)(i % in_flight) * bench->bytes;

        for (uint32_t done = 0; done < bench->bytes; done += piece) {
            for (uint32_t copy = 0; copy < bench->copies; copy++) {
                if (bench->write)
                    memcpy(place + done, mine + done, piece);
                else
                    memcpy(mine + done, place + done, piece);
                __asm__ volatile("" : : "r"(mine), "r"(place) : "memory");
            }
        }
    }
    return bench_seconds() - began;
}

/* What the rules remember of a sector, and have to keep apart where many writes overlap, is not
 * what a row shows: everything has been written once, and one place by all that is in flight. */
static int write_all(struct bench_world *bench)
{
    int result;

    if (!bench->bench->write || !bench->options->rules)
        return 0;
    bench->places = BENCH_IN_ORDER;
    result = bench_play(bench, BENCH_DISK_BYTES / bench->bench->bytes);
    bench->places = BENCH_THE_SAME;
    if (result == 0)
        result = bench_play(bench, UINT64_C(8) * bench_in_flight(bench->bench));
    bench->places = BENCH_BY_CHANCE;
    return result;
}

/* Turns of each repeat: what else happens on the machine comes upon all three alike, and where it
 * does not, the turn in the middle leaves it out. */
enum { SLICES = 8 };

/* As many requests as take about a slice of the time asked for, and more than are in flight. */
static int choose_count(const struct load *load, uint64_t *count)
{
    enum { TRIED_BYTES = 8 << 20, TRIED_MOST = 2000 };
    const uint64_t least = UINT64_C(2) * bench_in_flight(load->bench);
    uint64_t tried = TRIED_BYTES / load->bench->bytes;
    double began = bench_seconds();
    double taken;

    if (tried > TRIED_MOST)
        tried = TRIED_MOST;
    if (tried < least)
        tried = least;
    if (load->play(load->world, tried) != 0)
        return -1;
    taken = (bench_seconds() - began) / (double)tried;
    *count = (uint64_t)((double)load->options->milliseconds / 1e3 / SLICES / taken);
    if (*count < least)
        *count = least;
    return 0;
}

/* Until nothing grows any more: the rules' books need room for as many writes as ever overlap. */
static int warm_up(const struct load *load, uint64_t count)
{
    enum { MOST = 64 };

    for (uint32_t i = 0, quiet = 0; i < MOST && quiet < load->quiet; i++) {
        uint64_t before = allocations_of(load);

        if (load->play(load->world, count) != 0)
            return -1;
        quiet = allocations_of(load) == before ? quiet + 1 : 0;
    }
    return 0;
}

/* Of one turn: seconds a request of each of the three, measured one after the other. */
struct turn {
    double requests, copies, empty;
};

static int take_turn(const struct load *load, unsigned char *disk, unsigned char *buffer,
                     uint64_t count, uint64_t chance, struct turn *turn)
{
    double began;

    turn->copies = yardstick(load->bench, disk, buffer, count, chance) / (double)count;
    if (bench_empty_ring(count, load->bench->depth, load->threads, &turn->empty) != 0)
        return -1;
    turn->empty /= (double)count;
    began = bench_seconds();
    if (load->play(load->world, count) != 0)
        return -1;
    turn->requests = (bench_seconds() - began) / (double)count;
    return 0;
}

static double ratio_of(const struct turn *turn)
{
    return turn->copies / turn->requests;
}

static double times_of(const struct turn *turn)
{
    return turn->requests / (turn->empty + turn->copies);
}

/* How far a turn's value is from the middle of all. */
static uint32_t distance(const struct turn *turns, uint32_t count, uint32_t index,
                         double (*value)(const struct turn *turn))
{
    const double mine = value(&turns[index]);
    uint32_t below = 0;

    for (uint32_t i = 0; i < count; i++)
        below += value(&turns[i]) < mine || (i < index && value(&turns[i]) <= mine);
    return below > count / 2 ? below - count / 2 : count / 2 - below;
}

/* One turn for all, so that each figure goes with the others: the one that is nearest to the middle
 * by its ratio and by its times. */
static void put_middle(const struct turn *turns, uint32_t count, struct bench_result *result)
{
    const struct turn *middle = &turns[0];
    uint32_t least = UINT32_MAX;

    for (uint32_t i = 0; i < count; i++) {
        const uint32_t by_ratio = distance(turns, count, i, ratio_of);
        const uint32_t by_times = distance(turns, count, i, times_of);
        const uint32_t worse = by_ratio > by_times ? by_ratio : by_times;

        if (worse < least) {
            least = worse;
            middle = &turns[i];
        }
    }
    result->ratio = ratio_of(middle);
    result->times = times_of(middle);
    result->requests_per_second = 1 / middle->requests;
    result->copies_per_second = 1 / middle->copies;
    result->empty_per_second = 1 / middle->empty;
}

static int measure(const struct load *load, unsigned char *disk, unsigned char *buffer,
                   struct bench_result *result)
{
    const uint32_t count = load->options->repeats * SLICES;
    struct turn turns[BENCH_REPEATS_MAX * SLICES];
    struct blkfront_statistics before;
    struct blkfront_statistics after;
    uint64_t allocations;
    uint64_t total = 0;
    uint64_t each;

    if (choose_count(load, &each) != 0 || warm_up(load, each) != 0)
        return -1;
    allocations = allocations_of(load);
    load->statistics(load->world, &before);
    for (uint32_t i = 0; i < count; i++, total += each) {
        if (take_turn(load, disk, buffer, each, total + 1, &turns[i]) != 0)
            return -1;
    }
    load->statistics(load->world, &after);
    put_middle(turns, count, result);
    result->notifications = (double)(after.notifications - before.notifications) / (double)total;
    result->allocations = (double)(allocations_of(load) - allocations) / (double)total;
    result->copied = (double)(after.bytes_copied - before.bytes_copied) / (double)total /
                     (double)load->bench->bytes;
    return 0;
}

/* What failed; NULL: nothing did. */
static const char *measure_beside(const struct load *load, struct bench_result *result)
{
    const size_t buffer_bytes = (size_t)load->bench->bytes * bench_in_flight(load->bench);
    unsigned char *disk = malloc(BENCH_DISK_BYTES);
    unsigned char *buffer = malloc(buffer_bytes);
    const char *failed = NULL;

    if (disk == NULL || buffer == NULL) {
        failed = "no memory";
    } else {
        memset(disk, 0x5a, BENCH_DISK_BYTES);
        memset(buffer, 0, buffer_bytes);
        if (measure(load, disk, buffer, result) != 0)
            failed = "a request failed";
    }
    free(disk);
    free(buffer);
    return failed;
}

static int told(const struct bench_case *bench_case, const char *failed, char *error, size_t size)
{
    if (failed != NULL)
        snprintf(error, size, "%s: %s", bench_case->name, failed);
    return failed != NULL ? -1 : 0;
}

static const char *measure_stepped(struct bench_world *bench, const struct bench_case *bench_case,
                                   struct bench_result *result)
{
    const struct load load = {.bench = bench_case,
                              .options = bench->options,
                              .world = bench,
                              .play = stepped_play,
                              .statistics = stepped_statistics,
                              .allocations = stepped_allocations,
                              .quiet = bench_case->write && bench->options->rules ? 16 : 1};
    const char *failed;

    if (bench_prepare(bench, bench_case) != 0)
        return "no memory";
    failed = write_all(bench) != 0 ? "a request failed" : measure_beside(&load, result);
    if (failed != NULL && simback_violations(bench->world, false) != 0)
        failed = simback_violation(bench->world, 0)->text;
    return failed;
}

int bench_run(const struct bench_options *options, const struct bench_case *bench_case,
              struct bench_result *result, char *error, size_t error_size)
{
    struct bench_world *bench = bench_open(options, bench_case->setup);
    const int rc = told(bench_case,
                        bench == NULL ? "the device does not connect as it is asked to"
                                      : measure_stepped(bench, bench_case, result),
                        error, error_size);

    bench_close(bench);
    return rc;
}

int bench_run_threads(const struct bench_options *options, const struct bench_case *bench_case,
                      struct bench_result *result, char *error, size_t error_size)
{
    struct bench_threads *threads = bench_threads_open(bench_case);
    const struct load load = {.bench = bench_case,
                              .options = options,
                              .world = threads,
                              .play = bench_threads_play,
                              .statistics = bench_threads_statistics,
                              .threads = true,
                              .quiet = 1};
    const int rc = told(bench_case,
                        threads == NULL ? "the device does not connect as it is asked to"
                                        : measure_beside(&load, result),
                        error, error_size);

    bench_threads_close(threads);
    return rc;
}

/* ---- memory ---- */

int bench_measure_memory(const struct bench_options *options, const struct bench_setup *setup,
                         struct bench_memory *memory, char *error, size_t error_size)
{
    struct bench_world *bench = bench_open(options, setup);

    if (bench == NULL) {
        snprintf(error, error_size, "%s: the device does not connect as it is asked to",
                 setup->name);
        return -1;
    }
    memory->world_bytes = bench->world_bytes;
    memory->device_bytes = simback_memory_peak(bench->world) - bench->world_bytes;
    memory->ring_bytes = ((size_t)BENCH_PAGE << bench->info.ring_order) * bench->info.queues;
    memory->pool_bytes = (size_t)BENCH_PAGE * bench->asked.pool_pages * bench->info.queues;
    bench_close(bench);
    return 0;
}

int bench_measure_growth(const struct bench_options *options, const struct bench_growth *growth,
                         size_t *bytes, char *error, size_t error_size)
{
    struct bench_world *bench = bench_open(options, &growth->setup);
    int rc = 0;

    if (bench == NULL || bench_touch(bench, growth->blocks) != 0) {
        snprintf(error, error_size, "%u devices: no memory", growth->setup.devices);
        rc = -1;
    } else {
        *bytes = simback_memory_used(bench->world) - bench->world_bytes;
    }
    bench_close(bench);
    return rc;
}
