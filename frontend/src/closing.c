/* SPDX-License-Identifier: ISC */
/*
 * How a device ends, whoever wants it: queues stopped, 5 and 6 with the backend, ports and grants
 * let go, nodes and watches removed (I12); with a deadline, and at once when the last reference
 * goes. CLOSING and RELEASING are also a part of a recovery, the rest of which is recover.c's.
 */
#include "life.h"
#include "name.h"
#include "store.h"

#define RETRY_LAST_NS UINT64_C(512000000)

/* ---- the reason ---- */

void device_log(const struct blkfront_device *device, const char *what)
{
    const struct blkfront_platform *platform = device->context->platform;
    char line[sizeof(device->detail) + 64];
    struct text text = text_begin(line, sizeof(line));

    if (platform->log == NULL)
        return;
    name_print(&text, device->vdev);
    text_add(&text, ": ");
    text_add(&text, what);
    if (device->detail[0] != '\0') {
        text_add(&text, ": ");
        text_add(&text, device->detail);
    }
    platform->log(platform->context, line);
}

void device_begin_closing(struct blkfront_device *device)
{
    device->life->retry_at_ns = UINT64_MAX;
    device->life->retry_ns = LIFE_RETRY_FIRST_NS;
    device->life->store_failures = 0;
    device->life->deadline_ns = device_deadline(device, device->options.disconnect_deadline_ns);
}

/* The first reason to end is the one that stays. The detail has been set by whoever found it. */
void device_end(struct blkfront_device *device, enum blkfront_state end, int error)
{
    struct device_life *life = device->life;
    struct blkfront_queue *queue;

    if (life->ending)
        return;
    life->ending = true;
    life->stage = LIFE_STOPPING;
    life->end = end;
    life->connect_deadline_ns = UINT64_MAX;
    device_begin_closing(device);
    device->error = error;
    device_set_state(device, BLKFRONT_DISCONNECTING);
    for (uint32_t i = 0; (queue = queue_at(device, i)) != NULL; i++)
        queue_stop(queue, error == BLKFRONT_PROTOCOL ? BLKFRONT_PROTOCOL : BLKFRONT_DISCONNECTED);
    if (error != BLKFRONT_OK)
        device_log(device, blkfront_error_name(error));
}

void device_fail(struct blkfront_device *device, int error)
{
    bool was_connected =
        device->state == BLKFRONT_CONNECTED || device->state == BLKFRONT_RECOVERING;

    if (recover_is_due(device, error))
        recover_begin(device);
    else
        device_end(device,
                   was_connected && error == BLKFRONT_DISCONNECTED ? BLKFRONT_CLOSED
                                                                   : BLKFRONT_FAILED,
                   error);
}

void device_fail_because(struct blkfront_device *device, int error, const char *what,
                         const char *directory, const char *node)
{
    if (!device->life->ending)
        device_set_detail(device, what, directory, node);
    device_fail(device, error);
}

/* ---- the steps ---- */

void device_retry_later(struct blkfront_device *device)
{
    struct device_life *life = device->life;

    life->retry_at_ns = device_after(device_now(device), life->retry_ns);
    if (life->retry_ns < RETRY_LAST_NS)
        life->retry_ns *= 2;
}

static bool is_past_deadline(const struct blkfront_device *device)
{
    return device_now(device) >= device->life->deadline_ns;
}

/* Nothing more will come from it, and nothing will be let go either. */
static bool is_other_gone(const struct device_life *life)
{
    return life->own_gone || (life->other_known && (life->other == HANDSHAKE_ABSENT ||
                                                    life->other == BLKIF_WIRE_UNKNOWN));
}

/* For the toolstack's eyes; a peer that went away is no failure of ours. */
static void tell_error(struct blkfront_device *device)
{
    struct device_life *life = device->life;

    if (life->end != BLKFRONT_FAILED || device->error == BLKFRONT_DISCONNECTED || life->error_told)
        return;
    life->error_told = true;
    (void)publish_error(device);
}

/* A move of ours while disconnecting: false if it is to be tried again later. Where we may not
 * write any more, nobody reads it. */
static bool close_move(struct blkfront_device *device, enum blkif_wire_state state)
{
    const struct store store = {.platform = device->context->platform, .transaction = 0};
    struct device_life *life = device->life;
    int result = 0;

    if (!life->own_gone)
        result = store_put_state(&store, life->frontend, state);
    if (result != 0 && result != BLKFRONT_PLATFORM_DENIED && result != BLKFRONT_PLATFORM_NO_ENTRY &&
        ++life->store_failures < STORE_TRIES) {
        device_retry_later(device);
        return false;
    }
    life->own = state;
    life->store_failures = 0;
    return true;
}

/* The same at once: no later. */
static void close_move_now(struct blkfront_device *device, enum blkif_wire_state state)
{
    device->life->store_failures = 0;
    while (!close_move(device, state)) {}
    device->life->retry_at_ns = UINT64_MAX;
}

/* Time is up: ours at least ends as it should. */
static void close_without_waiting(struct blkfront_device *device)
{
    struct device_life *life = device->life;

    if (life->own == BLKIF_WIRE_INITIALISING || life->own == BLKIF_WIRE_INITIALISED ||
        life->own == BLKIF_WIRE_CONNECTED)
        close_move_now(device, BLKIF_WIRE_CLOSING);
    if (life->own == BLKIF_WIRE_CLOSING)
        close_move_now(device, BLKIF_WIRE_CLOSED);
}

static bool stopping_step(struct blkfront_device *device)
{
    if (device_any_queue_is(device, QUEUE_STOPPING))
        return false;
    device->life->stage = LIFE_CLOSING;
    return true;
}

/* 5 and 6 have been said, as far as there was somebody to say it to. */
static void closed(struct blkfront_device *device)
{
    if (device->life->ending)
        device->life->stage = LIFE_RELEASING;
    else
        recover_keep(device);
}

static bool states_step(struct blkfront_device *device)
{
    struct device_life *life = device->life;
    enum handshake_action action;

    tell_error(device);
    if (life->own_known && !is_past_deadline(device)) {
        if (!life->other_known)
            return false;
        action = handshake_action(HANDSHAKE_CLOSE, life->own, life->other);
        if (action == HANDSHAKE_CLOSING)
            return close_move(device, BLKIF_WIRE_CLOSING);
        if (action == HANDSHAKE_CLOSED)
            return close_move(device, BLKIF_WIRE_CLOSED);
        if (action != HANDSHAKE_FINISHED)
            return false;
    } else if (life->own_known) { /* else it ended before it began: nothing has been written */
        close_without_waiting(device);
    }
    closed(device);
    return true;
}

/* A state of 6 does not mean that the backend has unmapped everything: each grant is asked (I5). */
static bool close_queues(struct blkfront_device *device, bool last_try)
{
    struct blkfront_queue *queue;
    bool busy = false;

    for (uint32_t i = 0; (queue = queue_at(device, i)) != NULL; i++) {
        if (queue_close(queue) == 0)
            continue;
        if (last_try)
            queue_quarantine(queue);
        else
            busy = true;
    }
    return !busy;
}

/* What can be tried again is not tried later. */
static void unpublish_now(struct blkfront_device *device)
{
    for (int tries = 0; tries < STORE_TRIES && unpublish(device) != 0; tries++) {}
}

/* False if it is to be tried again later. What we may not do now we may not do then. */
static bool unpublish_in_time(struct blkfront_device *device)
{
    int result = unpublish(device);

    if (result != 0 && result != BLKFRONT_PLATFORM_DENIED && !is_past_deadline(device))
        return ++device->life->store_failures >= STORE_TRIES;
    if (result != 0)
        unpublish_now(device);
    return true;
}

static void finish(struct blkfront_device *device)
{
    struct blkfront_queue *queue;

    device_unwatch(device);
    for (uint32_t i = 0; (queue = queue_at(device, i)) != NULL; i++)
        queue_end(queue);
    device->life->stage = LIFE_FINAL;
    device->life->retry_at_ns = UINT64_MAX;
    device_set_state(device, device->life->end);
}

static bool releasing_step(struct blkfront_device *device)
{
    struct device_life *life = device->life;
    /* A recovery does not wait for pages: what is BUSY goes to the quarantine. */
    bool last_try = !life->ending || is_other_gone(life) || is_past_deadline(device);

    if (!close_queues(device, last_try)) {
        device_retry_later(device);
        return false;
    }
    if (!life->ending) {
        life->stage = LIFE_RETURNING;
        return true;
    }
    if (!unpublish_in_time(device)) {
        device_retry_later(device);
        return false;
    }
    finish(device);
    return true;
}

bool closing_step(struct blkfront_device *device)
{
    switch (device->life->stage) {
    case LIFE_STOPPING: return stopping_step(device);
    case LIFE_CLOSING: return states_step(device);
    case LIFE_RELEASING: return releasing_step(device);
    case LIFE_HANDSHAKE:
    case LIFE_PAUSING:
    case LIFE_KEEPING:
    case LIFE_RETURNING:
    case LIFE_FINAL:
    default: return false;
    }
}

/* What is to be tried again later is not tried in between. */
bool device_is_waiting(struct blkfront_device *device)
{
    struct device_life *life = device->life;
    uint64_t now = device_now(device);

    if (life->retry_at_ns == UINT64_MAX)
        return false;
    if (now < life->retry_at_ns && now < life->connect_deadline_ns && !is_past_deadline(device))
        return true;
    life->retry_at_ns = UINT64_MAX;
    return false;
}

/* Without waiting for whoever polls them. One may have to wait for another: so round by round. */
static void stop_queues(struct blkfront_device *device)
{
    struct blkfront_queue *queue;
    bool stopping;

    do {
        stopping = false;
        for (uint32_t i = 0; (queue = queue_at(device, i)) != NULL; i++) {
            if (queue_get_state(queue) != QUEUE_STOPPING)
                continue;
            (void)blkfront_queue_poll(queue);
            stopping = true;
        }
    } while (stopping);
}

void device_cut_off(struct blkfront_device *device)
{
    struct device_life *life = device->life;

    if (life->stage == LIFE_FINAL)
        return;
    device_end(device, BLKFRONT_CLOSED, BLKFRONT_OK);
    life->stage = LIFE_FINAL; /* whoever connects from a completion gets a new device */
    device_set_state(device, life->end);
    stop_queues(device);
    if (life->moved) /* are we still who we were? If not, nothing is written */
        device_look_at_own(device);
    tell_error(device);
    if (life->own_known)
        close_without_waiting(device);
    (void)close_queues(device, true);
    unpublish_now(device);
    finish(device);
}
