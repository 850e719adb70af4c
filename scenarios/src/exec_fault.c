/* SPDX-License-Identifier: ISC */
/*
 * Fault rules of a backend, and their end.
 */
#include "runner.h"
#include "step_values.h"

static uint64_t units_of_sector(const struct scenario_runner *runner, unsigned device)
{
    uint64_t units = runner->backends[device].sector_size / BLKIF_WIRE_UNIT;

    return units == 0 ? 1 : units;
}

static uint64_t read_rule_name(struct scenario_runner *runner, const struct scenario_step *step)
{
    uint64_t name = scenario_value(step, FIELD_FAULT_AS);

    if (!scenario_given(step, FIELD_FAULT_AS) || name >= SCENARIO_NAMES_MAX) {
        return 0;
    }
    if (runner->names[name] == NULL && runner->rule_device[name] == 0) {
        runner->names_used[runner->names_used_count++] = (uint16_t)name;
    }
    runner->rule_device[name] = (uint8_t)(step->device + 1);
    return name + 1;
}

void exec_FAULT(struct scenario_runner *runner, const struct scenario_step *step)
{
    struct simback_backend *backend = backend_of(runner, step->device);
    struct simback_fault fault;

    if (backend == NULL) {
        return;
    }
    step_fault(step, units_of_sector(runner, step->device), &fault);
    fault.name = (uint32_t)read_rule_name(runner, step);
    if (simback_backend_add_fault(backend, &fault) != 0) {
        run_bad_step(runner, "a backend has at most 64 fault rules");
    }
}

void exec_RELEASE(struct scenario_runner *runner, const struct scenario_step *step)
{
    uint64_t name = scenario_value(step, FIELD_RELEASE_RULE);
    unsigned device = name < SCENARIO_NAMES_MAX ? runner->rule_device[name] : 0;
    struct simback_backend *backend;

    if (device == 0) {
        run_bad_step(runner, "there is no fault rule of this name");
        return;
    }
    backend = backend_of(runner, device - 1);
    if (backend != NULL) {
        simback_backend_release(backend, (uint32_t)name + 1);
        simback_handover(runner->world, (uint16_t)(device - 1), false);
    }
}

void exec_FAULT_CLEAR(struct scenario_runner *runner, const struct scenario_step *step)
{
    struct simback_backend *backend = backend_of(runner, step->device);

    if (backend != NULL) {
        simback_backend_clear_faults(backend);
        simback_handover(runner->world, step->device, false);
    }
}
