/* SPDX-License-Identifier: ISC */
/*
 * A complete block frontend as small systems have it, over simblk-shim: one device, one ring of one
 * page, one grant a page. It works well with a backend that does, and it has habits of the field:
 *
 *  - the id of a request is a pointer, and the response's is taken for one;
 *  - responses are read where they lie, some fields twice;
 *  - writes go out whether the disk may be written or not;
 *  - whether a grant could be ended is not asked;
 *  - the producer index of the backend is believed;
 *  - nobody looks whether a request lies on the disk;
 *  - once it is connected, it does not look at the backend's state any more.
 *
 * simblk finds each of them: report.txt beside this file.
 */
#include <scenario/shim.h>

#include <blkfront/blkif.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SLOTS = 32, PATH = 128 };

union slot {
    struct blkif_wire_request_64 request;
    struct blkif_wire_response_64 response;
};

struct ring {
    struct blkif_wire_ring_header head;
    union slot slots[SLOTS];
};

struct tiny {
    char node[PATH], back[PATH], back_state[PATH];
    uint16_t back_id;
    volatile struct ring *ring; /* shared with the backend */
    uint32_t ring_ref, port;
    uint32_t req_prod, rsp_cons;
    struct shim_queue responses, states;
    bool flush;
};

/* ---- requests ---- */

static bool ring_is_full(const struct tiny *tiny)
{
    return tiny->req_prod - tiny->rsp_cons >= SLOTS;
}

static void clear(volatile struct blkif_wire_request_64 *request)
{
    volatile unsigned char *bytes = (volatile unsigned char *)request;

    for (size_t i = 0; i < sizeof(*request); i++)
        bytes[i] = 0;
}

static void end_grants(struct shim_io *io)
{
    while (io->own_count > 0)
        shim_grant_end(io->own_refs[--io->own_count]);
}

/* One segment a page; false: there are no grants left. */
static bool add_segments(const struct tiny *tiny, struct shim_io *io,
                         volatile struct blkif_wire_request_64 *request)
{
    const unsigned char *page = io->buffer;
    size_t left = io->size;

    while (left > 0) {
        size_t part = left < SHIM_PAGE_SIZE ? left : SHIM_PAGE_SIZE;
        uint32_t ref = shim_grant(tiny->back_id, page, io->operation == SHIM_WRITE);

        if (ref == 0)
            return false;
        request->segments[io->own_count].grant_ref = ref;
        request->segments[io->own_count].first_512 = 0;
        request->segments[io->own_count].last_512 = (uint8_t)(part / BLKIF_WIRE_UNIT - 1);
        io->own_refs[io->own_count++] = ref;
        page += part;
        left -= part;
    }
    return true;
}

static void publish(struct tiny *tiny)
{
    uint32_t old = tiny->req_prod++;

    shim_barrier();
    tiny->ring->head.req_prod = tiny->req_prod;
    shim_barrier();
    if (tiny->req_prod - tiny->ring->head.req_event < tiny->req_prod - old)
        shim_event_notify(tiny->port);
}

static void take_responses(void *opaque);

static int submit(void *opaque, struct shim_io *io)
{
    static const uint8_t operations[] = {BLKIF_WIRE_READ, BLKIF_WIRE_WRITE,
                                         BLKIF_WIRE_FLUSH_DISKCACHE};
    struct tiny *tiny = opaque;
    volatile struct blkif_wire_request_64 *request;

    if (io->operation == SHIM_FLUSH && !tiny->flush)
        return SHIM_UNSUPPORTED;
    while (ring_is_full(tiny)) {
        shim_wait(&tiny->responses, SHIM_FOREVER);
        take_responses(tiny);
    }
    request = &tiny->ring->slots[tiny->req_prod % SLOTS].request;
    clear(request);
    if (!add_segments(tiny, io, request)) {
        end_grants(io);
        return SHIM_NO_MEMORY;
    }
    request->operation = operations[io->operation];
    request->segment_count = (uint8_t)io->own_count;
    request->id = (uintptr_t)io;
    request->sector_512 = io->offset / BLKIF_WIRE_UNIT;
    publish(tiny);
    return SHIM_PENDING;
}

/* ---- responses ---- */

static int result_of(int status)
{
    switch (status) {
    case BLKIF_WIRE_OKAY: return SHIM_OK;
    case BLKIF_WIRE_EOPNOTSUPP: return SHIM_UNSUPPORTED;
    default: return SHIM_IO_ERROR;
    }
}

static void take(const volatile struct blkif_wire_response_64 *response)
{
    struct shim_io *io = (struct shim_io *)(uintptr_t)response->id;
    int result = result_of(response->status);
    char line[64];

    if (result != SHIM_OK) {
        snprintf(line, sizeof(line), "tiny: operation %u failed: %d", response->operation,
                 response->status);
        shim_log(line);
    }
    end_grants(io);
    shim_done(io, result);
}

static void take_responses(void *opaque)
{
    struct tiny *tiny = opaque;
    uint32_t rsp_prod;

    do {
        rsp_prod = tiny->ring->head.rsp_prod;
        shim_barrier();
        while (tiny->rsp_cons != rsp_prod)
            take(&tiny->ring->slots[tiny->rsp_cons++ % SLOTS].response);
        tiny->ring->head.rsp_event = tiny->rsp_cons + 1;
        shim_barrier();
    } while (tiny->ring->head.rsp_prod != tiny->rsp_cons);
}

static void on_event(uint32_t port, void *data)
{
    struct tiny *tiny = data;

    (void)port;
    shim_wake(&tiny->responses);
}

/* ---- up ---- */

static void set_state(const struct tiny *tiny, unsigned state)
{
    shim_store_printf(0, tiny->node, "state", "%u", state);
}

static bool find_backend(struct tiny *tiny, const char *node)
{
    char path[PATH];
    char *back;

    snprintf(tiny->node, sizeof(tiny->node), "%s", node);
    snprintf(path, sizeof(path), "%s/backend-id", node);
    tiny->back_id = (uint16_t)shim_store_number(0, path, 0);
    snprintf(path, sizeof(path), "%s/backend", node);
    back = shim_store_read(0, path);
    if (back == NULL)
        return false;
    snprintf(tiny->back, sizeof(tiny->back), "%.100s", back);
    snprintf(tiny->back_state, sizeof(tiny->back_state), "%.100s/state", back);
    free(back);
    return true;
}

static bool make_ring(struct tiny *tiny)
{
    tiny->ring = shim_pages_allocate(1);
    if (tiny->ring == NULL)
        return false;
    tiny->ring->head.req_event = 1;
    tiny->ring->head.rsp_event = 1;
    tiny->ring_ref = shim_grant(tiny->back_id, (const void *)(uintptr_t)tiny->ring, false);
    return tiny->ring_ref != 0 &&
           shim_event_allocate(tiny->back_id, on_event, tiny, &tiny->port) == SHIM_OK;
}

static bool tell_backend(const struct tiny *tiny)
{
    uint32_t transaction;
    bool again = true;

    while (again) {
        if (shim_transaction_start(&transaction) != SHIM_OK)
            return false;
        shim_store_printf(transaction, tiny->node, "ring-ref", "%u", (unsigned)tiny->ring_ref);
        shim_store_printf(transaction, tiny->node, "event-channel", "%u", (unsigned)tiny->port);
        shim_store_printf(transaction, tiny->node, "protocol", "%s", BLKIF_WIRE_PROTOCOL_64);
        shim_store_printf(transaction, tiny->node, "state", "%u", BLKIF_WIRE_INITIALISED);
        if (shim_transaction_end(transaction, false, &again) != SHIM_OK)
            return false;
    }
    return true;
}

static uint64_t back_number(const struct tiny *tiny, const char *name, uint64_t otherwise)
{
    char path[2 * PATH];

    snprintf(path, sizeof(path), "%s/%s", tiny->back, name);
    return shim_store_number(0, path, otherwise);
}

static void read_properties(struct tiny *tiny, struct shim_info *info)
{
    uint64_t units = back_number(tiny, "sectors", 0);

    info->sector_size = (uint32_t)back_number(tiny, "sector-size", BLKIF_WIRE_UNIT);
    if (info->sector_size < BLKIF_WIRE_UNIT)
        info->sector_size = BLKIF_WIRE_UNIT;
    info->size_sectors = units / (info->sector_size / BLKIF_WIRE_UNIT);
    info->read_only = (back_number(tiny, "info", 0) & BLKIF_WIRE_INFO_READONLY) != 0;
    info->backend_id = tiny->back_id;
    tiny->flush = info->flush = back_number(tiny, "feature-flush-cache", 0) != 0;
}

static bool wait_for_backend(struct tiny *tiny, unsigned wanted)
{
    unsigned state = (unsigned)shim_store_number(0, tiny->back_state, 0);

    while (state != wanted) {
        if (state == BLKIF_WIRE_UNKNOWN ||
            (wanted == BLKIF_WIRE_CONNECTED && state > BLKIF_WIRE_CONNECTED))
            return false;
        state = shim_state_wait(tiny->back_state, state, &tiny->states);
    }
    return true;
}

/* ---- down ---- */

static void remove_node(const struct tiny *tiny, const char *name)
{
    char path[2 * PATH];

    snprintf(path, sizeof(path), "%s/%s", tiny->node, name);
    shim_store_remove(0, path);
}

static void take_down(struct tiny *tiny)
{
    shim_unwatch(tiny->back_state, &tiny->states);
    remove_node(tiny, "ring-ref");
    remove_node(tiny, "event-channel");
    remove_node(tiny, "protocol");
    shim_event_close(tiny->port);
    if (tiny->ring_ref != 0)
        shim_grant_end(tiny->ring_ref);
    shim_pages_free((void *)(uintptr_t)tiny->ring, 1);
    free(tiny);
}

static void close_device(void *opaque)
{
    struct tiny *tiny = opaque;
    unsigned state = BLKIF_WIRE_CONNECTED;

    set_state(tiny, BLKIF_WIRE_CLOSING);
    while (state == BLKIF_WIRE_CONNECTED)
        state = shim_state_wait(tiny->back_state, state, &tiny->states);
    set_state(tiny, BLKIF_WIRE_CLOSED);
    while (state != BLKIF_WIRE_CLOSED && state != BLKIF_WIRE_UNKNOWN)
        state = shim_state_wait(tiny->back_state, state, &tiny->states);
    take_down(tiny);
}

static bool come_up(struct tiny *tiny, const char *node)
{
    if (!find_backend(tiny, node) || shim_watch(tiny->back_state, &tiny->states) != SHIM_OK)
        return false;
    set_state(tiny, BLKIF_WIRE_INITIALISING);
    return wait_for_backend(tiny, BLKIF_WIRE_INIT_WAIT) && make_ring(tiny) && tell_backend(tiny) &&
           wait_for_backend(tiny, BLKIF_WIRE_CONNECTED);
}

static void *open_device(const char *node, struct shim_info *info)
{
    struct tiny *tiny = calloc(1, sizeof(*tiny));

    if (tiny == NULL)
        return NULL;
    if (!come_up(tiny, node)) {
        take_down(tiny);
        return NULL;
    }
    read_properties(tiny, info);
    set_state(tiny, BLKIF_WIRE_CONNECTED);
    return tiny;
}

static const struct shim_frontend tiny = {
    .version = SHIM_VERSION,
    .name = "tiny",
    .flush = true,
    .open = open_device,
    .submit = submit,
    .poll = take_responses,
    .close = close_device,
};

SHIM_FRONTEND(tiny)
