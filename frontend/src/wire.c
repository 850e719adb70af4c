/* SPDX-License-Identifier: ISC */
/*
 * Encoding and decoding of slots by a table of offsets. The table is taken from blkif.h's structs,
 * so that their static assertions and the test against Xen's own headers hold for it too.
 */
#include "wire.h"

#include <string.h>

#define LAYOUT(bits)                                                                               \
    {                                                                                              \
        .slot_size = BLKIF_WIRE_SLOT_##bits, .id = offsetof(struct blkif_wire_request_##bits, id), \
        .sector = offsetof(struct blkif_wire_request_##bits, sector_512),                          \
        .segments = offsetof(struct blkif_wire_request_##bits, segments),                          \
        .discard_count = offsetof(struct blkif_wire_discard_##bits, count_512),                    \
        .indirect_handle = offsetof(struct blkif_wire_indirect_##bits, handle),                    \
        .indirect_refs = offsetof(struct blkif_wire_indirect_##bits, page_grant_refs)              \
    }

static const struct wire_layout layout_64 = LAYOUT(64);
static const struct wire_layout layout_32 = LAYOUT(32);

const struct wire_layout *wire_layout_of(enum blkfront_abi abi)
{
    return abi == BLKFRONT_ABI_32 ? &layout_32 : &layout_64;
}

static void encode_indirect(const struct wire_layout *layout, const struct wire_request *request,
                            unsigned char *slot)
{
    size_t pages = ((size_t)request->segment_count + BLKIF_WIRE_SEGMENTS_PER_PAGE - 1) /
                   BLKIF_WIRE_SEGMENTS_PER_PAGE;

    slot[1] = (unsigned char)request->inner;
    memcpy(slot + 2, &request->segment_count, 2);
    memcpy(slot + layout->indirect_handle, &request->handle, 2);
    memcpy(slot + layout->indirect_refs, request->page_refs, pages * 4);
}

void wire_encode(const struct wire_layout *layout, const struct wire_request *request,
                 unsigned char slot[WIRE_SLOT_MAX])
{
    memset(slot, 0, WIRE_SLOT_MAX);
    slot[0] = (unsigned char)request->operation;
    memcpy(slot + layout->id, &request->id, 8);
    memcpy(slot + layout->sector, &request->sector_512, 8);
    if (request->operation == BLKIF_WIRE_INDIRECT) {
        encode_indirect(layout, request, slot);
        return;
    }
    memcpy(slot + 2, &request->handle, 2);
    if (request->operation == BLKIF_WIRE_DISCARD) {
        slot[1] = request->discard_flag;
        memcpy(slot + layout->discard_count, &request->count_512, 8);
    } else if (request->segment_count > 0) {
        slot[1] = (unsigned char)request->segment_count;
        memcpy(slot + layout->segments, request->segments,
               request->segment_count * sizeof(struct blkif_wire_segment));
    }
}

void wire_decode(const unsigned char bytes[WIRE_RESPONSE_BYTES], struct wire_response *response)
{
    memcpy(&response->id, bytes, 8);
    response->operation = bytes[offsetof(struct blkif_wire_response_64, operation)];
    memcpy(&response->status, bytes + offsetof(struct blkif_wire_response_64, status), 2);
}

BLKIF_STATIC_ASSERT(offsetof(struct blkif_wire_response_64, operation) ==
                        offsetof(struct blkif_wire_response_32, operation),
                    "responses of both ABIs begin alike");
BLKIF_STATIC_ASSERT(offsetof(struct blkif_wire_response_64, status) ==
                        offsetof(struct blkif_wire_response_32, status),
                    "responses of both ABIs begin alike");
