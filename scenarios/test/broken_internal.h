/* SPDX-License-Identifier: ISC */
/*
 * What the two halves of the naive frontend share: its device, and the ring's calls.
 */
#ifndef TEST_BROKEN_INTERNAL_H
#define TEST_BROKEN_INTERNAL_H

#include <blkfront/blkif.h>

#include "broken.h"

enum { RING_SLOTS = 32, SLOTS = 48, SLOT_PAGES = 4, PATH_SIZE = 160 };

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
    unsigned char *ring;
    uint32_t ring_ref;
    uint32_t req_prod, rsp_cons, start;
    struct slot slots[SLOTS];
    struct blkfront_request *waiting, *waiting_last;

    unsigned own; /* our xenbus state */
    bool asked_to_disconnect;
    bool looked; /* the backend's state has been read at least once */
    enum blkfront_state state;
    int error;
    const char *detail;
    uint32_t sector_size;
    uint64_t size_512;
    bool read_only;
};

extern enum broken_fault broken_fault;
extern struct simback_world *broken_world;

/* ---- broken_ring.c ---- */

/* 0, or the platform's error. */
int ring_open(struct naive *device);
void ring_close(struct naive *device);
int ring_submit(struct naive *device, struct blkfront_request *request);
int ring_poll(struct naive *device);
/* Everything that is not answered completes so. */
void ring_end_requests(struct naive *device, int result);

/* ---- broken_subject.c ---- */

/* The backend broke the protocol. */
void naive_violated(struct naive *device, const char *detail);

#endif
