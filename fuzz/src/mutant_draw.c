/* SPDX-License-Identifier: ISC */
/*
 * Generic mutants: all changes that mutant_sites.c finds in the frontend, less those on lines that
 * nothing runs, in an order that the seed has drawn.
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
    uint64_t hash, rank;
};

struct source {
    char name[MUTANT_PATH];
    struct scenario_buffer text;
    unsigned char *never; /* of each line, whether anything runs it */
    size_t lines;
    bool told; /* lcov says something of it */
};

struct mutant_draw {
    const char *root;
    struct source *sources;
    struct change *changes;
    size_t source_count, change_count, change_room, left_out;
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

enum { RUNS, NEVER_RUNS, NOT_TOLD };

/* What lcov leaves out for a reason that stands there. */
static void leave_excluded_out(struct mutant_draw *draw)
{
    for (size_t i = 0; i < draw->source_count; i++) {
        const char *text = draw->sources[i].text.data;

        for (const char *at = text; (at = strstr(at, "LCOV_EXCL_LINE")) != NULL; at++) {
            draw->sources[i].never[line_of(text, (size_t)(at - text))] = NEVER_RUNS;
        }
    }
}

/* A line of which nothing is told is part of what is before it, up to the end of the function. */
static void fill_in(struct source *source)
{
    const char *line = source->text.data;
    unsigned char before = RUNS;

    for (size_t i = 1; i <= source->lines; i++) {
        if (line[0] == '}') {
            before = RUNS;
        }
        if (source->never[i] == NOT_TOLD) {
            source->never[i] = before;
        }
        before = source->never[i];
        line += strcspn(line, "\n");
        line += line[0] != '\0';
    }
}

static void begin_coverage(struct mutant_draw *draw)
{
    for (size_t i = 0; i < draw->source_count; i++) {
        memset(draw->sources[i].never, NOT_TOLD, draw->sources[i].lines + 1);
    }
}

/* A file of which nothing is told is in no program that was run. */
static void end_coverage(struct mutant_draw *draw)
{
    for (size_t i = 0; i < draw->source_count; i++) {
        struct source *source = &draw->sources[i];

        if (source->told) {
            fill_in(source);
        } else {
            memset(source->never, NEVER_RUNS, source->lines + 1);
        }
    }
}

static struct source *source_of(struct mutant_draw *draw, const char *path)
{
    for (size_t i = 0; i < draw->source_count; i++) {
        if (strstr(path, draw->sources[i].name) != NULL) {
            draw->sources[i].told = true;
            return &draw->sources[i];
        }
    }
    return NULL;
}

/* "SF:/.../frontend/src/x.c", then "DA:line,count". */
static bool leave_uncovered_out(struct mutant_draw *draw, const char *coverage)
{
    FILE *file = fopen(coverage, "r");
    struct source *source = NULL;
    char line[1024];

    if (file == NULL) {
        perror(coverage);
        return false;
    }
    begin_coverage(draw);
    while (fgets(line, sizeof(line), file) != NULL) {
        unsigned long number, count;

        line[strcspn(line, "\n")] = '\0';
        if (strncmp(line, "SF:", 3) == 0) {
            source = source_of(draw, line);
        } else if (source != NULL && sscanf(line, "DA:%lu,%lu", &number, &count) == 2 &&
                   number <= source->lines) {
            source->never[number] = count == 0 ? NEVER_RUNS : RUNS;
        }
    }
    fclose(file);
    end_coverage(draw);
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
        draw->changes[draw->change_count++] = (struct change){.site = *site, .file = file};
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

        if (source->never[line_of(source->text.data, change->site.at)] == RUNS) {
            draw->changes[kept++] = *change;
        }
    }
    draw->left_out = draw->change_count - kept;
    draw->change_count = kept;
}

/* ---- the order ---- */

/* The line in which the change is, without what stands before it. */
static const char *line_around(const char *text, size_t at, size_t *length)
{
    const char *line = text + at;

    while (line != text && line[-1] != '\n') {
        line--;
    }
    line += strspn(line, " ");
    *length = strcspn(line, "\n");
    return line;
}

/* What the change is, wherever its line stands: so the rest of the sources may move. Of the same
 * line in the same file, the nth one. */
static void name_changes(struct mutant_draw *draw)
{
    for (size_t i = 0; i < draw->change_count; i++) {
        struct change *change = &draw->changes[i];
        const struct source *source = &draw->sources[change->file];
        size_t length;
        const char *line = line_around(source->text.data, change->site.at, &length);
        unsigned char column = (unsigned char)(source->text.data + change->site.at - line);
        uint64_t hash = mutant_hash(MUTANT_HASH, source->name, strlen(source->name) + 1);

        hash = mutant_hash(hash, line, length);
        hash = mutant_hash(hash, &column, 1);
        change->hash = mutant_hash(hash, change->site.new, strlen(change->site.new) + 1);
        for (size_t k = 0; k < i; k++) {
            change->hash += draw->changes[k].hash == change->hash;
        }
    }
}

/* splitmix64's last steps (Vigna): every bit depends on every other. */
static uint64_t mix(uint64_t z)
{
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static int by_rank(const void *a, const void *b)
{
    const struct change *left = a, *right = b;

    return left->rank < right->rank ? -1 : left->rank > right->rank;
}

static void put_in_order(struct mutant_draw *draw, uint64_t seed)
{
    for (size_t i = 0; i < draw->change_count; i++) {
        draw->changes[i].rank = mix(draw->changes[i].hash ^ mix(seed));
    }
    qsort(draw->changes, draw->change_count, sizeof(draw->changes[0]), by_rank);
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
        leave_excluded_out(draw);
        add_changes(draw);
        name_changes(draw);
        drop_never_run(draw);
        if (draw->change_count != 0) {
            put_in_order(draw, seed);
        }
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

size_t mutant_draw_left_out(const struct mutant_draw *draw)
{
    return draw->left_out;
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
    size_t length;
    const char *line = line_around(source->text.data, change->site.at, &length);

    shorten(old, sizeof(old), source->text.data + change->site.at, change->site.length);
    shorten(new, sizeof(new), change->site.new, strlen(change->site.new));
    snprintf(mutant->name, sizeof(mutant->name), "%s:%zu `%s` to `%s`",
             strrchr(source->name, '/') + 1, line_of(source->text.data, change->site.at), old, new);
    snprintf(mutant->about, sizeof(mutant->about), "%.*s", (int)length, line);
    snprintf(mutant->rows, sizeof(mutant->rows), "%s", change->site.kind);
    snprintf(edit->file, sizeof(edit->file), "%s", source->name);
    scenario_buffer_add(&edit->old, source->text.data + change->site.at, change->site.length);
    scenario_buffer_text(&edit->new, change->site.new);
    edit->placed = true;
    edit->at = change->site.at;
    mutant->hash = change->hash;
    return !edit->old.failed && !edit->new.failed;
}
