/* SPDX-License-Identifier: ISC */
/*
 * The frontend and the backend in a threaded world: a device with two queues, each used by a thread
 * of its own that submits, polls, sleeps and compares what it reads with what it has written; the
 * device in the main thread; the backend, its rings and its disk in another one. ThreadSanitizer
 * sees what is shared without order; a sleep that nothing ends is a lost wake-up (I14); wrong bytes
 * are wrong data (I7).
 */
#include "cunit_main.h"
#include "poison.h"

#include <simback/threads.h>

#include <blkfront/blkfront.h>

#include <pthread.h>

enum {
    QUEUES = 2,
    DEPTH = 24, /* requests of a queue in flight, at most */
    UNIT = 512,
    BLOCK_UNITS = 8,
    SPAN = 12,    /* blocks of one request, at most */
    BLOCKS = 512, /* of a queue's part of the disk */
    ROUNDS = 5,   /* connections */
    MEMORY_PAGES = DEPTH / 2 * SPAN,
    REQUESTS = POISON_TSAN ? 5000 : 20000 /* of a queue, in all rounds */
};

/* Nobody sleeps so long unless a wake-up is lost. */
#define LONG_NS UINT64_C(30000000000)
/* Between requests that are submitted while the connection is lost. */
#define SHORT_NS UINT64_C(20000)

struct worker;

struct call {
    struct blkfront_request request;
    struct blkfront_buffer buffer;
    struct worker *worker;
    unsigned char *bytes; /* its buffer, of SPAN blocks */
    struct blkfront_memory *memory;
    uint32_t block, blocks;
    bool busy;
};

/* All but `ended` is its thread's from its start to its end. */
struct worker {
    pthread_t thread;
    uint32_t queue_index;
    struct blkfront_queue *queue;
    uint64_t random;
    uint32_t versions[BLOCKS]; /* of what has been written last; 0: nothing so far */
    bool used[BLOCKS];         /* by a request in flight: others keep away */
    struct call calls[DEPTH];
    unsigned char heap[DEPTH][SPAN * BLOCK_UNITS * UNIT];
    uint32_t depth;
    uint32_t left, in_flight;
    uint64_t reads, writes, flushes;
    uint64_t wrong, failed, lost; /* asserted when it is over: CUnit is for one thread */
};

static struct simback_threads *threads;
static struct blkfront *context;
static struct blkfront_device *device;
static struct worker workers[QUEUES];
static uint32_t at_work; /* atomic: workers that have requests left */
static bool is_over;     /* atomic: nobody needs the queues any more */

static uint64_t now(void)
{
    const struct blkfront_platform *platform = simback_threads_platform(threads);

    return platform->now(platform->context);
}

/* ---- what is on the disk ---- */

static uint64_t next_random(struct worker *worker)
{
    worker->random ^= worker->random << 13;
    worker->random ^= worker->random >> 7;
    worker->random ^= worker->random << 17;
    return worker->random;
}

/* Each unit bears who wrote it, where, and when: what belongs elsewhere or is old shows. */
static uint64_t stamp(const struct worker *worker, uint32_t block, uint32_t unit, uint32_t version)
{
    if (version == 0)
        return 0;
    return (uint64_t)version << 32 | (uint64_t)worker->queue_index << 24 | (uint64_t)block << 4 |
           unit;
}

static void fill(const struct worker *worker, const struct call *call)
{
    for (uint32_t i = 0; i < call->blocks * BLOCK_UNITS; i++) {
        const uint32_t block = call->block + i / BLOCK_UNITS;
        const uint64_t word = stamp(worker, block, i % BLOCK_UNITS, worker->versions[block]);

        for (uint32_t at = 0; at < UNIT; at += (uint32_t)sizeof(word))
            memcpy(call->bytes + (size_t)i * UNIT + at, &word, sizeof(word));
    }
}

static bool holds(const struct worker *worker, const struct call *call)
{
    for (uint32_t i = 0; i < call->blocks * BLOCK_UNITS; i++) {
        const uint32_t block = call->block + i / BLOCK_UNITS;
        const uint64_t word = stamp(worker, block, i % BLOCK_UNITS, worker->versions[block]);

        for (uint32_t at = 0; at < UNIT; at += (uint32_t)sizeof(word)) {
            if (memcmp(call->bytes + (size_t)i * UNIT + at, &word, sizeof(word)) != 0)
                return false;
        }
    }
    return true;
}

/* ---- requests ---- */

static void use(struct worker *worker, const struct call *call, bool used)
{
    for (uint32_t i = 0; i < call->blocks; i++)
        worker->used[call->block + i] = used;
}

static void complete(struct blkfront_request *request, int result)
{
    struct call *call = request->context;
    struct worker *worker = call->worker;

    worker->failed += !call->busy || result != BLKFRONT_OK;
    if (request->operation == BLKFRONT_READ && result == BLKFRONT_OK)
        worker->wrong += !holds(worker, call);
    use(worker, call, false);
    call->busy = false;
    worker->in_flight--;
}

/* Blocks that no other request uses; none is a flush. */
static void choose_blocks(struct worker *worker, struct call *call)
{
    const uint32_t most = 1 + (uint32_t)(next_random(worker) % SPAN);

    call->block = (uint32_t)(next_random(worker) % (BLOCKS - SPAN));
    call->blocks = 0;
    while (call->blocks < most && !worker->used[call->block + call->blocks])
        call->blocks++;
}

static void choose(struct worker *worker, struct call *call)
{
    const uint64_t dice = next_random(worker) % 64;

    choose_blocks(worker, call);
    if (dice == 0)
        call->blocks = 0;
    call->buffer = (struct blkfront_buffer){.address = call->bytes,
                                            .size = (size_t)call->blocks * BLOCK_UNITS * UNIT,
                                            .memory = call->memory};
    call->request = (struct blkfront_request){
        .operation = call->blocks == 0 ? BLKFRONT_FLUSH
                     : dice % 2 == 0   ? BLKFRONT_WRITE
                                       : BLKFRONT_READ,
        .sector = ((uint64_t)worker->queue_index * BLOCKS + call->block) * BLOCK_UNITS,
        .buffers = call->blocks == 0 ? NULL : &call->buffer,
        .buffer_count = call->blocks != 0,
        .complete = complete,
        .context = call,
    };
    if (call->blocks == 0)
        call->request.sector = 0;
    for (uint32_t i = 0; call->request.operation == BLKFRONT_WRITE && i < call->blocks; i++)
        worker->versions[call->block + i]++;
    worker->reads += call->request.operation == BLKFRONT_READ;
    worker->writes += call->request.operation == BLKFRONT_WRITE;
    worker->flushes += call->request.operation == BLKFRONT_FLUSH;
}

static void submit(struct worker *worker, struct call *call)
{
    choose(worker, call);
    if (call->request.operation == BLKFRONT_WRITE)
        fill(worker, call);
    else
        memset(call->bytes, 0xee, call->buffer.size);
    use(worker, call, true);
    call->busy = true;
    worker->left--;
    worker->in_flight++;
    if (blkfront_submit(worker->queue, &call->request) != BLKFRONT_OK)
        complete(&call->request, BLKFRONT_INVALID);
}

/* ---- a queue's thread ---- */

static void submit_some(struct worker *worker)
{
    for (uint32_t i = 0; i < worker->depth && worker->left != 0; i++) {
        if (!worker->calls[i].busy)
            submit(worker, &worker->calls[i]);
    }
}

/* While the connection is lost: one of the calls that are left for that. */
static void submit_late(struct worker *worker)
{
    for (uint32_t i = worker->depth; i < DEPTH && worker->left != 0; i++) {
        if (!worker->calls[i].busy) {
            submit(worker, &worker->calls[i]);
            return;
        }
    }
}

static bool over(void)
{
    return __atomic_load_n(&is_over, __ATOMIC_ACQUIRE);
}

/* Until the queue or somebody else has something for us. With requests in flight the backend owes
 * us a wake-up. */
static void sleep_a_while(struct worker *worker, bool down)
{
    const uint64_t due = down ? now() + SHORT_NS : blkfront_queue_poll_at(worker->queue);
    const uint64_t most = now() + LONG_NS;
    const int result =
        simback_threads_wait_queue(threads, worker->queue_index, due < most ? due : most);

    worker->lost += result != 0 && due >= most && worker->in_flight != 0;
}

/* Polls its queue also after its last request: the device needs that to disconnect. */
static void *work(void *argument)
{
    struct worker *worker = argument;
    bool works = true;

    while (!over() && worker->lost == 0) {
        const bool down = blkfront_device_state(device) == BLKFRONT_RECOVERING;
        bool more;

        if (down)
            submit_late(worker);
        else
            submit_some(worker);
        more = blkfront_queue_poll(worker->queue) != 0;
        if (works && worker->left == 0 && worker->in_flight == 0) {
            works = false;
            __atomic_sub_fetch(&at_work, 1, __ATOMIC_RELEASE);
            simback_threads_wake_device(threads);
        }
        if (!more && (down || worker->left == 0 || worker->in_flight >= worker->depth))
            sleep_a_while(worker, down);
    }
    return NULL;
}

/* ---- the device's thread ---- */

static unsigned device_lost; /* its own lost wake-ups */

/* With a connection that begins or ends the backend or a queue owes us a wake-up. */
static void poll_device(uint64_t most_ns)
{
    const enum blkfront_state state = blkfront_device_state(device);
    const bool owed = state != BLKFRONT_CONNECTED && most_ns == LONG_NS;
    uint64_t due, most;

    if (blkfront_poll(device) != 0 || blkfront_device_state(device) != state)
        return;
    due = blkfront_poll_at(device);
    most = now() + most_ns;
    if (simback_threads_wait_device(threads, due < most ? due : most) != 0 && due >= most && owed)
        device_lost++;
}

static void poll_until(enum blkfront_state state)
{
    while (blkfront_device_state(device) != state && device_lost == 0)
        poll_device(LONG_NS);
    CU_ASSERT_EQUAL_FATAL(blkfront_device_state(device), state);
}

static void begin(void)
{
    struct simback_backend_options options;

    threads = simback_threads_create();
    CU_ASSERT_PTR_NOT_NULL_FATAL(threads);
    simback_backend_options_init(&options);
    options.sectors = (uint64_t)QUEUES * BLOCKS * BLOCK_UNITS;
    options.queues = QUEUES;
    CU_ASSERT_EQUAL_FATAL(simback_threads_start(threads, &options), 0);
    CU_ASSERT_EQUAL_FATAL(blkfront_create(simback_threads_platform(threads), &context),
                          BLKFRONT_OK);
    device_lost = 0;
    for (uint32_t i = 0; i < QUEUES; i++) {
        memset(&workers[i], 0, sizeof(workers[i]));
        workers[i].queue_index = i;
        workers[i].random = 88172645463325252u + i;
    }
}

static void no_complaints(void *unused, struct simback_backend *backend)
{
    struct simback_backend_counters counters;

    simback_backend_get_counters(backend, &counters);
    CU_ASSERT_EQUAL(counters.complaints, 0);
    CU_ASSERT_EQUAL(counters.errors, 0);
    (void)unused;
}

/* Nothing is left (I5, I12), and the backend had nothing to complain of. */
static void end(void)
{
    struct simback_ledger ledger, nothing = {0};

    blkfront_destroy(context);
    simback_threads_call(threads, no_complaints, NULL);
    simback_threads_get_ledger(threads, &ledger);
    CU_ASSERT_EQUAL(memcmp(&ledger, &nothing, sizeof(ledger)), 0);
    simback_threads_destroy(threads);
}

/* ---- a connection ---- */

/* Every other one has small rings, no kept grants, segments in the slot alone. */
static void connect(uint32_t round, uint64_t recover_deadline_ns)
{
    struct blkfront_options options;
    struct blkfront_info info;

    blkfront_options_init(&options);
    options.queues = QUEUES;
    options.persistent = round % 2 == 1;
    options.ring_order = round % 2;
    options.segments = round % 2 == 1 ? 32 : 11;
    options.pool_pages = 96;
    options.recover_deadline_ns = recover_deadline_ns;
    CU_ASSERT_EQUAL_FATAL(blkfront_connect(context, "xvda", &options, &device), BLKFRONT_OK);
    poll_until(BLKFRONT_CONNECTED);
    CU_ASSERT_EQUAL(blkfront_get_info(device, &info), BLKFRONT_OK);
    CU_ASSERT_EQUAL(info.queues, QUEUES);
}

/* Every other request goes without a copy. */
static void start_worker(struct worker *worker, uint32_t requests, uint32_t depth)
{
    const size_t size = (size_t)SPAN * BLOCK_UNITS * UNIT;
    struct blkfront_memory *memory;
    void *pages;

    CU_ASSERT_EQUAL_FATAL(blkfront_memory_create(
                              device, MEMORY_PAGES,
                              BLKFRONT_MEMORY_TO_DISK | BLKFRONT_MEMORY_FROM_DISK, &memory, &pages),
                          BLKFRONT_OK);
    for (uint32_t i = 0; i < DEPTH; i++) {
        struct call *call = &worker->calls[i];

        call->worker = worker;
        call->memory = i % 2 == 0 ? memory : NULL;
        call->bytes = i % 2 == 0 ? (unsigned char *)pages + i / 2 * size : worker->heap[i];
    }
    worker->queue = blkfront_get_queue(device, worker->queue_index);
    worker->depth = depth;
    worker->left = requests;
    CU_ASSERT_EQUAL_FATAL(pthread_create(&worker->thread, NULL, work, worker), 0);
}

static void start_workers(uint32_t requests, uint32_t depth)
{
    at_work = QUEUES;
    is_over = false;
    for (uint32_t i = 0; i < QUEUES; i++)
        start_worker(&workers[i], requests, depth);
}

static void wait_for_workers(void)
{
    while (__atomic_load_n(&at_work, __ATOMIC_ACQUIRE) != 0 && device_lost == 0)
        poll_device(LONG_NS);
}

/* The queues' threads poll until the device is closed: so their queues come to an end. */
static void disconnect(void)
{
    blkfront_disconnect(device);
    poll_until(BLKFRONT_CLOSED);
    __atomic_store_n(&is_over, true, __ATOMIC_RELEASE);
    for (uint32_t i = 0; i < QUEUES; i++) {
        simback_threads_wake_queue(threads, i);
        CU_ASSERT_EQUAL(pthread_join(workers[i].thread, NULL), 0);
        CU_ASSERT_EQUAL(workers[i].in_flight, 0);
        CU_ASSERT_EQUAL(workers[i].left, 0);
        blkfront_memory_destroy(workers[i].calls[0].memory);
    }
    blkfront_release(device);
}

static void all_was_right(uint64_t requests)
{
    for (uint32_t i = 0; i < QUEUES; i++) {
        const struct worker *worker = &workers[i];

        CU_ASSERT_EQUAL(worker->wrong, 0);
        CU_ASSERT_EQUAL(worker->failed, 0);
        CU_ASSERT_EQUAL(worker->lost, 0);
        CU_ASSERT_EQUAL(worker->reads + worker->writes + worker->flushes, requests);
        CU_ASSERT(worker->reads > requests / 3 && worker->writes > requests / 3);
        CU_ASSERT(worker->flushes > requests / 256);
    }
    CU_ASSERT_EQUAL(device_lost, 0);
}

/* ---- the tests ---- */

/* Alone a request takes the way over sleep and event each time, many at once seldom. */
static void i7_two_queues_in_threads_lose_and_mix_up_nothing(void)
{
    begin();
    for (uint32_t round = 0; round < ROUNDS; round++) {
        connect(round, 0);
        start_workers(REQUESTS / ROUNDS, round == 0 ? 1 : round * DEPTH / (ROUNDS - 1));
        wait_for_workers();
        disconnect();
    }
    all_was_right(REQUESTS / ROUNDS * ROUNDS);
    end();
}

static void close_backend(void *unused, struct simback_backend *backend)
{
    (void)unused;
    simback_backend_close(backend);
}

/* Requests that are in flight when the backend closes are answered on the next connection. */
static void i15_a_backend_that_closes_under_load_is_met_again(void)
{
    struct blkfront_statistics statistics;

    begin();
    connect(1, UINT64_MAX);
    start_workers(REQUESTS, DEPTH / 2);
    for (uint64_t closes = 0; closes < ROUNDS; closes++) {
        do {
            poll_device(LONG_NS / 10000);
            blkfront_get_statistics(device, &statistics);
        } while (statistics.requests < closes * REQUESTS / ROUNDS);
        simback_threads_call(threads, close_backend, NULL);
        do {
            poll_device(LONG_NS);
            blkfront_get_statistics(device, &statistics);
        } while (statistics.reconnects <= closes && device_lost == 0);
        poll_until(BLKFRONT_CONNECTED);
    }
    wait_for_workers();
    blkfront_get_statistics(device, &statistics);
    CU_ASSERT_EQUAL(statistics.requests, QUEUES * REQUESTS);
    disconnect();
    all_was_right(REQUESTS);
    end();
}

/* The blocking calls wait for any set; everything is in one thread but the backend. */
static void blocking_calls_wait_for_the_backends_thread(void)
{
    unsigned char written[3 * UNIT], read[3 * UNIT];
    struct blkfront_buffer buffer = {.address = written, .size = sizeof(written)};

    begin();
    CU_ASSERT_EQUAL_FATAL(blkfront_blocking_connect(context, "51712", NULL, &device), BLKFRONT_OK);
    for (unsigned i = 0; i < 100; i++) {
        memset(written, (int)i + 1, sizeof(written));
        memset(read, 0, sizeof(read));
        buffer.address = written;
        CU_ASSERT_EQUAL(blkfront_blocking_write(device, i, &buffer, 1), BLKFRONT_OK);
        buffer.address = read;
        CU_ASSERT_EQUAL(blkfront_blocking_read(device, i, &buffer, 1), BLKFRONT_OK);
        CU_ASSERT_EQUAL(memcmp(written, read, sizeof(read)), 0);
    }
    CU_ASSERT_EQUAL(blkfront_blocking_flush(device), BLKFRONT_OK);
    blkfront_blocking_disconnect(device);
    CU_ASSERT_EQUAL(blkfront_device_state(device), BLKFRONT_CLOSED);
    blkfront_release(device);
    end();
}

static const struct unit_test tests[] = {
    UNIT_TEST(i7_two_queues_in_threads_lose_and_mix_up_nothing),
    UNIT_TEST(i15_a_backend_that_closes_under_load_is_met_again),
    UNIT_TEST(blocking_calls_wait_for_the_backends_thread),
};

UNIT_MAIN("threads", tests)
