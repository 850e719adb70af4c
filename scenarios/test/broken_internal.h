/* SPDX-License-Identifier: ISC */
/*
 * What the parts of the naive frontend share: its device, and what they call of each other.
 */
#ifndef TEST_BROKEN_INTERNAL_H
#define TEST_BROKEN_INTERNAL_H

#include <blkfront/blkif.h>

#include "broken.h"

enum { RING_SLOTS = 32, SLOTS = 48, SLOT_PAGES = BLKIF_WIRE_SEGMENTS, PATH_SIZE = 160 };

/* One request on the ring; its number is the wire's id. */
struct slot {
    struct blkfront_request *request; /* NULL: free */
    void *data;                       /* SLOT_PAGES pages */
    uint32_t refs[SLOT_PAGES];
    uint32_t pages; /* of them granted */
    uint8_t op;
    bool stuck; /* the backend would not let go: never used again */
};

struct naive {
    const struct blkfront_platform *platform;
    struct naive_context *context;
    uint32_t holds;
    uint32_t vdev;
    uint16_t back_id;
    char front[PATH_SIZE], back[PATH_SIZE];

    struct blkfront_watch_set *watches;
    struct blkfront_channel_set *channels;
    uint32_t port;
    blkfront_transaction transaction; /* in which nodes are written; 0: none */
    bool write_failed;                /* one of them could not be */
    unsigned char *ring;
    uint32_t ring_ref;
    uint32_t req_prod, rsp_cons, start;
    struct slot slots[SLOTS];
    struct blkfront_request *waiting, *waiting_last;

    unsigned own, other; /* the xenbus states, as far as they are known */
    bool looked;         /* at the backend's, at least once */
    bool asked_to_disconnect;
    uint64_t disconnect_ns, deadline_ns;
    enum blkfront_state state;
    int error;
    const char *detail;
    uint64_t size_512;
    uint32_t sector_size;
    uint64_t info; /* the backend's node */
    bool flush_offered, flush_off, flush_worked;
    bool drains; /* no means was offered: to flush is to wait for what is in flight */
};

extern enum broken_fault broken_fault;
extern struct simback_world *broken_world;

/* ---- broken_ring.c ---- */

/* 0, or the platform's error; what is there is closed in both cases. */
int ring_open(struct naive *device);
void ring_close(struct naive *device);
int ring_submit(struct naive *device, struct blkfront_request *request);
int ring_poll(struct naive *device);
/* Everything that is not answered completes so. */
void ring_end_requests(struct naive *device, int result);

/* ---- broken_backend.c ---- */

/* Once a run, before anything else. */
void backend_prepare(void);
/* A response that nobody asked for, a millisecond from now. */
void backend_will_lie(void);

/* ---- broken_life.c ---- */

/* False: there is no such device. */
bool life_find(struct naive *device);
/* 0 or BLKFRONT_STORE. */
int life_watch(struct naive *device);
/* True: poll again. */
bool life_poll(struct naive *device);
void life_disconnect(struct naive *device);
/* At once, whatever the backend does. */
void life_cut_off(struct naive *device);
/* The backend broke the protocol. */
void life_violated(struct naive *device, const char *detail);

static inline bool life_is_over(const struct naive *device)
{
    return device->state == BLKFRONT_CLOSED || device->state == BLKFRONT_FAILED;
}

#endif
