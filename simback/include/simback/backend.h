/* SPDX-License-Identifier: ISC */
/*
 * The simulated backend: a dialect (what it publishes, when, with which limits and answers), its
 * life (close, crash, hang…), fault rules, and breaking the protocol on purpose. It reaches Xen
 * only through its host and the disk only through disk.h.
 */
#ifndef SIMBACK_BACKEND_H
#define SIMBACK_BACKEND_H

#include <simback/dialect.h>
#include <simback/disk.h>
#include <simback/host.h>
#include <simback/world.h>

#include <blkfront/blkif.h>

#ifdef __cplusplus
extern "C" {
#endif

struct simback_backend;

enum simback_choice { SIMBACK_DEFAULT, SIMBACK_NO, SIMBACK_YES }; /* DEFAULT: the dialect's */

struct simback_backend_options {
    const struct simback_dialect *dialect; /* stays as it is as long as the backend is there */
    uint16_t device;                       /* number of the device in this world */
    uint16_t domid;                        /* the backend's domain; default 0 */
    uint16_t front_domid;
    uint32_t vdev;    /* 51712 … */
    uint64_t sectors; /* of sector_size bytes */
    uint32_t sector_size;
    uint32_t physical_sector_size; /* 0: the dialect's */
    bool mode_read_only;           /* toolstack node mode=r */
    int32_t info;                  /* value of node info; -1: what mode and dialect give */
    enum simback_choice flush, barrier, discard, persistent;
    int32_t ring_order; /* max-ring-page-order; -1: the dialect's */
    int32_t queues;     /* multi-queue-max-queues; -1: the dialect's */
    int32_t segments;   /* feature-max-indirect-segments; -1: the dialect's */
    /* discard-granularity and -alignment in bytes; -1: physical_sector_size, 0. */
    int64_t discard_granularity, discard_alignment;
    enum simback_choice discard_secure;
    bool discard_disabled; /* toolstack node discard-enable=0 */
    bool trusted;          /* frontend node trusted; default true */
    bool removable, cdrom;
    bool floppy;         /* toolstack node device-type, beside what `info` says */
    bool attach;         /* begins at the shared indices even if the dialect begins at 0 */
    const char *params;  /* toolstack node params; NULL: none */
    int32_t start_state; /* the backend's state at the start, 0..8; default 1 */
    struct simback_disk *disk;
};

void simback_backend_options_init(struct simback_backend_options *options);

/* What the toolstack does: both directories with their nodes and permissions. Through the world,
 * with dom0's rights. */
int simback_toolstack_create(struct simback_world *world,
                             const struct simback_backend_options *options);
/* The backend's directory is made anew, in the place of `old`; see restart below. */
int simback_toolstack_replace_back(struct simback_world *world,
                                   const struct simback_backend_options *old,
                                   const struct simback_backend_options *options);
/* Removes both directories (detach). */
void simback_toolstack_remove(struct simback_world *world,
                              const struct simback_backend_options *options);
/* ".../backend/vbd/1/51712" and ".../device/vbd/51712". */
void simback_paths(const struct simback_backend_options *options, char *back, size_t back_size,
                   char *front, size_t front_size);

/* NULL: no memory. The backend does nothing before its first poll. */
struct simback_backend *simback_backend_create(const struct simback_host *host,
                                               const struct simback_backend_options *options);
/* Lets go of everything at once, without a word to the frontend. */
void simback_backend_destroy(struct simback_backend *backend);

/* XenStore, handshake, life cycle: true if there is more to do at once. */
bool simback_backend_poll(struct simback_backend *backend);
/* One queue's ring: takes at most a few requests a call and answers what is due. */
bool simback_backend_service(struct simback_backend *backend, uint16_t queue);
/* When service has to be called again for a delayed answer; SIMBACK_NEVER. */
uint64_t simback_backend_service_at(const struct simback_backend *backend, uint16_t queue);
/* When service would let go of grants that it keeps mapped and that nobody uses; SIMBACK_NEVER.
 * Nobody waits for it, so it need not be called for this alone. */
uint64_t simback_backend_housekeeping_at(const struct simback_backend *backend, uint16_t queue);

/*
 * In a simulated world: makes disk-less plumbing one call: toolstack nodes, host, actors, backend.
 * With options->disk NULL the backend has a disk of its own in memory. A device number that is
 * taken gets a new backend in place of the old one, which is destroyed; the nodes are written anew.
 * NULL: no memory, or the device number is too large.
 */
struct simback_backend *simback_world_add_backend(struct simback_world *world,
                                                  const struct simback_backend_options *options);
struct simback_backend *simback_world_backend(struct simback_world *world, uint16_t device);
/*
 * The backend of this device goes and another one comes in its place, in a domain and with options
 * of its own (device, front_domid and vdev stay). The old one lets go of everything without a word.
 * The toolstack makes the backend's directory anew; where that is elsewhere, it says so in the
 * frontend's, which otherwise stays as it is. Disk and fault rules are kept; the disk gets the size
 * that the options say. If the frontend has not noticed, its ring may be taken up as it stands, so
 * it begins at the shared indices whatever options->attach says. NULL: there was no backend, or no
 * memory.
 */
struct simback_backend *
simback_world_restart_backend(struct simback_world *world,
                              const struct simback_backend_options *options);

/*
 * The guest has been suspended and wakes up as domain `domid`, which may be the one that it was.
 * Its grants and ports are void, its watches fire; the toolstack makes all directories anew, and
 * each device has a new backend with the options of the old one, which has let go of everything.
 * -1: another domain has this number, or there is no memory.
 */
int simback_world_resume(struct simback_world *world, uint16_t domid);

enum blkif_wire_state simback_backend_state(const struct simback_backend *backend);
struct simback_disk *simback_backend_disk(struct simback_backend *backend);
/* How many units of 512 bytes it counts a request's sector_number in, on this connection. */
uint32_t simback_backend_number_units(const struct simback_backend *backend);
/* A rule has made a barrier wait by itself: such a one passes what is before it, and is passed. */
bool simback_backend_moves_barriers(const struct simback_backend *backend);

/* ---- life ---- */

void simback_backend_close(struct simback_backend *backend); /* asks the frontend to close */
void simback_backend_crash(struct simback_backend *backend); /* nodes vanish, maps are dropped */
void simback_backend_hang(struct simback_backend *backend);  /* does nothing any more… */
void simback_backend_wake(struct simback_backend *backend);  /* …until this */
/* Rewrites info, then state 4; also back again. */
void simback_backend_set_read_only(struct simback_backend *backend, bool read_only);
/* The disk gets another size (or, with 0 and later another size, medium): `sectors` of
 * `sector_size`, rewritten with state 4. -1: larger than a disk can be, or of a file that cannot.
 */
int simback_backend_resize(struct simback_backend *backend, uint64_t sectors, uint32_t sector_size);
/* Writes all its nodes again, unchanged, and its state. */
void simback_backend_rewrite_nodes(struct simback_backend *backend);
/* The disk loses what is not durable, and the backend crashes. */
void simback_backend_power_cut(struct simback_backend *backend);
/* Stops before it would write this state, until simback_backend_go. */
void simback_backend_stall(struct simback_backend *backend, enum blkif_wire_state state);
void simback_backend_go(struct simback_backend *backend);
void simback_backend_set_online(struct simback_backend *backend, bool online);
/* Keeps grants mapped when it should unmap them, until switched off. */
void simback_backend_keep_grants(struct simback_backend *backend, bool keep);

/* ---- fault rules ---- */

enum simback_fault_op { /* bits */
                        SIMBACK_FAULT_READ = 1,
                        SIMBACK_FAULT_WRITE = 2,
                        SIMBACK_FAULT_FLUSH = 4,
                        SIMBACK_FAULT_BARRIER = 8,
                        SIMBACK_FAULT_DISCARD = 16,
                        SIMBACK_FAULT_ANY = 31
};

enum simback_fault_action {
    SIMBACK_ANSWER_STATUS, /* `status`, without touching the disk */
    SIMBACK_DELAY,         /* `delay_ns` */
    SIMBACK_HOLD,          /* until released under `name` */
    SIMBACK_DROP,          /* never answered */
    SIMBACK_REORDER,       /* answered after the next request that is not itself reordered; if none
                            * is for 1 ms, then anyway */
    /* These act while the request is carried out, `delay_ns` later if that is set, and select only
     * what they can be done to. All but the last are answered as if nothing were wrong. */
    SIMBACK_DUPLICATE, /* answered twice, which breaks the protocol */
    SIMBACK_CORRUPT,   /* read or written with one byte changed, in its first unit */
    SIMBACK_TORN,      /* only the first half of a write's sectors, rounded down, is written */
    SIMBACK_MISDIRECT, /* a write lands `offset_512` further on; behind the last place on the disk
                        * where it fits comes the first */
    SIMBACK_LOST,      /* nothing of a write is written */
    SIMBACK_SHORT,     /* only the first half of a read's segments, rounded down, is filled */
    SIMBACK_MAPFAIL    /* its grants cannot be mapped: ERROR; not where all are mapped already */
};

struct simback_fault {
    unsigned ops;                 /* bits of enum simback_fault_op */
    uint64_t first_512, last_512; /* any unit in it; 0..UINT64_MAX: everywhere */
    uint64_t nth;                 /* only the nth match (1 = first); 0: each */
    bool nth_and_later;           /* the nth match, and all after it */
    uint64_t every;               /* each every-th match; 0: each */
    uint32_t percent;             /* chance by the world's random source; 100: always */
    uint64_t times;               /* at most so often; 0: no limit */
    enum simback_fault_action action;
    int16_t status;
    uint64_t delay_ns;
    uint64_t offset_512; /* whole sectors */
    uint32_t name;       /* of a held request; 0: none */
    bool device_only_when_connected;
};

/* Rules are asked in the order in which they were added; the first that matches acts. 0, or -1 when
 * there are too many (64). */
int simback_backend_add_fault(struct simback_backend *backend, const struct simback_fault *fault);
/* Ends all rules; what they hold is answered by the next service. */
void simback_backend_clear_faults(struct simback_backend *backend);
/* What is held under `name` is answered by the next service (the actors of a simulated world are
 * woken for it); returns how many. */
uint32_t simback_backend_release(struct simback_backend *backend, uint32_t name);

/* ---- hostile ---- */

/* These act at once, on the mapped ring, whatever state the backend is in; in a simulated world the
 * hand-over to the trace is made by them. */

/* A response made by hand. Fields not overridden are those of the request that was last held (or
 * answered) under `like`; like 0: of the last request seen. */
struct simback_bad_response {
    uint16_t queue;
    uint32_t like;
    bool set_id, set_op, set_status;
    uint64_t id;
    uint8_t op;
    int16_t status;
    uint32_t count;  /* copies; default 1 */
    bool no_publish; /* written into the slot, rsp_prod not moved */
    bool no_notify;
    bool set_slot; /* written from this slot on instead of at rsp_prod, which stays */
    uint32_t slot;
};
/* 0, or -1 if no ring is mapped. */
int simback_backend_respond(struct simback_backend *backend,
                            const struct simback_bad_response *response);
/* word: 0 req_prod, 1 req_event, 2 rsp_prod, 3 rsp_event. Adds if `add`, else sets; then notifies
 * if `notify`. */
int simback_backend_move_index(struct simback_backend *backend, uint16_t queue, unsigned word,
                               uint32_t value, bool add, bool notify);
/* Writes into the ring's pages. */
int simback_backend_poke(struct simback_backend *backend, uint16_t queue, uint32_t offset,
                         const void *bytes, size_t length);
/* For messages and counters. */
struct simback_backend_counters {
    /* Requests taken; an indirect one counts as its inner operation too. */
    uint64_t read, write, flush, barrier, discard, indirect, unknown;
    uint64_t answered;
    uint64_t errors;  /* of them not OKAY */
    uint64_t held;    /* now */
    uint64_t pending; /* taken, not answered, now */
    uint64_t notified;
    uint64_t refused;    /* connections that were asked for, since the last that was made */
    uint64_t complaints; /* what the backend found wrong with the frontend */
    uint64_t segments;   /* of all requests taken, as their slots say */
};
void simback_backend_get_counters(const struct simback_backend *backend,
                                  struct simback_backend_counters *counters);
/* The last complaint about the frontend's nodes or requests; "" if none. */
const char *simback_backend_complaint(const struct simback_backend *backend);
const struct simback_dialect *simback_backend_dialect(const struct simback_backend *backend);
/* Port of the queue on our side; false if not bound. For events on purpose. */
bool simback_backend_port(const struct simback_backend *backend, uint16_t queue, uint32_t *port);
/* The given page of a queue's ring as we have it mapped, for load steps; false if there is none. */
bool simback_backend_ring_page(const struct simback_backend *backend, uint16_t queue,
                               uint32_t index, void **page);

#ifdef __cplusplus
}
#endif

#endif
