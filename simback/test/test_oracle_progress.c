/* SPDX-License-Identifier: ISC */
/*
 * I4: who owes the next move when nothing can happen any more, from the two states and, while both
 * sides are connected, from what lies on the ring.
 */
#include "cunit_main.h"
#include "puppet.h"

static const char front_state[] = "/local/domain/1/device/vbd/51712/state";
static const char back_state[] = "/local/domain/0/backend/vbd/1/51712/state";

static struct puppet puppet;
static uint8_t bytes[4096];

static void set_up(void)
{
    memset(&puppet, 0, sizeof(puppet));
    puppet_begin(&puppet);
    puppet_connect(&puppet);
    puppet_run(&puppet);
}

static void tear_down(void)
{
    puppet_end(&puppet);
}

static void again_observed(void)
{
    puppet_end(&puppet);
    puppet.observed = true;
    puppet_begin(&puppet);
    puppet_connect(&puppet);
    puppet_run(&puppet);
}

static bool frontend_owes(void)
{
    return simback_who_owes(puppet.world, 0) == SIMBACK_OWES_FRONTEND;
}

static void hold(uint64_t times)
{
    const struct simback_fault fault = {
        .ops = SIMBACK_FAULT_ANY,
        .last_512 = UINT64_MAX,
        .percent = 100,
        .times = times,
        .action = SIMBACK_HOLD,
        .name = 1,
    };

    CU_ASSERT_EQUAL(simback_backend_add_fault(puppet.backend, &fault), 0);
}

static void submit(uint64_t number)
{
    puppet_submit(&puppet, number, BLKFRONT_READ, 8, 8, bytes);
}

static void put(uint64_t number)
{
    puppet_send(&puppet, BLKIF_WIRE_READ, number, 8, 8, 0);
    puppet_run(&puppet);
}

/* The states alone, each written by its own side; nobody acts on them here. 0: no node. */
static void put_states(unsigned front, unsigned back)
{
    char value[2] = {0};

    value[0] = (char)('0' + front);
    puppet_write(&puppet, "state", value);
    value[0] = (char)('0' + back);
    simback_store_write(puppet.world, back_state, value, 1);
    if (front == 0)
        simback_store_remove(puppet.world, front_state);
    if (back == 0)
        simback_store_remove(puppet.world, back_state);
}

/* ---- the handshake ---- */

static void i4_whose_move_it_is_in_the_handshake(void)
{
    static const struct {
        unsigned front;
        const char *frontend_moves_in; /* states of the backend */
        const char *backend_moves_in;
        const char *why;
    } cells[] = {
        {1, "2345", "1678",
         "it publishes as soon as the backend is open; what is left over from a "
         "former life is its to close; a closed backend has to open again"},
        {3, "456", "12378",
         "it goes on when the backend is connected, and closes when that closes"},
        {5, "56", "123478", "it is closed when the backend has seen that it is closing"},
        {6, "126", "34578", "all is over when the backend is closed or open for the next one"},
        {2, "123456", "78", "a state that no block frontend has"},
        {7, "123456", "78", "a state that no block frontend has"},
        {8, "123456", "78", "a state that no block frontend has"},
        {0, "123456", "78", "it has said nothing at all"},
    };

    for (size_t i = 0; i < sizeof(cells) / sizeof(cells[0]); i++) {
        CU_ASSERT_EQUAL(strlen(cells[i].frontend_moves_in) + strlen(cells[i].backend_moves_in), 8);
        for (const char *at = cells[i].frontend_moves_in; *at != '\0'; at++) {
            put_states(cells[i].front, (unsigned)(*at - '0'));
            CU_ASSERT_TRUE(frontend_owes());
        }
        for (const char *at = cells[i].backend_moves_in; *at != '\0'; at++) {
            put_states(cells[i].front, (unsigned)(*at - '0'));
            CU_ASSERT_FALSE(frontend_owes());
        }
    }
}

/* It was connected, and waits for an answer: what somebody else makes of its node is no news. */
static void i4_a_state_that_somebody_else_has_written(void)
{
    hold(0);
    submit(1);
    put(1);
    for (char state[] = "1"; state[0] <= '8'; state[0]++) {
        simback_store_write(puppet.world, front_state, state, 1);
        CU_ASSERT_FALSE(frontend_owes());
    }
    simback_store_write(puppet.world, front_state, "four", 4);
    CU_ASSERT_FALSE(frontend_owes());
    put_states(4, 5);
    simback_store_write(puppet.world, front_state, "7", 1);
    CU_ASSERT_TRUE(frontend_owes());
}

static void begin_with(const char *state)
{
    char value[8];
    size_t length;

    puppet_end(&puppet);
    memset(&puppet, 0, sizeof(puppet));
    puppet_begin(&puppet);
    simback_store_write(puppet.world, front_state, state, 1);
    CU_ASSERT_EQUAL(
        puppet.platform->store_read(puppet.context, 0, front_state, value, sizeof(value), &length),
        0);
    (void)puppet_read_back(&puppet, "state");
    simback_store_write(puppet.world, back_state, "1", 1);
}

/* Nor what becomes of it when it has been read. */
static void i4_a_state_that_was_found_and_then_written(void)
{
    begin_with("7");
    CU_ASSERT_TRUE(frontend_owes());
    begin_with("1");
    CU_ASSERT_FALSE(frontend_owes());
    simback_store_write(puppet.world, front_state, "7", 1);
    CU_ASSERT_FALSE(frontend_owes());
}

static void i4_a_backend_that_is_gone_owes_nothing(void)
{
    hold(0);
    submit(1);
    put(1);
    for (unsigned front = 0; front <= 8; front++) {
        put_states(front, 0);
        CU_ASSERT_TRUE(frontend_owes());
    }
}

static void i4_a_state_that_is_none(void)
{
    hold(0);
    submit(1);
    put(1);
    CU_ASSERT_FALSE(frontend_owes());
    simback_store_write(puppet.world, back_state, "9", 1);
    CU_ASSERT_TRUE(frontend_owes());
    simback_store_write(puppet.world, back_state, "four", 4);
    CU_ASSERT_TRUE(frontend_owes());
}

static void i4_a_frontend_without_a_backend_node(void)
{
    hold(0);
    submit(1);
    put(1);
    simback_store_remove(puppet.world, "/local/domain/1/device/vbd/51712/backend");
    CU_ASSERT_TRUE(frontend_owes());
}

static void i4_a_device_that_nobody_has_spoken_of(void)
{
    CU_ASSERT_EQUAL(simback_who_owes(puppet.world, 5), SIMBACK_OWES_FRONTEND);
    CU_ASSERT_EQUAL(simback_who_owes(puppet.world, 64), SIMBACK_OWES_FRONTEND);
    CU_ASSERT_EQUAL(simback_who_owes(puppet.world, SIMBACK_NO_DEVICE), SIMBACK_OWES_FRONTEND);
    simback_app_call(puppet.world, 5, "connect"); /* that it was called tells nothing of it */
    CU_ASSERT_EQUAL(simback_who_owes(puppet.world, 5), SIMBACK_OWES_FRONTEND);
}

/* ---- connected ---- */

static void i4_nothing_is_in_flight(void)
{
    CU_ASSERT_TRUE(frontend_owes());
}

static void i4_the_backend_holds_the_request(void)
{
    hold(0);
    submit(1);
    put(1);
    CU_ASSERT_FALSE(frontend_owes());
    put_states(4, 7); /* which means nothing to block devices */
    CU_ASSERT_FALSE(frontend_owes());
    put_states(4, 3); /* going back is not known, so the backend has to say more */
    CU_ASSERT_FALSE(frontend_owes());
    put_states(4, 5);
    CU_ASSERT_TRUE(frontend_owes());
}

static void i4_an_answer_lies_there(void)
{
    for (int observed = 0; observed < 2; observed++) {
        if (observed != 0)
            again_observed();
        submit(1);
        put(1);
        CU_ASSERT_TRUE(frontend_owes());
    }
}

static void i4_an_answer_was_taken_and_nobody_told(void)
{
    again_observed();
    submit(1);
    put(1);
    (void)puppet_take(&puppet);
    CU_ASSERT_TRUE(frontend_owes());
}

/* The first one waits for the backend, so those behind it may. */
static void the_first_request_decides(void)
{
    hold(1);
    submit(1);
    put(1);
    submit(2);
    put(2);
    CU_ASSERT_TRUE(frontend_owes()); /* 2 is answered */
    (void)puppet_take(&puppet);
    puppet_step(&puppet);
    CU_ASSERT_FALSE(frontend_owes());
    CU_ASSERT_EQUAL(simback_backend_release(puppet.backend, 1), 1);
    puppet_run(&puppet);
    CU_ASSERT_TRUE(frontend_owes());
}

/* Where nobody observes loads, it shows in the event that the frontend asks for. */
static void i4_the_first_request_decides(void)
{
    the_first_request_decides();
    again_observed();
    the_first_request_decides();
}

static void i4_a_request_that_is_never_put(void)
{
    submit(1);
    CU_ASSERT_TRUE(frontend_owes());
}

static void i4_a_request_that_the_full_ring_has_no_room_for(void)
{
    hold(0);
    puppet_submit(&puppet, 1, BLKFRONT_READ, 100, 8, bytes);
    for (uint64_t i = 2; i <= 32; i++) {
        submit(i);
        put(i);
    }
    CU_ASSERT_TRUE(frontend_owes());
    submit(33);
    put(33);
    CU_ASSERT_FALSE(frontend_owes());
    puppet_expect_none(&puppet);
}

static void i4_a_request_for_a_queue_that_is_not_there(void)
{
    hold(0);
    simback_app_submit(puppet.world, 0, 1, 1, BLKFRONT_FLUSH, 0, 512, 0, 0, NULL, 0);
    CU_ASSERT_TRUE(frontend_owes());
}

static void i4_an_index_that_makes_no_sense_is_ignored(void)
{
    again_observed();
    hold(0);
    submit(1);
    put(1);
    CU_ASSERT_EQUAL(simback_backend_move_index(puppet.backend, 0, 2, 1000, true, false), 0);
    CU_ASSERT_FALSE(frontend_owes());
    (void)puppet_load32(&puppet, puppet.ring + 8);
    CU_ASSERT_TRUE(frontend_owes());
}

/* Its answer was published in time, so its frontend may go on with the flush. */
static void i4_the_flush_of_a_write_that_a_former_backend_has_answered(void)
{
    static const struct blkfront_buffer buffer = {.address = bytes, .size = sizeof(bytes)};

    simback_app_submit(puppet.world, 0, 0, 1, BLKFRONT_WRITE, BLKFRONT_FUA, 512, 8, 8, &buffer, 1);
    puppet_send(&puppet, BLKIF_WIRE_WRITE, 1, 8, 8, 2);
    puppet_run(&puppet);
    puppet_reconnect(&puppet);
    hold(0);
    CU_ASSERT_TRUE(frontend_owes());
    puppet_send(&puppet, BLKIF_WIRE_FLUSH_DISKCACHE, 2, 0, 0, 0);
    puppet_run(&puppet);
    CU_ASSERT_FALSE(frontend_owes());
    puppet_expect_none(&puppet);
}

/* What is put after that is not told of; an answer that lies there is. */
static void i4_req_prod_is_somebody_elses(void)
{
    for (int observed = 0; observed < 2; observed++) {
        if (observed != 0)
            again_observed();
        (void)puppet_take(&puppet);
        hold(1);
        CU_ASSERT_EQUAL(simback_backend_poke(puppet.backend, 0, 0, "6", 1), 0);
        submit(1);
        CU_ASSERT_EQUAL(frontend_owes(), observed != 0); /* else it may be there */
        put(1);
        CU_ASSERT_FALSE(frontend_owes());
        CU_ASSERT_EQUAL(simback_backend_release(puppet.backend, 1), 1);
        puppet_run(&puppet);
        CU_ASSERT_TRUE(frontend_owes());
    }
}

/* Just as far as its own request goes: of that nothing is told. */
static void i4_req_prod_was_there_already(void)
{
    for (int observed = 0; observed < 2; observed++) {
        if (observed != 0)
            again_observed();
        hold(0);
        CU_ASSERT_EQUAL(simback_backend_move_index(puppet.backend, 0, 0, 1, false, false), 0);
        submit(1);
        put(1);
        CU_ASSERT_FALSE(frontend_owes());
    }
}

/* ---- lost events ---- */

static void lose_one_of(uint16_t domid, uint32_t port)
{
    CU_ASSERT_EQUAL(simback_event_lose(puppet.world, domid, port, 1), 0);
}

static void i4_nobody_can_know_of_an_answer_without_its_event(void)
{
    uint32_t port = 0;

    again_observed();
    CU_ASSERT_TRUE(simback_backend_port(puppet.backend, 0, &port));
    lose_one_of(0, port);
    submit(1);
    put(1);
    CU_ASSERT_FALSE(frontend_owes());
    CU_ASSERT_EQUAL(simback_event_spurious(puppet.world, 0, port, 1), 0);
    CU_ASSERT_EQUAL(puppet.platform->port_pending(puppet.context, puppet.channels, &puppet.port),
                    1);
    CU_ASSERT_TRUE(frontend_owes());
}

/* With what is written into a ring no event comes, nor with what a load step writes. */
static void i4_nobody_can_know_of_an_rsp_prod_that_is_written_over(void)
{
    hold(0);
    submit(1);
    put(1);
    CU_ASSERT_EQUAL(simback_backend_poke(puppet.backend, 0, 8, "\1", 1), 0);
    CU_ASSERT_FALSE(frontend_owes());

    again_observed();
    hold(0);
    submit(1);
    CU_ASSERT_EQUAL(simback_before_load(puppet.world, 0, 0, 2, 8, "\1", 1), 0);
    put(1); /* loads req_event */
    CU_ASSERT_FALSE(frontend_owes());
    (void)puppet_load32(&puppet, puppet.ring + 4);
    puppet_step(&puppet);
    CU_ASSERT_FALSE(frontend_owes());
}

/* What is written elsewhere excuses nobody. */
static void i4_an_answer_that_is_written_over_lies_there(void)
{
    submit(1);
    put(1);
    CU_ASSERT_EQUAL(simback_backend_poke(puppet.backend, 0, 4, "\7\0\0\0", 4), 0);
    CU_ASSERT_EQUAL(simback_backend_poke(puppet.backend, 0, 12, "\1\0\0\0", 4), 0);
    CU_ASSERT_TRUE(frontend_owes());
}

static void i4_an_answer_was_taken_back(void)
{
    for (int observed = 0; observed < 2; observed++) {
        if (observed != 0)
            again_observed();
        submit(1);
        put(1);
        CU_ASSERT_TRUE(frontend_owes());
        CU_ASSERT_EQUAL(simback_backend_move_index(puppet.backend, 0, 2, 0, false, true), 0);
        CU_ASSERT_FALSE(frontend_owes());
        puppet_expect_none(&puppet);
    }
}

/* What the frontend sends and what is lost of it excuses nobody from taking answers. */
static void i4_an_event_to_the_backend_was_lost(void)
{
    again_observed();
    submit(1);
    put(1);
    lose_one_of(1, puppet.port);
    submit(2);
    put(2);
    CU_ASSERT_TRUE(frontend_owes());
    (void)puppet_take(&puppet);
    puppet_complete(&puppet, 1, 0);
    puppet_step(&puppet);
    CU_ASSERT_FALSE(frontend_owes());
}

/* ---- a disconnect that ends by its deadline ---- */

#define HALF_A_MINUTE UINT64_C(30000000000)

static void both_are_closed(void)
{
    puppet_disconnect(&puppet);
    puppet_remove_nodes(&puppet);
    puppet_close_port(&puppet);
    puppet_close_watches(&puppet);
}

static void half_a_minute_passes(void)
{
    simback_advance(puppet.world, simback_now(puppet.world) + HALF_A_MINUTE);
}

static void i4_a_disconnect_that_waits_for_nothing(void)
{
    both_are_closed();
    half_a_minute_passes();
    puppet_app_state(&puppet, BLKFRONT_CLOSED);
    puppet_expect(&puppet, 4, false, "has lasted for 30000 ms after both sides were closed");
}

static void but_at_once_it_may_end(void)
{
    half_a_minute_passes();
    both_are_closed();
    puppet_app_state(&puppet, BLKFRONT_CLOSED);
    puppet_expect_none(&puppet);
}

static void but_it_may_wait_for_what_cannot_be_done_yet(void)
{
    both_are_closed();
    half_a_minute_passes();
    simback_fail_nth(puppet.world, SIMBACK_RESOURCE_XENSTORE, 1, false);
    CU_ASSERT_EQUAL(puppet_read_back(&puppet, "state"), -1);
    puppet_app_state(&puppet, BLKFRONT_CLOSED);
    puppet_expect_none(&puppet);
}

static void but_a_state_that_is_none_may_be_waited_out(void)
{
    both_are_closed();
    simback_store_write(puppet.world, back_state, "", 0);
    (void)puppet_read_back(&puppet, "state");
    half_a_minute_passes();
    puppet_app_state(&puppet, BLKFRONT_CLOSED);
    puppet_expect_none(&puppet);
}

static void but_time_passes_for_a_guest_that_is_suspended(void)
{
    both_are_closed();
    simback_app_call(puppet.world, 0, "suspend");
    half_a_minute_passes();
    simback_app_call(puppet.world, 0, "resume");
    puppet_app_state(&puppet, BLKFRONT_CLOSED);
    puppet_expect_none(&puppet);
}

static void but_nobody_has_called_it_for_the_next_handle(void)
{
    both_are_closed();
    puppet_app_state(&puppet, BLKFRONT_CLOSED);
    puppet_app_state(&puppet, BLKFRONT_CONNECTING);
    half_a_minute_passes();
    puppet_app_state(&puppet, BLKFRONT_CLOSED);
    puppet_expect_none(&puppet);
}

static const struct unit_test tests[] = {
    UNIT_TEST(i4_whose_move_it_is_in_the_handshake),
    UNIT_TEST(i4_a_state_that_somebody_else_has_written),
    UNIT_TEST(i4_a_state_that_was_found_and_then_written),
    UNIT_TEST(i4_a_backend_that_is_gone_owes_nothing),
    UNIT_TEST(i4_a_state_that_is_none),
    UNIT_TEST(i4_a_frontend_without_a_backend_node),
    UNIT_TEST(i4_a_device_that_nobody_has_spoken_of),
    UNIT_TEST(i4_nothing_is_in_flight),
    UNIT_TEST(i4_the_backend_holds_the_request),
    UNIT_TEST(i4_an_answer_lies_there),
    UNIT_TEST(i4_an_answer_was_taken_and_nobody_told),
    UNIT_TEST(i4_the_first_request_decides),
    UNIT_TEST(i4_a_request_that_is_never_put),
    UNIT_TEST(i4_a_request_that_the_full_ring_has_no_room_for),
    UNIT_TEST(i4_a_request_for_a_queue_that_is_not_there),
    UNIT_TEST(i4_an_index_that_makes_no_sense_is_ignored),
    UNIT_TEST(i4_the_flush_of_a_write_that_a_former_backend_has_answered),
    UNIT_TEST(i4_req_prod_is_somebody_elses),
    UNIT_TEST(i4_req_prod_was_there_already),
    UNIT_TEST(i4_nobody_can_know_of_an_answer_without_its_event),
    UNIT_TEST(i4_nobody_can_know_of_an_rsp_prod_that_is_written_over),
    UNIT_TEST(i4_an_answer_that_is_written_over_lies_there),
    UNIT_TEST(i4_an_answer_was_taken_back),
    UNIT_TEST(i4_an_event_to_the_backend_was_lost),
    UNIT_TEST(i4_a_disconnect_that_waits_for_nothing),
    UNIT_TEST(but_at_once_it_may_end),
    UNIT_TEST(but_it_may_wait_for_what_cannot_be_done_yet),
    UNIT_TEST(but_a_state_that_is_none_may_be_waited_out),
    UNIT_TEST(but_time_passes_for_a_guest_that_is_suspended),
    UNIT_TEST(but_nobody_has_called_it_for_the_next_handle),
};
UNIT_MAIN_WITH("oracle: progress", set_up, tear_down, tests)
