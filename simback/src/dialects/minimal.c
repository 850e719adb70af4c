/* SPDX-License-Identifier: ISC */
/*
 * The smallest backend that blkif.h allows: sectors, sector-size and info at Connected and nothing
 * else, gone when it reopens. A frontend that needs more than the defaults fails here. What an
 * option adds is published before InitWait (limits) or at Connected (features).
 */
#include "../dialect.h"

const struct simback_dialect simback_dialect_minimal = {
    .name = "minimal",
    .directory = "vbd",
    .about = "the least that blkif.h allows: three nodes, no feature, no optional operation",
    .rows =
        {
            DIALECT_WHEN_SET(FEATURE_MAX_INDIRECT_SEGMENTS, INIT_WAIT),
            DIALECT_WHEN_SET(MULTI_QUEUE_MAX_QUEUES, INIT_WAIT),
            DIALECT_WHEN_SET(MAX_RING_PAGE_ORDER, INIT_WAIT),
            DIALECT_ALWAYS(SECTORS, CONNECTED),
            DIALECT_ALWAYS(SECTOR_SIZE, CONNECTED),
            DIALECT_ALWAYS(INFO, CONNECTED),
            DIALECT_WHEN_SET(PHYSICAL_SECTOR_SIZE, CONNECTED),
            DIALECT_WHEN_SET(FEATURE_FLUSH_CACHE, CONNECTED),
            DIALECT_WHEN_SET(FEATURE_BARRIER, CONNECTED),
            DIALECT_WHEN_SET(FEATURE_DISCARD, CONNECTED),
            DIALECT_ALWAYS(DISCARD_GRANULARITY, CONNECTED),
            DIALECT_ALWAYS(DISCARD_ALIGNMENT, CONNECTED),
            DIALECT_WHEN_SET(DISCARD_SECURE, CONNECTED),
            DIALECT_WHEN_SET(FEATURE_PERSISTENT, CONNECTED),
        },
    .row_count = 14,
    .discard_enable = true,
    .ring_order = 0,
    .info_bits = 7,
    .queues = 1,
    .segments = 0,
    .spelling = SIMBACK_SPELLING_BOTH,
    .default_abi = SIMBACK_DEFAULT_ABI_64,
    .units = SIMBACK_UNITS_512,
    .numbered_order_0 = true,
    .strict = true,
    .unknown_op = BLKIF_WIRE_EOPNOTSUPP,
    .no_segments = BLKIF_WIRE_ERROR,
    .flush_not_offered = BLKIF_WIRE_EOPNOTSUPP,
    .barrier_not_offered = BLKIF_WIRE_EOPNOTSUPP,
    .discard_not_offered = BLKIF_WIRE_EOPNOTSUPP,
    .secure_not_offered = BLKIF_WIRE_OKAY, /* "ignored if discard-secure=0" */
    .discard_unaligned = BLKIF_WIRE_ERROR,
    .flush_read_only = BLKIF_WIRE_OKAY,
    .indirect_inner = true,
    .indirect_pages = 8,
    .init_wait = true,
    .takes_connected = true,
    .closing = SIMBACK_CLOSING_WAITS,
    .vanished = SIMBACK_VANISHED_CLOSES,
    .persistent_most = 352,
    .lru_percent = 100,
    .lru_interval_ns = UINT64_C(100000000),
};
