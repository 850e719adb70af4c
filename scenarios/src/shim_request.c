/* SPDX-License-Identifier: ISC */
/*
 * The application's requests as a frontend of a small system wants them: one buffer of whole pages,
 * no larger than it can take. Pages are made for each part and given back after it, so that a
 * frontend that lets go of them too early is seen (I5).
 */
#include "shim_internal.h"

#include <string.h>

int shim_error(int result)
{
    switch (result) {
    case SHIM_OK: return BLKFRONT_OK;
    case SHIM_UNSUPPORTED: return BLKFRONT_UNIMPLEMENTED;
    case SHIM_READ_ONLY: return BLKFRONT_READ_ONLY;
    case SHIM_OUT_OF_RANGE: return BLKFRONT_OUT_OF_RANGE;
    case SHIM_DISCONNECTED: return BLKFRONT_DISCONNECTED;
    case SHIM_PROTOCOL: return BLKFRONT_PROTOCOL;
    case SHIM_STORE: return BLKFRONT_STORE;
    case SHIM_NO_MEMORY: return BLKFRONT_NO_MEMORY;
    default: return BLKFRONT_IO_ERROR;
    }
}

/* ---- data ---- */

/* Bytes at .. at + size of the request's buffers, from the piece's pages or to them. */
static void copy(const struct shim_piece *piece, bool to_pages)
{
    const struct blkfront_request *request = piece->request;
    unsigned char *pages = piece->io.buffer;
    size_t skip = piece->at, left = piece->io.size;

    for (size_t i = 0; left > 0 && i < request->buffer_count; i++) {
        const struct blkfront_buffer *buffer = &request->buffers[i];
        size_t part = buffer->size - (skip < buffer->size ? skip : buffer->size);
        unsigned char *address = (unsigned char *)buffer->address + (buffer->size - part);

        skip -= buffer->size - part;
        part = part < left ? part : left;
        if (to_pages)
            memcpy(pages, address, part);
        else
            memcpy(address, pages, part);
        pages += part;
        left -= part;
    }
}

static size_t size_of(const struct blkfront_request *request)
{
    size_t size = 0;

    for (size_t i = 0; i < request->buffer_count; i++)
        size += request->buffers[i].size;
    return size;
}

/* ---- done ---- */

static void request_done(struct shim_device *device, struct blkfront_request *request)
{
    request->internal.next = NULL;
    if (device->done_last != NULL)
        device->done_last->internal.next = request;
    else
        device->done = request;
    device->done_last = request;
}

/* One of the request's parts has come to an end so. */
static void part_done(struct shim_device *device, struct blkfront_request *request, int result)
{
    if (request->internal.result == SHIM_OK)
        request->internal.result = result;
    if (--request->internal.parts == 0)
        request_done(device, request);
}

/* Pieces stay until their device is released: one that is done a second time is the application's
 * request completed twice, for the judge to see (I2), and never a wild pointer of ours. */
void shim_done(struct shim_io *io, int result)
{
    struct shim_piece *piece = (struct shim_piece *)io;
    struct shim_device *device = piece->device;
    const struct blkfront_platform *platform = device->shim->platform;

    if (piece->is_done) {
        piece->request->complete(piece->request, shim_error(result));
        return;
    }
    piece->is_done = true;
    if (io->operation == SHIM_READ && result == SHIM_OK)
        copy(piece, false);
    if (piece->pages > 0)
        platform->page_free(platform->context, io->buffer, piece->pages);
    part_done(device, piece->request, result);
}

void pieces_free(struct shim_device *device)
{
    const struct blkfront_platform *platform = device->shim->platform;

    while (device->pieces != NULL) {
        struct shim_piece *piece = device->pieces;

        device->pieces = piece->next;
        platform->free(platform->context, piece, sizeof(*piece));
    }
}

void requests_complete(struct shim_device *device)
{
    while (device->done != NULL) {
        struct blkfront_request *request = device->done;

        device->done = request->internal.next;
        if (device->done == NULL)
            device->done_last = NULL;
        request->complete(request, shim_error(request->internal.result));
    }
}

void requests_end(struct shim_device *device, int result)
{
    for (struct shim_piece *piece = device->pieces; piece != NULL; piece = piece->next) {
        if (!piece->is_done)
            shim_done(&piece->io, result);
    }
    while (device->waiting != NULL) {
        struct blkfront_request *request = device->waiting;

        device->waiting = request->internal.next;
        request->internal.result = result;
        request_done(device, request);
    }
    device->waiting_last = NULL;
}

/* ---- to the frontend ---- */

static struct shim_piece *make_piece(struct shim_device *device, struct blkfront_request *request,
                                     size_t at, size_t size)
{
    const struct blkfront_platform *platform = device->shim->platform;
    /* Not from the heap: where it lies is the same in each run, and so is an id made of it. */
    struct shim_piece *piece = platform->allocate(platform->context, sizeof(*piece));

    if (piece == NULL)
        return NULL;
    piece->device = device;
    piece->request = request;
    piece->at = at;
    piece->pages = (unsigned)((size + SHIM_PAGE_SIZE - 1) / SHIM_PAGE_SIZE);
    piece->io.operation = request->operation == BLKFRONT_FLUSH   ? SHIM_FLUSH
                          : request->operation == BLKFRONT_WRITE ? SHIM_WRITE
                                                                 : SHIM_READ;
    piece->io.offset = request->sector * device->info.sector_size + at;
    piece->io.size = size;
    if (piece->pages > 0 &&
        platform->page_allocate(platform->context, piece->pages, &piece->io.buffer) != 0) {
        platform->free(platform->context, piece, sizeof(*piece));
        return NULL;
    }
    if (piece->io.operation == SHIM_WRITE)
        copy(piece, true);
    piece->next = device->pieces;
    device->pieces = piece;
    return piece;
}

static void put_piece(struct shim_device *device, struct blkfront_request *request, size_t at,
                      size_t size)
{
    struct shim_piece *piece = make_piece(device, request, at, size);
    int result;

    if (piece == NULL) {
        part_done(device, request, SHIM_NO_MEMORY);
        return;
    }
    result = shim_description->submit(device->opened, &piece->io);
    if (result != SHIM_PENDING)
        shim_done(&piece->io, result);
}

bool request_put(struct shim_device *device)
{
    struct blkfront_request *request = device->waiting;
    size_t most = shim_description->io_bytes;
    size_t size;

    if (request == NULL)
        return false;
    device->waiting = request->internal.next;
    if (device->waiting == NULL)
        device->waiting_last = NULL;
    most = most == 0 ? (size_t)SHIM_IO_PAGES * SHIM_PAGE_SIZE : most;
    size = size_of(request);
    request->internal.result = SHIM_OK;
    request->internal.parts = (uint32_t)((size + most - 1) / most);
    if (request->operation == BLKFRONT_FLUSH) {
        request->internal.parts = 1;
        put_piece(device, request, 0, 0);
    } else if (size == 0) {
        request_done(device, request);
    }
    /* The request is over, and the caller's again, when its last part is. */
    for (size_t at = 0, part; at < size; at += part) {
        part = size - at < most ? size - at : most;
        put_piece(device, request, at, part);
    }
    return true;
}
