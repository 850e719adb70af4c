/* SPDX-License-Identifier: ISC */
/*
 * Decodes the three forms of a request and encodes a response, for the 64-bit and the 32-bit ABI.
 * Whether what a request says makes sense is execute.c's business.
 */
#include "slot.h"

#include <string.h>

uint32_t slot_size(enum slot_abi abi)
{
    return abi == SLOT_ABI_32 ? BLKIF_WIRE_SLOT_32 : BLKIF_WIRE_SLOT_64;
}

static size_t segments_offset(enum slot_abi abi)
{
    return abi == SLOT_ABI_32 ? offsetof(struct blkif_wire_request_32, segments)
                              : offsetof(struct blkif_wire_request_64, segments);
}

/* Of a direct request only so many segments are there as it says, if there can be so many. */
uint32_t slot_length(enum slot_abi abi, const uint8_t *head)
{
    const uint32_t count = head[1];
    size_t length;

    if (head[0] == BLKIF_WIRE_DISCARD)
        return SLOT_HEAD;
    if (head[0] > BLKIF_WIRE_FLUSH_DISKCACHE || count > BLKIF_WIRE_SEGMENTS)
        return slot_size(abi);
    length = segments_offset(abi) + count * sizeof(struct blkif_wire_segment);
    return length < SLOT_HEAD ? SLOT_HEAD : (uint32_t)length;
}

static void decode_segments(enum slot_abi abi, const uint8_t *slot, struct slot_request *request)
{
    const uint32_t count = slot[1];

    request->segment_count = (uint16_t)count;
    memcpy(request->data.segments, slot + segments_offset(abi),
           (count < BLKIF_WIRE_SEGMENTS ? count : BLKIF_WIRE_SEGMENTS) *
               sizeof(request->data.segments[0]));
}

static void decode_64(const uint8_t *slot, struct slot_request *request)
{
    struct blkif_wire_request_64 direct;

    memcpy(&direct, slot, SLOT_HEAD);
    request->inner = direct.operation;
    request->handle = direct.handle;
    request->id = direct.id;
    request->sector_512 = direct.sector_512;
    if (direct.operation == BLKIF_WIRE_INDIRECT) {
        struct blkif_wire_indirect_64 indirect;

        memcpy(&indirect, slot, sizeof(indirect));
        request->inner = indirect.indirect_operation;
        request->handle = indirect.handle;
        request->segment_count = indirect.segment_count;
        memcpy(request->data.page_refs, indirect.page_grant_refs, sizeof(request->data.page_refs));
    } else if (direct.operation == BLKIF_WIRE_DISCARD) {
        struct blkif_wire_discard_64 discard;

        memcpy(&discard, slot, sizeof(discard));
        request->flag = discard.flag;
        request->count_512 = discard.count_512;
    } else {
        decode_segments(SLOT_ABI_64, slot, request);
    }
}

static void decode_32(const uint8_t *slot, struct slot_request *request)
{
    struct blkif_wire_request_32 direct;

    memcpy(&direct, slot, SLOT_HEAD);
    request->inner = direct.operation;
    request->handle = direct.handle;
    request->id = direct.id;
    request->sector_512 = direct.sector_512;
    if (direct.operation == BLKIF_WIRE_INDIRECT) {
        struct blkif_wire_indirect_32 indirect;

        memcpy(&indirect, slot, sizeof(indirect));
        request->inner = indirect.indirect_operation;
        request->handle = indirect.handle;
        request->segment_count = indirect.segment_count;
        memcpy(request->data.page_refs, indirect.page_grant_refs, sizeof(request->data.page_refs));
    } else if (direct.operation == BLKIF_WIRE_DISCARD) {
        struct blkif_wire_discard_32 discard;

        memcpy(&discard, slot, sizeof(discard));
        request->flag = discard.flag;
        request->count_512 = discard.count_512;
    } else {
        decode_segments(SLOT_ABI_32, slot, request);
    }
}

void slot_decode(enum slot_abi abi, const uint8_t *slot, struct slot_request *request)
{
    request->operation = slot[0];
    request->flag = 0;
    request->segment_count = 0;
    request->count_512 = 0;
    request->harm = HARM_NONE;
    request->offset_512 = 0;
    if (abi == SLOT_ABI_32)
        decode_32(slot, request);
    else
        decode_64(slot, request);
}

size_t slot_encode_response(enum slot_abi abi, uint64_t id, uint8_t operation, int16_t status,
                            uint8_t bytes[SLOT_RESPONSE_MAX])
{
    if (abi == SLOT_ABI_32) {
        const struct blkif_wire_response_32 response = {
            .id = id, .operation = operation, .status = status};

        memcpy(bytes, &response, sizeof(response));
        return sizeof(response);
    } else {
        const struct blkif_wire_response_64 response = {
            .id = id, .operation = operation, .status = status};

        memcpy(bytes, &response, sizeof(response));
        return sizeof(response);
    }
}
