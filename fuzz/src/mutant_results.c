/* SPDX-License-Identifier: ISC */
/*
 * The file of results: a line a mutant with tabs between its fields; and one that begins with # and
 * says of generic ones which they are.
 */
#define _POSIX_C_SOURCE 200809L

#include "mutant.h"

#include <errno.h>
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

static void print_result(struct scenario_buffer *line, const struct mutant_result *result)
{
    scenario_buffer_format(line, "%s\t%s\t%s\t%s\t%" PRIx32 "\t%" PRIx64 "\t%" PRIx64 "\t%d",
                           result->name, result->rows, result->file, result->about, result->rules,
                           result->tree, result->hash, (int)result->built);
    for (unsigned i = 0; i < MUTANT_SUITES; i++) {
        print_kill(line, &result->kills[i]);
    }
    scenario_buffer_text(line, "\n");
}

static bool write_lines(const struct scenario_buffer *lines, const char *path, int flags)
{
    int file = open(path, O_WRONLY | O_CREAT | flags, 0666);
    bool ok = file >= 0 && !lines->failed &&
              write(file, lines->data, lines->length) == (ssize_t)lines->length;

    if (!ok) {
        perror(path);
    }
    if (file >= 0) {
        close(file);
    }
    return ok;
}

bool mutant_result_append(const struct mutant_result *result, const char *path)
{
    struct scenario_buffer line;
    bool ok;

    scenario_buffer_init(&line);
    print_result(&line, result);
    ok = write_lines(&line, path, O_APPEND);
    scenario_buffer_fini(&line);
    return ok;
}

bool mutant_results_write(const struct mutant_results *results, const char *path)
{
    struct scenario_buffer lines;
    char before[1024];
    bool ok;

    snprintf(before, sizeof(before), "%s.before", path);
    if (rename(path, before) != 0 && errno != ENOENT) {
        perror(path);
        return false;
    }
    scenario_buffer_init(&lines);
    scenario_buffer_format(&lines, "# %s\n", results->sample);
    for (size_t i = 0; i < results->count; i++) {
        print_result(&lines, &results->all[i]);
    }
    ok = write_lines(&lines, path, O_EXCL);
    scenario_buffer_fini(&lines);
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
    snprintf(result->about, sizeof(result->about), "%.127s", field(&rest));
    result->rules = (uint32_t)strtoul(field(&rest), NULL, 16);
    result->tree = strtoull(field(&rest), NULL, 16);
    result->hash = strtoull(field(&rest), NULL, 16);
    result->built = (enum mutant_built)strtoul(field(&rest), NULL, 10);
    for (unsigned i = 0; i < MUTANT_SUITES; i++) {
        read_kill(&result->kills[i], &rest);
    }
}

static struct mutant_result *find(const struct mutant_results *results, const char *name,
                                  uint32_t rules, uint64_t hash)
{
    for (size_t i = 0; i < results->count; i++) {
        struct mutant_result *one = &results->all[i];

        if (rules == 0 ? one->rules == 0 && one->hash == hash : strcmp(one->name, name) == 0) {
            return one;
        }
    }
    return NULL;
}

bool mutant_results_add(struct mutant_results *results, const struct mutant_result *result)
{
    struct mutant_result *same = find(results, result->name, result->rules, result->hash);

    if (same != NULL) {
        *same = *result;
        return true;
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
        if (line[0] == '#') {
            snprintf(results->sample, sizeof(results->sample), "%.*s", (int)strcspn(line + 2, "\n"),
                     line + 2);
        } else if (strchr(line, '\n') != NULL) {
            read_line(&result, line);
            ok = mutant_results_add(results, &result);
        }
    }
    fclose(file);
    return ok;
}

const struct mutant_result *mutant_results_find(const struct mutant_results *results,
                                                const struct mutant *mutant)
{
    return find(results, mutant->name, mutant->rules, mutant->hash);
}

bool mutant_result_survives(const struct mutant_result *result)
{
    bool killed = result->built != MUTANT_BUILT;

    for (unsigned i = 0; i < MUTANT_KILLS; i++) {
        killed = killed || result->kills[i].killed;
    }
    return !killed;
}

/* One that does not even compile there says nothing. */
void mutant_results_sanitize(struct mutant_results *results, const struct mutant_results *other)
{
    for (size_t i = 0; i < results->count; i++) {
        struct mutant_result *one = &results->all[i];
        const struct mutant_result *same = find(other, one->name, one->rules, one->hash);

        for (unsigned k = 0; same != NULL && mutant_result_survives(one) && k < MUTANT_SUITES;
             k++) {
            if (same->built == MUTANT_BUILT && same->kills[k].killed) {
                one->kills[MUTANT_SANITIZED] = same->kills[k];
            }
        }
    }
}

void mutant_results_fini(struct mutant_results *results)
{
    free(results->all);
}
