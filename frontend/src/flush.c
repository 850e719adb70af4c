/* SPDX-License-Identifier: ISC */
/*
 * The ways to flush, from the best to the least (I8): a flush of the disk's cache, an empty write
 * barrier, and, with a backend that never offered either, a drain: all earlier requests of the
 * device have been answered. A way that the backend does not support is switched off for all until
 * the next connection, and the request goes on with the next one.
 */
#include "queue.h"

int flush_admit(const struct blkfront_queue *queue)
{
    const struct agreed *agreed = &queue->device->agreed;

    if (agreed_flag(&agreed->flush) || !agreed->flush_offered)
        return BLKFRONT_OK;
    if (!agreed_flag(&agreed->barrier))
        return BLKFRONT_UNIMPLEMENTED;
    /* A barrier is a write, which a read-only disk must not see (I17). */
    return agreed_flag(&agreed->read_only) ? BLKFRONT_READ_ONLY : BLKFRONT_OK;
}

/* ---- drain ---- */

static struct blkfront_queue *sibling(const struct blkfront_queue *queue, uint32_t index)
{
    return &queue->device->queues[index];
}

/*
 * Have all earlier requests been answered? On this queue they have when the request is the oldest
 * unfinished one; on the others when all that is unfinished there came later. Requests are numbered
 * across the device, so that of two drains the older one never waits for the younger (I4). One that
 * goes from a queue to another meanwhile might be seen on neither: then we know nothing. A look now
 * is not enough: whoever finishes later wakes us, if the flag was set before.
 */
static bool drained(struct blkfront_queue *queue, const struct blkfront_request *request)
{
    const struct blkfront_device *device = queue->device;
    bool done = queue->oldest == request;
    uint32_t taken_over;

    if (!queue->drain_begun) {
        queue->drain_begun = true;
        __atomic_store_n(&queue->drain_waiting, true, __ATOMIC_SEQ_CST);
    }
    taken_over = __atomic_load_n(&device->taken_over, __ATOMIC_SEQ_CST);
    for (uint32_t i = 0; i < device->options.queues && done; i++) {
        if (i != queue->index)
            done = __atomic_load_n(&sibling(queue, i)->oldest_sequence, __ATOMIC_SEQ_CST) >
                   request->internal.sequence;
    }
    return done && __atomic_load_n(&device->handed_over, __ATOMIC_SEQ_CST) == taken_over;
}

void drain_end(struct blkfront_queue *queue)
{
    queue->drain_begun = false;
    __atomic_store_n(&queue->drain_waiting, false, __ATOMIC_SEQ_CST);
}

/*
 * The device closes a queue only when all of them have stopped, and we have not: so the channel set
 * of whoever waits is open.
 */
void drain_look_again(struct blkfront_queue *queue)
{
    for (uint32_t i = 0; i < queue->device->options.queues; i++) {
        const struct blkfront_queue *other = sibling(queue, i);

        if (i != queue->index && __atomic_load_n(&other->drain_waiting, __ATOMIC_SEQ_CST))
            queue->platform->channels_wake(queue->platform->context, other->channels);
    }
}

void drain_report(struct blkfront_queue *queue)
{
    uint64_t oldest = queue->oldest == NULL ? UINT64_MAX : queue->oldest->internal.sequence;

    if (device_has_one_queue(queue->device) || oldest == queue->oldest_sequence)
        return;
    __atomic_store_n(&queue->oldest_sequence, oldest, __ATOMIC_SEQ_CST);
    drain_look_again(queue);
}

/* ---- the chain ---- */

static int put(struct blkfront_queue *queue, struct blkfront_request *request,
               enum blkif_wire_op operation)
{
    struct wire_request wire = {.operation = operation};
    struct slot *slot = queue_take_slot(queue);

    if (slot == NULL)
        return ISSUE_BLOCKED;
    slot->request = request;
    queue_put(queue, slot, &wire);
    requests_issued(queue);
    return BLKFRONT_OK;
}

int flush_issue(struct blkfront_queue *queue, struct blkfront_request *request)
{
    const struct agreed *agreed = &queue->device->agreed;
    const struct blkfront_request_internal *in = &request->internal;

    if (agreed_flag(&agreed->flush))
        return put(queue, request, BLKIF_WIRE_FLUSH_DISKCACHE);
    if (agreed_flag(&agreed->barrier)) {
        if (agreed_flag(&agreed->read_only))
            return BLKFRONT_READ_ONLY; /* I17 */
        return put(queue, request, BLKIF_WIRE_WRITE_BARRIER);
    }
    if (agreed->flush_offered)
        return in->result != BLKFRONT_OK ? in->result : BLKFRONT_UNIMPLEMENTED;
    if (!drained(queue, request))
        return ISSUE_BLOCKED;
    requests_finish(queue, request, BLKFRONT_OK);
    return BLKFRONT_OK;
}

/* Has any flush of this connection succeeded? A queue that has no ring in it only remembers one
 * before. */
static bool flush_worked(const struct blkfront_queue *queue)
{
    for (uint32_t i = 0; i < queue->device->agreed.queue_count; i++) {
        if (agreed_flag(&sibling(queue, i)->flush_worked))
            return true;
    }
    return false;
}

void flush_answered(struct blkfront_queue *queue, struct blkfront_request *request,
                    uint8_t operation, int status)
{
    struct agreed *agreed = &queue->device->agreed;
    struct blkfront_request_internal *in = &request->internal;
    bool is_barrier = operation == BLKIF_WIRE_WRITE_BARRIER;

    if (status == BLKIF_WIRE_OKAY) {
        __atomic_store_n(&queue->flush_worked, true, __ATOMIC_RELAXED);
        requests_finish(queue, request, BLKFRONT_OK);
        return;
    }
    /* Some backends say ERROR to what they do not know, or anything else; one that has flushed
     * before means it. */
    if (status != BLKIF_WIRE_EOPNOTSUPP && flush_worked(queue)) {
        requests_finish(queue, request, BLKFRONT_IO_ERROR);
        return;
    }
    queue_withdraw(queue, is_barrier ? &agreed->barrier : &agreed->flush);
    in->result = worse_result(in->result, status == BLKIF_WIRE_EOPNOTSUPP ? BLKFRONT_UNIMPLEMENTED
                                                                          : BLKFRONT_IO_ERROR);
    requests_again(queue, request);
}
