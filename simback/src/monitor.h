/* SPDX-License-Identifier: ISC */
/*
 * The rings that frontends have published, as the monitor sees them, and who the devices are. The
 * rules (oracle_*.c) look at the shared pages through this and through events alone.
 */
#ifndef SIMBACK_SRC_MONITOR_H
#define SIMBACK_SRC_MONITOR_H

#include "internal.h"

#include <blkfront/blkif.h>

enum {
    MONITOR_RING_PAGES = 1 << BLKIF_WIRE_RING_ORDER_MAX,
    MONITOR_QUEUES = 64,
    MONITOR_WORDS = 4,  /* enum simback_ring_word */
    MONITOR_PATH = 256, /* as long as a frontend takes it */
    MONITOR_PAGES = 512 /* entries of the table of ring pages, a power of two */
};

/* Who a device is. Learned from the XenStore paths that its two sides use. */
struct monitor_device {
    bool known;
    bool back_known; /* back_domid is */
    bool front_told; /* the frontend has shown its own directory */
    uint16_t front_domid;
    uint16_t back_domid;
    uint32_t vdev;
    uint8_t front_length;
    char front[MONITOR_PATH]; /* "/local/domain/1/device/vbd/51712" */
    char name[16];            /* "xvda" */
};

/* Where a frontend has read that its backend's directory is. */
struct monitor_told {
    uint64_t hash; /* of the directory's path */
    uint32_t vdev;
    uint16_t length; /* of it; 0: nowhere, or nobody */
    uint16_t front_domid;
};

struct monitor_ring {
    uint16_t device, queue;
    bool attached;
    bool abi_32;
    uint8_t order;
    uint16_t front_domid, back_domid;
    uint32_t pages;
    uint32_t slots; /* a power of two */
    uint32_t slot_size;
    uint32_t port; /* the frontend's; 0: none was published */
    uint32_t refs[MONITOR_RING_PAGES];
    uint32_t numbers[MONITOR_RING_PAGES]; /* of the pages */
    uint8_t *address[MONITOR_RING_PAGES];
    uint32_t seen[MONITOR_WORDS];
    uint32_t requests;  /* req_prod as the frontend itself published it last */
    uint32_t responses; /* rsp_prod as far as it made sense */
    uint64_t connection;
    /* With a real backend, which answers in the same slots at any moment: the ring as it was just
     * before req_prod was stored last. NULL: it never was. */
    uint8_t *published;
};

/* A page of a ring. */
struct monitor_page {
    struct monitor_ring *ring; /* NULL: free */
    uint32_t number;
    uint32_t index; /* which page of the ring */
};

struct monitor_commit { /* a frontend's state, written in a transaction that is still open */
    uint32_t transaction;
    uint16_t domid, device;
    uint8_t state;
};

enum { MONITOR_COMMITS = 16 };

/* Bytes that were written over the frontend's in the middle of its step. */
enum { MONITOR_OVERWRITES = 8, MONITOR_OVERWRITE_BYTES = 256 };

struct monitor_overwrite {
    const struct monitor_ring *ring;
    uint32_t offset, length;
    uint8_t wrote[MONITOR_OVERWRITE_BYTES], under[MONITOR_OVERWRITE_BYTES];
    bool gone[MONITOR_OVERWRITE_BYTES]; /* the frontend has said that it writes there again */
};

struct monitor {
    struct monitor_device devices[WORLD_DEVICES];
    uint32_t device_end;                        /* none is known from here on */
    struct monitor_told told[WORLD_DEVICES];    /* by the number that they go by */
    uint16_t alias[WORLD_DEVICES];              /* number of the device that this number means */
    struct monitor_ring **rings[WORLD_DEVICES]; /* [queue]; NULL: the device never had one */
    uint16_t queues[WORLD_DEVICES];             /* of them in use: 0 .. queues - 1 */
    struct monitor_page pages[MONITOR_PAGES];
    uint32_t page_count;
    struct monitor_commit commits[MONITOR_COMMITS];
    uint32_t commit_count;
    uint64_t connections;
    struct monitor_overwrite overwrites[MONITOR_OVERWRITES]; /* in order */
    uint32_t overwrite_count;
    bool front_acts; /* whose doing the change is that is being told */
};

/* ---- devices (monitor_device.c) ---- */

/* Takes from an event who its device is, before anybody asks. */
void monitor_learn(struct monitor *monitor, const struct simback_event *event);
/* The devices of domain `old` are those of `domid` from now on. */
void monitor_rename(struct monitor *monitor, uint16_t old, uint16_t domid);
/* The number under which the device is known; SIMBACK_NO_DEVICE for none. */
static inline uint16_t monitor_device_number(const struct monitor *monitor, uint16_t device)
{
    return device < WORLD_DEVICES ? monitor->alias[device] : SIMBACK_NO_DEVICE;
}
/* The device whose frontend directory this path is in, and the rest; SIMBACK_NO_DEVICE. */
uint16_t monitor_front_path(const struct monitor *monitor, const char *path, const char **rest);
/* The same of the backend's directory: the one that the frontend whose event it is has been told
 * of, or else one that has the name of a backend's. */
uint16_t monitor_back_path(const struct monitor *monitor, const struct simback_event *event,
                           const char **rest);
/* "xvda" for 51712. */
void monitor_vdev_name(uint32_t vdev, char *name, size_t size);
/* A decimal number, digits alone; false for anything else. */
bool monitor_number(const void *bytes, size_t length, uint64_t *number);

/* ---- what load steps write (monitor_overwrite.c) ---- */

/* Writes bytes over the ring; offset counts from the first page. What lies beyond is left out. */
void monitor_overwrite(struct monitor *monitor, const struct monitor_ring *ring, uint32_t offset,
                       const uint8_t *bytes, uint32_t length);
/* The frontend is about to write there: what it writes is its own, the same bytes too. */
void monitor_front_stores(struct monitor *monitor, const struct monitor_ring *ring, uint32_t offset,
                          size_t length);
/* The ring as the frontend itself left it. */
void monitor_front_copy(const struct monitor *monitor, const struct monitor_ring *ring,
                        uint32_t offset, void *to, size_t length);
uint32_t monitor_front_word(const struct monitor *monitor, const struct monitor_ring *ring,
                            enum simback_ring_word word);
/* From now on the ring is as it stands. False: it was not written over. */
bool monitor_overwrite_end(struct monitor *monitor, const struct monitor_ring *ring);

/* ---- reading XenStore without a trace ---- */

bool monitor_peek(const struct simback_world *world, const char *directory, const char *name,
                  char *value, size_t size, size_t *length);
bool monitor_exists(const struct simback_world *world, const char *directory, const char *name);
bool monitor_peek_number(const struct simback_world *world, const char *directory, const char *name,
                         uint64_t *number);

/* ---- rings (monitor.c, monitor_attach.c) ---- */

/* The ring of a queue that is published now; NULL. */
struct monitor_ring *monitor_ring_of(const struct monitor *monitor, uint16_t device,
                                     uint16_t queue);
/* The ring that a page belongs to, also when it is detached but its grant not ended yet. */
const struct monitor_page *monitor_page_of(const struct monitor *monitor, uint32_t number);
/* Copies bytes of the ring; offset counts from the first page. */
void monitor_ring_copy(const struct monitor_ring *ring, uint32_t offset, void *to, size_t length);
uint32_t monitor_ring_word(const struct monitor_ring *ring, enum simback_ring_word word);
static inline uint32_t monitor_slot_offset(const struct monitor_ring *ring, uint32_t index)
{
    return BLKIF_WIRE_RING_HEADER + (index & (ring->slots - 1)) * ring->slot_size;
}

/* A hand-over of this ring, whose backend is a real one. */
void monitor_look_live(struct simback_world *world, struct monitor_ring *ring, bool front);
/* The frontend is about to store req_prod there. */
void monitor_before_publish(struct simback_world *world, struct monitor_ring *ring);
/* Finds and attaches what the frontend of `device` has published just now. */
void monitor_attach(struct simback_world *world, uint16_t device);
void monitor_detach(struct simback_world *world, struct monitor_ring *ring);
/* The same, and its pages are no ring's any more. */
void monitor_forget(struct simback_world *world, struct monitor_ring *ring);

#endif
