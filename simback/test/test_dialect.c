/* SPDX-License-Identifier: ISC */
/*
 * What each dialect publishes, and when: the nodes of PROTOCOL's tables as they come into XenStore,
 * in their order, with their values.
 */
#include "cunit_main.h"
#include "fake_host.h"

enum { NODES = 20 };

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

static void again(const char *dialect)
{
    fake_device_fini(&device);
    fake_device_init(&device);
    fake_use(&device, simback_dialect_find(dialect));
}

static void node_is(const char *name, const char *expected)
{
    char path[2 * FAKE_PATH];
    const char *found;

    snprintf(path, sizeof(path), "%s/%s", device.back, name);
    found = fake_get(&device.host, path);
    if (expected == NULL) {
        CU_ASSERT_PTR_NULL(found);
        return;
    }
    if (found == NULL || strcmp(found, expected) != 0)
        printf("\n    %s is %s, expected %s", path, found == NULL ? "absent" : found, expected);
    CU_ASSERT_STRING_EQUAL(found != NULL ? found : "", expected);
}

/* All of the backend's nodes but online and state, "name=value" in the order of their coming. */
static void list_nodes(char *text, size_t size)
{
    const size_t base = strlen(device.back);

    text[0] = '\0';
    for (uint32_t i = 0; i < device.host.store.count; i++) {
        const struct fake_node *node = &device.host.store.nodes[i];
        const char *name = node->path + base + 1;

        if (strncmp(node->path, device.back, base) != 0 || strcmp(name, "online") == 0 ||
            strcmp(name, "state") == 0)
            continue;
        snprintf(text + strlen(text), size - strlen(text), "%s=%s ", name, node->value);
    }
}

static void nodes_are(const char *const *expected)
{
    char found[1024], wanted[1024] = "";

    for (size_t i = 0; i < NODES && expected[i] != NULL; i++)
        snprintf(wanted + strlen(wanted), sizeof(wanted) - strlen(wanted), "%s ", expected[i]);
    list_nodes(found, sizeof(found));
    if (strcmp(found, wanted) != 0)
        printf("\n    found    %s\n    expected %s", found, wanted);
    CU_ASSERT_STRING_EQUAL(found, wanted);
}

/* ---- the tables ---- */

/* A disk of 2048 sectors of 512 bytes, writable. What is there at InitWait is still there at
 * Connected. */
static const struct publishing {
    const char *dialect;
    const char *directory;
    const char *init_wait[NODES];
    const char *connected[NODES];
} table[] = {
    {"linux",
     "vbd",
     {"feature-max-indirect-segments=256", "multi-queue-max-queues=1", "max-ring-page-order=4"},
     {"feature-max-indirect-segments=256", "multi-queue-max-queues=1", "max-ring-page-order=4",
      "feature-flush-cache=1", "feature-discard=0", "feature-barrier=1", "feature-persistent=1",
      "sectors=2048", "info=0", "sector-size=512", "physical-sector-size=512"}},
    {"qemu",
     "qdisk",
     {"feature-discard=1", "discard-granularity=512", "discard-alignment=0",
      "feature-flush-cache=1", "max-ring-page-order=4", "info=0", "sector-size=512", "sectors=2048",
      "hotplug-status=connected"},
     {"feature-discard=1", "discard-granularity=512", "discard-alignment=0",
      "feature-flush-cache=1", "max-ring-page-order=4", "info=0", "sector-size=512", "sectors=2048",
      "hotplug-status=connected"}},
    {"tapdisk",
     "vbd3",
     {"hotplug-status=connected", "max-ring-page-order=3"},
     {"hotplug-status=connected", "max-ring-page-order=3", "feature-barrier=1", "sector-size=512",
      "sectors=2048", "info=0"}},
    {"mirage",
     "vbd",
     {"hotplug-status=online", "sector-size=512", "sectors=2048", "info=0",
      "feature-max-indirect-segments=256"},
     {"hotplug-status=online", "sector-size=512", "sectors=2048", "info=0",
      "feature-max-indirect-segments=256"}},
    {"minimal", "vbd", {NULL}, {"sectors=2048", "sector-size=512", "info=0"}},
    {"everything",
     "vbd",
     {"hotplug-status=connected", "feature-barrier=1", "feature-flush-cache=1", "feature-discard=1",
      "feature-persistent=1", "feature-max-indirect-segments=4096", "max-ring-page-order=4",
      "max-ring-pages=16", "multi-queue-max-queues=4"},
     {"hotplug-status=connected", "feature-barrier=1", "feature-flush-cache=1", "feature-discard=1",
      "feature-persistent=1", "feature-max-indirect-segments=4096", "max-ring-page-order=4",
      "max-ring-pages=16", "multi-queue-max-queues=4", "discard-alignment=0",
      "discard-granularity=512", "discard-secure=1", "info=0", "sector-size=512",
      "physical-sector-size=512", "sectors=2048"}},
};

enum { DIALECTS = sizeof(table) / sizeof(table[0]) };

static void each_dialect_publishes_its_nodes_in_its_order(void)
{
    for (size_t i = 0; i < DIALECTS; i++) {
        again(table[i].dialect);
        fake_device_start(&device);
        CU_ASSERT_TRUE(fake_settle(&device));
        CU_ASSERT_EQUAL(fake_back_state(&device), 2);
        nodes_are(table[i].init_wait);
        fake_publish_rings(&device);
        fake_front_state(&device, 3);
        CU_ASSERT_TRUE(fake_settle(&device));
        CU_ASSERT_EQUAL(fake_back_state(&device), 4);
        nodes_are(table[i].connected);
    }
}

static void each_dialect_is_in_the_table(void)
{
    for (size_t i = 0; i < DIALECTS; i++) {
        CU_ASSERT_STRING_EQUAL(simback_dialect_name(i), table[i].dialect);
        CU_ASSERT_STRING_EQUAL(simback_dialect_at(i)->directory, table[i].directory);
        CU_ASSERT_PTR_EQUAL(simback_dialect_find(table[i].dialect), simback_dialect_at(i));
        CU_ASSERT_TRUE(simback_dialect_check(simback_dialect_at(i)));
    }
    CU_ASSERT_PTR_NULL(simback_dialect_name(DIALECTS));
    CU_ASSERT_PTR_NULL(simback_dialect_at(DIALECTS));
    CU_ASSERT_PTR_NULL(simback_dialect_find("linuxx"));
    CU_ASSERT_PTR_NULL(simback_dialect_find(NULL));
}

static void node_names_are_blkifs(void)
{
    CU_ASSERT_STRING_EQUAL(simback_node_name(SIMBACK_NODE_MAX_RING_PAGES), "max-ring-pages");
    for (unsigned node = 0; node < SIMBACK_NODE_COUNT; node++)
        CU_ASSERT_PTR_NOT_NULL(simback_node_name(node));
    CU_ASSERT_PTR_NULL(simback_node_name(SIMBACK_NODE_COUNT));
}

/* A copy, changed in one place, is no good. */
static void what_is_out_of_range_is_no_dialect(void)
{
    struct simback_dialect copy = *simback_dialect_find("linux");

#define NO_DIALECT(change)                                  \
    do {                                                    \
        struct simback_dialect changed = copy;              \
                                                            \
        change;                                             \
        CU_ASSERT_FALSE(simback_dialect_check(&(changed))); \
    } while (0)
    CU_ASSERT_TRUE(simback_dialect_check(&copy));
    NO_DIALECT(changed.name[0] = '\0');
    NO_DIALECT(changed.name[1] = ' ');
    NO_DIALECT(memset(changed.name, 'a', sizeof(changed.name)));
    NO_DIALECT(changed.directory[0] = '/');
    NO_DIALECT(memset(changed.about, 'a', sizeof(changed.about)));
    NO_DIALECT(changed.row_count = SIMBACK_DIALECT_ROWS + 1);
    NO_DIALECT(changed.rows[0].node = SIMBACK_NODE_COUNT);
    NO_DIALECT(changed.rows[0].node = changed.rows[1].node);
    NO_DIALECT(changed.rows[0].phase = 3);
    NO_DIALECT(changed.rows[0].always = 2);
    NO_DIALECT(memset(changed.rows[0].value, 'a', sizeof(changed.rows[0].value)));
    NO_DIALECT(changed.ring_order = 5);
    NO_DIALECT(changed.info_bits = 8);
    NO_DIALECT(changed.segments = 4097);
    NO_DIALECT(changed.spelling = 4);
    NO_DIALECT(changed.default_abi = 3);
    NO_DIALECT(changed.units = 3);
    NO_DIALECT(changed.indirect_pages = 0);
    NO_DIALECT(changed.indirect_pages = 9);
    NO_DIALECT(changed.closing = 3);
    NO_DIALECT(changed.vanished = 4);
    NO_DIALECT(changed.lru_percent = 101);
#undef NO_DIALECT
    strcpy(copy.name, "Other-1_x");
    CU_ASSERT_TRUE(simback_dialect_check(&copy));
}

/* ---- what options and the toolstack change ---- */

static void linux_writes_a_feature_that_is_not_there_as_0(void)
{
    device.options.flush = SIMBACK_NO;
    device.options.persistent = SIMBACK_NO;
    device.options.segments = 0;
    fake_connect(&device);
    node_is("feature-flush-cache", "0");
    node_is("feature-barrier", "0"); /* of the disk's cache, as the flush */
    node_is("feature-persistent", "0");
    node_is("feature-max-indirect-segments", NULL); /* must not exist if 6 is unknown */
}

static void tapdisk_offers_a_barrier_without_a_flush(void)
{
    again("tapdisk");
    fake_connect(&device);
    node_is("feature-barrier", "1");
    node_is("feature-flush-cache", NULL);
    again("tapdisk");
    device.options.barrier = SIMBACK_NO;
    fake_connect(&device);
    node_is("feature-barrier", "0");
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

static void granularity_and_alignment_of_a_dialects_own(void)
{
    struct simback_dialect own = *simback_dialect_find("everything");

    own.granularity = 65536;
    own.alignment = 1536;
    fake_use(&device, &own);
    fake_connect(&device);
    node_is("discard-granularity", "65536");
    node_is("discard-alignment", "1536");
}

static void the_toolstack_can_forbid_discards(void)
{
    static const struct {
        const char *dialect, *feature, *granularity;
    } cases[] = {{"qemu", NULL, NULL},
                 {"everything", NULL, NULL},
                 {"linux", NULL, NULL}, /* not even as 0 */
                 {"tapdisk", NULL, NULL}};
    char path[2 * FAKE_PATH];

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        again(cases[i].dialect);
        snprintf(path, sizeof(path), "%s/discard-enable", device.back);
        fake_put(&device.host, path, "0");
        fake_connect(&device);
        CU_ASSERT_EQUAL(fake_back_state(&device), 4);
        node_is("feature-discard", cases[i].feature);
        node_is("discard-granularity", cases[i].granularity);
        node_is("discard-alignment", NULL);
    }
    again("qemu");
    snprintf(path, sizeof(path), "%s/discard-enable", device.back);
    fake_put(&device.host, path, "1");
    fake_connect(&device);
    node_is("feature-discard", "1");
}

static void minimal_publishes_what_an_option_adds(void)
{
    again("minimal");
    device.options.flush = SIMBACK_YES;
    device.options.ring_order = 2;
    device.options.physical_sector_size = 4096;
    fake_connect(&device);
    nodes_are((const char *const[NODES]){"max-ring-page-order=2", "sectors=2048", "sector-size=512",
                                         "info=0", "physical-sector-size=4096",
                                         "feature-flush-cache=1"});
}

/* PROTOCOL section 1: what `info` can say, of a read-only removable CD-ROM. */
static void i17_info_says_what_the_dialect_knows(void)
{
    static const struct {
        const char *dialect, *info;
    } cases[] = {{"linux", "7"},  {"qemu", "5"},    {"tapdisk", "5"},
                 {"mirage", "0"}, {"minimal", "7"}, {"everything", "7"}};

    for (size_t i = 0; i < DIALECTS; i++) {
        again(cases[i].dialect);
        device.options.mode_read_only = true;
        device.options.removable = true;
        device.options.cdrom = true;
        fake_connect(&device);
        node_is("info", cases[i].info);
    }
}

static void info_can_be_said_outright(void)
{
    device.options.mode_read_only = true;
    device.options.info = 9;
    device.options.cdrom = true;
    fake_connect(&device);
    node_is("info", "9");
}

/* PROTOCOL section 1, row 9. */
static void sectors_count_as_the_dialect_counts(void)
{
    static const struct {
        const char *dialect, *sectors;
    } cases[] = {{"linux", "2048"}, {"qemu", "256"},     {"tapdisk", "2048"},
                 {"mirage", "256"}, {"minimal", "2048"}, {"everything", "2048"}};

    for (size_t i = 0; i < DIALECTS; i++) {
        again(cases[i].dialect);
        device.options.sector_size = 4096;
        device.options.sectors = 256;
        fake_put(&device.host, FAKE_FRONT "/feature-large-sector-size", "1");
        fake_connect(&device);
        CU_ASSERT_EQUAL(fake_back_state(&device), 4);
        node_is("sectors", cases[i].sectors);
        node_is("sector-size", "4096");
    }
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
    char nodes[1024];

    device.host.again = 11;
    fake_connect(&device);
    CU_ASSERT_EQUAL(fake_back_state(&device), 4);
    CU_ASSERT_EQUAL(device.host.again, 0);
    list_nodes(nodes, sizeof(nodes));
    CU_ASSERT_PTR_NOT_NULL(strstr(nodes, "feature-persistent=1"));
}

static const struct unit_test tests[] = {
    UNIT_TEST(each_dialect_is_in_the_table),
    UNIT_TEST(each_dialect_publishes_its_nodes_in_its_order),
    UNIT_TEST(node_names_are_blkifs),
    UNIT_TEST(what_is_out_of_range_is_no_dialect),
    UNIT_TEST(linux_writes_a_feature_that_is_not_there_as_0),
    UNIT_TEST(tapdisk_offers_a_barrier_without_a_flush),
    UNIT_TEST(discard_has_its_details),
    UNIT_TEST(granularity_and_alignment_of_a_dialects_own),
    UNIT_TEST(the_toolstack_can_forbid_discards),
    UNIT_TEST(minimal_publishes_what_an_option_adds),
    UNIT_TEST(i17_info_says_what_the_dialect_knows),
    UNIT_TEST(info_can_be_said_outright),
    UNIT_TEST(sectors_count_as_the_dialect_counts),
    UNIT_TEST(sizes_are_published_unmultiplied_beyond_64_bits),
    UNIT_TEST(an_odd_sector_size_is_published_as_it_is),
    UNIT_TEST(a_conflict_is_tried_again),
};

UNIT_MAIN_WITH("dialect", set_up, tear_down, tests)
