/* SPDX-License-Identifier: ISC */
/*
 * A queue's life: requests that wait for it to run (I11), stop and close with what the backend
 * keeps (I5, I12), opening again (I6), and calls of the platform that fail.
 */
#include "plain.h"

/* ---- a queue that is not running ---- */

static void i11_requests_wait_until_the_queue_starts(void)
{
    struct rig_call good = page_read(0), bad = page_read(RIG_UNITS);
    unsigned wakes;

    start();
    rig_lose(&rig);
    CU_ASSERT_EQUAL(rig_submit(&rig, &good), BLKFRONT_OK);
    rig_poll(&rig);
    CU_ASSERT_EQUAL_FATAL(queue_open(rig.queue), 0);
    rig.req_cons[0] = rig.rsp_prod[0] = 0;
    CU_ASSERT_EQUAL(rig_submit(&rig, &bad), BLKFRONT_OK);
    rig_event(&rig);
    rig_poll(&rig);
    CU_ASSERT_EQUAL(rig_statistics(&rig).spurious_events, 1);
    CU_ASSERT_FALSE(rig.fake.masked);
    CU_ASSERT_EQUAL(rig_waiting_requests(&rig), 0);
    wakes = rig.fake.wakes;
    queue_start(rig.queue);
    CU_ASSERT_EQUAL(rig.fake.wakes, wakes + 1);
    CU_ASSERT_EQUAL(blkfront_queue_poll_at(rig.queue), 0);
    rig_settle(&rig);
    CU_ASSERT_EQUAL(good.result, BLKFRONT_OK);
    CU_ASSERT_EQUAL(good.completions, 1);
    CU_ASSERT_EQUAL(bad.result, BLKFRONT_OUT_OF_RANGE); /* checked when that could be done */
    CU_ASSERT_EQUAL(bad.completions, 1);
    finish();
}

static void requests_that_wait_for_no_connection_any_more_end(void)
{
    struct rig_call call = page_read(0);

    start();
    rig_lose(&rig);
    CU_ASSERT_EQUAL(queue_get_state(rig.queue), QUEUE_HELD);
    CU_ASSERT_EQUAL(rig.fake.ports, 0);
    CU_ASSERT_EQUAL(rig.fake.sets, 1);
    CU_ASSERT_EQUAL(rig_submit(&rig, &call), BLKFRONT_OK);
    rig_poll(&rig);
    CU_ASSERT_EQUAL(call.completions, 0);
    CU_ASSERT_EQUAL(blkfront_queue_poll_at(rig.queue), UINT64_MAX);
    rig.takes = false;
    queue_stop(rig.queue, BLKFRONT_PROTOCOL);
    CU_ASSERT_EQUAL(blkfront_queue_poll_at(rig.queue), 0);
    rig_poll(&rig);
    CU_ASSERT_EQUAL(queue_get_state(rig.queue), QUEUE_STOPPED);
    CU_ASSERT_EQUAL(call.result, BLKFRONT_PROTOCOL);
    CU_ASSERT_EQUAL(rig_submit(&rig, &call), BLKFRONT_DISCONNECTED);
    finish();
}

static void a_queue_that_never_had_a_ring_takes_nothing(void)
{
    struct rig_call call = page_read(0);

    CU_ASSERT_EQUAL_FATAL(queues_create(&rig.device), 0);
    rig.queue = rig.device.queues;
    rig.takes = true;
    CU_ASSERT_EQUAL(rig_submit(&rig, &call), BLKFRONT_DISCONNECTED);
    CU_ASSERT_EQUAL(blkfront_queue_poll(rig.queue), 0);
    queue_stop(rig.queue, BLKFRONT_DISCONNECTED);
    CU_ASSERT_EQUAL(queue_get_state(rig.queue), QUEUE_CLOSED);
    queues_destroy(&rig.device);
    CU_ASSERT_EQUAL(rig_left(&rig), 0);
}

/* ---- stop and close ---- */

static void i2_stop_completes_everything_once_in_order(void)
{
    enum { COUNT = 50 };
    static struct rig_call calls[COUNT];

    for (uint64_t i = 0; i < COUNT; i++)
        calls[i] = page_read(i * 8);
    start();
    submit_all(calls, COUNT); /* some in flight, some waiting */
    queue_stop(rig.queue, BLKFRONT_DISCONNECTED);
    CU_ASSERT_EQUAL(calls[0].completions, 0);
    CU_ASSERT_EQUAL(blkfront_queue_poll_at(rig.queue), 0);
    (void)rig_serve(&rig);                /* too late: not looked at any more */
    (void)blkfront_queue_poll(rig.queue); /* a bounded number a poll */
    CU_ASSERT_EQUAL(blkfront_queue_poll_at(rig.queue), 0);
    CU_ASSERT_EQUAL(queue_get_state(rig.queue), QUEUE_STOPPING);
    CU_ASSERT_EQUAL(calls[31].completions, 1);
    CU_ASSERT_EQUAL(calls[32].completions, 0);
    CU_ASSERT_EQUAL(blkfront_queue_poll(rig.queue), 0);
    CU_ASSERT_EQUAL(queue_get_state(rig.queue), QUEUE_STOPPED);
    CU_ASSERT_TRUE(rig.device_wakes > 0);
    for (int i = 0; i < COUNT; i++) {
        CU_ASSERT_EQUAL(calls[i].completions, 1);
        CU_ASSERT_EQUAL(calls[i].order, i + 1);
        CU_ASSERT_EQUAL(calls[i].result, BLKFRONT_DISCONNECTED);
    }
    finish();
}

static void submit_in_vain(struct rig_call *call)
{
    CU_ASSERT_EQUAL(blkfront_submit(rig.queue, &call->request), BLKFRONT_DISCONNECTED);
    CU_ASSERT_EQUAL(blkfront_queue_poll(rig.queue), 0); /* not from inside itself */
}

static void i4_resubmitting_from_a_stop_ends(void)
{
    struct rig_call call = page_read(0);

    call.then = submit_in_vain;
    start();
    CU_ASSERT_EQUAL(rig_submit(&rig, &call), BLKFRONT_OK);
    rig.takes = false;
    queue_stop(rig.queue, BLKFRONT_DISCONNECTED);
    rig_poll(&rig);
    CU_ASSERT_EQUAL(queue_get_state(rig.queue), QUEUE_STOPPED);
    CU_ASSERT_EQUAL(call.completions, 1);
    rig_poll(&rig);
    CU_ASSERT_EQUAL(call.completions, 1);
    finish();
}

static void i5_close_waits_for_pages_that_the_backend_keeps(void)
{
    struct rig_call call = page_read(0);
    struct rig_request request;

    start();
    CU_ASSERT_EQUAL(rig_submit(&rig, &call), BLKFRONT_OK);
    CU_ASSERT_TRUE(rig_take(&rig, &request));
    fake_hold(&rig.fake, request.segments[0].grant_ref, true);
    rig.takes = false;
    queue_stop(rig.queue, BLKFRONT_DISCONNECTED);
    rig_poll(&rig);
    CU_ASSERT_EQUAL(call.completions, 1);
    CU_ASSERT_EQUAL(queue_close(rig.queue), BLKFRONT_PLATFORM_BUSY);
    CU_ASSERT_EQUAL(rig.fake.ports + rig.fake.sets, 0);
    CU_ASSERT_EQUAL(queue_close(rig.queue), BLKFRONT_PLATFORM_BUSY);
    fake_hold(&rig.fake, request.segments[0].grant_ref, false);
    CU_ASSERT_EQUAL(queue_close(rig.queue), 0);
    CU_ASSERT_EQUAL(queue_get_state(rig.queue), QUEUE_CLOSED);
    CU_ASSERT_EQUAL(queue_close(rig.queue), 0);
    CU_ASSERT_TRUE(queue_check(rig.queue));
    queues_destroy(&rig.device);
    CU_ASSERT_EQUAL(rig_left(&rig), 0);
}

static void i5_what_is_never_let_go_is_quarantined_and_counted(void)
{
    for (int any_page = 0; any_page < 2; any_page++) {
        struct rig_call call = page_read(0);

        rig_init(&rig, any_page != 0);
        start();
        CU_ASSERT_EQUAL(rig_submit(&rig, &call), BLKFRONT_OK);
        rig.fake.all_busy = true;
        rig_cut(&rig, BLKFRONT_DISCONNECTED);
        CU_ASSERT_EQUAL(call.completions, 1);
        /* The ring and one page; or the ring and both pools. */
        CU_ASSERT_EQUAL(quarantine_retry(&rig.context), any_page != 0 ? 2 : 65);
        rig.fake.all_busy = false;
        CU_ASSERT_EQUAL(quarantine_retry(&rig.context), 0);
        CU_ASSERT_EQUAL(rig_left(&rig), 0);
    }
}

static void i6_a_queue_opens_again_with_fresh_pages(void)
{
    struct rig_call call = page_read(0);
    uint32_t count;

    start();
    CU_ASSERT_EQUAL(rig_submit(&rig, &call), BLKFRONT_OK);
    rig_settle(&rig);
    queue_stop(rig.queue, BLKFRONT_DISCONNECTED);
    rig_poll(&rig);
    CU_ASSERT_EQUAL(queue_close(rig.queue), 0);
    rig.req_cons[0] = rig.rsp_prod[0] = 0;
    CU_ASSERT_EQUAL_FATAL(queue_open(rig.queue), 0);
    CU_ASSERT_PTR_NOT_NULL(queue_ring_refs(rig.queue, &count));
    CU_ASSERT_EQUAL(count, 1);
    for (size_t i = 0; i < 64 * (size_t)PAGE; i += 512)
        CU_ASSERT_EQUAL(rig.queue->pools[0].block->address[i], 0);
    queue_start(rig.queue);
    CU_ASSERT_EQUAL(rig_submit(&rig, &call), BLKFRONT_OK);
    rig_settle(&rig);
    CU_ASSERT_EQUAL(call.completions, 2);
    CU_ASSERT_EQUAL(call.result, BLKFRONT_OK);
    finish();
}

/* ---- calls that fail ---- */

static void each_failing_call_of_opening_leaves_nothing(void)
{
    for (int any_page = 0; any_page < 2; any_page++) {
        for (unsigned nth = 1;; nth++) {
            int r;

            rig_init(&rig, any_page != 0);
            rig.device.options.queues = 2;
            fake_fail(&rig.fake, nth, false);
            r = rig_open(&rig);
            fake_fail(&rig.fake, 0, false);
            if (r == 0) {
                CU_ASSERT_TRUE(nth > 10);
                finish();
                break;
            }
            CU_ASSERT_TRUE(r == BLKFRONT_NO_MEMORY || r == QUEUE_SHORT);
            CU_ASSERT_EQUAL(rig_left(&rig), 0);
        }
    }
}

static void one_failing_event_call_is_made_up_for(void)
{
    for (unsigned nth = 1; nth < 8; nth++) {
        const struct blkfront_buffer nothing_to_grant = one_page;
        struct rig_call call = rig_call(BLKFRONT_WRITE, 0, &nothing_to_grant, 1);

        rig_init(&rig, false); /* no grant calls: only event calls can fail */
        start();
        fake_fail(&rig.fake, nth, false);
        CU_ASSERT_EQUAL(rig_submit(&rig, &call), BLKFRONT_OK);
        rig_settle(&rig);
        CU_ASSERT_EQUAL(call.result, BLKFRONT_OK);
        CU_ASSERT_EQUAL(call.completions, 1);
        CU_ASSERT_FALSE(rig.fake.masked);
        fake_fail(&rig.fake, 0, false);
        finish();
    }
}

static void an_event_channel_that_fails_for_good_fails_the_device(void)
{
    for (unsigned nth = 1; nth < 4; nth++) {
        struct rig_call call = page_read(0);

        rig_init(&rig, false);
        start();
        fake_fail(&rig.fake, nth, true);
        CU_ASSERT_EQUAL(rig_submit(&rig, &call), BLKFRONT_OK);
        rig_settle(&rig);
        CU_ASSERT_PTR_NOT_NULL_FATAL(queue_violation(rig.queue));
        CU_ASSERT_STRING_EQUAL(queue_violation(rig.queue), "the event channel failed");
        fake_fail(&rig.fake, 0, false);
        finish();
        CU_ASSERT_EQUAL(call.completions, 1);
    }
}

static void queues_are_counted_and_given_by_number(void)
{
    CU_ASSERT_EQUAL(blkfront_queue_count(NULL), 0);
    CU_ASSERT_PTR_NULL(blkfront_get_queue(NULL, 0));
    rig.device.options.queues = 4;
    start();
    CU_ASSERT_EQUAL(blkfront_queue_count(&rig.device), 4);
    rig.device.usable_queues = 0; /* as before the first connection */
    CU_ASSERT_EQUAL(blkfront_queue_count(&rig.device), 4);
    rig.device.usable_queues = 2;
    CU_ASSERT_EQUAL(blkfront_queue_count(&rig.device), 2);
    CU_ASSERT_PTR_NOT_NULL(blkfront_get_queue(&rig.device, 1));
    CU_ASSERT_PTR_NULL(blkfront_get_queue(&rig.device, 2));
    CU_ASSERT_EQUAL(blkfront_queue_poll(NULL), 0);
    CU_ASSERT_EQUAL(blkfront_queue_poll_at(NULL), UINT64_MAX);
    finish();
}

/* The device polls what nobody else does, and leaves alone what somebody has. */
static void a_queue_that_nobody_has_is_polled_by_the_device(void)
{
    rig.device.options.queues = 2;
    start();
    CU_ASSERT_PTR_NOT_NULL(blkfront_get_queue(&rig.device, 0));
    for (uint32_t i = 0; i < 2; i++) {
        queue_pause(&rig.device.queues[i]);
        queue_poll_unused(&rig.device.queues[i]);
    }
    CU_ASSERT_EQUAL(queue_get_state(&rig.device.queues[0]), QUEUE_PAUSING);
    CU_ASSERT_EQUAL(queue_get_state(&rig.device.queues[1]), QUEUE_PAUSED);
    finish();
}

static void i18_a_ring_of_two_pages_has_64_slots(void)
{
    enum { COUNT = 100 };
    static struct rig_call calls[COUNT];

    rig.device.options.ring_order = 3;
    rig.device.agreed.ring_order = 1;
    rig.device.options.pool_pages = 128;
    rig.device.options.ring_start = UINT32_MAX - 3;
    for (uint64_t i = 0; i < COUNT; i++)
        calls[i] = page_read(i * 8);
    start();
    submit_all(calls, COUNT);
    CU_ASSERT_EQUAL(rig_waiting_requests(&rig), 64);
    rig_settle(&rig);
    CU_ASSERT_EQUAL(calls[COUNT - 1].completions, 1);
    finish();
}

static const struct unit_test tests[] = {
    UNIT_TEST(i11_requests_wait_until_the_queue_starts),
    UNIT_TEST(requests_that_wait_for_no_connection_any_more_end),
    UNIT_TEST(a_queue_that_never_had_a_ring_takes_nothing),
    UNIT_TEST(i2_stop_completes_everything_once_in_order),
    UNIT_TEST(i4_resubmitting_from_a_stop_ends),
    UNIT_TEST(i5_close_waits_for_pages_that_the_backend_keeps),
    UNIT_TEST(i5_what_is_never_let_go_is_quarantined_and_counted),
    UNIT_TEST(i6_a_queue_opens_again_with_fresh_pages),
    UNIT_TEST(each_failing_call_of_opening_leaves_nothing),
    UNIT_TEST(one_failing_event_call_is_made_up_for),
    UNIT_TEST(an_event_channel_that_fails_for_good_fails_the_device),
    UNIT_TEST(queues_are_counted_and_given_by_number),
    UNIT_TEST(a_queue_that_nobody_has_is_polled_by_the_device),
    UNIT_TEST(i18_a_ring_of_two_pages_has_64_slots),
};

UNIT_MAIN_WITH("life", set_up, NULL, tests)
