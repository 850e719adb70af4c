/* SPDX-License-Identifier: ISC */
/*
 * Queues without a ring of their own: after a reconnect to a backend with fewer rings every queue
 * that the caller holds stays usable, and what it had unanswered is issued on another's ring (I15).
 */
#include "rings.h"

static void i15_requests_of_a_queue_without_a_ring_go_to_anothers(void)
{
    static const uint64_t order[QUEUES * 2] = {0, QUEUES, 1, 2, QUEUES + 1, QUEUES + 2};
    struct rig_call calls[QUEUES * 2];

    start();
    for (unsigned i = 0; i < QUEUES * 2; i++) {
        calls[i] = page_write(8 * (uint64_t)i);
        submit(i % QUEUES, &calls[i]);
    }
    rig_lose(&rig);
    reconnect(1);
    CU_ASSERT_EQUAL(queue_get_state(queue(0)), QUEUE_RUNNING);
    CU_ASSERT_EQUAL(queue_get_state(queue(1)), QUEUE_SHARING);
    CU_ASSERT_EQUAL(queue_get_state(queue(2)), QUEUE_SHARING);
    CU_ASSERT_EQUAL(rig_waiting_requests(&rig), QUEUES * 2);
    /* Its own first, and the others' in their order. */
    for (unsigned i = 0; i < QUEUES * 2; i++) {
        struct rig_request request = rig_next(&rig);

        CU_ASSERT_EQUAL(request.sector_512, 8 * order[i]);
        rig_answer(&rig, &request);
    }
    for (unsigned i = 0; i < QUEUES * 2; i++)
        check_result(&calls[i], BLKFRONT_OK);
    CU_ASSERT_EQUAL(rig_statistics(&rig).reissued, QUEUES * 2);
    finish();
}

static void i15_answered_parts_are_not_repeated_on_another_ring_either(void)
{
    struct rig_call call = rig_call(BLKFRONT_WRITE, 0, &many_pages, 1);
    struct rig_request requests[3];

    start();
    submit(2, &call);
    rig.ring = 2;
    for (unsigned i = 0; i < 3; i++)
        requests[i] = rig_next(&rig);
    rig_answer(&rig, &requests[1]);
    rig.ring = 0;
    rig_lose(&rig);
    CU_ASSERT_EQUAL(queue(2)->free_range_count, 2 * queue(2)->slots.count - 2);
    reconnect(1);
    CU_ASSERT_EQUAL(rig_waiting_requests(&rig), 2);
    requests[0] = rig_next(&rig);
    CU_ASSERT_EQUAL(requests[0].sector_512, 0);
    requests[2] = rig_next(&rig);
    CU_ASSERT_EQUAL(requests[2].sector_512, 22 * 8);
    /* The ranges are on their way home; the home looks for them when it runs again. */
    CU_ASSERT_PTR_NOT_NULL(queue(2)->returned_ranges);
    rig_answer(&rig, &requests[0]);
    rig_answer(&rig, &requests[2]);
    check_result(&call, BLKFRONT_OK);
    CU_ASSERT_EQUAL(memcmp(rig.disk, data, sizeof(data)), 0);
    finish();
}

static void a_queue_that_shares_takes_requests_as_ever(void)
{
    struct rig_call calls[4] = {page_write(0), page_write(8), page_write(16), page_write(24)};
    struct rig_call beyond = page_write(RIG_UNITS), refused = page_write(RIG_UNITS);

    start();
    rig_lose(&rig);
    submit(1, &calls[0]);
    submit(2, &beyond); /* is found out there */
    rig.fake.wakes = 0;
    rig_reconnect(&rig, 1);
    CU_ASSERT_EQUAL(rig.fake.wakes, QUEUES); /* what waits there is handed over by its poll */
    submit(1, &calls[1]);                    /* not before the one that waits */
    rig_poll_all(&rig);
    CU_ASSERT_EQUAL(blkfront_queue_poll_at(queue(1)), UINT64_MAX);
    submit(1, &calls[2]);
    submit(2, &calls[3]);
    CU_ASSERT_EQUAL(rig_submit_to(&rig, 2, &refused), BLKFRONT_OUT_OF_RANGE);
    rig_poll_all(&rig);
    for (unsigned i = 0; i < 4; i++) {
        struct rig_request request = rig_next(&rig);

        CU_ASSERT_EQUAL(request.sector_512, 8 * (uint64_t)i);
        rig_answer(&rig, &request);
        check_result(&calls[i], BLKFRONT_OK);
    }
    check_result(&beyond, BLKFRONT_OUT_OF_RANGE);
    CU_ASSERT_EQUAL(queue(0)->statistics.requests, 5);
    finish();
}

/* With two rings, the third queue shares the first. */
static void a_queue_shares_the_ring_that_its_number_says(void)
{
    struct rig_call calls[QUEUES];

    start();
    rig_lose(&rig);
    for (unsigned i = 0; i < QUEUES; i++) {
        calls[i] = page_write(8 * (uint64_t)i);
        submit(i, &calls[i]);
    }
    reconnect(2);
    CU_ASSERT_EQUAL(rig_waiting_requests(&rig), 2);
    rig.ring = 1;
    CU_ASSERT_EQUAL(rig_waiting_requests(&rig), 1);
    settle(2);
    for (unsigned i = 0; i < QUEUES; i++)
        check_result(&calls[i], BLKFRONT_OK);
    finish();
}

/* What has moved stays where it is; what is new goes to the queue's own ring again. */
static void i15_a_queue_gets_its_ring_back(void)
{
    struct rig_call moved = rig_call(BLKFRONT_WRITE, 0, &many_pages, 1), fresh = page_write(512);

    start();
    submit(2, &moved);
    rig_lose(&rig);
    reconnect(1);
    CU_ASSERT_EQUAL(rig_waiting_requests(&rig), 3);
    rig_lose(&rig);
    reconnect(QUEUES);
    submit(2, &fresh);
    CU_ASSERT_EQUAL(rig_waiting_requests(&rig), 3);
    rig.ring = 2;
    CU_ASSERT_EQUAL(rig_waiting_requests(&rig), 1);
    settle(QUEUES);
    check_result(&moved, BLKFRONT_OK);
    check_result(&fresh, BLKFRONT_OK);
    CU_ASSERT_EQUAL(memcmp(rig.disk, data, sizeof(data)), 0);
    finish();
}

static void a_connection_may_have_more_queues_than_the_last(void)
{
    struct rig_call call = page_write(0);

    CU_ASSERT_EQUAL_FATAL(queues_create(&rig.device), 0);
    rig.queue = rig.device.queues;
    rig.takes = true;
    /* One that was lost before it was had leaves nothing behind. */
    for (uint32_t i = 0; i < QUEUES; i++)
        CU_ASSERT_EQUAL(queue_open(queue(i)), 0);
    rig_lose(&rig);
    rig_reconnect(&rig, 1);
    CU_ASSERT_EQUAL(blkfront_queue_count(&rig.device), 1);
    CU_ASSERT_PTR_NULL(blkfront_get_queue(&rig.device, 1));
    CU_ASSERT_EQUAL(queue_get_state(queue(1)), QUEUE_CLOSED); /* nobody has it: it shares nothing */
    CU_ASSERT_EQUAL(rig.fake.sets, 1);
    rig_lose(&rig);
    reconnect(QUEUES);
    CU_ASSERT_EQUAL(blkfront_queue_count(&rig.device), QUEUES);
    submit(2, &call);
    settle(QUEUES);
    check_result(&call, BLKFRONT_OK);
    rig_lose(&rig);
    reconnect(2);
    CU_ASSERT_EQUAL(blkfront_queue_count(&rig.device), QUEUES);
    finish();
}

/* It can be had before anybody knows how many there will be; then it has a poller for good. */
static void i4_a_queue_that_was_had_before_the_first_connection_stays(void)
{
    struct rig_call call = page_write(0);
    struct blkfront_queue *early;

    CU_ASSERT_EQUAL_FATAL(queues_create(&rig.device), 0);
    rig.queue = rig.device.queues;
    rig.takes = true;
    early = blkfront_get_queue(&rig.device, 1);
    CU_ASSERT_PTR_NOT_NULL_FATAL(early);
    rig_reconnect(&rig, 1);
    CU_ASSERT_PTR_EQUAL(blkfront_get_queue(&rig.device, 1), early);
    CU_ASSERT_PTR_NULL(blkfront_get_queue(&rig.device, 2));
    CU_ASSERT_PTR_NULL(blkfront_get_queue(&rig.device, QUEUES));
    CU_ASSERT_EQUAL(blkfront_submit(early, &call.request), BLKFRONT_DISCONNECTED);
    /* The next connection, that has a ring for it, is lost before it is had. */
    rig_lose(&rig);
    for (uint32_t i = 0; i < QUEUES; i++)
        CU_ASSERT_EQUAL(queue_open(queue(i)), 0);
    for (uint32_t i = 0; i < QUEUES; i++)
        queue_keep(queue(i));
    queue_poll_unused(early);
    CU_ASSERT_EQUAL(queue_get_state(early), QUEUE_KEEPING);
    (void)blkfront_queue_poll(blkfront_get_queue(&rig.device, 1));
    CU_ASSERT_EQUAL(queue_get_state(early), QUEUE_KEPT);
    rig_lose(&rig);
    finish();
}

/* ---- the end ---- */

static void i2_everything_ends_when_the_device_does(void)
{
    /* From each of the states on the way. */
    for (unsigned when = 0; when < 4; when++) {
        struct rig_call calls[QUEUES + 1];

        set_up();
        start();
        for (unsigned i = 0; i < QUEUES; i++) {
            calls[i] = rig_call(BLKFRONT_WRITE, 0, &many_pages, 1);
            submit(i, &calls[i]);
        }
        rig_lose(&rig);
        rig_reconnect(&rig, 1);
        if (when == 1)
            (void)blkfront_queue_poll(queue(1));
        if (when >= 2)
            rig_poll_all(&rig);
        calls[QUEUES] = page_write(0);
        submit(2, &calls[QUEUES]); /* is on its way, or waits */
        if (when == 3) {
            rig_lose(&rig);
            rig_reconnect(&rig, 2);
        }
        rig_close(&rig, BLKFRONT_DISCONNECTED);
        for (unsigned i = 0; i < QUEUES + 1; i++)
            check_result(&calls[i], BLKFRONT_DISCONNECTED);
        CU_ASSERT_EQUAL(rig_left(&rig), 0);
    }
}

/* Until those that share its ring have come to rest, something may still come from them. */
static void a_queue_comes_to_rest_after_those_that_share_it(void)
{
    for (int keeping = 0; keeping < 2; keeping++) {
        struct rig_call call = page_write(0);

        set_up();
        start();
        rig_lose(&rig);
        reconnect(1);
        for (uint32_t i = 0; i < QUEUES; i++) {
            if (keeping != 0)
                queue_keep(queue(i));
            else
                queue_stop(queue(i), BLKFRONT_DISCONNECTED);
        }
        CU_ASSERT_EQUAL(blkfront_queue_poll(queue(0)), 0);
        (void)blkfront_queue_poll(queue(1));
        (void)blkfront_queue_poll(queue(0));
        CU_ASSERT_EQUAL(queue_get_state(queue(0)), keeping != 0 ? QUEUE_KEEPING : QUEUE_STOPPING);
        /* A submit that began before the device said so. */
        call.request.context = &call;
        requests_begin(queue(2), &call.request);
        handover_push(queue(2), &call.request);
        (void)blkfront_queue_poll(queue(2));
        (void)blkfront_queue_poll(queue(0));
        CU_ASSERT_EQUAL(queue_get_state(queue(0)), keeping != 0 ? QUEUE_KEPT : QUEUE_STOPPED);
        CU_ASSERT_EQUAL(call.completions, keeping == 0);
        rig.takes = false;
        finish();
        check_result(&call, BLKFRONT_DISCONNECTED);
    }
}

/* The device asks one queue after the other: one that has not been asked yet may still hand over.
 */
static void a_queue_comes_to_rest_after_those_that_still_share(void)
{
    for (int keeping = 0; keeping < 2; keeping++) {
        struct rig_call call = page_write(0);

        set_up();
        start();
        rig_lose(&rig);
        reconnect(1);
        if (keeping != 0)
            queue_keep(queue(0));
        else
            queue_stop(queue(0), BLKFRONT_DISCONNECTED);
        (void)blkfront_queue_poll(queue(0));
        CU_ASSERT_EQUAL(queue_get_state(queue(0)), keeping != 0 ? QUEUE_KEEPING : QUEUE_STOPPING);
        CU_ASSERT_EQUAL(queue_get_state(queue(1)), QUEUE_SHARING);
        submit(1, &call);
        if (keeping != 0)
            rig_lose(&rig);
        rig.takes = false;
        finish();
        check_result(&call, BLKFRONT_DISCONNECTED);
    }
}

/* ---- what is only there once they have moved ---- */

/* A request that was handed over late may be due before those of its new queue. */
static void i4_the_deadline_is_the_requests_wherever_it_is(void)
{
    struct rig_call early = page_write(0), late = page_write(8), last = page_write(16);

    rig.device.options.request_deadline_ns = 1000;
    start();
    rig_lose(&rig);
    submit(1, &early);
    rig.fake.now = 300;
    submit(0, &late);
    rig.fake.now = 600;
    submit(2, &last);
    reconnect(1);
    CU_ASSERT_EQUAL(blkfront_queue_poll_at(queue(0)), 1000);
    rig.fake.now = 1000;
    rig_poll_all(&rig);
    check_result(&early, BLKFRONT_DEADLINE);
    CU_ASSERT_EQUAL(late.completions + last.completions, 0);
    CU_ASSERT_EQUAL(blkfront_queue_poll_at(queue(0)), 1300);
    rig.fake.now = 1600;
    rig_poll_all(&rig);
    check_result(&late, BLKFRONT_DEADLINE);
    check_result(&last, BLKFRONT_DEADLINE);
    settle(1);
    finish();
}

/* I5: its memory is in use from submit on, whoever has it. */
static void i5_memory_stays_while_its_request_moves(void)
{
    struct blkfront_memory *memory = NULL;
    void *address = NULL;
    struct blkfront_buffer buffer;
    struct rig_call call;

    start();
    rig_lose(&rig);
    reconnect(1);
    CU_ASSERT_EQUAL_FATAL(
        blkfront_memory_create(&rig.device, 1, BLKFRONT_MEMORY_TO_DISK, &memory, &address),
        BLKFRONT_OK);
    memset(address, 0x33, PAGE);
    buffer = (struct blkfront_buffer){.address = address, .size = PAGE, .memory = memory};
    call = rig_call(BLKFRONT_WRITE, 0, &buffer, 1);
    submit(1, &call);
    blkfront_memory_destroy(memory); /* between two queues */
    settle(1);
    check_result(&call, BLKFRONT_OK);
    CU_ASSERT_EQUAL(rig.disk[0], 0x33);
    memories_poll(&rig.device);
    CU_ASSERT_PTR_NULL(rig.device.memories);
    finish();
}

/* A drain on one queue is not held up by one that has handed over what it had. */
static void i4_a_drain_ends_beside_queues_that_share(void)
{
    struct rig_call write = page_write(0), flush = rig_call(BLKFRONT_FLUSH, 0, NULL, 0);

    rig.device.agreed.flush = false;
    rig.device.agreed.flush_offered = false;
    start();
    submit(2, &write);
    rig_lose(&rig);
    reconnect(2);
    submit(1, &flush);
    settle(2);
    check_result(&write, BLKFRONT_OK);
    check_result(&flush, BLKFRONT_OK);
    finish();
}

/* It waits for what came before it, also while that is on its way from a queue to another one. */
static void i8_a_drain_waits_for_what_is_handed_over(void)
{
    for (uint32_t of = 0; of < 2; of++) {
        struct rig_call write = page_write(0), flush = rig_call(BLKFRONT_FLUSH, 0, NULL, 0);

        rig.device.agreed.flush = false;
        rig.device.agreed.flush_offered = false;
        start();
        rig_lose(&rig);
        submit(2, &write);
        submit(of, &flush);
        rig_reconnect(&rig, 2);
        (void)blkfront_queue_poll(queue(of == 1 ? 2 : 0)); /* of 1: the write is for queue 0 */
        for (int i = 0; i < 2; i++) {
            (void)blkfront_queue_poll(queue(1));
            CU_ASSERT_EQUAL(flush.completions, 0);
            (void)blkfront_queue_poll(queue(2));
            (void)blkfront_queue_poll(queue(0));
        }
        CU_ASSERT_EQUAL(flush.completions, 0);
        settle(2);
        check_result(&write, BLKFRONT_OK);
        check_result(&flush, BLKFRONT_OK);
        CU_ASSERT_TRUE(write.order < flush.order);
        finish();
        set_up();
    }
}

static void all_that_wait_are_handed_over_at_once(void)
{
    enum { COUNT = 150 };
    static struct rig_call calls[COUNT];

    start();
    rig_lose(&rig);
    for (unsigned i = 0; i < COUNT; i++) {
        calls[i] = page_write(8 * (uint64_t)i);
        submit(1, &calls[i]);
    }
    rig_reconnect(&rig, 1);
    CU_ASSERT_EQUAL(blkfront_queue_poll(queue(1)), 0);
    CU_ASSERT_PTR_NULL(queue(1)->oldest);
    settle(1);
    for (unsigned i = 0; i < COUNT; i++) {
        check_result(&calls[i], BLKFRONT_OK);
        CU_ASSERT_EQUAL(calls[i].order, (int)i + 1);
    }
    finish();
}

static const struct unit_test tests[] = {
    UNIT_TEST(i15_requests_of_a_queue_without_a_ring_go_to_anothers),
    UNIT_TEST(i15_answered_parts_are_not_repeated_on_another_ring_either),
    UNIT_TEST(a_queue_that_shares_takes_requests_as_ever),
    UNIT_TEST(a_queue_shares_the_ring_that_its_number_says),
    UNIT_TEST(i15_a_queue_gets_its_ring_back),
    UNIT_TEST(a_connection_may_have_more_queues_than_the_last),
    UNIT_TEST(i4_a_queue_that_was_had_before_the_first_connection_stays),
    UNIT_TEST(i2_everything_ends_when_the_device_does),
    UNIT_TEST(a_queue_comes_to_rest_after_those_that_share_it),
    UNIT_TEST(a_queue_comes_to_rest_after_those_that_still_share),
    UNIT_TEST(i4_the_deadline_is_the_requests_wherever_it_is),
    UNIT_TEST(i5_memory_stays_while_its_request_moves),
    UNIT_TEST(i4_a_drain_ends_beside_queues_that_share),
    UNIT_TEST(i8_a_drain_waits_for_what_is_handed_over),
    UNIT_TEST(all_that_wait_are_handed_over_at_once),
};

UNIT_MAIN_WITH("handover", set_up, NULL, tests)
