/* SPDX-License-Identifier: ISC */
/*
 * From files to runs: variants with their ids, and the proof that each expectation can fail.
 */
#include "scenario/plan.h"

#include <string.h>

#include "scenario/check.h"
#include "scenario/variants.h"

size_t scenario_plan_count(const struct scenario_program *program)
{
    return scenario_variant_count(program);
}

int scenario_plan_run(struct scenario_program *to, const struct scenario_program *from,
                      const char *file, size_t index, struct scenario_buffer *id)
{
    struct scenario_buffer name;
    int error;

    scenario_buffer_init(&name);
    scenario_buffer_clear(id);
    error = scenario_variant(to, from, index, &name);
    scenario_buffer_text(id, file);
    if (name.length != 0) {
        scenario_buffer_text(id, "[");
        scenario_buffer_add(id, name.data, name.length);
        scenario_buffer_text(id, "]");
    }
    scenario_buffer_fini(&name);
    return error == SCENARIO_OK && id->failed ? SCENARIO_NO_MEMORY : error;
}

/* An inverted program has to be judged and found wanting. */
static bool has_failed(const struct scenario_verdict *verdict)
{
    switch (verdict->outcome) {
    case SCENARIO_FAILED:
    case SCENARIO_RULE_BROKEN:
    case SCENARIO_NO_PROGRESS:
    case SCENARIO_WRONG_DATA:
    case SCENARIO_CRASHED: return true;
    case SCENARIO_PASSED:
    case SCENARIO_UNSUPPORTED:
    case SCENARIO_BAD: return false;
    }
    return false;
}

int scenario_plan_inversions(struct scenario_runner *runner, const struct scenario_program *program,
                             const struct scenario_run_options *options,
                             void (*told)(void *context, size_t expectation,
                                          struct scenario_position position,
                                          const struct scenario_verdict *verdict),
                             void *context)
{
    size_t count = scenario_expectation_count(program);
    struct scenario_program inverted;
    struct scenario_verdict verdict;
    int passed = 0, error = SCENARIO_OK;

    scenario_program_init(&inverted);
    for (size_t i = 0; i < count && error == SCENARIO_OK; i++) {
        struct scenario_position position = {0, 0};

        error = scenario_program_copy(&inverted, program);
        if (error == SCENARIO_OK) {
            error = scenario_invert(&inverted, i, &position);
        }
        if (error == SCENARIO_OK) {
            scenario_runner_run(runner, &inverted, options, &verdict);
            if (!has_failed(&verdict)) {
                passed++;
                if (told != NULL) {
                    told(context, i, position, &verdict);
                }
            }
        }
    }
    scenario_program_fini(&inverted);
    return error == SCENARIO_OK ? passed : -1;
}
