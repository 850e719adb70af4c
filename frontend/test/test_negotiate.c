/* SPDX-License-Identifier: ISC */
/*
 * What backend nodes become, and what we publish: tables of values, each node on its own.
 */
#include "cunit_main.h"
#include "fake_queue.h"
#include "fake_store.h"
#include "life.h"

#define FRONT "/local/domain/3/device/vbd/51712"
#define BACK  "/local/domain/0/backend/vbd/3/51712"

static struct fake fake;
static struct blkfront context;
static struct blkfront_device device;
static struct device_life life;

static void set_up(void)
{
    fake_init(&fake);
    fake_queues_init();
    context = (struct blkfront){.platform = &fake.platform};
    life = (struct device_life){
        .frontend = FRONT, .backend = BACK, .error_path = "/local/domain/3/error/device/vbd/51712"};
    device = (struct blkfront_device){.context = &context, .life = &life, .vdev = 51712};
    blkfront_options_init(&device.options);
    fake_set(&fake, FRONT "/backend", BACK);
    fake_set(&fake, FRONT "/state", "1");
    fake_set(&fake, BACK "/sectors", "2048");
}

static void tear_down(void)
{
    fake_queues_drop(&device);
    CU_ASSERT_TRUE(fake_is_clean(&fake));
}

static void back(const char *node, const char *value)
{
    char path[FAKE_PATH];

    snprintf(path, sizeof(path), BACK "/%s", node);
    if (value != NULL)
        fake_set(&fake, path, value);
    else
        fake_remove(&fake, path);
}

static int properties(void)
{
    return negotiate_properties(&device);
}

/* A node's value and what becomes of it; NULL: the node is absent. */
struct row {
    const char *value;
    uint64_t expected;
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* ---- transport ---- */

static void defaults_are_legal_without_asking(void)
{
    device.options.queues = 8;
    device.options.ring_order = 4;
    device.options.segments = 64;
    device.options.abi = BLKFRONT_ABI_32;
    device.options.persistent = true;
    negotiate_defaults(&device);
    CU_ASSERT_EQUAL(device.agreed.queue_count, 1);
    CU_ASSERT_EQUAL(device.agreed.ring_order, 0);
    CU_ASSERT_EQUAL(device.agreed.segments, 11);
    CU_ASSERT_EQUAL(device.agreed.abi, BLKFRONT_ABI_32);
    CU_ASSERT_TRUE(device.agreed.persistent);
    device.options.segments = 3;
    negotiate_defaults(&device);
    CU_ASSERT_EQUAL(device.agreed.segments, 3);
}

static void i10_no_more_queues_than_offered_and_wanted(void)
{
    static const struct row rows[] = {
        {NULL, 1},         {"0", 1},  {"1", 1},  {"3", 3},   {"64", 4}, {"4294967295", 4},
        {"4294967296", 1}, {"-1", 1}, {"2 ", 1}, {"0x4", 1}, {"", 1}};

    device.options.queues = 4;
    for (size_t i = 0; i < COUNT(rows); i++) {
        back("multi-queue-max-queues", rows[i].value);
        CU_ASSERT_EQUAL(negotiate_transport(&device), BLKFRONT_OK);
        CU_ASSERT_EQUAL(device.agreed.queue_count, rows[i].expected);
    }
}

static void i10_no_larger_a_ring_than_offered_and_wanted(void)
{
    static const struct row orders[] = {{NULL, 0}, {"0", 0},          {"1", 1},  {"3", 3},
                                        {"9", 3},  {"4294967295", 3}, {"-1", 0}, {"2x", 0}};
    static const struct row pages[] = {{NULL, 0}, {"0", 0},  {"1", 0}, {"2", 1},         {"3", 1},
                                       {"4", 2},  {"16", 3}, {"x", 0}, {"4294967295", 3}};

    device.options.ring_order = 3;
    for (size_t i = 0; i < COUNT(orders); i++) {
        back("max-ring-page-order", orders[i].value);
        CU_ASSERT_EQUAL(negotiate_transport(&device), BLKFRONT_OK);
        CU_ASSERT_EQUAL(device.agreed.ring_order, orders[i].expected);
    }
    back("max-ring-page-order", NULL);
    for (size_t i = 0; i < COUNT(pages); i++) {
        back("max-ring-pages", pages[i].value);
        CU_ASSERT_EQUAL(negotiate_transport(&device), BLKFRONT_OK);
        CU_ASSERT_EQUAL(device.agreed.ring_order, pages[i].expected);
    }
    /* The deprecated spelling counts only where the other is missing. */
    back("max-ring-page-order", "1");
    back("max-ring-pages", "8");
    CU_ASSERT_EQUAL(negotiate_transport(&device), BLKFRONT_OK);
    CU_ASSERT_EQUAL(device.agreed.ring_order, 1);
}

static void i10_no_more_segments_than_offered_and_wanted(void)
{
    static const struct row rows[] = {
        {NULL, 11}, {"0", 11},   {"1", 11},          {"11", 11},         {"12", 12}, {"64", 64},
        {"65", 64}, {"256", 64}, {"4294967295", 64}, {"4294967296", 11}, {"-1", 11}};

    device.options.segments = 64;
    for (size_t i = 0; i < COUNT(rows); i++) {
        back("feature-max-indirect-segments", rows[i].value);
        CU_ASSERT_EQUAL(negotiate_transport(&device), BLKFRONT_OK);
        CU_ASSERT_EQUAL(device.agreed.segments, rows[i].expected);
    }
    device.options.segments = 5;
    back("feature-max-indirect-segments", "256");
    CU_ASSERT_EQUAL(negotiate_transport(&device), BLKFRONT_OK);
    CU_ASSERT_EQUAL(device.agreed.segments, 5);
}

/* ---- properties ---- */

static void sector_sizes_are_those_that_a_segment_can_express(void)
{
    static const struct row good[] = {
        {NULL, 512}, {"512", 512}, {"1024", 1024}, {"2048", 2048}, {"4096", 4096}};
    static const char *const bad[] = {"0",
                                      "1",
                                      "256",
                                      "513",
                                      "768",
                                      "1536",
                                      "8192",
                                      "4294967808",
                                      "2147483648",
                                      "4294967296",
                                      "x",
                                      "04096",
                                      "18446744073709551616"};

    for (size_t i = 0; i < COUNT(good); i++) {
        back("sector-size", good[i].value);
        CU_ASSERT_EQUAL(properties(), BLKFRONT_OK);
        CU_ASSERT_EQUAL(device.agreed.sector_size, good[i].expected);
    }
    for (size_t i = 0; i < COUNT(bad); i++) {
        back("sector-size", bad[i]);
        CU_ASSERT_EQUAL(properties(), BLKFRONT_STORE);
        CU_ASSERT_STRING_EQUAL(device.detail, "not a sector size of 512, 1024, 2048 or 4096: " BACK
                                              "/sector-size");
    }
}

static void a_physical_sector_is_a_multiple_of_a_sector(void)
{
    static const struct row rows[] = {{NULL, 1024},   {"0", 1024},    {"512", 1024}, {"1024", 1024},
                                      {"4096", 4096}, {"3000", 1024}, {"-1", 1024}};

    back("sector-size", "1024");
    for (size_t i = 0; i < COUNT(rows); i++) {
        back("physical-sector-size", rows[i].value);
        CU_ASSERT_EQUAL(properties(), BLKFRONT_OK);
        CU_ASSERT_EQUAL(device.agreed.physical_sector_size, rows[i].expected);
    }
}

static void i9_a_size_whose_bytes_do_not_count_is_an_error(void)
{
    static const struct row good[] = {{"0", 0},
                                      {"1", 1},
                                      {"4294967296", UINT64_C(4294967296)},
                                      {"36028797018963967", UINT64_C(36028797018963967)}};
    static const char *const bad[] = {
        NULL,    "",     "36028797018963968", "18446744073709551615", "18446744073709551616", "-1",
        "2048 ", "0x800"};

    for (size_t i = 0; i < COUNT(good); i++) {
        back("sectors", good[i].value);
        CU_ASSERT_EQUAL(properties(), BLKFRONT_OK);
        CU_ASSERT_EQUAL(device.agreed.size_512, good[i].expected);
    }
    for (size_t i = 0; i < COUNT(bad); i++) {
        back("sectors", bad[i]);
        CU_ASSERT_EQUAL(properties(), BLKFRONT_STORE);
        CU_ASSERT_STRING_EQUAL(device.detail,
                               "not a size of at most 2^55-1 units of 512 bytes: " BACK "/sectors");
    }
}

static void i17_read_only_is_bit_4_of_info_or_mode_r(void)
{
    static const struct {
        const char *info, *mode;
        bool read_only;
    } rows[] = {
        {NULL, NULL, false}, {"0", "w", false},  {"4", "w", true},          {"4", NULL, true},
        {"7", "w", true},    {"3", "w", false},  {"0", "r", true},          {NULL, "r", true},
        {"0", "ro", true},   {"0", "rw", false}, {"0", "", false},          {"0", "r!", false},
        {"x", "w", false},   {"4", "x", true},   {"0", "rrrrrrrrr", false}, {"8", "w", false},
    };

    for (size_t i = 0; i < COUNT(rows); i++) {
        back("info", rows[i].info);
        back("mode", rows[i].mode);
        CU_ASSERT_EQUAL(properties(), BLKFRONT_OK);
        CU_ASSERT_EQUAL(device.agreed.read_only, rows[i].read_only);
    }
}

static void flush_and_barrier_are_flags(void)
{
    static const struct row rows[] = {{NULL, 0}, {"0", 0},  {"1", 1}, {"2", 0},
                                      {"", 0},   {"01", 0}, {"y", 0}, {"-1", 0}};

    for (size_t i = 0; i < COUNT(rows); i++) {
        back("feature-barrier", NULL);
        back("feature-flush-cache", rows[i].value);
        CU_ASSERT_EQUAL(properties(), BLKFRONT_OK);
        CU_ASSERT_EQUAL(device.agreed.flush, rows[i].expected);
        CU_ASSERT_FALSE(device.agreed.barrier);
        CU_ASSERT_EQUAL(device.agreed.flush_offered, rows[i].expected);
        back("feature-flush-cache", "0");
        back("feature-barrier", rows[i].value);
        CU_ASSERT_EQUAL(properties(), BLKFRONT_OK);
        CU_ASSERT_FALSE(device.agreed.flush);
        CU_ASSERT_EQUAL(device.agreed.barrier, rows[i].expected);
        CU_ASSERT_EQUAL(device.agreed.flush_offered, rows[i].expected);
    }
}

static void grants_are_kept_if_both_sides_say_so(void)
{
    static const struct {
        bool ours;
        const char *theirs;
        bool kept;
    } rows[] = {
        {false, "1", false}, {true, "1", true},  {true, "0", false},
        {true, NULL, false}, {true, "2", false}, {false, NULL, false},
    };

    for (size_t i = 0; i < COUNT(rows); i++) {
        device.options.persistent = rows[i].ours;
        back("feature-persistent", rows[i].theirs);
        CU_ASSERT_EQUAL(negotiate_transport(&device), BLKFRONT_OK);
        CU_ASSERT_EQUAL(properties(), BLKFRONT_OK);
        CU_ASSERT_EQUAL(device.agreed.keeps_grants, rows[i].kept);
        /* Blind: whatever the backend has. */
        CU_ASSERT_EQUAL(device.agreed.persistent, rows[i].ours);
    }
}

static void discard_needs_the_feature_and_no_veto(void)
{
    static const struct {
        const char *feature, *enable, *secure;
        bool discard, discard_secure;
    } rows[] = {
        {NULL, NULL, NULL, false, false}, {"1", NULL, NULL, true, false},
        {"1", "0", "1", false, false},    {"1", "1", "1", true, true},
        {"0", "1", "1", false, false},    {"1", "x", "x", true, false},
    };

    for (size_t i = 0; i < COUNT(rows); i++) {
        back("feature-discard", rows[i].feature);
        back("discard-enable", rows[i].enable);
        back("discard-secure", rows[i].secure);
        CU_ASSERT_EQUAL(properties(), BLKFRONT_OK);
        CU_ASSERT_EQUAL(device.agreed.discard, rows[i].discard);
        CU_ASSERT_EQUAL(device.agreed.discard_secure, rows[i].discard_secure);
    }
}

static void discard_extents_fall_back_to_sectors(void)
{
    static const struct {
        const char *granularity, *alignment;
        uint32_t expected_granularity, expected_alignment;
    } rows[] = {
        {NULL, NULL, 512, 0},        {"4096", "0", 4096, 0},  {"4096", "512", 4096, 512},
        {"0", "512", 512, 0},        {"1000", "512", 512, 0}, {"4096", "100", 4096, 0},
        {"4096", "4608", 4096, 512}, {"x", "512", 512, 0},
    };

    for (size_t i = 0; i < COUNT(rows); i++) {
        back("discard-granularity", rows[i].granularity);
        back("discard-alignment", rows[i].alignment);
        CU_ASSERT_EQUAL(properties(), BLKFRONT_OK);
        CU_ASSERT_EQUAL(device.agreed.discard_granularity, rows[i].expected_granularity);
        CU_ASSERT_EQUAL(device.agreed.discard_alignment, rows[i].expected_alignment);
    }
}

/* I1: a value is read once for one decision. */
static void i1_every_node_is_read_once(void)
{
    CU_ASSERT_EQUAL(negotiate_transport(&device), BLKFRONT_OK);
    fake_fail(&fake, 0, false, 0);
    CU_ASSERT_EQUAL(properties(), BLKFRONT_OK);
    /* sector-size, physical-sector-size, sectors, info, mode, flush, barrier, persistent, five of
     * discard */
    CU_ASSERT_EQUAL(fake.calls, 13);
}

static void i20_a_store_that_fails_is_an_error_one_that_refuses_a_node_is_not(void)
{
    unsigned n = 1;

    for (; n < 50; n++) {
        fake_fail(&fake, n, false, BLKFRONT_PLATFORM_IO);
        device.detail[0] = '\0';
        if (negotiate_transport(&device) == BLKFRONT_OK && properties() == BLKFRONT_OK)
            break;
        CU_ASSERT_EQUAL(fake.failures, 1);
        CU_ASSERT_EQUAL(strncmp(device.detail, "cannot read " BACK "/", 20), 0);
    }
    CU_ASSERT_EQUAL(n, 18);
    for (n = 1; n < 17; n++) {
        int error;

        fake_fail(&fake, n, false, BLKFRONT_PLATFORM_DENIED);
        error = negotiate_transport(&device);
        if (error == BLKFRONT_OK)
            error = properties();
        /* Only the size has no default. */
        CU_ASSERT_EQUAL(error, n == 7 ? BLKFRONT_STORE : BLKFRONT_OK);
    }
}

/* ---- publishing ---- */

static void open_queues(uint32_t count, uint32_t order)
{
    device.options.queues = count;
    if (queues_create(&device) != BLKFRONT_OK)
        abort();
    negotiate_defaults(&device);
    device.agreed.queue_count = count;
    device.agreed.ring_order = order;
    for (uint32_t i = 0; i < count; i++)
        CU_ASSERT_EQUAL(queue_open(blkfront_get_queue(&device, i)), BLKFRONT_OK);
}

static void expect_nodes(const char *const *nodes, size_t count)
{
    /* backend and state beside them */
    CU_ASSERT_EQUAL(fake_below(&fake, FRONT), count + 2);
    for (size_t i = 0; i < count; i++) {
        char node[FAKE_PATH];
        const char *equals = strchr(nodes[i], '=');
        const char *value;

        snprintf(node, sizeof(node), FRONT "/%.*s", (int)(equals - nodes[i]), nodes[i]);
        value = fake_get(&fake, node);
        CU_ASSERT_PTR_NOT_NULL_FATAL(value);
        CU_ASSERT_STRING_EQUAL(value, equals + 1);
    }
    CU_ASSERT_STRING_EQUAL(fake_get(&fake, FRONT "/state"), "3");
}

static void leave_stale_nodes(void)
{
    static const char *const stale[] = {
        "ring-ref",
        "ring-ref0",
        "ring-ref7",
        "event-channel",
        "ring-page-order",
        "num-ring-pages",
        "queue-0/ring-ref",
        "queue-3/event-channel",
        "multi-queue-num-queues",
        "protocol",
        "feature-persistent",
        "feature-large-sector-size",
    };

    for (size_t i = 0; i < COUNT(stale); i++) {
        char path[FAKE_PATH];

        snprintf(path, sizeof(path), FRONT "/%s", stale[i]);
        fake_set(&fake, path, "99");
    }
}

static void i10_one_page_is_published_as_ring_ref_alone(void)
{
    static const char *const nodes[] = {"ring-ref=8", "event-channel=40", "protocol=x86_64-abi"};

    leave_stale_nodes();
    open_queues(1, 0);
    CU_ASSERT_EQUAL(publish(&device), 0);
    expect_nodes(nodes, COUNT(nodes));
    CU_ASSERT_EQUAL(fake.commits, 1);
    CU_ASSERT_EQUAL(unpublish(&device), 0);
    CU_ASSERT_EQUAL(fake_below(&fake, FRONT), 2);
}

static void i10_several_pages_are_published_in_both_spellings(void)
{
    static const char *const nodes[] = {
        "ring-ref0=8",      "ring-ref1=9",         "ring-ref2=10",
        "ring-ref3=11",     "ring-page-order=2",   "num-ring-pages=4",
        "event-channel=40", "protocol=x86_32-abi", "feature-persistent=1"};

    leave_stale_nodes();
    device.options.abi = BLKFRONT_ABI_32;
    device.options.persistent = true;
    open_queues(1, 2);
    CU_ASSERT_EQUAL(publish(&device), 0);
    expect_nodes(nodes, COUNT(nodes));
    CU_ASSERT_EQUAL(unpublish(&device), 0);
    CU_ASSERT_EQUAL(fake_below(&fake, FRONT), 2);
}

static void i10_several_queues_have_no_nodes_at_the_top(void)
{
    static const char *const nodes[] = {"queue-0/ring-ref0=8",      "queue-0/ring-ref1=9",
                                        "queue-0/event-channel=40", "queue-1/ring-ref0=108",
                                        "queue-1/ring-ref1=109",    "queue-1/event-channel=41",
                                        "ring-page-order=1",        "num-ring-pages=2",
                                        "multi-queue-num-queues=2", "protocol=x86_64-abi"};

    leave_stale_nodes();
    open_queues(2, 1);
    CU_ASSERT_EQUAL(publish(&device), 0);
    expect_nodes(nodes, COUNT(nodes));
    CU_ASSERT_EQUAL(unpublish(&device), 0);
    CU_ASSERT_EQUAL(fake_below(&fake, FRONT), 2);
    CU_ASSERT_PTR_NOT_NULL(fake_get(&fake, FRONT "/backend"));
}

static void i10_a_publication_is_seen_whole_or_not_at_all(void)
{
    open_queues(1, 0);
    for (unsigned n = 1; n < 50; n++) {
        int result;

        fake_fail(&fake, n, false, BLKFRONT_PLATFORM_IO);
        result = publish(&device);
        CU_ASSERT_FALSE(fake.in_transaction);
        if (fake.failures == 0 || result == 0)
            break;
        CU_ASSERT_EQUAL(fake_below(&fake, FRONT), 2);
        CU_ASSERT_STRING_EQUAL(fake_get(&fake, FRONT "/state"), "1");
    }
    fake_fail(&fake, 0, false, 0);
    fake.again = 5;
    CU_ASSERT_EQUAL(publish(&device), 0);
    CU_ASSERT_STRING_EQUAL(fake_get(&fake, FRONT "/state"), "3");
    fake.again = 1000;
    CU_ASSERT_EQUAL(publish(&device), BLKFRONT_PLATFORM_AGAIN);
}

static void what_is_not_ours_is_not_removed(void)
{
    fake_set(&fake, FRONT "/virtual-device", "51712");
    fake_set(&fake, FRONT "/device-type", "disk");
    fake_set(&fake, FRONT "/note", "hello");
    open_queues(1, 0);
    CU_ASSERT_EQUAL(publish(&device), 0);
    CU_ASSERT_EQUAL(unpublish(&device), 0);
    CU_ASSERT_EQUAL(fake_below(&fake, FRONT), 5);
    CU_ASSERT_STRING_EQUAL(fake_get(&fake, FRONT "/note"), "hello");
}

static const struct unit_test tests[] = {
    UNIT_TEST(defaults_are_legal_without_asking),
    UNIT_TEST(i10_no_more_queues_than_offered_and_wanted),
    UNIT_TEST(i10_no_larger_a_ring_than_offered_and_wanted),
    UNIT_TEST(i10_no_more_segments_than_offered_and_wanted),
    UNIT_TEST(sector_sizes_are_those_that_a_segment_can_express),
    UNIT_TEST(a_physical_sector_is_a_multiple_of_a_sector),
    UNIT_TEST(i9_a_size_whose_bytes_do_not_count_is_an_error),
    UNIT_TEST(i17_read_only_is_bit_4_of_info_or_mode_r),
    UNIT_TEST(flush_and_barrier_are_flags),
    UNIT_TEST(grants_are_kept_if_both_sides_say_so),
    UNIT_TEST(discard_needs_the_feature_and_no_veto),
    UNIT_TEST(discard_extents_fall_back_to_sectors),
    UNIT_TEST(i1_every_node_is_read_once),
    UNIT_TEST(i20_a_store_that_fails_is_an_error_one_that_refuses_a_node_is_not),
    UNIT_TEST(i10_one_page_is_published_as_ring_ref_alone),
    UNIT_TEST(i10_several_pages_are_published_in_both_spellings),
    UNIT_TEST(i10_several_queues_have_no_nodes_at_the_top),
    UNIT_TEST(i10_a_publication_is_seen_whole_or_not_at_all),
    UNIT_TEST(what_is_not_ours_is_not_removed),
};

UNIT_MAIN_WITH("negotiate", set_up, tear_down, tests)
