/* SPDX-License-Identifier: ISC */
/*
 * The values that a sector may have (I7): what becomes of them when a write ends.
 */
#include "oracle_data.h"

static uint64_t ended(const struct oracle_data *data, const struct candidate *candidate)
{
    return candidate->failed ? data_death(data, candidate->connection) : candidate->ended;
}

struct candidate *data_candidate_of(const struct oracle_data *data, const struct sector *sector,
                                    uint64_t write)
{
    for (uint32_t at = sector->more; at != 0;) {
        struct candidate *candidate = data_candidate_at(data, at - 1);

        if (candidate->write == write && !candidate->definite)
            return candidate;
        at = candidate->next;
    }
    return NULL;
}

bool data_candidate_add(struct oracle *oracle, struct sector *sector,
                        const struct candidate *candidate)
{
    uint32_t index = data_candidate_new(oracle);

    if (index == 0)
        return false;
    *data_candidate_at(oracle->data, index - 1) = *candidate;
    data_candidate_at(oracle->data, index - 1)->next = sector->more;
    sector->more = index;
    return true;
}

/* What was the base is a candidate, if anybody may still see it. */
static void end_base(struct oracle *oracle, struct sector *sector, uint64_t oldest)
{
    struct candidate old = {
        .hash = sector->hash,
        .write = sector->write == BASE_UNKNOWN ? 0 : sector->write,
        .superseded = oracle->stamp,
        .definite = true,
        .unknown = sector->write == BASE_UNKNOWN,
    };

    if (sector->write == BASE_NONE)
        return;
    if ((oracle->stamp <= oldest && !oracle->data->power_may_fail) ||
        data_candidate_add(oracle, sector, &old))
        sector->write = BASE_NONE;
}

/* Has either of two a place that a barrier gives it? On one connection alone: another one gets what
 * has not been answered again, behind what has been. */
static bool is_in_order(const struct oracle *oracle, const struct oracle_device *device,
                        const struct oracle_request *request)
{
    const struct simback_backend *backend = data_backend(oracle, device);

    return device->connection != 0 && request->born == device->connection &&
           (backend == NULL || !simback_backend_moves_barriers(backend));
}

/* Does a barrier, which one of the two is, keep the candidate before the write? */
static bool goes_before(const struct candidate *candidate, const struct oracle_request *request)
{
    return candidate->queue == request->queue && candidate->submitted < request->submitted &&
           candidate->connection == request->born && candidate->write != 0 && !candidate->failed &&
           (candidate->barrier || (request->flags & BLKFRONT_BARRIER) != 0);
}

/* The write is acknowledged, so what goes before it has taken effect, whenever it is. */
static void overtake(const struct oracle *oracle, struct candidate *candidate)
{
    candidate->overtaken = !candidate->definite;
    if (candidate->definite && candidate->superseded == DATA_NEVER)
        candidate->superseded = oracle->stamp;
}

/* What was settled before the write began is no value any more; nor after a power cut, if the write
 * is durable. */
static void supersede(const struct oracle *oracle, const struct oracle_device *device,
                      const struct sector *sector, const struct oracle_request *request)
{
    const bool durable = device->flush_offered && (request->flags & BLKFRONT_FUA) != 0;
    const bool in_order = is_in_order(oracle, device, request);

    for (uint32_t at = sector->more; at != 0;) {
        struct candidate *candidate = data_candidate_at(oracle->data, at - 1);

        if (ended(oracle->data, candidate) < request->submitted) {
            candidate->outdated |= durable;
            if (candidate->superseded == DATA_NEVER)
                candidate->superseded = oracle->stamp;
        } else if (in_order && goes_before(candidate, request)) {
            overtake(oracle, candidate);
        }
        at = candidate->next;
    }
}

/* Nothing else may still become the sector's value: neither in flight, nor failed, nor acknowledged
 * in an order that nobody knows. */
static bool is_alone(const struct oracle_data *data, const struct sector *sector,
                     const struct candidate *candidate)
{
    if (sector->write == BASE_NONE)
        return false;
    for (uint32_t at = sector->more; at != 0;) {
        const struct candidate *other = data_candidate_at(data, at - 1);

        if (other != candidate && other->superseded == DATA_NEVER)
            return false;
        at = other->next;
    }
    return true;
}

/* The write's value is the base from now on, and what was the base the candidate that reads in
 * flight may still see. */
static void change_places(struct sector *sector, struct candidate *candidate, uint64_t stamp)
{
    const struct sector before = *sector;

    sector->hash = candidate->hash;
    sector->write = (uint32_t)candidate->write;
    *candidate = (struct candidate){
        .hash = before.hash,
        .write = before.write == BASE_UNKNOWN ? 0 : before.write,
        .superseded = stamp,
        .next = candidate->next,
        .definite = true,
        .unknown = before.write == BASE_UNKNOWN,
    };
}

void data_candidate_end(struct oracle *oracle, const struct oracle_device *device,
                        const struct oracle_request *request, struct sector *sector,
                        enum data_end end, uint64_t oldest)
{
    struct candidate *candidate = data_candidate_of(oracle->data, sector, request->number);

    if (candidate == NULL)
        return;
    if (end == DATA_REFUSED) {
        candidate->superseded = 0;
        candidate->outdated = true;
    } else if (end == DATA_DONE && candidate->lost) {
        candidate->ended = oracle->stamp;
    } else if (end == DATA_DONE && candidate->overtaken &&
               candidate->connection == device->connection) {
        candidate->definite = true;
        candidate->ended = candidate->superseded = oracle->stamp;
        supersede(oracle, device, sector, request);
    } else if (end == DATA_DONE) {
        if (is_alone(oracle->data, sector, candidate)) {
            change_places(sector, candidate, oracle->stamp);
        } else {
            candidate->definite = true;
            candidate->ended = oracle->stamp;
            end_base(oracle, sector, oldest);
        }
        supersede(oracle, device, sector, request);
    } else {
        candidate->connection = request->connection != 0 ? request->connection : device->connection;
        candidate->failed = candidate->connection != 0;
        candidate->unknown |= candidate->failed && end == DATA_LEFT;
        candidate->ended = oracle->stamp; /* without a connection it cannot happen any more */
    }
    data_prune(oracle->data, device, sector, oldest);
}
