/* SPDX-License-Identifier: ISC */
/*
 * `simblk swarm` and `simblk shrink` as their users meet them.
 */
#include "check_main.h"
#include "tool_help.h"

/* ---- swarm ---- */

START_TEST(seeds_are_played_and_counted)
{
    struct outcome run = shell("$simblk swarm --seeds 1..40");

    assert_status(run, 0);
    assert_contains(run.out, "40 seeds, 0 found, 0 without a verdict; ");
    run = shell("$simblk swarm --seeds 7 --jobs 1 --calls 5");
    assert_status(run, 0);
    assert_contains(run.out, "1 seeds, 0 found");
}
END_TEST

/* Each step that counts has called the frontend, put something on a ring or changed XenStore. */
START_TEST(each_seed_has_a_hundred_steps_that_reach_something)
{
    struct outcome run = shell("$simblk swarm --seeds 1..300");
    const char *least = strstr(run.out, "at least ");

    assert_status(run, 0);
    ck_assert_ptr_nonnull(least);
    ck_assert_int_ge(atoi(least + strlen("at least ")), 100);
}
END_TEST

/* It dies at one sector and hangs at another: each seed that meets one of them is told. */
START_TEST(what_is_found_can_be_repeated)
{
    struct outcome run =
        shell("$misbehaving swarm --seeds 1..12 --stuck 1 >out; code=$?; grep -c '^FAIL seed' out; "
              "exit $code");
    struct outcome again;
    char *text = get_file("out"), *command = strstr(text, "again: simblk swarm");

    assert_status(run, 127);
    ck_assert_ptr_nonnull(command);
    assert_contains(text, "     crashed: Aborted\n");
    assert_contains(text, "     the scenario:\ntitle    \"swarm, seed ");
    command += strlen("again: simblk");
    again = shell("$misbehaving%.*s --stuck 1", (int)strcspn(command, "\n"), command);
    ck_assert_int_ne(again.status, 0);
    assert_contains(again.out, "1 seeds, 1 found");
}
END_TEST

/* What is shown is what is played. */
START_TEST(a_seed_can_be_looked_at)
{
    struct outcome run = shell("$simblk swarm --show --seeds 7 >seven.scn; $simblk run seven.scn");

    assert_status(run, 0);
    assert_contains(run.out, "1 passed, 0 failed");
    run = shell("$simblk swarm --show --seeds 7..8");
    assert_contains(run.out, "\ntitle    \"swarm, seed 8\"\n");
}
END_TEST

START_TEST(seeds_have_to_be_seeds)
{
    static const char *const wrong[] = {"",
                                        "--seeds 5..1",
                                        "--seeds x",
                                        "--seeds 1..",
                                        "--seeds 1-9",
                                        "--seeds 1..9 --jobs 0",
                                        "--seeds 1 --calls 0",
                                        "--seeds 1 --stuck 0",
                                        "--seeds 1 more"};

    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        refused("simblk: swarm: ", "swarm %s", wrong[i]);
    }
}
END_TEST

/* ---- shrink ---- */

START_TEST(what_does_not_matter_goes)
{
    struct outcome run;

    put_file("long.scn", "title    \"much of it is not needed\"\n"
                         "rule     I9\n"
                         "\n"
                         "backend  linux queues=4 order=2\n"
                         "connect  queues=2                   -> ok\n"
                         "write    0 +8                       -> ok\n"
                         "run\n"
                         "read     64 +8 align=512            -> out-of-range\n"
                         "disconnect                          -> ok\n");
    run = shell("$simblk shrink long.scn");
    assert_status(run, 0);
    assert_contains(run.out, "-> out-of-range");
    assert_contains(run.out, "title    \"much of it is not needed\"");
    assert_lacks(run.out, "write");
    assert_lacks(run.out, "queues");
    assert_lacks(run.out, "disconnect");
    assert_contains(run.err, "steps: failed: read");
    run = shell("$simblk shrink --output small.scn long.scn; $simblk run small.scn");
    assert_status(run, 1);
}
END_TEST

/* A crash and a hang of the frontend are tried again and again as well. */
START_TEST(what_ends_the_process_can_be_made_small)
{
    struct outcome run;

    put_file("aborts.scn", ABORTS);
    run = shell("$misbehaving shrink aborts.scn");
    assert_status(run, 0);
    assert_contains(run.out, "read     101");
    assert_contains(run.err, "3 steps: crashed: Aborted\n");
    put_file("hangs.scn", HANGS);
    run = shell("$misbehaving shrink --stuck 1 hangs.scn");
    assert_status(run, 0);
    assert_contains(run.out, "read     102");
    assert_contains(run.err, "no step for 1 seconds");
    refused("shrink: --stuck needs a number of seconds from 1 to 86400",
            "shrink --stuck 0 hangs.scn");
}
END_TEST

START_TEST(what_passes_cannot_be_made_smaller)
{
    struct outcome run;

    put_file("good.scn", GOOD);
    refused("good.scn does not fail (passed)", "shrink good.scn");
    refused("has 1 variants", "shrink --variant 2 good.scn");
    run = shell("$simblk shrink");
    assert_status(run, 2);
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("tool: swarm and shrink");
    TCase *tests = tool_case("swarm");

    tcase_add_test(tests, seeds_are_played_and_counted);
    tcase_add_test(tests, each_seed_has_a_hundred_steps_that_reach_something);
    tcase_add_test(tests, what_is_found_can_be_repeated);
    tcase_add_test(tests, a_seed_can_be_looked_at);
    tcase_add_test(tests, seeds_have_to_be_seeds);
    tcase_add_test(tests, what_does_not_matter_goes);
    tcase_add_test(tests, what_ends_the_process_can_be_made_small);
    tcase_add_test(tests, what_passes_cannot_be_made_smaller);
    suite_add_tcase(suite, tests);
    return suite;
}

CHECK_MAIN(make_suite)
