/* SPDX-License-Identifier: ISC */
/*
 * The life of a run: a fresh world, the program step by step, the implicit end (what is connected
 * is disconnected and released, then the end of the world is judged), the verdict. What a step does
 * is in exec_*.c.
 */
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runner.h"
#include "scenario/live.h"
#include "scenario/text.h"

/* What a real Xen may number them. */
enum { LIVE_GRANTS = 65536, LIVE_PORTS = 4095 };

void scenario_run_options_init(struct scenario_run_options *options)
{
    memset(options, 0, sizeof(*options));
}

struct scenario_runner *scenario_runner_create(void)
{
    struct scenario_runner *runner = calloc(1, sizeof(*runner));
    struct simback_world_options options;

    if (runner == NULL) {
        return NULL;
    }
    simback_world_options_init(&options);
    runner->world = simback_world_create(&options);
    if (runner->world == NULL) {
        free(runner);
        return NULL;
    }
    return runner;
}

void scenario_runner_destroy(struct scenario_runner *runner)
{
    if (runner == NULL) {
        return;
    }
    simback_world_destroy(runner->world);
    free(runner);
}

struct simback_world *scenario_runner_world(struct scenario_runner *runner)
{
    return runner->world;
}

/* ---- progress ---- */

static void copy_text(char line[SCENARIO_EVENT_TEXT], const char *text)
{
    size_t i = 0;

    while (i < SCENARIO_EVENT_TEXT - 1 && text[i] != '\0') {
        line[i] = text[i];
        i++;
    }
    line[i] = '\0';
}

static void save_line(void *context, const char *text)
{
    struct scenario_progress *progress = context;

    if (progress->event_lines < SCENARIO_EVENT_LINES) {
        copy_text(progress->event_text[progress->event_lines], text);
        progress->event_lines = progress->event_lines + 1;
    }
}

void scenario_runner_save_events(const struct scenario_runner *runner,
                                 struct scenario_progress *progress)
{
    const struct simback_violation *first = simback_violation(runner->world, 0);

    copy_text(progress->broken, first == NULL || first->should ? "" : first->text);
    progress->event_lines = 0;
    simback_last_events(runner->world, SCENARIO_EVENT_LINES, save_line, progress);
}

/* ---- the verdict ---- */

__attribute__((format(printf, 4, 0))) static void stop(struct scenario_runner *runner,
                                                       enum scenario_outcome outcome, uint8_t rule,
                                                       const char *format, va_list arguments)
{
    struct scenario_verdict *verdict = runner->verdict;

    if (runner->stopped) {
        return;
    }
    runner->stopped = true;
    verdict->outcome = outcome;
    verdict->rule = rule;
    verdict->step = runner->step_number;
    verdict->line = runner->step == NULL ? 0 : runner->step->position.line;
    vsnprintf(verdict->reason, sizeof(verdict->reason), format, arguments);
}

void run_stop(struct scenario_runner *runner, enum scenario_outcome outcome, uint8_t rule,
              const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    stop(runner, outcome, rule, format, arguments);
    va_end(arguments);
}

void run_bad_step(struct scenario_runner *runner, const char *format, ...)
{
    va_list arguments;

    if (runner->rules_only || strike_has_struck(runner) ||
        scenario_value(&runner->program->world, FIELD_WORLD_LENIENT) != 0) {
        return;
    }
    va_start(arguments, format);
    stop(runner, SCENARIO_BAD, 0, format, arguments);
    va_end(arguments);
}

static enum scenario_outcome outcome_of_rule(uint8_t rule)
{
    switch (rule) {
    case 4: return SCENARIO_NO_PROGRESS;
    case 7:
    case 16: return SCENARIO_WRONG_DATA;
    default: return SCENARIO_RULE_BROKEN;
    }
}

void run_judge_rules(struct scenario_runner *runner)
{
    uint32_t count = simback_violations(runner->world, true);

    for (; runner->violations_seen < count && !runner->stopped; runner->violations_seen++) {
        const struct simback_violation *found =
            simback_violation(runner->world, runner->violations_seen);

        if (found == NULL) {
            runner->violations_seen = count; /* beyond those kept */
            return;
        }
        if ((runner->tolerated & 1u << found->rule) != 0) {
            runner->broken |= 1u << found->rule;
        } else if (!found->should || runner->options.strict) {
            run_stop(runner, outcome_of_rule(found->rule), found->rule, "%s", found->text);
            runner->verdict->should = found->should;
        }
    }
}

/* ---- begin ---- */

/* Rules that the program itself expects to be broken, and whether it expects anything else. */
static void read_expectations(struct scenario_runner *runner)
{
    const struct scenario_program *program = runner->program;
    bool only_rules = true, any = false;

    runner->tolerated = 0;
    for (size_t i = 0; i < program->step_count; i++) {
        const struct scenario_step *step = &program->steps[i];
        const struct scenario_row *row = scenario_row(step->opcode);

        if (step->opcode == STEP_EXPECT_VIOLATION && !step->negated) {
            runner->tolerated |= 2u << scenario_value(step, FIELD_EXPECT_VIOLATION_RULE);
        }
        if (step->opcode == STEP_EXPECT_RULES) {
            any = true;
            runner->tolerated |= step->negated ? UINT32_MAX : 0;
            only_rules = only_rules && !step->negated;
        } else if (step->result != CHOICE_RESULT_NONE || step->condition_count != 0 ||
                   (row != NULL && (row->flags & SCENARIO_ROW_EXPECTS) != 0)) {
            only_rules = false;
        }
    }
    runner->rules_only = any && only_rules;
}

static bool has_step(const struct scenario_program *program, unsigned opcode)
{
    for (size_t i = 0; i < program->step_count; i++) {
        if (program->steps[i].opcode == opcode) {
            return true;
        }
    }
    return false;
}

/* Between the world's choice and the caller's: the runner's own state counts, too. */
static uint32_t choose(void *context, uint32_t count)
{
    struct scenario_runner *runner = context;
    const uint8_t *from = (const uint8_t *)&runner->context;
    size_t length = (size_t)((const uint8_t *)runner->log - from) + runner->log_length;

    return runner->options.choose(runner->options.choose_context,
                                  simback_fold(simback_world_digest(runner->world), from, length),
                                  count);
}

void run_world_options(const struct scenario_runner *runner, struct simback_world_options *options)
{
    const struct scenario_step *world = &runner->program->world;

    simback_world_options_init(options);
    options->seed =
        runner->options.set_seed ? runner->options.seed : scenario_value(world, FIELD_WORLD_SEED);
    options->random_order = scenario_value(world, FIELD_WORLD_SCHEDULE) == CHOICE_SCHEDULE_RANDOM;
    options->share_only = runner->options.share_only ||
                          scenario_value(world, FIELD_WORLD_PLATFORM) == CHOICE_PLATFORM_SHARE;
    options->grant_limit = (uint32_t)scenario_value(world, FIELD_WORLD_GRANTS);
    options->port_limit = (uint32_t)scenario_value(world, FIELD_WORLD_PORTS);
    options->max_steps = runner->options.max_steps != 0
                             ? runner->options.max_steps
                             : scenario_value(world, FIELD_WORLD_MAX_STEPS);
    options->memory_limit = runner->options.memory_limit;
    options->rules = !runner->options.rules_off;
    options->power_may_fail = has_step(runner->program, STEP_BACKEND_POWER_CUT);
    options->trace_hash = !runner->options.hash_off;
    if (runner->options.live != NULL) {
        options->live = true;
        options->share_only = true;
        options->grant_limit = LIVE_GRANTS;
        options->port_limit = LIVE_PORTS;
    }
}

static void reset_world(struct scenario_runner *runner)
{
    struct simback_world_options options;

    run_world_options(runner, &options);
    if (runner->options.choose != NULL) {
        options.choose = choose;
        options.choose_context = runner;
    }
    simback_world_reset(runner->world, &options);
    simback_trace_to(runner->world, sink_event, runner);
}

/* Everything of a run before this one is forgotten. */
static void forget(struct scenario_runner *runner)
{
    for (uint32_t i = 0; i < runner->names_used_count; i++) {
        runner->names[runner->names_used[i]] = NULL;
        runner->rule_device[runner->names_used[i]] = 0;
    }
    runner->names_used_count = 0;
    memset(runner->fronts, 0, sizeof(runner->fronts));
    memset(runner->handles, -1, sizeof(runner->handles));
    memset(runner->queue_actor_count, 0, sizeof(runner->queue_actor_count));
    memset(runner->has_actors, 0, sizeof(runner->has_actors));
    memset(runner->has_backend, 0, sizeof(runner->has_backend));
    runner->dialects.count = 0;
    memset(&runner->result, 0, sizeof(runner->result));
    runner->context = NULL;
    runner->stopped = false;
    runner->relented = false;
    runner->suspended = false;
    runner->broken = 0;
    runner->violations_seen = 0;
    runner->violations_told = 0;
    runner->step = NULL;
    runner->step_number = 0;
    runner->pending = NULL;
    runner->pending_last = NULL;
    runner->pending_count = 0;
    runner->memories = NULL;
    runner->ended = NULL;
    runner->next_request = 1;
    runner->load_count = 0;
    sink_begin(runner);
}

static void set_phase(struct scenario_runner *runner, enum scenario_phase phase)
{
    runner->progress->step = runner->step_number;
    runner->progress->line = runner->step == NULL ? 0 : runner->step->position.line;
    runner->progress->phase = phase;
}

/* A guest has a home that it can read before it has any device. */
static void make_home(struct scenario_runner *runner)
{
    simback_store_permit(runner->world, "/local/domain/1", SIMBACK_DOM0, SIMBACK_FRONT_DOMID);
    simback_store_permit(runner->world, "/local/domain/1/device", SIMBACK_DOM0,
                         SIMBACK_FRONT_DOMID);
}

static bool load_dialects(struct scenario_runner *runner)
{
    const struct scenario_program *file = runner->options.dialects;
    int result = SCENARIO_OK;

    for (size_t i = 0; file != NULL && i < file->step_count && result == SCENARIO_OK; i++) {
        result = scenario_dialect_step(&runner->dialects, file, &file->steps[i]);
    }
    return result == SCENARIO_OK;
}

static const struct blkfront_platform *guest_platform(struct scenario_runner *runner)
{
    const struct scenario_live *live = runner->options.live;

    return live == NULL ? simback_platform(runner->world, SIMBACK_FRONT_DOMID)
                        : live->begin(live->context, runner->world);
}

static void begin(struct scenario_runner *runner)
{
    char reason[SCENARIO_REASON_MAX];
    int error;

    set_phase(runner, SCENARIO_PHASE_SETUP);
    reset_world(runner);
    if (support_missing(runner->program, runner->subject, reason, sizeof(reason))) {
        run_stop(runner, SCENARIO_UNSUPPORTED, 0, "%s", reason);
        return;
    }
    if (runner->options.live != NULL && live_missing(runner->program, reason, sizeof(reason))) {
        run_stop(runner, SCENARIO_UNSUPPORTED, 0, "%s", reason);
        return;
    }
    if (!load_dialects(runner)) {
        run_stop(runner, SCENARIO_BAD, 0, "the file of dialects makes no backends");
        return;
    }
    make_home(runner);
    strike_begin(runner);
    simback_enter(runner->world, SIMBACK_NO_DEVICE);
    error = runner->subject->create(guest_platform(runner), &runner->context);
    if (error != BLKFRONT_OK && strike_has_struck(runner)) {
        simback_app_end(runner->world); /* nothing is left of it */
        run_judge_rules(runner);
        runner->stopped = true;
    } else if (error != BLKFRONT_OK) {
        run_stop(runner, SCENARIO_FAILED, 0, "the subject cannot be created: %s",
                 result_word(error, false));
    }
}

/* ---- steps ---- */

static void count_effects(struct scenario_runner *runner)
{
    struct scenario_verdict *verdict = runner->verdict;

    verdict->steps_played++;
    verdict->steps_effective += runner->effects != 0;
    verdict->reached_frontend += (runner->effects & EFFECT_FRONTEND) != 0;
    verdict->reached_ring += (runner->effects & EFFECT_RING) != 0;
    verdict->reached_store += (runner->effects & EFFECT_STORE) != 0;
}

/* The step that strikes by itself. */
static bool is_struck_with(const struct scenario_runner *runner, size_t step)
{
    return runner->options.strike.kind == SCENARIO_STRIKE_STEP &&
           runner->options.strike.step == step;
}

static void play(struct scenario_runner *runner, size_t from)
{
    const struct scenario_program *program = runner->program;

    for (size_t i = from; i < program->step_count && !runner->stopped; i++) {
        if (is_struck_with(runner, i)) {
            continue;
        }
        strike_moment(runner);
        runner->step = &program->steps[i];
        runner->step_number = (uint32_t)i + 1;
        runner->effects = 0;
        set_phase(runner, SCENARIO_PHASE_STEP);
        simback_app_step(runner->world, runner->step_number, runner->step->position.line);
        if (runner->options.break_step == runner->step_number) {
            raise(SIGTRAP);
        }
        exec_step(runner, runner->step);
        calls_sweep(runner);
        run_judge_rules(runner);
        count_effects(runner);
        snapshots_offer(runner, i + 1);
    }
}

/* ---- end ---- */

static bool is_final(struct scenario_runner *runner, void *context)
{
    (void)runner;
    return front_is_final(context);
}

/* A device that the program left is disconnected; whoever cannot be disconnected hangs (I4). */
static void close_front(struct scenario_runner *runner, struct front *front)
{
    if (!front_is_final(front)) {
        front_enter(runner, front->number, "disconnect");
        runner->subject->disconnect(front->device);
        front_leave(runner, front->number, "disconnect", 0);
        front_look(runner, front);
        front_wake(runner, front, ALL_QUEUES);
    }
    if (run_world(runner, SIMBACK_NEVER, UINT64_MAX, is_final, front) == RAN_REST) {
        run_stop(runner, SCENARIO_NO_PROGRESS, 4, "I4 the device is not closed at the end");
    }
}

static void finish_names(struct scenario_runner *runner)
{
    for (uint32_t i = 0; i < runner->names_used_count; i++) {
        struct call *call = runner->names[runner->names_used[i]];

        if (call != NULL && call->completed) {
            buffers_finish(runner, call);
        }
    }
}

/* Nothing is given back: the world goes with all that is in it. */
static void come_to_rest(struct scenario_runner *runner)
{
    if (run_world(runner, SIMBACK_NEVER, UINT64_MAX, NULL, NULL) == RAN_REST) {
        calls_judge_rest(runner);
        finish_names(runner);
        run_judge_rules(runner);
    }
}

static void close_all(struct scenario_runner *runner)
{
    for (unsigned i = 0; i < FRONTS_MAX && !runner->stopped; i++) {
        if (runner->fronts[i].device != NULL) {
            close_front(runner, &runner->fronts[i]);
        }
    }
    if (runner->stopped) {
        return;
    }
    finish_names(runner);
    for (unsigned i = 0; i < FRONTS_MAX; i++) {
        while (runner->fronts[i].device != NULL) {
            front_put(runner, &runner->fronts[i]);
        }
    }
    run_world(runner, SIMBACK_NEVER, UINT64_MAX, NULL, NULL);
    if (runner->stopped) {
        return;
    }
    simback_enter(runner->world, SIMBACK_NO_DEVICE);
    runner->subject->destroy(runner->context);
    simback_app_end(runner->world);
    run_judge_rules(runner);
}

static void teardown(struct scenario_runner *runner)
{
    runner->step = NULL;
    runner->step_number = (uint32_t)runner->program->step_count + 1;
    set_phase(runner, SCENARIO_PHASE_TEARDOWN);
    sink_tell_over(runner);
    /* What the scenario has set up to fail is over: the end is judged without it. */
    simback_mend(runner->world);
    if (scenario_value(&runner->program->world, FIELD_WORLD_END) == CHOICE_END_REST) {
        come_to_rest(runner);
    } else {
        close_all(runner);
    }
}

/* Violations that were expected have to have happened by the end. */
static void judge_end(struct scenario_runner *runner)
{
    for (size_t i = 0; i < runner->program->step_count && !runner->stopped; i++) {
        const struct scenario_step *step = &runner->program->steps[i];

        if (step->opcode == STEP_EXPECT_RULES && step->negated && runner->broken == 0 &&
            !strike_has_struck(runner)) {
            runner->step = step;
            runner->step_number = (uint32_t)i + 1;
            run_stop(runner, SCENARIO_FAILED, 0, "no rule was broken");
        }
    }
}

/* A simulator that had to do without memory has no right to blame anybody. */
static void judge_memory(struct scenario_runner *runner)
{
    struct scenario_verdict *verdict = runner->verdict;
    char reason[SCENARIO_REASON_MAX];

    if (simback_memory_refused(runner->world) == 0 || verdict->outcome == SCENARIO_PASSED) {
        return;
    }
    snprintf(reason, sizeof(reason), "the world has run out of memory, and then: %.350s",
             verdict->reason);
    memcpy(verdict->reason, reason, sizeof(reason));
    verdict->outcome = SCENARIO_BAD;
    verdict->rule = 0;
    verdict->should = false;
}

static void fill_verdict(struct scenario_runner *runner)
{
    struct scenario_verdict *verdict = runner->verdict;

    sink_tell_broken(runner);
    judge_memory(runner);
    verdict->hash = simback_trace_hash(runner->world);
    verdict->struck = strike_has_struck(runner);
    verdict->events = simback_event_count(runner->world);
    verdict->world_steps = simback_steps(runner->world);
    verdict->time_ns = simback_now(runner->world);
    verdict->violations = simback_violations(runner->world, false);
    verdict->violations_should = simback_violations(runner->world, true) - verdict->violations;
    for (unsigned rule = 1; rule <= SIMBACK_RULES; rule++) {
        if (simback_rule_checks(runner->world, (uint8_t)rule) != 0) {
            verdict->rules_checked |= 1u << rule;
        }
    }
    verdict->exit_code = scenario_exit_code(verdict->outcome);
    if (verdict->outcome != SCENARIO_PASSED) {
        scenario_runner_save_events(runner, runner->progress);
    }
}

void scenario_runner_run(struct scenario_runner *runner, const struct scenario_program *program,
                         const struct scenario_run_options *options,
                         struct scenario_verdict *verdict)
{
    size_t played;

    memset(verdict, 0, sizeof(*verdict));
    runner->program = program;
    runner->options = *options;
    runner->subject = options->subject;
    runner->verdict = verdict;
    runner->progress = options->progress == NULL ? &runner->own_progress : options->progress;
    runner->progress->event_lines = 0;
    runner->progress->broken[0] = '\0';
    forget(runner);
    sink_tell_begin(runner);
    read_expectations(runner);
    heap_begin(runner);
    played = snapshots_load(runner);
    if (played == 0) {
        begin(runner);
    }
    if (!runner->stopped) {
        play(runner, played);
    }
    if (!runner->stopped) {
        teardown(runner);
    }
    if (options->live != NULL) {
        options->live->end(options->live->context);
    }
    judge_end(runner);
    fill_verdict(runner);
    simback_trace_to(runner->world, NULL, NULL);
    runner->step = NULL;
    set_phase(runner, SCENARIO_PHASE_DONE);
}
