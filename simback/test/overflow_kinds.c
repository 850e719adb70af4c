/* SPDX-License-Identifier: ISC */
/*
 * How an object of each kind comes into the world: what anybody allocates, what frontend and
 * backend allocate through their platforms, pages in blocks, and the memory of a real frontend.
 */
#include "overflow_kinds.h"

#include "internal.h"
#include "sim_world.h"

#include <simback/backend.h>

#include <blkfront/blkfront.h>

#define PAGE ((size_t)4096)

struct block overflow_object(size_t size)
{
    return (struct block){simback_allocate(world, size), size};
}

struct block overflow_pages(uint32_t count)
{
    return (struct block){simback_pages_allocate(world, count), count * PAGE};
}

static struct block make_small_object(void)
{
    return overflow_object(1);
}

static struct block make_odd_object(void)
{
    return overflow_object(77);
}

static struct block make_object_of_a_whole_class(void)
{
    return overflow_object(256);
}

static struct block make_large_object(void)
{
    return overflow_object(100003);
}

static struct block make_object_among_others(void)
{
    struct block block;

    overflow_object(40);
    block = overflow_object(40);
    overflow_object(40);
    return block;
}

/* The same place, in use before: its marks are made anew. */
static struct block make_object_used_again(void)
{
    uint8_t *first = simback_allocate(world, 8192), *memory = NULL;

    simback_free(world, first, 8192);
    while (memory != first) {
        simback_free(world, memory, 8190);
        memory = simback_allocate(world, 8190);
    }
    return (struct block){memory, 8190};
}

static struct block make_object_after_a_reset(void)
{
    overflow_object(100000);
    simback_world_reset(world, NULL);
    simback_enter(world, 0);
    return overflow_object(33);
}

static struct block make_frontend_memory(void)
{
    const struct blkfront_platform *guest = sim_guest();

    return (struct block){guest->allocate(guest->context, 500), 500};
}

static struct block make_backend_memory(void)
{
    const struct simback_host *host = sim_host_of(0);

    return (struct block){host->allocate(host->context, 50), 50};
}

static struct block make_page(void)
{
    return overflow_pages(1);
}

static struct block make_page_among_others(void)
{
    struct block block;

    overflow_pages(2);
    block = overflow_pages(2);
    overflow_pages(2);
    return block;
}

static struct block make_shared_pages(void)
{
    const struct blkfront_platform *guest = sim_guest();
    uint32_t refs[3];
    void *address = NULL;

    guest->share(guest->context, 0, 3, true, &address, refs);
    return (struct block){address, 3 * PAGE};
}

static struct block make_owned_pages(void)
{
    const struct blkfront_platform *guest = sim_guest();
    void *address = NULL;

    guest->page_allocate(guest->context, 2, &address);
    return (struct block){address, 2 * PAGE};
}

/* ---- what a real frontend has ---- */

static struct blkfront_device *connect_frontend(void)
{
    struct simback_backend_options options;
    struct blkfront_device *device = NULL;
    struct blkfront *context = NULL;

    simback_backend_options_init(&options);
    options.dialect = simback_dialect_find("linux");
    options.front_domid = SIMBACK_FRONT_DOMID;
    options.vdev = 51712;
    options.sectors = 1000;
    if (simback_world_add_backend(world, &options) != NULL &&
        blkfront_create(sim_guest(), &context) == BLKFRONT_OK)
        (void)blkfront_blocking_connect(context, "xvda", NULL, &device);
    return device;
}

static struct block make_ring_page(void)
{
    void *page = NULL;

    if (connect_frontend() == NULL ||
        !simback_backend_ring_page(simback_world_backend(world, 0), 0, 0, &page))
        return (struct block){0};
    return (struct block){page, PAGE};
}

static struct block make_library_memory(void)
{
    struct blkfront_device *device = connect_frontend();
    struct blkfront_memory *memory;
    void *address = NULL;

    if (device == NULL || blkfront_memory_create(device, 5, BLKFRONT_MEMORY_FROM_DISK, &memory,
                                                 &address) != BLKFRONT_OK)
        return (struct block){0};
    return (struct block){address, 5 * PAGE};
}

static void keep(void *context, void *address)
{
    (void)context;
    (void)address;
}

static struct block make_registered_memory(void)
{
    struct blkfront_device *device = connect_frontend();
    struct block block = overflow_pages(3);
    struct blkfront_memory *memory;

    if (device == NULL ||
        blkfront_memory_register(device, block.address, 3, BLKFRONT_MEMORY_TO_DISK, keep, NULL,
                                 &memory) != BLKFRONT_OK)
        return (struct block){0};
    return block;
}

/* The world itself. */
static struct block make_world(void)
{
    return (struct block){(uint8_t *)world, sizeof(*world)};
}

static const struct {
    const char *name;
    struct block (*make)(void);
} kinds[] = {
    {"small object", make_small_object},
    {"odd object", make_odd_object},
    {"object of a whole class", make_object_of_a_whole_class},
    {"large object", make_large_object},
    {"object among others", make_object_among_others},
    {"object used again", make_object_used_again},
    {"object after a reset", make_object_after_a_reset},
    {"frontend memory", make_frontend_memory},
    {"backend memory", make_backend_memory},
    {"page", make_page},
    {"page among others", make_page_among_others},
    {"shared pages", make_shared_pages},
    {"owned pages", make_owned_pages},
    {"ring page", make_ring_page},
    {"library memory", make_library_memory},
    {"registered memory", make_registered_memory},
    {"world", make_world},
};

_Static_assert(sizeof(kinds) / sizeof(kinds[0]) == OVERFLOW_KINDS, "one row a kind");

const char *overflow_name(int kind)
{
    return kinds[kind].name;
}

struct block overflow_make(int kind)
{
    struct block block = kinds[kind].make();

    /* All of it is there: nobody dies of these. */
    for (size_t i = 0; i < block.size; i++) {
        volatile uint8_t *byte = &block.address[i];

        *byte = *byte;
    }
    return block;
}

void overflow_begin(void)
{
    sim_world_set_up();
}

void overflow_end(void)
{
    sim_world_tear_down();
}

void overflow_reset(void)
{
    simback_world_reset(world, NULL);
    simback_enter(world, 0);
}

void overflow_free_object(struct block block)
{
    simback_free(world, block.address, block.size);
}

const struct blkfront_platform *overflow_guest(void)
{
    return sim_guest();
}

void overflow_free_pages(struct block block)
{
    simback_pages_free(world, block.address, (uint32_t)(block.size / PAGE));
}
