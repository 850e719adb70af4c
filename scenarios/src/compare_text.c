/* SPDX-License-Identifier: ISC */
/*
 * The comparison for people: a table of rules and frontends, then for each frontend the first
 * scenario that breaks a rule.
 */
#include "compare.h"

#include <simback/oracle.h>

#include <string.h>

enum { COLUMN_LEAST = 14 };

void compare_rule_word(unsigned rule, char *word, size_t size)
{
    const char *text = simback_rule_text((uint8_t)rule);

    snprintf(word, size, "%.*s", text == NULL ? 0 : (int)strcspn(text, ":"),
             text == NULL ? "" : text);
}

bool compare_has_rule(const struct comparison *comparison, unsigned rule)
{
    for (size_t i = 0; i < comparison->count; i++) {
        const struct compared_cell *cell = &comparison->frontends[i].rule[rule];

        if (cell->passed + cell->failed + cell->skipped != 0)
            return true;
    }
    return false;
}

const struct compared_failure *compare_first(const struct compared *frontend, unsigned rule)
{
    const struct compared_failure *first = NULL;

    for (size_t i = 0; i < frontend->failure_count; i++) {
        const struct compared_failure *failure = &frontend->failures[i];

        if ((failure->rules >> rule & 1) != 0 &&
            (first == NULL || (failure->exact && !first->exact)))
            first = failure;
    }
    return first;
}

static int column_of(const struct compared *frontend)
{
    size_t length = strlen(frontend->name);

    return length < COLUMN_LEAST ? COLUMN_LEAST : (int)length;
}

/* "61", "33 of 94 fail", "-": nothing could be played. */
static void print_cell(FILE *stream, const struct compared *frontend,
                       const struct compared_cell *cell, bool last)
{
    char text[64] = "-";
    int width = column_of(frontend);

    if (frontend->refused != NULL)
        snprintf(text, sizeof(text), "no frontend");
    else if (cell->failed != 0)
        snprintf(text, sizeof(text), "%zu of %zu fail", cell->failed, cell->passed + cell->failed);
    else if (cell->passed != 0)
        snprintf(text, sizeof(text), "%zu", cell->passed);
    fprintf(stream, "  %-*s", last ? 0 : width, text);
}

static void print_row(FILE *stream, const struct comparison *comparison, unsigned rule)
{
    char word[64];

    compare_rule_word(rule, word, sizeof(word));
    fprintf(stream, "I%-3u %-18s", rule, word);
    for (size_t i = 0; i < comparison->count; i++)
        print_cell(stream, &comparison->frontends[i], &comparison->frontends[i].rule[rule],
                   i + 1 == comparison->count);
    fputc('\n', stream);
}

static void print_failures(FILE *stream, const struct compared *frontend)
{
    fputc('\n', stream);
    report_visible(stream, frontend->name, strlen(frontend->name));
    if (frontend->refused != NULL) {
        fputs(": no frontend: ", stream);
        report_visible(stream, frontend->refused, strlen(frontend->refused));
        fputc('\n', stream);
        return;
    }
    fprintf(stream, ": %zu passed, %zu failed, %zu skipped\n", frontend->all.passed,
            frontend->all.failed, frontend->all.skipped);
    for (unsigned rule = 1; rule <= REPORT_RULES; rule++) {
        const struct compared_failure *first = compare_first(frontend, rule);

        if (first == NULL)
            continue;
        fprintf(stream, "  I%-3u ", rule);
        report_visible(stream, first->id, strlen(first->id));
        fputs(": ", stream);
        report_visible(stream, first->reason, strlen(first->reason));
        fputc('\n', stream);
    }
}

void compare_text(FILE *stream, const struct comparison *comparison)
{
    fprintf(stream, "%-23s", "rule");
    for (size_t i = 0; i < comparison->count; i++) {
        const struct compared *frontend = &comparison->frontends[i];
        size_t length = strlen(frontend->name);
        int rest = i + 1 == comparison->count ? 0 : column_of(frontend) - (int)length;

        fputs("  ", stream);
        report_visible(stream, frontend->name, length);
        fprintf(stream, "%*s", rest, "");
    }
    fputc('\n', stream);
    for (unsigned rule = 1; rule <= REPORT_RULES; rule++) {
        if (compare_has_rule(comparison, rule))
            print_row(stream, comparison, rule);
    }
    for (size_t i = 0; i < comparison->count; i++)
        print_failures(stream, &comparison->frontends[i]);
    fprintf(stream, "\n%zu scenarios, %zu runs of each\n", comparison->scenarios, comparison->runs);
}
