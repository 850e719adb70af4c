/* SPDX-License-Identifier: ISC */
/*
 * Backend nodes to agreed features, one function a feature. Every node is read once for one
 * decision (I1) and parsed strictly; a value that makes no sense counts as absent, where blkif.h
 * gives a default, and is an error with a detail where it gives none (I20). When a node may be read
 * is the table's matter (device.c): transport limits at InitWait, properties at Connected, where
 * those of a connection before this one have been overwritten.
 */
#include "life.h"
#include "store.h"

enum { SECTOR_SIZE_MAX = BLKIF_WIRE_PAGE_SIZE }; /* a segment is at most a page */

/* Its bytes are the most that 64 bits count. */
#define SIZE_512_MAX ((UINT64_C(1) << 55) - 1)

/* What is wrong with the store itself ends the connection; what is wrong with a value does not. */
static bool is_failure(int result)
{
    return result == BLKFRONT_PLATFORM_NO_MEMORY || result == BLKFRONT_PLATFORM_IO ||
           result == BLKFRONT_PLATFORM_AGAIN;
}

static int failed(struct blkfront_device *device, const char *what, const char *node, int error)
{
    device_set_detail(device, what, device->life->backend, node);
    return error;
}

static int read_number(struct blkfront_device *device, const char *node, uint64_t max,
                       uint64_t fallback, uint64_t *value)
{
    const struct store store = {.platform = device->context->platform, .transaction = 0};
    int result = store_get_number(&store, device->life->backend, node, max, value);

    if (is_failure(result))
        return failed(device, "cannot read", node, store_result(result));
    if (result != 0)
        *value = fallback;
    return BLKFRONT_OK;
}

static int read_flag(struct blkfront_device *device, const char *node, bool fallback, bool *flag)
{
    uint64_t value;
    int error = read_number(device, node, 1, fallback, &value);

    if (error == BLKFRONT_OK)
        *flag = value != 0;
    return error;
}

static uint32_t least(uint64_t a, uint64_t b)
{
    return (uint32_t)(a < b ? a : b);
}

/* ---- transport ---- */

void negotiate_defaults(struct blkfront_device *device)
{
    struct agreed *agreed = &device->agreed;

    agreed->abi = device->options.abi;
    agreed->persistent = device->options.persistent;
    agreed->queue_count = 1;
    agreed->ring_order = 0;
    agreed->segments = least(device->options.segments, BLKIF_WIRE_SEGMENTS);
}

static int negotiate_queues(struct blkfront_device *device)
{
    uint64_t offered;
    int error = read_number(device, BLKIF_NODE_MULTI_QUEUE_MAX_QUEUES, UINT32_MAX,
                            device->agreed.queue_count, &offered);

    if (error == BLKFRONT_OK)
        device->agreed.queue_count = least(device->options.queues, offered == 0 ? 1 : offered);
    return error;
}

/* Two spellings; the one in pages is deprecated and asked only where the other is missing. */
static int negotiate_ring_order(struct blkfront_device *device)
{
    uint64_t order, pages;
    int error = read_number(device, BLKIF_NODE_MAX_RING_PAGE_ORDER, UINT32_MAX, UINT64_MAX, &order);

    if (error != BLKFRONT_OK)
        return error;
    if (order == UINT64_MAX) {
        error = read_number(device, BLKIF_NODE_MAX_RING_PAGES, UINT32_MAX, 1, &pages);
        if (error != BLKFRONT_OK)
            return error;
        for (order = 0; pages >> (order + 1) != 0; order++)
            ;
    }
    device->agreed.ring_order = least(device->options.ring_order, order);
    return BLKFRONT_OK;
}

/* Up to 11 segments go directly: then indirect requests would be of no use. */
static int negotiate_indirect(struct blkfront_device *device)
{
    uint64_t offered;
    int error =
        read_number(device, BLKIF_NODE_FEATURE_MAX_INDIRECT_SEGMENTS, UINT32_MAX, 0, &offered);

    if (error == BLKFRONT_OK && offered > BLKIF_WIRE_SEGMENTS)
        device->agreed.segments = least(device->options.segments, offered);
    return error;
}

int negotiate_transport(struct blkfront_device *device)
{
    int error;

    negotiate_defaults(device);
    error = negotiate_queues(device);
    if (error == BLKFRONT_OK)
        error = negotiate_ring_order(device);
    if (error == BLKFRONT_OK)
        error = negotiate_indirect(device);
    return error;
}

/* ---- properties ---- */

/* Without the node it is 512; a guess in the place of what makes no sense might cut sectors. */
static int read_sector_size(struct blkfront_device *device, uint32_t *sector_size)
{
    const struct store store = {.platform = device->context->platform, .transaction = 0};
    uint64_t size;
    int result =
        store_get_number(&store, device->life->backend, BLKIF_NODE_SECTOR_SIZE, UINT64_MAX, &size);

    *sector_size = BLKIF_WIRE_UNIT;
    if (is_failure(result))
        return failed(device, "cannot read", BLKIF_NODE_SECTOR_SIZE, store_result(result));
    if (result == BLKFRONT_PLATFORM_INVALID)
        size = 0;
    else if (result != 0)
        size = BLKIF_WIRE_UNIT;
    if (size < BLKIF_WIRE_UNIT || size > SECTOR_SIZE_MAX || (size & (size - 1)) != 0)
        return failed(device,
                      "not a sector size of 512, 1024, 2048 or 4096:", BLKIF_NODE_SECTOR_SIZE,
                      BLKFRONT_STORE);
    *sector_size = (uint32_t)size;
    return BLKFRONT_OK;
}

static int read_physical_sector_size(struct blkfront_device *device, uint32_t sector_size,
                                     uint32_t *physical)
{
    uint64_t size;
    int error =
        read_number(device, BLKIF_NODE_PHYSICAL_SECTOR_SIZE, UINT32_MAX, sector_size, &size);

    if (error == BLKFRONT_OK)
        *physical = size == 0 || size % sector_size != 0 ? sector_size : (uint32_t)size;
    return error;
}

/* Always in units of 512 bytes; 0 is a drive without a medium. */
static int read_size(struct blkfront_device *device, uint64_t *size_512)
{
    int error = read_number(device, BLKIF_NODE_SECTORS, SIZE_512_MAX, UINT64_MAX, size_512);

    if (error == BLKFRONT_OK && *size_512 == UINT64_MAX)
        return failed(device,
                      "not a size of at most 2^55-1 units of 512 bytes:", BLKIF_NODE_SECTORS,
                      BLKFRONT_STORE);
    return error;
}

int negotiate_geometry(struct blkfront_device *device)
{
    struct agreed *agreed = &device->agreed;
    uint32_t sector_size, physical;
    uint64_t size_512;
    int error = read_sector_size(device, &sector_size);

    if (error == BLKFRONT_OK)
        error = read_physical_sector_size(device, sector_size, &physical);
    if (error == BLKFRONT_OK)
        error = read_size(device, &size_512);
    if (error != BLKFRONT_OK)
        return error;
    __atomic_store_n(&agreed->sector_size, sector_size, __ATOMIC_RELEASE);
    __atomic_store_n(&agreed->physical_sector_size, physical, __ATOMIC_RELEASE);
    __atomic_store_n(&agreed->size_512, size_512, __ATOMIC_RELEASE);
    __atomic_store_n(&agreed->geometry, agreed_geometry(size_512, sector_size), __ATOMIC_RELEASE);
    return BLKFRONT_OK;
}

/* `info` is the interface; `mode` is the toolstack's word to the backend, and we believe that too
 * (I17). */
static int read_only_by_mode(struct blkfront_device *device, bool *read_only)
{
    const struct store store = {.platform = device->context->platform, .transaction = 0};
    char mode[4];
    size_t length = 0;
    int result =
        store_get(&store, device->life->backend, BLKIF_NODE_MODE, mode, sizeof(mode), &length);

    if (is_failure(result))
        return failed(device, "cannot read", BLKIF_NODE_MODE, store_result(result));
    *read_only =
        result == 0 && (text_equal(mode, length, "r", 1) || text_equal(mode, length, "ro", 2));
    return BLKFRONT_OK;
}

int negotiate_info(struct blkfront_device *device)
{
    bool read_only;
    uint64_t info;
    int error = read_number(device, BLKIF_NODE_INFO, UINT32_MAX, 0, &info);

    if (error != BLKFRONT_OK)
        return error;
    /* Nobody needs `mode` then, so nothing of it can be in the way. */
    read_only = (info & BLKIF_WIRE_INFO_READONLY) != 0;
    if (!read_only)
        error = read_only_by_mode(device, &read_only);
    if (error != BLKFRONT_OK)
        return error;
    __atomic_store_n(&device->agreed.info, (uint32_t)info, __ATOMIC_RELEASE);
    __atomic_store_n(&device->agreed.read_only, read_only, __ATOMIC_RELEASE);
    return BLKFRONT_OK;
}

static int negotiate_flush(struct blkfront_device *device)
{
    struct agreed *agreed = &device->agreed;
    bool flush, barrier;
    int error = read_flag(device, BLKIF_NODE_FEATURE_FLUSH_CACHE, false, &flush);

    if (error == BLKFRONT_OK)
        error = read_flag(device, BLKIF_NODE_FEATURE_BARRIER, false, &barrier);
    if (error != BLKFRONT_OK)
        return error;
    __atomic_store_n(&agreed->flush, flush, __ATOMIC_RELEASE);
    __atomic_store_n(&agreed->barrier, barrier, __ATOMIC_RELEASE);
    agreed->flush_offered = flush || barrier;
    return BLKFRONT_OK;
}

/* Advertised blind: whether it is of use is known only here. */
static int negotiate_persistent(struct blkfront_device *device)
{
    bool offered;
    int error = read_flag(device, BLKIF_NODE_FEATURE_PERSISTENT, false, &offered);

    if (error == BLKFRONT_OK)
        device->agreed.keeps_grants = device->agreed.persistent && offered;
    return error;
}

/* Granularity and alignment are published both or not at all. */
int negotiate_extents(struct blkfront_device *device)
{
    struct agreed *agreed = &device->agreed;
    uint64_t granularity, alignment;
    int error = read_number(device, BLKIF_NODE_DISCARD_GRANULARITY, UINT32_MAX, 0, &granularity);

    if (error == BLKFRONT_OK)
        error = read_number(device, BLKIF_NODE_DISCARD_ALIGNMENT, UINT32_MAX, 0, &alignment);
    if (error != BLKFRONT_OK)
        return error;
    if (granularity == 0 || granularity % agreed->sector_size != 0) {
        granularity = agreed->sector_size;
        alignment = 0;
    }
    alignment = alignment % agreed->sector_size == 0 ? alignment % granularity : 0;
    __atomic_store_n(&agreed->discard_granularity, (uint32_t)granularity, __ATOMIC_RELEASE);
    __atomic_store_n(&agreed->discard_alignment, (uint32_t)alignment, __ATOMIC_RELEASE);
    return BLKFRONT_OK;
}

static int negotiate_discard(struct blkfront_device *device)
{
    bool offered, enabled, secure;
    int error = read_flag(device, BLKIF_NODE_FEATURE_DISCARD, false, &offered);

    if (error == BLKFRONT_OK)
        error = read_flag(device, BLKIF_NODE_DISCARD_ENABLE, true, &enabled);
    if (error == BLKFRONT_OK)
        error = read_flag(device, BLKIF_NODE_DISCARD_SECURE, false, &secure);
    if (error == BLKFRONT_OK)
        error = negotiate_extents(device);
    if (error != BLKFRONT_OK)
        return error;
    __atomic_store_n(&device->agreed.discard, offered && enabled, __ATOMIC_RELEASE);
    __atomic_store_n(&device->agreed.discard_secure, offered && enabled && secure,
                     __ATOMIC_RELEASE);
    return BLKFRONT_OK;
}

int negotiate_properties(struct blkfront_device *device)
{
    static int (*const features[])(struct blkfront_device *) = {
        negotiate_geometry,   negotiate_info,    negotiate_flush,
        negotiate_persistent, negotiate_discard,
    };
    int error = BLKFRONT_OK;

    for (size_t i = 0; i < sizeof(features) / sizeof(features[0]) && error == BLKFRONT_OK; i++)
        error = features[i](device);
    return error;
}
