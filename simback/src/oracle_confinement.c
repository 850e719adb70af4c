/* SPDX-License-Identifier: ISC */
/*
 * I6: what a backend can see. A page that carries copied data holds, beside the data of its
 * request, only zeros and what this backend was given or wrote before on this connection; without
 * trust, zeros alone. The caller's own pages are granted only where they are the library's or
 * registered, and never without trust. What means nothing in a slot or a fresh ring is zero.
 */
#include "oracle_internal.h"

#include <string.h>

enum { UNITS = BLKIF_WIRE_UNITS_PER_PAGE, UNIT = BLKIF_WIRE_UNIT, CHUNK = 256, CHUNKS = 512 };

/* What a page held when the backend saw it last. */
struct note {
    uint64_t connection; /* 0: never shown to a backend */
    uint64_t hash[UNITS];
};

struct oracle_notes {
    struct note *chunks[CHUNKS];
};

bool confinement_create(struct oracle *oracle)
{
    oracle->notes = simback_allocate(oracle->world, sizeof(*oracle->notes));
    return oracle->notes != NULL;
}

static struct note *note_find(const struct oracle *oracle, uint32_t page)
{
    struct note *chunk = page / CHUNK < CHUNKS ? oracle->notes->chunks[page / CHUNK] : NULL;

    return chunk == NULL ? NULL : &chunk[page % CHUNK];
}

static struct note *note_make(struct oracle *oracle, uint32_t page)
{
    struct note **chunk;

    if (page / CHUNK >= CHUNKS)
        return NULL;
    chunk = &oracle->notes->chunks[page / CHUNK];
    if (*chunk == NULL)
        *chunk = simback_allocate(oracle->world, CHUNK * sizeof(struct note));
    if (*chunk == NULL) {
        oracle->no_memory = true;
        return NULL;
    }
    return &(*chunk)[page % CHUNK];
}

static const uint8_t *bytes_of(const struct oracle *oracle, uint32_t page)
{
    return simback_page_address(oracle->world, page);
}

/* Equal to itself one byte on, and the first byte is zero: all are. */
static bool is_zero(const uint8_t *bytes, size_t size)
{
    return size == 0 || (bytes[0] == 0 && memcmp(bytes, bytes + 1, size - 1) == 0);
}

/* Zeros may always be there, so what they hash to is never asked for. */
static void remember(struct oracle *oracle, struct note *note, uint32_t page, uint64_t connection)
{
    const uint8_t *bytes = bytes_of(oracle, page);

    note->connection = connection;
    for (unsigned unit = 0; unit < UNITS; unit++, bytes += UNIT)
        note->hash[unit] = is_zero(bytes, UNIT) ? 0 : hash_xxh64(bytes, UNIT, 0);
}

/* The backend lets go of a page: what it wrote there is its own. A page that is freed is a new one
 * when it comes again. */
void confinement_event(struct oracle *oracle, const struct simback_event *event)
{
    struct note *note;

    if (event->kind == SIMBACK_UNMAP) {
        note = note_find(oracle, (uint32_t)event->b);
        if (note != NULL && note->connection != 0)
            remember(oracle, note, (uint32_t)event->b, note->connection);
    } else if (event->kind == SIMBACK_PAGE_FREE) {
        for (uint64_t page = event->a; page < event->a + event->b; page++) {
            note = note_find(oracle, (uint32_t)page);
            if (note != NULL)
                note->connection = 0;
        }
    }
}

void confinement_attach(struct oracle *oracle, struct oracle_device *device,
                        const struct oracle_ring *ring)
{
    const struct monitor_ring *view = ring->view;
    char trusted[2];
    size_t length;

    device->untrusted = monitor_peek(oracle->world, oracle_who(oracle, device)->front,
                                     BLKIF_NODE_TRUSTED, trusted, sizeof(trusted), &length) &&
                        length == 1 && trusted[0] == '0';
    oracle_checked(oracle, 6);
    for (uint32_t page = 0; page < view->pages; page++) {
        uint32_t words = page == 0 ? MONITOR_WORDS * sizeof(uint32_t) : 0;

        if (is_zero(view->address[page] + words, WORLD_PAGE_SIZE - words))
            continue;
        oracle_broken(oracle, 6, device, 0,
                      "page %u of the ring of queue %u is shown with something in it", page,
                      view->queue);
        return;
    }
}

/* ---- a slot ---- */

/* Where the fields of a request end, beside its segments; `used` marks the bytes that mean
 * something. */
static void mark(bool used[BLKIF_WIRE_SLOT_64], uint32_t from, uint32_t count)
{
    for (uint32_t i = from; i < from + count && i < BLKIF_WIRE_SLOT_64; i++)
        used[i] = true;
}

static void mark_tail(const struct oracle_wire *wire, bool used[BLKIF_WIRE_SLOT_64], uint32_t tail)
{
    uint32_t pages = ((uint32_t)wire->segment_count + BLKIF_WIRE_SEGMENTS_PER_PAGE - 1) /
                     BLKIF_WIRE_SEGMENTS_PER_PAGE;

    if (wire->operation == BLKIF_WIRE_DISCARD) {
        mark(used, tail, 8);
    } else if (wire->operation == BLKIF_WIRE_INDIRECT) {
        mark(used, tail, 2);
        mark(used, tail + 4, 4 * pages);
    } else {
        for (uint32_t i = 0; i < wire->segment_count; i++)
            mark(used, tail + 8 * i, 6);
    }
}

static void judge_slot(struct oracle_put *put, uint64_t number)
{
    const struct oracle_wire *wire = &put->wire;
    uint32_t head = put->ring->view->abi_32 ? 4 : 8;
    bool used[BLKIF_WIRE_SLOT_64] = {false};

    mark(used, 0, 4); /* operation, its companion, handle or count */
    mark(used, head, 16);
    mark_tail(wire, used, head + 16);
    for (uint32_t i = 0; i < put->ring->view->slot_size; i++) {
        if (used[i] || wire->slot[i] == 0)
            continue;
        oracle_broken(put->oracle, 6, put->device, number,
                      "byte %u of the slot of ring request %u means nothing and is %#x", i,
                      put->index, wire->slot[i]);
        return;
    }
}

/* ---- a page ---- */

/* The caller's buffer that the first byte of the data lies in; NULL: it is copied data. */
static const struct blkfront_buffer *buffer_at(const struct oracle_request *request,
                                               const uint8_t *data)
{
    for (size_t i = 0; request != NULL && i < request->buffer_count; i++) {
        uintptr_t begin = (uintptr_t)request->buffers[i].address;

        if ((uintptr_t)data >= begin && (uintptr_t)data - begin < request->buffers[i].size)
            return &request->buffers[i];
    }
    return NULL;
}

/* The same where it may be another one's that asks for the same sectors: then the book may have no
 * request left for it at all. */
static const struct blkfront_buffer *buffer_of_any(const struct oracle_put *put,
                                                   const struct oracle_request *request,
                                                   const uint8_t *data)
{
    const struct blkfront_buffer *buffer = buffer_at(request, data);

    if (request != NULL && !request->ambiguous)
        return buffer;
    for (const struct oracle_request *at = put->device->first; buffer == NULL && at != NULL;
         at = at->next) {
        if (at->ambiguous)
            buffer = buffer_at(at, data);
    }
    return buffer;
}

static void judge_direct(struct oracle_put *put, const struct blkfront_buffer *buffer,
                         uint64_t number, uint32_t ref)
{
    if (buffer->memory == NULL)
        oracle_broken(put->oracle, 6, put->device, number,
                      "grant %u is a page of the caller's that it never gave to the library", ref);
    else if (put->device->untrusted)
        oracle_broken(put->oracle, 6, put->device, number,
                      "grant %u is a page of the caller's, and the backend is not trusted", ref);
}

/* Units from_unit to to_unit are the request's own. */
static void judge_copied(struct oracle_put *put, uint32_t page, uint64_t number, unsigned from_unit,
                         unsigned to_unit)
{
    struct oracle *oracle = put->oracle;
    struct note *note = note_make(oracle, page);
    const uint8_t *bytes = bytes_of(oracle, page);
    bool known;

    if (note == NULL)
        return;
    known = note->connection == put->ring->view->connection && !put->device->untrusted;
    for (unsigned unit = 0; unit < UNITS; unit++) {
        if (unit >= from_unit && unit <= to_unit)
            continue;
        if (is_zero(bytes + (size_t)unit * UNIT, UNIT) ||
            (known && hash_xxh64(bytes + (size_t)unit * UNIT, UNIT, 0) == note->hash[unit]))
            continue;
        oracle_broken(oracle, 6, put->device, number,
                      "unit %u of page %u, which ring request %u shows to the backend, holds what "
                      "that was never given%s",
                      unit, page, put->index,
                      put->device->untrusted ? " (it is not trusted: zeros alone)" : "");
        break;
    }
    remember(oracle, note, page, put->ring->view->connection);
}

/* Where the backend has the page mapped all the time, it may write to it at any time. */
static bool may_have_been_written(const struct oracle_put *put, const struct simback_grant *grant)
{
    return put->device->hostile || (grant->maps > 0 && grant->writable);
}

static void judge_segment(struct oracle_put *put, const struct blkif_wire_segment *segment,
                          uint64_t number)
{
    const struct oracle_request *request = put->part == NULL ? NULL : put->part->request;
    uint16_t front = put->ring->view->front_domid;
    const struct blkfront_buffer *buffer;
    struct simback_grant grant;
    const uint8_t *bytes;

    if (!simback_get_grant(put->oracle->world, front, segment->grant_ref, &grant))
        return; /* I5 says so */
    bytes = bytes_of(put->oracle, grant.page);
    buffer = buffer_of_any(put, request, bytes + (size_t)segment->first_512 * UNIT);
    if (buffer != NULL)
        judge_direct(put, buffer, number, segment->grant_ref);
    else if (may_have_been_written(put, &grant))
        return;
    else if (oracle_writes(&put->wire))
        judge_copied(put, grant.page, number, segment->first_512, segment->last_512);
    else
        judge_copied(put, grant.page, number, UNITS, UNITS);
}

/* The list of segments is the request's; what follows it in its page is not. */
static void judge_indirect_page(struct oracle_put *put, uint32_t index, uint64_t number)
{
    struct simback_grant grant;
    uint32_t entries = put->wire.segment_count - index * BLKIF_WIRE_SEGMENTS_PER_PAGE;

    if (!simback_get_grant(put->oracle->world, put->ring->view->front_domid,
                           oracle_wire_page_ref(&put->wire, index), &grant) ||
        may_have_been_written(put, &grant))
        return;
    if (entries > BLKIF_WIRE_SEGMENTS_PER_PAGE)
        entries = BLKIF_WIRE_SEGMENTS_PER_PAGE;
    judge_copied(put, grant.page, number, 0,
                 (entries * (unsigned)sizeof(struct blkif_wire_segment) - 1) / UNIT);
}

void confinement_put(struct oracle_put *put)
{
    uint64_t number = put->part == NULL ? 0 : put->part->number;
    struct blkif_wire_segment segment;

    oracle_checked(put->oracle, 6);
    judge_slot(put, number);
    /* What a guest's pages held before is not known. */
    if (!put->wire.readable || put->oracle->world->options.served)
        return;
    for (uint32_t i = 0; i < put->wire.segment_count; i++) {
        if (oracle_wire_segment(put->oracle, &put->wire, i, &segment) &&
            segment.first_512 <= segment.last_512 && segment.last_512 < UNITS)
            judge_segment(put, &segment, number);
    }
    if (put->wire.operation != BLKIF_WIRE_INDIRECT)
        return;
    for (uint32_t i = 0; i * BLKIF_WIRE_SEGMENTS_PER_PAGE < put->wire.segment_count; i++)
        judge_indirect_page(put, i, number);
}
