/* SPDX-License-Identifier: ISC */
/*
 * Opening and closing the platform on a real Xen, what is wrong when that fails, its time, its
 * memory and its log.
 */
#include "libxen.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

/* ---- for the other files ---- */

void libxen_log(const struct blkfront_libxen *xen, const char *format, ...)
{
    char line[BLKFRONT_LIBXEN_TEXT];
    va_list arguments;

    if (xen->options.log == NULL)
        return;
    va_start(arguments, format);
    vsnprintf(line, sizeof(line), format, arguments);
    va_end(arguments);
    xen->options.log(xen->options.log_context, line);
}

int libxen_error(int error)
{
    switch (error) {
    case ENOENT: return BLKFRONT_PLATFORM_NO_ENTRY;
    case EAGAIN: return BLKFRONT_PLATFORM_AGAIN;
    case EACCES:
    case EPERM: return BLKFRONT_PLATFORM_DENIED;
    case EEXIST: return BLKFRONT_PLATFORM_EXISTS;
    case EINVAL: return BLKFRONT_PLATFORM_INVALID;
    case E2BIG: return BLKFRONT_PLATFORM_TOO_LONG;
    case ENOMEM:
    case ENOSPC:
    case EDQUOT: return BLKFRONT_PLATFORM_NO_MEMORY;
    default: return BLKFRONT_PLATFORM_IO;
    }
}

static void path_below(const struct blkfront_libxen_options *options, const char *path, char *whole)
{
    snprintf(whole, LIBXEN_PATH, "%s%s", options->root == NULL ? "" : options->root, path);
}

void libxen_read_file(const struct blkfront_libxen_options *options, const char *path, char *text,
                      size_t size)
{
    char whole[LIBXEN_PATH];
    FILE *file;

    text[0] = '\0';
    path_below(options, path, whole);
    file = fopen(whole, "re");
    if (file == NULL)
        return;
    if (fgets(text, (int)size, file) == NULL)
        text[0] = '\0';
    fclose(file);
    text[strcspn(text, "\n")] = '\0';
}

/* ---- what is wrong ---- */

static int refuse(int code, char *text, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static int refuse(int code, char *text, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, BLKFRONT_LIBXEN_TEXT, format, arguments);
    va_end(arguments);
    return code;
}

/* The libraries would say less, and say it to the standard error stream. */
static int look_at_node(const struct blkfront_libxen_options *options, const char *node,
                        const char *module, char *text)
{
    char whole[LIBXEN_PATH];

    path_below(options, node, whole);
    if (access(whole, R_OK | W_OK) == 0)
        return 0;
    if (errno == ENOENT)
        return refuse(BLKFRONT_LIBXEN_NO_NODE, text,
                      "%s is missing: load the kernel's module (modprobe %s)", whole, module);
    return refuse(BLKFRONT_LIBXEN_NO_ACCESS, text,
                  "%s may not be read and written by this user: be root, or change its permissions "
                  "(a udev rule)",
                  whole);
}

static int look_at_xen(const struct blkfront_libxen_options *options, char *text)
{
    char type[16];
    int result;

    libxen_read_file(options, "/sys/hypervisor/type", type, sizeof(type));
    if (strcmp(type, "xen") != 0)
        return refuse(BLKFRONT_LIBXEN_NO_XEN, text,
                      "this is no Xen domain (/sys/hypervisor/type does not say xen): run it in "
                      "dom0 or in a guest, or take the simulated world");
    result = look_at_node(options, "/dev/xen/gntalloc", "xen-gntalloc", text);
    return result != 0 ? result : look_at_node(options, "/dev/xen/evtchn", "xen-evtchn", text);
}

/* ---- time, memory, log ---- */

static uint64_t xen_now(void *context)
{
    struct timespec now;

    (void)context;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

static void *xen_allocate(void *context, size_t size)
{
    struct blkfront_libxen *xen = context;
    void *memory = calloc(1, size);

    libxen_lock(xen);
    xen->ledger.allocations += memory != NULL;
    libxen_unlock(xen);
    return memory;
}

static void xen_free(void *context, void *memory, size_t size)
{
    struct blkfront_libxen *xen = context;

    (void)size;
    libxen_lock(xen);
    xen->ledger.allocations -= memory != NULL;
    libxen_unlock(xen);
    free(memory);
}

static void xen_log(void *context, const char *line)
{
    libxen_log(context, "%s", line);
}

static void xen_bug(void *context, const char *where)
{
    (void)context;
    fprintf(stderr, "blkfront: bug: %s\n", where);
    abort();
}

/* ---- open, close ---- */

static int open_libraries(struct blkfront_libxen *xen, char *text)
{
    xen->store = xs_open(0);
    if (xen->store == NULL)
        return errno == EACCES || errno == EPERM
                   ? refuse(BLKFRONT_LIBXEN_NO_ACCESS, text,
                            "xenstored may not be used by this user: be root")
                   : refuse(BLKFRONT_LIBXEN_NO_STORE, text,
                            "xenstored does not answer (%s): in dom0 it has to run, in a guest "
                            "/dev/xen/xenbus has to be there (modprobe xenfs)",
                            strerror(errno));
    xen->grants = xengntshr_open(NULL, 0);
    if (xen->grants == NULL)
        return refuse(BLKFRONT_LIBXEN_NO_ACCESS, text, "/dev/xen/gntalloc cannot be opened: %s",
                      strerror(errno));
    xen->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (xen->wake < 0)
        return refuse(BLKFRONT_LIBXEN_OUT_OF_MEMORY, text, "no file is left for an eventfd: %s",
                      strerror(errno));
    return 0;
}

int blkfront_libxen_open(const struct blkfront_libxen_options *options,
                         struct blkfront_libxen **xen, char *text)
{
    static const struct blkfront_libxen_options none;
    struct blkfront_libxen *opened;
    int result = look_at_xen(options == NULL ? &none : options, text);

    if (result != 0)
        return result;
    opened = calloc(1, sizeof(*opened));
    if (opened == NULL)
        return refuse(BLKFRONT_LIBXEN_OUT_OF_MEMORY, text, "no memory is left");
    opened->options = options == NULL ? none : *options;
    opened->wake = -1;
    pthread_mutex_init(&opened->lock, NULL);
    opened->platform = (struct blkfront_platform){
        .version = BLKFRONT_PLATFORM_VERSION,
        .size = sizeof(struct blkfront_platform),
        .context = opened,
        .now = xen_now,
        .allocate = xen_allocate,
        .free = xen_free,
        .log = xen_log,
        .bug = xen_bug,
    };
    libxen_grants_init(opened);
    libxen_events_init(opened);
    libxen_store_init(opened);
    libxen_watches_init(opened);
    result = open_libraries(opened, text);
    if (result != 0) {
        blkfront_libxen_close(opened);
        return result;
    }
    *xen = opened;
    return 0;
}

void blkfront_libxen_close(struct blkfront_libxen *xen)
{
    if (xen == NULL)
        return;
    libxen_watches_end(xen);
    libxen_events_end(xen);
    libxen_grants_end(xen);
    libxen_claims_end(xen);
    if (xen->wake >= 0)
        close(xen->wake);
    if (xen->grants != NULL)
        xengntshr_close(xen->grants);
    if (xen->store != NULL)
        xs_close(xen->store);
    pthread_mutex_destroy(&xen->lock);
    free(xen);
}

const struct blkfront_platform *blkfront_libxen_platform(struct blkfront_libxen *xen)
{
    return &xen->platform;
}

void blkfront_libxen_get_ledger(struct blkfront_libxen *xen, struct blkfront_libxen_ledger *ledger)
{
    libxen_lock(xen);
    *ledger = xen->ledger;
    libxen_unlock(xen);
}
