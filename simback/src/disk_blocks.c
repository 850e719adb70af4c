/* SPDX-License-Identifier: ISC */
/*
 * Memory for a disk's blocks, from slabs that are the world's. What is let go is kept for the next.
 * A small disk takes each block alone, and a checker finds what is written behind it. A larger one
 * takes many at once, never more than an eighth of what it has: they begin with a page, so that a
 * block costs the processor one page and not two, and are handed out as they lie, so that the host
 * is asked for the pages of neighbours in their order.
 */
#include "disk_internal.h"

#include <stddef.h>
#include <string.h>

enum { ALONE = 256, SLAB_MOST = 64 };

/* Its blocks lie behind it. */
struct disk_slab {
    struct disk_slab *next;
    size_t count; /* of blocks */
};

static size_t slab_size(size_t count)
{
    return sizeof(struct disk_slab) + count * DISK_BLOCK + (count > 1 ? DISK_BLOCK - 1 : 0);
}

static uint8_t *first_block(struct disk_slab *slab)
{
    uint8_t *behind = (uint8_t *)(slab + 1);

    return slab->count == 1 ? behind : behind + (0 - (uintptr_t)behind) % DISK_BLOCK;
}

static bool grow(struct simback_world *world, struct disk_blocks *blocks)
{
    size_t count = blocks->count < ALONE ? 1 : blocks->count / 8;
    struct disk_slab *slab;

    if (count > SLAB_MOST)
        count = SLAB_MOST;
    slab = simback_allocate(world, slab_size(count));
    if (slab == NULL)
        return false;
    slab->count = count;
    slab->next = blocks->slabs;
    blocks->slabs = slab;
    blocks->count += count;
    blocks->unused = count;
    return true;
}

uint8_t *disk_block_get(struct simback_world *world, struct disk_blocks *blocks)
{
    uint8_t *block = blocks->spare;

    if (block != NULL) {
        memcpy(&blocks->spare, block, sizeof(blocks->spare));
        return block;
    }
    if (blocks->unused == 0 && !grow(world, blocks))
        return NULL;
    return first_block(blocks->slabs) + (blocks->slabs->count - blocks->unused--) * DISK_BLOCK;
}

void disk_block_put(struct disk_blocks *blocks, uint8_t *block)
{
    if (block == NULL)
        return;
    memcpy(block, &blocks->spare, sizeof(blocks->spare));
    blocks->spare = block;
}

void disk_blocks_fini(struct simback_world *world, struct disk_blocks *blocks)
{
    while (blocks->slabs != NULL) {
        struct disk_slab *slab = blocks->slabs;

        blocks->slabs = slab->next;
        simback_free(world, slab, slab_size(slab->count));
    }
    *blocks = (struct disk_blocks){0};
}
