/* SPDX-License-Identifier: ISC */
/*
 * The ring's four shared words and our side of their protocol: publish requests, look for
 * responses, ask for an event. What is in the slots is the business of slots.c; what to do about a
 * violation that of poll.c.
 *
 * Written in the common subset of C and C++ over shared_u32 and the functions of shared.h alone, so
 * that a model checker can put its own in their place.
 *
 * All indices run freely and wrap at 2^32; only differences are compared (I18). Our own req_prod
 * and rsp_event live here and are never read back from the shared page (I1).
 */
#ifndef BLKFRONT_SRC_RING_H
#define BLKFRONT_SRC_RING_H

#include "shared.h"

/* The beginning of the ring's first page, as in struct blkif_wire_ring_header. */
struct ring_words {
    shared_u32 req_prod;
    shared_u32 req_event;
    shared_u32 rsp_prod;
    shared_u32 rsp_event;
};

struct ring {
    struct ring_words *words;
    uint32_t entries;       /* a power of two */
    uint32_t req_prod;      /* the next request goes here */
    uint32_t req_published; /* the backend has been told up to here */
    uint32_t rsp_cons;      /* the next response is read here */
    uint32_t rsp_event;     /* as last stored */
};

/* What looking at rsp_prod gave, when it is not a count of responses. */
enum { RING_OVERFLOW = -1 };

/* The backend must not see the page yet (I11). */
static inline void ring_init(struct ring *ring, struct ring_words *words, uint32_t entries,
                             uint32_t start)
{
    ring->words = words;
    ring->entries = entries;
    ring->req_prod = start;
    ring->req_published = start;
    ring->rsp_cons = start;
    ring->rsp_event = start + 1;
    shared_store_relaxed(&words->req_prod, start);
    shared_store_relaxed(&words->req_event, start + 1);
    shared_store_relaxed(&words->rsp_prod, start);
    shared_store_relaxed(&words->rsp_event, start + 1);
}

/* How many requests still fit: a slot is free again when its response has been consumed. */
static inline uint32_t ring_room(const struct ring *ring)
{
    return ring->entries - (ring->req_prod - ring->rsp_cons);
}

/* Requests that the backend knows of and has not answered, as far as we have looked. */
static inline uint32_t ring_outstanding(const struct ring *ring)
{
    return ring->req_published - ring->rsp_cons;
}

static inline uint32_t ring_slot(const struct ring *ring, uint32_t index)
{
    return index & (ring->entries - 1);
}

/*
 * Publishes the requests up to req_prod. True if the backend asked to be notified of one of them:
 * req_event lies in (old, new] (I14). req_event is read once, after the store and a full fence
 * (I1).
 */
static inline bool ring_publish(struct ring *ring)
{
    uint32_t before = ring->req_published;
    uint32_t now = ring->req_prod;
    uint32_t event;

    if (before == now)
        return false;
    ring->req_published = now;
    shared_store_release(&ring->words->req_prod, now);
    shared_fence();
    event = shared_load_relaxed(&ring->words->req_event);
    return (uint32_t)(now - event) < (uint32_t)(now - before);
}

/*
 * Reads rsp_prod once: how many responses there are, or RING_OVERFLOW if the backend claims more
 * than are outstanding; then no slot may be read (I3).
 */
static inline int32_t ring_responses(const struct ring *ring)
{
    uint32_t produced = shared_load_acquire(&ring->words->rsp_prod);
    uint32_t count = produced - ring->rsp_cons;

    return count > ring_outstanding(ring) ? RING_OVERFLOW : (int32_t)count;
}

/* Has an event been asked for at the next response? */
static inline bool ring_is_armed(const struct ring *ring)
{
    return ring->rsp_event == ring->rsp_cons + 1;
}

/* One response has been taken. */
static inline void ring_consumed(struct ring *ring)
{
    ring->rsp_cons++;
}

/*
 * Asks for an event at the next response and looks again, since one may have come before the
 * backend could see that: the final check, without which a wake-up is lost (I14). As
 * ring_responses.
 */
static inline int32_t ring_arm(struct ring *ring)
{
    ring->rsp_event = ring->rsp_cons + 1;
    shared_store_relaxed(&ring->words->rsp_event, ring->rsp_event);
    shared_fence();
    return ring_responses(ring);
}

#endif
