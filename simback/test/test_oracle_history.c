/* SPDX-License-Identifier: ISC */
/*
 * I7 at length: what is told when a read is impossible, many sectors and many writes, disks that
 * change or are not there. What a read may return at all is test_oracle_data.c's.
 */
#include "cunit_main.h"
#include "puppet.h"

#include <simback/disk.h>

enum { SECTOR = 512 };

static struct puppet puppet;
static uint8_t one[4096], two[4096], three[4096], zeros[4096], buffer[4096];

static void set_up(void)
{
    memset(&puppet, 0, sizeof(puppet));
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

static void submit_write(uint64_t number, uint64_t sector, uint8_t *bytes)
{
    puppet_submit(&puppet, number, BLKFRONT_WRITE, sector, 1, bytes);
}

/* One sector, put, answered and completed. */
static void whole_write(uint64_t number, uint64_t sector, uint8_t *bytes)
{
    submit_write(number, sector, bytes);
    puppet_send(&puppet, BLKIF_WIRE_WRITE, number, sector, 1, 2);
    puppet_run(&puppet);
    (void)puppet_take(&puppet);
    puppet_complete(&puppet, number, 0);
    puppet_step(&puppet);
}

static void whole_read(uint64_t number, uint64_t sector, const uint8_t *returns)
{
    puppet_submit(&puppet, number, BLKFRONT_READ, sector, 1, buffer);
    puppet_send(&puppet, BLKIF_WIRE_READ, number, sector, 1, 0);
    puppet_run(&puppet);
    (void)puppet_take(&puppet);
    memcpy(buffer, returns, SECTOR);
    puppet_complete(&puppet, number, 0);
    puppet_step(&puppet);
}

static void fill_disk(uint64_t sector, const uint8_t *bytes)
{
    CU_ASSERT_EQUAL(simback_disk_write(simback_backend_disk(puppet.backend), sector, 1, bytes), 0);
}

/* ---- a backend that takes up a ring (oracle_data_again.c) ---- */

/* Request 1 is never answered, so that request 2 stands behind rsp_prod when it is. */
static void answered_out_of_order_and_done_again(void)
{
    const struct simback_fault drop = {
        .ops = SIMBACK_FAULT_ANY,
        .last_512 = UINT64_MAX,
        .percent = 100,
        .times = 1,
        .action = SIMBACK_DROP,
    };
    struct simback_backend_options options;

    simback_backend_options_init(&options);
    CU_ASSERT_EQUAL(simback_backend_add_fault(puppet.backend, &drop), 0);
    submit_write(1, 8, one);
    puppet_send(&puppet, BLKIF_WIRE_WRITE, 1, 8, 1, 3);
    memcpy(puppet.data[2], two, SECTOR);
    whole_write(2, 16, two);
    memcpy(puppet.data[2], three, SECTOR);
    puppet.backend = simback_world_restart_backend(puppet.world, &options);
    puppet_run(&puppet);
    (void)puppet_take(&puppet);
}

static void i7_what_is_done_again_may_leave_anything(void)
{
    answered_out_of_order_and_done_again();
    whole_read(3, 16, three);
    whole_read(4, 16, two);
    puppet_expect_none(&puppet);
}

static void i7_nothing_else_is_done_again(void)
{
    answered_out_of_order_and_done_again();
    whole_read(3, 17, three);
    puppet_expect(&puppet, 7, false, "sector 17 holds unknown bytes");
}

static void i7_until_the_sector_is_written_on_another_connection(void)
{
    answered_out_of_order_and_done_again();
    puppet_complete(&puppet, 1, BLKFRONT_DISCONNECTED);
    puppet_reconnect(&puppet);
    memcpy(puppet.data[2], one, SECTOR);
    whole_write(3, 16, one);
    whole_read(4, 16, one);
    puppet_expect_none(&puppet);
    whole_read(5, 16, three);
    puppet_expect(&puppet, 7, false, "possible were: write 3 (acknowledged)");
}

/* ---- where the bytes came from ---- */

static void i7_of_equal_bytes_those_of_this_sector_are_named(void)
{
    whole_write(1, 5, one);
    whole_write(2, 9, one);
    whole_write(3, 9, one); /* again: the first of them is named */
    whole_write(4, 6, one);
    whole_write(5, 9, two);
    whole_read(6, 9, one);
    puppet_expect(&puppet, 7, false, "sector 9 holds what write 2 wrote to sector 9; possible");
}

static void i7_of_equal_bytes_of_others_the_first_is_named(void)
{
    whole_write(1, 5, one);
    whole_write(2, 6, one);
    whole_write(3, 9, two);
    whole_read(4, 9, one);
    puppet_expect(&puppet, 7, false, "sector 9 holds what write 1 wrote to sector 5; possible");
}

static void i7_bytes_that_were_written_long_ago(void)
{
    fill_disk(1000, three);
    whole_write(1, 500, one);
    for (uint64_t i = 2; i < 1100; i++)
        whole_write(i, 9, two);
    whole_read(2000, 9, one);
    puppet_expect(&puppet, 7, false, "sector 9 holds what write 1 wrote to sector 500; possible");
}

static void i7_zeros_that_nobody_wrote(void)
{
    fill_disk(9, three);
    whole_read(1, 9, zeros);
    puppet_expect(&puppet, 7, false,
                  "sector 9 holds zeros; possible were: the disk's first content");
}

/* ---- what was possible ---- */

static void i7_all_that_was_possible_is_named(void)
{
    const struct simback_fault fail = {
        .ops = SIMBACK_FAULT_WRITE,
        .last_512 = UINT64_MAX,
        .percent = 100,
        .times = 1,
        .action = SIMBACK_ANSWER_STATUS,
        .status = BLKIF_WIRE_ERROR,
    };

    CU_ASSERT_EQUAL(simback_backend_add_fault(puppet.backend, &fail), 0);
    submit_write(1, 9, one);
    puppet_send(&puppet, BLKIF_WIRE_WRITE, 1, 9, 1, 2);
    puppet_run(&puppet);
    (void)puppet_take(&puppet);
    puppet_complete(&puppet, 1, BLKFRONT_IO_ERROR);
    whole_write(2, 9, two);
    submit_write(3, 9, one);
    whole_read(4, 9, three);
    puppet_expect(&puppet, 7, false,
                  "request 4: sector 9 holds unknown bytes (03 03 03 03 …); possible were: write 3 "
                  "(in flight), write 2 (acknowledged), write 1 (failed)");
}

static void i7_the_first_content_is_possible_beside_a_failed_write(void)
{
    submit_write(1, 9, one);
    puppet_complete(&puppet, 1, BLKFRONT_DISCONNECTED);
    whole_read(2, 9, three);
    puppet_expect(&puppet, 7, false, "possible were: the disk's first content, write 1 (failed)");
}

static void i7_more_was_possible_than_fits_into_a_sentence(void)
{
    for (uint64_t i = 1; i <= 20; i++)
        submit_write(i, 9, one);
    whole_read(21, 9, three);
    CU_ASSERT_EQUAL(simback_violations(puppet.world, true), 1);
    puppet_expect_nth(&puppet, 0, 7, "write 20 (in flight), write 19 (in flight)");
    CU_ASSERT_TRUE(strlen(simback_violation(puppet.world, 0)->text) <
                   sizeof(simback_violation(puppet.world, 0)->text));
}

/* ---- many ---- */

static void i7_many_sectors_are_kept_apart(void)
{
    uint64_t number = 1;

    whole_write(number++, 9, one);
    for (uint64_t i = 1; i <= 400;
         i++, number++) { /* far beyond the disk: no ring ever sees them */
        submit_write(number, 64 * i, two);
        puppet_complete(&puppet, number, BLKFRONT_OUT_OF_RANGE);
    }
    whole_read(number++, 9, one);
    puppet_expect_none(&puppet);
    whole_read(number, 9, two);
    puppet_expect(&puppet, 7, false,
                  "sector 9 holds what write 2 wrote to sector 64; possible "
                  "were: write 1 (acknowledged)");
}

static void i7_many_writes_in_flight_to_one_sector(void)
{
    for (uint64_t i = 1; i <= 600; i++)
        submit_write(i, 9, i % 2 == 0 ? one : two);
    whole_read(601, 9, one);
    whole_read(602, 9, two);
    whole_read(603, 9, zeros);
    puppet_expect_none(&puppet);
    whole_read(604, 9, three);
    puppet_expect(&puppet, 7, false, "sector 9 holds unknown bytes");
}

/* More writes end beside an older read than the oracle keeps in mind to settle. */
static void i7_an_older_read_may_miss_all_of_many_writes(void)
{
    static uint8_t older[SECTOR];
    static struct blkfront_buffer own = {.address = older, .size = SECTOR};
    uint64_t number = 2;

    simback_app_submit(puppet.world, 0, 0, 1, BLKFRONT_READ, 0, SECTOR, 9, 1, &own, 1);
    puppet_send(&puppet, BLKIF_WIRE_READ, 1, 9, 1, 0);
    for (; number < 400; number++)
        whole_write(number, 20 + number % 40, two);
    whole_write(number++, 9, one);
    whole_read(number++, 9, one);   /* a younger one sees it */
    puppet_complete(&puppet, 1, 0); /* zeros */
    puppet_expect_none(&puppet);
    whole_write(number++, 20, two);
    whole_read(number++, 20, two);
    whole_read(number, 9, zeros);
    puppet_expect(
        &puppet, 7, false,
        "sector 9 holds what sector 9 of the disk held at first; possible were: write 400 "
        "(acknowledged)");
}

/* Of sectors one after the other; each ends while the next one is in flight already. */
static void overlapping_writes(uint64_t first, uint64_t count)
{
    submit_write(first, 0, one);
    for (uint64_t i = 0; i < count; i++) {
        if (i + 1 < count)
            submit_write(first + i + 1, i + 1, one);
        puppet_send(&puppet, BLKIF_WIRE_WRITE, first + i, i, 1, 2);
        puppet_run(&puppet);
        (void)puppet_take(&puppet);
        puppet_complete(&puppet, first + i, 0);
    }
}

static void i7_what_was_overwritten_is_forgotten_soon(void)
{
    enum { WRITES = 1024, HASHES = 16 * WRITES };
    size_t before, once;

    for (uint64_t i = 0; i < WRITES; i += 2) /* until as much is kept for messages as ever is */
        overlapping_writes(1 + i, 2);
    before = simback_memory_used(puppet.world);
    overlapping_writes(1 + WRITES, WRITES);
    once = simback_memory_used(puppet.world);
    overlapping_writes(1 + 2 * WRITES, WRITES);
    CU_ASSERT_EQUAL(simback_memory_used(puppet.world), once);
    CU_ASSERT(once - before > HASHES / 2);
    CU_ASSERT(once - before < HASHES + HASHES / 2); /* no more than a hash of each sector */
    puppet_expect_none(&puppet);
}

static void i7_many_connections_one_after_the_other(void)
{
    for (uint64_t i = 1; i <= 40; i++) {
        submit_write(i, 9, one);
        puppet_send(&puppet, BLKIF_WIRE_WRITE, i, 9, 1, 2);
        puppet_complete(&puppet, i, BLKFRONT_DISCONNECTED);
        puppet_close(&puppet);
        puppet_write(&puppet, "state", "1");
        puppet_connect(&puppet);
    }
    whole_write(100, 9, two);
    whole_read(101, 9, two);
    puppet_expect_none(&puppet);
    whole_read(102, 9, one); /* of connections that are all dead */
    puppet_expect(&puppet, 7, false,
                  "sector 9 holds what write 1 wrote to sector 9; possible "
                  "were: write 100 (acknowledged)");
}

static void i7_more_than_the_oracle_looks_at_at_once(void)
{
    static uint8_t large[3 * 4096];
    static const size_t half = 5120; /* ten sectors */
    struct blkfront_buffer pieces[] = {
        {.address = large, .size = 0},
        {.address = large, .size = half},
        {.address = large + half, .size = 0},
        {.address = large + half, .size = half},
    };

    simback_app_submit(puppet.world, 0, 0, 1, BLKFRONT_READ, 0, SECTOR, 8, 20, pieces, 4);
    for (uint64_t i = 0; i < 5; i++)
        puppet_send(&puppet, BLKIF_WIRE_READ, i, 8 + 4 * i, 4, 0);
    puppet_run(&puppet);
    (void)puppet_take(&puppet);
    large[half + half - 1] = 7;
    puppet_complete(&puppet, 1, 0);
    puppet_expect(&puppet, 7, false, "request 1: sector 27 holds unknown bytes (00 00 00 00 …)");
}

/* ---- discards ---- */

static void begin_with_discard(void)
{
    tear_down();
    puppet.discard = true;
    puppet_begin(&puppet);
    puppet_connect(&puppet);
}

static void whole_discard(uint64_t number, uint64_t sector)
{
    const struct blkif_wire_discard_64 slot = {
        .operation = BLKIF_WIRE_DISCARD, .id = number, .sector_512 = sector, .count_512 = 1};

    puppet_submit(&puppet, number, BLKFRONT_DISCARD, sector, 1, NULL);
    puppet_put_slot(&puppet, &slot, sizeof(slot));
    puppet_push(&puppet);
    puppet_step(&puppet);
    puppet_run(&puppet);
    (void)puppet_take(&puppet);
    puppet_complete(&puppet, number, 0);
    puppet_step(&puppet);
}

static void i7_many_discards(void)
{
    begin_with_discard();
    for (uint64_t i = 1; i <= 40; i++)
        puppet_submit(&puppet, i, BLKFRONT_DISCARD, i, 1, NULL);
    for (uint64_t i = 1; i <= 40; i++)
        puppet_complete(&puppet, i, BLKFRONT_DISCONNECTED);
    whole_write(41, 9, one);
    whole_read(42, 9, zeros); /* what failed may happen still */
    puppet_expect_none(&puppet);
    whole_write(43, 50, one);
    whole_read(44, 50, zeros); /* of nobody's discard */
    puppet_expect(&puppet, 7, false, "possible were: write 43 (acknowledged)");
}

static void i7_zeros_after_a_later_write_that_an_older_read_may_miss(void)
{
    static uint8_t older[SECTOR];

    begin_with_discard();
    whole_write(1, 9, one);
    whole_discard(2, 9);
    puppet_submit(&puppet, 3, BLKFRONT_READ, 9, 1, older);
    whole_write(4, 9, two);
    puppet_send(&puppet, BLKIF_WIRE_READ, 3, 9, 1, 0);
    puppet_run(&puppet);
    (void)puppet_take(&puppet);
    puppet_complete(&puppet, 3, 0); /* zeros: it began before the write */
    puppet_expect_none(&puppet);
    puppet_submit(&puppet, 5, BLKFRONT_READ, 10, 1, older);
    whole_write(6, 9, three);
    whole_read(7, 9, zeros);
    puppet_expect(&puppet, 7, false,
                  "request 7: sector 9 holds what sector 9 of the disk held at first");
}

static void i7_a_read_that_began_before_a_discard_may_miss_it(void)
{
    static uint8_t older[SECTOR];

    begin_with_discard();
    fill_disk(9, three);
    puppet_submit(&puppet, 1, BLKFRONT_READ, 9, 1, older);
    whole_discard(2, 9);
    puppet_send(&puppet, BLKIF_WIRE_READ, 1, 9, 1, 0);
    puppet_run(&puppet);
    (void)puppet_take(&puppet);
    memcpy(older, three, sizeof(older));
    puppet_complete(&puppet, 1, 0);
    puppet_expect_none(&puppet);
    whole_read(3, 9, three);
    puppet_expect(&puppet, 7, false, "request 3: sector 9 holds unknown bytes (03 03 03 03 …)");
}

/* ---- the disk ---- */

static void i7_a_disk_that_is_gone_holds_anything(void)
{
    simback_backend_destroy(puppet.backend);
    submit_write(1, 9, one);
    puppet_complete(&puppet, 1, BLKFRONT_DISCONNECTED);
    puppet_submit(&puppet, 2, BLKFRONT_READ, 9, 1, buffer);
    puppet_complete(&puppet, 2, BLKFRONT_DISCONNECTED);
    puppet_expect_none(&puppet);
}

/* Its number is then the one by which the frontend goes, and not the backend's. */
static void i7_the_frontend_spoke_first(void)
{
    tear_down();
    puppet_begin(&puppet);
    simback_enter(puppet.world, 3);
    puppet_open(&puppet);
    puppet_run(&puppet);
    CU_ASSERT_EQUAL(puppet_read_back(&puppet, "state"), 2);
    puppet_publish(&puppet, "3");
    puppet_run(&puppet);
    CU_ASSERT_EQUAL(puppet_read_back(&puppet, "state"), 4);
    puppet_write(&puppet, "state", "4");
    fill_disk(9, three);
    whole_read(1, 9, three);
    puppet_expect_none(&puppet);
    whole_read(2, 9, one);
    puppet_expect(&puppet, 7, false, "sector 9 holds unknown bytes (01 01 01 01 …)");
}

static void i7_sectors_of_another_size_begin_anew(void)
{
    static struct blkfront_buffer large = {.address = two, .size = 1024};

    whole_write(1, 8, one);
    submit_write(2, 9, three);
    simback_app_submit(puppet.world, 0, 0, 3, BLKFRONT_WRITE, 0, 1024, 9, 1, &large, 1);
    puppet_complete(&puppet, 2, BLKFRONT_DISCONNECTED); /* of the old sectors */
    puppet_complete(&puppet, 3, BLKFRONT_DISCONNECTED);
    puppet_expect_none(&puppet);
}

static void i7_sectors_that_are_too_large_are_not_judged(void)
{
    static struct blkfront_buffer large = {.address = two, .size = 8192};

    simback_app_submit(puppet.world, 0, 0, 1, BLKFRONT_READ, 0, 8192, 1, 1, &large, 1);
    puppet_complete(&puppet, 1, BLKFRONT_OUT_OF_RANGE);
    puppet_expect_none(&puppet);
    CU_ASSERT_EQUAL(simback_rule_checks(puppet.world, 7), 0);
}

static void i7_buffers_that_are_no_whole_sectors_are_not_judged(void)
{
    static struct blkfront_buffer odd = {.address = buffer, .size = 500};

    simback_app_submit(puppet.world, 0, 0, 1, BLKFRONT_READ, 0, SECTOR, 9, 1, &odd, 1);
    simback_app_refused(puppet.world, 1, BLKFRONT_INVALID);
    puppet_expect_none(&puppet);
}

static const struct unit_test tests[] = {
    UNIT_TEST(i7_what_is_done_again_may_leave_anything),
    UNIT_TEST(i7_nothing_else_is_done_again),
    UNIT_TEST(i7_until_the_sector_is_written_on_another_connection),
    UNIT_TEST(i7_of_equal_bytes_those_of_this_sector_are_named),
    UNIT_TEST(i7_of_equal_bytes_of_others_the_first_is_named),
    UNIT_TEST(i7_bytes_that_were_written_long_ago),
    UNIT_TEST(i7_zeros_that_nobody_wrote),
    UNIT_TEST(i7_all_that_was_possible_is_named),
    UNIT_TEST(i7_the_first_content_is_possible_beside_a_failed_write),
    UNIT_TEST(i7_more_was_possible_than_fits_into_a_sentence),
    UNIT_TEST(i7_many_sectors_are_kept_apart),
    UNIT_TEST(i7_many_writes_in_flight_to_one_sector),
    UNIT_TEST(i7_an_older_read_may_miss_all_of_many_writes),
    UNIT_TEST(i7_what_was_overwritten_is_forgotten_soon),
    UNIT_TEST(i7_many_connections_one_after_the_other),
    UNIT_TEST(i7_more_than_the_oracle_looks_at_at_once),
    UNIT_TEST(i7_many_discards),
    UNIT_TEST(i7_zeros_after_a_later_write_that_an_older_read_may_miss),
    UNIT_TEST(i7_a_read_that_began_before_a_discard_may_miss_it),
    UNIT_TEST(i7_a_disk_that_is_gone_holds_anything),
    UNIT_TEST(i7_the_frontend_spoke_first),
    UNIT_TEST(i7_sectors_of_another_size_begin_anew),
    UNIT_TEST(i7_sectors_that_are_too_large_are_not_judged),
    UNIT_TEST(i7_buffers_that_are_no_whole_sectors_are_not_judged),
};
UNIT_MAIN_WITH("oracle: history", set_up, tear_down, tests)
