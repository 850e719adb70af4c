/* SPDX-License-Identifier: ISC */
/*
 * The free list of slots and the judgement on a response's id and operation (I2).
 */
#include "slots.h"

enum { NO_SLOT = UINT16_MAX + 1 }; /* above any slot number */

void slots_init(struct slots *slots, struct slot *memory, uint32_t count,
                struct slot_segment *segments, uint32_t segments_each)
{
    slots->slots = memory;
    slots->count = count;
    slots->free = count > 0 ? 0 : NO_SLOT;
    slots->used = 0;
    for (uint32_t i = 0; i < count; i++) {
        memory[i] = (struct slot){
            .segments = segments + (size_t)i * segments_each,
            .next_free = i + 1 < count ? i + 1 : NO_SLOT,
            .state = SLOT_FREE,
        };
    }
}

struct slot *slots_take(struct slots *slots)
{
    struct slot *slot;

    if (slots->free == NO_SLOT)
        return NULL;
    slot = &slots->slots[slots->free];
    slots->free = slot->next_free;
    slots->used++;
    slot->state = SLOT_IN_FLIGHT;
    slot->segment_count = 0;
    return slot;
}

void slots_release(struct slots *slots, struct slot *slot)
{
    slot->state = SLOT_FREE;
    slot->request = NULL;
    slot->segment_count = 0;
    slot->generation++;
    slot->next_free = slots->free;
    slots->free = (uint32_t)(slot - slots->slots);
    slots->used--;
}

uint64_t slots_id(const struct slots *slots, const struct slot *slot)
{
    return (uint64_t)slot->generation << 32 | (uint64_t)(slot - slots->slots);
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
    uint32_t listed = 0, used = 0;

    for (uint32_t i = slots->free; i != NO_SLOT; i = slots->slots[i].next_free) {
        if (i >= slots->count || listed == slots->count || slots->slots[i].state != SLOT_FREE)
            return false;
        listed++;
    }
    for (uint32_t i = 0; i < slots->count; i++)
        used += slots->slots[i].state != SLOT_FREE;
    return used == slots->used && used + listed == slots->count;
}
