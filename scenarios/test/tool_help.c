/* SPDX-License-Identifier: ISC */
/*
 * What tests of the tool share: folders, files and command lines. SIMBLK_TOOL and
 * SIMBLK_MISBEHAVING are the programs' paths.
 */
#include "tool_help.h"

#include <fcntl.h>
#include <glob.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static char tool_folder[64];

/* Files that were read: freed with the test's folder. */
struct kept {
    struct kept *next;
    char text[];
};

static struct kept *kept;

static void tool_setup(void)
{
    strcpy(tool_folder, "/tmp/simblk-test-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(tool_folder));
    ck_assert_int_eq(chdir(tool_folder), 0);
    setenv("simblk", SIMBLK_TOOL, 1);
    setenv("misbehaving", SIMBLK_MISBEHAVING, 1);
    unsetenv("NO_COLOR");
}

static void tool_teardown(void)
{
    char command[128];

    while (kept != NULL) {
        struct kept *next = kept->next;

        free(kept);
        kept = next;
    }
    snprintf(command, sizeof(command), "rm -rf '%s'", tool_folder);
    ck_assert_int_eq(chdir("/"), 0);
    ck_assert_int_eq(system(command), 0);
}

TCase *tool_case(const char *name)
{
    TCase *tests = tcase_create(name);

    tcase_add_checked_fixture(tests, tool_setup, tool_teardown);
    /* Against a hang alone: with sanitizers, on a slow machine, some play for minutes. */
    tcase_set_timeout(tests, 600);
    return tests;
}

void put_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "wb");

    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(text, 1, strlen(text), file), strlen(text));
    ck_assert_int_eq(fclose(file), 0);
}

char *get_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    struct kept *read;
    long size;

    ck_assert_ptr_nonnull(file);
    ck_assert_int_eq(fseek(file, 0, SEEK_END), 0);
    size = ftell(file);
    ck_assert_int_ge(size, 0);
    rewind(file);
    read = malloc(sizeof(*read) + (size_t)size + 1);
    ck_assert_ptr_nonnull(read);
    read->text[fread(read->text, 1, (size_t)size, file)] = '\0';
    fclose(file);
    read->next = kept;
    kept = read;
    return read->text;
}

int status_of(int wait_status)
{
    return WIFEXITED(wait_status) ? WEXITSTATUS(wait_status) : 1000 + WTERMSIG(wait_status);
}

void become_shell(const char *line)
{
    execl("/bin/sh", "sh", "-c", line, (char *)NULL);
    _exit(99);
}

/* The child of `shell`: its output goes to files. */
static void write_to_files(void)
{
    static const char *const files[] = {"/dev/null", ".out", ".err"};

    for (int i = 0; i < 3; i++) {
        int file = open(files[i], i == 0 ? O_RDONLY : O_WRONLY | O_CREAT | O_TRUNC, 0666);

        if (file < 0 || dup2(file, i) < 0)
            _exit(99);
        if (file > 2)
            close(file);
    }
}

enum { LINE = 4096 };

static struct outcome run_line(const char *line)
{
    struct outcome outcome;
    int status;
    pid_t pid = fork();

    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        write_to_files();
        become_shell(line);
    }
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    outcome.status = status_of(status);
    outcome.out = get_file(".out");
    outcome.err = get_file(".err");
    return outcome;
}

struct outcome shell(const char *format, ...)
{
    char line[LINE];
    va_list arguments;

    va_start(arguments, format);
    ck_assert_int_lt(vsnprintf(line, sizeof(line), format, arguments), (int)sizeof(line));
    va_end(arguments);
    return run_line(line);
}

void refused(const char *message, const char *format, ...)
{
    static const char tool[] = "$simblk ";
    char line[LINE] = "$simblk ";
    struct outcome run;
    va_list arguments;
    int room = (int)(sizeof(line) - sizeof(tool));

    va_start(arguments, format);
    ck_assert_int_lt(vsnprintf(line + strlen(tool), (size_t)room, format, arguments), room);
    va_end(arguments);
    run = run_line(line);
    assert_status(run, 2);
    assert_contains(run.err, message);
    ck_assert_str_eq(run.out, "");
}

static size_t hanging(void)
{
    glob_t found;
    size_t count = glob("hanging.*", 0, NULL, &found) == 0 ? found.gl_pathc : 0;

    globfree(&found);
    return count;
}

pid_t start_and_hang(const char *line, size_t workers)
{
    pid_t pid = fork();

    ck_assert_int_ge(pid, 0);
    if (pid == 0)
        become_shell(line);
    for (int i = 0; i < 2000 && hanging() < workers; i++) {
        struct timespec pause = {0, 20000000};

        nanosleep(&pause, NULL);
    }
    ck_assert_uint_eq(hanging(), workers);
    return pid;
}

int end_with(pid_t pid, int signal_number)
{
    int status;

    ck_assert_int_eq(kill(pid, signal_number), 0);
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    return status_of(status);
}
