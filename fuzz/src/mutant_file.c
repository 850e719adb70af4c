/* SPDX-License-Identifier: ISC */
/*
 * The text of a mutant, and bringing it into a source:
 *
 *     row      71                    rows of docs/bugs.md
 *     rule     I13                   that are expected to catch it
 *     target   ring                  the fuzz target that has to find it
 *     about    what is wrong
 *     shown by bsc-1111062-...       a scenario of scenarios/regression
 *
 *     file     frontend/src/x.c
 *      a line that stays
 *     -a line that goes
 *     +a line that comes
 *     ?a mark: it comes where times are measured (mutant_mark.h)
 *
 * The lines that stay and go have to be in the file once. A blank line ends them; others may
 * follow, each behind its own `file`, and see what those before have changed.
 */
#define _POSIX_C_SOURCE 200809L

#include "mutant.h"

#include "fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

uint64_t mutant_hash(uint64_t hash, const void *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        hash = (hash ^ ((const unsigned char *)bytes)[i]) * UINT64_C(0x100000001b3);
    }
    return hash;
}

static bool add_file(struct scenario_buffer *buffer, const char *path)
{
    size_t size = 0;
    unsigned char *bytes = fuzz_read_file(path, MUTANT_SOURCE_SIZE, &size);

    scenario_buffer_clear(buffer);
    if (bytes == NULL) {
        return false;
    }
    scenario_buffer_add(buffer, bytes, size);
    free(bytes);
    return !buffer->failed;
}

bool mutant_hash_file(uint64_t *hash, const char *path)
{
    char bytes[4096];
    FILE *file = fopen(path, "rb");
    size_t got;

    if (file == NULL) {
        perror(path);
        return false;
    }
    while ((got = fread(bytes, 1, sizeof(bytes), file)) != 0) {
        *hash = mutant_hash(*hash, bytes, got);
    }
    fclose(file);
    return true;
}

bool mutant_source(const char *root, const char *file, struct scenario_buffer *source)
{
    char path[1024];

    snprintf(path, sizeof(path), "%s/%s", root, file);
    return add_file(source, path);
}

void mutant_init(struct mutant *mutant)
{
    memset(mutant, 0, sizeof(*mutant));
    for (unsigned i = 0; i < MUTANT_EDITS; i++) {
        scenario_buffer_init(&mutant->edits[i].old);
        scenario_buffer_init(&mutant->edits[i].new);
        scenario_buffer_init(&mutant->edits[i].marked);
    }
}

void mutant_fini(struct mutant *mutant)
{
    for (unsigned i = 0; i < MUTANT_EDITS; i++) {
        scenario_buffer_fini(&mutant->edits[i].old);
        scenario_buffer_fini(&mutant->edits[i].new);
        scenario_buffer_fini(&mutant->edits[i].marked);
    }
}

/* ---- reading ---- */

/* The rest of a line that begins with the key, or NULL. */
static const char *value_of(const char *line, const char *key)
{
    size_t length = strlen(key);

    if (strncmp(line, key, length) != 0 || line[length] != ' ') {
        return NULL;
    }
    return line + length + strspn(line + length, " ");
}

static bool read_rules(struct mutant *mutant, const char *text)
{
    while (*text != '\0') {
        char *end = NULL;
        long rule = *text == 'I' ? strtol(text + 1, &end, 10) : 0;

        if (rule < 1 || rule > MUTANT_RULES) {
            return false;
        }
        mutant->rules |= UINT32_C(1) << rule;
        text = end + strspn(end, " ");
    }
    return mutant->rules != 0;
}

/* One of those whose inputs are programs and whose frontend is the one that a mutant changes. */
static bool read_target(struct mutant *mutant, const char *text)
{
    static const char *const targets[] = {"device", "ring", "store", "loads"};

    for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++) {
        if (strcmp(text, targets[i]) == 0) {
            snprintf(mutant->target, sizeof(mutant->target), "%s", text);
            return true;
        }
    }
    return false;
}

static bool begin_edit(struct mutant *mutant, const char *file)
{
    if (mutant->edit_count == MUTANT_EDITS || strlen(file) >= MUTANT_PATH) {
        return false;
    }
    snprintf(mutant->edits[mutant->edit_count++].file, MUTANT_PATH, "%s", file);
    return true;
}

static bool add_line(struct mutant *mutant, const char *line)
{
    struct mutant_edit *edit;

    if (mutant->edit_count == 0) {
        return false;
    }
    edit = &mutant->edits[mutant->edit_count - 1];
    if (line[0] == ' ' || line[0] == '-') {
        scenario_buffer_format(&edit->old, "%s\n", line + 1);
    }
    if (line[0] == ' ' || line[0] == '+') {
        scenario_buffer_format(&edit->new, "%s\n", line + 1);
    }
    if (line[0] != '-') {
        scenario_buffer_format(&edit->marked, "%s\n", line + 1);
    }
    return true;
}

static bool read_line(struct mutant *mutant, const char *line)
{
    const char *value;

    if (line[0] == '\0' || value_of(line, "shown by") != NULL) {
        return true; /* the scenario is looked at when the file is checked */
    }
    if (strchr(" -+?", line[0]) != NULL) {
        return add_line(mutant, line);
    }
    if ((value = value_of(line, "row")) != NULL) {
        snprintf(mutant->rows, sizeof(mutant->rows), "%s", value);
    } else if ((value = value_of(line, "rule")) != NULL) {
        return read_rules(mutant, value);
    } else if ((value = value_of(line, "target")) != NULL) {
        return read_target(mutant, value);
    } else if ((value = value_of(line, "about")) != NULL) {
        snprintf(mutant->about, sizeof(mutant->about), "%s", value);
    } else if ((value = value_of(line, "file")) != NULL) {
        return begin_edit(mutant, value);
    }
    return value != NULL;
}

/* "fuzz/mutants/m001-words.mutant" is called m001-words. */
static void take_name(struct mutant *mutant, const char *path)
{
    const char *base = strrchr(path, '/');

    snprintf(mutant->name, sizeof(mutant->name), "%s", base != NULL ? base + 1 : path);
    mutant->name[strcspn(mutant->name, ".")] = '\0';
}

static bool read_text(struct mutant *mutant, char *text, const char *path)
{
    unsigned number = 1;

    for (char *line = text; *line != '\0'; number++) {
        char *end = line + strcspn(line, "\n");
        bool last = *end == '\0';

        *end = '\0';
        if (!read_line(mutant, line)) {
            fprintf(stderr, "%s:%u: this says nothing that a mutant has\n", path, number);
            return false;
        }
        line = last ? end : end + 1;
    }
    if (mutant->edit_count == 0 || mutant->rules == 0 || mutant->rows[0] == '\0' ||
        mutant->about[0] == '\0' || mutant->target[0] == '\0') {
        fprintf(stderr, "%s: a mutant has a row, a rule, a target, a text and a change of a file\n",
                path);
        return false;
    }
    return true;
}

bool mutant_read(struct mutant *mutant, const char *path)
{
    struct scenario_buffer text;
    bool ok;

    scenario_buffer_init(&text);
    take_name(mutant, path);
    ok = add_file(&text, path);
    if (ok) {
        mutant->hash = mutant_hash(MUTANT_HASH, text.data, text.length);
        ok = read_text(mutant, text.data, path);
    }
    scenario_buffer_fini(&text);
    return ok;
}

/* ---- applying ---- */

/* Where the old lines begin: at the beginning of a line, and nowhere else. */
static bool find_place(const struct mutant *mutant, const struct mutant_edit *edit,
                       const struct scenario_buffer *source, size_t *at)
{
    unsigned count = 0;
    const char *from = source->data;

    if (edit->placed) {
        *at = edit->at;
        return true;
    }
    while (edit->old.length != 0 && (from = strstr(from, edit->old.data)) != NULL) {
        if (from == source->data || from[-1] == '\n') {
            *at = (size_t)(from - source->data);
            count++;
        }
        from++;
    }
    if (count != 1) {
        fprintf(stderr, "%s: its old lines are %u times in %s, not once\n", mutant->name, count,
                edit->file);
    }
    return count == 1;
}

bool mutant_apply(const struct mutant *mutant, const char *file, struct scenario_buffer *source)
{
    for (unsigned i = 0; i < mutant->edit_count; i++) {
        const struct mutant_edit *edit = &mutant->edits[i];
        const struct scenario_buffer *new = mutant->marks ? &edit->marked : &edit->new;
        struct scenario_buffer changed;
        size_t at = 0;

        if (strcmp(edit->file, file) != 0) {
            continue;
        }
        if (!find_place(mutant, edit, source, &at)) {
            return false;
        }
        scenario_buffer_init(&changed);
        scenario_buffer_add(&changed, source->data, at);
        scenario_buffer_add(&changed, new->data, new->length);
        scenario_buffer_text(&changed, source->data + at + edit->old.length);
        scenario_buffer_fini(source);
        *source = changed;
    }
    return !source->failed;
}

/* ---- checking ---- */

static bool check_edits(const struct mutant *mutant, const char *root)
{
    struct scenario_buffer source;
    bool ok = true;

    scenario_buffer_init(&source);
    for (unsigned i = 0; i < mutant->edit_count; i++) {
        const char *file = mutant->edits[i].file;

        if (strncmp(file, "frontend/src/", strlen("frontend/src/")) != 0) {
            fprintf(stderr, "%s: %s is no source of the frontend\n", mutant->name, file);
            ok = false;
        }
        ok = ok && mutant_source(root, file, &source) && mutant_apply(mutant, file, &source);
    }
    scenario_buffer_fini(&source);
    return ok;
}

/* Else nobody could say when it is reached. */
static bool check_marks(const struct mutant *mutant)
{
    for (unsigned i = 0; i < mutant->edit_count; i++) {
        if (mutant->edits[i].marked.length > mutant->edits[i].new.length) {
            return true;
        }
    }
    fprintf(stderr, "%s: no line of it is a mark\n", mutant->name);
    return false;
}

/* Each row begins a line of the table of bugs: "| 71 |". */
static bool check_rows(const struct mutant *mutant, const char *bugs)
{
    const char *row = mutant->rows;
    bool ok = true;

    while (*row != '\0') {
        int length = (int)strcspn(row, " ");
        char line[48];

        snprintf(line, sizeof(line), "\n| %.*s |", length, row);
        if (strstr(bugs, line) == NULL) {
            fprintf(stderr, "%s: docs/bugs.md has no row %.*s\n", mutant->name, length, row);
            ok = false;
        }
        row += length;
        row += strspn(row, " ");
    }
    return ok;
}

/* The scenarios that it is shown by. */
static bool check_scenarios(const struct mutant *mutant, const char *root)
{
    struct scenario_buffer text;
    char name[64], path[1024];
    bool ok;

    scenario_buffer_init(&text);
    snprintf(name, sizeof(name), "fuzz/mutants/%.40s.mutant", mutant->name);
    ok = mutant_source(root, name, &text);
    for (char *line = ok ? text.data : NULL; line != NULL; line = strchr(line, '\n')) {
        const char *value;

        line += *line == '\n';
        value = value_of(line, "shown by");
        if (value == NULL) {
            continue;
        }
        snprintf(path, sizeof(path), "%s/scenarios/regression/%.*s.scn", root,
                 (int)strcspn(value, "\n"), value);
        if (access(path, R_OK) != 0) {
            fprintf(stderr, "%s: there is no %s\n", mutant->name, path);
            ok = false;
        }
    }
    scenario_buffer_fini(&text);
    return ok;
}

bool mutant_check(const struct mutant *mutant, const char *root)
{
    struct scenario_buffer bugs;
    char path[1024];
    bool ok = check_edits(mutant, root);

    ok = check_marks(mutant) && ok;
    ok = check_scenarios(mutant, root) && ok;
    snprintf(path, sizeof(path), "%s/docs/bugs.md", root);
    if (access(path, F_OK) != 0) {
        return ok; /* a tree without the table of bugs */
    }
    scenario_buffer_init(&bugs);
    ok = mutant_source(root, "docs/bugs.md", &bugs) && check_rows(mutant, bugs.data) && ok;
    scenario_buffer_fini(&bugs);
    return ok;
}
