/* SPDX-License-Identifier: ISC */
/*
 * Publishing: the dialect's rows of a phase, in its order, in one transaction. A value that says
 * nothing is written or left out as the row says.
 */
#include "backend_internal.h"

#include <blkfront/platform.h>

static const char *const node_names[] = {
    [NODE_FEATURE_FLUSH_CACHE] = BLKIF_NODE_FEATURE_FLUSH_CACHE,
    [NODE_FEATURE_DISCARD] = BLKIF_NODE_FEATURE_DISCARD,
    [NODE_DISCARD_GRANULARITY] = BLKIF_NODE_DISCARD_GRANULARITY,
    [NODE_DISCARD_ALIGNMENT] = BLKIF_NODE_DISCARD_ALIGNMENT,
    [NODE_DISCARD_SECURE] = BLKIF_NODE_DISCARD_SECURE,
    [NODE_FEATURE_BARRIER] = BLKIF_NODE_FEATURE_BARRIER,
    [NODE_FEATURE_PERSISTENT] = BLKIF_NODE_FEATURE_PERSISTENT,
    [NODE_FEATURE_MAX_INDIRECT_SEGMENTS] = BLKIF_NODE_FEATURE_MAX_INDIRECT_SEGMENTS,
    [NODE_MULTI_QUEUE_MAX_QUEUES] = BLKIF_NODE_MULTI_QUEUE_MAX_QUEUES,
    [NODE_MAX_RING_PAGE_ORDER] = BLKIF_NODE_MAX_RING_PAGE_ORDER,
    [NODE_SECTORS] = BLKIF_NODE_SECTORS,
    [NODE_INFO] = BLKIF_NODE_INFO,
    [NODE_SECTOR_SIZE] = BLKIF_NODE_SECTOR_SIZE,
    [NODE_PHYSICAL_SECTOR_SIZE] = BLKIF_NODE_PHYSICAL_SECTOR_SIZE,
};

uint64_t publish_sectors_512(const struct simback_backend_options *options)
{
    const uint64_t units = options->sector_size / BLKIF_WIRE_UNIT;

    if (units <= 1)
        return options->sectors;
    return options->sectors > UINT64_MAX / units ? UINT64_MAX : options->sectors * units;
}

static uint64_t info_value(const struct simback_backend *backend)
{
    const struct simback_backend_options *options = &backend->options;
    uint64_t info = 0;

    if (options->info >= 0)
        info = (uint64_t)options->info;
    else
        info = (options->cdrom ? BLKIF_WIRE_INFO_CDROM : 0u) |
               (options->removable ? BLKIF_WIRE_INFO_REMOVABLE : 0u) |
               (options->mode_read_only ? BLKIF_WIRE_INFO_READONLY : 0u);
    if (backend->gone_read_only)
        info |= BLKIF_WIRE_INFO_READONLY;
    return info;
}

/* The value of a row's node, and whether it says something. */
static uint64_t row_value(const struct simback_backend *backend, enum dialect_node node,
                          bool *speaks)
{
    uint64_t value = 0;

    *speaks = true;
    switch (node) {
    case NODE_FEATURE_FLUSH_CACHE: value = backend->flush; break;
    case NODE_FEATURE_DISCARD: value = backend->discard; break;
    case NODE_FEATURE_BARRIER: value = backend->barrier; break;
    case NODE_FEATURE_PERSISTENT: value = backend->persistent; break;
    case NODE_FEATURE_MAX_INDIRECT_SEGMENTS: value = backend->segments; break;
    case NODE_MAX_RING_PAGE_ORDER: value = backend->ring_order; break;
    case NODE_MULTI_QUEUE_MAX_QUEUES: *speaks = backend->max_queues > 1; return backend->max_queues;
    case NODE_DISCARD_GRANULARITY: return backend->physical_sector_size;
    case NODE_DISCARD_ALIGNMENT:
    case NODE_DISCARD_SECURE: return 0;
    case NODE_SECTORS: return publish_sectors_512(&backend->options);
    case NODE_INFO: return info_value(backend);
    case NODE_SECTOR_SIZE: return backend->options.sector_size;
    case NODE_PHYSICAL_SECTOR_SIZE:
        *speaks = backend->physical_sector_size != backend->options.sector_size;
        return backend->physical_sector_size;
    }
    *speaks = value != 0;
    return value;
}

static bool is_discard_detail(enum dialect_node node)
{
    return node == NODE_DISCARD_GRANULARITY || node == NODE_DISCARD_ALIGNMENT ||
           node == NODE_DISCARD_SECURE;
}

static int publish_row(struct simback_backend *backend, uint32_t transaction,
                       const struct dialect_row *row)
{
    bool speaks;
    const uint64_t value = row_value(backend, row->node, &speaks);

    if (is_discard_detail(row->node) && !backend->discard)
        return 0;
    if (!speaks && !row->write_default)
        return 0;
    return node_write_number(backend, transaction, node_names[row->node], value);
}

int publish_nodes(struct simback_backend *backend, enum dialect_phase phase)
{
    const struct simback_host *host = backend->host;
    uint32_t transaction;
    int result, end;

    result = host->transaction_start(host->context, &transaction);
    if (result != 0)
        return result;
    for (uint32_t i = 0; result == 0 && i < backend->dialect->row_count; i++) {
        if (backend->dialect->rows[i].phase == phase)
            result = publish_row(backend, transaction, &backend->dialect->rows[i]);
    }
    end = host->transaction_end(host->context, transaction, result == 0);
    return result != 0 ? result : end;
}

int publish_info(struct simback_backend *backend)
{
    return node_write_number(backend, 0, BLKIF_NODE_INFO, info_value(backend));
}
