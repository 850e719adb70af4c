/* SPDX-License-Identifier: ISC */
/*
 * The oracle's book: which request of the application a ring request belongs to, over long runs,
 * other rings and new connections, and what I2 says of those that end in an odd way.
 */
#include "cunit_main.h"
#include "puppet.h"

static struct puppet puppet;
static uint8_t bytes[16384];

static void begin(bool observed)
{
    memset(&puppet, 0, sizeof(puppet));
    puppet.observed = observed;
    puppet_begin(&puppet);
    puppet_connect(&puppet);
}

static void set_up(void)
{
    begin(false);
}

static void tear_down(void)
{
    puppet_end(&puppet);
}

static void again_observed(void)
{
    tear_down();
    begin(true);
}

static void leave_unanswered(enum simback_fault_action action, uint64_t times)
{
    const struct simback_fault fault = {
        .ops = SIMBACK_FAULT_ANY,
        .last_512 = UINT64_MAX,
        .percent = 100,
        .times = times,
        .action = action,
        .name = 1,
    };

    CU_ASSERT_EQUAL(simback_backend_add_fault(puppet.backend, &fault), 0);
}

static void hold(uint64_t times)
{
    leave_unanswered(SIMBACK_HOLD, times);
}

static void submit(uint64_t number, enum blkfront_operation operation, uint64_t sector,
                   uint64_t sectors)
{
    puppet_submit(&puppet, number, operation, sector, sectors, bytes);
}

static void take(void)
{
    puppet_run(&puppet);
    (void)puppet_take(&puppet);
}

static void whole_read(uint64_t number, uint64_t id)
{
    submit(number, BLKFRONT_READ, 8, 8);
    puppet_send(&puppet, BLKIF_WIRE_READ, id, 8, 8, 0);
    take();
    puppet_complete(&puppet, number, 0);
    puppet_step(&puppet);
}

/* ---- which of two that ask for the same ---- */

/* The second one goes first, and fails; its bytes tell that it is the second. */
static void the_second_of_two_fails(int first_result, int second_result)
{
    static uint8_t second[4096];
    const struct simback_fault error = {
        .ops = SIMBACK_FAULT_ANY,
        .last_512 = UINT64_MAX,
        .percent = 100,
        .times = 1,
        .action = SIMBACK_ANSWER_STATUS,
        .status = BLKIF_WIRE_ERROR,
    };

    memset(second, 2, sizeof(second));
    memset(puppet.data[2], 2, sizeof(second));
    submit(1, BLKFRONT_WRITE, 8, 8);
    puppet_submit(&puppet, 2, BLKFRONT_WRITE, 8, 8, second);
    CU_ASSERT_EQUAL(simback_backend_add_fault(puppet.backend, &error), 0);
    puppet_send(&puppet, BLKIF_WIRE_WRITE, 1, 8, 8, 2);
    take();
    puppet_send(&puppet, BLKIF_WIRE_WRITE, 2, 8, 8, 3);
    take();
    puppet_complete(&puppet, 1, first_result);
    puppet_complete(&puppet, 2, second_result);
    puppet_step(&puppet);
}

static void i2_writes_of_the_same_sectors_are_told_apart_by_their_bytes(void)
{
    the_second_of_two_fails(BLKFRONT_OK, BLKFRONT_IO_ERROR);
    puppet_expect_none(&puppet);
}

static void i8_of_such_writes_each_has_its_own_status(void)
{
    the_second_of_two_fails(BLKFRONT_IO_ERROR, BLKFRONT_OK);
    puppet_expect_nth(&puppet, 0, 2, "request 1: fails with -4");
    puppet_expect_nth(&puppet, 1, 8, "request 2: succeeds, but");
}

/* ---- the book ---- */

static void ids_may_be_any_numbers(void)
{
    uint64_t id = 1;

    hold(32);
    for (uint64_t i = 1; i <= 32; i++, id = id * UINT64_C(6364136223846793005) + 1) {
        submit(i, BLKFRONT_READ, 8, 8);
        puppet_send(&puppet, BLKIF_WIRE_READ, id, 8, 8, 0);
    }
    puppet_run(&puppet);
    CU_ASSERT_EQUAL(simback_backend_release(puppet.backend, 1), 32);
    take();
    for (uint64_t i = 32; i > 0; i--)
        puppet_complete(&puppet, i, 0);
    puppet_step(&puppet);
    puppet_expect_none(&puppet);
}

static void the_next_ring_may_have_another_size(void)
{
    static const uint32_t orders[] = {2, 0, 1, 1};

    for (size_t i = 0; i < sizeof(orders) / sizeof(orders[0]); i++) {
        if (i != 0) {
            puppet_close(&puppet);
            puppet_write(&puppet, "state", "1");
        } else {
            tear_down();
            puppet_begin(&puppet);
        }
        puppet.order = orders[i];
        puppet_connect(&puppet);
        for (uint64_t j = 1; j <= 150; j++)
            whole_read(1000 * i + j, j);
        puppet_expect_none(&puppet);
    }
}

static void what_was_on_a_ring_may_be_issued_again_on_the_next(void)
{
    /* What is held keeps its page mapped beyond the backend's 6. */
    leave_unanswered(SIMBACK_DROP, 1);
    submit(1, BLKFRONT_READ, 8, 8);
    submit(2, BLKFRONT_READ, 16, 8);
    puppet_send(&puppet, BLKIF_WIRE_READ, 11, 8, 8, 0);
    puppet_run(&puppet);
    puppet_reconnect(&puppet);
    puppet_send(&puppet, BLKIF_WIRE_READ, 21, 8, 8, 0);
    puppet_send(&puppet, BLKIF_WIRE_READ, 22, 16, 8, 0);
    take();
    puppet_complete(&puppet, 1, 0);
    puppet_complete(&puppet, 2, 0);
    puppet_step(&puppet);
    puppet_expect_none(&puppet);
}

/* The ring's page is the frontend's: what was answered in time may still be taken. */
static void an_answer_may_be_taken_when_the_connection_is_over(void)
{
    for (int observed = 0; observed < 2; observed++) {
        tear_down();
        begin(observed != 0);
        submit(1, BLKFRONT_READ, 8, 8);
        puppet_send(&puppet, BLKIF_WIRE_READ, 11, 8, 8, 0);
        puppet_run(&puppet);
        puppet_disconnect(&puppet);
        (void)puppet_take(&puppet);
        puppet_complete(&puppet, 1, 0);
        puppet_step(&puppet);
        puppet_expect_none(&puppet);
    }
}

static void many_requests_may_wait(void)
{
    uint64_t allocations;

    for (uint64_t i = 1; i <= 1000; i++)
        submit(i, BLKFRONT_READ, 8, 8);
    for (uint64_t i = 1; i <= 1000; i++) /* in another order */
        puppet_complete(&puppet, 1 + i * 7 % 1000, BLKFRONT_DISCONNECTED);
    puppet_step(&puppet);
    allocations = simback_allocations(puppet.world);
    for (uint64_t i = 1001; i <= 2000; i++)
        submit(i, BLKFRONT_READ, 8, 8);
    CU_ASSERT_EQUAL(simback_allocations(puppet.world), allocations);
    puppet_expect_none(&puppet);
}

/* Numbers that lie in one bucket of the oracle's table, whichever ends first. */
static void one_request_may_last_long(void)
{
    hold(1);
    submit(1, BLKFRONT_READ, 16, 8);
    puppet_send(&puppet, BLKIF_WIRE_READ, 5000, 16, 8, 0);
    for (uint64_t i = 2; i <= 200; i++)
        whole_read(i, i);
    for (uint64_t i = 1; i <= 8; i++)
        submit(1 + 64 * (i + 4), BLKFRONT_READ, 8, 8);
    CU_ASSERT_EQUAL(simback_backend_release(puppet.backend, 1), 1);
    take();
    puppet_complete(&puppet, 1, 0);
    puppet_step(&puppet);
    for (uint64_t i = 1; i <= 8; i++)
        puppet_complete(&puppet, 1 + 64 * (i + 4), BLKFRONT_DISCONNECTED);
    puppet_expect_none(&puppet);
}

/* ---- whose part it is ---- */

static void i2_only_a_request_of_the_same_kind_can_want_it(void)
{
    static const struct {
        enum blkfront_operation operation;
        uint8_t op;
        const char *text;
    } pairs[] = {
        {BLKFRONT_WRITE, BLKIF_WIRE_READ, "READ of units 8+8, is no part"},
        {BLKFRONT_READ, BLKIF_WIRE_WRITE, "WRITE of units 8+8, is no part"},
        {BLKFRONT_READ, BLKIF_WIRE_WRITE_BARRIER, "WRITE_BARRIER of units 8+8, is no part"},
    };

    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
        tear_down();
        begin(false);
        submit(1, pairs[i].operation, 8, 8);
        puppet_send(&puppet, pairs[i].op, 11, 8, 8, pairs[i].op == BLKIF_WIRE_READ ? 0 : 2);
        puppet_expect(&puppet, 2, false, pairs[i].text);
    }
}

static void a_barrier_with_data_is_a_write(void)
{
    submit(1, BLKFRONT_WRITE, 8, 8);
    puppet_send(&puppet, BLKIF_WIRE_WRITE_BARRIER, 11, 8, 8, 2);
    take();
    puppet_complete(&puppet, 1, 0);
    puppet_step(&puppet);
    puppet_expect_none(&puppet);
}

static void i9_a_part_that_goes_beyond_its_request(void)
{
    submit(1, BLKFRONT_READ, 8, 12);
    puppet_send(&puppet, BLKIF_WIRE_READ, 11, 8, 8, 0);
    puppet_send(&puppet, BLKIF_WIRE_READ, 12, 16, 8, 0);
    puppet_expect(&puppet, 9, false,
                  "request 1: ring request 1 covers units 16+8, but only 4 of its 12 units are not "
                  "on the ring");
}

static void i2_the_same_part_twice(void)
{
    submit(1, BLKFRONT_READ, 8, 8);
    puppet_send(&puppet, BLKIF_WIRE_READ, 11, 8, 8, 0);
    puppet_send(&puppet, BLKIF_WIRE_READ, 12, 8, 8, 0);
    puppet_expect(&puppet, 2, false, "ring request 1, READ of units 8+8, is no part of anything");
}

static void the_one_whose_next_part_it_is_comes_first(void)
{
    submit(1, BLKFRONT_READ, 8, 16);
    submit(2, BLKFRONT_READ, 16, 8); /* lies in the first one too */
    puppet_send(&puppet, BLKIF_WIRE_READ, 11, 16, 8, 0);
    puppet_send(&puppet, BLKIF_WIRE_READ, 12, 8, 8, 0);
    puppet_send(&puppet, BLKIF_WIRE_READ, 13, 16, 8, 0);
    take();
    puppet_complete(&puppet, 1, 0);
    puppet_complete(&puppet, 2, 0);
    puppet_step(&puppet);
    puppet_expect_none(&puppet);
}

/* Then neither is accused of what the other one may have put; but what lies in none is. */
static void i9_either_of_two_may_be_the_one(void)
{
    submit(1, BLKFRONT_READ, 8, 20);
    submit(2, BLKFRONT_READ, 8, 14);
    puppet_send(&puppet, BLKIF_WIRE_READ, 11, 8, 7, 0);
    puppet_send(&puppet, BLKIF_WIRE_READ, 12, 15, 7, 0);
    puppet_send(&puppet, BLKIF_WIRE_READ, 13, 8, 8, 0);
    puppet_send(&puppet, BLKIF_WIRE_READ, 14, 16, 8, 0);
    puppet_send(&puppet, BLKIF_WIRE_READ, 15, 24, 4, 0);
    puppet_expect_none(&puppet);
    puppet_send(&puppet, BLKIF_WIRE_READ, 16, 25, 4, 0);
    puppet_expect(&puppet, 9, false, "ring request 5 covers units 25+4");
}

static void it_is_found_before_many_others(void)
{
    submit(1, BLKFRONT_READ, 8, 8);
    for (uint64_t i = 2; i < 40; i++)
        submit(i, BLKFRONT_READ, 8 * i, 8);
    puppet_send(&puppet, BLKIF_WIRE_READ, 11, 8, 8, 0);
    take();
    puppet_complete(&puppet, 1, 0);
    puppet_expect_none(&puppet);
}

static void a_write_with_fua_may_be_flushed(void)
{
    static struct blkfront_buffer buffer = {.address = bytes, .size = 4096};

    simback_app_submit(puppet.world, 0, 0, 1, BLKFRONT_WRITE, BLKFRONT_FUA, 512, 8, 8, &buffer, 1);
    puppet_send(&puppet, BLKIF_WIRE_WRITE, 11, 8, 8, 2);
    puppet_send(&puppet, BLKIF_WIRE_FLUSH_DISKCACHE, 12, 0, 0, 0);
    take();
    puppet_complete(&puppet, 1, 0);
    puppet_step(&puppet);
    puppet_expect_none(&puppet);
}

static void i2_a_flush_that_nobody_needs(void)
{
    submit(1, BLKFRONT_WRITE, 8, 8);
    puppet_send(&puppet, BLKIF_WIRE_FLUSH_DISKCACHE, 12, 0, 0, 0);
    puppet_expect(&puppet, 2, false, "ring request 0, FLUSH_DISKCACHE of units 0+0, is no part");
}

static void i2_a_response_that_was_never_read_is_overwritten(void)
{
    again_observed();
    for (uint64_t i = 1; i <= 32; i++) {
        submit(i, BLKFRONT_READ, 8, 8);
        puppet_send(&puppet, BLKIF_WIRE_READ, i, 8, 8, 0);
        puppet_run(&puppet);
    }
    puppet_expect_none(&puppet);
    submit(33, BLKFRONT_READ, 8, 8);
    puppet_send(&puppet, BLKIF_WIRE_READ, 33, 8, 8, 0);
    puppet_run(&puppet);
    puppet_expect(&puppet, 2, false,
                  "request 33: ring request 32 lies over a response that was never read");
}

/* The ring is the frontend's until it has ended its grants: it may take what was answered in time
 * after its own 6. */
static void answers_taken_after_our_6(bool observed)
{
    tear_down();
    begin(observed);
    submit(1, BLKFRONT_READ, 8, 8);
    puppet_send(&puppet, BLKIF_WIRE_READ, 11, 8, 8, 0);
    puppet_run(&puppet);
    puppet_disconnect(&puppet);
    take();
    puppet_complete(&puppet, 1, 0);
    puppet_expect_none(&puppet);
}

static void i2_answers_are_taken_after_our_6(void)
{
    answers_taken_after_our_6(true);
    answers_taken_after_our_6(false);
}

/* ---- ends ---- */

static void i2_refused_with_a_part_on_the_ring(void)
{
    submit(1, BLKFRONT_READ, 8, 8);
    puppet_send(&puppet, BLKIF_WIRE_READ, 11, 8, 8, 0);
    simback_app_refused(puppet.world, 1, BLKFRONT_DISCONNECTED);
    puppet_expect(&puppet, 2, false,
                  "request 1: refused with -2 (disconnected), but 1 of its parts are on the ring");
    take(); /* its answer is nobody's */
    puppet_expect(&puppet, 2, false, "refused");
}

static void i2_completes_without_having_been_submitted(void)
{
    puppet_complete(&puppet, 99, 0);
    puppet_expect(&puppet, 2, false, "completes with 0 (ok) although it was never submitted");
    simback_app_refused(puppet.world, 98, 0); /* nor was that */
    puppet_expect(&puppet, 2, false, "request 99");
}

/* Whoever tells an observer has put nothing since. */
static void i2_nothing_goes_unseen_where_nothing_goes(void)
{
    again_observed();
    submit(1, BLKFRONT_READ, 8, 8);
    puppet_send(&puppet, BLKIF_WIRE_READ, 11, 8, 8, 0);
    take();
    puppet_complete(&puppet, 1, 0);
    CU_ASSERT_EQUAL(
        simback_backend_move_index(puppet.backend, 0, SIMBACK_REQ_PROD, 5000, false, false), 0);
    submit(2, BLKFRONT_READ, 8, 8);
    puppet_expect_none(&puppet);
    puppet_complete(&puppet, 2, 0);
    puppet_expect(&puppet, 2, false, "succeeds with 0 of 8 units answered OKAY");
}

static void i2_completes_again_long_afterwards(void)
{
    for (uint64_t i = 1; i <= 200; i++) {
        submit(i, BLKFRONT_READ, 8, 8);
        puppet_complete(&puppet, i, BLKFRONT_DISCONNECTED);
    }
    puppet_expect_none(&puppet);
    puppet_complete(&puppet, 1, BLKFRONT_DEADLINE);
    puppet_expect(&puppet, 2, false, "request 1: completes again, with -11 (deadline)");
}

static void sectors_that_no_disk_has_are_not_computed_with(void)
{
    static const struct {
        uint32_t sector_size;
        uint64_t sector, sectors;
    } asked[] = {
        {512, UINT64_MAX, 1},
        {4096, UINT64_MAX / 4, 8},
        {4096, 8, UINT64_MAX / 4},
        {256, 8, 8},
    };

    for (size_t i = 0; i < sizeof(asked) / sizeof(asked[0]); i++) {
        simback_app_submit(puppet.world, 0, 0, i + 1, BLKFRONT_READ, 0, asked[i].sector_size,
                           asked[i].sector, asked[i].sectors, NULL, 0);
        puppet_complete(&puppet, i + 1, BLKFRONT_OUT_OF_RANGE);
    }
    puppet_expect_none(&puppet);
}

/* ---- what is told ---- */

static void a_violation_knows_its_step_and_its_time(void)
{
    const struct simback_violation *violation;

    simback_app_step(puppet.world, 7, 70);
    simback_advance(puppet.world, 5000);
    puppet_complete(&puppet, 99, 0);
    violation = simback_violation(puppet.world, 0);
    if (violation == NULL) {
        CU_FAIL("nothing is broken");
        return;
    }
    CU_ASSERT_EQUAL(violation->step, 7);
    CU_ASSERT_EQUAL(violation->time_ns, 5000);
    CU_ASSERT_EQUAL(violation->request, 99);
    CU_ASSERT_EQUAL(violation->device, SIMBACK_NO_DEVICE);
}

static void others_may_find_something_too(void)
{
    simback_violate(puppet.world, 4, false, 0, 3, "it hangs in %s", "a test");
    puppet_expect_nth(&puppet, 0, 4, "I4 xvda request 3: it hangs in a test");
    simback_violate(puppet.world, 4, true, 5, 0, "so does this");
    puppet_expect_nth(&puppet, 1, 4, "I4 device 5: so does this");
    simback_violate(puppet.world, 13, false, SIMBACK_NO_DEVICE, 0, "and all of it");
    puppet_expect_nth(&puppet, 2, 13, "I13 no device: and all of it");
    CU_ASSERT_EQUAL(simback_violations(puppet.world, false), 2);
    CU_ASSERT_EQUAL(simback_violations(puppet.world, true), 3);
}

static void the_first_ones_are_kept_and_all_are_counted(void)
{
    for (uint64_t i = 0; i < 100; i++)
        simback_violate(puppet.world, 4, false, 0, i, "again");
    CU_ASSERT_EQUAL(simback_violations(puppet.world, false), 100);
    CU_ASSERT_EQUAL(simback_violation(puppet.world, SIMBACK_VIOLATIONS_KEPT - 1)->request,
                    SIMBACK_VIOLATIONS_KEPT - 1);
    CU_ASSERT_PTR_NULL(simback_violation(puppet.world, SIMBACK_VIOLATIONS_KEPT));
}

static void every_rule_has_a_sentence(void)
{
    for (unsigned rule = 1; rule <= SIMBACK_RULES; rule++) {
        CU_ASSERT_PTR_NOT_NULL_FATAL(simback_rule_text((uint8_t)rule));
        CU_ASSERT_PTR_NOT_NULL(strstr(simback_rule_text((uint8_t)rule), ": "));
    }
    CU_ASSERT_PTR_NULL(simback_rule_text(0));
    CU_ASSERT_PTR_NULL(simback_rule_text(SIMBACK_RULES + 1));
    CU_ASSERT_EQUAL(simback_rule_checks(puppet.world, SIMBACK_RULES + 1), 0);
}

static void without_rules_the_application_is_only_heard(void)
{
    struct simback_world_options options;
    uint64_t events;

    simback_world_options_init(&options);
    options.rules = false;
    tear_down();
    puppet.options = &options;
    puppet_begin(&puppet);
    puppet_connect(&puppet);
    events = simback_event_count(puppet.world);
    submit(1, BLKFRONT_READ, 8, 8);
    puppet_complete(&puppet, 1, 0);
    puppet_complete(&puppet, 1, 0);
    simback_app_refused(puppet.world, 1, 0);
    puppet_app_state(&puppet, BLKFRONT_CLOSED);
    simback_app_call(puppet.world, 0, "disconnect");
    simback_app_return(puppet.world, 0, "disconnect", 0);
    simback_app_released(puppet.world, 0);
    simback_app_end(puppet.world);
    CU_ASSERT_EQUAL(simback_event_count(puppet.world), events + 7);
    CU_ASSERT_EQUAL(simback_violations(puppet.world, true), 0);
}

static const struct unit_test tests[] = {
    UNIT_TEST(i2_writes_of_the_same_sectors_are_told_apart_by_their_bytes),
    UNIT_TEST(i8_of_such_writes_each_has_its_own_status),
    UNIT_TEST(ids_may_be_any_numbers),
    UNIT_TEST(the_next_ring_may_have_another_size),
    UNIT_TEST(what_was_on_a_ring_may_be_issued_again_on_the_next),
    UNIT_TEST(an_answer_may_be_taken_when_the_connection_is_over),
    UNIT_TEST(many_requests_may_wait),
    UNIT_TEST(one_request_may_last_long),
    UNIT_TEST(i2_only_a_request_of_the_same_kind_can_want_it),
    UNIT_TEST(a_barrier_with_data_is_a_write),
    UNIT_TEST(i9_a_part_that_goes_beyond_its_request),
    UNIT_TEST(i2_the_same_part_twice),
    UNIT_TEST(the_one_whose_next_part_it_is_comes_first),
    UNIT_TEST(i9_either_of_two_may_be_the_one),
    UNIT_TEST(it_is_found_before_many_others),
    UNIT_TEST(a_write_with_fua_may_be_flushed),
    UNIT_TEST(i2_a_flush_that_nobody_needs),
    UNIT_TEST(i2_a_response_that_was_never_read_is_overwritten),
    UNIT_TEST(i2_answers_are_taken_after_our_6),
    UNIT_TEST(i2_refused_with_a_part_on_the_ring),
    UNIT_TEST(i2_completes_without_having_been_submitted),
    UNIT_TEST(i2_nothing_goes_unseen_where_nothing_goes),
    UNIT_TEST(i2_completes_again_long_afterwards),
    UNIT_TEST(sectors_that_no_disk_has_are_not_computed_with),
    UNIT_TEST(a_violation_knows_its_step_and_its_time),
    UNIT_TEST(others_may_find_something_too),
    UNIT_TEST(the_first_ones_are_kept_and_all_are_counted),
    UNIT_TEST(every_rule_has_a_sentence),
    UNIT_TEST(without_rules_the_application_is_only_heard),
};
UNIT_MAIN_WITH("oracle: correlation", set_up, tear_down, tests)
