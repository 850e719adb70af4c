/* SPDX-License-Identifier: ISC */
/*
 * I8: what the statuses of a backend oblige the frontend to tell its caller, and what a flush is
 * when the backend has no means for it. The answers are the backend's own or made by fault rules.
 */
#include "cunit_main.h"
#include "puppet.h"

static struct puppet puppet;
static uint8_t bytes[8192];

static void begin(const char *dialect)
{
    memset(&puppet, 0, sizeof(puppet));
    puppet.dialect = dialect;
    puppet_begin(&puppet);
    puppet_connect(&puppet);
}

static void set_up(void)
{
    begin("linux");
}

static void tear_down(void)
{
    puppet_end(&puppet);
}

static void again(const char *dialect)
{
    tear_down();
    begin(dialect);
}

static void answer_next_with(int16_t status)
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

/* A request of one ring request; its answer is taken, and nobody has heard of it. */
static void read_answered(uint64_t number)
{
    puppet_submit(&puppet, number, BLKFRONT_READ, 8, 8, bytes);
    puppet_send(&puppet, BLKIF_WIRE_READ, number, 8, 8, 0);
    puppet_run(&puppet);
    (void)puppet_take(&puppet);
}

static void submit_flush(uint64_t number)
{
    puppet_submit(&puppet, number, BLKFRONT_FLUSH, 0, 0, NULL);
}

static void try_flush(uint8_t op, uint64_t id)
{
    puppet_send(&puppet, op, id, 0, 0, 0);
    puppet_run(&puppet);
    (void)puppet_take(&puppet);
}

static void complete(uint64_t number, int result)
{
    puppet_complete(&puppet, number, result);
    puppet_step(&puppet);
}

/* ---- errors ---- */

static void i8_every_status_but_okay_is_an_error(void)
{
    static const int16_t statuses[] = {1, 77, -1, -3, INT16_MIN, INT16_MAX};

    for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
        again("linux");
        answer_next_with(statuses[i]);
        read_answered(1);
        complete(1, BLKFRONT_IO_ERROR);
        puppet_expect_none(&puppet);
        answer_next_with(statuses[i]);
        read_answered(2);
        complete(2, BLKFRONT_OK);
        puppet_expect(&puppet, 8, false, "request 2: succeeds, but one of its 1 ring requests was");
    }
}

static void i8_the_first_error_is_the_one_that_is_told(void)
{
    answer_next_with(-1);
    puppet_submit(&puppet, 1, BLKFRONT_READ, 8, 12, bytes);
    puppet_send(&puppet, BLKIF_WIRE_READ, 1, 8, 8, 0);
    puppet_run(&puppet);
    answer_next_with(-7);
    puppet_send(&puppet, BLKIF_WIRE_READ, 2, 16, 4, 0);
    puppet_run(&puppet);
    (void)puppet_take(&puppet);
    complete(1, BLKFRONT_OK);
    puppet_expect(&puppet, 8, false, "one of its 2 ring requests was answered with status -1");
}

static void i8_not_supported_has_no_fallback_for_a_read(void)
{
    static const int good[] = {BLKFRONT_IO_ERROR, BLKFRONT_UNIMPLEMENTED, BLKFRONT_DISCONNECTED};

    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        again("linux");
        answer_next_with(BLKIF_WIRE_EOPNOTSUPP);
        read_answered(1);
        complete(1, good[i]);
        puppet_expect_none(&puppet);
    }
    answer_next_with(BLKIF_WIRE_EOPNOTSUPP);
    read_answered(2);
    complete(2, BLKFRONT_OUT_OF_RANGE);
    puppet_expect(&puppet, 8, false,
                  "request 2: was answered with status -2, but fails with -8 (out of range)");
}

static void i8_an_error_is_not_what_is_not_supported(void)
{
    answer_next_with(BLKIF_WIRE_ERROR);
    read_answered(1);
    complete(1, BLKFRONT_UNIMPLEMENTED);
    puppet_expect(&puppet, 8, false, "was answered with status -1, but fails with -1");
}

/* ---- a flush and its fallbacks ---- */

static void no_flush_is_offered(void)
{
    struct simback_backend_options options;

    puppet_end(&puppet);
    puppet_begin(&puppet);
    simback_backend_options_init(&options);
    options.flush = options.barrier = SIMBACK_NO;
    puppet.backend = simback_world_restart_backend(puppet.world, &options);
    puppet_connect(&puppet);
    puppet_run(&puppet);
}

static void i8_an_error_of_the_first_flush_counts_as_not_supported(void)
{
    answer_next_with(BLKIF_WIRE_ERROR);
    submit_flush(1);
    try_flush(BLKIF_WIRE_FLUSH_DISKCACHE, 1);
    try_flush(BLKIF_WIRE_WRITE_BARRIER, 2);
    complete(1, BLKFRONT_OK);
    puppet_expect_none(&puppet);
    submit_flush(2);
    try_flush(BLKIF_WIRE_FLUSH_DISKCACHE, 3);
    puppet_expect(&puppet, 8, false, "ring request 2 is FLUSH_DISKCACHE again");
}

static void i8_an_error_of_a_later_flush_is_an_error(void)
{
    submit_flush(1);
    try_flush(BLKIF_WIRE_FLUSH_DISKCACHE, 1);
    complete(1, BLKFRONT_OK);
    answer_next_with(BLKIF_WIRE_ERROR);
    submit_flush(2);
    try_flush(BLKIF_WIRE_FLUSH_DISKCACHE, 2);
    complete(2, BLKFRONT_IO_ERROR);
    submit_flush(3); /* and the next one may be tried as before */
    try_flush(BLKIF_WIRE_FLUSH_DISKCACHE, 3);
    complete(3, BLKFRONT_OK);
    puppet_expect_none(&puppet);
    answer_next_with(BLKIF_WIRE_ERROR);
    submit_flush(4);
    try_flush(BLKIF_WIRE_FLUSH_DISKCACHE, 4);
    complete(4, BLKFRONT_OK);
    puppet_expect(&puppet, 8, false, "request 4: succeeds, but one of its 1 ring requests");
}

/* Nor where a former backend had one, before the device was given back. */
static void i2_a_flush_that_needs_nothing_succeeds_by_itself(void)
{
    struct simback_backend_options options;

    puppet_close(&puppet);
    simback_backend_options_init(&options);
    options.flush = options.barrier = SIMBACK_NO;
    puppet.backend = simback_world_restart_backend(puppet.world, &options);
    simback_store_write(puppet.world, "/local/domain/1/device/vbd/51712/state", "1", 1);
    simback_app_call(puppet.world, 0, "connect");
    puppet_connect(&puppet);
    submit_flush(1);
    puppet_complete(&puppet, 1, 0);
    puppet_step(&puppet);
    puppet_expect_none(&puppet);
}

/* It is no more than to wait for what is in flight. */
static void i8_a_flush_that_needs_nothing_should_not_be_refused(void)
{
    submit_flush(1);
    simback_app_refused(puppet.world, 1, BLKFRONT_UNIMPLEMENTED);
    puppet_expect_none(&puppet); /* it was offered, and may be gone by now */
    no_flush_is_offered();
    submit_flush(2);
    simback_app_refused(puppet.world, 2, BLKFRONT_UNIMPLEMENTED);
    puppet_expect(&puppet, 8, true, "a flush is refused as unimplemented");
}

/* The flush after a write with FUA is a part of that write. */
static void write_with_fua_whose_flush_fails(uint64_t number)
{
    static struct blkfront_buffer buffer = {.address = bytes, .size = 4096};

    submit_flush(number);
    try_flush(BLKIF_WIRE_FLUSH_DISKCACHE, number);
    complete(number, BLKFRONT_OK);
    number++;
    simback_app_submit(puppet.world, 0, 0, number, BLKFRONT_WRITE, BLKFRONT_FUA, 512, 8, 8, &buffer,
                       1);
    puppet_send(&puppet, BLKIF_WIRE_WRITE, number, 8, 8, 2);
    puppet_run(&puppet);
    (void)puppet_take(&puppet);
    answer_next_with(BLKIF_WIRE_ERROR);
    try_flush(BLKIF_WIRE_FLUSH_DISKCACHE, number);
}

static void i8_a_write_with_fua_fails_with_its_flush(void)
{
    write_with_fua_whose_flush_fails(1);
    complete(2, BLKFRONT_IO_ERROR);
    puppet_expect_none(&puppet);
}

/* A flush waits, too: there is one for each of them. */
static void a_flush_for_each_that_needs_one(void)
{
    static struct blkfront_buffer buffer = {.address = bytes, .size = 4096};

    simback_app_submit(puppet.world, 0, 0, 1, BLKFRONT_WRITE, BLKFRONT_FUA, 512, 8, 8, &buffer, 1);
    submit_flush(2);
    puppet_send(&puppet, BLKIF_WIRE_WRITE, 1, 8, 8, 2);
    puppet_run(&puppet);
    (void)puppet_take(&puppet);
    try_flush(BLKIF_WIRE_FLUSH_DISKCACHE, 2);
    try_flush(BLKIF_WIRE_FLUSH_DISKCACHE, 3);
    complete(1, BLKFRONT_OK);
    complete(2, BLKFRONT_OK);
    puppet_expect_none(&puppet);
}

static void i8_nobody_hears_that_the_flush_of_a_write_with_fua_has_failed(void)
{
    write_with_fua_whose_flush_fails(1);
    complete(2, BLKFRONT_OK);
    puppet_expect(
        &puppet, 8, false,
        "request 2: succeeds, but one of its 2 ring requests was answered with status -1");
}

static void i8_the_caller_hears_when_no_means_has_worked(void)
{
    static const int good[] = {BLKFRONT_UNIMPLEMENTED, BLKFRONT_IO_ERROR, BLKFRONT_READ_ONLY};

    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        again("linux");
        answer_next_with(BLKIF_WIRE_EOPNOTSUPP);
        submit_flush(1);
        try_flush(BLKIF_WIRE_FLUSH_DISKCACHE, 1);
        complete(1, good[i]);
        puppet_expect_none(&puppet);
    }
    again("linux");
    answer_next_with(BLKIF_WIRE_EOPNOTSUPP);
    submit_flush(1);
    try_flush(BLKIF_WIRE_FLUSH_DISKCACHE, 1);
    complete(1, BLKFRONT_INVALID);
    puppet_expect(&puppet, 8, false,
                  "request 1: is not supported, as the backend has answered, but fails with -5");
}

static void i8_on_the_next_connection_all_is_tried_anew(void)
{
    answer_next_with(BLKIF_WIRE_EOPNOTSUPP);
    submit_flush(1);
    try_flush(BLKIF_WIRE_FLUSH_DISKCACHE, 1);
    complete(1, BLKFRONT_UNIMPLEMENTED);
    puppet_close(&puppet);
    puppet_write(&puppet, "state", "1");
    puppet_connect(&puppet);
    submit_flush(2);
    try_flush(BLKIF_WIRE_FLUSH_DISKCACHE, 2);
    complete(2, BLKFRONT_OK);
    puppet_expect_none(&puppet);
}

static void no_means_works(uint64_t id)
{
    answer_next_with(BLKIF_WIRE_ERROR);
    try_flush(BLKIF_WIRE_FLUSH_DISKCACHE, id);
    answer_next_with(BLKIF_WIRE_EOPNOTSUPP);
    try_flush(BLKIF_WIRE_WRITE_BARRIER, id + 1);
}

/* Also for a flush that the former one could not do: what this one can do is not known yet. */
static void i8_a_flush_that_is_tried_again_on_the_next_connection(void)
{
    submit_flush(1);
    no_means_works(1);
    puppet_reconnect(&puppet);
    no_means_works(3);
    complete(1, BLKFRONT_IO_ERROR);
    puppet_expect_none(&puppet);
    submit_flush(2);
    try_flush(BLKIF_WIRE_WRITE_BARRIER, 5);
    puppet_expect(&puppet, 8, false, "request 2: ring request 2 is WRITE_BARRIER again");
}

static void i8_a_flush_of_the_last_connection_ends_on_this_one(void)
{
    submit_flush(1);
    no_means_works(1);
    puppet_reconnect(&puppet);
    complete(1, BLKFRONT_IO_ERROR);
    submit_flush(2);
    try_flush(BLKIF_WIRE_FLUSH_DISKCACHE, 3);
    complete(2, BLKFRONT_OK);
    puppet_expect_none(&puppet);
}

/* One flush is as good as another: which of the two was refused is for the frontend to know. */
static void i8_one_of_two_flushes_is_refused(void)
{
    answer_next_with(BLKIF_WIRE_ERROR);
    submit_flush(1);
    submit_flush(2);
    puppet_send(&puppet, BLKIF_WIRE_FLUSH_DISKCACHE, 2, 0, 0, 0);
    puppet_send(&puppet, BLKIF_WIRE_FLUSH_DISKCACHE, 1, 0, 0, 0);
    puppet_run(&puppet);
    (void)puppet_take(&puppet);
    complete(1, BLKFRONT_OK);
    try_flush(BLKIF_WIRE_WRITE_BARRIER, 3);
    complete(2, BLKFRONT_OK);
    puppet_expect_none(&puppet);
}

/* Refused by the one, not offered by the next: there it is nothing but waiting. */
static void i8_what_the_next_backend_does_not_offer_is_not_tried(void)
{
    struct simback_backend_options options;

    tear_down();
    memset(&puppet, 0, sizeof(puppet));
    puppet.observed = true; /* so that it is seen to take the answer */
    puppet_begin(&puppet);
    puppet_connect(&puppet);
    puppet_run(&puppet);
    answer_next_with(BLKIF_WIRE_EOPNOTSUPP);
    submit_flush(1);
    try_flush(BLKIF_WIRE_FLUSH_DISKCACHE, 1);
    simback_backend_options_init(&options);
    options.dialect = simback_dialect_find("minimal");
    simback_backend_crash(puppet.backend);
    puppet_write(&puppet, "state", "1");
    puppet_step(&puppet);
    puppet_close_port(&puppet);
    puppet_close_watches(&puppet);
    puppet_end_grants(&puppet);
    puppet.backend = simback_world_restart_backend(puppet.world, &options);
    puppet_connect(&puppet);
    complete(1, BLKFRONT_OK);
    puppet_expect_none(&puppet);
}

/* ---- a flush that is nothing but waiting ---- */

static void held_write(uint64_t number, uint16_t queue)
{
    static struct blkfront_buffer buffer = {.address = bytes, .size = 512};
    const struct simback_fault fault = {
        .ops = SIMBACK_FAULT_ANY,
        .last_512 = UINT64_MAX,
        .percent = 100,
        .times = 1,
        .action = SIMBACK_HOLD,
        .name = 1,
    };

    CU_ASSERT_EQUAL(simback_backend_add_fault(puppet.backend, &fault), 0);
    simback_app_submit(puppet.world, 0, queue, number, BLKFRONT_WRITE, 0, 512, 9, 1, &buffer, 1);
    if (queue == 0)
        puppet_send(&puppet, BLKIF_WIRE_WRITE, number, 9, 1, 2);
    puppet_run(&puppet);
}

static void i8_a_flush_that_does_not_wait(void)
{
    for (uint16_t queue = 0; queue < 2; queue++) {
        again("minimal");
        held_write(1, queue);
        submit_flush(2);
        complete(2, BLKFRONT_OK);
        puppet_expect(&puppet, 8, false,
                      "request 2: the flush succeeds without a ring request while write 1, "
                      "submitted before it, is still in flight");
    }
}

/* It has been answered, although that is taken only when its ring is gone. */
static void i8_a_flush_that_was_answered_before_the_ring_went(void)
{
    static const struct blkfront_buffer buffer = {.address = bytes, .size = 512};

    simback_app_submit(puppet.world, 0, 1, 1, BLKFRONT_WRITE, 0, 512, 9, 1, &buffer, 1);
    submit_flush(2);
    puppet_send(&puppet, BLKIF_WIRE_FLUSH_DISKCACHE, 2, 0, 0, 0);
    puppet_run(&puppet);
    puppet_reconnect(&puppet);
    complete(2, BLKFRONT_OK);
    puppet_expect_none(&puppet);
}

static void i8_a_flush_waits_for_nothing_else(void)
{
    again("minimal");
    submit_flush(1);
    complete(1, BLKFRONT_OK); /* there is nothing to wait for */
    puppet_submit(&puppet, 2, BLKFRONT_READ, 8, 8, bytes);
    submit_flush(3);
    held_write(4, 0);
    complete(3, BLKFRONT_OK); /* a read before it, a write behind it */
    puppet_expect_none(&puppet);
}

static void i8_a_flush_that_has_waited(void)
{
    again("minimal");
    held_write(1, 0);
    submit_flush(2);
    CU_ASSERT_EQUAL(simback_backend_release(puppet.backend, 1), 1);
    puppet_run(&puppet);
    (void)puppet_take(&puppet);
    puppet_complete(&puppet, 1, BLKFRONT_OK);
    complete(2, BLKFRONT_OK);
    puppet_expect_none(&puppet);
}

static void i2_waiting_is_not_enough_where_a_flush_is_offered(void)
{
    submit_flush(1);
    complete(1, BLKFRONT_OK);
    puppet_expect(&puppet, 2, false,
                  "the flush succeeds, but none of its 0 ring requests was answered OKAY");
}

static const struct unit_test tests[] = {
    UNIT_TEST(i8_every_status_but_okay_is_an_error),
    UNIT_TEST(i8_the_first_error_is_the_one_that_is_told),
    UNIT_TEST(i8_not_supported_has_no_fallback_for_a_read),
    UNIT_TEST(i8_an_error_is_not_what_is_not_supported),
    UNIT_TEST(i8_an_error_of_the_first_flush_counts_as_not_supported),
    UNIT_TEST(i2_a_flush_that_needs_nothing_succeeds_by_itself),
    UNIT_TEST(i8_a_flush_that_needs_nothing_should_not_be_refused),
    UNIT_TEST(i8_an_error_of_a_later_flush_is_an_error),
    UNIT_TEST(i8_a_write_with_fua_fails_with_its_flush),
    UNIT_TEST(a_flush_for_each_that_needs_one),
    UNIT_TEST(i8_nobody_hears_that_the_flush_of_a_write_with_fua_has_failed),
    UNIT_TEST(i8_the_caller_hears_when_no_means_has_worked),
    UNIT_TEST(i8_on_the_next_connection_all_is_tried_anew),
    UNIT_TEST(i8_a_flush_that_is_tried_again_on_the_next_connection),
    UNIT_TEST(i8_a_flush_of_the_last_connection_ends_on_this_one),
    UNIT_TEST(i8_one_of_two_flushes_is_refused),
    UNIT_TEST(i8_what_the_next_backend_does_not_offer_is_not_tried),
    UNIT_TEST(i8_a_flush_that_does_not_wait),
    UNIT_TEST(i8_a_flush_that_was_answered_before_the_ring_went),
    UNIT_TEST(i8_a_flush_waits_for_nothing_else),
    UNIT_TEST(i8_a_flush_that_has_waited),
    UNIT_TEST(i2_waiting_is_not_enough_where_a_flush_is_offered),
};
UNIT_MAIN_WITH("oracle: status", set_up, tear_down, tests)
