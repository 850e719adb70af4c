/* SPDX-License-Identifier: ISC */
/*
 * XXH64 against its published values: short strings, and the buffer of xxHash's own self test.
 */
#include "cunit_main.h"
#include "internal.h"

static void strings_have_the_published_hashes(void)
{
    CU_ASSERT_EQUAL(hash_xxh64("", 0, 0), UINT64_C(0xef46db3751d8e999));
    CU_ASSERT_EQUAL(hash_xxh64("a", 1, 0), UINT64_C(0xd24ec4f1a98c6e5b));
    CU_ASSERT_EQUAL(hash_xxh64("abc", 3, 0), UINT64_C(0x44bc2cf5ad770999));
}

/* Lengths on both sides of the four lanes, with every rest. */
static void the_self_test_of_xxhash_passes(void)
{
    static const struct {
        size_t length;
        uint64_t seed, expected;
    } vectors[] = {
        {0, 0, UINT64_C(0xef46db3751d8e999)},
        {0, 2654435761, UINT64_C(0xac75fda2929b17ef)},
        {1, 0, UINT64_C(0xe934a84adb052768)},
        {1, 2654435761, UINT64_C(0x5014607643a9b4c3)},
        {4, 0, UINT64_C(0x9136a0dca57457ee)},
        {14, 0, UINT64_C(0x8282dcc4994e35c8)},
        {14, 2654435761, UINT64_C(0xc3bd6bf63deb6df0)},
        {222, 0, UINT64_C(0xb641ae8cb691c174)},
        {222, 2654435761, UINT64_C(0x20cb8ab7ae10c14a)},
    };
    uint8_t buffer[222];
    uint64_t generator = 2654435761;

    for (size_t i = 0; i < sizeof(buffer); i++) {
        buffer[i] = (uint8_t)(generator >> 56);
        generator *= UINT64_C(11400714785074694797);
    }
    for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++)
        CU_ASSERT_EQUAL(hash_xxh64(buffer, vectors[i].length, vectors[i].seed),
                        vectors[i].expected);
}

static void where_the_bytes_lie_does_not_matter(void)
{
    static const char text[] = "the same thirty-two bytes, moved";
    char at[48];

    for (unsigned i = 0; i < 8; i++) {
        memcpy(at + i, text, sizeof(text));
        CU_ASSERT_EQUAL(hash_xxh64(at + i, 32, 1), hash_xxh64(text, 32, 1));
    }
}

static const struct unit_test tests[] = {
    UNIT_TEST(strings_have_the_published_hashes),
    UNIT_TEST(the_self_test_of_xxhash_passes),
    UNIT_TEST(where_the_bytes_lie_does_not_matter),
};

UNIT_MAIN("hash", tests)
