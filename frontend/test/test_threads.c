/* SPDX-License-Identifier: ISC */
/*
 * Each queue in a thread of its own, without a lock between them, and the device's poll in another:
 * what they share is memory that goes without a copy, kept grants, drains and the words by which
 * they tell each other. ThreadSanitizer sees what is not as it should be; else the data tells.
 */
#include "rig.h"

#include "cunit_main.h"

#include <pthread.h>
#include <sched.h>

enum { PAGE = 4096, QUEUES = 2, ROUNDS = 100, PAGES = 8, UNITS = 64, DEPTH = 6 };

static struct rig rig;
static struct fake_platform *const fake = &rig.fake;
static struct blkfront_platform plain; /* the fake's own functions */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct blkfront_memory *memory;
static unsigned char *library;
static bool running[QUEUES]; /* atomic */

/* ---- a platform that threads may call at once ---- */

#define LOCKED(call)             \
    int r;                       \
    pthread_mutex_lock(&lock);   \
    r = (call);                  \
    pthread_mutex_unlock(&lock); \
    return r

static int locked_grant(void *context, uint16_t domid, const void *page, bool writable,
                        uint32_t *ref)
{
    LOCKED(plain.page_grant(context, domid, page, writable, ref));
}

static int locked_revoke(void *context, uint32_t ref)
{
    LOCKED(plain.page_revoke(context, ref));
}

static void locked_expect(void *context, uint32_t ref)
{
    pthread_mutex_lock(&lock);
    plain.page_expect(context, ref);
    pthread_mutex_unlock(&lock);
}

static int locked_notify(void *context, struct blkfront_channel_set *set, uint32_t port)
{
    LOCKED(plain.port_notify(context, set, port));
}

static int locked_pending(void *context, struct blkfront_channel_set *set, uint32_t *port)
{
    LOCKED(plain.port_pending(context, set, port));
}

static void locked_wake(void *context, struct blkfront_channel_set *set)
{
    pthread_mutex_lock(&lock);
    plain.channels_wake(context, set);
    pthread_mutex_unlock(&lock);
}

static void start(bool keeps_grants, bool drains, uint32_t grants)
{
    void *address = NULL;

    rig_init(&rig, true);
    rig.device.options.queues = QUEUES;
    rig.device.options.segments = 32;
    rig.device.options.pool_pages = 20;
    rig.device.agreed.queue_count = QUEUES;
    rig.device.agreed.segments = 32;
    rig.device.agreed.persistent = keeps_grants;
    rig.device.agreed.keeps_grants = keeps_grants;
    rig.device.agreed.flush = !drains;
    rig.device.agreed.flush_offered = !drains;
    plain = fake->platform;
    fake->platform.page_grant = locked_grant;
    fake->platform.page_revoke = locked_revoke;
    fake->platform.page_expect = locked_expect;
    fake->platform.port_notify = locked_notify;
    fake->platform.port_pending = locked_pending;
    fake->platform.channels_wake = locked_wake;
    CU_ASSERT_EQUAL_FATAL(rig_open(&rig), 0);
    CU_ASSERT_EQUAL_FATAL(
        blkfront_memory_create(&rig.device, PAGES,
                               BLKFRONT_MEMORY_TO_DISK | BLKFRONT_MEMORY_FROM_DISK, &memory,
                               &address),
        BLKFRONT_OK);
    library = address;
    fake->refs_limit = grants == 0 ? 0 : fake->refs_used + grants;
}

static void finish(void)
{
    for (uint32_t i = 0; i < QUEUES; i++)
        CU_ASSERT_TRUE(queue_check(&rig.device.queues[i]));
    rig_close(&rig, BLKFRONT_DISCONNECTED);
    CU_ASSERT_EQUAL(rig_left(&rig), 0);
}

/* ---- what a queue's thread does ---- */

struct worker {
    uint32_t queue;
    unsigned failures; /* asserted when it is over: CUnit is for one thread */
    struct rig_call calls[DEPTH];
    struct blkfront_buffer buffers[DEPTH];
    unsigned char heap[DEPTH][UNITS * 512];
};

/* Its own units of the disk, and its own bytes of each page of library memory. */
static void prepare(struct worker *worker, unsigned i, unsigned round)
{
    struct blkfront_buffer *buffer = &worker->buffers[i];
    uint64_t sector = ((uint64_t)worker->queue * DEPTH + i) * UNITS;
    bool direct = i % 2 == 1;

    if (direct) {
        *buffer = (struct blkfront_buffer){
            .address = library + (size_t)i % PAGES * PAGE + worker->queue * (PAGE / QUEUES),
            .size = PAGE / QUEUES,
            .memory = memory,
        };
    } else {
        *buffer = (struct blkfront_buffer){.address = worker->heap[i], .size = UNITS * 512};
    }
    memset(buffer->address, (int)(round + i + worker->queue * 100) & 0xff, buffer->size);
    worker->calls[i] = rig_call(BLKFRONT_WRITE, sector, buffer, 1);
    if (round % 5 == i)
        worker->calls[i].request.flags = BLKFRONT_FUA;
}

static void submit(struct worker *worker, struct rig_call *call)
{
    call->request.context = call;
    worker->failures +=
        blkfront_submit(&rig.device.queues[worker->queue], &call->request) != BLKFRONT_OK;
}

static void settle(struct worker *worker, unsigned count)
{
    struct blkfront_queue *queue = &rig.device.queues[worker->queue];
    unsigned done;

    do {
        (void)rig_serve_queue(&rig, worker->queue);
        (void)blkfront_queue_poll(queue);
        done = 0;
        for (unsigned i = 0; i < count; i++)
            done += worker->calls[i].completions == 1;
        if (done < count)
            (void)sched_yield();
    } while (done < count);
    for (unsigned i = 0; i < count; i++)
        worker->failures += worker->calls[i].result != BLKFRONT_OK;
}

/* Writes, then reads into zeroed buffers; each round with a flush between. */
static void round_trip(struct worker *worker, unsigned round)
{
    for (unsigned i = 0; i < DEPTH; i++) {
        prepare(worker, i, round);
        submit(worker, &worker->calls[i]);
    }
    settle(worker, DEPTH);
    worker->calls[0] = rig_call(BLKFRONT_FLUSH, 0, NULL, 0);
    submit(worker, &worker->calls[0]);
    settle(worker, 1);
    for (unsigned i = 0; i < DEPTH; i++) {
        uint64_t sector = ((uint64_t)worker->queue * DEPTH + i) * UNITS;

        memset(worker->buffers[i].address, 0, worker->buffers[i].size);
        worker->calls[i] = rig_call(BLKFRONT_READ, sector, &worker->buffers[i], 1);
        submit(worker, &worker->calls[i]);
    }
    settle(worker, DEPTH);
    for (unsigned i = 0; i < DEPTH; i++) {
        const unsigned char *bytes = worker->buffers[i].address;

        for (size_t n = 0; n < worker->buffers[i].size; n++)
            worker->failures += bytes[n] != ((round + i + worker->queue * 100) & 0xff);
    }
}

static void *work(void *argument)
{
    struct worker *worker = argument;

    for (unsigned round = 0; round < ROUNDS; round++)
        round_trip(worker, round);
    __atomic_store_n(&running[worker->queue], false, __ATOMIC_RELEASE);
    return NULL;
}

static bool any_running(void)
{
    for (uint32_t i = 0; i < QUEUES; i++) {
        if (__atomic_load_n(&running[i], __ATOMIC_ACQUIRE))
            return true;
    }
    return false;
}

static void run(bool keeps_grants, bool drains, uint32_t grants)
{
    static struct worker workers[QUEUES];
    pthread_t threads[QUEUES];
    struct blkfront_statistics sum;

    start(keeps_grants, drains, grants);
    for (uint32_t i = 0; i < QUEUES; i++) {
        workers[i] = (struct worker){.queue = i};
        running[i] = true;
        CU_ASSERT_EQUAL_FATAL(pthread_create(&threads[i], NULL, work, &workers[i]), 0);
    }
    while (any_running()) {
        memories_poll(&rig.device);
        (void)sched_yield();
        sum = rig_statistics(&rig);
        CU_ASSERT_TRUE_FATAL(sum.requests <= QUEUES * ROUNDS * (2 * DEPTH + 1));
    }
    for (uint32_t i = 0; i < QUEUES; i++) {
        CU_ASSERT_EQUAL(pthread_join(threads[i], NULL), 0);
        CU_ASSERT_EQUAL(workers[i].failures, 0);
    }
    CU_ASSERT_EQUAL(rig_statistics(&rig).requests, QUEUES * ROUNDS * (2 * DEPTH + 1));
    finish();
}

static void each_queue_in_its_own_thread(void)
{
    run(false, false, 0);
}

static void i8_drains_wait_for_each_other(void)
{
    run(false, true, 0);
}

static void i5_grants_are_kept_by_both(void)
{
    run(true, false, 0);
}

static void i4_and_are_short(void)
{
    run(true, true, 24);
}

static const struct unit_test tests[] = {
    UNIT_TEST(each_queue_in_its_own_thread),
    UNIT_TEST(i8_drains_wait_for_each_other),
    UNIT_TEST(i5_grants_are_kept_by_both),
    UNIT_TEST(i4_and_are_short),
};

UNIT_MAIN("threads", tests)
