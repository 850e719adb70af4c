/* SPDX-License-Identifier: ISC */
/*
 * A world to come back to: a copy of the control block, the objects, the table of pages and the
 * pages, with the marks of whoever checks memory. Coming back compares and writes only what
 * differs: reading is cheap, and most of a world is as it was after a few steps. Most of it is
 * zeros, too, of which there is no copy to read. What the parts mean by their bytes is not asked
 * here: all of a world lies in its arena, at the same addresses for ever.
 */
#include "internal.h"
#include "poison.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* Redzones and freed memory are copied too; and what is done here is nothing that an input leads
 * to. */
#if defined(__clang__)
#define AS_IT_IS __attribute__((no_sanitize("address", "undefined", "coverage")))
#else
#define AS_IT_IS __attribute__((no_sanitize("address", "undefined")))
#endif

enum {
    LINE = 64,
    ZEROS_LEAST = 8, /* lines: fewer between others are copied like them */
    EVENTS_KEPT = 32 /* of the last events from before; more than a report shows */
};

/* A piece of the world and its copy. Sizes are whole lines, addresses lines' beginnings. The piece
 * is one run after the other. */
struct piece {
    void *there;
    size_t size;
    uint8_t *copy; /* of the lines that are no zeros */
    struct run *runs;
    size_t run_count;
};

/* So many lines of zeros, then so many others. */
struct run {
    uint32_t zeros, others;
};

enum { OBJECTS, OBJECT_MARKS, TABLE, PAGES, PAGE_MARKS, PIECES };

struct simback_snapshot {
    size_t room;                 /* of bytes */
    struct simback_world *world; /* a copy of the control block, without the events kept */
    struct trace_record kept[EVENTS_KEPT];
    struct piece pieces[PIECES];
    uint8_t bytes[]; /* the control block, then the copies and runs of the pieces */
};

#define CONTROL_SIZE (offsetof(struct simback_world, trace) + offsetof(struct trace, kept))

/* ---- copying ---- */

/* As words, at an address that the compiler knows to be a line's. */
AS_IT_IS static const uint64_t *words_of(const uint8_t *line)
{
    return __builtin_assume_aligned(line, LINE);
}

AS_IT_IS static void copy_line(uint8_t *to, const uint8_t *from)
{
    uint64_t words[LINE / 8];

    for (unsigned i = 0; i < LINE / 8; i++)
        words[i] = words_of(from)[i];
    for (unsigned i = 0; i < LINE / 8; i++)
        ((uint64_t *)(void *)to)[i] = words[i];
}

AS_IT_IS static bool is_same_line(const uint8_t *one, const uint8_t *other)
{
    const uint64_t *a = words_of(one), *b = words_of(other);

    return ((a[0] ^ b[0]) | (a[1] ^ b[1]) | (a[2] ^ b[2]) | (a[3] ^ b[3]) | (a[4] ^ b[4]) |
            (a[5] ^ b[5]) | (a[6] ^ b[6]) | (a[7] ^ b[7])) == 0;
}

AS_IT_IS static bool is_zero_line(const uint8_t *line)
{
    const uint64_t *a = words_of(line);

    return (a[0] | a[1] | a[2] | a[3] | a[4] | a[5] | a[6] | a[7]) == 0;
}

AS_IT_IS static void clear_line(uint8_t *line)
{
    for (unsigned i = 0; i < LINE / 8; i++)
        ((uint64_t *)(void *)line)[i] = 0;
}

/* The zeros that begin here. */
AS_IT_IS static const uint8_t *skip_zeros(const uint8_t *at, const uint8_t *end)
{
    while (at != end && is_zero_line(at))
        at += LINE;
    return at;
}

/* And the lines before the next zeros that are worth a run. */
AS_IT_IS static const uint8_t *skip_others(const uint8_t *at, const uint8_t *end)
{
    while (at != end) {
        const uint8_t *zeros_end = skip_zeros(at, end);

        if (zeros_end - at >= (ptrdiff_t)ZEROS_LEAST * LINE ||
            (zeros_end == end && zeros_end != at))
            return at;
        at = zeros_end == end ? end : zeros_end + LINE;
    }
    return end;
}

/* Into room that is enough for any. */
AS_IT_IS static void save_piece(struct piece *piece)
{
    const uint8_t *at = piece->there, *end = at + piece->size;
    uint8_t *copy = piece->copy;

    piece->run_count = 0;
    while (at != end) {
        const uint8_t *others = skip_zeros(at, end);
        const uint8_t *next = skip_others(others, end);

        piece->runs[piece->run_count++] = (struct run){
            .zeros = (uint32_t)((others - at) / LINE),
            .others = (uint32_t)((next - others) / LINE),
        };
        for (at = others; at != next; at += LINE, copy += LINE)
            copy_line(copy, at);
    }
}

AS_IT_IS static void load_piece(const struct piece *piece)
{
    const uint8_t *copy = piece->copy;
    uint8_t *there = piece->there;

    for (const struct run *run = piece->runs; run != piece->runs + piece->run_count; run++) {
        for (const uint8_t *end = there + (size_t)run->zeros * LINE; there != end; there += LINE) {
            if (!is_zero_line(there))
                clear_line(there);
        }
        for (const uint8_t *end = there + (size_t)run->others * LINE; there != end;
             there += LINE, copy += LINE) {
            if (!is_same_line(there, copy))
                copy_line(there, copy);
        }
    }
}

/* ---- saving ---- */

static size_t lines(size_t size)
{
    return (size + LINE - 1) / LINE * LINE;
}

static struct piece piece_of(void *there, size_t size)
{
    return (struct piece){.there = there, .size = size};
}

/* The pieces without their copies. */
static void find_pieces(const struct arena *arena, struct piece pieces[PIECES])
{
    size_t objects = lines(arena->object_next - arena->object_begin);
    size_t pages = (size_t)arena->page_next * WORLD_PAGE_SIZE;

    pieces[OBJECTS] = piece_of(arena->base + arena->object_begin, objects);
    pieces[OBJECT_MARKS] =
        piece_of(poison_marks(pieces[OBJECTS].there), lines(poison_marks_size(objects)));
    pieces[TABLE] = piece_of(arena->pages, lines(arena->page_next * sizeof(arena->pages[0])));
    pieces[PAGES] = piece_of(arena->page_base, pages);
    pieces[PAGE_MARKS] = piece_of(poison_marks(arena->page_base), lines(poison_marks_size(pages)));
}

/* Room for the runs of a piece of that size, if it came to the worst. */
static size_t runs_size(const struct piece *piece)
{
    return lines((piece->size / LINE / ZEROS_LEAST + 2) * sizeof(piece->runs[0]));
}

static void save_events(const struct trace *trace, struct simback_snapshot *snapshot)
{
    uint64_t count = trace->kept_count < EVENTS_KEPT ? trace->kept_count : EVENTS_KEPT;

    for (uint64_t at = trace->kept_count - count; at < trace->kept_count; at++)
        snapshot->kept[at % EVENTS_KEPT] = trace->kept[at % TRACE_KEPT];
}

/* Old memory, if it is enough. */
static struct simback_snapshot *make_room(struct simback_snapshot *old, size_t size)
{
    struct simback_snapshot *snapshot = old;

    if (old != NULL && old->room >= size)
        return old;
    free(old);
    snapshot = aligned_alloc(LINE, lines(sizeof(*snapshot)) + size);
    if (snapshot != NULL)
        snapshot->room = size;
    return snapshot;
}

struct simback_snapshot *simback_world_save(const struct simback_world *world,
                                            struct simback_snapshot *old)
{
    struct simback_snapshot *snapshot;
    struct piece pieces[PIECES];
    size_t size = lines(CONTROL_SIZE);
    uint8_t *at;

    if (!poison_can_copy() || world->file_disks != NULL) {
        free(old);
        return NULL;
    }
    find_pieces(&world->arena, pieces);
    for (unsigned i = 0; i < PIECES; i++)
        size += pieces[i].size + runs_size(&pieces[i]);
    snapshot = make_room(old, size);
    if (snapshot == NULL)
        return NULL;
    at = (uint8_t *)snapshot + lines(sizeof(*snapshot));
    snapshot->world = (struct simback_world *)(void *)at;
    memcpy(at, world, CONTROL_SIZE);
    at += lines(CONTROL_SIZE);
    save_events(&world->trace, snapshot);
    for (unsigned i = 0; i < PIECES; i++) {
        pieces[i].copy = at;
        at += pieces[i].size;
        pieces[i].runs = (struct run *)(void *)at;
        at += runs_size(&pieces[i]);
        save_piece(&pieces[i]);
        snapshot->pieces[i] = pieces[i];
    }
    return snapshot;
}

void simback_snapshot_free(struct simback_snapshot *snapshot)
{
    free(snapshot);
}

/* ---- coming back ---- */

/* What was handed out since belongs to nobody, as before. */
static void forget_beyond(const struct arena *now, const struct arena *then)
{
    if (now->object_next > then->object_next)
        poison(now->base + then->object_next, now->object_next - then->object_next);
    if (now->page_next > then->page_next) {
        poison(arena_page_address(now, then->page_next),
               (size_t)(now->page_next - then->page_next) * WORLD_PAGE_SIZE);
        memset(now->pages + then->page_next, 0,
               (now->page_next - then->page_next) * sizeof(now->pages[0]));
    }
}

/* What is known of memory beyond the world's own stays known. */
static void keep_marks(struct arena *arena, const struct arena *before)
{
    uint64_t objects = before->object_dirty;
    uint32_t pages = before->page_dirty;

    if (objects < before->object_next)
        objects = before->object_next;
    if (pages < before->page_next)
        pages = before->page_next;
    if (arena->object_dirty < objects)
        arena->object_dirty = objects;
    if (arena->page_dirty < pages)
        arena->page_dirty = pages;
    if (arena->object_poisoned < before->object_poisoned)
        arena->object_poisoned = before->object_poisoned;
    if (arena->page_poisoned < before->page_poisoned)
        arena->page_poisoned = before->page_poisoned;
}

static void load_events(struct trace *trace, const struct simback_snapshot *snapshot)
{
    uint64_t count = trace->kept_count < EVENTS_KEPT ? trace->kept_count : EVENTS_KEPT;

    for (uint64_t at = trace->kept_count - count; at < trace->kept_count; at++)
        trace->kept[at % TRACE_KEPT] = snapshot->kept[at % EVENTS_KEPT];
    trace->kept_from = trace->kept_count - count;
}

void simback_world_load(struct simback_world *world, const struct simback_snapshot *snapshot,
                        uint64_t max_steps)
{
    struct arena before = world->arena;

    backends_reset(world);
    forget_beyond(&before, &snapshot->world->arena);
    memcpy(world, snapshot->world, CONTROL_SIZE);
    keep_marks(&world->arena, &before);
    world->options.max_steps = max_steps;
    for (unsigned i = 0; i < PIECES; i++)
        load_piece(&snapshot->pieces[i]);
    load_events(&world->trace, snapshot);
}
