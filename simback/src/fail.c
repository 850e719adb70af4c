/* SPDX-License-Identifier: ISC */
/*
 * Failures of resources on purpose: the nth call of a kind by a frontend's platform fails, once or
 * from then on. Which error that is, is the matter of the call.
 */
#include "internal.h"

static const char *const names[SIMBACK_RESOURCES] = {
    [SIMBACK_RESOURCE_ALLOC] = "fail alloc",   [SIMBACK_RESOURCE_GRANT] = "fail grant",
    [SIMBACK_RESOURCE_PORT] = "fail port",     [SIMBACK_RESOURCE_XENSTORE] = "fail xenstore",
    [SIMBACK_RESOURCE_REVOKE] = "fail revoke", [SIMBACK_RESOURCE_EVENT] = "fail event",
};

void fail_short(struct simback_world *world)
{
    world->was_short = true;
    world->short_ns = world->now;
    world->short_times++;
}

bool simback_is_short(const struct simback_world *world)
{
    return world->was_short && world->now - world->short_ns < UINT64_C(1000000000);
}

uint64_t simback_short_times(const struct simback_world *world)
{
    return world->short_times;
}

bool fail_counted(struct simback_world *world, enum simback_resource resource)
{
    struct failure *failure = &world->failures[resource];

    if (!failure->always) {
        if (--failure->countdown != 0)
            return false;
        failure->always = failure->from_then_on;
    }
    failure->failed++;
    if (resource != SIMBACK_RESOURCE_XENSTORE && resource != SIMBACK_RESOURCE_EVENT)
        fail_short(world);
    if (world_listens(world))
        simback_emit(world, &(struct simback_event){.kind = SIMBACK_FAULT,
                                                    .domid = world->guest,
                                                    .device = world->entered,
                                                    .c = failure->calls,
                                                    .path = names[resource]});
    return true;
}

void simback_fail_nth(struct simback_world *world, enum simback_resource resource, uint64_t nth,
                      bool from_then_on)
{
    struct failure *failure = &world->failures[resource];

    failure->countdown = nth;
    failure->from_then_on = from_then_on;
    failure->always = false;
}

uint64_t simback_resource_calls(const struct simback_world *world, enum simback_resource resource)
{
    return world->failures[resource].calls;
}

uint64_t simback_resource_failed(const struct simback_world *world, enum simback_resource resource)
{
    return world->failures[resource].failed;
}

void simback_mend(struct simback_world *world)
{
    for (int resource = 0; resource < SIMBACK_RESOURCES; resource++)
        simback_fail_nth(world, (enum simback_resource)resource, 0, false);
    store_faults_end(world);
    store_watches_mend(world);
    ports_mend(world);
}
