/* SPDX-License-Identifier: ISC */
/*
 * Objects of every kind in one world, for tests that go one byte beyond them: under
 * AddressSanitizer (test_overflow.c) and under valgrind (overflow_once.c).
 */
#ifndef SIMBACK_TEST_OVERFLOW_KINDS_H
#define SIMBACK_TEST_OVERFLOW_KINDS_H

#include <stddef.h>
#include <stdint.h>

#include <blkfront/platform.h>

struct block {
    uint8_t *address;
    size_t size;
};

enum { OVERFLOW_KINDS = 17 };

void overflow_begin(void);
void overflow_end(void);
const char *overflow_name(int kind);
/* One of the kind, all of whose bytes have been read and written; NULL: it cannot be made. */
struct block overflow_make(int kind);

struct block overflow_object(size_t size);
struct block overflow_pages(uint32_t count);
void overflow_free_object(struct block block);
void overflow_free_pages(struct block block);
void overflow_reset(void);
const struct blkfront_platform *overflow_guest(void);

#endif
