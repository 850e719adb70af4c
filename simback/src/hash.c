/* SPDX-License-Identifier: ISC */
/*
 * XXH64, the 64-bit hash of xxHash, from its specification: fast, published, with test vectors that
 * anybody can compare. Words are read as little-endian on every machine.
 */
#include "internal.h"

#include <string.h>

#define PRIME_1 UINT64_C(0x9e3779b185ebca87)
#define PRIME_2 UINT64_C(0xc2b2ae3d27d4eb4f)
#define PRIME_3 UINT64_C(0x165667b19e3779f9)
#define PRIME_4 UINT64_C(0x85ebca77c2b2ae63)
#define PRIME_5 UINT64_C(0x27d4eb2f165667c5)

static uint64_t rotate_left(uint64_t value, unsigned by)
{
    return (value << by) | (value >> (64 - by));
}

static uint64_t word_64(const uint8_t *bytes)
{
    uint64_t word;

    memcpy(&word, bytes, sizeof(word));
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    word = __builtin_bswap64(word);
#endif
    return word;
}

static uint32_t word_32(const uint8_t *bytes)
{
    uint32_t word;

    memcpy(&word, bytes, sizeof(word));
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    word = __builtin_bswap32(word);
#endif
    return word;
}

static uint64_t round_of(uint64_t lane, uint64_t word)
{
    return rotate_left(lane + word * PRIME_2, 31) * PRIME_1;
}

static uint64_t merge(uint64_t hash, uint64_t lane)
{
    return (hash ^ round_of(0, lane)) * PRIME_1 + PRIME_4;
}

uint64_t hash_xxh64(const void *memory, size_t length, uint64_t seed)
{
    const uint8_t *bytes = memory;
    const size_t total = length;
    uint64_t hash;

    if (length >= 32) {
        uint64_t lane_1 = seed + PRIME_1 + PRIME_2, lane_2 = seed + PRIME_2, lane_3 = seed;
        uint64_t lane_4 = seed - PRIME_1;

        for (; length >= 32; bytes += 32, length -= 32) {
            lane_1 = round_of(lane_1, word_64(bytes));
            lane_2 = round_of(lane_2, word_64(bytes + 8));
            lane_3 = round_of(lane_3, word_64(bytes + 16));
            lane_4 = round_of(lane_4, word_64(bytes + 24));
        }
        hash = rotate_left(lane_1, 1) + rotate_left(lane_2, 7) + rotate_left(lane_3, 12) +
               rotate_left(lane_4, 18);
        hash = merge(merge(merge(merge(hash, lane_1), lane_2), lane_3), lane_4);
    } else {
        hash = seed + PRIME_5;
    }

    hash += total;
    for (; length >= 8; bytes += 8, length -= 8)
        hash = rotate_left(hash ^ round_of(0, word_64(bytes)), 27) * PRIME_1 + PRIME_4;
    for (; length >= 4; bytes += 4, length -= 4)
        hash = rotate_left(hash ^ (word_32(bytes) * PRIME_1), 23) * PRIME_2 + PRIME_3;
    for (; length > 0; bytes++, length--)
        hash = rotate_left(hash ^ (*bytes * PRIME_5), 11) * PRIME_1;

    hash = (hash ^ (hash >> 33)) * PRIME_2;
    hash = (hash ^ (hash >> 29)) * PRIME_3;
    return hash ^ (hash >> 32);
}
