/* SPDX-License-Identifier: ISC */
/*
 * Which rows of a ladder belong to which requests of the application, beyond what the recorder
 * knows when they are kept: a grant to the request whose segment has it, a store to the one that
 * comes to lie in the slot, a notification to all that were published since the one before and are
 * not answered. What cannot be told from what was heard belongs to none. Segments of an indirect
 * request lie in pages that nobody tells of; only the grants of those pages themselves are known.
 */
#include "ladder.h"

#include <simback/event.h>

#include <blkfront/blkif.h>

#include <stdlib.h>
#include <string.h>

enum {
    SLOTS_MAX = 32 << BLKIF_WIRE_RING_ORDER_MAX,
    FRONT = 0, /* whose requests they are */
    BACK = 1   /* whose responses */
};

static const uint32_t NO_ROW = UINT32_MAX;

/* Something on the ring, by its index. */
struct pushed {
    uint32_t index;
    uint64_t request;
};

/* What one side has pushed, and whether it told the other. */
struct side {
    struct pushed batch[SLOTS_MAX]; /* since its index was seen to move */
    uint32_t batch_count;
    uint64_t untold[SLOTS_MAX]; /* requests since the last notification */
    uint32_t untold_count;
    uint32_t notify, notifies; /* row of the last one, and how many since the index moved */
};

/* A slot that the frontend has written and nobody has seen yet. */
struct written {
    uint32_t row, publish, notify;
    uint16_t slot;
};

struct ring {
    struct ring *next;
    uint16_t device, queue;
    bool observed; /* its loads and stores are heard of */
    struct side sides[2];
    struct written written[SLOTS_MAX];
    uint32_t written_count;
    uint64_t answers[SLOTS_MAX]; /* whose response lies in the slot; 0: nobody's */
};

/* A page that the guest has granted. */
struct granted {
    uint64_t ref, id; /* of the request on the ring that has it */
    uint64_t request; /* the last that had it; 0: none yet */
    uint32_t row;
    bool flying;
};

struct following {
    struct ladder *ladder;
    struct ring *rings;
    struct granted *granted;
    size_t granted_count, granted_room, mark_room;
    bool failed;
};

/* ---- what is known ---- */

static void mark(struct following *following, uint32_t row, uint64_t request)
{
    struct ladder *ladder = following->ladder;

    if (request == 0 || row == NO_ROW)
        return;
    if (ladder->mark_count == following->mark_room) {
        size_t room = following->mark_room == 0 ? 256 : 2 * following->mark_room;
        struct ladder_mark *larger = realloc(ladder->marks, room * sizeof(*larger));

        if (larger == NULL) {
            following->failed = true;
            return;
        }
        ladder->marks = larger;
        following->mark_room = room;
    }
    ladder->marks[ladder->mark_count++] = (struct ladder_mark){request, row};
}

static void begin_ring(struct ring *ring)
{
    ring->observed = false;
    ring->written_count = 0;
    memset(ring->answers, 0, sizeof(ring->answers));
    for (int side = FRONT; side <= BACK; side++) {
        ring->sides[side].batch_count = ring->sides[side].untold_count = 0;
        ring->sides[side].notifies = 0;
    }
}

/* NULL: no memory. */
static struct ring *ring_of(struct following *following, const struct ladder_record *record)
{
    struct ring *ring = following->rings;

    while (ring != NULL && (ring->device != record->device || ring->queue != record->queue))
        ring = ring->next;
    if (ring != NULL)
        return ring;
    ring = calloc(1, sizeof(*ring));
    if (ring == NULL) {
        following->failed = true;
        return NULL;
    }
    ring->device = record->device;
    ring->queue = record->queue;
    ring->next = following->rings;
    following->rings = ring;
    return ring;
}

/* Behind events that nobody kept, and in another life of the guest. */
static void forget(struct following *following)
{
    for (struct ring *ring = following->rings; ring != NULL; ring = ring->next)
        begin_ring(ring);
    following->granted_count = 0;
}

/* ---- grants ---- */

static struct granted *find_granted(struct following *following, uint64_t ref)
{
    for (size_t i = 0; i < following->granted_count; i++) {
        if (following->granted[i].ref == ref)
            return &following->granted[i];
    }
    return NULL;
}

static void add_granted(struct following *following, uint64_t ref, uint32_t row)
{
    struct granted *granted = find_granted(following, ref);

    if (granted == NULL && following->granted_count == following->granted_room) {
        size_t room = following->granted_room == 0 ? 64 : 2 * following->granted_room;
        struct granted *larger = realloc(following->granted, room * sizeof(*larger));

        if (larger == NULL) {
            following->failed = true;
            return;
        }
        following->granted = larger;
        following->granted_room = room;
    }
    if (granted == NULL)
        granted = &following->granted[following->granted_count++];
    *granted = (struct granted){.ref = ref, .row = row};
}

static void end_granted(struct following *following, const struct ladder_record *record,
                        uint32_t row)
{
    struct granted *granted = find_granted(following, record->a);

    if (granted == NULL)
        return;
    mark(following, row, granted->request);
    if (record->result == 0)
        *granted = following->granted[--following->granted_count];
}

static void mapped(struct following *following, const struct ladder_record *record, uint32_t row)
{
    const struct granted *granted = find_granted(following, record->a);

    if (granted != NULL && granted->flying)
        mark(following, row, granted->request);
}

static void have_granted(struct following *following, uint64_t ref, uint64_t id, uint64_t request)
{
    struct granted *granted = find_granted(following, ref);

    if (granted == NULL || request == 0)
        return;
    mark(following, granted->row, request);
    granted->request = request;
    granted->id = id;
    granted->flying = true;
}

/* ---- slots ---- */

static uint64_t number_at(const struct ladder_record *record, size_t offset, size_t size)
{
    const char *slot = record->text + record->path_length + 1;
    uint64_t number = 0;

    if (record->has_value && offset + size <= record->value_length)
        memcpy(&number, slot + offset, size);
    return number;
}

/* The grants that stand in the slot itself. */
static void take_refs(struct following *following, const struct ladder_record *record)
{
    bool wide = record->length == sizeof(struct blkif_wire_request_64);
    uint64_t operation = number_at(record, 0, 1);
    uint64_t id = number_at(record,
                            wide ? offsetof(struct blkif_wire_request_64, id)
                                 : offsetof(struct blkif_wire_request_32, id),
                            sizeof(id));
    size_t at = wide ? offsetof(struct blkif_wire_request_64, segments)
                     : offsetof(struct blkif_wire_request_32, segments);
    size_t step = sizeof(struct blkif_wire_segment);
    uint64_t count = number_at(record, 1, 1);

    if (operation == BLKIF_WIRE_DISCARD)
        return;
    if (operation == BLKIF_WIRE_INDIRECT) {
        at = wide ? offsetof(struct blkif_wire_indirect_64, page_grant_refs)
                  : offsetof(struct blkif_wire_indirect_32, page_grant_refs);
        step = sizeof(uint32_t);
        count = (number_at(record, 2, 2) + BLKIF_WIRE_SEGMENTS_PER_PAGE - 1) /
                BLKIF_WIRE_SEGMENTS_PER_PAGE;
    }
    for (uint64_t i = 0; i < count && at + step <= record->length; i++, at += step)
        have_granted(following, number_at(record, at, sizeof(uint32_t)), id, record->request);
}

static void push(struct side *side, uint32_t index, uint64_t request)
{
    if (side->batch_count < SLOTS_MAX)
        side->batch[side->batch_count++] = (struct pushed){index, request};
}

static void push_untold(struct side *side, uint64_t request)
{
    if (request != 0 && side->untold_count < SLOTS_MAX)
        side->untold[side->untold_count++] = request;
}

/* Who is answered waits for no notification. */
static void forget_untold(struct side *side, uint64_t request)
{
    uint32_t left = 0;

    for (uint32_t i = 0; i < side->untold_count; i++) {
        if (side->untold[i] != request)
            side->untold[left++] = side->untold[i];
    }
    side->untold_count = left;
}

/* Where stores are not heard of, one notification alone is that of all that is now seen. */
static bool mark_only_notify(struct following *following, const struct side *side, uint64_t request)
{
    if (side->notifies != 1)
        return side->notifies != 0; /* one of several, and nobody knows which */
    mark(following, side->notify, request);
    return true;
}

static void on_request(struct following *following, struct ring *ring,
                       const struct ladder_record *record)
{
    struct side *side = &ring->sides[FRONT];
    bool told = false;
    uint32_t left = 0;

    take_refs(following, record);
    push(side, (uint32_t)record->a, record->request);
    for (uint32_t i = 0; i < ring->written_count; i++) {
        const struct written *written = &ring->written[i];

        if (written->slot != record->slot) {
            ring->written[left++] = *written;
            continue;
        }
        mark(following, written->row, record->request);
        mark(following, written->publish, record->request);
        mark(following, written->notify, record->request);
        told = told || written->notify != NO_ROW;
    }
    ring->written_count = left;
    if (!ring->observed)
        told = mark_only_notify(following, side, record->request);
    if (!told)
        push_untold(side, record->request);
}

static void on_response(struct following *following, struct ring *ring,
                        const struct ladder_record *record)
{
    struct side *side = &ring->sides[BACK];
    uint64_t id = number_at(record, 0, sizeof(id));

    push(side, (uint32_t)record->a, record->request);
    forget_untold(&ring->sides[FRONT], record->request);
    if (record->slot < SLOTS_MAX)
        ring->answers[record->slot] = record->request;
    if (!mark_only_notify(following, side, record->request))
        push_untold(side, record->request);
    for (size_t i = 0; i < following->granted_count; i++) {
        struct granted *granted = &following->granted[i];

        if (granted->id == id && granted->request == record->request)
            granted->flying = false;
    }
}

static void on_index(struct following *following, struct ring *ring,
                     const struct ladder_record *record, uint32_t row)
{
    bool requests = record->guest && record->a == SIMBACK_REQ_PROD;
    bool responses = !record->guest && record->a == SIMBACK_RSP_PROD;
    struct side *side = &ring->sides[requests ? FRONT : BACK];
    uint32_t moved = (uint32_t)(record->b - record->c);

    if (!requests && !responses)
        return;
    for (uint32_t i = 0; i < side->batch_count; i++) {
        if (side->batch[i].index - (uint32_t)record->c < moved)
            mark(following, row, side->batch[i].request);
    }
    side->batch_count = side->notifies = 0;
}

static void on_notify(struct following *following, struct ring *ring, bool guest, uint32_t row)
{
    struct side *side = &ring->sides[guest ? FRONT : BACK];

    for (uint32_t i = 0; i < side->untold_count; i++)
        mark(following, row, side->untold[i]);
    side->untold_count = 0;
    side->notify = row;
    side->notifies++;
    for (uint32_t i = 0; guest && i < ring->written_count; i++) {
        if (ring->written[i].notify == NO_ROW)
            ring->written[i].notify = row;
    }
}

static void on_access(struct following *following, struct ring *ring,
                      const struct ladder_record *record, uint32_t row)
{
    bool store = record->kind == SIMBACK_STORE;

    ring->observed = true;
    if (store && strcmp(record->text, "req_prod") == 0) {
        for (uint32_t i = 0; i < ring->written_count; i++) {
            if (ring->written[i].publish == NO_ROW)
                ring->written[i].publish = row;
        }
    }
    if (record->slot >= SLOTS_MAX)
        return;
    if (!store)
        mark(following, row, ring->answers[record->slot]);
    else if (ring->written_count < SLOTS_MAX)
        ring->written[ring->written_count++] = (struct written){row, NO_ROW, NO_ROW, record->slot};
}

/* ---- all of it ---- */

static void on_ring_event(struct following *following, const struct ladder_record *record,
                          uint32_t row)
{
    struct ring *ring = ring_of(following, record);

    if (ring == NULL)
        return;
    if (record->kind == SIMBACK_RING_ATTACH)
        begin_ring(ring);
    else if (record->kind == SIMBACK_RING_REQUEST)
        on_request(following, ring, record);
    else if (record->kind == SIMBACK_RING_RESPONSE)
        on_response(following, ring, record);
    else if (record->kind == SIMBACK_RING_INDEX)
        on_index(following, ring, record, row);
    else if (record->kind == SIMBACK_NOTIFY)
        on_notify(following, ring, record->guest, row);
    else if (record->kind == SIMBACK_LOAD || record->kind == SIMBACK_STORE)
        on_access(following, ring, record, row);
}

static void on_record(struct following *following, const struct ladder_record *record, uint32_t row)
{
    if (record->what == LADDER_LEFT_OUT)
        forget(following);
    if (record->what != LADDER_EVENT)
        return;
    if (record->kind == SIMBACK_RESUMED)
        forget(following);
    else if (record->kind == SIMBACK_GRANT && record->guest && record->result == 0)
        add_granted(following, record->a, row);
    else if (record->kind == SIMBACK_GRANT_END && record->guest)
        end_granted(following, record, row);
    else if ((record->kind == SIMBACK_MAP || record->kind == SIMBACK_UNMAP) && !record->guest)
        mapped(following, record, row);
    else if (record->device != SIMBACK_NO_DEVICE)
        on_ring_event(following, record, row);
}

static int by_row(const void *a, const void *b)
{
    const struct ladder_mark *left = a, *right = b;

    if (left->row != right->row)
        return left->row < right->row ? -1 : 1;
    return left->request < right->request ? -1 : left->request > right->request;
}

/* By rows, and none twice. */
static void sort_marks(struct ladder *ladder)
{
    size_t left = 0;

    if (ladder->mark_count == 0)
        return;
    qsort(ladder->marks, ladder->mark_count, sizeof(ladder->marks[0]), by_row);
    for (size_t i = 0; i < ladder->mark_count; i++) {
        if (i == 0 || by_row(&ladder->marks[i], &ladder->marks[left - 1]) != 0)
            ladder->marks[left++] = ladder->marks[i];
    }
    ladder->mark_count = left;
}

bool ladder_follow(struct ladder *ladder)
{
    struct following following = {.ladder = ladder};

    for (size_t i = 0; i < ladder->count && !following.failed; i++)
        on_record(&following, &ladder->records[i], (uint32_t)i);
    while (following.rings != NULL) {
        struct ring *next = following.rings->next;

        free(following.rings);
        following.rings = next;
    }
    free(following.granted);
    sort_marks(ladder);
    return !following.failed;
}
