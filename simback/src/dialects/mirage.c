/* SPDX-License-Identifier: ISC */
/*
 * MirageOS' Blkback (mirage-block-xen): four nodes at once, reads and writes and nothing else. An
 * operation that it does not know, an indirect request of more than one page and a grant that
 * cannot be mapped end its loop by an exception: nothing is answered any more. It never says that a
 * disk is read-only, wants a `protocol`, and counts `sectors` and sector_number in the disk's own
 * sectors.
 *
 * The real one writes no state but Connected. A frontend that waits for InitWait never connects to
 * it, so this one says its states; `dialect states init_wait=no` over it is the bare habit.
 */
#include "../dialect.h"

const struct simback_dialect simback_dialect_mirage = {
    .name = "mirage",
    .directory = "vbd",
    .about = "MirageOS Blkback: reads, writes, indirect requests of one page; dies of all else",
    .rows =
        {
            DIALECT_TEXT(HOTPLUG_STATUS, START, "online"),
            DIALECT_ALWAYS(SECTOR_SIZE, INIT_WAIT),
            DIALECT_ALWAYS(SECTORS, INIT_WAIT),
            DIALECT_ALWAYS(INFO, INIT_WAIT),
            DIALECT_WHEN_SET(FEATURE_MAX_INDIRECT_SEGMENTS, INIT_WAIT),
        },
    .row_count = 5,
    .ring_order = 0,
    .info_bits = 0,
    .queues = 1,
    .segments = 256,
    .spelling = SIMBACK_SPELLING_NONE,
    .default_abi = SIMBACK_DEFAULT_ABI_NONE,
    .units = SIMBACK_UNITS_MIXED,
    .unknown_op = BLKIF_WIRE_ERROR,
    .no_segments = BLKIF_WIRE_OKAY,
    .flush_not_offered = BLKIF_WIRE_ERROR,
    .barrier_not_offered = BLKIF_WIRE_ERROR,
    .discard_not_offered = BLKIF_WIRE_ERROR,
    .secure_not_offered = BLKIF_WIRE_OKAY,
    .discard_unaligned = BLKIF_WIRE_OKAY,
    .flush_read_only = BLKIF_WIRE_ERROR,
    .indirect_inner = true,
    .indirect_pages = 1,
    .dies = true,
    .bounded = true,
    .init_wait = true,
    .takes_connected = true,
    .keeps_nodes = true,
    .closing = SIMBACK_CLOSING_SILENT,
    .vanished = SIMBACK_VANISHED_WAITS,
};
