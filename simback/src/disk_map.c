/* SPDX-License-Identifier: ISC */
/*
 * The map of a disk's touched blocks: a growing array of entries and a table of their indices with
 * open addressing. It knows nothing of what the entries mean; disk.c does.
 */
#include "disk_internal.h"

#include <string.h>

enum { FIRST_CAPACITY = 64, LARGEST_CAPACITY = 1 << 30 };

/* Where the search for a block begins. Neighbours in number are neighbours on disk, so the number
 * is spread first (Fibonacci hashing). */
static uint32_t first_slot(const struct disk_map *map, uint64_t block)
{
    const uint64_t spread = block * UINT64_C(0x9e3779b97f4a7c15);

    return (uint32_t)(spread >> 32) & (map->capacity * 2 - 1);
}

static uint32_t search(const struct disk_map *map, uint64_t block)
{
    if (map->capacity == 0)
        return DISK_NO_ENTRY;
    for (uint32_t slot = first_slot(map, block);; slot = (slot + 1) & (map->capacity * 2 - 1)) {
        const uint32_t index = map->slots[slot];

        if (index == 0)
            return DISK_NO_ENTRY;
        if (map->entries[index - 1].block == block)
            return index - 1;
    }
}

/* A long transfer goes from a block to the next one, which most often has the next entry too. */
uint32_t disk_map_find(struct disk_map *map, uint64_t block)
{
    const uint32_t next = map->found + 1;

    map->found = next < map->count && map->entries[next].block == block ? next : search(map, block);
    return map->found;
}

static void enter(struct disk_map *map, uint32_t index)
{
    uint32_t slot = first_slot(map, map->entries[index].block);

    while (map->slots[slot] != 0)
        slot = (slot + 1) & (map->capacity * 2 - 1);
    map->slots[slot] = index + 1;
}

static bool grow(struct simback_world *world, struct disk_map *map)
{
    struct disk_map larger = *map;

    if (map->capacity >= LARGEST_CAPACITY)
        return false;
    larger.capacity = map->capacity == 0 ? (uint32_t)FIRST_CAPACITY : map->capacity * 2;
    larger.entries = simback_allocate(world, sizeof(*larger.entries) * larger.capacity);
    larger.dirty = simback_allocate(world, sizeof(*larger.dirty) * larger.capacity);
    larger.slots = simback_allocate(world, sizeof(*larger.slots) * larger.capacity * 2);
    if (larger.entries == NULL || larger.dirty == NULL || larger.slots == NULL) {
        disk_map_fini(world, &larger);
        return false;
    }
    if (map->capacity != 0) {
        memcpy(larger.entries, map->entries, sizeof(*map->entries) * map->count);
        memcpy(larger.dirty, map->dirty, sizeof(*map->dirty) * map->dirty_count);
    }
    for (uint32_t i = 0; i < larger.count; i++)
        enter(&larger, i);
    disk_map_fini(world, map);
    *map = larger;
    return true;
}

uint32_t disk_map_add(struct simback_world *world, struct disk_map *map, uint64_t block)
{
    const uint32_t found = disk_map_find(map, block);

    if (found != DISK_NO_ENTRY)
        return found;
    if (map->count == map->capacity && !grow(world, map))
        return DISK_NO_ENTRY;
    map->entries[map->count] = (struct disk_entry){.block = block};
    enter(map, map->count);
    return map->count++;
}

void disk_map_set_dirty(struct disk_map *map, uint32_t index)
{
    if (map->entries[index].dirty_index != 0)
        return;
    map->dirty[map->dirty_count++] = index;
    map->entries[index].dirty_index = map->dirty_count;
}

void disk_map_clear(struct disk_map *map)
{
    map->count = 0;
    map->dirty_count = 0;
    if (map->capacity != 0)
        memset(map->slots, 0, sizeof(*map->slots) * map->capacity * 2);
}

void disk_map_fini(struct simback_world *world, struct disk_map *map)
{
    if (map->entries != NULL)
        simback_free(world, map->entries, sizeof(*map->entries) * map->capacity);
    if (map->dirty != NULL)
        simback_free(world, map->dirty, sizeof(*map->dirty) * map->capacity);
    if (map->slots != NULL)
        simback_free(world, map->slots, sizeof(*map->slots) * map->capacity * 2);
    *map = (struct disk_map){0};
}
