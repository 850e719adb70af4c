/* SPDX-License-Identifier: ISC */
/*
 * Small changes of a program by chance, for fuzzers and swarms: steps put in, taken out, repeated
 * and moved, fields set, pieces taken from another program. What a step looks like comes from the
 * table alone. Whatever comes out is a valid program; the same program and the same chance give the
 * same result.
 */
#ifndef SCENARIO_MUTATE_H
#define SCENARIO_MUTATE_H

#include "scenario/check.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The caller's source of numbers: each call any 64 bits. */
struct scenario_chance {
    uint64_t (*next)(void *context);
    void *context;
};

/* The steps that chance may choose; NULL where one is asked for: every step with a weight. */
struct scenario_steps_allowed {
    struct scenario_step_set steps;
    size_t first; /* the header and the steps before this one are left alone */
};

/* A step with fields by chance, as an insertion makes it: row by weight, few fields given, values
 * that are often the ends of their range. Strings go into `program`. 0 or an error of memory. */
int scenario_random_step(struct scenario_program *program, struct scenario_step *step,
                         const struct scenario_chance *chance,
                         const struct scenario_steps_allowed *allowed);

/*
 * Changes `program` a little, at most to `max_steps` steps. With `other`, some changes take a piece
 * of that. 0, or SCENARIO_NO_MEMORY; then it is still valid.
 */
int scenario_mutate(struct scenario_program *program, const struct scenario_program *other,
                    size_t max_steps, const struct scenario_chance *chance,
                    const struct scenario_steps_allowed *allowed);

/* The steps of `program` up to somewhere, then those of `other` from somewhere; the first `keep` of
 * `program` stay, and the first `leave` of `other` are not taken. */
int scenario_cross_over(struct scenario_program *program, const struct scenario_program *other,
                        size_t keep, size_t leave, size_t max_steps,
                        const struct scenario_chance *chance);

#ifdef __cplusplus
}
#endif
#endif
