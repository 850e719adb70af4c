/* SPDX-License-Identifier: ISC */
/*
 * Breaking the protocol on purpose: responses, indices, bytes of the ring, bytes between two loads,
 * events. Where no ring is mapped there is nothing to break, and the step does nothing.
 */
#include "runner.h"
#include "step_values.h"

/* From here on the backend is not honest, and was made so: I19 does not bind it (an event, so that
 * the trace says it too). */
static void say_hostile(struct scenario_runner *runner, uint16_t number)
{
    const struct simback_event event = {.kind = SIMBACK_BACK_LIFE,
                                        .domid = runner->backends[number].domid,
                                        .peer = simback_guest(runner->world),
                                        .device = number,
                                        .path = "hostile"};

    simback_emit(runner->world, &event);
}

/* What `like` means: a fault rule's name is the backend's, a request's is turned into its slot. */
static void read_like(struct scenario_runner *runner, const struct scenario_step *step,
                      struct simback_bad_response *response)
{
    uint64_t name = scenario_value(step, FIELD_RING_RESPOND_LIKE);
    const struct call *call;

    if (!scenario_given(step, FIELD_RING_RESPOND_LIKE) || name >= SCENARIO_NAMES_MAX) {
        return;
    }
    if (runner->rule_device[name] != 0) {
        response->like = (uint32_t)name + 1;
        return;
    }
    call = runner->names[name];
    if (call == NULL || !call->on_ring) {
        run_bad_step(runner, "that request has not been on the ring");
        return;
    }
    response->set_id = true;
    response->id = call->ring_id;
    response->set_op = true;
    response->op = call->ring_op;
}

void exec_RING_RESPOND(struct scenario_runner *runner, const struct scenario_step *step)
{
    struct simback_backend *backend = backend_of(runner, step->device);
    struct simback_bad_response response = {0};

    if (backend == NULL) {
        return;
    }
    read_like(runner, step, &response);
    step_response(step, &response);
    if (runner->stopped) {
        return;
    }
    say_hostile(runner, step->device);
    if (simback_backend_respond(backend, &response) != 0) {
        run_bad_step(runner, "no ring is mapped");
    }
}

void exec_RING_INDEX(struct scenario_runner *runner, const struct scenario_step *step)
{
    struct simback_backend *backend = backend_of(runner, step->device);
    unsigned word;
    uint32_t value;
    bool add;

    if (backend == NULL) {
        return;
    }
    say_hostile(runner, step->device);
    add = step_index(step, &word, &value);
    if (simback_backend_move_index(backend, (uint16_t)scenario_value(step, FIELD_RING_INDEX_QUEUE),
                                   word, value, add,
                                   scenario_value(step, FIELD_RING_INDEX_NO_NOTIFY) == 0) != 0) {
        run_bad_step(runner, "no ring is mapped");
    }
}

void exec_RING_POKE(struct scenario_runner *runner, const struct scenario_step *step)
{
    struct simback_backend *backend = backend_of(runner, step->device);
    struct scenario_string bytes = scenario_string_of(step, FIELD_RING_POKE_BYTES);

    if (backend == NULL) {
        return;
    }
    say_hostile(runner, step->device);
    if (simback_backend_poke(backend, (uint16_t)scenario_value(step, FIELD_RING_POKE_QUEUE),
                             (uint32_t)scenario_value(step, FIELD_RING_POKE_OFFSET),
                             scenario_text(runner->program, bytes), bytes.length) != 0) {
        run_bad_step(runner, "no ring is mapped, or it ends before these bytes");
    }
}

/* ---- loads ---- */

void exec_LOAD(struct scenario_runner *runner, const struct scenario_step *step)
{
    struct load *load;

    if (scenario_value(step, FIELD_LOAD_PAGE) != CHOICE_PAGE_RING) {
        if (!runner->rules_only) {
            run_stop(runner, SCENARIO_UNSUPPORTED, 0, "loads of other pages than the ring's");
        }
        return;
    }
    if (runner->load_count == LOADS_MAX) {
        run_bad_step(runner, "at most %d loads wait at once", LOADS_MAX);
        return;
    }
    say_hostile(runner, step->device);
    load = &runner->loads[runner->load_count++];
    load->number = step->device;
    load->queue = (uint16_t)scenario_value(step, FIELD_LOAD_QUEUE);
    load->nth = scenario_value(step, FIELD_LOAD_N);
    load->offset = (uint32_t)scenario_value(step, FIELD_LOAD_OFFSET);
    load->bytes = scenario_string_of(step, FIELD_LOAD_BYTES);
}

void arm_loads(struct scenario_runner *runner)
{
    for (uint32_t i = 0; i < runner->load_count; i++) {
        const struct load *load = &runner->loads[i];

        if (simback_before_load(runner->world, load->number, load->queue, load->nth, load->offset,
                                scenario_text(runner->program, load->bytes),
                                load->bytes.length) != 0) {
            run_bad_step(runner, "the load at offset %u cannot wait", load->offset);
        }
    }
    runner->load_count = 0;
}

/* ---- events ---- */

/* The backend's end of a queue's channel; false: there is none. */
static bool find_port(struct scenario_runner *runner, const struct scenario_step *step,
                      uint64_t queue, uint32_t *port)
{
    struct simback_backend *backend = backend_of(runner, step->device);

    if (backend == NULL) {
        return false;
    }
    if (!simback_backend_port(backend, (uint16_t)queue, port)) {
        run_bad_step(runner, "the backend has no event channel");
        return false;
    }
    return true;
}

void exec_EVENT_SPURIOUS(struct scenario_runner *runner, const struct scenario_step *step)
{
    uint32_t port;

    if (find_port(runner, step, scenario_value(step, FIELD_EVENT_SPURIOUS_QUEUE), &port)) {
        simback_event_spurious(runner->world, runner->backends[step->device].domid, port,
                               (uint32_t)scenario_value(step, FIELD_EVENT_SPURIOUS_COUNT));
    }
}

void exec_EVENT_LOSE(struct scenario_runner *runner, const struct scenario_step *step)
{
    uint32_t port;

    if (find_port(runner, step, scenario_value(step, FIELD_EVENT_LOSE_QUEUE), &port)) {
        simback_event_lose(runner->world, runner->backends[step->device].domid, port,
                           (uint32_t)scenario_value(step, FIELD_EVENT_LOSE_COUNT));
    }
}

void exec_EVENT_STORM(struct scenario_runner *runner, const struct scenario_step *step)
{
    uint32_t port;

    if (find_port(runner, step, scenario_value(step, FIELD_EVENT_STORM_QUEUE), &port)) {
        simback_event_storm(runner->world, runner->backends[step->device].domid, port,
                            (uint32_t)scenario_value(step, FIELD_EVENT_STORM_STEPS));
    }
}
