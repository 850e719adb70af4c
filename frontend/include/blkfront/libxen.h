/* SPDX-License-Identifier: ISC */
/*
 * The platform (platform.h) of a program on a real Xen, under Linux, over libxengnttab,
 * libxenevtchn and libxenstore: so libblkfront talks to the kernel's or QEMU's backend from user
 * space. Pages are shared through gntalloc, which can only share what it allocated itself and never
 * tells that a page is still mapped: the kernel keeps it until the backend has let go.
 *
 * In the library blkfront_libxen, which is built where the three libraries are found. Not for a
 * guest that is suspended or migrated while a device is connected: gntalloc and evtchn do not bring
 * back what they gave. Who uses blocking calls from several threads has a platform for each: what
 * ends a wait ends that of one thread.
 */
#ifndef BLKFRONT_LIBXEN_H
#define BLKFRONT_LIBXEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct blkfront_platform;
struct blkfront_libxen;

struct blkfront_libxen_options {
    /* One line for people, without newline: what the frontend says, and what went wrong in Xen's
     * devices. NULL: nobody listens. May be called from each thread that uses the platform. */
    void (*log)(void *context, const char *line);
    void *log_context;
    /* Put before /dev/xen, /sys and the like; NULL or "": nothing. For tests. */
    const char *root;
};

/* Why there is no platform, or no device: beside these the codes of platform.h. */
enum blkfront_libxen_error {
    BLKFRONT_LIBXEN_NO_XEN = -100,    /* this is no Xen domain */
    BLKFRONT_LIBXEN_NO_NODE = -101,   /* a device node is missing */
    BLKFRONT_LIBXEN_NO_ACCESS = -102, /* a device node or xenstored may not be used by us */
    BLKFRONT_LIBXEN_NO_STORE = -103,  /* xenstored does not answer */
    BLKFRONT_LIBXEN_IN_USE = -104,    /* somebody else has this device connected */
    BLKFRONT_LIBXEN_OUT_OF_MEMORY = -105
};

enum { BLKFRONT_LIBXEN_TEXT = 256 };

/*
 * Opens Xen's devices and the connection to xenstored. On an error `text` (of BLKFRONT_LIBXEN_TEXT
 * bytes) says what is wrong and what to do about it, and nothing is left open. `options` may be
 * NULL.
 */
int blkfront_libxen_open(const struct blkfront_libxen_options *options,
                         struct blkfront_libxen **xen, char *text);
/* Ends what a frontend has left (shares, ports, watches) and closes everything; NULL: nothing. */
void blkfront_libxen_close(struct blkfront_libxen *xen);

/* Lives as long as `xen`. */
const struct blkfront_platform *blkfront_libxen_platform(struct blkfront_libxen *xen);

/*
 * Takes device `vdev` for this process, until blkfront_libxen_close or its death: XenStore would
 * let two frontends connect to one device, to the ruin of both. IN_USE and why when the kernel's
 * driver is bound to it, or another process has claimed it. Claiming it twice is fine.
 */
int blkfront_libxen_claim(struct blkfront_libxen *xen, uint32_t vdev, char *text);

/* What is open now: all 0 when every device has been released. */
struct blkfront_libxen_ledger {
    uint64_t shared_pages;
    uint64_t ports;
    uint64_t channel_sets;
    uint64_t watches;
    uint64_t watch_sets;
    uint64_t transactions;
    uint64_t allocations;
};

void blkfront_libxen_get_ledger(struct blkfront_libxen *xen, struct blkfront_libxen_ledger *ledger);

#ifdef __cplusplus
}
#endif

#endif
