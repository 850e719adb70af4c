/* SPDX-License-Identifier: ISC */
/*
 * simblk-shim: the calls that small systems give their drivers (grants, event channels, XenStore,
 * pages, waiting), over whatever platform the frontend is judged on. A block frontend written for a
 * unikernel or a firmware becomes a shared object for `simblk run --frontend`: its calls go to
 * these, its entry points into a struct shim_frontend, and SHIM_FRONTEND exports it.
 *
 * Each device has a stack of its own, on which open, submit, poll and close of the frontend run,
 * one call at a time. They may wait: the world then goes on, and comes back when what was waited
 * for has happened. Event handlers run between, must not wait, and mostly wake a queue. Nothing
 * here depends on threads or real time.
 *
 * Paths of XenStore are absolute, or relative to the guest's own directory ("device/vbd/51712").
 * Calls return 0 or what is said; negative is a failure.
 */
#ifndef SCENARIO_SHIM_H
#define SCENARIO_SHIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define SHIM_VERSION 1u
#define SHIM_FOREVER UINT64_MAX

enum { SHIM_PAGE_SIZE = 4096, SHIM_IO_PAGES = 11 };

enum shim_result {
    SHIM_PENDING = 1, /* submit: shim_done comes later */
    SHIM_OK = 0,
    SHIM_IO_ERROR = -1,
    SHIM_UNSUPPORTED = -2,
    SHIM_READ_ONLY = -3,
    SHIM_OUT_OF_RANGE = -4,
    SHIM_DISCONNECTED = -5,
    SHIM_PROTOCOL = -6, /* the backend broke the protocol */
    SHIM_STORE = -7,    /* XenStore failed, or what it holds makes no sense */
    SHIM_NO_MEMORY = -8
};

/* ---- the frontend ---- */

/* What open found out. */
struct shim_info {
    uint64_t size_sectors; /* in units of sector_size */
    uint32_t sector_size;  /* bytes */
    bool read_only;
    bool flush;
    uint16_t backend_id;
};

enum shim_operation { SHIM_READ, SHIM_WRITE, SHIM_FLUSH };

/* One request of the application, or a part of a large one. */
struct shim_io {
    enum shim_operation operation;
    uint64_t offset; /* bytes from the disk's beginning */
    void *buffer;    /* whole pages of the guest, its own until shim_done; NULL: a flush */
    size_t size;     /* bytes; whole sectors */
    /* The frontend's, zero at first. */
    void *own;
    uint32_t own_refs[SHIM_IO_PAGES];
    unsigned own_count;
};

struct shim_frontend {
    uint32_t version; /* SHIM_VERSION */
    const char *name;
    size_t io_bytes; /* of one shim_io, at most; 0: SHIM_IO_PAGES pages */
    bool flush;      /* SHIM_FLUSH may be submitted; else scenarios with flushes are unsupported */

    /* Connects the device of this node, "device/vbd/51712", and returns when it is connected. NULL:
     * it is not to be had (shim_lost may say why). */
    void *(*open)(const char *node, struct shim_info *info);
    /* Does it and gives its result, or SHIM_PENDING: then shim_done(io, result) comes later. */
    int (*submit)(void *device, struct shim_io *io);
    /* Called after an event handler has run: takes responses. May be NULL. */
    void (*poll)(void *device);
    /* Disconnects; the device is gone after it. What was not done completes as disconnected. */
    void (*close)(void *device);
};

/* Once, from anywhere: the request is over and its buffer the shim's again. */
void shim_done(struct shim_io *io, int result);
/* The device can go no further, because of SHIM_DISCONNECTED, SHIM_PROTOCOL or SHIM_STORE: close is
 * called soon. */
void shim_lost(int reason, const char *detail);

struct scenario_subject;
const struct scenario_subject *shim_subject(const struct shim_frontend *frontend);

/* Once in the shared object. */
#define SHIM_FRONTEND(description)                                                               \
    __attribute__((visibility("default"))) const struct scenario_subject *simblk_frontend(void); \
    const struct scenario_subject *simblk_frontend(void)                                         \
    {                                                                                            \
        return shim_subject(&(description));                                                     \
    }

/* ---- pages and grants ---- */

/* Zeroed, page-aligned, contiguous; NULL: none left. */
void *shim_pages_allocate(unsigned count);
void shim_pages_free(void *pages, unsigned count);
/* A reference, which is never 0; 0: no grant is left. */
uint32_t shim_grant(uint16_t domid, const void *page, bool read_only);
/* False: the other side maps the page still, and the grant stays. */
bool shim_grant_end(uint32_t ref);

/* ---- event channels ---- */

/* A new port for that domain to bind; the handler is called for each event (NULL: none). */
int shim_event_allocate(uint16_t domid, void (*handler)(uint32_t port, void *data), void *data,
                        uint32_t *port);
void shim_event_notify(uint32_t port);
void shim_event_close(uint32_t port);
/* A full barrier: what an inline mfence is, and seen by the judge where accesses are. */
void shim_barrier(void);

/* ---- waiting ---- */

/* Something to wait for. All zero is an empty one. */
struct shim_queue {
    bool woken;
};

void shim_wake(struct shim_queue *queue);
/* Until the queue is woken, also if it was since the last time; false: `deadline_ns` came first. */
bool shim_wait(struct shim_queue *queue, uint64_t deadline_ns);
/* Until the condition holds; who may make it hold wakes the queue. */
#define SHIM_WAIT_EVENT(queue, condition) \
    while (!(condition))                  \
    shim_wait((queue), SHIM_FOREVER)
uint64_t shim_now(void); /* nanoseconds */
void shim_sleep(uint64_t ns);

/* ---- XenStore ---- */

/* The value in memory that the caller frees with free(), a NUL behind it; NULL: it cannot be read.
 * `transaction` 0 is none. */
char *shim_store_read(uint32_t transaction, const char *path);
/* A decimal number; `otherwise` where there is none. */
uint64_t shim_store_number(uint32_t transaction, const char *path, uint64_t otherwise);
int shim_store_write(uint32_t transaction, const char *path, const char *value);
/* To the node `name` in a directory, as printf writes it. */
int shim_store_printf(uint32_t transaction, const char *directory, const char *name,
                      const char *format, ...) __attribute__((format(printf, 4, 5)));
int shim_store_remove(uint32_t transaction, const char *path);
int shim_transaction_start(uint32_t *transaction);
/* *again: it met a conflict, and has to be done anew. */
int shim_transaction_end(uint32_t transaction, bool abort, bool *again);
/* Each change below the path wakes the queue; so does setting the watch. */
int shim_watch(const char *path, struct shim_queue *queue);
void shim_unwatch(const char *path, struct shim_queue *queue);
/* Waits until a watched state node holds something else than `known`, and gives that; 0 where it is
 * not there. */
unsigned shim_state_wait(const char *path, unsigned known, struct shim_queue *queue);

/* One line for people. */
void shim_log(const char *line);

#ifdef __cplusplus
}
#endif

#endif
