/* SPDX-License-Identifier: ISC */
/*
 * A caller's request to ring requests and back. A read or write is cut into parts (part.c); they go
 * out as slots and pages permit and are answered in any order. In which order requests get their
 * turn is submit.c's business; flushing is flush.c's.
 */
#include "queue.h"

/* ---- issuing ---- */

static int issue_some(struct blkfront_queue *queue, struct blkfront_request *request)
{
    int r = transfer_admit_again(queue, request);

    if (r != BLKFRONT_OK)
        return r;
    if (request->operation == BLKFRONT_DISCARD)
        return discard_issue(queue, request);
    r = part_issue(queue, request);
    return r == PART_EMPTY ? shortage_wait(queue) : r;
}

int transfer_issue(struct blkfront_queue *queue, struct blkfront_request *request)
{
    int r = BLKFRONT_OK;

    while (r == BLKFRONT_OK && request->internal.bytes_left > 0)
        r = issue_some(queue, request);
    if (r == BLKFRONT_OK)
        requests_issued(queue);
    return r;
}

/* ---- responses ---- */

/*
 * A status to a result (I8). EOPNOTSUPP to a read or write is "unimplemented": there is no other
 * way to read or write that could be tried; what is optional is off from then on. A status that is
 * not in the protocol is an error.
 */
static int status_result(struct blkfront_queue *queue, uint8_t operation, int status)
{
    struct agreed *agreed = &queue->device->agreed;

    if (status == BLKIF_WIRE_OKAY)
        return BLKFRONT_OK;
    if (status != BLKIF_WIRE_EOPNOTSUPP)
        return BLKFRONT_IO_ERROR;
    if (operation == BLKIF_WIRE_DISCARD) {
        __atomic_store_n(&agreed->discard, false, __ATOMIC_RELAXED);
        __atomic_store_n(&agreed->discard_secure, false, __ATOMIC_RELAXED);
    }
    if (operation == BLKIF_WIRE_WRITE_BARRIER)
        __atomic_store_n(&agreed->barrier, false, __ATOMIC_RELAXED);
    return BLKFRONT_UNIMPLEMENTED;
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
    int result;

    if (request != NULL && status == BLKIF_WIRE_OKAY && request->operation == BLKFRONT_READ)
        part_copy_in(queue, slot);
    queue_drop_slot(queue, slot);
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
    result = status_result(queue, operation, status);
    request->internal.result = worse_result(request->internal.result, result);
    /* What has failed is not continued. */
    if (result != BLKFRONT_OK)
        request->internal.bytes_left = 0;
    if (request->internal.parts == 0 && request->internal.bytes_left == 0)
        data_over(queue, request);
}
