/* SPDX-License-Identifier: ISC */
/*
 * A part of a read or write: as much of the caller's buffers as one ring request carries, as
 * segments, and back. Each segment is either a piece of library memory, granted as it is, or a
 * bounce page into which the following buffers are packed. Where pages come from is grants.c.
 */
#include "memory.h"
#include "queue.h"

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

/* ---- putting it on the ring ---- */

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

int part_issue(struct blkfront_queue *queue, struct blkfront_request *request)
{
    const struct blkfront_request_internal *in = &request->internal;
    struct part part;

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
        return PART_EMPTY;
    }
    put_part(&part, request);
    return BLKFRONT_OK;
}

/* ---- and back ---- */

/* Scatters bounce pages into the buffers that they are for; direct segments are there already. */
void part_copy_in(struct blkfront_queue *queue, const struct slot *slot)
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
