/* SPDX-License-Identifier: ISC */
/*
 * A frontend over simblk-shim as a subject: names become devices, and the two polls become turns of
 * a device's stack. It has one queue, and none of what small systems do not have.
 */
#include "shim_internal.h"
#include "shim_name.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- the context ---- */

static int create(const struct blkfront_platform *platform, void **context)
{
    struct shim *shim = platform->allocate(platform->context, sizeof(*shim));

    if (shim == NULL)
        return BLKFRONT_NO_MEMORY;
    shim->platform = platform;
    if (platform->own_domid(platform->context, &shim->domid) != 0) {
        platform->free(platform->context, shim, sizeof(*shim));
        return BLKFRONT_STORE;
    }
    fiber_forget();
    shim_current = NULL;
    *context = shim;
    return BLKFRONT_OK;
}

static void destroy(void *context)
{
    const struct shim *shim = context;

    shim->platform->free(shim->platform->context, context, sizeof(*shim));
}

static const char *detail(const void *context)
{
    return ((const struct shim *)context)->detail;
}

/* ---- names ---- */

/* Whether the toolstack has made such a device. */
static bool is_there(const struct shim *shim, const char *node)
{
    const struct blkfront_platform *platform = shim->platform;
    char path[SHIM_PATH], value[SHIM_PATH];
    size_t length;

    snprintf(path, sizeof(path), "/local/domain/%u/%s/backend", (unsigned)shim->domid, node);
    return platform->store_read(platform->context, 0, path, value, sizeof(value), &length) == 0;
}

/* ---- devices ---- */

static int open_sets(struct shim_device *device)
{
    const struct blkfront_platform *platform = device->shim->platform;

    if (platform->channels_open(platform->context, &device->channels) != 0)
        return BLKFRONT_NO_MEMORY;
    if (platform->watches_open(platform->context, &device->watches) != 0) {
        platform->channels_close(platform->context, device->channels);
        return BLKFRONT_STORE;
    }
    return BLKFRONT_OK;
}

/* NULL: it is not there, or over. */
static struct shim_device *device_of(struct shim *shim, uint32_t vdev)
{
    for (int i = 0; i < SHIM_DEVICES; i++) {
        struct shim_device *device = shim->devices[i];

        if (device != NULL && device->vdev == vdev && !device_is_over(device))
            return device;
    }
    return NULL;
}

static struct shim_device **free_place(struct shim *shim)
{
    for (int i = 0; i < SHIM_DEVICES; i++) {
        if (shim->devices[i] == NULL)
            return &shim->devices[i];
    }
    return NULL;
}

static int connect_device(void *context, const char *name, const struct blkfront_options *options,
                          void **result)
{
    struct shim *shim = context;
    const struct blkfront_platform *platform = shim->platform;
    struct shim_device **place;
    struct shim_device *device;
    uint32_t vdev = 0;
    int error;

    (void)options; /* what they ask for this subject does not claim to have */
    shim->detail[0] = '\0';
    if (!shim_read_name(name, &vdev)) {
        snprintf(shim->detail, sizeof(shim->detail),
                 "'%.80s' is no name of a device: xvda to xvdp, xvda1, or a number", name);
        return BLKFRONT_NO_DEVICE;
    }
    device = device_of(shim, vdev);
    if (device != NULL) {
        device->holds++;
        *result = device;
        return BLKFRONT_OK;
    }
    place = free_place(shim);
    device = place == NULL ? NULL : platform->allocate(platform->context, sizeof(*device));
    if (device == NULL)
        return BLKFRONT_NO_MEMORY;
    device->shim = shim;
    device->vdev = vdev;
    device->holds = 1;
    device->deadline_ns = SHIM_FOREVER;
    snprintf(device->node, sizeof(device->node), "device/vbd/%u", (unsigned)vdev);
    error = is_there(shim, device->node) ? open_sets(device) : BLKFRONT_NO_DEVICE;
    if (error == BLKFRONT_NO_DEVICE)
        snprintf(shim->detail, sizeof(shim->detail), "there is no %s/backend", device->node);
    if (error != BLKFRONT_OK) {
        platform->free(platform->context, device, sizeof(*device));
        return error;
    }
    *place = device;
    *result = device;
    return BLKFRONT_OK;
}

static int poll_device(void *opaque)
{
    struct shim_device *device = opaque;
    bool more = device_take_watches(device);

    device_run(device);
    requests_complete(device);
    return more;
}

static uint64_t poll_at(const void *opaque)
{
    return ((const struct shim_device *)opaque)->deadline_ns;
}

static int queue_poll(void *opaque, uint32_t queue)
{
    struct shim_device *device = opaque;
    bool more;

    if (queue != 0)
        return 0;
    more = device_take_events(device);
    device_run(device);
    requests_complete(device);
    return more;
}

static uint64_t queue_poll_at(const void *opaque, uint32_t queue)
{
    (void)opaque;
    (void)queue;
    return SHIM_FOREVER;
}

static void disconnect(void *opaque)
{
    struct shim_device *device = opaque;

    if (!device_is_over(device))
        device->closing = true;
}

/* Cut off: what its frontend was doing it does no more. */
static void release(void *opaque)
{
    struct shim_device *device = opaque;
    struct shim *shim = device->shim;

    if (--device->holds != 0)
        return;
    if (!device->ended)
        requests_end(device, SHIM_DISCONNECTED);
    requests_complete(device);
    pieces_free(device);
    if (device->fiber != NULL)
        fiber_drop(device->fiber);
    for (int i = 0; i < SHIM_DEVICES; i++) {
        if (shim->devices[i] == device)
            shim->devices[i] = NULL;
    }
    shim->platform->free(shim->platform->context, device, sizeof(*device));
}

static enum blkfront_state device_state(const void *opaque)
{
    const struct shim_device *device = opaque;

    return device->closing && !device_is_over(device) ? BLKFRONT_DISCONNECTING : device->state;
}

static int device_error(const void *opaque)
{
    return ((const struct shim_device *)opaque)->error;
}

static const char *device_detail(const void *opaque)
{
    return ((const struct shim_device *)opaque)->detail;
}

static int get_info(const void *opaque, struct blkfront_info *info)
{
    const struct shim_device *device = opaque;

    if (device_state(device) != BLKFRONT_CONNECTED)
        return BLKFRONT_DISCONNECTED;
    memset(info, 0, sizeof(*info));
    info->read_write = !device->info.read_only;
    info->flush = device->info.flush ? BLKFRONT_FLUSH_CACHE : BLKFRONT_FLUSH_NONE;
    info->sector_size = device->info.sector_size;
    info->physical_sector_size = device->info.sector_size;
    info->size_sectors = device->info.size_sectors;
    info->vdev = device->vdev;
    info->queues = 1;
    info->segments = SHIM_IO_PAGES;
    info->backend_id = device->info.backend_id;
    return BLKFRONT_OK;
}

static uint32_t queue_count(const void *opaque)
{
    (void)opaque;
    return 1;
}

/* ---- requests ---- */

/* What no frontend of a small system would be given. The range is the frontend's to look at. */
static int admit(const struct shim_device *device, const struct blkfront_request *request)
{
    const struct shim_info *info = &device->info;
    uint64_t capacity = info->size_sectors > UINT64_MAX / info->sector_size
                            ? UINT64_MAX
                            : info->size_sectors * info->sector_size;
    uint64_t size = 0;

    if (device_state(device) != BLKFRONT_CONNECTED)
        return BLKFRONT_DISCONNECTED;
    if (request->flags != 0 || request->operation == BLKFRONT_DISCARD)
        return BLKFRONT_UNIMPLEMENTED;
    if (request->operation == BLKFRONT_FLUSH)
        return shim_description->flush ? BLKFRONT_OK : BLKFRONT_UNIMPLEMENTED;
    for (size_t i = 0; i < request->buffer_count; i++) {
        size_t part = request->buffers[i].size;

        if (part == 0 || part % info->sector_size != 0)
            return BLKFRONT_INVALID;
        if (part > capacity || size > capacity - part)
            return BLKFRONT_OUT_OF_RANGE;
        size += part;
    }
    return request->sector > (UINT64_MAX - size) / info->sector_size ? BLKFRONT_OUT_OF_RANGE
                                                                     : BLKFRONT_OK;
}

static int submit(void *opaque, uint32_t queue, struct blkfront_request *request)
{
    struct shim_device *device = opaque;
    int error = queue != 0 ? BLKFRONT_INVALID : admit(device, request);

    if (error != BLKFRONT_OK)
        return error;
    request->internal.next = NULL;
    if (device->waiting_last != NULL)
        device->waiting_last->internal.next = request;
    else
        device->waiting = request;
    device->waiting_last = request;
    return BLKFRONT_OK;
}

const struct scenario_subject *shim_subject(const struct shim_frontend *frontend)
{
    static struct scenario_subject subject = {
        .version = SCENARIO_SUBJECT_VERSION,
        .size = sizeof(struct scenario_subject),
        .create = create,
        .destroy = destroy,
        .detail = detail,
        .connect = connect_device,
        .poll = poll_device,
        .poll_at = poll_at,
        .disconnect = disconnect,
        .release = release,
        .device_state = device_state,
        .device_error = device_error,
        .device_detail = device_detail,
        .get_info = get_info,
        .queue_count = queue_count,
        .submit = submit,
        .queue_poll = queue_poll,
        .queue_poll_at = queue_poll_at,
    };

    shim_description = frontend;
    subject.name = frontend->name;
    subject.capabilities = (frontend->flush ? SCENARIO_SUBJECT_FLUSH : 0u) |
                           (shim_observed ? SCENARIO_SUBJECT_OBSERVED : 0u);
    return frontend->version == SHIM_VERSION ? &subject : NULL;
}
