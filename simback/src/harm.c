/* SPDX-License-Identifier: ISC */
/*
 * What fault rules do to requests while these are carried out: data that goes to the wrong place,
 * in part, or changed on its way, all answered OKAY. Which request a rule is about says fault.c,
 * and transfer.c moves the data. Every sector that may hold something wrong afterwards is told of
 * beforehand, so that I7 and I16 do not bind there.
 */
#include "backend_internal.h"

enum { SPOILT_BYTE = BLKIF_WIRE_UNIT / 2 };

enum slot_harm harm_of(enum simback_fault_action action)
{
    switch (action) {
    case SIMBACK_DUPLICATE: return HARM_TWICE;
    case SIMBACK_CORRUPT: return HARM_SPOILT;
    case SIMBACK_TORN: return HARM_TORN;
    case SIMBACK_MISDIRECT: return HARM_ASTRAY;
    case SIMBACK_LOST: return HARM_LOST;
    case SIMBACK_SHORT: return HARM_SHORT;
    case SIMBACK_MAPFAIL: return HARM_UNMAPPED;
    case SIMBACK_ANSWER_STATUS:
    case SIMBACK_DELAY:
    case SIMBACK_HOLD:
    case SIMBACK_DROP:
    case SIMBACK_REORDER: break;
    }
    return HARM_NONE;
}

bool harm_suits(enum slot_harm harm, const struct slot_request *request)
{
    const bool reads = request->inner == BLKIF_WIRE_READ;
    const bool has_data = request->segment_count != 0 && request->operation != BLKIF_WIRE_DISCARD;

    switch (harm) {
    case HARM_NONE:
    case HARM_TWICE: return true;
    case HARM_SPOILT:
    case HARM_UNMAPPED: return has_data;
    case HARM_SHORT: return has_data && reads;
    case HARM_TORN:
    case HARM_ASTRAY:
    case HARM_LOST: break;
    }
    return has_data && !reads;
}

/* Where a write of this length goes that is to land `offset` further on: behind the end of the disk
 * its beginning follows, and it is never cut in two. */
static uint64_t place_astray(const struct backend_queue *queue, const struct slot_request *request,
                             uint32_t length_512)
{
    const uint32_t units = queue->backend->sector_units;
    const uint64_t end = execute_capacity_512(queue->backend);
    const uint64_t place = request->sector_512 / units, offset = request->offset_512 / units;
    uint64_t places;

    if (end < length_512) /* cut off while it waited */
        return request->sector_512;
    places = (end - length_512) / units + 1;
    return (place + offset % places) % places * units;
}

static uint32_t length_of(const struct backend_queue *queue, uint32_t segments)
{
    uint32_t length_512 = 0;

    for (uint32_t i = 0; i < segments; i++) {
        const struct blkif_wire_segment *segment = &queue->segments[i];

        length_512 += (uint32_t)segment->last_512 - segment->first_512 + 1;
    }
    return length_512;
}

static void tell(const struct backend_queue *queue, const struct slot_request *request,
                 uint64_t first_512, uint64_t count_512)
{
    const struct simback_host *host = queue->backend->host;

    if (host->tell != NULL)
        host->tell(host->context, &(struct simback_event){.kind = SIMBACK_HARM,
                                                          .device = queue->backend->options.device,
                                                          .queue = queue->index,
                                                          .domid = queue->backend->options.domid,
                                                          .a = request->id,
                                                          .b = first_512,
                                                          .c = count_512});
}

struct harm_plan harm_plan(struct backend_queue *queue, const struct slot_request *request)
{
    const uint32_t units = queue->backend->sector_units;
    struct harm_plan plan = {.place_512 = request->sector_512, .reach_512 = UINT32_MAX};
    uint32_t length_512;

    if (request->harm == HARM_NONE)
        return plan;
    length_512 = length_of(queue, queue->prepared);
    plan.reach_512 = length_512;
    switch (request->harm) {
    case HARM_NONE:
    case HARM_TWICE:
    case HARM_UNMAPPED: return plan;
    case HARM_SPOILT: plan.spoils = true; break;
    case HARM_TORN: plan.reach_512 = length_512 / units / 2 * units; break;
    case HARM_ASTRAY: plan.place_512 = place_astray(queue, request, length_512); break;
    case HARM_LOST: plan.reach_512 = 0; break;
    case HARM_SHORT: plan.reach_512 = length_of(queue, queue->prepared / 2); break;
    }
    if (plan.spoils) {
        tell(queue, request, plan.place_512, 1);
    } else if (plan.place_512 != request->sector_512) {
        tell(queue, request, request->sector_512, length_512);
        tell(queue, request, plan.place_512, length_512);
    } else if (plan.reach_512 != length_512) {
        tell(queue, request, plan.place_512 + plan.reach_512, length_512 - plan.reach_512);
    }
    return plan;
}

int harm_spoil(struct backend_queue *queue, uint64_t place_512, bool write)
{
    struct simback_disk *disk = queue->backend->disk;
    uint8_t unit[BLKIF_WIRE_UNIT];
    int result;

    if (!write) {
        uint8_t *page = (uint8_t *)queue->pages[0];

        page[(size_t)queue->segments[0].first_512 * BLKIF_WIRE_UNIT + SPOILT_BYTE] ^= 0xff;
        return 0;
    }
    result = simback_disk_read(disk, place_512, 1, unit);
    unit[SPOILT_BYTE] ^= 0xff;
    return result == 0 ? simback_disk_write(disk, place_512, 1, unit) : result;
}
