/* SPDX-License-Identifier: ISC */
/*
 * I1: each access of an observed frontend to its rings' pages, as blkfront_observe tells it. Each
 * byte of a response is loaded once; rsp_prod once for a pass and once after each store of
 * rsp_event; req_event once for a publish, behind a full fence. Here too the bytes are written that
 * shall be there just before a certain load.
 *
 * XenStore: what decides (a feature, a size) is read once in a step, unless a watch has fired or a
 * transaction was begun anew.
 */
#include "oracle_internal.h"

#include <blkfront/observe.h>

#include <string.h>

/* ---- which world an address belongs to ---- */

enum { WORLDS = 16 /* as many as the arena has places for */ };

static struct simback_world *worlds[WORLDS];
static _Thread_local struct simback_world *last_world; /* a fence has no address */

void observe_register(struct simback_world *world)
{
    observe_unregister(world);
    for (unsigned i = 0; i < WORLDS; i++) {
        if (worlds[i] == NULL) {
            worlds[i] = world;
            return;
        }
    }
}

void observe_unregister(struct simback_world *world)
{
    for (unsigned i = 0; i < WORLDS; i++) {
        if (worlds[i] == world)
            worlds[i] = NULL;
    }
    if (last_world == world)
        last_world = NULL;
}

static struct simback_world *world_of(const volatile void *address, uint32_t *page)
{
    if (last_world != NULL && simback_page_number(last_world, address, page))
        return last_world;
    for (unsigned i = 0; i < WORLDS; i++) {
        if (worlds[i] != NULL && simback_page_number(worlds[i], address, page)) {
            last_world = worlds[i];
            return last_world;
        }
    }
    return NULL;
}

/* ---- slots ---- */

static uint64_t bits(uint32_t first, uint32_t count)
{
    return (count >= 64 ? UINT64_MAX : (UINT64_C(1) << count) - 1) << first;
}

/* The two words of bits for bytes first .. first + count - 1 of a slot. */
static void byte_mask(uint32_t first, uint32_t count, uint64_t mask[2])
{
    uint32_t low = first < 64 ? 64 - first : 0;

    if (low > count)
        low = count;
    mask[0] = low == 0 ? 0 : bits(first, low);
    mask[1] = count == low ? 0 : bits(first < 64 ? 0 : first - 64, count - low);
}

/* Index of the newest response in this slot as far as rsp_prod was loaded. */
static uint32_t response_in(const struct oracle_ring *ring, uint32_t slot)
{
    uint32_t last = ring->rsp_prod_loaded - 1;

    return last - ((last - slot) & (ring->view->slots - 1));
}

static void slot_loaded(struct oracle *oracle, struct oracle_device *device,
                        struct oracle_ring *ring, uint32_t slot, uint32_t first, uint32_t count)
{
    struct oracle_slot *book = &ring->slots[slot];
    uint32_t index = response_in(ring, slot);
    uint64_t mask[2];

    oracle_checked(oracle, 1);
    if (ring->overflow && ring->rsp_prod_loaded == ring->overflow_value) {
        oracle_checked(oracle, 3);
        if (ring->overflow_must)
            oracle_broken(oracle, 3, device, 0,
                          "slot %u of queue %u is read although rsp_prod was loaded as %#x, beyond "
                          "the ring (%#x answered, %#x asked)",
                          slot, ring->view->queue, ring->overflow_value, ring->view->responses,
                          ring->view->requests);
        else
            oracle_should(oracle, 3, device, 0,
                          "slot %u of queue %u is read although rsp_prod was loaded as %#x, with "
                          "only %#x asked",
                          slot, ring->view->queue, ring->overflow_value, ring->view->requests);
    }
    byte_mask(first, count, mask);
    if (!book->valid || book->index != index)
        *book = (struct oracle_slot){.index = index, .valid = true};
    if (book->stored)
        oracle_should(oracle, 1, device, 0,
                      "the frontend reads its own request %#x back from the ring of queue %u",
                      index + ring->view->slots, ring->view->queue);
    else if ((book->loaded[0] & mask[0]) != 0 || (book->loaded[1] & mask[1]) != 0)
        oracle_broken(oracle, 1, device, 0,
                      "bytes %u to %u of response %#x on queue %u are loaded a second time", first,
                      first + count - 1, index, ring->view->queue);
    else
        answers_loaded(oracle, device, ring, index, first, count);
    book->loaded[0] |= mask[0];
    book->loaded[1] |= mask[1];
    if (index == ring->rsp_cons)
        ring->rsp_cons = index + 1;
}

static void slot_stored(struct oracle_ring *ring, uint32_t slot)
{
    struct oracle_slot *book = &ring->slots[slot];

    /* Until a response is published there. */
    *book = (struct oracle_slot){
        .index = response_in(ring, slot),
        .valid = true,
        .stored = true,
    };
}

/* ---- the header's words ---- */

static void rsp_prod_loaded(struct oracle *oracle, const struct oracle_device *device,
                            struct oracle_ring *ring, uint32_t value)
{
    oracle_checked(oracle, 1);
    /* Another load is right when all that the last one has shown is taken. */
    if (ring->rsp_prod_fresh && ring->rsp_cons != ring->rsp_prod_loaded)
        oracle_broken(oracle, 1, device, 0,
                      "rsp_prod of queue %u is loaded again (%#x, now %#x) before the responses "
                      "from %#x on are taken",
                      ring->view->queue, ring->rsp_prod_loaded, value, ring->rsp_cons);
    else if (ring->rsp_prod_fresh && ring->rsp_prod_idle)
        oracle_broken(oracle, 1, device, 0,
                      "rsp_prod of queue %u is loaded twice (%#x, now %#x) without a response or a "
                      "store of rsp_event in between",
                      ring->view->queue, ring->rsp_prod_loaded, value);
    ring->rsp_prod_fresh = ring->rsp_prod_idle = true;
    ring->rsp_prod_loaded = value;
    if (ring->armed_fenced)
        ring->armed = false;
    indices_loaded(oracle, ring, value);
}

static void req_event_loaded(struct oracle *oracle, const struct oracle_device *device,
                             struct oracle_ring *ring, uint32_t value)
{
    oracle_checked(oracle, 1);
    if (!ring->published)
        oracle_broken(oracle, 1, device, 0,
                      "req_event of queue %u is loaded (%u) without a store of req_prod since it "
                      "was loaded last",
                      ring->view->queue, value);
    else if (!ring->fenced)
        oracle_broken(oracle, 1, device, 0,
                      "req_event of queue %u is loaded after the store of req_prod without a full "
                      "fence in between",
                      ring->view->queue);
    else
        events_loaded(oracle, ring, value);
    ring->published = false;
}

static void word_accessed(struct oracle *oracle, const struct oracle_device *device,
                          struct oracle_ring *ring, enum simback_ring_word word, bool load)
{
    uint32_t value = monitor_ring_word(ring->view, word);

    switch (word) {
    case SIMBACK_REQ_PROD:
        if (load) {
            oracle_should(oracle, 1, device, 0,
                          "the frontend loads its own req_prod of queue %u from shared memory",
                          ring->view->queue);
        } else {
            ring->published = true;
            ring->fenced = false;
            ring->untracked |= ring->req_prod_foreign;
        }
        break;
    case SIMBACK_REQ_EVENT:
        if (load)
            req_event_loaded(oracle, device, ring, value);
        break;
    case SIMBACK_RSP_PROD:
        if (load)
            rsp_prod_loaded(oracle, device, ring, value);
        break;
    case SIMBACK_RSP_EVENT:
        if (load)
            oracle_should(oracle, 1, device, 0,
                          "the frontend loads its own rsp_event of queue %u from shared memory",
                          ring->view->queue);
        else
            events_armed(ring);
        break;
    }
}

/* ---- an access ---- */

static void ring_accessed(struct oracle *oracle, struct oracle_device *device,
                          struct oracle_ring *ring, uint32_t offset, uint32_t size, bool load)
{
    const struct monitor_ring *view = ring->view;
    uint32_t end = offset + size;

    ring->observed = true;
    ring->accesses_now++;
    for (uint32_t word = offset / 4; word < MONITOR_WORDS && word * 4 < end; word++)
        word_accessed(oracle, device, ring, (enum simback_ring_word)word, load);
    if (offset < BLKIF_WIRE_RING_HEADER)
        offset = BLKIF_WIRE_RING_HEADER;
    while (offset < end) {
        uint32_t slot = (offset - BLKIF_WIRE_RING_HEADER) / view->slot_size;
        uint32_t first = (offset - BLKIF_WIRE_RING_HEADER) % view->slot_size;
        uint32_t count = view->slot_size - first;

        if (slot >= view->slots)
            return;
        if (count > end - offset)
            count = end - offset;
        if (load)
            slot_loaded(oracle, device, ring, slot, first, count);
        else
            slot_stored(ring, slot);
        if (load)
            ring->rsp_prod_idle = false;
        offset += count;
    }
}

static void before_load(struct simback_world *world, const struct monitor_ring *view)
{
    struct oracle *oracle = world->oracle;

    for (unsigned i = 0; i < ORACLE_LOADS; i++) {
        struct oracle_load *load = &oracle->loads[i];

        if (load->left == 0 || load->device != view->device || load->queue != view->queue ||
            --load->left != 0)
            continue;
        oracle->loads_waiting--;
        monitor_overwrite(world->monitor, view, load->offset, load->bytes, load->length);
    }
}

/* What of its ring these bytes are. */
static const char *place_of(const struct monitor_page *page, uint64_t offset, uint16_t *slot)
{
    static const char *const words[] = {"req_prod", "req_event", "rsp_prod", "rsp_event"};

    offset += (uint64_t)page->index * WORLD_PAGE_SIZE;
    if (offset < sizeof(words) / sizeof(words[0]) * sizeof(uint32_t))
        return words[offset / sizeof(uint32_t)];
    if (offset < BLKIF_WIRE_RING_HEADER || page->ring->slot_size == 0)
        return "head";
    *slot = (uint16_t)((offset - BLKIF_WIRE_RING_HEADER) / page->ring->slot_size);
    return "slot";
}

static void tell_access(struct simback_world *world, enum simback_event_kind kind,
                        const struct monitor_page *page, uint64_t number, uint64_t offset,
                        size_t size)
{
    struct simback_event event = {
        .kind = kind,
        .domid = world->guest,
        .device = SIMBACK_NO_DEVICE,
        .a = number,
        .b = offset,
        .c = size,
    };

    if (world->trace.sink == NULL)
        return; /* nobody else wants to hear of it, and there are many */
    if (page != NULL) {
        event.device = page->ring->device;
        event.queue = page->ring->queue;
        event.path = place_of(page, offset, &event.peer);
    }
    simback_emit(world, &event);
}

static void fence(void)
{
    struct oracle *oracle;

    if (last_world == NULL)
        return;
    oracle = last_world->oracle;
    tell_access(last_world, SIMBACK_FENCE, NULL, 0, 0, 0);
    if (oracle->last_ring != NULL)
        oracle->last_ring->fenced = oracle->last_ring->armed_fenced = true;
}

void blkfront_observe(const volatile void *address, size_t size, enum blkfront_access access)
{
    const struct monitor_page *page;
    struct simback_world *world;
    struct oracle_device *device;
    struct oracle_ring *ring;
    uint32_t number, offset;

    if (access == BLKFRONT_ACCESS_FENCE) {
        fence();
        return;
    }
    world = world_of(address, &number);
    if (world == NULL)
        return;
    world->oracle->accesses++;
    offset = (uint32_t)((const volatile uint8_t *)address -
                        (const volatile uint8_t *)simback_page_address(world, number));
    page = monitor_page_of(world->monitor, number);
    tell_access(world, access == BLKFRONT_ACCESS_LOAD ? SIMBACK_LOAD : SIMBACK_STORE, page, number,
                offset, size);
    if (page == NULL) {
        world->oracle->data_loaded += access == BLKFRONT_ACCESS_LOAD ? size : 0;
        return;
    }
    if (world->options.live) { /* what it is about to act on is told before it does */
        if (!page->ring->attached)
            return;
        monitor_look_live(world, page->ring, true);
        if (access == BLKFRONT_ACCESS_STORE && page->index == 0 && offset == 0)
            monitor_before_publish(world, page->ring);
        return;
    }
    if (access == BLKFRONT_ACCESS_LOAD && world->oracle->loads_waiting != 0)
        before_load(world, page->ring);
    if (access == BLKFRONT_ACCESS_STORE && world->monitor->overwrite_count != 0)
        monitor_front_stores(world->monitor, page->ring, page->index * WORLD_PAGE_SIZE + offset,
                             size);
    device = world->options.rules ? oracle_device_get(world->oracle, page->ring->device) : NULL;
    ring = device == NULL ? NULL : oracle_ring_get(device, page->ring->queue);
    if (ring == NULL || ring->view != page->ring)
        return;
    if (teardown_access(world->oracle, device, page->ring) || !page->ring->attached ||
        !ring->attached)
        return;
    world->oracle->last_ring = ring;
    if (ring->room != 0)
        ring_accessed(world->oracle, device, ring, page->index * WORLD_PAGE_SIZE + offset,
                      (uint32_t)size, access == BLKFRONT_ACCESS_LOAD);
}

/* ---- around ---- */

void loads_attach(struct oracle *oracle, struct oracle_ring *ring)
{
    (void)oracle;
    if (ring->room != 0)
        memset(ring->slots, 0, ring->room * sizeof(ring->slots[0]));
    ring->rsp_prod_loaded = ring->rsp_cons = ring->view->responses;
    ring->rsp_prod_fresh = ring->rsp_prod_idle = false;
    ring->published = ring->fenced = false;
    ring->armed = false;
}

/* A new step of the frontend: what it knew, it may have forgotten. */
void loads_step(struct oracle *oracle, struct oracle_device *device)
{
    device->read_once_count = 0;
    for (uint16_t queue = 0; queue < oracle->world->monitor->queues[device->number]; queue++) {
        if (device->rings[queue] != NULL)
            device->rings[queue]->rsp_prod_fresh = false;
    }
}

static bool decides(const char *node)
{
    static const char *const names[] = {
        BLKIF_NODE_FEATURE_BARRIER,
        BLKIF_NODE_FEATURE_FLUSH_CACHE,
        BLKIF_NODE_FEATURE_DISCARD,
        BLKIF_NODE_FEATURE_PERSISTENT,
        BLKIF_NODE_MAX_RING_PAGE_ORDER,
        BLKIF_NODE_FEATURE_MAX_INDIRECT_SEGMENTS,
        BLKIF_NODE_MAX_RING_PAGES,
        BLKIF_NODE_MULTI_QUEUE_MAX_QUEUES,
        BLKIF_NODE_DISCARD_ALIGNMENT,
        BLKIF_NODE_DISCARD_GRANULARITY,
        BLKIF_NODE_DISCARD_SECURE,
        BLKIF_NODE_INFO,
        BLKIF_NODE_SECTOR_SIZE,
        BLKIF_NODE_PHYSICAL_SECTOR_SIZE,
        BLKIF_NODE_SECTORS,
    };

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcmp(node, names[i]) == 0)
            return true;
    }
    return false;
}

void loads_store_read(struct oracle *oracle, struct oracle_device *device, const char *rest,
                      const struct simback_event *event)
{
    uint64_t hash;

    if (event->result != 0 || !decides(rest))
        return;
    oracle_checked(oracle, 1);
    hash = hash_xxh64(rest, strlen(rest), event->a); /* in another transaction, another decision */
    for (uint32_t i = 0; i < device->read_once_count; i++) {
        if (device->read_once[i] != hash)
            continue;
        oracle_broken(oracle, 1, device, 0, "the backend's node %s is read twice in one step",
                      rest);
        return;
    }
    if (device->read_once_count < ORACLE_READ_ONCE)
        device->read_once[device->read_once_count++] = hash;
}

int simback_before_load(struct simback_world *world, uint16_t device, uint16_t queue, uint64_t nth,
                        uint32_t offset, const void *bytes, size_t length)
{
    struct oracle *oracle = world->oracle;
    uint16_t number = monitor_device_number(world->monitor, device);

    if (nth == 0 || length > ORACLE_LOAD_BYTES || number == SIMBACK_NO_DEVICE)
        return -1;
    for (unsigned i = 0; i < ORACLE_LOADS; i++) {
        struct oracle_load *load = &oracle->loads[i];

        if (load->left != 0)
            continue;
        *load = (struct oracle_load){
            .device = number,
            .queue = queue,
            .left = nth,
            .offset = offset,
            .length = (uint32_t)length,
        };
        if (length != 0)
            memcpy(load->bytes, bytes, length);
        oracle->loads_waiting++;
        oracle_hostile(world, device, queue);
        return 0;
    }
    return -1;
}

uint64_t simback_accesses(const struct simback_world *world)
{
    return world->oracle->accesses;
}

uint64_t simback_data_loaded(const struct simback_world *world)
{
    return world->oracle->data_loaded;
}
