/* SPDX-License-Identifier: ISC */
/*
 * A frontend that asks in vain: a runner with less patience sees it as one with more does, sooner,
 * and who is only kept waiting for a while gets what he asks for.
 */
#include "check_main.h"
#include "scenario/run.h"
#include "scenario/text.h"

#include <string.h>

enum { LITTLE = 64, FEW_STEPS = 2000, MANY_STEPS = 5000 };

#define PATIENT "world max_steps=100000000\nbackend linux\nconnect recover=ever\n"

static const char *const in_vain[] = {
    PATIENT "fault op=write hold\nwrite 0 +8 async as A\nrun\nbackend close\nrun\n",
    PATIENT "fail grant from\nbackend restart\nrun\n",
};

static void play(const char *text, uint32_t patience, struct scenario_verdict *verdict)
{
    struct scenario_runner *runner = scenario_runner_create();
    struct scenario_run_options options;
    struct scenario_program program;
    struct scenario_problems problems;

    ck_assert_ptr_nonnull(runner);
    scenario_program_init(&program);
    scenario_problems_init(&problems);
    ck_assert_int_eq(scenario_parse(&program, text, strlen(text), &problems), SCENARIO_OK);
    scenario_run_options_init(&options);
    options.subject = &scenario_subject_blkfront;
    options.patience = patience;
    scenario_runner_run(runner, &program, &options, verdict);
    scenario_program_fini(&program);
    scenario_runner_destroy(runner);
}

START_TEST(less_patience_says_the_same_sooner)
{
    struct scenario_verdict patient, impatient;

    play(in_vain[_i], 0, &patient);
    play(in_vain[_i], LITTLE, &impatient);
    ck_assert_int_eq(patient.outcome, SCENARIO_BAD);
    ck_assert_int_eq(impatient.outcome, SCENARIO_BAD);
    ck_assert_str_eq(impatient.reason, patient.reason);
    ck_assert_uint_gt(patient.world_steps, MANY_STEPS);
    ck_assert_uint_lt(impatient.world_steps, FEW_STEPS);
}
END_TEST

/* A minute, which is some thirty attempts. */
START_TEST(who_is_kept_waiting_is_waited_for)
{
    struct scenario_verdict verdict;

    play(PATIENT "fault op=write nth=1 hold as W\nwrite 0 +8 async as A\nrun\nbackend close\n"
                 "run time=60s\nrelease W\nwait A -> ok\nread 0 +8 -> ok\n",
         LITTLE, &verdict);
    ck_assert_msg(verdict.outcome == SCENARIO_PASSED, "%s", verdict.reason);
}
END_TEST

static Suite *patience_suite(void)
{
    Suite *suite = suite_create("patience");
    TCase *tests = tcase_create("in vain");

    tcase_add_loop_test(tests, less_patience_says_the_same_sooner, 0,
                        sizeof(in_vain) / sizeof(in_vain[0]));
    tcase_add_test(tests, who_is_kept_waiting_is_waited_for);
    suite_add_tcase(suite, tests);
    return suite;
}

CHECK_MAIN(patience_suite)
