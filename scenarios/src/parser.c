/* SPDX-License-Identifier: ISC */
/*
 * Text to tree, line by line. After a bad line it goes on with the next, so that several errors are
 * seen at once.
 */
#include "parser.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void parser_refuse(struct parser *parser, const struct word *word, const char *format, ...)
{
    char text[sizeof parser->problems->list[0].text];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    scenario_problems_add(parser->problems, word_position(&parser->line, word), "%s", text);
}

void parser_fail(struct parser *parser, int error)
{
    struct scenario_position position = {parser->line.number, 1};

    if (parser->error == 0) {
        parser->error = error;
        scenario_problems_add(
            parser->problems, position, "%s",
            error == SCENARIO_TOO_LARGE
                ? "a program too large, expected at most 4096 steps, 256 lines of "
                  "metadata and 1 MiB of strings"
                : "out of memory");
    }
}

static struct scenario_string keep(struct parser *parser, const char *text, size_t length)
{
    struct scenario_string string = {0, 0};
    int result = scenario_program_add_string(parser->program, text, length, &string);

    if (result != 0) {
        parser_fail(parser, result);
    }
    return string;
}

/* At most one blank line in a row, none at the beginning of the file. */
static void keep_blank(struct parser *parser)
{
    struct scenario_program *program = parser->program;
    struct scenario_buffer *pending = &parser->pending;
    bool first = program->meta_count == 0 && program->step_count == 0 && !program->has_world;
    size_t length = pending->length;
    bool after_blank = length > 0 && pending->data[length - 1] == '\n' &&
                       (length == 1 || pending->data[length - 2] == '\n');

    if (!after_blank && !(first && length == 0)) {
        scenario_buffer_text(pending, "\n");
    }
}

static struct scenario_notes take_notes(struct parser *parser)
{
    struct scenario_notes notes = {{0, 0}, {0, 0}};

    if (parser->pending.failed) {
        parser_fail(parser, SCENARIO_NO_MEMORY);
    }
    notes.before = keep(parser, parser->pending.data, parser->pending.length);
    notes.behind = keep(parser, parser->line.comment.text, parser->line.comment.length);
    scenario_buffer_clear(&parser->pending);
    return notes;
}

/* The world is no step: it goes before all of them, once. */
static bool keep_world(struct parser *parser, const struct scenario_step *step)
{
    struct scenario_program *program = parser->program;

    if (program->has_world || program->step_count != 0) {
        parser_refuse(parser, &parser->line.words[0],
                      "found %s, expected 'world' once, before all steps",
                      program->has_world ? "a second 'world'" : "'world' behind a step");
        return false;
    }
    program->world = *step;
    program->has_world = true;
    return true;
}

static void parse_line(struct parser *parser)
{
    struct scenario_step step;
    struct scenario_notes notes;
    int result;

    if (parser->line.count == 0) {
        if (parser->line.comment.length == 0) {
            keep_blank(parser);
        } else {
            scenario_buffer_add(&parser->pending, parser->line.comment.text,
                                parser->line.comment.length);
            scenario_buffer_text(&parser->pending, "\n");
        }
        return;
    }
    notes = take_notes(parser);
    if (parse_meta(parser, notes)) {
        return;
    }
    parser->any_step = true;
    if (!parse_step(parser, 0, &step)) {
        return;
    }
    step.notes = notes;
    if (step.opcode == STEP_WORLD) {
        keep_world(parser, &step);
        return;
    }
    result = scenario_program_insert(parser->program, parser->program->step_count, NULL, &step);
    if (result != 0) {
        parser_fail(parser, result);
    }
}

static int finish(struct parser *parser)
{
    if (parser->pending.failed) {
        parser_fail(parser, SCENARIO_NO_MEMORY);
    }
    scenario_buffer_fini(&parser->pending);
    if (parser->error == SCENARIO_NO_MEMORY) {
        return SCENARIO_NO_MEMORY;
    }
    return parser->problems->total != 0 ? SCENARIO_INVALID : SCENARIO_OK;
}

static void parse_lines(struct parser *parser, const char *text, size_t length)
{
    size_t at = 0;

    for (uint32_t number = 1; at < length && parser->error == 0; number++) {
        const char *end = memchr(text + at, '\n', length - at);
        size_t line_length = end == NULL ? length - at : (size_t)(end - (text + at));
        size_t next = at + line_length + 1;

        if (line_length > 0 && text[at + line_length - 1] == '\r') {
            line_length--;
        }
        if (lexer_cut(&parser->line, text + at, line_length, number, parser->problems)) {
            parse_line(parser);
        }
        at = next;
    }
}

static int begin(struct parser **parser, struct scenario_program *program,
                 struct scenario_problems *problems)
{
    *parser = calloc(1, sizeof **parser);
    if (*parser == NULL) {
        return SCENARIO_NO_MEMORY;
    }
    (*parser)->program = program;
    (*parser)->problems = problems;
    return SCENARIO_OK;
}

int scenario_parse(struct scenario_program *program, const char *text, size_t length,
                   struct scenario_problems *problems)
{
    struct parser *parser;
    int result = begin(&parser, program, problems);

    scenario_program_clear(program);
    if (result != 0) {
        return result;
    }
    if (length > SCENARIO_FILE_MAX) {
        scenario_problems_add(problems, (struct scenario_position){1, 1},
                              "a file of %zu bytes, expected at most %u", length,
                              SCENARIO_FILE_MAX);
    } else {
        parse_lines(parser, text, length);
    }
    while (parser->pending.length > 0 &&
           (parser->pending.length == 1
                ? parser->pending.data[0] == '\n'
                : parser->pending.data[parser->pending.length - 2] == '\n')) {
        parser->pending.length--; /* no blank lines at the end of the file */
    }
    program->notes_at_end = keep(parser, parser->pending.data, parser->pending.length);
    result = finish(parser);
    free(parser);
    return result;
}

int scenario_parse_step(struct scenario_program *program, const char *line, size_t length,
                        struct scenario_problems *problems)
{
    size_t before = program->step_count;
    struct parser *parser;
    int result = begin(&parser, program, problems);

    if (result != 0) {
        return result;
    }
    if (lexer_cut(&parser->line, line, length, 1, problems)) {
        parse_line(parser);
    }
    result = finish(parser);
    free(parser);
    if (result == 0 && program->step_count != before + 1) {
        scenario_problems_add(problems, (struct scenario_position){1, 1},
                              "no step found, expected one");
        result = SCENARIO_INVALID;
    }
    return result;
}
