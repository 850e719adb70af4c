/* SPDX-License-Identifier: ISC */
/*
 * A caller's request to ring requests and back: splitting, alignment (I9), bouncing and direct
 * data, results (I8), pages and grants that run out. The backend is the
 * test.
 */
#include "rig.h"

#include "cunit_main.h"

enum { PAGE = 4096, BYTES = 512 * 1024 };

static struct rig rig;
static _Alignas(PAGE) unsigned char data[BYTES + PAGE];

static void set_up(void)
{
    rig_init(&rig, true);
    for (size_t i = 0; i < sizeof(data); i++)
        data[i] = (unsigned char)(i * 7 + i / 512);
    for (size_t i = 0; i < sizeof(rig.disk); i++)
        rig.disk[i] = (unsigned char)(i * 13 + i / 4096);
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

/* ---- data ---- */

/* Writes the buffers, compares the disk, reads them back shifted by nothing, compares the buffers.
 */
static void check_round_trip(const struct blkfront_buffer *buffers, size_t count, uint64_t sector)
{
    size_t shift = sector_shift(rig.device.agreed.sector_size);
    struct rig_call write = rig_call(BLKFRONT_WRITE, sector, buffers, count);
    struct rig_call read = rig_call(BLKFRONT_READ, sector, buffers, count);
    static unsigned char copy[BYTES];
    const unsigned char *on_disk = rig.disk + (sector << shift) * 512;
    size_t at = 0;

    CU_ASSERT_EQUAL(rig_submit(&rig, &write), BLKFRONT_OK);
    rig_settle(&rig);
    CU_ASSERT_EQUAL(write.completions, 1);
    CU_ASSERT_EQUAL(write.result, BLKFRONT_OK);
    for (size_t i = 0; i < count; i++) {
        CU_ASSERT_EQUAL(memcmp(on_disk + at, buffers[i].address, buffers[i].size), 0);
        memcpy(copy + at, buffers[i].address, buffers[i].size);
        memset(buffers[i].address, 0, buffers[i].size);
        at += buffers[i].size;
    }

    CU_ASSERT_EQUAL(rig_submit(&rig, &read), BLKFRONT_OK);
    rig_settle(&rig);
    CU_ASSERT_EQUAL(read.completions, 1);
    CU_ASSERT_EQUAL(read.result, BLKFRONT_OK);
    at = 0;
    for (size_t i = 0; i < count; i++) {
        CU_ASSERT_EQUAL(memcmp(copy + at, buffers[i].address, buffers[i].size), 0);
        at += buffers[i].size;
    }
    CU_ASSERT_TRUE(queue_check(rig.queue));
    CU_ASSERT_EQUAL(rig.faults, 0);
}

static void i7_buffers_of_any_alignment(void)
{
    for (int any_page = 0; any_page < 2; any_page++) {
        rig_init(&rig, any_page != 0);
        start();
        for (size_t offset = 0; offset < 9; offset++) {
            struct blkfront_buffer buffers[] = {
                {.address = data + offset, .size = 512},
                {.address = data + 8192 + offset * 3, .size = 1536},
                {.address = data + 20000 + offset, .size = 9 * 512},
            };

            check_round_trip(buffers, 3, 17);
        }
        finish();
    }
}

static void i7_all_sizes_around_a_request(void)
{
    start();
    for (size_t units = 1; units <= 11 * 8 + 9; units += units < 80 ? 7 : 1) {
        struct blkfront_buffer buffer = {.address = data + 100, .size = units * 512};

        check_round_trip(&buffer, 1, 3);
    }
    finish();
}

static void i7_a_request_larger_than_the_ring(void)
{
    struct blkfront_buffer buffer = {.address = data, .size = BYTES};

    rig.device.options.pool_pages = 352;
    start();
    check_round_trip(&buffer, 1, 0);
    CU_ASSERT_EQUAL(rig_statistics(&rig).bytes_copied, 2 * BYTES);
    finish();
}

static void i4_a_pool_of_one_page_is_enough(void)
{
    for (int any_page = 0; any_page < 2; any_page++) {
        struct blkfront_buffer buffer = {.address = data + 1, .size = 64 * 512};

        rig_init(&rig, any_page != 0);
        rig.device.options.pool_pages = 1;
        start();
        check_round_trip(&buffer, 1, 5);
        finish();
    }
}

static void i18_ring_indices_just_below_the_wrap(void)
{
    static const uint32_t ring_starts[] = {0x7ffffff0, 0xfffffff0, 0xffffffff};

    for (size_t i = 0; i < 3; i++) {
        struct blkfront_buffer buffer = {.address = data, .size = BYTES};

        rig_init(&rig, true);
        rig.device.options.ring_start = ring_starts[i];
        start();
        check_round_trip(&buffer, 1, 1);
        finish();
    }
}

static void i9_sectors_of_4096_bytes(void)
{
    struct blkfront_buffer buffers[] = {{.address = data + 5, .size = 4096},
                                        {.address = data + 9000, .size = 8192}};
    struct blkfront_buffer odd = {.address = data, .size = 512};
    struct rig_call call;
    struct rig_request request;

    rig.device.agreed.sector_size = 4096;
    start();
    check_round_trip(buffers, 2, 7);
    call = rig_call(BLKFRONT_READ, 0, &odd, 1);
    CU_ASSERT_EQUAL(rig_submit(&rig, &call), BLKFRONT_INVALID);
    call = rig_call(BLKFRONT_READ, RIG_UNITS / 8 - 1, buffers, 1);
    CU_ASSERT_EQUAL(rig_submit(&rig, &call), BLKFRONT_OK);
    CU_ASSERT_TRUE(rig_take(&rig, &request));
    CU_ASSERT_EQUAL(request.sector_512, RIG_UNITS - 8);
    rig_respond(&rig, request.id, request.operation, 0);
    rig_settle(&rig);
    call = rig_call(BLKFRONT_READ, RIG_UNITS / 8, buffers, 1);
    CU_ASSERT_EQUAL(rig_submit(&rig, &call), BLKFRONT_OUT_OF_RANGE);
    finish();
}

static void small_buffers_share_a_bounce_page(void)
{
    struct blkfront_buffer buffers[16] = {{0}};
    struct rig_call call = rig_call(BLKFRONT_WRITE, 8, buffers, 16);
    struct rig_request request;

    for (size_t i = 0; i < 16; i++)
        buffers[i] = (struct blkfront_buffer){.address = data + i * 1000, .size = 512};
    start();
    CU_ASSERT_EQUAL(rig_submit(&rig, &call), BLKFRONT_OK);
    CU_ASSERT_TRUE(rig_take(&rig, &request));
    CU_ASSERT_EQUAL(request.segment_count, 2);
    for (int i = 0; i < 2; i++) {
        CU_ASSERT_EQUAL(request.segments[i].first_512, 0);
        CU_ASSERT_EQUAL(request.segments[i].last_512, 7);
        CU_ASSERT_EQUAL(request.segments[i].padding, 0);
    }
    CU_ASSERT_EQUAL(request.sector_512, 8);
    CU_ASSERT_EQUAL(rig_waiting_requests(&rig), 0);
    rig_respond(&rig, request.id, request.operation, 0);
    rig_settle(&rig);
    CU_ASSERT_EQUAL(call.completions, 1);
    finish();
}

static void i6_unused_segments_and_padding_are_zero(void)
{
    struct blkfront_buffer large = {.address = data, .size = 11 * 4096};
    struct blkfront_buffer small = {.address = data, .size = 512};
    const unsigned char zeros[WIRE_SLOT_MAX] = {0};
    struct rig_request request;

    start();
    /* Twice around the ring: each slot has held a long request before. */
    for (int i = 0; i < 64; i++) {
        struct rig_call call = rig_call(BLKFRONT_READ, 0, i < 32 ? &large : &small, 1);

        CU_ASSERT_EQUAL(rig_submit(&rig, &call), BLKFRONT_OK);
        CU_ASSERT_TRUE(rig_take(&rig, &request));
        CU_ASSERT_EQUAL(memcmp(request.raw + 4, zeros, 4), 0);
        if (i >= 32)
            CU_ASSERT_EQUAL(memcmp(request.raw + 24 + 8, zeros, 10 * 8), 0);
        CU_ASSERT_EQUAL(request.raw[2] | request.raw[3] << 8, RIG_VDEV & 0xffff);
        rig_execute(&rig, &request);
        rig_respond(&rig, request.id, request.operation, 0);
        rig_settle(&rig);
        CU_ASSERT_EQUAL(call.completions, 1);
    }
    finish();
}

static void i5_bounced_writes_are_granted_read_only(void)
{
    for (int any_page = 0; any_page < 2; any_page++) {
        for (int persistent = 0; persistent < 2; persistent++) {
            struct blkfront_buffer buffer = {.address = data, .size = 4096};
            struct rig_call write = rig_call(BLKFRONT_WRITE, 0, &buffer, 1);
            struct rig_call read = rig_call(BLKFRONT_READ, 0, &buffer, 1);
            struct rig_request request;

            rig_init(&rig, any_page != 0);
            rig.device.agreed.persistent = persistent != 0;
            start();
            CU_ASSERT_EQUAL(rig_submit(&rig, &write), BLKFRONT_OK);
            CU_ASSERT_EQUAL(rig_submit(&rig, &read), BLKFRONT_OK);
            CU_ASSERT_TRUE(rig_take(&rig, &request));
            CU_ASSERT_EQUAL(rig.fake.refs[request.segments[0].grant_ref].writable, persistent);
            CU_ASSERT_EQUAL(rig.fake.refs[request.segments[0].grant_ref].domid, RIG_DOMID);
            rig_respond(&rig, request.id, request.operation, 0);
            CU_ASSERT_TRUE(rig_take(&rig, &request));
            CU_ASSERT_TRUE(rig.fake.refs[request.segments[0].grant_ref].writable);
            rig_respond(&rig, request.id, request.operation, 0);
            rig_settle(&rig);
            CU_ASSERT_EQUAL(write.completions + read.completions, 2);
            if (any_page == 0)
                CU_ASSERT_EQUAL(rig.fake.grants, 0);
            finish();
        }
    }
}

static void i6_without_trust_a_page_is_zeroed_before_each_request(void)
{
    struct blkfront_buffer large = {.address = data, .size = 4096};
    struct blkfront_buffer small = {.address = data, .size = 512};
    const unsigned char zeros[4096] = {0};
    struct rig_request request;

    for (int any_page = 0; any_page < 2; any_page++) {
        rig_init(&rig, any_page != 0);
        rig.device.agreed.trusted = false;
        rig.device.options.pool_pages = 1;
        memset(data, 0xee, 4096);
        start();
        for (int i = 0; i < 2; i++) {
            struct rig_call call = rig_call(BLKFRONT_WRITE, 0, i == 0 ? &large : &small, 1);

            CU_ASSERT_EQUAL(rig_submit(&rig, &call), BLKFRONT_OK);
            CU_ASSERT_TRUE(rig_take(&rig, &request));
            if (i == 1) {
                const unsigned char *page =
                    fake_map(&rig.fake, request.segments[0].grant_ref, false);

                CU_ASSERT_EQUAL(memcmp(page, data, 512), 0);
                CU_ASSERT_EQUAL(memcmp(page + 512, zeros, 4096 - 512), 0);
            }
            rig_respond(&rig, request.id, request.operation, 0);
            rig_settle(&rig);
        }
        finish();
    }
}

/* ---- results ---- */

/* A request of three parts, answered with these statuses in this order. */
static struct rig_call answer_parts(const int16_t statuses[3], bool backwards)
{
    struct blkfront_buffer buffer = {.address = data, .size = 3 * 11 * 4096};
    struct rig_call call = rig_call(BLKFRONT_READ, 0, &buffer, 1);
    struct rig_request requests[3];

    CU_ASSERT_EQUAL(rig_submit(&rig, &call), BLKFRONT_OK);
    for (int i = 0; i < 3; i++)
        CU_ASSERT_TRUE_FATAL(rig_take(&rig, &requests[i]));
    for (int i = 0; i < 3; i++) {
        int at = backwards ? 2 - i : i;

        CU_ASSERT_EQUAL(call.completions, 0);
        rig_respond(&rig, requests[at].id, requests[at].operation, statuses[at]);
        rig_poll(&rig);
    }
    CU_ASSERT_EQUAL(call.completions, 1);
    CU_ASSERT_TRUE(queue_check(rig.queue));
    return call;
}

static void i8_the_worst_status_of_a_split_request_wins(void)
{
    static const struct {
        int16_t statuses[3];
        int result;
    } cases[] = {
        {{0, 0, 0}, BLKFRONT_OK},
        {{-1, 0, 0}, BLKFRONT_IO_ERROR},
        {{0, 0, -1}, BLKFRONT_IO_ERROR},
        {{-2, 0, 0}, BLKFRONT_UNIMPLEMENTED},
        {{-2, -1, 0}, BLKFRONT_IO_ERROR},
        {{-1, -2, -2}, BLKFRONT_IO_ERROR},
        {{0, 1, 0}, BLKFRONT_IO_ERROR},   /* no status of the protocol */
        {{0, -3, -2}, BLKFRONT_IO_ERROR}, /* no status of the protocol */
        {{0, INT16_MIN, 0}, BLKFRONT_IO_ERROR},
    };

    start();
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        CU_ASSERT_EQUAL(answer_parts(cases[i].statuses, false).result, cases[i].result);
        CU_ASSERT_EQUAL(answer_parts(cases[i].statuses, true).result, cases[i].result);
    }
    finish();
}

static void i8_what_has_failed_is_not_continued(void)
{
    struct blkfront_buffer buffer = {.address = data, .size = 4 * 11 * 4096};
    struct rig_call call = rig_call(BLKFRONT_READ, 0, &buffer, 1);
    struct rig_request request;

    rig.device.options.pool_pages = 11; /* one part a time */
    start();
    CU_ASSERT_EQUAL(rig_submit(&rig, &call), BLKFRONT_OK);
    CU_ASSERT_TRUE(rig_take(&rig, &request));
    CU_ASSERT_FALSE(rig_take(&rig, &request));
    rig_respond(&rig, request.id, request.operation, -1);
    rig_settle(&rig);
    CU_ASSERT_EQUAL(call.completions, 1);
    CU_ASSERT_EQUAL(call.result, BLKFRONT_IO_ERROR);
    CU_ASSERT_EQUAL(rig_statistics(&rig).ring_requests, 1);
    finish();
}

/* The first is a write with FUA, of the second a part waits for pages. */
static void submit_write(struct rig_call calls[3], unsigned index)
{
    static const struct blkfront_buffer buffers[] = {{.address = data, .size = PAGE},
                                                     {.address = data, .size = 12 * PAGE},
                                                     {.address = data, .size = PAGE}};

    calls[index] = rig_call(BLKFRONT_WRITE, index * 128, &buffers[index], 1);
    calls[index].request.flags = index == 0 ? BLKFRONT_FUA : 0;
    CU_ASSERT_EQUAL(rig_submit(&rig, &calls[index]), BLKFRONT_OK);
}

/* The first one's flush waits before the rest of the second, which fails meanwhile: that is over,
 * and those before and behind it go on. */
static void i8_what_fails_behind_a_flush_does_not_wait_for_it(void)
{
    struct rig_call calls[3];
    struct rig_request first, part;

    rig.device.options.pool_pages = 12;
    start();
    for (unsigned i = 0; i < 3; i++)
        submit_write(calls, i);
    first = rig_next(&rig);
    part = rig_next(&rig);
    CU_ASSERT_EQUAL(rig_waiting_requests(&rig), 0);
    rig_respond(&rig, first.id, first.operation, BLKIF_WIRE_OKAY);
    rig_respond(&rig, part.id, part.operation, BLKIF_WIRE_ERROR);
    rig_poll(&rig);
    CU_ASSERT_TRUE(queue_check(rig.queue));
    CU_ASSERT_EQUAL(calls[1].completions, 1);
    CU_ASSERT_EQUAL(calls[1].result, BLKFRONT_IO_ERROR);
    CU_ASSERT_EQUAL(calls[0].completions + calls[2].completions, 0);
    first = rig_next(&rig);
    CU_ASSERT_EQUAL(first.operation, BLKIF_WIRE_FLUSH_DISKCACHE);
    rig_answer(&rig, &first);
    part = rig_next(&rig);
    CU_ASSERT_EQUAL(part.sector_512, 256);
    rig_answer(&rig, &part);
    CU_ASSERT_EQUAL(calls[0].completions, 1);
    CU_ASSERT_EQUAL(calls[0].result, BLKFRONT_OK);
    CU_ASSERT_EQUAL(calls[2].completions, 1);
    CU_ASSERT_EQUAL(calls[2].result, BLKFRONT_OK);
    finish();
}

/* Where flushing means to wait for what came before, the wait is not over with what came later; nor
 * does a failure at the end of those that wait lose the place where the next one joins them. */
static void i8_a_drain_goes_on_when_what_waits_behind_it_fails(void)
{
    struct blkfront_buffer buffer = {.address = data, .size = PAGE};
    struct rig_call before = rig_call(BLKFRONT_READ, 0, &buffer, 1), calls[3];
    struct rig_request older, first, part;

    rig.device.options.pool_pages = 13;
    rig.device.agreed.flush = false;
    rig.device.agreed.flush_offered = false;
    start();
    CU_ASSERT_EQUAL(rig_submit(&rig, &before), BLKFRONT_OK);
    submit_write(calls, 0);
    submit_write(calls, 1);
    older = rig_next(&rig);
    first = rig_next(&rig);
    part = rig_next(&rig);
    rig_answer(&rig, &first);
    CU_ASSERT_TRUE(rig.queue->drain_waiting);
    rig_respond(&rig, part.id, part.operation, BLKIF_WIRE_ERROR);
    rig_poll(&rig);
    CU_ASSERT_TRUE(queue_check(rig.queue));
    CU_ASSERT_EQUAL(calls[1].completions, 1);
    CU_ASSERT_EQUAL(calls[1].result, BLKFRONT_IO_ERROR);
    CU_ASSERT_EQUAL(calls[0].completions, 0);
    CU_ASSERT_TRUE(rig.queue->drain_waiting);
    submit_write(calls, 2);
    CU_ASSERT_TRUE(queue_check(rig.queue));
    rig_answer(&rig, &older);
    CU_ASSERT_EQUAL(calls[0].completions, 1);
    CU_ASSERT_EQUAL(calls[0].result, BLKFRONT_OK);
    rig_settle(&rig);
    CU_ASSERT_EQUAL(before.completions, 1);
    CU_ASSERT_EQUAL(calls[2].completions, 1);
    CU_ASSERT_EQUAL(calls[2].result, BLKFRONT_OK);
    finish();
}

static void i7_a_failed_read_leaves_the_buffer_alone(void)
{
    struct blkfront_buffer buffer = {.address = data, .size = 4096};
    struct rig_call call = rig_call(BLKFRONT_READ, 0, &buffer, 1);
    static unsigned char before[4096];
    struct rig_request request;

    memcpy(before, data, 4096);
    start();
    CU_ASSERT_EQUAL(rig_submit(&rig, &call), BLKFRONT_OK);
    CU_ASSERT_TRUE(rig_take(&rig, &request));
    rig_execute(&rig, &request);
    rig_respond(&rig, request.id, request.operation, -1);
    rig_settle(&rig);
    CU_ASSERT_EQUAL(memcmp(before, data, 4096), 0);
    finish();
}

/* ---- pages and grants that run out ---- */

static void i4_grants_that_run_out_make_requests_wait(void)
{
    struct blkfront_buffer buffer = {.address = data, .size = 32 * 4096};

    start();
    rig.fake.refs_limit = rig.fake.refs_used + 2;
    check_round_trip(&buffer, 1, 0);
    finish();
}

/* As long as the queue wants to be polled later. */
static void settle_later(void)
{
    for (rig_settle(&rig); blkfront_queue_poll_at(rig.queue) != UINT64_MAX; rig_settle(&rig))
        rig.fake.now = blkfront_queue_poll_at(rig.queue);
}

/* Others may give some back, so for a while it waits. */
static void without_any_grant_a_request_fails(void)
{
    struct blkfront_buffer buffer = {.address = data, .size = 4096};
    struct rig_call call = rig_call(BLKFRONT_WRITE, 0, &buffer, 1);

    start();
    rig.fake.refs_limit = rig.fake.refs_used;
    CU_ASSERT_EQUAL(rig_submit(&rig, &call), BLKFRONT_OK);
    rig_settle(&rig);
    CU_ASSERT_EQUAL(call.completions, 0);
    settle_later();
    CU_ASSERT_TRUE(rig.fake.now >= UINT64_C(10000000000));
    CU_ASSERT_EQUAL(call.completions, 1);
    CU_ASSERT_EQUAL(call.result, BLKFRONT_NO_MEMORY);
    finish();
}

/* Each of them waits as long, whatever one before it has waited. */
static void without_any_grant_the_next_one_waits_too(void)
{
    struct blkfront_buffer buffer = {.address = data, .size = 4096};
    struct rig_call first = rig_call(BLKFRONT_WRITE, 0, &buffer, 1);
    struct rig_call second = rig_call(BLKFRONT_WRITE, 0, &buffer, 1);

    rig.device.options.request_deadline_ns = 10;
    start();
    rig.fake.refs_limit = rig.fake.refs_used;
    CU_ASSERT_EQUAL(rig_submit(&rig, &first), BLKFRONT_OK);
    settle_later();
    CU_ASSERT_EQUAL(first.result, BLKFRONT_DEADLINE);
    rig.device.options.request_deadline_ns = 0;
    rig.fake.now += UINT64_C(20000000000);
    CU_ASSERT_EQUAL(rig_submit(&rig, &second), BLKFRONT_OK);
    rig_settle(&rig);
    CU_ASSERT_EQUAL(second.completions, 0);
    settle_later();
    CU_ASSERT_EQUAL(second.result, BLKFRONT_NO_MEMORY);
    finish();
}

static void i5_pages_that_stay_busy_fail_requests_instead_of_hanging_them(void)
{
    struct blkfront_buffer buffer = {.address = data, .size = 2 * 4096};
    struct rig_call first = rig_call(BLKFRONT_READ, 0, &buffer, 1);
    struct rig_call second = rig_call(BLKFRONT_READ, 0, &buffer, 1);
    struct rig_call third = rig_call(BLKFRONT_READ, 0, &buffer, 1);

    rig.device.options.pool_pages = 2;
    start();
    CU_ASSERT_EQUAL(rig_submit(&rig, &first), BLKFRONT_OK);
    rig.fake.all_busy = true;
    rig_settle(&rig);
    CU_ASSERT_EQUAL(first.result, BLKFRONT_OK); /* the data has come nevertheless */
    CU_ASSERT_EQUAL(memcmp(data, rig.disk, 2 * 4096), 0);
    CU_ASSERT_EQUAL(rig.queue->pools[0].busy_count, 2);
    CU_ASSERT_EQUAL(rig_submit(&rig, &second), BLKFRONT_OK);
    rig_settle(&rig);
    CU_ASSERT_EQUAL(second.result, BLKFRONT_NO_MEMORY);
    rig.fake.all_busy = false;
    CU_ASSERT_EQUAL(rig_submit(&rig, &third), BLKFRONT_OK);
    rig_settle(&rig);
    CU_ASSERT_EQUAL(third.result, BLKFRONT_OK);
    finish();
}

/* Any grant call may fail: whatever happens, the request completes once and nothing is left. */
static void each_failing_grant_call_leaks_nothing(void)
{
    for (int forever = 0; forever < 2; forever++) {
        for (unsigned nth = 1;; nth++) {
            struct blkfront_buffer buffer = {.address = data + 3, .size = 13 * 4096};
            struct rig_call call = rig_call(BLKFRONT_WRITE, 0, &buffer, 1);
            unsigned failed;

            rig_init(&rig, true);
            start();
            fake_fail(&rig.fake, nth, forever != 0);
            CU_ASSERT_EQUAL(rig_submit(&rig, &call), BLKFRONT_OK);
            settle_later();
            failed = rig.fake.failed;
            fake_fail(&rig.fake, 0, false);
            if (call.completions == 0) {
                CU_ASSERT_PTR_NOT_NULL(queue_violation(rig.queue)); /* the event channel */
                CU_ASSERT_TRUE(failed > 1);
            } else {
                CU_ASSERT_EQUAL(call.completions, 1);
                CU_ASSERT_TRUE(call.result == BLKFRONT_OK || call.result == BLKFRONT_NO_MEMORY);
            }
            finish();
            CU_ASSERT_EQUAL(call.completions, 1);
            if (failed == 0)
                break;
        }
    }
}

static const struct unit_test tests[] = {
    UNIT_TEST(i7_buffers_of_any_alignment),
    UNIT_TEST(i7_all_sizes_around_a_request),
    UNIT_TEST(i7_a_request_larger_than_the_ring),
    UNIT_TEST(i4_a_pool_of_one_page_is_enough),
    UNIT_TEST(i18_ring_indices_just_below_the_wrap),
    UNIT_TEST(i9_sectors_of_4096_bytes),
    UNIT_TEST(small_buffers_share_a_bounce_page),
    UNIT_TEST(i6_unused_segments_and_padding_are_zero),
    UNIT_TEST(i5_bounced_writes_are_granted_read_only),
    UNIT_TEST(i6_without_trust_a_page_is_zeroed_before_each_request),
    UNIT_TEST(i8_the_worst_status_of_a_split_request_wins),
    UNIT_TEST(i8_what_has_failed_is_not_continued),
    UNIT_TEST(i8_what_fails_behind_a_flush_does_not_wait_for_it),
    UNIT_TEST(i8_a_drain_goes_on_when_what_waits_behind_it_fails),
    UNIT_TEST(i7_a_failed_read_leaves_the_buffer_alone),
    UNIT_TEST(i4_grants_that_run_out_make_requests_wait),
    UNIT_TEST(without_any_grant_a_request_fails),
    UNIT_TEST(without_any_grant_the_next_one_waits_too),
    UNIT_TEST(i5_pages_that_stay_busy_fail_requests_instead_of_hanging_them),
    UNIT_TEST(each_failing_grant_call_leaks_nothing),
};

UNIT_MAIN_WITH("transfer", set_up, NULL, tests)
