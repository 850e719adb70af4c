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

void update_properties(struct blkfront_device *device)
{
    struct agreed *agreed = &device->agreed;
    char detail[DETAIL_MAX];

    /* A value that cannot be used now is no failure of the device: nothing is to be said of it. */
    memcpy(detail, device->detail, sizeof(detail));
    (void)negotiate_geometry(device);
    (void)negotiate_info(device);
    take_back(device, BLKIF_NODE_FEATURE_FLUSH_CACHE, &agreed->flush);
    take_back(device, BLKIF_NODE_FEATURE_BARRIER, &agreed->barrier);
    take_back(device, BLKIF_NODE_FEATURE_DISCARD, &agreed->discard);
    take_back(device, BLKIF_NODE_DISCARD_SECURE, &agreed->discard_secure);
    if (__atomic_load_n(&agreed->discard, __ATOMIC_RELAXED))
        (void)negotiate_extents(device);
    memcpy(device->detail, detail, sizeof(detail));
}

/* ---- telling ---- */

enum { WORDS = 18 };

static void list_words(const struct blkfront_info *info, uint64_t words[WORDS])
{
    const uint64_t list[WORDS] = {
        info->read_write,
        info->cdrom,
        info->removable,
        info->floppy,
        info->barrier,
        info->discard,
        info->discard_secure,
        info->persistent,
        (uint64_t)info->flush,
        info->sector_size,
        info->physical_sector_size,
        info->size_sectors,
        info->discard_granularity,
        info->discard_alignment,
        info->queues,
        info->ring_order,
        info->segments,
        info->backend_id,
    };

    memcpy(words, list, sizeof(list));
}

static bool is_same(const struct blkfront_info *a, const struct blkfront_info *b)
{
    uint64_t words_a[WORDS], words_b[WORDS];
    bool same = text_equal(a->backend_path, text_length(a->backend_path, BLKFRONT_PATH_MAX),
                           b->backend_path, text_length(b->backend_path, BLKFRONT_PATH_MAX));

    list_words(a, words_a);
    list_words(b, words_b);
    for (int i = 0; i < WORDS; i++)
        same = same && words_a[i] == words_b[i];
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
