/* SPDX-License-Identifier: ISC */
/*
 * A queue's ring: what the backend does with requests, good ones and bad ones, and the rules of
 * taking and publishing.
 */
#include "alone.h"
#include "backend_internal.h"

static void set_up_data(void)
{
    set_up();
    for (uint32_t i = 0; i < FAKE_DATA_PAGES; i++)
        memset(device.data[i], (int)(i + 1), 4096);
}

static struct simback_backend_counters counters(void)
{
    struct simback_backend_counters now;

    simback_backend_get_counters(device.backend, &now);
    return now;
}

static bool page_is(const uint8_t *page, uint8_t value)
{
    for (uint32_t i = 0; i < 4096; i++) {
        if (page[i] != value)
            return false;
    }
    return true;
}

/* One request alone: its status. */
static int16_t status_of(void)
{
    struct fake_response response = {.status = 99};

    CU_ASSERT_TRUE(fake_go(&device));
    CU_ASSERT_TRUE(fake_take(&device, 0, &response));
    CU_ASSERT_EQUAL(response.id, 5);
    return response.status;
}

/* ---- data ---- */

static void write_then_read(void)
{
    fake_connect(&device);
    fake_put_request(&device, 1, 100, 16, 0, 3);
    fake_put_request(&device, 0, 101, 16, 20, 3);
    CU_ASSERT_TRUE(fake_go(&device));
    CU_ASSERT_TRUE(fake_answered(&device, 100, 1, 0));
    CU_ASSERT_TRUE(fake_answered(&device, 101, 0, 0));
    for (uint32_t i = 0; i < 3; i++)
        CU_ASSERT_TRUE(page_is(device.data[20 + i], (uint8_t)(i + 1)));
    CU_ASSERT_TRUE(page_is(device.data[23], 24));
    CU_ASSERT_EQUAL(counters().read, 1);
    CU_ASSERT_EQUAL(counters().write, 1);
    CU_ASSERT_EQUAL(counters().segments, 6);
    CU_ASSERT_EQUAL(counters().answered, 2);
    CU_ASSERT_EQUAL(counters().errors, 0);
    CU_ASSERT_EQUAL(counters().pending, 0);
}

static void i7_data_is_moved_only_inside_a_segment(void)
{
    fake_connect(&device);
    fake_put_segment(&device, 1, 1, 100, device.data_refs[0], 2, 4);
    fake_put_segment(&device, 0, 2, 100, device.data_refs[1], 5, 7);
    CU_ASSERT_TRUE(fake_go(&device));
    CU_ASSERT_TRUE(page_is(device.data[0], 1));
    for (uint32_t i = 0; i < 4096; i++)
        CU_ASSERT_EQUAL_FATAL(device.data[1][i], i < 5 * 512 ? 2 : 1);
}

static void both_abis_serve(void)
{
    device.abi_32 = true;
    fake_connect(&device);
    /* More than a ring's worth, so that every slot is used in both directions. */
    for (uint64_t i = 0; i < 100; i++) {
        fake_put_request(&device, 1, i, i * 8, (uint32_t)i % 10, 1);
        CU_ASSERT_TRUE(fake_go(&device));
        CU_ASSERT_TRUE(fake_answered(&device, i, 1, 0));
    }
    fake_put_request(&device, 0, 7, 99 * 8, 50, 1);
    CU_ASSERT_TRUE(fake_go(&device));
    CU_ASSERT_TRUE(fake_answered(&device, 7, 0, 0));
    CU_ASSERT_TRUE(page_is(device.data[50], 10));
}

static void slots_lie_across_pages_that_are_no_neighbours(void)
{
    device.order = 2; /* 128 slots of 112 bytes: some cross a page's end */
    fake_connect(&device);
    CU_ASSERT_EQUAL(fake_back_state(&device), 4);
    CU_ASSERT_EQUAL(device.rings[0].size, 128);
    for (uint64_t i = 0; i < 128; i++)
        fake_put_request(&device, i % 2 == 0, i, i / 2 * 8, (uint32_t)(i % 32), 1);
    CU_ASSERT_TRUE(fake_go(&device));
    for (uint64_t i = 0; i < 128; i++)
        CU_ASSERT_TRUE(fake_answered(&device, i, i % 2 == 0, 0));
    CU_ASSERT_EQUAL(counters().errors, 0);
}

static void indirect(uint32_t segments, uint8_t op, int16_t status, uint8_t answered_op)
{
    struct blkif_wire_indirect_64 request = {.operation = 6,
                                             .indirect_operation = op,
                                             .segment_count = (uint16_t)segments,
                                             .id = 5,
                                             .sector_512 = 0};
    const uint32_t pages = (segments + 511) / 512;

    for (uint32_t i = 0; i < pages && i < 8; i++)
        request.page_grant_refs[i] = device.data_refs[i];
    for (uint32_t i = 0; i < segments && i < 4096; i++) {
        const struct blkif_wire_segment segment = {
            .grant_ref = device.data_refs[10 + i % 50], .first_512 = 3, .last_512 = 3};

        memcpy(device.data[i / 512] + i % 512 * 8, &segment, sizeof(segment));
    }
    for (uint32_t i = 0; i < 8; i++)
        device.host.grants[device.data_refs[i]].writable = false;
    fake_put_slot(&device.rings[0], 112, &request, sizeof(request));
    CU_ASSERT_TRUE(fake_go(&device));
    CU_ASSERT_TRUE(fake_answered(&device, 5, answered_op, status));
}

static void indirect_requests_answer_with_the_inner_operation(void)
{
    fake_connect(&device);
    indirect(12, 1, 0, 1);
    indirect(256, 0, 0, 0);
    CU_ASSERT_EQUAL(counters().indirect, 2);
    CU_ASSERT_EQUAL(counters().read, 1);
    CU_ASSERT_EQUAL(counters().write, 1);
    indirect(257, 0, -1, 0);
    CU_ASSERT_TRUE(complains("257 segments, at most 256"));
    indirect(4, 3, -1, 3);
    CU_ASSERT_TRUE(complains("indirect operation 3"));
    CU_ASSERT_EQUAL(device.host.mapped, 1);
}

static void indirect_requests_of_eight_pages(void)
{
    device.options.segments = 4096;
    fake_connect(&device);
    simback_disk_resize(device.disk, 4096);
    device.options.sectors = 4096;
    indirect(2048, 0, 0, 0);
    indirect(4096, 1, -1, 1); /* only 2048 units were published */
    CU_ASSERT_TRUE(complains("4096 units from 0 on, the disk has 2048"));
}

static void indirect_requests_that_are_not_offered(void)
{
    device.options.segments = 0;
    fake_connect(&device);
    indirect(12, 0, -2, 6);
    CU_ASSERT_TRUE(complains("not offered"));
}

/* ---- odd requests ---- */

static void bad_segments_are_refused(void)
{
    static const struct {
        uint8_t first, last;
        const char *words;
    } cases[] = {{0, 8, "units 0 to 8"}, {4, 3, "units 4 to 3"}, {255, 255, "units 255 to 255"}};

    fake_connect(&device);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        fake_put_segment(&device, 0, 5, 0, device.data_refs[0], cases[i].first, cases[i].last);
        CU_ASSERT_EQUAL(status_of(), -1);
        CU_ASSERT_TRUE(complains(cases[i].words));
    }
    fake_put_request(&device, 0, 5, 0, 0, 12);
    CU_ASSERT_EQUAL(status_of(), -1);
    CU_ASSERT_TRUE(complains("12 segments, at most 11"));
    fake_put_request(&device, 0, 5, 0, 0, 0);
    CU_ASSERT_EQUAL(status_of(), -1);
    CU_ASSERT_TRUE(complains("no segments"));
    fake_put_request(&device, 0, 5, 0, 0, 11);
    CU_ASSERT_EQUAL(status_of(), 0);
    CU_ASSERT_EQUAL(counters().complaints, 5);
    CU_ASSERT_EQUAL(counters().errors, 5);
}

static void i9_pieces_of_sectors_are_refused(void)
{
    device.options.sector_size = 2048;
    device.options.sectors = 512;
    fake_connect(&device);
    fake_put_segment(&device, 0, 5, 4, device.data_refs[0], 4, 7);
    CU_ASSERT_EQUAL(status_of(), 0);
    fake_put_segment(&device, 0, 5, 4, device.data_refs[0], 2, 5);
    CU_ASSERT_EQUAL(status_of(), -1);
    CU_ASSERT_TRUE(complains("not made of whole sectors of 4"));
    fake_put_segment(&device, 0, 5, 4, device.data_refs[0], 0, 5);
    CU_ASSERT_EQUAL(status_of(), -1);
    fake_put_segment(&device, 0, 5, 2, device.data_refs[0], 0, 3);
    CU_ASSERT_EQUAL(status_of(), -1);
    CU_ASSERT_TRUE(complains("unit 2 is not the beginning of a sector"));
}

static void a_range_beyond_the_end_is_refused(void)
{
    fake_connect(&device);
    fake_put_request(&device, 0, 5, 2040, 0, 1);
    CU_ASSERT_EQUAL(status_of(), 0);
    fake_put_request(&device, 0, 5, 2041, 0, 1);
    CU_ASSERT_EQUAL(status_of(), -1);
    CU_ASSERT_TRUE(complains("8 units from 2041 on, the disk has 2048"));
    fake_put_request(&device, 1, 5, UINT64_MAX - 3, 0, 1);
    CU_ASSERT_EQUAL(status_of(), -1);
}

static void unknown_operations_get_the_dialects_answer(void)
{
    fake_connect(&device);
    fake_put_request(&device, 42, 5, 0, 0, 1);
    CU_ASSERT_EQUAL(status_of(), -2);
    CU_ASSERT_TRUE(complains("op 42: not an operation"));
    fake_put_request(&device, 4, 5, 0, 0, 1);
    CU_ASSERT_EQUAL(status_of(), -2);
    CU_ASSERT_EQUAL(counters().unknown, 2);
}

static void features_that_are_not_offered(void)
{
    device.options.flush = SIMBACK_NO;
    fake_connect(&device);
    fake_put_request(&device, 3, 5, 0, 0, 0);
    CU_ASSERT_EQUAL(status_of(), 0);
    fake_put_request(&device, 5, 5, 0, 0, 0);
    CU_ASSERT_EQUAL(status_of(), -2);
    CU_ASSERT_EQUAL(counters().flush, 1);
    CU_ASSERT_EQUAL(counters().discard, 1);
}

static void features_that_minimal_does_not_offer(void)
{
    device.options.dialect = simback_dialect_find("minimal");
    fake_connect(&device);
    fake_put_request(&device, 3, 5, 0, 0, 0);
    CU_ASSERT_EQUAL(status_of(), -2);
    fake_put_request(&device, 2, 5, 0, 0, 1);
    CU_ASSERT_EQUAL(status_of(), -2);
}

static void another_devices_handle_is_told_and_no_reason_to_refuse(void)
{
    struct blkif_wire_request_64 request = {
        .operation = 1, .segment_count = 1, .handle = 0xca00 + 16, .id = 5};

    fake_connect(&device);
    request.segments[0] = (struct blkif_wire_segment){device.data_refs[0], 0, 7, 0};
    fake_put_slot(&device.rings[0], 112, &request, sizeof(request));
    CU_ASSERT_EQUAL(status_of(), 0);
    CU_ASSERT_TRUE(complains("handle 51728, but the device is 51712"));
}

static void a_flush_makes_durable(void)
{
    fake_connect(&device);
    fake_put_request(&device, 1, 1, 0, 0, 1);
    fake_put_request(&device, 3, 2, 0, 0, 0);
    fake_put_request(&device, 1, 3, 8, 0, 1);
    CU_ASSERT_TRUE(fake_go(&device));
    simback_disk_power_cut(device.disk);
    fake_put_request(&device, 0, 4, 0, 20, 2);
    CU_ASSERT_TRUE(fake_go(&device));
    CU_ASSERT_TRUE(page_is(device.data[20], 1));
    CU_ASSERT_TRUE(page_is(device.data[21], 0));
    fake_put_request(&device, 3, 6, 0, 0, 1);
    CU_ASSERT_TRUE(fake_go(&device));
    CU_ASSERT_TRUE(complains("a flush with 1 segments"));
}

static void a_discard_reads_as_zeros(void)
{
    struct blkif_wire_discard_64 discard = {
        .operation = 5, .id = 5, .sector_512 = 8, .count_512 = 8};

    device.options.discard = SIMBACK_YES;
    fake_connect(&device);
    fake_put_request(&device, 1, 5, 0, 0, 3);
    CU_ASSERT_EQUAL(status_of(), 0);
    fake_put_slot(&device.rings[0], 112, &discard, sizeof(discard));
    CU_ASSERT_EQUAL(status_of(), 0);
    fake_put_request(&device, 0, 5, 0, 20, 3);
    CU_ASSERT_EQUAL(status_of(), 0);
    CU_ASSERT_TRUE(page_is(device.data[20], 1));
    CU_ASSERT_TRUE(page_is(device.data[21], 0));
    CU_ASSERT_TRUE(page_is(device.data[22], 3));
    discard.count_512 = UINT64_MAX;
    fake_put_slot(&device.rings[0], 112, &discard, sizeof(discard));
    CU_ASSERT_EQUAL(status_of(), -1);
}

static void i17_a_read_only_disk_refuses_to_be_changed(void)
{
    device.options.mode_read_only = true;
    device.options.discard = SIMBACK_YES;
    fake_connect(&device);
    fake_put_request(&device, 1, 5, 0, 0, 1);
    CU_ASSERT_EQUAL(status_of(), -1);
    CU_ASSERT_TRUE(complains("read-only"));
    fake_put_request(&device, 2, 5, 0, 0, 1);
    CU_ASSERT_EQUAL(status_of(), -1);
    fake_put_request(&device, 5, 5, 0, 0, 0);
    CU_ASSERT_EQUAL(status_of(), -1);
    indirect(2, 1, -1, 1);
    fake_put_request(&device, 0, 5, 0, 20, 1);
    CU_ASSERT_EQUAL(status_of(), 0);
    CU_ASSERT_TRUE(page_is(device.data[20], 0));
}

/* ---- grants ---- */

static void i5_a_write_maps_read_only_a_read_writable(void)
{
    fake_connect(&device);
    device.host.grants[device.data_refs[0]].writable = false;
    fake_put_request(&device, 1, 5, 0, 0, 1);
    CU_ASSERT_EQUAL(status_of(), 0);
    fake_put_request(&device, 0, 5, 0, 0, 1);
    CU_ASSERT_EQUAL(status_of(), -1);
    CU_ASSERT_TRUE(complains("cannot be mapped for writing"));
    fake_put_segment(&device, 0, 5, 0, 4600, 0, 7);
    CU_ASSERT_EQUAL(status_of(), -1);
    CU_ASSERT_TRUE(complains("first reference 4600"));
}

static void i5_pages_are_unmapped_before_the_answer(void)
{
    fake_connect(&device);
    for (uint32_t i = 0; i < 4; i++)
        fake_put_request(&device, i % 2 == 0, i, 0, i * 11, 11);
    CU_ASSERT_TRUE(fake_go(&device));
    CU_ASSERT_EQUAL(device.host.mapped, 1);       /* the ring */
    CU_ASSERT_EQUAL(device.host.most_mapped, 12); /* and one request's pages */
}

static void grants_are_kept_until_dropped(void)
{
    fake_connect(&device);
    simback_backend_keep_grants(device.backend, true);
    fake_put_request(&device, 1, 5, 0, 0, 3);
    CU_ASSERT_EQUAL(status_of(), 0);
    CU_ASSERT_EQUAL(device.host.mapped, 4);
    fake_front_state(&device, 6);
    CU_ASSERT_TRUE(fake_settle(&device));
    CU_ASSERT_EQUAL(fake_back_state(&device), 6);
    CU_ASSERT_EQUAL(device.host.mapped, 4);
    simback_backend_keep_grants(device.backend, false);
    CU_ASSERT_EQUAL(device.host.mapped, 0);
}

/* ---- the ring ---- */

static void nothing_is_allocated_by_requests(void)
{
    uint64_t of_host, of_world;

    fake_connect(&device);
    for (uint32_t i = 0; i < 200; i++) {
        if (i == 100) {
            of_host = device.host.allocated;
            of_world = simback_allocations(device.world);
        }
        fake_put_request(&device, 1, i, i % 10 * 8, 0, 1);
        fake_put_request(&device, 3, i, 0, 0, 0);
        fake_put_request(&device, 0, i, i % 10 * 8, 20, 1);
        CU_ASSERT_TRUE(fake_go(&device));
    }
    CU_ASSERT_EQUAL(device.host.allocated, of_host);
    CU_ASSERT_EQUAL(simback_allocations(device.world), of_world);
    CU_ASSERT_EQUAL(counters().answered, 600);
}

static void i14_an_event_only_if_it_was_asked_for(void)
{
    fake_connect(&device);
    for (uint64_t i = 0; i < 3; i++)
        fake_put_request(&device, 0, i, 0, 0, 1);
    fake_set_ring_word(&device.rings[0], 3, 3); /* with the third response */
    fake_publish(&device, 0);
    fake_set_ring_word(&device.rings[0], 0, 2);
    CU_ASSERT_TRUE(fake_serve(&device, 0));
    CU_ASSERT_EQUAL(device.host.notified[3], 0);
    fake_set_ring_word(&device.rings[0], 0, 3);
    CU_ASSERT_TRUE(fake_serve(&device, 0));
    CU_ASSERT_EQUAL(device.host.notified[3], 1);
    fake_put_request(&device, 0, 3, 0, 0, 1);
    CU_ASSERT_TRUE(fake_go(&device));
    CU_ASSERT_EQUAL(device.host.notified[3], 1); /* 3 is not in (3, 4] */
    CU_ASSERT_EQUAL(counters().notified, 1);
}

static void i14_a_rest_asks_for_the_next_event(void)
{
    fake_connect(&device);
    fake_set_ring_word(&device.rings[0], 1, 0);
    for (uint64_t i = 0; i < 20; i++)
        fake_put_request(&device, 0, i, 0, 0, 1);
    fake_publish(&device, 0);
    /* Work is bounded: not all at once, and no event asked for while it goes on by itself. */
    CU_ASSERT_TRUE(simback_backend_service(device.backend, 0));
    CU_ASSERT_TRUE(fake_ring_word(&device.rings[0], 2) < 20);
    CU_ASSERT_EQUAL(fake_ring_word(&device.rings[0], 1), 0);
    CU_ASSERT_TRUE(fake_serve(&device, 0));
    CU_ASSERT_EQUAL(fake_ring_word(&device.rings[0], 2), 20);
    CU_ASSERT_EQUAL(fake_ring_word(&device.rings[0], 1), 21);
    CU_ASSERT_FALSE(device.host.port_pending[3]);
}

/* Whoever runs it looks at the ring until there is nothing for a while, and then asks. */
static void i14_a_ring_that_is_watched_needs_no_event(void)
{
    fake_connect(&device);
    fake_set_ring_word(&device.rings[0], 1, 0);
    device.backend->watched = true;
    for (uint64_t i = 0; i < 20; i++) {
        CU_ASSERT_FALSE(service_news(device.backend));
        fake_put_request(&device, 0, i, 0, 0, 1);
        fake_publish(&device, 0);
        CU_ASSERT_TRUE(service_news(device.backend));
        CU_ASSERT_TRUE(fake_answered(&device, i, 0, 0));
    }
    CU_ASSERT_EQUAL(fake_ring_word(&device.rings[0], 1), 0);
    device.backend->watched = false;
    CU_ASSERT_FALSE(simback_backend_service(device.backend, 0));
    CU_ASSERT_EQUAL(fake_ring_word(&device.rings[0], 1), 21);
}

/* What cannot be taken yet is no news each time, or whoever runs the backend would never sleep. */
static void what_was_seen_is_no_news(void)
{
    const struct simback_fault hold = any_request(SIMBACK_HOLD);

    fake_connect(&device);
    device.backend->watched = true;
    CU_ASSERT_EQUAL(simback_backend_add_fault(device.backend, &hold), 0);
    for (uint64_t i = 0; i < 32; i++)
        fake_put_request(&device, 0, i, 0, 0, 1);
    fake_publish(&device, 0);
    while (simback_backend_service(device.backend, 0))
        continue;
    CU_ASSERT_EQUAL(counters().pending, 32);
    CU_ASSERT_FALSE(service_news(device.backend));
}

static void i19_too_many_requests_lose_the_ring(void)
{
    fake_connect(&device);
    fake_put_request(&device, 0, 5, 0, 0, 1);
    CU_ASSERT_EQUAL(status_of(), 0);
    fake_set_ring_word(&device.rings[0], 0, 1 + 33);
    CU_ASSERT_TRUE(fake_serve(&device, 0));
    CU_ASSERT_TRUE(complains("req_prod is 34, 33 beyond what was taken, but only 32 of 32"));
    fake_set_ring_word(&device.rings[0], 0, 2);
    CU_ASSERT_TRUE(fake_serve(&device, 0));
    CU_ASSERT_EQUAL(fake_ring_word(&device.rings[0], 2), 1);
    CU_ASSERT_EQUAL(counters().complaints, 1);
}

static void i19_a_full_ring_is_no_offence(void)
{
    fake_connect(&device);
    for (uint64_t i = 0; i < 32; i++)
        fake_put_request(&device, 0, i, 0, 0, 1);
    CU_ASSERT_TRUE(fake_go(&device));
    for (uint64_t i = 0; i < 32; i++)
        CU_ASSERT_TRUE(fake_answered(&device, i, 0, 0));
    CU_ASSERT_EQUAL(counters().complaints, 0);
}

static void i19_a_request_put_back_loses_the_ring(void)
{
    fake_connect(&device);
    fake_put_request(&device, 0, 5, 0, 0, 1);
    CU_ASSERT_EQUAL(status_of(), 0);
    fake_set_ring_word(&device.rings[0], 0, 0);
    CU_ASSERT_TRUE(fake_serve(&device, 0));
    CU_ASSERT_EQUAL(counters().complaints, 1);
    CU_ASSERT_EQUAL(fake_ring_word(&device.rings[0], 2), 1);
}

static void start_ring_at(uint32_t index)
{
    device.options.attach = true;
    device.rings[0].req_prod = index;
    device.rings[0].rsp_cons = index;
    fake_set_ring_word(&device.rings[0], 0, index);
    fake_set_ring_word(&device.rings[0], 1, index + 1);
    fake_set_ring_word(&device.rings[0], 2, index);
    fake_set_ring_word(&device.rings[0], 3, index + 1);
}

static void i18_indices_wrap(void)
{
    static const uint32_t starts[] = {0x7ffffff0, 0xfffffff0, 0xffffffff, 31};

    for (size_t at = 0; at < sizeof(starts) / sizeof(starts[0]); at++) {
        start_ring_at(starts[at]);
        fake_connect(&device);
        for (uint64_t i = 0; i < 40; i += 2) {
            fake_put_request(&device, 0, i, 0, 0, 1);
            fake_put_request(&device, 0, i + 1, 0, 0, 1);
            CU_ASSERT_TRUE(fake_go(&device));
            CU_ASSERT_TRUE(fake_answered(&device, i, 0, 0));
            CU_ASSERT_TRUE(fake_answered(&device, i + 1, 0, 0));
        }
        CU_ASSERT_EQUAL(fake_ring_word(&device.rings[0], 2), starts[at] + 40);
        simback_backend_destroy(device.backend);
        device.backend = NULL;
    }
}

static void i18_without_attach_it_begins_at_0(void)
{
    start_ring_at(8);
    fake_use(&device, simback_dialect_find("minimal"));
    device.options.attach = false;
    fake_connect(&device);
    CU_ASSERT_TRUE(fake_serve(&device, 0));
    CU_ASSERT_EQUAL(fake_ring_word(&device.rings[0], 2), 8); /* 0..7: took eight, all zeros */
    CU_ASSERT_EQUAL(counters().read, 8);
}

static void attach_refuses_indices_that_cannot_be(void)
{
    start_ring_at(8);
    fake_set_ring_word(&device.rings[0], 2, 9);
    fake_connect(&device);
    CU_ASSERT_EQUAL(fake_back_state(&device), 5);
    CU_ASSERT_TRUE(complains("further apart"));
}

static void i19_no_ring_page_is_touched_before_connected(void)
{
    simback_backend_destroy(device.backend);
    fake_device_start(&device);
    CU_ASSERT_TRUE(fake_settle(&device));
    CU_ASSERT_FALSE(simback_backend_service(device.backend, 0));
    simback_backend_stall(device.backend, BLKIF_WIRE_CONNECTED);
    fake_publish_rings(&device);
    fake_front_state(&device, 3);
    CU_ASSERT_TRUE(fake_settle(&device));
    CU_ASSERT_EQUAL(fake_back_state(&device), 2);
    fake_put_request(&device, 0, 5, 0, 0, 1);
    CU_ASSERT_TRUE(fake_go(&device));
    CU_ASSERT_EQUAL(fake_ring_word(&device.rings[0], 2), 0);
    simback_backend_go(device.backend);
    CU_ASSERT_TRUE(fake_settle(&device));
    CU_ASSERT_TRUE(fake_serve(&device, 0));
    CU_ASSERT_EQUAL(fake_ring_word(&device.rings[0], 2), 1);
}

static const struct unit_test tests[] = {
    UNIT_TEST(write_then_read),
    UNIT_TEST(i7_data_is_moved_only_inside_a_segment),
    UNIT_TEST(both_abis_serve),
    UNIT_TEST(slots_lie_across_pages_that_are_no_neighbours),
    UNIT_TEST(indirect_requests_answer_with_the_inner_operation),
    UNIT_TEST(indirect_requests_of_eight_pages),
    UNIT_TEST(indirect_requests_that_are_not_offered),
    UNIT_TEST(bad_segments_are_refused),
    UNIT_TEST(i9_pieces_of_sectors_are_refused),
    UNIT_TEST(a_range_beyond_the_end_is_refused),
    UNIT_TEST(unknown_operations_get_the_dialects_answer),
    UNIT_TEST(features_that_are_not_offered),
    UNIT_TEST(features_that_minimal_does_not_offer),
    UNIT_TEST(another_devices_handle_is_told_and_no_reason_to_refuse),
    UNIT_TEST(a_flush_makes_durable),
    UNIT_TEST(a_discard_reads_as_zeros),
    UNIT_TEST(i17_a_read_only_disk_refuses_to_be_changed),
    UNIT_TEST(i5_a_write_maps_read_only_a_read_writable),
    UNIT_TEST(i5_pages_are_unmapped_before_the_answer),
    UNIT_TEST(grants_are_kept_until_dropped),
    UNIT_TEST(nothing_is_allocated_by_requests),
    UNIT_TEST(i14_an_event_only_if_it_was_asked_for),
    UNIT_TEST(i14_a_rest_asks_for_the_next_event),
    UNIT_TEST(i14_a_ring_that_is_watched_needs_no_event),
    UNIT_TEST(what_was_seen_is_no_news),
    UNIT_TEST(i19_too_many_requests_lose_the_ring),
    UNIT_TEST(i19_a_full_ring_is_no_offence),
    UNIT_TEST(i19_a_request_put_back_loses_the_ring),
    UNIT_TEST(i18_indices_wrap),
    UNIT_TEST(i18_without_attach_it_begins_at_0),
    UNIT_TEST(attach_refuses_indices_that_cannot_be),
    UNIT_TEST(i19_no_ring_page_is_touched_before_connected),
};

UNIT_MAIN_WITH("service", set_up_data, tear_down, tests)
