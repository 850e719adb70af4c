/* SPDX-License-Identifier: ISC */
/*
 * A guest's frontend judged from its backend's side (served.h): a fake host stands for the real
 * Xen, and a frontend played by hand for the guest. Each rule is kept, then broken.
 */
#include "cunit_main.h"
#include "fake_host.h"

#include <simback/oracle.h>
#include <simback/served.h>

#include <stdio.h>
#include <string.h>

static struct fake_device device;
static struct simback_world *world;
static struct simback_served *served;

static void set_up(void)
{
    struct simback_world_options options;

    fake_device_init(&device);
    simback_world_options_init(&options);
    options.served = true;
    world = simback_world_create(&options);
    CU_ASSERT_PTR_NOT_NULL_FATAL(world);
}

/* With the options that a test has changed by now. */
static void begin(void)
{
    served = simback_served_create(world, &device.host.calls, &device.options);
    CU_ASSERT_PTR_NOT_NULL_FATAL(served);
    device.backend = simback_backend_create(simback_served_host(served), &device.options);
    CU_ASSERT_PTR_NOT_NULL_FATAL(device.backend);
    CU_ASSERT_TRUE(fake_settle(&device));
}

static void tear_down(void)
{
    simback_backend_destroy(device.backend);
    device.backend = NULL;
    CU_ASSERT_EQUAL(device.host.mapped, 0);
    CU_ASSERT_EQUAL(device.host.wrong, 0);
    simback_served_destroy(served);
    simback_world_destroy(world);
    fake_device_fini(&device);
    CU_ASSERT_EQUAL(device.host.allocations, 0);
}

/* ---- the guest ---- */

static void node_missed(const char *name, const char *value, bool missed)
{
    char path[FAKE_PATH];

    snprintf(path, sizeof(path), FAKE_FRONT "/%s", name);
    fake_put(&device.host, path, value);
    simback_served_node(served, path, value, value == NULL ? 0 : strlen(value), missed);
}

static void node(const char *name, const char *value)
{
    node_missed(name, value, false);
}

static void state(const char *value)
{
    node("state", value);
    CU_ASSERT_TRUE(fake_settle(&device));
}

/* What fake_publish_rings has written is told of, all of it. */
static void publish_nodes(void)
{
    fake_publish_rings(&device);
    for (uint32_t i = 0; i < device.host.store.count; i++) {
        const struct fake_node *found = &device.host.store.nodes[i];

        if (strncmp(found->path, FAKE_FRONT "/", sizeof(FAKE_FRONT)) == 0 &&
            strcmp(found->path, FAKE_FRONT "/state") != 0)
            simback_served_node(served, found->path, found->value, found->length, false);
    }
}

static void connect_guest(void)
{
    begin();
    publish_nodes();
    state("3");
    CU_ASSERT_EQUAL(fake_back_state(&device), 4);
    state("4");
}

static void serve(void)
{
    for (uint16_t queue = 0; queue < FAKE_QUEUES; queue++) {
        while (simback_served_service(served, device.backend, queue))
            continue;
    }
}

static void send(void)
{
    fake_publish(&device, 0);
    serve();
}

/* The guest takes what is there, and asks for the next. */
static void take(void)
{
    struct fake_response response;

    while (fake_take(&device, 0, &response))
        continue;
    fake_set_ring_word(&device.rings[0], 3, device.rings[0].rsp_cons + 1);
}

static void close_guest(void)
{
    static const char *const nodes[] = {"ring-ref", "event-channel", "protocol"};

    simback_backend_close(device.backend);
    CU_ASSERT_TRUE(fake_settle(&device));
    state("5");
    state("6");
    CU_ASSERT_EQUAL(fake_back_state(&device), 6);
    for (unsigned i = 0; i < 3; i++)
        node(nodes[i], NULL);
}

static void put_indirect(uint32_t segments)
{
    struct blkif_wire_indirect_64 request = {.operation = 6,
                                             .indirect_operation = 1,
                                             .segment_count = (uint16_t)segments,
                                             .id = 9,
                                             .handle = 51712};

    for (uint32_t i = 0; i < segments; i++) {
        const struct blkif_wire_segment segment = {.grant_ref = device.data_refs[1 + i],
                                                   .last_512 = 7};

        memcpy(device.data[0] + (size_t)i * sizeof(segment), &segment, sizeof(segment));
    }
    request.page_grant_refs[0] = device.data_refs[0];
    fake_put_slot(&device.rings[0], BLKIF_WIRE_SLOT_64, &request, sizeof(request));
}

/* ---- what is said ---- */

static void expect_none(void)
{
    const struct simback_violation *first = simback_violation(world, 0);

    if (first != NULL)
        printf("\n    %s", first->text);
    CU_ASSERT_EQUAL(simback_violations(world, true), 0);
}

static void expect(uint8_t rule, const char *words)
{
    const struct simback_violation *first = simback_violation(world, 0);

    CU_ASSERT_PTR_NOT_NULL_FATAL(first);
    CU_ASSERT_EQUAL(first->rule, rule);
    if (first->rule != rule || strstr(first->text, words) == NULL)
        printf("\n    \"%s\" not in: %s", words, first->text);
    CU_ASSERT_PTR_NOT_NULL(strstr(first->text, words));
    CU_ASSERT_TRUE(simback_rule_violations(world, rule, first->should) > 0);
}

/* ---- a guest that does as it should ---- */

static void use_disk(void)
{
    for (uint64_t id = 0; id < 100; id++) {
        fake_put_request(&device, (uint8_t)(id & 1), id % 32, id * 8, 0, 1 + (uint32_t)id % 11);
        send();
        take();
    }
    CU_ASSERT_EQUAL(fake_ring_word(&device.rings[0], 2), 100);
}

static void a_guest_that_keeps_the_rules_is_told_so(void)
{
    static const uint8_t asked[] = {2, 3, 4, 5, 6, 9, 10, 11, 12, 14};

    connect_guest();
    use_disk();
    put_indirect(40);
    send();
    take();
    close_guest();
    simback_served_end(served);
    expect_none();
    for (unsigned i = 0; i < sizeof(asked); i++)
        CU_ASSERT_NOT_EQUAL(simback_rule_checks(world, asked[i]), 0);
    CU_ASSERT_EQUAL(simback_rule_checks(world, 17), 0);
}

static void the_same_with_32_bits_and_a_larger_ring(void)
{
    device.abi_32 = true;
    device.order = 2;
    connect_guest();
    use_disk();
    expect_none();
}

static void a_guest_may_connect_again(void)
{
    connect_guest();
    use_disk();
    close_guest();
    state("1");
    CU_ASSERT_EQUAL(fake_back_state(&device), 2);
    for (uint32_t i = 0; i < 4096; i++)
        device.rings[0].pages[0][i] = 0;
    fake_set_ring_word(&device.rings[0], 1, 1);
    fake_set_ring_word(&device.rings[0], 3, 1);
    device.rings[0].req_prod = device.rings[0].rsp_cons = 0;
    publish_nodes();
    state("3");
    state("4");
    use_disk();
    expect_none();
}

static void what_the_toolstack_writes_is_not_the_guests(void)
{
    begin();
    node("backend", "/local/domain/0/backend/vbd/7/51712");
    node("backend-id", "9");
    publish_nodes();
    state("3");
    state("4");
    put_indirect(12); /* what its backend offers is known all the same */
    send();
    expect_none();
}

static void what_cannot_be_seen_is_not_judged(void)
{
    const uint32_t judged = simback_rules_judged(world);

    CU_ASSERT_EQUAL(judged & (1u << 1 | 1u << 7 | 1u << 13 | 1u << 15 | 1u << 16 | 1u << 20), 0);
    connect_guest();
    fake_put_request(&device, 0, 1, 0, 0, 1); /* nobody's, as far as is known */
    send();
    expect_none();
}

/* ---- each rule broken ---- */

static void i2_an_id_that_is_in_flight(void)
{
    connect_guest();
    CU_ASSERT_EQUAL(
        simback_backend_add_fault(device.backend, &(struct simback_fault){.ops = SIMBACK_FAULT_ANY,
                                                                          .last_512 = UINT64_MAX,
                                                                          .percent = 100,
                                                                          .action = SIMBACK_HOLD}),
        0);
    fake_put_request(&device, 0, 5, 0, 0, 1);
    fake_put_request(&device, 0, 5, 8, 1, 1);
    send();
    expect(2, "which another one in flight has too");
}

static void i3_more_requests_than_slots(void)
{
    connect_guest();
    fake_put_request(&device, 0, 1, 0, 0, 1);
    send();
    fake_set_ring_word(&device.rings[0], 0, 100);
    node("state", "4");
    expect(3, "the ring holds 32 requests");
}

static void i4_a_guest_that_does_not_close(void)
{
    connect_guest();
    simback_backend_close(device.backend);
    CU_ASSERT_TRUE(fake_settle(&device));
    simback_served_end(served);
    expect(4, "stays in state 4 although the backend is in 5");
}

static void i5_a_page_that_is_not_granted(void)
{
    connect_guest();
    fake_put_segment(&device, 0, 1, 0, 4000, 0, 7);
    send();
    expect(5, "grant 4000 is named, and the backend cannot map it");
}

static void i5_a_read_into_a_page_that_is_read_only(void)
{
    connect_guest();
    device.host.grants[device.data_refs[3]].writable = false;
    fake_put_request(&device, 1, 1, 0, 3, 1);
    send();
    take();
    expect_none();
    fake_put_request(&device, 0, 2, 0, 3, 1);
    send();
    expect(5, "for writing");
}

static void i6_bytes_that_mean_nothing(void)
{
    connect_guest();
    fake_put_request(&device, 0, 1, 0, 0, 1);
    device.rings[0].pages[0][64 + 8 + 16 + 8] = 1; /* in a segment that there is not */
    send();
    expect(6, "means nothing and is 0x1");
}

static void i6_a_ring_with_something_in_it(void)
{
    device.rings[0].pages[0][2000] = 1;
    connect_guest();
    expect(6, "page 0 of the ring of queue 0 is shown with something in it");
}

static void put_discard(uint64_t id)
{
    const struct blkif_wire_discard_64 request = {
        .operation = 5, .handle = 51712, .id = id, .sector_512 = 8, .count_512 = 8};

    fake_put_slot(&device.rings[0], BLKIF_WIRE_SLOT_64, &request, sizeof(request));
}

static void i8_what_is_not_supported_is_asked_for_once(void)
{
    connect_guest();
    put_discard(1);
    put_discard(2);
    send();
    take();
    CU_ASSERT_EQUAL(simback_violations(world, false), 0);
    put_discard(3);
    send();
    expect(8, "is DISCARD again");
}

static void i9_beyond_the_end_of_the_disk(void)
{
    connect_guest();
    fake_put_request(&device, 0, 1, 2041, 0, 1);
    send();
    expect(9, "but the disk has 2048");
}

static void i9_a_disk_that_has_grown_is_larger(void)
{
    connect_guest();
    CU_ASSERT_EQUAL(simback_backend_resize(device.backend, 4096, 512), 0);
    CU_ASSERT_TRUE(fake_settle(&device));
    fake_put_request(&device, 0, 1, 4088, 0, 1);
    send();
    expect_none();
}

static void i9_indirect_where_it_is_not_offered(void)
{
    device.options.segments = 0;
    connect_guest();
    put_indirect(12);
    send();
    expect(9, "the backend has not offered that");
}

static void i10_nodes_that_are_missing(void)
{
    begin();
    publish_nodes();
    node("event-channel", NULL);
    state("3");
    expect(10, "event-channel is not there");
}

static void i10_a_ring_that_is_not_granted(void)
{
    begin();
    publish_nodes();
    node("ring-ref", "4001");
    state("3");
    expect(10, "ring-ref is 4001, which is no grant");
}

static void i10_a_ring_that_cannot_be_written(void)
{
    device.host.grants[device.rings[0].refs[0]].writable = false;
    begin();
    publish_nodes();
    state("3");
    expect(10, "cannot map for writing");
}

static void i11_a_state_that_is_the_backends(void)
{
    begin();
    node("state", "2");
    expect(11, "from state 1 to state 2");
}

static void i11_a_request_after_closing(void)
{
    connect_guest();
    use_disk();
    node("state", "5");
    node("state", "5");
    fake_put_request(&device, 0, 1, 0, 0, 1);
    fake_publish(&device, 0);
    node("state", "5");
    expect(11, "was put with the frontend in state 5");
}

static void i11_a_state_that_nobody_was_told_of(void)
{
    connect_guest();
    state("5");
    node_missed("state", "1", true); /* there was a 6 between */
    expect_none();
    state("3");
    state("4");
    node("state", "1");
    expect(11, "from state 4 to state 1");
}

static void i12_nodes_that_are_left(void)
{
    connect_guest();
    simback_backend_close(device.backend);
    CU_ASSERT_TRUE(fake_settle(&device));
    state("5");
    state("6");
    simback_served_end(served);
    expect(12, "both sides are closed, but the frontend's node");
}

static void i12_what_the_toolstack_removes_is_its_own(void)
{
    connect_guest();
    close_guest();
    node("state", NULL);
    simback_served_node(served, FAKE_FRONT, NULL, 0, false);
    simback_served_end(served);
    expect_none();
}

static void i14_requests_without_a_notification(void)
{
    connect_guest();
    fake_put_request(&device, 0, 1, 0, 0, 1);
    send();
    fake_put_request(&device, 0, 2, 0, 0, 1);
    fake_set_ring_word(&device.rings[0], 0, device.rings[0].req_prod);
    serve();
    device.host.now += 900000000;
    serve();
    expect_none(); /* it may come yet */
    CU_ASSERT_EQUAL(fake_ring_word(&device.rings[0], 2), 1);
    device.host.now += 100000000;
    serve();
    expect(14, "no notification has come");
    CU_ASSERT_EQUAL(fake_ring_word(&device.rings[0], 2), 2); /* and is served */
}

static void i14_a_backend_that_looks_is_not_waited_for(void)
{
    connect_guest();
    fake_put_request(&device, 0, 1, 0, 0, 1);
    send();
    fake_put_request(&device, 0, 2, 0, 0, 1);
    fake_set_ring_word(&device.rings[0], 0, device.rings[0].req_prod);
    simback_served_touched(served);
    serve();
    CU_ASSERT_EQUAL(fake_ring_word(&device.rings[0], 2), 2);
    device.host.now += 2000000000;
    serve();
    expect_none();
}

static void i17_a_write_to_a_disk_that_is_read_only(void)
{
    device.options.mode_read_only = true;
    connect_guest();
    fake_put_request(&device, 0, 1, 0, 0, 1);
    send();
    take();
    expect_none();
    fake_put_request(&device, 1, 2, 0, 0, 1);
    send();
    expect(17, "the frontend knows that the disk is read-only");
}

/* An answer that nobody has asked for lies where the next request does. */
static void what_was_asked_before_an_attack_is_told_as_it_was_asked(void)
{
    const struct simback_bad_response response = {.set_id = true, .id = 0x77, .count = 1};

    connect_guest();
    use_disk();
    fake_put_request(&device, 1, 5, 8, 0, 3);
    fake_publish(&device, 0);
    simback_served_look(served);
    CU_ASSERT_EQUAL(simback_backend_respond(device.backend, &response), 0);
    simback_served_touched(served);
    serve();
    expect_none();
}

static const struct unit_test tests[] = {
    UNIT_TEST(a_guest_that_keeps_the_rules_is_told_so),
    UNIT_TEST(the_same_with_32_bits_and_a_larger_ring),
    UNIT_TEST(a_guest_may_connect_again),
    UNIT_TEST(what_the_toolstack_writes_is_not_the_guests),
    UNIT_TEST(what_cannot_be_seen_is_not_judged),
    UNIT_TEST(what_was_asked_before_an_attack_is_told_as_it_was_asked),
    UNIT_TEST(i2_an_id_that_is_in_flight),
    UNIT_TEST(i3_more_requests_than_slots),
    UNIT_TEST(i4_a_guest_that_does_not_close),
    UNIT_TEST(i5_a_page_that_is_not_granted),
    UNIT_TEST(i5_a_read_into_a_page_that_is_read_only),
    UNIT_TEST(i6_bytes_that_mean_nothing),
    UNIT_TEST(i6_a_ring_with_something_in_it),
    UNIT_TEST(i8_what_is_not_supported_is_asked_for_once),
    UNIT_TEST(i9_beyond_the_end_of_the_disk),
    UNIT_TEST(i9_a_disk_that_has_grown_is_larger),
    UNIT_TEST(i9_indirect_where_it_is_not_offered),
    UNIT_TEST(i10_nodes_that_are_missing),
    UNIT_TEST(i10_a_ring_that_is_not_granted),
    UNIT_TEST(i10_a_ring_that_cannot_be_written),
    UNIT_TEST(i11_a_state_that_is_the_backends),
    UNIT_TEST(i11_a_request_after_closing),
    UNIT_TEST(i11_a_state_that_nobody_was_told_of),
    UNIT_TEST(i12_nodes_that_are_left),
    UNIT_TEST(i12_what_the_toolstack_removes_is_its_own),
    UNIT_TEST(i14_requests_without_a_notification),
    UNIT_TEST(i14_a_backend_that_looks_is_not_waited_for),
    UNIT_TEST(i17_a_write_to_a_disk_that_is_read_only),
};

UNIT_MAIN_WITH("served", set_up, tear_down, tests)
