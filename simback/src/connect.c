/* SPDX-License-Identifier: ISC */
/*
 * From the frontend's nodes to mapped rings and bound ports, and back. Every node is checked here
 * (I10), and the complaint says which one is wrong and what was expected. When this happens is
 * backend.c's business, what comes over the rings service.c's.
 */
#include "backend_internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* Dir of a queue's nodes: with one queue the frontend's own. */
static void queue_directory(const struct simback_backend *backend, uint16_t queue, char *directory,
                            size_t size)
{
    if (backend->queue_count == 1)
        snprintf(directory, size, "%s", backend->front);
    else
        snprintf(directory, size, "%s/%s%u", backend->front, BLKIF_NODE_QUEUE, queue);
}

static bool read_protocol(struct simback_backend *backend)
{
    char protocol[32];

    switch (
        node_read_text(backend, backend->front, BLKIF_NODE_PROTOCOL, protocol, sizeof(protocol))) {
    case NODE_BAD: return false;
    case NODE_ABSENT:
        backend->abi =
            backend->dialect->default_abi == SIMBACK_DEFAULT_ABI_32 ? SLOT_ABI_32 : SLOT_ABI_64;
        if (backend->dialect->default_abi == SIMBACK_DEFAULT_ABI_NONE)
            backend_complain(backend, "reading %s/%s: not there", backend->front,
                             BLKIF_NODE_PROTOCOL);
        return backend->dialect->default_abi != SIMBACK_DEFAULT_ABI_NONE;
    case NODE_OK: break;
    }
    if (strcmp(protocol, BLKIF_WIRE_PROTOCOL_64) == 0) {
        backend->abi = SLOT_ABI_64;
    } else if (strcmp(protocol, BLKIF_WIRE_PROTOCOL_32) == 0) {
        backend->abi = SLOT_ABI_32;
    } else {
        backend_complain(backend, "%s/%s: found \"%s\", expected %s or %s", backend->front,
                         BLKIF_NODE_PROTOCOL, protocol, BLKIF_WIRE_PROTOCOL_64,
                         BLKIF_WIRE_PROTOCOL_32);
        backend->abi = SLOT_ABI_64;
        return backend->dialect->any_protocol;
    }
    return true;
}

/* In what sector_number and segments count. Some want to be asked for sectors above 512 bytes. */
static bool read_units(struct simback_backend *backend)
{
    const enum simback_units units = (enum simback_units)backend->dialect->units;
    uint64_t large = 0;

    backend->number_units = units == SIMBACK_UNITS_512 ? 1 : backend->sector_units;
    backend->segment_units = units == SIMBACK_UNITS_ASKED ? backend->sector_units : 1;
    if (units != SIMBACK_UNITS_ASKED || backend->options.sector_size == BLKIF_WIRE_UNIT)
        return true;
    if (node_read_number(backend, backend->front, BLKIF_NODE_FEATURE_LARGE_SECTOR_SIZE, 1,
                         &large) == NODE_BAD)
        return false;
    if (large == 0)
        backend_complain(backend, "sectors of %" PRIu32 " bytes, but %s/%s is not 1: refused",
                         backend->options.sector_size, backend->front,
                         BLKIF_NODE_FEATURE_LARGE_SECTOR_SIZE);
    return large != 0;
}

static bool read_persistent(struct simback_backend *backend)
{
    uint64_t value = 0;

    if (node_read_number(backend, backend->front, BLKIF_NODE_FEATURE_PERSISTENT, 1, &value) ==
        NODE_BAD)
        return false;
    backend->front_persistent = value != 0;
    return true;
}

static bool read_queue_count(struct simback_backend *backend)
{
    uint64_t count = 1;

    if (node_read_number(backend, backend->front, BLKIF_NODE_MULTI_QUEUE_NUM_QUEUES, UINT16_MAX,
                         &count) == NODE_BAD)
        return false;
    if (count == 0 || count > backend->max_queues) {
        backend_complain(backend, "%s/%s: %" PRIu64 " queues, expected 1 to %u", backend->front,
                         BLKIF_NODE_MULTI_QUEUE_NUM_QUEUES, count, backend->max_queues);
        return false;
    }
    backend->queue_count = (uint16_t)count;
    return true;
}

/* How many pages a node says; with `absent` it says nothing. false: complained. */
static bool read_order(struct simback_backend *backend, uint64_t *pages, bool *absent)
{
    uint64_t order = 0;
    const enum node_result result =
        node_read_number(backend, backend->front, BLKIF_NODE_RING_PAGE_ORDER, UINT32_MAX, &order);

    if (result == NODE_OK && order > backend->ring_order)
        backend_complain(backend, "%s/%s: %" PRIu64 ", expected at most %u", backend->front,
                         BLKIF_NODE_RING_PAGE_ORDER, order, backend->ring_order);
    *absent = result == NODE_ABSENT;
    *pages = UINT64_C(1) << (order <= backend->ring_order ? order : 0);
    return result != NODE_BAD && order <= backend->ring_order;
}

static bool read_pages(struct simback_backend *backend, uint64_t *pages, bool *absent)
{
    const uint32_t most = UINT32_C(1) << backend->ring_order;
    const enum node_result result =
        node_read_number(backend, backend->front, BLKIF_NODE_NUM_RING_PAGES, UINT32_MAX, pages);
    const bool good = *pages != 0 && (*pages & (*pages - 1)) == 0 && *pages <= most;

    *absent = result == NODE_ABSENT;
    if (result != NODE_OK)
        return result == NODE_ABSENT;
    if (!good)
        backend_complain(backend, "%s/%s: %" PRIu64 ", expected a power of two of at most %" PRIu32,
                         backend->front, BLKIF_NODE_NUM_RING_PAGES, *pages, most);
    return good;
}

/* The ring's pages and whether the references are numbered: ring-ref0 and so on. */
static bool read_ring_size(struct simback_backend *backend, uint32_t *page_count, bool *numbered)
{
    const struct simback_dialect *dialect = backend->dialect;
    const bool orders =
        dialect->spelling == SIMBACK_SPELLING_ORDER || dialect->spelling == SIMBACK_SPELLING_BOTH;
    const bool counts =
        dialect->spelling == SIMBACK_SPELLING_PAGES || dialect->spelling == SIMBACK_SPELLING_BOTH;
    uint64_t by_order = 1, by_pages = 1;
    bool no_order = true, no_pages = true;

    if ((orders && !read_order(backend, &by_order, &no_order)) ||
        (counts && !read_pages(backend, &by_pages, &no_pages)))
        return false;
    if (!no_order && !no_pages && by_order != by_pages) {
        backend_complain(backend, "%s/%s: %" PRIu64 ", but %s says %" PRIu64 " pages",
                         backend->front, BLKIF_NODE_NUM_RING_PAGES, by_pages,
                         BLKIF_NODE_RING_PAGE_ORDER, by_order);
        return false;
    }
    *page_count = (uint32_t)(no_order ? by_pages : by_order);
    /* For most a ring-page-order that is there means ring-ref0 even if it is 0 (PROTOCOL.md 7). */
    *numbered = *page_count > 1 || (!no_order && dialect->numbered_order_0);
    return true;
}

static bool read_refs(struct backend_queue *queue, const char *directory, bool numbered)
{
    for (uint32_t i = 0; i < queue->ring.page_count; i++) {
        char name[24];
        uint64_t ref = 0;
        enum node_result result;

        if (numbered)
            snprintf(name, sizeof(name), "%s%" PRIu32, BLKIF_NODE_RING_REF, i);
        else
            snprintf(name, sizeof(name), "%s", BLKIF_NODE_RING_REF);
        result = node_read_number(queue->backend, directory, name, UINT32_MAX, &ref);
        if (result == NODE_ABSENT)
            backend_complain(queue->backend, "reading %s/%s: not there", directory, name);
        if (result != NODE_OK)
            return false;
        queue->ring.refs[i] = (uint32_t)ref;
    }
    return true;
}

static void *make_array(struct backend_queue *queue, void *old, size_t size, uint32_t count)
{
    const struct simback_host *host = queue->backend->host;

    return old != NULL ? old : host->allocate(host->context, size * count);
}

static void free_array(struct backend_queue *queue, void *array, size_t size, uint32_t count)
{
    const struct simback_host *host = queue->backend->host;

    if (array != NULL)
        host->free(host->context, array, size * count);
}

bool connect_grow(const struct simback_host *host, void **array, size_t size, uint32_t *room,
                  uint64_t wanted, uint32_t most)
{
    enum { ROOM_AT_FIRST = 32 };
    uint64_t more = *room == 0 ? ROOM_AT_FIRST : *room;
    void *made;

    while (more < wanted)
        more *= 2;
    if (more > most)
        more = most;
    if (wanted > more)
        return false;
    made = host->allocate(host->context, size * more);
    if (made == NULL)
        return false;
    if (*array != NULL) {
        memcpy(made, *array, size * *room);
        host->free(host->context, *array, size * *room);
    }
    *array = made;
    *room = (uint32_t)more;
    return true;
}

/* What depends on the size of the ring. */
static bool make_waiting_room(struct backend_queue *queue)
{
    const uint32_t pins =
        queue->ring.size * BLKIF_WIRE_SEGMENTS + (uint32_t)queue->backend->segments;

    if (queue->pending_memory_size < queue->ring.size) {
        free_array(queue, queue->pending_memory, sizeof(*queue->pending_memory),
                   queue->pending_memory_size);
        free_array(queue, queue->pins, sizeof(*queue->pins), queue->pin_room);
        queue->pending_memory = NULL;
        queue->pins = NULL;
        queue->pending_memory_size = queue->ring.size;
        queue->pin_room = 0;
        queue->pin_most = pins;
    }
    queue->pending_memory = make_array(queue, queue->pending_memory, sizeof(*queue->pending_memory),
                                       queue->pending_memory_size);
    return queue->pending_memory != NULL;
}

static bool make_kept_room(struct backend_queue *queue)
{
    const uint32_t room = queue->segment_room;

    queue->entries = make_array(queue, queue->entries, sizeof(*queue->entries), room);
    queue->alone_refs = make_array(queue, queue->alone_refs, sizeof(*queue->alone_refs), room);
    queue->alone_pages = make_array(queue, queue->alone_pages, sizeof(*queue->alone_pages), room);
    queue->places = make_array(queue, queue->places, sizeof(*queue->places), room);
    return queue->entries != NULL && queue->alone_refs != NULL && queue->alone_pages != NULL &&
           queue->places != NULL;
}

/* Memory for waiting requests and for the largest request, kept for the next connection: after a
 * failure only what is missing is asked for again. Mappings are made anew for each. */
static bool make_room(struct backend_queue *queue)
{
    const struct simback_backend *backend = queue->backend;
    const bool persistent = backend->persistent && backend->front_persistent;
    const uint32_t room =
        backend->segments > BLKIF_WIRE_SEGMENTS ? backend->segments : (uint32_t)BLKIF_WIRE_SEGMENTS;

    queue->segment_room = room;
    queue->segments = make_array(queue, queue->segments, sizeof(*queue->segments), room);
    queue->refs = make_array(queue, queue->refs, sizeof(*queue->refs), room);
    queue->pages = make_array(queue, queue->pages, sizeof(*queue->pages), room);
    return queue->segments != NULL && queue->refs != NULL && queue->pages != NULL &&
           (!persistent || make_kept_room(queue)) && make_waiting_room(queue) &&
           mappings_create(queue, persistent ? backend->dialect->persistent_most : 0);
}

static bool map_ring(struct backend_queue *queue)
{
    struct simback_backend *backend = queue->backend;
    struct ring *ring = &queue->ring;
    int result = backend->host->map(backend->host->context, backend->options.front_domid,
                                    ring->refs, ring->page_count, true, ring->pages);

    if (result != 0) {
        backend_complain(backend,
                         "queue %u: ring of %" PRIu32 " pages, first reference %" PRIu32
                         ": cannot be mapped (%d)",
                         queue->index, ring->page_count, ring->refs[0], result);
        return false;
    }
    queue->mapped = true;
    ring->host = backend->host;
    ring_init(ring, backend->abi);
    if ((backend->options.attach || backend->dialect->attach) && !ring_attach(ring)) {
        backend_complain(backend, "queue %u: the ring's indices are further apart than its size",
                         queue->index);
        return false;
    }
    return true;
}

static bool read_port(struct backend_queue *queue, const char *directory, uint32_t *port)
{
    uint64_t value = 0;
    const enum node_result result =
        node_read_number(queue->backend, directory, BLKIF_NODE_EVENT_CHANNEL, UINT32_MAX, &value);

    if (result == NODE_ABSENT)
        backend_complain(queue->backend, "reading %s/%s: not there", directory,
                         BLKIF_NODE_EVENT_CHANNEL);
    *port = (uint32_t)value;
    return result == NODE_OK;
}

static bool bind_port(struct backend_queue *queue, uint32_t port)
{
    struct simback_backend *backend = queue->backend;
    const int result = backend->host->port_bind(
        backend->host->context, backend->options.front_domid, port, queue->index, &queue->port);

    if (result != 0) {
        backend_complain(backend, "queue %u: port %" PRIu32 " cannot be bound (%d)", queue->index,
                         port, result);
        return false;
    }
    queue->bound = true;
    return true;
}

static bool connect_queue(struct backend_queue *queue, uint32_t page_count, bool numbered)
{
    char directory[BACKEND_PATH + 16];
    uint32_t port;

    queue_directory(queue->backend, queue->index, directory, sizeof(directory));
    queue->ring.page_count = page_count;
    if (!read_port(queue, directory, &port) || !read_refs(queue, directory, numbered) ||
        !map_ring(queue) || !bind_port(queue, port))
        return false;
    if (!make_room(queue)) {
        backend_complain(queue->backend, "queue %u: no memory", queue->index);
        return false;
    }
    pending_init(&queue->pending, queue->pending_memory, queue->ring.size);
    transfer_init_pins(queue);
    queue->prepared = 0;
    queue->dead = false;
    queue->ahead = false;
    queue->dropped = 0;
    queue->barrier_waits = false;
    queue->seen = false;
    return true;
}

bool connect_front(struct simback_backend *backend)
{
    uint64_t complaints;
    uint32_t page_count;
    bool numbered;
    bool ok = read_units(backend) && read_protocol(backend) && read_persistent(backend) &&
              read_queue_count(backend) && read_ring_size(backend, &page_count, &numbered);

    if (ok) {
        complaints = backend->complaints;
        inspect_front(backend, page_count, numbered);
        ok = !backend->dialect->strict || backend->complaints == complaints;
    }
    for (uint16_t i = 0; ok && i < backend->queue_count; i++)
        ok = connect_queue(&backend->queues[i], page_count, numbered);
    if (!ok)
        connect_drop(backend, false);
    return ok;
}

static bool has_room_to_keep(struct simback_backend *backend, uint32_t count)
{
    const uint64_t wanted = (uint64_t)backend->kept_count + count;
    void *kept = backend->kept;
    const bool fits =
        wanted <= backend->kept_room || connect_grow(backend->host, &kept, sizeof(*backend->kept),
                                                     &backend->kept_room, wanted, BACKEND_KEPT);

    backend->kept = kept;
    return fits;
}

void connect_unmap(struct simback_backend *backend, const uint32_t *refs, void **pages,
                   uint32_t count)
{
    if (backend->keep && has_room_to_keep(backend, count)) {
        for (uint32_t i = 0; i < count; i++)
            backend->kept[backend->kept_count++] = (struct backend_kept){refs[i], pages[i]};
        return;
    }
    (void)backend->host->unmap(backend->host->context, backend->options.front_domid, refs, count,
                               pages);
}

void connect_drop_kept(struct simback_backend *backend)
{
    for (uint32_t i = 0; i < backend->kept_count; i++)
        (void)backend->host->unmap(backend->host->context, backend->options.front_domid,
                                   &backend->kept[i].ref, 1, &backend->kept[i].page);
    backend->kept_count = 0;
}

static void close_port(struct backend_queue *queue)
{
    const struct simback_host *host = queue->backend->host;

    if (queue->bound)
        host->port_close(host->context, queue->port);
    queue->bound = false;
}

static void drop_queue(struct backend_queue *queue)
{
    close_port(queue);
    for (uint32_t i = 0; i < queue->pending.size; i++) {
        if (queue->pending.entries[i].kind != PENDING_FREE)
            transfer_drop(queue, &queue->pending.entries[i]);
    }
    mappings_destroy(queue);
    if (queue->mapped)
        connect_unmap(queue->backend, queue->ring.refs, queue->ring.pages, queue->ring.page_count);
    queue->mapped = false;
    pending_init(&queue->pending, NULL, 0);
    queue->dropped = 0;
    queue->barrier_waits = false;
}

void connect_drop(struct simback_backend *backend, bool all)
{
    if (all)
        backend->keep = false;
    for (uint32_t i = 0; i < backend->queue_room; i++)
        drop_queue(&backend->queues[i]);
    backend->lingers = false;
    if (all)
        connect_drop_kept(backend);
}

/* Of a ring that was given up nothing will be answered any more, so nobody waits for it (I12). */
static uint32_t in_flight(const struct backend_queue *queue)
{
    return queue->dead ? 0 : queue->pending.count + queue->barrier_waits;
}

uint32_t connect_in_flight(const struct simback_backend *backend)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < backend->queue_room; i++)
        count += in_flight(&backend->queues[i]);
    return count;
}

void connect_linger(struct simback_backend *backend)
{
    for (uint32_t i = 0; i < backend->queue_room; i++) {
        struct backend_queue *queue = &backend->queues[i];

        if (in_flight(queue) == 0)
            drop_queue(queue);
        else if (backend->dialect->closing == SIMBACK_CLOSING_SILENT)
            close_port(queue);
    }
    backend->lingers = true;
    backend_tell(backend, SIMBACK_BACK_LIFE, 0, connect_in_flight(backend), 0, "lingers");
}

void connect_free_queues(struct simback_backend *backend)
{
    const struct simback_host *host = backend->host;

    for (uint32_t i = 0; backend->queues != NULL && i < backend->queue_room; i++) {
        struct backend_queue *queue = &backend->queues[i];
        const uint32_t room = queue->segment_room;

        free_array(queue, queue->pending_memory, sizeof(*queue->pending_memory),
                   queue->pending_memory_size);
        free_array(queue, queue->pins, sizeof(*queue->pins), queue->pin_room);
        free_array(queue, queue->segments, sizeof(*queue->segments), room);
        free_array(queue, queue->refs, sizeof(*queue->refs), room);
        free_array(queue, queue->pages, sizeof(*queue->pages), room);
        free_array(queue, queue->entries, sizeof(*queue->entries), room);
        free_array(queue, queue->alone_refs, sizeof(*queue->alone_refs), room);
        free_array(queue, queue->alone_pages, sizeof(*queue->alone_pages), room);
        free_array(queue, queue->places, sizeof(*queue->places), room);
    }
    if (backend->queues != NULL)
        host->free(host->context, backend->queues, sizeof(*backend->queues) * backend->queue_room);
    if (backend->kept != NULL)
        host->free(host->context, backend->kept, sizeof(*backend->kept) * backend->kept_room);
}
