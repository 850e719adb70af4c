/* SPDX-License-Identifier: ISC */
/*
 * The platform on a real Xen over libraries of the test's own: what people are told when it cannot
 * be had, and how watches and ports are dealt out. What fails below it is test_libxen_failures.c's.
 * On a real Xen it is tested by the platform's conformance test, in the live rig.
 */
#include "cunit_main.h"
#include "fake_libxen.h"
#include "libxen_machine.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#define SECOND UINT64_C(1000000000)

/* ---- it cannot be had ---- */

static void a_machine_without_xen_is_told(void)
{
    begin();
    unlink(below("/sys/hypervisor/type"));
    CU_ASSERT_EQUAL(try_open(), BLKFRONT_LIBXEN_NO_XEN);
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "no Xen domain"));
    put_file("/sys/hypervisor/type", "kvm\n");
    CU_ASSERT_EQUAL(try_open(), BLKFRONT_LIBXEN_NO_XEN);
    put_file("/sys/hypervisor/type", "");
    CU_ASSERT_EQUAL(try_open(), BLKFRONT_LIBXEN_NO_XEN);
    CU_ASSERT_EQUAL(fake_libxen.calls, 0);
    end();
}

static void a_missing_device_node_is_told_with_its_module(void)
{
    begin();
    unlink(below("/dev/xen/evtchn"));
    CU_ASSERT_EQUAL(try_open(), BLKFRONT_LIBXEN_NO_NODE);
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "modprobe xen-evtchn"));
    unlink(below("/dev/xen/gntalloc"));
    CU_ASSERT_EQUAL(try_open(), BLKFRONT_LIBXEN_NO_NODE);
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "modprobe xen-gntalloc"));
    end();
}

/* A link to itself: what root may not follow either. */
static void a_device_node_that_may_not_be_used_is_told(void)
{
    char node[BLKFRONT_LIBXEN_TEXT];

    begin();
    unlink(below("/dev/xen/gntalloc"));
    snprintf(node, sizeof(node), "%s", below("/dev/xen/gntalloc"));
    CU_ASSERT_EQUAL(symlink("gntalloc", node), 0);
    CU_ASSERT_EQUAL(try_open(), BLKFRONT_LIBXEN_NO_ACCESS);
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "be root"));
    end();
}

static void what_xenstored_or_gntalloc_refuse_is_told(void)
{
    begin();
    fake_libxen.fail_at = 1;
    fake_libxen.fail_errno = ECONNREFUSED;
    CU_ASSERT_EQUAL(try_open(), BLKFRONT_LIBXEN_NO_STORE);
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "xenstored does not answer"));
    fake_libxen.fail_at = fake_libxen.calls + 1;
    fake_libxen.fail_errno = EACCES;
    CU_ASSERT_EQUAL(try_open(), BLKFRONT_LIBXEN_NO_ACCESS);
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "xenstored"));
    fake_libxen.fail_at = fake_libxen.calls + 2;
    CU_ASSERT_EQUAL(try_open(), BLKFRONT_LIBXEN_NO_ACCESS);
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "gntalloc cannot be opened"));
    fake_libxen.memory_fail_at = fake_libxen.memory_calls + 1;
    CU_ASSERT_EQUAL(try_open(), BLKFRONT_LIBXEN_OUT_OF_MEMORY);
    CU_ASSERT_EQUAL(blkfront_libxen_open(NULL, &xen, text), BLKFRONT_LIBXEN_NO_XEN);
    end();
}

/* ---- one frontend a device ---- */

static void the_kernels_device_is_not_taken(void)
{
    begin();
    open_it();
    mkdir(below("/sys/bus/xen/devices/vbd-51712"), 0755);
    CU_ASSERT_EQUAL(blkfront_libxen_claim(xen, 51712, text), 0);
    mkdir(below("/sys/bus/xen/devices/vbd-51728"), 0755);
    mkdir(below("/sys/bus/xen/devices/vbd-51728/driver"), 0755);
    CU_ASSERT_EQUAL(blkfront_libxen_claim(xen, 51728, text), BLKFRONT_LIBXEN_IN_USE);
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "unbind"));
    end();
}

static void a_device_is_one_process_s(void)
{
    struct blkfront_libxen *first;

    begin();
    open_it();
    first = xen;
    CU_ASSERT_EQUAL(blkfront_libxen_claim(first, 51760, text), 0);
    CU_ASSERT_EQUAL(blkfront_libxen_claim(first, 51760, text), 0);
    open_it();
    CU_ASSERT_EQUAL(blkfront_libxen_claim(xen, 51760, text), BLKFRONT_LIBXEN_IN_USE);
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "another process"));
    fake_libxen.memory_fail_at = fake_libxen.memory_calls + 1;
    CU_ASSERT_EQUAL(blkfront_libxen_claim(xen, 51776, text), BLKFRONT_LIBXEN_OUT_OF_MEMORY);
    blkfront_libxen_close(first);
    CU_ASSERT_EQUAL(blkfront_libxen_claim(xen, 51760, text), 0);
    end();
}

static void watches_that_have_run_out_are_told_from_mistakes(void)
{
    static const int errors[] = {E2BIG, EINVAL, ENOSPC};
    struct blkfront_watch_set *set = NULL;

    begin();
    open_it();
    CU_ASSERT_EQUAL_FATAL(CALL(watches_open, &set), 0);
    for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
        fake_libxen.fail_at = fake_libxen.calls + 1;
        fake_libxen.fail_errno = errors[i];
        CU_ASSERT_EQUAL(CALL(watch, set, "/local", 1), BLKFRONT_PLATFORM_NO_MEMORY);
    }
    fake_libxen.fail_at = fake_libxen.calls + 1;
    fake_libxen.fail_errno = EACCES;
    CU_ASSERT_EQUAL(CALL(watch, set, "/local", 1), BLKFRONT_PLATFORM_DENIED);
    CALL(watches_close, set);
    CU_ASSERT(ledger_is_empty());
    end();
}

/* ---- grants ---- */

static void gntalloc_that_has_no_more_is_told_with_its_limit(void)
{
    uint32_t refs[2];
    void *address = NULL;

    begin();
    open_it();
    fake_libxen.fail_at = fake_libxen.calls + 1;
    fake_libxen.fail_errno = ENOSPC;
    CU_ASSERT_EQUAL(CALL(share, 0, 2, true, &address, refs), BLKFRONT_PLATFORM_NO_MEMORY);
    CU_ASSERT_PTR_NOT_NULL(strstr(log_text, "its limit is 1024"));
    CU_ASSERT_PTR_NOT_NULL(strstr(log_text, "modprobe xen-gntalloc limit="));
    unlink(below("/sys/module/xen_gntalloc/parameters/limit"));
    fake_libxen.fail_at = fake_libxen.calls + 1;
    CU_ASSERT_EQUAL(CALL(share, 0, 2, true, &address, refs), BLKFRONT_PLATFORM_NO_MEMORY);
    CU_ASSERT_PTR_NOT_NULL(strstr(log_text, "unknown"));
    fake_libxen.fail_at = fake_libxen.calls + 1;
    fake_libxen.fail_errno = EIO;
    CU_ASSERT_EQUAL(CALL(share, 0, 2, true, &address, refs), BLKFRONT_PLATFORM_NO_MEMORY);
    CU_ASSERT_PTR_NOT_NULL(strstr(log_text, "cannot share 2 pages"));
    CU_ASSERT(ledger_is_empty());
    end();
}

static void exactly_one_block_is_unshared(void)
{
    uint32_t refs[3];
    void *address = NULL, *other = NULL;

    begin();
    open_it();
    CU_ASSERT_EQUAL(CALL(share, 0, 0, true, &address, refs), BLKFRONT_PLATFORM_INVALID);
    CU_ASSERT_EQUAL_FATAL(CALL(share, 0, 3, true, &address, refs), 0);
    CU_ASSERT_EQUAL_FATAL(CALL(share, 0, 1, true, &other, refs), 0);
    CU_ASSERT_EQUAL(CALL(unshare, address, 2), BLKFRONT_PLATFORM_INVALID);
    CU_ASSERT_EQUAL(CALL(unshare, (char *)address + 4096, 3), BLKFRONT_PLATFORM_INVALID);
    CU_ASSERT_EQUAL(CALL(unshare, address, 3), 0);
    fake_libxen.unshare_fails = true;
    CU_ASSERT_EQUAL(CALL(unshare, other, 1), BLKFRONT_PLATFORM_DEFERRED);
    CU_ASSERT(ledger_is_empty());
    end();
}

/* ---- events ---- */

static void a_port_that_was_closed_is_heard_of_no_more(void)
{
    struct blkfront_channel_set *set = NULL;
    uint32_t first = 0, second = 0, port = 0;

    begin();
    open_it();
    CU_ASSERT_EQUAL_FATAL(CALL(channels_open, &set), 0);
    CU_ASSERT_EQUAL(CALL(port_allocate, set, 0, &first), 0);
    CU_ASSERT_EQUAL(CALL(port_allocate, set, 0, &second), 0);
    fake_libxen_event(first);
    fake_libxen_event(second);
    platform->port_close(platform->context, set, first);
    platform->port_close(platform->context, set, first);
    CU_ASSERT_EQUAL(CALL(port_pending, set, &port), 1);
    CU_ASSERT_EQUAL(port, second);
    CU_ASSERT_EQUAL(CALL(port_pending, set, &port), 0);
    CU_ASSERT_EQUAL(CALL(port_notify, set, first), BLKFRONT_PLATFORM_INVALID);
    CU_ASSERT_EQUAL(CALL(port_unmask, set, first), BLKFRONT_PLATFORM_INVALID);
    CU_ASSERT_EQUAL(CALL(port_notify, set, second), 0);
    CU_ASSERT_EQUAL(CALL(port_unmask, set, second), 0);
    CU_ASSERT_EQUAL(fake_libxen.notifications, 1);
    CU_ASSERT_EQUAL(fake_libxen.unmasked, 1);
    platform->channels_close(platform->context, set);
    CU_ASSERT(ledger_is_empty());
    end();
}

static void what_the_event_device_refuses_is_passed_on(void)
{
    struct blkfront_channel_set *set = NULL;
    uint32_t port = 0;

    begin();
    open_it();
    fake_libxen.fail_at = fake_libxen.calls + 1;
    fake_libxen.fail_errno = EMFILE;
    CU_ASSERT_EQUAL(CALL(channels_open, &set), BLKFRONT_PLATFORM_NO_MEMORY);
    CU_ASSERT_PTR_NOT_NULL(strstr(log_text, "evtchn"));
    fake_libxen.fail_at = fake_libxen.calls + 1;
    fake_libxen.fail_errno = EACCES;
    CU_ASSERT_EQUAL(CALL(channels_open, &set), BLKFRONT_PLATFORM_DENIED);
    CU_ASSERT_EQUAL_FATAL(CALL(channels_open, &set), 0);
    fake_libxen.fail_at = fake_libxen.calls + 1;
    fake_libxen.fail_errno = ENOSPC;
    CU_ASSERT_EQUAL(CALL(port_allocate, set, 0, &port), BLKFRONT_PLATFORM_NO_MEMORY);
    CU_ASSERT_EQUAL_FATAL(CALL(port_allocate, set, 0, &port), 0);
    fake_libxen.fail_at = fake_libxen.calls + 1;
    CU_ASSERT_EQUAL(CALL(port_notify, set, port), 0); /* the other end is gone */
    fake_libxen.fail_at = fake_libxen.calls + 1;
    CU_ASSERT_EQUAL(CALL(port_unmask, set, port), BLKFRONT_PLATFORM_NO_MEMORY);
    fake_libxen_event(port);
    fake_libxen.fail_at = fake_libxen.calls + 1;
    fake_libxen.fail_errno = EIO;
    CU_ASSERT_EQUAL(CALL(port_pending, set, &port), BLKFRONT_PLATFORM_IO);
    fake_libxen.fail_at = fake_libxen.calls + 1;
    fake_libxen.fail_errno = EINTR;
    CU_ASSERT_EQUAL(CALL(port_pending, set, &port), 0);
    end(); /* the set and its port are left to close */
}

/* ---- waiting ---- */

static void waiting_ends_for_an_event_a_watch_a_wake_or_the_deadline(void)
{
    struct blkfront_channel_set *set = NULL;
    struct blkfront_watch_set *watches = NULL;
    uint32_t port = 0, token = 0;
    uint64_t soon;

    begin();
    open_it();
    CU_ASSERT_EQUAL_FATAL(CALL(channels_open, &set), 0);
    CU_ASSERT_EQUAL_FATAL(CALL(watches_open, &watches), 0);
    CU_ASSERT_EQUAL_FATAL(CALL(port_allocate, set, 0, &port), 0);
    CU_ASSERT_EQUAL(CALL(wait, 0), BLKFRONT_PLATFORM_TIMED_OUT);
    soon = platform->now(platform->context) + 2000000;
    CU_ASSERT_EQUAL(CALL(wait, soon), BLKFRONT_PLATFORM_TIMED_OUT);
    CU_ASSERT(platform->now(platform->context) >= soon);
    soon = platform->now(platform->context) + 100 * SECOND;
    fake_libxen_event(port);
    CU_ASSERT_EQUAL(CALL(wait, soon), 0);
    CU_ASSERT_EQUAL(CALL(port_pending, set, &port), 1);
    CU_ASSERT_EQUAL(CALL(watch, watches, "/a", 4), 0);
    CU_ASSERT_EQUAL(CALL(wait, soon), 0);
    CU_ASSERT_EQUAL(CALL(watch_fired, watches, &token), 1);
    CU_ASSERT_EQUAL(token, 4);
    platform->channels_wake(platform->context, set);
    CU_ASSERT_EQUAL(CALL(wait, soon), 0);
    platform->watches_wake(platform->context, watches);
    CU_ASSERT_EQUAL(CALL(wait, soon), 0);
    CU_ASSERT_EQUAL(CALL(wait, 1), BLKFRONT_PLATFORM_TIMED_OUT);
    fake_libxen.memory_fail_at = fake_libxen.memory_calls + 1;
    CU_ASSERT_EQUAL(CALL(wait, soon), BLKFRONT_PLATFORM_NO_MEMORY);
    end();
}

/* ---- XenStore ---- */

static void watches_are_dealt_out_by_set_and_token(void)
{
    struct blkfront_watch_set *one = NULL, *two = NULL;
    uint32_t token = 0;

    begin();
    open_it();
    CU_ASSERT_EQUAL_FATAL(CALL(watches_open, &one), 0);
    CU_ASSERT_EQUAL_FATAL(CALL(watches_open, &two), 0);
    CU_ASSERT_EQUAL(CALL(watch, one, "/a", 1), 0);
    CU_ASSERT_EQUAL(CALL(watch, two, "/b", 1), 0);
    CU_ASSERT_EQUAL(CALL(watch, two, "/b", 1), BLKFRONT_PLATFORM_EXISTS);
    while (CALL(watch_fired, one, &token) == 1 || CALL(watch_fired, two, &token) == 1)
        continue;
    fake_libxen_write("/b/c", "x");
    fake_libxen_write("/b/c", "y");
    CU_ASSERT_EQUAL(CALL(watch_fired, one, &token), 0);
    CU_ASSERT_EQUAL(CALL(watch_fired, two, &token), 1);
    CU_ASSERT_EQUAL(CALL(watch_fired, two, &token), 0); /* merged */
    fake_libxen_write("/a", "x");
    CU_ASSERT_EQUAL(CALL(unwatch, one, "/a", 1), 0);
    CU_ASSERT_EQUAL(CALL(watch_fired, one, &token), 0); /* it was on its way */
    CU_ASSERT_EQUAL(CALL(unwatch, one, "/a", 1), BLKFRONT_PLATFORM_NO_ENTRY);
    CU_ASSERT_EQUAL(CALL(unwatch, two, "/other", 1), BLKFRONT_PLATFORM_NO_ENTRY);
    fake_libxen.fail_at = fake_libxen.calls + 1;
    fake_libxen.fail_errno = EIO;
    CU_ASSERT_EQUAL(CALL(unwatch, two, "/b", 1), BLKFRONT_PLATFORM_IO);
    platform->watches_close(platform->context, one);
    platform->watches_close(platform->context, two);
    CU_ASSERT(ledger_is_empty());
    end();
}

static void what_xenstored_refuses_is_passed_on(void)
{
    static const struct {
        int error, code;
    } codes[] = {
        {ENOENT, BLKFRONT_PLATFORM_NO_ENTRY},  {EAGAIN, BLKFRONT_PLATFORM_AGAIN},
        {EACCES, BLKFRONT_PLATFORM_DENIED},    {EPERM, BLKFRONT_PLATFORM_DENIED},
        {EEXIST, BLKFRONT_PLATFORM_EXISTS},    {EINVAL, BLKFRONT_PLATFORM_INVALID},
        {E2BIG, BLKFRONT_PLATFORM_TOO_LONG},   {ENOMEM, BLKFRONT_PLATFORM_NO_MEMORY},
        {ENOSPC, BLKFRONT_PLATFORM_NO_MEMORY}, {EDQUOT, BLKFRONT_PLATFORM_NO_MEMORY},
        {EPIPE, BLKFRONT_PLATFORM_IO},
    };
    char buffer[8];
    size_t length = 0;

    begin();
    open_it();
    fake_libxen_write("/a", "x");
    for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
        fake_libxen.fail_errno = codes[i].error;
        fake_libxen.fail_at = fake_libxen.calls + 1;
        CU_ASSERT_EQUAL(CALL(store_write, 0, "/a", "y", 1), codes[i].code);
        fake_libxen.fail_at = fake_libxen.calls + 1;
        CU_ASSERT_EQUAL(CALL(store_read, 0, "/a", buffer, sizeof(buffer), &length), codes[i].code);
        fake_libxen.fail_at = fake_libxen.calls + 1;
        CU_ASSERT_EQUAL(CALL(store_list, 0, "/a", buffer, sizeof(buffer), &length), codes[i].code);
        fake_libxen.fail_at = fake_libxen.calls + 2;
        CU_ASSERT_EQUAL(CALL(store_remove, 0, "/a"), codes[i].code);
    }
    CU_ASSERT_EQUAL(CALL(store_write, 0, "/a", "y", SIZE_MAX), BLKFRONT_PLATFORM_TOO_LONG);
    CU_ASSERT_EQUAL(length, 0);
    end();
}

static void names_and_values_come_whole_or_not_at_all(void)
{
    char buffer[8] = "zzzzzzz";
    size_t length = 0;

    begin();
    open_it();
    fake_libxen_write("/a", "value");
    CU_ASSERT_EQUAL(CALL(store_read, 0, "/a", buffer, 4, &length), BLKFRONT_PLATFORM_TOO_LONG);
    CU_ASSERT_EQUAL(CALL(store_list, 0, "/a", buffer, 7, &length), BLKFRONT_PLATFORM_TOO_LONG);
    CU_ASSERT_STRING_EQUAL(buffer, "zzzzzzz");
    CU_ASSERT_EQUAL(CALL(store_read, 0, "/a", buffer, 5, &length), 0);
    CU_ASSERT_EQUAL(length, 5);
    CU_ASSERT_STRING_EQUAL(buffer, "valuezz");
    CU_ASSERT_EQUAL(CALL(store_list, 0, "/a", buffer, 8, &length), 0);
    CU_ASSERT_EQUAL(memcmp(buffer, "one\0two", 8), 0);
    CU_ASSERT_EQUAL(CALL(store_remove, 0, "/b"), BLKFRONT_PLATFORM_NO_ENTRY);
    CU_ASSERT_EQUAL(CALL(store_remove, 0, "/a"), 0);
    CU_ASSERT_PTR_NULL(fake_libxen_node("/a"));
    end();
}

static void our_domain_is_what_xenstore_says(void)
{
    uint16_t domid = 77;

    begin();
    open_it();
    CU_ASSERT_EQUAL(CALL(own_domid, &domid), BLKFRONT_PLATFORM_NO_ENTRY);
    CU_ASSERT_PTR_NOT_NULL(strstr(log_text, "xen-init-dom0"));
    fake_libxen_write("domid", "");
    CU_ASSERT_EQUAL(CALL(own_domid, &domid), BLKFRONT_PLATFORM_IO);
    fake_libxen_write("domid", "1x");
    CU_ASSERT_EQUAL(CALL(own_domid, &domid), BLKFRONT_PLATFORM_IO);
    fake_libxen_write("domid", "65536");
    CU_ASSERT_EQUAL(CALL(own_domid, &domid), BLKFRONT_PLATFORM_IO);
    CU_ASSERT_EQUAL(domid, 77);
    fake_libxen_write("domid", "32751");
    CU_ASSERT_EQUAL(CALL(own_domid, &domid), 0);
    CU_ASSERT_EQUAL(domid, 32751);
    end();
}

static void a_transaction_ends_in_every_case(void)
{
    blkfront_transaction transaction = 0;

    begin();
    open_it();
    fake_libxen.fail_at = fake_libxen.calls + 1;
    fake_libxen.fail_errno = ENOSPC;
    CU_ASSERT_EQUAL(CALL(transaction_start, &transaction), BLKFRONT_PLATFORM_NO_MEMORY);
    CU_ASSERT_EQUAL(CALL(transaction_start, &transaction), 0);
    CU_ASSERT(transaction != 0);
    CU_ASSERT_EQUAL(CALL(transaction_end, transaction, true), 0);
    CU_ASSERT_EQUAL(CALL(transaction_start, &transaction), 0);
    fake_libxen.fail_at = fake_libxen.calls + 1;
    fake_libxen.fail_errno = EAGAIN;
    CU_ASSERT_EQUAL(CALL(transaction_end, transaction, true), BLKFRONT_PLATFORM_AGAIN);
    CU_ASSERT(ledger_is_empty());
    end();
}

static const struct unit_test tests[] = {
    UNIT_TEST(a_machine_without_xen_is_told),
    UNIT_TEST(a_missing_device_node_is_told_with_its_module),
    UNIT_TEST(a_device_node_that_may_not_be_used_is_told),
    UNIT_TEST(what_xenstored_or_gntalloc_refuse_is_told),
    UNIT_TEST(the_kernels_device_is_not_taken),
    UNIT_TEST(a_device_is_one_process_s),
    UNIT_TEST(watches_that_have_run_out_are_told_from_mistakes),
    UNIT_TEST(gntalloc_that_has_no_more_is_told_with_its_limit),
    UNIT_TEST(exactly_one_block_is_unshared),
    UNIT_TEST(a_port_that_was_closed_is_heard_of_no_more),
    UNIT_TEST(what_the_event_device_refuses_is_passed_on),
    UNIT_TEST(waiting_ends_for_an_event_a_watch_a_wake_or_the_deadline),
    UNIT_TEST(watches_are_dealt_out_by_set_and_token),
    UNIT_TEST(what_xenstored_refuses_is_passed_on),
    UNIT_TEST(names_and_values_come_whole_or_not_at_all),
    UNIT_TEST(our_domain_is_what_xenstore_says),
    UNIT_TEST(a_transaction_ends_in_every_case),
};

UNIT_MAIN("libxen", tests)
