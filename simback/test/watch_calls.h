/* SPDX-License-Identifier: ISC */
/*
 * Short names for the calls about watches, for the tests of the simulated XenStore.
 */
#ifndef SIMBACK_TEST_WATCH_CALLS_H
#define SIMBACK_TEST_WATCH_CALLS_H

#include "store_calls.h"

static struct blkfront_watch_set *set;

/* What is woken when a watch fires. */
static inline bool count(void *context)
{
    (*(unsigned *)context)++;
    return false;
}

static inline int watch(const char *path, uint32_t token)
{
    return guest->watch(guest->context, set, path, token);
}

/* The tokens that have fired, as digits; more than a hundred are cut. */
static inline const char *fired(void)
{
    static char tokens[101];
    uint32_t token;
    size_t length = 0;

    while (length + 1 < sizeof(tokens) && guest->watch_fired(guest->context, set, &token) == 1)
        tokens[length++] = (char)('0' + token);
    tokens[length] = 0;
    return tokens;
}

#endif
