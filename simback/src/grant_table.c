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
#include "internal.h"

#include <string.h>

enum { FREE, GRANTED, VOID };

struct grant {
    uint32_t page;
    uint32_t maps;
    uint32_t next; /* while free: the next free one; else: the page's next older grant by us */
    uint16_t peer;
    uint8_t state;
    bool writable : 1;
    bool block : 1; /* of share: ended with its block only */
    bool deferred : 1;
};

static struct grant *entry(const struct domain *domain, uint32_t ref)
{
    return &domain->grant_chunks[ref / GRANT_CHUNK][ref % GRANT_CHUNK];
}

/* NULL for a reference that its owner does not have. */
static inline struct grant *used_entry(const struct domain *domain, uint32_t ref)
{
    struct grant *grant;

    if (ref < GRANT_FIRST || ref >= domain->grant_fresh)
        return NULL;
    grant = entry(domain, ref);
    return grant->state == FREE ? NULL : grant;
}

/* NULL also for one that is void. */
static inline struct grant *granted_entry(const struct domain *domain, uint32_t ref)
{
    struct grant *grant = used_entry(domain, ref);

    return grant == NULL || grant->state == VOID ? NULL : grant;
}

/* Single pages are granted and ended for every segment. Mostly nobody listens and nothing is to
 * fail: then the same is done without what is RARE, for which registers would have to be saved. */
#define RARE   __attribute__((noinline, cold))
#define EITHER inline __attribute__((always_inline))

static inline bool is_plain(const struct domain *domain, enum simback_resource resource)
{
    return !world_listens(domain->world) && !fail_armed(domain->world, resource);
}

static RARE void emit(struct domain *domain, enum simback_event_kind kind, uint16_t device,
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

static inline void tell(struct domain *domain, enum simback_event_kind kind, uint16_t device,
                        uint16_t peer, uint64_t a, uint64_t b, uint64_t c, int result)
{
    if (world_listens(domain->world))
        emit(domain, kind, device, peer, a, b, c, result);
}

static inline void tell_own(struct domain *domain, enum simback_event_kind kind, uint16_t peer,
                            uint64_t a, uint64_t b, uint64_t c, int result)
{
    tell(domain, kind, domain->world->entered, peer, a, b, c, result);
}

/* ---- references ---- */

/* One that was never used; 0: the table is full. */
static RARE uint32_t fresh_ref(struct domain *domain)
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

static inline uint32_t take_ref(struct domain *domain)
{
    uint32_t ref = domain->grant_free_first;

    if (ref == 0)
        return fresh_ref(domain);
    domain->grant_free_first = entry(domain, ref)->next;
    if (domain->grant_free_first == 0)
        domain->grant_free_last = 0;
    return ref;
}

static inline void give_ref_back(struct domain *domain, uint32_t ref)
{
    *entry(domain, ref) = (struct grant){.state = FREE};
    if (domain->world->options.live)
        return; /* a real Xen gives them out */
    if (domain->grant_free_last != 0)
        entry(domain, domain->grant_free_last)->next = ref;
    else
        domain->grant_free_first = ref;
    domain->grant_free_last = ref;
}

static inline void enter_grant(struct domain *domain, uint32_t ref, uint16_t peer, uint32_t page,
                               bool writable, bool block)
{
    struct page *info = &domain->world->arena.pages[page];

    *entry(domain, ref) = (struct grant){.page = page,
                                         .next = info->ref,
                                         .peer = peer,
                                         .state = GRANTED,
                                         .writable = writable,
                                         .block = block};
    info->ref = ref;
    info->domid = domain->domid;
    domain->ledger.grants++;
}

/* The reference; 0: the table is full. */
static inline uint32_t make_grant(struct domain *domain, uint16_t peer, uint32_t page,
                                  bool writable, bool block)
{
    uint32_t got = take_ref(domain);

    if (got == 0) {
        fail_short(domain->world);
        return 0;
    }
    enter_grant(domain, got, peer, page, writable, block);
    return got;
}

/* The caller has seen that it is not mapped. */
static inline void drop_grant(struct domain *domain, uint32_t ref)
{
    struct grant *grant = entry(domain, ref);
    uint32_t *link = &domain->world->arena.pages[grant->page].ref;

    while (*link != ref)
        link = &entry(domain, *link)->next;
    *link = grant->next;
    if (grant->deferred)
        domain->ledger.deferred--;
    if (grant->state == GRANTED)
        domain->ledger.grants--;
    give_ref_back(domain, ref);
}

/* ---- blocks that are shared as they are allocated ---- */

static void free_block(struct domain *domain, uint32_t first)
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

/* Such a platform never says BUSY, whatever happens. */
static inline bool end_is_refused(const struct domain *domain)
{
    return !domain->world->options.share_only && fail_now(domain->world, SIMBACK_RESOURCE_REVOKE);
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
    free_block(domain, first);
    return 0;
}

/* ---- pages that exist ---- */

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
        free_block(domain, first);
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
    free_block(owner, first);
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
