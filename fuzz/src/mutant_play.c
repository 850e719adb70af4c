/* SPDX-License-Identifier: ISC */
/*
 * Plays scenarios or seeds with the tool that has a mutant in it, in one process and so in one
 * order, until something fails that did not fail before. A crash alone is a poor finding: after one
 * the rest is played until a rule or an expectation says more.
 */
#define _POSIX_C_SOURCE 200809L

#include "mutant.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
    CRASHES = 40, /* so many of them, and nothing else will come */
    TOOL_USAGE = 2,
    NO_TOOL = 126
};

struct play {
    const struct mutant_build *build;
    const char *tool;
    const struct mutant_ignore *ignore;
    struct mutant_ignore *collect; /* the original is played: keep what fails */
    struct mutant_kill *kills, *kill;
    unsigned crashes[MUTANT_SUITES];
    char where[192]; /* of the case whose lines are being read */
};

const char *mutant_suite_name(enum mutant_suite suite)
{
    switch (suite) {
    case MUTANT_CONFORMANCE: return "conformance";
    case MUTANT_SWARM: return "swarm";
    case MUTANT_REGRESSION: return "regression";
    case MUTANT_SUITES: break;
    }
    return "?";
}

static double seconds_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static bool is_ignored(const struct play *play, const char *where)
{
    char line[200];

    snprintf(line, sizeof(line), "\n%s\n", where);
    return play->ignore != NULL && play->ignore->names.length != 0 &&
           strstr(play->ignore->names.data, line) != NULL;
}

/* A failure; true: it has been killed, and by more than a crash. */
static bool note(struct play *play, unsigned rule, bool crash)
{
    struct mutant_kill *kill = play->kill;

    if (play->collect != NULL) {
        scenario_buffer_format(&play->collect->names, "%s\n", play->where);
        play->collect->count++;
        return false;
    }
    if (is_ignored(play, play->where)) {
        return false;
    }
    if (!kill->killed || !crash) {
        kill->killed = true;
        kill->crash = crash;
        kill->rule = rule;
        snprintf(kill->where, sizeof(kill->where), "%s", play->where);
    }
    return !crash || ++play->crashes[kill - play->kills] >= CRASHES;
}

/* ---- what the tool says ---- */

/* The rule's number behind `mark`, or 0. */
static unsigned rule_in(const char *text, const char *mark)
{
    const char *at = strstr(text, mark);

    return at == NULL ? 0 : (unsigned)strtoul(at + strlen(mark), NULL, 10);
}

/* TAP: "not ok 7 - scenarios/...[...]", and then "  verdict: 'rule broken (I5)'". */
static bool hear_run(struct play *play, const char *line)
{
    const char *id = strstr(line, " - ");

    if (strncmp(line, "ok ", 3) == 0 || strncmp(line, "not ok ", 7) == 0) {
        play->kill->runs += !play->kill->killed || play->kill->crash;
        if (id != NULL) {
            snprintf(play->where, sizeof(play->where), "%.191s", id + 3);
        }
    }
    if (strncmp(line, "  verdict: '", 12) == 0) {
        return note(play, rule_in(line, "(I"), strncmp(line + 12, "crashed", 7) == 0);
    }
    return false;
}

/* "FAIL seed 7: no progress", and the next line begins with the rule, if there is one. */
static bool hear_swarm(struct play *play, const char *line)
{
    bool crash = strcmp(play->where + strcspn(play->where, ":"), ": crashed") == 0;
    unsigned rule = crash ? 13 : strstr(play->where, "no progress") != NULL ? 4 : 0;

    if (strncmp(line, "FAIL seed ", 10) == 0) {
        snprintf(play->where, sizeof(play->where), "%.191s", line + 5);
        return false;
    }
    if (play->where[0] != '\0') {
        if (strncmp(line, "     I", 6) == 0) {
            rule = (unsigned)strtoul(line + 6, NULL, 10);
        }
        play->where[strcspn(play->where, ":")] = '\0';
        (void)note(play, rule, crash); /* they come all at once: the first that is none decides */
        play->where[0] = '\0';
    }
    return play->kill->killed && !play->kill->crash;
}

/* ---- playing ---- */

/* What is played in one go: a command of the tool, and what comes behind its options. */
struct part {
    enum mutant_suite suite;
    const char *command;
    const char *arguments[7];
    bool is_long;
};

#define REPEATING(folder) "scenarios/conformance/" folder

/* All there is, the quickest first: most mutants die early. The folders whose scenarios repeat
 * themselves take as long as all others together, ten times over. Seeds come in portions: what a
 * swarm finds it tells at its end. */
static const struct part parts[] = {
    {MUTANT_SWARM, "swarm", {"--seeds", "1..4"}, false},
    {MUTANT_SWARM, "swarm", {"--seeds", "5..20"}, false},
    {MUTANT_CONFORMANCE,
     "run",
     {"--format=tap", "--exclude", REPEATING("any-time/*"), "--exclude", REPEATING("resources/*"),
      "scenarios/conformance"},
     false},
    {MUTANT_REGRESSION, "run", {"--format=tap", "scenarios/regression"}, false},
    {MUTANT_SWARM, "swarm", {"--seeds", "21..100"}, false},
    {MUTANT_SWARM, "swarm", {"--seeds", "101..300"}, true},
    {MUTANT_CONFORMANCE, "run", {"--format=tap", REPEATING("any-time")}, true},
    {MUTANT_CONFORMANCE, "run", {"--format=tap", REPEATING("resources")}, true},
};

static _Noreturn void become_tool(const struct play *play, const struct part *part, int output)
{
    const char *const *rest = part->arguments;
    struct rlimit none = {0, 0};

    prctl(PR_SET_PDEATHSIG, SIGTERM);
    dup2(output, STDOUT_FILENO);
    setrlimit(RLIMIT_CORE, &none);
    if (chdir(play->build->root) == 0) {
        execl(play->tool, play->tool, part->command, "--strict", "--jobs", "1", "--stuck", "10",
              rest[0], rest[1], rest[2], rest[3], rest[4], rest[5], (char *)NULL);
    }
    _exit(NO_TOOL);
}

static pid_t start(const struct play *play, const struct part *part, FILE **stream)
{
    int ends[2];
    pid_t pid;

    if (pipe(ends) != 0) {
        return -1;
    }
    fflush(NULL);
    pid = fork();
    if (pid == 0) {
        close(ends[0]);
        become_tool(play, part, ends[1]);
    }
    close(ends[1]);
    *stream = fdopen(ends[0], "r");
    return pid;
}

/* False: the tool could not be run. */
static bool hear(struct play *play, const struct part *part)
{
    FILE *stream = NULL;
    int status = 0;
    pid_t pid = start(play, part, &stream), ended;
    char line[4096];
    bool enough = false;

    if (pid < 0 || stream == NULL) {
        return false;
    }
    play->where[0] = '\0';
    while (!enough && fgets(line, sizeof(line), stream) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        enough = part->suite == MUTANT_SWARM ? hear_swarm(play, line) : hear_run(play, line);
    }
    if (enough) {
        kill(pid, SIGTERM);
    }
    fclose(stream);
    do {
        ended = waitpid(pid, &status, 0);
    } while (ended < 0);
    return enough || (WIFEXITED(status) && WEXITSTATUS(status) != NO_TOOL &&
                      WEXITSTATUS(status) != TOOL_USAGE);
}

/* Whether there is nothing more to be learned from the suite. */
static bool is_decided(const struct mutant_kill *kill)
{
    return kill->killed && !kill->crash;
}

/* The seconds of a suite are those of its parts up to the failure. */
static bool play_part(struct play *play, const struct part *part)
{
    double began = seconds_now();
    bool ok;

    play->kill = &play->kills[part->suite];
    ok = hear(play, part);
    play->kill->played = ok;
    play->kill->seconds += seconds_now() - began;
    return ok;
}

static bool play_parts(struct play *play, enum mutant_pace pace)
{
    bool ok = true, killed = false;

    for (size_t i = 0; ok && !killed && i < sizeof(parts) / sizeof(parts[0]); i++) {
        const struct mutant_kill *kill = &play->kills[parts[i].suite];

        if (!is_decided(kill) && !(parts[i].is_long && pace == MUTANT_BRIEF)) {
            ok = play_part(play, &parts[i]);
            killed = pace != MUTANT_ALL && is_decided(kill);
        }
    }
    return ok;
}

bool mutant_play(const struct mutant_build *build, const char *tool, enum mutant_pace pace,
                 const struct mutant_ignore *ignore, struct mutant_kill *kills)
{
    struct play play = {.build = build, .tool = tool, .ignore = ignore, .kills = kills};

    memset(kills, 0, MUTANT_SUITES * sizeof(*kills));
    return play_parts(&play, pace);
}

bool mutant_play_original(const struct mutant_build *build, enum mutant_pace pace,
                          struct mutant_ignore *ignore)
{
    struct mutant_kill kills[MUTANT_SUITES] = {{.runs = 0}};
    struct play play = {.build = build, .tool = build->tool, .collect = ignore, .kills = kills};

    scenario_buffer_text(&ignore->names, "\n");
    return play_parts(&play, pace);
}
