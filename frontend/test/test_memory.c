/* SPDX-License-Identifier: ISC */
/*
 * Memory that goes without a copy: what is sent direct and what is not (I6), with which flag (I5),
 * and that destroying waits for requests and for the backend.
 */
#include "memory.h"
#include "rig.h"

#include "cunit_main.h"

enum { PAGE = 4096, PAGES = 16, BOTH = BLKFRONT_MEMORY_TO_DISK | BLKFRONT_MEMORY_FROM_DISK };

static struct rig rig;
static struct blkfront_memory *memory;
static unsigned char *pages;

static void set_up(void)
{
    rig_init(&rig, true);
}

static void start(bool any_page, unsigned uses)
{
    void *address = NULL;

    rig_init(&rig, any_page);
    for (size_t i = 0; i < sizeof(rig.disk); i++)
        rig.disk[i] = (unsigned char)(i * 11 + i / 512);
    CU_ASSERT_EQUAL_FATAL(rig_open(&rig), 0);
    CU_ASSERT_EQUAL_FATAL(blkfront_memory_create(&rig.device, PAGES, uses, &memory, &address),
                          BLKFRONT_OK);
    pages = address;
    CU_ASSERT_PTR_NOT_NULL_FATAL(pages);
    CU_ASSERT_EQUAL((uintptr_t)pages % PAGE, 0);
    for (size_t i = 0; i < (size_t)PAGES * PAGE; i++)
        CU_ASSERT_EQUAL_FATAL(pages[i], 0);
}

static void finish(void)
{
    CU_ASSERT_TRUE(queue_check(rig.queue));
    rig_close(&rig, BLKFRONT_DISCONNECTED);
    CU_ASSERT_EQUAL(rig_left(&rig), 0);
}

static struct blkfront_buffer piece(size_t offset, size_t size)
{
    return (struct blkfront_buffer){.address = pages + offset, .size = size, .memory = memory};
}

/* Submits, looks at the request, serves. */
static struct rig_request run(enum blkfront_operation operation,
                              const struct blkfront_buffer *buffers, size_t count)
{
    struct rig_call call = rig_call(operation, 8, buffers, count);
    struct rig_request request = {.operation = 0xff};

    CU_ASSERT_EQUAL_FATAL(rig_submit(&rig, &call), BLKFRONT_OK);
    CU_ASSERT_TRUE_FATAL(rig_take(&rig, &request));
    rig_execute(&rig, &request);
    rig_respond(&rig, request.id, request.operation, BLKIF_WIRE_OKAY);
    rig_settle(&rig);
    CU_ASSERT_EQUAL(call.completions, 1);
    CU_ASSERT_EQUAL(call.result, BLKFRONT_OK);
    CU_ASSERT_EQUAL(rig.faults, 0);
    return request;
}

static void i7_library_memory_goes_without_a_copy(void)
{
    for (int any_page = 0; any_page < 2; any_page++) {
        struct blkfront_buffer buffer;
        struct rig_request request;

        start(any_page != 0, BLKFRONT_MEMORY_FROM_DISK);
        /* From the middle of a page over three: 3 segments, each within a page (I9). */
        buffer = piece(PAGE + 1024, 2 * PAGE + 512);
        request = run(BLKFRONT_READ, &buffer, 1);
        CU_ASSERT_EQUAL(request.segment_count, 3);
        CU_ASSERT_EQUAL(request.segments[0].first_512, 2);
        CU_ASSERT_EQUAL(request.segments[0].last_512, 7);
        CU_ASSERT_EQUAL(request.segments[1].first_512, 0);
        CU_ASSERT_EQUAL(request.segments[1].last_512, 7);
        CU_ASSERT_EQUAL(request.segments[2].first_512, 0);
        CU_ASSERT_EQUAL(request.segments[2].last_512, 2);
        CU_ASSERT_EQUAL(memcmp(buffer.address, rig.disk + 8 * 512, buffer.size), 0);
        CU_ASSERT_EQUAL(rig_statistics(&rig).bytes_copied, 0);
        CU_ASSERT_EQUAL(rig_statistics(&rig).direct, 1);
        CU_ASSERT_EQUAL(rig_statistics(&rig).bounced, 0);
        blkfront_memory_destroy(memory);
        finish();
    }
}

/* The flag of the grant that a direct write goes out with. */
static bool write_is_writable(void)
{
    struct blkfront_buffer buffer = piece(0, PAGE);
    struct rig_call call = rig_call(BLKFRONT_WRITE, 0, &buffer, 1);
    struct rig_request request;
    bool writable;

    CU_ASSERT_EQUAL(rig_submit(&rig, &call), BLKFRONT_OK);
    CU_ASSERT_TRUE(rig_take(&rig, &request));
    writable = rig.fake.refs[request.segments[0].grant_ref].writable;
    rig_execute(&rig, &request);
    rig_respond(&rig, request.id, request.operation, BLKIF_WIRE_OKAY);
    rig_settle(&rig);
    CU_ASSERT_EQUAL(call.completions, 1);
    return writable;
}

static void i5_writes_are_granted_read_only_unless_persistent(void)
{
    for (int any_page = 0; any_page < 2; any_page++) {
        for (int uses = BLKFRONT_MEMORY_TO_DISK; uses <= BOTH; uses += 2) {
            /* A shared block has one flag: where it is the wrong one, the data is copied. */
            bool fits = any_page != 0 || uses == BLKFRONT_MEMORY_TO_DISK;

            start(any_page != 0, (unsigned)uses);
            CU_ASSERT_FALSE(write_is_writable());
            CU_ASSERT_EQUAL(rig_statistics(&rig).direct, fits ? 1 : 0);
            finish();

            start(any_page != 0, (unsigned)uses);
            rig_close(&rig, BLKFRONT_DISCONNECTED);
            rig_init(&rig, any_page != 0);
            rig.device.agreed.persistent = true;
            CU_ASSERT_EQUAL_FATAL(rig_open(&rig), 0);

            void *address;

            CU_ASSERT_EQUAL(
                blkfront_memory_create(&rig.device, 1, (unsigned)uses, &memory, &address),
                BLKFRONT_OK);
            pages = address;
            CU_ASSERT_TRUE(write_is_writable());
            CU_ASSERT_EQUAL(rig_statistics(&rig).direct, 1);
            finish();
        }
    }
}

static void what_does_not_fit_is_copied(void)
{
    struct blkfront_buffer buffer;

    /* Wrong use. */
    start(true, BLKFRONT_MEMORY_TO_DISK);
    buffer = piece(0, PAGE);
    (void)run(BLKFRONT_READ, &buffer, 1);
    CU_ASSERT_EQUAL(rig_statistics(&rig).bounced, 1);
    CU_ASSERT_EQUAL(memcmp(pages, rig.disk + 8 * 512, PAGE), 0);
    finish();

    /* Not aligned to a sector. */
    start(true, BOTH);
    buffer = piece(8, PAGE);
    (void)run(BLKFRONT_READ, &buffer, 1);
    CU_ASSERT_EQUAL(rig_statistics(&rig).bounced, 1);
    CU_ASSERT_EQUAL(memcmp(pages + 8, rig.disk + 8 * 512, PAGE), 0);
    finish();

    /* I6: never without trust. */
    start(true, BOTH);
    rig.device.agreed.trusted = false;
    buffer = piece(0, PAGE);
    (void)run(BLKFRONT_READ, &buffer, 1);
    CU_ASSERT_EQUAL(rig_statistics(&rig).bounced, 1);
    finish();

    /* Shared with another domain. */
    start(false, BLKFRONT_MEMORY_FROM_DISK);
    rig.device.agreed.backend_id = RIG_DOMID + 1;
    buffer = piece(0, PAGE);
    (void)run(BLKFRONT_READ, &buffer, 1);
    CU_ASSERT_EQUAL(rig_statistics(&rig).bounced, 1);
    finish();
}

static void direct_and_copied_buffers_mix_in_one_request(void)
{
    static unsigned char own[4 * PAGE];
    struct blkfront_buffer buffers[5];
    struct rig_request request;
    const unsigned char *disk = rig.disk + 8 * 512;
    size_t at = 0;

    start(true, BOTH);
    buffers[0] = (struct blkfront_buffer){.address = own, .size = 512};
    buffers[1] = (struct blkfront_buffer){.address = own + 600, .size = 1024};
    buffers[2] = piece(PAGE, PAGE);
    buffers[3] = (struct blkfront_buffer){.address = own + 5000, .size = PAGE + 512};
    buffers[4] = piece(512, 512);
    request = run(BLKFRONT_READ, buffers, 5);
    CU_ASSERT_EQUAL(request.segment_count, 5);
    CU_ASSERT_EQUAL(request.segments[0].last_512, 2);
    CU_ASSERT_EQUAL(request.segments[2].last_512, 7);
    CU_ASSERT_EQUAL(request.segments[3].last_512, 0);
    CU_ASSERT_EQUAL(request.segments[4].first_512, 1);
    for (int i = 0; i < 5; i++) {
        CU_ASSERT_EQUAL(memcmp(buffers[i].address, disk + at, buffers[i].size), 0);
        at += buffers[i].size;
    }
    CU_ASSERT_EQUAL(rig_statistics(&rig).bytes_copied, 512 + 1024 + PAGE + 512);
    finish();
}

static void pieces_of_one_page_go_direct_up_to_its_records(void)
{
    struct blkfront_buffer buffers[10];
    struct rig_call calls[10];

    start(true, BOTH);
    for (int i = 0; i < 10; i++) {
        buffers[i] = piece((size_t)(i % 8) * 512, 512);
        calls[i] = rig_call(BLKFRONT_WRITE, (uint64_t)i, &buffers[i], 1);
        CU_ASSERT_EQUAL(rig_submit(&rig, &calls[i]), BLKFRONT_OK);
    }
    CU_ASSERT_EQUAL(rig_statistics(&rig).direct, 8);
    CU_ASSERT_EQUAL(rig_statistics(&rig).bounced, 2);
    rig_settle(&rig);
    for (int i = 0; i < 10; i++)
        CU_ASSERT_EQUAL(calls[i].result, BLKFRONT_OK);
    finish();
}

static void i5_a_page_that_the_backend_keeps_is_copied_from_then_on(void)
{
    struct blkfront_buffer buffer, next;

    start(true, BOTH);
    rig.fake.all_busy = true;
    buffer = piece(0, PAGE);
    next = piece(PAGE, PAGE);
    (void)run(BLKFRONT_READ, &buffer, 1);
    CU_ASSERT_EQUAL(rig_statistics(&rig).direct, 1);
    (void)run(BLKFRONT_READ, &buffer, 1);
    CU_ASSERT_EQUAL(rig_statistics(&rig).bounced, 1);
    (void)run(BLKFRONT_READ, &next, 1); /* its neighbour is not concerned */
    CU_ASSERT_EQUAL(rig_statistics(&rig).direct, 2);
    rig.fake.all_busy = false;
    memories_poll(&rig.device);
    (void)run(BLKFRONT_READ, &buffer, 1);
    CU_ASSERT_EQUAL(rig_statistics(&rig).direct, 3);
    finish();
}

/* ---- destroying ---- */

static void destroying_waits_for_requests(void)
{
    for (int any_page = 0; any_page < 2; any_page++) {
        struct blkfront_buffer buffer;
        struct rig_call call;
        struct rig_request request;
        unsigned wakes;

        start(any_page != 0, BLKFRONT_MEMORY_FROM_DISK);
        buffer = piece(0, PAGE);
        call = rig_call(BLKFRONT_READ, 8, &buffer, 1);
        CU_ASSERT_EQUAL(rig_submit(&rig, &call), BLKFRONT_OK);
        CU_ASSERT_TRUE(rig_take(&rig, &request));
        blkfront_memory_destroy(memory);
        blkfront_memory_destroy(memory); /* again: nothing happens */
        memories_poll(&rig.device);
        CU_ASSERT_PTR_NOT_NULL(rig.device.memories);
        rig_execute(&rig, &request); /* the page is still there */
        wakes = rig.device_wakes;
        rig_respond(&rig, request.id, request.operation, BLKIF_WIRE_OKAY);
        rig_poll(&rig);
        CU_ASSERT_EQUAL(call.result, BLKFRONT_OK);
        CU_ASSERT_EQUAL(rig.device_wakes, wakes + 1);
        memories_poll(&rig.device);
        CU_ASSERT_PTR_NULL(rig.device.memories);
        finish();
    }
}

static void each_of_several_can_be_destroyed_alone(void)
{
    struct blkfront_memory *more[2];
    void *address;

    start(true, BOTH);
    for (int i = 0; i < 2; i++)
        CU_ASSERT_EQUAL(blkfront_memory_create(&rig.device, 1, BOTH, &more[i], &address),
                        BLKFRONT_OK);
    blkfront_memory_destroy(more[0]); /* neither the first nor the last of the list */
    CU_ASSERT_PTR_EQUAL(rig.device.memories, more[1]);
    CU_ASSERT_PTR_EQUAL(more[1]->next, memory);
    CU_ASSERT_PTR_NULL(memory->next);
    finish();
}

static void destroyed_memory_takes_no_new_request(void)
{
    struct blkfront_buffer buffer;
    struct rig_call call, other;

    start(true, BOTH);
    buffer = piece(0, PAGE);
    call = rig_call(BLKFRONT_READ, 8, &buffer, 1);
    other = call;
    CU_ASSERT_EQUAL(rig_submit(&rig, &call), BLKFRONT_OK);
    blkfront_memory_destroy(memory);
    CU_ASSERT_EQUAL(rig_submit(&rig, &other), BLKFRONT_INVALID);
    rig_settle(&rig);
    memories_poll(&rig.device);
    CU_ASSERT_PTR_NULL(rig.device.memories);
    finish();
}

static void destroying_waits_for_a_request_that_waits_for_the_ring(void)
{
    enum { COUNT = 40 };
    struct blkfront_buffer buffer;
    struct rig_call calls[COUNT];

    start(true, BOTH);
    buffer = piece(0, PAGE);
    for (int i = 0; i < COUNT; i++) {
        calls[i] = rig_call(BLKFRONT_WRITE, (uint64_t)i * 8, &buffer, 1);
        CU_ASSERT_EQUAL(rig_submit(&rig, &calls[i]), BLKFRONT_OK);
    }
    blkfront_memory_destroy(memory);
    rig_settle(&rig);
    for (int i = 0; i < COUNT; i++)
        CU_ASSERT_EQUAL(calls[i].result, BLKFRONT_OK);
    memories_poll(&rig.device);
    CU_ASSERT_PTR_NULL(rig.device.memories);
    finish();
}

static void i5_destroying_waits_until_the_backend_lets_go(void)
{
    for (int any_page = 0; any_page < 2; any_page++) {
        struct blkfront_buffer buffer;

        start(any_page != 0, BLKFRONT_MEMORY_FROM_DISK);
        rig.fake.all_busy = true;
        buffer = piece(0, PAGE);
        (void)run(BLKFRONT_READ, &buffer, 1);
        blkfront_memory_destroy(memory);
        memories_poll(&rig.device);
        CU_ASSERT_PTR_NOT_NULL(rig.device.memories);
        rig.fake.all_busy = false;
        memories_poll(&rig.device);
        CU_ASSERT_PTR_NULL(rig.device.memories);
        finish();
    }
}

static void i5_memory_of_a_device_that_is_gone_is_quarantined(void)
{
    for (int any_page = 0; any_page < 2; any_page++) {
        struct blkfront_buffer buffer;
        struct rig_call call;
        struct rig_request request;

        start(any_page != 0, BLKFRONT_MEMORY_FROM_DISK);
        buffer = piece(0, PAGE);
        call = rig_call(BLKFRONT_READ, 8, &buffer, 1);
        CU_ASSERT_EQUAL(rig_submit(&rig, &call), BLKFRONT_OK);
        CU_ASSERT_TRUE(rig_take(&rig, &request));
        fake_hold(&rig.fake, request.segments[0].grant_ref, true);
        rig_cut(&rig, BLKFRONT_DISCONNECTED);
        CU_ASSERT_EQUAL(call.result, BLKFRONT_DISCONNECTED);
        CU_ASSERT_EQUAL(quarantine_retry(&rig.context), any_page != 0 ? 1 : PAGES);
        fake_hold(&rig.fake, request.segments[0].grant_ref, false);
        CU_ASSERT_EQUAL(quarantine_retry(&rig.context), 0);
        CU_ASSERT_EQUAL(rig_left(&rig), 0);
    }
}

static void i2_a_request_at_its_deadline_holds_its_pages(void)
{
    for (int any_page = 0; any_page < 2; any_page++) {
        struct blkfront_buffer buffer;
        struct rig_call call;
        struct rig_request request;
        unsigned wakes;

        start(any_page != 0, BLKFRONT_MEMORY_FROM_DISK);
        rig.device.options.request_deadline_ns = 10;
        buffer = piece(0, PAGE);
        call = rig_call(BLKFRONT_READ, 8, &buffer, 1);
        CU_ASSERT_EQUAL(rig_submit(&rig, &call), BLKFRONT_OK);
        CU_ASSERT_TRUE(rig_take(&rig, &request));
        rig.fake.now = 10;
        rig_poll(&rig);
        CU_ASSERT_EQUAL(call.result, BLKFRONT_DEADLINE);
        /* The backend may still write to the page: nothing else is read into it directly. */
        (void)run(BLKFRONT_READ, &buffer, 1);
        CU_ASSERT_EQUAL(rig_statistics(&rig).bounced, 1);
        blkfront_memory_destroy(memory);
        CU_ASSERT_PTR_NOT_NULL(rig.device.memories);
        rig_execute(&rig, &request);
        wakes = rig.device_wakes;
        rig_respond(&rig, request.id, request.operation, BLKIF_WIRE_OKAY);
        rig_poll(&rig);
        CU_ASSERT_EQUAL(call.completions, 1);
        CU_ASSERT_TRUE(rig.device_wakes > wakes);
        memories_poll(&rig.device);
        CU_ASSERT_PTR_NULL(rig.device.memories);
        finish();
    }
}

/* ---- registered memory ---- */

static _Alignas(PAGE) unsigned char own_pages[2 * PAGE];
static int releases;

static void release(void *context, void *address)
{
    CU_ASSERT_PTR_EQUAL(context, &releases);
    CU_ASSERT_PTR_EQUAL(address, own_pages);
    releases++;
}

static void registered_memory_goes_direct_and_is_given_back(void)
{
    struct blkfront_buffer buffer = {.address = own_pages + 512, .size = PAGE};

    CU_ASSERT_EQUAL_FATAL(rig_open(&rig), 0);
    CU_ASSERT_EQUAL(
        blkfront_memory_register(&rig.device, own_pages, 2, BOTH, release, &releases, &memory),
        BLKFRONT_OK);
    buffer.memory = memory;
    releases = 0;
    (void)run(BLKFRONT_READ, &buffer, 1);
    CU_ASSERT_EQUAL(rig_statistics(&rig).direct, 1);
    rig.fake.all_busy = true;
    (void)run(BLKFRONT_READ, &buffer, 1);
    blkfront_memory_destroy(memory);
    memories_poll(&rig.device);
    CU_ASSERT_EQUAL(releases, 0);
    rig.fake.all_busy = false;
    memories_poll(&rig.device);
    CU_ASSERT_EQUAL(releases, 1);
    finish();
}

static void registered_memory_is_given_back_when_the_device_goes(void)
{
    CU_ASSERT_EQUAL_FATAL(rig_open(&rig), 0);
    CU_ASSERT_EQUAL(
        blkfront_memory_register(&rig.device, own_pages, 2, BOTH, release, &releases, &memory),
        BLKFRONT_OK);
    releases = 0;
    finish();
    CU_ASSERT_EQUAL(releases, 1);
}

/* ---- arguments and failures ---- */

static void bad_arguments_are_refused(void)
{
    struct blkfront_memory foreign;
    struct blkfront_buffer outside;
    struct rig_call call;
    void *address;

    start(true, BOTH);
    CU_ASSERT_EQUAL(blkfront_memory_create(NULL, 1, BOTH, &memory, &address), BLKFRONT_INVALID);
    CU_ASSERT_EQUAL(blkfront_memory_create(&rig.device, 0, BOTH, &memory, &address),
                    BLKFRONT_INVALID);
    CU_ASSERT_EQUAL(blkfront_memory_create(&rig.device, 1, 0, &memory, &address), BLKFRONT_INVALID);
    CU_ASSERT_EQUAL(blkfront_memory_create(&rig.device, 1, 4, &memory, &address), BLKFRONT_INVALID);
    CU_ASSERT_EQUAL(blkfront_memory_create(&rig.device, 1, BOTH, NULL, &address), BLKFRONT_INVALID);
    CU_ASSERT_EQUAL(blkfront_memory_create(&rig.device, 1, BOTH, &memory, NULL), BLKFRONT_INVALID);
    CU_ASSERT_EQUAL(blkfront_memory_create(&rig.device, SIZE_MAX, BOTH, &memory, &address),
                    BLKFRONT_NO_MEMORY);
    CU_ASSERT_EQUAL(
        blkfront_memory_register(&rig.device, own_pages + 1, 1, BOTH, release, NULL, &memory),
        BLKFRONT_INVALID);
    CU_ASSERT_EQUAL(blkfront_memory_register(&rig.device, NULL, 1, BOTH, release, NULL, &memory),
                    BLKFRONT_INVALID);
    CU_ASSERT_EQUAL(blkfront_memory_register(NULL, own_pages, 1, BOTH, release, NULL, &memory),
                    BLKFRONT_INVALID);
    blkfront_memory_destroy(NULL);

    foreign = *memory;
    foreign.device = NULL; /* another one's */
    outside = piece(0, 512);
    outside.memory = &foreign;
    call = rig_call(BLKFRONT_READ, 0, &outside, 1);
    CU_ASSERT_EQUAL(rig_submit(&rig, &call), BLKFRONT_INVALID);
    outside = piece((size_t)PAGES * PAGE - 512, 1024);
    call = rig_call(BLKFRONT_READ, 0, &outside, 1);
    CU_ASSERT_EQUAL(rig_submit(&rig, &call), BLKFRONT_INVALID);
    outside = piece(0, (size_t)PAGES * PAGE + 512);
    CU_ASSERT_EQUAL(rig_submit(&rig, &call), BLKFRONT_INVALID);
    outside.address = own_pages;
    outside.size = 512;
    CU_ASSERT_EQUAL(rig_submit(&rig, &call), BLKFRONT_INVALID);
    rig.takes = false;
    CU_ASSERT_EQUAL(blkfront_memory_create(&rig.device, 1, BOTH, &memory, &address),
                    BLKFRONT_DISCONNECTED);
    finish();
}

static void registering_needs_a_platform_that_grants_any_page(void)
{
    start(false, BOTH);
    CU_ASSERT_EQUAL(
        blkfront_memory_register(&rig.device, own_pages, 1, BOTH, release, NULL, &memory),
        BLKFRONT_UNIMPLEMENTED);
    finish();
}

static void each_failing_call_leaves_nothing(void)
{
    for (int any_page = 0; any_page < 2; any_page++) {
        rig_init(&rig, any_page != 0);
        CU_ASSERT_EQUAL_FATAL(rig_open(&rig), 0);
        for (unsigned nth = 1; nth < 4; nth++) {
            long before = fake_left(&rig.fake);
            void *address;

            fake_fail(&rig.fake, nth, false);
            CU_ASSERT_EQUAL(blkfront_memory_create(&rig.device, 2, BOTH, &memory, &address),
                            BLKFRONT_NO_MEMORY);
            CU_ASSERT_EQUAL(fake_left(&rig.fake), before);
            if (any_page == 0 || nth > 2)
                continue;
            fake_fail(&rig.fake, nth, false);
            CU_ASSERT_EQUAL(
                blkfront_memory_register(&rig.device, own_pages, 1, BOTH, release, NULL, &memory),
                BLKFRONT_NO_MEMORY);
            CU_ASSERT_EQUAL(fake_left(&rig.fake), before);
        }
        fake_fail(&rig.fake, 0, false);
        finish();
    }
}

static const struct unit_test tests[] = {
    UNIT_TEST(i7_library_memory_goes_without_a_copy),
    UNIT_TEST(i5_writes_are_granted_read_only_unless_persistent),
    UNIT_TEST(what_does_not_fit_is_copied),
    UNIT_TEST(direct_and_copied_buffers_mix_in_one_request),
    UNIT_TEST(pieces_of_one_page_go_direct_up_to_its_records),
    UNIT_TEST(i5_a_page_that_the_backend_keeps_is_copied_from_then_on),
    UNIT_TEST(destroying_waits_for_requests),
    UNIT_TEST(each_of_several_can_be_destroyed_alone),
    UNIT_TEST(destroyed_memory_takes_no_new_request),
    UNIT_TEST(destroying_waits_for_a_request_that_waits_for_the_ring),
    UNIT_TEST(i5_destroying_waits_until_the_backend_lets_go),
    UNIT_TEST(i5_memory_of_a_device_that_is_gone_is_quarantined),
    UNIT_TEST(i2_a_request_at_its_deadline_holds_its_pages),
    UNIT_TEST(registered_memory_goes_direct_and_is_given_back),
    UNIT_TEST(registered_memory_is_given_back_when_the_device_goes),
    UNIT_TEST(bad_arguments_are_refused),
    UNIT_TEST(registering_needs_a_platform_that_grants_any_page),
    UNIT_TEST(each_failing_call_leaves_nothing),
};

UNIT_MAIN_WITH("memory", set_up, NULL, tests)
