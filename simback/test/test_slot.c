/* SPDX-License-Identifier: ISC */
/*
 * Requests and responses between bytes and meaning. The bytes are written here one by one, at the
 * offsets that blkif.h's structures have on x86_64 and i386.
 */
#include "cunit_main.h"
#include "slot.h"

#include <string.h>

static uint8_t slot[SLOT_MAX];
static struct slot_request request;

static void set_up(void)
{
    memset(slot, 0xa5, sizeof(slot));
    memset(&request, 0x5a, sizeof(request));
}

static void put(uint32_t offset, uint32_t size, uint64_t value)
{
    for (uint32_t i = 0; i < size; i++)
        slot[offset + i] = (uint8_t)(value >> (8 * i));
}

static void put_segments(uint32_t at)
{
    for (uint32_t i = 0; i < 11; i++) {
        put(at + 8 * i, 4, 1000 + i);
        put(at + 8 * i + 4, 1, i % 8);
        put(at + 8 * i + 5, 1, 7);
        put(at + 8 * i + 6, 2, 0);
    }
}

static void direct_is(enum slot_abi abi)
{
    slot_decode(abi, slot, &request);
    CU_ASSERT_EQUAL(request.operation, 1);
    CU_ASSERT_EQUAL(request.inner, 1);
    CU_ASSERT_EQUAL(request.segment_count, 9);
    CU_ASSERT_EQUAL(request.handle, 0xca00);
    CU_ASSERT_EQUAL(request.id, UINT64_C(0xfedcba9876543210));
    CU_ASSERT_EQUAL(request.sector_512, UINT64_C(0x123456789abcdef0));
    for (uint32_t i = 0; i < 9; i++) {
        CU_ASSERT_EQUAL(request.data.segments[i].grant_ref, 1000 + i);
        CU_ASSERT_EQUAL(request.data.segments[i].first_512, i % 8);
        CU_ASSERT_EQUAL(request.data.segments[i].last_512, 7);
    }
    CU_ASSERT_EQUAL(request.data.segments[9].grant_ref, 0x5a5a5a5a); /* not looked at */
}

/* More segments than there can be are told, and no more than all of the slot is looked at. */
static void a_direct_request_of_too_many_segments(void)
{
    put(0, 1, 0);
    put(1, 1, 255);
    put_segments(24);
    slot_decode(SLOT_ABI_64, slot, &request);
    CU_ASSERT_EQUAL(request.segment_count, 255);
    CU_ASSERT_EQUAL(request.data.segments[10].grant_ref, 1010);
    CU_ASSERT_EQUAL(slot_length(SLOT_ABI_64, slot), 112);
    CU_ASSERT_EQUAL(slot_length(SLOT_ABI_32, slot), 108);
}

static uint32_t length_of(enum slot_abi abi, uint8_t operation, uint8_t count)
{
    const uint8_t head[SLOT_HEAD] = {operation, count};

    return slot_length(abi, head);
}

static void a_slot_is_as_long_as_what_it_says(void)
{
    for (uint8_t operation = 0; operation <= 3; operation++) {
        CU_ASSERT_EQUAL(length_of(SLOT_ABI_64, operation, 0), 32);
        CU_ASSERT_EQUAL(length_of(SLOT_ABI_64, operation, 1), 32);
        CU_ASSERT_EQUAL(length_of(SLOT_ABI_64, operation, 2), 40);
        CU_ASSERT_EQUAL(length_of(SLOT_ABI_64, operation, 11), 112);
        CU_ASSERT_EQUAL(length_of(SLOT_ABI_32, operation, 1), 32);
        CU_ASSERT_EQUAL(length_of(SLOT_ABI_32, operation, 2), 36);
        CU_ASSERT_EQUAL(length_of(SLOT_ABI_32, operation, 11), 108);
    }
    CU_ASSERT_EQUAL(length_of(SLOT_ABI_64, 5, 1), 32); /* a discard, and it is secure */
    CU_ASSERT_EQUAL(length_of(SLOT_ABI_32, 5, 200), 32);
    CU_ASSERT_EQUAL(length_of(SLOT_ABI_64, 6, 1), 112); /* an indirect read */
    CU_ASSERT_EQUAL(length_of(SLOT_ABI_32, 7, 1), 108); /* nobody knows what it is */
}

static void a_direct_request_of_64_bits(void)
{
    put(0, 1, 1);
    put(1, 1, 9);
    put(2, 2, 0xca00);
    put(8, 8, UINT64_C(0xfedcba9876543210));
    put(16, 8, UINT64_C(0x123456789abcdef0));
    put_segments(24);
    CU_ASSERT_EQUAL(slot_size(SLOT_ABI_64), 112);
    direct_is(SLOT_ABI_64);
}

static void a_direct_request_of_32_bits(void)
{
    put(0, 1, 1);
    put(1, 1, 9);
    put(2, 2, 0xca00);
    put(4, 8, UINT64_C(0xfedcba9876543210));
    put(12, 8, UINT64_C(0x123456789abcdef0));
    put_segments(20);
    CU_ASSERT_EQUAL(slot_size(SLOT_ABI_32), 108);
    direct_is(SLOT_ABI_32);
}

static void indirect_is(enum slot_abi abi)
{
    slot_decode(abi, slot, &request);
    CU_ASSERT_EQUAL(request.operation, 6);
    CU_ASSERT_EQUAL(request.inner, 1);
    CU_ASSERT_EQUAL(request.segment_count, 4000);
    CU_ASSERT_EQUAL(request.handle, 0xca10);
    CU_ASSERT_EQUAL(request.id, 77);
    CU_ASSERT_EQUAL(request.sector_512, 88);
    for (uint32_t i = 0; i < 8; i++)
        CU_ASSERT_EQUAL(request.data.page_refs[i], 500 + i);
}

static void an_indirect_request_of_64_bits(void)
{
    put(0, 1, 6);
    put(1, 1, 1);
    put(2, 2, 4000);
    put(8, 8, 77);
    put(16, 8, 88);
    put(24, 2, 0xca10);
    for (uint32_t i = 0; i < 8; i++)
        put(28 + 4 * i, 4, 500 + i);
    indirect_is(SLOT_ABI_64);
}

static void an_indirect_request_of_32_bits(void)
{
    put(0, 1, 6);
    put(1, 1, 1);
    put(2, 2, 4000);
    put(4, 8, 77);
    put(12, 8, 88);
    put(20, 2, 0xca10);
    for (uint32_t i = 0; i < 8; i++)
        put(24 + 4 * i, 4, 500 + i);
    indirect_is(SLOT_ABI_32);
}

static void discards_of_both(void)
{
    put(0, 1, 5);
    put(1, 1, 1);
    put(8, 8, 7);
    put(16, 8, 8);
    put(24, 8, UINT64_C(0xffffffffff));
    slot_decode(SLOT_ABI_64, slot, &request);
    CU_ASSERT_EQUAL(request.operation, 5);
    CU_ASSERT_EQUAL(request.flag, 1);
    CU_ASSERT_EQUAL(request.segment_count, 0);
    CU_ASSERT_EQUAL(request.id, 7);
    CU_ASSERT_EQUAL(request.sector_512, 8);
    CU_ASSERT_EQUAL(request.count_512, UINT64_C(0xffffffffff));
    put(4, 8, 9);
    put(12, 8, 10);
    put(20, 8, 11);
    slot_decode(SLOT_ABI_32, slot, &request);
    CU_ASSERT_EQUAL(request.id, 9);
    CU_ASSERT_EQUAL(request.sector_512, 10);
    CU_ASSERT_EQUAL(request.count_512, 11);
}

static void i19_padding_of_a_response_is_zero(void)
{
    static const uint8_t expected[16] = {8, 7, 6, 5, 4, 3, 2, 1, 3, 0, 0xfe, 0xff, 0, 0, 0, 0};
    uint8_t bytes[SLOT_RESPONSE_MAX];

    memset(bytes, 0xee, sizeof(bytes));
    CU_ASSERT_EQUAL(slot_encode_response(SLOT_ABI_64, UINT64_C(0x0102030405060708), 3, -2, bytes),
                    16);
    CU_ASSERT_EQUAL(memcmp(bytes, expected, 16), 0);
    memset(bytes, 0xee, sizeof(bytes));
    CU_ASSERT_EQUAL(slot_encode_response(SLOT_ABI_32, UINT64_C(0x0102030405060708), 3, -2, bytes),
                    12);
    CU_ASSERT_EQUAL(memcmp(bytes, expected, 12), 0);
    CU_ASSERT_EQUAL(bytes[12], 0xee);
}

static const struct unit_test tests[] = {
    UNIT_TEST(a_direct_request_of_64_bits),
    UNIT_TEST(a_direct_request_of_32_bits),
    UNIT_TEST(a_direct_request_of_too_many_segments),
    UNIT_TEST(a_slot_is_as_long_as_what_it_says),
    UNIT_TEST(an_indirect_request_of_64_bits),
    UNIT_TEST(an_indirect_request_of_32_bits),
    UNIT_TEST(discards_of_both),
    UNIT_TEST(i19_padding_of_a_response_is_zero),
};

UNIT_MAIN_WITH("slot", set_up, NULL, tests)
