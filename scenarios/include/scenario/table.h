/* SPDX-License-Identifier: ISC */
/*
 * The table of steps as data: rows, fields, words and conditions of steps.def, choices.def and
 * conditions.def, with their numbers as enums. Whoever works on a program (parser, codec, mutator,
 * completion, reference) asks here and knows no step by itself. Everything is constant; nothing is
 * allocated.
 */
#ifndef SCENARIO_TABLE_H
#define SCENARIO_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* STEP_READ and so on: the opcodes. */
enum scenario_opcode {
    STEP_NONE = 0,
#define STEP(opcode, name, ...) STEP_##name = opcode,
#define FIELD(...)
#define STEP_END(name)
#include "scenario/steps.def"
#undef STEP
#undef FIELD
#undef STEP_END
};

/* FIELD_READ_SECTOR and so on: the index into the step's values; FIELDS_READ is how many there are.
 */
#define STEP(opcode, name, ...)    \
    enum scenario_fields_of_##name \
    {
#define FIELD(step, name, ...) FIELD_##step##_##name,
#define STEP_END(name) \
    FIELDS_##name      \
    }                  \
    ;
#include "scenario/steps.def"
#undef STEP
#undef FIELD
#undef STEP_END

/* No step has more fields than this: one bit each in scenario_step.given. */
#define SCENARIO_FIELDS_MAX 48

/* CHOICES_ACTION and so on: the sets of words. */
enum scenario_choices {
#define CHOICE_SET(set) CHOICES_##set,
#define CHOICE(...)
#define CHOICE_SET_END(set)
#include "scenario/choices.def"
    CHOICES_COUNT
#undef CHOICE_SET
#undef CHOICE
#undef CHOICE_SET_END
};

/* enum scenario_choice_ACTION { CHOICE_ACTION_ERROR ... }: a field's value. */
#define CHOICE_SET(set)        \
    enum scenario_choice_##set \
    {
#define CHOICE(set, name, ...) CHOICE_##set##_##name,
#define CHOICE_SET_END(set) \
    CHOICE_##set##_COUNT    \
    }                       \
    ;
#include "scenario/choices.def"
#undef CHOICE_SET
#undef CHOICE
#undef CHOICE_SET_END

/* CONDITION_DATA and so on. */
enum scenario_condition_key {
#define CONDITION(name, ...) CONDITION_##name,
#include "scenario/conditions.def"
#undef CONDITION
    CONDITION_COUNT_OF_ALL
};

enum scenario_type {
    SCENARIO_TYPE_UINT,      /* 64 bits */
    SCENARIO_TYPE_INT,       /* two's complement in the 64 bits of the value */
    SCENARIO_TYPE_TIME,      /* nanoseconds */
    SCENARIO_TYPE_CHOICE,    /* index into the set */
    SCENARIO_TYPE_MARK,      /* 0 or 1 */
    SCENARIO_TYPE_NAME,      /* use of a name: letter + 26 * number */
    SCENARIO_TYPE_DEFINE,    /* `as A` */
    SCENARIO_TYPE_STRING,    /* struct scenario_string, packed */
    SCENARIO_TYPE_SPAN,      /* first of a-b; the next field's value is the last */
    SCENARIO_TYPE_SPAN_LAST, /* never by itself */
    SCENARIO_TYPE_LIST,      /* up to eight numbers of 1..255, a byte each, the first lowest */
    SCENARIO_TYPE_OPEN       /* index into the set, or SCENARIO_OPEN_NAME and a packed string */
};

enum scenario_shape {
    SCENARIO_SHAPE_WORD,
    SCENARIO_SHAPE_MAYBE,
    SCENARIO_SHAPE_KEY,
    SCENARIO_SHAPE_MARK,
    SCENARIO_SHAPE_AS,
    SCENARIO_SHAPE_HIDDEN
};

enum scenario_field_flags {
    SCENARIO_FIELD_UNSET = 1,
    SCENARIO_FIELD_HEX = 2,
    SCENARIO_FIELD_PLUS = 4,
    SCENARIO_FIELD_RARE = 8,
    SCENARIO_FIELD_TEXT_ONLY = 16
};

enum scenario_actor {
    SCENARIO_ACTOR_CONTROL,
    SCENARIO_ACTOR_APPLICATION,
    SCENARIO_ACTOR_BACKEND,
    SCENARIO_ACTOR_HOSTILE,
    SCENARIO_ACTOR_STORE,
    SCENARIO_ACTOR_RESOURCE,
    SCENARIO_ACTOR_EXPECTATION
};

enum scenario_row_flags {
    SCENARIO_ROW_DEVICE = 1,
    SCENARIO_ROW_RESULT = 2,
    SCENARIO_ROW_BACKED = 4,
    SCENARIO_ROW_HANDLE = 8,
    SCENARIO_ROW_EXPECTS = 16,
    SCENARIO_ROW_NEGATES = 32,
    SCENARIO_ROW_OF_DIALECT = 64
};

/* Where a condition may stand. */
enum scenario_condition_place {
    ON_NOTHING = 0,
    ON_ANY_RESULT = 1,
    ON_DATA = 2,
    ON_DEVICES = 4,
    ON_INFO = 8,
    ON_COUNTERS = 16,
    ON_EXPECT = 32
};

/* Kinds of name, as bits. */
enum scenario_name_kind { SCENARIO_NAMES_REQUESTS = 1, SCENARIO_NAMES_RULES = 2 };

/* An OPEN value that is no word of its set. */
#define SCENARIO_OPEN_NAME (UINT64_C(1) << 63)

/* Names are A..Z with no number or 1..99. */
#define SCENARIO_NAMES_MAX 2600u

struct scenario_field {
    const char *name;
    const char *help;
    uint64_t min; /* CHOICE, OPEN: the set; NAME, DEFINE: kinds */
    uint64_t max;
    uint64_t fallback; /* the default; meaningless with UNSET */
    uint8_t shape;
    uint8_t type;
    uint8_t flags;
};

struct scenario_row {
    const char *name; /* "backend close" */
    const char *help;
    const struct scenario_field *fields;
    uint16_t knows; /* enum scenario_condition_place */
    uint8_t opcode;
    uint8_t actor;
    uint8_t weight;
    uint8_t flags;
    uint8_t field_count;
};

struct scenario_condition_row {
    const char *name;
    const char *help;
    uint64_t min; /* CHOICE: the set */
    uint64_t max;
    uint16_t places;
    uint8_t type;
};

/* Rows in the table's order, 0 <= index < scenario_row_count(); row 0 is `world`, which is no step.
 */
size_t scenario_row_count(void);
const struct scenario_row *scenario_row_at(size_t index);

/* The row of an opcode, or NULL: no step. */
const struct scenario_row *scenario_row(unsigned opcode);

/* The row of a name of one or two words, or NULL. */
const struct scenario_row *scenario_row_by_name(const char *name, size_t length);

/* The field of a row by its text name, or -1. */
int scenario_field_index(const struct scenario_row *row, const char *name, size_t length);

/* The words of a set. */
size_t scenario_choice_count(enum scenario_choices set);
const char *scenario_choice(enum scenario_choices set, size_t index);
const char *scenario_choices_name(enum scenario_choices set);

/* The index of a word in its set, or -1. */
int scenario_choice_index(enum scenario_choices set, const char *text, size_t length);

/* A condition by its key, or by its text name (index or -1). */
const struct scenario_condition_row *scenario_condition_row(enum scenario_condition_key key);
int scenario_condition_index(const char *name, size_t length);

/* "application" and so on. */
const char *scenario_actor_name(enum scenario_actor actor);

/* Some of the steps, a bit an opcode; {0} has none. */
struct scenario_step_set {
    uint64_t bits[4];
};

void scenario_step_set_add(struct scenario_step_set *set, unsigned opcode);
void scenario_step_set_remove(struct scenario_step_set *set, unsigned opcode);
/* All rows of an actor. */
void scenario_step_set_add_actor(struct scenario_step_set *set, enum scenario_actor actor);
static inline bool scenario_step_set_has(const struct scenario_step_set *set, unsigned opcode)
{
    return opcode < 256 && (set->bits[opcode / 64] >> opcode % 64 & 1) != 0;
}

/* The table's own consistency: sizes, sets, defaults in range. For tests. */
bool scenario_table_check(void);

#ifdef __cplusplus
}
#endif
#endif
