/* SPDX-License-Identifier: ISC */
/*
 * Bells over Linux futexes: a short spin, then the kernel. A ring costs a system call only when
 * somebody sleeps. Who looks after which bell is threads_*.c's business.
 *
 * No wake-up is lost: the ring counts, then looks for sleepers; the sleeper enters itself, then the
 * count is compared, last of all by the kernel. All four accesses are sequentially consistent, so
 * at least one of the two sides sees the other.
 */
#define _GNU_SOURCE
#include "doorbell.h"

#include <limits.h>
#include <linux/futex.h>
#include <sched.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* A spin is of use where the other thread has a processor of its own, and a waste where it waits
 * for this one. Which it is may change, so of the short ones every TRIED_AGAINth is a long one,
 * whether the others are of use or not: they may be just too short for all but a few rings. It is
 * very long, since two that both sleep answer each other only after both have been woken. */
enum {
    SPINS_LEAST = 4,
    SPINS_FIRST = 1024,
    SPINS_MOST = 4096,
    SPINS_TRIED = 4 * SPINS_MOST,
    TRIED_AGAIN = 64,
    POLITE = 64,
    SELDOM = 16
};
#define NS_PER_S UINT64_C(1000000000)

uint64_t doorbell_now(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

void doorbell_ring(struct doorbell *bell)
{
    __atomic_add_fetch(&bell->rings, 1, __ATOMIC_SEQ_CST);
    if (__atomic_load_n(&bell->sleepers, __ATOMIC_SEQ_CST) != 0)
        (void)syscall(SYS_futex, &bell->rings, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0);
}

uint32_t doorbell_rings(const struct doorbell *bell)
{
    return __atomic_load_n(&bell->rings, __ATOMIC_SEQ_CST);
}

static void pause_briefly(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

/* One look. The sign comes first, and mostly alone. */
static bool is_rung(const struct doorbell *bell, uint32_t seen, const struct doorbell_sign *sign,
                    uint32_t look)
{
    if (sign != NULL && sign->is_there(sign->context))
        return true;
    return (sign == NULL || look % SELDOM == 0) && doorbell_rings(bell) != seen;
}

bool doorbell_glance(const struct doorbell *bell, uint32_t seen, const struct doorbell_sign *sign,
                     uint32_t most)
{
    for (uint32_t i = 0; i < most; i++) {
        if (is_rung(bell, seen, sign, i))
            return true;
        if ((i + 1) % POLITE != 0)
            pause_briefly();
        else
            (void)sched_yield();
    }
    return false;
}

bool doorbell_spin(struct doorbell *bell, uint32_t seen, const struct doorbell_sign *sign)
{
    const uint32_t tries = __atomic_load_n(&bell->tries, __ATOMIC_RELAXED);
    uint32_t limit = __atomic_load_n(&bell->spins, __ATOMIC_RELAXED);
    bool rung;

    if (limit == 0)
        limit = SPINS_FIRST;
    else if (limit < SPINS_FIRST && tries % TRIED_AGAIN == 0)
        limit = SPINS_TRIED;
    rung = doorbell_glance(bell, seen, sign, limit);
    if (rung)
        limit = limit < SPINS_MOST / 2 ? limit * 2 : SPINS_MOST;
    else
        limit = limit > SPINS_LEAST * 4 ? limit / 4 : SPINS_LEAST;
    __atomic_store_n(&bell->spins, limit, __ATOMIC_RELAXED);
    __atomic_store_n(&bell->tries, tries + 1, __ATOMIC_RELAXED);
    return rung;
}

bool doorbell_sleep(struct doorbell *bell, uint32_t seen, uint64_t deadline_ns)
{
    struct timespec left, *timeout = NULL;

    if (deadline_ns != UINT64_MAX) {
        const uint64_t now = doorbell_now();

        if (now >= deadline_ns)
            return false;
        left.tv_sec = (time_t)((deadline_ns - now) / NS_PER_S);
        left.tv_nsec = (long)((deadline_ns - now) % NS_PER_S);
        timeout = &left;
    }
    __atomic_add_fetch(&bell->sleepers, 1, __ATOMIC_SEQ_CST);
    (void)syscall(SYS_futex, &bell->rings, FUTEX_WAIT_PRIVATE, seen, timeout, NULL, 0);
    __atomic_sub_fetch(&bell->sleepers, 1, __ATOMIC_SEQ_CST);
    return true;
}

bool doorbell_wait(struct doorbell *bell, uint32_t seen, const struct doorbell_sign *sign,
                   uint64_t deadline_ns)
{
    return doorbell_spin(bell, seen, sign) || doorbell_sleep(bell, seen, deadline_ns);
}
