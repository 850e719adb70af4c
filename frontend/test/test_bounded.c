/* SPDX-License-Identifier: ISC */
/*
 * What one call does at most (I4, I14), a device that changes its mind while a queue answers, and
 * what the checks of a queue see.
 */
#include "plain.h"

#include <setjmp.h>

static void submit(struct rig_call *call)
{
    CU_ASSERT_EQUAL(rig_submit(&rig, call), BLKFRONT_OK);
}

static int completed(const struct rig_call *calls, int count)
{
    int sum = 0;

    for (int i = 0; i < count; i++)
        sum += calls[i].completions;
    return sum;
}

/* ---- bounds ---- */

static void i4_a_poll_ends_so_many_requests_at_their_deadline(void)
{
    enum { COUNT = 80 };
    static struct rig_call calls[COUNT];

    rig.device.options.request_deadline_ns = 10;
    start();
    for (int i = 0; i < COUNT; i++) { /* most of them wait */
        calls[i] = rig_call(BLKFRONT_READ, 0, &one_page, 1);
        submit(&calls[i]);
    }
    rig.fake.now = 10;
    for (int done = 0; done < COUNT; done += 32) {
        CU_ASSERT_EQUAL(completed(calls, COUNT), done);
        CU_ASSERT_EQUAL(blkfront_queue_poll_at(rig.queue), 10);
        (void)blkfront_queue_poll(rig.queue);
    }
    CU_ASSERT_EQUAL(completed(calls, COUNT), COUNT);
    CU_ASSERT_EQUAL(blkfront_queue_poll_at(rig.queue), UINT64_MAX);
    finish();
}

/* The same while the connection ends, which does not wait for the rest. */
static void i4_also_while_a_connection_is_given_up(void)
{
    enum { COUNT = 40 };
    static struct rig_call calls[COUNT];

    rig.device.options.request_deadline_ns = 10;
    start();
    for (int i = 0; i < COUNT; i++) {
        calls[i] = rig_call(BLKFRONT_READ, 0, &one_page, 1);
        submit(&calls[i]);
    }
    rig.fake.now = 10;
    queue_keep(rig.queue);
    CU_ASSERT_EQUAL(blkfront_queue_poll_at(rig.queue), 0);
    (void)blkfront_queue_poll(rig.queue);
    CU_ASSERT_EQUAL(queue_get_state(rig.queue), QUEUE_KEPT);
    CU_ASSERT_EQUAL(completed(calls, COUNT), 32);
    CU_ASSERT_EQUAL(blkfront_queue_poll_at(rig.queue), 10);
    (void)blkfront_queue_poll(rig.queue);
    CU_ASSERT_EQUAL(completed(calls, COUNT), COUNT);
    finish();
}

static void i4_a_poll_looks_at_so_many_requests_that_wait(void)
{
    enum { COUNT = 100 };
    static struct rig_call calls[COUNT];

    start();
    rig_lose(&rig);
    for (int i = 0; i < COUNT; i++) { /* each is found out when it could go out */
        calls[i] = rig_call(BLKFRONT_READ, RIG_UNITS, &one_page, 1);
        submit(&calls[i]);
    }
    rig_reconnect(&rig, 1);
    CU_ASSERT_EQUAL(blkfront_queue_poll(rig.queue), 1);
    CU_ASSERT_EQUAL(completed(calls, COUNT), 64);
    CU_ASSERT_EQUAL(blkfront_queue_poll_at(rig.queue), 0);
    CU_ASSERT_EQUAL(blkfront_queue_poll(rig.queue), 0);
    CU_ASSERT_EQUAL(completed(calls, COUNT), COUNT);
    CU_ASSERT_EQUAL(calls[COUNT - 1].result, BLKFRONT_OUT_OF_RANGE);
    finish();
}

/* ---- the device, at the wrong moment ---- */

static uint64_t stop_now(void *context)
{
    queue_stop(rig.queue, BLKFRONT_PROTOCOL);
    return ((struct fake_platform *)context)->now;
}

static void a_stop_while_a_queue_gives_up_its_connection_is_heard(void)
{
    struct rig_call call = rig_call(BLKFRONT_READ, 0, &one_page, 1);

    rig.device.options.request_deadline_ns = 10;
    start();
    submit(&call);
    queue_keep(rig.queue);
    rig.fake.platform.now = stop_now; /* as if from another thread */
    (void)blkfront_queue_poll(rig.queue);
    CU_ASSERT_EQUAL(queue_get_state(rig.queue), QUEUE_STOPPING);
    CU_ASSERT_EQUAL(call.completions, 0);
    rig_poll(&rig);
    CU_ASSERT_EQUAL(queue_get_state(rig.queue), QUEUE_STOPPED);
    CU_ASSERT_EQUAL(call.result, BLKFRONT_PROTOCOL);
    finish();
}

static void stop_from_completion(struct rig_call *call)
{
    (void)call;
    queue_stop(rig.queue, BLKFRONT_DISCONNECTED);
}

static void i11_nothing_is_published_after_a_completion_has_stopped_the_queue(void)
{
    struct rig_call call = rig_call(BLKFRONT_READ, 0, &one_page, 1);
    struct rig_request request;

    call.then = stop_from_completion;
    start();
    submit(&call);
    request = rig_next(&rig);
    rig_answer(&rig, &request);
    CU_ASSERT_EQUAL(call.completions, 1);
    CU_ASSERT_EQUAL(queue_get_state(rig.queue), QUEUE_STOPPING);
    finish();
}

static void a_queue_asks_to_be_polled_while_the_device_waits_for_it(void)
{
    start();
    CU_ASSERT_EQUAL(blkfront_queue_poll_at(rig.queue), UINT64_MAX);
    queue_pause(rig.queue);
    CU_ASSERT_EQUAL(blkfront_queue_poll_at(rig.queue), 0);
    rig_poll(&rig);
    CU_ASSERT_EQUAL(blkfront_queue_poll_at(rig.queue), UINT64_MAX);
    queue_keep(rig.queue);
    CU_ASSERT_EQUAL(blkfront_queue_poll_at(rig.queue), 0);
    rig_poll(&rig);
    CU_ASSERT_EQUAL(queue_get_state(rig.queue), QUEUE_KEPT);
    queue_share(rig.queue, 0); /* which it could only if it were HELD */
    CU_ASSERT_EQUAL(queue_get_state(rig.queue), QUEUE_KEPT);
    finish();
}

/* I3: after a violation nothing goes out, whatever waits. */
static void i3_a_queue_that_has_failed_has_nothing_to_do(void)
{
    struct rig_call calls[2];

    rig.device.options.pool_pages = 1;
    start();
    for (int i = 0; i < 2; i++) {
        calls[i] = rig_call(BLKFRONT_READ, 0, &one_page, 1);
        submit(&calls[i]);
    }
    rig_words(&rig, 0)->rsp_prod += 5;
    rig.queue->pump_due = true;
    rig_poll(&rig);
    CU_ASSERT_PTR_NOT_NULL(queue_violation(rig.queue));
    CU_ASSERT_TRUE(rig.queue->pump_due);
    CU_ASSERT_EQUAL(blkfront_queue_poll_at(rig.queue), UINT64_MAX);
    finish();
}

/* ---- opening and closing ---- */

static void i5_what_a_failed_opening_leaves_mapped_is_quarantined(void)
{
    CU_ASSERT_EQUAL_FATAL(queues_create(&rig.device), 0);
    rig.queue = rig.device.queues;
    rig.fake.all_busy = true;
    fake_fail(&rig.fake, 5, false); /* the channel set: ring and pool are there */
    CU_ASSERT_EQUAL(queue_open(rig.queue), BLKFRONT_NO_MEMORY);
    CU_ASSERT_EQUAL(rig.fake.failed, 1);
    fake_fail(&rig.fake, 0, false);
    CU_ASSERT_EQUAL(queue_get_state(rig.queue), QUEUE_CLOSED);
    CU_ASSERT_EQUAL(quarantine_retry(&rig.context), 1); /* the ring's page */
    rig.fake.all_busy = false;
    CU_ASSERT_EQUAL(quarantine_retry(&rig.context), 0);
    queues_destroy(&rig.device);
    CU_ASSERT_EQUAL(rig_left(&rig), 0);
}

/* Between two connections whoever waits for the queue waits for its channel set. */
static void an_opening_that_fails_leaves_the_channels_to_a_queue_that_waits(void)
{
    start();
    rig_lose(&rig);
    CU_ASSERT_EQUAL(queue_close(rig.queue), 0); /* it is already */
    CU_ASSERT_EQUAL(rig.fake.sets, 1);
    fake_fail(&rig.fake, 1, false);
    CU_ASSERT_EQUAL(queue_open(rig.queue), QUEUE_SHORT);
    fake_fail(&rig.fake, 0, false);
    CU_ASSERT_EQUAL(queue_get_state(rig.queue), QUEUE_HELD);
    CU_ASSERT_EQUAL(rig.fake.sets, 1);
    CU_ASSERT_PTR_EQUAL(queue_at(&rig.device, 0), rig.queue);
    finish();
}

static jmp_buf bug;

static void jump(void *context, const char *where)
{
    (void)context;
    CU_ASSERT_STRING_EQUAL(where, "queue_close: the queue has not come to rest");
    longjmp(bug, 1);
}

static void closing_a_queue_that_runs_is_a_mistake_of_ours(void)
{
    start();
    rig.fake.platform.bug = jump;
    if (setjmp(bug) == 0) {
        (void)queue_close(rig.queue);
        CU_FAIL("queue_close came back");
    }
    CU_ASSERT_EQUAL(queue_get_state(rig.queue), QUEUE_RUNNING);
    finish();
}

/* ---- the checks ---- */

#define SEES(member, wrong)                      \
    do {                                         \
        __typeof__(member) right = (member);     \
                                                 \
        CU_ASSERT_TRUE(queue_check(rig.queue));  \
        (member) = (wrong);                      \
        CU_ASSERT_FALSE(queue_check(rig.queue)); \
        (member) = right;                        \
    } while (0)

static void the_check_of_a_queue_sees_what_does_not_agree(void)
{
    struct rig_call calls[4], done = rig_call(BLKFRONT_READ, 0, NULL, 0);
    struct blkfront_request_internal *in[4];

    rig.device.options.pool_pages = 1;
    start();
    for (int i = 0; i < 4; i++) { /* one in flight, three wait */
        calls[i] = rig_call(BLKFRONT_READ, 0, &one_page, 1);
        submit(&calls[i]);
        in[i] = &calls[i].request.internal;
    }
    submit(&done);
    SEES(in[1]->state, REQUEST_ISSUED);
    SEES(in[0]->state, REQUEST_WAITING);
    SEES(in[0]->parts, 2);
    SEES(in[2]->older, &calls[0].request);
    SEES(in[2]->sequence, in[1]->sequence);
    SEES(rig.queue->newest, &calls[2].request);
    SEES(rig.queue->waiting.last, &calls[2].request);
    SEES(rig.queue->done.last, NULL);
    SEES(rig.queue->slots.used, 2);
    rig_settle(&rig);
    CU_ASSERT_EQUAL(completed(calls, 4) + done.completions, 5);
    finish();
}

static const struct unit_test tests[] = {
    UNIT_TEST(i4_a_poll_ends_so_many_requests_at_their_deadline),
    UNIT_TEST(i4_also_while_a_connection_is_given_up),
    UNIT_TEST(i4_a_poll_looks_at_so_many_requests_that_wait),
    UNIT_TEST(a_stop_while_a_queue_gives_up_its_connection_is_heard),
    UNIT_TEST(i11_nothing_is_published_after_a_completion_has_stopped_the_queue),
    UNIT_TEST(a_queue_asks_to_be_polled_while_the_device_waits_for_it),
    UNIT_TEST(i3_a_queue_that_has_failed_has_nothing_to_do),
    UNIT_TEST(i5_what_a_failed_opening_leaves_mapped_is_quarantined),
    UNIT_TEST(an_opening_that_fails_leaves_the_channels_to_a_queue_that_waits),
    UNIT_TEST(closing_a_queue_that_runs_is_a_mistake_of_ours),
    UNIT_TEST(the_check_of_a_queue_sees_what_does_not_agree),
};

UNIT_MAIN_WITH("bounded", set_up, NULL, tests)
