/* SPDX-License-Identifier: ISC */
/*
 * I15: what a request that outlives its connection has got stays got. The units of it that were
 * answered OKAY are remembered, and none of them may go to a ring again; how much of a request is
 * on a ring at once is I9's, and that it is still legal on the new connection I9's and I17's.
 */
#include "oracle_internal.h"

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

void requeue_answered(struct oracle *oracle, struct oracle_request *request,
                      const struct oracle_part *part)
{
    struct oracle_span **link = &request->answered, *before = NULL, *span;

    /* A request of one part is over with it. */
    if (part->count_512 == 0 || part->count_512 == request->count_512)
        return;
    while (*link != NULL && (*link)->first_512 <= part->first_512) {
        before = *link;
        link = &before->next;
    }
    if (before != NULL && before->end_512 >= part->first_512) {
        if (before->end_512 < part->first_512 + part->count_512)
            before->end_512 = part->first_512 + part->count_512;
        join(oracle, before);
        return;
    }
    span = span_new(oracle);
    if (span == NULL)
        return;
    *span = (struct oracle_span){part->first_512, part->first_512 + part->count_512, *link};
    *link = span;
    join(oracle, span);
}

void requeue_put(const struct oracle_put *put, const struct oracle_request *request,
                 uint64_t count_512)
{
    uint64_t first = put->wire.sector_512;

    if (count_512 == 0 || request->parts == 0 || request->connection == put->device->connection)
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

void requeue_power_cut(struct oracle *oracle, struct oracle_device *device,
                       const struct oracle_request *request)
{
    for (const struct oracle_span *span = request->answered; span != NULL; span = span->next)
        data_lost(oracle, device, request, span->first_512, span->end_512 - span->first_512, false);
}

void requeue_end(struct oracle *oracle, struct oracle_request *request)
{
    while (request->answered != NULL) {
        struct oracle_span *span = request->answered;

        request->answered = span->next;
        span_free(oracle, span);
    }
}
