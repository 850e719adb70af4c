/* SPDX-License-Identifier: ISC */
/*
 * The targets whose inputs are programs: whose steps an input of each may hold, and which of them
 * its mutator puts in. Inputs of all of them are decoded, played and judged by play.c, changed by
 * mutator.c and made of scenarios by make_seeds.c.
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
    uint32_t takes; /* bit per enum scenario_actor: others' steps are left out */
    uint32_t draws; /* of them, those that a mutation puts in */
    /* A scenario is a seed if it has such a step; 0: any does. */
    uint32_t seeds_with;
    uint8_t seeds_with_step; /* enum scenario_opcode, instead of actors; STEP_NONE: any */
    /* What a program begins with, up to its first `connect`, is seldom changed: most of the time
     * goes into what happens to a device that is connected. */
    bool keeps_beginning;
};

/* NULL: no such target. */
const struct fuzz_target *fuzz_target_find(const char *name);

/* Leading steps up to the first `connect` and with it; 0: there is none. */
size_t fuzz_beginning(const struct scenario_program *program);

/*
 * Makes the program one that takes not too long, as seeds and mutations are: floods of some dozens
 * of events, requests of a hundred sectors, small pools (connecting and closing takes as long as
 * the pool is large, and what is short happens sooner). What more of the same does, scenarios show;
 * bytes may still say it.
 */
void fuzz_tame(struct scenario_program *program);

/* Those of this program, of fuzz_NAME.c. */
extern const char *fuzz_target_name;
const struct scenario_subject *fuzz_subject(void);

#endif
