/* SPDX-License-Identifier: ISC */
/*
 * Where every event goes: into the running hash, among the last events that a report shows, to a
 * sink, to the oracle and to the monitor. How an event looks as text is event_text.c's matter.
 *
 * Loads, stores and fences exist in one build only, and there by the thousand: they are neither
 * hashed nor counted nor kept for the report.
 */
#include "internal.h"
#include "monitor.h"

#include <string.h>

void trace_reset(struct simback_world *world)
{
    struct trace *trace = &world->trace;

    trace->hash = 0;
    trace->count = 0;
    trace->kept_count = trace->kept_from = 0;
    trace->sink = NULL;
    trace->sink_context = NULL;
    world->quiet = !world->options.trace_hash && !world->options.rules;
}

static bool is_access(enum simback_event_kind kind)
{
    return (event_forms[kind].flags & SIMBACK_ACCESS) != 0;
}

/* The program's own lines differ with titles and comments: the run does not. */
static bool is_hashed(enum simback_event_kind kind)
{
    return (event_forms[kind].flags & SIMBACK_UNHASHED) == 0;
}

/* Hashes read memory as little-endian words. */
static uint64_t little_endian(uint64_t value)
{
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    value = __builtin_bswap64(value);
#endif
    return value;
}

/* Lengths and the presence of path and value are hashed before their bytes, so that no two events
 * can be told alike. */
static uint64_t fold(uint64_t hash, const struct simback_event *event, size_t path_length,
                     uint64_t time_ns)
{
    uint64_t words[8] = {
        (uint64_t)event->kind | (uint64_t)(event->path != NULL) << 16 |
            (uint64_t)(event->bytes != NULL) << 17 | (uint64_t)event->domid << 32 |
            (uint64_t)event->peer << 48,
        (uint64_t)event->device | (uint64_t)event->queue << 16 |
            (uint64_t)(uint32_t)event->result << 32,
        event->a,
        event->b,
        event->c,
        time_ns,
        path_length,
        event->length,
    };

    for (unsigned i = 0; i < 8; i++)
        words[i] = little_endian(words[i]);
    hash = hash_xxh64(words, sizeof(words), hash);
    if (path_length != 0)
        hash = hash_xxh64(event->path, path_length, hash);
    if (event->bytes != NULL && event->length != 0)
        hash = hash_xxh64(event->bytes, event->length, hash);
    return hash;
}

/* A path keeps its end, which says more than "/local/domain", a value its beginning. */
static void keep(struct trace *trace, const struct simback_event *event, size_t path_length,
                 uint64_t time_ns)
{
    struct trace_record *record = &trace->kept[trace->kept_count++ % TRACE_KEPT];
    const char *path = event->path;

    record->time_ns = time_ns;
    record->a = event->a;
    record->b = event->b;
    record->c = event->c;
    record->length = event->length;
    record->result = event->result;
    record->domid = event->domid;
    record->peer = event->peer;
    record->device = event->device;
    record->queue = event->queue;
    record->kind = (uint8_t)event->kind;
    record->path_cut = path_length > TRACE_PATH_KEPT - 1;
    if (record->path_cut) {
        path += path_length - (TRACE_PATH_KEPT - 1);
        path_length = TRACE_PATH_KEPT - 1;
    }
    record->path_length = (uint8_t)path_length;
    if (path_length != 0)
        memcpy(record->path, path, path_length);
    record->path[path_length] = 0;
    record->bytes_length = 0;
    if (event->bytes != NULL && event->length != 0) {
        record->bytes_length =
            (uint8_t)(event->length < TRACE_BYTES_KEPT ? event->length : TRACE_BYTES_KEPT);
        memcpy(record->bytes, event->bytes, record->bytes_length);
    }
}

void simback_emit(struct simback_world *world, const struct simback_event *event)
{
    struct trace *trace = &world->trace;
    uint64_t time_ns = world->now;

    if (is_hashed(event->kind))
        trace->count++;
    if (world->quiet)
        return;
    if (!is_access(event->kind)) {
        size_t path_length = event->path == NULL ? 0 : strlen(event->path);

        if (world->options.trace_hash && is_hashed(event->kind))
            trace->hash = fold(trace->hash, event, path_length, time_ns);
        keep(trace, event, path_length, time_ns);
    }
    if (trace->sink != NULL)
        trace->sink(trace->sink_context, event, time_ns);
    if (world->monitor != NULL)
        monitor_learn(world->monitor, event);
    if (world->options.rules && world->oracle != NULL)
        oracle_event(world, event, time_ns);
    if (world->monitor != NULL)
        monitor_event(world, event, time_ns);
}

uint64_t simback_trace_hash(const struct simback_world *world)
{
    return world->trace.hash;
}

uint64_t simback_event_count(const struct simback_world *world)
{
    return world->trace.count;
}

void simback_trace_to(struct simback_world *world,
                      void (*sink)(void *context, const struct simback_event *event,
                                   uint64_t time_ns),
                      void *context)
{
    world->trace.sink = sink;
    world->trace.sink_context = context;
    world->quiet = !world->options.trace_hash && !world->options.rules && sink == NULL;
}

void simback_last_events(const struct simback_world *world, uint32_t lines,
                         void (*line)(void *context, const char *text), void *context)
{
    const struct trace *trace = &world->trace;
    uint64_t there = trace->kept_count - trace->kept_from;

    if (there > TRACE_KEPT)
        there = TRACE_KEPT;
    if (lines > there)
        lines = (uint32_t)there;
    for (uint64_t at = trace->kept_count - lines; at < trace->kept_count; at++) {
        char text[320];

        event_text_record(&trace->kept[at % TRACE_KEPT], text, sizeof(text));
        line(context, text);
    }
}
