/* SPDX-License-Identifier: ISC */
/*
 * What the files of the mirror share:
 *
 *   mirror.c        a play: the world, the moves and which of them is next
 *   mirror_host.c   the backend's host, watched: grants against a ledger of our own, pages that are
 *                   not mapped out of reach, loads counted and struck
 *   mirror_front.c  the frontend's half of a connection: grants, ports, nodes, states
 *   mirror_ring.c   requests, and what the backend makes of them
 */
#ifndef MIRROR_INTERNAL_H
#define MIRROR_INTERNAL_H

#include <blkfront/blkif.h>
#include <simback/backend.h>
#include <simback/event.h>
#include <simback/xen.h>

#include "mirror.h"

enum {
    MIRROR_VDEV = 51712, /* as the backend has it */
    MIRROR_QUEUES = 2,
    MIRROR_RING_PAGES = 4, /* of a queue, at most */
    MIRROR_SLOTS = 128,    /* in so many pages */
    MIRROR_RINGS = MIRROR_QUEUES * MIRROR_RING_PAGES,
    /* The frontend's pages: those of rings, of data (the last of them for indirect segments), and
     * some that the backend may only read. */
    MIRROR_DATA = MIRROR_RINGS,
    MIRROR_DATA_PAGES = 11,
    MIRROR_INDIRECT = MIRROR_DATA + MIRROR_DATA_PAGES,
    MIRROR_READ_ONLY = MIRROR_INDIRECT + 1,
    MIRROR_PAGES = MIRROR_READ_ONLY + 2,
    MIRROR_WORDS = BLKIF_WIRE_PAGE_SIZE / 4,
    MIRROR_DISK_512 = 128,
    MIRROR_PATH = 128
};

struct mirror_page {
    uint32_t ref;
    bool granted, writable;
    uint32_t maps, writable_maps; /* by the backend, now */
    /* Words that were loaded under this number must not be loaded again. */
    uint32_t pass;
    uint32_t loaded[MIRROR_WORDS];
};

enum mirror_expect { EXPECT_ANY, EXPECT_OKAY, EXPECT_ERROR };

struct mirror_request {
    uint64_t id;
    uint8_t op, inner;
    enum mirror_expect expect;
    bool out; /* not answered yet */
};

struct mirror;

struct mirror_queue {
    struct mirror *mirror;
    uint16_t index;
    simback_actor actor;
    struct blkfront_channel_set *channels;
    uint32_t port;
    bool port_open;
    uint32_t page_count, size, slot_size;
    uint32_t req_prod, published, rsp_cons;
    struct mirror_request requests[MIRROR_SLOTS];
    int16_t status; /* of the last response */
    /* What can be judged no more: nothing, as we wrote over indices; ids, as we wrote over slots
     * (until all is answered); that it is answered, as the backend may have given up. */
    bool blind, loose, may_die;
};

struct mirror {
    struct mirror_result *result;
    const uint8_t *bytes;
    size_t size, at;
    bool over; /* the bytes have run out, or the device cannot be used any more */

    struct simback_world *world;
    struct simback_backend *backend;
    struct simback_backend_options options;
    const struct simback_host *inner;
    struct simback_host host;
    simback_actor store_actor;

    const struct blkfront_platform *platform;
    uint8_t *memory; /* MIRROR_PAGES */
    struct mirror_page pages[MIRROR_PAGES];
    uint32_t passes;
    bool acts;         /* the backend does, and reaches only what it has mapped */
    bool rests;        /* the backend had nothing to do any more when it ran last */
    bool guards;       /* pages are put out of reach, which costs most of the time of a play */
    bool rest_is_kept; /* out of reach, all pages but those of rings */
    uint32_t strike;   /* so many loads from now on we change something; 0: never */
    bool fair;         /* connected as it should be, and nothing was done to that since */
    bool used;         /* a state has been written */
    bool may_leave;    /* and what stood there says that there is no frontend */
    bool abi_32, persistent, read_only;
    uint16_t queue_count;
    uint8_t order;
    uint64_t next_id;
    struct mirror_queue queues[MIRROR_QUEUES];
    uint8_t before[MIRROR_DISK_512 * BLKIF_WIRE_UNIT], after[MIRROR_DISK_512 * BLKIF_WIRE_UNIT];
};

/* ---- mirror.c ---- */

/* 0 .. bound-1 from the bytes; 0 when they have run out. */
uint32_t mirror_draw(struct mirror *mirror, uint32_t bound);
uint64_t mirror_draw_64(struct mirror *mirror);
/* Keeps the first thing that is wrong. */
void mirror_wrong(struct mirror *mirror, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* The backend, until it has nothing to do. */
void mirror_run(struct mirror *mirror);

/* ---- mirror_host.c ---- */

/* The host that the backend gets: the simulated Xen's, watched. */
void mirror_watch_host(struct mirror *mirror);
/* The backend runs, in steps; one of them. */
void mirror_host_begin(struct mirror *mirror);
void mirror_host_end(struct mirror *mirror);
void mirror_host_enter(struct mirror *mirror);
void mirror_host_leave(struct mirror *mirror);
uint32_t mirror_mapped(const struct mirror *mirror);

/* ---- mirror_front.c ---- */

void mirror_write(struct mirror *mirror, const char *node, const void *value, size_t length);
/* The backend's state node; 0 when there is none. */
unsigned mirror_back_state(struct mirror *mirror);
/* Closes what there is and connects as one should. */
void mirror_connect(struct mirror *mirror);
/* 5, 6: the backend must let go of everything. */
void mirror_close(struct mirror *mirror);
void mirror_grant(struct mirror *mirror, uint32_t page, bool writable);
void mirror_revoke(struct mirror *mirror, uint32_t page);
void mirror_any_node(struct mirror *mirror);
void mirror_any_state(struct mirror *mirror);
void mirror_any_port(struct mirror *mirror);

/* ---- mirror_ring.c ---- */

void mirror_begin_ring(struct mirror_queue *queue);
/* One request alone, of any kind, with what it does to the disk and to our pages. */
void mirror_judge_one(struct mirror *mirror);
/* Many at once, which may be anything. */
void mirror_burst(struct mirror *mirror);
/* All that is answered. */
void mirror_take(struct mirror *mirror);
/* Between two loads of the backend: one more request, or what comes next. */
void mirror_strike(struct mirror *mirror);
/* What is asked of the backend now, it is told by events alone. */
bool mirror_waits_for_events(const struct mirror *mirror);
/* Changes memory or grants, at any moment. */
void mirror_tamper(struct mirror *mirror);

#endif
