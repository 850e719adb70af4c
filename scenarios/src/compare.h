/* SPDX-License-Identifier: ISC */
/*
 * What `simblk compare` has found: for each frontend and each rule how much was kept and what broke
 * it. Printed as text for people or as a page.
 */
#ifndef SCENARIO_COMPARE_H
#define SCENARIO_COMPARE_H

#include "report.h"

struct compared_failure {
    uint32_t rules; /* bit n: it counts for In */
    bool exact;     /* the judge has named the rule; else the scenario is about these */
    char *id;
    char *reason;
};

struct compared_cell {
    size_t passed;
    size_t failed;
    size_t skipped;
};

struct compared {
    const char *name; /* as given */
    char *refused;    /* why it is no frontend, and nothing was played; NULL: it was */
    struct compared_cell all;
    struct compared_cell rule[REPORT_RULES + 1];
    struct compared_failure *failures;
    size_t failure_count;
};

struct comparison {
    struct compared *frontends;
    size_t count;
    size_t scenarios, runs;
};

/* "data", the word that a rule's sentence begins with. */
void compare_rule_word(unsigned rule, char *word, size_t size);
/* Whether any scenario of the comparison is about the rule, or breaks it. */
bool compare_has_rule(const struct comparison *comparison, unsigned rule);
/* The failure that tells most of the rule, the first in which the judge has named it; NULL: none.
 */
const struct compared_failure *compare_first(const struct compared *frontend, unsigned rule);

void compare_text(FILE *stream, const struct comparison *comparison);
void compare_html(FILE *stream, const struct comparison *comparison);

#endif
