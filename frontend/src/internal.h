/* SPDX-License-Identifier: ISC */
/*
 * What the files of the frontend share: the context, the device, what a connection has agreed on,
 * and the seam between a device's life cycle (device.c and its leaves) and a queue's data path
 * (queue.c and its leaves).
 *
 * The seam. The device prepares a connection while no queue runs: it fills `agreed`, opens the
 * queues (rings, pages, ports), publishes them, and when the backend is Connected starts them. From
 * then on a queue is its poller's. To end, the device sets the queue's state word to STOPPING with
 * the result that unanswered requests get, wakes the poller and waits until the queue's own poll
 * has said STOPPED; only then it closes the queue. A connection that is lost, and to be had again,
 * ends in the same way, in two steps: PAUSING, while the backend may still answer, then KEEPING,
 * after which what is unanswered belongs to no connection. So neither side needs a lock, and queue
 * 0 is a queue like any other.
 */
#ifndef BLKFRONT_SRC_INTERNAL_H
#define BLKFRONT_SRC_INTERNAL_H

#include "names.h"

#include <blkfront/blkfront.h>
#include <blkfront/blkif.h>
#include <blkfront/platform.h>

/* One block of granted pages that the backend would not let go (I5). The record is made together
 * with the block, so that keeping it never needs memory. */
struct grant_block;

struct blkfront {
    const struct blkfront_platform *platform;
    struct blkfront_device *devices;
    struct grant_block *quarantine; /* of devices that are gone; retried by poll and connect */
    char detail[512];
    char list[4096];  /* a directory as XenStore gives it: the longest there can be */
    char value[1024]; /* a node's value: longer ones mean nothing to us */
};

/* What one connection has settled. The device writes it while no queue runs; the members marked
 * live may change later, by atomic store (a resize, a disk that turns read-only), and are read
 * atomically. */
struct agreed {
    /* transport: settled before publishing */
    uint16_t backend_id;
    enum blkfront_abi abi;
    uint32_t queue_count;
    uint32_t ring_order;
    uint32_t segments; /* of one ring request; live: 11 when indirect ones turn out not to work */
    bool persistent;   /* we advertised feature-persistent: every data grant is writable */
    bool trusted;      /* trusted=0: everything is bounced through zeroed pages (I6) */
    /* device: settled when the backend is Connected */
    uint32_t sector_size;          /* live */
    uint32_t physical_sector_size; /* live */
    uint64_t size_512;             /* live */
    uint64_t geometry;             /* live: both in one word, as agreed_geometry makes it */
    bool read_only;                /* live */
    bool flush;                    /* live: FLUSH_DISKCACHE is there */
    bool barrier;                  /* live: WRITE_BARRIER is there */
    bool flush_offered; /* one of both was there at Connected: no drain instead of them (I8) */
    bool keeps_grants;  /* both advertised feature-persistent: pages stay granted after their use */
    bool discard;       /* live */
    bool discard_secure;          /* live */
    uint32_t discard_granularity; /* live; never 0 */
    uint32_t discard_alignment;   /* live */
    uint32_t info;                /* live: bits of blkif_wire_info as read */
    bool floppy;                  /* the toolstack's device-type says so */
};

/* Size and sector size that belong together, for whoever reads both. */
enum { AGREED_SIZE_BITS = 56 };

static inline uint64_t agreed_geometry(uint64_t size_512, uint32_t sector_size)
{
    return (uint64_t)(sector_size / BLKIF_WIRE_UNIT) << AGREED_SIZE_BITS | size_512;
}

/* The device sets OPEN to PAUSING, KEEPING and STOPPING; the queue's poll answers PAUSING by
 * PAUSED, KEEPING by KEPT, STOPPING by STOPPED. */
enum queue_state {
    QUEUE_CLOSED,   /* nothing shared, and no connection to come */
    QUEUE_HELD,     /* nothing shared; requests wait for the next connection */
    QUEUE_OPEN,     /* ring, pages and port are there; no request goes out (I11) */
    QUEUE_RUNNING,  /* the backend is Connected */
    QUEUE_SHARING,  /* the connection has fewer rings: requests go to another queue's */
    QUEUE_PAUSING,  /* no request is to go out any more */
    QUEUE_PAUSED,   /* none does; responses are still taken */
    QUEUE_KEEPING,  /* a last look at the ring is to be taken; the rest is kept */
    QUEUE_KEPT,     /* ring and pages are touched no more; requests wait as in HELD */
    QUEUE_STOPPING, /* everything is to be completed with stop_result */
    QUEUE_STOPPED   /* ring and pages are touched no more, no request is left */
};

/* ---- queue.c: one ring with its slots, pages, port and waiting requests ---- */

/* Allocates the array of options.queues queues with slots and page records for the options' maxima:
 * the last allocation of a device's life. NO_MEMORY leaves nothing. */
int queues_create(struct blkfront_device *device);
void queues_destroy(struct blkfront_device *device);
/* Each of options.queues, whether usable or not; NULL: there is none. */
struct blkfront_queue *queue_at(const struct blkfront_device *device, uint32_t index);

/* Of queue_open: pages or grants have run out, of which a smaller ring needs fewer and others may
 * give some back. */
enum { QUEUE_SHORT = 1 };

/* Shares ring and pages, opens channel set and port, initialises the ring (I11: before publishing).
 * Uses device->agreed. 0, QUEUE_SHORT or NO_MEMORY: then nothing is left but the channel set, for
 * the next try. */
int queue_open(struct blkfront_queue *queue);
/* What is to be published. */
uint32_t queue_port(const struct blkfront_queue *queue);
const uint32_t *queue_ring_refs(const struct blkfront_queue *queue, uint32_t *count);
/* The backend is Connected: requests may go out; puts waiting ones on the ring. Any thread (the
 * device's). */
void queue_start(struct blkfront_queue *queue);
/* This connection has no ring for the queue, which was HELD: its requests go to queue `target`,
 * whose poll completes them. */
void queue_share(struct blkfront_queue *queue, uint32_t target);
/* PAUSING, if it was RUNNING, and a wake. */
void queue_pause(struct blkfront_queue *queue);
/* KEEPING, if there is anything to keep or to end, and a wake. */
void queue_keep(struct blkfront_queue *queue);
/* STOPPING with the result for what is unanswered or waiting, and a wake: once in a queue's life.
 * Unless the queue was CLOSED its poll will answer STOPPED. */
void queue_stop(struct blkfront_queue *queue, int result);
/* A queue that the caller never asked for has no poller: the device is it. */
void queue_poll_unused(struct blkfront_queue *queue);
enum queue_state queue_get_state(const struct blkfront_queue *queue);
/* After STOPPED or KEPT: closes the port, ends the grants; the queue is CLOSED or HELD then. What
 * is BUSY stays with the queue and is tried again: 0 when all is gone, BLKFRONT_PLATFORM_BUSY while
 * not. */
int queue_close(struct blkfront_queue *queue);
/* The device has ended: nobody waits for this queue any more. */
void queue_end(struct blkfront_queue *queue);
/* Hands what queue_close could not end to the context's quarantine. */
void queue_quarantine(struct blkfront_queue *queue);
/* A protocol violation that the queue's poll found; NULL if none. The device's poll looks at it
 * (the queue calls channels/watch wake by itself: see device_wake) and fails the device. */
const char *queue_violation(const struct blkfront_queue *queue);
void queue_add_statistics(const struct blkfront_queue *queue, struct blkfront_statistics *sum);

/* ---- memory.c: library and registered memory ---- */

/* Ends what destroyed memory objects still wait for; called by the device's poll. */
void memories_poll(struct blkfront_device *device);
/* A resume has made references void that memory cannot get anew: it is copied from now on. */
void memories_void(struct blkfront_device *device);
/* The device is gone: library memory that is left is freed or quarantined. */
void memories_close(struct blkfront_device *device);

/* ---- shortage.c: grants that run short ---- */

/* A part of the device's poll: what queues want of it. */
void shortage_poll_device(struct blkfront_device *device);
/* The context's other devices end what they keep and need not; false where there are none that
 * could. */
bool shortage_tell_devices(struct blkfront_device *device);

/* ---- grants.c ---- */

/* Tries to end quarantined blocks; returns how many pages are left. */
size_t quarantine_retry(struct blkfront *context);
/* The context goes: frees the records; the pages stay with the platform. */
void quarantine_forget(struct blkfront *context);

/* ---- device.c ---- */

struct blkfront_device {
    struct blkfront *context;
    struct blkfront_device *next;
    uint32_t references; /* 0: the last one is being released */
    uint32_t vdev;
    struct blkfront_options options;
    struct agreed agreed;
    uint64_t connection;           /* counts them, from 1 */
    uint32_t usable_queues;        /* most rings of any connection; 0 before the first; atomic */
    struct blkfront_queue *queues; /* options.queues of them */
    uint64_t next_sequence;        /* of the next request, whatever its queue; atomic if many */
    uint32_t handed_over;          /* requests, from a queue to another one; atomic */
    uint32_t taken_over;           /* by the other one; atomic */
    struct blkfront_memory *memories;
    struct device_life
        *life; /* device.c's and its leaves' alone: states, watches, paths, deadlines */
    enum blkfront_state state;
    int error;
    char detail[256];
};

/* Then nothing of it has to be told to others, and what queues share needs no lock. */
static inline bool device_has_one_queue(const struct blkfront_device *device)
{
    return device->options.queues == 1;
}

/* A queue's poll has found a violation or has stopped: makes the device's poll due (platform
 * watches_wake; from any thread). */
void device_wake(struct blkfront_device *device);
/* True if requests may be taken: CONNECTED (or RECOVERING, where they wait). */
bool device_takes_requests(const struct blkfront_device *device);

#endif
