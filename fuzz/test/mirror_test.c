/* SPDX-License-Identifier: ISC */
/*
 * simback's backend against the mirror, by seeds: it stands everything, serves what is as it should
 * be, and each play is the same every time.
 */
#include <check.h>
#include <inttypes.h>
#include <stdio.h>

#include "check_main.h"
#include "mirror.h"

enum { BYTES = 600, SEEDS = 1500 };

/* splitmix64. */
static uint64_t next_number(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static void play(uint64_t seed, struct mirror_result *result)
{
    uint8_t bytes[BYTES];
    uint64_t state = seed;

    for (size_t i = 0; i < BYTES; i++) {
        bytes[i] = (uint8_t)next_number(&state);
    }
    ck_assert(mirror_play(bytes, BYTES, result));
}

static void add(struct mirror_result *sum, const struct mirror_result *result)
{
    sum->connects += result->connects;
    sum->requests += result->requests;
    sum->judged += result->judged;
    sum->loads += result->loads;
    sum->strikes += result->strikes;
    sum->complaints += result->complaints;
}

/* A request of the burst reads zeros over the words of its own ring, and the backend stops rightly;
 * the last one comes while it is at it. The same with every compiler. */
START_TEST(i19_a_ring_that_is_read_over_need_not_be_answered)
{
    static const uint8_t bytes[] = {0x29, 0x63, 0x18, 0x63, 0x43, 0x43, 0x43, 0x5d, 0x43, 0x18,
                                    0x08, 0xdf, 0xf7, 0x08, 0x61, 0x08, 0x08, 0x26, 0x46, 0x08,
                                    0x08, 0x61, 0x08, 0x26, 0x08, 0xf8, 0x08, 0x23, 0xff, 0x27};
    struct mirror_result result;

    ck_assert(mirror_play(bytes, sizeof(bytes), &result));
    ck_assert_msg(!result.wrong, "%s", result.reason);
    ck_assert_uint_eq(result.requests, 9);
}
END_TEST

START_TEST(i19_the_backend_stands_a_hostile_frontend)
{
    struct mirror_result sum = {0};

    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        struct mirror_result result;

        play(seed, &result);
        ck_assert_msg(!result.wrong, "seed %" PRIu64 ": %s", seed, result.reason);
        add(&sum, &result);
    }
    printf("%" PRIu64 " connections, %" PRIu64 " requests, of them %" PRIu64
           " judged alone, %" PRIu64 " loads, %" PRIu64 " strikes, %" PRIu64 " complaints\n",
           sum.connects, sum.requests, sum.judged, sum.loads, sum.strikes, sum.complaints);
    /* A play that does nothing finds nothing. */
    ck_assert_uint_gt(sum.connects, 4 * SEEDS);
    ck_assert_uint_gt(sum.judged, 4 * SEEDS);
    ck_assert_uint_gt(sum.strikes, SEEDS);
    ck_assert_uint_gt(sum.complaints, 4 * SEEDS);
    mirror_end();
}
END_TEST

START_TEST(the_same_bytes_are_the_same_play)
{
    for (uint64_t seed = 0; seed < 100; seed++) {
        struct mirror_result one, two;

        play(seed, &one);
        play(seed, &two);
        ck_assert_uint_eq(one.hash, two.hash);
        ck_assert_uint_eq(one.loads, two.loads);
    }
    mirror_end();
}
END_TEST

static Suite *mirror_suite(void)
{
    Suite *suite = suite_create("mirror");
    TCase *cases = tcase_create("plays");

    tcase_set_timeout(cases, 300);
    tcase_add_test(cases, i19_the_backend_stands_a_hostile_frontend);
    tcase_add_test(cases, i19_a_ring_that_is_read_over_need_not_be_answered);
    tcase_add_test(cases, the_same_bytes_are_the_same_play);
    suite_add_tcase(suite, cases);
    return suite;
}

CHECK_MAIN(mirror_suite)
