/* SPDX-License-Identifier: ISC */
/*
 * The program behind `simblk soak`: a soak in parts, each told and, if a file is named, added to
 * it, so that it can be ended at any time and gone on with. Its arguments are what the soak command
 * has looked at.
 */
#include "soak.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PART_REQUESTS UINT64_C(5000000)
#define NS_PER_S      UINT64_C(1000000000)

enum { OK = 0, WRONG = 1, USAGE = 2, INTERRUPTED = 130 };

struct total {
    const char *path; /* NULL: none */
    uint64_t requests, parts;
};

static volatile sig_atomic_t interrupted;

static void on_interrupt(int number)
{
    (void)number;
    interrupted = 1;
}

static uint64_t successes(const struct soak_counts *counts)
{
    return counts->reads + counts->writes + counts->flushes;
}

/* ---- the file ---- */

/* Makes it if there is none yet; false after a message. */
static bool read_total(struct total *total)
{
    FILE *file = fopen(total->path, "a+");
    char line[400];
    bool ok = true;

    if (file == NULL) {
        fprintf(stderr, "simblk: soak: %s cannot be written: %s\n", total->path, strerror(errno));
        return false;
    }
    rewind(file);
    while (ok && fgets(line, sizeof(line), file) != NULL) {
        uint64_t requests;

        ok = sscanf(line, "requests=%" SCNu64 " ", &requests) == 1;
        total->requests += ok ? requests : 0;
        total->parts++;
    }
    fclose(file);
    if (!ok)
        fprintf(stderr, "simblk: soak: %s is not what a soak has written\n", total->path);
    return ok;
}

static bool add_to_total(struct total *total, const struct soak_result *result,
                         const struct soak_options *options)
{
    const struct soak_counts *counts = &result->counts;
    FILE *file;
    bool ok;

    total->requests += successes(counts);
    total->parts++;
    if (total->path == NULL)
        return true;
    file = fopen(total->path, "a");
    if (file == NULL)
        return false;
    ok = fprintf(file,
                 "requests=%" PRIu64 " reads=%" PRIu64 " writes=%" PRIu64 " flushes=%" PRIu64
                 " disconnected=%" PRIu64 " closed=%" PRIu64 " crashed=%" PRIu64 " cut=%" PRIu64
                 " seconds=%.1f seed=%" PRIu64 " queues=%" PRIu32 " depth=%" PRIu32 "\n",
                 successes(counts), counts->reads, counts->writes, counts->flushes,
                 result->ends[SOAK_DISCONNECTS], result->ends[SOAK_CLOSES],
                 result->ends[SOAK_CRASHES], result->ends[SOAK_CUTS], result->seconds,
                 options->seed, options->queues, options->depth) > 0;
    return fclose(file) == 0 && ok;
}

/* ---- what is told ---- */

static void tell_progress(void *context, uint64_t requests)
{
    const struct total *total = context;

    fprintf(stderr, "\r%" PRIu64 " requests ", total->requests + requests);
}

static void tell_part(const struct soak_result *result, uint64_t seed)
{
    const struct soak_counts *counts = &result->counts;

    printf("seed %" PRIu64 ": %" PRIu64 " reads, %" PRIu64 " writes, %" PRIu64
           " flushes in %.1f s (%.0f/s); %" PRIu64 " disconnected, %" PRIu64 " closed, %" PRIu64
           " crashed, %" PRIu64 " cut with %" PRIu64 " requests in flight\n",
           seed, counts->reads, counts->writes, counts->flushes, result->seconds,
           result->seconds > 0 ? (double)successes(counts) / result->seconds : 0,
           result->ends[SOAK_DISCONNECTS], result->ends[SOAK_CLOSES], result->ends[SOAK_CRASHES],
           result->ends[SOAK_CUTS], counts->cut);
    fflush(stdout);
}

static void tell_trouble(const struct soak_options *options, const struct soak_result *result)
{
    const struct soak_counts *counts = &result->counts;

    printf("FAIL seed %" PRIu64 ": %s\n     %" PRIu64 " right, %" PRIu64 " wrong, %" PRIu64
           " doubled, %" PRIu64 " failed, %" PRIu64 " lost\n",
           options->seed, result->trouble, successes(counts), counts->wrong, counts->doubled,
           counts->failed, counts->lost);
}

/* ---- all parts ---- */

static int soak(struct soak_options *options, struct total *total, uint64_t wanted)
{
    const uint64_t first_seed = options->seed;
    struct soak_result result;

    while (total->requests < wanted && !interrupted) {
        const uint64_t left = wanted - total->requests;
        int rc;

        options->seed = first_seed + total->parts;
        options->requests = left < PART_REQUESTS ? left : PART_REQUESTS;
        rc = soak_run(options, &result);
        if (options->told != NULL)
            fputc('\r', stderr);
        if (rc != 0) {
            tell_trouble(options, &result);
            return WRONG;
        }
        tell_part(&result, options->seed);
        if (!add_to_total(total, &result, options)) {
            fprintf(stderr, "simblk: soak: %s cannot be written\n", total->path);
            return USAGE;
        }
    }
    printf("%" PRIu64 " requests in all: nothing lost, nothing doubled, nothing wrong%s\n",
           total->requests, interrupted ? " (interrupted)" : "");
    return interrupted ? INTERRUPTED : OK;
}

static uint64_t number(const char *text)
{
    return strtoull(text, NULL, 10);
}

int main(int argc, char **argv)
{
    struct soak_options options;
    struct total total = {NULL, 0, 0};

    if (argc < 6 || argc > 7) {
        fputs("usage: simblk-soak REQUESTS QUEUES DEPTH RECONNECT SEED [TOTAL] (run it by: simblk "
              "soak)\n",
              stderr);
        return USAGE;
    }
    soak_options_init(&options);
    options.queues = (uint32_t)number(argv[2]);
    options.depth = (uint32_t)number(argv[3]);
    options.reconnect_ns = number(argv[4]) * NS_PER_S;
    options.seed = number(argv[5]);
    options.interrupted = &interrupted;
    if (isatty(STDERR_FILENO)) {
        options.told = tell_progress;
        options.context = &total;
    }
    if (options.queues < 1 || options.queues > SOAK_QUEUES_MAX || options.depth < 1 ||
        options.depth > SOAK_DEPTH_MAX)
        return USAGE;
    total.path = argc == 7 ? argv[6] : NULL;
    if (total.path != NULL && !read_total(&total))
        return USAGE;
    signal(SIGINT, on_interrupt);
    signal(SIGTERM, on_interrupt);
    return soak(&options, &total, number(argv[1]));
}
