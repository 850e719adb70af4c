/* SPDX-License-Identifier: ISC */
/*
 * docs/language.md against the table: its reference is what the table says, its examples are good
 * scenarios, and the table is consistent. `scenarios_language_manual --write` is not a test: it
 * writes the reference anew.
 */
#include "check_main.h"
#include "language_help.h"
#include "scenario/reference.h"

#define MANUAL SIMBLK_SOURCE_DIR "/docs/language.md"
#define MARK   "<!-- The rest is written from the table of steps: do not edit. -->\n\n"

START_TEST(the_table_is_consistent)
{
    ck_assert(scenario_table_check());
}
END_TEST

START_TEST(the_reference_is_what_the_table_says)
{
    struct scenario_buffer manual;
    struct scenario_buffer reference;
    const char *mark;

    scenario_buffer_init(&manual);
    scenario_buffer_init(&reference);
    read_file(MANUAL, &manual);
    mark = strstr(manual.data, MARK);
    ck_assert_ptr_nonnull(mark);
    scenario_reference(&reference);
    ck_assert_msg(strcmp(mark + strlen(MARK), reference.data) == 0,
                  MANUAL " is not what the table says: run this test program with --write");
    scenario_buffer_fini(&manual);
    scenario_buffer_fini(&reference);
}
END_TEST

START_TEST(the_examples_are_good_scenarios)
{
    struct scenario_buffer manual;
    struct scenario_program program;
    struct scenario_problems problems;
    struct scenario_buffer printed;
    const char *at;
    unsigned count = 0;

    scenario_buffer_init(&manual);
    scenario_buffer_init(&printed);
    scenario_program_init(&program);
    read_file(MANUAL, &manual);
    for (at = manual.data; (at = strstr(at, "```scn\n")) != NULL; count++) {
        const char *end;

        at += strlen("```scn\n");
        end = strstr(at, "```\n");
        parse_good(&program, at, (size_t)(end - at));
        scenario_problems_init(&problems);
        ck_assert_msg(scenario_check(&program, &problems) == 0, "%s", problems.list[0].text);
        scenario_buffer_clear(&printed);
        scenario_print(&program, &printed);
        ck_assert_uint_eq(printed.length, (size_t)(end - at)); /* and canonical */
        ck_assert_int_eq(memcmp(printed.data, at, printed.length), 0);
        at = end;
    }
    ck_assert_uint_ge(count, 4);
    scenario_program_fini(&program);
    scenario_buffer_fini(&manual);
    scenario_buffer_fini(&printed);
}
END_TEST

/* Names are found both ways, and a name of two words begins with no word that eats the second. */
START_TEST(every_name_finds_its_row)
{
    struct scenario_problems problems;
    struct scenario_program program;

    scenario_program_init(&program);
    for (size_t i = 0; i < scenario_row_count(); i++) {
        const struct scenario_row *row = scenario_row_at(i);
        const char *text = row->name;

        ck_assert_ptr_eq(scenario_row(row->opcode), row);
        ck_assert_ptr_eq(scenario_row_by_name(text, strlen(text)), row);
        scenario_problems_init(&problems);
        scenario_program_clear(&program);
        if (scenario_parse(&program, text, strlen(text), &problems) == 0) {
            const struct scenario_step *step =
                row->opcode == STEP_WORLD ? &program.world : &program.steps[0];

            ck_assert_uint_eq(step->opcode, row->opcode);
        } else {
            ck_assert_msg(strstr(problems.list[0].text, " has no ") != NULL, "%s",
                          problems.list[0].text);
        }
    }
    ck_assert_ptr_null(scenario_row(0));
    ck_assert_ptr_null(scenario_row(255));
    ck_assert_ptr_null(scenario_row(256));
    ck_assert_ptr_null(scenario_row_at(scenario_row_count()));
    scenario_program_fini(&program);
}
END_TEST

/* Every field of every step as text and back, at its bounds and each of its words. */
START_TEST(every_field_is_printed_and_read_back)
{
    struct scenario_program program;
    struct scenario_buffer text;
    struct scenario_buffer again;

    scenario_program_init(&program);
    scenario_buffer_init(&text);
    scenario_buffer_init(&again);
    for (size_t i = 1; i < scenario_row_count(); i++) {
        const struct scenario_row *row = scenario_row_at(i);

        for (unsigned field = 0; field < row->field_count; field++) {
            uint64_t values[] = {row->fields[field].min, row->fields[field].max, 1, 2, 3};

            for (unsigned v = 0; v < 5; v++) {
                struct scenario_step step;

                scenario_step_init(&step, (enum scenario_opcode)row->opcode);
                if (row->fields[field].type == SCENARIO_TYPE_STRING ||
                    row->fields[field].shape == SCENARIO_SHAPE_HIDDEN ||
                    row->opcode == STEP_EXPECT || row->opcode == STEP_EXPECT_NODE ||
                    row->opcode == STEP_EXPECT_LOG ||
                    scenario_step_set(&step, field, values[v]) != 0) {
                    continue;
                }
                scenario_program_clear(&program);
                ck_assert_int_eq(scenario_program_insert(&program, 0, NULL, &step), 0);
                scenario_buffer_clear(&text);
                scenario_print(&program, &text);
                reprint(text.data, text.length, &again);
                ck_assert_str_eq(text.data, again.data);
                parse_good(&program, text.data, text.length);
                ck_assert_uint_eq(program.steps[0].given, step.given);
                ck_assert_uint_eq(program.steps[0].values[field], step.values[field]);
            }
        }
    }
    scenario_buffer_fini(&text);
    scenario_buffer_fini(&again);
    scenario_program_fini(&program);
}
END_TEST

static Suite *manual_suite(void)
{
    Suite *suite = suite_create("language_manual");
    TCase *tests = tcase_create("manual");

    tcase_add_test(tests, the_table_is_consistent);
    tcase_add_test(tests, the_reference_is_what_the_table_says);
    tcase_add_test(tests, the_examples_are_good_scenarios);
    tcase_add_test(tests, every_name_finds_its_row);
    tcase_add_test(tests, every_field_is_printed_and_read_back);
    suite_add_tcase(suite, tests);
    return suite;
}

static int write_reference(void)
{
    struct scenario_buffer manual;
    FILE *file;

    scenario_buffer_init(&manual);
    if (!load_file(MANUAL, &manual) || strstr(manual.data, MARK) == NULL) {
        fprintf(stderr, "%s: cannot be read\n", MANUAL);
        return EXIT_FAILURE;
    }
    manual.length = (size_t)(strstr(manual.data, MARK) - manual.data) + strlen(MARK);
    scenario_reference(&manual);
    file = fopen(MANUAL, "wb");
    if (file == NULL || fwrite(manual.data, 1, manual.length, file) != manual.length ||
        fclose(file) != 0) {
        perror(MANUAL);
        return EXIT_FAILURE;
    }
    scenario_buffer_fini(&manual);
    return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "--write") == 0) {
        return write_reference();
    }
    return check_main(manual_suite());
}
