/* SPDX-License-Identifier: ISC */
/*
 * I2: which requests may fail without a word of the backend, because their rest lies beyond the end
 * of a disk that has become smaller.
 */
#include "cunit_main.h"
#include "puppet.h"

static struct puppet puppet;
static uint8_t bytes[16384];

static void set_up(void)
{
    memset(&puppet, 0, sizeof(puppet));
    puppet_begin(&puppet);
    puppet_connect(&puppet);
}

static void tear_down(void)
{
    puppet_end(&puppet);
}

static void read_sectors(uint64_t number, uint64_t sector, uint64_t sectors)
{
    puppet_submit(&puppet, number, BLKFRONT_READ, sector, sectors, bytes);
}

static void take(void)
{
    puppet_run(&puppet);
    (void)puppet_take(&puppet);
}

static void shrink_to(const char *sectors)
{
    simback_store_write(puppet.world, "/local/domain/0/backend/vbd/1/51712/sectors", sectors,
                        strlen(sectors));
    (void)puppet_read_back(&puppet, "sectors");
}

/* One part was answered; the disk is too small for the rest. */
static void i2_a_request_that_cannot_go_on_fails_without_an_answer(void)
{
    read_sectors(1, 8, 16);
    puppet_send(&puppet, BLKIF_WIRE_READ, 11, 8, 8, 0);
    take();
    shrink_to("20");
    puppet_complete(&puppet, 1, BLKFRONT_IO_ERROR);
    puppet_expect_none(&puppet);
}

static void i2_one_that_could_go_on_does_not(void)
{
    read_sectors(1, 8, 16);
    puppet_send(&puppet, BLKIF_WIRE_READ, 11, 8, 8, 0);
    take();
    shrink_to("24");
    puppet_complete(&puppet, 1, BLKFRONT_IO_ERROR);
    puppet_expect(&puppet, 2, false,
                  "but no response said so (1 ring requests, 0 still in flight)");
}

/* Nor does one that is answered altogether. */
static void i2_nor_one_that_has_nothing_left_to_do(void)
{
    read_sectors(1, 8, 8);
    puppet_send(&puppet, BLKIF_WIRE_READ, 11, 8, 8, 0);
    take();
    shrink_to("8");
    puppet_complete(&puppet, 1, BLKFRONT_IO_ERROR);
    puppet_expect(&puppet, 2, false,
                  "but no response said so (1 ring requests, 0 still in flight)");
}

/* A part is on the ring still: it comes back unless the connection has ended, which the device's
 * state says too where XenStore's does not. The rest has to lie beyond the end all the same. */
static void i2_one_whose_part_comes_back_no_more(void)
{
    static const struct {
        enum blkfront_state state;
        const char *sectors;
        bool excused;
    } cases[] = {
        {BLKFRONT_CONNECTED, "20", false},
        {BLKFRONT_RECOVERING, "24", false},
        {BLKFRONT_RECOVERING, "20", true},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        tear_down();
        set_up();
        read_sectors(1, 8, 16);
        puppet_send(&puppet, BLKIF_WIRE_READ, 11, 8, 8, 0);
        shrink_to(cases[i].sectors);
        puppet_app_state(&puppet, cases[i].state);
        puppet_complete(&puppet, 1, BLKFRONT_IO_ERROR);
        if (cases[i].excused)
            puppet_expect_none(&puppet);
        else
            puppet_expect(&puppet, 2, false,
                          "but no response said so (1 ring requests, 1 still in flight)");
    }
}

/* The disk is as it was before again when the last part comes back. */
static void i2_one_that_was_stopped_for_a_while(void)
{
    for (int stopped = 0; stopped < 2; stopped++) {
        tear_down();
        set_up();
        read_sectors(1, 8, 16);
        puppet_send(&puppet, BLKIF_WIRE_READ, 11, 8, 8, 0);
        shrink_to(stopped != 0 ? "20" : "24");
        puppet_step(&puppet);
        shrink_to("2048");
        take();
        puppet_complete(&puppet, 1, BLKFRONT_IO_ERROR);
        if (stopped != 0)
            puppet_expect_none(&puppet);
        else
            puppet_expect(&puppet, 2, false,
                          "but no response said so (1 ring requests, 0 still in flight)");
    }
}

static const struct unit_test tests[] = {
    UNIT_TEST(i2_a_request_that_cannot_go_on_fails_without_an_answer),
    UNIT_TEST(i2_one_that_could_go_on_does_not),
    UNIT_TEST(i2_nor_one_that_has_nothing_left_to_do),
    UNIT_TEST(i2_one_whose_part_comes_back_no_more),
    UNIT_TEST(i2_one_that_was_stopped_for_a_while),
};
UNIT_MAIN_WITH("oracle: a smaller disk", set_up, tear_down, tests)
