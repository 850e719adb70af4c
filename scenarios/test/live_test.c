/* SPDX-License-Identifier: ISC */
/*
 * The runner on a live world, which here is a table of this test's own: it sets up simulated
 * backends, counts what it is asked, and has a clock that moves when it is waited for. On a real
 * Xen the same runs in the live rig.
 */
#include "broken.h"
#include "check_main.h"
#include "rules_help.h"
#include "scenario/live.h"

#include <simback/backend.h>
#include <simback/xen.h>

#include <stdio.h>
#include <string.h>

static struct {
    struct simback_world *world;
    enum scenario_live_result answer;
    unsigned begun, ended, waits;
    uint64_t waited_ns;
    bool no_platform;
    struct simback_backend_options options; /* of the last backend */
} fake;

static const struct blkfront_platform *begin(void *context, struct simback_world *world)
{
    (void)context;
    fake.world = world;
    fake.begun++;
    return fake.no_platform ? NULL : simback_platform(world, SIMBACK_FRONT_DOMID);
}

static enum scenario_live_result backend(void *context,
                                         const struct simback_backend_options *options, char *text)
{
    struct simback_backend_options own = *options;

    (void)context;
    snprintf(text, SCENARIO_LIVE_TEXT, "no such backend");
    fake.options = own;
    if (fake.answer == SCENARIO_LIVE_OK)
        ck_assert_ptr_nonnull(simback_world_add_backend(fake.world, &own));
    return fake.answer;
}

static enum scenario_live_result detach(void *context, uint16_t device, char *text)
{
    (void)context;
    snprintf(text, SCENARIO_LIVE_TEXT, "it cannot be detached");
    if (fake.answer == SCENARIO_LIVE_OK)
        simback_backend_close(simback_world_backend(fake.world, device));
    return fake.answer;
}

static enum scenario_live_result resize(void *context, uint16_t device, uint64_t size_512,
                                        char *text)
{
    (void)context;
    snprintf(text, SCENARIO_LIVE_TEXT, "it keeps its size");
    ck_assert_int_eq(
        simback_backend_resize(simback_world_backend(fake.world, device), size_512, 512), 0);
    return SCENARIO_LIVE_OK;
}

static enum scenario_live_result crash(void *context, uint16_t device, char *text)
{
    (void)context;
    snprintf(text, SCENARIO_LIVE_TEXT, "it cannot be killed");
    if (fake.answer == SCENARIO_LIVE_OK)
        simback_backend_crash(simback_world_backend(fake.world, device));
    return fake.answer;
}

static enum scenario_live_result restart(void *context, uint16_t device, char *text)
{
    (void)context;
    (void)device;
    snprintf(text, SCENARIO_LIVE_TEXT, "it does not come back");
    if (fake.answer == SCENARIO_LIVE_OK)
        ck_assert_ptr_nonnull(simback_world_restart_backend(fake.world, &fake.options));
    return fake.answer;
}

static int disk_read(void *context, uint16_t device, uint64_t sector_512, uint32_t count_512,
                     void *to)
{
    struct simback_disk *disk = simback_backend_disk(simback_world_backend(fake.world, device));

    (void)context;
    return simback_disk_read(disk, sector_512, count_512, to);
}

static uint64_t now(void *context)
{
    (void)context;
    return simback_now(fake.world);
}

/* Nothing comes by itself here: the clock goes on. */
static bool wait_for(void *context, uint64_t until_ns)
{
    (void)context;
    fake.waits++;
    fake.waited_ns += until_ns - simback_now(fake.world);
    simback_advance(fake.world, until_ns);
    return false;
}

static void end(void *context)
{
    (void)context;
    fake.ended++;
}

static const struct scenario_live table = {
    .begin = begin,
    .backend = backend,
    .detach = detach,
    .resize = resize,
    .crash = crash,
    .restart = restart,
    .disk_read = disk_read,
    .now = now,
    .wait = wait_for,
    .end = end,
};

static struct scenario_verdict live(const char *text)
{
    struct scenario_run_options options;
    struct scenario_verdict verdict;

    parse(text, strlen(text));
    scenario_run_options_init(&options);
    options.subject = &scenario_subject_blkfront;
    options.strict = true;
    options.live = &table;
    fake.begun = fake.ended = fake.waits = 0;
    fake.waited_ns = 0;
    scenario_runner_run(runner, &the_program, &options, &verdict);
    return verdict;
}

static void set_up_fake(void)
{
    memset(&fake, 0, sizeof(fake));
    set_up();
}

static void passes_live(const char *text)
{
    struct scenario_verdict verdict = live(text);

    ck_assert_msg(verdict.outcome == SCENARIO_PASSED, "%s", verdict.reason);
    ck_assert_uint_eq(fake.begun, 1);
    ck_assert_uint_eq(fake.ended, 1);
}

START_TEST(data_go_there_and_back)
{
    passes_live(CONNECTED "write 0 +64 fill=3 -> ok\nread 0 +64 -> ok data=3\n"
                          "expect disk 0 +64 fill=3\nflush -> ok\ndisconnect -> ok\n"
                          "expect grants=0 ports=0 watches=0\n");
}
END_TEST

/* More requests than a ring holds, on rings of several pages, with indirect ones: what was put is
 * told as it was put, though a response may lie in its slot by then. */
START_TEST(requests_are_told_as_they_were_put)
{
    passes_live("backend linux queues=2\nconnect order=2 queues=2 segments=64 -> ok\n"
                "write 0 +512 fill=1 async as A\nwrite 512 +512 fill=2 async queue=1 as B\n"
                "wait A -> ok\nwait B -> ok\n"
                "read 0 +512 -> ok data=1\nread 512 +512 queue=1 -> ok data=2\n"
                "disconnect -> ok\nconnect -> ok\nread 0 +512 -> ok data=1\n");
}
END_TEST

START_TEST(a_size_that_changes_is_the_real_disk_s)
{
    passes_live(CONNECTED "backend resize sectors=4096\nread 0 +8 -> ok\nrun\n"
                          "info -> ok sectors=4096\ndisconnect -> ok\n");
}
END_TEST

START_TEST(a_backend_that_is_detached_closes)
{
    passes_live(CONNECTED "backend close\nrun until front=6\nread 0 +8 -> disconnected\n");
}
END_TEST

/* Time passes really: who waits for a time waits, who looks for quiet waits a little. */
START_TEST(a_backend_that_ends_is_lost_until_it_comes_back)
{
    passes_live(CONNECTED "backend crash\nread 0 +8 -> disconnected\n");
    passes_live("backend linux\nconnect recover=ever -> ok\nbackend restart\n"
                "read 0 +8 -> ok data=0\ndisconnect -> ok\n");
}
END_TEST

START_TEST(waiting_takes_time)
{
    passes_live(CONNECTED "run time=2s\ndisconnect -> ok\n");
    ck_assert_uint_ge(fake.waited_ns, UINT64_C(2000000000));
    ck_assert_uint_ge(fake.waits, 2); /* who supervises hears of it each second */
    passes_live(CONNECTED "expect quiet\ndisconnect -> ok\n");
    ck_assert_uint_ge(fake.waited_ns, UINT64_C(100000000));
    ck_assert_uint_lt(fake.waited_ns, UINT64_C(10000000000));
}
END_TEST

static void cannot_be_played(const char *text, const char *reason)
{
    struct scenario_verdict verdict = live(text);

    ck_assert_int_eq(verdict.outcome, SCENARIO_UNSUPPORTED);
    ck_assert_msg(strstr(verdict.reason, reason) != NULL, "%s", verdict.reason);
}

START_TEST(what_a_real_backend_cannot_play_is_unsupported)
{
    cannot_be_played(CONNECTED "fault op=read error\nread 0 +8 -> io-error\n", "the step fault");
    cannot_be_played(CONNECTED "backend hang\nread 0 +8 -> pending\n", "backend hang");
    cannot_be_played(CONNECTED "backend restart dialect=qemu\nread 0 +8 -> ok\n", "as it was");
    cannot_be_played("each nth=1.. of port\n" CONNECTED, "cannot be had");
    cannot_be_played("at every step: backend crash\n" CONNECTED, "cannot be had");
    cannot_be_played("world start=4294967290\nbackend linux attach\nconnect -> ok\n",
                     "cannot be had");
    cannot_be_played("world grants=100\n" CONNECTED, "cannot be had");
    cannot_be_played(CONNECTED "read 0 +8 memory=registered -> ok\n", "gntalloc");
    cannot_be_played(CONNECTED "write 0 +8 memory=registered -> ok\n", "gntalloc");
    cannot_be_played(CONNECTED "expect mapped=0\n", "does not tell");
    fake.answer = SCENARIO_LIVE_CANNOT;
    cannot_be_played(CONNECTED "read 0 +8 -> ok\n", "no such backend");
}
END_TEST

START_TEST(what_goes_wrong_is_no_fault_of_the_frontend)
{
    struct scenario_verdict verdict;

    fake.answer = SCENARIO_LIVE_FAILED;
    verdict = live(CONNECTED "read 0 +8 -> ok\n");
    ck_assert_int_eq(verdict.outcome, SCENARIO_BAD);
    ck_assert_str_eq(verdict.reason, "no such backend");
    ck_assert_uint_eq(fake.ended, 1);
    fake.no_platform = true;
    verdict = live(CONNECTED "read 0 +8 -> ok\n");
    ck_assert_int_eq(verdict.outcome, SCENARIO_FAILED);
    ck_assert_uint_eq(fake.ended, 1);
}
END_TEST

static Suite *live_suite(void)
{
    Suite *suite = suite_create("live");
    TCase *tests = tcase_create("live");

    tcase_add_checked_fixture(tests, set_up_fake, tear_down);
    tcase_add_test(tests, data_go_there_and_back);
    tcase_add_test(tests, requests_are_told_as_they_were_put);
    tcase_add_test(tests, a_size_that_changes_is_the_real_disk_s);
    tcase_add_test(tests, a_backend_that_is_detached_closes);
    tcase_add_test(tests, a_backend_that_ends_is_lost_until_it_comes_back);
    tcase_add_test(tests, waiting_takes_time);
    tcase_add_test(tests, what_a_real_backend_cannot_play_is_unsupported);
    tcase_add_test(tests, what_goes_wrong_is_no_fault_of_the_frontend);
    suite_add_tcase(suite, tests);
    return suite;
}

CHECK_MAIN(live_suite)
