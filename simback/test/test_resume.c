/* SPDX-License-Identifier: ISC */
/*
 * A guest that was suspended and wakes up: its grants and ports are void but its own until it ends
 * them, its watches fire, and its backends are others, in directories that are new.
 */
#include "cunit_main.h"
#include "sim_world.h"

#include <simback/backend.h>

#include <blkfront/blkif.h>
#include <blkfront/platform.h>

#include <stdint.h>
#include <stdlib.h>

static const struct blkfront_platform *guest;
static const struct simback_host *host;

static void set_up(void)
{
    sim_world_begin(false);
    guest = sim_guest();
    host = sim_host_of(0);
}

static void set_up_share_only(void)
{
    sim_world_tear_down();
    sim_world_begin(true);
    guest = sim_guest();
    host = sim_host_of(0);
}

static void resume(uint16_t domid)
{
    CU_ASSERT_EQUAL(simback_world_resume(world, domid), 0);
    CU_ASSERT_EQUAL(simback_guest(world), domid);
}

static struct simback_ledger ledger(void)
{
    struct simback_ledger now;

    simback_get_ledger(world, simback_guest(world), &now);
    return now;
}

static bool can_map(uint32_t ref)
{
    void *page;

    return host->map(host->context, simback_guest(world), &ref, 1, false, &page) == 0;
}

/* ---- grants ---- */

static void a_block_is_void_until_it_is_ended(void)
{
    uint32_t refs[2], others[2];
    void *address, *other;

    CU_ASSERT_EQUAL(guest->share(guest->context, 0, 2, true, &address, refs), 0);
    memset(address, 7, 4096);
    CU_ASSERT_TRUE(can_map(refs[0]));
    resume(1);
    CU_ASSERT_EQUAL(ledger().grants, 0);
    CU_ASSERT_EQUAL(ledger().mapped, 0);
    CU_ASSERT_FALSE(can_map(refs[0]));
    CU_ASSERT_EQUAL(*(uint8_t *)address, 7); /* memory stays */
    /* Its references are nobody else's yet. */
    CU_ASSERT_EQUAL(guest->share(guest->context, 0, 2, true, &other, others), 0);
    CU_ASSERT_TRUE(others[0] != refs[0] && others[0] != refs[1]);
    CU_ASSERT_EQUAL(ledger().grants, 2);
    CU_ASSERT_EQUAL(guest->unshare(guest->context, address, 2), 0);
    CU_ASSERT_EQUAL(ledger().grants, 2);
    CU_ASSERT_TRUE(can_map(others[1]));
    CU_ASSERT_EQUAL(guest->unshare(guest->context, address, 2), BLKFRONT_PLATFORM_INVALID);
}

static void a_page_can_be_granted_beside_its_void_grant(void)
{
    uint32_t old, ref;
    void *page;

    CU_ASSERT_EQUAL(guest->page_allocate(guest->context, 1, &page), 0);
    CU_ASSERT_EQUAL(guest->page_grant(guest->context, 0, page, true, &old), 0);
    CU_ASSERT_TRUE(can_map(old));
    resume(1);
    CU_ASSERT_EQUAL(guest->page_grant(guest->context, 0, page, true, &ref), 0);
    CU_ASSERT_NOT_EQUAL(ref, old);
    CU_ASSERT_FALSE(can_map(old));
    CU_ASSERT_EQUAL(guest->page_revoke(guest->context, old), 0);
    CU_ASSERT_EQUAL(guest->page_revoke(guest->context, old), BLKFRONT_PLATFORM_INVALID);
    CU_ASSERT_EQUAL(guest->page_revoke(guest->context, ref), 0);
    CU_ASSERT_EQUAL(ledger().grants, 0);
    guest->page_free(guest->context, page, 1);
    CU_ASSERT_EQUAL(ledger().pages, 0);
}

static void a_page_that_goes_takes_its_void_grants_along(void)
{
    uint32_t old, ref;
    void *page;

    CU_ASSERT_EQUAL(guest->page_allocate(guest->context, 1, &page), 0);
    CU_ASSERT_EQUAL(guest->page_grant(guest->context, 0, page, true, &old), 0);
    resume(1);
    guest->page_free(guest->context, page, 1);
    CU_ASSERT_EQUAL(ledger().pages, 0);
    CU_ASSERT_EQUAL(guest->page_revoke(guest->context, old), BLKFRONT_PLATFORM_INVALID);
    /* A grant that is in force keeps it. */
    CU_ASSERT_EQUAL(guest->page_allocate(guest->context, 1, &page), 0);
    CU_ASSERT_EQUAL(guest->page_grant(guest->context, 0, page, true, &old), 0);
    resume(1);
    CU_ASSERT_EQUAL(guest->page_grant(guest->context, 0, page, true, &ref), 0);
    guest->page_free(guest->context, page, 1);
    CU_ASSERT_EQUAL(ledger().pages, 1);
    CU_ASSERT_EQUAL(guest->page_revoke(guest->context, ref), 0);
}

static void what_was_deferred_is_gone(void)
{
    uint32_t ref;
    void *address;

    set_up_share_only();
    CU_ASSERT_EQUAL(guest->share(guest->context, 0, 1, true, &address, &ref), 0);
    CU_ASSERT_TRUE(can_map(ref));
    CU_ASSERT_EQUAL(guest->unshare(guest->context, address, 1), BLKFRONT_PLATFORM_DEFERRED);
    CU_ASSERT_EQUAL(ledger().deferred, 1);
    resume(1);
    CU_ASSERT_EQUAL(ledger().deferred, 0);
    CU_ASSERT_EQUAL(ledger().pages, 0);
}

/* ---- ports ---- */

static void a_port_leads_nowhere_until_it_is_closed(void)
{
    struct blkfront_channel_set *set;
    uint32_t port, other, back, again;

    CU_ASSERT_EQUAL(guest->channels_open(guest->context, &set), 0);
    CU_ASSERT_EQUAL(guest->port_allocate(guest->context, set, 0, &port), 0);
    CU_ASSERT_EQUAL(host->port_bind(host->context, 1, port, 0, &back), 0);
    CU_ASSERT_EQUAL(host->port_fired(host->context, back), 1); /* a new port fires */
    CU_ASSERT_EQUAL(host->port_notify(host->context, back), 0);
    resume(1);
    CU_ASSERT_EQUAL(ledger().ports, 0);
    CU_ASSERT_EQUAL(guest->port_pending(guest->context, set, &other), 0);
    CU_ASSERT_EQUAL(guest->port_notify(guest->context, set, port), 0);
    CU_ASSERT_EQUAL(host->port_fired(host->context, back), 0);
    CU_ASSERT_EQUAL(host->port_notify(host->context, back), 0);
    CU_ASSERT_EQUAL(guest->port_pending(guest->context, set, &other), 0);
    CU_ASSERT_EQUAL(host->port_bind(host->context, 1, port, 0, &again), BLKFRONT_PLATFORM_INVALID);
    CU_ASSERT_EQUAL(guest->port_allocate(guest->context, set, 0, &other), 0);
    CU_ASSERT_NOT_EQUAL(other, port);
    CU_ASSERT_EQUAL(ledger().ports, 1);
    guest->port_close(guest->context, set, port);
    CU_ASSERT_EQUAL(ledger().ports, 1);
    CU_ASSERT_EQUAL(host->port_bind(host->context, 1, other, 0, &again), 0);
    guest->channels_close(guest->context, set);
    CU_ASSERT_EQUAL(ledger().ports, 0);
}

/* ---- XenStore ---- */

static void watches_fire_and_are_still_there(void)
{
    struct blkfront_watch_set *set;
    uint32_t token = 0;

    CU_ASSERT_EQUAL(guest->watches_open(guest->context, &set), 0);
    CU_ASSERT_EQUAL(guest->watch(guest->context, set, "/local/domain/1/x", 5), 0);
    CU_ASSERT_EQUAL(guest->watch_fired(guest->context, set, &token), 1);
    CU_ASSERT_EQUAL(guest->watch_fired(guest->context, set, &token), 0);
    resume(1);
    CU_ASSERT_EQUAL(guest->watch_fired(guest->context, set, &token), 1);
    CU_ASSERT_EQUAL(token, 5);
    CU_ASSERT_EQUAL(guest->watch_fired(guest->context, set, &token), 0);
    CU_ASSERT_EQUAL(ledger().watches, 1);
    CU_ASSERT_EQUAL(guest->unwatch(guest->context, set, "/local/domain/1/x", 5), 0);
}

static int number_at(const char *path)
{
    char text[16] = "";
    size_t length = 0;

    if (guest->store_read(guest->context, 0, path, text, sizeof(text) - 1, &length) != 0)
        return -1;
    return atoi(text);
}

static struct simback_backend *add_backend(uint16_t domid)
{
    struct simback_backend_options options;

    simback_backend_options_init(&options);
    options.domid = domid;
    return simback_world_add_backend(world, &options);
}

static void run(void)
{
    while (simback_world_step(world, SIMBACK_NEVER) == SIMBACK_STEP_RAN)
        ;
}

/* Another domain, other directories, another backend; the disk is the same. */
static void it_wakes_up_as_another_domain(void)
{
    struct simback_backend *old = add_backend(3), *now;
    struct simback_disk *disk = simback_backend_disk(old);
    uint16_t domid = 0;

    run();
    CU_ASSERT_EQUAL(number_at("/local/domain/3/backend/vbd/1/51712/state"), 2);
    resume(7);
    CU_ASSERT_EQUAL(guest->own_domid(guest->context, &domid), 0);
    CU_ASSERT_EQUAL(domid, 7);
    CU_ASSERT_EQUAL(number_at("/local/domain/1/device/vbd/51712/state"), -1);
    CU_ASSERT_EQUAL(number_at("/local/domain/3/backend/vbd/1/51712/state"), -1);
    CU_ASSERT_EQUAL(number_at("/local/domain/7/device/vbd/51712/state"), 1);
    CU_ASSERT_EQUAL(number_at("/local/domain/7/device/vbd/51712/backend-id"), 3);
    run();
    CU_ASSERT_EQUAL(number_at("/local/domain/3/backend/vbd/7/51712/state"), 2);
    now = simback_world_backend(world, 0);
    CU_ASSERT_PTR_EQUAL(simback_backend_disk(now), disk);
    CU_ASSERT_EQUAL(
        guest->store_write(guest->context, 0, "/local/domain/7/device/vbd/51712/x", "1", 1), 0);
    /* And back to the number that it had. */
    resume(1);
    run();
    CU_ASSERT_EQUAL(number_at("/local/domain/3/backend/vbd/1/51712/state"), 2);
}

static void not_as_a_domain_that_there_is(void)
{
    (void)add_backend(3);
    CU_ASSERT_NOT_EQUAL(simback_world_resume(world, 3), 0);
    CU_ASSERT_EQUAL(simback_guest(world), 1);
    run();
    CU_ASSERT_EQUAL(number_at("/local/domain/3/backend/vbd/1/51712/state"), 2);
}

/* Pages that it has stay its own. */
static void its_pages_go_with_it(void)
{
    uint32_t ref;
    void *page;

    CU_ASSERT_EQUAL(guest->page_allocate(guest->context, 2, &page), 0);
    resume(9);
    CU_ASSERT_EQUAL(guest->page_grant(guest->context, 0, page, true, &ref), 0);
    CU_ASSERT_TRUE(can_map(ref));
    CU_ASSERT_EQUAL(ledger().pages, 2);
}

static const struct unit_test tests[] = {
    UNIT_TEST(a_block_is_void_until_it_is_ended),
    UNIT_TEST(a_page_can_be_granted_beside_its_void_grant),
    UNIT_TEST(a_page_that_goes_takes_its_void_grants_along),
    UNIT_TEST(what_was_deferred_is_gone),
    UNIT_TEST(a_port_leads_nowhere_until_it_is_closed),
    UNIT_TEST(watches_fire_and_are_still_there),
    UNIT_TEST(it_wakes_up_as_another_domain),
    UNIT_TEST(not_as_a_domain_that_there_is),
    UNIT_TEST(its_pages_go_with_it),
};
UNIT_MAIN_WITH("resume", set_up, sim_world_tear_down, tests)
