/* SPDX-License-Identifier: ISC */
/*
 * The ring monitor: looks at the rings of a device after each step of a side and tells what has
 * changed as events: every new request and response with all bytes of its slot, and the four words
 * of the header. It judges nothing; which rings there are is found by monitor_attach.c.
 */
#include "monitor.h"
#include "oracle_internal.h"

#include <string.h>

/* ---- making ---- */

struct monitor *monitor_create(struct simback_world *world)
{
    struct monitor *monitor = simback_allocate(world, sizeof(*monitor));

    if (monitor == NULL)
        return NULL;
    for (unsigned i = 0; i < WORLD_DEVICES; i++)
        monitor->alias[i] = (uint16_t)i;
    observe_register(world);
    return monitor;
}

struct monitor *monitor_reset(struct simback_world *world)
{
    return monitor_create(world);
}

void monitor_destroy(struct simback_world *world)
{
    observe_unregister(world);
}

/* ---- reading a ring ---- */

struct monitor_ring *monitor_ring_of(const struct monitor *monitor, uint16_t device, uint16_t queue)
{
    struct monitor_ring *ring;

    if (device >= WORLD_DEVICES || queue >= monitor->queues[device])
        return NULL;
    ring = monitor->rings[device][queue];
    return ring != NULL && ring->attached ? ring : NULL;
}

void monitor_ring_copy(const struct monitor_ring *ring, uint32_t offset, void *to, size_t length)
{
    uint8_t *bytes = to;

    while (length > 0) {
        uint32_t page = offset / WORLD_PAGE_SIZE, begin = offset % WORLD_PAGE_SIZE;
        size_t part = WORLD_PAGE_SIZE - begin;

        if (page >= ring->pages)
            return;
        if (part > length)
            part = length;
        memcpy(bytes, ring->address[page] + begin, part);
        bytes += part;
        offset += (uint32_t)part;
        length -= part;
    }
}

uint32_t monitor_ring_word(const struct monitor_ring *ring, enum simback_ring_word word)
{
    const uint32_t *words = (const uint32_t *)(const void *)ring->address[0];

    return __atomic_load_n(&words[word], __ATOMIC_ACQUIRE);
}

/* ---- telling what has changed ---- */

static void emit_slot(struct simback_world *world, const struct monitor_ring *ring,
                      enum simback_event_kind kind, uint32_t index)
{
    uint8_t slot[BLKIF_WIRE_SLOT_64];
    struct simback_event event = {
        .kind = kind,
        .device = ring->device,
        .queue = ring->queue,
        .a = index,
        .bytes = slot,
        .length = ring->slot_size,
    };

    event.domid = kind == SIMBACK_RING_REQUEST ? ring->front_domid : ring->back_domid;
    event.peer = kind == SIMBACK_RING_REQUEST ? ring->back_domid : ring->front_domid;
    if (kind == SIMBACK_RING_REQUEST && ring->published != NULL)
        memcpy(slot, ring->published + monitor_slot_offset(ring, index), ring->slot_size);
    else
        monitor_front_copy(world->monitor, ring, monitor_slot_offset(ring, index), slot,
                           ring->slot_size);
    simback_emit(world, &event);
}

static void emit_word(struct simback_world *world, const struct monitor_ring *ring,
                      enum simback_ring_word word, uint32_t value, uint32_t old, bool front)
{
    simback_emit(world, &(struct simback_event){
                            .kind = SIMBACK_RING_INDEX,
                            .domid = front ? ring->front_domid : ring->back_domid,
                            .peer = front ? ring->back_domid : ring->front_domid,
                            .device = ring->device,
                            .queue = ring->queue,
                            .a = word,
                            .b = value,
                            .c = old,
                        });
}

/* New requests, if it was the frontend who moved req_prod and by no more than a ring holds. */
static void tell_requests(struct simback_world *world, struct monitor_ring *ring, uint32_t now,
                          bool front)
{
    if (!front)
        return;
    if (now - ring->requests <= ring->slots) {
        for (uint32_t index = ring->requests; index != now; index++)
            emit_slot(world, ring, SIMBACK_RING_REQUEST, index);
    }
    ring->requests = now;
}

/* New responses, if they stay within what was asked. An index that does not is told as such, and
 * what lies in the slots then means nothing. */
static void tell_responses(struct simback_world *world, struct monitor_ring *ring, uint32_t now)
{
    if (now - ring->responses > ring->requests - ring->responses)
        return;
    for (uint32_t index = ring->responses; index != now; index++)
        emit_slot(world, ring, SIMBACK_RING_RESPONSE, index);
    ring->responses = now;
}

static void tell(struct simback_world *world, struct monitor_ring *ring,
                 const uint32_t now[MONITOR_WORDS], bool front)
{
    static const enum simback_ring_word order[MONITOR_WORDS] = {
        SIMBACK_REQ_PROD,
        SIMBACK_RSP_PROD,
        SIMBACK_REQ_EVENT,
        SIMBACK_RSP_EVENT,
    };

    if (memcmp(now, ring->seen, sizeof(ring->seen)) == 0)
        return;
    world->monitor->front_acts = front;
    if (now[SIMBACK_REQ_PROD] != ring->seen[SIMBACK_REQ_PROD])
        tell_requests(world, ring, now[SIMBACK_REQ_PROD], front);
    /* One that was beyond what had been asked may have been caught up with. */
    if (now[SIMBACK_RSP_PROD] != ring->responses)
        tell_responses(world, ring, now[SIMBACK_RSP_PROD]);
    for (unsigned i = 0; i < MONITOR_WORDS; i++) {
        uint32_t old = ring->seen[order[i]];

        if (now[order[i]] != old) {
            ring->seen[order[i]] = now[order[i]];
            emit_word(world, ring, order[i], now[order[i]], old, front);
        }
    }
}

static void look(struct simback_world *world, struct monitor_ring *ring, bool front)
{
    uint32_t now[MONITOR_WORDS];

    for (unsigned i = 0; i < MONITOR_WORDS; i++)
        now[i] = monitor_front_word(world->monitor, ring, (enum simback_ring_word)i);
    tell(world, ring, now, front);
    if (!monitor_overwrite_end(world->monitor, ring))
        return;
    for (unsigned i = 0; i < MONITOR_WORDS; i++)
        now[i] = monitor_ring_word(ring, (enum simback_ring_word)i);
    tell(world, ring, now, false);
}

/* The words that are `front`'s to move, as they stand now; the others as seen last. */
static void look_at_own(struct simback_world *world, struct monitor_ring *ring, bool front)
{
    const enum simback_ring_word index = front ? SIMBACK_REQ_PROD : SIMBACK_RSP_PROD;
    const enum simback_ring_word event = front ? SIMBACK_RSP_EVENT : SIMBACK_REQ_EVENT;
    uint32_t now[MONITOR_WORDS];

    memcpy(now, ring->seen, sizeof(now));
    now[index] = monitor_ring_word(ring, index);
    now[event] = monitor_ring_word(ring, event);
    /* Answers to what the frontend has not been seen to ask yet wait until it was. */
    if (!front && now[index] - ring->responses > ring->requests - ring->responses)
        now[index] = ring->requests;
    tell(world, ring, now, front);
}

void monitor_before_publish(struct simback_world *world, struct monitor_ring *ring)
{
    const size_t size = (size_t)ring->pages * WORLD_PAGE_SIZE;

    if (ring->published == NULL)
        ring->published = simback_allocate(world, size);
    if (ring->published != NULL)
        monitor_ring_copy(ring, 0, ring->published, size);
}

/* The backend acts at any moment, so each side's words are its own doing. What it has answered of
 * what is known by now comes first, for the frontend may have taken that and asked anew; then what
 * is asked, then answers to that. */
void monitor_look_live(struct simback_world *world, struct monitor_ring *ring, bool front)
{
    look_at_own(world, ring, false);
    if (!front)
        return;
    look_at_own(world, ring, true);
    look_at_own(world, ring, false);
}

void simback_handover(struct simback_world *world, uint16_t device, bool front)
{
    struct monitor *monitor = world->monitor;
    uint16_t number = monitor_device_number(monitor, device);

    if (number == SIMBACK_NO_DEVICE || world->quiet)
        return;
    for (uint16_t queue = 0; queue < monitor->queues[number]; queue++) {
        struct monitor_ring *ring = monitor->rings[number][queue];

        if (ring == NULL || !ring->attached)
            continue;
        if (world->options.live)
            monitor_look_live(world, ring, front);
        else
            look(world, ring, front);
    }
    if (world->options.rules)
        oracle_handover(world, number, front);
}

/* ---- what publishes and what ends a ring ---- */

/* The frontend's state is what it says from now on. */
static void state_written(struct simback_world *world, uint16_t device, uint8_t state)
{
    struct monitor *monitor = world->monitor;

    if (state == BLKIF_WIRE_INITIALISED || state == BLKIF_WIRE_CONNECTED) {
        monitor_attach(world, device);
        return;
    }
    /* In 6 the ring is still ours, and answers that were there in time may be taken: it ends with
     * its grants, or when we begin again. */
    if (state != BLKIF_WIRE_INITIALISING)
        return;
    for (uint16_t queue = 0; queue < monitor->queues[device]; queue++) {
        if (monitor->rings[device][queue] != NULL)
            monitor_detach(world, monitor->rings[device][queue]);
    }
}

static void frontend_wrote(struct simback_world *world, const struct simback_event *event)
{
    struct monitor *monitor = world->monitor;
    const char *rest;
    uint16_t device = monitor_front_path(monitor, event->path, &rest);
    uint64_t state;

    if (device == SIMBACK_NO_DEVICE || strcmp(rest, BLKIF_NODE_STATE) != 0 ||
        event->domid != monitor->devices[device].front_domid ||
        !monitor_number(event->bytes, event->length, &state) || state > UINT8_MAX)
        return;
    if (event->a == 0) {
        state_written(world, device, (uint8_t)state);
        return;
    }
    if (monitor->commit_count == MONITOR_COMMITS) { /* the oldest was never ended */
        monitor->commit_count--;
        memmove(monitor->commits, monitor->commits + 1,
                monitor->commit_count * sizeof(monitor->commits[0]));
    }
    monitor->commits[monitor->commit_count++] = (struct monitor_commit){
        .transaction = (uint32_t)event->a,
        .domid = event->domid,
        .device = device,
        .state = (uint8_t)state,
    };
}

static void transaction_end(struct simback_world *world, const struct simback_event *event)
{
    struct monitor *monitor = world->monitor;
    uint32_t kept = 0;

    for (uint32_t i = 0; i < monitor->commit_count; i++) {
        struct monitor_commit commit = monitor->commits[i];

        if (commit.domid != event->domid || commit.transaction != event->a)
            monitor->commits[kept++] = commit;
        else if (event->b != 0 && event->result == 0)
            state_written(world, commit.device, commit.state);
    }
    monitor->commit_count = kept;
}

/* A page that is granted no more is no ring's any more. */
static void grant_end(struct simback_world *world, const struct simback_event *event)
{
    const struct monitor_page *page = monitor_page_of(world->monitor, (uint32_t)event->b);

    if (page != NULL && event->result != BLKFRONT_PLATFORM_BUSY &&
        page->ring->refs[page->index] == event->a)
        monitor_forget(world, page->ring);
}

/* Rings of before are memory like any other. */
static void resumed(struct simback_world *world, const struct simback_event *event)
{
    struct monitor *monitor = world->monitor;

    for (uint32_t device = 0; device < WORLD_DEVICES; device++) {
        if (!monitor->devices[device].known || monitor->devices[device].front_domid != event->domid)
            continue;
        for (uint16_t queue = 0; queue < monitor->queues[device]; queue++) {
            if (monitor->rings[device][queue] != NULL)
                monitor_forget(world, monitor->rings[device][queue]);
        }
    }
    monitor_rename(monitor, event->domid, event->peer);
    monitor->commit_count = 0;
}

void monitor_event(struct simback_world *world, const struct simback_event *event, uint64_t time_ns)
{
    (void)time_ns;
    if (event->kind == SIMBACK_GRANT_END)
        grant_end(world, event);
    else if (event->kind == SIMBACK_STORE_WRITE && event->result == 0)
        frontend_wrote(world, event);
    else if (event->kind == SIMBACK_TRANSACTION_END)
        transaction_end(world, event);
    else if (event->kind == SIMBACK_RESUMED)
        resumed(world, event);
}
