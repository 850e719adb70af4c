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
    uint64_t before = rig_statistics(&rig).ring_requests;

    CU_ASSERT_EQUAL(rig_submit(&rig, &call), result);
    rig_settle(&rig);
    CU_ASSERT_EQUAL(call.completions, 0);
    CU_ASSERT_EQUAL(rig_statistics(&rig).ring_requests, before);
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

/* ---- another sector size while connected ---- */

static void use_sector_size(uint32_t size)
{
    __atomic_store_n(&rig.device.agreed.sector_size, size, __ATOMIC_RELAXED);
}

static void i9_the_next_submit_counts_in_the_new_sectors(void)
{
    struct blkfront_buffer buffer = {.address = data, .size = 4096};
    struct blkfront_buffer half = {.address = data, .size = 2048};
    struct rig_call call = rig_call(BLKFRONT_READ, 3, &buffer, 1);
    struct rig_request request;

    start();
    CU_ASSERT_EQUAL(rig_submit(&rig, &call), BLKFRONT_OK);
    request = rig_next(&rig);
    CU_ASSERT_EQUAL(request.sector_512, 3);
    use_sector_size(4096);
    rig_answer(&rig, &request); /* one in flight is not concerned */
    CU_ASSERT_EQUAL(call.result, BLKFRONT_OK);
    CU_ASSERT_EQUAL(rig_submit(&rig, &call), BLKFRONT_OK);
    request = rig_next(&rig);
    CU_ASSERT_EQUAL(request.sector_512, 24);
    rig_answer(&rig, &request);
    check_refused(rig_call(BLKFRONT_READ, 0, &half, 1), BLKFRONT_INVALID);
    check_refused(rig_call(BLKFRONT_READ, RIG_UNITS / 8, &buffer, 1), BLKFRONT_OUT_OF_RANGE);
    use_sector_size(512);
    check_refused(rig_call(BLKFRONT_READ, RIG_UNITS, &half, 1), BLKFRONT_OUT_OF_RANGE);
    finish();
}

/* What waits was taken in the old sectors: it goes out as it was meant, if it still can. */
static void i9_what_waits_goes_out_if_it_is_in_whole_new_sectors(void)
{
    enum { COUNT = 8 };
    static const struct {
        uint64_t sector;
        size_t count;
        size_t sizes[3];
        int result;
    } rows[COUNT] = {
        {8, 1, {4096}, BLKFRONT_OK},
        {8, 2, {4096, 8192}, BLKFRONT_OK},
        {9, 1, {4096}, BLKFRONT_OUT_OF_RANGE},
        {8, 1, {4096 + 512}, BLKFRONT_OUT_OF_RANGE},
        {8, 2, {2048, 2048}, BLKFRONT_OUT_OF_RANGE},
        {8, 3, {4096, 512, 3584}, BLKFRONT_OUT_OF_RANGE},
        {16, 2, {8192, 4096}, BLKFRONT_OK},
        {1, 1, {512}, BLKFRONT_OUT_OF_RANGE},
    };
    struct blkfront_buffer block = {.address = data, .size = 4096};
    struct rig_call first = rig_call(BLKFRONT_READ, 0, &block, 1), calls[COUNT];
    struct blkfront_buffer buffers[COUNT][3];
    struct rig_request request;

    rig.device.options.pool_pages = 1;
    start();
    CU_ASSERT_EQUAL(rig_submit(&rig, &first), BLKFRONT_OK);
    for (int i = 0; i < COUNT; i++) {
        for (size_t n = 0; n < rows[i].count; n++)
            buffers[i][n] =
                (struct blkfront_buffer){.address = data + n * 16384, .size = rows[i].sizes[n]};
        calls[i] = rig_call(BLKFRONT_READ, rows[i].sector, buffers[i], rows[i].count);
        CU_ASSERT_EQUAL(rig_submit(&rig, &calls[i]), BLKFRONT_OK);
    }
    request = rig_next(&rig);
    use_sector_size(4096);
    rig_answer(&rig, &request);
    rig_settle(&rig);
    for (int i = 0; i < COUNT; i++) {
        CU_ASSERT_EQUAL(calls[i].completions, 1);
        CU_ASSERT_EQUAL(calls[i].result, rows[i].result);
    }
    CU_ASSERT_EQUAL(memcmp(data, rig.disk + 16 * 512, 8192), 0);
    CU_ASSERT_EQUAL(rig.served, 1 + 3 + 3); /* a page each */
    finish();
}

static void i9_what_has_begun_and_fits_no_more_is_an_error(void)
{
    struct blkfront_buffer buffer = {.address = data, .size = 2 * 4096 + 512};
    struct rig_call begun = rig_call(BLKFRONT_WRITE, 8, &buffer, 1);
    struct rig_call smaller = rig_call(BLKFRONT_WRITE, 8, &buffer, 1);
    struct rig_call discard = rig_call(BLKFRONT_DISCARD, 9, NULL, 0);
    struct rig_call fits = rig_call(BLKFRONT_DISCARD, 8, NULL, 0);
    struct rig_request request;

    rig.device.options.pool_pages = 1;
    rig.device.agreed.discard = true;
    discard.request.sectors = 8;
    start();
    CU_ASSERT_EQUAL(rig_submit(&rig, &begun), BLKFRONT_OK);
    CU_ASSERT_EQUAL(rig_submit(&rig, &discard), BLKFRONT_OK);
    request = rig_next(&rig);
    use_sector_size(1024);
    rig_answer(&rig, &request);
    CU_ASSERT_EQUAL(begun.result, BLKFRONT_IO_ERROR);
    CU_ASSERT_EQUAL(discard.result, BLKFRONT_OUT_OF_RANGE);
    /* And once more, after smaller ones in between. */
    use_sector_size(512);
    CU_ASSERT_EQUAL(rig_submit(&rig, &smaller), BLKFRONT_OK);
    fits.request.sectors = 8;
    CU_ASSERT_EQUAL(rig_submit(&rig, &fits), BLKFRONT_OK);
    use_sector_size(1024);
    rig_settle(&rig);
    CU_ASSERT_EQUAL(smaller.result, BLKFRONT_IO_ERROR);
    CU_ASSERT_EQUAL(fits.result, BLKFRONT_OK);
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
    UNIT_TEST(i9_the_next_submit_counts_in_the_new_sectors),
    UNIT_TEST(i9_what_waits_goes_out_if_it_is_in_whole_new_sectors),
    UNIT_TEST(i9_what_has_begun_and_fits_no_more_is_an_error),
    UNIT_TEST(zero_buffers_succeed_in_the_next_poll),
    UNIT_TEST(page_buffers_are_the_old_rule),
};

UNIT_MAIN_WITH("submit", set_up, NULL, tests)
