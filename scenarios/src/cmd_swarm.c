/* SPDX-License-Identifier: ISC */
/*
 * simblk swarm: programs by seed, as many as there are processors at once. Each worker takes the
 * next seeds and plays them; one that dies or stands still has found something, and another takes
 * its place. What is found is told in the order of the seeds, whoever was first.
 */
#include "attempt.h"
#include "report.h"
#include "supervisor.h"

#include "scenario/run.h"
#include "scenario/swarm.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
    JOBS_MAX = 64,
    FINDS_MAX = 100,
    BATCH = 16,          /* seeds that a worker takes at once */
    CALLS_MAX = 2000,    /* of a program */
    WORLD_STEPS = 100000 /* without a completed call (I4) */
};

struct find {
    uint64_t seed;
    struct scenario_verdict verdict;
};

/* Seeds that came to no verdict of a kind, and what was said of the first. */
struct without {
    uint64_t count, first;
    char why[SCENARIO_REASON_MAX];
};

/* One worker's, in memory that all share. Its process alone writes it. */
struct lane {
    struct scenario_progress progress;
    volatile uint64_t seed; /* that is being played */
    volatile uint64_t end;  /* of its batch */
    uint64_t played, effective, world_steps;
    uint64_t least; /* effective steps of any */
    uint64_t least_seed;
    struct without unplayable, skipped;
    uint32_t rules_checked;
};

struct shared {
    atomic_uint_fast64_t next; /* first seed that nobody has taken */
    atomic_uint finds;
    struct find find[FINDS_MAX];
    struct lane lanes[JOBS_MAX];
};

struct swarm_command {
    const char *seeds, *frontend;
    uint64_t first, last;
    uint64_t jobs, calls, stuck_seconds, capabilities;
    bool strict, shrink, show;
    struct shared *shared;
    pid_t pids[JOBS_MAX];
    uint64_t beats[JOBS_MAX];
    double moved[JOBS_MAX];
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

/* ---- a worker ---- */

static bool is_find(const struct scenario_verdict *verdict)
{
    return verdict->outcome != SCENARIO_PASSED && verdict->outcome != SCENARIO_UNSUPPORTED &&
           verdict->outcome != SCENARIO_BAD;
}

static void keep_find(struct shared *shared, uint64_t seed, const struct scenario_verdict *verdict)
{
    unsigned at = atomic_fetch_add(&shared->finds, 1);

    if (at < FINDS_MAX)
        shared->find[at] = (struct find){seed, *verdict};
}

static void play_options(const struct swarm_command *command, struct scenario_run_options *options)
{
    scenario_run_options_init(options);
    options->subject = tool_subject();
    options->strict = command->strict;
    options->max_steps = WORLD_STEPS;
}

static void count_without(struct without *without, uint64_t seed,
                          const struct scenario_verdict *verdict)
{
    if (without->count++ != 0)
        return;
    without->first = seed;
    memcpy(without->why, verdict->reason, sizeof(without->why));
}

/* The seed's, without what the frontend lacks. */
static int make_program(const struct swarm_command *command, uint64_t seed,
                        struct scenario_program *program)
{
    int error = scenario_swarm_program(program, seed, (unsigned)command->calls);

    if (error == SCENARIO_OK && command->frontend != NULL)
        scenario_swarm_fit(program, command->capabilities);
    return error;
}

/* What was stopped by a find is not held against it. */
static void count(struct lane *lane, const struct scenario_verdict *verdict)
{
    lane->played++;
    if (verdict->outcome == SCENARIO_BAD)
        count_without(&lane->unplayable, lane->seed, verdict);
    if (verdict->outcome == SCENARIO_UNSUPPORTED)
        count_without(&lane->skipped, lane->seed, verdict);
    lane->effective += verdict->steps_effective;
    if (verdict->steps_effective < lane->least && verdict->outcome == SCENARIO_PASSED) {
        lane->least = verdict->steps_effective;
        lane->least_seed = lane->seed;
    }
    lane->world_steps += verdict->world_steps;
    lane->rules_checked |= verdict->rules_checked;
}

static bool take_batch(const struct swarm_command *command, struct lane *lane)
{
    uint64_t first = atomic_fetch_add(&command->shared->next, BATCH);

    if (first > command->last || first < command->first)
        return false;
    lane->seed = first;
    lane->end = command->last - first < BATCH ? command->last + 1 : first + BATCH;
    return true;
}

/* One from outside is loaded into a process for each seed: what it keeps is no part of any seed.
 * False: there is no process. */
static bool play(const struct attempt_options *options, struct scenario_runner *runner,
                 const struct scenario_program *program, struct scenario_verdict *verdict)
{
    if (options->frontend != NULL)
        return attempt_play(options, program, verdict);
    scenario_runner_run(runner, program, &options->run, verdict);
    return true;
}

/* From lane->seed on: what a worker before has begun is gone on with. */
static void work(const struct swarm_command *command, struct lane *lane)
{
    struct scenario_runner *runner = command->frontend == NULL ? scenario_runner_create() : NULL;
    struct attempt_options options = {
        .frontend = command->frontend, .once = true, .errors = command->first == command->last};
    struct scenario_program program;
    struct scenario_verdict verdict;

    if (runner == NULL && command->frontend == NULL)
        _exit(TOOL_USAGE);
    scenario_program_init(&program);
    play_options(command, &options.run);
    options.run.progress = &lane->progress;
    while (lane->seed < lane->end || take_batch(command, lane)) {
        if (make_program(command, lane->seed, &program) != SCENARIO_OK)
            _exit(TOOL_USAGE);
        if (!play(&options, runner, &program, &verdict))
            _exit(TOOL_USAGE);
        count(lane, &verdict);
        if (is_find(&verdict))
            keep_find(command->shared, lane->seed, &verdict);
        lane->seed++;
    }
    scenario_program_fini(&program);
    if (runner != NULL)
        scenario_runner_destroy(runner);
    _exit(TOOL_OK);
}

/* ---- all of them ---- */

static bool start(struct swarm_command *command, unsigned index)
{
    struct lane *lane = &command->shared->lanes[index];

    fflush(NULL);
    command->pids[index] = fork();
    if (command->pids[index] == 0) {
        signal(SIGINT, SIG_IGN);
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        attempt_quiet(command->first != command->last); /* of a single one all is told */
        work(command, lane);
    }
    command->moved[index] = seconds_now();
    return command->pids[index] > 0;
}

/* It died with this seed in its hands. */
static void died(struct swarm_command *command, unsigned index, int status, bool stuck)
{
    struct lane *lane = &command->shared->lanes[index];
    struct scenario_verdict verdict;

    supervisor_judge_death(&lane->progress, status, stuck, command->stuck_seconds, NULL, &verdict);
    keep_find(command->shared, lane->seed, &verdict);
    lane->played++;
    lane->seed++;
}

static bool is_stuck(struct swarm_command *command, unsigned index)
{
    const struct lane *lane = &command->shared->lanes[index];
    uint64_t beats = lane->progress.beats + lane->seed;

    if (beats != command->beats[index])
        command->moved[index] = seconds_now();
    command->beats[index] = beats;
    return seconds_now() - command->moved[index] > (double)command->stuck_seconds;
}

/* False: it has ended well, or no other can be made. */
static bool look_after(struct swarm_command *command, unsigned index)
{
    bool stuck = false;
    int status = 0;

    if (interrupted || is_stuck(command, index)) {
        stuck = !interrupted;
        kill(command->pids[index], SIGKILL);
        waitpid(command->pids[index], &status, 0);
    } else if (waitpid(command->pids[index], &status, WNOHANG) == 0) {
        return true;
    }
    if (interrupted || (!stuck && WIFEXITED(status) && WEXITSTATUS(status) == TOOL_OK))
        return false;
    died(command, index, status, stuck);
    return atomic_load(&command->shared->finds) < FINDS_MAX && start(command, index);
}

static bool play_all(struct swarm_command *command)
{
    struct timespec pause = {0, 20000000};
    bool running[JOBS_MAX] = {false}, any = true;

    for (unsigned i = 0; i < command->jobs; i++) {
        command->shared->lanes[i].least = UINT64_MAX;
        running[i] = start(command, i);
        if (!running[i])
            return tool_error("swarm: no process can be made: %s", strerror(errno)), false;
    }
    while (any) {
        any = false;
        for (unsigned i = 0; i < command->jobs; i++) {
            running[i] = running[i] && look_after(command, i);
            any = any || running[i];
        }
        if (any)
            nanosleep(&pause, NULL);
    }
    return true;
}

/* ---- what was found ---- */

static int by_seed(const void *a, const void *b)
{
    uint64_t left = ((const struct find *)a)->seed, right = ((const struct find *)b)->seed;

    return left < right ? -1 : left > right;
}

static void tell_find(const struct swarm_command *command, const struct find *find)
{
    struct attempt_options options = {.frontend = command->frontend,
                                      .stuck_seconds = (unsigned)command->stuck_seconds};
    struct scenario_program program;
    struct scenario_verdict verdict = {.outcome = SCENARIO_PASSED};
    struct scenario_buffer text;

    play_options(command, &options.run);
    printf("FAIL seed %" PRIu64 ": %s\n     %s\n     again: simblk swarm", find->seed,
           scenario_outcome_name(find->verdict.outcome), find->verdict.reason);
    report_frontend(stdout, command->frontend);
    printf("%s --calls %" PRIu64 " --seeds %" PRIu64 "\n", command->strict ? " --strict" : "",
           command->calls, find->seed);
    scenario_program_init(&program);
    scenario_buffer_init(&text);
    if (make_program(command, find->seed, &program) == SCENARIO_OK) {
        if (command->shrink)
            (void)attempt_shrink(&options, &program, 0, &verdict);
        if (scenario_print(&program, &text) == SCENARIO_OK && text.length != 0)
            printf("     the scenario:\n%s", text.data);
    }
    scenario_buffer_fini(&text);
    scenario_program_fini(&program);
}

static void add_without(struct without *sum, const struct without *without)
{
    uint64_t count = sum->count + without->count;

    if (without->count != 0 && (sum->count == 0 || without->first < sum->first))
        *sum = *without;
    sum->count = count;
}

static void add(struct lane *sum, const struct lane *lane)
{
    add_without(&sum->unplayable, &lane->unplayable);
    add_without(&sum->skipped, &lane->skipped);
    if (lane->least < sum->least) {
        sum->least = lane->least;
        sum->least_seed = lane->least_seed;
    }
    sum->played += lane->played;
    sum->effective += lane->effective;
    sum->world_steps += lane->world_steps;
}

/* Of all processes that have ended. */
static double processor_seconds(void)
{
    struct rusage usage;

    if (getrusage(RUSAGE_CHILDREN, &usage) != 0)
        return 0;
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static void tell_sum(const struct lane *sum, unsigned finds, double seconds)
{
    double played = (double)sum->played;

    printf("%" PRIu64 " seeds, %u found, %" PRIu64
           " without a verdict; %.0f a second, %.2f ms of a "
           "processor each\n",
           sum->played, finds, sum->unplayable.count, seconds > 0 ? played / seconds : 0,
           sum->played == 0 ? 0 : processor_seconds() * 1000 / played);
    if (sum->skipped.count != 0)
        printf("%" PRIu64 " skipped, the first of them seed %" PRIu64 ": %s\n", sum->skipped.count,
               sum->skipped.first, sum->skipped.why);
    if (sum->unplayable.count != 0)
        printf("the first without a verdict is seed %" PRIu64 ": %s\n", sum->unplayable.first,
               sum->unplayable.why);
    if (sum->least != UINT64_MAX)
        printf("steps that reached frontend, ring or XenStore: %.1f a seed, at least %" PRIu64
               " (seed %" PRIu64 "); of the world: %.0f a seed\n",
               (double)sum->effective / played, sum->least, sum->least_seed,
               (double)sum->world_steps / played);
}

static int tell(const struct swarm_command *command, double seconds)
{
    struct shared *shared = command->shared;
    struct lane sum = {.least = UINT64_MAX};
    unsigned finds = atomic_load(&shared->finds), kept = finds < FINDS_MAX ? finds : FINDS_MAX;
    int code = TOOL_OK;
    bool any = false;

    qsort(shared->find, kept, sizeof(shared->find[0]), by_seed);
    for (unsigned i = 0; i < kept; i++) {
        tell_find(command, &shared->find[i]);
        code = scenario_exit_merge(code, shared->find[i].verdict.exit_code, &any);
    }
    for (unsigned i = 0; i < command->jobs; i++)
        add(&sum, &shared->lanes[i]);
    tell_sum(&sum, finds, seconds);
    if (finds > FINDS_MAX)
        printf("only the first %u are shown\n", (unsigned)FINDS_MAX);
    if (!any && sum.played != 0 && sum.skipped.count == sum.played)
        code = scenario_exit_code(SCENARIO_UNSUPPORTED);
    return interrupted ? TOOL_INTERRUPTED : code;
}

/* ---- the command ---- */

/* What would be played, and nothing else. */
static int show(const struct swarm_command *command)
{
    struct scenario_program program;
    struct scenario_buffer text;
    int error = SCENARIO_OK;

    scenario_program_init(&program);
    scenario_buffer_init(&text);
    for (uint64_t seed = command->first; seed <= command->last && error == SCENARIO_OK; seed++) {
        error = make_program(command, seed, &program);
        scenario_buffer_clear(&text);
        if (error == SCENARIO_OK)
            error = scenario_print(&program, &text);
        if (error == SCENARIO_OK)
            printf("%s%s", seed == command->first ? "" : "\n", text.data);
    }
    scenario_buffer_fini(&text);
    scenario_program_fini(&program);
    return error == SCENARIO_OK ? TOOL_OK : TOOL_USAGE;
}

static bool read_seeds(struct swarm_command *command)
{
    char *end = NULL;

    if (command->seeds == NULL || command->seeds[0] < '0' || command->seeds[0] > '9')
        return false;
    errno = 0;
    command->first = command->last = strtoull(command->seeds, &end, 10);
    if (end[0] == '.' && end[1] == '.' && end[2] >= '0' && end[2] <= '9')
        command->last = strtoull(end + 2, &end, 10);
    return errno == 0 && *end == '\0' && command->first <= command->last &&
           command->last < UINT64_MAX - BATCH;
}

int cmd_swarm(int argc, char **argv)
{
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    struct swarm_command command = {
        .jobs = processors < 1          ? 1
                : processors > JOBS_MAX ? JOBS_MAX
                                        : (uint64_t)processors,
        .calls = SCENARIO_SWARM_CALLS,
        .stuck_seconds = TOOL_STUCK_SECONDS,
    };
    struct scenario_verdict probed;
    const struct tool_option options[] = {
        TOOL_OPTION_FRONTEND(&command.frontend),
        {"--seeds", TOOL_TEXT, "A..B", "the seeds to play, or a single one", &command.seeds, NULL},
        {"--calls", TOOL_NUMBER, "N",
         "calls of the application, each a step that reaches the frontend; default 100",
         &command.calls, NULL},
        {"--strict", TOOL_FLAG, NULL, "judge what the rules say SHOULD be, too", &command.strict,
         NULL},
        {"--shrink", TOOL_FLAG, NULL, "show the smallest scenario that fails alike",
         &command.shrink, NULL},
        {"--show", TOOL_FLAG, NULL, "print the scenarios of the seeds, play nothing", &command.show,
         NULL},
        {"--jobs", TOOL_NUMBER, "N", "processes; default: one for each processor", &command.jobs,
         NULL},
        TOOL_OPTION_STUCK(&command.stuck_seconds),
    };
    double began;
    int rest = 0;
    int rc = tool_options(tool_command_find("swarm"), options, sizeof(options) / sizeof(options[0]),
                          argc, argv, &rest);

    if (rc != -1)
        return rc;
    if (rest != 0 || !read_seeds(&command))
        return tool_error("swarm: --seeds needs A..B, for example: simblk swarm --seeds 1..1000");
    if (command.jobs < 1 || command.jobs > JOBS_MAX)
        return tool_error("swarm: --jobs needs a number from 1 to %d", (int)JOBS_MAX);
    if (command.calls < 1 || command.calls > CALLS_MAX)
        return tool_error("swarm: --calls needs a number from 1 to %d", (int)CALLS_MAX);
    if (!tool_stuck_fits("swarm", command.stuck_seconds))
        return TOOL_USAGE;
    rc = subject_probe(command.frontend, command.stuck_seconds, &probed, &command.capabilities);
    if (rc != TOOL_OK)
        return rc == TOOL_FAILED ? probed.exit_code : rc;
    if (command.show)
        return show(&command);
    command.shared = mmap(NULL, sizeof(*command.shared), PROT_READ | PROT_WRITE,
                          MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (command.shared == MAP_FAILED)
        return tool_error("swarm: no memory");
    atomic_store(&command.shared->next, command.first);
    signal(SIGINT, on_interrupt);
    began = seconds_now();
    rc = play_all(&command) ? tell(&command, seconds_now() - began) : TOOL_USAGE;
    munmap(command.shared, sizeof(*command.shared));
    return rc;
}
