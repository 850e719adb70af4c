/* SPDX-License-Identifier: ISC */
/*
 * The targets whose inputs are programs: whose steps an input of each may hold, which of them its
 * mutator puts in, and what its programs begin with. Inputs of all of them are decoded, played and
 * judged by play.c, changed by mutator.c and made of scenarios by make_seeds.c.
 */
#ifndef FUZZ_TARGET_H
#define FUZZ_TARGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "scenario/program.h"

struct scenario_subject;

struct fuzz_target {
    const char *name;
    struct scenario_step_set takes; /* others are left out */
    struct scenario_step_set draws; /* of them, those that a mutation puts in */
    /* A scenario is a seed if it has one of these; none: any is. */
    struct scenario_step_set seeds_with;
    size_t max_steps; /* of what its mutator writes */
    /* Texts of which each ends with its `connect`, up to NULL: what programs begin with, and no
     * other step that is not drawn. NULL: with anything. */
    const char *const *beginnings;
};

/* NULL: no such target. */
const struct fuzz_target *fuzz_target_find(const char *name);

/* Those of this program, of fuzz_NAME.c. */
extern const char *fuzz_target_name;
const struct scenario_subject *fuzz_subject(void);

/* Between player and mutator of one process. */
struct fuzz_shared {
    bool wanted;  /* the player: what inputs begin with alike is played once */
    size_t steps; /* the mutator: so many first steps those to come have in common; 0: unknown */
};

extern struct fuzz_shared fuzz_shared;

/* ---- beginning.c ---- */

/* How many the target has. */
size_t fuzz_beginnings(const struct fuzz_target *target);

/* Leading steps up to the first `connect` and with it; 0: there is none. */
size_t fuzz_beginning(const struct scenario_program *program);

/* What the program begins with is the target's beginning of that number from now on. 0 or an error
 * of memory; then it is as it was. */
int fuzz_begin(const struct fuzz_target *target, struct scenario_program *program, size_t number);

/* The same with the beginning that is most like the program's own; and of what follows only the
 * steps that the target draws stay. Nothing where the target has no beginnings. */
int fuzz_fit(const struct fuzz_target *target, struct scenario_program *program);

/* ---- tame.c ---- */

/*
 * Makes the program one that takes not too long, as seeds and mutations are: floods of some dozens
 * of events, requests of some sectors, minutes of virtual time, small pools (connecting and closing
 * takes as long as the pool is large, and what is short happens sooner). What more of the same
 * does, scenarios show; bytes may still say it.
 */
void fuzz_tame(struct scenario_program *program);

#endif
