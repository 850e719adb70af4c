/* SPDX-License-Identifier: ISC */
/*
 * A frontend played by hand: pages, nodes, slots and responses, byte by byte and without any of the
 * backend's code.
 */
#include "fake_host.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PAGE = BLKIF_WIRE_PAGE_SIZE, FIRST_DATA_REF = 40, FIRST_RING_REF = 8 };

static uint8_t *new_page(struct fake_host *host, uint32_t ref, bool writable)
{
    uint8_t *page = aligned_alloc(PAGE, PAGE);

    if (page == NULL)
        abort();
    memset(page, 0, PAGE);
    host->grants[ref] = (struct fake_grant){.page = page, .writable = writable};
    return page;
}

static void put_number(struct fake_device *device, const char *directory, const char *name,
                       uint64_t value)
{
    char path[2 * FAKE_PATH], text[24];

    snprintf(path, sizeof(path), "%s/%s", directory, name);
    snprintf(text, sizeof(text), "%llu", (unsigned long long)value);
    fake_put(&device->host, path, text);
}

static void make_rings(struct fake_device *device)
{
    /* Taken from the end, so that neighbours in the ring are not neighbours in memory. */
    for (uint32_t q = 0; q < FAKE_QUEUES; q++) {
        struct fake_ring *ring = &device->rings[q];

        for (uint32_t i = FAKE_RING_PAGES; i-- > 0;) {
            ring->refs[i] = FIRST_RING_REF + q * FAKE_RING_PAGES + i;
            ring->pages[i] = new_page(&device->host, ring->refs[i], true);
        }
        fake_set_ring_word(ring, 1, 1);
        fake_set_ring_word(ring, 3, 1);
        ring->port = 3 + q;
        device->host.port_open[ring->port] = true;
    }
}

static void put_back(struct fake_device *device, const char *name, const char *value)
{
    char path[2 * FAKE_PATH];

    snprintf(path, sizeof(path), "%s/%s", device->back, name);
    fake_put(&device->host, path, value);
}

void fake_use(struct fake_device *device, const struct simback_dialect *dialect)
{
    if (device->back[0] != '\0')
        fake_put(&device->host, device->back, NULL);
    device->options.dialect = dialect;
    snprintf(device->back, sizeof(device->back), "/local/domain/0/backend/%s/1/51712",
             dialect->directory);
    snprintf(device->error, sizeof(device->error), "/local/domain/0/error/backend/%s/1/51712/error",
             dialect->directory);
    put_back(device, "online", "1");
    put_back(device, "state", "1");
}

void fake_device_init(struct fake_device *device)
{
    struct simback_world_options world_options;

    memset(device, 0, sizeof(*device));
    fake_host_init(&device->host);
    simback_world_options_init(&world_options);
    device->world = simback_world_create(&world_options);
    if (device->world == NULL)
        abort();
    device->disk = simback_disk_memory(device->world, 2048);
    simback_backend_options_init(&device->options);
    device->options.disk = device->disk;
    device->queue_count = 1;
    make_rings(device);
    for (uint32_t i = 0; i < FAKE_DATA_PAGES; i++) {
        device->data_refs[i] = FIRST_DATA_REF + i;
        device->data[i] = new_page(&device->host, device->data_refs[i], true);
    }
    fake_use(device, device->options.dialect);
    fake_put(&device->host, FAKE_FRONT "/state", "1");
}

void fake_device_fini(struct fake_device *device)
{
    simback_backend_destroy(device->backend);
    for (uint32_t i = 0; i < FAKE_GRANTS; i++)
        free(device->host.grants[i].page);
    simback_disk_destroy(device->disk);
    simback_world_destroy(device->world);
}

void fake_device_start(struct fake_device *device)
{
    char state[4];

    snprintf(state, sizeof(state), "%d", (int)device->options.start_state);
    put_back(device, "state", state);
    device->backend = simback_backend_create(&device->host.calls, &device->options);
    if (device->backend == NULL)
        abort();
}

bool fake_settle(struct fake_device *device)
{
    for (int i = 0; i < 100; i++) {
        if (!simback_backend_poll(device->backend))
            return true;
    }
    return false;
}

static void publish_ring(struct fake_device *device, const struct fake_ring *ring,
                         const char *directory)
{
    char name[24];

    for (uint32_t i = 0; i < ring->page_count; i++) {
        snprintf(name, sizeof(name), device->order == 0 ? "ring-ref" : "ring-ref%u", i);
        put_number(device, directory, name, ring->refs[i]);
    }
    put_number(device, directory, "event-channel", ring->port);
}

void fake_publish_rings(struct fake_device *device)
{
    const uint32_t slot = device->abi_32 ? 108 : 112;

    for (uint32_t q = 0; q < device->queue_count; q++) {
        struct fake_ring *ring = &device->rings[q];
        char directory[FAKE_PATH];

        ring->page_count = 1u << device->order;
        for (ring->size = 1; ring->size * 2 * slot + 64 <= ring->page_count * PAGE;)
            ring->size *= 2;
        snprintf(directory, sizeof(directory), device->queue_count == 1 ? "%s" : "%s/queue-%u",
                 FAKE_FRONT, q);
        publish_ring(device, ring, directory);
    }
    if (device->order != 0) {
        put_number(device, FAKE_FRONT, "ring-page-order", device->order);
        put_number(device, FAKE_FRONT, "num-ring-pages", 1u << device->order);
    }
    if (device->queue_count != 1)
        put_number(device, FAKE_FRONT, "multi-queue-num-queues", device->queue_count);
    fake_put(&device->host, FAKE_FRONT "/protocol", device->abi_32 ? "x86_32-abi" : "x86_64-abi");
}

void fake_front_state(struct fake_device *device, unsigned state)
{
    put_number(device, FAKE_FRONT, "state", state);
}

unsigned fake_back_state(const struct fake_device *device)
{
    char path[2 * FAKE_PATH];
    const char *state;

    snprintf(path, sizeof(path), "%s/state", device->back);
    state = fake_get(&device->host, path);
    return state == NULL ? 99 : (unsigned)strtoul(state, NULL, 10);
}

void fake_connect(struct fake_device *device)
{
    fake_device_start(device);
    (void)fake_settle(device);
    fake_publish_rings(device);
    fake_front_state(device, 3);
    (void)fake_settle(device);
}

/* ---- the ring ---- */

static uint8_t *ring_byte(const struct fake_ring *ring, uint32_t offset)
{
    return ring->pages[offset / PAGE] + offset % PAGE;
}

uint32_t fake_ring_word(const struct fake_ring *ring, uint32_t word)
{
    uint32_t value;

    memcpy(&value, ring->pages[0] + word * 4, 4);
    return value;
}

void fake_set_ring_word(struct fake_ring *ring, uint32_t word, uint32_t value)
{
    memcpy(ring->pages[0] + word * 4, &value, 4);
}

void fake_put_slot(struct fake_ring *ring, uint32_t slot_size, const void *bytes, size_t length)
{
    const uint32_t begin = 64 + (ring->req_prod & (ring->size - 1)) * slot_size;
    const uint8_t *from = bytes;

    for (uint32_t i = 0; i < slot_size; i++)
        *ring_byte(ring, begin + i) = i < length ? from[i] : 0;
    ring->req_prod++;
}

static void put_direct(struct fake_device *device, uint8_t op, uint64_t id, uint64_t sector_512,
                       uint8_t count, const struct blkif_wire_segment *segments)
{
    const size_t bytes = sizeof(*segments) * (count < 11 ? count : 11u);

    if (device->abi_32) {
        struct blkif_wire_request_32 request = {.operation = op,
                                                .segment_count = count,
                                                .handle = 51712,
                                                .id = id,
                                                .sector_512 = sector_512};

        memcpy(request.segments, segments, bytes);
        fake_put_slot(&device->rings[0], 108, &request, sizeof(request));
    } else {
        struct blkif_wire_request_64 request = {.operation = op,
                                                .segment_count = count,
                                                .handle = 51712,
                                                .id = id,
                                                .sector_512 = sector_512};

        memcpy(request.segments, segments, bytes);
        fake_put_slot(&device->rings[0], 112, &request, sizeof(request));
    }
}

void fake_put_request(struct fake_device *device, uint8_t op, uint64_t id, uint64_t sector_512,
                      uint32_t first, uint32_t count)
{
    struct blkif_wire_segment segments[11];

    for (uint32_t i = 0; i < 11; i++)
        segments[i] = (struct blkif_wire_segment){
            .grant_ref = device->data_refs[(first + i) % FAKE_DATA_PAGES], .last_512 = 7};
    put_direct(device, op, id, sector_512, (uint8_t)count, segments);
}

void fake_put_segment(struct fake_device *device, uint8_t op, uint64_t id, uint64_t sector_512,
                      uint32_t ref, uint8_t first_512, uint8_t last_512)
{
    const struct blkif_wire_segment segment = {
        .grant_ref = ref, .first_512 = first_512, .last_512 = last_512};

    put_direct(device, op, id, sector_512, 1, &segment);
}

void fake_publish(struct fake_device *device, uint32_t queue)
{
    fake_set_ring_word(&device->rings[queue], 0, device->rings[queue].req_prod);
    device->host.port_pending[device->rings[queue].port] = true;
}

bool fake_serve(struct fake_device *device, uint32_t queue)
{
    for (int i = 0; i < 1000; i++) {
        if (!simback_backend_service(device->backend, (uint16_t)queue))
            return true;
    }
    return false;
}

bool fake_go(struct fake_device *device)
{
    fake_publish(device, 0);
    return fake_serve(device, 0);
}

bool fake_take(struct fake_device *device, uint32_t queue, struct fake_response *response)
{
    struct fake_ring *ring = &device->rings[queue];
    const uint32_t slot = device->abi_32 ? 108 : 112;
    const uint32_t begin = 64 + (ring->rsp_cons & (ring->size - 1)) * slot;
    uint8_t bytes[16] = {0};

    if (ring->rsp_cons == fake_ring_word(ring, 2))
        return false;
    for (uint32_t i = 0; i < (device->abi_32 ? 12u : 16u); i++)
        bytes[i] = *ring_byte(ring, begin + i);
    memcpy(&response->id, bytes, 8);
    response->op = bytes[8];
    memcpy(&response->status, bytes + 10, 2);
    response->padding[0] = bytes[9];
    memcpy(response->padding + 1, bytes + 12, 4);
    ring->rsp_cons++;
    return true;
}

bool fake_answered(struct fake_device *device, uint64_t id, uint8_t op, int16_t status)
{
    static const uint8_t zeros[5];
    struct fake_response response;

    return fake_take(device, 0, &response) && response.id == id && response.op == op &&
           response.status == status && memcmp(response.padding, zeros, sizeof(zeros)) == 0;
}
