/* SPDX-License-Identifier: ISC */
/*
 * On a real Xen, under Linux; in the library simback_live, which is built where Xen's libraries are
 * found. XenStore, time and memory are a platform's (platform.h), so that all of a program shares
 * one connection to xenstored.
 *
 * The host is the backend's half (host.h): grants mapped by libxengnttab, ports bound by
 * libxenevtchn. The live world is a world (world.h) whose frontends meet a real backend.
 */
#ifndef SIMBACK_LIVE_H
#define SIMBACK_LIVE_H

#include <simback/host.h>

#include <blkfront/platform.h>

#ifdef __cplusplus
extern "C" {
#endif

struct simback_live_host;

enum { SIMBACK_LIVE_TEXT = 256 };

/*
 * 0, or a code of platform.h and in `text` (of SIMBACK_LIVE_TEXT bytes) what is wrong and what to
 * do about it. The platform must outlive the host.
 */
int simback_live_host_open(const struct blkfront_platform *platform,
                           struct simback_live_host **host, char *text);
/* Unmaps and closes what a backend has left; NULL: nothing. */
void simback_live_host_close(struct simback_live_host *host);
/* Lives as long as `host`. */
const struct simback_host *simback_live_host_calls(struct simback_live_host *host);

/* Until an event has come for a port of this host, at most so long. XenStore is not waited for. */
void simback_live_host_wait(struct simback_live_host *host, unsigned milliseconds);

/* A directory of XenStore, node by node as it changes: for served.h. NULL: XenStore cannot be
 * reached, or no memory. */
struct simback_live_watch;
struct simback_live_watch *simback_live_watch_open(const char *path);
void simback_live_watch_close(struct simback_live_watch *watch);
/* What has changed, in order; `value` NULL: it is gone; `missed`: it had another one meanwhile,
 * maybe. */
void simback_live_watch_take(struct simback_live_watch *watch,
                             void (*node)(void *context, const char *path, const char *value,
                                          size_t length, bool missed),
                             void *context);

/* What a backend holds now. */
struct simback_live_ledger {
    uint64_t mapped; /* pages */
    uint64_t ports;
};

void simback_live_get_ledger(const struct simback_live_host *host,
                             struct simback_live_ledger *ledger);

/* ---- the live world ---- */

/*
 * A world with `live` set in its options stands for a real Xen: what its guest asks for is done
 * there, and told as events and kept in the world's tables too, so that trace, counters and rules
 * see a real run as they see a simulated one. What the real backend does is seen in the rings and
 * in XenStore. The guest is domain 1 of the world and the backend's domain 0, whatever they are in
 * truth: in dom0 of a test both are this program's own.
 */
struct simback_live;
struct simback_world;

/* The disk below a device's backend. */
enum simback_live_disk {
    SIMBACK_LIVE_RAM,  /* xen-blkback over /dev/ram<device>: no flush, no discard */
    SIMBACK_LIVE_LOOP, /* over a loop device of a file: flush, barrier, discard, any size */
    SIMBACK_LIVE_NULL, /* over /dev/nullb0: sectors of 4096 bytes */
    SIMBACK_LIVE_QDISK /* QEMU's backend over a file; QEMU runs already */
};

struct simback_live_options {
    enum simback_live_disk disk;
    const char *directory; /* for the files of disks */
};

int simback_live_open(const struct blkfront_platform *platform,
                      const struct simback_live_options *options, struct simback_live **live,
                      char *text);
void simback_live_close(struct simback_live *live);

/* The world was made or reset with `live` set: it is this one from now on. Its guest's platform;
 * NULL: no memory. */
const struct blkfront_platform *simback_live_begin(struct simback_live *live,
                                                   struct simback_world *world);
/* The run is over: its devices are removed, and all that frontends have left is ended. */
void simback_live_end(struct simback_live *live);

struct simback_backend_options;

enum simback_live_result {
    SIMBACK_LIVE_OK,
    SIMBACK_LIVE_CANNOT, /* a real backend over such a disk cannot be what the options ask for */
    SIMBACK_LIVE_FAILED  /* it should, and something went wrong */
};

/* A real backend for a device of the world, as a toolstack sets it up. Text says what is wrong. */
enum simback_live_result simback_live_add_backend(struct simback_live *live,
                                                  const struct simback_backend_options *options,
                                                  char *text);

/* What is done to a device from outside. */
enum simback_live_change {
    SIMBACK_LIVE_DETACH, /* the toolstack says: offline, and close */
    SIMBACK_LIVE_RESIZE, /* the disk has `value` units of 512 bytes from now on */
    SIMBACK_LIVE_CRASH,  /* its directory goes, and the driver lets go of everything */
    SIMBACK_LIVE_RESTART /* the same backend is set up anew, over the same disk */
};

enum simback_live_result simback_live_change(struct simback_live *live, uint16_t number,
                                             enum simback_live_change change, uint64_t value,
                                             char *text);
/* What the disk holds, read past every cache. 0 or -1. */
int simback_live_disk_read(struct simback_live *live, uint16_t device, uint64_t sector_512,
                           uint32_t count_512, void *to);

/* Moves the world's clock to where the real one is. */
uint64_t simback_live_now(struct simback_live *live);
/* Waits until a port has fired or XenStore has changed, and brings that into the world; at most
 * until `until_ns`. False: nothing came. */
bool simback_live_wait(struct simback_live *live, uint64_t until_ns);

#ifdef __cplusplus
}
#endif

#endif
