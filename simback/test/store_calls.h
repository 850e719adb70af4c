/* SPDX-License-Identifier: ISC */
/*
 * Short names for the XenStore calls of a guest, for the tests of the simulated XenStore. The
 * guest's home is its own, the rest is domain 0's.
 */
#ifndef SIMBACK_TEST_STORE_CALLS_H
#define SIMBACK_TEST_STORE_CALLS_H

#include "sim_world.h"

#include <string.h>

#define HOME "/local/domain/1"

static const struct blkfront_platform *guest;
static const struct simback_host *host;
static int last_result;
static uint32_t in; /* the transaction of the following calls; 0: none */

static inline void store_begin(void)
{
    in = 0;
    guest = sim_guest();
    host = sim_host_of(0);
    simback_store_permit(world, HOME, SIMBACK_FRONT_DOMID, SIMBACK_FRONT_DOMID);
}

static inline int put(const char *path, const char *value)
{
    return guest->store_write(guest->context, in, path, value, strlen(value));
}

/* NULL: last_result tells. */
static inline const char *get(const char *path)
{
    static char buffer[4097];
    size_t length = 0;

    last_result = guest->store_read(guest->context, in, path, buffer, 4096, &length);
    buffer[length] = 0;
    return last_result == 0 ? buffer : NULL;
}

static inline int drop(const char *path)
{
    return guest->store_remove(guest->context, in, path);
}

/* The names, each followed by a blank. */
static inline const char *list(const char *path)
{
    static char buffer[4097];
    size_t length = 0;

    last_result = guest->store_list(guest->context, in, path, buffer, 4096, &length);
    for (size_t i = 0; i < length; i++) {
        if (buffer[i] == 0)
            buffer[i] = ' ';
    }
    buffer[length] = 0;
    return last_result == 0 ? buffer : NULL;
}

#endif
