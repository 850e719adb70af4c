/* SPDX-License-Identifier: ISC */
/*
 * Two queues with a thread each, and a third thread as the device: connections come and go with one
 * ring or with two, requests move from queue to queue, and each completes once. What it is for is
 * ThreadSanitizer: between queues there is no lock. Each queue's thread also plays the backend of
 * its ring; there is no data, so nothing but the handing over is common to them.
 */
#define _POSIX_C_SOURCE 200809L

#include "rig.h"

#include "cunit_main.h"

#include <pthread.h>
#include <sched.h>

enum { QUEUES = 2, CALLS = 24, ROUNDS = 60, A_ROUND = 50 };
#define SPINS_MAX 200000000ul

static struct rig rig;
static uint32_t finished;  /* the threads are to end; atomic */
static uint64_t completed; /* requests; atomic */
static uint64_t failed;    /* with an error, or twice; atomic */
static unsigned long spins;

struct call {
    struct blkfront_request request;
    uint32_t busy; /* atomic: its completion may come in another thread */
};

struct worker {
    pthread_t thread;
    struct blkfront_queue *queue;
    struct call calls[CALLS];
    uint64_t connection; /* that the backend has seen */
    uint32_t cons;
};

static struct worker workers[QUEUES];

/* ---- a platform of which threads share nothing ---- */

static int no_notify(void *context, struct blkfront_channel_set *set, uint32_t port)
{
    (void)context, (void)set, (void)port;
    return 0;
}

static int no_pending(void *context, struct blkfront_channel_set *set, uint32_t *port)
{
    (void)context, (void)set, (void)port;
    return 0;
}

static void no_wake(void *context, struct blkfront_channel_set *set)
{
    (void)context, (void)set;
}

/* ---- a queue's thread ---- */

static void on_complete(struct blkfront_request *request, int result)
{
    struct call *call = request->context;

    if (result != BLKFRONT_OK || __atomic_load_n(&call->busy, __ATOMIC_RELAXED) != 1)
        __atomic_add_fetch(&failed, 1, __ATOMIC_RELAXED);
    __atomic_add_fetch(&completed, 1, __ATOMIC_RELAXED);
    __atomic_store_n(&call->busy, 0, __ATOMIC_RELEASE);
}

static void submit_idle(struct worker *worker)
{
    for (unsigned i = 0; i < CALLS; i++) {
        struct call *call = &worker->calls[i];

        if (__atomic_load_n(&call->busy, __ATOMIC_ACQUIRE) != 0)
            continue;
        call->busy = 1;
        call->request = (struct blkfront_request){
            .operation = i % 2 == 0 ? BLKFRONT_FLUSH : BLKFRONT_DISCARD,
            .sectors = i % 2 == 0 ? 0 : 8,
            .complete = on_complete,
            .context = call,
        };
        if (blkfront_submit(worker->queue, &call->request) != BLKFRONT_OK)
            __atomic_add_fetch(&failed, 1, __ATOMIC_RELAXED);
    }
}

/* The backend answers OKAY to everything. The ring is there as long as we have not polled. */
static void serve(struct worker *worker)
{
    const struct blkfront_queue *queue = worker->queue;
    struct ring_words *words;
    uint32_t prod;

    if (queue_get_state(queue) != QUEUE_RUNNING)
        return;
    words = queue->ring.words;
    if (worker->connection != queue->connection) {
        worker->connection = queue->connection;
        worker->cons = 0;
    }
    prod = __atomic_load_n(&words->req_prod, __ATOMIC_ACQUIRE);
    while (worker->cons != prod) {
        unsigned char *slot =
            queue->ring_slots + (size_t)(worker->cons++ % queue->ring.entries) * BLKIF_WIRE_SLOT_64;
        struct blkif_wire_request_64 request;
        struct blkif_wire_response_64 response;

        memcpy(&request, slot, sizeof(request));
        response = (struct blkif_wire_response_64){
            .id = request.id, .operation = request.operation, .status = BLKIF_WIRE_OKAY};
        memcpy(slot, &response, sizeof(response));
    }
    __atomic_store_n(&words->rsp_prod, prod, __ATOMIC_RELEASE);
}

static void *run(void *argument)
{
    struct worker *worker = argument;

    while (__atomic_load_n(&finished, __ATOMIC_ACQUIRE) == 0) {
        submit_idle(worker);
        serve(worker);
        (void)blkfront_queue_poll(worker->queue);
        sched_yield();
    }
    return NULL;
}

/* ---- the device's thread ---- */

static void wait_for_state(enum queue_state state, enum queue_state or_state)
{
    for (unsigned i = 0; i < QUEUES; i++) {
        enum queue_state now;

        while ((now = queue_get_state(workers[i].queue)) != state && now != or_state) {
            if (spins++ > SPINS_MAX)
                return;
            sched_yield();
        }
    }
}

static void wait_for_work(uint64_t count)
{
    uint64_t until = __atomic_load_n(&completed, __ATOMIC_RELAXED) + count;

    while (__atomic_load_n(&completed, __ATOMIC_RELAXED) < until && spins++ < SPINS_MAX)
        sched_yield();
}

static void lose_and_reconnect(uint32_t rings)
{
    for (unsigned i = 0; i < QUEUES; i++)
        queue_pause(workers[i].queue);
    wait_for_state(QUEUE_PAUSED, QUEUE_SHARING);
    for (unsigned i = 0; i < QUEUES; i++)
        queue_keep(workers[i].queue);
    wait_for_state(QUEUE_KEPT, QUEUE_KEPT);
    for (unsigned i = 0; i < QUEUES; i++)
        CU_ASSERT_EQUAL(queue_close(workers[i].queue), 0);
    rig_reconnect(&rig, rings);
}

static void i15_queues_hand_over_without_a_lock(void)
{
    rig_init(&rig, true);
    rig.device.options.queues = QUEUES;
    rig.device.agreed.discard = true;
    rig.device.agreed.discard_granularity = 512;
    rig.fake.platform.port_notify = no_notify;
    rig.fake.platform.port_pending = no_pending;
    rig.fake.platform.channels_wake = no_wake;
    CU_ASSERT_EQUAL_FATAL(rig_open(&rig), 0);
    for (unsigned i = 0; i < QUEUES; i++) {
        workers[i].queue = &rig.device.queues[i];
        CU_ASSERT_EQUAL_FATAL(pthread_create(&workers[i].thread, NULL, run, &workers[i]), 0);
    }
    for (uint32_t round = 0; round < ROUNDS && spins < SPINS_MAX; round++) {
        wait_for_work(A_ROUND);
        lose_and_reconnect(1 + round % 2);
    }
    wait_for_work(A_ROUND);
    __atomic_store_n(&finished, 1, __ATOMIC_RELEASE);
    for (unsigned i = 0; i < QUEUES; i++)
        pthread_join(workers[i].thread, NULL);
    CU_ASSERT_TRUE(spins < SPINS_MAX);
    CU_ASSERT_EQUAL(failed, 0);
    CU_ASSERT_TRUE(completed >= (uint64_t)ROUNDS * A_ROUND);
    for (unsigned i = 0; i < QUEUES; i++)
        CU_ASSERT_TRUE(queue_check(workers[i].queue));
    rig_close(&rig, BLKFRONT_DISCONNECTED); /* and what is left ends, each once */
    for (unsigned i = 0; i < QUEUES; i++) {
        for (unsigned c = 0; c < CALLS; c++)
            CU_ASSERT_EQUAL(workers[i].calls[c].busy, 0);
    }
    CU_ASSERT_EQUAL(rig_left(&rig), 0);
}

static const struct unit_test tests[] = {
    UNIT_TEST(i15_queues_hand_over_without_a_lock),
};

UNIT_MAIN("handover_threads", tests)
