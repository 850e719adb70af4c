/* SPDX-License-Identifier: ISC */
/*
 * I2: what a completion needs. Success needs an answer OKAY for all of the request, and a failure
 * an answer that says so, or a reason that needs none. Which ring requests were a request's, and
 * what was answered, oracle_correlation.c has in its book.
 */
#include "oracle_requeue.h"

/* It is rounded when it is submitted, and again for another connection (units_step). */
static uint64_t least_to_discard(const struct oracle_device *device,
                                 const struct oracle_request *request)
{
    uint64_t first_512 = request->extents_first_512, least_512 = request->extents_512;

    units_round(device, &first_512, &least_512);
    return least_512;
}

/* What a request that has asked for all it can has got: everything answered OKAY. */
static bool answered(const struct oracle_device *device, const struct oracle_request *request)
{
    if (request->count_512 == 0 && request->operation != BLKFRONT_FLUSH)
        return true;
    if (request->operation == BLKFRONT_FLUSH)
        /* Without a flush and a barrier, to wait for what was written before is all there is. */
        return request->oks + request->late_oks > 0 || !device->flush_offered;
    if (request->operation == BLKFRONT_DISCARD)
        return request->ok_512 + request->late_512 >= least_to_discard(device, request);
    return request->ok_512 + request->late_512 >= request->count_512;
}

/* Results that need no response. */
static bool result_without_response(int result)
{
    return result == BLKFRONT_DISCONNECTED || result == BLKFRONT_DEADLINE ||
           result == BLKFRONT_PROTOCOL;
}

/* What went wrong is known from an answer: then success is I8's to judge. */
static bool answered_badly(const struct oracle_request *request)
{
    return request->error != 0 ||
           (request->operation == BLKFRONT_FLUSH && request->unsupported != 0);
}

static void success(struct oracle *oracle, struct oracle_device *device,
                    const struct oracle_request *request)
{
    if (answered(device, request) || request->ambiguous || answered_badly(request))
        return;
    if (request->operation == BLKFRONT_FLUSH)
        oracle_broken(oracle, 2, device, request->number,
                      "the flush succeeds, but none of its %u ring requests was answered OKAY",
                      request->parts);
    else
        oracle_broken(oracle, 2, device, request->number,
                      "succeeds with %llu of %llu units answered OKAY by a matching response "
                      "(%u ring requests, %u still in flight)",
                      (unsigned long long)request->ok_512, (unsigned long long)request->count_512,
                      request->parts, request->in_flight);
}

/* What this backend has answered that it cannot do; of a request too that goes on. */
static unsigned known_off(const struct oracle_device *device)
{
    unsigned off = device->off;

    for (const struct oracle_request *at = device->first; at != NULL; at = at->next) {
        if (at->connection == device->connection)
            off |= at->unsupported;
    }
    return off;
}

/* The disk has become smaller or read-only, or has other sectors. */
static bool is_stopped(const struct oracle_device *device, const struct oracle_request *request)
{
    return request->first_512 + request->count_512 > device->capacity_512 ||
           request->sector_size != device->sector_size ||
           (request->operation == BLKFRONT_WRITE && device->read_only);
}

/* Whose rest was stopped fails, be the disk as before again when the last part comes back. */
void correlation_disk_changed(struct oracle_device *device)
{
    if (device->sector_size == 0)
        return; /* nothing has been read of it so far */
    for (struct oracle_request *at = device->first; at != NULL; at = at->next)
        at->stopped |= at->parts != 0 && at->issued_512 < at->count_512 && is_stopped(device, at);
}

/* What its flags ask for is offered no more, or the backend has said that it cannot. */
static bool is_refused(const struct oracle_device *device, const struct oracle_request *request)
{
    const unsigned barrier = 1u << BLKIF_WIRE_WRITE_BARRIER;

    if (request->operation != BLKFRONT_WRITE || request->flags == 0)
        return false;
    return known_off(device) != 0 || device->flushes == 0 ||
           ((request->flags & BLKFRONT_BARRIER) != 0 && (device->flushes & barrier) == 0);
}

/* Parts of it have been on a ring, and the rest may not go there any more, or the backend cannot do
 * what its flags ask for. */
static bool cannot_go_on(const struct oracle_device *device, const struct oracle_request *request)
{
    /* Where the connection is being closed, what is on the ring comes back no more; nor where it
     * has ended, though the state could not be written. */
    const bool over = device->front_state == BLKIF_WIRE_CLOSING ||
                      device->front_state == BLKIF_WIRE_CLOSED ||
                      (device->app_known && device->app_state != BLKFRONT_CONNECTED);

    const bool all_issued = request->issued_512 >= request->count_512 && request->former == NULL;

    if (request->parts == 0 || (!over && (request->in_flight != 0 || all_issued)))
        return false;
    return request->stopped || is_stopped(device, request) || is_refused(device, request);
}

void correlation_complete(struct oracle *oracle, struct oracle_device *device,
                          struct oracle_request *request, int result)
{
    if (correlation_may_go_unseen(oracle, device, request))
        oracle_make_ambiguous(device, request);
    if (result == BLKFRONT_OK) {
        success(oracle, device, request);
    } else if (result_without_response(result) || request->error != 0 ||
               request->unsupported != 0 || request->late_error != 0 || request->ambiguous) {
        return; /* which error it has to be is I8's */
    } else if (result == BLKFRONT_IO_ERROR && cannot_go_on(device, request)) {
        return;
    } else if (!oracle_fails_before_the_ring(result) || request->in_flight != 0) {
        oracle_broken(oracle, 2, device, request->number,
                      "fails with %d (%s), but no response said so (%u ring requests, %u still in "
                      "flight)",
                      result, oracle_error_name(result), request->parts, request->in_flight);
    }
}

void correlation_end(struct oracle *oracle, struct oracle_device *device)
{
    for (const struct oracle_request *at = device->first; at != NULL; at = at->next) {
        oracle_checked(oracle, 2);
        oracle_broken(oracle, 2, device, at->number,
                      "has never completed (%u ring requests, %u of them unanswered)", at->parts,
                      at->in_flight);
    }
}
