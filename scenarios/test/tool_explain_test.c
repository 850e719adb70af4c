/* SPDX-License-Identifier: ISC */
/*
 * simblk explain: what it tells of a rule's bugs is what docs/bugs.md says, row by row; of a step,
 * what docs/language.md says.
 */
#include "check_main.h"
#include "tool_help.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

enum { RULES = 21 };

/* One row of docs/bugs.md: "| 12 | R | the bug | `scenario` | I1 I2 | mutant |". */
struct row {
    char *cell[6];
};

static bool read_row(char *line, struct row *row)
{
    size_t cells = 0;

    if (strncmp(line, "| ", 2) != 0 || line[2] < '0' || line[2] > '9')
        return false;
    line += 2;
    while (line != NULL && cells < 6) {
        char *end = strstr(line, " | ");

        row->cell[cells++] = line;
        if (end != NULL)
            *end = '\0';
        line = end == NULL ? NULL : end + 3;
    }
    return cells == 6;
}

static bool names_rule(const char *rules, unsigned rule)
{
    char name[8];
    const char *found = rules;
    size_t length = (size_t)snprintf(name, sizeof(name), "I%u", rule);

    while ((found = strstr(found, name)) != NULL) {
        if (found[length] == '\0' || found[length] == ' ')
            return true;
        found += length;
    }
    return false;
}

START_TEST(each_rule_tells_the_bugs_of_its_rows_and_no_others)
{
    unsigned rule = (unsigned)_i, rows = 0, told = 0;
    struct outcome run = shell("$simblk explain I%u", rule);
    char *bugs = get_file(SIMBLK_SOURCE_DIR "/docs/bugs.md");

    assert_status(run, 0);
    for (char *line = strtok(bugs, "\n"); line != NULL; line = strtok(NULL, "\n")) {
        struct row row;
        char wanted[600];

        if (!read_row(line, &row) || !names_rule(row.cell[4], rule))
            continue;
        snprintf(wanted, sizeof(wanted), "\n%3s %s  %s\n", row.cell[0], row.cell[1], row.cell[2]);
        assert_contains(run.out, wanted);
        rows++;
    }
    for (const char *at = run.out; (at = strstr(at, "\n       scenarios/regression/")) != NULL;
         at++)
        told++;
    ck_assert_uint_ge(told, rows);
    told = 0;
    for (const char *at = run.out; (at = strchr(at, '\n')) != NULL; at++)
        told += strlen(at) > 6 && strchr("FBRX", at[5]) != NULL && at[4] == ' ' && at[6] == ' ' &&
                at[3] >= '0' && at[3] <= '9';
    ck_assert_uint_eq(told, rows);
    ck_assert_uint_gt(rows, 0);
}
END_TEST

START_TEST(every_rule_has_a_reason_and_a_source)
{
    struct outcome run = shell("$simblk explain I%d", _i);

    assert_contains(run.out, "\nWhy\n    ");
    assert_contains(run.out, "\nWhere it is from\n    ");
    assert_lacks(run.out, "(null)");
}
END_TEST

START_TEST(scenarios_that_are_named_are_there)
{
    struct outcome run;

    run = shell("for rule in $($simblk explain | sed 's/ .*//'); do $simblk explain $rule; done | "
                "sed -n 's,^ *\\(scenarios/.*\\.scn\\)$,\\1,p' | sort -u | while read -r file; do "
                "echo \"$file\"; [ -f '%s'/\"$file\" ] || echo \"missing $file\"; done",
                SIMBLK_SOURCE_DIR);
    assert_contains(run.out, "scenarios/regression/mirage-read-only.scn\n");
    assert_lacks(run.out, "missing");
}
END_TEST

START_TEST(without_a_rule_all_are_listed_and_what_is_none_is_said_so)
{
    struct outcome run;

    run = shell("$simblk explain | wc -l");
    ck_assert_int_eq(atoi(run.out), RULES);
    run = shell("$simblk explain i7 7 | grep -c '^I7 data: '");
    ck_assert_str_eq(run.out, "2\n");
    for (int i = 0; i < 5; i++) {
        static const char *const none[] = {"I0", "I22", "x", "I7x", "-7"};

        run = shell("$simblk explain %s", none[i]);
        assert_status(run, 2);
    }
    assert_contains(run.err, "explain");
}
END_TEST

START_TEST(a_step_is_told_as_the_language_says_it)
{
    const char *manual = get_file(SIMBLK_SOURCE_DIR "/docs/language.md");
    const char *section = strstr(manual, "\n#### backend crash\n");
    struct outcome run;

    ck_assert_ptr_nonnull(section);
    section += strlen("\n#### ");
    run = shell("$simblk explain 'backend crash'");
    assert_status(run, 0);
    ck_assert_mem_eq(run.out, section, strlen(run.out));
    ck_assert_ptr_eq(strstr(section, "\n#### "), section + strlen(run.out)); /* all of it */
}
END_TEST

START_TEST(the_conditions_of_a_step_are_told_with_it)
{
    struct outcome run = shell("$simblk explain read | grep -E '^. .(data|detail|cdrom). '");

    assert_contains(run.out, "| `data` | 0 to 255 | what was read");
    assert_contains(run.out, "| `detail` | ");
    ck_assert_ptr_null(strstr(run.out, "cdrom"));
    run = shell("$simblk explain backend | grep -c '| condition |'");
    assert_contains(run.out, "0");
}
END_TEST

START_TEST(a_first_word_means_all_steps_that_it_begins)
{
    struct outcome run =
        shell("$simblk explain backend I7 wait | grep -A 1 -E '^(wait|backend|I7)'");

    assert_status(run, 0);
    ck_assert_ptr_eq(strstr(run.out, "backend\n"), run.out);
    assert_contains(run.out, "\nbackend crash\n");
    assert_contains(run.out, "\nI7 data: ");
    assert_contains(run.out, "\nwait\n");
    run = shell("$simblk explain fualt");
    assert_status(run, 2);
    assert_contains(run.err, "explain: there is no rule and no step 'fualt'");
    assert_contains(run.err, "'fault'");
}
END_TEST

static Suite *tool_explain_suite(void)
{
    Suite *suite = suite_create("simblk explain");
    TCase *tests = tool_case("tests");

    tcase_add_loop_test(tests, each_rule_tells_the_bugs_of_its_rows_and_no_others, 1, RULES + 1);
    tcase_add_loop_test(tests, every_rule_has_a_reason_and_a_source, 1, RULES + 1);
    tcase_add_test(tests, scenarios_that_are_named_are_there);
    tcase_add_test(tests, without_a_rule_all_are_listed_and_what_is_none_is_said_so);
    tcase_add_test(tests, a_step_is_told_as_the_language_says_it);
    tcase_add_test(tests, the_conditions_of_a_step_are_told_with_it);
    tcase_add_test(tests, a_first_word_means_all_steps_that_it_begins);
    suite_add_tcase(suite, tests);
    return suite;
}

CHECK_MAIN(tool_explain_suite)
