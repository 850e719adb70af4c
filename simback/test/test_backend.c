/* SPDX-License-Identifier: ISC */
/*
 * The backend's side of the xenbus handshake and its life: each state against each state of the
 * frontend, what it finds wrong with the frontend's nodes, and what somebody makes it do.
 */
#include "alone.h"

#include <blkfront/platform.h>

/* XenStore and the backend say the same. */
static void back_agrees(unsigned state)
{
    back_is(state);
    CU_ASSERT_EQUAL((unsigned)simback_backend_state(device.backend), state);
}

static bool serves(void)
{
    const uint32_t before = fake_ring_word(&device.rings[0], 2);

    fake_put_request(&device, 0, 1, 0, 0, 1);
    return fake_go(&device) && fake_ring_word(&device.rings[0], 2) == before + 1;
}

/* ---- the ordinary course ---- */

static void nothing_happens_before_the_first_poll(void)
{
    fake_device_start(&device);
    back_agrees(1);
    CU_ASSERT_FALSE(device.host.watching);
    CU_ASSERT_EQUAL(device.host.transactions, 0);
}

static void connects_serves_and_closes(void)
{
    fake_connect(&device);
    back_agrees(4);
    CU_ASSERT_TRUE(serves());
    front(4);
    back_agrees(4);
    front(5);
    back_agrees(5);
    CU_ASSERT_EQUAL(device.host.mapped, 1);
    front(6);
    back_agrees(6);
    CU_ASSERT_EQUAL(device.host.mapped, 0);
    CU_ASSERT_FALSE(device.host.port_bound[3]);
    CU_ASSERT_EQUAL(fake_told(&device.host, SIMBACK_BACK_STATE, NULL), 4);
    CU_ASSERT_EQUAL(device.host.events[1].a, 4);
    CU_ASSERT_EQUAL(device.host.events[1].b, 2);
}

static void properties_are_there_before_connected(void)
{
    fake_device_start(&device);
    CU_ASSERT_TRUE(fake_settle(&device));
    fake_publish_rings(&device);
    fake_front_state(&device, 3);
    while (fake_back_state(&device) != 4) {
        CU_ASSERT_TRUE_FATAL(simback_backend_poll(device.backend));
        if (fake_back_state(&device) == 4)
            CU_ASSERT_PTR_NOT_NULL(fake_get(&device.host, FAKE_BACK "/sectors"));
    }
}

static void a_frontend_that_skips_initialised(void)
{
    fake_device_start(&device);
    CU_ASSERT_TRUE(fake_settle(&device));
    fake_publish_rings(&device);
    front(4);
    back_agrees(4);
    CU_ASSERT_TRUE(serves());
}

static void a_frontend_that_does_not_wait_for_init_wait(void)
{
    fake_device_start(&device);
    fake_publish_rings(&device);
    front(3);
    back_agrees(4);
    CU_ASSERT_TRUE(serves());
}

static void reopened_if_online(void)
{
    fake_connect(&device);
    front(6);
    front(1);
    back_agrees(2);
    for (uint32_t word = 0; word < 4; word++)
        fake_set_ring_word(&device.rings[0], word, word % 2);
    device.rings[0].req_prod = 0;
    device.rings[0].rsp_cons = 0;
    front(3);
    back_agrees(4);
    CU_ASSERT_TRUE(serves());
}

static void not_reopened_if_not_online(void)
{
    fake_use(&device, simback_dialect_find("minimal"));
    fake_connect(&device);
    simback_backend_set_online(device.backend, false);
    CU_ASSERT_STRING_EQUAL(fake_get(&device.host, FAKE_BACK "/online"), "0");
    front(5);
    front(6);
    front(1);
    back_agrees(6);
    simback_backend_set_online(device.backend, true);
    CU_ASSERT_TRUE(fake_settle(&device));
    back_agrees(2);
}

/* ---- every state against every state ---- */

static void each_pair_of_states(void)
{
    /* Where ours ends up when the frontend, in 1 at first, then shows 0 (absent) to 8. The
     * frontend has published nothing, so from 2 and 3 a connect fails: 5. */
    static const unsigned ends[9][9] = {
        {6, 2, 2, 5, 5, 5, 6, 2, 2}, /* 0, 1, 7, 8: as if new */
        {6, 2, 2, 5, 5, 5, 6, 2, 2}, {6, 2, 2, 5, 5, 5, 6, 2, 2},
        {6, 3, 3, 5, 5, 5, 6, 3, 3}, /* 3, 4, 5: until the frontend closes */
        {6, 4, 4, 4, 4, 5, 6, 4, 4}, {6, 5, 5, 5, 5, 5, 6, 5, 5},
        {6, 2, 6, 5, 5, 6, 6, 6, 6}, /* 6: opened again by a 1 */
        {6, 2, 2, 5, 5, 5, 6, 2, 2}, {6, 2, 2, 5, 5, 5, 6, 2, 2},
    };

    fake_use(&device, simback_dialect_find("minimal"));
    for (unsigned ours = 0; ours < 9; ours++) {
        for (unsigned theirs = 0; theirs < 9; theirs++) {
            device.options.start_state = (int32_t)ours;
            fake_device_start(&device);
            if (theirs == 0)
                fake_put(&device.host, FAKE_FRONT, NULL);
            else
                fake_front_state(&device, theirs);
            CU_ASSERT_TRUE(fake_settle(&device));
            if (fake_back_state(&device) != ends[ours][theirs])
                printf("\n    ours %u, theirs %u", ours, theirs);
            back_agrees(ends[ours][theirs]);
            simback_backend_destroy(device.backend);
            device.backend = NULL;
        }
    }
}

static void i11_what_is_left_of_a_former_life_can_be_closed(void)
{
    for (int32_t state = 3; state <= 5; state++) {
        device.options.start_state = state;
        fake_device_start(&device);
        fake_publish_rings(&device);
        front(5);
        back_agrees(5);
        front(6);
        back_agrees(6);
        front(1);
        back_agrees(2);
        front(3);
        back_agrees(4);
        simback_backend_destroy(device.backend);
        device.backend = NULL;
        fake_front_state(&device, 1);
    }
}

static void in_connected_a_rewritten_3_and_a_1_are_ignored(void)
{
    uint32_t maps;

    fake_connect(&device);
    maps = device.host.map_calls;
    front(3);
    front(1);
    front(4);
    back_agrees(4);
    CU_ASSERT_EQUAL(device.host.map_calls, maps);
    CU_ASSERT_TRUE(serves());
}

static void a_frontend_that_vanishes_is_closed(void)
{
    fake_connect(&device);
    fake_put(&device.host, FAKE_FRONT, NULL);
    CU_ASSERT_TRUE(fake_settle(&device));
    back_agrees(6);
    CU_ASSERT_EQUAL(device.host.mapped, 0);
}

static void a_removed_device_does_not_come_to_life(void)
{
    fake_connect(&device);
    fake_put(&device.host, FAKE_BACK, NULL);
    fake_put(&device.host, FAKE_FRONT, NULL);
    CU_ASSERT_TRUE(fake_settle(&device));
    CU_ASSERT_PTR_NULL(fake_get(&device.host, FAKE_BACK "/state"));
    CU_ASSERT_EQUAL(simback_backend_state(device.backend), BLKIF_WIRE_UNKNOWN);
    CU_ASSERT_EQUAL(device.host.mapped, 0);
}

static void a_state_that_is_no_number_says_nothing(void)
{
    static const char *const values[] = {"",   "x", "4x",  " 4",
                                         "+4", "9", "0x4", "44444444444444444444444444444444444"};

    fake_connect(&device);
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        front_node("state", values[i]);
        CU_ASSERT_TRUE(fake_settle(&device));
        back_agrees(4);
        CU_ASSERT_TRUE(complains(FAKE_FRONT "/state"));
    }
    CU_ASSERT_TRUE(serves());
}

/* ---- what is wrong with a frontend's nodes ---- */

static void i10_each_bad_node_is_named(void)
{
    static const struct {
        const char *name, *value, *words;
    } cases[] = {
        {"event-channel", NULL, "reading " FAKE_FRONT "/event-channel: not there"},
        {"ring-ref", NULL, "reading " FAKE_FRONT "/ring-ref: not there"},
        {"event-channel", "3 ", "event-channel: found \"3 \", expected a number"},
        {"event-channel", "9", "port 9 cannot be bound"},
        {"event-channel", "4294967296", "expected a number of at most 4294967295"},
        {"ring-ref", "-1", "ring-ref: found \"-1\""},
        {"ring-ref", "4607", "first reference 4607: cannot be mapped"},
        {"protocol", "x86-abi", "protocol: found \"x86-abi\", expected x86_64-abi or x86_32-abi"},
        {"feature-persistent", "2", "feature-persistent: found \"2\""},
        {"multi-queue-num-queues", "2", "2 queues, expected 1 to 1"},
        {"multi-queue-num-queues", "0", "0 queues"},
        {"ring-page-order", "5", "ring-page-order: 5, expected at most 4"},
        {"ring-page-order", "0", "ring-ref0: not there"},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct fake_store before;

        fake_device_start(&device);
        CU_ASSERT_TRUE(fake_settle(&device));
        fake_publish_rings(&device);
        before = device.host.store;
        front_node(cases[i].name, cases[i].value);
        front(3);
        back_agrees(5);
        CU_ASSERT_TRUE(complains(cases[i].words));
        CU_ASSERT_EQUAL(device.host.mapped, 0);
        CU_ASSERT_FALSE(device.host.port_bound[3]);
        CU_ASSERT_PTR_NOT_NULL_FATAL(fake_get(&device.host, FAKE_ERROR));
        CU_ASSERT_EQUAL(strncmp(fake_get(&device.host, FAKE_ERROR), "22 ", 3), 0);
        CU_ASSERT_STRING_EQUAL(fake_get(&device.host, FAKE_ERROR) + 3,
                               simback_backend_complaint(device.backend));
        CU_ASSERT_STRING_EQUAL(device.host.line, simback_backend_complaint(device.backend));
        /* It recovers: 6, 1, and the right nodes. */
        front(6);
        back_agrees(6);
        device.host.store = before;
        fake_put(&device.host, FAKE_BACK "/state", "6");
        front(1);
        back_agrees(2);
        front(3);
        back_agrees(4);
        simback_backend_destroy(device.backend);
        device.backend = NULL;
        fake_front_state(&device, 1);
    }
}

static void ring_pages_in_both_spellings(void)
{
    for (uint32_t order = 0; order <= 4; order++) {
        device.order = order;
        fake_connect(&device);
        back_agrees(4);
        CU_ASSERT_EQUAL(device.host.mapped, 1u << order);
        simback_backend_destroy(device.backend);
        device.backend = NULL;
        fake_put(&device.host, FAKE_FRONT, NULL);
        fake_front_state(&device, 1);
    }
}

static void the_deprecated_spelling_alone(void)
{
    device.options.dialect = simback_dialect_find("minimal");
    device.options.ring_order = 2;
    device.order = 1;
    fake_device_start(&device);
    CU_ASSERT_TRUE(fake_settle(&device));
    fake_publish_rings(&device);
    front_node("ring-page-order", NULL);
    front(3);
    back_agrees(4);
    CU_ASSERT_EQUAL(device.host.mapped, 2);
    front(6);
    front(1);
    front_node("num-ring-pages", "3");
    front(3);
    back_agrees(5);
    CU_ASSERT_TRUE(complains("num-ring-pages: 3, expected a power of two of at most 4"));
    front(6);
    front(1);
    front_node("num-ring-pages", "4");
    front_node("ring-page-order", "1");
    front(3);
    back_agrees(5);
    CU_ASSERT_TRUE(complains("num-ring-pages: 4, but ring-page-order says 2 pages"));
}

static void two_queues_have_rings_of_their_own(void)
{
    device.options.queues = 2;
    device.queue_count = 2;
    fake_connect(&device);
    back_agrees(4);
    CU_ASSERT_EQUAL(device.host.mapped, 2);
    CU_ASSERT_TRUE(device.host.port_bound[3] && device.host.port_bound[4]);
    fake_set_ring_word(&device.rings[1], 0, 1);
    CU_ASSERT_TRUE(fake_serve(&device, 1));
    CU_ASSERT_EQUAL(fake_ring_word(&device.rings[1], 2), 1);
    CU_ASSERT_EQUAL(fake_ring_word(&device.rings[0], 2), 0);
    CU_ASSERT_EQUAL(device.host.notified[4], 1);
    CU_ASSERT_FALSE(simback_backend_service(device.backend, 2));
    front(6);
    front(1);
    fake_put(&device.host, FAKE_FRONT "/queue-1/ring-ref", NULL);
    front(3);
    back_agrees(5);
    CU_ASSERT_TRUE(complains("reading " FAKE_FRONT "/queue-1/ring-ref: not there"));
}

static void a_second_queue_that_fails_takes_the_first_along(void)
{
    device.options.queues = 2;
    device.queue_count = 2;
    device.host.port_open[4] = false;
    fake_connect(&device);
    back_agrees(5);
    CU_ASSERT_TRUE(complains("queue 1: port 4 cannot be bound"));
    CU_ASSERT_EQUAL(device.host.mapped, 0);
}

static void nodes_that_cannot_be_written(void)
{
    fake_device_start(&device);
    device.host.fail_write = BLKFRONT_PLATFORM_NO_MEMORY;
    CU_ASSERT_TRUE(fake_settle(&device));
    CU_ASSERT_TRUE(complains("cannot be written"));
    CU_ASSERT_FALSE(device.host.in_transaction);
}

static void each_allocation_may_fail(void)
{
    for (uint64_t nth = 1; nth <= 10; nth++) {
        device.host.allocated = 0;
        device.host.fail_allocation_at = nth;
        fake_put(&device.host, FAKE_FRONT, NULL);
        fake_front_state(&device, 1);
        front_node("feature-persistent", "1");
        if (nth <= 2) {
            CU_ASSERT_PTR_NULL(simback_backend_create(&device.host.calls, &device.options));
            continue;
        }
        fake_connect(&device);
        back_agrees(5);
        CU_ASSERT_TRUE(complains("no memory"));
        front(6);
        front(1);
        front(3);
        back_agrees(4); /* the next time there is some */
        simback_backend_destroy(device.backend);
        device.backend = NULL;
    }
    device.host.fail_allocation_at = 0;
}

/* ---- life ---- */

static void asks_to_close(void)
{
    fake_connect(&device);
    simback_backend_close(device.backend);
    CU_ASSERT_TRUE(fake_settle(&device));
    back_agrees(5);
    CU_ASSERT_TRUE(serves()); /* until the frontend is closed */
    CU_ASSERT_EQUAL(fake_told(&device.host, SIMBACK_BACK_LIFE, "close"), 1);
    front(5);
    front(6);
    back_agrees(6);
    simback_backend_close(device.backend);
    CU_ASSERT_TRUE(fake_settle(&device));
    back_agrees(6);
}

static void crashes(void)
{
    fake_connect(&device);
    simback_backend_keep_grants(device.backend, true);
    CU_ASSERT_TRUE(serves());
    simback_backend_crash(device.backend);
    CU_ASSERT_PTR_NULL(fake_get(&device.host, FAKE_BACK "/state"));
    CU_ASSERT_PTR_NULL(fake_get(&device.host, FAKE_BACK "/online"));
    CU_ASSERT_PTR_NOT_NULL(fake_get(&device.host, FAKE_FRONT "/state"));
    CU_ASSERT_EQUAL(device.host.mapped, 0);
    CU_ASSERT_FALSE(device.host.port_bound[3]);
    front(6);
    front(1);
    CU_ASSERT_FALSE(serves());
    CU_ASSERT_PTR_NULL(fake_get(&device.host, FAKE_BACK "/state"));
    simback_backend_crash(device.backend);
    CU_ASSERT_EQUAL(fake_told(&device.host, SIMBACK_BACK_LIFE, "crash"), 2);
}

static void hangs_and_wakes(void)
{
    fake_connect(&device);
    simback_backend_hang(device.backend);
    CU_ASSERT_FALSE(serves());
    CU_ASSERT_EQUAL(simback_backend_service_at(device.backend, 0), SIMBACK_NEVER);
    front(5);
    back_agrees(4);
    simback_backend_wake(device.backend);
    CU_ASSERT_TRUE(fake_serve(&device, 0));
    CU_ASSERT_EQUAL(fake_ring_word(&device.rings[0], 2), 1);
    CU_ASSERT_TRUE(fake_settle(&device));
    back_agrees(5);
}

static void stalls_before_each_state(void)
{
    static const struct {
        enum blkif_wire_state stall;
        unsigned back, front;
    } cases[] = {{BLKIF_WIRE_INIT_WAIT, 1, 1},
                 {BLKIF_WIRE_CONNECTED, 2, 3},
                 {BLKIF_WIRE_CLOSING, 4, 5},
                 {BLKIF_WIRE_CLOSED, 5, 6}};

    fake_device_start(&device);
    fake_publish_rings(&device);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        simback_backend_stall(device.backend, cases[i].stall);
        front(cases[i].front);
        back_agrees(cases[i].back);
        CU_ASSERT_TRUE(fake_settle(&device));
        back_agrees(cases[i].back);
        simback_backend_go(device.backend);
        CU_ASSERT_TRUE(fake_settle(&device));
        back_agrees((unsigned)cases[i].stall);
    }
}

static void i17_goes_read_only_while_in_use(void)
{
    struct fake_response response;

    device.options.removable = true;
    fake_connect(&device);
    CU_ASSERT_STRING_EQUAL(fake_get(&device.host, FAKE_BACK "/info"), "2");
    simback_backend_set_read_only(device.backend, true);
    CU_ASSERT_TRUE(fake_settle(&device));
    CU_ASSERT_STRING_EQUAL(fake_get(&device.host, FAKE_BACK "/info"), "6");
    back_agrees(4);
    CU_ASSERT_EQUAL(fake_told(&device.host, SIMBACK_BACK_STATE, NULL), 3);
    fake_put_request(&device, 1, 1, 0, 0, 1);
    CU_ASSERT_TRUE(fake_go(&device));
    CU_ASSERT_TRUE(fake_take(&device, 0, &response));
    CU_ASSERT_EQUAL(response.status, -1);
}

static void i17_goes_read_only_before_it_is_in_use(void)
{
    device.options.info = 0;
    fake_device_start(&device);
    simback_backend_set_read_only(device.backend, true);
    CU_ASSERT_TRUE(fake_settle(&device));
    back_agrees(2);
    fake_publish_rings(&device);
    front(3);
    CU_ASSERT_STRING_EQUAL(fake_get(&device.host, FAKE_BACK "/info"), "4");
}

static void it_does_without_what_a_host_may_leave_out(void)
{
    device.host.calls.log = NULL;
    device.host.calls.tell = NULL;
    fake_device_start(&device);
    front(3);
    back_agrees(5);
    simback_backend_hang(device.backend);
    CU_ASSERT_PTR_EQUAL(simback_backend_disk(device.backend), device.disk);
}

static const struct unit_test tests[] = {
    UNIT_TEST(nothing_happens_before_the_first_poll),
    UNIT_TEST(connects_serves_and_closes),
    UNIT_TEST(properties_are_there_before_connected),
    UNIT_TEST(a_frontend_that_skips_initialised),
    UNIT_TEST(a_frontend_that_does_not_wait_for_init_wait),
    UNIT_TEST(reopened_if_online),
    UNIT_TEST(not_reopened_if_not_online),
    UNIT_TEST(each_pair_of_states),
    UNIT_TEST(i11_what_is_left_of_a_former_life_can_be_closed),
    UNIT_TEST(in_connected_a_rewritten_3_and_a_1_are_ignored),
    UNIT_TEST(a_frontend_that_vanishes_is_closed),
    UNIT_TEST(a_removed_device_does_not_come_to_life),
    UNIT_TEST(a_state_that_is_no_number_says_nothing),
    UNIT_TEST(i10_each_bad_node_is_named),
    UNIT_TEST(ring_pages_in_both_spellings),
    UNIT_TEST(the_deprecated_spelling_alone),
    UNIT_TEST(two_queues_have_rings_of_their_own),
    UNIT_TEST(a_second_queue_that_fails_takes_the_first_along),
    UNIT_TEST(nodes_that_cannot_be_written),
    UNIT_TEST(each_allocation_may_fail),
    UNIT_TEST(asks_to_close),
    UNIT_TEST(crashes),
    UNIT_TEST(hangs_and_wakes),
    UNIT_TEST(stalls_before_each_state),
    UNIT_TEST(i17_goes_read_only_while_in_use),
    UNIT_TEST(i17_goes_read_only_before_it_is_in_use),
    UNIT_TEST(it_does_without_what_a_host_may_leave_out),
};

UNIT_MAIN_WITH("backend", set_up, tear_down, tests)
