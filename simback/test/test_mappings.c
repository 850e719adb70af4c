/* SPDX-License-Identifier: ISC */
/*
 * Persistent grants on the backend's side: what stays mapped, what is used again, and when it is
 * let go, in virtual time.
 */
#include "alone.h"

#define SECOND UINT64_C(1000000000)

static struct simback_dialect dialect;

static void set_up_linux(void)
{
    set_up();
    dialect = *simback_dialect_find("linux");
}

static void connect(void)
{
    fake_use(&device, &dialect);
    fake_put(&device.host, FAKE_FRONT "/feature-persistent", "1");
    fake_connect(&device);
    CU_ASSERT_EQUAL(fake_back_state(&device), 4);
}

/* One request over `count` pages from `first` on. */
static int16_t request(uint8_t op, uint32_t first, uint32_t count)
{
    struct fake_response response = {.status = 99};

    fake_put_request(&device, op, 5, 0, first, count);
    CU_ASSERT_TRUE(fake_go(&device));
    CU_ASSERT_TRUE(fake_take(&device, 0, &response));
    return response.status;
}

/* Pages of data that are mapped. */
static uint32_t kept(void)
{
    return device.host.mapped - 1;
}

static bool page_is_kept(uint32_t page)
{
    return device.host.grants[device.data_refs[page]].maps != 0;
}

static void at(uint64_t now)
{
    device.host.now = now;
    CU_ASSERT_TRUE(fake_serve(&device, 0));
}

/* ---- keeping ---- */

static void only_when_both_sides_say_so(void)
{
    static const struct {
        const char *dialect, *front;
        enum simback_choice option;
        uint32_t kept;
    } cases[] = {{"linux", "1", SIMBACK_DEFAULT, 3},   {"linux", "0", SIMBACK_DEFAULT, 0},
                 {"linux", NULL, SIMBACK_DEFAULT, 0},  {"linux", "1", SIMBACK_NO, 0},
                 {"minimal", "1", SIMBACK_DEFAULT, 0}, {"minimal", "1", SIMBACK_YES, 3},
                 {"qemu", "1", SIMBACK_DEFAULT, 0},    {"everything", "1", SIMBACK_DEFAULT, 3},
                 {"tapdisk", "1", SIMBACK_DEFAULT, 0}, {"mirage", "1", SIMBACK_DEFAULT, 0}};

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        tear_down();
        set_up_linux();
        fake_use(&device, simback_dialect_find(cases[i].dialect));
        device.options.persistent = cases[i].option;
        fake_put(&device.host, FAKE_FRONT "/feature-persistent", cases[i].front);
        fake_connect(&device);
        CU_ASSERT_EQUAL(request(1, 0, 3), 0);
        CU_ASSERT_EQUAL(kept(), cases[i].kept);
    }
}

static void a_page_is_mapped_once(void)
{
    uint32_t calls;

    connect();
    memset(device.data[1], 4, 4096);
    CU_ASSERT_EQUAL(request(1, 0, 3), 0);
    CU_ASSERT_EQUAL(kept(), 3);
    calls = device.host.map_calls;
    CU_ASSERT_EQUAL(request(0, 0, 3), 0);
    CU_ASSERT_EQUAL(request(1, 2, 1), 0);
    CU_ASSERT_EQUAL(device.host.map_calls, calls);
    CU_ASSERT_EQUAL(request(0, 1, 4), 0);
    CU_ASSERT_EQUAL(device.host.map_calls, calls + 1); /* the two that were not there */
    CU_ASSERT_EQUAL(kept(), 5);
    CU_ASSERT_EQUAL(device.data[2][0], 4);
}

static void a_page_twice_in_a_request_is_kept_once(void)
{
    struct blkif_wire_request_64 twice = {
        .operation = 1,
        .segment_count = 2,
        .id = 5,
        .segments = {{.grant_ref = device.data_refs[0], .last_512 = 7},
                     {.grant_ref = device.data_refs[0], .last_512 = 7}}};

    connect();
    for (int i = 0; i < 2; i++) {
        fake_put_slot(&device.rings[0], 112, &twice, sizeof(twice));
        CU_ASSERT_TRUE(fake_go(&device));
        CU_ASSERT_TRUE(fake_answered(&device, 5, 1, 0));
        CU_ASSERT_EQUAL(kept(), 1);
        CU_ASSERT_EQUAL(device.host.grants[device.data_refs[0]].maps, 1);
    }
}

static void indirect_pages_are_not_kept(void)
{
    struct blkif_wire_indirect_64 indirect = {.operation = 6,
                                              .indirect_operation = 1,
                                              .segment_count = 2,
                                              .id = 5,
                                              .page_grant_refs = {device.data_refs[0]}};
    const struct blkif_wire_segment segments[2] = {
        {.grant_ref = device.data_refs[1], .last_512 = 7},
        {.grant_ref = device.data_refs[2], .last_512 = 7}};

    connect();
    memcpy(device.data[0], segments, sizeof(segments));
    fake_put_slot(&device.rings[0], 112, &indirect, sizeof(indirect));
    CU_ASSERT_TRUE(fake_go(&device));
    CU_ASSERT_TRUE(fake_answered(&device, 5, 1, 0));
    CU_ASSERT_EQUAL(kept(), 2);
    CU_ASSERT_FALSE(page_is_kept(0));
}

/* ---- rights ---- */

/* blkif.h notes 7 and 8: having said feature-persistent the frontend grants for writing. */
static void i5_linux_maps_all_of_them_for_writing(void)
{
    connect();
    device.host.grants[device.data_refs[0]].writable = false;
    CU_ASSERT_EQUAL(request(1, 0, 1), -1);
    CU_ASSERT_PTR_NOT_NULL(
        strstr(simback_backend_complaint(device.backend), ", as feature-persistent=1 promises"));
    CU_ASSERT_EQUAL(kept(), 0);
    CU_ASSERT_EQUAL(request(1, 1, 1), 0);
    CU_ASSERT_EQUAL(request(0, 1, 2), 0);
    CU_ASSERT_EQUAL(kept(), 2);
    /* What is kept is given back when the rest cannot be mapped. */
    CU_ASSERT_EQUAL(request(0, 0, 3), -1);
    CU_ASSERT_EQUAL(kept(), 2);
    at(120 * SECOND);
    CU_ASSERT_EQUAL(kept(), 0);
}

static void i5_what_is_mapped_read_only_is_not_used_for_writing(void)
{
    dialect = *simback_dialect_find("everything");
    connect();
    device.host.grants[device.data_refs[0]].writable = false;
    CU_ASSERT_EQUAL(request(1, 0, 1), 0);
    CU_ASSERT_EQUAL(request(1, 1, 1), 0);
    CU_ASSERT_EQUAL(kept(), 2);
    CU_ASSERT_EQUAL(request(0, 0, 1), -1);
    CU_ASSERT_EQUAL(kept(), 2);
    /* Mapped anew for writing, which does for both from then on. */
    CU_ASSERT_EQUAL(request(0, 1, 1), 0);
    CU_ASSERT_EQUAL(kept(), 2);
    CU_ASSERT_EQUAL(device.host.grants[device.data_refs[1]].maps, 1);
    CU_ASSERT_EQUAL(request(1, 1, 1), 0);
    CU_ASSERT_EQUAL(request(0, 1, 1), 0);
    CU_ASSERT_EQUAL(device.host.map_calls, 5); /* the ring, two, the refusal, one */
}

/* ---- letting go ---- */

static void unused_for_a_minute(void)
{
    connect();
    device.host.now = 7;
    CU_ASSERT_EQUAL(request(1, 0, 2), 0);
    CU_ASSERT_EQUAL(simback_backend_housekeeping_at(device.backend, 0), 60 * SECOND + 7);
    device.host.now = 30 * SECOND;
    CU_ASSERT_EQUAL(request(1, 1, 1), 0);
    at(60 * SECOND + 6);
    CU_ASSERT_EQUAL(kept(), 2);
    at(60 * SECOND + SECOND / 10 + 6);
    CU_ASSERT_EQUAL(kept(), 1);
    CU_ASSERT_FALSE(page_is_kept(0));
    CU_ASSERT_EQUAL(simback_backend_housekeeping_at(device.backend, 0), 90 * SECOND);
    at(90 * SECOND);
    CU_ASSERT_EQUAL(kept(), 0);
    CU_ASSERT_EQUAL(simback_backend_housekeeping_at(device.backend, 0), SIMBACK_NEVER);
}

static void it_looks_once_in_100_ms(void)
{
    connect();
    CU_ASSERT_EQUAL(request(1, 0, 1), 0);
    at(59 * SECOND + 950000000);
    at(60 * SECOND);
    CU_ASSERT_EQUAL(kept(), 1);
    CU_ASSERT_EQUAL(simback_backend_housekeeping_at(device.backend, 0), 60 * SECOND + 50000000);
    at(60 * SECOND + 50000000);
    CU_ASSERT_EQUAL(kept(), 0);
}

/* Fills a table of 50, uses the oldest again, and asks for one more. */
static void overfill(void)
{
    dialect.persistent_most = 50;
    dialect.lru_percent = 10;
    connect();
    for (uint32_t i = 0; i < 50; i++) {
        device.host.now = i;
        CU_ASSERT_EQUAL(request(1, i, 1), 0);
    }
    CU_ASSERT_EQUAL(request(1, 0, 1), 0);
    at(SECOND);
    CU_ASSERT_EQUAL(kept(), 50); /* full, and nobody was turned away */
    CU_ASSERT_EQUAL(request(1, 50, 1), 0);
    CU_ASSERT_EQUAL(kept(), 50);
    CU_ASSERT_FALSE(page_is_kept(50));
}

static void a_share_goes_when_there_is_no_room(void)
{
    overfill();
    CU_ASSERT_EQUAL(simback_backend_housekeeping_at(device.backend, 0), SECOND + SECOND / 10);
    at(SECOND + SECOND / 10);
    CU_ASSERT_EQUAL(kept(), 45);
    CU_ASSERT_EQUAL(request(1, 50, 1), 0);
    CU_ASSERT_TRUE(page_is_kept(50));
    at(2 * SECOND);
    CU_ASSERT_EQUAL(kept(), 46);
}

static void the_least_recently_used_go_first(void)
{
    overfill();
    at(2 * SECOND);
    CU_ASSERT_TRUE(page_is_kept(0));
    for (uint32_t i = 1; i <= 5; i++)
        CU_ASSERT_FALSE(page_is_kept(i));
    CU_ASSERT_TRUE(page_is_kept(6));
}

/* PROTOCOL section 1, row 6: 1056 and 5 %, which blkback reckons as 50. */
static void linux_lets_fifty_of_its_1056_go(void)
{
    connect();
    for (uint32_t ref = 1000; ref <= 2056; ref++) {
        device.host.grants[ref] = (struct fake_grant){.page = device.data[0], .writable = true};
        fake_put_segment(&device, 1, 5, 0, ref, 0, 7);
        CU_ASSERT_TRUE(fake_go(&device));
    }
    CU_ASSERT_EQUAL(kept(), 1056);
    at(SECOND);
    CU_ASSERT_EQUAL(kept(), 1006);
    CU_ASSERT_EQUAL(device.host.grants[1049].maps, 0);
    CU_ASSERT_EQUAL(device.host.grants[1050].maps, 1);
    simback_backend_destroy(device.backend);
    device.backend = NULL;
    for (uint32_t ref = 1000; ref <= 2056; ref++)
        device.host.grants[ref].page = NULL;
}

static void what_waits_for_its_answer_is_in_use(void)
{
    const struct simback_fault fault = {.ops = SIMBACK_FAULT_WRITE,
                                        .last_512 = UINT64_MAX,
                                        .percent = 100,
                                        .action = SIMBACK_HOLD,
                                        .name = 1};

    connect();
    CU_ASSERT_EQUAL(request(0, 0, 2), 0);
    CU_ASSERT_EQUAL(simback_backend_add_fault(device.backend, &fault), 0);
    fake_put_request(&device, 1, 6, 0, 0, 1);
    CU_ASSERT_TRUE(fake_go(&device));
    at(100 * SECOND);
    CU_ASSERT_EQUAL(kept(), 1);
    CU_ASSERT_TRUE(page_is_kept(0));
    /* Somebody else may use the same page meanwhile: by a mapping of its own. */
    CU_ASSERT_EQUAL(request(0, 0, 1), 0);
    CU_ASSERT_EQUAL(kept(), 1);
    CU_ASSERT_EQUAL(simback_backend_release(device.backend, 1), 1);
    CU_ASSERT_TRUE(fake_serve(&device, 0));
    CU_ASSERT_TRUE(fake_answered(&device, 6, 1, 0));
    at(159 * SECOND);
    CU_ASSERT_EQUAL(kept(), 1);
    at(161 * SECOND);
    CU_ASSERT_EQUAL(kept(), 0);
}

static void never_when_the_dialect_says_so(void)
{
    dialect.lru_unused_ns = 0;
    connect();
    CU_ASSERT_EQUAL(request(0, 0, 2), 0);
    CU_ASSERT_EQUAL(simback_backend_housekeeping_at(device.backend, 0), SIMBACK_NEVER);
    at(1000000 * SECOND);
    CU_ASSERT_EQUAL(kept(), 2);
}

/* ---- the end ---- */

static void all_go_with_the_connection(void)
{
    connect();
    CU_ASSERT_EQUAL(request(0, 0, 5), 0);
    CU_ASSERT_EQUAL(kept(), 5);
    fake_front_state(&device, 5);
    CU_ASSERT_TRUE(fake_settle(&device));
    CU_ASSERT_EQUAL(kept(), 5);
    fake_front_state(&device, 6);
    CU_ASSERT_TRUE(fake_settle(&device));
    CU_ASSERT_EQUAL(device.host.mapped, 0);
    CU_ASSERT_EQUAL(simback_backend_housekeeping_at(device.backend, 0), SIMBACK_NEVER);
    CU_ASSERT_EQUAL(simback_backend_housekeeping_at(device.backend, 1), SIMBACK_NEVER);
}

static void unless_it_keeps_them_on_purpose(void)
{
    connect();
    CU_ASSERT_EQUAL(request(0, 0, 5), 0);
    simback_backend_keep_grants(device.backend, true);
    fake_front_state(&device, 6);
    CU_ASSERT_TRUE(fake_settle(&device));
    CU_ASSERT_EQUAL(device.host.mapped, 6);
    simback_backend_keep_grants(device.backend, false);
    CU_ASSERT_EQUAL(device.host.mapped, 0);
}

static void nothing_is_allocated_by_requests(void)
{
    uint64_t before;

    connect();
    before = device.host.allocated;
    for (uint32_t i = 0; i < 300; i++)
        CU_ASSERT_EQUAL(request((uint8_t)(i % 2), i % FAKE_DATA_PAGES, 1 + i % 11), 0);
    CU_ASSERT_EQUAL(device.host.allocated, before);
    CU_ASSERT_EQUAL(kept(), FAKE_DATA_PAGES);
}

static const struct unit_test tests[] = {
    UNIT_TEST(only_when_both_sides_say_so),
    UNIT_TEST(a_page_is_mapped_once),
    UNIT_TEST(a_page_twice_in_a_request_is_kept_once),
    UNIT_TEST(indirect_pages_are_not_kept),
    UNIT_TEST(i5_linux_maps_all_of_them_for_writing),
    UNIT_TEST(i5_what_is_mapped_read_only_is_not_used_for_writing),
    UNIT_TEST(unused_for_a_minute),
    UNIT_TEST(it_looks_once_in_100_ms),
    UNIT_TEST(a_share_goes_when_there_is_no_room),
    UNIT_TEST(the_least_recently_used_go_first),
    UNIT_TEST(linux_lets_fifty_of_its_1056_go),
    UNIT_TEST(what_waits_for_its_answer_is_in_use),
    UNIT_TEST(never_when_the_dialect_says_so),
    UNIT_TEST(all_go_with_the_connection),
    UNIT_TEST(unless_it_keeps_them_on_purpose),
    UNIT_TEST(nothing_is_allocated_by_requests),
};

UNIT_MAIN_WITH("mappings", set_up_linux, tear_down, tests)
