/* SPDX-License-Identifier: ISC */
/*
 * The grant tables: which page a domain lets which other domain map, and how often it is mapped. A
 * page that is mapped cannot be ended: the owner hears BUSY, or, where its platform is of the kind
 * that only shares, DEFERRED, and then the page goes when the last map does. References are used
 * again oldest first. Every call takes a time that does not depend on the size of the table.
 *
 * After a suspend and resume every grant is void: nobody can map it, but its reference is the
 * owner's until the owner ends it, so that no new grant is taken for an old one.
 */
#include "grant_entry.h"

RARE void grant_emit(struct domain *domain, enum simback_event_kind kind, uint16_t device,
                     uint16_t peer, uint64_t a, uint64_t b, uint64_t c, int result)
{
    simback_emit(domain->world, &(struct simback_event){.kind = kind,
                                                        .domid = domain->domid,
                                                        .device = device,
                                                        .peer = peer,
                                                        .a = a,
                                                        .b = b,
                                                        .c = c,
                                                        .result = result});
}

RARE uint32_t grant_fresh_ref(struct domain *domain)
{
    uint32_t ref = domain->grant_fresh;

    if (ref >= domain->grant_limit)
        return 0;
    if (domain->grant_chunks[ref / GRANT_CHUNK] == NULL) {
        struct grant *chunk = simback_allocate(domain->world, GRANT_CHUNK * sizeof(chunk[0]));

        if (chunk == NULL)
            return 0;
        domain->grant_chunks[ref / GRANT_CHUNK] = chunk;
    }
    domain->grant_fresh++;
    return ref;
}

/* ---- single pages ---- */

/* Mostly nobody listens and nothing is to fail: then the same is done without what is RARE. */
#define EITHER inline __attribute__((always_inline))

static inline bool is_plain(const struct domain *domain, enum simback_resource resource)
{
    return !world_listens(domain->world) && !fail_armed(domain->world, resource);
}

/* The page that begins at this address, and whether it is one that the domain may grant. */
static inline bool may_grant(const struct domain *domain, const void *address, uint32_t *number)
{
    const struct arena *arena = &domain->world->arena;
    const struct page *page;

    if (!arena_page_number(arena, address, number) || arena_page_address(arena, *number) != address)
        return false;
    page = &arena->pages[*number];
    if (page->use == PAGE_WORLD)
        return page->ref == 0 || page->domid == domain->domid;
    return page->use == PAGE_OWNED && page->domid == domain->domid;
}

static EITHER int try_grant(struct domain *domain, uint16_t peer, const void *page, bool writable,
                            uint32_t *number, uint32_t *ref)
{
    uint32_t got;

    if (!may_grant(domain, page, number))
        return BLKFRONT_PLATFORM_INVALID;
    if (fail_now(domain->world, SIMBACK_RESOURCE_GRANT))
        return BLKFRONT_PLATFORM_NO_MEMORY;
    got = make_grant(domain, peer, *number, writable, false);
    if (got == 0)
        return BLKFRONT_PLATFORM_NO_MEMORY;
    *ref = got;
    return 0;
}

static RARE int grant_and_tell(struct domain *domain, uint16_t peer, const void *page,
                               bool writable, uint32_t *ref)
{
    uint32_t number = 0;
    const int result = try_grant(domain, peer, page, writable, &number, ref);

    tell_own(domain, SIMBACK_GRANT, peer, result == 0 ? *ref : 0, number, writable, result);
    return result;
}

int grant_table_grant(struct domain *domain, uint16_t peer, const void *page, bool writable,
                      uint32_t *ref)
{
    uint32_t number;

    if (!is_plain(domain, SIMBACK_RESOURCE_GRANT) || domain->grant_free_first == 0)
        return grant_and_tell(domain, peer, page, writable, ref);
    return try_grant(domain, peer, page, writable, &number, ref);
}

static EITHER int try_revoke(struct domain *domain, uint32_t ref, uint32_t *page)
{
    const struct grant *grant = used_entry(domain, ref);

    *page = grant == NULL ? 0 : grant->page;
    if (grant == NULL || grant->block)
        return BLKFRONT_PLATFORM_INVALID;
    if (end_is_refused(domain) || grant->maps != 0)
        return BLKFRONT_PLATFORM_BUSY;
    drop_grant(domain, ref);
    return 0;
}

static RARE int revoke_and_tell(struct domain *domain, uint32_t ref)
{
    uint32_t page;
    const int result = try_revoke(domain, ref, &page);

    tell_own(domain, SIMBACK_GRANT_END, 0, ref, page, 0, result);
    return result;
}

int grant_table_revoke(struct domain *domain, uint32_t ref)
{
    uint32_t page;

    return is_plain(domain, SIMBACK_RESOURCE_REVOKE) ? try_revoke(domain, ref, &page)
                                                     : revoke_and_tell(domain, ref);
}

/* ---- the other side ---- */

static int may_map(const struct domain *mapper, const struct domain *owner, uint32_t ref,
                   bool writable)
{
    const struct grant *grant = owner == NULL ? NULL : granted_entry(owner, ref);

    if (grant == NULL)
        return BLKFRONT_PLATFORM_INVALID;
    if (grant->peer != mapper->domid || (writable && !grant->writable))
        return BLKFRONT_PLATFORM_DENIED;
    return 0;
}

/* One map more or less of each. */
static void count_maps(struct domain *owner, const uint32_t *refs, uint32_t count, bool up)
{
    for (uint32_t i = 0; i < count; i++) {
        struct grant *grant = entry(owner, refs[i]);

        if (up)
            owner->ledger.mapped += grant->maps++ == 0;
        else
            owner->ledger.mapped -= --grant->maps == 0;
    }
}

int grant_table_map(struct domain *mapper, uint16_t device, uint16_t domid, const uint32_t *refs,
                    uint32_t count, bool writable, void **pages)
{
    struct simback_world *world = mapper->world;
    struct domain *owner = domain_find(world, domid);

    for (uint32_t i = 0; i < count; i++) {
        const int result = may_map(mapper, owner, refs[i], writable);
        struct grant *grant;

        if (result != 0) {
            count_maps(owner, refs, i, false);
            tell(mapper, SIMBACK_MAP, device, domid, refs[i], 0, writable, result);
            return result;
        }
        grant = entry(owner, refs[i]);
        owner->ledger.mapped += grant->maps++ == 0;
        pages[i] = arena_page_address(&world->arena, grant->page);
    }
    if (!world_listens(world))
        return 0;
    /* Who listens may ask how often each is mapped, and hears of one after the other. */
    count_maps(owner, refs, count, false);
    for (uint32_t i = 0; i < count; i++) {
        count_maps(owner, &refs[i], 1, true);
        tell(mapper, SIMBACK_MAP, device, domid, refs[i], entry(owner, refs[i])->page, writable, 0);
    }
    return 0;
}

/* The last map of a page whose end was deferred: its grant ends, and with the last of its block the
 * pages go. */
static void end_deferred(struct domain *owner, uint32_t ref)
{
    struct arena *arena = &owner->world->arena;
    uint32_t page = entry(owner, ref)->page, first = page;

    drop_grant(owner, ref);
    tell_own(owner, SIMBACK_GRANT_END, 0, ref, page, 0, 0);
    while (arena->pages[first].count == 0)
        first--;
    for (uint32_t i = first; i < first + arena->pages[first].count; i++) {
        if (arena->pages[i].ref != 0)
            return;
    }
    grant_block_free(owner, first);
}

/* A reference may stand in the list more than once. */
int grant_table_unmap(struct domain *mapper, uint16_t device, uint16_t domid, const uint32_t *refs,
                      uint32_t count, void **pages)
{
    struct simback_world *world = mapper->world;
    struct domain *owner = domain_find(world, domid);
    bool deferred = false;

    for (uint32_t i = 0; i < count; i++) {
        struct grant *grant = owner == NULL ? NULL : granted_entry(owner, refs[i]);

        if (grant == NULL || grant->peer != mapper->domid || grant->maps == 0 ||
            pages[i] != arena_page_address(&world->arena, grant->page)) {
            count_maps(owner, refs, i, true);
            return BLKFRONT_PLATFORM_INVALID;
        }
        owner->ledger.mapped -= --grant->maps == 0;
        deferred = deferred || grant->deferred;
    }
    if (!deferred && !world_listens(world))
        return 0;
    count_maps(owner, refs, count, true);
    for (uint32_t i = 0; i < count; i++) {
        const struct grant *grant = entry(owner, refs[i]);

        count_maps(owner, &refs[i], 1, false);
        tell(mapper, SIMBACK_UNMAP, device, domid, refs[i], grant->page, 0, 0);
        if (grant->deferred && grant->maps == 0)
            end_deferred(owner, refs[i]);
    }
    return 0;
}

/* ---- suspend and resume ---- */

/* What maps there were are the old host's, and gone. */
void grant_table_void(struct domain *domain)
{
    for (uint32_t ref = GRANT_FIRST; ref < domain->grant_fresh; ref++) {
        struct grant *grant = granted_entry(domain, ref);

        if (grant == NULL)
            continue;
        if (grant->maps != 0)
            domain->ledger.mapped--;
        grant->maps = 0;
        if (grant->deferred) {
            end_deferred(domain, ref);
            continue;
        }
        grant->state = VOID;
        domain->ledger.grants--;
    }
}

/* ---- the ledger ---- */

static bool describe(const struct domain *domain, uint32_t ref, struct simback_grant *grant)
{
    const struct grant *found = domain == NULL ? NULL : granted_entry(domain, ref);

    if (found == NULL)
        return false;
    *grant = (struct simback_grant){.ref = ref,
                                    .peer = found->peer,
                                    .writable = found->writable,
                                    .page = found->page,
                                    .maps = found->maps,
                                    .deferred = found->deferred};
    return true;
}

bool simback_get_grant(const struct simback_world *world, uint16_t domid, uint32_t ref,
                       struct simback_grant *grant)
{
    return describe(domain_find(world, domid), ref, grant);
}

bool simback_get_page_grant(const struct simback_world *world, uint16_t domid, uint32_t page,
                            struct simback_grant *grant)
{
    if (page >= world->arena.page_next || world->arena.pages[page].domid != domid)
        return false;
    return describe(domain_find(world, domid), world->arena.pages[page].ref, grant);
}
