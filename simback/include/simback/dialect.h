/* SPDX-License-Identifier: ISC */
/*
 * A backend of the field as plain data: which nodes it publishes, when and in which order, its
 * limits, what it answers to odd requests, how it closes. Nothing here does anything; the backend
 * reads it. A built-in dialect is one file in src/dialects/ and one line in src/dialect.c; a user's
 * is read from text by whoever knows a language.
 *
 * All of it is values: a copy under another name behaves the same.
 */
#ifndef SIMBACK_DIALECT_H
#define SIMBACK_DIALECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- nodes ---- */

/* The nodes that a backend's side may publish. */
enum simback_node {
    SIMBACK_NODE_FEATURE_FLUSH_CACHE,
    SIMBACK_NODE_FEATURE_DISCARD,
    SIMBACK_NODE_DISCARD_GRANULARITY, /* these three only with feature-discard=1 */
    SIMBACK_NODE_DISCARD_ALIGNMENT,
    SIMBACK_NODE_DISCARD_SECURE,
    SIMBACK_NODE_FEATURE_BARRIER,
    SIMBACK_NODE_FEATURE_PERSISTENT,
    SIMBACK_NODE_FEATURE_MAX_INDIRECT_SEGMENTS,
    SIMBACK_NODE_MULTI_QUEUE_MAX_QUEUES,
    SIMBACK_NODE_MAX_RING_PAGE_ORDER,
    SIMBACK_NODE_MAX_RING_PAGES,
    SIMBACK_NODE_SECTORS,
    SIMBACK_NODE_INFO,
    SIMBACK_NODE_SECTOR_SIZE,
    SIMBACK_NODE_PHYSICAL_SECTOR_SIZE,
    SIMBACK_NODE_HOTPLUG_STATUS,
    SIMBACK_NODE_COUNT
};

enum simback_phase {
    SIMBACK_AT_START,     /* there before the backend looks at its frontend, as a script writes */
    SIMBACK_AT_INIT_WAIT, /* before it goes to InitWait */
    SIMBACK_AT_CONNECTED  /* before it goes to Connected */
};

enum {
    SIMBACK_DIALECT_NAME = 32, /* bytes with the NUL */
    SIMBACK_DIALECT_ABOUT = 160,
    SIMBACK_DIALECT_VALUE = 32,
    SIMBACK_DIALECT_ROWS = 24
};

/* One node in the order of publishing. */
struct simback_dialect_row {
    uint8_t node;  /* enum simback_node */
    uint8_t phase; /* enum simback_phase */
    /* What says nothing (a feature that is not there, the default of a limit) is written all the
     * same, or left out. */
    uint8_t always;
    char value[SIMBACK_DIALECT_VALUE]; /* written instead of what the backend knows; "": that */
};

/* ---- words ---- */

/* How the frontend says that its ring has several pages. */
enum simback_spelling {
    SIMBACK_SPELLING_NONE, /* ring-ref, whatever else there is */
    SIMBACK_SPELLING_ORDER,
    SIMBACK_SPELLING_PAGES,
    SIMBACK_SPELLING_BOTH
};

/* The ABI where the frontend has written no `protocol`. */
enum simback_default_abi {
    SIMBACK_DEFAULT_ABI_64,
    SIMBACK_DEFAULT_ABI_32,
    SIMBACK_DEFAULT_ABI_NONE /* then it does not connect */
};

/* In what `sectors`, sector_number and first/last_sect count. */
enum simback_units {
    SIMBACK_UNITS_512,   /* as blkif.h has it */
    SIMBACK_UNITS_ASKED, /* above 512 bytes only for a frontend that wrote
                          * feature-large-sector-size=1, and then all in sectors */
    SIMBACK_UNITS_MIXED  /* `sectors` and sector_number in sectors, the rest in 512 bytes */
};

/* What becomes of requests in flight when the frontend has closed. */
enum simback_closing {
    SIMBACK_CLOSING_WAITS,   /* 6 when all of them are answered */
    SIMBACK_CLOSING_ANSWERS, /* 6 at once; they keep ring and pages mapped and are answered later */
    SIMBACK_CLOSING_SILENT   /* the same, but nobody answers them */
};

/* What it does when the frontend's directory is gone; all but CLOSES also when the frontend has
 * closed and `online` is 0. */
enum simback_vanished {
    SIMBACK_VANISHED_CLOSES,
    SIMBACK_VANISHED_UNREGISTERS, /* closes, and is there no more */
    SIMBACK_VANISHED_REMOVES,     /* removes its own directory */
    SIMBACK_VANISHED_WAITS        /* until the frontend comes, if they were not connected */
};

/* ---- a dialect ---- */

struct simback_dialect {
    char name[SIMBACK_DIALECT_NAME];
    char directory[SIMBACK_DIALECT_NAME]; /* of the backend's path: "vbd" */
    char about[SIMBACK_DIALECT_ABOUT];    /* a line for people */
    struct simback_dialect_row rows[SIMBACK_DIALECT_ROWS];
    uint32_t row_count;

    /* What it offers where the options say nothing. */
    bool flush, barrier, discard, secure, persistent;
    bool discard_enable; /* obeys the toolstack's node discard-enable */
    uint8_t ring_order;
    uint8_t info_bits; /* bits of `info` that it knows: 1 CDROM, 2 removable, 4 read-only */
    uint16_t queues;
    uint16_t segments;    /* feature-max-indirect-segments; 0: no indirect requests */
    uint32_t granularity; /* discard-granularity in bytes; 0: the physical sector size */
    uint32_t alignment;   /* discard-alignment in bytes */

    /* How it reads the frontend's nodes and ring. */
    uint8_t spelling;      /* enum simback_spelling */
    uint8_t default_abi;   /* enum simback_default_abi */
    uint8_t units;         /* enum simback_units */
    bool numbered_order_0; /* ring-page-order=0 means ring-ref0 (PROTOCOL.md section 7) */
    bool any_protocol;     /* a `protocol` that it does not know means its own */
    bool strict;           /* does not connect to nodes that contradict each other */
    bool attach;           /* begins at the ring's shared indices, not at 0 */

    /* Statuses of odd requests; OKAY for something not offered: it is done all the same. */
    int16_t unknown_op;          /* an operation that it does not know */
    int16_t no_segments;         /* a read or write without any */
    int16_t flush_not_offered;   /* FLUSH_DISKCACHE although the feature is 0 */
    int16_t barrier_not_offered; /* WRITE_BARRIER likewise */
    int16_t discard_not_offered;
    int16_t secure_not_offered; /* a discard with the secure flag; OKAY: the flag is ignored */
    int16_t discard_unaligned;  /* to discard-granularity */
    int16_t flush_read_only;    /* a flush of a disk that is read-only */
    bool flush_data;            /* the segments of a flush are written; otherwise an error */
    bool indirect_inner;        /* the response to INDIRECT bears the inner operation, not 6 */
    uint8_t indirect_pages;     /* of one indirect request; more is an error */
    bool dies;                  /* what it does not know ends its service, without an answer */
    bool bounded;               /* req_prod too far ahead: takes what fits; otherwise it halts */
    bool rewrites;              /* EOPNOTSUPP to a flush or barrier rewrites the feature to 0 */

    /* xenbus states. */
    bool init_wait;       /* says InitWait; otherwise it goes from 1 to 4 */
    bool takes_connected; /* a frontend that skips 3 */
    bool odd_fatal;       /* a frontend in 2, 7 or 8 is closed; otherwise ignored */
    bool silent;          /* whom it cannot connect to is told nothing: it stays in InitWait */
    bool resizes;         /* another size while Connected: nodes at once, and the state again */
    bool keeps_nodes;     /* what was published at Connected is still there when it reopens */
    uint8_t closing;      /* enum simback_closing */
    uint8_t vanished;     /* enum simback_vanished */

    /* Grants that stay mapped where both sides say feature-persistent. */
    bool maps_writable;       /* whatever the request; otherwise as it needs */
    uint32_t persistent_most; /* of a queue */
    uint32_t lru_percent;     /* of them let go when a tick finds that there was no room */
    uint64_t lru_interval_ns; /* between two ticks */
    uint64_t lru_unused_ns;   /* let go when not used for so long; 0: never */
};

/* A built-in dialect; NULL for an unknown name. */
const struct simback_dialect *simback_dialect_find(const char *name);
/* The built-in ones in their order; NULL at the end. */
const struct simback_dialect *simback_dialect_at(size_t index);
/* The name of the index-th, for messages; NULL at the end. */
const char *simback_dialect_name(size_t index);
/* "feature-flush-cache": a node's name in XenStore; NULL for none. */
const char *simback_node_name(unsigned node);
/* Whether a backend can be made of it: terminated texts, words and numbers in range. */
bool simback_dialect_check(const struct simback_dialect *dialect);

#ifdef __cplusplus
}
#endif

#endif
