/* SPDX-License-Identifier: ISC */
/*
 * Expectations that are steps of their own. Each finds out whether what it says is so; `not` turns
 * it round, in one place.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "runner.h"
#include "scenario/live.h"

/* `found` is what was seen, for the message. */
static void judge(struct scenario_runner *runner, const struct scenario_step *step, bool holds,
                  const char *found)
{
    char text[200];

    if (holds != step->negated || runner->stopped) {
        return;
    }
    step_text(runner, step, text, sizeof(text));
    run_stop(runner, SCENARIO_FAILED, 0, "%s: %s", text, found);
}

void exec_EXPECT(struct scenario_runner *runner, const struct scenario_step *step)
{
    runner->result.front = front_of(runner, step->device);
    conditions_judge(runner, step);
}

/* A node's bytes as a message shows them: printable, cut. */
static void show_bytes(const unsigned char *bytes, size_t length, char *text, size_t size)
{
    size_t shown = 0;

    for (size_t i = 0; i < length && shown + 5 < size; i++) {
        bool plain = bytes[i] >= ' ' && bytes[i] <= '~' && bytes[i] != '"' && bytes[i] != '\\';

        shown += (size_t)snprintf(text + shown, size - shown, plain ? "%c" : "\\x%02x", bytes[i]);
    }
    text[shown] = '\0';
}

void exec_EXPECT_NODE(struct scenario_runner *runner, const struct scenario_step *step)
{
    struct scenario_string value = scenario_string_of(step, FIELD_EXPECT_NODE_VALUE);
    char found[160] = "the node is not there", shown[100];
    size_t length = 0;
    bool there, equal;

    if (!node_path(runner, step->device, scenario_string_of(step, FIELD_EXPECT_NODE_PATH))) {
        run_bad_step(runner, "XenStore does not take this path");
        return;
    }
    there = simback_store_read(runner->world, runner->path, runner->scratch, SCRATCH_BYTES,
                               &length) == 0;
    equal = !scenario_given(step, FIELD_EXPECT_NODE_VALUE) ||
            (there && length == value.length &&
             memcmp(runner->scratch, scenario_text(runner->program, value), length) == 0);
    if (there) {
        show_bytes(runner->scratch, length, shown, sizeof(shown));
        snprintf(found, sizeof(found), "the node is \"%s\"", shown);
    }
    judge(runner, step, there && equal, found);
}

static bool contains(const char *line, const char *text, size_t length)
{
    size_t line_length = strlen(line);

    for (size_t i = 0; i + length <= line_length; i++) {
        if (memcmp(line + i, text, length) == 0) {
            return true;
        }
    }
    return false;
}

void exec_EXPECT_LOG(struct scenario_runner *runner, const struct scenario_step *step)
{
    struct scenario_string text = scenario_string_of(step, FIELD_EXPECT_LOG_TEXT);
    bool found = false;

    for (size_t at = 0; at < runner->log_length && !found; at += strlen(runner->log + at) + 1) {
        found = contains(runner->log + at, scenario_text(runner->program, text), text.length);
    }
    judge(runner, step, found, found ? "there is such a line" : "there is no such line");
}

void exec_EXPECT_QUIET(struct scenario_runner *runner, const struct scenario_step *step)
{
    uint64_t before = runner->happenings;
    char found[80];

    if (run_world(runner, SIMBACK_NEVER, UINT64_MAX, NULL, NULL) == RAN_REST) {
        calls_judge_rest(runner);
    }
    snprintf(found, sizeof(found), "%" PRIu64 " things happened", runner->happenings - before);
    judge(runner, step, runner->happenings == before, found);
}

/* Judged always; `not` at the end of the run. */
void exec_EXPECT_RULES(struct scenario_runner *runner, const struct scenario_step *step)
{
    (void)runner;
    (void)step;
}

void exec_EXPECT_VIOLATION(struct scenario_runner *runner, const struct scenario_step *step)
{
    uint32_t rule = 1 + (uint32_t)scenario_value(step, FIELD_EXPECT_VIOLATION_RULE);
    bool broken;
    char found[80];

    run_judge_rules(runner);
    broken = (runner->broken & 1u << rule) != 0;
    snprintf(found, sizeof(found), "I%" PRIu32 " was %sbroken", rule, broken ? "" : "not ");
    judge(runner, step, broken, found);
}

/* Into the scratch; 0 or -1. */
static int read_disk(struct scenario_runner *runner, uint16_t device,
                     struct simback_backend *backend, uint64_t sector_512, uint32_t count)
{
    const struct scenario_live *live = runner->options.live;

    return live != NULL ? live->disk_read(live->context, device, sector_512, count, runner->scratch)
                        : simback_disk_read(simback_backend_disk(backend), sector_512, count,
                                            runner->scratch);
}

void exec_EXPECT_DISK(struct scenario_runner *runner, const struct scenario_step *step)
{
    struct simback_backend *backend =
        runner->options.live != NULL ? NULL : backend_of(runner, step->device);
    uint64_t size = runner->backends[step->device].sector_size;
    uint64_t sector = scenario_value(step, FIELD_EXPECT_DISK_SECTOR);
    uint64_t count = scenario_value(step, FIELD_EXPECT_DISK_COUNT);
    uint8_t fill = (uint8_t)scenario_value(step, FIELD_EXPECT_DISK_FILL);
    char found[80] = "it does";
    bool holds = true;

    if (backend == NULL && runner->options.live == NULL) {
        return;
    }
    if (size < BLKIF_WIRE_UNIT || size > SCRATCH_BYTES) {
        run_bad_step(runner, "the disk has no sectors that can be looked at");
        return;
    }
    for (uint64_t i = 0; i < count && holds; i++) {
        uint64_t units = size / BLKIF_WIRE_UNIT;

        if (sector + i > UINT64_MAX / units ||
            read_disk(runner, step->device, backend, (sector + i) * units, (uint32_t)units) != 0) {
            run_stop(runner, SCENARIO_FAILED, 0, "sector %" PRIu64 " of the disk cannot be read",
                     sector + i);
            return;
        }
        holds = pattern_holds(runner->scratch, (size_t)size, fill, sector + i);
        if (!holds) {
            snprintf(found, sizeof(found), "sector %" PRIu64 " does not", sector + i);
        }
    }
    judge(runner, step, holds, found);
}
