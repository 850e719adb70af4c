/* SPDX-License-Identifier: ISC */
/*
 * Tree to bytes: the shortest form that decode.c reads back.
 */
#include <string.h>

#include "bytes.h"
#include "scenario/bytes.h"

static void put_byte(struct scenario_buffer *buffer, unsigned byte)
{
    unsigned char c = (unsigned char)byte;

    scenario_buffer_add(buffer, &c, 1);
}

static void put_number(struct scenario_buffer *buffer, uint64_t value)
{
    while (value >= 0x80) {
        put_byte(buffer, (unsigned)(value & 0x7f) | 0x80);
        value >>= 7;
    }
    put_byte(buffer, (unsigned)value);
}

static void put_value(struct scenario_buffer *buffer, const struct scenario_program *program,
                      const struct scenario_field *field, const uint64_t *values)
{
    struct scenario_string string;
    uint64_t value = values[0];
    unsigned count = 0;

    switch ((enum scenario_type)field->type) {
    case SCENARIO_TYPE_UINT:
    case SCENARIO_TYPE_TIME:
    case SCENARIO_TYPE_NAME:
    case SCENARIO_TYPE_DEFINE: put_number(buffer, value); break;
    case SCENARIO_TYPE_INT:
        put_number(buffer, value << 1 ^ ((int64_t)value < 0 ? UINT64_MAX : 0));
        break;
    case SCENARIO_TYPE_CHOICE: put_byte(buffer, (unsigned)value); break;
    case SCENARIO_TYPE_OPEN:
        put_byte(buffer, scenario_is_name(value) ? BYTES_OPEN_NAME : (unsigned)value);
        if (scenario_is_name(value)) {
            string = scenario_open_name(value);
            put_number(buffer, string.length);
            scenario_buffer_add(buffer, scenario_text(program, string), string.length);
        }
        break;
    case SCENARIO_TYPE_STRING:
        string = scenario_unpack(value);
        put_number(buffer, string.length);
        scenario_buffer_add(buffer, scenario_text(program, string), string.length);
        break;
    case SCENARIO_TYPE_SPAN:
        put_number(buffer, value);
        put_number(buffer, values[1] - value);
        break;
    case SCENARIO_TYPE_LIST:
        while (scenario_list_at(value, count) != 0) {
            count++;
        }
        put_byte(buffer, count);
        for (unsigned i = 0; i < count; i++) {
            put_byte(buffer, scenario_list_at(value, i));
        }
        break;
    case SCENARIO_TYPE_MARK:
    case SCENARIO_TYPE_SPAN_LAST: break;
    }
}

/* What has to be written: required fields at their default need not. */
static bool is_written(const struct scenario_step *step, const struct scenario_field *field,
                       unsigned index)
{
    uint64_t value = step->values[index];

    if (!scenario_given(step, index) || field->shape == SCENARIO_SHAPE_HIDDEN ||
        (field->flags & SCENARIO_FIELD_TEXT_ONLY) != 0) {
        return false;
    }
    return field->shape != SCENARIO_SHAPE_WORD ||
           (field->type == SCENARIO_TYPE_STRING ? (uint32_t)value != 0 : value != field->fallback);
}

static void put_fields(struct scenario_buffer *buffer, const struct scenario_program *program,
                       const struct scenario_step *step, const struct scenario_row *row)
{
    uint64_t mask = 0;

    for (unsigned i = 0; i < row->field_count; i++) {
        mask |= is_written(step, &row->fields[i], i) ? (uint64_t)1 << i : 0;
    }
    put_number(buffer, mask);
    for (unsigned i = 0; i < row->field_count; i++) {
        if ((mask >> i & 1) != 0) {
            if ((row->fields[i].flags & SCENARIO_FIELD_RARE) != 0) {
                put_byte(buffer, BYTES_RARE);
            }
            put_value(buffer, program, &row->fields[i], &step->values[i]);
        }
    }
}

/* Puts the length before the payload that begins at `begin`; a payload of zeros says nothing and
 * goes. */
static int put_length(struct scenario_buffer *buffer, size_t begin)
{
    unsigned char length[2];
    size_t count;
    size_t size;

    if (buffer->failed) {
        return SCENARIO_NO_MEMORY;
    }
    while (buffer->length > begin && buffer->data[buffer->length - 1] == 0 &&
           buffer->length - begin <= 2 && buffer->data[begin] == 0) {
        buffer->length--;
    }
    count = buffer->length - begin;
    if (count > BYTES_PAYLOAD_MAX) {
        return SCENARIO_TOO_LARGE;
    }
    size = count < 0x80 ? 1 : 2;
    length[0] = (unsigned char)(count < 0x80 ? count : (count & 0x7f) | 0x80);
    length[1] = (unsigned char)(count >> 7);
    scenario_buffer_add(buffer, length, size);
    if (buffer->failed) {
        return SCENARIO_NO_MEMORY;
    }
    memmove(buffer->data + begin + size, buffer->data + begin, count);
    memcpy(buffer->data + begin, length, size);
    return SCENARIO_OK;
}

static int put_step(struct scenario_buffer *buffer, const struct scenario_program *program,
                    const struct scenario_step *step, const struct scenario_row *row)
{
    size_t begin;

    put_byte(buffer, step->opcode);
    begin = buffer->length;
    if ((row->flags & SCENARIO_ROW_DEVICE) != 0) {
        put_byte(buffer, step->device == 0 ? 0 : BYTES_OTHER_DEVICE + step->device);
    }
    put_fields(buffer, program, step, row);
    return put_length(buffer, begin);
}

int scenario_encode(const struct scenario_program *program, struct scenario_buffer *buffer)
{
    size_t begin = buffer->length;
    size_t steps = 0;
    int result;

    put_byte(buffer, BYTES_EXPLICIT);
    put_fields(buffer, program, &program->world, scenario_row(STEP_WORLD));
    result = put_length(buffer, begin);
    for (size_t i = 0; result == 0 && i < program->step_count; i++) {
        const struct scenario_row *row = scenario_row(program->steps[i].opcode);

        if ((row->flags & SCENARIO_ROW_EXPECTS) == 0) {
            result = ++steps > BYTES_STEPS_MAX ? SCENARIO_TOO_LARGE
                                               : put_step(buffer, program, &program->steps[i], row);
        }
    }
    return result == 0 && buffer->failed ? SCENARIO_NO_MEMORY : result;
}
