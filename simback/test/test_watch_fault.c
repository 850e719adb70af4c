/* SPDX-License-Identifier: ISC */
/*
 * Watch events that do not come as they should, on purpose: without a change, lost, merged, many
 * times, late. Only the frontend of the named device feels it.
 */
#include "cunit_main.h"
#include "watch_calls.h"

enum { DEVICE = 0, MS = 1000000 };

static unsigned woken;

static void set_up(void)
{
    simback_actor poll;

    sim_world_set_up();
    store_begin();
    poll = simback_actor_add(world, "front", DEVICE, 0, count, &woken);
    simback_front_actors(world, DEVICE, poll, NULL, 0);
    CU_ASSERT_EQUAL(guest->watches_open(guest->context, &set), 0);
    watch(HOME "/a", 1);
    watch(HOME "/b", 2);
    CU_ASSERT_STRING_EQUAL(fired(), "12");
    CU_ASSERT_EQUAL(simback_world_step(world, 0), SIMBACK_STEP_RAN);
    woken = 0;
}

/* ---- without a change ---- */

static void fired_without_a_change_it_wakes_as_always(void)
{
    CU_ASSERT_EQUAL(simback_watch_fire(world, DEVICE, HOME "/a", 1), 0);
    CU_ASSERT_EQUAL(simback_world_step(world, 0), SIMBACK_STEP_RAN);
    CU_ASSERT_EQUAL(woken, 1);
    CU_ASSERT_STRING_EQUAL(fired(), "1");
}

/* A queue that holds one of them: the next follows when that was taken. */
static void fired_several_times_it_comes_so_often(void)
{
    CU_ASSERT_EQUAL(simback_watch_fire(world, DEVICE, HOME "/a", 3), 0);
    CU_ASSERT_EQUAL(simback_watch_fire(world, DEVICE, HOME "/b", 2), 0);
    CU_ASSERT_STRING_EQUAL(fired(), "12121");
    put(HOME "/a", "x");
    CU_ASSERT_EQUAL(simback_watch_fire(world, DEVICE, HOME "/a", 3), 0);
    CU_ASSERT_STRING_EQUAL(fired(), "111");
}

static void only_a_watch_that_is_there_is_fired(void)
{
    CU_ASSERT_EQUAL(simback_watch_fire(world, DEVICE, HOME "/none", 1), BLKFRONT_PLATFORM_NO_ENTRY);
    CU_ASSERT_EQUAL(simback_watch_fire(world, 1, HOME "/a", 1), BLKFRONT_PLATFORM_NO_ENTRY);
    CU_ASSERT_EQUAL(simback_watch_fire(world, DEVICE, HOME "/a", 0), BLKFRONT_PLATFORM_INVALID);
    CU_ASSERT_EQUAL(guest->unwatch(guest->context, set, HOME "/a", 1), 0);
    CU_ASSERT_EQUAL(simback_watch_fire(world, DEVICE, HOME "/a", 1), BLKFRONT_PLATFORM_NO_ENTRY);
    CU_ASSERT_STRING_EQUAL(fired(), "");
}

static void what_would_follow_ends_with_the_watch(void)
{
    CU_ASSERT_EQUAL(simback_watch_fire(world, DEVICE, HOME "/a", 100), 0);
    CU_ASSERT_EQUAL(guest->unwatch(guest->context, set, HOME "/a", 1), 0);
    CU_ASSERT_STRING_EQUAL(fired(), "1");
}

/* ---- lost ---- */

static void lost_events_reach_nobody(void)
{
    simback_watch_lose(world, DEVICE, 2);
    put(HOME "/a", "x");
    put(HOME "/b", "x");
    CU_ASSERT_STRING_EQUAL(fired(), "");
    CU_ASSERT_EQUAL(simback_world_step(world, 0), SIMBACK_STEP_REST);
    put(HOME "/a", "y");
    CU_ASSERT_STRING_EQUAL(fired(), "1");
}

/* It says that already: what comes after it tells nothing that would be lost. */
static void one_that_waits_is_not_lost(void)
{
    put(HOME "/a", "x");
    simback_watch_lose(world, DEVICE, 1);
    put(HOME "/a", "y");
    CU_ASSERT_STRING_EQUAL(fired(), "1");
    put(HOME "/a", "z");
    CU_ASSERT_STRING_EQUAL(fired(), "");
}

static void a_watch_that_is_set_may_not_fire_at_once(void)
{
    simback_watch_lose(world, DEVICE, 1);
    CU_ASSERT_EQUAL(watch(HOME "/c", 3), 0);
    CU_ASSERT_STRING_EQUAL(fired(), "");
}

/* ---- merged ---- */

static void merged_events_wait_until_nothing_is_runnable(void)
{
    simback_actor other = simback_actor_add(world, "other", SIMBACK_NO_DEVICE, 0, count, &woken);
    unsigned others = 0;

    simback_watch_merge(world, DEVICE);
    put(HOME "/a", "x");
    put(HOME "/a/1", "x");
    put(HOME "/b", "x");
    put(HOME "/a/2", "x");
    simback_actor_ready(world, other);
    CU_ASSERT_STRING_EQUAL(fired(), "");
    CU_ASSERT_EQUAL(simback_world_step(world, 0), SIMBACK_STEP_RAN);
    CU_ASSERT_STRING_EQUAL(fired(), "");
    others = woken;
    CU_ASSERT_EQUAL(simback_world_step(world, 0), SIMBACK_STEP_RAN);
    CU_ASSERT_EQUAL(woken, others + 1);
    CU_ASSERT_STRING_EQUAL(fired(), "12");
    CU_ASSERT_EQUAL(simback_world_step(world, 0), SIMBACK_STEP_REST);
}

static void before_time_goes_by(void)
{
    simback_actor other = simback_actor_add(world, "other", SIMBACK_NO_DEVICE, 0, count, &woken);

    simback_watch_merge(world, DEVICE);
    put(HOME "/a", "x");
    simback_actor_at(world, other, 5 * MS);
    CU_ASSERT_EQUAL(simback_world_step(world, SIMBACK_NEVER), SIMBACK_STEP_RAN);
    CU_ASSERT_EQUAL(simback_now(world), 0);
    CU_ASSERT_STRING_EQUAL(fired(), "1");
}

static void and_the_next_ones_wait_again(void)
{
    simback_watch_merge(world, DEVICE);
    for (unsigned i = 0; i < 2; i++) {
        put(HOME "/a", "x");
        CU_ASSERT_STRING_EQUAL(fired(), "");
        CU_ASSERT_EQUAL(simback_world_step(world, 0), SIMBACK_STEP_RAN);
        CU_ASSERT_STRING_EQUAL(fired(), "1");
    }
}

/* ---- many times ---- */

static void each_event_of_a_flood_comes_many_times(void)
{
    simback_watch_flood(world, DEVICE, 3);
    put(HOME "/a", "x");
    put(HOME "/b", "x");
    CU_ASSERT_STRING_EQUAL(fired(), "121212");
    put(HOME "/b", "y");
    CU_ASSERT_STRING_EQUAL(fired(), "222");
    simback_watch_flood(world, DEVICE, 1);
    put(HOME "/b", "y");
    CU_ASSERT_STRING_EQUAL(fired(), "2");
}

static void a_flood_takes_no_memory(void)
{
    uint64_t used = simback_memory_used(world);

    simback_watch_flood(world, DEVICE, 65535);
    for (unsigned i = 0; i < 1000; i++)
        put(HOME "/a", "x");
    CU_ASSERT_TRUE(simback_memory_used(world) - used < 4096);
}

/* ---- late ---- */

static void late_events_come_in_their_order_and_wake_then(void)
{
    CU_ASSERT_EQUAL(simback_watch_late(world, DEVICE, 10 * MS), 0);
    put(HOME "/a", "x");
    simback_advance(world, 4 * MS);
    put(HOME "/b", "x");
    CU_ASSERT_EQUAL(simback_watch_late(world, DEVICE, 0), 0);
    put(HOME "/a/1", "x"); /* would be there at once, were there none before it */
    CU_ASSERT_STRING_EQUAL(fired(), "");
    CU_ASSERT_EQUAL(simback_world_step(world, 9 * MS), SIMBACK_STEP_REST);
    while (simback_world_step(world, 10 * MS) == SIMBACK_STEP_RAN)
        continue;
    CU_ASSERT_EQUAL(simback_now(world), 10 * MS);
    CU_ASSERT_EQUAL(woken, 1);
    CU_ASSERT_STRING_EQUAL(fired(), "1");
    while (simback_world_step(world, SIMBACK_NEVER) == SIMBACK_STEP_RAN)
        continue;
    CU_ASSERT_EQUAL(simback_now(world), 14 * MS);
    CU_ASSERT_EQUAL(woken, 2);
    CU_ASSERT_STRING_EQUAL(fired(), "21");
}

static void who_waits_is_woken_by_a_late_event(void)
{
    CU_ASSERT_EQUAL(simback_watch_late(world, DEVICE, 10 * MS), 0);
    put(HOME "/a", "x");
    CU_ASSERT_EQUAL(guest->wait(guest->context, 5 * MS), BLKFRONT_PLATFORM_TIMED_OUT);
    CU_ASSERT_EQUAL(guest->wait(guest->context, BLKFRONT_PLATFORM_FOREVER), 0);
    CU_ASSERT_EQUAL(simback_now(world), 10 * MS);
    CU_ASSERT_STRING_EQUAL(fired(), "1");
}

/* ---- whose they are ---- */

static void other_devices_and_backends_feel_nothing(void)
{
    struct blkfront_watch_set *others;
    uint32_t token;

    simback_enter(world, 1);
    CU_ASSERT_EQUAL(guest->watches_open(guest->context, &others), 0);
    simback_enter(world, DEVICE);
    CU_ASSERT_EQUAL(host->watch(host->context, HOME "/a", 7), 0);
    simback_watch_lose(world, DEVICE, 100);
    simback_watch_merge(world, DEVICE);
    simback_watch_flood(world, DEVICE, 100);
    CU_ASSERT_EQUAL(simback_watch_late(world, DEVICE, MS), 0);
    CU_ASSERT_EQUAL(guest->watch(guest->context, others, HOME "/a", 3), 0);
    CU_ASSERT_EQUAL(guest->watch_fired(guest->context, others, &token), 1);
    CU_ASSERT_EQUAL(guest->watch_fired(guest->context, others, &token), 0);
    CU_ASSERT_EQUAL(host->watch_fired(host->context, &token), 1);
    CU_ASSERT_EQUAL(host->watch_fired(host->context, &token), 0);
}

static void what_waits_comes_at_once_when_failures_are_over(void)
{
    simback_watch_merge(world, DEVICE);
    simback_watch_flood(world, DEVICE, 100);
    CU_ASSERT_EQUAL(simback_watch_late(world, DEVICE, MS), 0);
    put(HOME "/a", "x");
    simback_watch_lose(world, DEVICE, 100);
    put(HOME "/b", "x");
    CU_ASSERT_STRING_EQUAL(fired(), "");
    simback_mend(world);
    CU_ASSERT_EQUAL(simback_world_step(world, 0), SIMBACK_STEP_RAN);
    CU_ASSERT_EQUAL(woken, 1);
    CU_ASSERT_STRING_EQUAL(fired(), "1");
    put(HOME "/b", "y");
    CU_ASSERT_STRING_EQUAL(fired(), "2");
}

static const struct unit_test tests[] = {
    UNIT_TEST(fired_without_a_change_it_wakes_as_always),
    UNIT_TEST(fired_several_times_it_comes_so_often),
    UNIT_TEST(only_a_watch_that_is_there_is_fired),
    UNIT_TEST(what_would_follow_ends_with_the_watch),
    UNIT_TEST(lost_events_reach_nobody),
    UNIT_TEST(one_that_waits_is_not_lost),
    UNIT_TEST(a_watch_that_is_set_may_not_fire_at_once),
    UNIT_TEST(merged_events_wait_until_nothing_is_runnable),
    UNIT_TEST(before_time_goes_by),
    UNIT_TEST(and_the_next_ones_wait_again),
    UNIT_TEST(each_event_of_a_flood_comes_many_times),
    UNIT_TEST(a_flood_takes_no_memory),
    UNIT_TEST(late_events_come_in_their_order_and_wake_then),
    UNIT_TEST(who_waits_is_woken_by_a_late_event),
    UNIT_TEST(other_devices_and_backends_feel_nothing),
    UNIT_TEST(what_waits_comes_at_once_when_failures_are_over),
};

UNIT_MAIN_WITH("watch fault", set_up, sim_world_tear_down, tests)
