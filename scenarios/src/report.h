/* SPDX-License-Identifier: ISC */
/*
 * Reports of a run: one table of functions for each format. `begin`, then `one` for each case in
 * the order of the suite, then `end`. TAP, JUnit and JSON carry the version of their form.
 */
#ifndef SCENARIO_REPORT_H
#define SCENARIO_REPORT_H

#include "expected.h"
#include "supervisor.h"

#define REPORT_VERSION 1

enum { REPORT_RULES = 21 };

/* What is added up over the cases, by the caller of `one`. */
struct report_sums {
    size_t cases; /* of the suite; after an interrupt some of them have no verdict */
    size_t passed;
    size_t failed;
    size_t crashed; /* of the failed */
    size_t skipped;
    size_t expected; /* failures that were expected */
    size_t files;
    struct {
        size_t passed;
        size_t failed;
        size_t skipped;
    } rule[REPORT_RULES + 1];
    double seconds;
    bool interrupted;
    const char *refused; /* why nothing was played, in a sentence; NULL: it was */
};

struct report_context {
    FILE *stream;
    const struct tool_suite *suite;
    bool colour;
    bool progress; /* a line that is overwritten: on a terminal alone */
    bool verbose;  /* each case a line, also those that pass */
    /* To repeat a case: the options that matter. */
    bool strict;
    bool set_seed;
    uint64_t seed;
    uint64_t repeat;
    const char *disk;
    const char *dialects;
    const char *frontend;
    void *own;   /* what a report keeps from begin to end */
    bool broken; /* set by a report that could not be made */
};

struct report_case {
    size_t index;
    const struct tool_file *file;
    const char *id;
    const struct tool_result *result;
    enum expected_status expected;
    bool counts_as_failed;
};

struct report {
    const char *name;
    void (*begin)(struct report_context *context);
    void (*one)(struct report_context *context, const struct report_case *one);
    void (*end)(struct report_context *context, const struct report_sums *sums);
};

extern const struct report report_console;
extern const struct report report_tap;
extern const struct report report_junit;
extern const struct report report_json;
extern const struct report report_matrix;
extern const struct report report_page; /* beside one of the others: simblk run --report */

/* "rule broken (I7)", "expected failure"…: the verdict in words. */
void report_words(const struct report_case *one, char *text, size_t size);
/* "failed: read 0 +8 -> ok: the result is …": the verdict as a line of its own. */
void report_verdict(FILE *stream, const struct scenario_verdict *verdict);
/* Where it failed: "path:12", or "path". */
void report_place(const struct report_case *one, char *text, size_t size);

/* The command that repeats this case and no other. */
void report_again(FILE *stream, const struct report_context *context,
                  const struct report_case *one);

/* Of such a command, the frontend from outside; nothing for NULL. */
void report_frontend(FILE *stream, const char *frontend);

/* Bytes of the character that the text begins with; 0 if it begins with no UTF-8. */
size_t report_utf8(const char *text);
/* Text as a string of JSON. */
void report_json_text(FILE *stream, const char *text);
/* The text on one line: control characters and bytes that are no UTF-8 as \xHH. */
void report_visible(FILE *stream, const char *text, size_t length);
/* Each line of the text so, behind the margin. */
void report_lines(FILE *stream, const char *margin, const char *text);
/* The text as one word of a shell's command line. */
void report_shell_word(FILE *stream, const char *word);

#endif
