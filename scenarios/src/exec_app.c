/* SPDX-License-Identifier: ISC */
/*
 * What an application, or its guest, does beside its data: connect, disconnect, put, suspend,
 * resume, info, devices, stats, poll, wait.
 */
#include <stdio.h>
#include <string.h>

#include "runner.h"
#include "step_values.h"

static void give(struct scenario_runner *runner, int code, const struct front *front)
{
    runner->result.given = true;
    runner->result.code = code;
    runner->result.front = front;
}

/* Begun and not awaited: the result is that it is on its way, or that it has ended already. */
void give_begun(struct scenario_runner *runner, const struct call *call)
{
    give(runner, call->completed ? call->result : BLKFRONT_OK, &runner->fronts[call->front]);
    runner->result.pending = !call->completed;
}

/* ---- connect ---- */

/* The deadline of a disconnect is an option of connect: the one that the next `disconnect` of this
 * device says. */
static uint64_t disconnect_deadline(const struct scenario_runner *runner, unsigned device)
{
    const struct scenario_program *program = runner->program;

    for (size_t i = runner->step_number; i < program->step_count; i++) {
        const struct scenario_step *step = &program->steps[i];

        if (step->opcode == STEP_DISCONNECT && step->device == device) {
            return scenario_value(step, FIELD_DISCONNECT_DEADLINE);
        }
    }
    return UINT64_C(30000000000);
}

static void read_options(const struct scenario_runner *runner, const struct scenario_step *step,
                         struct blkfront_options *options)
{
    step_connect(step, options);
    options->ring_start = (uint32_t)scenario_value(&runner->program->world, FIELD_WORLD_START);
    options->disconnect_deadline_ns = disconnect_deadline(runner, step->device);
}

/* The name as given, or that of the prefix; false: it cannot be handed to a C interface. */
static bool read_name(const struct scenario_runner *runner, const struct scenario_step *step,
                      char *name, size_t size)
{
    struct scenario_string text = scenario_string_of(step, FIELD_CONNECT_NAME);

    if (!scenario_given(step, FIELD_CONNECT_NAME)) {
        snprintf(name, size, "xvd%c", 'a' + (step->device & (SCENARIO_DEVICES_MAX - 1)));
        return true;
    }
    if (text.length >= size ||
        memchr(scenario_text(runner->program, text), 0, text.length) != NULL) {
        return false;
    }
    memcpy(name, scenario_text(runner->program, text), text.length);
    name[text.length] = '\0';
    return true;
}

/* A device that never got as far as Connected is given back before the next try: a failed connect
 * leaves nothing. Until then its state can be looked at. */
static void drop_failed(struct scenario_runner *runner, unsigned handle)
{
    struct front *front = front_of(runner, handle);

    if (front != NULL && front->never_connected && front_is_final(front)) {
        while (front->device != NULL) {
            front_put(runner, front);
        }
    }
}

void exec_CONNECT(struct scenario_runner *runner, const struct scenario_step *step)
{
    struct blkfront_options options;
    char name[1024 + 1];
    struct front *front = NULL;
    struct call *call;
    int error;

    if (!read_name(runner, step, name, sizeof(name))) {
        run_bad_step(runner, "a name cannot hold a NUL byte");
        return;
    }
    drop_failed(runner, step->device);
    read_options(runner, step, &options);
    error = front_connect(runner, step->device, name, &options, &front);
    if (error != BLKFRONT_OK) {
        give(runner, error, NULL);
        return;
    }
    if (front->holds == 1) {
        front->asked = scenario_given(step, FIELD_CONNECT_ASK)
                           ? (uint32_t)scenario_value(step, FIELD_CONNECT_ASK)
                           : QUEUES_MAX;
        front->connect_deadline_ns = options.connect_deadline_ns;
        front->request_deadline_ns = options.request_deadline_ns;
        front->disconnect_deadline_ns = options.disconnect_deadline_ns;
    }
    call = call_new(runner, CALL_CONNECT, front, "connect");
    if (call == NULL) {
        run_bad_step(runner, "the world has no memory for this call");
        return;
    }
    call_name(runner, call, step, FIELD_CONNECT_AS);
    call->awaited = scenario_value(step, FIELD_CONNECT_ASYNC) == 0;
    call_begin(runner, call);
    front_settle(runner, front);
    if (call->awaited) {
        call_wait(runner, call);
    } else {
        give_begun(runner, call);
    }
}

/* ---- disconnect, put ---- */

void exec_DISCONNECT(struct scenario_runner *runner, const struct scenario_step *step)
{
    struct front *front = front_of(runner, step->device);
    struct call *call;

    if (front == NULL) {
        give(runner, BLKFRONT_DISCONNECTED, NULL);
        return;
    }
    call = call_new(runner, CALL_DISCONNECT, front, "disconnect");
    if (call == NULL) {
        run_bad_step(runner, "the world has no memory for this call");
        return;
    }
    call_name(runner, call, step, FIELD_DISCONNECT_AS);
    call->awaited = scenario_value(step, FIELD_DISCONNECT_ASYNC) == 0;
    front_enter(runner, front->number, "disconnect");
    runner->subject->disconnect(front->device);
    front_leave(runner, front->number, "disconnect", 0);
    call_begin(runner, call);
    front_settle(runner, front);
    front_wake(runner, front, ALL_QUEUES);
    if (call->awaited) {
        call_wait(runner, call);
    } else {
        give_begun(runner, call);
    }
}

void exec_PUT(struct scenario_runner *runner, const struct scenario_step *step)
{
    struct front *front = front_of(runner, step->device);

    if (front == NULL) {
        give(runner, BLKFRONT_DISCONNECTED, NULL);
        return;
    }
    front_put(runner, front);
    give(runner, BLKFRONT_OK, NULL);
}

/* ---- suspend, resume ---- */

void exec_SUSPEND(struct scenario_runner *runner, const struct scenario_step *step)
{
    (void)step;
    runner->suspended = true;
    front_enter(runner, SIMBACK_NO_DEVICE, "suspend");
    runner->subject->suspend(runner->context);
    front_leave(runner, SIMBACK_NO_DEVICE, "suspend", 0);
    fronts_wake(runner);
}

/* First the world is another, then the frontend is told. */
void exec_RESUME(struct scenario_runner *runner, const struct scenario_step *step)
{
    uint16_t domid = scenario_given(step, FIELD_RESUME_DOMID)
                         ? (uint16_t)scenario_value(step, FIELD_RESUME_DOMID)
                         : simback_guest(runner->world);

    if (simback_world_resume(runner->world, domid) != 0) {
        run_bad_step(runner, "there is another domain of this number, or no memory");
        return;
    }
    for (unsigned i = 0; i < SCENARIO_DEVICES_MAX; i++) {
        runner->backends[i].front_domid = domid;
    }
    runner->suspended = false;
    front_enter(runner, SIMBACK_NO_DEVICE, "resume");
    runner->subject->resume(runner->context);
    front_leave(runner, SIMBACK_NO_DEVICE, "resume", 0);
    fronts_wake(runner);
}

/* ---- questions ---- */

void exec_INFO(struct scenario_runner *runner, const struct scenario_step *step)
{
    struct front *front = front_of(runner, step->device);
    int error;

    if (front == NULL) {
        give(runner, BLKFRONT_DISCONNECTED, NULL);
        return;
    }
    front_enter(runner, front->number, "get_info");
    error = runner->subject->get_info(front->device, &runner->result.info);
    front_leave(runner, front->number, "get_info", error);
    if (error == BLKFRONT_OK) {
        simback_app_info(runner->world, front->number, &runner->result.info);
    }
    runner->result.has_info = error == BLKFRONT_OK;
    give(runner, error, front);
}

void exec_DEVICES(struct scenario_runner *runner, const struct scenario_step *step)
{
    uint32_t vdevs[SCENARIO_DEVICES_MAX];
    size_t count = 0;
    int error;

    (void)step;
    front_enter(runner, SIMBACK_NO_DEVICE, "enumerate");
    error = runner->subject->enumerate(runner->context, vdevs, SCENARIO_DEVICES_MAX, &count);
    front_leave(runner, SIMBACK_NO_DEVICE, "enumerate", error);
    runner->result.has_count = error == BLKFRONT_OK;
    runner->result.count = count;
    give(runner, error, NULL);
}

void exec_STATS(struct scenario_runner *runner, const struct scenario_step *step)
{
    struct front *front = front_of(runner, step->device);

    if (front == NULL) {
        give(runner, BLKFRONT_DISCONNECTED, NULL);
        return;
    }
    give(runner, BLKFRONT_OK, front);
}

void exec_POLL(struct scenario_runner *runner, const struct scenario_step *step)
{
    struct front *front = front_of(runner, step->device);

    if (front == NULL) {
        run_bad_step(runner, "there is no device to poll");
        return;
    }
    front_poll_once(runner, front);
}

void exec_WAIT(struct scenario_runner *runner, const struct scenario_step *step)
{
    uint64_t name = scenario_value(step, FIELD_WAIT_REQUEST);
    struct call *call = name < SCENARIO_NAMES_MAX ? runner->names[name] : NULL;

    if (call == NULL) {
        /* The step that names it was left out, or its call was refused before it began. */
        give(runner, BLKFRONT_INVALID, NULL);
        return;
    }
    call_wait(runner, call);
}
