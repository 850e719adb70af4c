/* SPDX-License-Identifier: ISC */
/*
 * simblk run --expected-failures as its users see it: a failure for the reason that the file tells
 * does not count, all else that differs from the file does, and a wrong file runs nothing.
 */
#include "check_main.h"
#include "tool_help.h"

static void put_suite(void)
{
    put_file("good.scn", GOOD);
    put_file("fails.scn", FAILS);
    put_file("twice.scn", TWICE);
    put_file("lacks.scn", FLUSHES);
    put_file("notifies.scn", NOTIFIES);
    put_file("aborts.scn", ABORTS);
}

static struct outcome run_with(const char *expected, const char *arguments)
{
    put_file("known.txt", expected);
    return shell("$misbehaving run --strict --expected-failures known.txt %s", arguments);
}

START_TEST(a_failure_for_the_expected_reason_does_not_count)
{
    struct outcome run;

    put_suite();
    run = run_with("# what is known\n"
                   "\n"
                   "fails the result is ok\n"
                   "\ttwice   I2   \r\n"
                   "notifies I14\n"
                   "aborts crashed: Abort",
                   "good.scn fails.scn twice.scn notifies.scn aborts.scn");
    assert_status(run, 0);
    assert_contains(run.out, "xfail fails: read 0 +8 -> out-of-range: the result is ok\n");
    assert_contains(run.out, "xfail twice: I2 ");
    assert_contains(run.out, "xfail notifies: I14 ");
    assert_contains(run.out, "xfail aborts: crashed: Aborted\n");
    assert_contains(run.out, "\n4 expected failures\n1 passed, 0 failed, 0 skipped\n");
}
END_TEST

/* A line, the scenario that it does not excuse, and how that ends. */
static const struct {
    const char *expected;
    const char *scenario;
    const char *words;
    int status;
} others[] = {
    {"fails the result is pending", "fails.scn", "failed, not for the expected reason", 1},
    {"twice I7", "twice.scn", "rule broken (I2), not for the expected reason", 1},
    /* I1 is no part of I14, nor of "I14 xvda: ...". */
    {"notifies I1", "notifies.scn", "rule broken (I14, should), not for the expected reason", 1},
    {"aborts Segmentation", "aborts.scn", "crashed (I13), not for the expected reason", 127},
    {"good the result is ok", "good.scn", "passed, although a failure is expected", 1},
};

START_TEST(another_reason_or_a_pass_is_reported)
{
    struct outcome run;
    char line[128];

    put_suite();
    run = run_with(others[_i].expected, others[_i].scenario);
    assert_status(run, others[_i].status);
    snprintf(line, sizeof(line), ": %s\n", others[_i].words);
    assert_contains(run.out, line);
    assert_contains(run.out, "\n0 passed, 1 failed, 0 skipped\n");
    assert_contains(run.out, "FAIL ");
}
END_TEST

START_TEST(any_line_for_an_id_may_excuse_it)
{
    struct outcome run;

    put_suite();
    run = run_with("fails no such reason\n*s the result is ok\n", "fails.scn");
    assert_status(run, 0);
    run = run_with("*s the result is ok\nfails no such reason\n", "fails.scn");
    assert_status(run, 0);
}
END_TEST

START_TEST(ids_are_those_of_selection)
{
    struct outcome run;

    put_file("sizes.scn", "title \"one of two fails\"\nrule I9\nvariants read.count=8,4096\n\n"
                          "backend linux sectors=2048\nconnect -> ok\nread 0 +8 -> ok\n");
    run = run_with("sizes[read.count=4096] out-of-range\n", "sizes.scn");
    assert_status(run, 0);
    assert_contains(run.out, "ok   sizes[read.count=8]: ");
    assert_contains(run.out, "xfail sizes[read.count=4096]: ");
    run = run_with("sizes out-of-range\n", "sizes.scn");
    assert_status(run, 1);
    assert_contains(run.out, "FAIL sizes[read.count=8]: passed, although a failure is expected\n"
                             "     at sizes.scn (step 0)\n");
}
END_TEST

START_TEST(what_is_skipped_is_neither_passed_nor_failed)
{
    struct outcome run;

    put_suite();
    run = run_with("lacks anything\n", "lacks.scn");
    assert_status(run, 77);
    assert_contains(run.out, "skip lacks: ");
}
END_TEST

static const struct {
    const char *text;
    const char *message;
} malformed[] = {
    {"good I7\nfails\n", "simblk: known.txt:2: 'fails' has no reason behind it; a line is: id, "},
    {"# note\n\n\n  twice  \t\r\n", "simblk: known.txt:4: 'twice' has no reason behind it; "},
    {"fails", "simblk: known.txt:1: 'fails' has no reason behind it; "},
};

START_TEST(a_malformed_line_is_2_with_its_position)
{
    struct outcome run;

    put_suite();
    run = run_with(malformed[_i].text, "fails.scn");
    assert_status(run, 2);
    ck_assert_str_eq(run.out, "");
    assert_contains(run.err, malformed[_i].message);
}
END_TEST

START_TEST(a_file_that_is_no_text_is_2)
{
    struct outcome run;

    put_suite();
    run = shell("printf 'good I7\\nfails I\\0009\\n' >known.txt;"
                "$simblk run --expected-failures known.txt fails.scn");
    assert_status(run, 2);
    ck_assert_str_eq(run.out, "");
    assert_contains(run.err, "simblk: known.txt:2: a byte 0");
    run = shell("$simblk run --expected-failures . fails.scn");
    assert_status(run, 2);
    ck_assert_str_eq(run.err, "simblk: .: cannot be read: Is a directory\n");
}
END_TEST

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))

static Suite *tool_expected_suite(void)
{
    Suite *suite = suite_create("expected failures");
    TCase *judge = tool_case("verdicts");
    TCase *file = tool_case("the file");

    tcase_add_test(judge, a_failure_for_the_expected_reason_does_not_count);
    tcase_add_loop_test(judge, another_reason_or_a_pass_is_reported, 0, COUNT(others));
    tcase_add_test(judge, any_line_for_an_id_may_excuse_it);
    tcase_add_test(judge, ids_are_those_of_selection);
    tcase_add_test(judge, what_is_skipped_is_neither_passed_nor_failed);
    tcase_add_loop_test(file, a_malformed_line_is_2_with_its_position, 0, COUNT(malformed));
    tcase_add_test(file, a_file_that_is_no_text_is_2);
    suite_add_tcase(suite, judge);
    suite_add_tcase(suite, file);
    return suite;
}

CHECK_MAIN(tool_expected_suite)
