/* SPDX-License-Identifier: ISC */
/*
 * Measures the fuzz targets: how soon they find the seeded mutants, each with the target that its
 * file names. What is finished is kept in a file, which a run that is stopped goes on from.
 *
 *     mutant_times run FOLDER RESULTS [SEEDS [SECONDS [NAME...]]]
 *     mutant_times write ROOT               the table into docs/fuzzing.md
 *     mutant_times check ROOT               is it there as the file says?
 *
 * FOLDER is fuzz/ of a fuzz build: times-TARGET.build and seeds/TARGET lie there. Each mutant is
 * run with the seeds 1 to SEEDS, 3 if nothing is said, of the fuzzer, for at most 120 seconds of
 * the processor's time. With fewer SECONDS a run that finds nothing is left for another time.
 */
#define _POSIX_C_SOURCE 200809L

#include "times.h"

#include "fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { USAGE = 2 };

static const char results_file[] = "fuzz/times.results", page_file[] = "docs/fuzzing.md",
                  mutants_file[] = "docs/mutants.md";

/* ---- running ---- */

struct campaign {
    const char *folder, *path;
    struct times_results results;
    unsigned seeds, seconds;
    char **names; /* parts of them; none: all */
    int name_count;
    unsigned failed;
};

static bool is_wanted(const struct campaign *campaign, const struct mutant *mutant)
{
    bool chosen = campaign->name_count == 0, missing = false;

    for (int i = 0; i < campaign->name_count; i++) {
        chosen = chosen || strstr(mutant->name, campaign->names[i]) != NULL;
    }
    for (unsigned seed = 1; seed <= campaign->seeds; seed++) {
        missing = missing || times_find(&campaign->results, mutant, seed) == NULL;
    }
    return chosen && missing;
}

static void tell_run(const struct times_run *run)
{
    static const char *const events[] = {"reached", "triggered", "found"};

    printf("%s, %s, seed %u:", run->mutant, run->target, run->seed);
    for (unsigned i = 0; i < TIMES_EVENTS; i++) {
        if (run->ms[i] == TIMES_NEVER) {
            printf(" not %s;", events[i]);
        } else {
            printf(" %s %.1f s;", events[i], (double)run->ms[i] / 1000);
        }
    }
    printf(" %s; from %u of %u seeds\n", run->by, run->kept, run->inputs);
    fflush(stdout);
}

static bool run_seeds(struct campaign *campaign, const struct mutant *mutant,
                      const struct times_program *program)
{
    struct times_run run = {.hash = mutant->hash};
    char seeds[600];
    bool ok;

    snprintf(run.mutant, sizeof(run.mutant), "%s", mutant->name);
    snprintf(run.target, sizeof(run.target), "%s", mutant->target);
    snprintf(seeds, sizeof(seeds), "%s/seeds/%s", campaign->folder, mutant->target);
    ok = times_survey(program, seeds, &run);
    for (run.seed = 1; ok && run.seed <= campaign->seeds; run.seed++) {
        if (times_find(&campaign->results, mutant, run.seed) == NULL) {
            ok = times_fuzz(program, campaign->seconds, &run);
            if (ok) {
                tell_run(&run);
            }
            if (run.ms[TIMES_FOUND] != TIMES_NEVER || campaign->seconds == TIMES_LIMIT_S) {
                ok = ok && times_append(&run, campaign->path);
            }
        }
    }
    return ok;
}

static bool run_mutant(struct campaign *campaign, struct mutant *mutant)
{
    struct times_program program;
    struct mutant_build build;
    char path[600];
    bool ok;

    snprintf(path, sizeof(path), "%s/times-%s.build", campaign->folder, mutant->target);
    if (!mutant_build_read(&build, path)) {
        return false;
    }
    mutant->marks = true;
    program.original = build.tool;
    mutant_build_tool(&build, 0, program.path, sizeof(program.path));
    snprintf(program.work, sizeof(program.work), "%.590s", build.work);
    ok = mutant_build_make(&build, mutant, 0) == MUTANT_BUILT;
    if (!ok) {
        fprintf(stderr, "%s: it cannot be built\n", mutant->name);
    }
    ok = ok && run_seeds(campaign, mutant, &program);
    mutant_build_fini(&build);
    return ok;
}

static int each_mutant(void *context, const char *path)
{
    struct campaign *campaign = context;
    struct mutant mutant;
    bool ok;

    mutant_init(&mutant);
    ok = mutant_read(&mutant, path) &&
         (!is_wanted(campaign, &mutant) || run_mutant(campaign, &mutant));
    campaign->failed += !ok;
    mutant_fini(&mutant);
    return 0;
}

static int command_run(int argc, char **argv)
{
    struct campaign campaign = {
        .folder = argv[0], .path = argv[1], .seeds = TIMES_SEEDS, .seconds = TIMES_LIMIT_S};
    struct mutant_build build;
    char path[600];
    bool ok;

    if (argc > 2) {
        campaign.seeds = (unsigned)strtoul(argv[2], NULL, 10);
    }
    if (argc > 3) {
        campaign.seconds = (unsigned)strtoul(argv[3], NULL, 10);
        campaign.names = argv + 4;
        campaign.name_count = argc - 4;
    }
    if (campaign.seeds < 1 || campaign.seeds > TIMES_SEEDS || campaign.seconds < 1 ||
        campaign.seconds > TIMES_LIMIT_S) {
        fprintf(stderr, "mutant_times: seeds are 1 to %d, seconds 1 to %d\n", (int)TIMES_SEEDS,
                (int)TIMES_LIMIT_S);
        return USAGE;
    }
    snprintf(path, sizeof(path), "%s/times-ring.build", campaign.folder);
    ok = mutant_build_read(&build, path);
    if (ok) {
        snprintf(path, sizeof(path), "%.512s/fuzz/mutants", build.root);
        ok = times_read(&campaign.results, campaign.path) &&
             fuzz_walk(path, each_mutant, &campaign) == 0;
        mutant_build_fini(&build);
    }
    times_fini(&campaign.results);
    return ok && campaign.failed == 0 ? 0 : 1;
}

/* ---- the page ---- */

/* The page as it is and as it should be. */
static bool make_page(const char *root, struct scenario_buffer *page, struct scenario_buffer *made)
{
    struct times_results results = {.count = 0};
    struct scenario_buffer mutants, table;
    char path[600];
    bool ok;

    scenario_buffer_init(&mutants);
    scenario_buffer_init(&table);
    snprintf(path, sizeof(path), "%.500s/%s", root, results_file);
    ok = times_read(&results, path) && mutant_source(root, mutants_file, &mutants) &&
         mutant_source(root, page_file, page);
    if (ok) {
        times_table(&results, mutants.data, &table);
        ok = times_page(page->data, table.data, made);
        if (!ok) {
            fprintf(stderr, "%s: there is no place for the times\n", page_file);
        }
    }
    times_fini(&results);
    scenario_buffer_fini(&mutants);
    scenario_buffer_fini(&table);
    return ok;
}

static bool write_page(const char *root, const struct scenario_buffer *made)
{
    char path[600];
    FILE *file;
    bool ok;

    snprintf(path, sizeof(path), "%.500s/%s", root, page_file);
    file = fopen(path, "wb");
    ok = file != NULL && fwrite(made->data, 1, made->length, file) == made->length;
    ok = file != NULL && fclose(file) == 0 && ok;
    if (!ok) {
        perror(path);
    }
    return ok;
}

static int command_page(const char *root, bool check)
{
    struct scenario_buffer page, made;
    bool ok;

    scenario_buffer_init(&page);
    scenario_buffer_init(&made);
    ok = make_page(root, &page, &made);
    if (ok && !check) {
        ok = write_page(root, &made);
    } else if (ok && strcmp(page.data, made.data) != 0) {
        fprintf(stderr,
                "%s does not say what %s and %s do; it is written by\n"
                "  mutant_times write .\n",
                page_file, results_file, mutants_file);
        ok = false;
    }
    scenario_buffer_fini(&page);
    scenario_buffer_fini(&made);
    return ok ? 0 : 1;
}

int main(int argc, char **argv)
{
    if (argc >= 4 && strcmp(argv[1], "run") == 0) {
        return command_run(argc - 2, argv + 2);
    }
    if (argc == 3 && (strcmp(argv[1], "write") == 0 || strcmp(argv[1], "check") == 0)) {
        return command_page(argv[2], argv[1][0] == 'c');
    }
    fprintf(stderr, "usage: mutant_times run FOLDER RESULTS [SEEDS [SECONDS [NAME...]]]\n"
                    "       mutant_times write ROOT\n"
                    "       mutant_times check ROOT\n");
    return USAGE;
}
