/* SPDX-License-Identifier: ISC */
/*
 * What the tests of a queue by itself have in common: the rig as it is, and requests of one page.
 */
#ifndef BLKFRONT_TEST_PLAIN_H
#define BLKFRONT_TEST_PLAIN_H

#include "cunit_main.h"
#include "rig.h"

enum { PAGE = 4096, DATA_PAGES = 64 };

extern struct rig rig;
extern unsigned char data[DATA_PAGES * PAGE];
extern const struct blkfront_buffer one_page; /* the first of data */

void set_up(void);
void start(void);
void finish(void);
struct rig_call page_read(uint64_t sector);
void submit_all(struct rig_call *calls, size_t count);

#endif
