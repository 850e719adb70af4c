/* SPDX-License-Identifier: ISC */
/*
 * The list of built-in dialects, how one is found by its name, and what makes one usable. What each
 * of them does is data in dialects/.
 */
#include "dialect.h"

#include <string.h>

static const struct simback_dialect *const dialects[] = {
    &simback_dialect_linux,  &simback_dialect_qemu,    &simback_dialect_tapdisk,
    &simback_dialect_mirage, &simback_dialect_minimal, &simback_dialect_everything,
};

enum { DIALECTS = sizeof(dialects) / sizeof(dialects[0]) };

static const char *const node_names[SIMBACK_NODE_COUNT] = {
    [SIMBACK_NODE_FEATURE_FLUSH_CACHE] = BLKIF_NODE_FEATURE_FLUSH_CACHE,
    [SIMBACK_NODE_FEATURE_DISCARD] = BLKIF_NODE_FEATURE_DISCARD,
    [SIMBACK_NODE_DISCARD_GRANULARITY] = BLKIF_NODE_DISCARD_GRANULARITY,
    [SIMBACK_NODE_DISCARD_ALIGNMENT] = BLKIF_NODE_DISCARD_ALIGNMENT,
    [SIMBACK_NODE_DISCARD_SECURE] = BLKIF_NODE_DISCARD_SECURE,
    [SIMBACK_NODE_FEATURE_BARRIER] = BLKIF_NODE_FEATURE_BARRIER,
    [SIMBACK_NODE_FEATURE_PERSISTENT] = BLKIF_NODE_FEATURE_PERSISTENT,
    [SIMBACK_NODE_FEATURE_MAX_INDIRECT_SEGMENTS] = BLKIF_NODE_FEATURE_MAX_INDIRECT_SEGMENTS,
    [SIMBACK_NODE_MULTI_QUEUE_MAX_QUEUES] = BLKIF_NODE_MULTI_QUEUE_MAX_QUEUES,
    [SIMBACK_NODE_MAX_RING_PAGE_ORDER] = BLKIF_NODE_MAX_RING_PAGE_ORDER,
    [SIMBACK_NODE_MAX_RING_PAGES] = BLKIF_NODE_MAX_RING_PAGES,
    [SIMBACK_NODE_SECTORS] = BLKIF_NODE_SECTORS,
    [SIMBACK_NODE_INFO] = BLKIF_NODE_INFO,
    [SIMBACK_NODE_SECTOR_SIZE] = BLKIF_NODE_SECTOR_SIZE,
    [SIMBACK_NODE_PHYSICAL_SECTOR_SIZE] = BLKIF_NODE_PHYSICAL_SECTOR_SIZE,
    [SIMBACK_NODE_HOTPLUG_STATUS] = BLKIF_NODE_HOTPLUG_STATUS,
};

const struct simback_dialect *simback_dialect_at(size_t index)
{
    return index < DIALECTS ? dialects[index] : NULL;
}

const char *simback_dialect_name(size_t index)
{
    return index < DIALECTS ? dialects[index]->name : NULL;
}

const struct simback_dialect *simback_dialect_find(const char *name)
{
    if (name == NULL)
        return NULL;
    for (size_t i = 0; i < DIALECTS; i++) {
        if (strcmp(dialects[i]->name, name) == 0)
            return dialects[i];
    }
    return NULL;
}

const char *simback_node_name(unsigned node)
{
    return node < SIMBACK_NODE_COUNT ? node_names[node] : NULL;
}

/* Letters, digits, '-' and '_': what can stand in a path and in a word of a scenario. */
static bool is_name(const char *text, size_t size)
{
    size_t length = 0;

    for (; length < size && text[length] != '\0'; length++) {
        const char c = text[length];

        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
              c == '-' || c == '_'))
            return false;
    }
    return length != 0 && length < size;
}

static bool rows_are_good(const struct simback_dialect *dialect)
{
    uint32_t seen = 0;

    if (dialect->row_count > SIMBACK_DIALECT_ROWS)
        return false;
    for (uint32_t i = 0; i < dialect->row_count; i++) {
        const struct simback_dialect_row *row = &dialect->rows[i];

        if (row->node >= SIMBACK_NODE_COUNT || row->phase > SIMBACK_AT_CONNECTED ||
            row->always > 1 || memchr(row->value, '\0', sizeof(row->value)) == NULL ||
            (seen >> row->node & 1) != 0)
            return false;
        seen |= UINT32_C(1) << row->node;
    }
    return true;
}

bool simback_dialect_check(const struct simback_dialect *dialect)
{
    return is_name(dialect->name, sizeof(dialect->name)) &&
           is_name(dialect->directory, sizeof(dialect->directory)) &&
           memchr(dialect->about, '\0', sizeof(dialect->about)) != NULL && rows_are_good(dialect) &&
           dialect->ring_order <= BLKIF_WIRE_RING_ORDER_MAX && dialect->info_bits <= 7 &&
           dialect->segments <= BLKIF_WIRE_SEGMENTS_MAX &&
           dialect->spelling <= SIMBACK_SPELLING_BOTH &&
           dialect->default_abi <= SIMBACK_DEFAULT_ABI_NONE &&
           dialect->units <= SIMBACK_UNITS_MIXED && dialect->indirect_pages >= 1 &&
           dialect->indirect_pages <= BLKIF_WIRE_INDIRECT_PAGES &&
           dialect->closing <= SIMBACK_CLOSING_SILENT &&
           dialect->vanished <= SIMBACK_VANISHED_WAITS && dialect->lru_percent <= 100;
}
