/* SPDX-License-Identifier: ISC */
/*
 * Sharing pages through gntalloc. Whether the other side still maps a page is never told: an
 * unshared page is the kernel's, who gives it back when nobody maps it any more.
 */
#include "libxen.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void tell_why(const struct blkfront_libxen *xen, uint32_t count, int error)
{
    char limit[16];

    libxen_read_file(&xen->options, "/sys/module/xen_gntalloc/parameters/limit", limit,
                     sizeof(limit));
    if (error == ENOSPC || error == EINVAL)
        libxen_log(xen,
                   "gntalloc shares %u pages no more: its limit is %s for all programs together "
                   "(modprobe xen-gntalloc limit=16384, or echo 16384 > "
                   "/sys/module/xen_gntalloc/parameters/limit)",
                   (unsigned)count, limit[0] == '\0' ? "unknown" : limit);
    else
        libxen_log(xen, "gntalloc cannot share %u pages: %s", (unsigned)count, strerror(error));
}

static int xen_share(void *context, uint16_t domid, uint32_t count, bool writable, void **address,
                     uint32_t *refs)
{
    struct blkfront_libxen *xen = context;
    struct libxen_share *share;
    void *pages;

    if (count == 0 || count > INT32_MAX)
        return BLKFRONT_PLATFORM_INVALID;
    share = calloc(1, sizeof(*share));
    if (share == NULL)
        return BLKFRONT_PLATFORM_NO_MEMORY;
    pages = xengntshr_share_pages(xen->grants, domid, (int)count, refs, writable);
    if (pages == NULL) {
        tell_why(xen, count, errno);
        free(share);
        return BLKFRONT_PLATFORM_NO_MEMORY;
    }
    share->address = pages;
    share->count = count;
    libxen_lock(xen);
    share->next = xen->shares;
    xen->shares = share;
    xen->ledger.shared_pages += count;
    libxen_unlock(xen);
    *address = pages;
    return 0;
}

/* Exactly one block that share gave, or nothing happens. */
static int xen_unshare(void *context, void *address, uint32_t count)
{
    struct blkfront_libxen *xen = context;
    struct libxen_share **place, *share;

    libxen_lock(xen);
    place = &xen->shares;
    while (*place != NULL && (*place)->address != address)
        place = &(*place)->next;
    share = *place;
    if (share == NULL || share->count != count) {
        libxen_unlock(xen);
        return BLKFRONT_PLATFORM_INVALID;
    }
    *place = share->next;
    xen->ledger.shared_pages -= count;
    libxen_unlock(xen);
    free(share);
    if (xengntshr_unshare(xen->grants, address, count) == 0)
        return 0;
    libxen_log(xen, "gntalloc keeps %u pages: %s", (unsigned)count, strerror(errno));
    return BLKFRONT_PLATFORM_DEFERRED;
}

void libxen_grants_init(struct blkfront_libxen *xen)
{
    xen->platform.share = xen_share;
    xen->platform.unshare = xen_unshare;
}

void libxen_grants_end(struct blkfront_libxen *xen)
{
    while (xen->shares != NULL)
        xen_unshare(xen, xen->shares->address, xen->shares->count);
}
