/* SPDX-License-Identifier: ISC */
/*
 * The steps of a device that connects or is connected: what handshake.c's table says is done here.
 * Ending it is closing.c's.
 */
#include "life.h"
#include "store.h"

/* Of one connection: a backend may not keep us busy for ever (I4). Grants that other devices keep
 * are waited for a second. */
enum { RESETS_MAX = 8, SHORTAGES_MAX = 10 };

/* A move of ours while connecting: if it cannot be written, the connection ends. */
static bool move(struct blkfront_device *device, enum blkif_wire_state state)
{
    const struct store store = {.platform = device->context->platform, .transaction = 0};
    int result = store_put_state(&store, device->life->frontend, state);

    if (result != 0) {
        device_fail_because(device, store_result(result), "cannot write", device->life->frontend,
                            BLKIF_NODE_STATE);
        return false;
    }
    device->life->own = state;
    return true;
}

/* A smaller ring or fewer queues will do where grants or ports have run out. */
static int open_queues(struct blkfront_device *device)
{
    struct agreed *agreed = &device->agreed;

    for (uint32_t i = 0; i < agreed->queue_count; i++) {
        int error = queue_open(queue_at(device, i));

        while (error == QUEUE_SHORT && i == 0 && agreed->ring_order > 0) {
            agreed->ring_order--;
            error = queue_open(queue_at(device, i));
        }
        if (error == BLKFRONT_OK)
            continue;
        agreed->queue_count = i;
        return i > 0 ? BLKFRONT_OK : error;
    }
    return BLKFRONT_OK;
}

/* What is missing: that of pages that the last backend has not let go, or grants that other devices
 * keep. */
static bool may_come(struct blkfront_device *device, int error)
{
    struct device_life *life = device->life;
    const bool kept = error == QUEUE_SHORT && shortage_tell_devices(device);

    return life->start == HANDSHAKE_RECOVER || (kept && life->shortages++ < SHORTAGES_MAX);
}

/* False if it is to be tried again later. */
static bool do_publish(struct blkfront_device *device, bool defaults)
{
    struct device_life *life = device->life;
    int error = BLKFRONT_OK;
    int result;

    if (defaults)
        negotiate_defaults(device);
    else
        error = negotiate_transport(device);
    if (error != BLKFRONT_OK) {
        device_fail(device, error);
        return true;
    }
    error = open_queues(device);
    if (error != BLKFRONT_OK && may_come(device, error)) {
        device_retry_later(device);
        return false;
    }
    if (error != BLKFRONT_OK) {
        device_fail_because(device, BLKFRONT_NO_MEMORY,
                            error == QUEUE_SHORT ? "cannot share a ring and its pages"
                                                 : "no event channel for a ring",
                            NULL, NULL);
        return true;
    }
    result = publish(device);
    if (result != 0)
        device_fail_because(device, store_result(result), "cannot publish in", life->frontend,
                            NULL);
    else
        life->own = BLKIF_WIRE_INITIALISED;
    return true;
}

/* Queues without a ring of their own, which the caller may hold since a connection that had more,
 * share the others'. */
static void start_queues(struct blkfront_device *device)
{
    uint32_t rings = device->agreed.queue_count;

    device->connection++;
    for (uint32_t i = 0; i < rings; i++)
        queue_start(queue_at(device, i));
    for (uint32_t i = rings, target = 0; i < device->usable_queues; i++) {
        queue_share(queue_at(device, i), target);
        target = target + 1 < rings ? target + 1 : 0;
    }
    if (rings > device->usable_queues)
        __atomic_store_n(&device->usable_queues, rings, __ATOMIC_RELEASE);
}

/* The first request goes out after the backend's 4 has been read and ours written (I11). */
static void do_connect(struct blkfront_device *device)
{
    int error = negotiate_properties(device);

    if (error != BLKFRONT_OK) {
        device_fail(device, error);
        return;
    }
    if (!move(device, BLKIF_WIRE_CONNECTED))
        return;
    device->life->other_fresh = false;
    device->life->look_flush = false; /* what a watch of the last connection said */
    device_watch_flush(device);
    recover_end(device);
    device_set_state(device, BLKFRONT_CONNECTED);
    start_queues(device);
}

static void do_reset(struct blkfront_device *device)
{
    struct device_life *life = device->life;

    if (life->resets++ == RESETS_MAX) {
        device_fail_because(device, BLKFRONT_PROTOCOL,
                            "connects without a ring again and again:", life->backend, NULL);
        return;
    }
    if (move(device, BLKIF_WIRE_CLOSING) && move(device, BLKIF_WIRE_CLOSED))
        life->purpose = life->start;
}

static void do_update(struct blkfront_device *device)
{
    device->life->other_fresh = false;
    update_properties(device);
}

/* A backend that ends before we were connected may still be answering the state that we found when
 * we came: then it comes back for the 1 that we wrote since, and we begin again with it. */
static bool begins_again(struct blkfront_device *device)
{
    struct device_life *life = device->life;

    if (!life->reopening || device->state != BLKFRONT_CONNECTING ||
        (life->other != BLKIF_WIRE_CLOSING && life->other != BLKIF_WIRE_CLOSED) ||
        life->resets == RESETS_MAX)
        return false;
    life->resets++;
    life->reopening = false;
    recover_begin(device);
    return true;
}

static void peer_gone(struct blkfront_device *device, const char *what)
{
    if (begins_again(device))
        return;
    device_fail_because(device, BLKFRONT_DISCONNECTED, what, device->life->backend, NULL);
}

/* True if there may be more to do at once. */
bool opening_step(struct blkfront_device *device)
{
    struct device_life *life = device->life;

    if (!life->other_known) /* ours is read before it */
        return false;
    switch (handshake_action(life->purpose, life->own, life->other)) {
    case HANDSHAKE_WAIT: return false;
    case HANDSHAKE_BEGIN: life->purpose = HANDSHAKE_OPEN; return true;
    case HANDSHAKE_INITIALISE: life->reopening = move(device, BLKIF_WIRE_INITIALISING); return true;
    case HANDSHAKE_REINITIALISE:
        if (move(device, BLKIF_WIRE_INITIALISING)) {
            life->purpose = HANDSHAKE_REOPEN;
            life->reopening = true;
        }
        return true;
    case HANDSHAKE_RESET: do_reset(device); return true;
    case HANDSHAKE_CLOSED: (void)move(device, BLKIF_WIRE_CLOSED); return true;
    case HANDSHAKE_PUBLISH: return do_publish(device, false);
    case HANDSHAKE_PUBLISH_DEFAULTS: return do_publish(device, true);
    case HANDSHAKE_CONNECT: do_connect(device); return true;
    case HANDSHAKE_UPDATE:
        if (life->other_fresh)
            do_update(device);
        return false;
    case HANDSHAKE_PEER_CLOSES: peer_gone(device, "the backend closes:"); return true;
    case HANDSHAKE_PEER_GONE:
        peer_gone(device, life->other == BLKIF_WIRE_CLOSED ? "the backend has closed:"
                                                           : "the backend is gone:");
        return true;
    case HANDSHAKE_PEER_RESTARTED: peer_gone(device, "the backend has restarted:"); return true;
    case HANDSHAKE_CLOSING:
    case HANDSHAKE_FINISHED:
    case HANDSHAKE_NEVER:
    default: break;
    }
    device->context->platform->bug(device->context->platform->context, "opening_step");
    return false;
}
