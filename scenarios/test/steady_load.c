/* SPDX-License-Identifier: ISC */
/*
 * The mix of requests: as many in flight as the ring cannot hold, each that ends followed by
 * another. What is asked for is a sequence of numbers that is always the same.
 */
#include "steady_load.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    UNIT = 512,
    PAGE = 4096,
    SECTORS = 4096,    /* of the disk: 2 MiB */
    DEPTH = 40,        /* more than a ring of one page holds */
    LARGEST = 64 << 10 /* bytes of a request: two ring requests of 11 segments */
};

static const struct {
    bool rules, persistent;
    uint32_t segments;
    uint16_t queues;
} kinds[STEADY_KINDS] = {
    {.rules = false, .segments = 11, .queues = 1},
    {.rules = true, .segments = 11, .queues = 1},
    {.rules = false, .persistent = true, .segments = 64, .queues = 1},
    {.rules = true, .persistent = true, .segments = 11, .queues = 1},
    {.rules = true, .segments = 64, .queues = 1},
    {.rules = false, .segments = 11, .queues = 4},
    {.rules = true, .persistent = true, .segments = 256, .queues = 4},
};

struct slot {
    struct device_request request; /* first */
    struct steady_load *load;
    struct blkfront_buffer direct, bounced;
};

struct steady_load {
    struct device_world device;
    struct blkfront_memory *memory;
    struct slot slots[DEPTH];
    uint64_t chance;
    uint64_t left; /* to be submitted */
    bool failed;
};

static uint64_t next_chance(struct steady_load *load)
{
    load->chance = load->chance * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return load->chance >> 33;
}

/* One request in 64 is a flush; the others are of every kind and size. */
static void choose(struct slot *slot)
{
    static const uint32_t sizes[] = {UNIT, PAGE, PAGE, 3 * UNIT, 5 * PAGE, LARGEST};
    struct blkfront_request *request = &slot->request.request;
    uint64_t chance = next_chance(slot->load);
    uint32_t size = sizes[chance % (sizeof(sizes) / sizeof(sizes[0]))];
    struct blkfront_buffer *buffer = (chance & 1u << 8) != 0 ? &slot->direct : &slot->bounced;

    if ((chance >> 16) % 64 == 0) {
        request->operation = BLKFRONT_FLUSH;
        request->buffer_count = 0;
        return;
    }
    buffer->size = size;
    request->operation = (chance & 1u << 9) != 0 ? BLKFRONT_WRITE : BLKFRONT_READ;
    request->sector = next_chance(slot->load) % (SECTORS - size / UNIT + 1);
    request->buffers = buffer;
    request->buffer_count = 1;
}

static void go_on(struct device_request *done)
{
    struct slot *slot = (struct slot *)done;
    struct steady_load *load = slot->load;

    load->failed |= done->result != BLKFRONT_OK;
    if (load->left == 0 || load->failed) {
        return;
    }
    load->left--;
    choose(slot);
    device_world_submit(&load->device, done);
}

bool steady_load_play(struct steady_load *load, uint64_t requests)
{
    load->left = requests;
    for (uint32_t i = 0; i < DEPTH && load->left > 0; i++) {
        load->left--;
        choose(&load->slots[i]);
        device_world_submit(&load->device, &load->slots[i].request);
    }
    while (load->device.in_flight > 0 && device_world_step(&load->device)) {}
    return load->device.in_flight == 0 && !load->failed &&
           device_world_broken(&load->device) == NULL;
}

struct simback_world *steady_load_world(const struct steady_load *load)
{
    return load->device.world;
}

static bool make_buffers(struct steady_load *load)
{
    uint8_t *direct = NULL, *bounced = simback_allocate(load->device.world, DEPTH * LARGEST);
    void *address = NULL;

    if (bounced == NULL || device_world_memory(&load->device, DEPTH * LARGEST / PAGE,
                                               BLKFRONT_MEMORY_TO_DISK | BLKFRONT_MEMORY_FROM_DISK,
                                               &load->memory, &address) != BLKFRONT_OK) {
        return false;
    }
    direct = address;
    memset(bounced, 1, DEPTH * LARGEST);
    memset(direct, 2, DEPTH * LARGEST);
    for (size_t i = 0; i < DEPTH; i++) {
        struct slot *slot = &load->slots[i];

        slot->load = load;
        slot->request.queue = (uint16_t)(i % load->device.queue_count);
        slot->request.then = go_on;
        slot->direct.address = direct + i * LARGEST;
        slot->direct.memory = load->memory;
        slot->bounced.address = bounced + i * LARGEST;
    }
    return true;
}

/* Twice: the disk's layers have a block each of everything. */
static bool write_all(struct steady_load *load)
{
    for (int round = 0; round < 2; round++) {
        for (uint64_t sector = 0; sector < SECTORS; sector += LARGEST / UNIT) {
            if (device_world_do(&load->device, BLKFRONT_WRITE, sector,
                                load->slots[0].direct.address, LARGEST,
                                load->memory) != BLKFRONT_OK) {
                return false;
            }
        }
        if (device_world_do(&load->device, BLKFRONT_FLUSH, 0, NULL, 0, NULL) != BLKFRONT_OK) {
            return false;
        }
    }
    return true;
}

/* The features are agreed on, not only asked for. */
static bool connect_device(struct steady_load *load, int kind)
{
    struct blkfront_options options;
    struct blkfront_info info;

    blkfront_options_init(&options);
    options.persistent = kinds[kind].persistent;
    options.segments = kinds[kind].segments;
    options.queues = kinds[kind].queues;
    return device_world_connect(&load->device, &options) == BLKFRONT_OK &&
           blkfront_get_info(load->device.device, &info) == BLKFRONT_OK &&
           info.persistent == options.persistent && info.segments == options.segments &&
           info.queues == options.queues;
}

struct steady_load *steady_load_begin(int kind)
{
    struct steady_load *load = calloc(1, sizeof(*load));
    struct simback_backend_options backend;
    struct simback_world_options world;

    simback_world_options_init(&world);
    world.rules = kinds[kind].rules;
    world.trace_hash = kinds[kind].rules;
    device_world_backend(&backend, SECTORS);
    backend.queues = kinds[kind].queues;
    if (load == NULL || !device_world_begin(&load->device, &world, &backend) ||
        !connect_device(load, kind) || !make_buffers(load) || !write_all(load) ||
        !steady_load_play(load, 5000)) {
        fprintf(stderr, "the device cannot be warmed up\n");
        abort();
    }
    return load;
}

void steady_load_end(struct steady_load *load)
{
    device_world_forget(&load->device, load->memory);
    device_world_end(&load->device);
    free(load);
}
