/* SPDX-License-Identifier: ISC */
/*
 * The tree: a program as structs, which parser and decoder fill and which printer, encoder, runner,
 * mutator and minimiser work on. A program owns growable arrays and keeps them when it is cleared,
 * so that reading the next program into it allocates nothing once it is warm. What fields a step
 * has is the table's matter.
 */
#ifndef SCENARIO_PROGRAM_H
#define SCENARIO_PROGRAM_H

#include "scenario/table.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Limits of one program; what goes beyond is an error, never cut off in silence. */
#define SCENARIO_STEPS_MAX      4096u
#define SCENARIO_STRINGS_MAX    (1u << 20) /* bytes of all strings and comments */
#define SCENARIO_CONDITIONS_MAX 16384u
#define SCENARIO_METAS_MAX      256u
#define SCENARIO_DEVICES_MAX    16u /* xvda .. xvdp */
#define SCENARIO_DIALECTS_MAX   16u /* of one's own */

enum scenario_error {
    SCENARIO_OK = 0,
    SCENARIO_INVALID = -1,   /* the problems say why */
    SCENARIO_NO_MEMORY = -2, /* nothing leaked; the program is what was read so far */
    SCENARIO_TOO_LARGE = -3  /* a limit above */
};

/* A piece of the program's text area. Valid until the program is changed; not terminated. */
struct scenario_string {
    uint32_t offset;
    uint32_t length;
};

/* 1-based place in the file; 0 where there was none (bytes, mutators). */
struct scenario_position {
    uint32_t line;
    uint32_t column;
};

/* Comment and blank lines before a line, and a comment behind it; kept by `fmt`, absent in bytes.
 */
struct scenario_notes {
    struct scenario_string before;
    struct scenario_string behind;
};

enum scenario_compare {
    SCENARIO_EQUAL,
    SCENARIO_UNEQUAL,
    SCENARIO_LESS,
    SCENARIO_LESS_EQUAL,
    SCENARIO_GREATER,
    SCENARIO_GREATER_EQUAL
};

/* key=value after "->" or in `expect`. */
struct scenario_condition {
    uint64_t value; /* STRING: packed, "contains" */
    struct scenario_position position;
    uint16_t key; /* enum scenario_condition_key */
    uint8_t compare;
};

struct scenario_step {
    uint64_t given; /* bit i: field i is not at its default */
    struct scenario_position position;
    struct scenario_position result_position; /* or of a name, where there is no result (OPEN) */
    struct scenario_notes notes;
    uint32_t first_condition; /* in program->conditions */
    uint16_t condition_count;
    uint8_t opcode;      /* enum scenario_opcode */
    uint8_t device;      /* 0: xvda */
    uint8_t result;      /* enum scenario_choice_RESULT; NONE: nothing is said */
    bool result_negated; /* -> !ok */
    bool negated;        /* expect not ... */
    /* Always filled: what is not given has its default (0 with UNSET). Beyond field_count
     * undefined. */
    uint64_t values[SCENARIO_FIELDS_MAX];
};

enum scenario_meta_kind {
    SCENARIO_META_VERSION, /* simblk 1 */
    SCENARIO_META_TITLE,
    SCENARIO_META_RULE,
    SCENARIO_META_ABOUT,
    SCENARIO_META_TAG,
    SCENARIO_META_VARIANTS,
    SCENARIO_META_EACH, /* repeat.h */
    SCENARIO_META_AT,
    SCENARIO_META_COUNT
};

struct scenario_meta {
    enum scenario_meta_kind kind;
    struct scenario_string value; /* the title unescaped; else the words, one space between */
    struct scenario_position position;
    struct scenario_notes notes;
};

struct scenario_program {
    struct scenario_step world; /* opcode STEP_WORLD; all default when the file has no such line */
    bool has_world;             /* the text has the line */
    struct scenario_step *steps;
    size_t step_count;
    struct scenario_condition *conditions;
    size_t condition_count;
    struct scenario_meta *metas;
    size_t meta_count;
    char *strings;
    size_t string_bytes;
    struct scenario_string notes_at_end;
    size_t step_room, condition_room, meta_room, string_room;
};

/* Caller's memory; init allocates nothing, clear keeps the arrays, fini frees them (and may be
 * repeated). */
void scenario_program_init(struct scenario_program *program);
void scenario_program_clear(struct scenario_program *program);
void scenario_program_fini(struct scenario_program *program);

/* to becomes the same program; positions, notes, metadata and all. */
int scenario_program_copy(struct scenario_program *to, const struct scenario_program *from);

/* Same content: header, steps, conditions, metadata; positions do not count, notes only with
 * `notes`. */
bool scenario_program_equal(const struct scenario_program *a, const struct scenario_program *b,
                            bool notes);

/* Every index, opcode, value and string in range: what the functions of this library may rely on.
 */
bool scenario_program_check(const struct scenario_program *program);

/* A step with all fields at their defaults. */
void scenario_step_init(struct scenario_step *step, enum scenario_opcode opcode);

/* Puts a copy of a step (of `from`, which may be the program itself or NULL: no strings, no
 * conditions) before step `index`. */
int scenario_program_insert(struct scenario_program *program, size_t index,
                            const struct scenario_program *from, const struct scenario_step *step);
void scenario_program_remove(struct scenario_program *program, size_t index, size_t count);

/* Keeps text in the program. */
int scenario_program_add_string(struct scenario_program *program, const char *text, size_t length,
                                struct scenario_string *string);
int scenario_program_add_condition(struct scenario_program *program, struct scenario_step *step,
                                   const struct scenario_condition *condition);
int scenario_program_add_meta(struct scenario_program *program, const struct scenario_meta *meta);

static inline const char *scenario_text(const struct scenario_program *program,
                                        struct scenario_string string)
{
    return string.length == 0 ? "" : program->strings + string.offset;
}

static inline uint64_t scenario_pack(struct scenario_string string)
{
    return (uint64_t)string.offset << 32 | string.length;
}

static inline struct scenario_string scenario_unpack(uint64_t value)
{
    struct scenario_string string = {(uint32_t)(value >> 32), (uint32_t)value};
    return string;
}

/* A value of type OPEN: is it a name, and which? */
static inline bool scenario_is_name(uint64_t value)
{
    return (value & SCENARIO_OPEN_NAME) != 0;
}

static inline struct scenario_string scenario_open_name(uint64_t value)
{
    return scenario_unpack(value & ~SCENARIO_OPEN_NAME);
}

/* Does a value of this type keep text in the program, and where? */
static inline bool scenario_keeps_text(uint8_t type, uint64_t value)
{
    return type == SCENARIO_TYPE_STRING || (type == SCENARIO_TYPE_OPEN && scenario_is_name(value));
}

/* A field's value by index: `scenario_given` tells whether it stands there, `scenario_value` has
 * the default else. */
static inline bool scenario_given(const struct scenario_step *step, unsigned field)
{
    return (step->given >> field & 1) != 0;
}

static inline uint64_t scenario_value(const struct scenario_step *step, unsigned field)
{
    return step->values[field];
}

static inline int64_t scenario_signed(const struct scenario_step *step, unsigned field)
{
    return (int64_t)step->values[field];
}

static inline struct scenario_string scenario_string_of(const struct scenario_step *step,
                                                        unsigned field)
{
    return scenario_unpack(step->values[field]);
}

/* The LIST's numbers, 0 where it has ended. */
static inline unsigned scenario_list_at(uint64_t list, unsigned index)
{
    return index < 8 ? (unsigned)(list >> (8 * index) & 0xff) : 0;
}

/* Sets field `index` to a value (a string by its packed place in the program), normalising a
 * default away; folds nothing: -1 (SCENARIO_INVALID) when the value is out of range. */
int scenario_step_set(struct scenario_step *step, unsigned index, uint64_t value);
void scenario_step_reset(struct scenario_step *step, unsigned index);

/* Sets a field by its text name from text as it would stand in a file ("order", "2"); the message
 * says what was wrong (size bytes, may be NULL). */
int scenario_step_set_text(struct scenario_program *program, struct scenario_step *step,
                           const char *name, size_t name_length, const char *text, size_t length,
                           char *message, size_t size);

/* A name as text: "A", "R12"; at most 4 bytes with the end. */
void scenario_name_text(uint64_t name, char text[4]);

/* For mutators and minimisers: all fields of all steps, one after the other, the world's first. */
struct scenario_field_iterator {
    struct scenario_program *program;
    struct scenario_step *step;         /* of the field, after next */
    const struct scenario_field *field; /* of the field, after next */
    size_t step_index;                  /* 0: the world; i: steps[i - 1] */
    unsigned field_index;
    bool started;
};
void scenario_fields_begin(struct scenario_field_iterator *iterator,
                           struct scenario_program *program);
bool scenario_fields_next(struct scenario_field_iterator *iterator);

#ifdef __cplusplus
}
#endif
#endif
