/* SPDX-License-Identifier: ISC */
/*
 * Memory that goes to the backend without a copy: made, registered, destroyed. Destroying waits
 * until no unfinished request has a buffer in it and the backend has let go of every page (I5); the
 * waiting is done by the device's poll. The caller's side of a page's grants is in grants.c, their
 * use in transfer.c.
 */
#include "memory.h"
#include "queue.h"

enum { USES = BLKFRONT_MEMORY_TO_DISK | BLKFRONT_MEMORY_FROM_DISK };

static int check_arguments(const struct blkfront_device *device, const void *address, size_t pages,
                           unsigned uses, struct blkfront_memory **memory)
{
    if (device == NULL || address == NULL || memory == NULL || pages == 0 || uses == 0 ||
        (uses & ~(unsigned)USES) != 0)
        return BLKFRONT_INVALID;
    if (!device_takes_requests(device))
        return BLKFRONT_DISCONNECTED;
    /* Record numbers are 32 bits wide; so much memory is not to be had anyway. */
    if (pages > UINT32_MAX / MEMORY_RECORDS)
        return BLKFRONT_NO_MEMORY;
    return BLKFRONT_OK;
}

static struct blkfront_memory *memory_new(struct blkfront_device *device, size_t pages,
                                          unsigned uses)
{
    const struct blkfront_platform *platform = device->context->platform;
    struct blkfront_memory *memory = platform->allocate(platform->context, sizeof(*memory));

    if (memory == NULL)
        return NULL;
    memory->device = device;
    memory->size = pages * BLKIF_WIRE_PAGE_SIZE;
    memory->uses = uses;
    return memory;
}

static void memory_free(struct blkfront_memory *memory)
{
    const struct blkfront_platform *platform = memory->device->context->platform;

    platform->free(platform->context, memory, sizeof(*memory));
}

static void memory_link(struct blkfront_memory *memory)
{
    memory->next = memory->device->memories;
    memory->device->memories = memory;
}

/* What a new one begins with, now that it has pages. */
static void memory_begin(struct blkfront_memory *memory)
{
    memory->block->alone = device_has_one_queue(memory->device);
    memory_link(memory);
}

static bool grants_any_page(const struct blkfront_platform *platform)
{
    return (platform->capabilities & BLKFRONT_PLATFORM_GRANTS_ANY_PAGE) != 0;
}

int blkfront_memory_create(struct blkfront_device *device, size_t pages, unsigned uses,
                           struct blkfront_memory **memory, void **address)
{
    const struct blkfront_platform *platform;
    struct blkfront_memory *made;
    int r = check_arguments(device, address, pages, uses, memory);

    if (r != BLKFRONT_OK)
        return r;
    platform = device->context->platform;
    made = memory_new(device, pages, uses);
    if (made == NULL)
        return BLKFRONT_NO_MEMORY;

    if (grants_any_page(platform))
        r = grant_block_allocate(platform, (uint32_t)pages, MEMORY_RECORDS, &made->block);
    else
        r = grant_block_share(platform, device->agreed.backend_id, (uint32_t)pages,
                              (uses & BLKFRONT_MEMORY_FROM_DISK) != 0 || device->agreed.persistent,
                              MEMORY_RECORDS, &made->block);
    if (r != 0) {
        memory_free(made);
        return BLKFRONT_NO_MEMORY;
    }
    memory_begin(made);
    *memory = made;
    *address = made->block->address;
    return BLKFRONT_OK;
}

int blkfront_memory_register(struct blkfront_device *device, void *address, size_t pages,
                             unsigned uses, void (*release)(void *context, void *address),
                             void *context, struct blkfront_memory **memory)
{
    const struct blkfront_platform *platform;
    struct blkfront_memory *made;
    int r = check_arguments(device, address, pages, uses, memory);

    if (r != BLKFRONT_OK)
        return r;
    if (((uintptr_t)address & (BLKIF_WIRE_PAGE_SIZE - 1)) != 0)
        return BLKFRONT_INVALID;
    platform = device->context->platform;
    if (!grants_any_page(platform))
        return BLKFRONT_UNIMPLEMENTED;
    made = memory_new(device, pages, uses);
    if (made == NULL)
        return BLKFRONT_NO_MEMORY;

    r = grant_block_register(platform, address, (uint32_t)pages, MEMORY_RECORDS, &made->block);
    if (r != 0) {
        memory_free(made);
        return BLKFRONT_NO_MEMORY;
    }
    made->block->release = release;
    made->block->release_context = context;
    memory_begin(made);
    *memory = made;
    return BLKFRONT_OK;
}

void memory_use(struct blkfront_memory *memory)
{
    __atomic_add_fetch(&memory->users, 1, __ATOMIC_RELAXED);
}

void memory_unuse(struct blkfront_memory *memory)
{
    /* Afterwards the device's poll may free the memory at any time. */
    struct blkfront_device *device = memory->device;

    if (__atomic_sub_fetch(&memory->users, 1, __ATOMIC_ACQ_REL) == MEMORY_DESTROYED)
        device_wake(device);
}

/* True if it has gone. */
static bool try_to_end(struct blkfront_memory *memory)
{
    if (__atomic_load_n(&memory->users, __ATOMIC_ACQUIRE) != MEMORY_DESTROYED ||
        grant_block_end(memory->block) != 0)
        return false;
    memory_free(memory);
    return true;
}

void blkfront_memory_destroy(struct blkfront_memory *memory)
{
    struct blkfront_memory **link;

    if (memory == NULL || memory_destroyed(memory))
        return;
    __atomic_or_fetch(&memory->users, MEMORY_DESTROYED, __ATOMIC_ACQ_REL);
    link = &memory->device->memories;
    while (*link != memory)
        link = &(*link)->next;
    *link = memory->next;
    /* It must not be in the list while its release function runs, which may call us. */
    if (!try_to_end(memory))
        memory_link(memory);
}

bool memories_cut(struct blkfront_device *device)
{
    bool all = true;

    for (struct blkfront_memory *memory = device->memories; memory != NULL; memory = memory->next) {
        if (!grant_block_cut(memory->block))
            all = false;
    }
    return all;
}

void memories_poll(struct blkfront_device *device)
{
    struct blkfront_memory **link = &device->memories;

    shortage_poll_device(device);
    while (*link != NULL) {
        struct blkfront_memory *memory = *link;

        if (!memory_destroyed(memory)) {
            grant_block_retry(memory->block);
            link = &memory->next;
            continue;
        }
        *link = memory->next;
        if (try_to_end(memory)) {
            /* A release function may have changed the list: begin again. Each round ends one. */
            link = &device->memories;
        } else {
            memory->next = *link;
            *link = memory;
            link = &memory->next;
        }
    }
}

void memories_void(struct blkfront_device *device)
{
    for (struct blkfront_memory *memory = device->memories; memory != NULL; memory = memory->next) {
        if (memory->block->kind == GRANT_SHARED)
            __atomic_store_n(&memory->uses, 0, __ATOMIC_RELAXED);
    }
}

void memories_close(struct blkfront_device *device)
{
    while (device->memories != NULL) {
        struct blkfront_memory *memory = device->memories;

        device->memories = memory->next;
        if (grant_block_end(memory->block) != 0)
            quarantine_put(device->context, memory->block);
        memory_free(memory);
    }
}
