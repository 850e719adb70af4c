/* SPDX-License-Identifier: ISC */
/*
 * I2: to the caller each request completes exactly once, and with success only on a matching
 * response. This file keeps the book of what is on each ring, and finds which request of the
 * application a ring request is a part of; what the statuses mean is oracle_status.c's.
 *
 * Nobody tells which request a part belongs to. It is the first one submitted, of the same queue
 * and kind, that covers the part's units and is not wholly on a ring; requests wait in order, so
 * this is the truth unless a frontend overtakes itself with equal requests. Where the data does not
 * tell them apart (oracle_evidence.c) they are marked as ambiguous and judged by what is certain.
 */
#include "oracle_requeue.h"
#include "oracle_served.h"

enum { LOOK_BEYOND = 64 }; /* requests that are looked at for an ambiguity */

/* ---- the book of a ring ---- */

static uint32_t bucket(const struct oracle_ring *ring, uint64_t id)
{
    return (uint32_t)(id * UINT64_C(0x9e3779b97f4a7c15) >> 40) & (ring->room - 1);
}

/* 1 + the index of the part in flight with this id; 0: none. */
static uint32_t index_of(const struct oracle_ring *ring, uint64_t id)
{
    uint32_t at = ring->room == 0 ? 0 : ring->buckets[bucket(ring, id)];

    while (at != 0 && ring->parts[at - 1].id != id)
        at = ring->parts[at - 1].next;
    return at;
}

struct oracle_part *correlation_find(const struct oracle_ring *ring, uint64_t id)
{
    uint32_t at = index_of(ring, id);

    return at == 0 ? NULL : &ring->parts[at - 1];
}

static struct oracle_part *book_add(struct oracle_ring *ring, uint64_t id)
{
    uint32_t at = ring->free_part, *head;
    struct oracle_part *part;

    if (at == 0)
        return NULL;
    part = &ring->parts[at - 1];
    ring->free_part = part->next;
    head = &ring->buckets[bucket(ring, id)];
    *part = (struct oracle_part){.id = id, .next = *head};
    *head = at;
    ring->in_flight++;
    return part;
}

static void book_remove(struct oracle_ring *ring, const struct oracle_part *part)
{
    uint32_t at = (uint32_t)(part - ring->parts) + 1;
    uint32_t *link = &ring->buckets[bucket(ring, part->id)];

    while (*link != at)
        link = &ring->parts[*link - 1].next;
    *link = part->next;
    ring->parts[at - 1].next = ring->free_part;
    ring->parts[at - 1].request = NULL;
    ring->free_part = at;
    ring->in_flight--;
}

static bool make_room(struct oracle *oracle, struct oracle_ring *ring)
{
    uint32_t slots = ring->view->slots;

    if (ring->room == slots)
        return true;
    if (ring->room != 0) {
        simback_free(oracle->world, ring->parts, ring->room * sizeof(ring->parts[0]));
        simback_free(oracle->world, ring->buckets, ring->room * sizeof(ring->buckets[0]));
        simback_free(oracle->world, ring->slots, ring->room * sizeof(ring->slots[0]));
        simback_free(oracle->world, ring->answers, ring->room * sizeof(ring->answers[0]));
    }
    ring->room = 0;
    ring->parts = simback_allocate(oracle->world, slots * sizeof(ring->parts[0]));
    ring->buckets = simback_allocate(oracle->world, slots * sizeof(ring->buckets[0]));
    ring->slots = simback_allocate(oracle->world, slots * sizeof(ring->slots[0]));
    ring->answers = simback_allocate(oracle->world, slots * sizeof(ring->answers[0]));
    if (ring->parts == NULL || ring->buckets == NULL || ring->slots == NULL ||
        ring->answers == NULL) {
        oracle->no_memory = true;
        return false;
    }
    ring->room = slots;
    return true;
}

/* For INDIRECT the inner operation, or 6 (tolerated). */
static bool operation_matches(const struct oracle_part *part,
                              const struct oracle_response *response)
{
    return response->operation == part->operation || response->operation == part->inner;
}

void correlation_attach(struct oracle *oracle, struct oracle_device *device,
                        struct oracle_ring *ring)
{
    (void)device;
    ring->in_flight = 0;
    ring->free_part = 0;
    ring->untracked = ring->unanswerable = ring->mistaken = false;
    if (!make_room(oracle, ring))
        return;
    for (uint32_t i = ring->room; i > 0; i--) {
        ring->buckets[i - 1] = 0;
        ring->parts[i - 1] = (struct oracle_part){.next = ring->free_part};
        ring->free_part = i;
    }
}

bool correlation_answers(const struct oracle_ring *ring, const struct oracle_response *response)
{
    const struct oracle_part *part = correlation_find(ring, response->id);

    return part != NULL && operation_matches(part, response);
}

void correlation_late(struct oracle *oracle, struct oracle_device *device, struct oracle_ring *ring,
                      const struct oracle_response *response)
{
    const struct oracle_part *part = correlation_find(ring, response->id);

    if (part == NULL || part->request == NULL || !operation_matches(part, response))
        return;
    if (response->status == BLKIF_WIRE_OKAY) {
        if (part->cut && !oracle_is_fua(part->request)) /* that one is written again (I16) */
            data_lost(oracle, device, part->request, part->first_512, part->count_512, true);
        part->request->late_oks++;
        part->request->late_512 += part->count_512;
    } else {
        part->request->late_error = response->status;
    }
}

/* What was answered is done, and what of it was not durable is gone. */
void correlation_power_cut(const struct oracle *oracle, const struct oracle_device *device)
{
    const uint16_t queues = oracle->world->monitor->queues[device->number];

    for (uint16_t queue = 0; queue < queues; queue++) {
        struct oracle_ring *ring = device->rings[queue];

        for (uint32_t i = 0; ring != NULL && i < ring->room; i++)
            ring->parts[i].cut = ring->parts[i].answered;
    }
}

/* What was on the ring comes back no more: its requests may be issued again on another (I15), or
 * answers that were published in time may be taken as the last thing that is done with it. */
void correlation_detach(struct oracle *oracle, struct oracle_device *device,
                        struct oracle_ring *ring)
{
    answers_late(oracle, device, ring);
    /* What was put behind somebody else's req_prod is not in the book. */
    for (struct oracle_request *at = device->first; ring->req_prod_foreign && at != NULL;
         at = at->next)
        oracle_make_ambiguous(device, at);
    for (uint32_t i = 0; i < ring->room; i++) {
        struct oracle_part *part = &ring->parts[i];
        struct oracle_request *request = part->request;

        if (request == NULL)
            continue;
        part->request = NULL;
        request->in_flight--;
        request->issued_512 -= part->count_512;
        if (request->next_512 > part->first_512)
            request->next_512 = part->first_512;
        oracle_request_wait(device, request);
    }
    ring->in_flight = 0;
}

/* ---- which request a part belongs to ---- */

/* The ring of the request's queue; another one where that has none, because the device has
 * connected again with fewer, or had none since the request came and has one again: what was handed
 * over meanwhile stays where it is. */
static bool may_carry(const struct oracle_device *device, const struct oracle_request *request,
                      const struct oracle_ring *ring)
{
    const struct oracle_ring *own = oracle_ring_get(device, request->queue);

    return own == ring || own == NULL || !own->attached ||
           (own->missed != 0 && own->missed >= request->born);
}

/* Nothing is told of what goes as far as somebody else has moved req_prod already; of one that
 * tells an observer it is known whether anything has gone since. */
static bool may_have_unseen(const struct oracle_ring *ring)
{
    return ring->observed ? ring->untracked : ring->req_prod_foreign;
}

bool correlation_may_go_unseen(const struct oracle *oracle, const struct oracle_device *device,
                               const struct oracle_request *request)
{
    const uint16_t queues = oracle->world->monitor->queues[device->number];

    for (uint16_t queue = 0; queue < queues; queue++) {
        const struct oracle_ring *ring = device->rings[queue];

        if (ring != NULL && may_have_unseen(ring) && may_carry(device, request, ring))
            return true;
    }
    return false;
}

static bool is_flush(const struct oracle_wire *wire)
{
    return wire->inner == BLKIF_WIRE_FLUSH_DISKCACHE ||
           (wire->inner == BLKIF_WIRE_WRITE_BARRIER && wire->count_512 == 0);
}

/* A secure discard is another promise than a plain one, and no other flag is known. */
static bool same_discard(const struct oracle_request *request, const struct oracle_wire *wire)
{
    uint8_t flag = (request->flags & BLKFRONT_SECURE) != 0 ? BLKIF_WIRE_DISCARD_SECURE : 0;

    return request->operation == BLKFRONT_DISCARD && wire->slot[1] == flag;
}

static bool same_kind(const struct oracle_request *request, const struct oracle_wire *wire)
{
    switch (wire->inner) {
    case BLKIF_WIRE_READ: return request->operation == BLKFRONT_READ;
    case BLKIF_WIRE_WRITE: return request->operation == BLKFRONT_WRITE;
    case BLKIF_WIRE_WRITE_BARRIER:
        return request->operation == (is_flush(wire) ? BLKFRONT_FLUSH : BLKFRONT_WRITE);
    case BLKIF_WIRE_FLUSH_DISKCACHE: return request->operation == BLKFRONT_FLUSH;
    case BLKIF_WIRE_DISCARD: return same_discard(request, wire);
    default: return false;
    }
}

static bool begins_in(const struct oracle_request *request, const struct oracle_wire *wire)
{
    return wire->sector_512 >= request->first_512 &&
           wire->sector_512 - request->first_512 < request->count_512;
}

static bool wants(const struct oracle_request *request, const struct oracle_put *put)
{
    const struct oracle_wire *wire = &put->wire;

    if (!may_carry(put->device, request, put->ring) || !same_kind(request, wire))
        return false;
    if (is_flush(wire))
        return true;
    return wire->count_512 != 0 && begins_in(request, wire) &&
           wire->count_512 <= request->count_512 - (wire->sector_512 - request->first_512) &&
           wire->count_512 <= request->count_512 - request->issued_512 +
                                  requeue_may_repeat(request, wire->sector_512, wire->count_512);
}

/* The one of the ring's own queue comes before one that came from another, and the one whose next
 * part this is before one that merely covers it. */
static bool is_likelier(const struct oracle_put *put, const struct oracle_request *request,
                        const struct oracle_request *than)
{
    const uint16_t queue = put->ring->view->queue;

    if ((request->queue == queue) != (than->queue == queue))
        return request->queue == queue;
    return than->next_512 != put->wire.sector_512 && request->next_512 == put->wire.sector_512;
}

/* Of two that ask for the same the one may have been taken for the other: then this may be a part
 * of one that has all of its parts in the book. */
static bool may_be_of_an_ambiguous_one(const struct oracle_put *put,
                                       const struct oracle_request *besides)
{
    const struct oracle_wire *wire = &put->wire;
    const struct oracle_request *at = put->device->ambiguous == 0 ? NULL : put->device->first;

    for (; at != NULL; at = at->next) {
        if (at == besides || !at->ambiguous || !may_carry(put->device, at, put->ring) ||
            !same_kind(at, wire))
            continue;
        if (is_flush(wire) ||
            (begins_in(at, wire) &&
             wire->count_512 <= at->count_512 - (wire->sector_512 - at->first_512)))
            return true;
    }
    return false;
}

/* The likelier one of two that both want it. */
static struct oracle_request *choose(const struct oracle_put *put, struct oracle_request *found,
                                     struct oracle_request *other)
{
    const enum evidence mine = evidence_of(put, found), theirs = evidence_of(put, other);

    if (mine != theirs)
        return theirs > mine ? other : found;
    oracle_make_ambiguous(put->device, found);
    oracle_make_ambiguous(put->device, other);
    return is_likelier(put, other, found) ? other : found;
}

/* It is all that one of the ring's own queue waits for, which cannot be with another queue: of
 * others that wait for the same it is enough to see some. */
static bool is_the_rest(const struct oracle_put *put, const struct oracle_request *found)
{
    const struct oracle_ring *ring = put->ring;

    return found->queue == ring->view->queue && (ring->missed == 0 || ring->missed < found->born) &&
           put->wire.count_512 == found->count_512 - found->issued_512;
}

static struct oracle_request *owner(struct oracle_put *put)
{
    struct oracle_request *found = NULL;
    unsigned beyond = 0;

    for (struct oracle_request *at = put->device->wait_first; at != NULL; at = at->wait_next) {
        if (found != NULL && beyond++ >= LOOK_BEYOND && is_the_rest(put, found))
            break;
        if (wants(at, put))
            found = found == NULL ? at : choose(put, found, at);
    }
    if (found != NULL && may_be_of_an_ambiguous_one(put, found) &&
        evidence_of(put, found) != EVIDENCE_PROOF)
        oracle_make_ambiguous(put->device, found);
    return found;
}

/* The oldest write with FUA that is written and needs its flush; where there is none, one that may
 * be, by answers that the frontend may not have seen. */
static struct oracle_request *fua_to_flush(const struct oracle_put *put)
{
    struct oracle_request *late = NULL;

    for (struct oracle_request *at = put->device->first; at != NULL; at = at->next) {
        if (!oracle_is_fua(at) || at->in_flight != 0 || at->count_512 == 0 ||
            !may_carry(put->device, at, put->ring))
            continue;
        if (at->ok_512 >= at->count_512)
            return at;
        if (late == NULL && at->ok_512 + at->late_512 >= at->count_512)
            late = at;
    }
    return late;
}

/* Where both wait for one it is the older one's, most likely. */
static struct oracle_request *flush_or_fua(const struct oracle_put *put,
                                           struct oracle_request *flush, struct oracle_request *fua)
{
    if (flush == NULL || fua == NULL)
        return flush == NULL ? fua : flush;
    oracle_make_ambiguous(put->device, flush);
    oracle_make_ambiguous(put->device, fua);
    return fua->submitted < flush->submitted ? fua : flush;
}

/* A flush that the frontend needs for itself, after a write with FUA. */
static bool may_flush_for_itself(const struct oracle_device *device)
{
    for (const struct oracle_request *at = device->first; at != NULL; at = at->next) {
        if (at->operation == BLKFRONT_WRITE && (at->flags & BLKFRONT_FUA) != 0)
            return true;
    }
    return false;
}

/* The ring has as many places as the book; a frontend that goes on without reading its answers
 * takes more. */
static void not_in_the_book(struct oracle_put *put, const struct oracle_request *request)
{
    put->ring->untracked = true;
    oracle_broken(put->oracle, 2, put->device, request == NULL ? 0 : request->number,
                  "ring request %u lies over a response that was never read", put->index);
}

void correlation_put(struct oracle_put *put)
{
    struct oracle_ring *ring = put->ring;
    const struct oracle_wire *wire = &put->wire;
    struct oracle_request *request = owner(put);
    struct oracle_part *part;

    oracle_checked(put->oracle, 2);
    if (index_of(ring, wire->id) != 0)
        oracle_broken(put->oracle, 2, put->device, request == NULL ? 0 : request->number,
                      "ring request %u has id %#llx, which another one in flight has too",
                      put->index, (unsigned long long)wire->id);
    part = book_add(ring, wire->id);
    put->part = part;
    if (part == NULL) {
        not_in_the_book(put, request);
        return;
    }
    part->operation = wire->operation;
    part->inner = wire->inner;
    part->index = put->index;
    part->first_512 = wire->sector_512;
    part->count_512 = is_flush(wire) ? 0 : wire->count_512;
    if (is_flush(wire))
        request = flush_or_fua(put, request, fua_to_flush(put));
    if (request == NULL)
        return;
    requeue_put(put, request, part->count_512);
    requeue_repeats(put->oracle, request, part->first_512, part->count_512);
    part->request = request;
    part->number = request->number;
    request->in_flight++;
    request->parts++;
    if (request->connection != put->device->connection)
        request->unsupported = 0; /* by the former backend (I8) */
    request->connection = put->device->connection;
    request->issued_512 += part->count_512;
    request->next_512 = part->first_512 + part->count_512;
    if (request->operation == BLKFRONT_FLUSH ||
        (request->issued_512 == request->count_512 && request->former == NULL))
        oracle_request_wait_no_more(put->device, request);
}

void correlation_step(struct oracle_ring *ring)
{
    ring->mistaken |= ring->unanswerable;
    ring->unanswerable = false;
}

/* Whoever goes on with a ring on which a response has answered nothing has passed that over, and
 * with it what it was meant for. When it was taken is certain where the frontend is observed. */
static void judge_mistaken(const struct oracle_put *put)
{
    const struct oracle_ring *ring = put->ring;

    if (ring->mistaken && ring->observed && !ring->untracked && !ring->req_prod_foreign)
        oracle_should(put->oracle, 2, put->device, put->part == NULL ? 0 : put->part->number,
                      "ring request %u follows a response that answers nothing: it was passed over",
                      put->index);
}

/* The request that it would be a part of if it were not so long (I9). */
static const struct oracle_request *too_short_for(const struct oracle_put *put)
{
    for (const struct oracle_request *at = put->device->wait_first; at != NULL;
         at = at->wait_next) {
        if (may_carry(put->device, at, put->ring) && same_kind(at, &put->wire) &&
            begins_in(at, &put->wire))
            return at;
    }
    return NULL;
}

void correlation_judge(const struct oracle_put *put)
{
    const struct oracle_wire *wire = &put->wire;
    const struct oracle_request *request;

    judge_mistaken(put);
    /* What was put and then given up in one step is told of when it is over. A guest's application
     * does not tell what it asks for. */
    if (put->part == NULL || put->part->request != NULL || put->device->failed_now != 0 ||
        put->oracle->world->options.served)
        return;
    if (is_flush(wire) && may_flush_for_itself(put->device))
        return;
    if (may_be_of_an_ambiguous_one(put, NULL))
        return;
    request = too_short_for(put);
    if (request != NULL)
        oracle_broken(put->oracle, 9, put->device, request->number,
                      "ring request %u covers units %llu+%llu, but only %llu of its %llu units are "
                      "not on the ring",
                      put->index, (unsigned long long)wire->sector_512,
                      (unsigned long long)wire->count_512,
                      (unsigned long long)(request->count_512 - request->issued_512),
                      (unsigned long long)request->count_512);
    else
        oracle_broken(put->oracle, 2, put->device, 0,
                      "ring request %u, %s of units %llu+%llu, is no part of anything that the "
                      "application has asked for and still waits for",
                      put->index, oracle_operation_name(wire->inner),
                      (unsigned long long)wire->sector_512, (unsigned long long)wire->count_512);
}

/* ---- responses ---- */

void correlation_response(struct oracle *oracle, struct oracle_device *device,
                          struct oracle_ring *ring, const struct oracle_response *response)
{
    struct oracle_part *part = correlation_find(ring, response->id);
    struct oracle_request *request;

    oracle_checked(oracle, 2);
    /* One that matches nothing must have no effect: then nothing is booked, and whoever takes it
     * for an answer completes without one. */
    if (part == NULL || !operation_matches(part, response)) {
        ring->unanswerable = true;
        return;
    }
    request = part->request;
    if (request != NULL) {
        request->in_flight--;
        if (response->status == BLKIF_WIRE_OKAY && part->cut)
            requeue_cut(oracle, device, request, part->first_512,
                        part->first_512 + part->count_512);
        if (response->status == BLKIF_WIRE_OKAY)
            requeue_answered(oracle, request, part);
        status_response(oracle, device, request, part, response->status);
    } else if (oracle->world->options.served) {
        status_served(device, part, response->status);
    }
    book_remove(ring, part);
}

/* ---- the end of a request ---- */

/* Parts that are still on a ring belong to nobody from now on. */
void correlation_forget(struct oracle *oracle, struct oracle_device *device,
                        struct oracle_request *request)
{
    const uint16_t queues = oracle->world->monitor->queues[device->number];

    if (request->in_flight == 0)
        return;
    for (uint16_t queue = 0; queue < queues; queue++) {
        struct oracle_ring *ring = device->rings[queue];

        if (ring == NULL || !may_carry(device, request, ring))
            continue;
        for (uint32_t i = 0; i < ring->room; i++) {
            if (ring->parts[i].request == request)
                ring->parts[i].request = NULL;
        }
    }
}
