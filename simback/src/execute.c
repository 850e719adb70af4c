/* SPDX-License-Identifier: ISC */
/*
 * One request: whether it may be, what it does, and which status it gets. What is odd about it gets
 * the dialect's answer, and a complaint that says what is wrong. The request is a private copy
 * (slot.c); its data is transfer.c's.
 */
#include "backend_internal.h"

#include <inttypes.h>

uint8_t execute_response_op(const struct simback_backend *backend,
                            const struct slot_request *request)
{
    if (request->operation == BLKIF_WIRE_INDIRECT && backend->segments != 0 &&
        backend->dialect->indirect_inner)
        return request->inner;
    return request->operation;
}

/* Units that may be addressed: what was published, but never beyond the disk's end. */
uint64_t execute_capacity_512(const struct simback_backend *backend)
{
    const uint64_t published = publish_sectors_512(&backend->options);
    const uint64_t there = simback_disk_size(backend->disk);

    return published < there ? published : there;
}

bool execute_in_range(struct backend_queue *queue, const struct slot_request *request,
                      uint64_t count_512)
{
    const uint64_t end = execute_capacity_512(queue->backend);

    if (request->sector_512 <= end && count_512 <= end - request->sector_512)
        return true;
    REFUSE(queue, request, "%" PRIu64 " units from %" PRIu64 " on, the disk has %" PRIu64,
           count_512, request->sector_512, end);
    return false;
}

bool execute_may_write(struct backend_queue *queue, const struct slot_request *request)
{
    if (!queue->backend->read_only)
        return true;
    REFUSE(queue, request, "%s", "the disk is read-only");
    return false;
}

/* Something that was not offered: `status` says what the dialect does with it. */
static int16_t not_offered(struct backend_queue *queue, const struct slot_request *request,
                           const char *what, int16_t status)
{
    REFUSE(queue, request, "%s", what);
    if (!queue->backend->dialect->dies)
        return status;
    queue->dead = true;
    return BLKIF_WIRE_ERROR;
}

/* Nobody relies on it, since an extended number does not fit: it is only said. */
static void look_at_handle(struct backend_queue *queue, const struct slot_request *request)
{
    const uint16_t expected = (uint16_t)queue->backend->options.vdev;

    if (request->handle != expected)
        REFUSE(queue, request, "handle %u, but the device is %u", request->handle, expected);
}

static int16_t transfer(struct backend_queue *queue, const struct slot_request *request, bool write)
{
    const int16_t no_segments = queue->backend->dialect->no_segments;
    int16_t status = BLKIF_WIRE_OKAY;

    look_at_handle(queue, request);
    if (request->segment_count == 0) {
        REFUSE(queue, request, "%s", "no segments");
        return no_segments;
    }
    if (queue->prepared == 0)
        status = transfer_prepare(queue, request, write);
    return status == BLKIF_WIRE_OKAY ? transfer_perform(queue, request, write) : status;
}

/* ---- the operations ---- */

/* With data only where somebody does so: blkif.h knows a flush without. */
static int16_t flush(struct backend_queue *queue, const struct slot_request *request)
{
    struct simback_backend *backend = queue->backend;
    const struct simback_dialect *dialect = backend->dialect;

    if (!backend->flush) {
        const int16_t status = not_offered(queue, request, "a flush, which is not offered",
                                           dialect->flush_not_offered);

        if (status != BLKIF_WIRE_OKAY)
            return status;
    }
    if (backend->read_only && dialect->flush_read_only != BLKIF_WIRE_OKAY)
        return dialect->flush_read_only;
    if (request->segment_count != 0) {
        REFUSE(queue, request, "a flush with %u segments", request->segment_count);
        if (!dialect->flush_data)
            return BLKIF_WIRE_ERROR;
    }
    if (simback_disk_flush(backend->disk) != 0)
        return BLKIF_WIRE_ERROR;
    return request->segment_count == 0 ? BLKIF_WIRE_OKAY : transfer(queue, request, true);
}

/* Drained by service.c; then flush, then write. Its own data is not made durable. */
static int16_t barrier(struct backend_queue *queue, const struct slot_request *request)
{
    struct simback_backend *backend = queue->backend;

    if (!backend->barrier) {
        const int16_t status = not_offered(queue, request, "a barrier, which is not offered",
                                           backend->dialect->barrier_not_offered);

        if (status != BLKIF_WIRE_OKAY)
            return status;
    }
    if (simback_disk_flush(backend->disk) != 0)
        return BLKIF_WIRE_ERROR;
    /* Without data it is a flush that drains. */
    return request->segment_count == 0 ? BLKIF_WIRE_OKAY : transfer(queue, request, true);
}

/* The flag and the place of a discard: OKAY, or the dialect's answer to what is odd about them. */
static int16_t discard_checked(struct backend_queue *queue, const struct slot_request *request)
{
    const struct simback_backend *backend = queue->backend;
    const struct simback_dialect *dialect = backend->dialect;
    const uint64_t at = request->sector_512 * BLKIF_WIRE_UNIT - backend->discard_alignment;
    int16_t status = BLKIF_WIRE_OKAY;

    if ((request->flag & ~BLKIF_WIRE_DISCARD_SECURE) != 0)
        REFUSE(queue, request, "a discard with flag 0x%x", request->flag);
    if ((request->flag & BLKIF_WIRE_DISCARD_SECURE) != 0 && !backend->discard_secure) {
        REFUSE(queue, request, "%s", "a secure discard, but discard-secure is not 1");
        status = dialect->secure_not_offered;
    }
    if (backend->discard_granularity != 0 && at % backend->discard_granularity != 0) {
        REFUSE(queue, request,
               "a discard from unit %" PRIu64 " on, not aligned to discard-granularity %" PRIu32
               " (discard-alignment %" PRIu32 ")",
               request->sector_512, backend->discard_granularity, backend->discard_alignment);
        if (status == BLKIF_WIRE_OKAY)
            status = dialect->discard_unaligned;
    }
    return status;
}

static int16_t discard(struct backend_queue *queue, const struct slot_request *request)
{
    struct simback_backend *backend = queue->backend;
    const uint32_t units = backend->sector_units;
    int16_t status;

    /* It is a hint: who takes it without having offered it does nothing. */
    if (!backend->discard)
        return not_offered(queue, request, "a discard, which is not offered",
                           backend->dialect->discard_not_offered);
    if (!execute_may_write(queue, request) || !execute_in_range(queue, request, request->count_512))
        return BLKIF_WIRE_ERROR;
    if (request->sector_512 % units != 0 || request->count_512 % units != 0) {
        REFUSE(queue, request, "%" PRIu64 " units from %" PRIu64 " on are not whole sectors",
               request->count_512, request->sector_512);
        return BLKIF_WIRE_ERROR;
    }
    status = discard_checked(queue, request);
    if (status != BLKIF_WIRE_OKAY)
        return status;
    return simback_disk_discard(backend->disk, request->sector_512, request->count_512) == 0
               ? BLKIF_WIRE_OKAY
               : BLKIF_WIRE_ERROR;
}

static int16_t indirect(struct backend_queue *queue, const struct slot_request *request)
{
    if (queue->backend->segments == 0)
        return not_offered(queue, request, "an indirect request, which are not offered",
                           queue->backend->dialect->unknown_op);
    if (request->inner != BLKIF_WIRE_READ && request->inner != BLKIF_WIRE_WRITE) {
        REFUSE(queue, request, "indirect operation %u, expected a read or a write", request->inner);
        queue->dead = queue->backend->dialect->dies;
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
    return not_offered(queue, request, "not an operation of a block device",
                       queue->backend->dialect->unknown_op);
}

/* ---- requests that wait ---- */

/* Whether it will move data as it stands now, and in which direction. */
static bool moves_data(const struct simback_backend *backend, const struct slot_request *request,
                       bool *write)
{
    *write = request->inner != BLKIF_WIRE_READ;
    switch (request->operation) {
    case BLKIF_WIRE_READ:
    case BLKIF_WIRE_WRITE: return request->segment_count != 0;
    case BLKIF_WIRE_WRITE_BARRIER: return request->segment_count != 0 && backend->barrier;
    case BLKIF_WIRE_INDIRECT:
        return request->segment_count != 0 && backend->segments != 0 &&
               (request->inner == BLKIF_WIRE_READ || request->inner == BLKIF_WIRE_WRITE);
    default: return false;
    }
}

void execute_begin(struct backend_queue *queue, struct pending *pending)
{
    bool write;

    if (!moves_data(queue->backend, &pending->request, &write))
        return;
    pending->status = transfer_prepare(queue, &pending->request, write);
    pending->refused = pending->status != BLKIF_WIRE_OKAY;
    if (!pending->refused)
        transfer_pin(queue, pending);
}

int16_t execute_pending(struct backend_queue *queue, struct pending *pending)
{
    int16_t status;

    if (pending->refused)
        return pending->status;
    transfer_unpin(queue, pending);
    /* After its own 6 it maps nothing any more (I19). */
    if (queue->backend->lingers && queue->prepared == 0 && pending->request.segment_count != 0)
        return BLKIF_WIRE_ERROR;
    status = execute(queue, &pending->request);
    if (queue->prepared != 0)
        transfer_release(queue);
    return status;
}
