/* SPDX-License-Identifier: ISC */
/*
 * Values as canonical text, and words for what was expected.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "value.h"

struct unit {
    const char *name;
    uint64_t ns;
};

/* The largest one that a time is a whole number of. */
static const struct unit *unit_of(uint64_t ns)
{
    static const struct unit units[] = {{"s", 1000000000}, {"ms", 1000000}, {"us", 1000}};
    static const struct unit smallest = {"ns", 1};

    for (size_t i = 0; ns != 0 && i < sizeof(units) / sizeof(units[0]); i++) {
        if (ns % units[i].ns == 0)
            return &units[i];
    }
    return &smallest;
}

static void write_time(struct scenario_buffer *buffer, uint64_t ns)
{
    const struct unit *unit = unit_of(ns);

    if (ns == VALUE_EVER)
        scenario_buffer_text(buffer, VALUE_EVER_WORD);
    else
        scenario_buffer_format(buffer, "%" PRIu64 "%s", ns / unit->ns, unit->name);
}

void scenario_name_text(uint64_t name, char text[4])
{
    if (name < 26) {
        text[0] = (char)('A' + name);
        text[1] = 0;
    } else {
        snprintf(text, 4, "%c%u", (char)('A' + name % 26), (unsigned)(name / 26 % 100));
    }
}

/* How many bytes a well-formed UTF-8 sequence of a printable character has here; 0: none. */
static size_t utf8_length(const unsigned char *text, size_t length)
{
    size_t size = text[0] >= 0xf0 ? 4 : text[0] >= 0xe0 ? 3 : 2;

    if (text[0] < 0xc2 || text[0] > 0xf4 || size > length) {
        return 0;
    }
    for (size_t i = 1; i < size; i++) {
        if ((text[i] & 0xc0) != 0x80) {
            return 0;
        }
    }
    if ((text[0] == 0xc2 && text[1] < 0xa0) || (text[0] == 0xe0 && text[1] < 0xa0) ||
        (text[0] == 0xed && text[1] > 0x9f) || (text[0] == 0xf0 && text[1] < 0x90) ||
        (text[0] == 0xf4 && text[1] > 0x8f)) {
        return 0;
    }
    return size;
}

void scenario_print_string(struct scenario_buffer *buffer, const char *text, size_t length)
{
    scenario_buffer_text(buffer, "\"");
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)text[i];
        size_t sequence = c >= 0x80 ? utf8_length((const unsigned char *)text + i, length - i) : 0;

        if (sequence != 0) {
            scenario_buffer_add(buffer, text + i, sequence);
            i += sequence - 1;
        } else if (c == '"' || c == '\\') {
            scenario_buffer_format(buffer, "\\%c", c);
        } else if (c == '\n' || c == '\t' || c == '\r') {
            scenario_buffer_text(buffer, c == '\n' ? "\\n" : c == '\t' ? "\\t" : "\\r");
        } else if (c < ' ' || c > '~') {
            scenario_buffer_format(buffer, "\\x%02x", c);
        } else {
            scenario_buffer_add(buffer, text + i, 1);
        }
    }
    scenario_buffer_text(buffer, "\"");
}

/* May stand without quotes: only harmless characters, and no word of the step itself. */
static bool is_bare(const struct scenario_row *row, const char *text, size_t length)
{
    if (length == 0 || (length == 2 && memcmp(text, "as", 2) == 0)) {
        return false;
    }
    for (size_t i = 0; i < length; i++) {
        char c = text[i];

        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
              (c != 0 && strchr("_./:@-", c) != NULL))) {
            return false;
        }
    }
    return row == NULL || scenario_field_index(row, text, length) < 0;
}

void value_write(struct scenario_buffer *buffer, const struct scenario_program *program,
                 const struct scenario_field *field, const struct scenario_row *row,
                 const uint64_t *values)
{
    struct scenario_string string;
    char name[4];

    switch ((enum scenario_type)field->type) {
    case SCENARIO_TYPE_UINT:
        if ((field->flags & SCENARIO_FIELD_HEX) != 0) {
            scenario_buffer_format(buffer, "0x%" PRIx64, values[0]);
        } else {
            scenario_buffer_format(buffer, "%s%" PRIu64,
                                   (field->flags & SCENARIO_FIELD_PLUS) != 0 ? "+" : "", values[0]);
        }
        break;
    case SCENARIO_TYPE_INT: scenario_buffer_format(buffer, "%" PRId64, (int64_t)values[0]); break;
    case SCENARIO_TYPE_TIME: write_time(buffer, values[0]); break;
    case SCENARIO_TYPE_CHOICE:
        scenario_buffer_text(buffer, scenario_choice((enum scenario_choices)field->min, values[0]));
        break;
    case SCENARIO_TYPE_OPEN:
        if (scenario_is_name(values[0])) {
            string = scenario_open_name(values[0]);
            scenario_buffer_add(buffer, scenario_text(program, string), string.length);
        } else {
            scenario_buffer_text(buffer,
                                 scenario_choice((enum scenario_choices)field->min, values[0]));
        }
        break;
    case SCENARIO_TYPE_MARK: scenario_buffer_text(buffer, values[0] != 0 ? "yes" : "no"); break;
    case SCENARIO_TYPE_NAME:
    case SCENARIO_TYPE_DEFINE:
        scenario_name_text(values[0], name);
        scenario_buffer_text(buffer, name);
        break;
    case SCENARIO_TYPE_STRING:
        string = scenario_unpack(values[0]);
        if (is_bare(row, scenario_text(program, string), string.length)) {
            scenario_buffer_add(buffer, scenario_text(program, string), string.length);
        } else {
            scenario_print_string(buffer, scenario_text(program, string), string.length);
        }
        break;
    case SCENARIO_TYPE_SPAN:
        scenario_buffer_format(buffer, "%" PRIu64, values[0]);
        if (values[1] != values[0]) {
            scenario_buffer_format(buffer, "-%" PRIu64, values[1]);
        }
        break;
    case SCENARIO_TYPE_SPAN_LAST: break;
    case SCENARIO_TYPE_LIST:
        for (unsigned i = 0; scenario_list_at(values[0], i) != 0; i++) {
            scenario_buffer_format(buffer, "%s%u", i == 0 ? "" : ",",
                                   scenario_list_at(values[0], i));
        }
        break;
    }
}

static void expected_words(enum scenario_choices set, char *text, size_t size)
{
    size_t used = (size_t)snprintf(text, size, "one of");

    for (size_t i = 0; i < scenario_choice_count(set); i++) {
        const char *word = scenario_choice(set, i);

        if (word[0] != 0 && used + strlen(word) + 8 < size) {
            used += (size_t)snprintf(text + used, size - used, " %s", word);
        } else if (word[0] != 0) {
            snprintf(text + used, size - used, " ...");
            return;
        }
    }
}

static void expected_time(const struct scenario_field *field, char *text, size_t size)
{
    const struct unit *unit = unit_of(field->max);
    int used = snprintf(text, size, "a time such as 10ms (ns, us, ms, s)%s",
                        field->min > 0 ? ", not 0" : "");

    if (used < 0 || (size_t)used >= size)
        return;
    if (field->max == VALUE_EVER)
        snprintf(text + used, size - (size_t)used, ", or ever");
    else
        snprintf(text + used, size - (size_t)used, ", at most %" PRIu64 "%s", field->max / unit->ns,
                 unit->name);
}

void value_expected(const struct scenario_field *field, char *text, size_t size)
{
    const char *plus = (field->flags & SCENARIO_FIELD_PLUS) != 0 ? "+ and " : "";

    switch ((enum scenario_type)field->type) {
    case SCENARIO_TYPE_UINT:
        snprintf(text, size, "%sa number from %" PRIu64 " to %" PRIu64, plus, field->min,
                 field->max);
        break;
    case SCENARIO_TYPE_INT:
        snprintf(text, size, "a number from %" PRId64 " to %" PRId64, (int64_t)field->min,
                 (int64_t)field->max);
        break;
    case SCENARIO_TYPE_TIME: expected_time(field, text, size); break;
    case SCENARIO_TYPE_CHOICE:
    case SCENARIO_TYPE_OPEN: expected_words((enum scenario_choices)field->min, text, size); break;
    case SCENARIO_TYPE_MARK: snprintf(text, size, "yes or no"); break;
    case SCENARIO_TYPE_NAME:
    case SCENARIO_TYPE_DEFINE: snprintf(text, size, "a name such as A or R2"); break;
    case SCENARIO_TYPE_STRING: snprintf(text, size, "a string"); break;
    case SCENARIO_TYPE_SPAN:
    case SCENARIO_TYPE_SPAN_LAST: snprintf(text, size, "sectors such as 0-7"); break;
    case SCENARIO_TYPE_LIST: snprintf(text, size, "at most 8 sizes of 1 to 255: 1,2"); break;
    }
}
