/* SPDX-License-Identifier: ISC */
/*
 * The smallest program that still does what a larger one does: whatever the judge says yes to.
 * Steps are taken out, fields set to their defaults, numbers and strings made simple, and that
 * again until nothing more can go. What fields a step has is the table's matter.
 */
#ifndef SCENARIO_SHRINK_H
#define SCENARIO_SHRINK_H

#include "scenario/check.h"

#ifdef __cplusplus
extern "C" {
#endif

struct scenario_shrink {
    /* Does this valid program still do it? Asked once for each attempt. */
    bool (*judge)(void *context, const struct scenario_program *program);
    void *context;
    uint32_t max_runs; /* of the judge; 0: no limit */
    uint32_t runs;     /* so far; begins at 0 */
};

/* `program` must be valid and do it. 0, or SCENARIO_NO_MEMORY: then it is as small as it was then
 * and still does it. Titles, comments and other metadata stay. */
int scenario_shrink(struct scenario_program *program, struct scenario_shrink *shrink);

#ifdef __cplusplus
}
#endif
#endif
