/* SPDX-License-Identifier: ISC */
/*
 * Reading values from text, type by type. Writing is value_write.c's.
 */
#include "value.h"

#include <stdio.h>
#include <string.h>

#include "suggest.h"

#define LIST_MAX 8

static const struct time_unit {
    const char *name;
    uint64_t ns;
} time_units[] = {{"s", 1000000000}, {"ms", 1000000}, {"us", 1000}, {"ns", 1}};

/* Digits, decimal or after 0x hexadecimal; *used is how many characters they are, 0 for none or too
 * large. */
static uint64_t read_digits(const char *text, size_t length, size_t *used)
{
    bool hex = length > 2 && text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
    uint64_t base = hex ? 16 : 10;
    uint64_t value = 0;
    size_t i = hex ? 2 : 0;
    size_t first = i;

    for (; i < length; i++) {
        char c = text[i];
        unsigned digit = 16;

        if (c >= '0' && c <= '9') {
            digit = (unsigned)(c - '0');
        } else if (hex && c >= 'a' && c <= 'f') {
            digit = (unsigned)(c - 'a') + 10;
        } else if (hex && c >= 'A' && c <= 'F') {
            digit = (unsigned)(c - 'A') + 10;
        }
        if (digit >= base) {
            break;
        }
        if (value > (UINT64_MAX - digit) / base) {
            *used = 0;
            return 0;
        }
        value = value * base + digit;
    }
    *used = i == first ? 0 : i;
    return value;
}

static bool read_number(const char *text, size_t length, uint64_t *value)
{
    size_t used;

    *value = read_digits(text, length, &used);
    return used != 0 && used == length;
}

static bool read_signed(const char *text, size_t length, uint64_t *value)
{
    bool minus = length > 0 && text[0] == '-';

    if (!read_number(text + minus, length - minus, value) || *value > (uint64_t)INT64_MAX) {
        return false;
    }
    *value = minus ? 0 - *value : *value;
    return true;
}

static bool read_time(const struct scenario_field *field, const char *text, size_t length,
                      uint64_t *value)
{
    size_t used;
    uint64_t count = read_digits(text, length, &used);

    if (field->max == VALUE_EVER && length == strlen(VALUE_EVER_WORD) &&
        memcmp(text, VALUE_EVER_WORD, length) == 0) {
        *value = VALUE_EVER;
        return true;
    }
    for (size_t i = 0; used != 0 && i < sizeof time_units / sizeof time_units[0]; i++) {
        const struct time_unit *unit = &time_units[i];

        if (strlen(unit->name) == length - used &&
            memcmp(unit->name, text + used, length - used) == 0 && count <= UINT64_MAX / unit->ns) {
            *value = count * unit->ns;
            return true;
        }
    }
    return false;
}

static bool read_span(const char *text, size_t length, uint64_t values[2])
{
    size_t used;

    values[0] = values[1] = read_digits(text, length, &used);
    if (used == 0 || used == length) {
        return used != 0;
    }
    return text[used] == '-' && read_number(text + used + 1, length - used - 1, &values[1]) &&
           values[0] <= values[1];
}

static bool read_list(const char *text, size_t length, uint64_t *value)
{
    size_t at = 0;

    *value = 0;
    for (unsigned i = 0; i < LIST_MAX; i++) {
        size_t used;
        uint64_t number = read_digits(text + at, length - at, &used);

        if (used == 0 || number < 1 || number > 255) {
            return false;
        }
        *value |= number << (8 * i);
        at += used;
        if (at == length) {
            return true;
        }
        if (text[at++] != ',') {
            return false;
        }
    }
    return false;
}

int value_name(const char *text, size_t length)
{
    uint64_t number = 0;

    if (length < 1 || length > 3 || text[0] < 'A' || text[0] > 'Z') {
        return -1;
    }
    if (length > 1 && (text[1] == '0' || !read_number(text + 1, length - 1, &number))) {
        return -1;
    }
    return text[0] - 'A' + 26 * (int)number;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* One character or escape at text[*at], which moves behind it; -1: a bad escape. */
static int unescape(const char *text, size_t length, size_t *at)
{
    static const char plain[] = "nrt\\\"";
    static const char meant[] = "\n\r\t\\\"";
    const char *found;
    char c = text[(*at)++];

    if (c != '\\') {
        return (unsigned char)c;
    }
    if (*at == length) {
        return -1;
    }
    c = text[(*at)++];
    found = c == 0 ? NULL : strchr(plain, c);
    if (found != NULL) {
        return meant[found - plain];
    }
    if (c == 'x' && length - *at >= 2 && hex_digit(text[*at]) >= 0 &&
        hex_digit(text[*at + 1]) >= 0) {
        *at += 2;
        return hex_digit(text[*at - 2]) * 16 + hex_digit(text[*at - 1]);
    }
    return -1;
}

static bool is_of_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_';
}

bool value_is_word(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if (!is_of_word(text[i])) {
            return false;
        }
    }
    return length != 0;
}

static bool begins(const char *text, size_t length, const char *word, size_t size)
{
    return length >= size && memcmp(text, word, size) == 0 && (length == size || text[size] == '/');
}

bool value_is_path(const char *text, size_t length)
{
    size_t at = begins(text, length, "front", 5) ? 5 : begins(text, length, "back", 4) ? 4 : 0;

    if (length == 0 || (at < length && text[at] != '/')) {
        return false;
    }
    for (; at < length; at++) {
        bool name_follows = at + 1 < length && text[at + 1] != '/';

        if (text[at] == '/' ? !name_follows : !is_of_word(text[at]) && text[at] != '@') {
            return false;
        }
    }
    return true;
}

static int read_string(struct scenario_program *program, const struct scenario_field *field,
                       const char *text, size_t length, uint64_t *value, char *message)
{
    struct scenario_string string;
    bool quoted = length > 0 && text[0] == '"';
    size_t at = quoted ? 1 : 0;
    size_t written = 0;
    int result;

    if (quoted && (length < 2 || text[length - 1] != '"')) {
        snprintf(message, VALUE_MESSAGE, "a string has no end, expected '\"'");
        return SCENARIO_INVALID;
    }
    length -= quoted ? 1 : 0;
    result = scenario_program_add_string(program, text + at, length - at, &string);
    if (result != 0) {
        return result;
    }
    while (at < length) {
        bool stray = quoted && text[at] == '"';
        int c = quoted ? unescape(text, length, &at) : (unsigned char)text[at++];

        if (c < 0 || stray) {
            snprintf(message, VALUE_MESSAGE,
                     "a string has a bad escape or quote, expected "
                     "\\n, \\r, \\t, \\\\, \\\" or \\xHH");
            return SCENARIO_INVALID;
        }
        program->strings[string.offset + written++] = (char)c;
    }
    program->string_bytes = string.offset + written;
    string.length = (uint32_t)written;
    if (written < field->min || written > field->max) {
        snprintf(message, VALUE_MESSAGE, "a string of %zu bytes, expected %u to %u", written,
                 (unsigned)field->min, (unsigned)field->max);
        return SCENARIO_INVALID;
    }
    *value = scenario_pack(string);
    return SCENARIO_OK;
}

/* A word that is not in its set: which are, and which is near. */
static int refuse_word(const struct scenario_field *field, const char *text, size_t length,
                       char *message)
{
    char found[FOUND_TEXT];
    char near[64];
    char expected[100];
    struct suggestion suggestion;

    suggestion_init(&suggestion, text, length);
    for (size_t i = 0; i < scenario_choice_count((enum scenario_choices)field->min); i++) {
        suggestion_offer(&suggestion, scenario_choice((enum scenario_choices)field->min, i));
    }
    suggestion_text(&suggestion, near, sizeof near);
    value_expected(field, expected, 100);
    snprintf(message, VALUE_MESSAGE, "found '%s', expected %s%s", found_text(found, text, length),
             expected, near);
    return SCENARIO_INVALID;
}

/* A word of the set, or a name that somebody has to have given. */
static int read_open(struct scenario_program *program, const struct scenario_field *field,
                     const char *text, size_t length, uint64_t *value, char *message)
{
    struct scenario_field name = {.min = 1, .max = field->max, .type = SCENARIO_TYPE_STRING};
    int word = scenario_choice_index((enum scenario_choices)field->min, text, length);
    int result;

    if (word >= 0) {
        *value = (uint64_t)word;
        return SCENARIO_OK;
    }
    if (!value_is_word(text, length)) {
        return refuse_word(field, text, length, message);
    }
    result = read_string(program, &name, text, length, value, message);
    *value |= SCENARIO_OPEN_NAME;
    return result;
}

static bool read_plain(const struct scenario_field *field, const char *text, size_t length,
                       uint64_t values[2])
{
    int name;

    switch ((enum scenario_type)field->type) {
    case SCENARIO_TYPE_UINT:
        if ((field->flags & SCENARIO_FIELD_PLUS) != 0) {
            return length > 1 && text[0] == '+' && read_number(text + 1, length - 1, values);
        }
        return read_number(text, length, values);
    case SCENARIO_TYPE_INT: return read_signed(text, length, values);
    case SCENARIO_TYPE_TIME: return read_time(field, text, length, values);
    case SCENARIO_TYPE_NAME:
    case SCENARIO_TYPE_DEFINE:
        name = value_name(text, length);
        values[0] = name < 0 ? 0 : (uint64_t)name;
        return name >= 0;
    case SCENARIO_TYPE_SPAN: return read_span(text, length, values);
    case SCENARIO_TYPE_LIST: return read_list(text, length, values);
    case SCENARIO_TYPE_MARK:
        values[0] = length == 3;
        return (length == 3 && memcmp(text, "yes", 3) == 0) ||
               (length == 2 && memcmp(text, "no", 2) == 0);
    case SCENARIO_TYPE_CHOICE:
    case SCENARIO_TYPE_OPEN:
    case SCENARIO_TYPE_STRING:
    case SCENARIO_TYPE_SPAN_LAST: break;
    }
    return false;
}

int value_read(struct scenario_program *program, const struct scenario_field *field,
               const char *text, size_t length, uint64_t values[2], char *message)
{
    char found[FOUND_TEXT];
    char expected[100];

    values[0] = values[1] = 0;
    if (field->type == SCENARIO_TYPE_STRING) {
        return read_string(program, field, text, length, values, message);
    }
    if (field->type == SCENARIO_TYPE_OPEN) {
        return read_open(program, field, text, length, values, message);
    }
    if (field->type == SCENARIO_TYPE_CHOICE) {
        int word = scenario_choice_index((enum scenario_choices)field->min, text, length);

        if (word < 0) {
            return refuse_word(field, text, length, message);
        }
        values[0] = (uint64_t)word;
        return SCENARIO_OK;
    }
    if (!read_plain(field, text, length, values) || !value_in_range(field, values[0]) ||
        (field->type == SCENARIO_TYPE_SPAN && values[1] > field->max)) {
        value_expected(field, expected, sizeof expected);
        snprintf(message, VALUE_MESSAGE, "found '%s', expected %s", found_text(found, text, length),
                 expected);
        return SCENARIO_INVALID;
    }
    return SCENARIO_OK;
}

/* ---- ranges ---- */

bool value_in_range(const struct scenario_field *field, uint64_t value)
{
    switch ((enum scenario_type)field->type) {
    case SCENARIO_TYPE_UINT:
    case SCENARIO_TYPE_TIME:
    case SCENARIO_TYPE_SPAN:
    case SCENARIO_TYPE_SPAN_LAST: return value >= field->min && value <= field->max;
    case SCENARIO_TYPE_INT:
        return (int64_t)value >= (int64_t)field->min && (int64_t)value <= (int64_t)field->max;
    case SCENARIO_TYPE_OPEN:
        if (scenario_is_name(value)) {
            struct scenario_string name = scenario_open_name(value);

            return name.length >= 1 && name.length <= field->max;
        }
        return value < scenario_choice_count((enum scenario_choices)field->min);
    case SCENARIO_TYPE_CHOICE:
        return value < scenario_choice_count((enum scenario_choices)field->min);
    case SCENARIO_TYPE_MARK: return value <= 1;
    case SCENARIO_TYPE_NAME:
    case SCENARIO_TYPE_DEFINE: return value < SCENARIO_NAMES_MAX;
    case SCENARIO_TYPE_STRING:
        return (uint32_t)value >= field->min && (uint32_t)value <= field->max;
    case SCENARIO_TYPE_LIST:
        /* No number behind a zero, and at least one. */
        for (unsigned i = 1; i < LIST_MAX; i++) {
            if (scenario_list_at(value, i) != 0 && scenario_list_at(value, i - 1) == 0) {
                return false;
            }
        }
        return value != 0;
    }
    return false;
}

uint64_t value_fold(const struct scenario_field *field, uint64_t value)
{
    switch ((enum scenario_type)field->type) {
    case SCENARIO_TYPE_UINT:
    case SCENARIO_TYPE_TIME:
    case SCENARIO_TYPE_SPAN:
    case SCENARIO_TYPE_SPAN_LAST:
    case SCENARIO_TYPE_INT:
        return value_in_range(field, value) || field->max - field->min == UINT64_MAX
                   ? value
                   : field->min + value % (field->max - field->min + 1);
    case SCENARIO_TYPE_CHOICE:
    case SCENARIO_TYPE_OPEN:
        return value % scenario_choice_count((enum scenario_choices)field->min);
    case SCENARIO_TYPE_MARK: return value & 1;
    case SCENARIO_TYPE_NAME:
    case SCENARIO_TYPE_DEFINE: return value % SCENARIO_NAMES_MAX;
    case SCENARIO_TYPE_STRING:
    case SCENARIO_TYPE_LIST: break;
    }
    return value;
}

struct scenario_field value_field_of_condition(const struct scenario_condition_row *condition)
{
    struct scenario_field field = {.name = condition->name,
                                   .help = condition->help,
                                   .min = condition->min,
                                   .max = condition->max,
                                   .shape = SCENARIO_SHAPE_KEY,
                                   .type = condition->type,
                                   .flags = SCENARIO_FIELD_UNSET};

    return field;
}
