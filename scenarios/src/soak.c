/* SPDX-License-Identifier: ISC */
/*
 * A soak as a whole: the world, the device and its connections, which end in several ways, one
 * after the other. The requests are soak_queue.c's.
 */
#include "soak_queue.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Between two looks at what a signal handler has said, or at what is to be told. */
#define GLANCE_NS UINT64_C(200000000)

struct soak_run {
    const struct soak_options *options;
    struct soak_result *result;
    struct simback_backend_options backend;
    struct soak soak;
    struct blkfront *context;
    struct soak_queue *queues;
    uint64_t began_ns, told_ns;
    uint32_t connections;
    unsigned next_end;
};

static bool trouble(struct soak_run *run, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Always false; the first one is kept. */
static bool trouble(struct soak_run *run, const char *format, ...)
{
    char *text = run->result->trouble;
    va_list arguments;

    if (text[0] != '\0')
        return false;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof(run->result->trouble), format, arguments);
    va_end(arguments);
    return false;
}

/* ---- the device's thread, which is the caller's ---- */

static void set_phase(struct soak_run *run, enum soak_phase phase)
{
    __atomic_store_n(&run->soak.phase, (uint32_t)phase, __ATOMIC_RELEASE);
    for (uint32_t i = 0; i < run->options->queues; i++)
        simback_threads_wake_queue(run->soak.threads, i);
}

static bool all_idle(const struct soak_run *run)
{
    return __atomic_load_n(&run->soak.at_work, __ATOMIC_ACQUIRE) == 0;
}

static bool is_bad(const struct soak_run *run)
{
    return run->result->trouble[0] != '\0' ||
           __atomic_load_n(&run->soak.bad, __ATOMIC_ACQUIRE) != 0;
}

static bool interrupted(const struct soak_run *run)
{
    return run->options->interrupted != NULL && *run->options->interrupted != 0;
}

static void tell(struct soak_run *run, uint64_t now)
{
    uint64_t requests = 0;

    if (run->options->told == NULL || now - run->told_ns < GLANCE_NS)
        return;
    run->told_ns = now;
    for (uint32_t i = 0; i < run->options->queues; i++)
        requests += __atomic_load_n(&run->queues[i].succeeded, __ATOMIC_RELAXED);
    run->options->told(run->options->context, requests);
}

static void poll_device(struct soak_run *run)
{
    struct blkfront_device *device = run->soak.device;
    const enum blkfront_state state = blkfront_device_state(device);
    const uint64_t now = soak_now(&run->soak);
    uint64_t due;

    tell(run, now);
    if (blkfront_poll(device) != 0 || blkfront_device_state(device) != state)
        return;
    due = blkfront_poll_at(device);
    (void)simback_threads_wait_device(run->soak.threads,
                                      due < now + GLANCE_NS ? due : now + GLANCE_NS);
}

/* False: the device is there no more, and that is a trouble. */
static bool lives(struct soak_run *run, const char *what)
{
    struct blkfront_device *device = run->soak.device;
    const enum blkfront_state state = blkfront_device_state(device);

    if (state != BLKFRONT_FAILED && state != BLKFRONT_CLOSED)
        return true;
    return trouble(run, "%s: %s (%s)", what, blkfront_error_text(blkfront_device_error(device)),
                   blkfront_device_detail(device));
}

static bool poll_until(struct soak_run *run, enum blkfront_state wanted, const char *what)
{
    struct blkfront_device *device = run->soak.device;
    const uint64_t end = soak_now(&run->soak) + SOAK_LONG_NS;

    while (blkfront_device_state(device) != wanted) {
        if (!lives(run, what))
            return false;
        if (soak_now(&run->soak) > end)
            return trouble(run, "%s: it takes too long", what);
        poll_device(run);
    }
    return true;
}

/* ---- a connection begins and ends ---- */

/* One after the other with other rings, grants and segments. */
static bool connect(struct soak_run *run)
{
    const uint32_t n = run->connections++;
    struct blkfront_options options;
    int result;

    blkfront_options_init(&options);
    options.queues = run->options->queues;
    options.persistent = n % 2 == 1;
    options.ring_order = n % 3;
    options.segments = n % 4 < 2 ? 32 : 11;
    options.abi = n % 5 == 4 ? BLKFRONT_ABI_32 : BLKFRONT_ABI_64;
    options.recover_deadline_ns = UINT64_MAX;
    result = blkfront_connect(run->context, "xvda", &options, &run->soak.device);
    if (result != BLKFRONT_OK)
        return trouble(run, "connect: %s (%s)", blkfront_error_text(result),
                       blkfront_detail(run->context));
    return poll_until(run, BLKFRONT_CONNECTED, "connect");
}

static bool begin_queues(struct soak_run *run)
{
    uint32_t begun = 0;

    run->soak.at_work = run->options->queues;
    run->soak.phase = SOAK_LOAD;
    while (begun < run->options->queues && soak_queue_begin(&run->queues[begun]))
        begun++;
    if (begun == run->options->queues)
        return true;
    set_phase(run, SOAK_OVER);
    while (begun > 0)
        soak_queue_end(&run->queues[--begun]);
    return trouble(run, "no memory, or no thread can be made");
}

/* The queues' threads poll until the device is closed: so their queues come to an end. */
static void disconnect(struct soak_run *run)
{
    blkfront_disconnect(run->soak.device);
    if (blkfront_device_state(run->soak.device) != BLKFRONT_FAILED)
        (void)poll_until(run, BLKFRONT_CLOSED, "disconnect");
    set_phase(run, SOAK_OVER);
    for (uint32_t i = 0; i < run->options->queues; i++)
        soak_queue_end(&run->queues[i]);
    blkfront_release(run->soak.device);
    run->soak.device = NULL;
}

/* Until no queue has anything to do in this phase. */
static bool wait_idle(struct soak_run *run)
{
    while (!all_idle(run) && !is_bad(run)) {
        if (!lives(run, "under load"))
            return false;
        poll_device(run);
    }
    return !is_bad(run);
}

static void close_backend(void *unused, struct simback_backend *backend)
{
    (void)unused;
    simback_backend_close(backend);
}

static void crash_backend(void *unused, struct simback_backend *backend)
{
    (void)unused;
    simback_backend_crash(backend);
}

/* What becomes of requests that are not answered shows on the next connection. */
static bool meet_again(struct soak_run *run, const char *what)
{
    struct blkfront_device *device = run->soak.device;

    while (blkfront_device_state(device) == BLKFRONT_CONNECTED && !is_bad(run))
        poll_device(run);
    return !is_bad(run) && poll_until(run, BLKFRONT_CONNECTED, what);
}

/* The next one comes when the frontend has noticed. It could not tell what of the ring of a
 * frontend that says Connected has been answered, out of order. */
static bool crash(struct soak_run *run)
{
    const uint64_t end = soak_now(&run->soak) + SOAK_LONG_NS;

    simback_threads_call(run->soak.threads, crash_backend, NULL);
    while (simback_threads_front_state(run->soak.threads) == BLKIF_WIRE_CONNECTED) {
        if (is_bad(run) || soak_now(&run->soak) > end)
            return trouble(run, "after a crash: the frontend does not notice");
        poll_device(run);
    }
    if (simback_threads_restart(run->soak.threads, &run->backend) != 0)
        return trouble(run, "no backend can be made");
    return poll_until(run, BLKFRONT_CONNECTED, "after a crash");
}

/* ---- the whole ---- */

static void clear_faults(void *unused, struct simback_backend *backend)
{
    (void)unused;
    simback_backend_clear_faults(backend);
}

/* What was written last is still there, everywhere. */
static void sweep(struct soak_run *run)
{
    simback_threads_call(run->soak.threads, clear_faults, NULL);
    set_phase(run, SOAK_DRAIN);
    if (!wait_idle(run))
        return;
    run->soak.at_work = run->options->queues;
    set_phase(run, SOAK_SWEEP);
    (void)wait_idle(run);
}

/* As long as a connection lasts; false: nothing is left to do, or it is of no use. */
static bool load(struct soak_run *run)
{
    const uint64_t began = soak_now(&run->soak), lasts = run->options->reconnect_ns;

    while (!all_idle(run) && !is_bad(run) && !interrupted(run)) {
        if (!lives(run, "under load"))
            return false;
        if (lasts != 0 && run->options->ends != 0 && soak_now(&run->soak) - began >= lasts)
            return true;
        poll_device(run);
    }
    return false;
}

/* Ends the connection in one of the ways; false: it goes on. */
static bool end_connection(struct soak_run *run, enum soak_end end)
{
    run->result->ends[end]++;
    switch (end) {
    case SOAK_DISCONNECTS:
        set_phase(run, SOAK_DRAIN);
        (void)wait_idle(run);
        break;
    case SOAK_CLOSES:
        simback_threads_call(run->soak.threads, close_backend, NULL);
        (void)meet_again(run, "after a close");
        return false;
    case SOAK_CRASHES: (void)crash(run); return false;
    case SOAK_CUTS:
    case SOAK_ENDS: break;
    }
    return true;
}

/* The next of the ways that are allowed. */
static enum soak_end next_end(struct soak_run *run)
{
    unsigned end;

    do {
        end = run->next_end++ % SOAK_ENDS;
    } while ((run->options->ends & 1u << end) == 0);
    return (enum soak_end)end;
}

static void play(struct soak_run *run)
{
    bool over = false;

    while (!over && connect(run) && begin_queues(run)) {
        bool ended = false;

        while (!ended && load(run))
            ended = end_connection(run, next_end(run));
        if (!ended) {
            over = true;
            if (!is_bad(run))
                sweep(run);
        }
        disconnect(run);
    }
    if (run->soak.device != NULL)
        blkfront_release(run->soak.device);
}

static void look_at_backend(void *context, struct simback_backend *backend)
{
    struct soak_run *run = context;
    struct simback_backend_counters counters;

    simback_backend_get_counters(backend, &counters);
    if (counters.complaints != 0)
        (void)trouble(run, "the backend complains: %s", simback_backend_complaint(backend));
}

/* Nothing is left (I5, I12), and the backend has nothing to complain of. */
static void look_back(struct soak_run *run)
{
    struct simback_ledger ledger, nothing = {0};

    simback_threads_call(run->soak.threads, look_at_backend, run);
    simback_threads_get_ledger(run->soak.threads, &ledger);
    if (memcmp(&ledger, &nothing, sizeof(ledger)) != 0)
        (void)trouble(run,
                      "at the end there are %" PRIu64 " grants, %" PRIu64
                      " of them mapped, %" PRIu64 " pages, %" PRIu64 " ports",
                      ledger.grants, ledger.mapped, ledger.pages, ledger.ports);
}

static void add_faults(void *context, struct simback_backend *backend)
{
    struct soak_run *run = context;

    for (size_t i = 0; i < run->options->fault_count; i++) {
        if (simback_backend_add_fault(backend, &run->options->faults[i]) != 0)
            (void)trouble(run, "too many fault rules");
    }
}

static bool begin(struct soak_run *run)
{
    const struct soak_options *options = run->options;

    run->queues = calloc(options->queues, sizeof(run->queues[0]));
    run->soak.threads = simback_threads_create();
    if (run->queues == NULL || run->soak.threads == NULL)
        return trouble(run, "no memory");
    for (uint32_t i = 0; i < options->queues; i++) {
        if (!soak_queue_init(&run->queues[i], &run->soak, i, options))
            return trouble(run, "no memory");
    }
    run->soak.errors = options->fault_count != 0;
    simback_backend_options_init(&run->backend);
    run->backend.sectors = (uint64_t)options->queues * SOAK_UNITS;
    run->backend.queues = (int32_t)options->queues;
    if (simback_threads_start(run->soak.threads, &run->backend) != 0 ||
        blkfront_create(simback_threads_platform(run->soak.threads), &run->context) != BLKFRONT_OK)
        return trouble(run, "no backend can be made");
    simback_threads_call(run->soak.threads, add_faults, run);
    return run->result->trouble[0] == '\0';
}

static void count(struct soak_run *run)
{
    struct soak_counts *sum = &run->result->counts;

    for (uint32_t i = 0; run->queues != NULL && i < run->options->queues; i++) {
        const struct soak_counts *one = &run->queues[i].counts;

        sum->reads += one->reads;
        sum->writes += one->writes;
        sum->flushes += one->flushes;
        sum->errors += one->errors;
        sum->cut += one->cut;
        sum->wrong += one->wrong;
        sum->doubled += one->doubled;
        sum->failed += one->failed;
        sum->lost += one->lost;
        if (run->queues[i].trouble[0] != '\0')
            (void)trouble(run, "%s", run->queues[i].trouble);
        soak_queue_fini(&run->queues[i]);
    }
}

void soak_options_init(struct soak_options *options)
{
    *options = (struct soak_options){
        .requests = 100000, .queues = 4, .depth = 32, .ends = (1u << SOAK_ENDS) - 1};
}

int soak_run(const struct soak_options *options, struct soak_result *result)
{
    struct soak_run run = {.options = options, .result = result};

    memset(result, 0, sizeof(*result));
    if (begin(&run)) {
        /* The parts of a long one begin differently. */
        run.next_end = (unsigned)(options->seed % SOAK_ENDS);
        run.connections = (uint32_t)options->seed;
        run.began_ns = soak_now(&run.soak);
        play(&run);
        result->seconds = (double)(soak_now(&run.soak) - run.began_ns) / 1e9;
    }
    count(&run);
    if (run.context != NULL)
        blkfront_destroy(run.context);
    if (result->trouble[0] == '\0')
        look_back(&run);
    simback_threads_destroy(run.soak.threads);
    free(run.queues);
    return result->trouble[0] == '\0' ? 0 : -1;
}
