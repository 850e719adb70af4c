/* SPDX-License-Identifier: ISC */
/*
 * What came out, for people: a line while it goes on, figures and tables in the end.
 */
#include "mutant.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

    for (unsigned i = 0; i < MUTANT_KILLS; i++) {
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

/* What killed it first; a crash only if nothing else did. NULL: it lives. */
static const struct mutant_kill *decisive(const struct mutant_result *result)
{
    const struct mutant_kill *found = NULL;

    for (unsigned suite = 0; suite < MUTANT_KILLS; suite++) {
        const struct mutant_kill *kill = &result->kills[suite];

        if (kill->killed && (found == NULL || (found->crash && !kill->crash))) {
            found = kill;
        }
    }
    return found;
}

/* Suites of a seeded one; a generic one is played until it dies. */
static void tell_kills(const struct mutant_result *result)
{
    const struct mutant_kill *last = decisive(result);
    double seconds = 0;
    char text[32];

    for (unsigned i = 0; i < MUTANT_SUITES; i++) {
        const struct mutant_kill *kill = &result->kills[i];

        seconds += kill->seconds;
        if (kill->played && result->rules != 0) {
            printf(" %s %s", mutant_suite_name((enum mutant_suite)i),
                   killer(kill, text, sizeof(text)));
            printf(kill->killed ? " in %s, %.1f s;" : ";", place(kill), kill->seconds);
        }
    }
    if (result->rules == 0 && last != NULL) {
        printf(" %s in %s, %.1f s", killer(last, text, sizeof(text)), place(last), seconds);
    } else if (result->rules == 0) {
        printf(" **survives**, %.1f s", seconds);
    }
    printf("\n");
}

void mutant_result_tell(const struct mutant_result *result)
{
    printf("%s:", result->name);
    if (result->built == MUTANT_REFUSED) {
        printf(" does not compile\n");
    } else if (result->built == MUTANT_SAME_CODE) {
        printf(" makes the same code\n");
    } else if (result->built == MUTANT_ERROR) {
        printf(" could not be built\n");
    } else {
        tell_kills(result);
    }
    fflush(stdout);
}

/* Of the generic ones all that compile: one that makes the same code is one that lives. */
static bool counts(const struct mutant_result *result, bool generic)
{
    return (result->built == MUTANT_BUILT || (generic && result->built == MUTANT_SAME_CODE)) &&
           (result->rules == 0) == generic;
}

static bool lives(const struct mutant_result *result)
{
    return result->built == MUTANT_SAME_CODE || mutant_result_survives(result);
}

static void figure(const char *what, size_t part, size_t all)
{
    printf("| %s | %zu of %zu | %.1f %% |\n", what, part, all,
           all == 0 ? 0.0 : 100.0 * (double)part / (double)all);
}

static void print_figures(const struct mutant_results *results, bool generic)
{
    size_t all = 0, without = 0, with = 0, any = 0, crash = 0, by_conformance = 0, by_swarm = 0;
    size_t sanitized = 0, same = 0;

    for (size_t i = 0; i < results->count; i++) {
        const struct mutant_result *one = &results->all[i];

        if (counts(one, generic)) {
            all++;
            by_conformance += one->kills[MUTANT_CONFORMANCE].killed;
            by_swarm += one->kills[MUTANT_SWARM].killed;
            without += without_regression(one);
            with += with_regression(one);
            any += !lives(one);
            same += one->built == MUTANT_SAME_CODE;
            sanitized += one->kills[MUTANT_SANITIZED].killed;
            crash += crash_only(one);
        }
    }
    printf("| killed by | mutants | |\n|---|---|---|\n");
    if (!generic) {
        figure("conformance/ alone", by_conformance, all);
        figure("300 seeds of the swarm alone", by_swarm, all);
    }
    if (!generic) {
        figure("conformance/ or swarm, regression/ left out", without, all);
        figure("all of scenarios/", with, all);
    }
    figure("anything", any, all);
    if (generic) {
        figure("a sanitizer alone", sanitized, all);
    }
    figure("a crash (I13) and nothing else", crash, all);
    if (generic) {
        figure("nothing: the compiler makes the same code", same, all);
        figure("nothing: played, and it lives", all - any - same, all);
    }
}

/* True if `part` of `all` is at least, or at most, that many of a hundred; else it is told. */
static bool is_enough(const char *what, size_t part, size_t all, bool at_least, size_t percent)
{
    bool enough = at_least ? part * 100 >= all * percent : part * 100 <= all * percent;

    if (!enough) {
        printf("%s: %zu of %zu, expected %s %zu %%\n", what, part, all,
               at_least ? "at least" : "at most", percent);
    }
    return enough;
}

bool mutant_results_suffice(const struct mutant_results *results)
{
    size_t all = 0, without = 0, with = 0, crash = 0;
    bool enough = true;

    for (size_t i = 0; i < results->count; i++) {
        const struct mutant_result *one = &results->all[i];

        if (counts(one, false)) {
            all++;
            without += without_regression(one);
            with += with_regression(one);
            crash += crash_only(one);
            if (!with_regression(one)) {
                printf("%s: no scenario notices\n", one->name);
            }
        } else if (one->rules != 0) {
            printf("%s: was not played\n", one->name);
            enough = false;
        }
    }
    enough = is_enough("killed by scenarios/", with, all, true, 100) && enough;
    enough = is_enough("killed without regression/", without, all, true, 90) && enough;
    enough = is_enough("killed by a crash alone", crash, all, false, 10) && enough;
    return enough && all != 0;
}

/* By what those were killed that a rule has killed first, suite by suite. */
static void print_rules(const struct mutant_results *results, bool generic)
{
    size_t by_rule[MUTANT_RULES + 1] = {0};

    for (size_t i = 0; i < results->count; i++) {
        const struct mutant_result *one = &results->all[i];

        const struct mutant_kill *kill = decisive(one);

        if (counts(one, generic) && kill != NULL && kill->rule <= MUTANT_RULES) {
            by_rule[kill->rule]++;
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

/* How many there are of each kind of change, in the order in which the kinds come. */
static void print_kinds(const struct mutant_results *results)
{
    printf("\n| change | mutants | survive | killed by a sanitizer alone |\n|---|---|---|---|\n");
    for (size_t i = 0; i < results->count; i++) {
        const char *kind = results->all[i].rows;
        size_t all = 0, alive = 0, sanitized = 0, before = 0;

        for (size_t k = 0; k < results->count; k++) {
            const struct mutant_result *one = &results->all[k];

            if (counts(one, true) && strcmp(one->rows, kind) == 0) {
                all++;
                alive += lives(one);
                sanitized += one->kills[MUTANT_SANITIZED].killed;
                before += k < i;
            }
        }
        if (before == 0 && counts(&results->all[i], true)) {
            printf("| %s | %zu | %zu | %zu |\n", kind, all, alive, sanitized);
        }
    }
}

/* A bar would end the cell. */
static void print_code(const char *text)
{
    for (; *text != '\0'; text++) {
        printf(*text == '|' ? "\\%c" : "%c", *text);
    }
}

/* "conformance/ring": all scenarios of a topic, all of regression/ and all seeds are one. */
static void topic(const struct mutant_result *result, char *text, size_t size)
{
    const struct mutant_kill *kill = decisive(result);
    const char *where = kill == NULL ? "" : place(kill);
    size_t length = strcspn(where, "["); /* of a variant values follow, which may be paths */

    if (kill == &result->kills[MUTANT_SWARM]) {
        snprintf(text, size, "swarm");
        return;
    }
    while (length != 0 && where[length - 1] != '/') {
        length--;
    }
    snprintf(text, size, "%.*s", length == 0 ? 0 : (int)length - 1, where);
}

/* Where they die. */
static void print_topics(const struct mutant_results *results)
{
    const char *comma = "";

    printf("\nWhere they died:");
    for (size_t i = 0; i < results->count; i++) {
        char name[192], other[192];
        size_t all = 0, before = 0;

        topic(&results->all[i], name, sizeof(name));
        for (size_t k = 0; k < results->count; k++) {
            topic(&results->all[k], other, sizeof(other));
            all += strcmp(name, other) == 0;
            before += k < i && strcmp(name, other) == 0;
        }
        if (name[0] != '\0' && before == 0) {
            printf("%s %s %zu", comma, name, all);
            comma = ",";
        }
    }
    printf(".\n");
}

static void print_generic(const struct mutant_results *results)
{
    size_t refused = 0;

    for (size_t i = 0; i < results->count; i++) {
        refused += results->all[i].rules == 0 && results->all[i].built == MUTANT_REFUSED;
    }
    print_topics(results);
    print_kinds(results);
    printf("\nBeside these %zu that do not compile.\n\n"
           "| survivor | in the line |\n|---|---|\n",
           refused);
    for (size_t i = 0; i < results->count; i++) {
        const struct mutant_result *one = &results->all[i];

        if (counts(one, true) && lives(one)) {
            printf("| ");
            print_code(one->name);
            printf(" | `");
            print_code(one->about);
            printf("`%s |\n", one->built == MUTANT_SAME_CODE ? " (the same code)" : "");
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
    if (generic) {
        printf("%s\n\n", results->sample);
    }
    print_figures(results, generic);
    print_rules(results, generic);
    if (generic) {
        print_generic(results);
    } else {
        print_seeded(results);
    }
}
