/* SPDX-License-Identifier: ISC */
/*
 * Requests that wait for their answer: held until released, or due at some time. The entries are
 * made once, at connect; adding, releasing and finding the next one that is due take no search
 * where delays are equal, and never more than the ring has slots.
 */
#include "backend_internal.h"

static struct pending_list *list_of(struct pending_table *table, enum pending_kind kind)
{
    switch (kind) {
    case PENDING_FREE: return &table->free;
    case PENDING_HELD: return &table->held;
    case PENDING_TIMED:
    case PENDING_REORDERED: break;
    }
    return &table->timed;
}

static void unlink_entry(struct pending_table *table, struct pending_list *list, uint32_t index)
{
    struct pending *entry = &table->entries[index];

    if (entry->previous == PENDING_NONE)
        list->first = entry->next;
    else
        table->entries[entry->previous].next = entry->next;
    if (entry->next == PENDING_NONE)
        list->last = entry->previous;
    else
        table->entries[entry->next].previous = entry->previous;
}

/* Behind `after`, or at the beginning with PENDING_NONE. */
static void link_entry(struct pending_table *table, struct pending_list *list, uint32_t index,
                       uint32_t after)
{
    struct pending *entry = &table->entries[index];

    entry->previous = after;
    entry->next = after == PENDING_NONE ? list->first : table->entries[after].next;
    if (after == PENDING_NONE)
        list->first = index;
    else
        table->entries[after].next = index;
    if (entry->next == PENDING_NONE)
        list->last = index;
    else
        table->entries[entry->next].previous = index;
}

static void link_timed(struct pending_table *table, uint32_t index)
{
    uint32_t after = table->timed.last;

    while (after != PENDING_NONE && table->entries[after].due_ns > table->entries[index].due_ns)
        after = table->entries[after].previous;
    link_entry(table, &table->timed, index, after);
}

void pending_init(struct pending_table *table, struct pending *entries, uint32_t size)
{
    const struct pending_list empty = {PENDING_NONE, PENDING_NONE};

    *table = (struct pending_table){
        .entries = entries, .size = size, .free = empty, .held = empty, .timed = empty};
    for (uint32_t i = 0; i < size; i++) {
        entries[i].kind = PENDING_FREE;
        link_entry(table, &table->free, i, table->free.last);
    }
}

struct pending *pending_add(struct pending_table *table, const struct slot_request *request,
                            enum pending_kind kind, uint64_t due_ns, uint32_t name)
{
    const uint32_t index = table->free.first;
    struct pending *entry;

    if (index == PENDING_NONE)
        return NULL;
    entry = &table->entries[index];
    unlink_entry(table, &table->free, index);
    entry->request = *request;
    entry->kind = kind;
    entry->due_ns = due_ns;
    entry->name = name;
    entry->refused = false;
    entry->pins = PENDING_NONE;
    if (kind == PENDING_HELD) {
        link_entry(table, &table->held, index, table->held.last);
        table->held_count++;
    } else {
        link_timed(table, index);
    }
    table->count++;
    if (kind == PENDING_REORDERED)
        table->reordered++;
    return entry;
}

uint32_t pending_release(struct pending_table *table, bool all, uint32_t name, uint64_t now_ns)
{
    uint32_t released = 0;

    for (uint32_t index = table->held.first; index != PENDING_NONE;) {
        struct pending *entry = &table->entries[index];
        const uint32_t next = entry->next;

        if (all || entry->name == name) {
            unlink_entry(table, &table->held, index);
            entry->kind = PENDING_TIMED;
            entry->due_ns = now_ns;
            link_timed(table, index);
            table->held_count--;
            released++;
        }
        index = next;
    }
    return released;
}

struct pending *pending_due(struct pending_table *table, uint64_t now_ns, bool reordered)
{
    uint32_t index = table->timed.first;

    if (reordered) {
        if (table->reordered == 0)
            return NULL;
        while (table->entries[index].kind != PENDING_REORDERED)
            index = table->entries[index].next;
        return &table->entries[index];
    }
    if (index == PENDING_NONE || table->entries[index].due_ns > now_ns)
        return NULL;
    return &table->entries[index];
}

void pending_remove(struct pending_table *table, struct pending *pending)
{
    const uint32_t index = (uint32_t)(pending - table->entries);

    unlink_entry(table, list_of(table, pending->kind), index);
    if (pending->kind == PENDING_REORDERED)
        table->reordered--;
    table->count--;
    pending->kind = PENDING_FREE;
    link_entry(table, &table->free, index, table->free.last);
}

uint64_t pending_next(const struct pending_table *table)
{
    return table->timed.first == PENDING_NONE ? SIMBACK_NEVER
                                              : table->entries[table->timed.first].due_ns;
}
