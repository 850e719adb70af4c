/* SPDX-License-Identifier: ISC */
/*
 * Discards: rounded inwards to whole extents, since a backend may refuse anything else (blkif.h,
 * discard-granularity and discard-alignment); one ring request each, whatever its length.
 */
#include "queue.h"

/* Extents begin at `first` and then each `size`; in units of 512 bytes. */
struct extents {
    uint64_t first;
    uint64_t size;
};

/* Extents that do not fit the sector size, which may have changed, are of no use: then each sector
 * is one, as if the backend had said nothing of them. */
static struct extents extents_of(const struct agreed *agreed, uint32_t sector_size)
{
    uint32_t granularity = agreed_number(&agreed->discard_granularity);
    uint32_t alignment = agreed_number(&agreed->discard_alignment);

    if (granularity % sector_size != 0 || alignment % sector_size != 0)
        return (struct extents){.first = 0, .size = sector_size / BLKIF_WIRE_UNIT};
    return (struct extents){.first = alignment / BLKIF_WIRE_UNIT,
                            .size = granularity / BLKIF_WIRE_UNIT};
}

/* To the whole extents in these units, which lie on a disk: nothing overflows. */
static void round_inwards(const struct extents *extents, uint64_t *begin, uint64_t *count)
{
    uint64_t first = extents->first, size = extents->size;
    uint64_t end = *begin + *count;

    *begin = *begin <= first ? first : first + (*begin - first + size - 1) / size * size;
    end = end <= first ? first : first + (end - first) / size * size;
    *count = end > *begin ? end - *begin : 0;
}

static int permit(const struct agreed *agreed, unsigned flags)
{
    if (!agreed_flag(&agreed->discard) ||
        ((flags & BLKFRONT_SECURE) != 0 && !agreed_flag(&agreed->discard_secure)))
        return BLKFRONT_UNIMPLEMENTED;
    return BLKFRONT_OK;
}

int discard_permit(const struct blkfront_queue *queue, const struct blkfront_request *request)
{
    const struct agreed *agreed = &queue->device->agreed;

    if (agreed_flag(&agreed->read_only))
        return BLKFRONT_READ_ONLY; /* I17 */
    return permit(agreed, request->flags);
}

void discard_fit(const struct blkfront_queue *queue, struct blkfront_request *request)
{
    struct extents extents = extents_of(&queue->device->agreed, queue->sector_mask + 1);
    uint64_t count = request->internal.bytes_left / BLKIF_WIRE_UNIT;

    round_inwards(&extents, &request->internal.next_512, &count);
    request->internal.bytes_left = count * BLKIF_WIRE_UNIT;
}

int discard_issue(struct blkfront_queue *queue, struct blkfront_request *request)
{
    bool secure = (request->flags & BLKFRONT_SECURE) != 0;
    struct wire_request wire = {
        .operation = BLKIF_WIRE_DISCARD,
        .sector_512 = request->internal.next_512,
        .count_512 = request->internal.bytes_left / BLKIF_WIRE_UNIT,
        .discard_flag = secure ? BLKIF_WIRE_DISCARD_SECURE : 0,
    };
    struct slot *slot = queue_take_slot(queue);

    if (slot == NULL)
        return ISSUE_BLOCKED;
    slot->request = request;
    slot->bytes = request->internal.bytes_left;
    request->internal.bytes_left = 0;
    queue_put(queue, slot, &wire);
    return BLKFRONT_OK;
}

int blkfront_discard_extent(const struct blkfront_device *device, uint64_t *sector,
                            uint64_t *sectors)
{
    const struct agreed *agreed;
    uint32_t sector_size, shift;
    uint64_t begin, count;
    struct extents extents;
    int r;

    if (device == NULL || sector == NULL || sectors == NULL)
        return BLKFRONT_INVALID;
    if (blkfront_device_state(device) != BLKFRONT_CONNECTED)
        return BLKFRONT_DISCONNECTED;
    agreed = &device->agreed;
    r = permit(agreed, 0);
    if (r != BLKFRONT_OK)
        return r;
    sector_size = agreed_number(&agreed->sector_size);
    shift = sector_shift(sector_size);
    if (!on_disk(agreed, shift, *sector, *sectors))
        return BLKFRONT_OUT_OF_RANGE;
    extents = extents_of(agreed, sector_size);
    begin = *sector << shift;
    count = *sectors << shift;
    round_inwards(&extents, &begin, &count);
    *sector = begin >> shift;
    *sectors = count >> shift;
    return BLKFRONT_OK;
}
