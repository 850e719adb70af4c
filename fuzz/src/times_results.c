/* SPDX-License-Identifier: ISC */
/*
 * The file of times, a line a run with tabs between its fields, and what several runs of a mutant
 * say together.
 */
#define _POSIX_C_SOURCE 200809L

#include "times.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char heading[] = "# mutant\ttarget\tseed\treached\ttriggered\tfound (ms)\tby\tseeds\t"
                              "of them kept\thash of the mutant\n";

/* ---- the file ---- */

static void print_ms(FILE *file, int64_t ms)
{
    if (ms == TIMES_NEVER) {
        fputs("\t-", file);
    } else {
        fprintf(file, "\t%" PRId64, ms);
    }
}

bool times_append(const struct times_run *run, const char *path)
{
    FILE *file = fopen(path, "a");

    if (file == NULL) {
        perror(path);
        return false;
    }
    if (ftell(file) == 0) {
        fputs(heading, file);
    }
    fprintf(file, "%s\t%s\t%u", run->mutant, run->target, run->seed);
    for (unsigned i = 0; i < TIMES_EVENTS; i++) {
        print_ms(file, run->ms[i]);
    }
    fprintf(file, "\t%s\t%u\t%u\t%016" PRIx64 "\n", run->by, run->inputs, run->kept, run->hash);
    if (fclose(file) != 0) {
        perror(path);
        return false;
    }
    return true;
}

static bool read_ms(const char *text, int64_t *ms)
{
    char *end;

    if (strcmp(text, "-") == 0) {
        *ms = TIMES_NEVER;
        return true;
    }
    *ms = strtoll(text, &end, 10);
    return end != text && *end == '\0' && *ms >= 0;
}

static bool read_run(struct times_run *run, const char *line)
{
    char ms[TIMES_EVENTS][24];
    int end = 0;
    bool ok;

    memset(run, 0, sizeof(*run));
    ok = sscanf(line, "%95s %15s %u %23s %23s %23s %7s %u %u %" SCNx64 "%n", run->mutant,
                run->target, &run->seed, ms[TIMES_REACHED], ms[TIMES_TRIGGERED], ms[TIMES_FOUND],
                run->by, &run->inputs, &run->kept, &run->hash, &end) == 10 &&
         line[end] == '\n' && run->seed >= 1 && run->seed <= TIMES_SEEDS;
    for (unsigned i = 0; ok && i < TIMES_EVENTS; i++) {
        ok = read_ms(ms[i], &run->ms[i]);
    }
    return ok;
}

static bool add(struct times_results *results, const struct times_run *run)
{
    for (size_t i = 0; i < results->count; i++) {
        struct times_run *one = &results->all[i];

        if (one->seed == run->seed && strcmp(one->mutant, run->mutant) == 0) {
            *one = *run;
            return true;
        }
    }
    if (results->count == results->room) {
        size_t room = results->room == 0 ? 64 : 2 * results->room;
        struct times_run *all = realloc(results->all, room * sizeof(*all));

        if (all == NULL) {
            return false;
        }
        results->all = all;
        results->room = room;
    }
    results->all[results->count++] = *run;
    return true;
}

bool times_read(struct times_results *results, const char *path)
{
    FILE *file = fopen(path, "r");
    unsigned number = 0;
    char line[512];
    bool ok = true;

    while (file != NULL && ok && fgets(line, sizeof(line), file) != NULL) {
        struct times_run run;

        number++;
        if (line[0] != '#') {
            ok = read_run(&run, line) && add(results, &run);
        }
    }
    if (!ok) {
        fprintf(stderr, "%s:%u: this is no run\n", path, number);
    }
    if (file != NULL) {
        fclose(file);
    }
    return ok;
}

const struct times_run *times_find(const struct times_results *results, const struct mutant *mutant,
                                   unsigned seed)
{
    for (size_t i = 0; i < results->count; i++) {
        const struct times_run *run = &results->all[i];

        if (run->seed == seed && run->hash == mutant->hash &&
            strcmp(run->mutant, mutant->name) == 0) {
            return run;
        }
    }
    return NULL;
}

void times_fini(struct times_results *results)
{
    free(results->all);
}

/* ---- several runs ---- */

/* Never comes after any other. */
static int by_time(const void *a, const void *b)
{
    uint64_t left = (uint64_t) * (const int64_t *)a, right = (uint64_t) * (const int64_t *)b;

    return left < right ? -1 : left > right;
}

struct times_summary times_summary(const struct times_results *results, const struct times_run *run)
{
    struct times_summary summary = {.first = run};
    int64_t ms[TIMES_EVENTS][TIMES_SEEDS];

    for (size_t i = 0; i < results->count; i++) {
        const struct times_run *one = &results->all[i];

        if (strcmp(one->mutant, run->mutant) != 0) {
            continue;
        }
        for (unsigned event = 0; event < TIMES_EVENTS; event++) {
            ms[event][summary.runs] = one->ms[event];
            summary.count[event] += one->ms[event] != TIMES_NEVER;
        }
        summary.runs++;
    }
    for (unsigned event = 0; event < TIMES_EVENTS; event++) {
        qsort(ms[event], summary.runs, sizeof(ms[event][0]), by_time);
        summary.median_ms[event] = ms[event][summary.runs / 2];
    }
    return summary;
}
