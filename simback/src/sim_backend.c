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

struct simback_backend *simback_world_add_backend(struct simback_world *world,
                                                  const struct simback_backend_options *options)
{
    struct simback_backend_options own = *options; /* with a disk in any case */
    const struct simback_host *host;
    struct sim_backend *sim;

    if (own.device >= WORLD_DEVICES || own.dialect == NULL || own.start_state < 0 ||
        own.start_state > BLKIF_WIRE_RECONFIGURED)
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
    sim->backend->wake = wake;
    sim->backend->touched = touched;
    sim->backend->retire = retire;
    sim->backend->runner = sim;
    world->backends[own.device] = sim->backend;
    backend_former_life(sim->backend);
    simback_actor_ready(world, sim->store_actor);
    return sim->backend;
}

struct simback_backend *simback_world_backend(struct simback_world *world, uint16_t device)
{
    return device < WORLD_DEVICES ? world->backends[device] : NULL;
}

void backends_reset(struct simback_world *world)
{
    disk_files_close(world);
    for (uint32_t i = 0; i < WORLD_DEVICES; i++)
        world->backends[i] = NULL;
}
