/* SPDX-License-Identifier: ISC */
/*
 * The program of a seed: a world, a backend, a connect, then calls of the application with trouble
 * in between, then the end of all trouble, and what has to be well after it. What the calls and the
 * trouble are is in files of their own; a seed has some kinds of both, with weights of its own.
 */
#include "swarm.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "scenario/check.h"

enum { KINDS_MAX = 48 };

/* ---- chance: splitmix64 (Vigna) ---- */

static uint64_t next(struct swarm *swarm)
{
    uint64_t z = swarm->state += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

uint64_t swarm_below(struct swarm *swarm, uint64_t bound)
{
    return next(swarm) % bound;
}

bool swarm_one_in(struct swarm *swarm, uint64_t odds)
{
    return swarm_below(swarm, odds) == 0;
}

uint64_t swarm_yes_or_no(struct swarm *swarm)
{
    return swarm_one_in(swarm, 2) ? CHOICE_BOOLEAN_YES : CHOICE_BOOLEAN_NO;
}

/* ---- steps ---- */

struct scenario_step swarm_step(enum scenario_opcode opcode)
{
    struct scenario_step step;

    scenario_step_init(&step, opcode);
    return step;
}

void swarm_set(struct scenario_step *step, unsigned field, uint64_t value)
{
    (void)scenario_step_set(step, field, value);
}

void swarm_maybe(struct swarm *swarm, struct scenario_step *step, uint64_t odds, unsigned field,
                 uint64_t value)
{
    if (swarm_one_in(swarm, odds))
        swarm_set(step, field, value);
}

void swarm_put(struct swarm *swarm, struct scenario_step *step)
{
    swarm->moved = false;
    if (swarm->error == SCENARIO_OK)
        swarm->error =
            scenario_program_insert(swarm->program, swarm->program->step_count, NULL, step);
}

void swarm_put_plain(struct swarm *swarm, enum scenario_opcode opcode)
{
    struct scenario_step step = swarm_step(opcode);

    swarm_put(swarm, &step);
}

/* One that has to succeed. */
static void put_ok(struct swarm *swarm, struct scenario_step *step)
{
    step->result = CHOICE_RESULT_OK;
    swarm_put(swarm, step);
}

uint64_t swarm_text(struct swarm *swarm, const char *value)
{
    struct scenario_string string = {0, 0};

    if (swarm->error == SCENARIO_OK)
        swarm->error = scenario_program_add_string(swarm->program, value, strlen(value), &string);
    return scenario_pack(string);
}

/* ---- what it says of itself ---- */

static void put_meta(struct swarm *swarm, enum scenario_meta_kind kind, const char *value)
{
    struct scenario_meta meta = {.kind = kind};

    meta.value = scenario_unpack(swarm_text(swarm, value));
    if (swarm->error == SCENARIO_OK)
        swarm->error = scenario_program_add_meta(swarm->program, &meta);
}

static void make_title(struct swarm *swarm, uint64_t seed)
{
    char title[64];

    snprintf(title, sizeof(title), "swarm, seed %" PRIu64, seed);
    put_meta(swarm, SCENARIO_META_TITLE, title);
    put_meta(swarm, SCENARIO_META_RULE, "I2 I4 I7");
}

/* ---- the world, the backend, the connect ---- */

static void make_world(struct swarm *swarm, uint64_t seed)
{
    struct scenario_step *world = &swarm->program->world;

    swarm->program->has_world = true;
    swarm_set(world, FIELD_WORLD_SEED, seed);
    swarm_set(world, FIELD_WORLD_SCHEDULE, CHOICE_SCHEDULE_RANDOM);
    swarm_set(world, FIELD_WORLD_LENIENT, 1);
    swarm_maybe(swarm, world, 4, FIELD_WORLD_PLATFORM, CHOICE_PLATFORM_SHARE);
}

/* Indices that wrap need a backend that takes them up. */
static void start_somewhere(struct swarm *swarm, struct scenario_step *backend)
{
    static const uint32_t starts[] = {2147483640, 4294967280, 4294967295};

    if (!swarm_one_in(swarm, 4))
        return;
    swarm_set(&swarm->program->world, FIELD_WORLD_START, starts[swarm_below(swarm, 3)]);
    swarm_set(backend, FIELD_BACKEND_ATTACH, 1);
}

static void make_backend(struct swarm *swarm)
{
    static const unsigned dialects[] = {CHOICE_DIALECT_LINUX,     CHOICE_DIALECT_LINUX,
                                        CHOICE_DIALECT_QEMU,      CHOICE_DIALECT_TAPDISK,
                                        CHOICE_DIALECT_MINIMAL,   CHOICE_DIALECT_EVERYTHING,
                                        CHOICE_DIALECT_EVERYTHING};
    struct scenario_step backend = swarm_step(STEP_BACKEND);
    unsigned dialect = dialects[swarm_below(swarm, sizeof(dialects) / sizeof(dialects[0]))];

    swarm_set(&backend, FIELD_BACKEND_DIALECT, dialect);
    swarm->size = SWARM_SECTORS;
    swarm->unit = 1;
    if (dialect != CHOICE_DIALECT_QEMU && swarm_one_in(swarm, 6)) {
        swarm->unit = UINT64_C(2) << swarm_below(swarm, 3);
        swarm_set(&backend, FIELD_BACKEND_SECTOR_SIZE, swarm->unit * 512);
        swarm->size = SWARM_SECTORS / 4;
    }
    swarm->first_size = swarm->size;
    swarm_set(&backend, FIELD_BACKEND_SECTORS, swarm->size);
    swarm_maybe(swarm, &backend, 4, FIELD_BACKEND_FLUSH, swarm_yes_or_no(swarm));
    swarm_maybe(swarm, &backend, 4, FIELD_BACKEND_BARRIER, swarm_yes_or_no(swarm));
    swarm_maybe(swarm, &backend, 3, FIELD_BACKEND_DISCARD, swarm_yes_or_no(swarm));
    swarm_maybe(swarm, &backend, 3, FIELD_BACKEND_PERSISTENT, swarm_yes_or_no(swarm));
    swarm_maybe(swarm, &backend, 4, FIELD_BACKEND_ORDER, swarm_below(swarm, 3));
    swarm_maybe(swarm, &backend, 4, FIELD_BACKEND_QUEUES, 1 + swarm_below(swarm, SWARM_QUEUES));
    swarm_maybe(swarm, &backend, 4, FIELD_BACKEND_SEGMENTS, swarm_below(swarm, 64));
    swarm_maybe(swarm, &backend, 10, FIELD_BACKEND_TRUSTED, CHOICE_BOOLEAN_NO);
    start_somewhere(swarm, &backend);
    swarm_put(swarm, &backend);
}

static void make_connect(struct swarm *swarm)
{
    struct scenario_step connect = swarm_connect(swarm);

    swarm->queues = swarm_one_in(swarm, 2) ? 1 : 1 + (unsigned)swarm_below(swarm, SWARM_QUEUES);
    if (swarm->queues > 1)
        swarm_set(&connect, FIELD_CONNECT_QUEUES, swarm->queues);
    swarm_maybe(swarm, &connect, 3, FIELD_CONNECT_ORDER, swarm_below(swarm, 3));
    swarm_maybe(swarm, &connect, 2, FIELD_CONNECT_SEGMENTS, 1 + swarm_below(swarm, 64));
    swarm_maybe(swarm, &connect, 2, FIELD_CONNECT_PERSISTENT, swarm_yes_or_no(swarm));
    swarm_maybe(swarm, &connect, 4, FIELD_CONNECT_ABI, CHOICE_ABI_X86_32);
    swarm_maybe(swarm, &connect, 8, FIELD_CONNECT_REQUEST_DEADLINE,
                (1 + swarm_below(swarm, 20)) * SWARM_MS);
    if (!swarm_one_in(swarm, 4))
        swarm_set(&connect, FIELD_CONNECT_RECOVER, (1 + swarm_below(swarm, 10)) * SWARM_S);
    if (swarm_one_in(swarm, 4)) {
        swarm_set(&connect, FIELD_CONNECT_ASYNC, 1);
        swarm_put(swarm, &connect);
    } else {
        put_ok(swarm, &connect);
    }
}

/* ---- the trouble ---- */

struct draw {
    const struct swarm_kind *kinds;
    unsigned count, sum; /* neither is 0 */
    unsigned weights[KINDS_MAX];
};

/* Each kind is in or not; if none is, the first. */
static void draw_begin(struct swarm *swarm, struct draw *draw, const struct swarm_kind *kinds,
                       unsigned count)
{
    draw->kinds = kinds;
    draw->count = count;
    draw->sum = 0;
    for (unsigned i = 0; i < count; i++) {
        draw->weights[i] = swarm_one_in(swarm, kinds[i].odds)
                               ? 1 + (unsigned)swarm_below(swarm, kinds[i].weight)
                               : 0;
        draw->sum += draw->weights[i];
    }
    if (draw->sum == 0) {
        draw->weights[0] = 1;
        draw->sum = 1;
    }
}

static void draw_one(struct swarm *swarm, const struct draw *draw)
{
    uint64_t at = swarm_below(swarm, draw->sum);
    unsigned i = 0;

    for (; i + 1 < draw->count && at >= draw->weights[i]; i++)
        at -= draw->weights[i];
    draw->kinds[i].make(swarm);
}

/* So many calls; in some seeds trouble comes often, in others seldom. */
static void make_trouble(struct swarm *swarm, unsigned calls)
{
    const uint64_t odds = 2 + swarm_below(swarm, 3);
    struct draw call, trouble;

    draw_begin(swarm, &call, swarm_calls, swarm_call_kinds);
    draw_begin(swarm, &trouble, swarm_troubles, swarm_trouble_kinds);
    for (unsigned made = 0; made < calls;) {
        if (swarm_one_in(swarm, odds)) {
            draw_one(swarm, &trouble);
        } else {
            draw_one(swarm, &call);
            made++;
        }
    }
}

/* ---- the end of the trouble ---- */

static void make_peace(struct swarm *swarm)
{
    struct scenario_step run = swarm_step(STEP_RUN);

    if (swarm->suspended)
        swarm_resume(swarm);
    swarm_put_plain(swarm, STEP_FAULT_CLEAR);
    swarm_put_plain(swarm, STEP_MEND);
    if (swarm->keeping)
        swarm_put_plain(swarm, STEP_GRANT_DROP);
    if (swarm->backend_changed)
        swarm_put_plain(swarm, STEP_BACKEND_RESTART);
    swarm_set(&run, FIELD_RUN_TIME, 20 * SWARM_S);
    swarm_put(swarm, &run);
}

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* What was written, and something new. */
static void make_end(struct swarm *swarm)
{
    struct scenario_step disconnect = swarm_step(STEP_DISCONNECT);
    struct scenario_step connect = swarm_connect(swarm);
    struct scenario_step write = swarm_step(STEP_WRITE), read = swarm_step(STEP_READ);

    put_ok(swarm, &disconnect);
    put_ok(swarm, &connect);
    swarm_set(&read, FIELD_READ_SECTOR, 0);
    swarm_set(&read, FIELD_READ_COUNT,
              least(least(swarm->size, swarm->first_size), 128 / swarm->unit));
    put_ok(swarm, &read);
    swarm_set(&write, FIELD_WRITE_COUNT, 8);
    swarm_set(&write, FIELD_WRITE_FILL, SWARM_LAST_FILL);
    put_ok(swarm, &write);
    swarm_set(&read, FIELD_READ_COUNT, 8);
    put_ok(swarm, &read);
    put_ok(swarm, &disconnect);
}

int scenario_swarm_program(struct scenario_program *program, uint64_t seed, unsigned calls)
{
    struct swarm swarm = {.program = program, .state = seed, .error = SCENARIO_OK};

    scenario_program_clear(program);
    make_title(&swarm, seed);
    make_world(&swarm, seed);
    make_backend(&swarm);
    make_connect(&swarm);
    make_trouble(&swarm, calls);
    make_peace(&swarm);
    make_end(&swarm);
    return swarm.error;
}
