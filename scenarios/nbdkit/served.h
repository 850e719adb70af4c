/* SPDX-License-Identifier: ISC */
/*
 * A simulated disk for threads that want to block: frontend, ring and backend in the threaded
 * world, with a thread for the device and one for each queue. Whoever calls waits until his request
 * is answered. A device that is closed or has failed is connected anew, as soon as there is a
 * backend; what was not answered, and what comes meanwhile, fails.
 */
#ifndef SCENARIO_NBDKIT_SERVED_H
#define SCENARIO_NBDKIT_SERVED_H

#include <simback/backend.h>

#include <blkfront/blkfront.h>

struct served;

/* Nothing runs yet, so a process may still fork. NULL: no memory. The dialect and the params of the
 * options have to stay. `ends`, if it is not NULL, is asked in a thread of the served disk's own
 * while somebody waits for a request: once it says true the device is disconnected, and what is
 * waited for fails. */
struct served *served_create(const struct simback_backend_options *backend,
                             const struct blkfront_options *front, bool (*ends)(void));
/* NULL is fine. Nobody may be in a call. */
void served_destroy(struct served *served);
/* The backend and all threads; false: no memory, or no thread can be made. */
bool served_start(struct served *served);

/* Waits until there is a connection: BLKFRONT_OK with what the device is, or why there is none
 * after so long. */
int served_wait(struct served *served, uint64_t timeout_ns, struct blkfront_info *info);
/* A request in bytes, which are whole sectors: an enum blkfront_error. From any thread. */
int served_request(struct served *served, enum blkfront_operation operation, unsigned flags,
                   void *data, uint64_t size, uint64_t offset);

/* These two from one thread at a time. A function in the backend's thread. */
void served_call(struct served *served, void (*run)(void *context, struct simback_backend *backend),
                 void *context);
/* Another backend in the place of this one, which crashes if it has not; first the frontend is
 * waited for, until it has noticed. False: no memory, or it does not notice. */
bool served_restart(struct served *served, const struct simback_backend_options *backend);

#endif
