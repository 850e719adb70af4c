/* SPDX-License-Identifier: ISC */
/*
 * What platform.h promises, as a test that any platform must pass: the simulated one in both of its
 * forms, and one on a real Xen. The other side is played through a host (host.h) that can map the
 * platform's grants, bind to its ports and write in its home directory.
 */
#ifndef SIMBACK_TEST_PLATFORM_CONFORMANCE_H
#define SIMBACK_TEST_PLATFORM_CONFORMANCE_H

#include <simback/host.h>

#include <blkfront/platform.h>

#include <stdbool.h>
#include <stddef.h>

struct conformance {
    const struct blkfront_platform *platform;
    const struct simback_host *host;
    uint16_t domid;      /* of the platform */
    uint16_t peer_domid; /* of the host */
    /* A directory that the platform's domain owns and in which it may write, below
     * /local/domain/<domid>; the host may write there too. */
    const char *home;
    bool privileged; /* the platform's domain may write everywhere: it is dom0 */
    /* Until what one side has done has reached the other; NULL where it does at once. */
    void (*settle)(void *context);
    /* Every check of every case: `what` is its text. */
    void (*checked)(void *context, bool ok, const char *what, const char *file, int line);
    void *context;
};

struct conformance_case {
    const char *name;
    void (*run)(struct conformance *test);
};

extern const struct conformance_case conformance_cases[];
extern const size_t conformance_case_count;

#endif
