/* SPDX-License-Identifier: ISC */
/*
 * Stacks of their own for frontends that wait: entered from a poll, left when there is something to
 * wait for. One runs at a time. Below each stack lies a page that nobody may touch, so that one
 * that is too small is a crash and no riddle.
 */
#include "shim_internal.h"

#include <sys/mman.h>
#include <ucontext.h>

enum { FIBERS = SHIM_DEVICES, STACK = 256 << 10, GUARD = 4096 };

struct fiber {
    char *stack; /* of STACK bytes, above the guard; NULL: not made yet */
    bool used;
    ucontext_t own, outside;
    void (*body)(void *context);
    void *context;
    void *fake, *fake_outside; /* AddressSanitizer's */
    const void *outside_stack;
    size_t outside_size;
};

static struct fiber fibers[FIBERS];
static struct fiber *entered; /* makecontext hands over no pointers */

/* AddressSanitizer wants to know which stack is the one in use. */
void __sanitizer_start_switch_fiber(void **fake, const void *bottom, size_t size)
    __attribute__((weak));
void __sanitizer_finish_switch_fiber(void *fake, const void **bottom, size_t *size)
    __attribute__((weak));

static void switch_begins(void **fake, const void *bottom, size_t size)
{
    if (__sanitizer_start_switch_fiber != NULL)
        __sanitizer_start_switch_fiber(fake, bottom, size);
}

static void switch_ended(void *fake, const void **bottom, size_t *size)
{
    if (__sanitizer_finish_switch_fiber != NULL)
        __sanitizer_finish_switch_fiber(fake, bottom, size);
}

static void begin(void)
{
    struct fiber *fiber = entered;

    switch_ended(NULL, &fiber->outside_stack, &fiber->outside_size);
    fiber->body(fiber->context);
    switch_begins(NULL, fiber->outside_stack, fiber->outside_size); /* for good */
}

void fiber_forget(void)
{
    for (int i = 0; i < FIBERS; i++)
        fibers[i].used = false;
}

static bool make_stack(struct fiber *fiber)
{
    char *made;

    if (fiber->stack != NULL)
        return true;
    made = mmap(NULL, GUARD + STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (made == MAP_FAILED)
        return false;
    if (mprotect(made, GUARD, PROT_NONE) != 0) {
        munmap(made, GUARD + STACK);
        return false;
    }
    fiber->stack = made + GUARD;
    return true;
}

static struct fiber *free_fiber(void)
{
    for (int i = 0; i < FIBERS; i++) {
        if (!fibers[i].used)
            return make_stack(&fibers[i]) ? &fibers[i] : NULL;
    }
    return NULL;
}

static void make_context(struct fiber *fiber)
{
    getcontext(&fiber->own);
    fiber->own.uc_stack.ss_sp = fiber->stack;
    fiber->own.uc_stack.ss_size = STACK;
    fiber->own.uc_link = &fiber->outside;
    makecontext(&fiber->own, begin, 0);
}

struct fiber *fiber_new(void (*body)(void *context), void *context)
{
    struct fiber *fiber = free_fiber();

    if (fiber == NULL)
        return NULL;
    fiber->used = true;
    fiber->fake = NULL;
    fiber->body = body;
    fiber->context = context;
    make_context(fiber);
    return fiber;
}

void fiber_drop(struct fiber *fiber)
{
    fiber->used = false;
}

void fiber_enter(struct fiber *fiber)
{
    entered = fiber;
    switch_begins(&fiber->fake_outside, fiber->stack, STACK);
    swapcontext(&fiber->outside, &fiber->own);
    switch_ended(fiber->fake_outside, NULL, NULL);
}

void fiber_leave(struct fiber *fiber)
{
    switch_begins(&fiber->fake, fiber->outside_stack, fiber->outside_size);
    swapcontext(&fiber->own, &fiber->outside);
    switch_ended(fiber->fake, &fiber->outside_stack, &fiber->outside_size);
}
