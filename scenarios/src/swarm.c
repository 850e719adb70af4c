/* SPDX-License-Identifier: ISC */
/*
 * The program of a seed. What happens is drawn from a list of kinds; a seed has some of them, with
 * weights of its own. What the application does is always among them.
 */
#include "scenario/swarm.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "scenario/check.h"

enum {
    SECTORS = 512, /* of the disk: few, so that requests meet */
    QUEUES = 3,    /* at most */
    SHORT = 16,    /* sectors of most requests */
    LONG = 300,    /* of some */
    HELD = 4,      /* names of rules that hold, in turn */
    KINDS_MAX = 24,
    LAST_FILL = 200 /* what the end writes; the trouble writes less */
};

#define MS UINT64_C(1000000)
#define S  (1000 * MS)

struct swarm {
    struct scenario_program *program;
    uint64_t state;
    int error;
    unsigned queues;
    unsigned next_hold;
    bool suspended, power;
    bool backend_changed; /* it may be closed, gone, hung or something else now */
    bool failing;         /* calls that fail may still be to come */
    bool deviceless;      /* the last connect may have failed at once */
    uint64_t size;        /* of the disk, in its sectors */
    uint64_t first_size;  /* and what it was at first */
};

/* ---- chance: splitmix64 (Vigna) ---- */

static uint64_t next(struct swarm *swarm)
{
    uint64_t z = swarm->state += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static uint64_t below(struct swarm *swarm, uint64_t bound)
{
    return next(swarm) % bound;
}

static bool one_in(struct swarm *swarm, uint64_t odds)
{
    return below(swarm, odds) == 0;
}

/* ---- steps ---- */

static struct scenario_step step_of(enum scenario_opcode opcode)
{
    struct scenario_step step;

    scenario_step_init(&step, opcode);
    return step;
}

static void set(struct scenario_step *step, unsigned field, uint64_t value)
{
    (void)scenario_step_set(step, field, value);
}

/* In one of `odds` seeds or steps. */
static void maybe(struct swarm *swarm, struct scenario_step *step, uint64_t odds, unsigned field,
                  uint64_t value)
{
    if (one_in(swarm, odds))
        set(step, field, value);
}

static void put(struct swarm *swarm, struct scenario_step *step)
{
    if (swarm->error == SCENARIO_OK)
        swarm->error =
            scenario_program_insert(swarm->program, swarm->program->step_count, NULL, step);
}

static void put_plain(struct swarm *swarm, enum scenario_opcode opcode)
{
    struct scenario_step step = step_of(opcode);

    put(swarm, &step);
}

/* One that has to succeed. */
static void put_ok(struct swarm *swarm, struct scenario_step *step)
{
    step->result = CHOICE_RESULT_OK;
    put(swarm, step);
}

static uint64_t text(struct swarm *swarm, const char *value)
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

    meta.value = scenario_unpack(text(swarm, value));
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

static uint64_t yes_or_no(struct swarm *swarm)
{
    return one_in(swarm, 2) ? CHOICE_BOOLEAN_YES : CHOICE_BOOLEAN_NO;
}

static void make_world(struct swarm *swarm, uint64_t seed)
{
    struct scenario_step *world = &swarm->program->world;

    swarm->program->has_world = true;
    set(world, FIELD_WORLD_SEED, seed);
    set(world, FIELD_WORLD_SCHEDULE, CHOICE_SCHEDULE_RANDOM);
    set(world, FIELD_WORLD_LENIENT, 1);
    maybe(swarm, world, 4, FIELD_WORLD_PLATFORM, CHOICE_PLATFORM_SHARE);
}

/* Indices that wrap need a backend that takes them up. */
static void start_somewhere(struct swarm *swarm, struct scenario_step *backend)
{
    static const uint32_t starts[] = {2147483640, 4294967280, 4294967295};

    if (!one_in(swarm, 4))
        return;
    set(&swarm->program->world, FIELD_WORLD_START, starts[below(swarm, 3)]);
    set(backend, FIELD_BACKEND_ATTACH, 1);
}

static void make_backend(struct swarm *swarm)
{
    static const unsigned dialects[] = {CHOICE_DIALECT_LINUX,     CHOICE_DIALECT_LINUX,
                                        CHOICE_DIALECT_QEMU,      CHOICE_DIALECT_TAPDISK,
                                        CHOICE_DIALECT_MINIMAL,   CHOICE_DIALECT_EVERYTHING,
                                        CHOICE_DIALECT_EVERYTHING};
    struct scenario_step backend = step_of(STEP_BACKEND);
    unsigned dialect = dialects[below(swarm, sizeof(dialects) / sizeof(dialects[0]))];

    set(&backend, FIELD_BACKEND_DIALECT, dialect);
    swarm->size = SECTORS;
    if (dialect != CHOICE_DIALECT_QEMU && one_in(swarm, 6)) {
        set(&backend, FIELD_BACKEND_SECTOR_SIZE, UINT64_C(1024) << below(swarm, 3));
        swarm->size = SECTORS / 4;
    }
    swarm->first_size = swarm->size;
    set(&backend, FIELD_BACKEND_SECTORS, swarm->size);
    maybe(swarm, &backend, 4, FIELD_BACKEND_FLUSH, yes_or_no(swarm));
    maybe(swarm, &backend, 4, FIELD_BACKEND_BARRIER, yes_or_no(swarm));
    maybe(swarm, &backend, 3, FIELD_BACKEND_DISCARD, yes_or_no(swarm));
    maybe(swarm, &backend, 3, FIELD_BACKEND_PERSISTENT, yes_or_no(swarm));
    maybe(swarm, &backend, 4, FIELD_BACKEND_ORDER, below(swarm, 3));
    maybe(swarm, &backend, 4, FIELD_BACKEND_QUEUES, 1 + below(swarm, QUEUES));
    maybe(swarm, &backend, 4, FIELD_BACKEND_SEGMENTS, below(swarm, 64));
    maybe(swarm, &backend, 10, FIELD_BACKEND_TRUSTED, CHOICE_BOOLEAN_NO);
    start_somewhere(swarm, &backend);
    put(swarm, &backend);
}

static void make_connect(struct swarm *swarm)
{
    struct scenario_step connect = step_of(STEP_CONNECT);

    swarm->queues = one_in(swarm, 2) ? 1 : 1 + (unsigned)below(swarm, QUEUES);
    if (swarm->queues > 1)
        set(&connect, FIELD_CONNECT_QUEUES, swarm->queues);
    maybe(swarm, &connect, 3, FIELD_CONNECT_ORDER, below(swarm, 3));
    maybe(swarm, &connect, 2, FIELD_CONNECT_SEGMENTS, 1 + below(swarm, 64));
    maybe(swarm, &connect, 2, FIELD_CONNECT_PERSISTENT, yes_or_no(swarm));
    maybe(swarm, &connect, 6, FIELD_CONNECT_POOL, 1 + below(swarm, 16));
    maybe(swarm, &connect, 4, FIELD_CONNECT_ABI, CHOICE_ABI_X86_32);
    maybe(swarm, &connect, 8, FIELD_CONNECT_REQUEST_DEADLINE, (1 + below(swarm, 20)) * MS);
    if (!one_in(swarm, 4))
        set(&connect, FIELD_CONNECT_RECOVER, (1 + below(swarm, 10)) * S);
    if (one_in(swarm, 4)) {
        set(&connect, FIELD_CONNECT_ASYNC, 1);
        put(swarm, &connect);
    } else {
        put_ok(swarm, &connect);
    }
}

/* ---- what the application does ---- */

/* Where, how many, and in what memory; both operations have these fields in the same places. */
static void place(struct swarm *swarm, struct scenario_step *step, const unsigned fields[5])
{
    uint64_t length = 1 + below(swarm, one_in(swarm, 8) ? LONG : SHORT);
    uint64_t sector;

    if (length > swarm->size)
        length = swarm->size;
    sector = below(swarm, swarm->size - length + 1);
    if (one_in(swarm, 40))
        sector = swarm->size - 1; /* and beyond */
    set(step, fields[0], sector);
    set(step, fields[1], length);
    maybe(swarm, step, 4, fields[2], 1 + below(swarm, 4));
    maybe(swarm, step, 3, fields[3], one_in(swarm, 2) ? CHOICE_MEMORY_LIBRARY : CHOICE_MEMORY_HEAP);
    if (swarm->queues > 1)
        set(step, fields[4], below(swarm, swarm->queues));
}

static void do_read(struct swarm *swarm)
{
    static const unsigned fields[] = {FIELD_READ_SECTOR, FIELD_READ_COUNT, FIELD_READ_BUFFERS,
                                      FIELD_READ_MEMORY, FIELD_READ_QUEUE};
    struct scenario_step step = step_of(STEP_READ);

    place(swarm, &step, fields);
    set(&step, FIELD_READ_ASYNC, 1);
    put(swarm, &step);
}

static void do_write(struct swarm *swarm)
{
    static const unsigned fields[] = {FIELD_WRITE_SECTOR, FIELD_WRITE_COUNT, FIELD_WRITE_BUFFERS,
                                      FIELD_WRITE_MEMORY, FIELD_WRITE_QUEUE};
    struct scenario_step step = step_of(STEP_WRITE);

    place(swarm, &step, fields);
    set(&step, FIELD_WRITE_FILL, below(swarm, LAST_FILL));
    maybe(swarm, &step, 10, FIELD_WRITE_FUA, 1);
    set(&step, FIELD_WRITE_ASYNC, 1);
    put(swarm, &step);
}

static void do_flush(struct swarm *swarm)
{
    struct scenario_step step = step_of(STEP_FLUSH);

    if (swarm->queues > 1)
        set(&step, FIELD_FLUSH_QUEUE, below(swarm, swarm->queues));
    set(&step, FIELD_FLUSH_ASYNC, 1);
    put(swarm, &step);
}

static void do_discard(struct swarm *swarm)
{
    struct scenario_step step = step_of(STEP_DISCARD);
    uint64_t sector = below(swarm, swarm->size);

    set(&step, FIELD_DISCARD_SECTOR, sector);
    set(&step, FIELD_DISCARD_COUNT, 1 + below(swarm, swarm->size - sector));
    set(&step, FIELD_DISCARD_ASYNC, 1);
    put(swarm, &step);
}

static void do_run(struct swarm *swarm)
{
    struct scenario_step step = step_of(STEP_RUN);

    if (!one_in(swarm, 4))
        set(&step, FIELD_RUN_STEPS, 1 + below(swarm, 30));
    put(swarm, &step);
}

static void do_time(struct swarm *swarm)
{
    struct scenario_step step = step_of(STEP_RUN);

    set(&step, FIELD_RUN_TIME, (1 + below(swarm, 3000)) * MS);
    put(swarm, &step);
}

static void do_poll(struct swarm *swarm)
{
    put_plain(swarm, STEP_POLL);
}

/* ---- trouble ---- */

static struct scenario_step some_requests(struct swarm *swarm)
{
    static const unsigned operations[] = {CHOICE_OPERATION_ANY, CHOICE_OPERATION_READ,
                                          CHOICE_OPERATION_WRITE, CHOICE_OPERATION_FLUSH};
    struct scenario_step step = step_of(STEP_FAULT);

    maybe(swarm, &step, 2, FIELD_FAULT_OP, operations[below(swarm, 4)]);
    set(&step, FIELD_FAULT_TIMES, 1 + below(swarm, 6));
    return step;
}

static void do_error(struct swarm *swarm)
{
    struct scenario_step step = some_requests(swarm);

    set(&step, FIELD_FAULT_ACTION,
        one_in(swarm, 3) ? CHOICE_ACTION_EOPNOTSUPP : CHOICE_ACTION_ERROR);
    put(swarm, &step);
}

static void do_delay(struct swarm *swarm)
{
    struct scenario_step step = some_requests(swarm);

    set(&step, FIELD_FAULT_DELAY, (1 + below(swarm, 50)) * MS);
    put(swarm, &step);
}

static void do_reorder(struct swarm *swarm)
{
    struct scenario_step step = some_requests(swarm);

    set(&step, FIELD_FAULT_ACTION, CHOICE_ACTION_REORDER);
    put(swarm, &step);
}

static void do_drop(struct swarm *swarm)
{
    struct scenario_step step = some_requests(swarm);

    set(&step, FIELD_FAULT_TIMES, 1);
    set(&step, FIELD_FAULT_ACTION, CHOICE_ACTION_DROP);
    put(swarm, &step);
    swarm->backend_changed = true; /* it never answers */
}

static void do_hold(struct swarm *swarm)
{
    struct scenario_step step = some_requests(swarm);

    set(&step, FIELD_FAULT_ACTION, CHOICE_ACTION_HOLD);
    put(swarm, &step);
}

static void do_clear(struct swarm *swarm)
{
    put_plain(swarm, STEP_FAULT_CLEAR);
}

static void do_close(struct swarm *swarm)
{
    put_plain(swarm, STEP_BACKEND_CLOSE);
    swarm->backend_changed = true;
}

static void do_crash(struct swarm *swarm)
{
    put_plain(swarm, STEP_BACKEND_CRASH);
    swarm->backend_changed = true;
}

static void do_restart(struct swarm *swarm)
{
    struct scenario_step step = step_of(STEP_BACKEND_RESTART);

    maybe(swarm, &step, 4, FIELD_BACKEND_RESTART_QUEUES, 1 + below(swarm, QUEUES));
    maybe(swarm, &step, 4, FIELD_BACKEND_RESTART_ORDER, below(swarm, 3));
    maybe(swarm, &step, 4, FIELD_BACKEND_RESTART_SEGMENTS, below(swarm, 64));
    maybe(swarm, &step, 4, FIELD_BACKEND_RESTART_PERSISTENT, yes_or_no(swarm));
    maybe(swarm, &step, 4, FIELD_BACKEND_RESTART_FLUSH, yes_or_no(swarm));
    maybe(swarm, &step, 6, FIELD_BACKEND_RESTART_BACKEND_ID, 2 + below(swarm, 5));
    put(swarm, &step);
    swarm->backend_changed = true;
}

static void do_hang(struct swarm *swarm)
{
    put_plain(swarm, one_in(swarm, 3) ? STEP_BACKEND_HANG : STEP_BACKEND_WAKE);
    swarm->backend_changed = true;
}

static void do_read_only(struct swarm *swarm)
{
    struct scenario_step step = step_of(STEP_BACKEND_READ_ONLY);

    maybe(swarm, &step, 2, FIELD_BACKEND_READ_ONLY_OFF, 1);
    put(swarm, &step);
    swarm->backend_changed = true;
}

static void do_resize(struct swarm *swarm)
{
    struct scenario_step step = step_of(STEP_BACKEND_RESIZE);

    swarm->size = swarm->size / 2 + below(swarm, swarm->size) + 64;
    set(&step, FIELD_BACKEND_RESIZE_SECTORS, swarm->size);
    put(swarm, &step);
}

static void do_rewrite(struct swarm *swarm)
{
    put_plain(swarm, STEP_BACKEND_REWRITE_NODES);
}

static void do_power_cut(struct swarm *swarm)
{
    put_plain(swarm, STEP_BACKEND_POWER_CUT);
    if (one_in(swarm, 2))
        do_restart(swarm);
    swarm->backend_changed = true;
}

static void do_event(struct swarm *swarm)
{
    struct scenario_step step = step_of(one_in(swarm, 2) ? STEP_EVENT_LOSE : STEP_EVENT_SPURIOUS);

    put(swarm, &step);
    swarm->backend_changed = true; /* what was lost may be waited for */
}

static void do_state(struct swarm *swarm)
{
    static const char *const values[] = {"1", "2", "3", "4", "5", "6", "7", "8", "", "nine"};
    struct scenario_step step = step_of(STEP_STORE_WRITE);

    set(&step, FIELD_STORE_WRITE_PATH, text(swarm, "back/state"));
    set(&step, FIELD_STORE_WRITE_VALUE, text(swarm, values[below(swarm, 10)]));
    put(swarm, &step);
    swarm->backend_changed = true;
}

static const unsigned resources[] = {CHOICE_RESOURCE_ALLOC, CHOICE_RESOURCE_GRANT,
                                     CHOICE_RESOURCE_PORT, CHOICE_RESOURCE_XENSTORE};

enum { RESOURCES = sizeof(resources) / sizeof(resources[0]) };

static void do_fail(struct swarm *swarm)
{
    struct scenario_step step = step_of(STEP_FAIL);

    set(&step, FIELD_FAIL_RESOURCE, resources[below(swarm, RESOURCES)]);
    set(&step, FIELD_FAIL_NTH, 1 + below(swarm, 20));
    put(swarm, &step);
    swarm->failing = true;
}

static void do_suspend(struct swarm *swarm)
{
    struct scenario_step step = step_of(swarm->suspended ? STEP_RESUME : STEP_SUSPEND);

    if (swarm->suspended && one_in(swarm, 4))
        set(&step, FIELD_RESUME_DOMID, 2 + below(swarm, 6));
    swarm->suspended = !swarm->suspended;
    put(swarm, &step);
    swarm->backend_changed = true;
}

static void do_reconnect(struct swarm *swarm)
{
    struct scenario_step step = step_of(one_in(swarm, 2) ? STEP_DISCONNECT : STEP_CONNECT);

    if (step.opcode == STEP_DISCONNECT) {
        set(&step, FIELD_DISCONNECT_ASYNC, 1);
    } else {
        set(&step, FIELD_CONNECT_ASYNC, 1);
        swarm->deviceless = swarm->failing;
    }
    put(swarm, &step);
}

struct kind {
    void (*make)(struct swarm *swarm);
    unsigned weight; /* the most that it may have */
    unsigned odds;   /* one seed in so many has it; 1: each */
};

static const struct kind kinds[] = {
    {do_read, 40, 1},     {do_write, 40, 1},    {do_run, 30, 1},   {do_flush, 10, 2},
    {do_discard, 6, 3},   {do_time, 6, 2},      {do_poll, 6, 3},   {do_error, 6, 3},
    {do_delay, 8, 3},     {do_reorder, 8, 3},   {do_hold, 6, 3},   {do_drop, 2, 12},
    {do_clear, 4, 3},     {do_close, 3, 6},     {do_crash, 3, 6},  {do_restart, 3, 5},
    {do_hang, 3, 8},      {do_read_only, 3, 8}, {do_resize, 3, 8}, {do_rewrite, 3, 8},
    {do_power_cut, 3, 8}, {do_event, 3, 10},    {do_state, 3, 12}, {do_fail, 4, 6},
    {do_suspend, 4, 8},   {do_reconnect, 3, 6},
};

enum { KINDS = sizeof(kinds) / sizeof(kinds[0]) };

static void make_trouble(struct swarm *swarm, unsigned steps)
{
    unsigned weights[KINDS], sum = 0;

    for (unsigned i = 0; i < KINDS; i++) {
        weights[i] = one_in(swarm, kinds[i].odds) ? 1 + (unsigned)below(swarm, kinds[i].weight) : 0;
        sum += weights[i];
    }
    for (unsigned n = 0; n < steps; n++) {
        uint64_t at = below(swarm, sum);
        unsigned i = 0;

        while (at >= weights[i])
            at -= weights[i++];
        kinds[i].make(swarm);
    }
}

/* ---- the end of the trouble ---- */

static void put_time(struct swarm *swarm, uint64_t time)
{
    struct scenario_step step = step_of(STEP_RUN);

    set(&step, FIELD_RUN_TIME, time);
    put(swarm, &step);
}

/* So far away that it never comes. */
static void end_failing(struct swarm *swarm)
{
    for (unsigned i = 0; i < RESOURCES; i++) {
        struct scenario_step step = step_of(STEP_FAIL);

        set(&step, FIELD_FAIL_RESOURCE, resources[i]);
        set(&step, FIELD_FAIL_NTH, UINT32_MAX);
        put(swarm, &step);
    }
}

static void make_peace(struct swarm *swarm)
{
    if (swarm->suspended)
        do_suspend(swarm);
    put_plain(swarm, STEP_FAULT_CLEAR);
    if (swarm->failing)
        end_failing(swarm);
    if (swarm->backend_changed)
        put_plain(swarm, STEP_BACKEND_RESTART);
    put_time(swarm, 20 * S);
}

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* What was written, and something new. */
static void make_end(struct swarm *swarm)
{
    struct scenario_step disconnect = step_of(STEP_DISCONNECT), connect = step_of(STEP_CONNECT);
    struct scenario_step write = step_of(STEP_WRITE), read = step_of(STEP_READ);

    if (swarm->deviceless) /* there may be nothing to disconnect */
        put(swarm, &disconnect);
    else
        put_ok(swarm, &disconnect);
    put_ok(swarm, &connect);
    set(&read, FIELD_READ_SECTOR, 0);
    set(&read, FIELD_READ_COUNT, least(least(swarm->size, swarm->first_size), 128));
    put_ok(swarm, &read);
    set(&write, FIELD_WRITE_COUNT, 8);
    set(&write, FIELD_WRITE_FILL, LAST_FILL);
    put_ok(swarm, &write);
    set(&read, FIELD_READ_COUNT, 8);
    put_ok(swarm, &read);
    put_ok(swarm, &disconnect);
}

int scenario_swarm_program(struct scenario_program *program, uint64_t seed, unsigned steps)
{
    struct swarm swarm = {.program = program, .state = seed, .error = SCENARIO_OK};

    scenario_program_clear(program);
    make_title(&swarm, seed);
    make_world(&swarm, seed);
    make_backend(&swarm);
    make_connect(&swarm);
    make_trouble(&swarm, steps);
    make_peace(&swarm);
    make_end(&swarm);
    return swarm.error;
}
