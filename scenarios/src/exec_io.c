/* SPDX-License-Identifier: ISC */
/*
 * The application's data: read, write, flush, discard.
 */
#include "runner.h"

/* The fields that say how a request is submitted. */
struct how {
    unsigned queue, async, as, after;
};

#define HOW(step)                                                                              \
    {                                                                                          \
        .queue = FIELD_##step##_QUEUE, .async = FIELD_##step##_ASYNC, .as = FIELD_##step##_AS, \
        .after = FIELD_##step##_AFTER                                                          \
    }

static void no_handle(struct scenario_runner *runner)
{
    runner->result.given = true;
    runner->result.code = BLKFRONT_DISCONNECTED;
}

/* A request's call, not yet submitted; NULL: the step is over. */
static struct call *begin(struct scenario_runner *runner, const struct scenario_step *step,
                          enum blkfront_operation operation, const char *text)
{
    struct front *front = front_of(runner, step->device);
    struct call *call;

    if (front == NULL) {
        no_handle(runner);
        return NULL;
    }
    front_ask_size(runner, front);
    call = call_new(runner, CALL_REQUEST, front, text);
    if (call == NULL) {
        run_bad_step(runner, "the world has no memory for this call");
        return NULL;
    }
    call->request.operation = operation;
    return call;
}

/* The call that this one is to follow; NULL: there is none of its device that could still end. */
static struct call *preceding(struct scenario_runner *runner, const struct call *call,
                              uint64_t name)
{
    struct call *before = name < SCENARIO_NAMES_MAX ? runner->names[name] : NULL;

    if (before != NULL && before->kind == CALL_REQUEST && !before->completed &&
        before->front == call->front) {
        return before;
    }
    run_bad_step(runner, "the request that it is to follow has ended, or is none of this device");
    return NULL;
}

/* Named only now: until here its name may be that of the one before. */
static void submit(struct scenario_runner *runner, const struct scenario_step *step,
                   struct call *call, const struct how *how)
{
    const uint32_t queue = (uint32_t)scenario_value(step, how->queue);
    const bool async = scenario_value(step, how->async) != 0;
    struct call *before;

    if (scenario_given(step, how->after)) {
        before = preceding(runner, call, scenario_value(step, how->after));
        if (before != NULL) {
            call_name(runner, call, step, how->as);
            call_follow(call, before, queue);
            give_begun(runner, call);
        }
        return;
    }
    call_name(runner, call, step, how->as);
    call->awaited = !async;
    runner->result.front = &runner->fronts[call->front];
    if (!call_submit(runner, call, queue)) {
        return;
    }
    if (async) {
        give_begun(runner, call);
    } else {
        call_wait(runner, call);
    }
}

/* A write's, and what a caller may have put beside a read. */
static unsigned write_flags(uint64_t fua, uint64_t barrier)
{
    return (fua != 0 ? (unsigned)BLKFRONT_FUA : 0) |
           (barrier != 0 ? (unsigned)BLKFRONT_BARRIER : 0);
}

void exec_READ(struct scenario_runner *runner, const struct scenario_step *step)
{
    struct call *call = begin(runner, step, BLKFRONT_READ, "read");

    if (call == NULL) {
        return;
    }
    call->sector = scenario_value(step, FIELD_READ_SECTOR);
    call->request.sector = call->sector;
    call->request.flags =
        write_flags(scenario_value(step, FIELD_READ_FUA), scenario_value(step, FIELD_READ_BARRIER));
    if (!buffers_make(runner, call, step, false)) {
        return;
    }
    submit(runner, step, call, &(struct how)HOW(READ));
}

void exec_WRITE(struct scenario_runner *runner, const struct scenario_step *step)
{
    struct call *call = begin(runner, step, BLKFRONT_WRITE, "write");

    if (call == NULL) {
        return;
    }
    call->sector = scenario_value(step, FIELD_WRITE_SECTOR);
    call->request.sector = call->sector;
    call->request.flags = write_flags(scenario_value(step, FIELD_WRITE_FUA),
                                      scenario_value(step, FIELD_WRITE_BARRIER));
    if (!buffers_make(runner, call, step, true)) {
        return;
    }
    submit(runner, step, call, &(struct how)HOW(WRITE));
}

void exec_FLUSH(struct scenario_runner *runner, const struct scenario_step *step)
{
    struct call *call = begin(runner, step, BLKFRONT_FLUSH, "flush");

    if (call == NULL) {
        return;
    }
    submit(runner, step, call, &(struct how)HOW(FLUSH));
}

/* What the caller may ask is the frontend's to say: sectors beyond the disk, or of a disk that has
 * no discards, are asked too. */
void exec_DISCARD(struct scenario_runner *runner, const struct scenario_step *step)
{
    struct call *call = begin(runner, step, BLKFRONT_DISCARD, "discard");

    if (call == NULL) {
        return;
    }
    call->sector = scenario_value(step, FIELD_DISCARD_SECTOR);
    call->sectors = scenario_value(step, FIELD_DISCARD_COUNT);
    call->request.sector = call->sector;
    call->request.sectors = call->sectors;
    call->request.flags = scenario_value(step, FIELD_DISCARD_SECURE) != 0 ? BLKFRONT_SECURE : 0;
    submit(runner, step, call, &(struct how)HOW(DISCARD));
}
