/* SPDX-License-Identifier: ISC */
/*
 * A device that loses its backend and finds it again, or another (I11, I12, I15), or not in time.
 * What may come between is test_recovery.c's, what the queues do about it test_requeue.c's.
 */
#include "fake_world.h"

#define BACK_2 "/local/domain/5/backend/vbd/3/51712"

/* ---- the ways to lose a backend ---- */

static void i11_a_backend_that_closes_is_found_again(void)
{
    struct blkfront_device *device = recoverable();

    backend_goes("5");
    has_recovered(device, 1);
    CU_ASSERT_STRING_EQUAL(fake_history(&fake), "3 4 5 6 1 3 4");
    CU_ASSERT_EQUAL(fake_queues.started, 2);
    CU_ASSERT_EQUAL(fake_queues.quarantined, 0);
    CU_ASSERT_STRING_EQUAL(fake.last_log, "51712 (xvda): recovering: the backend closes: " BACK);
    disconnects(device);
    left_as_found();
}

static void i11_a_backend_that_closes_without_a_word_is_found_again(void)
{
    struct blkfront_device *device = recoverable();

    backend_goes("6");
    has_recovered(device, 1);
    CU_ASSERT_STRING_EQUAL(fake_history(&fake), "3 4 6 1 3 4");
    disconnects(device);
}

static void i12_a_backend_that_crashes_is_waited_for_with_nothing_shared(void)
{
    struct blkfront_device *device = recoverable();

    fake_remove(&fake, BACK);
    is_recovering(device);
    CU_ASSERT_STRING_EQUAL(fake_history(&fake), "3 4 6");
    CU_ASSERT_EQUAL(fake_queues.open, 0);
    left_as_found();
    CU_ASSERT_EQUAL(blkfront_poll_at(device), 1000 + 100 * SECOND);
    fake.now_ns += 50 * SECOND;
    is_recovering(device);
    backend_goes("1");
    has_recovered(device, 1);
    CU_ASSERT_STRING_EQUAL(fake_history(&fake), "3 4 6 1 3 4");
    disconnects(device);
}

static void i11_a_backend_that_begins_anew_is_closed_with_first(void)
{
    static const char *const states[] = {"1", "2"};

    for (unsigned i = 0; i < 2; i++) {
        struct blkfront_device *device;

        recover_anew();
        device = recoverable();
        backend_goes(states[i]);
        has_recovered(device, 1);
        CU_ASSERT_STRING_EQUAL(fake_history(&fake), "3 4 5 6 1 3 4");
        disconnects(device);
    }
}

static void another_backend_is_moved_to(void)
{
    struct blkfront_device *device = recoverable();
    struct blkfront_info info;

    fake_set(&fake, FRONT "/backend", BACK_2);
    fake_set(&fake, FRONT "/backend-id", "5");
    fake_set(&fake, BACK_2 "/state", "1");
    backend.stays_at = 6; /* the old one answers, and that was it */
    is_recovering(device);
    CU_ASSERT_STRING_EQUAL(fake_history(&fake), "3 4 5 6 1");
    CU_ASSERT_STRING_EQUAL(fake_get(&fake, BACK "/state"), "6");
    backend.stays_at = -2;
    backend.back = BACK_2;
    has_recovered(device, 1);
    CU_ASSERT_STRING_EQUAL(fake_history(&fake), "3 4 5 6 1 3 4");
    CU_ASSERT_EQUAL(blkfront_get_info(device, &info), BLKFRONT_OK);
    CU_ASSERT_STRING_EQUAL(info.backend_path, BACK_2);
    CU_ASSERT_EQUAL(info.backend_id, 5);
    /* The watches have moved too. */
    fake_set(&fake, BACK "/state", "5");
    settle(device);
    CU_ASSERT_EQUAL(blkfront_device_state(device), BLKFRONT_CONNECTED);
    backend_goes("5");
    has_recovered(device, 2);
    disconnects(device);
}

/* Our pages were granted to the domain of before: the number alone is enough. */
static void another_domain_of_the_backend_is_another_backend(void)
{
    struct blkfront_device *device = recoverable();
    struct blkfront_info info;

    fake_set(&fake, FRONT "/backend-id", "9");
    has_recovered(device, 1);
    CU_ASSERT_EQUAL(blkfront_get_info(device, &info), BLKFRONT_OK);
    CU_ASSERT_EQUAL(info.backend_id, 9);
    /* What is no number, or not there, says nothing. */
    fake_set(&fake, FRONT "/backend-id", "nine");
    settle(device);
    fake_remove(&fake, FRONT "/backend-id");
    has_recovered(device, 1);
    disconnects(device);
}

/* The toolstack writes one node after the other. */
static void two_nodes_that_change_one_by_one_are_two_losses(void)
{
    struct blkfront_device *device = recoverable();
    struct blkfront_info info;

    fake_set(&fake, BACK_2 "/state", "1");
    fake_set(&fake, FRONT "/backend", BACK_2);
    settle(device);
    backend.back = BACK_2;
    settle(device);
    fake_set(&fake, FRONT "/backend-id", "5");
    has_recovered(device, 2);
    CU_ASSERT_EQUAL(blkfront_get_info(device, &info), BLKFRONT_OK);
    CU_ASSERT_STRING_EQUAL(info.backend_path, BACK_2);
    CU_ASSERT_EQUAL(info.backend_id, 5);
    disconnects(device);
}

/* ---- what is final all the same ---- */

/* Our directory names another one while the first is still being closed with. */
static void another_backend_while_closing_with_the_first(void)
{
    struct blkfront_device *device = recoverable();

    backend.stays_at = 5;
    backend_goes("5");
    fake_queues.deaf = true;
    settle(device);
    fake_set(&fake, FRONT "/backend-id", "7");
    settle(device);
    CU_ASSERT_EQUAL(blkfront_device_state(device), BLKFRONT_RECOVERING);
    fake_queues.deaf = false;
    backend.stays_at = -2;
    has_recovered(device, 1);
    CU_ASSERT_EQUAL(device->agreed.backend_id, 7);
    disconnects(device);
}

static unsigned removes;

static int count_and_fail(void *unused, blkfront_transaction transaction, const char *path)
{
    (void)unused, (void)transaction, (void)path;
    removes++;
    return BLKFRONT_PLATFORM_IO;
}

/* I4, I10: our nodes of the last connection that cannot be removed now are removed with the next
 * publishing. */
static void i4_nodes_that_cannot_be_removed_do_not_stop_it(void)
{
    int (*remove_of_before)(void *, blkfront_transaction, const char *) =
        fake.platform.store_remove;
    struct blkfront_device *device = recoverable();

    removes = 0;
    fake.platform.store_remove = count_and_fail;
    fake_remove(&fake, BACK);
    is_recovering(device);
    CU_ASSERT_EQUAL(removes, 3); /* each of them, once */
    CU_ASSERT_EQUAL(device->life->stage, LIFE_HANDSHAKE);
    fake.platform.store_remove = remove_of_before;
    backend_goes("1");
    has_recovered(device, 1);
    disconnects(device);
    left_as_found();
}

static void a_device_that_the_toolstack_removes_is_gone(void)
{
    /* While it is connected, and while it recovers. */
    for (unsigned i = 0; i < 2; i++) {
        struct blkfront_device *device;

        recover_anew();
        device = recoverable();
        fake_remove(&fake, BACK);
        if (i == 1)
            is_recovering(device);
        fake_remove(&fake, FRONT);
        ends(device, BLKFRONT_CLOSED, BLKFRONT_DISCONNECTED, "the device is gone: " FRONT);
        CU_ASSERT_EQUAL(fake_below(&fake, "/local/domain/3"), 0);
    }
}

static void i3_a_violation_is_final(void)
{
    for (unsigned i = 0; i < 2; i++) {
        struct blkfront_device *device;

        recover_anew();
        device = recoverable();
        if (i == 1) {
            backend_goes("5");
            (void)blkfront_poll(device);
            CU_ASSERT_EQUAL(blkfront_device_state(device), BLKFRONT_RECOVERING);
        }
        fake_queues.violation = "response id not in flight";
        settle(device);
        CU_ASSERT_EQUAL(fake_queues.stop_result, BLKFRONT_PROTOCOL);
        fake_queues.violation = NULL;
        ends(device, BLKFRONT_FAILED, BLKFRONT_PROTOCOL, "response id not in flight");
        CU_ASSERT_STRING_EQUAL(fake_get(&fake, ERROR_AT),
                               "protocol-error: response id not in flight");
        disconnects(connected());
    }
}

static void i20_nodes_that_make_no_sense_fail_it(void)
{
    static const struct {
        const char *path, *value, *detail;
    } bad[] = {
        {FRONT "/backend", "nowhere", "not a path: " FRONT "/backend"},
        {FRONT "/backend-id", "-1", "not a domain: " FRONT "/backend-id"},
        {FRONT "/backend-id", NULL, "cannot read " FRONT "/backend-id"},
        {BACK "/sector-size", "77",
         "not a sector size of 512, 1024, 2048 or 4096: " BACK "/sector-size"},
        {BACK "/state", "many", "not a xenbus state: " BACK "/state"},
    };

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct blkfront_device *device;

        recover_anew();
        device = recoverable();
        if (i == 3)
            backend.sector_size = bad[i].value;
        backend_goes("5");
        if (i != 3 && bad[i].value != NULL)
            fake_set(&fake, bad[i].path, bad[i].value);
        else if (i != 3)
            fake_remove(&fake, bad[i].path);
        settle(device);
        if (i == 4)
            backend_goes("6");
        ends(device, BLKFRONT_FAILED, BLKFRONT_STORE, bad[i].detail);
    }
}

/* Being connected is what one recovers: before it, a backend that goes fails the connect. */
static void a_device_that_was_never_connected_does_not_recover(void)
{
    struct blkfront_device *device = begin(&recover_options);

    backend.stays_at = 2;
    settle(device);
    backend_goes("5");
    ends(device, BLKFRONT_FAILED, BLKFRONT_DISCONNECTED, "the backend closes: " BACK);
}

/* ---- deadlines ---- */

static void i4_the_deadline_ends_it_and_all_requests(void)
{
    struct blkfront_request requests[2] = {{.complete = on_complete}, {.complete = on_complete}};
    struct blkfront_device *device = recoverable();

    fake_queues.unanswered = true;
    CU_ASSERT_EQUAL(blkfront_submit(queue_at(device, 0), &requests[0]), BLKFRONT_OK);
    fake_remove(&fake, BACK);
    is_recovering(device);
    CU_ASSERT_EQUAL(blkfront_submit(queue_at(device, 0), &requests[1]), BLKFRONT_OK);
    fake.now_ns += 100 * SECOND - 1;
    is_recovering(device);
    CU_ASSERT_EQUAL(completions, 0);
    fake.now_ns++;
    settle(device);
    CU_ASSERT_EQUAL(completions, 2);
    CU_ASSERT_EQUAL(last_result, BLKFRONT_DISCONNECTED);
    ends(device, BLKFRONT_CLOSED, BLKFRONT_DISCONNECTED,
         "the backend has not come back in time: " BACK);
    CU_ASSERT_EQUAL(fake.now_ns, 1000 + 100 * SECOND);
    CU_ASSERT_PTR_NULL(fake_get(&fake, ERROR_AT));
    left_as_found();
}

/* The whole time of one recovery counts, however often it began again. */
static void i4_a_second_loss_does_not_put_off_the_deadline(void)
{
    struct blkfront_device *device = recoverable();

    backend_goes("5");
    backend.stays_at = 2;
    is_recovering(device);
    CU_ASSERT_STRING_EQUAL(fake_history(&fake), "3 4 5 6 1 3");
    fake.now_ns += 60 * SECOND;
    backend_goes("5");
    is_recovering(device);
    CU_ASSERT_STRING_EQUAL(fake_history(&fake), "3 4 5 6 1 3 5 6 1 3");
    CU_ASSERT_EQUAL(blkfront_poll_at(device), 1000 + 100 * SECOND);
    ends(device, BLKFRONT_CLOSED, BLKFRONT_DISCONNECTED,
         "the backend has not come back in time: " BACK);
}

/* One that refuses because it is still busy with the last connection is given time, more and more
 * of it: neither side is kept busy. */
static void i4_a_backend_that_refuses_is_tried_with_patience(void)
{
    struct blkfront_device *device = recoverable();
    uint64_t pause_ns = 2000000;

    backend.stays_at = 2;
    backend_goes("5");
    is_recovering(device);
    /* The first time there is no reason to. */
    backend_goes("5");
    is_recovering(device);
    for (unsigned i = 0; i < 14; i++) {
        CU_ASSERT_STRING_EQUAL(fake_get(&fake, FRONT "/state"), "3");
        backend_goes("5");
        is_recovering(device);
        CU_ASSERT_STRING_EQUAL(fake_get(&fake, FRONT "/state"), "6");
        CU_ASSERT_EQUAL(blkfront_poll_at(device), fake.now_ns + pause_ns);
        fake.now_ns += pause_ns;
        pause_ns = pause_ns < 2048000000 ? pause_ns * 2 : pause_ns;
        is_recovering(device);
    }
    backend.stays_at = -2;
    has_recovered(device, 1);
    /* The next recovery begins at once again. */
    backend_goes("5");
    settle(device);
    CU_ASSERT_EQUAL(blkfront_device_state(device), BLKFRONT_CONNECTED);
    disconnects(device);
}

static void for_ever_is_for_ever(void)
{
    struct blkfront_device *device;

    recover_options.recover_deadline_ns = UINT64_MAX;
    device = recoverable();
    fake_remove(&fake, BACK);
    is_recovering(device);
    CU_ASSERT_EQUAL(blkfront_poll_at(device), UINT64_MAX);
    fake.now_ns = UINT64_MAX - 10;
    is_recovering(device);
    backend_goes("1");
    has_recovered(device, 1);
    disconnects(device);
}

/* A backend that does not answer our 5 is left after the time that a disconnect has; it comes back
 * when it goes to 6 at last. */
static void i4_a_hung_backend_is_not_closed_with_for_ever(void)
{
    struct blkfront_device *device = recoverable();

    backend.hung = true;
    backend_goes("5");
    backend_goes("4");
    fake_set(&fake, FRONT "/backend-id", "7");
    is_recovering(device);
    CU_ASSERT_STRING_EQUAL(fake_history(&fake), "3 4 5");
    CU_ASSERT_EQUAL(blkfront_poll_at(device), 1000 + 30 * SECOND);
    fake_queues.busy = ~0u;
    fake.now_ns += 30 * SECOND;
    is_recovering(device);
    CU_ASSERT_STRING_EQUAL(fake_history(&fake), "3 4 5 6");
    CU_ASSERT_EQUAL(fake_queues.quarantined, 1); /* I5 */
    fake_queues.busy = 0;
    backend.hung = false;
    has_recovered(device, 1);
    CU_ASSERT_STRING_EQUAL(fake_history(&fake), "3 4 5 6 1 3 4");
    disconnects(device);
    fake_queues.quarantined = 0;
}

static const struct unit_test tests[] = {
    UNIT_TEST(another_backend_while_closing_with_the_first),
    UNIT_TEST(i4_nodes_that_cannot_be_removed_do_not_stop_it),
    UNIT_TEST(i11_a_backend_that_closes_is_found_again),
    UNIT_TEST(i11_a_backend_that_closes_without_a_word_is_found_again),
    UNIT_TEST(i12_a_backend_that_crashes_is_waited_for_with_nothing_shared),
    UNIT_TEST(i11_a_backend_that_begins_anew_is_closed_with_first),
    UNIT_TEST(another_backend_is_moved_to),
    UNIT_TEST(another_domain_of_the_backend_is_another_backend),
    UNIT_TEST(two_nodes_that_change_one_by_one_are_two_losses),
    UNIT_TEST(a_device_that_the_toolstack_removes_is_gone),
    UNIT_TEST(i3_a_violation_is_final),
    UNIT_TEST(i20_nodes_that_make_no_sense_fail_it),
    UNIT_TEST(a_device_that_was_never_connected_does_not_recover),
    UNIT_TEST(i4_the_deadline_ends_it_and_all_requests),
    UNIT_TEST(i4_a_second_loss_does_not_put_off_the_deadline),
    UNIT_TEST(i4_a_backend_that_refuses_is_tried_with_patience),
    UNIT_TEST(for_ever_is_for_ever),
    UNIT_TEST(i4_a_hung_backend_is_not_closed_with_for_ever),
};

UNIT_MAIN_WITH("recover", recover_set_up, world_tear_down, tests)
