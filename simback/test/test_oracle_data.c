/* SPDX-License-Identifier: ISC */
/*
 * I7: what a read may return, sector by sector. The puppet "reads" whatever a test puts into its
 * buffer; only the moments of submit and completion, and what became of the writes, count.
 */
#include "cunit_main.h"
#include "puppet.h"

#include <simback/disk.h>

static struct puppet puppet;
static uint8_t one[4096], two[4096], three[4096], buffer[4096];
static uint64_t ids;

static void set_up(void)
{
    memset(&puppet, 0, sizeof(puppet));
    ids = 100;
    memset(one, 1, sizeof(one));
    memset(two, 2, sizeof(two));
    memset(three, 3, sizeof(three));
    memset(buffer, 0, sizeof(buffer));
    puppet_begin(&puppet);
    puppet_connect(&puppet);
}

static void tear_down(void)
{
    puppet_end(&puppet);
}

/* One sector each. */
static void submit_write(uint64_t number, uint64_t sector, uint8_t *bytes)
{
    puppet_submit(&puppet, number, BLKFRONT_WRITE, sector, 1, bytes);
    puppet_send(&puppet, BLKIF_WIRE_WRITE, ids++, sector, 1, 2);
}

static void submit_read(uint64_t number, uint64_t sector)
{
    puppet_submit(&puppet, number, BLKFRONT_READ, sector, 1, buffer);
    puppet_send(&puppet, BLKIF_WIRE_READ, ids++, sector, 1, 0);
}

static void complete(uint64_t number)
{
    puppet_run(&puppet);
    (void)puppet_take(&puppet);
    puppet_complete(&puppet, number, 0);
    puppet_step(&puppet);
}

static void read_returns(uint64_t number, const uint8_t *bytes)
{
    memcpy(buffer, bytes, 512);
    complete(number);
}

static void write_whole(uint64_t number, uint64_t sector, uint8_t *bytes)
{
    submit_write(number, sector, bytes);
    complete(number);
}

static void fail_next(void)
{
    const struct simback_fault fault = {
        .ops = SIMBACK_FAULT_WRITE,
        .last_512 = UINT64_MAX,
        .percent = 100,
        .times = 1,
        .action = SIMBACK_ANSWER_STATUS,
        .status = BLKIF_WIRE_ERROR,
    };

    CU_ASSERT_EQUAL(simback_backend_add_fault(puppet.backend, &fault), 0);
}

static void i7_what_the_disk_holds(void)
{
    CU_ASSERT_EQUAL(simback_disk_write(simback_backend_disk(puppet.backend), 9, 1, three), 0);
    submit_read(1, 9);
    read_returns(1, three);
    puppet_expect_none(&puppet);
    CU_ASSERT_EQUAL(simback_rule_checks(puppet.world, 7), 1);
}

static void i7_not_what_the_disk_holds(void)
{
    submit_read(1, 9);
    read_returns(1, three);
    puppet_expect(&puppet, 7, false,
                  "request 1: sector 9 holds unknown bytes (03 03 03 03 …); possible were: the "
                  "disk's first content");
}

static void i7_what_was_written(void)
{
    write_whole(1, 9, one);
    submit_read(2, 9);
    read_returns(2, one);
    puppet_expect_none(&puppet);
}

static void i7_what_was_overwritten(void)
{
    write_whole(1, 9, one);
    write_whole(2, 9, two);
    submit_read(3, 9);
    read_returns(3, one);
    puppet_expect(&puppet, 7, false,
                  "request 3: sector 9 holds what write 1 wrote to sector 9; possible were: write "
                  "2 (acknowledged)");
}

static void i7_the_neighbours_bytes(void)
{
    write_whole(1, 9, one);
    write_whole(2, 10, two);
    submit_read(3, 9);
    read_returns(3, two);
    puppet_expect(&puppet, 7, false, "sector 9 holds what write 2 wrote to sector 10");
}

static void i7_the_first_content_after_a_write(void)
{
    write_whole(1, 9, one);
    submit_read(2, 9);
    read_returns(2, buffer);
    puppet_expect(&puppet, 7, false, "sector 9 holds what sector 9 of the disk held at first");
}

static void i7_a_write_in_flight_may_or_may_not_be_seen(void)
{
    write_whole(1, 9, one);
    submit_write(2, 9, two);
    submit_read(3, 9);
    submit_read(4, 9);
    read_returns(3, one);
    memcpy(buffer, two, 512);
    puppet_complete(&puppet, 4, 0);
    puppet_expect_none(&puppet);
}

static void i7_a_read_that_began_before_the_write_ended(void)
{
    write_whole(1, 9, one);
    submit_write(2, 9, two);
    submit_read(3, 9);
    complete(2);
    memcpy(buffer, one, 512);
    puppet_complete(&puppet, 3, 0); /* it was possible when 3 was submitted */
    puppet_expect_none(&puppet);
}

static void i7_a_read_that_began_after_the_write_ended(void)
{
    write_whole(1, 9, one);
    submit_write(2, 9, two);
    complete(2);
    submit_read(3, 9);
    read_returns(3, one);
    puppet_expect(&puppet, 7, false, "possible were: write 2 (acknowledged)");
}

static void i7_writes_that_overlap_take_effect_in_either_order(void)
{
    submit_write(1, 9, one);
    submit_write(2, 9, two);
    complete(1);
    puppet_complete(&puppet, 2, 0);
    submit_read(3, 9);
    read_returns(3, one);
    submit_read(4, 9);
    read_returns(4, two);
    puppet_expect_none(&puppet);
    write_whole(5, 9, three);
    submit_read(6, 9);
    read_returns(6, one);
    puppet_expect(&puppet, 7, false, "request 6: sector 9 holds what write 1 wrote");
}

/* A barrier's own write, too, of a device that has barriers. */
static void submit_barrier(uint64_t number, uint64_t sector, uint8_t *bytes)
{
    puppet_submit_flagged(&puppet, number, BLKFRONT_WRITE, BLKFRONT_BARRIER, sector, 1, bytes);
    puppet_send(&puppet, BLKIF_WIRE_WRITE_BARRIER, ids++, sector, 1, 2);
}

/* The first is acknowledged before the second or after it, and what it wrote is not there. */
static void the_second_counts(bool first_first)
{
    puppet_run(&puppet);
    (void)puppet_take(&puppet);
    puppet_complete(&puppet, first_first ? 1 : 2, 0);
    puppet_complete(&puppet, first_first ? 2 : 1, 0);
    puppet_step(&puppet);
    submit_read(3, 9);
    read_returns(3, two);
    puppet_expect_none(&puppet);
    submit_read(4, 9);
    read_returns(4, one);
    puppet_expect(&puppet, 7, false, "request 4: sector 9 holds what write 1 wrote");
}

static void i7_a_barrier_is_not_before_what_it_follows(void)
{
    submit_write(1, 9, one);
    submit_barrier(2, 9, two);
    the_second_counts(true);
}

static void i7_nor_when_it_is_acknowledged_first(void)
{
    submit_write(1, 9, one);
    submit_barrier(2, 9, two);
    the_second_counts(false);
}

static void i7_what_follows_a_barrier_is_not_before_it(void)
{
    submit_barrier(1, 9, one);
    submit_write(2, 9, two);
    the_second_counts(true);
}

static void i7_a_failed_write_may_have_happened(void)
{
    write_whole(1, 9, one);
    fail_next();
    submit_write(2, 9, two);
    puppet_run(&puppet);
    (void)puppet_take(&puppet);
    puppet_complete(&puppet, 2, BLKFRONT_IO_ERROR);
    puppet_step(&puppet);
    submit_read(3, 9);
    read_returns(3, one);
    submit_read(4, 9);
    read_returns(4, two);
    puppet_expect_none(&puppet);
}

static void i7_a_failed_write_may_still_happen_after_another(void)
{
    fail_next();
    submit_write(1, 9, one);
    puppet_run(&puppet);
    (void)puppet_take(&puppet);
    puppet_complete(&puppet, 1, BLKFRONT_IO_ERROR);
    puppet_step(&puppet);
    write_whole(2, 9, two);
    submit_read(3, 9);
    read_returns(3, one);
    puppet_expect_none(&puppet);
}

static void i7_but_not_when_its_connection_is_dead(void)
{
    fail_next();
    submit_write(1, 9, one);
    puppet_run(&puppet);
    (void)puppet_take(&puppet);
    puppet_complete(&puppet, 1, BLKFRONT_IO_ERROR);
    puppet_step(&puppet);
    puppet_close(&puppet);
    puppet_write(&puppet, "state", "1");
    puppet_connect(&puppet);
    submit_read(2, 9);
    read_returns(2, one); /* it may have happened */
    puppet_expect_none(&puppet);
    write_whole(3, 9, two);
    submit_read(4, 9);
    read_returns(4, one); /* and now it has not */
    puppet_expect(&puppet, 7, false, "request 4: sector 9 holds what write 1 wrote");
}

static void i7_a_refused_write_never_happened(void)
{
    puppet_submit(&puppet, 1, BLKFRONT_WRITE, 9, 1, one);
    simback_app_refused(puppet.world, 1, BLKFRONT_DISCONNECTED);
    submit_read(2, 9);
    read_returns(2, one);
    puppet_expect(&puppet, 7, false,
                  "sector 9 holds what write 1 wrote to sector 9; possible were: "
                  "the disk's first content");
}

static void i7_a_torn_request_is_seen_by_the_sector(void)
{
    struct blkfront_buffer pieces[2] = {{.address = one, .size = 512},
                                        {.address = two, .size = 1024}};

    simback_app_submit(puppet.world, 0, 0, 1, BLKFRONT_WRITE, 0, 512, 9, 3, pieces, 2);
    puppet_send(&puppet, BLKIF_WIRE_WRITE, ids++, 9, 3, 2);
    complete(1);
    puppet_submit(&puppet, 2, BLKFRONT_READ, 8, 5, buffer); /* 8 and 12 were never written */
    puppet_send(&puppet, BLKIF_WIRE_READ, ids++, 8, 5, 0);
    memcpy(buffer + 512, one, 512);
    memcpy(buffer + 1024, two, 1024);
    complete(2);
    puppet_expect_none(&puppet);
    puppet_submit(&puppet, 3, BLKFRONT_READ, 8, 5, buffer);
    puppet_send(&puppet, BLKIF_WIRE_READ, ids++, 8, 5, 0);
    memcpy(buffer + 1536, one, 512);
    complete(3);
    puppet_expect(&puppet, 7, false, "sector 11 holds what write 1 wrote to sector 9");
}

static void i7_a_last_sector_that_was_never_written(void)
{
    write_whole(1, 9, one);
    puppet_submit(&puppet, 2, BLKFRONT_READ, 9, 2, buffer);
    puppet_send(&puppet, BLKIF_WIRE_READ, ids++, 9, 2, 0);
    memcpy(buffer, one, 512);
    buffer[1023] = 1;
    complete(2);
    puppet_expect(&puppet, 7, false, "sector 10 holds unknown bytes");
}

static void i7_a_read_that_failed_proves_nothing(void)
{
    puppet_submit(&puppet, 1, BLKFRONT_READ, 9, 1, buffer);
    buffer[0] = 77;
    puppet_complete(&puppet, 1, BLKFRONT_DISCONNECTED);
    puppet_expect_none(&puppet);
}

/* The pool of candidates is used again, and old ones are forgotten. */
static void i7_many_writes_need_no_more_memory(void)
{
    uint64_t warm = 0;

    for (uint64_t i = 1; i <= 2000; i++) {
        uint8_t *bytes = i % 2 == 0 ? one : two;

        write_whole(i, i % 50, bytes);
        if (i == 1000)
            warm = simback_allocations(puppet.world);
    }
    CU_ASSERT_EQUAL(simback_allocations(puppet.world), warm);
    puppet_expect_none(&puppet);
}

static const struct unit_test tests[] = {
    UNIT_TEST(i7_what_the_disk_holds),
    UNIT_TEST(i7_not_what_the_disk_holds),
    UNIT_TEST(i7_what_was_written),
    UNIT_TEST(i7_what_was_overwritten),
    UNIT_TEST(i7_the_neighbours_bytes),
    UNIT_TEST(i7_the_first_content_after_a_write),
    UNIT_TEST(i7_a_write_in_flight_may_or_may_not_be_seen),
    UNIT_TEST(i7_a_read_that_began_before_the_write_ended),
    UNIT_TEST(i7_a_read_that_began_after_the_write_ended),
    UNIT_TEST(i7_writes_that_overlap_take_effect_in_either_order),
    UNIT_TEST(i7_a_barrier_is_not_before_what_it_follows),
    UNIT_TEST(i7_nor_when_it_is_acknowledged_first),
    UNIT_TEST(i7_what_follows_a_barrier_is_not_before_it),
    UNIT_TEST(i7_a_failed_write_may_have_happened),
    UNIT_TEST(i7_a_failed_write_may_still_happen_after_another),
    UNIT_TEST(i7_but_not_when_its_connection_is_dead),
    UNIT_TEST(i7_a_refused_write_never_happened),
    UNIT_TEST(i7_a_torn_request_is_seen_by_the_sector),
    UNIT_TEST(i7_a_last_sector_that_was_never_written),
    UNIT_TEST(i7_a_read_that_failed_proves_nothing),
    UNIT_TEST(i7_many_writes_need_no_more_memory),
};
UNIT_MAIN_WITH("oracle: data", set_up, tear_down, tests)
