/* SPDX-License-Identifier: ISC */
/*
 * What the two halves of the mutator share: chance, and one field's new value.
 */
#ifndef SCENARIO_SRC_MUTATE_H
#define SCENARIO_SRC_MUTATE_H

#include "scenario/mutate.h"

/* 0 .. bound-1; bound > 0. Nearly even is even enough here. */
uint64_t chance_below(const struct scenario_chance *chance, uint64_t bound);

/* Another value for the field, in its range; 0 or an error of memory. */
int mutate_field(struct scenario_program *program, struct scenario_step *step, unsigned index,
                 const struct scenario_chance *chance);

#endif
