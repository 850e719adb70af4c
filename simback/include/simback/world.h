/* SPDX-License-Identifier: ISC */
/*
 * A world: everything that one run needs, in one arena at a fixed address, with one virtual clock,
 * one random source and one queue of runnable actors. A run is a function of its program: no clock,
 * no address and no hash order of the host leaks in.
 *
 * An actor is somebody who can take a step: a frontend's device poll, a frontend queue's poll, a
 * backend's XenStore side, a backend's ring, a delayed response. simback_world_step runs one of
 * them.
 */
#ifndef SIMBACK_WORLD_H
#define SIMBACK_WORLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct simback_world;

#define SIMBACK_NEVER UINT64_MAX

struct simback_world_options {
    uint64_t seed;
    bool random_order;    /* which ready actor runs next: first come first served, or the seed's */
    bool share_only;      /* the frontends' platform is like Linux gntalloc: no granting of existing
                           * pages, no BUSY (platform.h) */
    uint32_t grant_limit; /* entries of each domain's grant table; default 65536 */
    uint32_t port_limit;  /* event channels of each domain; default 1023 */
    /* Device numbers are below; 0, the default: 64. Rules do not look at what is beyond that, so it
     * is for worlds without; these have larger quotas of XenStore. */
    uint16_t devices;
    uint64_t max_steps;    /* without a completed call; default 1,000,000 (I4) */
    uint64_t memory_limit; /* bytes in use at once; 0, the default: as many as fit (gigabytes) */
    bool rules;            /* the oracle judges; default true. Only the benchmark switches it off */
    bool power_may_fail;   /* default false: without, no power cut is judged (I16) */
    /* Where several actors are ready, which of them is next, instead of the order of their coming:
     * 0 to count - 1, in the order of their being made. From `count` on: none, the run is cut. */
    uint32_t (*choose)(void *context, uint32_t count);
    void *choose_context;
    bool trace_hash; /* default true. Only the benchmark switches it off */
    /* The other side is a real Xen's (live.h), and acts whenever it likes: rules that need to know
     * what it did between two accesses of the frontend are not judged. Default false. */
    bool live;
    /* The frontend is a real guest's, of which only what its backend sees is known (served.h):
     * judged is what can be seen from there. Implies `live`. Default false. */
    bool served;
};

void simback_world_options_init(struct simback_world_options *options);

/* NULL if the host has no memory or the arena's address is taken. */
struct simback_world *simback_world_create(const struct simback_world_options *options);
/* As new, in time proportional to what the last run touched. */
void simback_world_reset(struct simback_world *world, const struct simback_world_options *options);
void simback_world_destroy(struct simback_world *world);

/* ---- memory (arena.c) ---- */

/* Zeroed, aligned for any object, with a poisoned redzone before and behind; NULL when the arena is
 * full. */
void *simback_allocate(struct simback_world *world, size_t size);
/* Poisoned at once and not given out again soon. */
void simback_free(struct simback_world *world, void *memory, size_t size);
/* Granted pages come from one region, by page number; a block has a redzone page on each side. */
void *simback_pages_allocate(struct simback_world *world, uint32_t count);
void simback_pages_free(struct simback_world *world, void *address, uint32_t count);
/* Whether `address` lies in the region of pages, and its page number there. */
bool simback_page_number(const struct simback_world *world, const volatile void *address,
                         uint32_t *number);
void *simback_page_address(const struct simback_world *world, uint32_t number);
/* Bytes in use (objects and pages), now and at most. */
size_t simback_memory_used(const struct simback_world *world);
size_t simback_memory_peak(const struct simback_world *world);
/* How often somebody asked for memory and there was none. What is observed afterwards is no longer
 * what a program means: backend, XenStore and rules do without what they needed. */
uint64_t simback_memory_refused(const struct simback_world *world);
/* Calls of simback_allocate and simback_pages_allocate since the world began: a test shows that a
 * request makes none. */
uint64_t simback_allocations(const struct simback_world *world);

/* ---- time, chance ---- */

uint64_t simback_now(const struct simback_world *world); /* nanoseconds since the world began */
/* Moves the clock; never backwards. */
void simback_advance(struct simback_world *world, uint64_t to_ns);
uint64_t simback_random(struct simback_world *world);
/* 0 .. bound-1; bound > 0. */
uint64_t simback_random_below(struct simback_world *world, uint64_t bound);

/* ---- actors (schedule.c) ---- */

typedef uint32_t simback_actor;
#define SIMBACK_NO_ACTOR UINT32_MAX

/*
 * `run` takes one bounded step and returns true if it could go on at once. `device` is the number
 * of the device that the actor works for: after its step that device's rings are looked at
 * (simback_handover). `name` must outlive the actor ("front", "queue", "back", "ring").
 */
simback_actor simback_actor_add(struct simback_world *world, const char *name, uint16_t device,
                                uint16_t queue, bool (*run)(void *context), void *context);
void simback_actor_remove(struct simback_world *world, simback_actor actor);
/* Makes it runnable; once, however often it is said. */
void simback_actor_ready(struct simback_world *world, simback_actor actor);
/* Makes it runnable when the clock gets there; replaces what was said before; SIMBACK_NEVER: not.
 */
void simback_actor_at(struct simback_world *world, simback_actor actor, uint64_t time_ns);
/* The same for housekeeping that nobody waits for: it is done when the clock gets there for another
 * reason, and does not keep the world from rest. */
void simback_actor_idle_at(struct simback_world *world, simback_actor actor, uint64_t time_ns);

enum simback_step {
    SIMBACK_STEP_RAN,
    SIMBACK_STEP_REST,     /* nothing runnable and no timer but housekeeping */
    SIMBACK_STEP_TOO_MANY, /* max_steps without a completed call: no progress (I4) */
    SIMBACK_STEP_CUT       /* `choose` wants no more of this run */
};

/* Runs one ready actor. When none is ready the clock moves to the next timer, but not beyond
 * `until_ns` (then REST). */
enum simback_step simback_world_step(struct simback_world *world, uint64_t until_ns);
uint64_t simback_steps(const struct simback_world *world);
/* The earliest time that an actor waits for; SIMBACK_NEVER. */
uint64_t simback_next_timer(const struct simback_world *world);
/* A call has completed: counts the steps of I4 anew. */
void simback_progress(struct simback_world *world);
/* All that decides how the world goes on, as one number; for exploration. Never the same in two
 * processes. */
uint64_t simback_world_digest(const struct simback_world *world);
/* Bytes of one's own added to such a number. */
uint64_t simback_fold(uint64_t digest, const void *memory, size_t length);
/* Who is ready: for exploration and for messages. */
uint32_t simback_ready_count(const struct simback_world *world);

/* ---- coming back ---- */

/*
 * The world as it is now, outside of it, in the memory of `old` (NULL: none), which is no snapshot
 * any more. NULL: no memory; or what cannot be brought back: disks
 * over files, memory whose marks a checker keeps to itself (MemorySanitizer, valgrind).
 */
struct simback_snapshot;
struct simback_snapshot *simback_world_save(const struct simback_world *world,
                                            struct simback_snapshot *old);
void simback_snapshot_free(struct simback_snapshot *snapshot);
/* The world is what it was, but for `max_steps`, whatever has become of it: reset, or gone on from
 * another snapshot. Whoever holds pointers into it finds there what there was. Written is only what
 * differs. Of the last events those from long before may be missing. */
void simback_world_load(struct simback_world *world, const struct simback_snapshot *snapshot,
                        uint64_t max_steps);

/* ---- what the two sides hand over ---- */

/*
 * Looks at the rings of `device`: indices, event fields, requests and responses that are new go to
 * the trace, the hash and the rules. Called after each step of each side and after each call of the
 * application, never in the middle: so it is the same with and without the observer.
 */
void simback_handover(struct simback_world *world, uint16_t device, bool front);

#ifdef __cplusplus
}
#endif

#endif
