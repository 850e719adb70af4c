/* SPDX-License-Identifier: ISC */
/*
 * The backend's half of the simulated Xen: host.h filled for one backend device. Its XenStore calls
 * are made with its domain's rights and told as its device's.
 */
#include "xenstore_internal.h"

#include <string.h>

/* Events of XenStore calls name the device that has been entered. */
static struct sim_host *enter(void *context, uint16_t *entered)
{
    struct sim_host *host = context;

    *entered = host->world->entered;
    host->world->entered = host->device;
    return host;
}

static int leave(const struct sim_host *host, uint16_t entered, int result)
{
    host->world->entered = entered;
    return result;
}

/* ---- grants ---- */

static int sim_map(void *context, uint16_t domid, const uint32_t *refs, uint32_t count,
                   bool writable, void **pages)
{
    struct sim_host *host = context;

    return grant_table_map(host->domain, host->device, domid, refs, count, writable, pages);
}

static int sim_unmap(void *context, uint16_t domid, const uint32_t *refs, uint32_t count,
                     void **pages)
{
    struct sim_host *host = context;

    return grant_table_unmap(host->domain, host->device, domid, refs, count, pages);
}

/* ---- events ---- */

static int sim_port_bind(void *context, uint16_t domid, uint32_t remote_port, uint16_t tag,
                         uint32_t *port)
{
    return port_bind(context, domid, remote_port, tag, port);
}

static void sim_port_close(void *context, uint32_t port)
{
    port_close(((struct sim_host *)context)->domain, NULL, port);
}

static int sim_port_notify(void *context, uint32_t port)
{
    return port_notify(((struct sim_host *)context)->domain, NULL, port);
}

static int sim_port_fired(void *context, uint32_t port)
{
    return port_fired(context, port);
}

/* ---- XenStore ---- */

static int sim_store_read(void *context, uint32_t transaction, const char *path, char *buffer,
                          size_t size, size_t *length)
{
    uint16_t entered;
    struct sim_host *host = enter(context, &entered);

    return leave(host, entered,
                 xenstore_read(host->domain, transaction, path, buffer, size, length));
}

static int sim_store_write(void *context, uint32_t transaction, const char *path, const char *value,
                           size_t length)
{
    uint16_t entered;
    struct sim_host *host = enter(context, &entered);

    return leave(host, entered, xenstore_write(host->domain, transaction, path, value, length));
}

static int sim_store_remove(void *context, uint32_t transaction, const char *path)
{
    uint16_t entered;
    struct sim_host *host = enter(context, &entered);

    return leave(host, entered, xenstore_remove(host->domain, transaction, path));
}

static int sim_transaction_start(void *context, uint32_t *transaction)
{
    uint16_t entered;
    struct sim_host *host = enter(context, &entered);

    return leave(host, entered, store_transaction_start(host->domain, transaction));
}

static int sim_transaction_end(void *context, uint32_t transaction, bool commit)
{
    uint16_t entered;
    struct sim_host *host = enter(context, &entered);

    return leave(host, entered, store_transaction_end(host->domain, transaction, commit));
}

static int sim_watch(void *context, const char *path, uint32_t token)
{
    uint16_t entered;
    struct sim_host *host = enter(context, &entered);

    return leave(host, entered, store_watch(host->watches, path, token));
}

static int sim_unwatch(void *context, const char *path, uint32_t token)
{
    uint16_t entered;
    struct sim_host *host = enter(context, &entered);

    return leave(host, entered, store_unwatch(host->watches, path, token));
}

static int sim_watch_fired(void *context, uint32_t *token)
{
    uint16_t entered;
    struct sim_host *host = enter(context, &entered);

    return leave(host, entered, store_watch_fired(host->watches, token));
}

/* ---- time and memory ---- */

static uint64_t sim_now(void *context)
{
    return ((const struct sim_host *)context)->world->now;
}

static void *sim_allocate(void *context, size_t size)
{
    return simback_allocate(((struct sim_host *)context)->world, size);
}

static void sim_free(void *context, void *memory, size_t size)
{
    simback_free(((struct sim_host *)context)->world, memory, size);
}

static void sim_log(void *context, const char *line)
{
    uint16_t entered;
    struct sim_host *host = enter(context, &entered);

    store_tell(host->domain, SIMBACK_LOG, line, 0, 0, NULL, 0, 0);
    leave(host, entered, 0);
}

/* ---- chance, events ---- */

static uint64_t sim_random(void *context)
{
    return simback_random(((struct sim_host *)context)->world);
}

static void sim_tell(void *context, const struct simback_event *event)
{
    const struct sim_host *host = context;
    struct simback_event told = *event;

    told.domid = host->domain->domid;
    told.device = host->device;
    simback_emit(host->world, &told);
}

static const struct simback_host calls = {
    .map = sim_map,
    .unmap = sim_unmap,
    .port_bind = sim_port_bind,
    .port_close = sim_port_close,
    .port_notify = sim_port_notify,
    .port_fired = sim_port_fired,
    .store_read = sim_store_read,
    .store_write = sim_store_write,
    .store_remove = sim_store_remove,
    .transaction_start = sim_transaction_start,
    .transaction_end = sim_transaction_end,
    .watch = sim_watch,
    .unwatch = sim_unwatch,
    .watch_fired = sim_watch_fired,
    .now = sim_now,
    .allocate = sim_allocate,
    .free = sim_free,
    .log = sim_log,
    .random = sim_random,
    .tell = sim_tell,
};

const struct simback_host *simback_sim_host(struct simback_world *world, uint16_t domid,
                                            uint16_t device, simback_actor store_actor,
                                            const simback_actor *actors, uint16_t count)
{
    struct domain *domain = domain_get(world, domid);
    struct sim_host *host = simback_allocate(world, sizeof(*host));

    if (domain == NULL || host == NULL)
        return NULL;
    host->calls = calls;
    host->calls.context = host;
    host->world = world;
    host->domain = domain;
    host->device = device;
    host->store_actor = store_actor;
    host->actor_count = count;
    if (count != 0) {
        host->actors = simback_allocate(world, count * sizeof(actors[0]));
        if (host->actors == NULL)
            return NULL;
        memcpy(host->actors, actors, count * sizeof(actors[0]));
    }
    if (store_watches_open(domain, device, false, store_actor, &host->watches) != 0)
        return NULL;
    return &host->calls;
}
