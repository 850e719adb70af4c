/* SPDX-License-Identifier: ISC */
/*
 * I3 and I18: ring indices that make no sense. The frontend's own, wherever the ring begins; and an
 * rsp_prod of a backend that was told to break the protocol, which has to fail the device.
 */
#include "cunit_main.h"
#include "puppet.h"

enum { RSP_PROD = 2, REQ_PROD = 0 }; /* words of the header */

static struct puppet puppet;
static uint8_t bytes[4096];

static void set_up(void)
{
    memset(&puppet, 0, sizeof(puppet));
    puppet_begin(&puppet);
    puppet_connect(&puppet);
}

static void tear_down(void)
{
    puppet_end(&puppet);
}

static void again_observed_from(bool observed, uint32_t start)
{
    puppet_end(&puppet);
    puppet.observed = observed;
    puppet.start = start;
    puppet_begin(&puppet);
    puppet_connect(&puppet);
}

static void hold_all(void)
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

/* So many reads are put and published at once. */
static void put_reads(uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        puppet_submit(&puppet, i + 1, BLKFRONT_READ, 8, 8, bytes);
        puppet_put(&puppet, &(struct puppet_request){
                                .op = BLKIF_WIRE_READ, .id = i, .sector_512 = 8, .last = 7});
    }
    puppet_push(&puppet);
    puppet_step(&puppet);
}

static void move_req_prod_by(uint32_t more)
{
    puppet_set_word(&puppet, REQ_PROD, puppet_word(&puppet, REQ_PROD) + more);
    puppet_step(&puppet);
}

/* The backend moves rsp_prod, and the event for it arrives. */
static void move_rsp_prod_by(uint32_t more)
{
    uint32_t port;

    CU_ASSERT_EQUAL(
        simback_backend_move_index(puppet.backend, 0, RSP_PROD, more, true, !puppet.observed), 0);
    while (puppet.platform->port_pending(puppet.context, puppet.channels, &port) > 0)
        (void)puppet.platform->port_unmask(puppet.context, puppet.channels, port);
}

/* Everybody else has done what there was to do. */
static void end_at_rest(void)
{
    puppet_run(&puppet);
    simback_app_end(puppet.world);
}

/* By then a device that is to fail has failed. */
static void many_steps(void)
{
    for (int i = 0; i < 4 * 64; i++)
        puppet_step(&puppet);
}

static void look_at_rsp_prod(void)
{
    (void)puppet_load32(&puppet, puppet.ring + 8);
}

static void load_a_slot(void)
{
    blkfront_observe(puppet_slot(&puppet, 0), 16, BLKFRONT_ACCESS_LOAD);
}

/* ---- the frontend's index ---- */

static void i3_a_full_ring(void)
{
    hold_all();
    put_reads(32);
    puppet_expect_none(&puppet);
    CU_ASSERT_TRUE(simback_rule_checks(puppet.world, 3) > 0);
}

static void i3_more_requests_than_the_ring_holds(void)
{
    hold_all();
    put_reads(32);
    move_req_prod_by(1);
    puppet_expect(&puppet, 3, false,
                  "the frontend moved req_prod of queue 0 from 0x20 to 0x21 while rsp_prod is 0: "
                  "the ring holds 32 requests");
}

static void i3_room_comes_with_answers(void)
{
    for (uint64_t i = 1; i <= 100; i++) {
        puppet_submit(&puppet, i, BLKFRONT_READ, 8, 8, bytes);
        puppet_send(&puppet, BLKIF_WIRE_READ, i, 8, 8, 0);
        puppet_run(&puppet);
        (void)puppet_take(&puppet);
        puppet_complete(&puppet, i, 0);
    }
    puppet_expect_none(&puppet);
}

static void i3_req_prod_behind_rsp_prod(void)
{
    move_req_prod_by(UINT32_MAX);
    puppet_expect(&puppet, 3, false, "from 0 to 0xffffffff while rsp_prod is 0");
}

static void i3_a_request_is_not_taken_back(void)
{
    hold_all();
    put_reads(3);
    move_req_prod_by(UINT32_MAX);
    puppet_expect(&puppet, 3, false, "from 0x3 to 0x2 while rsp_prod is 0");
}

/* The backend's doing is none of the frontend's. */
static void i3_what_the_backend_did_to_req_prod_does_not_count(void)
{
    CU_ASSERT_EQUAL(simback_backend_move_index(puppet.backend, 0, REQ_PROD, 5000, false, false), 0);
    puppet_expect_none(&puppet);
    puppet_set_word(&puppet, REQ_PROD, 0);
    puppet_step(&puppet);
    puppet_expect_none(&puppet);
}

/* ---- wherever it begins ---- */

static void i18_the_ring_wraps(void)
{
    static const uint32_t starts[] = {1, 0x7ffffff0, 0x7fffffff, 0xfffffff0, 0xffffffff};

    for (size_t i = 0; i < sizeof(starts) / sizeof(starts[0]); i++) {
        again_observed_from(true, starts[i]);
        i3_room_comes_with_answers();
        CU_ASSERT_TRUE(simback_rule_checks(puppet.world, 18) > 0);
        again_observed_from(false, starts[i]);
        i3_a_full_ring();
    }
}

static void i18_more_requests_than_the_ring_holds(void)
{
    static const uint32_t starts[] = {0x7ffffff0, 0x7fffffff, 0x80000000, 0xfffffff0, 0xffffffff};

    for (size_t i = 0; i < sizeof(starts) / sizeof(starts[0]); i++) {
        again_observed_from(false, starts[i]);
        hold_all();
        put_reads(32);
        move_req_prod_by(1);
        puppet_expect(&puppet, 18, false, "the ring holds 32 requests");
    }
}

static void i18_far_from_a_boundary_it_is_i3(void)
{
    static const uint32_t starts[] = {0x1000, 0x7fff0000, 0x80001000};

    for (size_t i = 0; i < sizeof(starts) / sizeof(starts[0]); i++) {
        again_observed_from(false, starts[i]);
        hold_all();
        put_reads(32);
        move_req_prod_by(1);
        puppet_expect(&puppet, 3, false, "the ring holds 32 requests");
    }
}

/* ---- rsp_prod ---- */

static void i3_a_slot_is_read_beyond_the_ring(void)
{
    again_observed_from(true, 0);
    move_rsp_prod_by(1000);
    look_at_rsp_prod();
    puppet_expect_none(&puppet);
    load_a_slot();
    puppet_expect(&puppet, 3, false,
                  "slot 0 of queue 0 is read although rsp_prod was loaded as 0x3e8, beyond the "
                  "ring (0 answered, 0 asked)");
}

static void i3_a_slot_is_read_that_nobody_asked_for(void)
{
    again_observed_from(true, 0);
    move_rsp_prod_by(5);
    look_at_rsp_prod();
    load_a_slot();
    puppet_expect(&puppet, 3, true, "was loaded as 0x5, with only 0 asked");
}

/* The ring's size is the border between what must and what should be seen, on both sides. */
static void i3_the_border_is_the_size_of_the_ring(void)
{
    static const struct {
        uint32_t by;
        bool should;
    } moves[] = {{32, true}, {33, false}, {(uint32_t)-32, true}, {(uint32_t)-33, false}};

    for (size_t i = 0; i < sizeof(moves) / sizeof(moves[0]); i++) {
        again_observed_from(true, 0);
        move_rsp_prod_by(moves[i].by);
        look_at_rsp_prod();
        load_a_slot();
        puppet_expect(&puppet, 3, moves[i].should, "slot 0 of queue 0 is read");
    }
}

static void i3_an_answer_that_is_there_may_be_read(void)
{
    again_observed_from(true, 0);
    put_reads(1);
    puppet_run(&puppet);
    look_at_rsp_prod();
    load_a_slot();
    puppet_expect_none(&puppet);
}

/* It was right again before anybody looked. */
static void i3_what_nobody_saw_does_no_harm(void)
{
    again_observed_from(true, 0);
    move_rsp_prod_by(1000);
    move_rsp_prod_by((uint32_t)-1000);
    look_at_rsp_prod();
    load_a_slot();
    end_at_rest();
    puppet_expect_none(&puppet);
}

static void i3_written_just_before_the_load(void)
{
    const uint32_t far = 1000;

    again_observed_from(true, 0);
    CU_ASSERT_EQUAL(simback_before_load(puppet.world, 0, 0, 1, 8, &far, sizeof(far)), 0);
    look_at_rsp_prod();
    puppet_expect_none(&puppet);
    load_a_slot();
    puppet_expect(&puppet, 3, false, "was loaded as 0x3e8, beyond the ring");
}

static void i3_answers_to_what_was_published_in_this_step(void)
{
    const uint32_t one = 1;

    again_observed_from(true, 0);
    CU_ASSERT_EQUAL(simback_before_load(puppet.world, 0, 0, 2, 8, &one, sizeof(one)), 0);
    puppet_submit(&puppet, 1, BLKFRONT_READ, 8, 8, bytes);
    puppet_put(&puppet, &(struct puppet_request){
                            .op = BLKIF_WIRE_READ, .id = 1, .sector_512 = 8, .last = 7});
    puppet_push(&puppet);
    look_at_rsp_prod();
    load_a_slot();
    puppet_expect_none(&puppet);
}

/* ---- the device must fail ---- */

static void seen_by(bool observed)
{
    again_observed_from(observed, 0);
    move_rsp_prod_by(1000);
    if (observed)
        look_at_rsp_prod();
    puppet_step(&puppet);
}

static void i3_the_device_is_still_connected_at_rest(void)
{
    for (int observed = 0; observed < 2; observed++) {
        seen_by(observed != 0);
        puppet_expect_none(&puppet);
        end_at_rest();
        puppet_expect(&puppet, 3, false,
                      "rsp_prod of queue 0 was 0x3e8 with 0 answered and 0 asked, and the device "
                      "is still connected at rest");
    }
}

static void i3_the_device_is_still_connected_when_it_is_disconnected(void)
{
    seen_by(true);
    puppet_run(&puppet);
    simback_app_call(puppet.world, 0, "disconnect");
    puppet_expect(&puppet, 3, false, "still connected at rest");
    end_at_rest();
    puppet_expect(&puppet, 3, false, "still connected at rest"); /* said once */
}

static void i3_beyond_what_was_asked_it_should_fail(void)
{
    again_observed_from(true, 0);
    move_rsp_prod_by(5);
    look_at_rsp_prod();
    puppet_step(&puppet);
    end_at_rest();
    puppet_expect(&puppet, 3, true, "was 0x5 with only 0 asked, and the device is still connected");
}

/* Nobody saw when it looked, and by now as much was asked; or it was never enough. */
static void i3_unobserved_what_was_asked_since_may_have_been_asked_then(void)
{
    for (uint32_t asked = 4; asked <= 5; asked++) {
        again_observed_from(false, 0);
        hold_all();
        move_rsp_prod_by(5);
        put_reads(asked);
        many_steps();
        if (asked == 5)
            puppet_expect_none(&puppet);
        else
            puppet_expect(&puppet, 3, true, "was 0x5 with only 0x4 asked");
    }
}

/* As far as the frontend has not taken them; behind that it makes no sense. */
static void i3_answers_may_be_taken_back(void)
{
    for (int taken = 0; taken < 2; taken++) {
        again_observed_from(true, 0);
        put_reads(3);
        puppet_run(&puppet);
        if (taken)
            (void)puppet_take(&puppet);
        move_rsp_prod_by((uint32_t)-1);
        look_at_rsp_prod();
        many_steps();
        if (taken) /* and it looks once more than it may (I1) */
            puppet_expect_nth(&puppet, 1, 3, "was 0x2 with only 0x3 asked");
        else
            puppet_expect_none(&puppet);
    }
}

static void i3_some_steps_may_go_by_until_it_fails(void)
{
    seen_by(true);
    for (int i = 0; i < 4 * 64 - 2; i++)
        puppet_step(&puppet);
    puppet_expect_none(&puppet);
    puppet_step(&puppet);
    puppet_expect(&puppet, 3, false, "still connected many steps later");
}

static void i3_the_device_has_failed(void)
{
    seen_by(true);
    puppet_app_state(&puppet, BLKFRONT_FAILED);
    for (int i = 0; i < 400; i++)
        puppet_step(&puppet);
    end_at_rest();
    puppet_expect_none(&puppet);
}

static void i3_the_device_is_closing(void)
{
    seen_by(true);
    puppet_write(&puppet, "state", "5");
    end_at_rest();
    puppet_expect_none(&puppet);
}

static void i3_it_was_disconnected_before(void)
{
    again_observed_from(true, 0);
    simback_app_call(puppet.world, 0, "disconnect");
    move_rsp_prod_by(1000);
    look_at_rsp_prod();
    puppet_step(&puppet);
    end_at_rest();
    puppet_expect_none(&puppet);
}

static void i3_nobody_was_told(void)
{
    CU_ASSERT_EQUAL(simback_backend_move_index(puppet.backend, 0, RSP_PROD, 1000, true, false), 0);
    puppet_step(&puppet);
    end_at_rest();
    puppet_expect_none(&puppet);
}

static void i3_an_event_before_connected_is_no_look_at_the_ring(void)
{
    puppet_end(&puppet);
    puppet_begin(&puppet);
    puppet_run(&puppet);
    puppet_open(&puppet);
    CU_ASSERT_EQUAL_FATAL(puppet_read_back(&puppet, "state"), 2);
    puppet_publish(&puppet, "3");
    puppet_run(&puppet);
    move_rsp_prod_by(1);
    CU_ASSERT_EQUAL_FATAL(puppet_read_back(&puppet, "state"), 4);
    puppet_write(&puppet, "state", "4");
    puppet_app_state(&puppet, BLKFRONT_CONNECTED);
    end_at_rest();
    puppet_expect_none(&puppet);
    move_rsp_prod_by(1);
    end_at_rest();
    puppet_expect(&puppet, 3, true, "with only 0 asked, and the device is still connected at rest");
}

/* Nothing is certain while somebody is ready to run. */
static void i3_not_before_rest(void)
{
    seen_by(true);
    CU_ASSERT_TRUE(simback_ready_count(puppet.world) > 0);
    simback_app_end(puppet.world);
    puppet_expect_none(&puppet);
}

static const struct unit_test tests[] = {
    UNIT_TEST(i3_a_full_ring),
    UNIT_TEST(i3_more_requests_than_the_ring_holds),
    UNIT_TEST(i3_room_comes_with_answers),
    UNIT_TEST(i3_req_prod_behind_rsp_prod),
    UNIT_TEST(i3_a_request_is_not_taken_back),
    UNIT_TEST(i3_what_the_backend_did_to_req_prod_does_not_count),
    UNIT_TEST(i18_the_ring_wraps),
    UNIT_TEST(i18_more_requests_than_the_ring_holds),
    UNIT_TEST(i18_far_from_a_boundary_it_is_i3),
    UNIT_TEST(i3_a_slot_is_read_beyond_the_ring),
    UNIT_TEST(i3_a_slot_is_read_that_nobody_asked_for),
    UNIT_TEST(i3_the_border_is_the_size_of_the_ring),
    UNIT_TEST(i3_an_answer_that_is_there_may_be_read),
    UNIT_TEST(i3_what_nobody_saw_does_no_harm),
    UNIT_TEST(i3_written_just_before_the_load),
    UNIT_TEST(i3_answers_to_what_was_published_in_this_step),
    UNIT_TEST(i3_the_device_is_still_connected_at_rest),
    UNIT_TEST(i3_the_device_is_still_connected_when_it_is_disconnected),
    UNIT_TEST(i3_beyond_what_was_asked_it_should_fail),
    UNIT_TEST(i3_unobserved_what_was_asked_since_may_have_been_asked_then),
    UNIT_TEST(i3_answers_may_be_taken_back),
    UNIT_TEST(i3_some_steps_may_go_by_until_it_fails),
    UNIT_TEST(i3_the_device_has_failed),
    UNIT_TEST(i3_the_device_is_closing),
    UNIT_TEST(i3_it_was_disconnected_before),
    UNIT_TEST(i3_nobody_was_told),
    UNIT_TEST(i3_an_event_before_connected_is_no_look_at_the_ring),
    UNIT_TEST(i3_not_before_rest),
};
UNIT_MAIN_WITH("oracle: indices", set_up, tear_down, tests)
