/* SPDX-License-Identifier: ISC */
/*
 * Indirect requests: how many segments go how (I9), what the backend finds in the pages of their
 * list (I6) and what it may do to them (I1, I2, I5). What becomes of them when pages or grants are
 * short: test_shortage.c.
 */
#include "large.h"

/* ---- which way, and how many pages ---- */

static void i9_the_number_of_segments_decides(void)
{
    static const struct {
        uint32_t segments;
        uint8_t operation;
        unsigned pages;
    } rows[] = {
        {1, BLKIF_WIRE_WRITE, 0},       {11, BLKIF_WIRE_WRITE, 0},
        {12, BLKIF_WIRE_INDIRECT, 1},   {511, BLKIF_WIRE_INDIRECT, 1},
        {512, BLKIF_WIRE_INDIRECT, 1},  {513, BLKIF_WIRE_INDIRECT, 2},
        {1024, BLKIF_WIRE_INDIRECT, 2}, {1025, BLKIF_WIRE_INDIRECT, 3},
        {4095, BLKIF_WIRE_INDIRECT, 8}, {4096, BLKIF_WIRE_INDIRECT, 8},
    };

    start();
    make_library_buffers(SEGMENTS);
    memcpy(library, data, BYTES);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct rig_call call = rig_call(BLKFRONT_WRITE, 0, buffers, rows[i].segments);
        struct rig_request request;
        unsigned pages = 0;

        memset(rig.disk, 0, sizeof(rig.disk));
        CU_ASSERT_EQUAL(rig_submit(&rig, &call), BLKFRONT_OK);
        request = rig_next(&rig);
        CU_ASSERT_EQUAL(rig_waiting_requests(&rig), 0);
        CU_ASSERT_EQUAL(request.operation, rows[i].operation);
        CU_ASSERT_EQUAL(request.inner, BLKIF_WIRE_WRITE);
        CU_ASSERT_EQUAL(request.segment_count, rows[i].segments);
        if (request.operation == BLKIF_WIRE_INDIRECT) {
            for (int page = 0; page < BLKIF_WIRE_INDIRECT_PAGES; page++)
                pages += request.page_refs[page] != 0;
        }
        CU_ASSERT_EQUAL(pages, rows[i].pages);
        respond(&request);
        rig_settle(&rig);
        check_ok(&call);
        CU_ASSERT_EQUAL(memcmp(rig.disk, data, (size_t)rows[i].segments * 512), 0);
    }
    CU_ASSERT_EQUAL(rig_statistics(&rig).indirect, 8);
    CU_ASSERT_EQUAL(rig_statistics(&rig).direct, 10);
    CU_ASSERT_EQUAL(rig_statistics(&rig).bytes_copied, 0);
    finish();
}

static void i9_no_request_has_more_segments_than_agreed(void)
{
    static const uint32_t limits[] = {3, 11, 12, 32, 511, 513};

    for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
        struct rig_call call = rig_call(BLKFRONT_READ, 0, buffers, 600);
        uint32_t left = 600;

        set_up_for(true);
        rig.device.agreed.segments = limits[i];
        rig.device.options.segments = limits[i] + (i % 2 == 0 ? 0 : 7);
        start();
        make_library_buffers(600);
        CU_ASSERT_EQUAL(rig_submit(&rig, &call), BLKFRONT_OK);
        while (left > 0) {
            struct rig_request request = rig_next(&rig);
            uint32_t wanted = left < limits[i] ? left : limits[i];

            CU_ASSERT_EQUAL_FATAL(request.segment_count, wanted);
            CU_ASSERT_EQUAL(request.operation, wanted > 11 ? BLKIF_WIRE_INDIRECT : BLKIF_WIRE_READ);
            left -= wanted;
            respond(&request);
            rig_poll(&rig);
        }
        rig_settle(&rig);
        check_ok(&call);
        CU_ASSERT_EQUAL(memcmp(library, rig.disk, 600 * 512), 0);
        finish();
    }
}

static void i7_copied_data_of_all_sizes_around_the_limits(void)
{
    static const size_t pages[] = {10, 11, 12, 13, 100, 200, 299};

    for (int any_page = 0; any_page < 2; any_page++) {
        set_up_for(any_page != 0);
        rig.device.options.pool_pages = 600;
        start();
        for (size_t i = 0; i < sizeof(pages) / sizeof(pages[0]); i++)
            check_round_trip(pages[i]);
        CU_ASSERT_EQUAL(rig_statistics(&rig).indirect, 10);
        CU_ASSERT_EQUAL(rig_statistics(&rig).ring_requests, 14);
        finish();
    }
}

/* ---- answers ---- */

static void i2_several_in_flight_are_answered_in_any_order(void)
{
    enum { COUNT = 4, EACH = 600 };
    static const int order[COUNT] = {2, 0, 3, 1};
    struct rig_call calls[COUNT];
    struct rig_request requests[COUNT];

    start();
    make_library_buffers(COUNT * EACH);
    for (int i = 0; i < COUNT; i++) {
        calls[i] = rig_call(BLKFRONT_READ, (uint64_t)i * EACH, buffers + i * EACH, EACH);
        CU_ASSERT_EQUAL(rig_submit(&rig, &calls[i]), BLKFRONT_OK);
    }
    for (int i = 0; i < COUNT; i++)
        requests[i] = rig_next(&rig);
    for (int i = 0; i < COUNT; i++) {
        const struct rig_request *request = &requests[order[i]];

        CU_ASSERT_EQUAL(request->operation, BLKIF_WIRE_INDIRECT);
        rig_execute(&rig, request);
        /* The inner operation, or 6 as some backends have it. */
        rig_respond(&rig, request->id, i % 2 == 0 ? BLKIF_WIRE_READ : BLKIF_WIRE_INDIRECT,
                    BLKIF_WIRE_OKAY);
        rig_poll(&rig);
        check_ok(&calls[order[i]]);
    }
    CU_ASSERT_EQUAL(memcmp(library, rig.disk, (size_t)COUNT * EACH * 512), 0);
    CU_ASSERT_EQUAL(rig_statistics(&rig).inner_op_tolerated, 2);
    finish();
}

static void i2_the_other_direction_is_no_answer(void)
{
    struct blkfront_buffer buffer = heap_pages(12);
    struct rig_call call = rig_call(BLKFRONT_READ, 0, &buffer, 1);
    struct rig_request request;

    start();
    CU_ASSERT_EQUAL(rig_submit(&rig, &call), BLKFRONT_OK);
    request = rig_next(&rig);
    rig_respond(&rig, request.id, BLKIF_WIRE_WRITE, BLKIF_WIRE_OKAY);
    rig_poll(&rig);
    CU_ASSERT_EQUAL(call.completions, 0);
    CU_ASSERT_STRING_EQUAL(queue_violation(rig.queue), "response operation does not match");
    finish();
    CU_ASSERT_EQUAL(call.completions, 1);
}

static void i8_the_status_of_an_indirect_request_is_the_callers(void)
{
    static const struct {
        int16_t status;
        int result;
    } rows[] = {
        {BLKIF_WIRE_ERROR, BLKFRONT_IO_ERROR},
        {5, BLKFRONT_IO_ERROR},
    };

    start();
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct blkfront_buffer buffer = heap_pages(20);
        struct rig_call call = rig_call(BLKFRONT_WRITE, 0, &buffer, 1);
        struct rig_request request;

        CU_ASSERT_EQUAL(rig_submit(&rig, &call), BLKFRONT_OK);
        request = rig_next(&rig);
        rig_respond(&rig, request.id, request.inner, rows[i].status);
        rig_poll(&rig);
        CU_ASSERT_EQUAL(call.completions, 1);
        CU_ASSERT_EQUAL(call.result, rows[i].result);
    }
    finish();
}

/* ---- what lies in the pages ---- */

static bool all_zero(const unsigned char *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (bytes[i] != 0)
            return false;
    }
    return true;
}

/* The list's page of a request of 13 segments, with what has been in it before. */
static const unsigned char *list_after_data(bool trusted, struct rig_request *request,
                                            struct rig_call *call, struct blkfront_buffer *buffer)
{
    struct rig_call first;

    rig.device.options.pool_pages = rig.fake.platform.page_grant != NULL ? 14 : 28;
    rig.device.agreed.trusted = trusted;
    start();
    *buffer = heap_pages(13);
    memset(data, 0xee, 13 * PAGE);
    first = rig_call(BLKFRONT_WRITE, 0, buffer, 1);
    CU_ASSERT_EQUAL(rig_submit(&rig, &first), BLKFRONT_OK);
    rig_settle(&rig);
    *call = rig_call(BLKFRONT_WRITE, 0, buffer, 1);
    CU_ASSERT_EQUAL(rig_submit(&rig, call), BLKFRONT_OK);
    *request = rig_next(&rig);
    CU_ASSERT_EQUAL(request->operation, BLKIF_WIRE_INDIRECT);
    CU_ASSERT_EQUAL(request->segment_count, 13);
    return fake_map(&rig.fake, request->page_refs[0], false);
}

static void i6_the_rest_of_a_list_page_is_zero_or_known_to_the_backend(void)
{
    for (int any_page = 0; any_page < 2; any_page++) {
        for (int trusted = 0; trusted < 2; trusted++) {
            struct rig_request request;
            struct rig_call call;
            struct blkfront_buffer buffer;
            const unsigned char *page;
            size_t known = 0;

            set_up_for(any_page != 0);
            page = list_after_data(trusted != 0, &request, &call, &buffer);
            CU_ASSERT_PTR_NOT_NULL_FATAL(page);
            for (size_t i = 13 * 8; i < PAGE; i++)
                known += page[i] == 0xee;
            CU_ASSERT_EQUAL(known > 0, trusted); /* the page has carried data before */
            for (size_t i = 13 * 8; i < PAGE; i++)
                known += page[i] == 0;
            CU_ASSERT_EQUAL(known, PAGE - 13 * 8);
            for (size_t i = 0; i < 13; i++) /* the padding of each entry */
                CU_ASSERT_TRUE(all_zero(page + i * 8 + 6, 2));
            rig_settle(&rig);
            respond(&request);
            rig_settle(&rig);
            check_ok(&call);
            finish();
        }
    }
}

static void i5_the_list_is_read_only_unless_persistent(void)
{
    for (int any_page = 0; any_page < 2; any_page++) {
        for (unsigned persistent = 0; persistent < 2; persistent++) {
            struct blkfront_buffer buffer = heap_pages(12);
            struct rig_call call = rig_call(BLKFRONT_READ, 0, &buffer, 1);
            struct rig_request request;

            set_up_for(any_page != 0);
            rig.device.agreed.persistent = persistent != 0;
            start();
            CU_ASSERT_EQUAL(rig_submit(&rig, &call), BLKFRONT_OK);
            request = rig_next(&rig);
            CU_ASSERT_EQUAL(request.operation, BLKIF_WIRE_INDIRECT);
            CU_ASSERT_EQUAL(rig.fake.refs[request.page_refs[0]].writable, persistent);
            CU_ASSERT_EQUAL(rig.fake.refs[request.page_refs[0]].domid, RIG_DOMID);
            respond(&request);
            rig_settle(&rig);
            check_ok(&call);
            finish();
        }
    }
}

/* Where a platform fixes the flag, a backend can write to the list: nothing is decided from it. */
static void i1_a_list_that_the_backend_rewrites_is_of_no_account(void)
{
    struct blkfront_buffer buffer = heap_pages(30);
    struct rig_call call = rig_call(BLKFRONT_READ, 0, &buffer, 1);
    struct rig_request request;

    set_up_for(false);
    rig.device.agreed.persistent = true;
    start();
    CU_ASSERT_EQUAL(rig_submit(&rig, &call), BLKFRONT_OK);
    request = rig_next(&rig);
    rig_execute(&rig, &request);
    memset(fake_map(&rig.fake, request.page_refs[0], true), 0xff, PAGE);
    rig_respond(&rig, request.id, request.inner, BLKIF_WIRE_OKAY);
    rig_settle(&rig);
    check_ok(&call);
    CU_ASSERT_EQUAL(memcmp(data, rig.disk, buffer.size), 0);
    finish();
}

static void i5_a_list_page_that_the_backend_keeps_is_quarantined(void)
{
    struct blkfront_buffer buffer = heap_pages(12);
    struct rig_call call = rig_call(BLKFRONT_READ, 0, &buffer, 1);
    struct rig_request request;

    start();
    CU_ASSERT_EQUAL(rig_submit(&rig, &call), BLKFRONT_OK);
    request = rig_next(&rig);
    fake_hold(&rig.fake, request.page_refs[0], true);
    respond(&request);
    rig_settle(&rig);
    check_ok(&call);
    CU_ASSERT_EQUAL(rig.queue->pools[0].busy_count, 1);
    fake_hold(&rig.fake, request.page_refs[0], false);
    rig_settle(&rig);
    CU_ASSERT_EQUAL(rig.queue->pools[0].busy_count, 0);
    finish();
}

static void i2_a_deadline_leaves_the_list_to_the_backend(void)
{
    struct blkfront_buffer buffer = heap_pages(12);
    struct rig_call call = rig_call(BLKFRONT_READ, 0, &buffer, 1);
    struct rig_request request;

    rig.device.options.request_deadline_ns = 10;
    start();
    CU_ASSERT_EQUAL(rig_submit(&rig, &call), BLKFRONT_OK);
    request = rig_next(&rig);
    rig.fake.now = 10;
    rig_poll(&rig);
    CU_ASSERT_EQUAL(call.result, BLKFRONT_DEADLINE);
    respond(&request); /* all pages are still there */
    rig_settle(&rig);
    CU_ASSERT_EQUAL(call.completions, 1);
    finish();
}

/* ---- memory ---- */

static void what_the_options_ask_for_is_bounded(void)
{
    static const uint32_t segments[] = {12, 13, 64, 255, 256, 1000, SEGMENTS};
    long small, large;

    rig.device.options.segments = BLKIF_WIRE_SEGMENTS;
    rig.device.options.ring_order = 4;
    CU_ASSERT_EQUAL(queues_create(&rig.device), BLKFRONT_OK);
    small = rig.fake.allocated;
    queues_destroy(&rig.device);
    for (size_t i = 0; i < sizeof(segments) / sizeof(segments[0]); i++) {
        for (uint32_t queues = 1; queues <= 64; queues *= 8) {
            rig.device.options.segments = segments[i];
            rig.device.options.queues = queues;
            CU_ASSERT_EQUAL_FATAL(queues_create(&rig.device), BLKFRONT_OK);
            large = rig.fake.allocated;
            /* One MiB more than a direct device, or one array a queue, and a little besides. */
            CU_ASSERT_TRUE(large <= (long)queues * small + 1024 * 1024 + 4096 * (long)queues ||
                           rig.device.queues[0].slots.long_count == 1);
            CU_ASSERT_TRUE(rig.device.queues[queues - 1].slots.long_free_count >= 1);
            queues_destroy(&rig.device);
        }
    }
    CU_ASSERT_EQUAL(fake_left(&rig.fake), 0);
}

static const struct unit_test tests[] = {
    UNIT_TEST(i9_the_number_of_segments_decides),
    UNIT_TEST(i9_no_request_has_more_segments_than_agreed),
    UNIT_TEST(i7_copied_data_of_all_sizes_around_the_limits),
    UNIT_TEST(i2_several_in_flight_are_answered_in_any_order),
    UNIT_TEST(i2_the_other_direction_is_no_answer),
    UNIT_TEST(i8_the_status_of_an_indirect_request_is_the_callers),
    UNIT_TEST(i6_the_rest_of_a_list_page_is_zero_or_known_to_the_backend),
    UNIT_TEST(i5_the_list_is_read_only_unless_persistent),
    UNIT_TEST(i1_a_list_that_the_backend_rewrites_is_of_no_account),
    UNIT_TEST(i5_a_list_page_that_the_backend_keeps_is_quarantined),
    UNIT_TEST(i2_a_deadline_leaves_the_list_to_the_backend),
    UNIT_TEST(what_the_options_ask_for_is_bounded),
};

UNIT_MAIN_WITH("indirect", set_up, NULL, tests)
