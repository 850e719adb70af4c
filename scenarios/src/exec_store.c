/* SPDX-License-Identifier: ISC */
/*
 * XenStore by a hand with all rights, and resources that run out.
 */
#include <string.h>

#include "runner.h"

/* The value so many times over, as much as fits; the store has its own word on what is too long. */
static size_t repeated(struct scenario_runner *runner, struct scenario_string value, uint64_t times)
{
    const char *text = scenario_text(runner->program, value);
    size_t length = 0;

    while (times-- != 0 && value.length != 0 && length + value.length <= SCRATCH_BYTES) {
        memcpy(runner->scratch + length, text, value.length);
        length += value.length;
    }
    return length;
}

void exec_STORE_WRITE(struct scenario_runner *runner, const struct scenario_step *step)
{
    struct scenario_string value = scenario_string_of(step, FIELD_STORE_WRITE_VALUE);
    size_t length = repeated(runner, value, scenario_value(step, FIELD_STORE_WRITE_REPEAT));

    if (!node_path(runner, step->device, scenario_string_of(step, FIELD_STORE_WRITE_PATH)) ||
        simback_store_write(runner->world, runner->path, runner->scratch, length) != 0) {
        run_bad_step(runner, "XenStore does not take this path or value");
    }
}

/* What is not there need not be removed. */
void exec_STORE_REMOVE(struct scenario_runner *runner, const struct scenario_step *step)
{
    if (!node_path(runner, step->device, scenario_string_of(step, FIELD_STORE_REMOVE_PATH))) {
        run_bad_step(runner, "XenStore does not take this path");
        return;
    }
    simback_store_remove(runner->world, runner->path);
}

void exec_FAIL(struct scenario_runner *runner, const struct scenario_step *step)
{
    static const enum simback_resource resources[] = {
        [CHOICE_RESOURCE_ALLOC] = SIMBACK_RESOURCE_ALLOC,
        [CHOICE_RESOURCE_GRANT] = SIMBACK_RESOURCE_GRANT,
        [CHOICE_RESOURCE_PORT] = SIMBACK_RESOURCE_PORT,
        [CHOICE_RESOURCE_XENSTORE] = SIMBACK_RESOURCE_XENSTORE,
    };
    uint64_t resource = scenario_value(step, FIELD_FAIL_RESOURCE);

    if (resource >= sizeof(resources) / sizeof(resources[0])) {
        run_stop(runner, SCENARIO_UNSUPPORTED, 0, "this failure is not built yet");
        return;
    }
    simback_fail_nth(runner->world, resources[resource], scenario_value(step, FIELD_FAIL_NTH),
                     scenario_value(step, FIELD_FAIL_FAILURES) == CHOICE_FAILURES_FROM);
}
