/* SPDX-License-Identifier: ISC */
/*
 * Queues without rings: the other side of internal.h's seam in the tests of the life cycle. Each
 * rule of the seam that the device could break ends the test.
 */
#include "fake_queue.h"

#include <stdlib.h>
#include <string.h>

struct blkfront_queue {
    struct blkfront_device *device;
    uint32_t index;
    enum queue_state state;
    bool open;  /* shares something with the backend */
    bool taken; /* the caller has had it */
    int result;
    uint32_t refs[FAKE_REFS];
    struct blkfront_request *waiting; /* linked by internal.next */
};

struct fake_queues fake_queues;

void fake_queues_init(void)
{
    fake_queues = (struct fake_queues){.open_error = QUEUE_SHORT};
}

static void require(bool holds)
{
    if (!holds)
        abort();
}

int queues_create(struct blkfront_device *device)
{
    const struct blkfront_platform *platform = device->context->platform;
    uint32_t count = device->options.queues;

    device->queues = platform->allocate(platform->context, count * sizeof(*device->queues));
    if (device->queues == NULL)
        return BLKFRONT_NO_MEMORY;
    for (uint32_t i = 0; i < count; i++) {
        device->queues[i].device = device;
        device->queues[i].index = i;
    }
    return BLKFRONT_OK;
}

void queues_destroy(struct blkfront_device *device)
{
    const struct blkfront_platform *platform = device->context->platform;

    for (uint32_t i = 0; i < device->options.queues; i++)
        require(device->queues[i].state == QUEUE_CLOSED && device->queues[i].waiting == NULL);
    platform->free(platform->context, device->queues,
                   device->options.queues * sizeof(*device->queues));
    device->queues = NULL;
}

void fake_queues_drop(struct blkfront_device *device)
{
    for (uint32_t i = 0; device->queues != NULL && i < device->options.queues; i++)
        device->queues[i].state = QUEUE_CLOSED;
    if (device->queues != NULL)
        queues_destroy(device);
}

int queue_open(struct blkfront_queue *queue)
{
    require(queue->state == QUEUE_CLOSED || queue->state == QUEUE_HELD);
    fake_queues.opens++;
    if (fake_queues.open_fails > 0) {
        fake_queues.open_fails--;
        return fake_queues.open_error;
    }
    if (fake_queues.open_limit != 0 && queue->index >= fake_queues.open_limit)
        return fake_queues.open_error;
    fake_queues.open++;
    queue->open = true;
    queue->state = QUEUE_OPEN;
    for (uint32_t i = 0; i < FAKE_REFS; i++)
        queue->refs[i] = 100 * queue->index + i + 8;
    return BLKFRONT_OK;
}

uint32_t queue_port(const struct blkfront_queue *queue)
{
    require(queue->state == QUEUE_OPEN);
    return 40 + queue->index;
}

const uint32_t *queue_ring_refs(const struct blkfront_queue *queue, uint32_t *count)
{
    require(queue->state == QUEUE_OPEN);
    *count = UINT32_C(1) << queue->device->agreed.ring_order;
    return queue->refs;
}

void queue_start(struct blkfront_queue *queue)
{
    require(queue->state == QUEUE_OPEN);
    fake_queues.started++;
    queue->state = QUEUE_RUNNING;
}

void queue_share(struct blkfront_queue *queue, uint32_t target)
{
    require(queue->state == QUEUE_HELD);
    require(target < queue->index && queue->device->queues[target].state == QUEUE_RUNNING);
    fake_queues.shared++;
    queue->state = QUEUE_SHARING;
}

void queue_pause(struct blkfront_queue *queue)
{
    if (queue->state == QUEUE_RUNNING)
        queue->state = QUEUE_PAUSING;
}

void queue_keep(struct blkfront_queue *queue)
{
    require(queue->state != QUEUE_STOPPING && queue->state != QUEUE_STOPPED);
    if (queue->state != QUEUE_CLOSED && queue->state != QUEUE_HELD && queue->state != QUEUE_KEPT)
        queue->state = QUEUE_KEEPING;
}

void queue_stop(struct blkfront_queue *queue, int result)
{
    require(queue->state != QUEUE_STOPPED);
    fake_queues.stop_result = result;
    queue->result = result;
    if (queue->state != QUEUE_CLOSED)
        queue->state = QUEUE_STOPPING;
}

enum queue_state queue_get_state(const struct blkfront_queue *queue)
{
    return queue->state;
}

static void set_closed(struct blkfront_queue *queue)
{
    fake_queues.open -= queue->open;
    queue->open = false;
    queue->state = queue->state == QUEUE_KEPT ? QUEUE_HELD : QUEUE_CLOSED;
}

void queue_end(struct blkfront_queue *queue)
{
    (void)queue;
}

int queue_close(struct blkfront_queue *queue)
{
    if (queue->state == QUEUE_CLOSED || queue->state == QUEUE_HELD)
        return 0;
    require(queue->state == QUEUE_STOPPED || queue->state == QUEUE_KEPT);
    if (queue->open && fake_queues.busy > 0) {
        if (fake_queues.busy != ~0u)
            fake_queues.busy--;
        return BLKFRONT_PLATFORM_BUSY;
    }
    set_closed(queue);
    return 0;
}

void queue_quarantine(struct blkfront_queue *queue)
{
    require(queue->state == QUEUE_STOPPED || queue->state == QUEUE_KEPT);
    fake_queues.quarantined++;
    set_closed(queue);
}

const char *queue_violation(const struct blkfront_queue *queue)
{
    return queue->open ? fake_queues.violation : NULL;
}

void queue_add_statistics(const struct blkfront_queue *queue, struct blkfront_statistics *sum)
{
    sum->requests += 1 + queue->index;
}

void memories_poll(struct blkfront_device *device)
{
    (void)device;
    fake_queues.memories_polled++;
}

void memories_void(struct blkfront_device *device)
{
    (void)device;
    fake_queues.memories_voided++;
}

void memories_close(struct blkfront_device *device)
{
    (void)device;
    fake_queues.memories_closed++;
}

size_t quarantine_retry(struct blkfront *context)
{
    (void)context;
    return fake_queues.quarantined;
}

void quarantine_forget(struct blkfront *context)
{
    (void)context;
    fake_queues.forgotten++;
}

bool shortage_tell_devices(struct blkfront_device *device)
{
    (void)device;
    fake_queues.told_devices++;
    return fake_queues.others_keep_grants;
}

/* ---- the public calls of a queue ---- */

uint32_t blkfront_queue_count(const struct blkfront_device *device)
{
    return device->usable_queues == 0 ? device->options.queues : device->usable_queues;
}

struct blkfront_queue *blkfront_get_queue(struct blkfront_device *device, uint32_t index)
{
    if (index >= blkfront_queue_count(device) && !device->queues[index].taken)
        return NULL;
    device->queues[index].taken = true;
    return &device->queues[index];
}

/* Here all of them are the tests' own. */
void queue_poll_unused(struct blkfront_queue *queue)
{
    (void)queue;
}

struct blkfront_queue *queue_at(const struct blkfront_device *device, uint32_t index)
{
    return index < device->options.queues ? &device->queues[index] : NULL;
}

int blkfront_submit(struct blkfront_queue *queue, struct blkfront_request *request)
{
    if (!device_takes_requests(queue->device))
        return BLKFRONT_DISCONNECTED;
    request->internal.next = queue->waiting;
    queue->waiting = request;
    return BLKFRONT_OK;
}

static void complete_all(struct blkfront_queue *queue, int result)
{
    while (queue->waiting != NULL) {
        struct blkfront_request *request = queue->waiting;

        queue->waiting = request->internal.next;
        request->complete(request, result);
    }
}

int blkfront_queue_poll(struct blkfront_queue *queue)
{
    if (queue == NULL)
        return 0;
    if (fake_queues.more > 0) {
        fake_queues.more--;
        return 1;
    }
    if (queue->state == QUEUE_RUNNING && !fake_queues.unanswered)
        complete_all(queue, BLKFRONT_OK);
    if (fake_queues.deaf)
        return 0;
    switch (queue->state) {
    case QUEUE_PAUSING: queue->state = QUEUE_PAUSED; break;
    case QUEUE_KEEPING: queue->state = QUEUE_KEPT; break;
    case QUEUE_STOPPING:
        complete_all(queue, queue->result);
        queue->state = QUEUE_STOPPED;
        break;
    case QUEUE_CLOSED:
    case QUEUE_HELD:
    case QUEUE_OPEN:
    case QUEUE_RUNNING:
    case QUEUE_SHARING:
    case QUEUE_PAUSED:
    case QUEUE_KEPT:
    case QUEUE_STOPPED:
    default: return 0;
    }
    device_wake(queue->device);
    return 0;
}

uint64_t blkfront_queue_poll_at(const struct blkfront_queue *queue)
{
    (void)queue;
    return fake_queues.due_ns == 0 ? UINT64_MAX : fake_queues.due_ns;
}
