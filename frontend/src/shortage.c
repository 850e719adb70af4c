/* SPDX-License-Identifier: ISC */
/*
 * Pages and grants that run short, and kept grants that nobody needs any more. Where grants are
 * kept a queue always has one page for copies that is granted: with that all requests get through,
 * if slowly (I4). Of what is kept a queue ends what is in its own pool; the rest of the device's
 * belongs to other threads, which it tells.
 */
#include "memory.h"
#include "queue.h"

enum {
    PURGE_IDLE = 4,   /* kept grants looked at when a queue has nothing to do */
    PURGE_SHORT = 16, /* and when grants are short */
    PURGE_MEMORY = 64 /* of one memory object */
};

/* Elsewhere nothing that is kept can be ended before the connection is: a platform that cannot say
 * BUSY would take back what the backend has mapped. */
static bool can_purge(const struct blkfront_queue *queue)
{
    const uint32_t needed = BLKFRONT_PLATFORM_GRANTS_ANY_PAGE | BLKFRONT_PLATFORM_REPORTS_BUSY;

    return queue->device->agreed.keeps_grants && (queue->platform->capabilities & needed) == needed;
}

void shortage_reserve(struct blkfront_queue *queue)
{
    const struct agreed *agreed = &queue->device->agreed;

    if (agreed->keeps_grants && queue->pools[0].block->kind != GRANT_SHARED)
        pool_reserve(&queue->pools[0], agreed->backend_id);
}

static void tell_others(struct blkfront_queue *queue)
{
    const struct blkfront_device *device = queue->device;

    for (uint32_t i = 0; i < device->options.queues; i++) {
        struct blkfront_queue *other = &device->queues[i];

        /* While we run, the device closes none. */
        if (other == queue || queue_get_state(other) != QUEUE_RUNNING ||
            __atomic_exchange_n(&other->purge_wanted, true, __ATOMIC_RELAXED))
            continue;
        queue->platform->channels_wake(queue->platform->context, other->channels);
    }
    if (!__atomic_exchange_n(&queue->memory_wanted, true, __ATOMIC_RELAXED))
        device_wake(queue->device);
}

bool shortage_relieve(struct blkfront_queue *queue)
{
    if (!can_purge(queue))
        return false;
    if (pool_purge(&queue->pools[0], PURGE_SHORT))
        return true;
    tell_others(queue);
    return false;
}

int shortage_wait(struct blkfront_queue *queue)
{
    /* Anything in flight will bring some back. */
    if (queue->slots.used > 0)
        return ISSUE_BLOCKED;
    /* Pages that the backend does not let go must not hold up the caller for ever (I4). */
    return pool_retry(&queue->pools[0], queue->pools[0].busy_count) ? BLKFRONT_OK
                                                                    : BLKFRONT_NO_MEMORY;
}

void shortage_poll(struct blkfront_queue *queue)
{
    if (!can_purge(queue))
        return;
    if (__atomic_load_n(&queue->purge_wanted, __ATOMIC_RELAXED)) {
        __atomic_store_n(&queue->purge_wanted, false, __ATOMIC_RELAXED);
        (void)pool_purge(&queue->pools[0], PURGE_SHORT);
    }
    if (queue->slots.used == 0)
        (void)pool_purge_untouched(&queue->pools[0], PURGE_IDLE);
}

void shortage_poll_device(struct blkfront_device *device)
{
    bool wanted = false;

    for (uint32_t i = 0; i < device->options.queues; i++) {
        if (__atomic_exchange_n(&device->queues[i].memory_wanted, false, __ATOMIC_RELAXED))
            wanted = true;
    }
    for (struct blkfront_memory *memory = device->memories; wanted && memory != NULL;
         memory = memory->next)
        grant_block_purge(memory->block, PURGE_MEMORY);
}
