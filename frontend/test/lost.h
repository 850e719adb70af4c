/* SPDX-License-Identifier: ISC */
/*
 * What the tests of requests that outlive their connection have in common (I15): the rig, and how
 * it loses a connection and gets another.
 */
#ifndef BLKFRONT_TEST_LOST_H
#define BLKFRONT_TEST_LOST_H

#include "cunit_main.h"
#include "rig.h"

enum { PAGE = 4096, PAGES = 64 };
enum { OKAY = BLKIF_WIRE_OKAY, ERROR = BLKIF_WIRE_ERROR, NOT_SUPPORTED = BLKIF_WIRE_EOPNOTSUPP };

extern struct rig rig;
extern unsigned char data[PAGES * PAGE];
extern const struct blkfront_buffer one_page;

void set_up(void);
void start(void);
/* Nothing is left, and every range has come home. */
void finish(void);
void lose(void);
void reconnect(void);
struct rig_call page_write(uint64_t sector);
struct rig_call discard_call(uint64_t sector, uint64_t sectors);
void submit(struct rig_call *call);
void check_result(const struct rig_call *call, int result);
/* The next ring request is this one. */
struct rig_request expect(uint8_t operation, uint64_t sector_512);
void respond(const struct rig_request *request, int16_t status);

#endif
