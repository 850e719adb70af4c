/* SPDX-License-Identifier: ISC */
/*
 * simblk diff: the same scenario in the simulated and in the live world, or against what was
 * recorded there before, compared by class of event (fidelity.h).
 */
#include "fidelity.h"
#include "live.h"
#include "tool.h"

#include "scenario/plan.h"
#include "scenario/run.h"
#include "scenario/variants.h"

#include <errno.h>
#include <string.h>
#include <sys/utsname.h>

struct diff {
    const char *live_disk, *record, *recorded;
    uint64_t only; /* this variant, from 1; 0: all */
    const char *path;
    struct scenario_program program, variant;
    struct scenario_buffer id; /* "one.scn[persistent=yes]" */
    struct fidelity simulated, real;
    size_t compared;
};

/* Plays it and keeps its trace; else it was said what came of it. */
static enum scenario_outcome play(const struct diff *diff, const struct scenario_live *live,
                                  struct fidelity *fidelity)
{
    struct scenario_runner *runner = scenario_runner_create();
    struct scenario_run_options options;
    struct scenario_verdict verdict;

    if (runner == NULL) {
        tool_error("no memory for a world");
        return SCENARIO_BAD;
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
        printf("%s: %s: %s: %s\n", diff->id.data, live == NULL ? "simulated" : "live",
               scenario_outcome_name(verdict.outcome), verdict.reason);
    return fidelity->failed ? SCENARIO_BAD : verdict.outcome;
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
static int write_record(const struct diff *diff)
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
    fprintf(file, "# %s\n# Xen %s.%s%s, Linux %s, --live-disk %s\n", diff->id.data, major, minor,
            extra, kernel.version, diff->live_disk);
    fidelity_write(&diff->real, file);
    if (file != stdout && fclose(file) != 0)
        return tool_error("%s: %s", diff->record, strerror(errno));
    return TOOL_OK;
}

static int open_live(const struct diff *diff, const struct scenario_live **live)
{
    char text[SCENARIO_LIVE_TEXT];

    if (!live_disk_is_known(diff->live_disk))
        return tool_error("diff: --live-disk is ram, loop, null or qdisk");
    *live = live_table(diff->live_disk, text);
    return *live == NULL ? tool_error("%s", text) : TOOL_OK;
}

static int compare(struct diff *diff)
{
    size_t differences;

    if (play(diff, NULL, &diff->simulated) != SCENARIO_PASSED)
        return TOOL_FAILED;
    differences = fidelity_compare(&diff->simulated, &diff->real, stdout);
    diff->compared++;
    printf("%s: %zu differences between simulated (-) and real (+)\n", diff->id.data, differences);
    return differences == 0 ? TOOL_OK : TOOL_FAILED;
}

/* One variant, against a record or the real one. What cannot be played there is left out. */
static int run_variant(struct diff *diff, const struct scenario_live *live)
{
    enum scenario_outcome outcome = SCENARIO_PASSED;

    if (diff->recorded != NULL && !read_record(diff))
        return TOOL_USAGE;
    if (live != NULL)
        outcome = play(diff, live, &diff->real);
    if (outcome == SCENARIO_UNSUPPORTED)
        return TOOL_OK;
    if (outcome != SCENARIO_PASSED)
        return TOOL_FAILED;
    if (diff->record == NULL)
        return compare(diff);
    diff->compared++;
    return write_record(diff);
}

static int run_variants(struct diff *diff, const struct scenario_live *live)
{
    const size_t count = scenario_variant_count(&diff->program);
    const size_t first = diff->only == 0 ? 0 : (size_t)diff->only - 1;
    const size_t end = diff->only == 0 ? count : first + 1;
    int rc = TOOL_OK;

    for (size_t i = first; i < end; i++) {
        int one = TOOL_USAGE;

        fidelity_init(&diff->simulated);
        fidelity_init(&diff->real);
        scenario_buffer_init(&diff->id);
        scenario_program_init(&diff->variant);
        if (scenario_plan_run(&diff->variant, &diff->program, diff->path, i, &diff->id) ==
            SCENARIO_OK)
            one = run_variant(diff, live);
        else
            tool_error("no memory");
        scenario_program_fini(&diff->variant);
        scenario_buffer_fini(&diff->id);
        fidelity_fini(&diff->simulated);
        fidelity_fini(&diff->real);
        if (one > rc)
            rc = one;
    }
    return rc == TOOL_OK && diff->compared == 0 ? TOOL_FAILED : rc;
}

static int run(struct diff *diff)
{
    const struct scenario_live *live = NULL;
    int rc = tool_load(diff->path, &diff->program, TOOL_SCENARIO, NULL);
    const size_t count = rc == TOOL_OK ? scenario_variant_count(&diff->program) : 0;

    if (rc != TOOL_OK)
        return rc;
    if (diff->only > count)
        return tool_error("diff: %s has %zu variants", diff->path, count);
    if (diff->only == 0 && count > 1 && (diff->record != NULL || diff->recorded != NULL))
        return tool_error("diff: %s has %zu variants, and a record is of one: --variant N",
                          diff->path, count);
    if (diff->recorded == NULL)
        rc = open_live(diff, &live);
    return rc == TOOL_OK ? run_variants(diff, live) : rc;
}

int cmd_diff(int argc, char **argv)
{
    struct diff diff = {.live_disk = "loop"};
    const struct tool_option options[] = {
        {"--live-disk", TOOL_TEXT, "ram|loop|null|qdisk",
         "below the real backend, xen-blkback or, for qdisk, QEMU; default loop", &diff.live_disk,
         NULL},
        {"--variant", TOOL_NUMBER, "N", "this variant alone, from 1; default: all", &diff.only,
         NULL},
        {"--record", TOOL_TEXT, "FILE", "write what the real backend did, and compare nothing",
         &diff.record, NULL},
        {"--recorded", TOOL_TEXT, "FILE", "compare with what was recorded: needs no Xen",
         &diff.recorded, NULL},
    };
    int rest = 0;
    int rc = tool_options(tool_command_find("diff"), options, 4, argc, argv, &rest);

    if (rc != -1)
        return rc;
    if (rest != 1)
        return tool_error("diff: needs one scenario");
    diff.path = argv[1];
    scenario_program_init(&diff.program);
    rc = run(&diff);
    scenario_program_fini(&diff.program);
    return rc;
}
