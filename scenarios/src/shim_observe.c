/* SPDX-License-Identifier: ISC */
/*
 * What a frontend that is compiled with -fsanitize=thread (and linked without it) calls before each
 * access to memory: here each is told to the judge, as libblkfront tells of its own (observe.h). So
 * a frontend that nobody has changed is seen to load a response twice (I1), and memory can change
 * between its loads. The names are the compilers'; who is not compiled so never gets this file.
 */
#include "shim_internal.h"

#include <blkfront/observe.h>

#include <string.h>

static void loads(const volatile void *address, size_t size)
{
    blkfront_observe(address, size, BLKFRONT_ACCESS_LOAD);
}

static void stores(const volatile void *address, size_t size)
{
    blkfront_observe(address, size, BLKFRONT_ACCESS_STORE);
}

void __tsan_init(void);
void __tsan_init(void)
{
    shim_observed = true;
}

void __tsan_func_entry(void *caller);
void __tsan_func_entry(void *caller)
{
    (void)caller;
}

void __tsan_func_exit(void);
void __tsan_func_exit(void)
{
}

#define PLAIN(name, access, bytes)        \
    void __tsan_##name(void *address);    \
    void __tsan_##name(void *address)     \
    {                                     \
        access(address, (size_t)(bytes)); \
    }

#define PLAINS(bytes)                             \
    PLAIN(read##bytes, loads, bytes)              \
    PLAIN(write##bytes, stores, bytes)            \
    PLAIN(unaligned_read##bytes, loads, bytes)    \
    PLAIN(unaligned_write##bytes, stores, bytes)  \
    PLAIN(volatile_read##bytes, loads, bytes)     \
    PLAIN(volatile_write##bytes, stores, bytes)   \
    void __tsan_read_write##bytes(void *address); \
    void __tsan_read_write##bytes(void *address)  \
    {                                             \
        loads(address, (size_t)(bytes));          \
        stores(address, (size_t)(bytes));         \
    }

PLAINS(1)
PLAINS(2)
PLAINS(4)
PLAINS(8)
PLAINS(16)

void __tsan_read_range(void *address, unsigned long size);
void __tsan_read_range(void *address, unsigned long size)
{
    loads(address, size);
}

void __tsan_write_range(void *address, unsigned long size);
void __tsan_write_range(void *address, unsigned long size)
{
    stores(address, size);
}

void *__tsan_memcpy(void *to, const void *from, size_t size);
void *__tsan_memcpy(void *to, const void *from, size_t size)
{
    loads(from, size);
    stores(to, size);
    return memcpy(to, from, size);
}

void *__tsan_memmove(void *to, const void *from, size_t size);
void *__tsan_memmove(void *to, const void *from, size_t size)
{
    loads(from, size);
    stores(to, size);
    return memmove(to, from, size);
}

void *__tsan_memset(void *to, int byte, size_t size);
void *__tsan_memset(void *to, int byte, size_t size)
{
    stores(to, size);
    return memset(to, byte, size);
}

/* ---- atomics: as strong as any order that was asked for ---- */

void __tsan_atomic_thread_fence(int order);
void __tsan_atomic_thread_fence(int order)
{
    if (order == __ATOMIC_SEQ_CST)
        blkfront_observe(NULL, 0, BLKFRONT_ACCESS_FENCE);
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
}

void __tsan_atomic_signal_fence(int order);
void __tsan_atomic_signal_fence(int order)
{
    (void)order;
}

#define UPDATE(bits, type, name)                                                 \
    type __tsan_atomic##bits##_##name(volatile type *at, type value, int order); \
    type __tsan_atomic##bits##_##name(volatile type *at, type value, int order)  \
    {                                                                            \
        (void)order;                                                             \
        loads(at, sizeof(*at));                                                  \
        stores(at, sizeof(*at));                                                 \
        return UPDATE_##name(at, value);                                         \
    }

#define UPDATE_exchange(at, value)  __atomic_exchange_n((at), (value), __ATOMIC_SEQ_CST)
#define UPDATE_fetch_add(at, value) __atomic_fetch_add((at), (value), __ATOMIC_SEQ_CST)
#define UPDATE_fetch_sub(at, value) __atomic_fetch_sub((at), (value), __ATOMIC_SEQ_CST)
#define UPDATE_fetch_and(at, value) __atomic_fetch_and((at), (value), __ATOMIC_SEQ_CST)
#define UPDATE_fetch_or(at, value)  __atomic_fetch_or((at), (value), __ATOMIC_SEQ_CST)
#define UPDATE_fetch_xor(at, value) __atomic_fetch_xor((at), (value), __ATOMIC_SEQ_CST)

#define COMPARE(bits, type, name)                                                            \
    int __tsan_atomic##bits##_##name(volatile type *at, type *wanted, type value, int order, \
                                     int failed);                                            \
    int __tsan_atomic##bits##_##name(volatile type *at, type *wanted, type value, int order, \
                                     int failed)                                             \
    {                                                                                        \
        (void)order;                                                                         \
        (void)failed;                                                                        \
        loads(at, sizeof(*at));                                                              \
        stores(at, sizeof(*at));                                                             \
        return __atomic_compare_exchange_n(at, wanted, value, 0, __ATOMIC_SEQ_CST,           \
                                           __ATOMIC_SEQ_CST);                                \
    }

#define ATOMICS(bits, type)                                                                     \
    type __tsan_atomic##bits##_load(const volatile type *at, int order);                        \
    type __tsan_atomic##bits##_load(const volatile type *at, int order)                         \
    {                                                                                           \
        (void)order;                                                                            \
        loads(at, sizeof(*at));                                                                 \
        return __atomic_load_n(at, __ATOMIC_SEQ_CST);                                           \
    }                                                                                           \
    void __tsan_atomic##bits##_store(volatile type *at, type value, int order);                 \
    void __tsan_atomic##bits##_store(volatile type *at, type value, int order)                  \
    {                                                                                           \
        (void)order;                                                                            \
        stores(at, sizeof(*at));                                                                \
        __atomic_store_n(at, value, __ATOMIC_SEQ_CST);                                          \
    }                                                                                           \
    UPDATE(bits, type, exchange)                                                                \
    UPDATE(bits, type, fetch_add)                                                               \
    UPDATE(bits, type, fetch_sub)                                                               \
    UPDATE(bits, type, fetch_and)                                                               \
    UPDATE(bits, type, fetch_or)                                                                \
    UPDATE(bits, type, fetch_xor)                                                               \
    COMPARE(bits, type, compare_exchange_strong)                                                \
    COMPARE(bits, type, compare_exchange_weak)                                                  \
    type __tsan_atomic##bits##_compare_exchange_val(volatile type *at, type wanted, type value, \
                                                    int order, int failed);                     \
    type __tsan_atomic##bits##_compare_exchange_val(volatile type *at, type wanted, type value, \
                                                    int order, int failed)                      \
    {                                                                                           \
        (void)__tsan_atomic##bits##_compare_exchange_strong(at, &wanted, value, order, failed); \
        return wanted;                                                                          \
    }

ATOMICS(8, uint8_t)
ATOMICS(16, uint16_t)
ATOMICS(32, uint32_t)
ATOMICS(64, uint64_t)
