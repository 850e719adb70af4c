/* SPDX-License-Identifier: ISC */
/*
 * One value: its text, its range, how a number out of range is folded into it. Works by the field's
 * type alone, for fields of steps and for conditions.
 */
#ifndef SCENARIO_VALUE_H
#define SCENARIO_VALUE_H

#include "scenario/text.h"

#define VALUE_MESSAGE 224

/* A time without end, where a field can have one: its largest value. */
#define VALUE_EVER      UINT64_MAX
#define VALUE_EVER_WORD "ever"

/* Reads text ("8", "+8", "10ms", "\"a b\"") as the field's type; values[1] is the end of a span. A
 * string is put into the program. SCENARIO_INVALID: the message (VALUE_MESSAGE bytes) says what was
 * found and expected; or an error of memory. */
int value_read(struct scenario_program *program, const struct scenario_field *field,
               const char *text, size_t length, uint64_t values[2], char *message);

/* The same value as text. `row` tells which words a string must not look like (may be NULL). */
void value_write(struct scenario_buffer *buffer, const struct scenario_program *program,
                 const struct scenario_field *field, const struct scenario_row *row,
                 const uint64_t *values);

bool value_in_range(const struct scenario_field *field, uint64_t value);

/* The value itself when in range, else one made of it by modulo. */
uint64_t value_fold(const struct scenario_field *field, uint64_t value);

/* What would be good: "a number from 0 to 7". */
void value_expected(const struct scenario_field *field, char *text, size_t size);

/* The field that a condition is like. */
struct scenario_field value_field_of_condition(const struct scenario_condition_row *condition);

/* Letters, digits, '-' and '_', at least one: what a dialect may be called. */
bool value_is_word(const char *text, size_t length);

/* A node of XenStore: absolute, or `front` or `back` and what is below. */
bool value_is_path(const char *text, size_t length);

/* "A", "R12" -> 0 .. SCENARIO_NAMES_MAX - 1, or -1. */
int value_name(const char *text, size_t length);

#endif
