/* SPDX-License-Identifier: ISC */
/*
 * What a load step writes over a ring in the middle of a step of the frontend. Rings are looked at
 * when the step has ended: until then this remembers what the frontend had put there, so that it is
 * judged by its own words and slots alone.
 */
#include "monitor.h"

#include <string.h>

static uint8_t *byte_of(const struct monitor_ring *ring, uint32_t offset)
{
    return ring->address[offset / WORLD_PAGE_SIZE] + offset % WORLD_PAGE_SIZE;
}

void monitor_overwrite(struct monitor *monitor, const struct monitor_ring *ring, uint32_t offset,
                       const uint8_t *bytes, uint32_t length)
{
    uint64_t room = (uint64_t)ring->pages * WORLD_PAGE_SIZE;
    struct monitor_overwrite *kept;

    if (offset >= room)
        return;
    if (length > room - offset)
        length = (uint32_t)(room - offset);
    if (ring->attached && monitor->overwrite_count < MONITOR_OVERWRITES &&
        length <= MONITOR_OVERWRITE_BYTES) {
        kept = &monitor->overwrites[monitor->overwrite_count++];
        kept->ring = ring;
        kept->offset = offset;
        kept->length = length;
        monitor_ring_copy(ring, offset, kept->under, length);
        memcpy(kept->wrote, bytes, length);
        memset(kept->gone, 0, length);
    }
    for (uint32_t i = 0; i < length; i++)
        *byte_of(ring, offset + i) = bytes[i];
}

void monitor_front_stores(struct monitor *monitor, const struct monitor_ring *ring, uint32_t offset,
                          size_t length)
{
    for (uint32_t i = 0; i < monitor->overwrite_count; i++) {
        struct monitor_overwrite *kept = &monitor->overwrites[i];

        for (uint32_t at = 0; kept->ring == ring && at < kept->length; at++) {
            if (kept->offset + at >= offset && kept->offset + at - offset < length)
                kept->gone[at] = true;
        }
    }
}

/* Where something else than what was written stands, the frontend has written again without a
 * word. */
static void take_off(const struct monitor_overwrite *kept, uint32_t offset, uint8_t *bytes,
                     size_t length)
{
    for (uint32_t i = 0; i < kept->length; i++) {
        uint64_t at = (uint64_t)kept->offset + i - offset;

        if (kept->offset + i >= offset && at < length && !kept->gone[i] &&
            bytes[at] == kept->wrote[i])
            bytes[at] = kept->under[i];
    }
}

void monitor_front_copy(const struct monitor *monitor, const struct monitor_ring *ring,
                        uint32_t offset, void *to, size_t length)
{
    monitor_ring_copy(ring, offset, to, length);
    for (uint32_t i = monitor->overwrite_count; i > 0; i--) { /* the last one lies on top */
        if (monitor->overwrites[i - 1].ring == ring)
            take_off(&monitor->overwrites[i - 1], offset, to, length);
    }
}

uint32_t monitor_front_word(const struct monitor *monitor, const struct monitor_ring *ring,
                            enum simback_ring_word word)
{
    uint32_t value = monitor_ring_word(ring, word);

    if (monitor->overwrite_count != 0)
        monitor_front_copy(monitor, ring, (uint32_t)word * sizeof(value), &value, sizeof(value));
    return value;
}

bool monitor_overwrite_end(struct monitor *monitor, const struct monitor_ring *ring)
{
    uint32_t count = monitor->overwrite_count, left = 0;

    for (uint32_t i = 0; i < count; i++) {
        if (monitor->overwrites[i].ring == ring)
            continue;
        if (left != i)
            monitor->overwrites[left] = monitor->overwrites[i];
        left++;
    }
    monitor->overwrite_count = left;
    return left != count;
}
