/* SPDX-License-Identifier: ISC */
/*
 * I20: what the application is told of the disk, beside what its frontend has read of it.
 */
#include "cunit_main.h"
#include "puppet.h"

static struct puppet puppet;

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

/* The node changes, and is read. */
static void info_is(const char *value)
{
    simback_store_write(puppet.world, "/local/domain/0/backend/vbd/1/51712/info", value,
                        (uint32_t)strlen(value));
    (void)puppet_read_back(&puppet, "info");
    puppet_step(&puppet);
}

static void told_sectors(uint64_t sectors)
{
    const struct blkfront_info info = {
        .size_sectors = sectors,
        .sector_size = 512,
        .read_write = true,
    };

    simback_app_info(puppet.world, 0, &info);
}

static void told(bool read_write, bool cdrom, bool removable)
{
    const struct blkfront_info info = {
        .size_sectors = PUPPET_SECTORS,
        .sector_size = 512,
        .read_write = read_write,
        .cdrom = cdrom,
        .removable = removable,
    };

    simback_app_info(puppet.world, 0, &info);
}

static void i20_what_was_read_is_told(void)
{
    told(true, false, false);
    info_is("3");
    told(true, true, true);
    told(true, false, false); /* it may go on as it has begun */
    puppet_expect_none(&puppet);
    CU_ASSERT_TRUE(simback_rule_checks(puppet.world, 20) > 0);
}

/* C's library reads a number there, who is strict does not: both may be right. */
static void i20_a_number_with_a_zero_in_front(void)
{
    simback_store_write(puppet.world, "/local/domain/0/backend/vbd/1/51712/sectors", "04096", 5);
    (void)puppet_read_back(&puppet, "sectors");
    puppet_step(&puppet);
    told_sectors(PUPPET_SECTORS);
    told_sectors(4096);
    puppet_expect_none(&puppet);
    told_sectors(4095);
    puppet_expect(&puppet, 20, false, "but sectors was read as 4096");
}

static void i20_a_medium_that_was_not_read(void)
{
    told(true, true, false);
    puppet_expect(&puppet, 20, true,
                  "get_info says that the disk is a CD-ROM, but info was read without bit 1");
}

static void i20_a_medium_that_is_not_told(void)
{
    tear_down();
    memset(&puppet, 0, sizeof(puppet));
    puppet_begin(&puppet);
    simback_store_write(puppet.world, "/local/domain/0/backend/vbd/1/51712/info", "2", 1);
    puppet_connect(&puppet);
    info_is("2");
    told(true, false, true);
    puppet_expect_none(&puppet);
    info_is("0");
    told(true, false, false);
    puppet_expect_none(&puppet);
    told(true, true, false);
    puppet_expect(&puppet, 20, true, "is a CD-ROM");
}

static void i20_a_number_of_more_bits_says_nothing(void)
{
    info_is("444444444444");
    told(true, false, false);
    puppet_expect_none(&puppet);
    told(true, true, false);
    puppet_expect(&puppet, 20, true, "is a CD-ROM");
}

static void i20_a_disk_that_is_read_only(void)
{
    info_is("4");
    told(true, false, false);
    puppet_expect(&puppet, 20, false, "says that the disk can be written");
}

static const struct unit_test tests[] = {
    UNIT_TEST(i20_what_was_read_is_told),
    UNIT_TEST(i20_a_number_with_a_zero_in_front),
    UNIT_TEST(i20_a_medium_that_was_not_read),
    UNIT_TEST(i20_a_medium_that_is_not_told),
    UNIT_TEST(i20_a_number_of_more_bits_says_nothing),
    UNIT_TEST(i20_a_disk_that_is_read_only),
};
UNIT_MAIN_WITH("oracle: told", set_up, tear_down, tests)
