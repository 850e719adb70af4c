/* SPDX-License-Identifier: ISC */
/*
 * The rule on a device's end: I12, what is left of it, and when it may go.
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

static void i12_all_is_taken_down(void)
{
    puppet_connect(&puppet);
    puppet_close(&puppet);
    puppet_expect_none(&puppet);
    CU_ASSERT_TRUE(simback_rule_checks(puppet.world, 12) > 0);
    CU_ASSERT_TRUE(simback_rule_checks(puppet.world, 5) > 0);
}

static void i12_a_port_left_open(void)
{
    puppet_connect(&puppet);
    puppet_disconnect(&puppet);
    puppet_remove_nodes(&puppet);
    puppet_close_watches(&puppet);
    puppet_end_grants(&puppet);
    puppet_released(&puppet);
    puppet_expect(&puppet, 12, false, "the disconnect has ended with 1 ports open");
}

static void i12_a_watch_left_set(void)
{
    puppet_connect(&puppet);
    puppet_disconnect(&puppet);
    puppet_remove_nodes(&puppet);
    puppet_close_port(&puppet);
    puppet_end_grants(&puppet);
    puppet_released(&puppet);
    puppet_expect(&puppet, 12, false, "the disconnect has ended with 1 watches set");
}

/* It goes with its set, which lives as long as the device. */
static void i12_a_watch_that_could_not_be_removed(void)
{
    puppet_connect(&puppet);
    puppet_disconnect(&puppet);
    puppet_remove_nodes(&puppet);
    puppet_close_port(&puppet);
    puppet_end_grants(&puppet);
    simback_fail_nth(puppet.world, SIMBACK_RESOURCE_XENSTORE, 1, false);
    CU_ASSERT_NOT_EQUAL(puppet.platform->unwatch(puppet.context, puppet.watches,
                                                 "/local/domain/0/backend/vbd/1/51712/state", 1),
                        0);
    puppet_app_state(&puppet, BLKFRONT_CLOSED);
    puppet_expect_none(&puppet);
    puppet_released(&puppet);
    puppet_expect(&puppet, 12, false, "the device was released with 1 watches set");
}

static void connect_again(void)
{
    puppet_disconnect(&puppet);
    puppet_remove_nodes(&puppet);
    puppet_close_watches(&puppet);
    puppet_end_grants(&puppet);
    puppet_write(&puppet, "state", "1");
    puppet_connect(&puppet);
    puppet_run(&puppet);
}

static void i12_the_port_of_the_last_connection(void)
{
    puppet_connect(&puppet);
    puppet_run(&puppet);
    connect_again();
    puppet_expect(&puppet, 12, false,
                  "port 1 of queue 0's last connection is open, and this one has port 2");
}

static void i12_that_port_may_go_and_its_number_come_again(void)
{
    puppet_connect(&puppet);
    puppet_run(&puppet);
    for (int i = 0; i < 2; i++) {
        puppet_close_port(&puppet);
        connect_again();
    }
    puppet_expect_none(&puppet);
}

static void i12_a_node_left_behind(void)
{
    puppet_connect(&puppet);
    puppet_disconnect(&puppet);
    puppet_remove(&puppet, "ring-ref");
    puppet_remove(&puppet, "event-channel");
    puppet_close_port(&puppet);
    puppet_close_watches(&puppet);
    puppet_end_grants(&puppet);
    puppet_released(&puppet);
    puppet_expect(&puppet, 12, false, "the frontend's node protocol is still there");
}

/* Where XenStore fails to the end nothing can be removed; after a single failure it can. */
static void i12_a_node_that_cannot_be_removed(void)
{
    for (int always = 0; always < 2; always++) {
        puppet_end(&puppet);
        puppet_begin(&puppet);
        puppet_connect(&puppet);
        puppet_disconnect(&puppet);
        simback_fail_nth(puppet.world, SIMBACK_RESOURCE_XENSTORE, 1, always != 0);
        puppet_remove_nodes(&puppet);
        puppet_close_port(&puppet);
        puppet_close_watches(&puppet);
        puppet_end_grants(&puppet);
        puppet_released(&puppet);
        if (always != 0)
            puppet_expect_none(&puppet);
        else
            puppet_expect(&puppet, 12, false, "the frontend's node ring-ref is still there");
    }
}

/* XenStore works again when the device is released, but that is too late for its nodes. */
static void i12_a_node_that_could_not_be_removed_in_time(void)
{
    for (int down = 0; down < 2; down++) {
        puppet_end(&puppet);
        puppet_begin(&puppet);
        puppet_connect(&puppet);
        puppet_disconnect(&puppet);
        puppet_remove(&puppet, "ring-ref");
        puppet_remove(&puppet, "event-channel");
        if (down != 0)
            simback_fail_nth(puppet.world, SIMBACK_RESOURCE_XENSTORE, 1, true);
        puppet_remove(&puppet, down != 0 ? "protocol" : "ring-page-order");
        puppet_close_port(&puppet);
        puppet_close_watches(&puppet);
        puppet_end_grants(&puppet);
        puppet_app_state(&puppet, BLKFRONT_CLOSED);
        simback_fail_nth(puppet.world, SIMBACK_RESOURCE_XENSTORE, 0, false);
        puppet_released(&puppet);
        if (down != 0)
            puppet_expect_none(&puppet);
        else
            puppet_expect(&puppet, 12, false, "the frontend's node protocol is still there");
    }
}

static void i12_a_node_of_the_toolstack_removed(void)
{
    static const char *const nodes[] = {"", "state", "backend", "virtual-device"};

    for (size_t i = 0; i < sizeof(nodes) / sizeof(nodes[0]); i++) {
        puppet_end(&puppet);
        puppet_begin(&puppet);
        puppet_connect(&puppet);
        puppet_remove(&puppet, nodes[i]);
        puppet_expect(&puppet, 12, false, "which is not its own");
    }
}

static void i12_a_node_removed_too_early(void)
{
    puppet_connect(&puppet);
    puppet_remove(&puppet, "ring-ref");
    puppet_expect(&puppet, 12, false, "removes its node ring-ref in state 4");
}

static void i12_a_stale_node_removed(void)
{
    puppet_run(&puppet);
    puppet_open(&puppet);
    puppet_remove(&puppet, "ring-page-order");
    puppet_expect_none(&puppet);
}

static void i12_a_completion_after_the_end(void)
{
    puppet_connect(&puppet);
    puppet_submit(&puppet, 1, BLKFRONT_READ, 8, 8, bytes);
    puppet_disconnect(&puppet);
    puppet_close_port(&puppet);
    puppet_close_watches(&puppet);
    puppet_app_state(&puppet, BLKFRONT_CLOSED);
    puppet_complete(&puppet, 1, BLKFRONT_DISCONNECTED);
    puppet_expect(&puppet, 12, false, "request 1: completes after the disconnect had ended");
}

static void i12_a_notification_after_the_end(void)
{
    puppet_connect(&puppet);
    puppet_disconnect(&puppet);
    puppet_app_state(&puppet, BLKFRONT_CLOSED);
    puppet_notify(&puppet);
    puppet_expect_nth(&puppet, 2, 12, "was notified after the disconnect had ended");
}

static void i12_an_access_after_the_end(void)
{
    puppet_connect(&puppet);
    puppet_disconnect(&puppet);
    puppet_close_port(&puppet);
    puppet_close_watches(&puppet);
    puppet.observed = true;
    (void)puppet_load32(&puppet, puppet.ring + 8);
    puppet_expect_none(&puppet);
    puppet_app_state(&puppet, BLKFRONT_CLOSED);
    (void)puppet_load32(&puppet, puppet.ring + 8);
    puppet_expect(&puppet, 12, false, "the ring of queue 0 was touched after");
}

static void i12_a_node_removed_before_the_backend_has_closed(void)
{
    puppet_connect(&puppet);
    puppet_write(&puppet, "state", "5");
    puppet_remove(&puppet, "ring-ref"); /* the backend was Connected when it was last read */
    puppet_expect(&puppet, 12, false, "removes its node ring-ref in state 5");
}

static void i12_who_waits_no_longer_may_remove_them(void)
{
    puppet_connect(&puppet);
    simback_backend_hang(puppet.backend);
    puppet_write(&puppet, "state", "5");
    puppet_write(&puppet, "state", "6");
    puppet_remove_nodes(&puppet);
    puppet_expect_none(&puppet);
}

static void i12_who_cannot_say_6_may_remove_them_too(void)
{
    const char *path = "/local/domain/1/device/vbd/51712/state";

    puppet_connect(&puppet);
    puppet_write(&puppet, "state", "5");
    simback_fail_nth(puppet.world, SIMBACK_RESOURCE_XENSTORE, 1, false);
    CU_ASSERT_TRUE(puppet.platform->store_write(puppet.context, 0, path, "6", 1) < 0);
    puppet_remove_nodes(&puppet);
    puppet_expect_none(&puppet);
}

static void i12_nodes_stay_where_the_backend_was_never_seen_closed(void)
{
    puppet_connect(&puppet);
    puppet_write(&puppet, "state", "5");
    puppet_write(&puppet, "state", "6");
    puppet_run(&puppet);
    puppet_close_port(&puppet);
    puppet_close_watches(&puppet);
    puppet_end_grants(&puppet);
    puppet_released(&puppet);
    puppet_expect_none(&puppet);
}

static void i12_a_directory_of_ones_own_counts_by_its_nodes(void)
{
    puppet_connect(&puppet);
    puppet_write(&puppet, "queue-0/ring-ref", "8");
    puppet_write(&puppet, "queue-0/ring-ref", "8"); /* one node, however often */
    puppet_remove(&puppet, "queue-1");
    puppet_expect_none(&puppet);
    puppet_remove(&puppet, "queue-0");
    puppet_expect(&puppet, 12, false, "removes its node queue-0 in state 4");
}

static void i12_what_it_never_wrote_it_may_remove(void)
{
    simback_store_remove(puppet.world, "/local/domain/1/device/vbd/51712/virtual-device");
    puppet_connect(&puppet);
    simback_store_write(puppet.world, "/local/domain/1/device/vbd/51712/ring-ref3", "9", 1);
    puppet_remove(&puppet, "virtual-device");
    puppet_remove(&puppet, "ring-ref7");
    puppet_remove(&puppet, "ring-ref3"); /* of somebody who was here before */
    puppet_expect_none(&puppet);
}

static void i12_more_nodes_than_are_remembered(void)
{
    char node[64];

    puppet_connect(&puppet);
    for (unsigned i = 0; i < 100; i++) {
        snprintf(node, sizeof(node), "own-%u", i);
        puppet_write(&puppet, node, "1");
    }
    puppet_write(&puppet, "a-node-with-a-name-that-is-longer-than-is-kept", "1");
    puppet_expect_none(&puppet);
    puppet_remove(&puppet, "own-7");
    puppet_expect(&puppet, 12, false, "removes its node own-7 in state 4");
}

/* What failed has set nothing, and what another device sets is not this one's. */
static void i12_only_what_was_set_is_counted(void)
{
    const struct blkfront_platform *platform = puppet.platform;
    char path[] = "/local/domain/0/backend/vbd/1/51712/state";

    puppet_connect(&puppet);
    CU_ASSERT_TRUE(platform->watch(puppet.context, puppet.watches, path, 1) < 0);
    CU_ASSERT_TRUE(platform->port_notify(puppet.context, puppet.channels, 999) < 0);
    puppet_close(&puppet);
    puppet_expect_none(&puppet);
}

static const struct unit_test tests[] = {
    UNIT_TEST(i12_all_is_taken_down),
    UNIT_TEST(i12_a_port_left_open),
    UNIT_TEST(i12_a_watch_left_set),
    UNIT_TEST(i12_a_watch_that_could_not_be_removed),
    UNIT_TEST(i12_the_port_of_the_last_connection),
    UNIT_TEST(i12_that_port_may_go_and_its_number_come_again),
    UNIT_TEST(i12_a_node_left_behind),
    UNIT_TEST(i12_a_node_that_cannot_be_removed),
    UNIT_TEST(i12_a_node_that_could_not_be_removed_in_time),
    UNIT_TEST(i12_a_node_of_the_toolstack_removed),
    UNIT_TEST(i12_a_node_removed_too_early),
    UNIT_TEST(i12_a_stale_node_removed),
    UNIT_TEST(i12_a_completion_after_the_end),
    UNIT_TEST(i12_a_notification_after_the_end),
    UNIT_TEST(i12_an_access_after_the_end),
    UNIT_TEST(i12_a_node_removed_before_the_backend_has_closed),
    UNIT_TEST(i12_who_waits_no_longer_may_remove_them),
    UNIT_TEST(i12_who_cannot_say_6_may_remove_them_too),
    UNIT_TEST(i12_nodes_stay_where_the_backend_was_never_seen_closed),
    UNIT_TEST(i12_a_directory_of_ones_own_counts_by_its_nodes),
    UNIT_TEST(i12_what_it_never_wrote_it_may_remove),
    UNIT_TEST(i12_more_nodes_than_are_remembered),
    UNIT_TEST(i12_only_what_was_set_is_counted),
};
UNIT_MAIN_WITH("oracle: teardown", set_up, tear_down, tests)
