/* SPDX-License-Identifier: ISC */
/*
 * Discards: what they are rounded to, for the caller and on the wire (I9); when they are refused
 * (I17, I8), and which need no ring at all.
 */
#include "rig.h"

#include "cunit_main.h"

static struct rig rig;
static unsigned char data[4096];

static void set_up(void)
{
    rig_init(&rig, true);
    rig.device.agreed.discard = true;
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

static struct rig_call discard_call(uint64_t sector, uint64_t sectors)
{
    struct rig_call call = rig_call(BLKFRONT_DISCARD, sector, NULL, 0);

    call.request.sectors = sectors;
    return call;
}

static void check_refused(struct rig_call call, int result)
{
    CU_ASSERT_EQUAL(rig_submit(&rig, &call), result);
    rig_settle(&rig);
    CU_ASSERT_EQUAL(call.completions, 0);
    CU_ASSERT_EQUAL(rig_statistics(&rig).ring_requests, 0);
}

/* ---- extents ---- */

struct extent_row {
    uint32_t sector_size, granularity, alignment;
    uint64_t sector, sectors;
    uint64_t first, count; /* sectors; a count of 0: nothing */
};

static const struct extent_row extent_rows[] = {
    /* Each sector is an extent. */
    {512, 512, 0, 3, 5, 3, 5},
    {4096, 4096, 0, 3, 5, 3, 5},
    {512, 512, 0, 0, 0, 0, 0},
    /* Eight sectors are one: from before, at and behind its edges. */
    {512, 4096, 0, 0, 8, 0, 8},
    {512, 4096, 0, 0, 15, 0, 8},
    {512, 4096, 0, 1, 15, 8, 8},
    {512, 4096, 0, 1, 14, 8, 0},
    {512, 4096, 0, 7, 10, 8, 8},
    {512, 4096, 0, 8, 16, 8, 16},
    {512, 4096, 0, 8, 7, 8, 0},
    {512, 4096, 0, 9, 7, 16, 0},
    /* They begin at the third sector: what lies before it is in none. */
    {512, 4096, 1536, 0, 3, 3, 0},
    {512, 4096, 1536, 0, 11, 3, 8},
    {512, 4096, 1536, 3, 8, 3, 8},
    {512, 4096, 1536, 4, 15, 11, 8},
    {512, 4096, 1536, 0, 2, 3, 0},
    /* No power of two. */
    {512, 1536, 512, 0, 10, 1, 9},
    {512, 1536, 512, 2, 5, 4, 3},
    {1024, 3072, 1024, 0, 10, 1, 9},
    /* The end of the disk cuts an extent. */
    {512, 4096, 1536, RIG_UNITS - 8, 8, RIG_UNITS - 5, 0},
    {512, 4096, 1536, 0, RIG_UNITS, 3, RIG_UNITS - 8},
    /* Extents larger than the disk. */
    {512, 1u << 31, 0, 0, RIG_UNITS, 0, 0},
    /* Extents that are no whole sectors: as if nothing had been said. */
    {4096, 512, 0, 3, 5, 3, 5},
    {4096, 8192, 512, 3, 5, 3, 5},
    {1024, 1536, 0, 1, 5, 1, 5},
};

static void use_row(const struct extent_row *row)
{
    rig.device.agreed.sector_size = row->sector_size;
    rig.device.agreed.discard_granularity = row->granularity;
    rig.device.agreed.discard_alignment = row->alignment;
}

static void i9_an_extent_is_rounded_inwards_for_the_caller(void)
{
    start();
    for (size_t i = 0; i < sizeof(extent_rows) / sizeof(extent_rows[0]); i++) {
        const struct extent_row *row = &extent_rows[i];
        uint64_t sector = row->sector, sectors = row->sectors;

        use_row(row);
        CU_ASSERT_EQUAL(blkfront_discard_extent(&rig.device, &sector, &sectors), BLKFRONT_OK);
        CU_ASSERT_EQUAL(sectors, row->count);
        if (row->count > 0)
            CU_ASSERT_EQUAL(sector, row->first);
    }
    rig.device.agreed.sector_size = 512;
    finish();
}

static void i9_and_the_same_goes_over_the_wire(void)
{
    for (size_t i = 0; i < sizeof(extent_rows) / sizeof(extent_rows[0]); i++) {
        const struct extent_row *row = &extent_rows[i];
        uint32_t scale = row->sector_size / 512;
        struct rig_call call = discard_call(row->sector, row->sectors);
        struct rig_request request;

        set_up();
        use_row(row);
        start();
        CU_ASSERT_EQUAL(rig_submit(&rig, &call), BLKFRONT_OK);
        if (row->count > 0) {
            request = rig_next(&rig);
            CU_ASSERT_EQUAL(request.operation, BLKIF_WIRE_DISCARD);
            CU_ASSERT_EQUAL(request.sector_512, row->first * scale);
            CU_ASSERT_EQUAL(request.count_512, row->count * scale);
            CU_ASSERT_EQUAL(request.flag, 0);
            rig_answer(&rig, &request);
        }
        rig_settle(&rig);
        CU_ASSERT_EQUAL(call.completions, 1);
        CU_ASSERT_EQUAL(call.result, BLKFRONT_OK);
        CU_ASSERT_EQUAL(rig_statistics(&rig).ring_requests, row->count > 0);
        finish();
    }
}

static void an_extent_is_told_of_a_connected_device_with_discards_alone(void)
{
    uint64_t sector = 1, sectors = 2;

    CU_ASSERT_EQUAL(blkfront_discard_extent(&rig.device, &sector, &sectors), BLKFRONT_DISCONNECTED);
    start();
    CU_ASSERT_EQUAL(blkfront_discard_extent(NULL, &sector, &sectors), BLKFRONT_INVALID);
    CU_ASSERT_EQUAL(blkfront_discard_extent(&rig.device, NULL, &sectors), BLKFRONT_INVALID);
    CU_ASSERT_EQUAL(blkfront_discard_extent(&rig.device, &sector, NULL), BLKFRONT_INVALID);
    sectors = RIG_UNITS;
    CU_ASSERT_EQUAL(blkfront_discard_extent(&rig.device, &sector, &sectors), BLKFRONT_OUT_OF_RANGE);
    sectors = UINT64_MAX;
    CU_ASSERT_EQUAL(blkfront_discard_extent(&rig.device, &sector, &sectors), BLKFRONT_OUT_OF_RANGE);
    CU_ASSERT_EQUAL(sector, 1);
    CU_ASSERT_EQUAL(sectors, UINT64_MAX); /* nothing is written on failure */
    rig.device.agreed.discard = false;
    CU_ASSERT_EQUAL(blkfront_discard_extent(&rig.device, &sector, &sectors),
                    BLKFRONT_UNIMPLEMENTED);
    finish();
}

/* ---- what is refused ---- */

static void i17_on_a_read_only_disk_before_anything_else(void)
{
    rig.device.agreed.read_only = true;
    start();
    check_refused(discard_call(0, 8), BLKFRONT_READ_ONLY);
    check_refused(discard_call(UINT64_MAX, UINT64_MAX), BLKFRONT_READ_ONLY);
    check_refused(discard_call(0, 0), BLKFRONT_READ_ONLY);
    rig.device.agreed.discard = false;
    check_refused(discard_call(0, 8), BLKFRONT_READ_ONLY);
    finish();
}

static void i9_beyond_the_disk(void)
{
    start();
    check_refused(discard_call(0, UINT64_MAX), BLKFRONT_OUT_OF_RANGE);
    check_refused(discard_call(UINT64_MAX, 1), BLKFRONT_OUT_OF_RANGE);
    check_refused(discard_call(RIG_UNITS, 1), BLKFRONT_OUT_OF_RANGE);
    check_refused(discard_call(1, RIG_UNITS), BLKFRONT_OUT_OF_RANGE);
    /* Also where rounding would bring it back. */
    rig.device.agreed.discard_granularity = 4096;
    check_refused(discard_call(RIG_UNITS - 8, 9), BLKFRONT_OUT_OF_RANGE);
    finish();
}

static void secure_only_where_it_is_offered(void)
{
    struct rig_call call = discard_call(8, 16);
    struct rig_request request;

    call.request.flags = BLKFRONT_SECURE;
    start();
    check_refused(call, BLKFRONT_UNIMPLEMENTED);
    rig.device.agreed.discard_secure = true;
    CU_ASSERT_EQUAL(rig_submit(&rig, &call), BLKFRONT_OK);
    request = rig_next(&rig);
    CU_ASSERT_EQUAL(request.flag, BLKIF_WIRE_DISCARD_SECURE);
    rig_answer(&rig, &request);
    CU_ASSERT_EQUAL(call.result, BLKFRONT_OK);
    finish();
}

static void i8_eopnotsupp_switches_discards_off_for_those_that_wait(void)
{
    struct rig_call first = discard_call(8, 16), calls[33];
    struct rig_request request;

    rig.device.agreed.discard_secure = true;
    start();
    CU_ASSERT_EQUAL(rig_submit(&rig, &first), BLKFRONT_OK);
    for (int i = 0; i < 33; i++) { /* the last two wait for room on the ring */
        calls[i] = discard_call(8, 16);
        CU_ASSERT_EQUAL(rig_submit(&rig, &calls[i]), BLKFRONT_OK);
    }
    request = rig_next(&rig);
    rig_respond(&rig, request.id, request.operation, BLKIF_WIRE_EOPNOTSUPP);
    rig_poll(&rig);
    CU_ASSERT_EQUAL(first.result, BLKFRONT_UNIMPLEMENTED);
    CU_ASSERT_EQUAL(calls[31].result, BLKFRONT_UNIMPLEMENTED);
    CU_ASSERT_EQUAL(calls[32].result, BLKFRONT_UNIMPLEMENTED);
    CU_ASSERT_EQUAL(rig_statistics(&rig).ring_requests, 32);
    CU_ASSERT_FALSE(rig.device.agreed.discard);
    CU_ASSERT_FALSE(rig.device.agreed.discard_secure);
    CU_ASSERT_EQUAL(rig_submit(&rig, &first), BLKFRONT_UNIMPLEMENTED);
    rig_settle(&rig);
    finish();
}

static void i8_an_error_is_the_callers_and_switches_nothing_off(void)
{
    struct rig_call call = discard_call(8, 16);
    struct rig_request request;

    start();
    CU_ASSERT_EQUAL(rig_submit(&rig, &call), BLKFRONT_OK);
    request = rig_next(&rig);
    rig_respond(&rig, request.id, request.operation, BLKIF_WIRE_ERROR);
    rig_poll(&rig);
    CU_ASSERT_EQUAL(call.result, BLKFRONT_IO_ERROR);
    CU_ASSERT_TRUE(rig.device.agreed.discard);
    finish();
}

/* ---- what changes while it waits ---- */

/* One page, two reads: what is submitted after them waits for the second to have its turn. */
static void block(struct rig_call reads[2])
{
    static const struct blkfront_buffer buffer = {.address = data, .size = sizeof(data)};

    for (int i = 0; i < 2; i++) {
        reads[i] = rig_call(BLKFRONT_READ, 0, &buffer, 1);
        CU_ASSERT_EQUAL(rig_submit(&rig, &reads[i]), BLKFRONT_OK);
    }
}

static void i17_a_disk_that_turns_read_only_gets_no_discard_that_waits(void)
{
    struct rig_call reads[2], call = discard_call(8, 16);

    rig.device.options.pool_pages = 1;
    start();
    block(reads);
    CU_ASSERT_EQUAL(rig_submit(&rig, &call), BLKFRONT_OK);
    rig.device.agreed.read_only = true;
    rig_settle(&rig);
    CU_ASSERT_EQUAL(call.result, BLKFRONT_READ_ONLY);
    CU_ASSERT_EQUAL(rig.served, 2);
    finish();
}

static void i9_a_disk_that_shrinks_gets_no_discard_beyond_it(void)
{
    struct rig_call reads[2], call = discard_call(64, 16);

    rig.device.options.pool_pages = 1;
    start();
    block(reads);
    CU_ASSERT_EQUAL(rig_submit(&rig, &call), BLKFRONT_OK);
    rig.device.agreed.size_512 = 64;
    rig_settle(&rig);
    CU_ASSERT_EQUAL(call.result, BLKFRONT_OUT_OF_RANGE);
    CU_ASSERT_EQUAL(rig.served, 2);
    finish();
}

/* Taken while nothing is connected: what it comes to is known later. */
static void i9_what_waits_for_a_connection_is_rounded_there(void)
{
    struct rig_call some = discard_call(4, 16), none = discard_call(1, 6);
    struct rig_call beyond = discard_call(RIG_UNITS, 1), empty = discard_call(1, 0);
    struct rig_request request;

    rig.device.agreed.discard_granularity = 4096;
    start();
    rig.queue->state = QUEUE_OPEN;
    CU_ASSERT_EQUAL(rig_submit(&rig, &empty), BLKFRONT_OK);
    CU_ASSERT_EQUAL(rig_submit(&rig, &none), BLKFRONT_OK);
    CU_ASSERT_EQUAL(rig_submit(&rig, &beyond), BLKFRONT_OK);
    CU_ASSERT_EQUAL(rig_submit(&rig, &some), BLKFRONT_OK);
    rig_poll(&rig);
    CU_ASSERT_EQUAL(empty.completions, 1);
    CU_ASSERT_EQUAL(none.completions, 0);
    queue_start(rig.queue);
    rig_poll(&rig);
    CU_ASSERT_EQUAL(none.completions, 1);
    CU_ASSERT_EQUAL(none.result, BLKFRONT_OK);
    CU_ASSERT_EQUAL(beyond.result, BLKFRONT_OUT_OF_RANGE);
    request = rig_next(&rig);
    CU_ASSERT_EQUAL(request.sector_512, 8);
    CU_ASSERT_EQUAL(request.count_512, 8);
    rig_answer(&rig, &request);
    CU_ASSERT_EQUAL(some.result, BLKFRONT_OK);
    CU_ASSERT_EQUAL(rig_statistics(&rig).ring_requests, 1);
    finish();
}

static const struct unit_test tests[] = {
    UNIT_TEST(i9_an_extent_is_rounded_inwards_for_the_caller),
    UNIT_TEST(i9_and_the_same_goes_over_the_wire),
    UNIT_TEST(an_extent_is_told_of_a_connected_device_with_discards_alone),
    UNIT_TEST(i17_on_a_read_only_disk_before_anything_else),
    UNIT_TEST(i9_beyond_the_disk),
    UNIT_TEST(secure_only_where_it_is_offered),
    UNIT_TEST(i8_eopnotsupp_switches_discards_off_for_those_that_wait),
    UNIT_TEST(i8_an_error_is_the_callers_and_switches_nothing_off),
    UNIT_TEST(i17_a_disk_that_turns_read_only_gets_no_discard_that_waits),
    UNIT_TEST(i9_a_disk_that_shrinks_gets_no_discard_beyond_it),
    UNIT_TEST(i9_what_waits_for_a_connection_is_rounded_there),
};

UNIT_MAIN_WITH("discard", set_up, NULL, tests)
