/* SPDX-License-Identifier: ISC */
/*
 * Whether a request may be taken, and whether it may still go out: its arguments, the disk's range
 * and what the disk permits (I9, I17).
 */
#include "memory.h"
#include "queue.h"

enum { UNIT_SHIFT = 9 }; /* bytes to units of 512 */

static int check_buffer(const struct blkfront_queue *queue, const struct blkfront_buffer *buffer)
{
    if (buffer->address == NULL || buffer->size == 0)
        return BLKFRONT_INVALID;
    if (queue->device->options.page_buffers &&
        (buffer->size != BLKIF_WIRE_PAGE_SIZE ||
         ((uintptr_t)buffer->address & (BLKIF_WIRE_PAGE_SIZE - 1)) != 0))
        return BLKFRONT_INVALID;
    if (buffer->memory != NULL &&
        (buffer->memory->device != queue->device || memory_destroyed(buffer->memory) ||
         !memory_holds(buffer->memory, buffer->address, buffer->size)))
        return BLKFRONT_INVALID;
    return BLKFRONT_OK;
}

static int check_buffers(const struct blkfront_queue *queue, const struct blkfront_request *request,
                         uint64_t *bytes)
{
    uint64_t sum = 0;

    if (request->buffer_count > 0 && request->buffers == NULL)
        return BLKFRONT_INVALID;
    for (size_t i = 0; i < request->buffer_count; i++) {
        const struct blkfront_buffer *buffer = &request->buffers[i];
        int r = check_buffer(queue, buffer);

        if (r != BLKFRONT_OK)
            return r;
        /* Saturated: no disk is so large, the check of the range refuses it (I9). */
        sum = buffer->size > UINT64_MAX - sum ? UINT64_MAX : sum + buffer->size;
    }
    *bytes = sum;
    return BLKFRONT_OK;
}

int transfer_arguments(const struct blkfront_queue *queue, const struct blkfront_request *request,
                       uint64_t *bytes)
{
    /* Flags belong to operations: what a read should do with FUA is nothing that we would guess. */
    static const unsigned flags[] = {
        [BLKFRONT_READ] = 0,
        [BLKFRONT_WRITE] = BLKFRONT_FUA | BLKFRONT_BARRIER,
        [BLKFRONT_FLUSH] = 0,
        [BLKFRONT_DISCARD] = BLKFRONT_SECURE,
    };

    *bytes = 0;
    if (request->complete == NULL || (unsigned)request->operation > BLKFRONT_DISCARD ||
        (request->flags & ~flags[request->operation]) != 0)
        return BLKFRONT_INVALID;
    return has_data(request) ? check_buffers(queue, request, bytes) : BLKFRONT_OK;
}

/* What a write asks for beside its data. */
static int admit_write(const struct blkfront_queue *queue, const struct blkfront_request *request)
{
    const struct agreed *agreed = &queue->device->agreed;

    if (agreed_flag(&agreed->read_only))
        return BLKFRONT_READ_ONLY; /* I17 */
    if ((request->flags & BLKFRONT_BARRIER) != 0 && !agreed_flag(&agreed->barrier))
        return BLKFRONT_UNIMPLEMENTED;
    return (request->flags & BLKFRONT_FUA) != 0 ? flush_admit(queue) : BLKFRONT_OK;
}

/* Each of the buffers, from this one on. */
static bool whole_sectors(const struct blkfront_queue *queue,
                          const struct blkfront_request *request, size_t first)
{
    size_t sizes = 0;

    for (size_t i = first; i < request->buffer_count; i++)
        sizes |= request->buffers[i].size;
    return (sizes & queue->sector_mask) == 0;
}

static int admit_data(const struct blkfront_queue *queue, const struct blkfront_request *request,
                      uint64_t bytes)
{
    if (!whole_sectors(queue, request, 0))
        return BLKFRONT_INVALID;
    if (request->operation == BLKFRONT_WRITE) {
        int r = admit_write(queue, request);

        if (r != BLKFRONT_OK)
            return r;
    }
    if (bytes > 0 && !on_disk(&queue->device->agreed, queue->sector_shift, request->sector,
                              bytes >> queue->sector_shift >> UNIT_SHIFT))
        return BLKFRONT_OUT_OF_RANGE;
    return BLKFRONT_OK;
}

static int admit_discard(const struct blkfront_queue *queue, const struct blkfront_request *request)
{
    int r = discard_permit(queue, request);

    if (r != BLKFRONT_OK)
        return r;
    return on_disk(&queue->device->agreed, queue->sector_shift, request->sector, request->sectors)
               ? BLKFRONT_OK
               : BLKFRONT_OUT_OF_RANGE;
}

int transfer_admit(const struct blkfront_queue *queue, const struct blkfront_request *request,
                   uint64_t bytes)
{
    if (has_data(request))
        return admit_data(queue, request, bytes);
    return request->operation == BLKFRONT_FLUSH ? flush_admit(queue)
                                                : admit_discard(queue, request);
}

int transfer_admit_later(const struct blkfront_queue *queue, const struct blkfront_request *request,
                         uint64_t bytes)
{
    uint64_t most = UINT64_MAX / BLKIF_WIRE_UNIT >> queue->sector_shift;
    uint64_t sectors = request->sectors;

    if (request->operation == BLKFRONT_FLUSH)
        return BLKFRONT_OK;
    if (has_data(request)) {
        if (!whole_sectors(queue, request, 0))
            return BLKFRONT_INVALID;
        sectors = bytes >> queue->sector_shift >> UNIT_SHIFT;
    }
    return sectors > 0 && (request->sector > most || sectors > most) ? BLKFRONT_OUT_OF_RANGE
                                                                     : BLKFRONT_OK;
}

void transfer_begin(const struct blkfront_queue *queue, struct blkfront_request *request)
{
    struct blkfront_request_internal *in = &request->internal;

    in->stage = request->operation == BLKFRONT_FLUSH ? REQUEST_FLUSHING : REQUEST_DATA;
    in->next_512 = request->sector << queue->sector_shift;
    if (request->operation == BLKFRONT_DISCARD)
        in->bytes_left = (request->sectors << queue->sector_shift) * BLKIF_WIRE_UNIT;
}

/* Does the disk still permit it? */
static int permit(const struct blkfront_queue *queue, const struct blkfront_request *request)
{
    if (request->operation == BLKFRONT_WRITE)
        return admit_write(queue, request);
    return request->operation == BLKFRONT_DISCARD ? discard_permit(queue, request) : BLKFRONT_OK;
}

/* Is what is left of it still there? */
static bool is_there(const struct blkfront_queue *queue, const struct blkfront_request *request)
{
    const struct blkfront_request_internal *in = &request->internal;
    uint64_t size = __atomic_load_n(&queue->device->agreed.size_512, __ATOMIC_RELAXED);

    return in->next_512 <= size && in->bytes_left / BLKIF_WIRE_UNIT <= size - in->next_512;
}

/* Is what is left of it in whole sectors? */
static bool fits_sectors(const struct blkfront_queue *queue, const struct blkfront_request *request)
{
    const struct blkfront_request_internal *in = &request->internal;
    uint64_t mask = queue->sector_mask;

    if (((in->next_512 * BLKIF_WIRE_UNIT | in->bytes_left | in->buffer_offset) & mask) != 0)
        return false;
    return !has_data(request) || whole_sectors(queue, request, in->buffer_index);
}

uint64_t transfer_bytes(const struct blkfront_request *request)
{
    uint64_t bytes = 0;

    for (size_t i = 0; i < request->buffer_count; i++)
        bytes += request->buffers[i].size;
    return bytes;
}

/* Is there data that a backend has, or has had, without refusing it? */
static bool has_begun(const struct blkfront_request *request)
{
    const struct blkfront_request_internal *in = &request->internal;
    uint64_t left = in->bytes_left;

    for (const struct blkfront_range *range = in->kept; range != NULL; range = range->next)
        left += range->bytes;
    return has_data(request) && left < transfer_bytes(request);
}

int transfer_admit_again(const struct blkfront_queue *queue, const struct blkfront_request *request)
{
    int r = permit(queue, request);

    if (r == BLKFRONT_OK && !(is_there(queue, request) && fits_sectors(queue, request)))
        r = BLKFRONT_OUT_OF_RANGE;
    /* These say that nothing has been written, whichever part is left. */
    return r != BLKFRONT_OK && has_begun(request) ? BLKFRONT_IO_ERROR : r;
}

int transfer_admit_anew(const struct blkfront_queue *queue, const struct blkfront_request *request)
{
    int r = permit(queue, request);

    if (r != BLKFRONT_OK || request->internal.bytes_left == 0)
        return r;
    /* A discard is rounded. */
    return is_there(queue, request) && (!has_data(request) || fits_sectors(queue, request))
               ? BLKFRONT_OK
               : BLKFRONT_OUT_OF_RANGE;
}
