/* SPDX-License-Identifier: ISC */
/*
 * What disk.c, disk_map.c and disk_file.c share: the map from block numbers to what is kept of
 * them, and the file below a disk.
 *
 * A block is 4 KiB. Only touched blocks have an entry; finding one costs O(1), nothing depends on
 * addresses, and the entries stand in the order in which they were touched first.
 */
#ifndef SIMBACK_SRC_DISK_INTERNAL_H
#define SIMBACK_SRC_DISK_INTERNAL_H

#include <simback/disk.h>
#include <simback/world.h>

enum { DISK_BLOCK = 4096, DISK_UNIT = 512, DISK_UNITS = 8 };

enum disk_fresh {
    FRESH_NONE, /* nothing volatile: what is durable counts */
    FRESH_ZERO, /* volatile zeros */
    FRESH_DATA  /* volatile bytes */
};

struct disk_entry {
    uint64_t block;
    uint8_t *durable;     /* memory disks; NULL: zeros */
    uint8_t *fresh;       /* a block's bytes with FRESH_DATA, else NULL */
    uint32_t dirty_index; /* place in the list of dirty entries plus one; 0: not in it */
    enum disk_fresh state;
};

struct disk_map {
    struct disk_entry *entries;
    uint32_t *dirty; /* indices of entries with something volatile, in the order of writing */
    uint32_t *slots; /* open addressing: index of an entry plus one; 0: free */
    uint32_t count;
    uint32_t dirty_count;
    uint32_t capacity; /* of entries and dirty; slots are twice as many */
    uint32_t found;    /* by the last search: index or DISK_NO_ENTRY */
};

#define DISK_NO_ENTRY UINT32_MAX

/* Index of the block's entry or DISK_NO_ENTRY. */
uint32_t disk_map_find(struct disk_map *map, uint64_t block);
/* The same, made if it is not there; DISK_NO_ENTRY: no memory. */
uint32_t disk_map_add(struct simback_world *world, struct disk_map *map, uint64_t block);
void disk_map_set_dirty(struct disk_map *map, uint32_t index);
/* Forgets all entries; their blocks are the caller's. */
void disk_map_clear(struct disk_map *map);
void disk_map_fini(struct simback_world *world, struct disk_map *map);

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
