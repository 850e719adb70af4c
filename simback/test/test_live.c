/* SPDX-License-Identifier: ISC */
/*
 * The live world over libraries of the test's own (fake_xen.h): what its guest's calls leave when a
 * real Xen or the world refuses them, and what a real backend cannot be. Whole runs are played by
 * scenarios_tool_live, and on a real Xen by the live rig.
 */
#include "cunit_main.h"
#include "fake_xen.h"

#include <blkfront/libxen.h>
#include <blkfront/platform.h>
#include <simback/backend.h>
#include <simback/dialect.h>
#include <simback/live.h>
#include <simback/world.h>
#include <simback/xen.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PAGE = 4096 };

static const char front[] = "/local/domain/0/device/vbd/51712";

static char root[64];
static struct blkfront_libxen *xen;
static struct simback_live *live;
static struct simback_world *world;
static const struct blkfront_platform *guest; /* the live world's */
static char text[SIMBACK_LIVE_TEXT];

#define CALL(name, ...) guest->name(guest->context, __VA_ARGS__)

static void begin_with(enum simback_live_disk disk, uint32_t grant_limit, uint64_t memory_limit)
{
    struct blkfront_libxen_options xen_options = {.root = root};
    struct simback_live_options options = {.disk = disk, .directory = root};
    struct simback_world_options world_options;

    snprintf(root, sizeof(root), "/tmp/simback-live-XXXXXX");
    fake_xen_make_root(root);
    fake_xen_reset();
    CU_ASSERT_EQUAL_FATAL(blkfront_libxen_open(&xen_options, &xen, text), 0);
    CU_ASSERT_EQUAL_FATAL(simback_live_open(blkfront_libxen_platform(xen), &options, &live, text),
                          SIMBACK_LIVE_OK);
    simback_world_options_init(&world_options);
    world_options.live = true;
    world_options.grant_limit = grant_limit;
    world_options.memory_limit = memory_limit;
    world = simback_world_create(&world_options);
    CU_ASSERT_PTR_NOT_NULL_FATAL(world);
    guest = simback_live_begin(live, world);
}

static void begin(void)
{
    begin_with(SIMBACK_LIVE_QDISK, 65536, 0);
    CU_ASSERT_PTR_NOT_NULL_FATAL(guest);
}

static void end(void)
{
    simback_live_end(live);
    simback_live_close(live);
    simback_world_destroy(world);
    blkfront_libxen_close(xen);
    CU_ASSERT_TRUE(fake_xen_is_closed());
    CU_ASSERT_EQUAL(fake_xen_nodes("/local/domain/0/device"), 0);
    CU_ASSERT_EQUAL(fake_xen_nodes("/local/domain/0/backend"), 0);
    fake_xen_remove_root(root);
}

static bool says(const char *words)
{
    return strstr(text, words) != NULL;
}

/* As QEMU does it, so that nobody waits for it. */
static void be_removed(void)
{
    fake_xen_write(front, NULL);
    fake_xen_write("/local/domain/0/backend/qdisk/0/51712", NULL);
}

/* ---- sharing ---- */

/* The guest's table grows with its first reference. */
static size_t used_by_now(void)
{
    void *address = NULL;
    uint32_t ref;

    CU_ASSERT_EQUAL_FATAL(CALL(share, SIMBACK_DOM0, 1, true, &address, &ref), 0);
    CU_ASSERT_EQUAL_FATAL(CALL(unshare, address, 1), 0);
    return simback_memory_used(world);
}

static void pages_that_are_shared_lie_in_the_world(void)
{
    uint32_t refs[3], number = 0;
    void *address = NULL;
    size_t used;

    begin();
    used = used_by_now();
    CU_ASSERT_EQUAL_FATAL(CALL(share, SIMBACK_DOM0, 3, true, &address, refs), 0);
    CU_ASSERT_TRUE(simback_page_number(world, address, &number));
    memset(address, 7, (size_t)3 * PAGE);
    CU_ASSERT_EQUAL(CALL(unshare, address, 2), BLKFRONT_PLATFORM_INVALID);
    CU_ASSERT_EQUAL(CALL(unshare, address, 3), 0);
    CU_ASSERT_EQUAL(simback_memory_used(world), used);
    /* What is left is ended with the run. */
    CU_ASSERT_EQUAL(CALL(share, SIMBACK_DOM0, 1, false, &address, refs), 0);
    end();
}

/* Neither where a real Xen refuses nor where the world has no place does anything stay. */
static void what_cannot_be_shared_takes_no_memory(void)
{
    uint32_t refs[8];
    void *address = NULL;
    size_t used;

    begin_with(SIMBACK_LIVE_QDISK, 12, 0);
    CU_ASSERT_PTR_NOT_NULL_FATAL(guest);
    used = used_by_now();
    CU_ASSERT_EQUAL(CALL(share, SIMBACK_DOM0, 0, true, &address, refs), BLKFRONT_PLATFORM_INVALID);
    CU_ASSERT_EQUAL(simback_memory_used(world), used);
    fake_xen.fail_at = fake_xen.calls + 1;
    fake_xen.fail_errno = ENOSPC;
    CU_ASSERT_EQUAL(CALL(share, SIMBACK_DOM0, 2, true, &address, refs),
                    BLKFRONT_PLATFORM_NO_MEMORY);
    CU_ASSERT_EQUAL(simback_memory_used(world), used);
    CU_ASSERT_EQUAL(CALL(share, SIMBACK_DOM0, 8, true, &address, refs),
                    BLKFRONT_PLATFORM_NO_MEMORY); /* references 9 to 16, and it has 12 */
    CU_ASSERT_EQUAL(simback_memory_used(world), used);
    end();
}

/* ---- a run that does not begin ---- */

static void a_world_without_memory_is_no_live_one(void)
{
    struct simback_world_options options;
    size_t used;

    simback_world_options_init(&options);
    options.live = true;
    world = simback_world_create(&options);
    CU_ASSERT_PTR_NOT_NULL_FATAL(world);
    used = simback_memory_used(world);
    simback_world_destroy(world);
    begin_with(SIMBACK_LIVE_QDISK, 65536, used); /* its guest has no place */
    CU_ASSERT_PTR_NULL(guest);
    end(); /* there is no run to end */
}

/* ---- backends ---- */

static struct simback_backend_options asked;

static void ask_anew(const char *dialect)
{
    simback_backend_options_init(&asked);
    asked.dialect = simback_dialect_find(dialect);
}

static enum simback_live_result add(void)
{
    return simback_live_add_backend(live, &asked, text);
}

/* The next run wants one more thing that there is not. */
#define CANNOT(member, value, words)                 \
    do {                                             \
        ask_anew("qemu");                            \
        asked.member = value;                        \
        CU_ASSERT_EQUAL(add(), SIMBACK_LIVE_CANNOT); \
        CU_ASSERT_TRUE(says(words));                 \
    } while (false)

static void what_a_real_backend_cannot_be(void)
{
    begin();
    ask_anew("linux");
    CU_ASSERT_EQUAL(add(), SIMBACK_LIVE_CANNOT);
    CU_ASSERT_TRUE(says("another backend"));
    CANNOT(domid, 7, "a backend elsewhere");
    CANNOT(vdev, 768, "another kind of device");
    CANNOT(persistent, SIMBACK_YES, "other features");
    CANNOT(segments, 32, "other limits");
    CANNOT(queues, 4, "other limits");
    CANNOT(discard_granularity, 4096, "another layout");
    CANNOT(cdrom, true, "another kind of disk");
    CANNOT(mode_read_only, true, "read-only");
    CANNOT(sector_size, 4096, "sectors of 512 bytes");
    CANNOT(sectors, UINT64_C(1) << 40, "of this size");
    CU_ASSERT_EQUAL(fake_xen_nodes("/local/domain/0/backend"), 0);
    end();
}

/* Without the devices below it, in a folder of its own. */
static void disks_that_there_are_not(void)
{
    static const enum simback_live_disk disks[] = {SIMBACK_LIVE_RAM, SIMBACK_LIVE_NULL};

    for (size_t i = 0; i < sizeof(disks) / sizeof(disks[0]); i++) {
        begin_with(disks[i], 65536, 0);
        ask_anew("linux");
        asked.device = 7; /* no such disk anywhere */
        asked.vdev += 7 * 16;
        CU_ASSERT_EQUAL(add(), SIMBACK_LIVE_FAILED);
        CU_ASSERT_TRUE(says("cannot be used"));
        end();
    }
    begin_with(SIMBACK_LIVE_LOOP, 65536, 0);
    ask_anew("linux");
    asked.sector_size = 8192;
    CU_ASSERT_EQUAL(add(), SIMBACK_LIVE_CANNOT);
    CU_ASSERT_TRUE(says("no such sectors"));
    end();
}

static void what_cannot_be_done_to_qemus_backend(void)
{
    begin();
    ask_anew("qemu");
    CU_ASSERT_EQUAL(add(), SIMBACK_LIVE_OK);
    CU_ASSERT_EQUAL(simback_live_change(live, 0, SIMBACK_LIVE_RESIZE, 4096, text),
                    SIMBACK_LIVE_CANNOT);
    CU_ASSERT_TRUE(says("only loop devices"));
    CU_ASSERT_EQUAL(simback_live_change(live, 0, SIMBACK_LIVE_CRASH, 0, text), SIMBACK_LIVE_CANNOT);
    CU_ASSERT_TRUE(says("takes its frontend's nodes"));
    be_removed();
    end();
}

static void a_device_that_is_there_is_left_alone(void)
{
    begin();
    fake_xen_write("/local/domain/0/device/vbd/51712/state", "4");
    ask_anew("qemu");
    CU_ASSERT_EQUAL(add(), SIMBACK_LIVE_FAILED);
    CU_ASSERT_TRUE(says("is there already"));
    CU_ASSERT_EQUAL(fake_xen_nodes(front), 1);
    fake_xen_write(front, NULL);
    CU_ASSERT_EQUAL(add(), SIMBACK_LIVE_OK);
    CU_ASSERT_EQUAL(add(), SIMBACK_LIVE_CANNOT);
    CU_ASSERT_TRUE(says("once in a run"));
    be_removed();
    end();
}

static void devices_that_there_are_not(void)
{
    unsigned char sector[512];

    begin();
    for (unsigned number = 0; number < 65536; number += 21845) {
        CU_ASSERT_EQUAL(simback_live_change(live, (uint16_t)number, SIMBACK_LIVE_DETACH, 0, text),
                        SIMBACK_LIVE_FAILED);
        CU_ASSERT_TRUE(says("no backend"));
        CU_ASSERT_EQUAL(simback_live_disk_read(live, (uint16_t)number, 0, 1, sector), -1);
    }
    end();
}

static const struct unit_test tests[] = {
    UNIT_TEST(pages_that_are_shared_lie_in_the_world),
    UNIT_TEST(what_cannot_be_shared_takes_no_memory),
    UNIT_TEST(a_world_without_memory_is_no_live_one),
    UNIT_TEST(what_a_real_backend_cannot_be),
    UNIT_TEST(disks_that_there_are_not),
    UNIT_TEST(what_cannot_be_done_to_qemus_backend),
    UNIT_TEST(a_device_that_is_there_is_left_alone),
    UNIT_TEST(devices_that_there_are_not),
};

UNIT_MAIN("live world", tests)
