/* SPDX-License-Identifier: ISC */
/*
 * XenStore helpers: path building, strict numbers, bounded retries. It decides nothing: meanings
 * and defaults are negotiate.c's and name.c's.
 */
#include "store.h"

static int make_path(char path[STORE_PATH_MAX], const char *directory, const char *node)
{
    struct text text = text_begin(path, STORE_PATH_MAX);

    text_add(&text, directory);
    text_add_char(&text, '/');
    text_add(&text, node);
    return text.cut ? BLKFRONT_PLATFORM_INVALID : 0;
}

/* Outside a transaction AGAIN says no more than "once more"; inside, the whole transaction is lost
 * and store_transact begins it anew. */
static bool once_more(const struct store *store, int result, int *tries)
{
    return result == BLKFRONT_PLATFORM_AGAIN && store->transaction == 0 && ++*tries < STORE_TRIES;
}

int store_get(const struct store *store, const char *directory, const char *node, char *buffer,
              size_t size, size_t *length)
{
    const struct blkfront_platform *platform = store->platform;
    char path[STORE_PATH_MAX];
    int tries = 0;
    int result = make_path(path, directory, node);

    if (result != 0)
        return result;
    do
        result =
            platform->store_read(platform->context, store->transaction, path, buffer, size, length);
    while (once_more(store, result, &tries));
    return result;
}

int store_get_number(const struct store *store, const char *directory, const char *node,
                     uint64_t max, uint64_t *value)
{
    char bytes[TEXT_U64_MAX];
    size_t length = 0;
    int result = store_get(store, directory, node, bytes, sizeof(bytes), &length);

    if (result == BLKFRONT_PLATFORM_TOO_LONG)
        return BLKFRONT_PLATFORM_INVALID;
    if (result != 0)
        return result;
    return store_parse_number(bytes, length, max, value) ? 0 : BLKFRONT_PLATFORM_INVALID;
}

int store_put(const struct store *store, const char *directory, const char *node,
              const char *string)
{
    const size_t length = text_length(string, SIZE_MAX);
    const struct blkfront_platform *platform = store->platform;
    char path[STORE_PATH_MAX];
    int tries = 0;
    int result = make_path(path, directory, node);

    if (result != 0)
        return result;
    do
        result = platform->store_write(platform->context, store->transaction, path, string, length);
    while (once_more(store, result, &tries));
    return result;
}

int store_put_state(const struct store *store, const char *directory, enum blkif_wire_state state)
{
    const char digit[] = {(char)('0' + (int)state), '\0'};

    return store_put(store, directory, BLKIF_NODE_STATE, digit);
}

int store_delete(const struct store *store, const char *directory, const char *node)
{
    const struct blkfront_platform *platform = store->platform;
    char path[STORE_PATH_MAX];
    int tries = 0;
    int result = make_path(path, directory, node);

    if (result != 0)
        return result;
    do
        result = platform->store_remove(platform->context, store->transaction, path);
    while (once_more(store, result, &tries));
    return result == BLKFRONT_PLATFORM_NO_ENTRY ? 0 : result;
}

int store_children(const struct store *store, const char *directory, char *buffer, size_t size,
                   size_t *length)
{
    const struct blkfront_platform *platform = store->platform;
    int tries = 0;
    int result;

    do
        result = platform->store_list(platform->context, store->transaction, directory, buffer,
                                      size, length);
    while (once_more(store, result, &tries));
    return result;
}

int store_transact(const struct blkfront_platform *platform,
                   int (*body)(void *context, const struct store *store), void *context)
{
    int result = BLKFRONT_PLATFORM_AGAIN;

    for (int tries = 0; tries < STORE_TRIES && result == BLKFRONT_PLATFORM_AGAIN; tries++) {
        struct store store = {.platform = platform, .transaction = 0};

        result = platform->transaction_start(platform->context, &store.transaction);
        if (result != 0)
            continue;
        result = body(context, &store);
        if (result == 0)
            result = platform->transaction_end(platform->context, store.transaction, true);
        else
            (void)platform->transaction_end(platform->context, store.transaction, false);
    }
    return result;
}

bool store_parse_number(const char *bytes, size_t length, uint64_t max, uint64_t *value)
{
    uint64_t number = 0;

    if (length == 0 || (length > 1 && bytes[0] == '0'))
        return false;
    for (size_t i = 0; i < length; i++) {
        uint64_t digit;

        if (bytes[i] < '0' || bytes[i] > '9')
            return false;
        digit = (uint64_t)(bytes[i] - '0');
        if (number > (UINT64_MAX - digit) / 10)
            return false;
        number = number * 10 + digit;
    }
    if (number > max)
        return false;
    *value = number;
    return true;
}

static bool is_path_char(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '-' ||
           c == '_' || c == '@' || c == '/';
}

bool store_path_check(const char *path, size_t length)
{
    if (length < 2 || path[0] != '/' || path[length - 1] == '/')
        return false;
    for (size_t i = 1; i < length; i++) {
        if (!is_path_char(path[i]) || (path[i] == '/' && path[i - 1] == '/'))
            return false;
    }
    return true;
}

int store_result(int platform_result)
{
    return platform_result == BLKFRONT_PLATFORM_NO_MEMORY ? BLKFRONT_NO_MEMORY : BLKFRONT_STORE;
}
