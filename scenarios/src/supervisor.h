/* SPDX-License-Identifier: ISC */
/*
 * The supervisor: plays cases in worker processes, so that a crash, an endless loop or a
 * sanitizer's report ends one case and is told with its last events, and the rest goes on.
 */
#ifndef SCENARIO_SUPERVISOR_H
#define SCENARIO_SUPERVISOR_H

#include "scenario/run.h"

#include "tool.h"

/* How one case ended. */
struct tool_result {
    bool done;
    struct scenario_verdict verdict;
    char *events; /* last events, a line each; NULL if there are none. Freed with the result */
    char *output; /* what the worker printed: a sanitizer's report; NULL if nothing */
    char *trace;  /* with `trace`: all lines */
    double seconds;
};

struct supervisor_options {
    const struct tool_suite *suite;
    const struct scenario_subject *subject;
    uint32_t jobs;
    uint32_t repeat;        /* times each; different hashes fail the case */
    uint64_t stuck_seconds; /* real time without a step of the world that makes a hang */
    bool strict;
    bool set_seed;
    uint64_t seed;
    bool trace;
    const char *disk;
    uint32_t break_step; /* not 0: everything in this process, for a debugger */
    /* Called in the order of the suite as soon as a case and all before it are done. */
    void (*done)(void *context, size_t index, const struct tool_result *result);
    /* Called now and then: how many are done, and which one is being played. */
    void (*tick)(void *context, size_t done, size_t running);
    void *context;
};

/* results: one for each case of the suite, zeroed. 0; TOOL_INTERRUPTED after Ctrl-C (then some are
 * not done); TOOL_USAGE with a message when no worker can be made. */
int supervise(const struct supervisor_options *options, struct tool_result *results);
void tool_result_fini(struct tool_result *result);

/* worker.c: plays one case, `repeat` times, in this process. */
void worker_play(const struct supervisor_options *options, struct scenario_runner *runner,
                 struct scenario_program *program, size_t index, struct scenario_progress *progress,
                 FILE *trace, struct scenario_verdict *verdict);
/* worker.c: the life of a worker process: takes indices from `orders`, gives verdicts to `answers`,
 * until `orders` ends. */
void worker_main(const struct supervisor_options *options, int orders, int answers,
                 struct scenario_progress *progress, FILE *trace) __attribute__((noreturn));

struct worker_answer {
    uint64_t index;
    struct scenario_verdict verdict;
};

#endif
