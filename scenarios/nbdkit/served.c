/* SPDX-License-Identifier: ISC */
/*
 * The device of a served disk and its thread: connects, looks after the device, and connects anew
 * when it is closed. Requests are served_queue.c's.
 */
#include "served.h"

#include "served_queue.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { QUEUES_MAX = SIMBACK_THREADS_QUEUES };

#define NS_PER_S  UINT64_C(1000000000)
#define NS_PER_MS UINT64_C(1000000)
/* Between two tries to connect. */
#define PAUSE_NS (20 * NS_PER_MS)
/* A frontend that polls notices a crash much sooner. */
#define NOTICES_NS (10 * NS_PER_S)
/* A backend that keeps requests to itself is waited for no longer when the device is closed: it may
 * be that somebody has pressed Ctrl-C. */
#define CLOSES_NS (2 * NS_PER_S)
/* How often is asked whether all ends, while somebody waits for a request. */
#define ASKS_NS (200 * NS_PER_MS)

struct served {
    struct simback_backend_options backend; /* the first one */
    struct blkfront_options front;
    struct simback_threads *threads;
    struct blkfront *context;
    struct blkfront_device *device;
    struct served_queue queues[QUEUES_MAX];
    struct served_unit unit;
    bool (*ends)(void); /* NULL: nobody who is to be asked */
    uint32_t turn;      /* atomic: of the queues */
    uint32_t waiting;   /* atomic: requests that somebody waits for */
    uint32_t stops;     /* atomic */
    pthread_t thread;
    bool runs;
    pthread_mutex_t lock; /* of all below */
    pthread_cond_t changed;
    struct blkfront_info info; /* of the connection */
    uint32_t queue_count;      /* that run; it changes only while there is no connection */
    bool up;                   /* there is one */
    int error;                 /* why there is none */
};

static uint64_t now(const struct served *served)
{
    const struct blkfront_platform *platform = simback_threads_platform(served->threads);

    return platform->now(platform->context);
}

static bool stops(const struct served *served)
{
    return __atomic_load_n(&served->stops, __ATOMIC_ACQUIRE) != 0;
}

static void set_up(struct served *served, bool up, int error)
{
    (void)pthread_mutex_lock(&served->lock);
    served->up = up;
    served->error = error;
    (void)pthread_cond_broadcast(&served->changed);
    (void)pthread_mutex_unlock(&served->lock);
}

/* ---- the device's thread ---- */

/* Requests that wait would keep those up who have to end all this. */
static void look_for_end(struct served *served)
{
    if (served->ends != NULL && __atomic_load_n(&served->waiting, __ATOMIC_RELAXED) != 0 &&
        !stops(served) && served->ends())
        __atomic_store_n(&served->stops, 1, __ATOMIC_RELEASE);
}

static int poll_device(struct served *served)
{
    int more;

    (void)pthread_mutex_lock(&served->unit.lock);
    more = blkfront_poll(served->device);
    (void)pthread_mutex_unlock(&served->unit.lock);
    return more;
}

static void poll_once(struct served *served)
{
    const enum blkfront_state state = blkfront_device_state(served->device);
    uint64_t at;

    if (poll_device(served) != 0 || blkfront_device_state(served->device) != state)
        return;
    at = blkfront_poll_at(served->device);
    if (served->ends != NULL && now(served) + ASKS_NS < at)
        at = now(served) + ASKS_NS;
    (void)simback_threads_wait_device(served->threads, at);
    look_for_end(served);
}

/* Or will again, when the backend is back. */
static bool takes_requests(const struct served *served)
{
    const enum blkfront_state state = blkfront_device_state(served->device);

    return state == BLKFRONT_CONNECTED || state == BLKFRONT_RECOVERING;
}

static bool is_final(const struct served *served)
{
    const enum blkfront_state state = blkfront_device_state(served->device);

    return state == BLKFRONT_CLOSED || state == BLKFRONT_FAILED;
}

/* The device polls on, and so do the queues that there are, until it is closed. */
static void close_device(struct served *served)
{
    set_up(served, false, BLKFRONT_DISCONNECTED);
    for (uint32_t i = 0; i < served->queue_count; i++)
        served_queue_shut(&served->queues[i]);
    blkfront_disconnect(served->device);
    while (!is_final(served))
        poll_once(served);
    for (uint32_t i = 0; i < served->queue_count; i++)
        served_queue_end(&served->queues[i]);
    blkfront_release(served->device);
    served->device = NULL;
}

static bool begin_queues(struct served *served, uint32_t count)
{
    uint32_t begun = 0;

    while (begun < count && served_queue_begin(&served->queues[begun], served->device))
        begun++;
    served->queue_count = begun;
    if (begun == count)
        return true;
    close_device(served);
    return false;
}

/* Who comes later is told what the disk is by then. */
static void refresh(void *context, struct blkfront_device *device)
{
    struct served *served = context;
    struct blkfront_info info;

    if (blkfront_get_info(device, &info) != BLKFRONT_OK)
        return;
    served->unit.bytes = info.sector_size; /* in a poll, which has the lock */
    (void)pthread_mutex_lock(&served->lock);
    served->info = info;
    (void)pthread_mutex_unlock(&served->lock);
}

/* False: there is no connection to be had now. */
static bool connect(struct served *served)
{
    char name[16];
    int error;

    (void)snprintf(name, sizeof(name), "%" PRIu32, served->backend.vdev);
    error = blkfront_connect(served->context, name, &served->front, &served->device);
    if (error != BLKFRONT_OK) {
        set_up(served, false, error);
        return false;
    }
    while (blkfront_device_state(served->device) == BLKFRONT_CONNECTING && !stops(served))
        poll_once(served);
    served->queue_count = 0;
    if (blkfront_get_info(served->device, &served->info) == BLKFRONT_OK) {
        served->unit.bytes = served->info.sector_size; /* no queue runs yet */
        return begin_queues(served, served->info.queues);
    }
    error = blkfront_device_error(served->device);
    close_device(served);
    set_up(served, false, error != BLKFRONT_OK ? error : BLKFRONT_DISCONNECTED);
    return false;
}

static void *run(void *context)
{
    struct served *served = context;

    while (!stops(served)) {
        if (!connect(served)) {
            (void)simback_threads_wait_device(served->threads, now(served) + PAUSE_NS);
            continue;
        }
        set_up(served, true, BLKFRONT_OK);
        while (takes_requests(served) && !stops(served))
            poll_once(served);
        close_device(served);
    }
    return NULL;
}

/* ---- life ---- */

struct served *served_create(const struct simback_backend_options *backend,
                             const struct blkfront_options *front, bool (*ends)(void))
{
    struct served *served = calloc(1, sizeof(*served));

    if (served == NULL)
        return NULL;
    served->backend = *backend;
    served->front = *front;
    if (served->front.disconnect_deadline_ns == 0 ||
        served->front.disconnect_deadline_ns > CLOSES_NS)
        served->front.disconnect_deadline_ns = CLOSES_NS;
    served->ends = ends;
    served->front.changed = refresh;
    served->front.changed_context = served;
    served->error = BLKFRONT_DISCONNECTED;
    if (served->front.queues > QUEUES_MAX)
        served->front.queues = QUEUES_MAX;
    if (pthread_mutex_init(&served->lock, NULL) == 0 &&
        pthread_cond_init(&served->changed, NULL) == 0 &&
        pthread_mutex_init(&served->unit.lock, NULL) == 0)
        return served;
    free(served);
    return NULL;
}

bool served_start(struct served *served)
{
    served->threads = simback_threads_create();
    if (served->threads == NULL || simback_threads_start(served->threads, &served->backend) != 0 ||
        blkfront_create(simback_threads_platform(served->threads), &served->context) != BLKFRONT_OK)
        return false;
    for (uint32_t i = 0; i < QUEUES_MAX; i++) {
        if (!served_queue_init(&served->queues[i], served->threads, &served->unit, i))
            return false;
    }
    served->runs = pthread_create(&served->thread, NULL, run, served) == 0;
    return served->runs;
}

void served_destroy(struct served *served)
{
    if (served == NULL)
        return;
    if (served->runs) {
        __atomic_store_n(&served->stops, 1, __ATOMIC_RELEASE);
        simback_threads_wake_device(served->threads);
        (void)pthread_join(served->thread, NULL);
    }
    for (uint32_t i = 0; i < QUEUES_MAX && served->queues[i].threads != NULL; i++)
        served_queue_fini(&served->queues[i]);
    if (served->context != NULL)
        blkfront_destroy(served->context);
    simback_threads_destroy(served->threads);
    (void)pthread_mutex_destroy(&served->unit.lock);
    (void)pthread_cond_destroy(&served->changed);
    (void)pthread_mutex_destroy(&served->lock);
    free(served);
}

/* ---- for others ---- */

int served_wait(struct served *served, uint64_t timeout_ns, struct blkfront_info *info)
{
    struct timespec end;
    int result = 0;

    (void)clock_gettime(CLOCK_REALTIME, &end);
    end.tv_sec += (time_t)(timeout_ns / NS_PER_S);
    end.tv_nsec += (long)(timeout_ns % NS_PER_S);
    if (end.tv_nsec >= (long)NS_PER_S) {
        end.tv_nsec -= (long)NS_PER_S;
        end.tv_sec++;
    }
    (void)pthread_mutex_lock(&served->lock);
    while (!served->up && result == 0)
        result = pthread_cond_timedwait(&served->changed, &served->lock, &end);
    if (served->up)
        *info = served->info;
    result = served->up ? BLKFRONT_OK : served->error;
    (void)pthread_mutex_unlock(&served->lock);
    return result;
}

/* Queues take turns, so that all of them are used, whoever calls. */
static struct served_queue *choose_queue(struct served *served)
{
    const uint32_t turn = __atomic_fetch_add(&served->turn, 1, __ATOMIC_RELAXED);
    struct served_queue *queue = NULL;

    (void)pthread_mutex_lock(&served->lock);
    if (served->up)
        queue = &served->queues[turn % served->queue_count];
    (void)pthread_mutex_unlock(&served->lock);
    return queue;
}

int served_request(struct served *served, enum blkfront_operation operation, unsigned flags,
                   void *data, uint64_t size, uint64_t offset)
{
    struct served_call call = {
        .buffer = {.address = data, .size = size}, .offset = offset, .size = size};
    struct served_queue *queue = choose_queue(served);
    int result;

    if (queue == NULL)
        return BLKFRONT_DISCONNECTED;
    call.request.operation = operation;
    call.request.flags = flags;
    if (data != NULL && size != 0) {
        call.request.buffers = &call.buffer;
        call.request.buffer_count = 1;
    }
    __atomic_add_fetch(&served->waiting, 1, __ATOMIC_RELAXED);
    result = served_queue_call(queue, &call);
    __atomic_sub_fetch(&served->waiting, 1, __ATOMIC_RELAXED);
    return result;
}

void served_call(struct served *served,
                 void (*run_there)(void *context, struct simback_backend *backend), void *context)
{
    simback_threads_call(served->threads, run_there, context);
}

static void crash(void *unused, struct simback_backend *backend)
{
    (void)unused;
    simback_backend_crash(backend);
}

/* A frontend that says Connected still has its ring, which the next backend would take up. */
bool served_restart(struct served *served, const struct simback_backend_options *backend)
{
    const struct timespec pause = {0, (long)NS_PER_MS};
    const uint64_t end = now(served) + NOTICES_NS;

    served_call(served, crash, NULL);
    while (simback_threads_front_state(served->threads) == BLKIF_WIRE_CONNECTED) {
        if (now(served) > end)
            return false;
        (void)nanosleep(&pause, NULL);
    }
    return simback_threads_restart(served->threads, backend) == 0;
}
