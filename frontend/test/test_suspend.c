/* SPDX-License-Identifier: ISC */
/*
 * Suspend, resume and migration: everything that was shared is void, we may be somebody else, and
 * the backend may be elsewhere.
 */
#include "fake_world.h"

/* ---- suspend and resume ---- */

#define FRONT_7 "/local/domain/7/device/vbd/51712"
#define BACK_7  "/local/domain/0/backend/vbd/7/51712"

/* What the platform does at a resume. */
static void watches_fire(void)
{
    for (unsigned i = 0; i < FAKE_WATCHES; i++)
        fake.watches[i].fired += fake.watches[i].set != NULL;
}

/* Another host: a new number for us, new nodes for both sides. */
static void migrate(void)
{
    fake.domid = 7;
    fake_remove(&fake, "/local/domain/3");
    fake_remove(&fake, BACK);
    add_device_at(FRONT_7, BACK_7, "0");
    backend.front = FRONT_7;
    backend.back = BACK_7;
    fake.recorded = FRONT_7 "/state";
    fake.history_count = 0;
    watches_fire();
}

static void a_device_is_found_again_after_a_migration(void)
{
    struct blkfront_device *device = connected(); /* recovers whatever the options say */
    struct blkfront_info info;

    blkfront_suspend(context);
    CU_ASSERT_EQUAL(blkfront_device_state(device), BLKFRONT_RECOVERING);
    settle(device);
    CU_ASSERT_STRING_EQUAL(fake_history(&fake), "3 4"); /* nobody is told */
    migrate();
    blkfront_resume(context);
    has_recovered(device, 1);
    CU_ASSERT_STRING_EQUAL(fake_history(&fake), "3 4");
    CU_ASSERT_EQUAL(fake_below(&fake, "/local/domain/3"), 0);
    CU_ASSERT_EQUAL(fake_queues.memories_voided, 1);
    CU_ASSERT_EQUAL(blkfront_get_info(device, &info), BLKFRONT_OK);
    CU_ASSERT_STRING_EQUAL(info.backend_path, BACK_7);
    /* And from then on as the options say. */
    backend_goes("5");
    ends(device, BLKFRONT_CLOSED, BLKFRONT_DISCONNECTED, "the backend closes: " BACK_7);
    CU_ASSERT_STRING_EQUAL(fake_history(&fake), "3 4 5 6");
}

/* The same host, and XenStore as it was: a checkpoint, or a suspend that was called off. */
static void i11_a_resume_where_nothing_has_changed_closes_first(void)
{
    for (int suspended = 0; suspended < 2; suspended++) {
        struct blkfront_device *device;

        recover_anew();
        device = connected();
        if (suspended != 0)
            blkfront_suspend(context);
        watches_fire();
        blkfront_resume(context);
        has_recovered(device, 1);
        CU_ASSERT_STRING_EQUAL(fake_history(&fake), "3 4 5 6 1 3 4");
        disconnects(device);
        left_as_found();
    }
}

/* The other side has begun anew, ours is as it was: I11, any → 1. */
static void i11_a_resume_before_a_backend_that_waits_goes_to_1(void)
{
    struct blkfront_device *device = connected();

    blkfront_suspend(context);
    settle(device);
    backend.stays_at = 2;
    backend_goes("2");
    blkfront_resume(context);
    settle(device);
    CU_ASSERT_STRING_EQUAL(fake_history(&fake), "3 4 1 3");
    backend.stays_at = -2;
    has_recovered(device, 1);
    disconnects(device);
}

static void while_suspended_nothing_is_done(void)
{
    struct blkfront_request request = {.complete = on_complete};
    struct blkfront_device *device;

    recover_options.connect_deadline_ns = SECOND;
    device = recoverable();
    blkfront_suspend(context);
    blkfront_suspend(context);
    CU_ASSERT_EQUAL(blkfront_submit(queue_at(device, 0), &request), BLKFRONT_OK);
    settle(device);
    CU_ASSERT_EQUAL(queue_get_state(queue_at(device, 0)), QUEUE_PAUSED);
    fake_remove(&fake, BACK);
    watches_fire();
    fake.now_ns += 1000 * SECOND;
    fake_fail(&fake, 0, false, 0);
    settle(device);
    CU_ASSERT_EQUAL(fake.calls, 0);
    CU_ASSERT_EQUAL(blkfront_poll_at(device), UINT64_MAX);
    CU_ASSERT_EQUAL(blkfront_device_state(device), BLKFRONT_RECOVERING);
    blkfront_resume(context);
    is_recovering(device); /* its deadline counts from the resume */
    CU_ASSERT_EQUAL(blkfront_poll_at(device), fake.now_ns + 100 * SECOND);
    backend_goes("1");
    has_recovered(device, 1);
    CU_ASSERT_EQUAL(completions, 1);
    CU_ASSERT_EQUAL(last_result, BLKFRONT_OK);
    disconnects(device);
}

/* Without a deadline of its own a resume waits for the backend as long as it takes. */
static void a_resume_waits_for_its_backend(void)
{
    struct blkfront_device *device = connected();

    blkfront_suspend(context);
    fake_remove(&fake, BACK);
    blkfront_resume(context);
    is_recovering(device);
    CU_ASSERT_EQUAL(blkfront_poll_at(device), UINT64_MAX);
    backend.stays_at = 2;
    backend_goes("2");
    is_recovering(device);
    fake_remove(&fake, BACK); /* lost once more, before it was connected */
    is_recovering(device);
    backend.stays_at = -2;
    backend_goes("1");
    has_recovered(device, 1);
    disconnects(device);
}

static void a_device_that_connects_is_suspended_too(void)
{
    for (unsigned steps = 0; steps < 8; steps++) {
        struct blkfront_device *device;

        recover_anew();
        recover_options.connect_deadline_ns = 5 * SECOND;
        device = begin(&recover_options);
        for (unsigned i = 0; i < steps && blkfront_device_state(device) == BLKFRONT_CONNECTING; i++)
            (void)(i % 2 == 0 ? poll_once(device) : backend_step(&fake));
        if (blkfront_device_state(device) != BLKFRONT_CONNECTING) {
            disconnects(device);
            continue;
        }
        blkfront_suspend(context);
        fake.now_ns += 4 * SECOND;
        settle(device);
        CU_ASSERT_EQUAL(blkfront_device_state(device), BLKFRONT_CONNECTING);
        migrate();
        blkfront_resume(context);
        has_recovered(device, 0);
        disconnects(device);
    }
}

/* It had its time to connect, and the backend does not come. */
static void i4_the_connect_deadline_holds_after_a_resume(void)
{
    struct blkfront_device *device;

    recover_options.connect_deadline_ns = 5 * SECOND;
    backend.hung = true;
    device = begin(&recover_options);
    settle(device);
    blkfront_resume(context);
    settle(device);
    CU_ASSERT_EQUAL(blkfront_device_state(device), BLKFRONT_CONNECTING);
    fake.now_ns += 5 * SECOND;
    ends(device, BLKFRONT_FAILED, BLKFRONT_DEADLINE, "not connected in time: " BACK);
}

/* A second one, during each step of the first. */
static void a_second_suspend_during_the_first_resume_is_one_more(void)
{
    bool recovering = true;

    for (unsigned steps = 0; recovering; steps++) {
        struct blkfront_device *device;

        CU_ASSERT_TRUE_FATAL(steps < 60);
        recover_anew();
        device = recoverable();
        blkfront_suspend(context);
        (void)go_some_steps(device, steps / 2);
        blkfront_resume(context);
        recovering = go_some_steps(device, steps);
        blkfront_suspend(context);
        settle(device);
        CU_ASSERT_EQUAL(blkfront_device_state(device), BLKFRONT_RECOVERING);
        migrate();
        blkfront_resume(context);
        has_recovered(device, recovering ? 1 : 2);
        CU_ASSERT_EQUAL(fake_below(&fake, "/local/domain/3"), 0);
        disconnects(device);
    }
}

static void a_disconnect_while_suspended_ends_it(void)
{
    struct blkfront_device *device = recoverable();

    blkfront_suspend(context);
    disconnects(device);
    CU_ASSERT_STRING_EQUAL(fake_history(&fake), "3 4 5 6");
    /* What has ended before is left alone, and so is what ends meanwhile. */
    device = recoverable();
    blkfront_disconnect(device);
    blkfront_suspend(context);
    settle_in_time(device);
    blkfront_suspend(context);
    blkfront_resume(context);
    ends(device, BLKFRONT_CLOSED, BLKFRONT_OK, "");
    blkfront_suspend(NULL);
    blkfront_resume(NULL);
}

/* Where everything is void there is nobody to close with, and no state of ours to be written. */
static void an_end_during_a_migration_writes_nothing(void)
{
    for (unsigned steps = 0; steps < 6; steps++) {
        struct blkfront_device *device;

        recover_anew();
        device = connected();
        blkfront_disconnect(device);
        for (unsigned i = 0; i < steps; i++)
            (void)poll_once(device);
        backend.hung = true;
        migrate();
        blkfront_resume(context);
        settle_in_time(device);
        CU_ASSERT_EQUAL(blkfront_device_state(device), BLKFRONT_CLOSED);
        CU_ASSERT_STRING_EQUAL(fake_history(&fake), "");
        CU_ASSERT_EQUAL(fake_below(&fake, "/local/domain/3"), 0);
        blkfront_release(device);
    }
}

/* Where nothing has moved, the end is an end as ever. */
static void i11_an_end_during_a_resume_closes_where_nothing_has_changed(void)
{
    for (unsigned steps = 0; steps < 6; steps++) {
        struct blkfront_device *device;

        recover_anew();
        device = connected();
        blkfront_disconnect(device);
        for (unsigned i = 0; i < steps; i++)
            (void)poll_once(device);
        watches_fire();
        blkfront_resume(context);
        ends(device, BLKFRONT_CLOSED, BLKFRONT_OK, "");
        CU_ASSERT_STRING_EQUAL(fake_history(&fake), "3 4 5 6");
        left_as_found();
    }
}

/* Also when it comes between the resume and the first poll. */
static void i11_an_end_after_a_resume_closes_where_nothing_has_changed(void)
{
    for (int released = 0; released < 2; released++) {
        struct blkfront_device *device;

        recover_anew();
        device = connected();
        watches_fire();
        blkfront_resume(context);
        if (released != 0)
            blkfront_release(device);
        else
            disconnects(device);
        CU_ASSERT_STRING_EQUAL(fake_history(&fake), "3 4 5 6");
        left_as_found();
    }
}

/* Also by the last release, before anything was polled. */
static void a_release_after_a_resume_leaves_nothing(void)
{
    struct blkfront_device *device = connected();

    blkfront_suspend(context);
    migrate();
    blkfront_resume(context);
    blkfront_release(device);
    CU_ASSERT_STRING_EQUAL(fake_history(&fake), "");
    CU_ASSERT_EQUAL(fake_below(&fake, "/local/domain/3"), 0);
    CU_ASSERT_EQUAL(fake.blocks, 1);
    CU_ASSERT_EQUAL(fake_watch_count(&fake), 0);
}

static void i20_without_a_number_of_our_own_a_resume_fails(void)
{
    struct blkfront_device *device = connected();

    blkfront_resume(context);
    fake_fail(&fake, 1, false, BLKFRONT_PLATFORM_IO);
    ends(device, BLKFRONT_FAILED, BLKFRONT_STORE, "the number of our own domain is not known");
}

static void a_device_that_did_not_come_along_is_gone(void)
{
    struct blkfront_device *device = recoverable();

    blkfront_suspend(context);
    migrate();
    fake_remove(&fake, FRONT_7);
    blkfront_resume(context);
    ends(device, BLKFRONT_CLOSED, BLKFRONT_DISCONNECTED, "the device is gone: " FRONT_7);
}

static void all_devices_of_a_context_are_suspended(void)
{
    struct blkfront_device *first = connected(), *second = NULL;

    add_device_at("/local/domain/3/device/vbd/51728", "/b/2", "0");
    CU_ASSERT_EQUAL(blkfront_connect(context, "xvdb", NULL, &second), BLKFRONT_OK);
    blkfront_suspend(context);
    CU_ASSERT_EQUAL(blkfront_device_state(first), BLKFRONT_RECOVERING);
    CU_ASSERT_TRUE(second->life->suspended);
    blkfront_resume(context);
    CU_ASSERT_FALSE(second->life->suspended);
    CU_ASSERT_TRUE(second->life->moved);
    blkfront_release(second);
    has_recovered(first, 1);
    disconnects(first);
}

/* ---- the nth call fails ---- */

static void lose(void)
{
    blkfront_resume(context);
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
    UNIT_TEST(a_device_is_found_again_after_a_migration),
    UNIT_TEST(i11_a_resume_where_nothing_has_changed_closes_first),
    UNIT_TEST(i11_a_resume_before_a_backend_that_waits_goes_to_1),
    UNIT_TEST(while_suspended_nothing_is_done),
    UNIT_TEST(a_resume_waits_for_its_backend),
    UNIT_TEST(a_device_that_connects_is_suspended_too),
    UNIT_TEST(i4_the_connect_deadline_holds_after_a_resume),
    UNIT_TEST(a_second_suspend_during_the_first_resume_is_one_more),
    UNIT_TEST(a_disconnect_while_suspended_ends_it),
    UNIT_TEST(an_end_during_a_migration_writes_nothing),
    UNIT_TEST(i11_an_end_during_a_resume_closes_where_nothing_has_changed),
    UNIT_TEST(i11_an_end_after_a_resume_closes_where_nothing_has_changed),
    UNIT_TEST(a_release_after_a_resume_leaves_nothing),
    UNIT_TEST(i20_without_a_number_of_our_own_a_resume_fails),
    UNIT_TEST(a_device_that_did_not_come_along_is_gone),
    UNIT_TEST(all_devices_of_a_context_are_suspended),
    UNIT_TEST(i13_any_call_may_fail_once),
    UNIT_TEST(i13_any_call_may_fail_with_all_after_it),
};

UNIT_MAIN_WITH("suspend", recover_set_up, world_tear_down, tests)
