/* SPDX-License-Identifier: ISC */
/*
 * simblk diff: the same scenario in the simulated and in the live world, or against what was
 * recorded there before, compared by class of event (fidelity.h).
 */
#include "fidelity.h"
#include "live.h"
#include "tool.h"

#include "scenario/run.h"
#include "scenario/variants.h"

#include <errno.h>
#include <string.h>
#include <sys/utsname.h>

struct diff {
    const char *live_disk, *record, *recorded;
    struct scenario_program program, variant;
    struct fidelity simulated, real;
};

/* Plays it and keeps its trace; false: it did not pass, and that was said. */
static bool play(const struct diff *diff, const struct scenario_live *live,
                 struct fidelity *fidelity)
{
    struct scenario_runner *runner = scenario_runner_create();
    struct scenario_run_options options;
    struct scenario_verdict verdict;

    if (runner == NULL) {
        tool_error("no memory for a world");
        return false;
    }
    scenario_run_options_init(&options);
    options.subject = tool_subject();
    options.trace = fidelity_trace;
    options.trace_context = fidelity;
    options.share_only = true; /* as on a real Xen, under Linux */
    options.live = live;
    scenario_runner_run(runner, &diff->variant, &options, &verdict);
    scenario_runner_destroy(runner);
    fidelity_end(fidelity);
    if (verdict.outcome != SCENARIO_PASSED)
        printf("%s: %s: %s\n", live == NULL ? "simulated" : "live",
               scenario_outcome_name(verdict.outcome), verdict.reason);
    return verdict.outcome == SCENARIO_PASSED && !fidelity->failed;
}

static bool read_record(struct diff *diff)
{
    FILE *file = fopen(diff->recorded, "re");
    bool good = file != NULL && fidelity_read(&diff->real, file);

    if (!good)
        tool_error("%s: %s", diff->recorded,
                   file == NULL ? strerror(errno) : "no recorded run can be read there");
    if (file != NULL)
        fclose(file);
    return good;
}

static void read_version(const char *path, char *text, size_t size)
{
    FILE *file = fopen(path, "re");

    text[0] = '\0';
    if (file == NULL)
        return;
    if (fgets(text, (int)size, file) == NULL)
        text[0] = '\0';
    fclose(file);
    text[strcspn(text, "\n")] = '\0';
}

/* Which versions a record comes from stands at its head. */
static int write_record(const struct diff *diff, const char *path)
{
    FILE *file = strcmp(diff->record, "-") == 0 ? stdout : fopen(diff->record, "we");
    char major[8], minor[8], extra[16];
    struct utsname kernel;

    if (file == NULL)
        return tool_error("%s: %s", diff->record, strerror(errno));
    read_version("/sys/hypervisor/version/major", major, sizeof(major));
    read_version("/sys/hypervisor/version/minor", minor, sizeof(minor));
    read_version("/sys/hypervisor/version/extra", extra, sizeof(extra));
    if (uname(&kernel) != 0)
        return tool_error("the kernel does not say its version");
    fprintf(file, "# %s\n# Xen %s.%s%s, Linux %s, --live-disk %s\n", path, major, minor, extra,
            kernel.version, diff->live_disk);
    fidelity_write(&diff->real, file);
    if (file != stdout && fclose(file) != 0)
        return tool_error("%s: %s", diff->record, strerror(errno));
    return TOOL_OK;
}

static int play_live(struct diff *diff)
{
    char text[SCENARIO_LIVE_TEXT];
    const struct scenario_live *live;

    if (!live_disk_is_known(diff->live_disk))
        return tool_error("diff: --live-disk is ram, loop, null or qdisk");
    live = live_table(diff->live_disk, text);
    if (live == NULL)
        return tool_error("%s", text);
    return play(diff, live, &diff->real) ? TOOL_OK : TOOL_FAILED;
}

static int compare(struct diff *diff, const char *path)
{
    size_t differences;

    if (!play(diff, NULL, &diff->simulated))
        return TOOL_FAILED;
    differences = fidelity_compare(&diff->simulated, &diff->real, stdout);
    printf("%s: %zu differences between simulated (-) and real (+)\n", path, differences);
    return differences == 0 ? TOOL_OK : TOOL_FAILED;
}

static int run(struct diff *diff, const char *path)
{
    struct scenario_buffer name;
    int rc = tool_load(path, &diff->program, TOOL_SCENARIO, NULL);

    if (rc != TOOL_OK)
        return rc;
    scenario_buffer_init(&name);
    if (scenario_variant(&diff->variant, &diff->program, 0, &name) != SCENARIO_OK)
        rc = tool_error("no memory");
    scenario_buffer_fini(&name);
    if (rc == TOOL_OK && diff->recorded != NULL)
        rc = read_record(diff) ? TOOL_OK : TOOL_USAGE;
    else if (rc == TOOL_OK)
        rc = play_live(diff);
    if (rc == TOOL_OK && diff->record != NULL)
        return write_record(diff, path);
    return rc == TOOL_OK ? compare(diff, path) : rc;
}

int cmd_diff(int argc, char **argv)
{
    struct diff diff = {.live_disk = "loop"};
    const struct tool_option options[] = {
        {"--live-disk", TOOL_TEXT, "KIND",
         "below the real backend: ram, loop, null (xen-blkback) or qdisk (QEMU); default loop",
         &diff.live_disk, NULL},
        {"--record", TOOL_TEXT, "FILE", "write what the real backend did, and compare nothing",
         &diff.record, NULL},
        {"--recorded", TOOL_TEXT, "FILE", "compare with what was recorded: needs no Xen",
         &diff.recorded, NULL},
    };
    int rest = 0;
    int rc = tool_options(tool_command_find("diff"), options, 3, argc, argv, &rest);

    if (rc != -1)
        return rc;
    if (rest != 1)
        return tool_error("diff: needs one scenario");
    scenario_program_init(&diff.program);
    scenario_program_init(&diff.variant);
    fidelity_init(&diff.simulated);
    fidelity_init(&diff.real);
    rc = run(&diff, argv[1]);
    fidelity_fini(&diff.simulated);
    fidelity_fini(&diff.real);
    scenario_program_fini(&diff.variant);
    scenario_program_fini(&diff.program);
    return rc;
}
