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
#include <stdint.h>

#if defined(__has_feature)
#define POISON_HAS_FEATURE(feature) __has_feature(feature)
#else
#define POISON_HAS_FEATURE(feature) 0
#endif

/* Or the program is watched, though not this library's own code. */
#if defined(__SANITIZE_ADDRESS__) || POISON_HAS_FEATURE(address_sanitizer) || \
    defined(SIMBACK_POISON_ASAN)
#include <sanitizer/asan_interface.h>
#define POISON_ASAN 1
/* What the compiler calls for an access of any size; no header has them. */
void __asan_loadN(uintptr_t address, size_t size);
void __asan_storeN(uintptr_t address, size_t size);
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
#if !POISON_ASAN && !POISON_MSAN && !POISON_TSAN && defined(SIMBACK_VALGRIND)
#include <valgrind/memcheck.h>
#define POISON_VALGRIND 1
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

#if POISON_ASAN
/* The marks of a region that begins at a page: `size` bytes of memory have poison_marks_size(size)
 * bytes of marks, from the address that this gives. */
static inline void *poison_marks(const void *address)
{
    size_t scale = 0, offset = 0;

    __asan_get_shadow_mapping(&scale, &offset);
    return (void *)(((uintptr_t)address >> scale) + offset);
}

static inline size_t poison_marks_size(size_t size)
{
    size_t scale = 0, offset = 0;

    __asan_get_shadow_mapping(&scale, &offset);
    return (size + ((size_t)1 << scale) - 1) >> scale;
}
#else
static inline void *poison_marks(const void *address)
{
    (void)address;
    return NULL;
}

static inline size_t poison_marks_size(size_t size)
{
    (void)size;
    return 0;
}
#endif

/* Memory that a frontend hands over to be read, or written: its mistake dies here, as if it had
 * touched it itself, also where this library's own accesses are not watched. */
static inline void poison_read(const void *address, size_t size)
{
#if POISON_ASAN
    __asan_loadN((uintptr_t)address, size);
#else
    (void)address;
    (void)size;
#endif
}

static inline void poison_written(void *address, size_t size)
{
#if POISON_ASAN
    __asan_storeN((uintptr_t)address, size);
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

/* Whether the marks of a region can be copied, as its bytes are: to come back to. */
static inline bool poison_can_copy(void)
{
    return !POISON_MSAN && !poison_in_valgrind();
}

#endif
