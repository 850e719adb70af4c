/* SPDX-License-Identifier: ISC */
/*
 * I5: the ledger of grants. Pages are freed, granted again and used too early and just not too
 * early, and at the end something is left, or is rightly in quarantine. And I12: what else belongs
 * to no device and is left.
 */
#include "cunit_main.h"
#include "puppet.h"

static struct puppet puppet;
static uint8_t bytes[4096];

static void set_up(void)
{
    memset(&puppet, 0, sizeof(puppet));
    puppet_begin(&puppet);
}

static void tear_down(void)
{
    puppet_end(&puppet);
}

static void *granted_page(uint32_t *ref)
{
    void *page = NULL;

    CU_ASSERT_EQUAL(puppet.platform->page_allocate(puppet.context, 1, &page), 0);
    CU_ASSERT_EQUAL(puppet.platform->page_grant(puppet.context, 0, page, true, ref), 0);
    return page;
}

/* ---- pages ---- */

static void i5_a_page_freed_while_it_is_granted(void)
{
    uint32_t ref;
    void *page = granted_page(&ref);

    puppet.platform->page_free(puppet.context, page, 1);
    puppet_expect(&puppet, 5, false, "which is still granted as");
}

static void i5_a_page_freed_after_its_grant(void)
{
    uint32_t ref;
    void *page = granted_page(&ref);

    CU_ASSERT_EQUAL(puppet.platform->page_revoke(puppet.context, ref), 0);
    puppet.platform->page_free(puppet.context, page, 1);
    puppet_expect_none(&puppet);
}

/* As often as the backend has mapped it, it holds it. */
static void map(uint32_t ref, void **mapped)
{
    const struct simback_host *host =
        simback_sim_host(puppet.world, 0, 0, SIMBACK_NO_ACTOR, NULL, 0);

    CU_ASSERT_EQUAL(host->map(host->context, 1, &ref, 1, true, mapped), 0);
}

static void unmap(uint32_t ref, void *mapped)
{
    const struct simback_host *host =
        simback_sim_host(puppet.world, 0, 0, SIMBACK_NO_ACTOR, NULL, 0);

    CU_ASSERT_EQUAL(host->unmap(host->context, 1, &ref, 1, &mapped), 0);
}

static void i5_a_page_reused_while_it_is_mapped(void)
{
    uint32_t ref, again, other_ref;
    void *page = granted_page(&ref), *other, *mapped;

    CU_ASSERT_EQUAL(puppet.platform->page_grant(puppet.context, 0, page, true, &again), 0);
    CU_ASSERT_EQUAL(puppet.platform->page_revoke(puppet.context, again), 0);
    map(ref, &mapped);
    CU_ASSERT_EQUAL(puppet.platform->page_revoke(puppet.context, ref), BLKFRONT_PLATFORM_BUSY);
    CU_ASSERT_EQUAL(puppet.platform->page_revoke(puppet.context, ref), BLKFRONT_PLATFORM_BUSY);
    other = granted_page(&other_ref); /* another page may be granted meanwhile */
    CU_ASSERT_PTR_NOT_EQUAL(other, page);
    puppet_expect_none(&puppet);
    CU_ASSERT_EQUAL(puppet.platform->page_grant(puppet.context, 0, page, true, &again), 0);
    puppet_expect(&puppet, 5, false, "although the backend still maps it under grant");
}

static void i5_a_page_reused_when_the_backend_has_let_go(void)
{
    uint32_t ref, again;
    void *page = granted_page(&ref), *mapped;

    map(ref, &mapped);
    CU_ASSERT_EQUAL(puppet.platform->page_revoke(puppet.context, ref), BLKFRONT_PLATFORM_BUSY);
    unmap(ref, mapped);
    CU_ASSERT_EQUAL(puppet.platform->page_grant(puppet.context, 0, page, true, &again), 0);
    CU_ASSERT_EQUAL(puppet.platform->page_revoke(puppet.context, again), 0);
    CU_ASSERT_EQUAL(puppet.platform->page_revoke(puppet.context, ref), 0);
    puppet.platform->page_free(puppet.context, page, 1);
    puppet_expect_none(&puppet);
}

static void i5_a_grant_ended_twice(void)
{
    uint32_t ref;

    (void)granted_page(&ref);
    CU_ASSERT_EQUAL(puppet.platform->page_revoke(puppet.context, ref), 0);
    CU_ASSERT_TRUE(puppet.platform->page_revoke(puppet.context, ref) < 0);
    puppet_expect(&puppet, 5, false, "ends a grant that it has not");
}

static void i5_a_block_that_is_none_is_freed(void)
{
    void *pages;

    CU_ASSERT_EQUAL(puppet.platform->page_allocate(puppet.context, 2, &pages), 0);
    puppet.platform->page_free(puppet.context, (uint8_t *)pages + 4096, 1);
    puppet_expect(&puppet, 5, false, "the frontend frees 1 pages that are not a block");
}

/* ---- requests ---- */

static void i5_a_request_with_a_grant_that_could_not_be_ended(void)
{
    void *mapped;

    puppet_connect(&puppet);
    map(puppet.refs[0], &mapped);
    CU_ASSERT_EQUAL(puppet.platform->unshare(puppet.context, puppet.data[0], 1),
                    BLKFRONT_PLATFORM_BUSY);
    puppet_submit(&puppet, 1, BLKFRONT_READ, 8, 8, bytes);
    puppet_send(&puppet, BLKIF_WIRE_READ, 1, 8, 8, 1); /* another page: fine */
    puppet_expect_none(&puppet);
    puppet_submit(&puppet, 2, BLKFRONT_READ, 8, 8, bytes);
    puppet_send(&puppet, BLKIF_WIRE_READ, 2, 8, 8, 0);
    puppet_expect(
        &puppet, 5, false,
        "request 2: segment 0 of ring request 1 uses grant 9, which could not be ended and "
        "is still mapped");
}

/* Where both sides have said that they keep grants, one that the backend has mapped is as good as
 * before; where one of them has not, it is lost until the backend lets go. */
static void i5_a_grant_that_could_not_be_ended_is_kept_if_both_sides_keep_grants(void)
{
    static const struct {
        const char *front, *back;
        bool kept;
    } rows[] = {{"1", "1", true}, {"0", "1", false}, {"1", "0", false}};

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        void *mapped;

        tear_down();
        set_up();
        puppet_connect(&puppet);
        puppet_write(&puppet, "feature-persistent", rows[i].front);
        simback_store_write(puppet.world, "/local/domain/0/backend/vbd/1/51712/feature-persistent",
                            rows[i].back, 1);
        (void)puppet_read_back(&puppet, "feature-persistent");
        map(puppet.refs[0], &mapped);
        CU_ASSERT_EQUAL(puppet.platform->unshare(puppet.context, puppet.data[0], 1),
                        BLKFRONT_PLATFORM_BUSY);
        puppet_submit(&puppet, 1, BLKFRONT_READ, 8, 8, bytes);
        puppet_send(&puppet, BLKIF_WIRE_READ, 1, 8, 8, 0);
        if (rows[i].kept)
            puppet_expect_none(&puppet);
        else
            puppet_expect(&puppet, 5, false, "which could not be ended and is still mapped");
    }
}

/* Pieces of one page that are in flight together have a grant each. */
static void i5_nor_is_its_page_lost(void)
{
    uint32_t ref, again;
    void *page, *mapped;

    puppet_connect(&puppet);
    puppet_write(&puppet, "feature-persistent", "1");
    CU_ASSERT_EQUAL(puppet_read_back(&puppet, "feature-persistent"), 1);
    page = granted_page(&ref);
    map(ref, &mapped);
    CU_ASSERT_EQUAL(puppet.platform->page_revoke(puppet.context, ref), BLKFRONT_PLATFORM_BUSY);
    CU_ASSERT_EQUAL(puppet.platform->page_grant(puppet.context, 0, page, true, &again), 0);
    puppet_expect_none(&puppet);
}

/* ---- whose grants they are ---- */

static void i5_each_domain_has_a_table_of_its_own(void)
{
    const struct blkfront_platform *other = simback_platform(puppet.world, 7);
    uint32_t ref, other_ref;
    void *page, *other_page = granted_page(&ref), *mapped;

    CU_ASSERT_EQUAL(other->page_allocate(other->context, 1, &page), 0);
    CU_ASSERT_EQUAL(other->page_grant(other->context, 0, page, true, &other_ref), 0);
    CU_ASSERT_EQUAL(other_ref, ref);
    map(ref, &mapped);
    CU_ASSERT_EQUAL(puppet.platform->page_revoke(puppet.context, ref), BLKFRONT_PLATFORM_BUSY);
    CU_ASSERT_EQUAL(other->page_revoke(other->context, other_ref), 0);
    CU_ASSERT_EQUAL(other->page_grant(other->context, 0, page, true, &other_ref), 0);
    CU_ASSERT_PTR_NOT_EQUAL(page, other_page);
    puppet_expect_none(&puppet);
}

static void i5_a_table_that_is_larger_than_the_book(void)
{
    struct simback_world_options options;
    uint32_t ref = 0;
    void *page;

    simback_world_options_init(&options);
    options.grant_limit = 66000;
    tear_down();
    puppet.options = &options;
    puppet_begin(&puppet);
    CU_ASSERT_EQUAL(puppet.platform->page_allocate(puppet.context, 1, &page), 0);
    while (ref < 65600) {
        if (puppet.platform->page_grant(puppet.context, 0, page, true, &ref) != 0)
            break;
    }
    CU_ASSERT_EQUAL(ref, 65600);
    CU_ASSERT_EQUAL(puppet.platform->page_revoke(puppet.context, ref), 0);
    CU_ASSERT_EQUAL(puppet.platform->page_revoke(puppet.context, 65000), 0);
    puppet_expect_none(&puppet);
}

/* ---- the end ---- */

static void i5_grants_left_behind(void)
{
    puppet_connect(&puppet);
    puppet_disconnect(&puppet);
    puppet_remove_nodes(&puppet);
    puppet_close_port(&puppet);
    puppet_close_watches(&puppet);
    puppet_app_state(&puppet, BLKFRONT_CLOSED);
    simback_app_released(puppet.world, 0);
    puppet_expect(&puppet, 5, false, "but 5 grants are left that it has not tried to end");
}

static void i5_what_the_backend_holds_is_in_quarantine(void)
{
    simback_backend_keep_grants(puppet.backend, true);
    puppet_connect(&puppet);
    puppet_disconnect(&puppet);
    puppet_remove_nodes(&puppet);
    puppet_close_port(&puppet);
    puppet_close_watches(&puppet);
    CU_ASSERT_EQUAL(puppet.platform->unshare(puppet.context, puppet.ring, 1),
                    BLKFRONT_PLATFORM_BUSY);
    for (uint32_t i = 0; i < PUPPET_PAGES; i++)
        CU_ASSERT_EQUAL(puppet.platform->unshare(puppet.context, puppet.data[i], 1), 0);
    puppet_released(&puppet);
    puppet_expect_none(&puppet);
}

/* The backend still maps it, but nobody has tried. */
static void i5_a_mapped_grant_that_nobody_tried_to_end(void)
{
    void *mapped;

    puppet_connect(&puppet);
    map(puppet.refs[0], &mapped);
    puppet_disconnect(&puppet);
    puppet_remove_nodes(&puppet);
    puppet_close_port(&puppet);
    puppet_close_watches(&puppet);
    CU_ASSERT_EQUAL(puppet.platform->unshare(puppet.context, puppet.ring, 1), 0);
    for (uint32_t i = 1; i < PUPPET_PAGES; i++)
        CU_ASSERT_EQUAL(puppet.platform->unshare(puppet.context, puppet.data[i], 1), 0);
    puppet_app_state(&puppet, BLKFRONT_CLOSED);
    simback_app_released(puppet.world, 0);
    puppet_expect(&puppet, 5, false,
                  "the device was released, but 1 grants are left that it has not tried to end");
}

/* What belongs to no device is looked for when all is over. */
static void i5_a_grant_of_no_device(void)
{
    uint32_t ref;

    puppet_connect(&puppet);
    puppet_close(&puppet);
    puppet_expect_none(&puppet);
    simback_enter(puppet.world, SIMBACK_NO_DEVICE);
    (void)granted_page(&ref);
    simback_app_end(puppet.world);
    puppet_expect(&puppet, 5, false, "no device: the program is over, but 1 grants are left");
}

static void expect_left(const char *text)
{
    puppet_connect(&puppet);
    puppet_close(&puppet);
    puppet_expect(&puppet, 12, false, text);
}

static void i12_memory_left(void)
{
    const struct blkfront_platform *platform = puppet.platform;

    CU_ASSERT_PTR_NOT_NULL(platform->allocate(puppet.context, 16));
    platform->free(puppet.context, platform->allocate(puppet.context, 32), 32);
    expect_left("the program is over, but 1 pieces of memory are left");
}

static void i12_a_transaction_left_open(void)
{
    blkfront_transaction transaction;

    CU_ASSERT_EQUAL(puppet.platform->transaction_start(puppet.context, &transaction), 0);
    expect_left("the program is over, but 1 transactions are left");
}

static void i12_empty_sets_left(void)
{
    struct blkfront_channel_set *channels;
    struct blkfront_watch_set *watches;

    CU_ASSERT_EQUAL(puppet.platform->channels_open(puppet.context, &channels), 0);
    expect_left("the program is over, but 1 sets of event channels are left");
    tear_down();
    set_up();
    CU_ASSERT_EQUAL(puppet.platform->watches_open(puppet.context, &watches), 0);
    expect_left("the program is over, but 1 sets of watches are left");
}

static void i12_pages_left(void)
{
    void *pages;

    CU_ASSERT_EQUAL(puppet.platform->page_allocate(puppet.context, 3, &pages), 0);
    expect_left("the program is over, but 3 pages are left");
}

/* A runner that releases nothing lets nothing be judged. */
static void i5_nothing_was_released(void)
{
    puppet_connect(&puppet);
    simback_app_end(puppet.world);
    puppet_expect_none(&puppet);
}

/* Where the platform cannot say BUSY, the page is the platform's from then on. */
static void i5_an_end_that_is_deferred(void)
{
    struct simback_world_options options;
    void *mapped;

    simback_world_options_init(&options);
    options.share_only = true;
    tear_down();
    puppet.options = &options;
    puppet_begin(&puppet);
    puppet_connect(&puppet);
    map(puppet.refs[0], &mapped);
    puppet_disconnect(&puppet);
    puppet_remove_nodes(&puppet);
    puppet_close_port(&puppet);
    puppet_close_watches(&puppet);
    CU_ASSERT_EQUAL(puppet.platform->unshare(puppet.context, puppet.ring, 1), 0);
    CU_ASSERT_EQUAL(puppet.platform->unshare(puppet.context, puppet.data[0], 1),
                    BLKFRONT_PLATFORM_DEFERRED);
    for (uint32_t i = 1; i < PUPPET_PAGES; i++)
        CU_ASSERT_EQUAL(puppet.platform->unshare(puppet.context, puppet.data[i], 1), 0);
    puppet_released(&puppet);
    puppet_expect_none(&puppet);
}

static const struct unit_test tests[] = {
    UNIT_TEST(i5_a_page_freed_while_it_is_granted),
    UNIT_TEST(i5_a_page_freed_after_its_grant),
    UNIT_TEST(i5_a_page_reused_while_it_is_mapped),
    UNIT_TEST(i5_a_page_reused_when_the_backend_has_let_go),
    UNIT_TEST(i5_a_grant_ended_twice),
    UNIT_TEST(i5_a_block_that_is_none_is_freed),
    UNIT_TEST(i5_a_request_with_a_grant_that_could_not_be_ended),
    UNIT_TEST(i5_a_grant_that_could_not_be_ended_is_kept_if_both_sides_keep_grants),
    UNIT_TEST(i5_nor_is_its_page_lost),
    UNIT_TEST(i5_each_domain_has_a_table_of_its_own),
    UNIT_TEST(i5_a_table_that_is_larger_than_the_book),
    UNIT_TEST(i5_grants_left_behind),
    UNIT_TEST(i5_what_the_backend_holds_is_in_quarantine),
    UNIT_TEST(i5_a_mapped_grant_that_nobody_tried_to_end),
    UNIT_TEST(i5_a_grant_of_no_device),
    UNIT_TEST(i12_memory_left),
    UNIT_TEST(i12_a_transaction_left_open),
    UNIT_TEST(i12_empty_sets_left),
    UNIT_TEST(i12_pages_left),
    UNIT_TEST(i5_nothing_was_released),
    UNIT_TEST(i5_an_end_that_is_deferred),
};
UNIT_MAIN_WITH("oracle: grants", set_up, tear_down, tests)
