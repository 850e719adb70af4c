/* SPDX-License-Identifier: ISC */
/*
 * The C library's heap as our own code calls it: counted, and failing on purpose. Programs with
 * heap.c are linked with --wrap (simblk_add_heap_test), so that their objects' calls come here;
 * those that the C library makes itself do not.
 */
#ifndef SCENARIO_TEST_HEAP_H
#define SCENARIO_TEST_HEAP_H

#include <stdbool.h>
#include <stdint.h>

/* Calls that ask for memory, so far. */
uint64_t heap_calls(void);
/* The nth call from now on (1: the next) gives no memory, with `from_then_on` all later ones too;
 * 0: none. */
void heap_fail(uint64_t nth, bool from_then_on);
/* How many have failed since heap_fail. */
uint64_t heap_failed(void);
/* Also count them there: in memory that processes share. */
void heap_count_in(volatile uint64_t *counter);

#endif
