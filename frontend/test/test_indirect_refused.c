/* SPDX-License-Identifier: ISC */
/*
 * A backend that offers indirect requests and cannot do them (I8): what it has refused goes out
 * directly, and nothing else does again.
 */
#include "large.h"

static void refuse(const struct rig_request *request)
{
    CU_ASSERT_EQUAL(request->operation, BLKIF_WIRE_INDIRECT);
    rig_respond(&rig, request->id, request->inner, BLKIF_WIRE_EOPNOTSUPP);
    rig_poll(&rig);
}

static void i8_what_is_not_supported_indirectly_goes_out_directly(void)
{
    for (int direct = 0; direct < 2; direct++) {
        for (unsigned operation = BLKFRONT_READ; operation <= BLKFRONT_WRITE; operation++) {
            struct rig_call call, next;
            struct rig_request request;
            unsigned wakes;

            set_up();
            start();
            make_library_buffers(30);
            if (direct == 0)
                buffers[0] = heap_pages(30);
            call = rig_call((enum blkfront_operation)operation, 8, buffers, direct == 0 ? 1 : 30);
            CU_ASSERT_EQUAL(rig_submit(&rig, &call), BLKFRONT_OK);
            request = rig_next(&rig);
            wakes = rig.device_wakes;
            refuse(&request);
            CU_ASSERT_EQUAL(rig.device.agreed.segments, 11);
            CU_ASSERT_TRUE(rig.device_wakes > wakes); /* get_info has something new */
            for (unsigned left = 30; left > 0;) {
                request = rig_next(&rig);
                CU_ASSERT_EQUAL(request.operation, request.inner);
                CU_ASSERT_EQUAL(request.segment_count, left < 11 ? left : 11);
                left -= request.segment_count;
                CU_ASSERT_EQUAL(call.completions, 0);
                rig_answer(&rig, &request);
            }
            check_ok(&call);
            for (size_t i = 0, at = 8 * 512; i < (direct == 0 ? 1 : 30); i++) {
                CU_ASSERT_EQUAL(memcmp(buffers[i].address, rig.disk + at, buffers[i].size), 0);
                at += buffers[i].size;
            }
            next = rig_call(BLKFRONT_READ, 8, buffers, direct == 0 ? 1 : 30);
            CU_ASSERT_EQUAL(rig_submit(&rig, &next), BLKFRONT_OK);
            rig_settle(&rig);
            check_ok(&next);
            CU_ASSERT_EQUAL(rig_statistics(&rig).indirect, 1);
            CU_ASSERT_EQUAL(rig_statistics(&rig).reissued, 0);
            finish();
        }
    }
}

/* Four parts of one request and one of another; some are refused, in any order. */
static void i8_only_what_was_refused_goes_out_again(void)
{
    for (unsigned refused = 1; refused < 32; refused++) {
        struct blkfront_buffer buffer = heap_pages(4 * 16);
        struct blkfront_buffer other = {.address = data + 64 * PAGE, .size = 16 * PAGE};
        struct rig_call call = rig_call(BLKFRONT_READ, 8, &buffer, 1);
        struct rig_call second = rig_call(BLKFRONT_READ, 8 + 64 * 8, &other, 1);
        struct rig_request requests[5];
        unsigned again = 0;

        set_up();
        rig.device.agreed.segments = 16;
        rig.device.options.pool_pages = 100;
        start();
        CU_ASSERT_EQUAL(rig_submit(&rig, &call), BLKFRONT_OK);
        CU_ASSERT_EQUAL(rig_submit(&rig, &second), BLKFRONT_OK);
        for (int i = 0; i < 5; i++)
            requests[i] = rig_next(&rig);
        for (unsigned n = 0; n < 5; n++) {
            unsigned i = (n * 3 + refused) % 5;

            if ((refused & 1u << i) != 0)
                refuse(&requests[i]);
            else
                rig_answer(&rig, &requests[i]);
        }
        while (rig_take(&rig, &requests[0])) {
            CU_ASSERT_EQUAL(requests[0].operation, BLKIF_WIRE_READ);
            again += requests[0].segment_count;
            rig_answer(&rig, &requests[0]);
        }
        CU_ASSERT_EQUAL(again, 16 * (unsigned)__builtin_popcount(refused));
        check_ok(&call);
        check_ok(&second);
        CU_ASSERT_EQUAL(memcmp(data, rig.disk + 8 * 512, 80 * PAGE), 0);
        finish();
    }
}

static void i8_what_has_failed_besides_is_not_tried_again(void)
{
    for (int first = 0; first < 2; first++) {
        struct blkfront_buffer buffer = heap_pages(2 * 16);
        struct rig_call call = rig_call(BLKFRONT_WRITE, 0, &buffer, 1);
        struct rig_request requests[2];

        set_up();
        rig.device.agreed.segments = 16;
        start();
        CU_ASSERT_EQUAL(rig_submit(&rig, &call), BLKFRONT_OK);
        requests[0] = rig_next(&rig);
        requests[1] = rig_next(&rig);
        /* Both answers at once: nothing goes out between them. */
        rig_respond(&rig, requests[first].id, BLKIF_WIRE_WRITE, BLKIF_WIRE_ERROR);
        rig_respond(&rig, requests[1 - first].id, BLKIF_WIRE_WRITE, BLKIF_WIRE_EOPNOTSUPP);
        rig_poll(&rig);
        CU_ASSERT_EQUAL(call.completions, 1);
        CU_ASSERT_EQUAL(call.result, BLKFRONT_IO_ERROR);
        CU_ASSERT_EQUAL(rig_statistics(&rig).ring_requests, 2);
        finish();
    }
}

static void i8_nor_is_what_nobody_waits_for(void)
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
    refuse(&request);
    CU_ASSERT_EQUAL(rig_waiting_requests(&rig), 0);
    CU_ASSERT_EQUAL(rig.device.agreed.segments, 11);
    finish();
}

static unsigned units_of(const struct rig_request *request)
{
    unsigned units = 0;

    for (uint32_t i = 0; i < request->segment_count; i++) {
        struct blkif_wire_segment segment = rig_segment(&rig, request, i);

        units += segment.last_512 - segment.first_512 + 1u;
    }
    return units;
}

/* What was direct is copied now, and its pages begin elsewhere: it ends where it ended. */
static void i7_what_goes_out_again_ends_where_it_ended(void)
{
    struct blkfront_buffer buffer;
    struct rig_call call;
    struct rig_request first, second, request;
    unsigned refused, again = 0;

    rig.device.agreed.segments = 16;
    start();
    make_library_buffers(SEGMENTS);
    buffer =
        (struct blkfront_buffer){.address = library + 512, .size = 30 * PAGE, .memory = memory};
    memcpy(buffer.address, data, buffer.size);
    call = rig_call(BLKFRONT_WRITE, 0, &buffer, 1);
    CU_ASSERT_EQUAL(rig_submit(&rig, &call), BLKFRONT_OK);
    first = rig_next(&rig);
    second = rig_next(&rig);
    refused = units_of(&first);
    CU_ASSERT_EQUAL(refused, 16 * 8 - 1);
    CU_ASSERT_EQUAL(refused + units_of(&second), 30 * 8);
    rig.device.agreed.trusted = false;
    refuse(&first);
    while (rig_take(&rig, &request)) {
        CU_ASSERT_EQUAL(request.sector_512, again);
        again += units_of(&request);
        rig_answer(&rig, &request);
    }
    CU_ASSERT_EQUAL(again, refused);
    CU_ASSERT_EQUAL(call.completions, 0);
    rig_answer(&rig, &second);
    check_ok(&call);
    CU_ASSERT_EQUAL(memcmp(data, rig.disk, buffer.size), 0);
    finish();
}

/* Parts that have yet to go out come after what goes out again, and go directly too. */
static void i8_the_rest_of_the_request_follows_directly(void)
{
    struct blkfront_buffer buffer = heap_pages(60);
    struct rig_call call = rig_call(BLKFRONT_WRITE, 0, &buffer, 1);
    struct rig_request request;
    uint64_t next = 0;

    rig.device.options.pool_pages = 21;
    start();
    CU_ASSERT_EQUAL(rig_submit(&rig, &call), BLKFRONT_OK);
    request = rig_next(&rig);
    CU_ASSERT_EQUAL(request.segment_count, 20);
    refuse(&request);
    while (rig_take(&rig, &request)) {
        CU_ASSERT_EQUAL(request.operation, BLKIF_WIRE_WRITE);
        CU_ASSERT_EQUAL(request.sector_512, next);
        next += request.segment_count * UINT64_C(8);
        rig_answer(&rig, &request);
    }
    check_ok(&call);
    CU_ASSERT_EQUAL(next, 60 * 8);
    CU_ASSERT_EQUAL(memcmp(data, rig.disk, buffer.size), 0);
    finish();
}

static const struct unit_test tests[] = {
    UNIT_TEST(i8_what_is_not_supported_indirectly_goes_out_directly),
    UNIT_TEST(i8_only_what_was_refused_goes_out_again),
    UNIT_TEST(i8_what_has_failed_besides_is_not_tried_again),
    UNIT_TEST(i8_nor_is_what_nobody_waits_for),
    UNIT_TEST(i7_what_goes_out_again_ends_where_it_ended),
    UNIT_TEST(i8_the_rest_of_the_request_follows_directly),
};

UNIT_MAIN_WITH("indirect refused", set_up, NULL, tests)
