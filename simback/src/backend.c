/* SPDX-License-Identifier: ISC */
/*
 * The simulated backend: its making, and its side of the xenbus handshake as a table. Nodes are
 * written by publish.c, rings mapped by connect.c; what somebody makes it do on purpose is in
 * backend_life.c, requests are service.c's.
 *
 * One poll makes at most one move: it writes the state that is due, or looks at the frontend's
 * state and begins the move that the table names.
 */
#include "backend_internal.h"

#include <blkfront/platform.h>

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { TOKEN_FRONT = 1 };

/* ---- saying what happens ---- */

void backend_tell(struct simback_backend *backend, enum simback_event_kind kind, uint16_t queue,
                  uint64_t a, uint64_t b, const char *path)
{
    const struct simback_event event = {.kind = kind,
                                        .device = backend->options.device,
                                        .queue = queue,
                                        .domid = backend->options.domid,
                                        .a = a,
                                        .b = b,
                                        .path = path};

    if (backend->host->tell != NULL)
        backend->host->tell(backend->host->context, &event);
}

void backend_complain(struct simback_backend *backend, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(backend->complaint, sizeof(backend->complaint), format, arguments);
    va_end(arguments);
    backend->complaints++;
    if (backend->host->log != NULL)
        backend->host->log(backend->host->context, backend->complaint);
}

void backend_wake(struct simback_backend *backend, uint16_t queue)
{
    if (queue == BACKEND_STORE)
        backend->look = true;
    if (backend->wake != NULL)
        backend->wake(backend->runner, queue);
}

void backend_wake_all(struct simback_backend *backend)
{
    backend_wake(backend, BACKEND_STORE);
    for (uint16_t i = 0; i < backend->queue_count; i++)
        backend_wake(backend, i);
}

/* ---- making ---- */

static bool choose(enum simback_choice choice, bool of_dialect)
{
    return choice == SIMBACK_DEFAULT ? of_dialect : choice == SIMBACK_YES;
}

static uint32_t number(int32_t option, uint32_t of_dialect, uint32_t most)
{
    const uint32_t value = option < 0 ? of_dialect : (uint32_t)option;

    return value < most ? value : most;
}

uint16_t backend_max_queues(const struct simback_backend_options *options)
{
    return (uint16_t)number(options->queues, options->dialect->queues, BACKEND_QUEUES);
}

static void settle_options(struct simback_backend *backend)
{
    const struct simback_backend_options *options = &backend->options;
    const struct simback_dialect *dialect = backend->dialect;

    backend->flush = choose(options->flush, dialect->flush);
    /* Barriers are made of flushes: a disk without the one has not the other. */
    backend->barrier = choose(options->barrier, dialect->barrier && backend->flush);
    backend->discard = choose(options->discard, dialect->discard);
    backend->persistent = choose(options->persistent, dialect->persistent);
    backend->ring_order =
        (uint8_t)number(options->ring_order, dialect->ring_order, BLKIF_WIRE_RING_ORDER_MAX);
    backend->max_queues = backend_max_queues(options);
    backend->segments =
        (uint16_t)number(options->segments, dialect->segments, BLKIF_WIRE_SEGMENTS_MAX);
    backend->physical_sector_size =
        options->physical_sector_size != 0 ? options->physical_sector_size : options->sector_size;
    backend->sector_units = options->sector_size / BLKIF_WIRE_UNIT;
    if (backend->sector_units == 0)
        backend->sector_units = 1;
    backend->read_only = options->mode_read_only ||
                         (options->info >= 0 && (options->info & BLKIF_WIRE_INFO_READONLY) != 0);
}

void simback_backend_options_init(struct simback_backend_options *options)
{
    *options = (struct simback_backend_options){
        .dialect = &simback_dialect_linux,
        .front_domid = 1,
        .vdev = 51712,
        .sectors = 2048,
        .sector_size = BLKIF_WIRE_UNIT,
        .info = -1,
        .ring_order = -1,
        .queues = -1,
        .segments = -1,
        .trusted = true,
        .start_state = BLKIF_WIRE_INITIALISING,
    };
}

void simback_paths(const struct simback_backend_options *options, char *back, size_t back_size,
                   char *front, size_t front_size)
{
    snprintf(back, back_size, "/local/domain/%u/backend/%s/%u/%u", options->domid,
             options->dialect->directory, options->front_domid, options->vdev);
    snprintf(front, front_size, "/local/domain/%u/device/vbd/%u", options->front_domid,
             options->vdev);
}

static bool make_queues(struct simback_backend *backend)
{
    const struct simback_host *host = backend->host;
    const uint32_t room = backend->max_queues != 0 ? backend->max_queues : 1;

    backend->queues = host->allocate(host->context, sizeof(*backend->queues) * room);
    if (backend->queues == NULL)
        return false;
    backend->queue_room = room;
    for (uint32_t i = 0; i < room; i++) {
        backend->queues[i].backend = backend;
        backend->queues[i].index = (uint16_t)i;
        pending_init(&backend->queues[i].pending, NULL, 0);
    }
    return true;
}

struct simback_backend *simback_backend_create(const struct simback_host *host,
                                               const struct simback_backend_options *options)
{
    struct simback_backend *backend = host->allocate(host->context, sizeof(*backend));

    if (backend == NULL)
        return NULL;
    backend->host = host;
    backend->options = *options;
    backend->dialect = options->dialect;
    backend->disk = options->disk;
    backend->state = options->start_state >= 0 && options->start_state <= BLKIF_WIRE_RECONFIGURED
                         ? (enum blkif_wire_state)options->start_state
                         : BLKIF_WIRE_INITIALISING;
    backend->look = true;
    settle_options(backend);
    simback_paths(options, backend->back, sizeof(backend->back), backend->front,
                  sizeof(backend->front));
    if (!make_queues(backend)) {
        host->free(host->context, backend, sizeof(*backend));
        return NULL;
    }
    return backend;
}

void backend_unwatch(struct simback_backend *backend)
{
    char path[BACKEND_PATH + 16];

    if (!backend->started)
        return;
    snprintf(path, sizeof(path), "%s/%s", backend->front, BLKIF_NODE_STATE);
    (void)backend->host->unwatch(backend->host->context, path, TOKEN_FRONT);
    backend->started = false;
}

void simback_backend_destroy(struct simback_backend *backend)
{
    if (backend == NULL)
        return;
    connect_drop(backend, true);
    backend_unwatch(backend);
    connect_free_queues(backend);
    if (backend->retire != NULL)
        backend->retire(backend->runner);
    backend->host->free(backend->host->context, backend, sizeof(*backend));
}

void backend_former_life(struct simback_backend *backend)
{
    if (backend->state >= BLKIF_WIRE_INIT_WAIT) {
        (void)publish_nodes(backend, PHASE_INIT_WAIT);
        (void)publish_nodes(backend, PHASE_CONNECTED);
    }
}

/* ---- moves ---- */

enum move {
    STAY,
    OPEN,    /* publish the limits, go to InitWait */
    CONNECT, /* map the rings, publish the rest, go to Connected */
    CLOSING, /* go to Closing */
    CLOSED,  /* let go of the rings, go to Closed */
    REOPEN   /* OPEN if online */
};

/*
 * Ours x the frontend's. What is left over from a former life in 3, 4 or 5 is closed by a frontend
 * that goes 5, 6 (I11); 0, 7 and 8 are left over by nobody and treated as 1.
 *
 * In Connected a rewritten 3 and a frontend's 1 are ignored, as blkback does; 2, 7 and 8 say
 * nothing in a frontend.
 */
static const enum move moves[9][9] = {
    /*                     absent  1       2     3        4        5        6       7     8 */
    [BLKIF_WIRE_UNKNOWN] = {CLOSED, OPEN, OPEN, OPEN, OPEN, CLOSING, CLOSED, OPEN, OPEN},
    [BLKIF_WIRE_INITIALISING] = {CLOSED, OPEN, OPEN, OPEN, OPEN, CLOSING, CLOSED, OPEN, OPEN},
    [BLKIF_WIRE_INIT_WAIT] = {CLOSED, STAY, STAY, CONNECT, CONNECT, CLOSING, CLOSED, STAY, STAY},
    [BLKIF_WIRE_INITIALISED] = {CLOSED, STAY, STAY, CONNECT, CONNECT, CLOSING, CLOSED, STAY, STAY},
    [BLKIF_WIRE_CONNECTED] = {CLOSED, STAY, STAY, STAY, STAY, CLOSING, CLOSED, STAY, STAY},
    [BLKIF_WIRE_CLOSING] = {CLOSED, STAY, STAY, STAY, STAY, STAY, CLOSED, STAY, STAY},
    [BLKIF_WIRE_CLOSED] = {STAY, REOPEN, STAY, REOPEN, REOPEN, STAY, STAY, STAY, STAY},
    [BLKIF_WIRE_RECONFIGURING] = {CLOSED, OPEN, OPEN, OPEN, OPEN, CLOSING, CLOSED, OPEN, OPEN},
    [BLKIF_WIRE_RECONFIGURED] = {CLOSED, OPEN, OPEN, OPEN, OPEN, CLOSING, CLOSED, OPEN, OPEN},
};

/* Something went wrong that the frontend should know of, as xenbus_dev_fatal says it. */
static void fail(struct simback_backend *backend)
{
    char path[BACKEND_PATH + 32], text[BACKEND_COMPLAINT + 8];
    int length;

    snprintf(path, sizeof(path), "/local/domain/%u/error/backend/%s/%u/%u/%s",
             backend->options.domid, backend->dialect->directory, backend->options.front_domid,
             backend->options.vdev, BLKIF_NODE_ERROR);
    length = snprintf(text, sizeof(text), "22 %s", backend->complaint); /* 22: EINVAL */
    (void)backend->host->store_write(backend->host->context, 0, path, text, (size_t)length);
    backend->writing = BLKIF_WIRE_CLOSING;
}

/* Publishes and goes on to the state; a conflict means: again. */
static void publish_and_go(struct simback_backend *backend, enum dialect_phase phase,
                           enum blkif_wire_state state)
{
    int result = BLKFRONT_PLATFORM_AGAIN;

    for (int i = 0; i < BACKEND_TRIES && result == BLKFRONT_PLATFORM_AGAIN; i++)
        result = publish_nodes(backend, phase);
    if (result == 0) {
        backend->writing = state;
    } else if (result != BLKFRONT_PLATFORM_AGAIN) {
        backend_complain(backend, "%s: nodes cannot be written (%d)", backend->back, result);
        connect_drop(backend, false);
        fail(backend);
    }
}

static void connect(struct simback_backend *backend)
{
    if (!backend->queues[0].mapped && !connect_front(backend))
        fail(backend);
    else
        publish_and_go(backend, PHASE_CONNECTED, BLKIF_WIRE_CONNECTED);
}

static bool online(struct simback_backend *backend)
{
    uint64_t value = 0;

    return node_read_number(backend, backend->back, BLKIF_NODE_ONLINE, 1, &value) == NODE_OK &&
           value == 1;
}

static void make_move(struct simback_backend *backend, enum move move)
{
    switch (move) {
    case STAY: backend->look = false; break;
    case REOPEN:
        if (online(backend))
            publish_and_go(backend, PHASE_INIT_WAIT, BLKIF_WIRE_INIT_WAIT);
        else
            backend->look = false;
        break;
    case OPEN: publish_and_go(backend, PHASE_INIT_WAIT, BLKIF_WIRE_INIT_WAIT); break;
    case CONNECT: connect(backend); break;
    case CLOSING: backend->writing = BLKIF_WIRE_CLOSING; break;
    case CLOSED:
        connect_drop(backend, false);
        backend->writing = BLKIF_WIRE_CLOSED;
        break;
    }
}

/* false: what stands there says nothing, so nothing is done. */
static bool read_front_state(struct simback_backend *backend, uint64_t *state)
{
    *state = BLKIF_WIRE_UNKNOWN;
    return node_read_number(backend, backend->front, BLKIF_NODE_STATE, BLKIF_WIRE_RECONFIGURED,
                            state) != NODE_BAD;
}

static void look_at_front(struct simback_backend *backend)
{
    uint64_t front;

    if (backend->want_close) {
        backend->want_close = false;
        if (backend->state != BLKIF_WIRE_CLOSING && backend->state != BLKIF_WIRE_CLOSED) {
            backend->writing = BLKIF_WIRE_CLOSING;
            return;
        }
    }
    if (read_front_state(backend, &front))
        make_move(backend, moves[backend->state][front]);
    else
        backend->look = false;
}

/* The directory was taken away under us: there is no device any more. */
static void vanish(struct simback_backend *backend)
{
    connect_drop(backend, false);
    backend_unwatch(backend);
    backend->gone = true;
    backend->state = BLKIF_WIRE_UNKNOWN;
    backend->writing = BLKIF_WIRE_UNKNOWN;
}

static bool write_state(struct simback_backend *backend)
{
    const enum blkif_wire_state state = backend->writing;
    int result;

    if (backend->stalls && backend->stall == state)
        return false;
    backend_tell(backend, SIMBACK_BACK_STATE, 0, (uint64_t)state, (uint64_t)backend->state, NULL);
    result = node_write_state(backend, state);
    if (result == BLKFRONT_PLATFORM_AGAIN)
        return true;
    if (result == BLKFRONT_PLATFORM_NO_ENTRY) {
        vanish(backend);
        return false;
    }
    if (result != 0)
        backend_complain(backend, "%s/%s: cannot be written (%d)", backend->back, BLKIF_NODE_STATE,
                         result);
    backend->state = state;
    backend->writing = BLKIF_WIRE_UNKNOWN;
    if (state == BLKIF_WIRE_CONNECTED)
        backend_wake_all(backend);
    return true;
}

static void start(struct simback_backend *backend)
{
    char path[BACKEND_PATH + 16];
    int result;

    snprintf(path, sizeof(path), "%s/%s", backend->front, BLKIF_NODE_STATE);
    result = backend->host->watch(backend->host->context, path, TOKEN_FRONT);
    if (result != 0)
        backend_complain(backend, "%s: cannot be watched (%d)", path, result);
    backend->started = true;
}

/* Rewrites info, then the state that it has: the frontend reads again (I17). */
static bool go_read_only(struct simback_backend *backend)
{
    backend->want_read_only = false;
    backend->read_only = true;
    backend->gone_read_only = true;
    if (backend->state == BLKIF_WIRE_CONNECTED) {
        (void)publish_info(backend);
        backend->writing = BLKIF_WIRE_CONNECTED;
    }
    return true;
}

bool simback_backend_poll(struct simback_backend *backend)
{
    uint32_t token;

    if (backend->gone || backend->hung)
        return false;
    if (!backend->started)
        start(backend);
    while (backend->host->watch_fired(backend->host->context, &token) == 1)
        backend->look = true;
    if (backend->writing != BLKIF_WIRE_UNKNOWN)
        return write_state(backend);
    if (backend->want_read_only)
        return go_read_only(backend);
    if (backend->look || backend->want_close)
        look_at_front(backend);
    return backend->look || backend->writing != BLKIF_WIRE_UNKNOWN;
}

/* ---- asking ---- */

enum blkif_wire_state simback_backend_state(const struct simback_backend *backend)
{
    return backend->state;
}

struct simback_disk *simback_backend_disk(struct simback_backend *backend)
{
    return backend->disk;
}

const char *simback_backend_complaint(const struct simback_backend *backend)
{
    return backend->complaint;
}

void simback_backend_get_counters(const struct simback_backend *backend,
                                  struct simback_backend_counters *counters)
{
    memset(counters, 0, sizeof(*counters));
    for (uint32_t i = 0; i < backend->queue_room; i++) {
        const struct backend_queue *queue = &backend->queues[i];
        const struct simback_backend_counters *from = &queue->counters;

        counters->read += from->read;
        counters->write += from->write;
        counters->flush += from->flush;
        counters->barrier += from->barrier;
        counters->discard += from->discard;
        counters->indirect += from->indirect;
        counters->unknown += from->unknown;
        counters->answered += from->answered;
        counters->errors += from->errors;
        counters->notified += from->notified;
        counters->segments += from->segments;
        counters->held += queue->pending.held_count;
        counters->pending += queue->pending.count + queue->dropped + queue->barrier_waits;
    }
    counters->complaints = backend->complaints;
}
