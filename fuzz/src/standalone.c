/* SPDX-License-Identifier: ISC */
/*
 * Replays inputs of a fuzz target without a fuzzer, with any compiler: files and folders as
 * arguments. A finding ends it by abort(), after the name of the file.
 *
 *     fuzz_..._replay FILE|FOLDER...
 *     fuzz_..._replay --text FILE         the input as a scenario's text, not played
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

static int print_text(const char *file)
{
    size_t size = 0;
    unsigned char *bytes = fuzz_read_file(file, INPUT_MAX, &size);
    bool printed;

    if (bytes == NULL) {
        return 2;
    }
    printed = fuzz_print_text(bytes, size);
    free(bytes);
    if (fflush(stdout) != 0 || ferror(stdout) != 0) {
        perror("standard output");
        return 2;
    }
    if (!printed) {
        fprintf(stderr, "%s has no text: inputs of this target are no programs\n", file);
    }
    return printed ? 0 : 1;
}

int main(int argc, char **argv)
{
    size_t count = 0;

    if (argc == 3 && strcmp(argv[1], "--text") == 0) {
        return print_text(argv[2]);
    }
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
