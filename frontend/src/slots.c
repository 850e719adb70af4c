/* SPDX-License-Identifier: ISC */
/*
 * The free list of slots and the judgement on a response's id and operation (I2).
 */
#include "slots.h"

#include <string.h>

void slots_init(struct slots *slots, struct slot *memory, uint32_t count,
                struct slot_segment *segments, uint32_t segments_each)
{
    slots->slots = memory;
    slots->count = count;
    slots->free = 0;
    slots->used = 0;
    slots->long_count = 0;
    slots->long_free_count = 0;
    for (uint32_t i = 0; i < count; i++) {
        memory[i] = (struct slot){
            .segments = segments + (size_t)i * segments_each,
            .own = segments + (size_t)i * segments_each,
            .next_free = i + 1, /* the last one's is the count: there is no such slot */
            .state = SLOT_FREE,
        };
    }
}

void slots_init_long(struct slots *slots, struct slot_segment *segments, uint32_t each,
                     uint32_t *free, uint32_t count)
{
    slots->long_segments = segments;
    slots->long_each = each;
    slots->long_count = count;
    slots->long_free = free;
    slots->long_free_count = count;
    for (uint32_t i = 0; i < count; i++)
        free[i] = i;
}

struct slot *slots_take(struct slots *slots)
{
    struct slot *slot;

    if (slots->free == slots->count)
        return NULL;
    slot = &slots->slots[slots->free];
    slots->free = slot->next_free;
    slots->used++;
    slot->state = SLOT_IN_FLIGHT;
    slot->segment_count = 0;
    slot->indirect_count = 0;
    slot->bounced = false;
    return slot;
}

bool slots_lengthen(struct slots *slots, struct slot *slot)
{
    uint32_t number;

    if (slots->long_free_count == 0)
        return false;
    number = slots->long_free[--slots->long_free_count];
    slot->segments = slots->long_segments + (size_t)number * slots->long_each;
    memcpy(slot->segments, slot->own, slot->segment_count * sizeof(*slot->segments));
    return true;
}

void slots_release(struct slots *slots, struct slot *slot)
{
    if (slot->segments != slot->own) {
        size_t number = (size_t)(slot->segments - slots->long_segments) / slots->long_each;

        slots->long_free[slots->long_free_count++] = (uint32_t)number;
        slot->segments = slot->own;
    }
    slot->state = SLOT_FREE;
    slot->request = NULL;
    slot->generation++;
    slot->next_free = slots->free;
    slots->free = (uint32_t)(slot - slots->slots);
    slots->used--;
}

uint64_t slots_id(const struct slots *slots, const struct slot *slot)
{
    return (uint64_t)slot->generation << 32 | (uint64_t)(slot - slots->slots);
}

void slots_put(struct slots *slots, const struct slot *slot, uint32_t entry)
{
    slots->slots[entry].put_here = (uint32_t)(slot - slots->slots);
}

const struct slot *slots_guess(const struct slots *slots, uint32_t entry)
{
    const struct slot *slot = &slots->slots[slots->slots[entry].put_here];

    return slot->state == SLOT_FREE ? NULL : slot;
}

struct slot *slots_match(const struct slots *slots, const struct wire_response *response,
                         bool *tolerated, const char **reason)
{
    uint64_t number = response->id & UINT32_MAX;
    struct slot *slot;

    *tolerated = false;
    *reason = "response id not in flight";
    if (number >= slots->count)
        return NULL;
    slot = &slots->slots[number];
    if (slot->state == SLOT_FREE || slot->generation != response->id >> 32)
        return NULL;

    *reason = "response operation does not match";
    if (slot->operation == BLKIF_WIRE_INDIRECT) {
        *tolerated = response->operation == BLKIF_WIRE_INDIRECT;
        if (response->operation != slot->inner && !*tolerated)
            return NULL;
    } else if (response->operation != slot->operation) {
        return NULL;
    }
    *reason = NULL;
    return slot;
}

bool slots_check(const struct slots *slots)
{
    uint32_t listed = 0, used = 0, lengthened = 0;

    for (uint32_t i = slots->free; i != slots->count; i = slots->slots[i].next_free) {
        if (i >= slots->count || listed == slots->count || slots->slots[i].state != SLOT_FREE)
            return false;
        listed++;
    }
    for (uint32_t i = 0; i < slots->count; i++) {
        used += slots->slots[i].state != SLOT_FREE;
        lengthened += slots->slots[i].segments != slots->slots[i].own;
    }
    return used == slots->used && used + listed == slots->count &&
           lengthened + slots->long_free_count == slots->long_count;
}
