/* SPDX-License-Identifier: ISC */
/*
 * The world's chance: the published generators, compared with outputs that others have published,
 * and numbers below a bound.
 */
#include "cunit_main.h"
#include "internal.h"
#include "sim_world.h"

/* xoshiro256** from the state 1, 2, 3, 4: the vector that rand_xoshiro's tests use too. */
static void xoshiro256_gives_the_published_numbers(void)
{
    static const uint64_t expected[] = {
        UINT64_C(11520),
        UINT64_C(0),
        UINT64_C(1509978240),
        UINT64_C(1215971899390074240),
        UINT64_C(1216172134540287360),
        UINT64_C(607988272756665600),
        UINT64_C(16172922978634559625),
        UINT64_C(8476171486693032832),
        UINT64_C(10595114339597558777),
        UINT64_C(2904607092377533576),
    };
    struct random random = {{1, 2, 3, 4}};

    for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++)
        CU_ASSERT_EQUAL(random_next(&random), expected[i]);
}

/* splitmix64 from 1234567. */
static void the_seed_is_spread_by_splitmix64(void)
{
    struct random random;

    random_seed(&random, 1234567);
    CU_ASSERT_EQUAL(random.state[0], UINT64_C(6457827717110365317));
    CU_ASSERT_EQUAL(random.state[1], UINT64_C(3203168211198807973));
    CU_ASSERT_EQUAL(random.state[2], UINT64_C(9817491932198370423));
    CU_ASSERT_EQUAL(random.state[3], UINT64_C(4593380528125082431));
}

static void below_a_bound_every_number_comes_and_none_beyond(void)
{
    unsigned seen[7] = {0};
    struct random random;

    random_seed(&random, 1);
    for (unsigned i = 0; i < 7000; i++) {
        uint64_t value = random_below(&random, 7);

        CU_ASSERT_FATAL(value < 7);
        seen[value]++;
    }
    for (unsigned i = 0; i < 7; i++)
        CU_ASSERT(seen[i] > 800 && seen[i] < 1200);
    CU_ASSERT_EQUAL(random_below(&random, 1), 0);
}

static void the_world_draws_by_its_seed(void)
{
    struct simback_world_options options;
    uint64_t first;

    sim_world_begin(false);
    simback_world_options_init(&options);
    options.rules = false;
    options.seed = 5;
    simback_world_reset(world, &options);
    first = simback_random(world);
    simback_world_reset(world, &options);
    CU_ASSERT_EQUAL(simback_random(world), first);
    options.seed = 6;
    simback_world_reset(world, &options);
    CU_ASSERT_NOT_EQUAL(simback_random(world), first);
    CU_ASSERT(simback_random_below(world, 3) < 3);
    sim_world_tear_down();
}

static const struct unit_test tests[] = {
    UNIT_TEST(xoshiro256_gives_the_published_numbers),
    UNIT_TEST(the_seed_is_spread_by_splitmix64),
    UNIT_TEST(below_a_bound_every_number_comes_and_none_beyond),
    UNIT_TEST(the_world_draws_by_its_seed),
};

UNIT_MAIN("random", tests)
