/* SPDX-License-Identifier: ISC */
/*
 * The only way to touch memory that the backend can see. Every load is done exactly once and every
 * value so got is a private copy; in the observed build each access is announced first (observe.h).
 *
 * Ordering. A ring index is published with store-release after the slots that it covers, and read
 * with load-acquire before the slots that it covers. The only full fences are the two between
 * storing an index and loading the other side's event field, and between storing our event field
 * and loading the other side's index (ring.h): Dekker's pattern, which acquire and release do not
 * order.
 *
 * Why not memcpy: the compiler may split, repeat or widen a plain copy, and re-read its source
 * (xen.git 3f20b8def0). Copies out of shared memory therefore go word by word through volatile.
 */
#ifndef BLKFRONT_SRC_SHARED_H
#define BLKFRONT_SRC_SHARED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifndef BLKFRONT_OBSERVED
#define BLKFRONT_OBSERVED 0
#endif

#if BLKFRONT_OBSERVED
#include <blkfront/observe.h>
#define SHARED_OBSERVE(address, size, access) blkfront_observe((address), (size), (access))
#define SHARED_LOAD                           BLKFRONT_ACCESS_LOAD
#define SHARED_STORE                          BLKFRONT_ACCESS_STORE
#define SHARED_FENCE                          BLKFRONT_ACCESS_FENCE
#else
#define SHARED_OBSERVE(address, size, access) ((void)0)
#endif

/* A 32-bit word in a shared page: indices and event fields. Never touched but through this header.
 */
typedef volatile uint32_t shared_u32;

/* It will be loaded soon, so that several may come over from another processor at the same time. No
 * load: nothing is known of it afterwards. */
static inline void shared_expect(const volatile void *address)
{
    __builtin_prefetch((const void *)(uintptr_t)address);
}

static inline uint32_t shared_load_acquire(const shared_u32 *word)
{
    SHARED_OBSERVE(word, sizeof(*word), SHARED_LOAD);
    return __atomic_load_n(word, __ATOMIC_ACQUIRE);
}

static inline uint32_t shared_load_relaxed(const shared_u32 *word)
{
    SHARED_OBSERVE(word, sizeof(*word), SHARED_LOAD);
    return __atomic_load_n(word, __ATOMIC_RELAXED);
}

static inline void shared_store_release(shared_u32 *word, uint32_t value)
{
    SHARED_OBSERVE(word, sizeof(*word), SHARED_STORE);
    __atomic_store_n(word, value, __ATOMIC_RELEASE);
}

static inline void shared_store_relaxed(shared_u32 *word, uint32_t value)
{
    SHARED_OBSERVE(word, sizeof(*word), SHARED_STORE);
    __atomic_store_n(word, value, __ATOMIC_RELAXED);
}

static inline void shared_fence(void)
{
    SHARED_OBSERVE(NULL, 0, SHARED_FENCE);
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
}

/*
 * Copies a response out of the ring into private memory, each word loaded once (I1). Both addresses
 * and the size are multiples of 4.
 */
static inline void shared_copy_slot_in(void *to, const volatile void *from, size_t size)
{
    const volatile uint32_t *words = (const volatile uint32_t *)from;
    unsigned char *bytes = (unsigned char *)to;

    SHARED_OBSERVE(from, size, SHARED_LOAD);
    for (size_t i = 0; i < size / 4; i++) {
        uint32_t word = __atomic_load_n(&words[i], __ATOMIC_RELAXED);

        memcpy(bytes + 4 * i, &word, 4);
    }
}

/* The same outwards: a request or an indirect page's entries, made in private memory first. */
static inline void shared_copy_slot_out(volatile void *to, const void *from, size_t size)
{
    const unsigned char *bytes = (const unsigned char *)from;

    SHARED_OBSERVE(to, size, SHARED_STORE);
    /* Machine words, where place and size are whole ones: slots of the 64-bit ABI are. */
    if (((uintptr_t)to | size) % sizeof(uintptr_t) == 0) {
        volatile uintptr_t *words = (volatile uintptr_t *)to;

        for (size_t i = 0; i < size / sizeof(uintptr_t); i++) {
            uintptr_t word;

            memcpy(&word, bytes + sizeof(word) * i, sizeof(word));
            __atomic_store_n(&words[i], word, __ATOMIC_RELAXED);
        }
    } else {
        volatile uint32_t *words = (volatile uint32_t *)to;

        for (size_t i = 0; i < size / 4; i++) {
            uint32_t word;

            memcpy(&word, bytes + 4 * i, 4);
            __atomic_store_n(&words[i], word, __ATOMIC_RELAXED);
        }
    }
}

/*
 * Data of requests, in bounce pages. Nothing is decided from it, so a plain copy at full speed will
 * do: whatever the backend does to the page meanwhile is the data that it returns.
 */
static inline void shared_copy_data_in(void *to, const void *from, size_t size)
{
    SHARED_OBSERVE(from, size, SHARED_LOAD);
    memcpy(to, from, size);
}

static inline void shared_copy_data_out(void *to, const void *from, size_t size)
{
    SHARED_OBSERVE(to, size, SHARED_STORE);
    memcpy(to, from, size);
}

static inline void shared_zero(void *to, size_t size)
{
    SHARED_OBSERVE(to, size, SHARED_STORE);
    memset(to, 0, size);
}

#endif
