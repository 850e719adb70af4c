/* SPDX-License-Identifier: ISC */
/*
 * The rig for requests of many segments: see the header.
 */
#include "large.h"

struct rig rig;
_Alignas(PAGE) unsigned char data[BYTES];
struct blkfront_buffer buffers[SEGMENTS];
unsigned char *library;
struct blkfront_memory *memory;

void set_up_for(bool any_page)
{
    rig_init(&rig, any_page);
    rig.device.options.segments = SEGMENTS;
    rig.device.agreed.segments = SEGMENTS;
    for (size_t i = 0; i < BYTES; i++) {
        data[i] = (unsigned char)(i * 7 + i / 512);
        rig.disk[i] = (unsigned char)(i * 13 + i / 4096);
    }
}

void set_up(void)
{
    set_up_for(true);
}

void start(void)
{
    CU_ASSERT_EQUAL_FATAL(rig_open(&rig), 0);
}

void finish(void)
{
    CU_ASSERT_TRUE(queue_check(rig.queue));
    CU_ASSERT_EQUAL(rig.faults, 0);
    rig_close(&rig, BLKFRONT_DISCONNECTED);
    CU_ASSERT_EQUAL(rig_left(&rig), 0);
}

void make_library_buffers(size_t count)
{
    void *address = NULL;

    CU_ASSERT_EQUAL_FATAL(
        blkfront_memory_create(&rig.device, (count + 7) / 8,
                               BLKFRONT_MEMORY_TO_DISK | BLKFRONT_MEMORY_FROM_DISK, &memory,
                               &address),
        BLKFRONT_OK);
    library = address;
    for (size_t i = 0; i < count; i++)
        buffers[i] =
            (struct blkfront_buffer){.address = library + i * 512, .size = 512, .memory = memory};
}

struct blkfront_buffer heap_pages(size_t count)
{
    return (struct blkfront_buffer){.address = data, .size = count * PAGE};
}

void respond(const struct rig_request *request)
{
    rig_execute(&rig, request);
    rig_respond(&rig, request->id, request->inner, BLKIF_WIRE_OKAY);
}

void check_ok(const struct rig_call *call)
{
    CU_ASSERT_EQUAL(call->completions, 1);
    CU_ASSERT_EQUAL(call->result, BLKFRONT_OK);
}

void check_round_trip(size_t count)
{
    struct blkfront_buffer buffer = heap_pages(count);
    struct rig_call write = rig_call(BLKFRONT_WRITE, 8, &buffer, 1);
    struct rig_call read = rig_call(BLKFRONT_READ, 8, &buffer, 1);

    CU_ASSERT_EQUAL(rig_submit(&rig, &write), BLKFRONT_OK);
    rig_settle(&rig);
    check_ok(&write);
    CU_ASSERT_EQUAL(memcmp(rig.disk + 8 * 512, data, buffer.size), 0);
    memset(data, 0, buffer.size);
    CU_ASSERT_EQUAL(rig_submit(&rig, &read), BLKFRONT_OK);
    rig_settle(&rig);
    check_ok(&read);
    CU_ASSERT_EQUAL(memcmp(rig.disk + 8 * 512, data, buffer.size), 0);
}
