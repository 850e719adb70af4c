/* SPDX-License-Identifier: ISC */
/*
 * A real guest's frontend under the rules: what its backend does through a host, and what the guest
 * does to the backend's rings and in XenStore, is told as events of a world that was made with
 * `served` set. So the oracle (oracle.h) judges the guest by all that can be seen from its
 * backend's side; simback_rules_judged says which rules that are. One device a world: its number is
 * 0, the guest is domain 1 there and the backend's domain 0, whatever they are in truth.
 */
#ifndef SIMBACK_SERVED_H
#define SIMBACK_SERVED_H

#include <simback/backend.h>
#include <simback/host.h>
#include <simback/world.h>

#ifdef __cplusplus
extern "C" {
#endif

struct simback_served;

/*
 * `options` are the backend's, with the real domains. The toolstack has written the nodes of both
 * directories already. World and host must outlive what is returned. NULL: no memory.
 */
struct simback_served *simback_served_create(struct simback_world *world,
                                             const struct simback_host *host,
                                             const struct simback_backend_options *options);
void simback_served_destroy(struct simback_served *served);
/* What the backend is made with instead of the host. Lives as long as `served`. */
const struct simback_host *simback_served_host(struct simback_served *served);

/* Events that wait are told now, by simback_served_node; called before the backend reads. */
void simback_served_ask(struct simback_served *served, void (*ask)(void *context), void *context);
/* By the guest's hand this node of the frontend's directory is so now; value NULL: gone. `missed`:
 * it may have been something else since it was told last. */
void simback_served_node(struct simback_served *served, const char *path, const char *value,
                         size_t length, bool missed);

/*
 * Serves a queue of the backend when there is something to do: as a backend that sleeps until the
 * guest notifies it, unless the queue is in the middle of something. True if there is more to do
 * at once.
 */
bool simback_served_service(struct simback_served *served, struct simback_backend *backend,
                            uint16_t queue);
/* Before something is done to the guest's rings: what it has asked by now is told as it asked. */
void simback_served_look(struct simback_served *served);
/* Something was done to the backend: its queues have to look. */
void simback_served_touched(struct simback_served *served);

/* The backend has closed, and the guest has had its time to do so. */
void simback_served_end(struct simback_served *served);

#ifdef __cplusplus
}
#endif

#endif
