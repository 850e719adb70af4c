/* SPDX-License-Identifier: ISC */
/*
 * What unit tests of the simulated Xen begin with: a fresh world without rules (these tests break
 * them on purpose), a guest's platform and a backend's host in domain 0.
 */
#ifndef SIMBACK_TEST_SIM_WORLD_H
#define SIMBACK_TEST_SIM_WORLD_H

#include <simback/event.h>
#include <simback/host.h>
#include <simback/world.h>
#include <simback/xen.h>

#include <stddef.h>

static struct simback_world *world;

static inline void sim_world_begin(bool share_only)
{
    struct simback_world_options options;

    simback_world_options_init(&options);
    options.rules = false;
    options.share_only = share_only;
    world = simback_world_create(&options);
    if (world == NULL)
        __builtin_trap();
    simback_enter(world, 0);
}

static inline void sim_world_set_up(void)
{
    sim_world_begin(false);
}

static inline void sim_world_tear_down(void)
{
    simback_world_destroy(world);
    world = NULL;
}

static inline const struct blkfront_platform *sim_guest(void)
{
    return simback_platform(world, SIMBACK_FRONT_DOMID);
}

static inline const struct simback_host *sim_host_of(uint16_t domid)
{
    return simback_sim_host(world, domid, 0, SIMBACK_NO_ACTOR, NULL, 0);
}

#endif
