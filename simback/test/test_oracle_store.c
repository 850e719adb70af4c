/* SPDX-License-Identifier: ISC */
/*
 * What the rules make of a XenStore that fails on purpose and of watch events that do not come as
 * they should: nobody is blamed for what he could not know or do, and everybody for the rest.
 */
#include "cunit_main.h"
#include "puppet.h"

static const char back_state[] = "/local/domain/0/backend/vbd/1/51712/state";

static struct puppet puppet;
static uint8_t bytes[4096];

static void set_up(void)
{
    memset(&puppet, 0, sizeof(puppet));
    puppet_begin(&puppet);
    puppet_connect(&puppet);
    puppet_run(&puppet);
}

static void tear_down(void)
{
    puppet_end(&puppet);
}

static void again(void)
{
    puppet_end(&puppet);
    set_up();
}

static bool frontend_owes(void)
{
    return simback_who_owes(puppet.world, 0) == SIMBACK_OWES_FRONTEND;
}

/* ---- I4: lost watch events ---- */

static unsigned take_watches(void)
{
    uint32_t token;
    unsigned taken = 0;

    while (puppet.platform->watch_fired(puppet.context, puppet.watches, &token) == 1)
        taken++;
    return taken;
}

static void i4_a_change_that_nobody_was_told_of(void)
{
    take_watches();
    simback_watch_lose(puppet.world, 0, 1);
    simback_store_write(puppet.world, back_state, "5", 1);
    CU_ASSERT_FALSE(frontend_owes());
    CU_ASSERT_EQUAL(simback_watch_fire(puppet.world, 0, back_state, 1), 0);
    CU_ASSERT_EQUAL(take_watches(), 1);
    CU_ASSERT_TRUE(frontend_owes());
}

static void i4_a_change_that_was_told(void)
{
    take_watches();
    simback_watch_lose(puppet.world, 0, 1);
    simback_store_write(puppet.world, back_state, "4", 1);
    simback_store_write(puppet.world, back_state, "5", 1);
    CU_ASSERT_EQUAL(take_watches(), 1);
    CU_ASSERT_TRUE(frontend_owes());
}

/* What the backend hears does not tell its frontend. */
static void i4_an_event_of_another_watch(void)
{
    take_watches();
    CU_ASSERT_EQUAL(puppet.platform->watch(puppet.context, puppet.watches, "/local/domain/1", 9),
                    0);
    take_watches();
    simback_watch_lose(puppet.world, 0, 1);
    simback_store_write(puppet.world, back_state, "5", 1);
    CU_ASSERT_EQUAL(simback_watch_fire(puppet.world, 0, "/local/domain/1", 1), 0);
    CU_ASSERT_EQUAL(take_watches(), 1);
    CU_ASSERT_FALSE(frontend_owes());
}

/* An answer on the ring has an event of its own. */
static void i4_a_lost_watch_event_excuses_nothing_on_the_ring(void)
{
    take_watches();
    simback_watch_lose(puppet.world, 0, 1);
    simback_store_write(puppet.world, back_state, "4", 1);
    puppet_submit(&puppet, 1, BLKFRONT_READ, 8, 8, bytes);
    puppet_send(&puppet, BLKIF_WIRE_READ, 1, 8, 8, 0);
    puppet_run(&puppet);
    CU_ASSERT_TRUE(frontend_owes());
}

static void i4_more_lost_than_can_be_kept(void)
{
    char path[64];

    for (unsigned i = 0; i < 40; i++) {
        snprintf(path, sizeof(path), "/local/domain/1/device/vbd/51712/%u", i);
        CU_ASSERT_EQUAL(puppet.platform->watch(puppet.context, puppet.watches, path, i), 0);
    }
    take_watches();
    simback_watch_lose(puppet.world, 0, 40);
    for (unsigned i = 0; i < 40; i++) {
        snprintf(path, sizeof(path), "/local/domain/1/device/vbd/51712/%u", i);
        CU_ASSERT_EQUAL(simback_watch_fire(puppet.world, 0, path, 1), 0);
    }
    simback_store_write(puppet.world, back_state, "5", 1);
    take_watches();
    CU_ASSERT_FALSE(frontend_owes());
}

/* ---- I4, I11: states that cannot be read ---- */

static const char front_state[] = "/local/domain/1/device/vbd/51712/state";

/* A recovering device that was told that there is no backend waits for one; told to look again, it
 * has to. */
static void i4_a_backend_that_is_said_not_to_be_there(void)
{
    puppet_write(&puppet, "state", "5");
    puppet_write(&puppet, "state", "6");
    puppet_write(&puppet, "state", "1");
    puppet_app_state(&puppet, BLKFRONT_RECOVERING);
    simback_store_write(puppet.world, back_state, "2", 1);
    take_watches();
    CU_ASSERT_TRUE(frontend_owes());
    CU_ASSERT_EQUAL(simback_store_deny(puppet.world, back_state), 0);
    CU_ASSERT_EQUAL(puppet_read_back(&puppet, "state"), -1);
    CU_ASSERT_FALSE(frontend_owes());
    simback_mend(puppet.world);
    CU_ASSERT_FALSE(frontend_owes());
    CU_ASSERT_EQUAL(simback_watch_fire(puppet.world, 0, back_state, 1), 0);
    CU_ASSERT_EQUAL(take_watches(), 1);
    CU_ASSERT_TRUE(frontend_owes());
}

static void hold_all(void)
{
    const struct simback_fault fault = {
        .ops = SIMBACK_FAULT_ANY,
        .last_512 = UINT64_MAX,
        .percent = 100,
        .action = SIMBACK_HOLD,
        .name = 1,
    };

    CU_ASSERT_EQUAL(simback_backend_add_fault(puppet.backend, &fault), 0);
}

/* While connected it has to do something about that, whatever the backend has still to do. */
static void i4_a_backend_that_is_said_to_be_gone(void)
{
    hold_all();
    puppet_submit(&puppet, 1, BLKFRONT_READ, 8, 8, bytes);
    puppet_send(&puppet, BLKIF_WIRE_READ, 1, 8, 8, 0);
    puppet_run(&puppet);
    CU_ASSERT_FALSE(frontend_owes());
    CU_ASSERT_EQUAL(simback_store_fail(puppet.world, back_state, BLKFRONT_PLATFORM_NO_ENTRY, 1, 1),
                    0);
    CU_ASSERT_EQUAL(puppet_read_back(&puppet, "state"), -1);
    CU_ASSERT_TRUE(frontend_owes());
}

static void read_own_state(void)
{
    char value[8];
    size_t length;

    (void)puppet.platform->store_read(puppet.context, 0, front_state, value, sizeof(value),
                                      &length);
}

/* Who is told that it has no state begins with one. */
static void i11_a_state_that_is_said_not_to_be_there(void)
{
    for (int told = 0; told < 2; told++) {
        again();
        puppet_write(&puppet, "state", "5");
        if (told != 0)
            CU_ASSERT_EQUAL(
                simback_store_fail(puppet.world, front_state, BLKFRONT_PLATFORM_NO_ENTRY, 1, 1), 0);
        read_own_state();
        puppet_write(&puppet, "state", "1");
        if (told != 0)
            puppet_expect_none(&puppet);
        else
            puppet_expect(&puppet, 11, false, "from state 5 to state 1");
    }
}

/* Who has found a state that somebody else wrote has to wait for nothing that its own asked for,
 * whatever was written there since. */
static void i11_what_a_state_of_somebody_elses_asks_for(void)
{
    static const struct {
        const char *first, *second;
        bool excused;
    } cases[] = {
        {NULL, NULL, false}, {"8", NULL, true}, {"8", "3", true},
        {"3", "8", true},    {"3", "4", false}, {"6", "3", false},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        again();
        puppet_write(&puppet, "state", "5");
        puppet_write(&puppet, "state", "6");
        simback_store_write(puppet.world, back_state, "5", 1);
        CU_ASSERT_EQUAL(puppet_read_back(&puppet, "state"), 5);
        if (cases[i].first != NULL)
            simback_store_write(puppet.world, front_state, cases[i].first, 1);
        if (cases[i].second != NULL)
            simback_store_write(puppet.world, front_state, cases[i].second, 1);
        puppet_write(&puppet, "state", "1");
        if (cases[i].excused)
            puppet_expect_none(&puppet);
        else
            puppet_expect(&puppet, 11, false, "from 6 to 1 without waiting for the backend's 6");
    }
}

/* ---- I14: watch events of one step ---- */

static void i14_a_step_takes_a_bounded_number_of_watch_events(void)
{
    enum { MOST = 1024 };
    uint32_t token;

    take_watches();
    puppet_step(&puppet);
    for (unsigned extra = 0; extra < 2; extra++) {
        CU_ASSERT_EQUAL(simback_watch_fire(puppet.world, 0, back_state, 4000), 0);
        for (unsigned i = 0; i < MOST + extra; i++)
            CU_ASSERT_EQUAL(puppet.platform->watch_fired(puppet.context, puppet.watches, &token),
                            1);
        if (extra == 0)
            puppet_expect_none(&puppet);
        puppet_step(&puppet);
        if (extra == 0)
            puppet_expect_none(&puppet);
    }
    puppet_expect(&puppet, 14, false, "took 1025 watch events in one step");
}

/* ---- I12: nodes that cannot be removed ---- */

static void close_all_but_nodes(void)
{
    puppet_close_port(&puppet);
    puppet_close_watches(&puppet);
    puppet_end_grants(&puppet);
}

static void i12_a_node_that_may_not_be_removed(void)
{
    puppet_disconnect(&puppet);
    CU_ASSERT_EQUAL(simback_store_deny(puppet.world, "/local/domain/1/device/vbd/51712/ring-ref"),
                    0);
    puppet_remove_nodes(&puppet);
    close_all_but_nodes();
    puppet_released(&puppet);
    puppet_expect_none(&puppet);
}

static void i12_another_one_may(void)
{
    puppet_disconnect(&puppet);
    CU_ASSERT_EQUAL(simback_store_deny(puppet.world, "/local/domain/1/device/vbd/51712/ring-ref"),
                    0);
    close_all_but_nodes();
    puppet_remove(&puppet, "protocol");
    puppet_released(&puppet);
    puppet_expect(&puppet, 12, false, "the frontend's node event-channel is still there");
}

/* Rights come back when the device is released, but that is too late. */
static void i12_a_node_that_could_not_be_removed_in_time(void)
{
    puppet_disconnect(&puppet);
    CU_ASSERT_EQUAL(simback_store_fail(puppet.world, "/local/domain/1/device/vbd/51712/ring-ref",
                                       BLKFRONT_PLATFORM_IO, 1, 1000),
                    0);
    puppet_remove_nodes(&puppet);
    close_all_but_nodes();
    puppet_app_state(&puppet, BLKFRONT_CLOSED);
    simback_mend(puppet.world);
    puppet_released(&puppet);
    puppet_expect_none(&puppet);
}

/* Others can be removed meanwhile; what was tried so often nobody has to try when it can be. */
static void i12_a_node_that_was_tried_often_enough(void)
{
    puppet_disconnect(&puppet);
    CU_ASSERT_EQUAL(simback_store_fail(puppet.world, "/local/domain/1/device/vbd/51712/ring-ref",
                                       BLKFRONT_PLATFORM_IO, 1, 32),
                    0);
    for (int i = 0; i < 32; i++)
        puppet_remove(&puppet, "ring-ref");
    puppet_remove(&puppet, "event-channel");
    puppet_remove(&puppet, "protocol");
    close_all_but_nodes();
    puppet_app_state(&puppet, BLKFRONT_CLOSED);
    puppet_released(&puppet);
    puppet_expect_none(&puppet);
}

static void i12_a_node_that_is_said_not_to_be_there(void)
{
    puppet_disconnect(&puppet);
    CU_ASSERT_EQUAL(simback_store_fail(puppet.world, "/local/domain/1/device/vbd/51712/ring-ref",
                                       BLKFRONT_PLATFORM_NO_ENTRY, 1, 1),
                    0);
    puppet_remove_nodes(&puppet);
    close_all_but_nodes();
    puppet_released(&puppet);
    puppet_expect_none(&puppet);
}

/* So often and no more: one who tries less has given up too early. */
static void i12_tried_often_enough(void)
{
    for (unsigned tries = 15; tries <= 16; tries++) {
        again();
        puppet_disconnect(&puppet);
        puppet_remove(&puppet, "protocol");
        puppet_remove(&puppet, "event-channel");
        CU_ASSERT_EQUAL(simback_store_fail(puppet.world,
                                           "/local/domain/1/device/vbd/51712/ring-ref",
                                           BLKFRONT_PLATFORM_IO, 1, tries),
                        0);
        for (unsigned i = 0; i < tries; i++)
            puppet_remove(&puppet, "ring-ref");
        close_all_but_nodes();
        puppet_released(&puppet);
        if (tries == 16)
            puppet_expect_none(&puppet);
        else
            puppet_expect(&puppet, 12, false, "the frontend's node ring-ref is still there");
    }
}

/* In a transaction it is the commit that counts. */
static void i12_commits_that_never_succeed(void)
{
    for (unsigned conflicts = 15; conflicts <= 16; conflicts++) {
        again();
        puppet_disconnect(&puppet);
        simback_store_again(puppet.world, conflicts);
        for (unsigned i = 0; i < conflicts; i++) {
            CU_ASSERT_EQUAL(puppet.platform->transaction_start(puppet.context, &puppet.transaction),
                            0);
            puppet_remove(&puppet, "ring-ref");
            CU_ASSERT_EQUAL(
                puppet.platform->transaction_end(puppet.context, puppet.transaction, true),
                BLKFRONT_PLATFORM_AGAIN);
            puppet.transaction = 0;
        }
        close_all_but_nodes();
        puppet_released(&puppet);
        if (conflicts == 16)
            puppet_expect_none(&puppet);
        else
            CU_ASSERT_TRUE(simback_violations(puppet.world, false) != 0);
    }
}

/* A state that XenStore does not take keeps nobody from going. */
static void i12_nodes_removed_by_one_who_cannot_say_5(void)
{
    CU_ASSERT_EQUAL(simback_store_deny(puppet.world, front_state), 0);
    CU_ASSERT_EQUAL(puppet.platform->store_write(puppet.context, 0, front_state, "5", 1),
                    BLKFRONT_PLATFORM_DENIED);
    puppet_remove(&puppet, "ring-ref");
    puppet_expect_none(&puppet);
}

/* A connect asks, and whoever is not over yet; a poll of one that is over does not. */
static void i12_xenstore_is_asked_after_the_end(void)
{
    puppet_disconnect(&puppet);
    simback_app_call(puppet.world, 0, "poll");
    (void)puppet_read_back(&puppet, "state");
    simback_app_return(puppet.world, 0, "poll", 0);
    puppet_close_port(&puppet);
    puppet_close_watches(&puppet);
    puppet_app_state(&puppet, BLKFRONT_CLOSED);
    simback_app_call(puppet.world, 0, "connect");
    (void)puppet_read_back(&puppet, "state");
    simback_app_return(puppet.world, 0, "connect", 0);
    puppet_expect_none(&puppet);
    simback_app_call(puppet.world, 0, "poll");
    (void)puppet_read_back(&puppet, "state");
    puppet_expect(&puppet, 12, false,
                  "XenStore is asked for /local/domain/0/backend/vbd/1/51712/state after the "
                  "disconnect had ended");
}

static const struct unit_test tests[] = {
    UNIT_TEST(i4_a_change_that_nobody_was_told_of),
    UNIT_TEST(i4_a_change_that_was_told),
    UNIT_TEST(i4_an_event_of_another_watch),
    UNIT_TEST(i4_a_lost_watch_event_excuses_nothing_on_the_ring),
    UNIT_TEST(i4_more_lost_than_can_be_kept),
    UNIT_TEST(i4_a_backend_that_is_said_not_to_be_there),
    UNIT_TEST(i4_a_backend_that_is_said_to_be_gone),
    UNIT_TEST(i11_a_state_that_is_said_not_to_be_there),
    UNIT_TEST(i11_what_a_state_of_somebody_elses_asks_for),
    UNIT_TEST(i14_a_step_takes_a_bounded_number_of_watch_events),
    UNIT_TEST(i12_a_node_that_may_not_be_removed),
    UNIT_TEST(i12_another_one_may),
    UNIT_TEST(i12_a_node_that_could_not_be_removed_in_time),
    UNIT_TEST(i12_a_node_that_was_tried_often_enough),
    UNIT_TEST(i12_a_node_that_is_said_not_to_be_there),
    UNIT_TEST(i12_tried_often_enough),
    UNIT_TEST(i12_commits_that_never_succeed),
    UNIT_TEST(i12_nodes_removed_by_one_who_cannot_say_5),
    UNIT_TEST(i12_xenstore_is_asked_after_the_end),
};

UNIT_MAIN_WITH("oracle: store", set_up, tear_down, tests)
