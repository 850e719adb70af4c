/* SPDX-License-Identifier: ISC */
/*
 * A small Xen of one domain for tests, below Xen's libraries as programs link them: XenStore with
 * connections, watches and transactions; event channels between handles; pages that are shared and
 * mapped, really the same. So frontend and backend meet in one process, each over its own handles
 * and maybe in a thread of its own. Any call of the libraries can be made to fail, and what is open
 * is counted.
 */
#ifndef SIMBLK_TEST_FAKE_XEN_H
#define SIMBLK_TEST_FAKE_XEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct fake_xen {
    unsigned calls;   /* of the libraries, so far */
    unsigned fail_at; /* this one fails (1: the first); 0: none */
    int fail_errno;
    char failed_path[256]; /* if it was one of XenStore */
    /* Open: connections to xenstored, handles of grants and of events; pages that are mapped;
     * ports; watches; transactions. */
    unsigned stores, grant_handles, event_handles, mapped, ports, watches, transactions;
};

extern struct fake_xen fake_xen;

/* Domain 0 with nothing in it but its number, and no call that fails. */
void fake_xen_reset(void);
/* Nothing is open. */
bool fake_xen_is_closed(void);

/* A folder that is such a machine's root to blkfront_libxen_open: device nodes, and that it runs on
 * Xen. `root` ends in XXXXXX. */
void fake_xen_make_root(char *root);
void fake_xen_remove_root(const char *root);

/* As somebody else does it; a value of NULL removes the node and all below. */
void fake_xen_write(const char *path, const char *value);
/* What a node holds, "" for a directory; false: it is not there. */
bool fake_xen_read(const char *path, char *value, size_t size);
/* Nodes at this path and below. */
unsigned fake_xen_nodes(const char *path);

/* ---- among its files ---- */

void fake_xen_lock(void);
void fake_xen_unlock(void);
/* Whether this call has to fail, with errno; under the lock. */
bool fake_xen_fails(void);
/* An eventfd that somebody polls, and a knock at it. */
int fake_xen_bell(void);
void fake_xen_ring(int bell);
void fake_xen_quiet(int bell);
void fake_xen_store_reset(void);

#endif
