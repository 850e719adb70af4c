/* SPDX-License-Identifier: ISC */
/*
 * What the parser's files share: parser.c goes through the lines, parse_step.c reads a step,
 * parse_meta.c metadata.
 */
#ifndef SCENARIO_PARSER_H
#define SCENARIO_PARSER_H

#include "lexer.h"

struct parser {
    struct scenario_program *program;
    struct scenario_problems *problems;
    struct scenario_buffer pending; /* comments and blank lines that wait for their line */
    struct line line;
    bool any_step; /* good or not: metadata must stand before it */
    int error;     /* of memory or size: reading ends */
};

/* Reads the words from `first` on as a step; false when there was a problem. */
bool parse_step(struct parser *parser, unsigned first, struct scenario_step *step);

/* Is the line metadata? Then it is read, and added when it is good. */
bool parse_meta(struct parser *parser, struct scenario_notes notes);

/* The keyword of a kind, and whether a word is one. */
const char *meta_keyword(enum scenario_meta_kind kind);

void parser_refuse(struct parser *parser, const struct word *word, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Remembers an error of memory or size and says so. */
void parser_fail(struct parser *parser, int error);

#endif
