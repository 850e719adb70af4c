/* SPDX-License-Identifier: ISC */
/*
 * The threaded world: a frontend's queues and the backend in threads of their own, over real
 * shared memory and the real clock. It serves one device. The backend is the same one as in the
 * stepped world, and so is XenStore, behind a lock; grants and event channels are made for threads
 * and take no lock where requests go. There is no trace and there are no rules: what holds here is
 * judged by what the application gets and by the ledger at rest.
 *
 * The backend and its disk run in one thread, which this library makes. Every other thread is the
 * caller's: platform.h says which of them may call what.
 */
#ifndef SIMBACK_THREADS_H
#define SIMBACK_THREADS_H

#include <simback/backend.h>
#include <simback/host.h>
#include <simback/xen.h>

#include <blkfront/platform.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { SIMBACK_THREADS_QUEUES = 64 }; /* channel sets that can be open */

struct simback_threads;

/* NULL: no memory, or no room in the address space. */
struct simback_threads *simback_threads_create(void);
/* The frontend's context must have been destroyed; a backend that still runs is stopped. */
void simback_threads_destroy(struct simback_threads *threads);

/* The guest's, domain SIMBACK_FRONT_DOMID: it can grant any page and reports BUSY. */
const struct blkfront_platform *simback_threads_platform(struct simback_threads *threads);
/* Domain 0's half for this device. While a backend runs, it is the backend's alone. */
const struct simback_host *simback_threads_host(struct simback_threads *threads);

/* ---- the backend ---- */

/* The toolstack's nodes, a disk in memory, the backend in domain 0, and its thread; device, domid,
 * front_domid and disk of the options are not looked at. 0, or a negative enum
 * blkfront_platform_error; INVALID: there is one. */
int simback_threads_start(struct simback_threads *threads,
                          const struct simback_backend_options *options);
/* Another backend, with these options, in the place of the one that runs or has crashed, which lets
 * go of everything without a word. Disk and fault rules stay; the disk gets the size that the
 * options say. Where the frontend says Connected it has not noticed, and the new backend takes its
 * rings for what they are: see options->attach. INVALID: none was started. NO_MEMORY: the old one
 * goes on, or, where no thread can be made, there is none any more. Not at the same time as a call
 * of the backend's. */
int simback_threads_restart(struct simback_threads *threads,
                            const struct simback_backend_options *options);
/* The backend lets go of everything at once, and its thread ends. */
void simback_threads_stop(struct simback_threads *threads);
/* The frontend's xenbus state as it stands in XenStore (enum blkif_wire_state); UNKNOWN: none. */
enum blkif_wire_state simback_threads_front_state(struct simback_threads *threads);
/* Runs a function in the backend's thread, between two of its steps, and returns when it has run:
 * the way to every call of backend.h. From one thread at a time; a backend must run. */
void simback_threads_call(struct simback_threads *threads,
                          void (*run)(void *context, struct simback_backend *backend),
                          void *context);

/* ---- waiting ---- */

/*
 * For the thread that polls queue `queue`, after a poll that left nothing to do: waits until the
 * queue's channel set (the one with this number, counted as they are opened, from 0) has an event
 * or was woken, or until the deadline. An event that came since the last poll ends it at once. 0 or
 * TIMED_OUT.
 */
int simback_threads_wait_queue(struct simback_threads *threads, uint32_t queue,
                               uint64_t deadline_ns);
/*
 * Before that, for a thread that would rather poll than sleep (blkfront_queue_watch): calls `look`
 * again and again, for as long as has been of use lately. True if it has said so or somebody has
 * rung meanwhile, which is left to the next wait.
 */
bool simback_threads_spin_queue(struct simback_threads *threads, uint32_t queue,
                                bool (*look)(void *context), void *context);
/* The same for the thread that polls the device, with its watch set. */
int simback_threads_wait_device(struct simback_threads *threads, uint64_t deadline_ns);

/* Ends the wait that goes on, or else the next one. From any thread. */
void simback_threads_wake_queue(struct simback_threads *threads, uint32_t queue);
void simback_threads_wake_device(struct simback_threads *threads);

/* ---- the ledger ---- */

/* What the guest holds. True at rest alone: when nobody else uses the world. */
void simback_threads_get_ledger(struct simback_threads *threads, struct simback_ledger *ledger);

/* As in xen.h, with dom0's rights. */
int simback_threads_store_permit(struct simback_threads *threads, const char *path, uint16_t owner,
                                 uint16_t reader);

#ifdef __cplusplus
}
#endif

#endif
