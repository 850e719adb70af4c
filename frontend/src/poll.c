/* SPDX-License-Identifier: ISC */
/*
 * A queue's poll: events, responses, deadlines, what waits, completions; and the answer to the
 * device's wish to stop. Each call does a bounded amount of work (I4, I14): at most one ring's
 * worth of responses, of waiting requests and of requests cut short; and it calls the completions
 * of those.
 */
#include "queue.h"

/* ---- events ---- */

/* Takes a pending event of our port, which stays masked until finish_event. */
static bool take_event(struct blkfront_queue *queue)
{
    const struct blkfront_platform *platform = queue->platform;
    uint32_t port;
    int r = platform->port_pending(platform->context, queue->channels, &port);

    if (r < 0)
        r = platform->port_pending(platform->context, queue->channels, &port);
    if (r < 0)
        queue_fail(queue, "the event channel failed");
    if (r <= 0)
        return false;
    statistics_add(&queue->statistics.events, 1);
    return true;
}

/* Twice if need be, because a port that stays masked is a queue that hangs. */
static bool unmask(struct blkfront_queue *queue)
{
    const struct blkfront_platform *platform = queue->platform;
    int r = -1;

    for (unsigned tries = 0; tries < 2 && r != 0; tries++)
        r = platform->port_unmask(platform->context, queue->channels, queue->port);
    return r == 0;
}

static void finish_event(struct blkfront_queue *queue, bool useful)
{
    if (!useful)
        statistics_add(&queue->statistics.spurious_events, 1);
    if (!unmask(queue))
        queue_fail(queue, "the event channel failed");
}

/* ---- responses ---- */

/* False: a violation. The slot's bytes are loaded once, then judged (I1, I2). */
static bool take_response(struct blkfront_queue *queue)
{
    uint32_t at = ring_slot(&queue->ring, queue->ring.rsp_cons);
    unsigned char bytes[WIRE_RESPONSE_BYTES];
    struct wire_response response;
    struct slot *slot;
    const char *reason;
    bool tolerated;

    shared_copy_slot_in(bytes, queue->ring_slots + (size_t)at * queue->layout->slot_size,
                        sizeof(bytes));
    wire_decode(bytes, &response);
    slot = slots_match(&queue->slots, &response, &tolerated, &reason);
    if (slot == NULL) {
        queue_fail(queue, reason);
        return false;
    }
    if (tolerated)
        statistics_add(&queue->statistics.inner_op_tolerated, 1);
    ring_consumed(&queue->ring);
    transfer_answered(queue, slot, response.status);
    return true;
}

/* True if there is more than one call's share. *taken: whether there was any response. */
static bool take_responses(struct blkfront_queue *queue, bool *taken)
{
    uint32_t budget = queue->ring.entries;
    int32_t count = ring_responses(&queue->ring);

    *taken = false;
    for (;;) {
        if (count < 0) {
            queue_fail(queue, "response producer index out of range");
            return false;
        }
        if (count == 0 && ring_armed(&queue->ring))
            return false;
        for (; count > 0 && budget > 0; count--, budget--) {
            if (!take_response(queue))
                return false;
            *taken = true;
        }
        if (count > 0)
            return true;
        count = ring_arm(&queue->ring);
    }
}

/* ---- deadlines ---- */

static bool expire(struct blkfront_queue *queue)
{
    uint32_t budget = queue->ring.entries;
    uint64_t now;

    if (queue->device->options.request_deadline_ns == 0 || queue->oldest == NULL)
        return false;
    now = queue->platform->now(queue->platform->context);
    while (queue->oldest != NULL && queue->oldest->internal.deadline_ns <= now) {
        if (budget-- == 0)
            return true;
        requests_abandon(queue, queue->oldest, BLKFRONT_DEADLINE);
    }
    return false;
}

/* ---- the states ---- */

enum { RETRIES = 4 }; /* of quarantined pages, a poll and pool */

static bool run(struct blkfront_queue *queue)
{
    bool event = take_event(queue);
    bool taken = false, more = false;

    if (queue_violation(queue) == NULL)
        more = take_responses(queue, &taken);
    if (event)
        finish_event(queue, taken);
    more = expire(queue) || more;
    if (queue_violation(queue) != NULL)
        return false;

    queue_refresh(queue);
    taken = pool_retry(&queue->pools[0], RETRIES) || taken;
    if (taken || queue->pump_due || queue->drain_begun)
        more = queue_pump(queue) || more;
    queue_publish(queue);
    shortage_poll(queue);
    return more;
}

/* Ends the requests before stop_sequence with the result of stop, as many as one call may. */
static bool end_requests(struct blkfront_queue *queue, int result)
{
    uint32_t budget = queue->ring.entries;

    while (queue->oldest != NULL && queue->oldest->internal.sequence < queue->stop_sequence) {
        if (budget-- == 0)
            return true;
        requests_finish(queue, queue->oldest, result);
    }
    return false;
}

static int stop_result(const struct blkfront_queue *queue)
{
    int result = __atomic_load_n(&queue->stop_result, __ATOMIC_RELAXED);

    return result != BLKFRONT_OK ? result : BLKFRONT_DISCONNECTED;
}

/* The device wants the queue to stop. What completions submit now is not part of that: it waits for
 * the next connection. */
static bool stop(struct blkfront_queue *queue)
{
    if (!queue->stop_begun) {
        queue->stop_begun = true;
        queue->stop_sequence = queue->next_sequence;
        drain_end(queue);
        requests_cut(queue);
    }
    return end_requests(queue, stop_result(queue));
}

static void stopped(struct blkfront_queue *queue)
{
    __atomic_store_n(&queue->state, (uint32_t)QUEUE_STOPPED, __ATOMIC_RELEASE);
    device_wake(queue->device);
}

/* Nothing is shared. Requests may still wait for a connection that will not come any more. */
static bool idle(struct blkfront_queue *queue)
{
    if (queue->oldest == NULL || device_takes_requests(queue->device))
        return expire(queue);
    queue->stop_sequence = queue->next_sequence;
    return end_requests(queue, stop_result(queue));
}

int blkfront_queue_poll(struct blkfront_queue *queue)
{
    enum queue_state state;
    bool more = false;

    if (queue == NULL || queue->polling)
        return 0;
    queue->polling = true;
    state = queue_get_state(queue);
    switch (state) {
    case QUEUE_RUNNING: more = run(queue); break;
    case QUEUE_OPEN:
        /* An early event says nothing: the ring is looked at when the queue starts (I11). */
        if (take_event(queue))
            finish_event(queue, false);
        more = expire(queue);
        break;
    case QUEUE_STOPPING: more = stop(queue); break;
    case QUEUE_CLOSED:
    case QUEUE_STOPPED: more = idle(queue); break;
    }

    if (state == QUEUE_RUNNING || state == QUEUE_STOPPING)
        drain_report(queue);
    requests_complete(queue);
    /* A completion may have submitted, or disconnected. */
    if (state == QUEUE_RUNNING && queue_get_state(queue) == QUEUE_RUNNING &&
        queue_violation(queue) == NULL)
        queue_publish(queue);
    if (state == QUEUE_STOPPING && !more)
        stopped(queue);
    queue->polling = false;
    return more || queue->done.first != NULL;
}

uint64_t blkfront_queue_poll_at(const struct blkfront_queue *queue)
{
    enum queue_state state;

    if (queue == NULL)
        return UINT64_MAX;
    state = queue_get_state(queue);
    if (queue->done.first != NULL || state == QUEUE_STOPPING)
        return 0;
    if (state == QUEUE_RUNNING && queue->pump_due && queue_violation(queue) == NULL)
        return 0;
    if (queue->oldest == NULL)
        return UINT64_MAX;
    if ((state == QUEUE_CLOSED || state == QUEUE_STOPPED) && !device_takes_requests(queue->device))
        return 0;
    return queue->oldest->internal.deadline_ns;
}
