/* SPDX-License-Identifier: ISC */
/*
 * The `variants` lines: axes of values, their cross product, and one combination put into the
 * program. Lines are read from their kept text each time; that is seldom, and keeps the tree
 * simple.
 */
#include "scenario/variants.h"

#include <stdio.h>
#include <string.h>

#include "scenario/check.h"
#include "suggest.h"
#include "value.h"

/* key=value,value: pieces of the program's text, which stay good while nothing is added to it. */
struct axis {
    const char *key;
    size_t key_length;
    const char *values;
    size_t values_length;
    struct scenario_position position;
};

/* Where a piece ends: at the next `separator` outside quotes. */
static size_t piece_length(const char *text, size_t length, char separator)
{
    bool quoted = false;
    size_t i = 0;

    for (; i < length && (quoted || text[i] != separator); i++) {
        if (text[i] == '"') {
            quoted = !quoted;
        } else if (quoted && text[i] == '\\' && i + 1 < length) {
            i++;
        }
    }
    return i;
}

/* Piece number `index`, or false when there are fewer. */
static bool piece_at(const char *text, size_t length, char separator, size_t index,
                     const char **piece, size_t *piece_size)
{
    for (size_t at = 0; at <= length; index--) {
        size_t size = piece_length(text + at, length - at, separator);

        if (index == 0) {
            *piece = text + at;
            *piece_size = size;
            return true;
        }
        at += size + 1;
    }
    return false;
}

static bool axis_at(const struct scenario_program *program, size_t index, struct axis *axis)
{
    for (size_t i = 0; i < program->meta_count; i++) {
        const struct scenario_meta *meta = &program->metas[i];
        const char *text = scenario_text(program, meta->value);
        const char *word;
        size_t length;

        for (size_t n = 0; meta->kind == SCENARIO_META_VARIANTS &&
                           piece_at(text, meta->value.length, ' ', n, &word, &length);
             n++) {
            const char *equals = memchr(word, '=', length);

            if (index-- != 0) {
                continue;
            }
            axis->key = word;
            axis->key_length = equals == NULL ? length : (size_t)(equals - word);
            axis->values = word + axis->key_length + (equals != NULL);
            axis->values_length = length - axis->key_length - (equals != NULL);
            axis->position = meta->position;
            return true;
        }
    }
    return false;
}

static size_t value_count(const struct axis *axis)
{
    const char *piece;
    size_t length;
    size_t count = 0;

    while (piece_at(axis->values, axis->values_length, ',', count, &piece, &length)) {
        if (length == 0) {
            return 0;
        }
        count++;
    }
    return count;
}

size_t scenario_variant_count(const struct scenario_program *program)
{
    size_t product = 1;
    struct axis axis;

    for (size_t i = 0; product != 0 && axis_at(program, i, &axis); i++) {
        product *= value_count(&axis);
        if (product > SCENARIO_VARIANTS_MAX) {
            return 0;
        }
    }
    return product;
}

/* ---- setting ---- */

/* What is being set, for all the steps that have it. */
struct setting {
    struct scenario_program *program;
    const char *field;
    size_t field_length;
    const char *value;
    size_t value_length;
    size_t places;
    char *message;
    size_t size;
};

static int set_in(struct setting *setting, struct scenario_step *step)
{
    const struct scenario_row *row = scenario_row(step->opcode);
    int index = scenario_field_index(row, setting->field, setting->field_length);
    const char *value = setting->value;
    size_t length = setting->value_length;

    if (index < 0) {
        return SCENARIO_OK;
    }
    if (row->fields[index].type != SCENARIO_TYPE_STRING && length >= 2 && value[0] == '"' &&
        value[length - 1] == '"') {
        value++; /* sizes="1,2": the quotes only keep the comma */
        length -= 2;
    }
    setting->places++;
    return scenario_step_set_text(setting->program, step, setting->field, setting->field_length,
                                  value, length, setting->message, setting->size);
}

/* "ring-respond" is the row "ring respond". */
static bool names_row(const struct scenario_row *row, const char *name, size_t length)
{
    if (strlen(row->name) != length) {
        return false;
    }
    for (size_t i = 0; i < length; i++) {
        if (row->name[i] != name[i] && !(row->name[i] == ' ' && name[i] == '-')) {
            return false;
        }
    }
    return true;
}

static int set_steps(struct setting *setting, const char *step_name, size_t step_length)
{
    int result = SCENARIO_OK;

    if (step_name == NULL || names_row(scenario_row(STEP_WORLD), step_name, step_length)) {
        result = set_in(setting, &setting->program->world);
    }
    for (size_t i = 0; result == 0 && i < setting->program->step_count; i++) {
        struct scenario_step *step = &setting->program->steps[i];

        if (step_name == NULL ? step->opcode == STEP_BACKEND || step->opcode == STEP_CONNECT
                              : names_row(scenario_row(step->opcode), step_name, step_length)) {
            result = set_in(setting, step);
        }
    }
    return result;
}

/* Sets all that one axis' key names to its value number `index`. */
static int apply(struct scenario_program *to, const struct axis *axis, size_t index, char *message,
                 size_t size)
{
    struct setting setting = {.program = to, .message = message, .size = size};
    const char *key;
    size_t length;
    int result = SCENARIO_OK;

    if (!piece_at(axis->values, axis->values_length, ',', index, &setting.value,
                  &setting.value_length)) {
        return SCENARIO_INVALID;
    }
    for (size_t i = 0; result == 0 && piece_at(axis->key, axis->key_length, '+', i, &key, &length);
         i++) {
        const char *dot = memchr(key, '.', length);
        char found[FOUND_TEXT];

        setting.field = dot == NULL ? key : dot + 1;
        setting.field_length = dot == NULL ? length : length - (size_t)(dot - key) - 1;
        setting.places = 0;
        result =
            set_steps(&setting, dot == NULL ? NULL : key, dot == NULL ? 0 : (size_t)(dot - key));
        if (result == 0 && setting.places == 0) {
            snprintf(message, size, "found '%s', expected a field of a step in this file",
                     found_text(found, key, length));
            result = SCENARIO_INVALID;
        }
    }
    return result;
}

/* A copy without its `variants` lines. */
static int copy_plain(struct scenario_program *to, const struct scenario_program *from)
{
    int result = scenario_program_copy(to, from);
    size_t kept = 0;

    for (size_t i = 0; result == 0 && i < to->meta_count; i++) {
        if (to->metas[i].kind != SCENARIO_META_VARIANTS) {
            to->metas[kept++] = to->metas[i];
        }
    }
    to->meta_count = result == 0 ? kept : to->meta_count;
    return result;
}

static void add_name(struct scenario_buffer *name, const struct axis *axis, size_t index)
{
    const char *value = "";
    size_t length = 0;

    piece_at(axis->values, axis->values_length, ',', index, &value, &length);
    scenario_buffer_text(name, name->length == 0 ? "" : ",");
    scenario_buffer_add(name, axis->key, axis->key_length);
    scenario_buffer_text(name, "=");
    scenario_buffer_add(name, value, length);
}

int scenario_variant(struct scenario_program *to, const struct scenario_program *from, size_t index,
                     struct scenario_buffer *name)
{
    size_t rest = scenario_variant_count(from);
    char message[VALUE_MESSAGE];
    struct axis axis;
    int result;

    if (index >= rest) {
        return SCENARIO_INVALID;
    }
    result = copy_plain(to, from);
    if (name != NULL) {
        scenario_buffer_clear(name);
        scenario_buffer_text(name, "");
    }
    for (size_t i = 0; result == 0 && axis_at(from, i, &axis); i++) {
        rest /= value_count(&axis);
        result = apply(to, &axis, index / rest, message, sizeof message);
        if (name != NULL) {
            add_name(name, &axis, index / rest);
        }
        index %= rest;
    }
    return result == 0 && name != NULL && name->failed ? SCENARIO_NO_MEMORY : result;
}

/* ---- checking ---- */

static void check_value(const struct scenario_program *program,
                        const struct scenario_program *dialects, const struct axis *axis,
                        size_t index, struct scenario_program *copy,
                        struct scenario_problems *problems)
{
    struct scenario_problems inner;
    char message[VALUE_MESSAGE] = "out of memory";
    char found[FOUND_TEXT];
    int result = copy_plain(copy, program);

    if (result == 0) {
        result = apply(copy, axis, index, message, sizeof message);
    }
    scenario_problems_init(&inner);
    if (result == 0 && scenario_check_with(copy, dialects, &inner) != 0) {
        snprintf(message, sizeof message, "%.200s", inner.list[0].text);
        result = SCENARIO_INVALID;
    }
    if (result != 0) {
        scenario_problems_add(problems, axis->position, "variants %s: %.180s",
                              found_text(found, axis->key, axis->key_length), message);
    }
}

void scenario_variants_check(const struct scenario_program *program,
                             const struct scenario_program *dialects,
                             struct scenario_problems *problems)
{
    size_t before = problems->total;
    struct scenario_program copy;
    struct axis axis = {.position = {1, 1}};
    char found[FOUND_TEXT];

    scenario_program_init(&copy);
    for (size_t i = 0; axis_at(program, i, &axis); i++) {
        size_t count = value_count(&axis);

        if (axis.key_length == 0 || count == 0) {
            scenario_problems_add(problems, axis.position,
                                  "variants: found '%s', expected KEY=VALUE,VALUE...",
                                  found_text(found, axis.key, axis.key_length));
        }
        /* One problem an axis: a wrong key is wrong with every value. */
        for (size_t value = 0, so_far = problems->total; value < count && problems->total == so_far;
             value++) {
            check_value(program, dialects, &axis, value, &copy, problems);
        }
    }
    if (problems->total == before && scenario_variant_count(program) == 0) {
        scenario_problems_add(problems, axis.position,
                              "variants: too many combinations, expected at most %u",
                              SCENARIO_VARIANTS_MAX);
    }
    scenario_program_fini(&copy);
}
