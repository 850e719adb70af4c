/* SPDX-License-Identifier: ISC */
/*
 * The rules on requests and their answers: I2, I5 of what a request names, I8, I9, I17. Each is
 * broken by one mistake, and beside it stands what comes close and is right.
 */
#include "cunit_main.h"
#include "puppet.h"

static struct puppet puppet;
static uint8_t bytes[32768];

static void set_up(void)
{
    memset(&puppet, 0, sizeof(puppet));
    memset(bytes, 0, sizeof(bytes));
    puppet_begin(&puppet);
    puppet_connect(&puppet);
}

static void tear_down(void)
{
    puppet_end(&puppet);
}

static void read_sectors(uint64_t number, uint64_t sector, uint64_t sectors)
{
    puppet_submit(&puppet, number, BLKFRONT_READ, sector, sectors, bytes);
}

static void write_sectors(uint64_t number, uint64_t sector, uint64_t sectors)
{
    puppet_submit(&puppet, number, BLKFRONT_WRITE, sector, sectors, bytes);
}

static void flush(uint64_t number)
{
    puppet_submit(&puppet, number, BLKFRONT_FLUSH, 0, 0, NULL);
}

static void answer_with(int16_t status)
{
    const struct simback_fault fault = {
        .ops = SIMBACK_FAULT_ANY,
        .last_512 = UINT64_MAX,
        .percent = 100,
        .times = 1,
        .action = SIMBACK_ANSWER_STATUS,
        .status = status,
    };

    CU_ASSERT_EQUAL(simback_backend_add_fault(puppet.backend, &fault), 0);
}

static void hold(void)
{
    const struct simback_fault fault = {
        .ops = SIMBACK_FAULT_ANY,
        .last_512 = UINT64_MAX,
        .percent = 100,
        .action = SIMBACK_HOLD,
        .name = 1,
    };

    CU_ASSERT_EQUAL(simback_backend_add_fault(puppet.backend, &fault), 0);
}

/* The world runs, responses are taken, and the step is over when the test says so. */
static void run_and_take(void)
{
    puppet_run(&puppet);
    (void)puppet_take(&puppet);
}

/* ---- all is well ---- */

static void a_run_as_it_should_be(void)
{
    read_sectors(1, 8, 8);
    puppet_send(&puppet, BLKIF_WIRE_READ, 11, 8, 8, 0);
    write_sectors(2, 16, 8);
    puppet_send(&puppet, BLKIF_WIRE_WRITE, 12, 16, 8, 2);
    run_and_take();
    puppet_complete(&puppet, 1, 0);
    puppet_complete(&puppet, 2, 0);
    puppet_step(&puppet);
    flush(3);
    puppet_send(&puppet, BLKIF_WIRE_FLUSH_DISKCACHE, 13, 0, 0, 0);
    run_and_take();
    puppet_complete(&puppet, 3, 0);
    puppet_step(&puppet);
    puppet_close(&puppet);
    puppet_expect_none(&puppet);
}

static void a_request_in_two_parts(void)
{
    read_sectors(1, 8, 12);
    puppet_send(&puppet, BLKIF_WIRE_READ, 11, 8, 8, 0);
    puppet_send(&puppet, BLKIF_WIRE_READ, 12, 16, 4, 0);
    run_and_take();
    puppet_complete(&puppet, 1, 0);
    puppet_step(&puppet);
    puppet_expect_none(&puppet);
}

static void nothing_asked_is_ok_at_once(void)
{
    read_sectors(1, 8, 0);
    puppet_complete(&puppet, 1, 0);
    puppet_expect_none(&puppet);
}

/* ---- I2 ---- */

static void i2_success_without_an_answer(void)
{
    hold();
    read_sectors(1, 8, 8);
    puppet_send(&puppet, BLKIF_WIRE_READ, 11, 8, 8, 0);
    run_and_take();
    puppet_complete(&puppet, 1, 0);
    puppet_expect(&puppet, 2, false, "request 1: succeeds with 0 of 8 units");
}

static void i2_success_with_a_part_missing(void)
{
    read_sectors(1, 8, 12);
    puppet_send(&puppet, BLKIF_WIRE_READ, 11, 8, 8, 0);
    run_and_take();
    puppet_complete(&puppet, 1, 0);
    puppet_expect(&puppet, 2, false, "8 of 12 units");
}

static void i2_success_on_another_operation(void)
{
    hold();
    read_sectors(1, 8, 8);
    puppet_send(&puppet, BLKIF_WIRE_READ, 11, 8, 8, 0);
    puppet_run(&puppet);
    CU_ASSERT_EQUAL(simback_backend_respond(puppet.backend,
                                            &(struct simback_bad_response){
                                                .set_op = true,
                                                .op = BLKIF_WIRE_WRITE,
                                            }),
                    0);
    (void)puppet_take(&puppet);
    puppet_complete(&puppet, 1, 0);
    puppet_expect(&puppet, 2, false, "0 of 8 units");
}

static void i2_the_answer_in_the_slot_when_it_is_read_counts(void)
{
    const int16_t error = BLKIF_WIRE_ERROR;

    read_sectors(1, 8, 8);
    puppet_send(&puppet, BLKIF_WIRE_READ, 11, 8, 8, 0);
    puppet_run(&puppet);
    CU_ASSERT_EQUAL(simback_backend_poke(puppet.backend, 0, 64 + 10, &error, sizeof(error)), 0);
    CU_ASSERT_FALSE(puppet_take(&puppet));
    puppet_complete(&puppet, 1, BLKFRONT_IO_ERROR);
    puppet_expect_none(&puppet);
}

static void i2_a_failure_that_nobody_said(void)
{
    hold();
    read_sectors(1, 8, 8);
    puppet_send(&puppet, BLKIF_WIRE_READ, 11, 8, 8, 0);
    run_and_take();
    puppet_complete(&puppet, 1, BLKFRONT_IO_ERROR);
    puppet_expect(&puppet, 2, false, "fails with -4 (i/o error), but no response said so");
}

static void i2_a_protocol_error_needs_no_answer(void)
{
    hold();
    read_sectors(1, 8, 8);
    read_sectors(2, 8, 8);
    read_sectors(3, 8, 8);
    puppet_send(&puppet, BLKIF_WIRE_READ, 11, 8, 8, 0);
    run_and_take();
    puppet_complete(&puppet, 1, BLKFRONT_PROTOCOL);
    puppet_complete(&puppet, 2, BLKFRONT_DISCONNECTED);
    puppet_complete(&puppet, 3, BLKFRONT_DEADLINE);
    puppet_expect_none(&puppet);
}

static void i2_completes_twice(void)
{
    read_sectors(1, 8, 8);
    puppet_complete(&puppet, 1, BLKFRONT_DISCONNECTED);
    puppet_complete(&puppet, 1, 0);
    puppet_expect(&puppet, 2, false, "completes with 0 (ok) although it was completed with -2");
}

static void i2_refused_and_completed(void)
{
    read_sectors(1, 8, 8);
    simback_app_refused(puppet.world, 1, BLKFRONT_OUT_OF_RANGE);
    puppet_expect_none(&puppet);
    puppet_complete(&puppet, 1, 0);
    puppet_expect(&puppet, 2, false, "although it was refused with -8");
}

static void i2_never_completes(void)
{
    read_sectors(1, 8, 8);
    simback_app_end(puppet.world);
    puppet_expect(&puppet, 2, false, "request 1: has never completed");
}

static void i2_two_of_one_id(void)
{
    read_sectors(1, 8, 8);
    read_sectors(2, 16, 8);
    puppet_send(&puppet, BLKIF_WIRE_READ, 11, 8, 8, 0);
    puppet_send(&puppet, BLKIF_WIRE_READ, 11, 16, 8, 0);
    puppet_expect(&puppet, 2, false, "has id 0xb, which another one in flight has too");
}

static void i2_an_id_may_be_used_again(void)
{
    for (uint64_t i = 1; i < 70; i++) {
        read_sectors(i, 8 * i, 8);
        puppet_send(&puppet, BLKIF_WIRE_READ, 11, 8 * i, 8, 0);
        run_and_take();
        puppet_complete(&puppet, i, 0);
        puppet_step(&puppet);
    }
    puppet_expect_none(&puppet);
}

static void i2_nobody_asked_for_it(void)
{
    read_sectors(1, 8, 8);
    puppet_send(&puppet, BLKIF_WIRE_READ, 11, 64, 8, 0);
    puppet_expect(&puppet, 2, false, "READ of units 64+8, is no part of anything");
}

/* ---- I5 ---- */

static void i5_a_page_that_is_not_granted(void)
{
    puppet.refs[0] = 4000;
    read_sectors(1, 8, 8);
    puppet_send(&puppet, BLKIF_WIRE_READ, 11, 8, 8, 0);
    puppet_expect(&puppet, 5, false, "names grant 4000, which is not granted");
}

static void i5_a_read_into_a_page_that_is_read_only(void)
{
    read_sectors(1, 8, 8);
    puppet_send(&puppet, BLKIF_WIRE_READ, 11, 8, 8, 2);
    puppet_expect(&puppet, 5, false, "which is read-only");
}

static void i5_a_write_that_the_backend_could_change(void)
{
    write_sectors(1, 8, 8);
    puppet_send(&puppet, BLKIF_WIRE_WRITE, 11, 8, 8, 0);
    puppet_expect(&puppet, 5, true, "lets the backend write");
}

static void i5_unless_grants_are_persistent(void)
{
    puppet_write(&puppet, "feature-persistent", "1");
    write_sectors(1, 8, 8);
    puppet_send(&puppet, BLKIF_WIRE_WRITE, 11, 8, 8, 0);
    puppet_expect_none(&puppet);
}

/* ---- I8 ---- */

static void i8_an_error_that_nobody_hears_of(void)
{
    answer_with(BLKIF_WIRE_ERROR);
    read_sectors(1, 8, 12);
    puppet_send(&puppet, BLKIF_WIRE_READ, 11, 8, 8, 0);
    puppet_send(&puppet, BLKIF_WIRE_READ, 12, 16, 4, 0);
    run_and_take();
    puppet_complete(&puppet, 1, 0);
    puppet_expect(
        &puppet, 8, false,
        "request 1: succeeds, but one of its 2 ring requests was answered with status -1");
}

static void i8_an_unknown_status_is_an_error(void)
{
    answer_with(77);
    read_sectors(1, 8, 8);
    puppet_send(&puppet, BLKIF_WIRE_READ, 11, 8, 8, 0);
    run_and_take();
    puppet_complete(&puppet, 1, BLKFRONT_IO_ERROR);
    puppet_expect_none(&puppet);
}

static void i8_an_error_under_another_name(void)
{
    answer_with(BLKIF_WIRE_ERROR);
    read_sectors(1, 8, 8);
    puppet_send(&puppet, BLKIF_WIRE_READ, 11, 8, 8, 0);
    run_and_take();
    puppet_complete(&puppet, 1, BLKFRONT_READ_ONLY);
    puppet_expect(&puppet, 8, false, "was answered with status -1, but fails with -3");
}

static void i8_what_is_not_supported_is_tried_again(void)
{
    answer_with(BLKIF_WIRE_EOPNOTSUPP);
    flush(1);
    puppet_send(&puppet, BLKIF_WIRE_FLUSH_DISKCACHE, 11, 0, 0, 0);
    run_and_take();
    puppet_complete(&puppet, 1, BLKFRONT_UNIMPLEMENTED);
    puppet_step(&puppet);
    flush(2);
    puppet_send(&puppet, BLKIF_WIRE_FLUSH_DISKCACHE, 12, 0, 0, 0);
    puppet_expect(&puppet, 8, false, "FLUSH_DISKCACHE again");
}

static void i8_the_barrier_instead(void)
{
    answer_with(BLKIF_WIRE_EOPNOTSUPP);
    flush(1);
    puppet_send(&puppet, BLKIF_WIRE_FLUSH_DISKCACHE, 11, 0, 0, 0);
    run_and_take();
    puppet_send(&puppet, BLKIF_WIRE_WRITE_BARRIER, 12, 0, 0, 0);
    run_and_take();
    puppet_complete(&puppet, 1, 0);
    puppet_step(&puppet);
    puppet_expect_none(&puppet);
}

static void i8_a_flush_without_any_means(void)
{
    answer_with(BLKIF_WIRE_EOPNOTSUPP);
    flush(1);
    puppet_send(&puppet, BLKIF_WIRE_FLUSH_DISKCACHE, 11, 0, 0, 0);
    run_and_take();
    puppet_complete(&puppet, 1, 0);
    puppet_expect(&puppet, 8, false,
                  "the flush succeeds, but all that was tried for it is not supported");
}

/* ---- I9 ---- */

static void i9_beyond_the_disk(void)
{
    read_sectors(1, 2044, 8);
    puppet_send(&puppet, BLKIF_WIRE_READ, 11, 2044, 8, 0);
    puppet_expect(&puppet, 9, false, "covers units 2044+8, but the disk has 2048");
}

static void i9_up_to_the_end_is_fine(void)
{
    read_sectors(1, 2040, 8);
    puppet_send(&puppet, BLKIF_WIRE_READ, 11, 2040, 8, 0);
    puppet_expect_none(&puppet);
}

static void i9_a_segment_beyond_its_page(void)
{
    read_sectors(1, 8, 12);
    puppet_put(&puppet, &(struct puppet_request){.op = BLKIF_WIRE_READ,
                                                 .id = 11,
                                                 .sector_512 = 8,
                                                 .segments = 1,
                                                 .first = 4,
                                                 .last = 9});
    puppet_push(&puppet);
    puppet_step(&puppet);
    puppet_expect(&puppet, 9, false, "segment 0 of ring request 0 goes from unit 4 to 9");
}

static void i9_a_read_without_segments(void)
{
    puppet_send(&puppet, BLKIF_WIRE_READ, 11, 8, 0, 0);
    puppet_expect(&puppet, 9, false, "ring request 0 is a READ without segments");
}

static void i9_an_operation_that_is_reserved(void)
{
    puppet_send(&puppet, BLKIF_WIRE_RESERVED_1, 11, 8, 8, 0);
    puppet_expect(&puppet, 9, false, "ring request 0 has operation 4 (RESERVED), which");
}

static void with_sectors_of_4096(void)
{
    puppet_end(&puppet);
    puppet.sector_size = 4096;
    puppet_begin(&puppet);
    puppet_connect(&puppet);
}

static void i9_half_a_sector(void)
{
    with_sectors_of_4096();
    read_sectors(1, 1, 1);
    puppet_send(&puppet, BLKIF_WIRE_READ, 11, 8, 4, 0);
    puppet_expect(&puppet, 9, false, "which is not whole sectors of 8 units");
}

static void i9_units_are_512_whatever_the_sector_size(void)
{
    with_sectors_of_4096();
    read_sectors(1, 1, 1);
    puppet_send(&puppet, BLKIF_WIRE_READ, 11, 8, 8, 0);
    run_and_take();
    puppet_complete(&puppet, 1, 0);
    puppet_expect_none(&puppet);
}

static void i9_sectors_on_the_wire(void)
{
    with_sectors_of_4096();
    read_sectors(1, 8, 1);
    puppet_send(&puppet, BLKIF_WIRE_READ, 11, 8, 8, 0); /* sector 8 begins at unit 64 */
    puppet_expect(&puppet, 2, false, "READ of units 8+8, is no part");
}

/* ---- I17 ---- */

static void on_a_read_only_disk(void)
{
    puppet_end(&puppet);
    puppet.mode_read_only = true;
    puppet_begin(&puppet);
    puppet_connect(&puppet);
}

static void i17_a_write_to_a_read_only_disk(void)
{
    on_a_read_only_disk();
    write_sectors(1, 8, 8);
    puppet_send(&puppet, BLKIF_WIRE_WRITE, 11, 8, 8, 2);
    puppet_expect(&puppet, 17, false, "request 1: ring request 0 is a WRITE of units 8+8");
}

static void i17_reading_it_is_fine(void)
{
    on_a_read_only_disk();
    read_sectors(1, 8, 8);
    puppet_send(&puppet, BLKIF_WIRE_READ, 11, 8, 8, 0);
    run_and_take();
    puppet_complete(&puppet, 1, 0);
    puppet_expect_none(&puppet);
    CU_ASSERT_TRUE(simback_rule_checks(puppet.world, 17) > 0);
}

/* The toolstack's word is in `mode`; blkif.h's interface is the bit in `info`. */
static void i17_the_mode_alone_should_be_enough(void)
{
    on_a_read_only_disk();
    simback_store_write(puppet.world, "/local/domain/0/backend/vbd/1/51712/info", "0", 1);
    CU_ASSERT_EQUAL(puppet_read_back(&puppet, "info"), 0);
    puppet_step(&puppet);
    write_sectors(1, 8, 8);
    puppet_send(&puppet, BLKIF_WIRE_WRITE, 11, 8, 8, 2);
    puppet_expect(&puppet, 17, true,
                  "request 1: ring request 0 is a WRITE, but the toolstack's mode is r");
}

static void i17_put_in_the_step_that_reads_it(void)
{
    simback_backend_set_read_only(puppet.backend, true);
    puppet_run(&puppet);
    write_sectors(1, 8, 8);
    puppet_put(&puppet,
               &(struct puppet_request){
                   .op = BLKIF_WIRE_WRITE, .id = 11, .sector_512 = 8, .page = 2, .last = 7});
    puppet_push(&puppet);
    CU_ASSERT_EQUAL(puppet_read_back(&puppet, "info"), 4);
    puppet_step(&puppet);
    puppet_expect_none(&puppet);
    write_sectors(2, 16, 8);
    puppet_send(&puppet, BLKIF_WIRE_WRITE, 12, 16, 8, 2);
    puppet_expect(&puppet, 17, false, "request 2");
}

/* ---- I2: a response that answers nothing ---- */

/* It comes in place of the answer to request 1, and is taken. */
static void an_answer_to_nothing(void)
{
    const struct simback_fault drop = {
        .ops = SIMBACK_FAULT_ANY,
        .last_512 = UINT64_MAX,
        .percent = 100,
        .times = 1,
        .action = SIMBACK_DROP,
    };

    CU_ASSERT_EQUAL(simback_backend_add_fault(puppet.backend, &drop), 0);
    read_sectors(1, 8, 8);
    read_sectors(2, 16, 8);
    puppet_send(&puppet, BLKIF_WIRE_READ, 11, 8, 8, 0);
    puppet_run(&puppet);
    CU_ASSERT_EQUAL(simback_backend_poke(puppet.backend, 0, 4000, NULL, 0), 0);
    puppet_forge(&puppet, 77, BLKIF_WIRE_READ, BLKIF_WIRE_OKAY);
    puppet.observed = true;
    (void)puppet_take(&puppet);
}

static void i2_what_answers_nothing_should_not_be_passed_over(void)
{
    an_answer_to_nothing();
    puppet_step(&puppet);
    puppet_expect_none(&puppet);
    puppet_send(&puppet, BLKIF_WIRE_READ, 12, 16, 8, 0);
    puppet_expect(&puppet, 2, true,
                  "request 2: ring request 1 follows a response that answers nothing");
}

/* Which was there first is not known. */
static void but_what_was_put_in_the_step_that_took_it_may_have_been_there(void)
{
    an_answer_to_nothing();
    puppet_send(&puppet, BLKIF_WIRE_READ, 12, 16, 8, 0);
    puppet_expect_none(&puppet);
}

static const struct unit_test tests[] = {
    UNIT_TEST(a_run_as_it_should_be),
    UNIT_TEST(a_request_in_two_parts),
    UNIT_TEST(nothing_asked_is_ok_at_once),
    UNIT_TEST(i2_success_without_an_answer),
    UNIT_TEST(i2_success_with_a_part_missing),
    UNIT_TEST(i2_success_on_another_operation),
    UNIT_TEST(i2_the_answer_in_the_slot_when_it_is_read_counts),
    UNIT_TEST(i2_a_failure_that_nobody_said),
    UNIT_TEST(i2_a_protocol_error_needs_no_answer),
    UNIT_TEST(i2_completes_twice),
    UNIT_TEST(i2_refused_and_completed),
    UNIT_TEST(i2_never_completes),
    UNIT_TEST(i2_two_of_one_id),
    UNIT_TEST(i2_an_id_may_be_used_again),
    UNIT_TEST(i2_nobody_asked_for_it),
    UNIT_TEST(i2_what_answers_nothing_should_not_be_passed_over),
    UNIT_TEST(but_what_was_put_in_the_step_that_took_it_may_have_been_there),
    UNIT_TEST(i5_a_page_that_is_not_granted),
    UNIT_TEST(i5_a_read_into_a_page_that_is_read_only),
    UNIT_TEST(i5_a_write_that_the_backend_could_change),
    UNIT_TEST(i5_unless_grants_are_persistent),
    UNIT_TEST(i8_an_error_that_nobody_hears_of),
    UNIT_TEST(i8_an_unknown_status_is_an_error),
    UNIT_TEST(i8_an_error_under_another_name),
    UNIT_TEST(i8_what_is_not_supported_is_tried_again),
    UNIT_TEST(i8_the_barrier_instead),
    UNIT_TEST(i8_a_flush_without_any_means),
    UNIT_TEST(i9_beyond_the_disk),
    UNIT_TEST(i9_up_to_the_end_is_fine),
    UNIT_TEST(i9_a_segment_beyond_its_page),
    UNIT_TEST(i9_a_read_without_segments),
    UNIT_TEST(i9_an_operation_that_is_reserved),
    UNIT_TEST(i9_half_a_sector),
    UNIT_TEST(i9_units_are_512_whatever_the_sector_size),
    UNIT_TEST(i9_sectors_on_the_wire),
    UNIT_TEST(i17_a_write_to_a_read_only_disk),
    UNIT_TEST(i17_reading_it_is_fine),
    UNIT_TEST(i17_the_mode_alone_should_be_enough),
    UNIT_TEST(i17_put_in_the_step_that_reads_it),
};
UNIT_MAIN_WITH("oracle: requests", set_up, tear_down, tests)
