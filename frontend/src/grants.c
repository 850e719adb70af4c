/* SPDX-License-Identifier: ISC */
/*
 * Blocks and the quarantine. The rule behind all of it: a page whose grant could not be
 * ended is never free again until ending it has succeeded (I5).
 */
#include "grants.h"

#include <string.h>

/* ---- blocks ---- */

static struct grant_block *block_new(const struct blkfront_platform *platform, enum grant_kind kind,
                                     uint32_t pages, uint32_t layers)
{
    size_t refs_size = kind == GRANT_SHARED ? (size_t)pages * sizeof(uint32_t) : 0;
    size_t records_size = (size_t)pages * layers * sizeof(struct grant_record);
    size_t size = sizeof(struct grant_block) + records_size + refs_size;
    struct grant_block *block = platform->allocate(platform->context, size);

    if (block == NULL)
        return NULL;
    block->platform = platform;
    block->kind = kind;
    block->pages = pages;
    block->layers = layers;
    block->size = size;
    block->records = (struct grant_record *)(void *)(block + 1);
    block->refs = (uint32_t *)(void *)(block->records + (size_t)pages * layers);
    return block;
}

static void block_free(struct grant_block *block)
{
    block->platform->free(block->platform->context, block, block->size);
}

int grant_block_share(const struct blkfront_platform *platform, uint16_t domid, uint32_t pages,
                      bool writable, uint32_t layers, struct grant_block **block)
{
    struct grant_block *made = block_new(platform, GRANT_SHARED, pages, layers);
    void *address;
    int r;

    if (made == NULL)
        return BLKFRONT_PLATFORM_NO_MEMORY;
    r = platform->share(platform->context, domid, pages, writable, &address, made->refs);
    if (r != 0) {
        block_free(made);
        return r;
    }
    made->address = address;
    made->domid = domid;
    made->writable = writable;
    *block = made;
    return 0;
}

int grant_block_allocate(const struct blkfront_platform *platform, uint32_t pages, uint32_t layers,
                         struct grant_block **block)
{
    struct grant_block *made = block_new(platform, GRANT_ALLOCATED, pages, layers);
    void *address;
    int r;

    if (made == NULL)
        return BLKFRONT_PLATFORM_NO_MEMORY;
    r = platform->page_allocate(platform->context, pages, &address);
    if (r != 0) {
        block_free(made);
        return r;
    }
    made->address = address;
    *block = made;
    return 0;
}

int grant_block_register(const struct blkfront_platform *platform, void *address, uint32_t pages,
                         uint32_t layers, struct grant_block **block)
{
    struct grant_block *made = block_new(platform, GRANT_REGISTERED, pages, layers);

    if (made == NULL)
        return BLKFRONT_PLATFORM_NO_MEMORY;
    made->address = address;
    *block = made;
    return 0;
}

static size_t block_records(const struct grant_block *block)
{
    return (size_t)block->pages * block->layers;
}

static inline void record_set(struct grant_block *block, struct grant_record *record,
                              enum grant_state state)
{
    bool was_held = grant_state(record) > GRANT_USED;
    bool is_held = state > GRANT_USED;

    if (is_held && !was_held)
        __atomic_add_fetch(&block->held, 1, __ATOMIC_RELAXED);
    if (was_held && !is_held)
        __atomic_sub_fetch(&block->held, 1, __ATOMIC_RELAXED);
    if (state == GRANT_KEPT)
        __atomic_store_n(&block->keeps, true, __ATOMIC_RELAXED);
    __atomic_store_n(&record->state, (uint32_t)state, __ATOMIC_RELEASE);
}

/* False: no record is so, and none needs a look: of most blocks nothing is kept or held. */
static bool block_may_have(const struct grant_block *block, enum grant_state state)
{
    if (state == GRANT_KEPT)
        return __atomic_load_n(&block->keeps, __ATOMIC_RELAXED);
    return state <= GRANT_USED || __atomic_load_n(&block->held, __ATOMIC_RELAXED) != 0;
}

static void revoke_all(struct grant_block *block, enum grant_state state)
{
    if (!block_may_have(block, state))
        return;
    for (size_t i = 0; i < block_records(block); i++) {
        struct grant_record *record = &block->records[i];

        if (grant_state(record) != state)
            continue;
        if (block->platform->page_revoke(block->platform->context, record->ref) == 0)
            record_set(block, record, GRANT_FREE);
        else
            record_set(block, record, GRANT_BUSY);
    }
}

void grant_block_retry(struct grant_block *block)
{
    /* What happened to one page of a shared block cannot be asked: it stays suspect to the end. */
    if (block->kind != GRANT_SHARED)
        revoke_all(block, GRANT_BUSY);
}

void grant_block_purge(struct grant_block *block, uint32_t limit)
{
    size_t count = block_records(block), looks = (size_t)limit * block->layers;
    uint32_t ended = 0;

    for (size_t i = 0; i < count && i < looks && ended < limit; i++) {
        ended += grant_purge(block, block->purged);
        block->purged = block->purged + 1 < count ? block->purged + 1 : 0;
    }
}

static bool block_has(const struct grant_block *block, enum grant_state state)
{
    if (!block_may_have(block, state))
        return false;
    for (size_t i = 0; i < block_records(block); i++) {
        if (grant_state(&block->records[i]) == state)
            return true;
    }
    return false;
}

/* Of a shared block nothing was granted but the whole. */
static void forget_kept(struct grant_block *block)
{
    for (size_t i = 0; i < block_records(block); i++) {
        if (grant_state(&block->records[i]) == GRANT_KEPT)
            record_set(block, &block->records[i], GRANT_FREE);
    }
}

bool grant_block_cut(struct grant_block *block)
{
    if (block->kind == GRANT_SHARED) {
        forget_kept(block);
        return true;
    }
    grant_block_retry(block);
    revoke_all(block, GRANT_KEPT);
    return !block_has(block, GRANT_BUSY);
}

int grant_block_end(struct grant_block *block)
{
    const struct blkfront_platform *platform = block->platform;

    if (!grant_block_cut(block) || block_has(block, GRANT_USED) ||
        block_has(block, GRANT_ABANDONED))
        return BLKFRONT_PLATFORM_BUSY;
    if (block->kind == GRANT_SHARED) {
        int r = platform->unshare(platform->context, block->address, block->pages);

        /* DEFERRED: the platform sees to the rest. Any other failure means: not ended. */
        if (r != 0 && r != BLKFRONT_PLATFORM_DEFERRED)
            return BLKFRONT_PLATFORM_BUSY;
    } else if (block->kind == GRANT_ALLOCATED) {
        platform->page_free(platform->context, block->address, block->pages);
    } else if (block->release != NULL) {
        block->release(block->release_context, block->address);
    }
    block_free(block);
    return 0;
}

uint32_t grant_block_held_pages(const struct grant_block *block)
{
    uint32_t pages = 0;

    if (block->kind == GRANT_SHARED)
        return block->pages;
    for (uint32_t page = 0; page < block->pages; page++) {
        bool held = false;

        for (size_t i = page; i < block_records(block); i += block->pages)
            held = held || grant_state(&block->records[i]) != GRANT_FREE;
        pages += held;
    }
    return pages;
}

/* ---- grants of single pages ---- */

static bool page_held(const struct grant_block *block, uint32_t page)
{
    if (__atomic_load_n(&block->held, __ATOMIC_RELAXED) == 0)
        return false;
    for (size_t i = page; i < block_records(block); i += block->pages) {
        if (grant_state(&block->records[i]) > GRANT_USED)
            return true;
    }
    return false;
}

static bool record_claim(struct grant_record *record, enum grant_state from)
{
    uint32_t expected = (uint32_t)from;

    return __atomic_compare_exchange_n(&record->state, &expected, (uint32_t)GRANT_USED, false,
                                       __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
}

/* What is FREE is only claimed by those who grant; what is KEPT is purged, too. */
static inline bool claim(const struct grant_block *block, struct grant_record *record,
                         enum grant_state from)
{
    if (!block->alone || from != GRANT_FREE)
        return record_claim(record, from);
    __atomic_store_n(&record->state, (uint32_t)GRANT_USED, __ATOMIC_RELAXED);
    return true;
}

/* One of the page's records that is `from`, now USED; false if there is none. */
static inline bool page_claim(struct grant_block *block, uint32_t page, enum grant_state from,
                              uint32_t *record)
{
    for (size_t i = page; i < block_records(block); i += block->pages) {
        /* Looked at first: what costs is to lock a record, and most are not what is looked for. */
        if (grant_state(&block->records[i]) == from && claim(block, &block->records[i], from)) {
            *record = (uint32_t)i;
            return true;
        }
    }
    return false;
}

int grant_begin(struct grant_block *block, uint32_t page, uint16_t domid, bool writable,
                struct grant *grant)
{
    const struct blkfront_platform *platform = block->platform;
    struct grant_record *record;
    int r;

    if (page_held(block, page))
        return GRANT_OCCUPIED;
    grant->made = false;
    grant->reused = __atomic_load_n(&block->keeps, __ATOMIC_RELAXED) &&
                    page_claim(block, page, GRANT_KEPT, &grant->record);
    if (grant->reused)
        return 0;
    if (!page_claim(block, page, GRANT_FREE, &grant->record))
        return GRANT_OCCUPIED;

    record = &block->records[grant->record];
    if (block->kind == GRANT_SHARED) {
        record->ref = block->refs[page];
        return 0;
    }
    r = platform->page_grant(platform->context, domid, grant_page(block, page), writable,
                             &record->ref);
    if (r != 0)
        record_set(block, record, GRANT_FREE);
    grant->made = r == 0;
    return r;
}

int grant_finish(struct grant_block *block, uint32_t record, bool keep)
{
    const struct blkfront_platform *platform = block->platform;
    struct grant_record *r = &block->records[record];

    if (keep) {
        record_set(block, r, GRANT_KEPT);
        return 0;
    }
    /* Whatever the failure, it is not counted as done (I5). */
    if (block->kind != GRANT_SHARED && platform->page_revoke(platform->context, r->ref) != 0) {
        record_set(block, r, GRANT_BUSY);
        return BLKFRONT_PLATFORM_BUSY;
    }
    record_set(block, r, GRANT_FREE);
    return 0;
}

bool grant_purge(struct grant_block *block, uint32_t record)
{
    const struct blkfront_platform *platform = block->platform;
    struct grant_record *r = &block->records[record];
    bool ended;

    /* Claimed meanwhile, so that no request takes it. */
    if (!record_claim(r, GRANT_KEPT))
        return false;
    ended = platform->page_revoke(platform->context, r->ref) == 0;
    record_set(block, r, ended ? GRANT_FREE : GRANT_KEPT);
    return ended;
}

void grant_suspect(struct grant_block *block, uint32_t record)
{
    record_set(block, &block->records[record], GRANT_BUSY);
}

void grant_abandon(struct grant_block *block, uint32_t record)
{
    record_set(block, &block->records[record], GRANT_ABANDONED);
}

/* ---- the quarantine ---- */

void quarantine_put(struct blkfront *context, struct grant_block *block)
{
    block->next = context->quarantine;
    context->quarantine = block;
}

size_t quarantine_retry(struct blkfront *context)
{
    struct grant_block **link = &context->quarantine;
    size_t pages = 0;

    while (*link != NULL) {
        struct grant_block *block = *link;
        struct grant_block *next = block->next;

        if (grant_block_end(block) == 0) {
            *link = next;
        } else {
            pages += grant_block_held_pages(block);
            link = &block->next;
        }
    }
    return pages;
}

void quarantine_forget(struct blkfront *context)
{
    while (context->quarantine != NULL) {
        struct grant_block *block = context->quarantine;

        context->quarantine = block->next;
        block_free(block);
    }
}
