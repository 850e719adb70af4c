/* SPDX-License-Identifier: ISC */
/*
 * The tool on a terminal, as its users sit before it: colours, the line of progress, Ctrl-C. The
 * terminal is a pseudo terminal of the test's own.
 */
#include "check_main.h"
#include "tool_help.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SCREEN = 1 << 20 };

static char screen[SCREEN]; /* all that came to the terminal */

static int open_terminal(void)
{
    int master = posix_openpt(O_RDWR | O_NOCTTY);

    ck_assert_int_ge(master, 0);
    ck_assert_int_eq(grantpt(master), 0);
    ck_assert_int_eq(unlockpt(master), 0);
    return master;
}

/* The child: a shell with the line, in a session of its own that the terminal controls. */
static _Noreturn void sit_down(const char *terminal, const char *line)
{
    int file;

    setsid();
    file = open(terminal, O_RDWR);
    if (file < 0 || ioctl(file, TIOCSCTTY, 0) != 0)
        _exit(99);
    for (int i = 0; i < 3; i++)
        dup2(file, i);
    if (file > 2)
        close(file);
    become_shell(line);
}

/* Runs a line on a terminal; what comes stands in `screen`. When that holds `sign`, the keys are
 * pressed. Returns the status as in `struct outcome`. */
static int run_on_terminal(const char *line, const char *sign, const char *keys)
{
    int master = open_terminal();
    size_t used = 0;
    ssize_t got;
    int status;
    pid_t pid = fork();

    screen[0] = '\0';
    ck_assert_int_ge(pid, 0);
    if (pid == 0)
        sit_down(ptsname(master), line);
    /* Linux ends the master with EIO when nobody has the terminal open any more. It may not be open
     * yet: so not before the process has ended. */
    while ((got = read(master, screen + used, SCREEN - 1 - used)) > 0 ||
           waitpid(pid, &status, WNOHANG) == 0) {
        used += got > 0 ? (size_t)got : 0;
        screen[used] = '\0';
        if (keys != NULL && strstr(screen, sign) != NULL) {
            ck_assert_int_eq(write(master, keys, strlen(keys)), (ssize_t)strlen(keys));
            keys = NULL;
        }
    }
    close(master);
    return status_of(status);
}

static int run_line(const char *line)
{
    return run_on_terminal(line, NULL, NULL);
}

static void put_suite(void)
{
    setenv("TERM", "xterm", 1);
    put_file("a.scn", GOOD);
    put_file("b.scn", FAILS);
    put_file("c.scn", FLUSHES);
}

/* ---- colours ---- */

START_TEST(verdicts_are_coloured_on_a_terminal)
{
    put_suite();
    ck_assert_int_eq(run_line("exec $misbehaving run ."), 1);
    assert_contains(screen, "\033[32mok   \033[0m./a: a read is answered\r\n");
    assert_contains(screen, "\033[31mFAIL \033[0m./b: failed\r\n");
    assert_contains(screen, "\033[33mskip \033[0m./c: ");
    assert_contains(screen, "     \033[1mread 0 +8 -> out-of-range: the result is ok\033[0m\r\n");
    assert_contains(screen, "\033[31mI9  ");
    assert_contains(screen, "1 passed, \033[31m1 failed\033[0m, 1 skipped\r\n");
    ck_assert_int_eq(run_line("exec env NO_COLOR= $misbehaving run ."), 1);
    assert_contains(screen, "\033[31mFAIL ");
}
END_TEST

/* Command lines whose output holds no colour. */
static const char *const plain[] = {
    "NO_COLOR=1 $misbehaving run .",
    "TERM=dumb $misbehaving run .",
    "unset TERM; $misbehaving run .",
    "$misbehaving run . | cat",
    "$misbehaving run --output report .; cat report",
    "$misbehaving run --format tap .",
    "$misbehaving run --format json .",
    "$misbehaving run --format junit .",
    "$misbehaving run --matrix .",
    "$misbehaving run --list .; $misbehaving show a.scn; $misbehaving run --help",
};

START_TEST(no_colour_where_none_is_wanted)
{
    put_suite();
    run_line(plain[_i]);
    ck_assert_msg(strlen(screen) > 100, "hardly anything: %s", screen);
    assert_lacks(screen, "\033[3");
    assert_lacks(screen, "\033[1");
    assert_lacks(screen, "\033[0");
    /* NO_COLOR forbids colours alone; elsewhere the cursor stays where it is. */
    if (_i != 0)
        assert_lacks(screen, "\033");
}
END_TEST

/* ---- progress ---- */

START_TEST(a_line_of_progress_is_overwritten)
{
    put_suite();
    put_file("b.scn", HANGS);
    ck_assert_int_eq(run_line("exec $misbehaving run --jobs 1 --stuck 2 ."), 128);
    assert_contains(screen, "\r\033[K1 of 3  ./b");
    /* Nothing of it is left when a verdict is told, nor at the end. */
    assert_contains(screen, "\r\033[K\033[31mFAIL \033[0m./b: no progress (I4)\r\n");
    assert_contains(screen, "\r\033[K\r\nrule     passed  failed  skipped");
}
END_TEST

START_TEST(progress_fits_into_a_line)
{
    char name[128];
    char line[128];

    put_suite();
    snprintf(name, sizeof(name), "%0100d.scn", 7);
    put_file(name, HANGS);
    ck_assert_int_eq(run_line("exec $misbehaving run --stuck 2 0*"), 128);
    snprintf(line, sizeof(line), "\r\033[K0 of 1  %060d\r\033[K", 0);
    assert_contains(screen, line);
}
END_TEST

/* ---- Ctrl-C ---- */

/* The terminal sends SIGINT to the workers, too: they leave it to the supervisor. */
START_TEST(ctrl_c_gives_the_summary_so_far_and_130)
{
    put_suite();
    put_file("b.scn", HANGS);
    ck_assert_int_eq(
        run_on_terminal("exec $misbehaving run --jobs 1 --stuck 600 .", "1 of 3  ./b", "\003"),
        130);
    assert_contains(screen, "\r\ninterrupted: 1 of 3 runs in ");
    assert_contains(screen, "\r\n1 passed, 0 failed, 0 skipped\r\n");
    assert_lacks(screen, "FAIL");
}
END_TEST

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))

static Suite *tool_terminal_suite(void)
{
    Suite *suite = suite_create("the tool on a terminal");
    TCase *colours = tool_case("colours");
    TCase *progress = tool_case("progress");
    TCase *keys = tool_case("keys");

    tcase_add_test(colours, verdicts_are_coloured_on_a_terminal);
    tcase_add_loop_test(colours, no_colour_where_none_is_wanted, 0, COUNT(plain));
    tcase_add_test(progress, a_line_of_progress_is_overwritten);
    tcase_add_test(progress, progress_fits_into_a_line);
    tcase_add_test(keys, ctrl_c_gives_the_summary_so_far_and_130);
    suite_add_tcase(suite, colours);
    suite_add_tcase(suite, progress);
    suite_add_tcase(suite, keys);
    return suite;
}

/* CHECK_MAIN, but for places that have no pseudo terminals. */
int main(void)
{
    int master = posix_openpt(O_RDWR | O_NOCTTY);

    if (master < 0) {
        perror("no pseudo terminal: skipped");
        return 77;
    }
    close(master);
    return check_main(tool_terminal_suite());
}
