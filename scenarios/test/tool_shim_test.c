/* SPDX-License-Identifier: ISC */
/*
 * simblk-shim: its calls are what shim.h says (frontend_shim.c tries them inside a world),
 * frontends that go wrong on their own stack are told so, and the tiny frontend of the examples
 * works.
 */
#include "check_main.h"
#include "tool_help.h"

#include <stdlib.h>

static void frontends(void)
{
    setenv("tries", TEST_FRONTENDS "/frontend_shim.so", 1);
    setenv("tiny", TEST_TINY, 1);
    setenv("scenarios", SIMBLK_SOURCE_DIR "/scenarios", 1);
    unsetenv("SIMBLK_TEST_OUTSIDE");
}

#define CONNECTS(result)               \
    "title    \"the shim is tried\"\n" \
    "rule     I4\n"                    \
    "\n"                               \
    "backend  linux\n"                 \
    "connect                             " result

START_TEST(each_call_is_what_it_says)
{
    struct outcome run;

    put_file("a.scn", CONNECTS("-> store-error detail=\"all is as it should be\"\n"));
    run = shell("$simblk run --repeat 2 --trace --frontend $tries a.scn");
    assert_status(run, 0);
    assert_contains(run.out, "the shim was tried");
}
END_TEST

START_TEST(who_waits_for_ever_makes_no_progress)
{
    struct outcome run;

    setenv("SIMBLK_TEST_OUTSIDE", "waits-for-ever", 1);
    put_file("a.scn", CONNECTS("-> ok\n"));
    run = shell("$simblk run --frontend $tries a.scn");
    assert_status(run, 128);
    assert_contains(run.out, "FAIL a: no progress (I4)\n");
}
END_TEST

START_TEST(a_stack_that_is_too_small_is_a_crash)
{
    struct outcome run;

    setenv("SIMBLK_TEST_OUTSIDE", "overflows-its-stack", 1);
    put_file("a.scn", CONNECTS("-> ok\n"));
    run = shell("$simblk run --frontend $tries a.scn");
    assert_status(run, 127);
    assert_contains(run.out, "FAIL a: crashed (I13)\n");
}
END_TEST

START_TEST(another_version_of_the_shim_is_refused)
{
    setenv("SIMBLK_TEST_OUTSIDE", "other-version", 1);
    put_file("a.scn", GOOD);
    refused("gives no table", "run --frontend $tries a.scn");
}
END_TEST

START_TEST(who_is_not_there_is_told_by_name)
{
    struct outcome run;

    put_file("a.scn", "title \"t\"\nrule I4\n\nbackend linux\nconnect xvdb -> no-device "
                      "detail=\"there is no device/vbd/51728/backend\"\n");
    run = shell("$simblk run --frontend $tiny a.scn");
    assert_status(run, 0);
}
END_TEST

/* The disk's size it has made up. */
START_TEST(requests_that_are_done_twice_break_i2)
{
    struct outcome run;

    setenv("SIMBLK_TEST_OUTSIDE", "opens", 1);
    put_file("a.scn", CONNECTS("-> ok\nread 0 +64 -> disconnected\nexpect violation I20\n"));
    put_file("b.scn", CONNECTS("-> ok\nwrite 0 +8 -> disconnected\nexpect violation I20\n"));
    run = shell("$simblk run --frontend $tries a.scn b.scn");
    assert_status(run, 1);
    assert_contains(run.out, "ok   a: ");
    assert_contains(run.out, "FAIL b: rule broken (I2)\n");
    assert_contains(run.out, "although it was completed with");
}
END_TEST

/* Its ids are addresses: they are the same each time. */
START_TEST(the_tiny_frontend_reads_and_writes_and_is_repeatable)
{
    struct outcome run;

    run = shell("$simblk run --repeat 2 --strict --quiet --frontend $tiny "
                "--id '*split/buffers*' --id '*split/alignment*' --id '*ring/full*' "
                "--id '*connect/again-after-disconnect*' $scenarios/conformance");
    assert_status(run, 0);
    assert_contains(run.out, "4 scenarios, ");
}
END_TEST

static Suite *tool_shim_suite(void)
{
    Suite *suite = suite_create("simblk-shim");
    TCase *calls = tool_case("calls");

    tcase_add_checked_fixture(calls, frontends, NULL);
    tcase_add_test(calls, each_call_is_what_it_says);
    tcase_add_test(calls, who_waits_for_ever_makes_no_progress);
    tcase_add_test(calls, a_stack_that_is_too_small_is_a_crash);
    tcase_add_test(calls, another_version_of_the_shim_is_refused);
    tcase_add_test(calls, who_is_not_there_is_told_by_name);
    tcase_add_test(calls, requests_that_are_done_twice_break_i2);
    tcase_add_test(calls, the_tiny_frontend_reads_and_writes_and_is_repeatable);
    suite_add_tcase(suite, calls);
    return suite;
}

CHECK_MAIN(tool_shim_suite)
