/* SPDX-License-Identifier: ISC */
/*
 * The simulated XenStore as a domain meets it: every call is checked here for its path, the
 * domain's rights and its quotas (limits of xenstored 4.17), done on the store or in a transaction,
 * and told as an event. Children are listed in the order in which they were made, as xenstored
 * does.
 */
#include "xenstore_internal.h"

#include <string.h>

int store_reset(struct simback_world *world)
{
    memset(&world->store, 0, sizeof(world->store));
    world->store.next_transaction = 1;
    world->store.late_actor = SIMBACK_NO_ACTOR;
    world->store.root = store_tree_new(world);
    return world->store.root == NULL ? BLKFRONT_PLATFORM_NO_MEMORY : 0;
}

void store_tell(const struct domain *domain, enum simback_event_kind kind, const char *path,
                uint64_t a, uint64_t b, const void *bytes, size_t length, int result)
{
    if (world_listens(domain->world))
        simback_emit(domain->world, &(struct simback_event){.kind = kind,
                                                            .domid = domain->domid,
                                                            .device = domain->world->entered,
                                                            .a = a,
                                                            .b = b,
                                                            .path = path,
                                                            .bytes = bytes,
                                                            .length = bytes == NULL ? 0 : length,
                                                            .result = result});
}

/* ---- rights ---- */

bool store_may(const struct store_node *node, const struct domain *domain, int need)
{
    int may = node->permissions[0].may;

    if (domain->domid == SIMBACK_DOM0 || node->permissions[0].domid == domain->domid)
        return true;
    for (uint8_t i = 1; i < node->permission_count; i++) {
        if (node->permissions[i].domid == domain->domid)
            may = node->permissions[i].may;
    }
    return (may & need) == need;
}

static int check(const struct store_place *place, const struct domain *domain, int need)
{
    if (!store_may(place->node, domain, need))
        return BLKFRONT_PLATFORM_DENIED;
    return store_is_there(place) ? 0 : BLKFRONT_PLATFORM_NO_ENTRY;
}

int store_check(struct store_node *root, const struct domain *domain, const char *path, int need)
{
    struct store_place place;

    return store_tree_look(root, path, &place) ? check(&place, domain, need)
                                               : BLKFRONT_PLATFORM_INVALID;
}

/* ---- quotas ---- */

static uint64_t missing_nodes(const struct store_place *place, const char *path)
{
    uint64_t missing = 0;

    for (size_t i = place->found; i < place->length; i++)
        missing += path[i] == '/';
    return missing;
}

/* A node's record in xenstored: a header, the permissions, the value, the names of the children. */
static size_t record_size(const struct store_node *node, size_t value_length)
{
    size_t size = 20 + 8u * (node == NULL ? 2u : node->permission_count) + value_length;

    for (uint32_t i = 0; node != NULL && i < node->child_count; i++)
        size += node->children[i]->name_length + 1u;
    return size;
}

static int check_quotas(const struct domain *domain, const struct store_transaction *transaction,
                        const struct store_place *place, uint64_t missing, size_t length)
{
    uint64_t nodes = domain->store_nodes + missing;

    if (domain->domid == SIMBACK_DOM0)
        return 0;
    if (transaction != NULL)
        nodes += transaction->nodes_made;
    if (nodes > store_quota(domain->world, STORE_QUOTA_NODES) && missing != 0)
        return BLKFRONT_PLATFORM_NO_MEMORY;
    if (record_size(store_is_there(place) ? place->node : NULL, length) > STORE_QUOTA_NODE_SIZE)
        return BLKFRONT_PLATFORM_NO_MEMORY;
    return 0;
}

/* ---- calls ---- */

/* What a call works on: the store, or a transaction's view of it. */
static int begin(const struct domain *domain, uint32_t id, const char *path,
                 struct store_transaction **transaction, struct store_place *place)
{
    struct store_node *root = domain->world->store.root;

    *transaction = NULL;
    if (id != 0) {
        *transaction = store_transaction_find(domain, id);
        if (*transaction == NULL)
            return BLKFRONT_PLATFORM_INVALID;
        root = (*transaction)->root;
    }
    if (!store_tree_look(root, path, place))
        return BLKFRONT_PLATFORM_INVALID;
    return id == 0 ? 0 : store_transaction_access(*transaction, path);
}

static int read_node(struct domain *domain, uint32_t id, const char *path, struct store_node **node)
{
    struct store_transaction *transaction;
    struct store_place place;
    int result = begin(domain, id, path, &transaction, &place);

    if (result == 0)
        result = check(&place, domain, STORE_CAN_READ);
    if (result == 0)
        *node = place.node;
    return result;
}

int xenstore_read(struct domain *domain, uint32_t id, const char *path, char *buffer, size_t size,
                  size_t *length)
{
    struct store_node *node = NULL;
    int result = read_node(domain, id, path, &node);

    if (result == 0 && (node->value_length > size || node->value_length > STORE_PAYLOAD_MAX))
        result = BLKFRONT_PLATFORM_TOO_LONG;
    if (result == 0) {
        if (node->value_length != 0)
            memcpy(buffer, node->value, node->value_length);
        *length = node->value_length;
    }
    store_tell(domain, SIMBACK_STORE_READ, path, id, 0, result == 0 ? buffer : NULL,
               result == 0 ? *length : 0, result);
    return result;
}

static int list_children(const struct store_node *node, char *buffer, size_t size, size_t *length)
{
    size_t at = 0;

    for (uint32_t i = 0; i < node->child_count; i++) {
        size_t name_size = node->children[i]->name_length + 1u;

        if (at + name_size > size || at + name_size > STORE_PAYLOAD_MAX)
            return BLKFRONT_PLATFORM_TOO_LONG;
        memcpy(buffer + at, node->children[i]->name, name_size);
        at += name_size;
    }
    *length = at;
    return 0;
}

int xenstore_list(struct domain *domain, uint32_t id, const char *path, char *buffer, size_t size,
                  size_t *length)
{
    struct store_node *node = NULL;
    int result = read_node(domain, id, path, &node);

    if (result == 0)
        result = list_children(node, buffer, size, length);
    store_tell(domain, SIMBACK_STORE_LIST, path, id, 0, result == 0 ? buffer : NULL,
               result == 0 ? *length : 0, result);
    return result;
}

static int write_node(struct domain *domain, uint32_t id, const char *path, const void *value,
                      size_t length)
{
    struct store_transaction *transaction;
    struct store_place place;
    uint64_t missing;
    int result = begin(domain, id, path, &transaction, &place);

    if (result != 0)
        return result;
    if (place.length + 1 + length > STORE_PAYLOAD_MAX)
        return BLKFRONT_PLATFORM_TOO_LONG;
    if (!store_may(place.node, domain, STORE_CAN_WRITE))
        return BLKFRONT_PLATFORM_DENIED;
    missing = missing_nodes(&place, path);
    result = check_quotas(domain, transaction, &place, missing, length);
    if (result != 0)
        return result;
    if (transaction == NULL)
        return store_apply_write(domain->world, domain->domid, path, value, length);
    transaction->nodes_made += missing;
    return store_transaction_write(transaction, &place, path, value, length);
}

int xenstore_write(struct domain *domain, uint32_t id, const char *path, const void *value,
                   size_t length)
{
    int result = write_node(domain, id, path, value, length);

    store_tell(domain, SIMBACK_STORE_WRITE, path, id, 0, value, length, result);
    return result;
}

static int remove_node(struct domain *domain, uint32_t id, const char *path)
{
    struct store_transaction *transaction;
    struct store_place place;
    int result = begin(domain, id, path, &transaction, &place);

    if (result == 0)
        result = check(&place, domain, STORE_CAN_WRITE);
    if (result == 0 && path[1] == 0)
        result = BLKFRONT_PLATFORM_INVALID;
    if (result != 0)
        return result;
    return transaction == NULL ? store_apply_remove(domain->world, path)
                               : store_transaction_remove(transaction, path);
}

int xenstore_remove(struct domain *domain, uint32_t id, const char *path)
{
    int result = remove_node(domain, id, path);

    store_tell(domain, SIMBACK_STORE_REMOVE, path, id, 0, NULL, 0, result);
    return result;
}

int store_apply_write(struct simback_world *world, uint16_t writer, const char *path,
                      const void *value, size_t length)
{
    int result = store_tree_write(world, &world->store.root, writer, path, value, length, true);

    if (result == 0)
        store_watches_fire(world, path, false);
    return result;
}

/* Watchers are told while the nodes are there: their rights to hear of it are the nodes'. */
int store_apply_remove(struct simback_world *world, const char *path)
{
    store_watches_fire(world, path, true);
    return store_tree_remove(world, &world->store.root, path, true);
}

/* ---- with domain 0's rights ---- */

/* These calls are no device's. */
static struct domain *enter_dom0(struct simback_world *world, uint16_t *entered)
{
    *entered = world->entered;
    world->entered = SIMBACK_NO_DEVICE;
    return domain_get(world, SIMBACK_DOM0);
}

int simback_store_write(struct simback_world *world, const char *path, const void *value,
                        size_t length)
{
    uint16_t entered;
    struct domain *domain = enter_dom0(world, &entered);
    int result = domain == NULL ? BLKFRONT_PLATFORM_NO_MEMORY
                                : xenstore_write(domain, 0, path, value, length);

    world->entered = entered;
    return result;
}

/* The whole length is told also when it does not fit, so the copy is made here. */
int simback_store_read(struct simback_world *world, const char *path, void *buffer, size_t size,
                       size_t *length)
{
    uint16_t entered;
    struct domain *domain = enter_dom0(world, &entered);
    struct store_place place;

    world->entered = entered;
    if (domain == NULL)
        return BLKFRONT_PLATFORM_NO_MEMORY;
    if (!store_tree_look(world->store.root, path, &place))
        return BLKFRONT_PLATFORM_INVALID;
    if (!store_is_there(&place))
        return BLKFRONT_PLATFORM_NO_ENTRY;
    *length = place.node->value_length;
    if (size > place.node->value_length)
        size = place.node->value_length;
    if (size != 0)
        memcpy(buffer, place.node->value, size);
    return 0;
}

int simback_store_peek(struct simback_world *world, const char *path, void *buffer, size_t size,
                       size_t *length)
{
    const struct domain *guest = domain_get(world, world->guest);
    int result;

    if (guest == NULL)
        return BLKFRONT_PLATFORM_NO_MEMORY;
    if (store_fault_holds(world, path))
        return BLKFRONT_PLATFORM_DENIED;
    /* Where Xen is real, it alone has the rights. */
    result = world->options.live ? 0 : store_check(world->store.root, guest, path, STORE_CAN_READ);
    return result != 0 ? result : simback_store_read(world, path, buffer, size, length);
}

int simback_store_remove(struct simback_world *world, const char *path)
{
    uint16_t entered;
    struct domain *domain = enter_dom0(world, &entered);
    int result = domain == NULL ? BLKFRONT_PLATFORM_NO_MEMORY : xenstore_remove(domain, 0, path);

    world->entered = entered;
    return result;
}

/* The node is there. */
static int permit(struct simback_world *world, const char *path, uint16_t owner, uint16_t reader)
{
    const struct store_permission permissions[] = {{owner, 0}, {reader, STORE_CAN_READ}};
    const uint8_t count = owner == reader ? 1 : 2;
    const int result = store_tree_permit(world, &world->store.root, path, permissions, count);

    if (result == 0)
        store_watches_fire(world, path, false);
    return result;
}

int simback_store_permit(struct simback_world *world, const char *path, uint16_t owner,
                         uint16_t reader)
{
    int result = 0;

    if (store_path_length(path) == 0)
        return BLKFRONT_PLATFORM_INVALID;
    if (store_tree_find(world->store.root, path) == NULL)
        result = simback_store_write(world, path, "", 0);
    return result != 0 ? result : permit(world, path, owner, reader);
}

/* `path` has room for the longest one. Permissions may copy nodes, so each is found anew. */
static int permit_tree(struct simback_world *world, char *path, uint16_t owner, uint16_t reader)
{
    const size_t length = strlen(path);
    int result = permit(world, path, owner, reader);

    for (uint32_t i = 0; result == 0; i++) {
        const struct store_node *node = store_tree_find(world->store.root, path);
        const struct store_node *child;

        if (node == NULL || i >= node->child_count)
            break;
        child = node->children[i];
        path[length] = '/';
        memcpy(path + length + 1, child->name, child->name_length + 1u);
        result = permit_tree(world, path, owner, reader);
        path[length] = '\0';
    }
    return result;
}

int simback_store_permit_below(struct simback_world *world, const char *path, uint16_t owner,
                               uint16_t reader)
{
    char tree[STORE_PATH_MAX + 1];

    if (store_path_length(path) == 0)
        return BLKFRONT_PLATFORM_INVALID;
    if (store_tree_find(world->store.root, path) == NULL)
        return BLKFRONT_PLATFORM_NO_ENTRY;
    memcpy(tree, path, strlen(path) + 1);
    return permit_tree(world, tree, owner, reader);
}
