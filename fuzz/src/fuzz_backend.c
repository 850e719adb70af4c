/* SPDX-License-Identifier: ISC */
/*
 * simback's backend under a hostile frontend that is made of any bytes: the mirror plays them, and
 * what is wrong ends the process.
 */
#include <stdio.h>
#include <stdlib.h>

#include "fuzz.h"
#include "mirror.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct mirror_result result;

    if (!mirror_play(data, size, &result)) {
        fputs("no memory for a world\n", stderr);
        exit(2);
    }
    if (result.wrong) {
        fprintf(stderr, "rule broken: I19 %s\n", result.reason);
        abort();
    }
    return 0;
}

bool fuzz_print_text(const uint8_t *data, size_t size)
{
    (void)data;
    (void)size;
    return false;
}
