/* SPDX-License-Identifier: ISC */
/*
 * Library and registered memory as the data path sees it: which bytes lie in it, and whether they
 * may go to the backend as they are.
 */
#ifndef BLKFRONT_SRC_MEMORY_H
#define BLKFRONT_SRC_MEMORY_H

#include "grants.h"

enum {
    /* Each grant of a page needs a record: pieces of one page may be in flight at once, at most one
     * a unit of the wire. What goes beyond is bounced. */
    MEMORY_RECORDS = BLKIF_WIRE_UNITS_PER_PAGE
};

#define MEMORY_DESTROYED (UINT32_C(1) << 31)

struct blkfront_memory {
    struct blkfront_memory *next;
    struct blkfront_device *device;
    struct grant_block *block;
    size_t size; /* bytes */
    unsigned uses;
    /* Buffers of unfinished requests, and MEMORY_DESTROYED: one atomic word, so that either the
     * last user or the destroyer sees that both have happened. */
    uint32_t users;
};

static inline bool memory_holds(const struct blkfront_memory *memory, const void *address,
                                size_t size)
{
    uintptr_t offset = (uintptr_t)address - (uintptr_t)memory->block->address;

    return offset <= memory->size && size <= memory->size - offset;
}

static inline uint32_t memory_page(const struct blkfront_memory *memory, const void *address)
{
    uintptr_t offset = (uintptr_t)address - (uintptr_t)memory->block->address;

    return (uint32_t)(offset / BLKIF_WIRE_PAGE_SIZE);
}

static inline bool memory_destroyed(const struct blkfront_memory *memory)
{
    return (__atomic_load_n(&memory->users, __ATOMIC_ACQUIRE) & MEMORY_DESTROYED) != 0;
}

/* The connection is over: ends what was kept for it. False while the backend holds a page that no
 * request uses. */
bool memories_cut(struct blkfront_device *device);
/* A request with a buffer in it begins or ends. */
void memory_use(struct blkfront_memory *memory);
void memory_unuse(struct blkfront_memory *memory);

#endif
