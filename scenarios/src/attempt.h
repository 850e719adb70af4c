/* SPDX-License-Identifier: ISC */
/*
 * Runs in a process of their own, so that what crashes or hangs can be tried again and again, and
 * nothing that a frontend from outside keeps goes from one to the next.
 */
#ifndef SCENARIO_ATTEMPT_H
#define SCENARIO_ATTEMPT_H

#include "scenario/run.h"

struct attempt_options {
    struct scenario_run_options run; /* its progress: in shared memory, or NULL */
    const char *frontend;            /* a shared object that the child loads; NULL: run.subject */
    uint64_t only;                   /* of what the program repeats by itself (repeat.h) */
    bool once;                       /* nothing of that */
    unsigned stuck_seconds; /* real time until it counts as a hang; 0: whoever started this process
                             * looks after it, and the child goes with it */
    bool errors;            /* what the child complains of is seen */
};

/* For a child: what the frontend prints goes nowhere; with `errors` what it complains of neither.
 */
void attempt_quiet(bool errors);

/* Plays the program in a child. A death is CRASHED (I13), a hang NO_PROGRESS (I4). False: no
 * process can be made. */
bool attempt_play(const struct attempt_options *options, const struct scenario_program *program,
                  struct scenario_verdict *verdict);

/* Makes the program as small as it can be with the same outcome and rule, in at most so many runs
 * (0: no limit). 0, SCENARIO_NO_MEMORY, or SCENARIO_INVALID if there is nothing to keep: it passes,
 * or cannot be played. */
int attempt_shrink(const struct attempt_options *options, struct scenario_program *program,
                   uint32_t max_runs, struct scenario_verdict *verdict);

#endif
