/* SPDX-License-Identifier: ISC */
/*
 * I16: what a power cut may bring back. The disk keeps what was flushed; a frontend that says that
 * a flush is done, or a write with FUA, without having asked for one, loses what it promised to
 * keep.
 */
#include "cunit_main.h"
#include "puppet.h"

enum { SECTOR = 9 };

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
static uint8_t bytes[5][512];
static uint64_t ids, numbers;

static void begin_with(const struct simback_world_options *options)
{
    struct simback_backend_options backend;

    memset(&puppet, 0, sizeof(puppet));
    for (size_t i = 0; i < sizeof(bytes) / sizeof(bytes[0]); i++)
        memset(bytes[i], (int)i, sizeof(bytes[i]));
    ids = 100;
    numbers = 0;
    puppet.options = options;
    puppet_begin(&puppet);
    simback_backend_options_init(&backend);
    backend.discard = SIMBACK_YES;
    puppet.backend = simback_world_restart_backend(puppet.world, &backend);
    puppet_connect(&puppet);
}

static void set_up(void)
{
    begin_with(&power_may_fail);
}

static void tear_down(void)
{
    puppet_end(&puppet);
}

static void again_with(const struct simback_world_options *options)
{
    puppet_end(&puppet);
    begin_with(options);
}

static void take(void)
{
    puppet_run(&puppet);
    (void)puppet_take(&puppet);
}

static void complete(uint64_t number, int result)
{
    puppet_complete(&puppet, number, result);
    puppet_step(&puppet);
}

/* A request to the backend, answered. */
static void do_flush(void)
{
    puppet_put(&puppet, &(struct puppet_request){
                            .op = BLKIF_WIRE_FLUSH_DISKCACHE, .id = ids++, .segments = 255});
    puppet_push(&puppet);
    puppet_step(&puppet);
    take();
}

static void put_write(uint64_t sector, unsigned value)
{
    memcpy(puppet.data[2], bytes[value], 512);
    puppet_send(&puppet, BLKIF_WIRE_WRITE, ids++, sector, 1, 2);
}

static uint64_t submit_write(uint64_t sector, unsigned value, unsigned flags)
{
    static struct blkfront_buffer buffers[64];
    struct blkfront_buffer *buffer = &buffers[numbers % 64];

    buffer->address = bytes[value];
    buffer->size = 512;
    simback_app_submit(puppet.world, 0, 0, ++numbers, BLKFRONT_WRITE, flags, 512, sector, 1, buffer,
                       1);
    return numbers;
}

static uint64_t submit_flush(void)
{
    simback_app_submit(puppet.world, 0, 0, ++numbers, BLKFRONT_FLUSH, 0, 512, 0, 0, NULL, 0);
    return numbers;
}

static void write_with(unsigned value, unsigned flags)
{
    const uint64_t number = submit_write(SECTOR, value, flags);

    put_write(SECTOR, value);
    take();
    complete(number, BLKFRONT_OK);
}

static void write_value(unsigned value)
{
    write_with(value, 0);
}

static void flush(void)
{
    const uint64_t number = submit_flush();

    do_flush();
    complete(number, BLKFRONT_OK);
}

/* One that says that it is done. */
static void lie(void)
{
    complete(submit_flush(), BLKFRONT_OK);
    puppet_expect_nth(&puppet, 0, 2, "the flush succeeds, but none");
}

static void cut(void)
{
    simback_backend_power_cut(puppet.backend);
}

/* ---- what has to be there ---- */

static void what_was_flushed_is_still_there(void)
{
    write_value(1);
    flush();
    cut();
    puppet_expect_none(&puppet);
    CU_ASSERT_EQUAL(simback_rule_checks(puppet.world, 16), 1);
}

static void what_was_not_flushed_may_be_lost(void)
{
    write_value(1);
    cut();
    puppet_expect_none(&puppet);
    CU_ASSERT_EQUAL(simback_rule_checks(puppet.world, 16), 1);
}

static void what_came_after_the_flush_may_be_lost(void)
{
    write_value(1);
    flush();
    write_value(2);
    write_value(3);
    cut();
    puppet_expect_none(&puppet);
}

static void i16_a_flush_that_never_was_loses_what_it_promised(void)
{
    write_value(1);
    lie();
    cut();
    puppet_expect_nth(&puppet, 1, 16,
                      "sector 9 holds what sector 9 of the disk held at first after the power cut; "
                      "possible were: write 1 (acknowledged)");
}

static void i16_an_older_flush_does_not_count(void)
{
    write_value(1);
    flush();
    write_value(2);
    lie();
    write_value(3);
    cut();
    puppet_expect_nth(&puppet, 1, 16,
                      "holds what write 1 wrote to sector 9 after the power cut; possible were: ");
}

/* ---- which writes a flush covers ---- */

/* What was under way when the flush was asked for is none of its matters. */
static void a_write_that_was_acknowledged_later_may_be_lost(void)
{
    const uint64_t write = submit_write(SECTOR, 1, 0), number = submit_flush();

    do_flush();
    complete(number, BLKFRONT_OK);
    put_write(SECTOR, 1);
    take();
    complete(write, BLKFRONT_OK);
    cut();
    puppet_expect_none(&puppet);
}

static void what_has_failed_may_be_there_or_not(void)
{
    uint64_t number;

    write_value(1);
    flush();
    number = submit_write(SECTOR, 2, 0);
    put_write(SECTOR, 2);
    do_flush(); /* the frontend's own */
    complete(number, BLKFRONT_DISCONNECTED);
    cut();
    puppet_expect_nth(&puppet, 0, 2, "");
    CU_ASSERT_EQUAL(simback_violations(puppet.world, true), 1);
}

static void i16_a_flush_that_has_failed_promises_nothing(void)
{
    write_value(1);
    complete(submit_flush(), BLKFRONT_DISCONNECTED);
    cut();
    puppet_expect_none(&puppet);
}

/* ---- FUA ---- */

static void i16_a_write_with_fua_is_durable_by_itself(void)
{
    write_with(1, BLKFRONT_FUA);
    cut();
    puppet_expect(&puppet, 16, false, "possible were: write 1 (acknowledged)");
}

static void one_that_is_flushed_is(void)
{
    const uint64_t number = submit_write(SECTOR, 1, BLKFRONT_FUA);

    put_write(SECTOR, 1);
    take();
    do_flush();
    complete(number, BLKFRONT_OK);
    cut();
    puppet_expect_none(&puppet);
}

/* It says nothing of other sectors. */
static void what_was_written_elsewhere_may_be_lost(void)
{
    uint64_t number;

    write_value(1);
    number = submit_write(SECTOR + 64, 2, BLKFRONT_FUA);
    put_write(SECTOR + 64, 2);
    take();
    do_flush();
    complete(number, BLKFRONT_OK);
    write_value(3);
    cut();
    puppet_expect_none(&puppet);
}

/* ---- what cannot be told ---- */

static void a_backend_that_only_pretends_to_flush(void)
{
    const struct simback_fault pretend = {
        .ops = SIMBACK_FAULT_FLUSH,
        .last_512 = UINT64_MAX,
        .percent = 100,
        .action = SIMBACK_ANSWER_STATUS,
        .status = 0,
    };

    write_value(1);
    CU_ASSERT_EQUAL(simback_backend_add_fault(puppet.backend, &pretend), 0);
    flush();
    cut();
    puppet_expect_none(&puppet);
}

static void one_that_only_pretends_to_write(void)
{
    const struct simback_fault pretend = {
        .ops = SIMBACK_FAULT_WRITE,
        .last_512 = UINT64_MAX,
        .percent = 100,
        .action = SIMBACK_ANSWER_STATUS,
        .status = 0,
    };

    CU_ASSERT_EQUAL(simback_backend_add_fault(puppet.backend, &pretend), 0);
    write_value(1);
    flush();
    cut();
    puppet_expect_none(&puppet);
}

static void sectors_that_were_given_up_may_be_zeros(void)
{
    write_value(1);
    flush();
    puppet_submit(&puppet, ++numbers, BLKFRONT_DISCARD, 0, 64, NULL);
    puppet_put(&puppet,
               &(struct puppet_request){.op = BLKIF_WIRE_DISCARD, .id = ids++, .segments = 255});
    complete(numbers, BLKFRONT_DISCONNECTED);
    cut();
    CU_ASSERT_EQUAL(simback_rule_checks(puppet.world, 16), 1);
}

/* Of many values only so much is kept that nobody is accused for what is not known. */
static void what_is_kept_of_a_sector_is_bounded(void)
{
    write_value(4);
    flush();
    for (unsigned i = 0; i < 60; i++)
        write_value(i % 4);
    cut();
    puppet_expect_none(&puppet);
}

static void after_a_cut_all_begins_anew(void)
{
    write_value(1);
    cut();
    (void)puppet_read_back(&puppet, "state");
    cut();
    puppet_expect_none(&puppet);
    CU_ASSERT_EQUAL(simback_rule_checks(puppet.world, 16), 1);
}

static void where_no_power_may_fail_nothing_is_kept(void)
{
    again_with(NULL);
    write_value(1);
    lie();
    cut();
    CU_ASSERT_EQUAL(simback_violations(puppet.world, true), 1);
    CU_ASSERT_EQUAL(simback_rule_checks(puppet.world, 16), 0);
}

static const struct unit_test tests[] = {
    UNIT_TEST(what_was_flushed_is_still_there),
    UNIT_TEST(what_was_not_flushed_may_be_lost),
    UNIT_TEST(what_came_after_the_flush_may_be_lost),
    UNIT_TEST(i16_a_flush_that_never_was_loses_what_it_promised),
    UNIT_TEST(i16_an_older_flush_does_not_count),
    UNIT_TEST(a_write_that_was_acknowledged_later_may_be_lost),
    UNIT_TEST(what_has_failed_may_be_there_or_not),
    UNIT_TEST(i16_a_flush_that_has_failed_promises_nothing),
    UNIT_TEST(i16_a_write_with_fua_is_durable_by_itself),
    UNIT_TEST(one_that_is_flushed_is),
    UNIT_TEST(what_was_written_elsewhere_may_be_lost),
    UNIT_TEST(a_backend_that_only_pretends_to_flush),
    UNIT_TEST(one_that_only_pretends_to_write),
    UNIT_TEST(sectors_that_were_given_up_may_be_zeros),
    UNIT_TEST(what_is_kept_of_a_sector_is_bounded),
    UNIT_TEST(after_a_cut_all_begins_anew),
    UNIT_TEST(where_no_power_may_fail_nothing_is_kept),
};
UNIT_MAIN_WITH("oracle: durability", set_up, tear_down, tests)
