/* SPDX-License-Identifier: ISC */
/*
 * I7: a read returns, per sector, a value that was possible at some moment between its submit and
 * its completion. A write is possible from its submit on; its acknowledgement ends every value that
 * was settled before its submit, and those that a barrier keeps before it; what failed may happen
 * until its connection is dead, and may have happened ever after, until a later write is
 * acknowledged.
 */
#include "oracle_data.h"
#include "oracle_requeue.h"

#include <string.h>

/* ---- the disk below ---- */

struct simback_backend *data_backend(const struct oracle *oracle,
                                     const struct oracle_device *device)
{
    const struct simback_world *world = oracle->world;
    struct simback_backend *backend = world->backends[device->number];

    for (uint16_t i = 0; backend == NULL && i < WORLD_DEVICES; i++) {
        if (world->monitor->alias[i] == device->number)
            backend = world->backends[i];
    }
    return backend;
}

bool data_read_disk(const struct oracle *oracle, const struct oracle_device *device,
                    uint64_t sector, uint32_t sector_size, uint32_t count)
{
    struct simback_backend *backend = data_backend(oracle, device);
    uint32_t units = sector_size / BLKIF_WIRE_UNIT;

    return backend != NULL && simback_disk_read(simback_backend_disk(backend), sector * units,
                                                count * units, oracle->data->window) == 0;
}

/* ---- going through a request's sectors ---- */

/* One after the other, with the bytes that the caller's buffers have for each. */
struct walk {
    struct oracle *oracle;
    const struct oracle_request *request;
    struct group *group;
    uint32_t owner;
    uint64_t sector;
    uint64_t left;
    size_t buffer, offset;
};

static void walk_begin(struct walk *walk, struct oracle *oracle, const struct oracle_device *device,
                       const struct oracle_request *request)
{
    *walk = (struct walk){
        .oracle = oracle,
        .request = request,
        .owner = data_owner(oracle->data, device),
        .sector = request->sector,
        .left = request->sectors,
    };
}

/* Where the current sector's bytes are, and how many sectors follow each other there, at most a
 * window. Empty buffers are none. */
static const uint8_t *walk_bytes(struct walk *walk, uint32_t *run)
{
    const struct blkfront_buffer *buffer = &walk->request->buffers[walk->buffer];
    uint32_t size = walk->request->sector_size;
    uint64_t here;

    while (walk->offset == buffer->size) {
        walk->buffer++;
        walk->offset = 0;
        buffer = &walk->request->buffers[walk->buffer];
    }
    here = (buffer->size - walk->offset) / size;
    if (here > WINDOW / size)
        here = WINDOW / size;
    *run = (uint32_t)here;
    return (const uint8_t *)buffer->address + walk->offset;
}

static void walk_on(struct walk *walk, uint32_t count)
{
    walk->sector += count;
    walk->left -= count;
    walk->offset += (size_t)count * walk->request->sector_size;
}

/* The history of a sector near the current one; with `make`, made. NULL: none. */
static struct sector *walk_sector(struct walk *walk, uint64_t sector, bool make,
                                  struct group **group)
{
    uint64_t key = sector / GROUP_SECTORS;

    if (walk->group == NULL || walk->group->key != key)
        walk->group = make ? data_group_get(walk->oracle, walk->owner, key)
                           : data_group_find(walk->oracle->data, walk->owner, key);
    *group = walk->group;
    return walk->group == NULL ? NULL : &walk->group->sectors[sector % GROUP_SECTORS];
}

static uint64_t bit_of(uint64_t sector)
{
    return UINT64_C(1) << sector % GROUP_SECTORS;
}

/* The oldest request in flight but this one began then. */
static uint64_t oldest_besides(const struct oracle_device *device,
                               const struct oracle_request *request)
{
    const struct oracle_request *first = device->first;

    if (first == request)
        first = first->next;
    return first == NULL ? DATA_NEVER - 1 : first->submitted;
}

/* ---- submit ---- */

static void remember(struct oracle *oracle, uint64_t hash, uint64_t write, uint64_t sector)
{
    struct oracle_data *data = oracle->data;
    struct recent **chunk = &data->recent[data->recent_count % RECENT / RECENT_CHUNK];

    if (*chunk == NULL)
        *chunk = simback_allocate(oracle->world, RECENT_CHUNK * sizeof(**chunk));
    if (*chunk == NULL)
        return;
    *data_recent_at(data, data->recent_count++) = (struct recent){hash, write, sector};
}

/* Before a sector is written for the first time: what the disk holds is what it may be read as. */
static void first_touch(struct walk *walk, const struct oracle_device *device, uint32_t run)
{
    uint32_t size = walk->request->sector_size;
    bool have_disk = false, looked = false;

    for (uint32_t i = 0; i < run; i++) {
        struct group *group;
        struct sector *sector = walk_sector(walk, walk->sector + i, true, &group);

        if (sector == NULL)
            return;
        if ((group->touched & bit_of(walk->sector + i)) != 0)
            continue;
        if (!looked)
            have_disk = data_read_disk(walk->oracle, device, walk->sector, size, run);
        looked = true;
        group->touched |= bit_of(walk->sector + i);
        sector->write = have_disk ? BASE_DISK : BASE_UNKNOWN;
        sector->hash =
            have_disk ? hash_xxh64(walk->oracle->data->window + (size_t)i * size, size, 0) : 0;
        if (have_disk)
            remember(walk->oracle, sector->hash, BASE_DISK, walk->sector + i);
    }
}

static bool usable(struct oracle *oracle, struct oracle_device *device,
                   const struct oracle_request *request)
{
    if (oracle->data->off || request->sector_size > WINDOW)
        return false;
    if (device->data_sector_size != request->sector_size) {
        /* Another disk, or another idea of its sectors: begins anew. */
        if (device->data_sector_size != 0)
            data_begin_anew(oracle, device, request);
        device->data_sector_size = request->sector_size;
    }
    return true;
}

static void submit_write(struct oracle *oracle, struct oracle_device *device,
                         const struct oracle_request *request)
{
    struct candidate candidate = {
        .write = request->number,
        .submitted = request->submitted,
        .ended = DATA_NEVER,
        .superseded = DATA_NEVER,
        .connection = device->connection,
        .barrier = (request->flags & BLKFRONT_BARRIER) != 0,
        .queue = request->queue,
    };
    uint64_t oldest = oldest_besides(device, request);
    struct walk walk;
    uint32_t run;

    data_settle(oracle, device, oldest);
    for (walk_begin(&walk, oracle, device, request); walk.left > 0; walk_on(&walk, run)) {
        const uint8_t *bytes = walk_bytes(&walk, &run);

        first_touch(&walk, device, run);
        for (uint32_t i = 0; i < run; i++) {
            struct group *group;
            struct sector *sector = walk_sector(&walk, walk.sector + i, true, &group);

            if (sector == NULL)
                return;
            data_prune(oracle->data, device, sector, oldest);
            candidate.hash =
                hash_xxh64(bytes + (size_t)i * request->sector_size, request->sector_size, 0);
            if (!data_candidate_add(oracle, sector, &candidate))
                return;
            remember(oracle, candidate.hash, request->number, walk.sector + i);
        }
    }
}

void data_submit(struct oracle *oracle, struct oracle_device *device,
                 struct oracle_request *request)
{
    if (device->data_elsewhere)
        return;
    if (!usable(oracle, device, request)) {
        request->has_data = false;
        return;
    }
    if (request->operation == BLKFRONT_WRITE)
        submit_write(oracle, device, request);
    if (device->mars != 0 && device->mars == device->connection)
        data_begin_marred(oracle, device, request);
}

/* ---- the end of a write ---- */

static void end_write(struct oracle *oracle, const struct oracle_device *device,
                      const struct oracle_request *request, enum data_end end)
{
    const uint64_t oldest = oldest_besides(device, request);
    struct walk walk;

    data_settle(oracle, device, oldest);
    walk_begin(&walk, oracle, device, request);
    for (uint64_t i = 0; i < request->sectors; i++) {
        struct group *group;
        struct sector *sector = walk_sector(&walk, request->sector + i, false, &group);

        if (sector != NULL)
            data_candidate_end(oracle, device, request, sector, end, oldest);
    }
    if (end == DATA_DONE && oracle->stamp > oldest)
        data_settle_later(oracle, device, request);
}

void data_refused(struct oracle *oracle, struct oracle_device *device,
                  struct oracle_request *request)
{
    if (!oracle->data->off && request->operation == BLKFRONT_WRITE)
        end_write(oracle, device, request, DATA_REFUSED);
}

void data_dead(struct oracle *oracle, struct oracle_device *device)
{
    if (device->connection != 0)
        data_set_death(oracle, device->connection, ++oracle->stamp);
}

/* What is on the disk now is what every later read begins with; writes in flight may still come. */
void data_power_cut(struct oracle *oracle, struct oracle_device *device)
{
    if (oracle->data->off)
        return;
    oracle->data->epochs[device->number]++;
    device->power_cut = ++oracle->stamp;
    for (struct oracle_request *at = device->first; at != NULL; at = at->next) {
        if (!at->has_data || at->operation != BLKFRONT_WRITE)
            continue;
        if (!device->data_elsewhere)
            submit_write(oracle, device, at);
        requeue_power_cut(oracle, device, at);
        /* Answered on a ring that was given up before it was seen whether that was taken. */
        if (at->late_512 > 0 && !oracle_is_fua(at))
            data_lost(oracle, device, at, at->first_512, at->count_512, true);
    }
    correlation_power_cut(oracle, device);
}

/* What the power cut has left of it lies on the disk, and was looked at then: nothing of it comes
 * any more, unless it is issued again. */
void data_lost(struct oracle *oracle, const struct oracle_device *device,
               const struct oracle_request *request, uint64_t first_512, uint64_t count_512,
               bool may_come_again)
{
    const uint32_t units = request->sector_size / BLKIF_WIRE_UNIT;
    const uint64_t oldest = oldest_besides(device, request);
    struct walk walk;

    if (oracle->data->off || !request->has_data || request->operation != BLKFRONT_WRITE)
        return;
    walk_begin(&walk, oracle, device, request);
    for (uint64_t i = first_512 / units; i < (first_512 + count_512) / units; i++) {
        struct group *group;
        struct sector *sector = walk_sector(&walk, i, false, &group);
        struct candidate *candidate =
            sector == NULL ? NULL : data_candidate_of(oracle->data, sector, request->number);

        if (candidate != NULL && may_come_again)
            candidate->lost = true;
        else if (candidate != NULL)
            data_candidate_end(oracle, device, request, sector, DATA_REFUSED, oldest);
    }
}

/* ---- the end of a read ---- */

static bool possible(const struct oracle *oracle, const struct oracle_device *device,
                     const struct oracle_request *request, uint64_t number,
                     const struct sector *sector, const uint8_t *bytes)
{
    uint64_t hash;

    if (sector->write == BASE_UNKNOWN)
        return true;
    hash = hash_xxh64(bytes, request->sector_size, 0);
    if (sector->write != BASE_NONE && sector->hash == hash)
        return true;
    for (uint32_t at = sector->more; at != 0;) {
        const struct candidate *candidate = data_candidate_at(oracle->data, at - 1);

        if (candidate->superseded > request->submitted &&
            (candidate->unknown || candidate->hash == hash))
            return true;
        at = candidate->next;
    }
    return data_may_be_zero(oracle, device, request, number, sector, bytes);
}

/* How many of the next sectors have all been written before, or all not. */
static uint32_t alike(struct walk *walk, uint32_t run, bool *touched)
{
    uint32_t count = 0;

    for (; count < run; count++) {
        uint64_t sector = walk->sector + count;
        struct group *group;
        bool here = walk_sector(walk, sector, false, &group) != NULL &&
                    (group->touched & bit_of(sector)) != 0;

        if (count == 0)
            *touched = here;
        else if (here != *touched)
            break;
    }
    return count;
}

/* Sectors that nobody has written are as they lie on the disk. */
static bool judge_untouched(struct walk *walk, const struct oracle_device *device,
                            const uint8_t *bytes, uint32_t run)
{
    uint32_t size = walk->request->sector_size, units = size / BLKIF_WIRE_UNIT;
    const uint8_t *window = walk->oracle->data->window;

    if (!data_read_disk(walk->oracle, device, walk->sector, size, run) ||
        memcmp(bytes, window, (size_t)run * size) == 0)
        return true;
    for (uint32_t i = 0; i < run; i++) {
        const uint8_t *here = bytes + (size_t)i * size;

        if (memcmp(here, window + (size_t)i * size, size) == 0 ||
            data_is_exempt(device, (walk->sector + i) * units, units) ||
            data_zeroed_since(walk->oracle, device, (walk->sector + i) * units, units,
                              walk->request->submitted))
            continue;
        data_report(walk->oracle, device, walk->request, walk->sector + i, here, NULL);
        return false;
    }
    return true;
}

static bool judge_touched(struct walk *walk, const struct oracle_device *device,
                          const uint8_t *bytes, uint32_t run)
{
    uint32_t size = walk->request->sector_size, units = size / BLKIF_WIRE_UNIT;

    for (uint32_t i = 0; i < run; i++) {
        const uint8_t *here = bytes + (size_t)i * size;
        struct group *group;
        const struct sector *sector = walk_sector(walk, walk->sector + i, false, &group);

        if (sector == NULL ||
            possible(walk->oracle, device, walk->request, walk->sector + i, sector, here) ||
            data_is_exempt(device, (walk->sector + i) * units, units))
            continue;
        data_report(walk->oracle, device, walk->request, walk->sector + i, here, sector);
        return false;
    }
    return true;
}

/* One that was answered before the power was cut, or before the disk had other sectors, holds what
 * is known no more; of a backend that was made to answer by hand nobody knows what it did, and one
 * that counts in other units means other places. */
static bool can_be_judged(const struct oracle_device *device, const struct oracle_request *request)
{
    return !device->hostile && !device->data_elsewhere && !request->marred &&
           request->submitted >= device->power_cut &&
           request->sector_size == device->data_sector_size;
}

/* One sentence a read is enough. */
static void judge_read(struct oracle *oracle, const struct oracle_device *device,
                       const struct oracle_request *request)
{
    struct walk walk;
    uint32_t run;
    bool good = true;

    for (walk_begin(&walk, oracle, device, request); good && walk.left > 0; walk_on(&walk, run)) {
        const uint8_t *bytes = walk_bytes(&walk, &run);
        bool touched = false;

        run = alike(&walk, run, &touched);
        good = touched ? judge_touched(&walk, device, bytes, run)
                       : judge_untouched(&walk, device, bytes, run);
    }
}

static enum data_end end_of(const struct oracle_request *request, int result)
{
    if (result == BLKFRONT_OK)
        return DATA_DONE;
    if (result != BLKFRONT_DEADLINE && result != BLKFRONT_DISCONNECTED)
        return DATA_FAILED;
    for (size_t i = 0; i < request->buffer_count; i++) {
        if (request->buffers[i].memory != NULL)
            return DATA_LEFT;
    }
    return DATA_FAILED;
}

void data_complete(struct oracle *oracle, struct oracle_device *device,
                   struct oracle_request *request, int result)
{
    if (oracle->data->off)
        return;
    if (request->operation == BLKFRONT_WRITE) {
        if (result == BLKFRONT_OK)
            requeue_succeeds(oracle, device, request);
        end_write(oracle, device, request, end_of(request, result));
    } else if (result == BLKFRONT_OK && can_be_judged(device, request)) {
        oracle_checked(oracle, 7);
        judge_read(oracle, device, request);
    }
}
