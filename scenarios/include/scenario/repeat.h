/* SPDX-License-Identifier: ISC */
/*
 * A program that is played again and again, each time with one thing that happens somewhere else:
 * the lines `each nth=1.. of ...` and `at every step: ...`. First it is played as it stands, with
 * all that it expects. Then the nth call fails, or the step strikes at the nth moment, for n = 1,
 * 2, 3… until nothing is struck any more; from the moment when it strikes only the rules are
 * judged.
 */
#ifndef SCENARIO_REPEAT_H
#define SCENARIO_REPEAT_H

#include "scenario/run.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * scenario_runner_run for programs with and without such lines. The verdict is that of the first
 * run that does not pass, with what struck in its reason; else the counts are those of all runs and
 * the hash is made of all hashes. `only`: of the repetitions just this one, 1 = the first; 0: all.
 */
void scenario_repeat_run(struct scenario_runner *runner, const struct scenario_program *program,
                         const struct scenario_run_options *options, uint64_t only,
                         struct scenario_verdict *verdict);

#ifdef __cplusplus
}
#endif

#endif
