/* SPDX-License-Identifier: ISC */
/*
 * Writes that are barriers: as WRITE_BARRIER, each part of them, never indirect; refused where the
 * backend has none or the disk is read-only (I17); what switches them off (I8); and with FUA.
 */
#include "rig.h"

#include "cunit_main.h"

enum { PAGE = 4096, BYTES = 64 * PAGE };
enum { OKAY = BLKIF_WIRE_OKAY, ERROR = BLKIF_WIRE_ERROR, NOT_SUPPORTED = BLKIF_WIRE_EOPNOTSUPP };

static struct rig rig;
static _Alignas(PAGE) unsigned char data[BYTES];

static void set_up(void)
{
    rig_init(&rig, true);
    rig.device.options.segments = 64;
    rig.device.agreed.segments = 64;
    rig.device.agreed.barrier = true;
    for (size_t i = 0; i < sizeof(data); i++)
        data[i] = (unsigned char)(i * 7 + i / 512);
}

static void start(void)
{
    CU_ASSERT_EQUAL_FATAL(rig_open(&rig), 0);
}

static void finish(void)
{
    CU_ASSERT_TRUE(queue_check(rig.queue));
    rig_close(&rig, BLKFRONT_DISCONNECTED);
    CU_ASSERT_EQUAL(rig_left(&rig), 0);
}

static struct rig_call barrier_call(const struct blkfront_buffer *buffer, unsigned more_flags)
{
    struct rig_call call = rig_call(BLKFRONT_WRITE, 8, buffer, 1);

    call.request.flags = BLKFRONT_BARRIER | more_flags;
    return call;
}

/* The next ring request is this one, and gets this answer. */
static struct rig_request answer(uint8_t operation, int16_t status)
{
    struct rig_request request = rig_next(&rig);

    CU_ASSERT_EQUAL(request.operation, operation);
    rig_execute(&rig, &request);
    rig_respond(&rig, request.id, request.inner, status);
    rig_poll(&rig);
    return request;
}

static void check_result(const struct rig_call *call, int result)
{
    CU_ASSERT_EQUAL(call->completions, 1);
    CU_ASSERT_EQUAL(call->result, result);
    CU_ASSERT_EQUAL(rig_waiting_requests(&rig), 0);
}

static void every_part_is_a_direct_barrier_with_its_data(void)
{
    static const uint32_t limits[] = {64, 11, 4};

    for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
        struct blkfront_buffer buffer = {.address = data, .size = 20 * PAGE};
        struct rig_call call = barrier_call(&buffer, 0);
        uint32_t most = limits[i] < 11 ? limits[i] : 11;

        set_up();
        rig.device.agreed.segments = limits[i];
        start();
        CU_ASSERT_EQUAL(rig_submit(&rig, &call), BLKFRONT_OK);
        for (uint32_t left = 20, n; left > 0; left -= n) {
            n = left < most ? left : most;
            CU_ASSERT_EQUAL(answer(BLKIF_WIRE_WRITE_BARRIER, OKAY).segment_count, n);
        }
        check_result(&call, BLKFRONT_OK);
        CU_ASSERT_EQUAL(memcmp(rig.disk + 8 * 512, data, buffer.size), 0);
        finish();
    }
}

static void it_keeps_its_place_among_the_requests_of_its_queue(void)
{
    static const uint8_t order[] = {BLKIF_WIRE_WRITE, BLKIF_WIRE_WRITE_BARRIER, BLKIF_WIRE_WRITE};
    struct blkfront_buffer buffer = {.address = data, .size = PAGE};
    struct rig_call calls[] = {rig_call(BLKFRONT_WRITE, 0, &buffer, 1), barrier_call(&buffer, 0),
                               rig_call(BLKFRONT_WRITE, 16, &buffer, 1)};

    rig.device.options.pool_pages = 1; /* all but the first wait */
    start();
    for (int i = 0; i < 3; i++)
        CU_ASSERT_EQUAL(rig_submit(&rig, &calls[i]), BLKFRONT_OK);
    for (int i = 0; i < 3; i++)
        (void)answer(order[i], OKAY);
    for (int i = 0; i < 3; i++)
        check_result(&calls[i], BLKFRONT_OK);
    finish();
}

/* What has ended is not put on a ring again behind it, nor it behind what follows (I15). */
static void it_is_alone_among_what_is_on_the_ring(void)
{
    struct blkfront_buffer buffer = {.address = data, .size = PAGE};
    struct rig_call calls[] = {rig_call(BLKFRONT_WRITE, 0, &buffer, 1),
                               rig_call(BLKFRONT_WRITE, 32, &buffer, 1), barrier_call(&buffer, 0),
                               rig_call(BLKFRONT_WRITE, 16, &buffer, 1)};
    struct rig_request before, request;

    start();
    for (int i = 0; i < 4; i++)
        CU_ASSERT_EQUAL(rig_submit(&rig, &calls[i]), BLKFRONT_OK);
    before = rig_next(&rig);
    (void)answer(BLKIF_WIRE_WRITE, OKAY);
    CU_ASSERT_FALSE(rig_take(&rig, &request));
    rig_respond(&rig, before.id, before.inner, OKAY);
    rig_poll(&rig);
    request = rig_next(&rig);
    CU_ASSERT_EQUAL(request.operation, BLKIF_WIRE_WRITE_BARRIER);
    CU_ASSERT_FALSE(rig_take(&rig, &before));
    rig_respond(&rig, request.id, request.inner, OKAY);
    rig_poll(&rig);
    (void)answer(BLKIF_WIRE_WRITE, OKAY);
    for (int i = 0; i < 4; i++)
        check_result(&calls[i], BLKFRONT_OK);
    finish();
}

/* Of what it waited for nothing will be heard: it goes out all the same (I4). */
static void i4_it_does_not_wait_for_what_has_met_its_deadline(void)
{
    struct blkfront_buffer buffer = {.address = data, .size = PAGE};
    struct rig_call before = rig_call(BLKFRONT_WRITE, 0, &buffer, 1);
    struct rig_call call = barrier_call(&buffer, 0);
    struct rig_request late;

    rig.device.options.request_deadline_ns = 100;
    start();
    CU_ASSERT_EQUAL(rig_submit(&rig, &before), BLKFRONT_OK);
    rig.fake.now += 50;
    CU_ASSERT_EQUAL(rig_submit(&rig, &call), BLKFRONT_OK);
    late = rig_next(&rig);
    CU_ASSERT_FALSE(rig_take(&rig, &late));
    rig.fake.now += 50;
    rig_poll(&rig);
    CU_ASSERT_EQUAL(before.result, BLKFRONT_DEADLINE);
    (void)answer(BLKIF_WIRE_WRITE_BARRIER, OKAY);
    CU_ASSERT_EQUAL(call.result, BLKFRONT_OK);
    rig_respond(&rig, late.id, late.inner, OKAY);
    rig_poll(&rig);
    finish();
}

/* Refused, it goes out again as direct ones, and the barrier is to follow them. */
static void it_waits_for_an_indirect_write_that_may_be_refused(void)
{
    static const int16_t statuses[] = {OKAY, NOT_SUPPORTED};

    for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
        struct blkfront_buffer long_one = {.address = data, .size = 20 * PAGE};
        struct blkfront_buffer buffer = {.address = data, .size = PAGE};
        struct rig_call before = rig_call(BLKFRONT_WRITE, 0, &long_one, 1);
        struct rig_call call = barrier_call(&buffer, 0);

        set_up();
        start();
        CU_ASSERT_EQUAL(rig_submit(&rig, &before), BLKFRONT_OK);
        CU_ASSERT_EQUAL(rig_submit(&rig, &call), BLKFRONT_OK);
        CU_ASSERT_EQUAL(rig_statistics(&rig).ring_requests, 1);
        (void)answer(BLKIF_WIRE_INDIRECT, statuses[i]);
        if (statuses[i] == NOT_SUPPORTED) {
            (void)answer(BLKIF_WIRE_WRITE, OKAY);
            (void)answer(BLKIF_WIRE_WRITE, OKAY);
        }
        (void)answer(BLKIF_WIRE_WRITE_BARRIER, OKAY);
        check_result(&before, BLKFRONT_OK);
        check_result(&call, BLKFRONT_OK);
        finish();
    }
}

static void i8_unimplemented_where_the_backend_has_none(void)
{
    struct blkfront_buffer buffer = {.address = data, .size = PAGE};
    struct rig_call call = barrier_call(&buffer, 0);

    rig.device.agreed.barrier = false;
    start();
    CU_ASSERT_EQUAL(rig_submit(&rig, &call), BLKFRONT_UNIMPLEMENTED);
    CU_ASSERT_EQUAL(rig_statistics(&rig).ring_requests, 0);
    finish();
}

static void i17_refused_on_a_read_only_disk(void)
{
    struct blkfront_buffer buffer = {.address = data, .size = PAGE};
    struct rig_call call = barrier_call(&buffer, 0);

    rig.device.agreed.read_only = true;
    start();
    CU_ASSERT_EQUAL(rig_submit(&rig, &call), BLKFRONT_READ_ONLY);
    rig.device.agreed.barrier = false;
    CU_ASSERT_EQUAL(rig_submit(&rig, &call), BLKFRONT_READ_ONLY);
    CU_ASSERT_EQUAL(rig_statistics(&rig).ring_requests, 0);
    finish();
}

static void i8_eopnotsupp_switches_barriers_off_for_those_that_wait(void)
{
    struct blkfront_buffer two = {.address = data, .size = 2 * PAGE};
    struct rig_call first = barrier_call(&two, 0), waiting = barrier_call(&two, 0);

    rig.device.options.pool_pages = 1; /* one of its two pages */
    start();
    CU_ASSERT_EQUAL(rig_submit(&rig, &first), BLKFRONT_OK);
    CU_ASSERT_EQUAL(rig_submit(&rig, &waiting), BLKFRONT_OK);
    (void)answer(BLKIF_WIRE_WRITE_BARRIER, NOT_SUPPORTED);
    CU_ASSERT_EQUAL(first.result, BLKFRONT_UNIMPLEMENTED);
    CU_ASSERT_FALSE(rig.device.agreed.barrier);
    CU_ASSERT_EQUAL(waiting.result, BLKFRONT_UNIMPLEMENTED);
    CU_ASSERT_EQUAL(rig_submit(&rig, &waiting), BLKFRONT_UNIMPLEMENTED);
    finish();
}

/* By another queue, or by what XenStore says. */
static void i8_of_one_that_has_begun_half_is_written(void)
{
    struct blkfront_buffer two = {.address = data, .size = 2 * PAGE};
    struct rig_call call = barrier_call(&two, 0);

    rig.device.options.pool_pages = 1;
    start();
    CU_ASSERT_EQUAL(rig_submit(&rig, &call), BLKFRONT_OK);
    rig.device.agreed.barrier = false;
    (void)answer(BLKIF_WIRE_WRITE_BARRIER, OKAY);
    check_result(&call, BLKFRONT_IO_ERROR);
    finish();
}

/* It carries data: the backend knows barriers and has failed to write. */
static void i8_an_error_is_an_error_and_switches_nothing_off(void)
{
    struct blkfront_buffer buffer = {.address = data, .size = PAGE};
    struct rig_call call = barrier_call(&buffer, 0);

    start();
    CU_ASSERT_EQUAL(rig_submit(&rig, &call), BLKFRONT_OK);
    (void)answer(BLKIF_WIRE_WRITE_BARRIER, ERROR);
    check_result(&call, BLKFRONT_IO_ERROR);
    CU_ASSERT_TRUE(rig.device.agreed.barrier);
    finish();
}

static void without_data_there_is_nothing_to_do(void)
{
    struct rig_call call = rig_call(BLKFRONT_WRITE, 0, NULL, 0);

    call.request.flags = BLKFRONT_BARRIER;
    start();
    CU_ASSERT_EQUAL(rig_submit(&rig, &call), BLKFRONT_OK);
    rig_poll(&rig);
    check_result(&call, BLKFRONT_OK);
    CU_ASSERT_EQUAL(rig_statistics(&rig).ring_requests, 0);
    finish();
}

/* ---- with FUA ---- */

static void i16_with_fua_a_flush_follows(void)
{
    struct blkfront_buffer buffer = {.address = data, .size = PAGE};
    struct rig_call call = barrier_call(&buffer, BLKFRONT_FUA);

    start();
    CU_ASSERT_EQUAL(rig_submit(&rig, &call), BLKFRONT_OK);
    CU_ASSERT_EQUAL(answer(BLKIF_WIRE_WRITE_BARRIER, OKAY).segment_count, 1);
    CU_ASSERT_EQUAL(call.completions, 0);
    (void)answer(BLKIF_WIRE_FLUSH_DISKCACHE, OKAY);
    check_result(&call, BLKFRONT_OK);
    finish();
}

static void i8_the_flush_after_a_barrier_takes_the_chain(void)
{
    struct blkfront_buffer buffer = {.address = data, .size = PAGE};
    struct rig_call call = barrier_call(&buffer, BLKFRONT_FUA);

    start();
    CU_ASSERT_EQUAL(rig_submit(&rig, &call), BLKFRONT_OK);
    (void)answer(BLKIF_WIRE_WRITE_BARRIER, OKAY);
    (void)answer(BLKIF_WIRE_FLUSH_DISKCACHE, NOT_SUPPORTED);
    CU_ASSERT_EQUAL(answer(BLKIF_WIRE_WRITE_BARRIER, OKAY).segment_count, 0);
    check_result(&call, BLKFRONT_OK);
    finish();
}

static void i8_with_both_it_needs_a_barrier_and_a_way_to_flush(void)
{
    struct blkfront_buffer buffer = {.address = data, .size = PAGE};
    struct rig_call call = barrier_call(&buffer, BLKFRONT_FUA);
    struct rig_call fua = rig_call(BLKFRONT_WRITE, 0, &buffer, 1);

    rig.device.agreed.barrier = false;
    start();
    CU_ASSERT_EQUAL(rig_submit(&rig, &call), BLKFRONT_UNIMPLEMENTED);
    fua.request.flags = BLKFRONT_FUA;
    rig.device.agreed.flush = false;
    CU_ASSERT_EQUAL(rig_submit(&rig, &fua), BLKFRONT_UNIMPLEMENTED);
    CU_ASSERT_EQUAL(rig_statistics(&rig).ring_requests, 0);
    finish();
}

static const struct unit_test tests[] = {
    UNIT_TEST(every_part_is_a_direct_barrier_with_its_data),
    UNIT_TEST(it_keeps_its_place_among_the_requests_of_its_queue),
    UNIT_TEST(it_is_alone_among_what_is_on_the_ring),
    UNIT_TEST(i4_it_does_not_wait_for_what_has_met_its_deadline),
    UNIT_TEST(it_waits_for_an_indirect_write_that_may_be_refused),
    UNIT_TEST(i8_unimplemented_where_the_backend_has_none),
    UNIT_TEST(i17_refused_on_a_read_only_disk),
    UNIT_TEST(i8_eopnotsupp_switches_barriers_off_for_those_that_wait),
    UNIT_TEST(i8_of_one_that_has_begun_half_is_written),
    UNIT_TEST(i8_an_error_is_an_error_and_switches_nothing_off),
    UNIT_TEST(without_data_there_is_nothing_to_do),
    UNIT_TEST(i16_with_fua_a_flush_follows),
    UNIT_TEST(i8_the_flush_after_a_barrier_takes_the_chain),
    UNIT_TEST(i8_with_both_it_needs_a_barrier_and_a_way_to_flush),
};

UNIT_MAIN_WITH("barrier", set_up, NULL, tests)
