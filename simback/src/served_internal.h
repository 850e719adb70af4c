/* SPDX-License-Identifier: ISC */
/*
 * What served.c (XenStore, the host's calls) and served_ring.c (pages, rings, queues) share.
 */
#ifndef SIMBACK_SRC_SERVED_INTERNAL_H
#define SIMBACK_SRC_SERVED_INTERNAL_H

#include "oracle_served.h"

#include <simback/served.h>

enum { SERVED_DEVICE = 0, SERVED_PATH = 256 };

/* A page of a ring that the backend has mapped, and its copy in the world. */
struct served_page {
    struct served_page *next;
    uint32_t ref;
    uint8_t *real;
    uint8_t *copy;
};

struct served_queue {
    bool bound;
    uint32_t port;       /* the backend's end */
    uint32_t front_port; /* the guest's */
    bool fired;          /* an event came that nobody has taken yet */
    bool armed;          /* the backend sleeps: an event is asked for from req_event on */
    bool loaded;         /* a slot, since the queue was served last */
    uint64_t late_ns;    /* when a request was seen first that no event came for; 0: none is */
};

struct simback_served {
    struct simback_host calls;
    const struct simback_host *host;
    struct simback_world *world;
    struct domain *guest, *back;
    uint64_t began_ns;                                /* of the world's clock */
    uint16_t front_domid;                             /* in truth */
    char front[SERVED_PATH], front_real[SERVED_PATH]; /* directories */
    char back_dir[SERVED_PATH], back_real[SERVED_PATH];
    void (*ask)(void *context);
    void *ask_context;
    struct served_page *pages;
    struct served_queue queues[MONITOR_QUEUES];
};

/* The world's clock is where the real one is, and what follows is the device's. */
void served_enter(struct simback_served *served);
/* host.h's port_fired: also an event that was seen before and that nobody has taken. */
int served_port_fired(void *context, uint32_t port);

/* ---- served_ring.c ---- */

/* The pages that the frontend's nodes name are the world's, as they are now. */
void served_adopt_rings(struct simback_served *served);
void served_mapped(struct simback_served *served, uint32_t ref, bool writable, void *real);
/* True: it was a page of a ring. */
bool served_unmapped(struct simback_served *served, uint32_t ref, const void *real);
void served_before_load(void *context, const volatile void *address, size_t size);
void served_before_publish(void *context, const volatile void *header, uint32_t value);

#endif
