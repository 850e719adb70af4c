/* SPDX-License-Identifier: ISC */
/*
 * The platform of the life cycle's tests. What is not asked of it in these tests is a bug there.
 */
#include "fake_store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct blkfront_watch_set {
    struct fake *fake;
};

/* Counts a call that could fail; true if this one does. */
static bool fails(struct fake *fake)
{
    fake->calls++;
    if (fake->fail_at == 0 ||
        !(fake->calls == fake->fail_at || (fake->fail_ever_after && fake->calls > fake->fail_at)))
        return false;
    fake->failures++;
    return true;
}

void fake_fail(struct fake *fake, unsigned nth, bool ever_after, int result)
{
    fake->calls = 0;
    fake->failures = 0;
    fake->fail_at = nth;
    fake->fail_ever_after = ever_after;
    fake->fail_result = result;
}

/* ---- the tree ---- */

static bool is_below(const char *path, const char *ancestor)
{
    size_t length = strlen(ancestor);

    return strncmp(path, ancestor, length) == 0 && path[length] == '/';
}

static struct fake_node *find(struct fake_tree *tree, const char *path)
{
    for (size_t i = 0; i < tree->count; i++) {
        if (strcmp(tree->nodes[i].path, path) == 0)
            return &tree->nodes[i];
    }
    return NULL;
}

static bool tree_has(const struct fake_tree *tree, const char *path)
{
    for (size_t i = 0; i < tree->count; i++) {
        if (strcmp(tree->nodes[i].path, path) == 0 || is_below(tree->nodes[i].path, path))
            return true;
    }
    return false;
}

static void tree_set(struct fake_tree *tree, const char *path, const char *value, size_t length)
{
    struct fake_node *node = find(tree, path);

    if (node == NULL) {
        if (tree->count == FAKE_NODES || strlen(path) >= FAKE_PATH)
            abort();
        node = &tree->nodes[tree->count++];
        memcpy(node->path, path, strlen(path) + 1);
    }
    if (length >= FAKE_VALUE)
        abort();
    memcpy(node->value, value, length);
    node->value[length] = '\0';
    node->length = length;
}

static bool tree_remove(struct fake_tree *tree, const char *path)
{
    size_t kept = 0;
    size_t before = tree->count;

    for (size_t i = 0; i < tree->count; i++) {
        if (strcmp(tree->nodes[i].path, path) != 0 && !is_below(tree->nodes[i].path, path))
            tree->nodes[kept++] = tree->nodes[i];
    }
    tree->count = kept;
    return kept != before;
}

static void fire(struct fake *fake, const char *path, bool removed)
{
    for (size_t i = 0; i < FAKE_WATCHES; i++) {
        struct fake_watch *watch = &fake->watches[i];

        if (watch->set == NULL)
            continue;
        if (strcmp(path, watch->path) == 0 || is_below(path, watch->path) ||
            (removed && is_below(watch->path, path)))
            watch->fired++;
    }
}

static void record(struct fake *fake, const char *path, const char *value)
{
    if (fake->recorded == NULL || strcmp(path, fake->recorded) != 0 ||
        fake->history_count == FAKE_HISTORY)
        return;
    snprintf(fake->history[fake->history_count++], sizeof(fake->history[0]), "%.7s", value);
}

void fake_set(struct fake *fake, const char *path, const char *value)
{
    tree_set(&fake->tree, path, value, strlen(value));
    fake->changes++;
    fire(fake, path, false);
}

void fake_remove(struct fake *fake, const char *path)
{
    if (!tree_remove(&fake->tree, path))
        return;
    fake->changes++;
    fire(fake, path, true);
}

const char *fake_get(const struct fake *fake, const char *path)
{
    for (size_t i = 0; i < fake->tree.count; i++) {
        if (strcmp(fake->tree.nodes[i].path, path) == 0)
            return fake->tree.nodes[i].value;
    }
    return NULL;
}

size_t fake_below(const struct fake *fake, const char *path)
{
    size_t count = 0;

    for (size_t i = 0; i < fake->tree.count; i++)
        count += is_below(fake->tree.nodes[i].path, path);
    return count;
}

/* ---- XenStore's calls ---- */

static struct fake_tree *tree_of(struct fake *fake, blkfront_transaction transaction)
{
    if ((transaction != 0) != fake->in_transaction && transaction != 0)
        abort();
    return transaction != 0 ? &fake->draft : &fake->tree;
}

static int own_domid(void *context, uint16_t *domid)
{
    struct fake *fake = context;

    if (fails(fake))
        return fake->fail_result;
    *domid = fake->domid;
    return 0;
}

static int store_read(void *context, blkfront_transaction transaction, const char *path,
                      char *buffer, size_t size, size_t *length)
{
    struct fake *fake = context;
    const struct fake_node *node = find(tree_of(fake, transaction), path);

    if (fails(fake))
        return fake->fail_result;
    if (node == NULL)
        return BLKFRONT_PLATFORM_NO_ENTRY;
    if (node->length > size)
        return BLKFRONT_PLATFORM_TOO_LONG;
    memcpy(buffer, node->value, node->length);
    *length = node->length;
    return 0;
}

static int store_write(void *context, blkfront_transaction transaction, const char *path,
                       const char *value, size_t length)
{
    struct fake *fake = context;

    if (fails(fake))
        return fake->fail_result;
    tree_set(tree_of(fake, transaction), path, value, length);
    if (transaction == 0) {
        fake->changes++;
        record(fake, path, fake_get(fake, path));
        fire(fake, path, false);
    }
    return 0;
}

static int store_remove(void *context, blkfront_transaction transaction, const char *path)
{
    struct fake *fake = context;

    if (fails(fake))
        return fake->fail_result;
    if (!tree_remove(tree_of(fake, transaction), path))
        return BLKFRONT_PLATFORM_NO_ENTRY;
    if (transaction == 0) {
        fake->changes++;
        fire(fake, path, true);
    }
    return 0;
}

static int store_list(void *context, blkfront_transaction transaction, const char *path,
                      char *buffer, size_t size, size_t *length)
{
    struct fake *fake = context;
    struct fake_tree *tree = tree_of(fake, transaction);
    size_t used = 0;

    if (fails(fake))
        return fake->fail_result;
    if (!tree_has(tree, path))
        return BLKFRONT_PLATFORM_NO_ENTRY;
    for (size_t i = 0; i < tree->count; i++) {
        const char *name = tree->nodes[i].path + strlen(path) + 1;
        bool seen = false;
        size_t name_length;

        if (!is_below(tree->nodes[i].path, path))
            continue;
        name_length = strcspn(name, "/");
        for (size_t at = 0; at < used; at += strlen(buffer + at) + 1) {
            if (strlen(buffer + at) == name_length && strncmp(buffer + at, name, name_length) == 0)
                seen = true;
        }
        if (seen)
            continue;
        if (used + name_length + 1 > size)
            return BLKFRONT_PLATFORM_TOO_LONG;
        memcpy(buffer + used, name, name_length);
        used += name_length;
        buffer[used++] = '\0';
    }
    *length = used;
    return 0;
}

static int transaction_start(void *context, blkfront_transaction *transaction)
{
    struct fake *fake = context;

    if (fails(fake))
        return fake->fail_result;
    if (fake->in_transaction)
        abort();
    fake->in_transaction = true;
    fake->draft = fake->tree;
    fake->draft_base = fake->changes;
    *transaction = 7;
    return 0;
}

/* What a commit has changed becomes visible at once, and fires after it. */
static void commit(struct fake *fake)
{
    static struct fake_tree old;

    old = fake->tree;
    fake->tree = fake->draft;
    fake->changes++;
    fake->commits++;
    for (size_t i = 0; i < old.count; i++) {
        if (find(&fake->tree, old.nodes[i].path) == NULL)
            fire(fake, old.nodes[i].path, true);
    }
    for (size_t i = 0; i < fake->tree.count; i++) {
        const struct fake_node *node = &fake->tree.nodes[i];
        const struct fake_node *was = find(&old, node->path);

        if (was != NULL && was->length == node->length &&
            memcmp(was->value, node->value, node->length) == 0)
            continue;
        record(fake, node->path, node->value);
        fire(fake, node->path, false);
    }
}

static int transaction_end(void *context, blkfront_transaction transaction, bool wanted)
{
    struct fake *fake = context;

    if (transaction != 7 || !fake->in_transaction)
        abort();
    fake->in_transaction = false;
    if (fails(fake))
        return fake->fail_result;
    if (!wanted)
        return 0;
    if (fake->again > 0 || fake->changes != fake->draft_base) {
        fake->again -= fake->again > 0;
        return BLKFRONT_PLATFORM_AGAIN;
    }
    commit(fake);
    return 0;
}

/* ---- watches ---- */

static int watches_open(void *context, struct blkfront_watch_set **set)
{
    struct fake *fake = context;
    struct blkfront_watch_set *opened;

    if (fails(fake))
        return fake->fail_result;
    opened = malloc(sizeof(*opened));
    if (opened == NULL)
        abort();
    opened->fake = fake;
    fake->sets_open++;
    *set = opened;
    return 0;
}

static void watches_close(void *context, struct blkfront_watch_set *set)
{
    struct fake *fake = context;

    for (size_t i = 0; i < FAKE_WATCHES; i++) {
        if (fake->watches[i].set == set)
            fake->watches[i] = (struct fake_watch){.set = NULL};
    }
    fake->sets_open--;
    free(set);
}

static int watch(void *context, struct blkfront_watch_set *set, const char *path, uint32_t token)
{
    struct fake *fake = context;

    if (fails(fake))
        return fake->fail_result;
    for (size_t i = 0; i < FAKE_WATCHES; i++) {
        struct fake_watch *slot = &fake->watches[i];

        if (slot->set != NULL)
            continue;
        slot->set = set;
        snprintf(slot->path, sizeof(slot->path), "%s", path);
        slot->token = token;
        slot->fired = 1;
        return 0;
    }
    return BLKFRONT_PLATFORM_NO_MEMORY;
}

static int unwatch(void *context, struct blkfront_watch_set *set, const char *path, uint32_t token)
{
    struct fake *fake = context;

    if (fails(fake))
        return fake->fail_result;
    for (size_t i = 0; i < FAKE_WATCHES; i++) {
        struct fake_watch *slot = &fake->watches[i];

        if (slot->set == set && slot->token == token && strcmp(slot->path, path) == 0) {
            *slot = (struct fake_watch){.set = NULL};
            return 0;
        }
    }
    return BLKFRONT_PLATFORM_NO_ENTRY;
}

static int watch_fired(void *context, struct blkfront_watch_set *set, uint32_t *token)
{
    struct fake *fake = context;

    for (size_t i = 0; i < FAKE_WATCHES; i++) {
        if (fake->watches[i].set == set && fake->watches[i].fired > 0) {
            fake->watches[i].fired--;
            *token = fake->watches[i].token;
            return 1;
        }
    }
    return 0;
}

static void watches_wake(void *context, struct blkfront_watch_set *set)
{
    struct fake *fake = context;

    if (set == NULL)
        abort();
    fake->woken = true;
}

size_t fake_watch_count(const struct fake *fake)
{
    size_t count = 0;

    for (size_t i = 0; i < FAKE_WATCHES; i++)
        count += fake->watches[i].set != NULL;
    return count;
}

/* ---- time and host ---- */

static uint64_t now(void *context)
{
    const struct fake *fake = context;

    return fake->now_ns;
}

static int fake_wait(void *context, uint64_t deadline_ns)
{
    struct fake *fake = context;

    if (fake->wait_result != 0)
        return fake->wait_result;
    if (fake->woken) {
        fake->woken = false;
        return 0;
    }
    if (fake->world != NULL && fake->world(fake))
        return 0;
    if (deadline_ns == BLKFRONT_PLATFORM_FOREVER)
        return BLKFRONT_PLATFORM_IO; /* nothing will ever happen: the test would hang */
    if (deadline_ns > fake->now_ns)
        fake->now_ns = deadline_ns;
    return BLKFRONT_PLATFORM_TIMED_OUT;
}

static void *allocate(void *context, size_t size)
{
    struct fake *fake = context;
    void *memory;

    if (fails(fake))
        return NULL;
    memory = calloc(1, size);
    if (memory == NULL)
        abort();
    fake->blocks++;
    return memory;
}

static void release(void *context, void *memory, size_t size)
{
    struct fake *fake = context;

    memset(memory, 0xa5, size); /* dies under ASan if the size is not the block's */
    free(memory);
    fake->blocks--;
}

static void keep_log(void *context, const char *line)
{
    struct fake *fake = context;

    snprintf(fake->last_log, sizeof(fake->last_log), "%s", line);
}

static void bug(void *context, const char *where)
{
    (void)context;
    fprintf(stderr, "bug: %s\n", where);
    abort();
}

/* ---- never called in these tests, but required ---- */

static int no_share(void *context, uint16_t domid, uint32_t count, bool writable, void **address,
                    uint32_t *refs)
{
    (void)context, (void)domid, (void)count, (void)writable, (void)address, (void)refs;
    abort();
}

static int no_unshare(void *context, void *address, uint32_t count)
{
    (void)context, (void)address, (void)count;
    abort();
}

static int no_open(void *context, struct blkfront_channel_set **set)
{
    (void)context, (void)set;
    abort();
}

static void no_close(void *context, struct blkfront_channel_set *set)
{
    (void)context, (void)set;
    abort();
}

static int no_port_allocate(void *context, struct blkfront_channel_set *set, uint16_t domid,
                            uint32_t *port)
{
    (void)context, (void)set, (void)domid, (void)port;
    abort();
}

static void no_port_close(void *context, struct blkfront_channel_set *set, uint32_t port)
{
    (void)context, (void)set, (void)port;
    abort();
}

static int no_port(void *context, struct blkfront_channel_set *set, uint32_t port)
{
    (void)context, (void)set, (void)port;
    abort();
}

static int no_port_pending(void *context, struct blkfront_channel_set *set, uint32_t *port)
{
    (void)context, (void)set, (void)port;
    abort();
}

/* ---- the whole ---- */

void fake_init(struct fake *fake)
{
    memset(fake, 0, sizeof(*fake));
    fake->domid = 3;
    fake->now_ns = 1000;
    fake->platform = (struct blkfront_platform){
        .version = BLKFRONT_PLATFORM_VERSION,
        .size = sizeof(fake->platform),
        .context = fake,
        .share = no_share,
        .unshare = no_unshare,
        .channels_open = no_open,
        .channels_close = no_close,
        .port_allocate = no_port_allocate,
        .port_close = no_port_close,
        .port_notify = no_port,
        .port_pending = no_port_pending,
        .port_unmask = no_port,
        .channels_wake = no_close,
        .own_domid = own_domid,
        .store_read = store_read,
        .store_write = store_write,
        .store_remove = store_remove,
        .store_list = store_list,
        .transaction_start = transaction_start,
        .transaction_end = transaction_end,
        .watches_open = watches_open,
        .watches_close = watches_close,
        .watch = watch,
        .unwatch = unwatch,
        .watch_fired = watch_fired,
        .watches_wake = watches_wake,
        .now = now,
        .wait = fake_wait,
        .allocate = allocate,
        .free = release,
        .log = keep_log,
        .bug = bug,
    };
}

const char *fake_history(const struct fake *fake)
{
    static char text[FAKE_HISTORY * 9];
    size_t used = 0;

    text[0] = '\0';
    for (size_t i = 0; i < fake->history_count; i++)
        used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%s", i == 0 ? "" : " ",
                                 fake->history[i]);
    return text;
}

bool fake_is_clean(const struct fake *fake)
{
    return fake->blocks == 0 && fake->sets_open == 0 && fake_watch_count(fake) == 0 &&
           !fake->in_transaction;
}
