/* SPDX-License-Identifier: ISC */
/*
 * Each allocation of each command of the tool fails in turn, in the tool itself or in a worker
 * process of it: either the command does what it should all the same, or it says that there is no
 * memory, exits with 2 and has changed no file. The frontend is never blamed, and nothing leaks
 * (the sanitizers look).
 */
#include "heap.h"
#include "tool_help.h"

#include "check_main.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { WORDS = 12, MOST = 2000, NO_MEMORY = 2 };

/* The names are the linker's. NOLINTBEGIN(bugprone-reserved-identifier) */
int __real_main(int argc, char **argv); /* the tool's */
int __wrap_main(void);
/* NOLINTEND(bugprone-reserved-identifier) */

#define UNTIDY "title \"t\"\nrule I7\nbackend linux\nconnect -> ok\n"

static const struct command {
    const char *name;
    const char *words[WORDS];
    int status;        /* when nothing fails */
    const char *shows; /* in what it prints then */
} commands[] = {
    {"run", {"run", "--jobs", "1", "good.scn"}, 0, "1 passed, 0 failed"},
    {"run a folder", {"run", "--jobs", "2", "--exclude", "x", "folder"}, 0, "3 passed, 0 failed"},
    {"run what fails", {"run", "--jobs", "1", "--trace", "fails.scn"}, 1, "0 passed, 1 failed"},
    {"run what is expected to fail",
     {"run", "--jobs", "1", "--expected-failures", "expected", "fails.scn"},
     0,
     "1 expected failures"},
    {"run for junit", {"run", "--format", "junit", "good.scn"}, 0, "</testsuites>"},
    {"run for json", {"run", "--format", "json", "fails.scn"}, 1, "\"hash\""},
    {"run for tap", {"run", "--format", "tap", "fails.scn"}, 1, "not ok 1"},
    {"run for a matrix", {"run", "--matrix", "good.scn"}, 0, "|"},
    {"run for a page",
     {"run", "--jobs", "1", "--report", "page", "--quiet", "fails.scn"},
     1,
     "0 passed, 1 failed"},
    {"run here", {"run", "--break", "100", "good.scn"}, 0, "1 passed, 0 failed"},
    {"run for packets",
     {"run", "--break", "100", "--trace-pcapng", "packets", "fails.scn"},
     1,
     "0 passed, 1 failed"},
    {"show", {"show", "--variant", "2", "variants.scn"}, 0, "seed=2"},
    {"show a trace", {"show", "--trace", "good.scn"}, 0, "passed"},
    {"show a ladder", {"show", "--ladder", "fails.scn"}, 1, ": the result is ok"},
    {"fmt", {"fmt", "untidy.scn"}, 0, ""},
    {"fmt --check", {"fmt", "--check", "untidy.scn"}, 1, "untidy.scn"},
    {"encode", {"encode", "good.scn"}, 0, ""},
    {"decode", {"decode", "bytes"}, 0, "connect"},
};

enum { COMMANDS = sizeof(commands) / sizeof(commands[0]) };

/* In processes of the tool, so far. */
static volatile uint64_t *failures;

static void put_files(void)
{
    put_file("good.scn", GOOD);
    put_file("fails.scn", FAILS);
    put_file("expected", "fails the result is\n");
    put_file("bytes", "any bytes are a program");
    put_file("variants.scn", "title \"t\"\nrule I7\nvariants seed=1,2\n\nbackend linux\n"
                             "connect -> ok\n");
    ck_assert_int_eq(system("mkdir -p folder/below && cp good.scn folder/ && "
                            "cp variants.scn folder/below/"),
                     0);
}

/* What allocates when a process ends is no part of the tool: the counters of a coverage build. */
static void fail_no_more(void)
{
    heap_fail(0, false);
}

/* The tool in a process of its own, whose nth allocation fails; 0: none. */
static struct outcome tool(const struct command *command, uint64_t nth, bool from_then_on)
{
    struct outcome outcome;
    int status;
    pid_t child;

    *failures = 0;
    fflush(NULL);
    child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        char words[WORDS][64], *arguments[WORDS + 1] = {NULL};
        int count = 0;

        for (; count + 1 < WORDS && (count == 0 || command->words[count - 1] != NULL); count++) {
            snprintf(words[count], sizeof(words[count]), "%s",
                     count == 0 ? "simblk" : command->words[count - 1]);
            arguments[count] = words[count];
        }
        if (freopen(".out", "w", stdout) == NULL || freopen(".err", "w", stderr) == NULL) {
            _exit(99);
        }
        atexit(fail_no_more); /* of workers, too: they are forks */
        heap_count_in(failures);
        heap_fail(nth, from_then_on);
        status = __real_main(count, arguments);
        exit(status);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    outcome.status = status_of(status);
    outcome.out = get_file(".out");
    outcome.err = get_file(".err");
    return outcome;
}

static bool says_memory(const struct outcome *outcome)
{
    return strstr(outcome->err, "memory") != NULL || strstr(outcome->out, "memory") != NULL;
}

static void judge(const struct command *command, const struct outcome *outcome, uint64_t nth)
{
    bool good = outcome->status == command->status && strstr(outcome->out, command->shows) != NULL;
    bool told = outcome->status == NO_MEMORY && says_memory(outcome);

    ck_assert_msg(good || told, "%s, allocation %llu fails: status %d\nout: %.2000s\nerr: %.2000s",
                  command->name, (unsigned long long)nth, outcome->status, outcome->out,
                  outcome->err);
}

START_TEST(each_allocation_fails_in_turn)
{
    const struct command *command = &commands[_i];
    uint64_t most[2];

    put_files();
    for (int from_then_on = 0; from_then_on < 2; from_then_on++) {
        uint64_t nth = 0;

        do {
            struct outcome outcome;

            put_file("untidy.scn", UNTIDY);
            outcome = tool(command, nth, from_then_on != 0);
            judge(command, &outcome, nth);
            if (outcome.status != command->status) {
                ck_assert_str_eq(get_file("untidy.scn"), UNTIDY);
            }
            ck_assert_uint_lt(nth++, MOST);
        } while (nth == 1 || *failures != 0);
        most[from_then_on] = nth - 2;
    }
    ck_assert_uint_ge(most[0], 3);
    printf("%s: %llu allocations\n", command->name, (unsigned long long)most[0]);
    fflush(stdout);
}
END_TEST

static Suite *tool_memory_suite(void)
{
    Suite *suite = suite_create("the tool without memory");
    TCase *tests = tool_case("nth");

    tcase_add_loop_test(tests, each_allocation_fails_in_turn, 0, COMMANDS);
    suite_add_tcase(suite, tests);
    return suite;
}

int __wrap_main(void) /* NOLINT(bugprone-reserved-identifier) */
{
    void *shared =
        mmap(NULL, sizeof(*failures), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    if (shared == MAP_FAILED) {
        return EXIT_FAILURE;
    }
    failures = shared;
    return check_main(tool_memory_suite());
}
