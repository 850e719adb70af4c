/* SPDX-License-Identifier: ISC */
/*
 * Letting the world run: to rest, so far, or until states are reached.
 */
#include "runner.h"

void exec_RUN(struct scenario_runner *runner, const struct scenario_step *step)
{
    bool timed = scenario_given(step, FIELD_RUN_TIME);
    uint64_t until = SIMBACK_NEVER, steps = UINT64_MAX;
    enum ran ran;

    if (timed) {
        until = simback_now(runner->world) + scenario_value(step, FIELD_RUN_TIME);
    }
    if (scenario_given(step, FIELD_RUN_STEPS)) {
        steps = scenario_value(step, FIELD_RUN_STEPS);
    }
    ran = run_world(runner, until, steps, NULL, NULL);
    if (ran == RAN_REST && timed) {
        simback_advance(runner->world, until);
    } else if (ran == RAN_REST) {
        calls_judge_rest(runner);
    }
}

struct wanted {
    unsigned device;
    int front, back; /* -1: any */
    bool reached;
};

/* The nodes are read again only after something in XenStore has changed. */
static bool states_reached(struct scenario_runner *runner, void *context)
{
    struct wanted *wanted = context;

    if (!runner->states_dirty) {
        return wanted->reached;
    }
    runner->states_dirty = false;
    wanted->reached =
        (wanted->front < 0 ||
         node_state(runner, wanted->device, true) == (unsigned)wanted->front) &&
        (wanted->back < 0 || node_state(runner, wanted->device, false) == (unsigned)wanted->back);
    return wanted->reached;
}

void exec_RUN_UNTIL(struct scenario_runner *runner, const struct scenario_step *step)
{
    struct wanted wanted = {step->device, -1, -1, false};

    if (scenario_given(step, FIELD_RUN_UNTIL_FRONT)) {
        wanted.front = (int)scenario_value(step, FIELD_RUN_UNTIL_FRONT);
    }
    if (scenario_given(step, FIELD_RUN_UNTIL_BACK)) {
        wanted.back = (int)scenario_value(step, FIELD_RUN_UNTIL_BACK);
    }
    runner->states_dirty = true;
    if (run_world(runner, SIMBACK_NEVER, UINT64_MAX, states_reached, &wanted) == RAN_REST) {
        calls_judge_rest(runner);
    }
}
