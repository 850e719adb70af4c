/* SPDX-License-Identifier: ISC */
/*
 * Linux xen-blkback, as seen with Linux 6.1 on Xen 4.17: the transport limits before InitWait, the
 * rest at Connected; a feature that is not there is written as 0, discard-* are left out.
 *
 * Two habits are not imitated yet, so what would announce them is not published by default:
 * discards (a ram disk offers none either) and keeping persistent grants mapped.
 */
#include "../dialect.h"

const struct simback_dialect simback_dialect_linux = {
    .name = "linux",
    .directory = "vbd",
    .rows =
        {
            {NODE_FEATURE_MAX_INDIRECT_SEGMENTS, PHASE_INIT_WAIT, false},
            {NODE_MULTI_QUEUE_MAX_QUEUES, PHASE_INIT_WAIT, true},
            {NODE_MAX_RING_PAGE_ORDER, PHASE_INIT_WAIT, true},
            {NODE_FEATURE_FLUSH_CACHE, PHASE_CONNECTED, true},
            {NODE_FEATURE_DISCARD, PHASE_CONNECTED, true},
            {NODE_DISCARD_GRANULARITY, PHASE_CONNECTED, true},
            {NODE_DISCARD_ALIGNMENT, PHASE_CONNECTED, true},
            {NODE_DISCARD_SECURE, PHASE_CONNECTED, true},
            {NODE_FEATURE_BARRIER, PHASE_CONNECTED, true},
            {NODE_FEATURE_PERSISTENT, PHASE_CONNECTED, true},
            {NODE_SECTORS, PHASE_CONNECTED, true},
            {NODE_INFO, PHASE_CONNECTED, true},
            {NODE_SECTOR_SIZE, PHASE_CONNECTED, true},
            {NODE_PHYSICAL_SECTOR_SIZE, PHASE_CONNECTED, true},
        },
    .row_count = 14,
    .flush = true,
    .barrier = true,
    .discard = false,
    .persistent = false,
    .ring_order = 4,
    .queues = 1,
    .segments = 256,
    .reads_num_ring_pages = false,
    .default_abi_32 = false,
    .unknown_op = BLKIF_WIRE_EOPNOTSUPP,
    .no_segments = BLKIF_WIRE_ERROR,
    .flush_not_offered = BLKIF_WIRE_OKAY,
    .barrier_not_offered = BLKIF_WIRE_OKAY,
    .discard_not_offered = BLKIF_WIRE_EOPNOTSUPP,
    .indirect_answers_inner = true,
};
