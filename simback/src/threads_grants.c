/* SPDX-License-Identifier: ISC */
/*
 * Grants of the threaded world. A grant is one word: used, writable, how often it is mapped; both
 * sides change it by compare and swap, so granting, mapping and ending take no lock, and a grant is
 * never ended while it is mapped (I5). Free ones are a stack that everybody takes from and gives
 * back to. Pages come from the world, under its lock.
 */
#include "threads.h"

/* ---- the free ones ---- */

static struct thread_grant *used_grant(struct simback_threads *threads, uint32_t ref)
{
    struct thread_grant *grant;

    if (ref < GRANT_FIRST || ref >= threads->grant_limit)
        return NULL;
    grant = &threads->grants[ref];
    __builtin_prefetch(grant, 1); /* to be changed, so that it comes over once */
    return (__atomic_load_n(&grant->state, __ATOMIC_ACQUIRE) & GRANT_USED) != 0 ? grant : NULL;
}

/* Each change of the top makes another word of it, so that a top that went and came back meanwhile
 * is not taken for the old one. */
static uint64_t new_top(uint64_t top, uint32_t ref)
{
    return ((top >> 32) + 1) << 32 | ref;
}

/* 0: none left. */
static uint32_t take_ref(struct simback_threads *threads)
{
    uint64_t top = __atomic_load_n(&threads->free_refs, __ATOMIC_ACQUIRE);
    uint32_t ref, next;

    do {
        ref = (uint32_t)top;
        if (ref == 0)
            return 0;
        next = __atomic_load_n(&threads->grants[ref].next, __ATOMIC_RELAXED);
    } while (!__atomic_compare_exchange_n(&threads->free_refs, &top, new_top(top, next), false,
                                          __ATOMIC_ACQUIRE, __ATOMIC_ACQUIRE));
    return ref;
}

static void give_ref_back(struct simback_threads *threads, uint32_t ref)
{
    uint64_t top = __atomic_load_n(&threads->free_refs, __ATOMIC_RELAXED);

    do {
        __atomic_store_n(&threads->grants[ref].next, (uint32_t)top, __ATOMIC_RELAXED);
    } while (!__atomic_compare_exchange_n(&threads->free_refs, &top, new_top(top, ref), false,
                                          __ATOMIC_RELEASE, __ATOMIC_RELAXED));
}

bool thread_grants_init(struct simback_threads *threads)
{
    struct simback_world *world = threads->world;

    threads->grant_limit = world->options.grant_limit;
    threads->grants = simback_allocate(world, threads->grant_limit * sizeof(threads->grants[0]));
    threads->page_refs =
        simback_allocate(world, world->arena.page_limit * sizeof(threads->page_refs[0]));
    if (threads->grants == NULL || threads->page_refs == NULL)
        return false;
    for (uint32_t ref = GRANT_FIRST; ref + 1 < threads->grant_limit; ref++)
        threads->grants[ref].next = ref + 1;
    threads->free_refs = GRANT_FIRST;
    return true;
}

/* ---- making and ending ---- */

/* The table's part of a page; the world's own is not to be asked, since it grows meanwhile. */
static bool page_number(const struct simback_threads *threads, const void *address,
                        uint32_t *number)
{
    const struct arena *arena = &threads->world->arena;
    const uint64_t offset = (uint64_t)((uintptr_t)address - (uintptr_t)arena->page_base);

    if (offset % WORLD_PAGE_SIZE != 0 || offset / WORLD_PAGE_SIZE >= arena->page_limit)
        return false;
    *number = (uint32_t)(offset / WORLD_PAGE_SIZE);
    return true;
}

static uint32_t make_grant(struct simback_threads *threads, uint16_t peer, uint32_t page,
                           bool writable, bool block)
{
    const uint32_t ref = take_ref(threads);
    struct thread_grant *grant = &threads->grants[ref];

    if (ref == 0)
        return 0;
    __atomic_store_n(&grant->page, page, __ATOMIC_RELAXED);
    grant->peer = peer;
    grant->block = block;
    __atomic_store_n(&grant->state, GRANT_USED | (writable ? GRANT_WRITABLE : 0), __ATOMIC_RELEASE);
    return ref;
}

/* Nobody can map it any more; false: it is mapped, and nothing has changed (I5). The other side's
 * last use of the page comes before this, and the next one's after it. */
static bool end_grant(struct thread_grant *grant, uint32_t *was)
{
    *was = __atomic_load_n(&grant->state, __ATOMIC_RELAXED);
    do {
        if ((*was & GRANT_MAPS) != 0)
            return false;
    } while (!__atomic_compare_exchange_n(&grant->state, was, 0, false, __ATOMIC_ACQ_REL,
                                          __ATOMIC_RELAXED));
    return true;
}

/* Is it used, and for one of these pages? */
static bool is_of_pages(const struct thread_grant *grant, uint32_t first, uint32_t count)
{
    return (__atomic_load_n(&grant->state, __ATOMIC_ACQUIRE) & GRANT_USED) != 0 &&
           __atomic_load_n(&grant->page, __ATOMIC_RELAXED) - first < count;
}

/* ---- blocks ---- */

/* The first page of exactly the guest's block at this address, or 0. Under the lock. */
static uint32_t find_block(const struct simback_threads *threads, const void *address,
                           uint32_t count, enum page_use use)
{
    const struct page *pages = threads->world->arena.pages;
    uint32_t first;

    if (count == 0 || !page_number(threads, address, &first) || pages[first].use != use ||
        pages[first].count != count)
        return 0;
    return first;
}

static uint32_t take_block(struct simback_threads *threads, uint32_t count, enum page_use use)
{
    uint32_t first;

    threads_enter(threads);
    first = arena_pages_allocate(&threads->world->arena, count, use, SIMBACK_FRONT_DOMID);
    if (first != 0)
        threads->pages_used += count;
    threads_leave(threads);
    return first;
}

static void give_block_back(struct simback_threads *threads, uint32_t first, uint32_t count)
{
    threads_enter(threads);
    arena_pages_free(&threads->world->arena, first);
    threads->pages_used -= count;
    threads_leave(threads);
}

int thread_share(struct simback_threads *threads, uint16_t domid, uint32_t count, bool writable,
                 void **address, uint32_t *refs)
{
    uint32_t first, made, was;

    if (count == 0)
        return BLKFRONT_PLATFORM_INVALID;
    first = take_block(threads, count, PAGE_SHARED);
    if (first == 0)
        return BLKFRONT_PLATFORM_NO_MEMORY;
    for (made = 0; made < count; made++) {
        refs[made] = make_grant(threads, domid, first + made, writable, true);
        if (refs[made] == 0)
            break;
        threads->page_refs[first + made] = refs[made];
    }
    if (made == count) {
        *address = arena_page_address(&threads->world->arena, first);
        return 0;
    }
    while (made > 0) { /* no other domain has heard of them */
        (void)end_grant(&threads->grants[refs[--made]], &was);
        give_ref_back(threads, refs[made]);
    }
    give_block_back(threads, first, count);
    return BLKFRONT_PLATFORM_NO_MEMORY;
}

/* The block ends as a whole or not at all. */
int thread_unshare(struct simback_threads *threads, void *address, uint32_t count)
{
    const uint32_t *refs = threads->page_refs;
    uint32_t first, ended, flags = 0;

    threads_enter(threads);
    first = find_block(threads, address, count, PAGE_SHARED);
    threads_leave(threads);
    if (first == 0)
        return BLKFRONT_PLATFORM_INVALID;
    for (ended = 0; ended < count; ended++) {
        if (!end_grant(&threads->grants[refs[first + ended]], &flags))
            break;
    }
    if (ended < count) {
        flags &= ~GRANT_MAPS; /* the same for all of a block */
        while (ended > 0)
            __atomic_store_n(&threads->grants[refs[first + --ended]].state, flags,
                             __ATOMIC_RELEASE);
        return BLKFRONT_PLATFORM_BUSY;
    }
    for (uint32_t i = first; i < first + count; i++)
        give_ref_back(threads, refs[i]);
    give_block_back(threads, first, count);
    return 0;
}

/* ---- pages that exist ---- */

int thread_page_allocate(struct simback_threads *threads, uint32_t count, void **address)
{
    uint32_t first;

    if (count == 0)
        return BLKFRONT_PLATFORM_INVALID;
    first = take_block(threads, count, PAGE_OWNED);
    if (first == 0)
        return BLKFRONT_PLATFORM_NO_MEMORY;
    *address = arena_page_address(&threads->world->arena, first);
    return 0;
}

/* A block of which a page is still granted stays (I5): the ledger shows it. */
void thread_page_free(struct simback_threads *threads, void *address, uint32_t count)
{
    uint32_t first;

    threads_enter(threads);
    first = find_block(threads, address, count, PAGE_OWNED);
    threads_leave(threads);
    for (uint32_t ref = GRANT_FIRST; first != 0 && ref < threads->grant_limit; ref++) {
        if (is_of_pages(&threads->grants[ref], first, count))
            first = 0;
    }
    if (first != 0)
        give_block_back(threads, first, count);
}

int thread_page_grant(struct simback_threads *threads, uint16_t domid, const void *page,
                      bool writable, uint32_t *ref)
{
    uint32_t number, got;
    uint8_t use;

    if (!page_number(threads, page, &number))
        return BLKFRONT_PLATFORM_INVALID;
    use = threads->world->arena.pages[number].use;
    if (use != PAGE_OWNED && use != PAGE_WORLD)
        return BLKFRONT_PLATFORM_INVALID;
    got = make_grant(threads, domid, number, writable, false);
    if (got == 0)
        return BLKFRONT_PLATFORM_NO_MEMORY;
    *ref = got;
    return 0;
}

int thread_page_revoke(struct simback_threads *threads, uint32_t ref)
{
    struct thread_grant *grant = used_grant(threads, ref);
    uint32_t was;

    if (grant == NULL || grant->block)
        return BLKFRONT_PLATFORM_INVALID;
    if (!end_grant(grant, &was))
        return BLKFRONT_PLATFORM_BUSY;
    give_ref_back(threads, ref);
    return 0;
}

void thread_expect(const struct simback_threads *threads, uint32_t ref)
{
    if (ref >= GRANT_FIRST && ref < threads->grant_limit)
        __builtin_prefetch(&threads->grants[ref], 1);
}

/* ---- the other side ---- */

static void unmap_one(struct thread_grant *grant)
{
    (void)__atomic_sub_fetch(&grant->state, 1, __ATOMIC_RELEASE);
}

/* Counts as mapped before its other members are looked at: from then on they stay. */
static int map_one(struct simback_threads *threads, uint32_t ref, bool writable, void **page)
{
    struct thread_grant *grant = used_grant(threads, ref);
    uint32_t state;

    if (grant == NULL)
        return BLKFRONT_PLATFORM_INVALID;
    state = __atomic_load_n(&grant->state, __ATOMIC_RELAXED);
    do {
        if ((state & GRANT_USED) == 0)
            return BLKFRONT_PLATFORM_INVALID;
        if (writable && (state & GRANT_WRITABLE) == 0)
            return BLKFRONT_PLATFORM_DENIED;
    } while (!__atomic_compare_exchange_n(&grant->state, &state, state + 1, false, __ATOMIC_ACQUIRE,
                                          __ATOMIC_RELAXED));
    if (grant->peer != SIMBACK_DOM0) {
        unmap_one(grant);
        return BLKFRONT_PLATFORM_DENIED;
    }
    *page = arena_page_address(&threads->world->arena, grant->page);
    return 0;
}

enum { AHEAD = 8 }; /* grants that may come over from the other processor at the same time */

int thread_map(struct simback_threads *threads, uint16_t domid, const uint32_t *refs,
               uint32_t count, bool writable, void **pages)
{
    int result = domid == SIMBACK_FRONT_DOMID ? 0 : BLKFRONT_PLATFORM_INVALID;
    uint32_t made = 0;

    for (uint32_t i = 1; i < AHEAD && i < count; i++)
        thread_expect(threads, refs[i]);
    while (result == 0 && made < count) {
        if (AHEAD < count - made)
            thread_expect(threads, refs[made + AHEAD]);
        result = map_one(threads, refs[made], writable, &pages[made]);
        made += result == 0;
    }
    while (result != 0 && made > 0)
        unmap_one(&threads->grants[refs[--made]]);
    return result;
}

int thread_unmap(struct simback_threads *threads, uint16_t domid, const uint32_t *refs,
                 uint32_t count, void *const *pages)
{
    const struct arena *arena = &threads->world->arena;

    for (uint32_t i = 0; i < count; i++) {
        const struct thread_grant *grant = used_grant(threads, refs[i]);

        if (domid != SIMBACK_FRONT_DOMID || grant == NULL ||
            (__atomic_load_n(&grant->state, __ATOMIC_RELAXED) & GRANT_MAPS) == 0 ||
            pages[i] != arena_page_address(arena, grant->page))
            return BLKFRONT_PLATFORM_INVALID;
    }
    for (uint32_t i = 0; i < count; i++)
        unmap_one(&threads->grants[refs[i]]);
    return 0;
}

/* ---- the ledger ---- */

/* Counted when somebody asks: a number that both sides changed with each request would go to and
 * fro between them. */
void thread_count_grants(const struct simback_threads *threads, struct simback_ledger *ledger)
{
    ledger->grants = 0;
    ledger->mapped = 0;
    for (uint32_t ref = GRANT_FIRST; ref < threads->grant_limit; ref++) {
        const uint32_t state = __atomic_load_n(&threads->grants[ref].state, __ATOMIC_ACQUIRE);

        ledger->grants += (state & GRANT_USED) != 0;
        ledger->mapped += (state & GRANT_MAPS) != 0;
    }
}
