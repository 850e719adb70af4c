/* SPDX-License-Identifier: ISC */
/*
 * I12: when a device is gone nothing of it is left: its ports, its watches and the nodes that its
 * frontend wrote; what the toolstack wrote is never removed; and after disconnect has returned
 * there is no callback, no notification and no access to the ring or to XenStore any more. When the
 * frontend is gone, so is the memory that it asked for.
 */
#include "oracle_served.h"

#include <stdio.h>
#include <string.h>

static bool is_over(const struct oracle_device *device)
{
    return device->released ||
           (device->app_known && device->disconnect_called && device->app_state == BLKFRONT_CLOSED);
}

static const char *what_is_over(const struct oracle_device *device)
{
    return device->released ? "the device was released" : "the disconnect had ended";
}

/* ---- ports and watches ---- */

static bool by_frontend(const struct oracle *oracle, struct oracle_device *device,
                        const struct simback_event *event)
{
    const struct monitor_device *who = oracle_who(oracle, device);

    if (who->back_known && who->back_domid == who->front_domid)
        device->one_domain = true;
    return who->known && event->domid == who->front_domid && !device->one_domain;
}

static void forget_port(const struct oracle *oracle, const struct oracle_device *device,
                        uint32_t port)
{
    for (uint16_t queue = 0; queue < oracle->world->monitor->queues[device->number]; queue++) {
        struct oracle_ring *ring = device->rings[queue];

        if (ring != NULL && (ring->port == port || port == 0))
            ring->port = 0;
    }
}

void teardown_resumed(struct oracle *oracle, const struct oracle_device *device)
{
    forget_port(oracle, device, 0);
}

void teardown_event(struct oracle *oracle, const struct simback_event *event,
                    struct oracle_device *device)
{
    if (device != NULL && event->kind == SIMBACK_UNWATCH && event->result != 0)
        device->unwatch_refused = true;
    if (device == NULL || event->result != 0)
        return;
    /* Ports and sets are opened before the frontend has said who it is. */
    if (event->kind == SIMBACK_PORT_ALLOC) {
        device->ports++;
        return;
    }
    if (!by_frontend(oracle, device, event))
        return;
    if (event->kind == SIMBACK_PORT_CLOSE && device->ports > 0) {
        device->ports--;
        forget_port(oracle, device, (uint32_t)event->a);
    } else if (event->kind == SIMBACK_WATCH) {
        device->watches++;
    } else if (event->kind == SIMBACK_UNWATCH && device->watches > 0) {
        device->watches--;
    } else if (event->kind == SIMBACK_NOTIFY) {
        oracle_checked(oracle, 12);
        if (is_over(device))
            oracle_broken(oracle, 12, device, 0, "port %llu was notified after %s",
                          (unsigned long long)event->a, what_is_over(device));
    }
}

/* ---- nodes ---- */

bool teardown_is_toolstacks(const char *node)
{
    static const char *const names[] = {
        "",
        BLKIF_NODE_STATE,
        BLKIF_NODE_BACKEND,
        BLKIF_NODE_BACKEND_ID,
        BLKIF_NODE_VIRTUAL_DEVICE,
        BLKIF_NODE_DEVICE_TYPE,
        BLKIF_NODE_TRUSTED,
    };

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcmp(node, names[i]) == 0)
            return true;
    }
    return false;
}

static void remember_node(struct oracle_device *device, const char *node)
{
    if (strlen(node) >= ORACLE_NODE_NAME || device->node_count == ORACLE_NODES)
        return;
    for (uint32_t i = 0; i < device->node_count; i++) {
        if (strcmp(device->nodes[i], node) == 0)
            return;
    }
    snprintf(device->nodes[device->node_count++], ORACLE_NODE_NAME, "%s", node);
}

static bool wrote(const struct oracle_device *device, const char *node)
{
    size_t length = strlen(node);

    for (uint32_t i = 0; i < device->node_count; i++) {
        if (strncmp(device->nodes[i], node, length) == 0 &&
            (device->nodes[i][length] == '\0' || device->nodes[i][length] == '/'))
            return true;
    }
    return false;
}

/* That the port of the ring is its frontend's word, and not somebody else's. */
static bool says_port(const struct oracle_device *device, const struct monitor_ring *view)
{
    char node[sizeof(BLKIF_NODE_QUEUE "00000/" BLKIF_NODE_EVENT_CHANNEL)];

    snprintf(node, sizeof(node), BLKIF_NODE_QUEUE "%u/" BLKIF_NODE_EVENT_CHANNEL, view->queue);
    return wrote(device, node) || (view->queue == 0 && wrote(device, BLKIF_NODE_EVENT_CHANNEL));
}

static bool is_open(const struct oracle *oracle, const struct oracle_device *device, uint32_t port)
{
    const uint16_t owner =
        port_device(oracle->world, oracle_who(oracle, device)->front_domid, port);

    return port != 0 && monitor_device_number(oracle->world->monitor, owner) == device->number;
}

void teardown_attach(struct oracle *oracle, const struct oracle_device *device,
                     struct oracle_ring *ring)
{
    const uint32_t before = ring->port, now = ring->view->port;

    if (!says_port(device, ring->view) || !is_open(oracle, device, now) || device->one_domain)
        return;
    oracle_checked(oracle, 12);
    if (before != now && is_open(oracle, device, before))
        oracle_broken(oracle, 12, device, 0,
                      "port %u of queue %u's last connection is open, and this one has port %u",
                      before, ring->view->queue, now);
    ring->port = now;
}

static void forget_node(struct oracle_device *device, uint32_t index)
{
    device->node_count--;
    memmove(device->nodes[index], device->nodes[device->node_count], ORACLE_NODE_NAME);
}

/* It was told that this is not there. */
static void forget_nodes(struct oracle_device *device, const char *node)
{
    size_t length = strlen(node);

    for (uint32_t i = device->node_count; i-- > 0;) {
        if (strncmp(device->nodes[i], node, length) == 0 &&
            (device->nodes[i][length] == '\0' || device->nodes[i][length] == '/'))
            forget_node(device, i);
    }
}

/* What was published is needed until the backend has closed, as far as the frontend has read that;
 * one that waits no longer says so with its own 6, or has tried to. */
static bool needed(const struct oracle_device *device)
{
    if (device->front_refused)
        return false;
    if (device->front_state == BLKIF_WIRE_CLOSING)
        return device->back_read == BLKIF_WIRE_CONNECTED || device->back_read == BLKIF_WIRE_CLOSING;
    return device->front_state == BLKIF_WIRE_INITIALISED ||
           device->front_state == BLKIF_WIRE_CONNECTED;
}

static void removal_tried(struct oracle_device *device, int result)
{
    if (result != 0 && result != BLKFRONT_PLATFORM_NO_ENTRY)
        device->removal_tries++;
}

void teardown_transaction(struct oracle *oracle, const struct simback_event *event,
                          struct oracle_device *device)
{
    if (event->b != 0 && by_frontend(oracle, device, event))
        removal_tried(device, event->result);
}

/* Whoever polls a device that is over looks after the pages that are left, and at nothing else. */
void teardown_store_used(struct oracle *oracle, const struct simback_event *event,
                         const struct oracle_device *device)
{
    oracle_checked(oracle, 12);
    if (device->in_poll && is_over(device))
        oracle_broken(oracle, 12, device, 0, "XenStore is asked for %s after %s", event->path,
                      what_is_over(device));
}

void teardown_store(struct oracle *oracle, const struct simback_event *event,
                    struct oracle_device *device, const char *rest)
{
    if (event->kind == SIMBACK_STORE_WRITE && event->result == 0 && !teardown_is_toolstacks(rest)) {
        remember_node(device, rest);
        device->removal_tries = 0;
    } else if (event->kind == SIMBACK_STORE_READ && strcmp(rest, BLKIF_NODE_BACKEND) == 0 &&
               event->result == BLKFRONT_PLATFORM_NO_ENTRY) {
        device->node_count = 0; /* it was told that its directory is gone */
    } else if (event->kind == SIMBACK_STORE_REMOVE) {
        oracle_checked(oracle, 12);
        if (event->result == BLKFRONT_PLATFORM_NO_ENTRY)
            forget_nodes(device, rest);
        if (event->a == 0 || event->result != 0) /* in a transaction the commit counts */
            removal_tried(device, event->result);
        if (teardown_is_toolstacks(rest) && event->result != BLKFRONT_PLATFORM_NO_ENTRY)
            oracle_broken(oracle, 12, device, 0, "the frontend removes %s%s, which is not its own",
                          rest[0] == '\0' ? "its directory" : "its node ", rest);
        else if (event->result == 0 && needed(device) && !oracle_back_left(device) &&
                 wrote(device, rest))
            oracle_broken(oracle, 12, device, 0,
                          "the frontend removes its node %s in state %u, before the backend is "
                          "closed",
                          rest, device->front_state);
    }
}

/* What somebody else has written since is the frontend's no more. */
void teardown_written_by_others(struct oracle_device *device, const char *rest)
{
    for (uint32_t i = 0; i < device->node_count; i++) {
        if (strcmp(device->nodes[i], rest) != 0)
            continue;
        forget_node(device, i);
        return;
    }
}

/* So often in vain, and nobody has to try once more. */
enum { REMOVAL_TRIES = 16 };

/* Removing fails on purpose, now or as often as was tried: nobody can remove anything. */
static bool store_is_down(const struct oracle *oracle, const struct oracle_device *device)
{
    return oracle->world->failures[SIMBACK_RESOURCE_XENSTORE].always ||
           oracle->world->store.again != 0 || device->removal_tries >= REMOVAL_TRIES;
}

/* The same of one node alone. */
static bool cannot_remove(const struct oracle *oracle, const struct oracle_device *device,
                          const char *node)
{
    char path[MONITOR_PATH + ORACLE_NODE_NAME];

    snprintf(path, sizeof(path), "%s/%s", oracle_who(oracle, device)->front, node);
    return store_fault_holds(oracle->world, path);
}

static void judge_nodes(struct oracle *oracle, const struct oracle_device *device, const char *when)
{
    const struct monitor_device *who = oracle_who(oracle, device);

    /* Where the backend was never seen Closed, the nodes may be needed by it still. */
    if (!who->known || store_is_down(oracle, device) ||
        (device->back_read != BLKIF_WIRE_CLOSED && device->back_read != BLKIF_WIRE_UNKNOWN))
        return;
    for (uint32_t i = 0; i < device->node_count; i++) {
        oracle_checked(oracle, 12);
        if (monitor_exists(oracle->world, who->front, device->nodes[i]) &&
            !cannot_remove(oracle, device, device->nodes[i]))
            oracle_broken(oracle, 12, device, 0, "%s, but the frontend's node %s is still there",
                          when, device->nodes[i]);
    }
}

void teardown_served(struct oracle *oracle, const struct oracle_device *device)
{
    judge_nodes(oracle, device, "both sides are closed");
}

/* ---- the end ---- */

/* What it could not remove when it had to it is not to touch later: that may be the next one's. */
void teardown_final(const struct oracle *oracle, struct oracle_device *device)
{
    if (store_is_down(oracle, device))
        device->node_count = 0;
    for (uint32_t i = device->node_count; i-- > 0;) {
        if (cannot_remove(oracle, device, device->nodes[i]))
            forget_node(device, i);
    }
}

void teardown_complete(struct oracle *oracle, struct oracle_device *device, uint64_t request)
{
    oracle_checked(oracle, 12);
    if (is_over(device))
        oracle_broken(oracle, 12, device, request, "completes after %s", what_is_over(device));
}

/* It is told of once: at the end of the disconnect or, where that has not come, at the release. */
static void judge_left(struct oracle *oracle, struct oracle_device *device, const char *when,
                       bool watches)
{
    if (device->one_domain || device->left_told)
        return;
    device->left_told = device->ports > 0 || watches;
    if (device->ports > 0)
        oracle_broken(oracle, 12, device, 0, "%s with %llu ports open", when,
                      (unsigned long long)device->ports);
    if (watches)
        oracle_broken(oracle, 12, device, 0, "%s with %llu watches set", when,
                      (unsigned long long)device->watches);
}

/* A watch that XenStore does not take back goes with its set, at the release. */
void teardown_over(struct oracle *oracle, struct oracle_device *device)
{
    oracle_checked(oracle, 12);
    if (is_over(device))
        judge_left(oracle, device, "the disconnect has ended",
                   device->watches > 0 && !device->unwatch_refused);
}

void teardown_released(struct oracle *oracle, struct oracle_device *device)
{
    oracle_checked(oracle, 12);
    judge_left(oracle, device, "the device was released", device->watches > 0);
    judge_nodes(oracle, device, "the device was released");
    device->ports = device->watches = 0;
    device->node_count = 0;
    device->one_domain = device->unwatch_refused = device->left_told = false;
}

static void judge_count(struct oracle *oracle, uint64_t count, const char *what)
{
    oracle_checked(oracle, 12);
    if (count > 0)
        oracle_broken(oracle, 12, NULL, 0, "the program is over, but %llu %s left",
                      (unsigned long long)count, what);
}

void teardown_end(struct oracle *oracle)
{
    struct simback_ledger left;

    if (!oracle->released_any)
        return;
    simback_get_ledger(oracle->world, simback_guest(oracle->world), &left);
    judge_count(oracle, left.allocations, "pieces of memory are");
    judge_count(oracle, left.transactions, "transactions are");
    /* Of a set that is not empty more has been said. */
    if (left.ports == 0)
        judge_count(oracle, left.channel_sets, "sets of event channels are");
    if (left.watches == 0)
        judge_count(oracle, left.watch_sets, "sets of watches are");
    /* A block with a page that the backend would not let go is given up whole (I5). */
    if (left.grants == 0 && left.deferred == 0)
        judge_count(oracle, left.pages, "pages are");
}

bool teardown_access(struct oracle *oracle, struct oracle_device *device,
                     const struct monitor_ring *view)
{
    oracle_checked(oracle, 12);
    if (!is_over(device))
        return false;
    oracle_broken(oracle, 12, device, 0, "the ring of queue %u was touched after %s", view->queue,
                  what_is_over(device));
    return true;
}
