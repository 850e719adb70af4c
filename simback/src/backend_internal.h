/* SPDX-License-Identifier: ISC */
/*
 * What the files of the backend share. The parts, and who asks whom:
 *
 *   handshake.c the xenbus states               -> connect.c, inspect.c, publish.c
 *   service.c   a queue's ring: takes, answers  -> ring.c, slot.c, fault.c, pending.c, execute.c
 *   execute.c   what a request does             -> transfer.c, mappings.c
 *   harm.c      what is done to it on purpose
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
    const struct simback_host *host; /* hears of loads */
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
/* Header and next slot will be loaded soon: both may come over at the same time. */
void ring_expect(const struct ring *ring);
uint32_t ring_load_req_prod(const struct ring *ring); /* acquire */
/* Before each load of what the frontend can change. */
static inline void ring_tell_load(const struct simback_host *host, const volatile void *address,
                                  size_t size)
{
    if (host->before_load != NULL)
        host->before_load(host->context, address, size);
}
/* Copies the bytes from `from` to `to` of a request's slot to the same place of the copy, each word
 * loaded once (I19, XSA-155). */
void ring_copy_request(const struct ring *ring, uint32_t index, uint32_t from, uint32_t to,
                       uint8_t *slot);
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

#define PENDING_NONE UINT32_MAX

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
    /* What was found when it was taken: it is refused, or its pages are mapped until it ends. */
    bool refused;
    int16_t status;
    uint32_t pins; /* the first of its pages in queue->pins; PENDING_NONE */
};

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

/* ---- mappings.c: grants that stay mapped where both sides say feature-persistent ---- */

#define MAPPING_NONE UINT32_MAX

struct mapping {
    void *page;
    uint64_t used_ns; /* when it was let go of last */
    uint32_t ref;
    uint32_t uses;
    uint32_t next;         /* in its bucket, or of the free ones */
    uint32_t older, newer; /* by used_ns */
    bool writable;
};

struct mapping_table {
    struct mapping *entries; /* NULL: nothing is kept */
    uint32_t *buckets;
    uint32_t size, bucket_count;
    uint32_t count;
    uint32_t free, oldest, newest;
    uint64_t tick_ns; /* of the next look at what is unused */
    bool overflowed;  /* one could not be kept since the last */
};

/* ---- a queue ---- */

/* A mapped segment of a request that waits for its answer. */
struct pin {
    struct blkif_wire_segment segment;
    void *page;
    uint32_t entry; /* of the mapping table; MAPPING_NONE: mapped for this request alone */
    uint32_t next;  /* of the same request, or of the free ones */
};

struct backend_queue {
    struct simback_backend *backend;
    uint16_t index;
    bool mapped; /* its ring is there */
    bool bound;
    bool dead;         /* the frontend has broken it: nothing is taken any more */
    bool ahead;        /* req_prod was beyond the ring, and it was said */
    uint32_t req_seen; /* req_prod as it was looked at last */
    uint32_t port;
    struct ring ring;
    struct pending_table pending;
    struct pending *pending_memory;
    uint32_t pending_memory_size;
    uint32_t dropped; /* requests that never get their answer */
    /* A barrier waits until everything that was taken before it is answered. */
    bool barrier_waits;
    struct slot_request barrier;

    /* Room for the largest request, made at connect: its segments, their references and, of the
     * first `prepared`, the pages. */
    struct blkif_wire_segment *segments;
    uint32_t *refs;
    void **pages;
    uint32_t prepared;
    /* Where pages are kept: each segment's entry of the mapping table, and for a call of the host
     * what is not kept, with the places that it belongs to. */
    uint32_t *entries;
    uint32_t *alone_refs;
    void **alone_pages;
    uint32_t *places;
    uint32_t segment_room;

    struct pin *pins;
    uint32_t pin_most, pin_room, pin_count; /* what is asked for grows; how many are in use */
    uint32_t pin_free, pins_used; /* the first that was given back; so many first ones ever were */
    struct mapping_table mappings;

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
    bool flush, barrier, discard, discard_secure, persistent;
    bool discard_disabled; /* by the toolstack, and it obeys */
    uint8_t ring_order;
    uint16_t max_queues;
    uint16_t segments;
    uint32_t physical_sector_size;
    uint32_t discard_granularity, discard_alignment; /* bytes */
    uint32_t sector_units; /* 512-byte units of a sector, for alignment; at least 1 */
    bool read_only;
    /* Changed while in use: info says so whatever the options say. */
    enum simback_choice set_read_only;

    enum blkif_wire_state state;   /* the one that we have written */
    enum blkif_wire_state writing; /* the one to be written next; UNKNOWN: none */
    bool started;
    bool gone; /* crashed, or its directory was removed */
    bool hung;
    bool look;    /* something may have changed */
    bool watched; /* its runner looks at the rings by itself (service_news): no events */
    bool stalls;
    enum blkif_wire_state stall;
    bool want_close;
    unsigned updates; /* enum update: nodes to be written again */
    bool keep;
    bool lingers;                  /* closed, but requests in flight keep rings and pages */
    bool drains;                   /* would close, but requests are in flight */
    bool says_flush, says_barrier; /* what the features' nodes say */

    /* The connection. */
    enum slot_abi abi;
    bool front_persistent;
    uint32_t number_units, segment_units; /* 512-byte units of sector_number, of first/last_sect */
    bool moves_barriers; /* a rule has: what it selects waits for nothing but that */
    uint16_t queue_count;
    struct backend_queue *queues; /* queue_room of them, made at create */
    uint32_t queue_room;

    struct backend_rule rules[BACKEND_FAULTS];
    uint32_t rule_count;
    struct backend_name names[BACKEND_FAULTS];
    uint32_t name_count;

    struct backend_kept *kept;
    uint32_t kept_room, kept_count;

    uint64_t refused; /* connections, since the last that was made */
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
/* What the options come to, also when they have changed. */
void backend_settle_options(struct simback_backend *backend);
/* What is there of a former life (start_state of 2 and more): all that it had published. */
void backend_former_life(struct simback_backend *backend);
/* What one backend leaves to the next one of the same disk: the fault rules, with what they have
 * caught. The disk gets the size that the heir's options say. */
void backend_inherit(struct simback_backend *heir, const struct simback_backend *old);

/* ---- handshake.c ---- */

/* Looks at the frontend's state and begins the move that is due. */
void handshake_look(struct simback_backend *backend);
/* Writes the state that is due; true if there is more to do at once. */
bool handshake_write_state(struct simback_backend *backend);
/* In Closed, with nothing in flight: some are there no more when nobody can come back. */
bool handshake_leaves(struct simback_backend *backend);
void handshake_leave(struct simback_backend *backend);
/* A queue has been served: what waited for the last answer goes on. */
void handshake_answered(struct simback_backend *backend);

/* ---- nodes.c: XenStore's values are data ---- */

enum node_result { NODE_OK, NODE_ABSENT, NODE_BAD /* the complaint is made */ };

/* "<directory>/<name>" as a decimal number of at most `max`, digits alone. */
enum node_result node_read_number(struct simback_backend *backend, const char *directory,
                                  const char *name, uint64_t max, uint64_t *value);
/* NUL-terminated; values of `size` bytes and more are bad. */
enum node_result node_read_text(struct simback_backend *backend, const char *directory,
                                const char *name, char *text, size_t size);
/* Whether it is there at all. */
bool node_exists(struct simback_backend *backend, const char *directory, const char *name);
void node_remove(struct simback_backend *backend, const char *name);
/* 0 or the host's error. */
int node_write(struct simback_backend *backend, uint32_t transaction, const char *name,
               const char *value);
int node_write_number(struct simback_backend *backend, uint32_t transaction, const char *name,
                      uint64_t value);
/* Writes our state node unless our directory has been removed. 0, AGAIN, NO_ENTRY (gone) or
 * another error. */
int node_write_state(struct simback_backend *backend, enum blkif_wire_state state);

/* ---- backend_life.c ---- */

/* Nodes that are written again while in use. */
enum update { UPDATE_INFO = 1, UPDATE_SIZE = 2, UPDATE_ALL = 4, UPDATE_SECTOR_SIZE = 8 };

/* Makes the updates that are due; true if there is more to do at once. */
bool life_update(struct simback_backend *backend);

/* ---- publish.c ---- */

/* All nodes of a phase in one transaction: 0, or the host's error (AGAIN: try again). */
int publish_nodes(struct simback_backend *backend, enum simback_phase phase);
/* Nodes of what has been published already, by bits of enum update; else the same. */
int publish_updates(struct simback_backend *backend, unsigned updates);
/* Removes what was published at Connected. */
void publish_forget(struct simback_backend *backend);
/* EOPNOTSUPP was answered to this operation: some say so in the feature's node too. */
void publish_unsupported(struct simback_backend *backend, uint8_t operation);
uint64_t publish_sectors_512(const struct simback_backend_options *options);

/* ---- connect.c ---- */

/* Reads what the frontend has published, maps its rings, binds its ports. false: complained, and
 * nothing is left mapped. */
bool connect_front(struct simback_backend *backend);
/* Lets go of rings, pages and ports; what waits for an answer is forgotten. With `all` grants kept
 * on purpose go too. */
void connect_drop(struct simback_backend *backend, bool all);
/* The frontend has closed: what is in flight stays as it is, all else is let go. */
void connect_linger(struct simback_backend *backend);
/* Requests that are taken and not answered, and not dropped on purpose. */
uint32_t connect_in_flight(const struct simback_backend *backend);
/* Unmaps, or keeps the pages if told so. */
void connect_unmap(struct simback_backend *backend, const uint32_t *refs, void **pages,
                   uint32_t count);
void connect_drop_kept(struct simback_backend *backend);
void connect_free_queues(struct simback_backend *backend);
/* Makes room for so many elements in an array of `*room`, for twice as many as there were, never
 * for more than `most`. Tables that are rarely full begin small. false: it stays as it was. */
bool connect_grow(const struct simback_host *host, void **array, size_t size, uint32_t *room,
                  uint64_t wanted, uint32_t most);

/* ---- inspect.c ---- */

/* Nodes that contradict those that were read, or are left over from another connection (I10): a
 * complaint for each. */
void inspect_front(struct simback_backend *backend, uint32_t page_count, bool numbered);

/* ---- mappings.c ---- */

/* Room for `most` grants; false: no memory. */
bool mappings_create(struct backend_queue *queue, uint32_t most);
/* Lets go of all of them and of the room. */
void mappings_destroy(struct backend_queue *queue);
/* A kept mapping of this grant that can be used now; MAPPING_NONE. It is in use then. */
uint32_t mappings_take(struct backend_queue *queue, uint32_t ref, bool writable);
/* Keeps a page that has just been mapped, in use; MAPPING_NONE: it is not kept. */
uint32_t mappings_keep(struct backend_queue *queue, uint32_t ref, void *page, bool writable);
void mappings_give_back(struct backend_queue *queue, uint32_t index);
/* Unmaps what is due by the clock. */
void mappings_tick(struct backend_queue *queue);
/* When that is next; SIMBACK_NEVER. */
uint64_t mappings_due(const struct backend_queue *queue);

/* ---- transfer.c ---- */

/* Checks a read's or write's segments and maps their pages: OKAY, or the status to be answered. */
int16_t transfer_prepare(struct backend_queue *queue, const struct slot_request *request,
                         bool write);
/* Moves the data of what is prepared and lets go of its pages. */
int16_t transfer_perform(struct backend_queue *queue, const struct slot_request *request,
                         bool write);
/* Lets go of the pages of what is prepared. */
void transfer_release(struct backend_queue *queue);
/* What is prepared waits with the request, and is prepared again. */
void transfer_pin(struct backend_queue *queue, struct pending *pending);
void transfer_unpin(struct backend_queue *queue, struct pending *pending);
/* Lets go of the pages of a request that will not be executed. */
void transfer_drop(struct backend_queue *queue, struct pending *pending);
void transfer_init_pins(struct backend_queue *queue);

/* ---- execute.c ---- */

/* A sentence about what is wrong with a request. */
#define REFUSE(queue, request, format, ...)                                             \
    backend_complain((queue)->backend, "queue %u request 0x%" PRIx64 " op %u: " format, \
                     (queue)->index, (request)->id, (request)->operation, __VA_ARGS__)

/* Does what the request says and returns the response's status. */
int16_t execute(struct backend_queue *queue, const struct slot_request *request);
/* The same for a request that has waited. */
int16_t execute_pending(struct backend_queue *queue, struct pending *pending);
/* It begins to wait: looks at it as if it were executed now, and maps its pages. */
void execute_begin(struct backend_queue *queue, struct pending *pending);
bool execute_may_write(struct backend_queue *queue, const struct slot_request *request);
bool execute_in_range(struct backend_queue *queue, const struct slot_request *request,
                      uint64_t count_512);
/* Units that may be addressed. */
uint64_t execute_capacity_512(const struct simback_backend *backend);
/* The operation that the response bears. */
uint8_t execute_response_op(const struct simback_backend *backend,
                            const struct slot_request *request);

/* ---- fault.c ---- */

/* The rule that acts on this request; NULL: none. */
const struct simback_fault *fault_match(struct backend_queue *queue,
                                        const struct slot_request *request);
/* What the named rule caught last; NULL: nothing. */
const struct backend_name *fault_named(const struct simback_backend *backend, uint32_t name);

/* ---- harm.c ---- */

/* How the data of a request goes that is harmed on purpose. */
struct harm_plan {
    uint64_t place_512; /* first unit on the disk */
    uint32_t reach_512; /* units that are moved; of the others nothing is */
    bool spoils;        /* then harm_spoil has to follow */
};

/* HARM_NONE: the action is another one. */
enum slot_harm harm_of(enum simback_fault_action action);
/* Whether this can be done to the request, as far as its slot tells. */
bool harm_suits(enum slot_harm harm, const struct slot_request *request);
/* Of the request that is prepared; tells of the units that will be wrong. */
struct harm_plan harm_plan(struct backend_queue *queue, const struct slot_request *request);
/* Changes a byte of what was read into the first page, or written at this place. 0, or -1: the
 * disk fails. */
int harm_spoil(struct backend_queue *queue, uint64_t place_512, bool write);

/* ---- hostile.c ---- */

/* Said once a connection, before it happens: from here on I19 does not bind this backend. */
void hostile_tamper(struct backend_queue *queue);

/* ---- service.c ---- */

/* Whether the queue's ring may be touched now. */
bool service_ready(const struct backend_queue *queue);
/* Serves each ring whose req_prod has moved since it was served last; whether there was one. */
bool service_news(struct simback_backend *backend);

#endif
