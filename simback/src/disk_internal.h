/* SPDX-License-Identifier: ISC */
/*
 * What disk.c, disk_map.c, disk_blocks.c and disk_file.c share: the map from block numbers to what
 * is kept of them, the memory of that, and the file below a disk.
 *
 * A block is 4 KiB. What is known of eight neighbours is a group, so that a long transfer seldom
 * has to search and what it looks at lies together. Only groups with a touched block are there;
 * finding one costs O(1), nothing depends on addresses, and they stand in the order in which they
 * were touched first.
 */
#ifndef SIMBACK_SRC_DISK_INTERNAL_H
#define SIMBACK_SRC_DISK_INTERNAL_H

#include <simback/disk.h>
#include <simback/world.h>

enum { DISK_BLOCK = 4096, DISK_UNIT = 512, DISK_UNITS = 8 };

enum { DISK_GROUP = 8 };

/* What is kept of a block, in both layers. */
struct disk_kept {
    uint8_t *fresh;   /* volatile bytes; NULL: none, or zeros */
    uint8_t *durable; /* memory disks; NULL: zeros */
};

/* Each array by the block's place in the group. A block that nothing is kept of has no bytes in
 * either layer and is not zeroed. */
struct disk_group {
    uint64_t number; /* of its first block, over DISK_GROUP */
    uint32_t zeroed; /* a bit a block: volatile zeros */
    struct disk_kept kept[DISK_GROUP];
    uint32_t dirty_index[DISK_GROUP]; /* place in the list of dirty blocks plus one; 0: not in it */
};

/* A block of which something may be kept. */
struct disk_entry {
    struct disk_group *group; /* NULL: nothing is kept of it */
    uint32_t at;              /* its place there */
};

struct disk_map {
    struct disk_group *groups;
    uint32_t *dirty; /* blocks with something volatile, by disk_map_entry's index, as written */
    uint32_t *slots; /* open addressing: index of a group plus one; 0: free */
    uint32_t count;  /* of groups */
    uint32_t dirty_count;
    uint32_t capacity; /* of groups; slots are twice as many, dirty holds all blocks */
    uint32_t found;    /* group of the last search */
};

/* Whether the group that was found last, or the one `behind` it, is this one. */
static inline bool disk_map_is_near(struct disk_map *map, uint32_t behind, uint64_t number)
{
    const uint32_t index = map->found + behind;

    if (index >= map->count || map->groups[index].number != number)
        return false;
    map->found = index;
    return true;
}

struct disk_entry disk_map_search(struct disk_map *map, uint64_t block);

/* The block's entry, without a group if there is none. A long transfer goes from a block to the
 * next one, most often in the same group or in the one that was made after it. */
static inline struct disk_entry disk_map_find(struct disk_map *map, uint64_t block)
{
    if (!disk_map_is_near(map, 0, block / DISK_GROUP))
        return disk_map_search(map, block);
    return (struct disk_entry){&map->groups[map->found], block % DISK_GROUP};
}

/* Both before many searches: what a search looks at first, and what it looks at then. */
void disk_map_expect_slot(const struct disk_map *map, uint64_t block);
void disk_map_expect_group(const struct disk_map *map, uint64_t block);
/* The same, made if it is not there; without a group: no memory. */
struct disk_entry disk_map_add(struct simback_world *world, struct disk_map *map, uint64_t block);
/* By the number of its group times DISK_GROUP plus its place. */
static inline struct disk_entry disk_map_entry(const struct disk_map *map, uint32_t index)
{
    return (struct disk_entry){&map->groups[index / DISK_GROUP], index % DISK_GROUP};
}
static inline uint64_t disk_entry_block(const struct disk_entry *entry)
{
    return entry->group->number * DISK_GROUP + entry->at;
}
void disk_map_set_dirty(struct disk_map *map, const struct disk_entry *entry);
/* Forgets all that is known; the blocks' memory is the caller's. */
void disk_map_clear(struct disk_map *map);
void disk_map_fini(struct simback_world *world, struct disk_map *map);

/* Memory for blocks, of which nothing is known but whether they are in use. */
struct disk_blocks {
    uint8_t *spare; /* free ones, each holds the address of the next in its first bytes */
    struct disk_slab *slabs;
    size_t count;  /* of all, free or not */
    size_t unused; /* blocks at the end of the first slab that were never taken */
};

/* Its bytes are whatever they are. NULL: no memory. */
uint8_t *disk_block_get(struct simback_world *world, struct disk_blocks *blocks);
void disk_block_put(struct disk_blocks *blocks, uint8_t *block);
/* All blocks go, also those that are in use. */
void disk_blocks_fini(struct simback_world *world, struct disk_blocks *blocks);

struct disk_file {
    int descriptor;
    bool read_only;
    /* What the host last said: these bytes are a hole, or data. Empty: nothing is known. */
    uint64_t run_begin, run_end;
    bool run_is_hole;
};

/* Opens the file; 0 and its size in units, or -1 and a sentence. */
int disk_file_open(struct disk_file *file, const char *path, bool read_only, uint64_t *size_512,
                   char *error, size_t error_size);
void disk_file_close(struct disk_file *file);
/* A block's bytes; holes and what lies beyond the end of the file read as zeros. */
int disk_file_load(struct disk_file *file, uint64_t block, uint8_t *bytes);
/* Writes the first `length` bytes of a block; zeros that are already there (a hole) are not
 * written, so a sparse file stays sparse. */
int disk_file_store(struct disk_file *file, uint64_t block, const uint8_t *bytes, size_t length);
int disk_file_resize(struct disk_file *file, uint64_t size_512);

/* The world's memory is about to go: files that are still open get what is volatile and are closed.
 */
void disk_files_close(struct simback_world *world);

bool disk_is_zero(const uint8_t *bytes, size_t length);

#endif
