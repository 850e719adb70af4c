/* SPDX-License-Identifier: ISC */
/*
 * The data of a request: copies and checks its segments, maps their pages, moves the data between
 * them and the disk, lets go of them. Pages are mapped with the rights that the operation needs and
 * for just that, unless they are kept (mappings.c). A request that waits for its answer keeps its
 * pages mapped meanwhile, as a backend does that has given them to a disk.
 */
#include "backend_internal.h"

#include <blkfront/platform.h>

#include <inttypes.h>
#include <string.h>

/* ---- segments ---- */

/* I9 as a backend sees it: inside the page, in order, whole sectors. In 512-byte units from here
 * on, whatever the dialect counts in. */
static bool segment_ok(struct backend_queue *queue, const struct slot_request *request,
                       uint32_t index)
{
    const struct simback_backend *backend = queue->backend;
    struct blkif_wire_segment *segment = &queue->segments[index];
    const uint32_t units = backend->sector_units;
    const uint32_t first = segment->first_512 * backend->segment_units;
    const uint32_t last = (segment->last_512 + 1) * backend->segment_units - 1;

    if (last >= BLKIF_WIRE_UNITS_PER_PAGE || first > last) {
        REFUSE(queue, request,
               "segment %" PRIu32 " covers units %" PRIu32 " to %" PRIu32 " of a page", index,
               first, last);
        return false;
    }
    if (units != 1 && (first % units != 0 || (last - first + 1) % units != 0)) {
        REFUSE(queue, request,
               "segment %" PRIu32 " (units %" PRIu32 " to %" PRIu32
               ") is not made of whole sectors of %" PRIu32 " units",
               index, first, last, units);
        return false;
    }
    segment->first_512 = (uint8_t)first;
    segment->last_512 = (uint8_t)last;
    return true;
}

/* Copies segments out of an indirect page, each word of which is loaded once. */
static void copy_segments(const struct simback_host *host, const volatile uint32_t *words,
                          uint32_t count, struct blkif_wire_segment *to)
{
    for (uint32_t i = 0; i < count; i++, words += 2) {
        uint32_t copy[2];

        _Static_assert(sizeof(copy) == sizeof(*to), "a segment is two words");
        ring_tell_load(host, &words[0], sizeof(copy[0]));
        copy[0] = __atomic_load_n(&words[0], __ATOMIC_RELAXED);
        ring_tell_load(host, &words[1], sizeof(copy[1]));
        copy[1] = __atomic_load_n(&words[1], __ATOMIC_RELAXED);
        memcpy(&to[i], copy, sizeof(copy));
    }
}

/* Copies the segments of an indirect request. */
static bool copy_indirect(struct backend_queue *queue, const struct slot_request *request)
{
    struct simback_backend *backend = queue->backend;
    const struct simback_host *host = backend->host;
    const uint32_t count = request->segment_count;
    const uint32_t page_count =
        (count + BLKIF_WIRE_SEGMENTS_PER_PAGE - 1) / BLKIF_WIRE_SEGMENTS_PER_PAGE;
    void *pages[BLKIF_WIRE_INDIRECT_PAGES];
    int result;

    if (page_count > backend->dialect->indirect_pages) {
        REFUSE(queue, request, "%" PRIu32 " indirect pages, at most %u are possible", page_count,
               backend->dialect->indirect_pages);
        queue->dead = backend->dialect->dies;
        return false;
    }
    if (request->harm == HARM_UNMAPPED)
        return false; /* the frontend is not to blame */
    result = host->map(host->context, backend->options.front_domid, request->data.page_refs,
                       page_count, false, pages);
    if (result != 0) {
        REFUSE(queue, request,
               "%" PRIu32 " indirect pages, first reference %" PRIu32 ": cannot be mapped (%d)",
               page_count, request->data.page_refs[0], result);
        queue->dead = backend->dialect->dies;
        return false;
    }
    for (uint32_t page = 0; page < page_count; page++) {
        const uint32_t first = page * BLKIF_WIRE_SEGMENTS_PER_PAGE, left = count - first;

        copy_segments(host, (const volatile uint32_t *)pages[page],
                      left < BLKIF_WIRE_SEGMENTS_PER_PAGE ? left : BLKIF_WIRE_SEGMENTS_PER_PAGE,
                      &queue->segments[first]);
    }
    connect_unmap(backend, request->data.page_refs, pages, page_count);
    return true;
}

/* Puts the checked segments and their references into the queue's; the length in units, or 0:
 * refused. */
static uint32_t collect_segments(struct backend_queue *queue, const struct slot_request *request)
{
    const bool indirect = request->operation == BLKIF_WIRE_INDIRECT;
    const uint32_t units = queue->backend->sector_units;
    const uint32_t most = indirect ? queue->backend->segments : (uint32_t)BLKIF_WIRE_SEGMENTS;
    uint32_t length = 0;

    if (request->segment_count > most) {
        REFUSE(queue, request, "%u segments, at most %" PRIu32 " are possible",
               request->segment_count, most);
        return 0;
    }
    if (indirect && !copy_indirect(queue, request))
        return 0;
    for (uint32_t i = 0; i < request->segment_count; i++) {
        struct blkif_wire_segment *segment = &queue->segments[i];

        if (!indirect)
            *segment = request->data.segments[i];
        if (!segment_ok(queue, request, i))
            return 0;
        queue->refs[i] = segment->grant_ref;
        length += (uint32_t)segment->last_512 - segment->first_512 + 1;
    }
    if (units != 1 && request->sector_512 % units != 0) {
        REFUSE(queue, request,
               "unit %" PRIu64 " is not the beginning of a sector of %" PRIu32 " units",
               request->sector_512, units);
        return 0;
    }
    return length;
}

/* ---- pages ---- */

static bool keeps_pages(const struct backend_queue *queue)
{
    return queue->mappings.entries != NULL;
}

/* Gives back what is kept; the rest's references and pages. */
static uint32_t give_back(struct backend_queue *queue, uint32_t count)
{
    uint32_t alone = 0;

    for (uint32_t i = 0; i < count; i++) {
        if (queue->entries[i] != MAPPING_NONE) {
            mappings_give_back(queue, queue->entries[i]);
            continue;
        }
        queue->alone_refs[alone] = queue->refs[i];
        queue->alone_pages[alone++] = queue->pages[i];
    }
    return alone;
}

void transfer_release(struct backend_queue *queue)
{
    if (keeps_pages(queue)) {
        const uint32_t alone = give_back(queue, queue->prepared);

        if (alone != 0)
            connect_unmap(queue->backend, queue->alone_refs, queue->alone_pages, alone);
    } else if (queue->prepared != 0) {
        connect_unmap(queue->backend, queue->refs, queue->pages, queue->prepared);
    }
    queue->prepared = 0;
}

/* Of all pages those that are kept; how many are missing, with their references and places. */
static uint32_t find_kept(struct backend_queue *queue, uint32_t count, bool writable)
{
    uint32_t missing = 0;

    for (uint32_t i = 0; i < count; i++) {
        const uint32_t entry = mappings_take(queue, queue->refs[i], writable);

        queue->entries[i] = entry;
        if (entry != MAPPING_NONE) {
            queue->pages[i] = queue->mappings.entries[entry].page;
            continue;
        }
        queue->alone_refs[missing] = queue->refs[i];
        queue->places[missing++] = i;
    }
    return missing;
}

/* What was missing and is mapped now goes to its place, and is kept if it can be. */
static void keep_pages(struct backend_queue *queue, uint32_t missing, bool writable)
{
    for (uint32_t i = 0; i < missing; i++) {
        const uint32_t place = queue->places[i];

        queue->pages[place] = queue->alone_pages[i];
        queue->entries[place] =
            mappings_keep(queue, queue->alone_refs[i], queue->alone_pages[i], writable);
    }
}

static bool map_pages(struct backend_queue *queue, const struct slot_request *request, bool write)
{
    struct simback_backend *backend = queue->backend;
    const struct simback_host *host = backend->host;
    const bool keeps = keeps_pages(queue);
    /* What is only read is mapped read-only: a write's pages may be granted so. */
    const bool writable = !write || (keeps && backend->dialect->maps_writable);
    const uint32_t count = request->segment_count;
    const uint32_t missing = keeps ? find_kept(queue, count, writable) : count;
    const uint32_t *refs = keeps ? queue->alone_refs : queue->refs;
    int result = 0;

    if (missing != 0 && request->harm == HARM_UNMAPPED) {
        if (keeps)
            (void)give_back(queue, count);
        return false;
    }
    if (missing != 0)
        result = host->map(host->context, backend->options.front_domid, refs, missing, writable,
                           keeps ? queue->alone_pages : queue->pages);
    if (result != 0) {
        REFUSE(queue, request,
               "%" PRIu32 " pages, first reference %" PRIu32 ": cannot be mapped %s (%d)%s",
               missing, refs[0], writable ? "for writing" : "for reading", result,
               write && writable ? ", as feature-persistent=1 promises" : "");
        if (keeps)
            (void)give_back(queue, count);
        queue->dead = backend->dialect->dies;
        return false;
    }
    if (keeps)
        keep_pages(queue, missing, writable);
    queue->prepared = count;
    return true;
}

/* ---- a transfer ---- */

int16_t transfer_prepare(struct backend_queue *queue, const struct slot_request *request,
                         bool write)
{
    uint32_t length;

    if (write && !execute_may_write(queue, request))
        return BLKIF_WIRE_ERROR;
    length = collect_segments(queue, request);
    if (length == 0 || !execute_in_range(queue, request, length) ||
        !map_pages(queue, request, write))
        return BLKIF_WIRE_ERROR;
    return BLKIF_WIRE_OKAY;
}

enum { PARTS = 32 }; /* of a request's pages that the disk gets at once */

/* From the segment `next` on what still belongs to the `left` units; how many parts, and units. */
static uint32_t next_parts(const struct backend_queue *queue, uint32_t next, uint32_t left,
                           struct simback_disk_part *parts, uint32_t *length)
{
    uint32_t count = 0;

    *length = 0;
    for (; count < PARTS && next < queue->prepared && *length < left; next++) {
        const struct blkif_wire_segment *segment = &queue->segments[next];
        const uint32_t whole = (uint32_t)segment->last_512 - segment->first_512 + 1;
        const uint32_t units = whole < left - *length ? whole : left - *length;

        parts[count++] = (struct simback_disk_part){
            (uint8_t *)queue->pages[next] + (size_t)segment->first_512 * BLKIF_WIRE_UNIT, units};
        *length += units;
    }
    return count;
}

int16_t transfer_perform(struct backend_queue *queue, const struct slot_request *request,
                         bool write)
{
    struct simback_disk *disk = queue->backend->disk;
    const struct harm_plan plan = harm_plan(queue, request);
    struct simback_disk_part parts[PARTS];
    uint32_t done = 0, count, length;
    int result = 0;

    for (uint32_t i = 0; result == 0; i += count, done += length) {
        count = next_parts(queue, i, plan.reach_512 - done, parts, &length);
        if (count == 0)
            break;
        result = write ? simback_disk_write_parts(disk, plan.place_512 + done, parts, count)
                       : simback_disk_read_parts(disk, plan.place_512 + done, parts, count);
    }
    if (result == 0 && plan.spoils)
        result = harm_spoil(queue, plan.place_512, write);
    transfer_release(queue);
    return result == 0 ? BLKIF_WIRE_OKAY : BLKIF_WIRE_ERROR;
}

/* ---- pages of requests that wait ---- */

/* Few are ever used of the thousands that there may be: those are not touched. */
void transfer_init_pins(struct backend_queue *queue)
{
    queue->pin_free = PENDING_NONE;
    queue->pin_count = queue->pins_used = 0;
}

static uint32_t take_pin(struct backend_queue *queue)
{
    const uint32_t index = queue->pin_free;

    if (index == PENDING_NONE)
        return queue->pins_used++;
    queue->pin_free = queue->pins[index].next;
    return index;
}

static bool has_room_to_pin(struct backend_queue *queue)
{
    const uint64_t wanted = (uint64_t)queue->pin_count + queue->prepared;
    void *pins = queue->pins;
    const bool fits =
        wanted <= queue->pin_room || connect_grow(queue->backend->host, &pins, sizeof(*queue->pins),
                                                  &queue->pin_room, wanted, queue->pin_most);

    queue->pins = pins;
    return fits;
}

/* Without room for all of its pages it lets go of them, and maps them when it ends. */
void transfer_pin(struct backend_queue *queue, struct pending *pending)
{
    uint32_t next = PENDING_NONE;

    if (!has_room_to_pin(queue)) {
        transfer_release(queue);
        return;
    }
    for (uint32_t i = queue->prepared; i-- > 0;) {
        const uint32_t index = take_pin(queue);

        queue->pins[index] = (struct pin){
            .segment = queue->segments[i],
            .page = queue->pages[i],
            .entry = keeps_pages(queue) ? queue->entries[i] : MAPPING_NONE,
            .next = next,
        };
        next = index;
    }
    queue->pin_count += queue->prepared;
    queue->prepared = 0;
    pending->pins = next;
}

void transfer_unpin(struct backend_queue *queue, struct pending *pending)
{
    for (uint32_t index = pending->pins; index != PENDING_NONE;) {
        struct pin *pin = &queue->pins[index];
        const uint32_t next = pin->next;

        queue->segments[queue->prepared] = pin->segment;
        queue->refs[queue->prepared] = pin->segment.grant_ref;
        queue->pages[queue->prepared] = pin->page;
        if (keeps_pages(queue))
            queue->entries[queue->prepared] = pin->entry;
        queue->prepared++;
        pin->next = queue->pin_free;
        queue->pin_free = index;
        queue->pin_count--;
        index = next;
    }
    pending->pins = PENDING_NONE;
}

void transfer_drop(struct backend_queue *queue, struct pending *pending)
{
    transfer_unpin(queue, pending);
    transfer_release(queue);
}
