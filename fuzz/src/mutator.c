/* SPDX-License-Identifier: ISC */
/*
 * How a fuzzer changes an input: as a program, by the table of steps, so that most of what it tries
 * means something; and now and then as bytes, since the decoder has to take those too.
 */
#include <string.h>

#include "fuzz.h"
#include "scenario/bytes.h"
#include "scenario/mutate.h"
#include "target.h"

enum { BYTES_RARELY = 16, BEGINNING_RARELY = 32 };

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

/* As the target will take it. */
static bool read_program(struct scenario_program *to, const uint8_t *data, size_t size)
{
    struct scenario_decoder decoder = {.takes = &this_target()->takes};

    return scenario_decode(to, data, size, &decoder) == SCENARIO_OK;
}

static bool change_program(uint64_t *state)
{
    const struct scenario_chance chance = {next_number, state};
    const struct fuzz_target *target = this_target();
    struct scenario_steps_allowed allowed = {.steps = target->draws};
    size_t beginnings = fuzz_beginnings(target);

    if (beginnings != 0 &&
        (fuzz_beginning(&program) == 0 || next_number(state) % BEGINNING_RARELY == 0) &&
        fuzz_begin(target, &program, next_number(state) % beginnings) != SCENARIO_OK) {
        return false;
    }
    if (beginnings != 0) {
        allowed.first = fuzz_beginning(&program);
    }
    return scenario_mutate(&program, NULL, target->max_steps, &chance, &allowed) == SCENARIO_OK;
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

    if (next_number(&state) % BYTES_RARELY == 0 || !read_program(&program, data, size) ||
        !change_program(&state)) {
        return change_as_bytes(data, size, max_size, &state);
    }
    written = write_program(data, max_size);
    return written != 0 ? written : change_as_bytes(data, size, max_size, &state);
}

size_t LLVMFuzzerCustomCrossOver(const uint8_t *data1, size_t size1, const uint8_t *data2,
                                 size_t size2, uint8_t *out, size_t max_out, unsigned seed)
{
    uint64_t state = seed;
    const struct scenario_chance chance = {next_number, &state};
    size_t keep = 0, leave = 0;

    if (!read_program(&program, data1, size1) || !read_program(&other, data2, size2)) {
        return 0;
    }
    if (this_target()->beginnings != NULL) {
        keep = fuzz_beginning(&program);
        leave = fuzz_beginning(&other);
    }
    if (scenario_cross_over(&program, &other, keep, leave, this_target()->max_steps, &chance) !=
        SCENARIO_OK) {
        return 0;
    }
    return write_program(out, max_out);
}
