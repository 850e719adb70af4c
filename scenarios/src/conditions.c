/* SPDX-License-Identifier: ISC */
/*
 * Conditions: one getter for each line of conditions.def (a line without one does not compile), and
 * the comparison. A getter that has nothing to tell fails the condition whichever way it is
 * written.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "runner.h"
#include "scenario/text.h"

/* What a getter finds: a number or a text. */
struct found {
    uint64_t number;
    const char *text;
};

/* Where a getter looks. */
struct place {
    struct scenario_runner *runner;
    const struct scenario_step *step;
    const struct scenario_condition *condition;
    struct front *front; /* NULL: no handle */
    unsigned number;     /* of the device in the world */
};

typedef bool (*getter)(const struct place *place, struct found *found);

#define GET(name_) static bool get_##name_(const struct place *place, struct found *found)

/* ---- results ---- */

/* The number is the fill itself where the data are its pattern, and no fill else. */
GET(DATA)
{
    const struct call *call = place->runner->result.call;
    uint64_t wrong = 0;

    if (call == NULL || !call->completed || call->buffers == NULL ||
        call->request.operation != BLKFRONT_READ) {
        return false;
    }
    found->number = buffers_hold(call, (uint8_t)place->condition->value, &wrong)
                        ? place->condition->value
                        : UINT64_MAX;
    return true;
}

GET(COUNT)
{
    found->number = place->runner->result.count;
    return place->runner->result.has_count;
}

#define GET_INFO(name_, expression)                                     \
    GET(name_)                                                          \
    {                                                                   \
        const struct blkfront_info *info = &place->runner->result.info; \
                                                                        \
        found->number = (uint64_t)(expression);                         \
        return place->runner->result.has_info;                          \
    }

GET_INFO(READ_WRITE, info->read_write)
GET_INFO(SECTOR_SIZE, info->sector_size)
GET_INFO(SECTORS, info->size_sectors)
GET_INFO(PHYSICAL_SECTOR_SIZE, info->physical_sector_size)
GET_INFO(VDEV, info->vdev)
GET_INFO(REMOVABLE, info->removable)
GET_INFO(CDROM, info->cdrom)
GET_INFO(FLOPPY, info->floppy)
GET_INFO(QUEUES, info->queues)
GET_INFO(ORDER, info->ring_order)
GET_INFO(SEGMENTS, info->segments)
GET_INFO(PERSISTENT, info->persistent)
GET_INFO(DISCARD, info->discard)
GET_INFO(DISCARD_SECURE, info->discard_secure)
GET_INFO(DISCARD_GRANULARITY, info->discard_granularity)
GET_INFO(DISCARD_ALIGNMENT, info->discard_alignment)
GET_INFO(BARRIER, info->barrier)
GET_INFO(BACKEND_ID, info->backend_id)

GET(FLUSH)
{
    static const unsigned worths[] = {[BLKFRONT_FLUSH_NONE] = CHOICE_FLUSH_WORTH_NOTHING,
                                      [BLKFRONT_FLUSH_DRAIN] = CHOICE_FLUSH_WORTH_DRAIN,
                                      [BLKFRONT_FLUSH_BARRIER] = CHOICE_FLUSH_WORTH_BARRIER,
                                      [BLKFRONT_FLUSH_CACHE] = CHOICE_FLUSH_WORTH_CACHE_FLUSH};
    unsigned worth = (unsigned)place->runner->result.info.flush;

    found->number = worth < sizeof(worths) / sizeof(worths[0]) ? worths[worth] : UINT64_MAX;
    return place->runner->result.has_info;
}

GET(PATH)
{
    found->text = place->runner->result.info.backend_path;
    return place->runner->result.has_info;
}

GET(DETAIL)
{
    found->text = result_detail(place->runner);
    return true;
}

/* ---- states ---- */

GET(DEVICE)
{
    static const unsigned states[] = {[BLKFRONT_CONNECTING] = CHOICE_DEVICE_STATE_CONNECTING,
                                      [BLKFRONT_CONNECTED] = CHOICE_DEVICE_STATE_CONNECTED,
                                      [BLKFRONT_RECOVERING] = CHOICE_DEVICE_STATE_RECOVERING,
                                      [BLKFRONT_DISCONNECTING] = CHOICE_DEVICE_STATE_DISCONNECTING,
                                      [BLKFRONT_CLOSED] = CHOICE_DEVICE_STATE_CLOSED,
                                      [BLKFRONT_FAILED] = CHOICE_DEVICE_STATE_FAILED};
    unsigned state;

    found->number = CHOICE_DEVICE_STATE_NONE;
    if (place->front != NULL) {
        state = (unsigned)place->runner->subject->device_state(place->front->device);
        found->number = state < sizeof(states) / sizeof(states[0]) ? states[state] : UINT64_MAX;
    }
    return true;
}

GET(FRONT)
{
    found->number = node_state(place->runner, place->number, true);
    return true;
}

GET(BACK)
{
    found->number = node_state(place->runner, place->number, false);
    return true;
}

GET(REASON)
{
    found->text = result_detail(place->runner);
    return true;
}

/* ---- the ring ---- */

#define GET_COUNT(name_, expression)                                                \
    GET(name_)                                                                      \
    {                                                                               \
        const struct device_counts *counts = &place->runner->counts[place->number]; \
                                                                                    \
        found->number = (expression);                                               \
        return true;                                                                \
    }

GET_COUNT(REQUESTS, counts->requests)
GET_COUNT(REQUESTS_READ, counts->by_op[BLKIF_WIRE_READ])
GET_COUNT(REQUESTS_WRITE, counts->by_op[BLKIF_WIRE_WRITE])
GET_COUNT(REQUESTS_FLUSH, counts->by_op[BLKIF_WIRE_FLUSH_DISKCACHE])
GET_COUNT(REQUESTS_BARRIER, counts->by_op[BLKIF_WIRE_WRITE_BARRIER])
GET_COUNT(REQUESTS_DISCARD, counts->by_op[BLKIF_WIRE_DISCARD])
GET_COUNT(REQUESTS_INDIRECT, counts->by_op[BLKIF_WIRE_INDIRECT])
GET_COUNT(SEGMENTS_SEEN, counts->segments)
GET_COUNT(RESPONSES, counts->responses)
GET_COUNT(NOTIFIES, counts->notifies)
GET_COUNT(EVENTS, counts->events)

static bool counters_of(const struct place *place, struct simback_backend_counters *counters)
{
    struct simback_backend *backend =
        simback_world_backend(place->runner->world, (uint16_t)place->number);

    if (backend != NULL) {
        simback_backend_get_counters(backend, counters);
    }
    return backend != NULL;
}

GET(COMPLAINTS)
{
    struct simback_backend_counters counters;

    if (!counters_of(place, &counters)) {
        return false;
    }
    found->number = counters.complaints;
    return true;
}

GET(COMPLAINT)
{
    const struct simback_backend *backend =
        simback_world_backend(place->runner->world, (uint16_t)place->number);

    found->text = backend == NULL ? NULL : simback_backend_complaint(backend);
    return backend != NULL;
}

GET(HELD)
{
    struct simback_backend_counters counters;

    if (!counters_of(place, &counters)) {
        return false;
    }
    found->number = counters.held;
    return true;
}

/* ---- what the frontend uses ---- */

static bool read_statistics(const struct place *place, struct blkfront_statistics *statistics)
{
    if (place->front == NULL || place->runner->subject->get_statistics == NULL) {
        return false;
    }
    place->runner->subject->get_statistics(place->front->device, statistics);
    return true;
}

#define GET_STATISTIC(name_, member)                            \
    GET(name_)                                                  \
    {                                                           \
        struct blkfront_statistics statistics = {0};            \
        const bool there = read_statistics(place, &statistics); \
                                                                \
        found->number = statistics.member;                      \
        return there;                                           \
    }

GET_STATISTIC(DIRECT, direct)
GET_STATISTIC(COPIED, bytes_copied)
GET_STATISTIC(BOUNCED, bounced)
GET_STATISTIC(INDIRECT, indirect)
GET_STATISTIC(INNER_OP_TOLERATED, inner_op_tolerated)
GET_STATISTIC(GRANTS_MADE, grants)
GET_STATISTIC(GRANTS_REUSED, grants_reused)
GET_STATISTIC(REISSUED, reissued)
GET_STATISTIC(RECONNECTS, reconnects)
GET_STATISTIC(COMPLETED, requests)
GET_STATISTIC(TOLD_REQUESTS, ring_requests)
GET_STATISTIC(TOLD_NOTIFIES, notifications)
GET_STATISTIC(TOLD_EVENTS, events)
GET_STATISTIC(TOLD_SPURIOUS, spurious_events)

GET(TOLD_CHANGES)
{
    found->number = place->front == NULL ? 0 : place->front->changes;
    return place->front != NULL;
}

GET(LOADED)
{
    found->number = simback_data_loaded(place->runner->world);
    return true;
}

GET(PENDING)
{
    found->number = place->runner->pending_count;
    return true;
}

static void read_ledger(const struct simback_world *world, struct simback_ledger *ledger)
{
    simback_get_ledger(world, simback_guest(world), ledger);
}

#define GET_LEDGER(name_, member)                   \
    GET(name_)                                      \
    {                                               \
        struct simback_ledger ledger;               \
                                                    \
        read_ledger(place->runner->world, &ledger); \
        found->number = ledger.member;              \
        return true;                                \
    }

GET_LEDGER(GRANTS, grants)
GET_LEDGER(MAPPED, mapped)
GET_LEDGER(PORTS, ports)
GET_LEDGER(WATCHES, watches)
GET_LEDGER(ALLOCATIONS, allocations)

/* Asked of the subject where it can tell; where the platform keeps the pages, of the platform. */
GET(QUARANTINED)
{
    struct simback_ledger ledger;

    read_ledger(place->runner->world, &ledger);
    found->number = ledger.deferred;
    if (place->runner->subject->quarantined != NULL) {
        front_enter(place->runner, SIMBACK_NO_DEVICE, "quarantined");
        found->number += place->runner->subject->quarantined(place->runner->context);
        front_leave(place->runner, SIMBACK_NO_DEVICE, "quarantined", 0);
    }
    return true;
}

GET(TIME)
{
    found->number = simback_now(place->runner->world);
    return true;
}

static const getter getters[] = {
#define CONDITION(name, ...) [CONDITION_##name] = get_##name,
#include "scenario/conditions.def"
#undef CONDITION
};

/* ---- comparing ---- */

static bool compare_numbers(uint64_t a, uint64_t b, uint8_t compare)
{
    switch ((enum scenario_compare)compare) {
    case SCENARIO_EQUAL: return a == b;
    case SCENARIO_UNEQUAL: return a != b;
    case SCENARIO_LESS: return a < b;
    case SCENARIO_LESS_EQUAL: return a <= b;
    case SCENARIO_GREATER: return a > b;
    case SCENARIO_GREATER_EQUAL: return a >= b;
    }
    return false;
}

static bool contains(const char *text, const char *part, size_t length)
{
    size_t text_length = strlen(text);

    for (size_t i = 0; i + length <= text_length; i++) {
        if (memcmp(text + i, part, length) == 0) {
            return true;
        }
    }
    return false;
}

static bool holds(const struct place *place, const struct found *found)
{
    const struct scenario_condition *condition = place->condition;
    struct scenario_string part;

    if (found->text == NULL) {
        return compare_numbers(found->number, condition->value, condition->compare);
    }
    part = scenario_unpack(condition->value);
    return contains(found->text, scenario_text(place->runner->program, part), part.length) ==
           (condition->compare != SCENARIO_UNEQUAL);
}

/* What was found, as the condition would have been written. */
static void found_words(const struct place *place, bool there, const struct found *found,
                        char *text, size_t size)
{
    const struct scenario_condition_row *row =
        scenario_condition_row((enum scenario_condition_key)place->condition->key);

    if (!there) {
        snprintf(text, size, "there is no %s to compare", row->name);
    } else if (found->text != NULL) {
        snprintf(text, size, "%s is \"%s\"", row->name, found->text);
    } else if (row->type == SCENARIO_TYPE_CHOICE) {
        const char *word = scenario_choice((enum scenario_choices)row->min, (size_t)found->number);

        snprintf(text, size, "%s is %s", row->name, word == NULL ? "no word for it" : word);
    } else if (place->condition->key == CONDITION_DATA) {
        snprintf(text, size, "the data %s that pattern",
                 found->number == UINT64_MAX ? "are not" : "are");
    } else {
        snprintf(text, size, "%s is %" PRIu64 "%s", row->name, found->number,
                 row->type == SCENARIO_TYPE_TIME ? " ns" : "");
    }
}

void conditions_judge(struct scenario_runner *runner, const struct scenario_step *step)
{
    struct place place = {.runner = runner, .step = step, .front = front_of(runner, step->device)};

    place.number = place.front == NULL ? step->device : place.front->number;
    for (unsigned i = 0; i < step->condition_count && !runner->stopped; i++) {
        struct found found = {0, NULL};
        char text[200], words[160];
        bool there;

        place.condition = &runner->program->conditions[step->first_condition + i];
        there = getters[place.condition->key](&place, &found);
        if (there && holds(&place, &found)) {
            continue;
        }
        step_text(runner, step, text, sizeof(text));
        found_words(&place, there, &found, words, sizeof(words));
        run_stop(runner, SCENARIO_FAILED, 0, "%s: %s", text, words);
    }
}
