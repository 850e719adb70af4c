/* SPDX-License-Identifier: ISC */
/*
 * A host for tests of the backend alone, and a frontend played by hand against it. The host keeps
 * simple tables that a test may look into and change; it makes no rules of its own beyond what
 * host.h promises, and counts what must come out even (maps, memory).
 */
#ifndef SIMBACK_TEST_FAKE_HOST_H
#define SIMBACK_TEST_FAKE_HOST_H

#include <simback/backend.h>
#include <simback/event.h>
#include <simback/host.h>
#include <simback/world.h>

#include <blkfront/blkif.h>

enum {
    FAKE_GRANTS = 4608,
    FAKE_PORTS = 16,
    FAKE_NODES = 96,
    FAKE_PATH = 160,
    FAKE_VALUE = 320,
    FAKE_EVENTS = 256
};

struct fake_grant {
    void *page;
    bool writable;
    uint32_t maps;
};

struct fake_node {
    char path[FAKE_PATH];
    char value[FAKE_VALUE];
    size_t length;
};

struct fake_store {
    struct fake_node nodes[FAKE_NODES];
    uint32_t count;
};

struct fake_event {
    enum simback_event_kind kind;
    uint16_t queue;
    uint64_t a, b, c;
    char path[32];
};

struct fake_host {
    struct simback_host calls;

    struct fake_grant grants[FAKE_GRANTS];
    uint32_t map_calls, mapped; /* mapped: now, pages */
    uint32_t most_mapped;
    uint32_t wrong; /* calls that no well-behaved backend makes */

    /* The frontend's unbound ports by number; our end of port n is n + 100. */
    bool port_open[FAKE_PORTS], port_bound[FAKE_PORTS], port_pending[FAKE_PORTS];
    uint32_t notified[FAKE_PORTS];

    struct fake_store store, before;
    bool in_transaction;
    uint32_t transactions, again; /* again: so many commits meet a conflict */
    char watched[FAKE_PATH];
    uint32_t watch_token, fired;
    bool watching;
    int fail_read, fail_write; /* error of each, 0: none */

    uint64_t now;
    uint64_t chance; /* what random gives, counting up from here */
    uint32_t chances;
    int64_t allocations;         /* not yet freed */
    uint64_t allocated;          /* calls */
    uint64_t fail_allocation_at; /* this call fails; 0: none */
    struct fake_event events[FAKE_EVENTS];
    uint32_t event_count;
    char line[320];
};

void fake_host_init(struct fake_host *host);
/* Writes a node as the other side or the toolstack does: watches fire. NULL removes it and what is
 * below. */
void fake_put(struct fake_host *host, const char *path, const char *value);
/* NULL: not there. */
const char *fake_get(const struct fake_host *host, const char *path);
/* How many recorded events are of that kind and, if not NULL, have that path. */
uint32_t fake_told(const struct fake_host *host, enum simback_event_kind kind, const char *path);

/* ---- a device with its frontend ---- */

enum { FAKE_RING_PAGES = 16, FAKE_DATA_PAGES = 64, FAKE_QUEUES = 2 };

#define FAKE_BACK  "/local/domain/0/backend/vbd/1/51712"
#define FAKE_FRONT "/local/domain/1/device/vbd/51712"
#define FAKE_ERROR "/local/domain/0/error/backend/vbd/1/51712/error"

struct fake_ring {
    uint8_t *pages[FAKE_RING_PAGES]; /* not neighbours */
    uint32_t refs[FAKE_RING_PAGES];
    uint32_t page_count;
    uint32_t size;
    uint32_t req_prod; /* ours: published by fake_publish */
    uint32_t rsp_cons;
    uint32_t port;
};

struct fake_device {
    struct fake_host host;
    struct simback_world *world; /* for the disk's memory */
    struct simback_disk *disk;
    struct simback_backend_options options;
    struct simback_backend *backend;
    char back[FAKE_PATH], error[FAKE_PATH]; /* FAKE_BACK, FAKE_ERROR; fake_use moves them */
    bool abi_32;
    uint32_t order;
    uint32_t queue_count;
    struct fake_ring rings[FAKE_QUEUES];
    uint8_t *data[FAKE_DATA_PAGES];
    uint32_t data_refs[FAKE_DATA_PAGES];
};

struct fake_response {
    uint64_t id;
    uint8_t op;
    uint8_t padding[5]; /* all of them; must be zero */
    int16_t status;
};

/* Options as simback_backend_options_init has them, a disk of 2048 units, the toolstack's nodes. */
void fake_device_init(struct fake_device *device);
void fake_device_fini(struct fake_device *device);
/* Another dialect, before the backend is made: the toolstack's nodes are where it looks. */
void fake_use(struct fake_device *device, const struct simback_dialect *dialect);
/* Makes the backend from device->options. */
void fake_device_start(struct fake_device *device);
/* Polls until nothing is left to do; false if it never ends. */
bool fake_settle(struct fake_device *device);
/* Writes the frontend's ring nodes (one queue: at the top level). */
void fake_publish_rings(struct fake_device *device);
void fake_front_state(struct fake_device *device, unsigned state);
/* What our backend has in its state node; 99: nothing. */
unsigned fake_back_state(const struct fake_device *device);
/* start, settle, rings, state 3, settle: in Connected. */
void fake_connect(struct fake_device *device);

/* Puts bytes into the next slot; not yet published. */
void fake_put_slot(struct fake_ring *ring, uint32_t slot_size, const void *bytes, size_t length);
/* A direct request over `count` whole pages of data, beginning with data page `first`. */
void fake_put_request(struct fake_device *device, uint8_t op, uint64_t id, uint64_t sector_512,
                      uint32_t first, uint32_t count);
/* The same with one segment. */
void fake_put_segment(struct fake_device *device, uint8_t op, uint64_t id, uint64_t sector_512,
                      uint32_t ref, uint8_t first_512, uint8_t last_512);
void fake_publish(struct fake_device *device, uint32_t queue);
/* Services the queue until it has nothing to do at once. */
bool fake_serve(struct fake_device *device, uint32_t queue);
/* Publishes and serves queue 0. */
bool fake_go(struct fake_device *device);
/* Takes the next response of the queue; false: none. */
bool fake_take(struct fake_device *device, uint32_t queue, struct fake_response *response);
/* Takes the next response of queue 0 and compares all of it. */
bool fake_answered(struct fake_device *device, uint64_t id, uint8_t op, int16_t status);
uint32_t fake_ring_word(const struct fake_ring *ring, uint32_t word);
void fake_set_ring_word(struct fake_ring *ring, uint32_t word, uint32_t value);

#endif
