/* SPDX-License-Identifier: ISC */
/*
 * What text alone cannot say: order (a name before its use, a backend before what is done to it),
 * combinations of fields, and whether a file expects anything at all. The decoder asks the same
 * questions of each step and leaves out what they refuse, so every decoded program passes.
 */
#ifndef SCENARIO_CHECK_H
#define SCENARIO_CHECK_H

#include "scenario/text.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What is known after the steps so far. */
struct scenario_admission {
    const struct scenario_program *program;  /* whose strings the steps' are */
    const struct scenario_program *dialects; /* of a file of dialects; NULL: none */
    struct scenario_string own_dialects[SCENARIO_DIALECTS_MAX];
    unsigned own_dialect_count;
    bool in_dialect;                   /* nothing else has come since `dialect` */
    uint8_t kinds[SCENARIO_NAMES_MAX]; /* enum scenario_name_kind, 0: free */
    uint16_t last_request;             /* names + 1; 0: none */
    uint16_t last_rule;
    bool any_backend;
    bool backed[SCENARIO_DEVICES_MAX];
    uint32_t vdevs[SCENARIO_DEVICES_MAX]; /* of those */
    unsigned holds[SCENARIO_DEVICES_MAX]; /* connects minus puts */
};

void scenario_admission_init(struct scenario_admission *admission,
                             const struct scenario_program *program,
                             const struct scenario_program *dialects);

/* Is this the name of a dialect: a built-in one, of the file, or begun by a step so far? */
bool scenario_knows_dialect(const struct scenario_admission *admission, const char *name,
                            size_t length);

/* The number of disk n of the xvd series (PROTOCOL section 9). */
#define SCENARIO_VDEV_OF_DISK(disk) ((uint32_t)(202 << 8 | (disk) << 4))

/* Of a `backend`: the number that its device has; and whether another device has it already. */
uint32_t scenario_vdev(const struct scenario_step *backend);
bool scenario_vdev_is_taken(const struct scenario_admission *admission, uint32_t vdev);

/* May this step come next? Then it is counted in; else the message (size bytes, may be NULL) says
 * why not. */
bool scenario_admit(struct scenario_admission *admission, const struct scenario_step *step,
                    char *message, size_t size);

/* All of it over a program that was read without an error. 0 or SCENARIO_INVALID with problems, or
 * an error of memory. Allocates only for `variants` lines. */
int scenario_check(const struct scenario_program *program, struct scenario_problems *problems);
/* The same where `backend` may also name what a file of dialects holds (NULL: there is none). */
int scenario_check_with(const struct scenario_program *program,
                        const struct scenario_program *dialects,
                        struct scenario_problems *problems);
/* A file of dialects: `dialect` and what belongs to it, and no other step. */
int scenario_check_dialects(const struct scenario_program *program,
                            struct scenario_problems *problems);

/* The same as a predicate. */
bool scenario_program_is_valid(const struct scenario_program *program);

/* Single expectations: each "-> result", each condition, each `expect ...` without conditions. */
size_t scenario_expectation_count(const struct scenario_program *program);

/* Inverts exactly the expectation `index`: "-> ok" becomes "-> !ok", "=" becomes "!=", `expect
 * quiet` becomes `expect not quiet`. Twice gives the same program. *position is where it stands
 * (may be NULL). */
int scenario_invert(struct scenario_program *program, size_t index,
                    struct scenario_position *position);

#ifdef __cplusplus
}
#endif
#endif
