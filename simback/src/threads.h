/* SPDX-License-Identifier: ISC */
/*
 * What the files of the threaded world share. The parts, and who may touch them:
 *
 *   threads.c          the whole; XenStore and memory, under one lock
 *   threads_grants.c   grants: words that anybody changes, never under the lock
 *   threads_events.c   channels and waiting: the same, but for opening and closing
 *   threads_backend.c  the backend and its thread
 *   platform_threads.c, host_threads.c   the two tables over them
 *
 * XenStore and memory are those of a stepped world in which nobody takes steps but two actors, who
 * ring the bells of the threads whose watches have fired.
 */
#ifndef SIMBACK_SRC_THREADS_H
#define SIMBACK_SRC_THREADS_H

#include "doorbell.h"
#include "internal.h"

#include <simback/threads.h>

#include <pthread.h>

/* ---- grants ---- */

#define GRANT_USED     (UINT32_C(1) << 31)
#define GRANT_WRITABLE (UINT32_C(1) << 30)
#define GRANT_MAPS     (GRANT_WRITABLE - 1) /* how often it is mapped */

struct thread_grant {
    uint32_t state; /* atomic; the other members stay while it is used */
    uint32_t next;  /* atomic; of the free ones */
    uint32_t page;  /* atomic: whoever counts looks at all grants */
    uint16_t peer;
    bool block;     /* of share: not revoked alone */
    char apart[48]; /* one is ended while its neighbour is mapped */
};

/* ---- channels ---- */

#define PORT_OPEN    UINT32_C(1)
#define PORT_PENDING UINT32_C(2)

/* Both ends of a channel have its index as their port. It is free when both are closed. */
struct thread_channel {
    uint32_t front, back;   /* atomic: the bits above */
    struct thread_set *set; /* the frontend's */
    uint32_t next;          /* of its set; 0: none */
    uint16_t peer;          /* who may bind */
    bool masked;            /* the frontend's end, until it is unmasked. The set's thread's */
    char apart[37];         /* two queues change no cache line in common */
};

/* What a pointer to a struct blkfront_channel_set means here. It never goes, so who rings a queue's
 * bell need not know whether the queue still has its set. */
struct thread_set {
    struct doorbell bell;
    uint32_t fired; /* atomic: a port has fired since the last look at the ports */
    uint32_t woken; /* atomic: somebody wants it to look at something else */
    uint32_t first; /* channel; 0: none. The set's thread's, as the whole list is */
    bool open;
    char apart[64];
};

/* ---- the backend ---- */

/* What another thread wants done in the backend's. */
struct thread_order {
    void (*run)(void *context, struct simback_backend *backend);
    void *context;
    uint32_t pending; /* atomic */
    struct doorbell done;
};

struct thread_backend {
    struct simback_backend *backend;
    struct simback_world *disk_world; /* its thread draws and allocates blocks without the lock */
    struct simback_disk *disk;
    struct thread_order order;
    uint32_t stops; /* atomic */
    /* Its thread's: sets whose bells are to be rung before it sleeps, and since when; 0: since this
     * round. A frontend that is awake sees the port without a bell; one that sleeps is woken for
     * many answers. */
    uint64_t owed; /* bits */
    uint64_t owed_ns;
    bool owes;        /* bells may wait */
    uint32_t glances; /* counts them */
    pthread_t thread;
    bool runs;
};

/* What all threads read with each request stays as it is from the beginning on, and what one of
 * them changes with each request lies in a cache line with nothing that another needs. */
struct simback_threads {
    struct simback_world *world;
    struct blkfront_platform platform;
    struct simback_host host;
    const struct blkfront_platform *guest; /* the world's own, for XenStore and memory */
    const struct simback_host *dom0;
    struct thread_grant *grants;
    uint32_t grant_limit;
    uint32_t channel_limit;
    struct thread_channel *channels;
    struct thread_set *sets;
    uint32_t *page_refs; /* of each page of the region: its grant, if it is one of share */
    uint32_t any_waits;  /* atomic: how many wait for any_bell */
    char apart_1[64];

    pthread_mutex_t lock; /* of the world, of free channels and sets */
    uint32_t pages_used;
    uint32_t device_fired, device_woken; /* atomic: a watch of the guest; as of a set */
    uint32_t back_fired;                 /* atomic: a watch of the backend's */
    char apart_2[64];

    struct doorbell device_bell;
    struct doorbell any_bell; /* rung with each of the frontend's while somebody waits */
    struct doorbell back_bell;
    uint64_t free_refs; /* atomic: the first free grant, and below 32 bits how often it changed */
    char apart_3[64];

    struct thread_backend back;
};

/* ---- threads.c ---- */

/* Around every call of the world's own. Leaving rings for what watches have fired. */
void threads_enter(struct simback_threads *threads);
void threads_leave(struct simback_threads *threads);

/* ---- threads_grants.c: platform.h's and host.h's calls ---- */

bool thread_grants_init(struct simback_threads *threads);
int thread_share(struct simback_threads *threads, uint16_t domid, uint32_t count, bool writable,
                 void **address, uint32_t *refs);
int thread_unshare(struct simback_threads *threads, void *address, uint32_t count);
int thread_page_allocate(struct simback_threads *threads, uint32_t count, void **address);
void thread_page_free(struct simback_threads *threads, void *address, uint32_t count);
int thread_page_grant(struct simback_threads *threads, uint16_t domid, const void *page,
                      bool writable, uint32_t *ref);
int thread_page_revoke(struct simback_threads *threads, uint32_t ref);
int thread_map(struct simback_threads *threads, uint16_t domid, const uint32_t *refs,
               uint32_t count, bool writable, void **pages);
int thread_unmap(struct simback_threads *threads, uint16_t domid, const uint32_t *refs,
                 uint32_t count, void *const *pages);
/* It will be mapped or ended soon. */
void thread_expect(const struct simback_threads *threads, uint32_t ref);
void thread_count_grants(const struct simback_threads *threads, struct simback_ledger *ledger);

/* ---- threads_events.c ---- */

bool thread_events_init(struct simback_threads *threads);
int thread_channels_open(struct simback_threads *threads, struct thread_set **set);
void thread_channels_close(struct simback_threads *threads, struct thread_set *set);
void thread_channels_wake(struct simback_threads *threads, struct thread_set *set);
int thread_port_allocate(struct simback_threads *threads, struct thread_set *set, uint16_t domid,
                         uint32_t *port);
int thread_port_close(struct simback_threads *threads, struct thread_set *set, uint32_t port);
int thread_port_notify(struct simback_threads *threads, const struct thread_set *set,
                       uint32_t port);
int thread_port_pending(struct simback_threads *threads, struct thread_set *set, uint32_t *port);
int thread_port_unmask(struct simback_threads *threads, struct thread_set *set, uint32_t port);
int thread_back_bind(struct simback_threads *threads, uint16_t domid, uint32_t remote_port,
                     uint32_t *port);
void thread_back_close(struct simback_threads *threads, uint32_t port);
int thread_back_notify(struct simback_threads *threads, uint32_t port);
int thread_back_fired(struct simback_threads *threads, uint32_t port);
/* Rings what is owed: before the backend's thread sleeps, and when a bell has waited for long. */
void thread_back_pay(struct simback_threads *threads, bool sleeps);
/* A watch of the guest has fired, or its poller was woken. */
void thread_device_fire(struct simback_threads *threads, uint32_t *why);
/* platform.h's wait: for any set. */
int thread_wait_any(struct simback_threads *threads, uint64_t deadline_ns);
void thread_count_channels(const struct simback_threads *threads, struct simback_ledger *ledger);

/* ---- host_threads.c, platform_threads.c ---- */

void thread_platform_init(struct simback_threads *threads);
void thread_host_init(struct simback_threads *threads);

#endif
