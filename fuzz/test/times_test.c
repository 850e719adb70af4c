/* SPDX-License-Identifier: ISC */
/*
 * How soon mutants are found, without finding any: what a program's log says, what the file keeps,
 * what several runs say together, and the table.
 */
#include <check.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "check_main.h"
#include "times.h"

static void write_text(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");

    ck_assert_ptr_nonnull(file);
    ck_assert_int_ge(fputs(text, file), 0);
    ck_assert_int_eq(fclose(file), 0);
}

static struct times_run run_of(const char *mutant, unsigned seed, int64_t found)
{
    struct times_run run = {.seed = seed,
                            .ms = {10, 20, found},
                            .by = "I5",
                            .inputs = 184,
                            .kept = 180,
                            .hash = UINT64_C(0xfedcba9876543210)};

    snprintf(run.mutant, sizeof(run.mutant), "%s", mutant);
    snprintf(run.target, sizeof(run.target), "ring");
    if (found == TIMES_NEVER) {
        snprintf(run.by, sizeof(run.by), "-");
    }
    return run;
}

/* ---- logs ---- */

static struct times_run log_of(const char *text)
{
    static const char path[] = "times-test.log";
    struct times_run run;

    memset(&run, 0, sizeof(run));
    write_text(path, text);
    times_read_log(&run, path);
    remove(path);
    return run;
}

START_TEST(a_log_says_when_and_by_what)
{
    struct times_run run = log_of("INFO: Seed: 1\n"
                                  "mutant reached: 22 ms\n"
                                  "#194\tINITED cov: 994\n"
                                  "mutant triggered: 1052 ms\n"
                                  "rule broken: I14 xvda: no notify\n"
                                  "==1== ERROR: libFuzzer: deadly signal\n"
                                  "SUMMARY: libFuzzer: deadly signal\n");

    ck_assert_int_eq(run.ms[TIMES_REACHED], 22);
    ck_assert_int_eq(run.ms[TIMES_TRIGGERED], 1052);
    ck_assert_str_eq(run.by, "I14");
}
END_TEST

START_TEST(what_never_came_is_never)
{
    struct times_run run = log_of("#194\tINITED cov: 994\n");

    ck_assert_int_eq(run.ms[TIMES_REACHED], TIMES_NEVER);
    ck_assert_int_eq(run.ms[TIMES_TRIGGERED], TIMES_NEVER);
    ck_assert_str_eq(run.by, "-");
}
END_TEST

START_TEST(what_names_no_rule_is_of_the_rule_that_it_breaks)
{
    ck_assert_str_eq(log_of("no progress: read has not ended\n").by, "I4");
    ck_assert_str_eq(log_of("no progress: I14 xvda\n").by, "I14");
    ck_assert_str_eq(log_of("wrong data: sector 7\n").by, "I7");
    ck_assert_str_eq(log_of("crashed: bug: flush_issue\n").by, "I13");
    ck_assert_str_eq(log_of("==1==ERROR: libFuzzer: timeout after 10 seconds\n").by, "I4");
    ck_assert_str_eq(log_of("==1==ERROR: AddressSanitizer: SEGV on 0x0\n").by, "I13");
    ck_assert_str_eq(log_of("slots.c:7:3: runtime error: index 9 out of bounds\n").by, "I13");
}
END_TEST

/* ---- the file ---- */

static const char results_path[] = "times-test.results";

static struct mutant mutant_of(const char *name, uint64_t hash)
{
    struct mutant mutant;

    memset(&mutant, 0, sizeof(mutant));
    snprintf(mutant.name, sizeof(mutant.name), "%s", name);
    mutant.hash = hash;
    return mutant;
}

START_TEST(what_is_finished_is_known_again)
{
    const struct times_run runs[] = {run_of("m001-one", 1, 30), run_of("m001-one", 2, TIMES_NEVER)};
    const struct mutant same = mutant_of("m001-one", runs[0].hash);
    const struct mutant changed = mutant_of("m001-one", 7), other = mutant_of("m002", runs[0].hash);
    struct times_results results = {.count = 0};
    const struct times_run *found;

    remove(results_path);
    ck_assert(times_append(&runs[0], results_path) && times_append(&runs[1], results_path));
    ck_assert(times_read(&results, results_path));
    remove(results_path);
    ck_assert_uint_eq(results.count, 2);
    found = times_find(&results, &same, 1);
    ck_assert_ptr_nonnull(found);
    ck_assert_int_eq(found->ms[TIMES_REACHED], 10);
    ck_assert_int_eq(found->ms[TIMES_TRIGGERED], 20);
    ck_assert_int_eq(found->ms[TIMES_FOUND], 30);
    ck_assert_str_eq(found->target, "ring");
    ck_assert_str_eq(found->by, "I5");
    ck_assert(found->inputs == 184 && found->kept == 180);
    found = times_find(&results, &same, 2);
    ck_assert_ptr_nonnull(found);
    ck_assert_int_eq(found->ms[TIMES_FOUND], TIMES_NEVER);
    ck_assert_ptr_null(times_find(&results, &same, 3));
    ck_assert_ptr_null(times_find(&results, &changed, 1));
    ck_assert_ptr_null(times_find(&results, &other, 1));
    times_fini(&results);
}
END_TEST

START_TEST(a_run_that_is_done_again_replaces_the_first)
{
    const struct times_run first = run_of("m001-one", 1, 30), again = run_of("m001-one", 1, 40);
    struct times_results results = {.count = 0};

    remove(results_path);
    ck_assert(times_append(&first, results_path) && times_append(&again, results_path));
    ck_assert(times_read(&results, results_path));
    remove(results_path);
    ck_assert_uint_eq(results.count, 1);
    ck_assert_int_eq(results.all[0].ms[TIMES_FOUND], 40);
    times_fini(&results);
}
END_TEST

START_TEST(a_line_that_is_no_run_is_refused)
{
    static const char *const lines[] = {
        "m001\tring\t1\t1\t2\t3\tI5\t184\t180\n",       /* a field is missing */
        "m001\tring\t1\t1\t2\t3\tI5\t184\t180\tff",     /* cut off */
        "m001\tring\t1\t1\t2\tx\tI5\t184\t180\tff\n",   /* no time */
        "m001\tring\t1\t1\t2\t-3\tI5\t184\t180\tff\n",  /* before the beginning */
        "m001\tring\t4\t1\t2\t3\tI5\t184\t180\tff\n",   /* one seed too many */
        "m001\tring\t1\t1\t2\t3\tI5\t184\t180\tff 7\n", /* and more */
    };

    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        struct times_results results = {.count = 0};

        write_text(results_path, lines[i]);
        ck_assert(!times_read(&results, results_path));
        remove(results_path);
        times_fini(&results);
    }
}
END_TEST

/* ---- several runs ---- */

static struct times_summary summary_of(int64_t one, int64_t two, int64_t three)
{
    static struct times_run runs[3];
    const struct times_results results = {.all = runs, .count = 3};

    runs[0] = run_of("m001-one", 1, one);
    runs[1] = run_of("m001-one", 2, two);
    runs[2] = run_of("m001-one", 3, three);
    return times_summary(&results, &runs[0]);
}

START_TEST(the_median_is_the_second_of_three_and_never_is_the_last)
{
    struct times_summary summary = summary_of(3000, 1000, 2000);

    ck_assert_uint_eq(summary.runs, 3);
    ck_assert_uint_eq(summary.count[TIMES_FOUND], 3);
    ck_assert_int_eq(summary.median_ms[TIMES_FOUND], 2000);
    ck_assert_int_eq(summary.median_ms[TIMES_REACHED], 10);
    summary = summary_of(TIMES_NEVER, 1000, 2000);
    ck_assert_uint_eq(summary.count[TIMES_FOUND], 2);
    ck_assert_int_eq(summary.median_ms[TIMES_FOUND], 2000);
    summary = summary_of(TIMES_NEVER, 1000, TIMES_NEVER);
    ck_assert_uint_eq(summary.count[TIMES_FOUND], 1);
    ck_assert_int_eq(summary.median_ms[TIMES_FOUND], TIMES_NEVER);
}
END_TEST

START_TEST(of_two_runs_the_longer_counts)
{
    struct times_run runs[] = {run_of("m001-one", 1, 1000), run_of("m001-one", 3, TIMES_NEVER),
                               run_of("m002-two", 1, 5)};
    const struct times_results results = {.all = runs, .count = 3};

    ck_assert_uint_eq(times_summary(&results, &runs[0]).runs, 2);
    ck_assert_int_eq(times_summary(&results, &runs[0]).median_ms[TIMES_FOUND], TIMES_NEVER);
    ck_assert_int_eq(times_summary(&results, &runs[2]).median_ms[TIMES_FOUND], 5);
}
END_TEST

/* ---- the table ---- */

START_TEST(the_table_has_figures_and_the_swarm_beside)
{
    static const char mutants[] =
        "text\n"
        "| m001-one | 1 | I1 | I1 conformance/x, 0.1 s | I1 seed 7, 0.3 s | I1 regression/y |\n"
        "| m002-two | 2 | I2 | I2 conformance/x, 0.1 s | **survives** | I2 regression/y |\n"
        "| m004-four | 4 | I4 | I4 conformance/x, 0.1 s | **survives** | I4 regression/y |\n"
        "| m005-five | 5 | I5 | I5 conformance/x, 0.1 s | **survives** | I5 regression/y |\n";
    struct times_run runs[] = {run_of("m002-two", 1, TIMES_NEVER), run_of("m001-one", 2, 40000),
                               run_of("m001-one", 1, 1000), run_of("m003-three", 1, 31000)};
    struct times_results results = {.all = runs, .count = 4};
    struct scenario_buffer table;
    const char *one, *two;

    scenario_buffer_init(&table);
    times_table(&results, mutants, &table);
    ck_assert_ptr_nonnull(strstr(table.data, "| in the table | 3 of 4 | 75.0 % |\n"));
    ck_assert_ptr_nonnull(strstr(table.data, "| triggered within 120 s | 3 of 4 | 75.0 % |\n"));
    ck_assert_ptr_nonnull(strstr(table.data, "| found within 120 s | 2 of 4 | 50.0 % |\n"));
    ck_assert_ptr_nonnull(strstr(table.data, "| found within 30 s | 0 of 4 | 0.0 % |\n"));
    ck_assert_ptr_nonnull(strstr(table.data, "\n3 of 4 runs have found their mutant.\n"));
    one = strstr(table.data, "\n| m001-one | ring | 180 of 184 | 2 of 2, 0.01 s | 2 of 2, 0.02 s | "
                             "2 of 2, 40.00 s | I5 | I1 seed 7, 0.3 s |\n");
    two = strstr(table.data, "\n| m002-two | ring | 180 of 184 | 1 of 1, 0.01 s | 1 of 1, 0.02 s | "
                             "0 of 1, – | - | **survives** |\n");
    ck_assert(one != NULL && two > one);
    ck_assert_ptr_nonnull(strstr(table.data, "31.00 s | I5 | not played |\n"));
    scenario_buffer_fini(&table);
}
END_TEST

START_TEST(the_table_takes_its_place_in_the_page)
{
    struct scenario_buffer page;

    scenario_buffer_init(&page);
    ck_assert(times_page("before\n<!-- times -->\nold\n<!-- end -->\nafter\n", "new\n", &page));
    ck_assert_str_eq(page.data, "before\n<!-- times -->\nnew\n<!-- end -->\nafter\n");
    scenario_buffer_fini(&page);
    ck_assert(!times_page("before\n<!-- times -->\nold\n", "new\n", &page));
    ck_assert(!times_page("old\n<!-- end -->\n", "new\n", &page));
}
END_TEST

static Suite *times_suite(void)
{
    Suite *suite = suite_create("times");
    TCase *times = tcase_create("times");

    tcase_add_test(times, a_log_says_when_and_by_what);
    tcase_add_test(times, what_never_came_is_never);
    tcase_add_test(times, what_names_no_rule_is_of_the_rule_that_it_breaks);
    tcase_add_test(times, what_is_finished_is_known_again);
    tcase_add_test(times, a_run_that_is_done_again_replaces_the_first);
    tcase_add_test(times, a_line_that_is_no_run_is_refused);
    tcase_add_test(times, the_median_is_the_second_of_three_and_never_is_the_last);
    tcase_add_test(times, of_two_runs_the_longer_counts);
    tcase_add_test(times, the_table_has_figures_and_the_swarm_beside);
    tcase_add_test(times, the_table_takes_its_place_in_the_page);
    suite_add_tcase(suite, times);
    return suite;
}

CHECK_MAIN(times_suite)
