/* SPDX-License-Identifier: ISC */
/*
 * What the parts of simblk-shim share: a device with its stack, and what runs on it.
 */
#ifndef SCENARIO_SHIM_INTERNAL_H
#define SCENARIO_SHIM_INTERNAL_H

#include "scenario/shim.h"
#include "scenario/subject.h"

enum {
    SHIM_DEVICES = 8,
    SHIM_PORTS = 8,
    SHIM_WATCHES = 8,
    SHIM_PATH = 256,
    SHIM_EVENTS_A_POLL = 64 /* more are left for the next poll (I14) */
};

/* ---- shim_fiber.c: a stack of its own ---- */

struct fiber;

/* All stacks are free: what ran on them before is over. */
void fiber_forget(void);
/* One that runs `body` when it is entered first; NULL: there is no memory or no stack. */
struct fiber *fiber_new(void (*body)(void *context), void *context);
/* What is on it does not run any more. */
void fiber_drop(struct fiber *fiber);
/* Runs it until it leaves or ends. */
void fiber_enter(struct fiber *fiber);
/* From the fiber: back to who has entered it. */
void fiber_leave(struct fiber *fiber);

/* ---- a device ---- */

struct shim_port {
    uint32_t port; /* 0: free */
    void (*handler)(uint32_t port, void *data);
    void *data;
};

struct shim_watcher {
    struct shim_queue *queue; /* NULL: free */
    char path[SHIM_PATH];
};

/* A part of a request, with its pages. */
struct shim_piece {
    struct shim_io io; /* the first member */
    struct shim_piece *next;
    struct shim_device *device;
    struct blkfront_request *request;
    size_t at; /* bytes of the request before it */
    unsigned pages;
    bool is_done;
};

struct shim {
    const struct blkfront_platform *platform;
    uint16_t domid;
    struct shim_device *devices[SHIM_DEVICES];
    char detail[160]; /* of a connect that failed */
};

struct shim_device {
    struct shim *shim;
    uint32_t vdev;
    uint32_t holds;
    char node[32];
    struct fiber *fiber;
    struct blkfront_channel_set *channels;
    struct blkfront_watch_set *watches;
    struct shim_port ports[SHIM_PORTS];
    struct shim_watcher watchers[SHIM_WATCHES];

    uint64_t deadline_ns; /* until when its frontend waits */
    bool runs;            /* on its stack, just now */
    bool ended;

    void *opened; /* the frontend's */
    struct shim_info info;
    enum blkfront_state state;
    int error;
    char detail[128];
    bool closing; /* asked for, or lost */
    bool events;  /* for the frontend's poll */

    struct blkfront_request *waiting, *waiting_last; /* not yet with the frontend */
    struct shim_piece *pieces;                       /* with the frontend, or done */
    struct blkfront_request *done, *done_last;       /* to be completed */
};

extern const struct shim_frontend *shim_description;
/* The device whose frontend is running. */
extern struct shim_device *shim_current;

static inline const struct blkfront_platform *shim_platform(void)
{
    return shim_current->shim->platform;
}

/* ---- shim_device.c ---- */

/* Goes on with what the device's stack has to do. */
void device_run(struct shim_device *device);
bool device_is_over(const struct shim_device *device);
/* Calls the handlers of ports that fired; true: more are left. */
bool device_take_events(struct shim_device *device);
bool device_take_watches(struct shim_device *device);

/* ---- shim_request.c ---- */

/* The next one goes to the frontend, piece by piece; false: none waits. */
bool request_put(struct shim_device *device);
/* Everything that is not done is over with this result. */
void requests_end(struct shim_device *device, int result);
/* Calls the completions of what is done. */
void requests_complete(struct shim_device *device);
void pieces_free(struct shim_device *device);
/* BLKFRONT_*. */
int shim_error(int result);

/* The frontend was compiled so that its accesses are announced (shim_observe.c). */
extern bool shim_observed;

#endif
