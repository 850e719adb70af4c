/* SPDX-License-Identifier: ISC */
/*
 * Requests, and what the backend makes of them. What is published on a connection as it should be
 * is kept in a book: each is answered once, with its id and its operation and zeros around them;
 * one that is good with success, one that is certainly bad with an error and a complaint. One that
 * comes alone is judged by the disk and our pages too. Where we have changed a slot, a grant or an
 * index under the backend's eyes, only what can still be known is asked for.
 */
#include <inttypes.h>
#include <string.h>

#include "mirror_internal.h"

/* ---- the ring ---- */

static uint8_t *ring_byte(const struct mirror_queue *queue, uint32_t offset)
{
    return queue->mirror->memory + (size_t)queue->index * MIRROR_RING_PAGES * BLKIF_WIRE_PAGE_SIZE +
           offset;
}

static uint32_t slot_offset(const struct mirror_queue *queue, uint32_t index)
{
    return (uint32_t)BLKIF_WIRE_RING_HEADER + index % queue->size * queue->slot_size;
}

static uint32_t load_word(const struct mirror_queue *queue, enum simback_ring_word word)
{
    uint32_t value;

    memcpy(&value, ring_byte(queue, (uint32_t)word * 4), sizeof(value));
    return value;
}

static void store_word(const struct mirror_queue *queue, enum simback_ring_word word,
                       uint32_t value)
{
    memcpy(ring_byte(queue, (uint32_t)word * 4), &value, sizeof(value));
}

/* Where the backend goes by the indices in the ring it may begin anywhere. */
void mirror_begin_ring(struct mirror_queue *queue)
{
    struct mirror *mirror = queue->mirror;
    static const uint32_t starts[] = {0, 0, 31, 0x7ffffff0, 0xfffffff0};
    const bool attach = mirror->options.attach || mirror->options.dialect->attach;
    const uint32_t start = attach ? starts[mirror_draw(mirror, 5)] : 0;
    uint32_t bytes;

    queue->page_count = 1u << mirror->order;
    queue->slot_size = mirror->abi_32 ? BLKIF_WIRE_SLOT_32 : BLKIF_WIRE_SLOT_64;
    bytes = queue->page_count * BLKIF_WIRE_PAGE_SIZE;
    for (queue->size = 1; queue->size * 2 * queue->slot_size + BLKIF_WIRE_RING_HEADER <= bytes;) {
        queue->size *= 2;
    }
    memset(ring_byte(queue, 0), 0, bytes);
    queue->req_prod = queue->published = queue->rsp_cons = start;
    store_word(queue, SIMBACK_REQ_PROD, start);
    store_word(queue, SIMBACK_RSP_PROD, start);
    store_word(queue, SIMBACK_REQ_EVENT, start + 1);
    store_word(queue, SIMBACK_RSP_EVENT, start + 1);
    memset(queue->requests, 0, sizeof(queue->requests));
    queue->blind = queue->loose = queue->may_die = false;
}

/* A request may have read over the words of a ring: nobody knows what it counts any more. */
static bool is_read_over(struct mirror_queue *queue)
{
    if (!queue->blind && load_word(queue, SIMBACK_REQ_PROD) != queue->published) {
        queue->blind = queue->loose = true;
    }
    return queue->blind;
}

/* Without a notification where the backend has asked for none: it finds the request by itself
 * (I14). */
static void push(struct mirror_queue *queue)
{
    const struct blkfront_platform *platform = queue->mirror->platform;
    const uint32_t old = queue->published, new = queue->req_prod;
    bool notify = true;

    if (!is_read_over(queue)) {
        store_word(queue, SIMBACK_REQ_PROD, new);
        queue->published = new;
        notify = new - load_word(queue, SIMBACK_REQ_EVENT) < new - old;
    }
    if (queue->port_open && notify) {
        (void)platform->port_notify(platform->context, queue->channels, queue->port);
    }
}

/* Nothing waits but for events: none of the barriers that what another ring answers sets free. */
bool mirror_waits_for_events(const struct mirror *mirror)
{
    bool waits = mirror->fair;

    for (uint32_t i = 0; i < mirror->queue_count; i++) {
        const struct mirror_queue *queue = &mirror->queues[i];

        waits = waits && !queue->blind && !queue->loose;
        for (uint32_t j = 0; j < queue->size; j++) {
            waits = waits &&
                    !(queue->requests[j].out && queue->requests[j].op == BLKIF_WIRE_WRITE_BARRIER);
        }
    }
    return waits;
}

/* ---- making requests ---- */

/* As the layout of 64 bits has it; that of 32 is the same without the padding. */
union slot {
    struct blkif_wire_request_64 direct;
    struct blkif_wire_indirect_64 indirect;
    struct blkif_wire_discard_64 discard;
    uint8_t bytes[BLKIF_WIRE_SLOT_64];
};

/* What the last request is about, to judge what it did. */
struct shape {
    uint64_t sector_512, count_512;
    uint32_t segment_count;
    struct blkif_wire_segment segments[MIRROR_DISK_512];
    uint8_t pages[MIRROR_DISK_512];
};

static struct mirror_request *put_slot(struct mirror_queue *queue, const union slot *slot)
{
    struct mirror_request *request = &queue->requests[queue->req_prod % queue->size];
    uint8_t *to = ring_byte(queue, slot_offset(queue, queue->req_prod));

    if (queue->mirror->abi_32) {
        memset(to, 0, BLKIF_WIRE_SLOT_32);
        memcpy(to, slot->bytes, 4);
        memcpy(to + 4, slot->bytes + 8, BLKIF_WIRE_SLOT_64 - 8);
    } else {
        memcpy(to, slot->bytes, BLKIF_WIRE_SLOT_64);
    }
    queue->req_prod++;
    *request = (struct mirror_request){
        .id = slot->direct.id, .op = slot->bytes[0], .inner = slot->bytes[1], .out = true};
    queue->mirror->result->requests++;
    return request;
}

static uint64_t new_id(struct mirror *mirror)
{
    return ++mirror->next_id | (uint64_t)mirror_draw(mirror, 256) << 56;
}

/* Each on a page, or a part of a page, of its own: so that a read's data can be told apart. */
static void choose_segments(struct mirror *mirror, struct shape *shape, bool indirect)
{
    const uint32_t most = indirect ? 64 : BLKIF_WIRE_SEGMENTS;

    shape->segment_count = 1 + mirror_draw(mirror, most);
    shape->count_512 = 0;
    for (uint32_t i = 0; i < shape->segment_count; i++) {
        const uint32_t parts = mirror_draw(mirror, 64);
        const uint32_t page = MIRROR_DATA + i % (indirect ? 8u : (uint32_t)MIRROR_DATA_PAGES);
        const uint32_t one = i / 8;

        shape->pages[i] = (uint8_t)page;
        shape->segments[i] = (struct blkif_wire_segment){
            .grant_ref = mirror->pages[page].ref,
            .first_512 = (uint8_t)(indirect ? one : parts % 8),
            .last_512 = (uint8_t)(indirect ? one : parts % 8 + parts / 8 % (8 - parts % 8)),
        };
        shape->count_512 +=
            (uint64_t)shape->segments[i].last_512 - shape->segments[i].first_512 + 1;
    }
    shape->sector_512 = mirror_draw(mirror, (uint32_t)(MIRROR_DISK_512 - shape->count_512) + 1);
}

static void fill_slot(struct mirror *mirror, union slot *slot, const struct shape *shape,
                      uint8_t op, bool indirect)
{
    memset(slot, 0, sizeof(*slot));
    if (indirect) {
        slot->indirect = (struct blkif_wire_indirect_64){
            .operation = BLKIF_WIRE_INDIRECT,
            .indirect_operation = op,
            .segment_count = (uint16_t)shape->segment_count,
            .handle = MIRROR_VDEV,
            .sector_512 = shape->sector_512,
            .page_grant_refs = {mirror->pages[MIRROR_INDIRECT].ref},
        };
        memcpy(mirror->memory + (size_t)MIRROR_INDIRECT * BLKIF_WIRE_PAGE_SIZE, shape->segments,
               shape->segment_count * sizeof(shape->segments[0]));
    } else {
        slot->direct = (struct blkif_wire_request_64){
            .operation = op,
            .segment_count = (uint8_t)shape->segment_count,
            .handle = MIRROR_VDEV,
            .sector_512 = shape->sector_512,
        };
        memcpy(slot->direct.segments, shape->segments, sizeof(slot->direct.segments));
    }
    slot->direct.id = new_id(mirror);
}

/* One thing about a direct request that no backend can let pass. */
static void spoil(struct mirror *mirror, union slot *slot)
{
    struct blkif_wire_request_64 *direct = &slot->direct;
    const uint32_t at = mirror_draw(mirror, direct->segment_count);
    struct blkif_wire_segment *segment = &direct->segments[at];

    switch (mirror_draw(mirror, 8)) {
    case 0: direct->sector_512 = MIRROR_DISK_512 + mirror_draw(mirror, 4); break;
    case 1: direct->sector_512 = UINT64_MAX - mirror_draw(mirror, 12); break;
    case 2: direct->sector_512 = (UINT64_C(1) << (32 + mirror_draw(mirror, 32))); break;
    case 3: segment->last_512 = (uint8_t)(8 + mirror_draw(mirror, 248)); break;
    case 4:
        segment->first_512 = 3;
        segment->last_512 = 2;
        break;
    case 5: segment->grant_ref ^= 1u << (8 + mirror_draw(mirror, 24)); break;
    case 6: direct->segment_count = (uint8_t)(12 + mirror_draw(mirror, 244)); break;
    default: /* a page that it may not write */
        if (direct->operation == BLKIF_WIRE_READ) {
            segment->grant_ref = mirror->pages[MIRROR_READ_ONLY].ref;
        } else {
            segment->grant_ref = 0;
        }
        break;
    }
}

/* ---- answers ---- */

static struct mirror_request *find(struct mirror_queue *queue, uint64_t id)
{
    for (uint32_t i = 0; i < queue->size; i++) {
        if (queue->requests[i].out && queue->requests[i].id == id) {
            return &queue->requests[i];
        }
    }
    return NULL;
}

static void judge_response(struct mirror_queue *queue,
                           const struct blkif_wire_response_64 *response)
{
    struct mirror *mirror = queue->mirror;
    struct mirror_request *request = find(queue, response->id);

    queue->status = response->status;
    if (request == NULL) {
        mirror_wrong(mirror, "an answer to id %" PRIx64 ", which is not out", response->id);
        return;
    }
    request->out = false;
    if (response->operation != request->op &&
        !(request->op == BLKIF_WIRE_INDIRECT && response->operation == request->inner)) {
        mirror_wrong(mirror, "an answer to operation %u with operation %u", request->op,
                     response->operation);
    }
    if (response->padding != 0 || response->padding_2 != 0) {
        mirror_wrong(mirror, "an answer with something in its padding");
    }
    if ((request->expect == EXPECT_OKAY && response->status != BLKIF_WIRE_OKAY) ||
        (request->expect == EXPECT_ERROR && response->status == BLKIF_WIRE_OKAY)) {
        mirror_wrong(mirror, "operation %u, which is %s, is answered with %d", request->op,
                     request->expect == EXPECT_OKAY ? "good" : "bad", response->status);
    }
}

static void take_queue(struct mirror_queue *queue)
{
    struct mirror *mirror = queue->mirror;
    const uint32_t rsp_prod = load_word(queue, SIMBACK_RSP_PROD);

    if (rsp_prod - queue->rsp_cons > queue->req_prod - queue->rsp_cons) {
        mirror_wrong(mirror, "rsp_prod is %" PRIu32 ", req_prod %" PRIu32, rsp_prod,
                     queue->req_prod);
        return;
    }
    while (queue->rsp_cons != rsp_prod) {
        struct blkif_wire_response_64 response = {0};

        memcpy(&response, ring_byte(queue, slot_offset(queue, queue->rsp_cons++)),
               mirror->abi_32 ? sizeof(struct blkif_wire_response_32) : sizeof(response));
        if (!queue->loose) {
            judge_response(queue, &response);
        }
    }
    store_word(queue, SIMBACK_RSP_EVENT, queue->rsp_cons + 1);
    if (queue->rsp_cons == queue->req_prod) {
        queue->loose = false;
        memset(queue->requests, 0, sizeof(queue->requests));
    } else if (!queue->may_die && mirror->rests) {
        mirror_wrong(mirror, "at rest, and %" PRIu32 " requests of queue %u are not answered",
                     queue->req_prod - queue->rsp_cons, queue->index);
    }
}

void mirror_take(struct mirror *mirror)
{
    for (uint32_t i = 0; mirror->fair && i < mirror->queue_count; i++) {
        if (!is_read_over(&mirror->queues[i])) {
            take_queue(&mirror->queues[i]);
        }
    }
}

/* ---- one alone ---- */

static void read_disk(struct mirror *mirror, uint8_t *to)
{
    if (simback_disk_read(simback_backend_disk(mirror->backend), 0, MIRROR_DISK_512, to) != 0) {
        mirror_wrong(mirror, "the disk cannot be read");
    }
}

/* The data of a read is in our pages, that of a write on the disk and nothing else has changed
 * there. */
static void compare(struct mirror *mirror, const struct shape *shape, bool write)
{
    uint64_t unit = shape->sector_512;

    for (uint32_t i = 0; i < shape->segment_count; i++) {
        const struct blkif_wire_segment *segment = &shape->segments[i];
        const size_t length =
            ((size_t)segment->last_512 - segment->first_512 + 1) * BLKIF_WIRE_UNIT;
        const uint8_t *page = mirror->memory + (size_t)shape->pages[i] * BLKIF_WIRE_PAGE_SIZE +
                              (size_t)segment->first_512 * BLKIF_WIRE_UNIT;
        uint8_t *expected = mirror->before + (size_t)unit * BLKIF_WIRE_UNIT;

        if (write) {
            memcpy(expected, page, length);
        } else if (memcmp(expected, page, length) != 0) {
            mirror_wrong(mirror, "segment %" PRIu32 " of a read is not what the disk has", i);
        }
        unit += length / BLKIF_WIRE_UNIT;
    }
    if (memcmp(mirror->before, mirror->after, sizeof(mirror->before)) != 0) {
        mirror_wrong(mirror, "the disk is not what it must be after a %s",
                     write ? "write" : "read");
    }
}

static void judge_discard(struct mirror *mirror, const union slot *slot, int16_t status)
{
    const struct blkif_wire_discard_64 *discard = &slot->discard;

    if (status == BLKIF_WIRE_OKAY && discard->count_512 <= MIRROR_DISK_512 &&
        discard->sector_512 <= MIRROR_DISK_512 - discard->count_512) {
        memset(mirror->before + discard->sector_512 * BLKIF_WIRE_UNIT, 0,
               (size_t)discard->count_512 * BLKIF_WIRE_UNIT);
    }
    if (memcmp(mirror->before, mirror->after, sizeof(mirror->before)) != 0) {
        mirror_wrong(mirror, "the disk is not what it must be after a discard");
    }
}

static void serve_one(struct mirror *mirror, struct mirror_queue *queue, const union slot *slot,
                      enum mirror_expect expect)
{
    struct simback_backend_counters before, after;

    put_slot(queue, slot)->expect = expect;
    simback_backend_get_counters(mirror->backend, &before);
    read_disk(mirror, mirror->before);
    push(queue);
    if (expect == EXPECT_ERROR && mirror->options.dialect->dies) {
        queue->may_die = true;
    }
    mirror_run(mirror);
    read_disk(mirror, mirror->after);
    queue->status = BLKIF_WIRE_ERROR; /* also for one that died of it */
    mirror_take(mirror);
    simback_backend_get_counters(mirror->backend, &after);
    if (expect == EXPECT_ERROR && after.complaints == before.complaints) {
        mirror_wrong(mirror, "a bad request, and no complaint");
    }
    if (expect == EXPECT_OKAY && after.complaints != before.complaints) {
        mirror_wrong(mirror, "a good request, and a complaint");
    }
    mirror->result->judged++;
}

static void one_discard(struct mirror *mirror, struct mirror_queue *queue)
{
    static const uint64_t far[] = {
        0, 1, UINT64_MAX, UINT64_MAX / 2 + 1, MIRROR_DISK_512, UINT64_C(1) << 55};
    const uint64_t near = mirror_draw(mirror, MIRROR_DISK_512 + 1);
    const uint64_t sector = near + (mirror_draw(mirror, 4) == 0 ? far[mirror_draw(mirror, 6)] : 0);
    const uint64_t count =
        mirror_draw(mirror, 3) == 0 ? far[mirror_draw(mirror, 6)] : mirror_draw(mirror, 40);
    const bool fits = count <= MIRROR_DISK_512 && sector <= MIRROR_DISK_512 - count;
    const uint8_t flag = (uint8_t)mirror_draw(mirror, 3);
    const union slot slot = {.discard = {.operation = BLKIF_WIRE_DISCARD,
                                         .flag = flag,
                                         .id = new_id(mirror),
                                         .sector_512 = sector,
                                         .count_512 = count}};

    serve_one(mirror, queue, &slot, fits && !mirror->read_only ? EXPECT_ANY : EXPECT_ERROR);
    judge_discard(mirror, &slot, queue->status);
}

static void one_transfer(struct mirror *mirror, struct mirror_queue *queue)
{
    const uint32_t choice = mirror_draw(mirror, 16);
    const uint8_t op = choice % 2 != 0 ? BLKIF_WIRE_WRITE : BLKIF_WIRE_READ;
    const bool indirect = choice >= 12 && mirror->options.segments >= 64;
    const bool bad = (choice >= 8 && choice < 12) || (op == BLKIF_WIRE_WRITE && mirror->read_only);
    struct shape shape = {0};
    union slot slot;

    choose_segments(mirror, &shape, indirect);
    fill_slot(mirror, &slot, &shape, op, indirect);
    if (bad && !indirect && choice >= 8) {
        spoil(mirror, &slot);
    }
    serve_one(mirror, queue, &slot, bad ? EXPECT_ERROR : EXPECT_OKAY);
    if (bad) {
        shape.segment_count = 0;
    }
    compare(mirror, &shape, op == BLKIF_WIRE_WRITE);
}

/* What another ring makes the backend complain of would count against this one's request. */
static bool can_judge(const struct mirror *mirror)
{
    bool can = mirror->fair;

    for (uint32_t i = 0; i < mirror->queue_count; i++) {
        const struct mirror_queue *queue = &mirror->queues[i];

        can = can && !queue->blind && !queue->may_die && queue->rsp_cons == queue->req_prod;
    }
    return can;
}

void mirror_judge_one(struct mirror *mirror)
{
    struct mirror_queue *queue;

    if (!can_judge(mirror)) {
        mirror_connect(mirror);
    }
    if (mirror->over) {
        return;
    }
    queue = &mirror->queues[mirror_draw(mirror, mirror->queue_count)];
    /* A page of it differs from the rest and from what was there. */
    for (uint32_t i = 0; i < MIRROR_DATA_PAGES; i++) {
        memset(mirror->memory + (size_t)(MIRROR_DATA + i) * BLKIF_WIRE_PAGE_SIZE,
               (int)(mirror->next_id * 16 + i), BLKIF_WIRE_PAGE_SIZE);
    }
    if (mirror_draw(mirror, 4) == 0) {
        one_discard(mirror, queue);
    } else {
        one_transfer(mirror, queue);
    }
}

/* ---- many, of any kind ---- */

static void put_garbage(struct mirror *mirror, struct mirror_queue *queue)
{
    struct shape shape = {0};
    union slot slot;
    uint8_t op;

    choose_segments(mirror, &shape, false);
    op = (uint8_t)mirror_draw(mirror, 8);
    fill_slot(mirror, &slot, &shape, op, mirror_draw(mirror, 4) == 0);
    for (uint32_t i = mirror_draw(mirror, 6); i > 0; i--) {
        const uint32_t at = mirror_draw(mirror, BLKIF_WIRE_SLOT_64);

        if (at < 4 || at >= 16) { /* ids stay different from each other */
            slot.bytes[at] = (uint8_t)mirror_draw(mirror, 256);
        }
    }
    (void)put_slot(queue, &slot);
}

void mirror_burst(struct mirror *mirror)
{
    struct mirror_queue *queue = &mirror->queues[mirror_draw(mirror, mirror->queue_count)];
    const uint32_t room = queue->size - (queue->req_prod - queue->rsp_cons);
    uint32_t count = 1 + mirror_draw(mirror, 12);

    if (room < queue->size && queue->blind) {
        return;
    }
    queue->may_die = queue->may_die || mirror->options.dialect->dies;
    for (count = count < room ? count : room; count > 0; count--) {
        put_garbage(mirror, queue);
    }
    push(queue);
    mirror->strike = mirror_draw(mirror, 2) == 0 ? 1 + mirror_draw(mirror, 200) : 0;
    mirror_run(mirror);
    mirror->strike = 0;
    mirror_take(mirror);
}

/* ---- under the backend's eyes ---- */

static void tamper_index(struct mirror *mirror, struct mirror_queue *queue)
{
    const enum simback_ring_word word = (enum simback_ring_word)mirror_draw(mirror, 4);
    const uint32_t now = load_word(queue, word);
    const uint32_t values[] = {
        now + 1,          now - 1, now + queue->size, now + queue->size + 1,
        now + 0x80000000, 0,       UINT32_MAX,        (uint32_t)mirror_draw_64(mirror)};

    queue->blind = true;
    store_word(queue, word, values[mirror_draw(mirror, 8)]);
}

static void tamper_memory(struct mirror *mirror, uint32_t page)
{
    const uint32_t at = mirror_draw(mirror, BLKIF_WIRE_PAGE_SIZE / 8) * 8;
    const uint64_t value = mirror_draw_64(mirror);

    if (page % MIRROR_RING_PAGES != 0 || page >= MIRROR_RINGS || at >= BLKIF_WIRE_RING_HEADER) {
        memcpy(mirror->memory + (size_t)page * BLKIF_WIRE_PAGE_SIZE + at, &value, sizeof(value));
    }
}

static void tamper_grant(struct mirror *mirror)
{
    const uint32_t page = mirror_draw(mirror, MIRROR_PAGES);

    if (mirror->pages[page].granted) {
        mirror_revoke(mirror, page);
    } else {
        mirror_grant(mirror, page, mirror_draw(mirror, 2) != 0);
    }
    /* Rings and data are not what a good request relies on any more. */
    mirror->fair = false;
}

/* One more request while others are served. */
static void push_late(struct mirror *mirror, struct mirror_queue *queue)
{
    struct shape shape = {0};
    union slot slot;

    if (queue->req_prod - queue->rsp_cons < queue->size) {
        choose_segments(mirror, &shape, false);
        fill_slot(mirror, &slot, &shape, BLKIF_WIRE_READ, false);
        (void)put_slot(queue, &slot);
        push(queue);
    }
}

void mirror_strike(struct mirror *mirror)
{
    struct mirror_queue *queue = &mirror->queues[mirror_draw(mirror, mirror->queue_count)];

    if (mirror->fair && !queue->blind && mirror_draw(mirror, 2) == 0) {
        push_late(mirror, queue);
    } else {
        mirror_tamper(mirror);
    }
}

void mirror_tamper(struct mirror *mirror)
{
    struct mirror_queue *queue = &mirror->queues[mirror_draw(mirror, MIRROR_QUEUES)];

    for (uint32_t i = 0; i < MIRROR_QUEUES; i++) {
        mirror->queues[i].loose = true;
        mirror->queues[i].may_die = mirror->queues[i].may_die || mirror->options.dialect->dies;
    }
    switch (mirror_draw(mirror, 6)) {
    case 0: tamper_index(mirror, queue); break;
    case 1: tamper_grant(mirror); break;
    case 2: tamper_memory(mirror, mirror_draw(mirror, MIRROR_PAGES)); break;
    default:
        tamper_memory(mirror, (uint32_t)queue->index * MIRROR_RING_PAGES +
                                  mirror_draw(mirror, queue->page_count));
        break;
    }
}
