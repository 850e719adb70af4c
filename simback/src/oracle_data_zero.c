/* SPDX-License-Identifier: ISC */
/*
 * I7: sectors that may have become zeros without a write. A discard may, from its submit on, and
 * whether it did is the backend's choice; what a disk loses when it shrinks reads as zeros when it
 * grows again. Kept as ranges, since a discard may be as large as the disk, and asked only when a
 * read holds none of the values that were written.
 */
#include "disk_internal.h"
#include "oracle_data.h"

#include <string.h>

enum { RANGES_FIRST = 16 };

/* The place for one more; NULL: no memory. */
static struct zeroed *range_new(struct oracle *oracle)
{
    struct oracle_data *data = oracle->data;

    if (data->zeroed_count == data->zeroed_room) {
        uint32_t room = data->zeroed_room == 0 ? (uint32_t)RANGES_FIRST : data->zeroed_room * 2;
        struct zeroed *more = simback_allocate(oracle->world, room * sizeof(*more));

        if (more == NULL) {
            data->off = true;
            oracle->no_memory = true;
            return NULL;
        }
        if (data->zeroed != NULL) {
            memcpy(more, data->zeroed, data->zeroed_count * sizeof(*more));
            simback_free(oracle->world, data->zeroed, data->zeroed_room * sizeof(*more));
        }
        data->zeroed = more;
        data->zeroed_room = room;
    }
    return &data->zeroed[data->zeroed_count++];
}

void data_discard_begins(struct oracle *oracle, const struct oracle_device *device,
                         const struct oracle_request *request)
{
    struct zeroed *range = oracle->data->off || request->count_512 == 0 ? NULL : range_new(oracle);

    if (range != NULL)
        *range = (struct zeroed){
            .request = request->number,
            .first_512 = request->first_512,
            .last_512 = request->first_512 + request->count_512 - 1,
            .ended = DATA_NEVER,
            .last_write = UINT64_MAX,
            .device = device->number,
        };
}

/* One that failed may happen, or have happened, for ever. */
void data_discard_ends(struct oracle *oracle, const struct oracle_request *request, bool refused,
                       int result)
{
    struct oracle_data *data = oracle->data;

    for (uint32_t i = data->zeroed_count; i > 0; i--) {
        struct zeroed *range = &data->zeroed[i - 1];

        if (range->request != request->number)
            continue;
        if (refused) {
            *range = data->zeroed[--data->zeroed_count];
        } else if (result == BLKFRONT_OK) {
            range->ended = oracle->stamp;
            range->last_write = oracle->highest;
        }
        return;
    }
}

void data_shrunk(struct oracle *oracle, const struct oracle_device *device, uint64_t from_512)
{
    struct zeroed *range = oracle->data->off ? NULL : range_new(oracle);

    if (range != NULL)
        *range = (struct zeroed){
            .first_512 = from_512,
            .last_512 = UINT64_MAX,
            .ended = ++oracle->stamp,
            .last_write = oracle->highest,
            .device = device->number,
        };
}

/* ---- asking ---- */

/* A write that was submitted after the range became zeros, and acknowledged before the read began,
 * has settled the sector. A base was acknowledged when what was there before was superseded. */
static bool written_since(const struct oracle_data *data, const struct sector *sector,
                          const struct oracle_request *read, uint64_t last_write)
{
    bool by_base =
        sector->write != BASE_NONE && sector->write != BASE_UNKNOWN && sector->write > last_write;

    for (uint32_t at = sector->more; at != 0;) {
        const struct candidate *candidate = data_candidate_at(data, at - 1);

        if (candidate->definite && candidate->write > last_write &&
            candidate->ended <= read->submitted)
            return true;
        if (candidate->superseded != DATA_NEVER && candidate->superseded > read->submitted)
            by_base = false;
        at = candidate->next;
    }
    return by_base;
}

bool data_may_be_zero(const struct oracle *oracle, const struct oracle_device *device,
                      const struct oracle_request *read, uint64_t sector_number,
                      const struct sector *sector, const uint8_t *bytes)
{
    const struct oracle_data *data = oracle->data;
    const uint64_t units = read->sector_size / BLKIF_WIRE_UNIT;
    const uint64_t first_512 = sector_number * units, last_512 = first_512 + units - 1;

    if (data->zeroed_count == 0 || !disk_is_zero(bytes, read->sector_size))
        return false;
    for (uint32_t i = 0; i < data->zeroed_count; i++) {
        const struct zeroed *range = &data->zeroed[i];

        if (range->device == device->number && range->first_512 <= first_512 &&
            last_512 <= range->last_512 && !written_since(data, sector, read, range->last_write))
            return true;
    }
    return false;
}

bool data_zeroed_since(const struct oracle *oracle, const struct oracle_device *device,
                       uint64_t first_512, uint64_t count_512, uint64_t stamp)
{
    const struct oracle_data *data = oracle->data;

    for (uint32_t i = 0; i < data->zeroed_count; i++) {
        const struct zeroed *range = &data->zeroed[i];

        if (range->device == device->number && range->ended > stamp &&
            range->first_512 <= first_512 + count_512 - 1 && first_512 <= range->last_512)
            return true;
    }
    return false;
}
