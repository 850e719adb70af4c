/* SPDX-License-Identifier: ISC */
/*
 * What the tests of persistent grants have in common: the rig with a backend that keeps what it is
 * granted, library memory, and the caller's.
 */
#ifndef BLKFRONT_TEST_KEPT_H
#define BLKFRONT_TEST_KEPT_H

#include "cunit_main.h"
#include "memory.h"
#include "rig.h"

enum { PAGE = 4096, BYTES = 64 * PAGE, BOTH = BLKFRONT_MEMORY_TO_DISK | BLKFRONT_MEMORY_FROM_DISK };

extern struct rig rig;
extern unsigned char data[BYTES]; /* whole pages */
extern struct blkfront_memory *memory;
extern unsigned char *library; /* of make_memory */

void begin(bool any_page);
/* For a platform that grants any page. */
void set_up(void);
void start(void);
void make_memory(size_t pages);
void finish(void);
/* The caller's bytes, copied. */
struct blkfront_buffer heap(size_t bytes);
/* Those of make_memory. */
struct blkfront_buffer direct(size_t offset, size_t bytes);
/* From begin to end; what was read is what the disk holds. */
struct rig_request run(enum blkfront_operation operation, struct blkfront_buffer buffer);
/* The backend has every page mapped, or none. */
void hold_all(bool mapped);

#endif
