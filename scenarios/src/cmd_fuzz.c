/* SPDX-License-Identifier: ISC */
/*
 * simblk fuzz: runs a libFuzzer program that lies beside the tool, as many at once as asked for, on
 * one corpus, and tells how far they are. It builds nothing. What is found becomes a scenario
 * (fuzz_find.c); the input itself is on the disk before anything is said of it.
 */
#include "fuzz_find.h"
#include "fuzz_jobs.h"
#include "tool.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATH_ROOM = 1024, ATTEMPTS = 600, STUCK_SECONDS = 30 };

struct fuzz_command {
    const char *target, *programs, *corpus, *finds, *junit;
    uint64_t seconds, jobs, seed;
    bool keep;
    char program[PATH_ROOM], replay[PATH_ROOM], seeds[PATH_ROOM], dictionary[PATH_ROOM];
    char own_programs[PATH_ROOM], own_corpus[PATH_ROOM], own_finds[PATH_ROOM];
};

/* ---- what is there ---- */

static bool join(char to[PATH_ROOM], const char *folder, const char *prefix, const char *name,
                 const char *suffix)
{
    int length = snprintf(to, PATH_ROOM, "%s/%s%s%s", folder, prefix, name, suffix);

    return length > 0 && length < PATH_ROOM;
}

static bool is_folder(const char *path)
{
    struct stat status;

    return stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

/* Where the build that this tool is of has them, or else where the preset puts them. */
static const char *find_programs(struct fuzz_command *command)
{
    char *at;
    ssize_t length = readlink("/proc/self/exe", command->own_programs, PATH_ROOM - 16);

    if (length > 0) {
        command->own_programs[length] = '\0';
        for (unsigned i = 0; i < 2; i++) {
            at = strrchr(command->own_programs, '/');
            if (at != NULL)
                *at = '\0';
        }
        at = command->own_programs + strlen(command->own_programs);
        memcpy(at, "/fuzz", sizeof("/fuzz"));
        if (join(command->program, command->own_programs, "fuzz_", command->target, "") &&
            access(command->program, X_OK) == 0)
            return command->own_programs;
    }
    return "build/fuzz/fuzz";
}

static void list_targets(const char *programs)
{
    struct dirent **entries = NULL;
    const char *heading = "There are:\n";
    int count = scandir(programs, &entries, NULL, alphasort);

    for (int i = 0; i < count; i++) {
        char path[PATH_ROOM];
        const char *name = entries[i]->d_name;

        if (strncmp(name, "fuzz_", 5) == 0 && strchr(name, '.') == NULL &&
            strstr(name, "_replay") == NULL && join(path, programs, "", name, "_replay") &&
            access(path, X_OK) == 0) {
            fprintf(stderr, "%s  %s\n", heading, name + 5);
            heading = "";
        }
        free(entries[i]);
    }
    free(entries);
}

static int find_target(struct fuzz_command *command)
{
    const char *programs = command->programs;

    if (strchr(command->target, '/') != NULL)
        return tool_error("fuzz: %s is no name of a target", command->target);
    if (programs == NULL)
        programs = command->programs = find_programs(command);
    if (!join(command->program, programs, "fuzz_", command->target, "") ||
        !join(command->replay, programs, "fuzz_", command->target, "_replay") ||
        !join(command->seeds, programs, "seeds/", command->target, "") ||
        !join(command->dictionary, programs, "seeds/", command->target, ".dict") ||
        !join(command->own_corpus, programs, "corpus/", command->target, "") ||
        !join(command->own_finds, programs, "finds/", command->target, ""))
        return tool_error("fuzz: %s is too long a path", programs);
    if (access(command->program, X_OK) != 0 || access(command->replay, X_OK) != 0) {
        tool_error("fuzz: no program fuzz_%s in %s. Build it, with clang:\n"
                   "  cmake --preset fuzz && cmake --build build/fuzz",
                   command->target, programs);
        list_targets(programs);
        return TOOL_USAGE;
    }
    return TOOL_OK;
}

/* With all folders above it; false after a message. */
static bool make_folder(const char *path)
{
    char part[PATH_ROOM];

    for (size_t i = 1; i <= strlen(path) && i < PATH_ROOM; i++) {
        if (path[i] != '/' && path[i] != '\0')
            continue;
        memcpy(part, path, i);
        part[i] = '\0';
        if (mkdir(part, 0777) != 0 && errno != EEXIST)
            break;
    }
    if (is_folder(path) && access(path, R_OK | W_OK | X_OK) == 0)
        return true;
    tool_error("fuzz: %s is no folder that can be written: %s", path,
               strerror(is_folder(path) || errno != EEXIST ? errno : ENOTDIR));
    return false;
}

/* A find that cannot be kept is lost: so it is tried beforehand. */
static bool can_keep(const char *folder)
{
    char path[PATH_ROOM];
    bool ok;

    if (!join(path, folder, "", ".simblk-fuzz", ""))
        return false;
    ok = tool_write_file(path, "can be written\n", 15);
    unlink(path);
    return ok;
}

static int prepare(struct fuzz_command *command)
{
    char all_seeds[PATH_ROOM];
    int rc = find_target(command);

    if (rc != TOOL_OK)
        return rc;
    if (command->corpus == NULL)
        command->corpus = command->own_corpus;
    if (command->finds == NULL)
        command->finds = command->own_finds;
    if (!make_folder(command->corpus) || !make_folder(command->finds) ||
        !can_keep(command->corpus) || !can_keep(command->finds))
        return TOOL_USAGE;
    if (!join(all_seeds, command->programs, "seeds", "", "") || !is_folder(all_seeds))
        fprintf(stderr,
                "simblk: fuzz: there are no seeds in %s; it begins with nothing (they are "
                "made by the build target fuzz_seeds)\n",
                command->programs);
    if (!is_folder(command->seeds))
        command->seeds[0] = '\0'; /* not every target has some */
    if (access(command->dictionary, R_OK) != 0)
        command->dictionary[0] = '\0';
    if (command->keep && !is_folder("scenarios/regression"))
        return tool_error("fuzz: --keep needs the folder scenarios/regression here");
    return TOOL_OK;
}

/* ---- what comes of it ---- */

/* Before it is looked into, which may take its time. */
static void tell_find(const struct fuzz_find *find)
{
    printf("FOUND %s\n      %s\n", find->input,
           find->reason[0] == '\0' ? "(the program said nothing)" : find->reason);
    fflush(stdout);
}

static void tell_more(const struct fuzz_find_options *options, const struct fuzz_find *find)
{
    if (find->played == FUZZ_FIND_UNPLAYED)
        printf("      it could not be played again: %s\n", find->problem);
    if (find->played == FUZZ_FIND_GONE)
        puts("      it does not happen again when the input is played by itself");
    if (find->played == FUZZ_FIND_AGAIN && find->text.length == 0)
        printf("      played again: %s\n      it is no program, so no scenario is made of it; "
               "play it: %s %s\n",
               find->reason, options->replay, find->input);
    if (find->kept[0] != '\0')
        printf("      kept: %s\n", find->kept);
    if (find->text.length != 0)
        printf("      the scenario%s:\n%s",
               options->interrupted() ? ", as small as it was when interrupted" : "",
               find->text.data);
    /* What is not at hand as a file that does it is at hand as words. */
    if (find->played != FUZZ_FIND_AGAIN && find->said.length != 0)
        printf("      what fuzz_%s said last:\n%s", options->target, find->said.data);
}

static void put_xml(FILE *file, const char *text)
{
    for (; *text != '\0'; text++) {
        unsigned char c = (unsigned char)*text;

        if (c == '<' || c == '>' || c == '&' || c == '"' || (c < 0x20 && c != '\n') || c >= 0x7f)
            fprintf(file, "&#%d;", c < 0x20 ? '?' : c);
        else
            fputc(c, file);
    }
}

static bool write_junit(const struct fuzz_command *command, const struct fuzz_jobs *jobs)
{
    FILE *file = fopen(command->junit, "w");
    bool ok;

    if (file == NULL) {
        tool_error("fuzz: %s: %s", command->junit, strerror(errno));
        return false;
    }
    fprintf(file,
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuite name=\"simblk fuzz\" "
            "tests=\"1\" failures=\"%d\">\n  <testcase classname=\"fuzz\" name=\"",
            jobs->find_count != 0);
    put_xml(file, command->target);
    fprintf(file, "\" time=\"%.1f\">\n", jobs->seconds);
    for (size_t i = 0; i < jobs->find_count; i++) {
        fputs("    <failure message=\"", file);
        put_xml(file, jobs->finds[i].reason);
        fputs("\">", file);
        put_xml(file,
                jobs->finds[i].text.length != 0 ? jobs->finds[i].text.data : jobs->finds[i].input);
        fputs("</failure>\n", file);
    }
    fputs("  </testcase>\n</testsuite>\n", file);
    ok = ferror(file) == 0;
    ok = fclose(file) == 0 && ok;
    if (!ok)
        tool_error("fuzz: %s cannot be written: %s", command->junit, strerror(errno));
    return ok;
}

static int tell(const struct fuzz_command *command, struct fuzz_jobs *jobs)
{
    const struct fuzz_find_options options = {
        .target = command->target,
        .replay = command->replay,
        .work = command->finds,
        .keep_in = command->keep ? "scenarios/regression" : NULL,
        .stuck_seconds = STUCK_SECONDS,
        .attempts = ATTEMPTS,
        .interrupted = fuzz_jobs_interrupted,
    };
    int rc = jobs->find_count != 0 && jobs->rc != TOOL_USAGE ? TOOL_FAILED : jobs->rc;

    for (size_t i = 0; i < jobs->find_count; i++) {
        struct fuzz_find *find = &jobs->finds[i];

        tell_find(find);
        if (!fuzz_find_is_saved(find)) {
            rc = tool_error("fuzz: %s could not be saved (is the disk full?)", find->input);
            snprintf(find->problem, sizeof(find->problem), "it is not on the disk");
        } else if (!fuzz_find_examine(&options, find)) {
            rc = TOOL_USAGE;
        }
        tell_more(&options, find);
    }
    printf("fuzz_%s: %" PRIu64 " inputs in %.0f s (%.0f a second), %" PRIu64 " edges, %" PRIu64
           " features, corpus of %" PRIu64 ", %zu found\n",
           command->target, jobs->inputs, jobs->seconds,
           jobs->seconds > 0 ? (double)jobs->inputs / jobs->seconds : 0, jobs->edges,
           jobs->features, jobs->corpus, jobs->find_count);
    if (command->junit != NULL && !write_junit(command, jobs))
        rc = TOOL_USAGE;
    return rc;
}

int cmd_fuzz(int argc, char **argv)
{
    struct fuzz_command command = {.seconds = 60, .jobs = 1};
    bool seeded = false;
    const struct tool_option options[] = {
        {"--time", TOOL_NUMBER, "SECONDS", "how long; default 60", &command.seconds, NULL},
        {"--jobs", TOOL_NUMBER, "N", "so many at once, on one corpus; default 1", &command.jobs,
         NULL},
        {"--seed", TOOL_NUMBER, "N", "of the first job's chance; default: any", &command.seed,
         &seeded},
        {"--keep", TOOL_FLAG, NULL, "write what is found to scenarios/regression/new-*.scn",
         &command.keep, NULL},
        {"--programs", TOOL_TEXT, "FOLDER", "where fuzz_TARGET lies; default: beside this tool",
         &command.programs, NULL},
        {"--corpus", TOOL_TEXT, "FOLDER", "inputs to go on from, and new ones", &command.corpus,
         NULL},
        {"--finds", TOOL_TEXT, "FOLDER", "for inputs that found something", &command.finds, NULL},
        {"--junit", TOOL_TEXT, "FILE", "the finds as JUnit", &command.junit, NULL},
    };
    struct fuzz_jobs *jobs;
    int rest = 0;
    int rc = tool_options(tool_command_find("fuzz"), options, sizeof(options) / sizeof(options[0]),
                          argc, argv, &rest);

    if (rc != -1)
        return rc;
    if (rest != 1)
        return tool_error("fuzz: name one target, for example: simblk fuzz ring");
    command.target = argv[1];
    if (command.seconds < 1 || command.seconds > 8640000)
        return tool_error("fuzz: --time needs a number of seconds from 1 to 8640000");
    if (command.jobs < 1 || command.jobs > FUZZ_JOBS_MAX)
        return tool_error("fuzz: --jobs needs a number from 1 to %d", (int)FUZZ_JOBS_MAX);
    if (seeded && (command.seed < 1 || command.seed > UINT32_MAX - command.jobs + 1))
        return tool_error("fuzz: --seed needs a number from 1 to %" PRIu64
                          ", so that each job has one of 32 bits",
                          UINT32_MAX - command.jobs + 1);
    rc = prepare(&command);
    if (rc != TOOL_OK)
        return rc;
    jobs = calloc(1, sizeof(*jobs));
    if (jobs == NULL)
        return tool_error("fuzz: no memory");
    jobs->program = command.program;
    jobs->corpus_folder = command.corpus;
    jobs->seeds_folder = command.seeds[0] == '\0' ? NULL : command.seeds;
    jobs->dictionary = command.dictionary[0] == '\0' ? NULL : command.dictionary;
    jobs->finds_folder = command.finds;
    jobs->time = command.seconds;
    jobs->count = (unsigned)command.jobs;
    jobs->seed = seeded ? (uint32_t)command.seed : 0;
    fuzz_jobs_run(jobs);
    rc = tell(&command, jobs);
    fuzz_jobs_fini(jobs);
    free(jobs);
    return rc;
}
