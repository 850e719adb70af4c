/* SPDX-License-Identifier: ISC */
/*
 * The reports of simblk run as those read them for whom they are made: prove and perl's
 * TAP::Parser, xmllint, jq. Names, titles, reasons and what a process printed hold whatever might
 * be taken for syntax. Skipped (77) where one of these programs is missing.
 */
#include "check_main.h"
#include "tool_help.h"

#include <signal.h>
#include <sys/stat.h>

/* Quotes, mark-up, a directive of TAP; and bytes that no report may hold as they are. */
#define ODD_NAME   "it's \"odd\" & <b>]]> \\ # SKIP me"
#define BYTES_NAME "bytes\x01\x1b[2J\xff\xc2\x9b\nmore \xc3\xa9"

#define ODD_TITLE                                                          \
    "title    \"\\\"odd\\\" & <title>]]> # TODO \\x01\\x1b[2J\\xff\\n\"\n" \
    "rule     I7\n"                                                        \
    "backend  linux\n"                                                     \
    "connect                             -> ok\n"

static void put_named(const char *name, const char *text)
{
    char path[128];

    snprintf(path, sizeof(path), "%s.scn", name);
    put_file(path, text);
}

/* Two pass, one is skipped, one fails as expected, three fail, one of them crashes. */
static void put_all_kinds(void)
{
    ck_assert_int_eq(mkdir("all", 0777), 0);
    put_named("all/" BYTES_NAME, FAILS);
    put_named("all/" ODD_NAME, FAILS);
    put_file("all/good.scn", GOOD);
    put_file("all/known.scn", FAILS);
    put_file("all/lacks.scn", FLUSHES);
    put_file("all/talks.scn", TALKS_ODD);
    put_file("all/title.scn", ODD_TITLE);
    put_file("known.txt", "all/known the result is ok\n");
}

/* The report stands in a file then. */
static void report(const char *options, const char *paths, int status)
{
    struct outcome run = shell(
        "$misbehaving run --expected-failures known.txt %s --output report %s", options, paths);

    assert_status(run, status);
    ck_assert_str_eq(run.out, "");
}

/* What a command makes of it, without the end of its last line. */
#define assert_prints(expected, ...)              \
    do {                                          \
        struct outcome run_ = shell(__VA_ARGS__); \
                                                  \
        assert_status(run_, 0);                   \
        run_.out[strcspn(run_.out, "\n")] = '\0'; \
        ck_assert_str_eq(run_.out, expected);     \
    } while (0)

/* ---- TAP ---- */

START_TEST(tap_without_failures_satisfies_prove)
{
    struct outcome run;

    put_all_kinds();
    report("--format tap", "all/good.scn all/known.scn all/lacks.scn all/title.scn", 0);
    run = shell("prove -e cat report");
    assert_status(run, 0);
    assert_contains(run.out, "Tests=4,");
    assert_contains(run.out, "Result: PASS");
}
END_TEST

START_TEST(tap_tells_prove_each_failure)
{
    struct outcome run;

    put_all_kinds();
    report("--format tap", "all", 127);
    run = shell("prove -e cat report");
    assert_status(run, 1);
    assert_contains(run.out, "Failed 3/7 subtests");
    assert_contains(run.out, "(less 1 skipped subtest: 3 okay)");
    assert_contains(run.out, "Failed tests:  1, 3, 6");
    assert_lacks(run.out, "Parse errors");
}
END_TEST

/* number, ok, directive and description of each test; of its YAML the message. */
static const char parse_tap[] =
    "use TAP::Parser;\n"
    "my $parser = TAP::Parser->new({tap => do { local $/; <STDIN> }});\n"
    "while (my $line = $parser->next) {\n"
    "    printf \"%d %s %s%s\\n\", $line->number, $line->is_actual_ok ? 'ok' : 'not ok',\n"
    "        $line->directive, $line->description if $line->is_test;\n"
    "    print \"message: \", $line->data->{message}, \"\\n\" if $line->is_yaml;\n"
    "}\n"
    "print 'version ', $parser->version, ', errors: ', join('; ', $parser->parse_errors), "
    "\"\\n\";\n";

START_TEST(tap_keeps_names_reasons_and_its_form)
{
    struct outcome run;

    put_all_kinds();
    report("--format tap", "all", 127);
    put_file("parse.pl", parse_tap);
    run = shell("perl parse.pl <report");
    assert_status(run, 0);
    ck_assert_str_eq(
        run.out,
        "1 not ok - all/bytes\\x01\\x1b[2J\\xff\\xc2\\x9b\\x0amore \xc3\xa9\n"
        "message: read 0 +8 -> out-of-range: the result is ok\n"
        "2 ok - all/good\n"
        "3 not ok - all/it's \"odd\" & <b>]]> \\\\ \\# SKIP me\n"
        "message: read 0 +8 -> out-of-range: the result is ok\n"
        "4 not ok TODO- all/known\n"
        "5 ok SKIP- all/lacks\n"
        "6 not ok - all/talks\n"
        "message: crashed: ERROR: it's \"odd\" & <b>]]> \\ \\x01\\x1b[31m\\xff # SKIP \xc3\xa9\n"
        "7 ok - all/title\n"
        "version 13, errors: \n");
    assert_prints("# simblk report version 1", "sed -n 2p report");
    assert_prints("0", "iconv -f UTF-8 -t UTF-8 report | cmp - report; echo $?");
    assert_contains(get_file("report"), "\n# not ok 1 - no line of ours\n# 1..99\n# Bail out!\n");
}
END_TEST

START_TEST(tap_holds_the_trace_as_comments)
{
    put_all_kinds();
    report("--format tap --trace", "all/good.scn", 0);
    assert_prints("0", "grep -Evc '^(TAP version 13|1\\.\\.1|ok 1 - all/good|# .*)$' report | "
                       "cat");
    assert_contains(get_file("report"), "dom1     0/0    complete        request=1 -> ok\n");
}
END_TEST

/* ---- JUnit ---- */

#define XPATH(expression) "xmllint --xpath \"" expression "\" report"

START_TEST(junit_is_xml_and_counts_right)
{
    struct outcome run;

    put_all_kinds();
    report("--format junit", "all", 127);
    run = shell("xmllint --noout report");
    assert_status(run, 0);
    ck_assert_str_eq(run.err, "");
    assert_prints("7", XPATH("string(/testsuites/testsuite/@tests)"));
    assert_prints("7", XPATH("count(/testsuites/testsuite/testcase)"));
    assert_prints("2", XPATH("string(/testsuites/testsuite/@failures)"));
    assert_prints("2", XPATH("count(//testcase/failure)"));
    assert_prints("1", XPATH("string(/testsuites/testsuite/@errors)"));
    assert_prints("1", XPATH("count(//testcase/error)"));
    assert_prints("2", XPATH("string(/testsuites/testsuite/@skipped)"));
    assert_prints("2", XPATH("count(//testcase/skipped)"));
    assert_prints("true", XPATH("/testsuites/@tests = 7 and /testsuites/@failures = 2 and "
                                "/testsuites/@errors = 1"));
    assert_prints("1", XPATH("string(//property[@name='simblk.report.version']/@value)"));
    assert_prints("false", XPATH("string(//property[@name='simblk.interrupted']/@value)"));
}
END_TEST

START_TEST(junit_keeps_names_reasons_and_output)
{
    struct outcome run;

    put_all_kinds();
    report("--format junit", "all", 127);
    run = shell(XPATH("string(//testcase[1]/@name)"));
    ck_assert_str_eq(run.out, "all/bytes\\x01\\x1b[2J\\xff\xc2\x9b\nmore \xc3\xa9\n");
    assert_prints("all/" ODD_NAME, XPATH("string(//testcase[3]/@name)"));
    assert_prints("crashed (I13)", XPATH("string(//error/@type)"));
    assert_prints("crashed: ERROR: it's \"odd\" & <b>]]> \\ \\x01\\x1b[31m\\xff # SKIP \xc3\xa9",
                  XPATH("string(//error/@message)"));
    assert_prints("all/talks.scn:6", XPATH("string(//error)"));
    assert_prints("true", XPATH("contains(string(//error), 'submit argument=0')"));
    assert_prints("true", XPATH("contains(string(//system-out), '#') and "
                                "contains(string(//system-out), 'Bail out!')"));
    assert_prints("the subject misbehaving has no flush",
                  XPATH("string(//testcase[5]/skipped/@message)"));
}
END_TEST

/* ---- JSON ---- */

#define JQ(filter) "jq -r '" filter "' report"

START_TEST(json_is_read_by_jq_and_counts_right)
{
    put_all_kinds();
    report("--format json", "all", 127);
    assert_prints("simblk-report 1", JQ("\"\\(.format) \\(.version)\""));
    assert_prints("7 7 2 3 1 1 false", JQ("[.runs, (.cases | length), .passed, .failed, .skipped, "
                                          ".expected_failures, .interrupted] | join(\" \")"));
    assert_prints("failed passed failed failed unsupported crashed passed",
                  JQ("[.cases[].outcome] | join(\" \")"));
    assert_prints("true false true false false true false", JQ("[.cases[].failed] | join(\" \")"));
    assert_prints("1 0 1 1 77 127 0", JQ("[.cases[].exit_code] | join(\" \")"));
    assert_prints("I9 I7 I9 I9 I8 I7 I7", JQ("[.cases[].rules[]] | join(\" \")"));
    assert_prints("I13", JQ(".cases[5].rule"));
    assert_prints("true", JQ("[.cases[1].rules_checked[] == \"I7\"] | any"));
    assert_prints("16", JQ(".cases[1].hash | length"));
    assert_prints("6 3", JQ("\"\\(.cases[0].line) \\(.cases[0].step)\""));
    assert_prints("null", JQ(".cases[1].trace"));
}
END_TEST

START_TEST(json_keeps_names_titles_reasons_and_output)
{
    put_all_kinds();
    report("--format json", "all", 127);
    /* A byte that is no UTF-8 is the character with its number. */
    assert_prints("\"all/bytes\\u0001\\u001b[2J\\u00ff\\u009b\\nmore \\u00e9\"",
                  "jq -a '.cases[0].id' report");
    assert_prints("all/" ODD_NAME, JQ(".cases[2].id"));
    assert_prints("\"\\\"odd\\\" & <title>]]> # TODO \\u0001\\u001b[2J\\u00ff\\n\"",
                  "jq -a '.cases[6].title' report");
    assert_prints(
        "\"crashed: ERROR: it's \\\"odd\\\" & <b>]]> \\\\ \\u0001\\u001b[31m\\u00ff # SKIP "
        "\\u00e9\"",
        "jq -a '.cases[5].reason' report");
    assert_prints("true", JQ(".cases[5].output | endswith(\"\\n1..99\\nBail out!\\n...\\n\")"));
    assert_prints("true", JQ(".cases[5].last_events | contains(\"submit argument=0\")"));
}
END_TEST

START_TEST(json_holds_the_trace)
{
    put_all_kinds();
    report("--format json --trace", "all/good.scn", 0);
    assert_prints("true", JQ(".cases[0].trace | contains(\"complete        request=1 -> ok\\n\")"));
}
END_TEST

/* ---- the report for people ---- */

START_TEST(console_shows_what_a_terminal_would_obey)
{
    struct outcome run;

    put_all_kinds();
    report("", "all", 127);
    assert_contains(get_file("report"), "ok   all/title: \"odd\" & <title>]]> # TODO "
                                        "\\x01\\x1b[2J\\xff\\x0a\n");
    assert_contains(get_file("report"), "FAIL all/bytes\\x01\\x1b[2J\\xff\\xc2\\x9b\\x0amore "
                                        "\xc3\xa9: failed\n");
    assert_contains(get_file("report"),
                    "     crashed: ERROR: it's \"odd\" & <b>]]> \\ \\x01\\x1b[31m\\xff # SKIP "
                    "\xc3\xa9\n");
    assert_contains(get_file("report"), "     printed by the process:\n        ERROR: it's ");
    /* All but the command to repeat it, which holds the name itself. */
    run = shell("sed \"/again:/,/scn'/d\" report | LC_ALL=C grep -c '[^ -~\xc3\xa9]'");
    ck_assert_str_eq(run.out, "0\n");
}
END_TEST

START_TEST(console_tells_each_kind_in_its_word)
{
    char *text;

    put_all_kinds();
    report("", "all", 127);
    text = get_file("report");
    assert_contains(text, "\nok   all/good: a read is answered\n");
    assert_contains(text, "\nxfail all/known: read 0 +8 -> out-of-range: the result is ok\n");
    assert_contains(text, "\nskip all/lacks: ");
    assert_contains(text, "\n7 scenarios, 7 runs in ");
    assert_contains(text, "\n1 expected failures\n2 passed, 3 failed, 1 skipped\n");
    /* Of the rule's three scenarios one fails as expected: it counts for nothing. */
    assert_contains(text, "\nI9            0       2        0  units: ");
}
END_TEST

START_TEST(a_list_is_a_line_each)
{
    struct outcome run;

    put_all_kinds();
    run = shell("$simblk run --list all");
    assert_status(run, 0);
    assert_contains(run.out,
                    "all/bytes\\x01\\x1b[2J\\xff\\xc2\\x9b\\x0amore \xc3\xa9  this expects ");
    assert_contains(run.out, "\nall/title  \"odd\" & <title>]]> # TODO \\x01\\x1b[2J\\xff\\x0a\n");
    run = shell("$simblk run --list all | wc -l");
    ck_assert_int_eq(atoi(run.out), 7);
}
END_TEST

START_TEST(quiet_leaves_out_what_passes)
{
    char *text;

    put_all_kinds();
    report("--quiet", "all", 127);
    text = get_file("report");
    assert_lacks(text, "ok   ");
    assert_contains(text, "FAIL all/talks: crashed (I13)\n");
    assert_contains(text, "\n2 passed, 3 failed, 1 skipped\n");
}
END_TEST

/* ---- features and dialects ---- */

START_TEST(matrix_counts_by_folder_and_dialect)
{
    struct outcome run;
    char *text;

    put_all_kinds();
    run = shell("mkdir -p 'a|b' && sed 's/linux/minimal/' all/good.scn >'a|b/minimal.scn' && "
                "cp all/good.scn 'a|b/linux.scn' && sed 's/backend.*/&\\nxvdb: backend minimal/' "
                "all/good.scn >both.scn");
    assert_status(run, 0);
    report("--matrix", "all 'a|b' both.scn", 127);
    text = get_file("report");
    assert_contains(text, "| feature        | linux      | minimal    | ");
    assert_contains(text, "|----------------|------------|------------|-");
    /* Of seven runs two passed, three failed. */
    assert_contains(text, "\n| all            | **2 of 5** (1 expected to fail) (1 skipped) |  ");
    assert_contains(text, "\n| a\\|b            | 1          | 1          | ");
    assert_contains(text, "\n| both.scn       | 1          | 1          | ");
    assert_contains(text, "\n\n10 runs: 5 passed, 3 failed, 1 skipped\n");
}
END_TEST

/* ---- all of them ---- */

static const char *const formats[] = {"console", "tap", "junit", "json", "matrix"};

/* A worker that ends normally or is replaced must not print its copy of the report's buffer. */
START_TEST(a_report_in_a_file_is_the_same_as_on_standard_output)
{
    struct outcome run;

    put_all_kinds();
    run = shell("$misbehaving run --jobs 3 --format %s all >printed", formats[_i]);
    assert_status(run, 127);
    run = shell("$misbehaving run --jobs 3 --format %s --output written all", formats[_i]);
    assert_status(run, 127);
    run = shell("for f in printed written; do sed -E 's/(time=|seconds\": |runs in )\"?[0-9.]+//g' "
                "$f >$f.timeless; done; diff printed.timeless written.timeless");
    assert_status(run, 0);
}
END_TEST

START_TEST(an_interrupted_report_is_whole_and_says_so)
{
    static const char *const marks[] = {"interrupted: 1 of 2 runs", "\nBail out! interrupted\n",
                                        "name=\"simblk.interrupted\" value=\"true\"",
                                        "\"interrupted\": true", "\ninterrupted: 2 runs: 1 passed"};
    static const char *const readers[] = {"true", "! prove -e cat report", "xmllint --noout report",
                                          "jq -e '.interrupted and (.cases | length) == 1' report",
                                          "true"};
    struct outcome run;
    char line[128];

    put_file("a.scn", GOOD);
    put_file("b.scn", HANGS);
    snprintf(line, sizeof(line),
             "exec $misbehaving run --jobs 1 --stuck 600 --format %s --output report .",
             formats[_i]);
    ck_assert_int_eq(end_with(start_and_hang(line, 1), SIGINT), 130);
    assert_contains(get_file("report"), marks[_i]);
    run = shell("%s", readers[_i]);
    assert_status(run, 0);
}
END_TEST

/* Of what was wrong with it, and of no interruption. */
START_TEST(a_report_on_what_is_no_frontend_is_an_error)
{
    static const char *const marks[] = {"nothing was played: ./odd", "\nBail out! ./odd",
                                        "message=\"./odd", "\"error\": \"./odd",
                                        "\nnothing was played: ./odd"};
    static const char *const readers[] = {
        "true",
        "prove -e cat report 2>&1 | grep 'Bailout called.  Further testing stopped:  ./odd'",
        "xmllint --noout report && test \"$(xmllint --xpath 'concat(/testsuites/@tests, "
        "/testsuites/@errors, count(//testcase/error), //testcase/@name, "
        "//property[@name=\"simblk.interrupted\"]/@value)' report)\" = '111./odd <&>\".sofalse'",
        "jq -e '(.error | test(\"it cannot be loaded\")) and (.interrupted | not) and .cases == "
        "[]' "
        "report",
        "true"};
    struct outcome run;

    put_file("good.scn", GOOD);
    put_file("odd <&>\".so", "no object");
    run = shell("$simblk run --frontend './odd <&>\".so' --format %s --output report "
                "--report page.html good.scn",
                formats[_i]);
    assert_status(run, 2);
    assert_contains(run.err, "simblk: ./odd <&>\".so: it cannot be loaded: ");
    assert_contains(get_file("report"), marks[_i]);
    assert_lacks(get_file("report"), "interrupted: ");
    assert_contains(get_file("page.html"), "\"refused\":\"./odd ");
    run = shell("%s", readers[_i]);
    assert_status(run, 0);
}
END_TEST

START_TEST(a_report_that_cannot_be_written_is_2)
{
    put_file("good.scn", GOOD);
    refused("cannot be written", "run --format %s good.scn >/dev/full", formats[_i]);
}
END_TEST

static Suite *tool_report_suite(void)
{
    Suite *suite = suite_create("the reports");
    TCase *tap = tool_case("TAP");
    TCase *junit = tool_case("JUnit");
    TCase *json = tool_case("JSON");
    TCase *console = tool_case("console");
    TCase *matrix = tool_case("matrix");
    TCase *all = tool_case("all formats");
    int count = (int)(sizeof(formats) / sizeof(formats[0]));

    tcase_add_test(tap, tap_without_failures_satisfies_prove);
    tcase_add_test(tap, tap_tells_prove_each_failure);
    tcase_add_test(tap, tap_keeps_names_reasons_and_its_form);
    tcase_add_test(tap, tap_holds_the_trace_as_comments);
    tcase_add_test(junit, junit_is_xml_and_counts_right);
    tcase_add_test(junit, junit_keeps_names_reasons_and_output);
    tcase_add_test(json, json_is_read_by_jq_and_counts_right);
    tcase_add_test(json, json_keeps_names_titles_reasons_and_output);
    tcase_add_test(json, json_holds_the_trace);
    tcase_add_test(console, console_shows_what_a_terminal_would_obey);
    tcase_add_test(console, console_tells_each_kind_in_its_word);
    tcase_add_test(console, a_list_is_a_line_each);
    tcase_add_test(console, quiet_leaves_out_what_passes);
    tcase_add_test(matrix, matrix_counts_by_folder_and_dialect);
    tcase_add_loop_test(all, a_report_in_a_file_is_the_same_as_on_standard_output, 0, count);
    tcase_add_loop_test(all, an_interrupted_report_is_whole_and_says_so, 0, count);
    tcase_add_loop_test(all, a_report_on_what_is_no_frontend_is_an_error, 0, count);
    tcase_add_loop_test(all, a_report_that_cannot_be_written_is_2, 0, count);
    suite_add_tcase(suite, tap);
    suite_add_tcase(suite, junit);
    suite_add_tcase(suite, json);
    suite_add_tcase(suite, console);
    suite_add_tcase(suite, matrix);
    suite_add_tcase(suite, all);
    return suite;
}

/* CHECK_MAIN, but for readers that are missing. */
int main(void)
{
    static const char *const readers[] = {"prove", "xmllint", "jq"};

    for (size_t i = 0; i < sizeof(readers) / sizeof(readers[0]); i++) {
        char command[64];

        snprintf(command, sizeof(command), "command -v %s >/dev/null", readers[i]);
        if (system(command) != 0) {
            printf("%s not found: skipped\n", readers[i]);
            return 77;
        }
    }
    return check_main(tool_report_suite());
}
