/* SPDX-License-Identifier: ISC */
/*
 * The ways to flush and their order (I8): cache flush, empty barrier, drain; what switches one off
 * and what the caller gets when none is left; FUA.
 */
#include "rig.h"

#include "cunit_main.h"

static struct rig rig;
static unsigned char data[4096];
static const struct blkfront_buffer one_page = {.address = data, .size = sizeof(data)};

static void set_up(void)
{
    rig_init(&rig, true);
}

static void start(bool flush, bool barrier)
{
    rig.device.agreed.flush = flush;
    rig.device.agreed.barrier = barrier;
    rig.device.agreed.flush_offered = flush || barrier;
    CU_ASSERT_EQUAL_FATAL(rig_open(&rig), 0);
}

static void finish(void)
{
    CU_ASSERT_TRUE(queue_check(rig.queue));
    rig_close(&rig, BLKFRONT_DISCONNECTED);
    CU_ASSERT_EQUAL(rig_left(&rig), 0);
}

static struct rig_call flush_call(void)
{
    return rig_call(BLKFRONT_FLUSH, 0, NULL, 0);
}

static struct rig_call fua_call(void)
{
    struct rig_call call = rig_call(BLKFRONT_WRITE, 0, &one_page, 1);

    call.request.flags = BLKFRONT_FUA;
    return call;
}

/* The next ring request is this one, and gets this answer. */
static void answer(uint8_t operation, int16_t status)
{
    struct rig_request request = {.operation = 0xff};

    CU_ASSERT_TRUE_FATAL(rig_take(&rig, &request));
    CU_ASSERT_EQUAL(request.operation, operation);
    if (operation == BLKIF_WIRE_FLUSH_DISKCACHE || operation == BLKIF_WIRE_WRITE_BARRIER) {
        CU_ASSERT_EQUAL(request.segment_count, 0);
        CU_ASSERT_EQUAL(request.sector_512, 0);
    }
    rig_respond(&rig, request.id, request.operation, status);
    rig_poll(&rig);
}

enum { FLUSH = BLKIF_WIRE_FLUSH_DISKCACHE, BARRIER = BLKIF_WIRE_WRITE_BARRIER };
enum { OKAY = BLKIF_WIRE_OKAY, ERROR = BLKIF_WIRE_ERROR, NOT_SUPPORTED = BLKIF_WIRE_EOPNOTSUPP };

static void check_result(struct rig_call *call, int result)
{
    CU_ASSERT_EQUAL(call->completions, 1);
    CU_ASSERT_EQUAL(call->result, result);
    CU_ASSERT_EQUAL(rig_waiting_requests(&rig), 0);
}

static void i8_a_cache_flush_comes_first(void)
{
    struct rig_call call = flush_call();

    start(true, true);
    CU_ASSERT_EQUAL(rig_submit(&rig, &call), BLKFRONT_OK);
    answer(FLUSH, OKAY);
    check_result(&call, BLKFRONT_OK);
    finish();
}

static void i8_a_barrier_where_no_flush_is_offered(void)
{
    struct rig_call call = flush_call();

    start(false, true);
    CU_ASSERT_EQUAL(rig_submit(&rig, &call), BLKFRONT_OK);
    answer(BARRIER, OKAY);
    check_result(&call, BLKFRONT_OK);
    finish();
}

static void i8_eopnotsupp_goes_on_with_the_next_and_stays_off(void)
{
    struct rig_call call = flush_call(), next = flush_call();

    start(true, true);
    CU_ASSERT_EQUAL(rig_submit(&rig, &call), BLKFRONT_OK);
    answer(FLUSH, NOT_SUPPORTED);
    CU_ASSERT_EQUAL(call.completions, 0);
    CU_ASSERT_FALSE(rig.device.agreed.flush);
    answer(BARRIER, OKAY);
    check_result(&call, BLKFRONT_OK);
    CU_ASSERT_EQUAL(rig_submit(&rig, &next), BLKFRONT_OK);
    answer(BARRIER, OKAY);
    check_result(&next, BLKFRONT_OK);
    finish();
}

static void i8_without_any_way_left_the_caller_gets_the_error(void)
{
    static const struct {
        int16_t flush, barrier;
        int result;
    } cases[] = {
        {NOT_SUPPORTED, NOT_SUPPORTED, BLKFRONT_UNIMPLEMENTED},
        {ERROR, NOT_SUPPORTED, BLKFRONT_IO_ERROR},
        {NOT_SUPPORTED, ERROR, BLKFRONT_IO_ERROR},
        {7, NOT_SUPPORTED, BLKFRONT_IO_ERROR},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct rig_call call = flush_call(), next = flush_call();

        rig_init(&rig, true);
        start(true, true);
        CU_ASSERT_EQUAL(rig_submit(&rig, &call), BLKFRONT_OK);
        answer(FLUSH, cases[i].flush);
        answer(BARRIER, cases[i].barrier);
        check_result(&call, cases[i].result);
        /* One was offered: a drain would promise less than the caller was told. */
        CU_ASSERT_EQUAL(rig_submit(&rig, &next), BLKFRONT_UNIMPLEMENTED);
        finish();
    }
}

static void i8_an_error_after_a_flush_that_worked_is_an_error(void)
{
    struct rig_call first = flush_call(), second = flush_call(), third = flush_call();

    start(true, true);
    CU_ASSERT_EQUAL(rig_submit(&rig, &first), BLKFRONT_OK);
    answer(FLUSH, OKAY);
    CU_ASSERT_EQUAL(rig_submit(&rig, &second), BLKFRONT_OK);
    answer(FLUSH, ERROR);
    check_result(&second, BLKFRONT_IO_ERROR);
    CU_ASSERT_TRUE(rig.device.agreed.flush);
    CU_ASSERT_EQUAL(rig_submit(&rig, &third), BLKFRONT_OK);
    answer(FLUSH, NOT_SUPPORTED); /* this one still switches it off */
    answer(BARRIER, OKAY);
    check_result(&third, BLKFRONT_OK);
    CU_ASSERT_FALSE(rig.device.agreed.flush);
    finish();
}

static void i8_two_flushes_in_flight_both_fall_back(void)
{
    struct rig_call calls[2] = {flush_call(), flush_call()};

    start(true, true);
    CU_ASSERT_EQUAL(rig_submit(&rig, &calls[0]), BLKFRONT_OK);
    CU_ASSERT_EQUAL(rig_submit(&rig, &calls[1]), BLKFRONT_OK);
    answer(FLUSH, NOT_SUPPORTED);
    answer(FLUSH, NOT_SUPPORTED);
    answer(BARRIER, OKAY);
    answer(BARRIER, OKAY);
    check_result(&calls[0], BLKFRONT_OK);
    check_result(&calls[1], BLKFRONT_OK);
    finish();
}

/* A flush that was given up still tells what the backend cannot do. */
static void i8_eopnotsupp_counts_though_nobody_waits_for_it(void)
{
    struct rig_call call = flush_call(), next = flush_call();
    struct rig_request request;
    unsigned wakes;

    rig.device.options.request_deadline_ns = 10;
    start(true, true);
    CU_ASSERT_EQUAL(rig_submit(&rig, &call), BLKFRONT_OK);
    request = rig_next(&rig);
    rig.fake.now = 10;
    rig_poll(&rig);
    CU_ASSERT_EQUAL(call.result, BLKFRONT_DEADLINE);
    wakes = rig.device_wakes;
    rig_respond(&rig, request.id, request.operation, NOT_SUPPORTED);
    rig_poll(&rig);
    CU_ASSERT_FALSE(rig.device.agreed.flush);
    CU_ASSERT_TRUE(rig.device_wakes > wakes); /* get_info has something new */
    CU_ASSERT_EQUAL(rig_submit(&rig, &next), BLKFRONT_OK);
    answer(BARRIER, OKAY);
    check_result(&next, BLKFRONT_OK);
    finish();
}

static void a_flush_waits_for_room_on_the_ring(void)
{
    enum { COUNT = 34 };
    struct rig_call calls[COUNT];

    start(true, true);
    for (int i = 0; i < COUNT; i++) {
        calls[i] = flush_call();
        CU_ASSERT_EQUAL(rig_submit(&rig, &calls[i]), BLKFRONT_OK);
    }
    CU_ASSERT_EQUAL(rig_statistics(&rig).ring_requests, 32);
    rig_settle(&rig);
    for (int i = 0; i < COUNT; i++)
        check_result(&calls[i], BLKFRONT_OK);
    finish();
}

/* ---- nodes that are rewritten to 0 while requests wait ---- */

/* One page, two writes, and then the call: it waits for the second write's turn. */
static void submit_behind_writes(struct rig_call writes[2], struct rig_call *call)
{
    for (int i = 0; i < 2; i++) {
        writes[i] = rig_call(BLKFRONT_WRITE, 0, &one_page, 1);
        CU_ASSERT_EQUAL(rig_submit(&rig, &writes[i]), BLKFRONT_OK);
    }
    CU_ASSERT_EQUAL(rig_submit(&rig, call), BLKFRONT_OK);
}

static void i8_a_flush_that_waits_takes_what_is_left(void)
{
    static const struct {
        bool flush, barrier;
        uint8_t operation; /* 0: none */
        int result;
    } rows[] = {
        {true, false, FLUSH, BLKFRONT_OK},
        {false, true, BARRIER, BLKFRONT_OK},
        {false, false, 0, BLKFRONT_UNIMPLEMENTED},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct rig_call writes[2], call = flush_call();

        rig_init(&rig, true);
        rig.device.options.pool_pages = 1;
        start(true, true);
        submit_behind_writes(writes, &call);
        rig.device.agreed.flush = rows[i].flush;
        rig.device.agreed.barrier = rows[i].barrier;
        answer(BLKIF_WIRE_WRITE, OKAY);
        answer(BLKIF_WIRE_WRITE, OKAY);
        if (rows[i].operation != 0)
            answer(rows[i].operation, OKAY);
        check_result(&call, rows[i].result);
        finish();
    }
}

static void i8_a_write_with_fua_that_waits_is_not_written_without_it(void)
{
    struct rig_call writes[2], call = fua_call(), last = fua_call();

    rig.device.options.pool_pages = 1;
    start(true, false);
    submit_behind_writes(writes, &call);
    rig.device.agreed.flush = false;
    answer(BLKIF_WIRE_WRITE, OKAY);
    answer(BLKIF_WIRE_WRITE, OKAY);
    check_result(&call, BLKFRONT_UNIMPLEMENTED);

    /* One that is written already fails: what it asked for is not done. */
    rig.device.agreed.flush = true;
    CU_ASSERT_EQUAL(rig_submit(&rig, &last), BLKFRONT_OK);
    rig.device.agreed.flush = false;
    answer(BLKIF_WIRE_WRITE, OKAY);
    check_result(&last, BLKFRONT_UNIMPLEMENTED);
    finish();
}

/* It was offered: nothing less takes its place later. */
static void i8_no_drain_where_a_flush_was_offered_and_taken_back(void)
{
    struct rig_call call = flush_call();

    start(true, false);
    rig.device.agreed.flush = false;
    CU_ASSERT_EQUAL(rig_submit(&rig, &call), BLKFRONT_UNIMPLEMENTED);
    finish();
}

static void i8_a_drain_waits_for_all_that_came_before(void)
{
    struct rig_call before[3], flush = flush_call(),
                               after = rig_call(BLKFRONT_READ, 0, &one_page, 1);
    struct rig_request requests[3];

    start(false, false);
    for (int i = 0; i < 3; i++) {
        before[i] = rig_call(BLKFRONT_WRITE, 0, &one_page, 1);
        CU_ASSERT_EQUAL(rig_submit(&rig, &before[i]), BLKFRONT_OK);
    }
    CU_ASSERT_EQUAL(rig_submit(&rig, &flush), BLKFRONT_OK);
    CU_ASSERT_EQUAL(rig_submit(&rig, &after), BLKFRONT_OK);
    for (int i = 0; i < 3; i++)
        CU_ASSERT_TRUE(rig_take(&rig, &requests[i]));
    CU_ASSERT_EQUAL(rig_waiting_requests(&rig), 0); /* the order is kept */
    for (int i = 2; i >= 0; i--) {
        rig_poll(&rig);
        CU_ASSERT_EQUAL(flush.completions, 0);
        rig_respond(&rig, requests[i].id, requests[i].operation, OKAY);
    }
    rig_poll(&rig);
    CU_ASSERT_EQUAL(before[0].completions + before[1].completions + before[2].completions, 3);
    CU_ASSERT_EQUAL(flush.completions, 1);
    CU_ASSERT_EQUAL(flush.result, BLKFRONT_OK);
    answer(BLKIF_WIRE_READ, OKAY);
    check_result(&after, BLKFRONT_OK);
    finish();
}

static void i8_a_drain_of_nothing_succeeds_at_once(void)
{
    struct rig_call call = flush_call();

    start(false, false);
    CU_ASSERT_EQUAL(rig_submit(&rig, &call), BLKFRONT_OK);
    CU_ASSERT_EQUAL(call.completions, 0); /* but not inside submit */
    CU_ASSERT_EQUAL(blkfront_queue_poll_at(rig.queue), 0);
    rig_poll(&rig);
    check_result(&call, BLKFRONT_OK);
    finish();
}

/* Queue 1 drains while queue 0 has a request in flight, put there before. */
static void i8_a_drain_waits_for_the_other_queues(void)
{
    struct rig_call before = rig_call(BLKFRONT_WRITE, 0, &one_page, 1), flush = flush_call();
    struct rig_call later = rig_call(BLKFRONT_WRITE, 8, &one_page, 1);
    struct blkfront_queue *other;
    struct rig_request first, second;
    unsigned wakes;

    rig.device.options.queues = 2;
    rig.device.agreed.queue_count = 2;
    start(false, false);
    other = blkfront_get_queue(&rig.device, 1);
    CU_ASSERT_EQUAL(rig_submit(&rig, &before), BLKFRONT_OK);
    flush.request.context = &flush;
    CU_ASSERT_EQUAL(blkfront_submit(other, &flush.request), BLKFRONT_OK);
    CU_ASSERT_EQUAL(rig_submit(&rig, &later), BLKFRONT_OK); /* not waited for */
    CU_ASSERT_TRUE(rig_take(&rig, &first));
    CU_ASSERT_TRUE(rig_take(&rig, &second));
    (void)blkfront_queue_poll(other);
    CU_ASSERT_EQUAL(flush.completions, 0);
    rig_respond(&rig, second.id, second.operation, OKAY);
    wakes = rig.fake.wakes;
    rig_poll(&rig);
    CU_ASSERT_EQUAL(rig.fake.wakes, wakes); /* no progress of what is waited for */
    (void)blkfront_queue_poll(other);
    CU_ASSERT_EQUAL(flush.completions, 0);
    rig_respond(&rig, first.id, first.operation, OKAY);
    rig_poll(&rig);
    CU_ASSERT_EQUAL(rig.fake.wakes, wakes + 1);
    (void)blkfront_queue_poll(other);
    CU_ASSERT_EQUAL(flush.completions, 1);
    CU_ASSERT_EQUAL(flush.result, BLKFRONT_OK);
    finish();
}

/* Two drains that begin when both have been submitted: the older one does not wait for the younger.
 */
static void i4_drains_of_two_queues_do_not_wait_for_each_other(void)
{
    struct rig_call calls[2][3];

    rig.device.options.pool_pages = 1; /* the second write waits, and the drain behind it */
    rig.device.options.queues = 2;
    rig.device.agreed.queue_count = 2;
    start(false, false);
    for (uint32_t queue = 0; queue < 2; queue++) {
        for (int i = 0; i < 3; i++) {
            struct rig_call *call = &calls[queue][i];

            *call = i < 2 ? rig_call(BLKFRONT_WRITE, queue * 8, &one_page, 1) : flush_call();
            call->request.context = call;
            CU_ASSERT_EQUAL(blkfront_submit(blkfront_get_queue(&rig.device, queue), &call->request),
                            BLKFRONT_OK);
        }
    }
    for (uint32_t n = 0; n < 20; n++) {
        (void)rig_serve_queue(&rig, n % 2);
        (void)blkfront_queue_poll(blkfront_get_queue(&rig.device, n % 2));
    }
    for (int i = 0; i < 3; i++) {
        check_result(&calls[0][i], BLKFRONT_OK);
        check_result(&calls[1][i], BLKFRONT_OK);
    }
    CU_ASSERT_TRUE(calls[0][2].order < calls[1][2].order);
    finish();
}

/* A drain that ended early leaves nothing that the next one could take for its own. */
static void a_drain_at_its_deadline_does_not_disturb_the_next(void)
{
    struct rig_call write = rig_call(BLKFRONT_WRITE, 0, &one_page, 1);
    struct rig_call first = flush_call(), second = flush_call();
    struct rig_request request;

    rig.device.options.request_deadline_ns = 100;
    start(false, false);
    CU_ASSERT_EQUAL(rig_submit(&rig, &write), BLKFRONT_OK);
    CU_ASSERT_EQUAL(rig_submit(&rig, &first), BLKFRONT_OK);
    CU_ASSERT_TRUE(rig_take(&rig, &request));
    rig.fake.now = 100;
    rig_poll(&rig);
    CU_ASSERT_EQUAL(first.result, BLKFRONT_DEADLINE);
    CU_ASSERT_FALSE(rig.queue->drain_begun);
    CU_ASSERT_FALSE(rig.queue->drain_waiting);
    CU_ASSERT_EQUAL(rig_submit(&rig, &second), BLKFRONT_OK);
    rig_poll(&rig);
    check_result(&second, BLKFRONT_OK); /* to the caller nothing is outstanding */
    finish();
}

static void i17_no_barrier_reaches_a_read_only_disk(void)
{
    struct rig_call call = flush_call();

    start(false, true);
    rig.device.agreed.read_only = true;
    CU_ASSERT_EQUAL(rig_submit(&rig, &call), BLKFRONT_READ_ONLY);
    CU_ASSERT_EQUAL(rig_waiting_requests(&rig), 0);
    finish();

    rig_init(&rig, true);
    start(true, true);
    CU_ASSERT_EQUAL(rig_submit(&rig, &call), BLKFRONT_OK);
    rig.device.agreed.read_only = true;
    answer(FLUSH, NOT_SUPPORTED);
    check_result(&call, BLKFRONT_READ_ONLY);
    finish();
}

/* ---- FUA ---- */

static void i8_fua_is_the_write_then_a_flush(void)
{
    struct rig_call call = fua_call();

    start(true, false);
    CU_ASSERT_EQUAL(rig_submit(&rig, &call), BLKFRONT_OK);
    answer(BLKIF_WIRE_WRITE, OKAY);
    CU_ASSERT_EQUAL(call.completions, 0);
    answer(FLUSH, OKAY);
    check_result(&call, BLKFRONT_OK);
    finish();
}

static void i8_fua_takes_the_chain_too(void)
{
    struct rig_call call = fua_call();

    start(true, true);
    CU_ASSERT_EQUAL(rig_submit(&rig, &call), BLKFRONT_OK);
    answer(BLKIF_WIRE_WRITE, OKAY);
    answer(FLUSH, NOT_SUPPORTED);
    answer(BARRIER, NOT_SUPPORTED);
    check_result(&call, BLKFRONT_UNIMPLEMENTED);
    CU_ASSERT_EQUAL(rig_submit(&rig, &call), BLKFRONT_UNIMPLEMENTED);
    finish();
}

static void i8_a_failed_fua_write_is_not_flushed(void)
{
    struct rig_call call = fua_call();

    start(true, false);
    CU_ASSERT_EQUAL(rig_submit(&rig, &call), BLKFRONT_OK);
    answer(BLKIF_WIRE_WRITE, ERROR);
    check_result(&call, BLKFRONT_IO_ERROR);
    finish();
}

static void i8_fua_with_a_drain_and_others_in_flight_ends(void)
{
    struct rig_call call = fua_call(), older = rig_call(BLKFRONT_READ, 0, &one_page, 1);
    struct rig_call flush = flush_call();
    struct rig_request requests[2];

    start(false, false);
    CU_ASSERT_EQUAL(rig_submit(&rig, &older), BLKFRONT_OK);
    CU_ASSERT_EQUAL(rig_submit(&rig, &call), BLKFRONT_OK);
    CU_ASSERT_EQUAL(rig_submit(&rig, &flush), BLKFRONT_OK);
    CU_ASSERT_TRUE(rig_take(&rig, &requests[0]));
    CU_ASSERT_TRUE(rig_take(&rig, &requests[1]));
    rig_respond(&rig, requests[1].id, requests[1].operation, OKAY);
    rig_poll(&rig);
    CU_ASSERT_EQUAL(call.completions + flush.completions, 0);
    rig_respond(&rig, requests[0].id, requests[0].operation, OKAY);
    rig_poll(&rig);
    check_result(&older, BLKFRONT_OK);
    check_result(&call, BLKFRONT_OK);
    check_result(&flush, BLKFRONT_OK);
    finish();
}

/* Both are answered in one poll: the older one drains first, whoever came last. */
static void i8_two_fua_writes_with_a_drain_end(void)
{
    struct rig_call calls[2];

    start(false, false);
    for (unsigned i = 0; i < 2; i++) {
        calls[i] = rig_call(BLKFRONT_WRITE, i * 8, &one_page, 1);
        calls[i].request.flags = BLKFRONT_FUA;
        CU_ASSERT_EQUAL(rig_submit(&rig, &calls[i]), BLKFRONT_OK);
    }
    rig_settle(&rig);
    check_result(&calls[0], BLKFRONT_OK);
    check_result(&calls[1], BLKFRONT_OK);
    CU_ASSERT_TRUE(calls[0].order < calls[1].order);
    finish();
}

static const struct unit_test tests[] = {
    UNIT_TEST(i8_a_cache_flush_comes_first),
    UNIT_TEST(i8_a_barrier_where_no_flush_is_offered),
    UNIT_TEST(i8_eopnotsupp_goes_on_with_the_next_and_stays_off),
    UNIT_TEST(i8_without_any_way_left_the_caller_gets_the_error),
    UNIT_TEST(i8_an_error_after_a_flush_that_worked_is_an_error),
    UNIT_TEST(i8_two_flushes_in_flight_both_fall_back),
    UNIT_TEST(i8_eopnotsupp_counts_though_nobody_waits_for_it),
    UNIT_TEST(a_flush_waits_for_room_on_the_ring),
    UNIT_TEST(i8_a_flush_that_waits_takes_what_is_left),
    UNIT_TEST(i8_a_write_with_fua_that_waits_is_not_written_without_it),
    UNIT_TEST(i8_no_drain_where_a_flush_was_offered_and_taken_back),
    UNIT_TEST(i8_a_drain_waits_for_all_that_came_before),
    UNIT_TEST(i8_a_drain_of_nothing_succeeds_at_once),
    UNIT_TEST(i8_a_drain_waits_for_the_other_queues),
    UNIT_TEST(i4_drains_of_two_queues_do_not_wait_for_each_other),
    UNIT_TEST(a_drain_at_its_deadline_does_not_disturb_the_next),
    UNIT_TEST(i17_no_barrier_reaches_a_read_only_disk),
    UNIT_TEST(i8_fua_is_the_write_then_a_flush),
    UNIT_TEST(i8_fua_takes_the_chain_too),
    UNIT_TEST(i8_a_failed_fua_write_is_not_flushed),
    UNIT_TEST(i8_fua_with_a_drain_and_others_in_flight_ends),
    UNIT_TEST(i8_two_fua_writes_with_a_drain_end),
};

UNIT_MAIN_WITH("flush", set_up, NULL, tests)
