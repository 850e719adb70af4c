/* SPDX-License-Identifier: ISC */
/*
 * Event channels: ports of two domains bound to each other. A port of a frontend belongs to a set
 * and is delivered once: it is masked by that, and events that come meanwhile wait for the unmask.
 * A port of a backend belongs to a host and is taken by asking. Whoever owns a port is made ready
 * when it fires; which actor that is, host_sim.c and platform_sim.c know. After a suspend and
 * resume a port is void: it is its owner's until that closes it, but leads nowhere.
 */
#include "internal.h"

#include <string.h>

enum { FREE, UNBOUND, BOUND, VOID };

struct port {
    struct domain *domain;
    struct blkfront_channel_set *set; /* a frontend's; else NULL */
    struct sim_host *host;            /* a backend's; else NULL */
    struct port *next, *previous;     /* in the set's queue */
    uint32_t number;
    uint32_t peer_port;
    uint32_t spurious; /* events on purpose that are still to come */
    uint32_t lose;     /* notifications by this port that will be lost */
    uint32_t storm;    /* steps of the world before each of which it notifies */
    struct port *next_storm;
    uint16_t peer; /* the other domain */
    uint16_t tag;  /* of a host's port */
    uint8_t state;
    bool pending, masked, queued;
};

static struct port *find(const struct domain *domain, uint32_t number)
{
    struct port *port;

    if (domain == NULL || number == 0 || number > domain->port_limit ||
        domain->port_chunks[number / PORT_CHUNK] == NULL)
        return NULL;
    port = &domain->port_chunks[number / PORT_CHUNK][number % PORT_CHUNK];
    return port->state == FREE ? NULL : port;
}

/* A port of this set, or with NULL of some host. */
static struct port *find_in(const struct domain *domain, const struct blkfront_channel_set *set,
                            uint32_t number)
{
    struct port *port = find(domain, number);

    return port != NULL && port->set == set ? port : NULL;
}

static uint16_t device_of(const struct port *port)
{
    return port->set != NULL ? port->set->device : port->host->device;
}

static uint16_t queue_of(const struct port *port)
{
    return port->set != NULL ? port->set->index : port->tag;
}

/* Members that the kind does not name stay 0. */
static void tell(const struct port *port, enum simback_event_kind kind, int result)
{
    struct simback_world *world = port->domain->world;
    bool has_peer = kind == SIMBACK_PORT_ALLOC || kind == SIMBACK_PORT_BIND;
    bool has_other = kind == SIMBACK_PORT_BIND || kind == SIMBACK_NOTIFY;

    if (world_listens(world))
        simback_emit(world, &(struct simback_event){.kind = kind,
                                                    .domid = port->domain->domid,
                                                    .peer = has_peer ? port->peer : 0,
                                                    .device = device_of(port),
                                                    .queue = queue_of(port),
                                                    .a = port->number,
                                                    .b = has_other ? port->peer_port : 0,
                                                    .result = result});
}

/* Without a port there is only the number that was asked for. */
static void tell_failure(const struct domain *domain, enum simback_event_kind kind, uint16_t device,
                         uint16_t queue, uint16_t peer, uint32_t a, uint32_t b, int result)
{
    if (world_listens(domain->world))
        simback_emit(domain->world, &(struct simback_event){.kind = kind,
                                                            .domid = domain->domid,
                                                            .peer = peer,
                                                            .device = device,
                                                            .queue = queue,
                                                            .a = a,
                                                            .b = b,
                                                            .result = result});
}

/* ---- ports that fire ---- */

static void wake_set(const struct blkfront_channel_set *set)
{
    struct simback_world *world = set->domain->world;

    simback_actor_ready(world, front_queue_actor(world, set->device, set->index));
}

static void enqueue(struct port *port)
{
    struct blkfront_channel_set *set = port->set;

    if (port->queued)
        return;
    port->queued = true;
    port->next = NULL;
    port->previous = set->last;
    if (set->last != NULL)
        set->last->next = port;
    else
        set->first = port;
    set->last = port;
}

static void dequeue(struct port *port)
{
    struct blkfront_channel_set *set = port->set;

    if (!port->queued)
        return;
    port->queued = false;
    if (port->previous != NULL)
        port->previous->next = port->next;
    else
        set->first = port->next;
    if (port->next != NULL)
        port->next->previous = port->previous;
    else
        set->last = port->previous;
}

static void fire(struct port *port)
{
    port->pending = true;
    if (port->masked)
        return;
    if (port->set != NULL) {
        enqueue(port);
        wake_set(port->set);
    } else if (port->tag < port->host->actor_count) {
        simback_actor_ready(port->domain->world, port->host->actors[port->tag]);
    }
}

/* ---- ports that come and go ---- */

static struct port *take_port(struct domain *domain)
{
    for (uint32_t number = domain->port_low; number <= domain->port_limit; number++) {
        struct port **chunk = &domain->port_chunks[number / PORT_CHUNK];
        struct port *port;

        if (*chunk == NULL)
            *chunk = simback_allocate(domain->world, PORT_CHUNK * sizeof((*chunk)[0]));
        if (*chunk == NULL)
            return NULL;
        port = &(*chunk)[number % PORT_CHUNK];
        if (port->state == FREE) {
            *port = (struct port){.domain = domain, .number = number};
            domain->port_low = number + 1;
            domain->ledger.ports++;
            return port;
        }
    }
    return NULL;
}

static void end_storm(struct port *port)
{
    struct port **link = &port->domain->world->storms;

    while (*link != NULL && *link != port)
        link = &(*link)->next_storm;
    if (*link == port)
        *link = port->next_storm;
    port->storm = 0;
}

/* The other end stays, unbound: it may be bound again, and its notifications reach nobody. */
static void close_port(struct port *port)
{
    struct domain *domain = port->domain;

    tell(port, SIMBACK_PORT_CLOSE, 0);
    if (port->state == BOUND) {
        struct port *other = find(domain_find(domain->world, port->peer), port->peer_port);

        other->state = UNBOUND;
        other->peer_port = 0;
    }
    if (port->set != NULL)
        dequeue(port);
    end_storm(port);
    if (port->state != VOID)
        domain->ledger.ports--;
    port->state = FREE;
    if (port->number < domain->port_low)
        domain->port_low = port->number;
}

/* Those of frontends; their other ends are the old host's, and gone. */
void ports_void(struct domain *domain)
{
    for (uint32_t number = 1; number <= domain->port_limit; number++) {
        struct port *port = find(domain, number), *other = NULL;

        if (port == NULL || port->set == NULL || port->state == VOID)
            continue;
        if (port->state == BOUND)
            other = find(domain_find(domain->world, port->peer), port->peer_port);
        if (other != NULL) {
            other->state = UNBOUND;
            other->peer_port = 0;
        }
        dequeue(port);
        port->pending = false;
        port->spurious = port->lose = port->peer_port = 0;
        port->state = VOID;
        domain->ledger.ports--;
    }
}

int channels_open(struct domain *domain, struct blkfront_channel_set **set)
{
    struct simback_world *world = domain->world;
    struct blkfront_channel_set *made, **link = &world->channel_sets;
    uint32_t index = 0;

    if (fail_now(world, SIMBACK_RESOURCE_PORT))
        return BLKFRONT_PLATFORM_NO_MEMORY;
    made = simback_allocate(world, sizeof(*made));
    if (made == NULL)
        return BLKFRONT_PLATFORM_NO_MEMORY;
    /* The lowest index that no open set of this device has: sets come and go as queues do. */
    for (const struct blkfront_channel_set *other = world->channel_sets; other != NULL;) {
        if (other->domain == domain && other->device == world->entered && other->index == index) {
            index++;
            other = world->channel_sets;
        } else {
            other = other->next;
        }
    }
    made->domain = domain;
    made->device = world->entered;
    made->index = (uint16_t)index;
    while (*link != NULL)
        link = &(*link)->next;
    *link = made;
    domain->ledger.channel_sets++;
    *set = made;
    return 0;
}

void channels_close(struct domain *domain, struct blkfront_channel_set *set)
{
    struct simback_world *world = domain->world;
    struct blkfront_channel_set **link = &world->channel_sets;

    for (uint32_t number = 1; number <= domain->port_limit; number++) {
        struct port *port = find_in(domain, set, number);

        if (port != NULL)
            close_port(port);
        else if (domain->port_chunks[number / PORT_CHUNK] == NULL)
            number |= PORT_CHUNK - 1; /* none in the whole chunk */
    }
    while (*link != set)
        link = &(*link)->next;
    *link = set->next;
    domain->ledger.channel_sets--;
    simback_free(world, set, sizeof(*set));
}

uint16_t port_device(const struct simback_world *world, uint16_t domid, uint32_t number)
{
    const struct port *port = find(domain_find(world, domid), number);

    return port != NULL && port->set != NULL ? port->set->device : SIMBACK_NO_DEVICE;
}

int port_allocate(struct domain *domain, struct blkfront_channel_set *set, uint16_t peer,
                  uint32_t *number)
{
    struct port *port = fail_now(domain->world, SIMBACK_RESOURCE_PORT) ? NULL : take_port(domain);

    if (port == NULL) {
        fail_short(domain->world);
        tell_failure(domain, SIMBACK_PORT_ALLOC, set->device, set->index, peer, 0, 0,
                     BLKFRONT_PLATFORM_NO_MEMORY);
        return BLKFRONT_PLATFORM_NO_MEMORY;
    }
    port->state = UNBOUND;
    port->set = set;
    port->peer = peer;
    *number = port->number;
    tell(port, SIMBACK_PORT_ALLOC, 0);
    return 0;
}

int port_adopt(struct domain *domain, struct blkfront_channel_set *set, uint16_t peer,
               uint32_t number)
{
    struct port **chunk, *port;

    if (number == 0 || number > domain->port_limit || find(domain, number) != NULL)
        return BLKFRONT_PLATFORM_INVALID;
    chunk = &domain->port_chunks[number / PORT_CHUNK];
    if (*chunk == NULL)
        *chunk = simback_allocate(domain->world, PORT_CHUNK * sizeof((*chunk)[0]));
    if (*chunk == NULL)
        return BLKFRONT_PLATFORM_NO_MEMORY;
    port = &(*chunk)[number % PORT_CHUNK];
    *port = (struct port){
        .domain = domain, .number = number, .state = UNBOUND, .set = set, .peer = peer};
    domain->ledger.ports++;
    tell(port, SIMBACK_PORT_ALLOC, 0);
    return 0;
}

void port_fire(struct domain *domain, uint32_t number)
{
    struct port *port = find(domain, number);

    if (port != NULL)
        fire(port);
}

/* As Xen does, the new local port fires at once: the other side may have notified before. */
int port_bind(struct sim_host *host, uint16_t domid, uint32_t remote_port, uint16_t tag,
              uint32_t *number)
{
    struct domain *domain = host->domain;
    struct port *other = find(domain_find(domain->world, domid), remote_port), *port = NULL;
    int result = 0;

    if (other == NULL || other->state != UNBOUND)
        result = BLKFRONT_PLATFORM_INVALID;
    else if (other->peer != domain->domid)
        result = BLKFRONT_PLATFORM_DENIED;
    else if ((port = take_port(domain)) == NULL)
        result = BLKFRONT_PLATFORM_NO_MEMORY;
    if (port == NULL) {
        tell_failure(domain, SIMBACK_PORT_BIND, host->device, tag, domid, 0, remote_port, result);
        return result;
    }
    port->state = other->state = BOUND;
    port->host = host;
    port->tag = tag;
    port->peer = domid;
    port->peer_port = remote_port;
    other->peer_port = port->number;
    *number = port->number;
    tell(port, SIMBACK_PORT_BIND, 0);
    fire(port);
    return 0;
}

int port_close(struct domain *domain, const struct blkfront_channel_set *set, uint32_t number)
{
    struct port *port = find_in(domain, set, number);

    if (port == NULL)
        return BLKFRONT_PLATFORM_INVALID;
    close_port(port);
    return 0;
}

/* ---- notifications ---- */

static void tell_fault(const struct port *port, const char *what, uint64_t count)
{
    struct simback_world *world = port->domain->world;

    if (world_listens(world))
        simback_emit(world, &(struct simback_event){.kind = SIMBACK_FAULT,
                                                    .domid = port->domain->domid,
                                                    .device = device_of(port),
                                                    .queue = queue_of(port),
                                                    .c = count,
                                                    .path = what});
}

/* To the other end, if it is not one of those that are lost. */
static void send(struct port *port)
{
    if (port->state != BOUND)
        return;
    if (port->lose != 0) {
        port->lose--;
        tell_fault(port, "event lose", port->lose);
        return;
    }
    fire(find(domain_find(port->domain->world, port->peer), port->peer_port));
}

int port_notify(struct domain *domain, const struct blkfront_channel_set *set, uint32_t number)
{
    struct port *port = find_in(domain, set, number);

    if (port == NULL) {
        tell_failure(domain, SIMBACK_NOTIFY, set == NULL ? domain->world->entered : set->device,
                     set == NULL ? 0 : set->index, 0, number, 0, BLKFRONT_PLATFORM_INVALID);
        return BLKFRONT_PLATFORM_INVALID;
    }
    if (set != NULL && fail_now(domain->world, SIMBACK_RESOURCE_EVENT)) {
        tell(port, SIMBACK_NOTIFY, BLKFRONT_PLATFORM_IO);
        return BLKFRONT_PLATFORM_IO;
    }
    tell(port, SIMBACK_NOTIFY, 0);
    send(port);
    return 0;
}

int port_pending(struct domain *domain, struct blkfront_channel_set *set, uint32_t *number)
{
    struct port *port = set->first;

    if (fail_now(domain->world, SIMBACK_RESOURCE_EVENT))
        return BLKFRONT_PLATFORM_IO;
    set->woken = false;
    if (port == NULL)
        return 0;
    dequeue(port);
    port->pending = false;
    port->masked = true;
    tell(port, SIMBACK_PORT_PENDING, 0);
    *number = port->number;
    return 1;
}

int port_unmask(struct domain *domain, struct blkfront_channel_set *set, uint32_t number)
{
    struct port *port = find_in(domain, set, number);

    if (port == NULL)
        return BLKFRONT_PLATFORM_INVALID;
    if (fail_now(domain->world, SIMBACK_RESOURCE_EVENT)) {
        tell(port, SIMBACK_PORT_UNMASK, BLKFRONT_PLATFORM_IO);
        return BLKFRONT_PLATFORM_IO;
    }
    tell(port, SIMBACK_PORT_UNMASK, 0);
    port->masked = false;
    if (port->spurious != 0 && !port->pending) {
        port->spurious--;
        port->pending = true;
    }
    if (port->pending)
        fire(port);
    return 0;
}

int port_fired(struct sim_host *host, uint32_t number)
{
    struct port *port = find_in(host->domain, NULL, number);

    if (port == NULL || port->host != host || !port->pending)
        return 0;
    port->pending = false;
    tell(port, SIMBACK_PORT_PENDING, 0);
    if (port->spurious != 0) {
        port->spurious--;
        fire(port);
    }
    return 1;
}

void channels_wake(struct blkfront_channel_set *set)
{
    set->woken = true;
    wake_set(set);
}

bool channels_due(struct simback_world *world, uint16_t device)
{
    bool due = false;

    for (struct blkfront_channel_set *set = world->channel_sets; set != NULL; set = set->next) {
        if (set->device != device)
            continue;
        due = due || set->first != NULL || set->woken;
        set->woken = false;
    }
    return due;
}

/* ---- events on purpose ---- */

static struct port *other_end(const struct simback_world *world, uint16_t domid, uint32_t number)
{
    struct port *port = find(domain_find(world, domid), number);

    return port == NULL || port->state != BOUND
               ? NULL
               : find(domain_find(world, port->peer), port->peer_port);
}

int simback_event_spurious(struct simback_world *world, uint16_t domid, uint32_t port,
                           uint32_t count)
{
    struct port *other = other_end(world, domid, port);

    if (other == NULL)
        return BLKFRONT_PLATFORM_INVALID;
    if (count == 0)
        return 0;
    tell_fault(other, "event spurious", count);
    other->spurious += count - 1;
    fire(other);
    return 0;
}

int simback_event_lose(struct simback_world *world, uint16_t domid, uint32_t port, uint32_t count)
{
    struct port *own = find(domain_find(world, domid), port);

    if (own == NULL || own->state != BOUND)
        return BLKFRONT_PLATFORM_INVALID;
    own->lose += count;
    return 0;
}

int simback_event_storm(struct simback_world *world, uint16_t domid, uint32_t port, uint32_t steps)
{
    struct port *own = find(domain_find(world, domid), port);

    if (own == NULL || own->state != BOUND)
        return BLKFRONT_PLATFORM_INVALID;
    end_storm(own);
    if (steps == 0)
        return 0;
    tell_fault(own, "event storm", steps);
    own->storm = steps;
    own->next_storm = world->storms;
    world->storms = own;
    return 0;
}

void storms_blow(struct simback_world *world)
{
    struct port *next;

    for (struct port *port = world->storms; port != NULL; port = next) {
        next = port->next_storm;
        send(port);
        if (--port->storm == 0)
            end_storm(port);
    }
}

void ports_mend(struct simback_world *world)
{
    while (world->storms != NULL)
        end_storm(world->storms);
    for (struct domain *domain = world->domains; domain != NULL; domain = domain->next) {
        for (uint32_t number = 1; number <= domain->port_limit; number++) {
            struct port *port = find(domain, number);

            if (port != NULL)
                port->lose = port->spurious = 0;
            else if (domain->port_chunks[number / PORT_CHUNK] == NULL)
                number |= PORT_CHUNK - 1; /* none in the whole chunk */
        }
    }
}
