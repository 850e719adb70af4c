/* SPDX-License-Identifier: ISC */
/*
 * What becomes of requests when their connection is over and another is to come (I15). A ring
 * request that has not been answered leaves its range with the request, and the request waits
 * again, in its old place. On the next connection it is checked anew; its ranges go out first, cut
 * as that connection permits, and only they: what has been answered is not repeated, unless it was
 * to be durable.
 *
 * Nothing is allocated for that. A queue has memory for twice as many ranges as its ring holds
 * requests, because one range may have become several ring requests by the time of the next loss.
 * Requests may have moved to another queue meanwhile (handover.c): a range that is of no use any
 * more goes back to the queue whose memory it is. Should all ranges be in use, the queue goes on
 * with one ring request at a time (I4), which can be kept without one.
 */
#include "queue.h"

void requeue_init(struct blkfront_queue *queue, struct blkfront_range *memory, uint32_t count)
{
    queue->free_ranges = NULL;
    queue->free_range_count = count;
    while (count-- > 0) {
        memory[count] = (struct blkfront_range){.next = queue->free_ranges, .home = queue->index};
        queue->free_ranges = &memory[count];
    }
}

/* ---- the memory of ranges ---- */

static struct blkfront_range *range_take(struct blkfront_queue *queue)
{
    struct blkfront_range *range = queue->free_ranges;

    queue->free_ranges = range->next;
    queue->free_range_count--;
    return range;
}

static void range_free(struct blkfront_queue *queue, struct blkfront_range *range)
{
    range->next = queue->free_ranges;
    queue->free_ranges = range;
    queue->free_range_count++;
}

/* Its home finds it with the next poll. It does not wait for it: without a range it has a ring
 * request to wait for. */
static void range_give_back(struct blkfront_queue *queue, struct blkfront_range *range)
{
    struct blkfront_queue *home = &queue->device->queues[range->home];
    struct blkfront_range *top;

    if (home == queue) {
        range_free(queue, range);
        return;
    }
    top = __atomic_load_n(&home->returned_ranges, __ATOMIC_RELAXED);
    do
        range->next = top;
    while (!__atomic_compare_exchange_n(&home->returned_ranges, &top, range, true, __ATOMIC_RELEASE,
                                        __ATOMIC_RELAXED));
}

bool requeue_collect(struct blkfront_queue *queue)
{
    struct blkfront_range *range =
        __atomic_load_n(&queue->returned_ranges, __ATOMIC_RELAXED) == NULL
            ? NULL
            : __atomic_exchange_n(&queue->returned_ranges, NULL, __ATOMIC_ACQUIRE);

    if (range == NULL)
        return false;
    while (range != NULL) {
        struct blkfront_range *next = range->next;

        range_free(queue, range);
        range = next;
    }
    return true;
}

static uint32_t in_flight(const struct blkfront_queue *queue)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < queue->slots.count; i++)
        count += queue->slots.slots[i].state == SLOT_IN_FLIGHT;
    return count;
}

/*
 * Whatever is put on the ring must find a range when the connection is lost. What is alone there
 * needs none: it comes together again with what it was cut from.
 */
bool requeue_has_room(const struct blkfront_queue *queue)
{
    uint32_t count;

    if (queue->free_range_count > queue->slots.used)
        return true;
    count = in_flight(queue);
    return count == 0 || count < queue->free_range_count;
}

/* ---- when the connection is lost ---- */

static uint64_t end_512(const struct blkfront_range *range)
{
    return range->first_512 + range->bytes / BLKIF_WIRE_UNIT;
}

/* What was cut off what comes next of the request is there again. */
static void rejoin(struct blkfront_request_internal *in, const struct blkfront_range *range)
{
    in->next_512 = range->first_512;
    in->bytes_left += range->bytes;
    in->buffer_index = range->buffer_index;
    in->buffer_offset = range->buffer_offset;
}

/* The slot's range joins those of its request, in their order. Two that touch become one: a
 * request's data lies in its buffers as it lies on the disk. */
static void keep_range(struct blkfront_queue *queue, const struct slot *slot, bool refused)
{
    struct blkfront_request_internal *in = &slot->request->internal;
    struct blkfront_range **link = &in->kept, *before = NULL, *after;
    struct blkfront_range range = {
        .first_512 = slot->first_512,
        .bytes = slot->bytes,
        .buffer_index = slot->buffer_index,
        .buffer_offset = slot->buffer_offset,
        .home = queue->index,
        .refused = refused,
    };

    while (*link != NULL && end_512(*link) <= range.first_512) {
        before = *link;
        link = &before->next;
    }
    after = *link;
    if (before != NULL && end_512(before) == range.first_512) {
        before->bytes += range.bytes;
        before->refused &= refused;
    } else if (after != NULL && end_512(&range) == after->first_512) {
        range.bytes += after->bytes;
        range.home = after->home;
        range.refused &= after->refused;
        range.next = after->next;
        *after = range;
    } else if (queue->free_range_count == 0) {
        rejoin(in, &range); /* it was alone, and no piece of a range (requeue_has_room) */
    } else {
        range.next = after;
        *link = range_take(queue);
        **link = range;
        in->parts++;
    }
}

/* A discard is one ring request: all of it is to be done again. */
static void keep_part(struct blkfront_queue *queue, const struct slot *slot)
{
    if (slot->request->operation == BLKFRONT_DISCARD)
        slot->request->internal.bytes_left = slot->bytes;
    else
        keep_range(queue, slot, false);
}

void requeue_drop(struct blkfront_queue *queue, struct blkfront_request *request)
{
    struct blkfront_request_internal *in = &request->internal;

    while (in->kept != NULL) {
        struct blkfront_range *range = in->kept;

        in->kept = range->next;
        in->parts--;
        range_give_back(queue, range);
    }
}

/* Other parts of the request may be on the ring, and some not yet; what has failed is not
 * continued.
 */
void requeue_refused(struct blkfront_queue *queue, const struct slot *slot)
{
    struct blkfront_request *request = slot->request;

    if (request->internal.result != BLKFRONT_OK)
        return;
    keep_range(queue, slot, true);
    if (request->internal.state == REQUEST_ISSUED)
        requests_again(queue, request);
}

void requeue_keep(struct blkfront_queue *queue)
{
    for (uint32_t i = 0; i < queue->slots.count; i++) {
        struct slot *slot = &queue->slots.slots[i];
        struct blkfront_request *request = slot->request;

        if (slot->state != SLOT_IN_FLIGHT)
            continue;
        /* Parts of what has failed already would change nothing. */
        if (request->internal.stage == REQUEST_DATA && request->internal.result == BLKFRONT_OK)
            keep_part(queue, slot);
        requests_lose_slot(slot);
        if (request->internal.stage == REQUEST_DATA && request->internal.parts == 0 &&
            request->internal.bytes_left == 0)
            requests_finish(queue, request, request->internal.result);
        else if (request->internal.state == REQUEST_ISSUED)
            requests_again(queue, request);
    }
    queue->pump_due = queue->waiting.first != NULL;
}

/* ---- on the next connection ---- */

/* Exchanges what comes next of the request for the range, or back. */
static void exchange(struct blkfront_request_internal *in, struct blkfront_range *range)
{
    struct blkfront_range own = {
        .next = range->next,
        .first_512 = in->next_512,
        .bytes = in->bytes_left,
        .buffer_index = in->buffer_index,
        .buffer_offset = in->buffer_offset,
        .home = range->home,
        .refused = range->refused,
    };

    in->next_512 = range->first_512;
    in->bytes_left = range->bytes;
    in->buffer_index = range->buffer_index;
    in->buffer_offset = range->buffer_offset;
    *range = own;
}

/*
 * What the former backend had in its cache may be gone with it, and a flush here says nothing of
 * that: a write that is to be durable when it completes begins anew (I16).
 */
static void begin_anew(struct blkfront_queue *queue, struct blkfront_request *request)
{
    struct blkfront_request_internal *in = &request->internal;
    uint64_t before = in->buffer_offset;

    requeue_drop(queue, request);
    for (size_t i = 0; i < in->buffer_index; i++)
        before += request->buffers[i].size;
    in->next_512 -= before / BLKIF_WIRE_UNIT;
    in->bytes_left = transfer_bytes(request);
    in->buffer_index = 0;
    in->buffer_offset = 0;
    in->stage = REQUEST_DATA;
    in->result = BLKFRONT_OK;
}

int requeue_admit(struct blkfront_queue *queue, struct blkfront_request *request)
{
    struct blkfront_request_internal *in = &request->internal;
    int r;

    in->connection = queue->connection;
    if ((request->flags & BLKFRONT_FUA) != 0)
        begin_anew(queue, request);
    if (in->stage == REQUEST_FLUSHING) {
        /* All means again, of a backend that may have others. */
        in->result = BLKFRONT_OK;
        return BLKFRONT_OK;
    }
    r = transfer_admit_anew(queue, request);
    if (request->operation == BLKFRONT_DISCARD)
        discard_fit(queue, request);
    for (struct blkfront_range *range = in->kept; range != NULL && r == BLKFRONT_OK;
         range = range->next) {
        exchange(in, range);
        r = transfer_admit_anew(queue, request);
        exchange(in, range);
    }
    return r;
}

/* One ring request of the first range. */
static int issue_range(struct blkfront_queue *queue, struct blkfront_request *request)
{
    struct blkfront_request_internal *in = &request->internal;
    struct blkfront_range *range = in->kept;
    uint64_t before = range->bytes;
    int r;

    exchange(in, range);
    r = transfer_part(queue, request);
    exchange(in, range);
    if (range->bytes < before && !range->refused)
        statistics_add(&queue->statistics.reissued, 1);
    if (range->bytes == 0) {
        in->kept = range->next;
        in->parts--;
        /* Its last piece is alone on the ring with nothing to come together with: should that be
         * lost, this is the only range there is, so it stays, whosever it was. */
        if (queue->free_range_count == 0)
            range->home = queue->index;
        range_give_back(queue, range);
    }
    return r;
}

int requeue_issue(struct blkfront_queue *queue, struct blkfront_request *request)
{
    int r = BLKFRONT_OK;

    while (r == BLKFRONT_OK && request->internal.kept != NULL)
        r = issue_range(queue, request);
    return r;
}
