/* SPDX-License-Identifier: ISC */
/*
 * The world as a whole: made, made anew, and taken down, with its parts in their order; its clock;
 * and the list of its domains. What the parts do is in their own files.
 */
#include "internal.h"

#include <string.h>

enum { GRANTS_DEFAULT = 65536, PORTS_DEFAULT = 1023, MAX_STEPS_DEFAULT = 1000000 };

void simback_world_options_init(struct simback_world_options *options)
{
    *options = (struct simback_world_options){
        .grant_limit = GRANTS_DEFAULT,
        .port_limit = PORTS_DEFAULT,
        .max_steps = MAX_STEPS_DEFAULT,
        .rules = true,
        .trace_hash = true,
    };
}

static bool make_devices(struct simback_world *world)
{
    const uint32_t count = world->options.devices;

    world->fronts = simback_allocate(world, count * sizeof(world->fronts[0]));
    world->backends = simback_allocate(world, count * sizeof(struct simback_backend *));
    if (world->fronts == NULL || world->backends == NULL)
        return false;
    for (uint32_t i = 0; i < count; i++)
        world->fronts[i].device_poll = SIMBACK_NO_ACTOR;
    return true;
}

/* All members but the arena and the parts of others, over an arena that has forgotten everything.
 * The records of the trace are left: only those that its count covers are ever read. */
static bool begin(struct simback_world *world, const struct simback_world_options *options)
{
    world->options = *options;
    world->options.live |= options->served;
    if (options->devices == 0)
        world->options.devices = WORLD_DEVICES;
    world->arena.limit = options->memory_limit == 0 ? UINT64_MAX : options->memory_limit;
    world->now = 0;
    random_seed(&world->random, options->seed);
    world->domains = NULL;
    world->channel_sets = NULL;
    world->storms = NULL;
    memset(world->failures, 0, sizeof(world->failures));
    world->was_short = false;
    world->short_times = 0;
    world->entered = SIMBACK_NO_DEVICE;
    world->guest = SIMBACK_FRONT_DOMID;
    schedule_reset(world);
    trace_reset(world);
    return make_devices(world) && store_reset(world) == 0;
}

struct simback_world *simback_world_create(const struct simback_world_options *options)
{
    struct simback_world_options defaults;
    struct simback_world *world;
    struct arena arena;

    if (options == NULL) {
        simback_world_options_init(&defaults);
        options = &defaults;
    }
    world = arena_reserve(sizeof(*world), &arena);
    if (world == NULL)
        return NULL;
    world->arena = arena;
    if (begin(world, options)) {
        world->monitor = monitor_create(world);
        world->oracle = oracle_create(world);
    }
    if (world->monitor == NULL || world->oracle == NULL) {
        simback_world_destroy(world);
        return NULL;
    }
    return world;
}

/* Memory cannot run out here: what the parts need at the beginning was there at create. */
void simback_world_reset(struct simback_world *world, const struct simback_world_options *options)
{
    struct simback_world_options same = options == NULL ? world->options : *options;

    backends_reset(world);
    arena_reset(&world->arena);
    begin(world, &same);
    world->monitor = monitor_reset(world);
    world->oracle = oracle_reset(world);
}

void simback_world_destroy(struct simback_world *world)
{
    struct arena arena;

    if (world == NULL)
        return;
    backends_reset(world);
    if (world->oracle != NULL)
        oracle_destroy(world);
    if (world->monitor != NULL)
        monitor_destroy(world);
    arena = world->arena; /* the world lies in it */
    arena_release(&arena);
}

/* ---- time ---- */

uint64_t simback_now(const struct simback_world *world)
{
    return world->now;
}

void simback_advance(struct simback_world *world, uint64_t to_ns)
{
    if (to_ns <= world->now)
        return;
    world->now = to_ns;
    schedule_fire_timers(world);
}

/* ---- domains ---- */

struct domain *domain_find(const struct simback_world *world, uint16_t domid)
{
    for (struct domain *domain = world->domains; domain != NULL; domain = domain->next) {
        if (domain->domid == domid)
            return domain;
    }
    return NULL;
}

struct domain *domain_get(struct simback_world *world, uint16_t domid)
{
    struct domain *domain = domain_find(world, domid);
    uint32_t grants = world->options.grant_limit, ports = world->options.port_limit;

    if (domain != NULL)
        return domain;
    domain = simback_allocate(world, sizeof(*domain));
    if (domain == NULL)
        return NULL;
    domain->world = world;
    domain->domid = domid;
    domain->grant_limit = grants;
    domain->grant_fresh = GRANT_FIRST;
    domain->port_limit = ports;
    domain->port_low = 1;
    /* Port numbers begin at 1, so the highest one needs its own entry. */
    domain->grant_chunks =
        simback_allocate(world, (grants / GRANT_CHUNK + 1) * sizeof(struct grant *));
    domain->port_chunks = simback_allocate(world, (ports / PORT_CHUNK + 1) * sizeof(struct port *));
    if (domain->grant_chunks == NULL || domain->port_chunks == NULL)
        return NULL; /* the arena is full; what little was taken goes with it */
    domain->next = world->domains;
    world->domains = domain;
    return domain;
}
