/* SPDX-License-Identifier: ISC */
/*
 * simblk compare: plays the same scenarios on several frontends, one after the other, and sets side
 * by side which rules each of them keeps. A frontend that cannot be loaded has a column all the
 * same, and the others are judged.
 */
#include "compare.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The frontend that is built in. */
static const char built_in[] = "libblkfront";

struct compare_command {
    struct tool_texts scenarios;
    const char *format, *output;
    struct tool_suite suite;
    struct supervisor_options supervisor;
    struct comparison comparison;
    struct compared *current;
    uint64_t jobs;
    int exit_code;
    bool any_code, no_memory;
};

/* ---- counting ---- */

static uint32_t rules_of(const struct scenario_verdict *verdict, const struct tool_file *file)
{
    /* An expectation that does not hold breaks what the scenario is about. */
    return verdict->rule != 0 ? 1u << verdict->rule : file->rules;
}

static void keep_failure(struct compare_command *command, const char *id, uint32_t rules,
                         const struct scenario_verdict *verdict)
{
    struct compared *current = command->current;
    struct compared_failure *larger = NULL;
    struct compared_failure failure = {rules, verdict->rule != 0, strdup(id),
                                       strdup(verdict->reason)};

    if (failure.id != NULL && failure.reason != NULL)
        larger = realloc(current->failures, (current->failure_count + 1) * sizeof(*larger));
    if (larger == NULL) {
        free(failure.id);
        free(failure.reason);
        command->no_memory = true;
        return;
    }
    current->failures = larger;
    larger[current->failure_count++] = failure;
}

static void count(struct compared_cell *cell, enum scenario_outcome outcome)
{
    cell->passed += outcome == SCENARIO_PASSED;
    cell->skipped += outcome == SCENARIO_UNSUPPORTED;
    cell->failed += outcome != SCENARIO_PASSED && outcome != SCENARIO_UNSUPPORTED;
}

static void on_done(void *context, size_t index, const struct tool_result *result)
{
    struct compare_command *command = context;
    const struct tool_case *one = &command->suite.cases[index];
    const struct tool_file *file = &command->suite.files[one->file];
    enum scenario_outcome outcome = result->verdict.outcome;
    bool failed = outcome != SCENARIO_PASSED && outcome != SCENARIO_UNSUPPORTED;
    uint32_t rules = failed ? rules_of(&result->verdict, file) : file->rules;

    count(&command->current->all, outcome);
    for (unsigned rule = 1; rule <= REPORT_RULES; rule++) {
        if ((rules >> rule & 1) != 0)
            count(&command->current->rule[rule], outcome);
    }
    if (failed)
        keep_failure(command, one->id, rules, &result->verdict);
    command->exit_code =
        scenario_exit_merge(command->exit_code, result->verdict.exit_code, &command->any_code);
}

static void on_refused(void *context, const char *why)
{
    struct compare_command *command = context;

    command->current->refused = strdup(why);
    if (command->current->refused == NULL)
        command->no_memory = true;
    command->exit_code = TOOL_USAGE;
    command->any_code = true;
}

/* ---- playing ---- */

/* TOOL_OK also for one that is refused. */
static int play(struct compare_command *command, const char *frontend)
{
    size_t cases = command->suite.case_count;
    struct tool_result *results = calloc(cases, sizeof(*results));
    int rc;

    if (results == NULL)
        return tool_error("no memory");
    command->current->name = frontend;
    command->supervisor.frontend = strcmp(frontend, built_in) == 0 ? NULL : frontend;
    command->supervisor.done = on_done;
    command->supervisor.refused = on_refused;
    command->supervisor.context = command;
    rc = supervise(&command->supervisor, results);
    for (size_t i = 0; i < cases; i++)
        tool_result_fini(&results[i]);
    free(results);
    if (command->no_memory)
        return tool_error("no memory");
    /* The others are judged all the same. */
    return rc == TOOL_FAILED || command->current->refused != NULL ? TOOL_OK : rc;
}

static int print(const struct compare_command *command)
{
    FILE *stream = command->output != NULL ? fopen(command->output, "wb") : stdout;
    bool ok;

    if (stream == NULL)
        return tool_error("%s: cannot be written: %s", command->output, strerror(errno));
    if (strcmp(command->format, "html") == 0)
        compare_html(stream, &command->comparison);
    else
        compare_text(stream, &command->comparison);
    ok = fflush(stream) == 0 && ferror(stream) == 0;
    if (command->output != NULL)
        fclose(stream);
    return ok ? TOOL_OK : tool_error("the comparison cannot be written: %s", strerror(errno));
}

/* ---- the command ---- */

/* Those that were installed with the tool. */
static const char *installed_scenarios(void)
{
    static char path[PATH_MAX + sizeof(SIMBLK_SCENARIOS)];
    ssize_t length = readlink("/proc/self/exe", path, PATH_MAX);

    while (length > 0 && path[length - 1] != '/')
        length--;
    snprintf(path + (length > 0 ? length : 0), sizeof(SIMBLK_SCENARIOS), "%s", SIMBLK_SCENARIOS);
    return path;
}

/* Where no scenarios are named: those of a clone, or the installed ones. */
static void choose_scenarios(struct tool_texts *scenarios)
{
    static const char *const places[] = {"scenarios/conformance", "scenarios/regression"};

    if (scenarios->count != 0)
        return;
    for (size_t i = 0; i < 2; i++) {
        if (access(places[i], R_OK) == 0)
            scenarios->text[scenarios->count++] = places[i];
    }
    if (scenarios->count == 0)
        scenarios->text[scenarios->count++] = installed_scenarios();
}

static int load_suite(struct compare_command *command)
{
    struct tool_selection selection;
    char *paths[TOOL_TEXTS_MAX];
    int count = 0;
    int rc = TOOL_OK;

    memset(&selection, 0, sizeof(selection));
    choose_scenarios(&command->scenarios);
    for (size_t i = 0; i < command->scenarios.count && rc == TOOL_OK; i++) {
        paths[count] = strdup(command->scenarios.text[i]);
        if (paths[count++] == NULL)
            rc = tool_error("no memory");
    }
    if (rc == TOOL_OK)
        rc = tool_suite_load(&command->suite, paths, count, &selection, NULL);
    while (count > 0)
        free(paths[--count]);
    command->supervisor.suite = &command->suite;
    command->comparison.scenarios = tool_suite_scenarios(&command->suite);
    command->comparison.runs = command->suite.case_count;
    return rc;
}

static int read_options(struct compare_command *command, int argc, char **argv, int *rest)
{
    const struct tool_option options[] = {
        {"--scenarios", TOOL_LIST, "PATH",
         "play these; default: scenarios/ here, else the installed ones", &command->scenarios,
         NULL},
        {"--format", TOOL_TEXT, "text|html", "default text", &command->format, NULL},
        {"--output", TOOL_TEXT, "FILE", "instead of standard output", &command->output, NULL},
        {"--strict", TOOL_FLAG, NULL, "judge what the rules say SHOULD be, too",
         &command->supervisor.strict, NULL},
        {"--jobs", TOOL_NUMBER, "N", "worker processes; default: one for each processor",
         &command->jobs, NULL},
        TOOL_OPTION_STUCK(&command->supervisor.stuck_seconds),
    };
    int rc = tool_options(tool_command_find("compare"), options,
                          sizeof(options) / sizeof(options[0]), argc, argv, rest);

    if (rc != -1)
        return rc;
    if (*rest == 0)
        return tool_error("compare: name shared objects, for example: simblk compare libblkfront "
                          "./theirs.so");
    if (strcmp(command->format, "text") != 0 && strcmp(command->format, "html") != 0)
        return tool_error("compare: unknown format '%s'; there are text and html", command->format);
    if (command->jobs < 1 || command->jobs > 64)
        return tool_error("compare: --jobs needs a number from 1 to 64");
    if (!tool_stuck_fits("compare", command->supervisor.stuck_seconds))
        return TOOL_USAGE;
    command->supervisor.jobs = (uint32_t)command->jobs;
    return -1;
}

static void fini(struct compare_command *command)
{
    for (size_t i = 0; i < command->comparison.count; i++) {
        struct compared *frontend = &command->comparison.frontends[i];

        for (size_t j = 0; j < frontend->failure_count; j++) {
            free(frontend->failures[j].id);
            free(frontend->failures[j].reason);
        }
        free(frontend->failures);
        free(frontend->refused);
    }
    free(command->comparison.frontends);
    tool_suite_fini(&command->suite);
}

int cmd_compare(int argc, char **argv)
{
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    struct compare_command command = {
        .format = "text",
        .jobs = processors < 1    ? 1
                : processors > 64 ? 64
                                  : (uint64_t)processors,
    };
    int rest = 0;
    int rc;

    command.supervisor.subject = tool_subject();
    command.supervisor.repeat = 1;
    command.supervisor.stuck_seconds = TOOL_STUCK_SECONDS;
    rc = read_options(&command, argc, argv, &rest);
    if (rc != -1)
        return rc;
    command.comparison.frontends = calloc((size_t)rest, sizeof(struct compared));
    if (command.comparison.frontends == NULL)
        return tool_error("no memory");
    rc = load_suite(&command);
    for (int i = 0; rc == TOOL_OK && i < rest; i++) {
        command.current = &command.comparison.frontends[command.comparison.count++];
        rc = play(&command, argv[1 + i]);
    }
    if (rc == TOOL_OK)
        rc = print(&command);
    fini(&command);
    return rc == TOOL_OK ? command.exit_code : rc;
}
