/* SPDX-License-Identifier: ISC */
/*
 * Frontend nodes that were not needed to connect, judged (I10): what contradicts the ring that was
 * read, and what is left over from another connection and would change its meaning for somebody
 * who reads other nodes first. Each gets a complaint; whether the backend still connects is the
 * dialect's matter.
 */
#include "backend_internal.h"

#include <inttypes.h>
#include <stdio.h>

/* A node that must not be there. */
static void must_be_absent(struct simback_backend *backend, const char *directory, const char *name,
                           const char *why)
{
    if (node_exists(backend, directory, name))
        backend_complain(backend, "%s/%s: must not be there %s", directory, name, why);
}

/* The references of a ring that are not those of its spelling and size. */
static void inspect_refs(struct simback_backend *backend, const char *directory,
                         uint32_t page_count, bool numbered)
{
    char name[24];

    if (!numbered) {
        must_be_absent(backend, directory, BLKIF_NODE_RING_REF "0", "beside " BLKIF_NODE_RING_REF);
        return;
    }
    must_be_absent(backend, directory, BLKIF_NODE_RING_REF, "beside " BLKIF_NODE_RING_REF "0");
    snprintf(name, sizeof(name), "%s%" PRIu32, BLKIF_NODE_RING_REF, page_count);
    must_be_absent(backend, directory, name, "beyond the pages of the ring");
}

static void inspect_queues(struct simback_backend *backend, uint32_t page_count, bool numbered)
{
    static const char *const names[] = {BLKIF_NODE_RING_REF, BLKIF_NODE_RING_REF "0",
                                        BLKIF_NODE_EVENT_CHANNEL};
    char directory[BACKEND_PATH + 16], why[40];
    const uint16_t count = backend->queue_count;

    snprintf(why, sizeof(why), "with %u queues", count);
    for (size_t i = 0; count > 1 && i < sizeof(names) / sizeof(names[0]); i++)
        must_be_absent(backend, backend->front, names[i], why);
    for (uint16_t i = 0; count > 1 && i < count; i++) {
        snprintf(directory, sizeof(directory), "%s/%s%u", backend->front, BLKIF_NODE_QUEUE, i);
        inspect_refs(backend, directory, page_count, numbered);
    }
    /* The first directory that no queue of this connection has. */
    snprintf(directory, sizeof(directory), "%s/%s%u", backend->front, BLKIF_NODE_QUEUE,
             count > 1 ? count : 0u);
    snprintf(why, sizeof(why), "with %u queue%s", count, count > 1 ? "s" : "");
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        must_be_absent(backend, directory, names[i], why);
}

/* A spelling of the ring's size that was not read has to say the same; 1 page need not be said. */
static void inspect_size(struct simback_backend *backend, uint32_t page_count)
{
    const uint8_t spelling = backend->dialect->spelling;
    uint64_t order = 0, pages = 1;

    if (spelling != SIMBACK_SPELLING_ORDER && spelling != SIMBACK_SPELLING_BOTH &&
        node_read_number(backend, backend->front, BLKIF_NODE_RING_PAGE_ORDER, UINT32_MAX, &order) ==
            NODE_OK &&
        (order > BLKIF_WIRE_RING_ORDER_MAX || UINT32_C(1) << order != page_count))
        backend_complain(backend, "%s/%s: %" PRIu64 ", but the ring has %" PRIu32 " pages",
                         backend->front, BLKIF_NODE_RING_PAGE_ORDER, order, page_count);
    if (spelling != SIMBACK_SPELLING_PAGES && spelling != SIMBACK_SPELLING_BOTH &&
        node_read_number(backend, backend->front, BLKIF_NODE_NUM_RING_PAGES, UINT32_MAX, &pages) ==
            NODE_OK &&
        pages != page_count)
        backend_complain(backend, "%s/%s: %" PRIu64 "%s, but the ring has %" PRIu32 " pages",
                         backend->front, BLKIF_NODE_NUM_RING_PAGES, pages,
                         pages == 0 || (pages & (pages - 1)) != 0 ? " is not a power of two" : "",
                         page_count);
}

void inspect_front(struct simback_backend *backend, uint32_t page_count, bool numbered)
{
    inspect_size(backend, page_count);
    if (backend->queue_count == 1)
        inspect_refs(backend, backend->front, page_count, numbered);
    inspect_queues(backend, page_count, numbered);
}
