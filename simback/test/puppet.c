/* SPDX-License-Identifier: ISC */
/*
 * The puppet's hands: puppet.h says what each does.
 */
#include "puppet.h"

#include <CUnit/CUnit.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char front_path[] = "/local/domain/1/device/vbd/51712";
static const char back_path[] = "/local/domain/0/backend/vbd/1/51712";

static void must(int result)
{
    if (result < 0) {
        fprintf(stderr, "puppet: a call that must succeed gave %d\n", result);
        abort();
    }
}

void puppet_begin(struct puppet *puppet)
{
    struct simback_backend_options options;

    if (puppet->sector_size == 0)
        puppet->sector_size = 512;
    puppet->world = simback_world_create(puppet->options);
    if (puppet->world == NULL)
        abort();
    simback_backend_options_init(&options);
    options.dialect = simback_dialect_find(puppet->dialect == NULL ? "linux" : puppet->dialect);
    options.front_domid = SIMBACK_FRONT_DOMID;
    options.vdev = 51712;
    options.sector_size = puppet->sector_size;
    options.sectors = (uint64_t)PUPPET_SECTORS * 512 / puppet->sector_size;
    options.attach = puppet->start != 0;
    options.mode_read_only = puppet->mode_read_only;
    options.segments = puppet->segments == 0 ? -1 : puppet->segments;
    options.discard = puppet->discard ? SIMBACK_YES : SIMBACK_DEFAULT;
    puppet->backend = simback_world_add_backend(puppet->world, &options);
    puppet->platform = simback_platform(puppet->world, SIMBACK_FRONT_DOMID);
    if (puppet->backend == NULL || puppet->platform == NULL)
        abort();
    puppet->context = puppet->platform->context;
    simback_enter(puppet->world, 0);
}

void puppet_end(struct puppet *puppet)
{
    simback_world_destroy(puppet->world);
    memset(puppet, 0, sizeof(*puppet));
}

void puppet_run(struct puppet *puppet)
{
    while (simback_world_step(puppet->world, SIMBACK_NEVER) == SIMBACK_STEP_RAN) {}
}

void puppet_step(struct puppet *puppet)
{
    simback_handover(puppet->world, 0, true);
}

/* ---- access ---- */

static void announce(struct puppet *puppet, const void *address, size_t size,
                     enum blkfront_access access)
{
    if (puppet->observed)
        blkfront_observe(address, size, access);
}

uint32_t puppet_load32(struct puppet *puppet, const void *address)
{
    uint32_t value;

    announce(puppet, address, sizeof(value), BLKFRONT_ACCESS_LOAD);
    memcpy(&value, address, sizeof(value));
    return value;
}

uint32_t puppet_word(const struct puppet *puppet, unsigned word)
{
    uint32_t value;

    memcpy(&value, puppet->ring + 4 * (size_t)word, sizeof(value));
    return value;
}

void puppet_set_word(struct puppet *puppet, unsigned word, uint32_t value)
{
    announce(puppet, puppet->ring + 4 * (size_t)word, sizeof(value), BLKFRONT_ACCESS_STORE);
    memcpy(puppet->ring + 4 * (size_t)word, &value, sizeof(value));
}

/* Of either ABI 32 slots fit into a page. */
uint8_t *puppet_slot(const struct puppet *puppet, uint32_t index)
{
    size_t size = puppet->abi_32 ? BLKIF_WIRE_SLOT_32 : BLKIF_WIRE_SLOT_64;
    uint32_t slots = UINT32_C(32) << puppet->order;

    return puppet->ring + BLKIF_WIRE_RING_HEADER + (index & (slots - 1)) * size;
}

/* ---- XenStore ---- */

void puppet_write(struct puppet *puppet, const char *node, const char *value)
{
    char path[128];

    snprintf(path, sizeof(path), "%s/%s", front_path, node);
    must(puppet->platform->store_write(puppet->context, puppet->transaction, path, value,
                                       strlen(value)));
}

void puppet_remove(struct puppet *puppet, const char *node)
{
    char path[128];

    snprintf(path, sizeof(path), "%s%s%s", front_path, node[0] == '\0' ? "" : "/", node);
    (void)puppet->platform->store_remove(puppet->context, puppet->transaction, path);
}

int puppet_read_back(struct puppet *puppet, const char *node)
{
    char path[128], value[32] = "";
    size_t length;

    snprintf(path, sizeof(path), "%s/%s", back_path, node);
    if (puppet->platform->store_read(puppet->context, 0, path, value, sizeof(value) - 1, &length) !=
        0)
        return -1;
    return atoi(value);
}

static void write_number(struct puppet *puppet, const char *node, uint32_t value)
{
    char text[16];

    snprintf(text, sizeof(text), "%u", value);
    puppet_write(puppet, node, text);
}

/* ---- handshake ---- */

void puppet_open(struct puppet *puppet)
{
    const struct blkfront_platform *platform = puppet->platform;
    char path[128];
    void *address;

    simback_app_call(puppet->world, 0, "connect");
    snprintf(path, sizeof(path), "%s/state", back_path);
    must(platform->watches_open(puppet->context, &puppet->watches));
    must(platform->watch(puppet->context, puppet->watches, path, 1));
    must(platform->share(puppet->context, 0, UINT32_C(1) << puppet->order, true, &address,
                         puppet->ring_refs));
    puppet->ring = address;
    for (uint32_t i = 0; i < PUPPET_PAGES; i++) {
        must(platform->share(puppet->context, 0, 1, i < 2, &address, &puppet->refs[i]));
        puppet->data[i] = address;
    }
    must(platform->channels_open(puppet->context, &puppet->channels));
    must(platform->port_allocate(puppet->context, puppet->channels, 0, &puppet->port));
    puppet->req_prod = puppet->rsp_cons = puppet->start;
    puppet_set_word(puppet, 0, puppet->start);
    puppet_set_word(puppet, 1, puppet->start + 1);
    puppet_set_word(puppet, 2, puppet->start);
    puppet_set_word(puppet, 3, puppet->start + 1);
}

static void publish_ring(struct puppet *puppet)
{
    char node[sizeof("ring-ref4294967295")];

    if (puppet->order == 0) {
        write_number(puppet, "ring-ref", puppet->ring_refs[0]);
        return;
    }
    write_number(puppet, "ring-page-order", puppet->order);
    write_number(puppet, "num-ring-pages", UINT32_C(1) << puppet->order);
    for (uint32_t i = 0; i < UINT32_C(1) << puppet->order; i++) {
        snprintf(node, sizeof(node), "ring-ref%u", i);
        write_number(puppet, node, puppet->ring_refs[i]);
    }
}

void puppet_write_nodes(struct puppet *puppet)
{
    publish_ring(puppet);
    write_number(puppet, "event-channel", puppet->port);
    puppet_write(puppet, "protocol",
                 puppet->abi_32 ? BLKIF_WIRE_PROTOCOL_32 : BLKIF_WIRE_PROTOCOL_64);
}

void puppet_publish(struct puppet *puppet, const char *state)
{
    must(puppet->platform->transaction_start(puppet->context, &puppet->transaction));
    puppet_write_nodes(puppet);
    puppet_write(puppet, "state", state);
    must(puppet->platform->transaction_end(puppet->context, puppet->transaction, true));
    puppet->transaction = 0;
    puppet_step(puppet);
}

void puppet_connect(struct puppet *puppet)
{
    puppet_run(puppet);
    puppet_open(puppet);
    CU_ASSERT_EQUAL_FATAL(puppet_read_back(puppet, "state"), 2);
    puppet_publish(puppet, "3");
    puppet_run(puppet);
    CU_ASSERT_EQUAL_FATAL(puppet_read_back(puppet, "state"), 4);
    (void)puppet_read_back(puppet, "sectors");
    (void)puppet_read_back(puppet, "sector-size");
    (void)puppet_read_back(puppet, "info");
    (void)puppet_read_back(puppet, "feature-flush-cache");
    (void)puppet_read_back(puppet, "feature-barrier");
    puppet_write(puppet, "state", "4");
    puppet_app_state(puppet, BLKFRONT_CONNECTED);
    puppet_step(puppet);
}

static void close_states(struct puppet *puppet)
{
    puppet_write(puppet, "state", "5");
    puppet_step(puppet);
    puppet_run(puppet);
    (void)puppet_read_back(puppet, "state");
    puppet_write(puppet, "state", "6");
    puppet_step(puppet);
    puppet_run(puppet);
    CU_ASSERT_EQUAL(puppet_read_back(puppet, "state"), 6);
}

void puppet_disconnect(struct puppet *puppet)
{
    simback_app_call(puppet->world, 0, "disconnect");
    close_states(puppet);
}

void puppet_close_port(struct puppet *puppet)
{
    puppet->platform->channels_close(puppet->context, puppet->channels);
}

void puppet_close_watches(struct puppet *puppet)
{
    puppet->platform->watches_close(puppet->context, puppet->watches);
}

void puppet_remove_nodes(struct puppet *puppet)
{
    char node[16];

    puppet_remove(puppet, "ring-ref");
    puppet_remove(puppet, "ring-page-order");
    puppet_remove(puppet, "num-ring-pages");
    for (uint32_t i = 0; i < PUPPET_RING_PAGES; i++) {
        snprintf(node, sizeof(node), "ring-ref%u", i);
        puppet_remove(puppet, node);
    }
    puppet_remove(puppet, "event-channel");
    puppet_remove(puppet, "protocol");
}

void puppet_end_grants(struct puppet *puppet)
{
    must(puppet->platform->unshare(puppet->context, puppet->ring, UINT32_C(1) << puppet->order));
    for (uint32_t i = 0; i < PUPPET_PAGES; i++)
        must(puppet->platform->unshare(puppet->context, puppet->data[i], 1));
}

void puppet_reconnect(struct puppet *puppet)
{
    close_states(puppet);
    puppet_remove_nodes(puppet);
    puppet_close_port(puppet);
    puppet_close_watches(puppet);
    puppet_end_grants(puppet);
    puppet_write(puppet, "state", "1");
    puppet_connect(puppet);
}

void puppet_released(struct puppet *puppet)
{
    puppet_app_state(puppet, BLKFRONT_CLOSED);
    simback_app_released(puppet->world, 0);
    simback_app_end(puppet->world);
}

void puppet_close(struct puppet *puppet)
{
    puppet_disconnect(puppet);
    puppet_remove_nodes(puppet);
    puppet_close_port(puppet);
    puppet_close_watches(puppet);
    puppet_end_grants(puppet);
    puppet_step(puppet);
    puppet_released(puppet);
}

/* ---- ring ---- */

/* The layout of i386 has the same members without the first padding. */
static void put_32(struct puppet *puppet, const struct blkif_wire_request_64 *wire)
{
    struct blkif_wire_request_32 slot = {
        .operation = wire->operation,
        .segment_count = wire->segment_count,
        .id = wire->id,
        .sector_512 = wire->sector_512,
    };

    memcpy(slot.segments, wire->segments, sizeof(slot.segments));
    puppet_put_slot(puppet, &slot, sizeof(slot));
}

void puppet_put(struct puppet *puppet, const struct puppet_request *request)
{
    struct blkif_wire_request_64 wire = {
        .operation = request->op,
        .segment_count = request->segments == 255 ? 0
                         : request->segments == 0 ? 1
                                                  : request->segments,
        .id = request->id,
        .sector_512 = request->sector_512,
    };

    for (uint32_t i = 0; i < BLKIF_WIRE_SEGMENTS && i < wire.segment_count; i++) {
        wire.segments[i].grant_ref = puppet->refs[request->page];
        wire.segments[i].first_512 = request->first;
        wire.segments[i].last_512 = request->last;
    }
    if (puppet->abi_32)
        put_32(puppet, &wire);
    else
        puppet_put_slot(puppet, &wire, sizeof(wire));
}

void puppet_put_slot(struct puppet *puppet, const void *slot, size_t size)
{
    uint8_t *to = puppet_slot(puppet, puppet->req_prod);

    announce(puppet, to, size, BLKFRONT_ACCESS_STORE);
    memcpy(to, slot, size);
    puppet->req_prod++;
}

void puppet_notify(struct puppet *puppet)
{
    must(puppet->platform->port_notify(puppet->context, puppet->channels, puppet->port));
}

void puppet_push(struct puppet *puppet)
{
    uint32_t old = puppet_word(puppet, 0), event;

    puppet_set_word(puppet, 0, puppet->req_prod);
    announce(puppet, NULL, 0, BLKFRONT_ACCESS_FENCE);
    event = puppet_load32(puppet, puppet->ring + 4);
    if (puppet->req_prod - event < puppet->req_prod - old)
        puppet_notify(puppet);
}

void puppet_push_quietly(struct puppet *puppet)
{
    puppet_set_word(puppet, 0, puppet->req_prod);
    announce(puppet, NULL, 0, BLKFRONT_ACCESS_FENCE);
    (void)puppet_load32(puppet, puppet->ring + 4);
}

void puppet_send(struct puppet *puppet, uint8_t op, uint64_t id, uint64_t sector_512,
                 uint32_t units, uint32_t page)
{
    const struct puppet_request request = {
        .op = op,
        .id = id,
        .sector_512 = sector_512,
        .page = page,
        .last = units == 0 ? 0 : (uint8_t)(units - 1),
        .segments = units == 0 ? 255 : 1,
    };

    puppet_put(puppet, &request);
    puppet_push(puppet);
    puppet_step(puppet);
}

bool puppet_take(struct puppet *puppet)
{
    const size_t size = puppet->abi_32 ? sizeof(struct blkif_wire_response_32)
                                       : sizeof(struct blkif_wire_response_64);
    uint32_t rsp_prod = puppet_load32(puppet, puppet->ring + 8);
    bool good = true;

    for (;;) {
        while (puppet->rsp_cons != rsp_prod) {
            const uint8_t *slot = puppet_slot(puppet, puppet->rsp_cons++);
            struct blkif_wire_response_64 response;

            announce(puppet, slot, size, BLKFRONT_ACCESS_LOAD);
            memcpy(&response, slot, size);
            good = good && response.status == BLKIF_WIRE_OKAY;
        }
        puppet_set_word(puppet, 3, puppet->rsp_cons + 1);
        announce(puppet, NULL, 0, BLKFRONT_ACCESS_FENCE);
        rsp_prod = puppet_load32(puppet, puppet->ring + 8);
        if (rsp_prod == puppet->rsp_cons)
            return good;
    }
}

void puppet_forge(struct puppet *puppet, uint64_t id, uint8_t op, int16_t status)
{
    const struct blkif_wire_response_64 response = {.id = id, .operation = op, .status = status};
    uint32_t rsp_prod = puppet_word(puppet, 2) + 1;

    memcpy(puppet_slot(puppet, rsp_prod - 1), &response, sizeof(response));
    memcpy(puppet->ring + 8, &rsp_prod, sizeof(rsp_prod));
    simback_handover(puppet->world, 0, false);
}

/* ---- the application ---- */

/* Buffers must stay until the request completes. */
static struct blkfront_buffer buffers[64];

void puppet_submit_flagged(struct puppet *puppet, uint64_t number,
                           enum blkfront_operation operation, unsigned flags, uint64_t sector,
                           uint64_t sectors, void *bytes)
{
    struct blkfront_buffer *buffer = &buffers[number % 64];

    *buffer = (struct blkfront_buffer){
        .address = bytes,
        .size = (size_t)sectors * puppet->sector_size,
    };
    simback_app_submit(puppet->world, 0, 0, number, operation, flags, puppet->sector_size, sector,
                       sectors, buffer, bytes == NULL ? 0 : 1);
}

void puppet_submit(struct puppet *puppet, uint64_t number, enum blkfront_operation operation,
                   uint64_t sector, uint64_t sectors, void *bytes)
{
    puppet_submit_flagged(puppet, number, operation, 0, sector, sectors, bytes);
}

void puppet_complete(struct puppet *puppet, uint64_t number, int result)
{
    simback_app_complete(puppet->world, number, result);
}

void puppet_app_state(struct puppet *puppet, enum blkfront_state state)
{
    simback_app_device(puppet->world, 0, state, 0);
}

/* ---- what the oracle says ---- */

static void print_all(const struct puppet *puppet)
{
    const struct simback_violation *violation;

    for (uint32_t i = 0; (violation = simback_violation(puppet->world, i)) != NULL; i++)
        printf("\n    %s%s", violation->text, violation->should ? " (SHOULD)" : "");
}

void puppet_expect_none(const struct puppet *puppet)
{
    CU_ASSERT_EQUAL(simback_violations(puppet->world, true), 0);
    print_all(puppet);
}

void puppet_expect(const struct puppet *puppet, uint8_t rule, bool should, const char *text)
{
    const struct simback_violation *violation = simback_violation(puppet->world, 0);
    bool right = simback_violations(puppet->world, true) == 1 && violation != NULL &&
                 violation->rule == rule && violation->should == should &&
                 strstr(violation->text, text) != NULL;

    CU_ASSERT_TRUE(right);
    if (!right)
        printf("\n    wanted: I%u … %s …", rule, text);
    if (!right)
        print_all(puppet);
    CU_ASSERT_TRUE(simback_rule_checks(puppet->world, rule) > 0);
}

void puppet_expect_nth(const struct puppet *puppet, uint32_t index, uint8_t rule, const char *text)
{
    const struct simback_violation *violation = simback_violation(puppet->world, index);
    bool right =
        violation != NULL && violation->rule == rule && strstr(violation->text, text) != NULL;

    CU_ASSERT_TRUE(right);
    if (!right)
        printf("\n    wanted as number %u: I%u … %s …", index, rule, text);
    if (!right)
        print_all(puppet);
}
