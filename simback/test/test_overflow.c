/* SPDX-License-Identifier: ISC */
/*
 * One byte beyond an object of the world, of each kind, before it and behind it, read and written,
 * and any byte of what has been freed: each must end the process under AddressSanitizer. Without it
 * the test is skipped.
 */
#include "check_main.h"
#include "overflow_kinds.h"
#include "poison.h"

#include <string.h>
#include <unistd.h>

enum { SKIPPED = 77, ASAN_EXIT = 1 };

static volatile uint8_t touched;

static struct block make(int kind)
{
    struct block block = overflow_make(kind);

    if (block.address == NULL)
        _exit(SKIPPED); /* not what is expected */
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
    struct block block = overflow_object(100);

    overflow_free_object(block);
    touched = block.address[(size_t)_i * 24];
    _exit(0);
}
END_TEST

START_TEST(a_write_to_freed_pages_dies)
{
    struct block block = overflow_pages(1);

    overflow_free_pages(block);
    block.address[(size_t)_i * 2047] = 1;
    _exit(0);
}
END_TEST

START_TEST(what_was_there_before_a_reset_dies)
{
    struct block before = overflow_object(100), page = overflow_pages(1);

    overflow_reset();
    if (_i == 0)
        touched = before.address[50];
    else
        touched = page.address[50];
    _exit(0);
}
END_TEST

/* Also where it is a call that touches it for the frontend, and whatever that finds there. */
START_TEST(what_is_handed_over_to_xenstore_dies)
{
    struct block block = overflow_object(24);
    const struct blkfront_platform *guest = overflow_guest();
    const char *text = memset(block.address, 'x', block.size);
    size_t length;

    if (_i == 0)
        guest->store_write(guest->context, 0, "/local/domain/1/a", text, block.size + 1);
    else if (_i == 1)
        guest->store_read(guest->context, 0, "/local/domain/1/a", (char *)block.address,
                          block.size + 1, &length);
    else if (_i == 2)
        guest->store_list(guest->context, 0, "/local/domain/1", (char *)block.address,
                          block.size + 1, &length);
    else
        guest->store_remove(guest->context, 0, text);
    _exit(0);
}
END_TEST

/* The checks above would prove nothing if everything died. */
START_TEST(what_is_inside_lives)
{
    struct block block = make(_i);

    touched = block.address[0];
    touched = block.address[block.size - 1];
}
END_TEST

static Suite *overflow_suite(void)
{
    Suite *suite = suite_create("overflow");
    TCase *edges = tcase_create("edges"), *inside = tcase_create("inside");

    tcase_add_checked_fixture(edges, overflow_begin, overflow_end);
    tcase_add_checked_fixture(inside, overflow_begin, overflow_end);
    tcase_add_loop_exit_test(edges, a_write_behind_it_dies, ASAN_EXIT, 0, OVERFLOW_KINDS);
    tcase_add_loop_exit_test(edges, a_read_behind_it_dies, ASAN_EXIT, 0, OVERFLOW_KINDS);
    tcase_add_loop_exit_test(edges, a_write_before_it_dies, ASAN_EXIT, 0, OVERFLOW_KINDS);
    tcase_add_loop_exit_test(edges, a_read_before_it_dies, ASAN_EXIT, 0, OVERFLOW_KINDS);
    tcase_add_loop_exit_test(edges, a_read_of_a_freed_object_dies, ASAN_EXIT, 0, 5);
    tcase_add_loop_exit_test(edges, a_write_to_freed_pages_dies, ASAN_EXIT, 0, 3);
    tcase_add_loop_exit_test(edges, what_was_there_before_a_reset_dies, ASAN_EXIT, 0, 2);
    tcase_add_loop_exit_test(edges, what_is_handed_over_to_xenstore_dies, ASAN_EXIT, 0, 4);
    tcase_add_loop_test(inside, what_is_inside_lives, 0, OVERFLOW_KINDS);
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
