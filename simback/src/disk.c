/* SPDX-License-Identifier: ISC */
/*
 * The simulated disk: what is written is volatile, a flush makes it durable, a power cut drops what
 * is volatile. A disk in memory keeps both layers block by block; a disk over a file keeps the
 * volatile one in memory and the file is the durable one (disk_file.c).
 *
 * Memory grows with the blocks touched alone, and in steady state nothing is allocated: blocks that
 * a layer lets go are kept for the next write. Over a file the volatile layer is bounded: beyond
 * FILE_DIRTY_MAX blocks all of it goes to the file, as any disk may empty its cache early.
 */
#include "disk_internal.h"
#include "internal.h"

#include <stdio.h>
#include <string.h>

enum { FILE_DIRTY_MAX = 2048 };

struct simback_disk {
    struct simback_world *world;
    struct disk_map map;
    uint64_t size_512;
    uint8_t *spare; /* free blocks, each holds the address of the next in its first bytes */
    struct disk_file file;
    bool has_file;
    struct simback_disk *next_file; /* in the world's list of open files */
};

/* ---- blocks ---- */

static uint8_t *block_get(struct simback_disk *disk)
{
    uint8_t *block = disk->spare;

    if (block == NULL)
        return simback_allocate(disk->world, DISK_BLOCK);
    memcpy(&disk->spare, block, sizeof(disk->spare));
    return block;
}

static void block_put(struct simback_disk *disk, uint8_t *block)
{
    if (block == NULL)
        return;
    memcpy(block, &disk->spare, sizeof(disk->spare));
    disk->spare = block;
}

/* What the durable layer holds of a block. `entry` may be NULL: never touched. */
static int durable_load(struct simback_disk *disk, const struct disk_entry *entry, uint64_t block,
                        uint8_t *bytes)
{
    if (disk->has_file)
        return disk_file_load(&disk->file, block, bytes);
    if (entry == NULL || entry->durable == NULL)
        memset(bytes, 0, DISK_BLOCK);
    else
        memcpy(bytes, entry->durable, DISK_BLOCK);
    return 0;
}

static void fresh_drop(struct simback_disk *disk, struct disk_entry *entry)
{
    block_put(disk, entry->fresh);
    entry->fresh = NULL;
    entry->state = FRESH_NONE;
}

/* Bytes of a block that lie on the disk. */
static size_t block_length(const struct simback_disk *disk, uint64_t block)
{
    const uint64_t first = block * DISK_UNITS;

    if (first >= disk->size_512)
        return 0;
    if (disk->size_512 - first >= DISK_UNITS)
        return DISK_BLOCK;
    return (size_t)(disk->size_512 - first) * DISK_UNIT;
}

/* ---- making durable ---- */

static int entry_to_file(struct simback_disk *disk, const struct disk_entry *entry)
{
    static const uint8_t zeros[DISK_BLOCK];

    if (entry->state == FRESH_NONE)
        return 0;
    return disk_file_store(&disk->file, entry->block,
                           entry->state == FRESH_DATA ? entry->fresh : zeros,
                           block_length(disk, entry->block));
}

static void entry_to_memory(struct simback_disk *disk, struct disk_entry *entry)
{
    if (entry->state == FRESH_NONE)
        return;
    block_put(disk, entry->durable);
    entry->durable = entry->fresh; /* NULL with FRESH_ZERO */
    entry->fresh = NULL;
    entry->state = FRESH_NONE;
}

/* Either all of the volatile layer becomes durable, or (a failing file) it stays volatile. */
static int commit(struct simback_disk *disk)
{
    struct disk_map *map = &disk->map;

    for (uint32_t i = 0; disk->has_file && i < map->dirty_count; i++) {
        if (entry_to_file(disk, &map->entries[map->dirty[i]]) != 0)
            return -1;
    }
    for (uint32_t i = 0; i < map->dirty_count; i++) {
        struct disk_entry *entry = &map->entries[map->dirty[i]];

        if (disk->has_file)
            fresh_drop(disk, entry);
        else
            entry_to_memory(disk, entry);
        entry->dirty_index = 0;
    }
    map->dirty_count = 0;
    if (disk->has_file)
        disk_map_clear(map); /* nothing is left to be known of any block */
    return 0;
}

/* ---- life ---- */

struct simback_disk *simback_disk_memory(struct simback_world *world, uint64_t size_512)
{
    struct simback_disk *disk;

    if (size_512 > SIMBACK_DISK_MAX_512)
        return NULL;
    disk = simback_allocate(world, sizeof(*disk));
    if (disk == NULL)
        return NULL;
    disk->world = world;
    disk->size_512 = size_512;
    disk->file.descriptor = -1;
    return disk;
}

struct simback_disk *simback_disk_file(struct simback_world *world, const char *path,
                                       bool read_only, char *error, size_t error_size)
{
    struct disk_file file;
    uint64_t size_512;
    struct simback_disk *disk;

    if (disk_file_open(&file, path, read_only, &size_512, error, error_size) != 0)
        return NULL;
    disk = simback_disk_memory(world, size_512);
    if (disk == NULL) {
        snprintf(error, error_size, "%s: no memory for the disk", path);
        disk_file_close(&file);
        return NULL;
    }
    disk->file = file;
    disk->has_file = true;
    disk->next_file = world->file_disks;
    world->file_disks = disk;
    return disk;
}

/* An orderly end, not a power cut: what is volatile goes to the file. */
static void end_file(struct simback_disk *disk)
{
    struct simback_disk **link = &disk->world->file_disks;

    while (*link != disk)
        link = &(*link)->next_file;
    *link = disk->next_file;
    (void)commit(disk);
    disk_file_close(&disk->file);
    disk->has_file = false;
}

void disk_files_close(struct simback_world *world)
{
    while (world->file_disks != NULL)
        end_file(world->file_disks);
}

void simback_disk_destroy(struct simback_disk *disk)
{
    if (disk == NULL)
        return;
    if (disk->has_file)
        end_file(disk);
    for (uint32_t i = 0; i < disk->map.count; i++) {
        block_put(disk, disk->map.entries[i].durable);
        block_put(disk, disk->map.entries[i].fresh);
    }
    while (disk->spare != NULL) {
        uint8_t *block = block_get(disk);

        simback_free(disk->world, block, DISK_BLOCK);
    }
    disk_map_fini(disk->world, &disk->map);
    simback_free(disk->world, disk, sizeof(*disk));
}

uint64_t simback_disk_size(const struct simback_disk *disk)
{
    return disk->size_512;
}

static bool in_range(const struct simback_disk *disk, uint64_t first_512, uint64_t count_512)
{
    return first_512 <= disk->size_512 && count_512 <= disk->size_512 - first_512;
}

/* ---- reading and writing ---- */

static int read_piece(struct simback_disk *disk, uint64_t block, size_t offset, size_t length,
                      uint8_t *bytes)
{
    const uint32_t index = disk_map_find(&disk->map, block);
    const struct disk_entry *entry = index == DISK_NO_ENTRY ? NULL : &disk->map.entries[index];
    const uint8_t *source = NULL;
    uint8_t whole[DISK_BLOCK];

    if (entry != NULL && entry->state == FRESH_DATA) {
        source = entry->fresh;
    } else if (entry == NULL || entry->state == FRESH_NONE) {
        if (disk->has_file) {
            if (disk_file_load(&disk->file, block, whole) != 0)
                return -1;
            source = whole;
        } else if (entry != NULL) {
            source = entry->durable;
        }
    }
    if (source == NULL)
        memset(bytes, 0, length);
    else
        memcpy(bytes, source + offset, length);
    return 0;
}

/* The entry with a volatile copy of the block to write into; NULL: no memory or a failing file. */
static struct disk_entry *make_fresh(struct simback_disk *disk, uint64_t block, bool whole)
{
    const uint32_t index = disk_map_add(disk->world, &disk->map, block);
    struct disk_entry *entry;
    uint8_t *fresh;

    if (index == DISK_NO_ENTRY)
        return NULL;
    entry = &disk->map.entries[index];
    if (entry->state != FRESH_DATA) {
        fresh = block_get(disk);
        if (fresh == NULL)
            return NULL;
        if (entry->state == FRESH_ZERO) {
            memset(fresh, 0, DISK_BLOCK);
        } else if (!whole && durable_load(disk, entry, block, fresh) != 0) {
            block_put(disk, fresh);
            return NULL;
        }
        entry->fresh = fresh;
        entry->state = FRESH_DATA;
        disk_map_set_dirty(&disk->map, index);
    }
    return entry;
}

static int write_piece(struct simback_disk *disk, uint64_t block, size_t offset, size_t length,
                       const uint8_t *bytes)
{
    struct disk_entry *entry;

    /* Zeros onto what was never touched change nothing. */
    if (!disk->has_file && bytes[0] == 0 && disk_map_find(&disk->map, block) == DISK_NO_ENTRY &&
        disk_is_zero(bytes, length))
        return 0;
    if (disk->has_file && disk->map.dirty_count >= FILE_DIRTY_MAX && commit(disk) != 0)
        return -1;
    entry = make_fresh(disk, block, length == DISK_BLOCK);
    if (entry == NULL)
        return -1;
    memcpy(entry->fresh + offset, bytes, length);
    return 0;
}

/* The part of a range that lies in its first block. */
static size_t piece_length(size_t offset, uint64_t left_512)
{
    const size_t room = DISK_BLOCK - offset;

    return left_512 * DISK_UNIT < room ? (size_t)left_512 * DISK_UNIT : room;
}

int simback_disk_read(struct simback_disk *disk, uint64_t first_512, uint32_t count_512,
                      void *buffer)
{
    uint8_t *bytes = buffer;

    if (!in_range(disk, first_512, count_512))
        return -1;
    while (count_512 != 0) {
        const size_t offset = (size_t)(first_512 % DISK_UNITS) * DISK_UNIT;
        const size_t length = piece_length(offset, count_512);

        if (read_piece(disk, first_512 / DISK_UNITS, offset, length, bytes) != 0)
            return -1;
        bytes += length;
        first_512 += length / DISK_UNIT;
        count_512 -= (uint32_t)(length / DISK_UNIT);
    }
    return 0;
}

int simback_disk_write(struct simback_disk *disk, uint64_t first_512, uint32_t count_512,
                       const void *buffer)
{
    const uint8_t *bytes = buffer;

    if (!in_range(disk, first_512, count_512) || (disk->has_file && disk->file.read_only))
        return -1;
    while (count_512 != 0) {
        const size_t offset = (size_t)(first_512 % DISK_UNITS) * DISK_UNIT;
        const size_t length = piece_length(offset, count_512);

        if (write_piece(disk, first_512 / DISK_UNITS, offset, length, bytes) != 0)
            return -1;
        bytes += length;
        first_512 += length / DISK_UNIT;
        count_512 -= (uint32_t)(length / DISK_UNIT);
    }
    return 0;
}

int simback_disk_flush(struct simback_disk *disk)
{
    return commit(disk);
}

/* ---- discard, power, size ---- */

static int zero_block(struct simback_disk *disk, uint64_t block)
{
    uint32_t index = disk_map_find(&disk->map, block);
    struct disk_entry *entry;

    if (index == DISK_NO_ENTRY) {
        if (!disk->has_file)
            return 0;
        if (disk->map.dirty_count >= FILE_DIRTY_MAX && commit(disk) != 0)
            return -1;
        index = disk_map_add(disk->world, &disk->map, block);
        if (index == DISK_NO_ENTRY)
            return -1;
    }
    entry = &disk->map.entries[index];
    fresh_drop(disk, entry);
    entry->state = FRESH_ZERO;
    disk_map_set_dirty(&disk->map, index);
    return 0;
}

/* Whole blocks from..end-1. In memory only touched blocks need a look, so a discard of the whole of
 * a huge disk costs no more than what was ever written to it. */
static int zero_blocks(struct simback_disk *disk, uint64_t from, uint64_t end)
{
    if (!disk->has_file && end - from > disk->map.count) {
        for (uint32_t i = 0; i < disk->map.count; i++) {
            const uint64_t block = disk->map.entries[i].block;

            if (block >= from && block < end && zero_block(disk, block) != 0)
                return -1;
        }
        return 0;
    }
    for (uint64_t block = from; block < end; block++) {
        if (zero_block(disk, block) != 0)
            return -1;
    }
    return 0;
}

int simback_disk_discard(struct simback_disk *disk, uint64_t first_512, uint64_t count_512)
{
    static const uint8_t zeros[DISK_BLOCK];
    const uint64_t end = first_512 + count_512;
    uint64_t whole_end;
    uint32_t head;

    if (!in_range(disk, first_512, count_512) || (disk->has_file && disk->file.read_only))
        return -1;
    head = (uint32_t)((DISK_UNITS - first_512 % DISK_UNITS) % DISK_UNITS);
    if (head > count_512)
        head = (uint32_t)count_512;
    if (simback_disk_write(disk, first_512, head, zeros) != 0)
        return -1;
    first_512 += head;
    whole_end = end - end % DISK_UNITS;
    if (first_512 >= end)
        return 0;
    if (first_512 < whole_end) {
        if (zero_blocks(disk, first_512 / DISK_UNITS, whole_end / DISK_UNITS) != 0)
            return -1;
        first_512 = whole_end;
    }
    return simback_disk_write(disk, first_512, (uint32_t)(end - first_512), zeros);
}

void simback_disk_power_cut(struct simback_disk *disk)
{
    struct disk_map *map = &disk->map;

    for (uint32_t i = 0; i < map->dirty_count; i++) {
        struct disk_entry *entry = &map->entries[map->dirty[i]];

        fresh_drop(disk, entry);
        entry->dirty_index = 0;
    }
    map->dirty_count = 0;
}

/* Zeroes what a layer holds of a block behind `length`. */
static void cut_block(struct simback_disk *disk, struct disk_entry *entry, size_t length)
{
    if (length == 0) {
        fresh_drop(disk, entry);
        block_put(disk, entry->durable);
        entry->durable = NULL;
        return;
    }
    if (entry->durable != NULL)
        memset(entry->durable + length, 0, DISK_BLOCK - length);
    if (entry->fresh != NULL)
        memset(entry->fresh + length, 0, DISK_BLOCK - length);
}

int simback_disk_resize(struct simback_disk *disk, uint64_t size_512)
{
    if (size_512 > SIMBACK_DISK_MAX_512 || (disk->has_file && disk->file.read_only))
        return -1;
    if (disk->has_file && disk_file_resize(&disk->file, size_512) != 0)
        return -1;
    if (size_512 < disk->size_512) {
        disk->size_512 = size_512;
        for (uint32_t i = 0; i < disk->map.count; i++) {
            const size_t length = block_length(disk, disk->map.entries[i].block);

            if (length < DISK_BLOCK)
                cut_block(disk, &disk->map.entries[i], length);
        }
    }
    disk->size_512 = size_512;
    return 0;
}
