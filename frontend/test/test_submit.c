/* SPDX-License-Identifier: ISC */
/*
 * What submit takes and what it refuses, in the order state, arguments, read-only, range (I9, I17),
 * and what becomes of a taken request when the disk changes under it; requests that need no data.
 */
#include "rig.h"

#include "cunit_main.h"

enum { PAGE = 4096, BYTES = 64 * 1024 };

static struct rig rig;
static _Alignas(PAGE) unsigned char data[BYTES];

static void set_up(void)
{
    rig_init(&rig, true);
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

static void check_refused(struct rig_call call, int result)
{
    CU_ASSERT_EQUAL(rig_submit(&rig, &call), result);
    rig_settle(&rig);
    CU_ASSERT_EQUAL(call.completions, 0);
    CU_ASSERT_EQUAL(rig_statistics(&rig).ring_requests, 0);
}

static void bad_arguments_are_refused(void)
{
    struct blkfront_buffer buffer = {.address = data, .size = 512};
    struct blkfront_buffer odd = {.address = data, .size = 513};
    struct blkfront_buffer empty = {.address = data, .size = 0};
    struct blkfront_buffer nowhere = {.address = NULL, .size = 512};
    struct rig_call call = rig_call(BLKFRONT_READ, 0, &buffer, 1);
    size_t taken;

    start();
    check_refused(rig_call(BLKFRONT_READ, 0, &odd, 1), BLKFRONT_INVALID);
    check_refused(rig_call(BLKFRONT_READ, 0, &empty, 1), BLKFRONT_INVALID);
    check_refused(rig_call(BLKFRONT_WRITE, 0, &nowhere, 1), BLKFRONT_INVALID);
    check_refused(rig_call(BLKFRONT_WRITE, 0, NULL, 1), BLKFRONT_INVALID);
    check_refused(rig_call((enum blkfront_operation)4, 0, &buffer, 1), BLKFRONT_INVALID);
    call.request.flags = 8;
    check_refused(call, BLKFRONT_INVALID);
    call.request.flags = 0;
    call.request.complete = NULL;
    check_refused(call, BLKFRONT_INVALID);
    CU_ASSERT_EQUAL(blkfront_submit(rig.queue, NULL), BLKFRONT_INVALID);
    CU_ASSERT_EQUAL(blkfront_submit(NULL, &call.request), BLKFRONT_INVALID);
    CU_ASSERT_EQUAL(blkfront_submit_many(rig.queue, NULL, 1, &taken), BLKFRONT_INVALID);
    CU_ASSERT_EQUAL(blkfront_submit_many(rig.queue, NULL, 0, NULL), BLKFRONT_INVALID);
    CU_ASSERT_EQUAL(blkfront_submit_many(rig.queue, NULL, 0, &taken), BLKFRONT_OK);
    finish();
}

/* A read with FUA became a write elsewhere (veeam/blksnap#59): here it becomes nothing at all. */
static void i7_flags_belong_to_operations(void)
{
    static const struct {
        enum blkfront_operation operation;
        unsigned allowed;
    } rows[] = {
        {BLKFRONT_READ, 0},
        {BLKFRONT_WRITE, BLKFRONT_FUA | BLKFRONT_BARRIER},
        {BLKFRONT_FLUSH, 0},
        {BLKFRONT_DISCARD, BLKFRONT_SECURE},
    };
    struct blkfront_buffer buffer = {.address = data, .size = 512};

    rig.device.agreed.barrier = true;
    rig.device.agreed.discard = true;
    rig.device.agreed.discard_secure = true;
    start();
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        for (unsigned flags = 1; flags < 8; flags++) {
            struct rig_call call = rig_call(rows[i].operation, 0, &buffer, 1);

            call.request.flags = flags;
            call.request.sectors = 1;
            if ((flags & ~rows[i].allowed) != 0) {
                CU_ASSERT_EQUAL(rig_submit(&rig, &call), BLKFRONT_INVALID);
                CU_ASSERT_EQUAL(rig_waiting_requests(&rig), 0);
            } else {
                CU_ASSERT_EQUAL(rig_submit(&rig, &call), BLKFRONT_OK);
                rig_settle(&rig);
                CU_ASSERT_EQUAL(call.result, BLKFRONT_OK);
            }
        }
    }
    finish();
}

static void i9_the_range_is_checked_without_overflow(void)
{
    struct blkfront_buffer buffer = {.address = data, .size = 1024};
    struct blkfront_buffer huge[] = {{.address = data, .size = SIZE_MAX - 511},
                                     {.address = data, .size = SIZE_MAX - 511}};
    struct rig_call call;

    start();
    check_refused(rig_call(BLKFRONT_READ, RIG_UNITS - 1, &buffer, 1), BLKFRONT_OUT_OF_RANGE);
    check_refused(rig_call(BLKFRONT_READ, RIG_UNITS, &buffer, 1), BLKFRONT_OUT_OF_RANGE);
    check_refused(rig_call(BLKFRONT_READ, UINT64_MAX, &buffer, 1), BLKFRONT_OUT_OF_RANGE);
    check_refused(rig_call(BLKFRONT_READ, UINT64_MAX - 1, &buffer, 1), BLKFRONT_OUT_OF_RANGE);
    check_refused(rig_call(BLKFRONT_READ, UINT64_C(1) << 61, &buffer, 1), BLKFRONT_OUT_OF_RANGE);
    check_refused(rig_call(BLKFRONT_READ, 0, huge, 1), BLKFRONT_OUT_OF_RANGE);
    check_refused(rig_call(BLKFRONT_READ, 2, huge, 2), BLKFRONT_OUT_OF_RANGE);
    call = rig_call(BLKFRONT_READ, RIG_UNITS - 2, &buffer, 1);
    CU_ASSERT_EQUAL(rig_submit(&rig, &call), BLKFRONT_OK);
    rig_settle(&rig);
    CU_ASSERT_EQUAL(call.result, BLKFRONT_OK);
    finish();
}

static void i17_writes_to_a_read_only_disk_are_refused_first(void)
{
    struct blkfront_buffer buffer = {.address = data, .size = 512};
    struct blkfront_buffer odd = {.address = data, .size = 5};
    struct rig_call call;

    rig.device.agreed.read_only = true;
    rig.device.agreed.discard = true;
    start();
    check_refused(rig_call(BLKFRONT_WRITE, 0, &buffer, 1), BLKFRONT_READ_ONLY);
    check_refused(rig_call(BLKFRONT_WRITE, UINT64_MAX, &buffer, 1), BLKFRONT_READ_ONLY);
    check_refused(rig_call(BLKFRONT_WRITE, 0, &odd, 1), BLKFRONT_INVALID);
    check_refused(rig_call(BLKFRONT_WRITE, 0, NULL, 0), BLKFRONT_READ_ONLY);
    call = rig_call(BLKFRONT_DISCARD, 0, NULL, 0);
    call.request.sectors = 8;
    check_refused(call, BLKFRONT_READ_ONLY);
    rig.takes = false;
    check_refused(rig_call(BLKFRONT_WRITE, 0, &odd, 1), BLKFRONT_DISCONNECTED);
    finish();
}

static void i17_a_waiting_write_does_not_go_out_when_the_disk_turns_read_only(void)
{
    struct blkfront_buffer buffer = {.address = data, .size = 16 * 4096};
    struct rig_call begun = rig_call(BLKFRONT_WRITE, 0, &buffer, 1);
    struct rig_call waiting = rig_call(BLKFRONT_WRITE, 0, &buffer, 1);

    rig.device.options.pool_pages = 1;
    start();
    CU_ASSERT_EQUAL(rig_submit(&rig, &begun), BLKFRONT_OK);
    CU_ASSERT_EQUAL(rig_submit(&rig, &waiting), BLKFRONT_OK);
    __atomic_store_n(&rig.device.agreed.read_only, true, __ATOMIC_RELAXED);
    rig_settle(&rig);
    CU_ASSERT_EQUAL(rig.served, 1);
    CU_ASSERT_EQUAL(begun.result, BLKFRONT_IO_ERROR); /* a part of it was written */
    CU_ASSERT_EQUAL(waiting.result, BLKFRONT_READ_ONLY);
    finish();
}

static void i9_a_waiting_request_beyond_a_disk_that_shrank_fails(void)
{
    struct blkfront_buffer buffer = {.address = data, .size = 2 * 4096};
    struct rig_call begun = rig_call(BLKFRONT_READ, 64, &buffer, 1);
    struct rig_call waiting = rig_call(BLKFRONT_READ, 64, &buffer, 1);

    rig.device.options.pool_pages = 1;
    start();
    CU_ASSERT_EQUAL(rig_submit(&rig, &begun), BLKFRONT_OK);
    CU_ASSERT_EQUAL(rig_submit(&rig, &waiting), BLKFRONT_OK);
    __atomic_store_n(&rig.device.agreed.size_512, 66, __ATOMIC_RELAXED);
    rig_settle(&rig);
    CU_ASSERT_EQUAL(begun.result, BLKFRONT_IO_ERROR);
    CU_ASSERT_EQUAL(waiting.result, BLKFRONT_OUT_OF_RANGE);
    finish();
}

static void zero_buffers_succeed_in_the_next_poll(void)
{
    struct rig_call read = rig_call(BLKFRONT_READ, UINT64_MAX, NULL, 0);
    struct rig_call write = rig_call(BLKFRONT_WRITE, 0, NULL, 0);

    start();
    CU_ASSERT_EQUAL(rig_submit(&rig, &read), BLKFRONT_OK);
    CU_ASSERT_EQUAL(rig_submit(&rig, &write), BLKFRONT_OK);
    CU_ASSERT_EQUAL(read.completions + write.completions, 0);
    CU_ASSERT_EQUAL(blkfront_queue_poll_at(rig.queue), 0);
    rig_poll(&rig);
    CU_ASSERT_EQUAL(read.completions, 1);
    CU_ASSERT_EQUAL(write.completions, 1);
    CU_ASSERT_EQUAL(read.result, BLKFRONT_OK);
    CU_ASSERT_EQUAL(blkfront_queue_poll_at(rig.queue), UINT64_MAX);
    CU_ASSERT_EQUAL(rig_statistics(&rig).ring_requests, 0);
    finish();
}

static void page_buffers_are_the_old_rule(void)
{
    struct blkfront_buffer good = {.address = data, .size = 4096};
    struct blkfront_buffer shifted = {.address = data + 512, .size = 4096};
    struct blkfront_buffer small = {.address = data, .size = 512};
    struct rig_call call;

    rig.device.options.page_buffers = true;
    start();
    check_refused(rig_call(BLKFRONT_READ, 0, &shifted, 1), BLKFRONT_INVALID);
    check_refused(rig_call(BLKFRONT_READ, 0, &small, 1), BLKFRONT_INVALID);
    call = rig_call(BLKFRONT_READ, 0, &good, 1);
    CU_ASSERT_EQUAL(rig_submit(&rig, &call), BLKFRONT_OK);
    rig_settle(&rig);
    CU_ASSERT_EQUAL(call.result, BLKFRONT_OK);
    finish();
}

static const struct unit_test tests[] = {
    UNIT_TEST(bad_arguments_are_refused),
    UNIT_TEST(i7_flags_belong_to_operations),
    UNIT_TEST(i9_the_range_is_checked_without_overflow),
    UNIT_TEST(i17_writes_to_a_read_only_disk_are_refused_first),
    UNIT_TEST(i17_a_waiting_write_does_not_go_out_when_the_disk_turns_read_only),
    UNIT_TEST(i9_a_waiting_request_beyond_a_disk_that_shrank_fails),
    UNIT_TEST(zero_buffers_succeed_in_the_next_poll),
    UNIT_TEST(page_buffers_are_the_old_rule),
};

UNIT_MAIN_WITH("submit", set_up, NULL, tests)
