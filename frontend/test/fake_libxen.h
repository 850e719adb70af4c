/* SPDX-License-Identifier: ISC */
/*
 * Xen's three libraries as the platform's test links them: a small XenStore, event channels over
 * eventfds, shared pages over plain memory. Any call of them can be made to fail, and what is open
 * is counted. So can the system's that the platform needs beside them.
 */
#ifndef SIMBLK_TEST_FAKE_LIBXEN_H
#define SIMBLK_TEST_FAKE_LIBXEN_H

#include <poll.h>
#include <setjmp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { FAKE_NODES = 16, FAKE_WATCHES = 8, FAKE_EVENTS = 16, FAKE_PORTS = 8, FAKE_TEXT = 128 };

struct fake_libxen {
    unsigned calls;   /* of the libraries, so far */
    unsigned fail_at; /* this one fails (1: the first); 0: none */
    int fail_errno;
    unsigned memory_calls, memory_fail_at; /* the same for calloc and strdup */
    unsigned file_calls, file_fail_at;     /* and for eventfd and socket: EMFILE */

    unsigned stores, grant_handles, event_handles; /* open */
    unsigned shared_pages, ports, watches, transactions;
    unsigned notifications, unmasked;
    bool unshare_fails;

    int eventfd; /* the platform's last */
    /* Instead of its next poll, once; NULL: the system's. */
    int (*poll_once)(struct pollfd *files, nfds_t count, int milliseconds);
    /* The root of a machine that is looked at for /sys and /dev/xen; NULL: this one's. */
    const char *machine;
    jmp_buf *aborted; /* where abort goes on; NULL: it ends the process */
};

extern struct fake_libxen fake_libxen;

/* Everything as new. */
void fake_libxen_reset(void);
/* As xenstored does it when somebody else writes: watches fire. NULL: the node is removed. */
void fake_libxen_write(const char *path, const char *value);
/* An event for this port. */
void fake_libxen_event(uint32_t port);
/* What a node holds; NULL: it is not there. */
const char *fake_libxen_node(const char *path);
/* The system's, for poll_once. */
int __real_poll(struct pollfd *files, nfds_t count, int milliseconds);

#endif
