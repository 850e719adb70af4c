/* SPDX-License-Identifier: ISC */
/*
 * Beside Xen's libraries: what the platform asks of the system, as the linker turns its calls to
 * these. Whatever a test does not want otherwise goes on to the system.
 */
#include "fake_libxen.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

void *__real_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size);
char *__real_strdup(const char *text);
char *__wrap_strdup(const char *text);
int __real_eventfd(unsigned count, int flags);
int __wrap_eventfd(unsigned count, int flags);
int __real_socket(int domain, int type, int protocol);
int __wrap_socket(int domain, int type, int protocol);
int __wrap_poll(struct pollfd *files, nfds_t count, int milliseconds);
int __real_access(const char *path, int mode);
int __wrap_access(const char *path, int mode);
FILE *__real_fopen(const char *path, const char *mode);
FILE *__wrap_fopen(const char *path, const char *mode);
_Noreturn void __real_abort(void);
_Noreturn void __wrap_abort(void);

/* ---- memory ---- */

static bool no_memory(void)
{
    return ++fake_libxen.memory_calls == fake_libxen.memory_fail_at;
}

void *__wrap_calloc(size_t count, size_t size)
{
    return no_memory() ? NULL : __real_calloc(count, size);
}

char *__wrap_strdup(const char *text)
{
    return no_memory() ? NULL : __real_strdup(text);
}

/* ---- files without a name ---- */

static bool no_file(void)
{
    fake_libxen.file_calls++;
    if (fake_libxen.file_calls != fake_libxen.file_fail_at)
        return false;
    errno = EMFILE;
    return true;
}

int __wrap_eventfd(unsigned count, int flags)
{
    fake_libxen.eventfd = no_file() ? -1 : __real_eventfd(count, flags);
    return fake_libxen.eventfd;
}

int __wrap_socket(int domain, int type, int protocol)
{
    return no_file() ? -1 : __real_socket(domain, type, protocol);
}

int __wrap_poll(struct pollfd *files, nfds_t count, int milliseconds)
{
    int (*const once)(struct pollfd *, nfds_t, int) = fake_libxen.poll_once;

    fake_libxen.poll_once = NULL;
    return once == NULL ? __real_poll(files, count, milliseconds)
                        : once(files, count, milliseconds);
}

/* ---- files with one ---- */

/* What a Xen domain has and this machine has not. */
static const char *place_of(const char *path, char *whole, size_t size)
{
    if (fake_libxen.machine == NULL ||
        (strncmp(path, "/sys/", 5) != 0 && strncmp(path, "/dev/xen/", 9) != 0))
        return path;
    snprintf(whole, size, "%s%s", fake_libxen.machine, path);
    return whole;
}

int __wrap_access(const char *path, int mode)
{
    char whole[512];

    return __real_access(place_of(path, whole, sizeof(whole)), mode);
}

FILE *__wrap_fopen(const char *path, const char *mode)
{
    char whole[512];

    return __real_fopen(place_of(path, whole, sizeof(whole)), mode);
}

/* ---- the end ---- */

void __wrap_abort(void)
{
    if (fake_libxen.aborted != NULL)
        longjmp(*fake_libxen.aborted, 1);
    __real_abort();
}
