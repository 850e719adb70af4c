/* SPDX-License-Identifier: ISC */
/*
 * The functions that the linker puts in place of the heap's.
 */
#include "heap.h"

#include <stdlib.h>

static struct {
    uint64_t calls, failed;
    uint64_t countdown; /* the call that makes it 0 fails; 0: none */
    bool from_then_on, always;
    volatile uint64_t *counter;
} heap;

uint64_t heap_calls(void)
{
    return heap.calls;
}

void heap_fail(uint64_t nth, bool from_then_on)
{
    heap.failed = 0;
    heap.countdown = nth;
    heap.from_then_on = from_then_on;
    heap.always = false;
}

uint64_t heap_failed(void)
{
    return heap.failed;
}

void heap_count_in(volatile uint64_t *counter)
{
    heap.counter = counter;
}

static bool fails(void)
{
    heap.calls++;
    if (!heap.always) {
        if (heap.countdown == 0 || --heap.countdown != 0) {
            return false;
        }
        heap.always = heap.from_then_on;
    }
    heap.failed++;
    if (heap.counter != NULL) {
        *heap.counter = *heap.counter + 1;
    }
    return true;
}

/* The names are the linker's. NOLINTBEGIN(bugprone-reserved-identifier) */
void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *pointer, size_t size);
char *__real_strdup(const char *text);
char *__real_strndup(const char *text, size_t length);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *pointer, size_t size);
char *__wrap_strdup(const char *text);
char *__wrap_strndup(const char *text, size_t length);

void *__wrap_malloc(size_t size)
{
    return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return fails() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *pointer, size_t size)
{
    return fails() ? NULL : __real_realloc(pointer, size);
}

char *__wrap_strdup(const char *text)
{
    return fails() ? NULL : __real_strdup(text);
}

char *__wrap_strndup(const char *text, size_t length)
{
    return fails() ? NULL : __real_strndup(text, length);
}
/* NOLINTEND(bugprone-reserved-identifier) */
