/* SPDX-License-Identifier: ISC */
/*
 * Xen's three libraries, as little of them as the platform uses.
 */
#include "fake_libxen.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include <xenevtchn.h>
#include <xengnttab.h>
#include <xenstore.h>

enum { PAGE = 4096 };

struct fake_libxen fake_libxen;

static struct {
    char path[FAKE_TEXT], value[FAKE_TEXT];
    unsigned length;
    bool used;
} nodes[FAKE_NODES];

static struct {
    char path[FAKE_TEXT], token[FAKE_TEXT];
    bool used;
} watches[FAKE_WATCHES];

static struct {
    char path[FAKE_TEXT], token[FAKE_TEXT];
} events[FAKE_EVENTS];
static unsigned event_count;

struct xenevtchn_handle {
    int file;
    struct {
        uint32_t number;
        bool used, pending;
    } ports[FAKE_PORTS];
};

static struct xenevtchn_handle *handles[4];
static uint32_t last_port;
static uint32_t last_ref;

struct xs_handle {
    int file;
};

static struct xs_handle *connection;

struct xengntdev_handle {
    int nothing;
};

void fake_libxen_reset(void)
{
    memset(&fake_libxen, 0, sizeof(fake_libxen));
    memset(nodes, 0, sizeof(nodes));
    memset(watches, 0, sizeof(watches));
    memset(handles, 0, sizeof(handles));
    event_count = 0;
    last_port = 0;
    last_ref = 8;
    connection = NULL;
}

/* Whether this call has to fail, with errno. */
static bool fails(void)
{
    fake_libxen.calls++;
    if (fake_libxen.calls != fake_libxen.fail_at)
        return false;
    errno = fake_libxen.fail_errno;
    return true;
}

/* Of its own needs none fails: fake_libxen_system.c is for the platform's. */
void *__real_calloc(size_t count, size_t size);
int __real_eventfd(unsigned count, int flags);

/* ---- xengntshr ---- */

xengntshr_handle *xengntshr_open(struct xentoollog_logger *logger, unsigned flags)
{
    static struct xengntdev_handle handle;

    (void)logger;
    (void)flags;
    if (fails())
        return NULL;
    fake_libxen.grant_handles++;
    return &handle;
}

int xengntshr_close(xengntshr_handle *handle)
{
    (void)handle;
    fake_libxen.grant_handles--;
    return 0;
}

void *xengntshr_share_pages(xengntshr_handle *handle, uint32_t domid, int count, uint32_t *refs,
                            int writable)
{
    void *pages = NULL;

    (void)handle;
    (void)domid;
    (void)writable;
    if (fails() || posix_memalign(&pages, PAGE, (size_t)count * PAGE) != 0)
        return NULL;
    memset(pages, 0, (size_t)count * PAGE);
    for (int i = 0; i < count; i++)
        refs[i] = last_ref++;
    fake_libxen.shared_pages += (unsigned)count;
    return pages;
}

int xengntshr_unshare(xengntshr_handle *handle, void *address, uint32_t count)
{
    (void)handle;
    fake_libxen.shared_pages -= count;
    free(address);
    errno = EIO;
    return fake_libxen.unshare_fails ? -1 : 0;
}

/* ---- xenevtchn ---- */

xenevtchn_handle *xenevtchn_open(struct xentoollog_logger *logger, unsigned flags)
{
    struct xenevtchn_handle *handle;
    unsigned i = 0;

    (void)logger;
    (void)flags;
    if (fails())
        return NULL;
    handle = __real_calloc(1, sizeof(*handle));
    if (handle == NULL)
        return NULL;
    handle->file = __real_eventfd(0, EFD_NONBLOCK);
    while (handles[i] != NULL)
        i++;
    handles[i] = handle;
    fake_libxen.event_handles++;
    return handle;
}

int xenevtchn_close(xenevtchn_handle *handle)
{
    for (unsigned i = 0; i < 4; i++) {
        if (handles[i] == handle)
            handles[i] = NULL;
    }
    close(handle->file);
    free(handle);
    fake_libxen.event_handles--;
    return 0;
}

int xenevtchn_fd(xenevtchn_handle *handle)
{
    return handle->file;
}

int xenevtchn_notify(xenevtchn_handle *handle, evtchn_port_t port)
{
    (void)handle;
    (void)port;
    if (fails())
        return -1;
    fake_libxen.notifications++;
    return 0;
}

xenevtchn_port_or_error_t xenevtchn_bind_unbound_port(xenevtchn_handle *handle, uint32_t domid)
{
    unsigned i = 0;

    (void)domid;
    if (fails())
        return -1;
    while (handle->ports[i].used)
        i++;
    handle->ports[i].number = ++last_port;
    handle->ports[i].used = true;
    fake_libxen.ports++;
    return (xenevtchn_port_or_error_t)last_port;
}

/* What was on its way stays there, as in the kernel. */
int xenevtchn_unbind(xenevtchn_handle *handle, evtchn_port_t port)
{
    for (unsigned i = 0; i < FAKE_PORTS; i++) {
        if (handle->ports[i].used && handle->ports[i].number == port)
            handle->ports[i].used = false;
    }
    fake_libxen.ports--;
    return 0;
}

xenevtchn_port_or_error_t xenevtchn_pending(xenevtchn_handle *handle)
{
    xenevtchn_port_or_error_t found = -1;
    uint64_t drained;
    unsigned left = 0;

    if (fails())
        return -1;
    for (unsigned i = 0; i < FAKE_PORTS; i++) {
        if (handle->ports[i].pending && found < 0) {
            handle->ports[i].pending = false;
            found = (xenevtchn_port_or_error_t)handle->ports[i].number;
        } else if (handle->ports[i].pending) {
            left++;
        }
    }
    if (left == 0 && read(handle->file, &drained, sizeof(drained)) < 0)
        errno = EAGAIN;
    return found;
}

int xenevtchn_unmask(xenevtchn_handle *handle, evtchn_port_t port)
{
    (void)handle;
    (void)port;
    if (fails())
        return -1;
    fake_libxen.unmasked++;
    return 0;
}

void fake_libxen_event(uint32_t port)
{
    const uint64_t one = 1;

    for (unsigned h = 0; h < 4; h++) {
        for (unsigned i = 0; handles[h] != NULL && i < FAKE_PORTS; i++) {
            if (handles[h]->ports[i].number != port)
                continue;
            handles[h]->ports[i].pending = true;
            if (write(handles[h]->file, &one, sizeof(one)) < 0)
                abort();
        }
    }
}

/* ---- xenstore ---- */

struct xs_handle *xs_open(unsigned long flags)
{
    (void)flags;
    if (fails())
        return NULL;
    connection = __real_calloc(1, sizeof(*connection));
    if (connection == NULL)
        return NULL;
    connection->file = __real_eventfd(0, EFD_NONBLOCK);
    fake_libxen.stores++;
    return connection;
}

void xs_close(struct xs_handle *handle)
{
    close(handle->file);
    free(handle);
    connection = NULL;
    fake_libxen.stores--;
}

int xs_fileno(struct xs_handle *handle)
{
    return handle->file;
}

static unsigned node_of(const char *path)
{
    unsigned i = 0;

    while (i < FAKE_NODES && (!nodes[i].used || strcmp(nodes[i].path, path) != 0))
        i++;
    return i;
}

static void queue(const char *path, const char *token)
{
    const uint64_t one = 1;

    if (event_count == FAKE_EVENTS)
        abort();
    snprintf(events[event_count].path, FAKE_TEXT, "%s", path);
    snprintf(events[event_count++].token, FAKE_TEXT, "%s", token);
    if (connection != NULL && write(connection->file, &one, sizeof(one)) < 0)
        abort();
}

static void fire(const char *path)
{
    for (unsigned i = 0; i < FAKE_WATCHES; i++) {
        const size_t length = strlen(watches[i].path);

        if (watches[i].used && strncmp(path, watches[i].path, length) == 0 &&
            (path[length] == '\0' || path[length] == '/'))
            queue(path, watches[i].token);
    }
}

static void set(const char *path, const void *value, unsigned length)
{
    unsigned i = node_of(path);

    if (i == FAKE_NODES) {
        i = 0;
        while (nodes[i].used)
            i++;
    }
    nodes[i].used = true;
    snprintf(nodes[i].path, FAKE_TEXT, "%s", path);
    memcpy(nodes[i].value, value, length);
    nodes[i].value[length] = '\0';
    nodes[i].length = length;
    fire(path);
}

void fake_libxen_write(const char *path, const char *value)
{
    if (value != NULL) {
        set(path, value, (unsigned)strlen(value));
        return;
    }
    nodes[node_of(path)].used = false;
    fire(path);
}

const char *fake_libxen_node(const char *path)
{
    const unsigned i = node_of(path);

    return i == FAKE_NODES ? NULL : nodes[i].value;
}

void *xs_read(struct xs_handle *handle, xs_transaction_t transaction, const char *path,
              unsigned *length)
{
    const unsigned i = node_of(path);
    char *value;

    (void)handle;
    (void)transaction;
    if (fails())
        return NULL;
    if (i == FAKE_NODES) {
        errno = ENOENT;
        return NULL;
    }
    value = __real_calloc(1, nodes[i].length + 1);
    if (value == NULL)
        return NULL;
    memcpy(value, nodes[i].value, nodes[i].length);
    *length = nodes[i].length;
    return value;
}

bool xs_write(struct xs_handle *handle, xs_transaction_t transaction, const char *path,
              const void *value, unsigned length)
{
    (void)handle;
    (void)transaction;
    if (fails())
        return false;
    set(path, value, length);
    return true;
}

bool xs_rm(struct xs_handle *handle, xs_transaction_t transaction, const char *path)
{
    (void)handle;
    (void)transaction;
    if (fails())
        return false;
    fake_libxen_write(path, NULL);
    return true;
}

/* Two names; nothing below a node that is not there. */
char **xs_directory(struct xs_handle *handle, xs_transaction_t transaction, const char *path,
                    unsigned *count)
{
    static const char names[] = "one\0two";
    char **list;

    (void)handle;
    (void)transaction;
    if (fails())
        return NULL;
    if (node_of(path) == FAKE_NODES) {
        errno = ENOENT;
        return NULL;
    }
    list = __real_calloc(1, 2 * sizeof(*list) + sizeof(names));
    if (list == NULL)
        return NULL;
    memcpy(&list[2], names, sizeof(names));
    list[0] = (char *)&list[2];
    list[1] = list[0] + 4;
    *count = 2;
    return list;
}

xs_transaction_t xs_transaction_start(struct xs_handle *handle)
{
    (void)handle;
    if (fails())
        return XBT_NULL;
    fake_libxen.transactions++;
    return 7;
}

bool xs_transaction_end(struct xs_handle *handle, xs_transaction_t transaction, bool abort_it)
{
    (void)handle;
    (void)transaction;
    (void)abort_it;
    fake_libxen.transactions--;
    return !fails();
}

bool xs_watch(struct xs_handle *handle, const char *path, const char *token)
{
    unsigned i = 0;

    (void)handle;
    if (fails())
        return false;
    for (unsigned j = 0; j < FAKE_WATCHES; j++) {
        if (watches[j].used && strcmp(watches[j].path, path) == 0 &&
            strcmp(watches[j].token, token) == 0) {
            errno = EEXIST;
            return false;
        }
    }
    while (watches[i].used)
        i++;
    snprintf(watches[i].path, FAKE_TEXT, "%s", path);
    snprintf(watches[i].token, FAKE_TEXT, "%s", token);
    watches[i].used = true;
    fake_libxen.watches++;
    queue(path, token);
    return true;
}

/* What was on its way is delivered still. */
bool xs_unwatch(struct xs_handle *handle, const char *path, const char *token)
{
    (void)handle;
    for (unsigned i = 0; i < FAKE_WATCHES; i++) {
        if (watches[i].used && strcmp(watches[i].path, path) == 0 &&
            strcmp(watches[i].token, token) == 0) {
            watches[i].used = false;
            fake_libxen.watches--;
        }
    }
    return !fails();
}

char **xs_check_watch(struct xs_handle *handle)
{
    char **event;
    uint64_t drained;

    if (event_count == 0) {
        if (read(handle->file, &drained, sizeof(drained)) < 0)
            errno = EAGAIN;
        return NULL;
    }
    event = __real_calloc(1, 2 * sizeof(*event) + sizeof(events[0]));
    if (event == NULL)
        return NULL;
    memcpy(&event[2], &events[0], sizeof(events[0]));
    event[XS_WATCH_PATH] = (char *)&event[2];
    event[XS_WATCH_TOKEN] = event[XS_WATCH_PATH] + FAKE_TEXT;
    event_count--;
    memmove(&events[0], &events[1], event_count * sizeof(events[0]));
    return event;
}
