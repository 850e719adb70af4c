/* SPDX-License-Identifier: ISC */
/*
 * A device's beginning and end: name, options, all of its allocations; and the release of the last
 * reference. What stands in XenStore is directory.c's, what happens in between device.c's.
 */
#include "life.h"
#include "name.h"
#include "store.h"

/* ---- options ---- */

enum {
    QUEUES_MAX = 64,
    POOL_PAGES_MAX = 65536,
    POOL_PAGES_DEFAULT = 352 /* a full single-page ring of direct requests */
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

/* ---- creation and destruction ---- */

static int open_watches(struct blkfront_device *device)
{
    const struct blkfront_platform *platform = device->context->platform;
    struct device_life *life = device->life;
    int result = platform->watches_open(platform->context, &life->watches);

    if (result != 0) {
        life->watches = NULL;
        device_set_detail(device, "cannot open watches for", life->frontend, NULL);
        return store_result(result);
    }
    return device_watch(device);
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

/* All else is as new memory has it: LIFE_HANDSHAKE, HANDSHAKE_START, and to be polled at once. */
static void set_start(struct blkfront_device *device)
{
    struct device_life *life = device->life;

    life->look_other = true;
    life->retry_ns = LIFE_RETRY_FIRST_NS;
    life->deadline_ns = UINT64_MAX;
    life->connect_deadline_ns = device_deadline(device, device->options.connect_deadline_ns);
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
        error = open_watches(device);
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
    struct blkfront_device **link;
    struct blkfront *context;

    /* A completion that runs during the last release may try once more. */
    if (device == NULL || device->references == 0)
        return;
    if (--device->references > 0)
        return;
    device_cut_off(device);
    memories_close(device);
    context = device->context;
    link = &context->devices;
    while (*link != device)
        link = &(*link)->next;
    *link = device->next;
    device_free(device);
}
