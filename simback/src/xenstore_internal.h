/* SPDX-License-Identifier: ISC */
/*
 * What the files of the simulated XenStore share: the tree, whose nodes are shared between the
 * store and the snapshots of transactions and copied before they are changed; the log of a
 * transaction; and watches with their events.
 */
#ifndef SIMBACK_XENSTORE_INTERNAL_H
#define SIMBACK_XENSTORE_INTERNAL_H

#include "internal.h"

#include <string.h>

/* Of xenstored 4.17; the quotas bind unprivileged domains only. */
enum {
    STORE_PAYLOAD_MAX = 4096,
    STORE_PATH_MAX = 3072,
    STORE_QUOTA_NODES = 1000,
    STORE_QUOTA_WATCHES = 128,
    STORE_QUOTA_TRANSACTIONS = 10,
    STORE_QUOTA_ACCESSED = 1024,
    STORE_QUOTA_NODE_SIZE = 2048,
    STORE_PERMISSIONS_MAX = 5
};

/* Of nodes and watches, which each device has some of. A host for more devices than is usual has
 * larger ones. */
static inline uint32_t store_quota(const struct simback_world *world, uint32_t quota)
{
    enum { ENOUGH_FOR = 32 };

    return world->options.devices <= WORLD_DEVICES ? quota
                                                   : quota * world->options.devices / ENOUGH_FOR;
}

enum { STORE_CAN_READ = 1, STORE_CAN_WRITE = 2 };

/* The first one names the owner, who may do everything, and what all others may. */
struct store_permission {
    uint16_t domid;
    uint8_t may;
};

struct store_node {
    struct store_node *
        *children; /* in the order in which they were made, as xenstored lists them */
    uint8_t *value;
    uint64_t generation; /* of the last change of value, permissions or list of children */
    uint32_t holders;    /* parents and snapshots; with more than one it must not be changed */
    uint32_t child_count, child_capacity;
    uint32_t value_length;
    uint16_t name_length;
    uint8_t permission_count;
    struct store_permission permissions[STORE_PERMISSIONS_MAX];
    char name[]; /* with a NUL */
};

/* ---- xenstore_tree.c ---- */

/* 0 for what is no absolute path; "/" is one. */
size_t store_path_length(const char *path);

/* Where a path leads. */
struct store_place {
    struct store_node *node; /* what is there, or the nearest one above */
    size_t length, found;    /* of the path, and of the node's own; the same: it is there */
};

static inline bool store_is_there(const struct store_place *place)
{
    return place->found == place->length;
}

/* False: it is no absolute path. */
bool store_tree_look(struct store_node *root, const char *path, struct store_place *place);
/* Whether `path` is `above` or lies below it; of many thousands nearly all are told apart by where
 * they end. */
static inline bool store_path_lies_within(const char *path, size_t length, const char *above,
                                          size_t above_length)
{
    return above_length == 1 ||
           (above_length <= length && (path[above_length] == 0 || path[above_length] == '/') &&
            memcmp(path, above, above_length) == 0);
}
static inline bool store_path_is_within(const char *path, const char *above)
{
    return store_path_lies_within(path, strlen(path), above, strlen(above));
}
struct store_node *store_tree_new(struct simback_world *world);
void store_tree_drop(struct simback_world *world, struct store_node *node);
/* NULL: nothing is there, or the path is none. */
struct store_node *store_tree_find(struct store_node *root, const char *path);
/* Writes a value; missing nodes are made, with their parent's permissions and owned by `writer`
 * unless that is domain 0. With `count` the owners' numbers of nodes are kept. NO_MEMORY. */
int store_tree_write(struct simback_world *world, struct store_node **root, uint16_t writer,
                     const char *path, const void *value, size_t length, bool count);
/* The node is there and not the root. */
int store_tree_remove(struct simback_world *world, struct store_node **root, const char *path,
                      bool count);
int store_tree_permit(struct simback_world *world, struct store_node **root, const char *path,
                      const struct store_permission *permissions, uint8_t permission_count);

/* ---- xenstore.c ---- */

/* Whether the domain may read or write what is, or would be, at the path: 0, NO_ENTRY, DENIED. */
int store_check(struct store_node *root, const struct domain *domain, const char *path, int need);
bool store_may(const struct store_node *node, const struct domain *domain, int need);
/* On the store itself, after every check: changes it and fires the watches. */
int store_apply_write(struct simback_world *world, uint16_t writer, const char *path,
                      const void *value, size_t length);
int store_apply_remove(struct simback_world *world, const char *path);
void store_tell(const struct domain *domain, enum simback_event_kind kind, const char *path,
                uint64_t a, uint64_t b, const void *bytes, size_t length, int result);

/* ---- xenstore_transaction.c ---- */

struct store_change {
    struct store_change *next;
    bool remove;
    uint32_t length;
    uint32_t path_size; /* with the NUL */
    char bytes[];       /* the path with its NUL, then the value */
};

struct store_access {
    struct store_access *next;
    uint32_t path_size;
    char path[];
};

struct store_transaction {
    struct store_transaction *next;
    struct domain *domain;
    uint32_t id;
    struct store_node *base; /* the store as it was at the beginning */
    struct store_node *root; /* and as the transaction sees it */
    struct store_change *changes, **changes_end;
    struct store_access *accesses;
    uint32_t access_count;
    uint64_t nodes_made;
};

/* NULL: the domain has no such transaction. */
struct store_transaction *store_transaction_find(const struct domain *domain, uint32_t id);
/* Commit will look whether others have changed what is at the path. NO_MEMORY beyond the quota. */
int store_transaction_access(struct store_transaction *transaction, const char *path);
/* `place`: where the path leads in the transaction's view. */
int store_transaction_write(struct store_transaction *transaction, const struct store_place *place,
                            const char *path, const void *value, size_t length);
int store_transaction_remove(struct store_transaction *transaction, const char *path);

/* ---- xenstore_watch.c ---- */

struct store_watch {
    struct store_watch *next;
    uint32_t token;
    uint32_t waiting; /* events of it in the queue */
    uint32_t repeat;  /* so many more follow the next one that is taken */
    bool gone;        /* lives on for its events alone */
    uint32_t path_size;
    char path[];
};

struct store_event {
    struct store_event *next;
    struct store_watch *watch;
    uint64_t path_hash; /* of the path that changed: the identity of an event */
    uint64_t due_ns;
};

struct blkfront_watch_set {
    struct blkfront_watch_set *next;
    struct domain *domain;
    simback_actor actor; /* a backend's */
    uint16_t device;
    bool front; /* wakes the device poll of `device` */
    bool woken;
    bool let_through;            /* merged events may be taken, until nothing is left */
    struct store_watch *watches; /* in the order in which they were set */
    struct store_event *first, *last;
};

void store_watch_wake(const struct blkfront_watch_set *set);
/* The watch fires for this path: its event waits, and comes `times` times. */
void store_watch_event(struct blkfront_watch_set *set, struct store_watch *watch, const char *path,
                       uint32_t times);
/* The node at the path was changed, or with `removed` is about to be removed with all below it. */
void store_watches_fire(struct simback_world *world, const char *path, bool removed);

/* ---- watch_fault.c ---- */

/* What is done to the events of a set; NULL: nothing, ever. */
struct watch_faults *watch_faults_of(const struct blkfront_watch_set *set);
/* Whether there is one, and it may be taken now. */
bool watch_event_is_there(const struct blkfront_watch_set *set);
/* One that is among those to be lost. */
void watch_event_is_lost(const struct blkfront_watch_set *set, const struct store_watch *watch);
/* One of a node that its frontend may not read, on purpose. */
void watch_event_is_unheard(const struct blkfront_watch_set *set, const struct store_watch *watch);
/* Some wait for their time. */
void watch_events_are_late(struct simback_world *world);

#endif
