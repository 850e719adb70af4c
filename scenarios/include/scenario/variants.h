/* SPDX-License-Identifier: ISC */
/*
 * One file, several runs: the cross product of a program's `variants` lines. A key is a field of
 * the world, backend and connect rows ("order": wherever there is one), or of a step ("read.count",
 * "ring-respond.status"); keys joined with + take the same value.
 */
#ifndef SCENARIO_VARIANTS_H
#define SCENARIO_VARIANTS_H

#include "scenario/text.h"

#ifdef __cplusplus
extern "C" {
#endif

#define SCENARIO_VARIANTS_MAX 4096u

/* How many runs: 1 without such lines; 0 when the lines are wrong (the checker says how). */
size_t scenario_variant_count(const struct scenario_program *program);

/* to = from with the fields of variant `index` set and the `variants` lines gone; name, if not
 * NULL, gets "order=2,queues=1" ("" for the only one). */
int scenario_variant(struct scenario_program *to, const struct scenario_program *from, size_t index,
                     struct scenario_buffer *name);

/* Problems of the `variants` lines, with the dialects of a file (NULL: none); for the checker. */
void scenario_variants_check(const struct scenario_program *program,
                             const struct scenario_program *dialects,
                             struct scenario_problems *problems);

#ifdef __cplusplus
}
#endif
#endif
