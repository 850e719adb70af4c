/* SPDX-License-Identifier: ISC */
/*
 * The rows of `simblk bench` with rules none: a program of its own, because it links the library
 * without the observer. Prints a row a line, fields between tabs, for the bench command.
 */
#include "bench.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
    struct bench_options options = {.subject = &scenario_subject_blkfront};
    char error[300];

    if (argc != 3) {
        fputs("usage: simblk-bench-plain REPEATS MILLISECONDS (run it by: simblk bench)\n", stderr);
        return 2;
    }
    options.repeats = (uint32_t)strtoul(argv[1], NULL, 10);
    options.milliseconds = (uint32_t)strtoul(argv[2], NULL, 10);
    if (options.repeats < 1 || options.repeats > BENCH_REPEATS_MAX)
        return 2;
    for (size_t i = 0; i < bench_case_count; i++) {
        struct bench_result row;

        if (bench_run(&options, &bench_cases[i], &row, error, sizeof(error)) != 0) {
            fprintf(stderr, "simblk bench: %s\n", error);
            return 1;
        }
        printf("%zu\t%.3f\t%.3f\t%.6f\t%.6f\t%.6f\n", i, row.requests_per_second,
               row.copies_per_second, row.notifications, row.allocations, row.copied);
        fflush(stdout);
    }
    return 0;
}
