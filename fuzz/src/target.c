/* SPDX-License-Identifier: ISC */
/*
 * The targets whose inputs are programs, as a table.
 */
#include <string.h>

#include "target.h"

#define ACTOR(name)        (UINT32_C(1) << SCENARIO_ACTOR_##name)
#define APPLICATION_ALONE  (ACTOR(CONTROL) | ACTOR(APPLICATION))
#define APPLICATION_SERVED (APPLICATION_ALONE | ACTOR(BACKEND))

static const struct fuzz_target targets[] = {
    {.name = "device", .takes = UINT32_MAX, .draws = UINT32_MAX},
    {
        .name = "ring",
        .takes = APPLICATION_SERVED | ACTOR(HOSTILE),
        .draws = APPLICATION_ALONE | ACTOR(HOSTILE),
        .seeds_with = ACTOR(HOSTILE),
        .keeps_beginning = true,
    },
    {
        .name = "store",
        .takes = APPLICATION_SERVED | ACTOR(STORE),
        .draws = APPLICATION_SERVED | ACTOR(STORE),
        .seeds_with = ACTOR(STORE),
    },
    {
        .name = "loads",
        .takes = APPLICATION_SERVED | ACTOR(HOSTILE),
        .draws = APPLICATION_ALONE | ACTOR(HOSTILE),
        .seeds_with_step = STEP_LOAD,
        .keeps_beginning = true,
    },
    /* Nothing but calls: its bug has to be found from plain seeds. */
    {.name = "canary", .takes = APPLICATION_SERVED, .draws = APPLICATION_ALONE},
};

const struct fuzz_target *fuzz_target_find(const char *name)
{
    for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++) {
        if (strcmp(targets[i].name, name) == 0) {
            return &targets[i];
        }
    }
    return NULL;
}

size_t fuzz_beginning(const struct scenario_program *program)
{
    for (size_t i = 0; i < program->step_count; i++) {
        if (program->steps[i].opcode == STEP_CONNECT) {
            return i + 1;
        }
    }
    return 0;
}

/* ---- what takes long ---- */

enum { POOL = 16, ANYTHING = 0 };

struct most {
    uint8_t opcode, field;
    uint64_t most;
    uint64_t beyond; /* from here on nothing is done at all: it may stay. ANYTHING: it may not */
};

static const struct most mosts[] = {
    {STEP_CONNECT, FIELD_CONNECT_POOL, 64, ANYTHING},
    {STEP_READ, FIELD_READ_COUNT, 128, 1 << 24},
    {STEP_WRITE, FIELD_WRITE_COUNT, 128, 1 << 24},
    {STEP_RING_RESPOND, FIELD_RING_RESPOND_COUNT, 64, ANYTHING},
    {STEP_EVENT_SPURIOUS, FIELD_EVENT_SPURIOUS_COUNT, 32, ANYTHING},
    {STEP_EVENT_STORM, FIELD_EVENT_STORM_STEPS, 64, ANYTHING},
    {STEP_WATCH_FIRE, FIELD_WATCH_FIRE_COUNT, 32, ANYTHING},
    {STEP_WATCH_FLOOD, FIELD_WATCH_FLOOD_COUNT, 16, ANYTHING},
};

static void tame_step(struct scenario_step *step)
{
    if (step->opcode == STEP_CONNECT && !scenario_given(step, FIELD_CONNECT_POOL)) {
        scenario_step_set(step, FIELD_CONNECT_POOL, POOL);
    }
    for (size_t i = 0; i < sizeof(mosts) / sizeof(mosts[0]); i++) {
        const struct most *most = &mosts[i];

        if (step->opcode == most->opcode && scenario_value(step, most->field) > most->most &&
            (most->beyond == ANYTHING || scenario_value(step, most->field) < most->beyond)) {
            scenario_step_set(step, most->field, most->most);
        }
    }
}

void fuzz_tame(struct scenario_program *program)
{
    for (size_t i = 0; i < program->step_count; i++) {
        tame_step(&program->steps[i]);
    }
}
