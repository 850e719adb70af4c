/* SPDX-License-Identifier: ISC */
/*
 * What may come after what. One step at a time, so that the decoder can ask the same.
 */
#include "scenario/check.h"

#include <stdio.h>
#include <string.h>

#include "check_refuse.h"
#include "dialect_names.h"
#include "scenario/variants.h"
#include "value.h"

void scenario_admission_init(struct scenario_admission *admission,
                             const struct scenario_program *program,
                             const struct scenario_program *dialects)
{
    memset(admission, 0, sizeof *admission);
    admission->program = program;
    admission->dialects = dialects;
}

static bool has_one_shape(bool sizes, bool buffers, char *message, size_t size)
{
    return !(sizes && buffers) ||
           check_refuse(message, size, "found buffers= and sizes=, expected one of them");
}

static bool is_on_heap(bool beside, uint64_t memory, char *message, size_t size)
{
    return !beside || memory == CHOICE_MEMORY_HEAP ||
           check_refuse(message, size, "found beside= and memory=, expected one of them");
}

/* What another request left is taken as it is. */
static bool is_own(bool again, bool shaped, char *message, size_t size)
{
    return !(again && shaped) ||
           check_refuse(message, size,
                        "found again= and what buffers are to be like, expected "
                        "one of them");
}

static bool is_path(const struct scenario_program *program, const struct scenario_step *step,
                    unsigned field, char *message, size_t size)
{
    struct scenario_string path = scenario_string_of(step, field);
    const char *text = scenario_text(program, path);

    return value_is_path(text, path.length) ||
           check_refuse(message, size,
                        "found the path '%.*s', expected front/…, back/… or an absolute one",
                        path.length < 80 ? (int)path.length : 80, text);
}

/* Combinations that say nothing, or two things at once. */
static bool is_sensible(const struct scenario_program *program, const struct scenario_step *step,
                        char *message, size_t size)
{
    switch (step->opcode) {
    case STEP_STORE_FAIL: return is_path(program, step, FIELD_STORE_FAIL_PATH, message, size);
    case STEP_STORE_DENY: return is_path(program, step, FIELD_STORE_DENY_PATH, message, size);
    case STEP_WATCH_FIRE: return is_path(program, step, FIELD_WATCH_FIRE_PATH, message, size);
    case STEP_FAULT:
        return scenario_given(step, FIELD_FAULT_ACTION) ||
               scenario_given(step, FIELD_FAULT_STATUS) ||
               scenario_given(step, FIELD_FAULT_DELAY) ||
               check_refuse(message, size,
                            "the rule does nothing, expected an action, status= or delay=");
    case STEP_RING_INDEX:
        return scenario_given(step, FIELD_RING_INDEX_VALUE) !=
                   scenario_given(step, FIELD_RING_INDEX_ADD) ||
               check_refuse(message, size, "'ring index' expects one of value= and add=");
    case STEP_RUN_UNTIL:
        return scenario_given(step, FIELD_RUN_UNTIL_FRONT) ||
               scenario_given(step, FIELD_RUN_UNTIL_BACK) ||
               check_refuse(message, size, "'run until' expects front= or back=");
    case STEP_READ:
        return has_one_shape(scenario_given(step, FIELD_READ_SIZES),
                             scenario_given(step, FIELD_READ_BUFFERS), message, size) &&
               is_on_heap(scenario_given(step, FIELD_READ_BESIDE),
                          scenario_value(step, FIELD_READ_MEMORY), message, size) &&
               is_own(scenario_given(step, FIELD_READ_AGAIN),
                      scenario_given(step, FIELD_READ_SIZES) ||
                          scenario_given(step, FIELD_READ_BUFFERS) ||
                          scenario_given(step, FIELD_READ_ALIGN) ||
                          scenario_given(step, FIELD_READ_EXTRA) ||
                          scenario_given(step, FIELD_READ_BESIDE),
                      message, size);
    case STEP_WRITE:
        return has_one_shape(scenario_given(step, FIELD_WRITE_SIZES),
                             scenario_given(step, FIELD_WRITE_BUFFERS), message, size) &&
               is_on_heap(scenario_given(step, FIELD_WRITE_BESIDE),
                          scenario_value(step, FIELD_WRITE_MEMORY), message, size) &&
               is_own(scenario_given(step, FIELD_WRITE_AGAIN),
                      scenario_given(step, FIELD_WRITE_SIZES) ||
                          scenario_given(step, FIELD_WRITE_BUFFERS) ||
                          scenario_given(step, FIELD_WRITE_ALIGN) ||
                          scenario_given(step, FIELD_WRITE_EXTRA) ||
                          scenario_given(step, FIELD_WRITE_BESIDE),
                      message, size);
    default: return true;
    }
}

uint32_t scenario_vdev(const struct scenario_step *backend)
{
    return scenario_given(backend, FIELD_BACKEND_VDEV)
               ? (uint32_t)scenario_value(backend, FIELD_BACKEND_VDEV)
               : SCENARIO_VDEV_OF_DISK(backend->device);
}

bool scenario_vdev_is_taken(const struct scenario_admission *admission, uint32_t vdev)
{
    for (unsigned i = 0; i < SCENARIO_DEVICES_MAX; i++) {
        if (admission->backed[i] && admission->vdevs[i] == vdev) {
            return true;
        }
    }
    return false;
}

static bool is_in_order(const struct scenario_admission *admission, const struct scenario_row *row,
                        const struct scenario_step *step, char *message, size_t size)
{
    char device = (char)('a' + step->device);

    if ((row->flags & SCENARIO_ROW_BACKED) != 0 && !admission->backed[step->device]) {
        return check_refuse(message, size, "found '%s', expected 'backend' for xvd%c before it",
                            row->name, device);
    }
    if ((row->flags & SCENARIO_ROW_HANDLE) != 0 && admission->holds[step->device] == 0) {
        return check_refuse(message, size, "found '%s', expected 'connect' for xvd%c before it",
                            row->name, device);
    }
    if (row->opcode == STEP_CONNECT && !admission->any_backend) {
        return check_refuse(message, size, "found 'connect', expected 'backend' before it");
    }
    if (row->opcode == STEP_BACKEND && admission->backed[step->device]) {
        return check_refuse(message, size, "found a second 'backend' for xvd%c, expected one",
                            device);
    }
    if (row->opcode == STEP_BACKEND && scenario_vdev_is_taken(admission, scenario_vdev(step))) {
        return check_refuse(
            message, size, "found a second device %u, expected another vdev=", scenario_vdev(step));
    }
    return true;
}

static const char *kind_name(uint64_t kinds)
{
    return kinds == SCENARIO_NAMES_REQUESTS ? "a call"
           : kinds == SCENARIO_NAMES_RULES  ? "a fault rule"
                                            : "a call or a fault rule";
}

static bool names_fit(const struct scenario_admission *admission, const struct scenario_row *row,
                      const struct scenario_step *step, char *message, size_t size)
{
    char name[4];

    for (unsigned i = 0; i < row->field_count; i++) {
        const struct scenario_field *field = &row->fields[i];
        bool uses = field->type == SCENARIO_TYPE_NAME;

        if (!scenario_given(step, i) || (!uses && field->type != SCENARIO_TYPE_DEFINE)) {
            continue;
        }
        scenario_name_text(step->values[i], name);
        if (uses && (admission->kinds[step->values[i]] & field->min) == 0) {
            return check_refuse(message, size,
                                "found %s, expected a name given to %s before (as %s)", name,
                                kind_name(field->min), name);
        }
        if (!uses && admission->kinds[step->values[i]] != 0) {
            return check_refuse(message, size, "found 'as %s' again, expected a name not yet given",
                                name);
        }
    }
    return true;
}

static void count_in(struct scenario_admission *admission, const struct scenario_row *row,
                     const struct scenario_step *step)
{
    for (unsigned i = 0; i < row->field_count; i++) {
        if (row->fields[i].type == SCENARIO_TYPE_DEFINE && scenario_given(step, i)) {
            admission->kinds[step->values[i]] = (uint8_t)row->fields[i].min;
            if (row->fields[i].min == SCENARIO_NAMES_RULES) {
                admission->last_rule = (uint16_t)(step->values[i] + 1);
            } else {
                admission->last_request = (uint16_t)(step->values[i] + 1);
            }
        }
    }
    admission->in_dialect =
        row->opcode == STEP_DIALECT || (row->flags & SCENARIO_ROW_OF_DIALECT) != 0;
    if (row->opcode == STEP_DIALECT && admission->own_dialect_count < SCENARIO_DIALECTS_MAX) {
        admission->own_dialects[admission->own_dialect_count++] =
            scenario_string_of(step, FIELD_DIALECT_NAME);
    } else if (row->opcode == STEP_BACKEND) {
        admission->any_backend = true;
        admission->backed[step->device] = true;
        admission->vdevs[step->device] = scenario_vdev(step);
    } else if (row->opcode == STEP_CONNECT) {
        admission->holds[step->device]++;
    } else if (row->opcode == STEP_PUT) {
        admission->holds[step->device]--;
    }
}

bool scenario_admit(struct scenario_admission *admission, const struct scenario_step *step,
                    char *message, size_t size)
{
    const struct scenario_row *row = scenario_row(step->opcode);

    if (row == NULL || row->opcode == STEP_WORLD) {
        return check_refuse(message, size, "no step");
    }
    for (unsigned i = 0; i < row->field_count; i++) {
        if (scenario_given(step, i) && !value_in_range(&row->fields[i], step->values[i])) {
            return check_refuse(message, size, "'%s' of '%s' is out of range", row->fields[i].name,
                                row->name);
        }
    }
    if (!is_sensible(admission->program, step, message, size) ||
        !is_in_order(admission, row, step, message, size) ||
        !dialect_names_fit(admission, row, step, message, size) ||
        !names_fit(admission, row, step, message, size)) {
        return false;
    }
    count_in(admission, row, step);
    return true;
}

/* ---- a whole program ---- */

/* A backend of a dialect that nobody knows is a backend all the same: what is done to it is good.
 */
static void refuse_step(struct scenario_admission *admission, const struct scenario_step *step,
                        const char *message, struct scenario_problems *problems)
{
    struct scenario_position position = step->position;

    if (!dialect_names_are_known(admission, step)) {
        position = step->result_position;
        count_in(admission, scenario_row(step->opcode), step);
    }
    scenario_problems_add(problems, position, "%s", message);
}

static void check_steps(const struct scenario_program *program,
                        const struct scenario_program *dialects, struct scenario_problems *problems)
{
    struct scenario_admission admission;
    char message[200];

    scenario_admission_init(&admission, program, dialects);
    for (size_t i = 0; i < program->step_count; i++) {
        const struct scenario_step *step = &program->steps[i];

        if (!scenario_admit(&admission, step, message, sizeof message)) {
            refuse_step(&admission, step, message, problems);
        }
    }
}

int scenario_check(const struct scenario_program *program, struct scenario_problems *problems)
{
    return scenario_check_with(program, NULL, problems);
}

int scenario_check_dialects(const struct scenario_program *program,
                            struct scenario_problems *problems)
{
    size_t before = problems->total;
    struct scenario_position top = {1, 1};
    bool any = false;

    for (size_t i = 0; i < program->step_count; i++) {
        const struct scenario_row *row = scenario_row(program->steps[i].opcode);

        any = any || row->opcode == STEP_DIALECT;
        if (row->opcode != STEP_DIALECT && (row->flags & SCENARIO_ROW_OF_DIALECT) == 0) {
            scenario_problems_add(problems, program->steps[i].position,
                                  "found '%s', expected only 'dialect' and what belongs to it",
                                  row->name);
        }
    }
    if (!any) {
        scenario_problems_add(problems, top, "no 'dialect' found, expected one at least");
    }
    if (problems->total == before) {
        check_steps(program, NULL, problems);
    }
    return problems->total != before ? SCENARIO_INVALID : SCENARIO_OK;
}

/* What strikes between two moves of the world makes no move itself, and begins nothing. */
static void check_at(const struct scenario_program *program, const struct scenario_meta *meta,
                     struct scenario_problems *problems)
{
    const char *words = scenario_text(program, meta->value);
    const char *colon = memchr(words, ':', meta->value.length);
    size_t before = colon == NULL ? meta->value.length : (size_t)(colon - words) + 1;
    struct scenario_problems inner;
    struct scenario_program step;
    const struct scenario_row *row;

    scenario_program_init(&step);
    scenario_problems_init(&inner);
    if (scenario_parse_step(&step, words + before, meta->value.length - before, &inner) ==
            SCENARIO_OK &&
        step.step_count == 1) {
        row = scenario_row(step.steps[0].opcode);
        if (row->actor == SCENARIO_ACTOR_APPLICATION || row->actor == SCENARIO_ACTOR_CONTROL ||
            row->actor == SCENARIO_ACTOR_EXPECTATION || row->opcode == STEP_BACKEND ||
            row->opcode == STEP_DIALECT || (row->flags & SCENARIO_ROW_OF_DIALECT) != 0) {
            scenario_problems_add(problems, meta->position,
                                  "'%s' cannot strike at every step, expected a step of the "
                                  "backend, of XenStore or of a resource",
                                  row->name);
        }
    }
    scenario_program_fini(&step);
}

int scenario_check_with(const struct scenario_program *program,
                        const struct scenario_program *dialects, struct scenario_problems *problems)
{
    size_t before = problems->total;
    struct scenario_position top = {1, 1};

    check_steps(program, dialects, problems);
    for (size_t i = 0; i < program->meta_count; i++) {
        if (program->metas[i].kind == SCENARIO_META_AT) {
            check_at(program, &program->metas[i], problems);
        }
    }
    if (problems->total == before) {
        scenario_variants_check(program, dialects, problems);
    }
    if (scenario_expectation_count(program) == 0) {
        scenario_problems_add(problems, top,
                              "nothing is expected, expected '->' or 'expect' at least once");
    }
    return problems->total != before ? SCENARIO_INVALID : SCENARIO_OK;
}

bool scenario_program_is_valid(const struct scenario_program *program)
{
    struct scenario_problems problems;

    scenario_problems_init(&problems);
    return scenario_program_check(program) && scenario_check(program, &problems) == 0;
}
