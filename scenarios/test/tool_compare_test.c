/* SPDX-License-Identifier: ISC */
/*
 * simblk compare: the same scenarios on several frontends, as text and as a page.
 */
#include "check_main.h"
#include "tool_help.h"

#include <stdlib.h>

static void frontends(void)
{
    setenv("outside", TEST_FRONTENDS "/frontend_outside.so", 1);
    setenv("nothing", TEST_FRONTENDS "/frontend_nothing.so", 1);
    unsetenv("SIMBLK_TEST_OUTSIDE");
    put_file("good.scn", GOOD);
    put_file("twice.scn", TWICE);
    put_file("flushes.scn", FLUSHES);
    put_file("fails.scn", FAILS);
    ck_assert_int_eq(system("cp $outside theirs.so"), 0);
}

START_TEST(each_rule_has_a_row_and_each_frontend_a_column)
{
    struct outcome run;

    run = shell("$simblk compare --scenarios good.scn --scenarios twice.scn --scenarios "
                "flushes.scn libblkfront ./theirs.so");
    assert_status(run, 1);
    ck_assert_str_eq(run.out, "rule                     libblkfront     ./theirs.so\n"
                              "I2   correlation         -               1 of 1 fail\n"
                              "I7   data                2               1\n"
                              "I8   status              1               -\n"
                              "\n"
                              "libblkfront: 3 passed, 0 failed, 0 skipped\n"
                              "\n"
                              "./theirs.so: 1 passed, 1 failed, 1 skipped\n"
                              "  I2   twice: I2 xvda request 1: completes with 0 (ok) although it "
                              "was completed with 0 (ok) before\n"
                              "\n"
                              "3 scenarios, 3 runs of each\n");
}
END_TEST

START_TEST(an_expectation_counts_for_what_the_scenario_is_about)
{
    struct outcome run;

    run = shell("$simblk compare --scenarios fails.scn libblkfront");
    assert_status(run, 1);
    assert_contains(run.out, "I9   units               1 of 1 fail\n");
    assert_contains(run.out, "  I9   fails: read 0 +8 -> out-of-range: the result is ok\n");
}
END_TEST

START_TEST(who_is_no_frontend_has_a_column_and_the_others_are_judged)
{
    struct outcome run;

    run = shell("$simblk compare --scenarios good.scn $nothing libblkfront");
    assert_status(run, 2);
    assert_contains(run.err, "it has no function simblk_frontend");
    assert_contains(run.out, "I7   data                no frontend");
    assert_contains(run.out,
                    "/frontend_nothing.so: no frontend: it has no function simblk_frontend ");
    assert_contains(run.out, "libblkfront: 1 passed, 0 failed, 0 skipped\n");
}
END_TEST

START_TEST(one_that_crashes_when_it_is_loaded_is_told_so)
{
    struct outcome run;

    setenv("SIMBLK_TEST_OUTSIDE", "constructor-aborts", 1);
    run = shell("$simblk compare --scenarios good.scn ./theirs.so libblkfront");
    assert_status(run, 127);
    assert_contains(run.out, "  I13  good: when it was loaded: crashed: Aborted\n");
    assert_contains(run.out, "libblkfront: 1 passed, 0 failed, 0 skipped\n");
}
END_TEST

START_TEST(the_page_needs_nothing_else_and_quotes_what_it_is_given)
{
    struct outcome run;
    char *page;

    run = shell("cp theirs.so '<b>&.so'; $simblk compare --scenarios good.scn --scenarios "
                "twice.scn --format html --output page.html libblkfront './<b>&.so'");
    assert_status(run, 1);
    page = get_file("page.html");
    assert_contains(page, "<!DOCTYPE html>\n");
    assert_contains(page, "<th scope=\"col\">./&lt;b&gt;&amp;.so</th>");
    assert_contains(page, "<td class=\"bad\"><a href=\"#f1-I2\">1 of 1 fail</a></td>");
    assert_contains(page, "<details id=\"f1-I2\" open>");
    assert_contains(page, "<td class=\"good\">2 pass</td>");
    assert_contains(page, "</html>\n");
    assert_lacks(page, "http://");
    assert_lacks(page, "https://");
    assert_lacks(page, "<script");
    assert_lacks(page, "<b>");
}
END_TEST

START_TEST(without_scenarios_those_of_this_folder_are_played)
{
    struct outcome run;

    run = shell("mkdir -p scenarios/conformance scenarios/regression; cp good.scn "
                "scenarios/conformance; cp twice.scn scenarios/regression; $simblk compare "
                "libblkfront");
    assert_status(run, 0);
    assert_contains(run.out, "2 scenarios, 2 runs of each\n");
}
END_TEST

START_TEST(wrong_command_lines_are_told_what_is_meant)
{
    struct outcome run;

    refused("compare: name shared objects, for example: ", "compare");
    run = shell("$simblk compare --format xml libblkfront");
    assert_status(run, 2);
    assert_contains(run.err, "compare: unknown format 'xml'; there are text and html\n");
    refused("nowhere/page: cannot be written: ",
            "compare --scenarios good.scn --output nowhere/page libblkfront");
    run = shell("$simblk compare --scenarios absent libblkfront");
    assert_status(run, 2);
}
END_TEST

static Suite *tool_compare_suite(void)
{
    Suite *suite = suite_create("simblk compare");
    TCase *tests = tool_case("tests");

    tcase_add_checked_fixture(tests, frontends, NULL);
    tcase_add_test(tests, each_rule_has_a_row_and_each_frontend_a_column);
    tcase_add_test(tests, an_expectation_counts_for_what_the_scenario_is_about);
    tcase_add_test(tests, who_is_no_frontend_has_a_column_and_the_others_are_judged);
    tcase_add_test(tests, one_that_crashes_when_it_is_loaded_is_told_so);
    tcase_add_test(tests, the_page_needs_nothing_else_and_quotes_what_it_is_given);
    tcase_add_test(tests, without_scenarios_those_of_this_folder_are_played);
    tcase_add_test(tests, wrong_command_lines_are_told_what_is_meant);
    suite_add_tcase(suite, tests);
    return suite;
}

CHECK_MAIN(tool_compare_suite)
