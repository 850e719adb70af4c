/* SPDX-License-Identifier: ISC */
/*
 * A program by seed for a frontend that can do less than libblkfront: what it lacks is not asked
 * for, and the rest of the seed's calls and troubles stays as it is. What a capability is needed
 * for is support.c's matter; here stands what can be left off without harm to the rest.
 */
#include "scenario/subject.h"
#include "scenario/swarm.h"
#include "scenario/table.h"

/* Left off are the step, or only its field. */
enum { WHOLE_STEP = UINT8_MAX };

static const struct {
    uint8_t opcode, field;
    uint64_t capability;
} needs[] = {
    {STEP_WORLD, FIELD_WORLD_START, SCENARIO_SUBJECT_RING_START},
    {STEP_WORLD, FIELD_WORLD_PLATFORM, SCENARIO_SUBJECT_SHARE_ONLY},
    {STEP_CONNECT, FIELD_CONNECT_ABI, SCENARIO_SUBJECT_ABI_32},
    {STEP_CONNECT, FIELD_CONNECT_DEADLINE, SCENARIO_SUBJECT_DEADLINES},
    {STEP_CONNECT, FIELD_CONNECT_REQUEST_DEADLINE, SCENARIO_SUBJECT_DEADLINES},
    {STEP_CONNECT, FIELD_CONNECT_ORDER, SCENARIO_SUBJECT_RING_ORDER},
    {STEP_CONNECT, FIELD_CONNECT_QUEUES, SCENARIO_SUBJECT_MULTI_QUEUE},
    {STEP_CONNECT, FIELD_CONNECT_SEGMENTS, SCENARIO_SUBJECT_INDIRECT},
    {STEP_CONNECT, FIELD_CONNECT_PERSISTENT, SCENARIO_SUBJECT_PERSISTENT},
    {STEP_CONNECT, FIELD_CONNECT_RECOVER, SCENARIO_SUBJECT_RECOVERY},
    {STEP_READ, FIELD_READ_QUEUE, SCENARIO_SUBJECT_MULTI_QUEUE},
    {STEP_READ, FIELD_READ_FUA, SCENARIO_SUBJECT_FUA},
    {STEP_READ, FIELD_READ_BARRIER, SCENARIO_SUBJECT_BARRIER},
    {STEP_READ, FIELD_READ_MEMORY, SCENARIO_SUBJECT_MEMORY},
    {STEP_WRITE, FIELD_WRITE_QUEUE, SCENARIO_SUBJECT_MULTI_QUEUE},
    {STEP_WRITE, FIELD_WRITE_FUA, SCENARIO_SUBJECT_FUA},
    {STEP_WRITE, FIELD_WRITE_BARRIER, SCENARIO_SUBJECT_BARRIER},
    {STEP_WRITE, FIELD_WRITE_MEMORY, SCENARIO_SUBJECT_MEMORY},
    {STEP_FLUSH, WHOLE_STEP, SCENARIO_SUBJECT_FLUSH},
    {STEP_FLUSH, FIELD_FLUSH_QUEUE, SCENARIO_SUBJECT_MULTI_QUEUE},
    {STEP_DISCARD, WHOLE_STEP, SCENARIO_SUBJECT_DISCARD},
    {STEP_DISCARD, FIELD_DISCARD_QUEUE, SCENARIO_SUBJECT_MULTI_QUEUE},
    {STEP_DEVICES, WHOLE_STEP, SCENARIO_SUBJECT_ENUMERATE},
    {STEP_STATS, WHOLE_STEP, SCENARIO_SUBJECT_STATISTICS},
    {STEP_SUSPEND, WHOLE_STEP, SCENARIO_SUBJECT_SUSPEND},
    {STEP_RESUME, WHOLE_STEP, SCENARIO_SUBJECT_SUSPEND},
    {STEP_LOAD, WHOLE_STEP, SCENARIO_SUBJECT_OBSERVED},
    {STEP_RING_RESPOND, FIELD_RING_RESPOND_QUEUE, SCENARIO_SUBJECT_MULTI_QUEUE},
    {STEP_RING_INDEX, FIELD_RING_INDEX_QUEUE, SCENARIO_SUBJECT_MULTI_QUEUE},
    {STEP_RING_POKE, FIELD_RING_POKE_QUEUE, SCENARIO_SUBJECT_MULTI_QUEUE},
    {STEP_EVENT_SPURIOUS, FIELD_EVENT_SPURIOUS_QUEUE, SCENARIO_SUBJECT_MULTI_QUEUE},
    {STEP_EVENT_LOSE, FIELD_EVENT_LOSE_QUEUE, SCENARIO_SUBJECT_MULTI_QUEUE},
    {STEP_EVENT_STORM, FIELD_EVENT_STORM_QUEUE, SCENARIO_SUBJECT_MULTI_QUEUE},
};

/* False: nothing of it is left. */
static bool fit(struct scenario_step *step, uint64_t capabilities)
{
    for (size_t i = 0; i < sizeof(needs) / sizeof(needs[0]); i++) {
        if (needs[i].opcode != step->opcode || (capabilities & needs[i].capability) != 0)
            continue;
        if (needs[i].field == WHOLE_STEP)
            return false;
        scenario_step_reset(step, needs[i].field);
    }
    return true;
}

void scenario_swarm_fit(struct scenario_program *program, uint64_t capabilities)
{
    size_t left = 0;

    (void)fit(&program->world, capabilities);
    for (size_t i = 0; i < program->step_count; i++) {
        if (fit(&program->steps[i], capabilities))
            program->steps[left++] = program->steps[i];
    }
    program->step_count = left;
}
