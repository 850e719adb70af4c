/* SPDX-License-Identifier: ISC */
/*
 * For tests of the tool as its users see it: a folder of its own for each test, scenario files in
 * it, and what a command line printed and how it ended. In command lines the tool is $simblk, the
 * tool over a frontend that misbehaves is $misbehaving.
 */
#ifndef SCENARIO_TEST_TOOL_HELP_H
#define SCENARIO_TEST_TOOL_HELP_H

#include <check.h>
#include <string.h>
#include <sys/types.h>

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
#define OVERFLOWS  READS("112")
#define TALKS_ODD  READS("113")
#define DIES_LATE  READS("114")
#define NOTIFIES   READS("115")
#define BESIDE     READS("116")
#define LEDGER     READS("117")
#define ADDRESSES  READS("118")

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

/* Everything that a command printed; lives as long as the test. */
struct outcome {
    int status; /* exit code, or 1000 + signal */
    char *out;
    char *err;
};

/* A case of tests that each have a folder of their own and stand in it. Of a test that fails the
 * folder stays, for whoever looks into it. */
TCase *tool_case(const char *name);

void put_file(const char *path, const char *text);
/* Lives as long as the test. */
char *get_file(const char *path);

/* What a process ended with, from what wait said of it: as in `status` above. */
int status_of(int wait_status);

/* Runs a line in a shell, in the test's folder. No shell stands round that one: behind `exec` a
 * program's death by a signal is seen as such, not as an exit code of 128 and more. */
__attribute__((format(printf, 1, 2))) struct outcome shell(const char *format, ...);

/* As `$simblk line` that makes no sense: it ends with 2, says so with this message, and nothing
 * else. */
__attribute__((format(printf, 2, 3))) void refused(const char *message, const char *format, ...);

/* The end of a child: it becomes a shell with the line. */
void become_shell(const char *line) __attribute__((noreturn));

/* Starts a line in a shell's place and waits until so many workers of it hang (HANGS). */
pid_t start_and_hang(const char *line, size_t workers);
/* Sends the signal, and the status that the process ends with. */
int end_with(pid_t pid, int signal_number);

/* The status, with what was printed when it is another one; libcheck bears no longer messages. */
#define assert_status(outcome, wanted)                                                     \
    ck_assert_msg((outcome).status == (wanted),                                            \
                  "status %d instead of %d\nout: %.3000s\nerr: %.1000s", (outcome).status, \
                  (wanted), (outcome).out, (outcome).err)
#define assert_contains(text, part) \
    ck_assert_msg(strstr((text), (part)) != NULL, "no '%.400s' in:\n%.3000s", (part), (text))
#define assert_lacks(text, part) \
    ck_assert_msg(strstr((text), (part)) == NULL, "'%.400s' in:\n%.3000s", (part), (text))

#endif
