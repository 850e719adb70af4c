/* SPDX-License-Identifier: ISC */
/*
 * I15: what becomes of reads and writes whose connection is lost. What has been answered is not
 * repeated, the rest goes out again, in its order and cut anew, or ends as the new disk demands.
 */
#include "lost.h"

/* ---- what goes out again ---- */

static void i15_what_is_unanswered_goes_out_again_in_order_before_what_waits(void)
{
    enum { COUNT = 40, RING = 32 };
    static struct rig_call calls[COUNT];
    static struct rig_request requests[RING];

    start();
    for (uint64_t i = 0; i < COUNT; i++) {
        calls[i] = page_write(i * 8);
        submit(&calls[i]);
    }
    for (unsigned i = 0; i < RING; i++)
        requests[i] = rig_next(&rig);
    /* Out of order: the last ones first. */
    for (unsigned i = RING; i-- > 0;) {
        if (i % 3 != 0)
            rig_answer(&rig, &requests[i]);
    }
    rig.req_cons[0] += rig_waiting_requests(&rig); /* those that took their place: never answered */
    lose();
    reconnect();
    for (unsigned i = 0; i < COUNT; i++) {
        struct rig_request request;

        CU_ASSERT_EQUAL(calls[i].completions, i < RING && i % 3 != 0);
        if (calls[i].completions == 1)
            continue;
        request = expect(BLKIF_WIRE_WRITE, (uint64_t)i * 8);
        rig_answer(&rig, &request);
        check_result(&calls[i], BLKFRONT_OK);
    }
    CU_ASSERT_EQUAL(rig_waiting_requests(&rig), 0);
    /* 11 of the first 32, and the 8 that had waited then. */
    CU_ASSERT_EQUAL(rig_statistics(&rig).reissued, 19);
    finish();
}

/* Which units of the disk have been asked for, and how often. */
static unsigned char asked[RIG_UNITS];

static void ask(const struct rig_request *request)
{
    uint64_t unit = request->sector_512;

    for (unsigned i = 0; i < request->segment_count; i++) {
        struct blkif_wire_segment segment = rig_segment(&rig, request, i);

        for (unsigned u = segment.first_512; u <= segment.last_512; u++)
            asked[unit++]++;
    }
}

static void i15_parts_that_were_answered_are_not_repeated(void)
{
    const struct blkfront_buffer all = {.address = data, .size = sizeof(data)};
    struct rig_call call = rig_call(BLKFRONT_WRITE, 16, &all, 1);
    struct rig_request requests[6];

    memset(asked, 0, sizeof(asked));
    start();
    submit(&call);
    for (unsigned i = 0; i < 6; i++) /* 5 of 11 pages, and one of 9 */
        requests[i] = rig_next(&rig);
    CU_ASSERT_EQUAL(requests[5].segment_count, 9);
    rig_answer(&rig, &requests[1]);
    rig_answer(&rig, &requests[4]);
    ask(&requests[1]);
    ask(&requests[4]);
    lose();
    rig.device.agreed.segments = 4;
    reconnect();
    CU_ASSERT_EQUAL(call.completions, 0);
    for (unsigned i = 0; i < 12; i++) { /* 11, 22 and 9 pages by fours: 3, 6 and 3 */
        struct rig_request request = rig_next(&rig);

        CU_ASSERT_TRUE(request.segment_count <= 4);
        ask(&request);
        rig_answer(&rig, &request);
    }
    check_result(&call, BLKFRONT_OK);
    for (unsigned i = 0; i < RIG_UNITS; i++)
        CU_ASSERT_EQUAL(asked[i], i >= 16 && i < 16 + sizeof(data) / 512);
    CU_ASSERT_EQUAL(memcmp(rig.disk + 16 * 512, data, sizeof(data)), 0);
    CU_ASSERT_EQUAL(rig_statistics(&rig).reissued, 12);
    finish();
}

static void i15_a_read_comes_back_whole(void)
{
    static unsigned char target[PAGES * PAGE];
    const struct blkfront_buffer pieces[] = {
        {.address = target, .size = 5 * 512},
        {.address = target + 5 * 512, .size = sizeof(target) - 9 * 512},
        {.address = target + sizeof(target) - 4 * 512, .size = 4 * 512},
    };
    struct rig_call call = rig_call(BLKFRONT_READ, 8, pieces, 3);

    memcpy(rig.disk + 8 * 512, data, sizeof(data));
    memset(target, 0xee, sizeof(target));
    start();
    submit(&call);
    for (unsigned i = 0; i < 6; i++) {
        struct rig_request request = rig_next(&rig);

        if (i % 2 == 1)
            rig_answer(&rig, &request);
    }
    lose();
    rig.device.agreed.segments = 3;
    reconnect();
    rig_settle(&rig);
    check_result(&call, BLKFRONT_OK);
    CU_ASSERT_EQUAL(memcmp(target, data, sizeof(data)), 0);
    finish();
}

/* The response lies on the ring when the connection is lost, and nobody has looked yet. */
static void i15_an_answer_that_came_in_time_counts(void)
{
    struct rig_call calls[2] = {page_write(0), page_write(8)};
    struct rig_request requests[2];

    start();
    for (unsigned i = 0; i < 2; i++) {
        submit(&calls[i]);
        requests[i] = rig_next(&rig);
    }
    queue_pause(rig.queue);
    rig_poll(&rig);
    CU_ASSERT_EQUAL(queue_get_state(rig.queue), QUEUE_PAUSED);
    /* While the backend closes it still answers. */
    rig_respond(&rig, requests[0].id, requests[0].inner, OKAY);
    rig_event(&rig);
    rig_poll(&rig);
    check_result(&calls[0], BLKFRONT_OK);
    rig_respond(&rig, requests[1].id, requests[1].inner, OKAY);
    queue_keep(rig.queue);
    rig_poll(&rig);
    check_result(&calls[1], BLKFRONT_OK);
    CU_ASSERT_EQUAL(queue_get_state(rig.queue), QUEUE_KEPT);
    CU_ASSERT_EQUAL(queue_close(rig.queue), 0);
    reconnect();
    CU_ASSERT_EQUAL(rig_waiting_requests(&rig), 0);
    finish();
}

static void i11_a_queue_that_pauses_puts_nothing_on_its_ring(void)
{
    struct rig_call calls[3] = {page_write(0), page_write(8), page_write(16)};
    struct rig_request request;

    start();
    submit(&calls[0]);
    request = rig_next(&rig);
    queue_pause(rig.queue);
    submit(&calls[1]);
    CU_ASSERT_EQUAL(rig_waiting_requests(&rig), 0);
    CU_ASSERT_EQUAL(blkfront_queue_poll_at(rig.queue), 0);
    rig_poll(&rig);
    CU_ASSERT_EQUAL(blkfront_queue_poll_at(rig.queue), UINT64_MAX);
    submit(&calls[2]);
    rig_answer(&rig, &request); /* makes room, but not for them */
    CU_ASSERT_EQUAL(rig_waiting_requests(&rig), 0);
    check_result(&calls[0], BLKFRONT_OK);
    lose();
    reconnect();
    rig_settle(&rig);
    check_result(&calls[1], BLKFRONT_OK);
    check_result(&calls[2], BLKFRONT_OK);
    CU_ASSERT_EQUAL(rig_statistics(&rig).reissued, 0); /* they had never gone out */
    finish();
}

static void i15_a_smaller_ring_takes_them_in_turns(void)
{
    enum { COUNT = 64 };
    static struct rig_call calls[COUNT];

    rig.device.options.ring_order = 1;
    rig.device.agreed.ring_order = 1;
    rig.device.options.pool_pages = COUNT;
    start();
    for (uint64_t i = 0; i < COUNT; i++) {
        calls[i] = page_write(i * 8);
        submit(&calls[i]);
    }
    CU_ASSERT_EQUAL(rig_waiting_requests(&rig), COUNT);
    lose();
    rig.device.agreed.ring_order = 0;
    reconnect();
    CU_ASSERT_EQUAL(rig_waiting_requests(&rig), 32);
    rig_settle(&rig);
    for (unsigned i = 0; i < COUNT; i++) {
        check_result(&calls[i], BLKFRONT_OK);
        CU_ASSERT_EQUAL(calls[i].order, (int)i + 1);
    }
    finish();
}

/* A request of which a part is on the ring, a part kept and a part has never been issued. */
static void i15_a_request_that_had_only_begun_goes_on(void)
{
    const struct blkfront_buffer all = {.address = data, .size = sizeof(data)};
    struct rig_call call = rig_call(BLKFRONT_WRITE, 0, &all, 1);
    struct rig_request request;

    rig.device.options.pool_pages = 20;
    start();
    submit(&call);
    CU_ASSERT_EQUAL(rig_waiting_requests(&rig), 2); /* 11 and 9 pages of 64 */
    request = rig_next(&rig);
    rig_answer(&rig, &request); /* and 11 more go out */
    lose();
    reconnect();
    request = expect(BLKIF_WIRE_WRITE, 11 * 8); /* 9 and 11 pages are one range now */
    CU_ASSERT_EQUAL(request.segment_count, 11);
    rig_answer(&rig, &request);
    rig_settle(&rig);
    check_result(&call, BLKFRONT_OK);
    CU_ASSERT_EQUAL(memcmp(rig.disk, data, sizeof(data)), 0);
    finish();
}

static void i15_lost_again_and_again_each_part_goes_out_once_a_connection(void)
{
    struct rig_call calls[3] = {page_write(0), page_write(8), page_write(16)};

    start();
    for (unsigned i = 0; i < 3; i++)
        submit(&calls[i]);
    for (unsigned round = 0; round < 10; round++) {
        CU_ASSERT_EQUAL(rig_waiting_requests(&rig), 3);
        (void)expect(BLKIF_WIRE_WRITE, 0);
        (void)expect(BLKIF_WIRE_WRITE, 8);
        (void)expect(BLKIF_WIRE_WRITE, 16);
        lose();
        reconnect();
    }
    rig_settle(&rig);
    for (unsigned i = 0; i < 3; i++)
        check_result(&calls[i], BLKFRONT_OK);
    CU_ASSERT_EQUAL(rig_statistics(&rig).reissued, 30);
    finish();
}

/*
 * The worst for the memory of ranges: a full ring of long requests, then connections of one segment
 * a request, each of which answers a few and is lost. Every range falls to pieces. It always goes
 * on, and nothing is asked for twice that was answered.
 */
static void i4_ranges_that_fall_to_pieces_never_run_out_of_memory(void)
{
    enum { COUNT = 32, EACH = 11 };
    const struct blkfront_buffer pages = {.address = data, .size = EACH * PAGE};
    static struct rig_call calls[COUNT];
    unsigned rounds = 0, unanswered = COUNT * EACH;

    memset(asked, 0, sizeof(asked));
    rig.device.options.pool_pages = COUNT * EACH;
    start();
    for (uint64_t i = 0; i < COUNT; i++) {
        calls[i] = rig_call(BLKFRONT_WRITE, i * EACH * 8, &pages, 1);
        submit(&calls[i]);
    }
    CU_ASSERT_EQUAL(rig_waiting_requests(&rig), COUNT);
    rig.device.agreed.segments = 1;
    while (unanswered > 0 && rounds++ < 1000) {
        struct rig_request requests[COUNT];
        unsigned count;

        lose();
        reconnect();
        count = rig_waiting_requests(&rig);
        CU_ASSERT_TRUE_FATAL(count > 0 && count <= COUNT);
        for (unsigned i = 0; i < count; i++)
            requests[i] = rig_next(&rig);
        /* Every other one, from the end: that leaves as many holes as can be. */
        for (unsigned i = count; i-- > 0;) {
            if (i % 2 == 1 && count > 1)
                continue;
            ask(&requests[i]);
            rig_execute(&rig, &requests[i]);
            rig_respond(&rig, requests[i].id, requests[i].inner, OKAY);
            unanswered--;
        }
    }
    rig_settle(&rig);
    for (unsigned i = 0; i < COUNT; i++)
        check_result(&calls[i], BLKFRONT_OK);
    for (unsigned i = 0; i < RIG_UNITS; i++)
        CU_ASSERT_TRUE(asked[i] <= 1);
    finish();
}

/* ---- what does not ---- */

static void i15_what_the_new_disk_does_not_permit_ends(void)
{
    static const struct {
        uint64_t size_512;
        uint32_t sector_size;
        bool read_only;
        int results[3]; /* a write in the middle, one at the end, a read at the start */
    } disks[] = {
        {RIG_UNITS, 512, true, {BLKFRONT_READ_ONLY, BLKFRONT_READ_ONLY, BLKFRONT_OK}},
        {RIG_UNITS / 2 + 8, 512, false, {BLKFRONT_OK, BLKFRONT_OUT_OF_RANGE, BLKFRONT_OK}},
        {RIG_UNITS / 2 + 7, 512, false, {BLKFRONT_OUT_OF_RANGE, BLKFRONT_OUT_OF_RANGE, 0}},
        {0, 512, false, {BLKFRONT_OUT_OF_RANGE, BLKFRONT_OUT_OF_RANGE, BLKFRONT_OUT_OF_RANGE}},
        {RIG_UNITS, 4096, false, {BLKFRONT_OK, BLKFRONT_OK, BLKFRONT_OUT_OF_RANGE}},
    };

    for (size_t i = 0; i < sizeof(disks) / sizeof(disks[0]); i++) {
        const struct blkfront_buffer half = {.address = data, .size = 512};
        struct rig_call calls[3] = {page_write(RIG_UNITS / 2), page_write(RIG_UNITS - 8),
                                    rig_call(BLKFRONT_READ, 0, &half, 1)};

        for (int in_flight = 0; in_flight < 2; in_flight++) {
            set_up();
            start();
            if (in_flight == 0)
                lose();
            for (unsigned c = 0; c < 3; c++) {
                calls[c].completions = 0;
                submit(&calls[c]);
            }
            if (in_flight != 0)
                lose();
            rig.device.agreed.size_512 = disks[i].size_512;
            rig.device.agreed.sector_size = disks[i].sector_size;
            rig.device.agreed.read_only = disks[i].read_only;
            reconnect();
            rig_settle(&rig);
            for (unsigned c = 0; c < 3; c++)
                check_result(&calls[c], disks[i].results[c]);
            finish();
        }
    }
}

/* The other parts of such a request are not looked for any more; those answered stay written. */
static void i15_one_part_out_of_range_ends_the_request(void)
{
    const struct blkfront_buffer all = {.address = data, .size = sizeof(data)};
    struct rig_call call = rig_call(BLKFRONT_WRITE, 0, &all, 1);
    struct rig_request requests[6];

    start();
    submit(&call);
    for (unsigned i = 0; i < 6; i++)
        requests[i] = rig_next(&rig);
    rig_answer(&rig, &requests[2]);
    lose();
    rig.device.agreed.size_512 = sizeof(data) / 512 - 1;
    reconnect();
    check_result(&call, BLKFRONT_OUT_OF_RANGE);
    CU_ASSERT_EQUAL(rig_waiting_requests(&rig), 0);
    finish();
}

/* The disk shrinks between two parts of a range: the first one is over first. */
static void i15_a_disk_that_shrinks_in_the_middle_ends_the_rest(void)
{
    const struct blkfront_buffer all = {.address = data, .size = 22 * PAGE};
    struct rig_call call = rig_call(BLKFRONT_WRITE, 0, &all, 1);
    struct rig_request request;

    start();
    submit(&call);
    lose();
    rig.fake.refs_limit = 1 + 11; /* the ring; and the second part has to wait */
    reconnect();
    request = expect(BLKIF_WIRE_WRITE, 0);
    CU_ASSERT_EQUAL(rig_waiting_requests(&rig), 0);
    __atomic_store_n(&rig.device.agreed.size_512, 100, __ATOMIC_RELAXED);
    rig_answer(&rig, &request);
    CU_ASSERT_EQUAL(call.completions, 1);
    CU_ASSERT_NOT_EQUAL(call.result, BLKFRONT_OK);
    finish();
}

static void i15_what_has_failed_is_over_when_the_rest_is_lost(void)
{
    const struct blkfront_buffer all = {.address = data, .size = 33 * PAGE};
    struct rig_call call = rig_call(BLKFRONT_WRITE, 0, &all, 1);
    struct rig_request requests[3];

    start();
    submit(&call);
    for (unsigned i = 0; i < 3; i++)
        requests[i] = rig_next(&rig);
    respond(&requests[1], ERROR);
    CU_ASSERT_EQUAL(call.completions, 0);
    lose();
    check_result(&call, BLKFRONT_IO_ERROR);
    reconnect();
    CU_ASSERT_EQUAL(rig_waiting_requests(&rig), 0);
    finish();
}

/* And on the new connection: what is still kept of it is dropped. */
static void i15_what_fails_on_the_new_connection_is_not_continued(void)
{
    const struct blkfront_buffer all = {.address = data, .size = 33 * PAGE};
    struct rig_call call = rig_call(BLKFRONT_WRITE, 0, &all, 1);
    struct rig_request request;

    start();
    submit(&call);
    lose();
    rig.fake.refs_limit = 1 + 11; /* the ring, and one part */
    reconnect();
    request = expect(BLKIF_WIRE_WRITE, 0);
    CU_ASSERT_PTR_NOT_NULL(call.request.internal.kept);
    respond(&request, ERROR);
    check_result(&call, BLKFRONT_IO_ERROR);
    CU_ASSERT_EQUAL(rig_waiting_requests(&rig), 0);
    finish();
}

/* The memory of ranges, but `count` of them. */
static struct blkfront_range *borrow_ranges(uint32_t count)
{
    struct blkfront_range *borrowed = NULL;

    while (rig.queue->free_range_count > count) {
        struct blkfront_range *range = rig.queue->free_ranges;

        rig.queue->free_ranges = range->next;
        rig.queue->free_range_count--;
        range->next = borrowed;
        borrowed = range;
    }
    return borrowed;
}

/* As another queue gives them back. */
static void give_back(struct blkfront_range *borrowed)
{
    __atomic_store_n(&rig.queue->returned_ranges, borrowed, __ATOMIC_RELEASE);
    rig_poll(&rig);
}

/* I4: what could not be kept is not put on the ring, but it will be. One can be kept always. */
static void i4_no_more_goes_out_than_can_be_kept(void)
{
    struct rig_call calls[4] = {page_write(0), page_write(8), page_write(16), page_write(24)};
    struct blkfront_range *borrowed;
    struct rig_request request;

    start();
    borrowed = borrow_ranges(1);
    submit(&calls[0]);
    submit(&calls[1]);
    CU_ASSERT_EQUAL(rig_waiting_requests(&rig), 1);
    request = expect(BLKIF_WIRE_WRITE, 0);
    rig_answer(&rig, &request);
    request = expect(BLKIF_WIRE_WRITE, 8);
    rig_answer(&rig, &request);
    give_back(borrowed);
    borrowed = borrow_ranges(0);
    submit(&calls[2]);
    submit(&calls[3]);
    CU_ASSERT_EQUAL(rig_waiting_requests(&rig), 1);
    give_back(borrowed);
    CU_ASSERT_EQUAL(rig_waiting_requests(&rig), 2);
    rig_settle(&rig);
    for (unsigned i = 0; i < 4; i++)
        check_result(&calls[i], BLKFRONT_OK);
    finish();
}

/* A request that has passed its deadline holds a slot, and needs no range. */
static void i4_what_is_given_up_is_not_kept(void)
{
    struct rig_call given_up = page_write(0),
                    calls[3] = {page_write(8), page_write(16), page_write(24)};
    struct blkfront_range *borrowed;

    rig.device.options.request_deadline_ns = 1000;
    start();
    submit(&given_up);
    (void)expect(BLKIF_WIRE_WRITE, 0);
    rig.fake.now += 1000;
    rig_poll(&rig);
    check_result(&given_up, BLKFRONT_DEADLINE);
    borrowed = borrow_ranges(2);
    for (unsigned i = 0; i < 3; i++)
        submit(&calls[i]);
    CU_ASSERT_EQUAL(rig_waiting_requests(&rig), 2);
    rig_settle(&rig);
    for (unsigned i = 0; i < 3; i++)
        check_result(&calls[i], BLKFRONT_OK);
    give_back(borrowed);
    finish();
}

static const struct unit_test tests[] = {
    UNIT_TEST(i4_no_more_goes_out_than_can_be_kept),
    UNIT_TEST(i4_what_is_given_up_is_not_kept),
    UNIT_TEST(i15_what_is_unanswered_goes_out_again_in_order_before_what_waits),
    UNIT_TEST(i15_parts_that_were_answered_are_not_repeated),
    UNIT_TEST(i15_a_read_comes_back_whole),
    UNIT_TEST(i15_an_answer_that_came_in_time_counts),
    UNIT_TEST(i11_a_queue_that_pauses_puts_nothing_on_its_ring),
    UNIT_TEST(i15_a_smaller_ring_takes_them_in_turns),
    UNIT_TEST(i15_a_request_that_had_only_begun_goes_on),
    UNIT_TEST(i15_lost_again_and_again_each_part_goes_out_once_a_connection),
    UNIT_TEST(i4_ranges_that_fall_to_pieces_never_run_out_of_memory),
    UNIT_TEST(i15_what_the_new_disk_does_not_permit_ends),
    UNIT_TEST(i15_one_part_out_of_range_ends_the_request),
    UNIT_TEST(i15_a_disk_that_shrinks_in_the_middle_ends_the_rest),
    UNIT_TEST(i15_what_has_failed_is_over_when_the_rest_is_lost),
    UNIT_TEST(i15_what_fails_on_the_new_connection_is_not_continued),
};

UNIT_MAIN_WITH("requeue", set_up, NULL, tests)
