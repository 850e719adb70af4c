/* SPDX-License-Identifier: ISC */
/*
 * How requests come in: taken or refused, put on the ring as far as it holds them. Nothing here
 * blocks, allocates or calls a completion; a request that needs no ring at all completes with the
 * next poll.
 */
#include "queue.h"

static uint64_t deadline_of(const struct blkfront_queue *queue)
{
    uint64_t span = queue->device->options.request_deadline_ns;
    uint64_t now;

    if (span == 0)
        return UINT64_MAX;
    now = queue->platform->now(queue->platform->context);
    return span > UINT64_MAX - now ? UINT64_MAX : now + span;
}

/* Nothing is left to be done: no data, or a discard of no whole extent. */
static bool is_nothing(const struct blkfront_request *request)
{
    return request->operation != BLKFRONT_FLUSH && request->internal.bytes_left == 0 &&
           request->internal.parts == 0;
}

static int take(struct blkfront_queue *queue, struct blkfront_request *request,
                enum queue_state state)
{
    struct blkfront_request_internal *in = &request->internal;
    /* While there is a connection the disk is known, whoever's ring it is. */
    const bool connected = state == QUEUE_RUNNING || state == QUEUE_SHARING;
    uint64_t bytes;
    int r = transfer_arguments(queue, request, &bytes);

    if (r == BLKFRONT_OK)
        r = connected ? transfer_admit(queue, request, bytes)
                      : transfer_admit_later(queue, request, bytes);
    if (r != BLKFRONT_OK)
        return r;

    *in = (struct blkfront_request_internal){.bytes_left = bytes};
    transfer_begin(queue, request);
    if (state == QUEUE_RUNNING && request->operation == BLKFRONT_DISCARD)
        discard_fit(queue, request);
    if (is_nothing(request)) {
        requests_finish_new(queue, request);
        return BLKFRONT_OK;
    }
    in->deadline_ns = deadline_of(queue);
    requests_begin(queue, request);
    if (state == QUEUE_SHARING && queue->oldest == NULL) {
        handover_push(queue, request);
        return BLKFRONT_OK;
    }
    if (state == QUEUE_RUNNING)
        in->connection = queue->connection; /* else it is checked when it goes out */
    else
        queue->pump_due = true;
    requests_add(queue, request);
    return BLKFRONT_OK;
}

/*
 * A barrier goes out when all that is before it has ended, and what is behind it when the barrier
 * has. The backend keeps that order among what is on a ring; but what has not ended may be put on
 * one again (an indirect write that is refused, one with FUA or without an answer when the backend
 * goes away), and some let writes pass a barrier that is on its way to their disk.
 */
static bool is_its_turn(const struct blkfront_queue *queue, const struct blkfront_request *request)
{
    const struct blkfront_request *oldest = queue->oldest;

    return request == oldest || ((request->flags | oldest->flags) & BLKFRONT_BARRIER) == 0;
}

static int issue(struct blkfront_queue *queue, struct blkfront_request *request)
{
    struct blkfront_request_internal *in = &request->internal;
    int r = BLKFRONT_OK;

    if (!is_its_turn(queue, request))
        return ISSUE_BLOCKED;
    if (in->connection != queue->connection)
        r = requeue_admit(queue, request);
    if (r != BLKFRONT_OK)
        return r;
    if (in->stage == REQUEST_FLUSHING)
        return flush_issue(queue, request);
    /* One that has failed has nothing left to put on the ring either, but is still answered. */
    if (is_nothing(request)) {
        requests_finish(queue, request, in->result);
        return BLKFRONT_OK;
    }
    return transfer_issue(queue, request);
}

/* The first waiting request cannot go on; parts of it may still be in flight. */
static void give_up(struct blkfront_queue *queue, struct blkfront_request *request, int result)
{
    struct blkfront_request_internal *in = &request->internal;

    in->result = worse_result(in->result, result);
    in->bytes_left = 0;
    requeue_drop(queue, request);
    if (in->parts == 0)
        requests_finish(queue, request, in->result);
    else
        requests_issued(queue);
}

void queue_pump(struct blkfront_queue *queue)
{
    uint32_t budget = 2 * queue->ring.entries;

    queue->blocked = false;
    queue->pump_due = false;
    queue->short_until_ns = 0;
    while (queue->waiting.first != NULL) {
        struct blkfront_request *request = queue->waiting.first;
        int r;

        if (budget-- == 0) {
            queue->pump_due = true;
            return;
        }
        r = issue(queue, request);
        if (r == ISSUE_BLOCKED) {
            queue->blocked = true;
            break;
        }
        if (r < 0)
            give_up(queue, request, r);
    }
    queue->pump_due = false;
}

int blkfront_submit_many(struct blkfront_queue *queue, struct blkfront_request *const *requests,
                         size_t count, size_t *taken)
{
    enum queue_state state;
    size_t i;
    int r = BLKFRONT_OK;

    if (taken != NULL)
        *taken = 0;
    if (queue == NULL || taken == NULL || (count > 0 && requests == NULL))
        return BLKFRONT_INVALID;
    state = queue_get_state(queue);
    if (state == QUEUE_CLOSED || !device_takes_requests(queue->device))
        return BLKFRONT_DISCONNECTED;
    queue_refresh(queue);
    for (i = 0; i < count; i++) {
        r = requests[i] == NULL ? BLKFRONT_INVALID : take(queue, requests[i], state);
        if (r != BLKFRONT_OK)
            break;
    }
    *taken = i;
    if (state == QUEUE_RUNNING && queue_violation(queue) == NULL) {
        if (!queue->blocked)
            queue_pump(queue);
        /* A completion's requests go out with all others at the end of its poll. */
        if (!queue->polling)
            queue_publish(queue);
    }
    return r;
}

int blkfront_submit(struct blkfront_queue *queue, struct blkfront_request *request)
{
    size_t taken;

    return blkfront_submit_many(queue, &request, 1, &taken);
}
