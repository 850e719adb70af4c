/* SPDX-License-Identifier: ISC */
/*
 * Pages and grants that run short, and kept grants that nobody needs any more. Where grants are
 * kept a queue always has one page for copies that is granted: with that all requests get through,
 * if slowly (I4). Of what is kept a queue ends what is in its own pool; the rest of the device's
 * belongs to other threads, which it tells, and so does the device's poll with the context's other
 * devices. Grants that other queues and devices have in flight come back some time: they are looked
 * for again and again, for a while.
 */
#include "memory.h"
#include "queue.h"

enum {
    PURGE_IDLE = 4,   /* kept grants looked at when a queue has nothing to do */
    PURGE_SHORT = 16, /* and when grants are short */
    PURGE_MEMORY = 64 /* of one memory object */
};

/* How long grants are waited for, and how long before the next look: twice as long each time. */
#define SHORT_MOST_NS       UINT64_C(10000000000)
#define SHORT_PAUSE_NS      UINT64_C(1000000)
#define SHORT_PAUSE_MOST_NS UINT64_C(200000000)

/* Elsewhere nothing that is kept can be ended before the connection is: a platform that cannot say
 * BUSY would take back what the backend has mapped. */
static bool can_purge(const struct blkfront_platform *platform)
{
    const uint32_t needed = BLKFRONT_PLATFORM_GRANTS_ANY_PAGE | BLKFRONT_PLATFORM_REPORTS_BUSY;

    return (platform->capabilities & needed) == needed;
}

void shortage_reserve(struct blkfront_queue *queue)
{
    const struct agreed *agreed = &queue->device->agreed;

    if (agreed->keeps_grants && queue->pools[0].block->kind != GRANT_SHARED)
        pool_reserve(&queue->pools[0], agreed->backend_id);
}

/* All queues of a device that keep grants, but for the one that is short. */
static void tell_queues(const struct blkfront_device *device, const struct blkfront_queue *but)
{
    const struct blkfront_platform *platform = device->context->platform;

    for (uint32_t i = 0; device->agreed.keeps_grants && i < device->options.queues; i++) {
        struct blkfront_queue *queue = &device->queues[i];

        /* While one of its queues or the device's poll runs, the device closes none. */
        if (queue == but || queue_get_state(queue) != QUEUE_RUNNING ||
            __atomic_exchange_n(&queue->purge_wanted, true, __ATOMIC_RELAXED))
            continue;
        platform->channels_wake(platform->context, queue->channels);
    }
}

bool shortage_relieve(struct blkfront_queue *queue)
{
    struct blkfront_device *device = queue->device;

    if (!can_purge(queue->platform))
        return false;
    if (device->agreed.keeps_grants && pool_purge(&queue->pools[0], PURGE_SHORT))
        return true;
    tell_queues(device, queue);
    if (!__atomic_exchange_n(&queue->memory_wanted, true, __ATOMIC_RELAXED))
        device_wake(device);
    return false;
}

/* False: that has taken too long. */
static bool look_again_later(struct blkfront_queue *queue)
{
    const uint64_t now = queue->platform->now(queue->platform->context);

    if (queue->short_pause_ns == 0) {
        queue->short_since_ns = now;
        queue->short_pause_ns = SHORT_PAUSE_NS;
    } else if (now - queue->short_since_ns >= SHORT_MOST_NS) {
        queue->short_pause_ns = 0;
        return false;
    } else if (queue->short_pause_ns < SHORT_PAUSE_MOST_NS) {
        queue->short_pause_ns *= 2;
    }
    queue->short_until_ns = now + queue->short_pause_ns;
    return true;
}

int shortage_wait(struct blkfront_queue *queue)
{
    const struct pool *pool = &queue->pools[0];

    /* Anything in flight will bring some back. */
    if (queue->slots.used > 0)
        return ISSUE_BLOCKED;
    if (pool_retry(&queue->pools[0], pool->busy_count))
        return BLKFRONT_OK;
    /* Pages that the backend does not let go must not hold up the caller for ever (I4), nor grants
     * that nobody gives back. */
    return pool->free_count > 0 && look_again_later(queue) ? ISSUE_BLOCKED : BLKFRONT_NO_MEMORY;
}

bool shortage_is_over(const struct blkfront_queue *queue)
{
    return queue->short_until_ns != 0 &&
           queue->platform->now(queue->platform->context) >= queue->short_until_ns;
}

void shortage_poll(struct blkfront_queue *queue)
{
    if (!queue->device->agreed.keeps_grants || !can_purge(queue->platform))
        return;
    if (__atomic_load_n(&queue->purge_wanted, __ATOMIC_RELAXED)) {
        __atomic_store_n(&queue->purge_wanted, false, __ATOMIC_RELAXED);
        (void)pool_purge(&queue->pools[0], PURGE_SHORT);
    }
    if (queue->slots.used == 0)
        (void)pool_purge_untouched(&queue->pools[0], PURGE_IDLE);
}

static void purge_memories(struct blkfront_device *device)
{
    for (struct blkfront_memory *memory = device->memories; memory != NULL; memory = memory->next)
        grant_block_purge(memory->block, PURGE_MEMORY);
}

bool shortage_tell_devices(struct blkfront_device *device)
{
    bool any = false;

    if (!can_purge(device->context->platform))
        return false;
    for (struct blkfront_device *other = device->context->devices; other != NULL;
         other = other->next) {
        if (other == device || !other->agreed.keeps_grants || other->state != BLKFRONT_CONNECTED)
            continue;
        purge_memories(other);
        tell_queues(other, NULL);
        any = true;
    }
    return any;
}

void shortage_poll_device(struct blkfront_device *device)
{
    bool wanted = false;

    for (uint32_t i = 0; i < device->options.queues; i++) {
        if (__atomic_exchange_n(&device->queues[i].memory_wanted, false, __ATOMIC_RELAXED))
            wanted = true;
    }
    if (!wanted)
        return;
    purge_memories(device);
    (void)shortage_tell_devices(device);
}
