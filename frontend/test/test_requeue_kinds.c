/* SPDX-License-Identifier: ISC */
/*
 * I15: flushes, writes with FUA, discards and barriers whose connection is lost; and disks that
 * come back with other sectors.
 */
#include "lost.h"

/* ---- flushes, discards, barriers ---- */

static void i15_a_flush_takes_the_chain_anew(void)
{
    struct rig_call call = rig_call(BLKFRONT_FLUSH, 0, NULL, 0);
    struct rig_request request;

    rig.device.agreed.barrier = true;
    start();
    submit(&call);
    request = expect(BLKIF_WIRE_FLUSH_DISKCACHE, 0);
    respond(&request, NOT_SUPPORTED);
    (void)expect(BLKIF_WIRE_WRITE_BARRIER, 0);
    lose();
    rig.device.agreed.flush = true; /* the next backend has both again */
    reconnect();
    request = expect(BLKIF_WIRE_FLUSH_DISKCACHE, 0);
    respond(&request, OKAY);
    check_result(&call, BLKFRONT_OK);
    finish();
}

static void i15_a_flush_that_the_new_backend_has_not_drains(void)
{
    struct rig_call write = page_write(0), flush = rig_call(BLKFRONT_FLUSH, 0, NULL, 0);
    struct rig_request request;

    start();
    submit(&write);
    submit(&flush);
    lose();
    rig.device.agreed.flush = false;
    rig.device.agreed.flush_offered = false;
    reconnect();
    request = expect(BLKIF_WIRE_WRITE, 0);
    CU_ASSERT_EQUAL(flush.completions, 0);
    rig_answer(&rig, &request);
    check_result(&write, BLKFRONT_OK);
    check_result(&flush, BLKFRONT_OK);
    CU_ASSERT_EQUAL(rig_waiting_requests(&rig), 0);
    finish();
}

/* What was in the former backend's cache may be gone with it. */
static void i16_a_write_with_fua_begins_anew(void)
{
    const struct blkfront_buffer pieces[] = {
        {.address = data, .size = 3 * PAGE},
        {.address = data + 3 * PAGE, .size = 21 * PAGE},
    };
    struct rig_call calls[2] = {page_write(0), rig_call(BLKFRONT_WRITE, 64, pieces, 2)};
    struct rig_request requests[4], request;

    start();
    for (unsigned i = 0; i < 2; i++) {
        calls[i].request.flags = BLKFRONT_FUA;
        submit(&calls[i]);
    }
    for (unsigned i = 0; i < 4; i++)
        requests[i] = rig_next(&rig);
    rig_answer(&rig, &requests[0]);
    (void)expect(BLKIF_WIRE_FLUSH_DISKCACHE, 0);
    rig_answer(&rig, &requests[2]); /* of 11, 11 and 2 pages those in the middle */
    memset(rig.disk, 0, RIG_UNITS * 512);
    lose();
    reconnect();
    for (unsigned i = 0; i < 4; i++) {
        static const uint64_t units[] = {0, 64, 152, 240};

        requests[i] = expect(BLKIF_WIRE_WRITE, units[i]);
        rig_answer(&rig, &requests[i]);
    }
    for (unsigned i = 0; i < 2; i++) {
        CU_ASSERT_EQUAL(calls[i].completions, 0);
        request = expect(BLKIF_WIRE_FLUSH_DISKCACHE, 0);
        respond(&request, OKAY);
        check_result(&calls[i], BLKFRONT_OK);
    }
    CU_ASSERT_EQUAL(memcmp(rig.disk, data, PAGE), 0);
    CU_ASSERT_EQUAL(memcmp(rig.disk + 64 * 512, data, 24 * PAGE), 0);
    finish();
}

static void i15_a_discard_is_done_again_where_it_is_offered(void)
{
    static const struct {
        bool discard, read_only;
        uint32_t granularity;
        uint64_t size_512;
        int result;
        uint64_t first_512, count_512; /* on the wire; 0: nothing */
    } disks[] = {
        {true, false, 512, RIG_UNITS, BLKFRONT_OK, 9, 20},
        {true, false, 4096, RIG_UNITS, BLKFRONT_OK, 16, 8},
        {true, false, 65536, RIG_UNITS, BLKFRONT_OK, 0, 0},
        {false, false, 512, RIG_UNITS, BLKFRONT_UNIMPLEMENTED, 0, 0},
        {true, true, 512, RIG_UNITS, BLKFRONT_READ_ONLY, 0, 0},
        {true, false, 512, 28, BLKFRONT_OUT_OF_RANGE, 0, 0},
    };

    for (size_t i = 0; i < sizeof(disks) / sizeof(disks[0]); i++) {
        struct rig_call call = discard_call(9, 20);
        struct rig_request request;

        set_up();
        rig.device.agreed.discard = true;
        start();
        submit(&call);
        (void)expect(BLKIF_WIRE_DISCARD, 9);
        lose();
        rig.device.agreed.discard = disks[i].discard;
        rig.device.agreed.read_only = disks[i].read_only;
        rig.device.agreed.discard_granularity = disks[i].granularity;
        rig.device.agreed.size_512 = disks[i].size_512;
        reconnect();
        if (disks[i].count_512 > 0) {
            request = expect(BLKIF_WIRE_DISCARD, disks[i].first_512);
            CU_ASSERT_EQUAL(request.count_512, disks[i].count_512);
            respond(&request, OKAY);
        }
        check_result(&call, disks[i].result);
        CU_ASSERT_EQUAL(rig_waiting_requests(&rig), 0);
        finish();
    }
}

static void i15_a_barrier_keeps_its_place(void)
{
    struct rig_call calls[3] = {page_write(0), page_write(8), page_write(16)};
    struct rig_request request;

    for (int offered = 0; offered < 2; offered++) {
        set_up();
        rig.device.agreed.barrier = true;
        start();
        for (unsigned i = 0; i < 3; i++) {
            calls[i].completions = 0;
            calls[i].request.flags = i == 1 ? BLKFRONT_BARRIER : 0;
            submit(&calls[i]);
        }
        lose();
        rig.device.agreed.barrier = offered != 0;
        reconnect();
        request = expect(BLKIF_WIRE_WRITE, 0);
        respond(&request, BLKIF_WIRE_OKAY);
        if (offered != 0) {
            (void)expect(BLKIF_WIRE_WRITE_BARRIER, 8);
            lose();
            reconnect();
            request = expect(BLKIF_WIRE_WRITE_BARRIER, 8);
            respond(&request, BLKIF_WIRE_OKAY);
        }
        check_result(&calls[1], offered != 0 ? BLKFRONT_OK : BLKFRONT_UNIMPLEMENTED);
        (void)expect(BLKIF_WIRE_WRITE, 16);
        lose();
        reconnect();
        rig_settle(&rig);
        check_result(&calls[0], BLKFRONT_OK);
        check_result(&calls[2], BLKFRONT_OK);
        finish();
    }
}

/* ---- other sectors ---- */

/* 512 bytes a sector, then 4096: what was meant stays what is written. */
static void i15_a_sector_number_means_what_it_meant_when_it_was_given(void)
{
    struct rig_call calls[3] = {page_write(8), page_write(16), page_write(24)};

    start();
    submit(&calls[0]);
    lose();
    submit(&calls[1]); /* nobody knows yet */
    rig.device.agreed.sector_size = 4096;
    reconnect();
    (void)expect(BLKIF_WIRE_WRITE, 8);
    (void)expect(BLKIF_WIRE_WRITE, 16);
    submit(&calls[2]);
    (void)expect(BLKIF_WIRE_WRITE, 24 * 8);
    lose();
    rig.device.agreed.sector_size = 512;
    reconnect();
    (void)expect(BLKIF_WIRE_WRITE, 8);
    (void)expect(BLKIF_WIRE_WRITE, 16);
    (void)expect(BLKIF_WIRE_WRITE, 24 * 8);
    lose();
    reconnect();
    rig_settle(&rig);
    for (unsigned i = 0; i < 3; i++)
        check_result(&calls[i], BLKFRONT_OK);
    finish();
}

static void while_nothing_is_connected_only_what_can_be_known_is_refused(void)
{
    const struct blkfront_buffer half = {.address = data, .size = 512};
    struct rig_call call = rig_call(BLKFRONT_WRITE, 0, &half, 1);
    struct rig_call far = page_write(UINT64_MAX / 512), beyond = page_write(RIG_UNITS);
    struct rig_call empty = rig_call(BLKFRONT_WRITE, UINT64_MAX, NULL, 0);
    struct rig_call wide = discard_call(0, UINT64_MAX / 512 + 1);

    rig.device.agreed.sector_size = 1024;
    start();
    rig_poll(&rig);
    lose();
    CU_ASSERT_EQUAL(rig_submit(&rig, &call), BLKFRONT_INVALID);
    CU_ASSERT_EQUAL(rig_submit(&rig, &far), BLKFRONT_OUT_OF_RANGE);
    CU_ASSERT_EQUAL(rig_submit(&rig, &wide), BLKFRONT_OUT_OF_RANGE);
    submit(&beyond);
    submit(&empty);
    rig_poll(&rig);
    check_result(&empty, BLKFRONT_OK);
    CU_ASSERT_EQUAL(beyond.completions, 0);
    reconnect();
    check_result(&beyond, BLKFRONT_OUT_OF_RANGE);
    finish();
}

static const struct unit_test tests[] = {
    UNIT_TEST(i15_a_flush_takes_the_chain_anew),
    UNIT_TEST(i15_a_flush_that_the_new_backend_has_not_drains),
    UNIT_TEST(i16_a_write_with_fua_begins_anew),
    UNIT_TEST(i15_a_discard_is_done_again_where_it_is_offered),
    UNIT_TEST(i15_a_barrier_keeps_its_place),
    UNIT_TEST(i15_a_sector_number_means_what_it_meant_when_it_was_given),
    UNIT_TEST(while_nothing_is_connected_only_what_can_be_known_is_refused),
};

UNIT_MAIN_WITH("requeue_kinds", set_up, NULL, tests)
