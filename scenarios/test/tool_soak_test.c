/* SPDX-License-Identifier: ISC */
/*
 * `simblk soak` as its users meet it: told, gone on with, ended by Ctrl-C. What it finds is
 * soak_test.c's matter.
 */
#include "check_main.h"
#include "tool_help.h"

START_TEST(a_soak_is_told)
{
    struct outcome run = shell("$simblk soak --requests 20001 --queues 3 --depth 5 --seed 9");

    assert_status(run, 0);
    assert_contains(run.out, "seed 9: ");
    assert_contains(run.out, " reads, ");
    assert_contains(run.out, " requests in all: nothing lost, nothing doubled, nothing wrong\n");
    ck_assert_str_eq(run.err, "");
}
END_TEST

/* The second one has only the rest to do, with another seed; the third has nothing. */
START_TEST(a_soak_is_gone_on_with)
{
    struct outcome run = shell("$simblk soak --requests 10000 --total total && "
                               "$simblk soak --requests 30000 --total total && "
                               "$simblk soak --requests 30000 --total total && wc -l <total");

    assert_status(run, 0);
    assert_contains(run.out, "seed 1: ");
    assert_contains(run.out, "seed 2: ");
    assert_lacks(run.out, "seed 3: ");
    assert_contains(run.out, "\n2\n");
    run = shell("awk -F '[= ]' '{ sum += $2 } END { exit sum < 30000 || sum > 32000 }' total");
    assert_status(run, 0);
}
END_TEST

START_TEST(ctrl_c_ends_a_soak_and_all_so_far_is_told)
{
    struct outcome run =
        shell("timeout --preserve-status -s INT 0.7 $simblk soak --requests 10000000000 "
              "--total total");

    assert_status(run, 130);
    assert_contains(run.out, "nothing wrong (interrupted)\n");
    run = shell("cat total");
    assert_contains(run.out, "requests=");
}
END_TEST

START_TEST(what_makes_no_sense_is_told)
{
    static const char *const arguments[] = {"--requests 0", "--queues 0",  "--queues 17",
                                            "--depth 0",    "--depth 257", "--reconnect 86401",
                                            "more"};
    struct outcome run;

    for (size_t i = 0; i < sizeof(arguments) / sizeof(arguments[0]); i++) {
        refused("simblk: soak: ", "soak %s", arguments[i]);
    }
    put_file("total", "what is this\n");
    refused("total is not what a soak has written", "soak --requests 10 --total total");
    run = shell("$simblk soak --requests 10 --total no/folder/total");
    assert_status(run, 2);
    assert_contains(run.err, "no/folder/total cannot be written");
}
END_TEST

START_TEST(a_soak_needs_its_other_program)
{
    struct outcome run = shell("cp $simblk . && ./simblk soak");

    assert_status(run, 2);
    assert_contains(run.err, "simblk-soak is not there beside simblk");
    run = shell("${simblk%%/*}/simblk-soak");
    assert_status(run, 2);
    assert_contains(run.err, "usage: simblk-soak REQUESTS");
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("tool: soak");
    TCase *tests = tool_case("soak");

    tcase_add_test(tests, a_soak_is_told);
    tcase_add_test(tests, a_soak_is_gone_on_with);
    tcase_add_test(tests, ctrl_c_ends_a_soak_and_all_so_far_is_told);
    tcase_add_test(tests, what_makes_no_sense_is_told);
    tcase_add_test(tests, a_soak_needs_its_other_program);
    suite_add_tcase(suite, tests);
    return suite;
}

CHECK_MAIN(make_suite)
