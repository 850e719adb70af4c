/* SPDX-License-Identifier: ISC */
/*
 * The blocking calls: the asynchronous ones, polled, with the platform's wait in between. They poll
 * the device and all of its queues, so whoever uses them leaves the queues to them.
 */
#include "life.h"

#include <string.h>

static bool poll_all(struct blkfront_device *device)
{
    bool more = blkfront_poll(device) != 0;

    /* All that we have ever had: before the first connection there were more, maybe. */
    for (uint32_t i = 0; i < device->options.queues; i++) {
        if (blkfront_queue_poll(blkfront_get_queue(device, i)) != 0)
            more = true;
    }
    return more;
}

static uint64_t poll_all_at(struct blkfront_device *device)
{
    uint64_t at = blkfront_poll_at(device);

    for (uint32_t i = 0; i < device->options.queues; i++) {
        uint64_t due_ns = blkfront_queue_poll_at(blkfront_get_queue(device, i));

        if (due_ns < at)
            at = due_ns;
    }
    return at;
}

/* After a poll that left nothing to do. False if the platform cannot wait. */
static bool wait_for_more(struct blkfront_device *device)
{
    const struct blkfront_platform *platform = device->context->platform;
    int result = platform->wait(platform->context, poll_all_at(device));

    return result == 0 || result == BLKFRONT_PLATFORM_TIMED_OUT;
}

static bool is_final(const struct blkfront_device *device)
{
    enum blkfront_state state = blkfront_device_state(device);

    return state == BLKFRONT_CLOSED || state == BLKFRONT_FAILED;
}

static bool is_settled(const struct blkfront_device *device)
{
    return blkfront_device_state(device) == BLKFRONT_CONNECTED || is_final(device);
}

/* ---- connect and disconnect ---- */

int blkfront_blocking_connect(struct blkfront *context, const char *name,
                              const struct blkfront_options *options,
                              struct blkfront_device **device)
{
    struct blkfront_device *found;
    bool can_wait = true;
    int error;

    if (device == NULL)
        return BLKFRONT_INVALID;
    error = blkfront_connect(context, name, options, &found);
    if (error != BLKFRONT_OK)
        return error;
    while (can_wait && !is_settled(found)) {
        if (!poll_all(found) && !is_settled(found))
            can_wait = wait_for_more(found);
    }
    if (blkfront_device_state(found) == BLKFRONT_CONNECTED) {
        *device = found;
        return BLKFRONT_OK;
    }
    if (!can_wait)
        device_fail_because(found, BLKFRONT_STORE, "the platform cannot wait", NULL, NULL);
    error = blkfront_device_error(found);
    memcpy(context->detail, found->detail, sizeof(found->detail));
    blkfront_release(found);
    return error == BLKFRONT_OK ? BLKFRONT_DISCONNECTED : error;
}

void blkfront_blocking_disconnect(struct blkfront_device *device)
{
    bool can_wait = true;

    if (device == NULL)
        return;
    blkfront_disconnect(device);
    while (can_wait && !is_final(device)) {
        if (!poll_all(device) && !is_final(device))
            can_wait = wait_for_more(device);
    }
    if (!can_wait)
        device_cut_off(device);
}

/* ---- requests ---- */

/* A request and what became of it. It lies on the caller's stack: there is no return before its
 * completion. */
struct call {
    struct blkfront_request request;
    bool done;
    int result;
};

static void completed(struct blkfront_request *request, int result)
{
    struct call *call = request->context;

    call->done = true;
    call->result = result;
}

/* A platform that cannot wait ends the device, which completes everything without the backend's
 * help. */
static int run(struct blkfront_device *device, struct call *call)
{
    int error = blkfront_submit(blkfront_get_queue(device, 0), &call->request);

    if (error != BLKFRONT_OK)
        return error;
    while (!call->done) {
        if (!poll_all(device) && !call->done && !wait_for_more(device))
            blkfront_disconnect(device);
    }
    return call->result;
}

static int transfer(struct blkfront_device *device, enum blkfront_operation operation,
                    uint64_t sector, const struct blkfront_buffer *buffers, size_t count)
{
    struct call call = {
        .request.operation = operation,
        .request.sector = sector,
        .request.buffers = buffers,
        .request.buffer_count = count,
        .request.complete = completed,
        .request.context = &call,
    };

    if (device == NULL || (buffers == NULL && count > 0))
        return BLKFRONT_INVALID;
    return run(device, &call);
}

int blkfront_blocking_read(struct blkfront_device *device, uint64_t sector,
                           const struct blkfront_buffer *buffers, size_t count)
{
    return transfer(device, BLKFRONT_READ, sector, buffers, count);
}

int blkfront_blocking_write(struct blkfront_device *device, uint64_t sector,
                            const struct blkfront_buffer *buffers, size_t count)
{
    return transfer(device, BLKFRONT_WRITE, sector, buffers, count);
}

int blkfront_blocking_flush(struct blkfront_device *device)
{
    return transfer(device, BLKFRONT_FLUSH, 0, NULL, 0);
}
