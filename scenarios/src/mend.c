/* SPDX-License-Identifier: ISC */
/*
 * Devices and names of a step, so that as few steps as possible have to be refused.
 */
#include "mend.h"

static unsigned last_name(const struct scenario_admission *admission, uint64_t kinds)
{
    if ((kinds & SCENARIO_NAMES_RULES) != 0 && admission->last_rule != 0) {
        return admission->last_rule;
    }
    return (kinds & SCENARIO_NAMES_REQUESTS) != 0 ? admission->last_request : 0;
}

static void mend_name(const struct scenario_admission *admission, struct scenario_step *step,
                      const struct scenario_field *field, unsigned index)
{
    uint8_t kind = admission->kinds[step->values[index]];

    if (field->type == SCENARIO_TYPE_DEFINE && kind != 0) {
        scenario_step_reset(step, index);
    } else if (field->type == SCENARIO_TYPE_NAME && (kind & field->min) == 0) {
        unsigned last = last_name(admission, field->min);

        if (last != 0) {
            step->values[index] = last - 1;
        } else {
            scenario_step_reset(step, index); /* a required one stays, and the step is refused */
        }
    }
}

void mend_step(const struct scenario_admission *admission, struct scenario_step *step)
{
    const struct scenario_row *row = scenario_row(step->opcode);

    if (((row->flags & SCENARIO_ROW_BACKED) != 0 && !admission->backed[step->device]) ||
        ((row->flags & SCENARIO_ROW_HANDLE) != 0 && admission->holds[step->device] == 0)) {
        step->device = 0;
    }
    for (unsigned i = 0; i < row->field_count; i++) {
        const struct scenario_field *field = &row->fields[i];

        if (scenario_given(step, i) &&
            (field->type == SCENARIO_TYPE_NAME || field->type == SCENARIO_TYPE_DEFINE)) {
            mend_name(admission, step, field, i);
        }
    }
}
