/* SPDX-License-Identifier: ISC */
/*
 * The rule on the states of a device and when it may be used: I11. Its end is I12's
 * (test_oracle_teardown.c).
 */
#include "cunit_main.h"
#include "puppet.h"

static struct puppet puppet;
static uint8_t bytes[4096];

static void set_up(void)
{
    memset(&puppet, 0, sizeof(puppet));
    puppet_begin(&puppet);
}

static void tear_down(void)
{
    puppet_end(&puppet);
}

static void opened(void)
{
    puppet_run(&puppet);
    puppet_open(&puppet);
    CU_ASSERT_EQUAL(puppet_read_back(&puppet, "state"), 2);
}

static void put_a_read(void)
{
    puppet_submit(&puppet, 1, BLKFRONT_READ, 8, 8, bytes);
    puppet_send(&puppet, BLKIF_WIRE_READ, 11, 8, 8, 0);
}

/* ---- I11 ---- */

static void i11_states_that_no_block_frontend_writes(void)
{
    static const char *const states[] = {"0", "2", "7", "8", "9", "x", ""};

    for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
        puppet_end(&puppet);
        puppet_begin(&puppet);
        opened();
        puppet_write(&puppet, "state", states[i]);
        puppet_expect(&puppet, 11, false, "");
    }
}

static void i11_back_from_connected(void)
{
    puppet_connect(&puppet);
    puppet_write(&puppet, "state", "3");
    puppet_expect(&puppet, 11, false, "went from state 4 to state 3");
}

static void i11_the_same_again(void)
{
    puppet_connect(&puppet);
    puppet_write(&puppet, "state", "4");
    puppet_expect_none(&puppet);
}

static void i11_connected_at_once(void)
{
    opened();
    puppet_publish(&puppet, "4");
    puppet_run(&puppet);
    puppet_expect_none(&puppet);
}

static void i11_connected_before_the_backend(void)
{
    opened();
    simback_backend_stall(puppet.backend, BLKIF_WIRE_CONNECTED);
    puppet_publish(&puppet, "3");
    puppet_write(&puppet, "state", "4");
    puppet_expect(&puppet, 11, false, "from 3 to 4 before it had read 4 of the backend");
}

static void i11_a_backend_of_a_former_life(void)
{
    simback_store_write(puppet.world, "/local/domain/0/backend/vbd/1/51712/state", "4", 1);
    puppet_open(&puppet);
    CU_ASSERT_EQUAL(puppet_read_back(&puppet, "state"), 4);
    puppet_publish(&puppet, "3");
    puppet_expect(&puppet, 11, false, "went from 1 to 3 although it had read 4");
}

static void i11_in_a_transaction_it_counts_at_its_end(void)
{
    const struct blkfront_platform *platform = puppet.platform;
    const char *path = "/local/domain/1/device/vbd/51712/state";
    blkfront_transaction transaction;

    opened();
    CU_ASSERT_EQUAL(platform->transaction_start(puppet.context, &transaction), 0);
    CU_ASSERT_EQUAL(platform->store_write(puppet.context, transaction, path, "2", 1), 0);
    CU_ASSERT_EQUAL(platform->transaction_end(puppet.context, transaction, false), 0);
    puppet_expect_none(&puppet);
    CU_ASSERT_EQUAL(platform->transaction_start(puppet.context, &transaction), 0);
    CU_ASSERT_EQUAL(platform->store_write(puppet.context, transaction, path, "2", 1), 0);
    puppet_expect_none(&puppet);
    CU_ASSERT_EQUAL(platform->transaction_end(puppet.context, transaction, true), 0);
    puppet_expect(&puppet, 11, false, "from state 1 to state 2");
}

static void i11_a_request_before_the_backend_is_connected(void)
{
    opened();
    simback_backend_stall(puppet.backend, BLKIF_WIRE_CONNECTED);
    puppet_publish(&puppet, "3");
    put_a_read();
    puppet_expect(&puppet, 11, false, "frontend in state 3, which had read 2 of the backend");
}

static void i11_a_request_in_state_3(void)
{
    opened();
    puppet_publish(&puppet, "3");
    puppet_run(&puppet);
    CU_ASSERT_EQUAL(puppet_read_back(&puppet, "state"), 4);
    put_a_read();
    puppet_expect_none(&puppet);
}

static void i11_a_request_while_closing(void)
{
    puppet_connect(&puppet);
    puppet_write(&puppet, "state", "5");
    puppet_step(&puppet);
    put_a_read();
    puppet_expect(&puppet, 11, false, "frontend in state 5");
}

static void i11_a_request_after_the_backend_was_seen_closing(void)
{
    puppet_connect(&puppet);
    simback_backend_close(puppet.backend);
    puppet_run(&puppet);
    CU_ASSERT_EQUAL(puppet_read_back(&puppet, "state"), 5);
    puppet_step(&puppet);
    put_a_read();
    puppet_expect(&puppet, 11, false, "which had read 5 of the backend");
}

/* As the toolstack, or anybody with its rights, could. */
static void write_as_dom0(const char *path, const char *value)
{
    CU_ASSERT_EQUAL(simback_store_write(puppet.world, path, value, strlen(value)), 0);
}

static void i11_what_a_backend_writes_beside_its_end_means_nothing(void)
{
    static const char *const states[] = {"1", "2", "3", "7", "8"};

    for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
        puppet_end(&puppet);
        puppet_begin(&puppet);
        puppet_connect(&puppet);
        write_as_dom0("/local/domain/0/backend/vbd/1/51712/state", states[i]);
        puppet_read_back(&puppet, "state");
        puppet_step(&puppet);
        put_a_read();
        puppet_expect_none(&puppet);
    }
}

static void i11_a_ring_waits_for_a_4_of_its_own(void)
{
    opened();
    simback_backend_stall(puppet.backend, BLKIF_WIRE_CONNECTED);
    write_as_dom0("/local/domain/0/backend/vbd/1/51712/state", "4");
    puppet_read_back(&puppet, "state"); /* and it is not that of this ring */
    write_as_dom0("/local/domain/0/backend/vbd/1/51712/state", "2");
    puppet_read_back(&puppet, "state");
    puppet_publish(&puppet, "3");
    put_a_read();
    puppet_expect(&puppet, 11, false, "frontend in state 3, which had read 2 of the backend");
}

static void i11_a_state_that_somebody_else_wrote_is_not_the_frontends(void)
{
    puppet_connect(&puppet);
    write_as_dom0("/local/domain/1/device/vbd/51712/state", "2");
    put_a_read();
    puppet_expect_none(&puppet);
    puppet_write(&puppet, "state", "5"); /* from its own 4 */
    puppet_expect_none(&puppet);
}

static void i11_it_may_go_on_from_there_too(void)
{
    puppet_connect(&puppet);
    write_as_dom0("/local/domain/1/device/vbd/51712/state", "1");
    puppet_write(&puppet, "state", "3");
    puppet_expect_none(&puppet);
}

static void i11_a_request_in_the_step_that_sees_it(void)
{
    puppet_connect(&puppet);
    simback_backend_close(puppet.backend);
    puppet_run(&puppet);
    puppet_submit(&puppet, 1, BLKFRONT_READ, 8, 8, bytes);
    puppet_put(&puppet, &(struct puppet_request){
                            .op = BLKIF_WIRE_READ, .id = 1, .sector_512 = 8, .last = 7});
    puppet_push(&puppet);
    CU_ASSERT_EQUAL(puppet_read_back(&puppet, "state"), 5);
    puppet_step(&puppet);
    puppet_expect_none(&puppet);
}

static void i11_a_ring_with_something_in_it(void)
{
    opened();
    puppet_set_word(&puppet, 0, 1);
    puppet_publish(&puppet, "3");
    puppet_expect(&puppet, 11, false, "was published with req_prod 0x1");
}

static void i11_again_after_a_crash(void)
{
    puppet_connect(&puppet);
    simback_backend_crash(puppet.backend);
    puppet_run(&puppet);
    CU_ASSERT_EQUAL(puppet_read_back(&puppet, "state"), -1);
    puppet_write(&puppet, "state", "1");
    puppet_expect_none(&puppet);
}

static void i11_again_without_a_crash(void)
{
    puppet_connect(&puppet);
    puppet_write(&puppet, "state", "1");
    puppet_expect(&puppet, 11, false, "from state 4 to state 1");
}

static void i11_again_without_waiting_for_the_backend(void)
{
    puppet_connect(&puppet);
    puppet_write(&puppet, "state", "5");
    puppet_write(&puppet, "state", "6");
    puppet_write(&puppet, "state", "1");
    puppet_expect(&puppet, 11, false, "from 6 to 1 without waiting");
}

static void i11_a_request_before_the_backends_state_was_read(void)
{
    puppet_run(&puppet);
    puppet_open(&puppet);
    puppet_publish(&puppet, "3");
    puppet_run(&puppet);
    put_a_read();
    puppet_expect(&puppet, 11, false, "was put before the backend's state was ever read");
}

static void i11_states_before_anything_was_read(void)
{
    puppet_run(&puppet);
    puppet_open(&puppet);
    puppet_publish(&puppet, "3"); /* as a frontend that does not wait for InitWait */
    puppet_expect_none(&puppet);
}

static void i11_each_transaction_by_itself(void)
{
    const struct blkfront_platform *platform = puppet.platform;
    const char *path = "/local/domain/1/device/vbd/51712/state";
    blkfront_transaction good, bad;

    opened();
    CU_ASSERT_EQUAL(platform->transaction_start(puppet.context, &bad), 0);
    CU_ASSERT_EQUAL(platform->store_write(puppet.context, bad, path, "2", 1), 0);
    CU_ASSERT_EQUAL(platform->transaction_start(puppet.context, &good), 0);
    CU_ASSERT_EQUAL(platform->store_write(puppet.context, good, path, "5", 1), 0);
    CU_ASSERT_EQUAL(platform->transaction_end(puppet.context, good, true), 0);
    puppet_expect_none(&puppet);
    CU_ASSERT_EQUAL(platform->transaction_end(puppet.context, bad, true), BLKFRONT_PLATFORM_AGAIN);
    puppet_expect_none(&puppet); /* a conflict: it never happened */
}

/* Only so many are kept; the oldest is forgotten first. */
static void i11_many_states_in_one_transaction(void)
{
    const struct blkfront_platform *platform = puppet.platform;
    const char *path = "/local/domain/1/device/vbd/51712/state";
    blkfront_transaction transaction;

    opened();
    CU_ASSERT_EQUAL(platform->transaction_start(puppet.context, &transaction), 0);
    for (unsigned i = 0; i < 20; i++)
        CU_ASSERT_EQUAL(platform->store_write(puppet.context, transaction, path, "5", 1), 0);
    CU_ASSERT_EQUAL(platform->store_write(puppet.context, transaction, path, "3", 1), 0);
    CU_ASSERT_EQUAL(platform->transaction_end(puppet.context, transaction, true), 0);
    puppet_expect(&puppet, 11, false, "from state 5 to state 3");
}

/* ---- closing waits ---- */

static void says_that_it_closes(uint64_t later_ns)
{
    puppet_connect(&puppet);
    simback_app_call(puppet.world, 0, "disconnect");
    simback_advance(puppet.world, simback_now(puppet.world) + later_ns);
    simback_app_call(puppet.world, 0, "poll");
    puppet_write(&puppet, "state", "5");
    puppet_write(&puppet, "state", "6");
    simback_app_return(puppet.world, 0, "poll", 0);
}

static void i11_closing_should_wait_for_the_backend(void)
{
    says_that_it_closes(0);
    puppet_expect(&puppet, 11, true, "went from 5 to 6 without waiting for the backend");
}

static void i11_whose_time_is_up_waits_no_longer(void)
{
    says_that_it_closes(1);
    puppet_expect_none(&puppet);
}

static void i11_a_release_waits_for_nobody(void)
{
    puppet_connect(&puppet);
    simback_app_call(puppet.world, 0, "disconnect");
    puppet_write(&puppet, "state", "5");
    puppet_write(&puppet, "state", "6");
    puppet_expect_none(&puppet);
}

static const struct unit_test tests[] = {
    UNIT_TEST(i11_states_that_no_block_frontend_writes),
    UNIT_TEST(i11_back_from_connected),
    UNIT_TEST(i11_the_same_again),
    UNIT_TEST(i11_connected_at_once),
    UNIT_TEST(i11_connected_before_the_backend),
    UNIT_TEST(i11_a_backend_of_a_former_life),
    UNIT_TEST(i11_in_a_transaction_it_counts_at_its_end),
    UNIT_TEST(i11_a_request_before_the_backend_is_connected),
    UNIT_TEST(i11_a_request_in_state_3),
    UNIT_TEST(i11_a_request_while_closing),
    UNIT_TEST(i11_a_request_after_the_backend_was_seen_closing),
    UNIT_TEST(i11_what_a_backend_writes_beside_its_end_means_nothing),
    UNIT_TEST(i11_a_ring_waits_for_a_4_of_its_own),
    UNIT_TEST(i11_a_state_that_somebody_else_wrote_is_not_the_frontends),
    UNIT_TEST(i11_it_may_go_on_from_there_too),
    UNIT_TEST(i11_a_request_in_the_step_that_sees_it),
    UNIT_TEST(i11_a_ring_with_something_in_it),
    UNIT_TEST(i11_again_after_a_crash),
    UNIT_TEST(i11_again_without_a_crash),
    UNIT_TEST(i11_again_without_waiting_for_the_backend),
    UNIT_TEST(i11_a_request_before_the_backends_state_was_read),
    UNIT_TEST(i11_states_before_anything_was_read),
    UNIT_TEST(i11_each_transaction_by_itself),
    UNIT_TEST(i11_many_states_in_one_transaction),
    UNIT_TEST(i11_closing_should_wait_for_the_backend),
    UNIT_TEST(i11_whose_time_is_up_waits_no_longer),
    UNIT_TEST(i11_a_release_waits_for_nobody),
};
UNIT_MAIN_WITH("oracle: states", set_up, tear_down, tests)
