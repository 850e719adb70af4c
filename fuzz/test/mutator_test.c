/* SPDX-License-Identifier: ISC */
/*
 * The fuzzers' mutator: repeatable for a seed, within its bounds, and what it writes is a program
 * as it was meant.
 */
#include <check.h>
#include <string.h>

#include "check_main.h"
#include "fuzz.h"
#include "scenario/bytes.h"
#include "target.h"

const char *fuzz_target_name = "ring";

enum { ROOM = 256, LARGE = 4096 };

START_TEST(the_same_seed_makes_the_same_change)
{
    for (unsigned seed = 0; seed < 500; seed++) {
        uint8_t one[ROOM] = {1, 1}, two[ROOM] = {1, 1};
        size_t size_one = LLVMFuzzerCustomMutator(one, 2, ROOM, seed);
        size_t size_two = LLVMFuzzerCustomMutator(two, 2, ROOM, seed);

        ck_assert_uint_eq(size_one, size_two);
        ck_assert_mem_eq(one, two, size_one);
    }
}
END_TEST

START_TEST(it_stays_in_its_memory)
{
    for (size_t max = 1; max < 40; max++) {
        uint8_t data[ROOM], untouched[ROOM];
        size_t size = 0;

        memset(data, 0xee, sizeof(data));
        memset(untouched, 0xee, sizeof(untouched));
        for (unsigned seed = 0; seed < 200; seed++) {
            size = LLVMFuzzerCustomMutator(data, size, max, seed);
            ck_assert_uint_le(size, max);
            ck_assert_mem_eq(data + max, untouched, ROOM - max);
        }
    }
}
END_TEST

START_TEST(programs_grow_from_nothing)
{
    uint8_t data[ROOM];
    size_t size = 0;
    struct scenario_program program;
    size_t most = 0;

    scenario_program_init(&program);
    for (unsigned seed = 0; seed < 200; seed++) {
        size = LLVMFuzzerCustomMutator(data, size, ROOM, seed);
        ck_assert_int_eq(scenario_decode(&program, data, size, NULL), 0);
        most = program.step_count > most ? program.step_count : most;
    }
    ck_assert_uint_gt(most, 8);
    scenario_program_fini(&program);
}
END_TEST

START_TEST(two_inputs_cross_over)
{
    uint8_t out[ROOM];
    struct scenario_program program;
    bool of_both = false;
    size_t refused = 0;

    scenario_program_init(&program);
    for (unsigned seed = 0; seed < 100; seed++) {
        /* "a plain valid run" and "explicit, run, run" */
        size_t size = LLVMFuzzerCustomCrossOver(
            (const uint8_t *)"", 0, (const uint8_t *)"\x01\x01\x21\0\x21\0", 6, out, ROOM, seed);

        ck_assert_uint_le(size, ROOM);
        ck_assert_int_eq(scenario_decode(&program, out, size, NULL), 0);
        of_both = of_both || (program.step_count > 3 && program.steps[1].opcode == STEP_CONNECT &&
                              program.steps[program.step_count - 2].opcode == STEP_RUN);
    }
    ck_assert(of_both);
    for (unsigned seed = 0; seed < 100; seed++) {
        size_t size =
            LLVMFuzzerCustomCrossOver((const uint8_t *)"", 0, (const uint8_t *)"", 0, out, 1, seed);

        ck_assert_uint_le(size, 1);
        refused += size == 0; /* a program does not fit */
    }
    ck_assert_uint_gt(refused, 10);
    ck_assert_uint_lt(refused, 100);
    scenario_program_fini(&program);
}
END_TEST

START_TEST(only_steps_of_the_target_are_put_in)
{
    uint8_t data[ROOM];
    size_t size = 0;
    struct scenario_program program;
    bool hostile = false;

    scenario_program_init(&program);
    for (unsigned seed = 0; seed < 500; seed++) {
        size = LLVMFuzzerCustomMutator(data, size, ROOM, seed);
        /* As bytes anything may come, and is left out when it is read. */
        ck_assert_int_eq(scenario_decode(&program, data, size,
                                         &(struct scenario_decoder){
                                             .takes = &fuzz_target_find(fuzz_target_name)->takes}),
                         0);
        for (size_t i = 0; i < program.step_count; i++) {
            unsigned actor = scenario_row(program.steps[i].opcode)->actor;

            ck_assert_uint_ne(actor, SCENARIO_ACTOR_STORE);
            ck_assert_uint_ne(actor, SCENARIO_ACTOR_RESOURCE);
            hostile = hostile || actor == SCENARIO_ACTOR_HOSTILE;
        }
    }
    ck_assert(hostile);
    scenario_program_fini(&program);
}
END_TEST

/* It is one of the target's, and nothing behind it ends what it has begun. */
START_TEST(every_program_begins_with_a_device_that_is_connected)
{
    const struct fuzz_target *target = fuzz_target_find(fuzz_target_name);
    static uint8_t data[LARGE];
    size_t size = 0, persistent = 0;
    struct scenario_program program, known;

    scenario_program_init(&program);
    scenario_program_init(&known);
    for (unsigned seed = 0; seed < 1000; seed++) {
        size = LLVMFuzzerCustomMutator(data, size, LARGE, seed);
        ck_assert_int_eq(scenario_decode(&program, data, size, NULL), 0);
        ck_assert_uint_eq(program.steps[0].opcode, STEP_BACKEND);
        ck_assert_uint_eq(program.steps[1].opcode, STEP_CONNECT);
        ck_assert_uint_eq(scenario_value(&program.world, FIELD_WORLD_END), CHOICE_END_REST);
        persistent += scenario_given(&program.steps[1], FIELD_CONNECT_PERSISTENT);
        scenario_program_remove(&program, program.step_count - 1, 1); /* `expect rules` */
        ck_assert_int_eq(scenario_program_copy(&known, &program), 0);
        ck_assert_int_eq(fuzz_fit(target, &program), 0);
        ck_assert(scenario_program_equal(&known, &program, true));
    }
    ck_assert_uint_gt(persistent, 0);
    ck_assert_uint_lt(persistent, 1000);
    scenario_program_fini(&known);
    scenario_program_fini(&program);
}
END_TEST

/* Whatever else it is offered: what the player has played of it it need not play again. */
START_TEST(an_input_is_held_where_the_player_wants_it)
{
    uint8_t data[LARGE];
    struct scenario_program program, first;
    size_t alike = 0, most = 0;

    scenario_program_init(&program);
    scenario_program_init(&first);
    fuzz_shared.wanted = true;
    for (unsigned seed = 0; seed < 1000; seed++) {
        size_t before = fuzz_shared.steps;
        size_t size = LLVMFuzzerCustomMutator(data, seed % 3, LARGE, seed);
        size_t same = 0;

        ck_assert_int_eq(scenario_decode(&program, data, size, NULL), 0);
        while (same < program.step_count && same < first.step_count &&
               program.steps[same].opcode == first.steps[same].opcode &&
               program.steps[same].given == first.steps[same].given)
            same++;
        if (seed != 0 && fuzz_shared.steps == before && same >= before)
            alike++;
        most = fuzz_shared.steps > most ? fuzz_shared.steps : most;
        ck_assert_int_eq(scenario_program_copy(&first, &program), 0);
    }
    fuzz_shared.wanted = false;
    ck_assert_uint_gt(alike, 900);
    ck_assert_uint_gt(most, 2);
    scenario_program_fini(&first);
    scenario_program_fini(&program);
}
END_TEST

/* An input that is the one before is played for nothing. */
START_TEST(a_change_is_hardly_ever_none)
{
    static uint8_t data[LARGE], before[LARGE];
    size_t size = 0, none = 0;

    for (unsigned seed = 0; seed < 1000; seed++) {
        size_t old = size;

        memcpy(before, data, size);
        size = LLVMFuzzerCustomMutator(data, size, LARGE, seed);
        none += size == old && memcmp(before, data, size) == 0;
    }
    ck_assert_uint_lt(none, 40);
}
END_TEST

static Suite *mutator_suite(void)
{
    Suite *suite = suite_create("fuzz_mutator");
    TCase *tests = tcase_create("bytes");

    tcase_add_test(tests, the_same_seed_makes_the_same_change);
    tcase_add_test(tests, it_stays_in_its_memory);
    tcase_add_test(tests, programs_grow_from_nothing);
    tcase_add_test(tests, two_inputs_cross_over);
    tcase_add_test(tests, only_steps_of_the_target_are_put_in);
    tcase_add_test(tests, every_program_begins_with_a_device_that_is_connected);
    tcase_add_test(tests, an_input_is_held_where_the_player_wants_it);
    tcase_add_test(tests, a_change_is_hardly_ever_none);
    suite_add_tcase(suite, tests);
    return suite;
}

CHECK_MAIN(mutator_suite)
