/* SPDX-License-Identifier: ISC */
/*
 * Bytes to tree. Whatever the bytes are, the program is valid: values are folded into their ranges,
 * names and devices mended, and a step that the checker would refuse is left out.
 */
#include <string.h>

#include "bytes.h"
#include "mend.h"
#include "scenario/bytes.h"
#include "value.h"

struct reader {
    const unsigned char *at;
    const unsigned char *end;
};

struct decoding {
    struct scenario_program *program;
    struct scenario_admission admission;
    const struct scenario_step_set *takes; /* NULL: all */
};

static bool is_empty(const struct reader *reader)
{
    return reader->at == reader->end;
}

static unsigned take_byte(struct reader *reader)
{
    return is_empty(reader) ? 0 : *reader->at++;
}

static uint64_t take_number(struct reader *reader)
{
    uint64_t value = 0;
    unsigned byte = 0x80;

    for (unsigned shift = 0; shift < 64 && (byte & 0x80) != 0; shift += 7) {
        byte = take_byte(reader);
        value |= (uint64_t)(byte & 0x7f) << shift;
    }
    return value;
}

/* Length and payload; a payload ends with the input at the latest. */
static struct reader take_payload(struct reader *reader)
{
    size_t length = take_byte(reader);
    struct reader payload;

    if (length >= 0x80) {
        length = (length & 0x7f) | (size_t)take_byte(reader) << 7;
    }
    if (length > (size_t)(reader->end - reader->at)) {
        length = (size_t)(reader->end - reader->at);
    }
    payload.at = reader->at;
    payload.end = reader->at + length;
    reader->at = payload.end;
    return payload;
}

/* ---- values ---- */

static int take_string(struct reader *reader, struct scenario_program *program,
                       const struct scenario_field *field, uint64_t *value)
{
    uint64_t length = take_number(reader);
    struct scenario_string string = {0, 0};
    int result;

    if (length > (uint64_t)(reader->end - reader->at)) {
        length = (uint64_t)(reader->end - reader->at);
    }
    result =
        scenario_program_add_string(program, (const char *)reader->at,
                                    (size_t)(length > field->max ? field->max : length), &string);
    reader->at += length;
    *value = scenario_pack(string);
    return result;
}

static uint64_t take_list(struct reader *reader)
{
    unsigned count = take_byte(reader) % 9;
    uint64_t list = 0;

    for (unsigned i = 0; i < count && !is_empty(reader); i++) {
        unsigned number = take_byte(reader);

        list |= (uint64_t)(number == 0 ? 1 : number) << (8 * i);
    }
    return list;
}

/* The value of a field that the mask announces, folded into its range. */
static int take_value(struct reader *reader, struct scenario_program *program,
                      const struct scenario_field *field, uint64_t values[2])
{
    uint64_t value;

    switch ((enum scenario_type)field->type) {
    case SCENARIO_TYPE_STRING: return take_string(reader, program, field, &values[0]);
    case SCENARIO_TYPE_LIST: values[0] = take_list(reader); return SCENARIO_OK;
    case SCENARIO_TYPE_MARK: values[0] = 1; return SCENARIO_OK;
    case SCENARIO_TYPE_OPEN:
        value = take_byte(reader);
        if (value == BYTES_OPEN_NAME) {
            int result = take_string(reader, program, field, &values[0]);

            values[0] |= SCENARIO_OPEN_NAME;
            return result;
        }
        break;
    case SCENARIO_TYPE_CHOICE: value = take_byte(reader); break;
    case SCENARIO_TYPE_INT:
        value = take_number(reader);
        value = value >> 1 ^ ((value & 1) != 0 ? UINT64_MAX : 0);
        break;
    case SCENARIO_TYPE_UINT:
    case SCENARIO_TYPE_TIME:
    case SCENARIO_TYPE_NAME:
    case SCENARIO_TYPE_DEFINE:
    case SCENARIO_TYPE_SPAN:
    case SCENARIO_TYPE_SPAN_LAST:
    default: value = take_number(reader); break;
    }
    values[0] = value_fold(field, value);
    if (field->type == SCENARIO_TYPE_SPAN) {
        value = take_number(reader);
        values[1] = value > field->max - values[0] ? field->max : values[0] + value;
    }
    return SCENARIO_OK;
}

static int take_fields(struct reader *reader, struct scenario_program *program,
                       struct scenario_step *step, const struct scenario_row *row)
{
    uint64_t mask = take_number(reader);
    int result = SCENARIO_OK;

    for (unsigned i = 0; result == 0 && i < row->field_count; i++) {
        const struct scenario_field *field = &row->fields[i];
        uint64_t values[2] = {0, 0};

        if ((mask >> i & 1) == 0 || field->shape == SCENARIO_SHAPE_HIDDEN ||
            (field->flags & SCENARIO_FIELD_TEXT_ONLY) != 0) {
            continue;
        }
        if ((field->flags & SCENARIO_FIELD_RARE) != 0) {
            if (is_empty(reader) || *reader->at != BYTES_RARE) {
                continue;
            }
            reader->at++;
        }
        if (is_empty(reader) && field->type != SCENARIO_TYPE_MARK) {
            continue;
        }
        result = take_value(reader, program, field, values);
        if (result == 0 && scenario_step_set(step, i, values[0]) == 0 &&
            field->type == SCENARIO_TYPE_SPAN) {
            scenario_step_set(step, i + 1, values[1]);
        }
    }
    return result;
}

/* ---- steps ---- */

static int append(struct decoding *decoding, struct scenario_step *step)
{
    if (!scenario_admit(&decoding->admission, step, NULL, 0)) {
        return SCENARIO_OK;
    }
    return scenario_program_insert(decoding->program, decoding->program->step_count, NULL, step);
}

static int append_plain(struct decoding *decoding, enum scenario_opcode opcode)
{
    struct scenario_step step;

    scenario_step_init(&step, opcode);
    return append(decoding, &step);
}

static int take_step(struct decoding *decoding, struct reader *reader)
{
    const struct scenario_row *row = scenario_row(take_byte(reader));
    struct reader payload = take_payload(reader);
    struct scenario_step step;
    int result;

    if (row == NULL || row->opcode == STEP_WORLD || (row->flags & SCENARIO_ROW_EXPECTS) != 0 ||
        (decoding->takes != NULL && !scenario_step_set_has(decoding->takes, row->opcode))) {
        return SCENARIO_OK;
    }
    scenario_step_init(&step, (enum scenario_opcode)row->opcode);
    if ((row->flags & SCENARIO_ROW_DEVICE) != 0) {
        unsigned device = take_byte(&payload);

        step.device = device >= BYTES_OTHER_DEVICE ? device & 15 : 0;
    }
    result = take_fields(&payload, decoding->program, &step, row);
    if (result != 0) {
        return result;
    }
    result = mend_step(decoding->program, &decoding->admission, &step);
    return result != 0 ? result : append(decoding, &step);
}

static int take_steps(struct decoding *decoding, struct reader *reader, size_t max)
{
    int result = SCENARIO_OK;

    while (result == 0 && !is_empty(reader) && decoding->program->step_count < max) {
        result = take_step(decoding, reader);
    }
    return result == SCENARIO_TOO_LARGE ? SCENARIO_OK : result;
}

/* Implicit programs: a device that works, around what the bytes say. */
static int take_implicit(struct decoding *decoding, struct reader *reader, size_t max)
{
    static const enum scenario_opcode plain[] = {STEP_WRITE, STEP_READ, STEP_FLUSH};
    int result = append_plain(decoding, STEP_BACKEND);

    if (result == 0) {
        result = append_plain(decoding, STEP_CONNECT);
    }
    if (result == 0) {
        result =
            take_steps(decoding, reader, max + 2 < BYTES_STEPS_MAX ? max + 2 : BYTES_STEPS_MAX);
    }
    for (size_t i = 0; result == 0 && decoding->program->step_count < 2 + i + 1 && i < 3; i++) {
        result = append_plain(decoding, plain[i]);
    }
    return result == 0 ? append_plain(decoding, STEP_DISCONNECT) : result;
}

int scenario_decode(struct scenario_program *program, const void *data, size_t size,
                    const struct scenario_decoder *decoder)
{
    static const unsigned char nothing[1];
    struct reader reader = {size == 0 ? nothing : data,
                            size == 0 ? nothing : (const unsigned char *)data + size};
    struct decoding decoding = {.program = program,
                                .takes = decoder == NULL ? NULL : decoder->takes};
    size_t max = BYTES_STEPS_MAX;
    struct reader header;
    bool is_explicit;
    int result;

    scenario_program_clear(program);
    scenario_admission_init(&decoding.admission, program, NULL);
    if (decoder != NULL && decoder->max_steps != 0 && decoder->max_steps < max) {
        max = decoder->max_steps;
    }
    header = take_payload(&reader);
    is_explicit = (take_byte(&header) & BYTES_EXPLICIT) != 0;
    result = take_fields(&header, program, &program->world, scenario_row(STEP_WORLD));
    program->has_world = program->world.given != 0;
    if (result == 0) {
        result = is_explicit ? take_steps(&decoding, &reader, max)
                             : take_implicit(&decoding, &reader, max);
    }
    return result == 0 ? append_plain(&decoding, STEP_EXPECT_RULES) : result;
}
