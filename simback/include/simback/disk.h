/* SPDX-License-Identifier: ISC */
/*
 * The simulated disk: sparse, in memory or over a file, up to 2^55 - 1 units of 512 bytes.
 * Everything here counts 512-byte units. It keeps a volatile layer over a durable one: what was
 * written is volatile until a flush, and a power cut drops what is volatile.
 */
#ifndef SIMBACK_DISK_H
#define SIMBACK_DISK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define SIMBACK_DISK_MAX_512 ((UINT64_C(1) << 55) - 1)

struct simback_world;
struct simback_disk;

/* In the world's memory; memory grows with the units touched alone. NULL: no memory, or too large.
 */
struct simback_disk *simback_disk_memory(struct simback_world *world, uint64_t size_512);
/* Over a file of the host, by page-sized reads and writes; its size must be a multiple of 512. On
 * failure NULL and a sentence in `error`. */
struct simback_disk *simback_disk_file(struct simback_world *world, const char *path,
                                       bool read_only, char *error, size_t error_size);
void simback_disk_destroy(struct simback_disk *disk);

uint64_t simback_disk_size(const struct simback_disk *disk);
/* 0, or -1 for a range beyond the end or a failing file. */
int simback_disk_read(struct simback_disk *disk, uint64_t first_512, uint32_t count_512,
                      void *buffer);
int simback_disk_write(struct simback_disk *disk, uint64_t first_512, uint32_t count_512,
                       const void *buffer);
/* The same for one run of units and pieces of memory, one after the other: the pages of a request.
 */
struct simback_disk_part {
    void *bytes;
    uint32_t count_512;
};
int simback_disk_read_parts(struct simback_disk *disk, uint64_t first_512,
                            const struct simback_disk_part *parts, uint32_t count);
int simback_disk_write_parts(struct simback_disk *disk, uint64_t first_512,
                             const struct simback_disk_part *parts, uint32_t count);
/* These places will be read or written soon, so that they may come into the processor's cache
 * meanwhile. */
void simback_disk_expect(struct simback_disk *disk, const uint64_t *first_512, uint32_t count);
int simback_disk_flush(struct simback_disk *disk);
/* Reads as zeros afterwards. */
int simback_disk_discard(struct simback_disk *disk, uint64_t first_512, uint64_t count_512);
void simback_disk_power_cut(struct simback_disk *disk);
/* What is kept beyond the new end is gone. */
int simback_disk_resize(struct simback_disk *disk, uint64_t size_512);

#ifdef __cplusplus
}
#endif

#endif
