/* SPDX-License-Identifier: ISC */
/*
 * The naive frontend's ring: slots, bounced data, indices. Every access to the ring is announced,
 * as the library's are.
 */
#include <blkfront/observe.h>

#include <string.h>

#include "broken_internal.h"

/* Offsets of the four words. */
enum { REQ_PROD = 0, REQ_EVENT = 4, RSP_PROD = 8, RSP_EVENT = 12 };

static uint32_t load(const struct naive *device, size_t offset)
{
    uint32_t value;

    blkfront_observe(device->ring + offset, sizeof(value), BLKFRONT_ACCESS_LOAD);
    memcpy(&value, device->ring + offset, sizeof(value));
    return value;
}

static void store(struct naive *device, size_t offset, uint32_t value)
{
    blkfront_observe(device->ring + offset, sizeof(value), BLKFRONT_ACCESS_STORE);
    memcpy(device->ring + offset, &value, sizeof(value));
}

static size_t slot_offset(uint32_t index)
{
    return BLKIF_WIRE_RING_HEADER + (size_t)(index % RING_SLOTS) * BLKIF_WIRE_SLOT_64;
}

/* ---- open, close ---- */

static void close_port(struct naive *device)
{
    const struct blkfront_platform *platform = device->platform;

    if (device->channels == NULL || broken_fault == LEAVES_THE_PORT) {
        return;
    }
    if (device->port != 0) {
        platform->port_close(platform->context, device->channels, device->port);
    }
    platform->channels_close(platform->context, device->channels);
    device->channels = NULL;
    device->port = 0;
}

static void begin_ring(struct naive *device)
{
    device->req_prod = device->start;
    device->rsp_cons = device->start;
    store(device, REQ_PROD, device->start);
    store(device, RSP_PROD, device->start);
    store(device, REQ_EVENT, device->start + 1);
    store(device, RSP_EVENT, device->start + 1);
}

int ring_open(struct naive *device)
{
    const struct blkfront_platform *platform = device->platform;
    void *ring = NULL;
    int error =
        platform->share(platform->context, device->back_id, 1, true, &ring, &device->ring_ref);

    if (error != 0) {
        return error;
    }
    device->ring = ring;
    begin_ring(device);
    for (uint32_t i = 0; i < SLOTS && error == 0; i++) {
        error = platform->page_allocate(platform->context, SLOT_PAGES, &device->slots[i].data);
        if (error == 0 && broken_fault == GRANTS_DIRTY_PAGES) {
            memset(device->slots[i].data, 0x5a, (size_t)SLOT_PAGES * BLKIF_WIRE_PAGE_SIZE);
        }
    }
    if (error == 0) {
        error = platform->channels_open(platform->context, &device->channels);
    }
    if (error == 0) {
        error = platform->port_allocate(platform->context, device->channels, device->back_id,
                                        &device->port);
    }
    if (error != 0) {
        ring_close(device);
    }
    return error;
}

/* Ends the grants of a slot; what the backend still maps stays as it is, and the slot with it. */
static void end_grants(const struct naive *device, struct slot *slot)
{
    const struct blkfront_platform *platform = device->platform;

    while (slot->pages > 0 && broken_fault != LEAVES_GRANTS) {
        if (platform->page_revoke(platform->context, slot->refs[slot->pages - 1]) != 0) {
            slot->stuck = true;
            return;
        }
        slot->pages--;
    }
    slot->stuck = slot->pages > 0;
}

static void close_slot(const struct naive *device, struct slot *slot)
{
    end_grants(device, slot);
    if (slot->data == NULL || (slot->stuck && broken_fault != FREES_MAPPED_PAGES)) {
        return;
    }
    device->platform->page_free(device->platform->context, slot->data, SLOT_PAGES);
    slot->data = NULL;
}

void ring_close(struct naive *device)
{
    if (device->ring == NULL) {
        return;
    }
    close_port(device);
    for (uint32_t i = 0; i < SLOTS; i++) {
        close_slot(device, &device->slots[i]);
    }
    (void)device->platform->unshare(device->platform->context, device->ring, 1);
    device->ring = NULL;
}

/* ---- requests ---- */

static void copy(const struct blkfront_request *request, unsigned char *data, bool to_data)
{
    for (size_t i = 0; i < request->buffer_count; i++) {
        const struct blkfront_buffer *buffer = &request->buffers[i];

        if (to_data) {
            memcpy(data, buffer->address, buffer->size);
        } else {
            memcpy(buffer->address, data, buffer->size);
        }
        data += buffer->size;
    }
}

static size_t size_of(const struct blkfront_request *request)
{
    size_t size = 0;

    for (size_t i = 0; i < request->buffer_count; i++) {
        size += request->buffers[i].size;
    }
    return size;
}

static struct slot *free_slot(struct naive *device)
{
    uint32_t in_flight = device->req_prod - device->rsp_cons;

    if (broken_fault == COUNTS_WITHOUT_WRAP && device->req_prod < device->rsp_cons) {
        in_flight = 0;
    }
    if (in_flight >= RING_SLOTS) {
        return NULL;
    }
    for (uint32_t i = 0; i < SLOTS; i++) {
        if (device->slots[i].request == NULL && !device->slots[i].stuck) {
            return &device->slots[i];
        }
    }
    return NULL;
}

/* Grants the pages and fills the wire's form; false: no grant. */
static bool make_wire(const struct naive *device, struct slot *slot,
                      struct blkif_wire_request_64 *wire)
{
    const struct blkfront_platform *platform = device->platform;
    const struct blkfront_request *request = slot->request;
    uint16_t domid = (uint16_t)(device->back_id + (broken_fault == GRANTS_TO_NOBODY));
    size_t left = size_of(request), at = 0;

    wire->operation = slot->op;
    wire->id = (uint64_t)(slot - device->slots);
    wire->sector_512 = request->sector;
    while (left > 0) {
        size_t part = left < BLKIF_WIRE_PAGE_SIZE ? left : BLKIF_WIRE_PAGE_SIZE;
        struct blkif_wire_segment *segment = &wire->segments[wire->segment_count];

        if (platform->page_grant(platform->context, domid, (unsigned char *)slot->data + at,
                                 slot->op == BLKIF_WIRE_READ, &slot->refs[slot->pages]) != 0) {
            return false;
        }
        segment->grant_ref = slot->refs[slot->pages++];
        segment->last_512 =
            broken_fault == WHOLE_PAGES_ALWAYS ? 7 : (uint8_t)(part / BLKIF_WIRE_UNIT - 1);
        segment->padding = broken_fault == LEAVES_THE_PADDING ? 0x5a : 0;
        wire->segment_count++;
        at += part;
        left -= part;
    }
    return true;
}

static bool should_notify(const struct naive *device, uint32_t old)
{
    uint32_t event;

    if (broken_fault != LOOKS_WITHOUT_A_FENCE) {
        blkfront_observe(NULL, 0, BLKFRONT_ACCESS_FENCE);
    }
    event = load(device, REQ_EVENT);
    if (broken_fault == NEVER_NOTIFIES || broken_fault == NOTIFIES_ALWAYS) {
        return broken_fault == NOTIFIES_ALWAYS;
    }
    return device->req_prod - event < device->req_prod - old;
}

static void publish(struct naive *device)
{
    uint32_t old = device->req_prod++;

    store(device, REQ_PROD, device->req_prod);
    if (should_notify(device, old)) {
        device->platform->port_notify(device->platform->context, device->channels, device->port);
    }
}

/* False: it has to wait. */
static bool put(struct naive *device, struct blkfront_request *request)
{
    static const uint8_t ops[] = {BLKIF_WIRE_READ, BLKIF_WIRE_WRITE, BLKIF_WIRE_FLUSH_DISKCACHE};
    struct slot *slot = free_slot(device);
    struct blkif_wire_request_64 wire;
    size_t offset = slot_offset(device->req_prod);

    if (slot == NULL) {
        return false;
    }
    memset(&wire, 0, sizeof(wire));
    slot->request = request;
    slot->op = ops[request->operation];
    if (slot->op == BLKIF_WIRE_WRITE) {
        copy(request, slot->data, true);
    } else if (broken_fault == COPIES_TOO_EARLY) {
        copy(request, slot->data, false);
    }
    if (!make_wire(device, slot, &wire)) {
        end_grants(device, slot);
        slot->request = NULL;
        return false;
    }
    blkfront_observe(device->ring + offset, sizeof(wire), BLKFRONT_ACCESS_STORE);
    memcpy(device->ring + offset, &wire, sizeof(wire));
    publish(device);
    if (broken_fault == MAKES_THE_BACKEND_DISHONEST) {
        backend_will_lie();
    }
    if (broken_fault == COMPLETES_UNASKED && slot->op == BLKIF_WIRE_WRITE) {
        slot->request = NULL;
        request->complete(request, BLKFRONT_OK);
    }
    return true;
}

static bool is_drain(const struct naive *device, const struct blkfront_request *request)
{
    return request->operation == BLKFRONT_FLUSH && device->drains &&
           broken_fault != FLUSHES_FOR_EVER;
}

static bool is_idle(const struct naive *device)
{
    for (unsigned i = 0; i < SLOTS; i++) {
        if (device->slots[i].request != NULL) {
            return false;
        }
    }
    return true;
}

/* In order; one that asks for nothing is done in its turn, from a poll. */
static void put_waiting(struct naive *device, bool in_poll)
{
    while (device->waiting != NULL && device->state == BLKFRONT_CONNECTED) {
        struct blkfront_request *request = device->waiting;
        bool drain = is_drain(device, request);
        bool nothing = drain || (request->operation != BLKFRONT_FLUSH && size_of(request) == 0);

        if (nothing ? !in_poll || (drain && !is_idle(device)) : !put(device, request)) {
            return;
        }
        device->waiting = request->internal.next;
        if (device->waiting == NULL) {
            device->waiting_last = NULL;
        }
        if (nothing) {
            request->complete(request, BLKFRONT_OK);
        }
    }
}

/* What needs no ring, or must not get there; BLKFRONT_OK: put it. */
static int admit(const struct naive *device, const struct blkfront_request *request)
{
    size_t size = size_of(request);
    uint64_t sectors = size / BLKIF_WIRE_UNIT;

    if (request->flags != 0 && broken_fault != IGNORES_FUA) {
        return BLKFRONT_UNIMPLEMENTED;
    }
    if (request->operation == BLKFRONT_FLUSH) {
        bool may = device->flush_offered && !device->flush_off;

        return may || device->drains || broken_fault == FLUSHES_FOR_EVER ? BLKFRONT_OK
                                                                         : BLKFRONT_UNIMPLEMENTED;
    }
    if (size % BLKIF_WIRE_UNIT != 0 || size > (size_t)SLOT_PAGES * BLKIF_WIRE_PAGE_SIZE) {
        return BLKFRONT_INVALID;
    }
    if ((request->sector > device->size_512 || sectors > device->size_512 - request->sector) &&
        broken_fault != GOES_BEYOND_THE_DISK) {
        return BLKFRONT_OUT_OF_RANGE;
    }
    if (request->operation == BLKFRONT_WRITE && (device->info & BLKIF_WIRE_INFO_READONLY) != 0 &&
        broken_fault != IGNORES_READ_ONLY) {
        return BLKFRONT_READ_ONLY;
    }
    return BLKFRONT_OK;
}

int ring_submit(struct naive *device, struct blkfront_request *request)
{
    int result = admit(device, request);

    if (result != BLKFRONT_OK) {
        return result;
    }
    request->internal.next = NULL;
    if (device->waiting_last != NULL) {
        device->waiting_last->internal.next = request;
    } else {
        device->waiting = request;
    }
    device->waiting_last = request;
    put_waiting(device, false);
    return BLKFRONT_OK;
}

/* ---- responses ---- */

static int result_of(struct naive *device, const struct slot *slot,
                     const struct blkif_wire_response_64 *response)
{
    bool is_flush = slot->op == BLKIF_WIRE_FLUSH_DISKCACHE;

    if (broken_fault == IGNORES_STATUS || response->status == BLKIF_WIRE_OKAY) {
        device->flush_worked |= is_flush;
        return BLKFRONT_OK;
    }
    /* Some backends say ERROR to what they do not know. */
    device->flush_off |=
        is_flush && (response->status == BLKIF_WIRE_EOPNOTSUPP || !device->flush_worked);
    return response->status == BLKIF_WIRE_EOPNOTSUPP ? BLKFRONT_UNIMPLEMENTED : BLKFRONT_IO_ERROR;
}

static void finish(struct naive *device, struct slot *slot, int result)
{
    struct blkfront_request *request = slot->request;

    slot->request = NULL;
    if (request == NULL || (broken_fault == FORGETS_READS && slot->op == BLKIF_WIRE_READ)) {
        end_grants(device, slot);
        return;
    }
    if (slot->op == BLKIF_WIRE_READ && result == BLKFRONT_OK &&
        broken_fault != LEAVES_DATA_BEHIND && broken_fault != COPIES_TOO_EARLY) {
        copy(request, slot->data, false);
    }
    if (slot->op == BLKIF_WIRE_READ && broken_fault == WRITES_BESIDE_THE_BUFFER) {
        ((unsigned char *)request->buffers[0].address)[request->buffers[0].size] = 0;
    }
    end_grants(device, slot);
    request->complete(request, result);
    if (broken_fault == COMPLETES_TWICE) {
        request->complete(request, result);
    }
}

static void read_slot(const struct naive *device, uint32_t index,
                      struct blkif_wire_response_64 *response)
{
    size_t offset = slot_offset(index);

    blkfront_observe(device->ring + offset, sizeof(*response), BLKFRONT_ACCESS_LOAD);
    memcpy(response, device->ring + offset, sizeof(*response));
}

/* False: the backend broke the protocol. */
static bool take(struct naive *device, uint32_t index)
{
    struct blkif_wire_response_64 response;
    struct slot *slot;

    read_slot(device, index, &response);
    if (broken_fault == LOADS_A_SLOT_TWICE) {
        read_slot(device, index, &response);
    }
    if (broken_fault == TAKES_ANY_ID) {
        response.id %= SLOTS;
        while (device->slots[response.id].request == NULL && response.id != 0) {
            response.id--;
        }
    }
    slot = response.id < SLOTS ? &device->slots[response.id] : NULL;
    if (broken_fault == COMPLETES_UNASKED && slot != NULL && slot->request == NULL) {
        end_grants(device, slot);
        return true;
    }
    if (slot == NULL || slot->request == NULL) {
        life_violated(device, "response id not in flight");
        return false;
    }
    if (response.operation != slot->op && broken_fault != TAKES_ANY_ID) {
        life_violated(device, "response to another operation");
        return false;
    }
    finish(device, slot, result_of(device, slot, &response));
    return true;
}

static bool consume(struct naive *device)
{
    uint32_t rsp_prod = load(device, RSP_PROD);

    if (broken_fault == LOADS_RSP_PROD_TWICE) {
        rsp_prod = load(device, RSP_PROD);
    }
    if (rsp_prod - device->rsp_cons > device->req_prod - device->rsp_cons) {
        if (broken_fault != NO_OVERFLOW_CHECK) {
            life_violated(device, "response index too far");
            return false;
        }
        device->rsp_cons = rsp_prod;
    }
    while (device->rsp_cons != rsp_prod) {
        if (!take(device, device->rsp_cons)) {
            return false;
        }
        device->rsp_cons++;
    }
    store(device, RSP_EVENT, device->rsp_cons + 1);
    if (broken_fault == SLEEPS_WITHOUT_A_LOOK) {
        return false;
    }
    blkfront_observe(NULL, 0, BLKFRONT_ACCESS_FENCE);
    return load(device, RSP_PROD) != device->rsp_cons;
}

int ring_poll(struct naive *device)
{
    const struct blkfront_platform *platform = device->platform;
    uint32_t port;
    bool fired = false;

    if (device->ring == NULL || device->own != BLKIF_WIRE_CONNECTED ||
        device->state == BLKFRONT_DISCONNECTING) {
        return broken_fault == NEVER_RESTS && device->ring != NULL;
    }
    while (platform->port_pending(platform->context, device->channels, &port) > 0) {
        platform->port_unmask(platform->context, device->channels, port);
        fired = true;
    }
    while (fired && consume(device)) {}
    put_waiting(device, true);
    return broken_fault == NEVER_RESTS;
}

void ring_end_requests(struct naive *device, int result)
{
    for (uint32_t i = 0; i < SLOTS; i++) {
        struct blkfront_request *request = device->slots[i].request;

        device->slots[i].request = NULL;
        if (request != NULL) {
            request->complete(request, result);
        }
    }
    while (device->waiting != NULL) {
        struct blkfront_request *request = device->waiting;

        device->waiting = request->internal.next;
        request->complete(request, result);
    }
    device->waiting_last = NULL;
}
