/* SPDX-License-Identifier: ISC */
/*
 * The part of docs/language.md that the table knows: every step with its fields, the words and the
 * conditions.
 */
#ifndef SCENARIO_REFERENCE_H
#define SCENARIO_REFERENCE_H

#include "scenario/text.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Appends the reference as Markdown. */
void scenario_reference(struct scenario_buffer *buffer);

/* Appends one step's part: for help texts. */
void scenario_reference_step(const struct scenario_row *row, struct scenario_buffer *buffer);

/* The conditions that may stand in it, or behind its arrow; nothing where there are none. */
void scenario_reference_conditions(const struct scenario_row *step, struct scenario_buffer *buffer);

#ifdef __cplusplus
}
#endif
#endif
