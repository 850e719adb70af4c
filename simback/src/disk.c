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
    struct disk_blocks blocks;
    struct disk_file file;
    bool has_file;
    struct simback_disk *next_file; /* in the world's list of open files */
};

/* ---- blocks ---- */

/* What the durable layer holds of a block. */
static int durable_load(struct simback_disk *disk, const struct disk_entry *entry, uint8_t *bytes)
{
    const uint8_t *durable = entry->group->kept[entry->at].durable;

    if (disk->has_file)
        return disk_file_load(&disk->file, disk_entry_block(entry), bytes);
    if (durable == NULL)
        memset(bytes, 0, DISK_BLOCK);
    else
        memcpy(bytes, durable, DISK_BLOCK);
    return 0;
}

static bool is_zeroed(const struct disk_entry *entry)
{
    return (entry->group->zeroed >> entry->at & 1) != 0;
}

static void set_zeroed(const struct disk_entry *entry, bool zeroed)
{
    const uint32_t bit = UINT32_C(1) << entry->at;

    entry->group->zeroed = (entry->group->zeroed & ~bit) | (zeroed ? bit : 0);
}

/* Nothing is volatile of it any more. */
static void fresh_drop(struct simback_disk *disk, const struct disk_entry *entry)
{
    disk_block_put(&disk->blocks, entry->group->kept[entry->at].fresh);
    entry->group->kept[entry->at].fresh = NULL;
    set_zeroed(entry, false);
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
    const uint64_t block = disk_entry_block(entry);
    const uint8_t *fresh = entry->group->kept[entry->at].fresh;

    if (fresh == NULL && !is_zeroed(entry))
        return 0;
    return disk_file_store(&disk->file, block, fresh != NULL ? fresh : zeros,
                           block_length(disk, block));
}

static void entry_to_memory(struct simback_disk *disk, const struct disk_entry *entry)
{
    struct disk_group *group = entry->group;

    if (group->kept[entry->at].fresh == NULL && !is_zeroed(entry))
        return;
    disk_block_put(&disk->blocks, group->kept[entry->at].durable);
    group->kept[entry->at].durable = group->kept[entry->at].fresh; /* NULL: zeros */
    group->kept[entry->at].fresh = NULL;
    set_zeroed(entry, false);
}

/* Either all of the volatile layer becomes durable, or (a failing file) it stays volatile. */
static int commit(struct simback_disk *disk)
{
    struct disk_map *map = &disk->map;

    for (uint32_t i = 0; disk->has_file && i < map->dirty_count; i++) {
        const struct disk_entry entry = disk_map_entry(map, map->dirty[i]);

        if (entry_to_file(disk, &entry) != 0)
            return -1;
    }
    for (uint32_t i = 0; i < map->dirty_count; i++) {
        const struct disk_entry entry = disk_map_entry(map, map->dirty[i]);

        if (disk->has_file)
            fresh_drop(disk, &entry);
        else
            entry_to_memory(disk, &entry);
        entry.group->dirty_index[entry.at] = 0;
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
    disk_blocks_fini(disk->world, &disk->blocks);
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

/* What the file says of a block that nothing is volatile of. */
static int read_file(struct simback_disk *disk, uint64_t block, size_t offset, size_t length,
                     uint8_t *bytes)
{
    uint8_t whole[DISK_BLOCK];

    if (disk_file_load(&disk->file, block, whole) != 0)
        return -1;
    memcpy(bytes, whole + offset, length);
    return 0;
}

/* What memory holds of a block; NULL: nothing. */
static const uint8_t *held(const struct disk_entry *entry)
{
    const struct disk_kept *kept;

    if (entry->group == NULL)
        return NULL;
    kept = &entry->group->kept[entry->at];
    return kept->fresh != NULL || is_zeroed(entry) ? kept->fresh : kept->durable;
}

enum { CACHE_LINE = 64, EXPECTED = 8 * CACHE_LINE };

/* The host's library knows its processor; of a memcpy compilers make what takes long to begin. */
static inline void copy_piece(uint8_t *to, const uint8_t *from, size_t length)
{
    memmove(to, from, length);
}

/* What a long transfer copies next: its beginning, for processors see by themselves how it goes on.
 */
static inline void expect_block(const uint8_t *bytes)
{
    for (size_t at = 0; at < EXPECTED; at += CACHE_LINE)
        __builtin_prefetch(bytes + at, 0, 2);
}

/* What is read and not copied yet: neighbours on both sides, as most blocks of a long transfer are,
 * are copied at once. */
struct run {
    uint8_t *to;
    const uint8_t *from;
    size_t length;
};

static inline void run_end(struct run *run)
{
    if (run->length != 0)
        copy_piece(run->to, run->from, run->length);
    run->length = 0;
}

static inline void run_add(struct run *run, uint8_t *to, const uint8_t *from, size_t length)
{
    if (run->length != 0) {
        if (to == run->to + run->length && from == run->from + run->length) {
            run->length += length;
            return;
        }
        expect_block(from);
        run_end(run);
    }
    *run = (struct run){to, from, length};
}

static inline int read_piece(struct simback_disk *disk, uint64_t block, size_t offset,
                             size_t length, uint8_t *bytes, struct run *run)
{
    const struct disk_entry entry = disk_map_find(&disk->map, block);
    const uint8_t *source = held(&entry);

    if (source != NULL) {
        run_add(run, bytes, source + offset, length);
        return 0;
    }
    run_end(run); /* in order, for pages may be named twice */
    if (disk->has_file && (entry.group == NULL || !is_zeroed(&entry)))
        return read_file(disk, block, offset, length, bytes);
    memset(bytes, 0, length);
    return 0;
}

/* The volatile bytes of a block to write into; NULL: no memory or a failing file. */
static uint8_t *make_fresh(struct simback_disk *disk, uint64_t block, bool whole)
{
    const struct disk_entry entry = disk_map_add(disk->world, &disk->map, block);
    uint8_t *fresh;

    if (entry.group == NULL)
        return NULL;
    fresh = entry.group->kept[entry.at].fresh;
    if (fresh != NULL)
        return fresh;
    fresh = disk_block_get(disk->world, &disk->blocks);
    if (fresh == NULL)
        return NULL;
    if (is_zeroed(&entry)) {
        memset(fresh, 0, DISK_BLOCK);
        set_zeroed(&entry, false);
    } else if (!whole && durable_load(disk, &entry, fresh) != 0) {
        disk_block_put(&disk->blocks, fresh);
        return NULL;
    }
    entry.group->kept[entry.at].fresh = fresh;
    disk_map_set_dirty(&disk->map, &entry);
    return fresh;
}

/* No layer has anything of it: it reads as zeros. */
static bool is_empty(const struct disk_entry *entry)
{
    return entry->group == NULL ||
           (entry->group->kept[entry->at].fresh == NULL &&
            entry->group->kept[entry->at].durable == NULL && !is_zeroed(entry));
}

static int write_piece(struct simback_disk *disk, uint64_t block, size_t offset, size_t length,
                       const uint8_t *bytes)
{
    uint8_t *fresh;

    /* Zeros onto zeros change nothing. */
    if (!disk->has_file && bytes[0] == 0) {
        const struct disk_entry entry = disk_map_find(&disk->map, block);

        if (is_empty(&entry) && disk_is_zero(bytes, length))
            return 0;
    }
    if (disk->has_file && disk->map.dirty_count >= FILE_DIRTY_MAX && commit(disk) != 0)
        return -1;
    fresh = make_fresh(disk, block, length == DISK_BLOCK);
    if (fresh == NULL)
        return -1;
    copy_piece(fresh + offset, bytes, length);
    return 0;
}

/* The part of a range that lies in its first block. */
static size_t piece_length(size_t offset, uint64_t left_512)
{
    const size_t room = DISK_BLOCK - offset;

    return left_512 * DISK_UNIT < room ? (size_t)left_512 * DISK_UNIT : room;
}

static inline int read_range(struct simback_disk *disk, uint64_t first_512, uint32_t count_512,
                             uint8_t *bytes, struct run *run)
{
    if (!in_range(disk, first_512, count_512))
        return -1;
    while (count_512 != 0) {
        const size_t offset = (size_t)(first_512 % DISK_UNITS) * DISK_UNIT;
        const size_t length = piece_length(offset, count_512);

        if (read_piece(disk, first_512 / DISK_UNITS, offset, length, bytes, run) != 0)
            return -1;
        bytes += length;
        first_512 += length / DISK_UNIT;
        count_512 -= (uint32_t)(length / DISK_UNIT);
    }
    return 0;
}

static inline int write_range(struct simback_disk *disk, uint64_t first_512, uint32_t count_512,
                              const uint8_t *bytes)
{
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

int simback_disk_read_parts(struct simback_disk *disk, uint64_t first_512,
                            const struct simback_disk_part *parts, uint32_t count)
{
    struct run run = {.length = 0};
    int result = 0;

    for (uint32_t i = 0; i < count && result == 0; first_512 += parts[i++].count_512)
        result = read_range(disk, first_512, parts[i].count_512, parts[i].bytes, &run);
    run_end(&run);
    return result;
}

int simback_disk_write_parts(struct simback_disk *disk, uint64_t first_512,
                             const struct simback_disk_part *parts, uint32_t count)
{
    for (uint32_t i = 0; i < count; first_512 += parts[i++].count_512) {
        if (i + 1 < count)
            expect_block(parts[i + 1].bytes);
        if (write_range(disk, first_512, parts[i].count_512, parts[i].bytes) != 0)
            return -1;
    }
    return 0;
}

int simback_disk_read(struct simback_disk *disk, uint64_t first_512, uint32_t count_512,
                      void *buffer)
{
    return simback_disk_read_parts(disk, first_512, &(struct simback_disk_part){buffer, count_512},
                                   1);
}

int simback_disk_write(struct simback_disk *disk, uint64_t first_512, uint32_t count_512,
                       const void *buffer)
{
    return write_range(disk, first_512, count_512, buffer);
}

/* For one that is alone the table of blocks has to be looked through first each time, so it shall
 * not be driven out of the second cache by data that nobody looks at again. */
static void expect_sector(const uint8_t *bytes)
{
    for (size_t at = 0; at < DISK_UNIT; at += CACHE_LINE)
        __builtin_prefetch(bytes + at, 0, 0);
}

void simback_disk_expect(struct simback_disk *disk, const uint64_t *first_512, uint32_t count)
{
    /* Each step asks for what the next one looks at, for all places before it goes on. */
    for (uint32_t i = 0; count > 1 && i < count; i++)
        disk_map_expect_slot(&disk->map, first_512[i] / DISK_UNITS);
    for (uint32_t i = 0; count > 1 && i < count; i++)
        disk_map_expect_group(&disk->map, first_512[i] / DISK_UNITS);
    for (uint32_t i = 0; i < count; i++) {
        const struct disk_entry entry = disk_map_find(&disk->map, first_512[i] / DISK_UNITS);
        const uint8_t *block = held(&entry);

        if (block == NULL)
            continue;
        if (count == 1) {
            expect_sector(block + (size_t)(first_512[0] % DISK_UNITS) * DISK_UNIT);
            return;
        }
        __builtin_prefetch(block + (size_t)(first_512[i] % DISK_UNITS) * DISK_UNIT);
        /* In another page, if the disk is a small one. */
        __builtin_prefetch(block + DISK_BLOCK - 1);
    }
}

int simback_disk_flush(struct simback_disk *disk)
{
    return commit(disk);
}

/* ---- discard, power, size ---- */

static int zero_block(struct simback_disk *disk, uint64_t block)
{
    struct disk_entry entry = disk_map_find(&disk->map, block);

    if (disk->has_file) {
        if (disk->map.dirty_count >= FILE_DIRTY_MAX && commit(disk) != 0)
            return -1;
        entry = disk_map_add(disk->world, &disk->map, block);
        if (entry.group == NULL)
            return -1;
    } else if (is_empty(&entry)) {
        return 0;
    }
    fresh_drop(disk, &entry);
    set_zeroed(&entry, true);
    disk_map_set_dirty(&disk->map, &entry);
    return 0;
}

/* Whole blocks from..end-1. In memory only touched blocks need a look, so a discard of the whole of
 * a huge disk costs no more than what was ever written to it. */
static int zero_blocks(struct simback_disk *disk, uint64_t from, uint64_t end)
{
    const uint32_t count = disk->map.count * DISK_GROUP;

    if (!disk->has_file && end - from > count) {
        for (uint32_t i = 0; i < count; i++) {
            const struct disk_entry entry = disk_map_entry(&disk->map, i);
            const uint64_t block = disk_entry_block(&entry);

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
        const struct disk_entry entry = disk_map_entry(map, map->dirty[i]);

        fresh_drop(disk, &entry);
        entry.group->dirty_index[entry.at] = 0;
    }
    map->dirty_count = 0;
}

/* Zeroes what a layer holds of a block behind `length`. */
static void cut_block(struct simback_disk *disk, const struct disk_entry *entry, size_t length)
{
    uint8_t **fresh = &entry->group->kept[entry->at].fresh;
    uint8_t **durable = &entry->group->kept[entry->at].durable;

    if (length == 0) {
        fresh_drop(disk, entry);
        disk_block_put(&disk->blocks, *durable);
        *durable = NULL;
        return;
    }
    if (*durable != NULL)
        memset(*durable + length, 0, DISK_BLOCK - length);
    if (*fresh != NULL)
        memset(*fresh + length, 0, DISK_BLOCK - length);
}

int simback_disk_resize(struct simback_disk *disk, uint64_t size_512)
{
    if (size_512 > SIMBACK_DISK_MAX_512 || (disk->has_file && disk->file.read_only))
        return -1;
    if (disk->has_file && disk_file_resize(&disk->file, size_512) != 0)
        return -1;
    if (size_512 < disk->size_512) {
        disk->size_512 = size_512;
        for (uint32_t i = 0; i < disk->map.count * DISK_GROUP; i++) {
            const struct disk_entry entry = disk_map_entry(&disk->map, i);
            const size_t length = block_length(disk, disk_entry_block(&entry));

            if (length < DISK_BLOCK)
                cut_block(disk, &entry, length);
        }
    }
    disk->size_512 = size_512;
    return 0;
}
