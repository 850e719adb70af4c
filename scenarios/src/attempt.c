/* SPDX-License-Identifier: ISC */
/*
 * One run, one process: it sends its verdict through a pipe, or dies.
 */
#include "attempt.h"

#include "scenario/repeat.h"
#include "scenario/shrink.h"
#include "supervisor.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

void attempt_quiet(bool errors)
{
    int null = open("/dev/null", O_WRONLY);

    if (null < 0)
        return;
    dup2(null, STDOUT_FILENO);
    if (errors)
        dup2(null, STDERR_FILENO);
    close(null);
}

static _Noreturn void play_in_child(const struct attempt_options *options,
                                    const struct scenario_program *program, int answer)
{
    struct scenario_runner *runner = scenario_runner_create();
    struct scenario_run_options run = options->run;
    struct scenario_verdict verdict;

    if (runner == NULL)
        _exit(2);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    attempt_quiet(!options->errors);
    if (options->frontend != NULL)
        run.subject = subject_load(options->frontend, verdict.reason, sizeof(verdict.reason));
    if (run.subject == NULL)
        _exit(2);
    if (options->once)
        scenario_runner_run(runner, program, &run, &verdict);
    else
        scenario_repeat_run(runner, program, &run, options->only, &verdict);
    subject_excuse(options->frontend, &verdict);
    (void)worker_leaked(&verdict);
    _exit(write(answer, &verdict, sizeof(verdict)) == (ssize_t)sizeof(verdict) ? 0 : 2);
}

static bool read_verdict(int answer, int timeout_ms, struct scenario_verdict *verdict, bool *hung)
{
    struct pollfd wait = {answer, POLLIN, 0};
    int ready;

    do
        ready = poll(&wait, 1, timeout_ms > 0 ? timeout_ms : -1);
    while (ready < 0);
    *hung = ready == 0;
    return ready > 0 && read(answer, verdict, sizeof(*verdict)) == (ssize_t)sizeof(*verdict);
}

bool attempt_play(const struct attempt_options *options, const struct scenario_program *program,
                  struct scenario_verdict *verdict)
{
    int ends[2];
    bool hung = false, answered;
    int status = 0;
    pid_t pid;

    if (pipe(ends) != 0)
        return false;
    fflush(NULL);
    pid = fork();
    if (pid == 0) {
        close(ends[0]);
        play_in_child(options, program, ends[1]);
    }
    close(ends[1]);
    answered = pid > 0 && read_verdict(ends[0], (int)options->stuck_seconds * 1000, verdict, &hung);
    close(ends[0]);
    if (pid <= 0)
        return false;
    if (hung)
        kill(pid, SIGKILL);
    waitpid(pid, &status, 0);
    if (!answered)
        supervisor_judge_death(options->run.progress, status, hung, options->stuck_seconds, NULL,
                               verdict);
    return true;
}

struct judging {
    const struct attempt_options *options;
    struct scenario_verdict *wanted;
};

static bool ends_alike(void *context, const struct scenario_program *program)
{
    const struct judging *judging = context;
    struct scenario_verdict verdict;

    if (!attempt_play(judging->options, program, &verdict) ||
        verdict.outcome != judging->wanted->outcome || verdict.rule != judging->wanted->rule)
        return false;
    *judging->wanted = verdict;
    return true;
}

int attempt_shrink(const struct attempt_options *options, struct scenario_program *program,
                   uint32_t max_runs, struct scenario_verdict *verdict)
{
    struct judging judging = {options, verdict};
    struct scenario_shrink shrink = {
        .judge = ends_alike,
        .context = &judging,
        .max_runs = max_runs,
    };

    if (!attempt_play(options, program, verdict))
        return SCENARIO_NO_MEMORY;
    if (verdict->outcome == SCENARIO_PASSED || verdict->outcome == SCENARIO_UNSUPPORTED ||
        verdict->outcome == SCENARIO_BAD)
        return SCENARIO_INVALID;
    return scenario_shrink(program, &shrink);
}
