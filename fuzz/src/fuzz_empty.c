/* SPDX-License-Identifier: ISC */
/*
 * A target that does nothing: what libFuzzer itself costs with the same sanitizers, as the
 * yardstick of the others' rates (rates.sh).
 */
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    (void)data;
    (void)size;
    return 0;
}

bool fuzz_print_text(const uint8_t *data, size_t size)
{
    (void)data;
    (void)size;
    return false;
}
