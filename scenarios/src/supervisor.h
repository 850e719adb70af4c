/* SPDX-License-Identifier: ISC */
/*
 * The supervisor: plays cases in worker processes, so that a crash, an endless loop or a
 * sanitizer's report ends one case and is told with its last events, and the rest goes on.
 */
#ifndef SCENARIO_SUPERVISOR_H
#define SCENARIO_SUPERVISOR_H

#include "scenario/run.h"

#include "ladder.h"
#include "tool.h"

/* How one case ended. */
struct tool_result {
    bool done;
    struct scenario_verdict verdict;
    char *events; /* last events, a line each; NULL if there are none. Freed with the result */
    char *output; /* what the worker printed: a sanitizer's report; NULL if nothing */
    char *trace;  /* with `trace`: all lines */
    struct ladder ladder; /* with `ladder_rows`: of a run that failed or is its scenario's first */
    char *capture;        /* with `capture`: what capture.h has kept; NULL if nothing */
    size_t capture_length;
    double seconds;
};

struct supervisor_options {
    const struct tool_suite *suite;
    const struct scenario_subject *subject;
    /* A shared object with another frontend, which each worker loads; it plays one case only, so
     * that nothing which the frontend keeps goes from one to the next. NULL: `subject`. */
    const char *frontend;
    uint32_t jobs;
    uint32_t repeat;        /* times each; different hashes fail the case */
    bool once;              /* what a program repeats by itself (repeat.h) is not repeated */
    uint64_t only;          /* of what a program repeats by itself (repeat.h); 0: all */
    uint64_t stuck_seconds; /* real time without a step of the world that makes a hang */
    bool strict;
    bool set_seed;
    uint64_t seed;
    bool trace;
    size_t ladder_rows; /* so many of the first and of the last events; 0: no ladders */
    bool capture;
    const char *disk;
    const char *live;                        /* the disk of the live world; NULL: simulated */
    const struct scenario_program *dialects; /* of a file; NULL: none */
    uint32_t break_step;                     /* not 0: everything in this process, for a debugger */
    /* Called in the order of the suite as soon as a case and all before it are done. */
    void (*done)(void *context, size_t index, const struct tool_result *result);
    /* Called now and then: how many are done, and which one is being played. */
    void (*tick)(void *context, size_t done, size_t running);
    /* Called, if there is anything to call, where `frontend` is no frontend for this tool and
     * nothing will be played: why. */
    void (*refused)(void *context, const char *why);
    void *context;
};

/* results: one for each case of the suite, zeroed. 0; TOOL_INTERRUPTED after Ctrl-C (then some are
 * not done, and those that are were all told); TOOL_USAGE with a message when no worker can be
 * made; TOOL_FAILED with a message when one ended badly after its last case. */
int supervise(const struct supervisor_options *options, struct tool_result *results);

/* The option of each command that waits for a process which plays; the target is a uint64_t.
 * Whoever has it asks tool_stuck_fits, which is false after a message. */
enum { TOOL_STUCK_SECONDS = 10 };
#define TOOL_OPTION_STUCK(target)                                                  \
    {                                                                              \
        "--stuck", TOOL_NUMBER, "SECONDS",                                         \
            "real time without a step that makes a hang; default 10", target, NULL \
    }
bool tool_stuck_fits(const char *command, uint64_t seconds);

/* ---- subject_probe.c ---- */

/* The option of each command that plays programs; the target is a const char *. */
#define TOOL_OPTION_FRONTEND(target)                                                             \
    {                                                                                            \
        "--frontend", TOOL_TEXT, "FILE",                                                         \
            "judge this shared object (scenario/subject.h) instead of libblkfront", target, NULL \
    }

/* Loads the shared object (NULL: there is none) in a process of its own, and tells its capabilities
 * where they are wanted (NULL: they are not). 0; TOOL_USAGE after a message, and with the reason in
 * the verdict, where it is no frontend for this tool; TOOL_FAILED after one and with a verdict,
 * where it crashes or hangs. */
int subject_probe(const char *path, uint64_t stuck_seconds, struct scenario_verdict *verdict,
                  uint64_t *capabilities);

/* A program that could not be played on with a frontend from outside (NULL: it is none) does not
 * count: it went on from what libblkfront would have done. */
void subject_excuse(const char *frontend, struct scenario_verdict *verdict);

/* ---- supervisor_case.c ---- */

void tool_result_fini(struct tool_result *result);
/* What was printed into the file, in allocated memory, and the file is empty again; NULL if there
 * is nothing, or no memory for the `whole`. Else of much text only the beginning and the end. */
char *supervisor_take_output(FILE *file, bool whole);
/* What the worker has recorded, with what the verdict is about; and the file is empty again. */
void supervisor_take_ladder(FILE *file, const struct scenario_verdict *verdict,
                            struct ladder *ladder);
/* All bytes of the file as they are, in allocated memory, and the file is empty again. NULL: there
 * are none, or, where there is a length, no memory for them. */
char *supervisor_take_bytes(FILE *file, size_t *length);
/* The last events, a line each, in allocated memory; NULL if there are none. */
char *supervisor_take_events(const struct scenario_progress *progress);
/* The verdict on a case whose worker ended before it was through. NULL: nobody knows how far it
 * came, or it printed nothing. */
void supervisor_judge_death(const struct scenario_progress *progress, int status, bool stuck,
                            uint64_t stuck_seconds, const char *output,
                            struct scenario_verdict *verdict);

/* ---- worker.c ---- */

/* Where a worker leaves what is more than a verdict; NULL: not wanted. */
struct worker_files {
    FILE *trace, *ladder, *capture;
};

/* Plays one case, `repeat` times, in this process. `recorder`: of its ladder; NULL: none. */
void worker_play(const struct supervisor_options *options, struct scenario_runner *runner,
                 struct scenario_program *program, size_t index, struct scenario_progress *progress,
                 const struct worker_files *files, struct ladder_recorder *recorder,
                 struct scenario_verdict *verdict);
/* Where the sanitizer that knows is linked, asks it whether memory has leaked. Then that is the
 * verdict, unless there is a worse one, and the process has to end: it would be found again. */
bool worker_leaked(struct scenario_verdict *verdict);
/* The life of a worker process: takes indices from `orders`, gives verdicts to `answers`, until
 * `orders` ends or nothing more can be asked of it. */
void worker_main(const struct supervisor_options *options, int orders, int answers,
                 struct scenario_progress *progress, const struct worker_files *files)
    __attribute__((noreturn));

struct worker_answer {
    uint64_t index;
    struct scenario_verdict verdict;
    bool last; /* the process ends: it leaked memory, and would be blamed for it again */
};

/* How a worker ends that never could play anything. */
enum { WORKER_NO_WORLD = 3 };

#endif
