/* SPDX-License-Identifier: ISC */
/*
 * The reference part of docs/language.md, written from the table. A test compares the two.
 */
#include "scenario/reference.h"

#include <inttypes.h>
#include <string.h>

#include "value.h"

static const struct {
    enum scenario_actor actor;
    const char *title;
} groups[] = {{SCENARIO_ACTOR_APPLICATION, "Application"},
              {SCENARIO_ACTOR_CONTROL, "World and time"},
              {SCENARIO_ACTOR_BACKEND, "Backend and faults"},
              {SCENARIO_ACTOR_HOSTILE, "Hostile backend"},
              {SCENARIO_ACTOR_STORE, "XenStore"},
              {SCENARIO_ACTOR_RESOURCE, "Resources"},
              {SCENARIO_ACTOR_EXPECTATION, "Expectations"}};

/* How the field stands in a line: `+COUNT`, `[fill=]`, `[async]`. */
static void shape(const struct scenario_field *field, struct scenario_buffer *buffer)
{
    bool plus = (field->flags & SCENARIO_FIELD_PLUS) != 0;

    switch ((enum scenario_shape)field->shape) {
    case SCENARIO_SHAPE_WORD:
    case SCENARIO_SHAPE_MAYBE:
        scenario_buffer_text(buffer, field->shape == SCENARIO_SHAPE_WORD ? "" : "[");
        scenario_buffer_text(buffer, plus ? "+" : "");
        for (const char *c = field->name; *c != 0; c++) {
            scenario_buffer_format(buffer, "%c", *c >= 'a' && *c <= 'z' ? *c - 'a' + 'A' : *c);
        }
        scenario_buffer_text(buffer, field->shape == SCENARIO_SHAPE_WORD ? "" : "]");
        break;
    case SCENARIO_SHAPE_KEY: scenario_buffer_format(buffer, "[%s=]", field->name); break;
    case SCENARIO_SHAPE_MARK: scenario_buffer_format(buffer, "[%s]", field->name); break;
    case SCENARIO_SHAPE_AS: scenario_buffer_text(buffer, "[as NAME]"); break;
    case SCENARIO_SHAPE_HIDDEN: break;
    }
}

static void values(const struct scenario_field *field, struct scenario_buffer *buffer)
{
    switch ((enum scenario_type)field->type) {
    case SCENARIO_TYPE_UINT:
        if (field->max == UINT64_MAX) {
            scenario_buffer_text(buffer, "number of 64 bits");
        } else {
            scenario_buffer_format(buffer, "%" PRIu64 " to %" PRIu64, field->min, field->max);
        }
        break;
    case SCENARIO_TYPE_INT:
        scenario_buffer_format(buffer, "%" PRId64 " to %" PRId64, (int64_t)field->min,
                               (int64_t)field->max);
        break;
    case SCENARIO_TYPE_TIME:
        scenario_buffer_text(buffer,
                             field->max == VALUE_EVER ? "time or " VALUE_EVER_WORD : "time");
        break;
    case SCENARIO_TYPE_CHOICE:
    case SCENARIO_TYPE_OPEN:
        for (size_t i = 0; i < scenario_choice_count((enum scenario_choices)field->min); i++) {
            scenario_buffer_format(buffer, "%s%s", i == 0 ? "" : ", ",
                                   scenario_choice((enum scenario_choices)field->min, i));
        }
        scenario_buffer_text(buffer, field->type == SCENARIO_TYPE_OPEN ? ", or a name" : "");
        break;
    case SCENARIO_TYPE_MARK: scenario_buffer_text(buffer, "there or not"); break;
    case SCENARIO_TYPE_NAME: scenario_buffer_text(buffer, "name"); break;
    case SCENARIO_TYPE_DEFINE: scenario_buffer_text(buffer, "new name"); break;
    case SCENARIO_TYPE_STRING:
        scenario_buffer_format(buffer, "string of %" PRIu64 " to %" PRIu64 " bytes", field->min,
                               field->max);
        break;
    case SCENARIO_TYPE_SPAN:
    case SCENARIO_TYPE_SPAN_LAST: scenario_buffer_text(buffer, "first-last"); break;
    case SCENARIO_TYPE_LIST: scenario_buffer_text(buffer, "up to 8 of 1 to 255: 1,2"); break;
    }
}

static void one_field(const struct scenario_row *row, unsigned index,
                      struct scenario_buffer *buffer)
{
    const struct scenario_field *field = &row->fields[index];
    struct scenario_step step;

    scenario_step_init(&step, (enum scenario_opcode)row->opcode);
    scenario_buffer_text(buffer, "| `");
    shape(field, buffer);
    scenario_buffer_text(buffer, "` | ");
    values(field, buffer);
    scenario_buffer_text(buffer, " | ");
    if (field->shape != SCENARIO_SHAPE_WORD && field->shape != SCENARIO_SHAPE_MARK &&
        (field->flags & SCENARIO_FIELD_UNSET) == 0 && field->type != SCENARIO_TYPE_STRING) {
        value_write(buffer, NULL, field, NULL, &step.values[index]);
    }
    scenario_buffer_format(buffer, " | %s%s |\n", field->help,
                           (field->flags & SCENARIO_FIELD_RARE) != 0 ? " (rare)" : "");
}

void scenario_reference_step(const struct scenario_row *row, struct scenario_buffer *buffer)
{
    scenario_buffer_format(buffer, "#### %s\n\n", row->name);
    scenario_buffer_text(buffer, (row->flags & SCENARIO_ROW_DEVICE) != 0 ? "`[xvdb:] " : "`");
    if ((row->flags & SCENARIO_ROW_NEGATES) != 0) {
        scenario_buffer_format(buffer, "expect [not]%s", row->name + strlen("expect"));
    } else {
        scenario_buffer_text(buffer, row->name);
    }
    for (unsigned i = 0; i < row->field_count; i++) {
        if (row->fields[i].shape != SCENARIO_SHAPE_HIDDEN) {
            scenario_buffer_text(buffer, " ");
            shape(&row->fields[i], buffer);
        }
    }
    if (row->opcode == STEP_EXPECT) {
        scenario_buffer_text(buffer, " CONDITION...");
    }
    scenario_buffer_text(buffer, (row->flags & SCENARIO_ROW_RESULT) != 0 ? " [-> RESULT]`" : "`");
    scenario_buffer_format(buffer, " – opcode 0x%02x\n\n%s\n\n", row->opcode, row->help);
    if (row->field_count != 0) {
        scenario_buffer_text(buffer, "| field | values | default | |\n|---|---|---|---|\n");
        for (unsigned i = 0; i < row->field_count; i++) {
            if (row->fields[i].shape != SCENARIO_SHAPE_HIDDEN) {
                one_field(row, i, buffer);
            }
        }
        scenario_buffer_text(buffer, "\n");
    }
}

static void where(uint16_t places, struct scenario_buffer *buffer)
{
    static const struct {
        uint16_t place;
        const char *name;
    } names[] = {{ON_ANY_RESULT, "any result"},      {ON_DATA, "`read`, `wait`"},
                 {ON_DEVICES, "`devices`"},          {ON_INFO, "`info`"},
                 {ON_COUNTERS, "`expect`, `stats`"}, {ON_EXPECT, "`expect`"}};
    const char *comma = "";

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if ((places & names[i].place) != 0) {
            scenario_buffer_format(buffer, "%s%s", comma, names[i].name);
            comma = ", ";
        }
    }
}

/* Its values and what it is about: the end of a line. */
static void one_condition(const struct scenario_condition_row *row, struct scenario_buffer *buffer)
{
    struct scenario_field field = value_field_of_condition(row);

    scenario_buffer_text(buffer, " ");
    values(&field, buffer);
    scenario_buffer_format(buffer, " | %s |\n", row->help);
}

void scenario_reference_conditions(const struct scenario_row *step, struct scenario_buffer *buffer)
{
    bool any = false;

    for (size_t i = 0; i < CONDITION_COUNT_OF_ALL; i++) {
        const struct scenario_condition_row *row =
            scenario_condition_row((enum scenario_condition_key)i);

        if ((row->places & step->knows) == 0) {
            continue;
        }
        if (!any) {
            scenario_buffer_text(buffer, "| condition | values | |\n|---|---|---|\n");
        }
        any = true;
        scenario_buffer_format(buffer, "| `%s` |", row->name);
        one_condition(row, buffer);
    }
    if (any) {
        scenario_buffer_text(buffer, "\n");
    }
}

void scenario_reference(struct scenario_buffer *buffer)
{
    for (size_t group = 0; group < sizeof groups / sizeof groups[0]; group++) {
        scenario_buffer_format(buffer, "### %s\n\n", groups[group].title);
        for (size_t i = 0; i < scenario_row_count(); i++) {
            const struct scenario_row *row = scenario_row_at(i);

            if (row->actor == groups[group].actor) {
                scenario_reference_step(row, buffer);
            }
        }
    }
    scenario_buffer_text(buffer, "### Results\n\n");
    for (size_t i = 1; i < scenario_choice_count(CHOICES_RESULT); i++) {
        scenario_buffer_format(buffer, "%s`%s`", i == 1 ? "" : ", ",
                               scenario_choice(CHOICES_RESULT, i));
    }
    scenario_buffer_text(buffer, "\n\n### Conditions\n\n| condition | after | values | |\n"
                                 "|---|---|---|---|\n");
    for (size_t i = 0; i < CONDITION_COUNT_OF_ALL; i++) {
        const struct scenario_condition_row *row =
            scenario_condition_row((enum scenario_condition_key)i);

        scenario_buffer_format(buffer, "| `%s` | ", row->name);
        where(row->places, buffer);
        scenario_buffer_text(buffer, " |");
        one_condition(row, buffer);
    }
}
