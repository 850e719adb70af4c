/* SPDX-License-Identifier: ISC */
/*
 * Watches of the simulated XenStore. A set is one connection's: a frontend's poller or a backend.
 * A watch fires once when it is set, then for each change of its node or of one below. An event
 * waits in the set's queue; only one that is the same in watch and path as a waiting one is
 * dropped. What was queued before an unwatch still arrives. On purpose the events of a device's
 * frontend are lost, merged, late, or come many times.
 */
#include "xenstore_internal.h"

#include <string.h>

void store_watch_wake(const struct blkfront_watch_set *set)
{
    struct simback_world *world = set->domain->world;

    simback_actor_ready(world, set->front ? front_device_actor(world, set->device) : set->actor);
}

/* Of the set's device, whoever has been entered: a frontend may take a watch from one for another.
 */
void store_watch_tell(const struct blkfront_watch_set *set, enum simback_event_kind kind,
                      const char *path, uint32_t token, int result)
{
    if (world_listens(set->domain->world))
        simback_emit(set->domain->world, &(struct simback_event){.kind = kind,
                                                                 .domid = set->domain->domid,
                                                                 .device = set->device,
                                                                 .a = token,
                                                                 .path = path,
                                                                 .result = result});
}

/* ---- firing ---- */

/* One that waits says the same; of those that are merged any one of the watch does. */
static bool is_waiting(const struct blkfront_watch_set *set, const struct store_watch *watch,
                       uint64_t path_hash)
{
    const struct watch_faults *faults = watch_faults_of(set);
    const struct store_event *event = set->first;

    if (watch->waiting == 0)
        return false;
    if (faults != NULL && faults->merge)
        return true;
    while (event != NULL && (event->watch != watch || event->path_hash != path_hash))
        event = event->next;
    return event != NULL;
}

static void enqueue(struct blkfront_watch_set *set, struct store_watch *watch, uint64_t path_hash,
                    uint64_t due_ns)
{
    struct simback_world *world = set->domain->world;
    struct store_event *event = world->store.free_events;

    if (event != NULL)
        world->store.free_events = event->next;
    else
        event = simback_allocate(world, sizeof(*event));
    if (event == NULL)
        return; /* the arena is full: xenstored would have cut the connection */
    if (set->last != NULL && set->last->due_ns > due_ns)
        due_ns = set->last->due_ns; /* late or not, they keep their order */
    *event = (struct store_event){.watch = watch, .path_hash = path_hash, .due_ns = due_ns};
    if (set->last != NULL)
        set->last->next = event;
    else
        set->first = event;
    set->last = event;
    watch->waiting++;
    if (due_ns > world->now)
        watch_events_are_late(world);
}

void store_watch_event(struct blkfront_watch_set *set, struct store_watch *watch, const char *path,
                       uint32_t times)
{
    const uint64_t hash = hash_xxh64(path, strlen(path), 0);
    struct watch_faults *faults = watch_faults_of(set);
    const uint64_t late_ns = faults == NULL ? 0 : faults->late_ns;

    if (faults != NULL && faults->flood > times)
        times = faults->flood;
    if (!is_waiting(set, watch, hash)) {
        if (faults != NULL && faults->lose != 0) {
            watch_event_is_lost(set, watch);
            return;
        }
        enqueue(set, watch, hash, set->domain->world->now + late_ns);
        if (watch_event_is_there(set))
            store_watch_wake(set);
    }
    if (watch->repeat < times - 1)
        watch->repeat = times - 1;
}

static bool may_read(const struct blkfront_watch_set *set, const char *path)
{
    struct simback_world *world = set->domain->world;

    return !(set->front && store_is_denied(world, path)) &&
           store_check(world->store.root, set->domain, path, STORE_CAN_READ) == 0;
}

/* A watcher hears only of nodes that it may read, or whose parent it may read. */
static bool may_hear(const struct blkfront_watch_set *set, const char *path)
{
    char parent[STORE_PATH_MAX + 1];
    size_t length = (size_t)(strrchr(path, '/') - path);

    if (may_read(set, path))
        return true;
    memcpy(parent, path, length);
    parent[length] = 0;
    return may_read(set, length == 0 ? "/" : parent);
}

static void fire_one(struct blkfront_watch_set *set, struct store_watch *watch, const char *path,
                     size_t length, bool removed)
{
    struct simback_world *world = set->domain->world;

    if (watch->gone)
        return;
    if (!store_path_lies_within(path, length, watch->path, watch->path_size - 1)) {
        if (!removed || !store_path_is_within(watch->path, path) ||
            store_tree_find(world->store.root, watch->path) == NULL)
            return;
        path = watch->path;
    }
    if (may_hear(set, path))
        store_watch_event(set, watch, path, 1);
    else if (set->front)
        watch_event_is_unheard(set, watch);
}

void store_watches_fire(struct simback_world *world, const char *path, bool removed)
{
    const size_t length = strlen(path);

    for (struct blkfront_watch_set *set = world->store.sets; set != NULL; set = set->next) {
        for (struct store_watch *watch = set->watches; watch != NULL; watch = watch->next)
            fire_one(set, watch, path, length, removed);
    }
}

/* ---- sets ---- */

int store_watches_open(struct domain *domain, uint16_t device, bool front, simback_actor actor,
                       struct blkfront_watch_set **set)
{
    struct simback_world *world = domain->world;
    struct blkfront_watch_set *made = simback_allocate(world, sizeof(*made));
    struct blkfront_watch_set **link = &world->store.sets;

    if (made == NULL)
        return BLKFRONT_PLATFORM_NO_MEMORY;
    made->domain = domain;
    made->device = device;
    made->front = front;
    made->actor = actor;
    while (*link != NULL)
        link = &(*link)->next;
    *link = made;
    domain->ledger.watch_sets++;
    *set = made;
    return 0;
}

static void free_watch(struct simback_world *world, struct store_watch *watch)
{
    simback_free(world, watch, sizeof(*watch) + watch->path_size);
}

/* Takes the first event out; gives its watch, which the caller lets go with let_go. */
static struct store_watch *take_event(struct blkfront_watch_set *set)
{
    struct xenstore *store = &set->domain->world->store;
    struct store_event *event = set->first;
    struct store_watch *watch = event->watch;

    set->first = event->next;
    if (set->first == NULL)
        set->last = NULL;
    event->next = store->free_events;
    store->free_events = event;
    watch->waiting--;
    return watch;
}

static void let_go(struct blkfront_watch_set *set, struct store_watch *watch)
{
    struct store_watch **link = &set->watches;

    if (!watch->gone || watch->waiting != 0)
        return;
    while (*link != watch)
        link = &(*link)->next;
    *link = watch->next;
    free_watch(set->domain->world, watch);
}

void store_watches_close(struct blkfront_watch_set *set)
{
    struct simback_world *world = set->domain->world;
    struct blkfront_watch_set **link = &world->store.sets;

    while (set->first != NULL)
        let_go(set, take_event(set));
    while (set->watches != NULL) {
        struct store_watch *watch = set->watches;

        store_watch_tell(set, SIMBACK_UNWATCH, watch->path, watch->token, 0);
        set->watches = watch->next;
        set->domain->ledger.watches--;
        free_watch(world, watch);
    }
    while (*link != set)
        link = &(*link)->next;
    *link = set->next;
    set->domain->ledger.watch_sets--;
    simback_free(world, set, sizeof(*set));
}

/* ---- watches ---- */

static struct store_watch **find(struct blkfront_watch_set *set, const char *path, uint32_t token)
{
    struct store_watch **link = &set->watches;

    while (*link != NULL &&
           ((*link)->gone || (*link)->token != token || strcmp((*link)->path, path) != 0))
        link = &(*link)->next;
    return link;
}

static int add_watch(struct blkfront_watch_set *set, const char *path, uint32_t token)
{
    struct domain *domain = set->domain;
    size_t size;
    struct store_watch *watch, **link;

    if (store_path_length(path) == 0)
        return BLKFRONT_PLATFORM_INVALID;
    if (*find(set, path, token) != NULL)
        return BLKFRONT_PLATFORM_EXISTS;
    if (domain->domid != SIMBACK_DOM0 &&
        domain->ledger.watches >= store_quota(domain->world, STORE_QUOTA_WATCHES))
        return BLKFRONT_PLATFORM_NO_MEMORY;
    size = strlen(path) + 1;
    watch = simback_allocate(domain->world, sizeof(*watch) + size);
    if (watch == NULL)
        return BLKFRONT_PLATFORM_NO_MEMORY;
    watch->token = token;
    watch->path_size = (uint32_t)size;
    memcpy(watch->path, path, size);
    for (link = &set->watches; *link != NULL;)
        link = &(*link)->next;
    *link = watch;
    domain->ledger.watches++;
    store_watch_event(set, watch, path, 1);
    return 0;
}

int store_watch(struct blkfront_watch_set *set, const char *path, uint32_t token)
{
    int result = add_watch(set, path, token);

    store_watch_tell(set, SIMBACK_WATCH, path, token, result);
    return result;
}

int store_unwatch(struct blkfront_watch_set *set, const char *path, uint32_t token)
{
    struct store_watch *watch = store_path_length(path) == 0 ? NULL : *find(set, path, token);
    int result = watch == NULL ? BLKFRONT_PLATFORM_NO_ENTRY : 0;

    store_watch_tell(set, SIMBACK_UNWATCH, path, token, result);
    if (watch != NULL) {
        watch->gone = true;
        set->domain->ledger.watches--;
        let_go(set, watch);
    }
    return result;
}

int store_watch_fired(struct blkfront_watch_set *set, uint32_t *token)
{
    struct store_watch *watch;
    uint64_t path_hash;

    set->woken = false;
    if (!watch_event_is_there(set))
        return 0;
    path_hash = set->first->path_hash;
    watch = take_event(set);
    *token = watch->token;
    store_watch_tell(set, SIMBACK_WATCH_FIRED, watch->path, watch->token, 0);
    /* No news that anybody would be woken for: who leaves an event has to say so by himself. */
    if (watch->repeat != 0 && !watch->gone) {
        watch->repeat--;
        enqueue(set, watch, path_hash, set->domain->world->now);
    }
    set->let_through = set->let_through && set->first != NULL;
    let_go(set, watch);
    return 1;
}

void store_watches_resume(struct domain *domain)
{
    for (struct blkfront_watch_set *set = domain->world->store.sets; set != NULL; set = set->next) {
        if (set->domain != domain || !set->front)
            continue;
        for (struct store_watch *watch = set->watches; watch != NULL; watch = watch->next) {
            if (!watch->gone)
                store_watch_event(set, watch, watch->path, 1);
        }
    }
}

void store_watches_wake(struct blkfront_watch_set *set)
{
    set->woken = true;
    store_watch_wake(set);
}

bool store_watches_due(struct simback_world *world, uint16_t device)
{
    bool due = false;

    for (struct blkfront_watch_set *set = world->store.sets; set != NULL; set = set->next) {
        if (set->device != device || !set->front)
            continue;
        due = due || watch_event_is_there(set) || set->woken;
        set->woken = false;
    }
    return due;
}
