/* SPDX-License-Identifier: ISC */
/*
 * host.h on a real Xen. Each page is a mapping of its own, since Linux ends mappings only as they
 * were made, and a backend keeps one page and lets go of another.
 */
#include <simback/live.h>

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <xenevtchn.h>
#include <xengnttab.h>

struct live_page {
    struct live_page *next;
    void *address;
};

struct live_port {
    struct live_port *next;
    uint32_t number;
    bool fired;
};

struct simback_live_host {
    struct simback_host calls;
    const struct blkfront_platform *platform;
    struct blkfront_watch_set *watches;
    xengnttab_handle *grants;
    xenevtchn_handle *events;
    struct live_page *pages;
    struct live_port *ports;
    struct simback_live_ledger ledger;
};

#define PLATFORM(call, ...) host->platform->call(host->platform->context, __VA_ARGS__)

/* ---- grants ---- */

static int unmap_page(struct simback_live_host *host, void *address)
{
    struct live_page **place = &host->pages, *page;

    while (*place != NULL && (*place)->address != address)
        place = &(*place)->next;
    page = *place;
    if (page == NULL)
        return BLKFRONT_PLATFORM_INVALID;
    *place = page->next;
    free(page);
    host->ledger.mapped--;
    return xengnttab_unmap(host->grants, address, 1) == 0 ? 0 : BLKFRONT_PLATFORM_IO;
}

static int map_page(struct simback_live_host *host, uint16_t domid, uint32_t ref, bool writable,
                    void **address)
{
    struct live_page *page = calloc(1, sizeof(*page));

    if (page == NULL)
        return BLKFRONT_PLATFORM_NO_MEMORY;
    page->address = xengnttab_map_grant_ref(host->grants, domid, ref,
                                            writable ? PROT_READ | PROT_WRITE : PROT_READ);
    if (page->address == NULL) {
        const int error = errno;

        free(page);
        return error == ENOMEM || error == ENOSPC ? BLKFRONT_PLATFORM_NO_MEMORY
                                                  : BLKFRONT_PLATFORM_DENIED;
    }
    page->next = host->pages;
    host->pages = page;
    host->ledger.mapped++;
    *address = page->address;
    return 0;
}

static int live_map(void *context, uint16_t domid, const uint32_t *refs, uint32_t count,
                    bool writable, void **pages)
{
    struct simback_live_host *host = context;
    void **mapped;
    int result = 0;
    uint32_t done = 0;

    mapped = calloc(count, sizeof(*mapped));
    if (mapped == NULL)
        return BLKFRONT_PLATFORM_NO_MEMORY;
    while (done < count && result == 0) {
        result = map_page(host, domid, refs[done], writable, &mapped[done]);
        done += result == 0;
    }
    if (result == 0)
        memcpy(pages, mapped, count * sizeof(*mapped));
    for (uint32_t i = 0; result != 0 && i < done; i++)
        unmap_page(host, mapped[i]);
    free(mapped);
    return result;
}

static int live_unmap(void *context, uint16_t domid, const uint32_t *refs, uint32_t count,
                      void **pages)
{
    int result = 0;

    (void)domid;
    (void)refs;
    for (uint32_t i = 0; i < count; i++) {
        const int ended = unmap_page(context, pages[i]);

        result = result == 0 ? ended : result;
    }
    return result;
}

/* ---- events ---- */

static struct live_port **port_of(struct simback_live_host *host, uint32_t number)
{
    struct live_port **place = &host->ports;

    while (*place != NULL && (*place)->number != number)
        place = &(*place)->next;
    return place;
}

/* One poller looks after all ports: whose queue a port is need not be known. */
static int live_port_bind(void *context, uint16_t domid, uint32_t remote_port, uint16_t tag,
                          uint32_t *port)
{
    struct simback_live_host *host = context;
    struct live_port *entry = calloc(1, sizeof(*entry));
    int number;

    (void)tag;
    if (entry == NULL)
        return BLKFRONT_PLATFORM_NO_MEMORY;
    number = (int)xenevtchn_bind_interdomain(host->events, domid, remote_port);
    if (number < 0) {
        free(entry);
        return BLKFRONT_PLATFORM_INVALID;
    }
    entry->number = (uint32_t)number;
    entry->next = host->ports;
    host->ports = entry;
    host->ledger.ports++;
    *port = entry->number;
    return 0;
}

static void live_port_close(void *context, uint32_t port)
{
    struct simback_live_host *host = context;
    struct live_port **place = port_of(host, port), *entry = *place;

    if (entry == NULL)
        return;
    *place = entry->next;
    host->ledger.ports--;
    free(entry);
    xenevtchn_unbind(host->events, port);
}

static int live_port_notify(void *context, uint32_t port)
{
    struct simback_live_host *host = context;

    if (*port_of(host, port) == NULL)
        return BLKFRONT_PLATFORM_INVALID;
    (void)xenevtchn_notify(host->events, port); /* the other end may be gone */
    return 0;
}

static bool readable(struct simback_live_host *host, int milliseconds)
{
    struct pollfd look = {.fd = xenevtchn_fd(host->events), .events = POLLIN};

    return poll(&look, 1, milliseconds) == 1;
}

static int live_port_fired(void *context, uint32_t port)
{
    struct simback_live_host *host = context;
    struct live_port *entry;

    while (readable(host, 0)) {
        const int number = (int)xenevtchn_pending(host->events);

        if (number < 0)
            break;
        entry = *port_of(host, (uint32_t)number);
        if (entry != NULL)
            entry->fired = true;
    }
    entry = *port_of(host, port);
    if (entry == NULL || !entry->fired)
        return 0;
    entry->fired = false;
    xenevtchn_unmask(host->events, port);
    return 1;
}

void simback_live_host_wait(struct simback_live_host *host, unsigned milliseconds)
{
    for (const struct live_port *port = host->ports; port != NULL; port = port->next) {
        if (port->fired)
            return;
    }
    readable(host, (int)milliseconds);
}

/* ---- XenStore, time, memory: the platform's ---- */

static int live_store_read(void *context, uint32_t transaction, const char *path, char *buffer,
                           size_t size, size_t *length)
{
    struct simback_live_host *host = context;

    return PLATFORM(store_read, transaction, path, buffer, size, length);
}

static int live_store_write(void *context, uint32_t transaction, const char *path,
                            const char *value, size_t length)
{
    struct simback_live_host *host = context;

    return PLATFORM(store_write, transaction, path, value, length);
}

static int live_store_remove(void *context, uint32_t transaction, const char *path)
{
    struct simback_live_host *host = context;

    return PLATFORM(store_remove, transaction, path);
}

static int live_transaction_start(void *context, uint32_t *transaction)
{
    struct simback_live_host *host = context;

    return PLATFORM(transaction_start, transaction);
}

static int live_transaction_end(void *context, uint32_t transaction, bool commit)
{
    struct simback_live_host *host = context;

    return PLATFORM(transaction_end, transaction, commit);
}

static int live_watch(void *context, const char *path, uint32_t token)
{
    struct simback_live_host *host = context;

    return PLATFORM(watch, host->watches, path, token);
}

static int live_unwatch(void *context, const char *path, uint32_t token)
{
    struct simback_live_host *host = context;

    return PLATFORM(unwatch, host->watches, path, token);
}

static int live_watch_fired(void *context, uint32_t *token)
{
    struct simback_live_host *host = context;

    return PLATFORM(watch_fired, host->watches, token);
}

static uint64_t live_now(void *context)
{
    const struct simback_live_host *host = context;

    return host->platform->now(host->platform->context);
}

static void *live_allocate(void *context, size_t size)
{
    struct simback_live_host *host = context;

    return PLATFORM(allocate, size);
}

static void live_free(void *context, void *memory, size_t size)
{
    struct simback_live_host *host = context;

    PLATFORM(free, memory, size);
}

static void live_log(void *context, const char *line)
{
    struct simback_live_host *host = context;

    if (host->platform->log != NULL)
        PLATFORM(log, line);
}

static const struct simback_host calls = {
    .map = live_map,
    .unmap = live_unmap,
    .port_bind = live_port_bind,
    .port_close = live_port_close,
    .port_notify = live_port_notify,
    .port_fired = live_port_fired,
    .store_read = live_store_read,
    .store_write = live_store_write,
    .store_remove = live_store_remove,
    .transaction_start = live_transaction_start,
    .transaction_end = live_transaction_end,
    .watch = live_watch,
    .unwatch = live_unwatch,
    .watch_fired = live_watch_fired,
    .now = live_now,
    .allocate = live_allocate,
    .free = live_free,
    .log = live_log,
};

/* ---- open, close ---- */

static int open_devices(struct simback_live_host *host, char *text)
{
    const int result = PLATFORM(watches_open, &host->watches);

    if (result != 0) {
        snprintf(text, SIMBACK_LIVE_TEXT, "no memory is left");
        return result;
    }
    host->grants = xengnttab_open(NULL, 0);
    if (host->grants == NULL) {
        snprintf(text, SIMBACK_LIVE_TEXT,
                 "/dev/xen/gntdev cannot be opened (%s): load xen-gntdev, and be root",
                 strerror(errno));
        return BLKFRONT_PLATFORM_IO;
    }
    host->events = xenevtchn_open(NULL, 0);
    if (host->events == NULL) {
        snprintf(text, SIMBACK_LIVE_TEXT,
                 "/dev/xen/evtchn cannot be opened (%s): load xen-evtchn, and be root",
                 strerror(errno));
        return BLKFRONT_PLATFORM_IO;
    }
    return 0;
}

int simback_live_host_open(const struct blkfront_platform *platform,
                           struct simback_live_host **host, char *text)
{
    struct simback_live_host *opened = calloc(1, sizeof(*opened));
    int result;

    if (opened == NULL) {
        snprintf(text, SIMBACK_LIVE_TEXT, "no memory is left");
        return BLKFRONT_PLATFORM_NO_MEMORY;
    }
    opened->calls = calls;
    opened->calls.context = opened;
    opened->platform = platform;
    result = open_devices(opened, text);
    if (result != 0) {
        simback_live_host_close(opened);
        return result;
    }
    *host = opened;
    return 0;
}

void simback_live_host_close(struct simback_live_host *host)
{
    if (host == NULL)
        return;
    while (host->pages != NULL)
        unmap_page(host, host->pages->address);
    while (host->ports != NULL)
        live_port_close(host, host->ports->number);
    if (host->watches != NULL)
        PLATFORM(watches_close, host->watches);
    if (host->events != NULL)
        xenevtchn_close(host->events);
    if (host->grants != NULL)
        xengnttab_close(host->grants);
    free(host);
}

const struct simback_host *simback_live_host_calls(struct simback_live_host *host)
{
    return &host->calls;
}

void simback_live_get_ledger(const struct simback_live_host *host,
                             struct simback_live_ledger *ledger)
{
    *ledger = host->ledger;
}
