/* SPDX-License-Identifier: ISC */
/*
 * Pages and grants that run short, and kept grants that nobody needs any more. A queue helps itself
 * as far as its own pages go. What else of the device is kept but idle belongs to other threads: to
 * get at that, it calls, and waits until the device's poll has answered.
 */
#include "memory.h"
#include "queue.h"

enum {
    PURGE_IDLE = 4,    /* kept grants looked at when the queue has nothing to do */
    PURGE_RELIEF = 16, /* and when a grant is missing */
    PURGE_ALL = INT32_MAX
};

enum { CALL_NONE, CALL_ASKED, CALL_ANSWERED };

/* Elsewhere nothing that is kept can be ended before the connection is: a platform that cannot say
 * BUSY would take back what the backend has mapped. */
static bool can_purge(const struct blkfront_queue *queue)
{
    const uint32_t needed = BLKFRONT_PLATFORM_GRANTS_ANY_PAGE | BLKFRONT_PLATFORM_REPORTS_BUSY;

    return queue->device->agreed.keeps_grants && (queue->platform->capabilities & needed) == needed;
}

bool shortage_relieve(struct blkfront_queue *queue)
{
    return can_purge(queue) && pool_purge(&queue->pools[0], PURGE_RELIEF);
}

static void call(struct blkfront_queue *queue)
{
    const struct blkfront_device *device = queue->device;

    __atomic_store_n(&queue->grants_call, CALL_ASKED, __ATOMIC_RELEASE);
    for (uint32_t i = 0; i < device->options.queues; i++) {
        struct blkfront_queue *other = &device->queues[i];

        /* While we run, the device closes none. */
        if (other == queue || queue_get_state(other) != QUEUE_RUNNING)
            continue;
        __atomic_store_n(&other->purge_wanted, true, __ATOMIC_RELEASE);
        queue->platform->channels_wake(queue->platform->context, other->channels);
    }
    device_wake(queue->device);
}

int shortage_wait(struct blkfront_queue *queue)
{
    /* Anything in flight will bring some back. */
    if (queue->slots.used > 0)
        return ISSUE_BLOCKED;
    /* Pages that the backend does not let go must not hold up the caller for ever (I4). */
    if (pool_retry(&queue->pools[0], queue->pools[0].busy_count))
        return BLKFRONT_OK;
    if (!can_purge(queue))
        return BLKFRONT_NO_MEMORY;
    switch (__atomic_load_n(&queue->grants_call, __ATOMIC_ACQUIRE)) {
    case CALL_NONE: call(queue); return ISSUE_BLOCKED;
    case CALL_ASKED: return ISSUE_BLOCKED;
    default: shortage_over(queue); return BLKFRONT_NO_MEMORY;
    }
}

void shortage_over(struct blkfront_queue *queue)
{
    __atomic_store_n(&queue->grants_call, CALL_NONE, __ATOMIC_RELAXED);
}

bool shortage_answered(const struct blkfront_queue *queue)
{
    return __atomic_load_n(&queue->grants_call, __ATOMIC_ACQUIRE) == CALL_ANSWERED;
}

void shortage_poll(struct blkfront_queue *queue)
{
    if (!can_purge(queue))
        return;
    if (__atomic_exchange_n(&queue->purge_wanted, false, __ATOMIC_ACQUIRE))
        (void)pool_purge(&queue->pools[0], PURGE_ALL);
    if (queue->waiting.first != NULL)
        return;
    shortage_over(queue);
    if (queue->slots.used == 0)
        (void)pool_purge_untouched(&queue->pools[0], PURGE_IDLE);
}

static bool is_called(const struct blkfront_device *device)
{
    for (uint32_t i = 0; i < device->options.queues; i++) {
        if (__atomic_load_n(&device->queues[i].grants_call, __ATOMIC_ACQUIRE) == CALL_ASKED)
            return true;
    }
    return false;
}

void shortage_answer(struct blkfront_device *device)
{
    const struct blkfront_platform *platform = device->context->platform;

    if (!is_called(device))
        return;
    for (struct blkfront_memory *memory = device->memories; memory != NULL; memory = memory->next)
        grant_block_purge(memory->block);
    for (uint32_t i = 0; i < device->options.queues; i++) {
        struct blkfront_queue *queue = &device->queues[i];
        uint32_t asked = CALL_ASKED;

        if (__atomic_compare_exchange_n(&queue->grants_call, &asked, CALL_ANSWERED, false,
                                        __ATOMIC_RELEASE, __ATOMIC_RELAXED))
            platform->channels_wake(platform->context, queue->channels);
    }
}
