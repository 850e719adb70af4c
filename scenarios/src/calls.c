/* SPDX-License-Identifier: ISC */
/*
 * Calls of the application that take time: connect, disconnect, requests. From their beginning to
 * their completion they are in the list of what waits; at rest each of them is asked who owes the
 * next move (I4).
 */
#include "runner.h"

#include <stdio.h>
#include <string.h>

/* The first member of a call is its request. */
static void request_complete(struct blkfront_request *request, int result)
{
    struct call *call = request->context;

    call_complete(call->runner, call, result);
}

struct call *call_new(struct scenario_runner *runner, enum call_kind kind, struct front *front,
                      const char *text)
{
    struct call *call = simback_allocate(runner->world, sizeof(*call));

    if (call == NULL) {
        return NULL;
    }
    call->runner = runner;
    call->kind = kind;
    call->front = (uint8_t)(front - runner->fronts);
    call->text = text;
    call->sector_size = front->sector_size;
    call->request.complete = request_complete;
    call->request.context = call;
    return call;
}

void call_name(struct scenario_runner *runner, struct call *call, const struct scenario_step *step,
               unsigned field)
{
    uint64_t name = scenario_value(step, field);

    if (!scenario_given(step, field) || name >= SCENARIO_NAMES_MAX) {
        return;
    }
    if (runner->names[name] == NULL && runner->rule_device[name] == 0) {
        runner->names_used[runner->names_used_count++] = (uint16_t)name;
    }
    runner->names[name] = call;
    call->named = true;
}

void call_begin(struct scenario_runner *runner, struct call *call)
{
    call->previous = runner->pending_last;
    call->next = NULL;
    if (runner->pending_last != NULL) {
        runner->pending_last->next = call;
    } else {
        runner->pending = call;
    }
    runner->pending_last = call;
    runner->pending_count++;
}

static void end(struct scenario_runner *runner, struct call *call, int result)
{
    if (call->previous != NULL) {
        call->previous->next = call->next;
    } else {
        runner->pending = call->next;
    }
    if (call->next != NULL) {
        call->next->previous = call->previous;
    } else {
        runner->pending_last = call->previous;
    }
    call->next = NULL;
    call->previous = NULL;
    runner->pending_count--;
    call->completed = true;
    call->result = result;
    if (!call->named && !call->awaited) {
        call->next = runner->ended;
        runner->ended = call;
    }
}

/* The subject's word: it is taken, or it has ended. */
static int hand_over(struct scenario_runner *runner, struct call *call)
{
    struct front *front = &runner->fronts[call->front];
    struct blkfront_request *request = &call->request;
    int error;

    call->number = runner->next_request++;
    if (front->asked <= call->queue) {
        front->asked = call->queue + 1;
    }
    if (!call->fake) {
        simback_app_submit(runner->world, front->number, (uint16_t)call->queue, call->number,
                           request->operation, request->flags, call->sector_size, request->sector,
                           call->sectors, request->buffers, request->buffer_count);
    }
    call_begin(runner, call);
    error = runner->subject->submit(front->device, call->queue, request);
    if (error != BLKFRONT_OK && !call->completed) {
        if (!call->fake) {
            simback_app_refused(runner->world, call->number, error);
        }
        end(runner, call, error);
    }
    return error;
}

static void refuse_follower(struct scenario_runner *runner, struct call *call)
{
    call->number = runner->next_request++;
    call_begin(runner, call);
    end(runner, call, BLKFRONT_INVALID);
}

/* From inside a completion, so the frontend has been entered; and the poll that it is called from
 * has to do without another one. */
static void submit_followers(struct scenario_runner *runner, struct call *call)
{
    struct front *front = &runner->fronts[call->front];
    struct call *follower = call->followers;

    call->followers = NULL;
    for (struct call *next; follower != NULL; follower = next) {
        next = follower->next_follower;
        /* Its sectors were of another size: nobody who looks would ask for that. */
        front_ask_size(runner, front);
        if (follower->sector_size != front->sector_size) {
            refuse_follower(runner, follower);
            continue;
        }
        if (hand_over(runner, follower) == BLKFRONT_OK && follower->queue != call->queue) {
            front_wake(runner, front, follower->queue);
        }
    }
}

void call_complete(struct scenario_runner *runner, struct call *call, int result)
{
    if (call->kind == CALL_REQUEST) {
        simback_app_complete(runner->world, call->number, result);
    }
    if (call->completed) {
        return; /* I2: the oracle knows it now */
    }
    simback_progress(runner->world);
    end(runner, call, result);
    submit_followers(runner, call);
}

void call_follow(struct call *call, struct call *before, uint32_t queue)
{
    struct call **link = &before->followers;

    while (*link != NULL) {
        link = &(*link)->next_follower;
    }
    call->queue = queue;
    *link = call;
}

void calls_sweep(struct scenario_runner *runner)
{
    while (runner->ended != NULL) {
        struct call *call = runner->ended;

        runner->ended = call->next;
        call->next = NULL;
        buffers_finish(runner, call);
    }
}

static void step_gives(struct scenario_runner *runner, int code)
{
    runner->result.given = true;
    runner->result.code = code;
}

bool call_submit(struct scenario_runner *runner, struct call *call, uint32_t queue)
{
    struct front *front = &runner->fronts[call->front];
    int error;

    call->queue = queue;
    front_enter(runner, front->number, "submit");
    error = hand_over(runner, call);
    front_leave(runner, front->number, "submit", error);
    if (error != BLKFRONT_OK) {
        step_gives(runner, error);
        return false;
    }
    if (call->fake) {
        simback_violate(runner->world, 9, false, front->number, call->number,
                        "a request that ends beyond the disk was taken");
        return false;
    }
    front_wake(runner, front, queue);
    return true;
}

static bool has_completed(struct scenario_runner *runner, void *context)
{
    const struct call *call = context;

    (void)runner;
    return call->completed;
}

void call_wait(struct scenario_runner *runner, struct call *call)
{
    if (run_world(runner, SIMBACK_NEVER, UINT64_MAX, has_completed, call) == RAN_REST) {
        calls_judge_rest(runner);
    }
    step_gives(runner, call->completed ? call->result : BLKFRONT_OK);
    runner->result.pending = !call->completed;
    runner->result.rested = !call->completed;
    runner->result.call = call;
    runner->result.front = &runner->fronts[call->front];
}

/* ---- the end of a device ---- */

void calls_before_release(struct scenario_runner *runner, const struct front *front)
{
    struct call *call = runner->memories;

    while (call != NULL) {
        struct call *next = call->next_memory;

        if (&runner->fronts[call->front] == front && call->completed) {
            buffers_drop_memory(runner, call);
        }
        call = next;
    }
}

void calls_after_release(struct scenario_runner *runner, const struct front *front)
{
    for (struct call *call = runner->memories, *next; call != NULL; call = next) {
        next = call->next_memory;
        if (&runner->fronts[call->front] == front) {
            call->memory = NULL; /* it went with the device */
            buffers_drop_memory(runner, call);
        }
    }
    for (struct call *call = runner->pending, *next; call != NULL; call = next) {
        next = call->next;
        if (&runner->fronts[call->front] != front) {
            continue;
        }
        /* A request without completion is the oracle's matter, in simback_app_released. */
        end(runner, call, call->kind == CALL_DISCONNECT ? BLKFRONT_OK : BLKFRONT_DISCONNECTED);
    }
}

/* ---- who owes the next move (I4) ---- */

static uint64_t deadline_of(const struct scenario_runner *runner, const struct call *call)
{
    const struct front *front = &runner->fronts[call->front];

    switch (call->kind) {
    /* It is for the first time; who comes to a device that recovers waits as long as that does. */
    case CALL_CONNECT: return front->never_connected ? front->connect_deadline_ns : 0;
    case CALL_DISCONNECT: return front->disconnect_deadline_ns;
    case CALL_REQUEST: return front->request_deadline_ns;
    }
    return 0;
}

static void no_progress(struct scenario_runner *runner, const struct call *call, const char *why)
{
    const struct front *front = &runner->fronts[call->front];

    simback_violate(runner->world, 4, false, front->number, call->number,
                    "%s has not ended at rest: %s", call->text, why);
    run_judge_rules(runner);
    run_stop(runner, SCENARIO_NO_PROGRESS, 4, "I4 %s has not ended at rest: %s", call->text, why);
}

static void judge_waiting(struct scenario_runner *runner, const struct call *call)
{
    uint16_t number = runner->fronts[call->front].number;
    char why[100];

    if (runner->suspended) {
        return; /* for the guest to be resumed */
    }
    if (deadline_of(runner, call) != 0) {
        no_progress(runner, call, "its deadline has passed");
    } else if (simback_who_owes(runner->world, number) == SIMBACK_OWES_FRONTEND) {
        snprintf(why, sizeof(why),
                 "the next move is the frontend's (its state is %u, the backend's %u)",
                 node_state(runner, number, true), node_state(runner, number, false));
        no_progress(runner, call, why);
    }
}

void calls_judge_rest(struct scenario_runner *runner)
{
    for (const struct call *call = runner->pending; call != NULL && !runner->stopped;
         call = call->next) {
        judge_waiting(runner, call);
    }
}
