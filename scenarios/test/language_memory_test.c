/* SPDX-License-Identifier: ISC */
/*
 * Each allocation of the language fails in turn: an error, nothing leaked (the sanitizers look),
 * and the program can be used again.
 */
#include "check_main.h"
#include "heap.h"
#include "language_help.h"
#include "scenario/variants.h"

static const char text[] = "# note\ntitle \"t\"\nvariants seed=1,2 mode=r,w\n"
                           "backend linux params=\"a b\"\nconnect -> ok detail=\"x\"\n"
                           "read 0 +8 -> ok data=0 # note\nexpect front=4\n";

struct everything {
    struct scenario_program program, other;
    struct scenario_buffer buffer, bytes;
    struct scenario_problems problems;
};

/* All that allocates, one after the other; the first error ends it. */
static int do_everything(struct everything *all)
{
    int result = scenario_parse(&all->program, text, strlen(text), &all->problems);

    if (result == 0) {
        result = scenario_check(&all->program, &all->problems);
    }
    if (result == 0) {
        result = scenario_print(&all->program, &all->buffer);
    }
    if (result == 0) {
        result = scenario_variant(&all->other, &all->program, 3, &all->buffer);
    }
    if (result == 0) {
        result = scenario_encode(&all->program, &all->bytes);
    }
    if (result == 0) {
        scenario_program_fini(&all->other);
        result = scenario_decode(&all->other, all->bytes.data, all->bytes.length, NULL);
    }
    if (result == 0) {
        result = scenario_parse_step(&all->other, "run", 3, &all->problems);
    }
    return result;
}

START_TEST(each_allocation_fails_in_turn_and_nothing_leaks)
{
    struct everything all;
    unsigned nth = 0;
    bool fired;
    int result;

    do {
        scenario_program_init(&all.program);
        scenario_program_init(&all.other);
        scenario_buffer_init(&all.buffer);
        scenario_buffer_init(&all.bytes);
        scenario_problems_init(&all.problems);
        heap_fail(++nth, false);
        result = do_everything(&all);
        fired = heap_failed() != 0;
        heap_fail(0, false);
        ck_assert_int_eq(result != 0, fired);
        ck_assert(scenario_program_check(&all.program));
        ck_assert(scenario_program_check(&all.other));
        if (fired) { /* the same objects work again */
            scenario_buffer_clear(&all.buffer);
            scenario_buffer_clear(&all.bytes);
            scenario_problems_init(&all.problems);
            ck_assert_int_eq(do_everything(&all), 0);
        }
        scenario_program_fini(&all.program);
        scenario_program_fini(&all.other);
        scenario_buffer_fini(&all.buffer);
        scenario_buffer_fini(&all.bytes);
    } while (fired);
    ck_assert_uint_gt(nth, 20);
}
END_TEST

static Suite *memory_suite(void)
{
    Suite *suite = suite_create("language_memory");
    TCase *tests = tcase_create("memory");

    tcase_add_test(tests, each_allocation_fails_in_turn_and_nothing_leaks);
    suite_add_tcase(suite, tests);
    return suite;
}

CHECK_MAIN(memory_suite)
