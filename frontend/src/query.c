/* SPDX-License-Identifier: ISC */
/*
 * What a caller may ask about a device: state, error, properties, statistics. It changes nothing.
 */
#include "internal.h"
#include "life.h"

#include <string.h>

enum blkfront_state blkfront_device_state(const struct blkfront_device *device)
{
    return device == NULL ? BLKFRONT_CLOSED : __atomic_load_n(&device->state, __ATOMIC_ACQUIRE);
}

int blkfront_device_error(const struct blkfront_device *device)
{
    return device == NULL ? BLKFRONT_INVALID : device->error;
}

const char *blkfront_device_detail(const struct blkfront_device *device)
{
    return device == NULL ? "" : device->detail;
}

/* Flush, else barrier; a drain only where neither was ever offered (I8, I16). */
static enum blkfront_flush_worth flush_worth(const struct agreed *agreed)
{
    if (__atomic_load_n(&agreed->flush, __ATOMIC_ACQUIRE))
        return BLKFRONT_FLUSH_CACHE;
    if (__atomic_load_n(&agreed->barrier, __ATOMIC_ACQUIRE))
        return BLKFRONT_FLUSH_BARRIER;
    return agreed->flush_offered ? BLKFRONT_FLUSH_NONE : BLKFRONT_FLUSH_DRAIN;
}

int blkfront_get_info(const struct blkfront_device *device, struct blkfront_info *info)
{
    const struct agreed *agreed;
    uint64_t geometry;
    uint32_t units, bits;

    if (device == NULL || info == NULL)
        return BLKFRONT_INVALID;
    if (blkfront_device_state(device) != BLKFRONT_CONNECTED)
        return BLKFRONT_DISCONNECTED;
    agreed = &device->agreed;
    geometry = __atomic_load_n(&agreed->geometry, __ATOMIC_ACQUIRE);
    units = (uint32_t)(geometry >> AGREED_SIZE_BITS);
    bits = __atomic_load_n(&agreed->info, __ATOMIC_ACQUIRE);
    *info = (struct blkfront_info){
        .read_write = !__atomic_load_n(&agreed->read_only, __ATOMIC_ACQUIRE),
        .cdrom = (bits & BLKIF_WIRE_INFO_CDROM) != 0,
        .removable = (bits & BLKIF_WIRE_INFO_REMOVABLE) != 0,
        .floppy = agreed->floppy,
        .barrier = __atomic_load_n(&agreed->barrier, __ATOMIC_ACQUIRE),
        .discard = __atomic_load_n(&agreed->discard, __ATOMIC_ACQUIRE),
        .discard_secure = __atomic_load_n(&agreed->discard_secure, __ATOMIC_ACQUIRE),
        .persistent = agreed->keeps_grants,
        .flush = flush_worth(agreed),
        .sector_size = units * BLKIF_WIRE_UNIT,
        .physical_sector_size = __atomic_load_n(&agreed->physical_sector_size, __ATOMIC_ACQUIRE),
        .size_sectors = (geometry & ((UINT64_C(1) << AGREED_SIZE_BITS) - 1)) / units,
        .discard_granularity = __atomic_load_n(&agreed->discard_granularity, __ATOMIC_ACQUIRE),
        .discard_alignment = __atomic_load_n(&agreed->discard_alignment, __ATOMIC_ACQUIRE),
        .vdev = device->vdev,
        .queues = agreed->queue_count,
        .ring_order = agreed->ring_order,
        .segments = __atomic_load_n(&agreed->segments, __ATOMIC_ACQUIRE),
        .backend_id = agreed->backend_id,
    };
    memcpy(info->backend_path, device->life->backend, sizeof(info->backend_path));
    return BLKFRONT_OK;
}

void blkfront_get_statistics(const struct blkfront_device *device,
                             struct blkfront_statistics *statistics)
{
    const struct blkfront_queue *queue;

    if (statistics == NULL)
        return;
    *statistics = (struct blkfront_statistics){0};
    if (device == NULL)
        return;
    for (uint32_t i = 0; (queue = queue_at(device, i)) != NULL; i++)
        queue_add_statistics(queue, statistics);
    statistics->reconnects = device->life->reconnects;
}
