/* SPDX-License-Identifier: ISC */
/*
 * How a device ends, whoever wants it: queues stopped, 5 and 6 with the backend, ports and grants
 * let go, nodes and watches removed (I12); with a deadline, and at once when the last reference
 * goes.
 */
#include "life.h"
#include "name.h"
#include "store.h"

#define RETRY_FIRST_NS UINT64_C(1000000)
#define RETRY_LAST_NS  UINT64_C(64000000)

/* ---- the reason ---- */

static void log_end(const struct blkfront_device *device)
{
    const struct blkfront_platform *platform = device->context->platform;
    char line[DETAIL_MAX + 64];
    struct text text = text_begin(line, sizeof(line));

    if (platform->log == NULL)
        return;
    name_print(&text, device->vdev);
    text_add(&text, ": ");
    text_add(&text, blkfront_error_name(device->error));
    text_add(&text, ": ");
    text_add(&text, device->detail);
    platform->log(platform->context, line);
}

/* The first reason to end is the one that stays. The detail has been set by whoever found it. */
void device_end(struct blkfront_device *device, enum blkfront_state end, int error)
{
    struct device_life *life = device->life;
    uint64_t limit = device->options.disconnect_deadline_ns;

    if (life->stage != LIFE_HANDSHAKE)
        return;
    life->stage = LIFE_STOPPING;
    life->end = end;
    life->connect_deadline_ns = UINT64_MAX;
    life->retry_at_ns = UINT64_MAX;
    life->retry_ns = RETRY_FIRST_NS;
    life->deadline_ns = limit == 0 ? UINT64_MAX : device_after(device_now(device), limit);
    device->error = error;
    device_set_state(device, BLKFRONT_DISCONNECTING);
    for (uint32_t i = 0; i < device->agreed.queue_count; i++)
        queue_stop(blkfront_get_queue(device, i),
                   error == BLKFRONT_PROTOCOL ? BLKFRONT_PROTOCOL : BLKFRONT_DISCONNECTED);
    if (error != BLKFRONT_OK)
        log_end(device);
}

/* A device that loses its backend when it was connected is closed; all else is a failure. */
void device_fail(struct blkfront_device *device, int error)
{
    bool closed = device->state == BLKFRONT_CONNECTED && error == BLKFRONT_DISCONNECTED;

    device_end(device, closed ? BLKFRONT_CLOSED : BLKFRONT_FAILED, error);
}

void device_fail_because(struct blkfront_device *device, int error, const char *what,
                         const char *directory, const char *node)
{
    if (device->life->stage == LIFE_HANDSHAKE)
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
    return device->life->deadline_ns != UINT64_MAX &&
           device_now(device) >= device->life->deadline_ns;
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
        result = store_put_number(&store, life->frontend, BLKIF_NODE_STATE, state);
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
    while (!close_move(device, state))
        continue;
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
    for (uint32_t i = 0; i < device->agreed.queue_count; i++) {
        enum queue_state state = queue_get_state(blkfront_get_queue(device, i));

        if (state != QUEUE_STOPPED && state != QUEUE_CLOSED)
            return false;
    }
    device->life->stage = LIFE_CLOSING;
    device->life->purpose = HANDSHAKE_CLOSE;
    return true;
}

static bool states_step(struct blkfront_device *device)
{
    struct device_life *life = device->life;
    enum handshake_action action;

    tell_error(device);
    if (!life->own_known) { /* ended before it began: nothing has been written */
        life->stage = LIFE_RELEASING;
        return true;
    }
    if (is_past_deadline(device)) {
        close_without_waiting(device);
        life->stage = LIFE_RELEASING;
        return true;
    }
    if (!life->other_known)
        return false;
    action = handshake_action(HANDSHAKE_CLOSE, life->own, life->other);
    if (action == HANDSHAKE_CLOSING)
        return close_move(device, BLKIF_WIRE_CLOSING);
    if (action == HANDSHAKE_CLOSED)
        return close_move(device, BLKIF_WIRE_CLOSED);
    if (action != HANDSHAKE_FINISHED)
        return false;
    life->stage = LIFE_RELEASING;
    return true;
}

/* A state of 6 does not mean that the backend has unmapped everything: each grant is asked (I5). */
static bool close_queues(struct blkfront_device *device, bool last_try)
{
    bool busy = false;

    for (uint32_t i = 0; i < device->agreed.queue_count; i++) {
        struct blkfront_queue *queue = blkfront_get_queue(device, i);

        if (queue_close(queue) == 0)
            continue;
        if (last_try)
            queue_quarantine(queue);
        else
            busy = true;
    }
    return !busy;
}

static void finish(struct blkfront_device *device)
{
    device_unwatch(device);
    device->life->stage = LIFE_FINAL;
    device->life->deadline_ns = UINT64_MAX;
    device->life->retry_at_ns = UINT64_MAX;
    device_set_state(device, device->life->end);
}

static bool releasing_step(struct blkfront_device *device)
{
    struct device_life *life = device->life;
    bool last_try = is_other_gone(life) || is_past_deadline(device);

    if (!close_queues(device, last_try)) {
        device_retry_later(device);
        return false;
    }
    if (unpublish(device) != 0 && !is_past_deadline(device) &&
        ++life->store_failures < STORE_TRIES) {
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
    case LIFE_FINAL:
    default: return false;
    }
}

/* What is to be tried again later is not tried in between. */
bool device_is_waiting(struct blkfront_device *device)
{
    struct device_life *life = device->life;

    if (life->retry_at_ns == UINT64_MAX)
        return false;
    if (device_now(device) < life->retry_at_ns && !is_past_deadline(device))
        return true;
    life->retry_at_ns = UINT64_MAX;
    return false;
}

void device_cut_off(struct blkfront_device *device)
{
    struct device_life *life = device->life;

    if (life->stage == LIFE_FINAL)
        return;
    device_end(device, BLKFRONT_CLOSED, BLKFRONT_OK);
    life->stage = LIFE_FINAL; /* whoever connects from a completion gets a new device */
    device_set_state(device, life->end);
    for (uint32_t i = 0; i < device->agreed.queue_count; i++) {
        struct blkfront_queue *queue = blkfront_get_queue(device, i);

        while (queue_get_state(queue) == QUEUE_STOPPING)
            (void)blkfront_queue_poll(queue);
    }
    tell_error(device);
    if (life->own_known)
        close_without_waiting(device);
    (void)close_queues(device, true);
    for (int tries = 0; tries < STORE_TRIES && unpublish(device) != 0; tries++)
        continue;
    finish(device);
}
