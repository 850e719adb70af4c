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
           (backend->state == BLKIF_WIRE_CONNECTED || backend->state == BLKIF_WIRE_CLOSING ||
            backend->lingers);
}

/* ---- answering ---- */

static void put_response(struct backend_queue *queue, const struct slot_request *request,
                         int16_t status)
{
    struct simback_backend *backend = queue->backend;
    uint8_t bytes[SLOT_RESPONSE_MAX];
    const uint8_t op = execute_response_op(backend, request);
    const size_t length = slot_encode_response(backend->abi, request->id, op, status, bytes);

    if (queue->dead || (backend->lingers && backend->dialect->closing == SIMBACK_CLOSING_SILENT))
        return;
    if (status == BLKIF_WIRE_EOPNOTSUPP)
        publish_unsupported(backend, request->operation);
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
    if (request->harm == HARM_TWICE) {
        hostile_tamper(queue);
        put_response(queue, request, status);
    }
    while ((pending = pending_due(&queue->pending, 0, true)) != NULL) {
        put_response(queue, &pending->request, execute_pending(queue, pending));
        pending_remove(&queue->pending, pending);
    }
}

static void answer_pending(struct backend_queue *queue, struct pending *pending)
{
    const struct slot_request request = pending->request;
    const int16_t status = execute_pending(queue, pending);

    pending_remove(&queue->pending, pending);
    answer(queue, &request, status);
}

static void publish_responses(struct backend_queue *queue)
{
    const struct simback_host *host = queue->backend->host;

    if (!queue->mapped || queue->ring.rsp_prod == queue->ring.rsp_published ||
        !ring_publish(&queue->ring) || !queue->bound)
        return;
    (void)host->port_notify(host->context, queue->port);
    queue->counters.notified++;
}

/* ---- barriers ---- */

/* What a ring that was given up holds is not waited for: it never ends. */
static uint32_t waiting(const struct simback_backend *backend)
{
    uint32_t count = 0;

    for (uint16_t i = 0; i < backend->queue_count; i++) {
        if (!backend->queues[i].dead)
            count += backend->queues[i].pending.count;
    }
    return count;
}

static void end_barrier(struct backend_queue *queue)
{
    const struct slot_request request = queue->barrier;
    const struct simback_backend *backend = queue->backend;

    queue->barrier_waits = false;
    /* A frontend that has closed lets go of its pages: what is not mapped yet stays so (I19). */
    answer(queue, &request,
           backend->drains || backend->lingers ? BLKIF_WIRE_ERROR : execute(queue, &request));
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

static void wait_for(struct backend_queue *queue, const struct slot_request *request,
                     enum pending_kind kind, uint64_t due_ns, uint32_t name)
{
    struct pending *pending = pending_add(&queue->pending, request, kind, due_ns, name);

    if (pending != NULL)
        execute_begin(queue, pending);
}

static void obey_rule(struct backend_queue *queue, const struct simback_fault *fault,
                      const struct slot_request *request)
{
    const uint64_t now = queue->backend->host->now(queue->backend->host->context);
    const uint64_t delay = fault->action == SIMBACK_REORDER ? BACKEND_REORDER_NS : fault->delay_ns;
    const uint64_t due = delay < SIMBACK_NEVER - 1 - now ? now + delay : SIMBACK_NEVER - 1;

    switch (fault->action) {
    case SIMBACK_ANSWER_STATUS: answer(queue, request, fault->status); break;
    case SIMBACK_DUPLICATE:
    case SIMBACK_CORRUPT:
    case SIMBACK_TORN:
    case SIMBACK_MISDIRECT:
    case SIMBACK_LOST:
    case SIMBACK_SHORT:
    case SIMBACK_MAPFAIL:
    case SIMBACK_DELAY: wait_for(queue, request, PENDING_TIMED, due, fault->name); break;
    case SIMBACK_HOLD: wait_for(queue, request, PENDING_HELD, 0, fault->name); break;
    case SIMBACK_REORDER: wait_for(queue, request, PENDING_REORDERED, due, fault->name); break;
    case SIMBACK_DROP: queue->dropped++; break;
    }
}

/* What a rule does to it while it is carried out goes with it; false: the rule does not. */
static bool harms(const struct simback_fault *fault, struct slot_request *request)
{
    request->harm = harm_of(fault->action);
    request->offset_512 = fault->offset_512;
    return request->harm != HARM_NONE;
}

/* From here on all is in 512-byte units, whatever the dialect counts in; what is too large for
 * that stays beyond every end. */
static void scale(const struct simback_backend *backend, struct slot_request *request)
{
    const uint32_t units = backend->number_units;

    if (units == 1)
        return;
    request->sector_512 =
        request->sector_512 > UINT64_MAX / units ? UINT64_MAX : request->sector_512 * units;
    request->count_512 =
        request->count_512 > UINT64_MAX / units ? UINT64_MAX : request->count_512 * units;
}

static void carry_out(struct backend_queue *queue, struct slot_request *request)
{
    const struct simback_fault *fault;

    count_request(queue, request);
    queue->seen = true;
    queue->seen_id = request->id;
    queue->seen_op = execute_response_op(queue->backend, request);

    fault = fault_match(queue, request);
    if (fault != NULL && (!harms(fault, request) || fault->delay_ns != 0)) {
        if (request->operation == BLKIF_WIRE_WRITE_BARRIER)
            queue->backend->moves_barriers = true;
        obey_rule(queue, fault, request);
    } else if (request->operation == BLKIF_WIRE_WRITE_BARRIER && waiting(queue->backend) != 0) {
        queue->barrier = *request;
        queue->barrier_waits = true;
    } else {
        answer(queue, request, execute(queue, request));
    }
}

enum { ROUNDS_AHEAD = 64 }; /* of a ring whose index cannot be believed: none goes so far */

/* More requests than slots: the frontend's index cannot be believed (RING_REQUEST_PROD_OVERFLOW).
 * Some stop for good, others go on as far as there is room for answers; but where the index lies
 * far ahead, or has gone back behind what was taken, they would go round through up to 2^32
 * requests, so all stop. */
static bool overflows(struct backend_queue *queue, uint32_t req_prod)
{
    const struct ring *ring = &queue->ring;
    const uint32_t unanswered = queue->pending.count + queue->dropped + queue->barrier_waits;
    const uint32_t room = ring->tampered ? ring->size : ring->size - unanswered;
    const uint32_t ahead = req_prod - ring->req_cons;

    if (ahead <= room)
        return false;
    if (!ring->tampered && !queue->ahead)
        backend_complain(queue->backend,
                         "queue %u: req_prod is %" PRIu32 ", %" PRIu32
                         " beyond what was taken, but only %" PRIu32 " of %" PRIu32
                         " slots are free",
                         queue->index, req_prod, ahead, room, ring->size);
    queue->ahead = true;
    queue->dead = !queue->backend->dialect->bounded || ahead / ring->size >= ROUNDS_AHEAD;
    return queue->dead;
}

/* For so many requests more there are slots for answers, and room to wait
 * (RING_REQUEST_CONS_OVERFLOW). */
static uint32_t room_left(const struct backend_queue *queue)
{
    const struct ring *ring = &queue->ring;
    const uint32_t unanswered = ring->req_cons - ring->rsp_prod;
    const uint32_t room = queue->pending.size - queue->pending.count;

    if (ring->tampered)
        return room;
    if (unanswered >= ring->size)
        return 0;
    return room < ring->size - unanswered ? room : ring->size - unanswered;
}

/* What it needs first. The pages of an indirect request are many, and copied one after the other.
 */
static void expect(const struct simback_backend *backend, const struct slot_request *request)
{
    const struct simback_host *host = backend->host;

    if (host->expect == NULL || request->operation == BLKIF_WIRE_INDIRECT)
        return;
    for (uint32_t i = 0; i < request->segment_count && i < BLKIF_WIRE_SEGMENTS; i++)
        host->expect(host->context, backend->options.front_domid,
                     request->data.segments[i].grant_ref);
}

/* Loads each word once, and of the slot's only those that say something: the last line of most
 * never comes over from the frontend's processor. */
static void take_slot(struct backend_queue *queue, uint32_t index, struct slot_request *request)
{
    const enum slot_abi abi = queue->backend->abi;
    uint8_t slot[SLOT_MAX];
    uint32_t length;

    ring_copy_request(&queue->ring, index, 0, SLOT_HEAD, slot);
    length = slot_length(abi, slot);
    if (length > SLOT_HEAD)
        ring_copy_request(&queue->ring, index, SLOT_HEAD, length, slot);
    slot_decode(abi, slot, request);
}

/*
 * Copies at most `most` of the requests up to req_prod, and none behind a barrier, which may have
 * to wait. That they are copied before the first is carried out gives slots, grants and disk time
 * to come into the cache, one behind the other.
 */
static uint32_t take(struct backend_queue *queue, uint32_t req_prod, uint32_t most,
                     struct slot_request *requests)
{
    struct ring *ring = &queue->ring;
    uint64_t places_512[BACKEND_BATCH];
    uint32_t count = 0;

    while (ring->req_cons != req_prod && count < most) {
        struct slot_request *request = &requests[count];

        take_slot(queue, ring->req_cons++, request);
        scale(queue->backend, request);
        places_512[count++] = request->sector_512;
        if (request->operation == BLKIF_WIRE_WRITE_BARRIER)
            break;
    }
    for (uint32_t i = 0; i < count; i++)
        expect(queue->backend, &requests[i]);
    simback_disk_expect(queue->backend->disk, places_512, count);
    return count;
}

static bool is_news(const struct backend_queue *queue)
{
    return ring_load_req_prod(&queue->ring) != queue->req_seen;
}

/* Takes what is there within the budget; true if something is left to be taken. */
static bool take_some(struct backend_queue *queue, uint32_t budget)
{
    struct slot_request requests[BACKEND_BATCH];
    struct ring *ring = &queue->ring;
    const uint32_t req_prod = ring_load_req_prod(ring);

    queue->req_seen = req_prod;
    if (overflows(queue, req_prod))
        return false;
    while (ring->req_cons != req_prod) {
        const uint32_t room = room_left(queue);
        uint32_t count;

        if (queue->barrier_waits || room == 0)
            return false; /* goes on when something has been answered */
        if (budget == 0)
            return true;
        count = take(queue, req_prod, room < budget ? room : budget, requests);
        budget -= count;
        for (uint32_t i = 0; i < count && !queue->dead; i++)
            carry_out(queue, &requests[i]);
        if (queue->dead)
            return false;
    }
    publish_responses(queue);
    return queue->backend->watched ? is_news(queue) : ring_final_check(ring);
}

/* Answers what is due; what the budget leaves over. */
static uint32_t answer_due(struct backend_queue *queue, uint32_t budget, uint64_t now)
{
    struct simback_backend *backend = queue->backend;
    struct pending *pending;

    while (budget != 0 && (pending = pending_due(&queue->pending, now, false)) != NULL) {
        answer_pending(queue, pending);
        budget--;
    }
    if (waiting(backend) == 0) {
        if (queue->barrier_waits)
            end_barrier(queue);
        wake_barriers(backend);
    }
    return budget;
}

/* The clock, where something waits for it. */
static uint64_t now_for(const struct backend_queue *queue)
{
    const struct simback_host *host = queue->backend->host;

    return pending_next(&queue->pending) == SIMBACK_NEVER ? 0 : host->now(host->context);
}

bool simback_backend_service(struct simback_backend *backend, uint16_t queue)
{
    const struct simback_host *host = backend->host;
    struct backend_queue *served;
    uint32_t budget;
    bool more = false;

    if (queue >= backend->queue_count)
        return false;
    served = &backend->queues[queue];
    if (!service_ready(served))
        return false;
    ring_expect(&served->ring);
    if (served->bound)
        (void)host->port_fired(host->context, served->port);
    mappings_tick(served);
    budget = answer_due(served, BACKEND_BATCH, now_for(served));
    if (!backend->lingers && !backend->drains)
        more = take_some(served, budget);
    if (served->dead && waiting(backend) == 0)
        wake_barriers(backend);
    publish_responses(served);
    more = more || pending_next(&served->pending) <= now_for(served);
    handshake_answered(backend);
    return more;
}

bool service_news(struct simback_backend *backend)
{
    bool any = false;

    for (uint16_t i = 0; i < backend->queue_count; i++) {
        if (service_ready(&backend->queues[i]) && is_news(&backend->queues[i])) {
            (void)simback_backend_service(backend, i);
            any = true;
        }
    }
    return any;
}

uint64_t simback_backend_service_at(const struct simback_backend *backend, uint16_t queue)
{
    if (queue >= backend->queue_count || !service_ready(&backend->queues[queue]))
        return SIMBACK_NEVER;
    return pending_next(&backend->queues[queue].pending);
}

uint64_t simback_backend_housekeeping_at(const struct simback_backend *backend, uint16_t queue)
{
    if (queue >= backend->queue_count || !service_ready(&backend->queues[queue]))
        return SIMBACK_NEVER;
    return mappings_due(&backend->queues[queue]);
}
