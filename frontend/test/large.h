/* SPDX-License-Identifier: ISC */
/*
 * What the tests of indirect requests have in common: the rig with as many segments as there can
 * be, data that differs from the disk's, and library memory.
 */
#ifndef BLKFRONT_TEST_LARGE_H
#define BLKFRONT_TEST_LARGE_H

#include "cunit_main.h"
#include "rig.h"

enum { PAGE = 4096, BYTES = RIG_UNITS * 512, SEGMENTS = BLKIF_WIRE_SEGMENTS_MAX };

extern struct rig rig;
extern unsigned char data[BYTES]; /* whole pages */
extern struct blkfront_buffer buffers[SEGMENTS];
extern unsigned char *library; /* of make_library_buffers */
extern struct blkfront_memory *memory;

void set_up_for(bool any_page);
/* For a platform that grants any page. */
void set_up(void);
void start(void);
void finish(void);
/* `count` buffers of one unit each, all in library memory: as many segments. */
void make_library_buffers(size_t count);
/* `count` whole pages of the caller's: as many segments, copied. */
struct blkfront_buffer heap_pages(size_t count);
/* Executes the request and answers it well. */
void respond(const struct rig_request *request);
void check_ok(const struct rig_call *call);
/* Writes and reads `count` pages; looks at the disk and at the buffers. */
void check_round_trip(size_t count);

#endif
