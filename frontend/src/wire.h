/* SPDX-License-Identifier: ISC */
/*
 * Between our view of a ring request and the bytes of its slot, for both ABIs by one table of
 * offsets. Works on private memory only: who moves the bytes from and to the ring is queue.c.
 */
#ifndef BLKFRONT_SRC_WIRE_H
#define BLKFRONT_SRC_WIRE_H

#include "names.h"

#include <blkfront/blkfront.h>
#include <blkfront/blkif.h>

enum {
    WIRE_SLOT_MAX = BLKIF_WIRE_SLOT_64,
    WIRE_RESPONSE_BYTES = 12, /* the part of a response that means something, in both ABIs */
    WIRE_SLOTS_PER_PAGE = 32  /* in both ABIs; doubled with each ring order */
};

/* Where the fields of a slot lie. Operation and its companion byte are at 0 and 1 in all. */
struct wire_layout {
    uint8_t slot_size;
    uint8_t id;
    uint8_t sector;
    uint8_t segments;
    uint8_t discard_count;
    uint8_t indirect_handle;
    uint8_t indirect_refs;
};

/* A request in our words; what its operation does not use is ignored. */
struct wire_request {
    enum blkif_wire_op operation;
    enum blkif_wire_op inner; /* INDIRECT: what is done */
    uint16_t handle;
    uint64_t id;
    uint64_t sector_512;
    uint64_t count_512;     /* DISCARD */
    uint8_t discard_flag;   /* DISCARD */
    uint16_t segment_count; /* of data requests and INDIRECT */
    const struct blkif_wire_segment *segments;
    const uint32_t *page_refs; /* INDIRECT: (segment_count + 511) / 512 of them */
};

struct wire_response {
    uint64_t id;
    uint8_t operation;
    int16_t status;
};

const struct wire_layout *wire_layout_of(enum blkfront_abi abi);
/* Fills the whole slot: what means nothing is zero (I6). */
void wire_encode(const struct wire_layout *layout, const struct wire_request *request,
                 unsigned char slot[WIRE_SLOT_MAX]);
void wire_decode(const unsigned char bytes[WIRE_RESPONSE_BYTES], struct wire_response *response);

#endif
