/* SPDX-License-Identifier: ISC */
/*
 * Tells when a mutant was reached and when it was triggered: a line each, which times_run.c reads.
 */
#define _POSIX_C_SOURCE 200809L

#include "mutant_mark.h"

#include <stdio.h>
#include <time.h>

static void tell(const char *what)
{
    struct timespec spent;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &spent);
    fprintf(stderr, "mutant %s: %lld ms\n", what,
            (long long)spent.tv_sec * 1000 + spent.tv_nsec / 1000000);
}

void mutant_mark(bool differs)
{
    static bool reached, triggered;

    if (!reached) {
        reached = true;
        tell("reached");
    }
    if (differs && !triggered) {
        triggered = true;
        tell("triggered");
    }
}
