/* SPDX-License-Identifier: ISC */
/*
 * What changes while a device is connected: the backend rewrites nodes, then its state 4. Size and
 * sector size change together or not at all; what makes no sense leaves things as they are. A
 * feature can be taken back, but none is offered anew: the caller may have built on its absence,
 * and a backend that wants to offer more can close and be connected to again. And whoever wants to
 * know is told, whatever the reason.
 */
#include "life.h"
#include "store.h"

/* ---- the nodes ---- */

/* 0 and no node mean the same; any other value than 1 means nothing. */
static bool is_taken_back(const struct blkfront_device *device, const char *node)
{
    const struct store store = {.platform = device->context->platform, .transaction = 0};
    uint64_t value;
    int result = store_get_number(&store, device->life->backend, node, 1, &value);

    return result == BLKFRONT_PLATFORM_NO_ENTRY || (result == 0 && value == 0);
}

static void take_back(const struct blkfront_device *device, const char *node, bool *feature)
{
    /* One that is not there cannot be taken back: its node need not be read. */
    if (__atomic_load_n(feature, __ATOMIC_RELAXED) && is_taken_back(device, node))
        __atomic_store_n(feature, false, __ATOMIC_RELEASE);
}

void update_flush(struct blkfront_device *device)
{
    struct agreed *agreed = &device->agreed;

    device->life->look_flush = false;
    take_back(device, BLKIF_NODE_FEATURE_FLUSH_CACHE, &agreed->flush);
    take_back(device, BLKIF_NODE_FEATURE_BARRIER, &agreed->barrier);
}

void update_properties(struct blkfront_device *device)
{
    struct agreed *agreed = &device->agreed;
    char detail[sizeof(device->detail)];

    /* A value that cannot be used now is no failure of the device: nothing is to be said of it. */
    memcpy(detail, device->detail, sizeof(detail));
    (void)negotiate_geometry(device);
    (void)negotiate_info(device);
    update_flush(device);
    take_back(device, BLKIF_NODE_FEATURE_DISCARD, &agreed->discard);
    take_back(device, BLKIF_NODE_DISCARD_SECURE, &agreed->discard_secure);
    if (__atomic_load_n(&agreed->discard, __ATOMIC_RELAXED))
        (void)negotiate_extents(device);
    memcpy(device->detail, detail, sizeof(detail));
}

/* ---- telling ---- */

static bool is_same(const struct blkfront_info *a, const struct blkfront_info *b)
{
    const uint64_t pairs[][2] = {
        {a->read_write, b->read_write},
        {a->cdrom, b->cdrom},
        {a->removable, b->removable},
        {a->floppy, b->floppy},
        {a->barrier, b->barrier},
        {a->discard, b->discard},
        {a->discard_secure, b->discard_secure},
        {a->persistent, b->persistent},
        {(uint64_t)a->flush, (uint64_t)b->flush},
        {a->sector_size, b->sector_size},
        {a->physical_sector_size, b->physical_sector_size},
        {a->size_sectors, b->size_sectors},
        {a->discard_granularity, b->discard_granularity},
        {a->discard_alignment, b->discard_alignment},
        {a->queues, b->queues},
        {a->ring_order, b->ring_order},
        {a->segments, b->segments},
        {a->backend_id, b->backend_id},
    };
    bool same = text_equal(a->backend_path, text_length(a->backend_path, sizeof(a->backend_path)),
                           b->backend_path, text_length(b->backend_path, sizeof(b->backend_path)));

    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++)
        same = same && pairs[i][0] == pairs[i][1];
    return same;
}

void update_tell(struct blkfront_device *device)
{
    struct device_life *life = device->life;
    bool first = !life->told_known;
    struct blkfront_info info;

    if (device->options.changed == NULL || blkfront_get_info(device, &info) != BLKFRONT_OK ||
        (!first && is_same(&info, &life->told)))
        return;
    life->told = info; /* before the call, which may poll */
    life->told_known = true;
    if (!first)
        device->options.changed(device->options.changed_context, device);
}
