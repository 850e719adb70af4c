/* SPDX-License-Identifier: ISC */
/*
 * A guest that was suspended wakes up elsewhere, perhaps under another number: what Xen kept for it
 * is void, its directories are those of a domain that is no more, and its memory is as it was. New
 * backends are made by sim_backend.c, new directories by toolstack.c.
 */
#include "internal.h"

#include <stdio.h>

uint16_t simback_guest(const struct simback_world *world)
{
    return world->guest;
}

/* Pages of before are the same memory, and the domain's still. */
static void keep_pages(struct simback_world *world, uint16_t old, uint16_t domid)
{
    for (uint32_t page = 0; page < world->arena.page_next; page++) {
        if (world->arena.pages[page].use != PAGE_UNUSED && world->arena.pages[page].domid == old)
            world->arena.pages[page].domid = domid;
    }
}

static int make_home(struct simback_world *world, uint16_t domid)
{
    char path[40];
    int result;

    snprintf(path, sizeof(path), "/local/domain/%u", domid);
    result = simback_store_permit(world, path, SIMBACK_DOM0, domid);
    snprintf(path, sizeof(path), "/local/domain/%u/device", domid);
    return result != 0 ? result : simback_store_permit(world, path, SIMBACK_DOM0, domid);
}

int guest_move(struct simback_world *world, uint16_t domid)
{
    struct domain *domain = domain_get(world, world->guest);
    const uint16_t old = world->guest;
    char path[32];

    if (domain == NULL)
        return BLKFRONT_PLATFORM_NO_MEMORY;
    if (domid != old && domain_find(world, domid) != NULL)
        return BLKFRONT_PLATFORM_INVALID;
    grant_table_void(domain);
    ports_void(domain);
    snprintf(path, sizeof(path), "/local/domain/%u", old);
    (void)simback_store_remove(world, path);
    domain->domid = domid;
    world->guest = domid;
    keep_pages(world, old, domid);
    simback_emit(world, &(struct simback_event){.kind = SIMBACK_RESUMED,
                                                .domid = old,
                                                .peer = domid,
                                                .device = SIMBACK_NO_DEVICE});
    store_watches_resume(domain);
    return make_home(world, domid);
}
