/* SPDX-License-Identifier: ISC */
/*
 * A queue's ring: takes requests, answers them, publishes. What a request does is execute.c's
 * business, which of them fare ill is fault.c's.
 *
 * I19 is kept here: a slot is copied once, ids are echoed, each request is answered at most once,
 * and a frontend that claims more requests than the ring has room for loses the ring.
 */
#include "backend_internal.h"

#include <inttypes.h>

bool service_ready(const struct backend_queue *queue)
{
    const struct simback_backend *backend = queue->backend;

    return queue->mapped && !queue->dead && !backend->hung && !backend->gone &&
           (backend->state == BLKIF_WIRE_CONNECTED || backend->state == BLKIF_WIRE_CLOSING);
}

/* ---- answering ---- */

static void put_response(struct backend_queue *queue, const struct slot_request *request,
                         int16_t status)
{
    uint8_t bytes[SLOT_RESPONSE_MAX];
    const uint8_t op = execute_response_op(queue->backend, request);
    const size_t length = slot_encode_response(queue->backend->abi, request->id, op, status, bytes);

    ring_write_response(&queue->ring, queue->ring.rsp_prod, bytes, length);
    queue->ring.rsp_prod++;
    queue->counters.answered++;
    if (status != BLKIF_WIRE_OKAY)
        queue->counters.errors++;
}

/* A request that is answered out of turn has been: those that waited for that follow. */
static void answer(struct backend_queue *queue, const struct slot_request *request, int16_t status)
{
    struct pending *pending;

    put_response(queue, request, status);
    while ((pending = pending_due(&queue->pending, 0, true)) != NULL) {
        put_response(queue, &pending->request, execute(queue, &pending->request));
        pending_remove(&queue->pending, pending);
    }
}

static void answer_pending(struct backend_queue *queue, struct pending *pending)
{
    const struct slot_request request = pending->request;

    pending_remove(&queue->pending, pending);
    answer(queue, &request, execute(queue, &request));
}

static void publish_responses(struct backend_queue *queue)
{
    const struct simback_host *host = queue->backend->host;

    if (queue->ring.rsp_prod == queue->ring.rsp_published || !ring_publish(&queue->ring))
        return;
    (void)host->port_notify(host->context, queue->port);
    queue->counters.notified++;
}

/* ---- barriers ---- */

static uint32_t waiting(const struct simback_backend *backend)
{
    uint32_t count = 0;

    for (uint16_t i = 0; i < backend->queue_count; i++)
        count += backend->queues[i].pending.count;
    return count;
}

static void end_barrier(struct backend_queue *queue)
{
    const struct slot_request request = queue->barrier;

    queue->barrier_waits = false;
    answer(queue, &request, execute(queue, &request));
}

/* What was waited for may have been answered by another queue than the one that waits. */
static void wake_barriers(struct simback_backend *backend)
{
    for (uint16_t i = 0; i < backend->queue_count; i++) {
        if (backend->queues[i].barrier_waits)
            backend_wake(backend, i);
    }
}

/* ---- taking ---- */

static void count_request(struct backend_queue *queue, const struct slot_request *request)
{
    struct simback_backend_counters *counters = &queue->counters;

    counters->segments += request->segment_count;
    if (request->operation == BLKIF_WIRE_INDIRECT)
        counters->indirect++;
    switch (request->inner) {
    case BLKIF_WIRE_READ: counters->read++; break;
    case BLKIF_WIRE_WRITE: counters->write++; break;
    case BLKIF_WIRE_WRITE_BARRIER: counters->barrier++; break;
    case BLKIF_WIRE_FLUSH_DISKCACHE: counters->flush++; break;
    case BLKIF_WIRE_DISCARD: counters->discard++; break;
    default: counters->unknown++; break;
    }
}

static void obey_rule(struct backend_queue *queue, const struct simback_fault *fault,
                      const struct slot_request *request)
{
    const uint64_t now = queue->backend->host->now(queue->backend->host->context);
    const uint64_t delay = fault->action == SIMBACK_REORDER ? BACKEND_REORDER_NS : fault->delay_ns;
    const uint64_t due = delay < SIMBACK_NEVER - 1 - now ? now + delay : SIMBACK_NEVER - 1;

    switch (fault->action) {
    case SIMBACK_ANSWER_STATUS: answer(queue, request, fault->status); break;
    case SIMBACK_DELAY:
        (void)pending_add(&queue->pending, request, PENDING_TIMED, due, fault->name);
        break;
    case SIMBACK_HOLD:
        (void)pending_add(&queue->pending, request, PENDING_HELD, 0, fault->name);
        break;
    case SIMBACK_REORDER:
        (void)pending_add(&queue->pending, request, PENDING_REORDERED, due, fault->name);
        break;
    case SIMBACK_DROP: queue->dropped++; break;
    }
}

static void take(struct backend_queue *queue)
{
    uint8_t slot[SLOT_MAX];
    struct slot_request request;
    const struct simback_fault *fault;

    ring_copy_request(&queue->ring, queue->ring.req_cons, slot);
    queue->ring.req_cons++;
    slot_decode(queue->backend->abi, slot, &request);
    count_request(queue, &request);
    queue->seen = true;
    queue->seen_id = request.id;
    queue->seen_op = execute_response_op(queue->backend, &request);

    fault = fault_match(queue, &request);
    if (fault != NULL) {
        obey_rule(queue, fault, &request);
    } else if (request.operation == BLKIF_WIRE_WRITE_BARRIER && waiting(queue->backend) != 0) {
        queue->barrier = request;
        queue->barrier_waits = true;
    } else {
        answer(queue, &request, execute(queue, &request));
    }
}

/* More requests than slots: the frontend's index cannot be believed (RING_REQUEST_PROD_OVERFLOW).
 */
static bool overflows(struct backend_queue *queue, uint32_t req_prod)
{
    const struct ring *ring = &queue->ring;
    const uint32_t unanswered = queue->pending.count + queue->dropped + queue->barrier_waits;
    const uint32_t room = ring->tampered ? ring->size : ring->size - unanswered;

    if (req_prod - ring->req_cons <= room)
        return false;
    queue->dead = true;
    if (!ring->tampered)
        backend_complain(queue->backend,
                         "queue %u: req_prod is %" PRIu32 ", %" PRIu32
                         " beyond what was taken, but only %" PRIu32 " of %" PRIu32
                         " slots are free",
                         queue->index, req_prod, req_prod - ring->req_cons, room, ring->size);
    return true;
}

/* Takes what is there within the budget; true if something is left to be taken. */
static bool take_some(struct backend_queue *queue, uint32_t budget)
{
    struct ring *ring = &queue->ring;
    const uint32_t req_prod = ring_load_req_prod(ring);

    if (overflows(queue, req_prod))
        return false;
    while (ring->req_cons != req_prod) {
        if (queue->barrier_waits || queue->pending.count == queue->pending.size)
            return false; /* goes on when something has been answered */
        if (budget-- == 0)
            return true;
        take(queue);
    }
    publish_responses(queue);
    return ring_final_check(ring);
}

bool simback_backend_service(struct simback_backend *backend, uint16_t queue)
{
    const struct simback_host *host = backend->host;
    uint32_t budget = BACKEND_BATCH;
    struct backend_queue *served;
    struct pending *pending;
    uint64_t now;
    bool more;

    if (queue >= backend->queue_count)
        return false;
    served = &backend->queues[queue];
    if (!service_ready(served))
        return false;
    (void)host->port_fired(host->context, served->port);
    now = host->now(host->context);
    while (budget != 0 && (pending = pending_due(&served->pending, now, false)) != NULL) {
        answer_pending(served, pending);
        budget--;
    }
    if (waiting(backend) == 0) {
        if (served->barrier_waits)
            end_barrier(served);
        wake_barriers(backend);
    }
    more = take_some(served, budget);
    publish_responses(served);
    return more || pending_next(&served->pending) <= now;
}

uint64_t simback_backend_service_at(const struct simback_backend *backend, uint16_t queue)
{
    if (queue >= backend->queue_count || !service_ready(&backend->queues[queue]))
        return SIMBACK_NEVER;
    return pending_next(&backend->queues[queue].pending);
}
