/* SPDX-License-Identifier: ISC */
/*
 * What programs of a target begin with, where it says so: a handful of devices that are connected.
 * Their worlds are kept (play.c), so that a run costs what comes after.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "scenario/text.h"
#include "target.h"

enum { BEGINNINGS_MAX = 32 };

/* Of the one target that a process has to do with. */
static const char *const *parsed_from;
static struct scenario_program parsed[BEGINNINGS_MAX];

size_t fuzz_beginnings(const struct fuzz_target *target)
{
    size_t count = 0;

    while (target->beginnings != NULL && target->beginnings[count] != NULL) {
        count++;
    }
    return count;
}

size_t fuzz_beginning(const struct scenario_program *program)
{
    for (size_t i = 0; i < program->step_count; i++) {
        if (program->steps[i].opcode == STEP_CONNECT) {
            return i + 1;
        }
    }
    return 0;
}

/* They are texts of ours: only memory can be missing. */
static void parse_all(const struct fuzz_target *target)
{
    struct scenario_problems problems;

    for (size_t i = 0; i < fuzz_beginnings(target); i++) {
        const char *text = target->beginnings[i];

        scenario_problems_init(&problems);
        if (i == BEGINNINGS_MAX ||
            scenario_parse(&parsed[i], text, strlen(text), &problems) != SCENARIO_OK) {
            fprintf(stderr, "beginning %zu of %s: %s\n", i, target->name,
                    problems.count == 0 ? "no memory" : problems.list[0].text);
            exit(2);
        }
    }
    parsed_from = target->beginnings;
}

static const struct scenario_program *beginning_of(const struct fuzz_target *target, size_t number)
{
    if (parsed_from != target->beginnings) {
        parse_all(target);
    }
    return &parsed[number];
}

int fuzz_begin(const struct fuzz_target *target, struct scenario_program *program, size_t number)
{
    const struct scenario_program *from = beginning_of(target, number);
    size_t old = fuzz_beginning(program);
    int result = SCENARIO_OK;

    for (size_t i = 0; i < from->step_count && result == SCENARIO_OK; i++) {
        result = scenario_program_insert(program, i, from, &from->steps[i]);
        if (result != SCENARIO_OK) {
            scenario_program_remove(program, 0, i);
            return result;
        }
    }
    scenario_program_remove(program, from->step_count, old);
    program->world = from->world;
    program->has_world = from->has_world;
    return SCENARIO_OK;
}

/* ---- the nearest ---- */

static unsigned likeness(const struct scenario_step *one, const struct scenario_step *other)
{
    const struct scenario_row *row = scenario_row(one->opcode);
    unsigned same = 0;

    for (unsigned i = 0; one->opcode == other->opcode && i < row->field_count; i++) {
        same += scenario_given(one, i) == scenario_given(other, i) &&
                one->values[i] == other->values[i];
    }
    return same;
}

static bool is_like(const struct scenario_step *one, const struct scenario_step *other)
{
    return one->opcode == other->opcode && one->device == other->device &&
           likeness(one, other) == scenario_row(one->opcode)->field_count;
}

/* Beginnings have no strings. */
static bool begins_with(const struct scenario_program *program, const struct scenario_program *from)
{
    if (fuzz_beginning(program) != from->step_count || !is_like(&program->world, &from->world)) {
        return false;
    }
    for (size_t i = 0; i < from->step_count; i++) {
        if (!is_like(&program->steps[i], &from->steps[i])) {
            return false;
        }
    }
    return true;
}

/* Of the steps up to the first `connect`. */
static unsigned likeness_of_beginnings(const struct scenario_program *program, size_t steps,
                                       const struct scenario_program *from)
{
    unsigned same = 0;

    for (size_t i = 0; i < steps; i++) {
        for (size_t j = 0; j < from->step_count; j++) {
            same += likeness(&program->steps[i], &from->steps[j]);
        }
    }
    return same;
}

static size_t nearest(const struct fuzz_target *target, const struct scenario_program *program)
{
    size_t steps = fuzz_beginning(program), best = 0;
    unsigned most = 0;

    for (size_t i = 0; i < fuzz_beginnings(target); i++) {
        unsigned same = likeness_of_beginnings(program, steps, beginning_of(target, i));

        if (same > most) {
            most = same;
            best = i;
        }
    }
    return best;
}

/* What follows the first `connect` keeps only the steps that the target draws. */
static void strip(const struct fuzz_target *target, struct scenario_program *program)
{
    size_t kept = fuzz_beginning(program);

    for (size_t i = kept; i < program->step_count; i++) {
        if (scenario_step_set_has(&target->draws, program->steps[i].opcode)) {
            if (kept != i) {
                program->steps[kept] = program->steps[i];
            }
            kept++;
        }
    }
    scenario_program_remove(program, kept, program->step_count - kept);
}

/* As all but the programs that come from elsewhere do. */
static bool has_beginning(const struct fuzz_target *target, const struct scenario_program *program)
{
    for (size_t i = 0; i < fuzz_beginnings(target); i++) {
        if (begins_with(program, beginning_of(target, i))) {
            return true;
        }
    }
    return false;
}

int fuzz_fit(const struct fuzz_target *target, struct scenario_program *program)
{
    if (target->beginnings == NULL) {
        return SCENARIO_OK;
    }
    strip(target, program);
    return has_beginning(target, program) ? SCENARIO_OK
                                          : fuzz_begin(target, program, nearest(target, program));
}
