/* SPDX-License-Identifier: ISC */
/*
 * How the tests of the rules play a scenario on a naive frontend and look at the verdict.
 */
#include "rules_help.h"

#include <simback/oracle.h>

#include "language_help.h"

struct scenario_runner *runner;
struct scenario_program the_program;

void set_up(void)
{
    runner = scenario_runner_create();
    ck_assert_ptr_nonnull(runner);
    scenario_program_init(&the_program);
}

void tear_down(void)
{
    scenario_program_fini(&the_program);
    scenario_runner_destroy(runner);
}

struct scenario_verdict play_program(enum broken_fault fault, bool strict,
                                     const struct scenario_program *played)
{
    struct scenario_run_options options;
    struct scenario_verdict verdict;

    scenario_run_options_init(&options);
    options.subject = broken_subject(fault, scenario_runner_world(runner));
    options.strict = strict;
    scenario_runner_run(runner, played, &options, &verdict);
    return verdict;
}

void parse(const char *text, size_t length)
{
    struct scenario_problems problems;

    parse_good(&the_program, text, length);
    scenario_problems_init(&problems);
    ck_assert_msg(scenario_check(&the_program, &problems) == SCENARIO_OK, "line %u: %s\n%s",
                  problems.list[0].position.line, problems.list[0].text, text);
}

struct scenario_verdict play(enum broken_fault fault, bool strict, const char *text)
{
    parse(text, strlen(text));
    return play_program(fault, strict, &the_program);
}

void names(const struct scenario_verdict *verdict, const struct broken *broken)
{
    ck_assert_msg(verdict->outcome == broken->outcome && verdict->rule == broken->rule &&
                      verdict->line == broken->line && verdict->exit_code == broken->exit_code,
                  "%s, exit code %d, rule I%u, line %u: %s",
                  scenario_outcome_name(verdict->outcome), verdict->exit_code,
                  (unsigned)verdict->rule, (unsigned)verdict->line, verdict->reason);
    ck_assert_msg(strstr(verdict->reason, broken->reason) != NULL, "%s", verdict->reason);
}

void nothing_besides(unsigned rule)
{
    const struct simback_violation *violation;

    for (uint32_t i = 0; (violation = simback_violation(scenario_runner_world(runner), i)) != NULL;
         i++) {
        ck_assert_msg(violation->rule == rule, "besides: %s", violation->text);
    }
}

void breaks(enum broken_fault fault, const char *text, struct broken broken)
{
    for (int strict = 0; strict < 2; strict++) {
        struct scenario_verdict verdict = play(fault, strict != 0, text);

        names(&verdict, &broken);
        nothing_besides(broken.rule);
        ck_assert(!verdict.should);
        ck_assert_uint_gt(verdict.violations, 0);
    }
}

void passes(enum broken_fault fault, const char *text)
{
    struct scenario_verdict verdict = play(fault, true, text);

    ck_assert_msg(verdict.outcome == SCENARIO_PASSED, "%s: %s",
                  scenario_outcome_name(verdict.outcome), verdict.reason);
    ck_assert_int_eq(verdict.exit_code, 0);
    ck_assert_uint_eq(verdict.violations + verdict.violations_should, 0);
}

void breaks_and_near_misses(enum broken_fault fault, const char *text, struct broken broken,
                            const char *harmless)
{
    breaks(fault, text, broken);
    passes(SOUND, text);
    passes(fault, harmless);
    passes(SOUND, harmless);
}

struct broken rule(unsigned number, unsigned line, const char *reason)
{
    return (struct broken){number, SCENARIO_RULE_BROKEN, 1, line, reason};
}

struct broken no_progress(unsigned line, const char *reason)
{
    return (struct broken){4, SCENARIO_NO_PROGRESS, 128, line, reason};
}

struct broken wrong_data(unsigned line, const char *reason)
{
    return (struct broken){7, SCENARIO_WRONG_DATA, 129, line, reason};
}
