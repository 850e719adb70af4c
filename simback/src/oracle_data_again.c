/* SPDX-License-Identifier: ISC */
/*
 * A backend that begins anew may take up the rings that it finds before their frontend knows of it.
 * Then it does again what stands between rsp_prod and req_prod, and of that the requests that were
 * answered out of their order too: whose pages, if they are granted still, have another use by now.
 * What they write nobody can know until the connection is over and the sectors are written anew;
 * nor, where such a read is among them, what any other request has in its pages on that connection.
 */
#include "oracle_data.h"

/* The history of a sector; one that has none begins with what the disk holds. */
static struct sector *sector_of(struct oracle *oracle, const struct oracle_device *device,
                                uint64_t number)
{
    struct oracle_data *data = oracle->data;
    struct group *group = data_group_get(oracle, data_owner(data, device), number / GROUP_SECTORS);
    const uint64_t bit = UINT64_C(1) << number % GROUP_SECTORS;
    struct sector *sector;

    if (group == NULL)
        return NULL;
    sector = &group->sectors[number % GROUP_SECTORS];
    if ((group->touched & bit) == 0) {
        const uint32_t size = device->data_sector_size;
        const bool have_disk = data_read_disk(oracle, device, number, size, 1);

        group->touched |= bit;
        sector->write = have_disk ? BASE_DISK : BASE_UNKNOWN;
        sector->hash = have_disk ? hash_xxh64(data->window, size, 0) : 0;
    }
    return sector;
}

static void may_be_anything(struct oracle *oracle, const struct oracle_device *device,
                            uint64_t number)
{
    struct sector *sector = sector_of(oracle, device, number);
    const uint32_t index = sector == NULL ? 0 : data_candidate_new(oracle);

    if (index == 0)
        return;
    *data_candidate_at(oracle->data, index - 1) = (struct candidate){
        .submitted = oracle->stamp,
        .ended = oracle->stamp,
        .superseded = DATA_NEVER,
        .connection = device->connection,
        .next = sector->more,
        .failed = true,
        .unknown = true,
    };
    sector->more = index;
}

static void done_again(struct oracle *oracle, const struct oracle_device *device,
                       const struct oracle_wire *wire)
{
    const uint32_t units = device->data_sector_size / BLKIF_WIRE_UNIT;
    const uint64_t capacity = device->capacity_512 / units * units;
    uint64_t end = wire->count_512 > UINT64_MAX - wire->sector_512
                       ? UINT64_MAX
                       : wire->sector_512 + wire->count_512;

    if (!oracle_writes(wire) && wire->inner != BLKIF_WIRE_DISCARD)
        return;
    if (end > capacity)
        end = capacity;
    for (uint64_t unit = wire->sector_512 / units * units; unit < end; unit += units)
        may_be_anything(oracle, device, unit / units);
}

/* Its request's write is no value that the history has: it is over, and if it failed, the power was
 * cut since. */
static bool is_forgotten(const struct oracle_device *device, const struct oracle_part *part,
                         uint32_t index)
{
    /* Its id may be another one's by now; and who is told the answer may let go of its pages at any
     * time. */
    return part == NULL || part->index != index || part->answered ||
           (part->request == NULL && device->power_cut != 0);
}

/* The request that the backend finds there. */
static void parse(struct oracle *oracle, const struct oracle_ring *ring, uint32_t index,
                  struct oracle_wire *wire)
{
    uint8_t slot[BLKIF_WIRE_SLOT_64];

    monitor_ring_copy(ring->view, monitor_slot_offset(ring->view, index), slot,
                      ring->view->slot_size);
    oracle_wire_parse(oracle, ring, slot, ring->view->slot_size, wire);
}

/* What of the ring is done again; nothing where its indices make no sense. */
static uint32_t count_of(const struct oracle_ring *ring)
{
    const uint32_t count = ring->view->requests - ring->view->responses;

    return count > ring->room ? 0 : count;
}

static bool reads_again(struct oracle *oracle, const struct oracle_device *device,
                        const struct oracle_ring *ring)
{
    const uint32_t first = ring->view->responses;
    struct oracle_wire wire;

    for (uint32_t i = 0; i < count_of(ring); i++) {
        parse(oracle, ring, first + i, &wire);
        if (wire.inner == BLKIF_WIRE_READ &&
            is_forgotten(device, correlation_find(ring, wire.id), first + i))
            return true;
    }
    return false;
}

static void writes_again(struct oracle *oracle, const struct oracle_device *device,
                         const struct oracle_ring *ring, bool all)
{
    const uint32_t first = ring->view->responses;
    struct oracle_wire wire;

    for (uint32_t i = 0; i < count_of(ring); i++) {
        parse(oracle, ring, first + i, &wire);
        if (all || is_forgotten(device, correlation_find(ring, wire.id), first + i))
            done_again(oracle, device, &wire);
    }
}

static struct oracle_ring *taken_up(const struct oracle_device *device, uint16_t queue)
{
    return device->rings[queue] != NULL && device->rings[queue]->attached ? device->rings[queue]
                                                                          : NULL;
}

/* Whatever page a read of before is done into again: it may be one of any queue's. */
void data_taken_again(struct oracle *oracle, struct oracle_device *device)
{
    const uint16_t queues = oracle->world->monitor->queues[device->number];
    bool reads = false;

    if (oracle->data->off || device->data_sector_size == 0)
        return;
    data_revive(oracle->data, device->connection);
    for (uint16_t queue = 0; queue < queues; queue++) {
        if (taken_up(device, queue) != NULL)
            reads |= reads_again(oracle, device, taken_up(device, queue));
    }
    for (uint16_t queue = 0; queue < queues; queue++) {
        if (taken_up(device, queue) != NULL)
            writes_again(oracle, device, taken_up(device, queue), reads);
    }
    if (!reads)
        return;
    device->mars = device->connection;
    /* What has not been put yet goes out in such pages, too. */
    for (struct oracle_request *at = device->first; at != NULL; at = at->next) {
        at->marred = true;
        if (at->has_data && at->sector_size == device->data_sector_size)
            data_begin_marred(oracle, device, at);
    }
}

void data_begin_marred(struct oracle *oracle, const struct oracle_device *device,
                       struct oracle_request *request)
{
    request->marred = true;
    for (uint64_t i = 0; i < request->sectors && request->operation == BLKFRONT_WRITE; i++)
        may_be_anything(oracle, device, request->sector + i);
}
