/* SPDX-License-Identifier: ISC */
/*
 * A request makes no system call: a process that the kernel stops at its first one (seccomp) plays
 * many requests and lives. Skipped where there is no seccomp.
 */
#define _GNU_SOURCE
#include "check_main.h"
#include "steady_load.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SKIPPED = 77, NONE = -1 };

/* Shared with the process that is watched. */
static struct {
    int call; /* the first one; NONE */
    bool played;
} * seen;

/* Not _exit: before that AddressSanitizer makes a system call of its own. */
static void leave(void)
{
    syscall(SYS_exit_group, 0);
}

static void caught(int signal_number, siginfo_t *info, void *context)
{
    (void)signal_number;
    (void)context;
    seen->call = info->si_syscall;
    leave();
}

/* From here on each system call but the last one of all ends in `caught`. */
static bool arm(void)
{
    struct sock_filter only_exit[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_exit_group, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP),
    };
    struct sock_fprog program = {sizeof(only_exit) / sizeof(only_exit[0]), only_exit};
    struct sigaction action = {.sa_sigaction = caught, .sa_flags = SA_SIGINFO};

    return sigaction(SIGSYS, &action, NULL) == 0 && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

/* In a process of its own. */
static void watch(bool (*play)(struct steady_load *load), struct steady_load *load)
{
    pid_t child;

    seen->call = NONE;
    seen->played = false;
    child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        if (arm()) {
            seen->played = play(load);
        }
        leave();
    }
    ck_assert_int_eq(waitpid(child, NULL, 0), child);
}

static bool play_many(struct steady_load *load)
{
    return steady_load_play(load, 20000);
}

static bool play_few_and_call(struct steady_load *load)
{
    return steady_load_play(load, 10) && syscall(SYS_getppid) > 0;
}

START_TEST(requests_make_no_system_call)
{
    struct steady_load *load = steady_load_begin(_i);

    watch(play_many, load);
    ck_assert_int_eq(seen->call, NONE);
    ck_assert(seen->played);
    steady_load_end(load);
}
END_TEST

START_TEST(a_system_call_is_seen)
{
    struct steady_load *load = steady_load_begin(_i);

    watch(play_few_and_call, load);
    ck_assert_int_eq(seen->call, SYS_getppid);
    ck_assert(!seen->played);
    steady_load_end(load);
}
END_TEST

static Suite *calls_suite(void)
{
    Suite *suite = suite_create("steady_calls");
    TCase *tests = tcase_create("kinds");

    tcase_set_timeout(tests, 60);
    tcase_add_loop_test(tests, requests_make_no_system_call, 0, STEADY_KINDS);
    tcase_add_loop_test(tests, a_system_call_is_seen, 0, STEADY_KINDS);
    suite_add_tcase(suite, tests);
    return suite;
}

int main(void)
{
    if (prctl(PR_GET_SECCOMP, 0, 0, 0, 0) < 0) {
        printf("skipped: this kernel has no seccomp\n");
        return SKIPPED;
    }
    seen = mmap(NULL, sizeof(*seen), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (seen == MAP_FAILED) {
        return EXIT_FAILURE;
    }
    return check_main(calls_suite());
}
