/* SPDX-License-Identifier: ISC */
/*
 * The fake host's tables and calls. The frontend played by hand is in fake_front.c.
 */
#include "fake_host.h"

#include <blkfront/platform.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- grants ---- */

static int host_map(void *context, uint16_t domid, const uint32_t *refs, uint32_t count,
                    bool writable, void **pages)
{
    struct fake_host *host = context;

    host->map_calls++;
    if (domid != 1 || count == 0)
        host->wrong++;
    for (uint32_t i = 0; i < count; i++) {
        if (refs[i] >= FAKE_GRANTS || host->grants[refs[i]].page == NULL)
            return BLKFRONT_PLATFORM_INVALID;
        if (writable && !host->grants[refs[i]].writable)
            return BLKFRONT_PLATFORM_DENIED;
    }
    for (uint32_t i = 0; i < count; i++) {
        host->grants[refs[i]].maps++;
        pages[i] = host->grants[refs[i]].page;
    }
    host->mapped += count;
    if (host->mapped > host->most_mapped)
        host->most_mapped = host->mapped;
    return 0;
}

static int host_unmap(void *context, uint16_t domid, const uint32_t *refs, uint32_t count,
                      void **pages)
{
    struct fake_host *host = context;

    if (domid != 1)
        host->wrong++;
    for (uint32_t i = 0; i < count; i++) {
        if (refs[i] >= FAKE_GRANTS || host->grants[refs[i]].maps == 0 ||
            host->grants[refs[i]].page != pages[i]) {
            host->wrong++;
            continue;
        }
        host->grants[refs[i]].maps--;
        host->mapped--;
    }
    return 0;
}

/* ---- ports ---- */

static int host_port_bind(void *context, uint16_t domid, uint32_t remote_port, uint16_t tag,
                          uint32_t *port)
{
    struct fake_host *host = context;

    (void)tag;
    if (domid != 1)
        host->wrong++;
    if (remote_port >= FAKE_PORTS || !host->port_open[remote_port] || host->port_bound[remote_port])
        return BLKFRONT_PLATFORM_INVALID;
    host->port_bound[remote_port] = true;
    *port = remote_port + 100;
    return 0;
}

static bool port_ok(struct fake_host *host, uint32_t port)
{
    const bool ok = port >= 100 && port < 100 + FAKE_PORTS && host->port_bound[port - 100];

    if (!ok)
        host->wrong++;
    return ok;
}

static void host_port_close(void *context, uint32_t port)
{
    struct fake_host *host = context;

    if (port_ok(host, port))
        host->port_bound[port - 100] = false;
}

static int host_port_notify(void *context, uint32_t port)
{
    struct fake_host *host = context;

    if (!port_ok(host, port))
        return BLKFRONT_PLATFORM_INVALID;
    host->notified[port - 100]++;
    return 0;
}

static int host_port_fired(void *context, uint32_t port)
{
    struct fake_host *host = context;
    bool pending;

    if (!port_ok(host, port))
        return BLKFRONT_PLATFORM_INVALID;
    pending = host->port_pending[port - 100];
    host->port_pending[port - 100] = false;
    return pending;
}

/* ---- XenStore ---- */

static struct fake_node *find(struct fake_host *host, const char *path)
{
    for (uint32_t i = 0; i < host->store.count; i++) {
        if (strcmp(host->store.nodes[i].path, path) == 0)
            return &host->store.nodes[i];
    }
    return NULL;
}

static bool below(const char *path, const char *ancestor)
{
    const size_t length = strlen(ancestor);

    return strncmp(path, ancestor, length) == 0 && (path[length] == '\0' || path[length] == '/');
}

static void fire(struct fake_host *host, const char *path)
{
    if (host->watching && (below(path, host->watched) || below(host->watched, path)))
        host->fired++;
}

static void write_node(struct fake_host *host, const char *path, const char *value, size_t length)
{
    struct fake_node *node = find(host, path);

    if (node == NULL) {
        if (host->store.count == FAKE_NODES)
            abort();
        node = &host->store.nodes[host->store.count++];
        snprintf(node->path, sizeof(node->path), "%s", path);
    }
    if (length >= sizeof(node->value))
        abort();
    memcpy(node->value, value, length);
    node->value[length] = '\0';
    node->length = length;
    fire(host, path);
}

static bool remove_node(struct fake_host *host, const char *path)
{
    uint32_t kept = 0;
    bool found;

    for (uint32_t i = 0; i < host->store.count; i++) {
        if (!below(host->store.nodes[i].path, path))
            host->store.nodes[kept++] = host->store.nodes[i];
    }
    found = kept != host->store.count;
    host->store.count = kept;
    if (found)
        fire(host, path);
    return found;
}

static int host_store_read(void *context, uint32_t transaction, const char *path, char *buffer,
                           size_t size, size_t *length)
{
    struct fake_host *host = context;
    const struct fake_node *node = find(host, path);

    if (transaction != 0 && !host->in_transaction)
        host->wrong++;
    if (host->fail_read != 0)
        return host->fail_read;
    if (node == NULL)
        return BLKFRONT_PLATFORM_NO_ENTRY;
    *length = node->length;
    memcpy(buffer, node->value, node->length < size ? node->length : size);
    return node->length > size ? BLKFRONT_PLATFORM_TOO_LONG : 0;
}

static int host_store_write(void *context, uint32_t transaction, const char *path,
                            const char *value, size_t length)
{
    struct fake_host *host = context;

    if (transaction != 0 && !host->in_transaction)
        host->wrong++;
    if (host->fail_write != 0)
        return host->fail_write;
    write_node(host, path, value, length);
    return 0;
}

static int host_store_remove(void *context, uint32_t transaction, const char *path)
{
    (void)transaction;
    return remove_node(context, path) ? 0 : BLKFRONT_PLATFORM_NO_ENTRY;
}

static int host_transaction_start(void *context, uint32_t *transaction)
{
    struct fake_host *host = context;

    if (host->in_transaction)
        host->wrong++;
    host->in_transaction = true;
    host->before = host->store;
    *transaction = ++host->transactions;
    return 0;
}

static int host_transaction_end(void *context, uint32_t transaction, bool commit)
{
    struct fake_host *host = context;

    if (!host->in_transaction || transaction != host->transactions)
        host->wrong++;
    host->in_transaction = false;
    if (!commit || host->again != 0)
        host->store = host->before;
    if (!commit || host->again == 0)
        return 0;
    host->again--;
    return BLKFRONT_PLATFORM_AGAIN;
}

static int host_watch(void *context, const char *path, uint32_t token)
{
    struct fake_host *host = context;

    if (host->watching)
        return BLKFRONT_PLATFORM_EXISTS;
    snprintf(host->watched, sizeof(host->watched), "%s", path);
    host->watching = true;
    host->watch_token = token;
    host->fired = 1;
    return 0;
}

static int host_unwatch(void *context, const char *path, uint32_t token)
{
    struct fake_host *host = context;

    if (!host->watching || strcmp(path, host->watched) != 0 || token != host->watch_token)
        host->wrong++;
    host->watching = false;
    return 0;
}

static int host_watch_fired(void *context, uint32_t *token)
{
    struct fake_host *host = context;

    if (host->fired == 0)
        return 0;
    host->fired--;
    *token = host->watch_token;
    return 1;
}

/* ---- the rest ---- */

static uint64_t host_now(void *context)
{
    return ((struct fake_host *)context)->now;
}

static void *host_allocate(void *context, size_t size)
{
    struct fake_host *host = context;

    host->allocated++;
    if (host->allocated == host->fail_allocation_at)
        return NULL;
    host->allocations++;
    return calloc(1, size);
}

static void host_free(void *context, void *memory, size_t size)
{
    struct fake_host *host = context;

    (void)size;
    host->allocations--;
    free(memory);
}

static void host_log(void *context, const char *line)
{
    struct fake_host *host = context;

    snprintf(host->line, sizeof(host->line), "%s", line);
}

static uint64_t host_random(void *context)
{
    struct fake_host *host = context;

    host->chances++;
    return host->chance++;
}

static void host_tell(void *context, const struct simback_event *event)
{
    struct fake_host *host = context;
    struct fake_event *kept;

    if (host->event_count == FAKE_EVENTS)
        return;
    kept = &host->events[host->event_count++];
    kept->kind = event->kind;
    kept->queue = event->queue;
    kept->a = event->a;
    kept->b = event->b;
    kept->c = event->c;
    snprintf(kept->path, sizeof(kept->path), "%s", event->path != NULL ? event->path : "");
}

void fake_host_init(struct fake_host *host)
{
    memset(host, 0, sizeof(*host));
    host->calls = (struct simback_host){
        .context = host,
        .map = host_map,
        .unmap = host_unmap,
        .port_bind = host_port_bind,
        .port_close = host_port_close,
        .port_notify = host_port_notify,
        .port_fired = host_port_fired,
        .store_read = host_store_read,
        .store_write = host_store_write,
        .store_remove = host_store_remove,
        .transaction_start = host_transaction_start,
        .transaction_end = host_transaction_end,
        .watch = host_watch,
        .unwatch = host_unwatch,
        .watch_fired = host_watch_fired,
        .now = host_now,
        .allocate = host_allocate,
        .free = host_free,
        .log = host_log,
        .random = host_random,
        .tell = host_tell,
    };
}

void fake_put(struct fake_host *host, const char *path, const char *value)
{
    if (value == NULL)
        (void)remove_node(host, path);
    else
        write_node(host, path, value, strlen(value));
}

const char *fake_get(const struct fake_host *host, const char *path)
{
    for (uint32_t i = 0; i < host->store.count; i++) {
        if (strcmp(host->store.nodes[i].path, path) == 0)
            return host->store.nodes[i].value;
    }
    return NULL;
}

uint32_t fake_told(const struct fake_host *host, enum simback_event_kind kind, const char *path)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < host->event_count; i++)
        count += host->events[i].kind == kind &&
                 (path == NULL || strcmp(host->events[i].path, path) == 0);
    return count;
}
