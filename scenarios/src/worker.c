/* SPDX-License-Identifier: ISC */
/*
 * A worker process: plays the cases that it is told to. When it dies, by a signal, a sanitizer or
 * exit, it saves the world's last events where the supervisor finds them.
 */
#include "capture.h"
#include "live.h"
#include "supervisor.h"

#include "scenario/repeat.h"
#include "scenario/variants.h"

#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct {
    const struct scenario_runner *runner;
    struct scenario_progress *progress;
    const struct ladder_recorder *recorder;
    int ladder;
} dying;

static void save_events(void)
{
    if (dying.runner == NULL || dying.progress->phase == SCENARIO_PHASE_IDLE)
        return;
    scenario_runner_save_events(dying.runner, dying.progress);
    if (dying.recorder != NULL)
        ladder_recorder_write(dying.recorder, true, dying.ladder);
    dying.recorder = NULL; /* who catches the death of one signal may die of another */
}

static void on_fatal_signal(int number)
{
    signal(number, SIG_DFL);
    save_events();
    raise(number);
}

/* Sanitizers die by themselves, after their report; and they know what leaked. */
void __sanitizer_set_death_callback(void (*callback)(void)) __attribute__((weak));
int __lsan_do_recoverable_leak_check(void) __attribute__((weak));
size_t __sanitizer_get_current_allocated_bytes(void) __attribute__((weak));

static void catch_death(void)
{
    static const int fatal[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTERM};
    static char stack[65536];
    stack_t alternative = {.ss_sp = stack, .ss_size = sizeof(stack)};
    struct sigaction action;
    struct sigaction before;

    if (__sanitizer_set_death_callback != NULL)
        __sanitizer_set_death_callback(save_events);
    atexit(save_events); /* a frontend may call exit, too */
    sigaltstack(&alternative, NULL);
    memset(&action, 0, sizeof(action));
    action.sa_handler = on_fatal_signal;
    action.sa_flags = SA_ONSTACK;
    for (size_t i = 0; i < sizeof(fatal) / sizeof(fatal[0]); i++) {
        /* What a sanitizer handles itself ends in the callback above. */
        if (sigaction(fatal[i], NULL, &before) == 0 && before.sa_handler == SIG_DFL)
            sigaction(fatal[i], &action, NULL);
    }
}

/* Its search takes longer than most scenarios. What has leaked is still allocated: where no more is
 * than before there is nothing to search for. (A leak as large as what was freed beside it is found
 * when the process ends.) */
static bool holds_more(void)
{
    static size_t held;
    size_t before = held;

    if (__sanitizer_get_current_allocated_bytes == NULL)
        return true;
    held = __sanitizer_get_current_allocated_bytes();
    return held > before;
}

bool worker_leaked(struct scenario_verdict *verdict)
{
    if (__lsan_do_recoverable_leak_check == NULL || !holds_more() ||
        __lsan_do_recoverable_leak_check() == 0)
        return false;
    if (verdict->outcome == SCENARIO_PASSED || verdict->outcome == SCENARIO_UNSUPPORTED) {
        verdict->outcome = SCENARIO_CRASHED;
        verdict->exit_code = scenario_exit_code(SCENARIO_CRASHED);
        verdict->rule = 13;
        snprintf(verdict->reason, sizeof(verdict->reason),
                 "memory leaked: the sanitizer's report tells where it was allocated");
    }
    return true;
}

static void trace_line(void *context, const char *line)
{
    fputs(line, context);
    fputc('\n', context);
}

static void lose_capture(struct scenario_verdict *verdict)
{
    verdict->outcome = SCENARIO_BAD;
    verdict->exit_code = scenario_exit_code(SCENARIO_BAD);
    verdict->rule = 0;
    snprintf(verdict->reason, sizeof(verdict->reason),
             "its packets cannot be kept: no room in the folder for temporary files, or no memory");
}

void worker_play(const struct supervisor_options *options, struct scenario_runner *runner,
                 struct scenario_program *program, size_t index, struct scenario_progress *progress,
                 const struct worker_files *files, struct ladder_recorder *recorder,
                 struct scenario_verdict *verdict)
{
    struct scenario_run_options run;
    struct capture capture;
    bool captured = true;
    uint64_t first_hash = 0;

    memset(verdict, 0, sizeof(*verdict));
    scenario_run_options_init(&run);
    run.subject = options->subject;
    run.strict = options->strict;
    run.set_seed = options->set_seed;
    run.seed = options->seed;
    run.break_step = options->break_step;
    run.may_open_files = true;
    run.disk = options->disk;
    run.dialects = options->dialects;
    run.progress = progress;
    if (options->live != NULL) {
        run.live = live_table(options->live, verdict->reason);
        if (run.live == NULL) {
            verdict->outcome = SCENARIO_BAD;
            verdict->exit_code = scenario_exit_code(SCENARIO_BAD);
            return;
        }
    }
    if (files->trace != NULL) {
        run.trace = trace_line;
        run.trace_context = files->trace;
    }
    if (recorder != NULL) {
        ladder_recorder_clear(recorder);
        run.listener = ladder_recorder_listener(recorder);
    }
    if (tool_suite_program(options->suite, index, program) != SCENARIO_OK) {
        verdict->outcome = SCENARIO_BAD;
        verdict->exit_code = scenario_exit_code(SCENARIO_BAD);
        snprintf(verdict->reason, sizeof(verdict->reason), "no memory for the program");
        return;
    }
    if (files->capture != NULL) {
        const struct tool_case *one = &options->suite->cases[index];

        capture_begin(&capture, files->capture, one->id, options->suite->files[one->file].title,
                      program);
        capture.listener.next = run.listener;
        run.listener = &capture.listener;
    }
    for (uint32_t round = 0; round < options->repeat; round++) {
        if (options->once)
            scenario_runner_run(runner, program, &run, verdict);
        else
            scenario_repeat_run(runner, program, &run, options->only, verdict);
        subject_excuse(options->frontend, verdict);
        run.trace = NULL;
        run.listener = NULL;
        if (round == 0 && files->capture != NULL)
            captured = capture_end(&capture);
        if (round == 0) {
            first_hash = verdict->hash;
        } else if (verdict->hash != first_hash && options->live == NULL) {
            verdict->outcome = SCENARIO_FAILED;
            verdict->exit_code = scenario_exit_code(SCENARIO_FAILED);
            snprintf(verdict->reason, sizeof(verdict->reason),
                     "not repeatable: trace hash %016" PRIx64 " the first time, %016" PRIx64
                     " at repetition %" PRIu32,
                     first_hash, verdict->hash, round + 1);
            return;
        }
    }
    if (files->trace != NULL)
        fflush(files->trace);
    if (!captured)
        lose_capture(verdict);
}

/* False: the verdict says why. */
static bool load_frontend(struct supervisor_options *options, struct scenario_progress *progress,
                          struct scenario_verdict *verdict)
{
    char reason[SCENARIO_REASON_MAX];

    progress->phase = SCENARIO_PHASE_SETUP; /* a death is this case's */
    options->subject = subject_load(options->frontend, reason, sizeof(reason));
    if (options->subject != NULL)
        return true;
    memset(verdict, 0, sizeof(*verdict));
    verdict->outcome = SCENARIO_BAD;
    verdict->exit_code = scenario_exit_code(SCENARIO_BAD);
    snprintf(verdict->reason, sizeof(verdict->reason), "%.100s: %.280s", options->frontend, reason);
    return false;
}

static bool read_order(int orders, uint64_t *index)
{
    return read(orders, index, sizeof(*index)) == (ssize_t)sizeof(*index);
}

/* A run that passes is like the others of its scenario. */
static void leave_ladder(const struct supervisor_options *options, size_t index,
                         const struct ladder_recorder *recorder, int file,
                         const struct scenario_verdict *verdict)
{
    bool failed = verdict->outcome != SCENARIO_PASSED && verdict->outcome != SCENARIO_UNSUPPORTED;

    if (failed || tool_suite_is_first(options->suite, index))
        ladder_recorder_write(recorder, verdict->struck_at != 0, file);
}

void worker_main(const struct supervisor_options *options, int orders, int answers,
                 struct scenario_progress *progress, const struct worker_files *files)
{
    struct supervisor_options own = *options;
    struct scenario_runner *runner = scenario_runner_create();
    struct ladder_recorder *recorder =
        files->ladder == NULL ? NULL
                              : ladder_recorder_create(options->ladder_rows, options->ladder_rows);
    struct scenario_program program;
    struct worker_answer answer;
    bool leak = false;

    if (runner == NULL || (files->ladder != NULL && recorder == NULL)) {
        _exit(WORKER_NO_WORLD);
    }
    dying.runner = runner;
    dying.progress = progress;
    catch_death();
    if (files->trace != NULL)
        setvbuf(files->trace, NULL, _IOLBF, BUFSIZ); /* the last line before a crash matters most */
    scenario_program_init(&program);
    memset(&answer, 0, sizeof(answer));
    while (!answer.last && read_order(orders, &answer.index)) {
        dying.recorder = recorder;
        dying.ladder = recorder == NULL ? -1 : fileno(files->ladder);
        if (own.frontend == NULL || load_frontend(&own, progress, &answer.verdict))
            worker_play(&own, runner, &program, (size_t)answer.index, progress, files, recorder,
                        &answer.verdict);
        if (recorder != NULL)
            leave_ladder(&own, (size_t)answer.index, recorder, dying.ladder, &answer.verdict);
        dying.recorder = NULL;
        progress->phase = SCENARIO_PHASE_IDLE;
        fflush(stdout);
        leak = worker_leaked(&answer.verdict);
        answer.last = leak || own.frontend != NULL;
        if (write(answers, &answer, sizeof(answer)) != (ssize_t)sizeof(answer))
            break;
    }
    /* exit, not _exit: coverage counters and leak checks want their say. */
    scenario_program_fini(&program);
    dying.runner = NULL;
    scenario_runner_destroy(runner);
    ladder_recorder_destroy(recorder);
    if (leak)
        _exit(0); /* it has been told */
    exit(0);
}
