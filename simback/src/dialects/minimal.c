/* SPDX-License-Identifier: ISC */
/*
 * The smallest backend that blkif.h allows: sectors, sector-size and info at Connected and nothing
 * else. A frontend that needs more than the defaults fails here. What an option adds is published
 * before InitWait (limits) or at Connected (features).
 */
#include "../dialect.h"

const struct simback_dialect simback_dialect_minimal = {
    .name = "minimal",
    .directory = "vbd",
    .rows =
        {
            {NODE_FEATURE_MAX_INDIRECT_SEGMENTS, PHASE_INIT_WAIT, false},
            {NODE_MULTI_QUEUE_MAX_QUEUES, PHASE_INIT_WAIT, false},
            {NODE_MAX_RING_PAGE_ORDER, PHASE_INIT_WAIT, false},
            {NODE_SECTORS, PHASE_CONNECTED, true},
            {NODE_SECTOR_SIZE, PHASE_CONNECTED, true},
            {NODE_INFO, PHASE_CONNECTED, true},
            {NODE_PHYSICAL_SECTOR_SIZE, PHASE_CONNECTED, false},
            {NODE_FEATURE_FLUSH_CACHE, PHASE_CONNECTED, false},
            {NODE_FEATURE_BARRIER, PHASE_CONNECTED, false},
            {NODE_FEATURE_DISCARD, PHASE_CONNECTED, false},
            {NODE_DISCARD_GRANULARITY, PHASE_CONNECTED, false},
            {NODE_DISCARD_ALIGNMENT, PHASE_CONNECTED, false},
            {NODE_DISCARD_SECURE, PHASE_CONNECTED, false},
            {NODE_FEATURE_PERSISTENT, PHASE_CONNECTED, false},
        },
    .row_count = 14,
    .flush = false,
    .barrier = false,
    .discard = false,
    .persistent = false,
    .ring_order = 0,
    .queues = 1,
    .segments = 0,
    .reads_num_ring_pages = true,
    .default_abi_32 = false,
    .unknown_op = BLKIF_WIRE_EOPNOTSUPP,
    .no_segments = BLKIF_WIRE_ERROR,
    .flush_not_offered = BLKIF_WIRE_EOPNOTSUPP,
    .barrier_not_offered = BLKIF_WIRE_EOPNOTSUPP,
    .discard_not_offered = BLKIF_WIRE_EOPNOTSUPP,
    .indirect_answers_inner = true,
};
