/* SPDX-License-Identifier: ISC */
/*
 * "Did you mean": the nearest of the words that would have been good.
 */
#ifndef SCENARIO_SUGGEST_H
#define SCENARIO_SUGGEST_H

#include <stddef.h>

struct suggestion {
    const char *found; /* what was written, not terminated */
    size_t length;
    const char *best; /* NULL: nothing is near enough */
    unsigned distance;
};

void suggestion_init(struct suggestion *suggestion, const char *found, size_t length);

/* One of the words that would have been good; the first of equally near ones stays. */
void suggestion_offer(struct suggestion *suggestion, const char *word);

/* "; did you mean 'read'?" or nothing. */
void suggestion_text(const struct suggestion *suggestion, char *text, size_t size);

/* What was written, for a message: printable, at most 40 characters and the end. */
#define FOUND_TEXT 48
const char *found_text(char text[FOUND_TEXT], const char *found, size_t length);

#endif
