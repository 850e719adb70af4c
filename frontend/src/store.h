/* SPDX-License-Identifier: ISC */
/*
 * XenStore as the life cycle uses it: nodes named by directory and node, numbers parsed strictly,
 * AGAIN retried a bounded number of times. Results are codes of the platform; store_result makes
 * errors of the library of them. What a value means is the caller's matter (negotiate.c, name.c).
 */
#ifndef BLKFRONT_SRC_STORE_H
#define BLKFRONT_SRC_STORE_H

#include "names.h"
#include "text.h"

#include <blkfront/blkfront.h>
#include <blkfront/blkif.h>
#include <blkfront/platform.h>

enum {
    /* The longest directory and the longest node of ours, "queue-4294967295/event-channel". */
    STORE_PATH_MAX = BLKFRONT_PATH_MAX + 64,
    STORE_TRIES = 32 /* of what XenStore answers with AGAIN (I4) */
};

struct store {
    const struct blkfront_platform *platform;
    blkfront_transaction transaction; /* 0: none */
};

/* *length bytes, at most `size`, no NUL. TOO_LONG is a value that does not fit. */
int store_get(const struct store *store, const char *directory, const char *node, char *buffer,
              size_t size, size_t *length);
/* A decimal number of at most `max`. INVALID if the value is anything else (I20). */
int store_get_number(const struct store *store, const char *directory, const char *node,
                     uint64_t max, uint64_t *value);
int store_put(const struct store *store, const char *directory, const char *node,
              const char *string);
/* The state of whoever has this directory. */
int store_put_state(const struct store *store, const char *directory, enum blkif_wire_state state);
/* Succeeds too when the node is not there. */
int store_delete(const struct store *store, const char *directory, const char *node);
int store_children(const struct store *store, const char *directory, char *buffer, size_t size,
                   size_t *length);

/* Runs `body` in a transaction and commits it if body gives 0; anew, from the start, while XenStore
 * meets conflicts. */
int store_transact(const struct blkfront_platform *platform,
                   int (*body)(void *context, const struct store *store), void *context);

/* Decimal digits without sign, blank or leading zero; nothing else, nothing above `max`. */
bool store_parse_number(const char *bytes, size_t length, uint64_t max, uint64_t *value);
/* A path that XenStore takes: absolute, of its characters, no empty component. */
bool store_path_check(const char *path, size_t length);
/* The library's error for one of the platform's. */
int store_result(int platform_result);

#endif
