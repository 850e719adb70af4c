/* SPDX-License-Identifier: ISC */
/*
 * Hears every event of the world: counts what conditions ask for, keeps the frontend's log lines,
 * notes what the current step has reached, writes the text trace when somebody wants it, and tells
 * whoever listens. Judges nothing: that is the oracle's matter.
 */
#include "runner.h"

#include <string.h>

enum { TRACE_LINE = 512 };

/* Both ABIs, from the slot's bytes: the one that has 112 has its id four bytes later. */
static uint64_t slot_word(const struct simback_event *event, size_t offset_64)
{
    size_t offset = event->length >= BLKIF_WIRE_SLOT_64 ? offset_64 : offset_64 - 4;
    uint64_t value = 0;

    if (offset + sizeof(value) <= event->length) {
        memcpy(&value, (const unsigned char *)event->bytes + offset, sizeof(value));
    }
    return value;
}

/* A barrier with data is a write, one without a flush. */
static enum blkfront_operation request_kind(uint8_t op, uint32_t segments)
{
    switch (op) {
    case BLKIF_WIRE_READ: return BLKFRONT_READ;
    case BLKIF_WIRE_WRITE: return BLKFRONT_WRITE;
    case BLKIF_WIRE_WRITE_BARRIER: return segments != 0 ? BLKFRONT_WRITE : BLKFRONT_FLUSH;
    case BLKIF_WIRE_DISCARD: return BLKFRONT_DISCARD;
    default: return BLKFRONT_FLUSH;
    }
}

static bool fits(const struct scenario_runner *runner, const struct call *call, uint16_t number,
                 enum blkfront_operation kind, uint64_t sector_512)
{
    uint64_t units = call->sector_size / BLKIF_WIRE_UNIT;

    if (call->kind != CALL_REQUEST || call->request.operation != kind ||
        runner->fronts[call->front].number != number) {
        return false;
    }
    return kind == BLKFRONT_FLUSH || (sector_512 / units >= call->sector &&
                                      sector_512 / units - call->sector < call->sectors);
}

/* The parts of a call come one after the other. */
static bool is_further(const struct call *call, uint64_t sector_512)
{
    return !call->on_this_ring || sector_512 > call->ring_sector_512;
}

/* Which call of the application this ring request is part of: the oldest that it fits and that was
 * not asked for these sectors already. Its number; 0: none. */
static uint64_t note_ring_request(struct scenario_runner *runner, uint16_t number, uint64_t id,
                                  uint8_t op, enum blkfront_operation kind, uint64_t sector_512)
{
    struct call *found = NULL, *oldest = NULL;

    for (struct call *call = runner->pending; call != NULL && found == NULL; call = call->next) {
        if (fits(runner, call, number, kind, sector_512)) {
            oldest = oldest == NULL ? call : oldest;
            found = is_further(call, sector_512) ? call : NULL;
        }
    }
    found = found == NULL ? oldest : found;
    if (found == NULL) {
        return 0;
    }
    found->on_ring = true;
    found->ring_id = id;
    found->ring_op = op;
    found->on_this_ring = true;
    found->ring_sector_512 = sector_512;
    return found->number;
}

/* What is not answered will be asked for again, from its first sector. */
static void note_ring(struct scenario_runner *runner, uint16_t number)
{
    for (struct call *call = runner->pending; call != NULL; call = call->next) {
        if (runner->fronts[call->front].number == number) {
            call->on_this_ring = false;
        }
    }
}

static void note_request(struct scenario_runner *runner, const struct simback_event *event)
{
    struct device_counts *counts = &runner->counts[event->device];
    const unsigned char *slot = event->bytes;
    uint32_t segments = 0;
    uint8_t op, inner;

    counts->last_request = 0;
    if (event->length < 12) {
        return;
    }
    op = slot[0];
    inner = op;
    counts->requests++;
    if (op == BLKIF_WIRE_INDIRECT) {
        inner = slot[1];
        segments = (uint32_t)slot[2] | (uint32_t)slot[3] << 8;
    } else if (op == BLKIF_WIRE_READ || op == BLKIF_WIRE_WRITE || op == BLKIF_WIRE_WRITE_BARRIER) {
        segments = slot[1];
    }
    counts->segments += segments;
    if (op < 7) {
        counts->by_op[op]++;
    }
    if (op == BLKIF_WIRE_INDIRECT && inner < BLKIF_WIRE_INDIRECT) {
        counts->by_op[inner]++;
    }
    counts->seen = true;
    counts->last_id = slot_word(event, 8);
    counts->last_op = op;
    counts->last_request = note_ring_request(runner, event->device, counts->last_id, op,
                                             request_kind(inner, segments), slot_word(event, 16));
}

static void keep_log(struct scenario_runner *runner, const char *line)
{
    size_t length = line == NULL ? 0 : strlen(line);

    if (length >= LOG_BYTES - runner->log_length) {
        return;
    }
    memcpy(runner->log + runner->log_length, line == NULL ? "" : line, length + 1);
    runner->log_length += length + 1;
}

/* ---- what is counted of each kind ---- */

static void count_store(struct scenario_runner *runner, const struct simback_event *event)
{
    (void)event;
    runner->effects |= EFFECT_STORE;
    runner->states_dirty = true;
}

static void count_transaction(struct scenario_runner *runner, const struct simback_event *event)
{
    (void)event;
    runner->states_dirty = true;
}

static void count_call(struct scenario_runner *runner, const struct simback_event *event)
{
    (void)event;
    runner->effects |= EFFECT_FRONTEND;
}

static void count_log(struct scenario_runner *runner, const struct simback_event *event)
{
    if (event->domid == simback_guest(runner->world)) {
        keep_log(runner, event->path);
    }
}

static void count_attach(struct scenario_runner *runner, const struct simback_event *event)
{
    note_ring(runner, event->device);
}

static void count_index(struct scenario_runner *runner, const struct simback_event *event)
{
    (void)event;
    runner->effects |= EFFECT_RING;
}

static void count_request(struct scenario_runner *runner, const struct simback_event *event)
{
    runner->effects |= EFFECT_RING;
    if (event->device < SCENARIO_DEVICES_MAX) {
        note_request(runner, event);
    }
}

static void count_response(struct scenario_runner *runner, const struct simback_event *event)
{
    runner->effects |= EFFECT_RING;
    if (event->device < SCENARIO_DEVICES_MAX) {
        runner->counts[event->device].responses++;
    }
}

static void count_notify(struct scenario_runner *runner, const struct simback_event *event)
{
    struct device_counts *counts;

    if (event->device >= SCENARIO_DEVICES_MAX || event->result != 0) {
        return;
    }
    counts = &runner->counts[event->device];
    if (event->domid == simback_guest(runner->world)) {
        counts->notifies++;
    } else {
        counts->events++;
    }
}

/* Kinds that are not here are not counted by themselves. */
static void (*const counters[SIMBACK_EVENT_KINDS])(struct scenario_runner *runner,
                                                   const struct simback_event *event) = {
    [SIMBACK_STORE_WRITE] = count_store,
    [SIMBACK_STORE_REMOVE] = count_store,
    [SIMBACK_TRANSACTION_END] = count_transaction,
    [SIMBACK_CALL] = count_call,
    [SIMBACK_LOG] = count_log,
    [SIMBACK_RING_ATTACH] = count_attach,
    [SIMBACK_RING_INDEX] = count_index,
    [SIMBACK_RING_REQUEST] = count_request,
    [SIMBACK_RING_RESPONSE] = count_response,
    [SIMBACK_NOTIFY] = count_notify,
};

static void count_event(struct scenario_runner *runner, const struct simback_event *event)
{
    if ((simback_event_form(event->kind)->flags & SIMBACK_OUTWARD) != 0) {
        runner->happenings++;
    }
    if (counters[event->kind] != NULL) {
        counters[event->kind](runner, event);
    }
}

void sink_begin(struct scenario_runner *runner)
{
    memset(runner->counts, 0, sizeof(runner->counts));
    runner->happenings = 0;
    runner->effects = 0;
    runner->log_length = 0;
    runner->states_dirty = true;
}

void sink_tell_begin(struct scenario_runner *runner)
{
    for (const struct scenario_listener *one = runner->options.listener; one != NULL;
         one = one->next) {
        one->begin(one->context);
    }
}

void sink_tell_over(struct scenario_runner *runner)
{
    for (const struct scenario_listener *one = runner->options.listener; one != NULL;
         one = one->next) {
        if (one->over != NULL) {
            one->over(one->context);
        }
    }
}

void sink_tell_broken(struct scenario_runner *runner)
{
    const struct scenario_listener *first = runner->options.listener;
    const struct simback_violation *violation;

    while (first != NULL &&
           (violation = simback_violation(runner->world, runner->violations_told)) != NULL) {
        runner->violations_told++;
        for (const struct scenario_listener *one = first; one != NULL; one = one->next) {
            one->broken(one->context, violation);
        }
    }
}

static void tell_event(struct scenario_runner *runner, const struct simback_event *event,
                       uint64_t time_ns)
{
    bool guest = event->domid == simback_guest(runner->world);
    uint64_t request = 0;

    if (event->kind == SIMBACK_RING_REQUEST && event->device < SCENARIO_DEVICES_MAX) {
        request = runner->counts[event->device].last_request;
    }
    for (const struct scenario_listener *one = runner->options.listener; one != NULL;
         one = one->next) {
        one->event(one->context, event, time_ns, guest, request);
    }
}

void sink_event(void *context, const struct simback_event *event, uint64_t time_ns)
{
    struct scenario_runner *runner = context;

    sink_tell_broken(runner);
    count_event(runner, event);
    if (event->kind == SIMBACK_FAULT && event->path != NULL && strcmp(event->path, "status") == 0)
        strike_fault_seen(runner, event->b);
    if (runner->options.listener != NULL) {
        tell_event(runner, event, time_ns);
    }
    if (runner->options.trace != NULL) {
        char line[TRACE_LINE];

        simback_event_text(runner->world, event, time_ns, line, sizeof(line));
        runner->options.trace(runner->options.trace_context, line);
    }
}
