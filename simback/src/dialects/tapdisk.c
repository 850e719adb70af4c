/* SPDX-License-Identifier: ISC */
/*
 * XenServer's tapback with a tapdisk: its backends live under vbd3, it publishes little, and that
 * at Connected (max-ring-page-order before), takes x86_32 where the frontend names no ABI, and
 * refuses flush, discard and indirect requests with EOPNOTSUPP. A barrier is served whether offered
 * or not. The hotplug script has to have said "connected" before it looks at a frontend.
 */
#include "../dialect.h"

const struct simback_dialect simback_dialect_tapdisk = {
    .name = "tapdisk",
    .directory = "vbd3",
    .about = "XenServer tapback and tapdisk: under vbd3, x86_32 by default, a barrier and no more",
    .rows =
        {
            DIALECT_TEXT(HOTPLUG_STATUS, START, "connected"),
            DIALECT_ALWAYS(MAX_RING_PAGE_ORDER, INIT_WAIT),
            DIALECT_ALWAYS(FEATURE_BARRIER, CONNECTED),
            DIALECT_ALWAYS(SECTOR_SIZE, CONNECTED),
            DIALECT_ALWAYS(SECTORS, CONNECTED),
            DIALECT_ALWAYS(INFO, CONNECTED),
        },
    .row_count = 6,
    .barrier = true,
    .ring_order = 3,
    .info_bits = BLKIF_WIRE_INFO_CDROM | BLKIF_WIRE_INFO_READONLY,
    .queues = 1,
    .segments = 0,
    .spelling = SIMBACK_SPELLING_ORDER,
    .default_abi = SIMBACK_DEFAULT_ABI_32,
    .units = SIMBACK_UNITS_512,
    .unknown_op = BLKIF_WIRE_EOPNOTSUPP,
    .no_segments = BLKIF_WIRE_ERROR,
    .flush_not_offered = BLKIF_WIRE_EOPNOTSUPP,
    .barrier_not_offered = BLKIF_WIRE_OKAY,
    .discard_not_offered = BLKIF_WIRE_EOPNOTSUPP,
    .secure_not_offered = BLKIF_WIRE_OKAY,
    .discard_unaligned = BLKIF_WIRE_OKAY,
    .flush_read_only = BLKIF_WIRE_EOPNOTSUPP,
    .flush_data = true,
    .indirect_inner = true,
    .indirect_pages = 8,
    .bounded = true,
    .init_wait = true,
    .takes_connected = true,
    .keeps_nodes = true,
    .closing = SIMBACK_CLOSING_SILENT,
    .vanished = SIMBACK_VANISHED_REMOVES,
};
