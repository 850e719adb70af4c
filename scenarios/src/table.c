/* SPDX-License-Identifier: ISC */
/*
 * The table of steps as constant arrays, made by including the three .def files, and the look-ups
 * in them. Knows nothing of programs or text beyond names.
 */
#include "scenario/table.h"

#include <string.h>

#include "scenario/program.h"

/* The words of the .def files. */
enum {
    NOTHING = 0,
    UNSET = SCENARIO_FIELD_UNSET,
    HEX = SCENARIO_FIELD_HEX,
    PLUS = SCENARIO_FIELD_PLUS,
    RARE = SCENARIO_FIELD_RARE,
    TEXT_ONLY = SCENARIO_FIELD_TEXT_ONLY,
    DEVICE = SCENARIO_ROW_DEVICE,
    RESULT = SCENARIO_ROW_RESULT,
    BACKED = SCENARIO_ROW_BACKED,
    HANDLE = SCENARIO_ROW_HANDLE,
    EXPECTS = SCENARIO_ROW_EXPECTS,
    NEGATES = SCENARIO_ROW_NEGATES,
    OF_DIALECT = SCENARIO_ROW_OF_DIALECT,
    REQUESTS = SCENARIO_NAMES_REQUESTS,
    RULES = SCENARIO_NAMES_RULES
};

/* One array of fields for each step; the last entry keeps those without fields from being empty. */
#define STEP(opcode, name, ...) static const struct scenario_field fields_of_##name[] = {
#define FIELD(step, name_, text, shape_, type_, min_, max_, fallback_, flags_, help_) \
    {.name = text,                                                                    \
     .help = help_,                                                                   \
     .min = (uint64_t)(min_),                                                         \
     .max = (uint64_t)(max_),                                                         \
     .fallback = (uint64_t)(fallback_),                                               \
     .shape = SCENARIO_SHAPE_##shape_,                                                \
     .type = SCENARIO_TYPE_##type_,                                                   \
     .flags = flags_},
#define STEP_END(step_) \
    {                   \
        .name = NULL    \
    }                   \
    }                   \
    ;                   \
    _Static_assert(FIELDS_##step_ <= SCENARIO_FIELDS_MAX, "too many fields");
#include "scenario/steps.def"
#undef STEP
#undef FIELD
#undef STEP_END

static const struct scenario_row rows[] = {
#define STEP(opcode_, name_, text, actor_, weight_, flags_, knows_, help_) \
    {.name = text,                                                         \
     .help = help_,                                                        \
     .fields = fields_of_##name_,                                          \
     .knows = knows_,                                                      \
     .opcode = opcode_,                                                    \
     .actor = SCENARIO_ACTOR_##actor_,                                     \
     .weight = weight_,                                                    \
     .flags = flags_,                                                      \
     .field_count = FIELDS_##name_},
#define FIELD(...)
#define STEP_END(name)
#include "scenario/steps.def"
#undef STEP
};

/* A number used twice does not compile: -Woverride-init, -Winitializer-overrides. */
enum row_number {
#define STEP(opcode, name, ...) ROW_##name,
#include "scenario/steps.def"
#undef STEP
    ROW_COUNT
};

static const uint8_t row_plus_one[256] = {
#define STEP(opcode, name, ...) [opcode] = ROW_##name + 1,
#include "scenario/steps.def"
#undef STEP
#undef FIELD
#undef STEP_END
};

#define CHOICE_SET(set)          static const char *const words_of_##set[] = {
#define CHOICE(set, name, text_) text_,
#define CHOICE_SET_END(set) \
    }                       \
    ;
#include "scenario/choices.def"
#undef CHOICE_SET
#undef CHOICE
#undef CHOICE_SET_END

static const struct {
    const char *name;
    const char *const *words;
    size_t count;
} sets[] = {
#define CHOICE_SET(set) [CHOICES_##set] = {#set, words_of_##set, CHOICE_##set##_COUNT},
#define CHOICE(...)
#define CHOICE_SET_END(set)
#include "scenario/choices.def"
#undef CHOICE_SET
#undef CHOICE
#undef CHOICE_SET_END
};

static const struct scenario_condition_row conditions[] = {
#define CONDITION(name_, text, type_, min_, max_, places_, help_) \
    {.name = text,                                                \
     .help = help_,                                               \
     .min = (uint64_t)(min_),                                     \
     .max = (uint64_t)(max_),                                     \
     .places = places_,                                           \
     .type = SCENARIO_TYPE_##type_},
#include "scenario/conditions.def"
#undef CONDITION
};

static bool same(const char *name, const char *text, size_t length)
{
    return strlen(name) == length && memcmp(name, text, length) == 0;
}

size_t scenario_row_count(void)
{
    return ROW_COUNT;
}

const struct scenario_row *scenario_row_at(size_t index)
{
    return index < ROW_COUNT ? &rows[index] : NULL;
}

const struct scenario_row *scenario_row(unsigned opcode)
{
    return opcode < 256 && row_plus_one[opcode] != 0 ? &rows[row_plus_one[opcode] - 1] : NULL;
}

const struct scenario_row *scenario_row_by_name(const char *name, size_t length)
{
    for (size_t i = 0; i < ROW_COUNT; i++) {
        if (same(rows[i].name, name, length)) {
            return &rows[i];
        }
    }
    return NULL;
}

int scenario_field_index(const struct scenario_row *row, const char *name, size_t length)
{
    for (int i = 0; i < row->field_count; i++) {
        if (row->fields[i].shape != SCENARIO_SHAPE_HIDDEN &&
            same(row->fields[i].name, name, length)) {
            return i;
        }
    }
    return -1;
}

size_t scenario_choice_count(enum scenario_choices set)
{
    return sets[set].count;
}

const char *scenario_choice(enum scenario_choices set, size_t index)
{
    return index < sets[set].count ? sets[set].words[index] : NULL;
}

const char *scenario_choices_name(enum scenario_choices set)
{
    return sets[set].name;
}

int scenario_choice_index(enum scenario_choices set, const char *text, size_t length)
{
    for (size_t i = 0; length != 0 && i < sets[set].count; i++) {
        if (same(sets[set].words[i], text, length)) {
            return (int)i;
        }
    }
    return -1;
}

const struct scenario_condition_row *scenario_condition_row(enum scenario_condition_key key)
{
    return key < CONDITION_COUNT_OF_ALL ? &conditions[key] : NULL;
}

int scenario_condition_index(const char *name, size_t length)
{
    for (int i = 0; i < CONDITION_COUNT_OF_ALL; i++) {
        if (same(conditions[i].name, name, length)) {
            return i;
        }
    }
    return -1;
}

void scenario_step_set_add(struct scenario_step_set *set, unsigned opcode)
{
    if (opcode < 256) {
        set->bits[opcode / 64] |= UINT64_C(1) << opcode % 64;
    }
}

void scenario_step_set_remove(struct scenario_step_set *set, unsigned opcode)
{
    if (opcode < 256) {
        set->bits[opcode / 64] &= ~(UINT64_C(1) << opcode % 64);
    }
}

void scenario_step_set_add_actor(struct scenario_step_set *set, enum scenario_actor actor)
{
    for (size_t i = 0; i < ROW_COUNT; i++) {
        if (rows[i].actor == actor) {
            scenario_step_set_add(set, rows[i].opcode);
        }
    }
}

const char *scenario_actor_name(enum scenario_actor actor)
{
    static const char *const names[] = {"control", "application", "backend",    "hostile",
                                        "store",   "resource",    "expectation"};
    return names[actor];
}

/* Types and shapes belong together: a mark is a mark, a span has its second half behind it. */
static bool field_check(const struct scenario_row *row, unsigned index)
{
    const struct scenario_field *field = &row->fields[index];
    bool in_range = (field->flags & SCENARIO_FIELD_UNSET) != 0 || field->fallback <= field->max;

    switch ((enum scenario_type)field->type) {
    case SCENARIO_TYPE_UINT:
    case SCENARIO_TYPE_TIME:
        return in_range && field->min <= field->max &&
               ((field->flags & SCENARIO_FIELD_UNSET) != 0 || field->fallback >= field->min);
    case SCENARIO_TYPE_INT: return (int64_t)field->min <= (int64_t)field->max;
    case SCENARIO_TYPE_CHOICE:
    case SCENARIO_TYPE_OPEN:
        return field->min < CHOICES_COUNT && field->fallback < sets[field->min].count;
    case SCENARIO_TYPE_MARK: return field->shape == SCENARIO_SHAPE_MARK && field->fallback == 0;
    case SCENARIO_TYPE_NAME:
    case SCENARIO_TYPE_DEFINE:
        return field->min != 0 &&
               (field->type == SCENARIO_TYPE_NAME) != (field->shape == SCENARIO_SHAPE_AS);
    case SCENARIO_TYPE_STRING: return field->fallback == 0 && field->max <= 4096;
    case SCENARIO_TYPE_SPAN:
        return index + 1 < row->field_count &&
               row->fields[index + 1].type == SCENARIO_TYPE_SPAN_LAST;
    case SCENARIO_TYPE_SPAN_LAST:
        return index > 0 && row->fields[index - 1].type == SCENARIO_TYPE_SPAN;
    case SCENARIO_TYPE_LIST: return field->max <= 255;
    }
    return false;
}

bool scenario_table_check(void)
{
    bool good = rows[0].opcode == STEP_WORLD && row_plus_one[0] == 0 && row_plus_one[255] == 0;

    for (size_t i = 0; i < ROW_COUNT; i++) {
        const struct scenario_row *row = &rows[i];

        for (unsigned field = 0; field < row->field_count; field++) {
            good = good && field_check(row, field);
        }
        good = good && scenario_row_by_name(row->name, strlen(row->name)) == row;
    }
    return good;
}
