/* SPDX-License-Identifier: ISC */
/*
 * The mutator: whatever it makes is valid in all three spellings, repeatable, and comes to every
 * step and field that chance may choose.
 */
#include "check_main.h"
#include "language_help.h"
#include "scenario/mutate.h"

enum { MAX_STEPS = 24 };

static const char good[] = "world seed=3\nbackend linux sectors=64\nbackend linux params=file:/a\n"
                           "connect\nfault op=read nth=2 hold as R\nread 0 +8 async as A\n"
                           "store write front/x \"1\"\nrelease R\nwait A\nring index add=-1\n"
                           "write 8 +8 sizes=1,2\ndisconnect\n";

static uint64_t from_state(void *context)
{
    return next_random(context);
}

static void parse_text(struct scenario_program *program, const char *text)
{
    parse_good(program, text, strlen(text));
}

static void assert_valid(const struct scenario_program *program)
{
    struct scenario_program again;
    struct scenario_buffer text, bytes;

    ck_assert(scenario_program_check(program));
    ck_assert_uint_le(program->step_count, MAX_STEPS);
    scenario_program_init(&again);
    scenario_buffer_init(&text);
    scenario_buffer_init(&bytes);
    ck_assert_int_eq(scenario_print(program, &text), 0);
    if (text.length != 0) {
        parse_good(&again, text.data, text.length);
        ck_assert(scenario_program_equal(program, &again, false));
    }
    ck_assert_int_eq(scenario_encode(program, &bytes), 0);
    ck_assert_int_eq(scenario_decode(&again, bytes.data, bytes.length, NULL), 0);
    ck_assert(scenario_program_is_valid(&again));
    ck_assert_uint_eq(again.step_count, program->step_count + 1); /* and `expect rules` */
    scenario_buffer_fini(&bytes);
    scenario_buffer_fini(&text);
    scenario_program_fini(&again);
}

START_TEST(whatever_comes_out_is_valid)
{
    uint64_t state = 4711;
    struct scenario_chance chance = {from_state, &state};
    struct scenario_program program, other;

    scenario_program_init(&program);
    scenario_program_init(&other);
    parse_text(&other, good);
    for (int round = 0; round < 3000; round++) {
        if (round % 100 == 0) {
            parse_text(&program, good);
        }
        ck_assert_int_eq(
            scenario_mutate(&program, round % 2 == 0 ? &other : NULL, MAX_STEPS, &chance, NULL), 0);
        assert_valid(&program);
    }
    scenario_program_fini(&program);
    scenario_program_fini(&other);
}
END_TEST

START_TEST(two_programs_cross_over)
{
    uint64_t state = 12;
    struct scenario_chance chance = {from_state, &state};
    struct scenario_program program, other;
    bool longer = false, shorter = false;

    scenario_program_init(&program);
    scenario_program_init(&other);
    parse_text(&other, good);
    for (int round = 0; round < 300; round++) {
        parse_text(&program, "backend linux\nconnect\nread 0 +1\nflush\n");
        ck_assert_int_eq(scenario_cross_over(&program, &other, 0, 0, MAX_STEPS, &chance), 0);
        assert_valid(&program);
        longer = longer || program.step_count > 4;
        shorter = shorter || program.step_count < 4;
    }
    ck_assert(longer && shorter);
    for (int round = 0; round < 100; round++) {
        parse_text(&program, "backend linux\nconnect\nread 0 +1\nflush\n");
        ck_assert_int_eq(scenario_cross_over(&program, &other, 2, 4, MAX_STEPS, &chance), 0);
        assert_valid(&program);
        ck_assert_uint_ge(program.step_count, 2);
        ck_assert_uint_eq(program.steps[1].opcode, STEP_CONNECT);
        for (size_t i = 2; i < program.step_count; i++) {
            ck_assert_uint_ne(program.steps[i].opcode, STEP_CONNECT);
            ck_assert_uint_ne(program.steps[i].opcode, STEP_BACKEND);
        }
    }
    scenario_program_fini(&program);
    scenario_program_fini(&other);
}
END_TEST

START_TEST(the_same_chance_gives_the_same_program)
{
    struct scenario_program programs[2];

    for (int i = 0; i < 2; i++) {
        uint64_t state = 99;
        struct scenario_chance chance = {from_state, &state};

        scenario_program_init(&programs[i]);
        parse_text(&programs[i], good);
        for (int round = 0; round < 200; round++) {
            ck_assert_int_eq(scenario_mutate(&programs[i], NULL, MAX_STEPS, &chance, NULL), 0);
        }
    }
    ck_assert(scenario_program_equal(&programs[0], &programs[1], false));
    scenario_program_fini(&programs[0]);
    scenario_program_fini(&programs[1]);
}
END_TEST

/* May chance give this field a value? */
static bool is_open(const struct scenario_row *row, unsigned field)
{
    return row->fields[field].shape != SCENARIO_SHAPE_HIDDEN &&
           (row->fields[field].flags & SCENARIO_FIELD_TEXT_ONLY) == 0;
}

START_TEST(chance_comes_to_every_step_and_field)
{
    static uint64_t seen[256];
    static bool row_seen[256];
    uint64_t state = 7;
    struct scenario_chance chance = {from_state, &state};
    struct scenario_program program;
    struct scenario_step step;

    scenario_program_init(&program);
    for (int round = 0; round < 200000; round++) {
        scenario_program_clear(&program);
        ck_assert_int_eq(scenario_random_step(&program, &step, &chance, NULL), 0);
        seen[step.opcode] |= step.given;
        row_seen[step.opcode] = true;
    }
    for (size_t i = 0; i < scenario_row_count(); i++) {
        const struct scenario_row *row = scenario_row_at(i);
        bool chosen = row->weight != 0;

        ck_assert_msg(row_seen[row->opcode] == chosen, "%s", row->name);
        for (unsigned f = 0; chosen && f < row->field_count; f++) {
            ck_assert_msg((seen[row->opcode] >> f & 1) == is_open(row, f), "%s %s", row->name,
                          row->fields[f].name);
        }
    }
    scenario_program_fini(&program);
}
END_TEST

START_TEST(only_what_is_allowed_is_chosen)
{
    uint64_t state = 7;
    struct scenario_chance chance = {from_state, &state};
    struct scenario_steps_allowed tame = {.first = 0}, nothing = {.first = 0};
    struct scenario_program program;
    struct scenario_step step;

    scenario_step_set_add_actor(&tame.steps, SCENARIO_ACTOR_APPLICATION);
    scenario_program_init(&program);
    for (int round = 0; round < 1000; round++) {
        ck_assert_int_eq(scenario_random_step(&program, &step, &chance, &tame), 0);
        ck_assert_uint_eq(scenario_row(step.opcode)->actor, SCENARIO_ACTOR_APPLICATION);
    }
    ck_assert_int_eq(scenario_random_step(&program, &step, &chance, &nothing), 0);
    ck_assert_uint_eq(step.opcode, STEP_RUN);
    scenario_program_fini(&program);
}
END_TEST

START_TEST(the_beginning_stays_where_it_has_to)
{
    static const char text[] = "world seed=3\nbackend linux\nconnect\nfault op=read hold as R\n"
                               "read 0 +8 async as A\nrelease R\nwait A\ndisconnect\n";
    uint64_t state = 11;
    struct scenario_chance chance = {from_state, &state};
    struct scenario_steps_allowed allowed = {
        .steps.bits = {UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX}, .first = 3};
    struct scenario_program program;
    struct scenario_buffer before, after;

    scenario_program_init(&program);
    scenario_buffer_init(&before);
    scenario_buffer_init(&after);
    for (int round = 0; round < 1000; round++) {
        parse_text(&program, text);
        ck_assert_int_eq(scenario_mutate(&program, NULL, MAX_STEPS, &chance, &allowed), 0);
        ck_assert_uint_ge(program.step_count, allowed.first);
        scenario_program_remove(&program, allowed.first, program.step_count - allowed.first);
        scenario_buffer_clear(round == 0 ? &before : &after);
        ck_assert_int_eq(scenario_print(&program, round == 0 ? &before : &after), 0);
        if (round != 0) {
            ck_assert_str_eq(before.data, after.data);
        }
    }
    allowed.first = MAX_STEPS; /* there are fewer: nothing changes but what is put in behind them */
    parse_text(&program, "backend linux\nconnect\n");
    ck_assert_int_eq(scenario_mutate(&program, NULL, MAX_STEPS, &chance, &allowed), 0);
    ck_assert_uint_ge(program.step_count, 2);
    ck_assert_uint_eq(program.steps[0].opcode, STEP_BACKEND);
    ck_assert_uint_eq(program.steps[1].opcode, STEP_CONNECT);
    scenario_buffer_fini(&before);
    scenario_buffer_fini(&after);
    scenario_program_fini(&program);
}
END_TEST

START_TEST(a_full_program_stays_within_its_limits)
{
    uint64_t state = 5;
    struct scenario_chance chance = {from_state, &state};
    struct scenario_program program;
    struct scenario_step step;

    scenario_program_init(&program);
    scenario_step_init(&step, STEP_RUN);
    for (size_t i = 0; i < SCENARIO_STEPS_MAX; i++) {
        ck_assert_int_eq(scenario_program_insert(&program, i, NULL, &step), 0);
    }
    for (int round = 0; round < 50; round++) {
        ck_assert_int_eq(scenario_mutate(&program, NULL, SCENARIO_STEPS_MAX, &chance, NULL), 0);
        ck_assert(scenario_program_check(&program));
    }
    scenario_program_fini(&program);
}
END_TEST

/* Whether some of many first steps by chance has the value in the field. */
static bool comes_to(const char *text, enum scenario_opcode opcode, unsigned field, uint64_t value)
{
    uint64_t state = 3;
    struct scenario_chance chance = {from_state, &state};
    struct scenario_program program;
    struct scenario_step step;
    bool found = false;

    scenario_program_init(&program);
    parse_text(&program, text);
    for (int round = 0; round < 300000 && !found; round++) {
        ck_assert_int_eq(scenario_random_step(&program, &step, &chance, NULL), 0);
        found =
            step.opcode == opcode && scenario_given(&step, field) && step.values[field] == value;
    }
    scenario_program_fini(&program);
    return found;
}

START_TEST(numbers_are_round_or_what_is_said_elsewhere)
{
    static const char text[] = "backend linux sectors=7654\nconnect request_deadline=123456789ns\n";

    ck_assert(comes_to(text, STEP_READ, FIELD_READ_ALIGN, 1536));
    ck_assert(comes_to(text, STEP_RUN, FIELD_RUN_TIME, UINT64_C(2000000000)));
    ck_assert(comes_to(text, STEP_READ, FIELD_READ_SECTOR, 7653));
    ck_assert(comes_to(text, STEP_READ, FIELD_READ_SECTOR, 7654));
    ck_assert(comes_to(text, STEP_RUN, FIELD_RUN_TIME, UINT64_C(123456790)));
}
END_TEST

/* Digits in the order in which they are read. */
START_TEST(numbers_in_nodes_are_near_powers_of_two)
{
    uint64_t state = 3;
    struct scenario_chance chance = {from_state, &state};
    struct scenario_program program;
    struct scenario_step step;
    bool found = false;

    scenario_program_init(&program);
    for (int round = 0; round < 300000 && !found; round++) {
        scenario_program_clear(&program);
        ck_assert_int_eq(scenario_random_step(&program, &step, &chance, NULL), 0);
        if (step.opcode == STEP_STORE_WRITE && scenario_given(&step, FIELD_STORE_WRITE_VALUE)) {
            struct scenario_string value = scenario_string_of(&step, FIELD_STORE_WRITE_VALUE);

            found =
                value.length == 10 && memcmp(scenario_text(&program, value), "4294967296", 10) == 0;
        }
    }
    ck_assert(found);
    scenario_program_fini(&program);
}
END_TEST

static Suite *mutate_suite(void)
{
    Suite *suite = suite_create("language_mutate");
    TCase *tests = tcase_create("programs");

    tcase_add_test(tests, whatever_comes_out_is_valid);
    tcase_add_test(tests, two_programs_cross_over);
    tcase_add_test(tests, the_same_chance_gives_the_same_program);
    tcase_add_test(tests, chance_comes_to_every_step_and_field);
    tcase_add_test(tests, numbers_are_round_or_what_is_said_elsewhere);
    tcase_add_test(tests, numbers_in_nodes_are_near_powers_of_two);
    tcase_add_test(tests, only_what_is_allowed_is_chosen);
    tcase_add_test(tests, the_beginning_stays_where_it_has_to);
    tcase_add_test(tests, a_full_program_stays_within_its_limits);
    tcase_set_timeout(tests, 60);
    suite_add_tcase(suite, tests);
    return suite;
}

CHECK_MAIN(mutate_suite)
