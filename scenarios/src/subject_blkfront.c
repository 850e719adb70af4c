/* SPDX-License-Identifier: ISC */
/*
 * libblkfront as a subject: its interface with the types of the table. Built twice, like the
 * library itself: only the observed one announces its loads.
 */
#include "scenario/subject.h"

#ifdef SCENARIO_OBSERVED
#define OBSERVED SCENARIO_SUBJECT_OBSERVED
#else
#define OBSERVED 0
#endif

static int create(const struct blkfront_platform *platform, void **context)
{
    struct blkfront *made = NULL;
    int error = blkfront_create(platform, &made);

    if (error == BLKFRONT_OK) {
        *context = made;
    }
    return error;
}

static void destroy(void *context)
{
    blkfront_destroy(context);
}

static const char *detail(const void *context)
{
    return blkfront_detail(context);
}

static int enumerate(void *context, uint32_t *vdevs, size_t capacity, size_t *count)
{
    return blkfront_enumerate(context, vdevs, capacity, count);
}

static size_t quarantined(void *context)
{
    return blkfront_quarantined(context);
}

static int connect_device(void *context, const char *name, const struct blkfront_options *options,
                          void **device)
{
    struct blkfront_device *made = NULL;
    int error = blkfront_connect(context, name, options, &made);

    if (error == BLKFRONT_OK) {
        *device = made;
    }
    return error;
}

static int poll_device(void *device)
{
    return blkfront_poll(device);
}

static uint64_t poll_at(const void *device)
{
    return blkfront_poll_at(device);
}

static void disconnect(void *device)
{
    blkfront_disconnect(device);
}

static void release(void *device)
{
    blkfront_release(device);
}

static enum blkfront_state device_state(const void *device)
{
    return blkfront_device_state(device);
}

static int device_error(const void *device)
{
    return blkfront_device_error(device);
}

static const char *device_detail(const void *device)
{
    return blkfront_device_detail(device);
}

static int get_info(const void *device, struct blkfront_info *info)
{
    return blkfront_get_info(device, info);
}

static void get_statistics(const void *device, struct blkfront_statistics *statistics)
{
    blkfront_get_statistics(device, statistics);
}

static uint32_t queue_count(const void *device)
{
    return blkfront_queue_count(device);
}

static int submit(void *device, uint32_t queue, struct blkfront_request *request)
{
    /* One that was had before the first connection may be there, and not be used. */
    if (queue >= blkfront_queue_count(device))
        return BLKFRONT_INVALID;
    return blkfront_submit(blkfront_get_queue(device, queue), request);
}

static int queue_poll(void *device, uint32_t queue)
{
    struct blkfront_queue *of_index = blkfront_get_queue(device, queue);

    return of_index == NULL ? 0 : blkfront_queue_poll(of_index);
}

/* The library only hands out queues of a device that may be changed; nothing is changed here. */
static uint64_t queue_poll_at(const void *device, uint32_t queue)
{
    union {
        const void *given;
        void *taken;
    } either = {.given = device};
    struct blkfront_queue *of_index = blkfront_get_queue(either.taken, queue);

    return of_index == NULL ? UINT64_MAX : blkfront_queue_poll_at(of_index);
}

static int memory_create(void *device, size_t pages, unsigned uses, void **memory, void **address)
{
    struct blkfront_memory *made = NULL;
    int error = blkfront_memory_create(device, pages, uses, &made, address);

    if (error == BLKFRONT_OK) {
        *memory = made;
    }
    return error;
}

static int memory_register(void *device, void *address, size_t pages, unsigned uses,
                           void (*release_pages)(void *context, void *address), void *context,
                           void **memory)
{
    struct blkfront_memory *made = NULL;
    int error =
        blkfront_memory_register(device, address, pages, uses, release_pages, context, &made);

    if (error == BLKFRONT_OK) {
        *memory = made;
    }
    return error;
}

static void memory_destroy(void *memory)
{
    blkfront_memory_destroy(memory);
}

static void suspend(void *context)
{
    blkfront_suspend(context);
}

static void resume(void *context)
{
    blkfront_resume(context);
}

const struct scenario_subject scenario_subject_blkfront = {
    .version = SCENARIO_SUBJECT_VERSION,
    .size = sizeof(struct scenario_subject),
    .name = "libblkfront",
    .capabilities =
        SCENARIO_SUBJECT_FLUSH | SCENARIO_SUBJECT_DISCARD | SCENARIO_SUBJECT_FUA |
        SCENARIO_SUBJECT_BARRIER | SCENARIO_SUBJECT_PERSISTENT | SCENARIO_SUBJECT_INDIRECT |
        SCENARIO_SUBJECT_MEMORY | SCENARIO_SUBJECT_RING_START | SCENARIO_SUBJECT_ABI_32 |
        SCENARIO_SUBJECT_RING_ORDER | SCENARIO_SUBJECT_MULTI_QUEUE | SCENARIO_SUBJECT_DEADLINES |
        SCENARIO_SUBJECT_SHARE_ONLY | SCENARIO_SUBJECT_ENUMERATE | SCENARIO_SUBJECT_STATISTICS |
        SCENARIO_SUBJECT_RECOVERY | SCENARIO_SUBJECT_SUSPEND | SCENARIO_SUBJECT_NAMES |
        SCENARIO_SUBJECT_CHANGES | OBSERVED,
    .create = create,
    .destroy = destroy,
    .detail = detail,
    .enumerate = enumerate,
    .connect = connect_device,
    .poll = poll_device,
    .poll_at = poll_at,
    .disconnect = disconnect,
    .release = release,
    .device_state = device_state,
    .device_error = device_error,
    .device_detail = device_detail,
    .get_info = get_info,
    .get_statistics = get_statistics,
    .queue_count = queue_count,
    .submit = submit,
    .queue_poll = queue_poll,
    .queue_poll_at = queue_poll_at,
    .memory_create = memory_create,
    .memory_register = memory_register,
    .memory_destroy = memory_destroy,
    .quarantined = quarantined,
    .suspend = suspend,
    .resume = resume,
};
