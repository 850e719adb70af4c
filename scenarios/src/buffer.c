/* SPDX-License-Identifier: ISC */
/*
 * Growing text, and the list of problems. Memory that runs out is remembered in the buffer, so that
 * printing code need not ask after each piece.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "scenario/text.h"

void scenario_buffer_init(struct scenario_buffer *buffer)
{
    memset(buffer, 0, sizeof *buffer);
}

void scenario_buffer_clear(struct scenario_buffer *buffer)
{
    buffer->length = 0;
    buffer->failed = false;
    if (buffer->room != 0) {
        buffer->data[0] = 0;
    }
}

void scenario_buffer_fini(struct scenario_buffer *buffer)
{
    free(buffer->data);
    scenario_buffer_init(buffer);
}

static bool reserve(struct scenario_buffer *buffer, size_t more)
{
    size_t room = buffer->room == 0 ? 256 : buffer->room;
    char *data;

    if (buffer->failed || more > SIZE_MAX / 4 - buffer->length) {
        buffer->failed = true;
        return false;
    }
    while (room < buffer->length + more + 1) {
        room *= 2;
    }
    if (room == buffer->room) {
        return true;
    }
    data = realloc(buffer->data, room);
    if (data == NULL) {
        buffer->failed = true;
        return false;
    }
    buffer->data = data;
    buffer->room = room;
    return true;
}

void scenario_buffer_add(struct scenario_buffer *buffer, const void *data, size_t length)
{
    if (!reserve(buffer, length)) {
        return;
    }
    if (length != 0) {
        memcpy(buffer->data + buffer->length, data, length);
    }
    buffer->length += length;
    buffer->data[buffer->length] = 0;
}

void scenario_buffer_text(struct scenario_buffer *buffer, const char *text)
{
    scenario_buffer_add(buffer, text, strlen(text));
}

void scenario_buffer_format(struct scenario_buffer *buffer, const char *format, ...)
{
    va_list arguments;
    int length;

    va_start(arguments, format);
    length = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    if (length < 0 || !reserve(buffer, (size_t)length)) {
        buffer->failed = true;
        return;
    }
    va_start(arguments, format);
    vsnprintf(buffer->data + buffer->length, (size_t)length + 1, format, arguments);
    va_end(arguments);
    buffer->length += (size_t)length;
}

void scenario_problems_init(struct scenario_problems *problems)
{
    problems->count = 0;
    problems->total = 0;
}

static bool is_before(struct scenario_position a, struct scenario_position b)
{
    return a.line < b.line || (a.line == b.line && a.column < b.column);
}

/* Kept in the order of the file: the checker adds to what the parser found. */
void scenario_problems_add(struct scenario_problems *problems, struct scenario_position position,
                           const char *format, ...)
{
    struct scenario_problem problem = {.position = position};
    size_t at = problems->count;
    va_list arguments;

    problems->total++;
    while (at > 0 && is_before(position, problems->list[at - 1].position)) {
        at--;
    }
    if (at == SCENARIO_PROBLEMS_MAX) {
        return;
    }
    va_start(arguments, format);
    vsnprintf(problem.text, sizeof problem.text, format, arguments);
    va_end(arguments);
    if (problems->count < SCENARIO_PROBLEMS_MAX) {
        problems->count++;
    }
    memmove(&problems->list[at + 1], &problems->list[at],
            (problems->count - at - 1) * sizeof problems->list[0]);
    problems->list[at] = problem;
}
