/* SPDX-License-Identifier: ISC */
/*
 * A part of a read or write: as much of the caller's buffers as one ring request carries, as
 * segments, and back. Each segment is either a piece of library memory, granted as it is, or a
 * bounce page into which the following buffers are packed. With more than 11 segments the request
 * is an indirect one: their list goes into pages of the pool. Where pages come from is grants.c.
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
    uint32_t limit; /* segments */
    bool writable;  /* what a page is granted for: reads, and everything if persistent */
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

static void add_segment(struct part *part, struct grant_block *block, uint32_t record,
                        size_t offset, size_t bytes, bool bounced)
{
    part->slot->segments[part->slot->segment_count++] = (struct slot_segment){
        .block = block,
        .record = record,
        .first_512 = (uint8_t)(offset / BLKIF_WIRE_UNIT),
        .last_512 = (uint8_t)(offset / BLKIF_WIRE_UNIT + bytes / BLKIF_WIRE_UNIT - 1),
        .bounced = bounced,
    };
}

/* The bytes from the cursor to the end of their buffer; what is issued again ends where it ended,
 * which may be before. */
static size_t part_left(const struct part *part)
{
    size_t left = cursor_left(&part->cursor);

    return left < part->left ? left : (size_t)part->left;
}

static size_t page_offset(const void *address)
{
    return (uintptr_t)address & (BLKIF_WIRE_PAGE_SIZE - 1);
}

/* Of the bytes from this offset of a page on those that lie in the page. */
static size_t in_page(size_t offset, size_t bytes)
{
    return bytes < BLKIF_WIRE_PAGE_SIZE - offset ? bytes : BLKIF_WIRE_PAGE_SIZE - offset;
}

static void count_grants(struct blkfront_queue *queue, uint32_t made, uint32_t reused)
{
    if (made > 0)
        statistics_add(&queue->statistics.grants, made);
    if (reused > 0)
        statistics_add(&queue->statistics.grants_reused, reused);
}

static int take_page(struct blkfront_queue *queue, struct pool *pool, bool writable,
                     uint32_t *record)
{
    struct grant grant;
    int r = pool_take(pool, queue->device->agreed.backend_id, writable, &grant);

    if (r < 0)
        (void)shortage_relieve(queue);
    if (r != 0)
        return r;
    count_grants(queue, grant.made, grant.reused);
    *record = grant.record;
    return 0;
}

/* How many segments more the slot has room for as it is. */
static uint32_t room_left(const struct part *part)
{
    const struct slot *slot = part->slot;
    uint32_t room = slot->indirect_count == 0
                        ? BLKIF_WIRE_SEGMENTS
                        : (uint32_t)slot->indirect_count * BLKIF_WIRE_SEGMENTS_PER_PAGE;

    return (room < part->limit ? room : part->limit) - slot->segment_count;
}

/* Pages of the buffer, as far as there is room for them: 0, or why the next one is not granted. */
static int add_direct(struct part *part)
{
    const struct blkfront_memory *memory = part->cursor.buffers[part->cursor.index].memory;
    const uint16_t domid = part->queue->device->agreed.backend_id;
    const unsigned char *begin = cursor_at(&part->cursor);
    const unsigned char *end = begin + part_left(part);
    const unsigned char *at;
    uint32_t room = room_left(part);
    uint32_t made = 0, reused = 0;
    size_t bytes;
    int r = 0;

    for (at = begin; at != end && room > 0; at += bytes, room--) {
        size_t offset = page_offset(at);
        struct grant grant;

        r = grant_begin(memory->block, memory_page(memory, at), domid, part->writable, &grant);
        if (r != 0)
            break;
        made += grant.made;
        reused += grant.reused;
        bytes = in_page(offset, (size_t)(end - at));
        add_segment(part, memory->block, grant.record, offset, bytes, false);
    }
    cursor_advance(&part->cursor, (size_t)(at - begin));
    part->left -= (size_t)(at - begin);
    count_grants(part->queue, made, reused);
    return r;
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
    uint32_t record;
    size_t used = 0;
    int r = take_page(queue, pool, part->writable, &record);

    if (r != 0)
        return r;
    page = pool_page(pool, record);
    if (!queue->device->agreed.trusted)
        shared_zero(page, BLKIF_WIRE_PAGE_SIZE); /* I6 */
    while (part->left > 0 && used < BLKIF_WIRE_PAGE_SIZE) {
        size_t bytes = part_left(part);

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
    part->slot->bounced = true;
    add_segment(part, pool->block, record, 0, used, true);
    return 0;
}

/* One segment more at least: of the buffer's own pages, or one that is copied. */
static int add_piece(struct part *part, bool direct)
{
    size_t forced = 0;

    if (direct) {
        int r = add_direct(part);

        if (r < 0 && shortage_relieve(part->queue))
            r = add_direct(part);
        if (r == 0)
            return 0;
        /* The page is held, or in flight in too many pieces; or there is no grant for it, for which
         * a page that is granted already may do. */
        forced = in_page(page_offset(cursor_at(&part->cursor)), part_left(part));
    }
    return add_bounced(part, forced);
}

/*
 * Room for one more segment: from the twelfth on in a longer array and in an indirect page, which
 * is granted before the data's page is, so that a part never holds data that it cannot send. Pages
 * of the list go to the backend only; but where it keeps grants mapped, it maps all of them
 * writable (blkif.h, note 8).
 */
static bool make_room(struct part *part)
{
    struct blkfront_queue *queue = part->queue;
    struct slot *slot = part->slot;

    if (room_left(part) > 0)
        return true;
    if (slot->segments == slot->own && !slots_lengthen(&queue->slots, slot))
        return false;
    if (take_page(queue, queue->pool_to_disk, queue->device->agreed.persistent,
                  &slot->indirect[slot->indirect_count]) != 0)
        return false;
    slot->indirect_count++;
    return true;
}

/* A barrier is a direct request: there is no indirect one (blkif.h, indirect_op). */
static uint32_t segment_limit(const struct blkfront_queue *queue,
                              const struct blkfront_request *request)
{
    uint32_t limit = agreed_number(&queue->device->agreed.segments);

    return limit > BLKIF_WIRE_SEGMENTS && (request->flags & BLKFRONT_BARRIER) != 0
               ? BLKIF_WIRE_SEGMENTS
               : limit;
}

static bool wants_more(const struct part *part)
{
    return part->left > 0 && part->slot->segment_count < part->limit;
}

/* What goes for a buffer goes for all of it. False: there is no page or no grant for more. */
static bool add_buffer(struct part *part)
{
    struct slot *slot = part->slot;
    const size_t index = part->cursor.index;
    const bool direct = goes_direct(part, &part->cursor.buffers[index]);

    do {
        const uint32_t pages = slot->indirect_count, segments = slot->segment_count;

        if (!make_room(part))
            return false;
        if (add_piece(part, direct) != 0) {
            /* Room for a segment that has not come. */
            if (slot->indirect_count > pages && slot->segment_count == segments)
                pool_give(part->queue->pool_to_disk, slot->indirect[--slot->indirect_count],
                          part->queue->device->agreed.keeps_grants);
            return false;
        }
    } while (part->cursor.index == index && wants_more(part));
    return true;
}

static void fill(struct part *part)
{
    while (wants_more(part) && add_buffer(part))
        continue;
}

/* ---- putting it on the ring ---- */

static struct blkif_wire_segment entry_of(const struct slot_segment *segment)
{
    return (struct blkif_wire_segment){
        .grant_ref = grant_ref(segment->block, segment->record),
        .first_512 = segment->first_512,
        .last_512 = segment->last_512,
    };
}

/* The segments' list into the indirect pages, which are never read again: what the backend makes of
 * them is no news to us (I1). */
static void write_indirect(const struct part *part, uint32_t *refs)
{
    const struct slot *slot = part->slot;
    const struct pool *pool = part->queue->pool_to_disk;

    for (uint32_t page = 0; page < slot->indirect_count; page++) {
        refs[page] = grant_ref(pool->block, slot->indirect[page]);
        if (!part->queue->device->agreed.trusted)
            shared_zero(pool_page(pool, slot->indirect[page]), BLKIF_WIRE_PAGE_SIZE);
    }
    for (uint32_t i = 0; i < slot->segment_count; i++) {
        const struct blkif_wire_segment entry = entry_of(&slot->segments[i]);
        unsigned char *page = pool_page(pool, slot->indirect[i / BLKIF_WIRE_SEGMENTS_PER_PAGE]);

        shared_copy_slot_out(page + i % BLKIF_WIRE_SEGMENTS_PER_PAGE * sizeof(entry), &entry,
                             sizeof(entry));
    }
}

/* By the direction, never by the flags alone. */
static enum blkif_wire_op operation_of(const struct blkfront_request *request)
{
    if (request->operation == BLKFRONT_READ)
        return BLKIF_WIRE_READ;
    return (request->flags & BLKFRONT_BARRIER) != 0 ? BLKIF_WIRE_WRITE_BARRIER : BLKIF_WIRE_WRITE;
}

static void put_part(struct part *part, struct blkfront_request *request)
{
    struct blkfront_request_internal *in = &request->internal;
    struct blkfront_queue *queue = part->queue;
    struct slot *slot = part->slot;
    struct blkfront_statistics *statistics = &queue->statistics;
    struct blkif_wire_segment entries[BLKIF_WIRE_SEGMENTS];
    uint32_t refs[BLKIF_WIRE_INDIRECT_PAGES];
    struct wire_request wire = {
        .operation = operation_of(request),
        .sector_512 = in->next_512,
        .segment_count = (uint16_t)slot->segment_count,
        .segments = entries,
        .page_refs = refs,
    };

    if (slot->indirect_count > 0) {
        wire.inner = wire.operation;
        wire.operation = BLKIF_WIRE_INDIRECT;
        write_indirect(part, refs);
        statistics_add(&statistics->indirect, 1);
    } else {
        for (uint32_t i = 0; i < slot->segment_count; i++)
            entries[i] = entry_of(&slot->segments[i]);
    }
    queue->short_pause_ns = 0;
    slot->request = request;
    slot->buffer_index = in->buffer_index;
    slot->buffer_offset = in->buffer_offset;
    slot->first_512 = in->next_512;
    slot->bytes = in->bytes_left - part->left;
    in->next_512 += slot->bytes / BLKIF_WIRE_UNIT;
    in->bytes_left = part->left;
    in->buffer_index = part->cursor.index;
    in->buffer_offset = part->cursor.offset;
    queue_put(queue, slot, &wire);
    statistics_add(slot->bounced ? &statistics->bounced : &statistics->direct, 1);
    if (part->copied > 0)
        statistics_add(&statistics->bytes_copied, part->copied);
}

int part_issue(struct blkfront_queue *queue, struct blkfront_request *request)
{
    const struct blkfront_request_internal *in = &request->internal;
    struct part part;

    part.slot = queue_take_slot(queue);
    if (part.slot == NULL)
        return ISSUE_BLOCKED;
    part.queue = queue;
    part.request = request;
    part.cursor = (struct cursor){request->buffers, in->buffer_index, in->buffer_offset};
    part.left = in->bytes_left;
    part.copied = 0;
    part.limit = segment_limit(queue, request);
    part.writable = request->operation == BLKFRONT_READ || queue->device->agreed.persistent;
    fill(&part);
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

    if (!slot->bounced)
        return;
    for (uint32_t i = 0; i < slot->segment_count; i++) {
        const struct slot_segment *segment = &slot->segments[i];
        const unsigned char *from =
            segment->bounced ? grant_page(segment->block, segment->record) : NULL;
        size_t left = ((size_t)segment->last_512 - segment->first_512 + 1) * BLKIF_WIRE_UNIT;

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
    statistics_add(&queue->statistics.bytes_copied, copied);
}
