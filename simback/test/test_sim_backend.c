/* SPDX-License-Identifier: ISC */
/*
 * Backend and simulated Xen together, with a frontend made by hand over platform.h: the toolstack's
 * nodes and rights, the actors, virtual time, the ledgers, and that the backend keeps I19.
 */
#define _POSIX_C_SOURCE 200809L

#include "cunit_main.h"

#include <simback/backend.h>
#include <simback/oracle.h>
#include <simback/xen.h>

#include <blkfront/blkif.h>
#include <blkfront/platform.h>

#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#define FRONT "/local/domain/1/device/vbd/51712"

static struct simback_world *world;
static struct simback_backend_options options;
static struct simback_backend *backend;

/* The frontend. */
static const struct blkfront_platform *guest;
static struct blkfront_channel_set *channels;
static struct blkif_wire_ring_header *ring;
static struct blkif_wire_request_64 *slots;
static void *ring_page, *data;
static uint32_t ring_ref, data_ref, port;

static void set_up(void)
{
    struct simback_world_options world_options;

    simback_world_options_init(&world_options);
    world = simback_world_create(&world_options);
    guest = simback_platform(world, SIMBACK_FRONT_DOMID);
    simback_enter(world, 0);
    simback_backend_options_init(&options);
    backend = NULL;
}

static void tear_down(void)
{
    for (uint32_t i = 0; i < SIMBACK_VIOLATIONS_KEPT; i++) {
        const struct simback_violation *violation = simback_violation(world, i);

        if (violation != NULL && violation->rule == 19)
            CU_FAIL(violation->text);
    }
    simback_world_destroy(world);
}

static void run(uint64_t until_ns)
{
    enum simback_step step;

    while ((step = simback_world_step(world, until_ns)) == SIMBACK_STEP_RAN)
        ;
    CU_ASSERT_EQUAL(step, SIMBACK_STEP_REST);
}

static void add_backend(void)
{
    backend = simback_world_add_backend(world, &options);
    CU_ASSERT_PTR_NOT_NULL_FATAL(backend);
    CU_ASSERT_PTR_EQUAL(simback_world_backend(world, options.device), backend);
}

static unsigned number_at(const char *path)
{
    char text[32] = "";
    size_t length = 0;

    if (guest->store_read(guest->context, 0, path, text, sizeof(text) - 1, &length) != 0)
        return 99;
    return (unsigned)strtoul(text, NULL, 10);
}

static unsigned back_state(void)
{
    char path[200];

    snprintf(path, sizeof(path), "/local/domain/%u/backend/vbd/1/51712/state", options.domid);
    return number_at(path);
}

static void put(const char *name, unsigned value)
{
    char path[200], text[16];

    snprintf(path, sizeof(path), FRONT "/%s", name);
    snprintf(text, sizeof(text), "%u", value);
    CU_ASSERT_EQUAL(guest->store_write(guest->context, 0, path, text, strlen(text)), 0);
}

static void front_open(void)
{
    CU_ASSERT_EQUAL(guest->channels_open(guest->context, &channels), 0);
    CU_ASSERT_EQUAL(guest->port_allocate(guest->context, channels, options.domid, &port), 0);
    CU_ASSERT_EQUAL(guest->share(guest->context, options.domid, 1, true, &ring_page, &ring_ref), 0);
    CU_ASSERT_EQUAL(guest->share(guest->context, options.domid, 1, true, &data, &data_ref), 0);
    ring = ring_page;
    slots = (void *)((uint8_t *)ring_page + BLKIF_WIRE_RING_HEADER);
    ring->req_event = 1;
    ring->rsp_event = 1;
    put("ring-ref", ring_ref);
    put("event-channel", port);
    put("state", 3);
}

static void connect_both(void)
{
    add_backend();
    run(SIMBACK_NEVER);
    CU_ASSERT_EQUAL(back_state(), 2);
    front_open();
    run(SIMBACK_NEVER);
    CU_ASSERT_EQUAL(back_state(), 4);
    put("state", 4);
}

/* Puts one request of a page and notifies. */
static void submit(uint8_t op, uint64_t id, uint64_t sector_512)
{
    slots[ring->req_prod % 32] = (struct blkif_wire_request_64){
        .operation = op,
        .segment_count = op == BLKIF_WIRE_FLUSH_DISKCACHE ? 0 : 1,
        .id = id,
        .sector_512 = sector_512,
        .segments = {{.grant_ref = op == BLKIF_WIRE_FLUSH_DISKCACHE ? 0 : data_ref,
                      .last_512 = op == BLKIF_WIRE_FLUSH_DISKCACHE ? 0 : 7}}};
    ring->req_prod++;
    simback_handover(world, 0, true);
    CU_ASSERT_EQUAL(guest->port_notify(guest->context, channels, port), 0);
}

static bool answered(uint64_t id, int16_t status)
{
    const struct blkif_wire_response_64 *response = (const void *)&slots[(ring->rsp_prod - 1) % 32];

    return response->id == id && response->status == status;
}

static void connects_moves_data_and_closes(void)
{
    struct simback_ledger ledger;
    uint32_t pending;

    connect_both();
    memset(data, 7, 4096);
    submit(BLKIF_WIRE_WRITE, 1, 16);
    run(SIMBACK_NEVER);
    CU_ASSERT_EQUAL(ring->rsp_prod, 1);
    CU_ASSERT_TRUE(answered(1, 0));
    CU_ASSERT_EQUAL(guest->port_pending(guest->context, channels, &pending), 1);
    CU_ASSERT_EQUAL(pending, port);
    memset(data, 0, 4096);
    submit(BLKIF_WIRE_READ, 2, 16);
    run(SIMBACK_NEVER);
    CU_ASSERT_TRUE(answered(2, 0));
    CU_ASSERT_EQUAL(((uint8_t *)data)[4095], 7);
    CU_ASSERT_TRUE(simback_rule_checks(world, 19) > 0);
    simback_get_ledger(world, SIMBACK_FRONT_DOMID, &ledger);
    CU_ASSERT_EQUAL(ledger.mapped, 1);
    put("state", 5);
    run(SIMBACK_NEVER);
    CU_ASSERT_EQUAL(back_state(), 5);
    put("state", 6);
    run(SIMBACK_NEVER);
    CU_ASSERT_EQUAL(back_state(), 6);
    simback_get_ledger(world, SIMBACK_FRONT_DOMID, &ledger);
    CU_ASSERT_EQUAL(ledger.mapped, 0);
    simback_get_ledger(world, SIMBACK_DOM0, &ledger);
    CU_ASSERT_EQUAL(ledger.ports, 0);
    CU_ASSERT_EQUAL(guest->unshare(guest->context, ring_page, 1), 0);
}

static void what_the_toolstack_writes_can_be_read(void)
{
    char names[200];
    size_t length = 0;

    options.params = "aio:/disk.img";
    options.mode_read_only = true;
    options.trusted = false;
    add_backend();
    CU_ASSERT_EQUAL(guest->store_list(guest->context, 0, "/local/domain/1/device/vbd", names,
                                      sizeof(names), &length),
                    0);
    CU_ASSERT_EQUAL(length, 6);
    CU_ASSERT_STRING_EQUAL(names, "51712");
    CU_ASSERT_EQUAL(number_at(FRONT "/virtual-device"), 51712);
    CU_ASSERT_EQUAL(number_at(FRONT "/backend-id"), 0);
    CU_ASSERT_EQUAL(number_at(FRONT "/trusted"), 0);
    CU_ASSERT_EQUAL(number_at(FRONT "/state"), 1);
    CU_ASSERT_EQUAL(back_state(), 1);
    CU_ASSERT_EQUAL(number_at("/local/domain/0/backend/vbd/1/51712/online"), 1);
    CU_ASSERT_EQUAL(guest->store_read(guest->context, 0,
                                      "/local/domain/0/backend/vbd/1/51712/params", names,
                                      sizeof(names), &length),
                    0);
    CU_ASSERT_EQUAL(length, strlen("aio:/disk.img"));
    CU_ASSERT_EQUAL(
        guest->store_write(guest->context, 0, "/local/domain/0/backend/vbd/1/51712/state", "4", 1),
        BLKFRONT_PLATFORM_DENIED);
    CU_ASSERT_EQUAL(guest->store_write(guest->context, 0,
                                       "/local/domain/1/error/device/vbd/51712/error", "x", 1),
                    0);
}

static void a_driver_domain_serves_and_complains(void)
{
    char text[300] = "";
    size_t length = 0;

    options.domid = 5;
    connect_both();
    submit(BLKIF_WIRE_READ, 1, 0);
    run(SIMBACK_NEVER);
    CU_ASSERT_TRUE(answered(1, 0));
    put("state", 6);
    run(SIMBACK_NEVER);
    put("state", 1);
    run(SIMBACK_NEVER);
    CU_ASSERT_EQUAL(guest->store_remove(guest->context, 0, FRONT "/event-channel"), 0);
    put("state", 3);
    run(SIMBACK_NEVER);
    CU_ASSERT_EQUAL(back_state(), 5);
    CU_ASSERT_EQUAL(simback_store_read(world, "/local/domain/5/error/backend/vbd/1/51712/error",
                                       text, sizeof(text) - 1, &length),
                    0);
    CU_ASSERT_STRING_EQUAL(text, "22 reading " FRONT "/event-channel: not there");
}

static void i11_a_former_life_has_left_its_nodes(void)
{
    for (int32_t state = 0; state <= 8; state++) {
        options.start_state = state;
        add_backend();
        CU_ASSERT_EQUAL(back_state(), (unsigned)state);
        CU_ASSERT_EQUAL(number_at("/local/domain/0/backend/vbd/1/51712/max-ring-page-order"),
                        state >= 2 ? 4 : 99);
        CU_ASSERT_EQUAL(number_at("/local/domain/0/backend/vbd/1/51712/sectors"),
                        state >= 2 ? 2048 : 99);
        run(SIMBACK_NEVER);
        CU_ASSERT_EQUAL(back_state(), state >= 3 && state <= 5 ? (unsigned)state : 2);
        simback_backend_destroy(backend);
        CU_ASSERT_PTR_NULL(simback_world_backend(world, 0));
        simback_toolstack_remove(world, &options);
        CU_ASSERT_EQUAL(number_at(FRONT "/state"), 99);
    }
    options.start_state = 9;
    CU_ASSERT_PTR_NULL(simback_world_add_backend(world, &options));
}

static void a_delay_takes_virtual_time(void)
{
    const struct simback_fault fault = {.ops = SIMBACK_FAULT_ANY,
                                        .last_512 = UINT64_MAX,
                                        .percent = 100,
                                        .action = SIMBACK_DELAY,
                                        .delay_ns = 5000};
    uint64_t began;

    connect_both();
    CU_ASSERT_EQUAL(simback_backend_add_fault(backend, &fault), 0);
    began = simback_now(world);
    submit(BLKIF_WIRE_READ, 1, 0);
    run(began + 4999);
    CU_ASSERT_EQUAL(ring->rsp_prod, 0);
    run(SIMBACK_NEVER);
    CU_ASSERT_EQUAL(ring->rsp_prod, 1);
    CU_ASSERT_EQUAL(simback_now(world), began + 5000);
}

static void what_is_held_comes_when_released_and_the_world_runs(void)
{
    const struct simback_fault fault = {.ops = SIMBACK_FAULT_ANY,
                                        .last_512 = UINT64_MAX,
                                        .percent = 100,
                                        .action = SIMBACK_HOLD,
                                        .name = 1};

    connect_both();
    CU_ASSERT_EQUAL(simback_backend_add_fault(backend, &fault), 0);
    submit(BLKIF_WIRE_READ, 1, 0);
    run(SIMBACK_NEVER);
    CU_ASSERT_EQUAL(simback_backend_release(backend, 1), 1);
    CU_ASSERT_EQUAL(ring->rsp_prod, 0);
    run(SIMBACK_NEVER);
    CU_ASSERT_EQUAL(ring->rsp_prod, 1);
}

static void wishes_wake_the_backend(void)
{
    connect_both();
    simback_backend_hang(backend);
    submit(BLKIF_WIRE_READ, 1, 0);
    run(SIMBACK_NEVER);
    CU_ASSERT_EQUAL(ring->rsp_prod, 0);
    simback_backend_wake(backend);
    run(SIMBACK_NEVER);
    CU_ASSERT_EQUAL(ring->rsp_prod, 1);
    simback_backend_set_read_only(backend, true);
    run(SIMBACK_NEVER);
    CU_ASSERT_EQUAL(number_at("/local/domain/0/backend/vbd/1/51712/info"), 4);
    simback_backend_stall(backend, BLKIF_WIRE_CLOSING);
    simback_backend_close(backend);
    run(SIMBACK_NEVER);
    CU_ASSERT_EQUAL(back_state(), 4);
    simback_backend_go(backend);
    run(SIMBACK_NEVER);
    CU_ASSERT_EQUAL(back_state(), 5);
}

static void a_crash_leaves_nothing_mapped(void)
{
    struct simback_ledger ledger;

    connect_both();
    simback_backend_keep_grants(backend, true);
    submit(BLKIF_WIRE_READ, 1, 0);
    run(SIMBACK_NEVER);
    simback_get_ledger(world, SIMBACK_FRONT_DOMID, &ledger);
    CU_ASSERT_EQUAL(ledger.mapped, 2);
    simback_backend_crash(backend);
    CU_ASSERT_EQUAL(back_state(), 99);
    simback_get_ledger(world, SIMBACK_FRONT_DOMID, &ledger);
    CU_ASSERT_EQUAL(ledger.mapped, 0);
    simback_get_ledger(world, SIMBACK_DOM0, &ledger);
    CU_ASSERT_EQUAL(ledger.ports, 0);
    CU_ASSERT_EQUAL(ledger.watches, 0);
    put("state", 6);
    run(SIMBACK_NEVER);
    CU_ASSERT_EQUAL(back_state(), 99);
}

static void requests_allocate_nothing(void)
{
    uint64_t before = 0;

    connect_both();
    for (uint64_t i = 0; i < 200; i++) {
        if (i == 100)
            before = simback_allocations(world);
        submit(i % 3 == 2 ? BLKIF_WIRE_FLUSH_DISKCACHE : (uint8_t)(i % 3), i, i % 5 * 8);
        run(SIMBACK_NEVER);
    }
    CU_ASSERT_EQUAL(ring->rsp_prod, 200);
    CU_ASSERT_EQUAL(simback_allocations(world), before);
}

/* Nobody waits for grants that nobody uses: they go when time goes by. */
static void kept_grants_go_by_the_clock(void)
{
    struct simback_ledger ledger;

    add_backend();
    run(SIMBACK_NEVER);
    put("feature-persistent", 1);
    front_open();
    run(SIMBACK_NEVER);
    put("state", 4);
    submit(BLKIF_WIRE_READ, 1, 0);
    run(SIMBACK_NEVER);
    CU_ASSERT_EQUAL(simback_now(world), 0);
    simback_get_ledger(world, SIMBACK_FRONT_DOMID, &ledger);
    CU_ASSERT_EQUAL(ledger.mapped, 2);
    run(UINT64_C(59999999999));
    simback_get_ledger(world, SIMBACK_FRONT_DOMID, &ledger);
    CU_ASSERT_EQUAL(ledger.mapped, 2);
    run(UINT64_C(60000000000));
    simback_get_ledger(world, SIMBACK_FRONT_DOMID, &ledger);
    CU_ASSERT_EQUAL(ledger.mapped, 1);
    CU_ASSERT_EQUAL(simback_now(world), UINT64_C(60000000000));
}

static void a_file_is_closed_with_the_world(void)
{
    char path[] = "/tmp/simback_sim_XXXXXX", error[200] = "", byte = 0;
    const int descriptor = mkstemp(path);

    CU_ASSERT_EQUAL_FATAL(ftruncate(descriptor, 1 << 20), 0);
    for (int again = 0; again < 2; again++) {
        options.disk = simback_disk_file(world, path, false, error, sizeof(error));
        CU_ASSERT_PTR_NOT_NULL_FATAL(options.disk);
        connect_both();
        CU_ASSERT_PTR_EQUAL(simback_backend_disk(backend), options.disk);
        memset(data, 'a' + again, 4096);
        submit(BLKIF_WIRE_WRITE, 1, 8);
        run(SIMBACK_NEVER);
        CU_ASSERT_EQUAL(pread(descriptor, &byte, 1, 4096), 1);
        CU_ASSERT_EQUAL(byte, again == 0 ? 0 : 'a'); /* volatile so far */
        simback_world_reset(world, NULL);
        CU_ASSERT_PTR_NULL(simback_world_backend(world, 0));
        guest = simback_platform(world, SIMBACK_FRONT_DOMID);
        simback_enter(world, 0);
        CU_ASSERT_EQUAL(pread(descriptor, &byte, 1, 4096), 1);
        CU_ASSERT_EQUAL(byte, 'a' + again);
    }
    close(descriptor);
    unlink(path);
}

static void bad_arguments_make_no_backend(void)
{
    options.device = UINT16_MAX;
    CU_ASSERT_PTR_NULL(simback_world_add_backend(world, &options));
    options.device = 0;
    options.dialect = NULL;
    CU_ASSERT_PTR_NULL(simback_world_add_backend(world, &options));
    CU_ASSERT_PTR_NULL(simback_world_backend(world, 0));
    CU_ASSERT_PTR_NULL(simback_world_backend(world, UINT16_MAX));
}

static const struct unit_test tests[] = {
    UNIT_TEST(connects_moves_data_and_closes),
    UNIT_TEST(what_the_toolstack_writes_can_be_read),
    UNIT_TEST(a_driver_domain_serves_and_complains),
    UNIT_TEST(i11_a_former_life_has_left_its_nodes),
    UNIT_TEST(a_delay_takes_virtual_time),
    UNIT_TEST(what_is_held_comes_when_released_and_the_world_runs),
    UNIT_TEST(wishes_wake_the_backend),
    UNIT_TEST(a_crash_leaves_nothing_mapped),
    UNIT_TEST(requests_allocate_nothing),
    UNIT_TEST(kept_grants_go_by_the_clock),
    UNIT_TEST(a_file_is_closed_with_the_world),
    UNIT_TEST(bad_arguments_make_no_backend),
};

UNIT_MAIN_WITH("sim_backend", set_up, tear_down, tests)
