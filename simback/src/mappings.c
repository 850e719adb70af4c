/* SPDX-License-Identifier: ISC */
/*
 * Grants that a queue keeps mapped between requests, found by their reference: a table with buckets
 * and a list in the order of last use. It lets go of them as the dialect says: by a tick, what was
 * not used for long, and a share of all when there was no room for another. What is in use, or was
 * mapped with too few rights, is not found.
 */
#include "backend_internal.h"

static uint32_t bucket_of(const struct mapping_table *table, uint32_t ref)
{
    return ref * UINT32_C(2654435761) >> 7 & (table->bucket_count - 1);
}

/* ---- lists ---- */

static void unlink_used(struct mapping_table *table, uint32_t index)
{
    struct mapping *entry = &table->entries[index];

    if (entry->older == MAPPING_NONE)
        table->oldest = entry->newer;
    else
        table->entries[entry->older].newer = entry->newer;
    if (entry->newer == MAPPING_NONE)
        table->newest = entry->older;
    else
        table->entries[entry->newer].older = entry->older;
}

static void link_newest(struct mapping_table *table, uint32_t index)
{
    struct mapping *entry = &table->entries[index];

    entry->older = table->newest;
    entry->newer = MAPPING_NONE;
    if (table->newest == MAPPING_NONE)
        table->oldest = index;
    else
        table->entries[table->newest].newer = index;
    table->newest = index;
}

static uint32_t find(const struct mapping_table *table, uint32_t ref)
{
    uint32_t index;

    if (table->count == 0)
        return MAPPING_NONE;
    index = table->buckets[bucket_of(table, ref)];
    while (index != MAPPING_NONE && table->entries[index].ref != ref)
        index = table->entries[index].next;
    return index;
}

/* Takes it out of the table and unmaps it. */
static void let_go(struct backend_queue *queue, uint32_t index)
{
    struct mapping_table *table = &queue->mappings;
    struct mapping *entry = &table->entries[index];
    uint32_t *link = &table->buckets[bucket_of(table, entry->ref)];

    while (*link != index)
        link = &table->entries[*link].next;
    *link = entry->next;
    unlink_used(table, index);
    table->count--;
    entry->next = table->free;
    table->free = index;
    connect_unmap(queue->backend, &entry->ref, &entry->page, 1);
}

/* ---- the table ---- */

bool mappings_create(struct backend_queue *queue, uint32_t most)
{
    const struct simback_host *host = queue->backend->host;
    struct mapping_table *table = &queue->mappings;
    uint32_t buckets = 16;

    *table = (struct mapping_table){0};
    if (most == 0)
        return true;
    while (buckets < most)
        buckets *= 2;
    table->entries = host->allocate(host->context, sizeof(*table->entries) * most);
    table->buckets = host->allocate(host->context, sizeof(*table->buckets) * buckets);
    table->size = most;
    table->bucket_count = buckets;
    table->oldest = MAPPING_NONE;
    table->newest = MAPPING_NONE;
    table->free = MAPPING_NONE;
    if (table->entries == NULL || table->buckets == NULL) {
        mappings_destroy(queue);
        return false;
    }
    for (uint32_t i = 0; i < buckets; i++)
        table->buckets[i] = MAPPING_NONE;
    for (uint32_t i = most; i-- > 0; table->free = i)
        table->entries[i].next = table->free;
    table->tick_ns = host->now(host->context) + queue->backend->dialect->lru_interval_ns;
    return true;
}

void mappings_destroy(struct backend_queue *queue)
{
    const struct simback_host *host = queue->backend->host;
    struct mapping_table *table = &queue->mappings;

    while (table->count != 0)
        let_go(queue, table->oldest);
    if (table->entries != NULL)
        host->free(host->context, table->entries, sizeof(*table->entries) * table->size);
    if (table->buckets != NULL)
        host->free(host->context, table->buckets, sizeof(*table->buckets) * table->bucket_count);
    *table = (struct mapping_table){0};
}

uint32_t mappings_take(struct backend_queue *queue, uint32_t ref, bool writable)
{
    struct mapping_table *table = &queue->mappings;
    const uint32_t index = find(table, ref);

    if (index == MAPPING_NONE || table->entries[index].uses != 0 ||
        (writable && !table->entries[index].writable))
        return MAPPING_NONE;
    table->entries[index].uses++;
    return index;
}

uint32_t mappings_keep(struct backend_queue *queue, uint32_t ref, void *page, bool writable)
{
    struct mapping_table *table = &queue->mappings;
    uint32_t index = find(table, ref);
    struct mapping *entry;
    uint32_t *bucket;

    if (table->entries == NULL)
        return MAPPING_NONE;
    if (index != MAPPING_NONE) {
        /* The one that is there had too few rights, or it is in use. */
        if (table->entries[index].uses != 0)
            return MAPPING_NONE;
        let_go(queue, index);
    }
    index = table->free;
    if (index == MAPPING_NONE) {
        table->overflowed = true;
        return MAPPING_NONE;
    }
    entry = &table->entries[index];
    table->free = entry->next;
    bucket = &table->buckets[bucket_of(table, ref)];
    *entry = (struct mapping){
        .page = page, .ref = ref, .uses = 1, .writable = writable, .next = *bucket};
    *bucket = index;
    link_newest(table, index);
    table->count++;
    return index;
}

void mappings_give_back(struct backend_queue *queue, uint32_t index)
{
    const struct simback_host *host = queue->backend->host;
    struct mapping_table *table = &queue->mappings;
    struct mapping *entry = &table->entries[index];

    entry->uses--;
    entry->used_ns = host->now(host->context);
    unlink_used(table, index);
    link_newest(table, index);
}

/* ---- letting go ---- */

/* Of the oldest that are not in use: those unused for too long, and `share` of all. */
static void purge(struct backend_queue *queue, uint64_t now, uint32_t share)
{
    const uint64_t unused = queue->backend->dialect->lru_unused_ns;
    struct mapping_table *table = &queue->mappings;

    for (uint32_t index = table->oldest; index != MAPPING_NONE;) {
        const struct mapping *entry = &table->entries[index];
        const uint32_t newer = entry->newer;
        const bool stale = unused != 0 && now - entry->used_ns >= unused;

        if (entry->uses == 0 && !stale && share == 0)
            return;
        if (entry->uses == 0) {
            let_go(queue, index);
            share -= share != 0;
        }
        index = newer;
    }
}

/* As blkback reckons: of 1056 5 % are 50. */
static uint32_t share_of(uint32_t size, uint32_t percent)
{
    return size >= 100 ? size / 100 * percent : size * percent / 100;
}

void mappings_tick(struct backend_queue *queue)
{
    const struct simback_host *host = queue->backend->host;
    const struct simback_dialect *dialect = queue->backend->dialect;
    struct mapping_table *table = &queue->mappings;
    uint64_t now;

    if (table->entries == NULL)
        return;
    now = host->now(host->context);
    if (now < table->tick_ns)
        return;
    table->tick_ns = now + dialect->lru_interval_ns;
    purge(queue, now, table->overflowed ? share_of(table->size, dialect->lru_percent) : 0);
    table->overflowed = false;
}

uint64_t mappings_due(const struct backend_queue *queue)
{
    const struct mapping_table *table = &queue->mappings;
    const uint64_t unused = queue->backend->dialect->lru_unused_ns;
    uint64_t due = SIMBACK_NEVER;

    if (table->count == 0)
        return SIMBACK_NEVER;
    if (unused != 0 && table->entries[table->oldest].uses == 0)
        due = table->entries[table->oldest].used_ns + unused;
    if (table->overflowed)
        due = table->tick_ns;
    return due < table->tick_ns ? table->tick_ns : due;
}
