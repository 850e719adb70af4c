/* SPDX-License-Identifier: ISC */
/*
 * The simulated backend: its making, what runs it, and what it tells. Its side of the handshake is
 * handshake.c's; what somebody makes it do on purpose is in backend_life.c, requests are
 * service.c's.
 */
#include "backend_internal.h"

#include <blkfront/platform.h>

#include <inttypes.h>
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

void backend_settle_options(struct simback_backend *backend)
{
    const struct simback_backend_options *options = &backend->options;
    const struct simback_dialect *dialect = backend->dialect;

    backend->flush = choose(options->flush, dialect->flush);
    /* Barriers are made of flushes: a disk without the one has not the other. */
    backend->barrier = choose(options->barrier, dialect->barrier && options->flush != SIMBACK_NO);
    backend->discard = choose(options->discard, dialect->discard) && !backend->discard_disabled;
    backend->discard_secure = choose(options->discard_secure, dialect->secure);
    backend->persistent = choose(options->persistent, dialect->persistent);
    backend->ring_order =
        (uint8_t)number(options->ring_order, dialect->ring_order, BLKIF_WIRE_RING_ORDER_MAX);
    backend->max_queues = backend_max_queues(options);
    backend->segments =
        (uint16_t)number(options->segments, dialect->segments, BLKIF_WIRE_SEGMENTS_MAX);
    backend->physical_sector_size =
        options->physical_sector_size != 0 ? options->physical_sector_size : options->sector_size;
    backend->discard_granularity = options->discard_granularity >= 0
                                       ? (uint32_t)options->discard_granularity
                                   : dialect->granularity != 0 ? dialect->granularity
                                                               : backend->physical_sector_size;
    backend->discard_alignment =
        options->discard_alignment >= 0 ? (uint32_t)options->discard_alignment : dialect->alignment;
    backend->sector_units = options->sector_size / BLKIF_WIRE_UNIT;
    if (backend->sector_units == 0)
        backend->sector_units = 1;
    backend->read_only =
        (options->mode_read_only && (dialect->info_bits & BLKIF_WIRE_INFO_READONLY) != 0) ||
        (options->info >= 0 && (options->info & BLKIF_WIRE_INFO_READONLY) != 0);
    if (backend->set_read_only != SIMBACK_DEFAULT)
        backend->read_only = backend->set_read_only == SIMBACK_YES;
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
        .discard_granularity = -1,
        .discard_alignment = -1,
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
    backend_settle_options(backend);
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
        (void)publish_nodes(backend, SIMBACK_AT_START);
        (void)publish_nodes(backend, SIMBACK_AT_INIT_WAIT);
        (void)publish_nodes(backend, SIMBACK_AT_CONNECTED);
    }
}

void backend_inherit(struct simback_backend *heir, const struct simback_backend *old)
{
    const uint64_t size = publish_sectors_512(&heir->options);

    memcpy(heir->rules, old->rules, sizeof(old->rules));
    heir->rule_count = old->rule_count;
    memcpy(heir->names, old->names, sizeof(old->names));
    heir->name_count = old->name_count;
    /* A file that cannot be changed stays as long as it is. */
    if (size <= SIMBACK_DISK_MAX_512 && size != simback_disk_size(heir->disk))
        (void)simback_disk_resize(heir->disk, size);
}

/* ---- running ---- */

static void start(struct simback_backend *backend)
{
    char path[BACKEND_PATH + 16];
    int result;

    snprintf(path, sizeof(path), "%s/%s", backend->front, BLKIF_NODE_STATE);
    result = backend->host->watch(backend->host->context, path, TOKEN_FRONT);
    if (result != 0)
        backend_complain(backend, "%s: cannot be watched (%d)", path, result);
    backend->started = true;
    (void)publish_nodes(backend, SIMBACK_AT_START);
    if (!backend->dialect->init_wait)
        (void)publish_nodes(backend, SIMBACK_AT_INIT_WAIT);
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
        return handshake_write_state(backend);
    if (backend->updates != 0)
        return life_update(backend);
    if (handshake_leaves(backend))
        handshake_leave(backend);
    else if (backend->look || backend->want_close)
        handshake_look(backend);
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

uint32_t simback_backend_number_units(const struct simback_backend *backend)
{
    return backend->number_units;
}

bool simback_backend_moves_barriers(const struct simback_backend *backend)
{
    return backend->moves_barriers;
}

const struct simback_dialect *simback_backend_dialect(const struct simback_backend *backend)
{
    return backend->dialect;
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
    counters->refused = backend->refused;
    counters->complaints = backend->complaints;
}
