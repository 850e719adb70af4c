/* SPDX-License-Identifier: ISC */
/*
 * The backend of a threaded world and the thread that runs it: all of its queues and its XenStore
 * side in turn, then sleep until one of them has something to do. What others want of the backend
 * is done by the same thread, so the backend needs to know nothing of threads.
 */
#include "backend_internal.h"
#include "threads.h"

#include <stdio.h>

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

/* Served at once: who has published waits for the answer alone, mostly. */
static bool serve_news(void *context)
{
    return service_news(context);
}

/* Until there is something to do, at the latest `at`. The rings are watched first, and nobody is
 * asked for an event: between two requests of a busy frontend that would cost more than all the
 * rest. Only who is about to sleep asks, and looks once more. */
static void wait(struct simback_threads *threads, uint32_t seen)
{
    enum { GLANCE = 64, GLANCES = 16 };
    struct thread_backend *back = &threads->back;
    const struct doorbell_sign news = {serve_news, back->backend};
    uint64_t at;
    bool more;

    /* Who has just been answered is mostly awake. */
    if (back->owed != 0 && ++back->glances % GLANCES != 0 &&
        doorbell_glance(&threads->back_bell, seen, &news, GLANCE))
        return;
    thread_back_pay(threads, true);
    if (doorbell_spin(&threads->back_bell, seen, &news))
        return;
    back->backend->watched = false;
    more = take_round(back->backend, &at);
    thread_back_pay(threads, !more);
    if (!more)
        (void)doorbell_sleep(&threads->back_bell, seen, at);
    back->backend->watched = true;
}

static void *run(void *context)
{
    struct simback_threads *threads = context;
    struct thread_backend *back = &threads->back;

    back->backend->watched = true;
    while (__atomic_load_n(&back->stops, __ATOMIC_ACQUIRE) == 0) {
        const uint32_t seen = doorbell_rings(&threads->back_bell);
        const bool ordered = take_order(back);
        uint64_t at;

        if (take_round(back->backend, &at) || ordered)
            thread_back_pay(threads, false);
        else
            wait(threads, seen);
    }
    thread_back_pay(threads, true);
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

/* The options as this world has them: one device, domain 0 serves the guest. */
static struct simback_backend_options settle(const struct simback_backend_options *options)
{
    struct simback_backend_options own = *options;

    own.device = 0;
    own.domid = SIMBACK_DOM0;
    own.front_domid = SIMBACK_FRONT_DOMID;
    return own;
}

static int begin_thread(struct simback_threads *threads)
{
    struct thread_backend *back = &threads->back;

    back->stops = 0;
    back->owes = true;
    if (pthread_create(&back->thread, NULL, run, threads) != 0) {
        back->owes = false;
        clean_up(threads);
        return BLKFRONT_PLATFORM_NO_MEMORY;
    }
    back->runs = true;
    return 0;
}

static void end_thread(struct simback_threads *threads)
{
    struct thread_backend *back = &threads->back;

    __atomic_store_n(&back->stops, 1, __ATOMIC_RELEASE);
    doorbell_ring(&threads->back_bell);
    (void)pthread_join(back->thread, NULL);
    back->runs = false;
    back->owes = false;
}

/* It is this world's from now on. */
static void enter(struct simback_threads *threads, struct simback_backend *backend)
{
    threads->back.backend = backend;
    backend->wake = wake;
    backend->runner = threads;
    backend_former_life(backend);
}

int simback_threads_start(struct simback_threads *threads,
                          const struct simback_backend_options *options)
{
    struct thread_backend *back = &threads->back;
    struct simback_backend_options own = settle(options);
    struct simback_backend *backend = NULL;
    int result;

    if (back->runs)
        return BLKFRONT_PLATFORM_INVALID;
    result = make_nodes(threads, &own);
    if (result != 0)
        return result;
    if (make_disk(back, publish_sectors_512(&own))) {
        own.disk = back->disk;
        backend = simback_backend_create(&threads->host, &own);
    }
    if (backend == NULL) {
        clean_up(threads);
        return BLKFRONT_PLATFORM_NO_MEMORY;
    }
    enter(threads, backend);
    return begin_thread(threads);
}

/* Nobody runs meanwhile who could see the old backend or the new one. */
int simback_threads_restart(struct simback_threads *threads,
                            const struct simback_backend_options *options)
{
    struct thread_backend *back = &threads->back;
    struct simback_backend_options own = settle(options), before;
    struct simback_backend *heir;
    int result, begun;

    if (!back->runs)
        return BLKFRONT_PLATFORM_INVALID;
    end_thread(threads);
    own.disk = back->disk;
    heir = simback_backend_create(&threads->host, &own);
    if (heir == NULL) {
        begun = begin_thread(threads);
        return begun != 0 ? begun : BLKFRONT_PLATFORM_NO_MEMORY;
    }
    backend_inherit(heir, back->backend);
    before = back->backend->options;
    simback_backend_destroy(back->backend);
    threads_enter(threads);
    result = simback_toolstack_replace_back(threads->world, &before, &own);
    threads_leave(threads);
    enter(threads, heir);
    begun = begin_thread(threads);
    return begun != 0 ? begun : result;
}

enum blkif_wire_state simback_threads_front_state(struct simback_threads *threads)
{
    char back[BACKEND_PATH], front[BACKEND_PATH], path[BACKEND_PATH + 8], digit[1];
    size_t length = 0;

    if (!threads->back.runs)
        return BLKIF_WIRE_UNKNOWN;
    simback_paths(&threads->back.backend->options, back, sizeof(back), front, sizeof(front));
    (void)snprintf(path, sizeof(path), "%s/%s", front, BLKIF_NODE_STATE);
    threads_enter(threads);
    if (simback_store_read(threads->world, path, digit, sizeof(digit), &length) != 0)
        length = 0;
    threads_leave(threads);
    return length == 1 && digit[0] >= '0' && digit[0] <= '8'
               ? (enum blkif_wire_state)(digit[0] - '0')
               : BLKIF_WIRE_UNKNOWN;
}

void simback_threads_stop(struct simback_threads *threads)
{
    if (!threads->back.runs)
        return;
    end_thread(threads);
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
        (void)doorbell_wait(&order->done, seen, NULL, UINT64_MAX);
    }
}
