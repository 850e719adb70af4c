/* SPDX-License-Identifier: ISC */
/*
 * Each request takes the next piece of the disk, and when it is done the one after: the pieces
 * never overlap, so the order in which the backend answers must not matter.
 */
#define _GNU_SOURCE
#include "real_copy.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    UNIT = 512,
    PAGE = 4096,
    DEPTH = 24,
    LARGEST = 128 << 10, /* bytes of a request */
    PARTS = 3,           /* buffers of a request: direct, heap, heap that begins anywhere */
    ROOM = LARGEST + PAGE,
    HELD = 1 /* the name of what is held */
};

struct piece {
    struct device_request request; /* first */
    struct copy *copy;
    uint64_t at;
    uint32_t length;
    struct blkfront_buffer buffers[PARTS];
    uint8_t *rooms[PARTS];
};

struct copy {
    struct device_world *device;
    bool write;
    int file, into;
    uint64_t at, size, done;
    uint64_t chance;
    struct blkfront_memory *memory;
    struct piece *pieces;
    uint8_t *heap;
    bool differs;
    int error;
};

bool real_copy_faults(struct device_world *device)
{
    static const struct simback_fault faults[] = {
        {.ops = SIMBACK_FAULT_ANY,
         .last_512 = UINT64_MAX,
         .every = 41,
         .percent = 100,
         .action = SIMBACK_HOLD,
         .name = HELD},
        {.ops = SIMBACK_FAULT_ANY,
         .last_512 = UINT64_MAX,
         .percent = 5,
         .action = SIMBACK_DELAY,
         .delay_ns = 3000000},
        {.ops = SIMBACK_FAULT_ANY,
         .last_512 = UINT64_MAX,
         .percent = 25,
         .action = SIMBACK_REORDER},
    };

    for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
        if (simback_backend_add_fault(device->backend, &faults[i]) != 0) {
            return false;
        }
    }
    return true;
}

/* ---- which piece is next ---- */

static uint64_t next_chance(struct copy *copy)
{
    copy->chance = copy->chance * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return copy->chance >> 33;
}

static bool is_zero(const uint8_t *bytes, size_t length)
{
    return bytes[0] == 0 && memcmp(bytes, bytes + 1, length - 1) == 0;
}

/* Skips what the file does not hold, then zero pages. False at the end of the file. */
static bool find_data(struct copy *copy)
{
    uint8_t page[PAGE];

    while (copy->at < copy->size) {
        off_t data = lseek(copy->file, (off_t)copy->at, SEEK_DATA);
        ssize_t got;

        if (data < 0) {
            return false;
        }
        copy->at = (uint64_t)data / PAGE * PAGE;
        got = pread(copy->file, page, PAGE, (off_t)copy->at);
        if (got <= 0 || !is_zero(page, (size_t)got)) {
            return got > 0;
        }
        copy->at += PAGE;
    }
    return false;
}

/* A whole number of sectors, now and then a single one, as far as the disk goes. */
static uint32_t choose_length(struct copy *copy)
{
    uint64_t chance = next_chance(copy), left = copy->size - copy->at;
    uint64_t sectors = chance % 16 == 0 ? 1 : 1 + (chance >> 4) % (LARGEST / UNIT);

    if (sectors * UNIT > left) {
        sectors = left / UNIT;
    }
    return (uint32_t)sectors * UNIT;
}

/* One, two or three buffers, in an order by chance; the second part of the heap begins anywhere. */
static void lay_out(struct piece *piece)
{
    struct copy *copy = piece->copy;
    uint64_t chance = next_chance(copy);
    uint32_t parts = 1 + (uint32_t)(chance % PARTS), left = piece->length;

    if (left / UNIT < parts) {
        parts = 1;
    }
    for (uint32_t i = 0; i < parts; i++) {
        uint32_t which = (uint32_t)((chance >> 8) + i) % PARTS;
        uint32_t length = left / UNIT / (parts - i) * UNIT;

        piece->buffers[i].address = piece->rooms[which] + (which == 2 ? (chance >> 16) % PAGE : 0);
        piece->buffers[i].size = length;
        piece->buffers[i].memory = which == 0 ? copy->memory : NULL;
        left -= length;
    }
    piece->request.request.buffers = piece->buffers;
    piece->request.request.buffer_count = parts;
}

/* ---- data ---- */

static bool load(struct piece *piece)
{
    uint64_t at = piece->at;

    for (size_t i = 0; i < piece->request.request.buffer_count; i++) {
        const struct blkfront_buffer *buffer = &piece->buffers[i];

        if (pread(piece->copy->file, buffer->address, buffer->size, (off_t)at) !=
            (ssize_t)buffer->size) {
            return false;
        }
        at += buffer->size;
    }
    return true;
}

/* What the file holds; a hole costs no read. */
static bool expected(const struct copy *copy, uint64_t at, size_t length, uint8_t *bytes)
{
    off_t data = lseek(copy->file, (off_t)at, SEEK_DATA);

    if (data < 0 || (uint64_t)data >= at + length) {
        memset(bytes, 0, length);
        return data >= 0 || errno == ENXIO;
    }
    return pread(copy->file, bytes, length, (off_t)at) == (ssize_t)length;
}

static bool check_and_store(struct piece *piece)
{
    static uint8_t wanted[LARGEST];
    struct copy *copy = piece->copy;
    uint64_t at = piece->at;

    for (size_t i = 0; i < piece->request.request.buffer_count; i++) {
        const struct blkfront_buffer *buffer = &piece->buffers[i];

        if (!expected(copy, at, buffer->size, wanted)) {
            return false;
        }
        copy->differs |= memcmp(wanted, buffer->address, buffer->size) != 0;
        if (!is_zero(buffer->address, buffer->size) &&
            pwrite(copy->into, buffer->address, buffer->size, (off_t)at) != (ssize_t)buffer->size) {
            return false;
        }
        at += buffer->size;
    }
    return true;
}

/* ---- going on ---- */

static void fail(struct copy *copy, int error)
{
    if (copy->error == BLKFRONT_OK) {
        copy->error = error;
    }
}

static void start(struct piece *piece)
{
    struct copy *copy = piece->copy;

    if (copy->error != BLKFRONT_OK || copy->at >= copy->size || (copy->write && !find_data(copy))) {
        return;
    }
    piece->at = copy->at;
    piece->length = choose_length(copy);
    copy->at += piece->length;
    lay_out(piece);
    piece->request.request.operation = copy->write ? BLKFRONT_WRITE : BLKFRONT_READ;
    piece->request.request.sector = piece->at / UNIT;
    if (copy->write && !load(piece)) {
        fail(copy, BLKFRONT_INVALID);
        return;
    }
    device_world_submit(copy->device, &piece->request);
    if (piece->request.done) {
        fail(copy, piece->request.result);
    }
}

static void finish(struct device_request *done)
{
    struct piece *piece = (struct piece *)done;
    struct copy *copy = piece->copy;

    copy->done += piece->length;
    if (done->result != BLKFRONT_OK) {
        fail(copy, done->result);
    } else if (!copy->write && !check_and_store(piece)) {
        fail(copy, BLKFRONT_INVALID);
    }
    start(piece);
}

/* What is held is let go when nothing else can happen. */
static void play(struct copy *copy)
{
    for (uint32_t i = 0; i < DEPTH; i++) {
        start(&copy->pieces[i]);
    }
    while (copy->device->in_flight > 0) {
        if (!device_world_step(copy->device) &&
            simback_backend_release(copy->device->backend, HELD) == 0) {
            fail(copy, BLKFRONT_DEADLINE);
            return;
        }
    }
}

/* ---- both directions ---- */

static bool begin(struct copy *copy, struct device_world *device, int file, bool write)
{
    struct simback_world *world = device->world;
    void *address = NULL;
    struct stat status;

    memset(copy, 0, sizeof(*copy));
    copy->device = device;
    copy->file = file;
    copy->write = write;
    copy->chance = write ? 1 : 2;
    copy->pieces = simback_allocate(world, DEPTH * sizeof(*copy->pieces));
    copy->heap = simback_allocate(world, (size_t)DEPTH * 2 * ROOM);
    if (fstat(file, &status) != 0 || copy->pieces == NULL || copy->heap == NULL ||
        device_world_memory(device, (size_t)DEPTH * ROOM / PAGE,
                            write ? BLKFRONT_MEMORY_TO_DISK : BLKFRONT_MEMORY_FROM_DISK,
                            &copy->memory, &address) != BLKFRONT_OK) {
        return false;
    }
    copy->size = (uint64_t)status.st_size;
    for (size_t i = 0; i < DEPTH; i++) {
        struct piece *piece = &copy->pieces[i];

        piece->copy = copy;
        piece->request.then = finish;
        piece->rooms[0] = (uint8_t *)address + i * ROOM;
        piece->rooms[1] = copy->heap + i * 2 * ROOM;
        piece->rooms[2] = copy->heap + (i * 2 + 1) * ROOM;
    }
    return true;
}

static void end(struct copy *copy)
{
    struct simback_world *world = copy->device->world;

    if (copy->memory != NULL) {
        device_world_forget(copy->device, copy->memory);
    }
    simback_free(world, copy->heap, (size_t)DEPTH * 2 * ROOM);
    simback_free(world, copy->pieces, DEPTH * sizeof(*copy->pieces));
}

int real_copy_write(struct device_world *device, int file, uint64_t *bytes)
{
    struct copy copy;
    int error = BLKFRONT_NO_MEMORY;

    if (begin(&copy, device, file, true)) {
        play(&copy);
        error = copy.error;
    }
    *bytes = copy.done;
    end(&copy);
    return error;
}

enum real_copy_difference real_copy_read(struct device_world *device, int file, int into)
{
    struct copy copy;
    enum real_copy_difference result = REAL_COPY_FAILED;

    if (begin(&copy, device, file, false)) {
        copy.into = into;
        play(&copy);
        if (copy.error == BLKFRONT_OK && copy.done == copy.size) {
            result = copy.differs ? REAL_COPY_DIFFERS : REAL_COPY_SAME;
        }
    }
    end(&copy);
    return result;
}
