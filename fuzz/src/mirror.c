/* SPDX-License-Identifier: ISC */
/*
 * A play of the mirror: a world with one backend, whose dialect and options the first bytes say,
 * and moves one after the other until the bytes run out. In the end the device is closed once more
 * and the backend goes: nothing may be left mapped, and the memory that it took must be back.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "mirror_internal.h"

/* Far more than any move makes necessary. What never ends ends here. */
enum { STEPS = 4000, STEPS_OF_BELIEVERS = 24 };

/* Backends, rings and tables of the largest limits that are drawn take less than half of it. */
#define MEMORY_LIMIT ((uint64_t)64 << 20)

static struct mirror mirror_memory;
static struct simback_world *kept_world;

/* ---- chance, judgement ---- */

static uint8_t next_byte(struct mirror *mirror)
{
    if (mirror->at == mirror->size) {
        mirror->over = true;
        return 0;
    }
    return mirror->bytes[mirror->at++];
}

/* Never twice in one expression or initializer: each compiler would take them in its own order. */
uint32_t mirror_draw(struct mirror *mirror, uint32_t bound)
{
    uint32_t value = next_byte(mirror);

    for (uint32_t reach = 256; reach < bound; reach *= 256) {
        value = value * 256 + next_byte(mirror);
    }
    return bound == 0 ? 0 : value % bound;
}

uint64_t mirror_draw_64(struct mirror *mirror)
{
    uint64_t value = 0;

    for (int i = 0; i < 8; i++) {
        value = value << 8 | next_byte(mirror);
    }
    return value;
}

void mirror_wrong(struct mirror *mirror, const char *format, ...)
{
    struct mirror_result *result = mirror->result;
    const size_t size = sizeof(result->reason);
    va_list arguments;
    int length;

    if (result->wrong) {
        return;
    }
    result->wrong = true;
    mirror->over = true;
    va_start(arguments, format);
    length = vsnprintf(result->reason, size, format, arguments);
    va_end(arguments);
    if (length >= 0 && (size_t)length < size) {
        snprintf(result->reason + length, size - (size_t)length, " (%s, byte %zu; it says: %s)",
                 mirror->options.dialect->name, mirror->at,
                 simback_backend_complaint(mirror->backend));
    }
}

/* ---- the backend's turn ---- */

static bool run_store(void *context)
{
    struct mirror *mirror = context;
    bool more;

    mirror_host_enter(mirror);
    more = simback_backend_poll(mirror->backend);
    mirror_host_leave(mirror);
    return more;
}

static bool run_queue(void *context)
{
    struct mirror_queue *queue = context;
    struct mirror *mirror = queue->mirror;
    bool more;

    mirror_host_enter(mirror);
    more = simback_backend_service(mirror->backend, queue->index);
    mirror_host_leave(mirror);
    simback_actor_at(mirror->world, queue->actor,
                     simback_backend_service_at(mirror->backend, queue->index));
    simback_actor_idle_at(mirror->world, queue->actor,
                          simback_backend_housekeeping_at(mirror->backend, queue->index));
    return more;
}

/* Who believes any req_prod goes on for as long as it says. */
static bool may_go_on(const struct mirror *mirror)
{
    bool blind = !mirror->fair;

    for (uint32_t i = 0; i < MIRROR_QUEUES; i++) {
        blind = blind || mirror->queues[i].blind;
    }
    return blind && mirror->options.dialect->bounded;
}

/* Twice: what one ring has brought about may be another's to do, or the store's. */
void mirror_run(struct mirror *mirror)
{
    const bool believes = may_go_on(mirror);
    const uint32_t most = believes ? STEPS_OF_BELIEVERS : STEPS;

    mirror_host_begin(mirror);
    for (int round = 0; round < 2; round++) {
        enum simback_step step = SIMBACK_STEP_RAN;

        simback_actor_ready(mirror->world, mirror->store_actor);
        for (uint32_t i = 0; i < MIRROR_QUEUES && !mirror_waits_for_events(mirror); i++) {
            simback_actor_ready(mirror->world, mirror->queues[i].actor);
        }
        for (uint32_t i = 0; i < most && step == SIMBACK_STEP_RAN; i++) {
            step = simback_world_step(mirror->world, SIMBACK_NEVER);
        }
        mirror->rests = step == SIMBACK_STEP_REST;
        if (!mirror->rests && !believes && !may_go_on(mirror)) {
            mirror_wrong(mirror, "after %d steps the backend still has something to do", STEPS);
        }
    }
    mirror_host_end(mirror);
}

/* ---- moves ---- */

static void storm(struct mirror *mirror)
{
    const struct blkfront_platform *platform = mirror->platform;
    struct mirror_queue *queue = &mirror->queues[mirror_draw(mirror, MIRROR_QUEUES)];
    const uint32_t count = mirror_draw(mirror, 256);

    for (uint32_t i = 0; queue->port_open && i < count; i++) {
        (void)platform->port_notify(platform->context, queue->channels, queue->port);
        if (i % 32 == 0) {
            (void)simback_world_step(mirror->world, SIMBACK_NEVER);
        }
    }
    mirror_run(mirror);
    mirror_take(mirror);
}

static void slow_down(struct mirror *mirror)
{
    struct simback_fault fault = {.ops = SIMBACK_FAULT_ANY, .last_512 = UINT64_MAX, .percent = 100};

    fault.every = mirror_draw(mirror, 4);
    fault.times = 1 + mirror_draw(mirror, 40);
    fault.action = mirror_draw(mirror, 2) == 0 ? SIMBACK_DELAY : SIMBACK_REORDER;
    fault.delay_ns = UINT64_C(1000) * mirror_draw(mirror, 5000);
    (void)simback_backend_add_fault(mirror->backend, &fault);
}

static void change_backend(struct mirror *mirror)
{
    switch (mirror_draw(mirror, 4)) {
    case 0:
        mirror->read_only = !mirror->read_only;
        simback_backend_set_read_only(mirror->backend, mirror->read_only);
        break;
    case 1: simback_backend_rewrite_nodes(mirror->backend); break;
    case 2:
        simback_backend_close(mirror->backend);
        mirror->fair = false;
        mirror->used = true;
        break;
    default: simback_backend_clear_faults(mirror->backend); break;
    }
    mirror_run(mirror);
}

static void tamper(struct mirror *mirror)
{
    mirror_tamper(mirror);
    mirror_run(mirror);
    mirror_take(mirror);
}

/* Any nodes, and then a state that makes the backend read them. */
static void connect_anyhow(struct mirror *mirror)
{
    mirror_connect(mirror);
    for (uint32_t i = mirror_draw(mirror, 4); i > 0; i--) {
        mirror_any_node(mirror);
    }
    mirror_any_state(mirror);
}

/* The nodes are changed while the backend waits for the frontend's state. */
static void connect_oddly(struct mirror *mirror)
{
    mirror->fair = false;
    if (mirror->used) {
        mirror_close(mirror);
    }
    mirror_write(mirror, BLKIF_NODE_STATE, "1", 1);
    mirror_run(mirror);
    for (uint32_t i = 1 + mirror_draw(mirror, 4); i > 0; i--) {
        mirror_any_node(mirror);
    }
    mirror_write(mirror, BLKIF_NODE_STATE, "3", 1);
    mirror->used = true;
    mirror_run(mirror);
}

static void (*const moves[])(struct mirror *mirror) = {
    mirror_judge_one, mirror_judge_one, mirror_judge_one, mirror_judge_one,
    mirror_burst,     mirror_burst,     mirror_burst,     mirror_connect,
    mirror_connect,   tamper,           tamper,           storm,
    slow_down,        change_backend,   mirror_any_node,  mirror_any_state,
    mirror_any_port,  mirror_close,     connect_anyhow,   connect_oddly,
};

enum { MOVES = sizeof(moves) / sizeof(moves[0]) };

/* ---- a play ---- */

static void choose_options(struct mirror *mirror)
{
    struct simback_backend_options *options = &mirror->options;
    static const int32_t segments[] = {0, 64, 256, 600};
    size_t dialects = 0;
    uint32_t choice;

    while (simback_dialect_at(dialects) != NULL) {
        dialects++;
    }
    simback_backend_options_init(options);
    options->dialect = simback_dialect_at(mirror_draw(mirror, (uint32_t)dialects));
    choice = mirror_draw(mirror, 256);
    options->sectors = MIRROR_DISK_512;
    options->queues = MIRROR_QUEUES;
    options->ring_order = 2;
    options->segments = segments[choice % 4];
    options->discard = SIMBACK_YES;
    options->persistent = (choice & 4) != 0 ? SIMBACK_YES : SIMBACK_NO;
    options->attach = (choice & 8) != 0;
    options->mode_read_only = choice >> 4 == 0;
    options->flush = choice >> 4 == 1 ? SIMBACK_NO : SIMBACK_DEFAULT;
    mirror->read_only =
        options->mode_read_only && (options->dialect->info_bits & BLKIF_WIRE_INFO_READONLY) != 0;
}

static bool make_world(struct mirror *mirror)
{
    struct simback_world_options options;

    simback_world_options_init(&options);
    options.rules = false;
    options.memory_limit = MEMORY_LIMIT;
    if (kept_world == NULL) {
        kept_world = simback_world_create(&options);
    } else {
        simback_world_reset(kept_world, &options);
    }
    mirror->world = kept_world;
    return kept_world != NULL;
}

static bool make_backend(struct mirror *mirror)
{
    struct simback_world *world = mirror->world;
    simback_actor actors[MIRROR_QUEUES];

    mirror->store_actor = simback_actor_add(world, "back", 0, 0, run_store, mirror);
    for (unsigned i = 0; i < MIRROR_QUEUES; i++) {
        struct mirror_queue *queue = &mirror->queues[i];

        queue->mirror = mirror;
        queue->index = (uint16_t)i;
        queue->actor = actors[i] =
            simback_actor_add(world, "ring", 0, queue->index, run_queue, queue);
    }
    mirror->options.disk = simback_disk_memory(world, MIRROR_DISK_512);
    mirror->inner = simback_sim_host(world, 0, 0, mirror->store_actor, actors, MIRROR_QUEUES);
    if (mirror->options.disk == NULL || mirror->inner == NULL ||
        simback_toolstack_create(world, &mirror->options) != 0) {
        return false;
    }
    mirror_watch_host(mirror);
    mirror->backend = simback_backend_create(&mirror->host, &mirror->options);
    return mirror->backend != NULL;
}

static bool make_front(struct mirror *mirror)
{
    const struct blkfront_platform *platform = simback_platform(mirror->world, SIMBACK_FRONT_DOMID);
    void *memory;

    simback_enter(mirror->world, 0);
    mirror->platform = platform;
    if (platform->page_allocate(platform->context, MIRROR_PAGES, &memory) != 0) {
        return false;
    }
    mirror->memory = memory;
    for (uint32_t i = 0; i < MIRROR_QUEUES; i++) {
        if (platform->channels_open(platform->context, &mirror->queues[i].channels) != 0) {
            return false;
        }
        mirror->queues[i].page_count = 1;
        mirror->queues[i].size = 1;
        mirror->queues[i].blind = true;
    }
    return true;
}

static void end(struct mirror *mirror)
{
    struct simback_backend_counters counters;
    struct simback_ledger ledger;

    mirror_close(mirror);
    simback_backend_get_counters(mirror->backend, &counters);
    mirror->result->complaints = counters.complaints;
    mirror->result->hash = simback_trace_hash(mirror->world);
    if (simback_memory_refused(mirror->world) != 0) {
        mirror_wrong(mirror, "there was no memory left");
    }
    simback_backend_destroy(mirror->backend);
    simback_get_ledger(mirror->world, SIMBACK_FRONT_DOMID, &ledger);
    if (!mirror->result->wrong && (ledger.mapped != 0 || mirror_mapped(mirror) != 0)) {
        mirror->result->wrong = true;
        snprintf(mirror->result->reason, sizeof(mirror->result->reason),
                 "the backend is gone, and %" PRIu64 " grants are mapped", ledger.mapped);
    }
    simback_disk_destroy(mirror->options.disk);
}

bool mirror_play(const uint8_t *bytes, size_t size, struct mirror_result *result)
{
    struct mirror *mirror = &mirror_memory;

    memset(mirror, 0, sizeof(*mirror));
    memset(result, 0, sizeof(*result));
    mirror->result = result;
    mirror->bytes = bytes;
    mirror->size = size;
    mirror->queue_count = 1;
    choose_options(mirror);
    /* Seldom: a play with them takes as long as ten without. */
    mirror->guards = mirror_draw(mirror, 16) == 15;
    if (!make_world(mirror) || !make_backend(mirror) || !make_front(mirror)) {
        return false;
    }
    if (mirror_draw(mirror, 8) != 0) {
        mirror_connect(mirror);
    }
    while (!mirror->over) {
        moves[mirror_draw(mirror, MOVES)](mirror);
    }
    end(mirror);
    return true;
}

void mirror_end(void)
{
    if (kept_world != NULL) {
        simback_world_destroy(kept_world);
    }
    kept_world = NULL;
}
