/* SPDX-License-Identifier: ISC */
/*
 * I19: simback's own backend breaks the protocol and nobody has told it to. The tests forge what it
 * would do, in its name; beside each stands what is right, and that a backend which was told is
 * free.
 */
#include "cunit_main.h"
#include "puppet.h"

static const char front_state[] = "/local/domain/1/device/vbd/51712/state";

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

/* A read with this id that the real backend keeps to itself. */
static void held_read(uint64_t id)
{
    const struct simback_fault fault = {
        .ops = SIMBACK_FAULT_ANY,
        .last_512 = UINT64_MAX,
        .percent = 100,
        .times = 1,
        .action = SIMBACK_HOLD,
        .name = 1,
    };

    CU_ASSERT_EQUAL(simback_backend_add_fault(puppet.backend, &fault), 0);
    puppet_submit(&puppet, id, BLKFRONT_READ, 8, 8, bytes);
    puppet_send(&puppet, BLKIF_WIRE_READ, id, 8, 8, 0);
    puppet_run(&puppet);
}

/* The backend's step is over, in which it wrote this into a word of the header. */
static void backend_writes(unsigned word, uint32_t value)
{
    memcpy(puppet.ring + 4 * (size_t)word, &value, sizeof(value));
    simback_handover(puppet.world, 0, false);
}

static void the_backend_is_told_to(void)
{
    CU_ASSERT_EQUAL(simback_backend_poke(puppet.backend, 0, 4000, NULL, 0), 0);
}

/* ---- responses ---- */

static void i19_an_answer_to_what_was_asked(void)
{
    uint64_t before = simback_rule_checks(puppet.world, 19);

    held_read(11);
    puppet_forge(&puppet, 11, BLKIF_WIRE_READ, BLKIF_WIRE_OKAY);
    puppet_expect_none(&puppet);
    CU_ASSERT_TRUE(simback_rule_checks(puppet.world, 19) > before);
}

static void i19_an_answer_to_an_id_that_is_not_in_flight(void)
{
    held_read(11);
    puppet_forge(&puppet, 99, BLKIF_WIRE_READ, BLKIF_WIRE_OKAY);
    puppet_expect(&puppet, 19, false,
                  "the backend answers id 0x63 on queue 0, which is not in flight");
}

static void i19_two_answers_to_one_request(void)
{
    held_read(11);
    held_read(12);
    puppet_forge(&puppet, 11, BLKIF_WIRE_READ, BLKIF_WIRE_OKAY);
    puppet_expect_none(&puppet);
    puppet_forge(&puppet, 11, BLKIF_WIRE_READ, BLKIF_WIRE_OKAY);
    puppet_expect(&puppet, 19, false, "the backend answers id 0xb on queue 0 a second time");
}

static void i19_an_id_that_is_used_again_is_answered_again(void)
{
    for (int i = 0; i < 2; i++) {
        held_read(11);
        puppet_forge(&puppet, 11, BLKIF_WIRE_READ, BLKIF_WIRE_OKAY);
        (void)puppet_take(&puppet);
        puppet_complete(&puppet, 11, 0);
        puppet_step(&puppet);
    }
    puppet_expect_none(&puppet);
}

static void i19_another_operation(void)
{
    held_read(11);
    puppet_forge(&puppet, 11, BLKIF_WIRE_WRITE, BLKIF_WIRE_OKAY);
    puppet_expect(&puppet, 19, false,
                  "request 11: the backend answers a READ with operation 1 (WRITE)");
}

static void i19_an_operation_without_a_name(void)
{
    held_read(11);
    puppet_forge(&puppet, 11, 77, BLKIF_WIRE_OKAY);
    puppet_expect(&puppet, 19, false, "with operation 77 (an unknown operation)");
}

static void i19_padding(void)
{
    static const size_t padding[] = {9, 12, 13, 14, 15};

    for (size_t i = 0; i < sizeof(padding) / sizeof(padding[0]); i++) {
        struct blkif_wire_response_64 response = {.id = 11};
        uint32_t rsp_prod = 1;

        tear_down();
        set_up();
        held_read(11);
        memcpy(puppet_slot(&puppet, 0), &response, sizeof(response));
        puppet_slot(&puppet, 0)[padding[i]] = 1;
        memcpy(puppet.ring + 8, &rsp_prod, sizeof(rsp_prod));
        simback_handover(puppet.world, 0, false);
        puppet_expect(&puppet, 19, false,
                      "the padding of the backend's response to id 0xb is not zero");
    }
}

static void i19_responses_of_i386_are_shorter(void)
{
    struct blkif_wire_response_32 response = {.id = 11};
    uint32_t rsp_prod = 1;

    tear_down();
    puppet.abi_32 = true;
    puppet_begin(&puppet);
    puppet_connect(&puppet);
    held_read(11);
    memcpy(puppet_slot(&puppet, 0), &response, sizeof(response));
    puppet_slot(&puppet, 0)[12] = 1; /* of the request that lay there */
    memcpy(puppet.ring + 8, &rsp_prod, sizeof(rsp_prod));
    simback_handover(puppet.world, 0, false);
    puppet_expect_none(&puppet);
    held_read(12);
    response.id = 12;
    response.padding = 1;
    rsp_prod++;
    memcpy(puppet_slot(&puppet, 1), &response, sizeof(response));
    memcpy(puppet.ring + 8, &rsp_prod, sizeof(rsp_prod));
    simback_handover(puppet.world, 0, false);
    puppet_expect(&puppet, 19, false, "response to id 0xc is not zero");
}

/* ---- words ---- */

static void i19_more_answers_than_requests(void)
{
    held_read(11);
    backend_writes(2, 2);
    puppet_expect(&puppet, 19, false,
                  "the backend moved rsp_prod of queue 0 from 0 to 0x2 with req_prod 0x1");
}

static void i19_the_frontends_words(void)
{
    backend_writes(0, 1);
    puppet_expect(&puppet, 19, false, "the backend moved req_prod of queue 0 from 0 to 0x1");
    tear_down();
    set_up();
    backend_writes(3, 7);
    puppet_expect(&puppet, 19, false, "the backend moved rsp_event of queue 0 from 0x1 to 0x7");
}

static void i19_its_own_word_is_its_own(void)
{
    backend_writes(1, 17);
    puppet_expect_none(&puppet);
}

static void i19_what_the_frontend_does_is_not_the_backends(void)
{
    puppet_set_word(&puppet, 3, 7);
    puppet_step(&puppet);
    puppet_expect_none(&puppet);
}

/* ---- the end ---- */

/* The frontend's directory is taken away: the backend closes, and the ring lies there still. */
static void closed_by_the_toolstack(void)
{
    simback_store_remove(puppet.world, front_state);
    puppet_run(&puppet);
    CU_ASSERT_EQUAL(simback_backend_state(puppet.backend), BLKIF_WIRE_CLOSED);
}

static const struct simback_host *backends_host(void)
{
    return simback_sim_host(puppet.world, 0, 0, SIMBACK_NO_ACTOR, NULL, 0);
}

/* It says so while the frontend, as far as it has read, is connected. */
static void i19_a_word_after_its_own_6(void)
{
    const struct simback_host *host = backends_host();
    const struct simback_event closed = {
        .kind = SIMBACK_BACK_STATE,
        .a = BLKIF_WIRE_CLOSED,
        .b = BLKIF_WIRE_CONNECTED,
    };

    host->tell(host->context, &closed);
    backend_writes(1, 17);
    puppet_expect(&puppet, 19, false, "the backend moved req_event of queue 0 after its state 6");
}

/* Where both are Closed it ends what it had in hand, as long as it has the pages. */
static void but_after_the_6_of_both(void)
{
    puppet_disconnect(&puppet);
    backend_writes(1, 17);
    puppet_expect_none(&puppet);
}

static void but_after_a_frontend_that_is_gone(void)
{
    closed_by_the_toolstack();
    backend_writes(1, 17);
    puppet_expect_none(&puppet);
}

/* What is written in its place since is no frontend of those requests. */
static void but_after_a_frontend_that_was_gone(void)
{
    const struct simback_host *host = backends_host();
    char state[8];
    size_t length;

    closed_by_the_toolstack();
    simback_store_write(puppet.world, front_state, "4", 1);
    CU_ASSERT_EQUAL(host->store_read(host->context, 0, front_state, state, sizeof(state), &length),
                    0);
    backend_writes(1, 17);
    puppet_expect_none(&puppet);
}

/* As it is with the path of one whose parents are gone. */
static void but_after_a_frontend_that_may_not_be_read(void)
{
    const struct simback_host *host = backends_host();
    const struct simback_event closed = {
        .kind = SIMBACK_BACK_STATE,
        .a = BLKIF_WIRE_CLOSED,
        .b = BLKIF_WIRE_CONNECTED,
    };
    const struct simback_event denied = {
        .kind = SIMBACK_STORE_READ,
        .path = front_state,
        .result = BLKFRONT_PLATFORM_DENIED,
    };

    host->tell(host->context, &denied);
    host->tell(host->context, &closed);
    backend_writes(1, 17);
    puppet_expect_none(&puppet);
}

static int map_the_ring(uint16_t domid, uint16_t device)
{
    const struct simback_host *host =
        simback_sim_host(puppet.world, domid, device, SIMBACK_NO_ACTOR, NULL, 0);
    void *page;

    return host->map(host->context, SIMBACK_FRONT_DOMID, &puppet.ring_refs[0], 1, true, &page);
}

/* What another device's backend finds in its ring, of requests that were over, may be mapped for
 * that by now: what it writes into this one is not its frontend's. */
static void i9_a_ring_that_the_backend_of_another_device_writes_into(void)
{
    struct simback_backend_options options;
    uint32_t req_prod = 7;

    for (int maps = 0; maps < 2; maps++) {
        tear_down();
        set_up();
        simback_backend_options_init(&options);
        options.front_domid = SIMBACK_FRONT_DOMID;
        options.vdev = 51728;
        CU_ASSERT_PTR_NOT_NULL(simback_world_add_backend(puppet.world, &options));
        if (maps != 0)
            CU_ASSERT_EQUAL(map_the_ring(0, 1), 0);
        memcpy(puppet.ring, &req_prod, sizeof(req_prod));
        puppet_step(&puppet);
        if (maps != 0)
            puppet_expect_none(&puppet);
        else
            puppet_expect_nth(&puppet, 0, 9, "without segments");
    }
}

static void i19_a_map_while_there_is_a_connection(void)
{
    CU_ASSERT_EQUAL(map_the_ring(0, 0), 0);
    puppet_expect_none(&puppet);
}

static void i19_a_map_after_its_own_6(void)
{
    closed_by_the_toolstack();
    CU_ASSERT_EQUAL(map_the_ring(0, 0), 0);
    puppet_expect(&puppet, 19, false, "the backend maps grant 8 after its own state 6");
}

static void i19_a_map_before_the_frontend_has_published(void)
{
    tear_down();
    puppet_begin(&puppet);
    puppet_run(&puppet);
    puppet_open(&puppet);
    (void)puppet_read_back(&puppet, "state");
    CU_ASSERT_EQUAL(map_the_ring(0, 0), 0);
    puppet_expect(&puppet, 19, false,
                  "the backend maps grant 8 after it has read the frontend's state 1");
}

static void i19_a_map_until_it_knows_that_the_frontend_has_closed(void)
{
    const struct simback_host *host =
        simback_sim_host(puppet.world, 0, 0, SIMBACK_NO_ACTOR, NULL, 0);
    char state[8];
    size_t length;

    simback_backend_hang(puppet.backend);
    puppet_write(&puppet, "state", "5");
    CU_ASSERT_EQUAL(map_the_ring(0, 0), 0); /* what it still has in hand */
    puppet_expect_none(&puppet);
    puppet_write(&puppet, "state", "6");
    CU_ASSERT_EQUAL(map_the_ring(0, 0), 0);
    puppet_expect_none(&puppet);
    CU_ASSERT_EQUAL(host->store_read(host->context, 0, front_state, state, sizeof(state), &length),
                    0);
    CU_ASSERT_EQUAL(map_the_ring(0, 0), 0);
    puppet_expect(&puppet, 19, false,
                  "the backend maps grant 8 after it has read the frontend's state 6");
}

static void i19_maps_of_others_and_maps_that_failed(void)
{
    uint32_t none = 4000;
    const struct simback_host *host =
        simback_sim_host(puppet.world, 0, 0, SIMBACK_NO_ACTOR, NULL, 0);
    void *page;

    closed_by_the_toolstack();
    CU_ASSERT_TRUE(host->map(host->context, SIMBACK_FRONT_DOMID, &none, 1, true, &page) < 0);
    CU_ASSERT_EQUAL(map_the_ring(0, 9), 0); /* for a device that nobody knows */
    CU_ASSERT_TRUE(map_the_ring(7, 0) < 0); /* another domain, to which it is not granted */
    puppet_expect_none(&puppet);
}

static void a_backend_that_was_told_to_is_free(void)
{
    held_read(11);
    the_backend_is_told_to();
    puppet_forge(&puppet, 99, BLKIF_WIRE_WRITE, BLKIF_WIRE_OKAY);
    backend_writes(0, 1);
    backend_writes(2, 5);
    closed_by_the_toolstack();
    CU_ASSERT_EQUAL(map_the_ring(0, 0), 0);
    puppet_expect_none(&puppet);
}

static const struct unit_test tests[] = {
    UNIT_TEST(i19_an_answer_to_what_was_asked),
    UNIT_TEST(i19_an_answer_to_an_id_that_is_not_in_flight),
    UNIT_TEST(i19_two_answers_to_one_request),
    UNIT_TEST(i19_an_id_that_is_used_again_is_answered_again),
    UNIT_TEST(i19_another_operation),
    UNIT_TEST(i19_an_operation_without_a_name),
    UNIT_TEST(i19_padding),
    UNIT_TEST(i19_responses_of_i386_are_shorter),
    UNIT_TEST(i19_more_answers_than_requests),
    UNIT_TEST(i19_the_frontends_words),
    UNIT_TEST(i19_its_own_word_is_its_own),
    UNIT_TEST(i19_what_the_frontend_does_is_not_the_backends),
    UNIT_TEST(i19_a_word_after_its_own_6),
    UNIT_TEST(but_after_the_6_of_both),
    UNIT_TEST(but_after_a_frontend_that_is_gone),
    UNIT_TEST(but_after_a_frontend_that_was_gone),
    UNIT_TEST(but_after_a_frontend_that_may_not_be_read),
    UNIT_TEST(i9_a_ring_that_the_backend_of_another_device_writes_into),
    UNIT_TEST(i19_a_map_while_there_is_a_connection),
    UNIT_TEST(i19_a_map_after_its_own_6),
    UNIT_TEST(i19_a_map_before_the_frontend_has_published),
    UNIT_TEST(i19_a_map_until_it_knows_that_the_frontend_has_closed),
    UNIT_TEST(i19_maps_of_others_and_maps_that_failed),
    UNIT_TEST(a_backend_that_was_told_to_is_free),
};
UNIT_MAIN_WITH("oracle: honesty", set_up, tear_down, tests)
