/* SPDX-License-Identifier: ISC */
/*
 * What a platform has to have, and what goes on without the one thing that it need not have; what
 * devices of one context want of each other; and what is told of a state that cannot be.
 */
#include "fake_world.h"

#include <stddef.h>
#include <stdlib.h>

/* ---- calls that have to be there ---- */

#define CALL(member) offsetof(struct blkfront_platform, member)

static const size_t required[] = {
    CALL(share),
    CALL(unshare),
    CALL(channels_open),
    CALL(channels_close),
    CALL(port_allocate),
    CALL(port_close),
    CALL(port_notify),
    CALL(port_pending),
    CALL(port_unmask),
    CALL(channels_wake),
    CALL(own_domid),
    CALL(store_read),
    CALL(store_write),
    CALL(store_remove),
    CALL(store_list),
    CALL(transaction_start),
    CALL(transaction_end),
    CALL(watches_open),
    CALL(watches_close),
    CALL(watch),
    CALL(unwatch),
    CALL(watch_fired),
    CALL(watches_wake),
    CALL(now),
    CALL(wait),
    CALL(allocate),
    CALL(free),
    CALL(bug),
};

static const size_t of_any_page[] = {
    CALL(page_allocate),
    CALL(page_free),
    CALL(page_grant),
    CALL(page_revoke),
};

/* Nothing is granted here. */
static int allocate_none(void *unused, uint32_t count, void **address)
{
    (void)unused, (void)count, (void)address;
    abort();
}

static void free_none(void *unused, void *address, uint32_t count)
{
    (void)unused, (void)address, (void)count;
    abort();
}

static int grant_none(void *unused, uint16_t domid, const void *page, bool writable, uint32_t *ref)
{
    (void)unused, (void)domid, (void)page, (void)writable, (void)ref;
    abort();
}

static int revoke_none(void *unused, uint32_t ref)
{
    (void)unused, (void)ref;
    abort();
}

static struct blkfront_platform with_any_page(void)
{
    struct blkfront_platform platform = fake.platform;

    platform.capabilities = BLKFRONT_PLATFORM_GRANTS_ANY_PAGE;
    platform.page_allocate = allocate_none;
    platform.page_free = free_none;
    platform.page_grant = grant_none;
    platform.page_revoke = revoke_none;
    return platform;
}

static void is_refused_without(struct blkfront_platform platform, size_t call)
{
    struct blkfront *none = NULL;

    memset((char *)&platform + call, 0, sizeof(platform.bug));
    CU_ASSERT_EQUAL(blkfront_create(&platform, &none), BLKFRONT_INVALID);
    CU_ASSERT_PTR_NULL(none);
}

static void a_platform_that_lacks_a_call_is_refused(void)
{
    for (size_t i = 0; i < sizeof(required) / sizeof(required[0]); i++)
        is_refused_without(fake.platform, required[i]);
}

static void a_platform_that_lacks_a_call_of_what_it_can_do_is_refused(void)
{
    struct blkfront_platform platform = with_any_page();
    struct blkfront *other = NULL;

    for (size_t i = 0; i < sizeof(of_any_page) / sizeof(of_any_page[0]); i++)
        is_refused_without(platform, of_any_page[i]);
    CU_ASSERT_EQUAL(blkfront_create(&platform, &other), BLKFRONT_OK);
    blkfront_destroy(other);
    fake_queues.forgotten = 0;
}

/* ---- the one that need not ---- */

static void a_platform_without_a_log_is_as_good(void)
{
    struct blkfront_device *device;

    fake.platform.log = NULL;
    device = connected();
    fake_queues.violation = "response id not in flight";
    settle(device);
    fake_queues.violation = NULL;
    ends(device, BLKFRONT_FAILED, BLKFRONT_PROTOCOL, "response id not in flight");
    fake_queues.quarantined = 1;
    blkfront_destroy(context);
    CU_ASSERT_STRING_EQUAL(fake.last_log, "");
    fake_queues_init();
    blkfront_create(&fake.platform, &context);
}

/* ---- what cannot be ---- */

static const char *where_it_was;

static void note_bug(void *unused, const char *where)
{
    (void)unused;
    where_it_was = where;
}

static void a_state_that_cannot_be_is_told(void)
{
    struct blkfront_device *device;

    fake.platform.bug = note_bug;
    device = connected();
    where_it_was = "";
    device->life->own = BLKIF_WIRE_INIT_WAIT; /* never ours */
    CU_ASSERT_EQUAL(blkfront_poll(device), 0);
    CU_ASSERT_STRING_EQUAL(where_it_was, "opening_step");
    device->life->own = BLKIF_WIRE_CONNECTED;
    blkfront_release(device);
}

static void what_is_not_there_is_not_asked(void)
{
    struct blkfront_device *device = connected();
    struct blkfront_info info;
    uint32_t vdev;
    size_t count;

    CU_ASSERT_EQUAL(blkfront_get_info(NULL, &info), BLKFRONT_INVALID);
    CU_ASSERT_EQUAL(blkfront_get_info(device, NULL), BLKFRONT_INVALID);
    CU_ASSERT_EQUAL(blkfront_enumerate(NULL, &vdev, 1, &count), BLKFRONT_INVALID);
    CU_ASSERT_EQUAL(blkfront_enumerate(context, NULL, 1, &count), BLKFRONT_INVALID);
    CU_ASSERT_EQUAL(blkfront_enumerate(context, NULL, 0, &count), BLKFRONT_OK);
    CU_ASSERT_EQUAL(count, 1);
    CU_ASSERT_EQUAL(blkfront_poll(NULL), 0);
    CU_ASSERT_EQUAL(blkfront_poll_at(NULL), UINT64_MAX);
    CU_ASSERT_STRING_EQUAL(blkfront_detail(NULL), "");
    CU_ASSERT_EQUAL(blkfront_quarantined(NULL), 0);
    blkfront_suspend(NULL);
    blkfront_resume(NULL);
    blkfront_destroy(NULL);
    blkfront_release(device);
}

/* Other devices end what they keep, and for that one that connects waits; but not for ever (I4). */
static void i4_grants_that_other_devices_keep_are_waited_for(void)
{
    const uint64_t began_ns = fake.now_ns;
    struct blkfront_device *device;

    fake_queues.others_keep_grants = true;
    fake_queues.open_fails = 5;
    device = begin(NULL);
    settle_in_time(device);
    CU_ASSERT_EQUAL(blkfront_device_state(device), BLKFRONT_CONNECTED);
    CU_ASSERT_EQUAL(fake_queues.told_devices, 5);
    CU_ASSERT_EQUAL(fake.now_ns - began_ns, UINT64_C(31000000)); /* 1, 2, 4, 8 and 16 ms */
    blkfront_disconnect(device);
    settle_in_time(device);
    blkfront_release(device);

    fake_queues.told_devices = 0;
    fake_queues.open_fails = ~0u;
    device = begin(NULL);
    ends(device, BLKFRONT_FAILED, BLKFRONT_NO_MEMORY, "cannot share a ring and its pages");
    CU_ASSERT_EQUAL(fake_queues.told_devices, 11);
    left_as_found();
}

/* Nor for a port, which none of them has to give. */
static void i4_a_port_is_not_waited_for(void)
{
    const uint64_t began_ns = fake.now_ns;
    struct blkfront_options options;
    struct blkfront_device *device;

    blkfront_options_init(&options);
    options.ring_order = 2;
    fake_queues.others_keep_grants = true;
    fake_queues.open_error = BLKFRONT_NO_MEMORY;
    fake_queues.open_fails = ~0u;
    fake_set(&fake, BACK "/max-ring-page-order", "4");
    device = begin(&options);
    ends(device, BLKFRONT_FAILED, BLKFRONT_NO_MEMORY, "no event channel for a ring");
    CU_ASSERT_EQUAL(fake_queues.opens, 1); /* a smaller ring needs one as well */
    CU_ASSERT_EQUAL(fake_queues.told_devices, 0);
    CU_ASSERT_EQUAL(fake.now_ns, began_ns);
    left_as_found();
}

static const struct unit_test tests[] = {
    UNIT_TEST(a_platform_that_lacks_a_call_is_refused),
    UNIT_TEST(a_platform_that_lacks_a_call_of_what_it_can_do_is_refused),
    UNIT_TEST(a_platform_without_a_log_is_as_good),
    UNIT_TEST(i4_grants_that_other_devices_keep_are_waited_for),
    UNIT_TEST(i4_a_port_is_not_waited_for),
    UNIT_TEST(a_state_that_cannot_be_is_told),
    UNIT_TEST(what_is_not_there_is_not_asked),
};

UNIT_MAIN_WITH("context", world_set_up, world_tear_down, tests)
