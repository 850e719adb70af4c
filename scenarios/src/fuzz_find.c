/* SPDX-License-Identifier: ISC */
/*
 * From an input that a fuzzer has kept to a scenario: played again by the target's own replay
 * program, so that it is judged by what found it (sanitizers, another frontend), and made smaller
 * as long as the same is said of it.
 */
#include "fuzz_find.h"

#include "scenario/bytes.h"
#include "scenario/check.h"
#include "scenario/shrink.h"
#include "tool.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- what a report says ---- */

bool fuzz_find_reads(const char *line, char *reason, size_t size)
{
    static const char *const words[] = {
        "rule broken: ", "no progress: ", "wrong data: ", "failed: ", "crashed: ", "SUMMARY: ",
    };

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (strncmp(line, words[i], strlen(words[i])) == 0) {
            snprintf(reason, size, "%.*s", (int)strcspn(line, "\r\n"), line);
            return true;
        }
    }
    return false;
}

/* Outcome and rule, or the kind of error: what has to stay the same. "rule broken: I2 xvda ..." and
 * "SUMMARY: AddressSanitizer: heap-buffer-overflow file.c:12 in ...", "crashed: signal 11" have it
 * in front. */
static size_t kind_length(const char *reason)
{
    const char *at = strstr(reason, ": ");
    unsigned words =
        strncmp(reason, "SUMMARY", 7) == 0 || strncmp(reason, "crashed", 7) == 0 ? 2 : 1;

    if (at == NULL)
        return strlen(reason);
    at += 2;
    for (unsigned i = 0; i < words; i++) {
        at += strspn(at, " ");
        at += strcspn(at, " ");
    }
    return (size_t)(at - reason);
}

static bool is_alike(const char *one, const char *other)
{
    size_t length = kind_length(one);

    return length == kind_length(other) && strncmp(one, other, length) == 0;
}

/* ---- playing ---- */

/* Runs `program argument...` with both of its outputs in one stream; NULL: no process. */
static FILE *start(const struct fuzz_find_options *options, const char *option, const char *file,
                   pid_t *pid)
{
    const char *program = options->replay;
    int ends[2];

    if (pipe(ends) != 0)
        return NULL;
    fflush(NULL);
    *pid = fork();
    if (*pid == 0) {
        dup2(ends[1], STDOUT_FILENO);
        if (option == NULL)
            dup2(ends[1], STDERR_FILENO);
        close(ends[0]);
        close(ends[1]);
        alarm(options->stuck_seconds); /* goes on behind exec */
        execl(program, program, option == NULL ? file : option, option == NULL ? NULL : file,
              (char *)NULL);
        _exit(2);
    }
    close(ends[1]);
    if (*pid < 0) {
        close(ends[0]);
        return NULL;
    }
    return fdopen(ends[0], "r");
}

/* By somebody who wants it to end: that says nothing of the input. */
static bool is_ended_from_outside(int signal_number)
{
    return signal_number == SIGINT || signal_number == SIGTERM || signal_number == SIGHUP ||
           signal_number == SIGKILL;
}

/* What the replay says of the file: the reason, or why there is none. */
static enum fuzz_find_played play(const struct fuzz_find_options *options, const char *file,
                                  char *reason, size_t size)
{
    char line[1024], last[1024] = "";
    pid_t pid = -1;
    int status = 0, number;
    FILE *output = start(options, NULL, file, &pid);
    bool said = false;

    if (output == NULL) {
        snprintf(reason, size, "no process can be made: %s", strerror(errno));
        return FUZZ_FIND_UNPLAYED;
    }
    while (fgets(line, sizeof(line), output) != NULL) {
        said = said || fuzz_find_reads(line, reason, size);
        snprintf(last, sizeof(last), "%.*s", (int)strcspn(line, "\r\n"), line);
    }
    fclose(output);
    waitpid(pid, &status, 0);
    number = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    if (said)
        return FUZZ_FIND_AGAIN;
    if (is_ended_from_outside(number)) {
        snprintf(reason, size, "it was ended by signal %d", number);
        return FUZZ_FIND_UNPLAYED;
    }
    if (number == SIGALRM)
        snprintf(reason, size, "no progress: I4 the process stood still");
    else if (number != 0)
        snprintf(reason, size, "crashed: signal %d", number);
    else if (WEXITSTATUS(status) == 0)
        return FUZZ_FIND_GONE;
    else {
        snprintf(reason, size, "it says: %.400s", last);
        return FUZZ_FIND_UNPLAYED;
    }
    return FUZZ_FIND_AGAIN;
}

static bool read_text(const struct fuzz_find_options *options, const char *file,
                      struct scenario_buffer *text)
{
    char block[4096];
    pid_t pid = -1;
    int status = 0;
    FILE *output = start(options, "--text", file, &pid);
    size_t got;

    if (output == NULL)
        return false;
    while ((got = fread(block, 1, sizeof(block), output)) > 0)
        scenario_buffer_add(text, block, got);
    fclose(output);
    waitpid(pid, &status, 0);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0 && text->length != 0 && !text->failed;
}

/* ---- making it smaller ---- */

struct judging {
    const struct fuzz_find_options *options;
    char file[1100];
    char *reason;
    struct scenario_buffer bytes;
};

static bool ends_alike(void *context, const struct scenario_program *program)
{
    struct judging *judging = context;
    char reason[512];

    if (judging->options->interrupted())
        return false;
    scenario_buffer_clear(&judging->bytes);
    if (scenario_encode(program, &judging->bytes) != SCENARIO_OK ||
        !tool_write_file(judging->file, judging->bytes.data, judging->bytes.length))
        return false;
    if (play(judging->options, judging->file, reason, sizeof(reason)) != FUZZ_FIND_AGAIN ||
        !is_alike(judging->reason, reason))
        return false;
    memcpy(judging->reason, reason, sizeof(reason));
    return true;
}

static void make_small(const struct fuzz_find_options *options, struct fuzz_find *find,
                       struct scenario_program *program)
{
    struct judging judging = {.options = options, .reason = find->reason};
    struct scenario_shrink shrink = {
        .judge = ends_alike,
        .context = &judging,
        .max_runs = options->attempts,
    };

    snprintf(judging.file, sizeof(judging.file), "%s/attempt-%ld", options->work, (long)getpid());
    scenario_buffer_init(&judging.bytes);
    if (ends_alike(&judging, program))
        (void)scenario_shrink(program, &shrink);
    scenario_buffer_fini(&judging.bytes);
    unlink(judging.file);
}

/* ---- as a scenario ---- */

/* The rule that a reason begins with behind its outcome; 13 for what is a crash (I13). */
static unsigned rule_of(const char *reason)
{
    const char *at = strstr(reason, ": I");

    return at != NULL && at[3] >= '1' && at[3] <= '9' ? (unsigned)strtoul(at + 3, NULL, 10) : 13;
}

static void write_scenario(const struct fuzz_find_options *options, struct fuzz_find *find,
                           const struct scenario_program *program)
{
    scenario_buffer_clear(&find->text);
    scenario_buffer_text(&find->text, "title    ");
    scenario_print_string(&find->text, find->reason, strlen(find->reason));
    scenario_buffer_format(&find->text, "\nrule     I%u\nabout    \"found by fuzz_%s\"\n\n",
                           rule_of(find->reason), options->target);
    if (scenario_print(program, &find->text) != SCENARIO_OK)
        scenario_buffer_clear(&find->text);
}

static uint64_t hash_of(const struct scenario_buffer *text)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325); /* FNV-1a */

    for (size_t i = 0; i < text->length; i++)
        hash = (hash ^ (unsigned char)text->data[i]) * UINT64_C(0x100000001b3);
    return hash;
}

static bool keep(const struct fuzz_find_options *options, struct fuzz_find *find)
{
    uint64_t hash = hash_of(&find->text);

    snprintf(find->kept, sizeof(find->kept), "%s/new-%08" PRIx32 ".scn", options->keep_in,
             (uint32_t)(hash ^ hash >> 32));
    if (tool_write_file(find->kept, find->text.data, find->text.length))
        return true;
    find->kept[0] = '\0';
    return false;
}

/* libFuzzer names an input by its SHA-1. An empty one that is named otherwise is not whole. */
bool fuzz_find_is_saved(const struct fuzz_find *find)
{
    static const char of_nothing[] = "-da39a3ee5e6b4b0d3255bfef95601890afd80709";
    struct stat status;

    return stat(find->input, &status) == 0 &&
           (status.st_size != 0 || strstr(find->input, of_nothing) != NULL);
}

bool fuzz_find_examine(const struct fuzz_find_options *options, struct fuzz_find *find)
{
    struct scenario_program program;
    struct scenario_problems problems;
    char reason[sizeof(find->reason)];
    bool kept = true;

    find->played = play(options, find->input, reason, sizeof(reason));
    if (find->played == FUZZ_FIND_UNPLAYED)
        memcpy(find->problem, reason, sizeof(reason));
    if (find->played != FUZZ_FIND_AGAIN)
        return true;
    memcpy(find->reason, reason, sizeof(reason));
    if (!read_text(options, find->input, &find->text)) {
        scenario_buffer_clear(&find->text);
        return true;
    }
    scenario_program_init(&program);
    scenario_problems_init(&problems);
    if (scenario_parse(&program, find->text.data, find->text.length, &problems) == SCENARIO_OK &&
        scenario_check(&program, &problems) == SCENARIO_OK) {
        make_small(options, find, &program);
        write_scenario(options, find, &program);
        kept = options->keep_in == NULL || find->text.length == 0 || keep(options, find);
    }
    scenario_program_fini(&program);
    return kept;
}
