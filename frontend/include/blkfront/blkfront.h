/* SPDX-License-Identifier: ISC */
/*
 * libblkfront: a Xen paravirtual block frontend. It offers what MirageOS's Block module offers, in
 * C: connect by name, disconnect, get_info, read, write; and flush, asynchronous requests and many
 * queues beyond it. It knows Xen only through platform.h, has no thread and no global, and never
 * blocks or calls back from inside submit.
 *
 * Results: 0 or a negative enum blkfront_error. A call's result says whether the call was taken;
 * what became of a request is told by its completion. Bad arguments give BLKFRONT_INVALID and
 * change nothing.
 *
 * Sectors: every sector number and count here is in units of the device's sector_size.
 *
 * Threads: calls on one context, its devices' connect, poll, disconnect and release come from one
 * thread at a time. Each queue may be used (submit, queue_poll) by a thread of its own, beside
 * that.
 */
#ifndef BLKFRONT_BLKFRONT_H
#define BLKFRONT_BLKFRONT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct blkfront_platform;

struct blkfront;        /* a context over one platform: owns the devices */
struct blkfront_device; /* one block device, counted */
struct blkfront_queue;  /* one ring of a device; lives as long as the device */
struct blkfront_memory; /* pages that can go to the backend without a copy */

/* ---- errors ---- */

enum blkfront_error {
    BLKFRONT_OK = 0,
    BLKFRONT_UNIMPLEMENTED = -1, /* neither the backend nor a fallback can do this */
    BLKFRONT_DISCONNECTED = -2,  /* the device is not, or no longer, connected */
    /* The device is read-only; nothing has been written, but of a request that a backend which went
     * away had in hand perhaps by that one. */
    BLKFRONT_READ_ONLY = -3,
    BLKFRONT_IO_ERROR = -4,  /* the backend answered so; buffers may be partly filled or written */
    BLKFRONT_INVALID = -5,   /* a bad argument */
    BLKFRONT_NO_DEVICE = -6, /* no device has this name */
    BLKFRONT_AMBIGUOUS = -7, /* several have: blkfront_detail lists them */
    BLKFRONT_OUT_OF_RANGE = -8, /* beyond the end of the disk */
    /* Memory, grants, ports or watches have run out. A request waits for grants that are in flight
     * elsewhere, ten seconds at most. */
    BLKFRONT_NO_MEMORY = -9,
    BLKFRONT_PROTOCOL = -10, /* the backend broke the protocol */
    BLKFRONT_DEADLINE = -11, /* a deadline that the caller set has passed */
    BLKFRONT_STORE = -12     /* XenStore failed or holds values that make no sense */
};

/* "read-only": the name that scenarios and reports use; "?" for a number that is none. */
const char *blkfront_error_name(int error);
/* A sentence for people. */
const char *blkfront_error_text(int error);

/* ---- context ---- */

/* The platform must outlive the context. NO_MEMORY, or INVALID for a platform of an unknown version
 * or without a required function. */
int blkfront_create(const struct blkfront_platform *platform, struct blkfront **context);
/* Every device must have been released. Pages that a backend still maps stay with the platform;
 * their number is logged. */
void blkfront_destroy(struct blkfront *context);
/* What was wrong with the last failed connect or enumerate: candidates of an ambiguous name, the
 * node that could not be read. Never NULL; valid until the next call on the context. */
const char *blkfront_detail(const struct blkfront *context);
/* Fills vdevs[0..capacity-1] with the device numbers that XenStore knows, ascending; *count is how
 * many there are, also when that is more than capacity. */
int blkfront_enumerate(struct blkfront *context, uint32_t *vdevs, size_t capacity, size_t *count);
/* How many granted pages are in quarantine, because a backend kept them mapped when their device
 * had gone (I5). Tries to end them first. */
size_t blkfront_quarantined(struct blkfront *context);

/* ---- devices ---- */

enum blkfront_abi { BLKFRONT_ABI_64, BLKFRONT_ABI_32 };

struct blkfront_options {
    uint32_t queues;     /* at most this many rings; default 1 */
    uint32_t ring_order; /* at most 1 << ring_order pages a ring; default 0 */
    uint32_t segments;   /* at most this many of a request; above 11 means indirect; default 11 */
    uint32_t pool_pages; /* pages for bouncing, a queue; default 352, at least 1 */
    uint32_t ring_start; /* first index of each ring; default 0 (I18: backends that attach) */
    enum blkfront_abi abi;
    /* Advertise feature-persistent; default no. Grants are kept, then, while no other queue or
     * device of the context is short of them: then its poll ends those that the backend has let go,
     * so who has several such devices polls all of them, also while one connects. */
    bool persistent;
    bool page_buffers;            /* the old Mirage rule: buffers of exactly one page; default no */
    uint64_t connect_deadline_ns; /* 0 = none (default); counted from connect */
    uint64_t request_deadline_ns; /* 0 = none (default); counted from submit */
    uint64_t disconnect_deadline_ns; /* 0 = none; default 30 s */
    /* How long a device that was connected waits for a backend that closed, crashed or moved to
     * come back; meanwhile requests wait. 0 (default): not at all, the device is CLOSED then;
     * UINT64_MAX: for ever. A device is recovered after blkfront_resume whatever this says.
     * A flush, also one that waited, speaks of the backend that answers it: what one that crashed
     * had acknowledged and not flushed may have gone with it. Whoever cannot bear that leaves this
     * at 0, or writes with FUA, which begins anew (I16). */
    uint64_t recover_deadline_ns;
    /* Called from blkfront_poll after what blkfront_get_info says has changed: another size, sector
     * size or backend, a disk that turned read-only, a feature that was withdrawn. May be NULL. */
    void (*changed)(void *context, struct blkfront_device *device);
    void *changed_context;
};

void blkfront_options_init(struct blkfront_options *options);

enum blkfront_state {
    BLKFRONT_CONNECTING,
    BLKFRONT_CONNECTED,
    BLKFRONT_RECOVERING,    /* the backend went away and is expected back */
    BLKFRONT_DISCONNECTING, /* disconnect was called, or the backend closes */
    BLKFRONT_CLOSED, /* final: disconnected by us or by the backend; blkfront_device_error tells */
    BLKFRONT_FAILED  /* final: connecting failed or the backend broke the protocol */
};

/*
 * Begins to connect the device that `name` means ("51712", "xvda", "/dev/xvda", "d0p1", or a
 * backend's params value) and gives a reference to it; a device that is already there is given
 * again, with its options as they are. options may be NULL. Poll until the state is no longer
 * CONNECTING. NO_DEVICE, AMBIGUOUS, INVALID, NO_MEMORY, STORE: see blkfront_detail; nothing is left
 * behind.
 */
int blkfront_connect(struct blkfront *context, const char *name,
                     const struct blkfront_options *options, struct blkfront_device **device);
/* XenStore, life cycle, recovery. 1 if there is more to do at once, 0 if not before the next event,
 * watch or blkfront_poll_at. */
int blkfront_poll(struct blkfront_device *device);
/* The time (platform now) at which poll has to be called even without an event; UINT64_MAX: never.
 */
uint64_t blkfront_poll_at(const struct blkfront_device *device);
/* Begins to disconnect, for all holders; never fails and may be repeated. Requests that are not
 * answered complete as DISCONNECTED. Poll until the state is CLOSED (or FAILED). */
void blkfront_disconnect(struct blkfront_device *device);
/* Gives back one reference; with the last one the memory goes. A device that is still connected is
 * then cut off at once, without waiting for the backend. */
void blkfront_release(struct blkfront_device *device);

/*
 * Around a suspend of the guest, or its migration: suspend before it, from when on no request is
 * put on a ring; resume after it, when rings, grants and ports of before are void. Every device
 * then goes through RECOVERING to its backend, wherever that is now, and what was not answered is
 * issued again (I15). A resume without a suspend is fine. No queue may be polled during resume.
 */
void blkfront_suspend(struct blkfront *context);
void blkfront_resume(struct blkfront *context);

enum blkfront_state blkfront_device_state(const struct blkfront_device *device);
/* Why the device is CLOSED or FAILED; 0 after a disconnect of our own. */
int blkfront_device_error(const struct blkfront_device *device);
/* The same for people, for example "response id not in flight". Never NULL. */
const char *blkfront_device_detail(const struct blkfront_device *device);

/* What a successful flush is worth (I16). While connected it can only become less: a backend takes
 * a way to flush back by what it answers, or by its node. */
enum blkfront_flush_worth {
    BLKFRONT_FLUSH_NONE,    /* no flush: UNIMPLEMENTED */
    BLKFRONT_FLUSH_DRAIN,   /* ordering only */
    BLKFRONT_FLUSH_BARRIER, /* an empty write barrier */
    BLKFRONT_FLUSH_CACHE    /* a flush of the disk's cache */
};

enum { BLKFRONT_PATH_MAX = 256 }; /* with the NUL */

struct blkfront_info {
    bool read_write;
    bool cdrom;
    bool removable;
    bool floppy; /* the toolstack's device-type says so */
    bool barrier;
    bool discard;
    bool discard_secure;
    bool persistent;
    enum blkfront_flush_worth flush;
    uint32_t sector_size;          /* bytes */
    uint32_t physical_sector_size; /* bytes */
    uint64_t size_sectors;
    uint32_t discard_granularity; /* bytes */
    uint32_t discard_alignment;   /* bytes */
    uint32_t vdev;
    uint32_t queues;
    uint32_t ring_order;
    uint32_t segments; /* of one ring request, at most */
    uint16_t backend_id;
    char backend_path[BLKFRONT_PATH_MAX];
};

/* DISCONNECTED unless connected. */
int blkfront_get_info(const struct blkfront_device *device, struct blkfront_info *info);

struct blkfront_statistics {
    uint64_t requests;           /* of the caller, completed */
    uint64_t ring_requests;      /* put on a ring */
    uint64_t direct;             /* ring requests whose data went without a copy */
    uint64_t bounced;            /* ring requests with at least one copied segment */
    uint64_t bytes_copied;       /* by the frontend, in or out of bounce pages */
    uint64_t notifications;      /* sent */
    uint64_t events;             /* received */
    uint64_t spurious_events;    /* received without a response */
    uint64_t inner_op_tolerated; /* responses to indirect requests that carried 6 (I2) */
    uint64_t indirect;           /* ring requests with indirect segments */
    uint64_t grants;             /* of data and indirect pages, made for a request */
    uint64_t grants_reused;      /* persistent ones that served once more */
    uint64_t reissued;           /* parts put on a ring again after a reconnect (I15) */
    uint64_t reconnects;
};

void blkfront_get_statistics(const struct blkfront_device *device,
                             struct blkfront_statistics *statistics);

/* ---- memory that goes without a copy ---- */

enum blkfront_memory_use {
    BLKFRONT_MEMORY_TO_DISK = 1u << 0,  /* for writes: granted read-only */
    BLKFRONT_MEMORY_FROM_DISK = 1u << 1 /* for reads: granted writable */
};

/*
 * `pages` whole pages, zeroed, at *address, that requests of this device may use without a copy.
 * `uses` are bits of enum blkfront_memory_use. They belong to the library. The device must be
 * connected. Where persistent grants are in use (get_info), a page stays granted, and writable,
 * from its first request until the memory is destroyed or the connection ends.
 */
int blkfront_memory_create(struct blkfront_device *device, size_t pages, unsigned uses,
                           struct blkfront_memory **memory, void **address);
/*
 * The same for pages of the caller (page-aligned, whole pages), where the platform can grant
 * existing pages; UNIMPLEMENTED where it cannot. `release` is called from a poll or from
 * memory_destroy when the backend has let go of all of them: until then they are the library's.
 */
int blkfront_memory_register(struct blkfront_device *device, void *address, size_t pages,
                             unsigned uses, void (*release)(void *context, void *address),
                             void *context, struct blkfront_memory **memory);
/* No request may use it any more. Pages that the backend still maps are kept until it lets go. */
void blkfront_memory_destroy(struct blkfront_memory *memory);

/* ---- requests ---- */

enum blkfront_operation { BLKFRONT_READ, BLKFRONT_WRITE, BLKFRONT_FLUSH, BLKFRONT_DISCARD };

/* A flag that does not belong to the operation is INVALID. */
enum blkfront_request_flag {
    BLKFRONT_FUA = 1u << 0,    /* write: durable when it completes, by a flush that follows it */
    BLKFRONT_SECURE = 1u << 1, /* discard */
    /* write: after all writes before it on its queue and before all after it, by WRITE_BARRIER, for
     * which it waits until all that is before it has ended; its own data is not durable.
     * UNIMPLEMENTED where the backend has no barriers. */
    BLKFRONT_BARRIER = 1u << 2
};

struct blkfront_buffer {
    void *address; /* read only by writes */
    size_t size;   /* bytes; a multiple of the sector size, not 0 */
    /* The library or registered memory in which the whole buffer lies: the data goes without a
     * copy. NULL: it is copied through the library's own pages. */
    struct blkfront_memory *memory;
};

/*
 * A request is the caller's memory, from submit until its completion function is called (or for
 * ever reusable if submit refused it). The library changes only `internal`.
 */
struct blkfront_request {
    enum blkfront_operation operation;
    unsigned flags;                        /* enum blkfront_request_flag */
    uint64_t sector;                       /* read, write, discard: the first */
    uint64_t sectors;                      /* discard alone: how many */
    const struct blkfront_buffer *buffers; /* read, write; valid until completion */
    size_t buffer_count;                   /* 0 is a request that does nothing and succeeds */
    /* Called from a poll, once. The request is the caller's again and may be submitted at once. */
    void (*complete)(struct blkfront_request *request, int result);
    void *context; /* the caller's */
    struct blkfront_request_internal {
        struct blkfront_request *next;
        uint64_t deadline_ns;
        uint64_t bytes_left; /* not yet put on the ring */
        size_t buffer_index; /* where the next ring request begins */
        size_t buffer_offset;
        uint64_t next_512; /* its first unit on the disk */
        uint32_t parts;    /* ring requests in flight */
        int result;        /* the worst so far */
        uint32_t state;
        uint32_t stage;
        struct blkfront_request *older; /* the queue's unfinished requests, as submitted */
        struct blkfront_request *newer;
        uint64_t sequence;
        struct blkfront_range *kept; /* what a connection that is over has left unanswered */
        uint64_t connection;         /* the one that it has been checked for; 0: none */
    } internal;
};

/*
 * What a discard of these sectors comes to: it is rounded inwards to the device's granularity and
 * alignment, since a backend may refuse the rest (blkif.h, discard-granularity). *sectors becomes 0
 * where no whole extent lies inside: such a discard succeeds and does nothing. OUT_OF_RANGE,
 * UNIMPLEMENTED and DISCONNECTED as from submit.
 */
int blkfront_discard_extent(const struct blkfront_device *device, uint64_t *sector,
                            uint64_t *sectors);

/*
 * How many queues may be used: before the first connection as many as the options ask for, then as
 * many as there were rings at most. After a reconnect to a backend with fewer rings they all stay
 * usable: several then share a ring, and their requests complete in the poll of the queue whose
 * ring it is. With more rings there are more.
 */
uint32_t blkfront_queue_count(const struct blkfront_device *device);
/* NULL if there is no such queue. Whoever asks for a queue has to poll it, until the device is
 * CLOSED or FAILED; also where the first connection has fewer, so that it may not be used yet: a
 * queue that was given is given again. */
struct blkfront_queue *blkfront_get_queue(struct blkfront_device *device, uint32_t index);

/*
 * Takes a request, or refuses it: DISCONNECTED, READ_ONLY, OUT_OF_RANGE, INVALID (a buffer that is
 * no whole number of sectors, memory that does not hold the buffer), UNIMPLEMENTED. A refused
 * request has done nothing and is not completed. Never allocates, never blocks, and takes any
 * number: what the ring does not hold waits in order.
 */
int blkfront_submit(struct blkfront_queue *queue, struct blkfront_request *request);
/* The same for many, with one notification. Takes them in order until one is refused; *taken says
 * how many were taken. */
int blkfront_submit_many(struct blkfront_queue *queue, struct blkfront_request *const *requests,
                         size_t count, size_t *taken);
/* The queue's ring: takes responses, completes requests, puts waiting ones on the ring. A bounded
 * amount of work a call (I14): 1 if there is more to do at once, else 0. Of requests that end at
 * their deadline or with the device blkfront_queue_poll_at tells. */
int blkfront_queue_poll(struct blkfront_queue *queue);
/*
 * For a thread that polls without rest: while it is on, polls of the queue ask for no events, which
 * saves both sides most where little is in flight. Who wants to sleep switches it off and polls
 * once more, since a response may have come before the backend could see that it is asked for
 * (I14). It outlives a reconnect. Only from the thread that polls.
 */
void blkfront_queue_watch(struct blkfront_queue *queue, bool on);
/* Like blkfront_poll_at. */
uint64_t blkfront_queue_poll_at(const struct blkfront_queue *queue);

/* ---- blocking calls: the above with the platform's wait ---- */

/* Connects and waits until connected; on failure gives no device. */
int blkfront_blocking_connect(struct blkfront *context, const char *name,
                              const struct blkfront_options *options,
                              struct blkfront_device **device);
/* `sector` and the buffers as in struct blkfront_request; on queue 0. */
int blkfront_blocking_read(struct blkfront_device *device, uint64_t sector,
                           const struct blkfront_buffer *buffers, size_t count);
int blkfront_blocking_write(struct blkfront_device *device, uint64_t sector,
                            const struct blkfront_buffer *buffers, size_t count);
int blkfront_blocking_flush(struct blkfront_device *device);
/* Returns when the device is closed; never fails. Does not release it. */
void blkfront_blocking_disconnect(struct blkfront_device *device);

#ifdef __cplusplus
}
#endif

#endif
