/* SPDX-License-Identifier: ISC */
/*
 * How each dialect reads the frontend's nodes and ring: ABI, the size of the ring in its spellings,
 * the units of sectors, where indices begin.
 */
#include "alone.h"

/* PROTOCOL section 1, row 8. */
static void the_abi_where_the_frontend_names_none(void)
{
    static const struct {
        const char *dialect;
        int bits; /* 0: it does not connect */
    } cases[] = {{"linux", 64}, {"qemu", 32},    {"tapdisk", 32},
                 {"mirage", 0}, {"minimal", 64}, {"everything", 64}};

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        again(simback_dialect_find(cases[i].dialect));
        device.abi_32 = cases[i].bits == 32;
        fake_device_start(&device);
        CU_ASSERT_TRUE(fake_settle(&device));
        fake_publish_rings(&device);
        front_node("protocol", NULL);
        front(3);
        back_is(cases[i].bits == 0 ? 5 : 4);
        CU_ASSERT_TRUE(cases[i].bits != 0 ||
                       complains("reading " FAKE_FRONT "/protocol: not there"));
        for (uint64_t n = 1; cases[i].bits != 0 && n < 3; n++) {
            fake_put_request(&device, 1, n, 0, 0, 1);
            CU_ASSERT_TRUE(fake_go(&device));
            CU_ASSERT_TRUE(fake_answered(&device, n, 1, 0));
        }
    }
}

static void a_protocol_that_is_none(void)
{
    for (size_t n = 0; simback_dialect_at(n) != NULL; n++) {
        const bool takes = strcmp(simback_dialect_name(n), "qemu") == 0;

        again(simback_dialect_at(n));
        fake_device_start(&device);
        CU_ASSERT_TRUE(fake_settle(&device));
        fake_publish_rings(&device);
        front_node("protocol", "arm-abi");
        front(3);
        back_is(takes ? 4 : 5);
        CU_ASSERT_TRUE(complains("protocol: found \"arm-abi\""));
    }
}

/* PROTOCOL section 7: ring-page-order=0. Who does not read it wants ring-ref. */
static void a_ring_of_order_0_that_says_so(void)
{
    static const struct {
        const char *dialect;
        bool numbered;
    } cases[] = {{"linux", true},   {"qemu", true},    {"tapdisk", false},
                 {"mirage", false}, {"minimal", true}, {"everything", true}};

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        again(simback_dialect_find(cases[i].dialect));
        fake_device_start(&device);
        CU_ASSERT_TRUE(fake_settle(&device));
        fake_publish_rings(&device);
        front_node("ring-page-order", "0");
        if (cases[i].numbered) {
            front_node("ring-ref", NULL);
            front_node("ring-ref0", "8");
        }
        front(3);
        back_is(4);
    }
}

static void ring_sizes_in_the_spelling_that_it_reads(void)
{
    static const struct {
        uint8_t spelling;
        bool by_order, by_pages;
    } cases[] = {{SIMBACK_SPELLING_NONE, false, false},
                 {SIMBACK_SPELLING_ORDER, true, false},
                 {SIMBACK_SPELLING_PAGES, false, true},
                 {SIMBACK_SPELLING_BOTH, true, true}};

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct simback_dialect own = *simback_dialect_find("linux");

        own.spelling = cases[i].spelling;
        for (int by_pages = 0; by_pages < 2; by_pages++) {
            again(&own);
            device.order = 1;
            fake_device_start(&device);
            CU_ASSERT_TRUE(fake_settle(&device));
            fake_publish_rings(&device);
            front_node(by_pages != 0 ? "ring-page-order" : "num-ring-pages", NULL);
            front(3);
            back_is((by_pages != 0 ? cases[i].by_pages : cases[i].by_order) ? 4 : 5);
        }
        again(simback_dialect_find("linux"));
    }
}

/* PROTOCOL section 1, row 9. */
static void qemu_wants_to_be_asked_for_large_sectors(void)
{
    static const char *const values[] = {NULL, "0", "2"};

    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        again(simback_dialect_find("qemu"));
        device.options.sector_size = 4096;
        device.options.sectors = 256;
        front_node("feature-large-sector-size", values[i]);
        fake_connect(&device);
        back_is(2); /* and says so in its own log alone */
        CU_ASSERT_TRUE(complains("feature-large-sector-size"));
        CU_ASSERT_PTR_NULL(fake_get(&device.host, device.error));
        front(6);
        back_is(6);
        CU_ASSERT_EQUAL(device.host.mapped, 0);
    }
    again(simback_dialect_find("qemu"));
    device.options.sector_size = 4096;
    device.options.sectors = 256;
    front_node("feature-large-sector-size", "1");
    fake_connect(&device);
    back_is(4);
    memset(device.data[0], 6, 4096);
    fake_put_segment(&device, 1, 1, 3, device.data_refs[0], 0, 0); /* a page is one sector */
    fake_put_segment(&device, 0, 2, 3, device.data_refs[1], 0, 0);
    fake_put_segment(&device, 0, 3, 3, device.data_refs[1], 0, 1);
    fake_put_segment(&device, 0, 4, 255, device.data_refs[2], 0, 0);
    fake_put_segment(&device, 0, 5, 256, device.data_refs[2], 0, 0);
    fake_put_segment(&device, 0, 6, UINT64_MAX / 2, device.data_refs[2], 0, 0);
    CU_ASSERT_TRUE(fake_go(&device));
    CU_ASSERT_TRUE(fake_answered(&device, 1, 1, 0));
    CU_ASSERT_TRUE(fake_answered(&device, 2, 0, 0));
    CU_ASSERT_TRUE(fake_answered(&device, 3, 0, -1));
    CU_ASSERT_TRUE(fake_answered(&device, 4, 0, 0));
    CU_ASSERT_TRUE(fake_answered(&device, 5, 0, -1));
    CU_ASSERT_TRUE(fake_answered(&device, 6, 0, -1));
    CU_ASSERT_EQUAL(device.data[1][4095], 6);
}

static void mirage_counts_sector_numbers_in_sectors(void)
{
    again(simback_dialect_find("mirage"));
    device.options.sector_size = 4096;
    device.options.sectors = 256;
    fake_connect(&device);
    back_is(4);
    memset(device.data[0], 6, 4096);
    fake_put_segment(&device, 1, 1, 255, device.data_refs[0], 0, 7);
    CU_ASSERT_TRUE(fake_go(&device));
    CU_ASSERT_TRUE(fake_answered(&device, 1, 1, 0));
    CU_ASSERT_EQUAL(simback_disk_read(device.disk, 2040, 8, device.data[1]), 0);
    CU_ASSERT_EQUAL(device.data[1][0], 6);
}

/* PROTOCOL section 7: who attaches begins at the shared indices. */
static void i18_who_attaches(void)
{
    static const struct {
        const char *dialect;
        bool attaches;
    } cases[] = {{"linux", true},   {"qemu", false},    {"tapdisk", false},
                 {"mirage", false}, {"minimal", false}, {"everything", true}};
    struct simback_backend_counters counters;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        again(simback_dialect_find(cases[i].dialect));
        for (uint32_t word = 0; word < 4; word++)
            fake_set_ring_word(&device.rings[0], word, 8 + word % 2);
        device.rings[0].req_prod = 8;
        device.rings[0].rsp_cons = 8;
        fake_connect(&device);
        back_is(4);
        CU_ASSERT_TRUE(fake_serve(&device, 0));
        /* From 0 on it takes eight requests that nobody made. */
        simback_backend_get_counters(device.backend, &counters);
        CU_ASSERT_EQUAL(fake_ring_word(&device.rings[0], 2), 8);
        CU_ASSERT_EQUAL(counters.read, cases[i].attaches ? 0 : 8);
    }
}

static const struct unit_test tests[] = {
    UNIT_TEST(the_abi_where_the_frontend_names_none),
    UNIT_TEST(a_protocol_that_is_none),
    UNIT_TEST(a_ring_of_order_0_that_says_so),
    UNIT_TEST(ring_sizes_in_the_spelling_that_it_reads),
    UNIT_TEST(qemu_wants_to_be_asked_for_large_sectors),
    UNIT_TEST(mirage_counts_sector_numbers_in_sectors),
    UNIT_TEST(i18_who_attaches),
};

UNIT_MAIN_WITH("dialect reading", set_up, tear_down, tests)
