/* SPDX-License-Identifier: ISC */
/*
 * simblk show: a scenario as the tool understands it, one of its variants, its trace or its ladder.
 */
#include "ladder.h"
#include "tool.h"

#include "scenario/repeat.h"
#include "scenario/variants.h"

#include <stdlib.h>
#include <string.h>

/* Of a ladder, so many events from the beginning and from the end. */
enum { LADDER_FIRST = 10000, LADDER_LAST = 10000 };

static void trace_line(void *context, const char *line)
{
    (void)context;
    puts(line);
}

static void print_verdict(const struct scenario_verdict *verdict)
{
    printf("%s%s%s\n", scenario_outcome_name(verdict->outcome),
           verdict->reason[0] != '\0' ? ": " : "", verdict->reason);
}

/* False: there is no verdict, and a message tells why. */
static bool play(const struct scenario_program *program, const struct scenario_program *dialects,
                 bool trace, struct ladder_recorder *recorder, struct scenario_verdict *verdict)
{
    struct scenario_runner *runner = scenario_runner_create();
    struct scenario_run_options options;

    if (runner == NULL) {
        tool_error("no memory for a world");
        return false;
    }
    scenario_run_options_init(&options);
    options.subject = tool_subject();
    options.may_open_files = true;
    options.dialects = dialects;
    options.trace = trace ? trace_line : NULL;
    if (recorder != NULL) {
        options.listener = ladder_recorder_listener(recorder);
        scenario_repeat_run(runner, program, &options, 0, verdict);
    } else {
        scenario_runner_run(runner, program, &options, verdict);
    }
    scenario_runner_destroy(runner);
    return true;
}

static int play_and_trace(const struct scenario_program *program,
                          const struct scenario_program *dialects)
{
    struct scenario_verdict verdict;

    if (!play(program, dialects, true, NULL, &verdict))
        return TOOL_USAGE;
    print_verdict(&verdict);
    return verdict.exit_code;
}

static int draw(const struct scenario_program *program, const struct ladder_recorder *recorder,
                const struct scenario_verdict *verdict)
{
    FILE *file = tmpfile();
    struct ladder ladder;
    bool ok;

    if (file == NULL)
        return tool_error("no temporary file for the ladder");
    ladder_init(&ladder);
    ladder_recorder_write(recorder, verdict->struck_at != 0, fileno(file));
    ok = ladder_read(&ladder, fileno(file)) && ladder_judge(&ladder, verdict);
    fclose(file);
    ladder.program = program;
    ok = ok && ladder_text(stdout, &ladder);
    ladder_fini(&ladder);
    return ok ? TOOL_OK : tool_error("no memory");
}

static int play_and_draw(const struct scenario_program *program,
                         const struct scenario_program *dialects)
{
    struct ladder_recorder *recorder = ladder_recorder_create(LADDER_FIRST, LADDER_LAST);
    struct scenario_verdict verdict;
    int rc = TOOL_USAGE;

    if (recorder == NULL)
        return tool_error("no memory");
    if (play(program, dialects, false, recorder, &verdict))
        rc = draw(program, recorder, &verdict);
    ladder_recorder_destroy(recorder);
    if (rc != TOOL_OK)
        return rc;
    print_verdict(&verdict);
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
    bool ladder = false;
    int rest = 0;
    const struct tool_option options[] = {
        {"--variant", TOOL_NUMBER, "N", "the Nth run of the file (1 is the first), its fields set",
         &index, &variant_given},
        {"--trace", TOOL_FLAG, NULL, "play it and print every event", &trace, NULL},
        {"--ladder", TOOL_FLAG, NULL,
         "play it and draw application, frontend, ring, backend and XenStore, a row for each event",
         &ladder, NULL},
        {"--dialects", TOOL_TEXT, "FILE", "dialects that backends may be of", &dialects_path, NULL},
    };
    int rc = tool_options(tool_command_find("show"), options, sizeof(options) / sizeof(options[0]),
                          argc, argv, &rest);

    if (rc != -1)
        return rc;
    if (rest != 1)
        return tool_error("show: needs one scenario");
    if (trace && ladder)
        return tool_error("show: --trace and --ladder are two pictures of one run; take one");
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
    if (rc == TOOL_OK && (variant_given || trace || ladder)) {
        if (scenario_variant(&variant, &program, variant_given ? (size_t)index - 1 : 0, &name) !=
            SCENARIO_OK)
            rc = tool_error("no memory");
    }
    if (rc == TOOL_OK && trace) {
        rc = play_and_trace(&variant, dialects);
    } else if (rc == TOOL_OK && ladder) {
        rc = play_and_draw(&variant, dialects);
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
