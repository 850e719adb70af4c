/* SPDX-License-Identifier: ISC */
/*
 * What each dialect answers to odd requests, in both ABIs: PROTOCOL's table of what real backends
 * answered, and what their sources say where nobody tried.
 */
#include "alone.h"

enum { READ, WRITE, BARRIER, FLUSH, RESERVED, DISCARD, INDIRECT, UNKNOWN = 42 };

/* Nothing comes back, and nothing ever will. */
#define DIES 99

static void connect_anew(const char *dialect, bool abi_32)
{
    tear_down();
    set_up();
    device.abi_32 = abi_32;
    fake_use(&device, simback_dialect_find(dialect));
}

/* ---- requests ---- */

static void put_discard(uint8_t flag, uint64_t sector_512, uint64_t count_512)
{
    if (device.abi_32) {
        const struct blkif_wire_discard_32 discard = {.operation = DISCARD,
                                                      .flag = flag,
                                                      .id = 5,
                                                      .sector_512 = sector_512,
                                                      .count_512 = count_512};

        fake_put_slot(&device.rings[0], 108, &discard, sizeof(discard));
    } else {
        const struct blkif_wire_discard_64 discard = {.operation = DISCARD,
                                                      .flag = flag,
                                                      .id = 5,
                                                      .sector_512 = sector_512,
                                                      .count_512 = count_512};

        fake_put_slot(&device.rings[0], 112, &discard, sizeof(discard));
    }
}

static void put_indirect(uint8_t inner, uint16_t segments)
{
    const uint32_t pages = segments == 0 ? 0 : (segments - 1u) / 512 + 1;

    for (uint32_t i = 0; i < segments; i++) {
        const struct blkif_wire_segment segment = {
            .grant_ref = device.data_refs[20 + i % 40], .first_512 = 0, .last_512 = 0};

        memcpy(device.data[i / 512] + i % 512 * 8, &segment, sizeof(segment));
    }
    if (device.abi_32) {
        struct blkif_wire_indirect_32 request = {
            .operation = INDIRECT, .indirect_operation = inner, .segment_count = segments, .id = 5};

        memcpy(request.page_grant_refs, device.data_refs, pages * sizeof(uint32_t));
        fake_put_slot(&device.rings[0], 108, &request, sizeof(request));
    } else {
        struct blkif_wire_indirect_64 request = {
            .operation = INDIRECT, .indirect_operation = inner, .segment_count = segments, .id = 5};

        memcpy(request.page_grant_refs, device.data_refs, pages * sizeof(uint32_t));
        fake_put_slot(&device.rings[0], 112, &request, sizeof(request));
    }
}

static void answer_is(const char *what, int status, uint8_t op)
{
    struct fake_response response = {.status = DIES, .op = op};
    const bool answered = fake_go(&device) && fake_take(&device, 0, &response);

    CU_ASSERT_EQUAL(answered, status != DIES);
    if (response.status != status || response.op != op)
        printf("\n    %s, %d bits, %s: status %d op %u, expected %d op %u",
               device.options.dialect->name, device.abi_32 ? 32 : 64, what, response.status,
               response.op, status, op);
    CU_ASSERT_EQUAL(response.status, status);
    CU_ASSERT_EQUAL(response.op, op);
    if (status != DIES)
        return;
    /* What comes behind it is not served either. */
    fake_put_request(&device, READ, 5, 0, 0, 1);
    CU_ASSERT_TRUE(fake_go(&device));
    CU_ASSERT_FALSE(fake_take(&device, 0, &response));
}

/* ---- the table ---- */

static const struct answers {
    const char *dialect;
    int past_the_end, unknown_op, no_segments;
    int flush_not_offered, barrier_not_offered, discard_not_offered, indirect_not_offered;
    int indirect;
    uint8_t indirect_op;
    int flush_with_data, flush_read_only;
    int secure_not_offered, unaligned_discard;
} table[] = {
    /* PROTOCOL section 6, first column. */
    {"linux", -1, -2, -1, 0, 0, -2, -2, 0, WRITE, 0, -1, 0, 0},
    /* The second column. */
    {"qemu", -1, -1, 0, 0, -1, 0, -1, -1, INDIRECT, 0, 0, 0, 0},
    {"tapdisk", -1, -2, -1, -2, 0, -2, -2, -2, INDIRECT, -2, -2, 0, 0},
    {"mirage", -1, DIES, 0, DIES, DIES, DIES, DIES, 0, WRITE, DIES, DIES, 0, 0},
    {"minimal", -1, -2, -1, -2, -2, -2, -2, -2, INDIRECT, -2, -2, 0, -1},
    {"everything", -1, -2, -1, -2, -2, -2, -2, 0, INDIRECT, -1, 0, 0, -1},
};

enum { DIALECTS = sizeof(table) / sizeof(table[0]) };

typedef void row_test(const struct answers *row, bool abi_32);

static void for_each(row_test *test)
{
    for (size_t i = 0; i < DIALECTS; i++) {
        test(&table[i], false);
        test(&table[i], true);
    }
}

static void past_the_end(const struct answers *row, bool abi_32)
{
    connect_anew(row->dialect, abi_32);
    fake_connect(&device);
    fake_put_request(&device, READ, 5, 2041, 0, 1);
    answer_is("past the end", row->past_the_end, READ);
    CU_ASSERT_EQUAL(complaints(), 1);
}

static void a_read_past_the_end(void)
{
    for_each(past_the_end);
}

static void unknown(const struct answers *row, bool abi_32)
{
    static const uint8_t ops[] = {RESERVED, 7, UNKNOWN, 255};

    for (size_t i = 0; i < sizeof(ops); i++) {
        connect_anew(row->dialect, abi_32);
        fake_connect(&device);
        fake_put_request(&device, ops[i], 5, 0, 0, 1);
        answer_is("an unknown operation", row->unknown_op, ops[i]);
        CU_ASSERT_EQUAL(complaints(), 1);
    }
}

static void an_unknown_operation(void)
{
    for_each(unknown);
}

static void no_segments(const struct answers *row, bool abi_32)
{
    connect_anew(row->dialect, abi_32);
    fake_connect(&device);
    fake_put_request(&device, READ, 5, 0, 0, 0);
    answer_is("no segments", row->no_segments, READ);
    fake_put_request(&device, WRITE, 5, 0, 0, 0);
    answer_is("no segments", row->no_segments, WRITE);
    CU_ASSERT_EQUAL(complaints(), 2);
}

static void a_read_or_write_without_segments(void)
{
    for_each(no_segments);
}

static void not_offered(const struct answers *row, bool abi_32)
{
    static const uint8_t ops[] = {FLUSH, BARRIER, DISCARD, INDIRECT};
    const int statuses[] = {row->flush_not_offered, row->barrier_not_offered,
                            row->discard_not_offered, row->indirect_not_offered};

    for (size_t i = 0; i < sizeof(ops); i++) {
        connect_anew(row->dialect, abi_32);
        device.options.flush = SIMBACK_NO;
        device.options.barrier = SIMBACK_NO;
        device.options.discard = SIMBACK_NO;
        device.options.segments = 0;
        fake_connect(&device);
        if (ops[i] == DISCARD)
            put_discard(0, 0, 8);
        else if (ops[i] == INDIRECT)
            put_indirect(WRITE, 2);
        else
            fake_put_request(&device, ops[i], 5, 0, 0, 0);
        answer_is("not offered", statuses[i], ops[i]);
        CU_ASSERT_EQUAL(complaints(), 1);
        CU_ASSERT_PTR_NOT_NULL(strstr(simback_backend_complaint(device.backend), "not offered"));
    }
}

static void an_operation_that_is_not_offered(void)
{
    for_each(not_offered);
}

static void indirect(const struct answers *row, bool abi_32)
{
    connect_anew(row->dialect, abi_32);
    fake_connect(&device);
    put_indirect(WRITE, 20);
    answer_is("indirect", row->indirect, row->indirect_op);
}

static void an_indirect_write(void)
{
    for_each(indirect);
}

static void flushes(const struct answers *row, bool abi_32)
{
    connect_anew(row->dialect, abi_32);
    fake_connect(&device);
    memset(device.data[0], 7, 4096);
    fake_put_request(&device, FLUSH, 5, 8, 0, 1);
    answer_is("a flush with data", row->flush_with_data, FLUSH);
    if (row->flush_with_data == 0) {
        fake_put_request(&device, READ, 5, 8, 1, 1);
        answer_is("its data", 0, READ);
        CU_ASSERT_EQUAL(device.data[1][100], 7);
    }
    connect_anew(row->dialect, abi_32);
    device.options.mode_read_only = true;
    fake_connect(&device);
    fake_put_request(&device, FLUSH, 5, 0, 0, 0);
    answer_is("a flush of a read-only disk", row->flush_read_only, FLUSH);
}

static void a_flush_with_data_and_of_a_read_only_disk(void)
{
    for_each(flushes);
}

static void discards(const struct answers *row, bool abi_32)
{
    struct simback_dialect own = *simback_dialect_find(row->dialect);

    own.secure = false;
    own.granularity = 8192;
    own.alignment = 1024;
    connect_anew(row->dialect, abi_32);
    fake_use(&device, &own);
    device.options.discard = SIMBACK_YES;
    fake_connect(&device);
    put_discard(1, 2, 8);
    answer_is("a secure discard", row->secure_not_offered, DISCARD);
    CU_ASSERT_EQUAL(complaints(), 1);
    put_discard(0, 8, 16);
    answer_is("a discard from within a granule", row->unaligned_discard, DISCARD);
    CU_ASSERT_EQUAL(complaints(), 2);
    CU_ASSERT_PTR_NOT_NULL(strstr(simback_backend_complaint(device.backend),
                                  "from unit 8 on, not aligned to discard-granularity 8192 "
                                  "(discard-alignment 1024)"));
    put_discard(0, 18, 3);
    answer_is("a discard that ends anywhere", 0, DISCARD);
    CU_ASSERT_EQUAL(complaints(), 2);
    put_discard(2, 18, 3);
    answer_is("a discard with another flag", 0, DISCARD);
    CU_ASSERT_EQUAL(complaints(), 3);
    tear_down();
    set_up();
}

static void secure_and_unaligned_discards(void)
{
    for_each(discards);
}

/* ---- by themselves ---- */

static void a_secure_discard_where_it_is_offered(void)
{
    connect_anew("everything", false);
    fake_connect(&device);
    memset(device.data[0], 9, 4096);
    fake_put_request(&device, WRITE, 5, 0, 0, 1);
    answer_is("a write", 0, WRITE);
    put_discard(1, 0, 8);
    answer_is("a secure discard", 0, DISCARD);
    CU_ASSERT_EQUAL(complaints(), 0);
    fake_put_request(&device, READ, 5, 0, 0, 1);
    answer_is("a read", 0, READ);
    CU_ASSERT_EQUAL(device.data[0][0], 0);
}

static void a_secure_discard_that_the_options_offer(void)
{
    connect_anew("qemu", false);
    device.options.discard_secure = SIMBACK_YES;
    fake_connect(&device);
    put_discard(1, 0, 8);
    answer_is("a secure discard", 0, DISCARD);
    CU_ASSERT_EQUAL(complaints(), 0);
}

static void i9_a_discard_of_pieces_of_sectors(void)
{
    connect_anew("everything", false);
    device.options.sector_size = 4096;
    fake_connect(&device);
    put_discard(0, 8, 16);
    answer_is("whole sectors", 0, DISCARD);
    put_discard(0, 4, 8);
    answer_is("from within a sector", -1, DISCARD);
    put_discard(0, 8, 12);
    answer_is("up to within a sector", -1, DISCARD);
    CU_ASSERT_EQUAL(complaints(), 2);
    CU_ASSERT_PTR_NOT_NULL(strstr(simback_backend_complaint(device.backend),
                                  "12 units from 8 on are not whole sectors"));
}

/* Taken as the hint that it is: nothing happens. */
static void qemu_takes_a_discard_that_it_does_not_offer(void)
{
    connect_anew("qemu", false);
    device.options.discard = SIMBACK_NO;
    fake_connect(&device);
    memset(device.data[0], 9, 4096);
    fake_put_request(&device, WRITE, 5, 0, 0, 1);
    answer_is("a write", 0, WRITE);
    put_discard(0, 0, 8);
    answer_is("a discard", 0, DISCARD);
    fake_put_request(&device, READ, 5, 0, 1, 1);
    answer_is("a read", 0, READ);
    CU_ASSERT_EQUAL(device.data[1][0], 9);
}

static void mirage_dies_of_a_second_indirect_page(void)
{
    connect_anew("mirage", false);
    device.options.segments = 600;
    fake_connect(&device);
    put_indirect(WRITE, 512);
    answer_is("one page", 0, WRITE);
    put_indirect(WRITE, 513);
    answer_is("two pages", DIES, WRITE);
    CU_ASSERT_PTR_NOT_NULL(strstr(simback_backend_complaint(device.backend),
                                  "2 indirect pages, at most 1 are possible"));
}

static void mirage_dies_of_what_it_cannot_map(void)
{
    void *page;

    connect_anew("mirage", false);
    fake_connect(&device);
    fake_put_segment(&device, READ, 5, 0, 4600, 0, 7);
    answer_is("a bad grant", DIES, READ);
    connect_anew("mirage", false);
    fake_connect(&device);
    page = device.host.grants[device.data_refs[0]].page;
    device.host.grants[device.data_refs[0]].page = NULL;
    put_indirect(WRITE, 20);
    answer_is("a bad indirect page", DIES, WRITE);
    device.host.grants[device.data_refs[0]].page = page; /* for its owner to free */
    connect_anew("mirage", false);
    fake_connect(&device);
    put_indirect(FLUSH, 20);
    answer_is("an indirect flush", DIES, FLUSH);
}

static void linux_tells_by_the_node_what_it_does_not_support(void)
{
    static const struct {
        const char *dialect, *node;
        enum simback_fault_op op;
        const char *flush, *barrier;
    } cases[] = {{"linux", "feature-flush-cache", SIMBACK_FAULT_FLUSH, "0", "1"},
                 {"linux", "feature-barrier", SIMBACK_FAULT_BARRIER, "1", "0"},
                 {"linux", "", SIMBACK_FAULT_READ, "1", "1"},
                 {"everything", "", SIMBACK_FAULT_FLUSH, "1", "1"}};

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct simback_fault fault = {.ops = cases[i].op,
                                            .last_512 = UINT64_MAX,
                                            .percent = 100,
                                            .action = SIMBACK_ANSWER_STATUS,
                                            .status = -2};

        connect_anew(cases[i].dialect, false);
        fake_connect(&device);
        CU_ASSERT_EQUAL(simback_backend_add_fault(device.backend, &fault), 0);
        for (uint8_t op = READ; op <= FLUSH; op++)
            fake_put_request(&device, op, 5, 0, 0, op == FLUSH ? 0 : 1);
        CU_ASSERT_TRUE(fake_go(&device));
        CU_ASSERT_STRING_EQUAL(fake_get(&device.host, FAKE_BACK "/feature-flush-cache"),
                               cases[i].flush);
        CU_ASSERT_STRING_EQUAL(fake_get(&device.host, FAKE_BACK "/feature-barrier"),
                               cases[i].barrier);
        CU_ASSERT_EQUAL(fake_back_state(&device), 4);
    }
}

/* PROTOCOL section 1, row 12. Slots beyond the ring's end are those of answers by now: 0, 1, 2… are
 * a read and a write without segments, and a barrier, of which mirage dies. */
static void i19_a_producer_too_far_ahead(void)
{
    static const struct {
        const char *dialect;
        uint32_t answered;
    } cases[] = {{"linux", 0}, {"qemu", 40}, {"tapdisk", 40}, {"mirage", 34}, {"minimal", 0}};

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        connect_anew(cases[i].dialect, false);
        fake_connect(&device);
        for (uint64_t n = 0; n < 32; n++)
            fake_put_request(&device, READ, n, 0, 0, 1);
        fake_set_ring_word(&device.rings[0], 0, 40);
        CU_ASSERT_TRUE(fake_serve(&device, 0));
        CU_ASSERT_EQUAL(fake_ring_word(&device.rings[0], 2), cases[i].answered);
        CU_ASSERT_TRUE(complaints() >= 1);
    }
}

/* What it holds takes no slot twice. */
static void a_bounded_backend_stops_when_no_answer_has_room(void)
{
    const struct simback_fault fault = {
        .ops = SIMBACK_FAULT_ANY, .last_512 = UINT64_MAX, .percent = 100, .action = SIMBACK_DROP};

    connect_anew("qemu", false);
    fake_connect(&device);
    CU_ASSERT_EQUAL(simback_backend_add_fault(device.backend, &fault), 0);
    for (uint64_t n = 0; n < 32; n++)
        fake_put_request(&device, READ, n, 0, 0, 1);
    fake_set_ring_word(&device.rings[0], 0, 64);
    CU_ASSERT_TRUE(fake_serve(&device, 0));
    CU_ASSERT_EQUAL(fake_ring_word(&device.rings[0], 2), 0);
    CU_ASSERT_EQUAL(complaints(), 1);
}

static const struct unit_test tests[] = {
    UNIT_TEST(a_read_past_the_end),
    UNIT_TEST(an_unknown_operation),
    UNIT_TEST(a_read_or_write_without_segments),
    UNIT_TEST(an_operation_that_is_not_offered),
    UNIT_TEST(an_indirect_write),
    UNIT_TEST(a_flush_with_data_and_of_a_read_only_disk),
    UNIT_TEST(secure_and_unaligned_discards),
    UNIT_TEST(a_secure_discard_where_it_is_offered),
    UNIT_TEST(a_secure_discard_that_the_options_offer),
    UNIT_TEST(i9_a_discard_of_pieces_of_sectors),
    UNIT_TEST(qemu_takes_a_discard_that_it_does_not_offer),
    UNIT_TEST(mirage_dies_of_a_second_indirect_page),
    UNIT_TEST(mirage_dies_of_what_it_cannot_map),
    UNIT_TEST(linux_tells_by_the_node_what_it_does_not_support),
    UNIT_TEST(i19_a_producer_too_far_ahead),
    UNIT_TEST(a_bounded_backend_stops_when_no_answer_has_room),
};

UNIT_MAIN_WITH("dialect answers", set_up, tear_down, tests)
