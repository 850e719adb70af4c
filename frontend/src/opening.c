/* SPDX-License-Identifier: ISC */
/*
 * The steps of a device that connects or is connected: what handshake.c's table says is done here.
 * Ending it is closing.c's.
 */
#include "life.h"
#include "store.h"

/* Of one connection: a backend may not keep us busy for ever (I4). */
enum { RESETS_MAX = 8 };

/* A move of ours while connecting: if it cannot be written, the connection ends. */
static bool move(struct blkfront_device *device, enum blkif_wire_state state)
{
    const struct store store = {.platform = device->context->platform, .transaction = 0};
    int result = store_put_number(&store, device->life->frontend, BLKIF_NODE_STATE, state);

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
        int error = queue_open(blkfront_get_queue(device, i));

        while (error == BLKFRONT_NO_MEMORY && i == 0 && agreed->ring_order > 0) {
            agreed->ring_order--;
            error = queue_open(blkfront_get_queue(device, i));
        }
        if (error == BLKFRONT_NO_MEMORY && i > 0) {
            agreed->queue_count = i;
            return BLKFRONT_OK;
        }
        if (error != BLKFRONT_OK) {
            agreed->queue_count = i;
            return error;
        }
    }
    return BLKFRONT_OK;
}

static void do_publish(struct blkfront_device *device, bool defaults)
{
    struct device_life *life = device->life;
    int error = BLKFRONT_OK;
    int result;

    if (defaults)
        negotiate_defaults(device);
    else
        error = negotiate_transport(device);
    if (error != BLKFRONT_OK) {
        device->agreed.queue_count = 0; /* none is open */
        device_fail(device, error);
        return;
    }
    error = open_queues(device);
    if (error != BLKFRONT_OK) {
        device_fail_because(device, error, "cannot share a ring and its pages", NULL, NULL);
        return;
    }
    result = publish(device);
    if (result != 0)
        device_fail_because(device, store_result(result), "cannot publish in", life->frontend,
                            NULL);
    else
        life->own = BLKIF_WIRE_INITIALISED;
}

/* The first request goes out after the backend's 4 has been read and ours written (I11). */
static void do_connect(struct blkfront_device *device)
{
    struct device_life *life = device->life;
    int error = negotiate_properties(device);

    if (error != BLKFRONT_OK) {
        device_fail(device, error);
        return;
    }
    if (!move(device, BLKIF_WIRE_CONNECTED))
        return;
    life->other_fresh = false;
    life->connect_deadline_ns = UINT64_MAX;
    device->connection++;
    __atomic_store_n(&device->usable_queues, device->agreed.queue_count, __ATOMIC_RELEASE);
    device_set_state(device, BLKFRONT_CONNECTED);
    for (uint32_t i = 0; i < device->agreed.queue_count; i++)
        queue_start(blkfront_get_queue(device, i));
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
        life->purpose = HANDSHAKE_START;
}

static void do_update(struct blkfront_device *device)
{
    device->life->other_fresh = false;
    negotiate_update(device);
}

static void peer_gone(struct blkfront_device *device, const char *what)
{
    device_fail_because(device, BLKFRONT_DISCONNECTED, what, device->life->backend, NULL);
}

/* True if there may be more to do at once. */
bool opening_step(struct blkfront_device *device)
{
    struct device_life *life = device->life;

    if (!life->own_known || !life->other_known)
        return false;
    switch (handshake_action(life->purpose, life->own, life->other)) {
    case HANDSHAKE_WAIT: return false;
    case HANDSHAKE_BEGIN: life->purpose = HANDSHAKE_OPEN; return true;
    case HANDSHAKE_INITIALISE: (void)move(device, BLKIF_WIRE_INITIALISING); return true;
    case HANDSHAKE_REINITIALISE:
        if (move(device, BLKIF_WIRE_INITIALISING))
            life->purpose = HANDSHAKE_REOPEN;
        return true;
    case HANDSHAKE_RESET: do_reset(device); return true;
    case HANDSHAKE_CLOSING: (void)move(device, BLKIF_WIRE_CLOSING); return true;
    case HANDSHAKE_CLOSED: (void)move(device, BLKIF_WIRE_CLOSED); return true;
    case HANDSHAKE_PUBLISH: do_publish(device, false); return true;
    case HANDSHAKE_PUBLISH_DEFAULTS: do_publish(device, true); return true;
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
    case HANDSHAKE_FINISHED:
    case HANDSHAKE_NEVER:
    default: break;
    }
    device->context->platform->bug(device->context->platform->context, "opening_step");
    return false;
}
