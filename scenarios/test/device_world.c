/* SPDX-License-Identifier: ISC */
/*
 * The application of the tests: actors that poll the device and its queues, and calls that let the
 * world run until they have ended.
 */
#include "device_world.h"

#include <blkfront/blkif.h>

#include <string.h>

enum { DEVICE = 0, VDEV = 51712, UNIT = 512 };

/* ---- calls of the library, as the world is told of them ---- */

static void enter(struct device_world *own, const char *call)
{
    simback_enter(own->world, DEVICE);
    if (own->rules) {
        simback_app_call(own->world, DEVICE, call);
    }
}

/* Inside a step of an actor the world itself looks at the rings afterwards. */
static void leave_step(struct device_world *own, const char *call, int result)
{
    if (own->rules) {
        simback_app_return(own->world, DEVICE, call, result);
    }
    simback_enter(own->world, SIMBACK_NO_DEVICE);
}

static void leave(struct device_world *own, const char *call, int result)
{
    leave_step(own, call, result);
    simback_handover(own->world, DEVICE, true);
}

/* The rules hear of each new state of the device. */
static void look(struct device_world *own)
{
    enum blkfront_state state = blkfront_device_state(own->device);
    int error = blkfront_device_error(own->device);

    if (state == own->state && error == own->error) {
        return;
    }
    own->state = state;
    own->error = error;
    if (own->rules) {
        simback_app_device(own->world, DEVICE, state, error);
    }
}

/* ---- polls ---- */

static bool poll_device(void *context)
{
    struct device_world *own = context;
    int more;

    if (own->device == NULL) {
        return false;
    }
    enter(own, "poll");
    own->inside = true;
    more = blkfront_poll(own->device);
    own->inside = false;
    leave_step(own, "poll", more);
    look(own);
    simback_actor_at(own->world, own->device_actor, blkfront_poll_at(own->device));
    return more > 0;
}

static bool poll_queue(void *context)
{
    const struct device_world_queue *polled = context;
    struct device_world *own = polled->owner;
    struct blkfront_queue *queue;
    int more;

    if (own->device == NULL) {
        return false;
    }
    queue = blkfront_get_queue(own->device, polled->index);
    if (queue == NULL) {
        return false;
    }
    enter(own, "queue_poll");
    own->inside = true;
    more = blkfront_queue_poll(queue);
    own->inside = false;
    leave_step(own, "queue_poll", more);
    look(own);
    simback_actor_at(own->world, polled->actor, blkfront_queue_poll_at(queue));
    return more > 0;
}

static void wake(struct device_world *own)
{
    simback_actor_ready(own->world, own->device_actor);
    for (uint16_t i = 0; i < own->queue_count; i++) {
        simback_actor_ready(own->world, own->queues[i].actor);
    }
}

bool device_world_step(struct device_world *own)
{
    return simback_world_step(own->world, SIMBACK_NEVER) == SIMBACK_STEP_RAN;
}

/* ---- the world ---- */

void device_world_backend(struct simback_backend_options *options, uint64_t sectors)
{
    simback_backend_options_init(options);
    options->dialect = simback_dialect_find("linux");
    options->device = DEVICE;
    options->front_domid = SIMBACK_FRONT_DOMID;
    options->vdev = VDEV;
    options->sectors = sectors;
}

static bool add_actors(struct device_world *own)
{
    simback_actor actors[DEVICE_WORLD_QUEUES];

    own->device_actor = simback_actor_add(own->world, "front", DEVICE, 0, poll_device, own);
    for (uint16_t i = 0; i < own->queue_count; i++) {
        struct device_world_queue *queue = &own->queues[i];

        actors[i] = simback_actor_add(own->world, "queue", DEVICE, i, poll_queue, queue);
        if (actors[i] == SIMBACK_NO_ACTOR) {
            return false;
        }
        *queue = (struct device_world_queue){.owner = own, .actor = actors[i], .index = i};
    }
    simback_front_actors(own->world, DEVICE, own->device_actor, actors, own->queue_count);
    return own->device_actor != SIMBACK_NO_ACTOR;
}

static bool begin(struct device_world *own, const struct simback_backend_options *backend)
{
    const struct blkfront_platform *platform;

    own->backend = simback_world_add_backend(own->world, backend);
    own->queue_count = backend->queues > 1 ? (uint16_t)backend->queues : 1;
    if (own->queue_count > DEVICE_WORLD_QUEUES || !add_actors(own)) {
        return false;
    }
    platform = simback_platform(own->world, SIMBACK_FRONT_DOMID);
    simback_enter(own->world, SIMBACK_NO_DEVICE);
    return own->backend != NULL && platform != NULL &&
           blkfront_create(platform, &own->context) == BLKFRONT_OK;
}

bool device_world_begin_in(struct device_world *own, struct simback_world *world, bool rules,
                           const struct simback_backend_options *backend)
{
    memset(own, 0, sizeof(*own));
    own->world = world;
    own->rules = rules;
    return begin(own, backend);
}

bool device_world_begin(struct device_world *own, const struct simback_world_options *world,
                        const struct simback_backend_options *backend)
{
    struct simback_world *made = simback_world_create(world);

    memset(own, 0, sizeof(*own));
    return made != NULL && device_world_begin_in(own, made, world == NULL || world->rules, backend);
}

void device_world_end_context(struct device_world *own)
{
    device_world_disconnect(own);
    while (own->world != NULL && device_world_step(own)) {}
    if (own->context != NULL) {
        blkfront_destroy(own->context);
        own->context = NULL;
        if (own->rules) {
            simback_app_end(own->world);
        }
    }
}

void device_world_end(struct device_world *own)
{
    device_world_end_context(own);
    simback_world_destroy(own->world);
    own->world = NULL;
}

const char *device_world_broken(const struct device_world *own)
{
    const struct simback_violation *first = simback_violation(own->world, 0);

    return first == NULL ? NULL : first->text;
}

/* ---- connect, disconnect ---- */

static bool is_final(const struct device_world *own)
{
    return own->state == BLKFRONT_CLOSED || own->state == BLKFRONT_FAILED;
}

void device_world_release(struct device_world *own)
{
    struct blkfront_device *device = own->device;

    if (device == NULL) {
        return;
    }
    enter(own, "release");
    own->device = NULL;
    blkfront_release(device);
    leave(own, "release", 0);
    if (own->rules) {
        simback_app_released(own->world, DEVICE);
    }
}

int device_world_connect(struct device_world *own, const struct blkfront_options *options)
{
    int result;

    enter(own, "connect");
    result = blkfront_connect(own->context, "xvda", options, &own->device);
    leave(own, "connect", result);
    if (result != BLKFRONT_OK) {
        own->device = NULL;
        return result;
    }
    own->state = BLKFRONT_CONNECTING;
    own->error = BLKFRONT_OK;
    if (own->rules) {
        simback_app_device(own->world, DEVICE, own->state, own->error);
    }
    wake(own);
    look(own);
    while (own->state == BLKFRONT_CONNECTING && device_world_step(own)) {}
    if (own->state == BLKFRONT_CONNECTED) {
        return BLKFRONT_OK;
    }
    result = is_final(own) ? own->error : BLKFRONT_DEADLINE;
    device_world_disconnect(own);
    return result;
}

void device_world_disconnect(struct device_world *own)
{
    if (own->device == NULL) {
        return;
    }
    enter(own, "disconnect");
    blkfront_disconnect(own->device);
    leave(own, "disconnect", 0);
    look(own);
    wake(own);
    while (!is_final(own) && device_world_step(own)) {}
    device_world_release(own);
}

/* ---- requests ---- */

static void complete(struct blkfront_request *completed, int result)
{
    struct device_request *request = (struct device_request *)completed;
    struct device_world *own = request->owner;

    if (own->rules) {
        simback_app_complete(own->world, request->number, result);
    }
    simback_progress(own->world);
    own->in_flight--;
    request->done = true;
    request->result = result;
    if (request->then != NULL) {
        request->then(request);
    }
}

static uint64_t sectors_of(const struct blkfront_request *request, uint32_t sector_size)
{
    uint64_t bytes = 0;

    for (size_t i = 0; i < request->buffer_count; i++) {
        bytes += request->buffers[i].size;
    }
    return request->operation == BLKFRONT_DISCARD ? request->sectors : bytes / sector_size;
}

/* Between enter and leave, or in a poll. */
static int hand_over(struct device_world *own, struct device_request *request)
{
    struct blkfront_request *inner = &request->request;
    int result;

    if (own->rules) {
        simback_app_submit(own->world, DEVICE, request->queue, request->number, inner->operation,
                           inner->flags, UNIT, inner->sector, sectors_of(inner, UNIT),
                           inner->buffers, inner->buffer_count);
    }
    result = blkfront_submit(blkfront_get_queue(own->device, request->queue), inner);
    if (result != BLKFRONT_OK && own->rules) {
        simback_app_refused(own->world, request->number, result);
    }
    return result;
}

void device_world_submit(struct device_world *own, struct device_request *request)
{
    int result;

    request->owner = own;
    request->done = false;
    request->number = ++own->requests;
    request->request.complete = complete;
    own->in_flight++;
    if (own->inside) {
        result = hand_over(own, request);
    } else {
        enter(own, "submit");
        result = hand_over(own, request);
        leave(own, "submit", result);
        simback_actor_ready(own->world, own->queues[request->queue].actor);
    }
    if (result != BLKFRONT_OK) {
        own->in_flight--;
        request->done = true;
        request->result = result;
    }
}

int device_world_wait(struct device_world *own, const struct device_request *request)
{
    while (!request->done && device_world_step(own)) {}
    if (!request->done) {
        simback_violate(own->world, 4, false, DEVICE, request->number,
                        "a request has not ended at rest");
        device_world_disconnect(own);
    }
    return request->result;
}

int device_world_do(struct device_world *own, enum blkfront_operation operation, uint64_t sector,
                    void *address, size_t size, struct blkfront_memory *memory)
{
    struct device_request request = {
        .request = {.operation = operation, .sector = sector},
        .buffer = {.address = address, .size = size, .memory = memory},
    };

    request.request.buffers = &request.buffer;
    request.request.buffer_count = size == 0 ? 0 : 1;
    device_world_submit(own, &request);
    return device_world_wait(own, &request);
}

/* ---- memory ---- */

int device_world_memory(struct device_world *own, size_t pages, unsigned uses,
                        struct blkfront_memory **memory, void **address)
{
    int result;

    enter(own, "memory_create");
    result = blkfront_memory_create(own->device, pages, uses, memory, address);
    leave(own, "memory_create", result);
    return result;
}

int device_world_register(struct device_world *own, void *address, size_t pages, unsigned uses,
                          void (*release_pages)(void *context, void *address), void *context,
                          struct blkfront_memory **memory)
{
    int result;

    enter(own, "memory_register");
    result =
        blkfront_memory_register(own->device, address, pages, uses, release_pages, context, memory);
    leave(own, "memory_register", result);
    return result;
}

void device_world_forget(struct device_world *own, struct blkfront_memory *memory)
{
    enter(own, "memory_destroy");
    blkfront_memory_destroy(memory);
    leave(own, "memory_destroy", 0);
}
