/* SPDX-License-Identifier: ISC */
/*
 * Devices, names and paths of a step, so that as few steps as possible have to be refused.
 */
#include "mend.h"

#include <stdio.h>
#include <string.h>

#include "value.h"

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

/* One that nobody knows means the last one of one's own; there is none: the default. */
static void mend_dialect(const struct scenario_admission *admission, struct scenario_step *step,
                         unsigned index)
{
    struct scenario_string name = scenario_open_name(step->values[index]);
    unsigned count = admission->own_dialect_count;

    if (!scenario_is_name(step->values[index]) ||
        scenario_knows_dialect(admission, scenario_text(admission->program, name), name.length)) {
        return;
    }
    if (count != 0) {
        step->values[index] =
            scenario_pack(admission->own_dialects[count - 1]) | SCENARIO_OPEN_NAME;
    } else {
        scenario_step_reset(step, index);
    }
}

/* A new dialect whose name is none, or given already, is called d1, d2 and so on. */
static int mend_new_dialect(struct scenario_program *program,
                            const struct scenario_admission *admission, struct scenario_step *step)
{
    struct scenario_string name = scenario_string_of(step, FIELD_DIALECT_NAME);
    char text[8];
    int result;

    if (value_is_word(scenario_text(program, name), name.length) &&
        !scenario_knows_dialect(admission, scenario_text(program, name), name.length)) {
        return SCENARIO_OK;
    }
    snprintf(text, sizeof text, "d%u", admission->own_dialect_count + 1);
    result = scenario_program_add_string(program, text, strlen(text), &name);
    if (result == SCENARIO_OK) {
        step->values[FIELD_DIALECT_NAME] = scenario_pack(name);
    }
    return result;
}

/* A path that is none means one of the nodes that a handshake is made of. */
static int mend_path(struct scenario_program *program, struct scenario_step *step, unsigned index)
{
    static const char *const nodes[] = {
        "back/state",          "front/state",    "front/backend", "front/ring-ref",
        "front/event-channel", "front/protocol", "back/sectors",  "back/info",
    };
    struct scenario_string path = scenario_string_of(step, index);
    const char *node = nodes[path.length % (sizeof nodes / sizeof nodes[0])];
    int result;

    if (value_is_path(scenario_text(program, path), path.length)) {
        return SCENARIO_OK;
    }
    result = scenario_program_add_string(program, node, strlen(node), &path);
    if (result == SCENARIO_OK) {
        step->values[index] = scenario_pack(path);
    }
    return result;
}

static int mend_strings(struct scenario_program *program,
                        const struct scenario_admission *admission, struct scenario_step *step)
{
    switch (step->opcode) {
    case STEP_DIALECT: return mend_new_dialect(program, admission, step);
    case STEP_STORE_FAIL: return mend_path(program, step, FIELD_STORE_FAIL_PATH);
    case STEP_STORE_DENY: return mend_path(program, step, FIELD_STORE_DENY_PATH);
    case STEP_WATCH_FIRE: return mend_path(program, step, FIELD_WATCH_FIRE_PATH);
    default: return SCENARIO_OK;
    }
}

int mend_step(struct scenario_program *program, const struct scenario_admission *admission,
              struct scenario_step *step)
{
    const struct scenario_row *row = scenario_row(step->opcode);

    if (((row->flags & SCENARIO_ROW_BACKED) != 0 && !admission->backed[step->device]) ||
        ((row->flags & SCENARIO_ROW_HANDLE) != 0 && admission->holds[step->device] == 0)) {
        step->device = 0;
    }
    if (step->opcode == STEP_BACKEND && scenario_vdev_is_taken(admission, scenario_vdev(step))) {
        scenario_step_reset(step, FIELD_BACKEND_VDEV);
    }
    for (unsigned i = 0; i < row->field_count; i++) {
        const struct scenario_field *field = &row->fields[i];

        if (field->type == SCENARIO_TYPE_OPEN && scenario_given(step, i)) {
            mend_dialect(admission, step, i);
        }
        if (scenario_given(step, i) &&
            (field->type == SCENARIO_TYPE_NAME || field->type == SCENARIO_TYPE_DEFINE)) {
            mend_name(admission, step, field, i);
        }
    }
    return mend_strings(program, admission, step);
}
