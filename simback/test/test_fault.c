/* SPDX-License-Identifier: ISC */
/*
 * Fault rules: which requests they select, what becomes of those, and when an answer comes.
 */
#include "alone.h"

enum { READ = 0, WRITE = 1, BARRIER = 2, FLUSH = 3 };

static void put(uint8_t op, uint64_t id, uint64_t sector_512)
{
    fake_put_request(&device, op, id, sector_512, 0, op == FLUSH ? 0 : 1);
}

static bool nothing_answered(void)
{
    struct fake_response response;

    return !fake_take(&device, 0, &response);
}

/* Serves, then compares the ids of all answers that are there. */
static void answers_are(const char *ids)
{
    struct fake_response response;
    char found[64] = "";

    CU_ASSERT_TRUE(fake_go(&device));
    while (fake_take(&device, 0, &response))
        snprintf(found + strlen(found), sizeof(found) - strlen(found), "%c",
                 (char)('a' + (int)response.id));
    if (strcmp(found, ids) != 0)
        printf("\n    answered %s, expected %s", found, ids);
    CU_ASSERT_STRING_EQUAL(found, ids);
}

/* Puts reads 0..count-1 and compares which of them are answered -5. */
static void struck_are(uint64_t count, const char *ids)
{
    struct fake_response response;
    char found[64] = "";

    for (uint64_t i = 0; i < count; i++) {
        put(READ, i, 0);
        CU_ASSERT_TRUE(fake_go(&device));
        CU_ASSERT_TRUE(fake_take(&device, 0, &response));
        if (response.status == -5)
            snprintf(found + strlen(found), sizeof(found) - strlen(found), "%c",
                     (char)('a' + (int)i));
    }
    CU_ASSERT_STRING_EQUAL(found, ids);
}

static void a_status_touches_nothing(void)
{
    struct simback_fault fault = any_request(SIMBACK_ANSWER_STATUS);
    struct simback_backend_counters counters;
    uint32_t maps = device.host.map_calls;

    fault.status = -5;
    memset(device.data[0], 1, 4096);
    add_fault(&fault);
    put(WRITE, 1, 0);
    CU_ASSERT_TRUE(fake_go(&device));
    CU_ASSERT_TRUE(fake_answered(&device, 1, WRITE, -5));
    CU_ASSERT_EQUAL(device.host.map_calls, maps);
    CU_ASSERT_EQUAL(fake_told(&device.host, SIMBACK_FAULT, "status"), 1);
    simback_backend_get_counters(device.backend, &counters);
    CU_ASSERT_EQUAL(counters.errors, 1);
    simback_backend_clear_faults(device.backend);
    put(READ, 2, 0);
    CU_ASSERT_TRUE(fake_go(&device));
    CU_ASSERT_EQUAL(device.data[0][0], 0);
}

static void nth_every_times(void)
{
    struct simback_fault fault = any_request(SIMBACK_ANSWER_STATUS);

    fault.status = -5;
    fault.nth = 3;
    add_fault(&fault);
    struck_are(7, "c");
    simback_backend_clear_faults(device.backend);
    fault.nth = 0;
    fault.every = 3;
    add_fault(&fault);
    struck_are(9, "cfi");
    simback_backend_clear_faults(device.backend);
    fault.times = 2;
    add_fault(&fault);
    struck_are(12, "cf");
    CU_ASSERT_EQUAL(device.host.chances, 0);
}

static void percent_asks_the_worlds_chance(void)
{
    struct simback_fault fault = any_request(SIMBACK_ANSWER_STATUS);

    fault.status = -5;
    fault.percent = 30;
    add_fault(&fault);
    device.host.chance = 98; /* 98, 99, then 0, 1, … */
    struck_are(5, "cde");
    CU_ASSERT_EQUAL(device.host.chances, 5);
    simback_backend_clear_faults(device.backend);
    fault.percent = 0;
    add_fault(&fault);
    struck_are(5, "");
    CU_ASSERT_EQUAL(device.host.chances, 5);
}

static void operations_are_told_apart(void)
{
    struct simback_fault fault = any_request(SIMBACK_ANSWER_STATUS);

    fault.status = -5;
    fault.ops = SIMBACK_FAULT_WRITE | SIMBACK_FAULT_FLUSH;
    add_fault(&fault);
    put(READ, 1, 0);
    put(WRITE, 2, 0);
    put(FLUSH, 3, 0);
    put(BARRIER, 4, 0);
    put(42, 5, 0);
    CU_ASSERT_TRUE(fake_go(&device));
    CU_ASSERT_TRUE(fake_answered(&device, 1, READ, 0));
    CU_ASSERT_TRUE(fake_answered(&device, 2, WRITE, -5));
    CU_ASSERT_TRUE(fake_answered(&device, 3, FLUSH, -5));
    CU_ASSERT_TRUE(fake_answered(&device, 4, BARRIER, 0));
    CU_ASSERT_TRUE(fake_answered(&device, 5, 42, -2));
}

static void ranges_overlap_or_not(void)
{
    struct simback_fault fault = any_request(SIMBACK_ANSWER_STATUS);

    fault.status = -5;
    fault.first_512 = 16;
    fault.last_512 = 17;
    add_fault(&fault);
    put(READ, 1, 8);  /* 8..15 */
    put(READ, 2, 9);  /* 9..16 */
    put(READ, 3, 17); /* 17..24 */
    put(READ, 4, 18);
    put(FLUSH, 5, 16); /* has no range */
    CU_ASSERT_TRUE(fake_go(&device));
    CU_ASSERT_TRUE(fake_answered(&device, 1, READ, 0));
    CU_ASSERT_TRUE(fake_answered(&device, 2, READ, -5));
    CU_ASSERT_TRUE(fake_answered(&device, 3, READ, -5));
    CU_ASSERT_TRUE(fake_answered(&device, 4, READ, 0));
    CU_ASSERT_TRUE(fake_answered(&device, 5, FLUSH, 0));
}

static void the_first_rule_that_matches_acts(void)
{
    struct simback_fault first = any_request(SIMBACK_ANSWER_STATUS), second = first;

    first.status = -6;
    first.nth = 2;
    second.status = -7;
    add_fault(&first);
    add_fault(&second);
    for (uint64_t i = 0; i < 3; i++)
        put(READ, i, 0);
    CU_ASSERT_TRUE(fake_go(&device));
    CU_ASSERT_TRUE(fake_answered(&device, 0, READ, -7));
    CU_ASSERT_TRUE(fake_answered(&device, 1, READ, -6));
    CU_ASSERT_TRUE(fake_answered(&device, 2, READ, -7));
}

static void only_so_many_rules(void)
{
    const struct simback_fault fault = any_request(SIMBACK_DROP);

    for (int i = 0; i < 64; i++)
        add_fault(&fault);
    CU_ASSERT_EQUAL(simback_backend_add_fault(device.backend, &fault), -1);
}

static void only_when_connected(void)
{
    struct simback_fault fault = any_request(SIMBACK_ANSWER_STATUS);

    fault.status = -5;
    fault.device_only_when_connected = true;
    add_fault(&fault);
    struck_are(1, "a");
    simback_backend_close(device.backend);
    CU_ASSERT_TRUE(fake_settle(&device));
    CU_ASSERT_EQUAL(fake_back_state(&device), 5);
    struck_are(1, "");
}

static void a_delayed_answer_comes_in_time(void)
{
    struct simback_fault fault = any_request(SIMBACK_DELAY);

    fault.delay_ns = 500;
    fault.nth = 1;
    add_fault(&fault);
    CU_ASSERT_EQUAL(simback_backend_service_at(device.backend, 0), SIMBACK_NEVER);
    memset(device.data[0], 7, 4096);
    device.host.now = 1000;
    put(WRITE, 0, 0);
    put(READ, 1, 8);
    answers_are("b");
    CU_ASSERT_EQUAL(simback_backend_service_at(device.backend, 0), 1500);
    device.host.now = 1499;
    answers_are("");
    device.host.now = 1500;
    answers_are("a");
    CU_ASSERT_EQUAL(simback_backend_service_at(device.backend, 0), SIMBACK_NEVER);
}

static void delays_end_in_the_order_of_time(void)
{
    static const uint64_t delays[] = {500, 200, 300, 200};
    struct simback_fault fault = any_request(SIMBACK_DELAY);

    for (uint64_t i = 0; i < 4; i++) {
        fault.delay_ns = delays[i];
        simback_backend_clear_faults(device.backend);
        add_fault(&fault);
        put(READ, i, 0);
        answers_are("");
    }
    CU_ASSERT_EQUAL(simback_backend_service_at(device.backend, 0), 200);
    device.host.now = 1000;
    answers_are("bdca");
}

static void an_endless_delay_overflows_nothing(void)
{
    struct simback_fault fault = any_request(SIMBACK_DELAY);

    fault.delay_ns = UINT64_MAX;
    add_fault(&fault);
    device.host.now = 1000;
    put(READ, 0, 0);
    answers_are("");
    device.host.now = UINT64_C(1) << 62;
    answers_are("");
    CU_ASSERT_TRUE(simback_backend_service_at(device.backend, 0) > device.host.now);
}

static void held_until_released_under_its_name(void)
{
    struct simback_fault fault = any_request(SIMBACK_HOLD);
    struct simback_backend_counters counters;

    fault.name = 9;
    fault.times = 2;
    add_fault(&fault);
    fault.name = 8;
    fault.times = 1;
    add_fault(&fault);
    for (uint64_t i = 0; i < 4; i++)
        put(READ, i, 0);
    answers_are("d");
    simback_backend_get_counters(device.backend, &counters);
    CU_ASSERT_EQUAL(counters.held, 3);
    CU_ASSERT_EQUAL(counters.pending, 3);
    CU_ASSERT_EQUAL(simback_backend_release(device.backend, 7), 0);
    CU_ASSERT_EQUAL(simback_backend_release(device.backend, 0), 0);
    answers_are("");
    CU_ASSERT_EQUAL(simback_backend_release(device.backend, 8), 1);
    answers_are("c");
    CU_ASSERT_EQUAL(simback_backend_release(device.backend, 9), 2);
    answers_are("ab");
    simback_backend_get_counters(device.backend, &counters);
    CU_ASSERT_EQUAL(counters.held, 0);
    CU_ASSERT_EQUAL(counters.pending, 0);
}

static void clearing_the_rules_answers_what_they_hold(void)
{
    const struct simback_fault fault = any_request(SIMBACK_HOLD);

    add_fault(&fault);
    put(READ, 0, 0);
    answers_are("");
    simback_backend_clear_faults(device.backend);
    put(READ, 1, 0);
    answers_are("ab");
}

static void a_held_request_is_done_when_released(void)
{
    struct simback_fault fault = any_request(SIMBACK_HOLD);

    fault.ops = SIMBACK_FAULT_WRITE;
    fault.name = 1;
    add_fault(&fault);
    memset(device.data[0], 1, 4096);
    put(WRITE, 0, 0);
    answers_are("");
    CU_ASSERT_EQUAL(device.host.mapped, 2); /* the ring, and its page */
    fake_put_request(&device, READ, 1, 0, 1, 1);
    answers_are("b");
    CU_ASSERT_EQUAL(device.data[1][0], 0);
    CU_ASSERT_EQUAL(simback_backend_release(device.backend, 1), 1);
    answers_are("a");
    fake_put_request(&device, READ, 1, 0, 1, 1);
    answers_are("b");
    CU_ASSERT_EQUAL(device.data[1][0], 1);
}

static void dropped_is_never_answered(void)
{
    struct simback_fault fault = any_request(SIMBACK_DROP);
    struct simback_backend_counters counters;

    fault.nth = 1;
    add_fault(&fault);
    put(READ, 0, 0);
    put(READ, 1, 0);
    answers_are("b");
    device.host.now = UINT64_C(1) << 40;
    simback_backend_clear_faults(device.backend);
    answers_are("");
    simback_backend_get_counters(device.backend, &counters);
    CU_ASSERT_EQUAL(counters.pending, 1);
    CU_ASSERT_EQUAL(counters.held, 0);
}

static void i19_what_is_dropped_still_counts_for_the_ring(void)
{
    struct simback_fault fault = any_request(SIMBACK_DROP);

    add_fault(&fault);
    for (uint64_t i = 0; i < 32; i++)
        put(READ, i, 0);
    answers_are("");
    CU_ASSERT_STRING_EQUAL(simback_backend_complaint(device.backend), "");
    put(READ, 0, 0); /* a frontend that uses a slot whose request was not answered */
    answers_are("");
    CU_ASSERT_PTR_NOT_NULL(strstr(simback_backend_complaint(device.backend), "only 0 of 32"));
}

static void reordered_comes_after_the_next(void)
{
    struct simback_fault fault = any_request(SIMBACK_REORDER);

    fault.times = 2;
    add_fault(&fault);
    for (uint64_t i = 0; i < 4; i++)
        put(READ, i, 0);
    answers_are("cabd");
}

/* One that is due before the reordered one waits for its time all the same. */
static void reordered_overtakes_the_delayed(void)
{
    struct simback_fault delay = any_request(SIMBACK_DELAY), reorder = any_request(SIMBACK_REORDER);

    delay.nth = 1;
    delay.delay_ns = 1000;
    reorder.times = 1;
    add_fault(&delay);
    add_fault(&reorder);
    for (uint64_t i = 0; i < 3; i++)
        put(READ, i, 0);
    answers_are("cb");
    device.host.now += 1000;
    answers_are("a");
}

static void reordered_comes_anyway_if_nothing_follows(void)
{
    const struct simback_fault fault = any_request(SIMBACK_REORDER);

    add_fault(&fault);
    put(READ, 0, 0);
    answers_are("");
    device.host.now = simback_backend_service_at(device.backend, 0);
    CU_ASSERT_NOT_EQUAL(device.host.now, SIMBACK_NEVER);
    answers_are("a");
}

static void a_barrier_waits_for_what_was_before_it(void)
{
    struct simback_fault fault = any_request(SIMBACK_HOLD);

    fault.nth = 1;
    fault.name = 4;
    add_fault(&fault);
    memset(device.data[0], 5, 4096);
    put(WRITE, 0, 0);
    put(BARRIER, 1, 8);
    put(READ, 2, 0);
    answers_are("");
    CU_ASSERT_EQUAL(simback_backend_release(device.backend, 4), 1);
    answers_are("abc");
    /* What was written before the barrier is durable, its own data is not. */
    simback_disk_power_cut(device.disk);
    fake_put_request(&device, READ, 3, 0, 1, 2);
    answers_are("d");
    CU_ASSERT_EQUAL(device.data[1][0], 5);
    CU_ASSERT_EQUAL(device.data[2][0], 0);
}

/* The barrier is of the disk, not of a ring. */
static void a_barrier_waits_for_the_other_rings(void)
{
    struct simback_fault fault = any_request(SIMBACK_HOLD);
    struct fake_response response;
    struct blkif_wire_request_64 request = {.operation = BARRIER, .id = 2};

    tear_down();
    fake_device_init(&device);
    device.options.queues = 2;
    device.queue_count = 2;
    fake_connect(&device);
    fault.nth = 1;
    fault.name = 4;
    add_fault(&fault);
    fake_put_request(&device, WRITE, 1, 0, 0, 1);
    CU_ASSERT_TRUE(fake_go(&device));
    fake_put_slot(&device.rings[1], BLKIF_WIRE_SLOT_64, &request, sizeof(request));
    fake_publish(&device, 1);
    CU_ASSERT_TRUE(fake_serve(&device, 1));
    CU_ASSERT_FALSE(fake_take(&device, 1, &response));
    CU_ASSERT_EQUAL(simback_backend_release(device.backend, 4), 1);
    CU_ASSERT_TRUE(fake_serve(&device, 0));
    CU_ASSERT_TRUE(fake_answered(&device, 1, WRITE, 0));
    CU_ASSERT_TRUE(fake_serve(&device, 1));
    CU_ASSERT_TRUE(fake_take(&device, 1, &response));
    CU_ASSERT_EQUAL(response.id, 2);
    CU_ASSERT_EQUAL(response.status, 0);
}

static void what_waits_is_forgotten_in_a_crash(void)
{
    struct simback_fault fault = any_request(SIMBACK_HOLD);

    fault.name = 4;
    add_fault(&fault);
    put(READ, 0, 0);
    answers_are("");
    CU_ASSERT_EQUAL(device.host.mapped, 2);
    simback_backend_crash(device.backend);
    CU_ASSERT_EQUAL(simback_backend_release(device.backend, 4), 0);
    CU_ASSERT_EQUAL(device.host.mapped, 0);
    CU_ASSERT_TRUE(nothing_answered());
}

static const struct unit_test tests[] = {
    UNIT_TEST(a_status_touches_nothing),
    UNIT_TEST(nth_every_times),
    UNIT_TEST(percent_asks_the_worlds_chance),
    UNIT_TEST(operations_are_told_apart),
    UNIT_TEST(ranges_overlap_or_not),
    UNIT_TEST(the_first_rule_that_matches_acts),
    UNIT_TEST(only_so_many_rules),
    UNIT_TEST(only_when_connected),
    UNIT_TEST(a_delayed_answer_comes_in_time),
    UNIT_TEST(delays_end_in_the_order_of_time),
    UNIT_TEST(an_endless_delay_overflows_nothing),
    UNIT_TEST(held_until_released_under_its_name),
    UNIT_TEST(clearing_the_rules_answers_what_they_hold),
    UNIT_TEST(a_held_request_is_done_when_released),
    UNIT_TEST(dropped_is_never_answered),
    UNIT_TEST(i19_what_is_dropped_still_counts_for_the_ring),
    UNIT_TEST(reordered_comes_after_the_next),
    UNIT_TEST(reordered_overtakes_the_delayed),
    UNIT_TEST(reordered_comes_anyway_if_nothing_follows),
    UNIT_TEST(a_barrier_waits_for_what_was_before_it),
    UNIT_TEST(a_barrier_waits_for_the_other_rings),
    UNIT_TEST(what_waits_is_forgotten_in_a_crash),
};

UNIT_MAIN_WITH("fault", set_up_connected, tear_down, tests)
