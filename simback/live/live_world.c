/* SPDX-License-Identifier: ISC */
/*
 * The live world as a whole: opening, the beginning and end of a run, its clock and waiting.
 */
#include "live.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REAL(call, ...) live->platform->call(live->platform->context, __VA_ARGS__)

/* How long XenStore's events may take to be noticed where nothing else wakes us. */
enum { SLICE_NS = 20000000 };

static int open_all(struct simback_live *live, char *text)
{
    if (REAL(own_domid, &live->domid) != 0)
        return (int)live_fail(text, SIMBACK_LIVE_FAILED,
                              "XenStore does not say which domain this is");
    live->grants = xengntshr_open(NULL, 0);
    live->store = xs_open(0);
    if (live->grants == NULL || live->store == NULL)
        return (int)live_fail(text, SIMBACK_LIVE_FAILED, "%s cannot be opened: %s",
                              live->grants == NULL ? "/dev/xen/gntalloc" : "XenStore",
                              strerror(errno));
    if (REAL(watches_open, &live->wake) != 0)
        return (int)live_fail(text, SIMBACK_LIVE_FAILED, "no memory is left");
    return SIMBACK_LIVE_OK;
}

int simback_live_open(const struct blkfront_platform *platform,
                      const struct simback_live_options *options, struct simback_live **live,
                      char *text)
{
    struct simback_live *opened = calloc(1, sizeof(*opened));
    int result;

    if (opened == NULL)
        return (int)live_fail(text, SIMBACK_LIVE_FAILED, "no memory is left");
    opened->platform = platform;
    opened->options = *options;
    result = open_all(opened, text);
    if (result != SIMBACK_LIVE_OK) {
        simback_live_close(opened);
        return result;
    }
    *live = opened;
    return SIMBACK_LIVE_OK;
}

void simback_live_close(struct simback_live *live)
{
    if (live == NULL)
        return;
    live_mirror_forget(live);
    if (live->wake != NULL)
        REAL(watches_close, live->wake);
    if (live->store != NULL)
        xs_close(live->store);
    if (live->grants != NULL)
        xengntshr_close(live->grants);
    free(live);
}

const struct blkfront_platform *simback_live_begin(struct simback_live *live,
                                                   struct simback_world *world)
{
    struct domain *guest = domain_get(world, LIVE_GUEST);

    if (guest == NULL || simback_platform(world, LIVE_GUEST) == NULL)
        return NULL;
    live->world = world;
    live->guest = guest;
    live->began_ns = live->platform->now(live->platform->context) - world->now;
    live_guest_begin(live);
    return &live->calls;
}

/* ---- time ---- */

uint64_t simback_live_now(struct simback_live *live)
{
    simback_advance(live->world, live->platform->now(live->platform->context) - live->began_ns);
    return live->world->now;
}

/* All that is there now. */
static bool take(struct simback_live *live)
{
    uint32_t token;

    live->happened = false;
    while (REAL(watch_fired, live->wake, &token) == 1)
        continue;
    live_mirror_take(live);
    live_guest_take(live);
    for (unsigned i = 0; i < WORLD_DEVICES; i++) {
        if (live->devices[i].used)
            simback_handover(live->world, live->devices[i].number, false);
    }
    return live->happened;
}

bool simback_live_wait(struct simback_live *live, uint64_t until_ns)
{
    for (;;) {
        const uint64_t now = simback_live_now(live);
        uint64_t next = now + SLICE_NS;

        if (take(live))
            return true;
        if (now >= until_ns)
            return false;
        if (next > until_ns)
            next = until_ns;
        (void)REAL(wait, live->began_ns + next);
    }
}
