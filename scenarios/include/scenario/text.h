/* SPDX-License-Identifier: ISC */
/*
 * Text to tree and back. print(parse(x)) is a fixed point; parsing goes on after an error, so that
 * one run shows several. What a step may follow is the checker's matter (check.h).
 */
#ifndef SCENARIO_TEXT_H
#define SCENARIO_TEXT_H

#include "scenario/program.h"

#ifdef __cplusplus
extern "C" {
#endif

#define SCENARIO_PROBLEMS_MAX 20
#define SCENARIO_FILE_MAX     (1u << 20)

struct scenario_problem {
    struct scenario_position position;
    char text[232]; /* what was found, what was expected */
};

/* The first problems in the order of the file, and how many there were in all. */
struct scenario_problems {
    struct scenario_problem list[SCENARIO_PROBLEMS_MAX];
    size_t count;
    size_t total;
};

void scenario_problems_init(struct scenario_problems *problems);

/* Adds one; parser, checker and runner share it. */
void scenario_problems_add(struct scenario_problems *problems, struct scenario_position position,
                           const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Text that grows; keeps its room when cleared; always terminated after the first append. */
struct scenario_buffer {
    char *data;
    size_t length;
    size_t room;
    bool failed; /* no memory: what follows is dropped */
};

void scenario_buffer_init(struct scenario_buffer *buffer);
void scenario_buffer_clear(struct scenario_buffer *buffer);
void scenario_buffer_fini(struct scenario_buffer *buffer);
void scenario_buffer_add(struct scenario_buffer *buffer, const void *data, size_t length);
void scenario_buffer_text(struct scenario_buffer *buffer, const char *text);
void scenario_buffer_format(struct scenario_buffer *buffer, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Reads a whole file into the program (which is cleared first). SCENARIO_INVALID: see problems; the
 * program then holds the good lines. Does not call the checker. */
int scenario_parse(struct scenario_program *program, const char *text, size_t length,
                   struct scenario_problems *problems);

/* One line, as on a command line, appended as a step. */
int scenario_parse_step(struct scenario_program *program, const char *line, size_t length,
                        struct scenario_problems *problems);

/* The canonical text, appended. 0 or SCENARIO_NO_MEMORY. */
int scenario_print(const struct scenario_program *program, struct scenario_buffer *buffer);

/* One step without columns, notes and end of line: for messages and traces. */
int scenario_print_step(const struct scenario_program *program, const struct scenario_step *step,
                        struct scenario_buffer *buffer);

/* A quoted and escaped string as the language writes it. */
void scenario_print_string(struct scenario_buffer *buffer, const char *text, size_t length);

/* The first value of a kind of metadata ("" when absent): title, about. */
struct scenario_string scenario_meta_first(const struct scenario_program *program,
                                           enum scenario_meta_kind kind);

/* The rules that the file is for: bit n is I<n>; *should when all are judged with --strict only. */
uint32_t scenario_rules(const struct scenario_program *program, bool *should);

/* Has the file this tag. */
bool scenario_has_tag(const struct scenario_program *program, const char *tag);

#ifdef __cplusplus
}
#endif
#endif
