/* SPDX-License-Identifier: ISC */
/*
 * I9: units on the wire are 512 bytes; segments are whole sectors inside a page, first <= last <=
 * 7; a request lies inside the disk, and its parts are as long together as what the caller asked
 * for (that one is oracle_correlation.c's to see). One sentence a request is enough.
 */
#include "oracle_internal.h"

static uint64_t number_of(const struct oracle_put *put)
{
    return put->part == NULL ? 0 : put->part->number;
}

static uint32_t units_of_sector(const struct oracle_put *put)
{
    uint32_t bytes = put->device->sector_size;

    if (bytes == 0 && put->part != NULL && put->part->request != NULL)
        bytes = put->part->request->sector_size;
    return bytes < BLKIF_WIRE_UNIT ? 1 : bytes / BLKIF_WIRE_UNIT;
}

static bool good_count(struct oracle_put *put)
{
    const struct oracle_wire *wire = &put->wire;
    uint32_t most =
        wire->operation == BLKIF_WIRE_INDIRECT ? put->device->segments_max : BLKIF_WIRE_SEGMENTS;

    if (wire->operation == BLKIF_WIRE_INDIRECT && put->device->segments_max == 0)
        oracle_broken(put->oracle, 9, put->device, number_of(put),
                      "ring request %u is INDIRECT, but the backend has not offered that",
                      put->index);
    else if (wire->segment_count > most || wire->segment_count > BLKIF_WIRE_SEGMENTS_MAX)
        oracle_broken(put->oracle, 9, put->device, number_of(put),
                      "ring request %u has %u segments, %u are allowed", put->index,
                      wire->segment_count, most);
    else if (!wire->readable)
        oracle_broken(put->oracle, 9, put->device, number_of(put),
                      "the segments of ring request %u cannot be read: a page of them is not "
                      "granted",
                      put->index);
    else if (wire->segment_count == 0 && wire->inner != BLKIF_WIRE_WRITE_BARRIER)
        oracle_broken(put->oracle, 9, put->device, number_of(put),
                      "ring request %u is a %s without segments", put->index,
                      oracle_operation_name(wire->inner));
    else
        return true;
    return false;
}

static bool good_segments(struct oracle_put *put, uint32_t units)
{
    struct blkif_wire_segment segment;

    for (uint32_t i = 0;
         i < put->wire.segment_count && oracle_wire_segment(put->oracle, &put->wire, i, &segment);
         i++) {
        if (segment.first_512 > segment.last_512 || segment.last_512 >= BLKIF_WIRE_UNITS_PER_PAGE)
            oracle_broken(put->oracle, 9, put->device, number_of(put),
                          "segment %u of ring request %u goes from unit %u to %u; 0 <= first <= "
                          "last <= 7",
                          i, put->index, segment.first_512, segment.last_512);
        else if (segment.first_512 % units != 0 || (segment.last_512 + 1u) % units != 0)
            oracle_broken(put->oracle, 9, put->device, number_of(put),
                          "segment %u of ring request %u goes from unit %u to %u, which is not "
                          "whole sectors of %u units",
                          i, put->index, segment.first_512, segment.last_512, units);
        else
            continue;
        return false;
    }
    return true;
}

static bool good_range(struct oracle_put *put, uint32_t units)
{
    const struct oracle_wire *wire = &put->wire;
    uint64_t capacity = put->device->capacity_512;

    if (wire->sector_512 % units != 0 || wire->count_512 % units != 0)
        oracle_broken(put->oracle, 9, put->device, number_of(put),
                      "ring request %u covers units %llu+%llu, which is not whole sectors of %u "
                      "units",
                      put->index, (unsigned long long)wire->sector_512,
                      (unsigned long long)wire->count_512, units);
    else if (capacity != 0 &&
             (wire->sector_512 > capacity || wire->count_512 > capacity - wire->sector_512))
        oracle_broken(put->oracle, 9, put->device, number_of(put),
                      "ring request %u covers units %llu+%llu, but the disk has %llu", put->index,
                      (unsigned long long)wire->sector_512, (unsigned long long)wire->count_512,
                      (unsigned long long)capacity);
    else
        return true;
    return false;
}

static bool good_flush(struct oracle_put *put)
{
    if (put->wire.segment_count == 0)
        return true;
    oracle_broken(put->oracle, 9, put->device, number_of(put),
                  "ring request %u is a flush with %u segments", put->index,
                  put->wire.segment_count);
    return false;
}

uint64_t units_of_extent(const struct oracle_device *device, uint64_t *begin_512)
{
    const uint32_t sector =
        device->sector_size < BLKIF_WIRE_UNIT ? BLKIF_WIRE_UNIT : device->sector_size;
    uint32_t size = device->discard_granularity;

    *begin_512 = 0;
    if (size == 0 || size % sector != 0)
        return sector / BLKIF_WIRE_UNIT;
    if (device->discard_alignment % sector == 0)
        *begin_512 = device->discard_alignment % size / BLKIF_WIRE_UNIT;
    return size / BLKIF_WIRE_UNIT;
}

/* The whole extents inside of it are left of a discard; the rest need not be done. What was left
 * out once does not come back when extents begin elsewhere. */
void units_round(const struct oracle_device *device, uint64_t *first_512, uint64_t *count_512)
{
    uint64_t begin;
    const uint64_t size = units_of_extent(device, &begin);
    const uint64_t skew = (*first_512 % size + size - begin) % size;
    const uint64_t head = skew == 0 ? 0 : size - skew;

    *first_512 += head;
    *count_512 = *count_512 < head ? 0 : (*count_512 - head) / size * size;
}

void units_step(struct oracle_device *device)
{
    if (!device->extents_told)
        return;
    device->extents_told = false;
    for (struct oracle_request *at = device->first; at != NULL; at = at->next)
        units_round(device, &at->extents_first_512, &at->extents_512);
}

/* A backend can refuse what is not whole extents. */
static bool good_extents(struct oracle_put *put)
{
    const struct oracle_wire *wire = &put->wire;
    uint64_t begin;
    const uint64_t size = units_of_extent(put->device, &begin);

    if (wire->sector_512 % size != begin)
        oracle_broken(put->oracle, 9, put->device, number_of(put),
                      "ring request %u discards from unit %llu on, where no extent of %llu units "
                      "begins",
                      put->index, (unsigned long long)wire->sector_512, (unsigned long long)size);
    else if (wire->count_512 % size != 0)
        oracle_should(put->oracle, 9, put->device, number_of(put),
                      "ring request %u discards %llu units, which is not whole extents of %llu",
                      put->index, (unsigned long long)wire->count_512, (unsigned long long)size);
    return wire->sector_512 % size == begin;
}

static bool good_discard(struct oracle_put *put, uint32_t units)
{
    if (put->wire.count_512 != 0)
        return good_range(put, units) && good_extents(put);
    oracle_broken(put->oracle, 9, put->device, number_of(put), "ring request %u discards 0 units",
                  put->index);
    return false;
}

/* What a frontend may send, directly and as INDIRECT; the others are answered with an error. */
static bool may_be_sent(const struct oracle_wire *wire)
{
    if (wire->inner == BLKIF_WIRE_READ || oracle_writes(wire))
        return true;
    return wire->operation != BLKIF_WIRE_INDIRECT &&
           (wire->inner == BLKIF_WIRE_FLUSH_DISKCACHE || wire->inner == BLKIF_WIRE_DISCARD);
}

bool units_put(struct oracle_put *put)
{
    const struct oracle_wire *wire = &put->wire;
    uint32_t units = units_of_sector(put);

    oracle_checked(put->oracle, 9);
    if (!may_be_sent(wire)) {
        oracle_broken(put->oracle, 9, put->device, number_of(put),
                      "ring request %u has operation %u (%s)%s, which a frontend must not send",
                      put->index, wire->inner, oracle_operation_name(wire->inner),
                      wire->operation == BLKIF_WIRE_INDIRECT ? " as INDIRECT" : "");
        return false;
    }
    switch (wire->inner) {
    case BLKIF_WIRE_DISCARD: return good_discard(put, units);
    case BLKIF_WIRE_FLUSH_DISKCACHE: return good_flush(put);
    default:
        return good_count(put) && good_segments(put, units) &&
               (wire->count_512 == 0 || good_range(put, units));
    }
}
