/* SPDX-License-Identifier: ISC */
/*
 * A pool: a block of pages for copied data, of one queue and its thread. Which bytes lie in a page
 * is transfer.c's business.
 */
#ifndef BLKFRONT_SRC_POOL_H
#define BLKFRONT_SRC_POOL_H

#include "grants.h"

struct pool {
    struct grant_block *block;
    uint32_t *free; /* a stack of page numbers */
    uint32_t *busy; /* pages that wait for a retry */
    uint32_t free_count;
    uint32_t busy_count;
    uint32_t cursor; /* where the next retry begins in busy */
};

/* Takes over the block; `free` and `busy` have room for its pages. */
void pool_init(struct pool *pool, struct grant_block *block, uint32_t *free, uint32_t *busy);
/* A granted page; GRANT_OCCUPIED when there is none, or the platform's error. */
int pool_take(struct pool *pool, uint16_t domid, bool writable, uint32_t *record);
/* Ends the grant; the page is free again or, when BUSY, quarantined. */
void pool_give(struct pool *pool, uint32_t record);
/* Tries to end at most `limit` of the quarantined pages. True if one came back. */
bool pool_retry(struct pool *pool, uint32_t limit);
bool pool_check(const struct pool *pool);

#endif
