/* SPDX-License-Identifier: ISC */
/*
 * A scenario counts only if it can fail: every expectation of every scenario, inverted, has to make
 * every variant of its file fail. Prints those that do not.
 *
 *     inversion_test FOLDER|FILE...
 */
#include "tool.h"

#include "scenario/check.h"
#include "scenario/plan.h"
#include "scenario/variants.h"

#include <stdarg.h>
#include <stdlib.h>

/* The tool's files.c and suite.c are used here; its main.c is not. */
int tool_error(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    return TOOL_USAGE;
}

struct told {
    const char *path;
    size_t variant;
};

static void tell(void *context, size_t expectation, struct scenario_position position,
                 const struct scenario_verdict *verdict)
{
    const struct told *told = context;

    printf("%s:%u:%u: expectation %zu of variant %zu: inverted it is still \"%s\"%s%s\n",
           told->path, position.line, position.column, expectation + 1, told->variant + 1,
           scenario_outcome_name(verdict->outcome), verdict->reason[0] != '\0' ? ": " : "",
           verdict->reason);
}

/* How many inverted programs do not fail. */
static int invert_file(struct scenario_runner *runner, const char *path, size_t *expectations)
{
    struct scenario_program program;
    struct scenario_program variant;
    struct scenario_run_options options;
    struct told told = {.path = path};
    int wrong = 0;

    scenario_run_options_init(&options);
    options.subject = &scenario_subject_blkfront;
    options.strict = true;
    scenario_program_init(&program);
    scenario_program_init(&variant);
    if (tool_load(path, &program, TOOL_SCENARIO, NULL) != TOOL_OK)
        wrong = 1;
    for (size_t i = 0; wrong == 0 && i < scenario_variant_count(&program); i++) {
        int passed;

        told.variant = i;
        if (scenario_variant(&variant, &program, i, NULL) != SCENARIO_OK)
            abort();
        passed = scenario_plan_inversions(runner, &variant, &options, tell, &told);
        if (passed < 0)
            abort();
        wrong += passed;
        *expectations += scenario_expectation_count(&variant);
    }
    scenario_program_fini(&variant);
    scenario_program_fini(&program);
    return wrong;
}

int main(int argc, char **argv)
{
    struct scenario_runner *runner = scenario_runner_create();
    struct tool_paths paths = {NULL, 0, 0};
    size_t expectations = 0;
    int wrong = 0;

    if (runner == NULL)
        return EXIT_FAILURE;
    for (int i = 1; i < argc; i++) {
        if (!tool_collect(&paths, argv[i]))
            return EXIT_FAILURE;
    }
    for (size_t i = 0; i < paths.count; i++)
        wrong += invert_file(runner, paths.path[i], &expectations);
    printf("%zu files, %zu expectations inverted, %d of them did not fail\n", paths.count,
           expectations, wrong);
    if (expectations == 0)
        wrong = 1;
    tool_paths_fini(&paths);
    scenario_runner_destroy(runner);
    return wrong == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
