/* SPDX-License-Identifier: ISC */
/*
 * One device of a threaded world under load: a thread a queue, the backend in another, the real
 * clock. As in bench_world.h each request that completes is submitted again, at another random
 * place of its queue's part of the disk.
 */
#ifndef SCENARIO_BENCH_THREADS_H
#define SCENARIO_BENCH_THREADS_H

#include "bench.h"

struct bench_threads;

/* A connected device that has agreed to what the setup asks for, with buffers, threads and a filled
 * disk; NULL, and nothing is left. */
struct bench_threads *bench_threads_open(const struct bench_case *bench);
void bench_threads_close(struct bench_threads *threads);
/* `context` is the struct bench_threads. So many requests, from the first submit to the last
 * completion; -1: one failed. */
int bench_threads_play(void *context, uint64_t requests);
void bench_threads_statistics(void *context, struct blkfront_statistics *statistics);

#endif
