/* SPDX-License-Identifier: ISC */
/*
 * XenStore by a hand with all rights, XenStore that fails, watch events that do not come as they
 * should, and resources that run out.
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

/* ---- calls of the frontend that fail ---- */

static void judge_rule(struct scenario_runner *runner, int result)
{
    if (result == BLKFRONT_PLATFORM_INVALID) {
        run_bad_step(runner, "XenStore does not take this path");
    } else if (result != 0) {
        run_bad_step(runner, "there are at most 64 rules for paths at once");
    }
}

void exec_STORE_FAIL(struct scenario_runner *runner, const struct scenario_step *step)
{
    static const int errors[] = {
        [CHOICE_STORE_ERROR_NOENT] = BLKFRONT_PLATFORM_NO_ENTRY,
        [CHOICE_STORE_ERROR_ACCES] = BLKFRONT_PLATFORM_DENIED,
        [CHOICE_STORE_ERROR_IO] = BLKFRONT_PLATFORM_IO,
        [CHOICE_STORE_ERROR_NOSPC] = BLKFRONT_PLATFORM_NO_MEMORY,
        [CHOICE_STORE_ERROR_TOO_BIG] = BLKFRONT_PLATFORM_TOO_LONG,
        [CHOICE_STORE_ERROR_AGAIN] = BLKFRONT_PLATFORM_AGAIN,
    };
    int result = BLKFRONT_PLATFORM_INVALID;

    if (node_path(runner, step->device, scenario_string_of(step, FIELD_STORE_FAIL_PATH))) {
        result = simback_store_fail(runner->world, runner->path,
                                    errors[scenario_value(step, FIELD_STORE_FAIL_ERROR)],
                                    scenario_value(step, FIELD_STORE_FAIL_NTH),
                                    scenario_value(step, FIELD_STORE_FAIL_TIMES));
    }
    judge_rule(runner, result);
}

void exec_STORE_AGAIN(struct scenario_runner *runner, const struct scenario_step *step)
{
    simback_store_again(runner->world, scenario_value(step, FIELD_STORE_AGAIN_TIMES));
}

void exec_STORE_DENY(struct scenario_runner *runner, const struct scenario_step *step)
{
    int result = BLKFRONT_PLATFORM_INVALID;

    if (node_path(runner, step->device, scenario_string_of(step, FIELD_STORE_DENY_PATH))) {
        result = simback_store_deny(runner->world, runner->path);
    }
    judge_rule(runner, result);
}

/* ---- watches ---- */

void exec_WATCH_FIRE(struct scenario_runner *runner, const struct scenario_step *step)
{
    if (!node_path(runner, step->device, scenario_string_of(step, FIELD_WATCH_FIRE_PATH)) ||
        simback_watch_fire(runner->world, step->device, runner->path,
                           (uint32_t)scenario_value(step, FIELD_WATCH_FIRE_COUNT)) != 0) {
        run_bad_step(runner, "the device's frontend has no watch on this path");
    }
}

void exec_WATCH_LOSE(struct scenario_runner *runner, const struct scenario_step *step)
{
    simback_watch_lose(runner->world, step->device,
                       (uint32_t)scenario_value(step, FIELD_WATCH_LOSE_COUNT));
}

void exec_WATCH_MERGE(struct scenario_runner *runner, const struct scenario_step *step)
{
    simback_watch_merge(runner->world, step->device);
}

void exec_WATCH_FLOOD(struct scenario_runner *runner, const struct scenario_step *step)
{
    simback_watch_flood(runner->world, step->device,
                        (uint32_t)scenario_value(step, FIELD_WATCH_FLOOD_COUNT));
}

void exec_WATCH_LATE(struct scenario_runner *runner, const struct scenario_step *step)
{
    if (simback_watch_late(runner->world, step->device,
                           scenario_value(step, FIELD_WATCH_LATE_DELAY)) != 0) {
        run_bad_step(runner, "there is no memory for a timer");
    }
}

/* ---- resources ---- */

void exec_FAIL(struct scenario_runner *runner, const struct scenario_step *step)
{
    static const enum simback_resource resources[] = {
        [CHOICE_RESOURCE_ALLOC] = SIMBACK_RESOURCE_ALLOC,
        [CHOICE_RESOURCE_GRANT] = SIMBACK_RESOURCE_GRANT,
        [CHOICE_RESOURCE_PORT] = SIMBACK_RESOURCE_PORT,
        [CHOICE_RESOURCE_XENSTORE] = SIMBACK_RESOURCE_XENSTORE,
        [CHOICE_RESOURCE_REVOKE] = SIMBACK_RESOURCE_REVOKE,
        [CHOICE_RESOURCE_EVENT] = SIMBACK_RESOURCE_EVENT,
    };

    simback_fail_nth(runner->world, resources[scenario_value(step, FIELD_FAIL_RESOURCE)],
                     scenario_value(step, FIELD_FAIL_NTH),
                     scenario_value(step, FIELD_FAIL_FAILURES) == CHOICE_FAILURES_FROM);
}

void exec_MEND(struct scenario_runner *runner, const struct scenario_step *step)
{
    (void)step;
    simback_mend(runner->world);
}
