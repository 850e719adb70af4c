/* SPDX-License-Identifier: ISC */
/*
 * The table of executors, made from the table of steps (a row without an executor does not
 * compile), and what is common to all steps: judging a result, the text of a step, paths of nodes.
 */
#include <stdio.h>
#include <string.h>

#include "runner.h"
#include "scenario/text.h"
#include "step_values.h"

/* Set up before the first step. */
void exec_WORLD(struct scenario_runner *runner, const struct scenario_step *step)
{
    (void)runner;
    (void)step;
}

typedef void (*executor)(struct scenario_runner *runner, const struct scenario_step *step);

static const executor executors[256] = {
#define STEP(opcode, name, ...) [opcode] = exec_##name,
#define FIELD(...)
#define STEP_END(name)
#include "scenario/steps.def"
#undef STEP
#undef FIELD
#undef STEP_END
};

/* ---- results ---- */

/* The word of each error, as the language has it. */
static const struct {
    int code;
    enum scenario_choice_RESULT word;
} results[] = {
    {BLKFRONT_OK, CHOICE_RESULT_OK},
    {BLKFRONT_UNIMPLEMENTED, CHOICE_RESULT_UNIMPLEMENTED},
    {BLKFRONT_DISCONNECTED, CHOICE_RESULT_DISCONNECTED},
    {BLKFRONT_READ_ONLY, CHOICE_RESULT_READ_ONLY},
    {BLKFRONT_IO_ERROR, CHOICE_RESULT_IO_ERROR},
    {BLKFRONT_INVALID, CHOICE_RESULT_INVALID},
    {BLKFRONT_NO_DEVICE, CHOICE_RESULT_NO_DEVICE},
    {BLKFRONT_AMBIGUOUS, CHOICE_RESULT_AMBIGUOUS},
    {BLKFRONT_OUT_OF_RANGE, CHOICE_RESULT_OUT_OF_RANGE},
    {BLKFRONT_NO_MEMORY, CHOICE_RESULT_NO_MEMORY},
    {BLKFRONT_PROTOCOL, CHOICE_RESULT_PROTOCOL_ERROR},
    {BLKFRONT_DEADLINE, CHOICE_RESULT_DEADLINE},
    {BLKFRONT_STORE, CHOICE_RESULT_STORE_ERROR},
};

static unsigned result_choice(int code, bool pending)
{
    for (size_t i = 0; !pending && i < sizeof(results) / sizeof(results[0]); i++) {
        if (results[i].code == code) {
            return results[i].word;
        }
    }
    return pending ? CHOICE_RESULT_PENDING : CHOICE_RESULT_NONE;
}

const char *result_word(int code, bool pending)
{
    unsigned choice = result_choice(code, pending);

    return choice == CHOICE_RESULT_NONE ? "no error of the interface"
                                        : scenario_choice(CHOICES_RESULT, choice);
}

/* What the subject says beside the error, in brackets; empty when there is nothing. */
static void detail_text(struct scenario_runner *runner, char *text, size_t size)
{
    const char *detail = result_detail(runner);

    text[0] = '\0';
    if (detail[0] != '\0' && runner->result.code != BLKFRONT_OK) {
        snprintf(text, size, " (%s)", detail);
    }
}

const char *result_detail(struct scenario_runner *runner)
{
    const struct front *front = runner->result.front;
    const char *detail = "";

    if (front != NULL && front->device != NULL) {
        detail = runner->subject->device_detail(front->device);
    }
    return detail[0] != '\0' ? detail : runner->subject->detail(runner->context);
}

static void judge_result(struct scenario_runner *runner, const struct scenario_step *step)
{
    const struct step_result *result = &runner->result;
    unsigned got = result_choice(result->code, result->pending);
    char text[160], detail[180];

    if (!result->given || strike_has_struck(runner)) {
        return;
    }
    if (step->result == CHOICE_RESULT_NONE) {
        if (result->rested && step->condition_count == 0 && !runner->rules_only) {
            step_text(runner, step, text, sizeof(text));
            run_stop(runner, SCENARIO_FAILED, 0,
                     "%s: still waits on the backend at rest, and '-> pending' is not said", text);
        }
    } else if ((got == step->result) == step->result_negated) {
        step_text(runner, step, text, sizeof(text));
        detail_text(runner, detail, sizeof(detail));
        run_stop(runner, SCENARIO_FAILED, 0, "%s: the result is %s%s", text,
                 result_word(result->code, result->pending), detail);
    }
    if (!runner->stopped && step->condition_count != 0) {
        conditions_judge(runner, step);
    }
}

void exec_step(struct scenario_runner *runner, const struct scenario_step *step)
{
    const struct scenario_row *row = scenario_row(step->opcode);
    executor execute = executors[step->opcode];

    memset(&runner->result, 0, sizeof(runner->result));
    if (execute == NULL || row == NULL) {
        run_bad_step(runner, "no such step: 0x%02x", step->opcode);
        return;
    }
    if ((row->flags & SCENARIO_ROW_EXPECTS) != 0 && strike_has_struck(runner)) {
        return;
    }
    if (row->actor == SCENARIO_ACTOR_APPLICATION) {
        arm_loads(runner);
    }
    execute(runner, step);
    run_judge_rules(runner);
    if (!runner->stopped && (row->flags & SCENARIO_ROW_RESULT) != 0) {
        judge_result(runner, step);
    }
    if (runner->result.call != NULL && runner->result.call->completed &&
        (step->opcode == STEP_WAIT || !runner->result.call->named)) {
        buffers_finish(runner, runner->result.call);
    }
}

/* ---- common ---- */

void step_text(const struct scenario_runner *runner, const struct scenario_step *step, char *text,
               size_t size)
{
    struct scenario_buffer buffer;

    scenario_buffer_init(&buffer);
    if (scenario_print_step(runner->program, step, &buffer) == SCENARIO_OK) {
        snprintf(text, size, "%s", buffer.data == NULL ? "" : buffer.data);
    } else {
        snprintf(text, size, "%s", scenario_row(step->opcode)->name);
    }
    scenario_buffer_fini(&buffer);
}

/* The two directories of a device, also of one that has no backend yet. */
static void directories(const struct scenario_runner *runner, unsigned device, char *back,
                        char *front, size_t size)
{
    struct simback_backend_options options;

    if (runner->has_backend[device]) {
        simback_paths(&runner->backends[device], back, size, front, size);
        return;
    }
    simback_backend_options_init(&options);
    options.front_domid = simback_guest(runner->world);
    options.vdev = SCENARIO_VDEV_OF_DISK(device);
    simback_paths(&options, back, size, front, size);
}

bool node_path(struct scenario_runner *runner, unsigned device, struct scenario_string text)
{
    const char *path = scenario_text(runner->program, text);
    char back[BLKFRONT_PATH_MAX], front[BLKFRONT_PATH_MAX];
    const char *directory = "";
    size_t length = text.length, begin;

    directories(runner, device, back, front, sizeof(back));
    if (length >= 5 && memcmp(path, "front", 5) == 0 && (length == 5 || path[5] == '/')) {
        directory = front;
        path += 5;
        length -= 5;
    } else if (length >= 4 && memcmp(path, "back", 4) == 0 && (length == 4 || path[4] == '/')) {
        directory = back;
        path += 4;
        length -= 4;
    }
    begin = strlen(directory);
    if (begin + length >= PATH_BYTES || memchr(path, '\0', length) != NULL) {
        return false;
    }
    memcpy(runner->path, directory, begin);
    memcpy(runner->path + begin, path, length);
    runner->path[begin + length] = '\0';
    return true;
}

unsigned node_state(struct scenario_runner *runner, unsigned device, bool front)
{
    char back_path[BLKFRONT_PATH_MAX], front_path[BLKFRONT_PATH_MAX], path[BLKFRONT_PATH_MAX + 8];
    char value[8];
    size_t length = 0;

    directories(runner, device, back_path, front_path, sizeof(back_path));
    snprintf(path, sizeof(path), "%s/" BLKIF_NODE_STATE, front ? front_path : back_path);
    if (simback_store_read(runner->world, path, value, sizeof(value), &length) != 0 ||
        length != 1 || value[0] < '0' || value[0] > '8') {
        return 0;
    }
    return (unsigned)(value[0] - '0');
}
