/* SPDX-License-Identifier: ISC */
/*
 * What the language's tests share: programs from text, text from programs, files, repeatable random
 * bytes.
 */
#ifndef LANGUAGE_HELP_H
#define LANGUAGE_HELP_H

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "scenario/bytes.h"
#include "scenario/check.h"

/* Reads text that must be good. */
static inline void parse_good(struct scenario_program *program, const char *text, size_t length)
{
    struct scenario_problems problems;
    int result;

    scenario_problems_init(&problems);
    result = scenario_parse(program, text, length, &problems);
    ck_assert_msg(result == 0, "line %u: %s\n%.*s", problems.list[0].position.line,
                  problems.list[0].text, (int)length, text);
    ck_assert(scenario_program_check(program));
}

/* The canonical form of a text. Frees nothing twice: the caller has the buffer. */
static inline void reprint(const char *text, size_t length, struct scenario_buffer *buffer)
{
    struct scenario_program program;

    scenario_program_init(&program);
    parse_good(&program, text, length);
    scenario_buffer_clear(buffer);
    ck_assert_int_eq(scenario_print(&program, buffer), 0);
    scenario_program_fini(&program);
}

/* A whole file; false: it cannot be read. */
static inline bool load_file(const char *path, struct scenario_buffer *buffer)
{
    char block[4096];
    FILE *file = fopen(path, "rb");
    size_t got;

    if (file == NULL) {
        return false;
    }
    scenario_buffer_clear(buffer);
    while ((got = fread(block, 1, sizeof block, file)) > 0) {
        scenario_buffer_add(buffer, block, got);
    }
    fclose(file);
    return true;
}

static inline void read_file(const char *path, struct scenario_buffer *buffer)
{
    ck_assert_msg(load_file(path, buffer), "%s", path);
}

static inline uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

#endif
