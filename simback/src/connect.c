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
        backend->abi = backend->dialect->default_abi_32 ? SLOT_ABI_32 : SLOT_ABI_64;
        return true;
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
        return false;
    }
    return true;
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

/* With two or more queues the top level must not have a ring as well. */
static bool top_level_is_free(struct simback_backend *backend)
{
    static const char *const names[] = {BLKIF_NODE_RING_REF, BLKIF_NODE_EVENT_CHANNEL};
    char text[32];

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (node_read_text(backend, backend->front, names[i], text, sizeof(text)) != NODE_ABSENT) {
            backend_complain(backend, "%s/%s: must not be there with %u queues", backend->front,
                             names[i], backend->queue_count);
            return false;
        }
    }
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
    return count == 1 || top_level_is_free(backend);
}

/* The ring's pages and whether the references are numbered: ring-ref0 and so on. */
static bool read_ring_size(struct simback_backend *backend, uint32_t *page_count, bool *numbered)
{
    const uint32_t most = UINT32_C(1) << backend->ring_order;
    uint64_t order = 0, pages = 0;
    enum node_result by_order, by_pages = NODE_ABSENT;

    by_order =
        node_read_number(backend, backend->front, BLKIF_NODE_RING_PAGE_ORDER, UINT32_MAX, &order);
    if (backend->dialect->reads_num_ring_pages)
        by_pages = node_read_number(backend, backend->front, BLKIF_NODE_NUM_RING_PAGES, UINT32_MAX,
                                    &pages);
    if (by_order == NODE_BAD || by_pages == NODE_BAD)
        return false;
    if (by_order == NODE_OK && order > backend->ring_order) {
        backend_complain(backend, "%s/%s: %" PRIu64 ", expected at most %u", backend->front,
                         BLKIF_NODE_RING_PAGE_ORDER, order, backend->ring_order);
        return false;
    }
    if (by_pages == NODE_OK && (pages == 0 || (pages & (pages - 1)) != 0 || pages > most)) {
        backend_complain(backend, "%s/%s: %" PRIu64 ", expected a power of two of at most %" PRIu32,
                         backend->front, BLKIF_NODE_NUM_RING_PAGES, pages, most);
        return false;
    }
    if (by_order == NODE_OK && by_pages == NODE_OK && UINT64_C(1) << order != pages) {
        backend_complain(backend, "%s/%s: %" PRIu64 ", but %s is %" PRIu64, backend->front,
                         BLKIF_NODE_NUM_RING_PAGES, pages, BLKIF_NODE_RING_PAGE_ORDER, order);
        return false;
    }
    *page_count = by_order == NODE_OK   ? UINT32_C(1) << order
                  : by_pages == NODE_OK ? (uint32_t)pages
                                        : 1;
    /* A present ring-page-order means ring-ref0 even if it is 0 (PROTOCOL.md section 7). */
    *numbered = by_order == NODE_OK || *page_count > 1;
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

/* Memory for waiting requests and for the largest request; kept for the next connection. */
static bool make_room(struct backend_queue *queue)
{
    const struct simback_host *host = queue->backend->host;
    const uint32_t room = queue->backend->segments > BLKIF_WIRE_SEGMENTS
                              ? queue->backend->segments
                              : (uint32_t)BLKIF_WIRE_SEGMENTS;

    if (queue->pending_memory_size < queue->ring.size) {
        if (queue->pending_memory != NULL)
            host->free(host->context, queue->pending_memory,
                       sizeof(*queue->pending_memory) * queue->pending_memory_size);
        queue->pending_memory_size = 0;
        queue->pending_memory =
            host->allocate(host->context, sizeof(*queue->pending_memory) * queue->ring.size);
        if (queue->pending_memory == NULL)
            return false;
        queue->pending_memory_size = queue->ring.size;
    }
    /* Each by itself: after a failure only what is missing is asked for again. */
    queue->segment_room = room;
    if (queue->segments == NULL)
        queue->segments = host->allocate(host->context, sizeof(*queue->segments) * room);
    if (queue->refs == NULL)
        queue->refs = host->allocate(host->context, sizeof(*queue->refs) * room);
    if (queue->pages == NULL)
        queue->pages = host->allocate(host->context, sizeof(*queue->pages) * room);
    return queue->segments != NULL && queue->refs != NULL && queue->pages != NULL;
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
    ring_init(ring, backend->abi);
    if (backend->options.attach && !ring_attach(ring)) {
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
    queue->dead = false;
    queue->dropped = 0;
    queue->barrier_waits = false;
    queue->seen = false;
    return true;
}

bool connect_front(struct simback_backend *backend)
{
    uint32_t page_count;
    bool numbered;
    bool ok = read_protocol(backend) && read_persistent(backend) && read_queue_count(backend) &&
              read_ring_size(backend, &page_count, &numbered);

    for (uint16_t i = 0; ok && i < backend->queue_count; i++)
        ok = connect_queue(&backend->queues[i], page_count, numbered);
    if (!ok)
        connect_drop(backend, false);
    return ok;
}

void connect_unmap(struct simback_backend *backend, const uint32_t *refs, void **pages,
                   uint32_t count)
{
    if (backend->keep && backend->kept != NULL && count <= BACKEND_KEPT - backend->kept_count) {
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

void connect_drop(struct simback_backend *backend, bool all)
{
    if (all)
        backend->keep = false;
    for (uint32_t i = 0; i < backend->queue_room; i++) {
        struct backend_queue *queue = &backend->queues[i];

        if (queue->bound)
            backend->host->port_close(backend->host->context, queue->port);
        queue->bound = false;
        if (queue->mapped)
            connect_unmap(backend, queue->ring.refs, queue->ring.pages, queue->ring.page_count);
        queue->mapped = false;
        pending_init(&queue->pending, NULL, 0);
        queue->dropped = 0;
        queue->barrier_waits = false;
    }
    if (all)
        connect_drop_kept(backend);
}

void connect_free_queues(struct simback_backend *backend)
{
    const struct simback_host *host = backend->host;

    for (uint32_t i = 0; backend->queues != NULL && i < backend->queue_room; i++) {
        struct backend_queue *queue = &backend->queues[i];
        const uint32_t room = queue->segment_room;

        if (queue->pending_memory != NULL)
            host->free(host->context, queue->pending_memory,
                       sizeof(*queue->pending_memory) * queue->pending_memory_size);
        if (queue->segments != NULL)
            host->free(host->context, queue->segments, sizeof(*queue->segments) * room);
        if (queue->refs != NULL)
            host->free(host->context, queue->refs, sizeof(*queue->refs) * room);
        if (queue->pages != NULL)
            host->free(host->context, queue->pages, sizeof(*queue->pages) * room);
    }
    if (backend->queues != NULL)
        host->free(host->context, backend->queues, sizeof(*backend->queues) * backend->queue_room);
    if (backend->kept != NULL)
        host->free(host->context, backend->kept, sizeof(*backend->kept) * BACKEND_KEPT);
}
