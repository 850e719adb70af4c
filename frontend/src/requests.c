/* SPDX-License-Identifier: ISC */
/*
 * The lists that a caller's request is on. From submit until it is over it is unfinished, in the
 * order of submission: that order gives the next deadline, what a drain waits for, and the order in
 * which a stop completes. Beside that it waits (something has to be put on the ring) or is issued.
 * When it is over it is on the list of due completions, which only a poll calls.
 */
#include "memory.h"
#include "queue.h"

static void list_append(struct request_list *list, struct blkfront_request *request)
{
    request->internal.next = NULL;
    if (list->last == NULL)
        list->first = request;
    else
        list->last->internal.next = request;
    list->last = request;
}

static void list_remove(struct request_list *list, const struct blkfront_request *request)
{
    struct blkfront_request *before = NULL;
    struct blkfront_request *at = list->first;

    while (at != request) {
        before = at;
        at = at->internal.next;
    }
    if (before == NULL)
        list->first = at->internal.next;
    else
        before->internal.next = at->internal.next;
    if (list->last == at)
        list->last = before;
}

/* Buffers count as users of their memory until the request is over (memory.c). */
static void mark_memory(const struct blkfront_request *request,
                        void (*mark)(struct blkfront_memory *))
{
    if (!has_data(request))
        return;
    for (size_t i = 0; i < request->buffer_count; i++) {
        if (request->buffers[i].memory != NULL)
            mark(request->buffers[i].memory);
    }
}

/* Almost always the last place: only what another queue has handed over may be older. That a queue
 * has something unfinished is told at once, that it has less with the next poll: so a drain
 * elsewhere (flush.c) waits too long rather than too short. */
static void order_insert(struct blkfront_queue *queue, struct blkfront_request *request)
{
    struct blkfront_request_internal *in = &request->internal;
    struct blkfront_request *older = queue->newest, *newer = NULL;

    while (older != NULL && older->internal.sequence > in->sequence) {
        newer = older;
        older = older->internal.older;
    }
    in->older = older;
    in->newer = newer;
    *(older == NULL ? &queue->oldest : &older->internal.newer) = request;
    *(newer == NULL ? &queue->newest : &newer->internal.older) = request;
    if (!device_has_one_queue(queue->device) && queue->oldest_sequence > in->sequence)
        __atomic_store_n(&queue->oldest_sequence, in->sequence, __ATOMIC_SEQ_CST);
}

static void order_remove(struct blkfront_queue *queue, struct blkfront_request *request)
{
    struct blkfront_request_internal *in = &request->internal;

    if (in->older == NULL)
        queue->oldest = in->newer;
    else
        in->older->internal.newer = in->newer;
    if (in->newer == NULL)
        queue->newest = in->older;
    else
        in->newer->internal.older = in->older;
}

/* Waiting requests stand in the order of submission: one that came later and drains would wait for
 * this one, behind it, for ever (I4). */
static void wait_in_order(struct blkfront_queue *queue, struct blkfront_request *request)
{
    struct request_list *list = &queue->waiting;
    struct blkfront_request *before = NULL;

    if (list->last == NULL || list->last->internal.sequence < request->internal.sequence) {
        list_append(list, request);
        return;
    }
    if (list->first->internal.sequence < request->internal.sequence) {
        before = request->internal.older;
        while (before->internal.state != REQUEST_WAITING)
            before = before->internal.older;
    }
    request->internal.next = before == NULL ? list->first : before->internal.next;
    *(before == NULL ? &list->first : &before->internal.next) = request;
}

static uint64_t next_sequence(struct blkfront_queue *queue)
{
    uint64_t *next = &queue->device->next_sequence;

    if (!device_has_one_queue(queue->device))
        return __atomic_fetch_add(next, 1, __ATOMIC_SEQ_CST);
    return (*next)++;
}

void requests_begin(struct blkfront_queue *queue, struct blkfront_request *request)
{
    request->internal.state = REQUEST_WAITING;
    request->internal.sequence = next_sequence(queue);
    mark_memory(request, memory_use);
}

void requests_add(struct blkfront_queue *queue, struct blkfront_request *request)
{
    order_insert(queue, request);
    wait_in_order(queue, request);
}

void requests_leave(struct blkfront_queue *queue, struct blkfront_request *request)
{
    list_remove(&queue->waiting, request);
    order_remove(queue, request);
}

void requests_again(struct blkfront_queue *queue, struct blkfront_request *request)
{
    request->internal.state = REQUEST_WAITING;
    wait_in_order(queue, request);
}

void requests_issued(struct blkfront_queue *queue)
{
    struct blkfront_request *request = queue->waiting.first;

    queue->waiting.first = request->internal.next;
    if (queue->waiting.first == NULL)
        queue->waiting.last = NULL;
    request->internal.state = REQUEST_ISSUED;
}

void requests_finish(struct blkfront_queue *queue, struct blkfront_request *request, int result)
{
    if (request->internal.state == REQUEST_WAITING) {
        /* What waits behind it has not been tried for want of this one's turn. */
        queue->pump_due = true;
        queue->short_pause_ns = 0; /* it was this one that has waited */
        if (queue->drain_begun && queue->waiting.first == request)
            drain_end(queue);
        list_remove(&queue->waiting, request);
    }
    requeue_drop(queue, request);
    order_remove(queue, request);
    /* It was a barrier's turn, or is (submit.c). */
    if (queue->oldest != NULL && ((request->flags | queue->oldest->flags) & BLKFRONT_BARRIER) != 0)
        queue->pump_due = true;
    mark_memory(request, memory_unuse);
    request->internal.result = result;
    list_append(&queue->done, request);
}

void requests_finish_new(struct blkfront_queue *queue, struct blkfront_request *request)
{
    request->internal.result = BLKFRONT_OK;
    list_append(&queue->done, request);
}

void requests_lose_slot(struct slot *slot)
{
    slot->request->internal.parts--;
    slot->request = NULL;
    slot->state = SLOT_ABANDONED;
    for (uint32_t i = 0; i < slot->segment_count; i++) {
        if (!slot->segments[i].bounced)
            grant_abandon(slot->segments[i].block, slot->segments[i].record);
    }
}

void requests_abandon(struct blkfront_queue *queue, struct blkfront_request *request, int result)
{
    for (uint32_t i = 0; i < queue->slots.count; i++) {
        if (queue->slots.slots[i].request == request)
            requests_lose_slot(&queue->slots.slots[i]);
    }
    requests_finish(queue, request, result);
}

void requests_cut(struct blkfront_queue *queue)
{
    for (uint32_t i = 0; i < queue->slots.count; i++) {
        if (queue->slots.slots[i].state == SLOT_IN_FLIGHT)
            requests_lose_slot(&queue->slots.slots[i]);
    }
    for (struct blkfront_request *r = queue->waiting.first; r != NULL; r = r->internal.next)
        r->internal.state = REQUEST_ISSUED;
    queue->waiting = (struct request_list){0};
}

void requests_complete(struct blkfront_queue *queue)
{
    struct request_list due = queue->done;

    queue->done = (struct request_list){0};
    while (due.first != NULL) {
        struct blkfront_request *request = due.first;

        due.first = request->internal.next;
        statistics_add(&queue->statistics.requests, 1);
        request->complete(request, request->internal.result);
    }
}

/* An I/O error hides what else was wrong; "unimplemented" is the mildest, since it promises
 * nothing. */
static int badness(int result)
{
    switch (result) {
    case BLKFRONT_OK: return 0;
    case BLKFRONT_UNIMPLEMENTED: return 1;
    case BLKFRONT_IO_ERROR: return 3;
    default: return 2;
    }
}

int worse_result(int a, int b)
{
    return badness(b) > badness(a) ? b : a;
}

static bool lists_check(const struct blkfront_queue *queue, uint64_t *waiting)
{
    const struct blkfront_request *last = NULL;

    for (const struct blkfront_request *r = queue->waiting.first; r != NULL; r = r->internal.next) {
        if (r->internal.state != REQUEST_WAITING)
            return false;
        ++*waiting;
        last = r;
    }
    if (last != queue->waiting.last)
        return false;
    last = NULL;
    for (const struct blkfront_request *r = queue->done.first; r != NULL; r = r->internal.next)
        last = r;
    return last == queue->done.last;
}

bool queue_check(const struct blkfront_queue *queue)
{
    const struct blkfront_request *older = NULL;
    uint64_t parts = 0, ranges = 0, slots = 0, waiting = 0;

    if (!slots_check(&queue->slots) || !lists_check(queue, &waiting))
        return false;
    for (const struct blkfront_request *r = queue->oldest; r != NULL; r = r->internal.newer) {
        if (r->internal.older != older ||
            (older != NULL && older->internal.sequence >= r->internal.sequence))
            return false;
        parts += r->internal.parts;
        for (const struct blkfront_range *k = r->internal.kept; k != NULL; k = k->next)
            ranges++;
        waiting -= r->internal.state == REQUEST_WAITING;
        older = r;
    }
    for (uint32_t i = 0; i < queue->slots.count; i++)
        slots += queue->slots.slots[i].state == SLOT_IN_FLIGHT;
    return older == queue->newest && parts == slots + ranges && waiting == 0;
}
