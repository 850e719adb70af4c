/* SPDX-License-Identifier: ISC */
/*
 * The world of the life cycle's tests: one device in fake_store.h, a small backend that behaves,
 * and the queues of fake_queue.h; and how a test drives them.
 */
#ifndef BLKFRONT_TEST_FAKE_WORLD_H
#define BLKFRONT_TEST_FAKE_WORLD_H

#include "cunit_main.h"
#include "fake_queue.h"
#include "fake_store.h"
#include "life.h"

#define FRONT    "/local/domain/3/device/vbd/51712"
#define BACK     "/local/domain/0/backend/vbd/3/51712"
#define ERROR_AT "/local/domain/3/error/device/vbd/51712/error"
#define SECOND   UINT64_C(1000000000)

extern struct fake fake;
extern struct blkfront *context;

/* Where the backend is, and what it does otherwise than usual. */
struct world_backend {
    const char *front;
    const char *back;
    const char *sectors;
    const char *sector_size;
    bool skips_init_wait; /* goes from 1 to 3 */
    bool hung;            /* does nothing any more */
    int stays_at;         /* does not leave this state; -2: none */
};
extern struct world_backend backend;

void world_set_up(void);
void world_tear_down(void);
/* Both: for tests that need many worlds. */
void world_anew(void);

/* The nodes that the toolstack makes. */
void add_device(void);
void add_device_at(const char *front, const char *back, const char *back_id);
void backend_goes(const char *state);
/* One move of the backend; false if it has none to make. */
bool backend_step(struct fake *unused);

/* The device and its queues. */
bool poll_once(struct blkfront_device *device);
/* Until nothing moves any more at this moment. */
void settle(struct blkfront_device *device);
/* The same, and time goes on to whatever is due, until nothing is. */
void settle_in_time(struct blkfront_device *device);
/* A device that has not been polled. */
struct blkfront_device *begin(const struct blkfront_options *options);
struct blkfront_device *connected(void);
/* It comes to its end as expected and leaves nothing; then it is released. */
void ends(struct blkfront_device *device, enum blkfront_state state, int error, const char *detail);
/* In XenStore there is what the toolstack made, or nothing. */
void left_as_found(void);

/* ---- devices that recover: world_recover.c ---- */

/* Those of `recoverable`; recover_deadline_ns is 100 s. */
extern struct blkfront_options recover_options;
/* Completions of `on_complete`. */
extern unsigned completions;
extern int last_result;

void recover_set_up(void);
void recover_anew(void);
/* Connected, with these options. */
struct blkfront_device *recoverable(void);
void is_recovering(struct blkfront_device *device);
/* Connected again, as if it had never been otherwise. */
void has_recovered(struct blkfront_device *device, unsigned reconnects);
void disconnects(struct blkfront_device *device);
void on_complete(struct blkfront_request *request, int result);
/* One move of either side after the other: so a recovery is stopped at each of its steps. True if
 * it has not come to its end. */
bool go_some_steps(struct blkfront_device *device, unsigned steps);
/* Whatever call of the platform fails after `lose`, and whatever it returns then, the device
 * recovers or ends and leaves nothing. */
void fail_each_call_after(void (*lose)(void), bool ever_after);

#endif
