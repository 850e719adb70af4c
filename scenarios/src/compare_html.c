/* SPDX-License-Identifier: ISC */
/*
 * The comparison as one page that needs nothing else: the table, and behind each cell that is not
 * clean the scenarios that make it so. Works without a script, by keyboard, in light and dark; its
 * looks are those of all pages (page.css).
 */
#include "compare.h"
#include "page.h"

#include <simback/oracle.h>

#include <string.h>

static void print_cell(FILE *stream, size_t number, const struct compared *frontend, unsigned rule)
{
    const struct compared_cell *cell = &frontend->rule[rule];

    if (frontend->refused != NULL)
        fputs("<td class=\"none\">no frontend</td>", stream);
    else if (cell->failed != 0)
        fprintf(stream, "<td class=\"bad\"><a href=\"#f%zu-I%u\">%zu of %zu fail</a></td>", number,
                rule, cell->failed, cell->passed + cell->failed);
    else if (cell->passed != 0)
        fprintf(stream, "<td class=\"good\">%zu pass</td>", cell->passed);
    else
        fprintf(stream, "<td class=\"none\">%zu not supported</td>", cell->skipped);
}

static void print_table(FILE *stream, const struct comparison *comparison)
{
    fputs("<table>\n<thead><tr><th scope=\"col\">rule</th>", stream);
    for (size_t i = 0; i < comparison->count; i++) {
        fputs("<th scope=\"col\">", stream);
        page_text(stream, comparison->frontends[i].name);
        fputs("</th>", stream);
    }
    fputs("</tr></thead>\n<tbody>\n", stream);
    for (unsigned rule = 1; rule <= REPORT_RULES; rule++) {
        const char *text = simback_rule_text((uint8_t)rule);
        char word[64];

        if (!compare_has_rule(comparison, rule))
            continue;
        compare_rule_word(rule, word, sizeof(word));
        fputs("<tr><th scope=\"row\" title=\"", stream);
        page_text(stream, text == NULL ? "" : text);
        fprintf(stream, "\">I%u ", rule);
        page_text(stream, word);
        fputs("</th>", stream);
        for (size_t i = 0; i < comparison->count; i++)
            print_cell(stream, i, &comparison->frontends[i], rule);
        fputs("</tr>\n", stream);
    }
    fputs("</tbody>\n</table>\n", stream);
}

static void print_rule(FILE *stream, size_t number, const struct compared *frontend, unsigned rule)
{
    const char *text = simback_rule_text((uint8_t)rule);

    if (compare_first(frontend, rule) == NULL)
        return;
    fprintf(stream, "<details id=\"f%zu-I%u\" open>\n<summary>I%u: %zu, ", number, rule, rule,
            frontend->rule[rule].failed);
    page_text(stream, text == NULL ? "" : text);
    fputs("</summary>\n<ul>\n", stream);
    for (size_t i = 0; i < frontend->failure_count; i++) {
        const struct compared_failure *failure = &frontend->failures[i];

        if ((failure->rules >> rule & 1) == 0)
            continue;
        fputs("<li><code>", stream);
        page_text(stream, failure->id);
        fputs("</code><br>", stream);
        page_text(stream, failure->reason);
        fputs("</li>\n", stream);
    }
    fputs("</ul>\n</details>\n", stream);
}

static void print_frontend(FILE *stream, size_t number, const struct compared *frontend)
{
    fputs("<h2>", stream);
    page_text(stream, frontend->name);
    fputs("</h2>\n", stream);
    if (frontend->refused != NULL) {
        fputs("<p>It is no frontend for this simblk: ", stream);
        page_text(stream, frontend->refused);
        fputs("</p>\n", stream);
        return;
    }
    fprintf(stream, "<p>%zu passed, %zu failed, %zu not supported</p>\n", frontend->all.passed,
            frontend->all.failed, frontend->all.skipped);
    for (unsigned rule = 1; rule <= REPORT_RULES; rule++)
        print_rule(stream, number, frontend, rule);
}

void compare_html(FILE *stream, const struct comparison *comparison)
{
    page_begin(stream, "simblk compare");
    fprintf(
        stream,
        "<header>\n<h1>Frontends by rule</h1>\n<p class=\"soft\">%zu scenarios, %zu runs of each "
        "frontend</p>\n</header>\n<main>\n",
        comparison->scenarios, comparison->runs);
    print_table(stream, comparison);
    for (size_t i = 0; i < comparison->count; i++)
        print_frontend(stream, i, &comparison->frontends[i]);
    fputs("</main>\n", stream);
    page_end(stream);
}
