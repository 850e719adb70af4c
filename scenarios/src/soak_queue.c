/* SPDX-License-Identifier: ISC */
/*
 * A queue of a soak: chooses requests by chance, fills what it writes, compares what it reads, and
 * sleeps when there is nothing to do. Connections are soak.c's matter.
 */
#include "soak_queue.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Between two looks at a device that has lost its backend. */
#define SHORT_NS UINT64_C(100000)

enum { WORDS = SOAK_UNIT / sizeof(uint64_t), ODD = 72, PAGE = 4096 };

uint64_t soak_now(const struct soak *soak)
{
    const struct blkfront_platform *platform = simback_threads_platform(soak->threads);

    return platform->now(platform->context);
}

static void complain(struct soak_queue *queue, const char *what, uint32_t unit, uint64_t detail)
{
    if (queue->trouble[0] == '\0')
        snprintf(queue->trouble, sizeof(queue->trouble),
                 "queue %" PRIu32 ", unit %" PRIu32 ": %s (%" PRIx64 "; versions %" PRIx32
                 " to %" PRIx32 " are possible)",
                 queue->index, unit, what, detail, queue->least[unit], queue->most[unit]);
    __atomic_store_n(&queue->soak->bad, 1, __ATOMIC_RELEASE);
    simback_threads_wake_device(queue->soak->threads);
}

/* ---- what is on the disk ---- */

static uint64_t chance(struct soak_queue *queue)
{
    queue->random ^= queue->random << 13;
    queue->random ^= queue->random >> 7;
    queue->random ^= queue->random << 17;
    return queue->random;
}

/* Each word of a unit is another, so what has moved within it shows too. */
static uint64_t word_at(uint64_t first, uint32_t index)
{
    return first + index * UINT64_C(0x9e3779b97f4a7c15);
}

static uint64_t stamp(const struct soak_queue *queue, uint32_t unit, uint32_t version)
{
    return (uint64_t)version << 32 | (uint64_t)queue->index << 24 | unit;
}

static void fill(const struct soak_queue *queue, const struct soak_call *call)
{
    for (uint32_t i = 0; i < call->units; i++) {
        const uint64_t first = stamp(queue, call->unit + i, queue->most[call->unit + i]);
        uint64_t words[WORDS];

        for (uint32_t at = 0; at < WORDS; at++)
            words[at] = word_at(first, at);
        memcpy(call->bytes + (size_t)i * SOAK_UNIT, words, SOAK_UNIT);
    }
}

/* NULL: the unit holds what it may hold. */
static const char *wrong_with(const struct soak_queue *queue, uint32_t unit,
                              const uint64_t words[WORDS])
{
    const uint32_t version = (uint32_t)(words[0] >> 32);
    uint64_t differs = 0;

    if (words[0] == 0) {
        for (uint32_t at = 0; at < WORDS; at++)
            differs |= words[at];
        if (differs != 0)
            return "holds what nobody has written";
        return queue->least[unit] == 0 ? NULL : "what was written is lost";
    }
    for (uint32_t at = 0; at < WORDS; at++)
        differs |= words[at] ^ word_at(words[0], at);
    if (differs != 0)
        return "is not of one piece";
    if (words[0] != stamp(queue, unit, version))
        return "holds what belongs elsewhere";
    if (version < queue->least[unit])
        return "what was written last is lost";
    return version > queue->most[unit] ? "holds what is not written yet" : NULL;
}

static bool holds(struct soak_queue *queue, const struct soak_call *call)
{
    for (uint32_t i = 0; i < call->units; i++) {
        uint64_t words[WORDS];
        const char *wrong;

        memcpy(words, call->bytes + (size_t)i * SOAK_UNIT, SOAK_UNIT);
        wrong = wrong_with(queue, call->unit + i, words);
        if (wrong != NULL) {
            complain(queue, wrong, call->unit + i, words[0]);
            return false;
        }
    }
    return true;
}

/* ---- requests ---- */

static void use(struct soak_queue *queue, const struct soak_call *call, bool used)
{
    memset(queue->used + call->unit, used, call->units * sizeof(queue->used[0]));
}

static void succeeded(struct soak_queue *queue, const struct soak_call *call)
{
    switch (call->request.operation) {
    case BLKFRONT_READ:
        if (!holds(queue, call)) {
            queue->counts.wrong++;
            return;
        }
        queue->counts.reads++;
        break;
    case BLKFRONT_WRITE:
        for (uint32_t i = 0; i < call->units; i++)
            queue->least[call->unit + i] = queue->most[call->unit + i];
        queue->counts.writes++;
        break;
    case BLKFRONT_FLUSH:
    case BLKFRONT_DISCARD: queue->counts.flushes++; break;
    }
    queue->left -= queue->left != 0;
    __atomic_store_n(&queue->succeeded, queue->succeeded + 1, __ATOMIC_RELAXED);
}

static void complete(struct blkfront_request *request, int result)
{
    struct soak_call *call = request->context;
    struct soak_queue *queue = call->queue;

    if (!call->busy) {
        queue->counts.doubled++;
        complain(queue, "a request has completed twice", call->unit, 0);
        return;
    }
    if (result == BLKFRONT_OK) {
        succeeded(queue, call);
    } else if (result == BLKFRONT_IO_ERROR && queue->soak->errors) {
        queue->counts.errors++;
    } else if (result == BLKFRONT_DISCONNECTED) {
        queue->counts.cut++;
    } else {
        queue->counts.failed++;
        complain(queue, blkfront_error_text(result), call->unit, (uint64_t)request->operation);
    }
    use(queue, call, false);
    call->busy = false;
    queue->in_flight--;
}

/* Most are small; some need more than one ring request where segments are few. */
static uint32_t choose_size(struct soak_queue *queue)
{
    const uint64_t dice = chance(queue);

    if (dice % 16 == 0)
        return 1 + (uint32_t)(dice / 16 % SOAK_SPAN);
    if (dice % 16 < 3)
        return 1 + (uint32_t)(dice / 16 % 24);
    return 1 + (uint32_t)(dice / 16 % 8);
}

/* Units that no other request uses; none is a flush. */
static void choose_units(struct soak_queue *queue, struct soak_call *call)
{
    const uint32_t most = choose_size(queue);

    call->unit = (uint32_t)(chance(queue) % (SOAK_UNITS - SOAK_SPAN));
    call->units = 0;
    while (call->units < most && !queue->used[call->unit + call->units])
        call->units++;
}

static void submit(struct soak_queue *queue, struct soak_call *call,
                   enum blkfront_operation operation)
{
    int result;

    call->buffer = (struct blkfront_buffer){.address = call->bytes,
                                            .size = (size_t)call->units * SOAK_UNIT,
                                            .memory = call->heap == NULL ? queue->memory : NULL};
    call->request = (struct blkfront_request){
        .operation = operation,
        .sector = call->units == 0 ? 0 : (uint64_t)queue->index * SOAK_UNITS + call->unit,
        .buffers = call->units == 0 ? NULL : &call->buffer,
        .buffer_count = call->units != 0,
        .complete = complete,
        .context = call,
    };
    if (operation == BLKFRONT_WRITE) {
        for (uint32_t i = 0; i < call->units; i++)
            queue->most[call->unit + i]++;
        fill(queue, call);
    } else {
        memset(call->bytes, 0xee, call->buffer.size);
    }
    use(queue, call, true);
    call->busy = true;
    queue->in_flight++;
    result = blkfront_submit(queue->queue, &call->request);
    if (result != BLKFRONT_OK)
        complete(&call->request, result);
}

static void submit_any(struct soak_queue *queue, struct soak_call *call)
{
    const uint64_t dice = chance(queue) % 64;

    choose_units(queue, call);
    if (dice == 0)
        call->units = 0;
    if (call->units == 0)
        submit(queue, call, BLKFRONT_FLUSH);
    else
        submit(queue, call, dice % 2 == 0 ? BLKFRONT_WRITE : BLKFRONT_READ);
}

/* The whole part once more, when nobody writes. */
static void submit_next(struct soak_queue *queue, struct soak_call *call)
{
    call->unit = queue->swept;
    call->units = SOAK_UNITS - queue->swept < SOAK_SPAN ? SOAK_UNITS - queue->swept : SOAK_SPAN;
    queue->swept += call->units;
    submit(queue, call, BLKFRONT_READ);
}

/* ---- its thread ---- */

static bool may_submit(const struct soak_queue *queue, enum soak_phase phase)
{
    switch (phase) {
    case SOAK_LOAD: return queue->left > queue->in_flight;
    case SOAK_SWEEP: return queue->swept < SOAK_UNITS;
    case SOAK_DRAIN:
    case SOAK_OVER: break;
    }
    return false;
}

static void submit_some(struct soak_queue *queue, enum soak_phase phase)
{
    for (uint32_t i = 0; i < queue->depth && may_submit(queue, phase); i++) {
        if (queue->calls[i].busy)
            continue;
        if (phase == SOAK_SWEEP)
            submit_next(queue, &queue->calls[i]);
        else
            submit_any(queue, &queue->calls[i]);
        if (!queue->calls[i].busy) /* refused: there is no connection any more */
            return;
    }
}

/* Until the queue or somebody else has something for us. With requests in flight on a connection
 * the backend owes us a wake-up. */
static void sleep_a_while(struct soak_queue *queue, bool down)
{
    const uint64_t now = soak_now(queue->soak);
    const uint64_t most = now + (down ? SHORT_NS : SOAK_LONG_NS);
    const uint64_t due = blkfront_queue_poll_at(queue->queue);
    const int result =
        simback_threads_wait_queue(queue->soak->threads, queue->index, due < most ? due : most);

    if (result != 0 && !down && due >= most && queue->in_flight != 0) {
        queue->counts.lost += queue->in_flight;
        complain(queue, "requests are not answered", 0, queue->in_flight);
    }
}

/* Has anything come? */
static bool look(void *context)
{
    struct soak_queue *queue = context;
    const uint32_t before = queue->in_flight;

    return blkfront_queue_poll(queue->queue) != 0 || queue->in_flight != before;
}

/* Every other queue is watched for a while before it asks for an event and sleeps. */
static void rest(struct soak_queue *queue, bool down)
{
    const bool watches = queue->index % 2 != 0;

    if (!queue->watched)
        sleep_a_while(queue, down);
    queue->watched =
        watches && (!queue->watched ||
                    simback_threads_spin_queue(queue->soak->threads, queue->index, look, queue));
    blkfront_queue_watch(queue->queue, queue->watched);
}

/* Tells once that nothing is left to do in this phase. */
static void tell_idle(struct soak_queue *queue, enum soak_phase phase)
{
    const bool idle = !may_submit(queue, phase) && queue->in_flight == 0;

    if (idle && !queue->idle && phase != SOAK_OVER) {
        queue->idle = true;
        __atomic_sub_fetch(&queue->soak->at_work, 1, __ATOMIC_RELEASE);
        simback_threads_wake_device(queue->soak->threads);
    }
}

/* Polls its queue also after its last request: the device needs that to disconnect. */
static void *work(void *argument)
{
    struct soak_queue *queue = argument;
    struct soak *soak = queue->soak;
    enum soak_phase seen = SOAK_LOAD;

    for (;;) {
        const enum soak_phase phase = __atomic_load_n(&soak->phase, __ATOMIC_ACQUIRE);
        const enum blkfront_state state = blkfront_device_state(soak->device);
        const bool down = state != BLKFRONT_CONNECTED;

        if (phase == SOAK_OVER)
            return NULL;
        if (phase != seen && phase == SOAK_SWEEP)
            queue->idle = false;
        seen = phase;
        if (!down || state == BLKFRONT_RECOVERING)
            submit_some(queue, phase);
        if (blkfront_queue_poll(queue->queue) != 0)
            continue;
        tell_idle(queue, phase);
        if (down || !may_submit(queue, phase) || queue->in_flight >= queue->depth)
            rest(queue, down);
    }
}

/* ---- from outside ---- */

bool soak_queue_init(struct soak_queue *queue, struct soak *soak, uint32_t index,
                     const struct soak_options *options)
{
    queue->soak = soak;
    queue->index = index;
    queue->depth = options->depth;
    queue->random = (options->seed + index + 1) * UINT64_C(0x9e3779b97f4a7c15) | 1;
    queue->left =
        options->requests / options->queues + (index < options->requests % options->queues ? 1 : 0);
    for (uint32_t i = 0; i < queue->depth; i++) {
        queue->calls[i].queue = queue;
        if (i % 2 == 0)
            continue; /* every other one goes without a copy */
        queue->calls[i].heap = malloc(ODD + (size_t)SOAK_SPAN * SOAK_UNIT);
        if (queue->calls[i].heap == NULL)
            return false;
        queue->calls[i].bytes = queue->calls[i].heap + ODD;
    }
    return true;
}

void soak_queue_fini(struct soak_queue *queue)
{
    for (uint32_t i = 0; i < queue->depth; i++)
        free(queue->calls[i].heap);
}

bool soak_queue_begin(struct soak_queue *queue)
{
    const size_t direct = (queue->depth + 1) / 2;
    void *pages;

    queue->queue = blkfront_get_queue(queue->soak->device, queue->index);
    queue->idle = false;
    if (blkfront_memory_create(queue->soak->device, direct * SOAK_CALL_PAGES,
                               BLKFRONT_MEMORY_TO_DISK | BLKFRONT_MEMORY_FROM_DISK, &queue->memory,
                               &pages) != BLKFRONT_OK)
        return false;
    for (uint32_t i = 0; i < queue->depth; i += 2)
        queue->calls[i].bytes = (unsigned char *)pages + (size_t)i / 2 * SOAK_CALL_PAGES * PAGE;
    if (pthread_create(&queue->thread, NULL, work, queue) == 0)
        return true;
    blkfront_memory_destroy(queue->memory);
    return false;
}

void soak_queue_end(struct soak_queue *queue)
{
    simback_threads_wake_queue(queue->soak->threads, queue->index);
    (void)pthread_join(queue->thread, NULL);
    blkfront_memory_destroy(queue->memory);
}
