/* SPDX-License-Identifier: ISC */
/*
 * The language under any bytes: as a text for the parser and as a program for the decoder. What can
 * be read is printed and read again, and has to be the same; what is decoded has to be valid and to
 * be decoded from its own bytes again. Empty input: an empty text and a plain program.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "scenario/bytes.h"
#include "scenario/check.h"

static struct scenario_program program, again;
static struct scenario_buffer text, text_again, bytes;

static void wrong(const char *what)
{
    fprintf(stderr, "failed: %s\n--- first:\n%s--- then:\n%s", what,
            text.length == 0 ? "" : text.data, text_again.length == 0 ? "" : text_again.data);
    abort();
}

/* False: no memory. */
static bool print(const struct scenario_program *from, struct scenario_buffer *to)
{
    scenario_buffer_clear(to);
    return scenario_print(from, to) == SCENARIO_OK;
}

static bool is_same_text(void)
{
    return text.length == text_again.length &&
           (text.length == 0 || memcmp(text.data, text_again.data, text.length) == 0);
}

/* decode(encode(program)) is the program, as far as bytes say it: both printed are the same. */
static void go_through_bytes(const struct scenario_program *from)
{
    scenario_buffer_clear(&bytes);
    if (scenario_encode(from, &bytes) != SCENARIO_OK ||
        scenario_decode(&again, bytes.data, bytes.length, NULL) != SCENARIO_OK) {
        return; /* too large for bytes, or no memory */
    }
    if (!scenario_program_is_valid(&again)) {
        wrong("a decoded program is not valid");
    }
    if (!print(&again, &text)) {
        return;
    }
    scenario_buffer_clear(&bytes);
    if (scenario_encode(&again, &bytes) == SCENARIO_OK &&
        scenario_decode(&program, bytes.data, bytes.length, NULL) == SCENARIO_OK &&
        print(&program, &text_again) && !is_same_text()) {
        wrong("a program is another one after it was bytes");
    }
}

static void read_text(const uint8_t *data, size_t size)
{
    struct scenario_problems problems;
    int result;

    scenario_problems_init(&problems);
    if (size > SCENARIO_FILE_MAX) {
        return;
    }
    result = scenario_parse(&program, (const char *)data, size, &problems);
    if ((result == SCENARIO_INVALID) != (problems.total != 0)) {
        wrong("what is refused is told, and nothing else");
    }
    if (result != SCENARIO_OK || !print(&program, &text)) {
        return;
    }
    result = scenario_parse(&again, text.length == 0 ? "" : text.data, text.length, &problems);
    if (result == SCENARIO_INVALID) {
        wrong(problems.list[0].text);
    }
    if (result == SCENARIO_OK && print(&again, &text_again) && !is_same_text()) {
        wrong("a printed program is read as another one");
    }
    if (scenario_check(&program, &problems) == SCENARIO_OK) {
        go_through_bytes(&program);
    }
}

static void read_bytes(const uint8_t *data, size_t size)
{
    if (scenario_decode(&program, data, size, NULL) != SCENARIO_OK) {
        return;
    }
    if (!scenario_program_is_valid(&program)) {
        wrong("a decoded program is not valid");
    }
    go_through_bytes(&program);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    read_text(data, size);
    read_bytes(data, size);
    return 0;
}

bool fuzz_print_text(const uint8_t *data, size_t size)
{
    (void)data;
    (void)size;
    return false;
}
