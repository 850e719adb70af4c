/* SPDX-License-Identifier: ISC */
/*
 * What the files of the backend share. The parts, and who asks whom:
 *
 *   backend.c   life and the xenbus states      -> connect.c, publish.c
 *   service.c   a queue's ring: takes, answers  -> ring.c, slot.c, fault.c, pending.c, execute.c
 *   hostile.c   the same ring, broken on purpose
 *
 * All of them reach Xen through backend->host only and the disk through disk.h only.
 */
#ifndef SIMBACK_SRC_BACKEND_INTERNAL_H
#define SIMBACK_SRC_BACKEND_INTERNAL_H

#include "dialect.h"
#include "slot.h"

#include <simback/backend.h>
#include <simback/event.h>

enum {
    BACKEND_PATH = 160,
    BACKEND_COMPLAINT = 256,
    BACKEND_FAULTS = 64,
    BACKEND_RING_PAGES = 1 << BLKIF_WIRE_RING_ORDER_MAX,
    BACKEND_QUEUES = 64, /* at most */
    BACKEND_BATCH = 8,   /* requests taken in one call of service */
    BACKEND_TRIES = 8,   /* of a transaction in one step */
    BACKEND_KEPT = 8192  /* grants that can be kept mapped on purpose */
};

/* A request that is reordered is answered after so long if no other one comes. */
#define BACKEND_REORDER_NS UINT64_C(1000000)

/* ---- ring.c: the shared ring, by its own pages ---- */

struct ring {
    void *pages[BACKEND_RING_PAGES];
    uint32_t refs[BACKEND_RING_PAGES];
    uint32_t page_count;
    uint32_t slot_size;
    uint32_t size;          /* slots, a power of two */
    uint32_t req_cons;      /* next request to take */
    uint32_t rsp_prod;      /* next response to write: ours, never read back (I19) */
    uint32_t rsp_published; /* what rsp_prod in the ring says */
    /* Responses were made by hand or indices were moved: what the frontend does then is no reason
     * for a complaint. */
    bool tampered;
};

enum ring_word { RING_REQ_PROD, RING_REQ_EVENT, RING_RSP_PROD, RING_RSP_EVENT };

/* Pages and slot size are set: works out the number of slots; indices are 0. */
void ring_init(struct ring *ring, enum slot_abi abi);
/* Begins at the indices that stand in the ring; false if they cannot be. */
bool ring_attach(struct ring *ring);
uint32_t ring_load_req_prod(const struct ring *ring); /* acquire */
/* Copies a request's slot, each word of it loaded once (I19, XSA-155). */
void ring_copy_request(const struct ring *ring, uint32_t index, uint8_t *slot);
void ring_write_response(struct ring *ring, uint32_t index, const uint8_t *bytes, size_t length);
/* Stores rsp_prod; true if the frontend wants an event. */
bool ring_publish(struct ring *ring);
/* Asks for an event with the next request; true if one is already there. */
bool ring_final_check(struct ring *ring);
uint32_t ring_load(const struct ring *ring, enum ring_word word);
void ring_store(struct ring *ring, enum ring_word word, uint32_t value);
bool ring_fits(const struct ring *ring, uint32_t offset, size_t length);
/* These bytes must fit. */
void ring_poke(struct ring *ring, uint32_t offset, const void *bytes, size_t length);

/* ---- pending.c: requests that are taken and wait for their answer ---- */

enum pending_kind {
    PENDING_FREE,
    PENDING_HELD,
    PENDING_TIMED,    /* delayed, or released: then due at once */
    PENDING_REORDERED /* timed too, but sooner if another request is answered */
};

struct pending {
    struct slot_request request;
    enum pending_kind kind;
    uint32_t name;
    uint64_t due_ns;
    uint32_t next, previous; /* in its list */
};

#define PENDING_NONE UINT32_MAX

struct pending_list {
    uint32_t first, last;
};

struct pending_table {
    struct pending *entries;
    uint32_t size;
    uint32_t count; /* of all that wait */
    uint32_t held_count;
    uint32_t reordered;
    struct pending_list free, held, timed; /* timed: by due_ns, then in the order of coming */
};

void pending_init(struct pending_table *table, struct pending *entries, uint32_t size);
/* NULL: full. */
struct pending *pending_add(struct pending_table *table, const struct slot_request *request,
                            enum pending_kind kind, uint64_t due_ns, uint32_t name);
/* Makes held ones due now; all of them, or those under `name`; returns how many. */
uint32_t pending_release(struct pending_table *table, bool all, uint32_t name, uint64_t now_ns);
/* The first that is due, or (if `reordered`) the first reordered one; NULL: none. */
struct pending *pending_due(struct pending_table *table, uint64_t now_ns, bool reordered);
void pending_remove(struct pending_table *table, struct pending *pending);
/* SIMBACK_NEVER if nothing is timed. */
uint64_t pending_next(const struct pending_table *table);

/* ---- a queue ---- */

struct backend_queue {
    struct simback_backend *backend;
    uint16_t index;
    bool mapped; /* its ring is there */
    bool bound;
    bool dead; /* the frontend has broken it: nothing is taken any more */
    uint32_t port;
    struct ring ring;
    struct pending_table pending;
    struct pending *pending_memory;
    uint32_t pending_memory_size;
    uint32_t dropped; /* requests that never get their answer */
    /* A barrier waits until everything that was taken before it is answered. */
    bool barrier_waits;
    struct slot_request barrier;

    /* Room for the largest request, made at connect. */
    struct blkif_wire_segment *segments;
    uint32_t *refs;
    void **pages;
    uint32_t segment_room;

    /* For responses by hand. */
    bool seen;
    uint64_t seen_id;
    uint8_t seen_op;

    struct simback_backend_counters counters;
};

struct backend_rule {
    struct simback_fault fault;
    uint64_t matches, fired;
};

/* The request that a named rule has caught last. */
struct backend_name {
    uint32_t name;
    uint64_t id;
    uint8_t op;
};

struct backend_kept {
    uint32_t ref;
    void *page;
};

struct simback_backend {
    const struct simback_host *host;
    struct simback_backend_options options;
    const struct simback_dialect *dialect;
    struct simback_disk *disk;
    char back[BACKEND_PATH], front[BACKEND_PATH];

    /* What the dialect and the options come to. */
    bool flush, barrier, discard, persistent;
    uint8_t ring_order;
    uint16_t max_queues;
    uint16_t segments;
    uint32_t physical_sector_size;
    uint32_t sector_units; /* 512-byte units of a sector, for alignment; at least 1 */
    bool read_only;
    bool gone_read_only; /* while in use: info says so whatever the options say */

    enum blkif_wire_state state;   /* the one that we have written */
    enum blkif_wire_state writing; /* the one to be written next; UNKNOWN: none */
    bool started;
    bool gone; /* crashed, or its directory was removed */
    bool hung;
    bool look; /* something may have changed */
    bool stalls;
    enum blkif_wire_state stall;
    bool want_close, want_read_only;
    bool keep;

    /* The connection. */
    enum slot_abi abi;
    bool front_persistent;
    uint16_t queue_count;
    struct backend_queue *queues; /* queue_room of them, made at create */
    uint32_t queue_room;

    struct backend_rule rules[BACKEND_FAULTS];
    uint32_t rule_count;
    struct backend_name names[BACKEND_FAULTS];
    uint32_t name_count;

    struct backend_kept *kept;
    uint32_t kept_count;

    uint64_t complaints;
    char complaint[BACKEND_COMPLAINT];

    /* Who runs us: told that a queue (or BACKEND_STORE) has something to do, that a ring was
     * written outside of service, and that we are no more. All may be NULL. */
    void (*wake)(void *context, uint16_t queue);
    void (*touched)(void *context);
    void (*retire)(void *context);
    void *runner;
};

#define BACKEND_STORE UINT16_MAX

/* ---- backend.c ---- */

void backend_complain(struct simback_backend *backend, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void backend_tell(struct simback_backend *backend, enum simback_event_kind kind, uint16_t queue,
                  uint64_t a, uint64_t b, const char *path);
void backend_wake(struct simback_backend *backend, uint16_t queue);
void backend_wake_all(struct simback_backend *backend);
/* How many queues a backend with these options offers; may be 0. */
uint16_t backend_max_queues(const struct simback_backend_options *options);
void backend_unwatch(struct simback_backend *backend);
/* What is there of a former life (start_state of 2 and more): all that it had published. */
void backend_former_life(struct simback_backend *backend);

/* ---- nodes.c: XenStore's values are data ---- */

enum node_result { NODE_OK, NODE_ABSENT, NODE_BAD /* the complaint is made */ };

/* "<directory>/<name>" as a decimal number of at most `max`, digits alone. */
enum node_result node_read_number(struct simback_backend *backend, const char *directory,
                                  const char *name, uint64_t max, uint64_t *value);
/* NUL-terminated; values of `size` bytes and more are bad. */
enum node_result node_read_text(struct simback_backend *backend, const char *directory,
                                const char *name, char *text, size_t size);
/* 0 or the host's error. */
int node_write(struct simback_backend *backend, uint32_t transaction, const char *name,
               const char *value);
int node_write_number(struct simback_backend *backend, uint32_t transaction, const char *name,
                      uint64_t value);
/* Writes our state node unless our directory has been removed. 0, AGAIN, NO_ENTRY (gone) or
 * another error. */
int node_write_state(struct simback_backend *backend, enum blkif_wire_state state);

/* ---- publish.c ---- */

/* All nodes of a phase in one transaction: 0, or the host's error (AGAIN: try again). */
int publish_nodes(struct simback_backend *backend, enum dialect_phase phase);
int publish_info(struct simback_backend *backend);
uint64_t publish_sectors_512(const struct simback_backend_options *options);

/* ---- connect.c ---- */

/* Reads what the frontend has published, maps its rings, binds its ports. false: complained, and
 * nothing is left mapped. */
bool connect_front(struct simback_backend *backend);
/* Lets go of rings and ports; what waits for an answer is forgotten. With `all` grants kept on
 * purpose go too. */
void connect_drop(struct simback_backend *backend, bool all);
/* Unmaps, or keeps the pages if told so. */
void connect_unmap(struct simback_backend *backend, const uint32_t *refs, void **pages,
                   uint32_t count);
void connect_drop_kept(struct simback_backend *backend);
void connect_free_queues(struct simback_backend *backend);

/* ---- execute.c ---- */

/* Does what the request says and returns the response's status. */
int16_t execute(struct backend_queue *queue, const struct slot_request *request);
/* The operation that the response bears. */
uint8_t execute_response_op(const struct simback_backend *backend,
                            const struct slot_request *request);

/* ---- fault.c ---- */

/* The rule that acts on this request; NULL: none. */
const struct simback_fault *fault_match(struct backend_queue *queue,
                                        const struct slot_request *request);
/* What the named rule caught last; NULL: nothing. */
const struct backend_name *fault_named(const struct simback_backend *backend, uint32_t name);

/* ---- service.c ---- */

/* Whether the queue's ring may be touched now. */
bool service_ready(const struct backend_queue *queue);

#endif
