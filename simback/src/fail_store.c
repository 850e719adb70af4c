/* SPDX-License-Identifier: ISC */
/*
 * XenStore that fails on purpose, for a frontend alone: calls on a path, rights that are lost,
 * commits that meet a conflict that nobody else sees. platform_sim.c asks before it does a call;
 * backends and toolstacks never come here. Watch events are xenstore_watch.c's.
 */
#include "xenstore_internal.h"

#include <string.h>

enum { FAULTS_MAX = 64 };

/* Of the calls on a path `before` pass, then `left` fail; or it is denied for ever. */
struct store_fault {
    struct store_fault *next;
    uint64_t before, left;
    int error;
    bool deny;
    uint32_t path_size;
    char path[];
};

static int add(struct simback_world *world, const char *path, const struct store_fault *what)
{
    struct store_fault *fault, **link = &world->store.faults;
    size_t size;

    if (store_path_length(path) == 0)
        return BLKFRONT_PLATFORM_INVALID;
    if (world->store.fault_count == FAULTS_MAX)
        return BLKFRONT_PLATFORM_NO_MEMORY;
    size = strlen(path) + 1;
    fault = simback_allocate(world, sizeof(*fault) + size);
    if (fault == NULL)
        return BLKFRONT_PLATFORM_NO_MEMORY;
    *fault = *what;
    fault->path_size = (uint32_t)size;
    memcpy(fault->path, path, size);
    while (*link != NULL)
        link = &(*link)->next;
    *link = fault;
    world->store.fault_count++;
    return 0;
}

int simback_store_fail(struct simback_world *world, const char *path, int error, uint64_t nth,
                       uint64_t times)
{
    if (nth == 0 || times == 0)
        return BLKFRONT_PLATFORM_INVALID;
    return add(world, path,
               &(struct store_fault){.before = nth - 1, .left = times, .error = error});
}

int simback_store_deny(struct simback_world *world, const char *path)
{
    return add(world, path, &(struct store_fault){.deny = true});
}

void simback_store_again(struct simback_world *world, uint64_t times)
{
    world->store.again = times;
}

static void remove_fault(struct simback_world *world, struct store_fault **link)
{
    struct store_fault *fault = *link;

    *link = fault->next;
    world->store.fault_count--;
    simback_free(world, fault, sizeof(*fault) + fault->path_size);
}

void store_faults_end(struct simback_world *world)
{
    while (world->store.faults != NULL)
        remove_fault(world, &world->store.faults);
    world->store.again = 0;
}

static void tell(struct simback_world *world, const char *what, uint64_t left)
{
    if (world_listens(world))
        simback_emit(world, &(struct simback_event){.kind = SIMBACK_FAULT,
                                                    .domid = world->guest,
                                                    .device = world->entered,
                                                    .c = left,
                                                    .path = what});
}

int store_fault(struct simback_world *world, const char *path)
{
    struct store_fault **next = &world->store.faults;
    int error = 0;

    while (*next != NULL) {
        struct store_fault **link = next;
        struct store_fault *fault = *link;

        next = &fault->next;
        if (fault->deny || strcmp(fault->path, path) != 0)
            continue;
        if (fault->before != 0) {
            fault->before--;
        } else if (error == 0) {
            error = fault->error;
            tell(world, "store fail", --fault->left);
            if (fault->left == 0) {
                remove_fault(world, link);
                next = link;
            }
        }
    }
    return error;
}

bool store_is_denied(const struct simback_world *world, const char *path)
{
    for (const struct store_fault *fault = world->store.faults; fault != NULL;
         fault = fault->next) {
        if (fault->deny && store_path_is_within(path, fault->path))
            return true;
    }
    return false;
}

bool store_fault_holds(const struct simback_world *world, const char *path)
{
    for (const struct store_fault *fault = world->store.faults; fault != NULL;
         fault = fault->next) {
        if (!fault->deny && fault->before == 0 && strcmp(fault->path, path) == 0)
            return true;
    }
    return store_is_denied(world, path);
}

bool store_again(struct simback_world *world)
{
    if (world->store.again == 0)
        return false;
    tell(world, "store again", --world->store.again);
    return true;
}
