/* SPDX-License-Identifier: ISC */
/*
 * The simulated platform passes the platform's conformance test in both of its forms, leaves
 * nothing behind, and tells each call as an event. What only the simulated one has is tested here
 * too: waiting that runs the world, failures of memory, and logs.
 */
#include "cunit_main.h"
#include "platform_conformance.h"
#include "sim_world.h"

#define HOME "/local/domain/1/data"

static const char *running;

static void checked(void *context, bool ok, const char *what, const char *file, int line)
{
    (void)context;
    CU_assertImplementation(ok, (unsigned)line, what, file, running, CU_FALSE);
}

static void run_all(bool share_only)
{
    struct conformance test = {
        .domid = SIMBACK_FRONT_DOMID, .peer_domid = 0, .home = HOME, .checked = checked};
    struct simback_ledger ledger, nothing = {0};

    sim_world_begin(share_only);
    test.platform = sim_guest();
    test.host = sim_host_of(0);
    simback_store_permit(world, HOME, SIMBACK_FRONT_DOMID, SIMBACK_FRONT_DOMID);
    CU_ASSERT(conformance_case_count > 20);
    for (size_t i = 0; i < conformance_case_count; i++) {
        running = conformance_cases[i].name;
        conformance_cases[i].run(&test);
        simback_get_ledger(world, SIMBACK_FRONT_DOMID, &ledger);
        CU_assertImplementation(memcmp(&ledger, &nothing, sizeof(ledger)) == 0, __LINE__,
                                "the ledger is empty", __FILE__, running, CU_FALSE);
    }
    sim_world_tear_down();
}

static void a_platform_that_grants_any_page_conforms(void)
{
    run_all(false);
}

static void a_platform_that_only_shares_conforms(void)
{
    run_all(true);
}

static bool nothing_to_do(void *context)
{
    (*(unsigned *)context)++;
    return false;
}

static void waiting_runs_the_world_and_its_clock(void)
{
    const struct blkfront_platform *guest;
    unsigned ran = 0;

    sim_world_begin(false);
    guest = sim_guest();
    simback_actor_at(
        world, simback_actor_add(world, "back", SIMBACK_NO_DEVICE, 0, nothing_to_do, &ran), 500);
    CU_ASSERT_EQUAL(guest->wait(guest->context, 400), BLKFRONT_PLATFORM_TIMED_OUT);
    CU_ASSERT_EQUAL(guest->now(guest->context), 400);
    CU_ASSERT_EQUAL(ran, 0);
    CU_ASSERT_EQUAL(guest->wait(guest->context, 1000), BLKFRONT_PLATFORM_TIMED_OUT);
    CU_ASSERT_EQUAL(guest->now(guest->context), 1000);
    CU_ASSERT_EQUAL(ran, 1);
    sim_world_tear_down();
}

/* For ever, at rest: nothing can come, so it ends, and the clock stays. */
static void waiting_for_nothing_ends(void)
{
    const struct blkfront_platform *guest;

    sim_world_begin(false);
    guest = sim_guest();
    CU_ASSERT_EQUAL(guest->wait(guest->context, BLKFRONT_PLATFORM_FOREVER),
                    BLKFRONT_PLATFORM_TIMED_OUT);
    CU_ASSERT_EQUAL(guest->now(guest->context), 0);
    sim_world_tear_down();
}

/* The device's own actors may have taken the event: the waiting call has to look. */
static void waiting_ends_when_an_actor_of_the_device_has_run(void)
{
    const struct blkfront_platform *guest;
    unsigned ran = 0, other = 0;

    sim_world_begin(false);
    guest = sim_guest();
    simback_actor_ready(world, simback_actor_add(world, "front", 1, 0, nothing_to_do, &other));
    simback_actor_ready(world, simback_actor_add(world, "front", 0, 0, nothing_to_do, &ran));
    CU_ASSERT_EQUAL(guest->wait(guest->context, BLKFRONT_PLATFORM_FOREVER), 0);
    CU_ASSERT_EQUAL(ran, 1);
    CU_ASSERT_EQUAL(other, 1); /* another device's is none of ours */
    CU_ASSERT_EQUAL(guest->wait(guest->context, BLKFRONT_PLATFORM_FOREVER),
                    BLKFRONT_PLATFORM_TIMED_OUT);
    sim_world_tear_down();
}

static void the_nth_allocation_fails(void)
{
    const struct blkfront_platform *guest;
    struct simback_ledger ledger;
    void *memory;

    sim_world_begin(false);
    guest = sim_guest();
    simback_fail_nth(world, SIMBACK_RESOURCE_ALLOC, 2, false);
    memory = guest->allocate(guest->context, 10);
    CU_ASSERT_PTR_NOT_NULL(memory);
    CU_ASSERT_PTR_NULL(guest->allocate(guest->context, 10));
    simback_get_ledger(world, SIMBACK_FRONT_DOMID, &ledger);
    CU_ASSERT_EQUAL(ledger.allocations, 1);
    guest->free(guest->context, memory, 10);
    guest->free(guest->context, NULL, 10);
    simback_get_ledger(world, SIMBACK_FRONT_DOMID, &ledger);
    CU_ASSERT_EQUAL(ledger.allocations, 0);
    CU_ASSERT_EQUAL(simback_resource_calls(world, SIMBACK_RESOURCE_ALLOC), 2);
    CU_ASSERT_EQUAL(simback_resource_failed(world, SIMBACK_RESOURCE_ALLOC), 1);
    sim_world_tear_down();
}

static struct simback_event heard[8];
static unsigned heard_count;

static void hear(void *context, const struct simback_event *event, uint64_t time_ns)
{
    (void)context;
    (void)time_ns;
    if (heard_count < 8)
        heard[heard_count++] = *event;
}

/* Who acted, for which device, with what: as event.h says. */
static void calls_are_told_as_events(void)
{
    const struct blkfront_platform *guest;
    const struct simback_host *host;
    void *address, *page;
    uint32_t ref;

    sim_world_begin(false);
    guest = sim_guest();
    host = simback_sim_host(world, 3, 2, SIMBACK_NO_ACTOR, NULL, 0);
    simback_enter(world, 6);
    simback_trace_to(world, hear, NULL);
    heard_count = 0;
    guest->share(guest->context, 3, 1, false, &address, &ref);
    host->map(host->context, SIMBACK_FRONT_DOMID, &ref, 1, true, &page);
    host->log(host->context, "a line");
    guest->log(guest->context, "another");
    CU_ASSERT_EQUAL_FATAL(heard_count, 5);
    CU_ASSERT_EQUAL(heard[0].kind, SIMBACK_PAGE_ALLOC);
    CU_ASSERT_EQUAL(heard[0].b, 1);
    CU_ASSERT_EQUAL(heard[1].kind, SIMBACK_GRANT);
    CU_ASSERT_EQUAL(heard[1].domid, SIMBACK_FRONT_DOMID);
    CU_ASSERT_EQUAL(heard[1].peer, 3);
    CU_ASSERT_EQUAL(heard[1].device, 6);
    CU_ASSERT_EQUAL(heard[1].a, ref);
    CU_ASSERT_EQUAL(heard[1].b, heard[0].a);
    CU_ASSERT_EQUAL(heard[1].c, 0);
    CU_ASSERT_EQUAL(heard[2].kind, SIMBACK_MAP);
    CU_ASSERT_EQUAL(heard[2].domid, 3);
    CU_ASSERT_EQUAL(heard[2].peer, SIMBACK_FRONT_DOMID);
    CU_ASSERT_EQUAL(heard[2].device, 2);
    CU_ASSERT_EQUAL(heard[2].result, BLKFRONT_PLATFORM_DENIED);
    CU_ASSERT_EQUAL(heard[3].kind, SIMBACK_LOG);
    CU_ASSERT_EQUAL(heard[3].device, 2);
    CU_ASSERT_EQUAL(heard[4].device, 6);
    sim_world_tear_down();
}

/* One platform a domain; a host is the caller's alone and shares the world's clock and memory. */
static void platforms_and_hosts_belong_to_the_world(void)
{
    const struct simback_host *host;
    uint8_t *memory;

    sim_world_begin(false);
    host = sim_host_of(0);
    CU_ASSERT_PTR_EQUAL(simback_platform(world, 1), simback_platform(world, 1));
    CU_ASSERT_PTR_NOT_EQUAL(simback_platform(world, 1), simback_platform(world, 2));
    simback_advance(world, 77);
    CU_ASSERT_EQUAL(host->now(host->context), 77);
    memory = host->allocate(host->context, 20);
    CU_ASSERT(memory != NULL && memory[19] == 0);
    host->free(host->context, memory, 20);
    sim_world_tear_down();
}

static const struct unit_test tests[] = {
    UNIT_TEST(a_platform_that_grants_any_page_conforms),
    UNIT_TEST(a_platform_that_only_shares_conforms),
    UNIT_TEST(waiting_runs_the_world_and_its_clock),
    UNIT_TEST(waiting_for_nothing_ends),
    UNIT_TEST(waiting_ends_when_an_actor_of_the_device_has_run),
    UNIT_TEST(the_nth_allocation_fails),
    UNIT_TEST(calls_are_told_as_events),
    UNIT_TEST(platforms_and_hosts_belong_to_the_world),
};

UNIT_MAIN("platform", tests)
