/* SPDX-License-Identifier: ISC */
/*
 * Tree to canonical text. Columns are fixed, not fitted to the file, so that a changed line changes
 * no other.
 */
#include <string.h>

#include "parser.h"
#include "value.h"

#define NAME_WIDTH 8
#define ARROW_AT   36
#define COMMENT_AT 36

static void pad(struct scenario_buffer *buffer, size_t line_begin, size_t column)
{
    do {
        scenario_buffer_text(buffer, " ");
    } while (!buffer->failed && buffer->length - line_begin < column);
}

static void print_field(const struct scenario_program *program, const struct scenario_step *step,
                        const struct scenario_row *row, unsigned index,
                        struct scenario_buffer *buffer)
{
    const struct scenario_field *field = &row->fields[index];

    if (!scenario_given(step, index) || field->shape == SCENARIO_SHAPE_HIDDEN) {
        return;
    }
    scenario_buffer_text(buffer, " ");
    if (field->shape == SCENARIO_SHAPE_MARK) {
        scenario_buffer_text(buffer, field->name);
        return;
    }
    if (field->shape == SCENARIO_SHAPE_KEY) {
        scenario_buffer_format(buffer, "%s=", field->name);
    } else if (field->shape == SCENARIO_SHAPE_AS) {
        scenario_buffer_text(buffer, "as ");
    }
    value_write(buffer, program, field, field->shape == SCENARIO_SHAPE_KEY ? NULL : row,
                &step->values[index]);
}

static void print_conditions(const struct scenario_program *program,
                             const struct scenario_step *step, struct scenario_buffer *buffer)
{
    static const char *const signs[] = {"=", "!=", "<", "<=", ">", ">="};

    for (unsigned i = 0; i < step->condition_count; i++) {
        const struct scenario_condition *condition =
            &program->conditions[step->first_condition + i];
        const struct scenario_condition_row *row =
            scenario_condition_row((enum scenario_condition_key)condition->key);
        struct scenario_field field = value_field_of_condition(row);

        scenario_buffer_format(buffer, " %s%s", row->name, signs[condition->compare]);
        if (field.type == SCENARIO_TYPE_STRING) {
            struct scenario_string text = scenario_unpack(condition->value);

            scenario_print_string(buffer, scenario_text(program, text), text.length);
        } else {
            value_write(buffer, program, &field, NULL, &condition->value);
        }
    }
}

/* "backend close": the first word padded, so that what follows stands in one column. */
static void print_name(const struct scenario_step *step, const struct scenario_row *row,
                       bool aligned, struct scenario_buffer *buffer)
{
    size_t first = strcspn(row->name, " ");
    size_t begin;

    if (step->device != 0) {
        scenario_buffer_format(buffer, "xvd%c: ", 'a' + step->device);
    }
    begin = buffer->length;
    scenario_buffer_add(buffer, row->name, first);
    if (row->name[first] == 0 && (!aligned || (step->given == 0 && step->condition_count == 0))) {
        return;
    }
    while (aligned && !buffer->failed && buffer->length - begin < NAME_WIDTH) {
        scenario_buffer_text(buffer, " ");
    }
    if (step->negated) {
        scenario_buffer_text(buffer, " not");
    }
    scenario_buffer_text(buffer, row->name + first);
}

static void print_step(const struct scenario_program *program, const struct scenario_step *step,
                       bool aligned, struct scenario_buffer *buffer)
{
    const struct scenario_row *row = scenario_row(step->opcode);
    size_t begin = buffer->length;
    bool has_result = step->result != CHOICE_RESULT_NONE ||
                      ((row->flags & SCENARIO_ROW_RESULT) != 0 && step->condition_count != 0);

    print_name(step, row, aligned, buffer);
    for (unsigned i = 0; i < row->field_count; i++) {
        print_field(program, step, row, i, buffer);
    }
    if (has_result) {
        pad(buffer, begin, aligned ? ARROW_AT : 0);
        scenario_buffer_text(buffer, "->");
    }
    if (step->result != CHOICE_RESULT_NONE) {
        scenario_buffer_format(buffer, " %s%s", step->result_negated ? "!" : "",
                               scenario_choice(CHOICES_RESULT, step->result));
    }
    print_conditions(program, step, buffer);
}

int scenario_print_step(const struct scenario_program *program, const struct scenario_step *step,
                        struct scenario_buffer *buffer)
{
    print_step(program, step, false, buffer);
    return buffer->failed ? SCENARIO_NO_MEMORY : SCENARIO_OK;
}

static void print_before(const struct scenario_program *program, struct scenario_string before,
                         struct scenario_buffer *buffer)
{
    scenario_buffer_add(buffer, scenario_text(program, before), before.length);
}

static void print_behind(const struct scenario_program *program, struct scenario_string behind,
                         size_t begin, struct scenario_buffer *buffer)
{
    if (behind.length != 0) {
        if (buffer->length - begin >= COMMENT_AT) {
            scenario_buffer_text(buffer, " ");
        }
        pad(buffer, begin, COMMENT_AT);
        scenario_buffer_add(buffer, scenario_text(program, behind), behind.length);
    }
    scenario_buffer_text(buffer, "\n");
}

static void print_meta(const struct scenario_program *program, const struct scenario_meta *meta,
                       struct scenario_buffer *buffer)
{
    size_t begin;

    print_before(program, meta->notes.before, buffer);
    begin = buffer->length;
    scenario_buffer_text(buffer, meta_keyword(meta->kind));
    if (meta->value.length != 0) {
        pad(buffer, begin, NAME_WIDTH + 1);
    }
    if (meta->kind == SCENARIO_META_TITLE) {
        scenario_print_string(buffer, scenario_text(program, meta->value), meta->value.length);
    } else {
        scenario_buffer_add(buffer, scenario_text(program, meta->value), meta->value.length);
    }
    print_behind(program, meta->notes.behind, begin, buffer);
}

static void print_line(const struct scenario_program *program, const struct scenario_step *step,
                       struct scenario_buffer *buffer)
{
    size_t begin;

    print_before(program, step->notes.before, buffer);
    begin = buffer->length;
    print_step(program, step, true, buffer);
    print_behind(program, step->notes.behind, begin, buffer);
}

int scenario_print(const struct scenario_program *program, struct scenario_buffer *buffer)
{
    for (size_t i = 0; i < program->meta_count; i++) {
        print_meta(program, &program->metas[i], buffer);
    }
    if (program->has_world || program->world.given != 0) {
        print_line(program, &program->world, buffer);
    }
    for (size_t i = 0; i < program->step_count; i++) {
        print_line(program, &program->steps[i], buffer);
    }
    print_before(program, program->notes_at_end, buffer);
    return buffer->failed ? SCENARIO_NO_MEMORY : SCENARIO_OK;
}
