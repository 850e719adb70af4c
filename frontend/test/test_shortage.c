/* SPDX-License-Identifier: ISC */
/*
 * Pages, grants and room for segments that are short: requests are cut smaller, go another way or
 * wait in order, and all of them end (I4).
 */
#include "large.h"

static void i4_any_pool_will_do(void)
{
    for (int any_page = 0; any_page < 2; any_page++) {
        for (uint32_t pages = 1; pages < 40; pages++) {
            set_up_for(any_page != 0);
            rig.device.options.pool_pages = pages;
            start();
            check_round_trip(30);
            finish();
        }
    }
}

static void i4_any_number_of_grants_will_do(void)
{
    for (uint32_t grants = 1; grants < 40; grants++) {
        struct rig_call call = rig_call(BLKFRONT_READ, 0, buffers, 30);

        set_up_for(true);
        start();
        rig.fake.refs_limit = rig.fake.refs_used + grants;
        check_round_trip(30);
        make_library_buffers(30);
        CU_ASSERT_EQUAL(rig_submit(&rig, &call), BLKFRONT_OK);
        rig_settle(&rig);
        check_ok(&call);
        CU_ASSERT_EQUAL(memcmp(library, rig.disk, 30 * 512), 0);
        finish();
    }
}

/* 12 pages: eleven for data and none for the list, or the list and no twelfth for data. */
static void where_the_list_has_no_page_eleven_segments_go_directly(void)
{
    static const struct {
        uint32_t pages;
        unsigned segments;
    } rows[] = {{11, 11}, {12, 11}, {13, 12}, {14, 13}};

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct blkfront_buffer buffer = heap_pages(20);
        struct rig_call call = rig_call(BLKFRONT_WRITE, 0, &buffer, 1);
        struct rig_request request;

        set_up_for(true);
        rig.device.options.pool_pages = rows[i].pages;
        start();
        CU_ASSERT_EQUAL(rig_submit(&rig, &call), BLKFRONT_OK);
        request = rig_next(&rig);
        CU_ASSERT_EQUAL(request.segment_count, rows[i].segments);
        CU_ASSERT_EQUAL(request.operation,
                        rows[i].segments > 11 ? BLKIF_WIRE_INDIRECT : BLKIF_WIRE_WRITE);
        respond(&request);
        rig_settle(&rig);
        check_ok(&call);
        CU_ASSERT_EQUAL(memcmp(rig.disk, data, buffer.size), 0);
        finish();
    }
}

/* The page for a segment 513 is missing: 512 go out. */
static void a_list_ends_where_its_next_page_is_missing(void)
{
    struct rig_call call = rig_call(BLKFRONT_READ, 0, buffers, 600);
    struct rig_request request;

    rig.device.options.pool_pages = 1;
    start();
    make_library_buffers(600);
    CU_ASSERT_EQUAL(rig_submit(&rig, &call), BLKFRONT_OK);
    request = rig_next(&rig);
    CU_ASSERT_EQUAL(request.segment_count, 512);
    respond(&request);
    while (rig_take(&rig, &request)) {
        /* Meanwhile the only page is in use. */
        CU_ASSERT_EQUAL(request.operation, BLKIF_WIRE_READ);
        respond(&request);
    }
    rig_settle(&rig);
    check_ok(&call);
    CU_ASSERT_EQUAL(memcmp(library, rig.disk, 600 * 512), 0);
    finish();
}

/* More long requests than there is room for at once: what is beyond goes out in elevens. */
static void i4_more_requests_than_long_arrays(void)
{
    enum { COUNT = 20, EACH = 64, LONG = 8 };
    struct rig_call calls[COUNT];
    struct rig_request request;
    unsigned indirect = 0, direct = 0;

    rig.device.options.ring_order = 4;
    rig.device.agreed.ring_order = 4;
    start();
    make_library_buffers(COUNT * EACH);
    for (int i = 0; i < COUNT; i++) {
        calls[i] = rig_call(BLKFRONT_READ, (uint64_t)i * EACH, buffers + i * EACH, EACH);
        CU_ASSERT_EQUAL(rig_submit(&rig, &calls[i]), BLKFRONT_OK);
    }
    while (rig_take(&rig, &request)) {
        if (request.operation == BLKIF_WIRE_INDIRECT)
            indirect++;
        else
            direct++;
        respond(&request);
    }
    CU_ASSERT_EQUAL(indirect, LONG);
    CU_ASSERT_EQUAL(direct, (COUNT - LONG) * ((EACH + 10) / 11));
    rig_settle(&rig);
    for (int i = 0; i < COUNT; i++)
        check_ok(&calls[i]);
    CU_ASSERT_EQUAL(memcmp(library, rig.disk, (size_t)COUNT * EACH * 512), 0);
    finish();
}

/* Whatever call fails: the request completes once, and nothing is left. */
static void each_failing_call_leaks_nothing(void)
{
    for (unsigned nth = 1;; nth++) {
        struct blkfront_buffer buffer = heap_pages(14);
        struct rig_call call = rig_call(BLKFRONT_WRITE, 0, &buffer, 1);
        unsigned failed;

        set_up_for(true);
        start();
        fake_fail(&rig.fake, nth, true);
        CU_ASSERT_EQUAL(rig_submit(&rig, &call), BLKFRONT_OK);
        rig_settle(&rig);
        failed = rig.fake.failed;
        fake_fail(&rig.fake, 0, false);
        finish();
        CU_ASSERT_EQUAL(call.completions, 1);
        if (failed == 0)
            break;
    }
}

static const struct unit_test tests[] = {
    UNIT_TEST(i4_any_pool_will_do),
    UNIT_TEST(i4_any_number_of_grants_will_do),
    UNIT_TEST(where_the_list_has_no_page_eleven_segments_go_directly),
    UNIT_TEST(a_list_ends_where_its_next_page_is_missing),
    UNIT_TEST(i4_more_requests_than_long_arrays),
    UNIT_TEST(each_failing_call_leaks_nothing),
};

UNIT_MAIN_WITH("shortage", set_up, NULL, tests)
