/* SPDX-License-Identifier: ISC */
/*
 * The free pages of a pool as a stack, so that the same ones are used again while they are warm;
 * and those that wait until the backend lets go (I5).
 */
#include "pool.h"

void pool_init(struct pool *pool, struct grant_block *block, uint32_t *free, uint32_t *busy)
{
    *pool = (struct pool){.block = block, .free = free, .busy = busy};
    /* The lowest page on top: the same pages are used again while they are warm. */
    for (uint32_t i = 0; i < block->pages; i++)
        free[i] = block->pages - 1 - i;
    pool->free_count = block->pages;
}

int pool_take(struct pool *pool, uint16_t domid, bool writable, uint32_t *record)
{
    int r;

    if (pool->free_count == 0)
        return GRANT_OCCUPIED;
    r = grant_begin(pool->block, pool->free[pool->free_count - 1], domid, writable, record);
    if (r == 0)
        pool->free_count--;
    return r;
}

void pool_give(struct pool *pool, uint32_t record)
{
    if (grant_finish(pool->block, record) == 0)
        pool->free[pool->free_count++] = record;
    else
        pool->busy[pool->busy_count++] = record;
}

bool pool_retry(struct pool *pool, uint32_t limit)
{
    bool freed = false;

    if (limit > pool->busy_count)
        limit = pool->busy_count;
    while (limit-- > 0) {
        uint32_t at = pool->cursor < pool->busy_count ? pool->cursor : 0;
        uint32_t record = pool->busy[at];

        if (grant_finish(pool->block, record) != 0) {
            pool->cursor = at + 1;
            continue;
        }
        pool->busy[at] = pool->busy[--pool->busy_count];
        pool->free[pool->free_count++] = record;
        freed = true;
    }
    return freed;
}

bool pool_check(const struct pool *pool)
{
    const struct grant_record *records = pool->block->records;

    if (pool->free_count + pool->busy_count > pool->block->pages)
        return false;
    for (uint32_t i = 0; i < pool->free_count; i++) {
        if (pool->free[i] >= pool->block->pages ||
            grant_state(&records[pool->free[i]]) != GRANT_FREE)
            return false;
    }
    for (uint32_t i = 0; i < pool->busy_count; i++) {
        if (pool->busy[i] >= pool->block->pages ||
            grant_state(&records[pool->busy[i]]) != GRANT_BUSY)
            return false;
    }
    return true;
}
