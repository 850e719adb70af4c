/* SPDX-License-Identifier: ISC */
/*
 * Three queues in the rig: see the header.
 */
#include "rings.h"

struct rig rig;
unsigned char data[BYTES];
const struct blkfront_buffer one_page = {.address = data, .size = PAGE};
const struct blkfront_buffer many_pages = {.address = data, .size = sizeof(data)};

void set_up(void)
{
    rig_init(&rig, true);
    rig.device.options.queues = QUEUES;
    rig.device.agreed.queue_count = QUEUES;
    for (size_t i = 0; i < sizeof(data); i++)
        data[i] = (unsigned char)(i / 512 * 5 + i);
}

void start(void)
{
    CU_ASSERT_EQUAL_FATAL(rig_open(&rig), 0);
}

struct blkfront_queue *queue(uint32_t index)
{
    return &rig.device.queues[index];
}

static void check_queues(void)
{
    for (uint32_t i = 0; i < QUEUES; i++)
        CU_ASSERT_TRUE(queue_check(queue(i)));
}

void finish(void)
{
    check_queues();
    for (uint32_t i = 0; i < QUEUES; i++) {
        (void)requeue_collect(queue(i));
        CU_ASSERT_EQUAL(queue(i)->free_range_count, 2 * queue(i)->slots.count);
    }
    rig_close(&rig, BLKFRONT_DISCONNECTED);
    CU_ASSERT_EQUAL(rig_left(&rig), 0);
}

void reconnect(uint32_t rings)
{
    rig_reconnect(&rig, rings);
    rig_poll_all(&rig);
    check_queues();
}

struct rig_call page_write(uint64_t sector)
{
    return rig_call(BLKFRONT_WRITE, sector, &one_page, 1);
}

void submit(uint32_t index, struct rig_call *call)
{
    CU_ASSERT_EQUAL(rig_submit_to(&rig, index, call), BLKFRONT_OK);
}

void check_result(const struct rig_call *call, int result)
{
    CU_ASSERT_EQUAL(call->completions, 1);
    CU_ASSERT_EQUAL(call->result, result);
}

void settle(uint32_t rings)
{
    for (unsigned n = 0, quiet = 0; n < 1000 && quiet < 2; n++) {
        unsigned served = 0;

        for (rig.ring = 0; rig.ring < rings; rig.ring++)
            served += rig_serve(&rig);
        rig.ring = 0;
        rig_poll_all(&rig);
        quiet = served == 0 ? quiet + 1 : 0;
    }
}
