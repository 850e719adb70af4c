/* SPDX-License-Identifier: ISC */
/*
 * What the pages of the tool share: one document that needs nothing else, its style, and how text
 * is quoted in it. Names, titles and what a process printed are data: nothing of them is ever
 * mark-up.
 */
#ifndef SCENARIO_PAGE_H
#define SCENARIO_PAGE_H

#include "scenario/text.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* Files of scenarios/page/, which the build brings in. */
extern const unsigned char page_css[];
extern const size_t page_css_size;
extern const unsigned char ladder_js[];
extern const size_t ladder_js_size;
extern const unsigned char report_html[];
extern const size_t report_html_size;
extern const unsigned char report_js[];
extern const size_t report_js_size;

/* Everything up to the body's first words, and from behind its last. */
void page_begin(FILE *stream, const char *title);
void page_end(FILE *stream);
/* As text or the value of an attribute. */
void page_text(FILE *stream, const char *text);
/* As a string of JSON, which may stand in a script element. */
void page_string(struct scenario_buffer *buffer, const char *text);

/* ---- page_words.c ---- */

/* Texts that come again and again, by number. */
struct page_words {
    char **texts;
    size_t count;
    uint32_t *places; /* by hash: number + 1; 0: free */
    size_t place_count;
};

void page_words_init(struct page_words *words);
void page_words_fini(struct page_words *words);
/* False: no memory. */
bool page_words_number(struct page_words *words, const char *text, size_t *number);

#endif
