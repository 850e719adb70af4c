/* SPDX-License-Identifier: ISC */
/*
 * XenStore: nodes and transactions over libxenstore, whose answers are memory of its own.
 */
#include "libxen.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int xen_store_read(void *context, blkfront_transaction transaction, const char *path,
                          char *buffer, size_t size, size_t *length)
{
    struct blkfront_libxen *xen = context;
    unsigned bytes = 0;
    void *value = xs_read(xen->store, transaction, path, &bytes);
    int result = 0;

    if (value == NULL)
        return libxen_error(errno);
    if (bytes > size) {
        result = BLKFRONT_PLATFORM_TOO_LONG;
    } else {
        memcpy(buffer, value, bytes);
        *length = bytes;
    }
    free(value);
    return result;
}

static int xen_store_write(void *context, blkfront_transaction transaction, const char *path,
                           const char *value, size_t length)
{
    struct blkfront_libxen *xen = context;

    if (length > UINT32_MAX)
        return BLKFRONT_PLATFORM_TOO_LONG;
    return xs_write(xen->store, transaction, path, value, (unsigned)length) ? 0
                                                                            : libxen_error(errno);
}

/* xenstored takes it for a success when there is nothing to remove: so it is asked before. */
static int xen_store_remove(void *context, blkfront_transaction transaction, const char *path)
{
    struct blkfront_libxen *xen = context;
    unsigned bytes;
    void *value = xs_read(xen->store, transaction, path, &bytes);

    if (value == NULL)
        return libxen_error(errno);
    free(value);
    return xs_rm(xen->store, transaction, path) ? 0 : libxen_error(errno);
}

static int xen_store_list(void *context, blkfront_transaction transaction, const char *path,
                          char *buffer, size_t size, size_t *length)
{
    struct blkfront_libxen *xen = context;
    unsigned count = 0;
    char **names = xs_directory(xen->store, transaction, path, &count);
    size_t all = 0;

    if (names == NULL)
        return libxen_error(errno);
    for (unsigned i = 0; i < count; i++)
        all += strlen(names[i]) + 1;
    if (all <= size) {
        *length = all;
        for (unsigned i = 0; i < count; i++) {
            const size_t bytes = strlen(names[i]) + 1;

            memcpy(buffer, names[i], bytes);
            buffer += bytes;
        }
    }
    free(names);
    return all <= size ? 0 : BLKFRONT_PLATFORM_TOO_LONG;
}

static int xen_transaction_start(void *context, blkfront_transaction *transaction)
{
    struct blkfront_libxen *xen = context;
    const xs_transaction_t started = xs_transaction_start(xen->store);

    if (started == XBT_NULL)
        return libxen_error(errno);
    libxen_lock(xen);
    xen->ledger.transactions++;
    libxen_unlock(xen);
    *transaction = started;
    return 0;
}

static int xen_transaction_end(void *context, blkfront_transaction transaction, bool commit)
{
    struct blkfront_libxen *xen = context;

    libxen_lock(xen);
    xen->ledger.transactions--;
    libxen_unlock(xen);
    return xs_transaction_end(xen->store, transaction, !commit) ? 0 : libxen_error(errno);
}

/* Our own number, which xenstored tells below the path that it takes for our home. */
static int xen_own_domid(void *context, uint16_t *domid)
{
    struct blkfront_libxen *xen = context;
    char text[8];
    size_t length = 0;
    unsigned value = 0;
    const int result = xen_store_read(xen, 0, "domid", text, sizeof(text), &length);

    if (result != 0) {
        libxen_log(xen, "XenStore does not say which domain this is: in dom0 xen-init-dom0 writes "
                        "/local/domain/0/domid");
        return result;
    }
    for (size_t i = 0; i < length; i++) {
        if (text[i] < '0' || text[i] > '9')
            return BLKFRONT_PLATFORM_IO;
        value = value * 10 + (unsigned)(text[i] - '0');
    }
    if (length == 0 || value > UINT16_MAX)
        return BLKFRONT_PLATFORM_IO;
    *domid = (uint16_t)value;
    return 0;
}

void libxen_store_init(struct blkfront_libxen *xen)
{
    xen->platform.own_domid = xen_own_domid;
    xen->platform.store_read = xen_store_read;
    xen->platform.store_write = xen_store_write;
    xen->platform.store_remove = xen_store_remove;
    xen->platform.store_list = xen_store_list;
    xen->platform.transaction_start = xen_transaction_start;
    xen->platform.transaction_end = xen_transaction_end;
}
