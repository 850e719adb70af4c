/* SPDX-License-Identifier: ISC */
/*
 * I1: what an observed frontend loads from its ring and reads from XenStore, each byte and each
 * word too often and just not too often; and the bytes that a test wants to be there before a load.
 */
#include "cunit_main.h"
#include "puppet.h"

enum { SLOT = BLKIF_WIRE_SLOT_64, HEADER = BLKIF_WIRE_RING_HEADER };

/* Offsets of the header's words. */
enum { REQ_PROD = 0, REQ_EVENT = 4, RSP_PROD = 8, RSP_EVENT = 12 };

static struct puppet puppet;
static uint8_t bytes[4096];

static void set_up(void)
{
    memset(&puppet, 0, sizeof(puppet));
    puppet.observed = true;
    puppet_begin(&puppet);
    puppet_connect(&puppet);
}

static void tear_down(void)
{
    puppet_end(&puppet);
}

static void load(uint32_t offset, size_t size)
{
    blkfront_observe(puppet.ring + offset, size, BLKFRONT_ACCESS_LOAD);
}

static void store(uint32_t offset, size_t size)
{
    blkfront_observe(puppet.ring + offset, size, BLKFRONT_ACCESS_STORE);
}

static void fence(void)
{
    blkfront_observe(NULL, 0, BLKFRONT_ACCESS_FENCE);
}

/* The backend has answered a read; the frontend has not looked at it yet. */
static void answered(uint64_t number)
{
    puppet_submit(&puppet, number, BLKFRONT_READ, 8 * number, 8, bytes);
    puppet_send(&puppet, BLKIF_WIRE_READ, number, 8 * number, 8, 0);
    puppet_run(&puppet);
}

static void look_at_rsp_prod(void)
{
    (void)puppet_load32(&puppet, puppet.ring + RSP_PROD);
}

/* ---- responses ---- */

static void i1_each_byte_of_a_response_once(void)
{
    uint64_t before = simback_rule_checks(puppet.world, 1);

    answered(1);
    look_at_rsp_prod();
    load(HEADER, 8);
    load(HEADER + 8, 1);
    load(HEADER + 9, 1);
    load(HEADER + 10, 2);
    load(HEADER + 12, SLOT - 12);
    puppet_expect_none(&puppet);
    CU_ASSERT_TRUE(simback_rule_checks(puppet.world, 1) >= before + 6);
}

static void i1_a_response_twice(void)
{
    answered(1);
    look_at_rsp_prod();
    load(HEADER, 16);
    load(HEADER, 16);
    puppet_expect(&puppet, 1, false,
                  "bytes 0 to 15 of response 0 on queue 0 are loaded a second time");
}

static void i1_one_byte_twice(void)
{
    answered(1);
    look_at_rsp_prod();
    load(HEADER, 16);
    load(HEADER + 15, 2);
    puppet_expect(&puppet, 1, false, "bytes 15 to 16 of response 0");
}

static void i1_one_byte_twice_behind_the_sixty_fourth(void)
{
    answered(1);
    look_at_rsp_prod();
    load(HEADER + 60, 8);
    load(HEADER + 68, SLOT - 68);
    load(HEADER, 60);
    puppet_expect_none(&puppet);
    load(HEADER + 67, 1);
    puppet_expect(&puppet, 1, false, "bytes 67 to 67 of response 0");
}

static void i1_an_access_to_two_slots_is_one_to_each(void)
{
    answered(1);
    answered(2);
    look_at_rsp_prod();
    load(HEADER, SLOT + 16);
    load(HEADER + SLOT + 16, SLOT - 16);
    puppet_expect_none(&puppet);
    load(HEADER + SLOT - 1, 2);
    CU_ASSERT_EQUAL(simback_violations(puppet.world, true), 2);
    CU_ASSERT_PTR_NOT_NULL(
        strstr(simback_violation(puppet.world, 0)->text, "bytes 111 to 111 of response 0"));
    CU_ASSERT_PTR_NOT_NULL(
        strstr(simback_violation(puppet.world, 1)->text, "bytes 0 to 0 of response 0x1"));
}

static void i1_behind_the_last_slot_there_is_nothing(void)
{
    answered(1);
    look_at_rsp_prod();
    load(HEADER + 32 * SLOT, 16);
    load(HEADER + 32 * SLOT, 16);
    puppet_expect_none(&puppet);
}

static void i1_another_lap_is_another_response(void)
{
    for (uint64_t i = 1; i <= 70; i++) {
        answered(i);
        CU_ASSERT_TRUE(puppet_take(&puppet));
        puppet_complete(&puppet, i, 0);
        puppet_step(&puppet);
    }
    puppet_expect_none(&puppet);
}

static void i1_ones_own_request_is_not_read_back(void)
{
    answered(1);
    CU_ASSERT_TRUE(puppet_take(&puppet));
    puppet_complete(&puppet, 1, 0);
    puppet_submit(&puppet, 2, BLKFRONT_READ, 16, 8, bytes);
    puppet_send(&puppet, BLKIF_WIRE_READ, 2, 16, 8, 0);
    load(HEADER + SLOT, 8);
    puppet_expect(&puppet, 1, true, "reads its own request 0x1 back from the ring");
}

/* ---- rsp_prod ---- */

static void i1_rsp_prod_twice_in_a_pass(void)
{
    look_at_rsp_prod();
    look_at_rsp_prod();
    puppet_expect(&puppet, 1, false,
                  "rsp_prod of queue 0 is loaded twice (0, now 0) without a response or a store of "
                  "rsp_event in between");
}

static void i1_rsp_prod_before_its_responses_are_taken(void)
{
    answered(1);
    answered(2);
    look_at_rsp_prod();
    load(HEADER, 16);
    look_at_rsp_prod();
    puppet_expect(&puppet, 1, false,
                  "is loaded again (0x2, now 0x2) before the responses from 0x1 on are taken");
}

static void i1_rsp_prod_when_all_is_taken(void)
{
    answered(1);
    answered(2);
    look_at_rsp_prod();
    load(HEADER, 16);
    load(HEADER + SLOT, 16);
    look_at_rsp_prod();
    puppet_expect_none(&puppet);
}

static void i1_rsp_prod_after_a_store_of_rsp_event(void)
{
    look_at_rsp_prod();
    puppet_set_word(&puppet, 3, 1);
    look_at_rsp_prod();
    puppet_expect_none(&puppet);
    look_at_rsp_prod();
    puppet_expect(&puppet, 1, false, "is loaded twice");
}

static void i1_rsp_prod_in_the_next_step(void)
{
    look_at_rsp_prod();
    puppet_step(&puppet);
    look_at_rsp_prod();
    puppet_expect_none(&puppet);
    simback_app_call(puppet.world, 0, "poll"); /* a call is a step of its own */
    look_at_rsp_prod();
    simback_app_return(puppet.world, 0, "poll", 0);
    look_at_rsp_prod();
    puppet_expect_none(&puppet);
}

/* ---- req_event, and the frontend's own words ---- */

static void i1_req_event_without_a_publish(void)
{
    load(REQ_EVENT, 4);
    puppet_expect(&puppet, 1, false, "req_event of queue 0 is loaded (1) without a store");
}

static void i1_req_event_twice_after_a_publish(void)
{
    puppet_submit(&puppet, 1, BLKFRONT_READ, 8, 8, bytes);
    puppet_send(&puppet, BLKIF_WIRE_READ, 1, 8, 8, 0);
    puppet_expect_none(&puppet);
    load(REQ_EVENT, 4);
    puppet_expect(&puppet, 1, false, "req_event of queue 0 is loaded (1) without a store");
}

static void i1_req_event_without_a_fence(void)
{
    store(REQ_PROD, 4);
    load(REQ_EVENT, 4);
    puppet_expect(&puppet, 1, false, "without a full fence in between");
}

static void i1_req_event_with_a_fence_before_the_publish(void)
{
    fence();
    store(REQ_PROD, 4);
    load(REQ_EVENT, 4);
    puppet_expect(&puppet, 1, false, "without a full fence in between");
}

static void i1_ones_own_req_prod_is_known(void)
{
    load(REQ_PROD, 4);
    puppet_expect(&puppet, 1, true, "the frontend loads its own req_prod of queue 0");
}

static void i1_ones_own_rsp_event_is_known(void)
{
    load(RSP_EVENT, 4);
    puppet_expect(&puppet, 1, true, "the frontend loads its own rsp_event of queue 0");
}

static void i1_the_backends_words_stored_say_nothing_here(void)
{
    store(REQ_EVENT, 4);
    store(RSP_PROD, 4);
    puppet_expect_none(&puppet);
}

/* One access to several words is one to each: here the whole header. */
static void i1_a_copy_of_the_header(void)
{
    load(0, 16);
    CU_ASSERT_EQUAL(simback_violations(puppet.world, false), 1); /* req_event */
    CU_ASSERT_EQUAL(simback_violations(puppet.world, true), 3);  /* req_prod, rsp_event */
}

/* ---- XenStore ---- */

static void i1_a_node_twice_in_a_step(void)
{
    (void)puppet_read_back(&puppet, "sectors");
    puppet_expect_none(&puppet);
    (void)puppet_read_back(&puppet, "sectors");
    puppet_expect(&puppet, 1, false, "the backend's node sectors is read twice in one step");
}

static void i1_a_node_again_in_the_next_step(void)
{
    (void)puppet_read_back(&puppet, "sectors");
    puppet_step(&puppet);
    (void)puppet_read_back(&puppet, "sectors");
    puppet_expect_none(&puppet);
}

static void i1_a_node_again_because_a_watch_has_fired(void)
{
    uint32_t token;

    while (puppet.platform->watch_fired(puppet.context, puppet.watches, &token) > 0) {}
    (void)puppet_read_back(&puppet, "sectors");
    simback_store_write(puppet.world, "/local/domain/0/backend/vbd/1/51712/state", "4", 1);
    CU_ASSERT_EQUAL(puppet.platform->watch_fired(puppet.context, puppet.watches, &token), 1);
    (void)puppet_read_back(&puppet, "sectors");
    puppet_expect_none(&puppet);
}

static void i1_a_node_again_in_another_transaction(void)
{
    const struct blkfront_platform *platform = puppet.platform;
    blkfront_transaction transaction;
    char value[32];
    size_t length;

    for (int i = 0; i < 2; i++) {
        CU_ASSERT_EQUAL(platform->transaction_start(puppet.context, &transaction), 0);
        CU_ASSERT_EQUAL(platform->store_read(puppet.context, transaction,
                                             "/local/domain/0/backend/vbd/1/51712/sectors", value,
                                             sizeof(value), &length),
                        0);
        CU_ASSERT_EQUAL(platform->transaction_end(puppet.context, transaction, false), 0);
    }
    puppet_expect_none(&puppet);
}

static void i1_nodes_that_decide_nothing_or_are_not_there(void)
{
    for (int i = 0; i < 2; i++) {
        (void)puppet_read_back(&puppet, "state");
        (void)puppet_read_back(&puppet, "frontend-id");
        CU_ASSERT_EQUAL(puppet_read_back(&puppet, "discard-secure"), -1);
    }
    puppet_expect_none(&puppet);
}

/* ---- whose page it is ---- */

static void pages_without_a_ring_are_not_judged(void)
{
    uint64_t before = simback_accesses(puppet.world);
    static uint8_t elsewhere[16];

    for (int i = 0; i < 2; i++) {
        blkfront_observe(puppet.data[0], 16, BLKFRONT_ACCESS_LOAD);
        blkfront_observe(elsewhere, 16, BLKFRONT_ACCESS_LOAD); /* in no world at all */
    }
    puppet_expect_none(&puppet);
    CU_ASSERT_EQUAL(simback_accesses(puppet.world), before + 2);
}

static void each_access_belongs_to_its_world(void)
{
    struct puppet first = puppet;
    struct puppet second = {.observed = true};

    puppet_begin(&second);
    puppet_connect(&second);
    blkfront_observe(second.ring + RSP_PROD, 4, BLKFRONT_ACCESS_LOAD);
    blkfront_observe(first.ring + RSP_PROD, 4, BLKFRONT_ACCESS_LOAD);
    puppet_expect_none(&first);
    puppet_expect_none(&second);
    blkfront_observe(second.ring + RSP_PROD, 4, BLKFRONT_ACCESS_LOAD);
    puppet_expect_none(&first);
    puppet_expect(&second, 1, false, "rsp_prod of queue 0 is loaded twice");
    puppet_end(&second);
    fence(); /* of nobody, now that the last world is gone */
    puppet_expect_none(&first);
}

static void without_rules_nobody_judges(void)
{
    struct simback_world_options options;

    simback_world_options_init(&options);
    options.rules = false;
    puppet_end(&puppet);
    puppet.options = &options;
    puppet.observed = true;
    puppet_begin(&puppet);
    puppet_connect(&puppet);
    look_at_rsp_prod();
    look_at_rsp_prod();
    fence();
    CU_ASSERT_EQUAL(simback_violations(puppet.world, true), 0);
    CU_ASSERT_EQUAL(simback_rule_checks(puppet.world, 1), 0);
    CU_ASSERT_TRUE(simback_accesses(puppet.world) > 0);
}

struct told {
    unsigned loads, stores, fences;
    struct simback_event last;
};

static void sink(void *context, const struct simback_event *event, uint64_t time_ns)
{
    struct told *told = context;

    (void)time_ns;
    told->loads += event->kind == SIMBACK_LOAD;
    told->stores += event->kind == SIMBACK_STORE;
    told->fences += event->kind == SIMBACK_FENCE;
    told->last = *event;
}

static void accesses_are_events_where_somebody_listens(void)
{
    struct told told = {0};

    simback_trace_to(puppet.world, sink, &told);
    load(HEADER + 8, 4);
    CU_ASSERT_EQUAL(told.loads, 1);
    CU_ASSERT_EQUAL(told.last.b, HEADER + 8);
    CU_ASSERT_EQUAL(told.last.c, 4);
    CU_ASSERT_EQUAL(told.last.device, 0);
    CU_ASSERT_STRING_EQUAL(told.last.path, "slot");
    CU_ASSERT_EQUAL(told.last.peer, 0);
    CU_ASSERT_EQUAL(simback_data_loaded(puppet.world), 0);
    store(HEADER + 2 * SLOT, SLOT);
    CU_ASSERT_STRING_EQUAL(told.last.path, "slot");
    CU_ASSERT_EQUAL(told.last.peer, 2);
    load(8, 4);
    CU_ASSERT_STRING_EQUAL(told.last.path, "rsp_prod");
    fence();
    blkfront_observe(puppet.data[0], 8, BLKFRONT_ACCESS_STORE);
    blkfront_observe(puppet.data[0], 16, BLKFRONT_ACCESS_LOAD);
    CU_ASSERT_EQUAL(simback_data_loaded(puppet.world), 16);
    CU_ASSERT_EQUAL(told.last.device, SIMBACK_NO_DEVICE);
    CU_ASSERT_EQUAL(told.loads, 3);
    CU_ASSERT_EQUAL(told.stores, 2);
    CU_ASSERT_EQUAL(told.fences, 1);
    simback_trace_to(puppet.world, NULL, NULL);
    load(HEADER + 12, 4);
    CU_ASSERT_EQUAL(told.loads, 3);
}

/* ---- bytes before a load ---- */

static void bytes_are_there_just_before_their_load(void)
{
    const uint32_t four = 4, five = 5;

    CU_ASSERT_EQUAL(simback_before_load(puppet.world, 0, 0, 2, RSP_PROD, &four, 4), 0);
    CU_ASSERT_EQUAL(simback_before_load(puppet.world, 0, 0, 3, RSP_PROD, &five, 4), 0);
    CU_ASSERT_EQUAL(puppet_load32(&puppet, puppet.ring + RSP_PROD), 0);
    store(RSP_EVENT, 4); /* is no load */
    CU_ASSERT_EQUAL(puppet_word(&puppet, 2), 0);
    CU_ASSERT_EQUAL(puppet_load32(&puppet, puppet.ring + RSP_PROD), 4);
    store(RSP_EVENT, 4);
    CU_ASSERT_EQUAL(puppet_load32(&puppet, puppet.ring + RSP_PROD), 5);
    puppet_expect_none(&puppet);
}

static void bytes_beyond_the_ring_go_nowhere(void)
{
    uint8_t ones[2] = {1, 1};

    CU_ASSERT_EQUAL(simback_before_load(puppet.world, 0, 0, 1, 4095, ones, sizeof(ones)), 0);
    CU_ASSERT_EQUAL(simback_before_load(puppet.world, 0, 0, 1, 4090, NULL, 0), 0);
    CU_ASSERT_EQUAL(simback_before_load(puppet.world, 0, 1, 1, 4091, ones, 1), 0);
    look_at_rsp_prod();
    CU_ASSERT_EQUAL(puppet.ring[4095], 1);
    CU_ASSERT_EQUAL(puppet.ring[4090], 0);
    CU_ASSERT_EQUAL(puppet.ring[4091], 0); /* there is no second queue */
}

static void at_most_eight_loads_can_wait(void)
{
    static uint8_t much[257];

    CU_ASSERT_EQUAL(simback_before_load(puppet.world, 0, 0, 0, 0, much, 1), -1);
    CU_ASSERT_EQUAL(simback_before_load(puppet.world, 0, 0, 1, 0, much, sizeof(much)), -1);
    CU_ASSERT_EQUAL(simback_before_load(puppet.world, 64, 0, 1, 0, much, 1), -1);
    for (unsigned i = 0; i < 8; i++)
        CU_ASSERT_EQUAL(simback_before_load(puppet.world, 0, 0, 1, RSP_PROD, much, 4), 0);
    CU_ASSERT_EQUAL(simback_before_load(puppet.world, 0, 0, 1, RSP_PROD, much, 4), -1);
    look_at_rsp_prod();
    CU_ASSERT_EQUAL(simback_before_load(puppet.world, 0, 0, 1, RSP_PROD, much, 4), 0);
}

/* The slot as the frontend fills it: with a zero where a load step has written one over what an
 * earlier lap has left, in the same step. */
static void i6_what_the_frontend_writes_there_then_is_its_own(void)
{
    const uint8_t zero = 0;

    CU_ASSERT_EQUAL(simback_backend_poke(puppet.backend, 0, HEADER + 4, "\xff", 1), 0);
    CU_ASSERT_EQUAL(simback_before_load(puppet.world, 0, 0, 1, HEADER + 4, &zero, 1), 0);
    (void)puppet_load32(&puppet, puppet.ring + RSP_PROD);
    CU_ASSERT_EQUAL(puppet.ring[HEADER + 4], 0);
    puppet_submit(&puppet, 1, BLKFRONT_READ, 8, 8, bytes);
    puppet_put(&puppet, &(struct puppet_request){
                            .op = BLKIF_WIRE_READ, .id = 1, .sector_512 = 8, .last = 7});
    puppet_push(&puppet);
    puppet_step(&puppet);
    puppet_expect_none(&puppet);
}

static const struct unit_test tests[] = {
    UNIT_TEST(i1_each_byte_of_a_response_once),
    UNIT_TEST(i1_a_response_twice),
    UNIT_TEST(i1_one_byte_twice),
    UNIT_TEST(i1_one_byte_twice_behind_the_sixty_fourth),
    UNIT_TEST(i1_an_access_to_two_slots_is_one_to_each),
    UNIT_TEST(i1_behind_the_last_slot_there_is_nothing),
    UNIT_TEST(i1_another_lap_is_another_response),
    UNIT_TEST(i1_ones_own_request_is_not_read_back),
    UNIT_TEST(i1_rsp_prod_twice_in_a_pass),
    UNIT_TEST(i1_rsp_prod_before_its_responses_are_taken),
    UNIT_TEST(i1_rsp_prod_when_all_is_taken),
    UNIT_TEST(i1_rsp_prod_after_a_store_of_rsp_event),
    UNIT_TEST(i1_rsp_prod_in_the_next_step),
    UNIT_TEST(i1_req_event_without_a_publish),
    UNIT_TEST(i1_req_event_twice_after_a_publish),
    UNIT_TEST(i1_req_event_without_a_fence),
    UNIT_TEST(i1_req_event_with_a_fence_before_the_publish),
    UNIT_TEST(i1_ones_own_req_prod_is_known),
    UNIT_TEST(i1_ones_own_rsp_event_is_known),
    UNIT_TEST(i1_the_backends_words_stored_say_nothing_here),
    UNIT_TEST(i1_a_copy_of_the_header),
    UNIT_TEST(i1_a_node_twice_in_a_step),
    UNIT_TEST(i1_a_node_again_in_the_next_step),
    UNIT_TEST(i1_a_node_again_because_a_watch_has_fired),
    UNIT_TEST(i1_a_node_again_in_another_transaction),
    UNIT_TEST(i1_nodes_that_decide_nothing_or_are_not_there),
    UNIT_TEST(pages_without_a_ring_are_not_judged),
    UNIT_TEST(each_access_belongs_to_its_world),
    UNIT_TEST(without_rules_nobody_judges),
    UNIT_TEST(accesses_are_events_where_somebody_listens),
    UNIT_TEST(bytes_are_there_just_before_their_load),
    UNIT_TEST(bytes_beyond_the_ring_go_nowhere),
    UNIT_TEST(at_most_eight_loads_can_wait),
    UNIT_TEST(i6_what_the_frontend_writes_there_then_is_its_own),
};
UNIT_MAIN_WITH("oracle: loads", set_up, tear_down, tests)
