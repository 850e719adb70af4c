/* SPDX-License-Identifier: ISC */
/*
 * The frontend's own nodes: written in one transaction that ends with state 3, so that a backend
 * which reads 3 reads everything (I10), and removed when the backend has let go (I12). The values
 * come from `agreed` and the queues.
 */
#include "life.h"
#include "store.h"

/* What is done with each node: it is written, or removed. */
struct visitor {
    const struct store *store;
    const char *directory;
    bool removing;
    int failed; /* a removal, which keeps no other; DENIED if there is none but such */
};

static int visit(struct visitor *visitor, const char *node, const char *value)
{
    int result;

    if (!visitor->removing)
        return store_put(visitor->store, visitor->directory, node, value);
    result = store_delete(visitor->store, visitor->directory, node);
    if (result == BLKFRONT_PLATFORM_AGAIN) /* to so many tries: nothing can be done now */
        return result;
    if (result != 0 && (visitor->failed == 0 || visitor->failed == BLKFRONT_PLATFORM_DENIED))
        visitor->failed = result;
    return 0;
}

static int visit_number(struct visitor *visitor, const char *node, uint64_t number)
{
    char value[TEXT_U64_MAX + 4];
    struct text text = text_begin(value, sizeof(value));

    text_add_u64(&text, number);
    return visit(visitor, node, value);
}

/* "queue-2/" for the nodes of a queue of several, "" for those of the only one. */
static struct text begin_queue_node(char *node, size_t size, const struct agreed *agreed,
                                    uint32_t queue)
{
    struct text text = text_begin(node, size);

    if (agreed->queue_count > 1) {
        text_add(&text, BLKIF_NODE_QUEUE);
        text_add_u64(&text, queue);
        text_add_char(&text, '/');
    }
    return text;
}

/* Of the last queue that there may be (connect.c). */
enum {
    QUEUE_NODE_MAX = sizeof(BLKIF_NODE_QUEUE "63/"),
    NODE_MAX = sizeof(BLKIF_NODE_QUEUE "63/" BLKIF_NODE_EVENT_CHANNEL)
};

/* With one page `ring-ref`, with more `ring-ref0` …, never both: a backend takes either as the
 * word. */
static int visit_queue(struct blkfront_device *device, const struct agreed *agreed, uint32_t index,
                       struct visitor *visitor)
{
    const struct blkfront_queue *queue = queue_at(device, index);
    bool writing = !visitor->removing;
    uint32_t count = UINT32_C(1) << agreed->ring_order;
    const uint32_t *refs = writing ? queue_ring_refs(queue, &count) : NULL;
    char node[NODE_MAX];
    struct text text;
    int result = 0;

    for (uint32_t i = 0; i < count && result == 0; i++) {
        text = begin_queue_node(node, sizeof(node), agreed, index);
        text_add(&text, BLKIF_NODE_RING_REF);
        if (agreed->ring_order > 0)
            text_add_u64(&text, i);
        result = visit_number(visitor, node, writing ? refs[i] : 0);
    }
    if (result != 0)
        return result;
    text = begin_queue_node(node, sizeof(node), agreed, index);
    text_add(&text, BLKIF_NODE_EVENT_CHANNEL);
    return visit_number(visitor, node, writing ? queue_port(queue) : 0);
}

static int visit_nodes(struct blkfront_device *device, const struct agreed *agreed,
                       struct visitor *visitor)
{
    int result =
        visit(visitor, BLKIF_NODE_PROTOCOL,
              agreed->abi == BLKFRONT_ABI_32 ? BLKIF_WIRE_PROTOCOL_32 : BLKIF_WIRE_PROTOCOL_64);

    /* Both spellings: backends of either habit are about. At order 0 neither, because a present
     * ring-page-order, even 0, makes some backends look for ring-ref0. */
    if (result == 0 && agreed->ring_order > 0)
        result = visit_number(visitor, BLKIF_NODE_RING_PAGE_ORDER, agreed->ring_order);
    if (result == 0 && agreed->ring_order > 0)
        result =
            visit_number(visitor, BLKIF_NODE_NUM_RING_PAGES, UINT64_C(1) << agreed->ring_order);
    if (result == 0 && agreed->persistent)
        result = visit(visitor, BLKIF_NODE_FEATURE_PERSISTENT, "1");
    if (result == 0 && agreed->queue_count > 1)
        result = visit_number(visitor, BLKIF_NODE_MULTI_QUEUE_NUM_QUEUES, agreed->queue_count);
    for (uint32_t i = 0; i < agreed->queue_count && result == 0; i++)
        result = visit_queue(device, agreed, i, visitor);
    return result;
}

/* Does a node that a predecessor may have left tell the backend something? */
static bool speaks_to_backend(const char *name, size_t length)
{
    static const char *const families[] = {
        BLKIF_NODE_RING_REF,
        BLKIF_NODE_EVENT_CHANNEL,
        BLKIF_NODE_RING_PAGE_ORDER,
        BLKIF_NODE_NUM_RING_PAGES,
        BLKIF_NODE_QUEUE,
        BLKIF_NODE_MULTI_QUEUE_NUM_QUEUES,
        BLKIF_NODE_PROTOCOL,
        BLKIF_NODE_FEATURE_PERSISTENT,
        BLKIF_NODE_FEATURE_LARGE_SECTOR_SIZE,
    };

    for (size_t i = 0; i < sizeof(families) / sizeof(families[0]); i++) {
        if (text_begins(name, length, families[i]))
            return true;
    }
    return false;
}

static int remove_stale(struct blkfront_device *device, const struct store *store)
{
    struct blkfront *context = device->context;
    const char *directory = device->life->frontend;
    size_t length = 0;
    int result =
        store_children(store, directory, context->list, sizeof(context->list) - 1, &length);

    context->list[result == 0 ? length : 0] = '\0';
    for (size_t at = 0; at < length && result == 0;) {
        size_t size = text_length(context->list + at, length - at);

        if (speaks_to_backend(context->list + at, size))
            result = store_delete(store, directory, context->list + at);
        at += size + 1;
    }
    return result;
}

static int publish_body(void *context, const struct store *store)
{
    struct blkfront_device *device = context;
    struct visitor writing = {.store = store, .directory = device->life->frontend};
    int result = remove_stale(device, store);

    if (result == 0)
        result = visit_nodes(device, &device->agreed, &writing);
    /* The error of an attempt before this one. Not ours to insist on. */
    if (result == 0 &&
        store_delete(store, device->life->error_path, BLKIF_NODE_ERROR) == BLKFRONT_PLATFORM_AGAIN)
        result = BLKFRONT_PLATFORM_AGAIN;
    if (result == 0)
        result = store_put_state(store, device->life->frontend, BLKIF_WIRE_INITIALISED);
    return result;
}

int publish(struct blkfront_device *device)
{
    struct device_life *life = device->life;
    int result;

    /* Also when it fails: a commit whose answer is lost may have happened. */
    life->published = true;
    result = store_transact(device->context->platform, publish_body, device);
    if (result == 0)
        life->left_behind = false;
    return result;
}

static int remove_set(struct blkfront_device *device, const struct agreed *agreed,
                      struct visitor *removing)
{
    int result = visit_nodes(device, agreed, removing);

    for (uint32_t i = 0; i < agreed->queue_count && result == 0; i++) {
        char node[QUEUE_NODE_MAX];
        struct text text = begin_queue_node(node, sizeof(node), agreed, i);

        if (text.length == 0)
            break;
        node[text.length - 1] = '\0'; /* the directory itself */
        result = visit(removing, node, NULL);
    }
    return result;
}

/* All of it, or all that can be (I12): nobody reads them any more, so each goes by itself. */
int unpublish(struct blkfront_device *device)
{
    const struct store store = {.platform = device->context->platform, .transaction = 0};
    struct device_life *life = device->life;
    struct visitor removing = {.store = &store, .directory = life->frontend, .removing = true};
    int result = 0;

    if (life->own_gone) /* and they with it */
        life->published = life->left_behind = false;
    if (life->left_behind)
        result = remove_set(device, &life->left, &removing);
    if (result == 0 && life->published)
        result = remove_set(device, &device->agreed, &removing);
    if (result == 0)
        result = removing.failed;
    if (result == 0)
        life->published = life->left_behind = false;
    return result;
}

/* What is agreed on next has nodes of other names. A publishing that failed has ended the device,
 * so there are never two sets behind us: what is there already is the last that was published. */
void publish_leave(struct blkfront_device *device)
{
    struct device_life *life = device->life;

    if (unpublish(device) == 0 || life->left_behind)
        return;
    life->left = device->agreed;
    life->left_behind = true;
}

int publish_error(struct blkfront_device *device)
{
    const struct store store = {.platform = device->context->platform, .transaction = 0};
    char value[sizeof(device->detail) + 32];
    struct text text = text_begin(value, sizeof(value));

    text_add(&text, blkfront_error_name(device->error));
    text_add(&text, ": ");
    text_add(&text, device->detail);
    return store_put(&store, device->life->error_path, BLKIF_NODE_ERROR, value);
}
