/* SPDX-License-Identifier: ISC */
/*
 * Dialects of backends between simback's structs and the rows of dialects.def: steps make structs,
 * structs are written as steps. Both go by one table, made from the rows.
 */
#ifndef SCENARIO_DIALECTS_H
#define SCENARIO_DIALECTS_H

#include <simback/dialect.h>

#include "scenario/text.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Those of a file and those of a program: each kind up to SCENARIO_DIALECTS_MAX. */
struct scenario_dialects {
    struct simback_dialect list[2 * SCENARIO_DIALECTS_MAX];
    size_t count;
};

/* Of the set, or built in; NULL: neither. What the set has goes before what is built in. */
const struct simback_dialect *scenario_dialect_find(const struct scenario_dialects *set,
                                                    const char *name, size_t length);
/* The one that a field of type OPEN names. */
const struct simback_dialect *scenario_dialect_of(const struct scenario_dialects *set,
                                                  const struct scenario_program *program,
                                                  uint64_t value);

/* Does what a step of dialects.def says; nothing for another step. SCENARIO_INVALID: what comes of
 * it is no dialect (a checked program's is one), SCENARIO_TOO_LARGE: there are too many. */
int scenario_dialect_step(struct scenario_dialects *set, const struct scenario_program *program,
                          const struct scenario_step *step);

/* Appends the dialect, whole, as steps. An error of memory. */
int scenario_dialect_write(const struct simback_dialect *dialect, struct scenario_program *program);

/* All of it as text that can be loaded again. */
int scenario_dialect_print(const struct simback_dialect *dialect, struct scenario_buffer *buffer);

#ifdef __cplusplus
}
#endif
#endif
