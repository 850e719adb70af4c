/* SPDX-License-Identifier: ISC */
/*
 * Other people's frontends, as shared objects: what cannot be one is refused, what crashes, hangs,
 * leaks or tramples on memory is told with each scenario, and the others go on.
 */
#include "check_main.h"
#include "tool_help.h"

#include <stdbool.h>
#include <stdlib.h>

#if defined(__SANITIZE_ADDRESS__)
#define ADDRESS_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ADDRESS_SANITIZER 1
#endif
#endif
#ifndef ADDRESS_SANITIZER
#define ADDRESS_SANITIZER 0
#endif

static void frontends(void)
{
    setenv("blkfront", TEST_FRONTENDS "/frontend_blkfront.so", 1);
    setenv("outside", TEST_FRONTENDS "/frontend_outside.so", 1);
    setenv("nothing", TEST_FRONTENDS "/frontend_nothing.so", 1);
    setenv("scenarios", SIMBLK_SOURCE_DIR "/scenarios", 1);
    unsetenv("SIMBLK_TEST_OUTSIDE");
}

/* ---- what is plugged in is judged as what is built in ---- */

START_TEST(the_same_frontend_is_judged_alike_inside_and_outside)
{
    struct outcome inside;
    struct outcome outside;

    inside = shell("$simblk run --strict --format json $scenarios/conformance/hostile "
                   "$scenarios/conformance/resize | sed 's/\"seconds\": [^,}]*//'");
    outside = shell("$simblk run --frontend $blkfront --strict --format json "
                    "$scenarios/conformance/hostile $scenarios/conformance/resize | "
                    "sed 's/\"seconds\": [^,}]*//'");
    assert_status(outside, 0);
    assert_contains(inside.out, "\"hash\"");
    ck_assert_str_eq(inside.out, outside.out);
}
END_TEST

START_TEST(a_name_without_a_slash_is_a_file_here)
{
    struct outcome run;

    put_file("a.scn", GOOD);
    run = shell("cp $blkfront mine.so && $simblk run --frontend mine.so a.scn");
    assert_status(run, 0);
}
END_TEST

START_TEST(what_it_lacks_is_unsupported_and_not_failed)
{
    struct outcome run;

    setenv("SIMBLK_TEST_OUTSIDE", "lacks-much", 1);
    put_file("a.scn", GOOD);
    put_file("b.scn", FLUSHES);
    run = shell("$simblk run --frontend $outside a.scn b.scn");
    assert_status(run, 0);
    assert_contains(run.out, "skip b: the subject misbehaving has no flush\n");
    assert_contains(run.out, "1 passed, 0 failed, 1 skipped\n");
}
END_TEST

START_TEST(tables_of_other_sizes_are_taken)
{
    static const char *const sizes[] = {"older-table", "newer-table"};
    struct outcome run;

    put_file("a.scn", GOOD);
    setenv("SIMBLK_TEST_OUTSIDE", sizes[_i], 1);
    run = shell("$simblk run --frontend $outside a.scn");
    assert_status(run, 0);
}
END_TEST

START_TEST(the_command_that_repeats_a_failure_names_the_frontend)
{
    struct outcome run;

    put_file("a.scn", TWICE);
    run = shell("cp $outside mine.so; $simblk run --frontend ./mine.so a.scn");
    assert_status(run, 1);
    assert_contains(run.out, "FAIL a: rule broken (I2)\n");
    assert_contains(run.out, "again: simblk run --frontend ./mine.so a.scn\n");
}
END_TEST

/* What is left are the steps without which the frontend does not go wrong. */
START_TEST(a_failure_of_it_can_be_made_smaller)
{
    struct outcome run;

    setenv("SIMBLK_TEST_OUTSIDE", "refuses-all", 1);
    put_file("a.scn", "title \"long\"\nrule I2\n\nbackend linux\nconnect -> ok\ninfo -> ok\nrun\n"
                      "read 8 +8 -> ok\nrun\ndisconnect -> ok\n");
    run = shell("$simblk shrink --frontend $outside a.scn");
    assert_status(run, 0);
    assert_contains(run.out, "\nread ");
    assert_lacks(run.out, "\nrun");
    assert_lacks(run.out, "\ninfo");
    refused("does not fail", "shrink a.scn");
    refused("it has no function simblk_frontend", "shrink --frontend $nothing a.scn");
}
END_TEST

/* TWICE is a failure of this one alone. */
START_TEST(each_command_that_plays_a_file_takes_it)
{
    static const struct {
        const char *command;
        const char *shows;
        int outside, inside;
    } commands[] = {
        {"run", "FAIL a: rule broken (I2)\n", 1, 0},
        {"explore", "     rule broken: I2 ", 1, 0},
        {"show --trace", "\nrule broken: I2 ", 1, 0},
        {"show --ladder", "\n!! I2 ", 1, 0},
        /* One attempt more would come upon the read that hangs. */
        {"shrink --runs 4", "\nread ", 0, 2},
    };
    struct outcome run;

    put_file("a.scn", TWICE);
    run = shell("$simblk %s --frontend $outside a.scn", commands[_i].command);
    assert_status(run, commands[_i].outside);
    assert_contains(run.out, commands[_i].shows);
    run = shell("$simblk %s a.scn", commands[_i].command);
    assert_status(run, commands[_i].inside);
}
END_TEST

/* Those that die or hang are told, with what repeats them, and the other seeds are played. */
START_TEST(a_swarm_of_it_goes_on_behind_deaths)
{
    struct outcome run = shell("$simblk swarm --frontend $blkfront --seeds 1..20 | grep -v second; "
                               "$simblk swarm --seeds 1..20 | grep -v second");
    const char *half = strchr(run.out, '\n') + 1;
    struct outcome again;
    char *command;

    ck_assert_mem_eq(run.out, half, strlen(half)); /* as it is judged inside */
    run = shell("$simblk swarm --frontend $outside --seeds 1..12 --stuck 1 >out; code=$?; "
                "grep -c '^FAIL seed' out; exit $code");
    assert_status(run, 127);
    run.out = get_file("out");
    assert_contains(run.out, "     crashed: Aborted\n");
    assert_contains(run.out, "12 seeds, ");
    command = strstr(run.out, "again: simblk swarm --frontend ");
    ck_assert_ptr_nonnull(command);
    command += strlen("again: simblk");
    again = shell("$simblk%.*s --stuck 1", (int)strcspn(command, "\n"), command);
    ck_assert_int_ne(again.status, 0);
    assert_contains(again.out, "1 seeds, 1 found");
}
END_TEST

/* It finds what it finds, but of what it can do. */
START_TEST(a_swarm_asks_for_nothing_that_it_lacks)
{
    struct outcome run;

    setenv("SIMBLK_TEST_OUTSIDE", "lacks-much", 1);
    run = shell("$simblk swarm --frontend $outside --seeds 1..8 --stuck 1");
    assert_contains(run.out, "8 seeds, ");
    assert_contains(run.out, " 0 without a verdict; ");
    assert_lacks(run.out, "skipped");
    run = shell("$simblk swarm --frontend $outside --seeds 1..8 --show");
    assert_status(run, 0);
    assert_contains(run.out, "\nwrite ");
    assert_lacks(run.out, "\nflush");
    assert_lacks(run.out, "abi=");
    run = shell("$simblk swarm --seeds 1..8 --show");
    assert_contains(run.out, "\nflush");
    assert_contains(run.out, "abi=");
}
END_TEST

/* What it keeps is in no state of the world: all schedules are played to their ends, each in a
 * frontend that was never used. */
START_TEST(it_is_explored_without_knowing_its_states)
{
    struct outcome run;
    char *command;

    put_file("a.scn", GOOD);
    run = shell("$simblk explore --schedules 20 --frontend $blkfront a.scn");
    assert_status(run, 0);
    ck_assert_str_eq(run.out, "ok   a: 20 schedules, at most 15 choices; there are more\n");
    put_file("b.scn", NOTIFIES);
    run = shell(
        "$simblk explore --strict --schedules 20 --frontend $outside b.scn >all; tail -n 1 all");
    command = strstr(run.out, "again: simblk explore --frontend ");
    ck_assert_ptr_nonnull(command);
    command += strlen("again: simblk");
    run = shell("$simblk%.*s", (int)strcspn(command, "\n"), command);
    assert_status(run, 1);
    assert_contains(run.out, "rule broken: I14");
    put_file("c.scn", ABORTS);
    put_file("d.scn", HANGS);
    run = shell("$simblk explore --stuck 1 --schedules 5 --frontend $outside c.scn d.scn a.scn");
    assert_status(run, 127);
    assert_contains(run.out, "     crashed: Aborted\n     at c.scn:6 (step 3)\n");
    assert_contains(run.out, "no step for 1 seconds\n");
    assert_contains(run.out, "ok   a: 5 schedules");
    setenv("SIMBLK_TEST_OUTSIDE", "lacks-much", 1);
    put_file("e.scn", FLUSHES);
    run = shell("$simblk explore --frontend $outside e.scn");
    assert_status(run, 77);
    ck_assert_str_eq(run.out, "skip e: the subject misbehaving has no flush\n");
}
END_TEST

/* ---- what is no frontend ---- */

static const struct {
    const char *mode;
    const char *object;
    const char *message;
} no_frontends[] = {
    {"", "$nothing", "it has no function simblk_frontend (see scenario/subject.h)"},
    {"", "./absent.so", "it cannot be loaded: "},
    {"", "a.scn", "it cannot be loaded: "},
    {"no-table", "$outside", "simblk_frontend gives no table"},
    {"other-version", "$outside", "its table is of version 2 and this simblk knows version 1"},
    {"short-table", "$outside", "its table has 64 bytes, a table of version 1 has "},
    {"no-submit", "$outside", "its table has no submit\n"},
    {"claims-memory", "$outside", "its table has no memory_create, which a capability"},
};

START_TEST(what_is_no_frontend_is_refused_before_anything_runs)
{
    struct outcome run;

    put_file("a.scn", GOOD);
    setenv("SIMBLK_TEST_OUTSIDE", no_frontends[_i].mode, 1);
    run = shell("$simblk run --frontend %s a.scn", no_frontends[_i].object);
    assert_status(run, 2);
    assert_contains(run.err, ".s"); /* which object */
    assert_contains(run.err, no_frontends[_i].message);
    assert_lacks(run.out, "ok   ");
    run = shell("ulimit -c 0; $simblk run --break 1 --frontend %s a.scn", no_frontends[_i].object);
    assert_status(run, 2);
    assert_contains(run.err, no_frontends[_i].message);
}
END_TEST

START_TEST(a_report_tells_what_was_wrong_with_the_object)
{
    struct outcome run;

    put_file("a.scn", GOOD);
    run = shell("$simblk run --format junit --frontend $nothing a.scn");
    assert_status(run, 2);
    assert_contains(run.out, " tests=\"1\" failures=\"0\" errors=\"1\" ");
    assert_contains(run.out, "/frontend_nothing.so: it has no function simblk_frontend (see ");
    assert_contains(run.out, "name=\"simblk.interrupted\" value=\"false\"");
    setenv("SIMBLK_TEST_OUTSIDE", "other-version", 1);
    run = shell("$simblk run --format json --frontend $outside a.scn");
    assert_status(run, 2);
    assert_contains(run.out, "\"interrupted\": false, \"error\": \"");
    assert_contains(run.out, "/frontend_outside.so: its table is of version 2 and this simblk ");
}
END_TEST

static const char *const players[] = {"explore a.scn", "show --trace a.scn", "show --ladder a.scn",
                                      "shrink a.scn", "swarm --seeds 1..2"};

enum { PLAYERS = sizeof(players) / sizeof(players[0]) };

START_TEST(no_command_plays_what_is_no_frontend)
{
    put_file("a.scn", GOOD);
    refused("frontend_nothing.so: it has no function simblk_frontend", "%s --frontend $nothing",
            players[_i]);
    refused("take --trace or --ladder", "show --frontend $nothing a.scn");
}
END_TEST

/* ---- what dies while it is loaded ---- */

static const struct {
    const char *mode;
    const char *words;
    const char *reason;
    int status;
} dying[] = {
    {"constructor-aborts", "crashed (I13)", "when it was loaded: crashed: Aborted\n", 127},
    {"constructor-exits", "crashed (I13)",
     "when it was loaded: the process ended with exit code 3 in the middle\n", 127},
    {"constructor-hangs", "no progress (I4)",
     "when it was loaded: its constructor did not return\n", 128},
    {"second-load-aborts", "crashed (I13)", "crashed: Aborted\n", 127},
};

START_TEST(a_death_in_a_constructor_is_the_verdict_of_each_scenario)
{
    struct outcome run;
    char line[64];

    put_file("a.scn", GOOD);
    put_file("b.scn", GOOD);
    setenv("SIMBLK_TEST_OUTSIDE", dying[_i].mode, 1);
    run = shell("$simblk run --jobs 1 --stuck 1 --frontend $outside a.scn b.scn");
    assert_status(run, dying[_i].status);
    snprintf(line, sizeof(line), "FAIL b: %s\n", dying[_i].words);
    assert_contains(run.out, line);
    assert_contains(run.out, dying[_i].reason);
    assert_contains(run.out, "0 passed, 2 failed, 0 skipped\n");
}
END_TEST

START_TEST(each_command_tells_of_a_death_in_a_constructor)
{
    struct outcome run;

    put_file("a.scn", GOOD);
    setenv("SIMBLK_TEST_OUTSIDE", "constructor-aborts", 1);
    run = shell("$simblk %s --frontend $outside", players[_i]);
    assert_status(run, 127);
    assert_contains(run.err, "frontend_outside.so: when it was loaded: crashed: Aborted");
}
END_TEST

START_TEST(nobody_waits_for_a_destructor)
{
    struct outcome run;

    put_file("a.scn", GOOD);
    setenv("SIMBLK_TEST_OUTSIDE", "destructor-hangs", 1);
    run = shell("timeout 60 $simblk run --frontend $outside a.scn");
    assert_status(run, 0);
}
END_TEST

/* ---- what dies or does wrong while it is played ---- */

static const struct {
    const char *scenario;
    const char *words;
    const char *reason;
    int status;
    bool with_sanitizer;
} deaths[] = {
    {ABORTS, "crashed (I13)", "crashed: Aborted", 127, false},
    {EXITS, "crashed (I13)", "the process ended with exit code 5 in the middle", 127, false},
    {NULL_STORE, "crashed (I13)", "crashed: ", 127, false},
    {HANGS, "no progress (I4)", "did not return from a call: no step for 2 seconds", 128, false},
    {BESIDE, "crashed (I13)", "crashed: ", 127, false},
    {LEDGER, "rule broken (I12)", "but 1 pieces of memory are left", 1, false},
    {LEAKS, "crashed (I13)", "memory leaked", 127, true},
    {AFTER_FREE, "crashed (I13)", "heap-use-after-free", 127, true},
};

START_TEST(a_death_ends_one_scenario_and_the_folder_goes_on)
{
    struct outcome run;
    char line[64];

    if (deaths[_i].with_sanitizer && !ADDRESS_SANITIZER)
        return;
    put_file("a.scn", GOOD);
    put_file("b.scn", deaths[_i].scenario);
    put_file("c.scn", GOOD);
    run = shell("$simblk run --jobs 1 --stuck 2 --frontend $outside a.scn b.scn c.scn");
    assert_status(run, deaths[_i].status);
    snprintf(line, sizeof(line), "FAIL b: %s\n", deaths[_i].words);
    assert_contains(run.out, "ok   a: ");
    assert_contains(run.out, line);
    assert_contains(run.out, deaths[_i].reason);
    assert_contains(run.out, "ok   c: ");
    assert_contains(run.out, "2 passed, 1 failed, 0 skipped\n");
}
END_TEST

START_TEST(a_leak_is_told_of_the_seed_and_of_the_schedule_that_it_is_in)
{
    struct outcome run;

    if (!ADDRESS_SANITIZER)
        return;
    setenv("SIMBLK_TEST_OUTSIDE", "leaks", 1);
    put_file("a.scn", GOOD);
    run = shell("$simblk explore --schedules 3 --frontend $outside a.scn");
    assert_status(run, 127);
    assert_contains(run.out, "crashed");
    assert_contains(run.out, "memory leaked: ");
    run = shell("$simblk swarm --calls 10 --seeds 1..2 --frontend $outside");
    assert_status(run, 127);
    assert_contains(run.out, "FAIL seed 1: crashed\n     memory leaked: ");
    assert_contains(run.out, "FAIL seed 2: crashed\n     memory leaked: ");
    run = shell("$simblk swarm --calls 10 --seeds 2 --frontend $outside");
    assert_status(run, 127);
    assert_contains(run.err, "leak_and_submit");
    setenv("SIMBLK_TEST_OUTSIDE", "", 1);
    run = shell("$simblk explore --schedules 3 --frontend $blkfront a.scn && "
                "$simblk swarm --calls 10 --seeds 1..2 --frontend $blkfront");
    assert_status(run, 0);
}
END_TEST

/* It notifies twice from one scenario on; the next one finds a frontend that was never used. */
START_TEST(nothing_that_it_keeps_goes_from_one_scenario_to_the_next)
{
    struct outcome run;

    put_file("a.scn", NOTIFIES);
    put_file("b.scn", GOOD);
    run = shell("$simblk run --jobs 1 --strict --frontend $outside a.scn b.scn");
    assert_status(run, 1);
    assert_contains(run.out, "FAIL a: rule broken (I14, should)\n");
    assert_contains(run.out, "ok   b: ");
}
END_TEST

static Suite *tool_frontend_suite(void)
{
    Suite *suite = suite_create("frontends from outside");
    TCase *alike = tool_case("judged alike");
    TCase *loads = tool_case("loading");
    TCase *plays = tool_case("playing");

    tcase_add_checked_fixture(alike, frontends, NULL);
    tcase_add_checked_fixture(loads, frontends, NULL);
    tcase_add_checked_fixture(plays, frontends, NULL);
    tcase_add_test(alike, the_same_frontend_is_judged_alike_inside_and_outside);
    tcase_add_test(alike, a_name_without_a_slash_is_a_file_here);
    tcase_add_test(alike, what_it_lacks_is_unsupported_and_not_failed);
    tcase_add_loop_test(alike, tables_of_other_sizes_are_taken, 0, 2);
    tcase_add_test(alike, the_command_that_repeats_a_failure_names_the_frontend);
    tcase_add_test(alike, a_failure_of_it_can_be_made_smaller);
    tcase_add_loop_test(alike, each_command_that_plays_a_file_takes_it, 0, 5);
    tcase_add_test(alike, a_swarm_of_it_goes_on_behind_deaths);
    tcase_add_test(alike, a_swarm_asks_for_nothing_that_it_lacks);
    tcase_add_test(alike, it_is_explored_without_knowing_its_states);
    tcase_add_loop_test(loads, what_is_no_frontend_is_refused_before_anything_runs, 0,
                        (int)(sizeof(no_frontends) / sizeof(no_frontends[0])));
    tcase_add_test(loads, a_report_tells_what_was_wrong_with_the_object);
    tcase_add_loop_test(loads, a_death_in_a_constructor_is_the_verdict_of_each_scenario, 0,
                        (int)(sizeof(dying) / sizeof(dying[0])));
    tcase_add_loop_test(loads, no_command_plays_what_is_no_frontend, 0, PLAYERS);
    tcase_add_loop_test(loads, each_command_tells_of_a_death_in_a_constructor, 0, PLAYERS);
    tcase_add_test(loads, nobody_waits_for_a_destructor);
    tcase_add_loop_test(plays, a_death_ends_one_scenario_and_the_folder_goes_on, 0,
                        (int)(sizeof(deaths) / sizeof(deaths[0])));
    tcase_add_test(plays, a_leak_is_told_of_the_seed_and_of_the_schedule_that_it_is_in);
    tcase_add_test(plays, nothing_that_it_keeps_goes_from_one_scenario_to_the_next);
    suite_add_tcase(suite, alike);
    suite_add_tcase(suite, loads);
    suite_add_tcase(suite, plays);
    return suite;
}

CHECK_MAIN(tool_frontend_suite)
