/* SPDX-License-Identifier: ISC */
/*
 * Transactions of the simulated XenStore: their own view, real conflicts and none without one, and
 * their quotas.
 */
#include "cunit_main.h"
#include "store_calls.h"

static void set_up(void)
{
    sim_world_set_up();
    store_begin();
    put(HOME "/a", "old");
    put(HOME "/b", "old");
}

static void start(void)
{
    CU_ASSERT_EQUAL(guest->transaction_start(guest->context, &in), 0);
    CU_ASSERT_NOT_EQUAL(in, 0);
}

static int end(bool commit)
{
    int result = guest->transaction_end(guest->context, in, commit);

    in = 0;
    return result;
}

static int other_writes(const char *path)
{
    return simback_store_write(world, path, "other", 5);
}

static void changes_are_seen_inside_at_once_and_outside_at_commit(void)
{
    uint32_t id;

    start();
    id = in;
    CU_ASSERT_EQUAL(put(HOME "/a", "new"), 0);
    CU_ASSERT_EQUAL(put(HOME "/c/d", "made"), 0);
    CU_ASSERT_EQUAL(drop(HOME "/b"), 0);
    CU_ASSERT_STRING_EQUAL(get(HOME "/a"), "new");
    CU_ASSERT_STRING_EQUAL(list(HOME), "a c ");
    in = 0;
    CU_ASSERT_STRING_EQUAL(get(HOME "/a"), "old");
    CU_ASSERT_STRING_EQUAL(list(HOME), "a b ");
    in = id;
    CU_ASSERT_EQUAL(end(true), 0);
    CU_ASSERT_STRING_EQUAL(get(HOME "/a"), "new");
    CU_ASSERT_STRING_EQUAL(get(HOME "/c/d"), "made");
    CU_ASSERT_STRING_EQUAL(list(HOME), "a c ");
}

static void an_abandoned_transaction_changes_nothing(void)
{
    start();
    put(HOME "/a", "new");
    drop(HOME "/b");
    CU_ASSERT_EQUAL(end(false), 0);
    CU_ASSERT_STRING_EQUAL(get(HOME "/a"), "old");
    CU_ASSERT_STRING_EQUAL(get(HOME "/b"), "old");
}

static void it_sees_the_store_as_it_was(void)
{
    start();
    other_writes(HOME "/a");
    other_writes(HOME "/new");
    CU_ASSERT_STRING_EQUAL(get(HOME "/a"), "old");
    CU_ASSERT_PTR_NULL(get(HOME "/new"));
    CU_ASSERT_EQUAL(end(false), 0);
    CU_ASSERT_STRING_EQUAL(get(HOME "/a"), "other");
}

static void what_was_read_and_changed_by_others_is_a_conflict(void)
{
    start();
    get(HOME "/a");
    put(HOME "/b", "new");
    other_writes(HOME "/a");
    CU_ASSERT_EQUAL(end(true), BLKFRONT_PLATFORM_AGAIN);
    CU_ASSERT_STRING_EQUAL(get(HOME "/b"), "old");
    start();
    get(HOME "/a");
    put(HOME "/b", "new");
    CU_ASSERT_EQUAL(end(true), 0);
    CU_ASSERT_STRING_EQUAL(get(HOME "/b"), "new");
}

static void what_was_written_and_changed_by_others_is_a_conflict(void)
{
    start();
    put(HOME "/a", "new");
    other_writes(HOME "/a");
    CU_ASSERT_EQUAL(end(true), BLKFRONT_PLATFORM_AGAIN);
    CU_ASSERT_STRING_EQUAL(get(HOME "/a"), "other");
}

static void the_same_value_written_by_others_is_a_conflict_too(void)
{
    start();
    get(HOME "/a");
    simback_store_write(world, HOME "/a", "old", 3);
    CU_ASSERT_EQUAL(end(true), BLKFRONT_PLATFORM_AGAIN);
}

static void what_others_change_elsewhere_is_none(void)
{
    start();
    get(HOME "/a");
    put(HOME "/a", "new");
    other_writes(HOME "/b");
    other_writes("/elsewhere");
    CU_ASSERT_EQUAL(end(true), 0);
    CU_ASSERT_STRING_EQUAL(get(HOME "/a"), "new");
    CU_ASSERT_STRING_EQUAL(get(HOME "/b"), "other");
}

static void what_was_missing_and_is_made_is_a_conflict(void)
{
    start();
    CU_ASSERT_PTR_NULL(get(HOME "/c"));
    other_writes(HOME "/c");
    CU_ASSERT_EQUAL(end(true), BLKFRONT_PLATFORM_AGAIN);
}

static void what_is_removed_by_others_is_a_conflict(void)
{
    start();
    get(HOME "/a");
    simback_store_remove(world, HOME "/a");
    CU_ASSERT_EQUAL(end(true), BLKFRONT_PLATFORM_AGAIN);
    start();
    get(HOME "/b");
    simback_store_remove(world, HOME "/b");
    other_writes(HOME "/b");
    CU_ASSERT_EQUAL(end(true), BLKFRONT_PLATFORM_AGAIN);
}

/* A new child changes its directory, as it does in xenstored. */
static void two_children_of_one_directory_are_a_conflict(void)
{
    start();
    put(HOME "/mine", "x");
    other_writes(HOME "/theirs");
    CU_ASSERT_EQUAL(end(true), BLKFRONT_PLATFORM_AGAIN);
    start();
    drop(HOME "/a");
    other_writes(HOME "/theirs_too");
    CU_ASSERT_EQUAL(end(true), BLKFRONT_PLATFORM_AGAIN);
    start();
    list(HOME);
    other_writes(HOME "/theirs_as_well");
    CU_ASSERT_EQUAL(end(true), BLKFRONT_PLATFORM_AGAIN);
}

static void the_first_of_two_transactions_wins(void)
{
    uint32_t first;

    start();
    first = in;
    put(HOME "/a", "first");
    start();
    put(HOME "/a", "second");
    CU_ASSERT_EQUAL(guest->transaction_end(guest->context, first, true), 0);
    CU_ASSERT_EQUAL(end(true), BLKFRONT_PLATFORM_AGAIN);
    CU_ASSERT_STRING_EQUAL(get(HOME "/a"), "first");
}

static void a_transaction_writes_what_it_made_and_removed(void)
{
    start();
    put(HOME "/c/d", "1");
    put(HOME "/c/d", "2");
    drop(HOME "/c");
    put(HOME "/c/e", "3");
    CU_ASSERT_PTR_NULL(get(HOME "/c/d"));
    CU_ASSERT_EQUAL(end(true), 0);
    CU_ASSERT_PTR_NULL(get(HOME "/c/d"));
    CU_ASSERT_STRING_EQUAL(get(HOME "/c/e"), "3");
}

static void rights_hold_inside_too(void)
{
    simback_store_write(world, "/secret", "x", 1);
    start();
    CU_ASSERT_PTR_NULL(get("/secret"));
    CU_ASSERT_EQUAL(last_result, BLKFRONT_PLATFORM_DENIED);
    CU_ASSERT_EQUAL(put("/secret", "y"), BLKFRONT_PLATFORM_DENIED);
    CU_ASSERT_EQUAL(drop(HOME "/none"), BLKFRONT_PLATFORM_NO_ENTRY);
    CU_ASSERT_EQUAL(end(true), 0);
}

static void a_transaction_is_its_domains_alone_and_ends_once(void)
{
    uint32_t id, other;

    start();
    id = in;
    CU_ASSERT_EQUAL(host->store_write(host->context, id, HOME "/a", "x", 1),
                    BLKFRONT_PLATFORM_INVALID);
    CU_ASSERT_EQUAL(host->transaction_end(host->context, id, true), BLKFRONT_PLATFORM_INVALID);
    CU_ASSERT_EQUAL(host->transaction_start(host->context, &other), 0);
    CU_ASSERT_NOT_EQUAL(other, id);
    CU_ASSERT_EQUAL(host->transaction_end(host->context, other, true), 0);
    CU_ASSERT_EQUAL(end(true), 0);
    CU_ASSERT_EQUAL(guest->transaction_end(guest->context, id, true), BLKFRONT_PLATFORM_INVALID);
    in = id;
    CU_ASSERT_EQUAL(put(HOME "/a", "x"), BLKFRONT_PLATFORM_INVALID);
    in = 0;
}

static void a_guest_has_at_most_10_transactions(void)
{
    uint32_t ids[11], more;
    struct simback_ledger ledger;

    for (unsigned i = 0; i < 10; i++)
        CU_ASSERT_EQUAL(guest->transaction_start(guest->context, &ids[i]), 0);
    CU_ASSERT_EQUAL(guest->transaction_start(guest->context, &ids[10]),
                    BLKFRONT_PLATFORM_NO_MEMORY);
    for (unsigned i = 0; i < 11; i++)
        CU_ASSERT_EQUAL(host->transaction_start(host->context, &more), 0);
    simback_get_ledger(world, SIMBACK_FRONT_DOMID, &ledger);
    CU_ASSERT_EQUAL(ledger.transactions, 10);
    CU_ASSERT_EQUAL(guest->transaction_end(guest->context, ids[4], false), 0);
    CU_ASSERT_EQUAL(guest->transaction_start(guest->context, &ids[4]), 0);
    for (unsigned i = 0; i < 10; i++)
        CU_ASSERT_EQUAL(guest->transaction_end(guest->context, ids[i], true), 0);
    simback_get_ledger(world, SIMBACK_FRONT_DOMID, &ledger);
    CU_ASSERT_EQUAL(ledger.transactions, 0);
}

static void a_guests_transaction_touches_at_most_1024_nodes(void)
{
    char path[64];
    unsigned looked = 0;

    start();
    for (; looked < 2000; looked++) {
        snprintf(path, sizeof(path), HOME "/%u", looked);
        get(path);
        if (last_result != BLKFRONT_PLATFORM_NO_ENTRY)
            break;
    }
    CU_ASSERT_EQUAL(looked, 1024);
    CU_ASSERT_EQUAL(last_result, BLKFRONT_PLATFORM_NO_MEMORY);
    CU_ASSERT_PTR_NULL(get(HOME "/0"));
    CU_ASSERT_EQUAL(last_result, BLKFRONT_PLATFORM_NO_ENTRY); /* seen before: no new one */
    CU_ASSERT_EQUAL(end(true), 0);
}

static void nodes_made_inside_count_for_the_quota(void)
{
    char path[64];
    unsigned made = 0;

    start();
    for (; made < 1020; made++) {
        snprintf(path, sizeof(path), HOME "/%u/%u", made / 100, made % 100);
        if (put(path, "") != 0)
            break;
    }
    CU_ASSERT(made > 950 && made < 1000);
    CU_ASSERT_EQUAL(end(false), 0);
    CU_ASSERT_EQUAL(put(path, ""), 0);
}

/* What a transaction took is given back, however it ends. */
static void nothing_is_left_behind(void)
{
    size_t used = 0;

    for (unsigned round = 0; round < 6; round++) {
        start();
        get(HOME "/a");
        put(HOME "/a", "new");
        put(HOME "/c", "made");
        drop(HOME "/c");
        if (round % 3 == 1)
            other_writes(HOME "/a");
        end(round % 3 != 2);
        if (round == 2)
            used = simback_memory_used(world);
    }
    CU_ASSERT_EQUAL(simback_memory_used(world), used);
}

static const struct unit_test tests[] = {
    UNIT_TEST(changes_are_seen_inside_at_once_and_outside_at_commit),
    UNIT_TEST(an_abandoned_transaction_changes_nothing),
    UNIT_TEST(it_sees_the_store_as_it_was),
    UNIT_TEST(what_was_read_and_changed_by_others_is_a_conflict),
    UNIT_TEST(what_was_written_and_changed_by_others_is_a_conflict),
    UNIT_TEST(the_same_value_written_by_others_is_a_conflict_too),
    UNIT_TEST(what_others_change_elsewhere_is_none),
    UNIT_TEST(what_was_missing_and_is_made_is_a_conflict),
    UNIT_TEST(what_is_removed_by_others_is_a_conflict),
    UNIT_TEST(two_children_of_one_directory_are_a_conflict),
    UNIT_TEST(the_first_of_two_transactions_wins),
    UNIT_TEST(a_transaction_writes_what_it_made_and_removed),
    UNIT_TEST(rights_hold_inside_too),
    UNIT_TEST(a_transaction_is_its_domains_alone_and_ends_once),
    UNIT_TEST(a_guest_has_at_most_10_transactions),
    UNIT_TEST(a_guests_transaction_touches_at_most_1024_nodes),
    UNIT_TEST(nodes_made_inside_count_for_the_quota),
    UNIT_TEST(nothing_is_left_behind),
};

UNIT_MAIN_WITH("transaction", set_up, sim_world_tear_down, tests)
