/* SPDX-License-Identifier: ISC */
/*
 * A queue of a served disk and its thread, which alone submits and polls. Others hand calls over in
 * a list and are told when they are done.
 */
#include "served_queue.h"

bool served_queue_init(struct served_queue *queue, struct simback_threads *threads,
                       struct served_unit *unit, uint32_t index)
{
    queue->threads = threads;
    queue->unit = unit;
    queue->index = index;
    queue->last = &queue->first;
    return pthread_mutex_init(&queue->lock, NULL) == 0;
}

void served_queue_fini(struct served_queue *queue)
{
    (void)pthread_mutex_destroy(&queue->lock);
}

/* ---- its thread ---- */

static void finish(struct served_call *call, int result)
{
    struct served_queue *queue = call->queue;

    (void)pthread_mutex_lock(&queue->lock);
    call->result = result;
    call->done = true;
    (void)pthread_cond_signal(&call->is_done);
    (void)pthread_mutex_unlock(&queue->lock); /* from here on the call may be there no more */
}

static void complete(struct blkfront_request *request, int result)
{
    finish(request->context, result);
}

/* By the sectors of this moment: INVALID if these are not whole ones. */
static int submit_by(struct served_queue *queue, struct served_call *call, uint32_t unit)
{
    struct blkfront_request *request = &call->request;

    if (call->offset % unit != 0 || call->size % unit != 0)
        return BLKFRONT_INVALID;
    request->sector = call->offset / unit;
    if (request->operation == BLKFRONT_DISCARD)
        request->sectors = call->size / unit;
    return blkfront_submit(queue->queue, request);
}

static int submit(struct served_queue *queue, struct served_call *call)
{
    int result;

    (void)pthread_mutex_lock(&queue->unit->lock);
    result = submit_by(queue, call, queue->unit->bytes);
    (void)pthread_mutex_unlock(&queue->unit->lock);
    return result;
}

static struct served_call *take_all(struct served_queue *queue, bool *over)
{
    struct served_call *first;

    (void)pthread_mutex_lock(&queue->lock);
    first = queue->first;
    queue->first = NULL;
    queue->last = &queue->first;
    *over = queue->over;
    (void)pthread_mutex_unlock(&queue->lock);
    return first;
}

/* When the device is closed all requests have been completed by the library, but for those that it
 * has not been given. */
static void *run(void *context)
{
    struct served_queue *queue = context;
    bool over = false;

    while (!over) {
        struct served_call *call = take_all(queue, &over), *next;

        for (; call != NULL; call = next) {
            int result;

            next = call->next;
            result = over ? BLKFRONT_DISCONNECTED : submit(queue, call);
            if (result != BLKFRONT_OK)
                finish(call, result);
        }
        if (blkfront_queue_poll(queue->queue) == 0 && !over)
            (void)simback_threads_wait_queue(queue->threads, queue->index,
                                             blkfront_queue_poll_at(queue->queue));
    }
    return NULL;
}

/* ---- from outside ---- */

bool served_queue_begin(struct served_queue *queue, struct blkfront_device *device)
{
    queue->queue = blkfront_get_queue(device, queue->index);
    queue->over = false;
    if (queue->queue == NULL || pthread_create(&queue->thread, NULL, run, queue) != 0)
        return false;
    (void)pthread_mutex_lock(&queue->lock);
    queue->open = true;
    (void)pthread_mutex_unlock(&queue->lock);
    return true;
}

void served_queue_shut(struct served_queue *queue)
{
    (void)pthread_mutex_lock(&queue->lock);
    queue->open = false;
    (void)pthread_mutex_unlock(&queue->lock);
}

void served_queue_end(struct served_queue *queue)
{
    (void)pthread_mutex_lock(&queue->lock);
    queue->over = true;
    (void)pthread_mutex_unlock(&queue->lock);
    simback_threads_wake_queue(queue->threads, queue->index);
    (void)pthread_join(queue->thread, NULL);
}

/* Under the lock, which is given back. */
static int hand_over(struct served_queue *queue, struct served_call *call)
{
    if (!queue->open) {
        (void)pthread_mutex_unlock(&queue->lock);
        return BLKFRONT_DISCONNECTED;
    }
    *queue->last = call;
    queue->last = &call->next;
    (void)pthread_mutex_unlock(&queue->lock);
    simback_threads_wake_queue(queue->threads, queue->index);
    (void)pthread_mutex_lock(&queue->lock);
    while (!call->done)
        (void)pthread_cond_wait(&call->is_done, &queue->lock);
    (void)pthread_mutex_unlock(&queue->lock);
    return call->result;
}

int served_queue_call(struct served_queue *queue, struct served_call *call)
{
    int result;

    call->request.complete = complete;
    call->request.context = call;
    call->queue = queue;
    call->next = NULL;
    call->done = false;
    if (pthread_cond_init(&call->is_done, NULL) != 0)
        return BLKFRONT_NO_MEMORY;
    (void)pthread_mutex_lock(&queue->lock);
    result = hand_over(queue, call);
    (void)pthread_cond_destroy(&call->is_done);
    return result;
}
