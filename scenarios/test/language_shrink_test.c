/* SPDX-License-Identifier: ISC */
/*
 * The minimiser: it comes to the smallest program that its judge takes, whatever stands round it.
 */
#include "check_main.h"
#include "language_help.h"
#include "scenario/shrink.h"

static const char large[] = "world    seed=77 grants=100 platform=share\n"
                            "backend  linux sectors=4096 mode=r params=\"file:/some/where\"\n"
                            "xvdb: backend minimal\n"
                            "connect  xvda request_deadline=10ms       -> ok\n"
                            "xvdb: connect                             -> ok\n"
                            "fault    op=write nth=3 status=-5 delay=20ms as R\n"
                            "read     0 +8 async as A\n"
                            "read     1234 +100 buffers=7 align=12\n"
                            "wait     A                                -> ok data=0\n"
                            "write    16 +8 fill=9                     -> io-error\n"
                            "store write front/state \"something long\"\n"
                            "release  R\n"
                            "disconnect                                -> ok\n"
                            "expect   requests>2 grants=0\n";

struct wish {
    bool (*wanted)(const struct scenario_step *step, const struct scenario_program *program);
    uint32_t asked;
};

/* Some step is wanted. */
static bool any_step(void *context, const struct scenario_program *program)
{
    struct wish *wish = context;

    wish->asked++;
    ck_assert(scenario_program_is_valid(program));
    for (size_t i = 0; i < program->step_count; i++) {
        if (wish->wanted(&program->steps[i], program)) {
            return true;
        }
    }
    return false;
}

static void expect_shrunk(bool (*wanted)(const struct scenario_step *step,
                                         const struct scenario_program *program),
                          const char *smallest)
{
    struct wish wish = {.wanted = wanted};
    struct scenario_shrink shrink = {.judge = any_step, .context = &wish};
    struct scenario_program program;
    struct scenario_buffer text;

    scenario_program_init(&program);
    scenario_buffer_init(&text);
    parse_good(&program, large, strlen(large));
    ck_assert_int_eq(scenario_shrink(&program, &shrink), 0);
    ck_assert_uint_eq(shrink.runs, wish.asked);
    ck_assert(scenario_program_check(&program));
    ck_assert_int_eq(scenario_print(&program, &text), 0);
    ck_assert_str_eq(text.data, smallest);
    scenario_buffer_fini(&text);
    scenario_program_fini(&program);
}

static bool long_read(const struct scenario_step *step, const struct scenario_program *program)
{
    (void)program;
    return step->opcode == STEP_READ && scenario_value(step, FIELD_READ_COUNT) > 10 &&
           scenario_value(step, FIELD_READ_SECTOR) >= 1000;
}

START_TEST(steps_and_fields_go_and_numbers_approach_the_simplest)
{
    expect_shrunk(long_read, "backend  linux\n"
                             "connect                             -> ok\n"
                             "read     1000 +11\n");
}
END_TEST

static bool two_devices(const struct scenario_step *step, const struct scenario_program *program)
{
    (void)program;
    return step->opcode == STEP_CONNECT && step->device == 1;
}

START_TEST(what_is_needed_stays)
{
    expect_shrunk(two_devices, "backend  linux\n"
                               "xvdb: connect                       -> ok\n");
}
END_TEST

static bool long_value(const struct scenario_step *step, const struct scenario_program *program)
{
    (void)program;
    return step->opcode == STEP_STORE_WRITE &&
           scenario_string_of(step, FIELD_STORE_WRITE_VALUE).length >= 5;
}

START_TEST(strings_are_cut)
{
    expect_shrunk(long_value, "backend  linux\n"
                              "connect                             -> ok\n"
                              "store    write \"\" somet\n");
}
END_TEST

static bool negative_status(const struct scenario_step *step,
                            const struct scenario_program *program)
{
    (void)program;
    return step->opcode == STEP_FAULT && scenario_signed(step, FIELD_FAULT_STATUS) < -2;
}

START_TEST(negative_numbers_approach_too)
{
    expect_shrunk(negative_status, "backend  linux\n"
                                   "connect                             -> ok\n"
                                   "fault    status=-3\n");
}
END_TEST

static bool anything(const struct scenario_step *step, const struct scenario_program *program)
{
    (void)step;
    (void)program;
    return true;
}

START_TEST(it_ends_after_so_many_runs)
{
    struct wish wish = {.wanted = anything};
    struct scenario_shrink shrink = {.judge = any_step, .context = &wish, .max_runs = 3};
    struct scenario_program program;

    scenario_program_init(&program);
    parse_good(&program, large, strlen(large));
    ck_assert_int_eq(scenario_shrink(&program, &shrink), 0);
    ck_assert_uint_le(wish.asked, 3);
    scenario_program_fini(&program);
}
END_TEST

static Suite *shrink_suite(void)
{
    Suite *suite = suite_create("language_shrink");
    TCase *tests = tcase_create("programs");

    tcase_add_test(tests, steps_and_fields_go_and_numbers_approach_the_simplest);
    tcase_add_test(tests, what_is_needed_stays);
    tcase_add_test(tests, strings_are_cut);
    tcase_add_test(tests, negative_numbers_approach_too);
    tcase_add_test(tests, it_ends_after_so_many_runs);
    suite_add_tcase(suite, tests);
    return suite;
}

CHECK_MAIN(shrink_suite)
