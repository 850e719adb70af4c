/* SPDX-License-Identifier: ISC */
/*
 * A pool: a block of pages for copied data and for lists of segments, of one queue and its thread.
 * Which bytes lie in a page is part.c's business.
 */
#ifndef BLKFRONT_SRC_POOL_H
#define BLKFRONT_SRC_POOL_H

#include "grants.h"

struct pool {
    struct grant_block *block;
    uint32_t *free; /* a stack of page numbers: the KEPT ones on top, the warmest last */
    uint32_t *busy; /* pages that wait for a retry */
    uint32_t free_count;
    uint32_t busy_count;
    uint32_t cursor;    /* where the next retry begins in busy */
    uint32_t kept;      /* of the free ones */
    uint32_t untouched; /* the coldest of these at the last look: not taken since then */
    bool reserved;      /* the next one that is taken has served nobody so far */
};

/* Takes over the block; `free` and `busy` have room for its pages. */
void pool_init(struct pool *pool, struct grant_block *block, uint32_t *free, uint32_t *busy);
/* A granted page; GRANT_OCCUPIED when there is none, or the platform's error. */
int pool_take(struct pool *pool, uint16_t domid, bool writable, struct grant *grant);
/* What a record of its block is of: it has one a page. */
static inline void *pool_page(const struct pool *pool, uint32_t record)
{
    return grant_page(pool->block, record);
}
/* Can a page be granted just now? As pool_take; the page stays free. */
int pool_try(struct pool *pool, uint16_t domid);
/* A page is granted and kept before anybody needs it. */
void pool_reserve(struct pool *pool, uint16_t domid);
/* Its request is over: the grant is kept if `keep`, which is the same in all of a pool's life, else
 * ended, and the page is free again or, when BUSY, quarantined. */
void pool_give(struct pool *pool, uint32_t record, bool keep);
/* Tries to end at most `limit` of the quarantined pages. True if one came back. */
bool pool_retry(struct pool *pool, uint32_t limit);
/* Tries to end the `limit` coldest of the kept grants; those that the backend has mapped stay, and
 * the warmest does. True if one is ended. */
bool pool_purge(struct pool *pool, uint32_t limit);
/* The same, with those alone that no request has taken since the last time. */
bool pool_purge_untouched(struct pool *pool, uint32_t limit);
bool pool_check(const struct pool *pool);

#endif
