/* SPDX-License-Identifier: ISC */
/*
 * What the files of the oracle share: requests of the application and on the rings, what is known
 * of each device, and each rule's functions by kind of event. A rule never acts on the world.
 *
 * Time is virtual in messages; for order a stamp grows by one with each submit and completion.
 */
#ifndef SIMBACK_SRC_ORACLE_INTERNAL_H
#define SIMBACK_SRC_ORACLE_INTERNAL_H

#include "monitor.h"

#include <simback/oracle.h>

_Static_assert((int)MONITOR_PATH == (int)BLKFRONT_PATH_MAX,
               "a path is as long as a frontend takes it");

enum { ORACLE_NO_STATE = 0xff };

/* ---- a request of the application ---- */

struct oracle_span; /* oracle_requeue.c */

struct oracle_request {
    uint64_t number;
    uint64_t submitted;  /* stamp */
    uint64_t connection; /* that carried it last; 0: none did */
    uint64_t born;       /* the connection that there was when it was submitted; 0: none */
    uint64_t sector, sectors;
    uint64_t first_512, count_512;
    uint64_t issued_512; /* put on a ring and neither answered "not supported" nor lost */
    uint64_t next_512;   /* where the part that was issued last ends */
    uint64_t ok_512;     /* answered OKAY */
    /* A discard's: what is left of it after all roundings since its submit. */
    uint64_t extents_first_512, extents_512;
    const struct blkfront_buffer *buffers; /* the application's, until completion */
    size_t buffer_count;
    uint32_t sector_size;
    uint32_t in_flight; /* parts on a ring */
    uint32_t parts;     /* parts put on a ring, ever */
    uint32_t oks;       /* parts answered OKAY */
    /* Published, but the frontend gave the ring up before it was seen to take them. */
    uint64_t late_512;
    uint32_t late_oks;
    int16_t late_error;
    unsigned flags;
    uint16_t device, queue;
    enum blkfront_operation operation;
    unsigned unsupported;         /* bits 1 << operation: answered "not supported" */
    int16_t error;                /* the first status that the caller must hear of; 0: none */
    bool waiting;                 /* in the list of requests that are not wholly on a ring */
    bool stopped;                 /* the disk was such that the rest of it could not go on */
    bool ambiguous;               /* another one might have been meant by a part */
    bool has_data;                /* the buffers are whole sectors of it: I7 keeps book */
    bool marred;                  /* what another one reads may lie in its pages (I7) */
    struct oracle_span *answered; /* units answered OKAY, where that is not all (I15) */
    struct oracle_span *former;   /* of a write with FUA: on former connections */
    struct oracle_span *cut;      /* the same: on this one, before the power was cut */
    struct oracle_request *bucket_next;
    struct oracle_request *next, *previous;           /* of the device, by submit */
    struct oracle_request *wait_next, *wait_previous; /* of the device: `waiting` */
};

/* ---- a request on a ring ---- */

struct oracle_part {
    uint64_t id;
    uint64_t first_512, count_512;
    struct oracle_request *request; /* NULL: completed meanwhile, or nobody's */
    uint64_t number;                /* of the request; 0: nobody's */
    uint32_t next;                  /* in its bucket or in the free list, plus one */
    uint32_t index;                 /* where it was put on the ring */
    uint8_t operation;              /* of the slot */
    uint8_t inner;                  /* what it does */
    bool answered;                  /* the backend has published a response (I19) */
    bool cut;                       /* and has lost its power since (I7) */
};

struct oracle_response {
    uint64_t id;
    uint8_t operation;
    int16_t status;
    bool padding_zero;
};

/* Which bytes of a slot the frontend has loaded (I1). */
struct oracle_slot {
    uint64_t loaded[2]; /* a bit a byte */
    uint8_t answer[16]; /* id, operation and status as they were loaded */
    uint32_t index;     /* of the response */
    bool valid;
    bool stored; /* since then the frontend has put a request there */
};

struct oracle_ring {
    struct monitor_ring *view;
    bool attached;
    bool observed;      /* its frontend tells the observer */
    uint32_t port;      /* the frontend's, of the last connection; 0: none, or it was closed */
    uint64_t connected; /* the last connection that it was a ring of */
    uint64_t missed;    /* the last one before that which was without it; 0: none */

    /* correlation */
    struct oracle_part *parts; /* of view->slots */
    uint32_t *buckets;         /* of view->slots; index of a part plus one */
    uint32_t free_part;        /* plus one */
    uint32_t in_flight;
    bool untracked;                  /* something was put that is not in the book */
    bool unanswerable, mistaken;     /* it has taken what answers nothing: now; in a former step */
    struct oracle_response *answers; /* published, by slot */
    uint32_t applied;                /* responses before this one are booked */
    uint32_t room;                   /* slots that parts and slots below were made for */

    /* I1 */
    struct oracle_slot *slots;
    uint32_t rsp_prod_loaded; /* the value */
    uint32_t rsp_cons;        /* the first response that is not loaded whole */
    bool rsp_prod_fresh;      /* loaded in this step, and rsp_event not stored since */
    bool rsp_prod_idle;       /* and no slot loaded since */
    bool published;           /* req_prod was stored; req_event may be loaded once */
    bool fenced;              /* since then there was a full fence */

    /* I3, I18 */
    uint32_t began;     /* first index */
    uint32_t req_prod;  /* as the frontend moved it last */
    bool overflow;      /* rsp_prod is beyond what is outstanding */
    bool overflow_must; /* and beyond the ring */
    bool overflow_seen; /* the frontend has had a chance to see it */
    uint32_t overflow_value;
    uint32_t overflow_asked; /* as far as this, then */
    uint32_t overflow_steps; /* of the frontend, since then */

    /* I14 */
    uint32_t published_from;   /* publishes up to here are judged */
    uint32_t req_event_before; /* at the last hand-over */
    bool notify_due;           /* a publish needs a notification that has not come yet */
    bool armed;                /* rsp_event was stored, and rsp_prod not looked at behind that */
    bool armed_fenced;         /* there has been a full fence since */
    uint32_t due_from, due_to; /* this one */
    uint32_t req_event_loaded; /* for this reason */
    uint32_t wanted;           /* publishes of this step that needed one */
    uint32_t notified;         /* notifications of this step */
    bool notify_failed;        /* one of this step, on purpose */
    uint64_t accesses_now;     /* of this step */
    bool event_lost;           /* it was asked for, did not come, and none has come since */
    uint32_t announced;        /* rsp_prod at the backend's last event */
    bool rsp_event_foreign;    /* another one stands there than the frontend's */
    bool req_prod_foreign;     /* somebody else has moved it: what is put may go unseen */
    bool back_anew;            /* its backend began anew, and may find what it had answered */
};

/* ---- a device ---- */

enum { ORACLE_NODES = 96, ORACLE_NODE_NAME = 40, ORACLE_WATCHES = 16, ORACLE_READ_ONCE = 32 };

enum { ORACLE_LOST = 16, ORACLE_HIDDEN = 16 };

struct oracle_range {
    uint64_t first_512, last_512; /* both included */
};

enum { ORACLE_EXEMPT = 64 };

/* What the frontend has read of the disk in its backend's directory. */
struct oracle_told {
    uint64_t sectors; /* of 512 bytes */
    uint32_t sector_size;
    bool sectors_known, size_known;
};

enum { ORACLE_OFFERS = 3 };

/* What the frontend has read of a node, and a hash of the directory in which. */
struct oracle_offer {
    uint64_t directory, number;
    bool says; /* it is a number */
};

struct oracle_device {
    uint16_t number;
    struct oracle_ring *rings[MONITOR_QUEUES];
    struct oracle_request *first, *last;           /* requests in flight */
    struct oracle_request *wait_first, *wait_last; /* of them not wholly on a ring */
    uint32_t ambiguous;                            /* requests in flight that are */
    uint64_t connection, connection_before;

    /* the two states, as the frontend knows them (I11) */
    uint8_t front_state, front_before; /* now, and when this step of the frontend began */
    uint16_t front_foreign;            /* written by somebody else since, as bits */
    uint8_t front_resumed; /* its own when the guest was resumed, and it has not looked since */
    bool front_known;      /* it has begun, with that, since its last release */
    bool front_refused;    /* XenStore did not take the last one that it wrote */
    bool front_missed;     /* it may have written another one since (served) */
    bool back_odd;         /* what it has read since means nothing */
    uint8_t back_read;     /* ORACLE_NO_STATE: not read so far; 0: absent */
    uint16_t back_domid;   /* as it has read backend-id */
    bool back_domid_known;
    bool back_domid_unsure; /* or none, or the one before */
    /* What backend-id was when it began to watch: it may have been read before it was known who
     * reads. UINT64_MAX: no number. */
    bool back_domid_watched;
    uint64_t back_domid_before;
    uint64_t back_path; /* hash of the directory in which it has read the state; 0: not yet */
    struct oracle_offer offers[ORACLE_OFFERS]; /* of the transport: read since it has begun (I10) */
    uint64_t back_misread; /* hash of its path, where it could not be read, on purpose; else 0 */
    bool back_serves, back_served_before; /* 4 was read, and no end of it since */
    uint8_t back_state;                   /* as the backend tells it */
    uint8_t front_read;                   /* the frontend's, as the backend has read it last */
    bool front_ended;                     /* it was read as 6 or gone since the rings were mapped */
    bool back_gone;                       /* crashed, or its directory was removed */
    bool began_anew;                      /* it crashed or was replaced, and its frontend goes on */

    /* what the frontend has read of the backend */
    struct oracle_told told, told_taken; /* last, and last when all of it made sense (I20) */
    bool told_open, told_nonsense;       /* a change is being read, and makes no sense */
    /* Bits of `info`, of all that it has read since it began: seen set, and seen clear (I20). */
    uint8_t info_ones, info_zeros;
    bool read_only, read_only_before;  /* info had bit 4 at Connected (I17) */
    bool mode_read_only, mode_misread; /* the toolstack's word; and that it was told otherwise */
    bool flush_offered;                /* since it has connected; anything but 1 says nothing */
    unsigned flushes;                  /* bits 1 << operation: offered when it was read last */
    bool flush_succeeded;              /* on this connection (I8) */
    unsigned off;                      /* bits 1 << operation: known not to be supported (I8) */
    uint64_t capacity_512;             /* 0: not read */
    uint32_t sector_size;              /* as read, 0: not */
    uint32_t segments_max;             /* feature-max-indirect-segments */
    uint32_t discard_granularity, discard_alignment; /* bytes; 0: not read */
    bool extents_told;    /* one of them was read in this step of the frontend */
    bool persistent;      /* what the frontend advertised */
    bool back_persistent; /* and what the backend did */
    bool untrusted;       /* trusted=0 (I6) */

    /* I10: the nodes that the frontend has written since its last state */
    bool publish_any, publish_mixed; /* in more than one transaction, or in none */
    uint32_t publish_transaction;    /* of the last one; 0: none */
    /* and those that it removed and was told are not there, although they are: hashes of paths */
    uint64_t hidden[ORACLE_HIDDEN];
    uint32_t hidden_count;
    bool hidden_more; /* than can be kept */

    /* what the application knows */
    bool app_known;
    enum blkfront_state app_state;
    bool resumed; /* while it connects: it waits for its backend as one that recovers */
    bool disconnect_called, released;
    bool ending;           /* it was called, and nobody has connected since */
    uint64_t ending_since; /* it was in use when disconnect was called, then; NEVER: it was not */
    uint64_t unhindered_since; /* both are Closed to it, and nothing has failed since */
    bool in_poll;              /* it is being polled just now */
    bool hostile; /* the backend was made to break the protocol: I19 does not bind it any more */
    uint32_t failed_now; /* requests that failed in this step of the frontend */

    /* I1: nodes read in this step */
    uint64_t read_once[ORACLE_READ_ONCE];
    uint32_t read_once_count;

    /* watch events on purpose: watches that have fired in vain, by the hash of their paths */
    uint64_t lost[ORACLE_LOST];
    uint32_t lost_count;
    bool lost_more; /* than can be kept */

    uint32_t fired_now; /* I14: watch events that were taken in this step of the frontend */

    /* I7 */
    uint32_t data_sector_size;
    bool data_elsewhere;  /* its backend counts sectors otherwise than blkif.h has it */
    uint64_t power_cut;   /* stamp of the last one; 0: none */
    uint64_t mars;        /* the connection on which reads that are over are done again; 0: none */
    uint64_t durable;     /* what was acknowledged before it is: the last flush's submit (I16) */
    bool durable_unknown; /* what the disk keeps through a power cut cannot be told */
    struct oracle_range exempt[ORACLE_EXEMPT];
    uint32_t exempt_count;
    bool exempt_all;

    /* I12 */
    uint64_t ports, watches; /* open */
    uint32_t removal_tries;  /* in vain, since it has written one */
    bool unwatch_refused;    /* since the last release, */
    bool left_told;          /* and that ports or watches were left */
    bool one_domain; /* since the last release a backend was in the frontend's: not told apart */
    char nodes[ORACLE_NODES][ORACLE_NODE_NAME];
    uint32_t node_count;
};

/* What its frontend knows, or has to find out, is that its backend is not the one that it had. */
static inline bool oracle_back_left(const struct oracle_device *device)
{
    return device->back_gone || device->began_anew || device->back_read == BLKIF_WIRE_UNKNOWN;
}

struct oracle_state_commit {
    uint32_t transaction;
    uint16_t device, domid;
    uint8_t state;
};

/* A request that is over. */
struct oracle_ended {
    uint64_t number;
    int result;
    uint16_t device;
    bool refused;
};

enum { ORACLE_ENDED = 128 };

enum { ORACLE_COMMITS = 16, ORACLE_LOADS = 8, ORACLE_LOAD_BYTES = 256 };

/* Bytes to be written before a load (simback_before_load). */
struct oracle_load {
    uint16_t device, queue;
    uint64_t left; /* loads until then; 0: free */
    uint32_t offset;
    uint32_t length;
    uint8_t bytes[ORACLE_LOAD_BYTES];
};

struct oracle_data;   /* oracle_data.c */
struct oracle_ledger; /* oracle_grants.c */
struct oracle_notes;  /* oracle_confinement.c */

struct oracle {
    struct simback_world *world;
    uint32_t step, line;
    uint64_t stamp;
    uint64_t must, should;                 /* violations */
    uint64_t broken[2][SIMBACK_RULES + 1]; /* of each rule: MUST, SHOULD */
    bool looking;                          /* for what no event tells */
    uint32_t kept_count;
    struct simback_violation kept[SIMBACK_VIOLATIONS_KEPT];
    uint64_t checks[SIMBACK_RULES + 1];
    bool no_memory; /* the books have gaps: from now on no rule speaks */

    struct oracle_device *devices[WORLD_DEVICES];

    struct oracle_request **buckets; /* requests by number */
    uint32_t bucket_count, request_count;
    struct oracle_request *free_requests;
    struct oracle_span *free_spans;
    uint64_t highest;                        /* number of a request so far */
    struct oracle_ended ended[ORACLE_ENDED]; /* by number modulo */

    struct oracle_state_commit commits[ORACLE_COMMITS];
    uint32_t commit_count;

    struct oracle_load loads[ORACLE_LOADS];
    uint32_t loads_waiting;
    uint64_t accesses;
    uint64_t data_loaded;          /* bytes, from pages that are no ring's */
    struct oracle_ring *last_ring; /* that was accessed: whose fence comes next */

    bool suspended; /* between the application's calls `suspend` and `resume` */

    bool released_any; /* a device was released: a runner that does that releases all */

    struct oracle_data *data;
    struct oracle_ledger *ledger;
    struct oracle_notes *notes;
};

/* ---- oracle.c ---- */

static inline void oracle_checked(struct oracle *oracle, unsigned rule)
{
    oracle->checks[rule]++;
}

/* NULL for no device; made when it is first spoken of (then NULL: no memory). */
struct oracle_device *oracle_device_get(struct oracle *oracle, uint16_t number);
const struct monitor_device *oracle_who(const struct oracle *oracle,
                                        const struct oracle_device *device);
/* The ring of a queue, attached or not; NULL if it never was. */
static inline struct oracle_ring *oracle_ring_get(const struct oracle_device *device,
                                                  uint16_t queue)
{
    return queue < MONITOR_QUEUES ? device->rings[queue] : NULL;
}

void oracle_broken(struct oracle *oracle, uint8_t rule, const struct oracle_device *device,
                   uint64_t request, const char *format, ...) __attribute__((format(printf, 5, 6)));
void oracle_should(struct oracle *oracle, uint8_t rule, const struct oracle_device *device,
                   uint64_t request, const char *format, ...) __attribute__((format(printf, 5, 6)));

/* Somebody makes the backend break the protocol: told as an event, which ends I19 for it. */
void oracle_hostile(struct simback_world *world, uint16_t device, uint16_t queue);

/* What the frontend has read in its backend's directory (oracle_dispatch.c). */
void oracle_back_node_read(struct oracle_device *device, const char *node, uint64_t value,
                           bool may_be_none);

/* After each step of a side, when the rings have been told (monitor.c). */
void oracle_handover(struct simback_world *world, uint16_t number, bool front);

/* ---- a request's slot, read anew from its bytes (oracle_wire.c) ---- */

struct oracle_wire {
    uint8_t operation;
    uint8_t inner; /* of INDIRECT; else the operation */
    uint16_t segment_count;
    uint64_t id;
    uint64_t sector_512;
    uint64_t discard_512;
    uint64_t count_512; /* units that the good segments cover, or of a discard */
    bool readable;      /* segments could be found */
    uint8_t slot[BLKIF_WIRE_SLOT_64];
    const struct oracle_ring *ring;
};

void oracle_wire_parse(const struct oracle *oracle, const struct oracle_ring *ring,
                       const void *slot, size_t length, struct oracle_wire *wire);
/* One of its segments, of as many as its layout holds; false: its indirect page is not granted. */
bool oracle_wire_segment(const struct oracle *oracle, const struct oracle_wire *wire,
                         uint32_t index, struct blkif_wire_segment *segment);
/* The index-th reference to an indirect page. */
uint32_t oracle_wire_page_ref(const struct oracle_wire *wire, uint32_t index);
const char *oracle_operation_name(uint8_t operation);
/* "disconnected"; the names of enum blkfront_error. */
const char *oracle_error_name(int error);

static inline bool oracle_writes(const struct oracle_wire *wire)
{
    return wire->inner == BLKIF_WIRE_WRITE || wire->inner == BLKIF_WIRE_WRITE_BARRIER;
}

void oracle_wire_response(const struct oracle_ring *ring, const void *slot, size_t length,
                          struct oracle_response *response);

/* Results that a request may get because it cannot go to the ring (any more). NO_MEMORY: there is
 * no grant for it, and none in use that would come back. */
static inline bool oracle_fails_before_the_ring(int result)
{
    return result == BLKFRONT_READ_ONLY || result == BLKFRONT_OUT_OF_RANGE ||
           result == BLKFRONT_UNIMPLEMENTED || result == BLKFRONT_NO_MEMORY;
}

/* ---- requests of the application (oracle_app.c) ---- */

struct oracle_request *oracle_request_find(const struct oracle *oracle, uint64_t number);
void oracle_request_wait(struct oracle_device *device, struct oracle_request *request);
void oracle_request_wait_no_more(struct oracle_device *device, struct oracle_request *request);

/* ---- who the frontend's side is ---- */

/* A request was put on the ring; `part` is its book entry or NULL when there is no room. */
struct oracle_put {
    struct oracle *oracle;
    struct oracle_device *device;
    struct oracle_ring *ring;
    struct oracle_part *part;
    struct oracle_wire wire;
    uint32_t index;
};

#include "oracle_rules.h"

/* What is wrong with the store itself says nothing. A node that is not there, may not be read, or
 * is longer than a number says what no number says: its default. */
static inline bool oracle_says_something(const struct simback_event *event)
{
    return event->result != BLKFRONT_PLATFORM_NO_MEMORY && event->result != BLKFRONT_PLATFORM_IO &&
           event->result != BLKFRONT_PLATFORM_AGAIN;
}

/* With zeros in front it is a number to some, and makes no sense to who reads strictly. */
static inline bool oracle_may_be_none(const struct simback_event *event)
{
    return event->length > 1 && *(const char *)event->bytes == '0';
}

#endif
