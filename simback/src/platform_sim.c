/* SPDX-License-Identifier: ISC */
/*
 * A domain of the simulated Xen as its frontends meet it: platform.h filled for one domain. Here
 * the calls are counted and failed on purpose, and here is known which device is calling and which
 * actor looks after which of its sets. What the calls do is in the files of grants, ports and
 * XenStore.
 */
#include "poison.h"
#include "xenstore_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- whose sets they are ---- */

void simback_enter(struct simback_world *world, uint16_t device)
{
    world->entered = device;
}

void simback_front_actors(struct simback_world *world, uint16_t device, simback_actor device_poll,
                          const simback_actor *queue_polls, uint16_t queues)
{
    struct front *front;
    simback_actor *copy = NULL;
    bool due;

    if (!world_has_device(world, device))
        return;
    front = &world->fronts[device];
    if (queues != 0) {
        copy = simback_allocate(world, queues * sizeof(copy[0]));
        if (copy == NULL)
            return;
        memcpy(copy, queue_polls, queues * sizeof(copy[0]));
    }
    simback_free(world, front->queue_polls, front->queues * sizeof(copy[0]));
    front->device_poll = device_poll;
    front->queue_polls = copy;
    front->queues = queues;

    /* What has fired before there was anybody to wake. */
    due = channels_due(world, device);
    if (store_watches_due(world, device) || due) {
        simback_actor_ready(world, device_poll);
        for (uint16_t i = 0; i < queues; i++)
            simback_actor_ready(world, copy[i]);
    }
}

simback_actor front_queue_actor(const struct simback_world *world, uint16_t device, uint16_t queue)
{
    if (!world_has_device(world, device) || queue >= world->fronts[device].queues)
        return SIMBACK_NO_ACTOR;
    return world->fronts[device].queue_polls[queue];
}

simback_actor front_device_actor(const struct simback_world *world, uint16_t device)
{
    return world_has_device(world, device) ? world->fronts[device].device_poll : SIMBACK_NO_ACTOR;
}

/* ---- grants ---- */

static int sim_share(void *context, uint16_t domid, uint32_t count, bool writable, void **address,
                     uint32_t *refs)
{
    return grant_table_share(context, domid, count, writable, address, refs);
}

static int sim_unshare(void *context, void *address, uint32_t count)
{
    return grant_table_unshare(context, address, count);
}

static int sim_page_allocate(void *context, uint32_t count, void **address)
{
    return grant_table_page_allocate(context, count, address);
}

static void sim_page_free(void *context, void *address, uint32_t count)
{
    grant_table_page_free(context, address, count);
}

static int sim_page_grant(void *context, uint16_t domid, const void *page, bool writable,
                          uint32_t *ref)
{
    return grant_table_grant(context, domid, page, writable, ref);
}

static int sim_page_revoke(void *context, uint32_t ref)
{
    return grant_table_revoke(context, ref);
}

/* ---- events ---- */

static int sim_channels_open(void *context, struct blkfront_channel_set **set)
{
    return channels_open(context, set);
}

static void sim_channels_close(void *context, struct blkfront_channel_set *set)
{
    channels_close(context, set);
}

static int sim_port_allocate(void *context, struct blkfront_channel_set *set, uint16_t domid,
                             uint32_t *port)
{
    return port_allocate(context, set, domid, port);
}

static void sim_port_close(void *context, struct blkfront_channel_set *set, uint32_t port)
{
    port_close(context, set, port);
}

static int sim_port_notify(void *context, struct blkfront_channel_set *set, uint32_t port)
{
    return port_notify(context, set, port);
}

static int sim_port_pending(void *context, struct blkfront_channel_set *set, uint32_t *port)
{
    return port_pending(context, set, port);
}

static int sim_port_unmask(void *context, struct blkfront_channel_set *set, uint32_t port)
{
    return port_unmask(context, set, port);
}

static void sim_channels_wake(void *context, struct blkfront_channel_set *set)
{
    (void)context;
    channels_wake(set);
}

/* ---- XenStore ---- */

static void look_at_text(const char *text)
{
    poison_read(text, strlen(text) + 1);
}

/* 0, or what this call has to fail with; then it is told so. */
static int failure_of(const struct domain *domain, enum simback_event_kind kind, const char *path,
                      uint64_t a)
{
    int result = 0;

    if (fail_now(domain->world, SIMBACK_RESOURCE_XENSTORE))
        result = BLKFRONT_PLATFORM_IO;
    else if (path != NULL)
        result = store_fault(domain->world, path);
    if (result != 0 && kind != SIMBACK_EVENT_NONE)
        store_tell(domain, kind, path, a, 0, NULL, 0, result);
    return result;
}

/* The same of a call that needs a right on the node. */
static int refusal_of(const struct domain *domain, enum simback_event_kind kind, const char *path,
                      uint64_t a)
{
    int result = failure_of(domain, kind, path, a);

    if (result == 0 && store_is_denied(domain->world, path)) {
        result = BLKFRONT_PLATFORM_DENIED;
        store_tell(domain, kind, path, a, 0, NULL, 0, result);
    }
    return result;
}

static int sim_own_domid(void *context, uint16_t *domid)
{
    const struct domain *domain = context;
    int result = failure_of(domain, SIMBACK_EVENT_NONE, NULL, 0);

    if (result == 0)
        *domid = domain->domid;
    return result;
}

static int sim_store_read(void *context, blkfront_transaction transaction, const char *path,
                          char *buffer, size_t size, size_t *length)
{
    int result;

    look_at_text(path);
    poison_written(buffer, size);
    result = refusal_of(context, SIMBACK_STORE_READ, path, transaction);
    return result != 0 ? result : xenstore_read(context, transaction, path, buffer, size, length);
}

static int sim_store_write(void *context, blkfront_transaction transaction, const char *path,
                           const char *value, size_t length)
{
    int result;

    look_at_text(path);
    poison_read(value, length);
    result = refusal_of(context, SIMBACK_STORE_WRITE, path, transaction);
    return result != 0 ? result : xenstore_write(context, transaction, path, value, length);
}

static int sim_store_remove(void *context, blkfront_transaction transaction, const char *path)
{
    int result;

    look_at_text(path);
    result = refusal_of(context, SIMBACK_STORE_REMOVE, path, transaction);
    return result != 0 ? result : xenstore_remove(context, transaction, path);
}

static int sim_store_list(void *context, blkfront_transaction transaction, const char *path,
                          char *buffer, size_t size, size_t *length)
{
    int result;

    look_at_text(path);
    poison_written(buffer, size);
    result = refusal_of(context, SIMBACK_STORE_LIST, path, transaction);
    return result != 0 ? result : xenstore_list(context, transaction, path, buffer, size, length);
}

static int sim_transaction_start(void *context, blkfront_transaction *transaction)
{
    int result = failure_of(context, SIMBACK_TRANSACTION_START, NULL, 0);

    return result != 0 ? result : store_transaction_start(context, transaction);
}

/* It ends in every case: a commit that fails on purpose has changed nothing. */
static int sim_transaction_end(void *context, blkfront_transaction transaction, bool commit)
{
    int result = failure_of(context, SIMBACK_EVENT_NONE, NULL, 0);

    if (result == 0 && commit && store_again(((struct domain *)context)->world))
        return store_transaction_refuse(context, transaction);
    if (result == 0)
        return store_transaction_end(context, transaction, commit);
    store_transaction_end(context, transaction, false);
    return result;
}

static int sim_watches_open(void *context, struct blkfront_watch_set **set)
{
    const struct domain *domain = context;
    int result = failure_of(domain, SIMBACK_EVENT_NONE, NULL, 0);

    return result != 0
               ? result
               : store_watches_open(context, domain->world->entered, true, SIMBACK_NO_ACTOR, set);
}

static void sim_watches_close(void *context, struct blkfront_watch_set *set)
{
    (void)context;
    store_watches_close(set);
}

static int sim_watch(void *context, struct blkfront_watch_set *set, const char *path,
                     uint32_t token)
{
    int result;

    look_at_text(path);
    result = failure_of(context, SIMBACK_WATCH, path, token);
    return result != 0 ? result : store_watch(set, path, token);
}

static int sim_unwatch(void *context, struct blkfront_watch_set *set, const char *path,
                       uint32_t token)
{
    look_at_text(path);
    if (fail_now(((struct domain *)context)->world, SIMBACK_RESOURCE_XENSTORE)) {
        store_watch_tell(set, SIMBACK_UNWATCH, path, token, BLKFRONT_PLATFORM_IO);
        return BLKFRONT_PLATFORM_IO;
    }
    return store_unwatch(set, path, token);
}

static int sim_watch_fired(void *context, struct blkfront_watch_set *set, uint32_t *token)
{
    (void)context;
    return store_watch_fired(set, token);
}

static void sim_watches_wake(void *context, struct blkfront_watch_set *set)
{
    (void)context;
    store_watches_wake(set);
}

/* ---- time ---- */

static uint64_t sim_now(void *context)
{
    return ((const struct domain *)context)->world->now;
}

/*
 * The world goes on until the calling device has something to look at, or one of its own actors has
 * looked already. At rest nothing can come any more, so without a deadline that is TIMED_OUT too:
 * who waits for ever for nothing is told so, at once and always the same way.
 */
static int sim_wait(void *context, uint64_t deadline_ns)
{
    struct simback_world *world = ((const struct domain *)context)->world;
    uint16_t device = world->entered;

    for (;;) {
        bool due = channels_due(world, device);

        if (store_watches_due(world, device) || due)
            return 0;
        if (world->now >= deadline_ns)
            return BLKFRONT_PLATFORM_TIMED_OUT;
        if (simback_world_step(world, deadline_ns) != SIMBACK_STEP_RAN)
            break;
        if (world->schedule.last_was_front && world->schedule.last_device == device)
            return 0;
    }
    if (deadline_ns != BLKFRONT_PLATFORM_FOREVER)
        simback_advance(world, deadline_ns);
    return BLKFRONT_PLATFORM_TIMED_OUT;
}

/* ---- host ---- */

static void *sim_allocate(void *context, size_t size)
{
    struct domain *domain = context;
    void *memory = NULL;

    if (!fail_now(domain->world, SIMBACK_RESOURCE_ALLOC))
        memory = simback_allocate(domain->world, size);
    if (memory != NULL)
        domain->ledger.allocations++;
    return memory;
}

static void sim_free(void *context, void *memory, size_t size)
{
    struct domain *domain = context;

    if (memory != NULL)
        domain->ledger.allocations--;
    simback_free(domain->world, memory, size);
}

static void sim_log(void *context, const char *line)
{
    look_at_text(line);
    store_tell(context, SIMBACK_LOG, line, 0, 0, NULL, 0, 0);
}

/* I13: a mistake of the frontend ends this process; who supervises it reports the last events. */
static void sim_bug(void *context, const char *where)
{
    sim_log(context, where);
    fprintf(stderr, "blkfront: bug: %s\n", where);
    abort();
}

static const struct blkfront_platform calls = {
    .version = BLKFRONT_PLATFORM_VERSION,
    .size = sizeof(struct blkfront_platform),
    .capabilities = BLKFRONT_PLATFORM_GRANTS_ANY_PAGE | BLKFRONT_PLATFORM_REPORTS_BUSY,
    .share = sim_share,
    .unshare = sim_unshare,
    .page_allocate = sim_page_allocate,
    .page_free = sim_page_free,
    .page_grant = sim_page_grant,
    .page_revoke = sim_page_revoke,
    .channels_open = sim_channels_open,
    .channels_close = sim_channels_close,
    .port_allocate = sim_port_allocate,
    .port_close = sim_port_close,
    .port_notify = sim_port_notify,
    .port_pending = sim_port_pending,
    .port_unmask = sim_port_unmask,
    .channels_wake = sim_channels_wake,
    .own_domid = sim_own_domid,
    .store_read = sim_store_read,
    .store_write = sim_store_write,
    .store_remove = sim_store_remove,
    .store_list = sim_store_list,
    .transaction_start = sim_transaction_start,
    .transaction_end = sim_transaction_end,
    .watches_open = sim_watches_open,
    .watches_close = sim_watches_close,
    .watch = sim_watch,
    .unwatch = sim_unwatch,
    .watch_fired = sim_watch_fired,
    .watches_wake = sim_watches_wake,
    .now = sim_now,
    .wait = sim_wait,
    .allocate = sim_allocate,
    .free = sim_free,
    .log = sim_log,
    .bug = sim_bug,
};

const struct blkfront_platform *simback_platform(struct simback_world *world, uint16_t domid)
{
    struct domain *domain = domain_get(world, domid);
    struct blkfront_platform *platform;

    if (domain == NULL || domain->platform != NULL)
        return domain == NULL ? NULL : domain->platform;
    platform = simback_allocate(world, sizeof(*platform));
    if (platform == NULL)
        return NULL;
    *platform = calls;
    platform->context = domain;
    if (world->options.share_only) {
        platform->capabilities = 0;
        platform->page_allocate = NULL;
        platform->page_free = NULL;
        platform->page_grant = NULL;
        platform->page_revoke = NULL;
    }
    domain->platform = platform;
    return platform;
}
