/* SPDX-License-Identifier: ISC */
/*
 * The file of results, a line a mutant with tabs between its fields, and the tables made of it.
 */
#define _POSIX_C_SOURCE 200809L

#include "mutant.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LINE = 2048 };

/* ---- the file ---- */

static void print_kill(struct scenario_buffer *line, const struct mutant_kill *kill)
{
    scenario_buffer_format(line, "\t%d%d%d\t%u\t%s\t%u\t%.1f", kill->played, kill->killed,
                           kill->crash, kill->rule, kill->where[0] != '\0' ? kill->where : "-",
                           kill->runs, kill->seconds);
}

bool mutant_result_append(const struct mutant_result *result, const char *path)
{
    struct scenario_buffer line;
    int file = open(path, O_WRONLY | O_CREAT | O_APPEND, 0666);
    bool ok;

    scenario_buffer_init(&line);
    scenario_buffer_format(&line, "%s\t%s\t%s\t%" PRIx32 "\t%" PRIx64 "\t%" PRIx64 "\t%d",
                           result->name, result->rows, result->file, result->rules, result->tree,
                           result->hash, (int)result->built);
    for (unsigned i = 0; i < MUTANT_SUITES; i++) {
        print_kill(&line, &result->kills[i]);
    }
    scenario_buffer_text(&line, "\n");
    ok = file >= 0 && !line.failed && write(file, line.data, line.length) == (ssize_t)line.length;
    if (!ok) {
        perror(path);
    }
    if (file >= 0) {
        close(file);
    }
    scenario_buffer_fini(&line);
    return ok;
}

/* The field up to the next tab; what is left of the line stays in *rest. */
static const char *field(char **rest)
{
    char *begin = *rest;
    size_t length = strcspn(begin, "\t\n");

    *rest = begin[length] == '\0' ? begin + length : begin + length + 1;
    begin[length] = '\0';
    return begin;
}

static void read_kill(struct mutant_kill *kill, char **rest)
{
    const char *flags = field(rest);

    kill->played = flags[0] == '1';
    kill->killed = kill->played && flags[1] == '1';
    kill->crash = kill->killed && flags[2] == '1';
    kill->rule = (unsigned)strtoul(field(rest), NULL, 10);
    snprintf(kill->where, sizeof(kill->where), "%.191s", field(rest));
    kill->runs = (unsigned)strtoul(field(rest), NULL, 10);
    kill->seconds = strtod(field(rest), NULL);
}

static void read_line(struct mutant_result *result, char *rest)
{
    memset(result, 0, sizeof(*result));
    snprintf(result->name, sizeof(result->name), "%.95s", field(&rest));
    snprintf(result->rows, sizeof(result->rows), "%.31s", field(&rest));
    snprintf(result->file, sizeof(result->file), "%.63s", field(&rest));
    result->rules = (uint32_t)strtoul(field(&rest), NULL, 16);
    result->tree = strtoull(field(&rest), NULL, 16);
    result->hash = strtoull(field(&rest), NULL, 16);
    result->built = (enum mutant_built)strtoul(field(&rest), NULL, 10);
    for (unsigned i = 0; i < MUTANT_SUITES; i++) {
        read_kill(&result->kills[i], &rest);
    }
}

bool mutant_results_add(struct mutant_results *results, const struct mutant_result *result)
{
    for (size_t i = 0; i < results->count; i++) {
        if (strcmp(results->all[i].name, result->name) == 0) {
            results->all[i] = *result;
            return true;
        }
    }
    if (results->count == results->room) {
        size_t room = results->room == 0 ? 64 : 2 * results->room;
        struct mutant_result *all = realloc(results->all, room * sizeof(*all));

        if (all == NULL) {
            return false;
        }
        results->all = all;
        results->room = room;
    }
    results->all[results->count++] = *result;
    return true;
}

bool mutant_results_read(struct mutant_results *results, const char *path)
{
    FILE *file = fopen(path, "r");
    struct mutant_result result;
    char line[LINE];
    bool ok = true;

    if (file == NULL) {
        return true; /* nothing has been finished yet */
    }
    while (ok && fgets(line, sizeof(line), file) != NULL) {
        /* A line without an end is of a run that was stopped. */
        if (strchr(line, '\n') != NULL) {
            read_line(&result, line);
            ok = mutant_results_add(results, &result);
        }
    }
    fclose(file);
    return ok;
}

const struct mutant_result *mutant_results_find(const struct mutant_results *results,
                                                const char *name)
{
    for (size_t i = 0; i < results->count; i++) {
        if (strcmp(results->all[i].name, name) == 0) {
            return &results->all[i];
        }
    }
    return NULL;
}

void mutant_results_fini(struct mutant_results *results)
{
    free(results->all);
}

/* ---- for people ---- */

/* "I5", "I13, a crash", "an expectation". */
static const char *killer(const struct mutant_kill *kill, char *text, size_t size)
{
    if (!kill->played) {
        return "not played";
    }
    if (!kill->killed) {
        return "**survives**";
    }
    if (kill->rule == 0) {
        return "expectation";
    }
    snprintf(text, size, "I%u%s", kill->rule, kill->crash ? " (crash)" : "");
    return text;
}

static bool without_regression(const struct mutant_result *result)
{
    return result->kills[MUTANT_CONFORMANCE].killed || result->kills[MUTANT_SWARM].killed;
}

static bool with_regression(const struct mutant_result *result)
{
    return result->kills[MUTANT_CONFORMANCE].killed || result->kills[MUTANT_REGRESSION].killed;
}

/* Whatever it was killed by was a crash. */
static bool crash_only(const struct mutant_result *result)
{
    bool killed = false;

    for (unsigned i = 0; i < MUTANT_SUITES; i++) {
        if (result->kills[i].killed && !result->kills[i].crash) {
            return false;
        }
        killed = killed || result->kills[i].killed;
    }
    return killed;
}

static const char *place(const struct mutant_kill *kill)
{
    static const char folder[] = "scenarios/";

    return strncmp(kill->where, folder, sizeof(folder) - 1) == 0 ? kill->where + sizeof(folder) - 1
                                                                 : kill->where;
}

void mutant_result_tell(const struct mutant_result *result)
{
    char text[32];

    printf("%s:", result->name);
    if (result->built == MUTANT_REFUSED) {
        printf(" does not compile\n");
    } else if (result->built == MUTANT_SAME_CODE) {
        printf(" makes the same code\n");
    } else if (result->built == MUTANT_ERROR) {
        printf(" could not be built\n");
    } else {
        for (unsigned i = 0; i < MUTANT_SUITES; i++) {
            const struct mutant_kill *kill = &result->kills[i];

            if (kill->played) {
                printf(" %s %s", mutant_suite_name((enum mutant_suite)i),
                       killer(kill, text, sizeof(text)));
                printf(kill->killed ? " in %s, %.1f s;" : ";", place(kill), kill->seconds);
            }
        }
        printf("\n");
    }
    fflush(stdout);
}

static bool counts(const struct mutant_result *result, bool generic)
{
    return result->built == MUTANT_BUILT && (result->rules == 0) == generic;
}

static void figure(const char *what, size_t part, size_t all)
{
    printf("| %s | %zu of %zu | %.1f %% |\n", what, part, all,
           all == 0 ? 0.0 : 100.0 * (double)part / (double)all);
}

static void print_figures(const struct mutant_results *results, bool generic)
{
    size_t all = 0, without = 0, with = 0, any = 0, crash = 0, by_conformance = 0, by_swarm = 0;

    for (size_t i = 0; i < results->count; i++) {
        const struct mutant_result *one = &results->all[i];

        if (counts(one, generic)) {
            all++;
            by_conformance += one->kills[MUTANT_CONFORMANCE].killed;
            by_swarm += one->kills[MUTANT_SWARM].killed;
            without += without_regression(one);
            with += with_regression(one);
            any += without_regression(one) || with_regression(one);
            crash += crash_only(one);
        }
    }
    printf("| killed by | mutants | |\n|---|---|---|\n");
    if (!generic) {
        figure("conformance/ alone", by_conformance, all);
        figure("300 seeds of the swarm alone", by_swarm, all);
    }
    figure("conformance/ or swarm, regression/ left out", without, all);
    if (!generic) {
        figure("all of scenarios/", with, all);
    }
    figure("anything", any, all);
    figure("a crash (I13) and nothing else", crash, all);
}

/* By what those were killed that a rule has killed first, suite by suite. */
static void print_rules(const struct mutant_results *results, bool generic)
{
    size_t by_rule[MUTANT_RULES + 1] = {0};

    for (size_t i = 0; i < results->count; i++) {
        const struct mutant_result *one = &results->all[i];

        for (unsigned suite = 0; counts(one, generic) && suite < MUTANT_SUITES; suite++) {
            if (one->kills[suite].killed && one->kills[suite].rule <= MUTANT_RULES) {
                by_rule[one->kills[suite].rule]++;
                break;
            }
        }
    }
    printf("\nBy the first to kill:");
    for (unsigned rule = 1; rule <= MUTANT_RULES; rule++) {
        if (by_rule[rule] != 0) {
            printf(" I%u %zu,", rule, by_rule[rule]);
        }
    }
    printf(" an expectation %zu.\n", by_rule[0]);
}

static void print_expected(uint32_t rules)
{
    for (unsigned rule = 1; rule <= MUTANT_RULES; rule++) {
        if ((rules >> rule & 1) != 0) {
            printf("I%u ", rule);
        }
    }
}

static void print_seeded(const struct mutant_results *results)
{
    char text[32];

    printf("\n| mutant | row | expected | conformance | swarm | regression |\n"
           "|---|---|---|---|---|---|\n");
    for (size_t i = 0; i < results->count; i++) {
        const struct mutant_result *one = &results->all[i];

        if (one->rules == 0 || one->built != MUTANT_BUILT) {
            continue;
        }
        printf("| %s | %s | ", one->name, one->rows);
        print_expected(one->rules);
        for (unsigned suite = 0; suite < MUTANT_SUITES; suite++) {
            const struct mutant_kill *kill = &one->kills[suite];

            printf("| %s ", killer(kill, text, sizeof(text)));
            if (kill->killed) {
                printf("%.*s, %.1f s ", (int)strcspn(place(kill), "["), place(kill), kill->seconds);
            }
        }
        printf("|\n");
    }
}

static bool survives(const struct mutant_result *result)
{
    return !without_regression(result) && !with_regression(result);
}

/* How many there are of each kind of change, in the order in which the kinds come. */
static void print_kinds(const struct mutant_results *results)
{
    printf("\n| change | mutants | survive |\n|---|---|---|\n");
    for (size_t i = 0; i < results->count; i++) {
        const char *kind = results->all[i].rows;
        size_t all = 0, alive = 0, before = 0;

        for (size_t k = 0; k < results->count; k++) {
            const struct mutant_result *one = &results->all[k];

            if (counts(one, true) && strcmp(one->rows, kind) == 0) {
                all++;
                alive += survives(one);
                before += k < i;
            }
        }
        if (before == 0 && counts(&results->all[i], true)) {
            printf("| %s | %zu | %zu |\n", kind, all, alive);
        }
    }
}

/* A bar would end the cell; and the place in bytes, in brackets at the end, tells nobody much. */
static void print_change(const char *name)
{
    const char *end = strrchr(name, '(');
    size_t length = end != NULL && end != name ? (size_t)(end - name) - 1 : strlen(name);

    for (size_t i = 0; i < length; i++) {
        printf(name[i] == '|' ? "\\%c" : "%c", name[i]);
    }
}

static void print_generic(const struct mutant_results *results)
{
    size_t refused = 0, same = 0;

    for (size_t i = 0; i < results->count; i++) {
        refused += results->all[i].rules == 0 && results->all[i].built == MUTANT_REFUSED;
        same += results->all[i].rules == 0 && results->all[i].built == MUTANT_SAME_CODE;
    }
    print_kinds(results);
    printf("\nBeside these %zu that do not compile and %zu of which the compiler makes the same "
           "code.\n\n| survivor | change |\n|---|---|\n",
           refused, same);
    for (size_t i = 0; i < results->count; i++) {
        const struct mutant_result *one = &results->all[i];

        if (counts(one, true) && survives(one)) {
            printf("| ");
            print_change(one->name);
            printf(" | %s |\n", one->rows);
        }
    }
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct mutant_result *)a)->name, ((const struct mutant_result *)b)->name);
}

void mutant_results_table(struct mutant_results *results, bool generic)
{
    if (results->count != 0) {
        qsort(results->all, results->count, sizeof(results->all[0]), by_name);
    }
    print_figures(results, generic);
    print_rules(results, generic);
    if (generic) {
        print_generic(results);
    } else {
        print_seeded(results);
    }
}
