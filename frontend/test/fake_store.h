/* SPDX-License-Identifier: ISC */
/*
 * A small platform for the tests of the life cycle: XenStore with transactions and watches, a clock
 * that only the test moves, memory with a ledger, and the nth call that fails. It has no grants and
 * no ports: the queues of these tests are fake_queue.h's.
 */
#ifndef BLKFRONT_TEST_FAKE_STORE_H
#define BLKFRONT_TEST_FAKE_STORE_H

#include <blkfront/platform.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { FAKE_NODES = 160, FAKE_PATH = 320, FAKE_VALUE = 1200, FAKE_WATCHES = 16, FAKE_HISTORY = 64 };

struct fake_node {
    char path[FAKE_PATH];
    char value[FAKE_VALUE];
    size_t length;
};

struct fake_tree {
    struct fake_node nodes[FAKE_NODES];
    size_t count;
};

struct fake_watch {
    struct blkfront_watch_set *set; /* NULL: unused */
    char path[FAKE_PATH];
    uint32_t token;
    unsigned fired;
};

struct fake {
    struct blkfront_platform platform;
    struct fake_tree tree;
    unsigned long changes;

    bool in_transaction;
    struct fake_tree draft;
    unsigned long draft_base;
    unsigned commits;
    unsigned again; /* so many commits are answered with AGAIN */

    struct fake_watch watches[FAKE_WATCHES];
    unsigned sets_open;

    uint64_t now_ns;
    uint16_t domid;
    /* Called by wait: the rest of the world goes on. False: nothing happens any more. */
    bool (*world)(struct fake *fake);
    bool woken;      /* by watches_wake: the next wait returns at once */
    int wait_result; /* if not 0, what wait answers */

    size_t blocks; /* of memory, allocated and not freed */
    char last_log[400];

    unsigned calls;       /* that could fail, since fake_fail */
    unsigned fail_at;     /* which of them does; 0: none */
    bool fail_ever_after; /* and all after it */
    int fail_result;
    unsigned failures; /* that have happened */

    const char *recorded; /* path of a node whose values are kept */
    char history[FAKE_HISTORY][8];
    size_t history_count;
};

void fake_init(struct fake *fake);
/* The nth call of the platform fails with `result` (allocations: with NULL). */
void fake_fail(struct fake *fake, unsigned nth, bool ever_after, int result);

/* What others do in XenStore: never fails, fires watches. */
void fake_set(struct fake *fake, const char *path, const char *value);
void fake_remove(struct fake *fake, const char *path);
/* NULL if there is none. */
const char *fake_get(const struct fake *fake, const char *path);
/* How many nodes lie below a path, itself not counted. */
size_t fake_below(const struct fake *fake, const char *path);
size_t fake_watch_count(const struct fake *fake);
/* The recorded values, "1 3 4". */
const char *fake_history(const struct fake *fake);
/* No memory, watch, set or transaction is left. */
bool fake_is_clean(const struct fake *fake);

#endif
