/* SPDX-License-Identifier: ISC */
/*
 * The application's buffers: their number, sizes, alignment and memory, as the step says; the
 * pattern that a fill stands for; and whether what was read is that pattern. All of it lies in the
 * world. The caller's own memory is heap.c's.
 */
#include "runner.h"

#include <string.h>

enum { PAGE = BLKIF_WIRE_PAGE_SIZE, UNREAD_BYTE = 0xee };

/* ---- patterns ---- */

/* The first word says itself which sector it is; the others follow from it, each by an odd step
 * from the one before: no two of a sector are alike, nor at the same place in two of them. */
static uint64_t pattern_word(uint8_t fill, uint64_t sector, size_t word)
{
    uint64_t value = (uint64_t)fill << 56 | (sector & ((UINT64_C(1) << 56) - 1));

    return fill == 0 ? 0 : value + (uint64_t)word * UINT64_C(0x9e3779b97f4a7c15);
}

/* Whole words are written and compared as words: a size that the compiler knows is no call. */
void pattern_make(void *to, size_t size, uint8_t fill, uint64_t sector)
{
    const size_t words = size / sizeof(uint64_t), rest = size % sizeof(uint64_t);
    unsigned char *bytes = to;
    uint64_t word;

    for (size_t i = 0; i < words; i++) {
        word = pattern_word(fill, sector, i);
        memcpy(bytes + i * sizeof(word), &word, sizeof(word));
    }
    if (rest != 0) {
        word = pattern_word(fill, sector, words);
        memcpy(bytes + size - rest, &word, rest);
    }
}

bool pattern_holds(const void *from, size_t size, uint8_t fill, uint64_t sector)
{
    const size_t words = size / sizeof(uint64_t), rest = size % sizeof(uint64_t);
    const unsigned char *bytes = from;
    uint64_t word, found;

    for (size_t i = 0; i < words; i++) {
        memcpy(&found, bytes + i * sizeof(found), sizeof(found));
        if (found != pattern_word(fill, sector, i)) {
            return false;
        }
    }
    word = pattern_word(fill, sector, words);
    return rest == 0 || memcmp(bytes + size - rest, &word, rest) == 0;
}

bool buffers_hold(const struct call *call, uint8_t fill, uint64_t *wrong)
{
    uint64_t sector = call->sector;

    for (size_t i = 0; i < call->buffer_count; i++) {
        const struct blkfront_buffer *buffer = &call->buffers[i];

        for (size_t at = 0; at + call->sector_size <= buffer->size; at += call->sector_size) {
            if (!pattern_holds((const unsigned char *)buffer->address + at, call->sector_size, fill,
                               sector)) {
                *wrong = sector;
                return false;
            }
            sector++;
        }
    }
    return true;
}

/* Data of a write, or bytes that no disk has for a read. */
static void fill_buffers(struct call *call, bool write, uint8_t fill)
{
    uint64_t sector = call->sector;

    for (size_t i = 0; i < call->buffer_count; i++) {
        struct blkfront_buffer *buffer = &call->buffers[i];
        unsigned char *bytes = buffer->address;

        if (!write) {
            memset(bytes, UNREAD_BYTE, buffer->size);
            continue;
        }
        for (size_t at = 0; at < buffer->size; at += call->sector_size) {
            size_t left = buffer->size - at;

            pattern_make(bytes + at, left < call->sector_size ? left : call->sector_size, fill,
                         sector++);
        }
    }
}

/* ---- shapes ---- */

/* What the step says, from the fields that read and write have in common. */
struct shape {
    uint64_t count;
    uint64_t buffers;
    uint64_t sizes; /* a LIST; 0: none */
    size_t align;
    size_t extra;
    size_t beyond; /* 0: not at all */
    bool has_beside, has_again;
    uint64_t beside, again; /* names of requests */
};

/* How many sectors buffer `index` has. */
static uint64_t sectors_of(const struct shape *shape, uint64_t number, uint64_t index,
                           uint64_t left)
{
    unsigned cycle = 0;
    uint64_t sectors;

    if (shape->sizes == 0) {
        return shape->count / number + (index < shape->count % number ? 1 : 0);
    }
    do { /* a LIST that is not 0 has a first entry */
        cycle++;
    } while (scenario_list_at(shape->sizes, cycle) != 0);
    sectors = scenario_list_at(shape->sizes, (unsigned)(index % cycle));
    return sectors < left ? sectors : left;
}

static uint64_t number_of_buffers(const struct shape *shape)
{
    uint64_t left = shape->count, number = 0;

    if (shape->sizes == 0) {
        return shape->buffers < shape->count ? shape->buffers : shape->count;
    }
    while (left != 0 && number <= BUFFERS_MAX) {
        left -= sectors_of(shape, 0, number, left);
        number++;
    }
    return number;
}

static bool make_arrays(struct scenario_runner *runner, struct call *call, size_t count)
{
    size_t each = sizeof(*call->buffers) + sizeof(*call->blocks) + sizeof(*call->block_sizes);
    unsigned char *arrays = simback_allocate(runner->world, count * each);

    if (arrays == NULL) {
        return false;
    }
    call->buffers = (struct blkfront_buffer *)(void *)arrays;
    call->blocks = (void **)(void *)(arrays + count * sizeof(*call->buffers));
    call->block_sizes = (size_t *)(void *)(call->blocks + count);
    call->arrays_size = count * each;
    call->buffer_count = count;
    return true;
}

/* ---- memory ---- */

/* The caller's pages are the caller's again. */
static void release_pages(void *context, void *address)
{
    struct call *call = context;

    simback_pages_free(call->runner->world, address, call->page_count);
}

static void unlink_memory(struct scenario_runner *runner, struct call *call)
{
    if (call->previous_memory != NULL) {
        call->previous_memory->next_memory = call->next_memory;
    } else if (runner->memories == call) {
        runner->memories = call->next_memory;
    }
    if (call->next_memory != NULL) {
        call->next_memory->previous_memory = call->previous_memory;
    }
    call->next_memory = NULL;
    call->previous_memory = NULL;
}

static void link_memory(struct scenario_runner *runner, struct call *call)
{
    call->previous_memory = NULL;
    call->next_memory = runner->memories;
    if (runner->memories != NULL) {
        runner->memories->previous_memory = call;
    }
    runner->memories = call;
}

/* One piece of library or registered memory, in which each buffer has pages of its own. A page of
 * the caller's that is not registered lies behind it if a buffer is to reach beyond. */
static bool make_shared_memory(struct scenario_runner *runner, struct call *call, bool write,
                               size_t align, size_t beyond)
{
    struct front *front = &runner->fronts[call->front];
    unsigned uses = write ? BLKFRONT_MEMORY_TO_DISK : BLKFRONT_MEMORY_FROM_DISK;
    unsigned char *address = NULL;
    size_t pages = 0;
    int error;

    for (size_t i = 0; i < call->buffer_count; i++) {
        pages += (align + call->buffers[i].size + PAGE - 1) / PAGE;
    }
    call->page_count = (uint32_t)pages + (beyond != 0);
    if (call->memory_kind == CHOICE_MEMORY_REGISTERED) {
        address = simback_pages_allocate(runner->world, call->page_count);
        if (address == NULL) {
            return false;
        }
        front_enter(runner, front->number, "memory_register");
        error = runner->subject->memory_register(front->device, address, pages, uses, release_pages,
                                                 call, &call->memory);
        front_leave(runner, front->number, "memory_register", error);
        if (error != BLKFRONT_OK) {
            simback_pages_free(runner->world, address, call->page_count);
        }
    } else {
        void *given = NULL;

        front_enter(runner, front->number, "memory_create");
        error = runner->subject->memory_create(front->device, pages, uses, &call->memory, &given);
        front_leave(runner, front->number, "memory_create", error);
        address = given;
    }
    runner->result.given = error != BLKFRONT_OK;
    runner->result.code = error;
    if (error != BLKFRONT_OK) {
        return false;
    }
    link_memory(runner, call);
    for (size_t i = 0; i < call->buffer_count; i++) {
        call->buffers[i].address = address + align;
        call->buffers[i].memory = call->memory;
        address += (align + call->buffers[i].size + PAGE - 1) / PAGE * PAGE;
    }
    if (beyond != 0 && call->memory_kind == CHOICE_MEMORY_REGISTERED) {
        struct blkfront_buffer *last = &call->buffers[call->buffer_count - 1];

        last->address = address + beyond - last->size;
    }
    return true;
}

static bool make_memory(struct scenario_runner *runner, struct call *call,
                        const struct shape *shape, bool write)
{
    if (call->memory_kind != CHOICE_MEMORY_HEAP) {
        return make_shared_memory(runner, call, write, shape->align, shape->beyond);
    }
    return heap_make(runner, call, shape->align, shape->has_beside, shape->beside);
}

/* ---- memory once more ---- */

static uint64_t bytes_of(const struct call *call)
{
    uint64_t bytes = 0;

    for (size_t i = 0; i < call->buffer_count; i++) {
        bytes += call->buffers[i].size;
    }
    return bytes;
}

/* All that the former request has, if it has ended and nobody else needs it. */
static bool take_over(struct scenario_runner *runner, struct call *call, const struct shape *shape)
{
    struct call *former = shape->again < SCENARIO_NAMES_MAX ? runner->names[shape->again] : NULL;

    if (former == NULL || !former->completed || former->buffers == NULL || former->fake ||
        former->front != call->front || former->host != NULL || former->guests != 0 ||
        bytes_of(former) != shape->count * call->sector_size) {
        run_bad_step(runner, "the request whose memory it is to have has none like that to give");
        return false;
    }
    call->buffers = former->buffers;
    call->buffer_count = former->buffer_count;
    call->blocks = former->blocks;
    call->block_sizes = former->block_sizes;
    call->arrays_size = former->arrays_size;
    call->memory_kind = former->memory_kind;
    call->memory = former->memory;
    call->page_count = former->page_count;
    call->room = former->room;
    call->room_end = former->room_end;
    if (former->memory != NULL) {
        unlink_memory(runner, former);
        link_memory(runner, call);
    }
    former->memory = NULL;
    former->memory_kind = CHOICE_MEMORY_HEAP;
    former->buffers = NULL;
    former->buffer_count = 0;
    former->room = NULL;
    return true;
}

/* ---- requests beyond any memory ---- */

/* Of one buffer. */
#define FAKE_MAX (SIZE_MAX / 2)

/* Sizes that say what the step says, over one page that nobody may touch: the request ends beyond
 * the disk, so it has to be refused before anybody looks at the data. */
static bool make_fake(struct scenario_runner *runner, struct call *call, const struct shape *shape)
{
    uint64_t number = shape->sizes != 0 ? 1 : shape->buffers;
    uint64_t most = FAKE_MAX / call->sector_size;
    void *page = simback_pages_allocate(runner->world, 1);

    if (page == NULL || !make_arrays(runner, call, number)) {
        return false;
    }
    call->fake = true;
    call->memory_kind = CHOICE_MEMORY_HEAP;
    call->blocks[0] = page;
    for (uint64_t i = 0; i < number; i++) {
        uint64_t sectors = shape->count / number + (i < shape->count % number ? 1 : 0);

        call->buffers[i].address = page;
        call->buffers[i].size = (size_t)(sectors < most ? sectors : most) * call->sector_size;
    }
    return true;
}

/* While a device is not connected it cannot know: it may take such a request, and judge it by the
 * disk that comes back; so nobody can tell of one that is handed over later. Of the largest disk a
 * buffer cannot say more than there is. */
static bool beyond_disk(const struct scenario_runner *runner, const struct front *front,
                        uint64_t sector, uint64_t count)
{
    if (count > FAKE_MAX / front->sector_size) {
        count = FAKE_MAX / front->sector_size;
    }
    return front->knows_size &&
           runner->subject->device_state(front->device) == BLKFRONT_CONNECTED &&
           (sector > front->sectors || count > front->sectors - sector);
}

/* ---- a request's buffers ---- */

static size_t given_or_0(const struct scenario_step *step, unsigned field)
{
    return scenario_given(step, field) ? (size_t)scenario_value(step, field) : 0;
}

static struct shape shape_of(const struct scenario_step *step, bool write)
{
    struct shape shape = {0};

    if (write) {
        shape.count = scenario_value(step, FIELD_WRITE_COUNT);
        shape.buffers = scenario_value(step, FIELD_WRITE_BUFFERS);
        shape.sizes =
            scenario_given(step, FIELD_WRITE_SIZES) ? scenario_value(step, FIELD_WRITE_SIZES) : 0;
        shape.align = (size_t)scenario_value(step, FIELD_WRITE_ALIGN);
        shape.extra = given_or_0(step, FIELD_WRITE_EXTRA);
        shape.beyond = given_or_0(step, FIELD_WRITE_BEYOND);
        shape.has_beside = scenario_given(step, FIELD_WRITE_BESIDE);
        shape.beside = scenario_value(step, FIELD_WRITE_BESIDE);
        shape.has_again = scenario_given(step, FIELD_WRITE_AGAIN);
        shape.again = scenario_value(step, FIELD_WRITE_AGAIN);
    } else {
        shape.count = scenario_value(step, FIELD_READ_COUNT);
        shape.buffers = scenario_value(step, FIELD_READ_BUFFERS);
        shape.sizes =
            scenario_given(step, FIELD_READ_SIZES) ? scenario_value(step, FIELD_READ_SIZES) : 0;
        shape.align = (size_t)scenario_value(step, FIELD_READ_ALIGN);
        shape.extra = given_or_0(step, FIELD_READ_EXTRA);
        shape.beyond = given_or_0(step, FIELD_READ_BEYOND);
        shape.has_beside = scenario_given(step, FIELD_READ_BESIDE);
        shape.beside = scenario_value(step, FIELD_READ_BESIDE);
        shape.has_again = scenario_given(step, FIELD_READ_AGAIN);
        shape.again = scenario_value(step, FIELD_READ_AGAIN);
    }
    return shape;
}

static bool make_real(struct scenario_runner *runner, struct call *call, const struct shape *shape,
                      bool write, uint8_t fill)
{
    uint64_t number = number_of_buffers(shape);
    uint64_t left = shape->count;

    if (shape->has_again) {
        if (!take_over(runner, call, shape)) {
            return false;
        }
        fill_buffers(call, write, fill);
        return true;
    }
    if (number > BUFFERS_MAX) {
        run_bad_step(runner, "a request has at most %d buffers", BUFFERS_MAX);
        return false;
    }
    if (!make_arrays(runner, call, (size_t)number)) {
        return false;
    }
    for (uint64_t i = 0; i < number; i++) {
        uint64_t sectors = sectors_of(shape, number, i, left);

        call->buffers[i].size = (size_t)sectors * call->sector_size;
        left -= sectors;
    }
    call->buffers[number - 1].size += shape->extra;
    if (!make_memory(runner, call, shape, write)) {
        return false;
    }
    fill_buffers(call, write, fill);
    return true;
}

bool buffers_make(struct scenario_runner *runner, struct call *call,
                  const struct scenario_step *step, bool write)
{
    struct shape shape = shape_of(step, write);
    const struct front *front = &runner->fronts[call->front];
    uint8_t fill = write ? (uint8_t)scenario_value(step, FIELD_WRITE_FILL) : 0;
    bool made;

    call->memory_kind = (uint8_t)(write ? scenario_value(step, FIELD_WRITE_MEMORY)
                                        : scenario_value(step, FIELD_READ_MEMORY));
    if (shape.count == 0) {
        return true; /* no buffer that could be longer */
    }
    call->sectors = shape.count + shape.extra / call->sector_size;
    if (shape.count <= DATA_BYTES_MAX / call->sector_size) {
        made = make_real(runner, call, &shape, write, fill);
    } else if (!scenario_given(step, write ? FIELD_WRITE_AFTER : FIELD_READ_AFTER) &&
               beyond_disk(runner, front, call->sector, shape.count)) {
        made = make_fake(runner, call, &shape);
    } else {
        run_bad_step(runner, "a request has at most %d bytes here", DATA_BYTES_MAX);
        return false;
    }
    if (!made && !runner->result.given) {
        run_bad_step(runner, "the world has no memory for these buffers");
    }
    call->request.buffers = call->buffers;
    call->request.buffer_count = call->buffer_count;
    return made;
}

/* ---- the end ---- */

void buffers_drop_memory(struct scenario_runner *runner, struct call *call)
{
    const struct front *front = &runner->fronts[call->front];

    if (call->memory_kind == CHOICE_MEMORY_HEAP || call->buffers == NULL) {
        return;
    }
    unlink_memory(runner, call);
    if (call->memory != NULL) {
        front_enter(runner, front->number, "memory_destroy");
        runner->subject->memory_destroy(call->memory);
        front_leave(runner, front->number, "memory_destroy", 0);
        call->memory = NULL;
    }
    simback_free(runner->world, call->buffers, call->arrays_size);
    call->buffers = NULL;
    call->buffer_count = 0;
}

void buffers_finish(struct scenario_runner *runner, struct call *call)
{
    if (call->memory_kind != CHOICE_MEMORY_HEAP) {
        buffers_drop_memory(runner, call);
    } else {
        heap_finish(runner, call);
    }
}
