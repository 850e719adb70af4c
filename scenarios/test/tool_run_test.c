/* SPDX-License-Identifier: ISC */
/*
 * simblk run as its users see it: exit codes and their order, selection, and what bad input gets.
 */
#include "check_main.h"
#include "tool_help.h"

/* ---- exit codes ---- */

START_TEST(passed_is_0)
{
    struct outcome run;

    put_file("good.scn", GOOD);
    run = shell("$simblk run good.scn");
    assert_status(run, 0);
    assert_contains(run.out, "ok   good: a read is answered\n");
    assert_contains(run.out, "1 passed, 0 failed, 0 skipped\n");
    ck_assert_str_eq(run.err, "");
}
END_TEST

START_TEST(a_failed_expectation_is_1)
{
    struct outcome run;

    put_file("fails.scn", FAILS);
    run = shell("$simblk run fails.scn");
    assert_status(run, 1);
    assert_contains(run.out, "FAIL fails: failed\n");
    assert_contains(run.out, "at fails.scn:6 (step 3)\n");
    assert_contains(run.out, "last events:\n");
    assert_contains(run.out, "again: simblk run fails.scn\n");
    assert_contains(run.out, "0 passed, 1 failed, 0 skipped\n");
}
END_TEST

START_TEST(another_broken_rule_is_1)
{
    struct outcome run;

    put_file("twice.scn", TWICE);
    run = shell("$misbehaving run twice.scn");
    assert_status(run, 1);
    assert_contains(run.out, "FAIL twice: rule broken (I2)\n");
}
END_TEST

START_TEST(all_skipped_is_77)
{
    struct outcome run;

    put_file("flushes.scn", FLUSHES);
    run = shell("$misbehaving run flushes.scn");
    assert_status(run, 77);
    assert_contains(run.out, "skip flushes: ");
    assert_contains(run.out, "0 passed, 0 failed, 1 skipped\n");
}
END_TEST

START_TEST(a_crash_is_127)
{
    struct outcome run;

    put_file("aborts.scn", ABORTS);
    run = shell("$misbehaving run aborts.scn");
    assert_status(run, 127);
}
END_TEST

START_TEST(no_progress_is_128)
{
    struct outcome run;

    put_file("lost.scn", LOST);
    run = shell("$misbehaving run lost.scn");
    assert_status(run, 128);
    assert_contains(run.out, "FAIL lost: no progress (I4)\n");
}
END_TEST

/* It has to try again and again; nobody would tell it that there is more. That it does so for ever
 * is seen long before it has made the steps that it may. */
START_TEST(no_rest_for_want_of_grants_is_the_scenarios_mistake)
{
    struct outcome run;

    put_file("short.scn", "title \"no grants any more\"\n"
                          "rule I4\n"
                          "world max_steps=100000000\n"
                          "backend linux\n"
                          "connect recover=ever -> ok\n"
                          "fail grant from\n"
                          "backend restart\n"
                          "run\n");
    run = shell("$simblk run short.scn");
    assert_status(run, 2);
    assert_contains(run.out, "grants or ports are short: say for how long");
}
END_TEST

/* It holds what it has not answered, and takes nobody before that has ended. */
START_TEST(no_rest_for_a_backend_that_takes_nobody_is_the_scenarios_mistake)
{
    struct outcome run;

    put_file("refused.scn", "title \"a write that is held when the backend closes\"\n"
                            "rule I4\n"
                            "world max_steps=100000000\n"
                            "backend linux\n"
                            "connect recover=ever -> ok\n"
                            "fault op=write hold\n"
                            "write 0 +8 async as A\n"
                            "run\n"
                            "backend close\n"
                            "run\n");
    run = shell("$simblk run refused.scn");
    assert_status(run, 2);
    assert_contains(run.out, "a backend takes no connection: say for how long");
}
END_TEST

START_TEST(wrong_data_is_129)
{
    struct outcome run;

    put_file("wrong.scn", WRONG_DATA);
    run = shell("$misbehaving run wrong.scn");
    assert_status(run, 129);
    assert_contains(run.out, "FAIL wrong: wrong data (I7)\n");
}
END_TEST

/* The first of 127, 129, 128, 1 that occurred at all; skipped ones do not count. */
static const struct {
    const char *files;
    int status;
} merges[] = {
    {"good.scn flushes.scn", 0},
    {"flushes.scn flushes.scn", 77},
    {"good.scn fails.scn flushes.scn", 1},
    {"fails.scn lost.scn", 128},
    {"lost.scn fails.scn", 128},
    {"lost.scn wrong.scn", 129},
    {"wrong.scn lost.scn fails.scn", 129},
    {"aborts.scn wrong.scn lost.scn", 127},
    {"good.scn wrong.scn aborts.scn good.scn", 127},
};

START_TEST(the_worst_verdict_decides)
{
    struct outcome run;

    put_file("good.scn", GOOD);
    put_file("flushes.scn", FLUSHES);
    put_file("fails.scn", FAILS);
    put_file("lost.scn", LOST);
    put_file("wrong.scn", WRONG_DATA);
    put_file("aborts.scn", ABORTS);
    run = shell("$misbehaving run %s", merges[_i].files);
    assert_status(run, merges[_i].status);
}
END_TEST

/* ---- bad input: a message, exit 2, nothing run ---- */

START_TEST(a_malformed_scenario_tells_all_its_errors)
{
    struct outcome run;

    put_file("bad.scn", "title \"two mistakes\"\nrule I7\nbackend linux\nconect -> ok\n"
                        "read 0 +8 -> okay\n");
    put_file("good.scn", GOOD);
    put_file("worse.scn", "title \"one more\"\nrule I99\nbackend linux\nconnect -> ok\n");
    run = shell("$simblk run good.scn bad.scn worse.scn");
    assert_status(run, 2);
    ck_assert_str_eq(run.out, "");
    assert_contains(run.err, "bad.scn:4:1: ");
    assert_contains(run.err, "connect");
    assert_contains(run.err, "bad.scn:5:14: ");
    assert_contains(run.err, "worse.scn:2:");
}
END_TEST

START_TEST(a_scenario_without_expectations_is_refused)
{
    struct outcome run;

    put_file("idle.scn", "title \"expects nothing\"\nrule I7\nbackend linux\nconnect\n");
    run = shell("$simblk run idle.scn");
    assert_status(run, 2);
    ck_assert_str_eq(run.out, "");
    assert_contains(run.err, "idle.scn:");
    assert_contains(run.err, "expect");
}
END_TEST

START_TEST(a_missing_file_is_named)
{
    struct outcome run;

    put_file("good.scn", GOOD);
    run = shell("$simblk run good.scn nowhere.scn");
    assert_status(run, 2);
    ck_assert_str_eq(run.out, "");
    assert_contains(run.err, "simblk: nowhere.scn: No such file or directory\n");
}
END_TEST

START_TEST(a_folder_without_scenarios_is_refused)
{
    struct outcome run = shell("mkdir empty && $simblk run empty");

    assert_status(run, 2);
    assert_contains(run.err, "no scenario");
}
END_TEST

static const struct {
    const char *arguments;
    const char *message;
} usage[] = {
    {"", "usage: simblk COMMAND"},
    {"rum good.scn", "unknown command 'rum'; did you mean 'run'? (simblk --help lists all)"},
    {"run", "name a scenario or a folder"},
    {"run --jbos 2 good.scn", "unknown option '--jbos'; did you mean '--jobs'? (simblk run"},
    {"run --zzzzzzzz good.scn", "unknown option '--zzzzzzzz' (simblk run --help lists all)"},
    {"run good.scn --jobs", "--jobs needs N behind it"},
    {"run --jobs 0 good.scn", "--jobs needs a number from 1 to 64"},
    {"run --jobs two good.scn", "--jobs needs a number, found 'two'"},
    {"run --seed -1 good.scn", "--seed needs a number, found '-1'"},
    {"run --seed 0x good.scn", "--seed needs a number, found '0x'"},
    {"run --seed 18446744073709551616 good.scn", "--seed needs a number"},
    {"run --repeat 0 good.scn", "--repeat needs a number"},
    {"run --stuck 0 good.scn", "--stuck needs a number"},
    {"run --list=yes good.scn", "--list takes no value"},
    {"run --format xml good.scn", "unknown format 'xml'"},
    {"run --id nothing good.scn", "no scenario has the id 'nothing' (simblk run --list lists all)"},
    {"run --tag nothing good.scn", "no scenario has the tag 'nothing'"},
    {"run --id a --id b good.scn", "no scenario has such an id or tag (simblk run --list"},
    {"run --world moon good.scn", "--world is simulated or live, found 'moon'"},
    {"run --world live --live-disk tape good.scn", "ram, loop, null or qdisk, found 'tape'"},
    {"run --output /nowhere/report good.scn", "/nowhere/report: cannot be written"},
    {"run --disk nowhere.img good.scn", "nowhere.img: "},
    {"run --expected-failures nowhere good.scn", "nowhere: No such file"},
    {"show", "needs one scenario"},
    {"show --variant 9 good.scn", "good.scn has 1 variants"},
    {"show --trace --ladder good.scn", "--trace and --ladder are two pictures of one run"},
    {"show nowhere.scn", "nowhere.scn: No such file"},
    {"fmt", "name a scenario"},
    {"fmt nowhere.scn", "nowhere.scn: No such file"},
    {"encode", "needs one file"},
    {"encode good.scn good.scn", "needs one file"},
    {"decode nowhere", "nowhere: No such file"},
    {"bench --repeats 99", "--repeats needs a number"},
    {"bench now", "takes no argument, found 'now'"},
};

START_TEST(bad_usage_is_2_and_says_what_was_meant)
{
    put_file("good.scn", GOOD);
    refused(usage[_i].message, "%s", usage[_i].arguments);
}
END_TEST

START_TEST(a_disk_image_that_cannot_be_used_is_2)
{
    struct outcome run;

    put_file("absent.scn", "title \"no such image\"\nrule I7\n\nbackend linux disk=\"no.img\"\n"
                           "connect -> ok\n");
    run = shell("$simblk run absent.scn");
    assert_status(run, 2);
    assert_contains(run.out, "FAIL absent: bad scenario\n");
    assert_contains(run.out, "no.img: cannot be opened for reading and writing: No such file");

    /* Not a whole number of sectors; a folder is no image. root may write whatever the mode says,
     * so only these are tried. */
    put_file("good.scn", GOOD);
    put_file("odd.img", "odd");
    run = shell("$simblk run --disk odd.img good.scn");
    assert_status(run, 2);
    assert_contains(run.out, "odd.img: ");
    run = shell("$simblk run --disk . good.scn");
    assert_status(run, 2);
}
END_TEST

START_TEST(an_output_that_is_full_is_2)
{
    struct outcome run;

    put_file("good.scn", GOOD);
    refused("cannot be written", "run --output /dev/full good.scn");
    run = shell("$simblk run --list good.scn >/dev/full");
    assert_status(run, 2);
    run = shell("$simblk show --ladder good.scn >/dev/full");
    assert_status(run, 2);
    run = shell("$simblk show good.scn >/dev/full");
    assert_status(run, 2);
}
END_TEST

START_TEST(help_and_version_are_0)
{
    static const char *const commands[] = {"run", "show", "fmt", "encode", "decode", "bench"};
    struct outcome run = shell("$simblk --help");

    assert_status(run, 0);
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
        struct outcome help = shell("$simblk %s --help", commands[i]);

        assert_contains(run.out, commands[i]);
        assert_status(help, 0);
        assert_contains(help.out, "usage: simblk ");
    }
    run = shell("$simblk --version");
    assert_status(run, 0);
    ck_assert_str_eq(run.out, "simblk " SIMBLK_TEST_VERSION "\n");
}
END_TEST

/* ---- selection ---- */

static void put_selection(void)
{
    ck_assert_int_eq(system("mkdir -p all/deep all/.hidden"), 0);
    put_file("all/b.scn", GOOD);
    put_file("all/a.scn", FAILS);
    put_file("all/deep/c.scn", "title \"each order\"\nrule I7\ntag slow\n"
                               "variants read.count=1,2,3\n\nbackend linux\nconnect -> ok\n"
                               "read 0 +1 -> ok\n");
    put_file("all/notes.txt", "no scenario");
    put_file("all/.hidden/d.scn", "nonsense");
}

START_TEST(list_prints_ids_and_titles_in_order)
{
    struct outcome run;

    put_selection();
    run = shell("$simblk run --list all");
    assert_status(run, 0);
    ck_assert_str_eq(run.out, "all/a  this expects what is not so\n"
                              "all/b  a read is answered\n"
                              "all/deep/c[read.count=1]  each order\n"
                              "all/deep/c[read.count=2]  each order\n"
                              "all/deep/c[read.count=3]  each order\n");
}
END_TEST

START_TEST(dry_run_plays_nothing)
{
    struct outcome run;

    put_selection();
    run = shell("$simblk run --dry-run all");
    assert_status(run, 0);
    ck_assert_str_eq(run.out, "3 scenarios, 5 runs: all can be read\n");
    run = shell("$simblk run --dry-run --id b --id '*=2]' all");
    ck_assert_str_eq(run.out, "2 scenarios, 2 runs: all can be read\n");
    run = shell("$simblk run --list --dry-run --id b all");
    ck_assert_str_eq(run.out, "all/b  a read is answered\n"
                              "1 scenarios, 1 runs: all can be read\n");
}
END_TEST

static const struct {
    const char *options;
    const char *ids;
} selections[] = {
    {"--id b", "all/b\n"},
    {"--id all/b", "all/b\n"},
    {"--id c", "all/deep/c[read.count=1]\nall/deep/c[read.count=2]\nall/deep/c[read.count=3]\n"},
    {"--id 'c[read.count=2]'", "all/deep/c[read.count=2]\n"},
    {"--id 'all/?'", "all/a\nall/b\n"},
    {"--tag slow --exclude '*=3]'", "all/deep/c[read.count=1]\nall/deep/c[read.count=2]\n"},
    {"--id a --id b --exclude b", "all/a\n"},
    {"--exclude a --exclude c", "all/b\n"},
};

START_TEST(selection_takes_ids_tags_and_exclusions)
{
    struct outcome run;

    put_selection();
    run = shell("$simblk run --list %s all | sed 's/  .*//'", selections[_i].options);
    assert_status(run, 0);
    ck_assert_str_eq(run.out, selections[_i].ids);
}
END_TEST

START_TEST(the_command_to_repeat_a_failure_repeats_it)
{
    struct outcome run;

    put_file("with blank.scn", "title \"one of two fails\"\nrule I9\nvariants read.count=8,4096\n\n"
                               "backend linux sectors=2048\nconnect -> ok\nread 0 +8 -> ok\n");
    run = shell("$simblk run --seed 7 --strict 'with blank.scn'");
    assert_status(run, 1);
    assert_contains(run.out, "again: simblk run --strict --seed 7 --id "
                             "'with blank[read.count=4096]' 'with blank.scn'\n");
    put_file("report", run.out);
    run = shell("sed -n 's/^ *again: simblk/$simblk/p' report >again; . ./again");
    assert_status(run, 1);
    assert_contains(run.out, "1 scenarios, 1 runs in ");
}
END_TEST

START_TEST(standard_input_is_a_scenario)
{
    struct outcome run;

    put_file("good.scn", GOOD);
    run = shell("cat good.scn | $simblk run -");
    assert_status(run, 0);
    run = shell("$simblk encode good.scn | $simblk decode - | $simblk run -");
    assert_status(run, 0);
    assert_contains(run.out, "1 passed");
}
END_TEST

/* The frontend tries it as that where no device has the number; then it is that device's, whatever
 * the prefix, and the other one is judged by itself. */
START_TEST(a_name_that_spells_a_number_may_be_the_params_of_a_device)
{
    put_file("params.scn",
             "title \"t\"\nrule I7\n\nxvdb: backend linux\n"
             "backend linux params=sdb3\nxvdb: connect sdb3 -> ok\n"
             "xvdb: connect -> ok\nxvdb: write 0 +8 -> ok\nxvdb: expect requests=1\n");
    assert_status(shell("$simblk run --strict params.scn"), 0);
}
END_TEST

static Suite *tool_run_suite(void)
{
    Suite *suite = suite_create("simblk run");
    TCase *codes = tool_case("exit codes");
    TCase *bad = tool_case("bad input");
    TCase *selection = tool_case("selection");

    tcase_add_test(codes, passed_is_0);
    tcase_add_test(codes, a_failed_expectation_is_1);
    tcase_add_test(codes, another_broken_rule_is_1);
    tcase_add_test(codes, all_skipped_is_77);
    tcase_add_test(codes, a_crash_is_127);
    tcase_add_test(codes, no_progress_is_128);
    tcase_add_test(codes, no_rest_for_want_of_grants_is_the_scenarios_mistake);
    tcase_add_test(codes, no_rest_for_a_backend_that_takes_nobody_is_the_scenarios_mistake);
    tcase_add_test(codes, wrong_data_is_129);
    tcase_add_loop_test(codes, the_worst_verdict_decides, 0,
                        (int)(sizeof(merges) / sizeof(merges[0])));
    tcase_add_test(bad, a_malformed_scenario_tells_all_its_errors);
    tcase_add_test(bad, a_scenario_without_expectations_is_refused);
    tcase_add_test(bad, a_missing_file_is_named);
    tcase_add_test(bad, a_folder_without_scenarios_is_refused);
    tcase_add_loop_test(bad, bad_usage_is_2_and_says_what_was_meant, 0,
                        (int)(sizeof(usage) / sizeof(usage[0])));
    tcase_add_test(bad, a_disk_image_that_cannot_be_used_is_2);
    tcase_add_test(bad, an_output_that_is_full_is_2);
    tcase_add_test(bad, help_and_version_are_0);
    tcase_add_test(selection, list_prints_ids_and_titles_in_order);
    tcase_add_test(selection, dry_run_plays_nothing);
    tcase_add_loop_test(selection, selection_takes_ids_tags_and_exclusions, 0,
                        (int)(sizeof(selections) / sizeof(selections[0])));
    tcase_add_test(selection, the_command_to_repeat_a_failure_repeats_it);
    tcase_add_test(selection, standard_input_is_a_scenario);
    tcase_add_test(selection, a_name_that_spells_a_number_may_be_the_params_of_a_device);
    suite_add_tcase(suite, codes);
    suite_add_tcase(suite, bad);
    suite_add_tcase(suite, selection);
    return suite;
}

CHECK_MAIN(tool_run_suite)
