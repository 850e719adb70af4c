/* SPDX-License-Identifier: ISC */
/*
 * XenStore of the test's own Xen. Writes of a transaction are seen at once; one that is given up is
 * undone. There is one at a time.
 */
#include "fake_xen.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xenstore.h>

enum { NODES = 128, WATCHES = 32, EVENTS = 512, TEXT = 256 };

/* In the order in which they were made. */
struct tree {
    struct {
        char path[TEXT], value[TEXT];
        unsigned length;
    } nodes[NODES];
    unsigned count;
};

struct xs_handle {
    struct xs_handle *next;
    int bell;
    struct {
        char path[TEXT], token[TEXT];
    } watches[WATCHES], events[EVENTS];
    unsigned watch_count, event_count;
};

static struct tree tree, before; /* before: as it was when the transaction began */
static struct xs_handle *connections;

static bool is_below(const char *path, const char *directory)
{
    const size_t length = strlen(directory);

    return strncmp(path, directory, length) == 0 && (path[length] == '\0' || path[length] == '/');
}

/* Paths that do not begin with a slash are the domain's own. */
static const char *whole(const char *path)
{
    static char text[TEXT];

    if (path[0] == '/')
        return path;
    snprintf(text, sizeof(text), "/local/domain/0/%s", path);
    return text;
}

static bool fails(const char *path)
{
    if (!fake_xen_fails())
        return false;
    snprintf(fake_xen.failed_path, sizeof(fake_xen.failed_path), "%s", path);
    return true;
}

static unsigned place_of(const char *path)
{
    unsigned i = 0;

    while (i < tree.count && strcmp(tree.nodes[i].path, path) != 0)
        i++;
    return i;
}

/* ---- who is told ---- */

static void queue(struct xs_handle *connection, const char *path, const char *token)
{
    if (connection->event_count == EVENTS)
        abort();
    snprintf(connection->events[connection->event_count].path, TEXT, "%s", path);
    snprintf(connection->events[connection->event_count].token, TEXT, "%s", token);
    connection->event_count++;
    fake_xen_ring(connection->bell);
}

static void fire(const char *path)
{
    for (struct xs_handle *each = connections; each != NULL; each = each->next) {
        for (unsigned i = 0; i < each->watch_count; i++) {
            if (is_below(path, each->watches[i].path))
                queue(each, path, each->watches[i].token);
        }
    }
}

/* ---- nodes ---- */

static void set(const char *path, const void *value, unsigned length)
{
    const unsigned i = place_of(path);

    if (i == NODES || length >= TEXT)
        abort();
    if (i == tree.count)
        snprintf(tree.nodes[tree.count++].path, TEXT, "%s", path);
    memcpy(tree.nodes[i].value, value, length);
    tree.nodes[i].value[length] = '\0';
    tree.nodes[i].length = length;
    fire(path);
}

static unsigned remove_tree(const char *path)
{
    unsigned kept = 0, removed;

    for (unsigned i = 0; i < tree.count; i++) {
        if (!is_below(tree.nodes[i].path, path))
            tree.nodes[kept++] = tree.nodes[i];
    }
    removed = tree.count - kept;
    tree.count = kept;
    if (removed != 0)
        fire(path);
    return removed;
}

static unsigned count_below(const char *path)
{
    unsigned count = 0;

    for (unsigned i = 0; i < tree.count; i++)
        count += is_below(tree.nodes[i].path, path);
    return count;
}

void fake_xen_store_reset(void)
{
    memset(&tree, 0, sizeof(tree));
    connections = NULL;
    set(whole("domid"), "0", 1);
}

void fake_xen_write(const char *path, const char *value)
{
    fake_xen_lock();
    if (value == NULL)
        remove_tree(path);
    else
        set(path, value, (unsigned)strlen(value));
    fake_xen_unlock();
}

bool fake_xen_read(const char *path, char *value, size_t size)
{
    unsigned i;
    bool found;

    fake_xen_lock();
    i = place_of(path);
    found = count_below(path) != 0;
    snprintf(value, size, "%s", found && i < tree.count ? tree.nodes[i].value : "");
    fake_xen_unlock();
    return found;
}

unsigned fake_xen_nodes(const char *path)
{
    unsigned count;

    fake_xen_lock();
    count = count_below(path);
    fake_xen_unlock();
    return count;
}

/* ---- libxenstore ---- */

struct xs_handle *xs_open(unsigned long flags)
{
    struct xs_handle *connection = NULL;

    (void)flags;
    fake_xen_lock();
    if (!fake_xen_fails())
        connection = calloc(1, sizeof(*connection));
    if (connection != NULL) {
        connection->bell = fake_xen_bell();
        connection->next = connections;
        connections = connection;
        fake_xen.stores++;
    }
    fake_xen_unlock();
    return connection;
}

void xs_close(struct xs_handle *connection)
{
    struct xs_handle **place = &connections;

    fake_xen_lock();
    while (*place != connection)
        place = &(*place)->next;
    *place = connection->next;
    fake_xen.stores--;
    fake_xen.watches -= connection->watch_count;
    fake_xen_unlock();
    close(connection->bell);
    free(connection);
}

int xs_fileno(struct xs_handle *connection)
{
    return connection->bell;
}

void *xs_read(struct xs_handle *connection, xs_transaction_t transaction, const char *path,
              unsigned *length)
{
    char *value = NULL;
    unsigned i;

    (void)connection;
    (void)transaction;
    fake_xen_lock();
    path = whole(path);
    i = place_of(path);
    if (fails(path)) {
        value = NULL;
    } else if (count_below(path) == 0) {
        errno = ENOENT;
    } else {
        *length = i < tree.count ? tree.nodes[i].length : 0;
        value = calloc(1, TEXT);
        if (value != NULL && i < tree.count)
            memcpy(value, tree.nodes[i].value, *length);
    }
    fake_xen_unlock();
    return value;
}

bool xs_write(struct xs_handle *connection, xs_transaction_t transaction, const char *path,
              const void *value, unsigned length)
{
    bool good;

    (void)connection;
    (void)transaction;
    fake_xen_lock();
    good = !fails(path);
    if (good)
        set(whole(path), value, length);
    fake_xen_unlock();
    return good;
}

bool xs_rm(struct xs_handle *connection, xs_transaction_t transaction, const char *path)
{
    bool good;

    (void)connection;
    (void)transaction;
    fake_xen_lock();
    good = !fails(path);
    if (good)
        remove_tree(whole(path));
    fake_xen_unlock();
    return good;
}

/* The name right below, of a node further down maybe; 0: it is the node itself. */
static size_t name_below(const char *node, const char *path, const char **name)
{
    const size_t length = strlen(path);

    if (!is_below(node, path) || node[length] == '\0')
        return 0;
    *name = node + length + 1;
    return strcspn(*name, "/");
}

static bool is_listed(char **names, unsigned count, const char *name, size_t length)
{
    unsigned i = 0;

    while (i < count && (strlen(names[i]) != length || strncmp(names[i], name, length) != 0))
        i++;
    return i < count;
}

/* In one piece of memory with their list. */
char **xs_directory(struct xs_handle *connection, xs_transaction_t transaction, const char *path,
                    unsigned *count)
{
    char **names = NULL, *next;

    (void)connection;
    (void)transaction;
    fake_xen_lock();
    path = whole(path);
    *count = 0;
    if (!fake_xen_fails()) {
        errno = ENOENT;
        if (count_below(path) != 0)
            names = calloc(1, NODES * (sizeof(*names) + TEXT));
    }
    next = (char *)(names + NODES);
    for (unsigned i = 0; names != NULL && i < tree.count; i++) {
        const char *name = NULL;
        const size_t length = name_below(tree.nodes[i].path, path, &name);

        if (length == 0 || is_listed(names, *count, name, length))
            continue;
        names[(*count)++] = next;
        memcpy(next, name, length);
        next += length + 1;
    }
    fake_xen_unlock();
    return names;
}

xs_transaction_t xs_transaction_start(struct xs_handle *connection)
{
    xs_transaction_t number = XBT_NULL;

    (void)connection;
    fake_xen_lock();
    if (!fake_xen_fails()) {
        before = tree;
        fake_xen.transactions++;
        number = 7;
    }
    fake_xen_unlock();
    return number;
}

bool xs_transaction_end(struct xs_handle *connection, xs_transaction_t transaction, bool give_up)
{
    bool good;

    (void)connection;
    (void)transaction;
    fake_xen_lock();
    fake_xen.transactions--;
    good = !fake_xen_fails();
    if (give_up || !good)
        tree = before;
    fake_xen_unlock();
    return good;
}

bool xs_watch(struct xs_handle *connection, const char *path, const char *token)
{
    const unsigned i = connection->watch_count;
    bool good;

    fake_xen_lock();
    good = !fails(path) && i < WATCHES;
    if (good) {
        snprintf(connection->watches[i].path, TEXT, "%s", path);
        snprintf(connection->watches[i].token, TEXT, "%s", token);
        connection->watch_count++;
        fake_xen.watches++;
        queue(connection, path, token);
    }
    fake_xen_unlock();
    return good;
}

bool xs_unwatch(struct xs_handle *connection, const char *path, const char *token)
{
    unsigned kept = 0;

    fake_xen_lock();
    for (unsigned i = 0; i < connection->watch_count; i++) {
        if (strcmp(connection->watches[i].path, path) != 0 ||
            strcmp(connection->watches[i].token, token) != 0)
            connection->watches[kept++] = connection->watches[i];
    }
    fake_xen.watches -= connection->watch_count - kept;
    connection->watch_count = kept;
    fake_xen_unlock();
    return true;
}

char **xs_check_watch(struct xs_handle *connection)
{
    char **event = NULL;

    fake_xen_lock();
    fake_xen_quiet(connection->bell);
    if (connection->event_count != 0)
        event = calloc(1, 2 * sizeof(*event) + sizeof(connection->events[0]));
    if (event != NULL) {
        memcpy(&event[2], &connection->events[0], sizeof(connection->events[0]));
        event[XS_WATCH_PATH] = (char *)&event[2];
        event[XS_WATCH_TOKEN] = event[XS_WATCH_PATH] + TEXT;
        connection->event_count--;
        memmove(&connection->events[0], &connection->events[1],
                connection->event_count * sizeof(connection->events[0]));
        if (connection->event_count != 0)
            fake_xen_ring(connection->bell);
    }
    fake_xen_unlock();
    return event;
}
