/* SPDX-License-Identifier: ISC */
/*
 * How a fuzzer changes an input: as a program, by the table of steps, so that most of what it tries
 * means something; and now and then as bytes, since the decoder has to take those too.
 *
 * Where the player wants it so, it holds on to an input for a while, and changes only what follows
 * its first steps, whatever else it is offered: those steps are played once for all (play.c).
 */
#include <string.h>

#include "fuzz.h"
#include "scenario/bytes.h"
#include "scenario/mutate.h"
#include "target.h"

enum {
    BYTES_RARELY = 16,
    BEGINNING_RARELY = 32,
    HELD_FOR = 32,
    HELD_WHOLE_RARELY = 16,
    CROSS_RARELY = 4,
    TRIES = 8
};

/* splitmix64 (Vigna): any seed is a good one. */
static uint64_t next_number(void *context)
{
    uint64_t *state = context;
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

/* Kept, so that mutating allocates nothing once it is warm. */
static struct scenario_program program, other;
static struct scenario_buffer bytes;

static const struct fuzz_target *this_target(void)
{
    static const struct fuzz_target *target;

    if (target == NULL) {
        target = fuzz_target_find(fuzz_target_name);
    }
    return target;
}

/* The input that is held, as the decoder gives it: where a target has no beginnings, with the
 * `expect rules` that the decoder adds. */
static struct {
    struct scenario_program base;
    unsigned left; /* changes of it that are still to come; 0: none is held */
} held;

/* As the target will take it. */
static bool read_program(struct scenario_program *to, const uint8_t *data, size_t size)
{
    struct scenario_decoder decoder = {.takes = &this_target()->takes};

    return scenario_decode(to, data, size, &decoder) == SCENARIO_OK;
}

/* A target's beginning where it needs one, now and then another. */
static bool begin_program(uint64_t *state)
{
    const struct fuzz_target *target = this_target();
    size_t beginnings = fuzz_beginnings(target);

    return beginnings == 0 ||
           (fuzz_beginning(&program) != 0 && next_number(state) % BEGINNING_RARELY != 0) ||
           fuzz_begin(target, &program, next_number(state) % beginnings) == SCENARIO_OK;
}

/* How many steps stay: mostly all but the last one or two, for each that is played again takes its
 * time, and what is put in behind the others meets all that they have led to; now and then none but
 * those that every program begins with. */
static size_t choose_shared(uint64_t *state)
{
    const struct fuzz_target *target = this_target();
    size_t first = target->beginnings == NULL ? 0 : fuzz_beginning(&held.base);
    size_t open = held.base.step_count - first, last = 0;

    if (!fuzz_shared.wanted || next_number(state) % HELD_WHOLE_RARELY == 0) {
        return first;
    }
    while (last < open && (last == 0 || next_number(state) % 2 == 0)) {
        last++;
    }
    return first + open - last;
}

/* From now on the input is the one that is changed. False: no memory. */
static bool hold(const uint8_t *data, size_t size, uint64_t *state)
{
    held.left = 0;
    if (!read_program(&program, data, size) || !begin_program(state)) {
        return false;
    }
    fuzz_tame(&program);
    if (fuzz_fit(this_target(), &program) != SCENARIO_OK ||
        scenario_program_copy(&held.base, &program) != SCENARIO_OK) {
        return false;
    }
    fuzz_shared.steps = choose_shared(state);
    held.left = fuzz_shared.wanted ? HELD_FOR : 1;
    return true;
}

/* The program that is held, to be changed; one is chosen where it is time. */
static bool begin(const uint8_t *data, size_t size, uint64_t *state)
{
    if (held.left == 0 && !hold(data, size, state)) {
        return false;
    }
    held.left--;
    return scenario_program_copy(&program, &held.base) == SCENARIO_OK;
}

/* A change may be none: a field gets the value that it has, a step too many is cut off. */
static bool change_program(uint64_t *state)
{
    const struct scenario_chance chance = {next_number, state};
    const struct scenario_steps_allowed allowed = {
        .steps = this_target()->draws,
        .first = fuzz_shared.steps,
    };

    for (unsigned i = 0; i < TRIES; i++) {
        if (scenario_mutate(&program, NULL, this_target()->max_steps, &chance, &allowed) !=
            SCENARIO_OK) {
            return false;
        }
        if (!scenario_program_equal(&program, &held.base, true)) {
            break;
        }
    }
    return true;
}

/* The program as bytes in the fuzzer's memory; 0 if it does not fit. */
static size_t write_program(uint8_t *out, size_t max_size)
{
    fuzz_tame(&program);
    scenario_buffer_clear(&bytes);
    if (fuzz_fit(this_target(), &program) != SCENARIO_OK ||
        scenario_encode(&program, &bytes) != SCENARIO_OK || bytes.length > max_size) {
        return 0;
    }
    if (bytes.length != 0) {
        memcpy(out, bytes.data, bytes.length);
    }
    return bytes.length;
}

static size_t change_bytes(uint8_t *data, size_t size, size_t max_size, uint64_t *state)
{
    size_t at = size == 0 ? 0 : next_number(state) % size;

    if (next_number(state) % 2 == 0 && size < max_size) {
        memmove(data + at + 1, data + at, size - at);
        size++;
    }
    if (size != 0) {
        data[at] = (uint8_t)next_number(state);
    }
    return size;
}

/* What has to begin as others do does so, whatever the bytes say. */
static size_t change_as_bytes(uint8_t *data, size_t size, size_t max_size, uint64_t *state)
{
    size_t written = 0;

    size = change_bytes(data, size, max_size, state);
    if (this_target()->beginnings != NULL && read_program(&program, data, size)) {
        written = write_program(data, max_size);
    }
    return written != 0 ? written : size;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed)
{
    uint64_t state = seed;
    size_t written;

    if ((held.left == 0 && next_number(&state) % BYTES_RARELY == 0) || !begin(data, size, &state) ||
        !change_program(&state)) {
        return change_as_bytes(data, size, max_size, &state);
    }
    written = write_program(data, max_size);
    return written != 0 ? written : change_as_bytes(data, size, max_size, &state);
}

/* libFuzzer crosses as often as it mutates, and what another input ends with takes long. */
size_t LLVMFuzzerCustomCrossOver(const uint8_t *data1, size_t size1, const uint8_t *data2,
                                 size_t size2, uint8_t *out, size_t max_out, unsigned seed)
{
    uint64_t state = seed;
    const struct scenario_chance chance = {next_number, &state};
    size_t leave = 0;

    if (next_number(&state) % CROSS_RARELY != 0 && size1 <= max_out) {
        if (size1 != 0) {
            memcpy(out, data1, size1);
        }
        return LLVMFuzzerCustomMutator(out, size1, max_out, (unsigned)next_number(&state));
    }
    if (!begin(data1, size1, &state) || !read_program(&other, data2, size2)) {
        return 0;
    }
    if (this_target()->beginnings != NULL) {
        leave = fuzz_beginning(&other);
    }
    if (scenario_cross_over(&program, &other, fuzz_shared.steps, leave, this_target()->max_steps,
                            &chance) != SCENARIO_OK) {
        return 0;
    }
    return write_program(out, max_out);
}
