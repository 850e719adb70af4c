/* SPDX-License-Identifier: ISC */
/*
 * The rig with persistent grants: see the header.
 */
#include "kept.h"

struct rig rig;
_Alignas(PAGE) unsigned char data[BYTES];
struct blkfront_memory *memory;
unsigned char *library;

void begin(bool any_page)
{
    rig_init(&rig, any_page);
    rig.device.options.segments = 64;
    rig.device.agreed.segments = 64;
    rig.device.agreed.persistent = true;
    rig.device.agreed.keeps_grants = true;
    for (size_t i = 0; i < sizeof(rig.disk); i++)
        rig.disk[i] = (unsigned char)(i * 13 + i / 4096);
}

void set_up(void)
{
    begin(true);
}

void start(void)
{
    CU_ASSERT_EQUAL_FATAL(rig_open(&rig), 0);
}

void make_memory(size_t pages)
{
    void *address = NULL;

    CU_ASSERT_EQUAL_FATAL(blkfront_memory_create(&rig.device, pages, BOTH, &memory, &address),
                          BLKFRONT_OK);
    library = address;
}

void finish(void)
{
    CU_ASSERT_TRUE(queue_check(rig.queue));
    CU_ASSERT_TRUE(pool_check(&rig.queue->pools[0]));
    CU_ASSERT_EQUAL(rig.faults, 0);
    rig_close(&rig, BLKFRONT_DISCONNECTED);
    CU_ASSERT_EQUAL(rig_left(&rig), 0);
}

struct blkfront_buffer heap(size_t bytes)
{
    return (struct blkfront_buffer){.address = data, .size = bytes};
}

struct blkfront_buffer direct(size_t offset, size_t bytes)
{
    return (struct blkfront_buffer){.address = library + offset, .size = bytes, .memory = memory};
}

struct rig_request run(enum blkfront_operation operation, struct blkfront_buffer buffer)
{
    struct rig_request request = rig_run(&rig, operation, 0, &buffer, 1);

    if (operation == BLKFRONT_READ)
        CU_ASSERT_EQUAL(memcmp(buffer.address, rig.disk, buffer.size), 0);
    return request;
}

void hold_all(bool mapped)
{
    rig.fake.all_busy = mapped;
}
