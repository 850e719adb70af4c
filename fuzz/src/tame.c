/* SPDX-License-Identifier: ISC */
/*
 * What takes long, made short.
 */
#include "target.h"

enum { POOL = 16, QUEUES = 4, ORDER = 2, ANYTHING = 0 };

/* Of virtual time: who waits for a backend for ever looks again and again. */
#define MINUTE UINT64_C(60000000000)

struct most {
    uint8_t opcode, field;
    uint64_t most;
    uint64_t beyond; /* from here on nothing is done at all: it may stay. ANYTHING: it may not */
};

static const struct most mosts[] = {
    {STEP_CONNECT, FIELD_CONNECT_POOL, 64, ANYTHING},
    {STEP_CONNECT, FIELD_CONNECT_QUEUES, QUEUES, ANYTHING},
    {STEP_CONNECT, FIELD_CONNECT_ORDER, ORDER, ANYTHING},
    {STEP_CONNECT, FIELD_CONNECT_DEADLINE, MINUTE, ANYTHING},
    {STEP_CONNECT, FIELD_CONNECT_REQUEST_DEADLINE, MINUTE, ANYTHING},
    {STEP_CONNECT, FIELD_CONNECT_RECOVER, MINUTE, ANYTHING},
    {STEP_DISCONNECT, FIELD_DISCONNECT_DEADLINE, MINUTE, ANYTHING},
    {STEP_RUN, FIELD_RUN_TIME, MINUTE, ANYTHING},
    {STEP_FAULT, FIELD_FAULT_DELAY, MINUTE, ANYTHING},
    {STEP_WATCH_LATE, FIELD_WATCH_LATE_DELAY, MINUTE, ANYTHING},
    {STEP_READ, FIELD_READ_COUNT, 24, 1 << 24},
    {STEP_WRITE, FIELD_WRITE_COUNT, 24, 1 << 24},
    {STEP_READ, FIELD_READ_BUFFERS, 16, ANYTHING},
    {STEP_WRITE, FIELD_WRITE_BUFFERS, 16, ANYTHING},
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
