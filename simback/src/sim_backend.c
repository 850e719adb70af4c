/* SPDX-License-Identifier: ISC */
/*
 * A backend in a simulated world: the toolstack's nodes, a host, one actor for XenStore and one for
 * each queue, and the world's list of backends. The backend itself knows nothing of a world.
 */
#include "backend_internal.h"
#include "disk_internal.h"
#include "internal.h"

struct sim_backend;

struct sim_queue {
    struct sim_backend *sim;
    simback_actor actor;
    uint16_t index;
};

struct sim_backend {
    struct simback_world *world;
    struct simback_backend *backend;
    struct simback_disk *own_disk;
    simback_actor store_actor;
    uint16_t device;
    uint16_t queue_count;
    struct sim_queue queues[BACKEND_QUEUES];
};

static bool run_store(void *context)
{
    struct sim_backend *sim = context;

    return sim->backend != NULL && simback_backend_poll(sim->backend);
}

static bool run_queue(void *context)
{
    struct sim_queue *queue = context;
    struct simback_backend *backend = queue->sim->backend;
    bool more;

    if (backend == NULL)
        return false;
    more = simback_backend_service(backend, queue->index);
    simback_actor_at(queue->sim->world, queue->actor,
                     simback_backend_service_at(backend, queue->index));
    simback_actor_idle_at(queue->sim->world, queue->actor,
                          simback_backend_housekeeping_at(backend, queue->index));
    return more;
}

static void wake(void *context, uint16_t queue)
{
    struct sim_backend *sim = context;

    if (queue == BACKEND_STORE)
        simback_actor_ready(sim->world, sim->store_actor);
    else if (queue < sim->queue_count)
        simback_actor_ready(sim->world, sim->queues[queue].actor);
}

static void touched(void *context)
{
    struct sim_backend *sim = context;

    simback_handover(sim->world, sim->device, false);
}

/* The backend is no more: nor are its actors, its place in the list and its own disk. */
static void retire(void *context)
{
    struct sim_backend *sim = context;
    struct simback_world *world = sim->world;

    if (world->backends[sim->device] == sim->backend)
        world->backends[sim->device] = NULL;
    if (sim->store_actor != SIMBACK_NO_ACTOR)
        simback_actor_remove(world, sim->store_actor);
    for (uint16_t i = 0; i < sim->queue_count; i++) {
        if (sim->queues[i].actor != SIMBACK_NO_ACTOR)
            simback_actor_remove(world, sim->queues[i].actor);
    }
    simback_disk_destroy(sim->own_disk);
    simback_free(world, sim, sizeof(*sim));
}

static struct sim_backend *make_sim(struct simback_world *world,
                                    const struct simback_backend_options *options)
{
    struct sim_backend *sim = simback_allocate(world, sizeof(*sim));

    if (sim == NULL)
        return NULL;
    sim->world = world;
    sim->device = options->device;
    sim->queue_count = backend_max_queues(options);
    if (sim->queue_count == 0)
        sim->queue_count = 1;
    sim->store_actor = simback_actor_add(world, "back", options->device, 0, run_store, sim);
    for (uint16_t i = 0; i < sim->queue_count; i++) {
        sim->queues[i].sim = sim;
        sim->queues[i].index = i;
        sim->queues[i].actor =
            simback_actor_add(world, "ring", options->device, i, run_queue, &sim->queues[i]);
    }
    return sim;
}

static const struct simback_host *make_host(struct sim_backend *sim, uint16_t domid)
{
    simback_actor actors[BACKEND_QUEUES];

    for (uint16_t i = 0; i < sim->queue_count; i++) {
        actors[i] = sim->queues[i].actor;
        if (actors[i] == SIMBACK_NO_ACTOR)
            return NULL;
    }
    if (sim->store_actor == SIMBACK_NO_ACTOR)
        return NULL;
    return simback_sim_host(sim->world, domid, sim->device, sim->store_actor, actors,
                            sim->queue_count);
}

static bool make_disk(struct sim_backend *sim, struct simback_backend_options *options)
{
    const uint64_t size = publish_sectors_512(options);

    if (options->disk != NULL)
        return true;
    sim->own_disk =
        simback_disk_memory(sim->world, size < SIMBACK_DISK_MAX_512 ? size : SIMBACK_DISK_MAX_512);
    options->disk = sim->own_disk;
    return sim->own_disk != NULL;
}

static bool acceptable(const struct simback_world *world,
                       const struct simback_backend_options *options)
{
    return world_has_device(world, options->device) && options->dialect != NULL &&
           options->start_state >= 0 && options->start_state <= BLKIF_WIRE_RECONFIGURED;
}

/* It runs from now on. */
static struct simback_backend *enter_world(struct sim_backend *sim)
{
    struct simback_backend *backend = sim->backend;

    backend->wake = wake;
    backend->touched = touched;
    backend->retire = retire;
    backend->runner = sim;
    sim->world->backends[sim->device] = backend;
    backend_former_life(backend);
    simback_actor_ready(sim->world, sim->store_actor);
    return backend;
}

struct simback_backend *simback_world_add_backend(struct simback_world *world,
                                                  const struct simback_backend_options *options)
{
    struct simback_backend_options own = *options; /* with a disk in any case */
    const struct simback_host *host;
    struct sim_backend *sim;

    if (!acceptable(world, options))
        return NULL;
    simback_backend_destroy(world->backends[own.device]);
    sim = make_sim(world, &own);
    if (sim == NULL)
        return NULL;
    host = make_host(sim, own.domid);
    if (host != NULL && make_disk(sim, &own) && simback_toolstack_create(world, &own) == 0)
        sim->backend = simback_backend_create(host, &own);
    if (sim->backend == NULL) {
        retire(sim);
        return NULL;
    }
    return enter_world(sim);
}

/* What outlives a backend: its disk too. */
static void inherit(struct sim_backend *sim, struct simback_backend *old)
{
    struct sim_backend *old_sim = old->runner;

    backend_inherit(sim->backend, old);
    sim->own_disk = old_sim->own_disk;
    old_sim->own_disk = NULL;
}

/* Another backend in the place of the old one, which is gone then; it does not run yet. NULL: no
 * memory, and the old one goes on. */
static struct sim_backend *succeed(struct simback_backend *old,
                                   const struct simback_backend_options *options)
{
    struct sim_backend *old_sim = old->runner;
    struct sim_backend *sim = make_sim(old_sim->world, options);
    struct simback_backend_options own = *options;
    const uint64_t old_size = publish_sectors_512(&old->options);
    const struct simback_host *host = sim == NULL ? NULL : make_host(sim, own.domid);

    own.disk = old->disk;
    if (host != NULL)
        sim->backend = simback_backend_create(host, &own);
    if (sim != NULL && sim->backend == NULL) {
        retire(sim);
        return NULL;
    }
    if (sim == NULL)
        return NULL;
    inherit(sim, old);
    simback_backend_destroy(old);
    backend_tell(sim->backend, SIMBACK_BACK_LIFE, 0, simback_disk_size(own.disk), old_size,
                 "restart");
    return sim;
}

struct simback_backend *simback_world_restart_backend(struct simback_world *world,
                                                      const struct simback_backend_options *options)
{
    struct simback_backend_options own = *options, before;
    struct simback_backend *old;
    struct sim_backend *sim;

    old = acceptable(world, options) ? world->backends[options->device] : NULL;
    if (old == NULL)
        return NULL;
    before = old->options;
    own.attach = true;
    sim = succeed(old, &own);
    if (sim == NULL)
        return NULL;
    if (simback_toolstack_replace_back(world, &before, &own) != 0)
        backend_complain(sim->backend, "%s: cannot be made anew", sim->backend->back);
    return enter_world(sim);
}

int simback_world_resume(struct simback_world *world, uint16_t domid)
{
    const size_t size = world->options.devices * sizeof(struct sim_backend *);
    struct sim_backend **sims;
    const uint16_t old = world->guest;
    int result = 0;

    if (domid != old && domain_find(world, domid) != NULL)
        return -1;
    sims = simback_allocate(world, size);
    if (sims == NULL)
        return -1;
    for (uint32_t i = 0; i < world->options.devices; i++) {
        struct simback_backend *backend = world->backends[i];
        struct simback_backend_options options;

        if (backend == NULL || backend->options.front_domid != old)
            continue;
        options = backend->options;
        simback_toolstack_remove(world, &options);
        options.front_domid = domid;
        options.start_state = BLKIF_WIRE_INITIALISING;
        sims[i] = succeed(backend, &options);
        result = sims[i] == NULL ? -1 : result;
    }
    if (guest_move(world, domid) != 0)
        result = -1;
    for (uint32_t i = 0; i < world->options.devices; i++) {
        if (sims[i] == NULL)
            continue;
        if (simback_toolstack_create(world, &sims[i]->backend->options) != 0)
            result = -1;
        (void)enter_world(sims[i]);
    }
    simback_free(world, sims, size);
    return result;
}

struct simback_backend *simback_world_backend(struct simback_world *world, uint16_t device)
{
    return world_has_device(world, device) ? world->backends[device] : NULL;
}

void backends_reset(struct simback_world *world)
{
    disk_files_close(world);
    for (uint32_t i = 0; world->backends != NULL && i < world->options.devices; i++)
        world->backends[i] = NULL;
}
