/* SPDX-License-Identifier: ISC */
/*
 * Publishing: the dialect's rows of a phase, in its order, in one transaction. A value that says
 * nothing is written or left out as the row says.
 */
#include "backend_internal.h"

#include <blkfront/platform.h>

uint64_t publish_sectors_512(const struct simback_backend_options *options)
{
    const uint64_t units = options->sector_size / BLKIF_WIRE_UNIT;

    if (units <= 1)
        return options->sectors;
    return options->sectors > UINT64_MAX / units ? UINT64_MAX : options->sectors * units;
}

/* The size as the dialect counts it. */
static uint64_t sectors_value(const struct simback_backend *backend)
{
    return backend->dialect->units == SIMBACK_UNITS_512 ? publish_sectors_512(&backend->options)
                                                        : backend->options.sectors;
}

static uint64_t info_value(const struct simback_backend *backend)
{
    const struct simback_backend_options *options = &backend->options;
    uint64_t info = 0;

    if (options->info >= 0)
        info = (uint64_t)options->info;
    else
        info = ((options->cdrom ? BLKIF_WIRE_INFO_CDROM : 0u) |
                (options->removable ? BLKIF_WIRE_INFO_REMOVABLE : 0u) |
                (options->mode_read_only ? BLKIF_WIRE_INFO_READONLY : 0u)) &
               backend->dialect->info_bits;
    if (backend->set_read_only == SIMBACK_YES)
        info |= BLKIF_WIRE_INFO_READONLY;
    else if (backend->set_read_only == SIMBACK_NO)
        info &= ~(uint64_t)BLKIF_WIRE_INFO_READONLY;
    return info;
}

/* The value of a row's node, and whether it says something. */
static uint64_t row_value(const struct simback_backend *backend, enum simback_node node,
                          bool *speaks)
{
    uint64_t value = 0;

    *speaks = true;
    switch (node) {
    case SIMBACK_NODE_FEATURE_FLUSH_CACHE: value = backend->flush; break;
    case SIMBACK_NODE_FEATURE_DISCARD: value = backend->discard; break;
    case SIMBACK_NODE_FEATURE_BARRIER: value = backend->barrier; break;
    case SIMBACK_NODE_FEATURE_PERSISTENT: value = backend->persistent; break;
    case SIMBACK_NODE_FEATURE_MAX_INDIRECT_SEGMENTS: value = backend->segments; break;
    case SIMBACK_NODE_MAX_RING_PAGE_ORDER: value = backend->ring_order; break;
    case SIMBACK_NODE_MAX_RING_PAGES:
        *speaks = backend->ring_order != 0;
        return UINT64_C(1) << backend->ring_order;
    case SIMBACK_NODE_MULTI_QUEUE_MAX_QUEUES:
        *speaks = backend->max_queues > 1;
        return backend->max_queues;
    case SIMBACK_NODE_DISCARD_GRANULARITY: return backend->discard_granularity;
    case SIMBACK_NODE_DISCARD_ALIGNMENT: return backend->discard_alignment;
    case SIMBACK_NODE_DISCARD_SECURE: value = backend->discard_secure; break;
    case SIMBACK_NODE_SECTORS: return sectors_value(backend);
    case SIMBACK_NODE_INFO: return info_value(backend);
    case SIMBACK_NODE_SECTOR_SIZE: return backend->options.sector_size;
    case SIMBACK_NODE_PHYSICAL_SECTOR_SIZE:
        *speaks = backend->physical_sector_size != backend->options.sector_size;
        return backend->physical_sector_size;
    case SIMBACK_NODE_HOTPLUG_STATUS:
    case SIMBACK_NODE_COUNT: break;
    }
    *speaks = value != 0;
    return value;
}

static bool is_discard_detail(enum simback_node node)
{
    return node == SIMBACK_NODE_DISCARD_GRANULARITY || node == SIMBACK_NODE_DISCARD_ALIGNMENT ||
           node == SIMBACK_NODE_DISCARD_SECURE;
}

/* A feature whose node says 0 by now is not offered again while in use. */
static bool is_withdrawn(const struct simback_backend *backend, enum simback_node node)
{
    return backend->state == BLKIF_WIRE_CONNECTED &&
           ((node == SIMBACK_NODE_FEATURE_FLUSH_CACHE && !backend->says_flush) ||
            (node == SIMBACK_NODE_FEATURE_BARRIER && !backend->says_barrier));
}

static int publish_row(struct simback_backend *backend, uint32_t transaction,
                       const struct simback_dialect_row *row)
{
    const enum simback_node node = (enum simback_node)row->node;
    bool speaks = false;
    uint64_t value;

    if ((is_discard_detail(node) && !backend->discard) ||
        (node == SIMBACK_NODE_FEATURE_DISCARD && backend->discard_disabled))
        return 0;
    if (row->value[0] != '\0')
        return node_write(backend, transaction, simback_node_name(node), row->value);
    value = is_withdrawn(backend, node) ? 0 : row_value(backend, node, &speaks);
    if (!speaks && !row->always)
        return 0;
    if (node == SIMBACK_NODE_FEATURE_FLUSH_CACHE)
        backend->says_flush = value != 0;
    if (node == SIMBACK_NODE_FEATURE_BARRIER)
        backend->says_barrier = value != 0;
    return node_write_number(backend, transaction, simback_node_name(node), value);
}

/* The toolstack may have forbidden discards; most backends do not ask. */
static void obey_discard_enable(struct simback_backend *backend)
{
    uint64_t enable = 1;

    if (!backend->dialect->discard_enable)
        return;
    (void)node_read_number(backend, backend->back, BLKIF_NODE_DISCARD_ENABLE, 1, &enable);
    backend->discard_disabled = enable == 0;
    if (enable == 0)
        backend->discard = false;
}

static unsigned updates_of(enum simback_node node)
{
    if (node == SIMBACK_NODE_INFO)
        return UPDATE_INFO | UPDATE_ALL;
    if (node == SIMBACK_NODE_SECTORS)
        return UPDATE_SIZE | UPDATE_ALL;
    if (node == SIMBACK_NODE_SECTOR_SIZE || node == SIMBACK_NODE_PHYSICAL_SECTOR_SIZE)
        return UPDATE_SECTOR_SIZE | UPDATE_ALL;
    return UPDATE_ALL;
}

/* Rows of the phases (bits 1 << phase) that belong to the updates. */
static bool belongs(const struct simback_dialect_row *row, unsigned phases, unsigned updates)
{
    return (phases >> row->phase & 1) != 0 &&
           (updates_of((enum simback_node)row->node) & updates) != 0;
}

static bool has_any(const struct simback_dialect *dialect, unsigned phases, unsigned updates)
{
    for (uint32_t i = 0; i < dialect->row_count; i++) {
        if (belongs(&dialect->rows[i], phases, updates))
            return true;
    }
    return false;
}

/* All of them in one transaction. */
static int publish(struct simback_backend *backend, unsigned phases, unsigned updates)
{
    const struct simback_host *host = backend->host;
    uint32_t transaction;
    int result, end;

    if (!has_any(backend->dialect, phases, updates))
        return 0;
    obey_discard_enable(backend);
    result = host->transaction_start(host->context, &transaction);
    if (result != 0)
        return result;
    for (uint32_t i = 0; result == 0 && i < backend->dialect->row_count; i++) {
        if (belongs(&backend->dialect->rows[i], phases, updates))
            result = publish_row(backend, transaction, &backend->dialect->rows[i]);
    }
    end = host->transaction_end(host->context, transaction, result == 0);
    return result != 0 ? result : end;
}

int publish_nodes(struct simback_backend *backend, enum simback_phase phase)
{
    return publish(backend, 1u << phase, UPDATE_ALL);
}

int publish_updates(struct simback_backend *backend, unsigned updates)
{
    unsigned phases = 1u << SIMBACK_AT_START | 1u << SIMBACK_AT_INIT_WAIT;

    if (backend->state == BLKIF_WIRE_CONNECTED)
        phases |= 1u << SIMBACK_AT_CONNECTED;
    return publish(backend, phases, updates);
}

void publish_forget(struct simback_backend *backend)
{
    for (uint32_t i = 0; i < backend->dialect->row_count; i++) {
        if (backend->dialect->rows[i].phase == SIMBACK_AT_CONNECTED)
            node_remove(backend, simback_node_name(backend->dialect->rows[i].node));
    }
}

void publish_unsupported(struct simback_backend *backend, uint8_t operation)
{
    bool *published = operation == BLKIF_WIRE_FLUSH_DISKCACHE ? &backend->says_flush
                      : operation == BLKIF_WIRE_WRITE_BARRIER ? &backend->says_barrier
                                                              : NULL;

    if (published == NULL || !*published || !backend->dialect->rewrites)
        return;
    *published = false;
    (void)node_write_number(backend, 0,
                            operation == BLKIF_WIRE_FLUSH_DISKCACHE ? BLKIF_NODE_FEATURE_FLUSH_CACHE
                                                                    : BLKIF_NODE_FEATURE_BARRIER,
                            0);
}
