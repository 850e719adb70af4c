/* SPDX-License-Identifier: ISC */
/*
 * The backend's reading and writing of XenStore nodes. What the frontend wrote is data: a number is
 * digits and nothing else and within its bounds, or it is refused with a complaint that quotes it
 * (I20 the other way round). Which node is needed when is connect.c's and publish.c's business.
 */
#include "backend_internal.h"
#include "path.h"

#include <blkfront/platform.h>

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* One read, one decision: the value as it came, or why not. */
static enum node_result read_value(struct simback_backend *backend, const char *directory,
                                   const char *name, char *text, size_t size)
{
    char path[BACKEND_PATH + 64];
    size_t length = 0;
    int result;

    path_join(path, sizeof(path), directory, name);
    result = backend->host->store_read(backend->host->context, 0, path, text, size - 1, &length);
    /* xenstored answers DENIED for a missing node whose parents may not be read. */
    if (result == BLKFRONT_PLATFORM_NO_ENTRY || result == BLKFRONT_PLATFORM_DENIED)
        return NODE_ABSENT;
    if (result == BLKFRONT_PLATFORM_TOO_LONG || (result == 0 && length >= size)) {
        backend_complain(backend, "%s: longer than %zu bytes", path, size - 1);
        return NODE_BAD;
    }
    if (result != 0) {
        backend_complain(backend, "%s: cannot be read (%d)", path, result);
        return NODE_BAD;
    }
    text[length] = '\0';
    if (memchr(text, '\0', length) != NULL) {
        backend_complain(backend, "%s: a NUL byte in its value", path);
        return NODE_BAD;
    }
    return NODE_OK;
}

enum node_result node_read_text(struct simback_backend *backend, const char *directory,
                                const char *name, char *text, size_t size)
{
    return read_value(backend, directory, name, text, size);
}

static bool parse_number(const char *text, uint64_t max, uint64_t *value)
{
    uint64_t number = 0;

    if (*text == '\0')
        return false;
    for (; *text != '\0'; text++) {
        const unsigned digit = (unsigned)(*text - '0');

        if (digit > 9 || digit > max || number > (max - digit) / 10)
            return false;
        number = number * 10 + digit;
    }
    *value = number;
    return true;
}

enum node_result node_read_number(struct simback_backend *backend, const char *directory,
                                  const char *name, uint64_t max, uint64_t *value)
{
    char text[32];
    const enum node_result result = read_value(backend, directory, name, text, sizeof(text));

    if (result != NODE_OK)
        return result;
    if (!parse_number(text, max, value)) {
        backend_complain(backend, "%s/%s: found \"%s\", expected a number of at most %" PRIu64,
                         directory, name, text, max);
        return NODE_BAD;
    }
    return NODE_OK;
}

bool node_exists(struct simback_backend *backend, const char *directory, const char *name)
{
    char path[BACKEND_PATH + 64], value[8];
    size_t length;
    int result;

    path_join(path, sizeof(path), directory, name);
    result =
        backend->host->store_read(backend->host->context, 0, path, value, sizeof(value), &length);
    return result == 0 || result == BLKFRONT_PLATFORM_TOO_LONG;
}

void node_remove(struct simback_backend *backend, const char *name)
{
    char path[BACKEND_PATH + 64];

    path_join(path, sizeof(path), backend->back, name);
    (void)backend->host->store_remove(backend->host->context, 0, path);
}

int node_write(struct simback_backend *backend, uint32_t transaction, const char *name,
               const char *value)
{
    char path[BACKEND_PATH + 64];

    path_join(path, sizeof(path), backend->back, name);
    return backend->host->store_write(backend->host->context, transaction, path, value,
                                      strlen(value));
}

int node_write_number(struct simback_backend *backend, uint32_t transaction, const char *name,
                      uint64_t value)
{
    char text[24];

    snprintf(text, sizeof(text), "%" PRIu64, value);
    return node_write(backend, transaction, name, text);
}

int node_write_state(struct simback_backend *backend, enum blkif_wire_state state)
{
    const struct simback_host *host = backend->host;
    char path[BACKEND_PATH + 64], old[8];
    uint32_t transaction;
    size_t length;
    int result, end;

    /* As xenbus does: a removed device must not come to life again by our writing. */
    path_join(path, sizeof(path), backend->back, BLKIF_NODE_STATE);
    result = host->transaction_start(host->context, &transaction);
    if (result != 0)
        return result;
    result = host->store_read(host->context, transaction, path, old, sizeof(old), &length);
    if (result == 0 || result == BLKFRONT_PLATFORM_TOO_LONG)
        result = node_write_number(backend, transaction, BLKIF_NODE_STATE, (uint64_t)state);
    end = host->transaction_end(host->context, transaction, result == 0);
    return result != 0 ? result : end;
}
