/* SPDX-License-Identifier: ISC */
/*
 * What the tests of queues that share a ring have in common: the rig with three queues, and
 * connections with fewer rings.
 */
#ifndef BLKFRONT_TEST_RINGS_H
#define BLKFRONT_TEST_RINGS_H

#include "cunit_main.h"
#include "rig.h"

enum { PAGE = 4096, BYTES = 33 * PAGE, QUEUES = 3 };

extern struct rig rig;
extern unsigned char data[BYTES];
extern const struct blkfront_buffer one_page;
extern const struct blkfront_buffer many_pages; /* three ring requests */

void set_up(void);
void start(void);
/* Nothing is left, and every range has come home. */
void finish(void);
struct blkfront_queue *queue(uint32_t index);
/* With so many rings. */
void reconnect(uint32_t rings);
struct rig_call page_write(uint64_t sector);
void submit(uint32_t index, struct rig_call *call);
void check_result(const struct rig_call *call, int result);
/* All rings are served until nothing moves any more. */
void settle(uint32_t rings);

#endif
