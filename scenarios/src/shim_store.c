/* SPDX-License-Identifier: ISC */
/*
 * XenStore of simblk-shim: strings with a NUL, paths that may begin at the guest's own directory,
 * and waiting for a node to change.
 */
#include "shim_internal.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { VALUE = 4096 };

/* False: it is too long to be one. */
static bool full_path(const char *path, char full[SHIM_PATH])
{
    int length = path[0] == '/' ? snprintf(full, SHIM_PATH, "%s", path)
                                : snprintf(full, SHIM_PATH, "/local/domain/%u/%s",
                                           (unsigned)shim_current->shim->domid, path);

    return length > 0 && length < SHIM_PATH;
}

char *shim_store_read(uint32_t transaction, const char *path)
{
    char full[SHIM_PATH];
    char *value = malloc(VALUE + 1);
    size_t length = 0;

    if (value == NULL)
        return NULL;
    if (!full_path(path, full) || shim_platform()->store_read(shim_platform()->context, transaction,
                                                              full, value, VALUE, &length) != 0) {
        free(value);
        return NULL;
    }
    value[length] = '\0';
    return value;
}

uint64_t shim_store_number(uint32_t transaction, const char *path, uint64_t otherwise)
{
    char *value = shim_store_read(transaction, path);
    uint64_t number = otherwise;
    int used = 0;

    if (value != NULL && strspn(value, "0123456789") == strlen(value) && strlen(value) < 20 &&
        (sscanf(value, "%" SCNu64 "%n", &number, &used) != 1 || value[used] != '\0'))
        number = otherwise;
    free(value);
    return number;
}

int shim_store_write(uint32_t transaction, const char *path, const char *value)
{
    char full[SHIM_PATH];

    if (!full_path(path, full) ||
        shim_platform()->store_write(shim_platform()->context, transaction, full, value,
                                     strlen(value)) != 0)
        return SHIM_STORE;
    return SHIM_OK;
}

int shim_store_printf(uint32_t transaction, const char *directory, const char *name,
                      const char *format, ...)
{
    char path[SHIM_PATH], value[256];
    va_list arguments;
    int length;

    va_start(arguments, format);
    length = vsnprintf(value, sizeof(value), format, arguments);
    va_end(arguments);
    if (length < 0 || (size_t)length >= sizeof(value) ||
        snprintf(path, sizeof(path), "%s/%s", directory, name) >= (int)sizeof(path))
        return SHIM_STORE;
    return shim_store_write(transaction, path, value);
}

int shim_store_remove(uint32_t transaction, const char *path)
{
    char full[SHIM_PATH];

    if (!full_path(path, full) ||
        shim_platform()->store_remove(shim_platform()->context, transaction, full) != 0)
        return SHIM_STORE;
    return SHIM_OK;
}

int shim_transaction_start(uint32_t *transaction)
{
    int r = shim_platform()->transaction_start(shim_platform()->context, transaction);

    return r == 0 ? SHIM_OK : SHIM_STORE;
}

int shim_transaction_end(uint32_t transaction, bool abort, bool *again)
{
    int r = shim_platform()->transaction_end(shim_platform()->context, transaction, !abort);

    *again = r == BLKFRONT_PLATFORM_AGAIN;
    return r == 0 || *again ? SHIM_OK : SHIM_STORE;
}

/* ---- watches ---- */

int shim_watch(const char *path, struct shim_queue *queue)
{
    for (uint32_t i = 0; i < SHIM_WATCHES; i++) {
        struct shim_watcher *watcher = &shim_current->watchers[i];

        if (watcher->queue != NULL)
            continue;
        if (!full_path(path, watcher->path) ||
            shim_platform()->watch(shim_platform()->context, shim_current->watches, watcher->path,
                                   i) != 0)
            return SHIM_STORE;
        watcher->queue = queue;
        return SHIM_OK;
    }
    return SHIM_NO_MEMORY;
}

void shim_unwatch(const char *path, struct shim_queue *queue)
{
    char full[SHIM_PATH];

    if (!full_path(path, full))
        return;
    for (uint32_t i = 0; i < SHIM_WATCHES; i++) {
        struct shim_watcher *watcher = &shim_current->watchers[i];

        if (watcher->queue == queue && strcmp(watcher->path, full) == 0) {
            shim_platform()->unwatch(shim_platform()->context, shim_current->watches, full, i);
            watcher->queue = NULL;
        }
    }
}

unsigned shim_state_wait(const char *path, unsigned known, struct shim_queue *queue)
{
    unsigned state = (unsigned)shim_store_number(0, path, 0);

    while (state == known) {
        shim_wait(queue, SHIM_FOREVER);
        state = (unsigned)shim_store_number(0, path, 0);
    }
    return state;
}
