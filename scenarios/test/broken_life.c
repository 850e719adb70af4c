/* SPDX-License-Identifier: ISC */
/*
 * The naive frontend's life: what it reads and writes in XenStore, the xenbus states, and the end.
 */
#include <stdio.h>
#include <string.h>

#include "broken_internal.h"

/* ---- XenStore ---- */

static bool read_text(const struct naive *device, const char *directory, const char *node,
                      char *value, size_t size)
{
    char path[2 * PATH_SIZE];
    size_t length = 0;

    snprintf(path, sizeof(path), "%s/%s", directory, node);
    if (device->platform->store_read(device->platform->context, 0, path, value, size - 1,
                                     &length) != 0) {
        return false;
    }
    value[length] = '\0';
    return true;
}

/* Digits and nothing else; otherwise the number stays as it is. */
static void read_number(const struct naive *device, const char *directory, const char *node,
                        uint64_t *number)
{
    char value[24];
    unsigned long long read = 0;
    int used = 0;

    if (read_text(device, directory, node, value, sizeof(value)) &&
        strspn(value, "0123456789") == strlen(value) &&
        sscanf(value, "%19llu%n", &read, &used) == 1 && value[used] == '\0') {
        *number = read;
    }
}

static uint64_t back_number(const struct naive *device, const char *node)
{
    uint64_t number = 0;

    read_number(device, device->back, node, &number);
    return number;
}

static void write_number(struct naive *device, const char *node, uint32_t number)
{
    char path[2 * PATH_SIZE], value[16];

    snprintf(path, sizeof(path), "%s/%s", device->front, node);
    snprintf(value, sizeof(value), "%u", (unsigned)number);
    if (device->platform->store_write(device->platform->context, device->transaction, path, value,
                                      strlen(value)) != 0) {
        device->write_failed = true;
    }
}

static void write_protocol(struct naive *device)
{
    static const char value[] = BLKIF_WIRE_PROTOCOL_64;
    char path[2 * PATH_SIZE];

    snprintf(path, sizeof(path), "%s/" BLKIF_NODE_PROTOCOL, device->front);
    if (device->platform->store_write(device->platform->context, device->transaction, path, value,
                                      sizeof(value) - 1) != 0) {
        device->write_failed = true;
    }
}

static void remove_node(const struct naive *device, const char *node)
{
    char path[2 * PATH_SIZE];

    snprintf(path, sizeof(path), "%s/%s", device->front, node);
    /* Once again, because a node that stays is told of. */
    if (device->platform->store_remove(device->platform->context, device->transaction, path) != 0) {
        device->platform->store_remove(device->platform->context, device->transaction, path);
    }
}

/* What a predecessor may have left that would change the meaning of what we publish. */
static void remove_stale(const struct naive *device)
{
    enum { RING_PAGES_MAX = 16 };
    static const char *const nodes[] = {
        BLKIF_NODE_RING_PAGE_ORDER,
        BLKIF_NODE_NUM_RING_PAGES,
        BLKIF_NODE_MULTI_QUEUE_NUM_QUEUES,
    };
    char name[32];

    for (size_t i = 0; i < sizeof(nodes) / sizeof(nodes[0]); i++) {
        remove_node(device, nodes[i]);
    }
    for (unsigned i = 0; i < RING_PAGES_MAX; i++) {
        snprintf(name, sizeof(name), BLKIF_NODE_RING_REF "%u", i);
        remove_node(device, name);
        snprintf(name, sizeof(name), "queue-%u", i);
        remove_node(device, name);
    }
}

static void write_state(struct naive *device, unsigned state)
{
    write_number(device, BLKIF_NODE_STATE, state);
    device->own = state;
}

/* 7 and 8 say nothing; what is no state is as good as none. */
static unsigned read_state(const struct naive *device, const char *directory, unsigned before)
{
    uint64_t state = BLKIF_WIRE_UNKNOWN;

    read_number(device, directory, BLKIF_NODE_STATE, &state);
    if (state == BLKIF_WIRE_RECONFIGURING || state == BLKIF_WIRE_RECONFIGURED) {
        return before;
    }
    return state < BLKIF_WIRE_RECONFIGURING ? (unsigned)state : BLKIF_WIRE_UNKNOWN;
}

bool life_find(struct naive *device)
{
    uint64_t back_id = 0;

    snprintf(device->front, sizeof(device->front), "/local/domain/1/device/vbd/%u",
             (unsigned)device->vdev);
    if (!read_text(device, device->front, BLKIF_NODE_BACKEND, device->back, sizeof(device->back))) {
        return false;
    }
    read_number(device, device->front, BLKIF_NODE_BACKEND_ID, &back_id);
    device->back_id = (uint16_t)back_id;
    device->own = read_state(device, device->front, BLKIF_WIRE_UNKNOWN);
    return true;
}

int life_watch(struct naive *device)
{
    const struct blkfront_platform *platform = device->platform;
    char path[2 * PATH_SIZE];

    snprintf(path, sizeof(path), "%s/state", device->back);
    if (platform->watches_open(platform->context, &device->watches) != 0) {
        return BLKFRONT_STORE;
    }
    if (platform->watch(platform->context, device->watches, path, 1) != 0) {
        platform->watches_close(platform->context, device->watches);
        return BLKFRONT_STORE;
    }
    if (device->own == BLKIF_WIRE_UNKNOWN) { /* as in a state that nobody has */
        write_state(device, BLKIF_WIRE_INITIALISING);
    }
    return BLKFRONT_OK;
}

static void unwatch(struct naive *device)
{
    char path[2 * PATH_SIZE];

    if (broken_fault == LEAVES_THE_WATCH || device->watches == NULL) {
        return;
    }
    snprintf(path, sizeof(path), "%s/state", device->back);
    device->platform->unwatch(device->platform->context, device->watches, path, 1);
    device->platform->watches_close(device->platform->context, device->watches);
    device->watches = NULL;
}

/* ---- down ---- */

void life_violated(struct naive *device, const char *detail)
{
    device->error = BLKFRONT_PROTOCOL;
    device->detail = detail;
    device->state = BLKFRONT_DISCONNECTING;
    device->asked_to_disconnect = true;
    ring_end_requests(device, BLKFRONT_PROTOCOL);
    device->platform->watches_wake(device->platform->context, device->watches);
}

void life_disconnect(struct naive *device)
{
    const struct blkfront_platform *platform = device->platform;

    if (life_is_over(device) || device->asked_to_disconnect) {
        return;
    }
    device->asked_to_disconnect = true;
    if (device->disconnect_ns != 0 && broken_fault != IGNORES_THE_DEADLINE) {
        device->deadline_ns = platform->now(platform->context) + device->disconnect_ns;
    }
    /* The state alone; what is submitted before the next poll goes out still. */
    if (broken_fault == ASKS_AFTER_CLOSING && device->state == BLKFRONT_CONNECTED) {
        write_state(device, BLKIF_WIRE_CLOSING);
    }
}

static void clean_up(struct naive *device)
{
    ring_close(device);
    if (broken_fault != LEAVES_NODES) {
        remove_node(device, BLKIF_NODE_RING_REF);
        remove_node(device, BLKIF_NODE_EVENT_CHANNEL);
        remove_node(device, BLKIF_NODE_PROTOCOL);
        remove_node(device, BLKIF_NODE_RING_PAGE_ORDER);
    }
    unwatch(device);
    device->deadline_ns = UINT64_MAX;
    device->state = device->error == BLKFRONT_OK ? BLKFRONT_CLOSED : BLKFRONT_FAILED;
}

static void write_closing(struct naive *device)
{
    if (device->own == BLKIF_WIRE_INITIALISING || device->own == BLKIF_WIRE_INITIALISED ||
        device->own == BLKIF_WIRE_CONNECTED) {
        write_state(device, BLKIF_WIRE_CLOSING);
    }
}

static void write_closed(struct naive *device)
{
    write_closing(device);
    if (device->own == BLKIF_WIRE_CLOSING) {
        write_state(device, BLKIF_WIRE_CLOSED);
    }
}

void life_cut_off(struct naive *device)
{
    if (life_is_over(device)) {
        return;
    }
    ring_end_requests(device, BLKFRONT_DISCONNECTED);
    write_closed(device);
    clean_up(device);
}

/* Closing goes on by itself until the backend owes its 5, which says that it has ended what it had
 * in hand, or, where there is no use in waiting for that, its 6. */
static void go_down(struct naive *device)
{
    device->state = BLKFRONT_DISCONNECTING;
    if (broken_fault != FORGETS_ITS_REQUESTS) {
        ring_end_requests(device, BLKFRONT_DISCONNECTED);
    }
    write_closing(device);
    if (device->other != BLKIF_WIRE_CONNECTED || device->error != BLKFRONT_OK) {
        write_closed(device);
    }
    if (device->other == BLKIF_WIRE_CLOSED || device->other == BLKIF_WIRE_UNKNOWN) {
        clean_up(device);
    }
}

static void fail(struct naive *device, int error)
{
    device->error = error;
    device->asked_to_disconnect = true;
    go_down(device);
}

/* ---- up ---- */

static void end_transaction(struct naive *device, bool commit)
{
    if (device->transaction != 0) {
        device->platform->transaction_end(device->platform->context, device->transaction, commit);
        device->transaction = 0;
    }
}

static void publish(struct naive *device)
{
    if (broken_fault == WRITES_STATE_2) {
        write_state(device, BLKIF_WIRE_INIT_WAIT);
    }
    if (broken_fault != PUBLISHES_IN_PIECES &&
        device->platform->transaction_start(device->platform->context, &device->transaction) != 0) {
        fail(device, BLKFRONT_STORE);
        return;
    }
    if (ring_open(device) != 0) {
        end_transaction(device, false);
        fail(device, BLKFRONT_NO_MEMORY);
        return;
    }
    device->write_failed = false;
    if (broken_fault != LEAVES_STALE_NODES) {
        remove_stale(device);
    }
    write_number(device, BLKIF_NODE_RING_REF, device->ring_ref);
    write_number(device, BLKIF_NODE_EVENT_CHANNEL, device->port);
    if (broken_fault == SPELLS_A_RING_OF_ONE_PAGE_AS_SEVERAL) {
        write_number(device, BLKIF_NODE_RING_PAGE_ORDER, 0);
    }
    if (broken_fault != PUBLISHES_NO_PROTOCOL) {
        write_protocol(device);
    }
    write_state(device, BLKIF_WIRE_INITIALISED);
    end_transaction(device, !device->write_failed);
    if (device->write_failed) {
        device->own = BLKIF_WIRE_INITIALISING;
        fail(device, BLKFRONT_STORE);
        return;
    }
    if (broken_fault == CONNECTS_TOO_EARLY) {
        write_state(device, BLKIF_WIRE_CONNECTED);
    }
}

static void read_properties(struct naive *device)
{
    device->sector_size = (uint32_t)back_number(device, BLKIF_NODE_SECTOR_SIZE);
    device->size_512 = UINT64_MAX;
    read_number(device, device->back, BLKIF_NODE_SECTORS, &device->size_512);
    if (broken_fault == READS_A_NODE_TWICE) {
        device->size_512 = back_number(device, BLKIF_NODE_SECTORS);
    }
    device->info = back_number(device, BLKIF_NODE_INFO);
    device->flush_offered = back_number(device, BLKIF_NODE_FEATURE_FLUSH_CACHE) == 1;
    device->drains = !device->flush_offered && back_number(device, BLKIF_NODE_FEATURE_BARRIER) != 1;
    if (broken_fault == IGNORES_THE_SECTOR_SIZE) {
        device->sector_size = BLKIF_WIRE_UNIT;
    }
    if (broken_fault == INVENTS_A_SIZE && device->size_512 == UINT64_MAX) {
        device->size_512 = 0;
    }
}

static void connected(struct naive *device)
{
    read_properties(device);
    if (device->sector_size != BLKIF_WIRE_UNIT || device->size_512 == UINT64_MAX) {
        fail(device, BLKFRONT_UNIMPLEMENTED);
        return;
    }
    if (device->own == BLKIF_WIRE_INITIALISED) {
        write_state(device, BLKIF_WIRE_CONNECTED);
    }
    device->state = BLKFRONT_CONNECTED;
}

/* With nothing published: a backend of a former life is closed first, a closed one opens again. */
static void begin(struct naive *device)
{
    switch (device->other) {
    case BLKIF_WIRE_INIT_WAIT: publish(device); break;
    case BLKIF_WIRE_INITIALISED:
    case BLKIF_WIRE_CONNECTED:
    case BLKIF_WIRE_CLOSING: write_closed(device); break;
    case BLKIF_WIRE_UNKNOWN: fail(device, BLKFRONT_DISCONNECTED); break;
    default: break;
    }
}

static void come_up(struct naive *device)
{
    bool open = device->own == BLKIF_WIRE_INITIALISED || device->own == BLKIF_WIRE_CONNECTED;

    if (open && device->ring == NULL) { /* of a former life: nothing of it is ours */
        write_closed(device);
    } else if (open &&
               (device->other >= BLKIF_WIRE_CLOSING || device->other == BLKIF_WIRE_UNKNOWN)) {
        go_down(device);
        device->asked_to_disconnect = true;
    } else if (open && device->other == BLKIF_WIRE_CONNECTED) {
        connected(device);
    } else if (device->own == BLKIF_WIRE_CLOSING) { /* of a former life */
        write_closed(device);
    } else if (device->own == BLKIF_WIRE_CLOSED && device->other != BLKIF_WIRE_INITIALISED &&
               device->other != BLKIF_WIRE_CONNECTED && device->other != BLKIF_WIRE_CLOSING) {
        write_state(device, BLKIF_WIRE_INITIALISING);
        begin(device);
    } else if (device->own == BLKIF_WIRE_INITIALISING) {
        begin(device);
    }
}

/* The naive one takes this many in one poll; more are left for the next. */
enum { EVENTS_A_POLL = 64 };

bool life_poll(struct naive *device)
{
    const struct blkfront_platform *platform = device->platform;
    bool look = !device->looked || device->asked_to_disconnect;
    unsigned taken = 0;
    uint32_t token;

    if (life_is_over(device)) {
        return false;
    }
    while ((taken < EVENTS_A_POLL || broken_fault == TAKES_ALL_WATCH_EVENTS) &&
           platform->watch_fired(platform->context, device->watches, &token) > 0) {
        look = true;
        taken++;
    }
    if (look) {
        device->looked = true;
        device->other = read_state(device, device->back, device->other);
        if (device->asked_to_disconnect) {
            go_down(device);
        } else {
            come_up(device);
        }
    }
    if (!life_is_over(device) && platform->now(platform->context) >= device->deadline_ns) {
        life_cut_off(device);
    }
    return taken == EVENTS_A_POLL;
}
