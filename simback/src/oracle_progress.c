/* SPDX-License-Identifier: ISC */
/*
 * I4: who owes the next move, when the world is at rest and a call waits. What counts is what has
 * been published: a frontend that has something to take up and does not is stuck; otherwise its
 * backend owes, as long as there is one.
 */
#include "oracle_internal.h"

#include <stdio.h>

/* The xenbus state in a directory; 0: absent or none. */
static uint8_t state_in(const struct simback_world *world, const char *directory)
{
    uint64_t state;

    if (!monitor_peek_number(world, directory, BLKIF_NODE_STATE, &state) ||
        state > BLKIF_WIRE_RECONFIGURED)
        return BLKIF_WIRE_UNKNOWN;
    return (uint8_t)state;
}

static bool back_directory(const struct simback_world *world, const char *front, char *back)
{
    size_t length;

    if (!monitor_peek(world, front, BLKIF_NODE_BACKEND, back, MONITOR_PATH - 1, &length))
        return false;
    back[length] = '\0';
    return true;
}

/* ---- a connected device ---- */

/* Answers that were not taken, and were not taken back either. */
static bool is_published(const struct oracle_ring *ring)
{
    return ring->applied != ring->view->responses &&
           ring->applied != ring->view->seen[SIMBACK_RSP_PROD];
}

/* All of the request's parts are answered, or none was ever put although there is room. */
static bool could_go_on_with(const struct oracle_ring *ring, const struct oracle_request *request)
{
    if (ring->event_lost || ring->rsp_event_foreign) /* it cannot know that it could */
        return false;
    if (is_published(ring))
        return true;
    /* It may be there, and not be told of. */
    if (request->in_flight > 0 || ring->untracked || (ring->req_prod_foreign && !ring->observed))
        return false;
    /* What is in flight may be its own: another one asked for the same. */
    if (request->ambiguous && ring->in_flight > 0)
        return false;
    return ring->in_flight < ring->view->slots || !request->waiting;
}

/* By the ring of its queue, or where that is gone, or was, by any other one that the device has:
 * there it may wait behind what that queue has put before. Where there is none, nothing of it is in
 * flight. */
static bool could_go_on(const struct oracle *oracle, const struct oracle_device *device,
                        const struct oracle_request *request)
{
    const struct oracle_ring *own = oracle_ring_get(device, request->queue);

    if (own != NULL && own->attached && (own->missed == 0 || own->missed < request->born))
        return could_go_on_with(own, request);
    for (uint16_t queue = 0; queue < oracle->world->monitor->queues[device->number]; queue++) {
        const struct oracle_ring *ring = device->rings[queue];

        if (ring != NULL && ring->attached &&
            ((ring->in_flight > 0 && !is_published(ring)) || !could_go_on_with(ring, request)))
            return false;
    }
    return true;
}

/* An index that makes no sense was seen, and nothing came of it. */
static bool ignores_overflow(const struct oracle *oracle, const struct oracle_device *device)
{
    for (uint16_t queue = 0; queue < oracle->world->monitor->queues[device->number]; queue++) {
        const struct oracle_ring *ring = device->rings[queue];

        if (ring != NULL && ring->attached && ring->overflow_seen)
            return true;
    }
    return false;
}

/* The first request in flight decides: those behind it may wait for it. With none in flight
 * whatever is waited for has happened. */
static enum simback_owes requests_owe(const struct oracle *oracle,
                                      const struct oracle_device *device)
{
    if (device->first == NULL || ignores_overflow(oracle, device) ||
        could_go_on(oracle, device, device->first))
        return SIMBACK_OWES_FRONTEND;
    return SIMBACK_OWES_BACKEND;
}

/* ---- a disconnect that ends by its deadline ---- */

/* Nothing that a frontend has to do by then takes so long. */
#define IDLE_NS UINT64_C(1000000000)

void progress_disconnect(const struct oracle *oracle, struct oracle_device *device)
{
    const uint64_t now = oracle->world->now;

    if (!device->ending)
        device->ending_since = device->app_known && (device->app_state == BLKFRONT_CONNECTING ||
                                                     device->app_state == BLKFRONT_CONNECTED)
                                   ? now
                                   : SIMBACK_NEVER;
    device->ending = true;
    device->unhindered_since = now;
}

void progress_closed(const struct oracle *oracle, struct oracle_device *device)
{
    if (device->front_state != BLKIF_WIRE_CLOSED || device->back_read != BLKIF_WIRE_CLOSED ||
        device->back_odd)
        device->unhindered_since = oracle->world->now;
}

void progress_hindered(const struct oracle *oracle, struct oracle_device *device)
{
    device->unhindered_since = oracle->world->now;
}

void progress_suspended(struct oracle *oracle)
{
    for (uint32_t i = 0; i < WORLD_DEVICES; i++) {
        if (oracle->devices[i] != NULL)
            progress_hindered(oracle, oracle->devices[i]);
    }
}

/* It had read that both are Closed, and nothing that it tried since has failed: the deadline alone
 * has ended it. */
void progress_over(struct oracle *oracle, const struct oracle_device *device)
{
    const uint64_t waited_ns = oracle->world->now - device->unhindered_since;

    if (!device->ending || device->front_state != BLKIF_WIRE_CLOSED ||
        device->back_read != BLKIF_WIRE_CLOSED || device->back_odd || oracle->suspended ||
        oracle->world->options.served)
        return;
    oracle_checked(oracle, 4);
    if (waited_ns >= IDLE_NS)
        oracle_broken(oracle, 4, device, 0,
                      "the disconnect has lasted for %llu ms after both sides were closed, and "
                      "nothing was in its way",
                      (unsigned long long)(waited_ns / 1000000));
}

/* ---- the handshake: who moves on in (front, back) ---- */

enum { F = SIMBACK_OWES_FRONTEND, B = SIMBACK_OWES_BACKEND, R /* look at the requests */ = 100 };

/* A backend that is Closed or gone owes nothing, except where the frontend has written 1 and waits
 * for it to open again; 7 and 8 are to be waited out. */
/* clang-format off */
static const uint8_t handshake[BLKIF_WIRE_RECONFIGURED + 1][BLKIF_WIRE_RECONFIGURED + 1] = {
    /* back:                        0  1  2  3  4  5  6  7  8 */
    [BLKIF_WIRE_UNKNOWN] =        { F, F, F, F, F, F, F, B, B },
    [BLKIF_WIRE_INITIALISING] =   { F, B, F, F, F, F, B, B, B },
    [BLKIF_WIRE_INIT_WAIT] =      { F, F, F, F, F, F, F, B, B },
    [BLKIF_WIRE_INITIALISED] =    { F, B, B, B, F, F, F, B, B },
    [BLKIF_WIRE_CONNECTED] =      { F, B, B, B, R, F, F, R, R },
    [BLKIF_WIRE_CLOSING] =        { F, B, B, B, B, F, F, B, B },
    [BLKIF_WIRE_CLOSED] =         { F, F, F, B, B, B, F, B, B },
    [BLKIF_WIRE_RECONFIGURING] =  { F, F, F, F, F, F, F, B, B },
    [BLKIF_WIRE_RECONFIGURED] =   { F, F, F, F, F, F, F, B, B },
};

/* clang-format on */

/* A recovering device, or one that was connecting when the guest was resumed, whose backend
 * somebody has to bring back; and one that begins, whose backend has a state node that says 0 and
 * has not looked yet. */
static bool waits_without_backend(const struct simback_world *world,
                                  const struct oracle_device *device, uint8_t front_state,
                                  const char *back)
{
    if (device->app_known && (device->app_state == BLKFRONT_RECOVERING || device->resumed))
        return true;
    return front_state == BLKIF_WIRE_INITIALISING && back[0] != '\0' &&
           monitor_exists(world, back, BLKIF_NODE_STATE);
}

/* One that it was told is not there is not there, to it. */
static bool is_misread(const struct oracle_device *device, const char *back)
{
    char path[MONITOR_PATH + sizeof("/" BLKIF_NODE_STATE)];
    int length = snprintf(path, sizeof(path), "%s/" BLKIF_NODE_STATE, back);

    return device->back_misread != 0 && hash_xxh64(path, (size_t)length, 0) == device->back_misread;
}

static enum simback_owes device_owes(const struct oracle *oracle,
                                     const struct oracle_device *device, uint8_t front_state,
                                     const char *back)
{
    uint8_t back_state = back[0] == '\0' || is_misread(device, back)
                             ? BLKIF_WIRE_UNKNOWN
                             : state_in(oracle->world, back);
    uint8_t owes = handshake[front_state][back_state];

    /* Whoever begins where a predecessor has left a 4 waits for the end of 7 and 8, too. */
    if (owes == R && device->first == NULL && back_state >= BLKIF_WIRE_RECONFIGURING)
        return SIMBACK_OWES_BACKEND;
    if (owes == R)
        return requests_owe(oracle, device);
    if (device->lost_count != 0 || device->lost_more) /* it cannot know what there is to do */
        return SIMBACK_OWES_BACKEND;
    if (back_state == BLKIF_WIRE_UNKNOWN &&
        waits_without_backend(oracle->world, device, front_state, back))
        return SIMBACK_OWES_BACKEND;
    return (enum simback_owes)owes;
}

enum simback_owes simback_who_owes(const struct simback_world *world, uint16_t number)
{
    const struct oracle *oracle = world->oracle;
    uint16_t known = monitor_device_number(world->monitor, number);
    const struct oracle_device *device;
    char back[MONITOR_PATH] = "";
    enum simback_owes owes;

    device = known < WORLD_DEVICES ? oracle->devices[known] : NULL;
    if (device == NULL || !world->monitor->devices[known].known)
        return SIMBACK_OWES_FRONTEND; /* nothing was published that a backend could answer */
    if (oracle->suspended)            /* it goes on when the guest is resumed */
        return SIMBACK_OWES_BACKEND;
    if (!back_directory(world, world->monitor->devices[known].front, back))
        back[0] = '\0';
    owes = device_owes(oracle, device, state_in(world, world->monitor->devices[known].front), back);
    /* Where somebody else has written our state, its own is what the frontend acts by. */
    if (owes == SIMBACK_OWES_FRONTEND && device->front_known && device->front_foreign != 0)
        owes = device_owes(oracle, device, device->front_state, back);
    return owes;
}
