/* SPDX-License-Identifier: ISC */
/*
 * The times as figures and as a table, and the table's place in docs/fuzzing.md.
 */
#define _POSIX_C_SOURCE 200809L

#include "times.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char table_begins[] = "<!-- times -->\n", table_ends[] = "<!-- end -->\n";

/* ---- rows ---- */

/* "0.42 s", or a dash. */
static void print_time(struct scenario_buffer *out, int64_t ms)
{
    if (ms == TIMES_NEVER) {
        scenario_buffer_text(out, "–");
    } else {
        scenario_buffer_format(out, "%.2f s", (double)ms / 1000);
    }
}

/* What the swarm says of the mutant: the fifth cell of its row. */
static void print_swarm(struct scenario_buffer *out, const char *mutants, const char *name)
{
    char begin[MUTANT_NAME + 8];
    const char *cell;

    snprintf(begin, sizeof(begin), "\n| %s |", name);
    cell = strstr(mutants, begin);
    for (unsigned i = 0; cell != NULL && i < 5; i++) {
        cell = strchr(cell + 1, '|');
    }
    if (cell == NULL) {
        scenario_buffer_text(out, " not played ");
    } else {
        scenario_buffer_format(out, "%.*s", (int)strcspn(cell + 1, "|\n"), cell + 1);
    }
}

static void print_row(struct scenario_buffer *out, const struct times_summary *summary,
                      const char *mutants)
{
    const struct times_run *run = summary->first;

    scenario_buffer_format(out, "| %s | %s | %u of %u |", run->mutant, run->target, run->kept,
                           run->inputs);
    for (unsigned event = 0; event < TIMES_EVENTS; event++) {
        scenario_buffer_format(out, " %u of %u, ", summary->count[event], summary->runs);
        print_time(out, summary->median_ms[event]);
        scenario_buffer_text(out, " |");
    }
    scenario_buffer_format(out, " %s |", run->by);
    print_swarm(out, mutants, run->mutant);
    scenario_buffer_text(out, "|\n");
}

/* ---- figures ---- */

static void print_figure(struct scenario_buffer *out, const char *what, unsigned part, unsigned all)
{
    scenario_buffer_format(out, "| %s | %u of %u | %.1f %% |\n", what, part, all,
                           all == 0 ? 0.0 : 100.0 * part / all);
}

static int by_name(const void *a, const void *b)
{
    const struct times_run *left = a, *right = b;
    int order = strcmp(left->mutant, right->mutant);

    return order != 0 ? order : left->seed < right->seed ? -1 : left->seed > right->seed;
}

/* Runs are sorted: whether this is the first one of its mutant. */
static bool is_first(const struct times_results *results, size_t i)
{
    return i == 0 || strcmp(results->all[i].mutant, results->all[i - 1].mutant) != 0;
}

/* The mutants that docs/mutants.md has: those that have not been run yet, too. */
static unsigned count_all(const char *mutants)
{
    unsigned count = 0;

    for (const char *row = mutants; (row = strstr(row, "\n| m")) != NULL; row++) {
        count += row[4] >= '0' && row[4] <= '9';
    }
    return count;
}

static void print_figures(struct scenario_buffer *out, const struct times_results *results,
                          unsigned all)
{
    unsigned mutants = 0, soon = 0, medians[TIMES_EVENTS] = {0}, ever = 0, runs_found = 0;

    for (size_t i = 0; i < results->count; i++) {
        struct times_summary summary = times_summary(results, &results->all[i]);
        int64_t found = summary.median_ms[TIMES_FOUND];

        runs_found += results->all[i].ms[TIMES_FOUND] != TIMES_NEVER;
        if (!is_first(results, i)) {
            continue;
        }
        mutants++;
        soon += found != TIMES_NEVER && found <= (int64_t)TIMES_SOON_S * 1000;
        ever += summary.count[TIMES_FOUND] != 0;
        for (unsigned event = 0; event < TIMES_EVENTS; event++) {
            medians[event] += summary.median_ms[event] != TIMES_NEVER;
        }
    }
    all = all > mutants ? all : mutants;
    scenario_buffer_text(out, "| by the median of a mutant's runs | mutants | |\n|---|---|---|\n");
    print_figure(out, "in the table", mutants, all);
    print_figure(out, "reached within 120 s", medians[TIMES_REACHED], all);
    print_figure(out, "triggered within 120 s", medians[TIMES_TRIGGERED], all);
    print_figure(out, "found within 120 s", medians[TIMES_FOUND], all);
    print_figure(out, "found within 30 s", soon, all);
    print_figure(out, "found in any run", ever, all);
    scenario_buffer_format(out, "\n%u of %u runs have found their mutant.\n\n", runs_found,
                           (unsigned)results->count);
}

void times_table(struct times_results *results, const char *mutants, struct scenario_buffer *out)
{
    if (results->count != 0) {
        qsort(results->all, results->count, sizeof(results->all[0]), by_name);
    }
    print_figures(out, results, count_all(mutants));
    scenario_buffer_text(
        out, "| mutant | target | seeds | reached | triggered | found | by | the swarm, by itself "
             "|\n|---|---|---|---|---|---|---|---|\n");
    for (size_t i = 0; i < results->count; i++) {
        if (is_first(results, i)) {
            struct times_summary summary = times_summary(results, &results->all[i]);

            print_row(out, &summary, mutants);
        }
    }
}

bool times_page(const char *page, const char *table, struct scenario_buffer *out)
{
    const char *begin = strstr(page, table_begins);
    const char *end = begin == NULL ? NULL : strstr(begin, table_ends);

    if (end == NULL) {
        return false;
    }
    begin += strlen(table_begins);
    scenario_buffer_add(out, page, (size_t)(begin - page));
    scenario_buffer_text(out, table);
    scenario_buffer_text(out, end);
    return !out->failed;
}
