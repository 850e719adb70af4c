/* SPDX-License-Identifier: ISC */
/*
 * The map of a disk's touched blocks: a growing array of groups and a table of their indices with
 * open addressing. It knows nothing of what is kept of a block; disk.c does.
 */
#include "disk_internal.h"

#include <string.h>

enum { FIRST_CAPACITY = 8, LARGEST_CAPACITY = 1 << 26 };

/* Where the search for a group begins. Neighbours in number are neighbours on disk, so the number
 * is spread first (Fibonacci hashing). */
static uint32_t first_slot(const struct disk_map *map, uint64_t number)
{
    const uint64_t spread = number * UINT64_C(0x9e3779b97f4a7c15);

    return (uint32_t)(spread >> 32) & (map->capacity * 2 - 1);
}

/* False: there is no such group. */
static bool search(struct disk_map *map, uint64_t number)
{
    if (map->capacity == 0)
        return false;
    for (uint32_t slot = first_slot(map, number);; slot = (slot + 1) & (map->capacity * 2 - 1)) {
        const uint32_t index = map->slots[slot];

        if (index == 0)
            return false;
        if (map->groups[index - 1].number == number) {
            map->found = index - 1;
            return true;
        }
    }
}

struct disk_entry disk_map_search(struct disk_map *map, uint64_t block)
{
    const uint64_t number = block / DISK_GROUP;
    struct disk_entry entry = {NULL, block % DISK_GROUP};

    if (disk_map_is_near(map, 1, number) || search(map, number))
        entry.group = &map->groups[map->found];
    return entry;
}

void disk_map_expect_slot(const struct disk_map *map, uint64_t block)
{
    if (map->capacity != 0)
        __builtin_prefetch(&map->slots[first_slot(map, block / DISK_GROUP)]);
}

void disk_map_expect_group(const struct disk_map *map, uint64_t block)
{
    uint32_t index = map->capacity == 0 ? 0 : map->slots[first_slot(map, block / DISK_GROUP)];
    const struct disk_group *group;

    if (index == 0)
        return;
    group = &map->groups[index - 1];
    __builtin_prefetch(&group->number);
    __builtin_prefetch(&group->kept[block % DISK_GROUP]);
}

static void enter(struct disk_map *map, uint32_t index)
{
    uint32_t slot = first_slot(map, map->groups[index].number);

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
    larger.groups = simback_allocate(world, sizeof(*larger.groups) * larger.capacity);
    larger.dirty = simback_allocate(world, sizeof(*larger.dirty) * larger.capacity * DISK_GROUP);
    larger.slots = simback_allocate(world, sizeof(*larger.slots) * larger.capacity * 2);
    if (larger.groups == NULL || larger.dirty == NULL || larger.slots == NULL) {
        disk_map_fini(world, &larger);
        return false;
    }
    if (map->capacity != 0) {
        memcpy(larger.groups, map->groups, sizeof(*map->groups) * map->count);
        memcpy(larger.dirty, map->dirty, sizeof(*map->dirty) * map->dirty_count);
    }
    for (uint32_t i = 0; i < larger.count; i++)
        enter(&larger, i);
    disk_map_fini(world, map);
    *map = larger;
    return true;
}

static bool has_room(const struct disk_map *map)
{
    return map->groups != NULL && map->count < map->capacity;
}

struct disk_entry disk_map_add(struct simback_world *world, struct disk_map *map, uint64_t block)
{
    struct disk_entry entry = disk_map_find(map, block);

    if (entry.group != NULL || (!has_room(map) && !grow(world, map)))
        return entry;
    entry.group = &map->groups[map->count];
    *entry.group = (struct disk_group){.number = block / DISK_GROUP};
    enter(map, map->count);
    map->found = map->count++;
    return entry;
}

void disk_map_set_dirty(struct disk_map *map, const struct disk_entry *entry)
{
    struct disk_group *group = entry->group;

    if (group->dirty_index[entry->at] != 0)
        return;
    map->dirty[map->dirty_count++] = (uint32_t)(group - map->groups) * DISK_GROUP + entry->at;
    group->dirty_index[entry->at] = map->dirty_count;
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
    if (map->groups != NULL)
        simback_free(world, map->groups, sizeof(*map->groups) * map->capacity);
    if (map->dirty != NULL)
        simback_free(world, map->dirty, sizeof(*map->dirty) * map->capacity * DISK_GROUP);
    if (map->slots != NULL)
        simback_free(world, map->slots, sizeof(*map->slots) * map->capacity * 2);
    *map = (struct disk_map){0};
}
