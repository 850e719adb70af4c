/* SPDX-License-Identifier: ISC */
/*
 * Buffers in the caller's own memory: pages where a buffer is whole pages, else objects with guard
 * bytes on both sides. A buffer may begin in the page in which another request's ends (`beside`):
 * then it lies in that one's memory, which goes with the last of them.
 */
#include "runner.h"

#include <string.h>

enum {
    PAGE = BLKIF_WIRE_PAGE_SIZE,
    GUARD = 64,
    GUARD_BYTE = 0xa5,
    BESIDE_ROOM = 8 * PAGE /* for the buffers beside one, where a program has any */
};

void heap_begin(struct scenario_runner *runner)
{
    const struct scenario_program *program = runner->program;

    runner->has_beside = false;
    for (size_t i = 0; i < program->step_count; i++) {
        const struct scenario_step *step = &program->steps[i];

        runner->has_beside =
            runner->has_beside ||
            (step->opcode == STEP_READ && scenario_given(step, FIELD_READ_BESIDE)) ||
            (step->opcode == STEP_WRITE && scenario_given(step, FIELD_WRITE_BESIDE));
    }
}

/* ---- making ---- */

static void put_guards(struct blkfront_buffer *buffer, unsigned char *begin)
{
    memset(begin - GUARD, GUARD_BYTE, GUARD);
    memset(begin + buffer->size, GUARD_BYTE, GUARD);
    buffer->address = begin;
}

/* The buffer begins `align` bytes into a page. */
static bool make_buffer(struct scenario_runner *runner, struct call *call, size_t index,
                        size_t align)
{
    struct blkfront_buffer *buffer = &call->buffers[index];
    size_t size = buffer->size + PAGE + 2 * (size_t)GUARD + (runner->has_beside ? BESIDE_ROOM : 0);
    unsigned char *block, *begin;

    if (align == 0 && buffer->size % PAGE == 0 && !runner->has_beside) {
        block = simback_pages_allocate(runner->world, (uint32_t)(buffer->size / PAGE));
        buffer->address = block;
        call->blocks[index] = block;
        call->block_sizes[index] = 0;
        return block != NULL;
    }
    block = simback_allocate(runner->world, size);
    if (block == NULL) {
        return false;
    }
    begin = block + GUARD;
    begin += (align + PAGE - (uintptr_t)begin % PAGE) % PAGE;
    put_guards(buffer, begin);
    call->blocks[index] = block;
    call->block_sizes[index] = size;
    call->room = begin + buffer->size + GUARD;
    call->room_end = block + size;
    return true;
}

/* Whose memory it is. */
static struct call *root_of(struct scenario_runner *runner, uint64_t name)
{
    struct call *call = name < SCENARIO_NAMES_MAX ? runner->names[name] : NULL;

    if (call != NULL && call->host != NULL && call->buffers != NULL) {
        call = call->host;
    }
    return call != NULL && call->room != NULL && call->buffers != NULL ? call : NULL;
}

/* The first buffer begins in the page in which the one before it ends, the others follow. */
static bool make_beside(struct scenario_runner *runner, struct call *call, struct call *host,
                        size_t align)
{
    for (size_t i = 0; i < call->buffer_count; i++) {
        struct blkfront_buffer *buffer = &call->buffers[i];
        unsigned char *end = host->room - GUARD, *begin = host->room + GUARD;

        if (align != 0) {
            begin += (align + PAGE - (uintptr_t)begin % PAGE) % PAGE;
        }
        if (((uintptr_t)end - 1) / PAGE != (uintptr_t)begin / PAGE ||
            host->room_end - begin < (ptrdiff_t)(buffer->size + GUARD)) {
            run_bad_step(runner, "the buffer that it is to lie beside leaves no room in its page");
            return false;
        }
        put_guards(buffer, begin);
        call->blocks[i] = NULL;
        host->room = begin + buffer->size + GUARD;
    }
    call->host = host;
    host->guests++;
    return true;
}

bool heap_make(struct scenario_runner *runner, struct call *call, size_t align, bool beside,
               uint64_t name)
{
    struct call *host = beside ? root_of(runner, name) : NULL;

    if (host != NULL) {
        return make_beside(runner, call, host, align);
    }
    if (beside) {
        run_bad_step(runner, "the request that it is to lie beside has no buffer any more");
        return false;
    }
    for (size_t i = 0; i < call->buffer_count; i++) {
        if (!make_buffer(runner, call, i, align)) {
            return false;
        }
    }
    return true;
}

/* ---- the end ---- */

static bool guards_hold(const struct blkfront_buffer *buffer)
{
    const unsigned char *begin = buffer->address;

    for (size_t i = 0; i < GUARD; i++) {
        if (begin[buffer->size + i] != GUARD_BYTE || *(begin - 1 - i) != GUARD_BYTE) {
            return false;
        }
    }
    return true;
}

static void judge_guards(struct scenario_runner *runner, const struct call *call)
{
    for (size_t i = 0; i < call->buffer_count; i++) {
        const struct blkfront_buffer *buffer = &call->buffers[i];

        if (call->fake || buffer->address == NULL ||
            (call->host == NULL && call->block_sizes[i] == 0) || guards_hold(buffer)) {
            continue;
        }
        simback_violate(runner->world, 7, false, runner->fronts[call->front].number, call->number,
                        "bytes beside its buffer %zu were changed", i);
    }
}

static void free_blocks(struct scenario_runner *runner, struct call *call)
{
    for (size_t i = 0; i < call->buffer_count; i++) {
        uint32_t pages = call->fake ? 1 : (uint32_t)(call->buffers[i].size / PAGE);

        if (call->blocks[i] != NULL && call->block_sizes[i] == 0) {
            simback_pages_free(runner->world, call->blocks[i], pages);
        } else if (call->blocks[i] != NULL) {
            simback_free(runner->world, call->blocks[i], call->block_sizes[i]);
        }
    }
    simback_free(runner->world, call->buffers, call->arrays_size);
    call->buffers = NULL;
    call->buffer_count = 0;
    call->room = NULL;
}

void heap_finish(struct scenario_runner *runner, struct call *call)
{
    struct call *host = call->host;

    if (call->buffers == NULL || call->waits_for_guests) {
        return;
    }
    judge_guards(runner, call);
    call->waits_for_guests = call->guests != 0;
    if (!call->waits_for_guests) {
        free_blocks(runner, call);
    }
    if (host != NULL && --host->guests == 0 && host->waits_for_guests) {
        free_blocks(runner, host);
    }
}
