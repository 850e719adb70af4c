/* SPDX-License-Identifier: ISC */
/*
 * Every order in which the parts of the world can take their turns in a program: depth first, each
 * schedule played from the beginning, and left where it comes to a state that was seen before.
 */
#ifndef SCENARIO_EXPLORE_H
#define SCENARIO_EXPLORE_H

#include "scenario/run.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { SCENARIO_SCHEDULE_MAX = 4096 }; /* choices of one schedule */

/* What was chosen where several were runnable. May lie in memory shared with a supervisor. */
struct scenario_schedule {
    uint32_t length;
    uint8_t choice[SCENARIO_SCHEDULE_MAX];
};

/* May lie in shared memory, too. */
struct scenario_exploration {
    uint64_t max_schedules; /* 0: to the end */
    /* How a schedule is played, perhaps in a process of its own; NULL: with scenario_runner_run.
     * Such a frontend may keep what is not in the world's memory, so no state counts as one that
     * was seen. False: it cannot be played. */
    bool (*play)(void *context, const struct scenario_program *program,
                 const struct scenario_run_options *options, struct scenario_verdict *verdict);
    void *play_context;

    uint64_t schedules; /* played */
    uint64_t cut;       /* of them, those that came to a known state */
    uint64_t states;    /* at which there was a choice */
    uint32_t longest;   /* choices of a schedule */
    bool whole;         /* all orders were seen */

    /* The schedule that is being played. */
    uint8_t counts[SCENARIO_SCHEDULE_MAX]; /* how many there were to choose from */
    uint32_t depth;                        /* choices made */
    bool known, failed;
};

/*
 * Plays schedules until one does not pass, or all are through. The verdict is the first one's that
 * does not pass, and `schedule` (never NULL) its choices; else that of the last one. False: no
 * memory, no process, or a schedule is too long; then the verdict is BAD.
 */
bool scenario_explore(struct scenario_runner *runner, const struct scenario_program *program,
                      const struct scenario_run_options *options,
                      struct scenario_exploration *exploration, struct scenario_schedule *schedule,
                      struct scenario_verdict *verdict);

/* Just this one; choices beyond its end are the first ones. */
void scenario_play_schedule(struct scenario_runner *runner, const struct scenario_program *program,
                            const struct scenario_run_options *options,
                            const struct scenario_schedule *schedule,
                            struct scenario_verdict *verdict);

#ifdef __cplusplus
}
#endif

#endif
