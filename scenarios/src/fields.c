/* SPDX-License-Identifier: ISC */
/*
 * Fields of a step: set, reset, set by name, walked over; and the tree's own consistency check.
 * Keeps the rule that a field at its default is not given, so that equal programs are equal bit by
 * bit.
 */
#include <stdio.h>
#include <string.h>

#include "suggest.h"
#include "value.h"

static uint64_t bit(unsigned field)
{
    return (uint64_t)1 << field;
}

static bool is_default(const struct scenario_field *field, uint64_t value)
{
    if (field->shape == SCENARIO_SHAPE_WORD || (field->flags & SCENARIO_FIELD_UNSET) != 0) {
        return false;
    }
    return field->type == SCENARIO_TYPE_STRING ? (uint32_t)value == 0 : value == field->fallback;
}

int scenario_step_set(struct scenario_step *step, unsigned index, uint64_t value)
{
    const struct scenario_row *row = scenario_row(step->opcode);
    const struct scenario_field *field;

    if (row == NULL || index >= row->field_count || !value_in_range(&row->fields[index], value)) {
        return SCENARIO_INVALID;
    }
    field = &row->fields[index];
    if (field->type == SCENARIO_TYPE_SPAN_LAST) {
        if (value < step->values[index - 1]) {
            return SCENARIO_INVALID;
        }
        step->values[index] = value;
        return SCENARIO_OK;
    }
    if (is_default(field, value)) {
        scenario_step_reset(step, index);
        return SCENARIO_OK;
    }
    step->values[index] = value;
    step->given |= bit(index);
    if (field->type == SCENARIO_TYPE_SPAN && step->values[index + 1] < value) {
        step->values[index + 1] = value;
    }
    return SCENARIO_OK;
}

void scenario_step_reset(struct scenario_step *step, unsigned index)
{
    const struct scenario_row *row = scenario_row(step->opcode);
    const struct scenario_field *field;

    if (row == NULL || index >= row->field_count) {
        return;
    }
    field = &row->fields[index];
    step->values[index] = (field->flags & SCENARIO_FIELD_UNSET) != 0 ? 0 : field->fallback;
    if (field->shape != SCENARIO_SHAPE_WORD) {
        step->given &= ~bit(index);
    }
    if (field->type == SCENARIO_TYPE_SPAN) {
        step->values[index + 1] = 0;
    }
}

static int refuse_field(const struct scenario_row *row, const char *name, size_t length,
                        char *message, size_t size)
{
    char found[FOUND_TEXT];
    char near[64];
    struct suggestion suggestion;

    suggestion_init(&suggestion, name, length);
    for (unsigned i = 0; i < row->field_count; i++) {
        suggestion_offer(&suggestion, row->fields[i].name);
    }
    suggestion_text(&suggestion, near, sizeof near);
    if (message != NULL) {
        snprintf(message, size, "found '%s', expected a field of '%s'%s",
                 found_text(found, name, length), row->name, near);
    }
    return SCENARIO_INVALID;
}

int scenario_step_set_text(struct scenario_program *program, struct scenario_step *step,
                           const char *name, size_t name_length, const char *text, size_t length,
                           char *message, size_t size)
{
    const struct scenario_row *row = scenario_row(step->opcode);
    int index = row == NULL ? -1 : scenario_field_index(row, name, name_length);
    struct scenario_field field;
    char why[VALUE_MESSAGE];
    uint64_t values[2];
    int result;

    if (row == NULL) {
        return SCENARIO_INVALID;
    }
    if (index < 0) {
        return refuse_field(row, name, name_length, message, size);
    }
    field = row->fields[index];
    field.flags = (uint8_t)(field.flags & ~(unsigned)SCENARIO_FIELD_PLUS);
    result = value_read(program, &field, text, length, values, why);
    if (result != 0) {
        if (message != NULL && result == SCENARIO_INVALID) {
            snprintf(message, size, "%s", why);
        }
        return result;
    }
    result = scenario_step_set(step, (unsigned)index, values[0]);
    if (result == 0 && field.type == SCENARIO_TYPE_SPAN) {
        step->values[index + 1] = values[1];
    }
    return result;
}

/* ---- walking ---- */

void scenario_fields_begin(struct scenario_field_iterator *iterator,
                           struct scenario_program *program)
{
    memset(iterator, 0, sizeof *iterator);
    iterator->program = program;
    iterator->step = &program->world;
}

bool scenario_fields_next(struct scenario_field_iterator *iterator)
{
    const struct scenario_row *row = scenario_row(iterator->step->opcode);

    if (iterator->started) {
        iterator->field_index++;
    }
    iterator->started = true;
    while (iterator->field_index >= row->field_count) {
        if (iterator->step_index == iterator->program->step_count) {
            return false;
        }
        iterator->step = &iterator->program->steps[iterator->step_index++];
        iterator->field_index = 0;
        row = scenario_row(iterator->step->opcode);
    }
    iterator->field = &row->fields[iterator->field_index];
    return true;
}

/* ---- consistency ---- */

static bool string_check(const struct scenario_program *program, struct scenario_string string)
{
    return string.length == 0 || (string.offset <= program->string_bytes &&
                                  string.length <= program->string_bytes - string.offset);
}

static bool notes_check(const struct scenario_program *program, struct scenario_notes notes)
{
    return string_check(program, notes.before) && string_check(program, notes.behind);
}

static bool field_check(const struct scenario_program *program, const struct scenario_step *step,
                        const struct scenario_row *row, unsigned index)
{
    const struct scenario_field *field = &row->fields[index];
    uint64_t value = step->values[index];

    if (field->type == SCENARIO_TYPE_SPAN_LAST) {
        return (step->given & bit(index)) == 0 && value >= step->values[index - 1];
    }
    if (!scenario_given(step, index)) {
        return field->shape != SCENARIO_SHAPE_WORD &&
               ((field->flags & SCENARIO_FIELD_UNSET) != 0 ? value == 0 : value == field->fallback);
    }
    if (scenario_keeps_text(field->type, value) &&
        !string_check(program, field->type == SCENARIO_TYPE_OPEN ? scenario_open_name(value)
                                                                 : scenario_unpack(value))) {
        return false;
    }
    /* A required string that was never filled in is the checker's finding, not a broken tree. */
    return !is_default(field, value) &&
           (value_in_range(field, value) || field->shape == SCENARIO_SHAPE_WORD);
}

static bool conditions_check(const struct scenario_program *program,
                             const struct scenario_step *step)
{
    if (step->condition_count != 0 &&
        (step->first_condition > program->condition_count ||
         step->condition_count > program->condition_count - step->first_condition)) {
        return false;
    }
    for (unsigned i = 0; i < step->condition_count; i++) {
        const struct scenario_condition *condition =
            &program->conditions[step->first_condition + i];
        struct scenario_field field;

        if (condition->key >= CONDITION_COUNT_OF_ALL ||
            condition->compare > SCENARIO_GREATER_EQUAL) {
            return false;
        }
        field = value_field_of_condition(
            scenario_condition_row((enum scenario_condition_key)condition->key));
        if (!value_in_range(&field, condition->value) ||
            (field.type == SCENARIO_TYPE_STRING &&
             !string_check(program, scenario_unpack(condition->value)))) {
            return false;
        }
    }
    return true;
}

static bool step_check(const struct scenario_program *program, const struct scenario_step *step)
{
    const struct scenario_row *row = scenario_row(step->opcode);

    if (row == NULL || step->device >= SCENARIO_DEVICES_MAX ||
        step->result >= CHOICE_RESULT_COUNT || step->given >> row->field_count != 0 ||
        !notes_check(program, step->notes) || !conditions_check(program, step)) {
        return false;
    }
    for (unsigned i = 0; i < row->field_count; i++) {
        if (!field_check(program, step, row, i)) {
            return false;
        }
    }
    return true;
}

bool scenario_program_check(const struct scenario_program *program)
{
    bool good = program->world.opcode == STEP_WORLD && step_check(program, &program->world) &&
                program->step_count <= SCENARIO_STEPS_MAX &&
                program->string_bytes <= SCENARIO_STRINGS_MAX &&
                program->condition_count <= SCENARIO_CONDITIONS_MAX &&
                program->meta_count <= SCENARIO_METAS_MAX &&
                string_check(program, program->notes_at_end);

    for (size_t i = 0; good && i < program->meta_count; i++) {
        good = program->metas[i].kind < SCENARIO_META_COUNT &&
               string_check(program, program->metas[i].value) &&
               notes_check(program, program->metas[i].notes);
    }
    for (size_t i = 0; good && i < program->step_count; i++) {
        good = program->steps[i].opcode != STEP_WORLD && step_check(program, &program->steps[i]);
    }
    return good;
}
