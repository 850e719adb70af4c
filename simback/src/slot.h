/* SPDX-License-Identifier: ISC */
/*
 * A request and a response between the bytes of a slot and what they mean, in both ABIs. It works
 * on private copies alone and judges nothing.
 */
#ifndef SIMBACK_SRC_SLOT_H
#define SIMBACK_SRC_SLOT_H

#include <blkfront/blkif.h>

#include <stddef.h>
#include <stdint.h>

enum slot_abi { SLOT_ABI_64, SLOT_ABI_32 };

/* SLOT_HEAD: of either ABI the bytes before the second segment, and all of a discard. */
enum {
    SLOT_MAX = BLKIF_WIRE_SLOT_64,
    SLOT_HEAD = 32,
    SLOT_RESPONSE_MAX = sizeof(struct blkif_wire_response_64)
};

/* What is done to a request on purpose while it is carried out (harm.c). */
enum slot_harm {
    HARM_NONE,
    HARM_TWICE,   /* answered a second time */
    HARM_SPOILT,  /* a byte of its data is changed */
    HARM_TORN,    /* of a write: only the first half of its sectors is written */
    HARM_ASTRAY,  /* of a write: lands in other sectors */
    HARM_LOST,    /* of a write: nothing is written */
    HARM_SHORT,   /* of a read: only the first half of its segments is filled */
    HARM_UNMAPPED /* its pages cannot be mapped */
};

struct slot_request {
    uint8_t operation; /* as in the slot */
    uint8_t inner;     /* the operation that an INDIRECT one wraps; otherwise the same */
    uint8_t flag;      /* of a discard */
    uint16_t handle;
    uint16_t segment_count; /* as said: not yet checked */
    uint64_t id;
    uint64_t sector_512;
    uint64_t count_512; /* of a discard */
    union {
        struct blkif_wire_segment segments[BLKIF_WIRE_SEGMENTS];
        uint32_t page_refs[BLKIF_WIRE_INDIRECT_PAGES]; /* of INDIRECT */
    } data;
    /* Not of the slot: what a fault rule makes of it. */
    enum slot_harm harm;
    uint64_t offset_512; /* of what goes astray */
};

/* Bytes of a slot, which is also the distance between two. */
uint32_t slot_size(enum slot_abi abi);
/* How many bytes of a slot say something, by its first SLOT_HEAD ones; so many at least. */
uint32_t slot_length(enum slot_abi abi, const uint8_t *head);
/* Looks at no others. */
void slot_decode(enum slot_abi abi, const uint8_t *slot, struct slot_request *request);
/* Padding is zero (I19, XSA-216). Returns the length. */
size_t slot_encode_response(enum slot_abi abi, uint64_t id, uint8_t operation, int16_t status,
                            uint8_t bytes[SLOT_RESPONSE_MAX]);

#endif
