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
