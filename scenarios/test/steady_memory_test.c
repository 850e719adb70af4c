/* SPDX-License-Identifier: ISC */
/*
 * A request takes no memory: neither from the world, where frontend and simback have all of theirs,
 * nor from the C library. Linked with --wrap, so that our calls of the latter come here.
 */
#include "check_main.h"
#include "heap.h"
#include "steady_load.h"

static uint64_t allocations_of(struct steady_load *load, uint64_t requests)
{
    uint64_t before = simback_allocations(steady_load_world(load)) + heap_calls();
    bool played = steady_load_play(load, requests);
    uint64_t after = simback_allocations(steady_load_world(load)) + heap_calls();

    ck_assert(played); /* takes memory itself */
    return after - before;
}

START_TEST(requests_take_no_memory)
{
    struct steady_load *load;
    uint64_t of_10000, of_20000;

    load = steady_load_begin(_i);
    ck_assert_uint_ne(heap_calls(), 0); /* the load itself: the wrappers are in place */
    of_10000 = allocations_of(load, 10000);
    of_20000 = allocations_of(load, 20000);
    ck_assert_uint_eq(of_20000, of_10000);
    ck_assert_uint_eq(of_10000, 0);
    steady_load_end(load);
}
END_TEST

static Suite *memory_suite(void)
{
    Suite *suite = suite_create("steady_memory");
    TCase *tests = tcase_create("kinds");

    tcase_set_timeout(tests, 60);
    tcase_add_loop_test(tests, requests_take_no_memory, 0, STEADY_KINDS);
    suite_add_tcase(suite, tests);
    return suite;
}

CHECK_MAIN(memory_suite)
