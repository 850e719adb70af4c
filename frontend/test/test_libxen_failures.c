/* SPDX-License-Identifier: ISC */
/*
 * The platform on a real Xen when something below it fails: what each call returns then, what the
 * next one does, and that nothing is left behind, whichever call it was. And what threads do to
 * each other, played by one.
 */
#include "cunit_main.h"
#include "fake_libxen.h"
#include "libxen_machine.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

static struct blkfront_channel_set *channels;
static struct blkfront_watch_set *watches;
static uint32_t port;

static uint64_t in_milliseconds(unsigned count)
{
    return platform->now(platform->context) + count * UINT64_C(1000000);
}

static void the_next_call_fails(int error)
{
    fake_libxen.fail_at = fake_libxen.calls + 1;
    fake_libxen.fail_errno = error;
}

/* ---- opening ---- */

static void without_options_it_is_this_machine_that_is_opened(void)
{
    begin();
    fake_libxen.machine = root;
    CU_ASSERT_EQUAL_FATAL(blkfront_libxen_open(NULL, &xen, text), 0);
    platform = blkfront_libxen_platform(xen);
    mkdir(below("/sys/bus/xen/devices/vbd-51808"), 0755);
    mkdir(below("/sys/bus/xen/devices/vbd-51808/driver"), 0755);
    CU_ASSERT_EQUAL(blkfront_libxen_claim(xen, 51808, text), BLKFRONT_LIBXEN_IN_USE);
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "unbind"));
    CU_ASSERT(ledger_is_empty());
    end();
}

static void xenstored_that_permits_nothing_asks_for_root(void)
{
    begin();
    the_next_call_fails(EPERM);
    CU_ASSERT_EQUAL(try_open(), BLKFRONT_LIBXEN_NO_ACCESS);
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "xenstored may not be used by this user: be root"));
    end();
}

static void no_file_for_wakes_is_told_and_the_libraries_are_closed(void)
{
    begin();
    fake_libxen.file_fail_at = 1;
    CU_ASSERT_EQUAL(try_open(), BLKFRONT_LIBXEN_OUT_OF_MEMORY);
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "eventfd"));
    CU_ASSERT_PTR_NULL(xen);
    end();
}

static void no_file_for_a_claim_is_told_and_it_may_be_tried_again(void)
{
    begin();
    open_it();
    fake_libxen.file_fail_at = fake_libxen.file_calls + 1;
    CU_ASSERT_EQUAL(blkfront_libxen_claim(xen, 51824, text), BLKFRONT_LIBXEN_OUT_OF_MEMORY);
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "file"));
    CU_ASSERT_EQUAL(blkfront_libxen_claim(xen, 51824, text), 0);
    end();
}

/* ---- log, bug ---- */

static void without_a_log_nobody_is_told_and_the_result_is_the_same(void)
{
    const struct blkfront_libxen_options options = {.root = root};
    uint16_t domid = 77;

    begin();
    CU_ASSERT_EQUAL_FATAL(blkfront_libxen_open(&options, &xen, text), 0);
    platform = blkfront_libxen_platform(xen);
    platform->log(platform->context, "a line");
    CU_ASSERT_EQUAL(CALL(own_domid, &domid), BLKFRONT_PLATFORM_NO_ENTRY);
    CU_ASSERT_EQUAL(domid, 77);
    CU_ASSERT_STRING_EQUAL(log_text, "");
    end();
}

static void a_log_hears_the_frontends_lines(void)
{
    begin();
    open_it();
    platform->log(platform->context, "100 % of it");
    CU_ASSERT_STRING_EQUAL(log_text, "100 % of it");
    end();
}

/* The standard error stream goes to a pipe meanwhile. */
static void a_bug_of_the_frontend_is_told_before_the_process_ends(void)
{
    static jmp_buf aborted;
    static int ends[2], errors;
    char said[64] = "";

    begin();
    open_it();
    CU_ASSERT_EQUAL_FATAL(pipe(ends), 0);
    fflush(stderr);
    errors = dup(STDERR_FILENO);
    dup2(ends[1], STDERR_FILENO);
    if (setjmp(aborted) == 0) {
        fake_libxen.aborted = &aborted;
        platform->bug(platform->context, "ring.c:12");
        CU_FAIL("it has come back");
    }
    fake_libxen.aborted = NULL;
    dup2(errors, STDERR_FILENO);
    close(errors);
    close(ends[1]);
    CU_ASSERT(read(ends[0], said, sizeof(said) - 1) > 0);
    CU_ASSERT_STRING_EQUAL(said, "blkfront: bug: ring.c:12\n");
    close(ends[0]);
    end();
}

/* ---- grants ---- */

static void more_pages_than_gntalloc_can_count_are_not_asked_for(void)
{
    void *address = NULL;
    uint32_t ref = 0;
    unsigned calls;

    begin();
    open_it();
    calls = fake_libxen.calls;
    CU_ASSERT_EQUAL(CALL(share, 0, (uint32_t)INT32_MAX + 1, true, &address, &ref),
                    BLKFRONT_PLATFORM_INVALID);
    CU_ASSERT_EQUAL(fake_libxen.calls, calls);
    CU_ASSERT_PTR_NULL(address);
    CU_ASSERT(ledger_is_empty());
    end();
}

/* More at once than its limit is invalid to gntalloc. */
static void a_block_beyond_gntallocs_limit_is_told_with_it(void)
{
    void *address = NULL;
    uint32_t refs[2];

    begin();
    open_it();
    the_next_call_fails(EINVAL);
    CU_ASSERT_EQUAL(CALL(share, 0, 2, true, &address, refs), BLKFRONT_PLATFORM_NO_MEMORY);
    CU_ASSERT_PTR_NOT_NULL(strstr(log_text, "its limit is 1024"));
    CU_ASSERT_PTR_NULL(address);
    CU_ASSERT(ledger_is_empty());
    end();
}

/* ---- events ---- */

static void no_file_for_a_channel_set_is_no_memory(void)
{
    begin();
    open_it();
    the_next_call_fails(ENFILE);
    channels = NULL;
    CU_ASSERT_EQUAL(CALL(channels_open, &channels), BLKFRONT_PLATFORM_NO_MEMORY);
    CU_ASSERT_PTR_NULL(channels);
    CU_ASSERT(ledger_is_empty());
    end();
}

static void channel_sets_close_in_any_order(void)
{
    struct blkfront_channel_set *sets[3] = {NULL, NULL, NULL};
    uint32_t ports[3] = {0, 0, 0};

    begin();
    open_it();
    for (unsigned i = 0; i < 3; i++) {
        CU_ASSERT_EQUAL_FATAL(CALL(channels_open, &sets[i]), 0);
        CU_ASSERT_EQUAL_FATAL(CALL(port_allocate, sets[i], 0, &ports[i]), 0);
    }
    platform->channels_close(platform->context, sets[0]);
    CU_ASSERT_EQUAL(fake_libxen.event_handles, 2);
    CU_ASSERT_EQUAL(fake_libxen.ports, 2);
    for (unsigned i = 1; i < 3; i++) {
        fake_libxen_event(ports[i]);
        CU_ASSERT_EQUAL(CALL(wait, in_milliseconds(10000)), 0);
        CU_ASSERT_EQUAL(CALL(port_pending, sets[i], &port), 1);
        CU_ASSERT_EQUAL(port, ports[i]);
    }
    platform->channels_close(platform->context, sets[2]);
    platform->channels_close(platform->context, sets[1]);
    CU_ASSERT(ledger_is_empty());
    end();
}

/* Somebody else has read the device file first: that is no error, and the next look finds it. */
static void an_event_that_is_not_there_yet_is_none(void)
{
    begin();
    open_it();
    CU_ASSERT_EQUAL_FATAL(CALL(channels_open, &channels), 0);
    CU_ASSERT_EQUAL_FATAL(CALL(port_allocate, channels, 0, &port), 0);
    fake_libxen_event(port);
    the_next_call_fails(EAGAIN);
    CU_ASSERT_EQUAL(CALL(port_pending, channels, &port), 0);
    CU_ASSERT_EQUAL(CALL(port_pending, channels, &port), 1);
    end();
}

/* ---- waiting ---- */

static void a_wake_that_finds_no_room_wakes_still(void)
{
    const uint64_t full = UINT64_MAX - 1;

    begin();
    open_it();
    CU_ASSERT_EQUAL_FATAL(CALL(channels_open, &channels), 0);
    CU_ASSERT_EQUAL_FATAL(write(fake_libxen.eventfd, &full, sizeof(full)), (ssize_t)sizeof(full));
    platform->channels_wake(platform->context, channels);
    CU_ASSERT_EQUAL(CALL(wait, in_milliseconds(10000)), 0);
    CU_ASSERT_EQUAL(CALL(wait, in_milliseconds(1)), BLKFRONT_PLATFORM_TIMED_OUT);
    end();
}

static int poll_then_another_takes_the_wake(struct pollfd *files, nfds_t count, int milliseconds)
{
    const int came = __real_poll(files, count, milliseconds);
    uint64_t taken;

    CU_ASSERT_EQUAL(came, 1);
    CU_ASSERT_EQUAL(read(fake_libxen.eventfd, &taken, sizeof(taken)), (ssize_t)sizeof(taken));
    return came;
}

/* A wake ends one wait, not two. */
static void a_wake_that_another_thread_takes_does_not_end_a_wait(void)
{
    uint64_t deadline_ns;

    begin();
    open_it();
    CU_ASSERT_EQUAL_FATAL(CALL(channels_open, &channels), 0);
    platform->channels_wake(platform->context, channels);
    deadline_ns = in_milliseconds(20);
    fake_libxen.poll_once = poll_then_another_takes_the_wake;
    CU_ASSERT_EQUAL(CALL(wait, deadline_ns), BLKFRONT_PLATFORM_TIMED_OUT);
    CU_ASSERT_PTR_NULL(fake_libxen.poll_once);
    CU_ASSERT(platform->now(platform->context) >= deadline_ns);
    end();
}

static int interrupted_before_an_event(struct pollfd *files, nfds_t count, int milliseconds)
{
    CU_ASSERT_EQUAL(count, 3);
    CU_ASSERT_EQUAL(files[0].fd, fake_libxen.eventfd);
    CU_ASSERT_EQUAL(milliseconds, 60000);
    fake_libxen_event(port);
    errno = EINTR;
    return -1;
}

static void a_signal_does_not_end_a_wait_without_deadline(void)
{
    begin();
    open_it();
    CU_ASSERT_EQUAL_FATAL(CALL(channels_open, &channels), 0);
    CU_ASSERT_EQUAL_FATAL(CALL(port_allocate, channels, 0, &port), 0);
    fake_libxen.poll_once = interrupted_before_an_event;
    CU_ASSERT_EQUAL(CALL(wait, BLKFRONT_PLATFORM_FOREVER), 0);
    CU_ASSERT_PTR_NULL(fake_libxen.poll_once);
    CU_ASSERT_EQUAL(CALL(port_pending, channels, &port), 1);
    end();
}

/* ---- XenStore ---- */

static void what_was_written_is_read_again(void)
{
    char buffer[8];
    size_t length = 0;

    begin();
    open_it();
    CU_ASSERT_EQUAL(CALL(store_write, 0, "/a", "value", 3), 0);
    CU_ASSERT_EQUAL(CALL(store_read, 0, "/a", buffer, sizeof(buffer), &length), 0);
    CU_ASSERT_EQUAL(length, 3);
    CU_ASSERT_EQUAL(memcmp(buffer, "val", 3), 0);
    end();
}

static void a_domain_with_a_sign_is_none(void)
{
    uint16_t domid = 77;

    begin();
    open_it();
    fake_libxen_write("domid", "-1");
    CU_ASSERT_EQUAL(CALL(own_domid, &domid), BLKFRONT_PLATFORM_IO);
    CU_ASSERT_EQUAL(domid, 77);
    end();
}

static void a_watch_that_is_refused_leaves_the_others_of_its_set(void)
{
    uint32_t token = 0;

    begin();
    open_it();
    CU_ASSERT_EQUAL_FATAL(CALL(watches_open, &watches), 0);
    CU_ASSERT_EQUAL(CALL(watch, watches, "/a", 1), 0);
    CU_ASSERT_EQUAL(CALL(watch, watches, "/b", 2), 0);
    while (CALL(watch_fired, watches, &token) == 1)
        continue;
    the_next_call_fails(ENOSPC);
    CU_ASSERT_EQUAL(CALL(watch, watches, "/c", 3), BLKFRONT_PLATFORM_NO_MEMORY);
    CU_ASSERT_EQUAL(CALL(unwatch, watches, "/c", 3), BLKFRONT_PLATFORM_NO_ENTRY);
    fake_libxen_write("/a", "x");
    CU_ASSERT_EQUAL(CALL(watch_fired, watches, &token), 1);
    CU_ASSERT_EQUAL(token, 1);
    CU_ASSERT_EQUAL(CALL(unwatch, watches, "/a", 1), 0); /* not the last that came */
    fake_libxen_write("/b", "x");
    CU_ASSERT_EQUAL(CALL(watch_fired, watches, &token), 1);
    CU_ASSERT_EQUAL(token, 2);
    CU_ASSERT_EQUAL(CALL(unwatch, watches, "/b", 2), 0);
    platform->watches_close(platform->context, watches);
    CU_ASSERT(ledger_is_empty());
    end();
}

/* ---- whatever fails ---- */

/* One use of everything; each call may fail, and nothing else depends on it. */
static void use_everything(void)
{
    uint32_t refs[2], token;
    void *address = NULL, *memory;

    if (try_open() != 0)
        return;
    platform = blkfront_libxen_platform(xen);
    if (CALL(share, 0, 2, true, &address, refs) == 0)
        CALL(unshare, address, 2);
    CALL(share, 0, 1, false, &address, refs);
    if (CALL(channels_open, &channels) == 0 && CALL(port_allocate, channels, 0, &port) == 0)
        CALL(port_pending, channels, &port);
    if (CALL(watches_open, &watches) == 0 && CALL(watch, watches, "/a", 1) == 0)
        CALL(watch_fired, watches, &token);
    memory = CALL(allocate, 100);
    platform->log(platform->context, "a line");
    platform->free(platform->context, memory, 100);
    blkfront_libxen_claim(xen, 51792, text);
    blkfront_libxen_close(xen);
    xen = NULL;
}

/* The first use in which nothing fails any more is the last. */
static void let_each_fail(unsigned *fail_at, const unsigned *calls)
{
    bool failed = true;

    for (unsigned nth = 1; failed; nth++) {
        begin();
        *fail_at = nth;
        fake_libxen.fail_errno = EMFILE;
        use_everything();
        failed = *calls >= nth;
        end();
    }
}

static void no_failing_call_leaves_anything_open(void)
{
    let_each_fail(&fake_libxen.fail_at, &fake_libxen.calls);
    let_each_fail(&fake_libxen.memory_fail_at, &fake_libxen.memory_calls);
    let_each_fail(&fake_libxen.file_fail_at, &fake_libxen.file_calls);
}

static const struct unit_test tests[] = {
    UNIT_TEST(without_options_it_is_this_machine_that_is_opened),
    UNIT_TEST(xenstored_that_permits_nothing_asks_for_root),
    UNIT_TEST(no_file_for_wakes_is_told_and_the_libraries_are_closed),
    UNIT_TEST(no_file_for_a_claim_is_told_and_it_may_be_tried_again),
    UNIT_TEST(without_a_log_nobody_is_told_and_the_result_is_the_same),
    UNIT_TEST(a_log_hears_the_frontends_lines),
    UNIT_TEST(a_bug_of_the_frontend_is_told_before_the_process_ends),
    UNIT_TEST(more_pages_than_gntalloc_can_count_are_not_asked_for),
    UNIT_TEST(a_block_beyond_gntallocs_limit_is_told_with_it),
    UNIT_TEST(no_file_for_a_channel_set_is_no_memory),
    UNIT_TEST(channel_sets_close_in_any_order),
    UNIT_TEST(an_event_that_is_not_there_yet_is_none),
    UNIT_TEST(a_wake_that_finds_no_room_wakes_still),
    UNIT_TEST(a_wake_that_another_thread_takes_does_not_end_a_wait),
    UNIT_TEST(a_signal_does_not_end_a_wait_without_deadline),
    UNIT_TEST(what_was_written_is_read_again),
    UNIT_TEST(a_domain_with_a_sign_is_none),
    UNIT_TEST(a_watch_that_is_refused_leaves_the_others_of_its_set),
    UNIT_TEST(no_failing_call_leaves_anything_open),
};

UNIT_MAIN("libxen failures", tests)
