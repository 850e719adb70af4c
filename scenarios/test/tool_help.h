/* SPDX-License-Identifier: ISC */
/*
 * For tests of the tool as its users see it: a folder of its own for each test, scenario files in
 * it, and what a command line printed and how it ended.
 *
 * SIMBLK_TOOL and SIMBLK_MISBEHAVING are the programs' paths; in command lines they are $simblk and
 * $misbehaving.
 */
#ifndef SCENARIO_TEST_TOOL_HELP_H
#define SCENARIO_TEST_TOOL_HELP_H

#include <check.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* Plays in the blink of an eye and passes. */
#define GOOD                                      \
    "title    \"a read is answered\"\n"           \
    "rule     I7\n"                               \
    "\n"                                          \
    "backend  linux\n"                            \
    "connect                             -> ok\n" \
    "read     0 +8                       -> ok\n" \
    "disconnect                          -> ok\n"

/* What the frontend does with this sector is said in misbehaving_subject.c. */
#define READS(sector)                                    \
    "title    \"a read of sector " sector "\"\n"         \
    "rule     I7\n"                                      \
    "\n"                                                 \
    "backend  linux\n"                                   \
    "connect                             -> ok\n"        \
    "read     " sector " +8                     -> ok\n" \
    "disconnect                          -> ok\n"

#define ABORTS     READS("101")
#define HANGS      READS("102")
#define WRONG_DATA READS("103")
#define TWICE      READS("104")
#define LOST       READS("105")
#define AFTER_FREE READS("106")
#define LEAKS      READS("107")
#define EXITS      READS("108")
#define CHATTERS   READS("109")
#define NULL_STORE READS("110")
#define CHANGES    READS("111")

/* Fails with every frontend. */
#define FAILS                                               \
    "title    \"this expects what is not so\"\n"            \
    "rule     I9\n"                                         \
    "\n"                                                    \
    "backend  linux\n"                                      \
    "connect                             -> ok\n"           \
    "read     0 +8                       -> out-of-range\n" \
    "disconnect                          -> ok\n"

/* The misbehaving frontend says that it cannot flush. */
#define FLUSHES                                   \
    "title    \"a flush\"\n"                      \
    "rule     I8\n"                               \
    "\n"                                          \
    "backend  linux\n"                            \
    "connect                             -> ok\n" \
    "flush                               -> ok\n" \
    "disconnect                          -> ok\n"

/* Everything that a command printed; lives until the test's process ends. */
struct outcome {
    int status; /* exit code, or 1000 + signal */
    char *out;
    char *err;
};

static char tool_folder[64];

static inline void tool_setup(void)
{
    strcpy(tool_folder, "/tmp/simblk-test-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(tool_folder));
    ck_assert_int_eq(chdir(tool_folder), 0);
    setenv("simblk", SIMBLK_TOOL, 1);
    setenv("misbehaving", SIMBLK_MISBEHAVING, 1);
    unsetenv("NO_COLOR");
}

/* Of a test that fails the folder stays, for whoever looks into it. */
static inline void tool_teardown(void)
{
    char command[128];

    snprintf(command, sizeof(command), "rm -rf '%s'", tool_folder);
    ck_assert_int_eq(chdir("/"), 0);
    ck_assert_int_eq(system(command), 0);
}

static inline TCase *tool_case(const char *name)
{
    TCase *tests = tcase_create(name);

    tcase_add_checked_fixture(tests, tool_setup, tool_teardown);
    tcase_set_timeout(tests, 60);
    return tests;
}

static inline void put_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "wb");

    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(text, 1, strlen(text), file), strlen(text));
    ck_assert_int_eq(fclose(file), 0);
}

static inline char *get_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    size_t room = 16u << 20;
    char *text = malloc(room);

    ck_assert_ptr_nonnull(file);
    ck_assert_ptr_nonnull(text);
    room = fread(text, 1, room - 1, file);
    text[room] = '\0';
    fclose(file);
    return text;
}

static inline int status_of(int wait_status)
{
    return WIFEXITED(wait_status) ? WEXITSTATUS(wait_status) : 1000 + WTERMSIG(wait_status);
}

/* Runs a line in a shell, in the test's folder. */
__attribute__((format(printf, 1, 2))) static inline struct outcome shell(const char *format, ...)
{
    struct outcome outcome;
    char line[4096];
    char whole[4200];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(line, sizeof(line), format, arguments);
    va_end(arguments);
    snprintf(whole, sizeof(whole), "( %s ) >.out 2>.err </dev/null", line);
    outcome.status = status_of(system(whole));
    outcome.out = get_file(".out");
    outcome.err = get_file(".err");
    return outcome;
}

/* The status, with all that was printed when it is another one. */
#define assert_status(outcome, wanted)                                                       \
    ck_assert_msg((outcome).status == (wanted), "status %d instead of %d\nout: %s\nerr: %s", \
                  (outcome).status, (wanted), (outcome).out, (outcome).err)
#define assert_contains(text, part) \
    ck_assert_msg(strstr((text), (part)) != NULL, "no '%s' in:\n%s", (part), (text))
#define assert_lacks(text, part) \
    ck_assert_msg(strstr((text), (part)) == NULL, "'%s' in:\n%s", (part), (text))

#endif
