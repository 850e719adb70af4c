/* SPDX-License-Identifier: ISC */
/*
 * Queues without a ring. After a reconnect to a backend with fewer rings the caller may hold more
 * queues than there are: a queue that shares hands each of its requests to another one, which from
 * then on has it like one of its own and completes it. The way there is a stack that anybody may
 * push to and only its queue takes, the whole at once: no lock, and nothing can be lost or seen
 * twice. A queue whose ring is shared says that it is done only after all that share it have.
 * Requests keep their place in the order of submission, and are counted where they leave and where
 * they arrive: a drain (flush.c) must not overlook one on its way.
 */
#include "queue.h"

void handover_push(struct blkfront_queue *queue, struct blkfront_request *request)
{
    struct blkfront_queue *target = &queue->device->queues[queue->target];
    struct blkfront_request *top = __atomic_load_n(&target->inbox, __ATOMIC_RELAXED);

    __atomic_fetch_add(&queue->device->handed_over, 1, __ATOMIC_SEQ_CST);
    do
        request->internal.next = top;
    while (!__atomic_compare_exchange_n(&target->inbox, &top, request, true, __ATOMIC_RELEASE,
                                        __ATOMIC_RELAXED));
    /* Whoever pushed before has woken it, or is about to. */
    if (top == NULL)
        queue->platform->channels_wake(queue->platform->context, target->channels);
}

void handover_all(struct blkfront_queue *queue)
{
    while (queue->oldest != NULL) {
        struct blkfront_request *request = queue->oldest;

        requests_leave(queue, request);
        handover_push(queue, request); /* before drain_report tells that it is not here */
    }
}

void handover_take(struct blkfront_queue *queue)
{
    struct blkfront_request *stack, *first = NULL;
    uint32_t count = 0;

    if (__atomic_load_n(&queue->inbox, __ATOMIC_RELAXED) == NULL)
        return;
    stack = __atomic_exchange_n(&queue->inbox, NULL, __ATOMIC_ACQUIRE);
    while (stack != NULL) { /* the last one is on top */
        struct blkfront_request *request = stack;

        stack = request->internal.next;
        request->internal.next = first;
        first = request;
    }
    while (first != NULL) {
        struct blkfront_request *request = first;

        first = request->internal.next;
        requests_add(queue, request);
        count++;
    }
    __atomic_fetch_add(&queue->device->taken_over, count, __ATOMIC_SEQ_CST);
    drain_look_again(queue);
    queue->pump_due = true;
}

bool handover_may_come(const struct blkfront_queue *queue)
{
    for (uint32_t i = 0; i < queue->device->options.queues; i++) {
        const struct blkfront_queue *other = &queue->device->queues[i];
        enum queue_state state = queue_get_state(other);

        if (i != queue->index && other->target == queue->index &&
            (state == QUEUE_SHARING || state == QUEUE_KEEPING || state == QUEUE_STOPPING))
            return true;
    }
    return false;
}
