/* SPDX-License-Identifier: ISC */
/*
 * The rows of `simblk bench` with rules none: a program of its own, because it links the library
 * without the observer. Prints a row a line, fields between tabs, for the bench command.
 */
#include "bench.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef int run_case(const struct bench_options *options, const struct bench_case *bench,
                     struct bench_result *result, char *error, size_t error_size);

static int print_rows(const struct bench_options *options, const struct bench_case *cases,
                      size_t count, run_case *run)
{
    char error[300];

    for (size_t i = 0; i < count; i++) {
        struct bench_result row;

        if (!bench_wanted(options, &cases[i]))
            continue;
        if (run(options, &cases[i], &row, error, sizeof(error)) != 0) {
            fprintf(stderr, "simblk bench: %s\n", error);
            return 1;
        }
        printf("%zu\t%.3f\t%.3f\t%.3f\t%.6f\t%.6f\t%.6f\t%.6f\t%.6f\n", i, row.requests_per_second,
               row.copies_per_second, row.empty_per_second, row.ratio, row.times, row.notifications,
               row.allocations, row.copied);
        fflush(stdout);
    }
    return 0;
}

int main(int argc, char **argv)
{
    struct bench_options options = {.subject = &scenario_subject_blkfront};
    const bool threads = argc > 3 && strcmp(argv[3], "threads") == 0;

    if (argc < 4 || argc > 5 || (!threads && strcmp(argv[3], "stepped") != 0)) {
        fputs("usage: simblk-bench-plain REPEATS MILLISECONDS stepped|threads [ROWS] (run it by: "
              "simblk bench)\n",
              stderr);
        return 2;
    }
    options.rows = argv[4];
    options.repeats = (uint32_t)strtoul(argv[1], NULL, 10);
    options.milliseconds = (uint32_t)strtoul(argv[2], NULL, 10);
    if (options.repeats < 1 || options.repeats > BENCH_REPEATS_MAX)
        return 2;
    if (threads)
        return print_rows(&options, bench_threads_cases, bench_threads_case_count,
                          bench_run_threads);
    return print_rows(&options, bench_cases, bench_case_count, bench_run);
}
