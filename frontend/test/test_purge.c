/* SPDX-License-Identifier: ISC */
/*
 * Persistent grants that are not needed: what the backend has let go is ended, a few at a time and
 * when grants are short, and nothing in flight ever is (I5); nobody waits for what another keeps
 * (I4).
 */
#include "kept.h"

static uint32_t kept(void)
{
    return rig.queue->pools[0].kept;
}

/* ---- what the backend has let go ---- */

static void what_no_request_takes_any_more_is_ended_a_few_at_a_time(void)
{
    uint32_t before;

    start();
    hold_all(true);
    (void)run(BLKFRONT_WRITE, heap(20 * PAGE)); /* with its list 21 */
    (void)run(BLKFRONT_WRITE, heap(PAGE));
    CU_ASSERT_EQUAL(kept(), 21);
    hold_all(false);
    for (before = kept(); before > 1; before = kept()) {
        (void)run(BLKFRONT_WRITE, heap(PAGE));
        CU_ASSERT_TRUE_FATAL(kept() < before);
        CU_ASSERT_TRUE(kept() + 4 >= before);
        CU_ASSERT_TRUE(pool_check(&rig.queue->pools[0]));
        CU_ASSERT_EQUAL(rig.fake.refs_used, 1 + kept());
    }
    /* The one that is in use all the time stays. */
    for (int i = 0; i < 10; i++)
        (void)run(BLKFRONT_WRITE, heap(PAGE));
    CU_ASSERT_EQUAL(kept(), 1);
    CU_ASSERT_EQUAL(rig_statistics(&rig).grants, 21);
    finish();
}

static void i5_what_the_backend_has_mapped_stays_usable(void)
{
    struct rig_request many;
    unsigned grants;

    start();
    hold_all(true);
    many = run(BLKFRONT_WRITE, heap(11 * PAGE));
    (void)run(BLKFRONT_WRITE, heap(PAGE));
    hold_all(false);
    /* The two coldest of them. */
    fake_hold(&rig.fake, many.segments[0].grant_ref, true);
    fake_hold(&rig.fake, many.segments[1].grant_ref, true);
    for (int i = 0; i < 10; i++)
        (void)run(BLKFRONT_WRITE, heap(PAGE));
    CU_ASSERT_EQUAL(kept(), 3);
    CU_ASSERT_EQUAL(rig.queue->pools[0].busy_count, 0);
    grants = rig.fake.grants;
    (void)run(BLKFRONT_WRITE, heap(3 * PAGE));
    CU_ASSERT_EQUAL(rig.fake.grants, grants);
    fake_hold(&rig.fake, many.segments[0].grant_ref, false);
    fake_hold(&rig.fake, many.segments[1].grant_ref, false);
    finish();
}

static void i5_nothing_is_ended_while_requests_are_in_flight(void)
{
    struct blkfront_buffer buffer = heap(PAGE);
    struct rig_call call = rig_call(BLKFRONT_WRITE, 0, &buffer, 1);
    struct rig_request request;

    start();
    hold_all(true);
    (void)run(BLKFRONT_WRITE, heap(11 * PAGE));
    (void)run(BLKFRONT_WRITE, heap(PAGE));
    hold_all(false);
    CU_ASSERT_EQUAL(rig_submit(&rig, &call), BLKFRONT_OK);
    request = rig_next(&rig);
    for (int i = 0; i < 10; i++)
        rig_poll(&rig);
    CU_ASSERT_EQUAL(kept(), 10);
    CU_ASSERT_PTR_NOT_NULL(fake_map(&rig.fake, request.segments[0].grant_ref, true));
    rig_answer(&rig, &request);
    CU_ASSERT_EQUAL(call.completions, 1);
    finish();
}

static void i5_where_busy_cannot_be_asked_nothing_is_ended_before_the_end(void)
{
    start();
    make_memory(4);
    rig.fake.platform.capabilities = BLKFRONT_PLATFORM_GRANTS_ANY_PAGE;
    (void)run(BLKFRONT_WRITE, heap(11 * PAGE));
    (void)run(BLKFRONT_WRITE, direct(0, 4 * PAGE));
    for (int i = 0; i < 20; i++)
        (void)run(BLKFRONT_WRITE, heap(PAGE));
    CU_ASSERT_EQUAL(rig.fake.revokes, 0);
    /* Not even when grants are short: the page is copied into one that is granted. */
    rig.fake.refs_limit = rig.fake.refs_used;
    blkfront_memory_destroy(memory);
    rig.fake.refs_limit = rig.fake.refs_used;
    make_memory(4);
    (void)run(BLKFRONT_WRITE, direct(0, 4 * PAGE));
    CU_ASSERT_EQUAL(kept(), 11);
    finish();
}

/* ---- grants that are short ---- */

/* No other grant is to be had. */
static void exhaust(void)
{
    rig.fake.refs_limit = rig.fake.refs_used;
}

static void i4_kept_pages_give_way_to_direct_data(void)
{
    struct rig_request request;

    start();
    make_memory(4);
    hold_all(true);
    (void)run(BLKFRONT_WRITE, heap(11 * PAGE));
    hold_all(false);
    exhaust();
    request = run(BLKFRONT_READ, direct(0, 4 * PAGE));
    CU_ASSERT_EQUAL(request.segment_count, 4);
    CU_ASSERT_EQUAL(rig_statistics(&rig).direct, 1);
    finish();
}

static void i4_where_the_backend_keeps_them_they_carry_the_data(void)
{
    struct rig_request request;

    start();
    make_memory(4);
    hold_all(true);
    (void)run(BLKFRONT_WRITE, heap(11 * PAGE));
    exhaust();
    request = run(BLKFRONT_READ, direct(0, 4 * PAGE));
    CU_ASSERT_EQUAL(request.segment_count, 4);
    CU_ASSERT_EQUAL(rig_statistics(&rig).bounced, 2);
    CU_ASSERT_EQUAL(rig_statistics(&rig).grants, 11);
    hold_all(false);
    finish();
}

/* Whatever memory keeps, a page for copies is there: all gets through, if slowly; and what is kept
 * elsewhere is for the device's poll to end. */
static void i4_kept_memory_gives_way_to_others(void)
{
    struct blkfront_buffer buffer = heap(3 * PAGE);
    struct rig_call call = rig_call(BLKFRONT_READ, 0, &buffer, 1);
    struct rig_request request;
    unsigned wakes;

    start();
    make_memory(4);
    (void)run(BLKFRONT_WRITE, direct(0, 4 * PAGE));
    exhaust();
    wakes = rig.device_wakes;
    CU_ASSERT_EQUAL(rig_submit(&rig, &call), BLKFRONT_OK);
    CU_ASSERT_EQUAL(rig.device_wakes, wakes + 1); /* once, until it has been heard */
    request = rig_next(&rig);
    CU_ASSERT_EQUAL(request.segment_count, 1);
    memories_poll(&rig.device);
    CU_ASSERT_EQUAL(rig.fake.refs_used, 2);
    rig_answer(&rig, &request);
    request = rig_next(&rig);
    CU_ASSERT_EQUAL(request.segment_count, 2);
    rig_answer(&rig, &request);
    CU_ASSERT_EQUAL(call.completions, 1);
    CU_ASSERT_EQUAL(call.result, BLKFRONT_OK);
    CU_ASSERT_EQUAL(memcmp(data, rig.disk, buffer.size), 0);
    finish();
}

static void i4_where_nothing_can_be_ended_all_goes_through_one_page(void)
{
    struct blkfront_buffer buffers[2];
    struct rig_call calls[2];

    start();
    make_memory(4);
    (void)run(BLKFRONT_WRITE, direct(0, PAGE));
    exhaust();
    hold_all(true);
    buffers[0] = heap(20 * PAGE);
    buffers[1] = direct(0, 4 * PAGE);
    for (int i = 0; i < 2; i++) {
        calls[i] = rig_call(BLKFRONT_READ, 0, &buffers[i], 1);
        CU_ASSERT_EQUAL(rig_submit(&rig, &calls[i]), BLKFRONT_OK);
    }
    for (int n = 0; n < 10; n++) {
        rig_settle(&rig);
        memories_poll(&rig.device);
    }
    for (int i = 0; i < 2; i++) {
        CU_ASSERT_EQUAL(calls[i].completions, 1);
        CU_ASSERT_EQUAL(calls[i].result, BLKFRONT_OK);
        CU_ASSERT_EQUAL(memcmp(buffers[i].address, rig.disk, buffers[i].size), 0);
    }
    CU_ASSERT_EQUAL(rig_statistics(&rig).grants, 2);
    hold_all(false);
    finish();
}

/* The device's poll looks at a bounded number of records each time (I14), and at all in the end. */
static void kept_memory_is_ended_piece_by_piece(void)
{
    enum { PAGES = 300 };
    struct blkfront_buffer buffer;
    unsigned before, polls = 0;

    rig.device.options.segments = PAGES;
    rig.device.agreed.segments = PAGES;
    start();
    make_memory(PAGES);
    buffer = direct(0, PAGES * (size_t)PAGE);
    (void)rig_run(&rig, BLKFRONT_WRITE, 0, &buffer, 1);
    exhaust();
    for (before = rig.fake.refs_used; before > 3; before = rig.fake.refs_used, polls++) {
        __atomic_store_n(&rig.queue->memory_wanted, true, __ATOMIC_RELAXED);
        memories_poll(&rig.device);
        CU_ASSERT_TRUE_FATAL(rig.fake.refs_used < before);
        CU_ASSERT_TRUE(rig.fake.refs_used + 512 / 8 >= before);
    }
    CU_ASSERT_EQUAL(polls, (PAGES * 8 + 511) / 512);
    finish();
}

static void i4_what_another_queue_keeps_gives_way(void)
{
    struct blkfront_buffer buffer = heap(4 * PAGE);
    struct rig_call call = rig_call(BLKFRONT_READ, 0, &buffer, 1), next = call;
    struct blkfront_queue *other;
    unsigned wakes, used;

    rig.device.options.queues = 4;
    rig.device.agreed.queue_count = 4;
    start();
    queue_stop(blkfront_get_queue(&rig.device, 3), BLKFRONT_DISCONNECTED); /* it has no say */
    other = blkfront_get_queue(&rig.device, 1);
    hold_all(true);
    (void)run(BLKFRONT_WRITE, heap(11 * PAGE));
    hold_all(false);
    exhaust();
    wakes = rig.fake.wakes;
    call.request.context = &call;
    next.request.context = &next;
    CU_ASSERT_EQUAL(blkfront_submit(other, &call.request), BLKFRONT_OK);
    CU_ASSERT_EQUAL(blkfront_submit(blkfront_get_queue(&rig.device, 2), &next.request),
                    BLKFRONT_OK);
    CU_ASSERT_EQUAL(other->slots.used, 1);
    CU_ASSERT_EQUAL(rig.fake.wakes, wakes + 3); /* each queue once until it has heard */
    used = rig.fake.refs_used;
    rig_poll(&rig);
    CU_ASSERT_EQUAL(kept(), 1);
    CU_ASSERT_EQUAL(rig.fake.refs_used, used - 10);
    finish();
    CU_ASSERT_EQUAL(call.result, BLKFRONT_DISCONNECTED);
}

/* A grant table that has nothing left when the queue starts: then it has to go without. */
static void i4_a_start_without_a_grant_is_no_failure(void)
{
    CU_ASSERT_EQUAL_FATAL(queues_create(&rig.device), 0);
    rig.queue = rig.device.queues;
    CU_ASSERT_EQUAL_FATAL(queue_open(rig.queue), 0);
    exhaust();
    queue_start(rig.queue);
    rig.takes = true;
    CU_ASSERT_EQUAL(kept(), 0);
    rig.fake.refs_limit = 0;
    (void)run(BLKFRONT_WRITE, heap(PAGE));
    CU_ASSERT_EQUAL(kept(), 1);
    finish();
}

/* Of those that are connected and keep some, of the same context: pool and memory alike. */
static void i4_a_device_is_told_to_end_what_it_keeps_for_another(void)
{
    struct blkfront_device another = {.context = &rig.context};

    start();
    rig.device.next = &another;
    rig.context.devices = &rig.device;
    make_memory(4);
    (void)run(BLKFRONT_WRITE, direct(0, 4 * PAGE));
    (void)run(BLKFRONT_WRITE, heap(11 * PAGE));
    CU_ASSERT_EQUAL(rig.fake.refs_used, 1 + 11 + 4);
    rig.device.state = BLKFRONT_RECOVERING;
    CU_ASSERT_FALSE(shortage_tell_devices(&another));
    rig.device.state = BLKFRONT_CONNECTED;
    CU_ASSERT_FALSE(shortage_tell_devices(&rig.device)); /* the other one keeps none */
    CU_ASSERT_TRUE(shortage_tell_devices(&another));
    CU_ASSERT_EQUAL(rig.fake.refs_used, 1 + 11);
    rig_poll(&rig);
    CU_ASSERT_EQUAL(rig.fake.refs_used, 1 + kept());
    CU_ASSERT_EQUAL(kept(), 1);
    rig.fake.platform.capabilities = BLKFRONT_PLATFORM_GRANTS_ANY_PAGE;
    CU_ASSERT_FALSE(shortage_tell_devices(&another));
    rig.context.devices = NULL;
    finish();
}

static const struct unit_test tests[] = {
    UNIT_TEST(what_no_request_takes_any_more_is_ended_a_few_at_a_time),
    UNIT_TEST(i5_what_the_backend_has_mapped_stays_usable),
    UNIT_TEST(i5_nothing_is_ended_while_requests_are_in_flight),
    UNIT_TEST(i5_where_busy_cannot_be_asked_nothing_is_ended_before_the_end),
    UNIT_TEST(i4_kept_pages_give_way_to_direct_data),
    UNIT_TEST(i4_where_the_backend_keeps_them_they_carry_the_data),
    UNIT_TEST(i4_kept_memory_gives_way_to_others),
    UNIT_TEST(i4_where_nothing_can_be_ended_all_goes_through_one_page),
    UNIT_TEST(kept_memory_is_ended_piece_by_piece),
    UNIT_TEST(i4_what_another_queue_keeps_gives_way),
    UNIT_TEST(i4_a_start_without_a_grant_is_no_failure),
    UNIT_TEST(i4_a_device_is_told_to_end_what_it_keeps_for_another),
};

UNIT_MAIN_WITH("purge", set_up, NULL, tests)
