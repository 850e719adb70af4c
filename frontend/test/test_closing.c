/* SPDX-License-Identifier: ISC */
/*
 * How a device ends: by the backend, by us, by a deadline, by the last release; and the nth call
 * that fails. Nothing is ever left behind, and the next connect works.
 */
#include "fake_world.h"

/* ---- the other side ends it ---- */

static void a_backend_that_closes_is_answered(void)
{
    struct blkfront_device *device = connected();

    backend.stays_at = 5;
    backend_goes("5");
    settle(device);
    CU_ASSERT_STRING_EQUAL(fake_history(&fake), "3 4 5 6");
    CU_ASSERT_EQUAL(blkfront_device_state(device), BLKFRONT_DISCONNECTING);
    CU_ASSERT_EQUAL(blkfront_device_error(device), BLKFRONT_DISCONNECTED);
    backend.stays_at = -2;
    ends(device, BLKFRONT_CLOSED, BLKFRONT_DISCONNECTED, "the backend closes: " BACK);
    CU_ASSERT_PTR_NULL(fake_get(&fake, ERROR_AT));
    left_as_found();
}

static void a_backend_that_closes_without_a_word_is_noticed(void)
{
    struct blkfront_device *device = connected();

    backend_goes("6");
    ends(device, BLKFRONT_CLOSED, BLKFRONT_DISCONNECTED, "the backend has closed: " BACK);
    CU_ASSERT_STRING_EQUAL(fake_history(&fake), "3 4 6");
}

static void a_backend_that_crashes_is_not_waited_for(void)
{
    struct blkfront_device *device = connected();

    fake_queues.busy = ~0u;
    fake_remove(&fake, BACK);
    settle(device);
    CU_ASSERT_EQUAL(fake_queues.quarantined, 1);
    CU_ASSERT_EQUAL(blkfront_quarantined(context), 1);
    CU_ASSERT_EQUAL(fake.now_ns, 1000);
    ends(device, BLKFRONT_CLOSED, BLKFRONT_DISCONNECTED, "the backend is gone: " BACK);
    CU_ASSERT_STRING_EQUAL(fake_history(&fake), "3 4 6");
    left_as_found();
    fake_queues.quarantined = 0;
}

static void a_backend_that_restarts_has_lost_the_ring(void)
{
    struct blkfront_device *device = connected();

    backend_goes("2");
    ends(device, BLKFRONT_CLOSED, BLKFRONT_DISCONNECTED, "the backend has restarted: " BACK);
}

static void a_device_that_the_toolstack_removes_leaves_no_litter(void)
{
    struct blkfront_device *device = connected();

    fake_remove(&fake, BACK);
    fake_remove(&fake, FRONT);
    ends(device, BLKFRONT_CLOSED, BLKFRONT_DISCONNECTED, "the device is gone: " FRONT);
    CU_ASSERT_EQUAL(fake_below(&fake, "/local/domain/3"), 0);
}

static void another_backend_path_ends_the_connection(void)
{
    struct blkfront_device *device = connected();

    fake_set(&fake, FRONT "/backend", "/local/domain/1/backend/vbd/3/51712");
    ends(device, BLKFRONT_CLOSED, BLKFRONT_DISCONNECTED, "another backend now: " FRONT "/backend");
}

/* Our pages were granted to the domain of before: the number alone is enough. */
static void another_domain_of_the_backend_ends_the_connection(void)
{
    struct blkfront_device *device = connected();

    /* What is no number, or not there, says nothing. */
    fake_set(&fake, FRONT "/backend-id", "nine");
    settle(device);
    fake_remove(&fake, FRONT "/backend-id");
    settle(device);
    CU_ASSERT_EQUAL(blkfront_device_state(device), BLKFRONT_CONNECTED);
    fake_set(&fake, FRONT "/backend-id", "9");
    ends(device, BLKFRONT_CLOSED, BLKFRONT_DISCONNECTED, "another backend now: " FRONT "/backend");
}

/* I4: whatever the backend does while we connect, there is an end. */
static void a_backend_that_ends_while_we_connect_fails_the_connect(void)
{
    static const char *const end_states[] = {"5", "6", NULL};

    for (int at = 1; at <= 2; at++) { /* we wait in 1, or in 3 */
        for (unsigned e = 0; e < 3; e++) {
            struct blkfront_device *device;

            world_anew();
            backend.stays_at = at;
            device = begin(NULL);
            settle(device);
            CU_ASSERT_STRING_EQUAL(fake_get(&fake, FRONT "/state"), at == 1 ? "1" : "3");
            backend.stays_at = -2;
            if (end_states[e] != NULL)
                backend_goes(end_states[e]);
            else
                fake_remove(&fake, BACK);
            settle_in_time(device);
            CU_ASSERT_EQUAL(blkfront_device_state(device), BLKFRONT_FAILED);
            CU_ASSERT_EQUAL(blkfront_device_error(device), BLKFRONT_DISCONNECTED);
            CU_ASSERT_STRING_EQUAL(fake_get(&fake, FRONT "/state"), "6");
            left_as_found();
            blkfront_release(device);
        }
    }
}

static void i4_a_backend_cannot_make_us_reset_for_ever(void)
{
    struct blkfront_device *device = begin(NULL);
    unsigned rounds = 0;

    backend.hung = true;
    while (blkfront_device_state(device) == BLKFRONT_CONNECTING && rounds++ < 50) {
        backend_goes("4");
        settle(device);
        backend_goes("6");
        settle(device);
    }
    CU_ASSERT(rounds < 20);
    ends(device, BLKFRONT_FAILED, BLKFRONT_PROTOCOL,
         "connects without a ring again and again: " BACK);
}

/* I11: a backend that answers what it found of our predecessor comes back for our 1; one that goes
 * on and on with that is not followed for ever (I4). */
static void i4_a_backend_that_ends_again_and_again_is_not_followed(void)
{
    struct blkfront_device *device;
    unsigned rounds = 0;

    fake_set(&fake, FRONT "/state", "6");
    backend.stays_at = 2;
    device = begin(NULL);
    settle(device);
    CU_ASSERT_STRING_EQUAL(fake_history(&fake), "1 3");
    backend_goes("6");
    settle_in_time(device);
    CU_ASSERT_STRING_EQUAL(fake_history(&fake), "1 3 6 1 3");
    while (blkfront_device_state(device) == BLKFRONT_CONNECTING && rounds++ < 50) {
        backend_goes(rounds % 2 == 0 ? "6" : "5");
        settle_in_time(device);
    }
    CU_ASSERT_EQUAL(rounds, 8);
    CU_ASSERT_EQUAL(blkfront_device_state(device), BLKFRONT_FAILED);
    CU_ASSERT_EQUAL(blkfront_device_error(device), BLKFRONT_DISCONNECTED);
    blkfront_release(device);
    left_as_found();
}

/* One that has gone altogether comes back for nothing. */
static void a_backend_that_goes_while_we_reopen_is_not_waited_for(void)
{
    struct blkfront_device *device;

    fake_set(&fake, FRONT "/state", "6");
    backend.stays_at = 2;
    device = begin(NULL);
    settle(device);
    CU_ASSERT_STRING_EQUAL(fake_history(&fake), "1 3");
    fake_remove(&fake, BACK);
    ends(device, BLKFRONT_FAILED, BLKFRONT_DISCONNECTED, "the backend is gone: " BACK);
    CU_ASSERT_STRING_EQUAL(fake_history(&fake), "1 3 6");
}

/* ---- ending it ourselves ---- */

static void i11_nothing_is_written_before_the_queues_have_stopped(void)
{
    struct blkfront_device *device = connected();

    fake_queues.deaf = true;
    blkfront_disconnect(device);
    settle(device);
    CU_ASSERT_STRING_EQUAL(fake_history(&fake), "3 4");
    CU_ASSERT_EQUAL(blkfront_poll_at(device), UINT64_MAX);
    fake_queues.deaf = false;
    ends(device, BLKFRONT_CLOSED, BLKFRONT_OK, "");
}

static void i5_busy_grants_are_tried_again_and_then_gone(void)
{
    struct blkfront_device *device = connected();

    fake_queues.busy = 5;
    blkfront_disconnect(device);
    settle(device);
    CU_ASSERT_EQUAL(blkfront_device_state(device), BLKFRONT_DISCONNECTING);
    CU_ASSERT_EQUAL(fake_queues.busy, 4);
    ends(device, BLKFRONT_CLOSED, BLKFRONT_OK, "");
    CU_ASSERT_EQUAL(fake_queues.quarantined, 0);
    CU_ASSERT_EQUAL(fake.now_ns, 1000 + 31000000);
}

static void i5_grants_that_stay_busy_are_quarantined_at_the_deadline(void)
{
    struct blkfront_device *device = connected();

    fake_queues.busy = ~0u;
    blkfront_disconnect(device);
    ends(device, BLKFRONT_CLOSED, BLKFRONT_OK, "");
    CU_ASSERT_EQUAL(fake_queues.quarantined, 1);
    CU_ASSERT_EQUAL(fake.now_ns, 1000 + 30 * SECOND);
    left_as_found();
    blkfront_destroy(context);
    CU_ASSERT_STRING_EQUAL(fake.last_log, "1 pages are still mapped by a backend");
    fake_queues_init();
    blkfront_create(&fake.platform, &context);
}

static void i4_a_hung_backend_is_left_at_the_deadline(void)
{
    struct blkfront_device *device = connected();

    backend.hung = true;
    blkfront_disconnect(device);
    settle(device);
    CU_ASSERT_STRING_EQUAL(fake_history(&fake), "3 4 5");
    CU_ASSERT_EQUAL(blkfront_poll_at(device), 1000 + 30 * SECOND);
    ends(device, BLKFRONT_CLOSED, BLKFRONT_OK, "");
    CU_ASSERT_STRING_EQUAL(fake_history(&fake), "3 4 5 6");
    left_as_found();
}

static void i4_without_a_deadline_a_hung_backend_is_waited_for(void)
{
    struct blkfront_options options;
    struct blkfront_device *device;

    blkfront_options_init(&options);
    options.disconnect_deadline_ns = 0;
    device = begin(&options);
    settle(device);
    backend.hung = true;
    blkfront_disconnect(device);
    settle(device);
    fake.now_ns += 1000000 * SECOND;
    settle(device);
    CU_ASSERT_EQUAL(blkfront_device_state(device), BLKFRONT_DISCONNECTING);
    CU_ASSERT_EQUAL(blkfront_poll_at(device), UINT64_MAX);
    backend.hung = false;
    ends(device, BLKFRONT_CLOSED, BLKFRONT_OK, "");
}

/* A node that says 0, or nothing of sense, is a backend that has begun anew: it lets nothing go. */
static void i4_pages_of_a_backend_that_is_gone_are_not_waited_for(void)
{
    struct blkfront_device *device = connected();

    fake_queues.busy = ~0u;
    backend.stays_at = 0;
    backend_goes("0");
    settle(device);
    CU_ASSERT_EQUAL(fake_queues.quarantined, 1);
    CU_ASSERT_EQUAL(fake.now_ns, 1000);
    ends(device, BLKFRONT_CLOSED, BLKFRONT_DISCONNECTED, "the backend is gone: " BACK);
    fake_queues.quarantined = 0;
}

static void a_violation_fails_the_device_and_is_told(void)
{
    struct blkfront_device *device = connected();

    fake_queues.violation = "response id not in flight";
    settle(device);
    CU_ASSERT_EQUAL(fake_queues.stop_result, BLKFRONT_PROTOCOL);
    fake_queues.violation = NULL;
    ends(device, BLKFRONT_FAILED, BLKFRONT_PROTOCOL, "response id not in flight");
    CU_ASSERT_STRING_EQUAL(fake_get(&fake, ERROR_AT), "protocol-error: response id not in flight");
    CU_ASSERT_STRING_EQUAL(fake.last_log,
                           "51712 (xvda): protocol-error: response id not in flight");
    CU_ASSERT_STRING_EQUAL(fake_history(&fake), "3 4 5 6");
    left_as_found();
    blkfront_release(connected());
}

static void the_last_release_cuts_off_at_once(void)
{
    struct blkfront_device *device = connected();

    backend.hung = true;
    fake_queues.busy = 1;
    blkfront_release(device);
    CU_ASSERT_STRING_EQUAL(fake_history(&fake), "3 4 5 6");
    CU_ASSERT_EQUAL(fake_queues.quarantined, 1);
    CU_ASSERT_EQUAL(fake.blocks, 1);
    CU_ASSERT_EQUAL(fake_watch_count(&fake), 0);
    left_as_found();
}

static unsigned failing_removes;
static int (*remove_of_before)(void *context, blkfront_transaction transaction, const char *path);

static int remove_failure;

static int remove_or_fail(void *unused, blkfront_transaction transaction, const char *path)
{
    if (failing_removes > 0) {
        failing_removes--;
        return remove_failure;
    }
    return remove_of_before(unused, transaction, path);
}

/* Nobody comes back for what is left then: it is tried at once. */
static void i12_the_last_release_removes_its_nodes_at_the_second_try(void)
{
    struct blkfront_device *device;

    remove_of_before = fake.platform.store_remove;
    fake.platform.store_remove = remove_or_fail;
    remove_failure = BLKFRONT_PLATFORM_IO;
    device = connected();
    failing_removes = 1;
    blkfront_release(device);
    left_as_found();
    device = connected();
    failing_removes = ~0u;
    blkfront_release(device);
    CU_ASSERT_PTR_NOT_NULL(fake_get(&fake, FRONT "/ring-ref"));
    failing_removes = 0;
    device = connected();
    blkfront_disconnect(device);
    ends(device, BLKFRONT_CLOSED, BLKFRONT_OK, "");
    left_as_found();
}

/* Time is up with the first try: then it is tried at once, too. What fails keeps nothing else. */
static void i12_at_the_deadline_nodes_are_removed_at_the_second_try(void)
{
    struct blkfront_device *device;

    remove_of_before = fake.platform.store_remove;
    fake.platform.store_remove = remove_or_fail;
    remove_failure = BLKFRONT_PLATFORM_IO;
    device = connected();
    backend.hung = true;
    failing_removes = 1;
    blkfront_disconnect(device);
    ends(device, BLKFRONT_CLOSED, BLKFRONT_OK, "");
    left_as_found();
    backend.hung = false;
    device = connected();
    failing_removes = 1;
    fake_remove(&fake, BACK);
    settle(device);
    CU_ASSERT_EQUAL(blkfront_device_state(device), BLKFRONT_DISCONNECTING);
    CU_ASSERT_PTR_NOT_NULL(fake_get(&fake, FRONT "/protocol"));
    CU_ASSERT_PTR_NULL(fake_get(&fake, FRONT "/ring-ref"));
    ends(device, BLKFRONT_CLOSED, BLKFRONT_DISCONNECTED, "the backend is gone: " BACK);
    left_as_found();
}

/* What is denied is not waited for, but tried as often as what fails. */
static void i12_nodes_that_are_denied_are_tried_again_at_once(void)
{
    struct blkfront_device *device;

    remove_of_before = fake.platform.store_remove;
    fake.platform.store_remove = remove_or_fail;
    remove_failure = BLKFRONT_PLATFORM_DENIED;
    device = connected();
    failing_removes = 30;
    blkfront_disconnect(device);
    settle(device);
    CU_ASSERT_EQUAL(blkfront_device_state(device), BLKFRONT_CLOSED);
    CU_ASSERT_EQUAL(failing_removes, 0);
    blkfront_release(device);
    left_as_found();
    device = connected();
    failing_removes = ~0u;
    blkfront_disconnect(device);
    ends(device, BLKFRONT_CLOSED, BLKFRONT_OK, "");
    CU_ASSERT_PTR_NOT_NULL(fake_get(&fake, FRONT "/ring-ref"));
    failing_removes = 0;
}

static int (*read_of_before)(void *context, blkfront_transaction transaction, const char *path,
                             char *buffer, size_t size, size_t *length);

static int deny_backend_node(void *unused, blkfront_transaction transaction, const char *path,
                             char *buffer, size_t size, size_t *length)
{
    if (strcmp(path, FRONT "/backend") == 0)
        return BLKFRONT_PLATFORM_DENIED;
    return read_of_before(unused, transaction, path, buffer, size, length);
}

/* What may not be read is not gone: it is closed, and tidied. */
static void i12_a_directory_that_may_not_be_read_is_left_as_found(void)
{
    struct blkfront_device *device = connected();

    read_of_before = fake.platform.store_read;
    fake.platform.store_read = deny_backend_node;
    fake_set(&fake, FRONT "/backend", "");
    ends(device, BLKFRONT_FAILED, BLKFRONT_STORE, "cannot read " FRONT "/backend");
    CU_ASSERT_STRING_EQUAL(fake_history(&fake), "3 4 5 6");
    fake.platform.store_read = read_of_before;
    left_as_found();
}

static struct blkfront_device *reconnected;

static void connect_again(struct blkfront_request *request, int result)
{
    struct blkfront_device *device = request->context;

    CU_ASSERT_EQUAL(result, BLKFRONT_DISCONNECTED);
    CU_ASSERT_EQUAL(blkfront_poll(device), 0);
    blkfront_disconnect(device);
    blkfront_release(device); /* once too often */
    CU_ASSERT_EQUAL(blkfront_submit(blkfront_get_queue(device, 0), request), BLKFRONT_DISCONNECTED);
    CU_ASSERT_EQUAL(blkfront_connect(context, "xvda", NULL, &reconnected), BLKFRONT_OK);
    CU_ASSERT_PTR_NOT_EQUAL(reconnected, device);
}

static void a_completion_during_the_last_release_may_do_anything(void)
{
    struct blkfront_device *device = connected();
    struct blkfront_request request = {.complete = connect_again, .context = device};

    fake_queues.unanswered = true;
    CU_ASSERT_EQUAL(blkfront_submit(blkfront_get_queue(device, 0), &request), BLKFRONT_OK);
    blkfront_release(device);
    settle(reconnected);
    CU_ASSERT_EQUAL(blkfront_device_state(reconnected), BLKFRONT_CONNECTED);
    blkfront_release(reconnected);
}

static void a_context_that_goes_takes_its_devices_along(void)
{
    (void)connected();
    blkfront_destroy(context);
    CU_ASSERT_EQUAL(fake.blocks, 0);
    fake_queues_init();
    blkfront_create(&fake.platform, &context);
}

/* Disconnecting in every moment of connecting. */
static void a_disconnect_at_each_step_of_the_handshake_ends_well(void)
{
    for (unsigned steps = 0; steps < 12; steps++) {
        struct blkfront_device *device;

        world_anew();
        device = begin(NULL);
        for (unsigned i = 0; i < steps; i++) {
            if (i % 2 == 0)
                (void)poll_once(device);
            else
                (void)backend_step(&fake);
        }
        blkfront_disconnect(device);
        ends(device, BLKFRONT_CLOSED, BLKFRONT_OK, "");
        left_as_found();
        CU_ASSERT_STRING_EQUAL(fake_get(&fake, FRONT "/state"), steps == 0 ? "1" : "6");
        blkfront_release(connected());
    }
}

/* ---- the nth call fails ---- */

static bool run_once(void)
{
    struct blkfront_device *device = NULL;
    int error = blkfront_connect(context, "xvda", NULL, &device);

    if (error != BLKFRONT_OK) {
        CU_ASSERT_PTR_NULL(device);
        CU_ASSERT(error == BLKFRONT_NO_MEMORY || error == BLKFRONT_STORE ||
                  error == BLKFRONT_NO_DEVICE);
        CU_ASSERT(blkfront_detail(context)[0] != '\0');
        return false;
    }
    settle(device);
    blkfront_disconnect(device);
    settle_in_time(device);
    CU_ASSERT(blkfront_device_state(device) == BLKFRONT_CLOSED ||
              blkfront_device_state(device) == BLKFRONT_FAILED);
    CU_ASSERT_EQUAL(fake_queues.open, 0);
    error = blkfront_device_error(device);
    CU_ASSERT_EQUAL(error != BLKFRONT_OK, blkfront_device_detail(device)[0] != '\0');
    blkfront_release(device);
    return error == BLKFRONT_OK;
}

/* Nothing leaks, the device comes to an end, and the next connect works. */
static void fail_each_call(bool ever_after, int result)
{
    for (unsigned n = 1; n < 500; n++) {
        unsigned failures;

        world_anew();
        fake_fail(&fake, n, ever_after, result);
        (void)run_once();
        failures = fake.failures;
        fake_fail(&fake, 0, false, 0);
        CU_ASSERT_EQUAL(fake.blocks, 1);
        CU_ASSERT_EQUAL(fake.sets_open, 0);
        CU_ASSERT_FALSE(fake.in_transaction);
        if (!ever_after)
            left_as_found();
        CU_ASSERT_TRUE(run_once());
        left_as_found();
        if (failures == 0) {
            CU_ASSERT(n > 40);
            return;
        }
    }
    CU_FAIL("the calls never end");
}

static void i13_any_call_may_fail_once(void)
{
    fail_each_call(false, BLKFRONT_PLATFORM_IO);
    fail_each_call(false, BLKFRONT_PLATFORM_NO_MEMORY);
    fail_each_call(false, BLKFRONT_PLATFORM_AGAIN);
    fail_each_call(false, BLKFRONT_PLATFORM_DENIED);
}

static void i13_any_call_may_fail_with_all_after_it(void)
{
    fail_each_call(true, BLKFRONT_PLATFORM_IO);
    fail_each_call(true, BLKFRONT_PLATFORM_NO_MEMORY);
    fail_each_call(true, BLKFRONT_PLATFORM_AGAIN);
    fail_each_call(true, BLKFRONT_PLATFORM_DENIED);
    fail_each_call(true, BLKFRONT_PLATFORM_NO_ENTRY);
}

static const struct unit_test tests[] = {
    UNIT_TEST(a_backend_that_closes_is_answered),
    UNIT_TEST(a_backend_that_closes_without_a_word_is_noticed),
    UNIT_TEST(a_backend_that_crashes_is_not_waited_for),
    UNIT_TEST(a_backend_that_restarts_has_lost_the_ring),
    UNIT_TEST(a_device_that_the_toolstack_removes_leaves_no_litter),
    UNIT_TEST(another_backend_path_ends_the_connection),
    UNIT_TEST(another_domain_of_the_backend_ends_the_connection),
    UNIT_TEST(a_backend_that_ends_while_we_connect_fails_the_connect),
    UNIT_TEST(i4_a_backend_cannot_make_us_reset_for_ever),
    UNIT_TEST(i4_a_backend_that_ends_again_and_again_is_not_followed),
    UNIT_TEST(a_backend_that_goes_while_we_reopen_is_not_waited_for),
    UNIT_TEST(i11_nothing_is_written_before_the_queues_have_stopped),
    UNIT_TEST(i5_busy_grants_are_tried_again_and_then_gone),
    UNIT_TEST(i5_grants_that_stay_busy_are_quarantined_at_the_deadline),
    UNIT_TEST(i4_a_hung_backend_is_left_at_the_deadline),
    UNIT_TEST(i4_without_a_deadline_a_hung_backend_is_waited_for),
    UNIT_TEST(i4_pages_of_a_backend_that_is_gone_are_not_waited_for),
    UNIT_TEST(a_violation_fails_the_device_and_is_told),
    UNIT_TEST(the_last_release_cuts_off_at_once),
    UNIT_TEST(i12_the_last_release_removes_its_nodes_at_the_second_try),
    UNIT_TEST(i12_at_the_deadline_nodes_are_removed_at_the_second_try),
    UNIT_TEST(i12_nodes_that_are_denied_are_tried_again_at_once),
    UNIT_TEST(i12_a_directory_that_may_not_be_read_is_left_as_found),
    UNIT_TEST(a_completion_during_the_last_release_may_do_anything),
    UNIT_TEST(a_context_that_goes_takes_its_devices_along),
    UNIT_TEST(a_disconnect_at_each_step_of_the_handshake_ends_well),
    UNIT_TEST(i13_any_call_may_fail_once),
    UNIT_TEST(i13_any_call_may_fail_with_all_after_it),
};

UNIT_MAIN_WITH("closing", world_set_up, world_tear_down, tests)
