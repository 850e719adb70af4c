/* SPDX-License-Identifier: ISC */
/*
 * Blocks, pools and the quarantine: nothing that the backend holds is freed or used again (I5), and
 * whatever call fails, nothing is left over.
 */
#include "fake_platform.h"
#include "pool.h"

#include "cunit_main.h"

enum { DOMID = 3 };

static struct fake_platform fake;
static struct blkfront context;

static void begin(bool any_page)
{
    fake_platform_init(&fake, any_page ? BLKFRONT_PLATFORM_GRANTS_ANY_PAGE : 0);
    context = (struct blkfront){.platform = &fake.platform};
}

static void set_up(void)
{
    begin(true);
}

static void tear_down(void)
{
    CU_ASSERT_EQUAL(fake_left(&fake), 0);
    CU_ASSERT_EQUAL(fake.mistakes, 0);
    CU_ASSERT_PTR_NULL(context.quarantine);
}

static struct grant_block *allocate_block(uint32_t pages, uint32_t layers)
{
    struct grant_block *block = NULL;

    CU_ASSERT_EQUAL_FATAL(grant_block_allocate(&fake.platform, pages, layers, &block), 0);
    return block;
}

static struct grant_block *share_block(uint32_t pages, bool writable)
{
    struct grant_block *block = NULL;

    CU_ASSERT_EQUAL_FATAL(grant_block_share(&fake.platform, DOMID, pages, writable, 1, &block), 0);
    return block;
}

static int grant_one(struct grant_block *block, uint32_t page, bool writable, uint32_t *record)
{
    struct grant grant = {.record = UINT32_MAX};
    int r = grant_begin(block, page, DOMID, writable, &grant);

    *record = grant.record;
    return r;
}

static int take_one(struct pool *pool, bool writable, uint32_t *record)
{
    struct grant grant = {.record = UINT32_MAX};
    int r = pool_take(pool, DOMID, writable, &grant);

    *record = grant.record;
    return r;
}

static void a_shared_block_is_granted_as_a_whole(void)
{
    struct grant_block *block = share_block(3, true);
    uint32_t record;

    CU_ASSERT_EQUAL(fake.refs_used, 3);
    for (uint32_t page = 0; page < 3; page++) {
        CU_ASSERT_EQUAL(grant_one(block, page, true, &record), 0);
        CU_ASSERT_EQUAL(record, page);
        CU_ASSERT_PTR_EQUAL(fake_map(&fake, grant_ref(block, record), true),
                            grant_page(block, page));
    }
    CU_ASSERT_EQUAL(fake.grants, 0);
    CU_ASSERT_EQUAL(grant_block_end(block), BLKFRONT_PLATFORM_BUSY); /* records are in use */
    for (uint32_t page = 0; page < 3; page++)
        CU_ASSERT_EQUAL(grant_finish(block, page, false), 0);
    CU_ASSERT_EQUAL(fake.revokes, 0);
    CU_ASSERT_EQUAL(grant_block_end(block), 0);
}

static void i5_a_page_is_granted_with_the_flag_of_its_use(void)
{
    struct grant_block *block = allocate_block(2, 1);
    uint32_t record;

    CU_ASSERT_EQUAL(grant_one(block, 1, false, &record), 0);
    CU_ASSERT_PTR_NULL(fake_map(&fake, grant_ref(block, record), true));
    CU_ASSERT_PTR_EQUAL(fake_map(&fake, grant_ref(block, record), false), grant_page(block, 1));
    CU_ASSERT_EQUAL(fake.refs[grant_ref(block, record)].domid, DOMID);
    CU_ASSERT_EQUAL(grant_finish(block, record, false), 0);
    CU_ASSERT_EQUAL(grant_one(block, 1, true, &record), 0);
    CU_ASSERT_PTR_NOT_NULL(fake_map(&fake, grant_ref(block, record), true));
    CU_ASSERT_EQUAL(grant_finish(block, record, false), 0);
    CU_ASSERT_EQUAL(grant_block_end(block), 0);
}

static void a_page_has_as_many_grants_as_records(void)
{
    struct grant_block *block = allocate_block(2, 4);
    uint32_t records[4], record;

    for (uint32_t i = 0; i < 4; i++) {
        CU_ASSERT_EQUAL(grant_one(block, 1, true, &records[i]), 0);
        CU_ASSERT_PTR_EQUAL(fake_map(&fake, grant_ref(block, records[i]), true),
                            grant_page(block, 1));
    }
    CU_ASSERT_EQUAL(grant_one(block, 1, true, &record), GRANT_OCCUPIED);
    CU_ASSERT_EQUAL(grant_one(block, 0, true, &record), 0);
    CU_ASSERT_EQUAL(grant_block_held_pages(block), 2);
    CU_ASSERT_EQUAL(grant_finish(block, record, false), 0);
    for (uint32_t i = 0; i < 4; i++)
        CU_ASSERT_EQUAL(grant_finish(block, records[i], false), 0);
    CU_ASSERT_EQUAL(grant_block_end(block), 0);
}

static void i5_a_busy_page_is_not_granted_again_before_it_is_free(void)
{
    struct grant_block *block = allocate_block(1, 8);
    uint32_t record, other;

    CU_ASSERT_EQUAL(grant_one(block, 0, true, &record), 0);
    fake_hold(&fake, grant_ref(block, record), true);
    CU_ASSERT_EQUAL(grant_finish(block, record, false), BLKFRONT_PLATFORM_BUSY);
    CU_ASSERT_EQUAL(block->held, 1);
    CU_ASSERT_EQUAL(grant_one(block, 0, true, &other), GRANT_OCCUPIED);
    grant_block_retry(block);
    CU_ASSERT_EQUAL(grant_block_end(block), BLKFRONT_PLATFORM_BUSY);
    fake_hold(&fake, block->records[record].ref, false);
    grant_block_retry(block);
    CU_ASSERT_EQUAL(block->held, 0);
    CU_ASSERT_EQUAL(grant_one(block, 0, true, &other), 0);
    CU_ASSERT_EQUAL(grant_finish(block, other, false), 0);
    CU_ASSERT_EQUAL(grant_block_end(block), 0);
}

static void i5_an_abandoned_page_is_held_until_its_response(void)
{
    struct grant_block *block = allocate_block(1, 8);
    uint32_t record, other;

    CU_ASSERT_EQUAL(grant_one(block, 0, true, &record), 0);
    grant_abandon(block, record);
    CU_ASSERT_EQUAL(grant_one(block, 0, true, &other), GRANT_OCCUPIED);
    grant_block_retry(block); /* not BUSY: it is the slot's to end */
    CU_ASSERT_EQUAL(fake.revokes, 0);
    CU_ASSERT_EQUAL(grant_block_end(block), BLKFRONT_PLATFORM_BUSY);
    CU_ASSERT_EQUAL(grant_finish(block, record, false), 0);
    CU_ASSERT_EQUAL(grant_block_end(block), 0);
}

static void i5_a_cut_page_of_a_shared_block_stays_suspect(void)
{
    struct grant_block *block;
    uint32_t record;

    begin(false);
    block = share_block(2, true);
    CU_ASSERT_EQUAL(grant_one(block, 1, true, &record), 0);
    grant_suspect(block, record);
    grant_block_retry(block);
    CU_ASSERT_EQUAL(grant_one(block, 1, true, &record), GRANT_OCCUPIED);
    CU_ASSERT_EQUAL(grant_one(block, 0, true, &record), 0);
    CU_ASSERT_EQUAL(grant_finish(block, record, false), 0);
    CU_ASSERT_EQUAL(grant_block_end(block), 0);
}

static void deferred_counts_as_gone(void)
{
    begin(false);
    fake.deferred = true;
    CU_ASSERT_EQUAL(grant_block_end(share_block(2, false)), 0);
}

static int releases;

static void release(void *release_context, void *address)
{
    CU_ASSERT_PTR_EQUAL(release_context, &releases);
    CU_ASSERT_PTR_NOT_NULL(address);
    releases++;
}

static void registered_pages_are_given_back_once(void)
{
    static _Alignas(FAKE_PAGE) unsigned char pages[2 * FAKE_PAGE];
    struct grant_block *block;
    uint32_t record;

    releases = 0;
    CU_ASSERT_EQUAL(grant_block_register(&fake.platform, pages, 2, 8, &block), 0);
    block->release = release;
    block->release_context = &releases;
    CU_ASSERT_EQUAL(grant_one(block, 1, true, &record), 0);
    CU_ASSERT_PTR_EQUAL(fake_map(&fake, grant_ref(block, record), true), pages + FAKE_PAGE);
    CU_ASSERT_EQUAL(grant_block_end(block), BLKFRONT_PLATFORM_BUSY);
    CU_ASSERT_EQUAL(releases, 0);
    CU_ASSERT_EQUAL(grant_finish(block, record, false), 0);
    CU_ASSERT_EQUAL(grant_block_end(block), 0);
    CU_ASSERT_EQUAL(releases, 1);
}

/* ---- pools ---- */

enum { POOL_PAGES = 4 };

static uint32_t free_numbers[POOL_PAGES], busy_numbers[POOL_PAGES];

static struct pool make_pool(void)
{
    struct pool pool;

    pool_init(&pool, allocate_block(POOL_PAGES, 1), free_numbers, busy_numbers);
    CU_ASSERT_TRUE(pool_check(&pool));
    return pool;
}

static void a_pool_gives_each_page_once(void)
{
    struct pool pool = make_pool();
    uint32_t records[POOL_PAGES], record;

    for (uint32_t i = 0; i < POOL_PAGES; i++) {
        CU_ASSERT_EQUAL(take_one(&pool, i % 2 == 0, &records[i]), 0);
        CU_ASSERT_EQUAL(records[i], i);
        CU_ASSERT_EQUAL(fake.refs[grant_ref(pool.block, records[i])].writable, i % 2 == 0);
        CU_ASSERT_TRUE(pool_check(&pool));
    }
    CU_ASSERT_EQUAL(take_one(&pool, true, &record), GRANT_OCCUPIED);
    for (uint32_t i = 0; i < POOL_PAGES; i++)
        pool_give(&pool, records[i], false);
    CU_ASSERT_EQUAL(pool.free_count, POOL_PAGES);
    CU_ASSERT_TRUE(pool_check(&pool));
    CU_ASSERT_EQUAL(grant_block_end(pool.block), 0);
}

static void a_pool_page_stays_free_when_granting_fails(void)
{
    struct pool pool = make_pool();
    uint32_t record;

    fake_fail(&fake, 1, false);
    CU_ASSERT_EQUAL(take_one(&pool, true, &record), BLKFRONT_PLATFORM_NO_MEMORY);
    CU_ASSERT_EQUAL(pool.free_count, POOL_PAGES);
    CU_ASSERT_TRUE(pool_check(&pool));
    CU_ASSERT_EQUAL(take_one(&pool, true, &record), 0);
    pool_give(&pool, record, false);
    CU_ASSERT_EQUAL(grant_block_end(pool.block), 0);
}

static void i5_a_busy_pool_page_is_quarantined_until_a_retry_succeeds(void)
{
    struct pool pool = make_pool();
    uint32_t records[POOL_PAGES], record;

    for (uint32_t i = 0; i < POOL_PAGES; i++)
        CU_ASSERT_EQUAL(take_one(&pool, true, &records[i]), 0);
    for (uint32_t i = 0; i < POOL_PAGES; i++) {
        fake_hold(&fake, grant_ref(pool.block, records[i]), i != 3);
        pool_give(&pool, records[i], false);
    }
    CU_ASSERT_EQUAL(pool.busy_count, 3);
    CU_ASSERT_EQUAL(pool.free_count, 1);
    CU_ASSERT_TRUE(pool_check(&pool));
    CU_ASSERT_FALSE(pool_retry(&pool, 8));
    fake_hold(&fake, grant_ref(pool.block, records[2]), false);
    /* One a time: each page gets its turn. */
    CU_ASSERT_TRUE(pool_retry(&pool, 1) || pool_retry(&pool, 1) || pool_retry(&pool, 1));
    CU_ASSERT_EQUAL(pool.busy_count, 2);
    CU_ASSERT_TRUE(pool_check(&pool));
    CU_ASSERT_EQUAL(take_one(&pool, true, &record), 0);
    CU_ASSERT_EQUAL(record, 2);
    pool_give(&pool, record, false);
    CU_ASSERT_EQUAL(grant_block_end(pool.block), BLKFRONT_PLATFORM_BUSY);
    CU_ASSERT_EQUAL(grant_block_held_pages(pool.block), 2);
    fake_hold(&fake, grant_ref(pool.block, records[0]), false);
    fake_hold(&fake, grant_ref(pool.block, records[1]), false);
    CU_ASSERT_EQUAL(grant_block_end(pool.block), 0);
}

static void check_of(struct pool *pool, uint32_t *number, uint32_t wrong)
{
    uint32_t right = *number;

    CU_ASSERT_TRUE(pool_check(pool));
    *number = wrong;
    CU_ASSERT_FALSE(pool_check(pool));
    *number = right;
}

static void the_check_of_a_pool_sees_what_does_not_agree(void)
{
    struct pool pool = make_pool();
    uint32_t records[POOL_PAGES];

    for (uint32_t i = 0; i < 3; i++)
        CU_ASSERT_EQUAL(take_one(&pool, true, &records[i]), 0);
    fake_hold(&fake, grant_ref(pool.block, records[0]), true);
    pool_give(&pool, records[0], false);
    pool_give(&pool, records[1], true);
    pool_give(&pool, records[2], true);
    CU_ASSERT_EQUAL(pool.busy_count, 1);
    CU_ASSERT_EQUAL(pool.kept, 2);
    check_of(&pool, &pool.block->records[3].state, GRANT_USED); /* a free page */
    check_of(&pool, &pool.block->records[2].state, GRANT_FREE); /* a kept one */
    check_of(&pool, &pool.block->records[0].state, GRANT_FREE); /* a busy one */
    check_of(&pool, &pool.free[0], POOL_PAGES);
    check_of(&pool, &pool.busy[0], POOL_PAGES);
    check_of(&pool, &pool.kept, 1);
    check_of(&pool, &pool.kept, 4);
    check_of(&pool, &pool.busy_count, 2);
    check_of(&pool, &pool.free_count, 4);
    fake_hold(&fake, grant_ref(pool.block, records[0]), false);
    CU_ASSERT_EQUAL(grant_block_end(pool.block), 0);
}

/* ---- kept grants ---- */

static void i5_a_kept_grant_serves_again_and_ends_when_the_backend_lets_go(void)
{
    struct grant_block *block = allocate_block(2, 2);
    uint32_t first, second, third;
    struct grant grant;

    CU_ASSERT_EQUAL(grant_begin(block, 1, DOMID, true, &grant), 0);
    CU_ASSERT_TRUE(grant.made);
    CU_ASSERT_FALSE(grant.reused);
    first = grant_ref(block, grant.record);
    CU_ASSERT_EQUAL(grant_finish(block, grant.record, true), 0);
    CU_ASSERT_EQUAL(fake.refs_used, 1);
    CU_ASSERT_EQUAL(grant_begin(block, 1, DOMID, true, &grant), 0);
    CU_ASSERT_FALSE(grant.made);
    CU_ASSERT_TRUE(grant.reused);
    CU_ASSERT_EQUAL(grant_ref(block, grant.record), first);
    CU_ASSERT_FALSE(grant_purge(block, grant.record)); /* in use */
    CU_ASSERT_EQUAL(grant_one(block, 1, true, &second), 0);
    CU_ASSERT_EQUAL(grant_one(block, 1, true, &third), GRANT_OCCUPIED);
    CU_ASSERT_EQUAL(grant_finish(block, second, false), 0);
    CU_ASSERT_EQUAL(grant_finish(block, grant.record, true), 0);
    fake_hold(&fake, first, true);
    CU_ASSERT_FALSE(grant_purge(block, grant.record));
    CU_ASSERT_EQUAL(grant_block_held_pages(block), 1);
    CU_ASSERT_EQUAL(grant_one(block, 1, true, &second), 0); /* usable nevertheless */
    CU_ASSERT_EQUAL(grant_ref(block, second), first);
    CU_ASSERT_EQUAL(grant_finish(block, second, true), 0);
    CU_ASSERT_EQUAL(grant_block_end(block), BLKFRONT_PLATFORM_BUSY);
    CU_ASSERT_EQUAL(grant_one(block, 1, true, &second), GRANT_OCCUPIED); /* it is held now */
    fake_hold(&fake, first, false);
    CU_ASSERT_EQUAL(grant_block_end(block), 0);
}

static void i5_the_end_of_a_connection_ends_what_is_kept(void)
{
    struct grant_block *block = allocate_block(3, 1);
    uint32_t records[3], refs[3];

    for (uint32_t i = 0; i < 3; i++) {
        CU_ASSERT_EQUAL(grant_one(block, i, true, &records[i]), 0);
        refs[i] = grant_ref(block, records[i]);
    }
    CU_ASSERT_EQUAL(grant_finish(block, records[0], true), 0);
    CU_ASSERT_EQUAL(grant_finish(block, records[1], true), 0);
    fake_hold(&fake, refs[1], true);
    CU_ASSERT_FALSE(grant_block_cut(block));
    CU_ASSERT_EQUAL(fake.refs_used, 2); /* one is in use, one is mapped */
    fake_hold(&fake, refs[1], false);
    CU_ASSERT_TRUE(grant_block_cut(block));
    CU_ASSERT_EQUAL(fake.refs_used, 1);
    CU_ASSERT_EQUAL(grant_finish(block, records[2], false), 0);
    CU_ASSERT_EQUAL(grant_block_end(block), 0);
}

static void a_shared_block_keeps_nothing_beyond_its_connection(void)
{
    struct grant_block *block;
    struct grant grant;

    begin(false);
    block = share_block(2, true);
    CU_ASSERT_EQUAL(grant_begin(block, 1, DOMID, true, &grant), 0);
    CU_ASSERT_FALSE(grant.made);
    CU_ASSERT_EQUAL(grant_finish(block, grant.record, true), 0);
    CU_ASSERT_EQUAL(grant_begin(block, 1, DOMID, true, &grant), 0);
    CU_ASSERT_TRUE(grant.reused);
    CU_ASSERT_EQUAL(grant_finish(block, grant.record, true), 0);
    CU_ASSERT_TRUE(grant_block_cut(block));
    CU_ASSERT_EQUAL(grant_begin(block, 1, DOMID, true, &grant), 0);
    CU_ASSERT_FALSE(grant.reused);
    CU_ASSERT_EQUAL(grant_finish(block, grant.record, false), 0);
    CU_ASSERT_EQUAL(grant_block_end(block), 0);
}

/* ---- the quarantine ---- */

static void i5_the_quarantine_counts_pages_and_ends_when_the_backend_lets_go(void)
{
    struct grant_block *pages = allocate_block(3, 1), *shared = share_block(2, true);
    uint32_t record;

    CU_ASSERT_EQUAL(grant_one(pages, 1, true, &record), 0);
    fake.all_busy = true;
    CU_ASSERT_EQUAL(grant_finish(pages, record, false), BLKFRONT_PLATFORM_BUSY);
    quarantine_put(&context, pages);
    quarantine_put(&context, shared);
    CU_ASSERT_EQUAL(quarantine_retry(&context), 3); /* one page, and all of the shared block */
    fake.all_busy = false;
    fake_hold(&fake, grant_ref(pages, record), true);
    CU_ASSERT_EQUAL(quarantine_retry(&context), 1);
    fake_hold(&fake, grant_ref(pages, record), false);
    CU_ASSERT_EQUAL(quarantine_retry(&context), 0);
}

static void i5_a_context_that_goes_leaves_held_pages_with_the_platform(void)
{
    struct grant_block *shared = share_block(2, true);
    unsigned char *address = shared->address;

    fake.all_busy = true;
    quarantine_put(&context, shared);
    quarantine_forget(&context);
    CU_ASSERT_PTR_NULL(context.quarantine);
    CU_ASSERT_EQUAL(fake.allocations, 0);
    CU_ASSERT_EQUAL(fake.pages_live, 2);
    fake.all_busy = false;
    fake.platform.unshare(&fake, address, 2);
}

/* ---- failures ---- */

static int make_one_of_each(struct grant_block *blocks[3])
{
    static _Alignas(FAKE_PAGE) unsigned char page[FAKE_PAGE];
    int r = grant_block_share(&fake.platform, DOMID, 2, true, 1, &blocks[0]);

    if (r == 0)
        r = grant_block_allocate(&fake.platform, 2, 2, &blocks[1]);
    if (r == 0)
        r = grant_block_register(&fake.platform, page, 1, 2, &blocks[2]);
    return r;
}

static void each_failing_call_leaves_nothing(void)
{
    for (unsigned nth = 1;; nth++) {
        struct grant_block *blocks[3] = {NULL, NULL, NULL};
        int r;

        fake_fail(&fake, nth, false);
        r = make_one_of_each(blocks);
        for (int i = 0; i < 3; i++) {
            if (blocks[i] != NULL)
                CU_ASSERT_EQUAL(grant_block_end(blocks[i]), 0);
        }
        CU_ASSERT_EQUAL(fake_left(&fake), 0);
        if (fake.failed == 0) {
            CU_ASSERT_EQUAL(r, 0);
            CU_ASSERT_EQUAL(nth, 6); /* three records, share, page_allocate */
            return;
        }
        CU_ASSERT_EQUAL(r, BLKFRONT_PLATFORM_NO_MEMORY);
    }
}

static const struct unit_test tests[] = {
    UNIT_TEST(a_shared_block_is_granted_as_a_whole),
    UNIT_TEST(i5_a_page_is_granted_with_the_flag_of_its_use),
    UNIT_TEST(a_page_has_as_many_grants_as_records),
    UNIT_TEST(i5_a_busy_page_is_not_granted_again_before_it_is_free),
    UNIT_TEST(i5_an_abandoned_page_is_held_until_its_response),
    UNIT_TEST(i5_a_cut_page_of_a_shared_block_stays_suspect),
    UNIT_TEST(deferred_counts_as_gone),
    UNIT_TEST(registered_pages_are_given_back_once),
    UNIT_TEST(a_pool_gives_each_page_once),
    UNIT_TEST(a_pool_page_stays_free_when_granting_fails),
    UNIT_TEST(i5_a_busy_pool_page_is_quarantined_until_a_retry_succeeds),
    UNIT_TEST(the_check_of_a_pool_sees_what_does_not_agree),
    UNIT_TEST(i5_a_kept_grant_serves_again_and_ends_when_the_backend_lets_go),
    UNIT_TEST(i5_the_end_of_a_connection_ends_what_is_kept),
    UNIT_TEST(a_shared_block_keeps_nothing_beyond_its_connection),
    UNIT_TEST(i5_the_quarantine_counts_pages_and_ends_when_the_backend_lets_go),
    UNIT_TEST(i5_a_context_that_goes_leaves_held_pages_with_the_platform),
    UNIT_TEST(each_failing_call_leaves_nothing),
};

UNIT_MAIN_WITH("grants", set_up, tear_down, tests)
