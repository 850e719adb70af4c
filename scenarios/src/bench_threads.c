/* SPDX-License-Identifier: ISC */
/*
 * The load of a threaded world. The caller's thread has the device and waits for the queues' ones;
 * what is measured is bench.c's business.
 */
#include "bench_threads.h"

#include "bench_world.h"

#include <simback/threads.h>

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { UNIT = 512, VDEV = 51712 };

#define LONG_NS UINT64_C(10000000000)

struct queue_load;

struct queue_request {
    struct blkfront_request request; /* first: a completion finds its queue_request */
    struct blkfront_buffer buffer;
    struct queue_load *load;
};

/* Its thread's while it plays. */
struct queue_load {
    struct bench_threads *threads;
    struct blkfront_queue *queue;
    struct queue_request requests[BENCH_DEPTH_MAX];
    pthread_t thread;
    uint32_t index;
    uint64_t chance;
    uint64_t wanted, submitted, completed;
    uint32_t in_flight;
    int failure;
    uint32_t begun, round; /* the ones that it has begun and played to the end */
    char apart[64];
};

struct bench_threads {
    const struct bench_case *bench;
    bool apart; /* each thread has a processor of its own */
    struct simback_threads *world;
    struct blkfront *context;
    struct blkfront_device *device;
    struct blkfront_memory *memory;
    void *pages, *heap;
    uint32_t begun; /* threads */
    uint32_t round; /* atomic: a new one begins */
    uint32_t busy;  /* atomic: queues that have not played it to the end */
    uint32_t over;  /* atomic */
    struct queue_load loads[BENCH_QUEUES_MAX];
};

/* ---- a queue's thread ---- */

static void submit(struct queue_request *request)
{
    struct queue_load *load = request->load;
    int result;

    request->request.sector = bench_place(&load->chance, load->threads->bench->bytes) / UNIT;
    load->submitted++;
    load->in_flight++;
    result = blkfront_submit(load->queue, &request->request);
    if (result != BLKFRONT_OK) {
        load->failure = result;
        load->in_flight--;
    }
}

static void on_complete(struct blkfront_request *completed, int result)
{
    struct queue_request *request = (struct queue_request *)(void *)completed;
    struct queue_load *load = request->load;

    load->in_flight--;
    load->completed++;
    if (result != BLKFRONT_OK)
        load->failure = result;
    if (load->submitted < load->wanted && load->failure == 0)
        submit(request);
}

static void begin_round(struct queue_load *load, uint32_t round)
{
    const uint32_t depth = load->threads->bench->depth;

    load->begun = round;
    load->submitted = 0;
    load->completed = 0;
    for (uint32_t i = 0; i < depth && load->submitted < load->wanted; i++)
        submit(&load->requests[i]);
}

static void end_round(struct queue_load *load, uint32_t round)
{
    load->round = round;
    if (__atomic_sub_fetch(&load->threads->busy, 1, __ATOMIC_ACQ_REL) == 0)
        simback_threads_wake_device(load->threads->world);
}

/* Is there more to be done than to wait for answers? */
static bool look(void *context)
{
    struct queue_load *load = context;
    const uint64_t before = load->completed;

    return blkfront_queue_poll(load->queue) != 0 || load->completed != before;
}

/* The backend has a processor of its own, and the queues share the others. */
enum { PLACE_OF_BACKEND = 1 };

static bool has_places(void)
{
    return bench_processors() >= 2;
}

static uint32_t place_of_queue(uint32_t index)
{
    const uint32_t other = index % (bench_processors() - 1);

    return other < PLACE_OF_BACKEND ? other : other + 1;
}

/* Where it has a processor of its own the queue is watched for a while before it asks for an event
 * and sleeps. */
static void *run(void *context)
{
    struct queue_load *load = context;
    struct bench_threads *threads = load->threads;
    bool watched = threads->apart;

    if (has_places())
        bench_stay(place_of_queue(load->index));
    while (__atomic_load_n(&threads->over, __ATOMIC_ACQUIRE) == 0) {
        const uint32_t round = __atomic_load_n(&threads->round, __ATOMIC_ACQUIRE);
        bool more;

        if (round != load->begun && load->failure == 0)
            begin_round(load, round);
        more = blkfront_queue_poll(load->queue) != 0;
        if (round != load->round && load->in_flight == 0) {
            end_round(load, round);
            continue;
        }
        if (more)
            continue;
        if (!watched)
            (void)simback_threads_wait_queue(threads->world, load->index, UINT64_MAX);
        watched = threads->apart &&
                  (!watched || simback_threads_spin_queue(threads->world, load->index, look, load));
        blkfront_queue_watch(load->queue, watched);
    }
    return NULL;
}

/* ---- the device ---- */

static uint64_t now(const struct bench_threads *threads)
{
    const struct blkfront_platform *platform = simback_threads_platform(threads->world);

    return platform->now(platform->context);
}

static int poll_until(struct bench_threads *threads, enum blkfront_state state)
{
    const uint64_t end = now(threads) + LONG_NS;

    while (blkfront_device_state(threads->device) != state) {
        if (blkfront_poll(threads->device) != 0)
            continue;
        if (blkfront_device_state(threads->device) != state &&
            simback_threads_wait_device(threads->world, end) != 0)
            return -1;
    }
    return 0;
}

int bench_threads_play(void *context, uint64_t requests)
{
    struct bench_threads *threads = context;
    const uint32_t queues = threads->bench->setup->queues;
    int failure = 0;

    for (uint32_t i = 0; i < queues; i++)
        threads->loads[i].wanted = requests / queues;
    __atomic_store_n(&threads->busy, queues, __ATOMIC_RELEASE);
    __atomic_add_fetch(&threads->round, 1, __ATOMIC_RELEASE);
    for (uint32_t i = 0; i < queues; i++)
        simback_threads_wake_queue(threads->world, i);
    while (__atomic_load_n(&threads->busy, __ATOMIC_ACQUIRE) != 0)
        (void)simback_threads_wait_device(threads->world, UINT64_MAX);
    for (uint32_t i = 0; i < queues; i++) {
        if (threads->loads[i].failure != 0)
            failure = -1;
    }
    return failure;
}

void bench_threads_statistics(void *context, struct blkfront_statistics *statistics)
{
    const struct bench_threads *threads = context;

    blkfront_get_statistics(threads->device, statistics);
}

/* ---- made and taken down ---- */

static void fill_disk(void *context, struct simback_backend *backend)
{
    unsigned char block[BENCH_PAGE];
    int *failure = context;

    memset(block, 0x5a, sizeof(block));
    for (uint64_t unit = 0; unit < BENCH_DISK_BYTES / UNIT; unit += BENCH_PAGE / UNIT) {
        if (simback_disk_write(simback_backend_disk(backend), unit, BENCH_PAGE / UNIT, block) != 0)
            *failure = -1;
    }
}

/* The backend's thread is begun by the world, and has its place from who calls. */
static int start_backend(struct bench_threads *threads,
                         const struct simback_backend_options *options)
{
    int result;

    threads->world = simback_threads_create();
    if (threads->world == NULL)
        return -1;
    if (has_places())
        bench_stay(PLACE_OF_BACKEND);
    result = simback_threads_start(threads->world, options);
    if (has_places())
        bench_roam();
    return result;
}

static int connect(struct bench_threads *threads)
{
    const struct bench_setup *setup = threads->bench->setup;
    struct simback_backend_options backend;
    struct blkfront_options options;
    struct blkfront_info info;
    int failure = 0;

    simback_backend_options_init(&backend);
    backend.vdev = VDEV;
    backend.sectors = BENCH_DISK_BYTES / UNIT;
    backend.queues = BENCH_QUEUES_MAX;
    blkfront_options_init(&options);
    options.persistent = setup->persistent;
    options.segments = setup->segments;
    options.queues = setup->queues;
    options.ring_order = setup->ring_order;
    if (start_backend(threads, &backend) != 0 ||
        blkfront_create(simback_threads_platform(threads->world), &threads->context) !=
            BLKFRONT_OK ||
        blkfront_connect(threads->context, "xvda", &options, &threads->device) != BLKFRONT_OK ||
        poll_until(threads, BLKFRONT_CONNECTED) != 0 ||
        blkfront_get_info(threads->device, &info) != BLKFRONT_OK)
        return -1;
    simback_threads_call(threads->world, fill_disk, &failure);
    return info.persistent == setup->persistent && info.segments == setup->segments &&
                   info.queues == setup->queues && info.ring_order == setup->ring_order
               ? failure
               : -1;
}

static int make_buffers(struct bench_threads *threads)
{
    const struct bench_case *bench = threads->bench;
    const unsigned uses = bench->write ? BLKFRONT_MEMORY_TO_DISK : BLKFRONT_MEMORY_FROM_DISK;
    const size_t bytes = (size_t)bench->bytes * bench_in_flight(bench);
    unsigned char *at;

    if (bench->data == BENCH_DIRECT) {
        if (blkfront_memory_create(threads->device, (bytes + BENCH_PAGE - 1) / BENCH_PAGE, uses,
                                   &threads->memory, &threads->pages) != BLKFRONT_OK)
            return -1;
        at = threads->pages;
    } else {
        threads->heap = malloc(bytes);
        if (threads->heap == NULL)
            return -1;
        at = threads->heap;
    }
    memset(at, 0x5a, bytes);
    for (uint32_t i = 0; i < bench_in_flight(bench); i++) {
        struct queue_load *load = &threads->loads[i / bench->depth];
        struct queue_request *request = &load->requests[i % bench->depth];

        request->load = load;
        request->buffer.address = at + (size_t)i * bench->bytes;
        request->buffer.size = bench->bytes;
        request->buffer.memory = threads->memory;
        request->request.operation = bench->write ? BLKFRONT_WRITE : BLKFRONT_READ;
        request->request.buffers = &request->buffer;
        request->request.buffer_count = 1;
        request->request.complete = on_complete;
    }
    return 0;
}

static int begin_threads(struct bench_threads *threads)
{
    for (uint32_t i = 0; i < threads->bench->setup->queues; i++) {
        struct queue_load *load = &threads->loads[i];

        load->threads = threads;
        load->index = i;
        load->chance = UINT64_C(88172645463325252) + i;
        load->queue = blkfront_get_queue(threads->device, i);
        if (pthread_create(&load->thread, NULL, run, load) != 0)
            return -1;
        threads->begun++;
    }
    return 0;
}

struct bench_threads *bench_threads_open(const struct bench_case *bench)
{
    struct bench_threads *threads = calloc(1, sizeof(*threads));

    if (threads == NULL)
        return NULL;
    threads->bench = bench;
    threads->apart = bench_processors() > bench->setup->queues;
    if (connect(threads) == 0 && make_buffers(threads) == 0 && begin_threads(threads) == 0)
        return threads;
    bench_threads_close(threads);
    return NULL;
}

/* A device whose queues have no threads is cut off by its release. */
void bench_threads_close(struct bench_threads *threads)
{
    if (threads == NULL)
        return;
    if (threads->memory != NULL)
        blkfront_memory_destroy(threads->memory);
    if (threads->device != NULL && threads->begun == threads->bench->setup->queues) {
        blkfront_disconnect(threads->device);
        (void)poll_until(threads, BLKFRONT_CLOSED);
    }
    __atomic_store_n(&threads->over, 1, __ATOMIC_RELEASE);
    for (uint32_t i = 0; i < threads->begun; i++) {
        simback_threads_wake_queue(threads->world, i);
        (void)pthread_join(threads->loads[i].thread, NULL);
    }
    if (threads->device != NULL)
        blkfront_release(threads->device);
    if (threads->context != NULL)
        blkfront_destroy(threads->context);
    simback_threads_destroy(threads->world);
    free(threads->heap);
    free(threads);
}
