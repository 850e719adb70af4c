/* SPDX-License-Identifier: ISC */
/*
 * A device's beginning and end: name, options, nodes, all of its allocations, its watches; and the
 * release of the last reference. What happens in between is device.c's.
 */
#include "life.h"
#include "name.h"
#include "store.h"

/* ---- options ---- */

enum {
    QUEUES_MAX = 64,
    POOL_PAGES_MAX = 65536,
    POOL_PAGES_DEFAULT = 352, /* a full single-page ring of direct requests */
    DOMID_MAX = 0x7fef        /* numbers above are no domains */
};

#define DISCONNECT_DEADLINE_DEFAULT_NS UINT64_C(30000000000)

void blkfront_options_init(struct blkfront_options *options)
{
    if (options == NULL)
        return;
    *options = (struct blkfront_options){
        .queues = 1,
        .ring_order = 0,
        .segments = BLKIF_WIRE_SEGMENTS,
        .pool_pages = POOL_PAGES_DEFAULT,
        .abi = BLKFRONT_ABI_64,
        .disconnect_deadline_ns = DISCONNECT_DEADLINE_DEFAULT_NS,
    };
}

static void lower(uint32_t *value, uint32_t most)
{
    if (*value > most)
        *value = most;
}

int options_check(const struct blkfront_options *given, struct blkfront_options *options)
{
    if (given == NULL)
        blkfront_options_init(options);
    else
        *options = *given;
    if (options->queues == 0 || options->segments == 0 || options->pool_pages == 0)
        return BLKFRONT_INVALID;
    if (options->abi != BLKFRONT_ABI_64 && options->abi != BLKFRONT_ABI_32)
        return BLKFRONT_INVALID;
    lower(&options->queues, QUEUES_MAX);
    lower(&options->ring_order, BLKIF_WIRE_RING_ORDER_MAX);
    lower(&options->segments, BLKIF_WIRE_SEGMENTS_MAX);
    lower(&options->pool_pages, POOL_PAGES_MAX);
    return BLKFRONT_OK;
}

/* ---- our directory ---- */

static int node_failed(struct blkfront_device *device, const char *what, const char *node,
                       int error)
{
    device_set_detail(device, what, device->life->frontend, node);
    return error;
}

static int read_backend_path(struct blkfront_device *device, const struct store *store)
{
    struct device_life *life = device->life;
    size_t length = 0;
    int result = store_get(store, life->frontend, BLKIF_NODE_BACKEND, life->backend,
                           sizeof(life->backend) - 1, &length);

    if (result == BLKFRONT_PLATFORM_TOO_LONG ||
        (result == 0 && !store_path_check(life->backend, length)))
        return node_failed(device, "not a path:", BLKIF_NODE_BACKEND, BLKFRONT_STORE);
    if (result != 0)
        return node_failed(device, "cannot read", BLKIF_NODE_BACKEND, store_result(result));
    life->backend[length] = '\0';
    return BLKFRONT_OK;
}

static int read_backend_id(struct blkfront_device *device, const struct store *store)
{
    uint64_t id;
    int result =
        store_get_number(store, device->life->frontend, BLKIF_NODE_BACKEND_ID, DOMID_MAX, &id);

    if (result == BLKFRONT_PLATFORM_INVALID)
        return node_failed(device, "not a domain:", BLKIF_NODE_BACKEND_ID, BLKFRONT_STORE);
    if (result != 0)
        return node_failed(device, "cannot read", BLKIF_NODE_BACKEND_ID, store_result(result));
    device->agreed.backend_id = (uint16_t)id;
    return BLKFRONT_OK;
}

/* Absent means trusted; a value that makes no sense does not (I6). */
static int read_trusted(struct blkfront_device *device, const struct store *store)
{
    uint64_t trusted = 1;
    int result = store_get_number(store, device->life->frontend, BLKIF_NODE_TRUSTED, 1, &trusted);

    if (result != 0 && result != BLKFRONT_PLATFORM_NO_ENTRY && result != BLKFRONT_PLATFORM_INVALID)
        return node_failed(device, "cannot read", BLKIF_NODE_TRUSTED, store_result(result));
    device->agreed.trusted = result != BLKFRONT_PLATFORM_INVALID && trusted != 0;
    return BLKFRONT_OK;
}

static void make_paths(struct device_life *life, uint16_t domid, uint32_t vdev)
{
    struct text text = text_begin(life->error_path, sizeof(life->error_path));

    text_add(&text, "/local/domain/");
    text_add_u64(&text, domid);
    text_add(&text, "/error/device/vbd/");
    text_add_u64(&text, vdev);

    name_directory(life->frontend, domid);
    text = (struct text){.start = life->frontend,
                         .size = sizeof(life->frontend),
                         .length = text_length(life->frontend, sizeof(life->frontend))};
    text_add_char(&text, '/');
    text_add_u64(&text, vdev);

    text = text_begin(life->own_path, sizeof(life->own_path));
    text_add(&text, life->frontend);
    text_add(&text, "/" BLKIF_NODE_BACKEND);
}

int device_read_nodes(struct blkfront_device *device, uint16_t domid)
{
    const struct store store = {.platform = device->context->platform, .transaction = 0};
    struct device_life *life = device->life;
    struct text text;
    int error;

    make_paths(life, domid, device->vdev);
    error = read_backend_path(device, &store);
    if (error == BLKFRONT_OK)
        error = read_backend_id(device, &store);
    if (error == BLKFRONT_OK)
        error = read_trusted(device, &store);
    if (error != BLKFRONT_OK)
        return error;
    text = text_begin(life->other_path, sizeof(life->other_path));
    text_add(&text, life->backend);
    text_add(&text, "/" BLKIF_NODE_STATE);
    return BLKFRONT_OK;
}

/* ---- creation and destruction ---- */

static int set_watches(struct blkfront_device *device)
{
    const struct blkfront_platform *platform = device->context->platform;
    struct device_life *life = device->life;
    int result = platform->watches_open(platform->context, &life->watches);

    if (result != 0) {
        life->watches = NULL;
        device_set_detail(device, "cannot open watches for", life->frontend, NULL);
        return store_result(result);
    }
    result = platform->watch(platform->context, life->watches, life->own_path, LIFE_WATCH_OWN);
    if (result != 0) {
        device_set_detail(device, "cannot watch", life->frontend, BLKIF_NODE_BACKEND);
        return store_result(result);
    }
    life->watching_own = true;
    result =
        platform->watch(platform->context, life->watches, life->other_path, LIFE_WATCH_BACKEND);
    if (result != 0) {
        device_set_detail(device, "cannot watch", life->backend, BLKIF_NODE_STATE);
        return store_result(result);
    }
    life->watching_other = true;
    return BLKFRONT_OK;
}

/* What device_create has made, as far as it has come. */
static void device_free(struct blkfront_device *device)
{
    const struct blkfront_platform *platform = device->context->platform;

    if (device->life != NULL) {
        device_unwatch(device);
        if (device->life->watches != NULL)
            platform->watches_close(platform->context, device->life->watches);
        platform->free(platform->context, device->life, sizeof(*device->life));
    }
    if (device->queues != NULL)
        queues_destroy(device);
    platform->free(platform->context, device, sizeof(*device));
}

static void set_start(struct blkfront_device *device)
{
    const struct blkfront_platform *platform = device->context->platform;
    struct device_life *life = device->life;
    uint64_t limit = device->options.connect_deadline_ns;

    life->stage = LIFE_HANDSHAKE;
    life->purpose = HANDSHAKE_START;
    life->look_other = true;
    life->deadline_ns = UINT64_MAX;
    life->retry_at_ns = UINT64_MAX;
    life->connect_deadline_ns =
        limit == 0 ? UINT64_MAX : device_after(platform->now(platform->context), limit);
}

/* Everything that a device ever allocates, and nothing that the backend sees. */
static int device_create(struct blkfront *context, uint16_t domid, uint32_t vdev,
                         const struct blkfront_options *options, struct blkfront_device **created)
{
    const struct blkfront_platform *platform = context->platform;
    struct blkfront_device *device = platform->allocate(platform->context, sizeof(*device));
    int error = BLKFRONT_NO_MEMORY;

    if (device == NULL) {
        struct text text = text_begin(context->detail, sizeof(context->detail));

        text_add(&text, "no memory for a device");
        return error;
    }
    device->context = context;
    device->references = 1;
    device->vdev = vdev;
    device->options = *options;
    device->state = BLKFRONT_CONNECTING;
    device->life = platform->allocate(platform->context, sizeof(*device->life));
    if (device->life != NULL)
        error = device_read_nodes(device, domid);
    if (error == BLKFRONT_OK)
        error = queues_create(device);
    if (error == BLKFRONT_OK)
        error = set_watches(device);
    if (error != BLKFRONT_OK) {
        if (error == BLKFRONT_NO_MEMORY && device->detail[0] == '\0')
            device_set_detail(device, "no memory for a device", NULL, NULL);
        memcpy(context->detail, device->detail, sizeof(device->detail));
        device_free(device);
        return error;
    }
    set_start(device);
    *created = device;
    return BLKFRONT_OK;
}

/* ---- the calls ---- */

/* One that still lives: a final one is its holders' alone, and the name is free for a new one. */
static struct blkfront_device *find_device(const struct blkfront *context, uint32_t vdev)
{
    for (struct blkfront_device *device = context->devices; device != NULL; device = device->next) {
        if (device->vdev == vdev && device->life->stage != LIFE_FINAL)
            return device;
    }
    return NULL;
}

static int find_name(struct blkfront *context, const char *name, uint16_t *domid, uint32_t *vdev)
{
    const struct blkfront_platform *platform = context->platform;
    int result = platform->own_domid(platform->context, domid);

    if (result != 0) {
        struct text text = text_begin(context->detail, sizeof(context->detail));

        text_add(&text, "the number of our own domain is not known");
        return store_result(result);
    }
    return name_resolve(context, *domid, name, vdev);
}

int blkfront_connect(struct blkfront *context, const char *name,
                     const struct blkfront_options *options, struct blkfront_device **device)
{
    struct blkfront_options checked;
    struct blkfront_device *found;
    uint16_t domid = 0;
    uint32_t vdev = 0;
    int error;

    if (context == NULL || name == NULL || device == NULL)
        return BLKFRONT_INVALID;
    context->detail[0] = '\0';
    error = options_check(options, &checked);
    if (error != BLKFRONT_OK) {
        struct text text = text_begin(context->detail, sizeof(context->detail));

        text_add(&text, "an option that must not be 0 is, or the ABI is unknown");
        return error;
    }
    (void)quarantine_retry(context);
    error = find_name(context, name, &domid, &vdev);
    if (error != BLKFRONT_OK)
        return error;
    found = find_device(context, vdev);
    if (found != NULL) {
        found->references++;
    } else {
        error = device_create(context, domid, vdev, &checked, &found);
        if (error != BLKFRONT_OK)
            return error;
        found->next = context->devices;
        context->devices = found;
    }
    *device = found;
    return BLKFRONT_OK;
}

void blkfront_release(struct blkfront_device *device)
{
    struct blkfront *context;

    /* A completion that runs during the last release may try once more. */
    if (device == NULL || device->life->destroying)
        return;
    if (--device->references > 0)
        return;
    device->life->destroying = true;
    device_cut_off(device);
    memories_close(device);
    context = device->context;
    for (struct blkfront_device **at = &context->devices; *at != NULL; at = &(*at)->next) {
        if (*at == device) {
            *at = device->next;
            break;
        }
    }
    device_free(device);
}
