/* SPDX-License-Identifier: ISC */
/*
 * What is told of other people's frontends as such: whether a shared object can be loaded at all,
 * tried in a process that may die of it (constructors crash, hang or end the process before there
 * is any frontend to judge), and which scenarios are not held against it.
 */
#include "supervisor.h"

#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

struct answer {
    bool loaded;
    uint64_t capabilities;
    char reason[SCENARIO_REASON_MAX / 2];
};

static _Noreturn void load_in_child(const char *path, int to, FILE *output)
{
    const struct scenario_subject *subject;
    struct answer answer;

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    dup2(fileno(output), STDOUT_FILENO);
    dup2(fileno(output), STDERR_FILENO);
    memset(&answer, 0, sizeof(answer));
    subject = subject_load(path, answer.reason, sizeof(answer.reason));
    answer.loaded = subject != NULL;
    answer.capabilities = subject == NULL ? 0 : subject->capabilities;
    _exit(write(to, &answer, sizeof(answer)) == (ssize_t)sizeof(answer) ? 0 : 1);
}

/* False: it has died, or stands still. */
static bool wait_for(int from, uint64_t seconds, struct answer *answer, bool *stuck)
{
    struct pollfd wait = {from, POLLIN, 0};
    int ready;

    do
        ready = poll(&wait, 1, (int)seconds * 1000);
    while (ready < 0);
    *stuck = ready == 0;
    return ready > 0 && read(from, answer, sizeof(*answer)) == (ssize_t)sizeof(*answer);
}

static void judge(int status, bool stuck, uint64_t stuck_seconds, const char *output,
                  struct scenario_verdict *verdict)
{
    char reason[SCENARIO_REASON_MAX];

    supervisor_judge_death(NULL, status, stuck, stuck_seconds, output, verdict);
    snprintf(reason, sizeof(reason), "when it was loaded: %.300s",
             stuck ? "its constructor did not return" : verdict->reason);
    memcpy(verdict->reason, reason, sizeof(reason));
}

static int probe(const char *path, uint64_t stuck_seconds, FILE *output,
                 struct scenario_verdict *verdict, uint64_t *capabilities)
{
    struct answer answer;
    bool stuck = false, answered;
    int ends[2];
    int status = 0;
    char *text;
    pid_t pid;

    if (pipe(ends) != 0)
        return tool_error("no process to load a frontend in");
    fflush(NULL);
    pid = fork();
    if (pid == 0) {
        close(ends[0]);
        load_in_child(path, ends[1], output);
    }
    close(ends[1]);
    answered = pid > 0 && wait_for(ends[0], stuck_seconds, &answer, &stuck);
    close(ends[0]);
    if (pid <= 0)
        return tool_error("no process to load a frontend in");
    if (stuck)
        kill(pid, SIGKILL);
    waitpid(pid, &status, 0);
    if (answered && !answer.loaded) {
        snprintf(verdict->reason, sizeof(verdict->reason), "%s", answer.reason);
        return tool_error("%s: %s", path, answer.reason);
    }
    if (answered && capabilities != NULL)
        *capabilities = answer.capabilities;
    if (answered)
        return TOOL_OK;
    text = supervisor_take_output(output, false);
    judge(status, stuck, stuck_seconds, text, verdict);
    tool_error("%s: %s%s%s", path, verdict->reason, text != NULL ? "\n" : "",
               text != NULL ? text : "");
    free(text);
    return TOOL_FAILED;
}

/* A watch on a certain path, a ring that is mapped: that says nothing of another frontend, which
 * has done something else. */
void subject_excuse(const char *frontend, struct scenario_verdict *verdict)
{
    char reason[SCENARIO_REASON_MAX];

    if (frontend == NULL || verdict->outcome != SCENARIO_BAD || verdict->reached_frontend == 0)
        return;
    verdict->outcome = SCENARIO_UNSUPPORTED;
    verdict->exit_code = scenario_exit_code(SCENARIO_UNSUPPORTED);
    snprintf(reason, sizeof(reason), "cannot be played on: %.300s", verdict->reason);
    memcpy(verdict->reason, reason, sizeof(reason));
}

int subject_probe(const char *path, uint64_t stuck_seconds, struct scenario_verdict *verdict,
                  uint64_t *capabilities)
{
    FILE *output;
    int rc;

    if (path == NULL)
        return TOOL_OK;
    output = tmpfile();
    if (output == NULL)
        return tool_error("no file for what a frontend prints");
    rc = probe(path, stuck_seconds, output, verdict, capabilities);
    fclose(output);
    return rc;
}
