/* SPDX-License-Identifier: ISC */
/*
 * Where the history of sectors lies: groups of 64 sectors, found by hash in constant time, and a
 * pool of candidates. Memory grows with the sectors written and is used again.
 */
#include "oracle_data.h"

#include <string.h>

enum { BUCKETS_FIRST = 64, POINTERS_FIRST = 64, DEATHS_FIRST = 16 };

bool data_create(struct oracle *oracle)
{
    oracle->data = simback_allocate(oracle->world, sizeof(*oracle->data));
    if (oracle->data == NULL)
        return false;
    oracle->data->power_may_fail = oracle->world->options.power_may_fail;
    return true;
}

static void *out_of_memory(struct oracle *oracle)
{
    oracle->data->off = true;
    oracle->no_memory = true;
    return NULL;
}

/* An array of `size` bytes an element with room for twice as many; NULL: none, and the old one is
 * as it was. */
static void *grown(struct oracle *oracle, void *old, uint32_t *room, uint32_t first, size_t size)
{
    uint32_t more = *room == 0 ? first : *room * 2;
    void *made = simback_allocate(oracle->world, more * size);

    if (made == NULL)
        return out_of_memory(oracle);
    if (old != NULL) {
        memcpy(made, old, *room * size);
        simback_free(oracle->world, old, *room * size);
    }
    *room = more;
    return made;
}

/* ---- groups ---- */

static uint32_t bucket_of(const struct oracle_data *data, uint32_t owner, uint64_t key)
{
    uint64_t mixed = (key ^ (uint64_t)owner << 40) * UINT64_C(0x9e3779b97f4a7c15);

    return (uint32_t)(mixed >> 32) & (data->bucket_count - 1);
}

struct group *data_group_find(const struct oracle_data *data, uint32_t owner, uint64_t key)
{
    if (data->bucket_count == 0)
        return NULL;
    for (uint32_t at = data->buckets[bucket_of(data, owner, key)]; at != 0;) {
        struct group *group = data_group_at(data, at - 1);

        if (group->key == key && group->owner == owner)
            return group;
        at = group->next;
    }
    return NULL;
}

static void enter(struct oracle_data *data, uint32_t index)
{
    struct group *group = data_group_at(data, index);
    uint32_t *bucket = &data->buckets[bucket_of(data, group->owner, group->key)];

    group->next = *bucket;
    *bucket = index + 1;
}

static bool make_buckets(struct oracle *oracle)
{
    struct oracle_data *data = oracle->data;
    uint32_t old = data->bucket_count, count = old == 0 ? BUCKETS_FIRST : old * 2;
    uint32_t *buckets = simback_allocate(oracle->world, count * sizeof(buckets[0]));

    if (buckets == NULL)
        return old != 0;
    if (data->buckets != NULL)
        simback_free(oracle->world, data->buckets, old * sizeof(buckets[0]));
    data->buckets = buckets;
    data->bucket_count = count;
    for (uint32_t i = 0; i < data->group_count; i++)
        enter(data, i);
    return true;
}

struct group *data_group_get(struct oracle *oracle, uint32_t owner, uint64_t key)
{
    struct oracle_data *data = oracle->data;
    struct group *group = data_group_find(data, owner, key);
    uint32_t index = data->group_count;

    if (group != NULL)
        return group;
    if (index >= data->bucket_count && !make_buckets(oracle))
        return out_of_memory(oracle);
    if (index / GROUPS_CHUNK >= data->chunk_room) {
        struct group **chunks =
            grown(oracle, data->chunks, &data->chunk_room, POINTERS_FIRST, sizeof(struct group *));

        if (chunks == NULL)
            return NULL;
        data->chunks = chunks;
    }
    if (index % GROUPS_CHUNK == 0) {
        data->chunks[index / GROUPS_CHUNK] =
            simback_allocate(oracle->world, GROUPS_CHUNK * sizeof(struct group));
        if (data->chunks[index / GROUPS_CHUNK] == NULL)
            return out_of_memory(oracle);
    }
    data->group_count++;
    group = data_group_at(data, index);
    group->key = key;
    group->owner = owner;
    enter(data, index);
    return group;
}

/* ---- candidates ---- */

static bool more_candidates(struct oracle *oracle)
{
    struct oracle_data *data = oracle->data;
    uint32_t chunk = data->candidate_chunk_count;

    if (chunk == data->candidate_chunk_room) {
        struct candidate **chunks =
            grown(oracle, data->candidate_chunks, &data->candidate_chunk_room, POINTERS_FIRST,
                  sizeof(struct candidate *));

        if (chunks == NULL)
            return false;
        data->candidate_chunks = chunks;
    }
    data->candidate_chunks[chunk] =
        simback_allocate(oracle->world, CANDIDATES_CHUNK * sizeof(struct candidate));
    if (data->candidate_chunks[chunk] == NULL)
        return out_of_memory(oracle) != NULL;
    data->candidate_chunk_count++;
    for (uint32_t i = CANDIDATES_CHUNK; i > 0; i--) {
        uint32_t index = chunk * CANDIDATES_CHUNK + i - 1;

        data_candidate_at(data, index)->next = data->free_candidate;
        data->free_candidate = index + 1;
    }
    return true;
}

uint32_t data_candidate_new(struct oracle *oracle)
{
    struct oracle_data *data = oracle->data;
    uint32_t taken;

    if (data->free_candidate == 0 && !more_candidates(oracle))
        return 0;
    taken = data->free_candidate;
    data->free_candidate = data_candidate_at(data, taken - 1)->next;
    return taken;
}

void data_candidate_free(struct oracle_data *data, uint32_t index_plus_one)
{
    data_candidate_at(data, index_plus_one - 1)->next = data->free_candidate;
    data->free_candidate = index_plus_one;
}

/* ---- connections that are dead ---- */

uint64_t data_death(const struct oracle_data *data, uint64_t connection)
{
    if (connection >= data->death_room || data->deaths[connection] == 0)
        return DATA_NEVER;
    return data->deaths[connection];
}

bool data_set_death(struct oracle *oracle, uint64_t connection, uint64_t stamp)
{
    struct oracle_data *data = oracle->data;

    while (connection >= data->death_room) {
        uint64_t *deaths =
            grown(oracle, data->deaths, &data->death_room, DEATHS_FIRST, sizeof(uint64_t));

        if (deaths == NULL)
            return false;
        data->deaths = deaths;
    }
    if (data->deaths[connection] == 0)
        data->deaths[connection] = stamp;
    return true;
}

void data_revive(struct oracle_data *data, uint64_t connection)
{
    if (connection < data->death_room)
        data->deaths[connection] = 0;
}
