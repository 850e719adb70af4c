/* SPDX-License-Identifier: ISC */
/*
 * simblk shrink: the smallest scenario that ends as the given one does. A file with variants needs
 * the one that fails (--variant), since others may well pass.
 */
#include "tool.h"

#include "attempt.h"
#include "report.h"
#include "scenario/variants.h"
#include "supervisor.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct shrink_command {
    const char *output, *frontend;
    uint64_t variant, only, runs, stuck_seconds;
    bool strict;
};

static int write_out(const struct shrink_command *command, const struct scenario_program *program,
                     const struct scenario_verdict *verdict)
{
    struct scenario_buffer text;
    int rc = TOOL_OK;

    scenario_buffer_init(&text);
    if (scenario_print(program, &text) != SCENARIO_OK) {
        rc = tool_error("shrink: no memory");
    } else if (command->output != NULL) {
        rc = tool_write_file(command->output, text.data, text.length) ? TOOL_OK : TOOL_USAGE;
    } else {
        fputs(text.length > 0 ? text.data : "", stdout);
    }
    scenario_buffer_fini(&text);
    fprintf(stderr, "%zu steps: ", program->step_count);
    report_verdict(stderr, verdict);
    return rc;
}

static int shrink_program(const struct shrink_command *command, const char *path,
                          const struct scenario_program *from)
{
    struct attempt_options options = {.only = command->only,
                                      .stuck_seconds = (unsigned)command->stuck_seconds,
                                      .frontend = command->frontend};
    struct scenario_program program;
    struct scenario_verdict verdict = {.outcome = SCENARIO_PASSED};
    int rc;

    scenario_run_options_init(&options.run);
    options.run.subject = tool_subject();
    options.run.strict = command->strict;
    scenario_program_init(&program);
    rc = scenario_variant(&program, from, (size_t)command->variant - 1, NULL);
    if (rc == SCENARIO_INVALID) {
        rc = tool_error("shrink: %s has %zu variants, --variant needs the number of one", path,
                        scenario_variant_count(from));
        scenario_program_fini(&program);
        return rc;
    }
    if (rc == SCENARIO_OK)
        rc = attempt_shrink(&options, &program, (uint32_t)command->runs, &verdict);
    if (rc == SCENARIO_INVALID)
        rc = tool_error("shrink: %s does not fail (%s); only what fails can be made smaller", path,
                        scenario_outcome_name(verdict.outcome));
    else if (rc != SCENARIO_OK)
        rc = tool_error("shrink: no memory or no process");
    else
        rc = write_out(command, &program, &verdict);
    scenario_program_fini(&program);
    return rc;
}

int cmd_shrink(int argc, char **argv)
{
    struct shrink_command command = {.variant = 1, .stuck_seconds = TOOL_STUCK_SECONDS};
    const struct tool_option options[] = {
        TOOL_OPTION_FRONTEND(&command.frontend),
        {"--output", TOOL_TEXT, "FILE", "instead of standard output", &command.output, NULL},
        {"--variant", TOOL_NUMBER, "N", "which of the file's variants; default 1", &command.variant,
         NULL},
        {"--at", TOOL_NUMBER, "N",
         "of what the file repeats by itself (each nth, at every step) only this one",
         &command.only, NULL},
        {"--strict", TOOL_FLAG, NULL, "judge what the rules say SHOULD be, too", &command.strict,
         NULL},
        {"--runs", TOOL_NUMBER, "N", "stop after so many attempts; default: when nothing can go",
         &command.runs, NULL},
        TOOL_OPTION_STUCK(&command.stuck_seconds),
    };
    struct scenario_verdict probed;
    struct scenario_program program;
    size_t length = 0;
    char *text;
    int rest = 0;
    int rc = tool_options(tool_command_find("shrink"), options,
                          sizeof(options) / sizeof(options[0]), argc, argv, &rest);

    if (rc != -1)
        return rc;
    if (rest != 1)
        return tool_error("shrink: name one scenario");
    if (command.variant < 1 || command.runs > UINT32_MAX)
        return tool_error("shrink: --variant begins at 1, --runs ends at %" PRIu32, UINT32_MAX);
    if (!tool_stuck_fits("shrink", command.stuck_seconds))
        return TOOL_USAGE;
    rc = subject_probe(command.frontend, command.stuck_seconds, &probed, NULL);
    if (rc != TOOL_OK)
        return rc == TOOL_FAILED ? probed.exit_code : rc;
    text = tool_read_file(argv[1], &length);
    if (text == NULL)
        return TOOL_USAGE;
    scenario_program_init(&program);
    rc = tool_parse(argv[1], text, length, &program, TOOL_SCENARIO, NULL);
    if (rc == TOOL_OK)
        rc = shrink_program(&command, argv[1], &program);
    scenario_program_fini(&program);
    free(text);
    return rc;
}
