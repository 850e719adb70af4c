/* SPDX-License-Identifier: ISC */
/*
 * The rig of the data path's tests: see the header. It stands in for device.c, so the library's own
 * is not linked.
 */
#include "rig.h"

#include <stdlib.h>
#include <string.h>

static struct rig *the_rig;
static int completions;

void (*rig_observer)(const volatile void *address, size_t size, enum blkfront_access access);

/* ---- what device.c would do ---- */

void device_wake(struct blkfront_device *device)
{
    (void)device;
    __atomic_add_fetch(&the_rig->device_wakes, 1, __ATOMIC_RELAXED); /* from any thread */
}

bool device_takes_requests(const struct blkfront_device *device)
{
    (void)device;
    return the_rig->takes;
}

/* For the observed library. */
void blkfront_observe(const volatile void *address, size_t size, enum blkfront_access access)
{
    if (rig_observer != NULL)
        rig_observer(address, size, access);
}

void rig_init(struct rig *rig, bool any_page)
{
    memset(rig, 0, sizeof(*rig));
    fake_platform_init(&rig->fake,
                       any_page ? BLKFRONT_PLATFORM_GRANTS_ANY_PAGE | BLKFRONT_PLATFORM_REPORTS_BUSY
                                : BLKFRONT_PLATFORM_REPORTS_BUSY);
    rig->context.platform = &rig->fake.platform;
    rig->device.context = &rig->context;
    rig->device.vdev = RIG_VDEV;
    rig->device.options = (struct blkfront_options){
        .queues = 1,
        .segments = BLKIF_WIRE_SEGMENTS,
        .pool_pages = 64,
    };
    rig->device.agreed = (struct agreed){
        .backend_id = RIG_DOMID,
        .queue_count = 1,
        .segments = BLKIF_WIRE_SEGMENTS,
        .trusted = true,
        .sector_size = 512,
        .physical_sector_size = 512,
        .size_512 = RIG_UNITS,
        .flush = true,
        .flush_offered = true,
        .discard_granularity = 512,
    };
    the_rig = rig;
    completions = 0;
    rig_observer = NULL;
}

/* With a backend that begins anew. */
static void start_all(struct rig *rig, uint32_t rings)
{
    rig->device.connection++;
    for (uint32_t i = 0; i < rings; i++) {
        rig->req_cons[i] = rig->device.options.ring_start;
        rig->rsp_prod[i] = rig->device.options.ring_start;
        queue_start(&rig->device.queues[i]);
    }
    for (uint32_t i = rings; i < rig->device.usable_queues; i++)
        queue_share(&rig->device.queues[i], i % rings);
    if (rings > rig->device.usable_queues)
        rig->device.usable_queues = rings;
}

int rig_open(struct rig *rig)
{
    uint32_t count = rig->device.options.queues;
    int r = queues_create(&rig->device);

    if (r != 0)
        return r;
    rig->queue = rig->device.queues;
    for (uint32_t i = 0; i < count; i++) {
        r = queue_open(&rig->device.queues[i]);
        if (r != 0) {
            queue_end(&rig->device.queues[i]);
            while (i-- > 0) {
                queue_stop(&rig->device.queues[i], BLKFRONT_DISCONNECTED);
                blkfront_queue_poll(&rig->device.queues[i]);
                queue_close(&rig->device.queues[i]);
            }
            queues_destroy(&rig->device);
            return r;
        }
    }
    start_all(rig, count);
    rig->takes = true;
    rig->device.state = BLKFRONT_CONNECTED;
    return 0;
}

static bool rests(const struct blkfront_queue *queue)
{
    enum queue_state state = queue_get_state(queue);

    return state == QUEUE_KEPT || state == QUEUE_HELD || state == QUEUE_STOPPED ||
           state == QUEUE_CLOSED;
}

/* Several may have to wait for each other: so in turns. */
static bool all_come_to_rest(struct rig *rig)
{
    bool all = false;

    for (int n = 0; n < 1000 && !all; n++) {
        all = true;
        for (uint32_t i = 0; i < rig->device.options.queues; i++) {
            blkfront_queue_poll(&rig->device.queues[i]);
            all = all && rests(&rig->device.queues[i]);
        }
    }
    return all;
}

static bool stop_all(struct rig *rig, int result)
{
    rig->takes = false;
    for (uint32_t i = 0; i < rig->device.options.queues; i++)
        queue_stop(&rig->device.queues[i], result);
    return all_come_to_rest(rig);
}

void rig_lose(struct rig *rig)
{
    uint32_t count = rig->device.options.queues;

    for (uint32_t i = 0; i < count; i++)
        queue_pause(&rig->device.queues[i]);
    for (uint32_t i = 0; i < count; i++)
        blkfront_queue_poll(&rig->device.queues[i]);
    for (uint32_t i = 0; i < count; i++)
        queue_keep(&rig->device.queues[i]);
    if (!all_come_to_rest(rig))
        abort();
    for (uint32_t i = 0; i < count; i++) {
        if (queue_close(&rig->device.queues[i]) != 0)
            queue_quarantine(&rig->device.queues[i]);
    }
}

void rig_reconnect(struct rig *rig, uint32_t rings)
{
    rig->device.agreed.queue_count = rings;
    for (uint32_t i = 0; i < rings; i++) {
        if (queue_open(&rig->device.queues[i]) != 0)
            abort();
    }
    start_all(rig, rings);
}

void rig_close(struct rig *rig, int result)
{
    if (!stop_all(rig, result))
        return;
    for (uint32_t i = 0; i < rig->device.options.queues; i++) {
        if (queue_close(&rig->device.queues[i]) != 0)
            return;
    }
    memories_close(&rig->device);
    queues_destroy(&rig->device);
}

void rig_cut(struct rig *rig, int result)
{
    if (!stop_all(rig, result))
        return;
    for (uint32_t i = 0; i < rig->device.options.queues; i++) {
        if (queue_close(&rig->device.queues[i]) != 0)
            queue_quarantine(&rig->device.queues[i]);
    }
    memories_close(&rig->device);
    queues_destroy(&rig->device);
}

long rig_left(const struct rig *rig)
{
    return fake_left(&rig->fake) + rig->fake.mistakes + (long)rig->faults;
}

/* ---- the caller ---- */

static void completed(struct blkfront_request *request, int result)
{
    struct rig_call *call = request->context;

    call->completions++;
    call->result = result;
    call->order = __atomic_add_fetch(&completions, 1, __ATOMIC_RELAXED);
    if (call->then != NULL)
        call->then(call);
}

struct rig_call rig_call(enum blkfront_operation operation, uint64_t sector,
                         const struct blkfront_buffer *buffers, size_t count)
{
    return (struct rig_call){
        .request =
            {
                .operation = operation,
                .sector = sector,
                .buffers = buffers,
                .buffer_count = count,
                .complete = completed,
            },
    };
}

int rig_submit_to(struct rig *rig, uint32_t queue, struct rig_call *call)
{
    call->request.context = call;
    return blkfront_submit(&rig->device.queues[queue], &call->request);
}

int rig_submit(struct rig *rig, struct rig_call *call)
{
    return rig_submit_to(rig, 0, call);
}

void rig_poll(struct rig *rig)
{
    for (int n = 0; n < 1000 && blkfront_queue_poll(rig->queue) != 0; n++)
        ;
}

void rig_poll_all(struct rig *rig)
{
    bool more = true;

    for (int n = 0; n < 1000 && more; n++) {
        unsigned wakes = rig->fake.wakes;

        more = false;
        for (uint32_t i = 0; i < rig->device.options.queues; i++)
            more = blkfront_queue_poll(&rig->device.queues[i]) != 0 || more;
        more = more || rig->fake.wakes != wakes;
    }
}

/* ---- the backend ---- */

static void fault(struct rig *rig)
{
    __atomic_add_fetch(&rig->faults, 1, __ATOMIC_RELAXED);
}

static unsigned char *ring_page(const struct rig *rig, uint32_t queue)
{
    return rig->device.queues[queue].ring_block->address;
}

struct ring_words *rig_words(const struct rig *rig, uint32_t queue)
{
    return (struct ring_words *)(void *)ring_page(rig, queue);
}

static unsigned char *slot_at(const struct rig *rig, uint32_t queue, uint32_t index)
{
    const struct blkfront_queue *q = &rig->device.queues[queue];

    return ring_page(rig, queue) + BLKIF_WIRE_RING_HEADER +
           (size_t)(index % q->ring.entries) * q->layout->slot_size;
}

unsigned rig_waiting_requests(const struct rig *rig)
{
    return rig_words(rig, rig->ring)->req_prod - rig->req_cons[rig->ring];
}

static bool take(struct rig *rig, uint32_t queue, struct rig_request *request)
{
    const unsigned char *slot = slot_at(rig, queue, rig->req_cons[queue]);
    struct blkif_wire_request_64 wire;
    struct blkif_wire_discard_64 discard;
    struct blkif_wire_indirect_64 indirect;

    if (rig_words(rig, queue)->req_prod == rig->req_cons[queue])
        return false;
    memcpy(request->raw, slot, sizeof(request->raw));
    memcpy(&wire, slot, sizeof(wire));
    memcpy(&discard, slot, sizeof(discard));
    memcpy(&indirect, slot, sizeof(indirect));
    request->operation = wire.operation;
    request->inner = wire.operation;
    request->segment_count = wire.segment_count;
    if (wire.operation == BLKIF_WIRE_INDIRECT) {
        request->inner = indirect.indirect_operation;
        request->segment_count = indirect.segment_count;
    }
    request->id = wire.id;
    request->sector_512 = wire.sector_512;
    request->count_512 = discard.count_512;
    request->flag = discard.flag;
    memcpy(request->segments, wire.segments, sizeof(wire.segments));
    memcpy(request->page_refs, indirect.page_grant_refs, sizeof(request->page_refs));
    rig->req_cons[queue]++;
    rig_words(rig, queue)->req_event = rig->req_cons[queue] + 1;
    return true;
}

bool rig_take(struct rig *rig, struct rig_request *request)
{
    return take(rig, rig->ring, request);
}

struct rig_request rig_next(struct rig *rig)
{
    struct rig_request request = {.operation = 0xff};

    if (!rig_take(rig, &request))
        fault(rig);
    return request;
}

struct blkif_wire_segment rig_segment(struct rig *rig, const struct rig_request *request,
                                      uint32_t index)
{
    struct blkif_wire_segment segment = {0};
    const unsigned char *page;

    if (request->operation != BLKIF_WIRE_INDIRECT)
        return request->segments[index];
    page = fake_map(&rig->fake, request->page_refs[index / BLKIF_WIRE_SEGMENTS_PER_PAGE], false);
    if (page == NULL)
        fault(rig);
    else
        memcpy(&segment, page + index % BLKIF_WIRE_SEGMENTS_PER_PAGE * sizeof(segment),
               sizeof(segment));
    return segment;
}

static void respond(struct rig *rig, uint32_t queue, uint64_t id, uint8_t operation, int16_t status)
{
    struct blkif_wire_response_64 response = {.id = id, .operation = operation, .status = status};

    memcpy(slot_at(rig, queue, rig->rsp_prod[queue]), &response, sizeof(response));
    rig->rsp_prod[queue]++;
    rig_words(rig, queue)->rsp_prod = rig->rsp_prod[queue];
}

void rig_respond(struct rig *rig, uint64_t id, uint8_t operation, int16_t status)
{
    respond(rig, rig->ring, id, operation, status);
}

void rig_event(struct rig *rig)
{
    rig->fake.pending = true;
}

void rig_execute(struct rig *rig, const struct rig_request *request)
{
    bool is_read = request->inner == BLKIF_WIRE_READ;
    uint64_t unit = request->sector_512;

    if (!is_read && request->inner != BLKIF_WIRE_WRITE &&
        request->inner != BLKIF_WIRE_WRITE_BARRIER)
        return;
    for (unsigned i = 0; i < request->segment_count; i++) {
        struct blkif_wire_segment segment = rig_segment(rig, request, i);
        unsigned char *page = fake_map(&rig->fake, segment.grant_ref, is_read);
        size_t units = (size_t)segment.last_512 - segment.first_512 + 1;

        if (page == NULL || segment.first_512 > segment.last_512 || segment.last_512 > 7 ||
            unit + units > RIG_UNITS) {
            fault(rig);
            return;
        }
        page += (size_t)segment.first_512 * 512;
        if (is_read)
            memcpy(page, rig->disk + unit * 512, units * 512);
        else
            memcpy(rig->disk + unit * 512, page, units * 512);
        unit += units;
    }
}

void rig_answer(struct rig *rig, const struct rig_request *request)
{
    rig_execute(rig, request);
    rig_respond(rig, request->id, request->inner, BLKIF_WIRE_OKAY);
    (void)blkfront_queue_poll(&rig->device.queues[rig->ring]);
}

struct rig_request rig_run(struct rig *rig, enum blkfront_operation operation, uint64_t sector,
                           const struct blkfront_buffer *buffers, size_t count)
{
    struct rig_call call = rig_call(operation, sector, buffers, count);
    struct rig_request request = {.operation = 0xff};

    if (rig_submit(rig, &call) == BLKFRONT_OK) {
        request = rig_next(rig);
        if (request.operation != 0xff)
            rig_answer(rig, &request);
    }
    if (call.completions != 1 || call.result != BLKFRONT_OK)
        fault(rig);
    return request;
}

unsigned rig_serve_queue(struct rig *rig, uint32_t queue)
{
    struct rig_request request;
    unsigned count = 0;

    while (take(rig, queue, &request)) {
        rig_execute(rig, &request);
        respond(rig, queue, request.id, request.inner, BLKIF_WIRE_OKAY);
        count++;
    }
    return count;
}

unsigned rig_serve(struct rig *rig)
{
    unsigned count = rig_serve_queue(rig, rig->ring);

    rig->served += count;
    if (count > 0)
        rig_event(rig);
    return count;
}

void rig_settle(struct rig *rig)
{
    int quiet = 0;

    for (int n = 0; n < 10000 && quiet < 2; n++) {
        unsigned served = rig_serve(rig);

        rig_poll(rig);
        quiet = served == 0 ? quiet + 1 : 0;
    }
}

struct blkfront_statistics rig_statistics(const struct rig *rig)
{
    struct blkfront_statistics sum = {0};

    for (uint32_t i = 0; i < rig->device.options.queues; i++)
        queue_add_statistics(&rig->device.queues[i], &sum);
    return sum;
}
