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

static int print_rows(const struct bench_options *options, bool threads, bool every)
{
    run_case *run = threads ? bench_run_threads : bench_run;
    char error[300];
    size_t count;
    const struct bench_case *list = bench_list(threads, every, &count);

    for (size_t i = 0; i < count; i++) {
        struct bench_result row;

        if (!bench_wanted(options, list, count, i))
            continue;
        if (run(options, &list[i], &row, error, sizeof(error)) != 0) {
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
    const bool every = argc > 4 && strcmp(argv[4], "every") == 0;

    if (argc < 5 || argc > 6 || (!threads && strcmp(argv[3], "stepped") != 0) ||
        (!every && strcmp(argv[4], "chosen") != 0)) {
        fputs("usage: simblk-bench-plain REPEATS MILLISECONDS stepped|threads chosen|every [ROWS] "
              "(run it by: simblk bench)\n",
              stderr);
        return 2;
    }
    options.rows = argv[5];
    options.repeats = (uint32_t)strtoul(argv[1], NULL, 10);
    options.milliseconds = (uint32_t)strtoul(argv[2], NULL, 10);
    if (options.repeats < 1 || options.repeats > BENCH_REPEATS_MAX)
        return 2;
    return print_rows(&options, threads, every);
}
