/* SPDX-License-Identifier: ISC */
/*
 * The simulated XenStore as a guest and a backend meet it: nodes, permissions, limits and quotas.
 * Transactions and watches have files of their own.
 */
#include "cunit_main.h"
#include "sim_world.h"
#include "store_calls.h"

static void set_up(void)
{
    sim_world_set_up();
    store_begin();
}

static void a_value_is_read_as_it_was_written(void)
{
    char buffer[8] = "zzzzzzz";
    size_t length = 99;

    CU_ASSERT_EQUAL(put(HOME "/a", "one"), 0);
    CU_ASSERT_STRING_EQUAL(get(HOME "/a"), "one");
    CU_ASSERT_EQUAL(put(HOME "/a", "two and more"), 0);
    CU_ASSERT_STRING_EQUAL(get(HOME "/a"), "two and more");
    CU_ASSERT_EQUAL(guest->store_read(guest->context, 0, HOME "/a", buffer, 4, &length),
                    BLKFRONT_PLATFORM_TOO_LONG);
    CU_ASSERT_EQUAL(length, 99);
    CU_ASSERT_STRING_EQUAL(buffer, "zzzzzzz");
    CU_ASSERT_EQUAL(guest->store_write(guest->context, 0, HOME "/a", "a\0b", 3), 0);
    CU_ASSERT_EQUAL(guest->store_read(guest->context, 0, HOME "/a", buffer, 3, &length), 0);
    CU_ASSERT_EQUAL(length, 3);
    CU_ASSERT_EQUAL(memcmp(buffer, "a\0bzzzz", 7), 0); /* no NUL is added */
    CU_ASSERT_EQUAL(guest->store_write(guest->context, 0, HOME "/a", NULL, 0), 0);
    CU_ASSERT_EQUAL(guest->store_read(guest->context, 0, HOME "/a", buffer, 0, &length), 0);
    CU_ASSERT_EQUAL(length, 0);
}

static void missing_parents_are_made(void)
{
    CU_ASSERT_EQUAL(put(HOME "/a/b/c", "x"), 0);
    CU_ASSERT_STRING_EQUAL(get(HOME "/a/b"), "");
    CU_ASSERT_STRING_EQUAL(get(HOME "/a/b/c"), "x");
}

static void what_is_not_there_is_no_entry(void)
{
    CU_ASSERT_PTR_NULL(get(HOME "/a"));
    CU_ASSERT_EQUAL(last_result, BLKFRONT_PLATFORM_NO_ENTRY);
    CU_ASSERT_EQUAL(drop(HOME "/a"), BLKFRONT_PLATFORM_NO_ENTRY);
    CU_ASSERT_PTR_NULL(list(HOME "/a"));
    CU_ASSERT_EQUAL(last_result, BLKFRONT_PLATFORM_NO_ENTRY);
    put(HOME "/ab", "x");
    CU_ASSERT_PTR_NULL(get(HOME "/a"));
    CU_ASSERT_PTR_NULL(get(HOME "/ab/c"));
}

static void removing_takes_what_is_below_too(void)
{
    put(HOME "/a/b/c", "x");
    put(HOME "/ab", "y");
    CU_ASSERT_EQUAL(drop(HOME "/a"), 0);
    CU_ASSERT_PTR_NULL(get(HOME "/a/b/c"));
    CU_ASSERT_PTR_NULL(get(HOME "/a"));
    CU_ASSERT_STRING_EQUAL(get(HOME "/ab"), "y");
}

static void children_are_listed_in_the_order_of_making(void)
{
    put(HOME "/d/z", "");
    put(HOME "/d/a/deep", "");
    put(HOME "/d/m", "");
    CU_ASSERT_STRING_EQUAL(list(HOME "/d"), "z a m ");
    drop(HOME "/d/a");
    put(HOME "/d/a", "");
    CU_ASSERT_STRING_EQUAL(list(HOME "/d"), "z m a ");
    CU_ASSERT_STRING_EQUAL(list(HOME "/d/m"), "");
}

static void a_list_that_does_not_fit_is_too_long(void)
{
    char buffer[16];
    size_t length;

    put(HOME "/d/one", "");
    put(HOME "/d/two", "");
    CU_ASSERT_EQUAL(guest->store_list(guest->context, 0, HOME "/d", buffer, 7, &length),
                    BLKFRONT_PLATFORM_TOO_LONG);
    CU_ASSERT_EQUAL(guest->store_list(guest->context, 0, HOME "/d", buffer, 8, &length), 0);
    CU_ASSERT_EQUAL(length, 8);
    CU_ASSERT_EQUAL(memcmp(buffer, "one\0two", 8), 0);
}

static void paths_that_are_none_are_invalid(void)
{
    static const char *const bad[] = {
        "", "relative", "/a/", "//a", "/a//b", "/a b", "/a\n", "/\xc3\xa4", "/a.b",
    };
    char longest[3074];

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        CU_ASSERT_EQUAL(put(bad[i], "x"), BLKFRONT_PLATFORM_INVALID);
        CU_ASSERT_PTR_NULL(get(bad[i]));
        CU_ASSERT_EQUAL(last_result, BLKFRONT_PLATFORM_INVALID);
        CU_ASSERT_EQUAL(drop(bad[i]), BLKFRONT_PLATFORM_INVALID);
        CU_ASSERT_EQUAL(simback_store_write(world, bad[i], "x", 1), BLKFRONT_PLATFORM_INVALID);
        CU_ASSERT_EQUAL(simback_store_permit(world, bad[i], 0, 0), BLKFRONT_PLATFORM_INVALID);
    }
    CU_ASSERT_EQUAL(put(HOME "/A-z_0@9", "x"), 0);
    memset(longest, 'p', sizeof(longest));
    memcpy(longest, HOME "/", sizeof(HOME));
    longest[3072] = 0;
    CU_ASSERT_EQUAL(put(longest, "x"), 0);
    longest[3072] = 'p';
    longest[3073] = 0;
    CU_ASSERT_EQUAL(put(longest, "x"), BLKFRONT_PLATFORM_INVALID);
    CU_ASSERT_EQUAL(simback_store_remove(world, "/"), BLKFRONT_PLATFORM_INVALID);
}

/* ---- rights ---- */

static void a_guest_reads_and_writes_only_where_it_may(void)
{
    simback_store_write(world, "/secret", "x", 1);
    simback_store_write(world, "/shown", "x", 1);
    simback_store_permit(world, "/shown", 0, SIMBACK_FRONT_DOMID);
    CU_ASSERT_PTR_NULL(get("/secret"));
    CU_ASSERT_EQUAL(last_result, BLKFRONT_PLATFORM_DENIED);
    CU_ASSERT_EQUAL(put("/secret", "y"), BLKFRONT_PLATFORM_DENIED);
    CU_ASSERT_EQUAL(put("/secret/below", "y"), BLKFRONT_PLATFORM_DENIED);
    CU_ASSERT_EQUAL(drop("/secret"), BLKFRONT_PLATFORM_DENIED);
    CU_ASSERT_PTR_NULL(list("/secret"));
    CU_ASSERT_STRING_EQUAL(get("/shown"), "x");
    CU_ASSERT_EQUAL(put("/shown", "y"), BLKFRONT_PLATFORM_DENIED);
    CU_ASSERT_EQUAL(drop("/shown"), BLKFRONT_PLATFORM_DENIED);
    /* What is not there is told only to those who may look there. */
    CU_ASSERT_PTR_NULL(get("/secret/nothing"));
    CU_ASSERT_EQUAL(last_result, BLKFRONT_PLATFORM_DENIED);
    CU_ASSERT_PTR_NULL(get("/shown/nothing"));
    CU_ASSERT_EQUAL(last_result, BLKFRONT_PLATFORM_NO_ENTRY);
}

static void new_nodes_inherit_and_belong_to_their_maker(void)
{
    const struct blkfront_platform *other = simback_platform(world, 5);
    char buffer[8];
    size_t length;

    simback_store_permit(world, HOME "/shared", SIMBACK_FRONT_DOMID, 5);
    CU_ASSERT_EQUAL(put(HOME "/shared/new", "x"), 0);
    CU_ASSERT_EQUAL(other->store_read(other->context, 0, HOME "/shared/new", buffer, 8, &length),
                    0);
    CU_ASSERT_EQUAL(other->store_write(other->context, 0, HOME "/shared/new", "y", 1),
                    BLKFRONT_PLATFORM_DENIED);
    CU_ASSERT_EQUAL(other->store_read(other->context, 0, HOME, buffer, 8, &length),
                    BLKFRONT_PLATFORM_DENIED);
    /* Domain 0 leaves what it makes to the owner of the directory. */
    simback_store_write(world, HOME "/shared/gift", "x", 1);
    CU_ASSERT_EQUAL(put(HOME "/shared/gift", "mine"), 0);
}

static void domain_0_may_everything(void)
{
    char buffer[8];
    size_t length;

    put(HOME "/a", "x");
    CU_ASSERT_EQUAL(host->store_read(host->context, 0, HOME "/a", buffer, 8, &length), 0);
    CU_ASSERT_EQUAL(host->store_write(host->context, 0, HOME "/a", "y", 1), 0);
    CU_ASSERT_EQUAL(host->store_remove(host->context, 0, HOME "/a"), 0);
    CU_ASSERT_EQUAL(simback_store_read(world, HOME "/a", buffer, 8, &length),
                    BLKFRONT_PLATFORM_NO_ENTRY);
    simback_store_write(world, HOME "/a", "0123456789", 10);
    CU_ASSERT_EQUAL(simback_store_read(world, HOME "/a", buffer, 4, &length), 0);
    CU_ASSERT_EQUAL(length, 10);
    CU_ASSERT_EQUAL(memcmp(buffer, "0123", 4), 0);
    CU_ASSERT_EQUAL(simback_store_read(world, "bad", buffer, 4, &length),
                    BLKFRONT_PLATFORM_INVALID);
}

/* ---- limits ---- */

static void a_payload_has_at_most_4096_bytes(void)
{
    static char value[4096], buffer[4096];
    size_t length, room = 4096 - sizeof("/big");

    CU_ASSERT_EQUAL(simback_store_write(world, "/big", value, room + 1),
                    BLKFRONT_PLATFORM_TOO_LONG);
    CU_ASSERT_EQUAL(simback_store_write(world, "/big", value, room), 0);
    CU_ASSERT_EQUAL(host->store_read(host->context, 0, "/big", buffer, sizeof(buffer), &length), 0);
    CU_ASSERT_EQUAL(length, room);
}

static void a_node_of_a_guest_has_at_most_2048_bytes(void)
{
    static char value[2048];

    CU_ASSERT_EQUAL(guest->store_write(guest->context, 0, HOME "/a", value, 2000), 0);
    CU_ASSERT_EQUAL(guest->store_write(guest->context, 0, HOME "/a", value, 2048),
                    BLKFRONT_PLATFORM_NO_MEMORY);
    CU_ASSERT_EQUAL(host->store_write(host->context, 0, HOME "/a", value, 2048), 0);
}

static void a_guest_owns_at_most_1000_nodes(void)
{
    char path[64];
    unsigned made = 0;

    while (made < 2000) {
        snprintf(path, sizeof(path), HOME "/%u/%u", made / 50, made % 50);
        if (put(path, "") != 0)
            break;
        made++;
    }
    /* The home is its own too, and so are the directories. */
    CU_ASSERT(made > 950 && made < 1000);
    CU_ASSERT_EQUAL(put(path, ""), BLKFRONT_PLATFORM_NO_MEMORY);
    CU_ASSERT_EQUAL(put(HOME "/0/0", "again"), 0);
    CU_ASSERT_EQUAL(drop(HOME "/0"), 0);
    CU_ASSERT_EQUAL(put(path, ""), 0);
    for (unsigned i = 0; i < 1100; i++) {
        snprintf(path, sizeof(path), "/tool/%u", i);
        CU_ASSERT_EQUAL_FATAL(simback_store_write(world, path, "", 0), 0);
    }
}

/* ---- on purpose ---- */

static void the_nth_call_fails_as_a_broken_connection(void)
{
    struct blkfront_watch_set *set;
    uint32_t transaction;
    uint16_t domid;
    unsigned calls = 0;

    put(HOME "/a", "x");
    simback_fail_nth(world, SIMBACK_RESOURCE_XENSTORE, 2, false);
    CU_ASSERT_EQUAL(put(HOME "/a", "y"), 0);
    CU_ASSERT_EQUAL(put(HOME "/a", "z"), BLKFRONT_PLATFORM_IO);
    CU_ASSERT_STRING_EQUAL(get(HOME "/a"), "y");

    CU_ASSERT_EQUAL(guest->watches_open(guest->context, &set), 0);
    CU_ASSERT_EQUAL(guest->transaction_start(guest->context, &transaction), 0);
    simback_fail_nth(world, SIMBACK_RESOURCE_XENSTORE, 1, true);
    calls += guest->own_domid(guest->context, &domid) == BLKFRONT_PLATFORM_IO;
    calls += get(HOME "/a") == NULL && last_result == BLKFRONT_PLATFORM_IO;
    calls += list(HOME) == NULL && last_result == BLKFRONT_PLATFORM_IO;
    calls += drop(HOME "/a") == BLKFRONT_PLATFORM_IO;
    calls += guest->watch(guest->context, set, HOME, 1) == BLKFRONT_PLATFORM_IO;
    calls += guest->unwatch(guest->context, set, HOME, 1) == BLKFRONT_PLATFORM_IO;
    calls += guest->watches_open(guest->context, &set) == BLKFRONT_PLATFORM_IO;
    calls += guest->transaction_end(guest->context, transaction, true) == BLKFRONT_PLATFORM_IO;
    calls += guest->transaction_start(guest->context, &transaction) == BLKFRONT_PLATFORM_IO;
    CU_ASSERT_EQUAL(calls, 9);
    CU_ASSERT_EQUAL(simback_resource_failed(world, SIMBACK_RESOURCE_XENSTORE), 10);
    CU_ASSERT_EQUAL(host->store_write(host->context, 0, HOME "/a", "b", 1), 0);
    simback_fail_nth(world, SIMBACK_RESOURCE_XENSTORE, 0, false);
    CU_ASSERT_STRING_EQUAL(get(HOME "/a"), "b");
    CU_ASSERT_EQUAL(guest->own_domid(guest->context, &domid), 0);
    CU_ASSERT_EQUAL(domid, SIMBACK_FRONT_DOMID);
}

static const struct unit_test tests[] = {
    UNIT_TEST(a_value_is_read_as_it_was_written),
    UNIT_TEST(missing_parents_are_made),
    UNIT_TEST(what_is_not_there_is_no_entry),
    UNIT_TEST(removing_takes_what_is_below_too),
    UNIT_TEST(children_are_listed_in_the_order_of_making),
    UNIT_TEST(a_list_that_does_not_fit_is_too_long),
    UNIT_TEST(paths_that_are_none_are_invalid),
    UNIT_TEST(a_guest_reads_and_writes_only_where_it_may),
    UNIT_TEST(new_nodes_inherit_and_belong_to_their_maker),
    UNIT_TEST(domain_0_may_everything),
    UNIT_TEST(a_payload_has_at_most_4096_bytes),
    UNIT_TEST(a_node_of_a_guest_has_at_most_2048_bytes),
    UNIT_TEST(a_guest_owns_at_most_1000_nodes),
    UNIT_TEST(the_nth_call_fails_as_a_broken_connection),
};

UNIT_MAIN_WITH("xenstore", set_up, sim_world_tear_down, tests)
