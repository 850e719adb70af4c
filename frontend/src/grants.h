/* SPDX-License-Identifier: ISC */
/*
 * Granted pages. A block is a run of pages that the backend may get to see, with a record for each
 * grant. The records are made together with the block, so that keeping what the backend will not
 * let go never needs memory (I5). Pages for copied data are a block with a pool around it (pool.h).
 *
 * Two kinds of platform. With GRANTS_ANY_PAGE a page is granted when it goes out, with exactly the
 * flag that its request needs, and revoked when the answer has come, or kept for the next request
 * where the backend keeps it mapped (persistent grants). Without it a block is shared as a whole
 * when it is made, its flag fixed; "granting" a page of it is then bookkeeping alone, and only the
 * end of the whole block tells whether the backend has let go.
 *
 * A record may be claimed and finished by any queue's thread; everything else about a block belongs
 * to one thread: the queue's for its pool, the device's for memory and for the quarantine.
 */
#ifndef BLKFRONT_SRC_GRANTS_H
#define BLKFRONT_SRC_GRANTS_H

#include "internal.h"

enum grant_kind {
    GRANT_SHARED,    /* by share(): one flag and one reference a page for its whole life */
    GRANT_ALLOCATED, /* by page_allocate() */
    GRANT_REGISTERED /* the caller's pages */
};

enum grant_state {
    GRANT_FREE,
    GRANT_KEPT,      /* granted, for the next request: the backend may have it mapped */
    GRANT_USED,      /* by a request in flight */
    GRANT_ABANDONED, /* by a slot whose request is over: the backend may still use the page */
    GRANT_BUSY       /* ending it failed: nobody uses the page until a retry succeeds */
};

struct grant_record {
    uint32_t state; /* enum grant_state; atomic */
    uint32_t ref;
};

static inline enum grant_state grant_state(const struct grant_record *record)
{
    return (enum grant_state)__atomic_load_n(&record->state, __ATOMIC_ACQUIRE);
}

struct grant_block {
    struct grant_block *next; /* in the quarantine */
    const struct blkfront_platform *platform;
    unsigned char *address;
    uint32_t pages;
    uint32_t layers; /* records a page */
    enum grant_kind kind;
    uint16_t domid;  /* SHARED */
    bool writable;   /* SHARED */
    uint32_t purged; /* the next purge begins with this record */
    uint32_t held;   /* records ABANDONED or BUSY; atomic */
    bool keeps;      /* a record has been KEPT, at some time; atomic */
    bool alone;      /* one queue's thread, and no other, grants pages of it */
    uint32_t *refs;  /* SHARED: one a page */
    /* Layer by layer, each with one of every page: mostly the first one is all that is used. */
    struct grant_record *records;
    void (*release)(void *context, void *address); /* REGISTERED */
    void *release_context;
    size_t size; /* of this allocation, records included */
};

/* What grant_begin answers beside 0 and platform errors. */
enum { GRANT_OCCUPIED = 1 };

/* What it gives. */
struct grant {
    uint32_t record; /* of the block */
    bool made;       /* now, for this request */
    bool reused;     /* it was kept */
};

int grant_block_share(const struct blkfront_platform *platform, uint16_t domid, uint32_t pages,
                      bool writable, uint32_t layers, struct grant_block **block);
int grant_block_allocate(const struct blkfront_platform *platform, uint32_t pages, uint32_t layers,
                         struct grant_block **block);
int grant_block_register(const struct blkfront_platform *platform, void *address, uint32_t pages,
                         uint32_t layers, struct grant_block **block);
/* Revokes what is BUSY or KEPT; when no record is left in use gives the pages back and frees the
 * block: 0. Else BLKFRONT_PLATFORM_BUSY and the block stays. */
int grant_block_end(struct grant_block *block);
/* Tries each BUSY record once; any kind of block, which stays. */
void grant_block_retry(struct grant_block *block);
/* Looks at the next records, of `limit` pages or all: ends at most `limit` that are KEPT and that
 * the backend has let go of. */
void grant_block_purge(struct grant_block *block, uint32_t limit);
/* The connection is over and with it what is KEPT. False while the backend holds a page of this
 * block, which stays (I5). */
bool grant_block_cut(struct grant_block *block);
/* Pages of the block that the backend holds, or may: all of a shared block. */
uint32_t grant_block_held_pages(const struct grant_block *block);

static inline void *grant_page(const struct grant_block *block, uint32_t page)
{
    return block->address + (size_t)page * BLKIF_WIRE_PAGE_SIZE;
}

/* What the backend is told of a USED record. */
static inline uint32_t grant_ref(const struct grant_block *block, uint32_t record)
{
    return block->records[record].ref;
}

/* It will be ended soon: several can come nearer at the same time. */
static inline void grant_expect(const struct grant_block *block, uint32_t record)
{
    const struct blkfront_platform *platform = block->platform;

    if (platform->page_expect != NULL && block->kind != GRANT_SHARED)
        platform->page_expect(platform->context, grant_ref(block, record));
}

/* Grants a page to the backend, with a grant that is kept if there is one. OCCUPIED: all of the
 * page's records are in use, or it is held. */
int grant_begin(struct grant_block *block, uint32_t page, uint16_t domid, bool writable,
                struct grant *grant);
/* Ends it: 0, or BUSY and the record is held. `keep`: it is KEPT instead. */
int grant_finish(struct grant_block *block, uint32_t record, bool keep);
/* Ends one that is KEPT. False: the backend has it mapped, or somebody has taken it; no matter. */
bool grant_purge(struct grant_block *block, uint32_t record);
/* There was no answer, and the connection is over: a page of a shared block stays held, since
 * nobody can say whether the backend still uses it. */
void grant_suspect(struct grant_block *block, uint32_t record);
/* The request of a USED record is over, the slot lives on. */
void grant_abandon(struct grant_block *block, uint32_t record);

/* ---- blocks whose device is gone ---- */

void quarantine_put(struct blkfront *context, struct grant_block *block);

#endif
