/* SPDX-License-Identifier: ISC */
/*
 * Inside of the live world: the guest's calls (live_guest.c), what changes in the real XenStore
 * (live_mirror.c), devices and their disks (live_device.c, live_disk.c).
 */
#ifndef SIMBACK_LIVE_LIVE_H
#define SIMBACK_LIVE_LIVE_H

#include "internal.h"

#include <simback/live.h>

#include <xengnttab.h>
#include <xenstore.h>

enum {
    LIVE_PATH = 512,
    LIVE_VALUE = 4096,
    LIVE_SETS = 256,
    LIVE_TRANSACTIONS = 16,
    LIVE_GUEST = SIMBACK_FRONT_DOMID /* what the guest is called in the world */
};

/* A block of pages that a real Xen shares, at its place in the world. */
struct live_block {
    struct live_block *next;
    void *address;
    uint32_t count;
};

/* The real set behind one of the world's. */
struct live_set {
    struct blkfront_channel_set *set, *real;
};

struct live_transaction {
    uint32_t number, real;
};

/* Of the real XenStore: this node has changed. */
struct live_event {
    struct live_event *next;
    bool missed; /* there was one of this node before that nobody has been told of */
    char path[LIVE_PATH];
};

struct live_disk {
    char device[64]; /* "/dev/loop3", or the file itself below QEMU */
    char file[LIVE_PATH];
    int loop; /* its number; -1: none */
};

struct live_device {
    bool used, watched;
    uint16_t number;
    uint32_t vdev;
    char front[LIVE_PATH], back[LIVE_PATH]; /* real paths */
    uint8_t back_state;
    bool mode_read_only, discard_disabled; /* as it was set up */
    struct live_disk disk;
};

struct simback_live {
    const struct blkfront_platform *platform; /* the real one */
    struct simback_live_options options;
    uint16_t domid; /* what we really are */
    xengntshr_handle *grants;
    struct xs_handle *store;         /* of the mirror's own watches, which come with their paths */
    struct blkfront_watch_set *wake; /* the same watches on the platform, which ends its wait */

    struct simback_world *world; /* NULL: between runs */
    struct domain *guest;
    struct blkfront_platform calls;
    uint64_t began_ns; /* of the world's clock */
    bool happened;     /* something was brought into the world */
    struct live_block *blocks;
    struct live_set sets[LIVE_SETS];
    struct live_transaction transactions[LIVE_TRANSACTIONS];
    struct live_device devices[WORLD_DEVICES];
    struct live_event *events; /* not looked at yet, oldest first */
};

/* ---- live_guest.c ---- */

void live_guest_begin(struct simback_live *live);
/* Ends what frontends have left. */
void live_guest_end(struct simback_live *live);
/* Ports that have fired. */
void live_guest_take(struct simback_live *live);

/* ---- live_mirror.c ---- */

/* The real path for one of the world's, and back. */
void live_real_path(const struct simback_live *live, const char *path, char *real);
void live_world_path(const struct simback_live *live, const char *real, char *path);
/* The node is in the world as it really is now. */
void live_mirror_node(struct simback_live *live, const char *real);
/* What has changed by the hand of others. */
void live_mirror_take(struct simback_live *live);
void live_mirror_forget(struct simback_live *live);
/* Events of a connection, behind those that wait; one of this path that waits, or NULL. */
void live_events_collect(struct xs_handle *store, struct live_event **events);
struct live_event *live_events_find(struct live_event *events, const char *path);
void live_events_forget(struct live_event **events);
/* This was written by us: it is in the world, where no event will tell of it. */
void live_mirror_written(struct simback_live *live, const char *real, const char *value);
/* A device's directories are looked at from now on, or no more. */
bool live_mirror_watch(struct simback_live *live, struct live_device *device);
void live_mirror_unwatch(struct simback_live *live, struct live_device *device);

/* ---- live_device.c ---- */

/* NULL: there is none of this number. */
struct live_device *live_device_find(struct simback_live *live, uint16_t number);

/* ---- live_disk.c ---- */

/* A disk of zeros for device `number`; text says why not. */
enum simback_live_result live_disk_make(struct simback_live *live, struct live_disk *disk,
                                        const struct simback_backend_options *options, char *text);
void live_disk_remove(struct live_disk *disk);
enum simback_live_result live_disk_resize(const struct simback_live *live,
                                          const struct live_disk *disk, uint64_t size_512,
                                          char *text);

enum simback_live_result live_fail(char *text, enum simback_live_result result, const char *format,
                                   ...) __attribute__((format(printf, 3, 4)));

#endif
