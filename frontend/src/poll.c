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

static void expect_response(const struct blkfront_queue *queue)
{
    uint32_t at = ring_slot(&queue->ring, queue->ring.rsp_cons);

    shared_expect(queue->ring.words);
    shared_expect(queue->ring_slots + (size_t)at * queue->layout->slot_size);
}

/* False: a violation. The slot's bytes are loaded once, then judged (I1, I2). */
static bool take_response(struct blkfront_queue *queue)
{
    uint32_t at = ring_slot(&queue->ring, queue->ring.rsp_cons);
    unsigned char bytes[WIRE_RESPONSE_BYTES];
    struct wire_response response;
    struct slot *slot;
    const char *reason;
    bool tolerated;

    queue_expect_answer(queue, at);
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

/*
 * All there are. That ends: there are no more than are outstanding, and nothing is published in
 * between (I14). True if there was any. An event is asked for at the next one, unless it already
 * is or the queue is watched.
 */
static bool take_responses(struct blkfront_queue *queue)
{
    bool taken = false;
    int32_t count = ring_responses(&queue->ring);

    for (;;) {
        if (count < 0) {
            queue_fail(queue, "response producer index out of range");
            return taken;
        }
        for (; count > 0; count--) {
            if (!take_response(queue))
                return taken;
            taken = true;
        }
        if (queue->watched || ring_is_armed(&queue->ring))
            return taken;
        count = ring_arm(&queue->ring);
    }
}

/* ---- deadlines ---- */

enum { ENDS = 32 }; /* requests that one poll ends without an answer */

/* If there are more, blkfront_queue_poll_at says so. */
static void expire(struct blkfront_queue *queue)
{
    uint64_t now;

    if (queue->device->options.request_deadline_ns == 0)
        return;
    now = queue->platform->now(queue->platform->context);
    for (uint32_t budget = ENDS; budget > 0 && queue->oldest != NULL; budget--) {
        if (queue->oldest->internal.deadline_ns > now)
            return;
        requests_abandon(queue, queue->oldest, BLKFRONT_DEADLINE);
    }
}

/* ---- the states ---- */

enum { RETRIES = 4 }; /* of quarantined pages, a poll and pool */

/* What has come. True if there were responses. */
static bool look(struct blkfront_queue *queue)
{
    bool event, taken;

    if (!queue->watched)
        expect_response(queue);
    event = take_event(queue);
    taken = queue_violation(queue) == NULL && take_responses(queue);
    if (event)
        finish_event(queue, taken);
    expire(queue);
    return taken;
}

static void run(struct blkfront_queue *queue)
{
    bool taken = look(queue);

    handover_take(queue);
    if (queue_violation(queue) != NULL)
        return;

    queue_refresh(queue);
    taken = requeue_collect(queue) || taken;
    taken = pool_retry(&queue->pools[0], RETRIES) || taken;
    if (taken || queue->pump_due || queue->drain_begun || shortage_is_over(queue))
        queue_pump(queue);
    queue_publish(queue);
    shortage_poll(queue);
}

/* The device and the queue's poll agree on a state in which the queue rests, unless the device
 * wants another one meanwhile. */
static void agree(struct blkfront_queue *queue, enum queue_state asked, enum queue_state answer)
{
    uint32_t state = asked;

    if (__atomic_compare_exchange_n(&queue->state, &state, (uint32_t)answer, false,
                                    __ATOMIC_RELEASE, __ATOMIC_RELAXED))
        device_wake(queue->device);
}

/* The connection is over, and another is to come. Answers that came in time count (I15). */
static void keep(struct blkfront_queue *queue)
{
    bool others = handover_may_come(queue);

    if (queue->ring_block != NULL && ring_outstanding(&queue->ring) > 0)
        (void)look(queue);
    handover_take(queue);
    if (others)
        return;
    drain_end(queue);
    requeue_keep(queue);
    agree(queue, QUEUE_KEEPING, QUEUE_KEPT);
}

/* Everything ends, as much of it as one call may. */
static void stop(struct blkfront_queue *queue)
{
    int result = __atomic_load_n(&queue->stop_result, __ATOMIC_RELAXED);
    bool others = handover_may_come(queue);

    handover_take(queue);
    drain_end(queue);
    requests_cut(queue);
    for (uint32_t budget = ENDS; queue->oldest != NULL; budget--) {
        if (budget == 0)
            return;
        requests_finish(queue, queue->oldest, result);
    }
    queue->stop_done = !others;
}

static void poll_state(struct blkfront_queue *queue, enum queue_state state)
{
    switch (state) {
    case QUEUE_OPEN:
        /* An early event says nothing: the ring is looked at when the queue starts (I11). */
        if (take_event(queue))
            finish_event(queue, false);
        expire(queue);
        break;
    case QUEUE_RUNNING: run(queue); break;
    case QUEUE_SHARING: handover_all(queue); break;
    case QUEUE_PAUSING:
        agree(queue, QUEUE_PAUSING, QUEUE_PAUSED);
        (void)look(queue);
        break;
    case QUEUE_PAUSED: (void)look(queue); break;
    case QUEUE_KEEPING: keep(queue); break;
    case QUEUE_STOPPING: stop(queue); break;
    case QUEUE_CLOSED:
    case QUEUE_HELD:
    case QUEUE_KEPT:
    case QUEUE_STOPPED:
    default: expire(queue); break;
    }
}

/* Is there something that the next poll can do at once? */
static bool has_more(const struct blkfront_queue *queue)
{
    return queue->done.first != NULL || (queue_get_state(queue) == QUEUE_RUNNING &&
                                         queue->pump_due && queue_violation(queue) == NULL);
}

int blkfront_queue_poll(struct blkfront_queue *queue)
{
    enum queue_state state;

    if (queue == NULL || queue->polling)
        return 0;
    queue->polling = true;
    state = queue_get_state(queue);
    poll_state(queue, state);
    if (state == QUEUE_RUNNING || state == QUEUE_SHARING || state == QUEUE_STOPPING)
        drain_report(queue);
    requests_complete(queue);
    /* A completion may have submitted, or disconnected. */
    if (state == QUEUE_RUNNING && queue_get_state(queue) == QUEUE_RUNNING &&
        queue_violation(queue) == NULL)
        queue_publish(queue);
    if (state == QUEUE_STOPPING && queue->stop_done)
        agree(queue, QUEUE_STOPPING, QUEUE_STOPPED);
    queue->polling = false;
    return has_more(queue);
}

void blkfront_queue_watch(struct blkfront_queue *queue, bool on)
{
    if (queue != NULL)
        queue->watched = on;
}

uint64_t blkfront_queue_poll_at(const struct blkfront_queue *queue)
{
    enum queue_state state;

    if (queue == NULL)
        return UINT64_MAX;
    state = queue_get_state(queue);
    if (state == QUEUE_PAUSING || state == QUEUE_KEEPING || state == QUEUE_STOPPING ||
        has_more(queue))
        return 0;
    if (queue->oldest == NULL)
        return UINT64_MAX;
    return state == QUEUE_RUNNING && queue->short_until_ns != 0 &&
                   queue->short_until_ns < queue->oldest->internal.deadline_ns
               ? queue->short_until_ns
               : queue->oldest->internal.deadline_ns;
}
