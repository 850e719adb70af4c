/* SPDX-License-Identifier: ISC */
/*
 * The free pages of a pool as a stack, so that the same ones are used again while they are warm and
 * a backend that keeps few pages mapped keeps these (blkif.h, feature-persistent); and the pages
 * that wait until the backend lets go (I5).
 */
#include "pool.h"

void pool_init(struct pool *pool, struct grant_block *block, uint32_t *free, uint32_t *busy)
{
    *pool = (struct pool){.block = block, .free = free, .busy = busy};
    block->alone = true;
    /* The lowest page on top: the same pages are used again while they are warm. */
    for (uint32_t i = 0; i < block->pages; i++)
        free[i] = block->pages - 1 - i;
    pool->free_count = block->pages;
}

int pool_take(struct pool *pool, uint16_t domid, bool writable, struct grant *grant)
{
    int r;

    if (pool->free_count == 0)
        return GRANT_OCCUPIED;
    r = grant_begin(pool->block, pool->free[pool->free_count - 1], domid, writable, grant);
    if (r != 0)
        return r;
    pool->free_count--;
    if (grant->reused && --pool->kept < pool->untouched)
        pool->untouched = pool->kept;
    grant->made = grant->made || pool->reserved;
    grant->reused = grant->reused && !pool->reserved;
    pool->reserved = false;
    return 0;
}

int pool_try(struct pool *pool, uint16_t domid)
{
    struct grant grant;
    int r = pool_take(pool, domid, false, &grant);

    if (r == 0)
        pool_give(pool, grant.record, false);
    return r;
}

void pool_reserve(struct pool *pool, uint16_t domid)
{
    struct grant grant;

    if (pool_take(pool, domid, true, &grant) != 0)
        return;
    pool_give(pool, grant.record, true);
    pool->reserved = true;
}

void pool_give(struct pool *pool, uint32_t record, bool keep)
{
    if (grant_finish(pool->block, record, keep) != 0) {
        pool->busy[pool->busy_count++] = record;
        return;
    }
    pool->free[pool->free_count++] = record;
    pool->kept += keep;
}

bool pool_retry(struct pool *pool, uint32_t limit)
{
    bool freed = false;

    if (limit > pool->busy_count)
        limit = pool->busy_count;
    while (limit-- > 0) {
        uint32_t at = pool->cursor < pool->busy_count ? pool->cursor : 0;
        uint32_t record = pool->busy[at];

        if (grant_finish(pool->block, record, false) != 0) {
            pool->cursor = at + 1;
            continue;
        }
        pool->busy[at] = pool->busy[--pool->busy_count];
        pool->free[pool->free_count++] = record;
        freed = true;
    }
    return freed;
}

bool pool_purge(struct pool *pool, uint32_t limit)
{
    uint32_t coldest = pool->free_count - pool->kept;
    uint32_t before = pool->kept;

    /* The kept ones are those from the coldest on. */
    for (uint32_t i = coldest; i + 1 < pool->free_count && limit > 0; i++, limit--) {
        uint32_t page = pool->free[i];

        if (!grant_purge(pool->block, page))
            continue;
        /* The kept ones begin above it now. */
        pool->free[i] = pool->free[coldest];
        pool->free[coldest++] = page;
        pool->kept--;
    }
    return pool->kept < before;
}

bool pool_purge_untouched(struct pool *pool, uint32_t limit)
{
    bool ended = pool_purge(pool, limit < pool->untouched ? limit : pool->untouched);

    pool->untouched = pool->kept;
    return ended;
}

static bool all_in_state(const struct pool *pool, const uint32_t *pages, uint32_t count,
                         enum grant_state state)
{
    for (uint32_t i = 0; i < count; i++) {
        if (pages[i] >= pool->block->pages || grant_state(&pool->block->records[pages[i]]) != state)
            return false;
    }
    return true;
}

bool pool_check(const struct pool *pool)
{
    uint32_t cold = pool->free_count - pool->kept;

    return pool->free_count + pool->busy_count <= pool->block->pages &&
           pool->kept <= pool->free_count && all_in_state(pool, pool->free, cold, GRANT_FREE) &&
           all_in_state(pool, pool->free + cold, pool->kept, GRANT_KEPT) &&
           all_in_state(pool, pool->busy, pool->busy_count, GRANT_BUSY);
}
