/* SPDX-License-Identifier: ISC */
/*
 * A caller's request to ring requests and back. A read or write is cut into parts (part.c); they go
 * out as slots and pages permit and are answered in any order. In which order requests get their
 * turn is submit.c's business; flushing is flush.c's.
 */
#include "queue.h"

/* ---- issuing ---- */

int transfer_part(struct blkfront_queue *queue, struct blkfront_request *request)
{
    int r = transfer_admit_again(queue, request);

    if (r != BLKFRONT_OK)
        return r;
    if (request->operation == BLKFRONT_DISCARD)
        return discard_issue(queue, request);
    if (!requeue_has_room(queue))
        return ISSUE_BLOCKED;
    r = part_issue(queue, request);
    return r == PART_EMPTY ? shortage_wait(queue) : r;
}

int transfer_issue(struct blkfront_queue *queue, struct blkfront_request *request)
{
    int r = requeue_issue(queue, request);

    while (r == BLKFRONT_OK && request->internal.bytes_left > 0)
        r = transfer_part(queue, request);
    if (r == BLKFRONT_OK)
        requests_issued(queue);
    return r;
}

/* ---- responses ---- */

/* What is optional is off from then on, whoever asked for it (I8). */
static void not_supported(struct blkfront_queue *queue, uint8_t operation)
{
    struct agreed *agreed = &queue->device->agreed;

    if (operation == BLKIF_WIRE_FLUSH_DISKCACHE)
        queue_withdraw(queue, &agreed->flush);
    if (operation == BLKIF_WIRE_WRITE_BARRIER)
        queue_withdraw(queue, &agreed->barrier);
    if (operation == BLKIF_WIRE_INDIRECT) {
        __atomic_store_n(&agreed->segments, BLKIF_WIRE_SEGMENTS, __ATOMIC_RELAXED);
        device_wake(queue->device);
    }
    if (operation == BLKIF_WIRE_DISCARD) {
        queue_withdraw(queue, &agreed->discard);
        queue_withdraw(queue, &agreed->discard_secure);
    }
}

/*
 * A status to a result (I8). EOPNOTSUPP to a read or write is "unimplemented": there is no other
 * way to read or write that could be tried. A status that is not in the protocol is an error.
 */
static int status_result(int status)
{
    if (status == BLKIF_WIRE_OKAY)
        return BLKFRONT_OK;
    return status == BLKIF_WIRE_EOPNOTSUPP ? BLKFRONT_UNIMPLEMENTED : BLKFRONT_IO_ERROR;
}

/* All parts that will ever be are answered. */
static void data_over(struct blkfront_queue *queue, struct blkfront_request *request)
{
    struct blkfront_request_internal *in = &request->internal;

    if (in->result == BLKFRONT_OK && request->operation == BLKFRONT_WRITE &&
        (request->flags & BLKFRONT_FUA) != 0) {
        in->stage = REQUEST_FLUSHING;
        requests_again(queue, request);
    } else {
        requests_finish(queue, request, in->result);
    }
}

void transfer_answered(struct blkfront_queue *queue, struct slot *slot, int status)
{
    struct blkfront_request *request = slot->request;
    uint8_t operation = slot->operation;
    bool refused;
    int result;

    if (request != NULL && status == BLKIF_WIRE_OKAY && request->operation == BLKFRONT_READ)
        part_copy_in(queue, slot);
    if (status == BLKIF_WIRE_EOPNOTSUPP)
        not_supported(queue, operation);
    refused =
        request != NULL && status == BLKIF_WIRE_EOPNOTSUPP && operation == BLKIF_WIRE_INDIRECT;
    if (refused)
        requeue_refused(queue, slot);
    queue_drop_slot(queue, slot, true);
    if (request == NULL) {
        /* An abandoned one: its memory may have been waiting for just this. */
        device_wake(queue->device);
        return;
    }
    request->internal.parts--;
    if (request->internal.stage == REQUEST_FLUSHING) {
        flush_answered(queue, request, operation, status);
        return;
    }
    /* What indirect requests cannot do, direct ones can. */
    result = refused ? BLKFRONT_OK : status_result(status);
    request->internal.result = worse_result(request->internal.result, result);
    /* What has failed is not continued. */
    if (result != BLKFRONT_OK) {
        request->internal.bytes_left = 0;
        requeue_drop(queue, request);
    }
    if (request->internal.parts == 0 && request->internal.bytes_left == 0)
        data_over(queue, request);
}
