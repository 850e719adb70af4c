/* SPDX-License-Identifier: ISC */
/*
 * What the supervisor makes of frontends that crash, hang, leak or talk: one scenario ends, is told
 * with its last events, and the folder goes on. And Ctrl-C, repetition, breaking into a debugger,
 * the trace.
 */
#include "check_main.h"
#include "tool_help.h"

#include <signal.h>
#include <sys/wait.h>
#include <time.h>

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

/* ---- one case ends, the others go on ---- */

static const struct {
    const char *name;
    const char *scenario;
    const char *words;
    const char *reason;
    int status;
} deaths[] = {
    {"aborts", ABORTS, "crashed (I13)", "crashed: Aborted", 127},
    {"exits", EXITS, "crashed (I13)", "the process ended with exit code 5 in the middle", 127},
    {"stores", NULL_STORE, "crashed (I13)", "crashed: ", 127},
    {"hangs", HANGS, "no progress (I4)", "did not return from a call: no step for 2 seconds", 128},
};

START_TEST(a_death_ends_one_scenario_and_the_folder_goes_on)
{
    struct outcome run;
    char line[64];

    put_file("a.scn", GOOD);
    put_file("b.scn", deaths[_i].scenario);
    put_file("c.scn", GOOD);
    put_file("d.scn", GOOD);
    run = shell("$misbehaving run --jobs 1 --stuck 2 a.scn b.scn c.scn d.scn");
    assert_status(run, deaths[_i].status);
    snprintf(line, sizeof(line), "FAIL b: %s\n", deaths[_i].words);
    assert_contains(run.out, "ok   a: ");
    assert_contains(run.out, line);
    assert_contains(run.out, deaths[_i].reason);
    assert_contains(run.out, "at b.scn:6 (step 3)\n");
    assert_contains(run.out, "last events:\n");
    assert_contains(run.out, "call            "); /* in which it died */
    assert_contains(run.out, "ok   c: ");
    assert_contains(run.out, "ok   d: ");
    assert_contains(run.out, "3 passed, 1 failed, 0 skipped\n");
}
END_TEST

START_TEST(every_worker_may_die)
{
    struct outcome run;

    for (int i = 0; i < 12; i++) {
        char name[16];

        snprintf(name, sizeof(name), "%02d.scn", i);
        put_file(name, i % 3 == 2 ? GOOD : ABORTS);
    }
    run = shell("$misbehaving run --jobs 4 .");
    assert_status(run, 127);
    assert_contains(run.out, "4 passed, 8 failed, 0 skipped\n");
}
END_TEST

START_TEST(results_come_in_the_order_of_the_suite)
{
    struct outcome run;

    put_file("a.scn", HANGS);
    put_file("b.scn", GOOD);
    put_file("c.scn", FAILS);
    put_file("d.scn", GOOD);
    run = shell("$misbehaving run --jobs 3 --stuck 2 . | grep -o '^\\(ok\\|FAIL\\) *./[a-d]'");
    assert_status(run, 0);
    ck_assert_str_eq(run.out, "FAIL ./a\nok   ./b\nFAIL ./c\nok   ./d\n");
}
END_TEST

START_TEST(the_number_of_workers_changes_nothing_but_time)
{
    struct outcome one;
    struct outcome many;

    put_file("a.scn", "title \"many\"\nrule I7\nvariants seed=0,1,2,3,4,5,6,7,8,9 "
                      "read.count=1,2,3\n\nbackend linux\nconnect -> ok\nread 0 +8 -> ok\n");
    put_file("b.scn", FAILS);
    one = shell("$simblk run --jobs 1 . | sed 's/ in .* s$//'");
    many = shell("$simblk run --jobs 64 . | sed 's/ in .* s$//'");
    ck_assert_str_eq(one.out, many.out);
    assert_contains(one.out, "30 passed, 1 failed, 0 skipped\n");
}
END_TEST

START_TEST(what_a_dying_frontend_printed_is_told_in_part)
{
    struct outcome run;

    put_file("a.scn", CHATTERS);
    put_file("b.scn", ABORTS);
    run = shell("$misbehaving run --jobs 1 .");
    assert_status(run, 127);
    assert_contains(run.out, "printed by the process:\n        line 0 of a frontend");
    assert_contains(run.out, "bytes left out]");
    ck_assert_uint_lt(strlen(run.out), 300000);
    /* Nothing of it is told again with the next case. */
    ck_assert_ptr_null(strstr(strstr(run.out, "FAIL ./b"), "talks too much"));
}
END_TEST

/* Its cases have been told by then: the exit code and a message tell of it. */
START_TEST(a_death_behind_the_last_case_is_a_crash)
{
    struct outcome run;

    put_file("a.scn", DIES_LATE);
    put_file("b.scn", FAILS);
    run = shell("$misbehaving run --jobs 1 .");
    assert_status(run, 127);
    assert_contains(run.out, "1 passed, 1 failed, 0 skipped\n");
    ck_assert_str_eq(run.err,
                     "simblk: a worker process ended badly after its last case:\ndies late\n\n");
}
END_TEST

START_TEST(without_memory_for_a_world_nothing_is_judged)
{
    struct outcome run;

    if (ADDRESS_SANITIZER)
        return; /* it takes terabytes of addresses for itself */
    put_file("a.scn", GOOD);
    run = shell("ulimit -v 200000; exec $simblk run --format json a.scn");
    assert_status(run, 2);
    assert_contains(run.out, "\"interrupted\": false, \"error\": \"no scenario could be played: ");
    assert_contains(run.err, "simblk: no memory for a world, or its address is taken\n");
    run = shell("ulimit -v 200000; exec $simblk run --break 1 a.scn");
    assert_status(run, 2);
    assert_contains(run.err, "simblk: no memory for a world\n");
    run = shell("ulimit -v 200000; exec $simblk show --trace a.scn");
    assert_status(run, 2);
    assert_contains(run.err, "simblk: no memory for a world, or its address is taken\n");
}
END_TEST

START_TEST(without_processes_nothing_more_is_judged)
{
    struct outcome run;

    for (int i = 0; i < 20; i++) {
        char name[16];

        snprintf(name, sizeof(name), "%02d.scn", i);
        put_file(name, GOOD);
    }
    /* Each worker takes three descriptors. */
    run = shell("ulimit -n 24; exec $simblk run --jobs 20 .");
    assert_status(run, 2);
    ck_assert_str_eq(run.out, "");
    assert_contains(run.err, "simblk: a worker process cannot be made: Too many open files\n");
}
END_TEST

START_TEST(a_sanitizer_report_ends_one_scenario)
{
    struct outcome run;

    if (!ADDRESS_SANITIZER)
        return;
    put_file("a.scn", AFTER_FREE);
    put_file("b.scn", GOOD);
    run = shell("$misbehaving run --jobs 1 .");
    assert_status(run, 127);
    assert_contains(run.out, "FAIL ./a: crashed (I13)\n");
    assert_contains(run.out, "heap-use-after-free");
    assert_contains(run.out, "last events:\n");
    assert_contains(run.out, "printed by the process:\n");
    assert_contains(run.out, "1 passed, 1 failed, 0 skipped\n");
}
END_TEST

START_TEST(a_leak_is_the_scenarios_that_leaked)
{
    struct outcome run;

    if (!ADDRESS_SANITIZER)
        return;
    put_file("a.scn", GOOD);
    put_file("b.scn", LEAKS);
    put_file("c.scn", GOOD);
    run = shell("$misbehaving run --jobs 1 .");
    assert_status(run, 127);
    assert_contains(run.out, "ok   ./a: ");
    assert_contains(run.out, "FAIL ./b: crashed (I13)\n     memory leaked");
    assert_contains(run.out, "ok   ./c: ");
    ck_assert_str_eq(run.err, "");
}
END_TEST

START_TEST(memory_of_the_platform_that_is_kept_breaks_i12)
{
    struct outcome run;

    put_file("a.scn", LEDGER);
    put_file("b.scn", GOOD);
    run = shell("$misbehaving run --jobs 1 .");
    assert_status(run, 1);
    assert_contains(run.out, "FAIL ./a: rule broken (I12)\n");
    assert_contains(run.out, "but 1 pieces of memory are left");
    assert_contains(run.out, "1 passed, 1 failed, 0 skipped\n");
}
END_TEST

START_TEST(undefined_behaviour_ends_one_scenario)
{
    struct outcome run;

    if (!ADDRESS_SANITIZER)
        return;
    put_file("a.scn", OVERFLOWS);
    put_file("b.scn", GOOD);
    run = shell("$misbehaving run --jobs 1 .");
    assert_status(run, 127);
    assert_contains(run.out, "signed integer overflow");
    assert_contains(run.out, "last events:\n");
    assert_contains(run.out, "1 passed, 1 failed, 0 skipped\n");
}
END_TEST

/* ---- Ctrl-C ---- */

static const int ending[] = {SIGINT, SIGTERM, SIGHUP};

START_TEST(an_interrupt_gives_the_summary_so_far_and_130)
{
    char *report;
    pid_t pid;

    put_file("a.scn", GOOD);
    put_file("b.scn", HANGS);
    put_file("c.scn", GOOD);
    pid = start_and_hang("exec $misbehaving run --jobs 1 --stuck 600 . >report", 1);
    ck_assert_int_eq(end_with(pid, ending[_i]), 130);
    report = get_file("report");
    assert_contains(report, "ok   ./a: ");
    assert_contains(report, "interrupted: 1 of 3 runs");
    assert_contains(report, "1 passed, 0 failed, 0 skipped\n");
}
END_TEST

/* The worker that hangs in c has played b before. */
START_TEST(an_interrupt_tells_also_what_came_behind_an_open_case)
{
    pid_t pid;
    char *report;

    put_file("a.scn", HANGS);
    put_file("b.scn", FAILS);
    put_file("c.scn", HANGS);
    pid = start_and_hang("exec $misbehaving run --jobs 2 --stuck 600 . >report", 2);
    ck_assert_int_eq(end_with(pid, SIGINT), 130);
    report = get_file("report");
    assert_contains(report, "FAIL ./b: failed");
    assert_contains(report, "interrupted: 1 of 3 runs");
}
END_TEST

START_TEST(no_worker_outlives_its_supervisor)
{
    struct timespec pause = {0, 100000000};
    struct outcome run;
    pid_t pid;

    put_file("a.scn", HANGS);
    pid = start_and_hang("exec $misbehaving run --jobs 1 --stuck 600 . >report", 1);
    ck_assert_int_eq(end_with(pid, SIGKILL), 1000 + SIGKILL);
    /* The kernel kills them, soon. Whoever still has this test's folder as its own is one. */
    for (int i = 0; i < 100; i++) {
        run = shell("for p in /proc/[0-9]*; do [ \"$(readlink $p/exe)\" = \"$misbehaving\" ] && "
                    "[ \"$(readlink $p/cwd)\" = \"$PWD\" ] && echo $p; done; true");
        if (run.out[0] == '\0')
            return;
        nanosleep(&pause, NULL);
    }
    ck_abort_msg("still there: %s", run.out);
}
END_TEST

/* ---- repetition, seeds, debugger, trace ---- */

START_TEST(repeat_compares_the_trace_hashes)
{
    struct outcome run;

    put_file("good.scn", GOOD);
    run = shell("$misbehaving run --repeat 3 good.scn");
    assert_status(run, 0);
    put_file("changes.scn", CHANGES);
    run = shell("$misbehaving run changes.scn");
    run = shell("$misbehaving run --repeat 2 changes.scn");
    assert_status(run, 1);
    assert_contains(run.out, "not repeatable: trace hash ");
    assert_contains(run.out, "again: simblk run --repeat 2 changes.scn\n");
}
END_TEST

START_TEST(seed_decides_the_order)
{
    struct outcome one;
    struct outcome other;
    struct outcome again;

    put_file("random.scn",
             "title \"the seed decides the order\"\nrule I7\n\nworld schedule=random\n"
             "backend linux\nconnect -> ok\nread 0 +8 async as A\nread 8 +8 async as B\n"
             "read 16 +8 async as C\nwait C -> ok\nwait A -> ok\nwait B -> ok\n");
    one = shell("$simblk run --seed 1 --trace random.scn | grep -v ' runs in '");
    again = shell("$simblk run --seed 1 --trace random.scn | grep -v ' runs in '");
    ck_assert_str_eq(one.out, again.out);
    /* Some seed gives another order. */
    for (int seed = 2; seed < 40; seed++) {
        other = shell("$simblk run --seed %d --trace random.scn | grep -v ' runs in '", seed);
        if (strcmp(one.out, other.out) != 0)
            return;
    }
    ck_abort_msg("38 seeds, one order:\n%s", one.out);
}
END_TEST

START_TEST(strict_judges_what_should_be)
{
    struct outcome run;

    put_file("notifies.scn", NOTIFIES);
    run = shell("$misbehaving run notifies.scn");
    assert_status(run, 0);
    run = shell("$misbehaving run --strict notifies.scn");
    assert_status(run, 1);
    assert_contains(run.out, "FAIL notifies: rule broken (I14, should)\n"
                             "     I14 xvda: 2 notifications were sent for queue 0 in one step, ");
    assert_contains(run.out, "again: simblk run --strict notifies.scn\n");
}
END_TEST

START_TEST(break_raises_sigtrap_before_the_step)
{
    struct outcome run;

    put_file("good.scn", GOOD);
    run = shell("ulimit -c 0; exec $simblk run --trace --break 3 good.scn");
    ck_assert_int_eq(run.status, 1000 + SIGTRAP);
    run = shell("$simblk run --break 99 good.scn");
    assert_status(run, 0);
}
END_TEST

START_TEST(trace_has_fixed_columns)
{
    struct outcome run;

    put_file("good.scn", GOOD);
    put_file("other.scn", GOOD);
    run =
        shell("$simblk run --jobs 2 --trace good.scn other.scn >all; "
              "grep -c '^ok   ' all; "
              /* time, domain, device and queue, event, details */
              "grep '^ ' all | grep -Evc '^ *[0-9]+\\.[0-9]{3}  dom[0-9]+ +(-|[0-9]+/[0-9]+) +"
              "[a-z-]+( |$)'; "
              /* each trace stands before its own verdict */
              "awk '/complete/ {seen = 1} /^ok/ {if (!seen) exit 1; seen = 0}' all && echo split");
    ck_assert_str_eq(run.out, "2\n0\nsplit\n");
}
END_TEST

START_TEST(a_crash_keeps_the_trace_up_to_it)
{
    struct outcome run;

    put_file("aborts.scn", ABORTS);
    run = shell("$misbehaving run --trace aborts.scn");
    assert_status(run, 127);
    assert_contains(run.out, "step            step=3 line=6");
}
END_TEST

static Suite *tool_worker_suite(void)
{
    Suite *suite = suite_create("the supervisor");
    TCase *ends = tool_case("deaths");
    TCase *interrupts = tool_case("interrupts");
    TCase *runs = tool_case("runs");

    tcase_add_loop_test(ends, a_death_ends_one_scenario_and_the_folder_goes_on, 0,
                        (int)(sizeof(deaths) / sizeof(deaths[0])));
    tcase_add_test(ends, every_worker_may_die);
    tcase_add_test(ends, results_come_in_the_order_of_the_suite);
    tcase_add_test(ends, the_number_of_workers_changes_nothing_but_time);
    tcase_add_test(ends, what_a_dying_frontend_printed_is_told_in_part);
    tcase_add_test(ends, a_death_behind_the_last_case_is_a_crash);
    tcase_add_test(ends, without_memory_for_a_world_nothing_is_judged);
    tcase_add_test(ends, without_processes_nothing_more_is_judged);
    tcase_add_test(ends, a_sanitizer_report_ends_one_scenario);
    tcase_add_test(ends, a_leak_is_the_scenarios_that_leaked);
    tcase_add_test(ends, memory_of_the_platform_that_is_kept_breaks_i12);
    tcase_add_test(ends, undefined_behaviour_ends_one_scenario);
    tcase_add_loop_test(interrupts, an_interrupt_gives_the_summary_so_far_and_130, 0,
                        (int)(sizeof(ending) / sizeof(ending[0])));
    tcase_add_test(interrupts, an_interrupt_tells_also_what_came_behind_an_open_case);
    tcase_add_test(interrupts, no_worker_outlives_its_supervisor);
    tcase_add_test(runs, repeat_compares_the_trace_hashes);
    tcase_add_test(runs, seed_decides_the_order);
    tcase_add_test(runs, strict_judges_what_should_be);
    tcase_add_test(runs, break_raises_sigtrap_before_the_step);
    tcase_add_test(runs, trace_has_fixed_columns);
    tcase_add_test(runs, a_crash_keeps_the_trace_up_to_it);
    suite_add_tcase(suite, ends);
    suite_add_tcase(suite, interrupts);
    suite_add_tcase(suite, runs);
    return suite;
}

CHECK_MAIN(tool_worker_suite)
