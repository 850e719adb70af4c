/* SPDX-License-Identifier: ISC */
/*
 * A queue's life: its memory, its ring, pages and port, start, stop and end; and the few things
 * that all files of the data path do to the ring. What flows through it is the business of submit.c
 * and poll.c.
 */
#include "queue.h"
#include "memory.h"

#include <string.h>

/* ---- memory ---- */

/* What the options ask for at most, and where each queue's share begins in the one allocation. */
struct shape {
    uint32_t queues;
    uint32_t slots;       /* a queue */
    uint32_t segments;    /* a slot: direct ones */
    uint32_t long_arrays; /* a queue: segments of indirect requests */
    uint32_t long_each;   /* segments of one */
    uint32_t pool;        /* page numbers in both lists of both pools, a queue */
    size_t slots_at;
    size_t segments_at;
    size_t long_at;
    size_t ranges_at;
    uint32_t ranges; /* a queue */
    size_t pool_at;
    size_t long_free_at;
    size_t size;
};

enum {
    NO_QUEUE = INT32_MAX,
    /* Segments of all indirect requests of a device that may be in flight at once: 128 MiB of data
     * in whole pages, 512 KiB of ours. What goes beyond goes out as direct requests. */
    LONG_SEGMENTS = 32768
};

/* A queue has one long array at least, and more than one a slot is of no use. */
static uint32_t long_arrays(const struct shape *shape)
{
    uint32_t arrays;

    if (shape->long_each == 0)
        return 0;
    arrays = LONG_SEGMENTS / shape->queues / shape->long_each;
    if (arrays == 0)
        return 1;
    return arrays < shape->slots ? arrays : shape->slots;
}

/* The options have been checked (connect.c): nothing of it is 0, and nothing overflows. */
static void shape_of(const struct blkfront_options *options, struct shape *shape)
{
    size_t queues = options->queues;

    shape->queues = options->queues;
    shape->slots = (uint32_t)WIRE_SLOTS_PER_PAGE << options->ring_order;
    shape->segments =
        options->segments < BLKIF_WIRE_SEGMENTS ? options->segments : BLKIF_WIRE_SEGMENTS;
    shape->long_each = options->segments > BLKIF_WIRE_SEGMENTS ? options->segments : 0;
    shape->long_arrays = long_arrays(shape);
    /* Two pools have half of it each, rounded up. */
    shape->pool = 2 * (options->pool_pages + 1);
    shape->slots_at = queues * sizeof(struct blkfront_queue);
    shape->segments_at = shape->slots_at + queues * shape->slots * sizeof(struct slot);
    shape->long_at =
        shape->segments_at + queues * shape->slots * shape->segments * sizeof(struct slot_segment);
    /* requeue.c says why. */
    shape->ranges = 2 * shape->slots;
    shape->ranges_at = shape->long_at +
                       queues * shape->long_arrays * shape->long_each * sizeof(struct slot_segment);
    shape->pool_at = shape->ranges_at + queues * shape->ranges * sizeof(struct blkfront_range);
    shape->long_free_at = shape->pool_at + queues * shape->pool * sizeof(uint32_t);
    shape->size = shape->long_free_at + queues * shape->long_arrays * sizeof(uint32_t);
}

int queues_create(struct blkfront_device *device)
{
    const struct blkfront_platform *platform = device->context->platform;
    struct shape shape;
    unsigned char *base;

    shape_of(&device->options, &shape);
    base = platform->allocate(platform->context, shape.size);
    if (base == NULL)
        return BLKFRONT_NO_MEMORY;
    device->queues = (struct blkfront_queue *)(void *)base;
    for (size_t i = 0; i < shape.queues; i++) {
        struct blkfront_queue *queue = &device->queues[i];

        queue->device = device;
        queue->platform = platform;
        queue->index = (uint32_t)i;
        queue->state = QUEUE_CLOSED;
        queue->oldest_sequence = UINT64_MAX;
        queue->slot_memory = (struct slot *)(void *)(base + shape.slots_at) + i * shape.slots;
        queue->segment_memory = (struct slot_segment *)(void *)(base + shape.segments_at) +
                                i * shape.slots * shape.segments;
        queue->pool_memory = (uint32_t *)(void *)(base + shape.pool_at) + i * shape.pool;
        queue->target = NO_QUEUE;
        requeue_init(queue,
                     (struct blkfront_range *)(void *)(base + shape.ranges_at) + i * shape.ranges,
                     shape.ranges);
        slots_init(&queue->slots, queue->slot_memory, shape.slots, queue->segment_memory,
                   shape.segments);
        slots_init_long(&queue->slots,
                        (struct slot_segment *)(void *)(base + shape.long_at) +
                            i * shape.long_arrays * shape.long_each,
                        shape.long_each,
                        (uint32_t *)(void *)(base + shape.long_free_at) + i * shape.long_arrays,
                        shape.long_arrays);
    }
    return BLKFRONT_OK;
}

void queues_destroy(struct blkfront_device *device)
{
    const struct blkfront_platform *platform = device->context->platform;
    struct shape shape;

    shape_of(&device->options, &shape);
    platform->free(platform->context, device->queues, shape.size);
    device->queues = NULL;
}

/* ---- opening ---- */

/* Ends what is there; what is BUSY stays. True if nothing is left. */
static bool end_blocks(struct blkfront_queue *queue)
{
    struct grant_block **blocks[] = {&queue->ring_block, &queue->pools[0].block,
                                     &queue->pools[1].block};
    bool all = true;

    for (size_t i = 0; i < sizeof(blocks) / sizeof(blocks[0]); i++) {
        if (*blocks[i] != NULL && grant_block_end(*blocks[i]) == 0)
            *blocks[i] = NULL;
        if (*blocks[i] != NULL)
            all = false;
    }
    return all;
}

static void quarantine_blocks(struct blkfront_queue *queue)
{
    struct grant_block **blocks[] = {&queue->ring_block, &queue->pools[0].block,
                                     &queue->pools[1].block};

    for (size_t i = 0; i < sizeof(blocks) / sizeof(blocks[0]); i++) {
        if (*blocks[i] != NULL)
            quarantine_put(queue->device->context, *blocks[i]);
        *blocks[i] = NULL;
    }
}

static uint32_t ring_order(const struct blkfront_device *device)
{
    return device->agreed.ring_order < device->options.ring_order ? device->agreed.ring_order
                                                                  : device->options.ring_order;
}

static int open_ring(struct blkfront_queue *queue)
{
    const struct blkfront_device *device = queue->device;
    uint32_t order = ring_order(device);
    uint32_t entries = (uint32_t)WIRE_SLOTS_PER_PAGE << order;
    int r = grant_block_share(queue->platform, device->agreed.backend_id, 1u << order, true, 1,
                              &queue->ring_block);

    if (r != 0)
        return r;
    queue->layout = wire_layout_of(device->agreed.abi);
    queue->ring_slots = queue->ring_block->address + BLKIF_WIRE_RING_HEADER;
    ring_init(&queue->ring, (struct ring_words *)(void *)queue->ring_block->address, entries,
              device->options.ring_start);
    return 0;
}

/* Pages for copies: one pool where a flag can be chosen for each grant, else one for each
 * direction. A ring of several pages that leaves no grant for one of data would be better
 * smaller (I4). */
static int open_pools(struct blkfront_queue *queue)
{
    const struct blkfront_device *device = queue->device;
    const struct blkfront_platform *platform = queue->platform;
    uint32_t pages = device->options.pool_pages;
    uint32_t *numbers = queue->pool_memory;
    uint32_t each = (pages + 1) / 2; /* of two pools */
    uint16_t domid = device->agreed.backend_id;
    struct grant_block *block;
    int r;

    queue->pool_to_disk = &queue->pools[0];
    if ((platform->capabilities & BLKFRONT_PLATFORM_GRANTS_ANY_PAGE) != 0) {
        r = grant_block_allocate(platform, pages, 1, &block);
        if (r == 0) {
            pool_init(&queue->pools[0], block, numbers, numbers + pages);
            if (ring_order(device) > 0)
                r = pool_try(&queue->pools[0], domid);
        }
        queue->pool_from_disk = &queue->pools[0];
        return r;
    }

    queue->pool_from_disk = &queue->pools[1];
    r = grant_block_share(platform, domid, each, device->agreed.persistent, 1, &block);
    if (r != 0)
        return r;
    pool_init(&queue->pools[0], block, numbers, numbers + each);
    numbers += 2 * (size_t)each;
    r = grant_block_share(platform, domid, each, true, 1, &block);
    if (r == 0)
        pool_init(&queue->pools[1], block, numbers, numbers + each);
    return r;
}

static void close_channels(struct blkfront_queue *queue)
{
    if (queue->channels != NULL)
        queue->platform->channels_close(queue->platform->context, queue->channels);
    queue->channels = NULL;
}

/* Whoever waits for the queue waits for its channel set: that stays when the connection goes. */
static int open_channel(struct blkfront_queue *queue)
{
    const struct blkfront_platform *platform = queue->platform;
    int r = 0;

    if (queue->channels == NULL)
        r = platform->channels_open(platform->context, &queue->channels);
    if (r == 0)
        r = platform->port_allocate(platform->context, queue->channels,
                                    queue->device->agreed.backend_id, &queue->port);
    queue->has_port = r == 0;
    return r;
}

int queue_open(struct blkfront_queue *queue)
{
    int error, r;

    __atomic_store_n(&queue->violation, NULL, __ATOMIC_RELAXED);
    queue->blocked = false;
    queue->flush_worked = false;
    r = open_ring(queue);
    if (r == 0)
        r = open_pools(queue);
    error = r != 0 ? QUEUE_SHORT : BLKFRONT_OK;
    if (r == 0 && open_channel(queue) != 0)
        error = BLKFRONT_NO_MEMORY;
    if (error != BLKFRONT_OK) {
        /* Nobody can have mapped anything yet; if so nevertheless, it is not lost. */
        if (!end_blocks(queue))
            quarantine_blocks(queue);
        return error;
    }
    __atomic_store_n(&queue->state, (uint32_t)QUEUE_OPEN, __ATOMIC_RELEASE);
    return BLKFRONT_OK;
}

uint32_t queue_port(const struct blkfront_queue *queue)
{
    return queue->port;
}

const uint32_t *queue_ring_refs(const struct blkfront_queue *queue, uint32_t *count)
{
    *count = queue->ring_block->pages;
    return queue->ring_block->refs;
}

/* ---- start, stop, end ---- */

void queue_refresh(struct blkfront_queue *queue)
{
    uint32_t size = agreed_number(&queue->device->agreed.sector_size);

    queue->sector_mask = size - 1;
    queue->sector_shift = sector_shift(size);
}

/* The device wants something of the queue's poll, which may be another thread's. */
static void ask(struct blkfront_queue *queue, enum queue_state state)
{
    __atomic_store_n(&queue->state, (uint32_t)state, __ATOMIC_RELEASE);
    queue->platform->channels_wake(queue->platform->context, queue->channels);
}

/* What waits goes out from the queue's own poll. */
void queue_start(struct blkfront_queue *queue)
{
    shortage_reserve(queue);
    queue->short_pause_ns = 0;
    __atomic_store_n(&queue->connection, queue->device->connection, __ATOMIC_RELEASE);
    ask(queue, QUEUE_RUNNING);
}

void queue_share(struct blkfront_queue *queue, uint32_t target)
{
    if (queue_get_state(queue) != QUEUE_HELD)
        return;
    queue->target = target;
    ask(queue, QUEUE_SHARING);
}

void queue_pause(struct blkfront_queue *queue)
{
    if (queue_get_state(queue) == QUEUE_RUNNING)
        ask(queue, QUEUE_PAUSING);
}

void queue_keep(struct blkfront_queue *queue)
{
    switch (queue_get_state(queue)) {
    case QUEUE_OPEN:
    case QUEUE_RUNNING:
    case QUEUE_SHARING:
    case QUEUE_PAUSING:
    case QUEUE_PAUSED: ask(queue, QUEUE_KEEPING); break;
    case QUEUE_CLOSED:
    case QUEUE_HELD:
    case QUEUE_KEEPING:
    case QUEUE_KEPT:
    case QUEUE_STOPPING:
    case QUEUE_STOPPED:
    default: break;
    }
}

void queue_stop(struct blkfront_queue *queue, int result)
{
    if (queue_get_state(queue) == QUEUE_CLOSED)
        return;
    __atomic_store_n(&queue->stop_result, result, __ATOMIC_RELAXED);
    ask(queue, QUEUE_STOPPING);
}

enum queue_state queue_get_state(const struct blkfront_queue *queue)
{
    return (enum queue_state)__atomic_load_n(&queue->state, __ATOMIC_ACQUIRE);
}

/* A queue that no connection ever had keeps nothing for the next, which may have no ring for it;
 * and nobody polls it then. */
static bool is_for_the_next(const struct blkfront_queue *queue)
{
    return queue_get_state(queue) == QUEUE_KEPT && queue->index < queue->device->usable_queues;
}

/* Nothing is shared any more. */
static void set_closed(struct blkfront_queue *queue)
{
    bool held = is_for_the_next(queue);

    queue->target = NO_QUEUE;
    __atomic_store_n(&queue->state, (uint32_t)(held ? QUEUE_HELD : QUEUE_CLOSED), __ATOMIC_RELEASE);
}

void queue_quarantine(struct blkfront_queue *queue)
{
    quarantine_blocks(queue);
    set_closed(queue);
}

/* One that never ran has kept its channel set for the next connection or the next try. */
void queue_end(struct blkfront_queue *queue)
{
    close_channels(queue);
}

int queue_close(struct blkfront_queue *queue)
{
    const struct blkfront_platform *platform = queue->platform;
    enum queue_state state = queue_get_state(queue);
    bool all;

    if (state == QUEUE_CLOSED || state == QUEUE_HELD)
        return 0;
    if (state != QUEUE_STOPPED && state != QUEUE_KEPT)
        platform->bug(platform->context, "queue_close: the queue has not come to rest");
    if (queue->has_port)
        platform->port_close(platform->context, queue->channels, queue->port);
    queue->has_port = false;
    if (!is_for_the_next(queue))
        close_channels(queue);
    for (uint32_t i = 0; i < queue->slots.count; i++) {
        if (queue->slots.slots[i].state != SLOT_FREE)
            queue_drop_slot(queue, &queue->slots.slots[i], false);
    }
    all = end_blocks(queue);
    if (!memories_cut(queue->device) || !all)
        return BLKFRONT_PLATFORM_BUSY;
    set_closed(queue);
    return 0;
}

/* ---- the ring ---- */

const char *queue_violation(const struct blkfront_queue *queue)
{
    return __atomic_load_n(&queue->violation, __ATOMIC_ACQUIRE);
}

void queue_fail(struct blkfront_queue *queue, const char *reason)
{
    if (queue_violation(queue) == NULL)
        __atomic_store_n(&queue->violation, reason, __ATOMIC_RELEASE);
    device_wake(queue->device);
}

void queue_withdraw(struct blkfront_queue *queue, bool *feature)
{
    if (__atomic_exchange_n(feature, false, __ATOMIC_RELAXED))
        device_wake(queue->device);
}

void queue_put(struct blkfront_queue *queue, struct slot *slot, struct wire_request *wire)
{
    unsigned char bytes[WIRE_SLOT_MAX];
    uint32_t at = ring_slot(&queue->ring, queue->ring.req_prod);

    slot->operation = (uint8_t)wire->operation;
    slot->inner = (uint8_t)wire->inner;
    slot->request->internal.parts++;
    wire->handle = (uint16_t)queue->device->vdev;
    wire->id = slots_id(&queue->slots, slot);
    wire_encode(queue->layout, wire, bytes);
    shared_copy_slot_out(queue->ring_slots + (size_t)at * queue->layout->slot_size, bytes,
                         queue->layout->slot_size);
    slots_put(&queue->slots, slot, at);
    queue->ring.req_prod++;
    statistics_add(&queue->statistics.ring_requests, 1);
}

/* Twice if need be, because a backend that was not told is a request that hangs. */
static bool notify(struct blkfront_queue *queue)
{
    const struct blkfront_platform *platform = queue->platform;
    int r = -1;

    for (unsigned tries = 0; tries < 2 && r != 0; tries++)
        r = platform->port_notify(platform->context, queue->channels, queue->port);
    return r == 0;
}

void queue_publish(struct blkfront_queue *queue)
{
    if (!ring_publish(&queue->ring))
        return;
    if (!notify(queue)) {
        queue_fail(queue, "the event channel failed");
        return;
    }
    statistics_add(&queue->statistics.notifications, 1);
}

enum { AHEAD = 8 }; /* grants that may come nearer at the same time */

static void expect_end(const struct slot *slot, uint32_t segment)
{
    grant_expect(slot->segments[segment].block, slot->segments[segment].record);
}

void queue_expect_answer(const struct blkfront_queue *queue, uint32_t entry)
{
    const struct slot *slot = slots_guess(&queue->slots, entry);

    if (slot == NULL || queue->device->agreed.keeps_grants)
        return;
    for (uint32_t i = 0; i < AHEAD && i < slot->segment_count; i++)
        expect_end(slot, i);
}

void queue_drop_slot(struct blkfront_queue *queue, struct slot *slot, bool answered)
{
    bool keep = queue->device->agreed.keeps_grants;

    for (uint32_t i = 0; i < slot->segment_count; i++) {
        const struct slot_segment *segment = &slot->segments[i];

        if (!keep && AHEAD < slot->segment_count - i)
            expect_end(slot, i + AHEAD);
        if (segment->bounced && segment->block == queue->pools[0].block)
            pool_give(&queue->pools[0], segment->record, keep);
        else if (segment->bounced)
            pool_give(&queue->pools[1], segment->record, keep);
        else if (!answered && segment->block->kind == GRANT_SHARED)
            grant_suspect(segment->block, segment->record);
        else
            (void)grant_finish(segment->block, segment->record, keep);
    }
    for (uint32_t i = 0; i < slot->indirect_count; i++)
        pool_give(queue->pool_to_disk, slot->indirect[i], keep);
    slots_release(&queue->slots, slot);
}

/* ---- the public calls that need no more than the queue ---- */

uint32_t blkfront_queue_count(const struct blkfront_device *device)
{
    uint32_t usable;

    if (device == NULL)
        return 0;
    usable = __atomic_load_n(&device->usable_queues, __ATOMIC_ACQUIRE);
    /* Before anything has been agreed on: as many as there may be. */
    return usable == 0 ? device->options.queues : usable;
}

/* Who had it before there was a connection still has to poll it, also when that has fewer. */
struct blkfront_queue *blkfront_get_queue(struct blkfront_device *device, uint32_t index)
{
    if (index >= blkfront_queue_count(device) &&
        (device == NULL || index >= device->options.queues ||
         !__atomic_load_n(&device->queues[index].taken, __ATOMIC_RELAXED)))
        return NULL;
    __atomic_store_n(&device->queues[index].taken, true, __ATOMIC_RELAXED);
    return &device->queues[index];
}

void queue_poll_unused(struct blkfront_queue *queue)
{
    if (!__atomic_load_n(&queue->taken, __ATOMIC_RELAXED))
        (void)blkfront_queue_poll(queue);
}

struct blkfront_queue *queue_at(const struct blkfront_device *device, uint32_t index)
{
    return index < device->options.queues ? &device->queues[index] : NULL;
}

void queue_add_statistics(const struct blkfront_queue *queue, struct blkfront_statistics *sum)
{
    const struct blkfront_statistics *own = &queue->statistics;

    sum->requests += __atomic_load_n(&own->requests, __ATOMIC_RELAXED);
    sum->ring_requests += __atomic_load_n(&own->ring_requests, __ATOMIC_RELAXED);
    sum->direct += __atomic_load_n(&own->direct, __ATOMIC_RELAXED);
    sum->bounced += __atomic_load_n(&own->bounced, __ATOMIC_RELAXED);
    sum->bytes_copied += __atomic_load_n(&own->bytes_copied, __ATOMIC_RELAXED);
    sum->notifications += __atomic_load_n(&own->notifications, __ATOMIC_RELAXED);
    sum->events += __atomic_load_n(&own->events, __ATOMIC_RELAXED);
    sum->spurious_events += __atomic_load_n(&own->spurious_events, __ATOMIC_RELAXED);
    sum->inner_op_tolerated += __atomic_load_n(&own->inner_op_tolerated, __ATOMIC_RELAXED);
    sum->indirect += __atomic_load_n(&own->indirect, __ATOMIC_RELAXED);
    sum->grants += __atomic_load_n(&own->grants, __ATOMIC_RELAXED);
    sum->grants_reused += __atomic_load_n(&own->grants_reused, __ATOMIC_RELAXED);
    sum->reissued += __atomic_load_n(&own->reissued, __ATOMIC_RELAXED);
}
