/* SPDX-License-Identifier: ISC */
/*
 * XenStore that fails on purpose: calls of the guest on a path, rights that are lost, commits that
 * meet a conflict. Domain 0 and backends never feel it.
 */
#include "cunit_main.h"
#include "watch_calls.h"

enum {
    NO_ENTRY = BLKFRONT_PLATFORM_NO_ENTRY,
    DENIED = BLKFRONT_PLATFORM_DENIED,
    IO = BLKFRONT_PLATFORM_IO,
    AGAIN = BLKFRONT_PLATFORM_AGAIN
};

static void set_up(void)
{
    sim_world_set_up();
    store_begin();
    put(HOME "/a", "x");
    put(HOME "/a/b", "y");
    CU_ASSERT_EQUAL(guest->watches_open(guest->context, &set), 0);
}

static int read_a(void)
{
    (void)get(HOME "/a");
    return last_result;
}

/* ---- calls on a path ---- */

static void each_call_on_the_path_fails_and_no_other(void)
{
    CU_ASSERT_EQUAL(simback_store_fail(world, HOME "/a", IO, 1, 5), 0);
    CU_ASSERT_PTR_NOT_NULL(get(HOME "/a/b"));
    CU_ASSERT_EQUAL(put(HOME "/ab", "z"), 0);
    CU_ASSERT_EQUAL(read_a(), IO);
    CU_ASSERT_EQUAL(put(HOME "/a", "z"), IO);
    CU_ASSERT_EQUAL(drop(HOME "/a"), IO);
    CU_ASSERT_PTR_NULL(list(HOME "/a"));
    CU_ASSERT_EQUAL(last_result, IO);
    CU_ASSERT_EQUAL(guest->watch(guest->context, set, HOME "/a", 1), IO);
    CU_ASSERT_STRING_EQUAL(get(HOME "/a"), "x");
}

static void from_the_nth_on_so_many(void)
{
    CU_ASSERT_EQUAL(simback_store_fail(world, HOME "/a", NO_ENTRY, 3, 2), 0);
    CU_ASSERT_EQUAL(read_a(), 0);
    CU_ASSERT_EQUAL(read_a(), 0);
    CU_ASSERT_EQUAL(read_a(), NO_ENTRY);
    CU_ASSERT_EQUAL(read_a(), NO_ENTRY);
    CU_ASSERT_EQUAL(read_a(), 0);
}

static void rules_for_one_path_come_one_after_the_other(void)
{
    CU_ASSERT_EQUAL(simback_store_fail(world, HOME "/a", IO, 1, 2), 0);
    CU_ASSERT_EQUAL(simback_store_fail(world, HOME "/a", NO_ENTRY, 1, 1), 0);
    CU_ASSERT_EQUAL(read_a(), IO);
    CU_ASSERT_EQUAL(read_a(), IO);
    CU_ASSERT_EQUAL(read_a(), NO_ENTRY);
    CU_ASSERT_EQUAL(read_a(), 0);
}

static void a_transaction_is_failed_in_the_same_way(void)
{
    CU_ASSERT_EQUAL(simback_store_fail(world, HOME "/a", IO, 1, 1), 0);
    CU_ASSERT_EQUAL(guest->transaction_start(guest->context, &in), 0);
    CU_ASSERT_EQUAL(put(HOME "/a", "z"), IO);
    CU_ASSERT_EQUAL(put(HOME "/c", "z"), 0);
    CU_ASSERT_EQUAL(guest->transaction_end(guest->context, in, true), 0);
    in = 0;
    CU_ASSERT_STRING_EQUAL(get(HOME "/a"), "x");
    CU_ASSERT_STRING_EQUAL(get(HOME "/c"), "z");
}

static void only_frontends_feel_it(void)
{
    char value[4];
    size_t length = 0;

    CU_ASSERT_EQUAL(simback_store_fail(world, HOME "/a", IO, 1, 100), 0);
    CU_ASSERT_EQUAL(simback_store_deny(world, HOME), 0);
    simback_store_again(world, 100);
    CU_ASSERT_EQUAL(host->store_read(host->context, 0, HOME "/a", value, sizeof(value), &length),
                    0);
    CU_ASSERT_EQUAL(host->store_write(host->context, 0, HOME "/a", "z", 1), 0);
    CU_ASSERT_EQUAL(simback_store_write(world, HOME "/a", "z", 1), 0);
    CU_ASSERT_EQUAL(host->transaction_start(host->context, &in), 0);
    CU_ASSERT_EQUAL(host->store_write(host->context, in, HOME "/a", "z", 1), 0);
    CU_ASSERT_EQUAL(host->transaction_end(host->context, in, true), 0);
    CU_ASSERT_EQUAL(simback_store_remove(world, HOME "/a"), 0);
}

static void there_are_so_many_rules_at_once(void)
{
    for (unsigned i = 0; i < 64; i++)
        CU_ASSERT_EQUAL(simback_store_fail(world, HOME "/a", IO, 1, 1), 0);
    CU_ASSERT_EQUAL(simback_store_fail(world, HOME "/a", IO, 1, 1), BLKFRONT_PLATFORM_NO_MEMORY);
    CU_ASSERT_EQUAL(simback_store_deny(world, HOME "/a"), BLKFRONT_PLATFORM_NO_MEMORY);
    CU_ASSERT_EQUAL(read_a(), IO); /* one is over */
    CU_ASSERT_EQUAL(simback_store_deny(world, HOME "/a"), 0);
}

static void what_says_nothing_is_refused(void)
{
    CU_ASSERT_EQUAL(simback_store_fail(world, "a", IO, 1, 1), BLKFRONT_PLATFORM_INVALID);
    CU_ASSERT_EQUAL(simback_store_fail(world, HOME "/a", IO, 0, 1), BLKFRONT_PLATFORM_INVALID);
    CU_ASSERT_EQUAL(simback_store_fail(world, HOME "/a", IO, 1, 0), BLKFRONT_PLATFORM_INVALID);
    CU_ASSERT_EQUAL(simback_store_deny(world, ""), BLKFRONT_PLATFORM_INVALID);
    CU_ASSERT_EQUAL(read_a(), 0);
}

/* ---- rights ---- */

static void a_denied_path_and_what_is_below_is_nobodys(void)
{
    CU_ASSERT_EQUAL(simback_store_deny(world, HOME "/a"), 0);
    CU_ASSERT_EQUAL(read_a(), DENIED);
    CU_ASSERT_PTR_NULL(get(HOME "/a/b"));
    CU_ASSERT_EQUAL(last_result, DENIED);
    CU_ASSERT_EQUAL(put(HOME "/a/new", "z"), DENIED);
    CU_ASSERT_EQUAL(drop(HOME "/a"), DENIED);
    CU_ASSERT_PTR_NULL(list(HOME "/a"));
    CU_ASSERT_EQUAL(put(HOME "/ab", "z"), 0);
    CU_ASSERT_STRING_EQUAL(list(HOME), "a ab ");
}

/* As xenstored has it: whoever may read the node above hears that something has changed. */
static void below_a_denied_path_nothing_is_heard_of(void)
{
    CU_ASSERT_EQUAL(guest->watch(guest->context, set, HOME "/a", 1), 0);
    CU_ASSERT_EQUAL(guest->watch(guest->context, set, HOME "/a/b", 2), 0);
    CU_ASSERT_STRING_EQUAL(fired(), "12");
    CU_ASSERT_EQUAL(simback_store_deny(world, HOME "/a"), 0);
    simback_store_write(world, HOME "/a/b", "z", 1);
    CU_ASSERT_STRING_EQUAL(fired(), "");
    simback_store_write(world, HOME "/a", "z", 1);
    CU_ASSERT_STRING_EQUAL(fired(), "1");
    simback_mend(world);
    simback_store_write(world, HOME "/a/b", "z", 1);
    CU_ASSERT_STRING_EQUAL(fired(), "12");
}

/* ---- commits ---- */

static void a_commit_that_meets_a_conflict_has_changed_nothing(void)
{
    simback_store_again(world, 2);
    for (unsigned i = 0; i < 3; i++) {
        CU_ASSERT_EQUAL(guest->transaction_start(guest->context, &in), 0);
        CU_ASSERT_EQUAL(put(HOME "/a", "z"), 0);
        CU_ASSERT_EQUAL(guest->transaction_end(guest->context, in, true), i < 2 ? AGAIN : 0);
        in = 0;
        CU_ASSERT_STRING_EQUAL(get(HOME "/a"), i < 2 ? "x" : "z");
    }
}

static void what_is_not_committed_is_no_conflict(void)
{
    struct simback_ledger ledger;

    simback_store_again(world, 1);
    CU_ASSERT_EQUAL(guest->transaction_start(guest->context, &in), 0);
    CU_ASSERT_EQUAL(guest->transaction_end(guest->context, in, false), 0);
    CU_ASSERT_EQUAL(guest->transaction_end(guest->context, 99, true), BLKFRONT_PLATFORM_INVALID);
    simback_store_again(world, 1);
    CU_ASSERT_EQUAL(guest->transaction_start(guest->context, &in), 0);
    CU_ASSERT_EQUAL(guest->transaction_end(guest->context, in, true), AGAIN);
    simback_get_ledger(world, SIMBACK_FRONT_DOMID, &ledger);
    CU_ASSERT_EQUAL(ledger.transactions, 0);
}

/* ---- the end ---- */

static void when_failures_are_over_all_is_as_it_was(void)
{
    simback_fail_nth(world, SIMBACK_RESOURCE_XENSTORE, 1, true);
    CU_ASSERT_EQUAL(simback_store_fail(world, HOME "/a", IO, 1, 100), 0);
    CU_ASSERT_EQUAL(simback_store_deny(world, HOME), 0);
    simback_store_again(world, 100);
    simback_mend(world);
    CU_ASSERT_EQUAL(read_a(), 0);
    CU_ASSERT_EQUAL(guest->transaction_start(guest->context, &in), 0);
    CU_ASSERT_EQUAL(put(HOME "/a", "z"), 0);
    CU_ASSERT_EQUAL(guest->transaction_end(guest->context, in, true), 0);
}

static const struct unit_test tests[] = {
    UNIT_TEST(each_call_on_the_path_fails_and_no_other),
    UNIT_TEST(from_the_nth_on_so_many),
    UNIT_TEST(rules_for_one_path_come_one_after_the_other),
    UNIT_TEST(a_transaction_is_failed_in_the_same_way),
    UNIT_TEST(only_frontends_feel_it),
    UNIT_TEST(there_are_so_many_rules_at_once),
    UNIT_TEST(what_says_nothing_is_refused),
    UNIT_TEST(a_denied_path_and_what_is_below_is_nobodys),
    UNIT_TEST(below_a_denied_path_nothing_is_heard_of),
    UNIT_TEST(a_commit_that_meets_a_conflict_has_changed_nothing),
    UNIT_TEST(what_is_not_committed_is_no_conflict),
    UNIT_TEST(when_failures_are_over_all_is_as_it_was),
};

UNIT_MAIN_WITH("store fault", set_up, sim_world_tear_down, tests)
