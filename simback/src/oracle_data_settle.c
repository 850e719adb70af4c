/* SPDX-License-Identifier: ISC */
/*
 * When the history of a sector becomes one settled value again: soon after the last request that
 * could see anything else, while the sector is still in the processor's caches and so that the pool
 * of candidates stays as small as what is in flight.
 */
#include "oracle_data.h"

enum { RETURNING = 8 }; /* values of a sector that only a power cut can bring back */

void data_prune(struct oracle_data *data, const struct oracle_device *device, struct sector *sector,
                uint64_t oldest)
{
    uint32_t *link = &sector->more;
    unsigned returning = 0;

    while (*link != 0) {
        struct candidate *candidate = data_candidate_at(data, *link - 1);
        uint32_t index = *link;
        bool unseen = candidate->superseded <= oldest;

        if (unseen && data->power_may_fail && data_may_return(device, candidate)) {
            unseen = ++returning > RETURNING;
            candidate->unknown |= returning == RETURNING;
        }
        if (unseen) {
            *link = candidate->next;
            data_candidate_free(data, index);
        } else {
            link = &candidate->next;
        }
    }
    if (sector->write == BASE_NONE && sector->more != 0) {
        struct candidate *only = data_candidate_at(data, sector->more - 1);

        if (only->next == 0 && only->definite && only->superseded == DATA_NEVER) {
            sector->hash = only->hash;
            sector->write = only->unknown ? BASE_UNKNOWN : (uint32_t)only->write;
            data_candidate_free(data, sector->more);
            sector->more = 0;
        }
    }
}

static void settle(struct oracle_data *data, const struct oracle_device *device,
                   const struct settling_write *write, uint64_t oldest)
{
    struct group *group = NULL;

    for (uint64_t at = write->sector; at < write->sector + write->sectors; at++) {
        if (group == NULL || group->key != at / GROUP_SECTORS)
            group = data_group_find(data, write->owner, at / GROUP_SECTORS);
        if (group != NULL)
            data_prune(data, device, &group->sectors[at % GROUP_SECTORS], oldest);
    }
}

void data_settle(struct oracle *oracle, const struct oracle_device *device, uint64_t oldest)
{
    struct settling *settling = oracle->data->settling[device->number];

    while (settling != NULL && settling->count > 0) {
        const struct settling_write *write = &settling->writes[settling->begin];

        if (write->stamp > oldest)
            return;
        settle(oracle->data, device, write, oldest);
        settling->begin = (settling->begin + 1) % SETTLING;
        settling->count--;
    }
}

/* One for which there is no room, or no memory, is settled when its sectors are written again; and
 * so is a large one, which has left the caches when its time has come. */
void data_settle_later(struct oracle *oracle, const struct oracle_device *device,
                       const struct oracle_request *request)
{
    struct settling **settling = &oracle->data->settling[device->number];

    if (request->sectors > SETTLING_SECTORS)
        return;
    if (*settling == NULL)
        *settling = simback_allocate(oracle->world, sizeof(**settling));
    if (*settling == NULL || (*settling)->count == SETTLING)
        return;
    (*settling)->writes[((*settling)->begin + (*settling)->count++) % SETTLING] =
        (struct settling_write){
            .stamp = oracle->stamp,
            .sector = request->sector,
            .sectors = request->sectors,
            .owner = data_owner(oracle->data, device),
        };
}
