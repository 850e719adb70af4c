/* SPDX-License-Identifier: ISC */
/*
 * The rules on requests of other layouts: INDIRECT with its pages of segments, DISCARD, and all of
 * them as i386 lays them out. Each is right once, and then wrong in one place (I9, I5, I2).
 */
#include "cunit_main.h"
#include "puppet.h"

static struct puppet puppet;
static uint8_t bytes[512 * 600];

static void begin(bool abi_32)
{
    memset(&puppet, 0, sizeof(puppet));
    puppet.abi_32 = abi_32;
    puppet.segments = 600;
    puppet.discard = true;
    puppet_begin(&puppet);
    puppet_connect(&puppet);
    (void)puppet_read_back(&puppet, "feature-max-indirect-segments");
}

static void set_up(void)
{
    begin(false);
}

static void tear_down(void)
{
    puppet_end(&puppet);
}

/* The same under both ABIs. */
static void with_both(void (*story)(void))
{
    story();
    tear_down();
    begin(true);
    story();
}

static void put_and_push(const void *slot_64, size_t size_64, const void *slot_32, size_t size_32)
{
    if (puppet.abi_32)
        puppet_put_slot(&puppet, slot_32, size_32);
    else
        puppet_put_slot(&puppet, slot_64, size_64);
    puppet_push(&puppet);
    puppet_step(&puppet);
}

static void run_take_complete(uint64_t number, int result)
{
    puppet_run(&puppet);
    (void)puppet_take(&puppet);
    puppet_complete(&puppet, number, result);
    puppet_step(&puppet);
}

/* ---- INDIRECT ---- */

struct indirect {
    uint8_t inner;
    uint16_t segments;
    uint64_t sector_512;
    uint32_t refs[BLKIF_WIRE_INDIRECT_PAGES];
};

/* Id 11. */
static void put_indirect(const struct indirect *indirect)
{
    struct blkif_wire_indirect_64 slot_64 = {
        .operation = BLKIF_WIRE_INDIRECT,
        .indirect_operation = indirect->inner,
        .segment_count = indirect->segments,
        .id = 11,
        .sector_512 = indirect->sector_512,
    };
    struct blkif_wire_indirect_32 slot_32 = {
        .operation = BLKIF_WIRE_INDIRECT,
        .indirect_operation = indirect->inner,
        .segment_count = indirect->segments,
        .id = 11,
        .sector_512 = indirect->sector_512,
    };

    memcpy(slot_64.page_grant_refs, indirect->refs, sizeof(indirect->refs));
    memcpy(slot_32.page_grant_refs, indirect->refs, sizeof(indirect->refs));
    put_and_push(&slot_64, sizeof(slot_64), &slot_32, sizeof(slot_32));
}

/* Segments of one unit each, all of the data page `page`, in an indirect page. */
static void fill_page(uint8_t *indirect_page, uint32_t count, uint32_t page)
{
    for (uint32_t i = 0; i < count; i++) {
        const struct blkif_wire_segment segment = {.grant_ref = puppet.refs[page]};

        memcpy(indirect_page + i * sizeof(segment), &segment, sizeof(segment));
    }
}

/* A read of `units` in as many segments, which lie in data page 1. */
static void indirect_read(uint16_t units)
{
    fill_page(puppet.data[1], units, 0);
    puppet_submit(&puppet, 1, BLKFRONT_READ, 8, units, bytes);
    put_indirect(&(struct indirect){BLKIF_WIRE_READ, units, 8, {puppet.refs[1]}});
}

static void a_good_indirect_read(void)
{
    indirect_read(12);
    run_take_complete(1, 0);
    puppet_expect_none(&puppet);
}

static void an_indirect_read(void)
{
    with_both(a_good_indirect_read);
}

static void an_indirect_read_of_two_pages(void)
{
    void *page;
    uint32_t ref;

    CU_ASSERT_EQUAL(puppet.platform->share(puppet.context, 0, 1, true, &page, &ref), 0);
    fill_page(puppet.data[1], 512, 0);
    fill_page(page, 88, 0);
    puppet_submit(&puppet, 1, BLKFRONT_READ, 0, 600, bytes);
    put_indirect(&(struct indirect){BLKIF_WIRE_READ, 600, 0, {puppet.refs[1], ref}});
    run_take_complete(1, 0);
    puppet_expect_none(&puppet);
}

static void indirect_write(void)
{
    fill_page(puppet.data[1], 12, 2);
    puppet_submit(&puppet, 1, BLKFRONT_WRITE, 8, 12, bytes);
    put_indirect(&(struct indirect){BLKIF_WIRE_WRITE, 12, 8, {puppet.refs[1]}});
}

static void an_indirect_write(void)
{
    indirect_write();
    run_take_complete(1, 0);
    puppet_expect_none(&puppet);
}

static void i9_indirect_was_not_offered(void)
{
    tear_down();
    memset(&puppet, 0, sizeof(puppet));
    puppet_begin(&puppet);
    puppet_connect(&puppet); /* and its frontend has not read the node */
    indirect_read(12);
    puppet_expect(&puppet, 9, false,
                  "ring request 0 is INDIRECT, but the backend has not offered that");
}

static void i9_as_many_segments_as_were_offered(void)
{
    tear_down();
    memset(&puppet, 0, sizeof(puppet));
    puppet.segments = 12;
    puppet_begin(&puppet);
    puppet_connect(&puppet);
    (void)puppet_read_back(&puppet, "feature-max-indirect-segments");
    indirect_read(12);
    run_take_complete(1, 0);
    puppet_expect_none(&puppet);
    indirect_read(13);
    puppet_expect(&puppet, 9, false, "ring request 1 has 13 segments, 12 are allowed");
}

static void i9_more_segments_than_pages_for_them(void)
{
    fill_page(puppet.data[1], 512, 0);
    puppet_submit(&puppet, 1, BLKFRONT_READ, 0, 600, bytes);
    put_indirect(&(struct indirect){BLKIF_WIRE_READ, 600, 0, {puppet.refs[1], 4000}});
    puppet_expect(&puppet, 9, false,
                  "the segments of ring request 0 cannot be read: a page of them is not granted");
}

static void i9_more_segments_than_there_can_be(void)
{
    put_indirect(&(struct indirect){BLKIF_WIRE_READ, 4097, 0, {puppet.refs[1]}});
    puppet_expect(&puppet, 9, false, "ring request 0 has 4097 segments, 600 are allowed");
}

static void i9_a_page_of_segments_for_another_domain(void)
{
    void *page;
    uint32_t ref;

    CU_ASSERT_EQUAL(puppet.platform->share(puppet.context, 7, 1, true, &page, &ref), 0);
    fill_page(page, 12, 0);
    puppet_submit(&puppet, 1, BLKFRONT_READ, 8, 12, bytes);
    put_indirect(&(struct indirect){BLKIF_WIRE_READ, 12, 8, {ref}});
    puppet_expect(&puppet, 9, false, "a page of them is not granted");
}

static void i9_an_operation_that_cannot_be_indirect(void)
{
    static const struct {
        uint8_t inner;
        const char *text;
    } inners[] = {
        {BLKIF_WIRE_FLUSH_DISKCACHE, "operation 3 (FLUSH_DISKCACHE) as INDIRECT"},
        {BLKIF_WIRE_RESERVED_1, "operation 4 (RESERVED) as INDIRECT"},
        {BLKIF_WIRE_DISCARD, "operation 5 (DISCARD) as INDIRECT"},
        {BLKIF_WIRE_INDIRECT, "operation 6 (INDIRECT) as INDIRECT"},
        {99, "operation 99 (an unknown operation) as INDIRECT"},
    };

    for (size_t i = 0; i < sizeof(inners) / sizeof(inners[0]); i++) {
        tear_down();
        begin(false);
        put_indirect(&(struct indirect){inners[i].inner, 0, 8, {0}});
        puppet_expect(&puppet, 9, false, inners[i].text);
    }
}

static void i5_a_segment_of_an_indirect_request(void)
{
    const struct blkif_wire_segment segment = {.grant_ref = 4000};

    fill_page(puppet.data[1], 12, 0);
    memcpy(puppet.data[1] + 11 * sizeof(segment), &segment, sizeof(segment));
    puppet_submit(&puppet, 1, BLKFRONT_READ, 8, 12, bytes);
    put_indirect(&(struct indirect){BLKIF_WIRE_READ, 12, 8, {puppet.refs[1]}});
    puppet_expect(&puppet, 5, false, "segment 11 of ring request 0 names grant 4000");
}

static void i17_an_indirect_write_to_a_read_only_disk(void)
{
    tear_down();
    memset(&puppet, 0, sizeof(puppet));
    puppet.mode_read_only = true;
    puppet_begin(&puppet);
    puppet_connect(&puppet);
    (void)puppet_read_back(&puppet, "feature-max-indirect-segments");
    indirect_write();
    puppet_expect(&puppet, 17, false, "request 1: ring request 0 is a WRITE of units 8+12");
}

static void i8_an_indirect_request_becomes_direct_ones(void)
{
    const struct simback_fault refuse = {
        .ops = SIMBACK_FAULT_READ,
        .last_512 = UINT64_MAX,
        .percent = 100,
        .times = 1,
        .action = SIMBACK_ANSWER_STATUS,
        .status = BLKIF_WIRE_EOPNOTSUPP,
    };

    CU_ASSERT_EQUAL(simback_backend_add_fault(puppet.backend, &refuse), 0);
    indirect_read(12);
    puppet_run(&puppet);
    (void)puppet_take(&puppet);
    puppet_send(&puppet, BLKIF_WIRE_READ, 12, 8, 8, 0);
    puppet_send(&puppet, BLKIF_WIRE_READ, 13, 16, 4, 0);
    run_take_complete(1, 0);
    puppet_expect_none(&puppet);
    puppet_submit(&puppet, 2, BLKFRONT_READ, 8, 12, bytes);
    put_indirect(&(struct indirect){BLKIF_WIRE_READ, 12, 8, {puppet.refs[1]}});
    puppet_expect(&puppet, 8, false, "request 2: ring request 3 is INDIRECT again");
}

static void i8_the_first_half_was_indirect(void)
{
    const struct simback_fault refuse = {
        .ops = SIMBACK_FAULT_READ,
        .last_512 = UINT64_MAX,
        .percent = 100,
        .times = 1,
        .action = SIMBACK_ANSWER_STATUS,
        .status = BLKIF_WIRE_EOPNOTSUPP,
    };

    CU_ASSERT_EQUAL(simback_backend_add_fault(puppet.backend, &refuse), 0);
    fill_page(puppet.data[1], 8, 0);
    puppet_submit(&puppet, 1, BLKFRONT_READ, 8, 16, bytes);
    put_indirect(&(struct indirect){BLKIF_WIRE_READ, 8, 8, {puppet.refs[1]}});
    puppet_run(&puppet);
    (void)puppet_take(&puppet);
    puppet_send(&puppet, BLKIF_WIRE_READ, 12, 8, 8, 0);
    puppet_send(&puppet, BLKIF_WIRE_READ, 13, 16, 8, 0);
    run_take_complete(1, 0);
    puppet_expect_none(&puppet);
}

/* ---- direct requests ---- */

static void i9_more_segments_than_a_slot_has(void)
{
    puppet_put(&puppet, &(struct puppet_request){.op = BLKIF_WIRE_READ, .id = 1, .segments = 12});
    puppet_push(&puppet);
    puppet_step(&puppet);
    puppet_expect(&puppet, 9, false, "ring request 0 has 12 segments, 11 are allowed");
}

static void eleven_segments(void)
{
    puppet_submit(&puppet, 1, BLKFRONT_READ, 0, 88, bytes);
    puppet_put(&puppet,
               &(struct puppet_request){.op = BLKIF_WIRE_READ, .id = 1, .last = 7, .segments = 11});
    puppet_push(&puppet);
    puppet_step(&puppet);
    run_take_complete(1, 0);
    puppet_expect_none(&puppet);
}

static void i9_eleven_segments(void)
{
    with_both(eleven_segments);
}

static void i9_a_flush_has_no_segments(void)
{
    puppet_submit(&puppet, 1, BLKFRONT_FLUSH, 0, 0, NULL);
    puppet_put(&puppet, &(struct puppet_request){.op = BLKIF_WIRE_FLUSH_DISKCACHE, .id = 1});
    puppet_push(&puppet);
    puppet_step(&puppet);
    puppet_expect(&puppet, 9, false, "ring request 0 is a flush with 1 segments");
}

/* ---- DISCARD ---- */

static void put_flagged_discard(uint8_t flag, uint64_t sector_512, uint64_t count_512)
{
    const struct blkif_wire_discard_64 slot_64 = {
        .operation = BLKIF_WIRE_DISCARD,
        .flag = flag,
        .id = 11,
        .sector_512 = sector_512,
        .count_512 = count_512,
    };
    const struct blkif_wire_discard_32 slot_32 = {
        .operation = BLKIF_WIRE_DISCARD,
        .flag = flag,
        .id = 11,
        .sector_512 = sector_512,
        .count_512 = count_512,
    };

    put_and_push(&slot_64, sizeof(slot_64), &slot_32, sizeof(slot_32));
}

static void put_discard(uint64_t sector_512, uint64_t count_512)
{
    put_flagged_discard(0, sector_512, count_512);
}

static void submit_discard(uint64_t sector, uint64_t sectors)
{
    puppet_submit(&puppet, 1, BLKFRONT_DISCARD, sector, sectors, NULL);
}

static void a_good_discard(void)
{
    submit_discard(8, 2000);
    put_discard(8, 2000);
    run_take_complete(1, 0);
    puppet_expect_none(&puppet);
}

static void a_discard(void)
{
    with_both(a_good_discard);
}

static void i9_a_discard_of_nothing(void)
{
    put_discard(8, 0);
    puppet_expect(&puppet, 9, false, "ring request 0 discards 0 units");
}

static void i9_a_discard_beyond_the_disk(void)
{
    submit_discard(2040, 9);
    put_discard(2040, 9);
    puppet_expect(&puppet, 9, false, "ring request 0 covers units 2040+9, but the disk has 2048");
}

static void i9_a_discard_whose_end_overflows(void)
{
    put_discard(8, UINT64_MAX);
    puppet_expect(&puppet, 9, false, "covers units 8+18446744073709551615, but the disk has 2048");
}

static void i2_a_discard_that_nobody_asked_for(void)
{
    puppet_submit(&puppet, 1, BLKFRONT_READ, 8, 8, bytes);
    put_discard(8, 8);
    puppet_expect(&puppet, 2, false, "ring request 0, DISCARD of units 8+8, is no part of");
}

static void submit_secure(void)
{
    simback_app_submit(puppet.world, 0, 0, 1, BLKFRONT_DISCARD, BLKFRONT_SECURE, 512, 8, 8, NULL,
                       0);
}

static void i2_a_secure_discard(void)
{
    submit_secure();
    put_flagged_discard(BLKIF_WIRE_DISCARD_SECURE, 8, 8);
    puppet_expect_none(&puppet);
}

static void i2_a_secure_discard_that_is_a_plain_one(void)
{
    submit_secure();
    put_discard(8, 8);
    puppet_expect(&puppet, 2, false, "ring request 0, DISCARD of units 8+8, is no part of");
}

static void i2_a_discard_with_a_flag_that_nobody_knows(void)
{
    submit_discard(8, 8);
    put_flagged_discard(2, 8, 8);
    puppet_expect(&puppet, 2, false, "ring request 0, DISCARD of units 8+8, is no part of");
}

static void i8_a_discard_that_is_not_supported(void)
{
    const struct simback_fault refuse = {
        .ops = SIMBACK_FAULT_DISCARD,
        .last_512 = UINT64_MAX,
        .percent = 100,
        .action = SIMBACK_ANSWER_STATUS,
        .status = BLKIF_WIRE_EOPNOTSUPP,
    };

    CU_ASSERT_EQUAL(simback_backend_add_fault(puppet.backend, &refuse), 0);
    submit_discard(8, 8);
    put_discard(8, 8);
    run_take_complete(1, BLKFRONT_UNIMPLEMENTED);
    puppet_expect_none(&puppet);
    puppet_submit(&puppet, 2, BLKFRONT_DISCARD, 8, 8, NULL);
    put_discard(8, 8);
    puppet_expect(&puppet, 8, false, "ring request 1 is DISCARD again");
}

static const struct unit_test tests[] = {
    UNIT_TEST(an_indirect_read),
    UNIT_TEST(an_indirect_read_of_two_pages),
    UNIT_TEST(an_indirect_write),
    UNIT_TEST(i9_indirect_was_not_offered),
    UNIT_TEST(i9_as_many_segments_as_were_offered),
    UNIT_TEST(i9_more_segments_than_pages_for_them),
    UNIT_TEST(i9_more_segments_than_there_can_be),
    UNIT_TEST(i9_a_page_of_segments_for_another_domain),
    UNIT_TEST(i9_an_operation_that_cannot_be_indirect),
    UNIT_TEST(i5_a_segment_of_an_indirect_request),
    UNIT_TEST(i17_an_indirect_write_to_a_read_only_disk),
    UNIT_TEST(i8_an_indirect_request_becomes_direct_ones),
    UNIT_TEST(i8_the_first_half_was_indirect),
    UNIT_TEST(i9_more_segments_than_a_slot_has),
    UNIT_TEST(i9_eleven_segments),
    UNIT_TEST(i9_a_flush_has_no_segments),
    UNIT_TEST(a_discard),
    UNIT_TEST(i9_a_discard_of_nothing),
    UNIT_TEST(i9_a_discard_beyond_the_disk),
    UNIT_TEST(i9_a_discard_whose_end_overflows),
    UNIT_TEST(i2_a_discard_that_nobody_asked_for),
    UNIT_TEST(i2_a_secure_discard),
    UNIT_TEST(i2_a_secure_discard_that_is_a_plain_one),
    UNIT_TEST(i2_a_discard_with_a_flag_that_nobody_knows),
    UNIT_TEST(i8_a_discard_that_is_not_supported),
};
UNIT_MAIN_WITH("oracle: wire", set_up, tear_down, tests)
