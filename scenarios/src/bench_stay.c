/* SPDX-License-Identifier: ISC */
/*
 * Where the threads of the benchmark run. The two sides stay on processors of their own: where the
 * scheduler has put both on one, its patience is measured and nothing else.
 */
#include "bench.h"

#include <sched.h>

/* What the process was begun with: a container may have some of the machine's alone. Learnt before
 * there are threads. */
static cpu_set_t permitted;
static bool known;

static void learn(void)
{
    if (known)
        return;
    if (sched_getaffinity(0, sizeof(permitted), &permitted) != 0)
        CPU_ZERO(&permitted);
    known = true;
}

uint32_t bench_processors(void)
{
    learn();
    return (uint32_t)CPU_COUNT(&permitted);
}

void bench_stay(uint32_t place)
{
    for (size_t processor = 0; processor < CPU_SETSIZE; processor++) {
        cpu_set_t alone;

        if (!CPU_ISSET(processor, &permitted) || place-- != 0)
            continue;
        CPU_ZERO(&alone);
        CPU_SET(processor, &alone);
        (void)sched_setaffinity(0, sizeof(alone), &alone);
        return;
    }
}

void bench_roam(void)
{
    (void)sched_setaffinity(0, sizeof(permitted), &permitted);
}
