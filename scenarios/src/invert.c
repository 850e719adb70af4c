/* SPDX-License-Identifier: ISC */
/*
 * Counts and inverts single expectations: a scenario of which no inverted form fails proves
 * nothing.
 */
#include "scenario/check.h"

/* Expectations of one step: its result, then its conditions; or the step itself. */
static size_t count_of(const struct scenario_step *step)
{
    const struct scenario_row *row = scenario_row(step->opcode);

    if (row != NULL && (row->flags & SCENARIO_ROW_NEGATES) != 0) {
        return 1;
    }
    return (step->result != CHOICE_RESULT_NONE ? 1u : 0u) + step->condition_count;
}

size_t scenario_expectation_count(const struct scenario_program *program)
{
    size_t count = 0;

    for (size_t i = 0; i < program->step_count; i++) {
        count += count_of(&program->steps[i]);
    }
    return count;
}

static uint8_t opposite(uint8_t compare)
{
    switch ((enum scenario_compare)compare) {
    case SCENARIO_EQUAL: return SCENARIO_UNEQUAL;
    case SCENARIO_UNEQUAL: return SCENARIO_EQUAL;
    case SCENARIO_LESS: return SCENARIO_GREATER_EQUAL;
    case SCENARIO_LESS_EQUAL: return SCENARIO_GREATER;
    case SCENARIO_GREATER: return SCENARIO_LESS_EQUAL;
    case SCENARIO_GREATER_EQUAL: return SCENARIO_LESS;
    }
    return compare;
}

static void invert_in(struct scenario_program *program, struct scenario_step *step, size_t index,
                      struct scenario_position *position)
{
    const struct scenario_row *row = scenario_row(step->opcode);

    *position = step->position;
    if ((row->flags & SCENARIO_ROW_NEGATES) != 0) {
        step->negated = !step->negated;
    } else if (step->result != CHOICE_RESULT_NONE && index == 0) {
        step->result_negated = !step->result_negated;
        *position = step->result_position;
    } else {
        struct scenario_condition *condition;

        index -= step->result != CHOICE_RESULT_NONE ? 1 : 0;
        condition = &program->conditions[step->first_condition + index];
        condition->compare = opposite(condition->compare);
        *position = condition->position;
    }
}

int scenario_invert(struct scenario_program *program, size_t index,
                    struct scenario_position *position)
{
    struct scenario_position unused;

    for (size_t i = 0; i < program->step_count; i++) {
        size_t count = count_of(&program->steps[i]);

        if (index < count) {
            invert_in(program, &program->steps[i], index, position != NULL ? position : &unused);
            return SCENARIO_OK;
        }
        index -= count;
    }
    return SCENARIO_INVALID;
}
