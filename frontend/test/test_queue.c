/* SPDX-License-Identifier: ISC */
/*
 * A queue's poll: correlation (I2), hostile producers (I3), events (I14), completions that submit
 * again, deadlines. Its life is test_life.c's.
 */
#include "plain.h"

/* ---- responses ---- */

static void i2_responses_in_any_order_complete_their_own_requests(void)
{
    enum { COUNT = 8 };
    struct rig_call calls[COUNT];
    struct rig_request requests[COUNT];

    for (uint64_t i = 0; i < COUNT; i++)
        calls[i] = page_read(i * 8);
    start();
    submit_all(calls, COUNT);
    for (int i = 0; i < COUNT; i++) {
        CU_ASSERT_TRUE(rig_take(&rig, &requests[i]));
        CU_ASSERT_EQUAL(requests[i].sector_512, (uint64_t)i * 8);
    }
    for (int i = COUNT - 1; i >= 0; i--) {
        rig_respond(&rig, requests[i].id, BLKIF_WIRE_READ, i == 3 ? -1 : 0);
        rig_poll(&rig);
        CU_ASSERT_EQUAL(calls[i].completions, 1);
        CU_ASSERT_EQUAL(calls[i].result, i == 3 ? BLKFRONT_IO_ERROR : BLKFRONT_OK);
        CU_ASSERT_EQUAL(calls[i].order, COUNT - i);
    }
    CU_ASSERT_EQUAL(rig_statistics(&rig).requests, COUNT);
    finish();
}

/* One good response, then a bad one: the good one counts, then nothing is read any more. */
static void check_violation(uint64_t wrong_id, uint8_t operation, const char *reason)
{
    struct rig_call calls[3] = {page_read(0), page_read(8), page_read(16)};
    struct rig_request requests[3];

    rig_init(&rig, true);
    start();
    submit_all(calls, 3);
    for (int i = 0; i < 3; i++)
        CU_ASSERT_TRUE(rig_take(&rig, &requests[i]));
    rig_respond(&rig, requests[0].id, BLKIF_WIRE_READ, 0);
    rig_respond(&rig, wrong_id == 0 ? requests[0].id : requests[1].id ^ wrong_id, operation, 0);
    rig_respond(&rig, requests[2].id, BLKIF_WIRE_READ, 0);
    rig_event(&rig);
    rig_poll(&rig);
    CU_ASSERT_STRING_EQUAL_FATAL(queue_violation(rig.queue), reason);
    CU_ASSERT_TRUE(rig.device_wakes > 0);
    CU_ASSERT_EQUAL(calls[0].result, BLKFRONT_OK);
    rig_poll(&rig);
    CU_ASSERT_EQUAL(calls[0].completions, 1);
    CU_ASSERT_EQUAL(calls[1].completions + calls[2].completions, 0);

    /* Taken, but nothing goes out any more. */
    struct rig_call late = page_read(0);

    CU_ASSERT_EQUAL(rig_submit(&rig, &late), BLKFRONT_OK);
    rig_poll(&rig);
    CU_ASSERT_EQUAL(rig_waiting_requests(&rig), 0);
    rig_close(&rig, BLKFRONT_PROTOCOL);
    CU_ASSERT_EQUAL(calls[1].result, BLKFRONT_PROTOCOL);
    CU_ASSERT_EQUAL(calls[2].result, BLKFRONT_PROTOCOL);
    CU_ASSERT_EQUAL(calls[1].completions + calls[2].completions + late.completions, 3);
    CU_ASSERT_EQUAL(rig_left(&rig), 0);
}

static void i2_a_second_response_to_one_request_is_refused(void)
{
    check_violation(0, BLKIF_WIRE_READ, "response id not in flight");
}

static void i2_a_wrong_id_is_refused(void)
{
    check_violation(0x100, BLKIF_WIRE_READ, "response id not in flight");
    check_violation(UINT64_C(1) << 40, BLKIF_WIRE_READ, "response id not in flight");
    check_violation(UINT64_C(1) << 63, BLKIF_WIRE_READ, "response id not in flight");
}

static void i2_a_wrong_operation_is_refused(void)
{
    struct rig_call call = page_read(0);
    struct rig_request request;

    rig_init(&rig, true);
    start();
    CU_ASSERT_EQUAL(rig_submit(&rig, &call), BLKFRONT_OK);
    CU_ASSERT_TRUE(rig_take(&rig, &request));
    rig_respond(&rig, request.id, BLKIF_WIRE_WRITE, 0);
    rig_poll(&rig);
    CU_ASSERT_STRING_EQUAL(queue_violation(rig.queue), "response operation does not match");
    finish();
}

static void i3_a_producer_out_of_range_is_refused(void)
{
    static const uint32_t ahead[] = {2, 33, 0x80000000, UINT32_MAX};

    for (size_t i = 0; i < sizeof(ahead) / sizeof(ahead[0]); i++) {
        struct rig_call call = page_read(0);

        rig_init(&rig, true);
        start();
        CU_ASSERT_EQUAL(rig_submit(&rig, &call), BLKFRONT_OK);
        rig_words(&rig, 0)->rsp_prod += ahead[i];
        rig_poll(&rig);
        CU_ASSERT_STRING_EQUAL(queue_violation(rig.queue), "response producer index out of range");
        CU_ASSERT_EQUAL(call.completions, 0);
        rig_close(&rig, BLKFRONT_PROTOCOL);
        CU_ASSERT_EQUAL(call.result, BLKFRONT_PROTOCOL);
        CU_ASSERT_EQUAL(rig_left(&rig), 0);
    }
}

static void more_requests_than_the_ring_holds_wait_in_order(void)
{
    enum { COUNT = 100 };
    static struct rig_call calls[COUNT];
    static struct blkfront_request *requests[COUNT];
    size_t taken;

    for (uint64_t i = 0; i < COUNT; i++) {
        calls[i] = page_read(i * 8);
        calls[i].request.context = &calls[i];
        requests[i] = &calls[i].request;
    }
    rig.device.options.pool_pages = 352;
    start();
    CU_ASSERT_EQUAL(blkfront_submit_many(rig.queue, requests, COUNT, &taken), BLKFRONT_OK);
    CU_ASSERT_EQUAL(taken, COUNT);
    CU_ASSERT_EQUAL(rig_waiting_requests(&rig), 32);
    CU_ASSERT_EQUAL(rig.fake.notifies, 1);
    rig_settle(&rig);
    for (int i = 0; i < COUNT; i++) {
        CU_ASSERT_EQUAL(calls[i].completions, 1);
        CU_ASSERT_EQUAL(calls[i].order, i + 1);
    }
    finish();
}

static void submit_many_takes_up_to_the_first_that_is_refused(void)
{
    struct rig_call calls[3] = {page_read(0), page_read(RIG_UNITS), page_read(8)};
    struct blkfront_request *requests[3];
    size_t taken;

    for (int i = 0; i < 3; i++) {
        calls[i].request.context = &calls[i];
        requests[i] = &calls[i].request;
    }
    start();
    CU_ASSERT_EQUAL(blkfront_submit_many(rig.queue, requests, 3, &taken), BLKFRONT_OUT_OF_RANGE);
    CU_ASSERT_EQUAL(taken, 1);
    requests[0] = NULL;
    CU_ASSERT_EQUAL(blkfront_submit_many(rig.queue, requests, 1, &taken), BLKFRONT_INVALID);
    rig_settle(&rig);
    CU_ASSERT_EQUAL(calls[0].completions, 1);
    CU_ASSERT_EQUAL(calls[1].completions + calls[2].completions, 0);
    finish();
}

/* ---- completions that submit ---- */

static int again;

static void submit_again(struct rig_call *call)
{
    if (again-- > 0)
        CU_ASSERT_EQUAL(blkfront_submit(rig.queue, &call->request), BLKFRONT_OK);
    CU_ASSERT_EQUAL(blkfront_queue_poll(rig.queue), 0); /* not from inside itself */
}

static void a_completion_may_submit_its_request_again(void)
{
    struct rig_call calls[2] = {page_read(0), page_read(8)};

    again = 100;
    calls[0].then = submit_again;
    calls[1].then = submit_again;
    start();
    submit_all(calls, 2);
    rig_settle(&rig);
    CU_ASSERT_EQUAL(calls[0].completions + calls[1].completions, 102);
    finish();
}

static void i4_a_completion_that_submits_nothing_for_ever_does_not_hang_a_poll(void)
{
    struct rig_call call = rig_call(BLKFRONT_READ, 0, NULL, 0);

    again = INT32_MAX;
    call.then = submit_again;
    start();
    CU_ASSERT_EQUAL(rig_submit(&rig, &call), BLKFRONT_OK);
    for (int i = 1; i < 5; i++) {
        CU_ASSERT_EQUAL(blkfront_queue_poll(rig.queue), 1);
        CU_ASSERT_EQUAL(call.completions, i);
    }
    again = 0;
    rig_poll(&rig);
    finish();
}

static void nothing_completes_inside_submit(void)
{
    struct rig_call calls[40];

    start();
    for (int i = 0; i < 40; i++) {
        calls[i] = page_read(0);
        CU_ASSERT_EQUAL(rig_submit(&rig, &calls[i]), BLKFRONT_OK);
        (void)rig_serve(&rig);
        CU_ASSERT_EQUAL(calls[i].completions, 0);
    }
    rig_settle(&rig);
    for (int i = 0; i < 40; i++)
        CU_ASSERT_EQUAL(calls[i].completions, 1);
    finish();
}

/* ---- events ---- */

static void i14_an_event_is_taken_once_and_unmasked(void)
{
    struct rig_call call = page_read(0);

    start();
    CU_ASSERT_EQUAL(rig_submit(&rig, &call), BLKFRONT_OK);
    (void)rig_serve(&rig);
    rig_poll(&rig);
    CU_ASSERT_EQUAL(call.completions, 1);
    CU_ASSERT_FALSE(rig.fake.masked);
    CU_ASSERT_EQUAL(rig_statistics(&rig).events, 1);
    CU_ASSERT_EQUAL(rig_statistics(&rig).spurious_events, 0);
    rig_event(&rig);
    rig_poll(&rig);
    CU_ASSERT_EQUAL(rig_statistics(&rig).events, 2);
    CU_ASSERT_EQUAL(rig_statistics(&rig).spurious_events, 1);
    CU_ASSERT_FALSE(rig.fake.masked);
    finish();
}

static void i14_a_response_without_an_event_is_found_by_a_poll(void)
{
    struct rig_call call = page_read(0);

    start();
    CU_ASSERT_EQUAL(rig_submit(&rig, &call), BLKFRONT_OK);
    (void)rig_serve(&rig);
    rig.fake.pending = false;
    rig_poll(&rig);
    CU_ASSERT_EQUAL(call.completions, 1);
    CU_ASSERT_EQUAL(rig_words(&rig, 0)->rsp_event, 2);
    finish();
}

static void i14_no_notify_while_the_backend_is_busy(void)
{
    struct rig_call calls[4] = {page_read(0), page_read(0), page_read(0), page_read(0)};

    start();
    submit_all(calls, 1);
    CU_ASSERT_EQUAL(rig.fake.notifies, 1);
    submit_all(calls + 1, 2);
    CU_ASSERT_EQUAL(rig.fake.notifies, 1);
    rig_words(&rig, 0)->req_event = 4;
    submit_all(calls + 3, 1);
    CU_ASSERT_EQUAL(rig.fake.notifies, 2);
    CU_ASSERT_EQUAL(rig_statistics(&rig).notifications, 2);
    rig_settle(&rig);
    finish();
}

/* Before it sleeps it asks, and looks once more: what has come meanwhile has no event. */
static void i14_a_watched_queue_asks_for_no_event_before_it_wants_to_sleep(void)
{
    struct rig_call calls[3] = {page_read(0), page_read(8), page_read(16)};

    start();
    blkfront_queue_watch(NULL, true);
    for (int i = 0; i < 3; i++) {
        const bool sleeps = i == 2;

        blkfront_queue_watch(rig.queue, true);
        CU_ASSERT_EQUAL(rig_submit(&rig, &calls[i]), BLKFRONT_OK);
        (void)blkfront_queue_poll(rig.queue);
        (void)rig_serve(&rig);
        rig.fake.pending = false;
        blkfront_queue_watch(rig.queue, !sleeps);
        (void)blkfront_queue_poll(rig.queue);
        CU_ASSERT_EQUAL(calls[i].completions, 1);
        CU_ASSERT_EQUAL(rig_words(&rig, 0)->rsp_event, sleeps ? 4 : 1);
    }
    finish();
}

static void i14_an_event_is_asked_for_once_a_queue_is_no_longer_watched(void)
{
    struct rig_call calls[2] = {page_read(0), page_read(8)};

    start();
    blkfront_queue_watch(rig.queue, true);
    submit_all(calls, 1);
    rig_settle(&rig);
    submit_all(calls + 1, 1);
    CU_ASSERT_EQUAL(rig_words(&rig, 0)->rsp_event, 1);
    blkfront_queue_watch(rig.queue, false);
    (void)blkfront_queue_poll(rig.queue);
    CU_ASSERT_EQUAL(calls[1].completions, 0);
    CU_ASSERT_EQUAL(rig_words(&rig, 0)->rsp_event, 2);
    rig_settle(&rig);
    CU_ASSERT_EQUAL(calls[1].completions, 1);
    finish();
}

static void i14_a_poll_takes_at_most_a_ring_of_responses(void)
{
    enum { COUNT = 80 };
    static struct rig_call calls[COUNT];
    int completed = 0;

    for (uint64_t i = 0; i < COUNT; i++)
        calls[i] = page_read(i * 8);
    rig.device.options.pool_pages = 352;
    start();
    submit_all(calls, COUNT);
    CU_ASSERT_EQUAL(rig_serve(&rig), 32);
    (void)blkfront_queue_poll(rig.queue);
    for (int i = 0; i < COUNT; i++)
        completed += calls[i].completions;
    CU_ASSERT_EQUAL(completed, 32);
    rig_settle(&rig);
    finish();
}

/* ---- deadlines ---- */

static void i2_a_request_ends_at_its_deadline_and_its_response_is_swallowed(void)
{
    struct rig_call call = page_read(0), next = page_read(8);
    struct rig_request request;

    rig.device.options.request_deadline_ns = 1000;
    rig.device.options.pool_pages = 1;
    rig.fake.now = 50;
    start();
    CU_ASSERT_EQUAL(rig_submit(&rig, &call), BLKFRONT_OK);
    CU_ASSERT_TRUE(rig_take(&rig, &request));
    CU_ASSERT_EQUAL(blkfront_queue_poll_at(rig.queue), 1050);
    rig.fake.now = 1049;
    rig_poll(&rig);
    CU_ASSERT_EQUAL(call.completions, 0);
    rig.fake.now = 1050;
    rig_poll(&rig);
    CU_ASSERT_EQUAL(call.completions, 1);
    CU_ASSERT_EQUAL(call.result, BLKFRONT_DEADLINE);
    CU_ASSERT_EQUAL(blkfront_queue_poll_at(rig.queue), UINT64_MAX);

    /* Its page is not used again before the backend has answered. */
    memset(data, 0x55, PAGE);
    CU_ASSERT_EQUAL(rig_submit(&rig, &next), BLKFRONT_OK);
    CU_ASSERT_EQUAL(rig_waiting_requests(&rig), 0);
    rig_execute(&rig, &request);
    rig_respond(&rig, request.id, BLKIF_WIRE_READ, 0);
    rig_poll(&rig);
    CU_ASSERT_EQUAL(call.completions, 1);
    CU_ASSERT_PTR_NULL(queue_violation(rig.queue));
    CU_ASSERT_EQUAL(data[0], 0x55);
    rig_settle(&rig);
    CU_ASSERT_EQUAL(next.completions, 1);
    CU_ASSERT_EQUAL(next.result, BLKFRONT_OK);
    finish();
}

static void a_response_in_the_same_poll_wins_over_the_deadline(void)
{
    struct rig_call call = page_read(0);

    rig.device.options.request_deadline_ns = 1000;
    start();
    CU_ASSERT_EQUAL(rig_submit(&rig, &call), BLKFRONT_OK);
    (void)rig_serve(&rig);
    rig.fake.now = 5000;
    rig_poll(&rig);
    CU_ASSERT_EQUAL(call.result, BLKFRONT_OK);
    finish();
}

static void a_waiting_request_ends_at_its_deadline_too(void)
{
    enum { COUNT = 40 };
    struct rig_call calls[COUNT];

    rig.device.options.request_deadline_ns = UINT64_MAX - 10;
    rig.fake.now = 5; /* beyond it the sum is saturated */
    start();
    for (int i = 0; i < COUNT; i++) {
        calls[i] = page_read(0);
        CU_ASSERT_EQUAL(rig_submit(&rig, &calls[i]), BLKFRONT_OK);
        if (i == COUNT / 2)
            rig.fake.now = 20;
    }
    CU_ASSERT_EQUAL(blkfront_queue_poll_at(rig.queue), UINT64_MAX - 5);
    rig.fake.now = UINT64_MAX - 1;
    rig_poll(&rig);
    CU_ASSERT_EQUAL(calls[0].result, BLKFRONT_DEADLINE);
    CU_ASSERT_EQUAL(calls[COUNT - 1].completions, 0);
    rig.fake.now = UINT64_MAX;
    rig_poll(&rig);
    for (int i = 0; i < COUNT; i++) {
        CU_ASSERT_EQUAL(calls[i].completions, 1);
        CU_ASSERT_EQUAL(calls[i].result, BLKFRONT_DEADLINE);
    }
    CU_ASSERT_TRUE(queue_check(rig.queue));
    finish();
}

static const struct unit_test tests[] = {
    UNIT_TEST(i2_responses_in_any_order_complete_their_own_requests),
    UNIT_TEST(i2_a_second_response_to_one_request_is_refused),
    UNIT_TEST(i2_a_wrong_id_is_refused),
    UNIT_TEST(i2_a_wrong_operation_is_refused),
    UNIT_TEST(i3_a_producer_out_of_range_is_refused),
    UNIT_TEST(more_requests_than_the_ring_holds_wait_in_order),
    UNIT_TEST(submit_many_takes_up_to_the_first_that_is_refused),
    UNIT_TEST(a_completion_may_submit_its_request_again),
    UNIT_TEST(i4_a_completion_that_submits_nothing_for_ever_does_not_hang_a_poll),
    UNIT_TEST(nothing_completes_inside_submit),
    UNIT_TEST(i14_an_event_is_taken_once_and_unmasked),
    UNIT_TEST(i14_a_response_without_an_event_is_found_by_a_poll),
    UNIT_TEST(i14_no_notify_while_the_backend_is_busy),
    UNIT_TEST(i14_a_watched_queue_asks_for_no_event_before_it_wants_to_sleep),
    UNIT_TEST(i14_an_event_is_asked_for_once_a_queue_is_no_longer_watched),
    UNIT_TEST(i14_a_poll_takes_at_most_a_ring_of_responses),
    UNIT_TEST(i2_a_request_ends_at_its_deadline_and_its_response_is_swallowed),
    UNIT_TEST(a_response_in_the_same_poll_wins_over_the_deadline),
    UNIT_TEST(a_waiting_request_ends_at_its_deadline_too),
};

UNIT_MAIN_WITH("queue", set_up, NULL, tests)
