/* SPDX-License-Identifier: ISC */
/*
 * The simulated Xen: domains with grant tables and event channels, and one XenStore. A frontend
 * gets it as a platform (platform.h), a backend as a host (host.h), a toolstack or a scenario by
 * the calls below, which have dom0's rights and are told as events like any other.
 */
#ifndef SIMBACK_XEN_H
#define SIMBACK_XEN_H

#include <simback/host.h>
#include <simback/world.h>

#include <blkfront/platform.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { SIMBACK_DOM0 = 0, SIMBACK_FRONT_DOMID = 1 /* of a guest that has not moved */ };

/* The frontends' domain now. */
uint16_t simback_guest(const struct simback_world *world);

/*
 * The platform of domain `domid` as its frontends see it. Channel sets and watch sets that are
 * opened belong to the device that simback_enter named last: its nth channel set wakes the actor of
 * its queue n, its watch set the actor of its device poll.
 */
const struct blkfront_platform *simback_platform(struct simback_world *world, uint16_t domid);
/* From now on calls on platforms are made for this device; SIMBACK_NO_DEVICE: for none. */
void simback_enter(struct simback_world *world, uint16_t device);
/* Which actors a device's frontend has. queue_actor may be called with queues that are opened
 * later. */
void simback_front_actors(struct simback_world *world, uint16_t device, simback_actor device_poll,
                          const simback_actor *queue_polls, uint16_t queues);

/* A backend's half for one device, in domain `domid`: `store_actor` runs when a watch of it has
 * fired, `actors[n]` when a port bound with tag n has. The host lives as long as the world. */
const struct simback_host *simback_sim_host(struct simback_world *world, uint16_t domid,
                                            uint16_t device, simback_actor store_actor,
                                            const simback_actor *actors, uint16_t count);

/* ---- XenStore with dom0's rights ---- */

int simback_store_write(struct simback_world *world, const char *path, const void *value,
                        size_t length);
/* NO_ENTRY; otherwise the value's length, and at most size bytes of it. */
int simback_store_read(struct simback_world *world, const char *path, void *buffer, size_t size,
                       size_t *length);
/* The same with the rights of the frontends' domain, of what it would be told: DENIED also where
 * its next call is to fail on purpose. Nothing is told of this, and no such failure is used up. */
int simback_store_peek(struct simback_world *world, const char *path, void *buffer, size_t size,
                       size_t *length);
int simback_store_remove(struct simback_world *world, const char *path);
/* Who may read and write a new node and what is written below it: the owner, and one other reader.
 */
int simback_store_permit(struct simback_world *world, const char *path, uint16_t owner,
                         uint16_t reader);
/* The same for a node that is there and all that is below it now. */
int simback_store_permit_below(struct simback_world *world, const char *path, uint16_t owner,
                               uint16_t reader);

/* ---- failures on purpose (step `fail …`) ---- */

enum simback_resource {
    SIMBACK_RESOURCE_ALLOC,    /* platform allocate */
    SIMBACK_RESOURCE_GRANT,    /* share, page_allocate, page_grant */
    SIMBACK_RESOURCE_PORT,     /* channels_open, port_allocate */
    SIMBACK_RESOURCE_XENSTORE, /* every XenStore call */
    SIMBACK_RESOURCE_REVOKE,   /* unshare, page_revoke: BUSY; not where the platform only shares */
    SIMBACK_RESOURCE_EVENT,    /* port_notify, port_pending, port_unmask */
    SIMBACK_RESOURCES
};

/* The nth call (1 = the next) of this kind by a frontend's platform fails; with `from_then_on` all
 * later ones too. nth 0: none any more. */
void simback_fail_nth(struct simback_world *world, enum simback_resource resource, uint64_t nth,
                      bool from_then_on);
/* How many calls of this kind were made, and how many were failed. */
uint64_t simback_resource_calls(const struct simback_world *world, enum simback_resource resource);
uint64_t simback_resource_failed(const struct simback_world *world, enum simback_resource resource);
/* Whoever needs grants, pages or ports tries in vain: some were refused less than a second ago, by
 * a failure like that or for a limit. */
bool simback_is_short(const struct simback_world *world);
/* How often that was so since a call of the application was completed (simback_progress). */
uint64_t simback_short_times(const struct simback_world *world);

/* ---- ledgers ---- */

struct simback_ledger {
    uint64_t grants;       /* entries in use */
    uint64_t mapped;       /* of them mapped by somebody */
    uint64_t deferred;     /* pages whose end was deferred (share-only platforms) */
    uint64_t ports;        /* open */
    uint64_t watches;      /* set */
    uint64_t transactions; /* open */
    uint64_t pages;        /* allocated by the domain, in pages */
    uint64_t allocations;  /* platform allocate without free */
    uint64_t channel_sets;
    uint64_t watch_sets;
};

void simback_get_ledger(const struct simback_world *world, uint16_t domid,
                        struct simback_ledger *ledger);

struct simback_grant {
    uint32_t ref;
    uint16_t peer;
    bool writable;
    uint32_t page; /* page number */
    uint32_t maps; /* how often it is mapped now */
    bool deferred; /* ended by the owner while mapped */
};

/* What grant `ref` of `domid` is; false if it is not in use. */
bool simback_get_grant(const struct simback_world *world, uint16_t domid, uint32_t ref,
                       struct simback_grant *grant);
/* The grant of `domid` that covers this page, if any. */
bool simback_get_page_grant(const struct simback_world *world, uint16_t domid, uint32_t page,
                            struct simback_grant *grant);

/* Events on purpose (step `event`): the other end of `port` gets `count` events that nobody sent;
 * the next `count` notifications to it are lost. */
int simback_event_spurious(struct simback_world *world, uint16_t domid, uint32_t port,
                           uint32_t count);
int simback_event_lose(struct simback_world *world, uint16_t domid, uint32_t port, uint32_t count);
/* It gets one before each of the next `steps` steps of the world; 0: no more. */
int simback_event_storm(struct simback_world *world, uint16_t domid, uint32_t port, uint32_t steps);

/* ---- XenStore that fails on purpose (steps `store fail|again|deny`) ---- */

/*
 * Calls of frontends' platforms on exactly this path (read, write, remove, list, watch): the nth
 * from now on and those after it, `times` in all, give `error`, a code of platform.h, and do
 * nothing. NO_MEMORY: there are too many
 * of these rules; INVALID: no path.
 */
int simback_store_fail(struct simback_world *world, const char *path, int error, uint64_t nth,
                       uint64_t times);
/* The frontends' domain may neither read nor write this path and what is below, whether it is there
 * or not, and hears of no change there. Results as above. */
int simback_store_deny(struct simback_world *world, const char *path);
/* The next `times` commits of frontends' transactions answer AGAIN, as if others had written what
 * they touched. */
void simback_store_again(struct simback_world *world, uint64_t times);

/* ---- watch events on purpose (steps `watch …`), of this device's frontend ---- */

/* Each watch on exactly this path fires `count` times; as always, an event that is already waiting
 * comes no second time, so the next one follows when the one before it was taken. NO_ENTRY: there
 * is no such watch. */
int simback_watch_fire(struct simback_world *world, uint16_t device, const char *path,
                       uint32_t count);
/* The next `count` events, beside these, are lost. */
void simback_watch_lose(struct simback_world *world, uint16_t device, uint32_t count);
/* From now on events wait, one of each watch, until nothing else is runnable. */
void simback_watch_merge(struct simback_world *world, uint16_t device);
/* From now on each event comes `count` times, the next when the one before it was taken; 1: once
 * again. */
void simback_watch_flood(struct simback_world *world, uint16_t device, uint32_t count);
/* From now on each event comes so much later, in the same order; 0: at once again. NO_MEMORY. */
int simback_watch_late(struct simback_world *world, uint16_t device, uint64_t delay_ns);

/* ---- the end of all failures on purpose ---- */

/* Resources, XenStore, events and watch events are as they should be from now on, and what waited
 * comes at once. What was lost stays lost. */
void simback_mend(struct simback_world *world);

#ifdef __cplusplus
}
#endif

#endif
