/* SPDX-License-Identifier: ISC */
/*
 * The runner: plays one program on one world in this process and gives a verdict. It prints
 * nothing, reads no option and forks nothing; a crash or an endless loop of the frontend is the
 * matter of whoever supervises the process, who finds the last step and the last events in the
 * progress record below.
 *
 * One runner has one world (a fixed address), so a process has one runner at a time. Nothing is
 * left from one run to the next: the same program with the same options gives the same trace hash.
 */
#ifndef SCENARIO_RUN_H
#define SCENARIO_RUN_H

#include "scenario/program.h"
#include "scenario/subject.h"

#ifdef __cplusplus
extern "C" {
#endif

struct simback_event;
struct simback_violation;
struct simback_world;
struct scenario_live;
struct scenario_runner;
struct scenario_snapshots;

/* ---- verdict ---- */

enum scenario_outcome {
    SCENARIO_PASSED,
    SCENARIO_FAILED,      /* an expectation does not hold */
    SCENARIO_RULE_BROKEN, /* a rule other than those below */
    SCENARIO_NO_PROGRESS, /* I4 */
    SCENARIO_WRONG_DATA,  /* I7, I16 */
    SCENARIO_CRASHED,     /* I13: never given by the runner, the supervisor sets it */
    SCENARIO_UNSUPPORTED, /* the subject or this build cannot do what the program needs */
    SCENARIO_BAD /* the program cannot be played at all (a disk image that cannot be opened) */
};

/* "passed", "failed", "rule broken", "no progress", "wrong data", "crashed", "unsupported", "bad
 * scenario". */
const char *scenario_outcome_name(enum scenario_outcome outcome);
/* 0, 1, 1, 128, 129, 127, 77, 2. */
int scenario_exit_code(enum scenario_outcome outcome);
/* The exit code of a run of several: feed each one's, begin with 0 (DESIGN section 6: the first of
 * 127, 129, 128, 1 that occurred; 2 before all; 77 only if nothing else). `any` begins false. */
int scenario_exit_merge(int so_far, int next, bool *any);

enum { SCENARIO_REASON_MAX = 400 };

/* Plain data: may be sent through a pipe. */
struct scenario_verdict {
    enum scenario_outcome outcome;
    int exit_code;
    uint8_t rule; /* 7 is I7; 0: no rule */
    bool should;  /* the rule is broken as a SHOULD (strict) */
    uint32_t
        step; /* 1-based step of the program; 0: before the first; step_count + 1: at its end */
    uint32_t line;                    /* of the file; 0 if the program has no lines */
    char reason[SCENARIO_REASON_MAX]; /* one sentence; "" when passed */

    uint64_t hash;   /* of the trace */
    uint64_t events; /* that the hash covers */
    uint64_t world_steps;
    uint64_t time_ns; /* virtual */

    /* Steps of the program played, and of them those that did something, at once or while the world
     * ran: called the frontend, put something on a ring, changed XenStore; then each of these by
     * itself. */
    uint32_t steps_played;
    uint32_t steps_effective;
    uint32_t reached_frontend;
    uint32_t reached_ring;
    uint32_t reached_store;

    uint32_t rules_checked; /* bit n: rule In was put to a test */
    bool cut;               /* `choose` wanted no more of it; nothing was judged after that */
    bool struck;            /* what the options want to strike did */
    uint64_t struck_at;  /* its place, in a verdict of scenario_repeat_run that is none of passed */
    uint32_t repeats;    /* runs beside the first (scenario_repeat_run) */
    uint32_t violations; /* of MUST rules */
    uint32_t violations_should;
};

/* ---- progress: what a supervisor sees of a run ---- */

enum scenario_phase {
    SCENARIO_PHASE_IDLE,
    SCENARIO_PHASE_SETUP,
    SCENARIO_PHASE_STEP,
    SCENARIO_PHASE_TEARDOWN, /* the program is over; devices are disconnected and released */
    SCENARIO_PHASE_DONE
};

enum { SCENARIO_EVENT_LINES = 24, SCENARIO_EVENT_TEXT = 200 };

/* May lie in memory shared with the supervisor. Written by the runner alone. */
struct scenario_progress {
    volatile uint32_t phase; /* enum scenario_phase */
    volatile uint32_t step;  /* as in the verdict */
    volatile uint32_t line;
    volatile uint64_t
        beats; /* world steps since the runner began: stands still in an endless loop */
    /* Filled when a run does not pass, and by scenario_runner_save_events. */
    volatile uint32_t event_lines;
    char event_text[SCENARIO_EVENT_LINES]
                   [SCENARIO_EVENT_TEXT]; /* oldest first, each with its NUL */
    char broken[SCENARIO_EVENT_TEXT];     /* the first rule that was broken before; "": none */
};

/* ---- running ---- */

/* What happens once beside the steps (repeat.h). */
enum scenario_strike_kind {
    SCENARIO_STRIKE_NONE,
    SCENARIO_STRIKE_CALL,    /* the at-th call for the resource fails */
    SCENARIO_STRIKE_REQUEST, /* the at-th ring request of each backend is answered with ERROR */
    SCENARIO_STRIKE_STEP     /* a step is played at the at-th moment: before each step of the
                              * program, and after each move of the world */
};

struct scenario_strike {
    enum scenario_strike_kind kind;
    unsigned resource; /* enum simback_resource */
    bool from;         /* CALL, REQUEST: and all later ones */
    size_t step;       /* STEP: its index in the program, where it is not played in its order */
    uint64_t at;       /* 1: the first */
};

/* Who hears of a run while it is played. What is pointed to lives during the call only. */
struct scenario_listener {
    /* A run begins; scenario_repeat_run makes one after the other. */
    void (*begin)(void *context);
    /* An event; `guest`: the frontend's domain acts; `request`: of the application, of which the
     * request that has come onto the ring is a part. 0: none, or another kind of event. */
    void (*event)(void *context, const struct simback_event *event, uint64_t time_ns, bool guest,
                  uint64_t request);
    /* A rule is broken, by the event before. */
    void (*broken)(void *context, const struct simback_violation *violation);
    void *context;
    const struct scenario_listener *next; /* who hears of it after this one; NULL: nobody */
    /* The program is over: what is left is disconnected and released. NULL: not wanted. */
    void (*over)(void *context);
};

struct scenario_run_options {
    const struct scenario_subject *subject;
    bool strict;   /* SHOULD is judged too */
    bool set_seed; /* `seed` instead of the program's */
    uint64_t seed;
    uint64_t max_steps;    /* instead of the program's (I4); 0: the program's */
    uint64_t memory_limit; /* bytes that a world may use; 0: as many as it can */
    /* So many connections that a backend refuses one after the other, while something waits for one
     * of them, and the frontend asks in vain; twice as often for what is short. 0: some thousands,
     * which is an hour of virtual time. */
    uint32_t patience;
    uint32_t break_step;   /* raise SIGTRAP before this step (1-based); 0: never */
    bool may_open_files;   /* `disk=` opens files; never set for programs that came as bytes */
    const char *directory; /* relative `disk=` paths begin here; NULL: as they are */
    const char *disk;      /* image for xvda where the program names none; NULL: memory */
    /* A file of dialects that backends may name (scenario_check_dialects); NULL: none. */
    const struct scenario_program *dialects;
    /* Where several parts of the world are runnable, which is next (0 to count - 1); from `count`
     * on the run is cut. `digest` is the same where all goes on the same. NULL: the program's
     * schedule. */
    uint32_t (*choose)(void *context, uint64_t digest, uint32_t count);
    void *choose_context;
    struct scenario_strike strike; /* from then on only the rules are judged */
    bool rules_off;                /* the benchmark alone: nothing is judged */
    bool hash_off;                 /* the benchmark alone */
    bool share_only;               /* platform=share whatever the program says */
    /* On a real Xen (live.h); NULL: simulated. */
    const struct scenario_live *live;
    /* Each event as a line of text, as it happens; NULL: no text is made. */
    void (*trace)(void *context, const char *line);
    void *trace_context;
    const struct scenario_listener *listener; /* NULL: none */
    struct scenario_progress *progress;       /* NULL: none */
    /* Where programs that begin alike begin; all of them are played with the same other options
     * (but max_steps). NULL: each is played from its first step. The verdict is the same. */
    struct scenario_snapshots *snapshots;
    /* So many first steps are those of the programs to come, too, for a while: a snapshot after
     * them is worth it at once. 0: nothing is known. */
    size_t steps_shared;
};

/* All off, subject libblkfront must be set by the caller. */
void scenario_run_options_init(struct scenario_run_options *options);

/* NULL: no memory, or the world's address is taken. */
struct scenario_runner *scenario_runner_create(void);
void scenario_runner_destroy(struct scenario_runner *runner);

/* Of one runner. The beginning of a program goes up to its first `connect`, or as far as the
 * options say. NULL: no memory. */
struct scenario_snapshots *scenario_snapshots_create(void);
void scenario_snapshots_destroy(struct scenario_snapshots *snapshots);
/* How many runs began at one. */
uint64_t scenario_snapshots_used(const struct scenario_snapshots *snapshots);

/*
 * Plays the program, which must be valid (scenario_check); its variants are not expanded here
 * (plan.h). Always fills the verdict. After the last step what is still connected is disconnected
 * and released, and the end of the world is judged (I5, I12).
 */
void scenario_runner_run(struct scenario_runner *runner, const struct scenario_program *program,
                         const struct scenario_run_options *options,
                         struct scenario_verdict *verdict);

/* Copies the world's last events and the first broken rule into the progress record. Reads the
 * world's memory only and allocates nothing: for a handler of fatal signals and for a sanitizer's
 * death callback. */
void scenario_runner_save_events(const struct scenario_runner *runner,
                                 struct scenario_progress *progress);
/* The world as the last run left it, until the next one: for reports of every violation. */
struct simback_world *scenario_runner_world(struct scenario_runner *runner);

#ifdef __cplusplus
}
#endif

#endif
