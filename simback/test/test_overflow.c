/* SPDX-License-Identifier: ISC */
/*
 * One byte beyond an object of the world, of each kind, before it and behind it, read and written,
 * and any byte of what has been freed: each must end the process under AddressSanitizer. Without it
 * the test is skipped.
 */
#include "check_main.h"
#include "poison.h"
#include "sim_world.h"

#include <simback/event.h>

#include <stdint.h>
#include <unistd.h>

enum { SKIPPED = 77, ASAN_EXIT = 1 };

#define PAGE ((size_t)4096)

struct block {
    uint8_t *address;
    size_t size;
};

static struct block object(size_t size)
{
    return (struct block){simback_allocate(world, size), size};
}

static struct block pages(uint32_t count)
{
    return (struct block){simback_pages_allocate(world, count), count * PAGE};
}

static struct block make_small_object(void)
{
    return object(1);
}

static struct block make_odd_object(void)
{
    return object(77);
}

static struct block make_object_of_a_whole_class(void)
{
    return object(256);
}

static struct block make_large_object(void)
{
    return object(100003);
}

static struct block make_object_among_others(void)
{
    struct block block;

    object(40);
    block = object(40);
    object(40);
    return block;
}

/* The same place, in use before: its marks are made anew. */
static struct block make_object_used_again(void)
{
    uint8_t *first = simback_allocate(world, 8192), *memory = NULL;

    simback_free(world, first, 8192);
    while (memory != first) {
        simback_free(world, memory, 8190);
        memory = simback_allocate(world, 8190);
    }
    return (struct block){memory, 8190};
}

static struct block make_object_after_a_reset(void)
{
    object(100000);
    simback_world_reset(world, NULL);
    simback_enter(world, 0);
    return object(33);
}

static struct block make_frontend_memory(void)
{
    const struct blkfront_platform *guest = sim_guest();

    return (struct block){guest->allocate(guest->context, 500), 500};
}

static struct block make_backend_memory(void)
{
    const struct simback_host *host = sim_host_of(0);

    return (struct block){host->allocate(host->context, 50), 50};
}

static struct block make_page(void)
{
    return pages(1);
}

static struct block make_page_among_others(void)
{
    struct block block;

    pages(2);
    block = pages(2);
    pages(2);
    return block;
}

static struct block make_shared_pages(void)
{
    const struct blkfront_platform *guest = sim_guest();
    uint32_t refs[3];
    void *address = NULL;

    guest->share(guest->context, 0, 3, true, &address, refs);
    return (struct block){address, 3 * PAGE};
}

static struct block make_owned_pages(void)
{
    const struct blkfront_platform *guest = sim_guest();
    void *address = NULL;

    guest->page_allocate(guest->context, 2, &address);
    return (struct block){address, 2 * PAGE};
}

static struct block (*const makers[])(void) = {
    make_small_object,
    make_odd_object,
    make_object_of_a_whole_class,
    make_large_object,
    make_object_among_others,
    make_object_used_again,
    make_object_after_a_reset,
    make_frontend_memory,
    make_backend_memory,
    make_page,
    make_page_among_others,
    make_shared_pages,
    make_owned_pages,
};

enum { MAKERS = sizeof(makers) / sizeof(makers[0]) };

static volatile uint8_t touched;

static void set_up(void)
{
    sim_world_set_up();
}

static struct block make(int kind)
{
    struct block block = makers[kind]();

    if (block.address == NULL)
        _exit(SKIPPED); /* not what is expected */
    /* All of it is there: nobody dies of these. */
    for (size_t i = 0; i < block.size; i++)
        ((volatile uint8_t *)block.address)[i] = (uint8_t)i;
    return block;
}

START_TEST(a_write_behind_it_dies)
{
    struct block block = make(_i);

    ((volatile uint8_t *)block.address)[block.size] = 1;
    _exit(0);
}
END_TEST

START_TEST(a_read_behind_it_dies)
{
    struct block block = make(_i);

    touched = ((volatile uint8_t *)block.address)[block.size];
    _exit(0);
}
END_TEST

START_TEST(a_write_before_it_dies)
{
    struct block block = make(_i);

    ((volatile uint8_t *)block.address)[-1] = 1;
    _exit(0);
}
END_TEST

START_TEST(a_read_before_it_dies)
{
    struct block block = make(_i);

    touched = ((volatile uint8_t *)block.address)[-1];
    _exit(0);
}
END_TEST

START_TEST(a_read_of_a_freed_object_dies)
{
    struct block block = object(100);

    simback_free(world, block.address, block.size);
    touched = block.address[(size_t)_i * 24];
    _exit(0);
}
END_TEST

START_TEST(a_write_to_freed_pages_dies)
{
    struct block block = pages(1);

    simback_pages_free(world, block.address, 1);
    block.address[(size_t)_i * 2047] = 1;
    _exit(0);
}
END_TEST

START_TEST(what_was_there_before_a_reset_dies)
{
    struct block before = object(100), page = pages(1);

    simback_world_reset(world, NULL);
    if (_i == 0)
        touched = before.address[50];
    else
        touched = page.address[50];
    _exit(0);
}
END_TEST

/* The checks above would prove nothing if everything died. */
START_TEST(what_is_inside_lives)
{
    struct block block = make(_i);

    touched = block.address[block.size - 1];
    ck_assert_uint_eq(touched, (uint8_t)(block.size - 1));
}
END_TEST

static Suite *overflow_suite(void)
{
    Suite *suite = suite_create("overflow");
    TCase *edges = tcase_create("edges"), *inside = tcase_create("inside");

    tcase_add_checked_fixture(edges, set_up, sim_world_tear_down);
    tcase_add_checked_fixture(inside, set_up, sim_world_tear_down);
    tcase_add_loop_exit_test(edges, a_write_behind_it_dies, ASAN_EXIT, 0, MAKERS);
    tcase_add_loop_exit_test(edges, a_read_behind_it_dies, ASAN_EXIT, 0, MAKERS);
    tcase_add_loop_exit_test(edges, a_write_before_it_dies, ASAN_EXIT, 0, MAKERS);
    tcase_add_loop_exit_test(edges, a_read_before_it_dies, ASAN_EXIT, 0, MAKERS);
    tcase_add_loop_exit_test(edges, a_read_of_a_freed_object_dies, ASAN_EXIT, 0, 5);
    tcase_add_loop_exit_test(edges, a_write_to_freed_pages_dies, ASAN_EXIT, 0, 3);
    tcase_add_loop_exit_test(edges, what_was_there_before_a_reset_dies, ASAN_EXIT, 0, 2);
    tcase_add_loop_test(inside, what_is_inside_lives, 0, MAKERS);
    suite_add_tcase(suite, edges);
    suite_add_tcase(suite, inside);
    return suite;
}

int main(void)
{
    if (!POISON_ASAN) {
        printf("skipped: needs AddressSanitizer\n");
        return SKIPPED;
    }
    return check_main(overflow_suite());
}
