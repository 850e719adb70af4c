/* SPDX-License-Identifier: ISC */
/*
 * How soon the fuzz targets find the seeded mutants: runs, the file that keeps them, and the table
 * of docs/fuzzing.md.
 */
#ifndef FUZZ_TIMES_H
#define FUZZ_TIMES_H

#include "mutant.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    TIMES_LIMIT_S = 120, /* of the processor's time, for one run */
    TIMES_SOON_S = 30,
    TIMES_SEEDS = 3, /* runs of a mutant */
    TIMES_NEVER = -1 /* in milliseconds: not within the limit */
};

enum times_event { TIMES_REACHED, TIMES_TRIGGERED, TIMES_FOUND, TIMES_EVENTS };

/* One run of a target with a mutant in it, in milliseconds of the processor's time since the
 * process began. */
struct times_run {
    char mutant[MUTANT_NAME], target[16];
    unsigned seed; /* of the fuzzer */
    int64_t ms[TIMES_EVENTS];
    char by[8];            /* the rule that was broken; "-" */
    unsigned inputs, kept; /* of the corpus; those that do not find the mutant by themselves */
    uint64_t hash;         /* of the mutant's file */
};

/* ---- running (times_run.c) ---- */

/* The target's program with the mutant in it, and a folder for what comes of it. */
struct times_program {
    char path[700], work[600];
    const char *original; /* the program without it */
};

/* Plays every input of `seeds` once and writes down which of them find nothing. */
bool times_survey(const struct times_program *program, const char *seeds, struct times_run *run);
/* Fuzzes from those until the mutant is found or so many seconds of the processor's time are up;
 * `run` has its seed. False with a message: the program did not run as it should, or what it found
 * is wrong without the mutant too. */
bool times_fuzz(const struct times_program *program, unsigned seconds, struct times_run *run);
/* What the program has said: times of marks, and the rule. */
void times_read_log(struct times_run *run, const char *path);

/* ---- results (times_results.c) ---- */

struct times_results {
    struct times_run *all;
    size_t count, room;
};

/* False with a message: a line says nothing that a run has. A file that is not there is an empty
 * one. Later lines replace earlier ones of the same mutant and seed. */
bool times_read(struct times_results *results, const char *path);
bool times_append(const struct times_run *run, const char *path);
/* NULL: not run yet, or of another text of the mutant. */
const struct times_run *times_find(const struct times_results *results, const struct mutant *mutant,
                                   unsigned seed);
void times_fini(struct times_results *results);

/* All runs of one mutant. */
struct times_summary {
    const struct times_run *first;
    unsigned runs, count[TIMES_EVENTS];
    int64_t median_ms[TIMES_EVENTS]; /* one that never came is longer than any; of two the longer */
};

/* Of the mutant that `run` is of. */
struct times_summary times_summary(const struct times_results *results,
                                   const struct times_run *run);

/* ---- for people (times_table.c) ---- */

/* The figures and a row a mutant, in the order of their names, as Markdown; the swarm's times are
 * those of `mutants`, the text of docs/mutants.md. */
void times_table(struct times_results *results, const char *mutants, struct scenario_buffer *out);
/* The page with this table in the place of the one that it has. False: it has none. */
bool times_page(const char *page, const char *table, struct scenario_buffer *out);

#endif
