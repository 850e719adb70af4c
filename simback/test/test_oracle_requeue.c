/* SPDX-License-Identifier: ISC */
/*
 * I15: a request that outlives its connection is issued again, but not what of it was answered
 * already; in whatever order its parts were answered.
 */
#include "cunit_main.h"
#include "puppet.h"

enum { PART = 8, PARTS = 8 }; /* units of a part; parts of the request, which begins at unit 8 */

static struct puppet puppet;
static uint8_t bytes[512 * PART * PARTS];
static uint64_t ids;

static void set_up(void)
{
    memset(&puppet, 0, sizeof(puppet));
    memset(bytes, 0, sizeof(bytes));
    ids = 100;
    puppet_begin(&puppet);
    puppet_connect(&puppet);
    puppet_submit(&puppet, 1, BLKFRONT_READ, PART, (uint64_t)PART * PARTS, bytes);
}

static void tear_down(void)
{
    puppet_end(&puppet);
}

static void put(uint64_t part)
{
    puppet_send(&puppet, BLKIF_WIRE_READ, ids++, PART + PART * part, PART, 0);
}

static void take(void)
{
    puppet_run(&puppet);
    (void)puppet_take(&puppet);
    puppet_step(&puppet);
}

static void answered(const char *parts)
{
    for (; *parts != '\0'; parts++) {
        put((uint64_t)(*parts - '0'));
        take();
    }
}

static void complete(void)
{
    puppet_complete(&puppet, 1, 0);
    puppet_step(&puppet);
}

static void i15_the_rest_is_issued_on_the_next_connection(void)
{
    answered("012");
    puppet_reconnect(&puppet);
    answered("34567");
    complete();
    puppet_expect_none(&puppet);
    CU_ASSERT_TRUE(simback_rule_checks(puppet.world, 15) > 0);
}

static void i15_what_was_answered_is_repeated(void)
{
    answered("012");
    puppet_reconnect(&puppet);
    put(1);
    puppet_expect(&puppet, 15, false,
                  "request 1: ring request 0 repeats units 16+8, of which 8+24 were answered on a "
                  "former connection");
}

static void i15_what_was_not_answered_may_be_repeated(void)
{
    const struct simback_fault drop = {
        .ops = SIMBACK_FAULT_ANY,
        .last_512 = UINT64_MAX,
        .percent = 100,
        .times = 2,
        .action = SIMBACK_DROP,
    };

    CU_ASSERT_EQUAL(simback_backend_add_fault(puppet.backend, &drop), 0);
    answered("01");  /* dropped */
    answered("234"); /* answered */
    puppet_reconnect(&puppet);
    answered("01");
    answered("567");
    complete();
    puppet_expect_none(&puppet);
}

/* However the pieces came together, each of them is known. */
static void i15_parts_in_any_order(void)
{
    static const char *const orders[] = {"0246135", "6420531", "1053642", "0123456"};

    for (size_t i = 0; i < sizeof(orders) / sizeof(orders[0]); i++) {
        for (uint64_t again = 0; again < PARTS; again++) {
            tear_down();
            set_up();
            answered(orders[i]);
            puppet_reconnect(&puppet);
            put(again);
            if (again == PARTS - 1)
                puppet_expect_none(&puppet);
            else
                puppet_expect(&puppet, 15, false, "of which 8+56 were answered");
        }
    }
}

static void i15_a_part_that_lies_across_two_answered_ones(void)
{
    answered("02");
    puppet_reconnect(&puppet);
    answered("1");
    puppet_expect_none(&puppet);
    puppet_reconnect(&puppet);
    put(2);
    puppet_expect(&puppet, 15, false, "repeats units 24+8, of which 8+24 were answered");
}

/* On one connection it is the book of requests that counts. */
static void i2_on_the_same_connection_nobody_waits_for_it(void)
{
    answered("01234567");
    put(0);
    puppet_expect(&puppet, 2, false, "READ of units 8+8, is no part of anything");
}

/* ---- a write with FUA ---- */

static const struct blkfront_buffer fua_buffer = {.address = bytes, .size = sizeof(bytes)};

static void fua_submit(void)
{
    answered("01234567");
    complete();
    simback_app_submit(puppet.world, 0, 0, 2, BLKFRONT_WRITE, BLKFRONT_FUA, 512, PART,
                       (uint64_t)PART * PARTS, &fua_buffer, 1);
}

static void fua_put(uint64_t part)
{
    puppet_send(&puppet, BLKIF_WIRE_WRITE, ids++, PART + PART * part, PART, 2);
}

static void fua_answered(const char *parts)
{
    for (; *parts != '\0'; parts++) {
        fua_put((uint64_t)(*parts - '0'));
        take();
    }
}

static void fua_complete(void)
{
    puppet_send(&puppet, BLKIF_WIRE_FLUSH_DISKCACHE, ids++, 0, 0, 0);
    take();
    puppet_complete(&puppet, 2, 0);
    puppet_step(&puppet);
}

/* What was written may have been lost with the backend, unflushed (I16). */
static void i15_a_write_with_fua_may_be_repeated(void)
{
    fua_submit();
    fua_answered("52046137");
    puppet_reconnect(&puppet);
    fua_answered("3102");
    puppet_reconnect(&puppet);
    fua_answered("76543210");
    fua_complete();
    puppet_expect_none(&puppet);
}

static void i15_a_write_with_fua_may_be_flushed_alone(void)
{
    fua_submit();
    fua_answered("01234");
    puppet_reconnect(&puppet);
    fua_answered("567");
    fua_complete();
    puppet_expect_none(&puppet);
}

static void i2_what_is_repeated_has_to_be_answered_again(void)
{
    fua_submit();
    fua_answered("01234567");
    puppet_reconnect(&puppet);
    fua_put(3);
    puppet_complete(&puppet, 2, 0);
    puppet_step(&puppet);
    puppet_expect_nth(&puppet, 0, 2, "request 2: succeeds with 56 of 64 units answered OKAY");
}

static void i9_nothing_is_repeated_twice_on_a_connection(void)
{
    fua_submit();
    fua_answered("01234567");
    puppet_reconnect(&puppet);
    fua_answered("33");
    puppet_expect(&puppet, 9, false, "covers units 32+8, but only 0 of its 64 units");
}

static const struct unit_test tests[] = {
    UNIT_TEST(i15_the_rest_is_issued_on_the_next_connection),
    UNIT_TEST(i15_what_was_answered_is_repeated),
    UNIT_TEST(i15_what_was_not_answered_may_be_repeated),
    UNIT_TEST(i15_parts_in_any_order),
    UNIT_TEST(i15_a_part_that_lies_across_two_answered_ones),
    UNIT_TEST(i2_on_the_same_connection_nobody_waits_for_it),
    UNIT_TEST(i15_a_write_with_fua_may_be_repeated),
    UNIT_TEST(i15_a_write_with_fua_may_be_flushed_alone),
    UNIT_TEST(i2_what_is_repeated_has_to_be_answered_again),
    UNIT_TEST(i9_nothing_is_repeated_twice_on_a_connection),
};
UNIT_MAIN_WITH("oracle: requeue", set_up, tear_down, tests)
