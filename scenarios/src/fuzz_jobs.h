/* SPDX-License-Identifier: ISC */
/*
 * libFuzzer programs at work: started, listened to, and what they said in figures.
 */
#ifndef SCENARIO_FUZZ_JOBS_H
#define SCENARIO_FUZZ_JOBS_H

#include "fuzz_find.h"

#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

enum { FUZZ_JOBS_MAX = 64 };

struct fuzz_job {
    pid_t pid;              /* 0: it has ended */
    struct fuzz_find *find; /* NULL: none so far */
    int output;
    FILE *log;
    char line[4096];
    size_t length;
    char reason[512];
    struct scenario_buffer said; /* the end of what it has said, without its figures */
    uint64_t inputs, edges, features, corpus, rate;
    char last_words[512]; /* its last line: for when it ends without a reason */
};

struct fuzz_jobs {
    /* of the caller */
    const char *program, *corpus_folder, *seeds_folder, *dictionary, *finds_folder;
    uint64_t time; /* seconds */
    unsigned count;
    uint32_t seed; /* of the first job, the others' follow up to UINT32_MAX; 0: any */

    struct fuzz_job job[FUZZ_JOBS_MAX];
    struct fuzz_find finds[FUZZ_JOBS_MAX]; /* one a job at most */
    size_t find_count;
    double seconds;
    uint64_t inputs, edges, features, corpus; /* the sum; the most of any; the newest */
    int rc; /* TOOL_OK, TOOL_USAGE after a message, TOOL_INTERRUPTED */
};

/* Until all have ended. A live line on standard error, of a terminal again and again, else now and
 * then. */
void fuzz_jobs_run(struct fuzz_jobs *jobs);
void fuzz_jobs_fini(struct fuzz_jobs *jobs);
/* By a signal, since fuzz_jobs_run was called: what comes behind it hastens, too. */
bool fuzz_jobs_interrupted(void);

#endif
