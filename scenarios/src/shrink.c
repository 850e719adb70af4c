/* SPDX-License-Identifier: ISC */
/*
 * The minimiser. Every attempt is made on a copy, and the copy becomes the program when the judge
 * says yes. Attempts that make the most go first: half of the steps, then less, then single ones,
 * then what is in them.
 */
#include "scenario/shrink.h"

struct attempts {
    struct scenario_program *program; /* the smallest so far */
    struct scenario_program copy;
    struct scenario_shrink *shrink;
    int error;
    bool any; /* something went in this round */
};

static bool may_go_on(const struct attempts *attempts)
{
    const struct scenario_shrink *shrink = attempts->shrink;

    return attempts->error == SCENARIO_OK &&
           (shrink->max_runs == 0 || shrink->runs < shrink->max_runs);
}

/* A fresh copy to change; false: it is over. */
static bool begin(struct attempts *attempts)
{
    if (!may_go_on(attempts)) {
        return false;
    }
    attempts->error = scenario_program_copy(&attempts->copy, attempts->program);
    return attempts->error == SCENARIO_OK;
}

/* The changed copy is judged; true: it has become the program. */
static bool end(struct attempts *attempts)
{
    struct scenario_program old;

    attempts->copy.has_world = attempts->copy.world.given != 0;
    if (!scenario_program_is_valid(&attempts->copy)) {
        return false;
    }
    attempts->shrink->runs++;
    if (!attempts->shrink->judge(attempts->shrink->context, &attempts->copy)) {
        return false;
    }
    old = *attempts->program;
    *attempts->program = attempts->copy;
    attempts->copy = old;
    attempts->any = true;
    return true;
}

/* ---- steps ---- */

static bool without_steps(struct attempts *attempts, size_t first, size_t count)
{
    if (!begin(attempts)) {
        return false;
    }
    scenario_program_remove(&attempts->copy, first, count);
    return end(attempts);
}

/* Pieces of the given length, from the end: later steps seldom matter to earlier ones. */
static void remove_pieces(struct attempts *attempts, size_t length)
{
    size_t at = attempts->program->step_count;

    while (at > 0) {
        size_t first = at > length ? at - length : 0;

        without_steps(attempts, first, at - first);
        at = first;
    }
}

static void remove_steps(struct attempts *attempts)
{
    size_t length = attempts->program->step_count;

    while (length > 1) {
        length = (length + 1) / 2;
        remove_pieces(attempts, length);
        if (length > attempts->program->step_count) {
            length = attempts->program->step_count;
        }
    }
}

/* ---- what stands in a step ---- */

/* Step 0 is the world's, as for scenario_fields_next. */
static struct scenario_step *step_of(struct scenario_program *program, size_t index)
{
    return index == 0 ? &program->world : &program->steps[index - 1];
}

/* Tries a value for the field; a value it has already is no attempt. */
static bool try_value(struct attempts *attempts, size_t index, unsigned field, uint64_t value)
{
    struct scenario_step *step = step_of(attempts->program, index);

    if (step->values[field] == value || !begin(attempts)) {
        return false;
    }
    step = step_of(&attempts->copy, index);
    return scenario_step_set(step, field, value) == SCENARIO_OK && end(attempts);
}

static bool try_reset(struct attempts *attempts, size_t index, unsigned field)
{
    if (!begin(attempts)) {
        return false;
    }
    scenario_step_reset(step_of(&attempts->copy, index), field);
    return end(attempts);
}

/* Half way from `value` to `bad`, as numbers with or without a sign; `bad` when there is nothing
 * in between. */
static uint64_t half_way(uint64_t value, uint64_t bad, bool with_sign)
{
    bool above = with_sign ? (int64_t)value > (int64_t)bad : value > bad;
    uint64_t gap = above ? value - bad : bad - value;

    gap = gap / 2 + gap % 2;
    return above ? value - gap : value + gap;
}

/* Towards `goal`, by halves of what is left. */
static void approach(struct attempts *attempts, size_t index, unsigned field, uint64_t goal,
                     bool with_sign)
{
    uint64_t bad = goal; /* does not do it, as far as we know */

    if (try_value(attempts, index, field, goal)) {
        return;
    }
    while (may_go_on(attempts)) {
        uint64_t value = step_of(attempts->program, index)->values[field];
        uint64_t next = half_way(value, bad, with_sign);

        if (next == bad || next == value) {
            return;
        }
        if (!try_value(attempts, index, field, next)) {
            bad = next;
        }
    }
}

/* The simplest number that the field may have. */
static uint64_t simplest(const struct scenario_field *field)
{
    if ((field->flags & SCENARIO_FIELD_UNSET) == 0) {
        return field->fallback;
    }
    return field->type == SCENARIO_TYPE_INT && (int64_t)field->min < 0 ? 0 : field->min;
}

static void shorten(struct attempts *attempts, size_t index, unsigned field,
                    const struct scenario_field *type)
{
    struct scenario_string string = scenario_string_of(step_of(attempts->program, index), field);

    for (uint32_t cut = string.length; cut > 0; cut /= 2) {
        struct scenario_string less = string;

        while (string.length >= cut + type->min) {
            less.length = string.length - cut;
            if (!try_value(attempts, index, field, scenario_pack(less))) {
                break;
            }
            string = less;
        }
    }
}

static void simplify_field(struct attempts *attempts, size_t index, unsigned field)
{
    const struct scenario_step *step = step_of(attempts->program, index);
    const struct scenario_field *type = &scenario_row(step->opcode)->fields[field];

    if (type->shape != SCENARIO_SHAPE_WORD && try_reset(attempts, index, field)) {
        return;
    }
    switch ((enum scenario_type)type->type) {
    case SCENARIO_TYPE_UINT:
    case SCENARIO_TYPE_INT:
    case SCENARIO_TYPE_TIME:
        approach(attempts, index, field, simplest(type), type->type == SCENARIO_TYPE_INT);
        break;
    case SCENARIO_TYPE_CHOICE:
    case SCENARIO_TYPE_OPEN: try_value(attempts, index, field, type->fallback); break;
    case SCENARIO_TYPE_STRING: shorten(attempts, index, field, type); break;
    case SCENARIO_TYPE_MARK:
    case SCENARIO_TYPE_NAME:
    case SCENARIO_TYPE_DEFINE:
    case SCENARIO_TYPE_SPAN:
    case SCENARIO_TYPE_SPAN_LAST:
    case SCENARIO_TYPE_LIST: break;
    }
}

static void simplify_fields(struct attempts *attempts)
{
    for (size_t index = 0; index <= attempts->program->step_count; index++) {
        unsigned count = scenario_row(step_of(attempts->program, index)->opcode)->field_count;

        for (unsigned field = 0; field < count; field++) {
            if (scenario_given(step_of(attempts->program, index), field)) {
                simplify_field(attempts, index, field);
            }
        }
    }
}

/* The expectations of a step that are not needed, and a device other than the first. */
static void simplify_rest(struct attempts *attempts)
{
    for (size_t index = 1; index <= attempts->program->step_count; index++) {
        const struct scenario_step *step = step_of(attempts->program, index);

        if (step->condition_count != 0 && begin(attempts)) {
            step_of(&attempts->copy, index)->condition_count = 0;
            end(attempts);
        }
        step = step_of(attempts->program, index);
        if (step->result != CHOICE_RESULT_NONE && begin(attempts)) {
            step_of(&attempts->copy, index)->result = CHOICE_RESULT_NONE;
            step_of(&attempts->copy, index)->result_negated = false;
            end(attempts);
        }
        step = step_of(attempts->program, index);
        if (step->device != 0 && begin(attempts)) {
            step_of(&attempts->copy, index)->device = 0;
            end(attempts);
        }
    }
}

int scenario_shrink(struct scenario_program *program, struct scenario_shrink *shrink)
{
    struct attempts attempts = {.program = program, .shrink = shrink};

    scenario_program_init(&attempts.copy);
    do {
        attempts.any = false;
        remove_steps(&attempts);
        simplify_fields(&attempts);
        simplify_rest(&attempts);
    } while (attempts.any && attempts.error == SCENARIO_OK);
    scenario_program_fini(&attempts.copy);
    return attempts.error;
}
