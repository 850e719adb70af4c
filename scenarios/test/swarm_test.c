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
        STEP_DISCARD,      STEP_FAULT,          STEP_BACKEND_CLOSE,         STEP_BACKEND_CRASH,
        STEP_BACKEND_HANG, STEP_BACKEND_RESIZE, STEP_BACKEND_POWER_CUT,     STEP_BACKEND_READ_ONLY,
        STEP_EVENT_LOSE,   STEP_EVENT_SPURIOUS, STEP_STORE_WRITE,           STEP_FAIL,
        STEP_SUSPEND,      STEP_RESUME,         STEP_BACKEND_REWRITE_NODES,
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

/* A connect that fails at once leaves no device that a disconnect could be ok for. */
START_TEST(the_first_disconnect_of_the_end_is_ok_where_there_is_a_device)
{
    enum { END = 6 }; /* steps from that disconnect on */
    unsigned seen[2] = {0, 0};

    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        bool failing = false, deviceless = false;
        const struct scenario_step *step;

        ck_assert_int_eq(scenario_swarm_program(&the_program, seed, 120), SCENARIO_OK);
        for (step = the_program.steps; step < the_program.steps + the_program.step_count - END;
             step++) {
            failing = failing || step->opcode == STEP_FAIL;
            if (step->opcode == STEP_CONNECT)
                deviceless = failing;
        }
        ck_assert_uint_eq(step->opcode, STEP_DISCONNECT);
        ck_assert_uint_eq(step->result == CHOICE_RESULT_OK, !deviceless);
        seen[deviceless]++;
    }
    ck_assert(seen[false] > 0 && seen[true] > 0);
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("swarm");
    TCase *tests = tcase_create("swarm");

    tcase_set_timeout(tests, 60);
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, each_seed_gives_a_good_program);
    tcase_add_test(tests, a_program_is_its_text);
    tcase_add_test(tests, seeds_differ);
    tcase_add_test(tests, every_kind_of_trouble_comes_and_none_always);
    tcase_add_test(tests, the_first_disconnect_of_the_end_is_ok_where_there_is_a_device);
    suite_add_tcase(suite, tests);
    return suite;
}

CHECK_MAIN(make_suite)
