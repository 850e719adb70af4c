/* SPDX-License-Identifier: ISC */
/*
 * Blocks of a domain's pages: shared as they are allocated, with a grant for each page that ends
 * with the block, or owned, whose pages are granted one by one (grant_table.c).
 */
#include "grant_entry.h"

/* ---- blocks that are shared as they are allocated ---- */

void grant_block_free(struct domain *domain, uint32_t first)
{
    uint32_t count = domain->world->arena.pages[first].count;

    arena_pages_free(&domain->world->arena, first);
    domain->ledger.pages -= count;
    tell_own(domain, SIMBACK_PAGE_FREE, 0, first, count, 0, 0);
}

int grant_table_share(struct domain *domain, uint16_t peer, uint32_t count, bool writable,
                      void **address, uint32_t *refs)
{
    struct simback_world *world = domain->world;
    uint32_t first, made;

    if (count == 0)
        return BLKFRONT_PLATFORM_INVALID;
    if (fail_now(world, SIMBACK_RESOURCE_GRANT)) {
        tell_own(domain, SIMBACK_PAGE_ALLOC, 0, 0, count, 0, BLKFRONT_PLATFORM_NO_MEMORY);
        return BLKFRONT_PLATFORM_NO_MEMORY;
    }
    first = arena_pages_allocate(&world->arena, count, PAGE_SHARED, domain->domid);
    for (made = 0; first != 0 && made < count; made++) {
        refs[made] = make_grant(domain, peer, first + made, writable, true);
        if (refs[made] == 0)
            break;
    }
    if (first == 0 || made < count) {
        while (made > 0)
            drop_grant(domain, refs[--made]);
        if (first != 0)
            arena_pages_free(&world->arena, first);
        tell_own(domain, SIMBACK_PAGE_ALLOC, 0, 0, count, 0, BLKFRONT_PLATFORM_NO_MEMORY);
        return BLKFRONT_PLATFORM_NO_MEMORY;
    }
    domain->ledger.pages += count;
    tell_own(domain, SIMBACK_PAGE_ALLOC, 0, first, count, 0, 0);
    for (uint32_t i = 0; i < count; i++)
        tell_own(domain, SIMBACK_GRANT, peer, refs[i], first + i, writable, 0);
    *address = arena_page_address(&world->arena, first);
    return 0;
}

/* Entries for every reference up to this one; false: no memory. */
static bool reach_ref(struct domain *domain, uint32_t ref)
{
    if (ref < GRANT_FIRST || ref >= domain->grant_limit)
        return false;
    for (uint32_t chunk = 0; chunk <= ref / GRANT_CHUNK; chunk++) {
        if (domain->grant_chunks[chunk] == NULL)
            domain->grant_chunks[chunk] =
                simback_allocate(domain->world, GRANT_CHUNK * sizeof(struct grant));
        if (domain->grant_chunks[chunk] == NULL)
            return false;
    }
    if (domain->grant_fresh <= ref)
        domain->grant_fresh = ref + 1;
    return true;
}

int grant_table_adopt(struct domain *domain, uint16_t peer, uint32_t count, bool writable,
                      void **address, const uint32_t *refs)
{
    struct simback_world *world = domain->world;
    uint32_t first = arena_pages_allocate(&world->arena, count, PAGE_SHARED, domain->domid);
    bool reached = first != 0;

    for (uint32_t i = 0; i < count && reached; i++)
        reached = reach_ref(domain, refs[i]) && entry(domain, refs[i])->state == FREE;
    if (!reached) {
        if (first != 0)
            arena_pages_free(&world->arena, first);
        return BLKFRONT_PLATFORM_NO_MEMORY;
    }
    for (uint32_t i = 0; i < count; i++)
        enter_grant(domain, refs[i], peer, first + i, writable, true);
    domain->ledger.pages += count;
    tell_own(domain, SIMBACK_PAGE_ALLOC, 0, first, count, 0, 0);
    for (uint32_t i = 0; i < count; i++)
        tell_own(domain, SIMBACK_GRANT, peer, refs[i], first + i, writable, 0);
    *address = arena_page_address(&world->arena, first);
    return 0;
}

/* The first page of exactly the domain's block at this address, or 0. */
static uint32_t find_block(const struct domain *domain, const void *address, uint32_t count,
                           enum page_use use)
{
    const struct arena *arena = &domain->world->arena;
    uint32_t first;

    if (count == 0 || !arena_page_number(arena, address, &first) ||
        arena_page_address(arena, first) != address)
        return 0;
    if (arena->pages[first].use != use || arena->pages[first].domid != domain->domid ||
        arena->pages[first].count != count)
        return 0;
    return first;
}

static bool any_mapped(const struct domain *domain, uint32_t first, uint32_t count)
{
    const struct page *pages = domain->world->arena.pages;

    for (uint32_t page = first; page < first + count; page++) {
        if (pages[page].ref != 0 && entry(domain, pages[page].ref)->maps != 0)
            return true;
    }
    return false;
}

/* A platform that only shares: what is not mapped ends now, the rest when it is let go. */
static void defer_block(struct domain *domain, uint32_t first, uint32_t count)
{
    const struct page *pages = domain->world->arena.pages;

    for (uint32_t page = first; page < first + count; page++) {
        uint32_t ref = pages[page].ref;

        if (entry(domain, ref)->maps == 0) {
            drop_grant(domain, ref);
            tell_own(domain, SIMBACK_GRANT_END, 0, ref, page, 0, 0);
        } else {
            entry(domain, ref)->deferred = true;
            domain->ledger.deferred++;
            tell_own(domain, SIMBACK_GRANT_END, 0, ref, page, 0, BLKFRONT_PLATFORM_DEFERRED);
        }
    }
}

int grant_table_unshare(struct domain *domain, void *address, uint32_t count)
{
    const struct page *pages = domain->world->arena.pages;
    uint32_t first = find_block(domain, address, count, PAGE_SHARED);
    bool mapped, refused;

    /* A deferred block is gone for its owner, though its memory is still there. */
    if (first != 0) {
        for (uint32_t page = first; page < first + count; page++) {
            if (pages[page].ref == 0 || entry(domain, pages[page].ref)->deferred) {
                first = 0;
                break;
            }
        }
    }
    if (first == 0) {
        tell_own(domain, SIMBACK_GRANT_END, 0, 0, 0, 0, BLKFRONT_PLATFORM_INVALID);
        return BLKFRONT_PLATFORM_INVALID;
    }
    refused = end_is_refused(domain);
    mapped = any_mapped(domain, first, count);
    if (mapped && domain->world->options.share_only) {
        defer_block(domain, first, count);
        return BLKFRONT_PLATFORM_DEFERRED;
    }
    if (mapped || refused) { /* the block ends as a whole or not at all */
        for (uint32_t page = first; page < first + count; page++)
            tell_own(domain, SIMBACK_GRANT_END, 0, pages[page].ref, page, 0,
                     BLKFRONT_PLATFORM_BUSY);
        return BLKFRONT_PLATFORM_BUSY;
    }
    for (uint32_t page = first; page < first + count; page++) {
        uint32_t ref = pages[page].ref;

        drop_grant(domain, ref);
        tell_own(domain, SIMBACK_GRANT_END, 0, ref, page, 0, 0);
    }
    grant_block_free(domain, first);
    return 0;
}

/* ---- blocks that are owned ---- */

int grant_table_page_allocate(struct domain *domain, uint32_t count, void **address)
{
    uint32_t first = 0;

    if (count == 0)
        return BLKFRONT_PLATFORM_INVALID;
    if (!fail_now(domain->world, SIMBACK_RESOURCE_GRANT))
        first = arena_pages_allocate(&domain->world->arena, count, PAGE_OWNED, domain->domid);
    if (first != 0)
        domain->ledger.pages += count;
    tell_own(domain, SIMBACK_PAGE_ALLOC, 0, first, count, 0,
             first == 0 ? BLKFRONT_PLATFORM_NO_MEMORY : 0);
    if (first == 0)
        return BLKFRONT_PLATFORM_NO_MEMORY;
    *address = arena_page_address(&domain->world->arena, first);
    return 0;
}

/* A page that goes takes its void grants with it. */
static void drop_void(struct domain *domain, uint32_t page)
{
    uint32_t next;

    for (uint32_t ref = domain->world->arena.pages[page].ref; ref != 0; ref = next) {
        next = entry(domain, ref)->next;
        if (entry(domain, ref)->state != VOID)
            continue;
        drop_grant(domain, ref);
        tell_own(domain, SIMBACK_GRANT_END, 0, ref, page, 0, 0);
    }
}

/* A block of which a page is still granted stays: the mistake is told (I5), and memory that the
 * other side may write is not given to anybody else. */
void grant_table_page_free(struct domain *domain, void *address, uint32_t count)
{
    const struct page *pages = domain->world->arena.pages;
    uint32_t first = find_block(domain, address, count, PAGE_OWNED);

    for (uint32_t page = first; first != 0 && page < first + count; page++) {
        drop_void(domain, page);
        if (pages[page].ref != 0) {
            tell_own(domain, SIMBACK_PAGE_FREE, 0, first, count, 0, BLKFRONT_PLATFORM_BUSY);
            return;
        }
    }
    if (first == 0)
        tell_own(domain, SIMBACK_PAGE_FREE, 0, 0, count, 0, BLKFRONT_PLATFORM_INVALID);
    else
        grant_block_free(domain, first);
}
