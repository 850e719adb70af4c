/* SPDX-License-Identifier: ISC */
/*
 * The memory for what a lost connection leaves (I15) when there is none: whatever has become of it,
 * requests go on (I4) and nothing is lost.
 */
#include "rings.h"

/* As after losses that left more pieces than one: a queue has no free range. */
static struct blkfront_range *take_ranges(uint32_t index, uint32_t *count)
{
    struct blkfront_range *ranges = queue(index)->free_ranges;

    *count = queue(index)->free_range_count;
    queue(index)->free_ranges = NULL;
    queue(index)->free_range_count = 0;
    return ranges;
}

/* They come home as others' do. */
static void give_ranges(uint32_t index, struct blkfront_range *ranges)
{
    (void)requeue_collect(queue(index));
    queue(index)->returned_ranges = ranges;
}

/* Its ranges are all with another queue, which has not got to them yet: what it would put on its
 * ring beside the first could not be kept, should that be lost. So it waits for one to come home.
 */
static void i4_a_queue_whose_ranges_are_away_waits_for_them(void)
{
    enum { COUNT = 32, EACH = 2 };
    const struct blkfront_buffer two = {.address = data, .size = EACH * PAGE};
    static struct rig_call calls[COUNT];
    struct rig_call fresh[2] = {page_write(2048), page_write(2056)};
    struct blkfront_range *rest;
    struct rig_request request;
    uint32_t ranges;

    start();
    for (unsigned i = 0; i < COUNT; i++) {
        calls[i] = rig_call(BLKFRONT_WRITE, (uint64_t)i * EACH * 8, &two, 1);
        submit(2, &calls[i]);
    }
    rig_lose(&rig);
    rest = take_ranges(2, &ranges);
    CU_ASSERT_EQUAL(ranges, COUNT);
    rig.fake.refs_limit = 2; /* one ring, and a page */
    reconnect(1);
    CU_ASSERT_EQUAL(rig_waiting_requests(&rig), 1);
    rig_lose(&rig);
    rig.fake.refs_limit = QUEUES + 1;
    reconnect(QUEUES);
    rig.fake.refs_limit = QUEUES + 3;
    submit(2, &fresh[0]);
    submit(2, &fresh[1]);
    rig.ring = 2;
    CU_ASSERT_EQUAL(rig_waiting_requests(&rig), 1);
    rig.ring = 0;
    rig.fake.refs_limit = 0;
    request = rig_next(&rig);
    rig_answer(&rig, &request); /* the rest goes out, and ranges come home */
    rig_poll_all(&rig);
    rig.ring = 2;
    CU_ASSERT_EQUAL(rig_waiting_requests(&rig), 2);
    settle(QUEUES);
    for (unsigned i = 0; i < COUNT; i++)
        check_result(&calls[i], BLKFRONT_OK);
    check_result(&fresh[0], BLKFRONT_OK);
    check_result(&fresh[1], BLKFRONT_OK);
    give_ranges(2, rest);
    finish();
}

/* All ranges of a queue are with its own requests, which wait behind one that has come from another
 * queue. It goes out nevertheless, and a loss makes it what it was (I15). */
static void i4_what_is_alone_on_the_ring_needs_no_range(void)
{
    struct rig_call early = rig_call(BLKFRONT_WRITE, 0, &many_pages, 1), late = page_write(2048);
    struct rig_request request;
    struct blkfront_range *ranges;
    uint32_t count;

    start();
    rig_lose(&rig);
    submit(1, &early);
    rig_reconnect(&rig, 1);
    submit(0, &late);
    rig_lose(&rig); /* queue 1 has handed over before it came to rest */
    ranges = take_ranges(0, &count);
    CU_ASSERT_EQUAL(count, 2 * queue(0)->slots.count - 1);
    for (uint64_t part = 0; part < 3; part++) {
        reconnect(1);
        CU_ASSERT_EQUAL(rig_waiting_requests(&rig), 1);
        request = rig_next(&rig);
        CU_ASSERT_EQUAL(request.sector_512, part * 11 * 8);
        rig_lose(&rig);
        reconnect(1);
        CU_ASSERT_EQUAL(rig_waiting_requests(&rig), 1);
        request = rig_next(&rig);
        CU_ASSERT_EQUAL(request.sector_512, part * 11 * 8);
        rig_answer(&rig, &request);
        rig_lose(&rig);
    }
    check_result(&early, BLKFRONT_OK);
    CU_ASSERT_EQUAL(memcmp(rig.disk, data, sizeof(data)), 0);
    reconnect(1);
    settle(1);
    check_result(&late, BLKFRONT_OK);
    give_ranges(0, ranges);
    finish();
}

/* The range of what goes out last belongs to another queue: this one keeps it, having no other. */
static void i15_the_last_piece_of_anothers_range_has_a_place(void)
{
    struct rig_call call = page_write(0);
    struct rig_request request;
    struct blkfront_range *ranges;
    uint32_t count;

    start();
    submit(1, &call);
    rig_lose(&rig);
    ranges = take_ranges(0, &count);
    for (unsigned round = 0; round < 3; round++) {
        reconnect(1);
        CU_ASSERT_EQUAL(rig_waiting_requests(&rig), 1);
        request = rig_next(&rig);
        CU_ASSERT_EQUAL(request.sector_512, 0);
        rig_lose(&rig);
    }
    reconnect(1);
    settle(1);
    check_result(&call, BLKFRONT_OK);
    CU_ASSERT_EQUAL(queue(1)->free_range_count, 2 * queue(1)->slots.count - 1);
    give_ranges(1, take_ranges(0, &count));
    CU_ASSERT_EQUAL(count, 1);
    give_ranges(0, ranges);
    finish();
}

static const struct unit_test tests[] = {
    UNIT_TEST(i4_a_queue_whose_ranges_are_away_waits_for_them),
    UNIT_TEST(i4_what_is_alone_on_the_ring_needs_no_range),
    UNIT_TEST(i15_the_last_piece_of_anothers_range_has_a_place),
};

UNIT_MAIN_WITH("ranges", set_up, NULL, tests)
