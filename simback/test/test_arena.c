/* SPDX-License-Identifier: ISC */
/*
 * The memory of a world: fixed addresses, zeroed memory, late reuse, what a reset keeps, what a
 * world costs. That an overflow dies is proved in test_overflow.c.
 */
#define _DEFAULT_SOURCE
#include "cunit_main.h"
#include "internal.h"
#include "poison.h"
#include "sim_world.h"

#include <stdalign.h>
#include <stdint.h>
#include <unistd.h>

#define PAGE ((size_t)WORLD_PAGE_SIZE)
#define MANY ((size_t)20 << 20)

static bool is_zero(const void *memory, size_t size)
{
    const uint8_t *bytes = memory;

    for (size_t i = 0; i < size; i++) {
        if (bytes[i] != 0)
            return false;
    }
    return true;
}

/* Memory that must be there. */
static void *objects_of(size_t size)
{
    void *memory = simback_allocate(world, size);

    if (memory == NULL)
        __builtin_trap();
    return memory;
}

static void *pages_of(uint32_t count)
{
    void *memory = simback_pages_allocate(world, count);

    if (memory == NULL)
        __builtin_trap();
    return memory;
}

static void a_world_lies_at_a_fixed_address(void)
{
    const void *address = world, *object = objects_of(10), *page;

    page = pages_of(1);
    sim_world_tear_down();
    sim_world_set_up();
    CU_ASSERT_PTR_EQUAL(world, address);
    CU_ASSERT_PTR_EQUAL(objects_of(10), object);
    CU_ASSERT_PTR_EQUAL(pages_of(1), page);
#if !POISON_ASAN && !POISON_TSAN && !POISON_MSAN
    if (!poison_in_valgrind())
        CU_ASSERT_EQUAL((uintptr_t)world, (uintptr_t)UINT64_C(0x300000000000));
#endif
}

static void a_second_world_takes_the_next_slot(void)
{
    struct simback_world_options options;
    struct simback_world *second;
    uint32_t number;
    void *page;

    simback_world_options_init(&options);
    options.rules = false;
    second = simback_world_create(&options);
    CU_ASSERT_PTR_NOT_NULL_FATAL(second);
    CU_ASSERT((uintptr_t)second > (uintptr_t)world);
    page = simback_pages_allocate(second, 1);
    CU_ASSERT_FALSE(simback_page_number(world, page, &number));
    CU_ASSERT_TRUE(simback_page_number(second, page, &number));
    simback_world_destroy(second);
}

static void objects_are_zeroed_and_aligned(void)
{
    for (size_t size = 0; size < 5000; size += 1 + size / 7) {
        void *memory = objects_of(size);

        CU_ASSERT_EQUAL((uintptr_t)memory % alignof(max_align_t), 0);
        CU_ASSERT_TRUE(is_zero(memory, size));
        memset(memory, 0xee, size);
    }
}

/* Every size has room: neighbours written to their last byte leave each other alone. */
static void objects_do_not_overlap(void)
{
    enum { COUNT = 700 };
    static uint8_t *object[COUNT];

    for (size_t size = 1; size < COUNT; size++) {
        object[size] = objects_of(size);
        memset(object[size], (int)(size & 0xff), size);
    }
    for (size_t size = 1; size < COUNT; size++) {
        CU_ASSERT_EQUAL(object[size][0], (uint8_t)size);
        CU_ASSERT_EQUAL(object[size][size - 1], (uint8_t)size);
    }
}

static void what_is_freed_is_used_again_late_and_zeroed(void)
{
    uint8_t *first = objects_of(1000), *memory;
    unsigned rounds = 0;

    memset(first, 0xee, 1000);
    simback_free(world, first, 1000);
    for (;;) {
        memory = objects_of(1000);
        rounds++;
        if (memory == first || rounds == 10000)
            break;
        memset(memory, 0xee, 1000);
        simback_free(world, memory, 1000);
    }
    CU_ASSERT_PTR_EQUAL(memory, first);
    CU_ASSERT(rounds > 900);
    CU_ASSERT_TRUE(is_zero(memory, 1000));
}

static void pages_are_used_again_late_and_zeroed(void)
{
    uint8_t *first = pages_of(3), *memory;
    unsigned rounds = 0;

    memset(first, 0xee, 3 * PAGE);
    simback_pages_free(world, first, 3);
    for (;;) {
        memory = pages_of(3);
        rounds++;
        if (memory == first || rounds == 10000)
            break;
        memset(memory, 0xee, 3 * PAGE);
        simback_pages_free(world, memory, 3);
    }
    CU_ASSERT_PTR_EQUAL(memory, first);
    CU_ASSERT(rounds > 80);
    CU_ASSERT_TRUE(is_zero(memory, 3 * PAGE));
}

static void large_blocks_of_pages_are_used_again_in_their_size(void)
{
    void *large = pages_of(400), *larger = pages_of(401);

    simback_pages_free(world, large, 400);
    simback_pages_free(world, larger, 401);
    CU_ASSERT_PTR_EQUAL(pages_of(401), larger);
    CU_ASSERT_PTR_EQUAL(pages_of(400), large);
}

static void pages_have_numbers_and_a_page_between_blocks(void)
{
    uint8_t *one = pages_of(2), *two = pages_of(1);
    uint32_t number, next;

    CU_ASSERT_EQUAL((uintptr_t)one % PAGE, 0);
    CU_ASSERT_TRUE(simback_page_number(world, one, &number));
    CU_ASSERT_TRUE(simback_page_number(world, two, &next));
    CU_ASSERT_NOT_EQUAL(number, 0);
    CU_ASSERT_EQUAL(next, number + 3);
    CU_ASSERT_TRUE(simback_page_number(world, one + 4097, &next));
    CU_ASSERT_EQUAL(next, number + 1);
    CU_ASSERT_PTR_EQUAL(simback_page_address(world, number), one);
    CU_ASSERT_FALSE(simback_page_number(world, world, &number));
    CU_ASSERT_FALSE(simback_page_number(world, NULL, &number));
    CU_ASSERT_FALSE(simback_page_number(world, two + 100 * PAGE, &number));
    CU_ASSERT_PTR_NULL(simback_pages_allocate(world, 0));
}

static void a_reset_world_is_as_new(void)
{
    size_t used = simback_memory_used(world);
    uint64_t allocations = simback_allocations(world);
    uint8_t *objects[64], *pages[16];

    for (unsigned i = 0; i < 64; i++) {
        objects[i] = objects_of(100 + 1000 * i);
        memset(objects[i], 0xee, 100 + 1000 * i);
    }
    for (unsigned i = 0; i < 16; i++) {
        pages[i] = pages_of(1 + i);
        memset(pages[i], 0xee, (1 + i) * PAGE);
    }
    simback_advance(world, 1000);
    simback_world_reset(world, NULL);
    CU_ASSERT_EQUAL(simback_now(world), 0);
    CU_ASSERT_EQUAL(simback_memory_used(world), used);
    CU_ASSERT_EQUAL(simback_allocations(world), allocations);
    for (unsigned i = 0; i < 64; i++) {
        CU_ASSERT_PTR_EQUAL(objects_of(100 + 1000 * i), objects[i]);
        CU_ASSERT_TRUE(is_zero(objects[i], 100 + 1000 * i));
    }
    for (unsigned i = 0; i < 16; i++) {
        CU_ASSERT_PTR_EQUAL(pages_of(1 + i), pages[i]);
        CU_ASSERT_TRUE(is_zero(pages[i], (1 + i) * PAGE));
    }
}

static void a_reset_gives_much_memory_back_to_the_host(void)
{
    uint8_t *object = objects_of(MANY);
    uint8_t *pages = pages_of(4096);

    memset(object, 0xee, MANY);
    memset(pages, 0xee, 4096 * PAGE);
    simback_world_reset(world, NULL);
    CU_ASSERT_PTR_EQUAL(objects_of(MANY), object);
    CU_ASSERT_TRUE(is_zero(object, MANY));
    CU_ASSERT_PTR_EQUAL(pages_of(4096), pages);
    CU_ASSERT_TRUE(is_zero(pages, 4096 * PAGE));
}

static void memory_is_counted(void)
{
    size_t used = simback_memory_used(world);
    uint64_t allocations = simback_allocations(world);
    void *object = objects_of(100);
    void *pages = pages_of(2);

    CU_ASSERT_EQUAL(simback_memory_used(world), used + 100 + 2 * PAGE);
    simback_free(world, object, 100);
    simback_pages_free(world, pages, 2);
    simback_free(world, NULL, 100);
    CU_ASSERT_EQUAL(simback_memory_used(world), used);
    CU_ASSERT(simback_memory_peak(world) >= used + 100 + 2 * PAGE);
    CU_ASSERT_EQUAL(simback_allocations(world), allocations + 2);
}

static void too_much_is_no_memory(void)
{
    CU_ASSERT_PTR_NULL(simback_allocate(world, SIZE_MAX));
    CU_ASSERT_PTR_NULL(simback_allocate(world, (size_t)1 << 35));
    CU_ASSERT_PTR_NULL(simback_pages_allocate(world, UINT32_MAX));
    CU_ASSERT_EQUAL(simback_memory_refused(world), 3);
    CU_ASSERT_PTR_NOT_NULL(simback_allocate(world, 10));
}

/* Objects and pages together; what is freed may be had again, what a reset forgets too. */
static void memory_has_a_limit(void)
{
    struct simback_world_options options;
    void *pages;

    simback_world_options_init(&options);
    options.rules = false;
    options.memory_limit = 1 << 20;
    for (int i = 0; i < 2; i++) {
        simback_world_reset(world, &options);
        CU_ASSERT_PTR_NULL(simback_pages_allocate(world, 256));
        pages = pages_of(192);
        CU_ASSERT_PTR_NULL(simback_allocate(world, (size_t)256 << 10));
        CU_ASSERT_EQUAL(simback_memory_refused(world), 2);
        simback_pages_free(world, pages, 192);
        (void)objects_of((size_t)256 << 10);
    }
}

/* Of the world alone: the checkers' own memory is not ours. */
static void an_idle_world_is_small(void)
{
#if POISON_ASAN || POISON_TSAN || POISON_MSAN
    CU_PASS("the sanitizers' memory is not ours");
#else
    long before = 0, after = 0, shared;
    FILE *file;

    sim_world_tear_down();
    for (unsigned i = 0; i < 2; i++) {
        file = fopen("/proc/self/statm", "r");
        if (file == NULL)
            break;
        CU_ASSERT_EQUAL(fscanf(file, "%*s %ld %ld", i == 0 ? &before : &after, &shared), 2);
        fclose(file);
        if (i == 0) {
            sim_world_set_up();
            sim_guest();
        }
    }
    CU_ASSERT((after - before) * sysconf(_SC_PAGESIZE) < 256L * 1024 || poison_in_valgrind());
    if (world == NULL)
        sim_world_set_up();
#endif
}

static const struct unit_test tests[] = {
    UNIT_TEST(a_world_lies_at_a_fixed_address),
    UNIT_TEST(a_second_world_takes_the_next_slot),
    UNIT_TEST(objects_are_zeroed_and_aligned),
    UNIT_TEST(objects_do_not_overlap),
    UNIT_TEST(what_is_freed_is_used_again_late_and_zeroed),
    UNIT_TEST(pages_are_used_again_late_and_zeroed),
    UNIT_TEST(large_blocks_of_pages_are_used_again_in_their_size),
    UNIT_TEST(pages_have_numbers_and_a_page_between_blocks),
    UNIT_TEST(a_reset_world_is_as_new),
    UNIT_TEST(a_reset_gives_much_memory_back_to_the_host),
    UNIT_TEST(memory_is_counted),
    UNIT_TEST(too_much_is_no_memory),
    UNIT_TEST(memory_has_a_limit),
    UNIT_TEST(an_idle_world_is_small),
};

UNIT_MAIN_WITH("arena", sim_world_set_up, sim_world_tear_down, tests)
