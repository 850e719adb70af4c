/* SPDX-License-Identifier: ISC */
/*
 * Which rings a frontend has published: read from its nodes without a trace, as a backend would
 * read them, and turned into pages by the grant table. Nodes that make no sense give no ring; that
 * is the backend's to complain of.
 */
#include "monitor.h"

#include <stdio.h>
#include <string.h>

/* ---- the table of ring pages: open addressing by page number ---- */

static uint32_t place(uint32_t number)
{
    return number * UINT32_C(2654435761) >> 16 & (MONITOR_PAGES - 1);
}

const struct monitor_page *monitor_page_of(const struct monitor *monitor, uint32_t number)
{
    for (uint32_t at = place(number);; at = (at + 1) & (MONITOR_PAGES - 1)) {
        const struct monitor_page *page = &monitor->pages[at];

        if (page->ring == NULL)
            return NULL;
        if (page->number == number)
            return page;
    }
}

/* False when the table is three quarters full: such rings are watched at hand-over only. */
static bool page_add(struct monitor *monitor, struct monitor_ring *ring, uint32_t index)
{
    uint32_t at = place(ring->numbers[index]);

    if (monitor->page_count >= MONITOR_PAGES / 4 * 3)
        return false;
    while (monitor->pages[at].ring != NULL) {
        if (monitor->pages[at].number == ring->numbers[index]) {
            monitor->pages[at].ring = ring; /* a page that was published twice */
            monitor->pages[at].index = index;
            return true;
        }
        at = (at + 1) & (MONITOR_PAGES - 1);
    }
    monitor->pages[at] = (struct monitor_page){ring, ring->numbers[index], index};
    monitor->page_count++;
    return true;
}

/* Without holes in the chains: what follows is put in anew. */
static void pages_remove(struct monitor *monitor, const struct monitor_ring *ring)
{
    struct monitor_page kept[MONITOR_PAGES];
    uint32_t count = 0;

    for (uint32_t i = 0; i < MONITOR_PAGES; i++) {
        if (monitor->pages[i].ring != NULL && monitor->pages[i].ring != ring)
            kept[count++] = monitor->pages[i];
    }
    memset(monitor->pages, 0, sizeof(monitor->pages));
    monitor->page_count = 0;
    for (uint32_t i = 0; i < count; i++)
        page_add(monitor, kept[i].ring, kept[i].index);
}

/* ---- nodes ---- */

/* What is published of one queue. */
struct published {
    uint8_t order;
    bool numbered; /* ring-refN; else ring-ref */
    bool abi_32;
    uint16_t queues;
};

static void read_published(const struct simback_world *world, const char *front,
                           struct published *published)
{
    char protocol[16];
    size_t length;
    uint64_t number;

    *published = (struct published){.queues = 1};
    if (monitor_peek(world, front, BLKIF_NODE_PROTOCOL, protocol, sizeof(protocol), &length))
        published->abi_32 = length == sizeof(BLKIF_WIRE_PROTOCOL_32) - 1 &&
                            memcmp(protocol, BLKIF_WIRE_PROTOCOL_32, length) == 0;
    if (monitor_peek_number(world, front, BLKIF_NODE_MULTI_QUEUE_NUM_QUEUES, &number) &&
        number <= MONITOR_QUEUES && number > 0)
        published->queues = (uint16_t)number;
    if (monitor_peek_number(world, front, BLKIF_NODE_RING_PAGE_ORDER, &number)) {
        published->numbered = true;
        published->order = number <= BLKIF_WIRE_RING_ORDER_MAX ? (uint8_t)number : 0;
    } else if (monitor_peek_number(world, front, BLKIF_NODE_NUM_RING_PAGES, &number)) {
        while (published->order < BLKIF_WIRE_RING_ORDER_MAX && 1u << published->order < number)
            published->order++;
        published->numbered = published->order > 0;
    }
}

static bool read_ref(const struct simback_world *world, const char *directory, const char *name,
                     uint32_t *ref)
{
    uint64_t number;

    if (!monitor_peek_number(world, directory, name, &number) || number > UINT32_MAX)
        return false;
    *ref = (uint32_t)number;
    return true;
}

/* The pages of a ring of this order; false if they are not all there. Its backend is who may map
 * it, whether that is the right one or not (I10). */
static bool read_pages(const struct simback_world *world, const char *directory, uint8_t order,
                       bool numbered, struct monitor_ring *ring)
{
    struct simback_grant grant;
    char name[24];

    ring->order = order;
    ring->pages = 1u << order;
    for (uint32_t i = 0; i < ring->pages; i++) {
        snprintf(name, sizeof(name), BLKIF_NODE_RING_REF "%u", i);
        if (!(numbered && read_ref(world, directory, name, &ring->refs[i])) &&
            !(order == 0 && read_ref(world, directory, BLKIF_NODE_RING_REF, &ring->refs[i])))
            return false;
        if (!simback_get_grant(world, ring->front_domid, ring->refs[i], &grant))
            return false;
        if (i == 0)
            ring->back_domid = grant.peer;
        ring->numbers[i] = grant.page;
        ring->address[i] = simback_page_address(world, grant.page);
    }
    return true;
}

/* Fills refs, port and pages of a ring; false if they are not all there. */
static bool read_queue(const struct simback_world *world, const char *front,
                       const struct published *published, struct monitor_ring *ring)
{
    char directory[MONITOR_PATH + 16];

    if (published->queues > 1)
        snprintf(directory, sizeof(directory), "%s/" BLKIF_NODE_QUEUE "%u", front, ring->queue);
    else
        snprintf(directory, sizeof(directory), "%s", front);
    ring->abi_32 = published->abi_32;
    /* What could not be removed of a larger ring says more than is there; not all look at it. */
    if (!read_pages(world, directory, published->order, published->numbered, ring) &&
        !read_pages(world, directory, 0, false, ring))
        return false;
    if (!read_ref(world, directory, BLKIF_NODE_EVENT_CHANNEL, &ring->port))
        ring->port = 0;
    return true;
}

/* ---- attaching ---- */

static struct monitor_ring *ring_slot(struct simback_world *world, uint16_t device, uint16_t queue)
{
    struct monitor *monitor = world->monitor;

    if (monitor->rings[device] == NULL) {
        monitor->rings[device] =
            simback_allocate(world, MONITOR_QUEUES * sizeof(struct monitor_ring *));
        if (monitor->rings[device] == NULL)
            return NULL;
    }
    if (monitor->rings[device][queue] == NULL)
        monitor->rings[device][queue] = simback_allocate(world, sizeof(struct monitor_ring));
    return monitor->rings[device][queue];
}

static bool same_ring(const struct monitor_ring *a, const struct monitor_ring *b)
{
    return a->pages == b->pages && a->abi_32 == b->abi_32 && a->port == b->port &&
           memcmp(a->refs, b->refs, a->pages * sizeof(a->refs[0])) == 0 &&
           memcmp(a->numbers, b->numbers, a->pages * sizeof(a->numbers[0])) == 0;
}

static void emit_ring(struct simback_world *world, const struct monitor_ring *ring,
                      enum simback_event_kind kind)
{
    simback_emit(world, &(struct simback_event){
                            .kind = kind,
                            .domid = ring->front_domid,
                            .peer = ring->back_domid,
                            .device = ring->device,
                            .queue = ring->queue,
                            .a = ring->refs[0],
                            .b = ring->order,
                        });
}

/* Indices are taken as they stand: a ring may begin anywhere (I18). */
static void begin(struct simback_world *world, struct monitor_ring *ring)
{
    uint32_t space;

    ring->slot_size = ring->abi_32 ? BLKIF_WIRE_SLOT_32 : BLKIF_WIRE_SLOT_64;
    space = (ring->pages * WORLD_PAGE_SIZE - BLKIF_WIRE_RING_HEADER) / ring->slot_size;
    for (ring->slots = 1; ring->slots * 2 <= space;)
        ring->slots *= 2;
    for (unsigned i = 0; i < MONITOR_WORDS; i++)
        ring->seen[i] = monitor_ring_word(ring, (enum simback_ring_word)i);
    ring->responses = ring->seen[SIMBACK_RSP_PROD];
    ring->requests = ring->seen[SIMBACK_RSP_PROD];
    ring->attached = true;
    for (uint32_t i = 0; i < ring->pages; i++)
        page_add(world->monitor, ring, i);
    emit_ring(world, ring, SIMBACK_RING_ATTACH);
}

void monitor_attach(struct simback_world *world, uint16_t device)
{
    struct monitor *monitor = world->monitor;
    const struct monitor_device *who = &monitor->devices[device];
    struct published published;
    uint64_t connection = 0;

    read_published(world, who->front, &published);
    for (uint16_t queue = 0; queue < published.queues; queue++) {
        struct monitor_ring *ring = ring_slot(world, device, queue);
        struct monitor_ring found = {.device = device, .queue = queue};

        if (ring == NULL)
            return;
        found.front_domid = who->front_domid;
        if (!read_queue(world, who->front, &published, &found))
            continue;
        if (ring->attached && same_ring(ring, &found))
            continue;
        monitor_forget(world, ring);
        if (connection == 0)
            connection = ++monitor->connections;
        *ring = found;
        ring->connection = connection;
        if (monitor->queues[device] <= queue)
            monitor->queues[device] = (uint16_t)(queue + 1);
        begin(world, ring);
    }
}

void monitor_detach(struct simback_world *world, struct monitor_ring *ring)
{
    if (!ring->attached)
        return;
    ring->attached = false;
    monitor_overwrite_end(world->monitor, ring);
    emit_ring(world, ring, SIMBACK_RING_DETACH);
}

void monitor_forget(struct simback_world *world, struct monitor_ring *ring)
{
    monitor_detach(world, ring);
    if (ring->pages != 0)
        pages_remove(world->monitor, ring);
    if (ring->published != NULL)
        simback_free(world, ring->published, (size_t)ring->pages * WORLD_PAGE_SIZE);
    ring->published = NULL;
    ring->pages = 0;
}
