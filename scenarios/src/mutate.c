/* SPDX-License-Identifier: ISC */
/*
 * Changes of a program as a list of steps. Each leaves a list that may not make sense; at the end
 * of all of them the list is mended, as the decoder mends bytes.
 */
#include "mutate.h"

#include "mend.h"

enum { CHANGES_MAX = 4, RARELY = 16 };

/* ---- one step ---- */

static bool is_allowed(const struct scenario_row *row, const struct scenario_steps_allowed *allowed)
{
    return row->weight != 0 &&
           (allowed == NULL || scenario_step_set_has(&allowed->steps, row->opcode));
}

/* NULL: nothing is allowed. */
static const struct scenario_row *random_row(const struct scenario_chance *chance,
                                             const struct scenario_steps_allowed *allowed)
{
    uint64_t sum = 0, at;

    for (size_t i = 0; i < scenario_row_count(); i++) {
        sum += is_allowed(scenario_row_at(i), allowed) ? scenario_row_at(i)->weight : 0;
    }
    if (sum == 0) {
        return NULL;
    }
    at = chance_below(chance, sum);
    for (size_t i = 0;; i++) {
        const struct scenario_row *row = scenario_row_at(i);

        if (!is_allowed(row, allowed)) {
            continue;
        }
        if (at < row->weight) {
            return row;
        }
        at -= row->weight;
    }
}

/* Can chance give the field a value at all? What bytes cannot say neither. */
static bool is_open(const struct scenario_field *field)
{
    return field->shape != SCENARIO_SHAPE_HIDDEN && (field->flags & SCENARIO_FIELD_TEXT_ONLY) == 0;
}

static bool is_picked(const struct scenario_field *field, const struct scenario_chance *chance)
{
    if (!is_open(field) ||
        ((field->flags & SCENARIO_FIELD_RARE) != 0 && chance_below(chance, RARELY) != 0)) {
        return false;
    }
    return chance_below(chance, field->shape == SCENARIO_SHAPE_WORD ? 2 : 5) == 0;
}

int scenario_random_step(struct scenario_program *program, struct scenario_step *step,
                         const struct scenario_chance *chance,
                         const struct scenario_steps_allowed *allowed)
{
    const struct scenario_row *row = random_row(chance, allowed);
    int result = SCENARIO_OK;

    scenario_step_init(step, row == NULL ? STEP_RUN : (enum scenario_opcode)row->opcode);
    for (unsigned i = 0; row != NULL && i < row->field_count && result == SCENARIO_OK; i++) {
        if (is_picked(&row->fields[i], chance)) {
            result = mutate_field(program, step, i, chance);
        }
    }
    if (row != NULL && (row->flags & SCENARIO_ROW_DEVICE) != 0 &&
        chance_below(chance, RARELY) == 0) {
        step->device = (uint8_t)chance_below(chance, 3);
    }
    return result;
}

/* ---- changes ---- */

struct mutation {
    struct scenario_program *program;
    const struct scenario_program *other; /* NULL: there is none */
    const struct scenario_chance *chance;
    const struct scenario_steps_allowed *allowed;
    size_t first; /* steps before it stay */
};

/* How many steps may be changed. */
static size_t open_count(const struct mutation *m)
{
    return m->program->step_count > m->first ? m->program->step_count - m->first : 0;
}

/* One of them, or the place behind all. */
static size_t some_place(const struct mutation *m)
{
    return m->program->step_count - open_count(m) + chance_below(m->chance, open_count(m) + 1);
}

static int insert(const struct mutation *m)
{
    struct scenario_step step;
    int result = scenario_random_step(m->program, &step, m->chance, m->allowed);

    if (result != SCENARIO_OK) {
        return result;
    }
    return scenario_program_insert(m->program, some_place(m), NULL, &step);
}

static int take_out(const struct mutation *m)
{
    size_t count = open_count(m), at, length;

    if (count == 0) {
        return SCENARIO_OK;
    }
    at = chance_below(m->chance, count);
    length = 1 + (chance_below(m->chance, 4) == 0 ? chance_below(m->chance, count - at) : 0);
    scenario_program_remove(m->program, m->first + at, length);
    return SCENARIO_OK;
}

/* A piece of `from` is put in somewhere. */
static int put_piece(const struct mutation *m, const struct scenario_program *from)
{
    size_t at, first, length;
    int result = SCENARIO_OK;

    if (from->step_count == 0) {
        return SCENARIO_OK;
    }
    at = some_place(m);
    first = chance_below(m->chance, from->step_count);
    length = 1 + chance_below(m->chance, from->step_count - first);
    length = length > 8 ? 1 + chance_below(m->chance, 8) : length;
    /* Where it comes from itself, what has been put in already has moved the rest. */
    for (size_t i = 0; i < length && result == SCENARIO_OK; i++) {
        size_t source = first + i + (from == m->program && first + i >= at ? i : 0);
        struct scenario_step step = from->steps[source];

        result = scenario_program_insert(m->program, at + i, from, &step);
    }
    return result;
}

static int move(const struct mutation *m)
{
    size_t count = open_count(m), from;
    struct scenario_step step;

    if (count < 2) {
        return SCENARIO_OK;
    }
    from = m->first + chance_below(m->chance, count);
    step = m->program->steps[from];
    scenario_program_remove(m->program, from, 1);
    return scenario_program_insert(m->program, m->first + chance_below(m->chance, count), NULL,
                                   &step);
}

static int set_field(const struct mutation *m)
{
    size_t count = open_count(m);
    size_t at = chance_below(m->chance, count + (m->first == 0 ? RARELY : count == 0 ? 1 : 0));
    struct scenario_step *step =
        at < count ? &m->program->steps[m->first + at] : &m->program->world;
    const struct scenario_row *row = scenario_row(step->opcode);
    unsigned index;

    if (row->field_count == 0 || (at >= count && m->first != 0)) {
        return SCENARIO_OK;
    }
    index = (unsigned)chance_below(m->chance, row->field_count);
    if (!is_open(&row->fields[index])) {
        return SCENARIO_OK;
    }
    if (scenario_given(step, index) && chance_below(m->chance, 4) == 0) {
        scenario_step_reset(step, index);
        return SCENARIO_OK;
    }
    return mutate_field(m->program, step, index, m->chance);
}

static int change(const struct mutation *m)
{
    switch (chance_below(m->chance, 8)) {
    case 0:
    case 1: return insert(m);
    case 2: return take_out(m);
    case 3: return put_piece(m, m->program);
    case 4: return move(m);
    case 5: return m->other != NULL ? put_piece(m, m->other) : set_field(m);
    default: return set_field(m);
    }
}

/* ---- a valid program again ---- */

static int mend(struct scenario_program *program, size_t max_steps)
{
    struct scenario_admission admission;
    size_t kept = 0;
    int result = SCENARIO_OK;

    scenario_admission_init(&admission, program, NULL);
    for (size_t i = 0; i < program->step_count && kept < max_steps && result == SCENARIO_OK; i++) {
        struct scenario_step step = program->steps[i];

        result = mend_step(program, &admission, &step);
        if (result == SCENARIO_OK && scenario_admit(&admission, &step, NULL, 0)) {
            program->steps[kept++] = step;
        }
    }
    program->step_count = kept;
    program->has_world = program->world.given != 0;
    return result;
}

/* A program that is full loses nothing by staying as it is. */
static int without_limits(int result)
{
    return result == SCENARIO_TOO_LARGE ? SCENARIO_OK : result;
}

int scenario_mutate(struct scenario_program *program, const struct scenario_program *other,
                    size_t max_steps, const struct scenario_chance *chance,
                    const struct scenario_steps_allowed *allowed)
{
    struct mutation mutation = {program, other, chance, allowed,
                                allowed == NULL ? 0 : allowed->first};
    uint64_t changes = 1 + chance_below(chance, CHANGES_MAX);
    int result = SCENARIO_OK;
    int mended;

    for (uint64_t i = 0; i < changes && result == SCENARIO_OK; i++) {
        result = without_limits(change(&mutation));
    }
    mended = without_limits(mend(program, max_steps));
    return result != SCENARIO_OK ? result : mended;
}

int scenario_cross_over(struct scenario_program *program, const struct scenario_program *other,
                        size_t keep, size_t leave, size_t max_steps,
                        const struct scenario_chance *chance)
{
    size_t from;
    int result = SCENARIO_OK;
    int mended;

    keep = keep > program->step_count ? program->step_count : keep;
    leave = leave > other->step_count ? other->step_count : leave;
    keep += chance_below(chance, program->step_count - keep + 1);
    from = leave + chance_below(chance, other->step_count - leave + 1);
    scenario_program_remove(program, keep, program->step_count - keep);
    for (size_t i = from; i < other->step_count && result == SCENARIO_OK; i++) {
        result = without_limits(
            scenario_program_insert(program, program->step_count, other, &other->steps[i]));
    }
    mended = without_limits(mend(program, max_steps));
    return result != SCENARIO_OK ? result : mended;
}
