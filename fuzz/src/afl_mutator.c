/* SPDX-License-Identifier: ISC */
/*
 * Our mutator for AFL++, which takes it as a library (AFL_CUSTOM_MUTATOR_LIBRARY): the same changes
 * as under libFuzzer. For which target says SIMBLK_FUZZ_TARGET; default: device.
 */
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "target.h"

/* AFL++'s interface. */
void *afl_custom_init(void *afl, unsigned seed);
size_t afl_custom_fuzz(void *data, uint8_t *input, size_t size, uint8_t **out, uint8_t *other,
                       size_t other_size, size_t max_size);
void afl_custom_deinit(void *data);

const char *fuzz_target_name = "device";

struct changes {
    unsigned seed;
    uint8_t *bytes;
    size_t room;
};

void *afl_custom_init(void *afl, unsigned seed)
{
    struct changes *changes = calloc(1, sizeof(*changes));
    const char *name = getenv("SIMBLK_FUZZ_TARGET");

    (void)afl;
    if (name != NULL && fuzz_target_find(name) != NULL) {
        fuzz_target_name = name;
    }
    if (changes != NULL) {
        changes->seed = seed;
    }
    return changes;
}

void afl_custom_deinit(void *data)
{
    struct changes *changes = data;

    free(changes->bytes);
    free(changes);
}

static bool make_room(struct changes *changes, size_t size)
{
    uint8_t *larger;

    if (changes->room >= size) {
        return true;
    }
    larger = realloc(changes->bytes, size);
    if (larger == NULL) {
        return false;
    }
    changes->bytes = larger;
    changes->room = size;
    return true;
}

/* One change in four takes a piece of another input. 0: the input is left out. */
size_t afl_custom_fuzz(void *data, uint8_t *input, size_t size, uint8_t **out, uint8_t *other,
                       size_t other_size, size_t max_size)
{
    struct changes *changes = data;
    unsigned seed = changes->seed++;
    size_t length = 0;

    *out = changes->bytes;
    if (max_size == 0 || size > max_size || !make_room(changes, max_size)) {
        return 0;
    }
    *out = changes->bytes;
    if (other != NULL && other_size != 0 && seed % 4 == 0) {
        length = LLVMFuzzerCustomCrossOver(input, size, other, other_size, changes->bytes, max_size,
                                           seed);
    }
    if (length != 0) {
        return length;
    }
    memcpy(changes->bytes, input, size);
    return LLVMFuzzerCustomMutator(changes->bytes, size, max_size, seed);
}
