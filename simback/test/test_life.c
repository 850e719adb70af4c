/* SPDX-License-Identifier: ISC */
/*
 * What a backend goes through while its frontend is there: it restarts, here or elsewhere, its disk
 * changes, the power fails. The frontend is a puppet; the rules judge both.
 */
#include "cunit_main.h"
#include "puppet.h"

#include <simback/disk.h>

#define FRONT "/local/domain/1/device/vbd/51712"
#define BACK  "/local/domain/0/backend/vbd/1/51712"

static struct puppet puppet;
static struct simback_backend_options options;
static uint8_t bytes[4096];

static void set_up(void)
{
    memset(&puppet, 0, sizeof(puppet));
    memset(bytes, 9, sizeof(bytes));
    puppet_begin(&puppet);
    simback_backend_options_init(&options);
}

static void tear_down(void)
{
    puppet_expect_none(&puppet);
    puppet_end(&puppet);
}

static void restart(void)
{
    puppet.backend = simback_world_restart_backend(puppet.world, &options);
    CU_ASSERT_PTR_NOT_NULL_FATAL(puppet.backend);
    CU_ASSERT_PTR_EQUAL(simback_world_backend(puppet.world, 0), puppet.backend);
}

/* "" for a node that is not there. */
static const char *at(const char *path)
{
    static char text[128];
    size_t length = 0;

    memset(text, 0, sizeof(text));
    if (simback_store_read(puppet.world, path, text, sizeof(text) - 1, &length) != 0)
        return "";
    return text;
}

static void write_one(uint64_t number)
{
    puppet_submit(&puppet, number, BLKFRONT_WRITE, 8, 8, bytes);
    memcpy(puppet.data[2], bytes, sizeof(bytes));
    puppet_send(&puppet, BLKIF_WIRE_WRITE, number, 8, 8, 2);
}

static void finish(uint64_t number)
{
    puppet_run(&puppet);
    CU_ASSERT_TRUE(puppet_take(&puppet));
    puppet_complete(&puppet, number, 0);
    puppet_step(&puppet);
}

static bool disk_holds(uint64_t unit, uint8_t byte)
{
    uint8_t unit_bytes[512];

    if (simback_disk_read(simback_backend_disk(puppet.backend), unit, 1, unit_bytes) != 0)
        return false;
    for (size_t i = 0; i < sizeof(unit_bytes); i++) {
        if (unit_bytes[i] != byte)
            return false;
    }
    return true;
}

/* ---- restart ---- */

static void the_directory_is_new_and_the_frontends_stays(void)
{
    puppet_connect(&puppet);
    CU_ASSERT_EQUAL(simback_store_write(puppet.world, BACK "/stale", "1", 1), 0);
    options.sectors = 4096;
    restart();
    CU_ASSERT_STRING_EQUAL(at(BACK "/stale"), "");
    CU_ASSERT_STRING_EQUAL(at(BACK "/state"), "1");
    CU_ASSERT_STRING_EQUAL(at(FRONT "/state"), "4");
    CU_ASSERT_STRING_NOT_EQUAL(at(FRONT "/ring-ref"), "");
    puppet_run(&puppet);
    CU_ASSERT_STRING_EQUAL(at(BACK "/sectors"), "4096");
    CU_ASSERT_EQUAL(simback_disk_size(simback_backend_disk(puppet.backend)), 4096);
}

/* A frontend that has not noticed gets its answers from the new backend, on the ring as it stands.
 */
static void it_takes_up_a_ring_as_it_stands(void)
{
    const struct simback_fault hold = {
        .ops = SIMBACK_FAULT_ANY,
        .last_512 = UINT64_MAX,
        .percent = 100,
        .nth = 2,
        .action = SIMBACK_HOLD,
        .name = 1,
    };

    puppet_connect(&puppet);
    CU_ASSERT_EQUAL(simback_backend_add_fault(puppet.backend, &hold), 0);
    write_one(1);
    finish(1);
    write_one(2);
    puppet_run(&puppet);
    restart();
    puppet_run(&puppet);
    CU_ASSERT_STRING_EQUAL(at(BACK "/state"), "4");
    CU_ASSERT_EQUAL(puppet_word(&puppet, 2), 2); /* rsp_prod */
    CU_ASSERT_TRUE(puppet_take(&puppet));
    puppet_complete(&puppet, 2, 0);
    puppet_step(&puppet);
}

static void fault_rules_are_kept(void)
{
    const struct simback_fault error = {
        .ops = SIMBACK_FAULT_ANY,
        .last_512 = UINT64_MAX,
        .percent = 100,
        .nth = 2,
        .action = SIMBACK_ANSWER_STATUS,
        .status = BLKIF_WIRE_ERROR,
    };

    CU_ASSERT_EQUAL(simback_backend_add_fault(puppet.backend, &error), 0);
    puppet_connect(&puppet);
    write_one(1);
    finish(1);
    restart();
    puppet_run(&puppet);
    CU_ASSERT_EQUAL(puppet_read_back(&puppet, "state"), 4);
    write_one(2);
    puppet_run(&puppet);
    CU_ASSERT_FALSE(puppet_take(&puppet));
    puppet_complete(&puppet, 2, BLKFRONT_IO_ERROR);
    puppet_step(&puppet);
}

static void the_disk_is_kept(void)
{
    struct simback_disk *disk = simback_backend_disk(puppet.backend);

    CU_ASSERT_EQUAL(simback_disk_write(disk, 5, 1, bytes), 0);
    restart();
    restart();
    CU_ASSERT_PTR_EQUAL(simback_backend_disk(puppet.backend), disk);
    CU_ASSERT_TRUE(disk_holds(5, 9));
}

static void it_comes_back_after_a_crash(void)
{
    puppet_run(&puppet);
    simback_backend_crash(puppet.backend);
    CU_ASSERT_STRING_EQUAL(at(BACK "/state"), "");
    restart();
    puppet_connect(&puppet);
    write_one(1);
    finish(1);
}

/* In another domain: the frontend's directory says so, and what is in it can be read from there. */
static void it_comes_back_elsewhere(void)
{
    puppet_connect(&puppet);
    puppet_disconnect(&puppet);
    puppet_write(&puppet, "state", "1");
    puppet_step(&puppet);
    options.domid = 5;
    restart();
    CU_ASSERT_STRING_EQUAL(at(BACK "/state"), "");
    CU_ASSERT_STRING_EQUAL(at(FRONT "/backend-id"), "5");
    CU_ASSERT_STRING_EQUAL(at(FRONT "/backend"), "/local/domain/5/backend/vbd/1/51712");
    puppet_run(&puppet);
    CU_ASSERT_STRING_EQUAL(at("/local/domain/5/backend/vbd/1/51712/state"), "2");
    /* It reads the frontend's state: nodes of before have the new reader. */
    puppet_write(&puppet, "state", "5");
    puppet_step(&puppet);
    puppet_run(&puppet);
    CU_ASSERT_STRING_EQUAL(at("/local/domain/5/backend/vbd/1/51712/state"), "5");
    CU_ASSERT_STRING_EQUAL(simback_backend_complaint(puppet.backend), "");
}

static void of_no_backend_nothing_comes(void)
{
    options.device = 3;
    CU_ASSERT_PTR_NULL(simback_world_restart_backend(puppet.world, &options));
    options.device = 0;
    options.dialect = NULL;
    CU_ASSERT_PTR_NULL(simback_world_restart_backend(puppet.world, &options));
    CU_ASSERT_PTR_EQUAL(simback_world_backend(puppet.world, 0), puppet.backend);
}

/* After a detach there is no frontend either: the toolstack makes both. */
static void it_comes_back_after_a_detach(void)
{
    puppet_run(&puppet);
    simback_toolstack_remove(puppet.world, &options);
    puppet_run(&puppet);
    restart();
    CU_ASSERT_STRING_EQUAL(at(FRONT "/state"), "1");
    puppet_connect(&puppet);
}

/* ---- the disk ---- */

static void another_size_is_told_with_the_state(void)
{
    puppet_connect(&puppet);
    CU_ASSERT_EQUAL(simback_backend_resize(puppet.backend, 100, 512), 0);
    CU_ASSERT_STRING_EQUAL(at(BACK "/sectors"), "2048");
    puppet_run(&puppet);
    CU_ASSERT_STRING_EQUAL(at(BACK "/sectors"), "100");
    CU_ASSERT_STRING_EQUAL(at(BACK "/state"), "4");
    CU_ASSERT_EQUAL(simback_disk_size(simback_backend_disk(puppet.backend)), 100);
    CU_ASSERT_EQUAL(simback_backend_resize(puppet.backend, 50, 4096), 0);
    puppet_run(&puppet);
    CU_ASSERT_STRING_EQUAL(at(BACK "/sectors"), "400"); /* units of 512 bytes */
    CU_ASSERT_STRING_EQUAL(at(BACK "/sector-size"), "4096");
}

static void before_it_is_connected_a_size_is_published_with_the_rest(void)
{
    CU_ASSERT_EQUAL(simback_backend_resize(puppet.backend, 100, 512), 0);
    puppet_run(&puppet);
    CU_ASSERT_STRING_EQUAL(at(BACK "/sectors"), "");
    CU_ASSERT_STRING_EQUAL(at(BACK "/state"), "2");
    puppet_connect(&puppet);
    CU_ASSERT_STRING_EQUAL(at(BACK "/sectors"), "100");
}

static void who_does_not_resize_tells_it_at_the_next_connection(void)
{
    options.dialect = simback_dialect_find("minimal");
    restart();
    puppet_connect(&puppet);
    CU_ASSERT_EQUAL(simback_backend_resize(puppet.backend, 100, 512), 0);
    puppet_run(&puppet);
    CU_ASSERT_STRING_EQUAL(at(BACK "/sectors"), "2048");
    puppet_disconnect(&puppet);
    puppet_close_port(&puppet);
    puppet_write(&puppet, "state", "1");
    puppet_step(&puppet);
    puppet_connect(&puppet);
    CU_ASSERT_STRING_EQUAL(at(BACK "/sectors"), "100");
}

static void no_disk_is_larger_than_64_bits_count(void)
{
    puppet_connect(&puppet);
    CU_ASSERT_EQUAL(simback_backend_resize(puppet.backend, SIMBACK_DISK_MAX_512 + 1, 512), -1);
    CU_ASSERT_EQUAL(simback_backend_resize(puppet.backend, UINT64_MAX, 4096), -1);
    puppet_run(&puppet);
    CU_ASSERT_STRING_EQUAL(at(BACK "/sectors"), "2048");
    CU_ASSERT_EQUAL(simback_disk_size(simback_backend_disk(puppet.backend)), 2048);
}

static void read_only_and_back(void)
{
    puppet_connect(&puppet);
    simback_backend_set_read_only(puppet.backend, true);
    puppet_run(&puppet);
    CU_ASSERT_STRING_EQUAL(at(BACK "/info"), "4");
    simback_backend_set_read_only(puppet.backend, false);
    puppet_run(&puppet);
    CU_ASSERT_STRING_EQUAL(at(BACK "/info"), "0");
    CU_ASSERT_EQUAL(puppet_read_back(&puppet, "info"), 0);
    write_one(1);
    finish(1);
}

static void nodes_are_written_again_as_they_were(void)
{
    puppet_connect(&puppet);
    CU_ASSERT_EQUAL(simback_store_remove(puppet.world, BACK "/info"), 0);
    CU_ASSERT_EQUAL(simback_store_remove(puppet.world, BACK "/max-ring-page-order"), 0);
    simback_backend_rewrite_nodes(puppet.backend);
    puppet_run(&puppet);
    CU_ASSERT_STRING_EQUAL(at(BACK "/info"), "0");
    CU_ASSERT_STRING_EQUAL(at(BACK "/max-ring-page-order"), "4");
    CU_ASSERT_STRING_EQUAL(at(BACK "/state"), "4");
}

/* Only what it had published already: at InitWait the limits. */
static void at_init_wait_the_limits_alone_are_written_again(void)
{
    puppet_run(&puppet);
    simback_backend_rewrite_nodes(puppet.backend);
    puppet_run(&puppet);
    CU_ASSERT_STRING_EQUAL(at(BACK "/state"), "2");
    CU_ASSERT_STRING_EQUAL(at(BACK "/max-ring-page-order"), "4");
    CU_ASSERT_STRING_EQUAL(at(BACK "/sectors"), "");
}

static void a_power_cut_takes_what_was_not_flushed(void)
{
    struct simback_disk *disk = simback_backend_disk(puppet.backend);

    CU_ASSERT_EQUAL(simback_disk_write(disk, 5, 1, bytes), 0);
    CU_ASSERT_EQUAL(simback_disk_flush(disk), 0);
    CU_ASSERT_EQUAL(simback_disk_write(disk, 6, 1, bytes), 0);
    puppet_run(&puppet);
    simback_backend_power_cut(puppet.backend);
    CU_ASSERT_STRING_EQUAL(at(BACK "/state"), "");
    restart();
    CU_ASSERT_TRUE(disk_holds(5, 9));
    CU_ASSERT_TRUE(disk_holds(6, 0));
}

static const struct unit_test tests[] = {
    UNIT_TEST(the_directory_is_new_and_the_frontends_stays),
    UNIT_TEST(it_takes_up_a_ring_as_it_stands),
    UNIT_TEST(fault_rules_are_kept),
    UNIT_TEST(the_disk_is_kept),
    UNIT_TEST(it_comes_back_after_a_crash),
    UNIT_TEST(it_comes_back_elsewhere),
    UNIT_TEST(of_no_backend_nothing_comes),
    UNIT_TEST(it_comes_back_after_a_detach),
    UNIT_TEST(another_size_is_told_with_the_state),
    UNIT_TEST(before_it_is_connected_a_size_is_published_with_the_rest),
    UNIT_TEST(who_does_not_resize_tells_it_at_the_next_connection),
    UNIT_TEST(no_disk_is_larger_than_64_bits_count),
    UNIT_TEST(read_only_and_back),
    UNIT_TEST(nodes_are_written_again_as_they_were),
    UNIT_TEST(at_init_wait_the_limits_alone_are_written_again),
    UNIT_TEST(a_power_cut_takes_what_was_not_flushed),
};
UNIT_MAIN_WITH("life", set_up, tear_down, tests)
