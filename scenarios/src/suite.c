/* SPDX-License-Identifier: ISC */
/*
 * The suite: all files that were named, read and checked before anything runs, and their variants
 * as cases with ids. A file that is wrong anywhere makes the whole suite wrong: nothing is run
 * then.
 */
#include "tool.h"

#include "scenario/check.h"
#include "scenario/plan.h"
#include "scenario/variants.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

static void print_problems(const char *path, const struct scenario_problems *problems)
{
    for (size_t i = 0; i < problems->count; i++)
        fprintf(stderr, "%s:%u:%u: %s\n", path, problems->list[i].position.line,
                problems->list[i].position.column, problems->list[i].text);
    if (problems->total > problems->count)
        fprintf(stderr, "%s: and %zu more\n", path, problems->total - problems->count);
}

int tool_parse(const char *path, const char *text, size_t length, struct scenario_program *program,
               enum tool_check check, const struct scenario_program *dialects)
{
    struct scenario_problems *problems = malloc(sizeof(*problems));
    int rc = TOOL_USAGE;
    int error;

    if (problems == NULL)
        return tool_error("no memory");
    scenario_problems_init(problems);
    error = scenario_parse(program, text, length, problems);
    if (check == TOOL_SCENARIO && error != SCENARIO_NO_MEMORY &&
        scenario_check_with(program, dialects, problems) != SCENARIO_OK)
        error = SCENARIO_INVALID;
    if (check == TOOL_DIALECTS && error != SCENARIO_NO_MEMORY &&
        scenario_check_dialects(program, problems) != SCENARIO_OK)
        error = SCENARIO_INVALID;
    print_problems(path, problems);
    if (error == SCENARIO_NO_MEMORY)
        tool_error("%s: no memory", path);
    else if (error != SCENARIO_OK && problems->total == 0)
        tool_error("%s: the file is too large", path);
    else if (error == SCENARIO_OK)
        rc = TOOL_OK;
    free(problems);
    return rc;
}

int tool_load(const char *path, struct scenario_program *program, enum tool_check check,
              const struct scenario_program *dialects)
{
    size_t length;
    char *text = tool_read_file(path, &length);
    int rc = TOOL_USAGE;

    if (text != NULL)
        rc = tool_parse(path, text, length, program, check, dialects);
    free(text);
    return rc;
}

int tool_load_dialects(const char *path, struct scenario_program *program,
                       const struct scenario_program **loaded)
{
    int rc = TOOL_OK;

    *loaded = NULL;
    if (path != NULL)
        rc = tool_load(path, program, TOOL_DIALECTS, NULL);
    if (path != NULL && rc == TOOL_OK)
        *loaded = program;
    return rc;
}

bool tool_id_matches(const char *id, const char *pattern)
{
    size_t id_length = strlen(id);
    size_t length = strlen(pattern);
    const char *bracket = strchr(id, '[');
    size_t stem = bracket != NULL ? (size_t)(bracket - id) : id_length;

    /* Brackets are part of ids, so what is literally the id comes before patterns. */
    if (strcmp(id, pattern) == 0)
        return true;
    if (length < id_length && id[id_length - length - 1] == '/' &&
        strcmp(id + id_length - length, pattern) == 0)
        return true;
    if (length <= stem && strncmp(id + stem - length, pattern, length) == 0 &&
        (length == stem || id[stem - length - 1] == '/'))
        return true;
    return fnmatch(pattern, id, 0) == 0;
}

static bool selected(const struct tool_selection *selection, const struct tool_file *file,
                     const char *id)
{
    bool wanted = selection->ids.count == 0 && selection->tags.count == 0;

    for (size_t i = 0; i < selection->ids.count && !wanted; i++)
        wanted = tool_id_matches(id, selection->ids.text[i]);
    for (size_t i = 0; i < selection->tags.count && !wanted; i++)
        wanted = scenario_has_tag(&file->program, selection->tags.text[i]);
    for (size_t i = 0; i < selection->exclude.count && wanted; i++)
        wanted = !tool_id_matches(id, selection->exclude.text[i]);
    return wanted;
}

static bool add_case(struct tool_suite *suite, size_t *room, size_t file, size_t variant,
                     const char *id)
{
    struct tool_case *new_case;

    if (suite->case_count == *room) {
        size_t larger_room = *room * 2 + 128;
        struct tool_case *larger = realloc(suite->cases, larger_room * sizeof(*larger));

        if (larger == NULL)
            return false;
        suite->cases = larger;
        *room = larger_room;
    }
    new_case = &suite->cases[suite->case_count];
    new_case->file = file;
    new_case->variant = variant;
    new_case->id = strdup(id);
    if (new_case->id == NULL)
        return false;
    suite->case_count++;
    return true;
}

/* All variants of one file that are selected. */
static bool add_variants(struct tool_suite *suite, size_t *room, size_t index,
                         const struct tool_selection *selection)
{
    const struct tool_file *file = &suite->files[index];
    size_t count = scenario_plan_count(&file->program);
    struct scenario_program program;
    struct scenario_buffer id;
    bool ok = true;

    scenario_program_init(&program);
    scenario_buffer_init(&id);
    for (size_t variant = 0; ok && variant < count; variant++) {
        ok = scenario_plan_run(&program, &file->program, file->id, variant, &id) == SCENARIO_OK;
        if (ok && selected(selection, file, id.data))
            ok = add_case(suite, room, index, variant, id.data);
    }
    scenario_program_fini(&program);
    scenario_buffer_fini(&id);
    return ok;
}

/* Its path without ".scn". */
static char *file_id(const char *path)
{
    size_t length = strlen(path);
    size_t stem = length > 4 && strcmp(path + length - 4, ".scn") == 0 ? length - 4 : length;
    char *id = calloc(1, stem + 1);

    if (id != NULL)
        memcpy(id, path, stem);
    return id;
}

static int load_file(struct tool_file *file, const char *path,
                     const struct scenario_program *dialects)
{
    struct scenario_string title;
    size_t length;
    int rc;

    scenario_program_init(&file->program);
    file->path = strdup(path);
    file->id = file_id(path);
    if (file->path == NULL || file->id == NULL)
        return tool_error("no memory");
    file->text = tool_read_file(path, &length);
    if (file->text == NULL)
        return TOOL_USAGE;
    rc = tool_parse(path, file->text, length, &file->program, TOOL_SCENARIO, dialects);
    if (rc != TOOL_OK)
        return rc;
    file->rules = scenario_rules(&file->program, &file->should);
    title = scenario_meta_first(&file->program, SCENARIO_META_TITLE);
    file->title = calloc(1, title.length + 1);
    if (file->title == NULL)
        return tool_error("no memory");
    memcpy(file->title, scenario_text(&file->program, title), title.length);
    return TOOL_OK;
}

static int nothing_found(char **paths, int count)
{
    for (int i = 0; i < count; i++)
        tool_error("%s: no scenario (*.scn) is in it or below", paths[i]);
    return TOOL_USAGE;
}

/* All of them, so that each mistake is told at once. */
static int load_files(struct tool_suite *suite, const struct tool_paths *found,
                      const struct scenario_program *dialects)
{
    int rc = TOOL_OK;

    suite->files = calloc(found->count, sizeof(*suite->files));
    if (suite->files == NULL)
        return tool_error("no memory");
    for (size_t i = 0; i < found->count; i++) {
        suite->file_count = i + 1;
        if (load_file(&suite->files[i], found->path[i], dialects) != TOOL_OK)
            rc = TOOL_USAGE;
    }
    return rc;
}

static int nothing_chosen(const struct tool_selection *selection)
{
    if (selection->ids.count == 1)
        return tool_error("no scenario has the id '%s' (simblk run --list lists all)",
                          selection->ids.text[0]);
    if (selection->ids.count == 0 && selection->tags.count == 1)
        return tool_error("no scenario has the tag '%s'; tags stand behind `tags` in scenarios",
                          selection->tags.text[0]);
    return tool_error("no scenario has such an id or tag (simblk run --list lists all ids)");
}

int tool_suite_load(struct tool_suite *suite, char **paths, int path_count,
                    const struct tool_selection *selection, const struct scenario_program *dialects)
{
    struct tool_paths found = {NULL, 0, 0};
    size_t room = 0;
    int rc = TOOL_OK;

    memset(suite, 0, sizeof(*suite));
    for (int i = 0; i < path_count; i++) {
        if (!tool_collect(&found, paths[i]))
            rc = TOOL_USAGE;
    }
    if (rc == TOOL_OK && found.count == 0)
        rc = nothing_found(paths, path_count);
    if (rc == TOOL_OK)
        rc = load_files(suite, &found, dialects);
    for (size_t i = 0; rc == TOOL_OK && i < suite->file_count; i++) {
        if (!add_variants(suite, &room, i, selection))
            rc = tool_error("%s: the variants do not fit into memory", suite->files[i].path);
    }
    if (rc == TOOL_OK && suite->case_count == 0)
        rc = nothing_chosen(selection);
    tool_paths_fini(&found);
    return rc;
}

void tool_suite_fini(struct tool_suite *suite)
{
    for (size_t i = 0; i < suite->file_count; i++) {
        scenario_program_fini(&suite->files[i].program);
        free(suite->files[i].path);
        free(suite->files[i].id);
        free(suite->files[i].title);
        free(suite->files[i].text);
    }
    for (size_t i = 0; i < suite->case_count; i++)
        free(suite->cases[i].id);
    free(suite->files);
    free(suite->cases);
    memset(suite, 0, sizeof(*suite));
}

/* Cases of one file stand together. */
bool tool_suite_is_first(const struct tool_suite *suite, size_t index)
{
    return index == 0 || suite->cases[index].file != suite->cases[index - 1].file;
}

size_t tool_suite_scenarios(const struct tool_suite *suite)
{
    size_t count = 0;

    for (size_t i = 0; i < suite->case_count; i++)
        count += tool_suite_is_first(suite, i);
    return count;
}

int tool_suite_program(const struct tool_suite *suite, size_t index,
                       struct scenario_program *program)
{
    const struct tool_case *chosen = &suite->cases[index];

    return scenario_variant(program, &suite->files[chosen->file].program, chosen->variant, NULL);
}
