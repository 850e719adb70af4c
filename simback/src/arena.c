/* SPDX-License-Identifier: ISC */
/*
 * The memory of a world: one reservation at a fixed address, with a region of objects and a region
 * of pages that can be granted. Around each object and each block of pages lies a redzone that a
 * checker knows as poisoned; what is freed is poisoned too and reused late. A reset costs what was
 * handed out since the last one: memory is zeroed when it is handed out again, and only where it
 * was in use before. What the memory is for is the callers' matter.
 *
 * The checkers for leaks do not look into the reservation: nothing from malloc may be reachable
 * from here alone.
 */
#define _GNU_SOURCE
#include "internal.h"
#include "poison.h"

#include <assert.h>
#include <stdalign.h>
#include <string.h>
#include <sys/mman.h>

#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0x100000
#endif

#define KIB (UINT64_C(1) << 10)
#define MIB (UINT64_C(1) << 20)
#define GIB (UINT64_C(1) << 30)

/* Far from where programs, libraries and stacks lie; TSan and MSan leave this room low down. */
#define ADDRESS     UINT64_C(0x300000000000)
#define ADDRESS_LOW UINT64_C(0x004000000000)

enum {
    SLOTS = 16,
    SLOTS_LOW = 4,
    GRAIN = 16,         /* alignment and smallest size of an object */
    REDZONE_SMALL = 16, /* before an object of at most REDZONE_SMALL_MAX bytes */
    REDZONE = 64,       /* before others; behind one lies the next one's, or nobody's land */
    REDZONE_SMALL_MAX = 256,
    PAGE_QUARANTINE = 256, /* pages */
    PAGE_KEEP = 2048,      /* pages that stay with the process over a reset */
    PAGE_AHEAD = 64        /* poisoned beyond the last one handed out, at least */
};

#define OBJECT_QUARANTINE (1 * MIB)
#define OBJECT_KEEP       (8 * MIB)
#define OBJECT_AHEAD      (256 * KIB)

struct layout {
    uint64_t address;
    uint32_t slots;
    uint64_t slot_size, object_end, page_table, page_base;
    uint32_t page_limit;
};

static const struct layout layout_default = {
    POISON_TSAN || POISON_MSAN ? ADDRESS_LOW : ADDRESS,
    POISON_TSAN || POISON_MSAN ? SLOTS_LOW : SLOTS,
    64 * GIB,
    32 * GIB,
    32 * GIB,
    40 * GIB,
    1u << 21,
};

static const struct layout layout_valgrind = {
    ADDRESS_LOW, SLOTS_LOW, 2 * GIB, 1 * GIB, 1 * GIB, 1 * GIB + 64 * MIB, 1u << 17,
};

/* Lies in the first bytes of a freed object. */
struct freed_object {
    struct freed_object *next;
    uint64_t size; /* as it was asked for */
};

_Static_assert(sizeof(struct freed_object) <= GRAIN, "a freed object holds its link");
_Static_assert(GRAIN >= alignof(max_align_t), "objects are aligned for anything");

static uint64_t round_up(uint64_t value, uint64_t to)
{
    return (value + to - 1) & ~(to - 1);
}

/* ---- the reservation ---- */

/* Only a large disk makes a world larger than what stays, and is read at random places: with pages
 * of 4 KiB the processor would have to look for the page of nearly each. A host that has no others
 * says so, and all is as it was. */
static void expect_large(const struct arena *arena)
{
#ifdef MADV_HUGEPAGE
    (void)madvise(arena->base + OBJECT_KEEP, arena->object_end - OBJECT_KEEP, MADV_HUGEPAGE);
#endif
}

void *arena_reserve(size_t control, struct arena *arena)
{
    const struct layout *layout = poison_in_valgrind() ? &layout_valgrind : &layout_default;

    for (uint32_t slot = 0; slot < layout->slots; slot++) {
        void *wanted = (void *)(uintptr_t)(layout->address + slot * layout->slot_size);
        void *got = mmap(wanted, layout->slot_size, PROT_READ | PROT_WRITE,
                         MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0);

        if (got == MAP_FAILED)
            continue;
        if (got != wanted) { /* a kernel that does not know NOREPLACE */
            munmap(got, layout->slot_size);
            continue;
        }
        memset(arena, 0, sizeof(*arena));
        arena->base = got;
        arena->object_begin = round_up(control, WORLD_PAGE_SIZE);
        arena->object_end = layout->object_end;
        arena->object_poisoned = arena->object_begin;
        arena->object_dirty = arena->object_begin;
        arena->pages = (struct page *)(void *)(arena->base + layout->page_table);
        arena->page_base = arena->base + layout->page_base;
        arena->page_limit = layout->page_limit;
        arena->control = control;
        arena->limit = UINT64_MAX;
        poison(arena->base + control, arena->object_begin - control);
        expect_large(arena);
        arena_reset(arena);
        return got;
    }
    return NULL;
}

void arena_release(struct arena *arena)
{
    const struct layout *layout = poison_in_valgrind() ? &layout_valgrind : &layout_default;

    /* The next mapping at this address begins without our marks. */
    unpoison(arena->base + arena->control, arena->object_poisoned - arena->control);
    unpoison(arena->page_base, (size_t)arena->page_poisoned * WORLD_PAGE_SIZE);
    munmap(arena->base, layout->slot_size);
}

/* Keeps a part beyond the high-water mark poisoned, without paying for the whole region. */
static void poison_ahead(struct arena *arena)
{
    if (arena->object_poisoned < arena->object_next + OBJECT_AHEAD / 2) {
        uint64_t to = arena->object_next + OBJECT_AHEAD;

        if (to > arena->object_end)
            to = arena->object_end;
        poison(arena->base + arena->object_poisoned, to - arena->object_poisoned);
        arena->object_poisoned = to;
    }
    if (arena->page_poisoned < arena->page_next + PAGE_AHEAD / 2) {
        uint32_t to = arena->page_next + PAGE_AHEAD;

        if (to > arena->page_limit)
            to = arena->page_limit;
        poison(arena_page_address(arena, arena->page_poisoned),
               (size_t)(to - arena->page_poisoned) * WORLD_PAGE_SIZE);
        arena->page_poisoned = to;
    }
}

void arena_reset(struct arena *arena)
{
    uint64_t keep = arena->object_begin + OBJECT_KEEP;

    if (arena->object_next > arena->object_begin)
        poison(arena->base + arena->object_begin, arena->object_next - arena->object_begin);
    if (arena->object_dirty < arena->object_next)
        arena->object_dirty = arena->object_next;
    if (arena->object_dirty > keep) {
        uint64_t to = round_up(arena->object_dirty, WORLD_PAGE_SIZE);

        madvise(arena->base + keep, to - keep, MADV_DONTNEED);
        arena->object_dirty = keep;
    }
    poison(arena->page_base, (size_t)arena->page_next * WORLD_PAGE_SIZE);
    memset(arena->pages, 0, arena->page_next * sizeof(arena->pages[0]));
    if (arena->page_dirty < arena->page_next)
        arena->page_dirty = arena->page_next;
    if (arena->page_dirty > PAGE_KEEP) {
        madvise(arena_page_address(arena, PAGE_KEEP),
                (size_t)(arena->page_dirty - PAGE_KEEP) * WORLD_PAGE_SIZE, MADV_DONTNEED);
        arena->page_dirty = PAGE_KEEP;
    }

    arena->object_next = arena->object_begin;
    memset(arena->object_free, 0, sizeof(arena->object_free));
    arena->quarantine_first = arena->quarantine_last = NULL;
    arena->quarantine_bytes = 0;
    arena->page_next = 1; /* page 0 is the first block's redzone, and says "no page" */
    arena->pages[0].use = PAGE_REDZONE;
    memset(arena->page_free, 0, sizeof(arena->page_free));
    arena->page_quarantine_first = arena->page_quarantine_last = 0;
    arena->page_quarantine_count = 0;
    arena->used = arena->peak = arena->allocations = arena->refused = 0;
    poison_ahead(arena);
}

static void count_allocation(struct arena *arena, uint64_t size)
{
    arena->allocations++;
    arena->used += size;
    if (arena->peak < arena->used)
        arena->peak = arena->used;
}

/* ---- objects ---- */

/* Steps of 16 bytes up to 256, then eight a doubling: what a class wastes lies in the redzone. */
static unsigned class_of(size_t size, uint64_t *class_size)
{
    unsigned doubling, eighth;

    if (size <= GRAIN)
        size = GRAIN;
    if (size <= REDZONE_SMALL_MAX) {
        *class_size = round_up(size, GRAIN);
        return (unsigned)(*class_size / GRAIN) - 1;
    }
    doubling = 63u - (unsigned)__builtin_clzll((unsigned long long)size - 1); /* 8 and up */
    eighth = (unsigned)((size - 1) >> (doubling - 3)) & 7;
    *class_size = (UINT64_C(1) << doubling) + ((uint64_t)(eighth + 1) << (doubling - 3));
    return 16 + (doubling - 8) * 8 + eighth;
}

/* The links lie in memory that is poisoned: AddressSanitizer is not asked about them, others have
 * to be told. */
static void open_link(struct freed_object *object)
{
#if !POISON_ASAN
    unpoison(object, sizeof(*object));
#else
    (void)object;
#endif
}

static void close_link(struct freed_object *object)
{
#if !POISON_ASAN
    poison(object, sizeof(*object));
#else
    (void)object;
#endif
}

#if POISON_ASAN
#define UNASKED __attribute__((no_sanitize("address")))
#else
#define UNASKED
#endif

UNASKED static struct freed_object *link_of(struct freed_object *object, uint64_t *size)
{
    struct freed_object *next;

    open_link(object);
    next = object->next;
    if (size != NULL)
        *size = object->size;
    close_link(object);
    return next;
}

UNASKED static void set_link(struct freed_object *object, struct freed_object *next, uint64_t size)
{
    open_link(object);
    object->next = next;
    object->size = size;
    close_link(object);
}

UNASKED static void follow_with(struct freed_object *object, struct freed_object *next)
{
    open_link(object);
    object->next = next;
    close_link(object);
}

/* Whoever asks goes on without; the world's owner may want to know (simback_memory_refused). */
static void *refuse(struct arena *arena)
{
    arena->refused++;
    return NULL;
}

void *arena_allocate(struct arena *arena, size_t size)
{
    uint64_t class_size;
    unsigned class;
    uint8_t *memory;

    if (size > arena->object_end || size > arena->limit - arena->used)
        return refuse(arena);
    class = class_of(size, &class_size);
    if (arena->object_free[class] != NULL) {
        memory = (uint8_t *)arena->object_free[class];
        arena->object_free[class] = link_of(arena->object_free[class], NULL);
        unpoison(memory, size);
        memset(memory, 0, size);
    } else {
        uint64_t redzone = class_size <= REDZONE_SMALL_MAX ? REDZONE_SMALL : REDZONE;
        uint64_t at = arena->object_next + redzone;

        /* The last object needs nobody's land behind it too. */
        if (at + class_size + REDZONE > arena->object_end)
            return refuse(arena);
        memory = arena->base + at;
        arena->object_next = at + class_size;
        poison_ahead(arena);
        unpoison(memory, size);
        if (at < arena->object_dirty) {
            uint64_t dirty = arena->object_dirty - at;

            memset(memory, 0, size < dirty ? size : (size_t)dirty);
        }
    }
    count_allocation(arena, size);
    return memory;
}

/* The oldest of the quarantine may be used again. */
static void release_oldest(struct arena *arena)
{
    struct freed_object *object = arena->quarantine_first;
    uint64_t size, class_size;
    unsigned class;

    arena->quarantine_first = link_of(object, &size);
    if (arena->quarantine_first == NULL)
        arena->quarantine_last = NULL;
    class = class_of((size_t)size, &class_size);
    arena->quarantine_bytes -= class_size;
    set_link(object, arena->object_free[class], size);
    arena->object_free[class] = object;
}

void arena_free(struct arena *arena, void *memory, size_t size)
{
    struct freed_object *object = memory;
    uint64_t class_size;

    if (memory == NULL)
        return;
    assert((uint8_t *)memory > arena->base + arena->object_begin &&
           (uint8_t *)memory < arena->base + arena->object_next && arena->used >= size);
    class_of(size, &class_size);
    poison(memory, class_size);
    set_link(object, NULL, size);
    if (arena->quarantine_last != NULL)
        follow_with(arena->quarantine_last, object);
    else
        arena->quarantine_first = object;
    arena->quarantine_last = object;
    arena->quarantine_bytes += class_size;
    arena->used -= size;
    while (arena->quarantine_bytes > OBJECT_QUARANTINE)
        release_oldest(arena);
}

/* ---- pages ---- */

static uint32_t take_freed_block(struct arena *arena, uint32_t count)
{
    uint32_t *link = &arena->page_free[count < ARENA_PAGE_BINS ? count : 0];

    while (*link != 0 && arena->pages[*link].count != count)
        link = &arena->pages[*link].next;
    if (*link != 0) {
        uint32_t first = *link;

        *link = arena->pages[first].next;
        return first;
    }
    return 0;
}

uint32_t arena_pages_allocate(struct arena *arena, uint32_t count, enum page_use use,
                              uint16_t domid)
{
    uint32_t first, dirty = 0;
    size_t bytes = (size_t)count * WORLD_PAGE_SIZE;

    if (count == 0)
        return 0;
    if (bytes > arena->limit - arena->used) {
        refuse(arena);
        return 0;
    }
    first = take_freed_block(arena, count);
    if (first != 0) {
        dirty = count;
    } else {
        if (count >= arena->page_limit - arena->page_next) {
            refuse(arena);
            return 0;
        }
        first = arena->page_next;
        arena->page_next += count + 1;
        arena->pages[first + count].use = PAGE_REDZONE;
        if (first < arena->page_dirty)
            dirty = arena->page_dirty - first < count ? arena->page_dirty - first : count;
        poison_ahead(arena);
    }
    unpoison(arena_page_address(arena, first), bytes);
    memset(arena_page_address(arena, first), 0, (size_t)dirty * WORLD_PAGE_SIZE);
    for (uint32_t i = first; i < first + count; i++) {
        arena->pages[i] = (struct page){.use = (uint8_t)use, .domid = domid};
    }
    arena->pages[first].count = count;
    count_allocation(arena, bytes);
    return first;
}

void arena_pages_free(struct arena *arena, uint32_t first)
{
    uint32_t count = arena->pages[first].count;

    assert(count != 0 && arena->pages[first].use != PAGE_FREED);
    poison(arena_page_address(arena, first), (size_t)count * WORLD_PAGE_SIZE);
    for (uint32_t i = first; i < first + count; i++)
        arena->pages[i].use = PAGE_FREED;
    arena->used -= (uint64_t)count * WORLD_PAGE_SIZE;

    arena->pages[first].next = 0;
    if (arena->page_quarantine_last != 0)
        arena->pages[arena->page_quarantine_last].next = first;
    else
        arena->page_quarantine_first = first;
    arena->page_quarantine_last = first;
    arena->page_quarantine_count += count;
    while (arena->page_quarantine_count > PAGE_QUARANTINE) {
        uint32_t oldest = arena->page_quarantine_first;
        uint32_t pages = arena->pages[oldest].count;
        uint32_t *bin = &arena->page_free[pages < ARENA_PAGE_BINS ? pages : 0];

        arena->page_quarantine_first = arena->pages[oldest].next;
        if (arena->page_quarantine_first == 0)
            arena->page_quarantine_last = 0;
        arena->page_quarantine_count -= pages;
        arena->pages[oldest].next = *bin;
        *bin = oldest;
    }
}

/* ---- the public calls ---- */

void *simback_allocate(struct simback_world *world, size_t size)
{
    return arena_allocate(&world->arena, size);
}

void simback_free(struct simback_world *world, void *memory, size_t size)
{
    arena_free(&world->arena, memory, size);
}

void *simback_pages_allocate(struct simback_world *world, uint32_t count)
{
    uint32_t first = arena_pages_allocate(&world->arena, count, PAGE_WORLD, 0);

    return first == 0 ? NULL : arena_page_address(&world->arena, first);
}

/* A block of which a page is still granted stays, and the mistake is told (I5). */
void simback_pages_free(struct simback_world *world, void *address, uint32_t count)
{
    const struct page *pages = world->arena.pages;
    uint32_t first = 0;
    bool ours;

    if (address == NULL)
        return;
    ours = arena_page_number(&world->arena, address, &first) && pages[first].use == PAGE_WORLD &&
           pages[first].count == count;
    assert(ours);
    for (uint32_t i = first; ours && i < first + count; i++) {
        if (pages[i].ref != 0) {
            simback_emit(world, &(struct simback_event){.kind = SIMBACK_PAGE_FREE,
                                                        .domid = pages[i].domid,
                                                        .device = SIMBACK_NO_DEVICE,
                                                        .a = first,
                                                        .b = count,
                                                        .result = BLKFRONT_PLATFORM_BUSY});
            return;
        }
    }
    if (ours)
        arena_pages_free(&world->arena, first);
}

bool simback_page_number(const struct simback_world *world, const volatile void *address,
                         uint32_t *number)
{
    return arena_page_number(&world->arena, address, number);
}

void *simback_page_address(const struct simback_world *world, uint32_t number)
{
    return arena_page_address(&world->arena, number);
}

size_t simback_memory_used(const struct simback_world *world)
{
    return world->arena.used;
}

size_t simback_memory_peak(const struct simback_world *world)
{
    return world->arena.peak;
}

uint64_t simback_allocations(const struct simback_world *world)
{
    return world->arena.allocations;
}

uint64_t simback_memory_refused(const struct simback_world *world)
{
    return world->arena.refused;
}
