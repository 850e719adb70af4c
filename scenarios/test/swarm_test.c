/* SPDX-License-Identifier: ISC */
/*
 * Programs by seed: always the same one, always a good one, and of all kinds.
 */
#include "check_main.h"
#include "language_help.h"
#include "rules_help.h"
#include "scenario/swarm.h"

enum { SEEDS = 400 };

static void print(uint64_t seed, unsigned steps, struct scenario_buffer *text)
{
    scenario_buffer_clear(text);
    ck_assert_int_eq(scenario_swarm_program(&the_program, seed, steps), SCENARIO_OK);
    ck_assert_int_eq(scenario_print(&the_program, text), SCENARIO_OK);
}

START_TEST(each_seed_gives_a_good_program)
{
    struct scenario_problems problems;

    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        ck_assert_int_eq(scenario_swarm_program(&the_program, seed, 120), SCENARIO_OK);
        scenario_problems_init(&problems);
        ck_assert_msg(scenario_program_check(&the_program), "seed %u", (unsigned)seed);
        ck_assert_msg(scenario_check(&the_program, &problems) == SCENARIO_OK, "seed %u: %s",
                      (unsigned)seed, problems.list[0].text);
    }
}
END_TEST

/* The text is all that there is: it gives the same program. */
START_TEST(a_program_is_its_text)
{
    struct scenario_buffer text, again;

    scenario_buffer_init(&text);
    scenario_buffer_init(&again);
    for (uint64_t seed = 1; seed <= 50; seed++) {
        print(seed, 120, &text);
        parse(text.data, text.length);
        scenario_buffer_clear(&again);
        ck_assert_int_eq(scenario_print(&the_program, &again), SCENARIO_OK);
        ck_assert_str_eq(text.data, again.data);
        print(seed, 120, &again);
        ck_assert_str_eq(text.data, again.data);
    }
    scenario_buffer_fini(&text);
    scenario_buffer_fini(&again);
}
END_TEST

START_TEST(seeds_differ)
{
    struct scenario_buffer one, other;

    scenario_buffer_init(&one);
    scenario_buffer_init(&other);
    print(1, 120, &one);
    print(2, 120, &other);
    ck_assert_str_ne(one.data, other.data);
    print(1, 119, &other);
    ck_assert_str_ne(one.data, other.data);
    scenario_buffer_fini(&one);
    scenario_buffer_fini(&other);
}
END_TEST

/* Of all that it can do, it does everything in some seed, and nothing in all. */
START_TEST(every_kind_of_trouble_comes_and_none_always)
{
    static const unsigned kinds[] = {
        STEP_DISCARD,        STEP_POLL,
        STEP_INFO,           STEP_STATS,
        STEP_FAULT,          STEP_BACKEND_CLOSE,
        STEP_BACKEND_CRASH,  STEP_BACKEND_HANG,
        STEP_BACKEND_STALL,  STEP_BACKEND_RESIZE,
        STEP_EVENT_LOSE,     STEP_BACKEND_POWER_CUT,
        STEP_EVENT_SPURIOUS, STEP_EVENT_STORM,
        STEP_GRANT_KEEP,     STEP_BACKEND_READ_ONLY,
        STEP_STORE_WRITE,    STEP_STORE_FAIL,
        STEP_STORE_AGAIN,    STEP_STORE_DENY,
        STEP_WATCH_FIRE,     STEP_WATCH_LOSE,
        STEP_WATCH_MERGE,    STEP_WATCH_FLOOD,
        STEP_WATCH_LATE,     STEP_FAIL,
        STEP_SUSPEND,        STEP_RESUME,
        STEP_BACKEND_GO,     STEP_BACKEND_REWRITE_NODES,
    };
    unsigned seen[256] = {0};

    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        bool here[256] = {false};

        ck_assert_int_eq(scenario_swarm_program(&the_program, seed, 120), SCENARIO_OK);
        for (size_t i = 0; i < the_program.step_count; i++)
            here[the_program.steps[i].opcode] = true;
        for (unsigned i = 0; i < 256; i++)
            seen[i] += here[i];
    }
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        ck_assert_msg(seen[kinds[i]] > 0, "%s", scenario_row((uint8_t)kinds[i])->name);
        ck_assert_msg(seen[kinds[i]] < SEEDS * 2 / 3 || kinds[i] == STEP_FAULT, "%s",
                      scenario_row((uint8_t)kinds[i])->name);
    }
}
END_TEST

START_TEST(a_backend_does_everything_with_requests_that_it_should_not)
{
    unsigned actions[16] = {0}, resources[16] = {0};

    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        ck_assert_int_eq(scenario_swarm_program(&the_program, seed, 120), SCENARIO_OK);
        for (size_t i = 0; i < the_program.step_count; i++) {
            const struct scenario_step *step = &the_program.steps[i];

            if (step->opcode == STEP_FAULT)
                actions[scenario_value(step, FIELD_FAULT_ACTION)]++;
            if (step->opcode == STEP_FAIL)
                resources[scenario_value(step, FIELD_FAIL_RESOURCE)]++;
        }
    }
    for (unsigned action = CHOICE_ACTION_ERROR; action <= CHOICE_ACTION_MAPFAIL; action++)
        ck_assert_msg(actions[action] > 0, "action %u", action);
    for (unsigned resource = 0; resource <= CHOICE_RESOURCE_REVOKE; resource++)
        ck_assert_msg(resources[resource] > 0, "resource %u", resource);
}
END_TEST

/* What is left is a good program, with the trouble of the seed. */
START_TEST(a_seed_can_be_fitted_to_any_frontend)
{
    static const uint64_t capabilities[] = {0, SCENARIO_SUBJECT_FLUSH | SCENARIO_SUBJECT_RECOVERY,
                                            UINT64_MAX};
    struct scenario_problems problems;

    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        size_t steps;

        ck_assert_int_eq(scenario_swarm_program(&the_program, seed, 120), SCENARIO_OK);
        steps = the_program.step_count;
        scenario_swarm_fit(&the_program, capabilities[_i]);
        ck_assert_uint_ge(the_program.step_count, steps / 4);
        ck_assert(capabilities[_i] != UINT64_MAX || the_program.step_count == steps);
        scenario_problems_init(&problems);
        ck_assert_msg(scenario_check(&the_program, &problems) == SCENARIO_OK, "seed %u: %s",
                      (unsigned)seed, problems.list[0].text);
    }
}
END_TEST

/* The naive frontend lacks most; how it gets on with the rest is not the matter here. */
START_TEST(a_fitted_seed_asks_for_nothing_that_is_lacking)
{
    uint64_t capabilities = broken_subject(SOUND, NULL)->capabilities;

    for (uint64_t seed = 1; seed <= 60; seed++) {
        struct scenario_verdict verdict;

        ck_assert_int_eq(scenario_swarm_program(&the_program, seed, 40), SCENARIO_OK);
        scenario_swarm_fit(&the_program, capabilities);
        verdict = play_program(SOUND, false, &the_program);
        ck_assert_msg(verdict.outcome != SCENARIO_UNSUPPORTED, "seed %u: %s", (unsigned)seed,
                      verdict.reason);
    }
}
END_TEST

/* What still goes wrong behind a step; one bit each. */
static unsigned wrong_after(unsigned wrong, const struct scenario_step *step)
{
    enum { ASLEEP = 1, KEPT = 2, RULED = 4, FAILING = 8, CHANGED = 16 };

    switch (step->opcode) {
    case STEP_SUSPEND: return wrong | ASLEEP | CHANGED;
    case STEP_RESUME: return wrong & ~(unsigned)ASLEEP;
    case STEP_GRANT_KEEP: return wrong | KEPT;
    case STEP_GRANT_DROP: return wrong & ~(unsigned)KEPT;
    case STEP_FAULT: return wrong | RULED;
    case STEP_FAULT_CLEAR: return wrong & ~(unsigned)RULED;
    case STEP_FAIL:
    case STEP_STORE_FAIL:
    case STEP_STORE_AGAIN:
    case STEP_STORE_DENY:
    case STEP_WATCH_LOSE:
    case STEP_WATCH_MERGE:
    case STEP_WATCH_FLOOD:
    case STEP_WATCH_LATE:
    case STEP_EVENT_STORM: return wrong | FAILING;
    case STEP_EVENT_LOSE: return wrong | FAILING | CHANGED;
    case STEP_MEND: return wrong & ~(unsigned)FAILING;
    case STEP_BACKEND_CLOSE:
    case STEP_BACKEND_CRASH:
    case STEP_BACKEND_HANG:
    case STEP_BACKEND_STALL:
    case STEP_BACKEND_READ_ONLY:
    case STEP_BACKEND_POWER_CUT:
    case STEP_STORE_WRITE: return wrong | CHANGED;
    case STEP_BACKEND_RESTART: return wrong & ~(unsigned)CHANGED;
    default: return wrong;
    }
}

START_TEST(all_trouble_is_over_before_the_end)
{
    enum { END = 6 }; /* steps that have to be ok */

    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        unsigned wrong = 0;
        const struct scenario_step *end;

        ck_assert_int_eq(scenario_swarm_program(&the_program, seed, 120), SCENARIO_OK);
        end = the_program.steps + the_program.step_count - END;
        for (const struct scenario_step *step = the_program.steps; step < end; step++)
            wrong = wrong_after(wrong, step);
        ck_assert_msg(wrong == 0, "seed %u: %#x", (unsigned)seed, wrong);
        for (unsigned i = 0; i < END; i++)
            ck_assert_uint_eq(end[i].result, CHOICE_RESULT_OK);
    }
}
END_TEST

/* A connect that fails at once leaves no device that anything could be asked of. */
START_TEST(who_may_be_without_a_device_connects_again)
{
    unsigned seen = 0;

    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        bool failing = false;

        ck_assert_int_eq(scenario_swarm_program(&the_program, seed, 120), SCENARIO_OK);
        for (const struct scenario_step *step = the_program.steps;
             step < the_program.steps + the_program.step_count; step++) {
            if (step->opcode == STEP_CONNECT && failing) {
                ck_assert_uint_eq(step[1].opcode, STEP_MEND);
                ck_assert_uint_eq(step[2].opcode, STEP_CONNECT);
                seen++;
            }
            failing = step->opcode != STEP_MEND &&
                      (failing || step->opcode == STEP_FAIL || step->opcode == STEP_STORE_FAIL ||
                       step->opcode == STEP_STORE_DENY);
        }
    }
    ck_assert_uint_gt(seen, 0);
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("swarm");
    TCase *tests = tcase_create("swarm");

    tcase_set_timeout(tests, 60);
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, each_seed_gives_a_good_program);
    tcase_add_loop_test(tests, a_seed_can_be_fitted_to_any_frontend, 0, 3);
    tcase_add_test(tests, a_fitted_seed_asks_for_nothing_that_is_lacking);
    tcase_add_test(tests, a_program_is_its_text);
    tcase_add_test(tests, seeds_differ);
    tcase_add_test(tests, every_kind_of_trouble_comes_and_none_always);
    tcase_add_test(tests, a_backend_does_everything_with_requests_that_it_should_not);
    tcase_add_test(tests, all_trouble_is_over_before_the_end);
    tcase_add_test(tests, who_may_be_without_a_device_connects_again);
    suite_add_tcase(suite, tests);
    return suite;
}

CHECK_MAIN(make_suite)
