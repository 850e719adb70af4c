/* SPDX-License-Identifier: ISC */
/*
 * The grant tables: what a mapper may do, what an owner hears while a page is mapped, which
 * references are given, and what the ledger says.
 */
#include "cunit_main.h"
#include "sim_world.h"

enum { BUSY = BLKFRONT_PLATFORM_BUSY, INVALID = BLKFRONT_PLATFORM_INVALID };

static const struct blkfront_platform *guest;
static const struct simback_host *host;

static void begin(bool share_only)
{
    sim_world_begin(share_only);
    guest = sim_guest();
    host = sim_host_of(0);
}

static void set_up(void)
{
    begin(false);
}

static struct simback_ledger ledger(void)
{
    struct simback_ledger result;

    simback_get_ledger(world, SIMBACK_FRONT_DOMID, &result);
    return result;
}

static int share(uint32_t count, bool writable, void **address, uint32_t *refs)
{
    return guest->share(guest->context, 0, count, writable, address, refs);
}

static int map(const uint32_t *refs, uint32_t count, bool writable, void **pages)
{
    return host->map(host->context, SIMBACK_FRONT_DOMID, refs, count, writable, pages);
}

static int unmap(const uint32_t *refs, uint32_t count, void **pages)
{
    return host->unmap(host->context, SIMBACK_FRONT_DOMID, refs, count, pages);
}

static void references_begin_at_8_and_are_used_again_oldest_first(void)
{
    uint32_t refs[3], again;
    void *address, *page;

    CU_ASSERT_EQUAL(share(3, true, &address, refs), 0);
    CU_ASSERT_EQUAL(refs[0], 8);
    CU_ASSERT_EQUAL(refs[2], 10);
    CU_ASSERT_EQUAL(guest->page_allocate(guest->context, 1, &page), 0);
    CU_ASSERT_EQUAL(guest->unshare(guest->context, address, 3), 0);
    for (uint32_t i = 0; i < 3; i++) {
        CU_ASSERT_EQUAL(guest->page_grant(guest->context, 0, page, true, &again), 0);
        CU_ASSERT_EQUAL(again, 8 + i);
    }
    CU_ASSERT_EQUAL(guest->page_revoke(guest->context, 9), 0);
    CU_ASSERT_EQUAL(guest->page_revoke(guest->context, 8), 0);
    CU_ASSERT_EQUAL(guest->page_grant(guest->context, 0, page, true, &again), 0);
    CU_ASSERT_EQUAL(again, 9);
}

static void a_mapper_sees_the_owners_page(void)
{
    uint32_t refs[2];
    void *address, *pages[2];

    CU_ASSERT_EQUAL(share(2, true, &address, refs), 0);
    CU_ASSERT_EQUAL(map(refs, 2, true, pages), 0);
    memcpy(pages[1], "hello", sizeof("hello"));
    CU_ASSERT_STRING_EQUAL((char *)address + 4096, "hello");
    CU_ASSERT_EQUAL(ledger().mapped, 2);
    CU_ASSERT_EQUAL(unmap(refs, 2, pages), 0);
    CU_ASSERT_EQUAL(ledger().mapped, 0);
}

static void a_read_only_grant_is_not_mapped_writable(void)
{
    uint32_t ref;
    void *address, *page = NULL;

    CU_ASSERT_EQUAL(share(1, false, &address, &ref), 0);
    CU_ASSERT_EQUAL(map(&ref, 1, true, &page), BLKFRONT_PLATFORM_DENIED);
    CU_ASSERT_PTR_NULL(page);
    CU_ASSERT_EQUAL(map(&ref, 1, false, &page), 0);
    CU_ASSERT_PTR_EQUAL(page, address);
}

static void another_domain_does_not_map(void)
{
    const struct simback_host *stranger = sim_host_of(7);
    uint32_t ref;
    void *address, *page;

    CU_ASSERT_EQUAL(share(1, true, &address, &ref), 0);
    CU_ASSERT_EQUAL(stranger->map(stranger->context, SIMBACK_FRONT_DOMID, &ref, 1, false, &page),
                    BLKFRONT_PLATFORM_DENIED);
}

static void bad_references_are_invalid_and_nothing_is_mapped(void)
{
    static const uint32_t bad[] = {0, 7, 10, 5000, 65535, 65536, UINT32_MAX};
    uint32_t refs[3];
    void *address, *pages[3];

    CU_ASSERT_EQUAL(share(2, true, &address, refs), 0);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        refs[2] = bad[i];
        CU_ASSERT_EQUAL(map(refs, 3, true, pages), INVALID);
    }
    CU_ASSERT_EQUAL(host->map(host->context, 99, refs, 2, true, pages), INVALID);
    CU_ASSERT_EQUAL(ledger().mapped, 0);
    CU_ASSERT_EQUAL(guest->unshare(guest->context, address, 2), 0);
    CU_ASSERT_EQUAL(map(refs, 1, true, pages), INVALID); /* in use no more */
}

static void i5_a_mapped_block_is_busy_and_nothing_changes(void)
{
    uint32_t refs[3];
    void *address, *page;
    struct simback_grant grant;

    CU_ASSERT_EQUAL(share(3, true, &address, refs), 0);
    CU_ASSERT_EQUAL(map(&refs[1], 1, true, &page), 0);
    CU_ASSERT_EQUAL(guest->unshare(guest->context, address, 3), BUSY);
    CU_ASSERT_EQUAL(ledger().grants, 3);
    for (unsigned i = 0; i < 3; i++)
        CU_ASSERT_TRUE(simback_get_grant(world, SIMBACK_FRONT_DOMID, refs[i], &grant));
    CU_ASSERT_EQUAL(unmap(&refs[1], 1, &page), 0);
    CU_ASSERT_EQUAL(guest->unshare(guest->context, address, 3), 0);
    CU_ASSERT_EQUAL(ledger().grants, 0);
    CU_ASSERT_EQUAL(ledger().pages, 0);
}

static void maps_are_counted(void)
{
    uint32_t refs[2];
    void *address, *pages[2];
    struct simback_grant grant;

    CU_ASSERT_EQUAL(share(1, true, &address, refs), 0);
    refs[1] = refs[0];
    CU_ASSERT_EQUAL(map(refs, 2, true, pages), 0);
    CU_ASSERT_TRUE(simback_get_grant(world, SIMBACK_FRONT_DOMID, refs[0], &grant));
    CU_ASSERT_EQUAL(grant.maps, 2);
    CU_ASSERT_EQUAL(ledger().mapped, 1);
    CU_ASSERT_EQUAL(unmap(refs, 1, pages), 0);
    CU_ASSERT_EQUAL(guest->unshare(guest->context, address, 1), BUSY);
    CU_ASSERT_EQUAL(unmap(refs, 2, pages), INVALID); /* one is left: all or none */
    CU_ASSERT_EQUAL(ledger().mapped, 1);
    CU_ASSERT_EQUAL(map(refs, 1, true, pages), 0);
    CU_ASSERT_EQUAL(unmap(refs, 2, pages), 0);
    CU_ASSERT_EQUAL(ledger().mapped, 0);
    CU_ASSERT_EQUAL(guest->unshare(guest->context, address, 1), 0);
}

static void only_what_is_mapped_is_unmapped(void)
{
    const struct simback_host *stranger = sim_host_of(7);
    uint32_t ref;
    void *address, *page, *wrong;

    CU_ASSERT_EQUAL(share(1, true, &address, &ref), 0);
    wrong = (char *)address + 4096;
    CU_ASSERT_EQUAL(unmap(&ref, 1, &address), INVALID);
    CU_ASSERT_EQUAL(map(&ref, 1, true, &page), 0);
    CU_ASSERT_EQUAL(unmap(&ref, 1, &wrong), INVALID);
    CU_ASSERT_EQUAL(stranger->unmap(stranger->context, SIMBACK_FRONT_DOMID, &ref, 1, &page),
                    INVALID);
    CU_ASSERT_EQUAL(ledger().mapped, 1);
}

static void exactly_one_block_is_unshared(void)
{
    uint32_t refs[2];
    void *address, *owned;

    CU_ASSERT_EQUAL(share(2, true, &address, refs), 0);
    CU_ASSERT_EQUAL(guest->page_allocate(guest->context, 2, &owned), 0);
    CU_ASSERT_EQUAL(guest->unshare(guest->context, address, 1), INVALID);
    CU_ASSERT_EQUAL(guest->unshare(guest->context, address, 3), INVALID);
    CU_ASSERT_EQUAL(guest->unshare(guest->context, address, 0), INVALID);
    CU_ASSERT_EQUAL(guest->unshare(guest->context, (char *)address + 4096, 1), INVALID);
    CU_ASSERT_EQUAL(guest->unshare(guest->context, (char *)address + 1, 2), INVALID);
    CU_ASSERT_EQUAL(guest->unshare(guest->context, owned, 2), INVALID);
    CU_ASSERT_EQUAL(guest->unshare(guest->context, world, 2), INVALID);
    CU_ASSERT_EQUAL(guest->unshare(guest->context, address, 2), 0);
    CU_ASSERT_EQUAL(guest->unshare(guest->context, address, 2), INVALID);
}

static void a_page_may_be_granted_more_than_once(void)
{
    uint32_t to_0, to_7, number;
    void *page, *mapped;
    struct simback_grant grant;

    CU_ASSERT_EQUAL(guest->page_allocate(guest->context, 1, &page), 0);
    CU_ASSERT_EQUAL(guest->page_grant(guest->context, 0, page, true, &to_0), 0);
    CU_ASSERT_EQUAL(guest->page_grant(guest->context, 7, page, false, &to_7), 0);
    CU_ASSERT_TRUE(simback_page_number(world, page, &number));
    CU_ASSERT_TRUE(simback_get_page_grant(world, SIMBACK_FRONT_DOMID, number, &grant));
    CU_ASSERT_EQUAL(grant.ref, to_7);
    CU_ASSERT_EQUAL(grant.peer, 7);
    CU_ASSERT_FALSE(grant.writable);
    CU_ASSERT_EQUAL(map(&to_0, 1, true, &mapped), 0);
    CU_ASSERT_EQUAL(guest->page_revoke(guest->context, to_0), BUSY);
    CU_ASSERT_EQUAL(guest->page_revoke(guest->context, to_7), 0);
    CU_ASSERT_TRUE(simback_get_page_grant(world, SIMBACK_FRONT_DOMID, number, &grant));
    CU_ASSERT_EQUAL(grant.ref, to_0);
    CU_ASSERT_EQUAL(unmap(&to_0, 1, &mapped), 0);
    CU_ASSERT_EQUAL(guest->page_revoke(guest->context, to_0), 0);
    CU_ASSERT_FALSE(simback_get_page_grant(world, SIMBACK_FRONT_DOMID, number, &grant));
    CU_ASSERT_FALSE(simback_get_page_grant(world, SIMBACK_FRONT_DOMID, UINT32_MAX, &grant));
    CU_ASSERT_EQUAL(guest->page_revoke(guest->context, to_0), INVALID);
}

static void what_is_not_ours_is_not_granted(void)
{
    const struct blkfront_platform *other = simback_platform(world, 5);
    uint32_t ref, shared_ref;
    void *page, *shared, *world_page = simback_pages_allocate(world, 1);

    CU_ASSERT_EQUAL(guest->page_allocate(guest->context, 1, &page), 0);
    CU_ASSERT_EQUAL(share(1, true, &shared, &shared_ref), 0);
    CU_ASSERT_EQUAL(guest->page_grant(guest->context, 0, (char *)page + 8, true, &ref), INVALID);
    CU_ASSERT_EQUAL(guest->page_grant(guest->context, 0, shared, true, &ref), INVALID);
    CU_ASSERT_EQUAL(guest->page_grant(guest->context, 0, &ref, true, &ref), INVALID);
    CU_ASSERT_EQUAL(other->page_grant(other->context, 0, page, true, &ref), INVALID);
    CU_ASSERT_EQUAL(guest->page_revoke(guest->context, shared_ref), INVALID);
    CU_ASSERT_EQUAL(guest->page_grant(guest->context, 0, world_page, true, &ref), 0);
    CU_ASSERT_EQUAL(other->page_grant(other->context, 0, world_page, true, &ref), INVALID);
}

static void i5_a_granted_page_is_not_freed(void)
{
    uint32_t ref, number, world_ref;
    void *page, *mapped, *world_page = simback_pages_allocate(world, 1);

    CU_ASSERT_EQUAL(guest->page_allocate(guest->context, 2, &page), 0);
    CU_ASSERT_EQUAL(guest->page_grant(guest->context, 0, (char *)page + 4096, true, &ref), 0);
    guest->page_free(guest->context, page, 2);
    CU_ASSERT_EQUAL(ledger().pages, 2);
    CU_ASSERT_EQUAL(map(&ref, 1, true, &mapped), 0);
    memcpy(mapped, "still there", sizeof("still there"));
    CU_ASSERT_EQUAL(unmap(&ref, 1, &mapped), 0);
    CU_ASSERT_EQUAL(guest->page_revoke(guest->context, ref), 0);
    guest->page_free(guest->context, page, 2);
    CU_ASSERT_EQUAL(ledger().pages, 0);
    guest->page_free(guest->context, page, 2); /* a mistake that changes nothing */
    CU_ASSERT_EQUAL(ledger().pages, 0);

    CU_ASSERT_EQUAL(guest->page_grant(guest->context, 0, world_page, true, &world_ref), 0);
    simback_pages_free(world, world_page, 1);
    CU_ASSERT_TRUE(simback_page_number(world, world_page, &number));
    memcpy(world_page, "still there", sizeof("still there"));
    CU_ASSERT_EQUAL(guest->page_revoke(guest->context, world_ref), 0);
}

static void a_full_table_is_no_memory_and_leaves_nothing(void)
{
    struct simback_world_options options;
    uint32_t refs[32], ref;
    void *address, *page;

    simback_world_options_init(&options);
    options.rules = false;
    options.grant_limit = 8 + 30;
    simback_world_reset(world, &options);
    guest = sim_guest();
    CU_ASSERT_EQUAL(share(31, true, &address, refs), BLKFRONT_PLATFORM_NO_MEMORY);
    CU_ASSERT_EQUAL(ledger().grants, 0);
    CU_ASSERT_EQUAL(ledger().pages, 0);
    CU_ASSERT_EQUAL(share(30, true, &address, refs), 0);
    CU_ASSERT_EQUAL(guest->page_allocate(guest->context, 1, &page), 0);
    CU_ASSERT_EQUAL(guest->page_grant(guest->context, 0, page, true, &ref),
                    BLKFRONT_PLATFORM_NO_MEMORY);
    CU_ASSERT_EQUAL(share(0, true, &address, refs), INVALID);
    CU_ASSERT_EQUAL(guest->page_allocate(guest->context, 0, &page), INVALID);
}

static void many_grants_are_there(void)
{
    static uint32_t refs[5000];
    static void *pages[5000];
    void *address;

    CU_ASSERT_EQUAL(share(5000, true, &address, refs), 0);
    CU_ASSERT_EQUAL(map(refs, 5000, true, pages), 0);
    for (unsigned i = 0; i < 5000; i++)
        CU_ASSERT_PTR_EQUAL(pages[i], (char *)address + 4096 * (size_t)i);
    CU_ASSERT_EQUAL(unmap(refs, 5000, pages), 0);
    CU_ASSERT_EQUAL(guest->unshare(guest->context, address, 5000), 0);
    CU_ASSERT_EQUAL(ledger().grants, 0);
}

/* Once warm, sharing and mapping take nothing from the arena but the pages themselves. */
static void a_grant_and_a_map_allocate_nothing(void)
{
    uint32_t ref;
    void *page, *mapped;
    uint64_t before;

    CU_ASSERT_EQUAL(guest->page_allocate(guest->context, 1, &page), 0);
    CU_ASSERT_EQUAL(guest->page_grant(guest->context, 0, page, true, &ref), 0);
    CU_ASSERT_EQUAL(guest->page_revoke(guest->context, ref), 0);
    before = simback_allocations(world);
    for (unsigned i = 0; i < 1000; i++) {
        CU_ASSERT_EQUAL(guest->page_grant(guest->context, 0, page, true, &ref), 0);
        CU_ASSERT_EQUAL(map(&ref, 1, true, &mapped), 0);
        CU_ASSERT_EQUAL(unmap(&ref, 1, &mapped), 0);
        CU_ASSERT_EQUAL(guest->page_revoke(guest->context, ref), 0);
    }
    CU_ASSERT_EQUAL(simback_allocations(world), before);
}

static void a_sharing_platform_defers_until_the_last_map_goes(void)
{
    uint32_t refs[3], number;
    void *address, *pages[2];
    struct simback_grant grant;

    sim_world_tear_down();
    begin(true);
    CU_ASSERT_EQUAL(guest->capabilities, 0);
    CU_ASSERT_PTR_NULL(guest->page_allocate);
    CU_ASSERT_PTR_NULL(guest->page_free);
    CU_ASSERT_PTR_NULL(guest->page_grant);
    CU_ASSERT_PTR_NULL(guest->page_revoke);
    CU_ASSERT_EQUAL(share(3, true, &address, refs), 0);
    CU_ASSERT_EQUAL(map(refs, 2, true, pages), 0);
    CU_ASSERT_EQUAL(guest->unshare(guest->context, address, 3), BLKFRONT_PLATFORM_DEFERRED);
    CU_ASSERT_EQUAL(ledger().grants, 2);
    CU_ASSERT_EQUAL(ledger().deferred, 2);
    CU_ASSERT_EQUAL(ledger().pages, 3);
    CU_ASSERT_TRUE(simback_get_grant(world, SIMBACK_FRONT_DOMID, refs[0], &grant));
    CU_ASSERT_TRUE(grant.deferred);
    CU_ASSERT_EQUAL(guest->unshare(guest->context, address, 3), INVALID);
    memcpy(pages[1], "the backend still may", sizeof("the backend still may"));
    CU_ASSERT_EQUAL(unmap(&refs[1], 1, &pages[1]), 0);
    CU_ASSERT_EQUAL(ledger().deferred, 1);
    CU_ASSERT_EQUAL(ledger().pages, 3);
    CU_ASSERT_EQUAL(unmap(&refs[0], 1, &pages[0]), 0);
    CU_ASSERT_EQUAL(ledger().deferred, 0);
    CU_ASSERT_EQUAL(ledger().grants, 0);
    CU_ASSERT_EQUAL(ledger().pages, 0);
    CU_ASSERT_TRUE(simback_page_number(world, address, &number));
    CU_ASSERT_FALSE(simback_get_page_grant(world, SIMBACK_FRONT_DOMID, number, &grant));
    CU_ASSERT_EQUAL(share(3, true, &address, refs), 0);
    CU_ASSERT_EQUAL(guest->unshare(guest->context, address, 3), 0);
}

static void the_nth_grant_fails(void)
{
    uint32_t ref;
    void *address, *page;

    simback_fail_nth(world, SIMBACK_RESOURCE_GRANT, 2, false);
    CU_ASSERT_EQUAL(guest->page_allocate(guest->context, 1, &page), 0);
    CU_ASSERT_EQUAL(guest->page_grant(guest->context, 0, page, true, &ref),
                    BLKFRONT_PLATFORM_NO_MEMORY);
    CU_ASSERT_EQUAL(share(1, true, &address, &ref), 0);
    CU_ASSERT_EQUAL(simback_resource_calls(world, SIMBACK_RESOURCE_GRANT), 3);
    CU_ASSERT_EQUAL(simback_resource_failed(world, SIMBACK_RESOURCE_GRANT), 1);
    simback_fail_nth(world, SIMBACK_RESOURCE_GRANT, 1, true);
    CU_ASSERT_EQUAL(share(1, true, &address, &ref), BLKFRONT_PLATFORM_NO_MEMORY);
    CU_ASSERT_EQUAL(guest->page_allocate(guest->context, 1, &page), BLKFRONT_PLATFORM_NO_MEMORY);
    simback_fail_nth(world, SIMBACK_RESOURCE_GRANT, 0, false);
    CU_ASSERT_EQUAL(share(1, true, &address, &ref), 0);
    CU_ASSERT_EQUAL(ledger().grants, 2);
    CU_ASSERT_TRUE(simback_is_short(world));
    simback_advance(world, simback_now(world) + 1000000000);
    CU_ASSERT_FALSE(simback_is_short(world));
}

/* As if it were mapped, and once only; nothing else counts as an end. */
static void i5_the_nth_end_is_busy(void)
{
    uint32_t ref, refs[2];
    void *address, *page;

    CU_ASSERT_EQUAL(guest->page_allocate(guest->context, 1, &page), 0);
    CU_ASSERT_EQUAL(guest->page_grant(guest->context, 0, page, true, &ref), 0);
    CU_ASSERT_EQUAL(share(2, true, &address, refs), 0);
    simback_fail_nth(world, SIMBACK_RESOURCE_REVOKE, 2, false);
    CU_ASSERT_EQUAL(guest->page_revoke(guest->context, 4000), BLKFRONT_PLATFORM_INVALID);
    CU_ASSERT_EQUAL(guest->page_revoke(guest->context, ref), 0);
    CU_ASSERT_EQUAL(guest->unshare(guest->context, address, 2), BLKFRONT_PLATFORM_BUSY);
    CU_ASSERT_EQUAL(ledger().grants, 2);
    CU_ASSERT_EQUAL(guest->unshare(guest->context, address, 2), 0);
    CU_ASSERT_EQUAL(guest->page_grant(guest->context, 0, page, true, &ref), 0);
    simback_fail_nth(world, SIMBACK_RESOURCE_REVOKE, 1, true);
    CU_ASSERT_EQUAL(guest->page_revoke(guest->context, ref), BLKFRONT_PLATFORM_BUSY);
    CU_ASSERT_EQUAL(guest->page_revoke(guest->context, ref), BLKFRONT_PLATFORM_BUSY);
    CU_ASSERT_EQUAL(ledger().grants, 1);
    simback_fail_nth(world, SIMBACK_RESOURCE_REVOKE, 0, false);
    CU_ASSERT_EQUAL(guest->page_revoke(guest->context, ref), 0);
    CU_ASSERT_EQUAL(simback_resource_failed(world, SIMBACK_RESOURCE_REVOKE), 3);
}

/* Its kernel keeps the page until the backend lets go, so that its end never fails. */
static void where_pages_are_only_shared_no_end_is_busy(void)
{
    uint32_t ref;
    void *address;

    sim_world_tear_down();
    begin(true);
    simback_fail_nth(world, SIMBACK_RESOURCE_REVOKE, 1, true);
    CU_ASSERT_EQUAL(share(1, true, &address, &ref), 0);
    CU_ASSERT_EQUAL(guest->unshare(guest->context, address, 1), 0);
    CU_ASSERT_EQUAL(simback_resource_calls(world, SIMBACK_RESOURCE_REVOKE), 0);
}

static const struct unit_test tests[] = {
    UNIT_TEST(references_begin_at_8_and_are_used_again_oldest_first),
    UNIT_TEST(a_mapper_sees_the_owners_page),
    UNIT_TEST(a_read_only_grant_is_not_mapped_writable),
    UNIT_TEST(another_domain_does_not_map),
    UNIT_TEST(bad_references_are_invalid_and_nothing_is_mapped),
    UNIT_TEST(i5_a_mapped_block_is_busy_and_nothing_changes),
    UNIT_TEST(maps_are_counted),
    UNIT_TEST(only_what_is_mapped_is_unmapped),
    UNIT_TEST(exactly_one_block_is_unshared),
    UNIT_TEST(a_page_may_be_granted_more_than_once),
    UNIT_TEST(what_is_not_ours_is_not_granted),
    UNIT_TEST(i5_a_granted_page_is_not_freed),
    UNIT_TEST(a_full_table_is_no_memory_and_leaves_nothing),
    UNIT_TEST(many_grants_are_there),
    UNIT_TEST(a_grant_and_a_map_allocate_nothing),
    UNIT_TEST(a_sharing_platform_defers_until_the_last_map_goes),
    UNIT_TEST(the_nth_grant_fails),
    UNIT_TEST(i5_the_nth_end_is_busy),
    UNIT_TEST(where_pages_are_only_shared_no_end_is_busy),
};

UNIT_MAIN_WITH("grant_table", set_up, sim_world_tear_down, tests)
