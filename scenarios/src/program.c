/* SPDX-License-Identifier: ISC */
/*
 * The tree's memory: arrays that grow and are kept, steps put in, taken out, copied and compared.
 * Which values are good is the table's matter; which order is good the checker's.
 */
#include "scenario/program.h"

#include <stdlib.h>
#include <string.h>

/* The array with room for `needed` elements; doubles, so that a warm program allocates no more. */
static void *grow(void *array, size_t *room, size_t needed, size_t size, size_t max, int *result)
{
    size_t wanted = *room == 0 ? 16 : *room;
    void *bigger;

    *result = needed > max ? SCENARIO_TOO_LARGE : SCENARIO_OK;
    if (*result != 0 || needed <= *room) {
        return array;
    }
    while (wanted < needed) {
        wanted *= 2;
    }
    bigger = realloc(array, wanted * size);
    if (bigger == NULL) {
        *result = SCENARIO_NO_MEMORY;
        return array;
    }
    *room = wanted;
    return bigger;
}

#define GROW(program, array, needed, max, result)                                      \
    ((program)->array##s = grow((program)->array##s, &(program)->array##_room, needed, \
                                sizeof *(program)->array##s, max, result))

void scenario_program_init(struct scenario_program *program)
{
    memset(program, 0, sizeof *program);
    scenario_step_init(&program->world, STEP_WORLD);
}

void scenario_program_clear(struct scenario_program *program)
{
    program->step_count = 0;
    program->condition_count = 0;
    program->meta_count = 0;
    program->string_bytes = 0;
    program->has_world = false;
    program->notes_at_end = (struct scenario_string){0, 0};
    scenario_step_init(&program->world, STEP_WORLD);
}

void scenario_program_fini(struct scenario_program *program)
{
    free(program->steps);
    free(program->conditions);
    free(program->metas);
    free(program->strings);
    scenario_program_init(program);
}

void scenario_step_init(struct scenario_step *step, enum scenario_opcode opcode)
{
    const struct scenario_row *row = scenario_row((unsigned)opcode);

    memset(step, 0, offsetof(struct scenario_step, values));
    step->opcode = (uint8_t)opcode;
    for (unsigned i = 0; row != NULL && i < row->field_count; i++) {
        bool unset = (row->fields[i].flags & SCENARIO_FIELD_UNSET) != 0;

        step->values[i] = unset ? 0 : row->fields[i].fallback;
        if (row->fields[i].shape == SCENARIO_SHAPE_WORD) {
            step->given |= (uint64_t)1 << i;
        }
    }
}

int scenario_program_add_string(struct scenario_program *program, const char *text, size_t length,
                                struct scenario_string *string)
{
    int result;

    if (length > SCENARIO_STRINGS_MAX) {
        return SCENARIO_TOO_LARGE;
    }
    GROW(program, string, program->string_bytes + length, SCENARIO_STRINGS_MAX, &result);
    if (result != 0) {
        return result;
    }
    string->offset = (uint32_t)program->string_bytes;
    string->length = (uint32_t)length;
    if (length != 0) {
        memcpy(program->strings + program->string_bytes, text, length);
    }
    program->string_bytes += length;
    return SCENARIO_OK;
}

/* A step's conditions lie one behind the other; those of an older step move to the end first. */
int scenario_program_add_condition(struct scenario_program *program, struct scenario_step *step,
                                   const struct scenario_condition *condition)
{
    struct scenario_condition added = *condition; /* it may lie in the array that moves */
    size_t count = step->condition_count;
    bool is_last = count == 0 || step->first_condition + count == program->condition_count;
    int result;

    GROW(program, condition, program->condition_count + (is_last ? 1 : count + 1),
         SCENARIO_CONDITIONS_MAX, &result);
    if (result != 0) {
        return result;
    }
    if (!is_last) {
        memcpy(&program->conditions[program->condition_count],
               &program->conditions[step->first_condition], count * sizeof added);
    }
    if (!is_last || count == 0) {
        step->first_condition = (uint32_t)program->condition_count;
        program->condition_count += is_last ? 0 : count;
    }
    program->conditions[program->condition_count++] = added;
    step->condition_count++;
    return SCENARIO_OK;
}

int scenario_program_add_meta(struct scenario_program *program, const struct scenario_meta *meta)
{
    int result;

    GROW(program, meta, program->meta_count + 1, SCENARIO_METAS_MAX, &result);
    if (result == 0) {
        program->metas[program->meta_count++] = *meta;
    }
    return result;
}

/* The same text in another program; in the same one it stays where it is. */
static int move_string(struct scenario_program *to, const struct scenario_program *from,
                       struct scenario_string *string)
{
    if (to == from || string->length == 0) {
        return SCENARIO_OK;
    }
    return scenario_program_add_string(to, scenario_text(from, *string), string->length, string);
}

static int move_step(struct scenario_program *to, const struct scenario_program *from,
                     struct scenario_step *step)
{
    const struct scenario_row *row = scenario_row(step->opcode);
    uint32_t first = step->first_condition;
    uint16_t count = step->condition_count;
    int result = move_string(to, from, &step->notes.before);

    if (result == 0) {
        result = move_string(to, from, &step->notes.behind);
    }
    for (unsigned i = 0; result == 0 && row != NULL && i < row->field_count; i++) {
        if (scenario_keeps_text(row->fields[i].type, step->values[i])) {
            uint64_t mark = row->fields[i].type == SCENARIO_TYPE_OPEN ? SCENARIO_OPEN_NAME : 0;
            struct scenario_string string = scenario_unpack(step->values[i] & ~mark);

            result = move_string(to, from, &string);
            step->values[i] = scenario_pack(string) | mark;
        }
    }
    step->condition_count = 0;
    for (uint16_t i = 0; result == 0 && i < count; i++) {
        struct scenario_condition condition = from->conditions[first + i];

        if (scenario_condition_row(condition.key)->type == SCENARIO_TYPE_STRING) {
            struct scenario_string string = scenario_unpack(condition.value);

            result = move_string(to, from, &string);
            condition.value = scenario_pack(string);
        }
        if (result == 0) {
            result = scenario_program_add_condition(to, step, &condition);
        }
    }
    return result;
}

int scenario_program_insert(struct scenario_program *program, size_t index,
                            const struct scenario_program *from, const struct scenario_step *step)
{
    struct scenario_step moved = *step;
    int result;

    GROW(program, step, program->step_count + 1, SCENARIO_STEPS_MAX, &result);
    if (result == 0 && from != NULL) {
        result = move_step(program, from, &moved);
    }
    if (result != 0) {
        return result;
    }
    memmove(&program->steps[index + 1], &program->steps[index],
            (program->step_count - index) * sizeof moved);
    program->steps[index] = moved;
    program->step_count++;
    return SCENARIO_OK;
}

void scenario_program_remove(struct scenario_program *program, size_t index, size_t count)
{
    memmove(&program->steps[index], &program->steps[index + count],
            (program->step_count - index - count) * sizeof *program->steps);
    program->step_count -= count;
}

int scenario_program_copy(struct scenario_program *to, const struct scenario_program *from)
{
    int result;

    scenario_program_clear(to);
    to->world = from->world;
    to->has_world = from->has_world;
    to->notes_at_end = from->notes_at_end;
    result = move_step(to, from, &to->world);
    if (result == 0) {
        result = move_string(to, from, &to->notes_at_end);
    }
    for (size_t i = 0; result == 0 && i < from->meta_count; i++) {
        struct scenario_meta meta = from->metas[i];

        result = move_string(to, from, &meta.value);
        if (result == 0) {
            result = move_string(to, from, &meta.notes.before);
        }
        if (result == 0) {
            result = move_string(to, from, &meta.notes.behind);
        }
        if (result == 0) {
            result = scenario_program_add_meta(to, &meta);
        }
    }
    for (size_t i = 0; result == 0 && i < from->step_count; i++) {
        result = scenario_program_insert(to, to->step_count, from, &from->steps[i]);
    }
    return result;
}

/* ---- comparing ---- */

static bool same_string(const struct scenario_program *a, struct scenario_string in_a,
                        const struct scenario_program *b, struct scenario_string in_b)
{
    return in_a.length == in_b.length &&
           memcmp(scenario_text(a, in_a), scenario_text(b, in_b), in_a.length) == 0;
}

static bool same_notes(const struct scenario_program *a, struct scenario_notes in_a,
                       const struct scenario_program *b, struct scenario_notes in_b)
{
    return same_string(a, in_a.before, b, in_b.before) &&
           same_string(a, in_a.behind, b, in_b.behind);
}

static bool same_value(uint8_t type, const struct scenario_program *a, uint64_t in_a,
                       const struct scenario_program *b, uint64_t in_b)
{
    if (type == SCENARIO_TYPE_STRING) {
        return same_string(a, scenario_unpack(in_a), b, scenario_unpack(in_b));
    }
    if (type == SCENARIO_TYPE_OPEN && scenario_is_name(in_a) && scenario_is_name(in_b)) {
        return same_string(a, scenario_open_name(in_a), b, scenario_open_name(in_b));
    }
    return in_a == in_b;
}

static bool same_step(const struct scenario_program *a, const struct scenario_step *in_a,
                      const struct scenario_program *b, const struct scenario_step *in_b)
{
    const struct scenario_row *row = scenario_row(in_a->opcode);

    if (in_a->opcode != in_b->opcode || in_a->device != in_b->device ||
        in_a->given != in_b->given || in_a->result != in_b->result ||
        in_a->result_negated != in_b->result_negated || in_a->negated != in_b->negated ||
        in_a->condition_count != in_b->condition_count) {
        return false;
    }
    for (unsigned i = 0; row != NULL && i < row->field_count; i++) {
        if (!same_value(row->fields[i].type, a, in_a->values[i], b, in_b->values[i])) {
            return false;
        }
    }
    for (unsigned i = 0; i < in_a->condition_count; i++) {
        const struct scenario_condition *left = &a->conditions[in_a->first_condition + i];
        const struct scenario_condition *right = &b->conditions[in_b->first_condition + i];

        if (left->key != right->key || left->compare != right->compare ||
            !same_value(scenario_condition_row(left->key)->type, a, left->value, b, right->value)) {
            return false;
        }
    }
    return true;
}

bool scenario_program_equal(const struct scenario_program *a, const struct scenario_program *b,
                            bool notes)
{
    bool same = a->step_count == b->step_count && a->meta_count == b->meta_count &&
                same_step(a, &a->world, b, &b->world);

    if (same && notes) {
        same = a->has_world == b->has_world &&
               same_string(a, a->notes_at_end, b, b->notes_at_end) &&
               same_notes(a, a->world.notes, b, b->world.notes);
    }
    for (size_t i = 0; same && i < a->meta_count; i++) {
        same = a->metas[i].kind == b->metas[i].kind &&
               same_string(a, a->metas[i].value, b, b->metas[i].value) &&
               (!notes || same_notes(a, a->metas[i].notes, b, b->metas[i].notes));
    }
    for (size_t i = 0; same && i < a->step_count; i++) {
        same = same_step(a, &a->steps[i], b, &b->steps[i]) &&
               (!notes || same_notes(a, a->steps[i].notes, b, b->steps[i].notes));
    }
    return same;
}
