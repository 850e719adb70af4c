/* SPDX-License-Identifier: ISC */
/*
 * Runs that begin at a snapshot end as those that were played from their first step: all scenarios,
 * one after the other, so that worlds of all kinds come and go between saving and coming back.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "check_main.h"
#include "fuzz.h"
#include "scenario/check.h"
#include "scenario/plan.h"

enum { EVERY = 2 }; /* of the files: all of them take a while under sanitizers */

static struct scenario_runner *runner;
static struct scenario_snapshots *snapshots;
static struct scenario_program program, run, elsewhere;
static struct scenario_buffer id;
static size_t files, runs;

static void play(const struct scenario_program *it, struct scenario_snapshots *with, size_t shared,
                 struct scenario_verdict *verdict)
{
    struct scenario_run_options options;

    scenario_run_options_init(&options);
    options.subject = &scenario_subject_blkfront;
    options.snapshots = with;
    options.steps_shared = shared;
    scenario_runner_run(runner, it, &options, verdict);
}

static void assert_same(const struct scenario_verdict *one, const struct scenario_verdict *other)
{
    ck_assert_msg(one->hash == other->hash, "%s: another hash: %s / %s", id.data, one->reason,
                  other->reason);
    ck_assert_msg(memcmp(one, other, sizeof(*one)) == 0, "%s: another verdict: %s / %s", id.data,
                  one->reason, other->reason);
}

/* The first time it is seen, the second it is kept, the third it is begun at, the fourth it is
 * begun at after that. Where the caller says how many steps are shared it is kept at once; nothing
 * of it may need the program that it was kept from. */
static void try_run(void)
{
    const size_t shared[] = {run.step_count / 3, run.step_count / 2, run.step_count - 1};
    struct scenario_verdict plain, snapped;

    play(&run, NULL, 0, &plain);
    for (unsigned i = 0; i < 4; i++) {
        play(&run, snapshots, 0, &snapped);
        assert_same(&plain, &snapped);
    }
    for (unsigned i = 0; i < sizeof(shared) / sizeof(shared[0]); i++) {
        play(&run, snapshots, shared[i], &snapped);
        assert_same(&plain, &snapped);
        ck_assert_int_eq(scenario_program_copy(&elsewhere, &run), SCENARIO_OK);
        play(&elsewhere, snapshots, shared[i], &snapped);
        assert_same(&plain, &snapped);
        scenario_program_fini(&elsewhere);
    }
    runs++;
}

static int try_file(void *context, const char *file)
{
    struct scenario_problems problems;
    size_t length = strlen(file), size = 0;
    unsigned char *text;

    (void)context;
    if (length < 4 || strcmp(file + length - 4, ".scn") != 0 || files++ % EVERY != 0) {
        return 0;
    }
    text = fuzz_read_file(file, SCENARIO_FILE_MAX, &size);
    ck_assert_ptr_nonnull(text);
    scenario_problems_init(&problems);
    ck_assert_int_eq(scenario_parse(&program, (const char *)text, size, &problems), SCENARIO_OK);
    free(text);
    for (size_t i = 0; i < scenario_plan_count(&program); i++) {
        ck_assert_int_eq(scenario_plan_run(&run, &program, file, i, &id), SCENARIO_OK);
        try_run();
    }
    return 0;
}

START_TEST(a_run_from_a_snapshot_is_the_run_from_its_beginning)
{
    runner = scenario_runner_create();
    snapshots = scenario_snapshots_create();
    ck_assert(runner != NULL && snapshots != NULL);
    scenario_program_init(&program);
    scenario_program_init(&run);
    scenario_program_init(&elsewhere);
    scenario_buffer_init(&id);
    ck_assert_int_eq(fuzz_walk(SIMBLK_SOURCE_DIR "/scenarios/conformance", try_file, NULL), 0);
    ck_assert_int_eq(fuzz_walk(SIMBLK_SOURCE_DIR "/scenarios/regression", try_file, NULL), 0);
    ck_assert_uint_gt(runs, 300);
    ck_assert_uint_gt(scenario_snapshots_used(snapshots), 3 * runs);
    scenario_buffer_fini(&id);
    scenario_program_fini(&run);
    scenario_program_fini(&program);
    scenario_snapshots_destroy(snapshots);
    scenario_runner_destroy(runner);
}
END_TEST

static Suite *snapshots_suite(void)
{
    Suite *suite = suite_create("fuzz_snapshots");
    TCase *tests = tcase_create("scenarios");

    tcase_add_test(tests, a_run_from_a_snapshot_is_the_run_from_its_beginning);
    tcase_set_timeout(tests, 300);
    suite_add_tcase(suite, tests);
    return suite;
}

CHECK_MAIN(snapshots_suite)
