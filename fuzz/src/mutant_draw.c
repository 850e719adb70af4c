/* SPDX-License-Identifier: ISC */
/*
 * Generic mutants: all changes that mutant_sites.c finds in the frontend, less those on lines that
 * no test runs, in an order that the seed has drawn.
 */
#define _POSIX_C_SOURCE 200809L

#include "mutant.h"

#include "mutant_sites.h"

#include "fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct change {
    struct mutant_site site;
    size_t file;
};

struct source {
    char name[MUTANT_PATH];
    struct scenario_buffer text;
    unsigned char *never; /* never[line] != 0: no test runs it */
    size_t lines;
    bool told; /* lcov says something of it */
};

struct mutant_draw {
    const char *root;
    struct source *sources;
    struct change *changes;
    size_t source_count, change_count, change_room;
    bool failed;
};

static size_t line_of(const char *text, size_t at)
{
    size_t line = 1;

    for (size_t i = 0; i < at; i++) {
        line += text[i] == '\n';
    }
    return line;
}

/* ---- lines that never run ---- */

/* What lcov leaves out for a reason that stands there. */
static void leave_excluded_out(struct source *source)
{
    const char *from = source->text.data;

    while ((from = strstr(from, "LCOV_EXCL_LINE")) != NULL) {
        source->never[line_of(source->text.data, (size_t)(from - source->text.data))] = 1;
        from++;
    }
}

/* "SF:/.../frontend/src/x.c", then "DA:line,count". A file of which nothing is told is in no
 * program that was run. */
static bool leave_uncovered_out(struct mutant_draw *draw, const char *coverage)
{
    FILE *file = fopen(coverage, "r");
    struct source *source = NULL;
    char line[1024];

    if (file == NULL) {
        perror(coverage);
        return false;
    }
    while (fgets(line, sizeof(line), file) != NULL) {
        unsigned long number, count;

        line[strcspn(line, "\n")] = '\0';
        if (strncmp(line, "SF:", 3) == 0) {
            source = NULL;
            for (size_t i = 0; i < draw->source_count; i++) {
                if (strstr(line, draw->sources[i].name) != NULL) {
                    source = &draw->sources[i];
                    source->told = true;
                }
            }
        } else if (source != NULL && sscanf(line, "DA:%lu,%lu", &number, &count) == 2 &&
                   count == 0 && number <= source->lines) {
            source->never[number] = 1;
        }
    }
    fclose(file);
    for (size_t i = 0; i < draw->source_count; i++) {
        if (!draw->sources[i].told) {
            memset(draw->sources[i].never, 1, draw->sources[i].lines + 1);
        }
    }
    return true;
}

/* ---- the sources ---- */

static int add_source(void *context, const char *path)
{
    struct mutant_draw *draw = context;
    size_t length = strlen(path);
    struct source *sources, *source;

    if (length < 3 || path[length - 2] != '.' || strchr("ch", path[length - 1]) == NULL) {
        return 0;
    }
    sources = realloc(draw->sources, (draw->source_count + 1) * sizeof(*sources));
    if (sources == NULL) {
        return -1;
    }
    draw->sources = sources;
    source = &sources[draw->source_count++];
    memset(source, 0, sizeof(*source));
    snprintf(source->name, sizeof(source->name), "%s", path + strlen(draw->root) + 1);
    scenario_buffer_init(&source->text);
    if (!mutant_source(draw->root, source->name, &source->text)) {
        return -1;
    }
    source->lines = line_of(source->text.data, source->text.length);
    source->never = calloc(source->lines + 1, 1);
    if (source->never == NULL) {
        return -1;
    }
    leave_excluded_out(source);
    return 0;
}

static void add_change(void *context, const struct mutant_site *site)
{
    struct mutant_draw *draw = context;
    size_t file = draw->source_count - 1;

    while (draw->failed == false && draw->change_count == draw->change_room) {
        size_t room = draw->change_room == 0 ? 4096 : 2 * draw->change_room;
        struct change *changes = realloc(draw->changes, room * sizeof(*changes));

        if (changes == NULL) {
            draw->failed = true;
        } else {
            draw->changes = changes;
            draw->change_room = room;
        }
    }
    if (!draw->failed) {
        draw->changes[draw->change_count++] = (struct change){*site, file};
    }
}

static void add_changes(struct mutant_draw *draw)
{
    size_t count = draw->source_count;

    for (size_t i = 0; i < count; i++) {
        draw->source_count = i + 1; /* add_change takes the last */
        mutant_sites(&draw->sources[i].text, add_change, draw);
    }
    draw->source_count = count;
}

static void drop_never_run(struct mutant_draw *draw)
{
    size_t kept = 0;

    for (size_t i = 0; i < draw->change_count; i++) {
        const struct change *change = &draw->changes[i];
        const struct source *source = &draw->sources[change->file];

        if (source->never[line_of(source->text.data, change->site.at)] == 0) {
            draw->changes[kept++] = *change;
        }
    }
    draw->change_count = kept;
}

/* ---- the order ---- */

/* splitmix64 */
static uint64_t next_random(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static void shuffle(struct mutant_draw *draw, uint64_t seed)
{
    for (size_t i = draw->change_count; i > 1; i--) {
        size_t other = (size_t)(next_random(&seed) % i);
        struct change change = draw->changes[i - 1];

        draw->changes[i - 1] = draw->changes[other];
        draw->changes[other] = change;
    }
}

struct mutant_draw *mutant_draw_create(const char *root, const char *coverage, uint64_t seed)
{
    struct mutant_draw *draw = calloc(1, sizeof(*draw));
    char folder[600];

    if (draw == NULL) {
        return NULL;
    }
    draw->root = root;
    snprintf(folder, sizeof(folder), "%s/frontend/src", root);
    if (fuzz_walk(folder, add_source, draw) == 0 &&
        (coverage == NULL || leave_uncovered_out(draw, coverage))) {
        add_changes(draw);
        drop_never_run(draw);
        shuffle(draw, seed);
    }
    if (draw->failed || draw->change_count == 0) {
        fprintf(stderr, "mutants: no changes can be drawn from %s\n", folder);
        mutant_draw_destroy(draw);
        return NULL;
    }
    return draw;
}

void mutant_draw_destroy(struct mutant_draw *draw)
{
    if (draw == NULL) {
        return;
    }
    for (size_t i = 0; i < draw->source_count; i++) {
        scenario_buffer_fini(&draw->sources[i].text);
        free(draw->sources[i].never);
    }
    free(draw->sources);
    free(draw->changes);
    free(draw);
}

size_t mutant_draw_count(const struct mutant_draw *draw)
{
    return draw->change_count;
}

/* One line of it, without what separates words. */
static void shorten(char *out, size_t size, const char *text, size_t length)
{
    size_t used = 0;

    for (size_t i = 0; i < length && used + 1 < size; i++) {
        bool space = text[i] == ' ' || text[i] == '\n';

        if (!space || (used != 0 && out[used - 1] != ' ')) {
            out[used++] = space ? ' ' : text[i];
        }
    }
    out[used] = '\0';
}

bool mutant_draw_take(const struct mutant_draw *draw, size_t index, struct mutant *mutant)
{
    const struct change *change = &draw->changes[index];
    const struct source *source = &draw->sources[change->file];
    struct mutant_edit *edit = &mutant->edits[mutant->edit_count++];
    char old[28], new[36];

    shorten(old, sizeof(old), source->text.data + change->site.at, change->site.length);
    shorten(new, sizeof(new), change->site.new, strlen(change->site.new));
    snprintf(mutant->name, sizeof(mutant->name), "%s:%zu `%s` to `%s` (%zu)",
             strrchr(source->name, '/') + 1, line_of(source->text.data, change->site.at), old, new,
             change->site.at);
    snprintf(mutant->rows, sizeof(mutant->rows), "%s", change->site.kind);
    snprintf(edit->file, sizeof(edit->file), "%s", source->name);
    scenario_buffer_add(&edit->old, source->text.data + change->site.at, change->site.length);
    scenario_buffer_text(&edit->new, change->site.new);
    edit->placed = true;
    edit->at = change->site.at;
    mutant->hash = mutant_hash(MUTANT_HASH, mutant->name, strlen(mutant->name));
    return !edit->old.failed && !edit->new.failed;
}
