/* SPDX-License-Identifier: ISC */
/*
 * I6: what the backend may see of a page, a slot and a ring, each a byte too much and just not.
 */
#include "cunit_main.h"
#include "puppet.h"

#include <string.h>

static struct puppet puppet;
static uint8_t bytes[4096];

static void set_up(void)
{
    memset(&puppet, 0, sizeof(puppet));
    memset(bytes, 0, sizeof(bytes));
    puppet_begin(&puppet);
}

static void tear_down(void)
{
    puppet_end(&puppet);
}

enum { WRITABLE = 0, FOR_WRITES = 2 }; /* pages of the puppet */

static uint64_t next = 1;

static void read_into(uint32_t page, uint32_t units)
{
    puppet_submit(&puppet, next, BLKFRONT_READ, 8, units, bytes);
    puppet_send(&puppet, BLKIF_WIRE_READ, next, 8, units, page);
    puppet_run(&puppet);
    CU_ASSERT_TRUE(puppet_take(&puppet));
    memcpy(bytes, puppet.data[page], (size_t)units * BLKIF_WIRE_UNIT);
    puppet_complete(&puppet, next, BLKFRONT_OK);
    puppet_step(&puppet);
    next++;
}

/* The first units of the page go to the disk, as they are. */
static void write_from(uint32_t page, uint32_t units)
{
    memcpy(bytes, puppet.data[page], (size_t)units * BLKIF_WIRE_UNIT);
    puppet_submit(&puppet, next, BLKFRONT_WRITE, 8, units, bytes);
    puppet_send(&puppet, BLKIF_WIRE_WRITE, next, 8, units, page);
    puppet_run(&puppet);
    CU_ASSERT_TRUE(puppet_take(&puppet));
    puppet_complete(&puppet, next, BLKFRONT_OK);
    puppet_step(&puppet);
    next++;
}

static void i6_a_page_with_something_in_it(void)
{
    puppet_connect(&puppet);
    puppet.data[WRITABLE][4095] = 1;
    read_into(WRITABLE, 8);
    puppet_expect(&puppet, 6, false, "unit 7 of page");
}

static void i6_something_beside_the_data_of_a_write(void)
{
    puppet_connect(&puppet);
    memset(puppet.data[FOR_WRITES], 7, 512);
    write_from(FOR_WRITES, 1);
    puppet_expect_none(&puppet);
    puppet.data[FOR_WRITES][512] = 7;
    write_from(FOR_WRITES, 1);
    puppet_expect(&puppet, 6, false, "unit 1 of page");
}

static void i6_what_it_was_given_before_may_stay(void)
{
    puppet_connect(&puppet);
    memset(puppet.data[FOR_WRITES], 7, 4096);
    write_from(FOR_WRITES, 8);
    memset(puppet.data[FOR_WRITES], 8, 512);
    write_from(FOR_WRITES, 1);
    puppet_expect_none(&puppet);
}

static void i6_what_it_wrote_may_stay(void)
{
    puppet_connect(&puppet);
    memset(puppet.data[FOR_WRITES], 7, 4096);
    write_from(FOR_WRITES, 8);
    read_into(WRITABLE, 8);
    CU_ASSERT_EQUAL(puppet.data[WRITABLE][0], 7);
    read_into(WRITABLE, 1);
    puppet_expect_none(&puppet);
}

static void i6_but_not_what_was_put_there_since(void)
{
    puppet_connect(&puppet);
    read_into(WRITABLE, 8);
    puppet.data[WRITABLE][0] = 9;
    read_into(WRITABLE, 8);
    puppet_expect(&puppet, 6, false, "unit 0 of page");
}

static void i6_without_trust_zeros_alone(void)
{
    static const char path[] = "/local/domain/1/device/vbd/51712/trusted";

    CU_ASSERT_EQUAL(simback_store_write(puppet.world, path, "0", 1), 0);
    puppet_connect(&puppet);
    memset(puppet.data[FOR_WRITES], 7, 4096);
    write_from(FOR_WRITES, 8);
    puppet_expect_none(&puppet);
    write_from(FOR_WRITES, 1);
    puppet_expect(&puppet, 6, false, "it is not trusted: zeros alone");
}

static void i6_a_page_of_the_callers(void)
{
    puppet_connect(&puppet);
    puppet_submit(&puppet, 1, BLKFRONT_READ, 8, 8, puppet.data[WRITABLE]);
    puppet_send(&puppet, BLKIF_WIRE_READ, 1, 8, 8, WRITABLE);
    puppet_expect(&puppet, 6, false, "a page of the caller's that it never gave to the library");
}

static void i6_padding_of_a_slot(void)
{
    /* Padding, the segments that are not used, the end. */
    static const unsigned offsets[] = {4, 7, 30, 32, 111};

    for (size_t i = 0; i < sizeof(offsets) / sizeof(offsets[0]); i++) {
        puppet_end(&puppet);
        puppet_begin(&puppet);
        puppet_connect(&puppet);
        puppet_submit(&puppet, 1, BLKFRONT_READ, 8, 8, bytes);
        puppet_put(&puppet, &(struct puppet_request){
                                .op = BLKIF_WIRE_READ, .id = 1, .sector_512 = 8, .last = 7});
        puppet_slot(&puppet, 0)[offsets[i]] = 0x55;
        puppet_push(&puppet);
        puppet_step(&puppet);
        puppet_expect(&puppet, 6, false, "of the slot of ring request 0 means nothing and is 0x55");
    }
}

static void i6_a_ring_with_something_in_it(void)
{
    puppet_run(&puppet);
    puppet_open(&puppet);
    CU_ASSERT_EQUAL(puppet_read_back(&puppet, "state"), 2);
    puppet.ring[4095] = 1;
    puppet_publish(&puppet, "3");
    puppet_expect(&puppet, 6, false, "page 0 of the ring of queue 0 is shown with something in it");
}

static void i6_a_new_connection_sees_nothing_of_the_old_one(void)
{
    puppet_connect(&puppet);
    memset(puppet.data[FOR_WRITES], 7, 4096);
    write_from(FOR_WRITES, 8);
    puppet_disconnect(&puppet);
    puppet.platform->port_close(puppet.context, puppet.channels, puppet.port);
    puppet_write(&puppet, "state", "1");
    puppet_run(&puppet);
    CU_ASSERT_EQUAL(puppet_read_back(&puppet, "state"), 2);
    memset(puppet.ring, 0, 4096);
    puppet.req_prod = puppet.rsp_cons = 0;
    puppet_set_word(&puppet, 1, 1);
    puppet_set_word(&puppet, 3, 1);
    puppet.platform->port_allocate(puppet.context, puppet.channels, 0, &puppet.port);
    puppet_publish(&puppet, "3");
    puppet_run(&puppet);
    CU_ASSERT_EQUAL(puppet_read_back(&puppet, "state"), 4);
    puppet_write(&puppet, "state", "4");
    puppet_step(&puppet);
    puppet_expect_none(&puppet);
    memcpy(bytes, puppet.data[FOR_WRITES], 512);
    puppet_submit(&puppet, next, BLKFRONT_WRITE, 8, 1, bytes);
    puppet_send(&puppet, BLKIF_WIRE_WRITE, next++, 8, 1, FOR_WRITES);
    puppet_expect(&puppet, 6, false, "unit 1 of page");
}

static const struct unit_test tests[] = {
    UNIT_TEST(i6_a_page_with_something_in_it),
    UNIT_TEST(i6_something_beside_the_data_of_a_write),
    UNIT_TEST(i6_what_it_was_given_before_may_stay),
    UNIT_TEST(i6_what_it_wrote_may_stay),
    UNIT_TEST(i6_but_not_what_was_put_there_since),
    UNIT_TEST(i6_without_trust_zeros_alone),
    UNIT_TEST(i6_a_page_of_the_callers),
    UNIT_TEST(i6_padding_of_a_slot),
    UNIT_TEST(i6_a_ring_with_something_in_it),
    UNIT_TEST(i6_a_new_connection_sees_nothing_of_the_old_one),
};
UNIT_MAIN_WITH("oracle: confinement", set_up, tear_down, tests)
