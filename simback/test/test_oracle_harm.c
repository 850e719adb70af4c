/* SPDX-License-Identifier: ISC */
/*
 * What a fault of the scenario does to data is nobody's mistake: I7, I16 and I19 do not bind where
 * it has struck, and bind everywhere else.
 */
#include "cunit_main.h"
#include "puppet.h"

#include <simback/disk.h>

enum { SECTOR = 9, ELSEWHERE = 200 };

static const struct simback_world_options power_may_fail = {
    .grant_limit = 65536,
    .port_limit = 1023,
    .max_steps = 1000000,
    .memory_limit = UINT64_MAX,
    .rules = true,
    .trace_hash = true,
    .power_may_fail = true,
};

static struct puppet puppet;
static uint8_t one[4096], two[4096], other[4096], buffer[4096];
static uint64_t ids, numbers;

static void set_up(void)
{
    memset(&puppet, 0, sizeof(puppet));
    ids = 100;
    numbers = 0;
    memset(one, 1, sizeof(one));
    memset(two, 2, sizeof(two));
    memset(other, 3, sizeof(other));
    puppet.options = &power_may_fail;
    puppet_begin(&puppet);
    puppet_connect(&puppet);
}

static void tear_down(void)
{
    puppet_end(&puppet);
}

static void again(void)
{
    tear_down();
    set_up();
}

static void add(enum simback_fault_action action, uint64_t offset_512)
{
    const struct simback_fault fault = {
        .ops = SIMBACK_FAULT_ANY,
        .last_512 = UINT64_MAX,
        .percent = 100,
        .times = 1,
        .action = action,
        .offset_512 = offset_512,
    };

    CU_ASSERT_EQUAL(simback_backend_add_fault(puppet.backend, &fault), 0);
}

static void complete(uint64_t number)
{
    puppet_run(&puppet);
    (void)puppet_take(&puppet);
    puppet_complete(&puppet, number, 0);
    puppet_step(&puppet);
}

static void write_there(uint64_t sector, uint32_t sectors, uint8_t *bytes)
{
    puppet_submit(&puppet, ++numbers, BLKFRONT_WRITE, sector, sectors, bytes);
    memcpy(puppet.data[2], bytes, (size_t)sectors * 512);
    puppet_send(&puppet, BLKIF_WIRE_WRITE, ids++, sector, sectors, 2);
    complete(numbers);
}

/* What the caller gets are these bytes, whatever the backend has read. */
static void read_returns(uint64_t sector, uint32_t sectors, const uint8_t *bytes)
{
    puppet_submit(&puppet, ++numbers, BLKFRONT_READ, sector, sectors, buffer);
    puppet_send(&puppet, BLKIF_WIRE_READ, ids++, sector, sectors, 0);
    memcpy(buffer, bytes, (size_t)sectors * 512);
    complete(numbers);
}

static void is_judged(uint64_t sector)
{
    read_returns(sector, 1, other);
    puppet_expect(&puppet, 7, false, "holds unknown bytes");
    again();
}

static void write_with(enum simback_fault_action action, uint64_t offset_512)
{
    write_there(SECTOR, 8, one);
    add(action, offset_512);
    write_there(SECTOR, 8, two);
}

/* Any bytes are good in the units from `first` up to `end`, and not in those around them. */
static void is_exempt(enum simback_fault_action action, uint64_t offset_512, uint64_t first,
                      uint64_t end)
{
    write_with(action, offset_512);
    read_returns(first, (uint32_t)(end - first), other);
    puppet_expect_none(&puppet);
    if (first > SECTOR)
        is_judged(first - 1);
    else
        again();
    write_with(action, offset_512);
    is_judged(end);
}

static void i7_what_was_lost_is_exempt(void)
{
    is_exempt(SIMBACK_LOST, 0, SECTOR, SECTOR + 8);
}

static void i7_what_was_torn_off_is_exempt(void)
{
    is_exempt(SIMBACK_TORN, 0, SECTOR + 4, SECTOR + 8);
}

static void i7_the_corrupted_sector_is_exempt(void)
{
    is_exempt(SIMBACK_CORRUPT, 0, SECTOR, SECTOR + 1);
}

static void i7_both_places_of_a_misdirected_write_are_exempt(void)
{
    is_exempt(SIMBACK_MISDIRECT, ELSEWHERE, SECTOR, SECTOR + 8);
    is_exempt(SIMBACK_MISDIRECT, ELSEWHERE, SECTOR + ELSEWHERE, SECTOR + ELSEWHERE + 8);
}

static void i7_what_a_read_was_not_given_is_exempt(void)
{
    write_there(SECTOR, 8, one);
    add(SIMBACK_SHORT, 0);
    read_returns(SECTOR, 8, other);
    puppet_expect_none(&puppet);
    again();
    write_there(SECTOR, 8, one);
    add(SIMBACK_CORRUPT, 0);
    read_returns(SECTOR, 1, other);
    puppet_expect_none(&puppet);
    is_judged(SECTOR + 1);
}

/* A mapping that fails does nothing to data. */
static void i7_an_error_exempts_nothing(void)
{
    write_there(SECTOR, 1, one);
    add(SIMBACK_MAPFAIL, 0);
    puppet_submit(&puppet, ++numbers, BLKFRONT_WRITE, SECTOR, 1, two);
    memcpy(puppet.data[2], two, 512);
    puppet_send(&puppet, BLKIF_WIRE_WRITE, ids++, SECTOR, 1, 2);
    puppet_run(&puppet);
    CU_ASSERT_FALSE(puppet_take(&puppet));
    puppet_complete(&puppet, numbers, BLKFRONT_IO_ERROR);
    puppet_step(&puppet);
    puppet_expect_none(&puppet);
    is_judged(SECTOR);
}

static void harm(uint64_t first_512, uint64_t count_512)
{
    simback_emit(puppet.world,
                 &(struct simback_event){.kind = SIMBACK_HARM, .b = first_512, .c = count_512});
}

/* However often it strikes in one place, nothing else is exempt for it. */
static void i7_what_lies_together_is_one_range(void)
{
    for (uint64_t i = 0; i < 500; i++)
        harm(1000 + i, 1 + i % 3);
    for (uint64_t i = 500; i-- > 0;)
        harm(500 + i, 1);
    read_returns(500, 1, other);
    read_returns(1500, 1, other);
    puppet_expect_none(&puppet);
    is_judged(499);
    for (uint64_t i = 0; i < 500; i++)
        harm(1000 + i, 1 + i % 3);
    is_judged(1501);
}

/* Of more places than are kept nothing is known any more. */
static void nobody_is_accused_for_what_is_not_known(void)
{
    for (uint64_t i = 0; i < 64; i++)
        harm(1000 + 2 * i, 1);
    is_judged(1001);
    for (uint64_t i = 0; i < 65; i++)
        harm(1000 + 2 * i, 1);
    read_returns(1001, 1, other);
    puppet_expect_none(&puppet);
}

static void flush(void)
{
    simback_app_submit(puppet.world, 0, 0, ++numbers, BLKFRONT_FLUSH, 0, 512, 0, 0, NULL, 0);
    puppet_put(&puppet, &(struct puppet_request){
                            .op = BLKIF_WIRE_FLUSH_DISKCACHE, .id = ids++, .segments = 255});
    puppet_push(&puppet);
    puppet_step(&puppet);
    complete(numbers);
}

static void i16_what_never_was_written_no_flush_brings_back(void)
{
    write_with(SIMBACK_LOST, 0);
    flush();
    simback_backend_power_cut(puppet.backend);
    puppet_run(&puppet);
    CU_ASSERT_TRUE(simback_rule_checks(puppet.world, 16) > 0);
    puppet_expect_none(&puppet);
}

static void i19_who_is_told_to_answer_twice_does_no_wrong(void)
{
    add(SIMBACK_DUPLICATE, 0);
    puppet_submit(&puppet, ++numbers, BLKFRONT_READ, SECTOR, 1, buffer);
    puppet_send(&puppet, BLKIF_WIRE_READ, ids++, SECTOR, 1, 0);
    puppet_run(&puppet);
    CU_ASSERT_EQUAL(puppet_word(&puppet, 2), 2);
    puppet_expect_none(&puppet);
}

static const struct unit_test tests[] = {
    UNIT_TEST(i7_what_was_lost_is_exempt),
    UNIT_TEST(i7_what_was_torn_off_is_exempt),
    UNIT_TEST(i7_the_corrupted_sector_is_exempt),
    UNIT_TEST(i7_both_places_of_a_misdirected_write_are_exempt),
    UNIT_TEST(i7_what_a_read_was_not_given_is_exempt),
    UNIT_TEST(i7_an_error_exempts_nothing),
    UNIT_TEST(i7_what_lies_together_is_one_range),
    UNIT_TEST(nobody_is_accused_for_what_is_not_known),
    UNIT_TEST(i16_what_never_was_written_no_flush_brings_back),
    UNIT_TEST(i19_who_is_told_to_answer_twice_does_no_wrong),
};

UNIT_MAIN_WITH("oracle_harm", set_up, tear_down, tests)
