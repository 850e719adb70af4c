/* SPDX-License-Identifier: ISC */
/*
 * What a frontend needs from Xen: grants, events, XenStore, time and its host, as a versioned,
 * append-only struct of functions. A real Xen and simblk's simulated one both fill it; both pass
 * the same conformance test. Memory ordering is not here: it is the frontend's own matter.
 *
 * Rules for every call: it returns 0 (or what its comment says) or a negative BLKFRONT_PLATFORM_*
 * code, it never calls back into the frontend, and none waits for the other side; XenStore calls
 * may wait for xenstored, and `wait` waits. An output is written on success only.
 *
 * Threads: the calls on one channel set or one watch set come from one thread at a time; different
 * sets may be used by different threads at once. page_grant, page_revoke and now come from each
 * thread that uses a queue, at once. Everything else comes from the thread that connects, polls or
 * disconnects the device.
 */
#ifndef BLKFRONT_PLATFORM_H
#define BLKFRONT_PLATFORM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define BLKFRONT_PLATFORM_VERSION 1u

/* Why a platform call failed. */
enum blkfront_platform_error {
    BLKFRONT_PLATFORM_NO_MEMORY = -1, /* memory, grants, ports or watches have run out */
    BLKFRONT_PLATFORM_NO_ENTRY = -2,  /* XenStore: the node is not there */
    BLKFRONT_PLATFORM_AGAIN = -3,     /* XenStore: the transaction met a conflict; start it anew */
    BLKFRONT_PLATFORM_DENIED = -4,    /* XenStore: not permitted */
    BLKFRONT_PLATFORM_TOO_LONG = -5,  /* the value or the list does not fit the caller's buffer */
    BLKFRONT_PLATFORM_EXISTS = -6,    /* XenStore: this watch is already set */
    BLKFRONT_PLATFORM_INVALID = -7,   /* a bad argument: the frontend's own mistake */
    BLKFRONT_PLATFORM_IO = -8,        /* the connection to xenstored or a device file failed */
    BLKFRONT_PLATFORM_BUSY = -9,      /* unshare, revoke: the other side still maps a page; nothing
                                       * has changed, try again later */
    BLKFRONT_PLATFORM_DEFERRED = -10, /* unshare: done as far as the caller is concerned; the
                                       * platform keeps the pages until the other side lets go */
    BLKFRONT_PLATFORM_TIMED_OUT = -11 /* wait: the deadline has passed */
};

/* What a platform can do beyond the required calls. */
enum blkfront_platform_capability {
    /* page_allocate, page_free, page_grant and page_revoke are there: any page can be granted and
     * ended page by page, each time with its own read-only flag. */
    BLKFRONT_PLATFORM_GRANTS_ANY_PAGE = 1u << 0,
    /* BUSY is reported. Without it a hold by the backend shows as DEFERRED or not at all. */
    BLKFRONT_PLATFORM_REPORTS_BUSY = 1u << 1
};

/* No deadline: for `wait`. */
#define BLKFRONT_PLATFORM_FOREVER UINT64_MAX

/* A XenStore transaction; 0 is none. */
typedef uint32_t blkfront_transaction;

struct blkfront_channel_set; /* the platform's: the ports that one poller looks at */
struct blkfront_watch_set;   /* the platform's: the watches that one poller looks at */

struct blkfront_platform {
    uint32_t version;      /* BLKFRONT_PLATFORM_VERSION of the header it was filled with */
    uint32_t size;         /* sizeof(struct blkfront_platform) there: members are only appended */
    uint32_t capabilities; /* enum blkfront_platform_capability */
    void *context;         /* the first argument of every call */

    /*
     * When the guest has been suspended and resumed, grants and ports of before are void. The calls
     * that end them then give back our side of them and answer 0; notify does nothing. Watches are
     * set again by the platform, and fire.
     */

    /* ---- grants ---- */

    /*
     * Allocates `count` pages, contiguous in our address space, zeroed, and shares each with domain
     * `domid`; `writable` says whether the other side may write. Fills refs[0..count-1]. The pages
     * belong to the platform and are ours until unshare returns 0 or DEFERRED.
     */
    int (*share)(void *context, uint16_t domid, uint32_t count, bool writable, void **address,
                 uint32_t *refs);
    /* Ends exactly one block that share gave. 0: freed. BUSY: nothing changed, not one page was
     * ended. DEFERRED: the block is gone for the caller. */
    int (*unshare)(void *context, void *address, uint32_t count);

    /* Optional, with GRANTS_ANY_PAGE: */

    /* `count` contiguous zeroed pages that nobody else sees. */
    int (*page_allocate)(void *context, uint32_t count, void **address);
    /* Exactly one block that page_allocate gave; no page of it may be granted any more. */
    void (*page_free)(void *context, void *address, uint32_t count);
    /* Grants the page at `page` (page-aligned; from page_allocate or memory that the platform can
     * grant) to `domid`. */
    int (*page_grant)(void *context, uint16_t domid, const void *page, bool writable,
                      uint32_t *ref);
    /* Ends a grant of page_grant: 0, or BUSY and the grant stays. */
    int (*page_revoke)(void *context, uint32_t ref);

    /* ---- events ---- */

    int (*channels_open)(void *context, struct blkfront_channel_set **set);
    /* Closes the set; ports that are left in it are closed too. */
    void (*channels_close)(void *context, struct blkfront_channel_set *set);
    /* A new unbound port, to which domain `domid` may bind. */
    int (*port_allocate)(void *context, struct blkfront_channel_set *set, uint16_t domid,
                         uint32_t *port);
    void (*port_close)(void *context, struct blkfront_channel_set *set, uint32_t port);
    int (*port_notify)(void *context, struct blkfront_channel_set *set, uint32_t port);
    /* 1 and the next pending port of this set, which is masked by that; 0 if none is pending. */
    int (*port_pending)(void *context, struct blkfront_channel_set *set, uint32_t *port);
    /* Unmasks a port that port_pending gave: events that came meanwhile are pending again. */
    int (*port_unmask)(void *context, struct blkfront_channel_set *set, uint32_t port);
    /* Makes whoever waits for this set look at it, as if a port had fired: the way a device's poll
     * asks a queue's poller to take notice of a state word. May come from any thread. */
    void (*channels_wake)(void *context, struct blkfront_channel_set *set);

    /* ---- XenStore ---- */
    /* Paths are absolute ("/local/domain/3/device/vbd/51712/state") and end in a NUL. */

    /* The domain that we are; asked anew after a resume. */
    int (*own_domid)(void *context, uint16_t *domid);
    /* At most `size` bytes go into buffer; *length is the value's. TOO_LONG if it does not fit. No
     * NUL is added. */
    int (*store_read)(void *context, blkfront_transaction transaction, const char *path,
                      char *buffer, size_t size, size_t *length);
    int (*store_write)(void *context, blkfront_transaction transaction, const char *path,
                       const char *value, size_t length);
    /* Removes a node with all below it; NO_ENTRY if it is not there. */
    int (*store_remove)(void *context, blkfront_transaction transaction, const char *path);
    /* The names of the children, each ended by a NUL, into buffer; *length counts all bytes. */
    int (*store_list)(void *context, blkfront_transaction transaction, const char *path,
                      char *buffer, size_t size, size_t *length);
    int (*transaction_start)(void *context, blkfront_transaction *transaction);
    /* Ends it in every case; AGAIN is a normal answer to commit. */
    int (*transaction_end)(void *context, blkfront_transaction transaction, bool commit);
    int (*watches_open)(void *context, struct blkfront_watch_set **set);
    /* Closes the set; watches that are left in it are removed too. */
    void (*watches_close)(void *context, struct blkfront_watch_set *set);
    /* Watches a node and all below it. `token` is the frontend's and comes back with each event.
     * The watch fires once at once. */
    int (*watch)(void *context, struct blkfront_watch_set *set, const char *path, uint32_t token);
    int (*unwatch)(void *context, struct blkfront_watch_set *set, const char *path, uint32_t token);
    /* 1 and the token of the next fired watch of this set; 0 if there is none. Events of one token
     * may be merged: an event says only "look again". */
    int (*watch_fired)(void *context, struct blkfront_watch_set *set, uint32_t *token);
    /* Like channels_wake, for the poller of this set. May come from any thread. */
    void (*watches_wake)(void *context, struct blkfront_watch_set *set);

    /* ---- time ---- */

    uint64_t (*now)(void *context); /* nanoseconds, monotonic */
    /* For the blocking calls alone, and so from one thread at a time: waits until an event or a
     * watch may have come for any set, or until `deadline_ns`; 0 or TIMED_OUT. */
    int (*wait)(void *context, uint64_t deadline_ns);

    /* ---- host ---- */

    /* Zeroed memory, aligned for any object; NULL when there is none. Called while creating,
     * connecting and making memory objects only. */
    void *(*allocate)(void *context, size_t size);
    void (*free)(void *context, void *memory, size_t size);
    /* One line for people, without newline; may be NULL. */
    void (*log)(void *context, const char *line);
    /* A mistake of the library itself was found: must not return. */
    void (*bug)(void *context, const char *where);

    /* Optional, may be NULL: a grant of page_grant will soon be ended, so that what the platform
     * has to look at for that can come nearer meanwhile. Where there is no answer, nothing comes of
     * it. From any queue's thread. */
    void (*page_expect)(void *context, uint32_t ref);
};

#ifdef __cplusplus
}
#endif

#endif
