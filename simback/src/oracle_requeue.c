/* SPDX-License-Identifier: ISC */
/*
 * I15: what a request that outlives its connection has got stays got. The units of it that were
 * answered OKAY are remembered, and none of them may go to a ring again, unless the request is a
 * write with FUA: what it has got may be lost with the backend before it is flushed. How much of a
 * request is on a ring at once is I9's, and that it is still legal on the new connection I9's and
 * I17's.
 */
#include "oracle_requeue.h"

struct oracle_span {
    uint64_t first_512, end_512;
    struct oracle_span *next; /* of the request, ascending; or of the free ones */
};

enum { SPANS = 64 }; /* made at a time */

static struct oracle_span *span_new(struct oracle *oracle)
{
    struct oracle_span *span = oracle->free_spans;

    if (span == NULL) {
        span = simback_allocate(oracle->world, SPANS * sizeof(*span));
        if (span == NULL) {
            oracle->no_memory = true;
            return NULL;
        }
        for (unsigned i = 1; i < SPANS; i++)
            span[i - 1].next = &span[i];
        span[SPANS - 1].next = NULL;
    }
    oracle->free_spans = span->next;
    return span;
}

static void span_free(struct oracle *oracle, struct oracle_span *span)
{
    span->next = oracle->free_spans;
    oracle->free_spans = span;
}

/* What follows it and touches it becomes part of it. */
static void join(struct oracle *oracle, struct oracle_span *span)
{
    while (span->next != NULL && span->next->first_512 <= span->end_512) {
        struct oracle_span *after = span->next;

        if (after->end_512 > span->end_512)
            span->end_512 = after->end_512;
        span->next = after->next;
        span_free(oracle, after);
    }
}

static void span_add(struct oracle *oracle, struct oracle_span **list, uint64_t first_512,
                     uint64_t end_512)
{
    struct oracle_span **link = list, *before = NULL, *span;

    while (*link != NULL && (*link)->first_512 <= first_512) {
        before = *link;
        link = &before->next;
    }
    if (before != NULL && before->end_512 >= first_512) {
        if (before->end_512 < end_512)
            before->end_512 = end_512;
        join(oracle, before);
        return;
    }
    span = span_new(oracle);
    if (span == NULL)
        return;
    *span = (struct oracle_span){first_512, end_512, *link};
    *link = span;
    join(oracle, span);
}

void requeue_answered(struct oracle *oracle, struct oracle_request *request,
                      const struct oracle_part *part)
{
    /* A request of one part is over with it, but for a flush. */
    if (part->count_512 == 0 || (part->count_512 == request->count_512 && !oracle_is_fua(request)))
        return;
    span_add(oracle, &request->answered, part->first_512, part->first_512 + part->count_512);
}

void requeue_put(const struct oracle_put *put, const struct oracle_request *request,
                 uint64_t count_512)
{
    uint64_t first = put->wire.sector_512;

    if (count_512 == 0 || request->parts == 0 || request->connection == put->device->connection ||
        request->ambiguous) /* what it has got may be another one's */
        return;
    oracle_checked(put->oracle, 15);
    for (const struct oracle_span *span = request->answered; span != NULL; span = span->next) {
        if (first >= span->end_512 || first + count_512 <= span->first_512)
            continue;
        oracle_broken(
            put->oracle, 15, put->device, request->number,
            "ring request %u repeats units %llu+%llu, of which %llu+%llu were answered on "
            "a former connection",
            put->index, (unsigned long long)first, (unsigned long long)count_512,
            (unsigned long long)span->first_512,
            (unsigned long long)(span->end_512 - span->first_512));
        return;
    }
}

/* ---- what a write with FUA has got from a former backend ---- */

static void drop_all(struct oracle *oracle, struct oracle_span **list)
{
    while (*list != NULL) {
        struct oracle_span *span = *list;

        *list = span->next;
        span_free(oracle, span);
    }
}

void requeue_connected(struct oracle *oracle, struct oracle_device *device)
{
    for (struct oracle_request *at = device->first; at != NULL; at = at->next) {
        if (!oracle_is_fua(at))
            continue;
        for (const struct oracle_span *span = at->answered; span != NULL; span = span->next)
            span_add(oracle, &at->former, span->first_512, span->end_512);
        drop_all(oracle, &at->answered);
        drop_all(oracle, &at->cut);
        if (at->former != NULL)
            oracle_request_wait(device, at);
    }
}

static uint64_t overlap(const struct oracle_span *span, uint64_t first_512, uint64_t end_512)
{
    const uint64_t from = span->first_512 > first_512 ? span->first_512 : first_512;
    const uint64_t to = span->end_512 < end_512 ? span->end_512 : end_512;

    return to > from ? to - from : 0;
}

uint64_t requeue_may_repeat(const struct oracle_request *request, uint64_t first_512,
                            uint64_t count_512)
{
    uint64_t sum = 0;

    for (const struct oracle_span *span = request->former; span != NULL; span = span->next)
        sum += overlap(span, first_512, first_512 + count_512);
    return sum;
}

void requeue_repeats(struct oracle *oracle, struct oracle_request *request, uint64_t first_512,
                     uint64_t count_512)
{
    const uint64_t repeated = requeue_may_repeat(request, first_512, count_512);
    const uint64_t end_512 = first_512 + count_512;
    struct oracle_span *old = request->former;

    if (repeated == 0)
        return;
    request->ok_512 -= repeated;
    request->issued_512 -= repeated;
    request->former = NULL;
    for (const struct oracle_span *span = old; span != NULL; span = span->next) {
        if (span->first_512 < first_512)
            span_add(oracle, &request->former, span->first_512,
                     span->end_512 < first_512 ? span->end_512 : first_512);
        if (span->end_512 > end_512)
            span_add(oracle, &request->former,
                     span->first_512 > end_512 ? span->first_512 : end_512, span->end_512);
    }
    drop_all(oracle, &old);
}

/* ---- a power cut ---- */

/* A write with FUA is written again on the next connection. Where there is none, because another
 * backend has taken up the ring before the frontend could know, that backend's flush ends it. */
void requeue_cut(struct oracle *oracle, const struct oracle_device *device,
                 struct oracle_request *request, uint64_t first_512, uint64_t end_512)
{
    if (oracle_is_fua(request))
        span_add(oracle, &request->cut, first_512, end_512);
    else
        data_lost(oracle, device, request, first_512, end_512 - first_512, false);
}

void requeue_power_cut(struct oracle *oracle, const struct oracle_device *device,
                       struct oracle_request *request)
{
    for (const struct oracle_span *span = request->answered; span != NULL; span = span->next)
        requeue_cut(oracle, device, request, span->first_512, span->end_512);
}

void requeue_succeeds(struct oracle *oracle, const struct oracle_device *device,
                      const struct oracle_request *request)
{
    for (const struct oracle_span *span = request->cut; span != NULL; span = span->next)
        data_lost(oracle, device, request, span->first_512, span->end_512 - span->first_512, true);
}

/* ---- the end ---- */

void requeue_end(struct oracle *oracle, struct oracle_request *request)
{
    drop_all(oracle, &request->answered);
    drop_all(oracle, &request->former);
    drop_all(oracle, &request->cut);
}
