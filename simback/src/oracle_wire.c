/* SPDX-License-Identifier: ISC */
/*
 * A request's and a response's bytes, read for the rules. Written apart from the backend's own
 * reading of slots (slot.c), so that the judge does not share a mistake with the judged.
 */
#include "oracle_internal.h"

#include <string.h>

static uint16_t get16(const uint8_t *at)
{
    return (uint16_t)(at[0] | at[1] << 8);
}

static uint32_t get32(const uint8_t *at)
{
    return get16(at) | (uint32_t)get16(at + 2) << 16;
}

static uint64_t get64(const uint8_t *at)
{
    return get32(at) | (uint64_t)get32(at + 4) << 32;
}

/* Where the two ABIs differ: 64-bit members are aligned to 8 bytes or to 4. */
enum { HEAD_64 = 8, HEAD_32 = 4 };

static uint32_t head(const struct oracle_ring *ring)
{
    return ring->view->abi_32 ? HEAD_32 : HEAD_64;
}

uint32_t oracle_wire_page_ref(const struct oracle_wire *wire, uint32_t index)
{
    /* id, sector, handle; then references, aligned to 4 bytes */
    return get32(wire->slot + head(wire->ring) + 20 + 4 * (size_t)index);
}

static void take_segment(const uint8_t *at, struct blkif_wire_segment *segment)
{
    segment->grant_ref = get32(at);
    segment->first_512 = at[4];
    segment->last_512 = at[5];
    segment->padding = get16(at + 6);
}

bool oracle_wire_segment(const struct oracle *oracle, const struct oracle_wire *wire,
                         uint32_t index, struct blkif_wire_segment *segment)
{
    uint8_t entry[sizeof(*segment)];
    struct simback_grant grant;
    uint32_t page = index / BLKIF_WIRE_SEGMENTS_PER_PAGE;

    if (wire->operation != BLKIF_WIRE_INDIRECT) {
        take_segment(wire->slot + head(wire->ring) + 16 + sizeof(*segment) * (size_t)index,
                     segment);
        return true;
    }
    if (!simback_get_grant(oracle->world, wire->ring->view->front_domid,
                           oracle_wire_page_ref(wire, page), &grant) ||
        grant.peer != wire->ring->view->back_domid)
        return false;
    memcpy(entry,
           (const uint8_t *)simback_page_address(oracle->world, grant.page) +
               sizeof(entry) * (size_t)(index % BLKIF_WIRE_SEGMENTS_PER_PAGE),
           sizeof(entry));
    take_segment(entry, segment);
    return true;
}

/* How many units the segments cover; what makes no sense counts nothing (I9 says so). */
static void count_units(const struct oracle *oracle, struct oracle_wire *wire)
{
    wire->readable = true;
    for (uint32_t i = 0; i < wire->segment_count; i++) {
        struct blkif_wire_segment segment;

        if (!oracle_wire_segment(oracle, wire, i, &segment)) {
            wire->readable = false;
            return;
        }
        if (segment.first_512 <= segment.last_512 && segment.last_512 < BLKIF_WIRE_UNITS_PER_PAGE)
            wire->count_512 += (uint64_t)segment.last_512 - segment.first_512 + 1;
    }
}

void oracle_wire_parse(const struct oracle *oracle, const struct oracle_ring *ring,
                       const void *slot, size_t length, struct oracle_wire *wire)
{
    const uint8_t *bytes = slot;
    uint32_t begin = head(ring);

    memcpy(wire->slot, bytes, length < sizeof(wire->slot) ? length : sizeof(wire->slot));
    bytes = wire->slot;
    wire->ring = ring;
    wire->operation = wire->inner = bytes[0];
    wire->segment_count = bytes[1];
    wire->id = get64(bytes + begin);
    wire->sector_512 = get64(bytes + begin + 8);
    wire->discard_512 = 0;
    wire->count_512 = 0;
    wire->readable = true;
    switch (wire->operation) {
    case BLKIF_WIRE_INDIRECT:
        wire->inner = bytes[1];
        wire->segment_count = get16(bytes + 2);
        if (wire->segment_count > BLKIF_WIRE_SEGMENTS_MAX)
            wire->readable = false;
        else
            count_units(oracle, wire);
        break;
    case BLKIF_WIRE_DISCARD:
        wire->segment_count = 0;
        wire->discard_512 = wire->count_512 = get64(bytes + begin + 16);
        break;
    case BLKIF_WIRE_FLUSH_DISKCACHE: break;
    default:
        if (wire->segment_count > BLKIF_WIRE_SEGMENTS)
            wire->readable = false;
        else
            count_units(oracle, wire);
    }
}

const char *oracle_operation_name(uint8_t operation)
{
    static const char *const names[] = {"READ",     "WRITE",   "WRITE_BARRIER", "FLUSH_DISKCACHE",
                                        "RESERVED", "DISCARD", "INDIRECT"};

    return operation < sizeof(names) / sizeof(names[0]) ? names[operation] : "an unknown operation";
}

void oracle_wire_response(const struct oracle_ring *ring, const void *slot, size_t length,
                          struct oracle_response *response)
{
    uint8_t bytes[sizeof(struct blkif_wire_response_64)] = {0};
    bool zero;

    memcpy(bytes, slot, length < sizeof(bytes) ? length : sizeof(bytes));
    response->id = get64(bytes);
    response->operation = bytes[8];
    response->status = (int16_t)get16(bytes + 10);
    zero = bytes[9] == 0;
    if (!ring->view->abi_32)
        zero = zero && get32(bytes + 12) == 0;
    response->padding_zero = zero;
}
