/* SPDX-License-Identifier: ISC */
/*
 * simblk run --report: what the page holds for its script, which a browser plays in page.pl. The
 * same runs give the same bytes, nothing that was given is mark-up, and who cannot write says so.
 */
#include "check_main.h"
#include "tool_help.h"

#include <stdlib.h>
#include <string.h>

static size_t times(const char *text, const char *part)
{
    size_t count = 0;

    for (; (text = strstr(text, part)) != NULL; text += strlen(part))
        count++;
    return count;
}

START_TEST(each_scenario_has_its_text_its_verdicts_and_a_ladder)
{
    struct outcome run;
    char *page;

    put_file("fails.scn", FAILS);
    put_file("flushes.scn", FLUSHES);
    put_file("good.scn", GOOD);
    put_file("twice.scn", TWICE);
    run = shell("$misbehaving run --report page.html --format tap --output tap .");
    assert_status(run, 1);
    assert_contains(get_file("tap"), "1..4\n");
    page = get_file("page.html");
    ck_assert_int_eq(strncmp(page, "<!DOCTYPE html>\n", 16), 0);
    assert_contains(page, "\n</html>\n");
    assert_contains(page, "{\"file\":2,\"path\":\"./good.scn\",\"text\":\"title    \\\"a read is "
                          "answered\\\"\\nrule     I7\\n");
    assert_contains(page, "\"verdict\":\"failed\",\"reason\":\"read 0 +8 -> out-of-range: the "
                          "result is ok\",\"again\":\"simblk run ./fails.scn\",\"ladder\":[");
    assert_contains(page, "\"verdict\":\"rule broken (I2)\",\"reason\":\"I2 xvda request 1: ");
    assert_contains(page, "\"runs\":4,\"passed\":1,\"failed\":2,\"crashed\":0,\"skipped\":1,"
                          "\"expected\":0,\"strict\":false,\"interrupted\":false");
    ck_assert_uint_eq(times(page, "\"ladder\":["), 3); /* what is skipped was not played */
    assert_contains(page, ",\n\"submit read request=1 sector=104 sectors=8\"");
    ck_assert_uint_eq(times(page, "\"complete request=1 -> ok\""), 1);
}
END_TEST

/* The backend tells of three responses at once, and its index moves by three. */
START_TEST(a_row_of_several_requests_has_them_all)
{
    struct outcome rows, page;
    char wanted[64];

    put_file("many.scn", "title \"t\"\nrule I7\n\nbackend linux\nconnect -> ok\n"
                         "read 0 +8 async as A\nread 8 +8 async as B\nread 16 +8 async as C\n"
                         "wait A -> ok\n");
    rows = shell("$simblk show --ladder many.scn | awk '/#1-3/ { print NR - 2 }'");
    page =
        shell("$simblk run --report page.html many.scn >out; grep -o '\"shared\":[^]]*' page.html");
    snprintf(wanted, sizeof(wanted), "\"shared\":[%d,3,1,2,3,%d,3,1,2,3\n", atoi(rows.out),
             atoi(strchr(rows.out, '\n') + 1));
    ck_assert_str_eq(page.out, wanted);
}
END_TEST

START_TEST(of_runs_that_pass_the_first_of_a_scenario_has_a_ladder)
{
    struct outcome run;
    char *page;

    put_file("passes.scn", "title \"t\"\nrule I7\nvariants read.sector=0,8,16\n\nbackend linux\n"
                           "connect -> ok\nread 0 +8 -> ok\n");
    put_file("twice.scn", "title \"t\"\nrule I7\nvariants read.sector=0,8,104\n\nbackend linux\n"
                          "connect -> ok\nread 0 +8 -> ok\n");
    run = shell("$misbehaving run --report page.html .");
    assert_status(run, 1);
    page = get_file("page.html");
    ck_assert_uint_eq(times(page, "\"again\":"), 6);
    ck_assert_uint_eq(times(page, "\"ladder\":["), 3);
    assert_contains(page, "[\"[read.sector=104]\",1,2,");
}
END_TEST

/* Each has some 2000 rows, so the ladders of 400 do not fit into 8 MiB. */
START_TEST(where_ladders_are_too_many_those_of_runs_that_pass_end_first)
{
    struct outcome run;
    char *page;

    put_file("z.scn", FAILS);
    run =
        shell("{ printf 'rule I7\nbackend linux\nconnect -> ok\n'; yes 'read 0 +8 -> ok' | head -n "
              "100; } >000.scn; for n in $(seq -w 1 399); do ln 000.scn $n.scn; done; $simblk run "
              "--quiet --report page.html .");
    assert_status(run, 1);
    page = get_file("page.html");
    ck_assert_uint_eq(times(page, "\"again\":"), 401);
    ck_assert_uint_gt(times(page, "\"ladder\":["), 200);
    ck_assert_uint_lt(times(page, "\"ladder\":["), 400);
    assert_contains(strstr(page, "\"again\":\"simblk run ./z.scn\""), "\"ladder\":[");
    ck_assert_uint_lt(strlen(page), 10 << 20);
}
END_TEST

START_TEST(the_same_runs_give_the_same_bytes)
{
    struct outcome run;

    put_file("aborts.scn", ABORTS);
    put_file("good.scn", GOOD);
    put_file("tells.scn", ADDRESSES);
    put_file("twice.scn", TWICE);
    run = shell("$misbehaving run --jobs 1 --report one . >/dev/null; $misbehaving run --jobs 3 "
                "--report two . >/dev/null; cmp one two");
    assert_status(run, 0);
    assert_contains(get_file("one"), "\"reason\":\"crashed: ERROR: as sanitizers do it, 0x...\"");
    assert_contains(get_file("one"), "\"output\":\"==...==ERROR: as sanitizers do it, 0x...\\n\"");
}
END_TEST

START_TEST(a_run_that_crashes_or_hangs_is_drawn_up_to_there)
{
    struct outcome run;
    char *page;

    put_file("aborts.scn", ABORTS);
    run = shell("$misbehaving run --report page.html .");
    assert_status(run, 127);
    page = get_file("page.html");
    assert_contains(page, "\"verdict\":\"crashed (I13)\",\"reason\":\"crashed: ");
    ck_assert_uint_eq(times(page, "\"ladder\":["), 1);
    assert_contains(page, "\"call submit argument=0\"");
    assert_lacks(page, "\"return submit");
    put_file("aborts.scn", HANGS);
    run = shell("$misbehaving run --stuck 1 --report page.html .");
    assert_status(run, 128);
    page = get_file("page.html");
    assert_contains(page, "\"verdict\":\"no progress (I4)\",\"reason\":\"the frontend did not ");
    assert_contains(page, "\"submit read request=1 sector=102 sectors=8\"");
    assert_lacks(page, "\"complete request=1");
}
END_TEST

START_TEST(nothing_that_was_given_is_markup)
{
    static const char title[] = "title \"</script><img src=x onerror=alert(1)> \\xff\"\nrule I7\n"
                                "# <b>\n\nbackend linux\nconnect -> ok\n";
    struct outcome run;
    char *page;

    put_file("<script>&amp;.scn", title);
    run = shell("$simblk run --report page.html './<script>&amp;.scn'");
    assert_status(run, 0);
    page = get_file("page.html");
    assert_lacks(page, "<img");
    assert_lacks(page, "<b>");
    assert_contains(page,
                    "\"title\":\"\\u003c/script>\\u003cimg src=x onerror=alert(1)> \\u00ff\"");
    assert_contains(page, "\"id\":\"./\\u003cscript>&amp;\"");
    ck_assert_uint_eq(times(page, "<script"), 4);
    ck_assert_uint_eq(times(page, "</script>"), 4);
    assert_lacks(page, "http://");
    assert_lacks(page, "https://");
}
END_TEST

START_TEST(expected_failures_are_told_from_others)
{
    struct outcome run;

    put_file("fails.scn", FAILS);
    put_file("known", "fails I9\nfails the result is\n");
    run = shell("$simblk run --expected-failures known --report page.html fails.scn");
    assert_status(run, 0);
    assert_contains(get_file("page.html"), "\"verdict\":\"expected failure\"");
    assert_contains(get_file("page.html"),
                    "\"failed\":0,\"crashed\":0,\"skipped\":0,\"expected\":1");
    assert_contains(get_file("page.html"), "\"runs\":[[\"\",3,0,");
}
END_TEST

START_TEST(who_cannot_write_the_page_says_so)
{
    struct outcome run;

    put_file("good.scn", GOOD);
    run = shell("$simblk run --report nowhere/page.html good.scn");
    assert_status(run, 2);
    ck_assert_str_eq(run.err, "simblk: nowhere/page.html: cannot be written: No such file or "
                              "directory\n");
    ck_assert_str_eq(run.out, ""); /* nothing was played */
    run = shell("$simblk run --report /dev/full good.scn");
    assert_status(run, 2);
    assert_contains(run.err, "simblk: /dev/full: the report cannot be written: No space left on "
                             "device\n");
    assert_contains(run.out, "1 passed, 0 failed"); /* the other report is whole */
}
END_TEST

static Suite *tool_page_suite(void)
{
    Suite *suite = suite_create("page");
    TCase *tests = tool_case("tests");

    tcase_add_test(tests, each_scenario_has_its_text_its_verdicts_and_a_ladder);
    tcase_add_test(tests, a_row_of_several_requests_has_them_all);
    tcase_add_test(tests, of_runs_that_pass_the_first_of_a_scenario_has_a_ladder);
    tcase_add_test(tests, where_ladders_are_too_many_those_of_runs_that_pass_end_first);
    tcase_add_test(tests, the_same_runs_give_the_same_bytes);
    tcase_add_test(tests, a_run_that_crashes_or_hangs_is_drawn_up_to_there);
    tcase_add_test(tests, nothing_that_was_given_is_markup);
    tcase_add_test(tests, expected_failures_are_told_from_others);
    tcase_add_test(tests, who_cannot_write_the_page_says_so);
    suite_add_tcase(suite, tests);
    return suite;
}

CHECK_MAIN(tool_page_suite)
