/* SPDX-License-Identifier: ISC */
/*
 * Request slots: our private half of each ring request, found again by the id that goes over the
 * wire. An id is a slot number plus the slot's generation, never a pointer, so that whatever comes
 * back is either a request in flight or refused (I2). What a slot's segments hold is transfer.c's
 * business.
 */
#ifndef BLKFRONT_SRC_SLOTS_H
#define BLKFRONT_SRC_SLOTS_H

#include "names.h"
#include "wire.h"

struct grant_block;

/* One piece of a ring request's data: units first..last, both included, of a page that was granted
 * for it. */
struct slot_segment {
    struct grant_block *block;
    uint32_t record; /* of the block */
    uint8_t first_512;
    uint8_t last_512;
    bool bounced; /* the block is a pool: the bytes are packed from the page's start */
};

enum slot_state {
    SLOT_FREE,
    SLOT_IN_FLIGHT,
    SLOT_ABANDONED /* its request has been completed without a response: pages are still held */
};

struct slot {
    struct blkfront_request *request; /* NULL when abandoned */
    struct slot_segment *segments;    /* `own`, or an array of slots_lengthen */
    struct slot_segment *own;         /* room for a direct request */
    uint32_t generation;
    uint32_t next_free;
    uint32_t segment_count;
    uint8_t state; /* enum slot_state */
    uint8_t operation;
    uint8_t inner;
    uint8_t indirect_count;
    bool bounced;      /* some of its segments are: their bytes are to be copied */
    uint32_t put_here; /* number of the slot that the ring's entry of this number got last */
    uint32_t indirect[BLKIF_WIRE_INDIRECT_PAGES]; /* records of the pool that they came from */
    size_t buffer_index; /* where in the caller's buffers its data begins */
    size_t buffer_offset;
    uint64_t first_512; /* what it reads, writes or discards */
    uint64_t bytes;
};

struct slots {
    struct slot *slots;
    uint32_t count;
    uint32_t free; /* the first of the free list */
    uint32_t used;
    struct slot_segment *long_segments; /* arrays for indirect requests, fewer than slots */
    uint32_t long_each;                 /* segments of one */
    uint32_t long_count;
    uint32_t *long_free; /* a stack of their numbers */
    uint32_t long_free_count;
};

/* `segments` is room for count * segments_each; count is not 0. */
void slots_init(struct slots *slots, struct slot *memory, uint32_t count,
                struct slot_segment *segments, uint32_t segments_each);
/* Room for `count` indirect requests of at most `each` segments: `segments` for count * each,
 * `free` for count. */
void slots_init_long(struct slots *slots, struct slot_segment *segments, uint32_t each,
                     uint32_t *free, uint32_t count);
/* A slot IN_FLIGHT with no segments; NULL when all are used. */
struct slot *slots_take(struct slots *slots);
/* More room for its segments, which it keeps. False if there is none at the moment. */
bool slots_lengthen(struct slots *slots, struct slot *slot);
/* Its id is never in flight again until the generation wraps. */
void slots_release(struct slots *slots, struct slot *slot);
uint64_t slots_id(const struct slots *slots, const struct slot *slot);
/* Its request goes into this entry of the ring. */
void slots_put(struct slots *slots, const struct slot *slot, uint32_t entry);
/* Whose answer comes in this entry if the backend keeps the order; NULL: nobody's any more. */
const struct slot *slots_guess(const struct slots *slots, uint32_t entry);

/*
 * The slot that a response answers, or NULL and the reason why there is none. *tolerated: it
 * answers an indirect request with 6 instead of the inner operation.
 */
struct slot *slots_match(const struct slots *slots, const struct wire_response *response,
                         bool *tolerated, const char **reason);

/* True if the free list, the states and the long arrays agree. */
bool slots_check(const struct slots *slots);

#endif
