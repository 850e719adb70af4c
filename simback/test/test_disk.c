/* SPDX-License-Identifier: ISC */
/*
 * The simulated disk: what is read is what was written last, a power cut drops what was not
 * flushed, memory grows with what was touched alone. Over a file the same, and the file holds what
 * is durable.
 */
#define _POSIX_C_SOURCE 200809L

#include "cunit_main.h"

#include <simback/disk.h>
#include <simback/world.h>

#include <fcntl.h>
#include <stdint.h>
#include <sys/stat.h>
#include <unistd.h>

static struct simback_world *world;
static struct simback_disk *disk;
static size_t used_before; /* by the world itself */
static char path[] = "/tmp/simback_disk_XXXXXX";
static uint8_t data[64 * 512], back[64 * 512];

static void set_up(void)
{
    struct simback_world_options options;

    simback_world_options_init(&options);
    world = simback_world_create(&options);
    used_before = simback_memory_used(world);
    disk = NULL;
    for (size_t i = 0; i < sizeof(data); i++)
        data[i] = (uint8_t)(i / 512 * 7 + i % 251 + 1);
    memset(back, 0xee, sizeof(back));
}

static void tear_down(void)
{
    simback_disk_destroy(disk);
    CU_ASSERT_EQUAL(simback_memory_used(world), used_before);
    simback_world_destroy(world);
}

static bool holds(uint64_t first, uint32_t count, const uint8_t *expected)
{
    memset(back, 0xee, sizeof(back));
    return simback_disk_read(disk, first, count, back) == 0 &&
           memcmp(back, expected, (size_t)count * 512) == 0;
}

static bool holds_zeros(uint64_t first, uint32_t count)
{
    static const uint8_t zeros[sizeof(back)];

    return holds(first, count, zeros);
}

static void what_was_written_is_read(void)
{
    disk = simback_disk_memory(world, 1000);
    CU_ASSERT_EQUAL(simback_disk_size(disk), 1000);
    CU_ASSERT_TRUE(holds_zeros(0, 40));
    /* Every beginning and length around the 8 units of a block. */
    for (uint32_t first = 0; first < 10; first++) {
        for (uint32_t count = 1; count < 20; count++) {
            CU_ASSERT_EQUAL(simback_disk_write(disk, 100 + first, count, data + first * 512), 0);
            CU_ASSERT_TRUE(holds(100 + first, count, data + first * 512));
        }
    }
    CU_ASSERT_TRUE(holds_zeros(90, 10));
    CU_ASSERT_TRUE(holds(100, 28, data));
    CU_ASSERT_TRUE(holds_zeros(128, 10));
}

static void a_range_beyond_the_end_is_refused(void)
{
    disk = simback_disk_memory(world, 1001);
    CU_ASSERT_EQUAL(simback_disk_write(disk, 1000, 1, data), 0);
    CU_ASSERT_EQUAL(simback_disk_write(disk, 1000, 2, data), -1);
    CU_ASSERT_EQUAL(simback_disk_read(disk, 1001, 1, back), -1);
    CU_ASSERT_EQUAL(simback_disk_read(disk, 1001, 0, back), 0);
    CU_ASSERT_EQUAL(simback_disk_read(disk, UINT64_MAX, 2, back), -1);
    CU_ASSERT_EQUAL(simback_disk_discard(disk, 1, UINT64_MAX), -1);
    CU_ASSERT_TRUE(holds(1000, 1, data));
}

/* Parts of any length, across blocks; whole blocks with their ends aligned and not. */
static void parts_are_one_run(void)
{
    static uint8_t aligned[2 * 4096] __attribute__((aligned(64)));
    struct simback_disk_part out[] = {{data, 3}, {data + 3 * 512, 8}, {data + 11 * 512, 13}};
    struct simback_disk_part in[] = {
        {back, 5}, {aligned, 8}, {back + 5 * 512, 8}, {aligned + 4096, 3}};

    disk = simback_disk_memory(world, 24);
    CU_ASSERT_EQUAL(simback_disk_write_parts(disk, 0, out, 3), 0);
    CU_ASSERT_TRUE(holds(0, 24, data));
    memset(back, 0xee, sizeof(back));
    CU_ASSERT_EQUAL(simback_disk_read_parts(disk, 0, in, 4), 0);
    CU_ASSERT_EQUAL(memcmp(back, data, 5 * 512), 0);
    CU_ASSERT_EQUAL(memcmp(aligned, data + 5 * 512, 4096), 0);
    CU_ASSERT_EQUAL(memcmp(back + 5 * 512, data + 13 * 512, 4096), 0);
    CU_ASSERT_EQUAL(memcmp(aligned + 4096, data + 21 * 512, 3 * 512), 0);
    CU_ASSERT_EQUAL(
        simback_disk_write_parts(disk, 8, (struct simback_disk_part[]){{aligned, 8}}, 1), 0);
    CU_ASSERT_TRUE(holds(8, 8, aligned));
    CU_ASSERT_EQUAL(simback_disk_read_parts(disk, 8, out, 3), -1);
    CU_ASSERT_EQUAL(simback_disk_write_parts(disk, 8, out, 3), -1);
    CU_ASSERT_EQUAL(simback_disk_read_parts(disk, 24, NULL, 0), 0);
}

static void the_largest_disk_is_sparse(void)
{
    CU_ASSERT_PTR_NULL(simback_disk_memory(world, SIMBACK_DISK_MAX_512 + 1));
    disk = simback_disk_memory(world, SIMBACK_DISK_MAX_512);
    CU_ASSERT_EQUAL(simback_disk_write(disk, SIMBACK_DISK_MAX_512 - 9, 9, data), 0);
    CU_ASSERT_TRUE(holds(SIMBACK_DISK_MAX_512 - 9, 9, data));
    CU_ASSERT_TRUE(holds_zeros(SIMBACK_DISK_MAX_512 / 2, 8));
    CU_ASSERT_EQUAL(simback_disk_discard(disk, 0, SIMBACK_DISK_MAX_512), 0);
    CU_ASSERT_TRUE(holds_zeros(SIMBACK_DISK_MAX_512 - 9, 9));
    CU_ASSERT_TRUE(simback_memory_used(world) - used_before < 64 * 1024);
}

static void zeros_onto_untouched_blocks_cost_nothing(void)
{
    static const uint8_t zeros[16 * 512];
    size_t before;

    disk = simback_disk_memory(world, 1 << 20);
    before = simback_memory_used(world);
    for (uint64_t at = 0; at < 1 << 20; at += 16)
        CU_ASSERT_EQUAL_FATAL(simback_disk_write(disk, at, 16, zeros), 0);
    CU_ASSERT_EQUAL(simback_memory_used(world), before);
    CU_ASSERT_EQUAL(simback_disk_write(disk, 16, 16, data), 0);
    CU_ASSERT_EQUAL(simback_disk_write(disk, 20, 4, zeros), 0);
    CU_ASSERT_TRUE(holds(16, 4, data));
    CU_ASSERT_TRUE(holds_zeros(20, 4));
    CU_ASSERT_TRUE(holds(24, 8, data + 8 * 512));
}

static void i16_a_power_cut_drops_what_was_not_flushed(void)
{
    disk = simback_disk_memory(world, 1000);
    CU_ASSERT_EQUAL(simback_disk_write(disk, 0, 8, data), 0);
    CU_ASSERT_EQUAL(simback_disk_flush(disk), 0);
    CU_ASSERT_EQUAL(simback_disk_write(disk, 4, 8, data + 20 * 512), 0);
    CU_ASSERT_TRUE(holds(4, 8, data + 20 * 512));
    simback_disk_power_cut(disk);
    CU_ASSERT_TRUE(holds(0, 8, data));
    CU_ASSERT_TRUE(holds_zeros(8, 8));
    simback_disk_power_cut(disk);
    CU_ASSERT_TRUE(holds(0, 8, data));
}

static void i16_a_discard_is_volatile_too(void)
{
    disk = simback_disk_memory(world, 1000);
    CU_ASSERT_EQUAL(simback_disk_write(disk, 0, 40, data), 0);
    CU_ASSERT_EQUAL(simback_disk_flush(disk), 0);
    CU_ASSERT_EQUAL(simback_disk_discard(disk, 5, 30), 0);
    CU_ASSERT_TRUE(holds(0, 5, data));
    CU_ASSERT_TRUE(holds_zeros(5, 30));
    CU_ASSERT_TRUE(holds(35, 5, data + 35 * 512));
    simback_disk_power_cut(disk);
    CU_ASSERT_TRUE(holds(0, 40, data));
    CU_ASSERT_EQUAL(simback_disk_discard(disk, 5, 30), 0);
    CU_ASSERT_EQUAL(simback_disk_write(disk, 18, 1, data), 0);
    CU_ASSERT_EQUAL(simback_disk_flush(disk), 0);
    simback_disk_power_cut(disk);
    CU_ASSERT_TRUE(holds_zeros(5, 13));
    CU_ASSERT_TRUE(holds(18, 1, data));
    CU_ASSERT_TRUE(holds_zeros(19, 16));
}

static void a_small_discard_inside_a_block(void)
{
    disk = simback_disk_memory(world, 1000);
    CU_ASSERT_EQUAL(simback_disk_write(disk, 8, 8, data), 0);
    CU_ASSERT_EQUAL(simback_disk_discard(disk, 10, 3), 0);
    CU_ASSERT_TRUE(holds(8, 2, data));
    CU_ASSERT_TRUE(holds_zeros(10, 3));
    CU_ASSERT_TRUE(holds(13, 3, data + 5 * 512));
    CU_ASSERT_EQUAL(simback_disk_discard(disk, 10, 0), 0);
    CU_ASSERT_TRUE(holds(13, 3, data + 5 * 512));
}

static void beyond_a_new_end_all_is_gone(void)
{
    disk = simback_disk_memory(world, 1000);
    CU_ASSERT_EQUAL(simback_disk_write(disk, 0, 40, data), 0);
    CU_ASSERT_EQUAL(simback_disk_flush(disk), 0);
    CU_ASSERT_EQUAL(simback_disk_write(disk, 0, 40, data), 0);
    CU_ASSERT_EQUAL(simback_disk_resize(disk, 13), 0);
    CU_ASSERT_EQUAL(simback_disk_read(disk, 13, 1, back), -1);
    CU_ASSERT_EQUAL(simback_disk_resize(disk, 1000), 0);
    CU_ASSERT_TRUE(holds(0, 13, data));
    CU_ASSERT_TRUE(holds_zeros(13, 27));
    simback_disk_power_cut(disk);
    CU_ASSERT_TRUE(holds(0, 13, data));
    CU_ASSERT_TRUE(holds_zeros(13, 27));
    CU_ASSERT_EQUAL(simback_disk_resize(disk, SIMBACK_DISK_MAX_512 + 1), -1);
}

static void many_blocks_are_found_again(void)
{
    enum { BLOCKS = 5000 };

    disk = simback_disk_memory(world, UINT64_C(1) << 40);
    for (uint64_t i = 0; i < BLOCKS; i++) {
        memcpy(data, &i, sizeof(i));
        CU_ASSERT_EQUAL_FATAL(simback_disk_write(disk, i * i * 8, 1, data), 0);
    }
    for (uint64_t i = 0; i < BLOCKS; i++) {
        memcpy(data, &i, sizeof(i));
        CU_ASSERT_TRUE_FATAL(holds(i * i * 8, 1, data));
    }
}

static void touched_blocks_are_written_without_allocating(void)
{
    uint64_t before;

    disk = simback_disk_memory(world, 1000);
    for (int round = 0; round < 2; round++) {
        CU_ASSERT_EQUAL(simback_disk_write(disk, 0, 64, data), 0);
        CU_ASSERT_EQUAL(simback_disk_flush(disk), 0);
    }
    before = simback_allocations(world);
    for (int round = 0; round < 10; round++) {
        CU_ASSERT_EQUAL(simback_disk_write(disk, 0, 64, data), 0);
        CU_ASSERT_EQUAL(simback_disk_flush(disk), 0);
        CU_ASSERT_TRUE(holds(0, 64, data));
    }
    CU_ASSERT_EQUAL(simback_allocations(world), before);
}

/* ---- over a file ---- */

static void make_file(off_t size)
{
    int descriptor;

    memcpy(path + sizeof(path) - 7, "XXXXXX", 6);
    descriptor = mkstemp(path);
    CU_ASSERT_FATAL(descriptor >= 0);
    CU_ASSERT_EQUAL_FATAL(ftruncate(descriptor, size), 0);
    close(descriptor);
}

static void open_file(bool read_only)
{
    char error[256] = "";

    disk = simback_disk_file(world, path, read_only, error, sizeof(error));
    CU_ASSERT_STRING_EQUAL(error, "");
    CU_ASSERT_PTR_NOT_NULL_FATAL(disk);
}

static void file_is(size_t offset, size_t length, const uint8_t *expected)
{
    const int descriptor = open(path, O_RDONLY);

    CU_ASSERT_EQUAL(pread(descriptor, back, length, (off_t)offset), (ssize_t)length);
    CU_ASSERT_EQUAL(memcmp(back, expected, length), 0);
    close(descriptor);
}

static void a_file_holds_what_was_flushed(void)
{
    static const uint8_t zeros[64 * 512];

    make_file(100 * 512);
    open_file(false);
    CU_ASSERT_EQUAL(simback_disk_size(disk), 100);
    CU_ASSERT_EQUAL(simback_disk_write(disk, 60, 40, data), 0);
    CU_ASSERT_TRUE(holds(60, 40, data));
    file_is(60 * 512, 40 * 512, zeros);
    CU_ASSERT_EQUAL(simback_disk_flush(disk), 0);
    file_is(60 * 512, 40 * 512, data);
    CU_ASSERT_EQUAL(simback_disk_write(disk, 0, 10, data), 0);
    simback_disk_power_cut(disk);
    CU_ASSERT_TRUE(holds_zeros(0, 10));
    CU_ASSERT_EQUAL(simback_disk_discard(disk, 61, 20), 0);
    CU_ASSERT_TRUE(holds_zeros(61, 20));
    CU_ASSERT_EQUAL(simback_disk_write(disk, 0, 9, data), 0);
    simback_disk_destroy(disk); /* an orderly end: nothing is lost */
    open_file(true);
    CU_ASSERT_TRUE(holds(0, 9, data));
    CU_ASSERT_TRUE(holds(60, 1, data));
    CU_ASSERT_TRUE(holds_zeros(61, 20));
    CU_ASSERT_TRUE(holds(81, 19, data + 21 * 512));
    CU_ASSERT_EQUAL(simback_disk_write(disk, 0, 1, data), -1);
    CU_ASSERT_EQUAL(simback_disk_discard(disk, 0, 1), -1);
    CU_ASSERT_EQUAL(simback_disk_resize(disk, 10), -1);
    unlink(path);
}

static void a_sparse_file_stays_sparse_and_memory_small(void)
{
    struct stat status;
    static const uint8_t zeros[64 * 512];

    make_file((off_t)4 << 30);
    open_file(false);
    for (uint64_t at = 0; at < 4096; at++)
        CU_ASSERT_EQUAL_FATAL(simback_disk_write(disk, at * 2048, 16, at % 64 == 0 ? data : zeros),
                              0);
    CU_ASSERT_TRUE(simback_memory_used(world) - used_before < 32u << 20);
    for (uint64_t at = 0; at < 4096; at += 64)
        CU_ASSERT_TRUE_FATAL(holds(at * 2048, 16, data));
    CU_ASSERT_EQUAL(simback_disk_flush(disk), 0);
    CU_ASSERT_EQUAL(stat(path, &status), 0);
    CU_ASSERT_TRUE(status.st_blocks < 4096);
    CU_ASSERT_EQUAL(simback_disk_resize(disk, 100), 0);
    CU_ASSERT_EQUAL(stat(path, &status), 0);
    CU_ASSERT_EQUAL(status.st_size, 100 * 512);
    CU_ASSERT_TRUE(holds(0, 16, data));
    unlink(path);
}

/* What the host said of a hole counts until something is written into it. */
static void a_hole_is_zeros_until_it_is_written(void)
{
    make_file((off_t)1 << 30);
    open_file(false);
    CU_ASSERT_EQUAL(simback_disk_write(disk, 0, 16, data), 0);
    CU_ASSERT_EQUAL(simback_disk_flush(disk), 0);
    CU_ASSERT_TRUE(holds_zeros(1000, 16));
    CU_ASSERT_EQUAL(simback_disk_write(disk, 2000, 16, data), 0);
    CU_ASSERT_TRUE(holds_zeros(1000, 16));
    CU_ASSERT_EQUAL(simback_disk_flush(disk), 0);
    CU_ASSERT_TRUE(holds(2000, 16, data));
    CU_ASSERT_TRUE(holds(0, 16, data));
    CU_ASSERT_TRUE(holds_zeros(2016, 64));
    CU_ASSERT_TRUE(holds_zeros(1936, 64));
    CU_ASSERT_EQUAL(simback_disk_write(disk, 2001, 1, data), 0); /* into a block that is there */
    CU_ASSERT_EQUAL(simback_disk_flush(disk), 0);
    CU_ASSERT_TRUE(holds(2000, 1, data));
    CU_ASSERT_TRUE(holds(2001, 1, data));
    CU_ASSERT_TRUE(holds(2002, 14, data + 1024));
    CU_ASSERT_EQUAL(simback_disk_resize(disk, 2008), 0);
    CU_ASSERT_EQUAL(simback_disk_resize(disk, 4000), 0);
    CU_ASSERT_TRUE(holds_zeros(2008, 64));
    unlink(path);
}

static void a_file_that_cannot_be_a_disk_says_why(void)
{
    char error[256] = "";

    CU_ASSERT_PTR_NULL(simback_disk_file(world, "/nonexistent/x", false, error, sizeof(error)));
    CU_ASSERT_PTR_NOT_NULL(strstr(error, "/nonexistent/x"));
    CU_ASSERT_PTR_NULL(simback_disk_file(world, "/tmp", true, error, sizeof(error)));
    CU_ASSERT_PTR_NOT_NULL(strstr(error, "not a regular file"));
    make_file(1000);
    CU_ASSERT_PTR_NULL(simback_disk_file(world, path, false, error, sizeof(error)));
    CU_ASSERT_PTR_NOT_NULL(strstr(error, "1000 bytes is not a multiple of 512"));
    unlink(path);
}

/* Whatever lies together, on the disk, at the reader's or on both: each part has its own, and where
 * two are for the same place the later one is there. */
static void parts_that_lie_together_are_read_as_if_apart(void)
{
    const struct simback_disk_part neighbours[] = {
        {back, 8}, {back + 8 * 512, 8}, {back + 16 * 512, 3}};
    const struct simback_disk_part hole[] = {
        {back, 16}, {back + 16 * 512, 8}, {back + 24 * 512, 8}};
    const struct simback_disk_part twice[] = {{back, 8}, {back, 8}};
    static const uint8_t zeros[8 * 512];

    disk = simback_disk_memory(world, 256);
    CU_ASSERT_EQUAL(simback_disk_write(disk, 0, 16, data), 0);
    CU_ASSERT_EQUAL(simback_disk_write(disk, 24, 16, data + 24 * 512), 0);

    CU_ASSERT_EQUAL(simback_disk_read_parts(disk, 24, neighbours, 2), 0);
    CU_ASSERT_EQUAL(memcmp(back, data + 24 * 512, 16 * 512), 0);
    CU_ASSERT_EQUAL(back[16 * 512], 0xee);
    CU_ASSERT_EQUAL(simback_disk_read_parts(disk, 5, neighbours, 1), 0);
    CU_ASSERT_EQUAL(memcmp(back, data + 5 * 512, 8 * 512), 0);

    CU_ASSERT_EQUAL(simback_disk_read_parts(disk, 0, hole, 3), 0);
    CU_ASSERT_EQUAL(memcmp(back, data, 16 * 512), 0);
    CU_ASSERT_EQUAL(memcmp(back + 16 * 512, zeros, sizeof(zeros)), 0);
    CU_ASSERT_EQUAL(memcmp(back + 24 * 512, data + 24 * 512, 8 * 512), 0);

    CU_ASSERT_EQUAL(simback_disk_read_parts(disk, 24, twice, 2), 0);
    CU_ASSERT_EQUAL(memcmp(back, data + 32 * 512, 8 * 512), 0);
    CU_ASSERT_EQUAL(simback_disk_read_parts(disk, 8, twice, 2), 0);
    CU_ASSERT_EQUAL(memcmp(back, zeros, sizeof(zeros)), 0);
    CU_ASSERT_EQUAL(simback_disk_read_parts(disk, 16, twice, 2), 0);
    CU_ASSERT_EQUAL(memcmp(back, data + 24 * 512, 8 * 512), 0);
}

static const struct unit_test tests[] = {
    UNIT_TEST(what_was_written_is_read),
    UNIT_TEST(a_range_beyond_the_end_is_refused),
    UNIT_TEST(parts_are_one_run),
    UNIT_TEST(parts_that_lie_together_are_read_as_if_apart),
    UNIT_TEST(the_largest_disk_is_sparse),
    UNIT_TEST(zeros_onto_untouched_blocks_cost_nothing),
    UNIT_TEST(i16_a_power_cut_drops_what_was_not_flushed),
    UNIT_TEST(i16_a_discard_is_volatile_too),
    UNIT_TEST(a_small_discard_inside_a_block),
    UNIT_TEST(beyond_a_new_end_all_is_gone),
    UNIT_TEST(many_blocks_are_found_again),
    UNIT_TEST(touched_blocks_are_written_without_allocating),
    UNIT_TEST(a_file_holds_what_was_flushed),
    UNIT_TEST(a_sparse_file_stays_sparse_and_memory_small),
    UNIT_TEST(a_hole_is_zeros_until_it_is_written),
    UNIT_TEST(a_file_that_cannot_be_a_disk_says_why),
};

UNIT_MAIN_WITH("disk", set_up, tear_down, tests)
