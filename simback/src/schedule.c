/* SPDX-License-Identifier: ISC */
/*
 * Who takes the next step. Actors that are ready stand in a queue, first come first served or drawn
 * by the world's chance; actors that wait for a time are in a heap ordered by time, then by the
 * order in which they asked. The virtual clock moves to the next timer when nobody is ready.
 * Housekeeping has times of its own, which move no clock.
 */
#include "internal.h"

#include <string.h>

#define NOT_IN_HEAP UINT32_MAX

enum { FIRST_CAPACITY = 16 };

struct actor {
    bool (*run)(void *context);
    void *context;
    const char *name;
    uint64_t timer_ns;
    uint64_t timer_sequence;
    uint64_t idle_ns;     /* of housekeeping; SIMBACK_NEVER */
    uint32_t timer_index; /* in the heap; NOT_IN_HEAP */
    uint32_t next_free;
    uint32_t generation; /* of the slot: an actor may be removed by its own step */
    uint16_t device;
    uint16_t queue;
    bool used;
    bool ready;
    bool front;
};

void schedule_reset(struct simback_world *world)
{
    memset(&world->schedule, 0, sizeof(world->schedule));
    world->schedule.first_free = SIMBACK_NO_ACTOR;
    world->schedule.last_ran = SIMBACK_NO_ACTOR;
    world->schedule.last_device = SIMBACK_NO_DEVICE;
}

/* ---- timers ---- */

static bool earlier(const struct schedule *schedule, simback_actor left, simback_actor right)
{
    const struct actor *a = &schedule->actors[left], *b = &schedule->actors[right];

    return a->timer_ns != b->timer_ns ? a->timer_ns < b->timer_ns
                                      : a->timer_sequence < b->timer_sequence;
}

static void put_timer(struct schedule *schedule, uint32_t index, simback_actor actor)
{
    schedule->timers[index] = actor;
    schedule->actors[actor].timer_index = index;
}

static void sift_up(struct schedule *schedule, uint32_t index)
{
    simback_actor actor = schedule->timers[index];

    while (index > 0 && earlier(schedule, actor, schedule->timers[(index - 1) / 2])) {
        put_timer(schedule, index, schedule->timers[(index - 1) / 2]);
        index = (index - 1) / 2;
    }
    put_timer(schedule, index, actor);
}

static void sift_down(struct schedule *schedule, uint32_t index)
{
    simback_actor actor = schedule->timers[index];

    for (;;) {
        uint32_t child = 2 * index + 1;

        if (child >= schedule->timer_count)
            break;
        if (child + 1 < schedule->timer_count &&
            earlier(schedule, schedule->timers[child + 1], schedule->timers[child]))
            child++;
        if (!earlier(schedule, schedule->timers[child], actor))
            break;
        put_timer(schedule, index, schedule->timers[child]);
        index = child;
    }
    put_timer(schedule, index, actor);
}

static void remove_timer(struct schedule *schedule, simback_actor actor)
{
    uint32_t index = schedule->actors[actor].timer_index;
    simback_actor last;

    if (index == NOT_IN_HEAP)
        return;
    schedule->actors[actor].timer_index = NOT_IN_HEAP;
    last = schedule->timers[--schedule->timer_count];
    if (last == actor)
        return;
    put_timer(schedule, index, last);
    sift_up(schedule, index);
    sift_down(schedule, schedule->actors[last].timer_index);
}

void simback_actor_at(struct simback_world *world, simback_actor actor, uint64_t time_ns)
{
    struct schedule *schedule = &world->schedule;

    if (actor >= schedule->count || !schedule->actors[actor].used)
        return;
    /* Asked again for the same time it keeps its place: saying it twice changes nothing. */
    if (schedule->actors[actor].timer_index != NOT_IN_HEAP &&
        schedule->actors[actor].timer_ns == time_ns)
        return;
    remove_timer(schedule, actor);
    if (time_ns == SIMBACK_NEVER)
        return;
    if (time_ns <= world->now) {
        simback_actor_ready(world, actor);
        return;
    }
    schedule->actors[actor].timer_ns = time_ns;
    schedule->actors[actor].timer_sequence = schedule->timer_sequence++;
    put_timer(schedule, schedule->timer_count, actor);
    sift_up(schedule, schedule->timer_count++);
}

void schedule_fire_timers(struct simback_world *world)
{
    struct schedule *schedule = &world->schedule;

    while (schedule->timer_count > 0) {
        simback_actor actor = schedule->timers[0];

        if (schedule->actors[actor].timer_ns > world->now)
            break;
        remove_timer(schedule, actor);
        simback_actor_ready(world, actor);
    }
}

/* ---- housekeeping ---- */

void simback_actor_idle_at(struct simback_world *world, simback_actor actor, uint64_t time_ns)
{
    struct schedule *schedule = &world->schedule;

    if (actor >= schedule->count || !schedule->actors[actor].used)
        return;
    schedule->idle_count -= schedule->actors[actor].idle_ns != SIMBACK_NEVER;
    schedule->actors[actor].idle_ns = time_ns;
    schedule->idle_count += time_ns != SIMBACK_NEVER;
}

/* The earliest that is due by `until_ns` becomes ready, and the clock moves there; false: none. */
static bool fire_idle(struct simback_world *world, uint64_t until_ns)
{
    struct schedule *schedule = &world->schedule;
    simback_actor first = SIMBACK_NO_ACTOR;

    for (simback_actor i = 0; schedule->idle_count != 0 && i < schedule->count; i++) {
        const struct actor *actor = &schedule->actors[i];

        if (actor->used && actor->idle_ns <= until_ns &&
            (first == SIMBACK_NO_ACTOR || actor->idle_ns < schedule->actors[first].idle_ns))
            first = i;
    }
    if (first == SIMBACK_NO_ACTOR)
        return false;
    simback_advance(world, schedule->actors[first].idle_ns);
    simback_actor_idle_at(world, first, SIMBACK_NEVER);
    simback_actor_ready(world, first);
    return true;
}

/* ---- actors ---- */

/* Doubles the slots; the ready ring is laid out anew from its head. */
static bool grow(struct simback_world *world)
{
    struct schedule *schedule = &world->schedule;
    uint32_t old = schedule->capacity, capacity = old == 0 ? FIRST_CAPACITY : 2 * old;
    struct actor *actors = simback_allocate(world, capacity * sizeof(actors[0]));
    simback_actor *ready = simback_allocate(world, capacity * sizeof(ready[0]));
    simback_actor *timers = simback_allocate(world, capacity * sizeof(timers[0]));

    if (actors == NULL || ready == NULL || timers == NULL) {
        simback_free(world, actors, capacity * sizeof(actors[0]));
        simback_free(world, ready, capacity * sizeof(ready[0]));
        simback_free(world, timers, capacity * sizeof(timers[0]));
        return false;
    }
    if (old != 0) {
        memcpy(actors, schedule->actors, old * sizeof(actors[0]));
        memcpy(timers, schedule->timers, schedule->timer_count * sizeof(timers[0]));
    }
    for (uint32_t i = 0; i < schedule->ready_count; i++)
        ready[i] = schedule->ready[(schedule->ready_head + i) & (old - 1)];
    simback_free(world, schedule->actors, old * sizeof(actors[0]));
    simback_free(world, schedule->ready, old * sizeof(ready[0]));
    simback_free(world, schedule->timers, old * sizeof(timers[0]));
    schedule->actors = actors;
    schedule->ready = ready;
    schedule->timers = timers;
    schedule->ready_head = 0;
    schedule->capacity = capacity;
    return true;
}

simback_actor simback_actor_add(struct simback_world *world, const char *name, uint16_t device,
                                uint16_t queue, bool (*run)(void *context), void *context)
{
    struct schedule *schedule = &world->schedule;
    simback_actor id = schedule->first_free;
    uint32_t generation = 0;

    if (id != SIMBACK_NO_ACTOR) {
        schedule->first_free = schedule->actors[id].next_free;
        generation = schedule->actors[id].generation;
    } else {
        if (schedule->count == schedule->capacity && !grow(world))
            return SIMBACK_NO_ACTOR;
        id = schedule->count++;
    }
    schedule->actors[id] = (struct actor){
        .run = run,
        .context = context,
        .name = name,
        .idle_ns = SIMBACK_NEVER,
        .timer_index = NOT_IN_HEAP,
        .generation = generation,
        .device = device,
        .queue = queue,
        .used = true,
        .front = strcmp(name, "front") == 0 || strcmp(name, "queue") == 0,
    };
    return id;
}

/* Takes the actor that is `place` behind the head out of the queue; the others keep their order. */
static simback_actor take_ready(struct schedule *schedule, uint32_t place)
{
    uint32_t mask = schedule->capacity - 1;
    simback_actor actor = schedule->ready[(schedule->ready_head + place) & mask];

    for (uint32_t i = place; i > 0; i--)
        schedule->ready[(schedule->ready_head + i) & mask] =
            schedule->ready[(schedule->ready_head + i - 1) & mask];
    schedule->ready_head = (schedule->ready_head + 1) & mask;
    schedule->ready_count--;
    schedule->actors[actor].ready = false;
    return actor;
}

void simback_actor_remove(struct simback_world *world, simback_actor actor)
{
    struct schedule *schedule = &world->schedule;

    if (actor >= schedule->count || !schedule->actors[actor].used)
        return;
    remove_timer(schedule, actor);
    simback_actor_idle_at(world, actor, SIMBACK_NEVER);
    if (schedule->actors[actor].ready) {
        uint32_t place = 0;

        while (schedule->ready[(schedule->ready_head + place) & (schedule->capacity - 1)] != actor)
            place++;
        take_ready(schedule, place);
    }
    schedule->actors[actor].used = false;
    schedule->actors[actor].generation++;
    schedule->actors[actor].next_free = schedule->first_free;
    schedule->first_free = actor;
}

void simback_actor_ready(struct simback_world *world, simback_actor actor)
{
    struct schedule *schedule = &world->schedule;

    if (actor >= schedule->count || !schedule->actors[actor].used || schedule->actors[actor].ready)
        return;
    schedule->actors[actor].ready = true;
    schedule->ready[(schedule->ready_head + schedule->ready_count++) & (schedule->capacity - 1)] =
        actor;
}

/* ---- steps ---- */

static void run_actor(struct simback_world *world, simback_actor id)
{
    struct schedule *schedule = &world->schedule;
    struct actor actor = schedule->actors[id]; /* a step may move the table */
    uint16_t entered = world->entered;
    bool more;

    schedule->steps++;
    schedule->steps_since_progress += world->storms == NULL; /* a storm ends by itself */
    /* A frontend's calls in its own step are its device's. */
    if (actor.front)
        world->entered = actor.device;
    more = actor.run(actor.context);
    world->entered = entered;
    if (more && schedule->actors[id].used && schedule->actors[id].generation == actor.generation)
        simback_actor_ready(world, id);
    if (actor.device != SIMBACK_NO_DEVICE && world_listens(world))
        simback_handover(world, actor.device, actor.front);
    schedule->last_ran = id;
    schedule->last_device = actor.device;
    schedule->last_was_front = actor.front;
}

/* The ready ones in the order of their numbers, at the beginning of the ring: whoever chooses knows
 * them by that, and nothing tells in which order they came. */
static void sort_ready(struct schedule *schedule)
{
    uint32_t count = 0;

    memset(schedule->ready, 0, schedule->capacity * sizeof(schedule->ready[0]));
    for (simback_actor i = 0; i < schedule->count; i++) {
        if (schedule->actors[i].ready)
            schedule->ready[count++] = i;
    }
    schedule->ready_head = 0;
}

/* Who is next; beyond the ready ones: nobody. */
static uint32_t choose(struct simback_world *world)
{
    struct schedule *schedule = &world->schedule;

    if (world->options.choose == NULL)
        return world->options.random_order
                   ? (uint32_t)random_below(&world->random, schedule->ready_count)
                   : 0;
    sort_ready(schedule);
    return world->options.choose(world->options.choose_context, schedule->ready_count);
}

/* At REST the clock stays where it is, also when a later timer is set: who waits for a time moves
 * it with simback_advance. */
enum simback_step simback_world_step(struct simback_world *world, uint64_t until_ns)
{
    struct schedule *schedule = &world->schedule;
    uint32_t place = 0;

    if (world->storms != NULL)
        storms_blow(world);
    if (schedule->ready_count == 0)
        store_watches_let_through(world);
    if (schedule->ready_count == 0) {
        const uint64_t next = simback_next_timer(world);
        const uint64_t passes = next < until_ns ? next : until_ns; /* so far time goes anyhow */

        if (passes == SIMBACK_NEVER || !fire_idle(world, passes)) {
            if (schedule->timer_count == 0 || next > until_ns)
                return SIMBACK_STEP_REST;
            simback_advance(world, next);
        }
    }
    if (schedule->steps_since_progress >= world->options.max_steps)
        return SIMBACK_STEP_TOO_MANY;
    if (schedule->ready_count > 1)
        place = choose(world);
    if (place >= schedule->ready_count)
        return SIMBACK_STEP_CUT;
    run_actor(world, take_ready(schedule, place));
    return SIMBACK_STEP_RAN;
}

uint64_t simback_steps(const struct simback_world *world)
{
    return world->schedule.steps;
}

uint64_t simback_next_timer(const struct simback_world *world)
{
    const struct schedule *schedule = &world->schedule;

    return schedule->timer_count == 0 ? SIMBACK_NEVER
                                      : schedule->actors[schedule->timers[0]].timer_ns;
}

void simback_progress(struct simback_world *world)
{
    world->schedule.steps_since_progress = 0;
    world->short_times = 0;
}

uint32_t simback_ready_count(const struct simback_world *world)
{
    return world->schedule.ready_count;
}
