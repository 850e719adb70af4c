/* SPDX-License-Identifier: ISC */
/*
 * The platform of the threaded world passes the platform's conformance test, and leaves nothing
 * behind. What only threads can show is here too: grants that two of them take and end at once,
 * sleepers that miss no ring, and functions that run in the backend's thread.
 */
#include "cunit_main.h"
#include "platform_conformance.h"

#include <simback/threads.h>

#include <pthread.h>
#include <sched.h>

#define HOME "/local/domain/1/data"

enum { GRANTERS = 2, ROUNDS = 2000, HELD = 8, RINGS = 5000 };
#define LONG_NS UINT64_C(60000000000)

static struct simback_threads *threads;
static const struct blkfront_platform *guest;
static const struct simback_host *host;
static const char *running;

static void set_up(void)
{
    threads = simback_threads_create();
    CU_ASSERT_PTR_NOT_NULL_FATAL(threads);
    guest = simback_threads_platform(threads);
    host = simback_threads_host(threads);
}

static void ledger_is_empty(const char *what)
{
    struct simback_ledger ledger, nothing = {0};

    simback_threads_get_ledger(threads, &ledger);
    CU_assertImplementation(memcmp(&ledger, &nothing, sizeof(ledger)) == 0, __LINE__,
                            "the ledger is empty", __FILE__, what, CU_FALSE);
}

static void tear_down(void)
{
    ledger_is_empty("at the end");
    simback_threads_destroy(threads);
}

/* ---- what every platform must do ---- */

static void checked(void *context, bool ok, const char *what, const char *file, int line)
{
    (void)context;
    CU_assertImplementation(ok, (unsigned)line, what, file, running, CU_FALSE);
}

static void the_threaded_platform_conforms(void)
{
    struct conformance test = {.platform = guest,
                               .host = host,
                               .domid = SIMBACK_FRONT_DOMID,
                               .peer_domid = SIMBACK_DOM0,
                               .home = HOME,
                               .checked = checked};

    CU_ASSERT_EQUAL_FATAL(
        simback_threads_store_permit(threads, HOME, SIMBACK_FRONT_DOMID, SIMBACK_FRONT_DOMID), 0);
    CU_ASSERT(conformance_case_count > 20);
    for (size_t i = 0; i < conformance_case_count; i++) {
        running = conformance_cases[i].name;
        conformance_cases[i].run(&test);
        ledger_is_empty(running);
    }
}

static void a_page_is_not_freed_while_it_is_granted(void)
{
    struct simback_ledger ledger;
    void *page;
    uint32_t ref;

    CU_ASSERT_EQUAL_FATAL(guest->page_allocate(guest->context, 1, &page), 0);
    CU_ASSERT_EQUAL_FATAL(guest->page_grant(guest->context, SIMBACK_DOM0, page, true, &ref), 0);
    guest->page_free(guest->context, page, 1);
    simback_threads_get_ledger(threads, &ledger);
    CU_ASSERT_EQUAL(ledger.pages, 1);
    CU_ASSERT_EQUAL(ledger.grants, 1);
    CU_ASSERT_EQUAL(guest->page_revoke(guest->context, ref), 0);
    guest->page_free(guest->context, page, 1);
}

/* ---- grants at once ---- */

struct granter {
    pthread_t thread;
    uint8_t *pages; /* HELD of them */
    uint8_t mark;
    unsigned failures;
};

static uint8_t *page_of(const struct granter *granter, unsigned i)
{
    return granter->pages + (size_t)i * 4096;
}

/* Mapped and written through the map: BUSY meanwhile. */
static void use_grant(struct granter *granter, uint8_t *ours, uint32_t ref)
{
    void *theirs = NULL;

    if (host->map(host->context, SIMBACK_FRONT_DOMID, &ref, 1, true, &theirs) != 0) {
        granter->failures++;
        return;
    }
    granter->failures += theirs != ours;
    *(uint8_t *)theirs = granter->mark;
    granter->failures += guest->page_revoke(guest->context, ref) != BLKFRONT_PLATFORM_BUSY;
    granter->failures += host->unmap(host->context, SIMBACK_FRONT_DOMID, &ref, 1, &theirs) != 0;
    granter->failures += *ours != granter->mark;
}

/* Several at a time, ended in the order in which they were made: so one that was free is free again
 * while the next one is not. */
static void *grant_many(void *context)
{
    struct granter *granter = context;
    uint32_t refs[HELD] = {0};

    for (unsigned round = 0; round < ROUNDS; round++) {
        for (unsigned i = 0; i < HELD; i++)
            granter->failures += guest->page_grant(guest->context, SIMBACK_DOM0,
                                                   page_of(granter, i), true, &refs[i]) != 0;
        for (unsigned i = 0; i < HELD; i++) {
            use_grant(granter, page_of(granter, i), refs[i]);
            granter->failures += guest->page_revoke(guest->context, refs[i]) != 0;
        }
    }
    return NULL;
}

static void i5_two_threads_never_get_the_same_grant(void)
{
    struct granter granters[GRANTERS] = {{.mark = 1}, {.mark = 2}};
    void *address;

    for (unsigned i = 0; i < GRANTERS; i++) {
        CU_ASSERT_EQUAL_FATAL(guest->page_allocate(guest->context, HELD, &address), 0);
        granters[i].pages = address;
    }
    for (unsigned i = 0; i < GRANTERS; i++)
        CU_ASSERT_EQUAL_FATAL(pthread_create(&granters[i].thread, NULL, grant_many, &granters[i]),
                              0);
    for (unsigned i = 0; i < GRANTERS; i++) {
        CU_ASSERT_EQUAL(pthread_join(granters[i].thread, NULL), 0);
        CU_ASSERT_EQUAL(granters[i].failures, 0);
        guest->page_free(guest->context, granters[i].pages, HELD);
    }
}

/* ---- sleepers ---- */

struct ringer {
    struct blkfront_channel_set *set;
    uint32_t ours, theirs;
    uint32_t rings;    /* atomic: counted before each notification */
    unsigned failures; /* asserted when it is over: CUnit is for one thread */
};

static void *ring_many(void *context)
{
    struct ringer *ringer = context;

    for (unsigned i = 0; i < RINGS; i++) {
        __atomic_add_fetch(&ringer->rings, 1, __ATOMIC_RELEASE);
        ringer->failures += host->port_notify(host->context, ringer->theirs) != 0;
        (void)sched_yield();
    }
    return NULL;
}

static void open_channel(struct ringer *ringer)
{
    CU_ASSERT_EQUAL_FATAL(guest->channels_open(guest->context, &ringer->set), 0);
    CU_ASSERT_EQUAL_FATAL(
        guest->port_allocate(guest->context, ringer->set, SIMBACK_DOM0, &ringer->ours), 0);
    CU_ASSERT_EQUAL_FATAL(
        host->port_bind(host->context, SIMBACK_FRONT_DOMID, ringer->ours, 0, &ringer->theirs), 0);
}

static void close_channel(const struct ringer *ringer)
{
    host->port_close(host->context, ringer->theirs);
    guest->channels_close(guest->context, ringer->set);
}

/* Who sleeps after each event hears of each count, since a notification follows it (I14). */
static void i14_no_ring_is_lost(void)
{
    struct ringer ringer = {.failures = 0};
    uint32_t port, rings = 0;
    pthread_t thread;
    int result = 0;

    open_channel(&ringer);
    CU_ASSERT_EQUAL_FATAL(pthread_create(&thread, NULL, ring_many, &ringer), 0);
    while (rings < RINGS && result == 0) {
        result = simback_threads_wait_queue(threads, 0, guest->now(guest->context) + LONG_NS);
        if (guest->port_pending(guest->context, ringer.set, &port) == 1)
            ringer.failures += guest->port_unmask(guest->context, ringer.set, port) != 0;
        rings = __atomic_load_n(&ringer.rings, __ATOMIC_ACQUIRE);
    }
    CU_ASSERT_EQUAL(result, 0);
    CU_ASSERT_EQUAL(pthread_join(thread, NULL), 0);
    CU_ASSERT_EQUAL(ringer.failures, 0);
    close_channel(&ringer);
}

/* What comes while a port is masked ends the wait after the unmask. */
static void a_masked_event_is_told_after_the_unmask(void)
{
    struct ringer ringer = {.failures = 0};
    uint32_t port = 0;

    open_channel(&ringer);
    CU_ASSERT_EQUAL(host->port_notify(host->context, ringer.theirs), 0);
    CU_ASSERT_EQUAL(guest->port_pending(guest->context, ringer.set, &port), 1);
    CU_ASSERT_EQUAL(host->port_notify(host->context, ringer.theirs), 0);
    CU_ASSERT_EQUAL(simback_threads_wait_queue(threads, 0, 0), 0); /* it has rung */
    CU_ASSERT_EQUAL(guest->port_pending(guest->context, ringer.set, &port), 0);
    CU_ASSERT_EQUAL(guest->port_unmask(guest->context, ringer.set, ringer.ours), 0);
    CU_ASSERT_EQUAL(simback_threads_wait_queue(threads, 0, 0), 0);
    CU_ASSERT_EQUAL(guest->port_pending(guest->context, ringer.set, &port), 1);
    close_channel(&ringer);
}

static void a_wake_waits_for_who_comes_later(void)
{
    struct blkfront_channel_set *set;
    uint32_t port;

    CU_ASSERT_EQUAL_FATAL(guest->channels_open(guest->context, &set), 0);
    simback_threads_wake_queue(threads, 0);
    CU_ASSERT_EQUAL(simback_threads_wait_queue(threads, 0, 0), 0);
    CU_ASSERT_EQUAL(simback_threads_wait_queue(threads, 0, 0), BLKFRONT_PLATFORM_TIMED_OUT);
    /* A poll that began before the wake has not taken notice of it, though it looks at the ports.
     */
    simback_threads_wake_queue(threads, 0);
    CU_ASSERT_EQUAL(guest->port_pending(guest->context, set, &port), 0);
    CU_ASSERT_EQUAL(simback_threads_wait_queue(threads, 0, 0), 0);
    simback_threads_wake_device(threads);
    CU_ASSERT_EQUAL(simback_threads_wait_device(threads, 0), 0);
    CU_ASSERT_EQUAL(simback_threads_wait_device(threads, 0), BLKFRONT_PLATFORM_TIMED_OUT);
    CU_ASSERT_EQUAL(simback_threads_wait_queue(threads, SIMBACK_THREADS_QUEUES, 0),
                    BLKFRONT_PLATFORM_INVALID);
    guest->channels_close(guest->context, set);
}

static bool look_three_times(void *context)
{
    uint32_t *looks = context;

    return ++*looks == 3;
}

static bool look_in_vain(void *context)
{
    (void)context;
    return false;
}

/* Ends when there is something to see, when somebody rings, or after a while; what has rung is left
 * to the wait. */
static void a_spin_ends_when_something_is_seen_or_rung(void)
{
    struct ringer ringer = {.failures = 0};
    uint32_t looks = 0, port = 0;

    open_channel(&ringer);
    CU_ASSERT_TRUE(simback_threads_spin_queue(threads, 0, look_three_times, &looks));
    CU_ASSERT_EQUAL(looks, 3);
    CU_ASSERT_FALSE(simback_threads_spin_queue(threads, 0, look_in_vain, NULL));
    CU_ASSERT_FALSE(
        simback_threads_spin_queue(threads, SIMBACK_THREADS_QUEUES, look_in_vain, NULL));
    CU_ASSERT_EQUAL(host->port_notify(host->context, ringer.theirs), 0);
    CU_ASSERT_EQUAL(simback_threads_wait_queue(threads, 0, 0), 0);
    CU_ASSERT_EQUAL(guest->port_pending(guest->context, ringer.set, &port), 1);
    close_channel(&ringer);
}

/* ---- the backend's thread ---- */

static void look_around(void *context, struct simback_backend *backend)
{
    pthread_t *thread = context;

    if (backend != NULL)
        *thread = pthread_self();
}

static void orders_run_in_the_backends_thread(void)
{
    struct simback_backend_options options;
    pthread_t first = pthread_self(), second = pthread_self();

    simback_backend_options_init(&options);
    CU_ASSERT_EQUAL_FATAL(simback_threads_start(threads, &options), 0);
    CU_ASSERT_EQUAL(simback_threads_start(threads, &options), BLKFRONT_PLATFORM_INVALID);
    simback_threads_call(threads, look_around, &first);
    simback_threads_call(threads, look_around, &second);
    CU_ASSERT(pthread_equal(first, second) != 0);
    CU_ASSERT(pthread_equal(first, pthread_self()) == 0);
    simback_threads_stop(threads);
    simback_threads_stop(threads);
    CU_ASSERT_EQUAL_FATAL(simback_threads_start(threads, &options), 0);
    simback_threads_call(threads, look_around, &second);
    CU_ASSERT(pthread_equal(second, pthread_self()) == 0);
}

static const struct unit_test tests[] = {
    UNIT_TEST(the_threaded_platform_conforms),
    UNIT_TEST(a_page_is_not_freed_while_it_is_granted),
    UNIT_TEST(i5_two_threads_never_get_the_same_grant),
    UNIT_TEST(i14_no_ring_is_lost),
    UNIT_TEST(a_masked_event_is_told_after_the_unmask),
    UNIT_TEST(a_wake_waits_for_who_comes_later),
    UNIT_TEST(a_spin_ends_when_something_is_seen_or_rung),
    UNIT_TEST(orders_run_in_the_backends_thread),
};

UNIT_MAIN_WITH("threads_platform", set_up, tear_down, tests)
