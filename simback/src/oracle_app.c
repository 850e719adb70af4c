/* SPDX-License-Identifier: ISC */
/*
 * What the application does, as the runner tells it: events for the trace, and the table of
 * requests in flight on which the rules keep book. No memory is taken for a request once there were
 * as many in flight before.
 */
#include "oracle_requeue.h"

#include <string.h>

enum { REQUESTS_CHUNK = 16, BUCKETS_FIRST = 64 };

/* ---- the table of requests ---- */

static struct oracle_request **bucket_of(const struct oracle *oracle, uint64_t number)
{
    return &oracle->buckets[number & (oracle->bucket_count - 1)]; /* numbers count up */
}

struct oracle_request *oracle_request_find(const struct oracle *oracle, uint64_t number)
{
    struct oracle_request *request;

    if (oracle->bucket_count == 0)
        return NULL;
    request = *bucket_of(oracle, number);
    while (request != NULL && request->number != number)
        request = request->bucket_next;
    return request;
}

static bool grow_buckets(struct oracle *oracle)
{
    uint32_t old_count = oracle->bucket_count;
    uint32_t count = old_count == 0 ? BUCKETS_FIRST : old_count * 2;
    struct oracle_request **old = oracle->buckets;
    struct oracle_request **buckets =
        simback_allocate(oracle->world, count * sizeof(struct oracle_request *));

    if (buckets == NULL)
        return old_count != 0; /* longer chains then */
    oracle->buckets = buckets;
    oracle->bucket_count = count;
    for (uint32_t i = 0; i < old_count; i++) {
        while (old[i] != NULL) {
            struct oracle_request *request = old[i], **bucket = bucket_of(oracle, request->number);

            old[i] = request->bucket_next;
            request->bucket_next = *bucket;
            *bucket = request;
        }
    }
    if (old != NULL)
        simback_free(oracle->world, old, old_count * sizeof(struct oracle_request *));
    return true;
}

static struct oracle_request *request_new(struct oracle *oracle, uint64_t number)
{
    struct oracle_request *request, **bucket;

    if (oracle->request_count >= oracle->bucket_count && !grow_buckets(oracle))
        return NULL;
    if (oracle->free_requests == NULL) {
        request = simback_allocate(oracle->world, REQUESTS_CHUNK * sizeof(*request));
        for (uint32_t i = 0; request != NULL && i < REQUESTS_CHUNK; i++) {
            request[i].bucket_next = oracle->free_requests;
            oracle->free_requests = &request[i];
        }
    }
    request = oracle->free_requests;
    if (request == NULL)
        return NULL;
    oracle->free_requests = request->bucket_next;
    *request = (struct oracle_request){.number = number};
    bucket = bucket_of(oracle, number);
    request->bucket_next = *bucket;
    *bucket = request;
    oracle->request_count++;
    return request;
}

void oracle_request_wait(struct oracle_device *device, struct oracle_request *request)
{
    struct oracle_request *before = device->wait_last;

    if (request->waiting)
        return;
    /* One that has to be issued again comes before those that were submitted after it. */
    while (before != NULL && before->submitted > request->submitted)
        before = before->wait_previous;
    request->waiting = true;
    request->wait_previous = before;
    request->wait_next = before == NULL ? device->wait_first : before->wait_next;
    *(before == NULL ? &device->wait_first : &before->wait_next) = request;
    *(request->wait_next == NULL ? &device->wait_last : &request->wait_next->wait_previous) =
        request;
}

void oracle_request_wait_no_more(struct oracle_device *device, struct oracle_request *request)
{
    if (!request->waiting)
        return;
    request->waiting = false;
    *(request->wait_previous == NULL ? &device->wait_first : &request->wait_previous->wait_next) =
        request->wait_next;
    *(request->wait_next == NULL ? &device->wait_last : &request->wait_next->wait_previous) =
        request->wait_previous;
}

static void request_link(struct oracle_device *device, struct oracle_request *request)
{
    request->previous = device->last;
    *(device->last == NULL ? &device->first : &device->last->next) = request;
    device->last = request;
}

static void request_free(struct oracle *oracle, struct oracle_device *device,
                         struct oracle_request *request, int result, bool refused)
{
    struct oracle_request **link = bucket_of(oracle, request->number);

    while (*link != request)
        link = &(*link)->bucket_next;
    *link = request->bucket_next;
    *(request->previous == NULL ? &device->first : &request->previous->next) = request->next;
    *(request->next == NULL ? &device->last : &request->next->previous) = request->previous;
    oracle_request_wait_no_more(device, request);
    oracle->ended[request->number % ORACLE_ENDED] = (struct oracle_ended){
        .number = request->number,
        .result = result,
        .device = request->device,
        .refused = refused,
    };
    oracle->request_count--;
    device->ambiguous -= request->ambiguous;
    requeue_end(oracle, request);
    request->bucket_next = oracle->free_requests;
    oracle->free_requests = request;
}

/* ---- steps and calls ---- */

static void emit(struct simback_world *world, enum simback_event_kind kind, uint16_t device,
                 const char *path, uint64_t a, int result)
{
    simback_emit(world, &(struct simback_event){
                            .kind = kind,
                            .domid = world->guest,
                            .device = device,
                            .path = path,
                            .a = a,
                            .result = result,
                        });
}

static struct oracle_device *judged(const struct simback_world *world, uint16_t device)
{
    if (!world->options.rules)
        return NULL;
    return oracle_device_get(world->oracle, monitor_device_number(world->monitor, device));
}

void simback_app_step(struct simback_world *world, uint32_t step, uint32_t line)
{
    world->oracle->step = step;
    world->oracle->line = line;
    simback_emit(world, &(struct simback_event){
                            .kind = SIMBACK_STEP,
                            .device = SIMBACK_NO_DEVICE,
                            .a = step,
                            .b = line,
                        });
}

void simback_app_call(struct simback_world *world, uint16_t device, const char *name)
{
    struct oracle_device *known;

    emit(world, SIMBACK_CALL, device, name, 0, 0);
    if (strcmp(name, "suspend") == 0 || strcmp(name, "resume") == 0) {
        world->oracle->suspended = name[0] == 's';
        progress_suspended(world->oracle);
    }
    known = judged(world, device);
    if (known == NULL)
        return;
    loads_step(world->oracle, known);
    known->in_poll = strcmp(name, "poll") == 0 || strcmp(name, "queue_poll") == 0;
    if (strcmp(name, "disconnect") == 0) {
        indices_end(world->oracle, known);
        progress_disconnect(world->oracle, known);
        known->disconnect_called = true;
    } else if (strcmp(name, "connect") == 0 && known->released) {
        known->released = false;
        known->disconnect_called = false;
        known->app_known = false;
    }
}

void simback_app_return(struct simback_world *world, uint16_t device, const char *name, int result)
{
    struct oracle_device *known;

    emit(world, SIMBACK_RETURN, device, name, 0, result);
    known = judged(world, device);
    if (known == NULL)
        return;
    loads_step(world->oracle, known);
    known->in_poll = false;
}

/* ---- requests ---- */

/* In units, if that is possible and the buffers are what was asked. */
static void measure(struct oracle_request *request)
{
    uint32_t units = request->sector_size / BLKIF_WIRE_UNIT;
    uint64_t bytes = 0;
    bool whole = true;

    if (units == 0 || request->sector > UINT64_MAX / units ||
        request->sectors > (UINT64_MAX - request->sector * units) / units)
        return;
    request->first_512 = request->next_512 = request->sector * units;
    request->count_512 = request->sectors * units;
    if (request->operation != BLKFRONT_READ && request->operation != BLKFRONT_WRITE)
        return;
    for (size_t i = 0; i < request->buffer_count; i++) {
        whole = whole && request->buffers[i].size % request->sector_size == 0;
        bytes += request->buffers[i].size;
    }
    request->has_data = whole && bytes / request->sector_size == request->sectors &&
                        bytes % request->sector_size == 0 && bytes != 0;
}

void simback_app_submit(struct simback_world *world, uint16_t device, uint16_t queue,
                        uint64_t request, enum blkfront_operation operation, unsigned flags,
                        uint32_t sector_size, uint64_t sector, uint64_t sectors,
                        const struct blkfront_buffer *buffers, size_t buffer_count)
{
    struct oracle *oracle = world->oracle;
    struct oracle_device *known;
    struct oracle_request *made;

    simback_emit(world, &(struct simback_event){
                            .kind = SIMBACK_SUBMIT,
                            .domid = world->guest,
                            .device = device,
                            .queue = queue,
                            .a = request,
                            .b = sector,
                            .c = sectors,
                            .result = (int)operation,
                        });
    known = judged(world, device);
    if (known == NULL)
        return;
    if (request > oracle->highest)
        oracle->highest = request;
    made = request_new(oracle, request);
    if (made == NULL) {
        oracle->no_memory = true;
        return;
    }
    made->device = known->number;
    made->queue = queue;
    made->operation = operation;
    made->flags = flags;
    made->sector_size = sector_size;
    made->sector = sector;
    made->sectors = sectors;
    made->buffers = buffers;
    made->buffer_count = buffer_count;
    made->submitted = ++oracle->stamp;
    made->born = known->connection;
    measure(made);
    made->extents_first_512 = made->first_512;
    made->extents_512 = made->count_512;
    units_round(known, &made->extents_first_512, &made->extents_512);
    request_link(known, made);
    oracle_request_wait(known, made);
    read_only_submit(oracle, known, made);
    if (made->has_data)
        data_submit(oracle, known, made);
    else if (operation == BLKFRONT_DISCARD)
        data_discard_begins(oracle, known, made);
}

void simback_app_refused(struct simback_world *world, uint64_t request, int result)
{
    struct oracle *oracle = world->oracle;
    struct oracle_request *found =
        world->options.rules ? oracle_request_find(oracle, request) : NULL;
    struct oracle_device *device = found == NULL ? NULL : oracle->devices[found->device];

    emit(world, SIMBACK_REFUSED, found == NULL ? SIMBACK_NO_DEVICE : found->device, NULL, request,
         result);
    if (device == NULL)
        return;
    if (found->parts != 0)
        oracle_broken(oracle, 2, device, request,
                      "refused with %d (%s), but %u of its parts are on the ring", result,
                      oracle_error_name(result), found->parts);
    if (result == BLKFRONT_UNIMPLEMENTED)
        status_unimplemented(oracle, device, found);
    if (found->has_data)
        data_refused(oracle, device, found);
    else if (found->operation == BLKFRONT_DISCARD)
        data_discard_ends(oracle, found, true, result);
    correlation_forget(oracle, device, found);
    request_free(oracle, device, found, result, true);
}

/* It is over already, or never was. */
static void completes_again(struct oracle *oracle, uint64_t request, int result)
{
    const struct oracle_ended *ended = &oracle->ended[request % ORACLE_ENDED];

    if (request == 0 || request > oracle->highest)
        oracle_broken(oracle, 2, NULL, request,
                      "completes with %d (%s) although it was never submitted", result,
                      oracle_error_name(result));
    else if (ended->number != request)
        oracle_broken(oracle, 2, NULL, request, "completes again, with %d (%s)", result,
                      oracle_error_name(result));
    else
        oracle_broken(oracle, 2, oracle->devices[ended->device], request,
                      "completes with %d (%s) although it was %s with %d (%s) before", result,
                      oracle_error_name(result), ended->refused ? "refused" : "completed",
                      ended->result, oracle_error_name(ended->result));
}

void simback_app_complete(struct simback_world *world, uint64_t request, int result)
{
    struct oracle *oracle = world->oracle;
    struct oracle_request *found =
        world->options.rules ? oracle_request_find(oracle, request) : NULL;
    struct oracle_device *device = found == NULL ? NULL : oracle->devices[found->device];

    emit(world, SIMBACK_COMPLETE, found == NULL ? SIMBACK_NO_DEVICE : found->device, NULL, request,
         result);
    if (!world->options.rules)
        return;
    oracle_checked(oracle, 2);
    if (device == NULL) {
        completes_again(oracle, request, result);
        return;
    }
    answers_taken(oracle, device);
    oracle->stamp++;
    device->failed_now += result != BLKFRONT_OK;
    correlation_complete(oracle, device, found, result);
    status_complete(oracle, device, found, result);
    if (found->has_data)
        data_complete(oracle, device, found, result);
    else if (found->operation == BLKFRONT_DISCARD)
        data_discard_ends(oracle, found, false, result);
    durability_complete(oracle, device, found, result);
    teardown_complete(oracle, device, request);
    correlation_forget(oracle, device, found);
    request_free(oracle, device, found, result, false);
}

/* ---- the device ---- */

void simback_app_device(struct simback_world *world, uint16_t device, enum blkfront_state state,
                        int error)
{
    struct oracle_device *known;

    emit(world, SIMBACK_DEVICE, device, NULL, (uint64_t)state, error);
    known = judged(world, device);
    if (known == NULL)
        return;
    if (state == BLKFRONT_CONNECTING)
        states_connecting(known);
    known->app_known = true;
    known->app_state = state;
    known->resumed = known->resumed && state == BLKFRONT_CONNECTING;
    if (state != BLKFRONT_CLOSED && state != BLKFRONT_FAILED) {
        known->released = false;
        known->ending &= state == BLKFRONT_DISCONNECTING;
        return;
    }
    progress_over(world->oracle, known);
    teardown_over(world->oracle, known);
    teardown_final(world->oracle, known);
}

void simback_app_info(struct simback_world *world, uint16_t device,
                      const struct blkfront_info *info)
{
    struct oracle_device *known = judged(world, device);

    if (known != NULL)
        told_info(world->oracle, known, info);
}

void simback_app_released(struct simback_world *world, uint16_t device)
{
    struct oracle_device *known = judged(world, device);

    if (known == NULL)
        return;
    correlation_end(world->oracle, known);
    indices_end(world->oracle, known);
    grants_released(world->oracle, known);
    teardown_released(world->oracle, known);
    states_released(known);
    known->released = true;
    world->oracle->released_any = true;
}

void simback_app_end(struct simback_world *world)
{
    struct oracle *oracle = world->oracle;

    if (!world->options.rules)
        return;
    oracle->looking = true;
    for (unsigned i = 0; i < WORLD_DEVICES; i++) {
        struct oracle_device *device = oracle->devices[i];

        if (device != NULL && device->first != NULL)
            correlation_end(oracle, device);
        if (device != NULL)
            indices_end(oracle, device);
    }
    grants_end(oracle);
    teardown_end(oracle);
    oracle->looking = false;
}
