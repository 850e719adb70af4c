/* SPDX-License-Identifier: ISC */
/*
 * The observer of shared memory. The library `blkfront_observed` is built from the same sources as
 * `blkfront` and calls this function before each access to a page that the backend can see; whoever
 * links it supplies the function. It may change the page before a load: so a double fetch is a
 * scenario, not luck (I1).
 */
#ifndef BLKFRONT_OBSERVE_H
#define BLKFRONT_OBSERVE_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

enum blkfront_access {
    BLKFRONT_ACCESS_LOAD,
    BLKFRONT_ACCESS_STORE,
    BLKFRONT_ACCESS_FENCE /* address NULL, size 0: one of the two full fences */
};

/* `address` .. `address + size` lies in shared pages. */
void blkfront_observe(const volatile void *address, size_t size, enum blkfront_access access);

#ifdef __cplusplus
}
#endif

#endif
