/* SPDX-License-Identifier: ISC */
/*
 * libblkfront over one simulated backend in a stepped world, through the public interfaces alone:
 * what an application does, with each step told to the rules as the runner tells it. For tests that
 * need more than a scenario can say: real data, counted memory, failures at every place.
 */
#ifndef SCENARIO_TEST_DEVICE_WORLD_H
#define SCENARIO_TEST_DEVICE_WORLD_H

#include <simback/backend.h>
#include <simback/oracle.h>
#include <simback/world.h>
#include <simback/xen.h>

#include <blkfront/blkfront.h>

#include <stdbool.h>
#include <stdint.h>

enum { DEVICE_WORLD_QUEUES = 4 }; /* at most */

struct device_world;

/* A queue of the device as its actor knows it. */
struct device_world_queue {
    struct device_world *owner;
    simback_actor actor;
    uint16_t index;
};

struct device_world {
    struct simback_world *world;
    struct simback_backend *backend;
    bool rules; /* the application's calls are told */
    struct blkfront *context;
    struct blkfront_device *device; /* NULL: none */
    simback_actor device_actor;
    struct device_world_queue queues[DEVICE_WORLD_QUEUES];
    uint16_t queue_count;      /* as many as the backend offers */
    enum blkfront_state state; /* as the rules know it */
    int error;
    bool inside;       /* a poll is running: what a completion does is part of it */
    uint64_t requests; /* submitted so far */
    uint32_t in_flight;
};

/* A request of blkfront.h, its number for the rules, and what becomes of it. */
struct device_request {
    struct blkfront_request request; /* first: a completion finds the rest by it */
    struct blkfront_buffer buffer;   /* the one buffer of device_world_do */
    struct device_world *owner;
    uint16_t queue; /* on which it goes */
    uint64_t number;
    bool done;
    int result;
    void (*then)(struct device_request *request); /* after it is done; NULL: nothing */
};

/* A Linux backend for xvda of so many sectors. */
void device_world_backend(struct simback_backend_options *options, uint64_t sectors);

/* A world with a backend and a frontend's context; NULL options are the defaults. False: no memory;
 * what was made ends with device_world_end all the same. */
bool device_world_begin(struct device_world *own, const struct simback_world_options *world,
                        const struct simback_backend_options *backend);
/* The same in a world that is there already. */
bool device_world_begin_in(struct device_world *own, struct simback_world *world, bool rules,
                           const struct simback_backend_options *backend);
/* Takes everything down, and judges the end. */
void device_world_end(struct device_world *own);
/* All but the world: the context and what the rules say of the end. */
void device_world_end_context(struct device_world *own);

/* One step; false at rest. */
bool device_world_step(struct device_world *own);

/* Until connected; after an error there is no device. */
int device_world_connect(struct device_world *own, const struct blkfront_options *options);
/* Until closed, and released. */
void device_world_disconnect(struct device_world *own);
/* Released as it is: cut off if it is not closed. */
void device_world_release(struct device_world *own);

/* Takes the request on its way; a refused one is done at once. request, queue and then are the
 * caller's to fill. */
void device_world_submit(struct device_world *own, struct device_request *request);
/* Until the request is done. If the world comes to rest before, that is told as I4, and the device
 * is disconnected so that the request ends. */
int device_world_wait(struct device_world *own, const struct device_request *request);
/* One request with one buffer, from submit to its end. */
int device_world_do(struct device_world *own, enum blkfront_operation operation, uint64_t sector,
                    void *address, size_t size, struct blkfront_memory *memory);

/* memory_create, memory_register and memory_destroy, told to the rules. */
int device_world_memory(struct device_world *own, size_t pages, unsigned uses,
                        struct blkfront_memory **memory, void **address);
int device_world_register(struct device_world *own, void *address, size_t pages, unsigned uses,
                          void (*release)(void *context, void *address), void *context,
                          struct blkfront_memory **memory);
void device_world_forget(struct device_world *own, struct blkfront_memory *memory);

/* The first broken rule in words; NULL: none is. */
const char *device_world_broken(const struct device_world *own);

#endif
