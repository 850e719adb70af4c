/* SPDX-License-Identifier: ISC */
/*
 * Watch events that do not come as they should, on purpose, each kind for one device's frontend:
 * fired without a change, lost, merged, many times, late. How an event waits and is taken is in
 * xenstore_watch.c.
 */
#include "xenstore_internal.h"

#include <string.h>

struct watch_faults *watch_faults_of(const struct blkfront_watch_set *set)
{
    return set->front && world_has_device(set->domain->world, set->device)
               ? &set->domain->world->fronts[set->device].watch_faults
               : NULL;
}

bool watch_event_is_there(const struct blkfront_watch_set *set)
{
    const struct watch_faults *faults = watch_faults_of(set);

    return set->first != NULL && set->first->due_ns <= set->domain->world->now &&
           (faults == NULL || !faults->merge || set->let_through);
}

static void tell(struct simback_world *world, uint16_t device, const char *what, uint64_t a,
                 uint64_t count)
{
    if (world_listens(world))
        simback_emit(world, &(struct simback_event){.kind = SIMBACK_FAULT,
                                                    .domid = world->guest,
                                                    .device = device,
                                                    .a = a,
                                                    .c = count,
                                                    .path = what});
}

/* ---- without a change ---- */

int simback_watch_fire(struct simback_world *world, uint16_t device, const char *path,
                       uint32_t count)
{
    int result = BLKFRONT_PLATFORM_NO_ENTRY;

    if (count == 0)
        return BLKFRONT_PLATFORM_INVALID;
    for (struct blkfront_watch_set *set = world->store.sets; set != NULL; set = set->next) {
        if (!set->front || set->device != device)
            continue;
        for (struct store_watch *watch = set->watches; watch != NULL; watch = watch->next) {
            if (watch->gone || strcmp(watch->path, path) != 0)
                continue;
            tell(world, device, "watch fire", watch->token, count);
            store_watch_event(set, watch, path, count);
            result = 0;
        }
    }
    return result;
}

/* ---- lost ---- */

void simback_watch_lose(struct simback_world *world, uint16_t device, uint32_t count)
{
    if (world_has_device(world, device))
        world->fronts[device].watch_faults.lose += count;
}

void watch_event_is_lost(const struct blkfront_watch_set *set, const struct store_watch *watch)
{
    struct watch_faults *faults = watch_faults_of(set);

    faults->lose--;
    tell(set->domain->world, set->device, "watch lose",
         hash_xxh64(watch->path, watch->path_size - 1, 0), faults->lose);
}

void watch_event_is_unheard(const struct blkfront_watch_set *set, const struct store_watch *watch)
{
    tell(set->domain->world, set->device, "watch lose",
         hash_xxh64(watch->path, watch->path_size - 1, 0), 0);
}

/* ---- merged ---- */

void simback_watch_merge(struct simback_world *world, uint16_t device)
{
    if (world_has_device(world, device))
        world->fronts[device].watch_faults.merge = true;
}

void store_watches_let_through(struct simback_world *world)
{
    for (struct blkfront_watch_set *set = world->store.sets; set != NULL; set = set->next) {
        const struct watch_faults *faults = watch_faults_of(set);

        if (faults == NULL || !faults->merge || set->first == NULL || set->let_through)
            continue;
        set->let_through = true;
        if (watch_event_is_there(set))
            store_watch_wake(set);
    }
}

/* ---- many times ---- */

void simback_watch_flood(struct simback_world *world, uint16_t device, uint32_t count)
{
    if (world_has_device(world, device))
        world->fronts[device].watch_faults.flood = count;
}

/* ---- late ---- */

/* The next time at which an event is due that is not yet. */
static uint64_t next_due(const struct simback_world *world)
{
    uint64_t due_ns = SIMBACK_NEVER;

    for (const struct blkfront_watch_set *set = world->store.sets; set != NULL; set = set->next) {
        const struct store_event *event = set->first;

        while (event != NULL && event->due_ns <= world->now)
            event = event->next;
        if (event != NULL && event->due_ns < due_ns)
            due_ns = event->due_ns;
    }
    return due_ns;
}

static bool deliver(void *context)
{
    struct simback_world *world = context;

    for (struct blkfront_watch_set *set = world->store.sets; set != NULL; set = set->next) {
        if (set->front && watch_event_is_there(set))
            store_watch_wake(set);
    }
    watch_events_are_late(world);
    return false;
}

void watch_events_are_late(struct simback_world *world)
{
    simback_actor_at(world, world->store.late_actor, next_due(world));
}

int simback_watch_late(struct simback_world *world, uint16_t device, uint64_t delay_ns)
{
    struct xenstore *store = &world->store;

    if (!world_has_device(world, device))
        return BLKFRONT_PLATFORM_INVALID;
    if (store->late_actor == SIMBACK_NO_ACTOR)
        store->late_actor =
            simback_actor_add(world, "xenstore", SIMBACK_NO_DEVICE, 0, deliver, world);
    if (store->late_actor == SIMBACK_NO_ACTOR)
        return BLKFRONT_PLATFORM_NO_MEMORY;
    world->fronts[device].watch_faults.late_ns = delay_ns;
    return 0;
}

/* ---- the end ---- */

void store_watches_mend(struct simback_world *world)
{
    for (unsigned device = 0; device < world->options.devices; device++)
        world->fronts[device].watch_faults = (struct watch_faults){0};
    for (struct blkfront_watch_set *set = world->store.sets; set != NULL; set = set->next) {
        for (struct store_watch *watch = set->watches; watch != NULL; watch = watch->next)
            watch->repeat = 0;
        for (struct store_event *event = set->first; event != NULL; event = event->next)
            event->due_ns = world->now;
        if (set->front && set->first != NULL)
            store_watch_wake(set);
    }
    watch_events_are_late(world);
}
