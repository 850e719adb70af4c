/* SPDX-License-Identifier: ISC */
/*
 * Edit distance, with two neighbours swapped counting as one edit, and words for messages.
 */
#include "suggest.h"

#include <stdio.h>
#include <string.h>

#define WORD_MAX 32

static unsigned smallest(unsigned a, unsigned b, unsigned c)
{
    unsigned least = a < b ? a : b;

    return least < c ? least : c;
}

static unsigned edit_distance(const char *a, size_t a_length, const char *b, size_t b_length)
{
    unsigned rows[3][WORD_MAX + 1]; /* the one before last, the last, this one */

    for (unsigned j = 0; j <= b_length; j++) {
        rows[0][j] = rows[1][j] = j;
    }
    for (unsigned i = 1; i <= a_length; i++) {
        rows[2][0] = i;
        for (unsigned j = 1; j <= b_length; j++) {
            unsigned change = a[i - 1] != b[j - 1];

            rows[2][j] = smallest(rows[1][j] + 1, rows[2][j - 1] + 1, rows[1][j - 1] + change);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
                rows[0][j - 2] + 1 < rows[2][j]) {
                rows[2][j] = rows[0][j - 2] + 1;
            }
        }
        memcpy(rows[0], rows[1], sizeof rows[0]);
        memcpy(rows[1], rows[2], sizeof rows[1]);
    }
    return rows[1][b_length];
}

void suggestion_init(struct suggestion *suggestion, const char *found, size_t length)
{
    suggestion->found = found;
    suggestion->length = length;
    suggestion->best = NULL;
    suggestion->distance = length <= 3 ? 2 : 3; /* must be nearer than this */
}

void suggestion_offer(struct suggestion *suggestion, const char *word)
{
    size_t length = strlen(word);
    unsigned distance;

    if (length == 0 || length > WORD_MAX || suggestion->length > WORD_MAX) {
        return;
    }
    distance = edit_distance(suggestion->found, suggestion->length, word, length);
    if (distance < suggestion->distance && distance < length) {
        suggestion->best = word;
        suggestion->distance = distance;
    }
}

void suggestion_text(const struct suggestion *suggestion, char *text, size_t size)
{
    if (suggestion->best == NULL) {
        text[0] = 0;
    } else {
        snprintf(text, size, "; did you mean '%s'?", suggestion->best);
    }
}

const char *found_text(char text[FOUND_TEXT], const char *found, size_t length)
{
    size_t shown = length > 40 ? 40 : length;

    for (size_t i = 0; i < shown; i++) {
        text[i] = found[i] >= ' ' && found[i] <= '~' ? found[i] : '?';
    }
    memcpy(text + shown, length > 40 ? "..." : "", length > 40 ? 4 : 1);
    return text;
}
