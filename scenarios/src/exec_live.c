/* SPDX-License-Identifier: ISC */
/*
 * Playing on a real Xen: which programs can be, their backends, and how the world runs where the
 * other side has a clock of its own.
 */
#include "scenario/live.h"

#include <stdio.h>

#include "runner.h"

/* Nobody owes us anything within: while a call waits, and when the program only looks whether
 * something else comes. */
#define PATIENCE_NS UINT64_C(15000000000)
#define QUIET_NS    UINT64_C(80000000)
/* Who supervises this process wants to see it move. */
#define BEAT_NS UINT64_C(1000000000)

/* ---- which programs ---- */

/* What is done to a backend or by a hostile one cannot be done to the kernel's. */
static bool is_playable(unsigned opcode)
{
    switch (opcode) {
    case STEP_CONNECT:
    case STEP_INFO:
    case STEP_READ:
    case STEP_WRITE:
    case STEP_FLUSH:
    case STEP_DISCARD:
    case STEP_WAIT:
    case STEP_DISCONNECT:
    case STEP_PUT:
    case STEP_STATS:
    case STEP_POLL:
    case STEP_BACKEND:
    case STEP_BACKEND_CLOSE:
    case STEP_BACKEND_RESIZE:
    case STEP_BACKEND_CRASH:
    case STEP_BACKEND_RESTART:
    case STEP_RUN:
    case STEP_RUN_UNTIL:
    case STEP_EXPECT:
    case STEP_EXPECT_NODE:
    case STEP_EXPECT_LOG:
    case STEP_EXPECT_QUIET:
    case STEP_EXPECT_RULES:
    case STEP_EXPECT_DISK: return true;
    default: return false;
    }
}

static bool is_registered(const struct scenario_step *step)
{
    return (step->opcode == STEP_READ &&
            scenario_value(step, FIELD_READ_MEMORY) == CHOICE_MEMORY_REGISTERED) ||
           (step->opcode == STEP_WRITE &&
            scenario_value(step, FIELD_WRITE_MEMORY) == CHOICE_MEMORY_REGISTERED);
}

static bool world_is_playable(const struct scenario_step *world)
{
    return scenario_value(world, FIELD_WORLD_START) == 0 &&
           !scenario_given(world, FIELD_WORLD_GRANTS) && !scenario_given(world, FIELD_WORLD_PORTS);
}

/* `each` and `at` let calls fail that the kernel answers. */
static bool repeats_itself(const struct scenario_program *program)
{
    for (size_t i = 0; i < program->meta_count; i++) {
        if (program->metas[i].kind == SCENARIO_META_EACH ||
            program->metas[i].kind == SCENARIO_META_AT) {
            return true;
        }
    }
    return false;
}

/* What only a simulated backend, or a platform that grants one page at a time, can tell. */
static bool is_told(const struct scenario_condition *condition)
{
    switch (condition->key) {
    case CONDITION_COMPLAINTS:
    case CONDITION_MAPPED:
    case CONDITION_EVENTS:
    case CONDITION_GRANTS_MADE:
    case CONDITION_GRANTS_REUSED: return false;
    default: return true;
    }
}

bool live_missing(const struct scenario_program *program, char *reason, size_t size)
{
    if (!world_is_playable(&program->world) || repeats_itself(program)) {
        snprintf(reason, size, "a real Xen: the scenario's world cannot be had there");
        return true;
    }
    for (size_t i = 0; i < program->step_count; i++) {
        const struct scenario_step *step = &program->steps[i];
        const struct scenario_row *row = scenario_row(step->opcode);

        if (!is_playable(step->opcode)) {
            snprintf(reason, size, "a real Xen cannot play the step %s",
                     row == NULL ? "?" : row->name);
            return true;
        }
        if (step->opcode == STEP_BACKEND_RESTART && step->given != 0) {
            snprintf(reason, size, "a real backend comes back as it was");
            return true;
        }
        if (is_registered(step)) {
            snprintf(reason, size, "a real Xen's gntalloc grants no pages that exist already");
            return true;
        }
    }
    for (size_t i = 0; i < program->condition_count; i++) {
        if (!is_told(&program->conditions[i])) {
            snprintf(reason, size, "a real Xen does not tell what the scenario asks for");
            return true;
        }
    }
    return false;
}

/* ---- steps ---- */

/* A step that could not be played ends the run. */
static void judge(struct scenario_runner *runner, enum scenario_live_result result,
                  const char *text)
{
    if (result == SCENARIO_LIVE_CANNOT) {
        run_stop(runner, SCENARIO_UNSUPPORTED, 0, "%s", text);
    } else if (result == SCENARIO_LIVE_FAILED) {
        run_stop(runner, SCENARIO_BAD, 0, "%s", text);
    }
}

bool live_backend(struct scenario_runner *runner, const struct simback_backend_options *options)
{
    const struct scenario_live *live = runner->options.live;
    char text[SCENARIO_LIVE_TEXT] = "";

    judge(runner, live->backend(live->context, options, text), text);
    return !runner->stopped;
}

void live_detach(struct scenario_runner *runner, uint16_t device)
{
    const struct scenario_live *live = runner->options.live;
    char text[SCENARIO_LIVE_TEXT] = "";

    judge(runner, live->detach(live->context, device, text), text);
}

void live_crash(struct scenario_runner *runner, uint16_t device)
{
    const struct scenario_live *live = runner->options.live;
    char text[SCENARIO_LIVE_TEXT] = "";

    judge(runner, live->crash(live->context, device, text), text);
}

void live_restart(struct scenario_runner *runner, uint16_t device)
{
    const struct scenario_live *live = runner->options.live;
    char text[SCENARIO_LIVE_TEXT] = "";

    judge(runner, live->restart(live->context, device, text), text);
}

bool live_resize(struct scenario_runner *runner, uint16_t device, uint64_t size_512)
{
    const struct scenario_live *live = runner->options.live;
    char text[SCENARIO_LIVE_TEXT] = "";

    judge(runner, live->resize(live->context, device, size_512, text), text);
    return !runner->stopped;
}

/* ---- the world runs ---- */

static uint64_t earlier(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

enum simback_step live_step(struct scenario_runner *runner, uint64_t until_ns, bool awaited)
{
    const struct scenario_live *live = runner->options.live;
    const uint64_t end = live->now(live->context) + (awaited ? PATIENCE_NS : QUIET_NS);
    const uint64_t rest = until_ns == SIMBACK_NEVER ? end : until_ns;

    for (;;) {
        const uint64_t now = live->now(live->context);
        const enum simback_step step = simback_world_step(runner->world, earlier(now, until_ns));

        if (step != SIMBACK_STEP_REST) {
            return step;
        }
        if (live->wait(live->context,
                       earlier(earlier(rest, now + BEAT_NS), simback_next_timer(runner->world)))) {
            continue;
        }
        runner->progress->beats = runner->progress->beats + 1;
        if (live->now(live->context) >= rest) {
            return SIMBACK_STEP_REST;
        }
    }
}
