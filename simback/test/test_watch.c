/* SPDX-License-Identifier: ISC */
/*
 * Watches of the simulated XenStore: when they fire, when not, for whom, and what becomes of events
 * that wait.
 */
#include "cunit_main.h"
#include "watch_calls.h"

static unsigned woken;

static void set_up(void)
{
    sim_world_set_up();
    store_begin();
    woken = 0;
    CU_ASSERT_EQUAL(guest->watches_open(guest->context, &set), 0);
}

static void a_watch_fires_once_at_once(void)
{
    CU_ASSERT_EQUAL(watch(HOME "/a", 1), 0);
    CU_ASSERT_STRING_EQUAL(fired(), "1");
    CU_ASSERT_STRING_EQUAL(fired(), "");
}

static void a_watch_fires_for_its_node_and_below_on_path_boundaries(void)
{
    watch(HOME "/a", 1);
    fired();
    put(HOME "/a", "x");
    CU_ASSERT_STRING_EQUAL(fired(), "1");
    put(HOME "/a/b/c", "x");
    CU_ASSERT_STRING_EQUAL(fired(), "1");
    put(HOME "/ab", "x");
    put(HOME, "x");
    CU_ASSERT_STRING_EQUAL(fired(), "");
    simback_store_write(world, HOME "/a", "x", 1);
    CU_ASSERT_STRING_EQUAL(fired(), "1");
}

static void the_same_value_written_again_fires(void)
{
    put(HOME "/a", "x");
    watch(HOME "/a", 1);
    fired();
    put(HOME "/a", "x");
    CU_ASSERT_STRING_EQUAL(fired(), "1");
}

static void removal_fires_the_node_and_watches_below(void)
{
    put(HOME "/a/b", "x");
    watch(HOME "/a", 1);
    watch(HOME "/a/b", 2);
    watch(HOME "/a/none", 3);
    watch(HOME "/ab", 4);
    fired();
    drop(HOME "/a");
    CU_ASSERT_STRING_EQUAL(fired(), "12");
    CU_ASSERT_EQUAL(drop(HOME "/a"), BLKFRONT_PLATFORM_NO_ENTRY);
    CU_ASSERT_STRING_EQUAL(fired(), "");
}

static void only_an_identical_waiting_event_is_dropped(void)
{
    watch(HOME "/a", 1);
    fired();
    put(HOME "/a", "1");
    put(HOME "/a", "2");
    put(HOME "/a/b", "3");
    put(HOME "/a/c", "4");
    put(HOME "/a/b", "5");
    CU_ASSERT_STRING_EQUAL(fired(), "111");
    put(HOME "/a", "6");
    CU_ASSERT_STRING_EQUAL(fired(), "1");
}

static void events_come_in_the_order_of_the_changes(void)
{
    watch(HOME "/a", 1);
    watch(HOME "/b", 2);
    CU_ASSERT_STRING_EQUAL(fired(), "12");
    put(HOME "/b", "x");
    put(HOME "/a", "x");
    CU_ASSERT_STRING_EQUAL(fired(), "21");
}

static void a_transaction_fires_at_commit_only(void)
{
    watch(HOME "/a", 1);
    fired();
    guest->transaction_start(guest->context, &in);
    put(HOME "/a", "x");
    CU_ASSERT_STRING_EQUAL(fired(), "");
    CU_ASSERT_EQUAL(guest->transaction_end(guest->context, in, true), 0);
    CU_ASSERT_STRING_EQUAL(fired(), "1");
    guest->transaction_start(guest->context, &in);
    put(HOME "/a", "y");
    CU_ASSERT_EQUAL(guest->transaction_end(guest->context, in, false), 0);
    in = 0;
    CU_ASSERT_STRING_EQUAL(fired(), "");
}

static void who_may_not_read_hears_nothing(void)
{
    simback_store_write(world, "/secret/a", "x", 1);
    simback_store_write(world, "/shown", "x", 1);
    simback_store_permit(world, "/shown", 0, SIMBACK_FRONT_DOMID);
    CU_ASSERT_EQUAL(watch("/secret/a", 1), 0);
    CU_ASSERT_EQUAL(watch("/shown", 2), 0);
    CU_ASSERT_STRING_EQUAL(fired(), "12"); /* setting it tells nothing */
    simback_store_write(world, "/secret/a", "y", 1);
    simback_store_remove(world, "/secret");
    CU_ASSERT_STRING_EQUAL(fired(), "");
    /* The parent may be read: that is enough. */
    simback_store_write(world, "/shown/hidden", "y", 1);
    simback_store_permit(world, "/shown/hidden", 0, 0);
    fired();
    simback_store_write(world, "/shown/hidden", "z", 1);
    CU_ASSERT_STRING_EQUAL(fired(), "2");
    simback_store_permit(world, "/shown", 0, 0);
    fired();
    simback_store_write(world, "/shown/hidden", "z", 1);
    CU_ASSERT_STRING_EQUAL(fired(), "");
}

static void changed_permissions_fire(void)
{
    watch(HOME "/a", 1);
    fired();
    put(HOME "/a", "x");
    fired();
    simback_store_permit(world, HOME "/a", SIMBACK_FRONT_DOMID, 5);
    CU_ASSERT_STRING_EQUAL(fired(), "1");
}

static void a_watch_is_set_once_and_taken_back_once(void)
{
    CU_ASSERT_EQUAL(watch(HOME "/a", 1), 0);
    CU_ASSERT_EQUAL(watch(HOME "/a", 1), BLKFRONT_PLATFORM_EXISTS);
    CU_ASSERT_EQUAL(watch(HOME "/a", 2), 0);
    CU_ASSERT_EQUAL(watch(HOME "/b", 1), 0);
    CU_ASSERT_EQUAL(watch("bad", 1), BLKFRONT_PLATFORM_INVALID);
    fired();
    CU_ASSERT_EQUAL(guest->unwatch(guest->context, set, HOME "/a", 1), 0);
    CU_ASSERT_EQUAL(guest->unwatch(guest->context, set, HOME "/a", 1), BLKFRONT_PLATFORM_NO_ENTRY);
    put(HOME "/a", "x");
    CU_ASSERT_STRING_EQUAL(fired(), "2");
    CU_ASSERT_EQUAL(watch(HOME "/a", 1), 0);
    CU_ASSERT_STRING_EQUAL(fired(), "1");
}

static void what_waited_at_unwatch_still_arrives(void)
{
    watch(HOME "/a", 1);
    put(HOME "/a/b", "x");
    CU_ASSERT_EQUAL(guest->unwatch(guest->context, set, HOME "/a", 1), 0);
    CU_ASSERT_STRING_EQUAL(fired(), "11");
    put(HOME "/a/b", "x");
    CU_ASSERT_STRING_EQUAL(fired(), "");
}

static void sets_hear_of_their_own_watches(void)
{
    struct blkfront_watch_set *other;
    uint32_t token = 0;

    CU_ASSERT_EQUAL(guest->watches_open(guest->context, &other), 0);
    watch(HOME "/a", 1);
    CU_ASSERT_EQUAL(guest->watch(guest->context, other, HOME "/a", 1), 0);
    CU_ASSERT_STRING_EQUAL(fired(), "1");
    CU_ASSERT_EQUAL(guest->watch_fired(guest->context, other, &token), 1);
    CU_ASSERT_EQUAL(token, 1);
    guest->watches_close(guest->context, other);
    put(HOME "/a", "x");
    CU_ASSERT_STRING_EQUAL(fired(), "1");
}

static void closing_a_set_removes_its_watches(void)
{
    struct simback_ledger ledger;
    size_t used = simback_memory_used(world);
    struct blkfront_watch_set *other;

    CU_ASSERT_EQUAL(guest->watches_open(guest->context, &other), 0);
    for (uint32_t i = 0; i < 10; i++)
        CU_ASSERT_EQUAL(guest->watch(guest->context, other, HOME "/a", i), 0);
    CU_ASSERT_EQUAL(guest->unwatch(guest->context, other, HOME "/a", 3), 0);
    simback_get_ledger(world, SIMBACK_FRONT_DOMID, &ledger);
    CU_ASSERT_EQUAL(ledger.watches, 9);
    CU_ASSERT_EQUAL(ledger.watch_sets, 2);
    guest->watches_close(guest->context, other);
    simback_get_ledger(world, SIMBACK_FRONT_DOMID, &ledger);
    CU_ASSERT_EQUAL(ledger.watches, 0);
    CU_ASSERT_EQUAL(ledger.watch_sets, 1);
    /* Records of events are kept for the next ones. */
    CU_ASSERT(simback_memory_used(world) <= used + 640);
}

static void a_guest_has_at_most_128_watches(void)
{
    for (uint32_t i = 0; i < 128; i++)
        CU_ASSERT_EQUAL(watch(HOME "/a", i), 0);
    CU_ASSERT_EQUAL(watch(HOME "/a", 128), BLKFRONT_PLATFORM_NO_MEMORY);
    for (uint32_t i = 0; i < 200; i++)
        CU_ASSERT_EQUAL(host->watch(host->context, HOME "/a", i), 0);
    CU_ASSERT_EQUAL(guest->unwatch(guest->context, set, HOME "/a", 5), 0);
    CU_ASSERT_EQUAL(watch(HOME "/a", 128), 0);
}

static void the_device_poll_is_woken(void)
{
    simback_actor poll = simback_actor_add(world, "front", SIMBACK_NO_DEVICE, 0, count, &woken);
    uint32_t token;

    simback_front_actors(world, 0, poll, NULL, 0);
    watch(HOME "/a", 1);
    CU_ASSERT_EQUAL(simback_world_step(world, 0), SIMBACK_STEP_RAN);
    CU_ASSERT_EQUAL(woken, 1);
    CU_ASSERT_EQUAL(simback_world_step(world, 0), SIMBACK_STEP_REST);
    fired();
    guest->watches_wake(guest->context, set);
    CU_ASSERT_EQUAL(simback_world_step(world, 0), SIMBACK_STEP_RAN);
    CU_ASSERT_EQUAL(woken, 2);
    CU_ASSERT_EQUAL(guest->watch_fired(guest->context, set, &token), 0);
}

static void the_backends_store_actor_is_woken(void)
{
    simback_actor back = simback_actor_add(world, "back", SIMBACK_NO_DEVICE, 0, count, &woken);
    const struct simback_host *other = simback_sim_host(world, 0, 0, back, NULL, 0);
    uint32_t token = 0;

    CU_ASSERT_EQUAL(other->watch(other->context, HOME "/a", 7), 0);
    CU_ASSERT_EQUAL(simback_world_step(world, 0), SIMBACK_STEP_RAN);
    CU_ASSERT_EQUAL(other->watch_fired(other->context, &token), 1);
    CU_ASSERT_EQUAL(token, 7);
    CU_ASSERT_EQUAL(other->watch_fired(other->context, &token), 0);
    put(HOME "/a", "x");
    CU_ASSERT_EQUAL(simback_world_step(world, 0), SIMBACK_STEP_RAN);
    CU_ASSERT_EQUAL(woken, 2);
    CU_ASSERT_EQUAL(other->unwatch(other->context, HOME "/a", 7), 0);
}

static const struct unit_test tests[] = {
    UNIT_TEST(a_watch_fires_once_at_once),
    UNIT_TEST(a_watch_fires_for_its_node_and_below_on_path_boundaries),
    UNIT_TEST(the_same_value_written_again_fires),
    UNIT_TEST(removal_fires_the_node_and_watches_below),
    UNIT_TEST(only_an_identical_waiting_event_is_dropped),
    UNIT_TEST(events_come_in_the_order_of_the_changes),
    UNIT_TEST(a_transaction_fires_at_commit_only),
    UNIT_TEST(who_may_not_read_hears_nothing),
    UNIT_TEST(changed_permissions_fire),
    UNIT_TEST(a_watch_is_set_once_and_taken_back_once),
    UNIT_TEST(what_waited_at_unwatch_still_arrives),
    UNIT_TEST(sets_hear_of_their_own_watches),
    UNIT_TEST(closing_a_set_removes_its_watches),
    UNIT_TEST(a_guest_has_at_most_128_watches),
    UNIT_TEST(the_device_poll_is_woken),
    UNIT_TEST(the_backends_store_actor_is_woken),
};

UNIT_MAIN_WITH("watch", set_up, sim_world_tear_down, tests)
