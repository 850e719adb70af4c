/* SPDX-License-Identifier: ISC */
/*
 * Mutants as texts and as changes of a source, without building any: what is brought in is what the
 * file says, once, and what is drawn changes code and nothing else.
 */
#include <check.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "check_main.h"
#include "mutant.h"
#include "mutant_sites.h"

static const char source_text[] = "int f(int a)\n"
                                  "{\n"
                                  "    if (a < 3)\n"
                                  "        return 0;\n"
                                  "    return 0;\n"
                                  "}\n";

static void write_text(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");

    ck_assert_ptr_nonnull(file);
    ck_assert_int_ge(fputs(text, file), 0);
    ck_assert_int_eq(fclose(file), 0);
}

/* Reads the mutant whose changes these lines are; the file lies in the test's folder. */
static bool read_mutant(struct mutant *mutant, const char *changes)
{
    static const char path[] = "m007-mutants-test.mutant";
    struct scenario_buffer text;
    bool ok;

    scenario_buffer_init(&text);
    scenario_buffer_format(
        &text, "row      7\nrule     I2 I13\ntarget   ring\nabout    a test\n\n%s", changes);
    write_text(path, text.data);
    scenario_buffer_fini(&text);
    mutant_init(mutant);
    ok = mutant_read(mutant, path);
    remove(path);
    return ok;
}

static void begin_source(struct scenario_buffer *source, const char *text)
{
    scenario_buffer_init(source);
    scenario_buffer_text(source, text);
}

START_TEST(a_mutant_says_what_goes_and_what_comes)
{
    struct scenario_buffer source;
    struct mutant mutant;

    begin_source(&source, source_text);
    ck_assert(read_mutant(&mutant, "file     frontend/src/f.c\n"
                                   "-    if (a < 3)\n"
                                   "+    if (a <= 3)\n"
                                   "         return 0;\n"));
    ck_assert_str_eq(mutant.name, "m007-mutants-test");
    ck_assert_str_eq(mutant.rows, "7");
    ck_assert_uint_eq(mutant.rules, 1u << 2 | 1u << 13);
    ck_assert_str_eq(mutant.target, "ring");
    ck_assert(mutant_apply(&mutant, "frontend/src/f.c", &source));
    ck_assert_ptr_nonnull(
        strstr(source.data, "    if (a <= 3)\n        return 0;\n    return 0;\n"));
    mutant_fini(&mutant);
    scenario_buffer_fini(&source);
}
END_TEST

START_TEST(marks_come_only_where_they_are_asked_for)
{
    for (unsigned marks = 0; marks < 2; marks++) {
        struct scenario_buffer source;
        struct mutant mutant;

        begin_source(&source, source_text);
        ck_assert(read_mutant(&mutant, "file     frontend/src/f.c\n"
                                       "?    mutant_mark(a == 3);\n"
                                       "-    if (a < 3)\n"
                                       "+    if (a <= 3)\n"));
        mutant.marks = marks != 0;
        ck_assert(mutant_apply(&mutant, "frontend/src/f.c", &source));
        ck_assert_ptr_nonnull(
            strstr(source.data, marks != 0 ? "{\n    mutant_mark(a == 3);\n    if (a <= 3)\n"
                                           : "{\n    if (a <= 3)\n"));
        mutant_fini(&mutant);
        scenario_buffer_fini(&source);
    }
}
END_TEST

START_TEST(a_mutant_without_a_mark_is_not_as_it_should_be)
{
    struct mutant mutant;

    ck_assert(read_mutant(&mutant, "file     frontend/src/ring.h\n"
                                   "-    ring->rsp_cons = start;\n"));
    ck_assert(!mutant_check(&mutant, SIMBLK_SOURCE_DIR));
    mutant_fini(&mutant);
}
END_TEST

START_TEST(another_file_stays_as_it_is)
{
    struct scenario_buffer source;
    struct mutant mutant;

    begin_source(&source, source_text);
    ck_assert(read_mutant(&mutant, "file     frontend/src/g.c\n-{\n"));
    ck_assert(mutant_apply(&mutant, "frontend/src/f.c", &source));
    ck_assert_str_eq(source.data, source_text);
    mutant_fini(&mutant);
    scenario_buffer_fini(&source);
}
END_TEST

START_TEST(old_lines_that_are_there_twice_or_never_are_refused)
{
    static const char *const changes[] = {
        "file     frontend/src/f.c\n-    return 1;\n",
        "file     frontend/src/f.c\n-return 0;\n", /* in the middle of a line */
        "file     frontend/src/f.c\n-}\n\nfile     frontend/src/f.c\n-}\n", /* gone by then */
    };
    struct scenario_buffer source;
    struct mutant mutant;

    for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
        begin_source(&source, source_text);
        ck_assert(read_mutant(&mutant, changes[i]));
        ck_assert(!mutant_apply(&mutant, "frontend/src/f.c", &source));
        mutant_fini(&mutant);
        scenario_buffer_fini(&source);
    }
    begin_source(&source, "    a;\n    a;\n");
    ck_assert(read_mutant(&mutant, "file     frontend/src/f.c\n-    a;\n"));
    ck_assert(!mutant_apply(&mutant, "frontend/src/f.c", &source));
    mutant_fini(&mutant);
    scenario_buffer_fini(&source);
}
END_TEST

START_TEST(a_text_that_is_no_mutant_is_refused)
{
    static const char *const changes[] = {"", "-a line of no file\n", "colour   red\n",
                                          "rule     I22\nfile     f.c\n-}\n",
                                          "target   canary\nfile     f.c\n-}\n"};
    struct mutant mutant;

    for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
        ck_assert(!read_mutant(&mutant, changes[i]));
        mutant_fini(&mutant);
    }
}
END_TEST

/* ---- what can be changed ---- */

struct seen {
    const char *text;
    struct scenario_buffer lines; /* "kind: old -> new" */
};

static void see(void *context, const struct mutant_site *site)
{
    struct seen *seen = context;

    scenario_buffer_format(&seen->lines, "%s: %.*s -> %s\n", site->kind, (int)site->length,
                           seen->text + site->at, site->new);
}

static void expect_sites(const char *text, const char *lines)
{
    struct seen seen = {.text = text};
    struct scenario_buffer source;

    begin_source(&source, text);
    scenario_buffer_init(&seen.lines);
    scenario_buffer_text(&seen.lines, "");
    mutant_sites(&source, see, &seen);
    ck_assert_str_eq(seen.lines.data, lines);
    scenario_buffer_fini(&seen.lines);
    scenario_buffer_fini(&source);
}

START_TEST(comments_strings_and_directives_are_no_code)
{
    expect_sites("/* a < 3 */\n"
                 "#define TWO 2 \\\n"
                 "    + 2\n"
                 "// if (a == 4)\n"
                 "const char *s = \"a && 5 \\\" < 6\";\n",
                 "");
}
END_TEST

START_TEST(every_kind_of_change_is_found)
{
    expect_sites("void f(void)\n"
                 "{\n"
                 "    if (a < b &&\n"
                 "        g(c))\n"
                 "        d->e = h(c);\n"
                 "    while (a)\n"
                 "        i();\n"
                 "    j = true;\n"
                 "    k = __atomic_load_n(&l, __ATOMIC_ACQUIRE);\n"
                 "    return m(LIMIT + 7);\n"
                 "}\n",
                 "comparison:  < ->  <=\n"
                 "condition:  && ->  ||\n"
                 "plus one:  + ->  + 1 +\n"
                 "ordering: __ATOMIC_ACQUIRE -> __ATOMIC_RELAXED\n"
                 "constant: true -> false\n"
                 "constant: LIMIT -> (LIMIT + 1)\n"
                 "constant: 7 -> 8\n"
                 "constant: 7 -> 6\n"
                 "condition: (a < b &&\n        g(c)) -> (!(a < b &&\n        g(c)))\n"
                 "condition: (a) -> (!(a))\n"
                 "statement: d->e = h(c) -> \n"
                 "result ignored: d->e = h(c) -> (void)h(c)\n"
                 "statement: i() -> \n"
                 "statement: j = true -> \n"
                 "statement: k = __atomic_load_n(&l, __ATOMIC_ACQUIRE) -> \n"
                 "result ignored: m(LIMIT + 7) -> (m(LIMIT + 7), 0)\n");
}
END_TEST

START_TEST(an_array_is_made_smaller_and_not_larger)
{
    expect_sites("char a[LIMIT + 0], b[8];\n"
                 "return a[LIMIT];\n"
                 "b[7] = c[8];\n",
                 "constant: LIMIT -> (LIMIT - 1)\n"
                 "constant: 8 -> 7\n"
                 "constant: LIMIT -> (LIMIT + 1)\n"
                 "constant: 7 -> 8\n"
                 "constant: 7 -> 6\n"
                 "constant: 8 -> 9\n"
                 "constant: 8 -> 7\n");
}
END_TEST

/* ---- drawing ---- */

START_TEST(the_same_seed_draws_the_same)
{
    struct mutant_draw *one = mutant_draw_create(SIMBLK_SOURCE_DIR, NULL, 7);
    struct mutant_draw *two = mutant_draw_create(SIMBLK_SOURCE_DIR, NULL, 7);
    struct mutant_draw *other = mutant_draw_create(SIMBLK_SOURCE_DIR, NULL, 8);
    unsigned differ = 0;

    ck_assert(one != NULL && two != NULL && other != NULL);
    ck_assert_uint_eq(mutant_draw_count(one), mutant_draw_count(other));
    for (size_t i = 0; i < 100; i++) {
        struct mutant mutants[3];

        for (size_t k = 0; k < 3; k++) {
            mutant_init(&mutants[k]);
        }
        ck_assert(mutant_draw_take(one, i, &mutants[0]) && mutant_draw_take(two, i, &mutants[1]) &&
                  mutant_draw_take(other, i, &mutants[2]));
        ck_assert_str_eq(mutants[0].name, mutants[1].name);
        ck_assert(mutants[0].hash == mutants[1].hash);
        differ += strcmp(mutants[0].name, mutants[2].name) != 0;
        for (size_t k = 0; k < 3; k++) {
            mutant_fini(&mutants[k]);
        }
    }
    ck_assert_uint_gt(differ, 90);
    mutant_draw_destroy(one);
    mutant_draw_destroy(two);
    mutant_draw_destroy(other);
}
END_TEST

START_TEST(a_line_or_a_file_that_never_runs_is_not_drawn)
{
    static const char path[] = "mutants-test.info";
    struct mutant_draw *all = mutant_draw_create(SIMBLK_SOURCE_DIR, NULL, 1), *less;
    struct scenario_buffer info;

    scenario_buffer_init(&info);
    scenario_buffer_text(&info, "SF:/somewhere/frontend/src/slots.c\n");
    for (unsigned line = 1; line <= 60; line += 3) { /* those between are part of it */
        scenario_buffer_format(&info, "DA:%u,0\n", line);
    }
    scenario_buffer_text(&info, "DA:61,1\n");
    write_text(path, info.data);
    scenario_buffer_fini(&info);
    less = mutant_draw_create(SIMBLK_SOURCE_DIR, path, 1);
    remove(path);
    ck_assert(all != NULL && less != NULL);
    ck_assert_uint_lt(mutant_draw_count(less), mutant_draw_count(all));
    for (size_t i = 0; i < mutant_draw_count(less); i++) {
        struct mutant mutant;
        unsigned line;

        mutant_init(&mutant);
        ck_assert(mutant_draw_take(less, i, &mutant));
        ck_assert_int_eq(sscanf(mutant.name, "slots.c:%u", &line), 1);
        ck_assert_uint_gt(line, 60);
        mutant_fini(&mutant);
    }
    mutant_draw_destroy(all);
    mutant_draw_destroy(less);
}
END_TEST

/* ---- results ---- */

static struct mutant_results read_results(const char *path)
{
    struct mutant_results results = {.count = 0};

    ck_assert(mutant_results_read(&results, path));
    remove(path);
    return results;
}

START_TEST(the_last_result_of_a_name_counts)
{
    static const char path[] = "mutants-test.results";
    struct mutant_result result = {.name = "m001-one", .rows = "1", .file = "f.c", .rules = 2};
    const struct mutant mutant = {.name = "m001-one", .rules = 2};
    struct mutant_results results;
    const struct mutant_result *read;

    remove(path);
    ck_assert(mutant_result_append(&result, path));
    result.tree = UINT64_C(0xfedcba9876543210);
    result.kills[MUTANT_SWARM] = (struct mutant_kill){.played = true,
                                                      .killed = true,
                                                      .crash = true,
                                                      .rule = 13,
                                                      .where = "seed 7",
                                                      .seconds = 1.5};
    ck_assert(mutant_result_append(&result, path));
    results = read_results(path);
    ck_assert_uint_eq(results.count, 1);
    read = mutant_results_find(&results, &mutant);
    ck_assert_ptr_nonnull(read);
    ck_assert(read->tree == result.tree && read->rules == 2);
    ck_assert(!read->kills[MUTANT_CONFORMANCE].played);
    ck_assert(read->kills[MUTANT_SWARM].killed && read->kills[MUTANT_SWARM].crash);
    ck_assert_uint_eq(read->kills[MUTANT_SWARM].rule, 13);
    ck_assert_str_eq(read->kills[MUTANT_SWARM].where, "seed 7");
    mutant_results_fini(&results);
}
END_TEST

START_TEST(a_change_is_known_wherever_its_line_has_gone)
{
    static const char path[] = "mutants-test.results";
    struct mutant_result result = {.name = "f.c:7 `1` to `2`", .hash = 99};
    const struct mutant moved = {.name = "f.c:9 `1` to `2`", .hash = 99};
    const struct mutant other = {.name = "f.c:7 `1` to `2`", .hash = 98};
    struct mutant_results results = {.count = 0, .sample = "all of them"};
    const struct mutant_result *read;

    remove(path);
    snprintf(result.about, sizeof(result.about), "a = 1;");
    ck_assert(mutant_results_add(&results, &result));
    ck_assert(mutant_results_write(&results, path));
    mutant_results_fini(&results);
    results = read_results(path);
    ck_assert_str_eq(results.sample, "all of them");
    read = mutant_results_find(&results, &moved);
    ck_assert_ptr_nonnull(read);
    ck_assert_str_eq(read->about, "a = 1;");
    ck_assert_ptr_null(mutant_results_find(&results, &other));
    mutant_results_fini(&results);
}
END_TEST

/* Twenty that were noticed as they should be; `change` makes something of the first ones. */
static bool twenty_suffice(void (*change)(struct mutant_result *result), size_t count)
{
    struct mutant_result all[20];
    const struct mutant_results results = {.all = all, .count = 20};

    memset(all, 0, sizeof(all));
    for (size_t i = 0; i < results.count; i++) {
        snprintf(all[i].name, sizeof(all[i].name), "m%03zu-one", i);
        all[i].rules = 2;
        all[i].built = MUTANT_BUILT;
        for (unsigned suite = 0; suite < MUTANT_SUITES; suite++) {
            all[i].kills[suite] = (struct mutant_kill){.played = true, .killed = true, .rule = 5};
        }
        if (i < count) {
            change(&all[i]);
        }
    }
    return mutant_results_suffice(&results);
}

static void survives_all(struct mutant_result *result)
{
    for (unsigned suite = 0; suite < MUTANT_SUITES; suite++) {
        result->kills[suite].killed = false;
    }
}

static void needs_regression(struct mutant_result *result)
{
    result->kills[MUTANT_CONFORMANCE].killed = false;
    result->kills[MUTANT_SWARM].killed = false;
}

static void only_crashes(struct mutant_result *result)
{
    for (unsigned suite = 0; suite < MUTANT_SUITES; suite++) {
        result->kills[suite].crash = true;
    }
}

static void was_not_built(struct mutant_result *result)
{
    result->built = MUTANT_ERROR;
}

START_TEST(figures_that_fall_short_do_not_suffice)
{
    const struct mutant_results none = {.count = 0};

    ck_assert(!mutant_results_suffice(&none));
    ck_assert(twenty_suffice(NULL, 0));
    ck_assert(!twenty_suffice(survives_all, 1));
    ck_assert(!twenty_suffice(was_not_built, 1));
    ck_assert(twenty_suffice(needs_regression, 2) && !twenty_suffice(needs_regression, 3));
    ck_assert(twenty_suffice(only_crashes, 2) && !twenty_suffice(only_crashes, 3));
}
END_TEST

START_TEST(a_build_with_sanitizers_counts_for_those_that_live)
{
    const struct mutant_kill kill = {.played = true, .killed = true, .crash = true, .rule = 13};
    struct mutant_result plain[] = {
        {.name = "f.c:1", .hash = 1, .kills[MUTANT_SWARM] = {.played = true, .killed = true}},
        {.name = "f.c:2", .hash = 2},
        {.name = "f.c:3", .hash = 3},
        {.name = "f.c:4", .hash = 4},
    };
    struct mutant_result sanitized[] = {
        {.name = "f.c:1", .hash = 1, .kills[MUTANT_CONFORMANCE] = kill},
        {.name = "f.c:2", .hash = 2, .kills[MUTANT_CONFORMANCE] = kill},
        {.name = "f.c:3", .hash = 3, .kills[MUTANT_CONFORMANCE] = {.played = true}},
    };
    struct mutant_results results = {.all = plain, .count = 4};
    const struct mutant_results other = {.all = sanitized, .count = 3};

    mutant_results_sanitize(&results, &other);
    ck_assert(!plain[0].kills[MUTANT_SANITIZED].killed && !mutant_result_survives(&plain[0]));
    ck_assert(plain[1].kills[MUTANT_SANITIZED].killed && !mutant_result_survives(&plain[1]));
    ck_assert(mutant_result_survives(&plain[2]) && mutant_result_survives(&plain[3]));
}
END_TEST

/* What the table of these says, which is printed. */
static const char *table_of(struct mutant_results *results)
{
    static const char path[] = "mutants-test.table";
    static char text[8192];
    FILE *file;
    int out;

    ck_assert_int_eq(fflush(stdout), 0);
    out = dup(STDOUT_FILENO);
    ck_assert_int_ge(out, 0);
    ck_assert_ptr_nonnull(freopen(path, "w", stdout));
    mutant_results_table(results, true);
    ck_assert_int_eq(fflush(stdout), 0);
    ck_assert_int_ge(dup2(out, STDOUT_FILENO), 0);
    close(out);
    file = fopen(path, "r");
    ck_assert_ptr_nonnull(file);
    text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
    fclose(file);
    remove(path);
    return text;
}

START_TEST(what_makes_the_same_code_counts_as_alive)
{
    struct mutant_result all[] = {
        {.name = "f.c:1", .rows = "constant", .kills[MUTANT_SWARM] = {.killed = true}},
        {.name = "f.c:2", .rows = "constant"},
        {.name = "f.c:3", .rows = "constant", .built = MUTANT_SAME_CODE},
        {.name = "f.c:4", .rows = "constant", .built = MUTANT_SAME_CODE},
        {.name = "f.c:5", .rows = "constant", .built = MUTANT_REFUSED},
    };
    struct mutant_results results = {.all = all, .count = 5, .sample = "all of them"};
    const char *table = table_of(&results);

    ck_assert_ptr_nonnull(strstr(table, "| anything | 1 of 4 | 25.0 % |\n"));
    ck_assert_ptr_nonnull(strstr(table, "the same code | 2 of 4 | 50.0 % |\n"));
    ck_assert_ptr_nonnull(strstr(table, "it lives | 1 of 4 | 25.0 % |\n"));
    ck_assert_ptr_nonnull(strstr(table, "| constant | 4 | 3 | 0 |\n"));
    ck_assert_ptr_nonnull(strstr(table, "1 that do not compile"));
    ck_assert_ptr_nonnull(strstr(table, "| f.c:3 | `` (the same code) |\n"));
}
END_TEST

static Suite *mutants_suite(void)
{
    Suite *suite = suite_create("mutants");
    TCase *texts = tcase_create("texts");
    TCase *draws = tcase_create("draws");

    tcase_add_test(texts, a_mutant_says_what_goes_and_what_comes);
    tcase_add_test(texts, marks_come_only_where_they_are_asked_for);
    tcase_add_test(texts, a_mutant_without_a_mark_is_not_as_it_should_be);
    tcase_add_test(texts, another_file_stays_as_it_is);
    tcase_add_test(texts, old_lines_that_are_there_twice_or_never_are_refused);
    tcase_add_test(texts, a_text_that_is_no_mutant_is_refused);
    tcase_add_test(texts, the_last_result_of_a_name_counts);
    tcase_add_test(texts, a_change_is_known_wherever_its_line_has_gone);
    tcase_add_test(texts, figures_that_fall_short_do_not_suffice);
    tcase_add_test(texts, a_build_with_sanitizers_counts_for_those_that_live);
    tcase_add_test(texts, what_makes_the_same_code_counts_as_alive);
    suite_add_tcase(suite, texts);
    tcase_add_test(draws, comments_strings_and_directives_are_no_code);
    tcase_add_test(draws, every_kind_of_change_is_found);
    tcase_add_test(draws, an_array_is_made_smaller_and_not_larger);
    tcase_add_test(draws, the_same_seed_draws_the_same);
    tcase_add_test(draws, a_line_or_a_file_that_never_runs_is_not_drawn);
    suite_add_tcase(suite, draws);
    return suite;
}

CHECK_MAIN(mutants_suite)
