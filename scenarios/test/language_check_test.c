/* SPDX-License-Identifier: ISC */
/*
 * The checker (order, combinations), inversion, variants, and the tree's own functions.
 */
#include "check_main.h"
#include "language_help.h"
#include "scenario/variants.h"

/* The first problem of a text that reads well; NULL part: none. */
static void expect_check(const char *text, unsigned line, const char *part)
{
    struct scenario_program program;
    struct scenario_problems problems;

    scenario_program_init(&program);
    parse_good(&program, text, strlen(text));
    scenario_problems_init(&problems);
    if (part == NULL) {
        int result = scenario_check(&program, &problems);

        ck_assert_msg(result == 0, "%s", problems.list[0].text);
        ck_assert(scenario_program_is_valid(&program));
    } else {
        ck_assert_int_eq(scenario_check(&program, &problems), SCENARIO_INVALID);
        ck_assert(!scenario_program_is_valid(&program));
        ck_assert_uint_eq(problems.list[0].position.line, line);
        ck_assert_msg(strstr(problems.list[0].text, part) != NULL, "'%s' is not in '%s'", part,
                      problems.list[0].text);
    }
    scenario_program_fini(&program);
}

static const struct {
    const char *text;
    unsigned line;
    const char *part;
} cases[] = {
    {"expect rules", 0, NULL},
    {"backend linux\nconnect -> ok", 0, NULL},
    {"backend linux\nconnect", 1, "nothing is expected"},
    {"connect -> ok", 1, "expected 'backend' before it"},
    {"xvdb: backend linux\nconnect -> no-device", 0, NULL},
    {"backend linux\nread 0 +8 -> ok", 2, "expected 'connect' for xvda"},
    {"backend linux\nconnect\nxvdb: read 0 +8 -> ok", 3, "expected 'connect' for xvdb"},
    {"backend linux\nconnect\ndisconnect\nread 0 +8 -> disconnected", 0, NULL},
    {"backend linux\nconnect\nput\nread 0 +8 -> ok", 4, "expected 'connect'"},
    {"backend linux\nconnect\nconnect\nput\nread 0 +8 -> ok", 0, NULL},
    {"backend linux\nxvdb: fault error\nexpect quiet", 2, "expected 'backend' for xvdb"},
    {"backend linux\nbackend linux\nexpect quiet", 2, "a second 'backend'"},
    {"backend linux vdev=51760\nxvdd: backend linux\nexpect quiet", 2, "a second device 51760"},
    {"backend linux\nxvdb: backend linux vdev=51712\nexpect quiet", 2, "a second device 51712"},
    {"backend linux\nconnect\nwait A -> ok", 3, "found A, expected a name given to a call"},
    {"backend linux\nconnect as A\nrelease A\nexpect quiet", 3, "given to a fault rule"},
    {"backend linux\nfault hold as R\nwait R -> ok", 3, "given to a call"},
    {"backend linux\nconnect as A\nfault hold as A\nexpect quiet", 3, "not yet given"},
    {"backend linux\nring respond like=R1\nexpect quiet", 2, "found R1"},
    {"backend linux\nfault hold as R\nring respond like=R\nexpect quiet", 0, NULL},
    {"backend linux\nfault op=read\nexpect quiet", 2, "the rule does nothing"},
    {"backend linux\nring index\nexpect quiet", 2, "one of value= and add="},
    {"backend linux\nring index value=1 add=1\nexpect quiet", 2, "one of value= and add="},
    {"backend linux\nrun until\nexpect quiet", 2, "front= or back="},
    {"backend linux\nconnect\nread 0 +8 buffers=2 sizes=1 -> ok", 3, "one of them"},
    {"backend linux\nconnect\nwrite 0 +8 buffers=2 sizes=1 -> ok", 3, "one of them"},
    {"backend linux\nstore fail state\nexpect quiet", 2,
     "found the path 'state', expected front/…, back/… or an absolute one"},
    {"backend linux\nstore deny frontend/state\nexpect quiet", 2,
     "found the path 'frontend/state'"},
    {"backend linux\nwatch fire \"\"\nexpect quiet", 2, "found the path ''"},
    {"backend linux\nstore fail back/state/\nexpect quiet", 2, "found the path 'back/state/'"},
    {"backend linux\nwatch fire front//state\nexpect quiet", 2, "found the path 'front//state'"},
    {"backend linux\nconnect\nread 0 +8 async as A\nread 8 +8 beside=A -> ok", 0, NULL},
    {"backend linux\nconnect\nread 0 +8 beside=A -> ok", 3, "found A"},
    {"backend linux\nconnect\nread 0 +8 async as A\nwrite 8 +8 beside=A memory=library -> ok", 4,
     "found beside= and memory="},
    {"backend linux\nconnect\nread 0 +8 async as A\nread 8 +8 again=A -> ok", 0, NULL},
    {"backend linux\nconnect\nread 0 +8 async as A\nread 8 +8 again=A align=8 -> ok", 4,
     "found again= and what buffers are to be like"},
    {"backend linux\nconnect\nread 0 +8 async as A\nwrite 8 +8 again=A beside=A -> ok", 4,
     "found again= and what buffers are to be like"},
    {"backend linux\nconnect\nread 0 +8 async as A\nflush after=A -> pending", 0, NULL},
    {"backend linux\nconnect\nflush after=A -> pending", 3, "found A"},
    {"backend qemu\nexpect quiet", 0, NULL},
    {"backend mine\nexpect quiet", 1, "found 'mine', expected the name of a dialect"},
    {"backend colse\nexpect quiet", 1, "did you mean 'backend close'?"},
    {"dialect late\nbackend late\nexpect quiet", 0, NULL}, /* however near to "backend wake" */
    {"dialect mine\nbackend mine\nexpect quiet", 0, NULL},
    {"dialect mine like=linux\ndialect offers flush=no\nnode sectors\nbackend mine\nexpect quiet",
     0, NULL},
    {"dialect mine\nbackend mien\nexpect quiet", 2, "did you mean 'mine'?"},
    {"dialect mine like=other\nexpect quiet", 1, "found 'other', expected the name of a dialect"},
    {"dialect mine\ndialect other like=mine\nbackend other\nexpect quiet", 0, NULL},
    {"dialect mine\ndialect mine\nexpect quiet", 2, "a second dialect 'mine'"},
    {"dialect linux like=linux\nbackend linux\nexpect quiet", 0, NULL},
    {"dialect \"a b\"\nexpect quiet", 1, "a name of letters, digits, '-' and '_'"},
    {"dialect a directory=\"x/y\"\nexpect quiet", 1, "directory= expects letters"},
    {"dialect offers flush=no\nexpect quiet", 1, "expected it right behind 'dialect'"},
    {"dialect a\nbackend a\nnode sectors\nexpect quiet", 3, "right behind 'dialect'"},
    {"variants backend.dialect=linux,mine\ndialect mine\nbackend linux\nexpect quiet", 0, NULL},
    {"variants backend.dialect=linux,mine\nbackend linux\nexpect quiet", 1,
     "variants backend.dialect: found 'mine'"},
    {"backend linux\nfault torn\nexpect quiet", 0, NULL},
    {"at every step: run\nexpect quiet", 1, "'run' cannot strike at every step"},
    {"at every step: backend linux\nexpect quiet", 1, "expected a step of the backend, of Xen"},
    {"variants seed=1,2\nexpect quiet", 0, NULL},
    {"variants seed=1,x\nexpect quiet", 1, "variants seed: found 'x'"},
    {"variants seed\nexpect quiet", 1, "expected KEY=VALUE"},
    {"variants seed=1,,2\nexpect quiet", 1, "expected KEY=VALUE"},
    {"variants sede=1\nexpect quiet", 1, "found 'sede', expected a field of a step"},
    {"variants read.count=1\nexpect quiet", 1, "found 'read.count'"},
    {"variants order=0,2 persistent=no,yes\nbackend linux\nexpect quiet", 0, NULL},
    {"variants order=5\nbackend linux\nexpect quiet", 1, "variants order: found '5'"},
    {"variants recover=0ns,1s,ever\nbackend linux\nconnect -> ok", 0, NULL},
    {"variants mode=r,w dialect=minimal,linux\nbackend linux\nexpect quiet", 0, NULL},
};

START_TEST(the_checker_knows_the_order_of_things)
{
    expect_check(cases[_i].text, cases[_i].line, cases[_i].part);
}
END_TEST

/* ---- inversion ---- */

static const char to_invert[] = "backend  linux\n"
                                "connect                             -> ok\n"
                                "info                                -> ok sectors=3 vdev<4\n"
                                "expect   front>=4 back!=1\n"
                                "expect   quiet\n"
                                "expect   not log x\n";

static const struct {
    unsigned line;
    const char *text;
} inverted[] = {
    {2, "connect                             -> !ok\n"},
    {3, "info                                -> !ok sectors=3 vdev<4\n"},
    {3, "info                                -> ok sectors!=3 vdev<4\n"},
    {3, "info                                -> ok sectors=3 vdev>=4\n"},
    {4, "expect   front<4 back!=1\n"},
    {4, "expect   front>=4 back=1\n"},
    {5, "expect   not quiet\n"},
    {6, "expect   log x\n"},
};

START_TEST(each_expectation_is_inverted_alone)
{
    struct scenario_program program;
    struct scenario_position position;
    struct scenario_buffer buffer;

    scenario_program_init(&program);
    scenario_buffer_init(&buffer);
    parse_good(&program, to_invert, strlen(to_invert));
    ck_assert_uint_eq(scenario_expectation_count(&program), sizeof inverted / sizeof inverted[0]);
    ck_assert_int_eq(scenario_invert(&program, (size_t)_i, &position), 0);
    ck_assert_uint_eq(position.line, inverted[_i].line);
    scenario_print(&program, &buffer);
    ck_assert_msg(strstr(buffer.data, inverted[_i].text) != NULL, "%s", buffer.data);
    ck_assert_int_eq(scenario_invert(&program, (size_t)_i, NULL), 0);
    scenario_buffer_clear(&buffer);
    scenario_print(&program, &buffer);
    ck_assert_str_eq(buffer.data, to_invert);
    ck_assert_int_eq(scenario_invert(&program, 8, NULL), SCENARIO_INVALID);
    scenario_buffer_fini(&buffer);
    scenario_program_fini(&program);
}
END_TEST

/* ---- variants ---- */

START_TEST(variants_are_every_combination)
{
    static const char text[] = "variants seed=1,2 read.count+write.count=1,8\n"
                               "variants connect.name=xvda,\"a b,c\" fault.status=-1\n"
                               "variants read.sizes=\"1,2\"\n"
                               "backend linux\nconnect -> ok\nfault error\nread 0 +3\nwrite 5 +3\n";
    struct scenario_program program;
    struct scenario_program variant;
    struct scenario_buffer name;
    struct scenario_buffer buffer;

    scenario_program_init(&program);
    scenario_program_init(&variant);
    scenario_buffer_init(&name);
    scenario_buffer_init(&buffer);
    parse_good(&program, text, strlen(text));
    ck_assert(scenario_program_is_valid(&program));
    ck_assert_uint_eq(scenario_variant_count(&program), 8);
    ck_assert_int_eq(scenario_variant(&variant, &program, 7, &name), 0);
    ck_assert_str_eq(name.data, "seed=2,read.count+write.count=8,connect.name=\"a b,c\","
                                "fault.status=-1,read.sizes=\"1,2\"");
    scenario_print(&variant, &buffer);
    ck_assert_str_eq(buffer.data, "world    seed=2\nbackend  linux\n"
                                  "connect  \"a b,c\"                    -> ok\n"
                                  "fault    error status=-1\nread     0 +8 sizes=1,2\n"
                                  "write    5 +8\n");
    ck_assert_int_eq(scenario_variant(&variant, &program, 1, &name), 0);
    ck_assert_uint_eq(variant.world.values[FIELD_WORLD_SEED], 1);
    ck_assert_uint_eq(variant.steps[3].values[FIELD_READ_COUNT], 1);
    ck_assert_int_eq(scenario_variant(&variant, &program, 8, &name), SCENARIO_INVALID);
    scenario_buffer_fini(&name);
    scenario_buffer_fini(&buffer);
    scenario_program_fini(&program);
    scenario_program_fini(&variant);
}
END_TEST

START_TEST(a_file_without_variants_is_one)
{
    struct scenario_program program;
    struct scenario_program variant;
    struct scenario_buffer name;

    scenario_program_init(&program);
    scenario_program_init(&variant);
    scenario_buffer_init(&name);
    parse_good(&program, "expect quiet\n", 13);
    ck_assert_uint_eq(scenario_variant_count(&program), 1);
    ck_assert_int_eq(scenario_variant(&variant, &program, 0, &name), 0);
    ck_assert_str_eq(name.data, "");
    ck_assert(scenario_program_equal(&program, &variant, true));
    scenario_buffer_fini(&name);
    scenario_program_fini(&program);
    scenario_program_fini(&variant);
}
END_TEST

START_TEST(too_many_variants_are_refused)
{
    struct scenario_buffer text;

    scenario_buffer_init(&text);
    scenario_buffer_text(&text, "variants seed=1");
    for (unsigned i = 0; i < SCENARIO_VARIANTS_MAX; i++) {
        scenario_buffer_text(&text, ",1");
    }
    scenario_buffer_text(&text, "\nexpect quiet\n");
    expect_check(text.data, 1, "expected at most 4096");
    scenario_buffer_fini(&text);
}
END_TEST

/* ---- the tree ---- */

START_TEST(fields_are_set_by_name)
{
    struct scenario_program program;
    struct scenario_step step;
    char message[200] = "";

    scenario_program_init(&program);
    scenario_step_init(&step, STEP_READ);
    ck_assert_int_eq(scenario_step_set_text(&program, &step, "count", 5, "12", 2, NULL, 0), 0);
    ck_assert_uint_eq(step.values[FIELD_READ_COUNT], 12);
    ck_assert_int_eq(scenario_step_set_text(&program, &step, "async", 5, "yes", 3, NULL, 0), 0);
    ck_assert(scenario_given(&step, FIELD_READ_ASYNC));
    ck_assert_int_eq(scenario_step_set_text(&program, &step, "async", 5, "no", 2, NULL, 0), 0);
    ck_assert(!scenario_given(&step, FIELD_READ_ASYNC));
    ck_assert_int_eq(scenario_step_set_text(&program, &step, "cuont", 5, "1", 1, message, 200),
                     SCENARIO_INVALID);
    ck_assert(strstr(message, "did you mean 'count'?") != NULL);
    ck_assert_int_eq(scenario_step_set_text(&program, &step, "align", 5, "4096", 4, message, 200),
                     SCENARIO_INVALID);
    ck_assert(strstr(message, "a number from 0 to 4095") != NULL);
    scenario_program_fini(&program);
}
END_TEST

START_TEST(a_field_at_its_default_is_not_given)
{
    struct scenario_step step;

    scenario_step_init(&step, STEP_WRITE);
    ck_assert_int_eq(scenario_step_set(&step, FIELD_WRITE_FILL, 9), 0);
    ck_assert(scenario_given(&step, FIELD_WRITE_FILL));
    ck_assert_int_eq(scenario_step_set(&step, FIELD_WRITE_FILL, 1), 0);
    ck_assert(!scenario_given(&step, FIELD_WRITE_FILL));
    ck_assert_int_eq(scenario_step_set(&step, FIELD_WRITE_FILL, 256), SCENARIO_INVALID);
    ck_assert_int_eq(scenario_step_set(&step, FIELDS_WRITE, 0), SCENARIO_INVALID);
    scenario_step_reset(&step, FIELD_WRITE_COUNT);
    ck_assert(scenario_given(&step, FIELD_WRITE_COUNT)); /* a required field always stands there */
}
END_TEST

START_TEST(spans_stay_in_order)
{
    struct scenario_step step;

    scenario_step_init(&step, STEP_FAULT);
    ck_assert_int_eq(scenario_step_set(&step, FIELD_FAULT_SECTORS, 7), 0);
    ck_assert_uint_eq(step.values[FIELD_FAULT_SECTORS_LAST], 7);
    ck_assert_int_eq(scenario_step_set(&step, FIELD_FAULT_SECTORS_LAST, 6), SCENARIO_INVALID);
    ck_assert_int_eq(scenario_step_set(&step, FIELD_FAULT_SECTORS_LAST, 9), 0);
    scenario_step_reset(&step, FIELD_FAULT_SECTORS);
    ck_assert_uint_eq(step.values[FIELD_FAULT_SECTORS_LAST], 0);
    ck_assert_uint_eq(step.given, 0);
}
END_TEST

START_TEST(steps_move_between_programs_with_what_they_hold)
{
    static const char text[] =
        "backend linux params=\"a b\" # note\nconnect \"x y\" -> ok detail=\"q\"\n";
    struct scenario_program from;
    struct scenario_program to;
    struct scenario_buffer buffer;

    scenario_program_init(&from);
    scenario_program_init(&to);
    scenario_buffer_init(&buffer);
    parse_good(&from, text, strlen(text));
    ck_assert_int_eq(scenario_program_insert(&to, 0, &from, &from.steps[1]), 0);
    ck_assert_int_eq(scenario_program_insert(&to, 0, &from, &from.steps[0]), 0);
    ck_assert_int_eq(scenario_program_insert(&to, 2, &to, &to.steps[0]), 0);
    scenario_program_fini(&from);
    ck_assert(scenario_program_check(&to));
    scenario_program_remove(&to, 0, 1);
    scenario_print(&to, &buffer);
    ck_assert_str_eq(buffer.data, "connect  \"x y\"                      -> ok detail=\"q\"\n"
                                  "backend  linux params=\"a b\"         # note\n");
    scenario_buffer_fini(&buffer);
    scenario_program_fini(&to);
}
END_TEST

START_TEST(programs_differ_by_any_part)
{
    static const char *const texts[] = {"expect quiet",
                                        "expect not quiet",
                                        "expect front=1",
                                        "expect front=2",
                                        "expect front!=1",
                                        "expect back=1",
                                        "expect reason=\"a\"",
                                        "expect reason=\"b\"",
                                        "world seed=1",
                                        "info",
                                        "info -> ok",
                                        "info -> !ok",
                                        "info -> invalid",
                                        "xvdb: info",
                                        "read 0 +8",
                                        "read 1 +8",
                                        "connect a",
                                        "connect b",
                                        "connect",
                                        "connect \"\"",
                                        "title \"a\"",
                                        "title \"b\"",
                                        "tag a",
                                        "info -> ok sectors=1"};
    size_t count = sizeof texts / sizeof texts[0];
    struct scenario_program a;
    struct scenario_program b;

    scenario_program_init(&a);
    scenario_program_init(&b);
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < count; j++) {
            parse_good(&a, texts[i], strlen(texts[i]));
            parse_good(&b, texts[j], strlen(texts[j]));
            ck_assert_int_eq(scenario_program_equal(&a, &b, true), i == j);
        }
    }
    scenario_program_fini(&a);
    scenario_program_fini(&b);
}
END_TEST

START_TEST(all_fields_can_be_walked)
{
    static const char text[] = "world seed=1\ndevices\nread 0 +8\nrun\n";
    struct scenario_field_iterator iterator;
    struct scenario_program program;
    unsigned count = 0;

    scenario_program_init(&program);
    parse_good(&program, text, strlen(text));
    scenario_fields_begin(&iterator, &program);
    while (scenario_fields_next(&iterator)) {
        ck_assert_ptr_eq(iterator.field,
                         &scenario_row(iterator.step->opcode)->fields[iterator.field_index]);
        ck_assert_ptr_eq(iterator.step, iterator.step_index == 0
                                            ? &program.world
                                            : &program.steps[iterator.step_index - 1]);
        count++;
    }
    ck_assert_uint_eq(count, FIELDS_WORLD + FIELDS_READ + FIELDS_RUN);
    scenario_program_fini(&program);
}
END_TEST

/* Each part broken in turn: the predicate that tests and fuzzers rely on sees it. */
START_TEST(a_broken_tree_is_seen)
{
    static const char text[] = "connect \"x y\" -> ok detail=\"q\"\nread 0 +8 sizes=1\n";
    struct scenario_program program;
    struct scenario_step good;

    scenario_program_init(&program);
    parse_good(&program, text, strlen(text));
    good = program.steps[1];
    program.steps[1].opcode = 0;
    ck_assert(!scenario_program_check(&program));
    program.steps[1] = good;
    program.steps[1].device = 16;
    ck_assert(!scenario_program_check(&program));
    program.steps[1] = good;
    program.steps[1].result = CHOICE_RESULT_COUNT;
    ck_assert(!scenario_program_check(&program));
    program.steps[1] = good;
    program.steps[1].given |= (uint64_t)1 << FIELDS_READ;
    ck_assert(!scenario_program_check(&program));
    program.steps[1] = good;
    program.steps[1].given |= (uint64_t)1 << FIELD_READ_ALIGN; /* given, at its default */
    ck_assert(!scenario_program_check(&program));
    program.steps[1] = good;
    program.steps[1].values[FIELD_READ_ALIGN] = 5; /* not given, not at its default */
    ck_assert(!scenario_program_check(&program));
    program.steps[1] = good;
    program.steps[1].values[FIELD_READ_SIZES] = 0x0100;
    ck_assert(!scenario_program_check(&program));
    program.steps[1] = good;
    ck_assert(scenario_program_check(&program));
    program.steps[0].first_condition = 7;
    ck_assert(!scenario_program_check(&program));
    program.steps[0].first_condition = 0;
    program.conditions[0].key = CONDITION_COUNT_OF_ALL;
    ck_assert(!scenario_program_check(&program));
    program.conditions[0].key = CONDITION_DETAIL;
    ck_assert(scenario_program_check(&program));
    program.string_bytes = 2;
    ck_assert(!scenario_program_check(&program));
    scenario_program_fini(&program);
}
END_TEST

static Suite *check_suite(void)
{
    Suite *suite = suite_create("language_check");
    TCase *tests = tcase_create("check");

    tcase_add_loop_test(tests, the_checker_knows_the_order_of_things, 0,
                        (int)(sizeof cases / sizeof cases[0]));
    tcase_add_loop_test(tests, each_expectation_is_inverted_alone, 0,
                        (int)(sizeof inverted / sizeof inverted[0]));
    tcase_add_test(tests, variants_are_every_combination);
    tcase_add_test(tests, a_file_without_variants_is_one);
    tcase_add_test(tests, too_many_variants_are_refused);
    tcase_add_test(tests, fields_are_set_by_name);
    tcase_add_test(tests, a_field_at_its_default_is_not_given);
    tcase_add_test(tests, spans_stay_in_order);
    tcase_add_test(tests, steps_move_between_programs_with_what_they_hold);
    tcase_add_test(tests, programs_differ_by_any_part);
    tcase_add_test(tests, all_fields_can_be_walked);
    tcase_add_test(tests, a_broken_tree_is_seen);
    suite_add_tcase(suite, tests);
    return suite;
}

CHECK_MAIN(check_suite)
