/* SPDX-License-Identifier: ISC */
/*
 * Grants and event channels of the test's own Xen. A reference is a page's place in one file in
 * memory, so sharing and mapping it are two mappings of the same page.
 */
#include "fake_xen.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xenevtchn.h>
#include <xengnttab.h>

enum { PAGE = 4096, REFS = 4096, FIRST_REF = 8, PORTS = 64 };

struct fake_xen fake_xen;

struct xenevtchn_handle {
    int bell;
};

struct xengntdev_handle {
    int nothing;
};

/* Ports by number; 0 is none. */
static struct {
    struct xenevtchn_handle *owner; /* NULL: free */
    uint32_t peer;
    bool pending, masked;
} ports[PORTS];

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int memory = -1;
static uint32_t next_ref;

void fake_xen_lock(void)
{
    pthread_mutex_lock(&lock);
}

void fake_xen_unlock(void)
{
    pthread_mutex_unlock(&lock);
}

bool fake_xen_fails(void)
{
    fake_xen.calls++;
    if (fake_xen.calls != fake_xen.fail_at)
        return false;
    errno = fake_xen.fail_errno;
    return true;
}

int fake_xen_bell(void)
{
    return eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
}

void fake_xen_ring(int bell)
{
    const uint64_t one = 1;

    if (write(bell, &one, sizeof(one)) < 0)
        abort();
}

void fake_xen_quiet(int bell)
{
    uint64_t rings;

    if (read(bell, &rings, sizeof(rings)) < 0)
        errno = EAGAIN; /* nobody has rung */
}

void fake_xen_reset(void)
{
    memset(&fake_xen, 0, sizeof(fake_xen));
    memset(ports, 0, sizeof(ports));
    if (memory >= 0)
        close(memory);
    memory = memfd_create("pages", MFD_CLOEXEC);
    if (memory < 0 || ftruncate(memory, (off_t)REFS * PAGE) != 0)
        abort();
    next_ref = FIRST_REF;
    fake_xen_store_reset();
}

bool fake_xen_is_closed(void)
{
    return fake_xen.stores == 0 && fake_xen.grant_handles == 0 && fake_xen.event_handles == 0 &&
           fake_xen.mapped == 0 && fake_xen.ports == 0 && fake_xen.watches == 0 &&
           fake_xen.transactions == 0;
}

/* ---- files ---- */

static void put_file(const char *root, const char *name, const char *content)
{
    char path[256];
    FILE *file;

    snprintf(path, sizeof(path), "%s%s", root, name);
    for (char *slash = path + strlen(root) + 1; (slash = strchr(slash, '/')) != NULL; slash++) {
        *slash = '\0';
        (void)mkdir(path, 0755);
        *slash = '/';
    }
    file = fopen(path, "we");
    if (file == NULL || fputs(content, file) < 0 || fclose(file) != 0)
        abort();
}

void fake_xen_make_root(char *root)
{
    if (mkdtemp(root) == NULL)
        abort();
    put_file(root, "/sys/hypervisor/type", "xen\n");
    put_file(root, "/dev/xen/gntalloc", "");
    put_file(root, "/dev/xen/evtchn", "");
}

void fake_xen_remove_root(const char *root)
{
    char command[256];

    snprintf(command, sizeof(command), "rm -rf %s", root);
    if (system(command) != 0)
        abort();
}

/* ---- grants ---- */

static void *open_grants(void)
{
    struct xengntdev_handle *handle = NULL;

    fake_xen_lock();
    if (!fake_xen_fails()) {
        handle = calloc(1, sizeof(*handle));
        fake_xen.grant_handles += handle != NULL;
    }
    fake_xen_unlock();
    return handle;
}

static int close_grants(void *handle)
{
    fake_xen_lock();
    fake_xen.grant_handles--;
    fake_xen_unlock();
    free(handle);
    return 0;
}

xengntshr_handle *xengntshr_open(struct xentoollog_logger *logger, unsigned flags)
{
    (void)logger;
    (void)flags;
    return open_grants();
}

int xengntshr_close(xengntshr_handle *handle)
{
    return close_grants(handle);
}

xengnttab_handle *xengnttab_open(struct xentoollog_logger *logger, unsigned flags)
{
    (void)logger;
    (void)flags;
    return open_grants();
}

int xengnttab_close(xengnttab_handle *handle)
{
    return close_grants(handle);
}

static void *map(uint32_t ref, size_t count, int protection)
{
    void *pages = mmap(NULL, count * PAGE, protection, MAP_SHARED, memory, (off_t)ref * PAGE);

    return pages == MAP_FAILED ? NULL : pages;
}

void *xengntshr_share_pages(xengntshr_handle *handle, uint32_t domid, int count, uint32_t *refs,
                            int writable)
{
    void *pages = NULL;

    (void)handle;
    (void)domid;
    (void)writable;
    fake_xen_lock();
    if (!fake_xen_fails() && next_ref + (uint32_t)count <= REFS) {
        pages = map(next_ref, (size_t)count, PROT_READ | PROT_WRITE);
        for (int i = 0; pages != NULL && i < count; i++)
            refs[i] = next_ref++;
    }
    fake_xen_unlock();
    return pages;
}

int xengntshr_unshare(xengntshr_handle *handle, void *address, uint32_t count)
{
    (void)handle;
    return munmap(address, (size_t)count * PAGE);
}

void *xengnttab_map_grant_ref(xengnttab_handle *handle, uint32_t domid, uint32_t ref,
                              int protection)
{
    void *page = NULL;

    (void)handle;
    (void)domid;
    fake_xen_lock();
    if (ref < FIRST_REF || ref >= next_ref)
        errno = EINVAL;
    else if (!fake_xen_fails())
        page = map(ref, 1, protection);
    fake_xen.mapped += page != NULL;
    fake_xen_unlock();
    return page;
}

int xengnttab_unmap(xengnttab_handle *handle, void *address, uint32_t count)
{
    (void)handle;
    fake_xen_lock();
    fake_xen.mapped -= count;
    fake_xen_unlock();
    return munmap(address, (size_t)count * PAGE);
}

/* ---- event channels ---- */

xenevtchn_handle *xenevtchn_open(struct xentoollog_logger *logger, unsigned flags)
{
    struct xenevtchn_handle *handle = NULL;

    (void)logger;
    (void)flags;
    fake_xen_lock();
    if (!fake_xen_fails())
        handle = calloc(1, sizeof(*handle));
    if (handle != NULL) {
        handle->bell = fake_xen_bell();
        fake_xen.event_handles++;
    }
    fake_xen_unlock();
    return handle;
}

static void unbind(uint32_t port)
{
    ports[port].owner = NULL;
    fake_xen.ports--;
}

int xenevtchn_close(xenevtchn_handle *handle)
{
    fake_xen_lock();
    for (uint32_t i = 1; i < PORTS; i++) {
        if (ports[i].owner == handle)
            unbind(i);
    }
    fake_xen.event_handles--;
    fake_xen_unlock();
    close(handle->bell);
    free(handle);
    return 0;
}

int xenevtchn_fd(xenevtchn_handle *handle)
{
    return handle->bell;
}

static int bind_port(xenevtchn_handle *handle, uint32_t peer)
{
    uint32_t port = 1;

    if (fake_xen_fails())
        return -1;
    while (port < PORTS && ports[port].owner != NULL)
        port++;
    if (port == PORTS) {
        errno = ENOSPC;
        return -1;
    }
    ports[port].owner = handle;
    ports[port].peer = peer;
    ports[port].pending = ports[port].masked = false;
    fake_xen.ports++;
    return (int)port;
}

xenevtchn_port_or_error_t xenevtchn_bind_unbound_port(xenevtchn_handle *handle, uint32_t domid)
{
    int port;

    (void)domid;
    fake_xen_lock();
    port = bind_port(handle, 0);
    fake_xen_unlock();
    return port;
}

static void deliver(uint32_t port)
{
    if (ports[port].owner == NULL)
        return;
    ports[port].pending = true;
    if (!ports[port].masked)
        fake_xen_ring(ports[port].owner->bell);
}

/* The other side may have been notified before anybody was there: it looks once. */
xenevtchn_port_or_error_t xenevtchn_bind_interdomain(xenevtchn_handle *handle, uint32_t domid,
                                                     evtchn_port_t remote)
{
    int port = -1;

    (void)domid;
    fake_xen_lock();
    if (remote == 0 || remote >= PORTS || ports[remote].owner == NULL)
        errno = EINVAL;
    else
        port = bind_port(handle, remote);
    if (port >= 0) {
        ports[remote].peer = (uint32_t)port;
        deliver((uint32_t)port);
    }
    fake_xen_unlock();
    return port;
}

int xenevtchn_unbind(xenevtchn_handle *handle, evtchn_port_t port)
{
    (void)handle;
    fake_xen_lock();
    unbind(port);
    fake_xen_unlock();
    return 0;
}

int xenevtchn_notify(xenevtchn_handle *handle, evtchn_port_t port)
{
    int result = -1;

    (void)handle;
    fake_xen_lock();
    if (!fake_xen_fails()) {
        deliver(ports[port].peer);
        result = 0;
    }
    fake_xen_unlock();
    return result;
}

/* A port that was told is masked until it is unmasked. */
xenevtchn_port_or_error_t xenevtchn_pending(xenevtchn_handle *handle)
{
    int found = -1;

    fake_xen_lock();
    fake_xen_quiet(handle->bell);
    for (uint32_t i = 1; i < PORTS; i++) {
        if (ports[i].owner != handle || !ports[i].pending || ports[i].masked)
            continue;
        if (found < 0) {
            ports[i].pending = false;
            ports[i].masked = true;
            found = (int)i;
        } else {
            fake_xen_ring(handle->bell); /* there are more */
        }
    }
    fake_xen_unlock();
    if (found < 0)
        errno = EAGAIN;
    return found;
}

int xenevtchn_unmask(xenevtchn_handle *handle, evtchn_port_t port)
{
    (void)handle;
    fake_xen_lock();
    ports[port].masked = false;
    if (ports[port].pending)
        deliver(port);
    fake_xen_unlock();
    return 0;
}
