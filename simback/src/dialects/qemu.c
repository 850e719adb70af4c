/* SPDX-License-Identifier: ISC */
/*
 * QEMU's xen-block device (qdisk), as seen with QEMU 7.2: all nodes once, when it begins, nothing
 * more at Connected or when it opens again; no queues, no indirect requests, no persistent grants
 * (it copies), no barrier. Sectors above 512 bytes only for a frontend that wrote
 * feature-large-sector-size=1, and then everything counts in them. Whom it cannot connect to it
 * tells nothing: it stays in InitWait, and looks again when the frontend writes its state again.
 */
#include "../dialect.h"

const struct simback_dialect simback_dialect_qemu = {
    .name = "qemu",
    .directory = "qdisk",
    .about = "QEMU xen-block (7.2): all nodes before InitWait, discard; 512-byte sectors alone",
    .rows =
        {
            DIALECT_WHEN_SET(FEATURE_DISCARD, START),
            DIALECT_ALWAYS(DISCARD_GRANULARITY, START),
            DIALECT_ALWAYS(DISCARD_ALIGNMENT, START),
            DIALECT_ALWAYS(FEATURE_FLUSH_CACHE, START),
            DIALECT_ALWAYS(MAX_RING_PAGE_ORDER, START),
            DIALECT_ALWAYS(INFO, START),
            DIALECT_ALWAYS(SECTOR_SIZE, START),
            DIALECT_ALWAYS(SECTORS, START),
            DIALECT_TEXT(HOTPLUG_STATUS, START, "connected"),
        },
    .row_count = 9,
    .flush = true,
    .discard = true,
    .discard_enable = true,
    .ring_order = 4,
    .info_bits = BLKIF_WIRE_INFO_CDROM | BLKIF_WIRE_INFO_READONLY,
    .queues = 1,
    .segments = 0,
    .spelling = SIMBACK_SPELLING_ORDER,
    .default_abi = SIMBACK_DEFAULT_ABI_32,
    .units = SIMBACK_UNITS_ASKED,
    .numbered_order_0 = true,
    .any_protocol = true,
    .unknown_op = BLKIF_WIRE_ERROR,
    .no_segments = BLKIF_WIRE_OKAY,
    .flush_not_offered = BLKIF_WIRE_OKAY,
    .barrier_not_offered = BLKIF_WIRE_ERROR,
    .discard_not_offered = BLKIF_WIRE_OKAY,
    .secure_not_offered = BLKIF_WIRE_OKAY,
    .discard_unaligned = BLKIF_WIRE_OKAY,
    .flush_read_only = BLKIF_WIRE_OKAY,
    .flush_data = true,
    .indirect_inner = true,
    .indirect_pages = 8,
    .bounded = true,
    .init_wait = true,
    .takes_connected = true,
    .silent = true,
    .resizes = true,
    .keeps_nodes = true,
    .closing = SIMBACK_CLOSING_WAITS,
    .vanished = SIMBACK_VANISHED_CLOSES,
};
