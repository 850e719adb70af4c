/* SPDX-License-Identifier: ISC */
/*
 * The backend's host, with all that goes through it entered in a world: maps, ports, nodes, and
 * what the backend tells of itself. Each call is made in truth first.
 */
#include "served_internal.h"

#include "xenstore_internal.h"

#include <stdio.h>
#include <string.h>

#define REAL(call, ...) served->host->call(served->host->context, __VA_ARGS__)

void served_enter(struct simback_served *served)
{
    simback_advance(served->world, served->host->now(served->host->context) - served->began_ns);
    served->world->entered = SERVED_DEVICE;
}

static void tell(struct simback_served *served, const struct simback_event *event)
{
    struct simback_event told = *event;

    served_enter(served);
    told.device = SERVED_DEVICE;
    simback_emit(served->world, &told);
}

/* ---- names ---- */

/* What a path is called in the world; false: it is in neither directory. */
static bool world_path(const struct simback_served *served, const char *real, char *path,
                       const char **rest)
{
    const char *const from[] = {served->front_real, served->back_real};
    const char *const to[] = {served->front, served->back_dir};

    for (unsigned i = 0; i < 2; i++) {
        const size_t length = strlen(from[i]);

        if (strncmp(real, from[i], length) != 0 || (real[length] != '\0' && real[length] != '/'))
            continue;
        *rest = real[length] == '/' ? real + length + 1 : real + length;
        return snprintf(path, SERVED_PATH, "%s%s", to[i], real + length) < SERVED_PATH;
    }
    return false;
}

/* ---- grants ---- */

static void tell_map(struct simback_served *served, uint32_t ref, bool writable, int result)
{
    tell(served, &(struct simback_event){.kind = SIMBACK_MAP,
                                         .domid = SIMBACK_DOM0,
                                         .peer = SIMBACK_FRONT_DOMID,
                                         .a = ref,
                                         .c = writable,
                                         .result = result});
}

/* All or none were mapped; which of them Xen did not want is found out one by one. */
static void tell_refused(struct simback_served *served, uint16_t domid, const uint32_t *refs,
                         uint32_t count, bool writable)
{
    for (uint32_t i = 0; i < count; i++) {
        void *page;
        const int result = REAL(map, domid, &refs[i], 1, writable, &page);

        if (result == 0)
            (void)REAL(unmap, domid, &refs[i], 1, &page);
        else
            tell_map(served, refs[i], writable, result);
    }
}

static int served_map(void *context, uint16_t domid, const uint32_t *refs, uint32_t count,
                      bool writable, void **pages)
{
    struct simback_served *served = context;
    const int result = REAL(map, domid, refs, count, writable, pages);
    struct simback_grant grant;

    if (result != 0)
        tell_refused(served, domid, refs, count, writable);
    for (uint32_t i = 0; result == 0 && i < count; i++) {
        if (simback_get_grant(served->world, SIMBACK_FRONT_DOMID, refs[i], &grant))
            served_mapped(served, refs[i], writable, pages[i]);
        else
            tell_map(served, refs[i], writable, 0);
    }
    return result;
}

static int served_unmap(void *context, uint16_t domid, const uint32_t *refs, uint32_t count,
                        void **pages)
{
    struct simback_served *served = context;

    for (uint32_t i = 0; i < count; i++) {
        if (!served_unmapped(served, refs[i], pages[i]))
            tell(served, &(struct simback_event){.kind = SIMBACK_UNMAP,
                                                 .domid = SIMBACK_DOM0,
                                                 .peer = SIMBACK_FRONT_DOMID,
                                                 .a = refs[i]});
    }
    return REAL(unmap, domid, refs, count, pages);
}

/* ---- events ---- */

static struct served_queue *queue_of(struct simback_served *served, uint32_t port)
{
    for (unsigned i = 0; i < MONITOR_QUEUES; i++) {
        if (served->queues[i].bound && served->queues[i].port == port)
            return &served->queues[i];
    }
    return NULL;
}

static int served_port_bind(void *context, uint16_t domid, uint32_t remote_port, uint16_t tag,
                            uint32_t *port)
{
    struct simback_served *served = context;
    const int result = REAL(port_bind, domid, remote_port, tag, port);

    tell(served, &(struct simback_event){.kind = SIMBACK_PORT_BIND,
                                         .domid = SIMBACK_DOM0,
                                         .peer = SIMBACK_FRONT_DOMID,
                                         .a = result == 0 ? *port : 0,
                                         .b = remote_port,
                                         .result = result});
    if (result == 0 && tag < MONITOR_QUEUES)
        served->queues[tag] =
            (struct served_queue){.bound = true, .port = *port, .front_port = remote_port};
    return result;
}

static void served_port_close(void *context, uint32_t port)
{
    struct simback_served *served = context;
    struct served_queue *queue = queue_of(served, port);

    if (queue != NULL)
        *queue = (struct served_queue){.bound = false};
    tell(served,
         &(struct simback_event){.kind = SIMBACK_PORT_CLOSE, .domid = SIMBACK_DOM0, .a = port});
    served->host->port_close(served->host->context, port);
}

static int served_port_notify(void *context, uint32_t port)
{
    struct simback_served *served = context;
    const struct served_queue *queue = queue_of(served, port);
    const int result = REAL(port_notify, port);

    tell(served, &(struct simback_event){.kind = SIMBACK_NOTIFY,
                                         .domid = SIMBACK_DOM0,
                                         .a = port,
                                         .b = queue == NULL ? 0 : queue->front_port,
                                         .result = result});
    return result;
}

int served_port_fired(void *context, uint32_t port)
{
    struct simback_served *served = context;
    struct served_queue *queue = queue_of(served, port);
    int fired = REAL(port_fired, port);

    if (queue == NULL)
        return fired;
    if (fired == 1)
        tell(served, &(struct simback_event){.kind = SIMBACK_NOTIFY,
                                             .domid = SIMBACK_FRONT_DOMID,
                                             .a = queue->front_port,
                                             .b = port});
    else if (queue->fired)
        fired = 1;
    queue->fired = false;
    return fired;
}

/* ---- XenStore ---- */

static void ask(struct simback_served *served)
{
    if (served->ask != NULL)
        served->ask(served->ask_context);
}

static int served_store_read(void *context, uint32_t transaction, const char *path, char *buffer,
                             size_t size, size_t *length)
{
    struct simback_served *served = context;

    ask(served);
    return REAL(store_read, transaction, path, buffer, size, length);
}

static int served_store_write(void *context, uint32_t transaction, const char *path,
                              const char *value, size_t length)
{
    struct simback_served *served = context;
    char known[SERVED_PATH];
    const char *rest;
    const int result = REAL(store_write, transaction, path, value, length);

    served_enter(served);
    if (result == 0 && world_path(served, path, known, &rest))
        (void)xenstore_write(served->back, 0, known, value, length);
    return result;
}

static int served_store_remove(void *context, uint32_t transaction, const char *path)
{
    struct simback_served *served = context;
    char known[SERVED_PATH];
    const char *rest;
    const int result = REAL(store_remove, transaction, path);

    served_enter(served);
    if (result == 0 && world_path(served, path, known, &rest))
        (void)xenstore_remove(served->back, 0, known);
    return result;
}

static int served_transaction_start(void *context, uint32_t *transaction)
{
    const struct simback_served *served = context;

    return REAL(transaction_start, transaction);
}

static int served_transaction_end(void *context, uint32_t transaction, bool commit)
{
    const struct simback_served *served = context;

    return REAL(transaction_end, transaction, commit);
}

/* The backend says by that which device it is. */
static void tell_watch(struct simback_served *served, enum simback_event_kind kind,
                       const char *path, uint32_t token, int result)
{
    char known[SERVED_PATH];
    const char *rest;

    if (world_path(served, path, known, &rest))
        tell(served,
             &(struct simback_event){
                 .kind = kind, .domid = SIMBACK_DOM0, .path = known, .a = token, .result = result});
}

static int served_watch(void *context, const char *path, uint32_t token)
{
    struct simback_served *served = context;
    const int result = REAL(watch, path, token);

    tell_watch(served, SIMBACK_WATCH, path, token, result);
    return result;
}

static int served_unwatch(void *context, const char *path, uint32_t token)
{
    struct simback_served *served = context;
    const int result = REAL(unwatch, path, token);

    tell_watch(served, SIMBACK_UNWATCH, path, token, result);
    return result;
}

static int served_watch_fired(void *context, uint32_t *token)
{
    struct simback_served *served = context;

    ask(served);
    return REAL(watch_fired, token);
}

static void state_comes(struct simback_served *served, const char *value, size_t length,
                        bool missed)
{
    /* What was put on the ring before it said so was put in its former state. */
    simback_served_look(served);
    if (missed)
        served_missed(served->world, SERVED_DEVICE);
    if (length == 1 && (value[0] == '3' || value[0] == '4'))
        served_adopt_rings(served);
}

void simback_served_node(struct simback_served *served, const char *path, const char *value,
                         size_t length, bool missed)
{
    char known[SERVED_PATH];
    const char *rest = "";
    bool state;

    if (!world_path(served, path, known, &rest) ||
        strncmp(known, served->front, strlen(served->front)) != 0)
        return;
    state = strcmp(rest, BLKIF_NODE_STATE) == 0;
    /* Whose hand it was is not seen: what the toolstack made counts as its own. */
    if (value != NULL && teardown_is_toolstacks(rest) && !state)
        return; /* the toolstack's, and the domains are called otherwise here */
    served_enter(served);
    if (value != NULL && state)
        state_comes(served, value, length, missed);
    if (value != NULL)
        (void)xenstore_write(served->guest, 0, known, value, length);
    else
        (void)xenstore_remove(teardown_is_toolstacks(rest) ? served->back : served->guest, 0,
                              known);
}

/* ---- the rest ---- */

static uint64_t served_now(void *context)
{
    const struct simback_served *served = context;

    return served->host->now(served->host->context);
}

static void *served_allocate(void *context, size_t size)
{
    const struct simback_served *served = context;

    return REAL(allocate, size);
}

static void served_free(void *context, void *memory, size_t size)
{
    const struct simback_served *served = context;

    REAL(free, memory, size);
}

static void served_log(void *context, const char *line)
{
    const struct simback_served *served = context;

    if (served->host->log != NULL)
        REAL(log, line);
}

static uint64_t served_random(void *context)
{
    return simback_random(((const struct simback_served *)context)->world);
}

static void served_tell(void *context, const struct simback_event *event)
{
    struct simback_served *served = context;
    struct simback_event told = *event;

    told.domid = SIMBACK_DOM0;
    tell(served, &told);
    if (served->host->tell != NULL)
        REAL(tell, event);
}

static const struct simback_host calls = {
    .map = served_map,
    .unmap = served_unmap,
    .port_bind = served_port_bind,
    .port_close = served_port_close,
    .port_notify = served_port_notify,
    .port_fired = served_port_fired,
    .store_read = served_store_read,
    .store_write = served_store_write,
    .store_remove = served_store_remove,
    .transaction_start = served_transaction_start,
    .transaction_end = served_transaction_end,
    .watch = served_watch,
    .unwatch = served_unwatch,
    .watch_fired = served_watch_fired,
    .now = served_now,
    .allocate = served_allocate,
    .free = served_free,
    .log = served_log,
    .random = served_random,
    .tell = served_tell,
    .before_load = served_before_load,
    .before_publish = served_before_publish,
};

/* ---- making ---- */

/* The device's directories in the world, as the toolstack has made the real ones. */
static bool make_nodes(struct simback_served *served, const struct simback_backend_options *options)
{
    struct simback_backend_options known = *options;

    simback_paths(options, served->back_real, sizeof(served->back_real), served->front_real,
                  sizeof(served->front_real));
    known.device = SERVED_DEVICE;
    known.domid = SIMBACK_DOM0;
    known.front_domid = SIMBACK_FRONT_DOMID;
    simback_paths(&known, served->back_dir, sizeof(served->back_dir), served->front,
                  sizeof(served->front));
    return simback_toolstack_create(served->world, &known) == 0;
}

struct simback_served *simback_served_create(struct simback_world *world,
                                             const struct simback_host *host,
                                             const struct simback_backend_options *options)
{
    struct simback_served *served = simback_allocate(world, sizeof(*served));

    if (served == NULL)
        return NULL;
    served->calls = calls;
    served->calls.context = served;
    served->host = host;
    served->world = world;
    served->guest = domain_get(world, SIMBACK_FRONT_DOMID);
    served->back = domain_get(world, SIMBACK_DOM0);
    served->front_domid = options->front_domid;
    served->began_ns = host->now(host->context) - world->now;
    if (served->guest != NULL && served->back != NULL && make_nodes(served, options))
        return served;
    simback_served_destroy(served);
    return NULL;
}

void simback_served_destroy(struct simback_served *served)
{
    if (served == NULL)
        return;
    while (served->pages != NULL) {
        struct served_page *page = served->pages;

        served->pages = page->next;
        simback_free(served->world, page, sizeof(*page));
    }
    simback_free(served->world, served, sizeof(*served));
}

const struct simback_host *simback_served_host(struct simback_served *served)
{
    return &served->calls;
}

void simback_served_ask(struct simback_served *served, void (*ask_for)(void *context),
                        void *context)
{
    served->ask = ask_for;
    served->ask_context = context;
}

void simback_served_end(struct simback_served *served)
{
    ask(served);
    simback_served_look(served);
    served_enter(served);
    served_end(served->world, SERVED_DEVICE);
}
