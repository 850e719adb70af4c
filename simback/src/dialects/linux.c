/* SPDX-License-Identifier: ISC */
/*
 * Linux xen-blkback, as seen with Linux 6.1 on Xen 4.17: the transport limits once, when it begins,
 * the rest at each Connected; a feature that is not there is written as 0, discard-* are left out.
 * It offers no discard because a ram disk has none.
 *
 * At Closed it leaves alone a ring with requests in flight: 6 is written while their grants are
 * mapped. Of grants that stay mapped it keeps 1056 a ring; its thread looks every 100 ms.
 */
#include "../dialect.h"

const struct simback_dialect simback_dialect_linux = {
    .name = "linux",
    .directory = "vbd",
    .about = "Linux xen-blkback (6.1): indirect, persistent; closes while requests are in flight",
    .rows =
        {
            DIALECT_WHEN_SET(FEATURE_MAX_INDIRECT_SEGMENTS, START),
            DIALECT_ALWAYS(MULTI_QUEUE_MAX_QUEUES, START),
            DIALECT_ALWAYS(MAX_RING_PAGE_ORDER, START),
            DIALECT_ALWAYS(FEATURE_FLUSH_CACHE, CONNECTED),
            DIALECT_ALWAYS(DISCARD_GRANULARITY, CONNECTED),
            DIALECT_ALWAYS(DISCARD_ALIGNMENT, CONNECTED),
            DIALECT_ALWAYS(DISCARD_SECURE, CONNECTED),
            DIALECT_ALWAYS(FEATURE_DISCARD, CONNECTED),
            DIALECT_ALWAYS(FEATURE_BARRIER, CONNECTED),
            DIALECT_ALWAYS(FEATURE_PERSISTENT, CONNECTED),
            DIALECT_ALWAYS(SECTORS, CONNECTED),
            DIALECT_ALWAYS(INFO, CONNECTED),
            DIALECT_ALWAYS(SECTOR_SIZE, CONNECTED),
            DIALECT_ALWAYS(PHYSICAL_SECTOR_SIZE, CONNECTED),
        },
    .row_count = 14,
    .flush = true,
    .barrier = true,
    .persistent = true,
    .discard_enable = true,
    .ring_order = 4,
    .info_bits = 7,
    .queues = 1,
    .segments = 256,
    .spelling = SIMBACK_SPELLING_ORDER,
    .default_abi = SIMBACK_DEFAULT_ABI_64,
    .units = SIMBACK_UNITS_512,
    .numbered_order_0 = true,
    .attach = true,
    .unknown_op = BLKIF_WIRE_EOPNOTSUPP,
    .no_segments = BLKIF_WIRE_ERROR,
    .flush_not_offered = BLKIF_WIRE_OKAY,
    .barrier_not_offered = BLKIF_WIRE_OKAY,
    .discard_not_offered = BLKIF_WIRE_EOPNOTSUPP,
    .secure_not_offered = BLKIF_WIRE_OKAY,
    .discard_unaligned = BLKIF_WIRE_OKAY,
    .flush_read_only = BLKIF_WIRE_ERROR, /* it counts as a write */
    .flush_data = true,
    .indirect_inner = true,
    .indirect_pages = 8,
    .rewrites = true,
    .init_wait = true,
    .takes_connected = true,
    .resizes = true,
    .odd_fatal = true,
    .keeps_nodes = true,
    .closing = SIMBACK_CLOSING_ANSWERS,
    .vanished = SIMBACK_VANISHED_UNREGISTERS,
    .maps_writable = true,
    .persistent_most = 1056,
    .lru_percent = 5,
    .lru_interval_ns = UINT64_C(100000000),
    .lru_unused_ns = UINT64_C(60000000000),
};
