/* SPDX-License-Identifier: ISC */
/*
 * An entry of a grant table and what is done with one: found, filled, emptied, told of. For those
 * alone who work on the table: single pages and mapping (grant_table.c), blocks (grant_blocks.c).
 */
#ifndef SIMBACK_SRC_GRANT_ENTRY_H
#define SIMBACK_SRC_GRANT_ENTRY_H

#include "internal.h"

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

static inline struct grant *entry(const struct domain *domain, uint32_t ref)
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

/* What is rare is kept out of what happens for every segment, for which registers would have to be
 * saved. */
#define RARE __attribute__((noinline, cold))

RARE void grant_emit(struct domain *domain, enum simback_event_kind kind, uint16_t device,
                     uint16_t peer, uint64_t a, uint64_t b, uint64_t c, int result);

static inline void tell(struct domain *domain, enum simback_event_kind kind, uint16_t device,
                        uint16_t peer, uint64_t a, uint64_t b, uint64_t c, int result)
{
    if (world_listens(domain->world))
        grant_emit(domain, kind, device, peer, a, b, c, result);
}

static inline void tell_own(struct domain *domain, enum simback_event_kind kind, uint16_t peer,
                            uint64_t a, uint64_t b, uint64_t c, int result)
{
    tell(domain, kind, domain->world->entered, peer, a, b, c, result);
}

/* ---- references ---- */

/* One that was never used; 0: the table is full. */
RARE uint32_t grant_fresh_ref(struct domain *domain);

static inline uint32_t take_ref(struct domain *domain)
{
    uint32_t ref = domain->grant_free_first;

    if (ref == 0)
        return grant_fresh_ref(domain);
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

/* Such a platform never says BUSY, whatever happens. */
static inline bool end_is_refused(const struct domain *domain)
{
    return !domain->world->options.share_only && fail_now(domain->world, SIMBACK_RESOURCE_REVOKE);
}

/* ---- blocks ---- */

/* Gives the pages back: nobody has them granted any more. */
void grant_block_free(struct domain *domain, uint32_t first);

#endif
