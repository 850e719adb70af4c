/* SPDX-License-Identifier: ISC */
/*
 * Losing a connection in the rig: see the header.
 */
#include "lost.h"

struct rig rig;
unsigned char data[PAGES * PAGE];
const struct blkfront_buffer one_page = {.address = data, .size = PAGE};

void set_up(void)
{
    rig_init(&rig, true);
    for (size_t i = 0; i < sizeof(data); i++)
        data[i] = (unsigned char)(i / 512 * 7 + i);
}

void start(void)
{
    CU_ASSERT_EQUAL_FATAL(rig_open(&rig), 0);
}

void finish(void)
{
    CU_ASSERT_TRUE(queue_check(rig.queue));
    CU_ASSERT_EQUAL(rig.queue->free_range_count, 2 * rig.queue->slots.count);
    rig_close(&rig, BLKFRONT_DISCONNECTED);
    CU_ASSERT_EQUAL(rig_left(&rig), 0);
}

void lose(void)
{
    rig_lose(&rig);
    CU_ASSERT_TRUE(queue_check(rig.queue));
    CU_ASSERT_EQUAL(queue_get_state(rig.queue), QUEUE_HELD);
    CU_ASSERT_EQUAL(rig.fake.refs_used, 0);
    CU_ASSERT_EQUAL(rig.queue->slots.used, 0);
}

void reconnect(void)
{
    rig_reconnect(&rig, 1);
    rig_poll(&rig);
    CU_ASSERT_TRUE(queue_check(rig.queue));
}

struct rig_call page_write(uint64_t sector)
{
    return rig_call(BLKFRONT_WRITE, sector, &one_page, 1);
}

void submit(struct rig_call *call)
{
    CU_ASSERT_EQUAL(rig_submit(&rig, call), BLKFRONT_OK);
}

void check_result(const struct rig_call *call, int result)
{
    CU_ASSERT_EQUAL(call->completions, 1);
    CU_ASSERT_EQUAL(call->result, result);
}

struct rig_request expect(uint8_t operation, uint64_t sector_512)
{
    struct rig_request request = rig_next(&rig);

    CU_ASSERT_EQUAL(request.inner, operation);
    CU_ASSERT_EQUAL(request.sector_512, sector_512);
    return request;
}

void respond(const struct rig_request *request, int16_t status)
{
    rig_respond(&rig, request->id, request->inner, status);
    rig_poll(&rig);
}

struct rig_call discard_call(uint64_t sector, uint64_t sectors)
{
    struct rig_call call = rig_call(BLKFRONT_DISCARD, sector, NULL, 0);

    call.request.sectors = sectors;
    return call;
}
