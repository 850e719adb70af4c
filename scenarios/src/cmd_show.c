/* SPDX-License-Identifier: ISC */
/*
 * simblk show: a scenario as the tool understands it, one of its variants, or its trace.
 */
#include "tool.h"

#include "scenario/run.h"
#include "scenario/variants.h"

#include <stdlib.h>
#include <string.h>

static void trace_line(void *context, const char *line)
{
    (void)context;
    puts(line);
}

static int play_and_trace(const struct scenario_program *program,
                          const struct scenario_program *dialects)
{
    struct scenario_runner *runner = scenario_runner_create();
    struct scenario_run_options options;
    struct scenario_verdict verdict;

    if (runner == NULL)
        return tool_error("no memory for a world");
    scenario_run_options_init(&options);
    options.subject = tool_subject();
    options.may_open_files = true;
    options.dialects = dialects;
    options.trace = trace_line;
    scenario_runner_run(runner, program, &options, &verdict);
    scenario_runner_destroy(runner);
    printf("%s%s%s\n", scenario_outcome_name(verdict.outcome),
           verdict.reason[0] != '\0' ? ": " : "", verdict.reason);
    return verdict.exit_code;
}

int cmd_show(int argc, char **argv)
{
    struct scenario_program program;
    struct scenario_program variant;
    struct scenario_buffer text;
    struct scenario_buffer name;
    struct scenario_program file;
    const struct scenario_program *dialects = NULL;
    const char *dialects_path = NULL;
    uint64_t index = 0;
    bool variant_given = false;
    bool trace = false;
    int rest = 0;
    const struct tool_option options[] = {
        {"--variant", TOOL_NUMBER, "N", "the Nth run of the file (1 is the first), its fields set",
         &index, &variant_given},
        {"--trace", TOOL_FLAG, NULL, "play it and print every event", &trace, NULL},
        {"--dialects", TOOL_TEXT, "FILE", "dialects that backends may be of", &dialects_path, NULL},
    };
    int rc = tool_options(tool_command_find("show"), options, 3, argc, argv, &rest);

    if (rc != -1)
        return rc;
    if (rest != 1)
        return tool_error("show: needs one scenario");
    scenario_program_init(&program);
    scenario_program_init(&variant);
    scenario_buffer_init(&text);
    scenario_buffer_init(&name);
    scenario_program_init(&file);
    rc = tool_load_dialects(dialects_path, &file, &dialects);
    if (rc == TOOL_OK)
        rc = tool_load(argv[1], &program, TOOL_SCENARIO, dialects);
    if (rc == TOOL_OK && variant_given && (index < 1 || index > scenario_variant_count(&program)))
        rc = tool_error("show: %s has %zu variants", argv[1], scenario_variant_count(&program));
    if (rc == TOOL_OK && (variant_given || trace)) {
        if (scenario_variant(&variant, &program, variant_given ? (size_t)index - 1 : 0, &name) !=
            SCENARIO_OK)
            rc = tool_error("no memory");
    }
    if (rc == TOOL_OK && trace) {
        rc = play_and_trace(&variant, dialects);
    } else if (rc == TOOL_OK) {
        if (scenario_print(variant_given ? &variant : &program, &text) != SCENARIO_OK)
            rc = tool_error("no memory");
        else
            fputs(text.length > 0 ? text.data : "", stdout);
    }
    scenario_buffer_fini(&text);
    scenario_buffer_fini(&name);
    scenario_program_fini(&variant);
    scenario_program_fini(&program);
    scenario_program_fini(&file);
    return rc;
}
