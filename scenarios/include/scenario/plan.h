/* SPDX-License-Identifier: ISC */
/*
 * From files to runs: the variants of a program with their ids, and the test that a scenario can
 * fail at all. Choosing among them is the tool's matter.
 */
#ifndef SCENARIO_PLAN_H
#define SCENARIO_PLAN_H

#include "scenario/run.h"
#include "scenario/text.h"

#ifdef __cplusplus
extern "C" {
#endif

/* How many runs the file is; 0 when its `variants` lines are wrong. */
size_t scenario_plan_count(const struct scenario_program *program);

/* Run `index` of it: `to` becomes the program to play, `id` (cleared first) its name:
 * "conformance/read/plain" or "conformance/read/plain[dialect=linux,start=4294967290]". */
int scenario_plan_run(struct scenario_program *to, const struct scenario_program *from,
                      const char *file, size_t index, struct scenario_buffer *id);

/*
 * A scenario counts only if it can fail: plays it once for each expectation, inverted. Returns how
 * many inverted programs passed or could not be judged (0 is good), and tells each of them: where
 * the expectation stands, and the verdict. -1: no memory.
 */
int scenario_plan_inversions(struct scenario_runner *runner, const struct scenario_program *program,
                             const struct scenario_run_options *options,
                             void (*told)(void *context, size_t expectation,
                                          struct scenario_position position,
                                          const struct scenario_verdict *verdict),
                             void *context);

#ifdef __cplusplus
}
#endif

#endif
