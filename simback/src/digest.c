/* SPDX-License-Identifier: ISC */
/*
 * What the world is like now, as one number: all of its memory but the account of how it came
 * there. Two worlds that are alike to the byte go on alike; two that differ only in where something
 * lies or in what is no longer used count as different, so whoever prunes by this prunes too little
 * rather than too much.
 */
#include "internal.h"

static inline uint64_t mix(uint64_t digest, uint64_t word)
{
    digest = (digest ^ word) * UINT64_C(0x9e3779b97f4a7c15);
    return digest ^ digest >> 29;
}

/* Reads redzones and freed memory too, which checkers know as poisoned. Four at a time: most of a
 * world is megabytes of it. */
__attribute__((no_sanitize("address"))) uint64_t simback_fold(uint64_t digest, const void *memory,
                                                              size_t length)
{
    const uint64_t *words = memory;
    const uint8_t *rest = (const uint8_t *)memory + length / 8 * 8;
    uint64_t lanes[4] = {digest, 1, 2, 3}, last = 0;
    size_t count = length / 8, i = 0;

    for (; i + 4 <= count; i += 4) {
        lanes[0] = mix(lanes[0], words[i]);
        lanes[1] = mix(lanes[1], words[i + 1]);
        lanes[2] = mix(lanes[2], words[i + 2]);
        lanes[3] = mix(lanes[3], words[i + 3]);
    }
    for (; i < count; i++)
        lanes[0] = mix(lanes[0], words[i]);
    for (i = 0; i < length % 8; i++)
        last = last << 8 | rest[i];
    return mix(mix(mix(mix(lanes[0], lanes[1]), lanes[2]), lanes[3]), last ^ length);
}

static uint64_t fold_between(uint64_t digest, const void *from, const void *to)
{
    return simback_fold(digest, from, (size_t)((const uint8_t *)to - (const uint8_t *)from));
}

uint64_t simback_world_digest(const struct simback_world *world)
{
    const struct arena *arena = &world->arena;
    struct schedule schedule = world->schedule;
    uint64_t digest;

    schedule.steps = schedule.steps_since_progress = 0;
    digest = fold_between(0, &world->now, &world->schedule);
    digest = simback_fold(digest, &schedule, sizeof(schedule));
    digest = fold_between(digest, &world->domains, &world->trace);
    digest =
        fold_between(digest, arena->base + arena->object_begin, arena->base + arena->object_next);
    digest = simback_fold(digest, arena->pages, arena->page_next * sizeof(arena->pages[0]));
    return simback_fold(digest, arena->page_base, (size_t)arena->page_next * WORLD_PAGE_SIZE);
}
