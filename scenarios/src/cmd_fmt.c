/* SPDX-License-Identifier: ISC */
/*
 * simblk fmt: rewrites scenarios in canonical form, standard input (-) to standard output; --check
 * only tells which are not.
 */
#include "tool.h"

#include <stdlib.h>
#include <string.h>

/* TOOL_OK; TOOL_FAILED if it is not canonical and `check`; TOOL_USAGE. */
static int format_one(const char *path, bool check)
{
    struct scenario_program program;
    struct scenario_buffer text;
    size_t length = 0;
    char *before = tool_read_file(path, &length);
    int rc = TOOL_USAGE;

    scenario_program_init(&program);
    scenario_buffer_init(&text);
    if (before == NULL ||
        tool_parse(path, before, length, &program, TOOL_ANYTHING, NULL) != TOOL_OK)
        goto out;
    if (scenario_print(&program, &text) != SCENARIO_OK) {
        tool_error("no memory");
        goto out;
    }
    rc = TOOL_OK;
    if (!check && strcmp(path, "-") == 0)
        fputs(text.length > 0 ? text.data : "", stdout);
    if (text.length != length || memcmp(text.data, before, length) != 0) {
        if (check) {
            printf("%s\n", path);
            rc = TOOL_FAILED;
        } else if (strcmp(path, "-") != 0 && !tool_write_file(path, text.data, text.length)) {
            rc = TOOL_USAGE;
        }
    }
out:
    free(before);
    scenario_buffer_fini(&text);
    scenario_program_fini(&program);
    return rc;
}

int cmd_fmt(int argc, char **argv)
{
    struct tool_paths paths = {NULL, 0, 0};
    bool check = false;
    int rest = 0;
    const struct tool_option options[] = {
        {"--check", TOOL_FLAG, NULL, "change nothing; print what is not canonical, exit 1", &check,
         NULL},
    };
    int rc = tool_options(tool_command_find("fmt"), options, 1, argc, argv, &rest);

    if (rc != -1)
        return rc;
    if (rest == 0)
        return tool_error("fmt: name a scenario or a folder of them");
    rc = TOOL_OK;
    for (int i = 1; i <= rest; i++) {
        if (!tool_collect(&paths, argv[i]))
            rc = TOOL_USAGE;
    }
    for (size_t i = 0; i < paths.count; i++) {
        int one = format_one(paths.path[i], check);

        if (one > rc)
            rc = one;
    }
    tool_paths_fini(&paths);
    return rc;
}
