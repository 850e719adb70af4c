/* SPDX-License-Identifier: ISC */
/*
 * Persistent grants: what stays granted and is used again, the warmest first, and until when (I5).
 */
#include "kept.h"

/* ---- what is kept ---- */

static void i5_a_page_is_granted_once_and_writable(void)
{
    for (unsigned any_page = 0; any_page < 2; any_page++) {
        uint32_t ref;

        begin(any_page != 0);
        start();
        hold_all(true);
        ref = run(BLKFRONT_WRITE, heap(512)).segments[0].grant_ref;
        CU_ASSERT_TRUE(rig.fake.refs[ref].writable);
        for (int i = 0; i < 10; i++)
            CU_ASSERT_EQUAL(run(BLKFRONT_WRITE, heap(PAGE)).segments[0].grant_ref, ref);
        /* One pool for both directions, where there is one. */
        CU_ASSERT_EQUAL(run(BLKFRONT_READ, heap(PAGE)).segments[0].grant_ref == ref, any_page != 0);
        CU_ASSERT_EQUAL(rig.fake.grants, any_page);
        CU_ASSERT_EQUAL(rig_statistics(&rig).grants, any_page);
        CU_ASSERT_EQUAL(rig_statistics(&rig).grants_reused, 10 + any_page);
        hold_all(false);
        finish();
    }
}

static void i5_nothing_is_kept_unless_both_sides_keep_it(void)
{
    begin(true);
    rig.device.agreed.keeps_grants = false;
    start();
    for (int i = 0; i < 5; i++) {
        uint32_t ref = run(BLKFRONT_WRITE, heap(PAGE)).segments[0].grant_ref;

        CU_ASSERT_EQUAL(rig.fake.revokes, (unsigned)i + 1);
        CU_ASSERT_PTR_NULL(fake_map(&rig.fake, ref, false));
    }
    CU_ASSERT_EQUAL(rig_statistics(&rig).grants, 5);
    CU_ASSERT_EQUAL(rig_statistics(&rig).grants_reused, 0);
    finish();
}

/* A backend that keeps few pages mapped keeps those that were used last. */
static void the_warmest_page_goes_first(void)
{
    struct rig_request many, one;

    start();
    hold_all(true);
    many = run(BLKFRONT_WRITE, heap(11 * PAGE));
    one = run(BLKFRONT_WRITE, heap(2 * PAGE));
    CU_ASSERT_EQUAL(one.segments[0].grant_ref, many.segments[10].grant_ref);
    CU_ASSERT_EQUAL(one.segments[1].grant_ref, many.segments[9].grant_ref);
    CU_ASSERT_EQUAL(rig_statistics(&rig).grants, 11);
    CU_ASSERT_EQUAL(rig_statistics(&rig).grants_reused, 2);
    hold_all(false);
    finish();
}

static void lists_of_segments_are_kept_too(void)
{
    start();
    hold_all(true);
    (void)run(BLKFRONT_READ, heap(20 * PAGE));
    CU_ASSERT_EQUAL(rig_statistics(&rig).grants, 21);
    (void)run(BLKFRONT_READ, heap(20 * PAGE));
    (void)run(BLKFRONT_WRITE, heap(20 * PAGE));
    CU_ASSERT_EQUAL(rig_statistics(&rig).grants, 21);
    CU_ASSERT_EQUAL(rig_statistics(&rig).grants_reused, 42);
    hold_all(false);
    finish();
}

static void i6_without_trust_a_kept_page_is_zeroed_before_each_request(void)
{
    struct blkfront_buffer small = heap(512);
    struct rig_call call = rig_call(BLKFRONT_WRITE, 0, &small, 1);
    const unsigned char *page;
    struct rig_request request;

    rig.device.agreed.trusted = false;
    start();
    memset(data, 0xee, PAGE);
    (void)run(BLKFRONT_WRITE, heap(PAGE));
    CU_ASSERT_EQUAL(rig_submit(&rig, &call), BLKFRONT_OK);
    request = rig_next(&rig);
    CU_ASSERT_EQUAL(rig_statistics(&rig).grants_reused, 1);
    page = fake_map(&rig.fake, request.segments[0].grant_ref, false);
    CU_ASSERT_PTR_NOT_NULL_FATAL(page);
    CU_ASSERT_EQUAL(page[511], 0xee);
    for (size_t i = 512; i < PAGE; i++)
        CU_ASSERT_EQUAL_FATAL(page[i], 0);
    rig_answer(&rig, &request);
    finish();
}

static void i2_a_page_whose_answer_came_late_is_kept_as_well(void)
{
    struct blkfront_buffer buffer = heap(PAGE), other;
    struct rig_call call = rig_call(BLKFRONT_READ, 0, &buffer, 1);
    struct rig_call second;
    struct rig_request request, next;

    rig.device.options.request_deadline_ns = 10;
    start();
    make_memory(1);
    hold_all(true);
    other = direct(0, PAGE);
    second = rig_call(BLKFRONT_READ, 0, &other, 1);
    CU_ASSERT_EQUAL(rig_submit(&rig, &call), BLKFRONT_OK);
    CU_ASSERT_EQUAL(rig_submit(&rig, &second), BLKFRONT_OK);
    rig.fake.now = 10;
    rig_poll(&rig);
    CU_ASSERT_EQUAL(call.result, BLKFRONT_DEADLINE);
    CU_ASSERT_EQUAL(second.result, BLKFRONT_DEADLINE);
    request = rig_next(&rig);
    next = rig_next(&rig);
    rig_answer(&rig, &request);
    rig_answer(&rig, &next);
    CU_ASSERT_EQUAL(run(BLKFRONT_READ, heap(PAGE)).segments[0].grant_ref,
                    request.segments[0].grant_ref);
    CU_ASSERT_EQUAL(run(BLKFRONT_READ, direct(0, PAGE)).segments[0].grant_ref,
                    next.segments[0].grant_ref);
    hold_all(false);
    finish();
}

/* ---- memory that goes without a copy ---- */

static void i5_library_memory_stays_granted_and_in_use(void)
{
    for (unsigned any_page = 0; any_page < 2; any_page++) {
        uint32_t ref;

        begin(any_page != 0);
        start();
        make_memory(2);
        hold_all(true);
        ref = run(BLKFRONT_READ, direct(0, PAGE)).segments[0].grant_ref;
        for (int i = 0; i < 5; i++) {
            CU_ASSERT_EQUAL(run(BLKFRONT_READ, direct(0, PAGE)).segments[0].grant_ref, ref);
            CU_ASSERT_EQUAL(run(BLKFRONT_WRITE, direct(512, 1024)).segments[0].grant_ref, ref);
        }
        CU_ASSERT_EQUAL(rig_statistics(&rig).direct, 11);
        CU_ASSERT_EQUAL(rig_statistics(&rig).grants, any_page);
        CU_ASSERT_EQUAL(rig_statistics(&rig).grants_reused, 10);
        hold_all(false);
        finish();
    }
}

/* The backend may hold a reference once only: pieces in flight have one each. */
static void pieces_of_one_page_in_flight_have_their_own_grants(void)
{
    struct blkfront_buffer buffers[2];
    struct rig_call calls[2];
    struct rig_request requests[2];

    start();
    make_memory(1);
    hold_all(true);
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 2; i++) {
            buffers[i] = direct((size_t)i * 1024, 1024);
            calls[i] = rig_call(BLKFRONT_READ, (uint64_t)i * 2, &buffers[i], 1);
            CU_ASSERT_EQUAL(rig_submit(&rig, &calls[i]), BLKFRONT_OK);
            requests[i] = rig_next(&rig);
        }
        CU_ASSERT_NOT_EQUAL(requests[0].segments[0].grant_ref, requests[1].segments[0].grant_ref);
        rig_answer(&rig, &requests[0]);
        rig_answer(&rig, &requests[1]);
    }
    CU_ASSERT_EQUAL(rig_statistics(&rig).grants, 2);
    CU_ASSERT_EQUAL(rig_statistics(&rig).grants_reused, 4);
    hold_all(false);
    finish();
}

static void i5_destroying_ends_what_is_kept(void)
{
    for (unsigned any_page = 0; any_page < 2; any_page++) {
        begin(any_page != 0);
        start();
        make_memory(2);
        (void)run(BLKFRONT_READ, direct(0, 2 * PAGE));
        hold_all(true);
        blkfront_memory_destroy(memory);
        memories_poll(&rig.device);
        CU_ASSERT_PTR_NOT_NULL(rig.device.memories); /* the backend has it mapped */
        hold_all(false);
        memories_poll(&rig.device);
        CU_ASSERT_PTR_NULL(rig.device.memories);
        finish();
    }
}

static void i5_the_end_of_the_connection_ends_what_is_kept(void)
{
    for (unsigned any_page = 0; any_page < 2; any_page++) {
        begin(any_page != 0);
        start();
        make_memory(2);
        (void)run(BLKFRONT_READ, direct(0, 2 * PAGE));
        (void)run(BLKFRONT_READ, heap(5 * PAGE));
        rig.takes = false;
        queue_stop(rig.queue, BLKFRONT_DISCONNECTED);
        rig_poll(&rig);
        CU_ASSERT_EQUAL(queue_get_state(rig.queue), QUEUE_STOPPED);
        hold_all(true);
        CU_ASSERT_EQUAL(queue_close(rig.queue), BLKFRONT_PLATFORM_BUSY);
        hold_all(false);
        CU_ASSERT_EQUAL(queue_close(rig.queue), 0);
        /* What is left is the memory itself: where a block is shared as a whole, its pages. */
        CU_ASSERT_EQUAL(rig.fake.refs_used, any_page != 0 ? 0 : 2);
        blkfront_memory_destroy(memory);
        CU_ASSERT_PTR_NULL(rig.device.memories);
        queues_destroy(&rig.device);
        CU_ASSERT_EQUAL(rig_left(&rig), 0);
    }
}

/* A connection after this one begins with nothing granted. */
static void i6_another_connection_keeps_nothing_of_the_last(void)
{
    uint32_t ref;

    start();
    make_memory(1);
    ref = run(BLKFRONT_READ, direct(0, PAGE)).segments[0].grant_ref;
    queue_stop(rig.queue, BLKFRONT_DISCONNECTED);
    rig_poll(&rig);
    CU_ASSERT_EQUAL(queue_close(rig.queue), 0);
    CU_ASSERT_EQUAL(queue_open(rig.queue), 0);
    rig.req_cons[0] = rig.rsp_prod[0] = 0;
    queue_start(rig.queue);
    CU_ASSERT_NOT_EQUAL(run(BLKFRONT_READ, direct(0, PAGE)).segments[0].grant_ref, ref);
    CU_ASSERT_EQUAL(rig_statistics(&rig).grants, 2);
    finish();
}

static const struct unit_test tests[] = {
    UNIT_TEST(i5_a_page_is_granted_once_and_writable),
    UNIT_TEST(i5_nothing_is_kept_unless_both_sides_keep_it),
    UNIT_TEST(the_warmest_page_goes_first),
    UNIT_TEST(lists_of_segments_are_kept_too),
    UNIT_TEST(i6_without_trust_a_kept_page_is_zeroed_before_each_request),
    UNIT_TEST(i2_a_page_whose_answer_came_late_is_kept_as_well),
    UNIT_TEST(i5_library_memory_stays_granted_and_in_use),
    UNIT_TEST(pieces_of_one_page_in_flight_have_their_own_grants),
    UNIT_TEST(i5_destroying_ends_what_is_kept),
    UNIT_TEST(i5_the_end_of_the_connection_ends_what_is_kept),
    UNIT_TEST(i6_another_connection_keeps_nothing_of_the_last),
};

UNIT_MAIN_WITH("persistent", set_up, NULL, tests)
