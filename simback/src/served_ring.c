/* SPDX-License-Identifier: ISC */
/*
 * A guest's rings, copied into the world whenever something can have changed that matters: a
 * request before the backend takes it, since its answer may lie in the same slot, and an answer
 * before the guest can see it. So the monitor and the rules find the guest's rings as they find a
 * simulated frontend's.
 */
#include "served_internal.h"

#include <stdio.h>
#include <string.h>

#define REAL(call, ...) served->host->call(served->host->context, __VA_ARGS__)

/* So long a notification may take. */
#define NOTIFIED_WITHIN_NS UINT64_C(1000000000)

/* ---- pages ---- */

static struct served_page *page_of_ref(const struct simback_served *served, uint32_t ref)
{
    struct served_page *page = served->pages;

    while (page != NULL && page->ref != ref)
        page = page->next;
    return page;
}

static const struct served_page *page_at(const struct simback_served *served,
                                         const volatile void *address)
{
    const struct served_page *page = served->pages;

    while (page != NULL && (uintptr_t)address - (uintptr_t)page->real >= WORLD_PAGE_SIZE)
        page = page->next;
    return page;
}

static void give_up(struct simback_served *served, uint32_t ref)
{
    struct simback_grant grant;

    served_enter(served);
    if (simback_get_grant(served->world, SIMBACK_FRONT_DOMID, ref, &grant))
        (void)grant_table_unshare(served->guest, simback_page_address(served->world, grant.page),
                                  1);
}

/* The page behind a reference is the world's from now on, as it is now. Xen is asked whether the
 * guest has granted it, and how. False: it has not. */
static bool adopt(struct simback_served *served, uint32_t ref)
{
    struct simback_grant grant;
    bool writable = true;
    void *real, *copy;

    if (simback_get_grant(served->world, SIMBACK_FRONT_DOMID, ref, &grant)) {
        if (grant.maps != 0)
            return true;
        give_up(served, ref);
    }
    if (REAL(map, served->front_domid, &ref, 1, true, &real) != 0) {
        writable = false;
        if (REAL(map, served->front_domid, &ref, 1, false, &real) != 0)
            return false;
    }
    served_enter(served);
    if (grant_table_adopt(served->guest, SIMBACK_DOM0, 1, writable, &copy, &ref) == 0)
        memcpy(copy, real, WORLD_PAGE_SIZE);
    (void)REAL(unmap, served->front_domid, &ref, 1, &real);
    return true;
}

static void adopt_named(struct simback_served *served, const char *directory, const char *node)
{
    uint64_t ref;

    if (monitor_peek_number(served->world, directory, node, &ref) && ref <= UINT32_MAX)
        (void)adopt(served, (uint32_t)ref);
}

static void adopt_below(struct simback_served *served, const char *directory)
{
    char node[24];

    adopt_named(served, directory, BLKIF_NODE_RING_REF);
    for (unsigned i = 0; i < MONITOR_RING_PAGES; i++) {
        snprintf(node, sizeof(node), BLKIF_NODE_RING_REF "%u", i);
        adopt_named(served, directory, node);
    }
}

void served_adopt_rings(struct simback_served *served)
{
    char directory[SERVED_PATH + 16];
    uint64_t queues = 0;

    adopt_below(served, served->front);
    (void)monitor_peek_number(served->world, served->front, BLKIF_NODE_MULTI_QUEUE_NUM_QUEUES,
                              &queues);
    for (unsigned i = 0; i < queues && i < MONITOR_QUEUES; i++) {
        snprintf(directory, sizeof(directory), "%s/" BLKIF_NODE_QUEUE "%u", served->front, i);
        adopt_below(served, directory);
    }
}

void served_mapped(struct simback_served *served, uint32_t ref, bool writable, void *real)
{
    struct served_page *page = page_of_ref(served, ref);
    void *copy;

    served_enter(served);
    if (grant_table_map(served->back, SERVED_DEVICE, SIMBACK_FRONT_DOMID, &ref, 1, writable,
                        &copy) != 0 ||
        page != NULL)
        return;
    page = simback_allocate(served->world, sizeof(*page));
    if (page == NULL)
        return;
    *page = (struct served_page){served->pages, ref, real, copy};
    served->pages = page;
}

bool served_unmapped(struct simback_served *served, uint32_t ref, const void *real)
{
    struct served_page **place = &served->pages, *page;
    void *copy;

    while (*place != NULL && ((*place)->ref != ref || (*place)->real != real))
        place = &(*place)->next;
    page = *place;
    if (page == NULL)
        return false;
    *place = page->next;
    copy = page->copy;
    simback_free(served->world, page, sizeof(*page));
    served_enter(served);
    (void)grant_table_unmap(served->back, SERVED_DEVICE, SIMBACK_FRONT_DOMID, &ref, 1, &copy);
    give_up(served, ref);
    return true;
}

/* ---- copying ---- */

static uint32_t *real_words(const struct simback_served *served, const struct monitor_ring *ring)
{
    const struct served_page *page = page_of_ref(served, ring->refs[0]);

    return page == NULL ? NULL : (uint32_t *)(void *)page->real;
}

static void copy_slot(const struct simback_served *served, const struct monitor_ring *ring,
                      uint32_t index)
{
    uint32_t offset = monitor_slot_offset(ring, index), left = ring->slot_size;

    while (left > 0) {
        const uint32_t number = offset / WORLD_PAGE_SIZE, begin = offset % WORLD_PAGE_SIZE;
        const uint32_t there = WORLD_PAGE_SIZE - begin, part = left < there ? left : there;
        const struct served_page *page =
            number < ring->pages ? page_of_ref(served, ring->refs[number]) : NULL;

        if (page == NULL)
            return;
        memcpy(page->copy + begin, page->real + begin, part);
        offset += part;
        left -= part;
    }
}

/* Segments of requests that are indirect lie in pages that are needed while they are told. */
static void for_indirect(struct simback_served *served, struct monitor_ring *ring, uint32_t from,
                         uint32_t to, bool adopted)
{
    struct oracle_ring view = {.view = ring};
    struct oracle_wire wire = {.ring = &view};

    for (uint32_t index = from; index != to; index++) {
        uint16_t segments;

        monitor_ring_copy(ring, monitor_slot_offset(ring, index), wire.slot, ring->slot_size);
        memcpy(&segments, wire.slot + 2, sizeof(segments));
        if (wire.slot[0] != BLKIF_WIRE_INDIRECT || segments > BLKIF_WIRE_SEGMENTS_MAX)
            continue;
        for (uint32_t i = 0; i * BLKIF_WIRE_SEGMENTS_PER_PAGE < segments; i++) {
            const uint32_t ref = oracle_wire_page_ref(&wire, i);

            if (adopted)
                (void)adopt(served, ref);
            else if (page_of_ref(served, ref) == NULL)
                give_up(served, ref);
        }
    }
}

static void look_at_front(struct simback_served *served, struct monitor_ring *ring)
{
    uint32_t *copy = (uint32_t *)(void *)ring->address[0];
    const uint32_t *words = real_words(served, ring);
    const uint32_t from = ring->requests;
    uint32_t to;

    if (words == NULL)
        return;
    to = __atomic_load_n(&words[SIMBACK_REQ_PROD], __ATOMIC_ACQUIRE);
    copy[SIMBACK_RSP_EVENT] = __atomic_load_n(&words[SIMBACK_RSP_EVENT], __ATOMIC_RELAXED);
    copy[SIMBACK_REQ_PROD] = to;
    for (uint32_t i = from; to - from <= ring->slots && i != to; i++)
        copy_slot(served, ring, i);
    served_enter(served);
    if (to - from <= ring->slots)
        for_indirect(served, ring, from, to, true);
    monitor_look_live(served->world, ring, true);
    oracle_handover(served->world, SERVED_DEVICE, true);
    if (to - from <= ring->slots)
        for_indirect(served, ring, from, to, false);
}

static void look_at_back(struct simback_served *served, struct monitor_ring *ring, uint32_t to)
{
    uint32_t *copy = (uint32_t *)(void *)ring->address[0];
    const uint32_t *words = real_words(served, ring);
    const uint32_t from = ring->responses;

    if (words == NULL)
        return;
    for (uint32_t i = from; to - from <= ring->slots && i != to; i++)
        copy_slot(served, ring, i);
    copy[SIMBACK_RSP_PROD] = to;
    copy[SIMBACK_REQ_EVENT] = __atomic_load_n(&words[SIMBACK_REQ_EVENT], __ATOMIC_RELAXED);
    served_enter(served);
    monitor_look_live(served->world, ring, false);
    oracle_handover(served->world, SERVED_DEVICE, false);
}

static struct monitor_ring *ring_of(const struct simback_served *served, uint16_t queue)
{
    return monitor_ring_of(served->world->monitor, SERVED_DEVICE, queue);
}

void simback_served_look(struct simback_served *served)
{
    for (unsigned queue = 0; queue < MONITOR_QUEUES; queue++) {
        struct monitor_ring *ring = ring_of(served, (uint16_t)queue);

        if (ring != NULL)
            look_at_front(served, ring);
    }
}

static struct monitor_ring *ring_at(const struct simback_served *served,
                                    const volatile void *address, uint32_t *index)
{
    const struct served_page *page = page_at(served, address);
    const struct monitor_page *known;
    uint32_t number;

    if (page == NULL || !simback_page_number(served->world, page->copy, &number))
        return NULL;
    known = monitor_page_of(served->world->monitor, number);
    if (known == NULL || !known->ring->attached)
        return NULL;
    *index = known->index;
    return known->ring;
}

/* The backend reads a slot: whatever is asked by now is told before anything of it is answered. */
void served_before_load(void *context, const volatile void *address, size_t size)
{
    struct simback_served *served = context;
    uint32_t index = 0;
    struct monitor_ring *ring = ring_at(served, address, &index);
    const uint32_t *words = ring == NULL ? NULL : real_words(served, ring);

    (void)size;
    if (words == NULL ||
        (index == 0 && (uintptr_t)address % WORLD_PAGE_SIZE < BLKIF_WIRE_RING_HEADER))
        return;
    served->queues[ring->queue].loaded = true;
    if (__atomic_load_n(&words[SIMBACK_REQ_PROD], __ATOMIC_ACQUIRE) != ring->requests)
        look_at_front(served, ring);
}

void served_before_publish(void *context, const volatile void *header, uint32_t value)
{
    struct simback_served *served = context;
    uint32_t index = 0;
    struct monitor_ring *ring = ring_at(served, header, &index);

    if (ring != NULL)
        look_at_back(served, ring, value);
}

/* ---- serving ---- */

/* Requests lie there behind the req_event that was asked for, and nobody has notified. */
static bool is_late(struct simback_served *served, struct served_queue *queue,
                    const struct monitor_ring *ring, const uint32_t *words)
{
    const uint32_t prod = __atomic_load_n(&words[SIMBACK_REQ_PROD], __ATOMIC_SEQ_CST);
    const uint32_t event = __atomic_load_n(&words[SIMBACK_REQ_EVENT], __ATOMIC_SEQ_CST);

    served_enter(served);
    if (prod - event >= ring->slots) { /* nothing there from event on */
        queue->late_ns = 0;
        return false;
    }
    if (queue->late_ns == 0)
        queue->late_ns = served->world->now + 1;
    if (served->world->now + 1 - queue->late_ns < NOTIFIED_WITHIN_NS)
        return false;
    served_not_notified(served->world, SERVED_DEVICE, ring->queue, prod, event);
    return true;
}

/* The backend sleeps, and nothing has woken it. */
static bool sleeps(struct simback_served *served, struct simback_backend *backend, uint16_t number)
{
    struct served_queue *queue = &served->queues[number];
    const struct monitor_ring *ring = ring_of(served, number);
    const uint32_t *words = ring == NULL ? NULL : real_words(served, ring);

    if (!queue->bound || words == NULL || !queue->armed)
        return false;
    if (served_port_fired(served, queue->port) == 1)
        queue->fired = true;
    return !queue->fired &&
           simback_backend_service_at(backend, number) > served->host->now(served->host->context) &&
           !is_late(served, queue, ring, words);
}

bool simback_served_service(struct simback_served *served, struct simback_backend *backend,
                            uint16_t number)
{
    struct served_queue *queue = &served->queues[number];
    struct monitor_ring *ring;
    const uint32_t *words;
    uint32_t event = 0;
    bool more;

    if (sleeps(served, backend, number))
        return false;
    ring = ring_of(served, number);
    words = ring == NULL ? NULL : real_words(served, ring);
    if (words != NULL)
        event = words[SIMBACK_REQ_EVENT];
    queue->loaded = false;
    more = simback_backend_service(backend, number);
    ring = ring_of(served, number);
    words = ring == NULL ? NULL : real_words(served, ring);
    if (words == NULL)
        return more;
    look_at_back(served, ring, words[SIMBACK_RSP_PROD]);
    if (more)
        queue->armed = false;
    else if (event != words[SIMBACK_REQ_EVENT])
        queue->armed = true;
    else if (queue->loaded)
        queue->armed = false; /* it stopped in the middle */
    queue->late_ns = 0;
    return more;
}

void simback_served_touched(struct simback_served *served)
{
    for (unsigned i = 0; i < MONITOR_QUEUES; i++)
        served->queues[i].armed = false;
}
