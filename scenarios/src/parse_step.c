/* SPDX-License-Identifier: ISC */
/*
 * Reads one step: device, name, fields, what is expected of its result. All it knows of steps it
 * asks the table.
 */
#include <stdio.h>
#include <string.h>

#include "parser.h"
#include "suggest.h"
#include "value.h"

/* Reading one step. */
struct reading {
    struct parser *parser;
    const struct scenario_row *row;
    struct scenario_step *step;
    unsigned at;   /* the next word */
    uint64_t seen; /* fields that stood there, given or at their default */
    bool good;
};

static const struct word *word_at(const struct reading *reading, unsigned at)
{
    return &reading->parser->line.words[at];
}

static bool has_word(const struct reading *reading, unsigned at)
{
    return at < reading->parser->line.count;
}

/* ---- the name ---- */

/* "xvdb:" -> 1; -1: no device; -2: a wrong one. */
static int device_of(const struct word *word)
{
    if (word->length < 2 || word->text[word->length - 1] != ':') {
        return -1;
    }
    if (word->length != 5 || memcmp(word->text, "xvd", 3) != 0 || word->text[3] < 'a' ||
        word->text[3] >= 'a' + (int)SCENARIO_DEVICES_MAX) {
        return -2;
    }
    return word->text[3] - 'a';
}

/* "backend" and "close" as "backend close"; false when it does not fit. */
static bool join(char text[64], const struct word *first, const struct word *second)
{
    if (first->length + 1 + second->length >= 64) {
        return false;
    }
    memcpy(text, first->text, first->length);
    text[first->length] = ' ';
    memcpy(text + first->length + 1, second->text, second->length);
    text[first->length + 1 + second->length] = 0;
    return true;
}

static const struct scenario_row *two_words(const struct word *first, const struct word *second)
{
    char text[64];

    return join(text, first, second) ? scenario_row_by_name(text, strlen(text)) : NULL;
}

/* "ring respond, ring index ..." for "ring"; false when no name begins so. */
static bool list_pairs(const struct word *first, char *text, size_t size)
{
    size_t used = 0;

    for (size_t i = 0; i < scenario_row_count(); i++) {
        const char *name = scenario_row_at(i)->name;

        if (strlen(name) > first->length && name[first->length] == ' ' &&
            memcmp(name, first->text, first->length) == 0 && used + strlen(name) + 3 < size) {
            used += (size_t)snprintf(text + used, size - used, "%s%s", used == 0 ? "" : ", ", name);
        }
    }
    return used != 0;
}

static void refuse_name(struct reading *reading, unsigned at, unsigned words)
{
    const struct word *first = word_at(reading, at);
    struct suggestion whole;
    struct suggestion single;
    char found[FOUND_TEXT];
    char near[150];
    char text[64] = "";

    if (word_is(first, "not")) {
        parser_refuse(reading->parser, first, "found 'not', expected it behind 'expect'");
        return;
    }
    suggestion_init(&single, first->text, first->length);
    if (words > 1 && join(text, first, word_at(reading, at + 1))) {
        suggestion_init(&whole, text, strlen(text));
    } else {
        whole = single;
    }
    for (size_t i = 0; i < scenario_row_count(); i++) {
        suggestion_offer(&whole, scenario_row_at(i)->name);
        suggestion_offer(&single, scenario_row_at(i)->name);
    }
    for (unsigned i = 0; i < SCENARIO_META_COUNT; i++) {
        suggestion_offer(&single, meta_keyword((enum scenario_meta_kind)i));
    }
    if (whole.best == NULL && list_pairs(first, near, sizeof near)) {
        parser_refuse(reading->parser, first, "found '%s', expected %s",
                      text[0] != 0 ? text : found_text(found, first->text, first->length), near);
        return;
    }
    suggestion_text(whole.best != NULL ? &whole : &single, near, sizeof near);
    parser_refuse(
        reading->parser, first, "found '%s', expected a step%s",
        whole.best != NULL && text[0] != 0 ? text : found_text(found, first->text, first->length),
        near);
}

/* A word behind a one-word name that fits nothing there, but nearly makes a name of two. */
static bool is_misspelt_pair(struct reading *reading, unsigned at)
{
    const struct word *second = word_at(reading, at + 1);
    struct suggestion suggestion;
    size_t first_length = word_at(reading, at)->length;

    if (scenario_field_index(reading->row, second->text, second->length) >= 0 ||
        memchr(second->text, '=', second->length) != NULL || word_is(second, "as")) {
        return false;
    }
    for (unsigned i = 0; i < reading->row->field_count; i++) {
        const struct scenario_field *field = &reading->row->fields[i];

        if (field->shape <= SCENARIO_SHAPE_MAYBE &&
            (field->type != SCENARIO_TYPE_CHOICE ||
             scenario_choice_index((enum scenario_choices)field->min, second->text,
                                   second->length) >= 0)) {
            return false;
        }
    }
    suggestion_init(&suggestion, second->text, second->length);
    for (size_t i = 0; i < scenario_row_count(); i++) {
        const char *name = scenario_row_at(i)->name;

        if (strlen(name) > first_length && name[first_length] == ' ' &&
            memcmp(name, word_at(reading, at)->text, first_length) == 0) {
            suggestion_offer(&suggestion, name + first_length + 1);
        }
    }
    return suggestion.best != NULL;
}

static bool read_name(struct reading *reading)
{
    unsigned at = reading->at;
    bool negated = has_word(reading, at + 1) && word_is(word_at(reading, at), "expect") &&
                   word_is(word_at(reading, at + 1), "not");
    unsigned second = at + 1 + (negated ? 1 : 0);
    const struct word *first = word_at(reading, at);

    if (has_word(reading, second)) {
        reading->row = two_words(first, word_at(reading, second));
    }
    if (reading->row != NULL) {
        reading->at = second + 1;
    } else if (!negated) {
        reading->row = scenario_row_by_name(first->text, first->length);
        reading->at = at + 1;
    }
    if (reading->row == NULL ||
        (reading->at == at + 1 && has_word(reading, at + 1) && is_misspelt_pair(reading, at))) {
        refuse_name(reading, at, has_word(reading, at + 1) && !negated ? 2 : 1);
        return false;
    }
    scenario_step_init(reading->step, (enum scenario_opcode)reading->row->opcode);
    reading->step->negated = negated;
    return true;
}

/* ---- fields ---- */

static void set_field(struct reading *reading, unsigned index, const struct word *word,
                      const char *text, size_t length)
{
    const struct scenario_field *field = &reading->row->fields[index];
    char message[VALUE_MESSAGE];
    uint64_t values[2];
    int result;

    if ((reading->seen >> index & 1) != 0) {
        parser_refuse(reading->parser, word, "found '%s' a second time, expected it once",
                      field->name);
        reading->good = false;
        return;
    }
    reading->seen |= (uint64_t)1 << index;
    result = value_read(reading->parser->program, field, text, length, values, message);
    if (result == SCENARIO_INVALID) {
        parser_refuse(reading->parser, word, "%s: %.200s", field->name, message);
        reading->good = false;
    } else if (result != 0) {
        parser_fail(reading->parser, result);
        reading->good = false;
    } else {
        if (field->type == SCENARIO_TYPE_OPEN) {
            reading->step->result_position = word_position(&reading->parser->line, word);
        }
        scenario_step_set(reading->step, index, values[0]);
        if (field->type == SCENARIO_TYPE_SPAN) {
            scenario_step_set(reading->step, index + 1, values[1]);
        }
    }
}

/* "key<=value": the length of the key, 0 when there is none; the comparison and where the value
 * begins. */
static size_t split(const struct word *word, enum scenario_compare *compare, size_t *value)
{
    size_t key = 0;
    bool equals;

    while (key < word->length &&
           ((word->text[key] >= 'a' && word->text[key] <= 'z') || word->text[key] == '_' ||
            word->text[key] == '.' || word->text[key] == '-' ||
            (word->text[key] >= '0' && word->text[key] <= '9'))) {
        key++;
    }
    if (key == 0 || key == word->length) {
        return 0;
    }
    equals = key + 1 < word->length && word->text[key + 1] == '=';
    *value = key + (word->text[key] != '=' && equals ? 2 : 1);
    switch (word->text[key]) {
    case '=': *compare = SCENARIO_EQUAL; return key;
    case '!': *compare = SCENARIO_UNEQUAL; return equals ? key : 0;
    case '<': *compare = equals ? SCENARIO_LESS_EQUAL : SCENARIO_LESS; return key;
    case '>': *compare = equals ? SCENARIO_GREATER_EQUAL : SCENARIO_GREATER; return key;
    default: return 0;
    }
}

static void refuse_word(struct reading *reading, const struct word *word, size_t length,
                        const char *what)
{
    struct suggestion suggestion;
    char found[FOUND_TEXT];
    char near[80];

    suggestion_init(&suggestion, word->text, length);
    for (unsigned i = 0; i < reading->row->field_count; i++) {
        if (reading->row->fields[i].shape == SCENARIO_SHAPE_KEY ||
            reading->row->fields[i].shape == SCENARIO_SHAPE_MARK) {
            suggestion_offer(&suggestion, reading->row->fields[i].name);
        }
    }
    suggestion_text(&suggestion, near, sizeof near);
    if (near[0] == 0) {
        snprintf(near, sizeof near, " (simblk explain '%s' lists them)", reading->row->name);
    }
    parser_refuse(reading->parser, word, "found '%s', expected %s of '%s'%s",
                  found_text(found, word->text, length), what, reading->row->name, near);
    reading->good = false;
}

static void read_key(struct reading *reading, const struct word *word, size_t key,
                     enum scenario_compare compare, size_t value)
{
    int index = scenario_field_index(reading->row, word->text, key);

    if (index < 0 || reading->row->fields[index].shape == SCENARIO_SHAPE_AS ||
        reading->row->fields[index].shape == SCENARIO_SHAPE_MARK) {
        refuse_word(reading, word, key, "a field");
        return;
    }
    if (reading->row->fields[index].shape != SCENARIO_SHAPE_KEY) {
        parser_refuse(reading->parser, word,
                      "found '%.*s=', expected %s by its position, without name", (int)key,
                      word->text, reading->row->fields[index].name);
        reading->good = false;
        return;
    }
    if (compare != SCENARIO_EQUAL) {
        parser_refuse(reading->parser, word, "found a comparison, expected '%s='",
                      reading->row->fields[index].name);
        reading->good = false;
        return;
    }
    set_field(reading, (unsigned)index, word, word->text + value, word->length - value);
}

/* A word by itself: a mark, or the next field by position. */
static void read_bare(struct reading *reading, const struct word *word)
{
    int mark = scenario_field_index(reading->row, word->text, word->length);

    if (mark >= 0 && reading->row->fields[mark].shape == SCENARIO_SHAPE_MARK) {
        set_field(reading, (unsigned)mark, word, "yes", 3);
        return;
    }
    for (unsigned i = 0; i < reading->row->field_count; i++) {
        if (reading->row->fields[i].shape <= SCENARIO_SHAPE_MAYBE &&
            (reading->seen >> i & 1) == 0) {
            set_field(reading, i, word, word->text, word->length);
            return;
        }
    }
    refuse_word(reading, word, word->length, "a field");
}

static void read_as(struct reading *reading, const struct word *word)
{
    int index = scenario_field_index(reading->row, "as", 2);

    if (index < 0) {
        parser_refuse(reading->parser, word, "found 'as', but '%s' cannot have a name",
                      reading->row->name);
        reading->good = false;
    } else if (!has_word(reading, reading->at)) {
        parser_refuse(reading->parser, word,
                      "found nothing behind 'as', expected a name such as A");
        reading->good = false;
    } else {
        const struct word *name = word_at(reading, reading->at++);

        set_field(reading, (unsigned)index, name, name->text, name->length);
    }
}

/* ---- expectations ---- */

/* ": a, b or c", or who lists them where they are many. */
static void list_conditions(const struct scenario_row *step, char *list, size_t size)
{
    size_t length = 0;
    const char *name = NULL;

    for (unsigned i = 0; i < CONDITION_COUNT_OF_ALL && length < size; i++) {
        const struct scenario_condition_row *row =
            scenario_condition_row((enum scenario_condition_key)i);

        if ((row->places & step->knows) == 0) {
            continue;
        }
        if (name != NULL) {
            length += (size_t)snprintf(list + length, size - length, "%s%s",
                                       length == 0 ? ": " : ", ", name);
        }
        name = row->name;
    }
    if (name != NULL && length < size) {
        length += (size_t)snprintf(list + length, size - length, "%s%s",
                                   length == 0 ? ": " : " or ", name);
    }
    if (name == NULL || length >= size) {
        snprintf(list, size, " (simblk explain '%s' lists them)", step->name);
    }
}

static void refuse_condition(struct reading *reading, const struct word *word, size_t key)
{
    struct suggestion suggestion;
    char found[FOUND_TEXT];
    char near[110];

    suggestion_init(&suggestion, word->text, key);
    for (unsigned i = 0; i < CONDITION_COUNT_OF_ALL; i++) {
        const struct scenario_condition_row *row =
            scenario_condition_row((enum scenario_condition_key)i);

        if ((row->places & reading->row->knows) != 0) {
            suggestion_offer(&suggestion, row->name);
        }
    }
    suggestion_text(&suggestion, near, sizeof near);
    if (near[0] == 0) {
        list_conditions(reading->row, near, sizeof near);
    }
    parser_refuse(reading->parser, word, "found '%s', expected a condition that '%s' knows%s",
                  found_text(found, word->text, key), reading->row->name, near);
    reading->good = false;
}

static void read_condition(struct reading *reading, const struct word *word)
{
    struct scenario_condition condition = {.position = word_position(&reading->parser->line, word)};
    enum scenario_compare compare = SCENARIO_EQUAL;
    size_t value = 0;
    size_t key = split(word, &compare, &value);
    int index = key == 0 ? -1 : scenario_condition_index(word->text, key);
    const struct scenario_condition_row *row;
    struct scenario_field field;
    char message[VALUE_MESSAGE];
    uint64_t values[2];
    int result;

    row = index < 0 ? NULL : scenario_condition_row((enum scenario_condition_key)index);
    if (row == NULL || (row->places & reading->row->knows) == 0) {
        refuse_condition(reading, word, key == 0 ? word->length : key);
        return;
    }
    field = value_field_of_condition(row);
    result = value_read(reading->parser->program, &field, word->text + value, word->length - value,
                        values, message);
    if (result == SCENARIO_INVALID) {
        parser_refuse(reading->parser, word, "%s: %.200s", row->name, message);
    } else if (compare > SCENARIO_UNEQUAL && row->type != SCENARIO_TYPE_UINT &&
               row->type != SCENARIO_TYPE_TIME) {
        parser_refuse(reading->parser, word, "found an order of '%s', expected = or !=", row->name);
        result = SCENARIO_INVALID;
    }
    if (result == 0) {
        condition.key = (uint16_t)index;
        condition.compare = (uint8_t)compare;
        condition.value = values[0];
        result =
            scenario_program_add_condition(reading->parser->program, reading->step, &condition);
    }
    if (result != 0 && result != SCENARIO_INVALID) {
        parser_fail(reading->parser, result);
    }
    reading->good = reading->good && result == 0;
}

static void read_result(struct reading *reading, const struct word *arrow)
{
    struct scenario_step *step = reading->step;
    const struct word *word;
    enum scenario_compare compare;
    size_t value;

    if ((reading->row->flags & SCENARIO_ROW_RESULT) == 0) {
        parser_refuse(reading->parser, arrow, "found '->', but '%s' has no result",
                      reading->row->name);
        reading->good = false;
        return;
    }
    if (!has_word(reading, reading->at)) {
        parser_refuse(reading->parser, arrow,
                      "found nothing behind '->', expected a result such as ok");
        reading->good = false;
        return;
    }
    word = word_at(reading, reading->at);
    step->result_position = word_position(&reading->parser->line, word);
    if (split(word, &compare, &value) == 0) {
        bool negated = word->text[0] == '!';
        struct scenario_field field = {
            .name = "result", .min = CHOICES_RESULT, .type = SCENARIO_TYPE_CHOICE};
        char message[VALUE_MESSAGE];
        uint64_t values[2];

        reading->at++;
        if (value_read(reading->parser->program, &field, word->text + negated,
                       word->length - negated, values, message) != 0) {
            parser_refuse(reading->parser, word, "result: %.200s", message);
            reading->good = false;
            return;
        }
        step->result = (uint8_t)values[0];
        step->result_negated = negated;
    }
    while (has_word(reading, reading->at)) {
        read_condition(reading, word_at(reading, reading->at++));
    }
}

/* ---- the whole ---- */

static void read_fields(struct reading *reading)
{
    while (has_word(reading, reading->at)) {
        const struct word *word = word_at(reading, reading->at++);
        enum scenario_compare compare = SCENARIO_EQUAL;
        size_t value = 0;
        size_t key = split(word, &compare, &value);

        if (word_is(word, "->")) {
            read_result(reading, word);
            return;
        }
        if (reading->row->opcode == STEP_EXPECT) {
            read_condition(reading, word);
        } else if (word_is(word, "as")) {
            read_as(reading, word);
        } else if (key != 0) {
            read_key(reading, word, key, compare, value);
        } else {
            read_bare(reading, word);
        }
    }
}

static void miss_fields(struct reading *reading, const struct word *first)
{
    for (unsigned i = 0; reading->good && i < reading->row->field_count; i++) {
        const struct scenario_field *field = &reading->row->fields[i];

        if (field->shape == SCENARIO_SHAPE_WORD && (reading->seen >> i & 1) == 0) {
            char expected[100];

            value_expected(field, expected, sizeof expected);
            parser_refuse(reading->parser, first, "'%s' has no %s, expected %s", reading->row->name,
                          field->name, expected);
            reading->good = false;
        }
    }
    if (reading->good && reading->row->opcode == STEP_EXPECT &&
        reading->step->condition_count == 0) {
        parser_refuse(reading->parser, first,
                      "'expect' has no condition, expected one such as device=closed");
        reading->good = false;
    }
}

bool parse_step(struct parser *parser, unsigned first, struct scenario_step *step)
{
    struct reading reading = {.parser = parser, .step = step, .at = first, .good = true};
    const struct word *word = word_at(&reading, first);
    int device = device_of(word);

    if (device == -2 || (device >= 0 && !has_word(&reading, first + 1))) {
        parser_refuse(parser, word,
                      device == -2 ? "found '%.*s', expected a device from xvda: to xvdp:"
                                   : "found nothing behind '%.*s', expected a step",
                      (int)(word->length > 40 ? 40 : word->length), word->text);
        return false;
    }
    reading.at += device >= 0 ? 1 : 0;
    word = word_at(&reading, reading.at);
    if (!read_name(&reading)) {
        return false;
    }
    step->position = word_position(&parser->line, &parser->line.words[first]);
    step->device = (uint8_t)(device > 0 ? device : 0);
    if (device > 0 && (reading.row->flags & SCENARIO_ROW_DEVICE) == 0) {
        parser_refuse(parser, &parser->line.words[first], "found a device, but '%s' has none",
                      reading.row->name);
        return false;
    }
    if (step->negated && (reading.row->flags & SCENARIO_ROW_NEGATES) == 0) {
        parser_refuse(parser, word, "found 'not', but '%s' cannot have it", reading.row->name);
        return false;
    }
    read_fields(&reading);
    miss_fields(&reading, word);
    return reading.good;
}
