/* SPDX-License-Identifier: ISC */
/*
 * What each dialect publishes, and when: the nodes of PROTOCOL's table as they stand in XenStore.
 */
#include "cunit_main.h"
#include "fake_host.h"

static struct fake_device device;

static void set_up(void)
{
    fake_device_init(&device);
}

static void tear_down(void)
{
    fake_device_fini(&device);
    CU_ASSERT_EQUAL(device.host.allocations, 0);
    CU_ASSERT_EQUAL(device.host.wrong, 0);
}

static void node_is(const char *name, const char *expected)
{
    char path[FAKE_PATH];
    const char *found;

    snprintf(path, sizeof(path), FAKE_BACK "/%s", name);
    found = fake_get(&device.host, path);
    if (expected == NULL) {
        CU_ASSERT_PTR_NULL(found);
        return;
    }
    CU_ASSERT_PTR_NOT_NULL(found);
    if (found != NULL && strcmp(found, expected) != 0)
        printf("\n    %s is %s, expected %s", path, found, expected);
    CU_ASSERT_STRING_EQUAL(found != NULL ? found : "", expected);
}

/* How many nodes the backend has, with online and state. */
static uint32_t node_count(void)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < device.host.store.count; i++)
        count +=
            strncmp(device.host.store.nodes[i].path, FAKE_BACK "/", strlen(FAKE_BACK "/")) == 0;
    return count;
}

static void names_are_found_and_listed(void)
{
    size_t count = 0;

    for (const char *name; (name = simback_dialect_name(count)) != NULL; count++)
        CU_ASSERT_PTR_NOT_NULL(simback_dialect_find(name));
    CU_ASSERT_TRUE(count >= 2);
    CU_ASSERT_PTR_NULL(simback_dialect_find("linuxx"));
    CU_ASSERT_PTR_NULL(simback_dialect_find(NULL));
}

static void linux_publishes_the_limits_before_init_wait(void)
{
    fake_device_start(&device);
    CU_ASSERT_TRUE(fake_settle(&device));
    CU_ASSERT_EQUAL(fake_back_state(&device), 2);
    node_is("feature-max-indirect-segments", "256");
    node_is("multi-queue-max-queues", "1");
    node_is("max-ring-page-order", "4");
    CU_ASSERT_EQUAL(node_count(), 5);
}

static void linux_publishes_the_rest_at_connected(void)
{
    device.options.sector_size = 4096;
    device.options.sectors = 256;
    fake_connect(&device);
    CU_ASSERT_EQUAL(fake_back_state(&device), 4);
    node_is("feature-flush-cache", "1");
    node_is("feature-barrier", "1");
    node_is("feature-discard", "0");
    node_is("discard-granularity", NULL);
    node_is("discard-alignment", NULL);
    node_is("discard-secure", NULL);
    node_is("feature-persistent", "0");
    node_is("sectors", "2048"); /* 512-byte units whatever sector-size says */
    node_is("sector-size", "4096");
    node_is("physical-sector-size", "4096");
    node_is("info", "0");
    CU_ASSERT_EQUAL(node_count(), 13);
}

static void linux_writes_a_feature_that_is_not_there_as_0(void)
{
    device.options.flush = SIMBACK_NO;
    device.options.barrier = SIMBACK_NO;
    device.options.segments = 0;
    fake_connect(&device);
    node_is("feature-flush-cache", "0");
    node_is("feature-barrier", "0");
    node_is("feature-max-indirect-segments", NULL); /* must not exist if 6 is unknown */
}

static void discard_has_its_details(void)
{
    device.options.discard = SIMBACK_YES;
    device.options.physical_sector_size = 4096;
    fake_connect(&device);
    node_is("feature-discard", "1");
    node_is("discard-granularity", "4096");
    node_is("discard-alignment", "0");
    node_is("discard-secure", "0");
    node_is("physical-sector-size", "4096");
}

static void minimal_publishes_three_nodes(void)
{
    device.options.dialect = simback_dialect_find("minimal");
    fake_connect(&device);
    CU_ASSERT_EQUAL(fake_back_state(&device), 4);
    node_is("sectors", "2048");
    node_is("sector-size", "512");
    node_is("info", "0");
    CU_ASSERT_EQUAL(node_count(), 5);
}

static void minimal_publishes_what_an_option_adds(void)
{
    device.options.dialect = simback_dialect_find("minimal");
    device.options.flush = SIMBACK_YES;
    device.options.ring_order = 2;
    device.options.physical_sector_size = 4096;
    fake_connect(&device);
    node_is("feature-flush-cache", "1");
    node_is("max-ring-page-order", "2");
    node_is("physical-sector-size", "4096");
    node_is("feature-barrier", NULL);
    CU_ASSERT_EQUAL(node_count(), 8);
}

static void i17_mode_r_gives_bit_4_of_info(void)
{
    device.options.mode_read_only = true;
    device.options.removable = true;
    fake_connect(&device);
    node_is("info", "6");
}

static void info_can_be_said_outright(void)
{
    device.options.mode_read_only = true;
    device.options.info = 9;
    device.options.cdrom = true;
    fake_connect(&device);
    node_is("info", "9");
}

static void sizes_are_published_unmultiplied_beyond_64_bits(void)
{
    device.options.sectors = UINT64_MAX / 4;
    device.options.sector_size = 4096;
    fake_connect(&device);
    node_is("sectors", "18446744073709551615");
}

static void an_odd_sector_size_is_published_as_it_is(void)
{
    device.options.sector_size = 100;
    fake_connect(&device);
    node_is("sectors", "2048");
    node_is("sector-size", "100");
}

static void a_conflict_is_tried_again(void)
{
    device.host.again = 11;
    fake_connect(&device);
    CU_ASSERT_EQUAL(fake_back_state(&device), 4);
    CU_ASSERT_EQUAL(device.host.again, 0);
    CU_ASSERT_EQUAL(node_count(), 13);
}

static const struct unit_test tests[] = {
    UNIT_TEST(names_are_found_and_listed),
    UNIT_TEST(linux_publishes_the_limits_before_init_wait),
    UNIT_TEST(linux_publishes_the_rest_at_connected),
    UNIT_TEST(linux_writes_a_feature_that_is_not_there_as_0),
    UNIT_TEST(discard_has_its_details),
    UNIT_TEST(minimal_publishes_three_nodes),
    UNIT_TEST(minimal_publishes_what_an_option_adds),
    UNIT_TEST(i17_mode_r_gives_bit_4_of_info),
    UNIT_TEST(info_can_be_said_outright),
    UNIT_TEST(sizes_are_published_unmultiplied_beyond_64_bits),
    UNIT_TEST(an_odd_sector_size_is_published_as_it_is),
    UNIT_TEST(a_conflict_is_tried_again),
};

UNIT_MAIN_WITH("dialect", set_up, tear_down, tests)
