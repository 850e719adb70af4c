/* SPDX-License-Identifier: ISC */
/*
 * The naive frontend's calls: names, the table by which the runner reaches it, and its one switch.
 */
#include "broken.h"

#include <stdio.h>
#include <string.h>

#include "broken_internal.h"
#include "shim_name.h"

enum broken_fault broken_fault;
struct simback_world *broken_world;

struct naive_context {
    const struct blkfront_platform *platform;
    struct naive *device; /* one at a time; one that is over counts no more */
};

static int create(const struct blkfront_platform *platform, void **opaque)
{
    struct naive_context *context = platform->allocate(platform->context, sizeof(*context));

    if (context == NULL) {
        return BLKFRONT_NO_MEMORY;
    }
    context->platform = platform;
    *opaque = context;
    backend_prepare();
    return BLKFRONT_OK;
}

static void destroy(void *opaque)
{
    struct naive_context *context = opaque;

    if (broken_fault != LEAVES_MEMORY) {
        context->platform->free(context->platform->context, context, sizeof(*context));
    }
}

static const char *no_detail(const void *opaque)
{
    (void)opaque;
    return "";
}

/* A device that looks at its backend; on an error it is gone again. */
static int begin(struct naive *device, const char *name, const struct blkfront_options *options)
{
    device->start = options->ring_start;
    device->disconnect_ns = options->disconnect_deadline_ns;
    device->deadline_ns = UINT64_MAX;
    device->detail = "";
    device->holds = 1;
    if (!shim_read_name(name, &device->vdev) || !life_find(device)) {
        return BLKFRONT_NO_DEVICE;
    }
    return life_watch(device);
}

static int connect_device(void *opaque, const char *name, const struct blkfront_options *options,
                          void **result)
{
    struct naive_context *context = opaque;
    const struct blkfront_platform *platform = context->platform;
    struct naive *device = context->device;
    int error;

    if (device != NULL && !life_is_over(device)) {
        device->holds++;
        *result = device;
        return BLKFRONT_OK;
    }
    device = platform->allocate(platform->context, sizeof(*device));
    if (device == NULL) {
        return BLKFRONT_NO_MEMORY;
    }
    device->platform = platform;
    device->context = context;
    error = begin(device, name, options);
    if (error != BLKFRONT_OK) {
        platform->free(platform->context, device, sizeof(*device));
        return error;
    }
    context->device = device;
    *result = device;
    return BLKFRONT_OK;
}

static int poll_device(void *opaque)
{
    return life_poll(opaque);
}

static uint64_t poll_at(const void *opaque)
{
    return ((const struct naive *)opaque)->deadline_ns;
}

static uint64_t queue_never(const void *opaque, uint32_t queue)
{
    (void)opaque;
    (void)queue;
    return UINT64_MAX;
}

static void disconnect(void *opaque)
{
    life_disconnect(opaque);
}

static void release(void *opaque)
{
    struct naive *device = opaque;

    if (--device->holds != 0) {
        return;
    }
    life_cut_off(device);
    if (device->context->device == device) {
        device->context->device = NULL;
    }
    device->platform->free(device->platform->context, device, sizeof(*device));
}

static enum blkfront_state device_state(const void *opaque)
{
    return ((const struct naive *)opaque)->state;
}

static int device_error(const void *opaque)
{
    return ((const struct naive *)opaque)->error;
}

static const char *device_detail(const void *opaque)
{
    return ((const struct naive *)opaque)->detail;
}

static int get_info(const void *opaque, struct blkfront_info *info)
{
    const struct naive *device = opaque;

    if (device->state != BLKFRONT_CONNECTED) {
        return BLKFRONT_DISCONNECTED;
    }
    memset(info, 0, sizeof(*info));
    info->read_write = (device->info & BLKIF_WIRE_INFO_READONLY) == 0;
    info->cdrom = (device->info & BLKIF_WIRE_INFO_CDROM) != 0;
    info->removable = (device->info & BLKIF_WIRE_INFO_REMOVABLE) != 0;
    info->sector_size = device->sector_size;
    info->physical_sector_size = device->sector_size;
    info->size_sectors = device->size_512;
    info->vdev = device->vdev;
    info->queues = 1;
    info->segments = BLKIF_WIRE_SEGMENTS;
    info->backend_id = device->back_id;
    info->flush = device->flush_offered && !device->flush_off ? BLKFRONT_FLUSH_CACHE
                  : device->drains                            ? BLKFRONT_FLUSH_DRAIN
                                                              : BLKFRONT_FLUSH_NONE;
    snprintf(info->backend_path, sizeof(info->backend_path), "%s", device->back);
    return BLKFRONT_OK;
}

static uint32_t queue_count(const void *opaque)
{
    (void)opaque;
    return 1;
}

static int submit(void *opaque, uint32_t queue, struct blkfront_request *request)
{
    struct naive *device = opaque;

    if (queue != 0) {
        return BLKFRONT_INVALID;
    }
    return device->state == BLKFRONT_CONNECTED ? ring_submit(device, request)
                                               : BLKFRONT_DISCONNECTED;
}

static int queue_poll(void *opaque, uint32_t queue)
{
    (void)queue;
    return ring_poll(opaque);
}

static const struct scenario_subject naive_subject = {
    .version = SCENARIO_SUBJECT_VERSION,
    .size = sizeof(struct scenario_subject),
    .name = "naive",
    .capabilities =
        SCENARIO_SUBJECT_FLUSH | SCENARIO_SUBJECT_RING_START | SCENARIO_SUBJECT_OBSERVED,
    .create = create,
    .destroy = destroy,
    .detail = no_detail,
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
    .queue_poll_at = queue_never,
};

const struct scenario_subject *broken_subject(enum broken_fault fault, struct simback_world *world)
{
    static struct scenario_subject subject;

    broken_fault = fault;
    broken_world = world;
    subject = naive_subject;
    if (fault == IGNORES_FUA) { /* it says that it knows them */
        subject.capabilities |= SCENARIO_SUBJECT_FUA;
    }
    return &subject;
}
