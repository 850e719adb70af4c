/* SPDX-License-Identifier: ISC */
/*
 * A device with its queues and nothing else, for tests of the data path: the test plays the
 * device's life cycle and, by hand, the backend on the ring. rig_serve is a backend that does as it
 * should, over a small disk in memory.
 */
#ifndef BLKFRONT_TEST_RIG_H
#define BLKFRONT_TEST_RIG_H

#include "fake_platform.h"
#include "queue.h"

#include <blkfront/observe.h>

enum { RIG_UNITS = 4096, RIG_DOMID = 3, RIG_VDEV = 51712, RIG_QUEUES = 4 };

struct rig {
    struct fake_platform fake;
    struct blkfront context;
    struct blkfront_device device;
    struct blkfront_queue *queue; /* the first */
    bool takes;                   /* what device_takes_requests says */
    unsigned device_wakes;
    /* the backend: its own place on each ring, and the ring that it looks at */
    uint32_t ring;
    uint32_t req_cons[RIG_QUEUES];
    uint32_t rsp_prod[RIG_QUEUES];
    unsigned char disk[RIG_UNITS * 512];
    unsigned served;
    unsigned faults; /* grants that the backend could not use as it should, and the like */
};

/* A request as the backend sees it. */
struct rig_request {
    uint8_t operation;
    uint8_t inner; /* indirect; else the operation */
    uint16_t segment_count;
    uint64_t id;
    uint64_t sector_512;
    uint64_t count_512; /* discard */
    uint8_t flag;
    struct blkif_wire_segment segments[BLKIF_WIRE_SEGMENTS]; /* direct */
    uint32_t page_refs[BLKIF_WIRE_INDIRECT_PAGES];           /* indirect */
    unsigned char raw[WIRE_SLOT_MAX];
};

/* A request of the caller that remembers how it ended. */
struct rig_call {
    struct blkfront_request request;
    int completions;
    int result;
    int order; /* as the how-manieth of all */
    void (*then)(struct rig_call *call);
    void *data;
};

extern void (*rig_observer)(const volatile void *address, size_t size, enum blkfront_access access);

/* Options may be changed between init and open. */
void rig_init(struct rig *rig, bool any_page);
/* Creates, opens and starts all queues; 0 or an error, after which nothing is left. */
int rig_open(struct rig *rig);
/* The connection is lost and recovered from: all queues are paused, then HELD. Blocks that are BUSY
 * go into the quarantine. */
void rig_lose(struct rig *rig);
/* The next connection: the first `rings` queues have one, the others share them. */
void rig_reconnect(struct rig *rig, uint32_t rings);
/* Stops, polls until STOPPED, closes and destroys; the fake must be empty afterwards. */
void rig_close(struct rig *rig, int result);
/* Everything back, blocks that are BUSY into the quarantine. */
void rig_cut(struct rig *rig, int result);
/* 0 if nothing is left and the frontend made no mistake. */
long rig_left(const struct rig *rig);

struct rig_call rig_call(enum blkfront_operation operation, uint64_t sector,
                         const struct blkfront_buffer *buffers, size_t count);
int rig_submit(struct rig *rig, struct rig_call *call);
int rig_submit_to(struct rig *rig, uint32_t queue, struct rig_call *call);
/* Polls until there is no more to do at once; bounded. */
void rig_poll(struct rig *rig);
/* The same for all queues. */
void rig_poll_all(struct rig *rig);

struct ring_words *rig_words(const struct rig *rig, uint32_t queue);
unsigned rig_waiting_requests(const struct rig *rig);
/* The next published request; false if there is none. */
bool rig_take(struct rig *rig, struct rig_request *request);
/* The same; if there is none, that is a fault. */
struct rig_request rig_next(struct rig *rig);
/* The index-th segment, from wherever it is. */
struct blkif_wire_segment rig_segment(struct rig *rig, const struct rig_request *request,
                                      uint32_t index);
/* Writes a response and publishes it. */
void rig_respond(struct rig *rig, uint64_t id, uint8_t operation, int16_t status);
void rig_event(struct rig *rig);
/* Does what the request says with the rig's disk. */
void rig_execute(struct rig *rig, const struct rig_request *request);
/* Does it, answers OKAY, and the queue is polled. */
void rig_answer(struct rig *rig, const struct rig_request *request);
/* A request of the caller from begin to end, as one ring request, which is given; anything else is
 * a fault. */
struct rig_request rig_run(struct rig *rig, enum blkfront_operation operation, uint64_t sector,
                           const struct blkfront_buffer *buffers, size_t count);
/* Takes, executes and answers everything that is published; raises an event. Returns how many. */
unsigned rig_serve(struct rig *rig);
/* The same for one queue, without an event; by that queue's thread. */
unsigned rig_serve_queue(struct rig *rig, uint32_t queue);
/* Serves and polls until nothing moves any more. */
void rig_settle(struct rig *rig);

struct blkfront_statistics rig_statistics(const struct rig *rig);

#endif
