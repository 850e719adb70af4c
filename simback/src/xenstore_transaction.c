/* SPDX-License-Identifier: ISC */
/*
 * Transactions of the simulated XenStore. One sees the store as it was when it began, with its own
 * changes. Commit looks at every node that it read or wrote: if others have changed one meanwhile
 * the answer is AGAIN and nothing has happened; otherwise its changes are made one by one and the
 * watches fire.
 */
#include "xenstore_internal.h"

#include <string.h>

struct store_transaction *store_transaction_find(const struct domain *domain, uint32_t id)
{
    struct store_transaction *transaction = domain->world->store.transactions;

    while (transaction != NULL && (transaction->id != id || transaction->domain != domain))
        transaction = transaction->next;
    return transaction;
}

static int start(struct domain *domain, uint32_t *id)
{
    struct simback_world *world = domain->world;
    struct store_transaction *transaction;

    if (domain->domid != SIMBACK_DOM0 && domain->ledger.transactions >= STORE_QUOTA_TRANSACTIONS)
        return BLKFRONT_PLATFORM_NO_MEMORY;
    transaction = simback_allocate(world, sizeof(*transaction));
    if (transaction == NULL)
        return BLKFRONT_PLATFORM_NO_MEMORY;
    transaction->domain = domain;
    transaction->id = world->store.next_transaction++;
    transaction->base = transaction->root = world->store.root;
    transaction->base->holders += 2;
    transaction->changes_end = &transaction->changes;
    transaction->next = world->store.transactions;
    world->store.transactions = transaction;
    domain->ledger.transactions++;
    *id = transaction->id;
    return 0;
}

int store_transaction_start(struct domain *domain, uint32_t *id)
{
    uint32_t made = 0;
    int result = start(domain, &made);

    store_tell(domain, SIMBACK_TRANSACTION_START, NULL, made, 0, NULL, 0, result);
    if (result == 0)
        *id = made;
    return result;
}

int store_transaction_access(struct store_transaction *transaction, const char *path)
{
    struct simback_world *world = transaction->domain->world;
    size_t size = strlen(path) + 1;
    struct store_access *access;

    for (access = transaction->accesses; access != NULL; access = access->next) {
        if (access->path_size == size && memcmp(access->path, path, size) == 0)
            return 0;
    }
    if (transaction->domain->domid != SIMBACK_DOM0 &&
        transaction->access_count >= STORE_QUOTA_ACCESSED)
        return BLKFRONT_PLATFORM_NO_MEMORY;
    access = simback_allocate(world, sizeof(*access) + size);
    if (access == NULL)
        return BLKFRONT_PLATFORM_NO_MEMORY;
    access->path_size = (uint32_t)size;
    memcpy(access->path, path, size);
    access->next = transaction->accesses;
    transaction->accesses = access;
    transaction->access_count++;
    return 0;
}

static int add_change(struct store_transaction *transaction, const char *path, const void *value,
                      size_t length, bool remove)
{
    size_t path_size = strlen(path) + 1;
    struct store_change *change =
        simback_allocate(transaction->domain->world, sizeof(*change) + path_size + length);

    if (change == NULL)
        return BLKFRONT_PLATFORM_NO_MEMORY;
    change->remove = remove;
    change->path_size = (uint32_t)path_size;
    change->length = (uint32_t)length;
    memcpy(change->bytes, path, path_size);
    if (length != 0)
        memcpy(change->bytes + path_size, value, length);
    *transaction->changes_end = change;
    transaction->changes_end = &change->next;
    return 0;
}

/* A node that gets or loses a child has changed too. */
static int access_nearest(struct store_transaction *transaction, const struct store_place *place,
                          const char *path)
{
    char above[STORE_PATH_MAX + 1];

    if (store_is_there(place))
        return 0;
    memcpy(above, path, place->found);
    above[place->found] = 0;
    return store_transaction_access(transaction, place->found == 0 ? "/" : above);
}

static int access_parent(struct store_transaction *transaction, const char *path)
{
    char above[STORE_PATH_MAX + 1];
    size_t length = (size_t)(strrchr(path, '/') - path);

    memcpy(above, path, length);
    above[length] = 0;
    return store_transaction_access(transaction, length == 0 ? "/" : above);
}

int store_transaction_write(struct store_transaction *transaction, const struct store_place *place,
                            const char *path, const void *value, size_t length)
{
    struct domain *domain = transaction->domain;
    int result = access_nearest(transaction, place, path);

    if (result == 0)
        result = add_change(transaction, path, value, length, false);
    if (result == 0)
        result = store_tree_write(domain->world, &transaction->root, domain->domid, path, value,
                                  length, false);
    return result;
}

int store_transaction_remove(struct store_transaction *transaction, const char *path)
{
    struct domain *domain = transaction->domain;
    int result = access_parent(transaction, path);

    if (result == 0)
        result = add_change(transaction, path, NULL, 0, true);
    if (result == 0)
        result = store_tree_remove(domain->world, &transaction->root, path, false);
    return result;
}

static uint64_t generation_at(struct store_node *root, const char *path)
{
    const struct store_node *node = store_tree_find(root, path);

    return node == NULL ? UINT64_MAX : node->generation;
}

static bool conflicts(const struct store_transaction *transaction)
{
    struct store_node *root = transaction->domain->world->store.root;

    if (root == transaction->base)
        return false;
    for (const struct store_access *access = transaction->accesses; access != NULL;
         access = access->next) {
        if (generation_at(transaction->base, access->path) != generation_at(root, access->path))
            return true;
    }
    return false;
}

static void drop_views(struct store_transaction *transaction)
{
    struct simback_world *world = transaction->domain->world;

    store_tree_drop(world, transaction->root);
    store_tree_drop(world, transaction->base);
    transaction->root = transaction->base = NULL;
}

/* Nobody needs its views any more, and what only the store holds is changed without a copy. */
static int commit(struct store_transaction *transaction)
{
    struct simback_world *world = transaction->domain->world;
    int result = 0;

    drop_views(transaction);
    for (const struct store_change *change = transaction->changes; change != NULL && result == 0;
         change = change->next) {
        if (change->remove)
            result = store_apply_remove(world, change->bytes);
        else
            result = store_apply_write(world, transaction->domain->domid, change->bytes,
                                       change->bytes + change->path_size, change->length);
    }
    return result;
}

static void forget(struct store_transaction *transaction)
{
    struct simback_world *world = transaction->domain->world;
    struct store_transaction **link = &world->store.transactions;

    while (*link != transaction)
        link = &(*link)->next;
    *link = transaction->next;
    while (transaction->changes != NULL) {
        struct store_change *change = transaction->changes;

        transaction->changes = change->next;
        simback_free(world, change, sizeof(*change) + change->path_size + change->length);
    }
    while (transaction->accesses != NULL) {
        struct store_access *access = transaction->accesses;

        transaction->accesses = access->next;
        simback_free(world, access, sizeof(*access) + access->path_size);
    }
    drop_views(transaction);
    transaction->domain->ledger.transactions--;
    simback_free(world, transaction, sizeof(*transaction));
}

int store_transaction_end(struct domain *domain, uint32_t id, bool do_commit)
{
    struct store_transaction *transaction = store_transaction_find(domain, id);
    int result = 0;

    if (transaction == NULL)
        result = BLKFRONT_PLATFORM_INVALID;
    else if (do_commit && conflicts(transaction))
        result = BLKFRONT_PLATFORM_AGAIN;
    else if (do_commit)
        result = commit(transaction);
    if (transaction != NULL)
        forget(transaction);
    store_tell(domain, SIMBACK_TRANSACTION_END, NULL, id, do_commit, NULL, 0, result);
    return result;
}

int store_transaction_refuse(struct domain *domain, uint32_t id)
{
    struct store_transaction *transaction = store_transaction_find(domain, id);
    int result = transaction == NULL ? BLKFRONT_PLATFORM_INVALID : BLKFRONT_PLATFORM_AGAIN;

    if (transaction != NULL)
        forget(transaction);
    store_tell(domain, SIMBACK_TRANSACTION_END, NULL, id, true, NULL, 0, result);
    return result;
}
