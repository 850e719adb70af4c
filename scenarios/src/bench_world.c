/* SPDX-License-Identifier: ISC */
/*
 * The devices of the benchmark, their actors and requests. What is measured of it is bench.c's
 * business.
 */
#include "bench_world.h"

#include <simback/backend.h>
#include <simback/oracle.h>
#include <simback/xen.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { UNIT = 512 };

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

/* Where a place of the small disk lies on a large one: scattered all over it. */
static uint64_t sector_of(const struct bench_setup *setup, uint64_t place)
{
    const uint64_t blocks = BENCH_DISK_BYTES / BENCH_PAGE, block = place / BENCH_PAGE;
    const uint64_t room =
        setup->sectors / blocks / (BENCH_PAGE / UNIT); /* of each block, in blocks */

    if (setup->sectors == 0)
        return place / UNIT;
    return (block * room + block * UINT64_C(2654435761) % room) * (BENCH_PAGE / UNIT) +
           place % BENCH_PAGE / UNIT;
}

static void submit(struct bench_request *request)
{
    struct bench_device *device = request->device;
    struct bench_world *bench = device->bench;
    int result;

    request->request.sector = sector_of(bench->setup, next_place(bench));
    bench->submitted++;
    request->number = ++bench->next_number;
    if (bench->options->rules)
        simback_app_submit(bench->world, device->number, request->queue, request->number,
                           request->request.operation, 0, UNIT, request->request.sector,
                           bench->bench->bytes / UNIT, &request->buffer, 1);
    result = bench->subject->submit(device->device, request->queue, &request->request);
    if (result != BLKFRONT_OK)
        bench->failure = result;
}

static void on_complete(struct blkfront_request *completed, int result)
{
    struct bench_request *request = (struct bench_request *)completed;
    struct bench_world *bench = request->device->bench;

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
        const uint16_t device = bench->requests[i].device->number;

        simback_enter(bench->world, device);
        if (bench->options->rules)
            simback_app_call(bench->world, device, "submit");
        submit(&bench->requests[i]);
        if (bench->options->rules)
            simback_app_return(bench->world, device, "submit", 0);
        simback_handover(bench->world, device, true);
    }
    while (bench->completed < requests && bench->failure == 0) {
        if (simback_world_step(bench->world, SIMBACK_NEVER) != SIMBACK_STEP_RAN)
            return -1;
    }
    return bench->failure == 0 && simback_violations(bench->world, false) == 0 ? 0 : -1;
}

void bench_statistics(struct bench_world *bench, struct blkfront_statistics *sum)
{
    *sum = (struct blkfront_statistics){0};
    for (uint32_t i = 0; i < bench_active(bench->setup); i++) {
        struct blkfront_statistics one;

        bench->subject->get_statistics(bench->devices[i].device, &one);
        sum->notifications += one.notifications;
        sum->bytes_copied += one.bytes_copied;
    }
}

/* As many bytes as all of the device's requests have. */
static int make_pages(struct bench_device *device, size_t bytes)
{
    struct bench_world *bench = device->bench;
    const unsigned uses = bench->bench->write ? BLKFRONT_MEMORY_TO_DISK : BLKFRONT_MEMORY_FROM_DISK;

    simback_enter(bench->world, device->number);
    if (bench->bench->data == BENCH_DIRECT) {
        if (bench->subject->memory_create(device->device, (bytes + BENCH_PAGE - 1) / BENCH_PAGE,
                                          uses, &device->memory, &device->pages) != BLKFRONT_OK)
            return -1;
    } else {
        device->pages = simback_allocate(bench->world, bytes);
        if (device->pages == NULL)
            return -1;
    }
    memset(device->pages, 0x5a, bytes);
    return 0;
}

static void make_request(struct bench_world *bench, struct bench_device *device, uint32_t slot,
                         struct bench_request *request)
{
    const struct bench_case *row = bench->bench;

    request->device = device;
    request->queue = (uint16_t)(slot % bench->setup->queues);
    request->buffer.address = (char *)device->pages + (size_t)slot * row->bytes;
    request->buffer.size = row->bytes;
    request->buffer.memory = device->memory;
    request->request.operation = row->write ? BLKFRONT_WRITE : BLKFRONT_READ;
    request->request.buffers = &request->buffer;
    request->request.buffer_count = 1;
    request->request.complete = on_complete;
}

static int make_buffers(struct bench_world *bench)
{
    const uint32_t active = bench_active(bench->setup);
    const uint32_t slots = bench->bench->depth * bench->setup->queues; /* of each device */
    struct bench_request *request;

    bench->requests = calloc((size_t)slots * active, sizeof(*request));
    if (bench->requests == NULL)
        return -1;
    request = bench->requests;
    for (uint32_t i = 0; i < active; i++) {
        if (make_pages(&bench->devices[i], (size_t)bench->bench->bytes * slots) != 0)
            return -1;
    }
    for (uint32_t slot = 0; slot < slots; slot++) {
        for (uint32_t i = 0; i < active; i++)
            make_request(bench, &bench->devices[i], slot, request++);
    }
    return 0;
}

static int touch(struct bench_device *device, uint32_t blocks)
{
    struct simback_disk *disk =
        simback_backend_disk(simback_world_backend(device->bench->world, device->number));
    unsigned char block[BENCH_PAGE];

    memset(block, 0x5a, sizeof(block));
    for (uint64_t i = 0; i < blocks; i++) {
        if (simback_disk_write(disk, sector_of(device->bench->setup, i * BENCH_PAGE),
                               BENCH_PAGE / UNIT, block) != 0)
            return -1;
    }
    return 0;
}

int bench_touch(struct bench_world *bench, uint32_t blocks)
{
    for (uint32_t i = 0; i < bench_active(bench->setup); i++) {
        if (touch(&bench->devices[i], blocks) != 0)
            return -1;
    }
    return 0;
}

/* The disk's blocks exist before anything is measured: first touch is not what a row shows. */
int bench_prepare(struct bench_world *bench, const struct bench_case *bench_case)
{
    bench->bench = bench_case;
    return make_buffers(bench) != 0 || bench_touch(bench, BENCH_DISK_BYTES / BENCH_PAGE) != 0 ? -1
                                                                                              : 0;
}

/* ---- a device in its world ---- */

static bool poll_device(void *context)
{
    struct bench_device *device = context;
    struct bench_world *bench = device->bench;
    int more;

    if (device->device == NULL)
        return false;
    simback_enter(bench->world, device->number);
    if (bench->options->rules)
        simback_app_call(bench->world, device->number, "poll");
    more = bench->subject->poll(device->device);
    if (bench->options->rules)
        simback_app_return(bench->world, device->number, "poll", more);
    return more > 0;
}

static bool poll_queue(void *context)
{
    const struct bench_queue *queue = context;
    struct bench_device *device = queue->device;
    struct bench_world *bench = device->bench;
    int more;

    if (device->device == NULL)
        return false;
    simback_enter(bench->world, device->number);
    if (bench->options->rules)
        simback_app_call(bench->world, device->number, "queue_poll");
    more = bench->subject->queue_poll(device->device, queue->index);
    if (bench->options->rules)
        simback_app_return(bench->world, device->number, "queue_poll", more);
    return more > 0;
}

static int run_until_state(struct bench_device *device, enum blkfront_state state)
{
    struct bench_world *bench = device->bench;

    while (bench->subject->device_state(device->device) != state) {
        if (simback_world_step(bench->world, SIMBACK_NEVER) != SIMBACK_STEP_RAN)
            return -1;
    }
    return 0;
}

/* Any number does, and that of a thousand devices fit into one answer of XenStore if they are
 * short.
 */
static uint32_t vdev_of(const struct bench_device *device)
{
    return device->number + 1u;
}

static int add_backend(struct bench_device *device)
{
    struct simback_backend_options backend;

    simback_backend_options_init(&backend);
    backend.dialect = simback_dialect_find("linux");
    backend.device = device->number;
    backend.front_domid = SIMBACK_FRONT_DOMID;
    backend.vdev = vdev_of(device);
    backend.sectors = device->bench->setup->sectors == 0 ? BENCH_DISK_BYTES / UNIT
                                                         : device->bench->setup->sectors;
    backend.queues = BENCH_QUEUES_MAX; /* as on a host with so many processors */
    return simback_world_add_backend(device->bench->world, &backend) != NULL ? 0 : -1;
}

/* The device poll's; who asks for a queue has to poll it, and so there is an actor for each. */
static simback_actor add_actors(struct bench_device *device)
{
    struct bench_world *bench = device->bench;
    simback_actor poll =
        simback_actor_add(bench->world, "front", device->number, 0, poll_device, device);
    simback_actor queues[BENCH_QUEUES_MAX];

    for (uint16_t i = 0; i < bench->setup->queues; i++) {
        device->queues[i] = (struct bench_queue){.device = device, .index = i};
        queues[i] = simback_actor_add(bench->world, "queue", device->number, i, poll_queue,
                                      &device->queues[i]);
    }
    simback_front_actors(bench->world, device->number, poll, queues, bench->setup->queues);
    return poll;
}

/* What was asked for is there: a row or a figure of something else would be worth nothing. */
static bool has_agreed(struct bench_device *device)
{
    struct bench_world *bench = device->bench;
    const struct blkfront_info *info = &bench->info;
    const struct bench_setup *setup = bench->setup;

    return bench->subject->get_info(device->device, &bench->info) == BLKFRONT_OK &&
           info->persistent == setup->persistent && info->segments == setup->segments &&
           info->queues == setup->queues && info->ring_order == setup->ring_order;
}

static int connect_device(struct bench_device *device)
{
    struct bench_world *bench = device->bench;
    char name[16];
    simback_actor poll;
    int result;

    if (add_backend(device) != 0)
        return -1;
    poll = add_actors(device);
    simback_enter(bench->world, device->number);
    snprintf(name, sizeof(name), "%" PRIu32, vdev_of(device));
    simback_app_call(bench->world, device->number, "connect");
    result = bench->subject->connect(bench->context, name, &bench->asked, &device->device);
    simback_app_return(bench->world, device->number, "connect", result);
    simback_handover(bench->world, device->number, true);
    if (result != BLKFRONT_OK)
        return -1;
    simback_actor_ready(bench->world, poll);
    return run_until_state(device, BLKFRONT_CONNECTED) == 0 && has_agreed(device) ? 0 : -1;
}

static int connect_devices(struct bench_world *bench)
{
    blkfront_options_init(&bench->asked);
    bench->asked.persistent = bench->setup->persistent;
    bench->asked.segments = bench->setup->segments;
    bench->asked.queues = bench->setup->queues;
    bench->asked.ring_order = bench->setup->ring_order;
    simback_enter(bench->world, 0);
    if (bench->subject->create(simback_platform(bench->world, SIMBACK_FRONT_DOMID),
                               &bench->context) != BLKFRONT_OK)
        return -1;
    for (uint16_t i = 0; i < bench->device_count; i++) {
        struct bench_device *device = &bench->devices[i];

        device->bench = bench;
        device->number = i;
        if (connect_device(device) != 0)
            return -1;
    }
    return 0;
}

static int make_world(struct bench_world *bench)
{
    struct simback_world_options world;

    simback_world_options_init(&world);
    world.rules = bench->options->rules;
    world.trace_hash = bench->options->rules;
    if (bench->device_count > BENCH_JUDGED_DEVICES)
        world.devices = bench->device_count;
    world.port_limit += bench->device_count;
    bench->world = simback_world_create(&world);
    if (bench->world == NULL)
        return -1;
    bench->world_bytes = simback_memory_used(bench->world);
    return 0;
}

struct bench_world *bench_open(const struct bench_options *options, const struct bench_setup *setup)
{
    struct bench_world *bench = calloc(1, sizeof(*bench));

    if (bench == NULL)
        return NULL;
    bench->options = options;
    bench->setup = setup;
    bench->subject = options->subject;
    bench->chance = UINT64_C(88172645463325252);
    bench->device_count = setup->devices == 0 ? 1 : setup->devices;
    bench->devices = calloc(bench->device_count, sizeof(bench->devices[0]));
    if (bench->devices == NULL || make_world(bench) != 0 || connect_devices(bench) != 0) {
        bench_close(bench);
        return NULL;
    }
    return bench;
}

static void disconnect(struct bench_device *device)
{
    struct bench_world *bench = device->bench;

    if (device->memory != NULL)
        bench->subject->memory_destroy(device->memory);
    simback_enter(bench->world, device->number);
    bench->subject->disconnect(device->device);
    if (run_until_state(device, BLKFRONT_CLOSED) == 0)
        bench->subject->release(device->device);
    device->device = NULL;
}

void bench_close(struct bench_world *bench)
{
    if (bench == NULL)
        return;
    for (uint16_t i = 0; bench->devices != NULL && i < bench->device_count; i++) {
        if (bench->devices[i].device != NULL)
            disconnect(&bench->devices[i]);
    }
    if (bench->context != NULL)
        bench->subject->destroy(bench->context);
    if (bench->world != NULL)
        simback_world_destroy(bench->world);
    free(bench->requests);
    free(bench->devices);
    free(bench);
}
