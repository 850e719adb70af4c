/* SPDX-License-Identifier: ISC */
/*
 * The checker's questions about names of dialects.
 */
#ifndef SCENARIO_DIALECT_NAMES_H
#define SCENARIO_DIALECT_NAMES_H

#include "scenario/check.h"

/* Are the dialects known that the step names? */
bool dialect_names_are_known(const struct scenario_admission *admission,
                             const struct scenario_step *step);

/* Are the names that the step uses known, is the one that it gives new, and is there a dialect for
 * what belongs to one? Else the message (size bytes, may be NULL) says what is wrong. */
bool dialect_names_fit(const struct scenario_admission *admission, const struct scenario_row *row,
                       const struct scenario_step *step, char *message, size_t size);

#endif
