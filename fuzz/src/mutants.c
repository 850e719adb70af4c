/* SPDX-License-Identifier: ISC */
/*
 * Measures the harness: builds the frontend with one mistake after the other in it and plays
 * scenarios and swarm until something notices. What is finished is kept in a file and not done
 * again while neither the mutant nor the tree has changed; a generic one that has died, while its
 * line has not.
 *
 *     mutant check ROOT                                 are all mutants what they should be?
 *     mutant run BUILD RESULTS [JOBS [NAME...]]         the seeded ones
 *     mutant draw BUILD RESULTS JOBS SEED COUNT [LCOV [LIVING]]
 *                                                       generic ones, drawn by the seed
 *     mutant table RESULTS [SANITIZED]                  the figures, as Markdown
 *     mutant judge RESULTS                              do the seeded ones' figures suffice?
 *
 * BUILD is the file mutants.build of the build folder. LIVING are results of another build: only
 * those that live there are played, and with less. SANITIZED is what came of that in a build with
 * sanitizers.
 */
#define _POSIX_C_SOURCE 200809L

#include "mutant.h"

#include "fuzz.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { JOBS_MAX = 16, SEEDED_MAX = 512, USAGE = 2 };

struct campaign {
    struct mutant_build build;
    struct mutant_ignore ignore;
    struct mutant_results results;
    const char *path; /* of the results */
    uint64_t tree;
    enum mutant_pace pace;
    unsigned jobs;
    pid_t pids[JOBS_MAX];
    unsigned failed;
};

/* ---- one mutant, in a process of its own ---- */

static bool play_mutant(const struct campaign *campaign, unsigned job, struct mutant_result *result)
{
    char tool[600];
    bool ok;

    mutant_build_tool(&campaign->build, job, tool, sizeof(tool));
    ok = mutant_play(&campaign->build, tool, campaign->pace, &campaign->ignore, result->kills);
    if (!ok) {
        fprintf(stderr, "%s: %s cannot be run\n", result->name, tool);
    }
    return ok;
}

static bool finish(const struct campaign *campaign, const struct mutant *mutant, unsigned job)
{
    struct mutant_result result = {
        .rules = mutant->rules, .tree = campaign->tree, .hash = mutant->hash};

    snprintf(result.name, sizeof(result.name), "%s", mutant->name);
    snprintf(result.rows, sizeof(result.rows), "%s", mutant->rows);
    snprintf(result.file, sizeof(result.file), "%s", mutant->edits[0].file);
    snprintf(result.about, sizeof(result.about), "%.127s", mutant->about);
    result.built = mutant_build_make(&campaign->build, mutant, job);
    if (result.built == MUTANT_BUILT && !play_mutant(campaign, job, &result)) {
        return false;
    }
    mutant_result_tell(&result);
    /* A seeded mutant that cannot be built is of no use, a generic one that is refused is. */
    if (result.built == MUTANT_ERROR || (mutant->rules != 0 && result.built != MUTANT_BUILT)) {
        return false;
    }
    return mutant_result_append(&result, campaign->path);
}

/* ---- all of them ---- */

static void take_one_back(struct campaign *campaign)
{
    int status = 0;
    pid_t pid = wait(&status);

    for (unsigned i = 0; i < campaign->jobs; i++) {
        if (pid > 0 && campaign->pids[i] == pid) {
            campaign->pids[i] = 0;
            campaign->failed += !WIFEXITED(status) || WEXITSTATUS(status) != 0;
        }
    }
}

static unsigned free_job(struct campaign *campaign)
{
    for (;;) {
        for (unsigned i = 0; i < campaign->jobs; i++) {
            if (campaign->pids[i] == 0) {
                return i;
            }
        }
        take_one_back(campaign);
    }
}

static void finish_all(struct campaign *campaign)
{
    for (unsigned i = 0; i < campaign->jobs; i++) {
        while (campaign->pids[i] != 0) {
            take_one_back(campaign);
        }
    }
}

/* A generic one that has died stays dead while its line is as it was: the tree grows from day to
 * day, and who lives is asked again each time. */
static bool is_finished(const struct campaign *campaign, const struct mutant *mutant)
{
    const struct mutant_result *result = mutant_results_find(&campaign->results, mutant);

    return result != NULL && result->hash == mutant->hash &&
           (result->tree == campaign->tree ||
            (mutant->rules == 0 && !mutant_result_survives(result)));
}

static bool begin(struct campaign *campaign, const struct mutant *mutant)
{
    unsigned job;

    if (is_finished(campaign, mutant)) {
        return true;
    }
    job = free_job(campaign);
    fflush(NULL);
    campaign->pids[job] = fork();
    if (campaign->pids[job] == 0) {
        prctl(PR_SET_PDEATHSIG, SIGTERM); /* the next campaign uses the same folder */
        _exit(finish(campaign, mutant, job) ? 0 : 1);
    }
    return campaign->pids[job] > 0;
}

/* The tree is what is played and what plays: the tool as it is, and all scenarios. */
static int hash_one(void *context, const char *file)
{
    return mutant_hash_file(context, file) ? 0 : -1;
}

static bool hash_tree(struct campaign *campaign)
{
    char folder[600];

    campaign->tree = MUTANT_HASH;
    snprintf(folder, sizeof(folder), "%s/scenarios/conformance", campaign->build.root);
    if (hash_one(&campaign->tree, campaign->build.tool) != 0 ||
        fuzz_walk(folder, hash_one, &campaign->tree) != 0) {
        return false;
    }
    snprintf(folder, sizeof(folder), "%s/scenarios/regression", campaign->build.root);
    return fuzz_walk(folder, hash_one, &campaign->tree) == 0;
}

static bool open_campaign(struct campaign *campaign, const char *build, const char *results,
                          const char *jobs, enum mutant_pace pace)
{
    unsigned long count = jobs != NULL ? strtoul(jobs, NULL, 10) : 2;

    memset(campaign, 0, sizeof(*campaign));
    scenario_buffer_init(&campaign->ignore.names);
    campaign->path = results;
    campaign->pace = pace;
    if (count < 1 || count > JOBS_MAX) {
        fprintf(stderr, "mutants: jobs are 1 to %d\n", (int)JOBS_MAX);
        return false;
    }
    campaign->jobs = (unsigned)count;
    if (!mutant_build_read(&campaign->build, build) || !hash_tree(campaign) ||
        !mutant_results_read(&campaign->results, results)) {
        return false;
    }
    if (!mutant_play_original(&campaign->build, pace, &campaign->ignore)) {
        fprintf(stderr, "mutants: %s cannot be run\n", campaign->build.tool);
        return false;
    }
    printf("%u runs fail without a mutant; they do not count\n", campaign->ignore.count);
    return true;
}

static int close_campaign(struct campaign *campaign, bool ok)
{
    finish_all(campaign);
    mutant_build_fini(&campaign->build);
    mutant_results_fini(&campaign->results);
    scenario_buffer_fini(&campaign->ignore.names);
    return ok && campaign->failed == 0 ? 0 : 1;
}

/* ---- commands ---- */

struct seeded {
    const char *root;
    struct campaign *campaign; /* NULL: check only */
    char **names;              /* NULL: all */
    int name_count;
    unsigned count, bad;
};

static bool is_chosen(const struct seeded *seeded, const char *name)
{
    for (int i = 0; i < seeded->name_count; i++) {
        if (strstr(name, seeded->names[i]) != NULL) {
            return true;
        }
    }
    return seeded->name_count == 0;
}

static int each_seeded(void *context, const char *path)
{
    struct seeded *seeded = context;
    struct mutant mutant;
    bool ok;

    mutant_init(&mutant);
    ok = mutant_read(&mutant, path);
    if (ok && seeded->campaign == NULL) {
        ok = mutant_check(&mutant, seeded->root);
    } else if (ok && is_chosen(seeded, mutant.name)) {
        ok = begin(seeded->campaign, &mutant);
    }
    seeded->count++;
    seeded->bad += !ok;
    mutant_fini(&mutant);
    return 0;
}

static bool walk_seeded(struct seeded *seeded)
{
    char folder[600];

    snprintf(folder, sizeof(folder), "%s/fuzz/mutants", seeded->root);
    return fuzz_walk(folder, each_seeded, seeded) == 0 && seeded->bad == 0 && seeded->count != 0;
}

static int command_check(const char *root)
{
    struct seeded seeded = {.root = root};
    bool ok = walk_seeded(&seeded);

    printf("%u mutants, %u not as they should be\n", seeded.count, seeded.bad);
    return ok ? 0 : 1;
}

static int command_run(int argc, char **argv)
{
    struct campaign campaign;
    struct seeded seeded = {.campaign = &campaign};
    bool ok = open_campaign(&campaign, argv[0], argv[1], argc > 2 ? argv[2] : NULL, MUTANT_ALL);

    if (argc > 3) {
        seeded.names = argv + 3;
        seeded.name_count = argc - 3;
    }
    seeded.root = campaign.build.root;
    return close_campaign(&campaign, ok && walk_seeded(&seeded));
}

/* Keeps of the results those of the sample, each with the place where its line stands by now. */
static bool keep_sample(struct campaign *campaign, const struct mutant_draw *draw, uint64_t seed,
                        size_t count)
{
    struct mutant_results kept = {.count = 0};
    size_t all = mutant_draw_count(draw);
    bool ok = true;

    snprintf(kept.sample, sizeof(kept.sample),
             "Seed %" PRIu64 " draws %zu of %zu changes; %zu more are on lines that never run.",
             seed, count, all, mutant_draw_left_out(draw));
    for (size_t i = 0; ok && i < count; i++) {
        const struct mutant_result *found;
        struct mutant mutant;

        mutant_init(&mutant);
        ok = mutant_draw_take(draw, i, &mutant);
        found = mutant_results_find(&campaign->results, &mutant);
        if (ok && found != NULL) {
            struct mutant_result result = *found;

            snprintf(result.name, sizeof(result.name), "%s", mutant.name);
            ok = mutant_results_add(&kept, &result);
        }
        mutant_fini(&mutant);
    }
    mutant_results_fini(&campaign->results);
    campaign->results = kept;
    printf("%s\n%zu of these have been played before\n", kept.sample, kept.count);
    return ok && mutant_results_write(&kept, campaign->path);
}

/* Whether it is one of those to be played. */
static bool is_wanted(const struct mutant_results *living, const struct mutant *mutant)
{
    const struct mutant_result *result = mutant_results_find(living, mutant);

    return result != NULL && mutant_result_survives(result);
}

static int command_draw(int argc, char **argv)
{
    struct mutant_results living = {.count = 0};
    const bool all = argc <= 6;
    struct campaign campaign;
    uint64_t seed = strtoull(argv[3], NULL, 10), count = strtoull(argv[4], NULL, 10);
    bool ok =
        open_campaign(&campaign, argv[0], argv[1], argv[2], all ? MUTANT_HURRY : MUTANT_BRIEF);
    struct mutant_draw *draw = NULL;

    ok = ok && (all || mutant_results_read(&living, argv[6]));
    if (ok) {
        draw = mutant_draw_create(campaign.build.root, argc > 5 ? argv[5] : NULL, seed);
        ok = draw != NULL;
    }
    if (ok && count > mutant_draw_count(draw)) {
        count = mutant_draw_count(draw);
    }
    ok = ok && keep_sample(&campaign, draw, seed, (size_t)count);
    for (uint64_t i = 0; ok && i < count; i++) {
        struct mutant mutant;

        mutant_init(&mutant);
        ok = mutant_draw_take(draw, (size_t)i, &mutant) &&
             ((!all && !is_wanted(&living, &mutant)) || begin(&campaign, &mutant));
        mutant_fini(&mutant);
    }
    mutant_draw_destroy(draw);
    mutant_results_fini(&living);
    return close_campaign(&campaign, ok);
}

static int command_table(const char *path, const char *sanitized)
{
    struct mutant_results results = {.count = 0}, other = {.count = 0};
    bool ok = mutant_results_read(&results, path), generic;

    if (ok && sanitized != NULL) {
        ok = mutant_results_read(&other, sanitized);
        mutant_results_sanitize(&results, &other);
        mutant_results_fini(&other);
    }
    generic = results.count != 0 && results.all[0].rules == 0;
    if (ok) {
        mutant_results_table(&results, generic);
    }
    mutant_results_fini(&results);
    return ok ? 0 : 1;
}

static int command_judge(const char *path)
{
    struct mutant_results results = {.count = 0};
    bool ok = mutant_results_read(&results, path) && mutant_results_suffice(&results);

    mutant_results_fini(&results);
    return ok ? 0 : 1;
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "check") == 0) {
        return command_check(argv[2]);
    }
    if (argc >= 4 && strcmp(argv[1], "run") == 0) {
        return command_run(argc - 2, argv + 2);
    }
    if (argc >= 7 && strcmp(argv[1], "draw") == 0) {
        return command_draw(argc - 2, argv + 2);
    }
    if ((argc == 3 || argc == 4) && strcmp(argv[1], "table") == 0) {
        return command_table(argv[2], argc == 4 ? argv[3] : NULL);
    }
    if (argc == 3 && strcmp(argv[1], "judge") == 0) {
        return command_judge(argv[2]);
    }
    fprintf(stderr, "usage: mutant check ROOT\n"
                    "       mutant run BUILD RESULTS [JOBS [NAME...]]\n"
                    "       mutant draw BUILD RESULTS JOBS SEED COUNT [LCOV [LIVING]]\n"
                    "       mutant table RESULTS [SANITIZED]\n"
                    "       mutant judge RESULTS\n");
    return USAGE;
}
