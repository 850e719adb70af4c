/* SPDX-License-Identifier: ISC */
/*
 * A device that has lost its backend and is to have it back, or another: the queues put nothing on
 * their rings any more, 5 and 6 are said where somebody still listens (closing.c), what is
 * unanswered is kept, all that was shared is ended, and the handshake begins anew with the backend
 * that our directory names now. Also suspend and resume, which are a loss that the options have no
 * say in. What becomes of the requests is requeue.c's.
 */
#include "life.h"
#include "memory.h"
#include "store.h"

#define ATTEMPT_PAUSE_NS UINT64_C(500000)

enum { ATTEMPT_DOUBLINGS = 12 }; /* to two seconds */

/* ---- the loss ---- */

/* A violation, a store that fails or a device that was removed is not recovered from; nor is a
 * backend that was never connected, unless it was a resume that interrupted us. */
bool recover_is_due(const struct blkfront_device *device, int error)
{
    const struct device_life *life = device->life;

    if (life->ending || life->own_gone || error != BLKFRONT_DISCONNECTED)
        return false;
    return life->insists ||
           (device->state != BLKFRONT_CONNECTING && device->options.recover_deadline_ns != 0);
}

static void set_recover_deadline(struct blkfront_device *device)
{
    /* 0: it is a resume. */
    device->life->connect_deadline_ns =
        device_deadline(device, device->options.recover_deadline_ns);
}

static void begin(struct blkfront_device *device, const char *why)
{
    struct device_life *life = device->life;
    struct blkfront_queue *queue;

    if (device->state == BLKFRONT_CONNECTED) {
        device_set_state(device, BLKFRONT_RECOVERING);
        set_recover_deadline(device);
    }
    life->stage = LIFE_PAUSING;
    for (uint32_t i = 0; (queue = queue_at(device, i)) != NULL; i++)
        queue_pause(queue);
    device_begin_closing(device);
    device_log(device, why);
}

/* Also when a recovery is under way: it begins again, and its deadline stays. */
void recover_begin(struct blkfront_device *device)
{
    if (device->state != BLKFRONT_CONNECTED)
        device->life->attempts++;
    begin(device, "recovering");
}

void recover_keep(struct blkfront_device *device)
{
    struct blkfront_queue *queue;

    device->life->stage = LIFE_KEEPING;
    for (uint32_t i = 0; (queue = queue_at(device, i)) != NULL; i++)
        queue_keep(queue);
}

void recover_end(struct blkfront_device *device)
{
    struct device_life *life = device->life;

    life->connect_deadline_ns = UINT64_MAX;
    life->insists = false;
    life->attempts = 0;
    life->resets = 0;
    device->detail[0] = '\0';
    if (device->state == BLKFRONT_RECOVERING)
        life->reconnects++;
}

/* ---- the steps ---- */

/* After a resume there is nobody left to close with. */
static bool pausing_step(struct blkfront_device *device)
{
    if (device_any_queue_is(device, QUEUE_PAUSING))
        return false;
    if (device->life->moved)
        recover_keep(device);
    else
        device->life->stage = LIFE_CLOSING;
    return true;
}

static bool keeping_step(struct blkfront_device *device)
{
    if (device_any_queue_is(device, QUEUE_KEEPING))
        return false;
    device->life->stage = LIFE_RELEASING;
    return true;
}

static void handshake_anew(struct blkfront_device *device)
{
    struct device_life *life = device->life;
    bool was_connected = device->state != BLKFRONT_CONNECTING || life->insists;

    life->stage = LIFE_HANDSHAKE;
    life->start = was_connected ? HANDSHAKE_RECOVER : HANDSHAKE_START;
    life->purpose = life->start;
    life->moved = false;
    life->own_known = false;
    life->other_known = false;
    life->look_other = true;
    life->deadline_ns = UINT64_MAX;
    /* A backend that does not take us is left alone for a while, longer each time: it may have to
     * finish with the last connection before. */
    if (life->attempts > 1)
        life->retry_at_ns =
            device_after(device_now(device), ATTEMPT_PAUSE_NS << (life->attempts < ATTEMPT_DOUBLINGS
                                                                      ? life->attempts
                                                                      : ATTEMPT_DOUBLINGS));
}

static bool returning_step(struct blkfront_device *device)
{
    const struct blkfront_platform *platform = device->context->platform;
    struct device_life *life = device->life;
    uint16_t domid = life->domid;
    int error;

    if (life->moved) {
        int result = platform->own_domid(platform->context, &domid);

        if (result != 0) {
            device_fail_because(device, store_result(result),
                                "the number of our own domain is not known", NULL, NULL);
            return true;
        }
    }
    device_unwatch(device);
    error = device_read_nodes(device, domid);
    if (life->own_gone) {
        device_fail_because(device, BLKFRONT_DISCONNECTED, "the device is gone:", life->frontend,
                            NULL);
    } else if (error != BLKFRONT_OK || (error = device_watch(device)) != BLKFRONT_OK) {
        device_fail(device, error);
    } else {
        /* What we wrote goes before our state says that we begin anew. */
        publish_leave(device);
        handshake_anew(device);
    }
    return true;
}

bool recover_step(struct blkfront_device *device)
{
    if (device->life->stage == LIFE_PAUSING)
        return pausing_step(device);
    if (device->life->stage == LIFE_KEEPING)
        return keeping_step(device);
    return returning_step(device);
}

/* ---- suspend and resume ---- */

void blkfront_suspend(struct blkfront *context)
{
    if (context == NULL)
        return;
    for (struct blkfront_device *device = context->devices; device != NULL; device = device->next) {
        struct device_life *life = device->life;

        if (life->ending)
            continue;
        life->suspended = true;
        if (life->stage == LIFE_HANDSHAKE)
            begin(device, "suspended");
        device_wake(device);
    }
}

static void resume(struct blkfront_device *device)
{
    struct device_life *life = device->life;

    memories_void(device);
    life->suspended = false;
    /* One that is about to end finds out by itself whether there is anything left to be closed. */
    if (!life->ending) {
        life->moved = true;
        life->insists = true;
        life->attempts = 0;
        begin(device, "resumed");
        if (device->state == BLKFRONT_RECOVERING)
            set_recover_deadline(device);
    }
    device_wake(device);
}

void blkfront_resume(struct blkfront *context)
{
    if (context == NULL)
        return;
    for (struct blkfront_device *device = context->devices; device != NULL; device = device->next) {
        if (device->life->stage != LIFE_FINAL)
            resume(device);
    }
}
