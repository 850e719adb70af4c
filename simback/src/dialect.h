/* SPDX-License-Identifier: ISC */
/*
 * A backend of the field as data: which nodes it publishes, when and in which order, its limits,
 * and what it answers to odd requests. Nothing here does anything; publish.c, connect.c and
 * execute.c read it. A new dialect is one file in dialects/ and one line in dialect.c.
 */
#ifndef SIMBACK_SRC_DIALECT_H
#define SIMBACK_SRC_DIALECT_H

#include <blkfront/blkif.h>

#include <stdbool.h>
#include <stdint.h>

/* The nodes that a backend's driver may publish. */
enum dialect_node {
    NODE_FEATURE_FLUSH_CACHE,
    NODE_FEATURE_DISCARD,
    NODE_DISCARD_GRANULARITY, /* these three only with feature-discard=1 */
    NODE_DISCARD_ALIGNMENT,
    NODE_DISCARD_SECURE,
    NODE_FEATURE_BARRIER,
    NODE_FEATURE_PERSISTENT,
    NODE_FEATURE_MAX_INDIRECT_SEGMENTS,
    NODE_MULTI_QUEUE_MAX_QUEUES,
    NODE_MAX_RING_PAGE_ORDER,
    NODE_SECTORS,
    NODE_INFO,
    NODE_SECTOR_SIZE,
    NODE_PHYSICAL_SECTOR_SIZE
};

enum dialect_phase { PHASE_INIT_WAIT, PHASE_CONNECTED };

/* One node in the order of publishing. */
struct dialect_row {
    enum dialect_node node;
    enum dialect_phase phase;
    /* What a value that says nothing (a feature that is not there, the default of a limit) looks
     * like: written all the same, or left out. */
    bool write_default;
};

enum { DIALECT_ROWS = 16 };

struct simback_dialect {
    const char *name;
    const char *directory; /* of the backend's path: "vbd" */
    struct dialect_row rows[DIALECT_ROWS];
    uint32_t row_count;

    /* What it offers where the options say nothing. */
    bool flush, barrier, discard, persistent;
    uint8_t ring_order;
    uint16_t queues;
    uint16_t segments; /* feature-max-indirect-segments; 0: no indirect requests */

    bool reads_num_ring_pages; /* knows the deprecated spelling of a ring's size too */
    bool default_abi_32;       /* the ABI if the frontend has written no protocol */

    /* Answers. */
    int16_t unknown_op;          /* an operation that it does not know */
    int16_t no_segments;         /* a read or write without any */
    int16_t flush_not_offered;   /* FLUSH_DISKCACHE although the feature is 0 */
    int16_t barrier_not_offered; /* WRITE_BARRIER likewise */
    int16_t discard_not_offered;
    bool indirect_answers_inner; /* the response to INDIRECT bears the inner operation, not 6 */
};

extern const struct simback_dialect simback_dialect_linux;
extern const struct simback_dialect simback_dialect_minimal;

#endif
