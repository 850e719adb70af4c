/* SPDX-License-Identifier: ISC */
/*
 * The sectors that I7 and I16 do not bind: a fault that the scenario has declared touches them, or
 * nobody can know what became of them. One that is exempt stays so.
 */
#include "oracle_data.h"

static bool meets(const struct oracle_range *range, uint64_t first_512, uint64_t last_512)
{
    return first_512 <= range->last_512 && range->first_512 <= last_512;
}

/* The next but for a gap of nothing: both together are one range. */
static bool adjoins(const struct oracle_range *range, uint64_t first_512, uint64_t last_512)
{
    return first_512 - range->last_512 == 1 || range->first_512 - last_512 == 1;
}

void data_exempt(struct oracle_device *device, uint64_t first_512, uint64_t last_512)
{
    for (uint32_t i = 0; i < device->exempt_count; i++) {
        struct oracle_range *range = &device->exempt[i];

        if (!meets(range, first_512, last_512) && !adjoins(range, first_512, last_512))
            continue;
        if (first_512 < range->first_512)
            range->first_512 = first_512;
        if (last_512 > range->last_512)
            range->last_512 = last_512;
        return;
    }
    if (device->exempt_count == ORACLE_EXEMPT) {
        device->exempt_all = true;
        return;
    }
    device->exempt[device->exempt_count++] = (struct oracle_range){
        .first_512 = first_512,
        .last_512 = last_512,
    };
}

/* Writes of sectors as they were may still reach the disk: nothing can be said of what they touch.
 */
void data_begin_anew(struct oracle *oracle, struct oracle_device *device,
                     const struct oracle_request *besides)
{
    oracle->data->epochs[device->number]++;
    device->durable_unknown = true;
    for (const struct oracle_request *at = device->first; at != NULL; at = at->next) {
        if (at != besides && at->has_data && at->operation == BLKFRONT_WRITE)
            data_exempt(device, at->first_512, at->first_512 + at->count_512 - 1);
    }
}

/* Where a backend counts in the disk's own sectors what blkif.h counts in 512 bytes, all lies
 * elsewhere; one that comes after it finds the disk as it is, and the part of a read that was
 * answered before is from another place. */
void data_back_connected(struct oracle *oracle, struct oracle_device *device)
{
    const struct simback_backend *backend = data_backend(oracle, device);
    const bool elsewhere = backend != NULL && simback_backend_number_units(backend) > 1;

    if (oracle->data->off || elsewhere == device->data_elsewhere)
        return;
    device->data_elsewhere = elsewhere;
    data_begin_anew(oracle, device, NULL);
    for (struct oracle_request *at = device->first; at != NULL; at = at->next)
        at->marred = true;
}

bool data_is_exempt(const struct oracle_device *device, uint64_t first_512, uint64_t count_512)
{
    if (device->exempt_all)
        return true;
    for (uint32_t i = 0; i < device->exempt_count; i++) {
        if (meets(&device->exempt[i], first_512, first_512 + count_512 - 1))
            return true;
    }
    return false;
}
