/* SPDX-License-Identifier: ISC */
/*
 * The naive frontend's life: names, XenStore, states, and the table by which the runner calls it.
 */
#include "broken.h"

#include <stdio.h>
#include <string.h>

#include "broken_internal.h"

enum broken_fault broken_fault;
struct simback_world *broken_world;

struct naive_context {
    const struct blkfront_platform *platform;
    struct naive *device; /* one at a time */
};

/* ---- XenStore ---- */

static bool read_text(const struct naive *device, const char *directory, const char *node,
                      char *value, size_t size)
{
    char path[2 * PATH_SIZE];
    size_t length = 0;

    snprintf(path, sizeof(path), "%s/%s", directory, node);
    if (device->platform->store_read(device->platform->context, 0, path, value, size - 1,
                                     &length) != 0) {
        return false;
    }
    value[length] = '\0';
    return true;
}

static uint64_t read_number(const struct naive *device, const char *directory, const char *node)
{
    char value[24];
    unsigned long long number = 0;

    if (read_text(device, directory, node, value, sizeof(value))) {
        sscanf(value, "%20llu", &number);
    }
    return number;
}

static void write_number(const struct naive *device, const char *node, uint32_t number)
{
    char path[2 * PATH_SIZE], value[16];

    snprintf(path, sizeof(path), "%s/%s", device->front, node);
    snprintf(value, sizeof(value), "%u", (unsigned)number);
    device->platform->store_write(device->platform->context, 0, path, value, strlen(value));
}

static void remove_node(const struct naive *device, const char *node)
{
    char path[2 * PATH_SIZE];

    snprintf(path, sizeof(path), "%s/%s", device->front, node);
    device->platform->store_remove(device->platform->context, 0, path);
}

static void write_state(struct naive *device, unsigned state)
{
    write_number(device, BLKIF_NODE_STATE, state);
    device->own = state;
}

/* ---- states ---- */

void naive_violated(struct naive *device, const char *detail)
{
    device->error = BLKFRONT_PROTOCOL;
    device->detail = detail;
    device->asked_to_disconnect = true;
    device->state = BLKFRONT_DISCONNECTING;
    ring_end_requests(device, BLKFRONT_PROTOCOL);
    device->platform->watches_wake(device->platform->context, device->watches);
}

static void clean_up(struct naive *device)
{
    char path[2 * PATH_SIZE];

    ring_close(device);
    if (broken_fault != LEAVES_NODES) {
        remove_node(device, BLKIF_NODE_RING_REF);
        remove_node(device, BLKIF_NODE_EVENT_CHANNEL);
    }
    if (broken_fault != LEAVES_THE_WATCH && device->watches != NULL) {
        snprintf(path, sizeof(path), "%s/state", device->back);
        device->platform->unwatch(device->platform->context, device->watches, path, 1);
        device->platform->watches_close(device->platform->context, device->watches);
        device->watches = NULL;
    }
    device->state = device->error == BLKFRONT_OK ? BLKFRONT_CLOSED : BLKFRONT_FAILED;
}

/* Closing goes on by itself until the backend owes its 6. */
static void go_down(struct naive *device, unsigned back)
{
    device->state = BLKFRONT_DISCONNECTING;
    if (device->own == BLKIF_WIRE_INITIALISING || device->own == BLKIF_WIRE_INITIALISED ||
        device->own == BLKIF_WIRE_CONNECTED) {
        ring_end_requests(device, BLKFRONT_DISCONNECTED);
        write_state(device, BLKIF_WIRE_CLOSING);
    }
    if (device->own == BLKIF_WIRE_CLOSING) {
        write_state(device, BLKIF_WIRE_CLOSED);
    }
    if (back == BLKIF_WIRE_CLOSED || back == BLKIF_WIRE_UNKNOWN ||
        back == BLKIF_WIRE_INITIALISING) {
        clean_up(device);
    }
}

static void publish(struct naive *device)
{
    if (broken_fault == WRITES_STATE_2) {
        write_state(device, BLKIF_WIRE_INIT_WAIT);
    }
    if (ring_open(device) != 0) {
        device->error = BLKFRONT_NO_MEMORY;
        device->asked_to_disconnect = true;
        return;
    }
    write_number(device, BLKIF_NODE_RING_REF, device->ring_ref);
    write_number(device, BLKIF_NODE_EVENT_CHANNEL, device->port);
    write_state(device, BLKIF_WIRE_INITIALISED);
    if (broken_fault == CONNECTS_TOO_EARLY) {
        write_state(device, BLKIF_WIRE_CONNECTED);
    }
}

static void come_up(struct naive *device, unsigned back)
{
    if (device->own == BLKIF_WIRE_INITIALISING && back == BLKIF_WIRE_INIT_WAIT) {
        publish(device);
    } else if (back == BLKIF_WIRE_CONNECTED) {
        device->read_only =
            (read_number(device, device->back, BLKIF_NODE_INFO) & BLKIF_WIRE_INFO_READONLY) != 0;
        device->size_512 = read_number(device, device->back, BLKIF_NODE_SECTORS);
        if (device->own == BLKIF_WIRE_INITIALISED) {
            write_state(device, BLKIF_WIRE_CONNECTED);
        }
        device->state = BLKFRONT_CONNECTED;
    }
}

static int poll_device(void *opaque)
{
    struct naive *device = opaque;
    uint32_t token;
    bool fired = !device->looked;
    unsigned back;

    if (device->watches == NULL || device->state == BLKFRONT_CLOSED ||
        device->state == BLKFRONT_FAILED) {
        return 0;
    }
    while (device->platform->watch_fired(device->platform->context, device->watches, &token) > 0) {
        fired = true;
    }
    if (!fired && !device->asked_to_disconnect) {
        return 0;
    }
    device->looked = true;
    back = (unsigned)read_number(device, device->back, BLKIF_NODE_STATE);
    if (device->asked_to_disconnect || back >= BLKIF_WIRE_CLOSING || back == BLKIF_WIRE_UNKNOWN) {
        go_down(device, back);
    } else {
        come_up(device, back);
    }
    return 0;
}

/* ---- the table ---- */

static int create(const struct blkfront_platform *platform, void **opaque)
{
    struct naive_context *context = platform->allocate(platform->context, sizeof(*context));

    if (context == NULL) {
        return BLKFRONT_NO_MEMORY;
    }
    context->platform = platform;
    *opaque = context;
    return BLKFRONT_OK;
}

static void destroy(void *opaque)
{
    struct naive_context *context = opaque;

    context->platform->free(context->platform->context, context, sizeof(*context));
}

static const char *no_detail(const void *opaque)
{
    (void)opaque;
    return "";
}

/* Of the names, numbers and xvda to xvdp. */
static bool read_name(const char *name, uint32_t *vdev)
{
    unsigned number = 0;
    char letter = 0;

    if (sscanf(name, "xvd%c", &letter) == 1) {
        *vdev = (uint32_t)(202 << 8 | (letter - 'a') << 4);
        return true;
    }
    if (sscanf(name, "%9u", &number) == 1) {
        *vdev = number;
        return true;
    }
    return false;
}

static bool find(struct naive *device)
{
    device->own = BLKIF_WIRE_INITIALISING;
    snprintf(device->front, sizeof(device->front), "/local/domain/1/device/vbd/%u",
             (unsigned)device->vdev);
    if (!read_text(device, device->front, BLKIF_NODE_BACKEND, device->back, sizeof(device->back))) {
        return false;
    }
    device->back_id = (uint16_t)read_number(device, device->front, BLKIF_NODE_BACKEND_ID);
    return true;
}

static int connect_device(void *opaque, const char *name, const struct blkfront_options *options,
                          void **result)
{
    struct naive_context *context = opaque;
    const struct blkfront_platform *platform = context->platform;
    struct naive *device = context->device;
    char path[2 * PATH_SIZE];

    if (device != NULL) {
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
    device->start = options->ring_start;
    device->sector_size = BLKIF_WIRE_UNIT;
    device->detail = "";
    device->holds = 1;
    if (!read_name(name, &device->vdev) || !find(device)) {
        platform->free(platform->context, device, sizeof(*device));
        return BLKFRONT_NO_DEVICE;
    }
    snprintf(path, sizeof(path), "%s/state", device->back);
    platform->watches_open(platform->context, &device->watches);
    platform->watch(platform->context, device->watches, path, 1);
    context->device = device;
    *result = device;
    return BLKFRONT_OK;
}

static uint64_t never(const void *opaque)
{
    (void)opaque;
    return UINT64_MAX;
}

static uint64_t queue_never(const void *opaque, uint32_t queue)
{
    (void)opaque;
    (void)queue;
    return UINT64_MAX;
}

/* With the fault, a request goes out between our own 5 and 6. */
static void disconnect(void *opaque)
{
    struct naive *device = opaque;

    device->asked_to_disconnect = true;
    if (broken_fault == ASKS_AFTER_CLOSING && device->state == BLKFRONT_CONNECTED) {
        static struct blkfront_request flush = {.operation = BLKFRONT_FLUSH};

        write_state(device, BLKIF_WIRE_CLOSING);
        ring_submit(device, &flush);
        device->slots[0].request = NULL;
    }
}

static void release(void *opaque)
{
    struct naive *device = opaque;

    if (--device->holds != 0) {
        return;
    }
    if (device->state != BLKFRONT_CLOSED && device->state != BLKFRONT_FAILED) {
        ring_end_requests(device, BLKFRONT_DISCONNECTED);
        clean_up(device);
    }
    device->context->device = NULL;
    device->platform->free(device->platform->context, device, sizeof(*device));
}

static enum blkfront_state device_state(const void *opaque)
{
    const struct naive *device = opaque;

    return device->state;
}

static int device_error(const void *opaque)
{
    const struct naive *device = opaque;

    return device->error;
}

static const char *device_detail(const void *opaque)
{
    const struct naive *device = opaque;

    return device->detail;
}

static int get_info(const void *opaque, struct blkfront_info *info)
{
    const struct naive *device = opaque;

    if (device->state != BLKFRONT_CONNECTED) {
        return BLKFRONT_DISCONNECTED;
    }
    memset(info, 0, sizeof(*info));
    info->read_write = !device->read_only;
    info->sector_size = device->sector_size;
    info->physical_sector_size = device->sector_size;
    info->size_sectors = device->size_512;
    info->vdev = device->vdev;
    info->flush = BLKFRONT_FLUSH_CACHE;
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
    .poll_at = never,
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
    broken_fault = fault;
    broken_world = world;
    return &naive_subject;
}
