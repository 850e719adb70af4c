/* SPDX-License-Identifier: ISC */
/*
 * Values by chance, from what the table says of a field: its ends, its neighbours, small numbers,
 * powers of two, round ones, and what other steps of the program say; seldom anything at all.
 */
#include "mutate.h"

#include <string.h>

#include "value.h"

uint64_t chance_below(const struct scenario_chance *chance, uint64_t bound)
{
    return chance->next(chance->context) % bound;
}

static uint64_t near_power(const struct scenario_chance *chance)
{
    uint64_t power = UINT64_C(1) << chance_below(chance, 64);

    return power + chance_below(chance, 3) - 1;
}

enum { DISK_UNIT = 512, DIGITS_OF_TIME = 11 };

/* Times as they are set, from some nanoseconds to a minute and a half; units of a disk else. */
static uint64_t round_number(const struct scenario_field *field,
                             const struct scenario_chance *chance)
{
    uint64_t number = 1 + chance_below(chance, chance_below(chance, 8) == 0 ? 8192 : 9);

    if (field->type != SCENARIO_TYPE_TIME) {
        return number * DISK_UNIT;
    }
    for (uint64_t digits = chance_below(chance, DIGITS_OF_TIME); digits > 0; digits--) {
        number *= 10;
    }
    return number;
}

/* What a step says in a field of the same type, or beside it: sectors and sizes that meet, a time
 * that is just over. `now` where it says none. */
static uint64_t said_elsewhere(const struct scenario_program *program,
                               const struct scenario_field *field, uint64_t now,
                               const struct scenario_chance *chance)
{
    const struct scenario_step *step;
    const struct scenario_row *row;
    unsigned first;

    if (program->step_count == 0) {
        return now;
    }
    step = &program->steps[chance_below(chance, program->step_count)];
    row = scenario_row(step->opcode);
    first = row->field_count == 0 ? 0 : (unsigned)chance_below(chance, row->field_count);
    for (unsigned i = 0; i < row->field_count; i++) {
        unsigned index = (first + i) % row->field_count;

        if (row->fields[index].type == field->type && scenario_given(step, index)) {
            return step->values[index] + chance_below(chance, 3) - 1;
        }
    }
    return now;
}

/* Out of range is folded by the caller. */
static uint64_t number_for(const struct scenario_program *program,
                           const struct scenario_field *field, uint64_t now,
                           const struct scenario_chance *chance)
{
    switch (chance_below(chance, 10)) {
    case 0: return field->min;
    case 1: return field->max;
    case 2: return field->min + chance_below(chance, 4);
    case 3: return now + 1 + chance_below(chance, 16);
    case 4: return now - 1 - chance_below(chance, 16);
    case 5: return near_power(chance);
    case 6: return chance->next(chance->context);
    case 7: return round_number(field, chance);
    case 8: return said_elsewhere(program, field, now, chance);
    default: return chance_below(chance, 64);
    }
}

static uint64_t list_for(const struct scenario_chance *chance)
{
    uint64_t count = 1 + chance_below(chance, 8), list = 0;

    for (unsigned i = 0; i < count; i++) {
        list |= (1 + chance_below(chance, chance_below(chance, 4) == 0 ? 255 : 9)) << (8 * i);
    }
    return list;
}

/* A string of any step, so that what is said once can be said elsewhere; NULL: there is none. */
static const struct scenario_step *some_string(const struct scenario_program *program,
                                               const struct scenario_chance *chance,
                                               unsigned *index)
{
    const struct scenario_step *step = NULL;
    const struct scenario_row *row;

    if (program->step_count == 0) {
        return NULL;
    }
    step = &program->steps[chance_below(chance, program->step_count)];
    row = scenario_row(step->opcode);
    for (unsigned i = 0; i < row->field_count; i++) {
        if (row->fields[i].type == SCENARIO_TYPE_STRING && scenario_given(step, i)) {
            *index = i;
            return step;
        }
    }
    return NULL;
}

enum { STRING_ROOM = 64 };

static size_t digits_for(char text[STRING_ROOM], const struct scenario_chance *chance)
{
    uint64_t number = chance_below(chance, 4) == 0 ? near_power(chance) : chance_below(chance, 9);
    size_t length = 0;

    for (uint64_t rest = number; length == 0 || rest != 0; rest /= 10) {
        length++;
    }
    for (size_t at = length; at-- > 0; number /= 10) {
        text[at] = (char)('0' + number % 10);
    }
    return length;
}

/* One byte put in, taken out or changed. */
static size_t change_byte(char text[STRING_ROOM], size_t length,
                          const struct scenario_chance *chance)
{
    size_t at = chance_below(chance, length + 1);
    char byte = (char)chance_below(chance, chance_below(chance, 4) == 0 ? 256 : 128);

    switch (chance_below(chance, 3)) {
    case 0:
        if (length < STRING_ROOM) {
            memmove(text + at + 1, text + at, length - at);
            text[at] = byte;
            return length + 1;
        }
        break;
    case 1:
        if (at < length) {
            memmove(text + at, text + at + 1, length - at - 1);
            return length - 1;
        }
        break;
    default:
        if (at < length) {
            text[at] = byte;
        }
        break;
    }
    return length;
}

static int string_for(struct scenario_program *program, const struct scenario_field *field,
                      const struct scenario_chance *chance, uint64_t *value)
{
    struct scenario_string string = scenario_unpack(*value);
    char text[STRING_ROOM];
    const struct scenario_step *step;
    unsigned index = 0;
    size_t length;
    int result;

    step = some_string(program, chance, &index);
    if (chance_below(chance, 2) == 0 && step != NULL) {
        string = scenario_string_of(step, index);
        if (string.length >= field->min && string.length <= field->max) {
            *value = scenario_pack(string);
            return SCENARIO_OK;
        }
    }
    length = string.length < STRING_ROOM ? string.length : STRING_ROOM;
    memcpy(text, scenario_text(program, string), length);
    length = length == 0 || chance_below(chance, 4) == 0 ? digits_for(text, chance)
                                                         : change_byte(text, length, chance);
    length = length > field->max ? field->max : length;
    if (length < field->min) {
        return SCENARIO_OK;
    }
    result = scenario_program_add_string(program, text, length, &string);
    if (result == SCENARIO_OK) {
        *value = scenario_pack(string);
    }
    return result;
}

/* A word of the set, or the name of a dialect that the program has. */
static uint64_t open_for(const struct scenario_program *program, const struct scenario_field *field,
                         const struct scenario_chance *chance)
{
    const struct scenario_step *step;

    if (program->step_count != 0 && chance_below(chance, 2) == 0) {
        step = &program->steps[chance_below(chance, program->step_count)];
        if (step->opcode == STEP_DIALECT) {
            return step->values[FIELD_DIALECT_NAME] | SCENARIO_OPEN_NAME;
        }
    }
    return value_fold(field, chance_below(chance, 256));
}

int mutate_field(struct scenario_program *program, struct scenario_step *step, unsigned index,
                 const struct scenario_chance *chance)
{
    const struct scenario_field *field = &scenario_row(step->opcode)->fields[index];
    uint64_t value = step->values[index];
    int result = SCENARIO_OK;

    switch ((enum scenario_type)field->type) {
    case SCENARIO_TYPE_STRING: result = string_for(program, field, chance, &value); break;
    case SCENARIO_TYPE_LIST: value = list_for(chance); break;
    case SCENARIO_TYPE_MARK: value = !value; break;
    case SCENARIO_TYPE_OPEN: value = open_for(program, field, chance); break;
    case SCENARIO_TYPE_CHOICE: value = value_fold(field, chance_below(chance, 256)); break;
    case SCENARIO_TYPE_NAME:
    case SCENARIO_TYPE_DEFINE: value = chance_below(chance, 8); break;
    case SCENARIO_TYPE_UINT:
    case SCENARIO_TYPE_INT:
    case SCENARIO_TYPE_TIME:
    case SCENARIO_TYPE_SPAN:
    case SCENARIO_TYPE_SPAN_LAST:
        value = value_fold(field, number_for(program, field, value, chance));
        break;
    }
    if (result != SCENARIO_OK || scenario_step_set(step, index, value) != SCENARIO_OK) {
        return result;
    }
    if (field->type == SCENARIO_TYPE_SPAN) {
        uint64_t more = chance_below(chance, chance_below(chance, 4) == 0 ? 1 << 16 : 16);

        scenario_step_set(step, index + 1, more > field->max - value ? field->max : value + more);
    }
    return result;
}
