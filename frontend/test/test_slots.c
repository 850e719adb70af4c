/* SPDX-License-Identifier: ISC */
/*
 * Slots and the wire: which response is believed (I2), ids, the free list; both ABIs' bytes, and
 * zero where they mean nothing (I6).
 */
#include "slots.h"

#include "cunit_main.h"

enum { COUNT = 8, EACH = 3 };

static struct slot memory[COUNT];
static struct slot_segment segments[COUNT * EACH];
static struct slots slots;

static void set_up(void)
{
    memset(memory, 0, sizeof(memory));
    slots_init(&slots, memory, COUNT, segments, EACH);
}

static struct slot *take(uint8_t operation)
{
    struct slot *slot = slots_take(&slots);

    CU_ASSERT_PTR_NOT_NULL_FATAL(slot);
    slot->operation = operation;
    return slot;
}

/* What is said about a response. */
static struct slot *match(uint64_t id, uint8_t operation, const char **reason, bool *tolerated)
{
    struct wire_response response = {.id = id, .operation = operation, .status = 0};

    return slots_match(&slots, &response, tolerated, reason);
}

static void check_refused(uint64_t id, uint8_t operation, const char *wanted)
{
    const char *reason;
    bool tolerated;

    CU_ASSERT_PTR_NULL(match(id, operation, &reason, &tolerated));
    CU_ASSERT_STRING_EQUAL(reason, wanted);
    CU_ASSERT_FALSE(tolerated);
}

static void each_slot_is_given_once(void)
{
    uint64_t ids[COUNT];

    for (int i = 0; i < COUNT; i++) {
        struct slot *slot = take(BLKIF_WIRE_READ);

        ids[i] = slots_id(&slots, slot);
        for (int j = 0; j < i; j++)
            CU_ASSERT_NOT_EQUAL(ids[i], ids[j]);
        CU_ASSERT_PTR_EQUAL(slot->segments, segments + EACH * (slot - memory));
        CU_ASSERT_TRUE(slots_check(&slots));
    }
    CU_ASSERT_PTR_NULL(slots_take(&slots));
    for (int i = 0; i < COUNT; i++)
        slots_release(&slots, &memory[(i * 3) % COUNT]);
    CU_ASSERT_EQUAL(slots.used, 0);
    CU_ASSERT_TRUE(slots_check(&slots));
}

static void a_long_array_belongs_to_one_slot_until_its_release(void)
{
    enum { LONG = 2, LONG_EACH = 5 };
    static struct slot_segment long_segments[LONG * LONG_EACH];
    uint32_t free_numbers[LONG];
    struct slot *first, *second, *third;

    slots_init_long(&slots, long_segments, LONG_EACH, free_numbers, LONG);
    first = take(BLKIF_WIRE_READ);
    second = take(BLKIF_WIRE_READ);
    third = take(BLKIF_WIRE_READ);
    first->segments[0].record = 7;
    first->segments[1].record = 8;
    first->segment_count = 2;
    CU_ASSERT_TRUE(slots_lengthen(&slots, first));
    CU_ASSERT_TRUE(slots_lengthen(&slots, second));
    CU_ASSERT_FALSE(slots_lengthen(&slots, third));
    CU_ASSERT_TRUE(first->segments >= long_segments && first->segments != second->segments);
    CU_ASSERT_EQUAL((first->segments - long_segments) % LONG_EACH, 0);
    CU_ASSERT_EQUAL(first->segments[0].record, 7); /* what it had goes with it */
    CU_ASSERT_EQUAL(first->segments[1].record, 8);
    CU_ASSERT_PTR_EQUAL(third->segments, third->own);
    CU_ASSERT_TRUE(slots_check(&slots));
    slots_release(&slots, first);
    CU_ASSERT_PTR_EQUAL(first->segments, first->own);
    CU_ASSERT_TRUE(slots_check(&slots));
    CU_ASSERT_TRUE(slots_lengthen(&slots, third));
    slots.long_free_count++;
    CU_ASSERT_FALSE(slots_check(&slots));
}

static void the_check_sees_a_lost_and_a_doubled_slot(void)
{
    struct slot *slot = take(BLKIF_WIRE_READ);

    slot->state = SLOT_FREE;
    CU_ASSERT_FALSE(slots_check(&slots));
    slot->state = SLOT_IN_FLIGHT;
    CU_ASSERT_TRUE(slots_check(&slots));
    memory[5].next_free = 4; /* a circle */
    CU_ASSERT_FALSE(slots_check(&slots));
    memory[5].next_free = COUNT;
    CU_ASSERT_FALSE(slots_check(&slots));
    memory[5].next_free = 0; /* one in flight */
    CU_ASSERT_FALSE(slots_check(&slots));
    memory[5].next_free = 6;
    CU_ASSERT_TRUE(slots_check(&slots));
    memory[5].next_free = UINT16_MAX + 1; /* the last, with two more behind it */
    CU_ASSERT_FALSE(slots_check(&slots));
}

static void i2_a_response_finds_its_request(void)
{
    struct slot *a = take(BLKIF_WIRE_READ), *b = take(BLKIF_WIRE_FLUSH_DISKCACHE);
    const char *reason;
    bool tolerated;

    CU_ASSERT_PTR_EQUAL(match(slots_id(&slots, b), 3, &reason, &tolerated), b);
    CU_ASSERT_PTR_NULL(reason);
    CU_ASSERT_PTR_EQUAL(match(slots_id(&slots, a), 0, &reason, &tolerated), a);
    CU_ASSERT_FALSE(tolerated);
}

static void i2_an_id_that_is_not_in_flight_is_refused(void)
{
    struct slot *slot = take(BLKIF_WIRE_READ);
    uint64_t id = slots_id(&slots, slot);

    check_refused(id + 1, 0, "response id not in flight");                 /* free */
    check_refused(COUNT, 0, "response id not in flight");                  /* no slot */
    check_refused(UINT64_MAX, 0, "response id not in flight");             /* no slot */
    check_refused(id | UINT64_C(1) << 32, 0, "response id not in flight"); /* generation */
    check_refused(id | UINT64_C(1) << 63, 0, "response id not in flight"); /* generation */
    slots_release(&slots, slot);
    check_refused(id, 0, "response id not in flight"); /* answered before */
    slot = take(BLKIF_WIRE_READ);
    CU_ASSERT_NOT_EQUAL(slots_id(&slots, slot), id);
    check_refused(id, 0, "response id not in flight"); /* the slot's earlier life */
}

static void i2_another_operation_is_refused(void)
{
    static const uint8_t operations[] = {0, 1, 2, 3, 5};

    for (size_t i = 0; i < sizeof(operations); i++) {
        struct slot *slot = take(operations[i]);

        for (unsigned other = 0; other < 256; other++) {
            const char *reason;
            bool tolerated;

            if (other == operations[i]) {
                struct slot *found =
                    match(slots_id(&slots, slot), operations[i], &reason, &tolerated);

                CU_ASSERT_PTR_EQUAL(found, slot);
            } else {
                check_refused(slots_id(&slots, slot), (uint8_t)other,
                              "response operation does not match");
            }
        }
    }
}

static void i2_an_indirect_request_takes_its_inner_operation_or_6(void)
{
    struct slot *slot = take(BLKIF_WIRE_INDIRECT);
    uint64_t id = slots_id(&slots, slot);
    const char *reason;
    bool tolerated;

    slot->inner = BLKIF_WIRE_WRITE;
    CU_ASSERT_PTR_EQUAL(match(id, BLKIF_WIRE_WRITE, &reason, &tolerated), slot);
    CU_ASSERT_FALSE(tolerated);
    CU_ASSERT_PTR_EQUAL(match(id, BLKIF_WIRE_INDIRECT, &reason, &tolerated), slot);
    CU_ASSERT_TRUE(tolerated);
    check_refused(id, BLKIF_WIRE_READ, "response operation does not match");
}

static void i2_an_abandoned_slot_still_takes_its_response(void)
{
    struct slot *slot = take(BLKIF_WIRE_READ);
    const char *reason;
    bool tolerated;

    slot->state = SLOT_ABANDONED;
    CU_ASSERT_PTR_EQUAL(match(slots_id(&slots, slot), 0, &reason, &tolerated), slot);
    check_refused(slots_id(&slots, slot), 1, "response operation does not match");
    CU_ASSERT_TRUE(slots_check(&slots));
}

/* ---- the wire ---- */

static const struct blkif_wire_segment three[3] = {
    {.grant_ref = 0x11223344, .first_512 = 0, .last_512 = 7},
    {.grant_ref = 9, .first_512 = 2, .last_512 = 3},
    {.grant_ref = UINT32_MAX, .first_512 = 7, .last_512 = 7},
};

static const struct wire_request write_request = {
    .operation = BLKIF_WIRE_WRITE,
    .handle = 0xca00,
    .id = UINT64_C(0x0102030405060708),
    .sector_512 = UINT64_C(0x1112131415161718),
    .count_512 = 99,    /* not of a write */
    .discard_flag = 77, /* not of a write */
    .segment_count = 3,
    .segments = three,
};

static void i6_a_direct_request_in_the_64_bit_abi(void)
{
    struct blkif_wire_request_64 wanted = {
        .operation = 1,
        .segment_count = 3,
        .handle = 0xca00,
        .id = write_request.id,
        .sector_512 = write_request.sector_512,
        .segments = {three[0], three[1], three[2]},
    };
    unsigned char slot[WIRE_SLOT_MAX];

    memset(slot, 0xff, sizeof(slot));
    wire_encode(wire_layout_of(BLKFRONT_ABI_64), &write_request, slot);
    CU_ASSERT_EQUAL(memcmp(slot, &wanted, sizeof(wanted)), 0);
}

static void i6_a_direct_request_in_the_32_bit_abi(void)
{
    struct blkif_wire_request_32 wanted = {
        .operation = 1,
        .segment_count = 3,
        .handle = 0xca00,
        .id = write_request.id,
        .sector_512 = write_request.sector_512,
        .segments = {three[0], three[1], three[2]},
    };
    unsigned char slot[WIRE_SLOT_MAX];

    memset(slot, 0xff, sizeof(slot));
    wire_encode(wire_layout_of(BLKFRONT_ABI_32), &write_request, slot);
    CU_ASSERT_EQUAL(memcmp(slot, &wanted, sizeof(wanted)), 0);
}

static void i6_a_flush_carries_nothing(void)
{
    const struct wire_request request = {.operation = BLKIF_WIRE_FLUSH_DISKCACHE, .id = 5};
    struct blkif_wire_request_64 wanted = {.operation = 3, .id = 5};
    unsigned char slot[WIRE_SLOT_MAX];

    memset(slot, 0xff, sizeof(slot));
    wire_encode(wire_layout_of(BLKFRONT_ABI_64), &request, slot);
    CU_ASSERT_EQUAL(memcmp(slot, &wanted, sizeof(wanted)), 0);
}

static void i6_a_discard_in_both_abis(void)
{
    const struct wire_request request = {
        .operation = BLKIF_WIRE_DISCARD,
        .handle = 1,
        .id = 2,
        .sector_512 = 3,
        .count_512 = UINT64_C(1) << 40,
        .discard_flag = BLKIF_WIRE_DISCARD_SECURE,
    };
    struct blkif_wire_discard_64 wanted_64 = {.operation = 5,
                                              .flag = 1,
                                              .handle = 1,
                                              .id = 2,
                                              .sector_512 = 3,
                                              .count_512 = request.count_512};
    struct blkif_wire_discard_32 wanted_32 = {.operation = 5,
                                              .flag = 1,
                                              .handle = 1,
                                              .id = 2,
                                              .sector_512 = 3,
                                              .count_512 = request.count_512};
    unsigned char slot[WIRE_SLOT_MAX], zeros[WIRE_SLOT_MAX] = {0};

    wire_encode(wire_layout_of(BLKFRONT_ABI_64), &request, slot);
    CU_ASSERT_EQUAL(memcmp(slot, &wanted_64, sizeof(wanted_64)), 0);
    CU_ASSERT_EQUAL(memcmp(slot + sizeof(wanted_64), zeros, WIRE_SLOT_MAX - sizeof(wanted_64)), 0);
    wire_encode(wire_layout_of(BLKFRONT_ABI_32), &request, slot);
    CU_ASSERT_EQUAL(memcmp(slot, &wanted_32, sizeof(wanted_32)), 0);
    CU_ASSERT_EQUAL(memcmp(slot + sizeof(wanted_32), zeros, WIRE_SLOT_MAX - sizeof(wanted_32)), 0);
}

static void i6_an_indirect_request_in_both_abis(void)
{
    static const uint32_t refs[BLKIF_WIRE_INDIRECT_PAGES] = {21, 22, 23};
    const struct wire_request request = {
        .operation = BLKIF_WIRE_INDIRECT,
        .inner = BLKIF_WIRE_WRITE,
        .handle = 8,
        .id = 9,
        .sector_512 = 10,
        .segment_count = BLKIF_WIRE_SEGMENTS_PER_PAGE + 1, /* two pages */
        .page_refs = refs,
    };
    struct blkif_wire_indirect_64 wanted_64 = {.operation = 6,
                                               .indirect_operation = 1,
                                               .segment_count = 513,
                                               .id = 9,
                                               .sector_512 = 10,
                                               .handle = 8,
                                               .page_grant_refs = {21, 22}};
    struct blkif_wire_indirect_32 wanted_32 = {.operation = 6,
                                               .indirect_operation = 1,
                                               .segment_count = 513,
                                               .id = 9,
                                               .sector_512 = 10,
                                               .handle = 8,
                                               .page_grant_refs = {21, 22}};
    unsigned char slot[WIRE_SLOT_MAX], zeros[WIRE_SLOT_MAX] = {0};

    wire_encode(wire_layout_of(BLKFRONT_ABI_64), &request, slot);
    CU_ASSERT_EQUAL(memcmp(slot, &wanted_64, sizeof(wanted_64)), 0);
    CU_ASSERT_EQUAL(memcmp(slot + sizeof(wanted_64), zeros, WIRE_SLOT_MAX - sizeof(wanted_64)), 0);
    wire_encode(wire_layout_of(BLKFRONT_ABI_32), &request, slot);
    CU_ASSERT_EQUAL(memcmp(slot, &wanted_32, sizeof(wanted_32)), 0);
    CU_ASSERT_EQUAL(memcmp(slot + sizeof(wanted_32), zeros, WIRE_SLOT_MAX - sizeof(wanted_32)), 0);
}

static void responses_of_both_abis_are_read_alike(void)
{
    const struct blkif_wire_response_64 of_64 = {
        .id = UINT64_C(0xfedcba9876543210), .operation = 5, .status = -2};
    const struct blkif_wire_response_32 of_32 = {
        .id = UINT64_C(0xfedcba9876543210), .operation = 5, .status = -2};
    unsigned char bytes[WIRE_RESPONSE_BYTES];
    struct wire_response response;

    for (int i = 0; i < 2; i++) {
        if (i == 0)
            memcpy(bytes, &of_64, sizeof(bytes));
        else
            memcpy(bytes, &of_32, sizeof(bytes));
        wire_decode(bytes, &response);
        CU_ASSERT_EQUAL(response.id, of_64.id);
        CU_ASSERT_EQUAL(response.operation, 5);
        CU_ASSERT_EQUAL(response.status, -2);
    }
}

static void the_slot_sizes_are_the_abis(void)
{
    CU_ASSERT_EQUAL(wire_layout_of(BLKFRONT_ABI_64)->slot_size, BLKIF_WIRE_SLOT_64);
    CU_ASSERT_EQUAL(wire_layout_of(BLKFRONT_ABI_32)->slot_size, BLKIF_WIRE_SLOT_32);
    for (unsigned order = 0; order <= BLKIF_WIRE_RING_ORDER_MAX; order++) {
        size_t room = ((size_t)BLKIF_WIRE_PAGE_SIZE << order) - BLKIF_WIRE_RING_HEADER;
        size_t entries = (size_t)WIRE_SLOTS_PER_PAGE << order;

        /* Rounded down to a power of two, the same in both. */
        CU_ASSERT_TRUE(entries * BLKIF_WIRE_SLOT_64 <= room);
        CU_ASSERT_TRUE(2 * entries * BLKIF_WIRE_SLOT_32 > room);
    }
}

static const struct unit_test tests[] = {
    UNIT_TEST(each_slot_is_given_once),
    UNIT_TEST(a_long_array_belongs_to_one_slot_until_its_release),
    UNIT_TEST(the_check_sees_a_lost_and_a_doubled_slot),
    UNIT_TEST(i2_a_response_finds_its_request),
    UNIT_TEST(i2_an_id_that_is_not_in_flight_is_refused),
    UNIT_TEST(i2_another_operation_is_refused),
    UNIT_TEST(i2_an_indirect_request_takes_its_inner_operation_or_6),
    UNIT_TEST(i2_an_abandoned_slot_still_takes_its_response),
    UNIT_TEST(i6_a_direct_request_in_the_64_bit_abi),
    UNIT_TEST(i6_a_direct_request_in_the_32_bit_abi),
    UNIT_TEST(i6_a_flush_carries_nothing),
    UNIT_TEST(i6_a_discard_in_both_abis),
    UNIT_TEST(i6_an_indirect_request_in_both_abis),
    UNIT_TEST(responses_of_both_abis_are_read_alike),
    UNIT_TEST(the_slot_sizes_are_the_abis),
};

UNIT_MAIN_WITH("slots", set_up, NULL, tests)
