/* SPDX-License-Identifier: ISC */
/*
 * What runs on a device's stack: the frontend's open, then its submit and poll as there is work,
 * then its close. Its waits end here, when a handler, a watch or the clock has come.
 */
#include "shim_internal.h"

#include <stdio.h>
#include <string.h>

const struct shim_frontend *shim_description;
struct shim_device *shim_current;
bool shim_observed;

bool device_is_over(const struct shim_device *device)
{
    return device->state == BLKFRONT_CLOSED || device->state == BLKFRONT_FAILED;
}

/* ---- waiting ---- */

void shim_wake(struct shim_queue *queue)
{
    queue->woken = true;
}

uint64_t shim_now(void)
{
    return shim_platform()->now(shim_platform()->context);
}

/* Until something has happened; nobody knows what. */
static void leave(struct shim_device *device, uint64_t deadline_ns)
{
    device->deadline_ns = deadline_ns;
    device->runs = false;
    fiber_leave(device->fiber);
    device->runs = true;
    device->deadline_ns = SHIM_FOREVER;
}

bool shim_wait(struct shim_queue *queue, uint64_t deadline_ns)
{
    struct shim_device *device = shim_current;

    if (!device->runs)
        shim_platform()->bug(shim_platform()->context, "shim_wait in an event handler");
    while (!queue->woken && shim_now() < deadline_ns)
        leave(device, deadline_ns);
    if (!queue->woken)
        return false;
    queue->woken = false;
    return true;
}

void shim_sleep(uint64_t ns)
{
    struct shim_queue nobody = {false};

    shim_wait(&nobody, shim_now() + ns);
}

/* ---- the frontend's life ---- */

void shim_lost(int reason, const char *detail)
{
    struct shim_device *device = shim_current;

    if (device->error != BLKFRONT_OK)
        return;
    device->error = shim_error(reason);
    device->closing = true;
    snprintf(device->detail, sizeof(device->detail), "%s", detail);
}

static void work(struct shim_device *device)
{
    while (!device->closing) {
        if (device->events && shim_description->poll != NULL) {
            device->events = false;
            shim_description->poll(device->opened);
        } else if (!request_put(device)) {
            leave(device, SHIM_FOREVER);
        }
    }
}

/* A set closes what is left in it; that is the frontend's matter, and is seen if it is not done. */
static void close_sets(struct shim_device *device)
{
    const struct blkfront_platform *platform = device->shim->platform;
    bool ports = false, watches = false;

    for (int i = 0; i < SHIM_PORTS; i++)
        ports |= device->ports[i].port != 0;
    for (int i = 0; i < SHIM_WATCHES; i++)
        watches |= device->watchers[i].queue != NULL;
    if (!ports)
        platform->channels_close(platform->context, device->channels);
    if (!watches)
        platform->watches_close(platform->context, device->watches);
}

static void live(void *context)
{
    struct shim_device *device = context;

    device->runs = true;
    device->opened = shim_description->open(device->node, &device->info);
    if (device->opened == NULL) {
        shim_lost(SHIM_STORE, "open gave no device");
        device->state = BLKFRONT_FAILED;
    } else {
        if (device->info.sector_size == 0)
            device->info.sector_size = 512;
        device->state = BLKFRONT_CONNECTED;
        work(device);
        device->state = BLKFRONT_DISCONNECTING;
        shim_description->close(device->opened);
        device->state = device->error == BLKFRONT_OK || device->error == BLKFRONT_DISCONNECTED
                            ? BLKFRONT_CLOSED
                            : BLKFRONT_FAILED;
    }
    requests_end(device, device->error == BLKFRONT_PROTOCOL ? SHIM_PROTOCOL : SHIM_DISCONNECTED);
    close_sets(device);
    device->deadline_ns = SHIM_FOREVER;
    device->ended = true;
    device->runs = false;
}

void device_run(struct shim_device *device)
{
    struct shim_device *before = shim_current;

    if (device->fiber == NULL) {
        device->fiber = fiber_new(live, device);
        if (device->fiber == NULL)
            return;
    }
    shim_current = device;
    if (!device->ended)
        fiber_enter(device->fiber);
    shim_current = before;
}

/* ---- what has happened ---- */

bool device_take_watches(struct shim_device *device)
{
    const struct blkfront_platform *platform = device->shim->platform;
    uint32_t token = 0;
    int taken = 0;

    while (!device->ended && taken < SHIM_EVENTS_A_POLL &&
           platform->watch_fired(platform->context, device->watches, &token) > 0) {
        taken++;
        if (token < SHIM_WATCHES && device->watchers[token].queue != NULL)
            shim_wake(device->watchers[token].queue);
    }
    return taken == SHIM_EVENTS_A_POLL;
}

static void handle(struct shim_device *device, uint32_t fired)
{
    for (int i = 0; i < SHIM_PORTS; i++) {
        const struct shim_port *port = &device->ports[i];

        if (port->port == fired && port->handler != NULL)
            port->handler(fired, port->data);
    }
}

bool device_take_events(struct shim_device *device)
{
    const struct blkfront_platform *platform = device->shim->platform;
    struct shim_device *before = shim_current;
    uint32_t port = 0;
    int taken = 0;

    shim_current = device;
    while (!device->ended && taken < SHIM_EVENTS_A_POLL &&
           platform->port_pending(platform->context, device->channels, &port) > 0) {
        platform->port_unmask(platform->context, device->channels, port);
        handle(device, port);
        device->events = true;
        taken++;
    }
    shim_current = before;
    return taken == SHIM_EVENTS_A_POLL;
}
