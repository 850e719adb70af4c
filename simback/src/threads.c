/* SPDX-License-Identifier: ISC */
/*
 * The threaded world as a whole: made over a stepped one, which gives memory and XenStore, and
 * taken down; the lock of what is shared and slow; the ledger. Requests never come here.
 */
#include "threads.h"

/* ---- the lock ---- */

void threads_enter(struct simback_threads *threads)
{
    (void)pthread_mutex_lock(&threads->lock);
}

/* The only actors are those that ring. */
void threads_leave(struct simback_threads *threads)
{
    simback_progress(threads->world);
    while (simback_world_step(threads->world, 0) == SIMBACK_STEP_RAN)
        continue;
    (void)pthread_mutex_unlock(&threads->lock);
}

static bool ring_front(void *context)
{
    struct simback_threads *threads = context;

    thread_device_fire(threads, &threads->device_fired);
    return false;
}

static bool ring_back(void *context)
{
    struct simback_threads *threads = context;

    __atomic_store_n(&threads->back_fired, 1, __ATOMIC_SEQ_CST);
    doorbell_ring(&threads->back_bell);
    return false;
}

/* ---- life ---- */

static bool make_parts(struct simback_threads *threads)
{
    struct simback_world *world = threads->world;
    simback_actor front, back;

    front = simback_actor_add(world, "front", SIMBACK_NO_DEVICE, 0, ring_front, threads);
    back = simback_actor_add(world, "back", SIMBACK_NO_DEVICE, 0, ring_back, threads);
    simback_enter(world, 0);
    simback_front_actors(world, 0, front, NULL, 0);
    threads->guest = simback_platform(world, SIMBACK_FRONT_DOMID);
    threads->dom0 = simback_sim_host(world, SIMBACK_DOM0, 0, back, NULL, 0);
    return front != SIMBACK_NO_ACTOR && back != SIMBACK_NO_ACTOR && threads->guest != NULL &&
           threads->dom0 != NULL && thread_grants_init(threads) && thread_events_init(threads);
}

struct simback_threads *simback_threads_create(void)
{
    struct simback_world_options options;
    struct simback_world *world;
    struct simback_threads *threads;

    simback_world_options_init(&options);
    options.rules = false;
    options.trace_hash = false;
    world = simback_world_create(&options);
    if (world == NULL)
        return NULL;
    threads = simback_allocate(world, sizeof(*threads));
    if (threads == NULL) {
        simback_world_destroy(world);
        return NULL;
    }
    threads->world = world;
    if (!make_parts(threads) || pthread_mutex_init(&threads->lock, NULL) != 0) {
        simback_world_destroy(world);
        return NULL;
    }
    thread_platform_init(threads);
    thread_host_init(threads);
    return threads;
}

void simback_threads_destroy(struct simback_threads *threads)
{
    if (threads == NULL)
        return;
    simback_threads_stop(threads);
    (void)pthread_mutex_destroy(&threads->lock);
    simback_world_destroy(threads->world); /* it lies in there, with all its parts */
}

const struct blkfront_platform *simback_threads_platform(struct simback_threads *threads)
{
    return &threads->platform;
}

const struct simback_host *simback_threads_host(struct simback_threads *threads)
{
    return &threads->host;
}

/* ---- what the guest holds ---- */

void simback_threads_get_ledger(struct simback_threads *threads, struct simback_ledger *ledger)
{
    threads_enter(threads);
    simback_get_ledger(threads->world, SIMBACK_FRONT_DOMID, ledger);
    ledger->pages = threads->pages_used;
    thread_count_grants(threads, ledger);
    thread_count_channels(threads, ledger);
    threads_leave(threads);
}

int simback_threads_store_permit(struct simback_threads *threads, const char *path, uint16_t owner,
                                 uint16_t reader)
{
    int result;

    threads_enter(threads);
    result = simback_store_permit(threads->world, path, owner, reader);
    threads_leave(threads);
    return result;
}
