/* SPDX-License-Identifier: ISC */
/*
 * Replays inputs of a fuzz target without a fuzzer, with any compiler: files and folders as
 * arguments. A finding ends it by abort(), after the name of the file.
 */
#include <stdio.h>
#include <stdlib.h>

#include "fuzz.h"

enum { INPUT_MAX = 1 << 20 };

static int replay(void *context, const char *file)
{
    size_t *count = context, size = 0;
    unsigned char *bytes = fuzz_read_file(file, INPUT_MAX, &size);

    if (bytes == NULL) {
        return -1;
    }
    /* Said first and flushed: what comes next may be the end of the process. */
    printf("%s\n", file);
    fflush(stdout);
    LLVMFuzzerTestOneInput(bytes, size);
    free(bytes);
    ++*count;
    return 0;
}

int main(int argc, char **argv)
{
    size_t count = 0;

    for (int i = 1; i < argc; i++) {
        if (fuzz_walk(argv[i], replay, &count) != 0) {
            return 2;
        }
    }
    if (count == 0) {
        fprintf(stderr, "usage: %s FILE|FOLDER...\nno input\n", argc > 0 ? argv[0] : "replay");
        return 2;
    }
    printf("%zu inputs, nothing found\n", count);
    return 0;
}
