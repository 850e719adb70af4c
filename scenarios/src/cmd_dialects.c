/* SPDX-License-Identifier: ISC */
/*
 * simblk dialects: the backends that simback imitates, and those of a file; one of them as text,
 * which can be changed and loaded again (--dialects).
 */
#include "suggest.h"
#include "tool.h"

#include "scenario/dialects.h"

#include <stdlib.h>
#include <string.h>

static void print_list(const struct scenario_dialects *set)
{
    for (size_t i = 0; simback_dialect_at(i) != NULL; i++)
        printf("%-12s %s\n", simback_dialect_at(i)->name, simback_dialect_at(i)->about);
    for (size_t i = 0; i < set->count; i++)
        printf("%-12s %s\n", set->list[i].name, set->list[i].about);
}

static int unknown(const struct scenario_dialects *set, const char *name)
{
    struct suggestion near;
    char meant[96];

    suggestion_init(&near, name, strlen(name));
    for (size_t i = 0; simback_dialect_at(i) != NULL; i++)
        suggestion_offer(&near, simback_dialect_at(i)->name);
    for (size_t i = 0; i < set->count; i++)
        suggestion_offer(&near, set->list[i].name);
    suggestion_text(&near, meant, sizeof(meant));
    return tool_error("dialects: unknown dialect '%s'%s (simblk dialects lists all)", name, meant);
}

static int print_one(const struct scenario_dialects *set, const char *name)
{
    const struct simback_dialect *dialect = scenario_dialect_find(set, name, strlen(name));
    struct scenario_buffer text;
    int rc = TOOL_OK;

    if (dialect == NULL)
        return unknown(set, name);
    scenario_buffer_init(&text);
    if (scenario_dialect_print(dialect, &text) != SCENARIO_OK)
        rc = tool_error("no memory");
    else
        fputs(text.data, stdout);
    scenario_buffer_fini(&text);
    return rc;
}

/* Those of the file, in the order in which it begins them. */
static int make_set(struct scenario_dialects *set, const struct scenario_program *file)
{
    for (size_t i = 0; file != NULL && i < file->step_count; i++) {
        if (scenario_dialect_step(set, file, &file->steps[i]) != SCENARIO_OK)
            return tool_error("dialects: no backend can be made of what line %u says",
                              file->steps[i].position.line);
    }
    return TOOL_OK;
}

int cmd_dialects(int argc, char **argv)
{
    struct scenario_dialects *set = calloc(1, sizeof(*set));
    const struct scenario_program *loaded = NULL;
    struct scenario_program file;
    const char *path = NULL;
    int rest = 0;
    const struct tool_option options[] = {
        {"--dialects", TOOL_TEXT, "FILE", "those of a file, too", &path, NULL},
    };
    int rc;

    if (set == NULL)
        return tool_error("no memory");
    scenario_program_init(&file);
    rc = tool_options(tool_command_find("dialects"), options, 1, argc, argv, &rest);
    if (rc == -1 && rest > 1)
        rc = tool_error("dialects: at most one name");
    if (rc != -1)
        goto out;
    rc = tool_load_dialects(path, &file, &loaded);
    if (rc == TOOL_OK)
        rc = make_set(set, loaded);
    if (rc == TOOL_OK && rest == 0)
        print_list(set);
    else if (rc == TOOL_OK)
        rc = print_one(set, argv[1]);
out:
    scenario_program_fini(&file);
    free(set);
    return rc;
}
