/* SPDX-License-Identifier: ISC */
/*
 * Dialects as text: what is written is read back as the same, a copy under another name behaves the
 * same, and what a file says changes what it says and no more.
 */
#include "check_main.h"

#include <stdlib.h>
#include <string.h>

#include "scenario/check.h"
#include "scenario/dialects.h"
#include "scenario/run.h"

static struct scenario_dialects set;
static struct scenario_program file, program;
static struct scenario_buffer text;
static struct scenario_problems problems;

static void set_up(void)
{
    memset(&set, 0, sizeof(set));
    scenario_program_init(&file);
    scenario_program_init(&program);
    scenario_buffer_init(&text);
}

static void tear_down(void)
{
    scenario_program_fini(&file);
    scenario_program_fini(&program);
    scenario_buffer_fini(&text);
}

/* The text as a file of dialects. */
static void load(const char *from)
{
    scenario_problems_init(&problems);
    ck_assert_msg(scenario_parse(&file, from, strlen(from), &problems) == 0, "line %u: %s",
                  problems.list[0].position.line, problems.list[0].text);
    ck_assert_msg(scenario_check_dialects(&file, &problems) == 0, "line %u: %s",
                  problems.list[0].position.line, problems.list[0].text);
    set.count = 0;
    for (size_t i = 0; i < file.step_count; i++) {
        ck_assert_int_eq(scenario_dialect_step(&set, &file, &file.steps[i]), 0);
    }
}

static const struct simback_dialect *find(const char *name)
{
    return scenario_dialect_find(&set, name, strlen(name));
}

/* Of each built-in one; the loop tests' index. */
static const struct simback_dialect *built_in(int index)
{
    return simback_dialect_at((size_t)index);
}

enum { BUILT_IN = 6 };

START_TEST(what_is_printed_is_read_as_the_same)
{
    const struct simback_dialect *dialect = built_in(_i);

    ck_assert_ptr_null(built_in(BUILT_IN));
    ck_assert_int_eq(scenario_dialect_print(dialect, &text), 0);
    load(text.data);
    ck_assert_uint_eq(set.count, 1);
    ck_assert_ptr_eq(find(dialect->name), &set.list[0]);
    /* Both were made of zeros, so what lies between the members is the same too. */
    ck_assert_mem_eq(&set.list[0], dialect, sizeof(*dialect));
}
END_TEST

START_TEST(what_is_like_another_is_the_same_but_for_its_name)
{
    char line[80];
    struct simback_dialect copy = *built_in(_i);

    snprintf(line, sizeof(line), "dialect mine like=%s", copy.name);
    load(line);
    ck_assert_str_eq(set.list[0].name, "mine");
    memset(copy.name, 0, sizeof(copy.name));
    memcpy(copy.name, "mine", 4);
    ck_assert_mem_eq(&set.list[0], &copy, sizeof(copy));
}
END_TEST

/* ---- the same runs ---- */

static uint64_t hash_of(const char *backend, const struct scenario_program *dialects)
{
    static const char *const steps = "connect -> ok\n"
                                     "write 0 +20 fill=3 -> ok\n"
                                     "read 0 +20 -> ok data=3\n"
                                     "flush\n"
                                     "fault op=write hold as R\n"
                                     "write 8 +8 async as A\n"
                                     "run\n"
                                     "disconnect async as D\n"
                                     "run\n"
                                     "release R\n"
                                     "wait D -> ok\n";
    struct scenario_run_options options;
    struct scenario_verdict verdict;
    struct scenario_runner *runner = scenario_runner_create();
    char whole[4096];

    ck_assert_ptr_nonnull(runner);
    snprintf(whole, sizeof(whole), "%s\n%s", backend, steps);
    scenario_problems_init(&problems);
    ck_assert_msg(scenario_parse(&program, whole, strlen(whole), &problems) == 0, "%s",
                  problems.list[0].text);
    ck_assert_msg(scenario_check_with(&program, dialects, &problems) == 0, "%s",
                  problems.list[0].text);
    scenario_run_options_init(&options);
    options.subject = &scenario_subject_blkfront;
    options.dialects = dialects;
    scenario_runner_run(runner, &program, &options, &verdict);
    ck_assert_msg(verdict.outcome == SCENARIO_PASSED, "%s: %s", backend, verdict.reason);
    scenario_runner_destroy(runner);
    return verdict.hash;
}

START_TEST(a_copy_under_another_name_gives_the_same_trace)
{
    const struct simback_dialect *dialect = built_in(_i);
    struct simback_dialect copy = *dialect;
    char line[4200], other[80];
    uint64_t hash;

    snprintf(line, sizeof(line), "backend %s", dialect->name);
    hash = hash_of(line, NULL);
    ck_assert_uint_eq(hash_of(line, NULL), hash);
    snprintf(copy.name, sizeof(copy.name), "mine");
    ck_assert_int_eq(scenario_dialect_print(&copy, &text), 0);
    /* From a file, and in the program itself. */
    load(text.data);
    ck_assert_uint_eq(hash_of("backend mine", &file), hash);
    snprintf(line, sizeof(line), "%sbackend mine", text.data);
    ck_assert_uint_eq(hash_of(line, NULL), hash);
    /* A file's goes before the one that is built in. */
    scenario_buffer_clear(&text);
    ck_assert_int_eq(scenario_dialect_print(dialect, &text), 0);
    load(text.data);
    snprintf(line, sizeof(line), "backend %s", dialect->name);
    ck_assert_uint_eq(hash_of(line, &file), hash);
    snprintf(other, sizeof(other), "dialect %s like=%s", dialect->name,
             built_in((_i + 1) % BUILT_IN)->name);
    load(other);
    ck_assert_uint_ne(hash_of(line, &file), hash);
}
END_TEST

/* ---- what a file says ---- */

START_TEST(a_dialect_that_says_nothing)
{
    load("dialect none");
    ck_assert_str_eq(set.list[0].name, "none");
    ck_assert_str_eq(set.list[0].directory, "vbd");
    ck_assert_uint_eq(set.list[0].row_count, 0);
    ck_assert(!set.list[0].flush && !set.list[0].init_wait);
    ck_assert_uint_eq(set.list[0].segments, 0);
}
END_TEST

START_TEST(a_file_changes_what_it_says)
{
    const struct simback_dialect *linux_dialect = simback_dialect_find("linux");
    const struct simback_dialect *mine;

    load("dialect mine like=linux directory=vbd3 about=\"as ours\"\n"
         "dialect offers flush=no order=2 granularity=65536\n"
         "dialect reads abi=none\n"
         "dialect answers unknown=-32768 indirect=indirect\n"
         "dialect states closing=silent\n"
         "dialect grants unused=1s\n"
         "node sectors at=init-wait\n"
         "node info write=never\n"
         "node hotplug-status at=start value=online\n"
         "dialect other like=mine\n"
         "dialect offers flush=yes\n");
    mine = find("mine");
    ck_assert_ptr_eq(mine, &set.list[0]);
    ck_assert_str_eq(mine->directory, "vbd3");
    ck_assert_str_eq(mine->about, "as ours");
    ck_assert(!mine->flush && mine->barrier);
    ck_assert_uint_eq(mine->ring_order, 2);
    ck_assert_uint_eq(mine->granularity, 65536);
    ck_assert_uint_eq(mine->default_abi, SIMBACK_DEFAULT_ABI_NONE);
    ck_assert_int_eq(mine->unknown_op, -32768);
    ck_assert(!mine->indirect_inner);
    ck_assert_uint_eq(mine->closing, SIMBACK_CLOSING_SILENT);
    ck_assert_uint_eq(mine->lru_unused_ns, UINT64_C(1000000000));
    ck_assert_uint_eq(mine->segments, 256);
    /* sectors has moved, info is gone, hotplug-status is new. */
    ck_assert_uint_eq(mine->row_count, linux_dialect->row_count);
    ck_assert_uint_eq(mine->rows[mine->row_count - 2].node, SIMBACK_NODE_SECTORS);
    ck_assert_uint_eq(mine->rows[mine->row_count - 2].phase, SIMBACK_AT_INIT_WAIT);
    ck_assert_str_eq(mine->rows[mine->row_count - 1].value, "online");
    for (uint32_t i = 0; i < mine->row_count; i++) {
        ck_assert_uint_ne(mine->rows[i].node, SIMBACK_NODE_INFO);
    }
    ck_assert(find("other")->flush);
    ck_assert_str_eq(find("other")->directory, "vbd3");
    ck_assert_ptr_null(find("third"));
    ck_assert_ptr_eq(find("qemu"), simback_dialect_find("qemu"));
}
END_TEST

static const struct {
    const char *text;
    unsigned line, column;
    const char *part;
} bad_files[] = {
    {"", 1, 1, "no 'dialect' found, expected one at least"},
    {"node sectors", 1, 1, "no 'dialect' found"},
    {"dialect a\nbackend a\n", 2, 1, "found 'backend', expected only 'dialect'"},
    {"dialect a\nexpect quiet\n", 2, 1, "found 'expect quiet'"},
    {"dialect a like=linx\n", 1, 11,
     "found 'linx', expected the name of a dialect; did you mean 'linux'?"},
    {"dialect a\ndialect a\n", 2, 1, "a second dialect 'a'"},
    {"\n\ndialect a\ndialect offers order=5", 4, 16, "order: found '5', expected a number from 0"},
    {"dialect a\nnode secktors\n", 2, 6, "did you mean 'sectors'?"},
    {"dialect a\ndialect offer flush=no\n", 2, 15, "found 'flush', expected a field of 'dialect'"},
    {"dialect a\ndialect answers unknown=40000\n", 2, 17, "from -32768 to 32767"},
};

START_TEST(a_mistake_is_told_with_its_place)
{
    const char *from = bad_files[_i].text;

    scenario_problems_init(&problems);
    if (scenario_parse(&file, from, strlen(from), &problems) == 0) {
        ck_assert_int_eq(scenario_check_dialects(&file, &problems), SCENARIO_INVALID);
    }
    ck_assert_msg(strstr(problems.list[0].text, bad_files[_i].part) != NULL, "%s",
                  problems.list[0].text);
    ck_assert_uint_eq(problems.list[0].position.line, bad_files[_i].line);
    ck_assert_uint_eq(problems.list[0].position.column, bad_files[_i].column);
}
END_TEST

/* ---- steps that no checked program has ---- */

START_TEST(steps_without_a_dialect_make_none)
{
    struct scenario_step step;

    scenario_step_init(&step, STEP_NODE);
    ck_assert_int_eq(scenario_dialect_step(&set, &file, &step), SCENARIO_INVALID);
    scenario_step_init(&step, STEP_READ);
    ck_assert_int_eq(scenario_dialect_step(&set, &file, &step), 0);
    scenario_step_init(&step, STEP_DIALECT);
    ck_assert_int_eq(scenario_dialect_step(&set, &file, &step), SCENARIO_INVALID); /* no name */
    ck_assert_uint_eq(set.count, 1);
}
END_TEST

START_TEST(there_is_room_for_a_files_and_a_programs)
{
    char line[16 * SCENARIO_DIALECTS_MAX + 40] = "";

    for (unsigned i = 0; i < SCENARIO_DIALECTS_MAX; i++) {
        snprintf(line + strlen(line), sizeof(line) - strlen(line), "dialect d%u\n", i);
    }
    load(line);
    for (size_t i = 0; i < file.step_count; i++) {
        ck_assert_int_eq(scenario_dialect_step(&set, &file, &file.steps[i]), 0);
    }
    ck_assert_int_eq(scenario_dialect_step(&set, &file, &file.steps[0]), SCENARIO_TOO_LARGE);
    strcat(line, "dialect another\n");
    scenario_problems_init(&problems);
    ck_assert_int_eq(scenario_parse(&file, line, strlen(line), &problems), 0);
    ck_assert_int_eq(scenario_check_dialects(&file, &problems), SCENARIO_INVALID);
    ck_assert_ptr_nonnull(strstr(problems.list[0].text, "more than 16 dialects"));
}
END_TEST

/* Programs that came as bytes may name what is not there, and a run needs a good file. */
START_TEST(what_is_not_there_is_no_run)
{
    struct scenario_run_options options;
    struct scenario_verdict verdict;
    struct scenario_runner *runner = scenario_runner_create();
    static const char *const backend = "backend mine\nconnect -> ok\n";

    ck_assert_ptr_nonnull(runner);
    scenario_problems_init(&problems);
    ck_assert_int_eq(scenario_parse(&program, backend, strlen(backend), &problems), 0);
    scenario_run_options_init(&options);
    options.subject = &scenario_subject_blkfront;
    scenario_runner_run(runner, &program, &options, &verdict);
    ck_assert_int_eq(verdict.outcome, SCENARIO_BAD);
    ck_assert_str_eq(verdict.reason, "there is no dialect of this name");

    ck_assert_int_eq(scenario_parse(&file, "node sectors", 12, &problems), 0);
    options.dialects = &file;
    scenario_runner_run(runner, &program, &options, &verdict);
    ck_assert_int_eq(verdict.outcome, SCENARIO_BAD);
    ck_assert_ptr_nonnull(strstr(verdict.reason, "file of dialects"));
    scenario_runner_destroy(runner);
}
END_TEST

static Suite *dialects_suite(void)
{
    Suite *suite = suite_create("dialects");
    TCase *tests = tcase_create("dialects");

    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_loop_test(tests, what_is_printed_is_read_as_the_same, 0, BUILT_IN);
    tcase_add_loop_test(tests, what_is_like_another_is_the_same_but_for_its_name, 0, BUILT_IN);
    tcase_add_loop_test(tests, a_copy_under_another_name_gives_the_same_trace, 0, BUILT_IN);
    tcase_add_test(tests, a_dialect_that_says_nothing);
    tcase_add_test(tests, a_file_changes_what_it_says);
    tcase_add_loop_test(tests, a_mistake_is_told_with_its_place, 0,
                        (int)(sizeof(bad_files) / sizeof(bad_files[0])));
    tcase_add_test(tests, steps_without_a_dialect_make_none);
    tcase_add_test(tests, there_is_room_for_a_files_and_a_programs);
    tcase_add_test(tests, what_is_not_there_is_no_run);
    suite_add_tcase(suite, tests);
    return suite;
}

CHECK_MAIN(dialects_suite)
