/* SPDX-License-Identifier: ISC */
/*
 * One run: the target's program with a mutant in it, under libFuzzer, on the seeds that find
 * nothing by themselves, until it finds something or has used up its time. What counts is the time
 * that the processor spends on it, so other work on the machine matters little.
 */
#define _DEFAULT_SOURCE

#include "times.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* libFuzzer's and, because we ask for it, the sanitizers' for a find; libFuzzer's for an input that
 * takes too long. */
enum { FOUND = 77, TOO_LONG = 70, ARGUMENTS = 16, PATH_SIZE = 1200 };

/* ---- processes ---- */

/* Standard output and error go to files; `seconds`: of the processor's. */
static _Noreturn void become(char **arguments, const char *output, const char *errors,
                             rlim_t seconds)
{
    const struct rlimit none = {0, 0}, time = {seconds, seconds + 5};
    int out = open(output, O_WRONLY | O_CREAT | O_TRUNC, 0666);
    int err = open(errors, O_WRONLY | O_CREAT | O_TRUNC, 0666);

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    setrlimit(RLIMIT_CORE, &none);
    if (seconds != 0) {
        setrlimit(RLIMIT_CPU, &time);
    }
    setenv("ASAN_OPTIONS", "symbolize=0:exitcode=77", 1);
    setenv("UBSAN_OPTIONS", "symbolize=0:exitcode=77", 1);
    if (out >= 0 && err >= 0) {
        dup2(out, STDOUT_FILENO);
        dup2(err, STDERR_FILENO);
        execv(arguments[0], arguments);
    }
    _exit(126);
}

static bool play(char **arguments, const char *output, const char *errors, rlim_t seconds,
                 int *status, struct rusage *usage)
{
    pid_t pid, ended;

    fflush(NULL);
    pid = fork();
    if (pid == 0) {
        become(arguments, output, errors, seconds);
    }
    do {
        ended = pid > 0 ? wait4(pid, status, 0, usage) : -1;
    } while (ended < 0 && errno == EINTR);
    return ended == pid;
}

/* ---- seeds ---- */

static unsigned count_files(const char *folder)
{
    DIR *entries = opendir(folder);
    const struct dirent *entry;
    unsigned count = 0;

    while (entries != NULL && (entry = readdir(entries)) != NULL) {
        count += entry->d_name[0] != '.';
    }
    if (entries != NULL) {
        closedir(entries);
    }
    return count;
}

/* Lines to one with commas between them, as libFuzzer reads it. Their count. */
static unsigned join_lines(const char *from, const char *to)
{
    FILE *lines = fopen(from, "r"), *joined = fopen(to, "w");
    char line[PATH_SIZE];
    unsigned count = 0;

    while (lines != NULL && joined != NULL && fgets(line, sizeof(line), lines) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        fprintf(joined, "%s%s", count == 0 ? "" : ",", line);
        count++;
    }
    if (lines != NULL) {
        fclose(lines);
    }
    if (joined != NULL && fclose(joined) != 0) {
        count = 0;
    }
    return count;
}

bool times_survey(const struct times_program *program, const char *seeds, struct times_run *run)
{
    char path[PATH_SIZE], folder[PATH_SIZE], survey[] = "--survey";
    char lines[PATH_SIZE], joined[PATH_SIZE];
    char *arguments[] = {path, survey, folder, NULL};
    struct rusage usage;
    int status = 0;

    snprintf(path, sizeof(path), "%s", program->path);
    snprintf(folder, sizeof(folder), "%s", seeds);
    snprintf(lines, sizeof(lines), "%s/kept", program->work);
    snprintf(joined, sizeof(joined), "%s/kept.joined", program->work);
    if (!play(arguments, lines, "/dev/null", 0, &status, &usage) || !WIFEXITED(status) ||
        WEXITSTATUS(status) != 0) {
        fprintf(stderr, "%s: %s cannot play the seeds\n", run->mutant, program->path);
        return false;
    }
    run->inputs = count_files(seeds);
    run->kept = join_lines(lines, joined);
    return true;
}

/* ---- what it has said ---- */

/* "rule broken: I2 xvda ...": the rule; where no rule is named, the one that the outcome means. */
static bool read_finding(struct times_run *run, const char *line)
{
    static const struct outcome {
        const char *begins, *rule;
    } outcomes[] = {
        {"rule broken: ", "-"}, {"failed: ", "-"},    {"no progress: ", "I4"},
        {"wrong data: ", "I7"}, {"crashed: ", "I13"},
    };

    for (size_t i = 0; i < sizeof(outcomes) / sizeof(outcomes[0]); i++) {
        size_t length = strlen(outcomes[i].begins);

        if (strncmp(line, outcomes[i].begins, length) == 0) {
            const char *rule = line + length;
            bool named = rule[0] == 'I' && isdigit((unsigned char)rule[1]) != 0;

            snprintf(run->by, sizeof(run->by), "%.*s",
                     named ? 1 + (int)strspn(rule + 1, "0123456789") : 3,
                     named ? rule : outcomes[i].rule);
            return true;
        }
    }
    if (strstr(line, "ERROR: libFuzzer: timeout") != NULL) {
        snprintf(run->by, sizeof(run->by), "I4");
        return true;
    }
    if (strstr(line, "Sanitizer") != NULL || strstr(line, "runtime error: ") != NULL) {
        snprintf(run->by, sizeof(run->by), "I13");
        return true;
    }
    return false;
}

void times_read_log(struct times_run *run, const char *path)
{
    FILE *log = fopen(path, "r");
    char line[4096];
    bool decided = false;
    long long ms;

    snprintf(run->by, sizeof(run->by), "-");
    run->ms[TIMES_REACHED] = run->ms[TIMES_TRIGGERED] = TIMES_NEVER;
    while (log != NULL && fgets(line, sizeof(line), log) != NULL) {
        if (sscanf(line, "mutant reached: %lld ms", &ms) == 1) {
            run->ms[TIMES_REACHED] = ms;
        } else if (sscanf(line, "mutant triggered: %lld ms", &ms) == 1) {
            run->ms[TIMES_TRIGGERED] = ms;
        } else if (!decided) {
            decided = read_finding(run, line);
        }
    }
    if (log != NULL) {
        fclose(log);
    }
}

/* ---- fuzzing ---- */

/* The folder is there and has no file in it. */
static bool empty_folder(const char *path)
{
    DIR *entries;
    const struct dirent *entry;

    if (mkdir(path, 0777) != 0 && errno != EEXIST) {
        return false;
    }
    entries = opendir(path);
    while (entries != NULL && (entry = readdir(entries)) != NULL) {
        if (entry->d_name[0] != '.') {
            unlinkat(dirfd(entries), entry->d_name, 0);
        }
    }
    return entries != NULL && closedir(entries) == 0;
}

static int64_t spent_ms(const struct rusage *usage)
{
    return (int64_t)(usage->ru_utime.tv_sec + usage->ru_stime.tv_sec) * 1000 +
           (usage->ru_utime.tv_usec + usage->ru_stime.tv_usec) / 1000;
}

/* Whether the program without the mutant takes the input. */
static bool is_the_mutants(const struct times_program *program, const struct times_run *run,
                           char *input)
{
    char path[PATH_SIZE], plain[] = "-timeout=10";
    char *arguments[] = {path, plain, input, NULL};
    struct rusage usage;
    int status = 0;

    snprintf(path, sizeof(path), "%s", program->original);
    if (!play(arguments, "/dev/null", "/dev/null", 0, &status, &usage) || !WIFEXITED(status) ||
        WEXITSTATUS(status) != 0) {
        fprintf(stderr, "%s: %s fails without the mutant, too\n", run->mutant, input);
        return false;
    }
    return true;
}

bool times_fuzz(const struct times_program *program, unsigned seconds, struct times_run *run)
{
    char path[PATH_SIZE], seed[32], seeds[PATH_SIZE], corpus[PATH_SIZE];
    char plain[] = "-entropic=0", timeout[] = "-timeout=10", memory[] = "-rss_limit_mb=2048";
    char input[PATH_SIZE], keep[PATH_SIZE + 32], log[PATH_SIZE];
    char *arguments[ARGUMENTS] = {path, seed, keep, plain, timeout, memory, corpus, NULL};
    struct rusage usage;
    int status = 0;
    bool found;

    snprintf(path, sizeof(path), "%s", program->path);
    snprintf(seed, sizeof(seed), "-seed=%u", run->seed);
    snprintf(seeds, sizeof(seeds), "-seed_inputs=@%s/kept.joined", program->work);
    snprintf(input, sizeof(input), "%s/found-%s", program->work, run->mutant);
    snprintf(keep, sizeof(keep), "-exact_artifact_path=%s", input);
    snprintf(corpus, sizeof(corpus), "%s/corpus", program->work);
    snprintf(log, sizeof(log), "%s/log", program->work);
    if (run->kept != 0) {
        arguments[7] = seeds;
        arguments[8] = NULL;
    }
    if (!empty_folder(corpus) || !play(arguments, "/dev/null", log, seconds, &status, &usage)) {
        perror(corpus);
        return false;
    }
    times_read_log(run, log);
    found = WIFEXITED(status) && (WEXITSTATUS(status) == FOUND || WEXITSTATUS(status) == TOO_LONG);
    run->ms[TIMES_FOUND] = found ? spent_ms(&usage) : TIMES_NEVER;
    if (!found) {
        snprintf(run->by, sizeof(run->by), "-");
    }
    /* The limit's signal: its clock is not the one of `usage`, to the last millisecond. */
    if (!found && (!WIFSIGNALED(status) || WTERMSIG(status) != SIGXCPU)) {
        fprintf(stderr, "%s: %s ended with status %#x; see %s\n", run->mutant, program->path,
                (unsigned)status, log);
        return false;
    }
    return !found || is_the_mutants(program, run, input);
}
