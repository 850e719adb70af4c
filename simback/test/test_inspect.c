/* SPDX-License-Identifier: ISC */
/*
 * I10 as the backend judges it: nodes that contradict the ring that was read, or are left over from
 * another connection. Each is named; a strict dialect does not connect, the others do.
 */
#include "alone.h"

#include <blkfront/platform.h>

/* A frontend that connects with one node too many: what the backend says of it. */
static const struct contradiction {
    const char *dialect, *strict;
    uint32_t order, queues;
    const char *node, *value, *words;
} table[] = {
    /* What is there is right. */
    {"linux", "everything", 0, 1, NULL, NULL, NULL},
    {"linux", "everything", 2, 1, NULL, NULL, NULL},
    {"linux", "everything", 0, 2, NULL, NULL, NULL},
    {"linux", "everything", 1, 2, NULL, NULL, NULL},
    /* Both spellings of the references. */
    {"linux", "minimal", 0, 1, "ring-ref0", "8", "ring-ref0: must not be there beside ring-ref"},
    {"linux", "everything", 1, 1, "ring-ref", "8", "ring-ref: must not be there beside ring-ref0"},
    {"qemu", "everything", 1, 1, "ring-ref2", "8",
     "ring-ref2: must not be there beyond the pages of the ring"},
    {"linux", "everything", 1, 2, "queue-1/ring-ref", "8",
     "queue-1/ring-ref: must not be there beside ring-ref0"},
    {"linux", "everything", 1, 2, "queue-1/ring-ref2", "8",
     "queue-1/ring-ref2: must not be there beyond the pages of the ring"},
    /* A ring at the top with queues, and queues with a ring at the top. */
    {"linux", "everything", 0, 2, "ring-ref", "8", "ring-ref: must not be there with 2 queues"},
    {"linux", "everything", 0, 2, "ring-ref0", "8", "ring-ref0: must not be there with 2 queues"},
    {"linux", "everything", 0, 2, "event-channel", "3",
     "event-channel: must not be there with 2 queues"},
    {"linux", "everything", 0, 2, "queue-2/event-channel", "3",
     "queue-2/event-channel: must not be there with 2 queues"},
    {"linux", "minimal", 0, 1, "queue-0/ring-ref", "8",
     "queue-0/ring-ref: must not be there with 1 queue"},
    {"tapdisk", "minimal", 0, 1, "queue-0/event-channel", "8",
     "queue-0/event-channel: must not be there with 1 queue"},
    /* The spelling of the size that the dialect does not read. */
    {"linux", NULL, 1, 1, "num-ring-pages", "3",
     "num-ring-pages: 3 is not a power of two, but the ring has 2 pages"},
    {"linux", NULL, 1, 1, "num-ring-pages", "0", "num-ring-pages: 0 is not a power of two"},
    {"linux", NULL, 1, 1, "num-ring-pages", "4", "num-ring-pages: 4, but the ring has 2 pages"},
    {"qemu", NULL, 0, 1, "num-ring-pages", "two", "num-ring-pages: found \"two\""},
    {"mirage", NULL, 0, 1, "ring-page-order", "1", "ring-page-order: 1, but the ring has 1 pages"},
    {"mirage", NULL, 0, 1, "ring-page-order", "5", "ring-page-order: 5, but the ring has 1 pages"},
};

static void connect(const struct contradiction *row, const char *dialect)
{
    char path[FAKE_PATH];

    tear_down();
    set_up();
    fake_use(&device, simback_dialect_find(dialect));
    device.options.queues = (int32_t)row->queues;
    device.options.ring_order = strcmp(dialect, "mirage") == 0 ? 0 : 4;
    device.order = row->order;
    device.queue_count = row->queues;
    fake_device_start(&device);
    CU_ASSERT_TRUE(fake_settle(&device));
    fake_publish_rings(&device);
    if (row->node != NULL) {
        snprintf(path, sizeof(path), FAKE_FRONT "/%s", row->node);
        fake_put(&device.host, path, row->value);
    }
    fake_front_state(&device, 3);
    CU_ASSERT_TRUE(fake_settle(&device));
}

static bool said(const struct contradiction *row)
{
    const char *complaint = simback_backend_complaint(device.backend);
    const bool found =
        row->words == NULL ? complaint[0] == '\0' : strstr(complaint, row->words) != NULL;

    if (!found)
        printf("\n    \"%s\" not in: %s", row->words == NULL ? "" : row->words, complaint);
    return found;
}

static void i10_a_node_too_many_is_named_and_tolerated(void)
{
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        connect(&table[i], table[i].dialect);
        CU_ASSERT_TRUE(said(&table[i]));
        CU_ASSERT_EQUAL(complaints(), table[i].node != NULL);
        CU_ASSERT_EQUAL(fake_back_state(&device), 4);
    }
}

static void i10_a_strict_dialect_does_not_connect(void)
{
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        if (table[i].strict == NULL)
            continue;
        connect(&table[i], table[i].strict);
        CU_ASSERT_TRUE(said(&table[i]));
        CU_ASSERT_EQUAL(fake_back_state(&device), table[i].node != NULL ? 5 : 4);
        CU_ASSERT_EQUAL(fake_get(&device.host, device.error) != NULL, table[i].node != NULL);
    }
}

/* ---- values that are none ---- */

/* Settled in InitWait, everything published. */
static void begin(void)
{
    fake_device_start(&device);
    CU_ASSERT_TRUE(fake_settle(&device));
    fake_publish_rings(&device);
}

static struct fake_node *node(const char *path)
{
    for (uint32_t i = 0; i < device.host.store.count; i++) {
        if (strcmp(device.host.store.nodes[i].path, path) == 0)
            return &device.host.store.nodes[i];
    }
    return NULL;
}

static void i20_a_value_that_ends_early_is_none(void)
{
    struct fake_node *protocol;

    begin();
    fake_put(&device.host, FAKE_FRONT "/protocol", "x86_64-abi");
    protocol = node(FAKE_FRONT "/protocol");
    CU_ASSERT_PTR_NOT_NULL_FATAL(protocol);
    protocol->value[3] = '\0';
    fake_front_state(&device, 3);
    CU_ASSERT_TRUE(fake_settle(&device));
    CU_ASSERT_EQUAL(fake_back_state(&device), 5);
    CU_ASSERT_PTR_NOT_NULL(
        strstr(simback_backend_complaint(device.backend), "protocol: a NUL byte in its value"));
}

static void i20_xenstore_that_cannot_be_read_is_told_of(void)
{
    begin();
    fake_front_state(&device, 3);
    device.host.fail_read = BLKFRONT_PLATFORM_IO;
    CU_ASSERT_TRUE(fake_settle(&device));
    CU_ASSERT_PTR_NOT_NULL(
        strstr(simback_backend_complaint(device.backend), "state: cannot be read (-8)"));
    device.host.fail_read = 0;
    CU_ASSERT_EQUAL(fake_back_state(&device), 2);
    fake_front_state(&device, 3);
    CU_ASSERT_TRUE(fake_settle(&device));
    CU_ASSERT_EQUAL(fake_back_state(&device), 4);
}

static const struct unit_test tests[] = {
    UNIT_TEST(i10_a_node_too_many_is_named_and_tolerated),
    UNIT_TEST(i10_a_strict_dialect_does_not_connect),
    UNIT_TEST(i20_a_value_that_ends_early_is_none),
    UNIT_TEST(i20_xenstore_that_cannot_be_read_is_told_of),
};

UNIT_MAIN_WITH("inspect", set_up, tear_down, tests)
