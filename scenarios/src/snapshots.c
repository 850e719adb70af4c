/* SPDX-License-Identifier: ISC */
/*
 * Where runs can begin that begin alike: what world and runner are after the first `connect` of a
 * program, or after as many steps as the caller says, found by all that has led there. A program
 * that begins as one before goes on from there, and ends as if it had been played from its first
 * step: a fuzzer's inputs differ mostly in what comes later, and a device takes longer to connect
 * than to break.
 *
 * What support_missing and other questions to a whole program may change is a part of what it is
 * found by, or asked anew.
 */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "runner.h"
#include "scenario/text.h"

enum {
    PLACES = 64,       /* snapshots; a newer one takes the place of an older in the end */
    FIRM = 4,          /* so many others want the place of one first that was of use */
    SEEN = 1024,       /* of beginnings that came once: a snapshot is worth the second time */
    STEPS_MAX = 32,    /* up to the first `connect` */
    WORLD_STEPS = 5000 /* of the world in it: none is near to any limit (I4) */
};

/* Members of the runner between these two are copied whole; the others one by one. */
#define FIRST_PART_BEGIN offsetof(struct scenario_runner, context)
#define FIRST_PART_END   offsetof(struct scenario_runner, queue_actors)
#define LAST_PART_BEGIN  offsetof(struct scenario_runner, names_used_count)
#define LAST_PART_END    offsetof(struct scenario_runner, log)

struct snapshot {
    struct simback_snapshot *world; /* NULL: the place is free */
    struct scenario_buffer key;
    struct scenario_buffer runner; /* as `write_runner` says */
    struct scenario_verdict verdict;
    unsigned firm; /* so many more who want its place have to go without */
};

/* Of the program that is played. */
struct beginning {
    struct scenario_buffer key;
    uint64_t hash; /* of the key; for its place, where it has one of several */
    size_t steps;  /* after which it is to be kept; 0: not */
};

struct scenario_snapshots {
    struct snapshot places[PLACES]; /* after a first `connect` */
    struct snapshot common;         /* after as many steps as programs have in common for now */
    uint64_t seen[SEEN];
    struct beginning connects, shares;
    uint64_t used;
};

struct scenario_snapshots *scenario_snapshots_create(void)
{
    return calloc(1, sizeof(struct scenario_snapshots));
}

static void empty(struct snapshot *snapshot)
{
    simback_snapshot_free(snapshot->world);
    snapshot->world = NULL;
    scenario_buffer_clear(&snapshot->key);
    scenario_buffer_clear(&snapshot->runner);
}

void scenario_snapshots_destroy(struct scenario_snapshots *snapshots)
{
    if (snapshots == NULL) {
        return;
    }
    for (unsigned i = 0; i < PLACES; i++) {
        empty(&snapshots->places[i]);
        scenario_buffer_fini(&snapshots->places[i].key);
        scenario_buffer_fini(&snapshots->places[i].runner);
    }
    empty(&snapshots->common);
    scenario_buffer_fini(&snapshots->common.key);
    scenario_buffer_fini(&snapshots->common.runner);
    scenario_buffer_fini(&snapshots->connects.key);
    scenario_buffer_fini(&snapshots->shares.key);
    free(snapshots);
}

uint64_t scenario_snapshots_used(const struct scenario_snapshots *snapshots)
{
    return snapshots->used;
}

/* ---- what it is found by ---- */

static void add_value(struct scenario_buffer *key, const void *value, size_t size)
{
    scenario_buffer_add(key, value, size);
}

/* Strings lie elsewhere in each program: their bytes count. */
static void add_step(struct scenario_buffer *key, const struct scenario_program *program,
                     const struct scenario_step *step)
{
    const struct scenario_row *row = scenario_row(step->opcode);
    const uint8_t head[2] = {step->opcode, step->device};
    const uint8_t result[4] = {step->result, step->result_negated, step->negated,
                               step->condition_count != 0};

    add_value(key, head, sizeof(head));
    add_value(key, result, sizeof(result));
    add_value(key, &step->position, sizeof(step->position));
    add_value(key, &step->given, sizeof(step->given));
    for (unsigned i = 0; i < row->field_count; i++) {
        enum scenario_type type = (enum scenario_type)row->fields[i].type;

        if (!scenario_given(step, i)) {
            continue; /* the row's default */
        }
        if (type == SCENARIO_TYPE_STRING ||
            (type == SCENARIO_TYPE_OPEN && scenario_is_name(step->values[i]))) {
            struct scenario_string string = type == SCENARIO_TYPE_STRING
                                                ? scenario_string_of(step, i)
                                                : scenario_open_name(step->values[i]);

            add_value(key, &string.length, sizeof(string.length));
            add_value(key, scenario_text(program, string), string.length);
        } else {
            add_value(key, &step->values[i], sizeof(step->values[i]));
        }
    }
}

/* Questions to the whole program. */
static void add_whole(struct scenario_buffer *key, const struct scenario_runner *runner)
{
    struct simback_world_options options;
    uint8_t whole[3];

    run_world_options(runner, &options);
    whole[0] = options.power_may_fail;
    whole[1] = runner->has_beside;
    whole[2] = runner->rules_only;
    add_value(key, whole, sizeof(whole));
    add_value(key, &runner->tolerated, sizeof(runner->tolerated));
}

/* A device is connected with the deadline of the disconnect that comes first after that. */
static void add_deadline(struct scenario_buffer *key, const struct scenario_program *program,
                         size_t connect)
{
    for (size_t i = connect + 1; i < program->step_count; i++) {
        const struct scenario_step *step = &program->steps[i];

        if (step->opcode == STEP_DISCONNECT && step->device == program->steps[connect].device) {
            add_value(key, &step->values[FIELD_DISCONNECT_DEADLINE],
                      sizeof(step->values[FIELD_DISCONNECT_DEADLINE]));
            return;
        }
    }
}

/* Up to the first `connect`; 0: there is none. */
static size_t to_connect(const struct scenario_program *program)
{
    for (size_t i = 0; i < program->step_count && i < STEPS_MAX; i++) {
        if (program->steps[i].opcode == STEP_CONNECT) {
            return i + 1;
        }
    }
    return 0;
}

/* Conditions look at more than is kept. */
static bool has_condition(const struct scenario_program *program, size_t steps)
{
    for (size_t i = 0; i < steps; i++) {
        if (program->steps[i].condition_count != 0) {
            return true;
        }
    }
    return false;
}

static bool may_use(const struct scenario_runner *runner)
{
    const struct scenario_run_options *options = &runner->options;

    return options->live == NULL && !options->share_only && options->choose == NULL &&
           options->trace == NULL && options->listener == NULL &&
           options->strike.kind == SCENARIO_STRIKE_NONE && options->dialects == NULL &&
           options->disk == NULL && !options->may_open_files && options->break_step == 0;
}

/* ---- the runner's part ---- */

/* Reading and writing it is the same walk. */
static void copy(struct scenario_buffer *buffer, size_t *at, void *memory, size_t size)
{
    if (at == NULL) {
        scenario_buffer_add(buffer, memory, size);
    } else if (size != 0) {
        memcpy(memory, buffer->data + *at, size);
        *at += size;
    }
}

static void copy_device(struct scenario_buffer *buffer, size_t *at, struct scenario_runner *runner,
                        unsigned device)
{
    if (runner->has_actors[device]) {
        copy(buffer, at, runner->queue_actors[device],
             runner->queue_actor_count[device] * sizeof(runner->queue_actors[device][0]));
    }
    if (runner->has_backend[device]) {
        copy(buffer, at, &runner->backends[device], sizeof(runner->backends[device]));
        copy(buffer, at, runner->params[device], sizeof(runner->params[device]));
    }
}

static void copy_runner(struct scenario_buffer *buffer, size_t *at, struct scenario_runner *runner)
{
    unsigned char *bytes = (unsigned char *)runner;

    copy(buffer, at, bytes + FIRST_PART_BEGIN, FIRST_PART_END - FIRST_PART_BEGIN);
    copy(buffer, at, runner->queue_actor_count, sizeof(runner->queue_actor_count));
    copy(buffer, at, runner->has_actors, sizeof(runner->has_actors));
    copy(buffer, at, runner->has_backend, sizeof(runner->has_backend));
    for (unsigned device = 0; device < SCENARIO_DEVICES_MAX; device++) {
        copy_device(buffer, at, runner, device);
    }
    copy(buffer, at, &runner->dialects.count, sizeof(runner->dialects.count));
    copy(buffer, at, runner->dialects.list,
         runner->dialects.count * sizeof(runner->dialects.list[0]));
    copy(buffer, at, bytes + LAST_PART_BEGIN, LAST_PART_END - LAST_PART_BEGIN);
    copy(buffer, at, runner->log, runner->log_length);
    for (uint32_t i = 0; i < runner->names_used_count; i++) {
        uint16_t *name = &runner->names_used[i];

        copy(buffer, at, name, sizeof(*name));
        copy(buffer, at, &runner->names[*name], sizeof(void *));
        copy(buffer, at, &runner->rule_device[*name], sizeof(runner->rule_device[0]));
    }
}

/* ---- coming back ---- */

static struct snapshot *place_of(struct scenario_snapshots *snapshots,
                                 const struct beginning *beginning)
{
    return beginning == &snapshots->shares ? &snapshots->common
                                           : &snapshots->places[beginning->hash % PLACES];
}

static bool is_this(const struct snapshot *snapshot, const struct scenario_buffer *key)
{
    return snapshot->world != NULL && snapshot->key.length == key->length &&
           memcmp(snapshot->key.data, key->data, key->length) == 0;
}

/* False: the program has no such beginning. */
static bool begins(struct scenario_runner *runner, struct beginning *beginning, size_t steps)
{
    const struct scenario_program *program = runner->program;
    struct scenario_buffer *key = &beginning->key;

    if (steps == 0 || steps > program->step_count || has_condition(program, steps)) {
        return false;
    }
    scenario_buffer_clear(key);
    add_whole(key, runner);
    add_step(key, program, &program->world);
    for (size_t i = 0; i < steps; i++) {
        add_step(key, program, &program->steps[i]);
        if (program->steps[i].opcode == STEP_CONNECT) {
            add_deadline(key, program, i);
        }
    }
    if (beginning == &runner->options.snapshots->connects) {
        beginning->hash = simback_fold(0, key->data, key->length);
    }
    beginning->steps = key->failed ? 0 : steps;
    return !key->failed;
}

/* From the snapshot, if it is there. */
static size_t load(struct scenario_runner *runner, struct beginning *beginning)
{
    struct scenario_snapshots *snapshots = runner->options.snapshots;
    struct snapshot *snapshot = place_of(snapshots, beginning);
    size_t steps = beginning->steps, at = 0;
    char reason[SCENARIO_REASON_MAX];

    if (!is_this(snapshot, &beginning->key) ||
        support_missing(runner->program, runner->subject, reason, sizeof(reason))) {
        return 0;
    }
    beginning->steps = 0; /* it is there */
    snapshot->firm = FIRM;
    snapshots->used++;
    simback_world_load(runner->world, snapshot->world,
                       runner->options.max_steps != 0
                           ? runner->options.max_steps
                           : scenario_value(&runner->program->world, FIELD_WORLD_MAX_STEPS));
    copy_runner(&snapshot->runner, &at, runner);
    *runner->verdict = snapshot->verdict;
    runner->step = &runner->program->steps[steps - 1];
    return steps;
}

size_t snapshots_load(struct scenario_runner *runner)
{
    struct scenario_snapshots *snapshots = runner->options.snapshots;
    size_t steps = 0;

    if (snapshots == NULL) {
        return 0;
    }
    snapshots->connects.steps = snapshots->shares.steps = 0;
    if (!may_use(runner)) {
        return 0;
    }
    if (begins(runner, &snapshots->shares, runner->options.steps_shared)) {
        steps = load(runner, &snapshots->shares);
    }
    if (steps == 0 && begins(runner, &snapshots->connects, to_connect(runner->program))) {
        steps = load(runner, &snapshots->connects);
    }
    return steps;
}

/* ---- keeping ---- */

/* Saving takes as long as some inputs do: where many beginnings share a place they would take it
 * from each other, of use to none. */
static bool yields(struct snapshot *snapshot)
{
    if (snapshot->world == NULL || snapshot->firm == 0) {
        return true;
    }
    snapshot->firm--;
    return false;
}

/* Of those that the caller knows to be shared every one; of others those that come again. */
static bool is_worth_it(const struct scenario_runner *runner, const struct beginning *beginning)
{
    struct scenario_snapshots *snapshots = runner->options.snapshots;
    bool before = beginning == &snapshots->shares;

    if (!before) {
        uint64_t *seen = &snapshots->seen[beginning->hash / PLACES % SEEN];

        before = *seen == beginning->hash && yields(place_of(snapshots, beginning));
        *seen = beginning->hash;
    }
    return before && !runner->stopped && runner->load_count == 0 &&
           simback_steps(runner->world) < WORLD_STEPS;
}

static void keep(struct scenario_runner *runner, const struct beginning *beginning)
{
    struct snapshot *snapshot = place_of(runner->options.snapshots, beginning);
    struct simback_snapshot *old = snapshot->world;

    snapshot->world = NULL;
    scenario_buffer_clear(&snapshot->key);
    scenario_buffer_clear(&snapshot->runner);
    scenario_buffer_add(&snapshot->key, beginning->key.data, beginning->key.length);
    copy_runner(&snapshot->runner, NULL, runner);
    if (snapshot->key.failed || snapshot->runner.failed) {
        simback_snapshot_free(old);
        return;
    }
    snapshot->world = simback_world_save(runner->world, old);
    snapshot->verdict = *runner->verdict;
    snapshot->firm = FIRM;
}

void snapshots_offer(struct scenario_runner *runner, size_t steps)
{
    struct scenario_snapshots *snapshots = runner->options.snapshots;

    if (snapshots == NULL) {
        return;
    }
    if (snapshots->connects.steps == steps && is_worth_it(runner, &snapshots->connects)) {
        keep(runner, &snapshots->connects);
    }
    if (snapshots->shares.steps == steps && is_worth_it(runner, &snapshots->shares)) {
        keep(runner, &snapshots->shares);
    }
}
