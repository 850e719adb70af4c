/* SPDX-License-Identifier: ISC */
/*
 * Hands cases to worker processes and takes their verdicts; notices workers that die or stand
 * still, and makes new ones. The order of results is the suite's, whoever is first. What a worker
 * leaves behind, and what its death means, is supervisor_case.c's.
 */
#include "supervisor.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { JOBS_MAX = 64, POLL_MS = 100, TERM_SECONDS = 2, LAST_MS = 2000 };

static const size_t NO_CASE = SIZE_MAX;

struct worker {
    pid_t pid;
    int orders;
    int answers;
    struct scenario_progress *progress; /* shared; kept for the next process in this place */
    FILE *
        output; /* stdout and stderr of the worker, an unlinked file; read through its descriptor */
    struct worker_files files;
    size_t playing; /* NO_CASE: idle */
    double began;
    double moved; /* when the world took a step last */
    uint64_t beats;
    bool stuck;
};

struct supervisor {
    const struct supervisor_options *options;
    struct tool_result *results;
    struct worker workers[JOBS_MAX];
    uint32_t worker_count;
    size_t next; /* first case that nobody plays yet */
    size_t finished;
    size_t reported; /* all before it were told */
};

static volatile sig_atomic_t interrupted;

static void on_interrupt(int number)
{
    (void)number;
    interrupted = 1;
}

static double seconds_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* In the order of the suite, so not beyond a case that is still played; after an interrupt all that
 * there are. */
static void tell_results(struct supervisor *supervisor, bool all)
{
    const struct supervisor_options *options = supervisor->options;

    for (; supervisor->reported < options->suite->case_count; supervisor->reported++) {
        const struct tool_result *result = &supervisor->results[supervisor->reported];

        if (result->done)
            options->done(options->context, supervisor->reported, result);
        else if (!all)
            return;
    }
}

/* Takes `output`. */
static void finish_case(struct supervisor *supervisor, struct worker *worker,
                        const struct scenario_verdict *verdict, char *output)
{
    struct tool_result *result = &supervisor->results[worker->playing];

    result->verdict = *verdict;
    result->seconds = seconds_now() - worker->began;
    result->output = output;
    result->trace = supervisor_take_output(worker->files.trace, true);
    supervisor_take_ladder(worker->files.ladder, verdict, &result->ladder);
    result->capture = supervisor_take_bytes(worker->files.capture, &result->capture_length);
    if (verdict->outcome != SCENARIO_PASSED && verdict->outcome != SCENARIO_UNSUPPORTED)
        result->events = supervisor_take_events(worker->progress);
    result->done = true;
    worker->progress->event_lines = 0;
    worker->playing = NO_CASE;
    supervisor->finished++;
    tell_results(supervisor, false);
}

/* ---- workers ---- */

/* In the child: only its own ends stay open, so that an order pipe ends when the supervisor does.
 */
static void become_worker(struct supervisor *supervisor, const struct worker *worker, int orders,
                          int answers)
{
    signal(SIGINT, SIG_IGN);
    signal(SIGTERM, SIG_DFL);
    signal(SIGHUP, SIG_DFL);
    prctl(PR_SET_PDEATHSIG, SIGKILL); /* an endless loop would outlive the supervisor */
    for (uint32_t i = 0; i < supervisor->worker_count; i++) {
        const struct worker *other = &supervisor->workers[i];

        if (other->pid > 0) {
            close(other->orders);
            close(other->answers);
        }
    }
    fflush(stdout);
    dup2(fileno(worker->output), STDOUT_FILENO);
    dup2(fileno(worker->output), STDERR_FILENO);
    worker_main(supervisor->options, orders, answers, worker->progress, &worker->files);
}

static bool cannot_make(void)
{
    tool_error("a worker process cannot be made: %s", strerror(errno));
    return false;
}

static bool start_worker(struct supervisor *supervisor, struct worker *worker)
{
    int orders[2];
    int answers[2];

    if (pipe(orders) != 0)
        return cannot_make();
    if (pipe(answers) != 0) {
        close(orders[0]);
        close(orders[1]);
        return cannot_make();
    }
    fflush(NULL); /* the report's stream, too: the worker's exit would print its buffer once more */
    worker->pid = fork();
    if (worker->pid == 0) {
        close(orders[1]);
        close(answers[0]);
        become_worker(supervisor, worker, orders[0], answers[1]);
    }
    close(orders[0]);
    close(answers[1]);
    if (worker->pid < 0) {
        close(orders[1]);
        close(answers[0]);
        return cannot_make();
    }
    worker->orders = orders[1];
    worker->answers = answers[0];
    worker->playing = NO_CASE;
    worker->stuck = false;
    return true;
}

static bool prepare_worker(struct supervisor *supervisor, struct worker *worker)
{
    const struct supervisor_options *options = supervisor->options;

    worker->output = tmpfile();
    worker->files.trace = options->trace ? tmpfile() : NULL;
    worker->files.ladder = options->ladder_rows != 0 ? tmpfile() : NULL;
    worker->files.capture = options->capture ? tmpfile() : NULL;
    worker->progress = mmap(NULL, sizeof(*worker->progress), PROT_READ | PROT_WRITE,
                            MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (worker->output == NULL || (options->trace && worker->files.trace == NULL) ||
        (options->ladder_rows != 0 && worker->files.ladder == NULL) ||
        (options->capture && worker->files.capture == NULL) || worker->progress == MAP_FAILED)
        return cannot_make();
    return start_worker(supervisor, worker);
}

static void order_next(struct supervisor *supervisor, struct worker *worker)
{
    uint64_t index = supervisor->next;

    if (supervisor->next == supervisor->options->suite->case_count || interrupted)
        return;
    worker->playing = supervisor->next++;
    worker->began = worker->moved = seconds_now();
    worker->progress->event_lines = 0;
    worker->progress->broken[0] = '\0';
    worker->progress->step = 0;
    worker->progress->line = 0;
    worker->beats = worker->progress->beats;
    /* If the worker is already dead, the end of its answers tells so. */
    if (write(worker->orders, &index, sizeof(index)) != (ssize_t)sizeof(index))
        return;
}

/* Somebody takes the place of a worker that is gone, if there is work left. */
static bool replace_worker(struct supervisor *supervisor, struct worker *worker)
{
    if (supervisor->next == supervisor->options->suite->case_count || interrupted)
        return true;
    if (!start_worker(supervisor, worker))
        return false;
    order_next(supervisor, worker);
    return true;
}

static int end_of_worker(struct worker *worker)
{
    int status = 0;

    close(worker->orders);
    close(worker->answers);
    while (waitpid(worker->pid, &status, 0) < 0 && errno == EINTR)
        ;
    worker->pid = -1;
    return status;
}

/* It has said its last; a destructor of what it has loaded may keep it from ending. */
static void see_worker_off(struct worker *worker)
{
    const struct timespec pause = {0, 1000000};

    close(worker->orders);
    close(worker->answers);
    for (int i = 0; i < LAST_MS; i++) {
        if (waitpid(worker->pid, NULL, WNOHANG) != 0) {
            worker->pid = -1;
            return;
        }
        nanosleep(&pause, NULL);
    }
    kill(worker->pid, SIGKILL);
    while (waitpid(worker->pid, NULL, 0) < 0 && errno == EINTR)
        ;
    worker->pid = -1;
}

/* The worker is gone in the middle of its case, which has a verdict all the same. */
static bool bury_worker(struct supervisor *supervisor, struct worker *worker)
{
    struct scenario_verdict verdict;
    int status = end_of_worker(worker);
    char *output;

    if (WIFEXITED(status) && WEXITSTATUS(status) == WORKER_NO_WORLD &&
        worker->progress->phase == SCENARIO_PHASE_IDLE) {
        tool_error("no memory for a world, or its address is taken");
        return false;
    }
    output = supervisor_take_output(worker->output, false);
    supervisor_judge_death(worker->progress, status, worker->stuck,
                           supervisor->options->stuck_seconds, output, &verdict);
    finish_case(supervisor, worker, &verdict, output);
    worker->progress->phase = SCENARIO_PHASE_IDLE;
    return replace_worker(supervisor, worker);
}

static bool hear_worker(struct supervisor *supervisor, struct worker *worker)
{
    struct worker_answer answer;
    ssize_t got = read(worker->answers, &answer, sizeof(answer));

    if (got < 0 && errno == EINTR)
        return true;
    if (got != (ssize_t)sizeof(answer))
        return bury_worker(supervisor, worker);
    finish_case(supervisor, worker, &answer.verdict, supervisor_take_output(worker->output, false));
    if (answer.last) {
        see_worker_off(worker);
        return replace_worker(supervisor, worker);
    }
    order_next(supervisor, worker);
    return true;
}

/* A world that takes no step for long is in an endless loop of the frontend (I4). */
static void look_for_stuck(struct supervisor *supervisor, struct worker *worker)
{
    double now = seconds_now();

    if (worker->playing == NO_CASE)
        return;
    if (worker->progress->beats != worker->beats) {
        worker->beats = worker->progress->beats;
        worker->moved = now;
        return;
    }
    if (!worker->stuck && now - worker->moved > (double)supervisor->options->stuck_seconds) {
        worker->stuck = true;
        kill(worker->pid, SIGTERM); /* it saves its last events */
    } else if (worker->stuck && now - worker->moved > (double)supervisor->options->stuck_seconds +
                                                          (double)TERM_SECONDS) {
        kill(worker->pid, SIGKILL);
    }
}

static bool supervise_round(struct supervisor *supervisor)
{
    struct pollfd polls[JOBS_MAX];
    struct worker *polled[JOBS_MAX];
    nfds_t count = 0;
    bool ok = true;

    for (uint32_t i = 0; i < supervisor->worker_count; i++) {
        struct worker *worker = &supervisor->workers[i];

        if (worker->pid > 0 && worker->playing != NO_CASE) {
            polls[count] = (struct pollfd){.fd = worker->answers, .events = POLLIN};
            polled[count++] = worker;
        }
    }
    if (poll(polls, count, POLL_MS) < 0) {
        if (errno != EINTR)
            tool_error("waiting for workers: %s", strerror(errno));
        return errno == EINTR;
    }
    for (nfds_t i = 0; i < count && ok; i++) {
        if (polls[i].revents != 0)
            ok = hear_worker(supervisor, polled[i]);
        else
            look_for_stuck(supervisor, polled[i]);
    }
    if (supervisor->options->tick != NULL)
        supervisor->options->tick(supervisor->options->context, supervisor->finished,
                                  supervisor->reported);
    return ok;
}

/* Those that are still playing are killed. A worker that ends of itself may have something to say
 * then: a leak of its own, a sanitizer's last check. */
static bool end_workers(struct supervisor *supervisor)
{
    bool ok = true;

    for (uint32_t i = 0; i < supervisor->worker_count; i++) {
        struct worker *worker = &supervisor->workers[i];
        bool killed = worker->pid > 0 && worker->playing != NO_CASE;

        if (killed)
            kill(worker->pid, SIGKILL);
        if (worker->pid > 0 && end_of_worker(worker) != 0 && !killed) {
            char *output = supervisor_take_output(worker->output, false);

            tool_error("a worker process ended badly after its last case:\n%s",
                       output != NULL ? output : "");
            free(output);
            ok = false;
        }
        if (worker->output != NULL)
            fclose(worker->output);
        if (worker->files.trace != NULL)
            fclose(worker->files.trace);
        if (worker->files.ladder != NULL)
            fclose(worker->files.ladder);
        if (worker->files.capture != NULL)
            fclose(worker->files.capture);
        if (worker->progress != NULL && worker->progress != MAP_FAILED)
            munmap(worker->progress, sizeof(*worker->progress));
    }
    return ok;
}

/* A frontend that cannot even be loaded: each case is told of it, and none is tried. */
static int give_up(struct supervisor *supervisor, const struct scenario_verdict *verdict)
{
    for (size_t i = 0; i < supervisor->options->suite->case_count; i++) {
        supervisor->results[i].verdict = *verdict;
        supervisor->results[i].done = true;
    }
    tell_results(supervisor, true);
    return TOOL_OK;
}

/* For a debugger: no other process. */
static int play_here(struct supervisor *supervisor, const struct supervisor_options *options)
{
    struct scenario_runner *runner = scenario_runner_create();
    struct scenario_progress *progress = calloc(1, sizeof(*progress));
    struct worker_files files = {
        .trace = options->trace ? stdout : NULL,
        .capture = options->capture ? tmpfile() : NULL,
    };
    struct scenario_program program;

    if (runner == NULL || progress == NULL || (options->capture && files.capture == NULL)) {
        free(progress);
        if (runner != NULL)
            scenario_runner_destroy(runner);
        if (files.capture != NULL)
            fclose(files.capture);
        return tool_error("no memory for a world");
    }
    scenario_program_init(&program);
    for (size_t i = 0; i < options->suite->case_count && !interrupted; i++) {
        struct tool_result *result = &supervisor->results[i];

        worker_play(options, runner, &program, i, progress, &files, NULL, &result->verdict);
        result->capture = supervisor_take_bytes(files.capture, &result->capture_length);
        if (result->verdict.outcome != SCENARIO_PASSED)
            result->events = supervisor_take_events(progress);
        result->done = true;
        options->done(options->context, i, result);
    }
    if (files.capture != NULL)
        fclose(files.capture);
    scenario_program_fini(&program);
    scenario_runner_destroy(runner);
    free(progress);
    return interrupted ? TOOL_INTERRUPTED : TOOL_OK;
}

static int play_in_workers(struct supervisor *supervisor)
{
    size_t cases = supervisor->options->suite->case_count;
    uint32_t jobs = supervisor->options->jobs;
    int rc = TOOL_OK;

    if (jobs > JOBS_MAX)
        jobs = JOBS_MAX;
    if (jobs > cases)
        jobs = (uint32_t)cases;
    for (uint32_t i = 0; i < jobs && rc == TOOL_OK; i++) {
        supervisor->worker_count = i + 1;
        if (!prepare_worker(supervisor, &supervisor->workers[i]))
            rc = TOOL_USAGE;
        else
            order_next(supervisor, &supervisor->workers[i]);
    }
    while (rc == TOOL_OK && !interrupted && supervisor->finished < cases) {
        if (!supervise_round(supervisor))
            rc = TOOL_USAGE;
    }
    if (!end_workers(supervisor) && rc == TOOL_OK)
        rc = TOOL_FAILED;
    tell_results(supervisor, true);
    return rc == TOOL_OK && interrupted ? TOOL_INTERRUPTED : rc;
}

/* TOOL_USAGE. */
static int refuse(const struct supervisor_options *options, const char *why)
{
    if (options->refused != NULL)
        options->refused(options->context, why);
    return TOOL_USAGE;
}

/* The same with a frontend from outside, in this process, too. */
static int play_here_loaded(struct supervisor *supervisor)
{
    struct supervisor_options options = *supervisor->options;
    char reason[SCENARIO_REASON_MAX];

    if (options.frontend != NULL) {
        options.subject = subject_load(options.frontend, reason, sizeof(reason));
        if (options.subject == NULL) {
            tool_error("%s: %s", options.frontend, reason);
            return refuse(&options, reason);
        }
    }
    return play_here(supervisor, &options);
}

static int play_probed(struct supervisor *supervisor)
{
    const struct supervisor_options *options = supervisor->options;
    struct scenario_verdict verdict;
    int rc;

    if (options->break_step != 0)
        return play_here_loaded(supervisor);
    memset(&verdict, 0, sizeof(verdict));
    rc = subject_probe(options->frontend, options->stuck_seconds, &verdict, NULL);
    if (rc == TOOL_FAILED)
        return give_up(supervisor, &verdict);
    if (rc == TOOL_USAGE && verdict.reason[0] != '\0')
        return refuse(options, verdict.reason);
    return rc == TOOL_OK ? play_in_workers(supervisor) : rc;
}

bool tool_stuck_fits(const char *command, uint64_t seconds)
{
    const bool fits = seconds >= 1 && seconds <= 86400;

    if (!fits)
        (void)tool_error("%s: --stuck needs a number of seconds from 1 to 86400", command);
    return fits;
}

int supervise(const struct supervisor_options *options, struct tool_result *results)
{
    struct supervisor *supervisor = calloc(1, sizeof(*supervisor));
    static const int ends[] = {SIGINT, SIGTERM, SIGHUP};
    struct sigaction action;
    struct sigaction before[3];
    void (*pipe_before)(int);
    int rc;

    if (supervisor == NULL)
        return tool_error("no memory");
    supervisor->options = options;
    supervisor->results = results;
    interrupted = 0;
    memset(&action, 0, sizeof(action));
    action.sa_handler = on_interrupt;
    for (size_t i = 0; i < 3; i++)
        sigaction(ends[i], &action, &before[i]);
    pipe_before = signal(SIGPIPE, SIG_IGN);
    rc = play_probed(supervisor);
    signal(SIGPIPE, pipe_before);
    for (size_t i = 0; i < 3; i++)
        sigaction(ends[i], &before[i], NULL);
    free(supervisor);
    return rc;
}
