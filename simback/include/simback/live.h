/* SPDX-License-Identifier: ISC */
/*
 * The backend's half of a real Xen (host.h), under Linux: grants mapped by libxengnttab, ports
 * bound by libxenevtchn. XenStore, time and memory are a platform's (platform.h), so that both
 * halves of a program share one connection to xenstored. In the library simback_live, which is
 * built where Xen's libraries are found.
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

/* What a backend holds now. */
struct simback_live_ledger {
    uint64_t mapped; /* pages */
    uint64_t ports;
};

void simback_live_get_ledger(const struct simback_live_host *host,
                             struct simback_live_ledger *ledger);

#ifdef __cplusplus
}
#endif

#endif
