/* SPDX-License-Identifier: ISC */
/*
 * A file of the host below a disk: whole blocks by pread and pwrite, sparse files stay sparse.
 * Which blocks are volatile and when they come here is disk.c's matter. The file is "durable" as
 * far as the simulated power cut goes; the host's own power is not simulated, so nothing is synced.
 */
#define _GNU_SOURCE       /* SEEK_DATA, SEEK_HOLE */
#define _FILE_OFFSET_BITS 64

#include "disk_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

bool disk_is_zero(const uint8_t *bytes, size_t length)
{
    /* Equal to itself one byte on, and the first byte is zero: all are. */
    return length == 0 || (bytes[0] == 0 && memcmp(bytes, bytes + 1, length - 1) == 0);
}

/* ---- open, close ---- */

static void forget_run(struct disk_file *file)
{
    file->run_begin = file->run_end = 0;
    file->run_is_hole = false;
}

int disk_file_open(struct disk_file *file, const char *path, bool read_only, uint64_t *size_512,
                   char *error, size_t error_size)
{
    struct stat status;

    file->read_only = read_only;
    forget_run(file);
    file->descriptor = open(path, (read_only ? O_RDONLY : O_RDWR) | O_CLOEXEC);
    if (file->descriptor < 0) {
        snprintf(error, error_size, "%s: cannot be opened for %s: %s", path,
                 read_only ? "reading" : "reading and writing", strerror(errno));
        return -1;
    }
    if (fstat(file->descriptor, &status) != 0) {
        snprintf(error, error_size, "%s: %s", path, strerror(errno));
    } else if (!S_ISREG(status.st_mode)) {
        snprintf(error, error_size, "%s: not a regular file", path);
    } else if (status.st_size % DISK_UNIT != 0) {
        snprintf(error, error_size, "%s: its size of %lld bytes is not a multiple of %d", path,
                 (long long)status.st_size, DISK_UNIT);
    } else {
        *size_512 = (uint64_t)status.st_size / DISK_UNIT;
        return 0;
    }
    disk_file_close(file);
    return -1;
}

void disk_file_close(struct disk_file *file)
{
    if (file->descriptor >= 0)
        close(file->descriptor);
    file->descriptor = -1;
}

/* ---- holes ---- */

/* Asks the host how the file goes on at `offset`. A host that cannot tell says that all is data. */
static void find_run(struct disk_file *file, uint64_t offset)
{
    const off_t data = lseek(file->descriptor, (off_t)offset, SEEK_DATA);
    off_t end;

    file->run_begin = offset;
    file->run_is_hole = data < 0 ? errno == ENXIO : (uint64_t)data > offset;
    if (file->run_is_hole) {
        file->run_end = data < 0 ? UINT64_MAX : (uint64_t)data;
        return;
    }
    end = data < 0 ? -1 : lseek(file->descriptor, data, SEEK_HOLE);
    file->run_end = end < 0 ? UINT64_MAX : (uint64_t)end;
}

/* A disk of which little was ever written costs the host neither reads nor memory. */
static bool in_hole(struct disk_file *file, uint64_t block)
{
    const uint64_t offset = block * DISK_BLOCK;

    if (offset < file->run_begin || offset >= file->run_end)
        find_run(file, offset);
    return file->run_is_hole && file->run_end - offset >= DISK_BLOCK;
}

/* ---- blocks ---- */

int disk_file_load(struct disk_file *file, uint64_t block, uint8_t *bytes)
{
    size_t done = 0;

    if (in_hole(file, block)) {
        memset(bytes, 0, DISK_BLOCK);
        return 0;
    }
    while (done < DISK_BLOCK) {
        const ssize_t got = pread(file->descriptor, bytes + done, DISK_BLOCK - done,
                                  (off_t)(block * DISK_BLOCK + done));

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return -1;
        if (got == 0)
            break;
        done += (size_t)got;
    }
    memset(bytes + done, 0, DISK_BLOCK - done);
    return 0;
}

int disk_file_store(struct disk_file *file, uint64_t block, const uint8_t *bytes, size_t length)
{
    uint8_t there[DISK_BLOCK];
    size_t done = 0;

    if (disk_is_zero(bytes, length)) {
        if (disk_file_load(file, block, there) != 0)
            return -1;
        if (disk_is_zero(there, length))
            return 0;
    }
    if (file->run_is_hole)
        forget_run(file);
    while (done < length) {
        const ssize_t put = pwrite(file->descriptor, bytes + done, length - done,
                                   (off_t)(block * DISK_BLOCK + done));

        if (put < 0 && errno == EINTR)
            continue;
        if (put <= 0)
            return -1;
        done += (size_t)put;
    }
    return 0;
}

int disk_file_resize(struct disk_file *file, uint64_t size_512)
{
    forget_run(file);
    if (size_512 > INT64_MAX / DISK_UNIT)
        return -1;
    return ftruncate(file->descriptor, (off_t)(size_512 * DISK_UNIT)) == 0 ? 0 : -1;
}
