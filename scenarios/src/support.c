/* SPDX-License-Identifier: ISC */
/*
 * Whether a subject can do what a program needs, asked before anything is played: what it cannot do
 * makes the scenario unsupported, never failed.
 */
#include <stdio.h>
#include <string.h>

#include "runner.h"

/* One need: the capability, and how the report names it. */
static bool lacks(const struct scenario_subject *subject, uint64_t capability, const char *what,
                  char *reason, size_t size)
{
    if ((subject->capabilities & capability) != 0) {
        return false;
    }
    snprintf(reason, size, "the subject %s has no %s", subject->name, what);
    return true;
}

static bool world_missing(const struct scenario_program *program,
                          const struct scenario_subject *subject, char *reason, size_t size)
{
    if (scenario_value(&program->world, FIELD_WORLD_START) != 0 &&
        lacks(subject, SCENARIO_SUBJECT_RING_START, "choice of the first ring index (I18)", reason,
              size)) {
        return true;
    }
    return scenario_value(&program->world, FIELD_WORLD_PLATFORM) == CHOICE_PLATFORM_SHARE &&
           lacks(subject, SCENARIO_SUBJECT_SHARE_ONLY, "way with platforms that can only share",
                 reason, size);
}

/* Strings of a program have no NUL. */
static bool is_number(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if (text[i] < '0' || text[i] > '9') {
            return false;
        }
    }
    return length > 0 && length < 10 && text[0] != '0';
}

/* A number, or "xvda" to "xvdp", the latter also behind "/dev/": what any frontend is asked for. */
static bool is_plain_name(const struct scenario_program *program, struct scenario_string name)
{
    const char *text = scenario_text(program, name);
    size_t length = name.length;

    if (length > 5 && memcmp(text, "/dev/", 5) == 0) {
        text += 5;
        length -= 5;
    } else if (is_number(text, length)) {
        return true;
    }
    return length == 4 && memcmp(text, "xvd", 3) == 0 && text[3] >= 'a' && text[3] <= 'p';
}

static bool connect_missing(const struct scenario_program *program,
                            const struct scenario_step *step,
                            const struct scenario_subject *subject, char *reason, size_t size)
{
    struct scenario_string name = scenario_string_of(step, FIELD_CONNECT_NAME);
    bool names = scenario_given(step, FIELD_CONNECT_NAME) && !is_plain_name(program, name);
    bool deadlines = scenario_given(step, FIELD_CONNECT_DEADLINE) ||
                     scenario_given(step, FIELD_CONNECT_REQUEST_DEADLINE);
    const struct need {
        bool needed;
        uint64_t capability;
        const char *what;
    } needs[] = {
        {names, SCENARIO_SUBJECT_NAMES, "such names of devices"},
        {deadlines, SCENARIO_SUBJECT_DEADLINES, "deadlines"},
        {scenario_value(step, FIELD_CONNECT_ABI) == CHOICE_ABI_X86_32, SCENARIO_SUBJECT_ABI_32,
         "32-bit ABI"},
        {scenario_value(step, FIELD_CONNECT_ORDER) > 0, SCENARIO_SUBJECT_RING_ORDER,
         "rings of several pages"},
        {scenario_value(step, FIELD_CONNECT_QUEUES) > 1, SCENARIO_SUBJECT_MULTI_QUEUE,
         "several queues"},
        {scenario_value(step, FIELD_CONNECT_SEGMENTS) > BLKIF_WIRE_SEGMENTS,
         SCENARIO_SUBJECT_INDIRECT, "indirect segments"},
        {scenario_value(step, FIELD_CONNECT_PERSISTENT) == CHOICE_BOOLEAN_YES,
         SCENARIO_SUBJECT_PERSISTENT, "persistent grants"},
        {scenario_value(step, FIELD_CONNECT_RECOVER) != 0, SCENARIO_SUBJECT_RECOVERY,
         "recovery of a device whose backend went away"},
    };

    for (size_t i = 0; i < sizeof(needs) / sizeof(needs[0]); i++) {
        if (needs[i].needed && lacks(subject, needs[i].capability, needs[i].what, reason, size)) {
            return true;
        }
    }
    return false;
}

static bool memory_missing(uint64_t memory, const struct scenario_subject *subject, char *reason,
                           size_t size)
{
    return memory != CHOICE_MEMORY_HEAP &&
           lacks(subject, SCENARIO_SUBJECT_MEMORY, "memory of its own", reason, size);
}

/* Who has no such flags cannot be given a read with them either. */
static bool flags_missing(uint64_t fua, uint64_t barrier, const struct scenario_subject *subject,
                          char *reason, size_t size)
{
    return (fua != 0 && lacks(subject, SCENARIO_SUBJECT_FUA, "writes with FUA", reason, size)) ||
           (barrier != 0 &&
            lacks(subject, SCENARIO_SUBJECT_BARRIER, "write barriers", reason, size));
}

static bool read_missing(const struct scenario_step *step, const struct scenario_subject *subject,
                         char *reason, size_t size)
{
    return flags_missing(scenario_value(step, FIELD_READ_FUA),
                         scenario_value(step, FIELD_READ_BARRIER), subject, reason, size) ||
           memory_missing(scenario_value(step, FIELD_READ_MEMORY), subject, reason, size);
}

static bool write_missing(const struct scenario_step *step, const struct scenario_subject *subject,
                          char *reason, size_t size)
{
    return flags_missing(scenario_value(step, FIELD_WRITE_FUA),
                         scenario_value(step, FIELD_WRITE_BARRIER), subject, reason, size) ||
           memory_missing(scenario_value(step, FIELD_WRITE_MEMORY), subject, reason, size);
}

static bool step_missing(const struct scenario_program *program, const struct scenario_step *step,
                         const struct scenario_subject *subject, char *reason, size_t size)
{
    switch (step->opcode) {
    case STEP_CONNECT: return connect_missing(program, step, subject, reason, size);
    case STEP_READ: return read_missing(step, subject, reason, size);
    case STEP_WRITE: return write_missing(step, subject, reason, size);
    case STEP_FLUSH: return lacks(subject, SCENARIO_SUBJECT_FLUSH, "flush", reason, size);
    case STEP_DISCARD: return lacks(subject, SCENARIO_SUBJECT_DISCARD, "discard", reason, size);
    case STEP_DEVICES:
        return lacks(subject, SCENARIO_SUBJECT_ENUMERATE, "list of devices", reason, size);
    case STEP_SUSPEND:
    case STEP_RESUME:
        return lacks(subject, SCENARIO_SUBJECT_SUSPEND, "suspend and resume", reason, size);
    case STEP_STATS: return lacks(subject, SCENARIO_SUBJECT_STATISTICS, "statistics", reason, size);
    case STEP_LOAD:
        return lacks(subject, SCENARIO_SUBJECT_OBSERVED, "observer of its loads", reason, size);
    default: return false;
    }
}

static bool condition_missing(const struct scenario_condition *condition,
                              const struct scenario_subject *subject, char *reason, size_t size)
{
    switch (condition->key) {
    case CONDITION_DIRECT:
    case CONDITION_COPIED:
    case CONDITION_BOUNCED:
    case CONDITION_INDIRECT:
    case CONDITION_INNER_OP_TOLERATED:
    case CONDITION_GRANTS_MADE:
    case CONDITION_GRANTS_REUSED:
    case CONDITION_REISSUED:
    case CONDITION_RECONNECTS:
    case CONDITION_COMPLETED:
    case CONDITION_TOLD_REQUESTS:
    case CONDITION_TOLD_NOTIFIES:
    case CONDITION_TOLD_EVENTS:
    case CONDITION_TOLD_SPURIOUS:
        return lacks(subject, SCENARIO_SUBJECT_STATISTICS, "statistics", reason, size);
    case CONDITION_LOADED:
        return lacks(subject, SCENARIO_SUBJECT_OBSERVED, "observer of its loads", reason, size);
    case CONDITION_TOLD_CHANGES:
        return lacks(subject, SCENARIO_SUBJECT_CHANGES, "word of what has changed", reason, size);
    default: return false;
    }
}

bool support_missing(const struct scenario_program *program, const struct scenario_subject *subject,
                     char *reason, size_t size)
{
    bool missing = subject->version != SCENARIO_SUBJECT_VERSION;

    if (missing) {
        snprintf(reason, size, "the subject %s is of another version", subject->name);
    }
    missing = missing || world_missing(program, subject, reason, size);
    for (size_t i = 0; i < program->step_count && !missing; i++) {
        missing = step_missing(program, &program->steps[i], subject, reason, size);
    }
    for (size_t i = 0; i < program->condition_count && !missing; i++) {
        missing = condition_missing(&program->conditions[i], subject, reason, size);
    }
    return missing;
}
