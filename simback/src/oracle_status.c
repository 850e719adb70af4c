/* SPDX-License-Identifier: ISC */
/*
 * I8: what a response's status means for the caller. ERROR and every unknown status are errors that
 * the caller hears of; EOPNOTSUPP switches a feature off, and the fallback is tried: indirect
 * requests become direct ones, a flush becomes a barrier; what nothing of the chain could do ends
 * with an error.
 */
#include "oracle_served.h"

const char *oracle_error_name(int error)
{
    static const char *const names[] = {
        "ok",       "unimplemented", "disconnected", "read-only",    "i/o error",
        "invalid",  "no device",     "ambiguous",    "out of range", "no memory",
        "protocol", "deadline",      "store",
    };

    return error <= 0 && -error < (int)(sizeof(names) / sizeof(names[0])) ? names[-error] : "?";
}

static unsigned feature_bit(uint8_t operation)
{
    if (operation == BLKIF_WIRE_WRITE_BARRIER || operation == BLKIF_WIRE_FLUSH_DISKCACHE ||
        operation == BLKIF_WIRE_DISCARD || operation == BLKIF_WIRE_INDIRECT)
        return 1u << operation;
    return 0;
}

static bool is_flush(const struct oracle_part *part)
{
    return part->inner == BLKIF_WIRE_FLUSH_DISKCACHE ||
           (part->inner == BLKIF_WIRE_WRITE_BARRIER && part->count_512 == 0);
}

/* The answer was "not supported", and something else may be tried instead. */
static void unsupported(struct oracle_device *device, struct oracle_request *request,
                        const struct oracle_part *part)
{
    request->unsupported |= feature_bit(part->operation);
    request->issued_512 -= part->count_512;
    if (request->operation == BLKFRONT_FLUSH || request->issued_512 < request->count_512)
        oracle_request_wait(device, request);
}

void status_response(struct oracle *oracle, struct oracle_device *device,
                     struct oracle_request *request, const struct oracle_part *part, int16_t status)
{
    oracle_checked(oracle, 8);
    if (status == BLKIF_WIRE_OKAY) {
        request->oks++;
        request->ok_512 += part->count_512;
        if (is_flush(part))
            device->flush_succeeded = true;
    } else if (status == BLKIF_WIRE_EOPNOTSUPP && feature_bit(part->operation) != 0) {
        unsupported(device, request, part);
    } else if (is_flush(part) && !device->flush_succeeded) {
        /* ERROR, and any unknown status is one too. */
        unsupported(device, request, part);
    } else if (request->error == 0) {
        request->error = status;
    }
}

/* Of a guest's request, whose fallback does not show. */
void status_served(struct oracle_device *device, const struct oracle_part *part, int16_t status)
{
    if (status == BLKIF_WIRE_EOPNOTSUPP)
        device->off |= feature_bit(part->operation);
}

void status_put(struct oracle_put *put)
{
    unsigned bit = feature_bit(put->wire.operation);

    /* The fallback of a request shows that the frontend knows what its first attempt was answered:
     * from now on nobody tries that again. */
    if (put->part != NULL && put->part->request != NULL)
        put->device->off |= put->part->request->unsupported & ~bit;
    if (bit == 0)
        return;
    oracle_checked(put->oracle, 8);
    if ((put->device->off & bit) != 0)
        oracle_broken(put->oracle, 8, put->device, put->part == NULL ? 0 : put->part->number,
                      "ring request %u is %s again, although the backend has answered that it is "
                      "not supported",
                      put->index, oracle_operation_name(put->wire.operation));
}

/* A write that was submitted before a flush which is nothing but waiting, and is not over: of any
 * queue, since the flush is for the disk. */
static const struct oracle_request *write_before(const struct oracle_device *device,
                                                 const struct oracle_request *flush)
{
    for (const struct oracle_request *at = device->first; at != NULL && at != flush;
         at = at->next) {
        if (at->operation == BLKFRONT_WRITE && at->count_512 != 0)
            return at;
    }
    return NULL;
}

static void success(struct oracle *oracle, const struct oracle_device *device,
                    const struct oracle_request *request)
{
    const struct oracle_request *write;

    if (request->error != 0 && !request->ambiguous) {
        oracle_broken(oracle, 8, device, request->number,
                      "succeeds, but one of its %u ring requests was answered with status %d",
                      request->parts, request->error);
    } else if (request->operation == BLKFRONT_FLUSH && request->oks + request->late_oks == 0 &&
               !request->ambiguous) {
        /* What a former backend could not do, this one may not even offer: then it waits. */
        if (request->unsupported != 0 &&
            (device->flush_offered || request->connection == device->connection))
            oracle_broken(oracle, 8, device, request->number,
                          "the flush succeeds, but all that was tried for it is not supported");
        else if ((write = write_before(device, request)) != NULL)
            oracle_broken(oracle, 8, device, request->number,
                          "the flush succeeds without a ring request while write %llu, submitted "
                          "before it, is still in flight",
                          (unsigned long long)write->number);
    }
}

/* Where no means was offered there is nothing to flush but what is in flight: a flush is a wait. A
 * device that is not connected has not read what is offered, or another one's. */
void status_unimplemented(struct oracle *oracle, const struct oracle_device *device,
                          const struct oracle_request *request)
{
    oracle_checked(oracle, 8);
    if (request->operation == BLKFRONT_FLUSH && !device->flush_offered && device->back_serves &&
        device->front_state == BLKIF_WIRE_CONNECTED && device->app_known &&
        device->app_state == BLKFRONT_CONNECTED && request->unsupported == 0)
        oracle_should(oracle, 8, device, request->number,
                      "a flush is refused as unimplemented, where the backend has offered no means "
                      "and it is no more than to wait");
}

void status_complete(struct oracle *oracle, struct oracle_device *device,
                     const struct oracle_request *request, int result)
{
    oracle_checked(oracle, 8);
    if (request->connection == device->connection)
        device->off |= request->unsupported;
    if (result == BLKFRONT_OK) {
        success(oracle, device, request);
        return;
    }
    if (result == BLKFRONT_UNIMPLEMENTED)
        status_unimplemented(oracle, device, request);
    if (request->ambiguous || result == BLKFRONT_DISCONNECTED || result == BLKFRONT_DEADLINE ||
        result == BLKFRONT_PROTOCOL)
        return;
    /* EOPNOTSUPP for something that has no fallback is no more than an error. */
    if (request->error != 0 && result != BLKFRONT_IO_ERROR &&
        !(request->error == BLKIF_WIRE_EOPNOTSUPP && result == BLKFRONT_UNIMPLEMENTED))
        oracle_broken(oracle, 8, device, request->number,
                      "was answered with status %d, but fails with %d (%s)", request->error, result,
                      oracle_error_name(result));
    /* Its fallback may have failed for a reason of its own, before it got to the ring. */
    else if (request->error == 0 && request->unsupported != 0 && result != BLKFRONT_IO_ERROR &&
             !oracle_fails_before_the_ring(result))
        oracle_broken(oracle, 8, device, request->number,
                      "is not supported, as the backend has answered, but fails with %d (%s)",
                      result, oracle_error_name(result));
}
