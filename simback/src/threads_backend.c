/* SPDX-License-Identifier: ISC */
/*
 * The backend of a threaded world and the thread that runs it: all of its queues and its XenStore
 * side in turn, then sleep until one of them has something to do. What others want of the backend
 * is done by the same thread, so the backend needs to know nothing of threads.
 */
#include "backend_internal.h"
#include "threads.h"

/* ---- the thread ---- */

static bool take_order(struct thread_backend *back)
{
    struct thread_order *order = &back->order;

    if (__atomic_load_n(&order->pending, __ATOMIC_ACQUIRE) == 0)
        return false;
    order->run(order->context, back->backend);
    __atomic_store_n(&order->pending, 0, __ATOMIC_RELEASE);
    doorbell_ring(&order->done);
    return true;
}

/* One round; true if there is more to do at once, else *at is when there will be. */
static bool take_round(struct simback_backend *backend, uint64_t *at)
{
    const uint16_t queues = (uint16_t)backend->queue_room; /* at most BACKEND_QUEUES */
    bool more = simback_backend_poll(backend);

    *at = SIMBACK_NEVER;
    for (uint16_t i = 0; i < queues; i++) {
        const bool queue_more = simback_backend_service(backend, i);
        const uint64_t answer = simback_backend_service_at(backend, i);
        const uint64_t keep = simback_backend_housekeeping_at(backend, i);

        more = queue_more || more;
        if (answer < *at)
            *at = answer;
        if (keep < *at)
            *at = keep;
    }
    return more;
}

static void *run(void *context)
{
    struct simback_threads *threads = context;
    struct thread_backend *back = &threads->back;

    while (__atomic_load_n(&back->stops, __ATOMIC_ACQUIRE) == 0) {
        const uint32_t seen = doorbell_rings(&threads->back_bell);
        const bool ordered = take_order(back);
        uint64_t at;

        if (!take_round(back->backend, &at) && !ordered)
            (void)doorbell_sleep(&threads->back_bell, seen, at);
    }
    return NULL;
}

/* Something to do that no event told of: the round that runs now may be past it. */
static void wake(void *context, uint16_t queue)
{
    struct simback_threads *threads = context;

    (void)queue;
    doorbell_ring(&threads->back_bell);
}

/* ---- from outside ---- */

static bool make_disk(struct thread_backend *back, uint64_t size_512)
{
    struct simback_world_options options;

    simback_world_options_init(&options);
    options.rules = false;
    options.trace_hash = false;
    back->disk_world = simback_world_create(&options);
    if (back->disk_world == NULL)
        return false;
    back->disk = simback_disk_memory(back->disk_world, size_512);
    return back->disk != NULL;
}

static int make_nodes(struct simback_threads *threads,
                      const struct simback_backend_options *options)
{
    int result;

    threads_enter(threads);
    result = simback_toolstack_create(threads->world, options);
    threads_leave(threads);
    return result;
}

/* What of it there is goes. */
static void clean_up(struct simback_threads *threads)
{
    struct thread_backend *back = &threads->back;

    simback_backend_destroy(back->backend);
    back->backend = NULL;
    simback_disk_destroy(back->disk);
    back->disk = NULL;
    simback_world_destroy(back->disk_world);
    back->disk_world = NULL;
}

int simback_threads_start(struct simback_threads *threads,
                          const struct simback_backend_options *options)
{
    struct thread_backend *back = &threads->back;
    struct simback_backend_options own = *options;
    int result;

    if (back->runs)
        return BLKFRONT_PLATFORM_INVALID;
    own.device = 0;
    own.domid = SIMBACK_DOM0;
    own.front_domid = SIMBACK_FRONT_DOMID;
    result = make_nodes(threads, &own);
    if (result != 0)
        return result;
    if (make_disk(back, publish_sectors_512(&own))) {
        own.disk = back->disk;
        back->backend = simback_backend_create(&threads->host, &own);
    }
    if (back->backend == NULL) {
        clean_up(threads);
        return BLKFRONT_PLATFORM_NO_MEMORY;
    }
    back->backend->wake = wake;
    back->backend->runner = threads;
    backend_former_life(back->backend);
    back->stops = 0;
    if (pthread_create(&back->thread, NULL, run, threads) != 0) {
        clean_up(threads);
        return BLKFRONT_PLATFORM_NO_MEMORY;
    }
    back->runs = true;
    return 0;
}

void simback_threads_stop(struct simback_threads *threads)
{
    struct thread_backend *back = &threads->back;

    if (!back->runs)
        return;
    __atomic_store_n(&back->stops, 1, __ATOMIC_RELEASE);
    doorbell_ring(&threads->back_bell);
    (void)pthread_join(back->thread, NULL);
    back->runs = false;
    clean_up(threads);
}

void simback_threads_call(struct simback_threads *threads,
                          void (*run_there)(void *context, struct simback_backend *backend),
                          void *context)
{
    struct thread_order *order = &threads->back.order;

    order->run = run_there;
    order->context = context;
    __atomic_store_n(&order->pending, 1, __ATOMIC_RELEASE);
    doorbell_ring(&threads->back_bell);
    for (;;) {
        const uint32_t seen = doorbell_rings(&order->done);

        if (__atomic_load_n(&order->pending, __ATOMIC_ACQUIRE) == 0)
            return;
        (void)doorbell_sleep(&order->done, seen, UINT64_MAX);
    }
}
