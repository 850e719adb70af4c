/* SPDX-License-Identifier: ISC */
/*
 * simblk run: plays scenarios and judges the frontend. Reads everything first; a mistake in any
 * file ends it before anything runs.
 */
#include "capture.h"
#include "expected.h"
#include "live.h"
#include "report.h"
#include "supervisor.h"
#include "tool.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct run {
    struct tool_suite suite;
    struct tool_selection selection;
    struct scenario_program dialects; /* of the file behind --dialects */
    struct expected_failures expected;
    struct supervisor_options supervisor;
    struct tool_result *results;
    struct report_context context;
    struct report_context page; /* of --report */
    struct report_sums sums;
    const struct report *report;
    int exit_code;
    bool any_code;
    uint64_t jobs, repeat, break_step;
    const char *format, *output, *page_path, *expected_path, *dialects_path, *world, *live_disk;
    bool list, dry_run, quiet, matrix;
    const char *capture_path;
    struct capture_file capture;
    char refused[PATH_MAX + SCENARIO_REASON_MAX];
};

enum {
    PROGRESS_ID_MAX = 60, /* the line must not wrap */
    LADDER_ROWS = 1000    /* of the beginning, and of the end */
};

static const struct report *const reports[] = {&report_console, &report_tap, &report_junit,
                                               &report_json, &report_matrix};

static int choose_report(struct run *run)
{
    if (run->matrix)
        run->format = report_matrix.name;
    for (size_t i = 0; i < sizeof(reports) / sizeof(reports[0]); i++) {
        if (strcmp(run->format, reports[i]->name) == 0)
            run->report = reports[i];
    }
    if (run->report == NULL)
        return tool_error(
            "run: unknown format '%s'; there are console, tap, junit, json and matrix",
            run->format);
    return TOOL_OK;
}

/* A real Xen has one set of devices: one run at a time. */
static int choose_world(struct run *run)
{
    if (strcmp(run->world, "simulated") == 0)
        return TOOL_OK;
    if (strcmp(run->world, "live") != 0)
        return tool_error("run: --world is simulated or live, found '%s'", run->world);
    if (!live_disk_is_known(run->live_disk))
        return tool_error("run: --live-disk is ram, loop, null or qdisk, found '%s'",
                          run->live_disk);
    run->supervisor.live = run->live_disk;
    run->jobs = 1;
    return TOOL_OK;
}

static int read_options(struct run *run, int argc, char **argv, int *rest)
{
    const struct tool_option options[] = {
        TOOL_OPTION_FRONTEND(&run->supervisor.frontend),
        {"--id", TOOL_LIST, "ID", "only these: an id, the end of one, or a pattern with * and ?",
         &run->selection.ids, NULL},
        {"--tag", TOOL_LIST, "TAG", "only files with this tag", &run->selection.tags, NULL},
        {"--exclude", TOOL_LIST, "ID", "not these", &run->selection.exclude, NULL},
        {"--expected-failures", TOOL_TEXT, "FILE", "lines of: id, rule or part of the reason",
         &run->expected_path, NULL},
        {"--list", TOOL_FLAG, NULL, "print ids and titles, play nothing", &run->list, NULL},
        {"--dry-run", TOOL_FLAG, NULL, "read and check everything, play nothing", &run->dry_run,
         NULL},
        {"--jobs", TOOL_NUMBER, "N", "worker processes; default: one for each processor",
         &run->jobs, NULL},
        {"--seed", TOOL_NUMBER, "N", "instead of the scenarios' own", &run->supervisor.seed,
         &run->supervisor.set_seed},
        {"--strict", TOOL_FLAG, NULL, "judge what the rules say SHOULD be, too",
         &run->supervisor.strict, NULL},
        {"--repeat", TOOL_NUMBER, "N", "play each N times and compare the trace hashes",
         &run->repeat, NULL},
        {"--disk", TOOL_TEXT, "FILE", "disk image for the first device; then --jobs is 1",
         &run->supervisor.disk, NULL},
        {"--world", TOOL_TEXT, "simulated|live", "live: on a real Xen, in dom0; default simulated",
         &run->world, NULL},
        {"--live-disk", TOOL_TEXT, "ram|loop|null|qdisk",
         "below the real backend, xen-blkback or, for qdisk, QEMU; default loop", &run->live_disk,
         NULL},
        {"--dialects", TOOL_TEXT, "FILE", "dialects that backends may be of (simblk dialects)",
         &run->dialects_path, NULL},
        {"--trace", TOOL_FLAG, NULL, "print every event", &run->supervisor.trace, NULL},
        {"--trace-pcapng", TOOL_TEXT, "FILE", "every event as a packet for Wireshark, to a file",
         &run->capture_path, NULL},
        {"--at", TOOL_NUMBER, "N",
         "of what a file repeats by itself (each nth, at every step) only this one",
         &run->supervisor.only, NULL},
        {"--break", TOOL_NUMBER, "STEP", "raise SIGTRAP before that step, for a debugger",
         &run->break_step, NULL},
        TOOL_OPTION_STUCK(&run->supervisor.stuck_seconds),
        {"--format", TOOL_TEXT, "console|tap|junit|json|matrix", "of the report; default console",
         &run->format, NULL},
        {"--matrix", TOOL_FLAG, NULL, "as --format matrix: a table of features and dialects",
         &run->matrix, NULL},
        {"--output", TOOL_TEXT, "FILE", "report to a file", &run->output, NULL},
        {"--report", TOOL_TEXT, "FILE",
         "also a page (HTML) with every scenario, its verdicts and ladders", &run->page_path, NULL},
        {"--quiet", TOOL_FLAG, NULL, "no line for a scenario that passes", &run->quiet, NULL},
    };
    int rc = tool_options(tool_command_find("run"), options, sizeof(options) / sizeof(options[0]),
                          argc, argv, rest);

    if (rc != -1)
        return rc;
    if (*rest == 0)
        return tool_error("run: name a scenario or a folder of them, for example: simblk run "
                          "scenarios/");
    if (choose_world(run) != TOOL_OK)
        return TOOL_USAGE;
    if (run->jobs < 1 || run->jobs > 64)
        return tool_error("run: --jobs needs a number from 1 to 64");
    if (run->repeat < 1 || run->repeat > 1000000)
        return tool_error("run: --repeat needs a number from 1 to 1000000");
    if (!tool_stuck_fits("run", run->supervisor.stuck_seconds))
        return TOOL_USAGE;
    if (run->break_step > UINT32_MAX)
        return tool_error("run: --break needs the number of a step");
    if (choose_report(run) != TOOL_OK)
        return TOOL_USAGE;
    if (run->supervisor.disk != NULL && access(run->supervisor.disk, R_OK) != 0)
        return tool_error("%s: the disk image cannot be read: %s", run->supervisor.disk,
                          strerror(errno));
    if (run->expected_path != NULL && expected_load(&run->expected, run->expected_path) != TOOL_OK)
        return TOOL_USAGE;
    return -1;
}

/* ---- while it runs ---- */

static void count(struct run *run, const struct report_case *one)
{
    bool passed = one->result->verdict.outcome == SCENARIO_PASSED && !one->counts_as_failed;
    bool skipped = one->result->verdict.outcome == SCENARIO_UNSUPPORTED;

    run->sums.passed += passed;
    run->sums.skipped += skipped;
    run->sums.failed += one->counts_as_failed;
    run->sums.crashed += one->counts_as_failed && one->result->verdict.outcome == SCENARIO_CRASHED;
    run->sums.expected += one->expected == EXPECTED_FAILURE;
    for (unsigned rule = 1; rule <= REPORT_RULES; rule++) {
        bool about = (one->file->rules >> rule & 1) != 0;

        if (about && passed)
            run->sums.rule[rule].passed++;
        else if (about && skipped)
            run->sums.rule[rule].skipped++;
        if (one->counts_as_failed && (about || one->result->verdict.rule == rule))
            run->sums.rule[rule].failed++;
    }
}

static void on_done(void *context, size_t index, const struct tool_result *result)
{
    struct run *run = context;
    struct report_case one = {.index = index,
                              .file = &run->suite.files[run->suite.cases[index].file],
                              .id = run->suite.cases[index].id,
                              .result = result};
    int code = result->verdict.exit_code;

    one.expected = expected_judge(&run->expected, one.id, &result->verdict);
    one.counts_as_failed =
        one.expected == EXPECTED_PASSED || one.expected == EXPECTED_OTHER_REASON ||
        (one.expected == EXPECTED_NOTHING && result->verdict.outcome != SCENARIO_PASSED &&
         result->verdict.outcome != SCENARIO_UNSUPPORTED);
    if (one.expected == EXPECTED_FAILURE)
        code = 0;
    else if (one.expected == EXPECTED_PASSED)
        code = TOOL_FAILED;
    run->exit_code = scenario_exit_merge(run->exit_code, code, &run->any_code);
    count(run, &one);
    run->report->one(&run->context, &one);
    if (run->page.stream != NULL)
        report_page.one(&run->page, &one);
    ladder_fini(&run->results[index].ladder); /* there may be hundreds of them */
    capture_add(&run->capture, one.id, one.file->title, &run->results[index]);
}

static void on_refused(void *context, const char *why)
{
    struct run *run = context;

    snprintf(run->refused, sizeof(run->refused), "%s: %s", run->supervisor.frontend, why);
}

static void on_tick(void *context, size_t done, size_t running)
{
    struct run *run = context;

    if (run->context.progress && running < run->suite.case_count) {
        const char *id = run->suite.cases[running].id;

        fprintf(run->context.stream, "\r\033[K%zu of %zu  ", done, run->suite.case_count);
        report_visible(run->context.stream, id, strnlen(id, PROGRESS_ID_MAX));
        fflush(run->context.stream);
    }
}

/* ---- before and after ---- */

static void print_list(const struct run *run)
{
    for (size_t i = 0; i < run->suite.case_count; i++) {
        const struct tool_case *one = &run->suite.cases[i];

        if (run->list) {
            const char *title = run->suite.files[one->file].title;

            report_visible(stdout, one->id, strlen(one->id));
            fputs("  ", stdout);
            report_visible(stdout, title, strlen(title));
            putchar('\n');
        }
    }
    if (run->dry_run)
        printf("%zu scenarios, %zu runs: all can be read\n", tool_suite_scenarios(&run->suite),
               run->suite.case_count);
}

static double seconds_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Whether the report goes to a terminal that moves its cursor when told to. */
static bool on_terminal(const struct run *run)
{
    const char *terminal = getenv("TERM");

    return run->report == &report_console && run->output == NULL && isatty(STDOUT_FILENO) != 0 &&
           terminal != NULL && strcmp(terminal, "dumb") != 0;
}

/* See no-color.org. */
static bool may_colour(void)
{
    const char *no_colour = getenv("NO_COLOR");

    return no_colour == NULL || no_colour[0] == '\0';
}

static void prepare(struct run *run)
{
    run->supervisor.suite = &run->suite;
    run->supervisor.subject = tool_subject();
    /* One image, one writer. */
    run->supervisor.jobs = run->supervisor.disk != NULL ? 1 : (uint32_t)run->jobs;
    run->supervisor.repeat = (uint32_t)run->repeat;
    run->supervisor.break_step = (uint32_t)run->break_step;
    run->supervisor.ladder_rows = run->page_path != NULL ? LADDER_ROWS : 0;
    run->supervisor.capture = run->capture_path != NULL;
    run->supervisor.done = on_done;
    run->supervisor.tick = on_tick;
    run->supervisor.refused = on_refused;
    run->supervisor.context = run;
    run->context.suite = &run->suite;
    run->context.progress = on_terminal(run);
    run->context.colour = run->context.progress && may_colour();
    run->context.verbose = !run->quiet;
    run->context.strict = run->supervisor.strict;
    run->context.set_seed = run->supervisor.set_seed;
    run->context.seed = run->supervisor.seed;
    run->context.repeat = run->repeat;
    run->context.disk = run->supervisor.disk;
    run->context.dialects = run->dialects_path;
    run->context.frontend = run->supervisor.frontend;
    run->page = run->context;
    run->page.stream = NULL;
    run->sums.files = tool_suite_scenarios(&run->suite);
    run->sums.cases = run->suite.case_count;
}

/* The run's exit code: what the verdicts say, unless the run itself went wrong. */
static int merge(struct run *run, int supervised)
{
    /* A worker that dies behind its last case has crashed all the same. */
    if (supervised == TOOL_FAILED)
        return scenario_exit_merge(run->exit_code, scenario_exit_code(SCENARIO_CRASHED),
                                   &run->any_code);
    return supervised != TOOL_OK ? supervised : run->exit_code;
}

/* How far it came. */
static void sum_up(struct run *run, int rc)
{
    struct report_sums *sums = &run->sums;
    size_t done = sums->passed + sums->failed + sums->skipped + sums->expected;

    if (rc == TOOL_USAGE && done == 0)
        sums->refused = run->refused[0] != '\0' ? run->refused
                                                : "no scenario could be played: there is no room "
                                                  "for a worker's process, memory or files";
    sums->interrupted = done < sums->cases && sums->refused == NULL;
}

/* TOOL_OK, or a message. */
static int open_report(FILE **stream, const char *path)
{
    *stream = path != NULL ? fopen(path, "wb") : stdout;
    return *stream != NULL ? TOOL_OK
                           : tool_error("%s: cannot be written: %s", path, strerror(errno));
}

static int end_report(const struct report *report, struct report_context *context,
                      const struct report_sums *sums, const char *path)
{
    int rc = TOOL_OK;

    report->end(context, sums);
    if (context->broken)
        rc = tool_error("the report cannot be made: no memory");
    if (fflush(context->stream) != 0 || ferror(context->stream))
        rc = tool_error("%s%sthe report cannot be written: %s", path != NULL ? path : "",
                        path != NULL ? ": " : "", strerror(errno));
    if (path != NULL)
        fclose(context->stream);
    return rc;
}

static int play(struct run *run)
{
    struct report_sums *sums = &run->sums;
    double began = seconds_now();
    int rc;

    run->results = calloc(run->suite.case_count, sizeof(*run->results));
    if (run->results == NULL)
        return tool_error("no memory");
    if (open_report(&run->context.stream, run->output) != TOOL_OK)
        return TOOL_USAGE;
    prepare(run);
    if (run->page_path != NULL && open_report(&run->page.stream, run->page_path) != TOOL_OK)
        return TOOL_USAGE;
    if (!capture_open(&run->capture, run->capture_path))
        return TOOL_USAGE;
    run->report->begin(&run->context);
    if (run->page_path != NULL)
        report_page.begin(&run->page);
    rc = merge(run, supervise(&run->supervisor, run->results));
    sum_up(run, rc);
    sums->seconds = seconds_now() - began;
    if (end_report(run->report, &run->context, sums, run->output) != TOOL_OK)
        rc = TOOL_USAGE;
    if (run->page_path != NULL &&
        end_report(&report_page, &run->page, sums, run->page_path) != TOOL_OK)
        rc = TOOL_USAGE;
    return capture_close(&run->capture, rc);
}

int cmd_run(int argc, char **argv)
{
    struct run *run = calloc(1, sizeof(*run));
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    int rest = 0;
    int rc;

    if (run == NULL)
        return tool_error("no memory");
    run->jobs = processors < 1 ? 1 : processors > 64 ? 64 : (uint64_t)processors;
    run->repeat = 1;
    run->format = "console";
    run->world = "simulated";
    run->live_disk = "loop";
    run->supervisor.stuck_seconds = TOOL_STUCK_SECONDS;
    scenario_program_init(&run->dialects);
    rc = read_options(run, argc, argv, &rest);
    if (rc != -1)
        goto out;
    rc = tool_load_dialects(run->dialects_path, &run->dialects, &run->supervisor.dialects);
    if (rc == TOOL_OK)
        rc =
            tool_suite_load(&run->suite, argv + 1, rest, &run->selection, run->supervisor.dialects);
    if (rc == TOOL_OK && (run->list || run->dry_run))
        print_list(run);
    else if (rc == TOOL_OK)
        rc = play(run);
out:
    for (size_t i = 0; run->results != NULL && i < run->suite.case_count; i++)
        tool_result_fini(&run->results[i]);
    free(run->results);
    expected_fini(&run->expected);
    scenario_program_fini(&run->dialects);
    tool_suite_fini(&run->suite);
    free(run);
    return rc;
}
