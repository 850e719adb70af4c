/* SPDX-License-Identifier: ISC */
/*
 * What the files of the runner share: the run with its devices, calls and counters. The host's
 * memory is taken when the runner is made; a run itself takes memory from the world alone, so that
 * a fuzzer's runs cost no allocation and a reset forgets everything.
 */
#ifndef SCENARIO_RUNNER_H
#define SCENARIO_RUNNER_H

#include <simback/backend.h>
#include <simback/event.h>
#include <simback/oracle.h>
#include <simback/world.h>
#include <simback/xen.h>

#include "scenario/dialects.h"
#include "scenario/run.h"

enum {
    FRONTS_MAX = 32,         /* devices of the subject held at once */
    QUEUES_MAX = 64,         /* of a device */
    LOADS_MAX = 8,           /* steps `load` before one application step */
    LOG_BYTES = 1 << 15,     /* of the frontend's log; what comes after is not kept */
    SCRATCH_BYTES = 1 << 16, /* longest value that a step writes or compares */
    PATH_BYTES = 4096,
    DATA_BYTES_MAX = 16 << 20, /* of one request */
    BUFFERS_MAX = 4096         /* of one request */
};

/* ---- devices (front.c) ---- */

/* One device of the subject, held by the application through one or several handles. */
struct front {
    void *device;    /* NULL: this entry is free */
    uint16_t number; /* of the device in the world */
    uint32_t holds;
    uint32_t queues;           /* most that there were so far: each of them is polled to the end */
    uint32_t asked;            /* of these as many as the application has asked for */
    enum blkfront_state state; /* as told last */
    int error;
    bool never_connected;
    uint32_t sector_size; /* as told last; 512 before */
    uint64_t sectors;
    bool knows_size;
    uint64_t changes; /* how often it has told of one */
    uint64_t request_deadline_ns, connect_deadline_ns, disconnect_deadline_ns; /* 0: none */
};

/* Who runs for the frontend of one device number. */
struct front_actor {
    struct scenario_runner *runner;
    simback_actor actor;
    uint16_t number;
    uint16_t queue;
};

/* ---- calls (calls.c) ---- */

enum call_kind { CALL_CONNECT, CALL_DISCONNECT, CALL_REQUEST };

/* Lies in the world's arena and stays until the run ends, so that a completion that comes twice is
 * a broken rule and never a wild pointer. */
struct call {
    struct blkfront_request request; /* the first member: a completion finds the call */
    struct scenario_runner *runner;
    struct call *next, *previous;               /* of those not completed */
    struct call *next_memory, *previous_memory; /* of those with memory of the subject */
    enum call_kind kind;
    uint8_t front;
    bool named;
    bool awaited; /* a step looks at it, and lets go of its buffers itself */
    bool completed;
    bool fake; /* sizes beyond any memory: must be refused */
    int result;
    uint64_t number; /* of the request, for the oracle */
    uint32_t queue;
    struct call *followers, *next_follower; /* submitted by its completion, in their order */
    const char *text;

    struct blkfront_buffer *buffers;
    size_t buffer_count;
    void **blocks;       /* what the buffers lie in: one each, or one for all */
    size_t *block_sizes; /* 0: pages */
    size_t arrays_size;  /* of the three, which are one piece of memory */
    uint8_t memory_kind; /* enum scenario_choice_MEMORY */
    void *memory;        /* the subject's */
    uint32_t page_count;
    struct call *host;     /* in whose memory its buffers lie (heap.c); NULL: its own */
    uint32_t guests;       /* requests whose buffers lie in its memory */
    bool waits_for_guests; /* nobody looks at its own buffers any more */
    unsigned char *room, *room_end;
    uint32_t sector_size;
    uint64_t sector, sectors;

    bool on_ring; /* a ring request of it was seen: what `ring respond like=` repeats */
    uint64_t ring_id;
    uint8_t ring_op;
    bool on_this_ring; /* of this connection; up to there it has come: */
    uint64_t ring_sector_512;
};

/* ---- what the sink counts (sink.c) ---- */

struct device_counts {
    uint64_t requests, segments, responses, notifies, events;
    uint64_t by_op[7];
    bool seen; /* last_id, last_op: of the last request on the ring */
    uint64_t last_id;
    uint64_t last_request; /* of the application, that it is a part of; 0: none that we know */
    uint8_t last_op;
};

enum effect { EFFECT_FRONTEND = 1, EFFECT_RING = 2, EFFECT_STORE = 4 };

/* ---- the run ---- */

struct load {
    uint16_t number, queue;
    uint64_t nth;
    uint32_t offset;
    struct scenario_string bytes;
};

/* What the step that is being played has given. */
struct step_result {
    bool given;
    bool pending;
    bool rested; /* it was awaited: nothing can happen any more, and it is pending still */
    int code;
    struct call *call; /* its data can be looked at */
    bool has_info, has_statistics, has_count;
    struct blkfront_info info;
    struct blkfront_statistics statistics;
    uint64_t count;
    const struct front *front; /* whose detail text belongs to it; NULL: the context's */
};

struct scenario_runner {
    struct simback_world *world;
    const struct scenario_program *program;
    const struct scenario_subject *subject;
    struct scenario_run_options options;
    struct scenario_verdict *verdict;
    struct scenario_progress *progress;
    struct scenario_progress own_progress; /* when the caller has none */

    void *context;      /* the subject's */
    bool stopped;       /* the verdict is given */
    bool suspended;     /* between the steps `suspend` and `resume` */
    bool rules_only;    /* nothing is expected but the rules: programs that came as bytes */
    bool relented;      /* its failures are over, because the world never came to rest */
    bool struck;        /* the options' strike has: nothing else is expected any more */
    uint64_t moments;   /* of those that a step could strike at */
    uint32_t tolerated; /* bit n: `expect violation In` stands in the program */
    uint32_t broken;    /* of them, those that were broken so far */
    uint32_t violations_seen;
    uint32_t violations_told; /* to the listener */

    const struct scenario_step *step;
    uint32_t step_number; /* 1-based */
    struct step_result result;

    struct front fronts[FRONTS_MAX];
    int8_t handles[SCENARIO_DEVICES_MAX]; /* index of fronts; -1: none */
    struct front_actor poll_actors[SCENARIO_DEVICES_MAX];
    struct front_actor queue_actors[SCENARIO_DEVICES_MAX][QUEUES_MAX];
    uint16_t queue_actor_count[SCENARIO_DEVICES_MAX];
    bool has_actors[SCENARIO_DEVICES_MAX];

    struct scenario_dialects dialects; /* of the options' file, then of the program */
    bool has_backend[SCENARIO_DEVICES_MAX];
    struct simback_backend_options backends[SCENARIO_DEVICES_MAX];
    char params[SCENARIO_DEVICES_MAX][1024 + 1]; /* what backends[n].params points to */

    struct call *names[SCENARIO_NAMES_MAX];
    uint8_t rule_device[SCENARIO_NAMES_MAX]; /* device of a fault rule + 1; 0: no such rule */
    uint16_t names_used[SCENARIO_NAMES_MAX];
    uint32_t names_used_count;
    struct call *pending; /* not completed, oldest first */
    struct call *pending_last;
    uint32_t pending_count;
    struct call *memories;
    bool has_beside;    /* a step of the program shares a page with another */
    struct call *ended; /* completed, and nobody will look at them: their buffers can go */
    uint64_t next_request;

    struct load loads[LOADS_MAX];
    uint32_t load_count;

    struct device_counts counts[SCENARIO_DEVICES_MAX];
    uint64_t happenings; /* events that somebody else can see: for `expect quiet` */
    unsigned effects;    /* enum effect, of this step */
    bool states_dirty;   /* a state node may have changed since last looked */
    size_t log_length;
    char log[LOG_BYTES];
    unsigned char scratch[SCRATCH_BYTES];
    char path[PATH_BYTES];
};

/* ---- run.c ---- */

/* Stops the run with this verdict unless it has one. */
void run_stop(struct scenario_runner *runner, enum scenario_outcome outcome, uint8_t rule,
              const char *format, ...) __attribute__((format(printf, 4, 5)));
/* The same for a step that cannot be played: BAD, or nothing at all when only rules are judged. */
void run_bad_step(struct scenario_runner *runner, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Looks whether the oracle has found anything new. */
void run_judge_rules(struct scenario_runner *runner);

/* What the scenario has set up to fail is over. */
void end_faults(struct scenario_runner *runner);

enum ran { RAN_DONE, RAN_REST, RAN_STOPPED };
/* Runs the world until `done` says so (NULL: never), to rest, or for so many steps (RAN_DONE). */
enum ran run_world(struct scenario_runner *runner, uint64_t until_ns, uint64_t steps,
                   bool (*done)(struct scenario_runner *runner, void *context), void *context);

/* ---- front.c ---- */

/* A call on the subject begins and ends; every call on it lies between these two. */
void front_enter(struct scenario_runner *runner, uint16_t number, const char *name);
void front_leave(struct scenario_runner *runner, uint16_t number, const char *name, int result);
/* The device of the step's prefix; NULL: no handle. */
struct front *front_of(struct scenario_runner *runner, unsigned handle);
/* Begins to connect; 0 and the handle's front, or the subject's error. */
int front_connect(struct scenario_runner *runner, unsigned handle, const char *name,
                  const struct blkfront_options *options, struct front **front);
/* Tells the oracle of a new state and completes calls that waited for it. */
void front_look(struct scenario_runner *runner, struct front *front);
/* Also completes calls that begin when the device is where they want it already. */
void front_settle(struct scenario_runner *runner, struct front *front);
/* One poll of the device and of each of its queues. */
void front_poll_once(struct scenario_runner *runner, struct front *front);
#define ALL_QUEUES UINT32_MAX
/* What an application does after a call: its pollers run once. */
void front_wake(struct scenario_runner *runner, const struct front *front, uint32_t queue);
/* The same for all devices: their states are looked at, too. */
void fronts_wake(struct scenario_runner *runner);
/* What get_info says now, where it is connected. */
void front_ask_size(struct scenario_runner *runner, struct front *front);
/* Gives one hold back. */
void front_put(struct scenario_runner *runner, struct front *front);
static inline bool front_is_final(const struct front *front)
{
    return front->state == BLKFRONT_CLOSED || front->state == BLKFRONT_FAILED;
}

/* The device number that a name means, `handle`'s if it is none of ours (device_name.c).
 */
uint16_t device_number_of_name(struct scenario_runner *runner, const char *name, unsigned handle);

/* ---- calls.c ---- */

/* NULL: the world has no memory left. */
struct call *call_new(struct scenario_runner *runner, enum call_kind kind, struct front *front,
                      const char *text);
void call_name(struct scenario_runner *runner, struct call *call, const struct scenario_step *step,
               unsigned field);
/* It waits from now on. */
void call_begin(struct scenario_runner *runner, struct call *call);
void call_complete(struct scenario_runner *runner, struct call *call, int result);
/* Runs the world until the call has completed or to rest, and makes its result the step's. */
void call_wait(struct scenario_runner *runner, struct call *call);
/* The device is about to go: its library memory goes first, where no request needs it. */
void calls_before_release(struct scenario_runner *runner, const struct front *front);
/* It is gone: what still waits for it never ends by itself. */
void calls_after_release(struct scenario_runner *runner, const struct front *front);
/* At rest: who owes the next move to each call that waits (I4); the first that nobody owes stops
 * the run. */
void calls_judge_rest(struct scenario_runner *runner);
/* Buffers of calls that ended and that nobody looks at. Never called from inside the subject. */
void calls_sweep(struct scenario_runner *runner);
/* Takes the request to the subject; the step's result is the refusal, or it waits from now on. */
bool call_submit(struct scenario_runner *runner, struct call *call, uint32_t queue);
/* It is submitted by the completion of `before`, which has not ended. */
void call_follow(struct call *call, struct call *before, uint32_t queue);

/* ---- data.c ---- */

/* Shapes and fills the buffers of a read or write from the step's fields; false: see the run's
 * verdict, or the step is left out. */
bool buffers_make(struct scenario_runner *runner, struct call *call,
                  const struct scenario_step *step, bool write);
/* Ends the use of library or registered memory; nothing if there is none (left). */
void buffers_drop_memory(struct scenario_runner *runner, struct call *call);
/* What lies round the buffers is as it was (else a broken rule), and their memory goes back. */
void buffers_finish(struct scenario_runner *runner, struct call *call);
/* The pattern of `size` bytes of one sector, from its first byte. */
void pattern_make(void *to, size_t size, uint8_t fill, uint64_t sector);
bool pattern_holds(const void *from, size_t size, uint8_t fill, uint64_t sector);
/* Whether the buffers of a call hold the pattern; the first sector that does not, else. */
bool buffers_hold(const struct call *call, uint8_t fill, uint64_t *wrong);

/* ---- heap.c ---- */

/* What the program as a whole needs of memory. */
void heap_begin(struct scenario_runner *runner);
/* Buffers of the caller's own memory; with `beside` in the page of the request of that name. */
bool heap_make(struct scenario_runner *runner, struct call *call, size_t align, bool beside,
               uint64_t name);
void heap_finish(struct scenario_runner *runner, struct call *call);

/* ---- strike.c ---- */

void strike_begin(struct scenario_runner *runner);
/* A backend was made. */
void strike_backend(struct scenario_runner *runner, struct simback_backend *backend);
/* A fault rule of a backend acts; 1: its first. */
void strike_fault_seen(struct scenario_runner *runner, uint64_t rule);
/* Another moment at which a step can strike. */
void strike_moment(struct scenario_runner *runner);
bool strike_has_struck(const struct scenario_runner *runner);

/* ---- snapshots.c ---- */

/* Options for a world that begins. */
void run_world_options(const struct scenario_runner *runner, struct simback_world_options *options);
/* Goes on from where such a program has been before: how many of its steps are played then; 0: it
 * has to begin. */
size_t snapshots_load(struct scenario_runner *runner);
/* So many steps are played: keeps what has come of them, if that is what a snapshot is of. */
void snapshots_offer(struct scenario_runner *runner, size_t steps);

/* ---- exec_live.c: where options.live is set ---- */

/* The sentence why the program cannot be played on a real Xen; false: it can. */
bool live_missing(const struct scenario_program *program, char *reason, size_t size);
/* False: the run is over. */
bool live_backend(struct scenario_runner *runner, const struct simback_backend_options *options);
void live_detach(struct scenario_runner *runner, uint16_t device);
void live_crash(struct scenario_runner *runner, uint16_t device);
void live_restart(struct scenario_runner *runner, uint16_t device);
bool live_resize(struct scenario_runner *runner, uint16_t device, uint64_t size_512);
/* simback_world_step, where the other side moves too; REST when nothing comes any more. */
enum simback_step live_step(struct scenario_runner *runner, uint64_t until_ns, bool awaited);

/* ---- sink.c ---- */

void sink_begin(struct scenario_runner *runner);
void sink_event(void *context, const struct simback_event *event, uint64_t time_ns);
/* Tells who listens that a run begins. */
void sink_tell_begin(struct scenario_runner *runner);
/* Tells the listeners that the program is over. */
void sink_tell_over(struct scenario_runner *runner);
/* Tells the listener which rules were broken since it was told last. */
void sink_tell_broken(struct scenario_runner *runner);

/* ---- exec.c, exec_*.c, conditions.c, support.c ---- */

/* Plays the program's step and judges its result. */
void exec_step(struct scenario_runner *runner, const struct scenario_step *step);
/* The sentence why subject or build cannot play the program; false: it can. */
bool support_missing(const struct scenario_program *program, const struct scenario_subject *subject,
                     char *reason, size_t size);
/* The device's backend; NULL: there is none, and the step cannot be played. */
struct simback_backend *backend_of(struct scenario_runner *runner, unsigned device);
/* Compares the step's conditions; stops the run at the first that does not hold. */
void conditions_judge(struct scenario_runner *runner, const struct scenario_step *step);
/* Begun and not awaited: the step's result. */
void give_begun(struct scenario_runner *runner, const struct call *call);
/* The text that goes with the step's result, the device's or the context's. */
const char *result_detail(struct scenario_runner *runner);
/* Loads that were asked for count from the application's step that begins now (exec_hostile.c). */
void arm_loads(struct scenario_runner *runner);
/* "ok", "io-error"…: the word of a result. */
const char *result_word(int code, bool pending);

/* The path of a node as the step gives it, NUL-terminated in runner->path; false: too long. */
bool node_path(struct scenario_runner *runner, unsigned device, struct scenario_string text);
/* The xenbus state in the device's directory; 0: none. */
unsigned node_state(struct scenario_runner *runner, unsigned device, bool front);
/* The step's line as text for messages. */
void step_text(const struct scenario_runner *runner, const struct scenario_step *step, char *text,
               size_t size);

#define STEP(opcode, name, ...) \
    void exec_##name(struct scenario_runner *runner, const struct scenario_step *step);
#define FIELD(...)
#define STEP_END(name)
#include "scenario/steps.def"
#undef STEP
#undef FIELD
#undef STEP_END

#endif
