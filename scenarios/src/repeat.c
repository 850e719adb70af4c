/* SPDX-License-Identifier: ISC */
/*
 * One run after the other, each with another strike (strike.c), for the lines `each` and `at`.
 */
#include "scenario/repeat.h"

#include <stdio.h>
#include <string.h>

#include <simback/xen.h>

#include "scenario/text.h"

enum {
    REPEATS_MAX = 100000,  /* of one line; a program that goes on longer is no use */
    STEPS_STRUCK = 100000, /* of the world without a completed call, when calls go on failing */
};

/* What is common to the runs of one line, and how it is told of. */
struct line {
    struct scenario_program program;
    struct scenario_strike strike;
    char what[64];
};

static int begin_each(struct line *line, const char *words)
{
    static const char *const resources[SIMBACK_RESOURCES] = {
        [SIMBACK_RESOURCE_ALLOC] = "alloc",   [SIMBACK_RESOURCE_GRANT] = "grant",
        [SIMBACK_RESOURCE_PORT] = "port",     [SIMBACK_RESOURCE_XENSTORE] = "xenstore",
        [SIMBACK_RESOURCE_REVOKE] = "revoke", [SIMBACK_RESOURCE_EVENT] = "event",
    };
    char resource[16] = "", how[8] = "";

    if (sscanf(words, "nth=1.. of %15s %7s", resource, how) < 1)
        return SCENARIO_INVALID;
    line->strike.kind = SCENARIO_STRIKE_REQUEST;
    for (unsigned i = 0; i < SIMBACK_RESOURCES; i++) {
        if (strcmp(resource, resources[i]) == 0) {
            line->strike.kind = SCENARIO_STRIKE_CALL;
            line->strike.resource = i;
        }
    }
    line->strike.from = strcmp(how, "from") == 0;
    snprintf(line->what, sizeof(line->what), "%s%s", resource,
             line->strike.from ? " and later" : "");
    return SCENARIO_OK;
}

static int begin_at(struct line *line, const char *words)
{
    const char *step = strchr(words, ':');
    struct scenario_problems problems;
    size_t index = line->program.step_count;
    int result;

    if (step == NULL)
        return SCENARIO_INVALID;
    step += 1 + strspn(step + 1, " ");
    scenario_problems_init(&problems);
    result = scenario_parse_step(&line->program, step, strlen(step), &problems);
    line->strike.kind = SCENARIO_STRIKE_STEP;
    line->strike.step = index;
    snprintf(line->what, sizeof(line->what), "%s", step);
    return result;
}

static int begin(struct line *line, const struct scenario_program *program, size_t index)
{
    const struct scenario_meta *meta = &program->metas[index];
    char words[256];
    int result = scenario_program_copy(&line->program, program);

    memset(&line->strike, 0, sizeof(line->strike));
    snprintf(words, sizeof(words), "%.*s", (int)meta->value.length,
             scenario_text(program, meta->value));
    if (result != SCENARIO_OK)
        return result;
    return meta->kind == SCENARIO_META_EACH ? begin_each(line, words) : begin_at(line, words);
}

/* The runs so far and this one as if they were one. */
static void add(struct scenario_verdict *sum, const struct scenario_verdict *verdict)
{
    sum->repeats++;
    sum->hash = (sum->hash << 1 | sum->hash >> 63) ^ verdict->hash;
    sum->events += verdict->events;
    sum->world_steps += verdict->world_steps;
    sum->rules_checked |= verdict->rules_checked;
}

/* False: the verdict is given. */
static bool take(struct scenario_verdict *sum, const struct scenario_verdict *verdict,
                 const struct line *line)
{
    char reason[SCENARIO_REASON_MAX];
    uint64_t at = line->strike.at;

    if (verdict->outcome == SCENARIO_PASSED) {
        add(sum, verdict);
        return true;
    }
    snprintf(reason, sizeof(reason), "%s %llu, %s: %.300s",
             line->strike.kind == SCENARIO_STRIKE_STEP ? "at moment" : "failing call",
             (unsigned long long)at, line->what, verdict->reason);
    *sum = *verdict;
    memcpy(sum->reason, reason, sizeof(reason));
    sum->struck_at = at;
    return false;
}

static bool play(struct scenario_runner *runner, struct line *line,
                 const struct scenario_run_options *options, uint64_t only,
                 struct scenario_verdict *sum)
{
    struct scenario_run_options struck = *options;
    struct scenario_verdict verdict = {.struck = true};

    if (struck.max_steps == 0)
        struck.max_steps = STEPS_STRUCK;
    for (uint64_t at = only == 0 ? 1 : only; verdict.struck && at <= REPEATS_MAX; at++) {
        line->strike.at = at;
        struck.strike = line->strike;
        scenario_runner_run(runner, &line->program, &struck, &verdict);
        if (!take(sum, &verdict, line))
            return false;
        if (only != 0)
            break;
    }
    return true;
}

void scenario_repeat_run(struct scenario_runner *runner, const struct scenario_program *program,
                         const struct scenario_run_options *options, uint64_t only,
                         struct scenario_verdict *verdict)
{
    struct line line;
    bool good = true;

    scenario_program_init(&line.program);
    scenario_runner_run(runner, program, options, verdict);
    for (size_t i = 0; good && i < program->meta_count; i++) {
        enum scenario_meta_kind kind = program->metas[i].kind;

        if (verdict->outcome != SCENARIO_PASSED ||
            (kind != SCENARIO_META_EACH && kind != SCENARIO_META_AT))
            continue;
        if (begin(&line, program, i) != SCENARIO_OK) {
            verdict->outcome = SCENARIO_BAD;
            verdict->exit_code = scenario_exit_code(SCENARIO_BAD);
            snprintf(verdict->reason, sizeof(verdict->reason), "no memory for the program");
            break;
        }
        good = play(runner, &line, options, only, verdict);
    }
    scenario_program_fini(&line.program);
}
