/* SPDX-License-Identifier: ISC */
/*
 * One device of a stepped world under load: as many requests as the depth says are in flight, and
 * each that completes is submitted again at another random place.
 */
#include "bench.h"

#include "scenario/run.h"

#include <simback/backend.h>
#include <simback/oracle.h>
#include <simback/world.h>
#include <simback/xen.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

const struct bench_case bench_cases[] = {
    {"read 512 B direct", false, BENCH_DIRECT, 512, 32, 1},
    {"read 4 KiB direct", false, BENCH_DIRECT, 4096, 32, 1},
    {"read 4 KiB bounced", false, BENCH_BOUNCED, 4096, 32, 2},
    {"write 4 KiB direct", true, BENCH_DIRECT, 4096, 32, 1},
    {"write 4 KiB bounced", true, BENCH_BOUNCED, 4096, 32, 2},
    {"read 4 KiB direct, depth 1", false, BENCH_DIRECT, 4096, 1, 1},
    {"read 64 KiB direct", false, BENCH_DIRECT, 65536, 32, 1},
};
const size_t bench_case_count = sizeof(bench_cases) / sizeof(bench_cases[0]);

struct bench_request {
    struct blkfront_request request; /* first: a completion finds its bench_request */
    struct bench_world *bench;
    struct blkfront_buffer buffer;
    uint64_t number;
};

struct bench_world {
    const struct bench_options *options;
    const struct bench_case *bench;
    const struct scenario_subject *subject;
    struct simback_world *world;
    void *context;
    void *device;
    void *memory;
    void *pages;
    uint64_t chance;
    bool in_order; /* places one after the other, not by chance */
    uint64_t completed;
    uint64_t wanted; /* no more are submitted once so many are completed or under way */
    uint64_t submitted;
    uint64_t next_number;
    int failure;
    struct bench_request requests[BENCH_DEPTH_MAX];
};

enum { DEVICE = 0, QUEUE = 0, VDEV = 51712, UNIT = 512, PAGE = 4096 };

static double seconds_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* xorshift64*: places on the disk, the same for requests and yardstick. */
static uint64_t next_chance(uint64_t *state)
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * UINT64_C(2685821657736338717);
}

static uint64_t random_place(uint64_t *chance, uint32_t bytes)
{
    return next_chance(chance) % (BENCH_DISK_BYTES / bytes) * bytes;
}

/* ---- the device in its world ---- */

static void submit(struct bench_request *request)
{
    struct bench_world *bench = request->bench;
    uint64_t place = bench->in_order ? bench->submitted * bench->bench->bytes
                                     : random_place(&bench->chance, bench->bench->bytes);
    int result;

    bench->submitted++;
    request->number = ++bench->next_number;
    request->request.sector = place / UNIT;
    if (bench->options->rules)
        simback_app_submit(bench->world, DEVICE, QUEUE, request->number, request->request.operation,
                           0, UNIT, request->request.sector, bench->bench->bytes / UNIT,
                           &request->buffer, 1);
    result = bench->subject->submit(bench->device, QUEUE, &request->request);
    if (result != BLKFRONT_OK)
        bench->failure = result;
}

static void on_complete(struct blkfront_request *completed, int result)
{
    struct bench_request *request = (struct bench_request *)completed;
    struct bench_world *bench = request->bench;

    if (bench->options->rules)
        simback_app_complete(bench->world, request->number, result);
    simback_progress(bench->world);
    if (result != BLKFRONT_OK)
        bench->failure = result;
    bench->completed++;
    if (bench->submitted < bench->wanted && bench->failure == 0)
        submit(request);
}

static bool poll_device(void *context)
{
    struct bench_world *bench = context;
    int more;

    if (bench->device == NULL)
        return false;
    simback_enter(bench->world, DEVICE);
    if (bench->options->rules)
        simback_app_call(bench->world, DEVICE, "poll");
    more = bench->subject->poll(bench->device);
    if (bench->options->rules)
        simback_app_return(bench->world, DEVICE, "poll", more);
    return more > 0;
}

static bool poll_queue(void *context)
{
    struct bench_world *bench = context;
    int more;

    if (bench->device == NULL)
        return false;
    simback_enter(bench->world, DEVICE);
    if (bench->options->rules)
        simback_app_call(bench->world, DEVICE, "queue_poll");
    more = bench->subject->queue_poll(bench->device, QUEUE);
    if (bench->options->rules)
        simback_app_return(bench->world, DEVICE, "queue_poll", more);
    return more > 0;
}

static int run_until_state(struct bench_world *bench, enum blkfront_state state)
{
    while (bench->subject->device_state(bench->device) != state) {
        if (simback_world_step(bench->world, SIMBACK_NEVER) != SIMBACK_STEP_RAN)
            return -1;
    }
    return 0;
}

static int open_device(struct bench_world *bench)
{
    struct simback_backend_options backend;
    struct blkfront_options options;
    simback_actor device_actor;
    simback_actor queue_actor;
    int result;

    simback_backend_options_init(&backend);
    backend.dialect = simback_dialect_find("linux");
    backend.device = DEVICE;
    backend.front_domid = SIMBACK_FRONT_DOMID;
    backend.vdev = VDEV;
    backend.sectors = BENCH_DISK_BYTES / UNIT;
    if (simback_world_add_backend(bench->world, &backend) == NULL)
        return -1;
    device_actor = simback_actor_add(bench->world, "front", DEVICE, 0, poll_device, bench);
    queue_actor = simback_actor_add(bench->world, "queue", DEVICE, QUEUE, poll_queue, bench);
    simback_front_actors(bench->world, DEVICE, device_actor, &queue_actor, 1);
    simback_enter(bench->world, DEVICE);
    blkfront_options_init(&options);
    if (bench->subject->create(simback_platform(bench->world, SIMBACK_FRONT_DOMID),
                               &bench->context) != BLKFRONT_OK)
        return -1;
    simback_app_call(bench->world, DEVICE, "connect");
    result = bench->subject->connect(bench->context, "xvda", &options, &bench->device);
    simback_app_return(bench->world, DEVICE, "connect", result);
    simback_handover(bench->world, DEVICE, true);
    if (result != BLKFRONT_OK)
        return -1;
    simback_actor_ready(bench->world, device_actor);
    return run_until_state(bench, BLKFRONT_CONNECTED);
}

static int make_buffers(struct bench_world *bench)
{
    size_t bytes = (size_t)bench->bench->bytes * bench->bench->depth;
    size_t pages = (bytes + PAGE - 1) / PAGE;

    if (bench->bench->data == BENCH_DIRECT) {
        if (bench->subject->memory_create(bench->device, pages,
                                          bench->bench->write ? BLKFRONT_MEMORY_TO_DISK
                                                              : BLKFRONT_MEMORY_FROM_DISK,
                                          &bench->memory, &bench->pages) != BLKFRONT_OK)
            return -1;
    } else {
        bench->pages = simback_allocate(bench->world, bytes);
        if (bench->pages == NULL)
            return -1;
    }
    memset(bench->pages, 0x5a, bytes);
    for (uint32_t i = 0; i < bench->bench->depth; i++) {
        struct bench_request *request = &bench->requests[i];

        request->bench = bench;
        request->buffer.address = (char *)bench->pages + (size_t)i * bench->bench->bytes;
        request->buffer.size = bench->bench->bytes;
        request->buffer.memory = bench->memory;
        request->request.operation = bench->bench->write ? BLKFRONT_WRITE : BLKFRONT_READ;
        request->request.buffers = &request->buffer;
        request->request.buffer_count = 1;
        request->request.complete = on_complete;
    }
    return 0;
}

/* The disk's blocks exist before anything is measured: first touch is not what a row shows. */
static int fill_disk(struct bench_world *bench)
{
    struct simback_disk *disk = simback_backend_disk(simback_world_backend(bench->world, DEVICE));
    unsigned char block[PAGE];

    memset(block, 0x5a, sizeof(block));
    for (uint64_t unit = 0; unit < BENCH_DISK_BYTES / UNIT; unit += PAGE / UNIT) {
        if (simback_disk_write(disk, unit, PAGE / UNIT, block) != 0)
            return -1;
    }
    return 0;
}

static int play(struct bench_world *bench, uint64_t requests)
{
    bench->completed = 0;
    bench->submitted = 0;
    bench->wanted = requests;
    for (uint32_t i = 0; i < bench->bench->depth && bench->submitted < requests; i++) {
        simback_enter(bench->world, DEVICE);
        if (bench->options->rules)
            simback_app_call(bench->world, DEVICE, "submit");
        submit(&bench->requests[i]);
        if (bench->options->rules)
            simback_app_return(bench->world, DEVICE, "submit", 0);
    }
    simback_handover(bench->world, DEVICE, true);
    while (bench->completed < requests && bench->failure == 0) {
        if (simback_world_step(bench->world, SIMBACK_NEVER) != SIMBACK_STEP_RAN)
            return -1;
    }
    return bench->failure == 0 && simback_violations(bench->world, false) == 0 ? 0 : -1;
}

static struct bench_world *bench_open(const struct bench_options *options,
                                      const struct bench_case *bench_case)
{
    struct bench_world *bench = calloc(1, sizeof(*bench));
    struct simback_world_options world;

    if (bench == NULL)
        return NULL;
    bench->options = options;
    bench->bench = bench_case;
    bench->subject = options->subject;
    bench->chance = UINT64_C(88172645463325252);
    simback_world_options_init(&world);
    world.rules = options->rules;
    world.trace_hash = options->rules;
    bench->world = simback_world_create(&world);
    return bench;
}

static void bench_close(struct bench_world *bench)
{
    if (bench == NULL)
        return;
    if (bench->memory != NULL)
        bench->subject->memory_destroy(bench->memory);
    if (bench->device != NULL) {
        simback_enter(bench->world, DEVICE);
        bench->subject->disconnect(bench->device);
        if (run_until_state(bench, BLKFRONT_CLOSED) == 0)
            bench->subject->release(bench->device);
        bench->device = NULL;
        bench->subject->destroy(bench->context);
    }
    if (bench->world != NULL)
        simback_world_destroy(bench->world);
    free(bench);
}

/* ---- measuring ---- */

/* Seconds for so many copies of the case's bytes at random places of a disk of the same size. */
static double yardstick(const struct bench_case *bench, unsigned char *disk, unsigned char *buffer,
                        uint64_t requests, uint64_t *chance)
{
    uint32_t piece = bench->bytes < PAGE ? bench->bytes : PAGE;
    double began = seconds_now();

    for (uint64_t i = 0; i < requests; i++) {
        for (uint32_t done = 0; done < bench->bytes; done += piece) {
            unsigned char *place = disk + random_place(chance, piece);
            unsigned char *mine = buffer + (size_t)(i % bench->depth) * bench->bytes + done;

            for (uint32_t copy = 0; copy < bench->copies; copy++) {
                if (bench->write)
                    memcpy(place, mine, piece);
                else
                    memcpy(mine, place, piece);
                __asm__ volatile("" : : "r"(mine), "r"(place) : "memory");
            }
        }
    }
    return seconds_now() - began;
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;

    return (x > y) - (x < y);
}

static double median(double *values, uint32_t count)
{
    qsort(values, count, sizeof(*values), by_size);
    return values[count / 2];
}

/* Everything has been written once: what the rules remember of a sector is not what a row shows. */
static int write_all(struct bench_world *bench)
{
    int result;

    if (!bench->bench->write || !bench->options->rules)
        return 0;
    bench->in_order = true;
    result = play(bench, BENCH_DISK_BYTES / bench->bench->bytes);
    bench->in_order = false;
    return result;
}

/* As many requests as take about the time asked for. */
static int choose_count(struct bench_world *bench, uint64_t *count)
{
    double began = seconds_now();
    double taken;

    if (play(bench, 2000) != 0)
        return -1;
    taken = (seconds_now() - began) / 2000;
    *count = (uint64_t)((double)bench->options->milliseconds / 1e3 / taken);
    if (*count < 2000)
        *count = 2000;
    return 0;
}

static int measure(struct bench_world *bench, unsigned char *disk, unsigned char *buffer,
                   struct bench_result *result)
{
    double rates[BENCH_REPEATS_MAX];
    double copies[BENCH_REPEATS_MAX];
    struct blkfront_statistics before;
    struct blkfront_statistics after;
    uint64_t allocations;
    uint64_t total = 0;
    uint64_t count;
    uint64_t chance = 1234567;

    if (write_all(bench) != 0 || choose_count(bench, &count) != 0)
        return -1;
    allocations = simback_allocations(bench->world);
    bench->subject->get_statistics(bench->device, &before);
    for (uint32_t i = 0; i < bench->options->repeats; i++) {
        double began;

        copies[i] = (double)count / yardstick(bench->bench, disk, buffer, count, &chance);
        began = seconds_now();
        if (play(bench, count) != 0)
            return -1;
        rates[i] = (double)count / (seconds_now() - began);
        total += count;
    }
    bench->subject->get_statistics(bench->device, &after);
    result->requests_per_second = median(rates, bench->options->repeats);
    result->copies_per_second = median(copies, bench->options->repeats);
    result->notifications = (double)(after.notifications - before.notifications) / (double)total;
    result->allocations = (double)(simback_allocations(bench->world) - allocations) / (double)total;
    result->copied = (double)(after.bytes_copied - before.bytes_copied) / (double)total /
                     (double)bench->bench->bytes;
    result->world_bytes = simback_memory_peak(bench->world);
    return 0;
}

int bench_run(const struct bench_options *options, const struct bench_case *bench_case,
              struct bench_result *result, char *error, size_t error_size)
{
    struct bench_world *bench = bench_open(options, bench_case);
    size_t buffer_bytes = (size_t)bench_case->bytes * bench_case->depth;
    unsigned char *disk = malloc(BENCH_DISK_BYTES);
    unsigned char *buffer = malloc(buffer_bytes);
    const char *failed = NULL;

    if (bench == NULL || bench->world == NULL || disk == NULL || buffer == NULL) {
        failed = "no memory";
    } else {
        memset(disk, 0x5a, BENCH_DISK_BYTES);
        memset(buffer, 0, buffer_bytes);
        if (open_device(bench) != 0 || make_buffers(bench) != 0 || fill_disk(bench) != 0)
            failed = "the device does not connect";
        else if (measure(bench, disk, buffer, result) != 0)
            failed = simback_violations(bench->world, false) != 0
                         ? simback_violation(bench->world, 0)->text
                         : "a request failed";
    }
    if (failed != NULL)
        snprintf(error, error_size, "%s: %s", bench_case->name, failed);
    bench_close(bench);
    free(disk);
    free(buffer);
    return failed != NULL ? -1 : 0;
}

int bench_idle_world(const struct bench_options *options, size_t *bytes)
{
    struct bench_world *bench = bench_open(options, &bench_cases[0]);
    int result = -1;

    if (bench != NULL && bench->world != NULL && open_device(bench) == 0) {
        *bytes = simback_memory_peak(bench->world);
        result = 0;
    }
    bench_close(bench);
    return result;
}
