/* SPDX-License-Identifier: ISC */
/*
 * What each dialect makes of the xenbus states: which of the frontend's it takes, closing with
 * requests in flight, a frontend that is gone, what is left for the next connection.
 */
#include "alone.h"

static const char *back_node(const char *name)
{
    char path[2 * FAKE_PATH];

    snprintf(path, sizeof(path), "%s/%s", device.back, name);
    return fake_get(&device.host, path);
}

/* ---- the frontend's states ---- */

/* PROTOCOL section 1: 2, 7 and 8 are fatal to blkback. */
static void states_that_no_frontend_has(void)
{
    static const unsigned states[] = {2, 7, 8};

    for (size_t n = 0; simback_dialect_at(n) != NULL; n++) {
        const bool fatal = strcmp(simback_dialect_name(n), "linux") == 0;

        for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
            again(simback_dialect_at(n));
            fake_connect(&device);
            front(4);
            back_is(4);
            front(states[i]);
            back_is(fatal ? 5 : 4);
            CU_ASSERT_EQUAL(fake_get(&device.host, device.error) != NULL, fatal);
            CU_ASSERT_TRUE(!fatal || complains("which no block frontend has"));
            front(6);
            back_is(6);
        }
    }
}

static void odd_states_are_no_matter_to_a_closed_backend(void)
{
    fake_connect(&device);
    front(6);
    front(7);
    back_is(6);
    front(1);
    back_is(2);
}

/* PROTOCOL section 1, row 15: all of them take 4 for 3. */
static void a_frontend_that_skips_initialised(void)
{
    struct simback_dialect own;

    for (size_t n = 0; simback_dialect_at(n) != NULL; n++) {
        again(simback_dialect_at(n));
        fake_device_start(&device);
        CU_ASSERT_TRUE(fake_settle(&device));
        fake_publish_rings(&device);
        front(4);
        back_is(4);
    }
    own = *simback_dialect_find("minimal");
    own.takes_connected = false;
    again(&own);
    fake_device_start(&device);
    CU_ASSERT_TRUE(fake_settle(&device));
    fake_publish_rings(&device);
    front(4);
    back_is(2);
    front(3);
    back_is(4);
    again(simback_dialect_find("minimal"));
}

static void the_bare_mirage_says_no_init_wait(void)
{
    struct simback_dialect own = *simback_dialect_find("mirage");

    own.init_wait = false;
    again(&own);
    fake_device_start(&device);
    CU_ASSERT_TRUE(fake_settle(&device));
    back_is(1);
    CU_ASSERT_STRING_EQUAL(back_node("sectors"), "2048");
    front(2);
    back_is(1);
    fake_publish_rings(&device);
    front(3);
    back_is(4);
    front(6);
    front(1);
    back_is(6); /* it serves once */
    again(simback_dialect_find("mirage"));
}

/* As QEMU 7.2 does it (docs/fidelity.md): no word, and another look when the state is written. */
static void whom_it_cannot_connect_to_is_told_nothing(void)
{
    again(simback_dialect_find("qemu"));
    fake_device_start(&device);
    CU_ASSERT_TRUE(fake_settle(&device));
    front(3);
    back_is(2);
    CU_ASSERT_TRUE(complains("not there"));
    CU_ASSERT_PTR_NULL(fake_get(&device.host, device.error));
    fake_publish_rings(&device);
    CU_ASSERT_TRUE(fake_settle(&device));
    back_is(2);
    front(3);
    back_is(4);
}

/* ---- gone, and back again ---- */

static void a_frontend_that_vanishes(void)
{
    static const struct {
        const char *dialect;
        unsigned opened, connected; /* the backend's state afterwards; 99: its directory is gone */
    } cases[] = {{"linux", 6, 6},  {"qemu", 6, 6},    {"tapdisk", 99, 99},
                 {"mirage", 2, 6}, {"minimal", 6, 6}, {"everything", 6, 6}};

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        again(simback_dialect_find(cases[i].dialect));
        fake_device_start(&device);
        CU_ASSERT_TRUE(fake_settle(&device));
        back_is(2);
        fake_put(&device.host, FAKE_FRONT, NULL);
        CU_ASSERT_TRUE(fake_settle(&device));
        back_is(cases[i].opened);

        again(simback_dialect_find(cases[i].dialect));
        fake_connect(&device);
        back_is(4);
        fake_put(&device.host, FAKE_FRONT, NULL);
        CU_ASSERT_TRUE(fake_settle(&device));
        back_is(cases[i].connected);
        CU_ASSERT_EQUAL(device.host.mapped, 0);
    }
}

/* Who has unregistered does not come back when a frontend does. */
static void a_frontend_that_comes_back(void)
{
    static const struct {
        const char *dialect;
        unsigned state;
    } cases[] = {{"linux", 6}, {"qemu", 2}, {"tapdisk", 99}, {"mirage", 2}, {"minimal", 2}};

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        again(simback_dialect_find(cases[i].dialect));
        fake_connect(&device);
        fake_put(&device.host, FAKE_FRONT, NULL);
        CU_ASSERT_TRUE(fake_settle(&device));
        front(1);
        back_is(cases[i].state);
    }
}

static void offline_and_closed(void)
{
    static const struct {
        const char *dialect;
        unsigned state;
    } cases[] = {{"linux", 6}, {"qemu", 2}, {"tapdisk", 99}, {"mirage", 2}, {"minimal", 2}};

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        again(simback_dialect_find(cases[i].dialect));
        fake_connect(&device);
        simback_backend_set_online(device.backend, false);
        CU_ASSERT_TRUE(fake_settle(&device));
        back_is(4);
        front(5);
        front(6);
        back_is(cases[i].state == 99 ? 99 : 6);
        front(1);
        back_is(cases[i].state == 99 ? 99 : 6);
        simback_backend_set_online(device.backend, true);
        CU_ASSERT_TRUE(fake_settle(&device));
        back_is(cases[i].state);
    }
}

/* PROTOCOL section 6: with blkback the Connected nodes of the last round are still there. */
static void what_is_left_when_it_reopens(void)
{
    static const struct {
        const char *dialect;
        bool kept;
    } cases[] = {{"linux", true},  {"qemu", true},     {"tapdisk", true},
                 {"mirage", true}, {"minimal", false}, {"everything", false}};

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        again(simback_dialect_find(cases[i].dialect));
        fake_connect(&device);
        front(6);
        CU_ASSERT_PTR_NOT_NULL(back_node("sectors"));
        front(1);
        back_is(2);
        CU_ASSERT_EQUAL(back_node("sectors") != NULL, cases[i].kept);
        CU_ASSERT_PTR_NOT_NULL(back_node("online"));
    }
}

/* ---- closing with requests in flight ---- */

static void hold(void)
{
    const struct simback_fault fault = {.ops = SIMBACK_FAULT_READ | SIMBACK_FAULT_WRITE,
                                        .last_512 = UINT64_MAX,
                                        .percent = 100,
                                        .action = SIMBACK_HOLD,
                                        .name = 1};

    CU_ASSERT_EQUAL(simback_backend_add_fault(device.backend, &fault), 0);
}

/* 256 segments of one unit each, a write. */
static void put_indirect(uint64_t id)
{
    struct blkif_wire_indirect_64 request = {
        .operation = 6, .indirect_operation = 1, .segment_count = 256, .id = id};

    for (uint32_t i = 0; i < 256; i++) {
        const struct blkif_wire_segment segment = {.grant_ref = device.data_refs[1 + i % 60]};

        memcpy(device.data[0] + (size_t)i * sizeof(segment), &segment, sizeof(segment));
    }
    request.page_grant_refs[0] = device.data_refs[0];
    fake_put_slot(&device.rings[0], BLKIF_WIRE_SLOT_64, &request, sizeof(request));
}

/* Two requests over three pages, held; then the frontend closes. */
static void close_in_flight(const char *dialect)
{
    again(simback_dialect_find(dialect));
    fake_connect(&device);
    front(4);
    hold();
    memset(device.data[0], 3, 4096);
    fake_put_request(&device, 1, 1, 0, 0, 2);
    fake_put_request(&device, 0, 2, 8, 5, 1);
    CU_ASSERT_TRUE(fake_go(&device));
    CU_ASSERT_EQUAL(device.host.mapped, 4);
    front(5);
    back_is(5);
    front(6);
}

static void release(void)
{
    CU_ASSERT_EQUAL(simback_backend_release(device.backend, 1), 2);
    CU_ASSERT_TRUE(fake_serve(&device, 0));
    CU_ASSERT_TRUE(fake_settle(&device));
}

static void linux_closes_while_grants_are_mapped(void)
{
    close_in_flight("linux");
    back_is(6);
    CU_ASSERT_EQUAL(device.host.mapped, 4);
    CU_ASSERT_EQUAL(fake_told(&device.host, SIMBACK_BACK_LIFE, "lingers"), 1);
    /* Nothing new is taken. */
    fake_put_request(&device, 0, 3, 0, 0, 1);
    CU_ASSERT_TRUE(fake_go(&device));
    CU_ASSERT_EQUAL(fake_ring_word(&device.rings[0], 2), 0);
    release();
    CU_ASSERT_TRUE(fake_answered(&device, 1, 1, 0));
    CU_ASSERT_TRUE(fake_answered(&device, 2, 0, 0));
    CU_ASSERT_EQUAL(device.host.mapped, 0);
    CU_ASSERT_FALSE(device.host.port_bound[3]);
    front(1);
    back_is(2);
}

/* What had no room to stay mapped while it waited would have to be mapped now. */
static void i19_after_its_6_it_maps_nothing_any_more(void)
{
    again(simback_dialect_find("linux"));
    device.options.persistent = SIMBACK_NO;
    fake_connect(&device);
    hold();
    for (uint32_t i = 0; i < 3; i++)
        put_indirect(i);
    CU_ASSERT_TRUE(fake_go(&device));
    CU_ASSERT_EQUAL(device.host.mapped, 1 + 2 * 256);
    front(5);
    front(6);
    back_is(6);
    device.host.map_calls = 0;
    CU_ASSERT_EQUAL(simback_backend_release(device.backend, 1), 3);
    CU_ASSERT_TRUE(fake_serve(&device, 0));
    for (uint32_t i = 0; i < 3; i++)
        CU_ASSERT_TRUE(fake_answered(&device, i, 1, i < 2 ? 0 : -1));
    CU_ASSERT_EQUAL(device.host.map_calls, 0);
    CU_ASSERT_EQUAL(device.host.mapped, 0);
}

/* A ring that is given up holds a request that nobody will answer; it must not hold the device. */
static void i12_a_ring_that_is_given_up_holds_nothing(void)
{
    static const char *const names[] = {"linux", "everything",
                                        "mirage"}; /* each closes otherwise */

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        again(simback_dialect_find(names[i]));
        fake_connect(&device);
        front(4);
        hold();
        fake_put_request(&device, 1, 1, 0, 0, 2);
        fake_put_request(&device, 7, 2, 0, 0, 1); /* the end of mirage's */
        CU_ASSERT_TRUE(fake_go(&device));
        CU_ASSERT_EQUAL(device.host.mapped, 3);
        device.rings[0].req_prod += 1000; /* and of the others' */
        CU_ASSERT_TRUE(fake_go(&device));
        front(5);
        front(6);
        back_is(6);
        CU_ASSERT_EQUAL(device.host.mapped, 0);
        front(1);
        back_is(2);
    }
}

static uint64_t refused(void)
{
    struct simback_backend_counters counters;

    simback_backend_get_counters(device.backend, &counters);
    return counters.refused;
}

static void linux_does_not_reconnect_before_that(void)
{
    close_in_flight("linux");
    CU_ASSERT_EQUAL(refused(), 0);
    front(1);
    back_is(2);
    front(3);
    back_is(5);
    CU_ASSERT_TRUE(complains("pending I/O"));
    CU_ASSERT_EQUAL(refused(), 1);
    release();
    CU_ASSERT_EQUAL(device.host.mapped, 0);
    back_is(5);
    front(6);
    back_is(6);
    front(1);
    back_is(2);
    fake_set_ring_word(&device.rings[0], 0, 0);
    fake_set_ring_word(&device.rings[0], 2, 0);
    front(3);
    back_is(4);
}

static void tapdisk_ends_them_in_silence(void)
{
    close_in_flight("tapdisk");
    back_is(6);
    CU_ASSERT_EQUAL(device.host.mapped, 4);
    CU_ASSERT_FALSE(device.host.port_bound[3]);
    front(1);
    front(3);
    back_is(2); /* until the last of them has ended */
    release();
    CU_ASSERT_EQUAL(fake_ring_word(&device.rings[0], 2), 0);
    back_is(4);
    CU_ASSERT_EQUAL(device.host.mapped, 1);
}

static void qemu_waits_for_them(void)
{
    close_in_flight("qemu");
    back_is(5);
    CU_ASSERT_EQUAL(device.host.mapped, 4);
    release();
    CU_ASSERT_TRUE(fake_answered(&device, 1, 1, 0));
    back_is(6);
    CU_ASSERT_EQUAL(device.host.mapped, 0);
}

static void a_write_in_flight_reaches_the_disk(void)
{
    static const char *const dialects[] = {"linux", "tapdisk", "qemu"};
    uint8_t sector[512];

    for (size_t i = 0; i < sizeof(dialects) / sizeof(dialects[0]); i++) {
        close_in_flight(dialects[i]);
        CU_ASSERT_EQUAL(simback_disk_read(device.disk, 0, 1, sector), 0);
        CU_ASSERT_EQUAL(sector[0], 0);
        release();
        CU_ASSERT_EQUAL(simback_disk_read(device.disk, 0, 1, sector), 0);
        CU_ASSERT_EQUAL(sector[0], 3);
    }
}

static void a_barrier_that_waits_is_in_flight_too(void)
{
    static const char *const dialects[] = {"linux", "everything"};

    for (size_t i = 0; i < sizeof(dialects) / sizeof(dialects[0]); i++) {
        again(simback_dialect_find(dialects[i]));
        fake_connect(&device);
        front(4);
        hold();
        fake_put_request(&device, 1, 1, 0, 0, 1);
        CU_ASSERT_TRUE(fake_go(&device));
        fake_put_request(&device, 2, 2, 8, 1, 1);
        CU_ASSERT_TRUE(fake_go(&device));
        front(6);
        back_is(i == 0 ? 6 : 4);
        CU_ASSERT_EQUAL(simback_backend_release(device.backend, 1), 1);
        CU_ASSERT_TRUE(fake_serve(&device, 0));
        CU_ASSERT_TRUE(fake_answered(&device, 1, 1, 0));
        /* Its pages may be gone by now: it is given up (I19). */
        CU_ASSERT_TRUE(fake_answered(&device, 2, 2, BLKIF_WIRE_ERROR));
        CU_ASSERT_TRUE(fake_settle(&device));
        back_is(6);
        CU_ASSERT_EQUAL(device.host.mapped, 0);
    }
}

static void only_rings_with_requests_in_flight_stay(void)
{
    again(simback_dialect_find("everything"));
    tear_down();
    set_up();
    device.options.queues = 2;
    device.queue_count = 2;
    fake_connect(&device);
    back_is(4);
    CU_ASSERT_EQUAL(device.host.mapped, 2);
    hold();
    fake_put_request(&device, 1, 1, 0, 0, 1);
    CU_ASSERT_TRUE(fake_go(&device));
    front(6);
    back_is(6);
    CU_ASSERT_EQUAL(device.host.mapped, 2); /* a ring and a page */
    CU_ASSERT_TRUE(device.host.port_bound[3]);
    CU_ASSERT_FALSE(device.host.port_bound[4]);
    CU_ASSERT_EQUAL(simback_backend_release(device.backend, 1), 1);
    CU_ASSERT_TRUE(fake_serve(&device, 0));
    CU_ASSERT_EQUAL(device.host.mapped, 0);
}

/* Refused when it was taken, told when it is due. */
static void a_bad_request_that_waits_is_refused_at_the_end(void)
{
    again(simback_dialect_find("linux"));
    fake_connect(&device);
    hold();
    fake_put_request(&device, 1, 1, 3000, 0, 1);
    CU_ASSERT_TRUE(fake_go(&device));
    CU_ASSERT_TRUE(complains("3000 on, the disk has 2048"));
    CU_ASSERT_EQUAL(device.host.mapped, 1);
    CU_ASSERT_EQUAL(fake_ring_word(&device.rings[0], 2), 0);
    CU_ASSERT_EQUAL(simback_backend_release(device.backend, 1), 1);
    CU_ASSERT_TRUE(fake_serve(&device, 0));
    CU_ASSERT_TRUE(fake_answered(&device, 1, 1, -1));
}

static void a_state_that_meets_a_conflict_is_written_again(void)
{
    again(simback_dialect_find("linux"));
    fake_connect(&device);
    device.host.again = 3;
    front(5);
    back_is(5);
    CU_ASSERT_EQUAL(device.host.again, 0);
}

static const struct unit_test tests[] = {
    UNIT_TEST(states_that_no_frontend_has),
    UNIT_TEST(odd_states_are_no_matter_to_a_closed_backend),
    UNIT_TEST(a_frontend_that_skips_initialised),
    UNIT_TEST(the_bare_mirage_says_no_init_wait),
    UNIT_TEST(whom_it_cannot_connect_to_is_told_nothing),
    UNIT_TEST(a_frontend_that_vanishes),
    UNIT_TEST(a_frontend_that_comes_back),
    UNIT_TEST(offline_and_closed),
    UNIT_TEST(what_is_left_when_it_reopens),
    UNIT_TEST(i12_a_ring_that_is_given_up_holds_nothing),
    UNIT_TEST(linux_closes_while_grants_are_mapped),
    UNIT_TEST(i19_after_its_6_it_maps_nothing_any_more),
    UNIT_TEST(linux_does_not_reconnect_before_that),
    UNIT_TEST(tapdisk_ends_them_in_silence),
    UNIT_TEST(qemu_waits_for_them),
    UNIT_TEST(a_write_in_flight_reaches_the_disk),
    UNIT_TEST(a_barrier_that_waits_is_in_flight_too),
    UNIT_TEST(only_rings_with_requests_in_flight_stay),
    UNIT_TEST(a_bad_request_that_waits_is_refused_at_the_end),
    UNIT_TEST(a_state_that_meets_a_conflict_is_written_again),
};

UNIT_MAIN_WITH("dialect states", set_up, tear_down, tests)
