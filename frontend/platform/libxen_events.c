/* SPDX-License-Identifier: ISC */
/*
 * Event channels, one device file a set; and waiting for any of them, for a watch or for a wake.
 */
#include "libxen.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- sets and ports ---- */

static int xen_channels_open(void *context, struct blkfront_channel_set **set)
{
    struct blkfront_libxen *xen = context;
    struct blkfront_channel_set *opened = calloc(1, sizeof(*opened));

    if (opened == NULL)
        return BLKFRONT_PLATFORM_NO_MEMORY;
    opened->handle = xenevtchn_open(NULL, 0);
    if (opened->handle == NULL) {
        const int error = errno;

        free(opened);
        libxen_log(xen, "/dev/xen/evtchn cannot be opened once more: %s", strerror(error));
        return error == EMFILE || error == ENFILE ? BLKFRONT_PLATFORM_NO_MEMORY
                                                  : libxen_error(error);
    }
    libxen_lock(xen);
    opened->next = xen->channel_sets;
    xen->channel_sets = opened;
    xen->ledger.channel_sets++;
    libxen_unlock(xen);
    *set = opened;
    return 0;
}

static struct libxen_port **port_of(struct blkfront_channel_set *set, uint32_t number)
{
    struct libxen_port **place = &set->ports;

    while (*place != NULL && (*place)->number != number)
        place = &(*place)->next;
    return place;
}

static int xen_port_allocate(void *context, struct blkfront_channel_set *set, uint16_t domid,
                             uint32_t *port)
{
    struct blkfront_libxen *xen = context;
    struct libxen_port *entry = calloc(1, sizeof(*entry));
    int number;

    if (entry == NULL)
        return BLKFRONT_PLATFORM_NO_MEMORY;
    number = (int)xenevtchn_bind_unbound_port(set->handle, domid);
    if (number < 0) {
        const int error = errno;

        free(entry);
        libxen_log(xen, "no event channel for domain %u: %s", (unsigned)domid, strerror(error));
        return libxen_error(error);
    }
    entry->number = (uint32_t)number;
    libxen_lock(xen);
    entry->next = set->ports;
    set->ports = entry;
    xen->ledger.ports++;
    libxen_unlock(xen);
    *port = entry->number;
    return 0;
}

static void xen_port_close(void *context, struct blkfront_channel_set *set, uint32_t port)
{
    struct blkfront_libxen *xen = context;
    struct libxen_port **place, *entry;

    libxen_lock(xen);
    place = port_of(set, port);
    entry = *place;
    if (entry != NULL) {
        *place = entry->next;
        xen->ledger.ports--;
    }
    libxen_unlock(xen);
    if (entry == NULL)
        return;
    xenevtchn_unbind(set->handle, port);
    free(entry);
}

static void xen_channels_close(void *context, struct blkfront_channel_set *set)
{
    struct blkfront_libxen *xen = context;
    struct blkfront_channel_set **place;

    while (set->ports != NULL)
        xen_port_close(xen, set, set->ports->number);
    libxen_lock(xen);
    place = &xen->channel_sets;
    while (*place != set)
        place = &(*place)->next;
    *place = set->next;
    xen->ledger.channel_sets--;
    libxen_unlock(xen);
    xenevtchn_close(set->handle);
    free(set);
}

/* An other end that is gone is no error of ours: the states tell it. */
static int xen_port_notify(void *context, struct blkfront_channel_set *set, uint32_t port)
{
    (void)context;
    if (*port_of(set, port) == NULL)
        return BLKFRONT_PLATFORM_INVALID;
    (void)xenevtchn_notify(set->handle, port);
    return 0;
}

static bool readable(int file)
{
    struct pollfd look = {.fd = file, .events = POLLIN};

    return poll(&look, 1, 0) == 1;
}

/* A port that was closed may still be on its way: nobody hears of it. */
static int xen_port_pending(void *context, struct blkfront_channel_set *set, uint32_t *port)
{
    (void)context;
    while (readable(xenevtchn_fd(set->handle))) {
        const int number = (int)xenevtchn_pending(set->handle);

        if (number < 0)
            return errno == EAGAIN || errno == EINTR ? 0 : libxen_error(errno);
        if (*port_of(set, (uint32_t)number) != NULL) {
            *port = (uint32_t)number;
            return 1;
        }
    }
    return 0;
}

static int xen_port_unmask(void *context, struct blkfront_channel_set *set, uint32_t port)
{
    (void)context;
    if (*port_of(set, port) == NULL)
        return BLKFRONT_PLATFORM_INVALID;
    return xenevtchn_unmask(set->handle, port) == 0 ? 0 : libxen_error(errno);
}

/* ---- waiting ---- */

/* One wake for all: who waits looks at everything. */
static void xen_channels_wake(void *context, struct blkfront_channel_set *set)
{
    struct blkfront_libxen *xen = context;
    const uint64_t one = 1;

    (void)set;
    /* It fails only when it is full, and then the waiter wakes anyhow. */
    if (write(xen->wake, &one, sizeof(one)) < 0)
        return;
}

static void xen_watches_wake(void *context, struct blkfront_watch_set *set)
{
    (void)set;
    xen_channels_wake(context, NULL);
}

static bool any_watch_fired(struct blkfront_libxen *xen)
{
    for (struct blkfront_watch_set *set = xen->watch_sets; set != NULL; set = set->next) {
        for (struct libxen_watch *watch = set->watches; watch != NULL; watch = watch->next) {
            if (watch->fired)
                return true;
        }
    }
    return false;
}

/* What poll has to look at; 0: no memory. */
static nfds_t files_of(struct blkfront_libxen *xen, struct pollfd **files)
{
    struct pollfd *list = calloc(xen->ledger.channel_sets + 2, sizeof(*list));
    nfds_t count = 0;

    if (list == NULL)
        return 0;
    list[count++] = (struct pollfd){.fd = xen->wake, .events = POLLIN};
    list[count++] = (struct pollfd){.fd = xs_fileno(xen->store), .events = POLLIN};
    for (struct blkfront_channel_set *set = xen->channel_sets; set != NULL; set = set->next)
        list[count++] = (struct pollfd){.fd = xenevtchn_fd(set->handle), .events = POLLIN};
    *files = list;
    return count;
}

/* Rounded up, so that the deadline has passed when nothing came. */
static int milliseconds_until(struct blkfront_libxen *xen, uint64_t deadline_ns)
{
    const uint64_t now = xen->platform.now(xen), second = UINT64_C(1000000000);

    if (deadline_ns <= now)
        return 0;
    if (deadline_ns - now > 60 * second)
        return 60000;
    return (int)((deadline_ns - now + 999999) / 1000000);
}

/* 1: something came; 0: nothing so far; or an error. */
static int wait_once(struct blkfront_libxen *xen, int milliseconds)
{
    struct pollfd *files = NULL;
    nfds_t count = 0;
    uint64_t wakes;
    bool fired, woken;
    int came;

    libxen_lock(xen);
    libxen_watches_take(xen);
    fired = any_watch_fired(xen);
    if (!fired)
        count = files_of(xen, &files);
    libxen_unlock(xen);
    if (fired)
        return 1;
    if (count == 0)
        return BLKFRONT_PLATFORM_NO_MEMORY;
    came = poll(files, count, milliseconds);
    woken = came > 0 && files[0].revents != 0;
    if (woken && read(xen->wake, &wakes, sizeof(wakes)) < 0)
        woken = false; /* another thread has taken it */
    fired = false;
    for (nfds_t i = 2; i < count && came > 0; i++)
        fired |= files[i].revents != 0;
    free(files);
    return woken || fired ? 1 : 0;
}

static int xen_wait(void *context, uint64_t deadline_ns)
{
    struct blkfront_libxen *xen = context;

    for (;;) {
        const int left = milliseconds_until(xen, deadline_ns);
        const int came = wait_once(xen, left);

        if (came != 0)
            return came > 0 ? 0 : came;
        if (xen->platform.now(xen) >= deadline_ns)
            return BLKFRONT_PLATFORM_TIMED_OUT;
    }
}

void libxen_events_init(struct blkfront_libxen *xen)
{
    xen->platform.channels_open = xen_channels_open;
    xen->platform.channels_close = xen_channels_close;
    xen->platform.port_allocate = xen_port_allocate;
    xen->platform.port_close = xen_port_close;
    xen->platform.port_notify = xen_port_notify;
    xen->platform.port_pending = xen_port_pending;
    xen->platform.port_unmask = xen_port_unmask;
    xen->platform.channels_wake = xen_channels_wake;
    xen->platform.watches_wake = xen_watches_wake;
    xen->platform.wait = xen_wait;
}

void libxen_events_end(struct blkfront_libxen *xen)
{
    while (xen->channel_sets != NULL)
        xen_channels_close(xen, xen->channel_sets);
}
