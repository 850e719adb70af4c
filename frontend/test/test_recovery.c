/* SPDX-License-Identifier: ISC */
/*
 * In the middle of a recovery: pages that are missing, other limits, other queues, and the end or a
 * second loss at each of its steps.
 */
#include "fake_world.h"

#define BACK_2 "/local/domain/5/backend/vbd/3/51712"

/* ---- pages, rings and queues ---- */

/* A recovery does not wait for pages; they are tried again as long as the context lives. */
static void i5_busy_grants_are_quarantined_at_once(void)
{
    struct blkfront_device *device = recoverable();

    fake_queues.busy = 1;
    backend_goes("5");
    has_recovered(device, 1);
    CU_ASSERT_EQUAL(fake_queues.quarantined, 1);
    CU_ASSERT_EQUAL(fake.now_ns, 1000);
    disconnects(device);
    fake_queues.quarantined = 0;
}

/* They may be missing for the new ring: it is tried again until they are back, or time is up. */
static void i5_a_ring_that_finds_no_grants_is_tried_again(void)
{
    struct blkfront_device *device = recoverable();

    fake_queues.open_fails = 5;
    backend_goes("5");
    is_recovering(device);
    CU_ASSERT_STRING_EQUAL(fake_history(&fake), "3 4 5 6 1");
    CU_ASSERT_EQUAL(blkfront_poll_at(device), 1000 + 1000000);
    has_recovered(device, 1);
    CU_ASSERT_EQUAL(fake.now_ns, 1000 + 31000000);
    fake_queues.open_fails = ~0u;
    backend_goes("5");
    is_recovering(device);
    ends(device, BLKFRONT_CLOSED, BLKFRONT_DISCONNECTED,
         "the backend has not come back in time: " BACK);
    CU_ASSERT_EQUAL(fake.now_ns, 1000 + 31000000 + 100 * SECOND);
}

static void queues_without_a_ring_share_and_come_back(void)
{
    struct blkfront_device *device;
    struct blkfront_info info;

    recover_options.queues = 4;
    fake_set(&fake, BACK "/multi-queue-max-queues", "2");
    device = recoverable();
    CU_ASSERT_EQUAL(fake_queues.started, 2);
    CU_ASSERT_EQUAL(device->usable_queues, 2);
    /* More than before: opened anew. */
    fake_set(&fake, BACK "/multi-queue-max-queues", "4");
    backend_goes("5");
    settle(device);
    CU_ASSERT_EQUAL(blkfront_get_info(device, &info), BLKFRONT_OK);
    CU_ASSERT_EQUAL(info.queues, 4);
    CU_ASSERT_EQUAL(device->usable_queues, 4);
    CU_ASSERT_STRING_EQUAL(fake_get(&fake, FRONT "/multi-queue-num-queues"), "4");
    CU_ASSERT_EQUAL(fake_queues.started, 2 + 4);
    /* Fewer, because the backend says so. */
    fake_remove(&fake, BACK "/multi-queue-max-queues");
    backend_goes("5");
    settle(device);
    CU_ASSERT_EQUAL(blkfront_get_info(device, &info), BLKFRONT_OK);
    CU_ASSERT_EQUAL(info.queues, 1);
    CU_ASSERT_EQUAL(device->usable_queues, 4);
    CU_ASSERT_EQUAL(fake_queues.shared, 3);
    CU_ASSERT_EQUAL(queue_get_state(queue_at(device, 3)), QUEUE_SHARING);
    CU_ASSERT_PTR_NULL(fake_get(&fake, FRONT "/multi-queue-num-queues"));
    CU_ASSERT_PTR_NULL(fake_get(&fake, FRONT "/queue-0/ring-ref"));
    CU_ASSERT_PTR_NOT_NULL(fake_get(&fake, FRONT "/ring-ref"));
    /* Fewer, because there are no grants for more. */
    fake_set(&fake, BACK "/multi-queue-max-queues", "4");
    fake_queues.open_limit = 3;
    backend_goes("5");
    settle(device);
    CU_ASSERT_EQUAL(blkfront_get_info(device, &info), BLKFRONT_OK);
    CU_ASSERT_EQUAL(info.queues, 3);
    CU_ASSERT_EQUAL(fake_queues.shared, 4);
    CU_ASSERT_EQUAL(fake_queues.open, 3);
    fake_queues.open_limit = 0;
    disconnects(device);
    left_as_found();
}

/* I10, bug 51: everything is negotiated anew, and nothing of before is left to be read. */
static void i10_another_backend_with_other_limits_is_met_anew(void)
{
    struct blkfront_device *device;
    struct blkfront_info info;

    recover_options.ring_order = 3;
    recover_options.segments = 32;
    fake_set(&fake, BACK "/feature-max-indirect-segments", "256");
    fake_set(&fake, BACK "/feature-flush-cache", "1");
    fake_set(&fake, BACK "/feature-discard", "1");
    device = recoverable();
    CU_ASSERT_PTR_NOT_NULL(fake_get(&fake, FRONT "/ring-ref7"));
    fake_set(&fake, FRONT "/backend", BACK_2);
    fake_set(&fake, FRONT "/backend-id", "5");
    fake_set(&fake, BACK_2 "/state", "1");
    is_recovering(device);
    backend.back = BACK_2;
    backend.skips_init_wait = true; /* then only what is legal without asking */
    backend.sectors = "1024";
    backend.sector_size = "4096";
    has_recovered(device, 1);
    CU_ASSERT_EQUAL(blkfront_get_info(device, &info), BLKFRONT_OK);
    CU_ASSERT_EQUAL(info.ring_order, 0);
    CU_ASSERT_EQUAL(info.segments, 11);
    CU_ASSERT_EQUAL(info.flush, BLKFRONT_FLUSH_DRAIN);
    CU_ASSERT_FALSE(info.discard);
    CU_ASSERT_EQUAL(info.sector_size, 4096);
    CU_ASSERT_EQUAL(info.size_sectors, 128);
    CU_ASSERT_PTR_NULL(fake_get(&fake, FRONT "/ring-ref0"));
    CU_ASSERT_PTR_NULL(fake_get(&fake, FRONT "/ring-page-order"));
    CU_ASSERT_PTR_NOT_NULL(fake_get(&fake, FRONT "/ring-ref"));
    disconnects(device);
}

/* I12: a backend that begins must not find the ring of before. */
static void i12_our_nodes_are_gone_before_we_say_1(void)
{
    struct blkfront_device *device = recoverable();
    unsigned looks = 0;

    backend_goes("6");
    backend.stays_at = 6;
    settle(device);
    CU_ASSERT_STRING_EQUAL(fake_history(&fake), "3 4 6 1");
    CU_ASSERT_PTR_NULL(fake_get(&fake, FRONT "/ring-ref"));
    CU_ASSERT_PTR_NULL(fake_get(&fake, FRONT "/event-channel"));
    backend.stays_at = -2;
    while (blkfront_device_state(device) == BLKFRONT_RECOVERING && looks++ < 50) {
        const char *state = fake_get(&fake, FRONT "/state");

        CU_ASSERT_EQUAL(fake_get(&fake, FRONT "/ring-ref") == NULL, strcmp(state, "1") == 0);
        (void)poll_once(device);
        (void)backend_step(&fake);
    }
    has_recovered(device, 1);
    disconnects(device);
}

/* ---- in the middle of it ---- */

static void a_disconnect_at_each_step_ends_well(void)
{
    for (unsigned steps = 1; steps < 60; steps++) {
        struct blkfront_request request = {.complete = on_complete};
        struct blkfront_device *device;
        bool recovering;

        recover_anew();
        device = recoverable();
        fake_queues.unanswered = true;
        CU_ASSERT_EQUAL(blkfront_submit(queue_at(device, 0), &request), BLKFRONT_OK);
        backend_goes("5");
        recovering = go_some_steps(device, steps);
        blkfront_disconnect(device);
        blkfront_resume(context); /* too late to come back */
        ends(device, BLKFRONT_CLOSED, BLKFRONT_OK, "");
        CU_ASSERT_EQUAL(completions, 1);
        CU_ASSERT_EQUAL(last_result, BLKFRONT_DISCONNECTED);
        left_as_found();
        fake_queues.unanswered = false;
        disconnects(connected());
        if (!recovering) {
            CU_ASSERT_TRUE(steps > 10);
            return;
        }
    }
    CU_FAIL("it never recovers");
}

static void the_last_release_at_each_step_leaves_nothing(void)
{
    for (unsigned steps = 1; steps < 60; steps++) {
        struct blkfront_request request = {.complete = on_complete};
        struct blkfront_device *device;
        bool recovering;

        recover_anew();
        device = recoverable();
        fake_queues.unanswered = true;
        CU_ASSERT_EQUAL(blkfront_submit(queue_at(device, 0), &request), BLKFRONT_OK);
        backend_goes("5");
        recovering = go_some_steps(device, steps);
        blkfront_release(device);
        CU_ASSERT_EQUAL(completions, 1);
        CU_ASSERT_EQUAL(fake.blocks, 1);
        left_as_found();
        if (!recovering)
            return;
    }
    CU_FAIL("it never recovers");
}

/* At each step the backend is lost once more, in each of the ways. */
static void i15_a_second_loss_at_each_step_is_recovered_from(void)
{
    static const char *const ways[] = {"5", "6", "1", "2", NULL};

    for (unsigned way = 0; way < 5; way++) {
        bool recovering = true;

        for (unsigned steps = 1; recovering; steps++) {
            struct blkfront_device *device;

            CU_ASSERT_TRUE_FATAL(steps < 60);
            recover_anew();
            device = recoverable();
            backend_goes("5");
            recovering = go_some_steps(device, steps);
            if (ways[way] != NULL) {
                backend_goes(ways[way]);
            } else {
                fake_remove(&fake, BACK);
                settle(device);
                backend_goes("1");
            }
            settle_in_time(device);
            CU_ASSERT_EQUAL(blkfront_device_state(device), BLKFRONT_CONNECTED);
            CU_ASSERT_EQUAL(fake_queues.open, 1);
            CU_ASSERT_PTR_NOT_NULL(fake_get(&fake, FRONT "/ring-ref"));
            disconnects(device);
            left_as_found();
        }
    }
}

/* What the backend is found in when we look for it: the whole table, with both sides playing. */
static void i11_every_state_of_both_sides_comes_to_be_connected(void)
{
    static const char *const states[] = {"0", "1", "2", "3", "4", "5", "6", "7", "8", NULL};

    for (unsigned own = 0; own < 10; own++) {
        for (unsigned other = 0; other < 10; other++) {
            struct blkfront_device *device;

            recover_anew();
            device = recoverable();
            fake_remove(&fake, BACK);
            is_recovering(device);
            /* The toolstack has made our state anew, or so. */
            if (states[own] != NULL)
                fake_set(&fake, FRONT "/state", states[own]);
            else
                fake_remove(&fake, FRONT "/state");
            blkfront_resume(context);
            if (states[other] != NULL)
                backend_goes(states[other]);
            settle(device);
            if (other == 0 || other >= 7) {
                CU_ASSERT_EQUAL(blkfront_device_state(device), BLKFRONT_RECOVERING);
                backend_goes("2");
            }
            has_recovered(device, 1);
            disconnects(device);
            left_as_found();
        }
    }
}

static void the_same_device_is_given_while_it_recovers(void)
{
    struct blkfront_device *device = recoverable(), *again = NULL;

    fake_remove(&fake, BACK);
    is_recovering(device);
    CU_ASSERT_EQUAL(blkfront_connect(context, "xvda", NULL, &again), BLKFRONT_OK);
    CU_ASSERT_PTR_EQUAL(again, device);
    blkfront_release(again);
    backend_goes("1");
    has_recovered(device, 1);
    disconnects(device);
}

/* Pollers that do not come hold up a recovery, as they hold up an end. */
static void i11_nothing_is_written_before_the_queues_have_paused(void)
{
    struct blkfront_device *device = recoverable();

    fake_queues.deaf = true;
    backend_goes("5");
    is_recovering(device);
    CU_ASSERT_STRING_EQUAL(fake_history(&fake), "3 4");
    fake_queues.deaf = false;
    has_recovered(device, 1);
    disconnects(device);
}

/* ---- the nth call fails ---- */

static void lose(void)
{
    backend_goes("5");
}

static void i13_any_call_may_fail_once(void)
{
    fail_each_call_after(lose, false);
}

static void i13_any_call_may_fail_with_all_after_it(void)
{
    fail_each_call_after(lose, true);
}

static const struct unit_test tests[] = {
    UNIT_TEST(i5_busy_grants_are_quarantined_at_once),
    UNIT_TEST(i5_a_ring_that_finds_no_grants_is_tried_again),
    UNIT_TEST(queues_without_a_ring_share_and_come_back),
    UNIT_TEST(i10_another_backend_with_other_limits_is_met_anew),
    UNIT_TEST(i12_our_nodes_are_gone_before_we_say_1),
    UNIT_TEST(a_disconnect_at_each_step_ends_well),
    UNIT_TEST(the_last_release_at_each_step_leaves_nothing),
    UNIT_TEST(i15_a_second_loss_at_each_step_is_recovered_from),
    UNIT_TEST(i11_every_state_of_both_sides_comes_to_be_connected),
    UNIT_TEST(the_same_device_is_given_while_it_recovers),
    UNIT_TEST(i11_nothing_is_written_before_the_queues_have_paused),
    UNIT_TEST(i13_any_call_may_fail_once),
    UNIT_TEST(i13_any_call_may_fail_with_all_after_it),
};

UNIT_MAIN_WITH("recovery", recover_set_up, world_tear_down, tests)
