/* SPDX-License-Identifier: ISC */
/*
 * The tree of the simulated XenStore. A node that a snapshot holds too is copied before it is
 * changed, from the root down, so a transaction begins with nothing but one more holder of the
 * root. Who may do what, and who hears of it, is not known here.
 */
#include "xenstore_internal.h"

#include <string.h>

/* ---- paths ---- */

/* Every call of XenStore asks this of each byte of its path: a bit for each character below 128. */
static bool is_name_character(char c)
{
    static const uint64_t bits[2] = {
        UINT64_C(0x3ff) << '0' | UINT64_C(1) << '-',
        UINT64_C(0x3ffffff) << ('A' - 64) | UINT64_C(0x3ffffff) << ('a' - 64) |
            UINT64_C(1) << ('_' - 64) | UINT64_C(1) << ('@' - 64),
    };
    const unsigned char byte = (unsigned char)c;

    return byte < 128 && (bits[byte / 64] >> byte % 64 & 1) != 0;
}

/* The length of the name that begins here; 0: it is none. */
static size_t length_of_name(const char *name)
{
    size_t length = 0;

    while (is_name_character(name[length]))
        length++;
    return name[length] == '/' || name[length] == 0 ? length : 0;
}

size_t store_path_length(const char *path)
{
    struct store_place place;

    return store_tree_look(NULL, path, &place) ? place.length : 0;
}

/* The next name of the path from *at on; false at its end. */
static bool next_name(const char *path, size_t *at, const char **name, size_t *length)
{
    while (path[*at] == '/')
        (*at)++;
    if (path[*at] == 0)
        return false;
    *name = path + *at;
    *length = 0;
    while ((*name)[*length] != '/' && (*name)[*length] != 0)
        (*length)++;
    *at += *length;
    return true;
}

/* ---- nodes ---- */

static struct store_node *new_node(struct simback_world *world, const char *name, size_t length)
{
    struct store_node *node = simback_allocate(world, sizeof(*node) + length + 1);

    if (node == NULL)
        return NULL;
    node->holders = 1;
    node->name_length = (uint16_t)length;
    memcpy(node->name, name, length);
    return node;
}

struct store_node *store_tree_new(struct simback_world *world)
{
    struct store_node *root = new_node(world, "", 0);

    if (root != NULL)
        root->permission_count = 1; /* domain 0's; nobody else may do anything */
    return root;
}

void store_tree_drop(struct simback_world *world, struct store_node *node)
{
    if (node == NULL || --node->holders != 0)
        return;
    for (uint32_t i = 0; i < node->child_count; i++)
        store_tree_drop(world, node->children[i]);
    simback_free(world, node->children, node->child_capacity * sizeof(struct store_node *));
    simback_free(world, node->value, node->value_length);
    simback_free(world, node, sizeof(*node) + node->name_length + 1u);
}

static int set_value(struct simback_world *world, struct store_node *node, const void *value,
                     size_t length)
{
    if (length != node->value_length) {
        uint8_t *room = length == 0 ? NULL : simback_allocate(world, length);

        if (length != 0 && room == NULL)
            return BLKFRONT_PLATFORM_NO_MEMORY;
        simback_free(world, node->value, node->value_length);
        node->value = room;
        node->value_length = (uint32_t)length;
    }
    if (length != 0)
        memcpy(node->value, value, length);
    return 0;
}

static bool grow_children(struct simback_world *world, struct store_node *node, uint32_t capacity)
{
    struct store_node **children = simback_allocate(world, capacity * sizeof(struct store_node *));

    if (children == NULL)
        return false;
    for (uint32_t i = 0; i < node->child_count; i++)
        children[i] = node->children[i];
    simback_free(world, node->children, node->child_capacity * sizeof(struct store_node *));
    node->children = children;
    node->child_capacity = capacity;
    return true;
}

static struct store_node *copy_node(struct simback_world *world, const struct store_node *node)
{
    struct store_node *copy = new_node(world, node->name, node->name_length);

    if (copy == NULL)
        return NULL;
    if (set_value(world, copy, node->value, node->value_length) != 0 ||
        (node->child_count != 0 && !grow_children(world, copy, node->child_count))) {
        store_tree_drop(world, copy);
        return NULL;
    }
    copy->generation = node->generation;
    copy->permission_count = node->permission_count;
    memcpy(copy->permissions, node->permissions, sizeof(copy->permissions));
    copy->child_count = node->child_count;
    for (uint32_t i = 0; i < node->child_count; i++) {
        copy->children[i] = node->children[i];
        copy->children[i]->holders++;
    }
    return copy;
}

/* Makes *link the only holder of its node. */
static struct store_node *make_own(struct simback_world *world, struct store_node **link)
{
    struct store_node *copy;

    if ((*link)->holders == 1)
        return *link;
    copy = copy_node(world, *link);
    if (copy == NULL)
        return NULL;
    store_tree_drop(world, *link);
    *link = copy;
    return copy;
}

static struct store_node **child_link(const struct store_node *node, const char *name,
                                      size_t length)
{
    for (uint32_t i = 0; i < node->child_count; i++) {
        const struct store_node *child = node->children[i];

        /* Those of a device differ in length, or else where they end. */
        if (child->name_length == length && child->name[length - 1] == name[length - 1] &&
            memcmp(child->name, name, length) == 0)
            return &node->children[i];
    }
    return NULL;
}

/* The child whose name the path goes on with, of which so much is left. Nobody looks for the name's
 * end before. */
static struct store_node *child_on(const struct store_node *node, const char *path, size_t left)
{
    for (uint32_t i = 0; i < node->child_count; i++) {
        struct store_node *child = node->children[i];
        const size_t length = child->name_length;

        if (length <= left && (path[length] == '/' || path[length] == 0) &&
            child->name[length - 1] == path[length - 1] &&
            (length == 1 || memcmp(child->name, path, length - 1) == 0))
            return child;
    }
    return NULL;
}

/* The names of nodes are good ones, so the path is judged from there on where it leaves them. */
bool store_tree_look(struct store_node *root, const char *path, struct store_place *place)
{
    struct store_node *node = root;
    const size_t length = path == NULL ? 0 : strlen(path);
    size_t at = length == 1 ? 1 : 0; /* the root's own */

    if (length == 0 || length > STORE_PATH_MAX || path[0] != '/')
        return false;
    *place = (struct store_place){.node = root, .length = length, .found = at};
    while (node != NULL && path[at] == '/') {
        node = child_on(node, path + at + 1, length - at - 1);
        if (node != NULL) {
            at += 1u + node->name_length;
            place->node = node;
            place->found = at;
        }
    }
    while (path[at] == '/') {
        const size_t name = length_of_name(path + at + 1);

        if (name == 0)
            return false;
        at += 1 + name;
    }
    return true;
}

struct store_node *store_tree_find(struct store_node *root, const char *path)
{
    struct store_place place;

    return store_tree_look(root, path, &place) && store_is_there(&place) ? place.node : NULL;
}

/* ---- changes ---- */

static void count_node(struct simback_world *world, const struct store_node *node, int by)
{
    struct domain *owner = domain_get(world, node->permissions[0].domid);

    if (owner != NULL)
        owner->store_nodes += (uint64_t)(int64_t)by;
}

static void count_tree(struct simback_world *world, const struct store_node *node, int by)
{
    count_node(world, node, by);
    for (uint32_t i = 0; i < node->child_count; i++)
        count_tree(world, node->children[i], by);
}

static struct store_node *add_child(struct simback_world *world, struct store_node *parent,
                                    uint16_t writer, const char *name, size_t length)
{
    struct store_node *child;

    if (parent->child_count == parent->child_capacity &&
        !grow_children(world, parent, parent->child_capacity == 0 ? 4 : 2 * parent->child_capacity))
        return NULL;
    child = new_node(world, name, length);
    if (child == NULL)
        return NULL;
    child->permission_count = parent->permission_count;
    memcpy(child->permissions, parent->permissions, sizeof(child->permissions));
    if (writer != SIMBACK_DOM0)
        child->permissions[0].domid = writer;
    parent->children[parent->child_count++] = child;
    parent->generation = ++world->store.generation;
    return child;
}

int store_tree_write(struct simback_world *world, struct store_node **root, uint16_t writer,
                     const char *path, const void *value, size_t length, bool count)
{
    struct store_node *node = make_own(world, root);
    const char *name;
    size_t at = 0, name_length;

    while (node != NULL && next_name(path, &at, &name, &name_length)) {
        struct store_node **link = child_link(node, name, name_length);

        if (link != NULL) {
            node = make_own(world, link);
            continue;
        }
        node = add_child(world, node, writer, name, name_length);
        if (node != NULL && count)
            count_node(world, node, 1);
    }
    if (node == NULL)
        return BLKFRONT_PLATFORM_NO_MEMORY;
    node->generation = ++world->store.generation;
    return set_value(world, node, value, length);
}

int store_tree_remove(struct simback_world *world, struct store_node **root, const char *path,
                      bool count)
{
    struct store_node *parent = make_own(world, root);
    struct store_node **link = NULL;
    const char *name;
    size_t at = 0, name_length;

    while (next_name(path, &at, &name, &name_length)) {
        if (link != NULL)
            parent = make_own(world, link);
        if (parent == NULL)
            return BLKFRONT_PLATFORM_NO_MEMORY;
        link = child_link(parent, name, name_length);
        if (link == NULL)
            return BLKFRONT_PLATFORM_NO_ENTRY;
    }
    if (link == NULL)
        return BLKFRONT_PLATFORM_INVALID;
    if (count)
        count_tree(world, *link, -1);
    store_tree_drop(world, *link);
    parent->child_count--;
    for (; link < parent->children + parent->child_count; link++)
        link[0] = link[1];
    parent->generation = ++world->store.generation;
    return 0;
}

int store_tree_permit(struct simback_world *world, struct store_node **root, const char *path,
                      const struct store_permission *permissions, uint8_t permission_count)
{
    struct store_node *node = make_own(world, root);
    const char *name;
    size_t at = 0, name_length;

    while (node != NULL && next_name(path, &at, &name, &name_length)) {
        struct store_node **link = child_link(node, name, name_length);

        if (link == NULL)
            return BLKFRONT_PLATFORM_NO_ENTRY;
        node = make_own(world, link);
    }
    if (node == NULL)
        return BLKFRONT_PLATFORM_NO_MEMORY;
    count_node(world, node, -1);
    for (uint8_t i = 0; i < permission_count; i++)
        node->permissions[i] = permissions[i];
    node->permission_count = permission_count;
    count_node(world, node, 1);
    node->generation = ++world->store.generation;
    return 0;
}
