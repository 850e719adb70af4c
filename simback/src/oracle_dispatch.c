/* SPDX-License-Identifier: ISC */
/*
 * Which event goes to which rule. It also keeps what several rules want to know of a device: what
 * its frontend has read of the backend, what the backend says of itself, which rings are there.
 */
#include "oracle_requeue.h"
#include "oracle_served.h"

#include <string.h>

/* ---- XenStore ---- */

static void flush_told(struct oracle_device *device, unsigned operation, bool offered)
{
    device->flush_offered |= offered;
    device->flushes = (device->flushes & ~(1u << operation)) | (unsigned)offered << operation;
}

/* What the frontend has read in its backend's directory. */
void oracle_back_node_read(struct oracle_device *device, const char *node, uint64_t value,
                           bool may_be_none)
{
    bool connected =
        device->back_read == BLKIF_WIRE_CONNECTED || device->back_state == BLKIF_WIRE_CONNECTED;

    if (strcmp(node, BLKIF_NODE_INFO) == 0) {
        told_info_read(device, value, may_be_none);
        /* What is no number of 32 bits is none to who reads one, and then the disk can be written.
         */
        if (connected) {
            device->read_only =
                !may_be_none && value <= UINT32_MAX && (value & BLKIF_WIRE_INFO_READONLY) != 0;
            correlation_disk_changed(device);
        }
    } else if (strcmp(node, BLKIF_NODE_FEATURE_MAX_INDIRECT_SEGMENTS) == 0) {
        device->segments_max = value < UINT32_MAX ? (uint32_t)value : UINT32_MAX;
    } else if (strcmp(node, BLKIF_NODE_FEATURE_PERSISTENT) == 0) {
        device->back_persistent = value == 1;
    } else if (strcmp(node, BLKIF_NODE_DISCARD_GRANULARITY) == 0) {
        device->discard_granularity = value < UINT32_MAX ? (uint32_t)value : 0;
        device->extents_told = true;
    } else if (strcmp(node, BLKIF_NODE_DISCARD_ALIGNMENT) == 0) {
        device->discard_alignment = value < UINT32_MAX ? (uint32_t)value : 0;
        device->extents_told = true;
    } else if (strcmp(node, BLKIF_NODE_FEATURE_FLUSH_CACHE) == 0) {
        flush_told(device, BLKIF_WIRE_FLUSH_DISKCACHE, value == 1);
    } else if (strcmp(node, BLKIF_NODE_FEATURE_BARRIER) == 0) {
        flush_told(device, BLKIF_WIRE_WRITE_BARRIER, value == 1);
    }
}

static void changed_by_others(struct oracle_device *device, const struct simback_event *event,
                              const char *rest)
{
    if (strcmp(rest, BLKIF_NODE_STATE) == 0)
        states_changed_by_others(device, event);
    else if (event->kind == SIMBACK_STORE_WRITE && event->result == 0)
        teardown_written_by_others(device, rest);
}

/* With a directory goes the state in it. */
static void directory_removed(struct oracle *oracle, const struct simback_event *event)
{
    const size_t length = strlen(event->path);

    for (uint32_t i = 0; i < WORLD_DEVICES; i++) {
        const struct monitor_device *who = &oracle->world->monitor->devices[i];

        if (oracle->devices[i] != NULL && who->known && event->domid != who->front_domid &&
            strncmp(who->front, event->path, length) == 0 &&
            (who->front[length] == '\0' || who->front[length] == '/'))
            states_changed_by_others(oracle->devices[i], event);
    }
}

/* The toolstack's word, whether the frontend reads it or not. */
static bool mode_is_read_only(const struct oracle *oracle, const struct oracle_device *device)
{
    char back[MONITOR_PATH], mode[1];
    size_t length;

    if (!monitor_peek(oracle->world, oracle_who(oracle, device)->front, BLKIF_NODE_BACKEND, back,
                      sizeof(back) - 1, &length))
        return false;
    back[length] = '\0';
    return monitor_peek(oracle->world, back, BLKIF_NODE_MODE, mode, sizeof(mode), &length) &&
           length == 1 && mode[0] == 'r';
}

/* A failure of XenStore that somebody has set up can say that there is no such node. */
static void mode_read(const struct oracle *oracle, struct oracle_device *device,
                      const struct simback_event *event)
{
    const bool says_so =
        oracle_says_something(event) && event->length == 1 && *(const char *)event->bytes == 'r';

    device->mode_misread = !says_so && mode_is_read_only(oracle, device);
}

static void store_event(struct oracle *oracle, const struct simback_event *event)
{
    const struct monitor *monitor = oracle->world->monitor;
    const char *rest;
    uint16_t number = monitor_front_path(monitor, event->path, &rest);
    bool front_path = number != SIMBACK_NO_DEVICE;
    struct oracle_device *device;
    uint64_t value = 0;
    bool served;

    if (event->kind == SIMBACK_STORE_REMOVE)
        directory_removed(oracle, event);
    if (!front_path)
        number = monitor_back_path(monitor, event, &rest);
    device = oracle_device_get(oracle, number);
    if (device != NULL && front_path &&
        (event->kind == SIMBACK_STORE_WRITE || event->kind == SIMBACK_STORE_REMOVE) &&
        event->domid != monitor->devices[number].front_domid)
        changed_by_others(device, event, rest);
    if (device != NULL && front_path && event->kind == SIMBACK_STORE_READ &&
        event->domid == monitor->devices[number].back_domid && strcmp(rest, BLKIF_NODE_STATE) == 0)
        honesty_front_read(device, event);
    if (device != NULL && !front_path && event->kind == SIMBACK_STORE_WRITE &&
        oracle->world->options.served)
        served_back_wrote(device, event, rest);
    /* A backend in its frontend's own domain cannot be told from it: then nobody is judged. */
    if (device == NULL || event->domid != monitor->devices[number].front_domid ||
        (monitor->devices[number].back_known &&
         monitor->devices[number].back_domid == event->domid))
        return;
    teardown_store_used(oracle, event, device);
    if (!front_path && event->kind == SIMBACK_STORE_READ && oracle_says_something(event)) {
        (void)monitor_number(event->bytes, event->length, &value);
        oracle_back_node_read(device, rest, value, oracle_may_be_none(event));
    }
    if (front_path && event->kind == SIMBACK_STORE_WRITE && event->result == 0 &&
        strcmp(rest, BLKIF_NODE_FEATURE_PERSISTENT) == 0)
        device->persistent = event->length == 1 && *(const char *)event->bytes == '1';
    if (!front_path && event->kind == SIMBACK_STORE_READ) {
        if (strcmp(rest, BLKIF_NODE_MODE) == 0)
            mode_read(oracle, device, event);
        loads_store_read(oracle, device, rest, event);
        told_read(device, rest, event);
        negotiation_back_read(device, event, rest);
    }
    served = device->back_serves;
    states_store(oracle, event, device, rest, front_path);
    /* Since the ring was published another backend may have come, in another mode. */
    if (device->back_serves && !served)
        device->mode_read_only = mode_is_read_only(oracle, device);
    if (front_path) {
        negotiation_store(oracle, device, event, rest);
        teardown_store(oracle, event, device, rest);
    }
}

/* ---- rings ---- */

static struct oracle_ring *ring_made(struct oracle *oracle, struct oracle_device *device,
                                     uint16_t queue)
{
    if (device->rings[queue] == NULL) {
        device->rings[queue] = simback_allocate(oracle->world, sizeof(struct oracle_ring));
        if (device->rings[queue] == NULL)
            oracle->no_memory = true;
    }
    return device->rings[queue];
}

static void ring_attach(struct oracle *oracle, struct oracle_device *device,
                        const struct simback_event *event)
{
    struct monitor_ring *view =
        monitor_ring_of(oracle->world->monitor, device->number, event->queue);
    struct oracle_ring *ring = view == NULL ? NULL : ring_made(oracle, device, event->queue);

    if (ring == NULL)
        return;
    ring->view = view;
    ring->attached = true;
    device->front_ended = false;
    if (device->connection != view->connection) {
        data_dead(oracle, device);
        device->connection_before = device->connection;
        device->connection = view->connection;
        device->flush_succeeded = false;
        device->off = 0;
        requeue_connected(oracle, device);
    }
    if (ring->connected != device->connection_before)
        ring->missed = device->connection_before;
    ring->connected = view->connection;
    device->mode_read_only = mode_is_read_only(oracle, device);
    ring->overflow = ring->overflow_seen = false;
    ring->event_lost = ring->rsp_event_foreign = ring->req_prod_foreign = false;
    ring->announced = view->seen[SIMBACK_RSP_PROD];
    ring->back_anew = false;
    ring->notify_due = ring->notify_failed = false;
    ring->wanted = ring->notified = 0;
    ring->accesses_now = 0;
    ring->published_from = view->requests;
    ring->req_event_before = view->seen[SIMBACK_REQ_EVENT];
    ring->began = view->seen[SIMBACK_RSP_PROD];
    ring->req_prod = view->seen[SIMBACK_REQ_PROD];
    correlation_attach(oracle, device, ring);
    answers_attach(ring);
    loads_attach(oracle, ring);
    states_attach(oracle, device, ring);
    confinement_attach(oracle, device, ring);
    teardown_attach(oracle, device, ring);
}

static void ring_put(struct oracle *oracle, struct oracle_device *device, struct oracle_ring *ring,
                     const struct simback_event *event)
{
    struct oracle_put put = {
        .oracle = oracle,
        .device = device,
        .ring = ring,
        .index = (uint32_t)event->a,
    };

    answers_passed(oracle, device);
    /* Beyond what the ring holds it lies over another one: I3 says so, and nothing else is certain.
     */
    if (put.index - ring->view->responses >= ring->view->slots)
        return;
    if (ring->req_prod_foreign) { /* an answer may lie there by now */
        ring->untracked = true;
        return;
    }
    oracle_wire_parse(oracle, ring, event->bytes, event->length, &put.wire);
    correlation_put(&put);
    if (units_put(&put))
        correlation_judge(&put);
    status_put(&put);
    states_put(&put);
    grants_put(&put);
    confinement_put(&put);
    read_only_put(&put);
}

static void ring_response(struct oracle *oracle, struct oracle_device *device,
                          struct oracle_ring *ring, const struct simback_event *event)
{
    struct oracle_response response;

    oracle_wire_response(ring, event->bytes, event->length, &response);
    honesty_response(oracle, device, ring, correlation_find(ring, response.id), &response);
    answers_told(ring, (uint32_t)event->a, &response);
}

static void ring_word_moved(struct oracle *oracle, struct oracle_device *device,
                            struct oracle_ring *ring, const struct simback_event *event)
{
    enum simback_ring_word word = (enum simback_ring_word)event->a;
    uint32_t value = (uint32_t)event->b, old = (uint32_t)event->c;

    if (word == SIMBACK_RSP_EVENT) {
        answers_event_moved(oracle, device, ring, value);
        ring->rsp_event_foreign = !oracle->world->monitor->front_acts;
    } else if (word == SIMBACK_REQ_PROD && !oracle->world->monitor->front_acts) {
        ring->req_prod_foreign = true;
    } else if (word == SIMBACK_RSP_PROD && !oracle->world->monitor->front_acts) {
        events_answered(ring, value, old);
    }
    honesty_moved(oracle, device, ring, word, value, old);
    indices_moved(oracle, device, ring, word, value, old);
}

static void ring_event(struct oracle *oracle, const struct simback_event *event)
{
    struct oracle_device *device = oracle_device_get(oracle, event->device);
    struct oracle_ring *ring;

    if (device == NULL)
        return;
    if (event->kind == SIMBACK_RING_ATTACH) {
        ring_attach(oracle, device, event);
        return;
    }
    ring = oracle_ring_get(device, event->queue);
    if (ring == NULL || !ring->attached)
        return;
    if (event->kind == SIMBACK_RING_DETACH) {
        correlation_detach(oracle, device, ring);
        ring->attached = false;
    } else if (event->kind == SIMBACK_RING_REQUEST) {
        ring_put(oracle, device, ring, event);
    } else if (event->kind == SIMBACK_RING_RESPONSE) {
        ring_response(oracle, device, ring, event);
    } else {
        ring_word_moved(oracle, device, ring, event);
    }
}

/* ---- the backend ---- */

/* An event of the backend to this queue: until another one comes the frontend cannot know. */
static void event_lost(const struct oracle *oracle, struct oracle_device *device,
                       const struct simback_event *event)
{
    struct oracle_ring *ring = oracle_ring_get(device, event->queue);

    if (ring != NULL && event->domid != oracle_who(oracle, device)->front_domid)
        ring->event_lost = true;
}

static void back_port_event(const struct oracle_device *device, const struct simback_event *event)
{
    struct oracle_ring *ring = oracle_ring_get(device, event->queue);

    if (ring != NULL && ring->attached && event->kind == SIMBACK_NOTIFY && event->result == 0)
        events_announced(ring);
}

static void fault_event(const struct oracle *oracle, struct oracle_device *device,
                        const struct simback_event *event)
{
    const struct oracle_ring *ring = oracle_ring_get(device, event->queue);

    if (event->path == NULL)
        return;
    if (strcmp(event->path, "event lose") == 0)
        event_lost(oracle, device, event);
    else if (strcmp(event->path, "watch lose") == 0)
        events_watch_lost(device, event);
    else if (strcmp(event->path, "pretend") == 0 && ring != NULL)
        durability_pretended(device, correlation_find(ring, event->a));
}

static void restarted(struct oracle *oracle, struct oracle_device *device)
{
    device->back_gone = false;
    device->began_anew = true;
    device->back_state = BLKIF_WIRE_INITIALISING;
    for (uint16_t queue = 0; queue < oracle->world->monitor->queues[device->number]; queue++) {
        if (device->rings[queue] == NULL)
            continue;
        device->rings[queue]->back_anew = true;
    }
    data_taken_again(oracle, device);
}

static void size_changed(struct oracle *oracle, const struct oracle_device *device,
                         const struct simback_event *event)
{
    if (event->a < event->b)
        data_shrunk(oracle, device, event->a);
}

static void back_event(struct oracle *oracle, const struct simback_event *event,
                       struct oracle_device *device)
{
    if (device == NULL)
        return;
    if (event->kind == SIMBACK_FAULT) {
        fault_event(oracle, device, event);
    } else if (event->kind == SIMBACK_HARM) {
        data_exempt(device, event->b, event->b + event->c - 1);
    } else if (event->kind == SIMBACK_BACK_STATE) {
        device->back_state =
            event->a <= BLKIF_WIRE_RECONFIGURED ? (uint8_t)event->a : (uint8_t)ORACLE_NO_STATE;
        device->back_gone = false;
        if (event->a == BLKIF_WIRE_CONNECTED)
            data_back_connected(oracle, device);
        if (oracle->world->options.served && event->a == BLKIF_WIRE_CONNECTED)
            device->back_serves = true; /* when the guest reads it does not show */
    } else if (event->path != NULL && strcmp(event->path, "crash") == 0) {
        device->back_gone = device->began_anew = true;
        device->back_state = BLKIF_WIRE_UNKNOWN;
        data_dead(oracle, device);
    } else if (event->path != NULL && strcmp(event->path, "restart") == 0) {
        restarted(oracle, device);
        size_changed(oracle, device, event);
    } else if (event->path != NULL && strcmp(event->path, "resize") == 0) {
        size_changed(oracle, device, event);
    } else if (event->path != NULL && strcmp(event->path, "power-cut") == 0) {
        durability_power_cut(oracle, device);
        data_power_cut(oracle, device);
    } else if (event->path != NULL && strcmp(event->path, "hostile") == 0) {
        device->hostile = true;
    }
}

/* Ports and watches are still to be closed by their owner; nodes went with the directory. The old
 * backends can do nothing any more. */
static void resumed(struct oracle *oracle, const struct simback_event *event)
{
    const struct monitor *monitor = oracle->world->monitor;

    for (uint32_t i = 0; i < WORLD_DEVICES; i++) {
        struct oracle_device *device = oracle->devices[i];

        if (device == NULL || !monitor->devices[i].known ||
            monitor->devices[i].front_domid != event->domid)
            continue;
        data_dead(oracle, device);
        states_resumed(device);
        teardown_resumed(oracle, device);
        device->node_count = 0;
    }
    grants_resumed(oracle, event->domid, event->peer);
    oracle->commit_count = 0;
}

void oracle_hostile(struct simback_world *world, uint16_t device, uint16_t queue)
{
    simback_emit(world, &(struct simback_event){
                            .kind = SIMBACK_BACK_LIFE,
                            .device = device,
                            .queue = queue,
                            .path = "hostile",
                        });
}

/* ---- all ---- */

void oracle_event(struct simback_world *world, const struct simback_event *event, uint64_t time_ns)
{
    struct oracle *oracle = world->oracle;
    struct oracle_device *device;

    (void)time_ns;
    if (event->kind >= SIMBACK_RING_ATTACH && event->kind <= SIMBACK_RING_RESPONSE) {
        ring_event(oracle, event);
        return;
    }
    if (event->kind >= SIMBACK_CALL && event->kind <= SIMBACK_DEVICE)
        return; /* oracle_app.c, who told it, goes on */
    if (event->kind >= SIMBACK_LOAD)
        return;
    device = oracle_device_get(oracle, monitor_device_number(world->monitor, event->device));
    if (device != NULL && event->result != 0 && event->domid == world->guest)
        progress_hindered(oracle, device);
    if (event->kind <= SIMBACK_PAGE_FREE) {
        grants_event(oracle, event, device);
        confinement_event(oracle, event);
        honesty_event(oracle, event, device);
    } else if (event->kind <= SIMBACK_PORT_UNMASK) {
        teardown_event(oracle, event, device);
        /* Both sides have a port of the same number, maybe. */
        if (device != NULL && event->domid != oracle_who(oracle, device)->front_domid)
            back_port_event(device, event);
        else if (device == NULL)
            return;
        else if (event->kind == SIMBACK_NOTIFY)
            events_notify(oracle, device, event);
        else if (event->kind == SIMBACK_PORT_PENDING)
            indices_seen(oracle, device, (uint32_t)event->a);
    } else if (event->kind <= SIMBACK_STORE_LIST) {
        store_event(oracle, event);
    } else if (event->kind == SIMBACK_TRANSACTION_END) {
        negotiation_transaction(oracle, event);
        states_transaction(oracle, event);
        if (device != NULL)
            teardown_transaction(oracle, event, device);
    } else if (event->kind == SIMBACK_WATCH || event->kind == SIMBACK_UNWATCH) {
        teardown_event(oracle, event, device);
        if (device != NULL)
            negotiation_watch(oracle, device, event);
    } else if (event->kind == SIMBACK_WATCH_FIRED) {
        if (device != NULL)
            device->read_once_count = 0; /* somebody says: look again */
        if (device != NULL && event->domid == world->guest) {
            if (hash_xxh64(event->path, strlen(event->path), 0) == device->back_misread)
                device->back_misread = 0;
            events_watch_fired(device, event);
        }
    } else if (event->kind == SIMBACK_BACK_STATE || event->kind == SIMBACK_BACK_LIFE ||
               event->kind == SIMBACK_FAULT || event->kind == SIMBACK_HARM) {
        back_event(oracle, event, device);
    } else if (event->kind == SIMBACK_RESUMED) {
        resumed(oracle, event);
    }
}

void oracle_handover(struct simback_world *world, uint16_t number, bool front)
{
    struct oracle *oracle = world->oracle;
    struct oracle_device *device = number < WORLD_DEVICES ? oracle->devices[number] : NULL;

    if (device == NULL)
        return;
    for (uint16_t queue = 0; queue < world->monitor->queues[number]; queue++) {
        struct oracle_ring *ring = device->rings[queue];

        if (ring == NULL || !ring->attached)
            continue;
        if (front) {
            correlation_step(ring);
            events_step(oracle, device, ring);
            indices_step(oracle, device, ring);
        } else if (device->hostile) {
            answers_changed(ring);
        }
        ring->req_event_before = ring->view->seen[SIMBACK_REQ_EVENT];
    }
    if (!front)
        return;
    loads_step(oracle, device);
    events_watches_step(oracle, device);
    units_step(device);
    told_step(device);
    device->failed_now = 0;
    device->front_before = device->front_state;
    device->back_served_before = device->back_serves;
    device->read_only_before = device->read_only;
}
