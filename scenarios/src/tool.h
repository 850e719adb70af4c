/* SPDX-License-Identifier: ISC */
/*
 * What the files of the `simblk` tool share: exit codes, options of the command line, files, and
 * the suite of cases that a command works on.
 */
#ifndef SCENARIO_TOOL_H
#define SCENARIO_TOOL_H

#include "scenario/program.h"
#include "scenario/subject.h"
#include "scenario/text.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* Exit codes of the tool itself; those of a run are scenario_exit_code's. */
enum { TOOL_OK = 0, TOOL_FAILED = 1, TOOL_USAGE = 2, TOOL_INTERRUPTED = 130 };

/* A sub-command: argv[0] is its own name. */
struct tool_command {
    const char *name;
    const char *arguments; /* "PATH..." */
    const char *help;
    int (*run)(int argc, char **argv);
};

int cmd_run(int argc, char **argv);
int cmd_serve(int argc, char **argv);
int cmd_show(int argc, char **argv);
int cmd_fmt(int argc, char **argv);
int cmd_decode(int argc, char **argv);
int cmd_encode(int argc, char **argv);
int cmd_bench(int argc, char **argv);
int cmd_dialects(int argc, char **argv);
int cmd_diff(int argc, char **argv);
int cmd_explore(int argc, char **argv);
int cmd_swarm(int argc, char **argv);
int cmd_shrink(int argc, char **argv);
int cmd_fuzz(int argc, char **argv);
int cmd_soak(int argc, char **argv);
int cmd_compare(int argc, char **argv);
int cmd_explain(int argc, char **argv);

/* "simblk: " and the sentence, on stderr. Returns TOOL_USAGE. */
int tool_error(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The frontend under test; in tool_subject.c, which a test replaces. */
const struct scenario_subject *tool_subject(void);

/* ---- subject_load.c ---- */

/* Loads the shared object into this process for good and looks at its table of functions. NULL, and
 * a sentence why. */
const struct scenario_subject *subject_load(const char *path, char *reason, size_t size);

/* ---- options.c ---- */

enum tool_option_kind {
    TOOL_FLAG,   /* bool: --list */
    TOOL_NUMBER, /* uint64_t: --seed 7 or --seed=7 */
    TOOL_TEXT,   /* const char *: --output FILE */
    TOOL_LIST    /* struct tool_texts: may be repeated */
};

enum { TOOL_TEXTS_MAX = 64 };

struct tool_texts {
    const char *text[TOOL_TEXTS_MAX];
    size_t count;
};

struct tool_option {
    const char *name; /* with its dashes */
    enum tool_option_kind kind;
    const char *argument; /* "FILE"; NULL for a flag */
    const char *help;
    void *target;
    bool *given; /* may be NULL */
};

/*
 * Takes options out of argv[1..]; what is no option is left in argv[1..*rest] in order. "--" ends
 * the options; "--help" prints the command's help. Returns -1 to go on, or the exit code to end
 * with.
 */
int tool_options(const struct tool_command *command, const struct tool_option *options,
                 size_t option_count, int argc, char **argv, int *rest);
const struct tool_command *tool_command_find(const char *name);

/* ---- files.c ---- */

/* The whole file in allocated memory (the caller frees), with a NUL behind; NULL and a message on
 * stderr. "-" is standard input. */
char *tool_read_file(const char *path, size_t *length);
/* Whether everything was written; a message on stderr if not. */
bool tool_write_file(const char *path, const void *data, size_t length);

/* Where a program lies that was built or installed beside this one; false: it does not. */
bool tool_beside(const char *program, char *path, size_t size);

/* Sorted list of paths; owns its strings. */
struct tool_paths {
    char **path;
    size_t count;
    size_t room;
};

/* Adds a file ("-": standard input), or all *.scn files in a folder and below, sorted by bytes.
 * False: no such file, with a message on stderr. */
bool tool_collect(struct tool_paths *paths, const char *path);
void tool_paths_fini(struct tool_paths *paths);

/* ---- suite.c ---- */

struct tool_file {
    char *path;
    char *id; /* the path without ".scn" */
    struct scenario_program program;
    uint32_t rules; /* bit n: I<n> */
    bool should;
    char *title;
    char *text; /* of the whole file */
};

/* One file with one of its variants. */
struct tool_case {
    size_t file;
    size_t variant;
    char *id; /* path without ".scn", with the variant in brackets */
};

struct tool_suite {
    struct tool_file *files;
    size_t file_count;
    struct tool_case *cases;
    size_t case_count;
};

struct tool_selection {
    struct tool_texts ids;  /* a whole id, its end after a '/', or a pattern with * and ? */
    struct tool_texts tags; /* any of them */
    struct tool_texts exclude;
};

/* Reads and checks all files of all paths; prints every problem; TOOL_OK or TOOL_USAGE. */
int tool_suite_load(struct tool_suite *suite, char **paths, int path_count,
                    const struct tool_selection *selection,
                    const struct scenario_program *dialects);
void tool_suite_fini(struct tool_suite *suite);
/* How many files have a case that was selected. */
size_t tool_suite_scenarios(const struct tool_suite *suite);
/* Whether no case before it is of the same file. */
bool tool_suite_is_first(const struct tool_suite *suite, size_t index);
/* The program that a case runs, its variant's fields set. */
int tool_suite_program(const struct tool_suite *suite, size_t index,
                       struct scenario_program *program);
bool tool_id_matches(const char *id, const char *pattern);
/* What a file has to be. */
enum tool_check {
    TOOL_ANYTHING, /* that can be read */
    TOOL_SCENARIO, /* valid, where backends may be of `dialects` (NULL: none) too */
    TOOL_DIALECTS  /* a file of dialects */
};

/* Parses and checks a file's text or the file; prints the problems. */
int tool_parse(const char *path, const char *text, size_t length, struct scenario_program *program,
               enum tool_check check, const struct scenario_program *dialects);
int tool_load(const char *path, struct scenario_program *program, enum tool_check check,
              const struct scenario_program *dialects);
/* The file behind --dialects, if there is one (then *loaded is the program, else NULL). */
int tool_load_dialects(const char *path, struct scenario_program *program,
                       const struct scenario_program **loaded);

#endif
