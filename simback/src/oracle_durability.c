/* SPDX-License-Identifier: ISC */
/*
 * I16: what was acknowledged before an acknowledged flush survives a power cut. A flush settles
 * what was acknowledged before its submit, a write with FUA what it wrote itself; both only where
 * the backend offers a flush or a barrier, for a drain orders and no more. When the power is cut,
 * each sector that was ever written has to hold a value that no durable write has replaced: the
 * history of sectors (oracle_data.c) keeps those values as long as they can come back.
 */
#include "oracle_data.h"

void durability_complete(struct oracle *oracle, struct oracle_device *device,
                         const struct oracle_request *request, int result)
{
    (void)oracle;
    if (request->operation == BLKFRONT_FLUSH && result == BLKFRONT_OK && device->flush_offered &&
        request->submitted > device->durable)
        device->durable = request->submitted;
}

void durability_pretended(struct oracle_device *device, const struct oracle_part *part)
{
    if (part == NULL || part->count_512 == 0)
        device->durable_unknown = true;
    else
        data_exempt(device, part->first_512, part->first_512 + part->count_512 - 1);
}

static bool may_hold(const struct oracle *oracle, const struct oracle_device *device,
                     const struct sector *sector, uint64_t hash)
{
    if (sector->write == BASE_UNKNOWN || (sector->write != BASE_NONE && sector->hash == hash))
        return true;
    for (uint32_t at = sector->more; at != 0;) {
        const struct candidate *candidate = data_candidate_at(oracle->data, at - 1);

        if (data_may_return(device, candidate) && (candidate->unknown || candidate->hash == hash))
            return true;
        at = candidate->next;
    }
    return false;
}

static bool judge_sector(struct oracle *oracle, const struct oracle_device *device,
                         const struct sector *sector, uint64_t number)
{
    const uint32_t size = device->data_sector_size, units = size / BLKIF_WIRE_UNIT;
    const uint8_t *bytes = oracle->data->window;

    if (!data_read_disk(oracle, device, number, size, 1) ||
        may_hold(oracle, device, sector, hash_xxh64(bytes, size, 0)) ||
        data_is_exempt(device, number * units, units) ||
        data_zeroed_since(oracle, device, number * units, units, 0))
        return true;
    data_report_lost(oracle, device, number, bytes, sector);
    return false;
}

/* One sentence a power cut is enough. */
void durability_power_cut(struct oracle *oracle, struct oracle_device *device)
{
    const struct oracle_data *data = oracle->data;
    const uint32_t owner = data_owner(data, device);
    bool good = !device->hostile && !device->durable_unknown && !device->data_elsewhere;

    for (uint32_t i = 0; good && data->power_may_fail && !data->off && i < data->group_count; i++) {
        const struct group *group = data_group_at(data, i);

        for (uint32_t j = 0; good && group->owner == owner && j < GROUP_SECTORS; j++) {
            if ((group->touched >> j & 1) == 0)
                continue;
            oracle_checked(oracle, 16);
            good = judge_sector(oracle, device, &group->sectors[j], group->key * GROUP_SECTORS + j);
        }
    }
    device->durable_unknown = false; /* what is there now has come through */
}
