/* SPDX-License-Identifier: ISC */
/*
 * Disks for real backends, all zeros: a ram disk, a loop device over a file, a null_blk with
 * sectors of 4096 bytes, or a file for QEMU.
 */
#include "live.h"

#include <simback/backend.h>

#include <blkfront/blkif.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/loop.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { NULL_ZEROED = 8 << 20 };

#define FILE_512_MAX (UINT64_C(1) << 32) /* 2 TiB, with holes */

enum simback_live_result live_fail(char *text, enum simback_live_result result, const char *format,
                                   ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, SIMBACK_LIVE_TEXT, format, arguments);
    va_end(arguments);
    return result;
}

/* The first `bytes` of a device that was used before; nothing of them is cached. */
static bool write_zeros(const char *path, uint64_t bytes)
{
    const uint64_t range[2] = {0, bytes};
    const int file = open(path, O_WRONLY | O_CLOEXEC);
    bool good;

    if (file < 0)
        return false;
    good = ioctl(file, BLKZEROOUT, range) == 0;
    close(file);
    return good;
}

/* In units of 512 bytes; 0: it cannot be opened. */
static uint64_t size_of(const char *path)
{
    const int file = open(path, O_RDONLY | O_CLOEXEC);
    uint64_t bytes = 0;

    if (file < 0)
        return 0;
    if (ioctl(file, BLKGETSIZE64, &bytes) != 0)
        bytes = 0;
    close(file);
    return bytes / BLKIF_WIRE_UNIT;
}

static uint64_t wanted_512(const struct simback_backend_options *options)
{
    return options->sectors * (options->sector_size / BLKIF_WIRE_UNIT);
}

static enum simback_live_result make_fixed(struct live_disk *disk, uint32_t sector_size,
                                           uint64_t zeroed,
                                           const struct simback_backend_options *options,
                                           char *text)
{
    const uint64_t size = size_of(disk->device);

    if (size == 0)
        return live_fail(text, SIMBACK_LIVE_FAILED, "%s cannot be used: %s", disk->device,
                         strerror(errno));
    if (options->sector_size != sector_size || wanted_512(options) != size)
        return live_fail(text, SIMBACK_LIVE_CANNOT, "%s has %llu sectors of %u bytes", disk->device,
                         (unsigned long long)size / (sector_size / BLKIF_WIRE_UNIT),
                         (unsigned)sector_size);
    if (!write_zeros(disk->device, zeroed == 0 ? size * BLKIF_WIRE_UNIT : zeroed))
        return live_fail(text, SIMBACK_LIVE_FAILED, "%s cannot be written: %s", disk->device,
                         strerror(errno));
    return SIMBACK_LIVE_OK;
}

static enum simback_live_result make_file(const struct simback_live *live, struct live_disk *disk,
                                          const struct simback_backend_options *options, char *text)
{
    int file;

    if (wanted_512(options) == 0 || wanted_512(options) > FILE_512_MAX)
        return live_fail(text, SIMBACK_LIVE_CANNOT, "a disk of this size: there is no such file");

    snprintf(disk->file, sizeof(disk->file), "%s/disk-%u", live->options.directory,
             (unsigned)options->device);
    unlink(disk->file);
    file = open(disk->file, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (file < 0 || ftruncate(file, (off_t)(wanted_512(options) * BLKIF_WIRE_UNIT)) != 0) {
        if (file >= 0)
            close(file);
        return live_fail(text, SIMBACK_LIVE_FAILED, "%s cannot be made: %s", disk->file,
                         strerror(errno));
    }
    close(file);
    return SIMBACK_LIVE_OK;
}

static bool set_up_loop(struct live_disk *disk, uint32_t sector_size)
{
    struct loop_config config = {.block_size = sector_size};
    const int control = open("/dev/loop-control", O_RDWR | O_CLOEXEC);
    const int file = open(disk->file, O_RDWR | O_CLOEXEC);
    int device = -1;
    bool good = false;

    if (control >= 0 && file >= 0)
        disk->loop = ioctl(control, LOOP_CTL_GET_FREE);
    if (disk->loop >= 0) {
        snprintf(disk->device, sizeof(disk->device), "/dev/loop%d", disk->loop);
        device = open(disk->device, O_RDWR | O_CLOEXEC);
    }
    config.fd = (uint32_t)file;
    if (device >= 0)
        good = ioctl(device, LOOP_CONFIGURE, &config) == 0;
    if (!good)
        disk->loop = -1;
    if (device >= 0)
        close(device);
    if (file >= 0)
        close(file);
    if (control >= 0)
        close(control);
    return good;
}

static enum simback_live_result make_loop(const struct simback_live *live, struct live_disk *disk,
                                          const struct simback_backend_options *options, char *text)
{
    const uint32_t size = options->sector_size;
    enum simback_live_result result;

    if (size < BLKIF_WIRE_UNIT || size > BLKIF_WIRE_PAGE_SIZE || (size & (size - 1)) != 0)
        return live_fail(text, SIMBACK_LIVE_CANNOT, "a loop device has no such sectors");
    result = make_file(live, disk, options, text);
    if (result == SIMBACK_LIVE_OK && !set_up_loop(disk, options->sector_size))
        return live_fail(text, SIMBACK_LIVE_FAILED, "no loop device for %s: %s", disk->file,
                         strerror(errno));
    return result;
}

enum simback_live_result live_disk_make(struct simback_live *live, struct live_disk *disk,
                                        const struct simback_backend_options *options, char *text)
{
    *disk = (struct live_disk){.loop = -1};
    switch (live->options.disk) {
    case SIMBACK_LIVE_RAM:
        snprintf(disk->device, sizeof(disk->device), "/dev/ram%u", (unsigned)options->device);
        return make_fixed(disk, BLKIF_WIRE_UNIT, 0, options, text);
    case SIMBACK_LIVE_NULL:
        snprintf(disk->device, sizeof(disk->device), "/dev/nullb%u", (unsigned)options->device);
        return make_fixed(disk, BLKIF_WIRE_PAGE_SIZE, NULL_ZEROED, options, text);
    case SIMBACK_LIVE_LOOP: return make_loop(live, disk, options, text);
    case SIMBACK_LIVE_QDISK:
        if (options->sector_size != BLKIF_WIRE_UNIT)
            return live_fail(text, SIMBACK_LIVE_CANNOT, "QEMU's file has sectors of 512 bytes");
        return make_file(live, disk, options, text);
    }
    return SIMBACK_LIVE_FAILED;
}

void live_disk_remove(struct live_disk *disk)
{
    if (disk->loop >= 0) {
        const int device = open(disk->device, O_RDWR | O_CLOEXEC);

        if (device >= 0) {
            (void)ioctl(device, LOOP_CLR_FD, 0);
            close(device);
        }
        disk->loop = -1;
    }
    if (disk->file[0] != '\0')
        unlink(disk->file);
    disk->file[0] = '\0';
}

enum simback_live_result live_disk_resize(const struct simback_live *live,
                                          const struct live_disk *disk, uint64_t size_512,
                                          char *text)
{
    int device;

    if (live->options.disk != SIMBACK_LIVE_LOOP || size_512 == 0)
        return live_fail(text, SIMBACK_LIVE_CANNOT, "only loop devices change their size");
    device = open(disk->device, O_RDWR | O_CLOEXEC);
    if (device < 0 || truncate(disk->file, (off_t)(size_512 * BLKIF_WIRE_UNIT)) != 0 ||
        ioctl(device, LOOP_SET_CAPACITY, 0) != 0) {
        if (device >= 0)
            close(device);
        return live_fail(text, SIMBACK_LIVE_FAILED, "%s does not change its size: %s", disk->device,
                         strerror(errno));
    }
    close(device);
    return SIMBACK_LIVE_OK;
}

int simback_live_disk_read(struct simback_live *live, uint16_t device, uint64_t sector_512,
                           uint32_t count_512, void *to)
{
    const struct live_device *found = live_device_find(live, device);
    const uint64_t page = sector_512 * BLKIF_WIRE_UNIT / WORLD_PAGE_SIZE * WORLD_PAGE_SIZE;
    const size_t skipped = (size_t)(sector_512 * BLKIF_WIRE_UNIT - page);
    const size_t bytes = (size_t)count_512 * BLKIF_WIRE_UNIT;
    const size_t room = (skipped + bytes + WORLD_PAGE_SIZE - 1) / WORLD_PAGE_SIZE * WORLD_PAGE_SIZE;
    void *buffer = NULL;
    int file, result = -1;
    ssize_t got = -1;

    if (found == NULL || posix_memalign(&buffer, WORLD_PAGE_SIZE, room) != 0)
        return -1;
    /* A file is what its loop device has written; a device has a cache that knows nothing of it. */
    if (found->disk.file[0] != '\0')
        file = open(found->disk.file, O_RDONLY | O_CLOEXEC);
    else
        file = open(found->disk.device, O_RDONLY | O_CLOEXEC | O_DIRECT);
    if (file >= 0)
        got = pread(file, buffer, room, (off_t)page);
    if (got >= (ssize_t)(skipped + bytes)) {
        memcpy(to, (const char *)buffer + skipped, bytes);
        result = 0;
    }
    if (file >= 0)
        close(file);
    free(buffer);
    return result;
}
