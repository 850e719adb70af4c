/* SPDX-License-Identifier: ISC */
/*
 * A line cut into words, with the comment behind it. Words are cut at spaces that are not inside
 * quotes; what they mean is the parser's matter.
 */
#ifndef SCENARIO_LEXER_H
#define SCENARIO_LEXER_H

#include "scenario/text.h"

#define LINE_WORDS_MAX  256u
#define LINE_LENGTH_MAX 65535u

struct word {
    const char *text; /* into the file's text, quotes and escapes as written */
    size_t length;
    uint32_t column;
};

struct line {
    const char *text;
    size_t length;
    uint32_t number;
    struct word words[LINE_WORDS_MAX];
    unsigned count;
    struct word comment; /* from the # on, without spaces at its end; length 0: none */
    struct word rest;    /* what stands behind the first word, before the comment, trimmed */
};

/* False when the line cannot be cut: the problem is added and the line is to be skipped. */
bool lexer_cut(struct line *line, const char *text, size_t length, uint32_t number,
               struct scenario_problems *problems);

bool word_is(const struct word *word, const char *text);

struct scenario_position word_position(const struct line *line, const struct word *word);

#endif
