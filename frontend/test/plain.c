/* SPDX-License-Identifier: ISC */
/*
 * The rig and requests of one page: see the header.
 */
#include "plain.h"

struct rig rig;
unsigned char data[DATA_PAGES * PAGE];
const struct blkfront_buffer one_page = {.address = data, .size = PAGE};

void set_up(void)
{
    rig_init(&rig, true);
}

void start(void)
{
    CU_ASSERT_EQUAL_FATAL(rig_open(&rig), 0);
}

void finish(void)
{
    CU_ASSERT_TRUE(queue_check(rig.queue));
    rig_close(&rig, BLKFRONT_DISCONNECTED);
    CU_ASSERT_EQUAL(rig_left(&rig), 0);
}

struct rig_call page_read(uint64_t sector)
{
    return rig_call(BLKFRONT_READ, sector, &one_page, 1);
}

void submit_all(struct rig_call *calls, size_t count)
{
    for (size_t i = 0; i < count; i++)
        CU_ASSERT_EQUAL(rig_submit(&rig, &calls[i]), BLKFRONT_OK);
}
