/* SPDX-License-Identifier: ISC */
/*
 * Dialects of the program's own: each step says more of the one that `dialect` began last.
 * `backend` takes them up.
 */
#include "runner.h"

static void exec_dialect_step(struct scenario_runner *runner, const struct scenario_step *step)
{
    int result = scenario_dialect_step(&runner->dialects, runner->program, step);

    if (result == SCENARIO_TOO_LARGE) {
        run_bad_step(runner, "there are too many dialects");
    } else if (result != SCENARIO_OK) {
        run_bad_step(runner, "no backend can be made of this dialect");
    }
}

void exec_DIALECT(struct scenario_runner *runner, const struct scenario_step *step)
{
    exec_dialect_step(runner, step);
}

void exec_DIALECT_OFFERS(struct scenario_runner *runner, const struct scenario_step *step)
{
    exec_dialect_step(runner, step);
}

void exec_DIALECT_READS(struct scenario_runner *runner, const struct scenario_step *step)
{
    exec_dialect_step(runner, step);
}

void exec_DIALECT_ANSWERS(struct scenario_runner *runner, const struct scenario_step *step)
{
    exec_dialect_step(runner, step);
}

void exec_DIALECT_STATES(struct scenario_runner *runner, const struct scenario_step *step)
{
    exec_dialect_step(runner, step);
}

void exec_DIALECT_GRANTS(struct scenario_runner *runner, const struct scenario_step *step)
{
    exec_dialect_step(runner, step);
}

void exec_NODE(struct scenario_runner *runner, const struct scenario_step *step)
{
    exec_dialect_step(runner, step);
}
