/* SPDX-License-Identifier: ISC */
/*
 * Names of dialects: which are known after the steps so far, whether a step's can be, and which one
 * was probably meant. What a dialect does is nothing to the language.
 */
#include "dialect_names.h"

#include <stdio.h>
#include <string.h>

#include "check_refuse.h"
#include "suggest.h"
#include "value.h"

static bool same_name(const char *text, size_t length, const char *name, size_t name_length)
{
    return length == name_length && memcmp(text, name, length) == 0;
}

/* Name number `index` of those known besides the built-in ones; false: there are fewer. */
static bool own_dialect(const struct scenario_admission *admission, size_t index, const char **name,
                        size_t *length)
{
    const struct scenario_program *file = admission->dialects;
    struct scenario_string string;

    if (index < admission->own_dialect_count) {
        *name = scenario_text(admission->program, admission->own_dialects[index]);
        *length = admission->own_dialects[index].length;
        return true;
    }
    index -= admission->own_dialect_count;
    for (size_t i = 0; file != NULL && i < file->step_count; i++) {
        if (file->steps[i].opcode == STEP_DIALECT && index-- == 0) {
            string = scenario_string_of(&file->steps[i], FIELD_DIALECT_NAME);
            *name = scenario_text(file, string);
            *length = string.length;
            return true;
        }
    }
    return false;
}

bool scenario_knows_dialect(const struct scenario_admission *admission, const char *name,
                            size_t length)
{
    const char *known;
    size_t known_length;

    if (scenario_choice_index(CHOICES_DIALECT, name, length) >= 0) {
        return true;
    }
    for (size_t i = 0; own_dialect(admission, i, &known, &known_length); i++) {
        if (same_name(known, known_length, name, length)) {
            return true;
        }
    }
    return false;
}

/* The step's own name may be what is misspelt: "backend colse". */
static void offer_longer_names(struct suggestion *suggestion, const char *step, char near[64])
{
    struct suggestion pair = *suggestion;
    size_t length = strlen(step);

    for (size_t i = 0; i < scenario_row_count(); i++) {
        const char *name = scenario_row_at(i)->name;

        if (strncmp(name, step, length) == 0 && name[length] == ' ') {
            suggestion_offer(&pair, name + length + 1);
        }
    }
    if (pair.best != NULL) {
        snprintf(near, 64, "; did you mean '%s %s'?", step, pair.best);
    }
}

static bool refuse_dialect(const struct scenario_admission *admission, const char *step,
                           const char *name, size_t length, char *message, size_t size)
{
    struct suggestion suggestion;
    char found[FOUND_TEXT], near[64], known[SCENARIO_DIALECTS_MAX][32];
    const char *text;
    size_t text_length;

    suggestion_init(&suggestion, name, length);
    for (size_t i = 0; i < scenario_choice_count(CHOICES_DIALECT); i++) {
        suggestion_offer(&suggestion, scenario_choice(CHOICES_DIALECT, i));
    }
    for (size_t i = 0; i < SCENARIO_DIALECTS_MAX && own_dialect(admission, i, &text, &text_length);
         i++) {
        snprintf(known[i], sizeof known[i], "%.*s", (int)text_length, text);
        suggestion_offer(&suggestion, known[i]);
    }
    suggestion_text(&suggestion, near, sizeof near);
    if (suggestion.best == NULL) {
        offer_longer_names(&suggestion, step, near);
    }
    return check_refuse(message, size, "found '%s', expected the name of a dialect%s",
                        found_text(found, name, length), near);
}

/* The first dialect that the step names and nobody knows; of no length: there is none. */
static struct scenario_string unknown_dialect(const struct scenario_admission *admission,
                                              const struct scenario_step *step)
{
    const struct scenario_row *row = scenario_row(step->opcode);
    struct scenario_string none = {0, 0};

    for (unsigned i = 0; i < row->field_count; i++) {
        struct scenario_string name = scenario_open_name(step->values[i]);

        if (row->fields[i].type == SCENARIO_TYPE_OPEN && scenario_given(step, i) &&
            scenario_is_name(step->values[i]) &&
            !scenario_knows_dialect(admission, scenario_text(admission->program, name),
                                    name.length)) {
            return name;
        }
    }
    return none;
}

bool dialect_names_are_known(const struct scenario_admission *admission,
                             const struct scenario_step *step)
{
    return unknown_dialect(admission, step).length == 0;
}

/* Names of built-in ones may be taken: then it stands for that one. */
static bool is_new_dialect(const struct scenario_admission *admission,
                           const struct scenario_step *step, char *message, size_t size)
{
    struct scenario_string name = scenario_string_of(step, FIELD_DIALECT_NAME);
    const char *text = scenario_text(admission->program, name);

    if (admission->own_dialect_count == SCENARIO_DIALECTS_MAX) {
        return check_refuse(message, size, "more than %u dialects", SCENARIO_DIALECTS_MAX);
    }
    for (unsigned i = 0; i < admission->own_dialect_count; i++) {
        struct scenario_string known = admission->own_dialects[i];

        if (same_name(scenario_text(admission->program, known), known.length, text, name.length)) {
            return check_refuse(message, size, "found a second dialect '%.*s', expected one",
                                (int)name.length, text);
        }
    }
    return true;
}

/* Whatever is named has to be there; a new name has to be one, and new. */
bool dialect_names_fit(const struct scenario_admission *admission, const struct scenario_row *row,
                       const struct scenario_step *step, char *message, size_t size)
{
    struct scenario_string name = unknown_dialect(admission, step);

    if (name.length != 0) {
        return refuse_dialect(admission, row->name, scenario_text(admission->program, name),
                              name.length, message, size);
    }
    /* A backend may be there that is of it: so it is said in one piece. */
    if ((row->flags & SCENARIO_ROW_OF_DIALECT) != 0 && !admission->in_dialect) {
        return check_refuse(message, size, "found '%s', expected it right behind 'dialect'",
                            row->name);
    }
    if (row->opcode != STEP_DIALECT) {
        return true;
    }
    name = scenario_string_of(step, FIELD_DIALECT_NAME);
    if (!value_is_word(scenario_text(admission->program, name), name.length)) {
        return check_refuse(message, size,
                            "'dialect' expects a name of letters, digits, '-' and '_'");
    }
    name = scenario_string_of(step, FIELD_DIALECT_DIRECTORY);
    if (scenario_given(step, FIELD_DIALECT_DIRECTORY) &&
        !value_is_word(scenario_text(admission->program, name), name.length)) {
        return check_refuse(message, size, "directory= expects letters, digits, '-' and '_'");
    }
    return is_new_dialect(admission, step, message, size);
}
