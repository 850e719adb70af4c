/* SPDX-License-Identifier: ISC */
/*
 * simblk explore: each variant of a scenario in every order in which the world can go. The search
 * runs in a process of its own, which leaves its schedule where we find it when it dies.
 */
#include "attempt.h"
#include "report.h"
#include "supervisor.h"

#include "scenario/explore.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { SCHEDULES_MAX = 100000, POLL_NS = 20000000 };

struct shared {
    struct scenario_progress progress;
    struct scenario_exploration exploration;
    struct scenario_schedule schedule;
    struct scenario_verdict verdict;
    bool ended;
};

struct explore_command {
    uint64_t schedules, stuck_seconds;
    const char *schedule, *frontend;
    bool strict;
    struct shared *shared;
};

static double seconds_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* "0.2.1": the choices, one after the other. */
static bool read_schedule(const char *text, struct scenario_schedule *schedule)
{
    schedule->length = 0;
    while (*text != '\0') {
        char *end = NULL;
        unsigned long choice = text[0] >= '0' && text[0] <= '9' ? strtoul(text, &end, 10) : 256;

        if (choice > UINT8_MAX || schedule->length == SCENARIO_SCHEDULE_MAX ||
            (*end != '\0' && *end != '.'))
            return false;
        schedule->choice[schedule->length++] = (uint8_t)choice;
        text = *end == '.' ? end + 1 : end;
    }
    return true;
}

/* One from outside is loaded into a process for each schedule: what it keeps is no part of any. */
static bool play_outside(void *context, const struct scenario_program *program,
                         const struct scenario_run_options *options,
                         struct scenario_verdict *verdict)
{
    const struct explore_command *command = context;
    const struct attempt_options attempt = {
        .run = *options, .frontend = command->frontend, .once = true, .errors = true};

    return attempt_play(&attempt, program, verdict);
}

static void search_all(struct explore_command *command, const struct scenario_program *program,
                       struct scenario_run_options *options)
{
    struct shared *shared = command->shared;
    struct scenario_runner *runner = NULL;

    if (command->frontend == NULL) {
        runner = scenario_runner_create();
        if (runner == NULL)
            _exit(TOOL_USAGE);
    } else {
        shared->exploration.play = play_outside;
        shared->exploration.play_context = command;
    }
    (void)scenario_explore(runner, program, options, &shared->exploration, &shared->schedule,
                           &shared->verdict);
}

static void play_schedule(const struct explore_command *command,
                          const struct scenario_program *program,
                          struct scenario_run_options *options)
{
    struct shared *shared = command->shared;
    struct scenario_runner *runner = scenario_runner_create();
    char reason[SCENARIO_REASON_MAX];

    if (command->frontend != NULL)
        options->subject = subject_load(command->frontend, reason, sizeof(reason));
    if (runner == NULL || options->subject == NULL)
        _exit(TOOL_USAGE);
    scenario_play_schedule(runner, program, options, &shared->schedule, &shared->verdict);
    subject_excuse(command->frontend, &shared->verdict);
}

static _Noreturn void search(struct explore_command *command,
                             const struct scenario_program *program)
{
    struct scenario_run_options options;

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    scenario_run_options_init(&options);
    options.subject = tool_subject();
    options.strict = command->strict;
    options.progress = &command->shared->progress;
    attempt_quiet(false);
    if (command->schedule != NULL)
        play_schedule(command, program, &options);
    else
        search_all(command, program, &options);
    command->shared->ended = true;
    _exit(TOOL_OK);
}

/* Waits for the search; one whose world stands still is ended. */
static void wait_for(const struct explore_command *command, pid_t pid)
{
    struct shared *shared = command->shared;
    const struct timespec pause = {0, POLL_NS};
    double moved = seconds_now();
    uint64_t beats = 0;
    int status = 0;
    bool stuck = false;

    while (waitpid(pid, &status, WNOHANG) == 0) {
        if (shared->progress.beats != beats) {
            beats = shared->progress.beats;
            moved = seconds_now();
        }
        stuck = seconds_now() - moved > (double)command->stuck_seconds;
        if (stuck)
            kill(pid, SIGKILL);
        nanosleep(&pause, NULL);
    }
    if (shared->ended)
        return;
    supervisor_judge_death(&shared->progress, status, stuck, command->stuck_seconds, NULL,
                           &shared->verdict);
}

static void print_schedule(const struct scenario_schedule *schedule)
{
    for (uint32_t i = 0; i < schedule->length; i++)
        printf("%s%u", i == 0 ? "" : ".", schedule->choice[i]);
}

static void tell_search(const struct scenario_exploration *exploration, bool good)
{
    printf(": %" PRIu64 " schedules", exploration->schedules);
    if (exploration->play == NULL)
        printf(", %" PRIu64 " of them up to a state that was known, %" PRIu64 " states",
               exploration->cut, exploration->states);
    printf(", at most %u choices%s", exploration->longest,
           !good                ? ""
           : exploration->whole ? "; that is all"
                                : "; there are more");
}

static void tell_failure(const struct explore_command *command, const char *path, const char *id)
{
    const struct shared *shared = command->shared;

    printf("     ");
    report_verdict(stdout, &shared->verdict);
    printf("     at %s:%u (step %u)\n", path, (unsigned)shared->verdict.line,
           (unsigned)shared->verdict.step);
    for (uint32_t i = 0; i < shared->progress.event_lines; i++)
        printf("%s        %s\n", i == 0 ? "     last events:\n" : "",
               shared->progress.event_text[i]);
    printf("     again: simblk explore");
    report_frontend(stdout, command->frontend);
    printf("%s --schedule ", command->strict ? " --strict" : "");
    print_schedule(&shared->schedule);
    printf(" --id '%s' %s\n", id, path);
}

static void tell(const struct explore_command *command, const char *path, const char *id)
{
    const struct scenario_verdict *verdict = &command->shared->verdict;
    bool good = verdict->outcome == SCENARIO_PASSED;

    if (verdict->outcome == SCENARIO_UNSUPPORTED) {
        printf("skip %s: %s\n", id, verdict->reason);
        return;
    }
    printf("%s %s", good ? "ok  " : "FAIL", id);
    if (command->schedule == NULL)
        tell_search(&command->shared->exploration, good);
    putchar('\n');
    if (!good)
        tell_failure(command, path, id);
}

/* The exit code of this variant; -1: no process. */
static int explore_one(struct explore_command *command, const struct scenario_program *program,
                       const char *path, const char *id)
{
    struct shared *shared = command->shared;
    struct scenario_schedule schedule = shared->schedule;
    pid_t pid;

    memset(shared, 0, sizeof(*shared));
    shared->schedule = schedule;
    shared->exploration.max_schedules = command->schedules;
    fflush(NULL);
    pid = fork();
    if (pid == 0)
        search(command, program);
    if (pid < 0)
        return -1;
    wait_for(command, pid);
    tell(command, path, id);
    if (command->schedule == NULL)
        shared->schedule.length = 0;
    return shared->verdict.exit_code;
}

static int explore_all(struct explore_command *command, const struct tool_suite *suite)
{
    struct scenario_program program;
    int rc = TOOL_OK;
    bool any = false;

    scenario_program_init(&program);
    for (size_t i = 0; rc != TOOL_USAGE && i < suite->case_count; i++) {
        const struct tool_case *one = &suite->cases[i];
        int code;

        if (tool_suite_program(suite, i, &program) != SCENARIO_OK) {
            rc = tool_error("explore: no memory");
            break;
        }
        code = explore_one(command, &program, suite->files[one->file].path, one->id);
        rc = code < 0 ? tool_error("explore: no process can be made: %s", strerror(errno))
                      : scenario_exit_merge(rc, code, &any);
    }
    scenario_program_fini(&program);
    return rc;
}

int cmd_explore(int argc, char **argv)
{
    struct explore_command command = {.schedules = SCHEDULES_MAX,
                                      .stuck_seconds = TOOL_STUCK_SECONDS};
    struct tool_selection selection;
    struct tool_suite suite;
    struct scenario_verdict probed = {.exit_code = TOOL_FAILED};
    int rest = 0, rc;
    const struct tool_option options[] = {
        TOOL_OPTION_FRONTEND(&command.frontend),
        {"--id", TOOL_LIST, "ID", "only these: an id, the end of one, or a pattern with * and ?",
         &selection.ids, NULL},
        {"--schedules", TOOL_NUMBER, "N", "stop after so many; 0: never; default 100000",
         &command.schedules, NULL},
        {"--schedule", TOOL_TEXT, "N.N...", "play just this one: the choices, in their order",
         &command.schedule, NULL},
        {"--strict", TOOL_FLAG, NULL, "judge what the rules say SHOULD be, too", &command.strict,
         NULL},
        TOOL_OPTION_STUCK(&command.stuck_seconds),
    };

    memset(&selection, 0, sizeof(selection));
    memset(&suite, 0, sizeof(suite));
    rc = tool_options(tool_command_find("explore"), options, sizeof(options) / sizeof(options[0]),
                      argc, argv, &rest);
    if (rc != -1)
        return rc;
    if (rest == 0)
        return tool_error("explore: name a scenario or a folder of them");
    if (!tool_stuck_fits("explore", command.stuck_seconds))
        return TOOL_USAGE;
    command.shared = mmap(NULL, sizeof(*command.shared), PROT_READ | PROT_WRITE,
                          MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (command.shared == MAP_FAILED)
        return tool_error("explore: no memory");
    if (command.schedule != NULL && !read_schedule(command.schedule, &command.shared->schedule))
        rc = tool_error("explore: --schedule needs numbers from 0 to 255 with dots between them");
    else
        rc = tool_suite_load(&suite, argv + 1, rest, &selection, NULL);
    if (rc == TOOL_OK)
        rc = subject_probe(command.frontend, command.stuck_seconds, &probed, NULL);
    if (rc == TOOL_FAILED)
        rc = probed.exit_code;
    if (rc == TOOL_OK)
        rc = explore_all(&command, &suite);
    tool_suite_fini(&suite);
    munmap(command.shared, sizeof(*command.shared));
    return rc;
}
