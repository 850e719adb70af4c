/* SPDX-License-Identifier: ISC */
/*
 * Fault rules that act while a request is carried out: what becomes of the data, what is answered,
 * and which units are said to be wrong afterwards (I7 does not bind there, but everywhere else).
 */
#include "alone.h"

enum { READ = 0, WRITE = 1, BARRIER = 2, FLUSH = 3, INDIRECT = 6 };
enum { UNIT = BLKIF_WIRE_UNIT };

static uint64_t ids;

static void set_up_ids(void)
{
    set_up_connected();
    ids = 0;
}

static void add_once(enum simback_fault_action action)
{
    struct simback_fault fault = any_request(action);

    fault.times = 1;
    add_fault(&fault);
}

/* Unit by unit another value, from this one on. */
static void fill(uint32_t page, uint8_t value)
{
    for (uint32_t unit = 0; unit < 8; unit++)
        memset(device.data[page] + (size_t)unit * UNIT, value + (int)unit, UNIT);
}

/* One request over whole pages, answered with this status. */
static void request(uint8_t op, uint64_t sector_512, uint32_t page, uint32_t count, int16_t status)
{
    const uint64_t id = ids++;

    fake_put_request(&device, op, id, sector_512, page, count);
    CU_ASSERT_TRUE(fake_go(&device));
    CU_ASSERT_TRUE(fake_answered(&device, id, op, status));
}

/* Each byte of this unit of the disk is that value. */
static bool disk_is(uint64_t sector_512, uint8_t value)
{
    uint8_t expected[UNIT], unit[UNIT];

    memset(expected, value, UNIT);
    return simback_disk_read(device.disk, sector_512, 1, unit) == 0 &&
           memcmp(unit, expected, UNIT) == 0;
}

/* Eight of them hold value, value + 1 and so on. */
static bool disk_has(uint64_t sector_512, uint8_t value)
{
    for (uint8_t i = 0; i < 8; i++) {
        if (!disk_is(sector_512 + i, (uint8_t)(value + i)))
            return false;
    }
    return true;
}

static uint32_t bytes_changed(const uint8_t *bytes, uint8_t value)
{
    uint32_t changed = 0;

    for (uint32_t i = 0; i < UNIT; i++)
        changed += bytes[i] != value;
    return changed;
}

static uint32_t harms_told(void)
{
    return fake_told(&device.host, SIMBACK_HARM, NULL);
}

/* The index-th range that was said to be wrong. */
static void harm_is(uint32_t index, uint64_t first_512, uint64_t count_512)
{
    for (uint32_t i = 0; i < device.host.event_count; i++) {
        const struct fake_event *event = &device.host.events[i];

        if (event->kind != SIMBACK_HARM || index-- != 0)
            continue;
        CU_ASSERT_EQUAL(event->b, first_512);
        CU_ASSERT_EQUAL(event->c, count_512);
        return;
    }
    CU_FAIL("not told");
}

/* ---- duplicate ---- */

static void i2_answered_twice(void)
{
    fill(0, 1);
    add_once(SIMBACK_DUPLICATE);
    request(WRITE, 0, 0, 1, 0);
    CU_ASSERT_TRUE(fake_answered(&device, 0, WRITE, 0));
    CU_ASSERT_EQUAL(fake_told(&device.host, SIMBACK_FAULT, "duplicate"), 1);
    CU_ASSERT_TRUE(disk_has(0, 1));
    CU_ASSERT_EQUAL(harms_told(), 0);
}

/* From then on I19 does not bind, and it is said; not before. */
static void i19_to_answer_twice_is_to_break_the_protocol(void)
{
    add_once(SIMBACK_DUPLICATE);
    simback_backend_clear_faults(device.backend);
    request(READ, 0, 0, 1, 0);
    CU_ASSERT_EQUAL(fake_told(&device.host, SIMBACK_BACK_LIFE, "hostile"), 0);
    add_once(SIMBACK_DUPLICATE);
    request(READ, 0, 0, 1, 0);
    CU_ASSERT_EQUAL(fake_told(&device.host, SIMBACK_BACK_LIFE, "hostile"), 1);
}

/* ---- corrupt ---- */

static void i7_a_byte_of_what_is_read_is_changed(void)
{
    fill(0, 1);
    request(WRITE, 8, 0, 1, 0);
    add_once(SIMBACK_CORRUPT);
    request(READ, 8, 1, 1, 0);
    CU_ASSERT_EQUAL(bytes_changed(device.data[1], 1), 1);
    CU_ASSERT_EQUAL(memcmp(device.data[0] + UNIT, device.data[1] + UNIT, 7 * UNIT), 0);
    CU_ASSERT_TRUE(disk_has(8, 1));
    CU_ASSERT_EQUAL(harms_told(), 1);
    harm_is(0, 8, 1);
}

static void i7_a_byte_of_what_is_written_is_changed(void)
{
    uint8_t unit[UNIT];

    fill(0, 1);
    add_once(SIMBACK_CORRUPT);
    request(WRITE, 8, 0, 1, 0);
    CU_ASSERT_EQUAL(simback_disk_read(device.disk, 8, 1, unit), 0);
    CU_ASSERT_EQUAL(bytes_changed(unit, 1), 1);
    CU_ASSERT_EQUAL(bytes_changed(device.data[0], 1), 0); /* the page is not the backend's */
    for (uint8_t i = 1; i < 8; i++)
        CU_ASSERT_TRUE(disk_is(8u + i, (uint8_t)(1 + i)));
    harm_is(0, 8, 1);
}

/* ---- torn, lost ---- */

static void i7_half_of_what_is_torn_is_written(void)
{
    fill(0, 10);
    fill(1, 20);
    fill(2, 30);
    request(WRITE, 0, 0, 3, 0);
    fill(0, 110);
    fill(1, 120);
    fill(2, 130);
    add_once(SIMBACK_TORN);
    request(WRITE, 0, 0, 3, 0);
    CU_ASSERT_TRUE(disk_has(0, 110));
    for (uint8_t i = 0; i < 4; i++)
        CU_ASSERT_TRUE(disk_is(8u + i, (uint8_t)(120 + i)));
    for (uint8_t i = 4; i < 8; i++)
        CU_ASSERT_TRUE(disk_is(8u + i, (uint8_t)(20 + i)));
    CU_ASSERT_TRUE(disk_has(16, 30));
    CU_ASSERT_EQUAL(harms_told(), 1);
    harm_is(0, 12, 12);
}

static void i7_of_one_sector_nothing_is_written(void)
{
    fill(0, 1);
    add_once(SIMBACK_TORN);
    fake_put_segment(&device, WRITE, 7, 9, device.data_refs[0], 0, 0);
    CU_ASSERT_TRUE(fake_go(&device));
    CU_ASSERT_TRUE(fake_answered(&device, 7, WRITE, 0));
    CU_ASSERT_TRUE(disk_is(9, 0));
    harm_is(0, 9, 1);
}

/* A sector is written or not. */
static void i9_a_sector_is_never_torn(void)
{
    tear_down();
    fake_device_init(&device);
    device.options.sector_size = 4096;
    device.options.sectors /= 8;
    fake_connect(&device);
    fill(0, 1);
    fill(1, 11);
    fill(2, 21);
    add_once(SIMBACK_TORN);
    request(WRITE, 0, 0, 3, 0);
    CU_ASSERT_TRUE(disk_has(0, 1));
    CU_ASSERT_TRUE(disk_is(8, 0));
    harm_is(0, 8, 16);
}

static void i7_nothing_of_what_is_lost_is_written(void)
{
    fill(0, 1);
    add_once(SIMBACK_LOST);
    request(WRITE, 16, 0, 2, 0);
    for (uint64_t sector = 16; sector < 32; sector++)
        CU_ASSERT_TRUE(disk_is(sector, 0));
    harm_is(0, 16, 16);
    request(WRITE, 16, 0, 1, 0);
    CU_ASSERT_TRUE(disk_has(16, 1));
    CU_ASSERT_EQUAL(harms_told(), 1);
}

/* ---- misdirect ---- */

static void misdirect(uint64_t offset_512, uint64_t sector_512, uint32_t count)
{
    struct simback_fault fault = any_request(SIMBACK_MISDIRECT);

    fault.times = 1;
    fault.offset_512 = offset_512;
    add_fault(&fault);
    request(WRITE, sector_512, 0, count, 0);
}

static void i7_what_is_misdirected_lands_elsewhere(void)
{
    fill(0, 1);
    misdirect(100, 8, 1);
    CU_ASSERT_TRUE(disk_is(8, 0));
    CU_ASSERT_TRUE(disk_has(108, 1));
    CU_ASSERT_EQUAL(harms_told(), 2);
    harm_is(0, 8, 8);
    harm_is(1, 108, 8);
}

static void i7_behind_the_end_it_begins_anew(void)
{
    fill(0, 1);
    misdirect(5, 2040, 1); /* the last place; the next one is 0 */
    CU_ASSERT_TRUE(disk_has(4, 1));
    CU_ASSERT_TRUE(disk_is(2040, 0));
    harm_is(1, 4, 8);
}

/* Where it would land in its own place it has not gone astray. */
static void a_write_round_the_whole_disk_is_right(void)
{
    fill(0, 1);
    misdirect(2048 - 7, 16, 1);
    CU_ASSERT_TRUE(disk_has(16, 1));
    CU_ASSERT_EQUAL(harms_told(), 0);
}

/* ---- short ---- */

static void i7_half_of_a_short_read_is_filled(void)
{
    fill(0, 1);
    request(WRITE, 0, 0, 1, 0);
    request(WRITE, 8, 0, 1, 0);
    request(WRITE, 16, 0, 1, 0);
    memset(device.data[1], 0x55, 4096);
    memset(device.data[2], 0x55, 4096);
    memset(device.data[3], 0x55, 4096);
    add_once(SIMBACK_SHORT);
    request(READ, 0, 1, 3, 0);
    CU_ASSERT_EQUAL(memcmp(device.data[1], device.data[0], 4096), 0);
    for (uint32_t i = 0; i < 4096; i++) {
        CU_ASSERT_EQUAL_FATAL(device.data[2][i], 0x55);
        CU_ASSERT_EQUAL_FATAL(device.data[3][i], 0x55);
    }
    CU_ASSERT_EQUAL(harms_told(), 1);
    harm_is(0, 8, 16);
}

/* ---- mapfail ---- */

static void i8_what_cannot_be_mapped_is_an_error(void)
{
    const uint32_t calls = device.host.map_calls;

    fill(0, 1);
    add_once(SIMBACK_MAPFAIL);
    request(WRITE, 0, 0, 3, -1);
    CU_ASSERT_EQUAL(device.host.map_calls, calls);
    CU_ASSERT_TRUE(disk_is(0, 0));
    CU_ASSERT_EQUAL(harms_told(), 0);
    CU_ASSERT_STRING_EQUAL(simback_backend_complaint(device.backend), ""); /* not the frontend */
    request(WRITE, 0, 0, 1, 0);
    CU_ASSERT_TRUE(disk_has(0, 1));
}

static void the_pages_with_the_segments_cannot_be_mapped(void)
{
    const struct blkif_wire_indirect_64 slot = {.operation = INDIRECT,
                                                .indirect_operation = READ,
                                                .segment_count = 12,
                                                .handle = 51712,
                                                .page_grant_refs = {device.data_refs[63]}};
    const uint32_t calls = device.host.map_calls;

    add_once(SIMBACK_MAPFAIL);
    fake_put_slot(&device.rings[0], BLKIF_WIRE_SLOT_64, &slot, sizeof(slot));
    CU_ASSERT_TRUE(fake_go(&device));
    CU_ASSERT_TRUE(fake_answered(&device, 0, READ, -1));
    CU_ASSERT_EQUAL(device.host.map_calls, calls);
    CU_ASSERT_STRING_EQUAL(simback_backend_complaint(device.backend), "");
}

/* Of those that are kept none is in use afterwards; where all are kept, nothing is to be mapped. */
static void kept_pages_need_no_mapping(void)
{
    const struct simback_fault fault = any_request(SIMBACK_MAPFAIL);

    tear_down();
    fake_device_init(&device);
    fake_put(&device.host, FAKE_FRONT "/feature-persistent", "1");
    fake_connect(&device);
    ids = 0;
    request(WRITE, 0, 0, 2, 0);
    add_fault(&fault);
    request(WRITE, 0, 0, 3, -1);
    request(WRITE, 0, 0, 2, 0);
}

/* ---- which requests, and when ---- */

/* Those that it cannot be done to are not counted. */
static void only_what_it_can_be_done_to_is_selected(void)
{
    struct simback_fault fault = any_request(SIMBACK_LOST);

    fault.nth = 2;
    add_fault(&fault);
    fill(0, 1);
    request(WRITE, 0, 0, 1, 0);
    request(READ, 0, 1, 1, 0);
    request(FLUSH, 0, 0, 0, 0);
    CU_ASSERT_EQUAL(harms_told(), 0);
    request(WRITE, 8, 0, 1, 0);
    harm_is(0, 8, 8);
    fault.action = SIMBACK_SHORT;
    fault.nth = 1;
    simback_backend_clear_faults(device.backend);
    add_fault(&fault);
    request(WRITE, 16, 0, 1, 0);
    CU_ASSERT_EQUAL(harms_told(), 1);
    request(READ, 16, 1, 1, 0);
    harm_is(1, 16, 8);
}

/* A request that the backend refuses does no harm. */
static void what_is_refused_is_not_harmed(void)
{
    const struct simback_fault fault = any_request(SIMBACK_LOST);

    add_fault(&fault);
    request(WRITE, 2044, 0, 1, -1);
    CU_ASSERT_EQUAL(harms_told(), 0);
}

static void it_may_come_later(void)
{
    struct simback_fault fault = any_request(SIMBACK_TORN);

    fault.delay_ns = 500;
    add_fault(&fault);
    fill(0, 1);
    fake_put_request(&device, WRITE, 3, 0, 0, 1);
    CU_ASSERT_TRUE(fake_go(&device));
    CU_ASSERT_EQUAL(harms_told(), 0);
    device.host.now += 500;
    CU_ASSERT_TRUE(fake_go(&device));
    CU_ASSERT_TRUE(fake_answered(&device, 3, WRITE, 0));
    CU_ASSERT_TRUE(disk_is(3, 4));
    CU_ASSERT_TRUE(disk_is(4, 0));
    harm_is(0, 4, 4);
}

static void a_barrier_that_is_torn_waits_all_the_same(void)
{
    struct simback_fault hold = any_request(SIMBACK_HOLD), torn = any_request(SIMBACK_TORN);

    hold.ops = SIMBACK_FAULT_WRITE;
    hold.name = 4;
    torn.ops = SIMBACK_FAULT_BARRIER;
    add_fault(&hold);
    add_fault(&torn);
    fill(0, 1);
    fake_put_request(&device, WRITE, 1, 0, 0, 1);
    fake_put_request(&device, BARRIER, 2, 8, 0, 1);
    CU_ASSERT_TRUE(fake_go(&device));
    CU_ASSERT_EQUAL(harms_told(), 0);
    CU_ASSERT_EQUAL(simback_backend_release(device.backend, 4), 1);
    CU_ASSERT_TRUE(fake_go(&device));
    CU_ASSERT_TRUE(fake_answered(&device, 1, WRITE, 0));
    CU_ASSERT_TRUE(fake_answered(&device, 2, BARRIER, 0));
    CU_ASSERT_TRUE(disk_has(0, 1));
    CU_ASSERT_TRUE(disk_is(12, 0));
    harm_is(0, 12, 4);
}

static const struct unit_test tests[] = {
    UNIT_TEST(i2_answered_twice),
    UNIT_TEST(i19_to_answer_twice_is_to_break_the_protocol),
    UNIT_TEST(i7_a_byte_of_what_is_read_is_changed),
    UNIT_TEST(i7_a_byte_of_what_is_written_is_changed),
    UNIT_TEST(i7_half_of_what_is_torn_is_written),
    UNIT_TEST(i7_of_one_sector_nothing_is_written),
    UNIT_TEST(i9_a_sector_is_never_torn),
    UNIT_TEST(i7_nothing_of_what_is_lost_is_written),
    UNIT_TEST(i7_what_is_misdirected_lands_elsewhere),
    UNIT_TEST(i7_behind_the_end_it_begins_anew),
    UNIT_TEST(a_write_round_the_whole_disk_is_right),
    UNIT_TEST(i7_half_of_a_short_read_is_filled),
    UNIT_TEST(i8_what_cannot_be_mapped_is_an_error),
    UNIT_TEST(the_pages_with_the_segments_cannot_be_mapped),
    UNIT_TEST(kept_pages_need_no_mapping),
    UNIT_TEST(only_what_it_can_be_done_to_is_selected),
    UNIT_TEST(what_is_refused_is_not_harmed),
    UNIT_TEST(it_may_come_later),
    UNIT_TEST(a_barrier_that_is_torn_waits_all_the_same),
};

UNIT_MAIN_WITH("harm", set_up_ids, tear_down, tests)
