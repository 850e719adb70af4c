/* SPDX-License-Identifier: ISC */
/*
 * The live world as the runner meets it: a table of functions, so that a runner that was built
 * without Xen's libraries is the same. The tool fills it from simback's live.h.
 */
#ifndef SCENARIO_LIVE_H
#define SCENARIO_LIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct blkfront_platform;
struct simback_backend_options;
struct simback_world;

enum scenario_live_result {
    SCENARIO_LIVE_OK,
    SCENARIO_LIVE_CANNOT, /* a real backend cannot be, or do, this: the scenario is unsupported */
    SCENARIO_LIVE_FAILED
};

enum { SCENARIO_LIVE_TEXT = 256 };

/* `text`, of SCENARIO_LIVE_TEXT bytes, says why not. */
struct scenario_live {
    void *context;
    /* A run begins in this world; its guest's platform, or NULL. */
    const struct blkfront_platform *(*begin)(void *context, struct simback_world *world);
    /* The step `backend`. */
    enum scenario_live_result (*backend)(void *context,
                                         const struct simback_backend_options *options, char *text);
    /* The step `backend close`. */
    enum scenario_live_result (*detach)(void *context, uint16_t device, char *text);
    /* The step `backend resize`. */
    enum scenario_live_result (*resize)(void *context, uint16_t device, uint64_t size_512,
                                        char *text);
    /* The steps `backend crash` and `backend restart`, the latter as it was. */
    enum scenario_live_result (*crash)(void *context, uint16_t device, char *text);
    enum scenario_live_result (*restart)(void *context, uint16_t device, char *text);
    /* 0 or -1. */
    int (*disk_read)(void *context, uint16_t device, uint64_t sector_512, uint32_t count_512,
                     void *to);
    /* Moves the world's clock to where the real one is. */
    uint64_t (*now)(void *context);
    /* Until something comes from the other side, or the world's clock is there; false: nothing. */
    bool (*wait)(void *context, uint64_t until_ns);
    void (*end)(void *context);
};

#ifdef __cplusplus
}
#endif

#endif
