/* SPDX-License-Identifier: ISC */
/*
 * Memory that must not be touched, told to whichever checker watches the program: AddressSanitizer,
 * MemorySanitizer, valgrind. Without one of them both calls are nothing (but valgrind's few
 * instructions, where its headers were there at build time).
 */
#ifndef SIMBACK_POISON_H
#define SIMBACK_POISON_H

#include <stdbool.h>
#include <stddef.h>

#if defined(__has_feature)
#define POISON_HAS_FEATURE(feature) __has_feature(feature)
#else
#define POISON_HAS_FEATURE(feature) 0
#endif

#if defined(__SANITIZE_ADDRESS__) || POISON_HAS_FEATURE(address_sanitizer)
#include <sanitizer/asan_interface.h>
#define POISON_ASAN 1
#else
#define POISON_ASAN 0
#endif

#if POISON_HAS_FEATURE(memory_sanitizer)
#include <sanitizer/msan_interface.h>
#define POISON_MSAN 1
#else
#define POISON_MSAN 0
#endif

#if defined(__SANITIZE_THREAD__) || POISON_HAS_FEATURE(thread_sanitizer)
#define POISON_TSAN 1
#else
#define POISON_TSAN 0
#endif

/* The sanitizers do not run under valgrind. */
#if !POISON_ASAN && !POISON_MSAN && !POISON_TSAN && defined(__has_include) && !defined(__cppcheck__)
#if __has_include(<valgrind/memcheck.h>)
#include <valgrind/memcheck.h>
#define POISON_VALGRIND 1
#else
#define POISON_VALGRIND 0
#endif
#else
#define POISON_VALGRIND 0
#endif

static inline void poison(void *address, size_t size)
{
#if POISON_ASAN
    __asan_poison_memory_region(address, size);
#elif POISON_MSAN
    __msan_poison(address, size);
#elif POISON_VALGRIND
    VALGRIND_MAKE_MEM_NOACCESS(address, size);
#else
    (void)address;
    (void)size;
#endif
}

/* The bytes count as written. */
static inline void unpoison(void *address, size_t size)
{
#if POISON_ASAN
    __asan_unpoison_memory_region(address, size);
#elif POISON_MSAN
    __msan_unpoison(address, size);
#elif POISON_VALGRIND
    VALGRIND_MAKE_MEM_DEFINED(address, size);
#else
    (void)address;
    (void)size;
#endif
}

/* Programs under valgrind see a smaller address space. */
static inline bool poison_in_valgrind(void)
{
#if POISON_VALGRIND
    return RUNNING_ON_VALGRIND != 0;
#else
    return false;
#endif
}

#endif
