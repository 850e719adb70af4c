/* SPDX-License-Identifier: ISC */
/*
 * The commands beside run as their users see them: show, fmt, encode, decode, bench.
 */
#include "check_main.h"
#include "tool_help.h"

#define CONFORMANCE SIMBLK_SOURCE_DIR "/scenarios/conformance"

/* Two runs, and nothing stands in its column. */
#define UNTIDY                     \
    "title \"two sizes\"\n"        \
    "rule  I9   # why\n"           \
    "variants read.count=8,16\n"   \
    "\n"                           \
    "\n"                           \
    "backend linux sectors=0x40\n" \
    "connect -> ok\n"              \
    "read 0 +8 ->   ok"

#define TIDY                                      \
    "title    \"two sizes\"\n"                    \
    "rule     I9                         # why\n" \
    "variants read.count=8,16\n"                  \
    "\n"                                          \
    "backend  linux sectors=64\n"                 \
    "connect                             -> ok\n" \
    "read     0 +8                       -> ok\n"

#define SECOND_RUN                                \
    "title    \"two sizes\"\n"                    \
    "rule     I9                         # why\n" \
    "\n"                                          \
    "backend  linux sectors=64\n"                 \
    "connect                             -> ok\n" \
    "read     0 +16                      -> ok\n"

/* ---- show ---- */

START_TEST(show_prints_the_canonical_form)
{
    struct outcome run;

    put_file("untidy.scn", UNTIDY);
    run = shell("$simblk show untidy.scn");
    assert_status(run, 0);
    ck_assert_str_eq(run.out, TIDY);
    ck_assert_str_eq(get_file("untidy.scn"), UNTIDY);
    run = shell("cat untidy.scn | $simblk show -");
    ck_assert_str_eq(run.out, TIDY);
}
END_TEST

START_TEST(show_prints_one_variant)
{
    struct outcome run;

    put_file("untidy.scn", UNTIDY);
    run = shell("$simblk show --variant 2 untidy.scn");
    assert_status(run, 0);
    ck_assert_str_eq(run.out, SECOND_RUN);
    run = shell("$simblk show --variant 0 untidy.scn");
    assert_status(run, 2);
    run = shell("$simblk show --variant 3 untidy.scn");
    assert_status(run, 2);
    ck_assert_str_eq(run.err, "simblk: show: untidy.scn has 2 variants\n");
}
END_TEST

START_TEST(show_trace_plays_it_and_ends_with_the_verdict)
{
    struct outcome run;

    put_file("untidy.scn", UNTIDY);
    run = shell("$simblk show --trace --variant 2 untidy.scn");
    assert_status(run, 0);
    assert_contains(run.out, "submit          read request=1 sector=0 sectors=16\n");
    ck_assert_str_eq(run.out + strlen(run.out) - 8, "\npassed\n");
    put_file("printed", run.out);
    run = shell("$simblk run --trace --id 'untidy[read.count=16]' untidy.scn | grep '^ ' >traced; "
                "grep '^ ' printed | diff - traced");
    assert_status(run, 0);

    put_file("fails.scn", FAILS);
    run = shell("$simblk show --trace fails.scn");
    assert_status(run, 1);
    assert_contains(run.out, "\nfailed: read 0 +8 -> out-of-range: the result is ok\n");
    put_file("lost.scn", LOST);
    run = shell("$misbehaving show --trace lost.scn");
    assert_status(run, 128);
    assert_contains(run.out, "\nno progress: ");
}
END_TEST

START_TEST(show_refuses_what_run_refuses)
{
    struct outcome run;

    put_file("bad.scn", "rule I7\nbackend linux\nread 0 +8 -> ok\n");
    run = shell("$simblk show bad.scn");
    assert_status(run, 2);
    ck_assert_str_eq(run.out, "");
    assert_contains(run.err, "bad.scn:3:1: found 'read', expected 'connect'");
}
END_TEST

/* ---- fmt ---- */

START_TEST(fmt_check_names_what_is_not_canonical_and_changes_nothing)
{
    struct outcome run;

    put_file("a.scn", TIDY);
    put_file("b.scn", UNTIDY);
    run = shell("$simblk fmt --check a.scn");
    assert_status(run, 0);
    ck_assert_str_eq(run.out, "");
    run = shell("$simblk fmt --check .");
    assert_status(run, 1);
    ck_assert_str_eq(run.out, "./b.scn\n");
    ck_assert_str_eq(get_file("b.scn"), UNTIDY);
    run = shell("$simblk fmt --check - <b.scn");
    assert_status(run, 1);
    ck_assert_str_eq(run.out, "-\n");
}
END_TEST

START_TEST(fmt_rewrites_files_in_place)
{
    struct outcome run;

    put_file("a.scn", UNTIDY);
    put_file("empty.scn", "");
    run = shell("$simblk fmt a.scn empty.scn");
    assert_status(run, 0);
    ck_assert_str_eq(run.out, "");
    ck_assert_str_eq(get_file("a.scn"), TIDY);
    ck_assert_str_eq(get_file("empty.scn"), "");
    run = shell("$simblk fmt --check a.scn empty.scn");
    assert_status(run, 0);
    run = shell("touch -d 2001-01-01 a.scn; $simblk fmt a.scn; find a.scn -newermt 2001-01-02");
    ck_assert_str_eq(run.out, ""); /* not written when there is nothing to change */
}
END_TEST

START_TEST(fmt_is_a_filter)
{
    struct outcome run;

    put_file("a.scn", UNTIDY);
    run = shell("$simblk fmt - <a.scn");
    assert_status(run, 0);
    ck_assert_str_eq(run.out, TIDY);
}
END_TEST

/* The order of the files does not matter: the worst decides, and the good ones are formatted. */
START_TEST(fmt_leaves_what_it_cannot_read)
{
    struct outcome run;

    put_file("a.scn", "conect -> ok\n");
    put_file("b.scn", UNTIDY);
    run = shell("$simblk fmt .");
    assert_status(run, 2);
    assert_contains(run.err,
                    "./a.scn:1:1: found 'conect', expected a step; did you mean 'connect'?");
    ck_assert_str_eq(get_file("a.scn"), "conect -> ok\n");
    ck_assert_str_eq(get_file("b.scn"), TIDY);
}
END_TEST

/* ---- encode and decode ---- */

/* All of them: scenarios_language_bytes. */
START_TEST(a_folder_survives_as_bytes)
{
    struct outcome run;

    run =
        shell("mkdir text && for f in " CONFORMANCE "/read/*.scn; do"
              "    n=$((n + 1));"
              "    $simblk encode --output bytes $f && $simblk decode --output text/$n.scn bytes &&"
              "    $simblk encode text/$n.scn | cmp - bytes &&"
              "    $simblk decode - <bytes | cmp - text/$n.scn || echo $f;"
              "done; "
              "$simblk fmt --check text && $simblk run --quiet text");
    assert_status(run, 0);
    ck_assert_str_eq(run.err, "");
    assert_lacks(run.out, CONFORMANCE);
    assert_contains(run.out, " passed, 0 failed, 0 skipped\n");
}
END_TEST

START_TEST(any_bytes_are_a_scenario)
{
    struct outcome run = shell("$simblk decode - </dev/null >empty.scn && $simblk run empty.scn");

    assert_status(run, 0);
    run = shell("i=0; while [ $i -lt 20 ]; do"
                "    head -c $((i * 300000)) $simblk | tail -c 500 | $simblk decode - >$i.scn &&"
                "    $simblk run --dry-run $i.scn || exit 1; i=$((i + 1)); done");
    assert_status(run, 0);
}
END_TEST

START_TEST(what_cannot_be_encoded_is_not)
{
    struct outcome run;

    put_file("bad.scn", "rule I7\nbackend linux\nread 0 +8 -> ok\n");
    run = shell("$simblk encode --output bytes bad.scn; echo $?; test -e bytes");
    ck_assert_str_eq(run.out, "2\n");
    ck_assert_int_eq(run.status, 1);
    put_file("good.scn", GOOD);
    refused("/dev/full: cannot be written: No space left on device\n",
            "encode --output /dev/full good.scn");
    refused("cannot be written", "encode good.scn >/dev/full");
}
END_TEST

/* ---- bench: its tables are tool_bench_test.c's ---- */

/* The rows that are asked for come alone. */
START_TEST(bench_measures_what_is_asked_for)
{
    struct outcome run =
        shell("$simblk bench --world threads --rows 'KiB, depth 1' --json --repeats 1 --time 1 | "
              "jq -r '.rows[].row'");

    ck_assert_str_eq(run.out, "read 4 KiB, depth 1\nread 64 KiB, depth 1\n");
    run = shell("$simblk bench --rows '512 B' --repeats 1 --time 1");
    assert_status(run, 0);
    assert_contains(run.out, "\nread 512 B direct               none ");
    assert_contains(run.out, "\nread 512 B direct               all ");
    assert_lacks(run.out, "4 KiB direct");
    assert_lacks(run.out, "memory of");
    run = shell("$simblk bench --every --rows '512 B bounced, depth 256' --repeats 1 --time 1");
    assert_status(run, 0);
    assert_contains(run.out, "\nwrite 512 B bounced, depth 256, 1 queue     none ");
    assert_contains(run.out, "\nread 512 B bounced, depth 256, 4 queues     all ");
    assert_lacks(run.out, "memory of");
    run = shell("$simblk bench --every --world threads --repeats 1 --time 1 --json "
                "--rows 'read 512 B persistent, depth 256, 2 queues' | jq -c '[.rows[].row]'");
    ck_assert_str_eq(run.out, "[\"read 512 B persistent, depth 256, 2 queues\"]\n");
    refused("bench: no row has '1 MiB direct, depth 256' in its name",
            "bench --every --rows '1 MiB direct, depth 256'");
    refused("--world is stepped or threads", "bench --world live");
    refused("bench: no row has 'nothing' in its name", "bench --rows nothing");
    refused("bench: no row has 'devices' in its name", "bench --world threads --rows devices");
}
END_TEST

START_TEST(bench_needs_its_other_program)
{
    struct outcome run = shell("cp $simblk . && ./simblk bench --repeats 1 --time 1");

    assert_status(run, 2);
    assert_contains(run.err, "simblk-bench-plain is not there beside simblk");
    /* One that ends badly ends the whole. */
    run = shell("printf '#!/bin/sh\nexit 3\n' >simblk-bench-plain && chmod +x simblk-bench-plain &&"
                "./simblk bench --repeats 1 --time 1");
    assert_status(run, 1);
    assert_lacks(run.out, " all ");
    run = shell("${simblk%%/*}/simblk-bench-plain");
    assert_status(run, 2);
    assert_contains(run.err, "usage: simblk-bench-plain REPEATS MILLISECONDS stepped");
    run = shell("${simblk%%/*}/simblk-bench-plain 0 1 stepped chosen");
    assert_status(run, 2);
}
END_TEST

/* ---- all of them ---- */

/* What is wrong, with which command, and what to do: of each that the tool lists. */
START_TEST(every_command_says_what_it_does_not_know_and_where_help_is)
{
    struct outcome run = shell("$simblk --help | sed -nE 's/^  ([a-z]+) .*/\\1/p'");
    size_t commands = 0;

    for (char *command = strtok(run.out, "\n"); command != NULL; command = strtok(NULL, "\n")) {
        char message[128];
        struct outcome help;

        snprintf(message, sizeof(message),
                 "simblk: %s: unknown option '--frobnicate' (simblk %s --help lists all)\n",
                 command, command);
        refused(message, "%s --frobnicate", command);
        help = shell("$simblk %s --help", command);
        assert_status(help, 0);
        snprintf(message, sizeof(message), "usage: simblk %s ", command);
        assert_contains(help.out, message);
        commands++;
    }
    ck_assert_uint_ge(commands, 16);
}
END_TEST

START_TEST(a_folder_without_scenarios_is_named)
{
    struct outcome run = shell("mkdir empty other && touch other/a.txt");

    assert_status(run, 0);
    refused("simblk: empty: no scenario (*.scn) is in it or below\n"
            "simblk: other: no scenario (*.scn) is in it or below\n",
            "run empty other");
}
END_TEST

/* A file that is not there is named, whoever wants it. */
START_TEST(every_command_that_reads_a_file_names_it)
{
    static const char *const commands[] = {"run",     "show",   "fmt",  "encode", "decode",
                                           "explore", "shrink", "diff", "serve"};

    refused("simblk: nowhere.scn: No such file or directory\n", "%s nowhere.scn", commands[_i]);
}
END_TEST

static Suite *tool_command_suite(void)
{
    Suite *suite = suite_create("the commands");
    TCase *all = tool_case("all");
    TCase *show = tool_case("show");
    TCase *fmt = tool_case("fmt");
    TCase *codec = tool_case("encode and decode");
    TCase *bench = tool_case("bench");

    tcase_add_test(show, show_prints_the_canonical_form);
    tcase_add_test(show, show_prints_one_variant);
    tcase_add_test(show, show_trace_plays_it_and_ends_with_the_verdict);
    tcase_add_test(show, show_refuses_what_run_refuses);
    tcase_add_test(fmt, fmt_check_names_what_is_not_canonical_and_changes_nothing);
    tcase_add_test(fmt, fmt_rewrites_files_in_place);
    tcase_add_test(fmt, fmt_is_a_filter);
    tcase_add_test(fmt, fmt_leaves_what_it_cannot_read);
    tcase_add_test(codec, a_folder_survives_as_bytes);
    tcase_add_test(codec, any_bytes_are_a_scenario);
    tcase_add_test(codec, what_cannot_be_encoded_is_not);
    tcase_add_test(bench, bench_measures_what_is_asked_for);
    tcase_add_test(bench, bench_needs_its_other_program);
    tcase_add_test(all, every_command_says_what_it_does_not_know_and_where_help_is);
    tcase_add_test(all, a_folder_without_scenarios_is_named);
    tcase_add_loop_test(all, every_command_that_reads_a_file_names_it, 0, 9);
    suite_add_tcase(suite, all);
    suite_add_tcase(suite, show);
    suite_add_tcase(suite, fmt);
    suite_add_tcase(suite, codec);
    suite_add_tcase(suite, bench);
    return suite;
}

CHECK_MAIN(tool_command_suite)
