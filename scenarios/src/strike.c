/* SPDX-License-Identifier: ISC */
/*
 * What happens once beside the program's steps: a call of the frontend's platform that fails, a
 * request that the backend answers with ERROR, or a step that strikes between two moves of the
 * world. From then on nothing is expected of the program any more; the rules hold.
 */
#include "runner.h"

static bool is(const struct scenario_runner *runner, enum scenario_strike_kind kind)
{
    return runner->options.strike.kind == kind;
}

void strike_begin(struct scenario_runner *runner)
{
    const struct scenario_strike *strike = &runner->options.strike;

    runner->moments = 0;
    runner->struck = false;
    if (is(runner, SCENARIO_STRIKE_CALL)) {
        simback_fail_nth(runner->world, (enum simback_resource)strike->resource, strike->at,
                         strike->from);
    }
}

void strike_backend(struct scenario_runner *runner, struct simback_backend *backend)
{
    const struct scenario_strike *strike = &runner->options.strike;
    const struct simback_fault fault = {
        .ops = SIMBACK_FAULT_ANY,
        .last_512 = UINT64_MAX,
        .nth = strike->at,
        .nth_and_later = strike->from,
        .percent = 100,
        .action = SIMBACK_ANSWER_STATUS,
        .status = BLKIF_WIRE_ERROR,
    };

    if (is(runner, SCENARIO_STRIKE_REQUEST)) {
        simback_backend_add_fault(backend, &fault);
    }
}

void strike_fault_seen(struct scenario_runner *runner, uint64_t rule)
{
    /* The first rule of each backend is ours. */
    if (is(runner, SCENARIO_STRIKE_REQUEST) && rule == 1) {
        runner->struck = true;
    }
}

bool strike_has_struck(const struct scenario_runner *runner)
{
    if (is(runner, SCENARIO_STRIKE_CALL)) {
        return simback_resource_failed(runner->world,
                                       (enum simback_resource)runner->options.strike.resource) != 0;
    }
    return runner->struck;
}

void strike_moment(struct scenario_runner *runner)
{
    const struct scenario_strike *strike = &runner->options.strike;
    const struct scenario_step *during = runner->step;
    const uint32_t number = runner->step_number;
    const struct step_result result = runner->result;

    if (!is(runner, SCENARIO_STRIKE_STEP) || runner->struck || runner->stopped ||
        ++runner->moments != strike->at) {
        return;
    }
    runner->struck = true;
    runner->step = &runner->program->steps[strike->step];
    simback_app_step(runner->world, (uint32_t)strike->step + 1, 0);
    exec_step(runner, runner->step);
    runner->step = during;
    runner->step_number = number;
    runner->result = result;
}
