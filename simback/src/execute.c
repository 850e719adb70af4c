/* SPDX-License-Identifier: ISC */
/*
 * One request: checks what it says, moves its data between the disk and the frontend's pages, and
 * says which status it gets. Pages are mapped for just that, with the rights that the operation
 * needs. The request is a private copy (slot.c); what lies in indirect pages is copied once here.
 */
#include "backend_internal.h"

#include <inttypes.h>
#include <string.h>

/* A sentence about what is wrong with a request. */
#define REFUSE(queue, request, format, ...)                                          \
    refuse((queue), "queue %u request 0x%" PRIx64 " op %u: " format, (queue)->index, \
           (request)->id, (request)->operation, __VA_ARGS__)

#define refuse(queue, ...) backend_complain((queue)->backend, __VA_ARGS__)

uint8_t execute_response_op(const struct simback_backend *backend,
                            const struct slot_request *request)
{
    if (request->operation == BLKIF_WIRE_INDIRECT && backend->segments != 0 &&
        backend->dialect->indirect_answers_inner)
        return request->inner;
    return request->operation;
}

/* Units that may be addressed: what was published, but never beyond the disk's end. */
static uint64_t capacity_512(const struct simback_backend *backend)
{
    const uint64_t published = publish_sectors_512(&backend->options);
    const uint64_t there = simback_disk_size(backend->disk);

    return published < there ? published : there;
}

static bool in_range(struct backend_queue *queue, const struct slot_request *request,
                     uint64_t count_512)
{
    const uint64_t end = capacity_512(queue->backend);

    if (request->sector_512 <= end && count_512 <= end - request->sector_512)
        return true;
    REFUSE(queue, request, "%" PRIu64 " units from %" PRIu64 " on, the disk has %" PRIu64,
           count_512, request->sector_512, end);
    return false;
}

static bool may_write(struct backend_queue *queue, const struct slot_request *request)
{
    if (!queue->backend->read_only)
        return true;
    REFUSE(queue, request, "%s", "the disk is read-only");
    return false;
}

/* ---- segments ---- */

/* I9 as a backend sees it: inside the page, in order, whole sectors. */
static bool segment_ok(struct backend_queue *queue, const struct slot_request *request,
                       uint32_t index, uint32_t units)
{
    const struct blkif_wire_segment *segment = &queue->segments[index];
    const uint32_t count = (uint32_t)segment->last_512 - segment->first_512 + 1;

    if (segment->last_512 >= BLKIF_WIRE_UNITS_PER_PAGE || segment->first_512 > segment->last_512) {
        REFUSE(queue, request, "segment %" PRIu32 " covers units %u to %u of a page", index,
               segment->first_512, segment->last_512);
        return false;
    }
    if (segment->first_512 % units != 0 || count % units != 0) {
        REFUSE(queue, request,
               "segment %" PRIu32 " (units %u to %u) is not made of whole sectors of %" PRIu32
               " units",
               index, segment->first_512, segment->last_512, units);
        return false;
    }
    return true;
}

/* Copies the segments of an indirect request, each word loaded once. */
static bool copy_indirect(struct backend_queue *queue, const struct slot_request *request)
{
    struct simback_backend *backend = queue->backend;
    const struct simback_host *host = backend->host;
    const uint32_t count = request->segment_count;
    const uint32_t page_count =
        (count + BLKIF_WIRE_SEGMENTS_PER_PAGE - 1) / BLKIF_WIRE_SEGMENTS_PER_PAGE;
    void *pages[BLKIF_WIRE_INDIRECT_PAGES];
    const int result = host->map(host->context, backend->options.front_domid,
                                 request->data.page_refs, page_count, false, pages);

    if (result != 0) {
        REFUSE(queue, request,
               "%" PRIu32 " indirect pages, first reference %" PRIu32 ": cannot be mapped (%d)",
               page_count, request->data.page_refs[0], result);
        return false;
    }
    for (uint32_t i = 0; i < count; i++) {
        const volatile uint32_t *words =
            (const volatile uint32_t *)pages[i / BLKIF_WIRE_SEGMENTS_PER_PAGE];
        const uint32_t at = i % BLKIF_WIRE_SEGMENTS_PER_PAGE * 2;
        uint32_t copy[2];

        copy[0] = __atomic_load_n(&words[at], __ATOMIC_RELAXED);
        copy[1] = __atomic_load_n(&words[at + 1], __ATOMIC_RELAXED);
        memcpy(&queue->segments[i], copy, sizeof(copy));
    }
    connect_unmap(backend, request->data.page_refs, pages, page_count);
    return true;
}

/* Puts the checked segments into queue->segments; the length in units, or 0: refused. */
static uint32_t collect_segments(struct backend_queue *queue, const struct slot_request *request)
{
    const bool indirect = request->operation == BLKIF_WIRE_INDIRECT;
    const uint32_t most = indirect ? queue->backend->segments : (uint32_t)BLKIF_WIRE_SEGMENTS;
    uint32_t length = 0;

    if (request->segment_count > most) {
        REFUSE(queue, request, "%u segments, at most %" PRIu32 " are possible",
               request->segment_count, most);
        return 0;
    }
    if (indirect && !copy_indirect(queue, request))
        return 0;
    if (!indirect)
        memcpy(queue->segments, request->data.segments, sizeof(request->data.segments));
    for (uint32_t i = 0; i < request->segment_count; i++) {
        if (!segment_ok(queue, request, i, queue->backend->sector_units))
            return 0;
        queue->refs[i] = queue->segments[i].grant_ref;
        length += (uint32_t)queue->segments[i].last_512 - queue->segments[i].first_512 + 1;
    }
    if (request->sector_512 % queue->backend->sector_units != 0) {
        REFUSE(queue, request,
               "unit %" PRIu64 " is not the beginning of a sector of %" PRIu32 " units",
               request->sector_512, queue->backend->sector_units);
        return 0;
    }
    return length;
}

/* ---- data ---- */

static int move_pages(struct backend_queue *queue, const struct slot_request *request, bool write)
{
    struct simback_disk *disk = queue->backend->disk;
    uint64_t sector_512 = request->sector_512;
    int result = 0;

    for (uint32_t i = 0; result == 0 && i < request->segment_count; i++) {
        const struct blkif_wire_segment *segment = &queue->segments[i];
        const uint32_t count = (uint32_t)segment->last_512 - segment->first_512 + 1;
        uint8_t *data = (uint8_t *)queue->pages[i] + (size_t)segment->first_512 * BLKIF_WIRE_UNIT;

        result = write ? simback_disk_write(disk, sector_512, count, data)
                       : simback_disk_read(disk, sector_512, count, data);
        sector_512 += count;
    }
    return result;
}

static int16_t transfer(struct backend_queue *queue, const struct slot_request *request, bool write)
{
    struct simback_backend *backend = queue->backend;
    const struct simback_host *host = backend->host;
    uint32_t length;
    int result;

    if (request->segment_count == 0) {
        if (backend->dialect->no_segments != BLKIF_WIRE_OKAY)
            REFUSE(queue, request, "%s", "no segments");
        return backend->dialect->no_segments;
    }
    if (write && !may_write(queue, request))
        return BLKIF_WIRE_ERROR;
    length = collect_segments(queue, request);
    if (length == 0 || !in_range(queue, request, length))
        return BLKIF_WIRE_ERROR;
    /* What is only read is mapped read-only: a write's pages may be granted so. */
    result = host->map(host->context, backend->options.front_domid, queue->refs,
                       request->segment_count, !write, queue->pages);
    if (result != 0) {
        REFUSE(queue, request, "%u pages, first reference %" PRIu32 ": cannot be mapped %s (%d)",
               request->segment_count, queue->refs[0], write ? "for reading" : "for writing",
               result);
        return BLKIF_WIRE_ERROR;
    }
    result = move_pages(queue, request, write);
    connect_unmap(backend, queue->refs, queue->pages, request->segment_count);
    return result == 0 ? BLKIF_WIRE_OKAY : BLKIF_WIRE_ERROR;
}

/* ---- the operations ---- */

static int16_t flush(struct backend_queue *queue, const struct slot_request *request)
{
    struct simback_backend *backend = queue->backend;

    if (!backend->flush && backend->dialect->flush_not_offered != BLKIF_WIRE_OKAY)
        return backend->dialect->flush_not_offered;
    if (request->segment_count != 0) {
        REFUSE(queue, request, "a flush with %u segments", request->segment_count);
        return BLKIF_WIRE_ERROR;
    }
    return simback_disk_flush(backend->disk) == 0 ? BLKIF_WIRE_OKAY : BLKIF_WIRE_ERROR;
}

/* Drained by service.c; then flush, then write. Its own data is not made durable. */
static int16_t barrier(struct backend_queue *queue, const struct slot_request *request)
{
    struct simback_backend *backend = queue->backend;

    if (!backend->barrier && backend->dialect->barrier_not_offered != BLKIF_WIRE_OKAY)
        return backend->dialect->barrier_not_offered;
    if (simback_disk_flush(backend->disk) != 0)
        return BLKIF_WIRE_ERROR;
    /* Without data it is a flush that drains. */
    return request->segment_count == 0 ? BLKIF_WIRE_OKAY : transfer(queue, request, true);
}

static int16_t discard(struct backend_queue *queue, const struct slot_request *request)
{
    struct simback_backend *backend = queue->backend;
    const uint32_t units = backend->sector_units;

    if (!backend->discard && backend->dialect->discard_not_offered != BLKIF_WIRE_OKAY)
        return backend->dialect->discard_not_offered;
    if (!may_write(queue, request) || !in_range(queue, request, request->count_512))
        return BLKIF_WIRE_ERROR;
    if (request->sector_512 % units != 0 || request->count_512 % units != 0) {
        REFUSE(queue, request, "%" PRIu64 " units from %" PRIu64 " on are not whole sectors",
               request->count_512, request->sector_512);
        return BLKIF_WIRE_ERROR;
    }
    return simback_disk_discard(backend->disk, request->sector_512, request->count_512) == 0
               ? BLKIF_WIRE_OKAY
               : BLKIF_WIRE_ERROR;
}

static int16_t indirect(struct backend_queue *queue, const struct slot_request *request)
{
    if (queue->backend->segments == 0) {
        REFUSE(queue, request, "%s", "indirect requests are not offered");
        return queue->backend->dialect->unknown_op;
    }
    if (request->inner != BLKIF_WIRE_READ && request->inner != BLKIF_WIRE_WRITE) {
        REFUSE(queue, request, "indirect operation %u, expected a read or a write", request->inner);
        return BLKIF_WIRE_ERROR;
    }
    return transfer(queue, request, request->inner == BLKIF_WIRE_WRITE);
}

int16_t execute(struct backend_queue *queue, const struct slot_request *request)
{
    switch (request->operation) {
    case BLKIF_WIRE_READ: return transfer(queue, request, false);
    case BLKIF_WIRE_WRITE: return transfer(queue, request, true);
    case BLKIF_WIRE_WRITE_BARRIER: return barrier(queue, request);
    case BLKIF_WIRE_FLUSH_DISKCACHE: return flush(queue, request);
    case BLKIF_WIRE_DISCARD: return discard(queue, request);
    case BLKIF_WIRE_INDIRECT: return indirect(queue, request);
    default: break;
    }
    REFUSE(queue, request, "%s", "not an operation of a block device");
    return queue->backend->dialect->unknown_op;
}
