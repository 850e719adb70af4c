/* SPDX-License-Identifier: ISC */
/*
 * What the files of the platform on a real Xen know of each other. One mutex guards the lists and
 * the ledger; the libraries look after themselves.
 */
#ifndef BLKFRONT_PLATFORM_LIBXEN_H
#define BLKFRONT_PLATFORM_LIBXEN_H

#include <blkfront/libxen.h>
#include <blkfront/platform.h>

#include <pthread.h>
#include <xenevtchn.h>
#include <xengnttab.h>
#include <xenstore.h>

enum { LIBXEN_PAGE = 4096, LIBXEN_PATH = 512 };

struct libxen_share {
    struct libxen_share *next;
    void *address;
    uint32_t count;
};

struct libxen_port {
    struct libxen_port *next;
    uint32_t number;
};

/* One event channel device file a set, so that sets are apart. */
struct blkfront_channel_set {
    struct blkfront_channel_set *next;
    xenevtchn_handle *handle;
    struct libxen_port *ports;
};

struct libxen_watch {
    struct libxen_watch *next;
    char *path;
    uint32_t token;
    bool fired;
};

struct blkfront_watch_set {
    struct blkfront_watch_set *next;
    uint32_t number; /* in the tokens that xenstored sees */
    struct libxen_watch *watches;
};

struct libxen_claim {
    struct libxen_claim *next;
    uint32_t vdev;
    int socket;
};

struct blkfront_libxen {
    struct blkfront_platform platform;
    struct blkfront_libxen_options options;
    pthread_mutex_t lock;
    xengntshr_handle *grants;
    struct xs_handle *store;
    int wake; /* an eventfd: somebody has called a wake */
    struct libxen_share *shares;
    struct blkfront_channel_set *channel_sets;
    struct blkfront_watch_set *watch_sets;
    uint32_t last_watch_set;
    struct libxen_claim *claims;
    struct blkfront_libxen_ledger ledger;
};

static inline void libxen_lock(struct blkfront_libxen *xen)
{
    pthread_mutex_lock(&xen->lock);
}

static inline void libxen_unlock(struct blkfront_libxen *xen)
{
    pthread_mutex_unlock(&xen->lock);
}

/* ---- libxen.c ---- */

void libxen_log(const struct blkfront_libxen *xen, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* The code of platform.h for what a library left in errno. */
int libxen_error(int error);
/* A file below the root of the options; "" if it cannot be read. */
void libxen_read_file(const struct blkfront_libxen_options *options, const char *path, char *text,
                      size_t size);

/* ---- libxen_grants.c, libxen_events.c, libxen_store.c, libxen_watches.c, libxen_claim.c ---- */

/* Each fills its part of the platform's table, and ends what is left of its part. */
void libxen_grants_init(struct blkfront_libxen *xen);
void libxen_grants_end(struct blkfront_libxen *xen);
void libxen_events_init(struct blkfront_libxen *xen);
void libxen_events_end(struct blkfront_libxen *xen);
void libxen_store_init(struct blkfront_libxen *xen);
void libxen_watches_init(struct blkfront_libxen *xen);
void libxen_watches_end(struct blkfront_libxen *xen);
void libxen_claims_end(struct blkfront_libxen *xen);

/* Takes what xenstored has sent and marks the watches that have fired; with the lock. */
void libxen_watches_take(struct blkfront_libxen *xen);

#endif
