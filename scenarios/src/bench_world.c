/* SPDX-License-Identifier: ISC */
/*
 * The device of the benchmark, its actors and its requests. What is measured of it is bench.c's
 * business.
 */
#include "bench_world.h"

#include <simback/backend.h>
#include <simback/oracle.h>
#include <simback/xen.h>

#include <stdlib.h>
#include <string.h>

enum { DEVICE = 0, VDEV = 51712, UNIT = 512 };

uint64_t bench_place(uint64_t *chance, uint32_t bytes)
{
    /* xorshift64* */
    *chance ^= *chance >> 12;
    *chance ^= *chance << 25;
    *chance ^= *chance >> 27;
    return *chance * UINT64_C(2685821657736338717) % (BENCH_DISK_BYTES / bytes) * bytes;
}

/* ---- requests ---- */

static uint64_t next_place(struct bench_world *bench)
{
    switch (bench->places) {
    case BENCH_IN_ORDER: return bench->submitted * bench->bench->bytes;
    case BENCH_THE_SAME: return 0;
    case BENCH_BY_CHANCE: break;
    }
    return bench_place(&bench->chance, bench->bench->bytes);
}

static void submit(struct bench_request *request)
{
    struct bench_world *bench = request->bench;
    int result;

    request->request.sector = next_place(bench) / UNIT;
    bench->submitted++;
    request->number = ++bench->next_number;
    if (bench->options->rules)
        simback_app_submit(bench->world, DEVICE, request->queue, request->number,
                           request->request.operation, 0, UNIT, request->request.sector,
                           bench->bench->bytes / UNIT, &request->buffer, 1);
    result = bench->subject->submit(bench->device, request->queue, &request->request);
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

int bench_play(struct bench_world *bench, uint64_t requests)
{
    const uint32_t in_flight = bench_in_flight(bench->bench);

    bench->completed = 0;
    bench->submitted = 0;
    bench->wanted = requests;
    for (uint32_t i = 0; i < in_flight && bench->submitted < requests; i++) {
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

static int make_buffers(struct bench_world *bench)
{
    const struct bench_case *row = bench->bench;
    const uint32_t in_flight = bench_in_flight(row);
    const size_t bytes = (size_t)row->bytes * in_flight;
    const unsigned uses = row->write ? BLKFRONT_MEMORY_TO_DISK : BLKFRONT_MEMORY_FROM_DISK;

    if (row->data == BENCH_DIRECT) {
        if (bench->subject->memory_create(bench->device, (bytes + BENCH_PAGE - 1) / BENCH_PAGE,
                                          uses, &bench->memory, &bench->pages) != BLKFRONT_OK)
            return -1;
    } else {
        bench->pages = simback_allocate(bench->world, bytes);
        if (bench->pages == NULL)
            return -1;
    }
    memset(bench->pages, 0x5a, bytes);
    for (uint32_t i = 0; i < in_flight; i++) {
        struct bench_request *request = &bench->requests[i];

        request->bench = bench;
        request->queue = (uint16_t)(i % bench->setup->queues);
        request->buffer.address = (char *)bench->pages + (size_t)i * row->bytes;
        request->buffer.size = row->bytes;
        request->buffer.memory = bench->memory;
        request->request.operation = row->write ? BLKFRONT_WRITE : BLKFRONT_READ;
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
    unsigned char block[BENCH_PAGE];

    memset(block, 0x5a, sizeof(block));
    for (uint64_t unit = 0; unit < BENCH_DISK_BYTES / UNIT; unit += BENCH_PAGE / UNIT) {
        if (simback_disk_write(disk, unit, BENCH_PAGE / UNIT, block) != 0)
            return -1;
    }
    return 0;
}

int bench_prepare(struct bench_world *bench, const struct bench_case *bench_case)
{
    bench->bench = bench_case;
    return make_buffers(bench) != 0 || fill_disk(bench) != 0 ? -1 : 0;
}

/* ---- the device in its world ---- */

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
    struct bench_queue *queue = context;
    struct bench_world *bench = queue->bench;
    int more;

    if (bench->device == NULL)
        return false;
    simback_enter(bench->world, DEVICE);
    if (bench->options->rules)
        simback_app_call(bench->world, DEVICE, "queue_poll");
    more = bench->subject->queue_poll(bench->device, queue->index);
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

static int add_backend(struct bench_world *bench)
{
    struct simback_backend_options backend;

    simback_backend_options_init(&backend);
    backend.dialect = simback_dialect_find("linux");
    backend.device = DEVICE;
    backend.front_domid = SIMBACK_FRONT_DOMID;
    backend.vdev = VDEV;
    backend.sectors = BENCH_DISK_BYTES / UNIT;
    backend.queues = BENCH_QUEUES_MAX; /* as on a host with so many processors */
    return simback_world_add_backend(bench->world, &backend) != NULL ? 0 : -1;
}

/* The device poll's; who asks for a queue has to poll it, and so there is an actor for each. */
static simback_actor add_actors(struct bench_world *bench)
{
    simback_actor device = simback_actor_add(bench->world, "front", DEVICE, 0, poll_device, bench);
    simback_actor queues[BENCH_QUEUES_MAX];

    for (uint16_t i = 0; i < bench->setup->queues; i++) {
        bench->queues[i] = (struct bench_queue){.bench = bench, .index = i};
        queues[i] =
            simback_actor_add(bench->world, "queue", DEVICE, i, poll_queue, &bench->queues[i]);
    }
    simback_front_actors(bench->world, DEVICE, device, queues, bench->setup->queues);
    return device;
}

/* What was asked for is there: a row or a figure of something else would be worth nothing. */
static bool has_agreed(struct bench_world *bench)
{
    const struct blkfront_info *info = &bench->info;
    const struct bench_setup *setup = bench->setup;

    return bench->subject->get_info(bench->device, &bench->info) == BLKFRONT_OK &&
           info->persistent == setup->persistent && info->segments == setup->segments &&
           info->queues == setup->queues && info->ring_order == setup->ring_order;
}

static int connect_device(struct bench_world *bench)
{
    simback_actor device_actor;
    int result;

    if (add_backend(bench) != 0)
        return -1;
    device_actor = add_actors(bench);
    simback_enter(bench->world, DEVICE);
    blkfront_options_init(&bench->asked);
    bench->asked.persistent = bench->setup->persistent;
    bench->asked.segments = bench->setup->segments;
    bench->asked.queues = bench->setup->queues;
    bench->asked.ring_order = bench->setup->ring_order;
    if (bench->subject->create(simback_platform(bench->world, SIMBACK_FRONT_DOMID),
                               &bench->context) != BLKFRONT_OK)
        return -1;
    simback_app_call(bench->world, DEVICE, "connect");
    result = bench->subject->connect(bench->context, "xvda", &bench->asked, &bench->device);
    simback_app_return(bench->world, DEVICE, "connect", result);
    simback_handover(bench->world, DEVICE, true);
    if (result != BLKFRONT_OK)
        return -1;
    simback_actor_ready(bench->world, device_actor);
    return run_until_state(bench, BLKFRONT_CONNECTED) == 0 && has_agreed(bench) ? 0 : -1;
}

struct bench_world *bench_open(const struct bench_options *options, const struct bench_setup *setup)
{
    struct bench_world *bench = calloc(1, sizeof(*bench));
    struct simback_world_options world;

    if (bench == NULL)
        return NULL;
    bench->options = options;
    bench->setup = setup;
    bench->subject = options->subject;
    bench->chance = UINT64_C(88172645463325252);
    simback_world_options_init(&world);
    world.rules = options->rules;
    world.trace_hash = options->rules;
    bench->world = simback_world_create(&world);
    if (bench->world != NULL)
        bench->world_bytes = simback_memory_used(bench->world);
    if (bench->world == NULL || connect_device(bench) != 0) {
        bench_close(bench);
        return NULL;
    }
    return bench;
}

void bench_close(struct bench_world *bench)
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
