/* SPDX-License-Identifier: ISC */
/*
 * What a fuzz target has found: an input, and what becomes of it.
 */
#ifndef SCENARIO_FUZZ_FIND_H
#define SCENARIO_FUZZ_FIND_H

#include "scenario/text.h"

#include <stdbool.h>
#include <stddef.h>

enum fuzz_find_played {
    FUZZ_FIND_UNPLAYED, /* it could not be played, and is not known to be anything */
    FUZZ_FIND_AGAIN,    /* it is found again when it is played by itself */
    FUZZ_FIND_GONE,     /* it is not */
};

struct fuzz_find {
    char input[1024]; /* the file */
    char
        reason[512]; /* "rule broken: I2 ..." or what a sanitizer sums up; "" if nothing was said */
    struct scenario_buffer said; /* the last words of what has found it */
    enum fuzz_find_played played;
    char problem[512];           /* why it could not be played */
    char kept[1024];             /* the scenario in the tree; "" if it was not kept */
    struct scenario_buffer text; /* the smallest scenario that ends alike; empty: there is none */
};

struct fuzz_find_options {
    const char *target;  /* "ring" */
    const char *replay;  /* the program that plays inputs */
    const char *work;    /* a folder for what is tried */
    const char *keep_in; /* where scenarios are kept; NULL: nowhere */
    unsigned stuck_seconds;
    unsigned attempts;         /* at most so many to make it smaller */
    bool (*interrupted)(void); /* asked before each: then no more are made */
};

/* The words by which a report tells of a find, at the beginning of this line; false: none. */
bool fuzz_find_reads(const char *line, char *reason, size_t size);

/* Is the input on the disk, as far as its size tells? */
bool fuzz_find_is_saved(const struct fuzz_find *find);

/* Plays the input again, turns it into a scenario, makes that as small as it can be and keeps it,
 * if asked to, before anything of that is printed. False after a message: it could not be kept. */
bool fuzz_find_examine(const struct fuzz_find_options *options, struct fuzz_find *find);

#endif
