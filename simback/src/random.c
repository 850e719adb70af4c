/* SPDX-License-Identifier: ISC */
/*
 * The world's one source of chance: xoshiro256** (Blackman and Vigna), its state filled from the
 * seed by splitmix64, as its authors advise.
 */
#include "internal.h"

static uint64_t splitmix64(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static uint64_t rotate_left(uint64_t value, unsigned by)
{
    return (value << by) | (value >> (64 - by));
}

void random_seed(struct random *random, uint64_t seed)
{
    for (unsigned i = 0; i < 4; i++)
        random->state[i] = splitmix64(&seed);
}

uint64_t random_next(struct random *random)
{
    uint64_t *s = random->state;
    uint64_t result = rotate_left(s[1] * 5, 7) * 9;
    uint64_t t = s[1] << 17;

    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotate_left(s[3], 45);
    return result;
}

/* Values from the uneven rest at the top are thrown away, so that each result is equally likely. */
uint64_t random_below(struct random *random, uint64_t bound)
{
    uint64_t uneven = (0 - bound) % bound; /* 2^64 mod bound */
    uint64_t value;

    do {
        value = random_next(random);
    } while (value < uneven);
    return value % bound;
}

uint64_t simback_random(struct simback_world *world)
{
    return random_next(&world->random);
}

uint64_t simback_random_below(struct simback_world *world, uint64_t bound)
{
    return random_below(&world->random, bound);
}
