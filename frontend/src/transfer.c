/* SPDX-License-Identifier: ISC */
/*
 * A caller's request to ring requests and back. A read or write is cut into parts, each as much as
 * one ring request carries; the parts go out as slots and pages permit and are answered in any
 * order. Each segment is either a piece of library memory, granted as it is, or a bounce page into
 * which the following buffers are packed. Where pages come from is grants.c; in which order
 * requests get their turn is submit.c; flushing is flush.c.
 */
#include "memory.h"
#include "queue.h"

/* ---- checks ---- */

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
    uint64_t sum = 0, sizes = 0;

    if (request->buffer_count > 0 && request->buffers == NULL)
        return BLKFRONT_INVALID;
    for (size_t i = 0; i < request->buffer_count; i++) {
        const struct blkfront_buffer *buffer = &request->buffers[i];
        int r = check_buffer(queue, buffer);

        if (r != BLKFRONT_OK)
            return r;
        sizes |= buffer->size;
        /* Saturated: no disk is so large, the check of the range refuses it (I9). */
        sum = buffer->size > UINT64_MAX - sum ? UINT64_MAX : sum + buffer->size;
    }
    if ((sizes & (BLKIF_WIRE_UNIT - 1)) != 0)
        return BLKFRONT_INVALID;
    *bytes = sum;
    return BLKFRONT_OK;
}

int transfer_arguments(const struct blkfront_queue *queue, const struct blkfront_request *request,
                       uint64_t *bytes)
{
    const unsigned flags = BLKFRONT_FUA | BLKFRONT_SECURE;

    *bytes = 0;
    if (request->complete == NULL || (request->flags & ~flags) != 0)
        return BLKFRONT_INVALID;
    switch (request->operation) {
    case BLKFRONT_READ:
    case BLKFRONT_WRITE: return check_buffers(queue, request, bytes);
    case BLKFRONT_FLUSH:
    case BLKFRONT_DISCARD: return BLKFRONT_OK;
    default: return BLKFRONT_INVALID;
    }
}

/* Do `units` of 512 bytes from this sector on lie on the disk? Without overflow (I9). */
static bool in_range(const struct blkfront_queue *queue, uint64_t sector, uint64_t units)
{
    uint64_t size = __atomic_load_n(&queue->device->agreed.size_512, __ATOMIC_RELAXED);

    return sector <= size >> queue->sector_shift && units <= size - (sector << queue->sector_shift);
}

static int admit_data(const struct blkfront_queue *queue, const struct blkfront_request *request,
                      uint64_t bytes)
{
    for (size_t i = 0; i < request->buffer_count; i++) {
        if ((request->buffers[i].size & queue->sector_mask) != 0)
            return BLKFRONT_INVALID;
    }
    if (request->operation == BLKFRONT_WRITE) {
        if (agreed_flag(&queue->device->agreed.read_only))
            return BLKFRONT_READ_ONLY; /* I17 */
        if ((request->flags & BLKFRONT_FUA) != 0 && flush_admit(queue) != BLKFRONT_OK)
            return flush_admit(queue);
    }
    if (bytes > 0 && !in_range(queue, request->sector, bytes / BLKIF_WIRE_UNIT))
        return BLKFRONT_OUT_OF_RANGE;
    return BLKFRONT_OK;
}

static int admit_discard(const struct blkfront_queue *queue, const struct blkfront_request *request)
{
    const struct agreed *agreed = &queue->device->agreed;

    if (agreed_flag(&agreed->read_only))
        return BLKFRONT_READ_ONLY; /* I17 */
    if (!agreed_flag(&agreed->discard) ||
        ((request->flags & BLKFRONT_SECURE) != 0 && !agreed->discard_secure))
        return BLKFRONT_UNIMPLEMENTED;
    if (request->sectors > UINT64_MAX >> queue->sector_shift ||
        !in_range(queue, request->sector, request->sectors << queue->sector_shift))
        return BLKFRONT_OUT_OF_RANGE;
    return BLKFRONT_OK;
}

int transfer_admit(const struct blkfront_queue *queue, const struct blkfront_request *request,
                   uint64_t bytes)
{
    switch (request->operation) {
    case BLKFRONT_READ:
    case BLKFRONT_WRITE: return admit_data(queue, request, bytes);
    case BLKFRONT_FLUSH: return flush_admit(queue);
    case BLKFRONT_DISCARD: return admit_discard(queue, request);
    default: return BLKFRONT_INVALID;
    }
}

uint64_t transfer_first_512(const struct blkfront_queue *queue,
                            const struct blkfront_request *request)
{
    return request->sector << queue->sector_shift;
}

/* ---- walking through the caller's buffers ---- */

struct cursor {
    const struct blkfront_buffer *buffers;
    size_t index;
    size_t offset;
};

static void *cursor_at(const struct cursor *cursor)
{
    return (unsigned char *)cursor->buffers[cursor->index].address + cursor->offset;
}

static size_t cursor_left(const struct cursor *cursor)
{
    return cursor->buffers[cursor->index].size - cursor->offset;
}

/* `bytes` is at most cursor_left. */
static void cursor_advance(struct cursor *cursor, size_t bytes)
{
    cursor->offset += bytes;
    if (cursor->offset == cursor->buffers[cursor->index].size) {
        cursor->index++;
        cursor->offset = 0;
    }
}

/* ---- building a part ---- */

struct part {
    struct blkfront_queue *queue;
    const struct blkfront_request *request;
    struct slot *slot;
    struct cursor cursor;
    uint64_t left; /* bytes of the request from the cursor on */
    uint64_t copied;
    bool writable; /* what a page is granted for: reads, and everything if persistent */
    bool bounced;
    struct blkif_wire_segment wire[BLKIF_WIRE_SEGMENTS];
};

/* May this buffer's bytes go to the backend as they lie? If not, they are copied. */
static bool goes_direct(const struct part *part, const struct blkfront_buffer *buffer)
{
    const struct agreed *agreed = &part->queue->device->agreed;
    const struct blkfront_memory *memory = buffer->memory;
    unsigned use = part->request->operation == BLKFRONT_READ ? BLKFRONT_MEMORY_FROM_DISK
                                                             : BLKFRONT_MEMORY_TO_DISK;

    if (memory == NULL || (memory->uses & use) == 0 || !agreed->trusted ||
        ((uintptr_t)buffer->address & part->queue->sector_mask) != 0)
        return false;
    /* A shared block was granted once, to one domain, with one flag. */
    return memory->block->kind != GRANT_SHARED || (memory->block->domid == agreed->backend_id &&
                                                   memory->block->writable == part->writable);
}

static void add_segment(struct part *part, struct grant_block *block, uint32_t record, uint32_t ref,
                        size_t offset, size_t bytes, bool bounced)
{
    uint32_t n = part->slot->segment_count++;

    part->slot->segments[n] = (struct slot_segment){
        .block = block,
        .record = record,
        .bytes = (uint32_t)bytes,
        .bounced = bounced,
    };
    part->wire[n] = (struct blkif_wire_segment){
        .grant_ref = ref,
        .first_512 = (uint8_t)(offset / BLKIF_WIRE_UNIT),
        .last_512 = (uint8_t)((offset + bytes) / BLKIF_WIRE_UNIT - 1),
    };
}

/* The bytes from the cursor to the end of their page or buffer. */
static size_t piece_size(const struct part *part)
{
    size_t offset = (uintptr_t)cursor_at(&part->cursor) & (BLKIF_WIRE_PAGE_SIZE - 1);
    size_t left = cursor_left(&part->cursor);

    return left < BLKIF_WIRE_PAGE_SIZE - offset ? left : BLKIF_WIRE_PAGE_SIZE - offset;
}

static int add_direct(struct part *part)
{
    const struct blkfront_memory *memory = part->cursor.buffers[part->cursor.index].memory;
    const void *address = cursor_at(&part->cursor);
    size_t bytes = piece_size(part);
    uint32_t record, ref;
    int r = grant_begin(memory->block, memory_page(memory, address),
                        part->queue->device->agreed.backend_id, part->writable, &record, &ref);

    if (r != 0)
        return r;
    add_segment(part, memory->block, record, ref, (uintptr_t)address & (BLKIF_WIRE_PAGE_SIZE - 1),
                bytes, false);
    cursor_advance(&part->cursor, bytes);
    part->left -= bytes;
    return 0;
}

/*
 * A bounce page with the bytes that follow, packed from its start, up to a buffer that goes direct.
 * The page is granted before anything is copied: should granting fail, it holds no byte of a
 * request that this backend has not been given (I6). `forced` bytes are copied although they could
 * go direct.
 */
static int add_bounced(struct part *part, size_t forced)
{
    struct blkfront_queue *queue = part->queue;
    bool is_read = part->request->operation == BLKFRONT_READ;
    struct pool *pool = is_read ? queue->pool_from_disk : queue->pool_to_disk;
    unsigned char *page;
    uint32_t record, ref;
    size_t used = 0;
    int r = pool_take(pool, queue->device->agreed.backend_id, part->writable, &record, &ref);

    if (r != 0)
        return r;
    page = grant_record_page(pool->block, record);
    if (!queue->device->agreed.trusted)
        shared_zero(page, BLKIF_WIRE_PAGE_SIZE); /* I6 */
    while (part->left > 0 && used < BLKIF_WIRE_PAGE_SIZE) {
        size_t bytes = cursor_left(&part->cursor);

        if (forced > 0)
            bytes = forced < bytes ? forced : bytes;
        else if (goes_direct(part, &part->cursor.buffers[part->cursor.index]))
            break;
        if (bytes > BLKIF_WIRE_PAGE_SIZE - used)
            bytes = BLKIF_WIRE_PAGE_SIZE - used;
        if (!is_read) {
            shared_copy_data_out(page + used, cursor_at(&part->cursor), bytes);
            part->copied += bytes;
        }
        cursor_advance(&part->cursor, bytes);
        part->left -= bytes;
        used += bytes;
        forced -= forced < bytes ? forced : bytes;
    }
    part->bounced = true;
    add_segment(part, pool->block, record, ref, 0, used, true);
    return 0;
}

static int add_piece(struct part *part)
{
    size_t forced = 0;

    if (goes_direct(part, &part->cursor.buffers[part->cursor.index])) {
        int r = add_direct(part);

        if (r != GRANT_OCCUPIED)
            return r;
        /* The page is held, or in flight in too many pieces. */
        forced = piece_size(part);
    }
    return add_bounced(part, forced);
}

/* ---- issuing ---- */

/* The disk may have changed since the request was taken (I17, I9). */
static int check_again(const struct blkfront_queue *queue, const struct blkfront_request *request)
{
    const struct blkfront_request_internal *in = &request->internal;
    bool begun = in->buffer_index > 0 || in->buffer_offset > 0;
    uint64_t size = __atomic_load_n(&queue->device->agreed.size_512, __ATOMIC_RELAXED);

    /* After the first part "read-only" would be a lie: it says that nothing has been written. */
    if (request->operation == BLKFRONT_WRITE && agreed_flag(&queue->device->agreed.read_only))
        return begun ? BLKFRONT_IO_ERROR : BLKFRONT_READ_ONLY;
    if (in->next_512 > size || in->bytes_left / BLKIF_WIRE_UNIT > size - in->next_512)
        return begun ? BLKFRONT_IO_ERROR : BLKFRONT_OUT_OF_RANGE;
    return BLKFRONT_OK;
}

/* No page or no grant for even one segment. Wait if anything in flight will bring some back. */
static int no_pages(struct blkfront_queue *queue)
{
    if (queue->slots.used > 0)
        return ISSUE_BLOCKED;
    /* Pages that the backend does not let go must not hold up the caller for ever (I4). */
    return pool_retry(&queue->pools[0], queue->pools[0].busy_count) ? BLKFRONT_OK
                                                                    : BLKFRONT_NO_MEMORY;
}

static void put_part(struct part *part, struct blkfront_request *request)
{
    struct blkfront_request_internal *in = &request->internal;
    struct blkfront_queue *queue = part->queue;
    struct blkfront_statistics *statistics = &queue->statistics;
    struct wire_request wire = {
        .operation = request->operation == BLKFRONT_READ ? BLKIF_WIRE_READ : BLKIF_WIRE_WRITE,
        .sector_512 = in->next_512,
        .segment_count = (uint16_t)part->slot->segment_count,
        .segments = part->wire,
    };

    part->slot->request = request;
    part->slot->buffer_index = in->buffer_index;
    part->slot->buffer_offset = in->buffer_offset;
    in->next_512 += (in->bytes_left - part->left) / BLKIF_WIRE_UNIT;
    in->bytes_left = part->left;
    in->buffer_index = part->cursor.index;
    in->buffer_offset = part->cursor.offset;
    queue_put(queue, part->slot, &wire);
    statistics_add(part->bounced ? &statistics->bounced : &statistics->direct, 1);
    if (part->copied > 0)
        statistics_add(&statistics->bytes_copied, part->copied);
}

static int issue_part(struct blkfront_queue *queue, struct blkfront_request *request)
{
    const struct blkfront_request_internal *in = &request->internal;
    struct part part;
    int r = check_again(queue, request);

    if (r != BLKFRONT_OK)
        return r;
    if (ring_room(&queue->ring) == 0)
        return ISSUE_BLOCKED;
    part.slot = slots_take(&queue->slots);
    if (part.slot == NULL)
        return ISSUE_BLOCKED;
    part.queue = queue;
    part.request = request;
    part.cursor = (struct cursor){request->buffers, in->buffer_index, in->buffer_offset};
    part.left = in->bytes_left;
    part.copied = 0;
    part.bounced = false;
    part.writable = request->operation == BLKFRONT_READ || queue->device->agreed.persistent;
    while (part.left > 0 && part.slot->segment_count < queue->segment_limit) {
        if (add_piece(&part) != 0)
            break;
    }
    if (part.slot->segment_count == 0) {
        slots_release(&queue->slots, part.slot);
        return no_pages(queue);
    }
    put_part(&part, request);
    return BLKFRONT_OK;
}

static int issue_discard(struct blkfront_queue *queue, struct blkfront_request *request)
{
    bool secure = (request->flags & BLKFRONT_SECURE) != 0;
    struct wire_request wire = {
        .operation = BLKIF_WIRE_DISCARD,
        .sector_512 = request->internal.next_512,
        .count_512 = request->sectors << queue->sector_shift,
        .discard_flag = secure ? BLKIF_WIRE_DISCARD_SECURE : 0,
    };
    int r = admit_discard(queue, request);
    struct slot *slot;

    if (r != BLKFRONT_OK)
        return r;
    if (ring_room(&queue->ring) == 0 || (slot = slots_take(&queue->slots)) == NULL)
        return ISSUE_BLOCKED;
    slot->request = request;
    queue_put(queue, slot, &wire);
    return BLKFRONT_OK;
}

int transfer_issue(struct blkfront_queue *queue, struct blkfront_request *request)
{
    int r = BLKFRONT_OK;

    if (request->operation == BLKFRONT_DISCARD)
        r = issue_discard(queue, request);
    while (r == BLKFRONT_OK && request->internal.bytes_left > 0)
        r = issue_part(queue, request);
    if (r == BLKFRONT_OK)
        requests_issued(queue);
    return r;
}

/* ---- responses ---- */

/* Scatters bounce pages into the buffers that they are for; direct segments are there already. */
static void copy_in(struct blkfront_queue *queue, const struct slot *slot)
{
    struct cursor cursor = {slot->request->buffers, slot->buffer_index, slot->buffer_offset};
    uint64_t copied = 0;

    for (uint32_t i = 0; i < slot->segment_count; i++) {
        const struct slot_segment *segment = &slot->segments[i];
        const unsigned char *from =
            segment->bounced ? grant_record_page(segment->block, segment->record) : NULL;
        size_t left = segment->bytes;

        while (left > 0) {
            size_t bytes = cursor_left(&cursor);

            bytes = bytes < left ? bytes : left;
            if (from != NULL) {
                shared_copy_data_in(cursor_at(&cursor), from, bytes);
                from += bytes;
                copied += bytes;
            }
            cursor_advance(&cursor, bytes);
            left -= bytes;
        }
    }
    if (copied > 0)
        statistics_add(&queue->statistics.bytes_copied, copied);
}

/*
 * A status to a result (I8). EOPNOTSUPP to a read or write is "unimplemented": there is no other
 * way to read or write that could be tried. A status that is not in the protocol is an error.
 */
static int status_result(struct blkfront_queue *queue, uint8_t operation, int status)
{
    if (status == BLKIF_WIRE_OKAY)
        return BLKFRONT_OK;
    if (status != BLKIF_WIRE_EOPNOTSUPP)
        return BLKFRONT_IO_ERROR;
    if (operation == BLKIF_WIRE_DISCARD)
        __atomic_store_n(&queue->device->agreed.discard, false, __ATOMIC_RELAXED);
    return BLKFRONT_UNIMPLEMENTED;
}

/* All parts that will ever be are answered. */
static void data_over(struct blkfront_queue *queue, struct blkfront_request *request)
{
    struct blkfront_request_internal *in = &request->internal;

    if (in->result == BLKFRONT_OK && request->operation == BLKFRONT_WRITE &&
        (request->flags & BLKFRONT_FUA) != 0) {
        in->stage = REQUEST_FLUSHING;
        requests_again(queue, request);
    } else {
        requests_finish(queue, request, in->result);
    }
}

void transfer_answered(struct blkfront_queue *queue, struct slot *slot, int status)
{
    struct blkfront_request *request = slot->request;
    uint8_t operation = slot->operation;
    int result;

    if (request != NULL && status == BLKIF_WIRE_OKAY && operation == BLKIF_WIRE_READ)
        copy_in(queue, slot);
    queue_drop_slot(queue, slot);
    if (request == NULL) {
        /* An abandoned one: its memory may have been waiting for just this. */
        device_wake(queue->device);
        return;
    }
    request->internal.parts--;
    if (request->internal.stage == REQUEST_FLUSHING) {
        flush_answered(queue, request, operation, status);
        return;
    }
    result = status_result(queue, operation, status);
    request->internal.result = worse_result(request->internal.result, result);
    /* What has failed is not continued. */
    if (result != BLKFRONT_OK)
        request->internal.bytes_left = 0;
    if (request->internal.parts == 0 && request->internal.bytes_left == 0)
        data_over(queue, request);
}
