/* SPDX-License-Identifier: ISC */
/*
 * Writes every word of the language as a dictionary for fuzzers that know nothing of it: for
 * fuzz_language, whose inputs are texts.
 *
 *     make_dictionary FILE
 */
#include <stdio.h>

#include "scenario/table.h"

static FILE *out;

static void say(const char *word, const char *behind)
{
    fprintf(out, "\"%s%s\"\n", word, behind);
}

static void say_row(const struct scenario_row *row)
{
    say(row->name, " ");
    for (unsigned i = 0; i < row->field_count; i++) {
        const struct scenario_field *field = &row->fields[i];

        if (field->shape == SCENARIO_SHAPE_KEY) {
            say(field->name, "=");
        } else if (field->shape == SCENARIO_SHAPE_MARK) {
            say(field->name, "");
        }
    }
}

static void say_all(void)
{
    static const char *const others[] = {
        "title ", "rule ",         "about ", "tag ", "variants ", "each ",
        "at ",    "simblk 1\\x0a", " -> ",   "not ", "as A",      "+",
        "#",      "\\\"",          "\\x00",  "ms",   "us",
    };

    for (size_t i = 0; i < scenario_row_count(); i++) {
        say_row(scenario_row_at(i));
    }
    for (unsigned set = 0; set < CHOICES_COUNT; set++) {
        for (size_t i = 0; i < scenario_choice_count((enum scenario_choices)set); i++) {
            const char *word = scenario_choice((enum scenario_choices)set, i);

            /* An empty entry makes libFuzzer refuse the whole file. */
            if (word[0] != '\0') {
                say(word, "");
            }
        }
    }
    for (unsigned key = 0; key < CONDITION_COUNT_OF_ALL; key++) {
        say(scenario_condition_row((enum scenario_condition_key)key)->name, "=");
    }
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        say(others[i], "");
    }
}

int main(int argc, char **argv)
{
    bool ok;

    if (argc != 2) {
        fputs("usage: make_dictionary FILE\n", stderr);
        return 2;
    }
    out = fopen(argv[1], "w");
    if (out == NULL) {
        perror(argv[1]);
        return 1;
    }
    say_all();
    ok = ferror(out) == 0;
    if (fclose(out) != 0 || !ok) {
        perror(argv[1]);
        return 1;
    }
    return 0;
}
