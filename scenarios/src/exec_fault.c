/* SPDX-License-Identifier: ISC */
/*
 * Fault rules of a backend, and their end.
 */
#include "runner.h"

static unsigned read_ops(uint64_t operation)
{
    switch (operation) {
    case CHOICE_OPERATION_READ: return SIMBACK_FAULT_READ;
    case CHOICE_OPERATION_WRITE: return SIMBACK_FAULT_WRITE;
    case CHOICE_OPERATION_FLUSH: return SIMBACK_FAULT_FLUSH;
    case CHOICE_OPERATION_BARRIER: return SIMBACK_FAULT_BARRIER;
    case CHOICE_OPERATION_DISCARD: return SIMBACK_FAULT_DISCARD;
    default: return SIMBACK_FAULT_ANY;
    }
}

static uint64_t units_of_sector(const struct scenario_runner *runner, unsigned device)
{
    uint64_t units = runner->backends[device].sector_size / BLKIF_WIRE_UNIT;

    return units == 0 ? 1 : units;
}

/* Sectors of the scenario are units of sector_size; a range beyond any disk stays beyond it. */
static void read_sectors(const struct scenario_runner *runner, const struct scenario_step *step,
                         struct simback_fault *fault)
{
    uint64_t units = units_of_sector(runner, step->device);
    uint64_t first = scenario_value(step, FIELD_FAULT_SECTORS);
    uint64_t last = scenario_value(step, FIELD_FAULT_SECTORS_LAST);

    fault->first_512 = 0;
    fault->last_512 = UINT64_MAX;
    fault->offset_512 = scenario_value(step, FIELD_FAULT_OFFSET) * units;
    if (!scenario_given(step, FIELD_FAULT_SECTORS)) {
        return;
    }
    fault->first_512 = first > UINT64_MAX / units ? UINT64_MAX : first * units;
    fault->last_512 = last >= UINT64_MAX / units ? UINT64_MAX : last * units + units - 1;
}

/* A status or a delay by itself is an action too: `fault status=5`, `fault delay=1ms`. */
static void read_action(const struct scenario_step *step, struct simback_fault *fault)
{
    fault->delay_ns = scenario_value(step, FIELD_FAULT_DELAY);
    fault->status = BLKIF_WIRE_OKAY;
    switch (scenario_value(step, FIELD_FAULT_ACTION)) {
    case CHOICE_ACTION_ERROR:
        fault->action = SIMBACK_ANSWER_STATUS;
        fault->status = BLKIF_WIRE_ERROR;
        break;
    case CHOICE_ACTION_EOPNOTSUPP:
        fault->action = SIMBACK_ANSWER_STATUS;
        fault->status = BLKIF_WIRE_EOPNOTSUPP;
        break;
    case CHOICE_ACTION_HOLD: fault->action = SIMBACK_HOLD; break;
    case CHOICE_ACTION_DROP: fault->action = SIMBACK_DROP; break;
    case CHOICE_ACTION_REORDER: fault->action = SIMBACK_REORDER; break;
    case CHOICE_ACTION_DUPLICATE: fault->action = SIMBACK_DUPLICATE; break;
    case CHOICE_ACTION_CORRUPT: fault->action = SIMBACK_CORRUPT; break;
    case CHOICE_ACTION_TORN: fault->action = SIMBACK_TORN; break;
    case CHOICE_ACTION_MISDIRECT: fault->action = SIMBACK_MISDIRECT; break;
    case CHOICE_ACTION_LOST: fault->action = SIMBACK_LOST; break;
    case CHOICE_ACTION_SHORT: fault->action = SIMBACK_SHORT; break;
    case CHOICE_ACTION_MAPFAIL: fault->action = SIMBACK_MAPFAIL; break;
    default:
        fault->action =
            scenario_given(step, FIELD_FAULT_STATUS) ? SIMBACK_ANSWER_STATUS : SIMBACK_DELAY;
        break;
    }
    if (scenario_given(step, FIELD_FAULT_STATUS)) {
        fault->status = (int16_t)scenario_signed(step, FIELD_FAULT_STATUS);
    }
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
    struct simback_fault fault = {.ops = read_ops(scenario_value(step, FIELD_FAULT_OP))};

    if (backend == NULL) {
        return;
    }
    read_sectors(runner, step, &fault);
    read_action(step, &fault);
    fault.nth = scenario_given(step, FIELD_FAULT_NTH) ? scenario_value(step, FIELD_FAULT_NTH) : 0;
    fault.every =
        scenario_given(step, FIELD_FAULT_EVERY) ? scenario_value(step, FIELD_FAULT_EVERY) : 0;
    fault.percent = (uint32_t)scenario_value(step, FIELD_FAULT_PERCENT);
    fault.times =
        scenario_given(step, FIELD_FAULT_TIMES) ? scenario_value(step, FIELD_FAULT_TIMES) : 0;
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
