/* SPDX-License-Identifier: ISC */
/*
 * An input of a target whose inputs are programs: decoded, played by the runner, judged by the
 * rules alone. A broken rule is told as a report and the program's text, so that it can be kept as
 * a scenario, and ends the process.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "scenario/bytes.h"
#include "scenario/run.h"
#include "scenario/table.h"
#include "target.h"

/* Of the world without a completed call (I4): more than a program takes that floods nobody, and few
 * enough that what never comes to rest costs a second and not a minute. */
enum { MAX_STEPS = 20000 };

/* Refused connections: more than a minute of virtual time, which is as long as anything in a
 * program lasts (tame.c). Some inputs of `store` are asked in vain for ever: they took more of its
 * time than all others. */
enum { PATIENCE = 40 };

/* Pools of gigabytes would say nothing new, and the marks of a checker on them stay. */
#define MEMORY_LIMIT ((uint64_t)128 << 20)

static const struct fuzz_target *target;
static struct scenario_runner *runner;
static struct scenario_snapshots *snapshots; /* NULL: there is no memory for them */
static struct scenario_program program;
static struct scenario_progress progress;
static uint64_t inputs, effective_steps;

/* Sanitizers die by themselves, after their report. There is one callback, and where a fuzzer is
 * it is the fuzzer's: it keeps the input. */
void __sanitizer_set_death_callback(void (*callback)(void)) __attribute__((weak));
int LLVMFuzzerRunDriver(int *argc, char ***argv, int (*run)(const uint8_t *data, size_t size))
    __attribute__((weak));

static void print_events(void)
{
    fprintf(stderr, "last events, at step %u:\n", (unsigned)progress.step);
    for (uint32_t i = 0; i < progress.event_lines; i++) {
        fprintf(stderr, "  %s\n", progress.event_text[i]);
    }
}

static void on_death(void)
{
    if (progress.phase == SCENARIO_PHASE_IDLE || progress.phase == SCENARIO_PHASE_DONE) {
        return;
    }
    scenario_runner_save_events(runner, &progress);
    print_events();
}

/* In the form of libFuzzer's own figures. */
static void print_figures(void)
{
    if (inputs != 0) {
        fprintf(stderr, "stat::effective_steps_per_unit: %.1f\n",
                (double)effective_steps / (double)inputs);
    }
}

static void begin(void)
{
    target = fuzz_target_find(fuzz_target_name);
    runner = scenario_runner_create();
    snapshots = scenario_snapshots_create();
    fuzz_shared.wanted = snapshots != NULL;
    if (target == NULL || runner == NULL) {
        fputs("no memory for a world\n", stderr);
        exit(2);
    }
    atexit(print_figures);
    scenario_program_init(&program);
    if (__sanitizer_set_death_callback != NULL && LLVMFuzzerRunDriver == NULL) {
        __sanitizer_set_death_callback(on_death);
    }
}

static void report(const struct scenario_verdict *verdict)
{
    struct scenario_buffer text;

    fprintf(stderr, "%s: %s\n", scenario_outcome_name(verdict->outcome), verdict->reason);
    print_events();
    scenario_buffer_init(&text);
    if (scenario_print(&program, &text) == SCENARIO_OK && text.data != NULL) {
        fprintf(stderr, "the program:\n%s", text.data);
    }
    scenario_buffer_fini(&text);
}

/* Each event that the program makes by the thousand is taken in steps of its own. */
static uint64_t max_steps(void)
{
    uint64_t steps = MAX_STEPS;

    for (size_t i = 0; i < program.step_count; i++) {
        const struct scenario_step *step = &program.steps[i];

        if (step->opcode == STEP_EVENT_SPURIOUS) {
            steps += 2 * scenario_value(step, FIELD_EVENT_SPURIOUS_COUNT);
        } else if (step->opcode == STEP_WATCH_FIRE) {
            steps += 2 * scenario_value(step, FIELD_WATCH_FIRE_COUNT);
        }
    }
    return steps;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct scenario_decoder decoder = {0};
    struct scenario_run_options options;
    struct scenario_verdict verdict;

    if (runner == NULL) {
        begin();
    }
    decoder.takes = &target->takes;
    if (scenario_decode(&program, data, size, &decoder) != SCENARIO_OK) {
        return 0; /* no memory */
    }
    scenario_run_options_init(&options);
    options.subject = fuzz_subject();
    options.max_steps = max_steps();
    options.memory_limit = MEMORY_LIMIT;
    options.patience = PATIENCE;
    options.progress = &progress;
    options.snapshots = snapshots;
    options.steps_shared = fuzz_shared.steps;
    options.hash_off = true; /* nobody compares runs here */
    options.strict = true;   /* our frontend keeps what SHOULD be, too */
    scenario_runner_run(runner, &program, &options, &verdict);
    inputs++;
    effective_steps += verdict.steps_effective;
    switch (verdict.outcome) {
    case SCENARIO_PASSED:
    case SCENARIO_UNSUPPORTED:
    case SCENARIO_BAD: return 0;
    case SCENARIO_FAILED:
    case SCENARIO_RULE_BROKEN:
    case SCENARIO_NO_PROGRESS:
    case SCENARIO_WRONG_DATA:
    case SCENARIO_CRASHED: break;
    }
    report(&verdict);
    abort();
}

bool fuzz_print_text(const uint8_t *data, size_t size)
{
    const struct scenario_decoder decoder = {.takes = &fuzz_target_find(fuzz_target_name)->takes};
    struct scenario_buffer text;
    bool printed;

    scenario_buffer_init(&text);
    printed = scenario_decode(&program, data, size, &decoder) == SCENARIO_OK &&
              scenario_print(&program, &text) == SCENARIO_OK && text.data != NULL;
    if (printed) {
        fputs(text.data, stdout);
    }
    scenario_buffer_fini(&text);
    return printed;
}
