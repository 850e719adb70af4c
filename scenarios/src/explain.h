/* SPDX-License-Identifier: ISC */
/*
 * What `simblk explain` tells of a rule beside its sentence: why it is there, where the headers of
 * Xen say so, and the bugs that it would have caught. The bugs are the table of docs/bugs.md, which
 * the build turns into C (cmake/bugs.awk).
 */
#ifndef SCENARIO_EXPLAIN_H
#define SCENARIO_EXPLAIN_H

#include <simback/oracle.h>

struct explained_rule {
    const char *why;
    const char *source;
};

struct explained_bug {
    unsigned row;   /* of docs/bugs.md */
    char side;      /* Frontend, Backend, Ring, XenStore */
    uint32_t rules; /* bit n: In */
    const char *text;
    const char *scenarios; /* of scenarios/regression, a space between two */
};

/* By number: explained_rules[7] is I7. */
extern const struct explained_rule explained_rules[SIMBACK_RULES + 1];

extern const struct explained_bug explained_bugs[];
extern const unsigned explained_bug_count;

#endif
