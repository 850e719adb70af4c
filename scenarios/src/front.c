/* SPDX-License-Identifier: ISC */
/*
 * The subject's devices as the application holds them: every call on the subject goes through here,
 * between front_enter and front_leave, so that the world knows for whom the platform is called and
 * what the frontend does inside. The polls are actors of the world, one a device number and one a
 * queue.
 */
#include "runner.h"

#include <string.h>

void front_enter(struct scenario_runner *runner, uint16_t number, const char *name)
{
    simback_enter(runner->world, number);
    simback_app_call(runner->world, number, name);
}

static void leave(struct scenario_runner *runner, uint16_t number, const char *name, int result)
{
    simback_app_return(runner->world, number, name, result);
    simback_enter(runner->world, SIMBACK_NO_DEVICE);
}

void front_leave(struct scenario_runner *runner, uint16_t number, const char *name, int result)
{
    leave(runner, number, name, result);
    if (number != SIMBACK_NO_DEVICE) {
        simback_handover(runner->world, number, true);
    }
}

struct front *front_of(struct scenario_runner *runner, unsigned handle)
{
    int index = handle < SCENARIO_DEVICES_MAX ? runner->handles[handle] : -1;

    return index < 0 || runner->fronts[index].device == NULL ? NULL : &runner->fronts[index];
}

/* ---- polls ---- */

/* True if the device's state, or the reason for it, is a new one; the oracle is told. */
static bool look(struct scenario_runner *runner, struct front *front)
{
    enum blkfront_state state = runner->subject->device_state(front->device);
    int error = runner->subject->device_error(front->device);

    if (state == front->state && error == front->error) {
        return false;
    }
    front->state = state;
    front->error = error;
    if (state == BLKFRONT_CONNECTED) {
        front->never_connected = false;
    }
    simback_app_device(runner->world, front->number, state, error);
    if (state == BLKFRONT_CONNECTED) {
        front_ask_size(runner, front); /* requests may come when nothing is told of it any more */
    }
    return true;
}

/* A device's state decides calls of its own: connect and disconnect end with it. */
void front_settle(struct scenario_runner *runner, struct front *front)
{
    struct call *call = runner->pending;
    int reason;

    look(runner, front);
    reason = front->error != BLKFRONT_OK ? front->error : BLKFRONT_DISCONNECTED;
    while (call != NULL) {
        struct call *next = call->next;

        if (&runner->fronts[call->front] != front || call->kind == CALL_REQUEST) {
            call = next;
            continue;
        }
        if (front_is_final(front)) {
            call_complete(runner, call, call->kind == CALL_CONNECT ? reason : BLKFRONT_OK);
        } else if (call->kind == CALL_CONNECT && front->state == BLKFRONT_CONNECTED) {
            call_complete(runner, call, BLKFRONT_OK);
        }
        call = next;
    }
}

void front_look(struct scenario_runner *runner, struct front *front)
{
    if (look(runner, front)) {
        front_settle(runner, front);
    }
}

static bool poll_device(struct scenario_runner *runner, struct front *front)
{
    int more;

    front_enter(runner, front->number, "poll");
    more = runner->subject->poll(front->device);
    leave(runner, front->number, "poll", more);
    front_look(runner, front);
    return more > 0;
}

static bool poll_queue(struct scenario_runner *runner, struct front *front, uint32_t queue)
{
    int more;

    front_enter(runner, front->number, "queue_poll");
    more = runner->subject->queue_poll(front->device, queue);
    leave(runner, front->number, "queue_poll", more);
    return more > 0;
}

static uint32_t queues_of(const struct scenario_runner *runner, struct front *front)
{
    uint32_t now = runner->subject->queue_count(front->device);

    if (front->queues < now) {
        front->queues = now;
    }
    return front->queues < front->asked ? front->queues : front->asked;
}

/* All that the application holds of this device number: after a disconnect and a second connect
 * these may be two. */
static bool run_device(void *context)
{
    struct front_actor *actor = context;
    struct scenario_runner *runner = actor->runner;
    uint64_t at = SIMBACK_NEVER;
    bool more = false;

    for (unsigned i = 0; i < FRONTS_MAX; i++) {
        struct front *front = &runner->fronts[i];
        uint64_t front_at;

        if (front->device == NULL || front->number != actor->number) {
            continue;
        }
        more |= poll_device(runner, front);
        front_at = runner->subject->poll_at(front->device);
        at = front_at < at ? front_at : at;
    }
    simback_actor_at(runner->world, actor->actor, at);
    return more;
}

static bool run_queue(void *context)
{
    struct front_actor *actor = context;
    struct scenario_runner *runner = actor->runner;
    uint64_t at = SIMBACK_NEVER;
    bool more = false;

    for (unsigned i = 0; i < FRONTS_MAX; i++) {
        struct front *front = &runner->fronts[i];
        uint64_t front_at;

        if (front->device == NULL || front->number != actor->number ||
            actor->queue >= queues_of(runner, front)) {
            continue;
        }
        more |= poll_queue(runner, front, actor->queue);
        front_look(runner, front);
        front_at = runner->subject->queue_poll_at(front->device, actor->queue);
        at = front_at < at ? front_at : at;
    }
    simback_actor_at(runner->world, actor->actor, at);
    return more;
}

void front_poll_once(struct scenario_runner *runner, struct front *front)
{
    uint32_t queues = queues_of(runner, front);

    poll_device(runner, front);
    simback_handover(runner->world, front->number, true);
    for (uint32_t queue = 0; queue < queues && queue < QUEUES_MAX; queue++) {
        poll_queue(runner, front, queue);
        simback_handover(runner->world, front->number, true);
    }
    front_look(runner, front);
}

/* What an application does after a call: it polls once, and learns when to poll again. */
void front_wake(struct scenario_runner *runner, const struct front *front, uint32_t queue)
{
    uint16_t number = front->number;

    if (queue < runner->queue_actor_count[number]) {
        simback_actor_ready(runner->world, runner->queue_actors[number][queue].actor);
        return;
    }
    simback_actor_ready(runner->world, runner->poll_actors[number].actor);
    for (uint16_t i = 0; i < runner->queue_actor_count[number]; i++) {
        simback_actor_ready(runner->world, runner->queue_actors[number][i].actor);
    }
}

void fronts_wake(struct scenario_runner *runner)
{
    for (unsigned i = 0; i < FRONTS_MAX; i++) {
        struct front *front = &runner->fronts[i];

        if (front->device == NULL) {
            continue;
        }
        front_look(runner, front);
        front_wake(runner, front, ALL_QUEUES);
    }
}

/* Actors, before anything runs for this device number. */
static void prepare(struct scenario_runner *runner, uint16_t number, uint16_t queues)
{
    simback_actor actors[QUEUES_MAX];
    uint16_t count = runner->queue_actor_count[number];

    if (!runner->has_actors[number]) {
        struct front_actor *actor = &runner->poll_actors[number];

        *actor = (struct front_actor){runner, 0, number, 0};
        actor->actor = simback_actor_add(runner->world, "front", number, 0, run_device, actor);
        runner->has_actors[number] = true;
    } else if (queues <= count) {
        return;
    }
    for (; count < queues; count++) {
        struct front_actor *actor = &runner->queue_actors[number][count];

        *actor = (struct front_actor){runner, 0, number, count};
        actor->actor = simback_actor_add(runner->world, "queue", number, count, run_queue, actor);
    }
    runner->queue_actor_count[number] = count;
    for (uint16_t i = 0; i < count; i++) {
        actors[i] = runner->queue_actors[number][i].actor;
    }
    simback_front_actors(runner->world, number, runner->poll_actors[number].actor, actors, count);
}

/* ---- connect, put ---- */

static struct front *front_with(struct scenario_runner *runner, const void *device)
{
    for (unsigned i = 0; i < FRONTS_MAX; i++) {
        if (runner->fronts[i].device == device) {
            return &runner->fronts[i];
        }
    }
    return NULL;
}

/* From a poll: what get_info says is not what it was. Later it may say nothing any more, and what
 * is asked for then is counted in sectors of this size. */
static void changed(void *context, struct blkfront_device *device)
{
    struct front *front = front_with(context, device);

    if (front != NULL) {
        front->changes++;
        front_ask_size(context, front);
    }
}

int front_connect(struct scenario_runner *runner, unsigned handle, const char *name,
                  const struct blkfront_options *options, struct front **front)
{
    struct blkfront_options asked = *options;
    uint16_t number = device_number_of_name(runner, name, handle);
    void *device = NULL;
    struct front *found;
    int error;

    if (front_with(runner, NULL) == NULL) {
        return BLKFRONT_NO_MEMORY;
    }
    prepare(runner, number, options->queues < QUEUES_MAX ? (uint16_t)options->queues : QUEUES_MAX);
    asked.changed = changed;
    asked.changed_context = runner;
    front_enter(runner, number, "connect");
    error = runner->subject->connect(runner->context, name, &asked, &device);
    front_leave(runner, number, "connect", error);
    if (error != BLKFRONT_OK) {
        return error;
    }
    if (device == NULL) {
        run_stop(runner, SCENARIO_FAILED, 0, "connect succeeded and gave no device");
        return BLKFRONT_INVALID;
    }
    found = front_with(runner, device);
    if (found == NULL) {
        found = front_with(runner, NULL);
        *found = (struct front){.device = device,
                                .number = number,
                                .state = BLKFRONT_CONNECTING,
                                .asked = QUEUES_MAX,
                                .never_connected = true,
                                .sector_size = BLKIF_WIRE_UNIT};
        simback_app_device(runner->world, number, BLKFRONT_CONNECTING, BLKFRONT_OK);
    }
    found->holds++;
    runner->handles[handle] = (int8_t)(found - runner->fronts);
    front_wake(runner, found, ALL_QUEUES);
    *front = found;
    return BLKFRONT_OK;
}

void front_ask_size(struct scenario_runner *runner, struct front *front)
{
    struct blkfront_info info;

    if (runner->subject->get_info(front->device, &info) != BLKFRONT_OK) {
        return;
    }
    simback_app_info(runner->world, front->number, &info);
    /* A subject may say anything: what no pattern could be made for is not taken. */
    if (info.sector_size >= BLKIF_WIRE_UNIT && info.sector_size <= BLKIF_WIRE_PAGE_SIZE &&
        info.sector_size % BLKIF_WIRE_UNIT == 0) {
        front->sector_size = info.sector_size;
    }
    front->sectors = info.size_sectors;
    front->knows_size = true;
}

/* After a disconnect and a second connect there may be two of one number, of which only the last is
 * not over. */
static const struct front *front_left_of(const struct scenario_runner *runner, uint16_t number)
{
    for (unsigned i = 0; i < FRONTS_MAX; i++) {
        if (runner->fronts[i].device != NULL && runner->fronts[i].number == number) {
            return &runner->fronts[i];
        }
    }
    return NULL;
}

/* What is left of a number is judged when its last one goes; until then it is as that one is. */
static void tell_released(const struct scenario_runner *runner, const struct front *released)
{
    const struct front *left = front_left_of(runner, released->number);

    if (left == NULL) {
        simback_app_released(runner->world, released->number);
    } else if (!front_is_final(released)) {
        simback_app_device(runner->world, left->number, left->state, left->error);
    }
}

void front_put(struct scenario_runner *runner, struct front *front)
{
    uint16_t number = front->number;
    bool last = front->holds == 1;

    if (last) {
        calls_before_release(runner, front);
    }
    front_enter(runner, number, "release");
    runner->subject->release(front->device);
    front->holds--;
    if (last) {
        calls_after_release(runner, front);
        front->device = NULL;
    }
    front_leave(runner, number, "release", 0);
    if (last) {
        tell_released(runner, front);
    }
}
