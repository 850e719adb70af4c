/* SPDX-License-Identifier: ISC */
/*
 * simblk show: a scenario as the tool understands it, one of its variants, its trace or its ladder.
 * What is played is played by a worker: what a frontend did before it died can be looked at, too.
 */
#include "report.h"
#include "supervisor.h"

#include "scenario/variants.h"

#include <stdlib.h>
#include <string.h>

/* Of a ladder, so many events from the beginning and from the end. */
enum { LADDER_ROWS = 10000, STUCK_SECONDS = 10 };

struct show {
    char *path;
    const char *dialects_path, *frontend;
    uint64_t variant; /* from 1 */
    bool variant_given, trace, ladder;
    struct scenario_program program;
    struct scenario_program dialects; /* of the file behind --dialects */
};

/* ---- one variant, played ---- */

/* It is looked at when all is over. */
static void on_done(void *context, size_t index, const struct tool_result *result)
{
    (void)context;
    (void)index;
    (void)result;
}

/* False: no memory. */
static bool print_ladder(const struct show *show, struct ladder *ladder)
{
    struct scenario_program variant;
    bool ok;

    scenario_program_init(&variant);
    ok = scenario_variant(&variant, &show->program, (size_t)show->variant - 1, NULL) == SCENARIO_OK;
    ladder->program = &variant;
    ok = ok && ladder_text(stdout, ladder);
    ladder->program = NULL;
    scenario_program_fini(&variant);
    return ok;
}

/* What there is of a picture, and the verdict. */
static int print_result(const struct show *show, struct tool_result *result)
{
    const struct scenario_verdict *verdict = &result->verdict;
    bool lost = show->trace ? result->trace == NULL : result->ladder.count == 0;

    if (lost && verdict->events != 0)
        return tool_error("no memory");
    if (result->trace != NULL)
        fputs(result->trace, stdout);
    if (result->ladder.count != 0 && !print_ladder(show, &result->ladder))
        return tool_error("no memory");
    report_verdict(stdout, verdict);
    fputs(result->output != NULL ? result->output : "", stderr);
    return verdict->exit_code;
}

static int play(const struct show *show, const struct scenario_program *dialects)
{
    struct tool_file file = {.path = show->path, .program = show->program};
    struct tool_case one = {.variant = (size_t)show->variant - 1};
    const struct tool_suite suite = {&file, 1, &one, 1};
    const struct supervisor_options options = {
        .suite = &suite,
        .subject = tool_subject(),
        .frontend = show->frontend,
        .jobs = 1,
        .repeat = 1,
        .once = show->trace,
        .stuck_seconds = STUCK_SECONDS,
        .trace = show->trace,
        .ladder_rows = show->ladder ? LADDER_ROWS : 0,
        .dialects = dialects,
        .done = on_done,
    };
    struct tool_result result;
    int supervised, rc;

    memset(&result, 0, sizeof(result));
    supervised = rc = supervise(&options, &result);
    if (rc == TOOL_OK || rc == TOOL_FAILED)
        rc = print_result(show, &result);
    /* A worker that dies behind the run has crashed all the same. */
    if (supervised == TOOL_FAILED)
        rc = scenario_exit_code(SCENARIO_CRASHED);
    tool_result_fini(&result);
    return rc;
}

/* ---- the command ---- */

static int print(const struct show *show)
{
    const struct scenario_program *program = &show->program;
    struct scenario_program variant;
    struct scenario_buffer text;
    int result = SCENARIO_OK;

    scenario_program_init(&variant);
    scenario_buffer_init(&text);
    if (show->variant_given) {
        result = scenario_variant(&variant, program, (size_t)show->variant - 1, NULL);
        program = &variant;
    }
    if (result == SCENARIO_OK)
        result = scenario_print(program, &text);
    if (result == SCENARIO_OK && text.length > 0)
        fputs(text.data, stdout);
    scenario_buffer_fini(&text);
    scenario_program_fini(&variant);
    return result == SCENARIO_OK ? TOOL_OK : tool_error("no memory");
}

static int load_and_show(struct show *show)
{
    const struct scenario_program *dialects = NULL;
    size_t variants;
    int rc = tool_load_dialects(show->dialects_path, &show->dialects, &dialects);

    if (rc == TOOL_OK)
        rc = tool_load(show->path, &show->program, TOOL_SCENARIO, dialects);
    if (rc != TOOL_OK)
        return rc;
    variants = scenario_variant_count(&show->program);
    if (show->variant < 1 || show->variant > variants)
        return tool_error("show: %s has %zu variants", show->path, variants);
    if (show->frontend != NULL && !show->trace && !show->ladder)
        return tool_error("show: --frontend is for what is played: take --trace or --ladder, too");
    return show->trace || show->ladder ? play(show, dialects) : print(show);
}

int cmd_show(int argc, char **argv)
{
    struct show show = {.variant = 1};
    const struct tool_option options[] = {
        TOOL_OPTION_FRONTEND(&show.frontend),
        {"--variant", TOOL_NUMBER, "N", "the Nth run of the file (1 is the first), its fields set",
         &show.variant, &show.variant_given},
        {"--trace", TOOL_FLAG, NULL, "play it and print every event", &show.trace, NULL},
        {"--ladder", TOOL_FLAG, NULL,
         "play it and draw application, frontend, ring, backend and XenStore, a row for each event",
         &show.ladder, NULL},
        {"--dialects", TOOL_TEXT, "FILE", "dialects that backends may be of", &show.dialects_path,
         NULL},
    };
    int rest = 0;
    int rc = tool_options(tool_command_find("show"), options, sizeof(options) / sizeof(options[0]),
                          argc, argv, &rest);

    if (rc != -1)
        return rc;
    if (rest != 1)
        return tool_error("show: needs one scenario");
    if (show.trace && show.ladder)
        return tool_error("show: --trace and --ladder are two pictures of one run; take one");
    show.path = argv[1];
    scenario_program_init(&show.program);
    scenario_program_init(&show.dialects);
    rc = load_and_show(&show);
    scenario_program_fini(&show.program);
    scenario_program_fini(&show.dialects);
    return rc;
}
